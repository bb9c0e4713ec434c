//! The access cases of the examples as a whole: no grant and no role without cases, and the organization
//! perimeter takes nothing from anybody who is let in.
//!
//! What the cases say is decided in `judges.rs`. Here they are counted: for each grant of each example in
//! each environment there has to be who gets it and who does not (`wanted` lists the refusals), and for
//! each role that the lake makes, who takes it and what it does. Then the same cases are decided once
//! more, on the same lakes with a perimeter around every bucket.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lakewright::compile::understand;
use lakewright::lake::Lake;
use lakewright::lake::access::Verb;
use lakewright::lake::formation::Through;
use lakewright::lake::places::{Location, Place};
use lakewright::names::Name;
use lakewright::resolve::environments;
use lakewright::source::Sources;
use lakewright::spec::reference::Principal;
use lakewright::syntax::{Entry, Kind, Node, parse};
use support::access::{self, Asked};
use support::simulator::Request;
use support::spec_text::{self, Order};
use support::template::{Folder, Origin};

struct Example {
    folder: PathBuf,
    tree: Node,
    cases: Vec<PathBuf>,
}

fn examples() -> Vec<Example> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(root).expect("examples are part of the crate").flatten();
    let mut folders: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders.into_iter().map(example).collect()
}

fn example(folder: PathBuf) -> Example {
    let spec = folder.join("lake.yaml");
    let mut sources = Sources::default();
    let text = fs::read_to_string(&spec).expect("every example has a lake.yaml");
    let file = sources.add(spec.display().to_string(), text);
    let (tree, found) = parse(&sources, file);
    assert!(!found.has_errors(), "{}", spec.display());
    let entries = fs::read_dir(folder.join("access")).into_iter().flatten().flatten();
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "{} has no access cases", folder.display());
    Example { folder, tree, cases }
}

impl Example {
    fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the spec means in each environment.
    fn lakes(&self) -> Vec<(String, Lake)> {
        let lake = |name: &str| {
            let understood = understand(&self.tree, name);
            assert!(!understood.diagnostics.has_errors(), "{:?}", understood.diagnostics);
            (name.to_owned(), understood.lake.expect("a valid spec is a lake"))
        };
        environments(&self.tree).into_iter().map(lake).collect()
    }
}

/// Who asks, as the request itself says.
fn account_of(step: &Request) -> &str {
    step.context.get("aws:PrincipalAccount").and_then(|v| v.as_str()).unwrap_or_default()
}

fn path_of(step: &Request) -> &str {
    let paths = step.context.get("aws:PrincipalOrgPaths");
    paths.and_then(|v| v[0].as_str()).unwrap_or_default()
}

/// Whether the asker is who a grant names.
fn is(lake: &Lake, who: &Principal, step: &Request) -> bool {
    let arn = |account: &Option<_>, kind: &str, name: &str| {
        step.principal.as_deref() == Some(&lake.home.iam_arn(account.as_ref(), kind, name))
    };
    let path = path_of(step);
    match who {
        Principal::Role { account, name } => arn(account, "role", name),
        Principal::User { account, name } => arn(account, "user", name),
        Principal::Account(account) => account_of(step) == account.as_str(),
        Principal::OrganizationalUnit(unit) => {
            path.split('/').any(|part| part == unit) && in_organization(lake, step)
        }
        Principal::Organization => {
            in_organization(lake, step) && account_of(step) != lake.home.account.as_str()
        }
        Principal::Service(_)
        | Principal::Saml { .. }
        | Principal::IdentityCenter { .. }
        | Principal::Declared(_) => false,
    }
}

fn in_organization(lake: &Lake, step: &Request) -> bool {
    let id = lake.organization.as_ref().map(|found| found.id.value.0.as_str());
    id.is_some() && path_of(step).split('/').next() == id
}

fn is_own(lake: &Lake, who: &Principal) -> bool {
    match who {
        Principal::Role { account, .. } | Principal::User { account, .. } => {
            account.as_ref().is_none_or(|account| *account == lake.home.account)
        }
        _ => false,
    }
}

