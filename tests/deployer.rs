//! What `policies deployer` prints: every permission of every handler is in it or named as left out, on the lake's own
//! resources, and no role can be made without the boundary.

use std::collections::BTreeSet;
use std::path::Path;

use lakewright::catalogue::{Handler, iam, resource_type};
use lakewright::compile::{compile, scripts_of, understand};
use lakewright::deployer::{NoPolicies, Policies, Purpose, policies};
use lakewright::document::Value;
use lakewright::lake::Lake;
use lakewright::lower::Scripts;
use lakewright::policy::{Library, limit};
use lakewright::resolve::environments;
use lakewright::source::{Sources, Span};
use lakewright::spec::decode::At;
use lakewright::spec::environments::PolicyName;
use lakewright::stacks::{Placement, Stack};
use lakewright::syntax::parse;
use lakewright::verdict::{Decision, Document, Kind, Reach, Request, Standing, evaluate};

/// Every example in every environment, with a boundary in each.
fn lakes() -> Vec<(String, Lake, Vec<Stack>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).expect("examples").flatten() {
        let path = entry.path().join("lake.yaml");
        let text = std::fs::read_to_string(&path).expect("every example has a spec");
        let mut sources = Sources::default();
        let file = sources.add(path.display().to_string(), text);
        let (tree, _) = parse(&sources, file);
        for environment in environments(&tree) {
            let name = format!("{} {environment}", entry.file_name().to_string_lossy());
            let understood = understand(&tree, environment);
            assert!(!understood.diagnostics.has_errors(), "{name}: {:?}", understood.diagnostics);
            let mut lake = understood.lake.expect("no errors");
            let boundary = PolicyName("policy/lake/wall".to_owned());
            lake.home.permissions_boundary = Some(At { value: boundary, span: Span::default() });
            let scripts: Scripts = scripts_of(&lake)
                .into_iter()
                .map(|path| (path.to_owned(), "ab".repeat(32)))
                .collect();
            let compiled = compile(&lake, &Library::built_in(), &scripts, &Placement::default());
            found.push((name, lake, compiled.stacks));
        }
    }
    assert!(found.len() >= 7, "{}", found.len());
    found
}

fn made(lake: &Lake, stacks: &[Stack], purpose: Purpose) -> Policies {
    let base = vec![lake.naming.base_bucket(&lake.home.region)];
    policies(lake, stacks, &base, &Library::built_in(), purpose).expect("it fits")
}

fn makes_roles(stacks: &[Stack]) -> bool {
    let kind = |one: &Value| one.get("Type").and_then(Value::as_str) == Some("AWS::IAM::Role");
    stacks.iter().flat_map(|stack| stack.resources()).any(|(_, one)| kind(one))
}

fn statements(made: &Policies) -> Vec<&Value> {
    let documents = made.policies.iter().map(|policy| &policy.document);
    documents
        .flat_map(|one| one.get("Statement").and_then(Value::as_list).expect("a list"))
        .collect()
}

fn texts<'v>(statement: &'v Value, key: &str) -> Vec<&'v str> {
    let list = statement.get(key).and_then(Value::as_list).expect(key);
    list.iter().map(|value| value.as_str().expect("a text")).collect()
}

#[test]
fn every_permission_of_a_handler_is_given_or_left_out_with_a_reason() {
    for (name, lake, stacks) in lakes() {
        let made = made(&lake, &stacks, Purpose::Apply);
        let given: BTreeSet<&str> = statements(&made)
            .iter()
            .filter(|one| one.get("Effect").and_then(Value::as_str) == Some("Allow"))
            .flat_map(|one| texts(one, "Action"))
            .collect();
        let kinds: BTreeSet<&str> = stacks
            .iter()
            .flat_map(|stack| stack.resources())
            .map(|(_, one)| one.get("Type").and_then(Value::as_str).unwrap())
            .collect();
        let mut counted = 0;
        for kind in kinds {
            let facts = resource_type(kind).expect(kind);
            for handler in
                [Handler::Create, Handler::Read, Handler::Update, Handler::Delete, Handler::List]
            {
                for action in facts.permissions(handler).iter().flat_map(|one| iam::matching(one)) {
                    let action = action.full_name();
                    let left = made.left_out.contains_key(&format!("{action} ({kind})"));
                    let passes = action.ends_with(":PassRole");
                    assert!(
                        given.contains(action.as_str()) || left || passes,
                        "{name}: {kind} {action}"
                    );
                    counted += usize::from(!left);
                }
            }
        }
        assert!(counted > 40, "{name}: {counted}");
    }
}

