//! The documents in `policies/` and the engine that fills them, held to what they promise.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lakewright::deployer::{self, Purpose};
use lakewright::document::{Map, Value};
use lakewright::lake::Lake;
use lakewright::lower::Scripts;
use lakewright::policy::check::{ActionFacts, Catalogue, check, examples};
use lakewright::policy::{
    Argument, Effect, Grantee, Kind, Layer, Level, Library, Policy, Statement, limit,
};
use lakewright::source::{Sources, Span};
use lakewright::spec::decode::At;
use lakewright::spec::environments::PolicyName;
use lakewright::stacks::Placement;
use lakewright::{compile, resolve, syntax};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn lines(path: &str) -> Vec<Value> {
    read(path).lines().map(|line| Value::from_json(line).expect(line)).collect()
}

/// Documents that can be filled by themselves, with arguments made of their examples.
fn fillable(library: &Library) -> Vec<(&str, Vec<(&str, Argument)>)> {
    library
        .names()
        .into_iter()
        .map(|name| library.get(name).expect("it is listed"))
        .filter(|document| !document.layer.is_part())
        .map(|document| (document.name.as_str(), examples(document)))
        .collect()
}

#[test]
fn the_folder_is_what_is_compiled_in() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("policies"))
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(Library::built_in().names(), files);
}

/// Every document with its examples, as a reviewer would see the result.
#[test]
fn filled_documents() {
    let library = Library::built_in();
    let mut shown = String::new();
    for (name, arguments) in fillable(&library) {
        let policy = Policy::new(library.fill(name, &arguments).unwrap());
        shown += &format!("== {name}\n{}\n", policy.to_value().to_json_pretty());
    }
    insta::assert_snapshot!("filled_documents", shown);
}

// --- the catalogue ----------------------------------------------------------

struct Iam {
    services: BTreeMap<String, Value>,
    global: BTreeSet<String>,
}

