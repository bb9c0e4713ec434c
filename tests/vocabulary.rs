//! Policy documents of the user's own: what is refused, what is reported as broader, and what goes through in silence.
//!
//! Hostile documents are lines of `tests/vocabulary/hostile.jsonl`: a built-in document (`of`), a change of its text
//! (`replace` once, `all` of them, `repeat` a text so many times, `drop` a key), the words of the error and, where
//! given, what stands at its place. Then every built-in document is bent by rule, and the direction is known.

use lakewright::compile::understand;
use lakewright::diagnostic::{Diagnostic, Severity};
use lakewright::document::{Map, Value};
use lakewright::lake::Lake;
use lakewright::policy::{Effect, Layer, Library};
use lakewright::render::diagnostics::{Style, text as render};
use lakewright::resolve;
use lakewright::source::{Sources, Span};
use lakewright::syntax;
use lakewright::vocabulary::{File, Vocabulary, read};

const SPEC: &str = "lakewright: 1\nlake: acme\nenvironments:\n  dev: { account: \"555566667777\", region: eu-north-1 }\npolicies: ./own\nbuckets:\n  raw: {}\n";

fn text_of(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn built_in(name: &str) -> String {
    text_of(&format!("policies/{name}.json"))
}

fn lake(sources: &mut Sources) -> (Lake, Span) {
    let file = sources.add("lake.yaml", SPEC);
    let (tree, _) = syntax::parse(sources, file);
    let environment = resolve::environments(&tree)[0].to_owned();
    let lake = understand(&tree, &environment).lake.expect("the spec is valid");
    let span = lake.policies.as_ref().expect("it names a folder").span;
    (lake, span)
}

fn judged(documents: &[(&str, &str)]) -> (Sources, Vocabulary) {
    let mut sources = Sources::default();
    let (lake, span) = lake(&mut sources);
    let files: Vec<File> = documents
        .iter()
        .map(|(name, text)| File {
            path: format!("{name}.json"),
            id: sources.add(format!("own/{name}.json"), *text),
        })
        .collect();
    let vocabulary = read(&lake, span, &files, &sources);
    (sources, vocabulary)
}

#[test]
fn what_is_no_document_is_not_shown() {
    let long = format!("{{ {} }}", "bucket".repeat(400));
    let huge = built_in("s3-read").replacen("{{ bucket }}/", &"{{ bucket }}".repeat(1000), 1);
    for (name, text) in [
        ("s3-delete", "AWS_SECRET_ACCESS_KEY=hunter2\n"),
        ("s3-raed", "AWS_SECRET_ACCESS_KEY=hunter2\n"),
        ("s3-delete", &long),
        ("s3-read", &huge),
    ] {
        let (sources, vocabulary) = judged(&[(name, text)]);
        assert!(vocabulary.diagnostics.has_errors(), "{name}");
        let said = render(&vocabulary.diagnostics, &sources, Style::default());
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.len() < 3_000, "{} bytes: {said}", said.len());
        for told in &vocabulary.diagnostics {
            let words = told.notes.iter().chain(&told.help).chain([&told.headline]);
            let label = told.primary.iter().map(|label| &label.text);
            assert!(words.chain(label).all(|text| text.len() < 1_000), "{told:?}");
        }
    }
}

/// The codes that are said of one document.
fn codes(name: &str, text: &str) -> Vec<&'static str> {
    judged(&[(name, text)]).1.diagnostics.iter().map(|one| one.code.as_str()).collect()
}

fn named(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("{key}")).to_owned()
}