/// The action that a level of access to objects is known by, and one that it must not give.
fn actions(verb: Verb) -> (&'static str, &'static str) {
    match verb {
        Verb::Read => ("s3:GetObject", "s3:PutObject"),
        Verb::Write => ("s3:PutObject", "s3:GetObject"),
        Verb::Delete => ("s3:DeleteObject", "s3:PutObject"),
        Verb::Admin => ("s3:PutObjectTagging", "s3:PutBucketPolicy"),
    }
}

/// A refusal that a grant needs: a name for it, and the cases that show it.
type Wanted<'a> = (&'static str, Box<dyn Fn(&Asked) -> bool + 'a>);

/// The cases that a grant on objects needs.
fn on_objects<'a>(
    lake: &'a Lake,
    who: &'a Principal,
    verb: Verb,
    place: &'a Location,
) -> Vec<Wanted<'a>> {
    let bucket = &lake.buckets[&place.bucket];
    let root = lake.home.s3_arn(&bucket.bucket_name, "");
    let inside = format!("{root}/{}", place.prefix);
    let (gives, refuses) = actions(verb);
    let asks = move |asked: &Asked,
                     action: &str,
                     there: &dyn Fn(&str) -> bool,
                     who_fits: &dyn Fn(&Request) -> bool| {
        let fits = |step: &Request| {
            step.action.eq_ignore_ascii_case(action) && there(&step.resource) && who_fits(step)
        };
        asked.steps.iter().any(fits)
    };
    let here = move |inside: &str| {
        let inside = inside.to_owned();
        move |resource: &str| resource.starts_with(&inside)
    };
    let them = move |step: &Request| is(lake, who, step);
    let varied =
        |asked: &Asked, word: &str| asked.variations.iter().any(|variation| variation == word);
    let plain = |asked: &Asked| asked.variations.iter().all(|v| v.starts_with("at "));
    let both = |word: &'static str| -> Wanted<'a> {
        let there = here(&inside);
        (
            word,
            Box::new(move |asked| {
                !asked.want && varied(asked, word) && asks(asked, gives, &there, &them)
            }),
        )
    };
    let there = here(&inside);
    let mut wanted: Vec<Wanted> = vec![(
        "allowed with both halves",
        Box::new(move |asked| asked.want && plain(asked) && asks(asked, gives, &there, &them)),
    )];
    wanted.push(both("without TLS"));
    wanted.push(both("without identity policies"));
    // to delete takes no key
    if !is_own(lake, who) || (bucket.key().is_some() && verb != Verb::Delete) {
        wanted.push(both("without resource policies"));
    }
    if !place.prefix.is_empty() {
        let (root, inside) = (format!("{root}/"), inside.clone());
        let beside =
            move |resource: &str| resource.starts_with(&root) && !resource.starts_with(&inside);
        wanted.push((
            "denied beside the prefix",
            Box::new(move |asked| {
                !asked.want && plain(asked) && asks(asked, gives, &beside, &them)
            }),
        ));
    }
    let there: Box<dyn Fn(&str) -> bool + 'a> = match verb {
        Verb::Admin => {
            let root = root.clone();
            Box::new(move |resource| resource == root)
        }
        _ => Box::new(here(&inside)),
    };
    wanted.push((
        "denied for what was not granted",
        Box::new(move |asked| !asked.want && plain(asked) && asks(asked, refuses, &there, &them)),
    ));
    let there = here(&inside);
    wanted.push((
        "denied anonymously",
        Box::new(move |asked| {
            !asked.want && asks(asked, gives, &there, &|step| step.principal.is_none())
        }),
    ));
    if !is_own(lake, who) {
        let there = here(&inside);
        let stranger = move |step: &Request| {
            step.principal.is_some()
                && !in_organization(lake, step)
                && !is(lake, who, step)
                && account_of(step) != lake.home.account.as_str()
        };
        wanted.push((
            "denied to another organization",
            Box::new(move |asked| !asked.want && asks(asked, gives, &there, &stranger)),
        ));
    }
    if matches!(who, Principal::OrganizationalUnit(_)) {
        let there = here(&inside);
        let sibling = move |step: &Request| in_organization(lake, step) && !is(lake, who, step);
        wanted.push((
            "denied to a sibling unit",
            Box::new(move |asked| !asked.want && asks(asked, gives, &there, &sibling)),
        ));
    }
    wanted
}