#[test]
fn roles_are_made_with_the_boundary_only_and_through_cloudformation() {
    let key =
        |one: &Value, operator: &str, key: &str| one.at(&["Condition", operator, key]).cloned();
    let mut owns = 0;
    for (name, lake, stacks) in lakes() {
        let made = made(&lake, &stacks, Purpose::Apply);
        let wall = format!("arn:aws:iam::{}:policy/lake/wall", lake.home.account);
        let mut creates = 0;
        for one in statements(&made) {
            let actions = texts(one, "Action");
            let allows = one.get("Effect").and_then(Value::as_str) == Some("Allow");
            if allows && actions.contains(&"iam:CreateRole") {
                creates += 1;
                // a role with a boundary of its own is made with that one, and nothing else is
                let own = lake.roles.values().find_map(|role| {
                    let arn = lake.home.iam_arn(None, "role", &role.role_name);
                    let boundary = role.boundary.as_ref()?.value.clone();
                    (texts(one, "Resource") == [arn.as_str()]).then_some(boundary)
                });
                owns += usize::from(own.is_some());
                assert_eq!(
                    key(one, "StringEquals", "iam:PermissionsBoundary"),
                    Some(Value::from(own.unwrap_or(wall.clone()))),
                    "{name}"
                );
            }
            if allows && actions.contains(&"iam:AttachRolePolicy") {
                assert!(key(one, "ArnLike", "iam:PolicyARN").is_some(), "{name}: {one}");
            }
            if allows && actions.contains(&"iam:PassRole") {
                assert!(key(one, "StringEquals", "iam:PassedToService").is_some(), "{name}: {one}");
                assert!(
                    texts(one, "Resource").iter().all(|arn| !arn.contains('*')),
                    "{name}: {one}"
                );
            }
            // What lakewright calls itself is in documents of the vocabulary; everything else goes through CloudFormation.
            let sid = one.get("Sid").and_then(Value::as_str).unwrap();
            let through = key(one, "ForAnyValue:StringEquals", "aws:CalledVia").is_some();
            let own = lake.home.execution_role.is_some();
            let reads = texts(one, "Action").iter().all(|action| {
                matches!(iam::action(action).unwrap().level, iam::Level::List | iam::Level::Read)
            });
            let said = sid.starts_with("Deployer") || actions == ["iam:PassRole"];
            assert!(!allows || said || through || own || reads, "{name}: {one}");
            // On nobody else's resources.
            if allows && sid.starts_with("Handlers") {
                for arn in texts(one, "Resource") {
                    let narrowed = arn.ends_with(":key/*") && one.get("Condition").is_some();
                    let ours = arn.contains(&lake.naming.lake_id())
                        || arn.contains(&lake.naming.lake_id().replace('-', "_"))
                        || arn.ends_with(":catalog");
                    let theirs =
                        ["iam", "logs", "sns", "s3"].contains(&arn.split(':').nth(2).unwrap_or(""));
                    assert!(arn == "*" || narrowed || ours || theirs, "{name}: {arn}");
                    if arn == "*" {
                        for action in texts(one, "Action") {
                            assert!(
                                iam::action(action).unwrap().resources.is_empty(),
                                "{name}: {action} on *"
                            );
                        }
                    }
                }
            }
        }
        let roles = stacks.iter().flat_map(|stack| stack.resources());
        let roles = roles
            .filter(|(_, one)| one.get("Type").and_then(Value::as_str) == Some("AWS::IAM::Role"));
        let roles: Vec<_> = roles.collect();
        assert_eq!(creates > 0, !roles.is_empty(), "{name}");
        for (id, role) in roles {
            let text = |key: &str| role.at(&["Properties", key]).and_then(Value::as_str);
            let own =
                lake.roles.values().find(|it| Some(it.role_name.as_str()) == text("RoleName"));
            let own = own.and_then(|it| it.boundary.as_ref()).map(|at| at.value.as_str());
            let carried = text("PermissionsBoundary");
            assert_eq!(carried, Some(own.unwrap_or(wall.as_str())), "{name}: {id}");
            // nobody who deploys changes a boundary
            let kept = statements(&made).into_iter().any(|one| {
                one.get("Effect").and_then(Value::as_str) == Some("Deny")
                    && texts(one, "Action").contains(&"iam:CreatePolicyVersion")
                    && texts(one, "Resource").contains(&carried.unwrap_or(""))
            });
            assert!(kept, "{name}: {id}");
        }
        for policy in &made.policies {
            assert!(
                policy.document.to_json().len() <= limit::MANAGED_POLICY,
                "{name}: {}",
                policy.name
            );
        }
        assert!(
            made.policies.len() <= limit::MANAGED_POLICIES_OF_A_ROLE,
            "{name}: {}",
            made.policies.len()
        );
    }
    assert!(owns > 0, "no role has a boundary of its own");
}

