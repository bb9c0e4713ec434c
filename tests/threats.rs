//! The threats: `docs/threats.md` names for each of them what must hold, what holds it and the test that fails without it.
//! Here the page is walked, so that nothing it names is gone; then come the tests of constructions that no rule stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lakewright::catalogue::iam;
use lakewright::diagnostic::Code;
use lakewright::document::Value as Document;
use lakewright::verdict::{self, Decision, Kind, Reach, Request, Requester, Standing, evaluate};
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/threats.md")).expect("the page is there")
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn rows<'p>(page: &'p str, heading: &str) -> Vec<Vec<&'p str>> {
    let (_, rest) = page.split_once(heading).expect("the page has the table");
    let rows = rest.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn every_threat_names_what_holds_it_and_its_test() {
    let page = page();
    let rows = rows(&page, "| threat |");
    assert_eq!(rows.len(), 24);
    for (at, row) in rows.iter().enumerate() {
        let name = format!("T{}", at + 1);
        let [threat, what, holds, by, tests] = row[..] else { panic!("{name}: {row:?}") };
        assert_eq!(threat, name);
        assert!(what.len() > 10 && holds.len() > 60, "{name}: in words of ours");
        let named = quoted(by);
        assert!(!named.is_empty(), "{name} is held by nothing");
        for one in named {
            match Code::parse(one) {
                Some(_) => {}
                None => assert!(root().join(one).exists(), "{name}: there is no {one}"),
            }
        }
        let tests = quoted(tests);
        assert!(!tests.is_empty(), "{name} has no test");
        for test in tests {
            let (file, function) =
                test.split_once("::").unwrap_or_else(|| panic!("{name}: {test}"));
            let text =
                fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("{name}: {file}"));
            let there = text.contains(&format!("#[test]\nfn {function}()"))
                || text.contains(&format!("#[test]\n    fn {function}()"));
            assert!(there, "{name}: {file} has no test {function}");
        }
    }
}

// --- documents, filled with their examples ---------------------------------------

/// A document of `policies/` with its placeholders replaced by its own examples.
fn filled(name: &str) -> Value {
    let path = root().join("policies").join(format!("{name}.json"));
    let document: Value =
        serde_json::from_str(&fs::read_to_string(path).expect(name)).expect("JSON");
    let examples: BTreeMap<String, Vec<String>> = document["parameters"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(parameter, about)| {
            let texts = match &about["example"] {
                Value::Array(list) => {
                    list.iter().map(|one| one.as_str().unwrap_or("").to_owned()).collect()
                }
                one => vec![one.as_str().unwrap_or("").to_owned()],
            };
            (parameter.clone(), texts)
        })
        .collect();
    replaced(&document["statements"], &examples)
}

fn replaced(value: &Value, examples: &BTreeMap<String, Vec<String>>) -> Value {
    match value {
        Value::String(text) => Value::String(texts(text, examples).remove(0)),
        Value::Array(list) => list
            .iter()
            .flat_map(|one| match one.as_str() {
                Some(text) => texts(text, examples).into_iter().map(Value::String).collect(),
                None => vec![replaced(one, examples)],
            })
            .collect(),
        Value::Object(map) => {
            map.iter().map(|(key, one)| (key.clone(), replaced(one, examples))).collect()
        }
        other => other.clone(),
    }
}

/// A text with each example of its placeholders.
fn texts(text: &str, examples: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    for (name, values) in examples {
        let slot = format!("{{{{ {name} }}}}");
        all = all
            .into_iter()
            .flat_map(|text| match text.contains(&slot) {
                true => values.iter().map(|value| text.replace(&slot, value)).collect(),
                false => vec![text],
            })
            .collect();
    }
    all
}

fn documents() -> Vec<(String, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("policies"))
        .expect("the folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("readable");
        (name, serde_json::from_str(&text).expect("JSON"))
    };
    files.into_iter().map(read).collect()
}

fn policy(statements: &Value, kind: Kind) -> verdict::Document {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    verdict::Document::read(&Document::from_json(&text).expect("JSON"), kind).expect("a policy")
}

fn request(action: &str, resource: &str, context: &BTreeMap<String, String>) -> Request {
    let context = context.iter();
    Request {
        principal: None,
        standing: Standing::Delegated,
        action: action.to_owned(),
        resource: Some(resource.to_owned()),
        context: context
            .map(|(key, value)| (key.to_ascii_lowercase(), (key.clone(), vec![value.clone()])))
            .collect(),
        tokens: Vec::new(),
    }
}

// --- T11 -------------------------------------------------------------------------

/// Who asks, with which keys, and whether the perimeter denies it.
type Case<'c> = (&'c str, Vec<(&'c str, &'c str)>, bool);