/// The cases that a grant through Lake Formation needs: the loan of credentials, and no file without it.
/// What it lends for is Lake Formation's to decide, and stands in no policy.
fn on_loan<'a>(lake: &'a Lake, who: &'a Principal, place: &Location) -> Vec<Wanted<'a>> {
    let bucket = &lake.buckets[&place.bucket];
    let inside = format!("{}/{}", lake.home.s3_arn(&bucket.bucket_name, ""), place.prefix);
    let mut wanted: Vec<Wanted> = vec![(
        "the files themselves are denied",
        Box::new(move |asked| {
            let fits = |step: &Request| {
                step.action == "s3:GetObject"
                    && step.resource.starts_with(&inside)
                    && is(lake, who, step)
            };
            !asked.want && asked.variations.is_empty() && asked.steps.iter().any(fits)
        }),
    )];
    if is_own(lake, who) {
        let borrows = move |asked: &Asked| {
            asked
                .steps
                .iter()
                .any(|step| step.action == "lakeformation:GetDataAccess" && is(lake, who, step))
        };
        wanted.push(("credentials are lent", Box::new(move |asked| asked.want && borrows(asked))));
        wanted.push((
            "nothing is lent without identity policies",
            Box::new(move |asked| {
                let varied = asked.variations.iter().any(|v| v == "without identity policies");
                !asked.want && varied && borrows(asked)
            }),
        ));
    }
    wanted
}

/// The cases that a grant on the catalog needs, beside those on the files.
fn on_catalog<'a>(
    lake: &'a Lake,
    who: &'a Principal,
    database: &'a Name,
    table: &'a str,
) -> Vec<Wanted<'a>> {
    let name = &lake.databases[database].catalog_name;
    let tables = lake.home.own_arn("glue", &lake.home.region, "table/");
    let (database, inside) = (format!("{tables}{name}/"), format!("{tables}{name}/{table}"));
    let asks = move |asked: &Asked, action: &str, fits: &dyn Fn(&str) -> bool| {
        asked
            .steps
            .iter()
            .any(|step| step.action == action && fits(&step.resource) && is(lake, who, step))
    };
    let [a, b, c] = [inside.clone(), inside.clone(), inside];
    vec![
        (
            "the table is found",
            Box::new(move |asked| {
                asked.want && asks(asked, "glue:GetTable", &|r| r.starts_with(&a))
            }),
        ),
        (
            "the table is not found without identity policies",
            Box::new(move |asked| {
                let varied = asked.variations.iter().any(|v| v == "without identity policies");
                !asked.want && varied && asks(asked, "glue:GetTable", &|r| r.starts_with(&b))
            }),
        ),
        (
            "the table is not changed",
            Box::new(move |asked| {
                !asked.want && asks(asked, "glue:UpdateTable", &|r| r.starts_with(&c))
            }),
        ),
        (
            "other tables are not found",
            Box::new(move |asked| {
                !asked.want && asks(asked, "glue:GetTable", &|r| !r.starts_with(&database))
            }),
        ),
    ]
}