impl Iam {
    fn read() -> Iam {
        let global = Value::from_json(&read("src/catalogue/data/global-keys.json")).unwrap();
        Iam {
            services: lines("src/catalogue/data/iam.jsonl")
                .into_iter()
                .map(|line| (text(&line, "name").to_owned(), line))
                .collect(),
            global: global
                .get("keys")
                .and_then(Value::as_map)
                .unwrap()
                .iter()
                .map(|(k, _)| k.to_owned())
                .collect(),
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Catalogue for Iam {
    fn action(&self, name: &str) -> Option<ActionFacts> {
        let (prefix, action) = name.split_once(':')?;
        let service = self.services.get(prefix)?;
        let facts = service.at(&["actions", action])?;
        let set = |value: Option<&Value>| -> Vec<String> {
            let Some(at) = value.and_then(Value::as_int) else {
                return Vec::new();
            };
            let keys = service.at(&["sets", &at.to_string()]).and_then(Value::as_list).unwrap();
            keys.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut condition_keys = set(facts.get("c"));
        let mut resource_types = Vec::new();
        let mut needs_resource = false;
        for kind in facts.get("r").and_then(Value::as_list).unwrap_or_default() {
            needs_resource |= kind.as_str().unwrap().ends_with('*');
            let kind = kind.as_str().unwrap().trim_end_matches('*');
            condition_keys.extend(set(facts.at(&["rc", kind])));
            condition_keys.extend(set(service.at(&["resources", kind, "c"])));
            let arn = service.at(&["resources", kind, "arn"]).and_then(Value::as_str).unwrap();
            resource_types.push((kind.to_owned(), arn.to_owned()));
        }
        let level = match text(facts, "l") {
            "L" => "List",
            "R" => "Read",
            "W" => "Write",
            "T" => "Tagging",
            "P" => "Permissions management",
            other => panic!("{name}: level {other:?}"),
        };
        let level = level.to_owned();
        Some(ActionFacts { level, resource_types, needs_resource, condition_keys })
    }

    fn is_global_key(&self, key: &str) -> bool {
        // `aws:PrincipalTag/${TagKey}`: any tag
        let of =
            |known: &str| known.split_once("${").is_some_and(|(head, _)| key.starts_with(head));
        self.global.contains(key) || self.global.iter().any(|known| of(known))
    }
}

#[test]
fn every_document_agrees_with_the_catalogue() {
    let library = Library::built_in();
    let iam = Iam::read();
    let findings: Vec<_> =
        library.names().into_iter().flat_map(|name| check(&library, name, &iam).unwrap()).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The check finds what it is there for: each change to a good document is reported.
#[test]
fn the_check_finds_each_kind_of_mistake() {
    let iam = Iam::read();
    let good = read("policies/s3-read.json");
    for (from, to, expected) in [
        ("s3:GetObject\"", "s3:getObject\"", "not an action under this spelling"),
        ("s3:GetObject\"", "s3:PutObject\"", "is `Write`, which is not claimed"),
        ("s3:GetObject\"", "s3:ListBucket\"", "works on none of the resources"),
        ("aws:ResourceAccount", "s3:prefix", "does not know the condition key `s3:prefix`"),
        (
            "\"{{ bucket }}/{{ prefix }}*\"",
            "\"*\", \"{{ bucket }}/{{ prefix }}*\"",
            "works on a resource that can be named",
        ),
        ("s3:GetObject\"", "s3:ListAllMyBuckets\"", "works on `*` only"),
        (
            "\"{{ bucket }}/{{ prefix }}*\"",
            "\"{{ bucket }}\", \"{{ bucket }}/{{ prefix }}*\"",
            "no action of the statement works on",
        ),
        ("[\"s3\"]", "[\"kms\"]", "outside the claimed services"),
        ("[\"object\"]", "[\"object\", \"bucket\"]", "claimed and never named"),
        ("[\"object\"]", "[\"bucket\"]", "named and not claimed"),
        ("s3:GetObject\"", "athena:GetCatalogs\"", "works on `*` only"),
    ] {
        assert!(good.contains(from), "{from}");
        let library = Library::built_in().with([("s3-read", good.replace(from, to))]).unwrap();
        let findings = check(&library, "s3-read", &iam).unwrap();
        assert!(
            findings.iter().any(|it| it.message.contains(expected)),
            "{from} -> {to}: {findings:#?}"
        );
    }
}

/// An action on everything is one to which the catalogue gives no resource that has to be named, and has its reason; the header
/// gives no reason for an action that is not on everything.
#[test]
fn a_bare_star_has_its_reason_and_needs_it() {
    let (library, iam) = (Library::built_in(), Iam::read());
    let mut seen = 0;
    for (name, arguments) in fillable(&library) {
        let document = library.get(name).unwrap();
        if !matches!(document.layer, Layer::Identity | Layer::Resource) {
            assert!(document.bare_star.is_empty(), "{name}");
            continue;
        }
        let statements = library.fill(name, &arguments).unwrap();
        let on_all = |action: &String| {
            let own = statements.iter().filter(|it| it.actions.contains(action));
            own.into_iter().any(|it| it.resources.contains(&Value::from("*")))
        };
        for statement in &statements {
            for action in statement.actions.iter().filter(|action| on_all(action)) {
                let facts = iam.action(action).unwrap_or_else(|| panic!("{name}: {action}"));
                // metrics have no ARN: the type that the catalogue gives, a dataset, is something else
                let apart = action == "cloudwatch:PutMetricData" && !facts.needs_resource;
                assert!(facts.resource_types.is_empty() || apart, "{name}: {action}");
                assert!(document.bare_star[action].len() > 10, "{name}: {action}");
                seen += 1;
            }
        }
        for action in document.bare_star.keys() {
            assert!(on_all(action), "{name}: `bare_star` names {action}, which is not on `*`");
        }
    }
    assert!(seen >= 4, "{seen}");
    // the rule bites: a reason does not make a wildcard of an action that has resources
    let wide = read("policies/s3-read.json")
        .replace("{{ prefix }}*\"]", "{{ prefix }}*\", \"*\"]")
        .replace(
            "\"claims\"",
            "\"bare_star\": {\"s3:GetObject\": \"because it is easier\"}, \"claims\"",
        );
    let library = Library::built_in().with([("s3-read", wide)]).unwrap();
    let findings = check(&library, "s3-read", &iam).unwrap();
    assert!(findings.iter().any(|it| it.message.contains("can be named")), "{findings:#?}");
}

/// What a pattern of resources begins with: all before its first wildcard.
fn above_its_place(resource: &str, places: &[String]) -> bool {
    let Some((head, _)) = resource.split_once('*') else { return false };
    let inside = |place: &&String| {
        // the place whole, and then a separator: no neighbour begins like it
        head.find(place.as_str()).is_some_and(|at| {
            let rest = &head[at + place.len()..];
            rest.starts_with(['/', ':']) || (rest.is_empty() && place.ends_with(['/', '-']))
        })
    };
    resource.contains('?') || !places.iter().any(|place| inside(&place))
}

/// A wildcard in a resource stands below the place that an argument names, never above or beside it.
#[test]
fn no_resource_reaches_above_its_place() {
    let library = Library::built_in();
    let places = |name: &str| -> Vec<String> {
        let parameters = library.get(name).unwrap().parameters.values();
        let wide = [
            Kind::Partition,
            Kind::Region,
            Kind::AccountId,
            Kind::DnsSuffix,
            Kind::OrgId,
            Kind::OuId,
        ];
        let narrow = parameters.filter(|it| !wide.contains(&it.kind));
        let of = |it: &lakewright::policy::document::Parameter| -> Vec<String> {
            // after the beginning of names comes a dash
            let end = if it.kind == Kind::NamePrefix { "-" } else { "" };
            it.example.iter().map(|text| format!("{}{end}", text.trim_end_matches('-'))).collect()
        };
        narrow.flat_map(of).filter(|it| it.len() > 1).collect()
    };
    let mut seen = 0;
    for (name, arguments) in fillable(&library) {
        let document = library.get(name).unwrap();
        // a Deny may reach as far as it likes
        let grants = matches!(document.layer, Layer::Identity | Layer::Resource);
        if !grants || document.effect == Effect::Deny {
            continue;
        }
        for statement in library.fill(name, &arguments).unwrap() {
            for resource in statement.resources.iter().filter_map(Value::as_str) {
                if resource.contains(['*', '?']) && resource != "*" {
                    assert!(!above_its_place(resource, &places(name)), "{name}: {resource}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 15, "{seen}");
    let of = places("s3-read");
    for wide in [
        "arn:aws:s3:::*",
        "arn:aws:s3:::acme-prod-raw*",
        "arn:aws:s3:::acme-prod-ra*/ledger/x",
        "arn:aws:s3:::acme-prod-raw/led?er/*",
    ] {
        assert!(above_its_place(wide, &of), "{wide}");
    }
}

/// `data_plane` says whether the content of the lake can be read, written or deleted with a document.
#[test]
fn what_touches_data_says_so() {
    let touches = |action: &str| {
        let (service, name) = action.split_once(':').unwrap_or((action, ""));
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        match service {
            "s3" => name == "*" || begins(&["GetObject", "PutObject", "DeleteObject", "Replicate"]),
            "kinesis" => begins(&["GetRecords", "PutRecord", "SubscribeToShard"]),
            "kms" => begins(&["Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt"]),
            "firehose" => begins(&["PutRecord"]),
            "secretsmanager" => begins(&["GetSecretValue"]),
            "lakeformation" => begins(&["GetDataAccess"]),
            "athena" => begins(&["GetQueryResults", "StartQueryExecution"]),
            _ => false,
        }
    };
    let library = Library::built_in();
    for (name, _) in fillable(&library) {
        let document = library.get(name).unwrap();
        let data = document.actions().into_iter().any(touches);
        assert_eq!(data, document.claims.data_plane, "{name}");
    }
}

#[test]
fn no_name_of_an_action_stands_in_the_source() {
    let iam = Iam::read();
    let mut found = Vec::new();
    for file in sources(&root().join("src")) {
        if file.starts_with(root().join("src/catalogue")) {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for literal in line.split('"').skip(1).step_by(2) {
                let action = literal.split_once(':').is_some_and(|(service, name)| {
                    iam.services.contains_key(service)
                        && (name == "*" || iam.action(literal).is_some())
                });
                if action {
                    found.push(format!("{}: {literal}", file.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

// --- hostile values ---------------------------------------------------------

/// What an argument must not change: the bones of the statements, and every character that means something.
fn bones(statements: &[Statement]) -> Vec<String> {
    let mut bones = Vec::new();
    for statement in statements {
        let mut meaning = (0, 0, 0);
        let principal = statement.principal.clone().unwrap_or(Value::List(Vec::new()));
        let all = Value::List(vec![
            principal,
            Value::List(statement.resources.clone()),
            Value::Map(statement.condition.clone()),
        ]);
        count(&all, &mut meaning);
        bones.push(format!(
            "{} {:?} {:?} {} {} {meaning:?}",
            statement.sid,
            statement.effect,
            statement.actions,
            shape(&all),
            statement.resources.len(),
        ));
    }
    bones
}

fn count(value: &Value, meaning: &mut (usize, usize, usize)) {
    match value {
        Value::Str(text) => {
            let bare = text.replace("${*}", "").replace("${?}", "").replace("${$}", "");
            meaning.0 += bare.matches('*').count();
            meaning.1 += bare.matches('?').count();
            meaning.2 += bare.matches("${").count() + bare.matches("{{").count();
            assert!(!bare.chars().any(|c| c.is_control() || c > '\u{ff}'), "{text:?}");
        }
        Value::List(list) => list.iter().for_each(|item| count(item, meaning)),
        Value::Map(map) => map.iter().for_each(|(_, item)| count(item, meaning)),
        other => panic!("{other:?} has no place in a statement"),
    }
}

fn shape(value: &Value) -> String {
    match value {
        Value::Str(_) => "text".to_owned(),
        Value::List(list) => format!("[{}]", list.iter().map(shape).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let inside: Vec<String> =
                map.iter().map(|(key, item)| format!("{key}:{}", shape(item))).collect();
            format!("{{{}}}", inside.join(","))
        }
        other => other.kind().to_owned(),
    }
}

#[test]
fn hostile_values_add_nothing_to_any_document() {
    let library = Library::built_in();
    let hostile: Vec<String> = lines("tests/policies/hostile.jsonl")
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    assert!(hostile.len() >= 40, "{}", hostile.len());
    let (mut passed, mut refused) = (0, 0);
    for (name, arguments) in fillable(&library) {
        for at in 0..arguments.len() {
            if matches!(arguments[at].1, Argument::Grantee(_)) {
                continue;
            }
            // one plain value, so that the number of values is the same
            let kind = library.get(name).unwrap().parameters[arguments[at].0].kind;
            let plain = library.get(name).unwrap().parameters[arguments[at].0].example[0].as_str();
            let mut given = arguments.clone();
            given[at].1 = plain.into();
            let expected = bones(&library.fill(name, &given).unwrap());
            for value in &hostile {
                given[at].1 = value.as_str().into();
                match library.fill(name, &given) {
                    Ok(statements) => {
                        assert_eq!(kind.problem(value), None);
                        // a tag's key and a provider's name stand in the key of a condition
                        let own = bones(&statements);
                        let own: Vec<String> = match kind {
                            Kind::TagKey | Kind::OidcProvider => {
                                own.iter().map(|it| it.replace(value, plain)).collect()
                            }
                            _ => own,
                        };
                        assert_eq!(own, expected, "{name}, {}: {value:?}", given[at].0);
                        passed += 1;
                    }
                    Err(error) => {
                        assert!(kind.problem(value).is_some(), "{error}");
                        assert!(error.to_string().contains(given[at].0), "{error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    // both ways are walked, thousands of times
    assert!(passed > 300 && refused > 3_000, "{passed} passed, {refused} refused");
}

/// Conditions, under names and examples.
fn conditions(library: &Library) -> Vec<(&str, Vec<(&str, Argument)>)> {
    let all = library.names().into_iter().map(|name| library.get(name).expect("it is listed"));
    all.filter(|document| document.layer == Layer::Condition)
        .map(|document| (document.name.as_str(), examples(document)))
        .collect()
}

/// A condition with some of its texts.
fn condition(library: &Library, name: &str, given: &[(&str, Argument)]) -> Option<String> {
    let common: [(&str, Argument); 0] = [];
    let filled = library.at(common).condition(name, given).ok()?;
    let value = Value::Map(filled);
    let mut meaning = (0, 0, 0);
    count(&value, &mut meaning);
    assert_eq!(meaning, (0, 0, 0), "{name}: {}", value.to_json());
    Some(value.to_json())
}

#[test]
fn hostile_values_add_nothing_to_any_condition() {
    let library = Library::built_in();
    let (mut passed, mut refused) = (0, 0);
    for (name, arguments) in conditions(&library) {
        for at in 0..arguments.len() {
            let parameter = &library.get(name).unwrap().parameters[arguments[at].0];
            let plain = parameter.example[0].as_str();
            let mut given = arguments.clone();
            given[at].1 = plain.into();
            let expected = condition(&library, name, &given).expect("its own example");
            for line in lines("tests/policies/hostile.jsonl") {
                let value = line.as_str().unwrap();
                given[at].1 = value.into();
                match condition(&library, name, &given) {
                    Some(filled) => {
                        assert_eq!(parameter.kind.problem(value), None);
                        assert_eq!(filled, expected.replace(plain, value), "{name}: {value:?}");
                        passed += 1;
                    }
                    None => {
                        assert!(parameter.kind.problem(value).is_some(), "{name}: {value:?}");
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(passed > 20 && refused > 300, "{passed} passed, {refused} refused");
}

/// Every condition as a reviewer would see it, and what it narrows: documents that are there, whose every
/// action knows the key. What a grant takes on S3 is narrowed by every condition on the request.
#[test]
fn conditions_narrow_what_knows_their_keys() {
    let (library, iam) = (Library::built_in(), Iam::read());
    let mut shown = String::new();
    for (name, arguments) in conditions(&library) {
        let filled = condition(&library, name, &arguments).expect("its own examples");
        shown += &format!("{name}: {filled}\n");
        let filled = Value::from_json(&filled).unwrap();
        let operators = filled.as_map().unwrap().iter();
        let keys: Vec<&str> = operators
            .inspect(|(operator, _)| {
                // what a request does not say of itself does not hold: no operator that is true then
                let open = ["Not", "IfExists", "Null", "ForAllValues"];
                assert!(!open.iter().any(|it| operator.contains(it)), "{name}: {operator}");
            })
            .flat_map(|(_, keys)| keys.as_map().unwrap().iter().map(|(key, _)| key))
            .collect();
        let narrows = &library.get(name).unwrap().narrows;
        for narrowed in narrows {
            let document = library.get(narrowed).unwrap_or_else(|| panic!("{name}: {narrowed}"));
            assert_eq!(document.effect, Effect::Allow, "{name}: a Deny is not narrowed");
            for action in document.actions() {
                let facts = iam.action(action).unwrap();
                for key in &keys {
                    let head = |known: &String| known.split(['$', '<']).next().unwrap().to_owned();
                    let known = iam.is_global_key(key)
                        || facts.condition_keys.iter().any(|it| key.starts_with(&head(it)));
                    assert!(known, "{narrowed}: {action} does not know {key}");
                }
            }
        }
        if name == "when-object-tag" {
            continue;
        }
        for level in [Level::Read, Level::Write, Level::Delete, Level::Admin] {
            let halves = level.halves();
            for document in halves.identity.iter().chain(halves.bucket) {
                assert!(narrows.iter().any(|it| it == document), "{name}: {document}");
            }
        }
    }
    insta::assert_snapshot!("conditions", shown);
}

// --- keys that a request does not carry ----------------------------------------

/// Whether a test of one key holds for a value, or for a request without the key. Written after the page on
/// operators, and nothing of ours:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.
fn holds(operator: &str, wanted: &[&str], value: Option<&str>) -> bool {
    if operator == "Null" {
        return wanted == [if value.is_none() { "true" } else { "false" }];
    }
    let (bare, lenient) =
        operator.strip_suffix("IfExists").map_or((operator, false), |it| (it, true));
    let Some(value) = value else { return lenient || bare.contains("Not") };
    let same = wanted.contains(&value);
    match bare {
        "StringEquals" | "ArnEquals" | "Bool" => same,
        "StringNotEquals" | "ArnNotEquals" => !same,
        other => panic!("{other}: say here what it means"),
    }
}

/// Each Deny is replayed with each of its keys absent, and the document says which outcome is meant.
#[test]
fn every_denial_says_what_becomes_of_a_request_without_its_keys() {
    let library = Library::built_in();
    let (mut denied, mut passed) = (0, 0);
    for (name, arguments) in fillable(&library) {
        let document = library.get(name).unwrap();
        if document.effect != Effect::Deny {
            continue;
        }
        let mut said = document.absent_keys.clone();
        for statement in library.fill(name, &arguments).unwrap() {
            let condition = Value::Map(statement.condition.clone()).to_json();
            let condition = Value::from_json(&condition).unwrap();
            let mut tests: Vec<(String, String, Vec<String>)> = Vec::new();
            for (operator, keys) in condition.as_map().unwrap().iter() {
                for (key, values) in keys.as_map().unwrap().iter() {
                    let values = match values {
                        Value::List(list) => {
                            list.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
                        }
                        one => vec![one.as_str().unwrap().to_owned()],
                    };
                    tests.push((operator.to_owned(), key.to_owned(), values));
                }
            }
            // a request that the statement denies: for each key a value (or none) with which its tests hold
            let keys: BTreeSet<&String> = tests.iter().map(|(_, key, _)| key).collect();
            let holds_all = |key: &str, value: Option<&str>| {
                let own = tests.iter().filter(|(_, own, _)| own == key);
                own.into_iter().all(|(operator, _, values)| {
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    holds(operator, &values, value)
                })
            };
            for key in keys {
                let own: Vec<&str> = tests
                    .iter()
                    .filter(|(_, own, _)| own == key)
                    .flat_map(|(_, _, values)| values.iter().map(String::as_str))
                    .collect();
                let some = own.iter().copied().chain(["something else"]).map(Some).chain([None]);
                assert!(some.into_iter().any(|it| holds_all(key, it)), "{name}: {key} never holds");
                let outcome = if holds_all(key, None) { "denied" } else { "passes" };
                let place = (statement.sid.clone(), key.clone());
                let told = said.remove(&place);
                let told =
                    told.unwrap_or_else(|| panic!("{name}: {place:?} is not in `absent_keys`"));
                assert!(
                    told.starts_with(outcome),
                    "{name}, {place:?}: {outcome}, and not {told:?}"
                );
                assert!(told.len() > 20, "{name}, {place:?}: why?");
                *(if outcome == "denied" { &mut denied } else { &mut passed }) += 1;
            }
        }
        assert!(said.is_empty(), "{name}: {said:?} is tested nowhere");
    }
    assert!(denied >= 8 && passed >= 10, "{denied} denied, {passed} passed");
}

#[test]
fn hostile_grantees_are_refused() {
    let library = Library::built_in();
    let org = "o-a1b2c3d4e5".to_owned();
    let good = || ("aws".to_owned(), "444455556666".to_owned());
    for value in lines("tests/policies/hostile.jsonl") {
        let value = value.as_str().unwrap().to_owned();
        let mut grantees = vec![
            Grantee::Account { partition: value.clone(), account: good().1, org_id: None },
            Grantee::Account { partition: good().0, account: value.clone(), org_id: None },
            Grantee::Account {
                partition: good().0,
                account: good().1,
                org_id: Some(value.clone()),
            },
            Grantee::Principals {
                partition: good().0,
                account: good().1,
                arns: vec![value.clone()],
            },
            Grantee::Units { org_id: org.clone(), units: vec![value.clone()] },
            Grantee::Units { org_id: value.clone(), units: vec!["ou-ab12-cdefghij".to_owned()] },
            Grantee::Organization { org_id: value.clone() },
        ];
        grantees.push(Grantee::Principals { partition: good().0, account: good().1, arns: vec![] });
        for grantee in grantees {
            let filled = library.fill(
                "bucket-read",
                &[
                    ("bucket", "arn:aws:s3:::acme-prod-raw".into()),
                    ("prefix", "ledger/".into()),
                    ("grantee", grantee.clone().into()),
                ],
            );
            assert!(filled.is_err(), "{grantee:?}: {filled:?}");
        }
    }
}

#[test]
fn only_a_plain_reference_is_a_reference() {
    let library = Library::built_in();
    let at = library.at([
        ("region", "eu-west-1".into()),
        ("dns_suffix", "amazonaws.com".into()),
        ("buckets", "arn:aws:s3:::acme-prod-raw".into()),
    ]);
    for good in [r#"{"Ref":"KeyRawArn"}"#, r#"{"Fn::GetAtt":["KeyRaw","Arn"]}"#] {
        let reference = Value::from_json(good).unwrap();
        let filled = at.fill("kms-decrypt", &[("key", reference.clone().into())]).unwrap();
        assert_eq!(filled[0].resources, [reference]);
    }
    for bad in [
        r#"{"Fn::Sub":"${AWS::AccountId}"}"#,
        r#"{"Ref":"a","Fn::GetAtt":["a","b"]}"#,
        r#"{"Ref":["a"]}"#,
        r#"{"Ref":"a b"}"#,
        r#"{"Fn::GetAtt":"KeyRaw.Arn"}"#,
        r#"{"Fn::Join":["",["*"]]}"#,
        r#"{"Statement":[]}"#,
        r#""*""#,
        "{}",
    ] {
        let value = Value::from_json(bad).unwrap();
        assert!(at.fill("kms-decrypt", &[("key", Argument::Reference(value))]).is_err(), "{bad}");
    }
    let prefix = Value::from_json(r#"{"Ref":"Prefix"}"#).unwrap();
    let error = at
        .fill(
            "s3-read",
            &[
                ("bucket", "arn:aws:s3:::acme".into()),
                ("owner", "111122223333".into()),
                ("prefix", prefix.into()),
            ],
        )
        .unwrap_err();
    assert!(error.reason.contains("can't be a reference"), "{error}");
}

// --- filling ----------------------------------------------------------------

#[test]
fn a_reference_inside_a_string_becomes_a_join() {
    let bucket = Value::from_json(r#"{"Fn::GetAtt":["Raw","Arn"]}"#).unwrap();
    let statements = Library::built_in()
        .fill("bucket-deny-insecure-transport", &[("bucket", bucket.into())])
        .unwrap();
    assert_eq!(
        Policy::new(statements).to_value().to_json(),
        r#"{"Statement":[{"Action":["s3:*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny","Principal":"*","Resource":[{"Fn::GetAtt":["Raw","Arn"]},{"Fn::Join":["",[{"Fn::GetAtt":["Raw","Arn"]},"/*"]]}],"Sid":"DenyInsecureTransport"}],"Version":"2012-10-17"}"#
    );
}

#[test]
fn free_text_stands_for_itself() {
    let statements = Library::built_in()
        .fill(
            "s3-list",
            &[
                ("bucket", "arn:aws:s3:::acme-prod-raw".into()),
                ("owner", "111122223333".into()),
                ("prefix", vec!["50% off?/", "$a/", "b*/"].into()),
            ],
        )
        .unwrap();
    assert_eq!(
        Value::Map(statements[0].condition.clone())
            .at(&["StringLike", "s3:prefix"])
            .unwrap()
            .to_json(),
        r#"["${$}a/*","50% off${?}/*","b${*}/*"]"#
    );
}

#[test]
fn an_empty_prefix_is_the_whole_bucket() {
    let whole = |document: &str| {
        Library::built_in()
            .fill(
                document,
                &[
                    ("bucket", "arn:aws:s3:::acme-prod-raw".into()),
                    ("owner", "111122223333".into()),
                    ("prefix", "".into()),
                ],
            )
            .unwrap()
            .remove(0)
    };
    assert_eq!(
        Value::Map(whole("s3-list").condition).to_json(),
        r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#
    );
    assert_eq!(whole("s3-read").resources, [Value::from("arn:aws:s3:::acme-prod-raw/*")]);
}

#[test]
fn arguments_are_neither_missing_nor_unknown_nor_twice() {
    let library = Library::built_in();
    let bucket = || ("bucket", Argument::from("arn:aws:s3:::acme-prod-raw"));
    let owner = || ("owner", Argument::from("111122223333"));
    for (arguments, expected) in [
        (vec![bucket()], "parameter `owner`: it is not optional"),
        (
            vec![bucket(), owner(), ("other", "x".into())],
            "parameter `other`: the document does not declare it",
        ),
        (vec![bucket(), owner(), bucket()], "parameter `bucket`: it is given twice"),
        (
            vec![owner(), ("bucket", vec!["arn:aws:s3:::acme-prod-raw"].into())],
            "one value is wanted",
        ),
        (vec![bucket(), ("owner", Argument::List(vec![]))], "one value is wanted"),
        (
            vec![
                bucket(),
                ("owner", Grantee::Organization { org_id: "o-a1b2c3d4e5".into() }.into()),
            ],
            "not a grantee",
        ),
    ] {
        let error = library.fill("s3-locate", &arguments).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = library.fill("kinesis-read", &[("streams", Argument::List(vec![]))]).unwrap_err();
    assert_eq!(error.reason, "the list is empty");
    assert!(library.fill("no-such", &[]).is_err());
    assert!(library.fill("grantee-account", &[]).is_err());
}

// --- documents of the user's own ---------------------------------------------

#[test]
fn documents_that_are_not_documents_are_refused() {
    let good = Value::from_json(&read("policies/s3-read.json")).unwrap();
    assert!(Library::built_in().with([("own", good.to_json())]).is_ok());
    let cases = lines("tests/policies/refused.jsonl");
    assert!(cases.len() >= 30);
    for case in cases {
        let document = match case.get("text") {
            Some(text) => text.as_str().unwrap().to_owned(),
            None => {
                let mut document = good.clone();
                merge(&mut document, case.get("patch"));
                if let Some(Value::List(list)) =
                    document.as_map_mut().unwrap().get_mut("statements")
                {
                    merge(&mut list[0], case.get("statement"));
                }
                document.to_json()
            }
        };
        let reason = text(&case, "reason");
        let error = Library::built_in().with([("own", document)]).map(|_| ()).unwrap_err();
        assert!(error.reason.contains(text(&case, "expect")), "{reason}: {error}");
    }
}

fn merge(into: &mut Value, patch: Option<&Value>) {
    let target = into.as_map_mut().unwrap();
    for (key, value) in patch.and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        target.insert(key.to_owned(), value.clone());
    }
}

#[test]
fn an_organization_can_narrow_a_document() {
    let text = read("policies/s3-write.json");
    let narrow = text
        .replace(
            "\"s3:ListMultipartUploadParts\": \"a writer resumes its own upload\"",
            "\"s3:AbortMultipartUpload\": \"cleaning up\"",
        )
        .replace(
            "    \"s3:AbortMultipartUpload\": \"a writer that fails cleans up its own parts\",\n",
            "",
        )
        .replace(", \"s3:ListMultipartUploadParts\"", "")
        .replace("\"s3:ListMultipartUploadParts\", ", "");
    let library = Library::built_in().with([("s3-write", narrow.as_str())]).unwrap();
    assert_eq!(
        library.get("s3-write").unwrap().actions(),
        ["s3:AbortMultipartUpload", "s3:PutObject"]
    );

    let deny = read("policies/bucket-deny-wrong-key.json");
    let error = Library::built_in().with([("s3-write", deny)]).map(|_| ()).unwrap_err();
    assert!(error.reason.contains("must stay"), "{error}");
}

// --- grants -----------------------------------------------------------------

fn grantees() -> [Grantee; 4] {
    let (partition, account) = ("aws".to_owned(), "444455556666".to_owned());
    let org_id = "o-a1b2c3d4e5".to_owned();
    [
        Grantee::Account {
            partition: partition.clone(),
            account: account.clone(),
            org_id: Some(org_id.clone()),
        },
        Grantee::Principals {
            partition,
            account,
            arns: vec![
                "arn:aws:iam::444455556666:role/Loader".into(),
                "arn:aws:iam::444455556666:user/Ada".into(),
            ],
        },
        Grantee::Units { org_id: org_id.clone(), units: vec!["ou-ab12-cdefghij".into()] },
        Grantee::Organization { org_id },
    ]
}

#[test]
fn every_level_fills_for_every_grantee_and_fits() {
    let library = Library::built_in();
    let at = library.at([
        ("region", "eu-west-1".into()),
        ("dns_suffix", "amazonaws.com".into()),
        ("owner", "111122223333".into()),
        ("bucket", "arn:aws:s3:::acme-prod-raw".into()),
        ("buckets", "arn:aws:s3:::acme-prod-raw".into()),
        ("prefix", "ledger/".into()),
        (
            "key",
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab".into(),
        ),
    ]);
    let mut shown = String::new();
    for grantee in grantees() {
        for level in [Level::Read, Level::Write, Level::Delete, Level::Admin] {
            let halves = level.halves();
            let fill = |documents: &[&str], arguments: &[(&str, Argument)]| -> Vec<Statement> {
                documents.iter().flat_map(|name| at.fill(name, arguments).unwrap()).collect()
            };
            let who = [("grantee", Argument::from(grantee.clone()))];
            let bucket = Policy::new(fill(halves.bucket, &who));
            let key = Policy::new(fill(halves.key, &who));
            let identity =
                Policy::new([fill(halves.identity, &[]), fill(halves.identity_key, &[])].concat());
            assert!(bucket.size() <= limit::BUCKET_POLICY && key.size() <= limit::KEY_POLICY);
            assert!(identity.size() <= limit::MANAGED_POLICY);
            for (_, statement) in bucket.statements().chain(key.statements()) {
                // everyone is never let in without being narrowed to an organization
                let open =
                    statement.principal.as_ref().is_some_and(|it| it.to_json().contains("\"*\""));
                let organization = Value::Map(statement.condition.clone());
                assert!(
                    !open || organization.at(&["StringEquals", "aws:PrincipalOrgID"]).is_some()
                );
            }
            for actions in [&bucket, &key, &identity]
                .map(|p| p.statements().flat_map(|(_, s)| s.actions.clone()).collect::<Vec<_>>())
            {
                assert!(
                    !actions.iter().any(|a| a.contains("Policy")
                        || a.contains("Configuration")
                        || a.contains("BypassGovernance")
                        || a.contains("DeleteObjectVersion")
                        || a.contains("PutObjectRetention")
                        || a.contains("Versioning")
                        || a.contains("CreateGrant")),
                    "{actions:?}"
                );
            }
            if level == Level::Read {
                shown += &format!(
                    "== {grantee:?}\nbucket {}\nkey {}\n",
                    bucket.to_value().to_json_pretty(),
                    key.to_value().to_json_pretty()
                );
            }
        }
    }
    insta::assert_snapshot!("grants_of_read", shown);
}

#[test]
fn a_document_may_not_use_a_key_that_the_grantee_needs() {
    let text = read("policies/bucket-read.json")
        .replace("\"Resource\": [\"{{ bucket }}/{{ prefix }}*\"]", "\"Resource\": [\"{{ bucket }}/{{ prefix }}*\"], \"Condition\": {\"StringEquals\": {\"aws:PrincipalOrgID\": \"o-zzzzzzzzzz\"}}");
    let library = Library::built_in().with([("bucket-read", text)]).unwrap();
    let error = library
        .fill(
            "bucket-read",
            &[
                ("bucket", "arn:aws:s3:::acme-prod-raw".into()),
                ("prefix", "ledger/".into()),
                ("grantee", Grantee::Organization { org_id: "o-a1b2c3d4e5".into() }.into()),
            ],
        )
        .unwrap_err();
    assert!(error.reason.contains("needs this key"), "{error}");
}

// --- what services send -------------------------------------------------------

/// `docs/service-conditions.md` has a row for each document that lets a service in, and the documents follow it.
#[test]
fn services_are_let_in_as_the_table_says() {
    let table = read("docs/service-conditions.md");
    let rows: BTreeMap<String, Vec<String>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<String> =
                line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            (cells[0].trim_matches('`').to_owned(), cells)
        })
        .collect();
    let library = Library::built_in();
    let mut seen = BTreeSet::new();
    for (name, arguments) in fillable(&library) {
        for statement in library.fill(name, &arguments).unwrap() {
            let Some(service) = statement.principal.as_ref().and_then(|it| it.get("Service"))
            else {
                continue;
            };
            let row = rows.get(name).unwrap_or_else(|| panic!("{name} has no row"));
            assert!(row[1].contains(service.as_str().unwrap()), "{name}: {row:?}");
            let keys: BTreeSet<&str> = statement
                .condition
                .iter()
                .flat_map(|(_, keys)| keys.as_map().unwrap().iter().map(|(key, _)| key))
                .collect();
            for (cell, key) in [(&row[2], "aws:SourceAccount"), (&row[3], "aws:SourceArn")] {
                assert_eq!(cell.starts_with("yes"), keys.contains(key), "{name}, {key}: {cell}");
            }
            assert!(row[5].contains("https://docs.aws.amazon.com/"), "{name}");
            seen.insert(name.to_owned());
        }
    }
    assert_eq!(seen, rows.keys().cloned().collect());
}

/// The kinds that a document can declare are all used, or tested above by name.
#[test]
fn kinds_have_names_that_documents_can_use() {
    for kind in Kind::all() {
        assert_eq!(Kind::named(kind.name()), Some(kind));
    }
}

// --- use --------------------------------------------------------------------

/// The lakes of `examples/`, one for each environment.
fn example_lakes() -> Vec<Lake> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("examples"))
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    folders.sort();
    let mut lakes = Vec::new();
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("lake.yaml")).expect("an example");
        let mut files = Sources::default();
        let file = files.add("lake.yaml", text);
        let (tree, _) = syntax::parse(&files, file);
        let environments = resolve::environments(&tree);
        for name in environments {
            let mut lake = resolve::resolve(&tree, name).lake.expect("examples are valid");
            // A deployer makes roles only below a boundary.
            let boundary = PolicyName("policy/lake/wall".to_owned());
            lake.home.permissions_boundary = Some(At { value: boundary, span: Span::default() });
            lakes.push(lake);
        }
    }
    lakes
}

/// Everything that the lakes become: templates, the halves of other accounts, and what whoever deploys
/// them is allowed.
fn made_of(lakes: &[Lake], library: &Library) -> Vec<Value> {
    let mut made = Vec::new();
    for lake in lakes {
        let scripts: Scripts = compile::scripts_of(lake)
            .into_iter()
            .map(|path| (path.to_owned(), "0".repeat(64)))
            .collect();
        let compiled = compile::compile(lake, library, &scripts, &Placement::default());
        let bases = [lake.naming.base_bucket(&lake.home.region)];
        for purpose in [Purpose::Plan, Purpose::ChangeSets, Purpose::Apply] {
            let policies = deployer::policies(lake, &compiled.stacks, &bases, library, purpose);
            let policies = policies.expect("what deploys an example fits").policies;
            made.extend(policies.into_iter().map(|policy| policy.document));
        }
        made.extend(compiled.stacks.into_iter().map(|stack| stack.template));
        made.extend(compiled.handovers.into_iter().map(|handover| handover.policy));
    }
    made
}

/// A document that nothing needs is a permission that nobody has looked at: each one, made another,
/// changes what some example becomes.
#[test]
fn every_document_is_used_by_an_example() {
    let library = Library::built_in();
    let lakes = example_lakes();
    let usual = made_of(&lakes, &library);
    assert!(usual.len() > 20, "only {} documents were made", usual.len());
    let mut unused = Vec::new();
    for name in library.names() {
        let text = read(&format!("policies/{name}.json"));
        // Another Sid; a form of grantee has none, and gets a condition more.
        let other = match library.get(name).expect("it is listed").layer {
            Layer::Grantee | Layer::Condition => {
                let condition =
                    r#""Condition": { "BoolIfExists": { "aws:ViaAWSService": "false" },"#;
                let (bare, fresh) = (r#""Condition": {"#, r#""Principal": "#);
                match text.contains(bare) {
                    true => text.replacen(bare, condition, 1),
                    false => text.replacen(fresh, &format!("{condition} }}, {fresh}"), 1),
                }
            }
            _ => text.replace("\"Sid\": \"", "\"Sid\": \"Another"),
        };
        assert_ne!(text, other, "{name}");
        let changed = Library::built_in().with([(name, other)]).unwrap_or_else(|e| panic!("{e}"));
        if made_of(&lakes, &changed) == usual {
            unused.push(name);
        }
    }
    assert!(unused.is_empty(), "no example needs {unused:?}: show it in one, or delete it");
}