/// The perimeter keeps out strangers and services that act for them, lets in the organization, the trusted accounts and
/// services that act for these; without any of its statements or keys one of them is answered otherwise.
#[test]
fn every_part_of_the_perimeter_decides_something() {
    let whole = filled("bucket-deny-outside-organization");
    let own = [("aws:PrincipalOrgID", "o-a1b2c3d4e5"), ("aws:PrincipalAccount", "444455556666")];
    let trusted =
        [("aws:PrincipalOrgID", "o-zzzzzzzzzz"), ("aws:PrincipalAccount", "333333333333")];
    let stranger =
        [("aws:PrincipalOrgID", "o-zzzzzzzzzz"), ("aws:PrincipalAccount", "999988887777")];
    let caller = |service: &'static str, via: &'static str| {
        [("aws:PrincipalIsAWSService", service), ("aws:ViaAWSService", via)]
    };
    let source = |organization: &'static str, account: &'static str| {
        [("aws:SourceOrgID", organization), ("aws:SourceAccount", account)]
    };
    let plain = caller("false", "false");
    let service = caller("true", "false");
    let cases: [Case<'_>; 9] = [
        ("of the organization", [own, plain].concat(), false),
        ("a trusted account", [trusted, plain].concat(), false),
        ("a stranger", [stranger, plain].concat(), true),
        ("nobody that signed", Vec::new(), true),
        (
            "a service for the account",
            [service, source("o-zzzzzzzzzz", "111122223333")].concat(),
            false,
        ),
        (
            "a service for the organization",
            [service, source("o-a1b2c3d4e5", "777766665555")].concat(),
            false,
        ),
        (
            "a service for a stranger",
            [service, source("o-zzzzzzzzzz", "999988887777")].concat(),
            true,
        ),
        ("a service that does not say", service.to_vec(), true),
        ("a service for its caller", [stranger, caller("false", "true")].concat(), false),
    ];
    let answers = |statements: &Value| -> Vec<bool> {
        let document = policy(statements, Kind::Resource);
        let denied = |context: &[(&str, &str)]| {
            let context = context
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let mut asked = request("s3:GetObject", "arn:aws:s3:::acme-prod-raw/x", &context);
            asked.principal =
                Some(Requester::read("AWS", "arn:aws:iam::999988887777:role/someone"));
            evaluate(std::slice::from_ref(&document), &asked, Reach::Whole) == Decision::Denied
        };
        cases.iter().map(|(_, context, _)| denied(context)).collect()
    };
    let meant: Vec<bool> = cases.iter().map(|(.., denied)| *denied).collect();
    let found = answers(&whole);
    for (at, (what, ..)) in cases.iter().enumerate() {
        assert_eq!(found[at], meant[at], "{what}");
    }
    let mut parts = 0;
    for at in 0..whole.as_array().expect("a list").len() {
        let mut less = whole.clone();
        less.as_array_mut().expect("a list").remove(at);
        assert_ne!(answers(&less), meant, "statement {at} decides nothing");
        for (operator, keys) in whole[at]["Condition"].as_object().expect("conditions") {
            for key in keys.as_object().expect("keys").keys() {
                let mut less = whole.clone();
                let keys = less[at]["Condition"][operator].as_object_mut().expect("keys");
                keys.remove(key);
                if keys.is_empty() {
                    less[at]["Condition"].as_object_mut().expect("operators").remove(operator);
                }
                assert_ne!(answers(&less), meant, "{key} of statement {at} decides nothing");
                parts += 1;
            }
        }
    }
    assert_eq!(parts, 7);
}

// --- T17 -------------------------------------------------------------------------