/// The cases that a grant on the stream of a source needs.
fn on_stream<'a>(lake: &'a Lake, who: &'a Principal, source: &'a Name) -> Vec<Wanted<'a>> {
    let source = &lake.sources[source];
    let stream = format!("stream/{}", source.stream_name);
    let arn = lake.home.own_arn("kinesis", &lake.home.region, &stream);
    let asks = move |asked: &Asked, action: &str, who_fits: &dyn Fn(&Request) -> bool| {
        asked.steps.iter().any(|s| s.action == action && s.resource == arn && who_fits(s))
    };
    let them = move |step: &Request| is(lake, who, step);
    let varied = |asked: &Asked, word: &str| asked.variations.iter().any(|v| v == word);
    let [a, b, c, d, e] = std::array::from_fn(|_| asks.clone());
    let mut wanted: Vec<Wanted> = vec![
        (
            "records can be put",
            Box::new(move |asked| {
                asked.want && asked.variations.is_empty() && a(asked, "kinesis:PutRecord", &them)
            }),
        ),
        (
            "without identity policies",
            Box::new(move |asked| {
                let without = varied(asked, "without identity policies");
                !asked.want && without && b(asked, "kinesis:PutRecord", &them)
            }),
        ),
        (
            "records cannot be read",
            Box::new(move |asked| !asked.want && c(asked, "kinesis:GetRecords", &them)),
        ),
        (
            "denied anonymously",
            Box::new(move |asked| {
                !asked.want && d(asked, "kinesis:PutRecord", &|s| s.principal.is_none())
            }),
        ),
    ];
    if source.key.is_some() {
        wanted.push((
            "without resource policies",
            Box::new(move |asked| {
                let without = varied(asked, "without resource policies");
                !asked.want && without && e(asked, "kinesis:PutRecord", &them)
            }),
        ));
    }
    wanted
}

