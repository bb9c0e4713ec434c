//! Rules over access: each finds what its page shows (`tests/code_pages.rs` plays the pages), none finds anything grave in
//! what lakewright makes itself, and where one of its constructions is taken out of a template, the rule that stands for it
//! complains. Waivers silence what they cover, for as long as they say, and not in the change that adds them.

#[path = "rules/cases.rs"]
mod cases;
#[path = "rules/ground.rs"]
mod ground;
#[path = "rules/reach_of_waivers.rs"]
mod reach_of_waivers;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ground::{Lake, codes, lakes, role, run, state, statements, without, words};
use jiff::civil::{Date, date};
use lakewright::catalogue::watched::{set, watched};
use lakewright::diagnostic::Code;
use lakewright::rules::{Around, Finding, RULES, Severity, Waiver, judge};
use lakewright::verdict::{
    Decision, Document as Policy, Kind, Reach, Request, Requester, Standing, evaluate,
};
use serde_json::{Value, json};

/// What is wrong with a role that has these statements.
fn of_role(statements: Value) -> BTreeSet<&'static str> {
    codes(&run(&state(json!({"Role": role(statements)})), &Around::default()))
}

#[test]
fn rules_and_their_pages_agree() {
    assert!(RULES.len() >= 20, "{}", RULES.len());
    assert!(RULES.is_sorted_by_key(|rule| rule.code));
    for rule in RULES {
        let page = rule.code.explanation();
        assert!(page.contains(&format!("\nSeverity: {}.", rule.severity)), "{}", rule.code);
        let waivable = page.contains("Can be silenced by a waiver.");
        assert_eq!(waivable, rule.waivable, "{}", rule.code);
        let named: BTreeSet<&str> = page
            .split("It answers ")
            .nth(1)
            .map(|rest| rest.split(".\n").next().unwrap_or(rest))
            .map(|list| list.split('[').skip(1).filter_map(|one| one.split(']').next()).collect())
            .unwrap_or_default();
        let own: BTreeSet<&str> = rule.controls.iter().map(|control| control.id).collect();
        assert_eq!(named, own, "{}", rule.code);
        for control in rule.controls {
            assert!(page.contains(control.source), "{}", rule.code);
            assert!(control.source.starts_with("https://docs.aws.amazon.com/"), "{}", rule.code);
        }
    }
}

#[test]
fn nothing_grave_is_found_in_what_lakewright_makes() {
    // what is worth knowing of a lake under Lake Formation, and nothing else
    let known = BTreeSet::from(["LW0459", "LW0460", "LW0461"]);
    for lake in lakes() {
        let found = lake.findings();
        let grave: Vec<String> = found
            .iter()
            .filter(|one| {
                one.rule.severity != Severity::Low || !known.contains(one.rule.code.as_str())
            })
            .map(|one| format!("{} {} {}", one.rule.code, one.subject, one.message))
            .collect();
        assert!(grave.is_empty(), "{}: {grave:#?}", lake.name);
    }
}

/// Bends each policy of a type at each statement that `bend` changes, and holds the rule to it; how often.
fn bent(
    lakes: &[Lake],
    (kind, property): (&str, &str),
    code: &str,
    bend: impl Fn(&mut Value) -> bool,
) -> usize {
    let mut count = 0;
    for lake in lakes {
        for place in lake.of(kind) {
            let (at, id) = &place;
            let mut own = lake.stacks[*at].template["Resources"][id.as_str()]["Properties"].clone();
            let changed: Vec<bool> =
                statements(&mut own, property).into_iter().map(&bend).collect();
            for (index, _) in changed.iter().enumerate().filter(|(_, changed)| **changed) {
                let other = lake.bent(&place, |properties| {
                    bend(statements(properties, property).remove(index));
                });
                assert!(other.breaks(code), "{} {id} {index}", lake.name);
                count += 1;
            }
        }
    }
    count
}