/// The document of a case.
fn bent(case: &Value) -> String {
    let text = built_in(&named(case, "of"));
    let words = |key: &str| -> Option<(String, String)> {
        let list = case.get(key)?.as_list()?;
        Some((list[0].as_str()?.to_owned(), list[1].as_str()?.to_owned()))
    };
    let mut out = text.clone();
    for key in ["replace", "also"] {
        if let Some((from, to)) = words(key) {
            assert!(out.contains(&from), "{from}");
            out = out.replacen(&from, &to, 1);
        }
    }
    if let Some((from, to)) = words("all") {
        assert!(out.contains(&from), "{from}");
        out = out.replace(&from, &to);
    }
    if let Some(list) = case.get("repeat").and_then(Value::as_list) {
        let times = usize::try_from(list[2].as_int().unwrap()).unwrap();
        let from = list[0].as_str().unwrap();
        assert!(out.contains(from), "{from}");
        out = out.replacen(from, &(from.to_owned() + &list[1].as_str().unwrap().repeat(times)), 1);
    }
    if let Some(list) = case.get("text").and_then(Value::as_list) {
        out = list[0].as_str().unwrap().repeat(usize::try_from(list[1].as_int().unwrap()).unwrap());
    }
    if let Some(path) = case.get("drop").and_then(Value::as_list) {
        let path: Vec<&str> = path.iter().map(|it| it.as_str().unwrap()).collect();
        let mut document = Value::from_json(&out).unwrap();
        let mut map = document.as_map_mut().unwrap();
        for key in &path[..path.len() - 1] {
            map = map.get_mut(key).unwrap().as_map_mut().unwrap();
        }
        assert!(map.remove(path[path.len() - 1]).is_some());
        out = document.to_json_pretty();
    }
    assert_ne!(out, text);
    out
}

#[test]
fn hostile_documents_are_refused_at_their_place() {
    let cases = text_of("tests/vocabulary/hostile.jsonl");
    assert!(cases.lines().count() >= 50);
    for line in cases.lines() {
        let case = Value::from_json(line).expect(line);
        let (name, why) = (named(&case, "of"), named(&case, "why"));
        let text = bent(&case);
        let started = std::time::Instant::now();
        let (sources, vocabulary) = judged(&[(&name, &text)]);
        assert!(started.elapsed().as_secs() < 5, "{why}: {:?}", started.elapsed());
        let refused: Vec<&Diagnostic> =
            vocabulary.diagnostics.iter().filter(|one| one.code.as_str() == "LW0432").collect();
        assert!(!refused.is_empty(), "{why}: nothing is said");
        assert!(vocabulary.diagnostics.has_errors());
        let said = |one: &&Diagnostic| {
            one.headline.contains(&named(&case, "expect"))
                || one.notes.iter().any(|note| note.contains(&named(&case, "expect")))
        };
        let Some(told) = refused.iter().find(|one| said(one)) else {
            panic!("{why}: {refused:#?}")
        };
        let label = told.primary.as_ref().expect("it has a place");
        let file = &sources.get(label.span.file).name;
        assert_eq!(file, &format!("own/{name}.json"), "{why}");
        assert!(told.headline.chars().count() <= 120 && !told.headline.contains('\n'), "{why}");
        if let Some(at) = case.get("at").and_then(Value::as_str) {
            let there = &sources.get(label.span.file).text[label.span.start as usize..];
            let there = there.trim_start_matches('"');
            assert!(
                there.starts_with(at),
                "{why}: the place is {:?}",
                &there[..40.min(there.len())]
            );
        }
    }
}

/// The built-in documents themselves, and what only looks different, are contained.
#[test]
fn copies_of_the_built_in_documents_are_taken_in_silence() {
    let library = Library::built_in();
    let texts: Vec<(&str, String)> =
        library.names().into_iter().map(|name| (name, built_in(name))).collect();
    let copies: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (_, vocabulary) = judged(&copies);
    assert!(vocabulary.diagnostics.is_empty(), "{:#?}", vocabulary.diagnostics);
    assert_eq!(vocabulary.library.own().count(), library.names().len());
    for (name, text) in &texts {
        // other Sids, so that the comparison is not passed over
        let document = library.get(name).unwrap();
        if document.layer.is_part() {
            continue;
        }
        let renamed = text.replace("\"Sid\": \"", "\"Sid\": \"Other");
        assert_ne!(&renamed, text);
        assert!(
            codes(name, &renamed).is_empty(),
            "{name}: {:#?}",
            judged(&[(name, &renamed)]).1.diagnostics
        );
    }
}

/// A document as a value, and what the header must no longer declare.
struct Bent(Value);

impl Bent {
    fn of(name: &str) -> Bent {
        Bent(Value::from_json(&built_in(name)).unwrap())
    }

    fn statements(&mut self) -> &mut Vec<Value> {
        match self.0.as_map_mut().unwrap().get_mut("statements") {
            Some(Value::List(list)) => list,
            _ => panic!("a document has statements"),
        }
    }