#[test]
fn every_grant_has_its_cases() {
    let mut missing = String::new();
    let mut count = 0;
    for example in examples() {
        let asked = access::asked(&example.cases);
        for (environment, lake) in example.lakes() {
            // what is asked in another account is about another environment
            let here: Vec<&Asked> = asked
                .iter()
                .filter(|one| match &one.environment {
                    Some(own) => *own == environment,
                    None => one.steps.iter().all(|s| s.account == lake.home.account.as_str()),
                })
                .collect();
            for access in lake.access.values() {
                for (who, grant) in access
                    .who
                    .iter()
                    .flat_map(|who| access.grants.iter().map(move |grant| (who, grant)))
                {
                    let who = &who.value;
                    // Whoever a provider of identities vouches for signs in as some role: what that may do
                    // stands in its own policies.
                    if matches!(who, Principal::Saml { .. } | Principal::IdentityCenter { .. }) {
                        continue;
                    }
                    let mut wanted = Vec::new();
                    let loan =
                        lake.through(access, who, &grant.place.value) == Through::LakeFormation;
                    match &grant.place.value {
                        place if loan => {
                            for location in lake.files_of(place).iter().take(1) {
                                wanted.extend(on_loan(&lake, who, location));
                            }
                            if let (Place::Database(name), true) = (place, is_own(&lake, who)) {
                                wanted.extend(on_catalog(&lake, who, name, ""));
                            }
                        }
                        Place::Objects(location) => {
                            wanted.extend(on_objects(&lake, who, grant.verb, location))
                        }
                        Place::Table { database, table } => {
                            wanted.extend(on_catalog(&lake, who, database, table.as_str()));
                            let location = &lake.databases[database].tables[table].location;
                            wanted.extend(on_objects(&lake, who, grant.verb, location));
                        }
                        Place::Stream(source) => wanted.extend(on_stream(&lake, who, source)),
                        Place::Database(name) => {
                            wanted.extend(on_catalog(&lake, who, name, ""));
                            let location = lake.databases[name].location.as_ref();
                            wanted.extend(
                                location
                                    .into_iter()
                                    .flat_map(|l| on_objects(&lake, who, grant.verb, l)),
                            );
                        }
                    }
                    for (what, shows) in wanted {
                        count += 1;
                        if !here.iter().any(|asked| shows(asked)) {
                            missing += &format!(
                                "  {} ({environment}), {}: {who} may {} {}: no case for `{what}`\n",
                                example.name(),
                                access.path(),
                                grant.verb.as_str(),
                                grant.place.value
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "cases are missing:\n{missing}");
    assert!(count >= 150, "only {count} cases were looked for");
}

/// Every role that the lake makes is taken by a service, refused to somebody, and of use.
#[test]
fn every_role_has_its_cases() {
    let mut missing = String::new();
    let mut count = 0;
    for example in examples() {
        let asked = access::asked(&example.cases);
        for (environment, lake) in example.lakes() {
            let root = example.folder.join("templates").join(&environment);
            let origin = Origin {
                account: lake.home.account.to_string(),
                region: lake.home.region.to_string(),
                ..Origin::default()
            };
            let folder = Folder::below(&root, &origin).unwrap_or_else(|why| panic!("{why}"));
            for role in folder.roles().unwrap_or_else(|why| panic!("{why}")) {
                count += 1;
                let takes = |one: &&Asked, want: bool| {
                    one.want == want
                        && one
                            .steps
                            .iter()
                            .any(|s| s.action.starts_with("sts:AssumeRole") && s.resource == role)
                };
                let acts = |one: &&Asked, want: bool| {
                    one.want == want
                        && one.steps.iter().any(|s| s.principal.as_deref() == Some(&role))
                };
                for (what, found) in [
                    ("it is taken", asked.iter().any(|one| takes(&one, true))),
                    ("it is not taken", asked.iter().any(|one| takes(&one, false))),
                    ("it does something", asked.iter().any(|one| acts(&one, true))),
                    ("it is refused something", asked.iter().any(|one| acts(&one, false))),
                ] {
                    if !found {
                        missing += &format!(
                            "  {} ({environment}), {role}: no case for `{what}`\n",
                            example.name()
                        );
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "cases are missing:\n{missing}");
    assert!(count >= 15, "only {count} roles");
}

/// Whoever queries in a workgroup does so in that one, and reads its results and no others.
#[test]
fn every_workgroup_has_its_cases() {
    let (mut missing, mut count) = (String::new(), 0);
    for example in examples() {
        let asked = access::asked(&example.cases);
        for (environment, lake) in example.lakes() {
            for workgroup in lake.workgroups.values() {
                let own = lake.home.own_arn(
                    "athena",
                    &lake.home.region,
                    &format!("workgroup/{}", workgroup.workgroup_name),
                );
                let results = &workgroup.results.value;
                let bucket = &lake.buckets[&results.bucket].bucket_name;
                let results = format!("{}/{}", lake.home.s3_arn(bucket, ""), results.prefix);
                for who in &workgroup.who {
                    count += 1;
                    let asks = |one: &Asked, action: &str, fits: &dyn Fn(&str) -> bool| {
                        one.steps.iter().any(|step| {
                            step.action == action
                                && fits(&step.resource)
                                && is(&lake, &who.value, step)
                        })
                    };
                    let query =
                        |one: &Asked| asks(one, "athena:StartQueryExecution", &|on| on == own);
                    let read =
                        |one: &Asked| asks(one, "s3:GetObject", &|on| on.starts_with(&results));
                    let alone = |one: &Asked| {
                        one.variations.iter().any(|it| it == "without identity policies")
                    };
                    for (what, found) in [
                        ("it queries", asked.iter().any(|one| one.want && query(one))),
                        ("it reads results", asked.iter().any(|one| one.want && read(one))),
                        (
                            "it does not query without identity policies",
                            asked.iter().any(|one| !one.want && alone(one) && query(one)),
                        ),
                        (
                            "it does not read results without identity policies",
                            asked.iter().any(|one| !one.want && alone(one) && read(one)),
                        ),
                        (
                            "it does not query in another workgroup",
                            asked.iter().any(|one| {
                                let other = |on: &str| on != own;
                                !one.want && asks(one, "athena:StartQueryExecution", &other)
                            }),
                        ),
                    ] {
                        if !found {
                            missing += &format!(
                                "  {} ({environment}), {}: {}: no case for `{what}`\n",
                                example.name(),
                                workgroup.path(),
                                who.value
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "cases are missing:\n{missing}");
    assert!(count >= 4, "only {count} people in workgroups");
}

/// The same lakes with a perimeter around every bucket of theirs: each case ends as it did before.
#[test]
fn the_perimeter_takes_nothing_from_those_inside() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("perimeter");
    let mut files = Vec::new();
    let mut instead = BTreeMap::new();
    for example in examples() {
        let place = scratch.join(example.name());
        let _ = fs::remove_dir_all(&place);
        copy(&example.folder, &place);
        let spec = place.join("lake.yaml");
        fs::write(&spec, spec_text::write(&fenced(&example.tree), &mut Order::Kept))
            .expect("the target folder is writable");
        for environment in environments(&example.tree) {
            let out = place.join("templates").join(environment);
            let output = Command::new(env!("CARGO_BIN_EXE_lakewright"))
                .arg("compile")
                .arg(&spec)
                .args(["--env", environment, "--out"])
                .arg(&out)
                .output()
                .expect("the binary can be started");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{} ({environment}):\n{said}", spec.display());
            fenced_all(&out);
            instead.insert(example.folder.join("templates").join(environment), out);
        }
        files.extend(example.cases);
    }
    let other = |path: &Path| -> PathBuf {
        let plain: PathBuf = path.components().fold(PathBuf::new(), |mut whole, part| {
            match part {
                std::path::Component::ParentDir => _ = whole.pop(),
                part => whole.push(part),
            }
            whole
        });
        instead
            .get(&plain)
            .cloned()
            .unwrap_or_else(|| panic!("{} is no example's", plain.display()))
    };
    let verdicts = access::judge_on(&files, &other);
    let wrong: Vec<String> = verdicts
        .iter()
        .filter_map(|v| {
            Some(format!("{}: {}\n    {}", v.file.display(), v.case, v.wrong.as_ref()?))
        })
        .collect();
    assert!(wrong.is_empty(), "with the perimeter on:\n  {}", wrong.join("\n  "));
    assert!(verdicts.len() >= 300, "only {} verdicts", verdicts.len());
}

/// The spec with an organization and a perimeter around every bucket.
fn fenced(tree: &Node) -> Node {
    let text = |text: &str| Node {
        span: tree.span,
        kind: Kind::Scalar { text: text.into(), quoted: true },
    };
    let map = |entries: Vec<Entry>| Node { span: tree.span, kind: Kind::Map(entries) };
    let entry = |key: &str, value: Node| Entry { key: key.into(), key_span: tree.span, value };
    let mut tree = tree.clone();
    let Kind::Map(entries) = &mut tree.kind else { panic!("a spec is a map") };
    if !entries.iter().any(|entry| &*entry.key == "organization") {
        entries.push(entry("organization", map(vec![entry("id", text("o-a1b2c3d4e5"))])));
    }
    let perimeter = entry("perimeter", text("organization"));
    match entries.iter_mut().find(|entry| &*entry.key == "defaults") {
        Some(defaults) => {
            let Kind::Map(defaults) = &mut defaults.value.kind else {
                panic!("defaults are a map")
            };
            let buckets = defaults.iter_mut().find(|entry| &*entry.key == "buckets");
            let Some(Kind::Map(buckets)) = buckets.map(|entry| &mut entry.value.kind) else {
                panic!("the defaults of an example are those of buckets")
            };
            buckets.push(perimeter);
        }
        None => entries.push(entry("defaults", map(vec![entry("buckets", map(vec![perimeter]))]))),
    }
    tree
}

/// Every bucket of the storage stacks has the perimeter, or this test shows nothing.
fn fenced_all(folder: &Path) {
    for file in support::template::templates_below(folder) {
        let text = fs::read_to_string(&file).expect("was just written");
        let template: serde_json::Value = serde_json::from_str(&text).expect("a template is JSON");
        if !file.to_string_lossy().ends_with("-storage.json") {
            continue;
        }
        for (id, resource) in template["Resources"].as_object().into_iter().flatten() {
            if resource["Type"] != "AWS::S3::BucketPolicy" {
                continue;
            }
            let statements = resource["Properties"]["PolicyDocument"]["Statement"].as_array();
            let sids: BTreeSet<&str> =
                statements.into_iter().flatten().filter_map(|s| s["Sid"].as_str()).collect();
            assert!(sids.contains("DenyOutsideOrganization"), "{}: {id}", file.display());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the target folder is writable");
    for entry in fs::read_dir(from).expect("an example is readable").flatten() {
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true if path.ends_with("templates") => {}
            true => copy(&path, &there),
            false => _ = fs::copy(&path, &there).expect("the target folder is writable"),
        }
    }
}