const POLICIES: [(&str, &str); 3] = [
    ("AWS::S3::BucketPolicy", "PolicyDocument"),
    ("AWS::KMS::Key", "KeyPolicy"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument"),
];
const TRUST: (&str, &str) = ("AWS::IAM::Role", "AssumeRolePolicyDocument");
const IDENTITY: (&str, &str) = ("AWS::IAM::ManagedPolicy", "PolicyDocument");

/// T3. Every Allow to a service says for whom it may act, or AWS documents that the service sends no key; without that
/// condition the rule finds it.
#[test]
fn a_service_without_its_source_is_found() {
    let lakes = lakes();
    let bend = |statement: &mut Value| {
        let of_service = statement["Principal"].get("Service").is_some();
        let allow = statement["Effect"] == "Allow";
        allow
            && of_service
            && statement.as_object_mut().is_some_and(|it| {
                it.get("Condition").is_some_and(|all| all.to_string().contains("aws:Source"))
                    && it.remove("Condition").is_some()
            })
    };
    let count: usize =
        POLICIES.iter().chain([&TRUST]).map(|kind| bent(&lakes, *kind, "LW0475", bend)).sum();
    assert!(count >= 20, "{count}");
}

/// T3. What the rule takes for a service that sends nothing is what the table of services says, both ways.
#[test]
fn silent_services_are_those_of_the_table() {
    let table = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/service-conditions.md"),
    )
    .expect("the table");
    let mut silent = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let service = cells[1].split('`').nth(1).expect("a service").to_owned();
        let on = if cells[0].contains("trust-") { "trust" } else { "policy" };
        // CloudWatch Logs names the log group in the encryption context
        if cells[2].starts_with("no") && !cells[4].contains("EncryptionContext") {
            silent.insert((service, on));
        }
    }
    let known: BTreeSet<_> = watched()
        .silent
        .iter()
        .map(|one| (one.service.clone(), if one.on == "trust" { "trust" } else { "policy" }))
        .collect();
    // and one that no document of ours lets in
    let more: Vec<_> = known.difference(&silent).collect();
    assert_eq!(more, [&("ec2.amazonaws.com".to_owned(), "trust")]);
    assert!(table.contains("`ec2.amazonaws.com`") && silent.is_subset(&known));
}