    /// As text, without parameters, reasons and types that nothing uses any more.
    fn text(mut self) -> String {
        let statements = self.0.get("statements").unwrap().to_json();
        let keep = |map: &mut Map, used: &dyn Fn(&str) -> bool| {
            let gone: Vec<String> =
                map.iter().map(|(key, _)| key.to_owned()).filter(|key| !used(key)).collect();
            gone.iter().for_each(|key| {
                map.remove(key);
            });
        };
        let head = self.0.as_map_mut().unwrap();
        for (part, form) in
            [("parameters", "{{ NAME }}"), ("why", "\"NAME\""), ("bare_star", "\"NAME\"")]
        {
            if let Some(map) = head.get_mut(part).and_then(Value::as_map_mut) {
                keep(map, &|key| statements.contains(&form.replace("NAME", key)));
            }
        }
        self.0.to_json_pretty()
    }
}

fn all() -> Vec<(String, Effect, Layer)> {
    let library = Library::built_in();
    let each = library.names().into_iter().map(|name| library.get(name).unwrap());
    each.map(|it| (it.name.clone(), it.effect, it.layer)).collect()
}

/// (operator, key) of every condition of a statement.
fn conditions(statement: &Value) -> Vec<(String, String)> {
    let operators = statement.get("Condition").and_then(Value::as_map);
    let mut all = Vec::new();
    for (operator, keys) in operators.into_iter().flat_map(Map::iter) {
        all.extend(
            keys.as_map().unwrap().iter().map(|(key, _)| (operator.to_owned(), key.to_owned())),
        );
    }
    all
}

fn without_condition(statement: &mut Value, operator: &str, key: &str) {
    let condition =
        statement.as_map_mut().unwrap().get_mut("Condition").unwrap().as_map_mut().unwrap();
    let keys = condition.get_mut(operator).unwrap().as_map_mut().unwrap();
    keys.remove(key);
    if keys.is_empty() {
        condition.remove(operator);
    }
    if condition.is_empty() {
        statement.as_map_mut().unwrap().remove("Condition");
    }
}

/// A condition less allows more, in an Allow; in a Deny it allows less.
#[test]
fn a_condition_less_broadens_an_allow_and_never_a_deny() {
    let (mut broader, mut contained) = (0, 0);
    for (name, effect, _) in all() {
        let count = Bent::of(&name).statements().len();
        for at in 0..count {
            for (operator, key) in conditions(&Bent::of(&name).statements()[at]) {
                let mut bent = Bent::of(&name);
                without_condition(&mut bent.statements()[at], &operator, &key);
                let text = bent.text();
                let found = codes(&name, &text);
                let place = format!("{name} statement {at}: {operator} {key}: {found:?}");
                match effect {
                    Effect::Allow => {
                        assert!(!found.is_empty(), "{place}");
                        broader += usize::from(found == ["LW0431"]);
                    }
                    Effect::Deny => {
                        assert!(!found.contains(&"LW0431"), "{place}");
                        contained += usize::from(found.is_empty());
                    }
                }
            }
        }
    }
    assert!(broader >= 50 && contained >= 5, "{broader} broader, {contained} contained");
}

/// A condition more allows less, in an Allow; in a Deny it allows more.
#[test]
fn a_condition_more_narrows_an_allow_and_broadens_a_deny() {
    let (mut broader, mut contained) = (0, 0);
    for (name, effect, layer) in all() {
        let mut bent = Bent::of(&name);
        for statement in bent.statements() {
            let map = statement.as_map_mut().unwrap();
            let mut condition = map.remove("Condition").unwrap_or(Value::Map(Map::new()));
            let mut keys = Map::new();
            keys.insert("aws:PrincipalTag/team", "platform");
            condition.as_map_mut().unwrap().insert("StringEqualsIgnoreCase", Value::Map(keys));
            map.insert("Condition", condition);
        }
        let text = bent.text();
        let (_, vocabulary) = judged(&[(&name, &text)]);
        let found: Vec<_> = vocabulary.diagnostics.iter().collect();
        match effect {
            _ if layer == Layer::Trust && !found.is_empty() => {}
            Effect::Allow => {
                assert!(found.is_empty(), "{name}: {found:#?}");
                contained += 1;
            }
            Effect::Deny => {
                assert!(
                    found.iter().any(|one| one.code.as_str() == "LW0431"),
                    "{name}: {found:#?}"
                );
                assert!(found.iter().all(|one| one.severity == Severity::Warning));
                broader += 1;
            }
        }
    }
    assert!(broader >= 5 && contained >= 45, "{broader} broader, {contained} contained");
}