/// Glue asks for the catalog, the database and the table, each: a document that names tables names all three, and without
/// any of them one of the three is not allowed.
#[test]
fn each_level_of_the_catalog_is_needed() {
    let mut seen = 0;
    for (name, document) in documents() {
        let glue = document["claims"]["resource_types"].as_array().is_some_and(|all| {
            all.iter().any(|one| one == "table")
                && document["claims"]["services"] == json!(["glue"])
        });
        if !glue || document["effect"] != "Allow" {
            continue;
        }
        for statement in filled(&name).as_array().expect("a list") {
            let resources: Vec<&str> = statement["Resource"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let actions =
                statement["Action"].as_array().expect("a list").iter().filter_map(Value::as_str);
            let of_table: Vec<&str> = actions
                .filter(|action| {
                    let known = iam::action(action).expect("an action of AWS");
                    known.resources.iter().any(|on| on.resource == "table")
                })
                .collect();
            if of_table.is_empty() {
                continue;
            }
            let level = |word: &str| {
                let found = resources.iter().find(|arn| {
                    arn.splitn(6, ':').nth(5).is_some_and(|rest| rest.starts_with(word))
                });
                found.map(|arn| arn.replace('*', "x"))
            };
            let levels: Vec<String> = ["catalog", "database/", "table/"]
                .iter()
                .map(|word| level(word).unwrap_or_else(|| panic!("{name} names no {word}")))
                .collect();
            let passes = |statement: &Value, action: &str| {
                let document = policy(&json!([statement]), Kind::Identity);
                levels.iter().all(|arn| {
                    let asked = request(action, arn, &BTreeMap::new());
                    evaluate(std::slice::from_ref(&document), &asked, Reach::Whole)
                        == Decision::Allowed
                })
            };
            for action in &of_table {
                assert!(passes(statement, action), "{name}: {action}");
                for word in ["catalog", "database/", "table/"] {
                    let mut less = statement.clone();
                    less["Resource"].as_array_mut().expect("a list").retain(|arn| {
                        let rest = arn.as_str().and_then(|arn| arn.splitn(6, ':').nth(5));
                        !rest.is_some_and(|rest| rest.starts_with(word))
                    });
                    assert!(!passes(&less, action), "{name}: {action} without {word}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 20, "{seen}");
}

// --- T19 -------------------------------------------------------------------------

/// The keys of a Deny, and a value of each with which the statement applies; `None` where it applies without the key.
fn applying(statement: &Value) -> BTreeMap<String, Option<String>> {
    let mut keys: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (operator, tested) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in tested.as_object().into_iter().flatten() {
            let value = match values {
                Value::Array(list) => list[0].as_str().unwrap_or(""),
                one => one.as_str().unwrap_or(""),
            };
            let value = match (operator.as_str(), value) {
                ("Null", "true") => None,
                ("Null", _) => Some("some".to_owned()),
                (name, _) if name.starts_with("ArnNot") => {
                    Some("arn:aws:kms:eu-west-1:999988887777:key/other".to_owned())
                }
                (name, _) if name.contains("Not") => Some("other".to_owned()),
                (_, value) => Some(value.replace('*', "x")),
            };
            let known = keys.entry(key.clone()).or_insert_with(|| value.clone());
            // a test of the value says more than one of its presence
            if operator != "Null" {
                *known = value;
            }
        }
    }
    keys
}

/// Every Deny is replayed with each of its keys absent, and the page says what happens then and why.
#[test]
fn every_deny_without_each_of_its_keys_does_what_the_page_says() {
    let page = page();
    let said: BTreeMap<(String, String), String> = rows(&page, "| document | statement |")
        .into_iter()
        .map(|row| {
            let [document, statement, key, absent, why] = row[..] else { panic!("{row:?}") };
            assert!(why.len() > 15, "{row:?}");
            let place = format!("{} {}", quoted(document)[0], quoted(statement)[0]);
            ((place, quoted(key)[0].to_owned()), absent.to_owned())
        })
        .collect();
    let mut replayed = BTreeMap::new();
    let mut own_words = 0;
    let mut places = BTreeSet::new();
    for (name, whole) in documents().into_iter().filter(|(_, one)| one["effect"] == "Deny") {
        for statement in filled(&name).as_array().expect("a list") {
            let kind =
                if statement.get("Principal").is_some() { Kind::Resource } else { Kind::Identity };
            let first = |element: &str| match &statement[element] {
                Value::Array(list) => list[0].as_str().unwrap_or("").replace('*', "x"),
                one => one.as_str().unwrap_or("").replace('*', "x"),
            };
            let document = policy(&json!([statement]), kind);
            let keys = applying(statement);
            let present: BTreeMap<String, String> = keys
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
                .collect();
            let denied = |context: &BTreeMap<String, String>| {
                let mut asked = request(&first("Action"), &first("Resource"), context);
                asked.principal = (kind == Kind::Resource)
                    .then(|| Requester::read("AWS", "arn:aws:iam::999988887777:role/someone"));
                evaluate(std::slice::from_ref(&document), &asked, Reach::Whole) == Decision::Denied
            };
            let place = format!("{name} {}", statement["Sid"].as_str().expect("a Sid"));
            places.extend(keys.keys().map(|key| (place.clone(), key.clone())));
            assert!(denied(&present), "{place} does not apply: {present:?}");
            for key in keys.keys() {
                let mut less = present.clone();
                less.remove(key);
                let word = if denied(&less) { "denied" } else { "not denied" };
                // a document may say it of itself
                let sid = statement["Sid"].as_str().unwrap_or_default();
                match whole["absent_keys"][sid][key.as_str()].as_str() {
                    Some(own) => {
                        let own = if own.starts_with("denied") { "denied" } else { "not denied" };
                        assert_eq!(own, word, "{place} without {key}");
                        own_words += 1;
                    }
                    None => drop(replayed.insert((place.clone(), key.clone()), word.to_owned())),
                }
            }
        }
    }
    assert!(replayed.len() + own_words >= 10, "{replayed:?}");
    let missing: Vec<_> =
        replayed.iter().filter(|(place, word)| said.get(place) != Some(word)).collect();
    assert!(missing.is_empty(), "the page says otherwise, or nothing:\n{missing:#?}");
    let gone: BTreeSet<_> = said.keys().filter(|place| !places.contains(*place)).collect();
    assert!(gone.is_empty(), "there is no such Deny: {gone:?}");
}
