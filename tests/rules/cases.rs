//! Cases of rules as data: `cases/*.yaml`, each a file with the resources that its cases share (`base`) and the cases.
//!
//! A case has an `id`, the AWS page or the reason why it is so (`why`), `resources` over those of `base` (null takes one
//! away), accounts of the `family`, what is found (`finds`: code, end of the subject, part of the message) and the codes
//! that find nothing (`silent`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lakewright::access::{Source, read};
use lakewright::document::{Map, Value};
use lakewright::rules::{Around, Finding};
use lakewright::syntax;

use super::ground::run;

fn texts(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_list).unwrap_or(&[]).iter().filter_map(Value::as_str).collect()
}

/// The resources of a case: those of the file, with its own over them.
fn resources(base: Option<&Map>, own: Option<&Map>) -> Map {
    let mut all = Map::new();
    let of = |map: Option<&Map>| -> Vec<(String, Value)> {
        let entries = map.into_iter().flat_map(Map::iter);
        entries.map(|(id, value)| (id.to_owned(), value.clone())).collect()
    };
    let own = of(own);
    for (id, value) in of(base) {
        if !own.iter().any(|(other, _)| *other == id) {
            all.insert(id, value);
        }
    }
    for (id, value) in own.into_iter().filter(|(_, value)| *value != Value::Null) {
        all.insert(id, value);
    }
    all
}

fn findings(all: Map, family: Vec<&str>) -> Vec<Finding> {
    let mut template = Map::new();
    template.insert("Resources", Value::Map(all));
    let state = read(&[Source {
        name: "one".to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        body: std::borrow::Cow::Owned(Value::Map(template)),
        parameters: BTreeMap::new(),
        given: Default::default(),
    }]);
    run(&state, &Around { family: family.into_iter().map(str::to_owned).collect() })
}

#[test]
fn every_case_is_found_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/cases");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the cases").flatten().map(|it| it.path()).collect();
    files.sort();
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let whole = syntax::template(&text).expect("YAML");
        let base = whole.get("base").and_then(Value::as_map);
        for case in whole.get("cases").and_then(Value::as_list).expect("a list") {
            let id = case.get("id").and_then(Value::as_str).expect("an id");
            let why = case.get("why").and_then(Value::as_str).expect("a reason");
            assert!(why.len() > 20, "{id}");
            let all = resources(base, case.get("resources").and_then(Value::as_map));
            let found = findings(all, texts(case.get("family")));
            let (finds, silent) = (texts(case.get("finds")), texts(case.get("silent")));
            assert!(!finds.is_empty() || !silent.is_empty(), "{id} expects nothing");
            seen += 1;
            for wanted in finds {
                let (code, rest) = wanted.split_once(' ').expect("a code");
                let (subject, message) = rest.split_once(": ").expect("a subject");
                let fits = |one: &&Finding| {
                    one.rule.code.as_str() == code
                        && one.subject.ends_with(subject)
                        && one.message.contains(message)
                };
                if found.iter().filter(fits).count() != 1 {
                    wrong.push(format!("{id}: not once: {wanted}"));
                }
            }
            for one in found.iter().filter(|one| silent.contains(&one.rule.code.as_str())) {
                wrong.push(format!("{id}: {} {}: {}", one.rule.code, one.subject, one.message));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 40, "{seen}");
}