/// A resource that a document spells out is not what its placeholder stands for, not even the one of the examples.
#[test]
fn a_resource_more_broadens() {
    let mut broader = 0;
    for (name, effect, layer) in all() {
        if effect == Effect::Deny || !matches!(layer, Layer::Identity | Layer::Resource) {
            continue;
        }
        let example = Library::built_in();
        let document = example.get(&name).unwrap();
        let filled = example
            .fill(&name, &lakewright::policy::check::examples(document))
            .unwrap_or_else(|error| panic!("{error}"));
        let more: Vec<Value> = filled[0].resources.clone();
        if more.iter().all(|it| it.as_str() == Some("*")) {
            continue;
        }
        let mut bent = Bent::of(&name);
        match bent.statements()[0].as_map_mut().unwrap().get_mut("Resource") {
            Some(Value::List(list)) => list.extend(more),
            Some(other) => {
                let mut list = vec![other.clone()];
                list.extend(more);
                *other = Value::List(list);
            }
            None => panic!("{name}"),
        }
        let text = bent.text();
        let found = codes(&name, &text);
        assert_eq!(found, ["LW0431"], "{name}");
        broader += 1;
    }
    assert!(broader >= 20, "{broader}");
}

#[test]
fn the_witness_names_the_action_and_the_statement() {
    let text = built_in("s3-write").replace("\"s3:AbortMultipartUpload\"", "\"s3:DeleteObject\"");
    let (sources, vocabulary) = judged(&[("s3-write", &text)]);
    let found: Vec<&Diagnostic> = vocabulary.diagnostics.iter().collect();
    let [told] = found[..] else { panic!("{found:#?}") };
    assert_eq!((told.code.as_str(), told.severity), ("LW0431", Severity::Warning));
    assert!(
        told.notes[0].contains("s3:DeleteObject on arn:aws:s3:::sample1-bucket/sample1/in/"),
        "{told:#?}"
    );
    let primary = told.primary.as_ref().unwrap().span;
    assert_eq!(
        (sources.get(primary.file).name.as_str(), sources.slice(primary)),
        ("lake.yaml", "./own")
    );
    let second = told.secondary[0].span;
    assert_eq!(sources.get(second.file).name, "own/s3-write.json");
    assert!(sources.slice(second).contains("S3Write"), "{:?}", sources.slice(second));
    // it is used all the same
    assert!(vocabulary.library.get("s3-write").unwrap().actions().contains(&"s3:DeleteObject"));
}

/// The lake's own account may stand in a document where its placeholder stood; another may not.
#[test]
fn what_the_lake_knows_of_itself_may_be_spelled_out() {
    let spelled = |account: &str| {
        let mut bent = Bent::of("s3-read");
        let text = bent.statements()[0].to_json().replace("{{ owner }}", account);
        bent.statements()[0] = Value::from_json(&text).unwrap();
        bent.text()
    };
    assert!(codes("s3-read", &spelled("555566667777")).is_empty());
    assert_eq!(codes("s3-read", &spelled("999988887777")), ["LW0431"]);
}

#[test]
fn names_that_are_no_document_are_refused_with_those_that_are_near() {
    let text = built_in("s3-read");
    for (name, help) in [
        ("s3-raed", "did you mean `s3-read.json`?"),
        ("bucket", "`bucket-administer`"),
        ("own/s3-read", "s3-read"),
        ("zebra", "docs/policies.md"),
    ] {
        let (_, vocabulary) = judged(&[(name, &text)]);
        let found: Vec<&Diagnostic> = vocabulary.diagnostics.iter().collect();
        let [told] = found[..] else { panic!("{found:#?}") };
        assert_eq!(told.code.as_str(), "LW0433");
        assert!(told.help.iter().any(|it| it.contains(help)), "{name}: {told:#?}");
        assert_eq!(vocabulary.library.own().count(), 0);
    }
    let (_, vocabulary) = judged(&[]);
    assert!(vocabulary.diagnostics.iter().any(|one| one.code.as_str() == "LW0433"));
}