/// `alias/name` is both the name of an alias and the end of its ARN
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>).
#[test]
fn whoever_applies_can_make_the_aliases_of_the_lake() {
    let mut seen = 0;
    for (name, lake, stacks) in lakes() {
        let made = made(&lake, &stacks, Purpose::Apply);
        let may = |one: &&Value| texts(one, "Action").contains(&"kms:CreateAlias");
        let statements = statements(&made);
        let places: Vec<&str> =
            statements.iter().copied().filter(may).flat_map(|one| texts(one, "Resource")).collect();
        let resources = stacks.iter().flat_map(|stack| stack.resources());
        let aliases = resources.filter_map(|(_, one)| one.at(&["Properties", "AliasName"]));
        for alias in aliases.filter_map(Value::as_str) {
            let (home, account) = (&lake.home, &lake.home.account);
            let arn = format!("arn:{}:kms:{}:{account}:{alias}", home.partition, home.region);
            let holds = |place: &&str| match place.strip_suffix('*') {
                Some(start) => arn.starts_with(start),
                None => **place == arn,
            };
            assert!(places.iter().any(holds), "{name}: {arn} in {places:?}");
            seen += 1;
        }
    }
    assert!(seen > 3, "{seen}");
}

#[test]
fn whoever_plans_changes_nothing() {
    for (name, lake, stacks) in lakes() {
        for one in statements(&made(&lake, &stacks, Purpose::Plan)) {
            for action in texts(one, "Action") {
                let level = iam::action(action).expect(action).level;
                assert!(matches!(level, iam::Level::List | iam::Level::Read), "{name}: {action}");
            }
        }
    }
}

#[test]
fn the_boundary_holds_every_role_of_the_lake_and_no_permission_on_iam() {
    let (mut with, mut without) = (0, 0);
    for (name, lake, stacks) in lakes() {
        let made = made(&lake, &stacks, Purpose::Boundary);
        if !makes_roles(&stacks) {
            // IAM refuses a policy without statements
            assert!(made.policies.is_empty() && made.reaches.contains("no roles"), "{name}");
            without += 1;
            continue;
        }
        with += 1;
        let [policy] = made.policies.as_slice() else { panic!("{name}: one document") };
        assert!(!statements(&made).is_empty(), "{name}: no policy without a statement");
        assert!(policy.document.to_json().len() <= limit::MANAGED_POLICY, "{name}");
        let allowed: BTreeSet<&str> =
            statements(&made).iter().flat_map(|one| texts(one, "Action")).collect();
        assert!(!allowed.iter().any(|action| action.starts_with("iam:")), "{name}");
    }
    assert!(with > 0 && without > 0, "{with} lakes make roles, {without} make none");
}