/// T4. Another account that assumes a role of ours is found, unless an external id or the organization is asked for.
#[test]
fn a_third_party_without_an_external_id_is_found() {
    let lakes = lakes();
    let foreign = |condition: Option<Value>| {
        move |statement: &mut Value| {
            statement["Principal"] = json!({"AWS": "arn:aws:iam::999988887777:root"});
            statement["Action"] = json!("sts:AssumeRole");
            let map = statement.as_object_mut().expect("a statement");
            map.remove("Condition");
            map.extend(condition.clone().map(|one| ("Condition".to_owned(), one)));
            true
        }
    };
    assert!(bent(&lakes, TRUST, "LW0474", foreign(None)) >= 20);
    let lake = &lakes[0];
    for condition in [
        json!({"StringEquals": {"sts:ExternalId": "acme-7f3a"}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
    ] {
        let Some(place) = lake.of(TRUST.0).into_iter().next() else { continue };
        let other = lake.bent(&place, |properties| {
            foreign(Some(condition))(statements(properties, TRUST.1).remove(0));
        });
        assert!(!other.breaks("LW0474"));
    }
}

/// T5. Every identity statement on S3 names the account that owns the bucket.
#[test]
fn s3_without_the_owner_is_found() {
    let bend = |statement: &mut Value| {
        statement["Effect"] == "Allow" && without(statement, "aws:ResourceAccount")
    };
    let lakes = lakes();
    assert!(bent(&lakes, IDENTITY, "LW0449", bend) >= 40);
    // the one service configuration of ours that can name the owner it expects
    for lake in &lakes {
        for (at, id) in lake.of("AWS::Athena::WorkGroup") {
            let text = lake.stacks[at].template["Resources"][id.as_str()].to_string();
            assert!(text.contains("ExpectedBucketOwner"), "{} {id}", lake.name);
        }
    }
}

/// T6. Whoever is granted a part of a table and gets at its files is found, and no waiver helps.
#[test]
fn files_of_a_restricted_table_are_found() {
    let mut seen = 0;
    for lake in lakes() {
        for place in lake.of("AWS::LakeFormation::PrincipalPermissions") {
            let (at, id) = &place;
            let grant = &lake.stacks[*at].template["Resources"][id.as_str()]["Properties"];
            let columns = &grant["Resource"]["TableWithColumns"]["ColumnNames"];
            let who = grant["Principal"]["DataLakePrincipalIdentifier"].as_str().unwrap_or("");
            let Some((_, role)) = who.split_once(":role/") else { continue };
            if columns.as_array().is_none_or(Vec::is_empty) {
                continue;
            }
            let more = json!({
                "Type": "AWS::IAM::Policy",
                "Properties": {"PolicyName": "more", "Roles": [role], "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
                }}
            });
            // where there is a key, it decides too
            let mut other = lake.with("More", more);
            for place in other.of("AWS::KMS::Key") {
                other = other.bent(&place, |properties| {
                    let list = properties["KeyPolicy"]["Statement"].as_array_mut();
                    list.expect("a list").push(json!({
                        "Effect": "Allow", "Principal": {"AWS": who}, "Action": "kms:Decrypt", "Resource": "*"
                    }));
                });
            }
            let found = other.findings();
            assert!(codes(&found).contains("LW0458"), "{} {id}", lake.name);
            let waiver = waiver("LW0458", who, date(2099, 1, 1));
            let waivers = [waiver];
            let judged = judge(&waivers, &waivers, found.clone(), TODAY);
            assert!(judged.open.iter().any(|one| one.rule.code.as_str() == "LW0458"));
            seen += 1;
        }
    }
    assert!(seen >= 1, "no example grants columns to a role");
}

/// T9. A role is handed to one service, and policies are not written without a boundary.
#[test]
fn roles_handed_to_any_service_are_found() {
    let one = "arn:aws:iam::111122223333:role/clean";
    let to = json!({"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}});
    let pass = |resource: &str, condition: &Value| {
        of_role(
            json!([{"Effect": "Allow", "Action": "iam:PassRole", "Resource": resource, "Condition": condition}]),
        )
    };
    assert!(!pass(one, &to).contains("LW0448"));
    assert!(pass(one, &json!({})).contains("LW0448"));
    assert!(pass("*", &to).contains("LW0448"));
    assert!(pass("arn:aws:iam::111122223333:role/*", &to).contains("LW0448"));
    for action in &set("edit_policies").actions {
        let bare = of_role(json!([{"Effect": "Allow", "Action": action, "Resource": "*"}]));
        assert!(bare.contains("LW0447"), "{action}");
        let held = json!({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/wall"}});
        let held = of_role(
            json!([{"Effect": "Allow", "Action": action, "Resource": "*", "Condition": held}]),
        );
        assert!(!held.contains("LW0447"), "{action}");
    }
}

/// What is open to everybody is found where it is open: not behind a block, a Deny or a condition on who asks.
#[test]
fn open_is_what_strangers_get_through() {
    let public = |block: bool, statements: Value| {
        let all =
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
        let block: serde_json::Map<String, Value> =
            all.iter().map(|key| ((*key).to_owned(), json!(block))).collect();
        let found = run(
            &state(json!({
                "Raw": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "raw", "PublicAccessBlockConfiguration": block}},
                "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "raw", "PolicyDocument": {
                    "Version": "2012-10-17", "Statement": statements
                }}}
            })),
            &Around::default(),
        );
        codes(&found).contains("LW0472")
    };
    let open = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::raw/*"});
    let with = |condition: Value| {
        let mut one = open.clone();
        one["Condition"] = condition;
        one
    };
    assert!(public(false, json!([open])));
    assert!(!public(true, json!([open])), "the block restricts it to the account");
    let deny = |condition: Value| json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::raw/*", "Condition": condition});
    let outside = json!({"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}});
    assert!(!public(false, json!([open, deny(outside)])), "a Deny keeps strangers out");
    let plain = json!({"Bool": {"aws:SecureTransport": "false"}});
    assert!(public(false, json!([open, deny(plain)])), "with TLS they get in");
    for (condition, still) in [
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}), false),
        (json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}), true),
        (json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}), true),
        (json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), false),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), true),
        (json!({"StringEquals": {"aws:Referer": "https://example.com"}}), true),
    ] {
        assert_eq!(public(false, json!([with(condition.clone())])), still, "{condition}");
    }
    let mut all_but = open.clone();
    all_but["NotPrincipal"] = json!({"AWS": "111122223333"});
    all_but.as_object_mut().expect("a statement").remove("Principal");
    assert!(public(false, json!([all_but])), "all but one account is everybody");
}

/// T9. What a boundary or a Deny takes away again is not found.
#[test]
fn what_a_deny_takes_away_is_not_found() {
    let all = json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"});
    assert!(of_role(json!([all])).contains("LW0447"));
    let deny = json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"});
    assert!(!of_role(json!([all, deny])).contains("LW0447"));
    let mut walled = role(json!([all]));
    walled["Properties"]["PermissionsBoundary"] = json!({"Ref": "Wall"});
    let wall = json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    }}});
    let within = run(&state(json!({"Role": walled, "Wall": wall})), &Around::default());
    assert!(!codes(&within).contains("LW0447"), "{within:?}");
}

/// T10. Data keys are used through the service, and grants are for services only.
#[test]
fn keys_for_everybody_and_grants_for_anybody_are_found() {
    let lakes = lakes();
    let used = |statement: &Value| {
        words(statement, "Action").iter().any(|one| set("use_key").actions.contains(one))
    };
    let mut through = 0;
    for lake in &lakes {
        for (kind, property) in [POLICIES[1], IDENTITY] {
            for (at, id) in lake.of(kind) {
                let mut own =
                    lake.stacks[at].template["Resources"][id.as_str()]["Properties"].clone();
                for statement in statements(&mut own, property) {
                    let service = statement["Principal"].get("Service").is_some();
                    if statement["Effect"] == "Allow" && used(statement) && !service {
                        let text = statement["Condition"].to_string();
                        let bound = text.contains("kms:ViaService")
                            || text.contains("kms:EncryptionContext");
                        assert!(bound, "{} {id}: {statement}", lake.name);
                        through += 1;
                    }
                }
            }
        }
    }
    assert!(through >= 30, "{through}");
    let whole = |statement: &mut Value| {
        let root = statement["Sid"] == "KeyRoot";
        statement["Action"] = json!("kms:*");
        root
    };
    assert!(bent(&lakes, POLICIES[1], "LW0451", whole) >= 7);
    let grants = |statement: &mut Value| {
        let text = statement["Principal"].to_string();
        let other = text.contains(":role/") || text.contains("*");
        statement["Action"] = json!(["kms:CreateGrant"]);
        other && statement["Effect"] == "Allow"
    };
    assert!(bent(&lakes, POLICIES[1], "LW0454", grants) >= 7);
}

/// T12. Whatever leaves nobody able to change a policy is found.
#[test]
fn locking_oneself_out_is_found() {
    let lakes = lakes();
    // once in each policy
    let nobody = |statement: &mut Value| {
        let first = matches!(statement["Sid"].as_str(), Some("DenyInsecureTransport" | "KeyRoot"));
        *statement = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
        first
    };
    let buckets = bent(&lakes, POLICIES[0], "LW0471", nobody);
    let keys = bent(&lakes, POLICIES[1], "LW0471", nobody);
    assert!(buckets >= 20 && keys >= 10, "{buckets} {keys}");
    // the statements that keep the key in somebody's hands, all of them together
    for lake in &lakes {
        let bypasses = |stack: &ground::Stack| {
            stack.template.to_string().contains("BypassPolicyLockoutSafetyCheck")
        };
        assert!(!lake.stacks.iter().any(bypasses), "{}", lake.name);
        for place in lake.of("AWS::KMS::Key") {
            let other = lake.bent(&place, |properties| {
                for statement in statements(properties, "KeyPolicy") {
                    let mut actions = words(statement, "Action");
                    actions.retain(|one| one != "kms:PutKeyPolicy");
                    statement["Action"] = json!(actions);
                }
            });
            assert!(other.breaks("LW0471"), "{} {}", lake.name, place.1);
        }
    }
}

/// T13. Nobody but log delivery writes or deletes where access logs go, and no bucket logs into itself.
#[test]
fn log_buckets_in_other_hands_are_found() {
    let lakes = lakes();
    let delivery =
        |statement: &Value| statement["Principal"]["Service"] == "logging.s3.amazonaws.com";
    let itself = |statement: &mut Value| {
        let delivery = delivery(statement);
        if delivery {
            statement["Condition"]["ArnEquals"]["aws:SourceArn"] =
                statement["Resource"][0]["Fn::Join"][1][0].clone();
        }
        delivery
    };
    let logged = bent(&lakes, POLICIES[0], "LW0457", itself);
    assert!(logged >= 7, "{logged}");
    let mut seen = 0;
    for lake in &lakes {
        for place in lake.of(POLICIES[0].0) {
            let mut own =
                lake.stacks[place.0].template["Resources"][&place.1]["Properties"].clone();
            let found = statements(&mut own, POLICIES[0].1)
                .iter()
                .find(|one| delivery(one))
                .map(|one| one["Resource"].clone());
            let Some(resource) = found else { continue };
            for action in ["s3:DeleteObject", "s3:PutObject"] {
                let other = lake.bent(&place, |properties| {
                    let list = properties["PolicyDocument"]["Statement"].as_array_mut().expect("a list");
                    list.push(json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/tidy"}, "Action": action, "Resource": resource}));
                });
                assert!(other.breaks("LW0457"), "{} {}", lake.name, place.1);
                seen += 1;
            }
        }
    }
    assert!(seen >= 7, "{seen}");
}

/// T14. Lakewright makes no share of its own, and one that leaves the organization is found.
#[test]
fn shares_that_leave_the_organization_are_found() {
    assert!(lakes().iter().all(|lake| lake.of("AWS::RAM::").is_empty()));
    let share = |setting: Value| {
        let mut properties = json!({"Name": "sales", "Principals": ["999988887777"]});
        if !setting.is_null() {
            properties["AllowExternalPrincipals"] = setting;
        }
        let share = json!({"Share": {"Type": "AWS::RAM::ResourceShare", "Properties": properties}});
        codes(&run(&state(share), &Around::default()))
    };
    assert!(share(Value::Null).contains("LW0469"));
    assert!(share(json!(true)).contains("LW0469"));
    assert!(!share(json!(false)).contains("LW0469"));
    assert!(share(json!(false)).contains("LW0470"), "what is shared is not modelled");
}

/// T15. Data locations, Super, grant options and administrators are told, each.
#[test]
fn data_locations_and_what_is_given_on_are_told() {
    let (mut locations, mut given) = (0, 0);
    for lake in lakes() {
        let found = lake.findings();
        let has = |code: &str, place: &str, what: &str| {
            let fits =
                |one: &&Finding| one.rule.code.as_str() == code && one.origin.logical_id == place;
            assert!(found.iter().any(|one| fits(&one)), "{} {place}: {what}", lake.name);
        };
        for (at, id) in lake.of("AWS::LakeFormation::PrincipalPermissions") {
            let grant = &lake.stacks[at].template["Resources"][id.as_str()]["Properties"];
            if words(grant, "Permissions").contains(&"DATA_LOCATION_ACCESS".to_owned()) {
                has("LW0460", &id, "a data location");
                locations += 1;
            }
            if !words(grant, "PermissionsWithGrantOption").is_empty() {
                has("LW0461", &id, "a grant option");
                given += 1;
            }
            let other = lake.bent(&(at, id.clone()), |grant| grant["Permissions"] = json!(["ALL"]));
            let told = other.findings();
            let fits =
                |one: &Finding| one.rule.code.as_str() == "LW0461" && one.origin.logical_id == id;
            assert!(told.iter().any(fits), "{} {id}", lake.name);
        }
        for (_, id) in lake.of("AWS::LakeFormation::DataLakeSettings") {
            has("LW0461", &id, "an administrator");
        }
    }
    assert!(locations >= 3 && given >= 3, "{locations} {given}");
}

/// T16. Whoever may take what Lake Formation grants has a grant.
#[test]
fn data_access_without_a_grant_is_found() {
    let mut seen = 0;
    for lake in lakes() {
        assert!(!lake.breaks("LW0462"), "{}", lake.name);
        let holds = lake
            .stacks
            .iter()
            .any(|stack| stack.template.to_string().contains("lakeformation:GetDataAccess"));
        if !holds {
            continue;
        }
        let mut other = lake.clone();
        for stack in &mut other.stacks {
            let all = stack.template["Resources"].as_object_mut().expect("resources");
            all.retain(|_, one| one["Type"] != "AWS::LakeFormation::PrincipalPermissions");
        }
        assert!(other.breaks("LW0462"), "{}", lake.name);
        seen += 1;
    }
    assert!(seen >= 1);
    let words =
        lakewright::rules::in_words("lakeformation:GetDataAccess").expect("it is put into words");
    assert!(words.contains("unlocks every grant"));
}

/// T18. Defaults that leave new databases and tables to IAM are found, and what `IAMAllowedPrincipals` holds.
#[test]
fn what_is_left_to_iam_is_found() {
    let mut seen = 0;
    for lake in lakes() {
        for place in lake.of("AWS::LakeFormation::DataLakeSettings") {
            for key in ["CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"] {
                let everybody = json!({"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"});
                let other = lake.bent(&place, |settings| {
                    settings[key] = json!([{"Principal": everybody, "Permissions": ["ALL"]}]);
                });
                assert!(other.breaks("LW0463"), "{} {key}", lake.name);
                seen += 1;
            }
        }
        for place in lake.of("AWS::LakeFormation::PrincipalPermissions").into_iter().take(3) {
            let other = lake.bent(&place, |grant| {
                grant["Principal"]["DataLakePrincipalIdentifier"] = json!("IAM_ALLOWED_PRINCIPALS");
            });
            assert!(other.breaks("LW0463"), "{}", lake.name);
        }
    }
    assert!(seen >= 4, "{seen}");
}

/// T19. Uploads to buckets with a key of their own are held to it, in the templates that are made: other
/// encryption, AWS's own key and keys of the caller are refused, and an upload that asks for nothing is not.
#[test]
fn uploads_that_ask_for_another_encryption_are_refused() {
    let mut seen = 0;
    for lake in lakes() {
        let state = lake.state();
        let encrypted = state.resources.iter().filter(|(_, one)| {
            one.kind == "AWS::S3::Bucket" && one.key.is_some() && one.origin.is_some()
        });
        // what S3 copies somewhere keeps to the rule of replication
        let copies =
            |name: &String| state.transfers.iter().any(|it| it.role.is_some() && it.to == *name);
        for (bucket, one) in encrypted.filter(|(name, _)| !copies(name)) {
            let documents: Vec<Policy> = one
                .policies
                .iter()
                .map(|held| Policy::read(&held.document, Kind::Resource).expect("a policy"))
                .collect();
            let answer = |context: &[(&str, &str)]| {
                let always =
                    [("aws:SecureTransport", "true"), ("aws:PrincipalAccount", &*lake.account)];
                let request = Request {
                    principal: Some(Requester::read(
                        "AWS",
                        &format!("arn:aws:iam::{}:role/loader", lake.account),
                    )),
                    standing: Standing::Delegated,
                    action: "s3:PutObject".to_owned(),
                    resource: Some(format!("{bucket}/x")),
                    context: always
                        .iter()
                        .chain(context)
                        .map(|(key, value)| {
                            (
                                key.to_ascii_lowercase(),
                                ((*key).to_owned(), vec![(*value).to_owned()]),
                            )
                        })
                        .collect(),
                    tokens: Vec::new(),
                };
                evaluate(&documents, &request, Reach::Whole)
            };
            let kind = "s3:x-amz-server-side-encryption";
            let customer = ("s3:x-amz-server-side-encryption-customer-algorithm", "AES256");
            assert_ne!(answer(&[]), Decision::Denied, "{} {bucket}", lake.name);
            for refused in [vec![(kind, "AES256")], vec![(kind, "aws:kms")], vec![customer]] {
                assert_eq!(
                    answer(&refused),
                    Decision::Denied,
                    "{} {bucket} {refused:?}",
                    lake.name
                );
            }
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}

/// T20. Writing never comes with what undoes versions, retention, lifecycle or replication.
#[test]
fn writing_with_what_undoes_is_found() {
    let lakes = lakes();
    for action in &set("undo_lock").actions {
        let bend = |statement: &mut Value| {
            let mut actions = words(statement, "Action");
            let writes =
                statement["Effect"] == "Allow" && actions.iter().any(|one| one == "s3:PutObject");
            actions.push(action.clone());
            statement["Action"] = json!(actions);
            // rules of lifecycle and replication are the bucket's: on objects alone they give nothing
            if writes && action.ends_with("Configuration") {
                let mut resources = words(statement, "Resource");
                resources.push("arn:aws:s3:::*".to_owned());
                statement["Resource"] = json!(resources);
            }
            writes
        };
        let count = bent(&lakes, IDENTITY, "LW0465", bend);
        assert!(count >= 5, "{action}: {count}");
    }
}

/// T21. Session tags are given only when they are named; and source identities, where a policy asks for them.
#[test]
fn free_session_tags_are_found() {
    let lakes = lakes();
    let free = |action: &'static str| {
        move |statement: &mut Value| {
            statement["Action"] = json!(["sts:AssumeRole", action]);
            statement.as_object_mut().expect("a statement").remove("Condition");
            true
        }
    };
    assert!(bent(&lakes, TRUST, "LW0466", free("sts:TagSession")) >= 20);
    // nothing tests it: it is for CloudTrail
    let lake = lakes.iter().find(|lake| !lake.of(TRUST.0).is_empty()).expect("a role");
    let place = lake.of(TRUST.0).remove(0);
    let identity = lake.bent(&place, |properties| {
        free("sts:SetSourceIdentity")(statements(properties, TRUST.1).remove(0));
    });
    assert!(!identity.breaks("LW0466"));
    let tests = json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Roles": ["somebody"], "PolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceIdentity": "alice"}}}]
    }}});
    assert!(identity.with("Tests", tests).breaks("LW0466"));
}

/// T24. What no rule reads is said, by name.
#[test]
fn what_is_not_read_is_told() {
    let vault = json!({"Vault": {"Type": "AWS::Backup::BackupVault", "Properties": {
        "BackupVaultName": "v", "AccessPolicy": {"Version": "2012-10-17", "Statement": []}
    }}});
    let found = run(&state(vault), &Around::default());
    let told = found.iter().find(|one| one.rule.code.as_str() == "LW0470").expect("it is told");
    assert_eq!(
        (told.subject.as_str(), told.kind.as_str()),
        ("one/Vault", "AWS::Backup::BackupVault")
    );
    let broken =
        json!({"Role": role(json!([{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]))});
    assert!(codes(&run(&state(broken), &Around::default())).contains("LW0470"));
}

// --- waivers ------------------------------------------------------------------

const TODAY: Date = date(2026, 11, 23);

fn waiver(rule: &str, on: &str, until: Date) -> Waiver {
    Waiver {
        rule: rule.to_owned(),
        on: on.to_owned(),
        reason: "its readers are external tools".to_owned(),
        until,
        path: "waivers[0]".to_owned(),
    }
}

/// A finding with an origin of a spec.
fn finding() -> Finding {
    let mut found = run(
        &state(
            json!({"Role": role(json!([{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::a/*"}]))}),
        ),
        &Around::default(),
    );
    let mut one = found.remove(
        found.iter().position(|one| one.rule.code.as_str() == "LW0449").expect("it is found"),
    );
    one.origin.path = "access.loaders".to_owned();
    one.place_path = "buckets.raw".to_owned();
    one
}

#[test]
fn a_waiver_silences_what_it_names_until_its_day() {
    let one = finding();
    let later = date(2027, 3, 1);
    for (on, fits) in [
        ("access.loaders", true),
        ("access", true),
        ("buckets.raw", true),
        ("buckets.ra", false),
        ("access.load", false),
        ("access.loaders.write", false),
        ("role/tested", true),
        ("111122223333:role/tested", true),
        ("999988887777:role/tested", false),
        ("arn:aws:iam::111122223333:role/tested", true),
        ("role/other", false),
        ("", false),
    ] {
        let waivers = [waiver("LW0449", on, later)];
        let judged = judge(&waivers, &waivers, vec![one.clone()], TODAY);
        assert_eq!(judged.waived.len(), usize::from(fits), "{on}");
        assert_eq!(judged.open.len(), usize::from(!fits), "{on}");
        assert_eq!(judged.unused.len(), usize::from(!fits), "{on}");
    }
    let judge_on = |until: Date| {
        let waivers = [waiver("LW0449", "role/tested", until)];
        judge(&waivers, &waivers, vec![one.clone()], TODAY)
    };
    // its last day counts, the next does not
    assert_eq!(judge_on(TODAY).open.len(), 0);
    let expired = judge_on(date(2026, 11, 22));
    assert_eq!((expired.open.len(), expired.expired.len(), expired.unused.len()), (1, 1, 0));
    // within thirty days it is said
    assert_eq!(judge_on(date(2026, 12, 23)).expiring.first().map(|one| one.days), Some(30));
    assert!(judge_on(date(2026, 12, 24)).expiring.is_empty());
    let other = [waiver("LW0447", "role/tested", later)];
    assert_eq!(judge(&other, &other, vec![one], TODAY).open.len(), 1, "another rule");
}

/// T23.
#[test]
fn a_waiver_of_the_same_change_silences_nothing() {
    let one = finding();
    let (soon, later) = (date(2027, 1, 1), date(2028, 1, 1));
    let judged = |old: &[Waiver], new: &[Waiver]| judge(old, new, vec![one.clone()], TODAY);
    let narrow = waiver("LW0449", "access.loaders", soon);
    // there before: silent
    let before = judged(std::slice::from_ref(&narrow), std::slice::from_ref(&narrow));
    assert_eq!((before.open.len(), before.new_waivers.len()), (0, 0));
    // added, extended, widened, or of another rule before: open, and listed as new
    for old in [
        vec![],
        vec![waiver("LW0449", "access.loaders", date(2026, 12, 31))],
        vec![waiver("LW0449", "access.loaders.write", later)],
        vec![waiver("LW0447", "access.loaders", later)],
    ] {
        let now = judged(&old, std::slice::from_ref(&narrow));
        assert_eq!(now.open.len(), 1, "{old:?}");
        assert_eq!(now.new_waivers.len(), 1, "{old:?}");
        assert_eq!(now.new_waivers[0].covers, 1);
        let same = old.first().is_some_and(|old| old.rule == "LW0449");
        assert_eq!(now.new_waivers[0].before.is_some(), same);
    }
    // shortened, or narrowed: what was waived before still is
    for old in [waiver("LW0449", "access.loaders", later), waiver("LW0449", "access", soon)] {
        let now = judged(&[old], std::slice::from_ref(&narrow));
        assert_eq!((now.open.len(), now.new_waivers.len()), (0, 0));
    }
    // taken out: open at once
    assert_eq!(judged(std::slice::from_ref(&narrow), &[]).open.len(), 1);
    // another reason is no extension
    let reworded = Waiver { reason: "as agreed".to_owned(), ..narrow.clone() };
    assert_eq!(judged(&[narrow], &[reworded]).new_waivers.len(), 0);
}

#[test]
fn every_code_of_a_rule_has_a_page() {
    for rule in RULES {
        assert!(Code::parse(rule.code.as_str()).is_some());
        assert!(!rule.title.is_empty() && rule.why.ends_with('.'), "{}", rule.code);
    }
}

/// Names come from templates of others: what they hold reaches no terminal as it is.
#[test]
fn names_are_shown_without_what_moves_a_cursor() {
    let name = "\u{1b}[2Jroot\u{202e}";
    let mut one = role(json!([{"Effect": "Allow", "Action": "*", "Resource": format!("{name}*")},
        {"Effect": "Allow", "Action": "iam:*", "Resource": name}]));
    one["Properties"]["RoleName"] = json!(name);
    let found = run(&state(json!({"Role": one})), &Around::default());
    assert!(found.iter().any(|one| one.message.contains(name)));
    let judged = judge(&[], &[], found, TODAY);
    let place = |_: &str| None;
    let text = lakewright::render::access_rules::text(&lakewright::render::access_rules::View {
        judged: &judged,
        place: &place,
    });
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}