/// Whoever holds the policy for applying cannot make a role without the boundary, nor take it off, replace it or change
/// what it says, were everything else allowed to them.
#[test]
fn the_boundary_stays_whatever_else_is_allowed() {
    let mut seen = 0;
    for (name, lake, stacks) in lakes() {
        let made = made(&lake, &stacks, Purpose::Apply);
        let wall = format!("arn:aws:iam::{}:policy/lake/wall", lake.home.account);
        let mut documents: Vec<Document> = made
            .policies
            .iter()
            .map(|one| Document::read(&one.document, Kind::Identity).expect("a policy"))
            .collect();
        let asked = |action: &str, on: &str, boundary: Option<&str>| {
            let mut context = vec![("aws:CalledVia", "cloudformation.amazonaws.com")];
            context.extend(boundary.map(|arn| ("iam:PermissionsBoundary", arn)));
            let context = context.into_iter();
            Request {
                principal: None,
                standing: Standing::Delegated,
                action: action.to_owned(),
                resource: Some(on.to_owned()),
                context: context
                    .map(|(key, value)| {
                        (key.to_ascii_lowercase(), (key.to_owned(), vec![value.to_owned()]))
                    })
                    .collect(),
                tokens: Vec::new(),
            }
        };
        let answer =
            |documents: &[Document], request: &Request| evaluate(documents, request, Reach::Whole);
        let creating = statements(&made).into_iter().find(|one| {
            let own = one.at(&["Condition", "StringEquals", "iam:PermissionsBoundary"]);
            texts(one, "Action").contains(&"iam:CreateRole")
                && own == Some(&Value::from(wall.clone()))
        });
        let Some(creating) = creating else { continue };
        let role = texts(creating, "Resource")[0].replace('*', "x");
        let other = format!("arn:aws:iam::{}:policy/other", lake.home.account);
        let create = |boundary| asked("iam:CreateRole", &role, boundary);
        assert_eq!(answer(&documents, &create(Some(&wall))), Decision::Allowed, "{name} {role}");
        for boundary in [None, Some(other.as_str())] {
            assert_ne!(answer(&documents, &create(boundary)), Decision::Allowed, "{name}");
            let put = asked("iam:PutRolePermissionsBoundary", &role, boundary);
            assert_ne!(answer(&documents, &put), Decision::Allowed, "{name}");
        }
        let everything = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
        let everything = Value::from_json(everything).expect("JSON");
        documents.push(Document::read(&everything, Kind::Identity).expect("a policy"));
        let take_off = asked("iam:DeleteRolePermissionsBoundary", &role, Some(&wall));
        assert_eq!(answer(&documents, &take_off), Decision::Denied, "{name}");
        for action in [
            "CreatePolicyVersion",
            "DeletePolicy",
            "DeletePolicyVersion",
            "SetDefaultPolicyVersion",
        ] {
            let change = asked(&format!("iam:{action}"), &wall, None);
            assert_eq!(answer(&documents, &change), Decision::Denied, "{name} {action}");
        }
        seen += 1;
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn without_a_boundary_nobody_is_told_to_make_roles() {
    for (name, mut lake, stacks) in lakes() {
        lake.home.permissions_boundary = None;
        let base = ["b".repeat(3)];
        let made = policies(&lake, &stacks, &base, &Library::built_in(), Purpose::Apply);
        if makes_roles(&stacks) {
            assert_eq!(made, Err(NoPolicies::NoBoundary), "{name}");
            continue;
        }
        // a lake without roles needs none: its deployer makes none either
        let made = made.expect("no boundary is asked for");
        for one in statements(&made) {
            let makes = |action: &&str| ["iam:CreateRole", "iam:PassRole"].contains(action);
            let allows = one.get("Effect").and_then(Value::as_str) == Some("Allow");
            assert!(!allows || !texts(one, "Action").iter().any(makes), "{name}: {one}");
        }
    }
}
