//! The language as a whole: the examples mean something, and nothing that a person or an accident can
//! type makes the front end panic.

use std::path::Path;

use lakewright::diagnostic::{Diagnostics, Severity};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::render::diagnostics::{Style, text as render};
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::{check, compile, resolve, syntax};
use proptest::prelude::*;

fn front_end(name: &str, text: &str) -> (Sources, Diagnostics) {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let (tree, mut found) = syntax::parse(&sources, file);
    found.extend(check::spec(&tree, None));
    (sources, found)
}

fn shown(sources: &Sources, found: &Diagnostics) -> String {
    render(found, sources, Style { all: true, ..Style::default() })
}

#[test]
fn the_examples_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in std::fs::read_dir(&root).expect("examples are part of the crate") {
        let folder = entry.expect("readable").path();
        let path = folder.join("lake.yaml");
        let text = std::fs::read_to_string(&path).expect("every example has a lake.yaml");
        let (sources, found) = front_end(&path.display().to_string(), &text);
        assert!(!found.has_errors(), "{}", shown(&sources, &found));
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("script: ")) {
            assert!(folder.join(line).is_file(), "{}: {line} is missing", folder.display());
        }
        assert!(folder.join("README.md").is_file(), "{} has no README", folder.display());
        count += 1;
    }
    assert!(count >= 5, "only {count} examples");
}

/// What cannot be divided between stacks is told at the thing that is too large.
#[test]
fn a_table_that_fills_a_stack_is_told_at_its_line() {
    let mut spec = String::from(
        "lakewright: 1\nlake: acme\nenvironments:\n  dev: { account: \"111111111111\", region: eu-west-1 }\n\
         buckets: { raw: {} }\ndatabases:\n  sales:\n    location: raw/\n    tables:\n      wide:\n\
        \x20       format: parquet\n        columns:\n",
    );
    for column in 0..4_000 {
        let about = "x".repeat(240);
        spec += &format!("          c{column}: {{ type: string, description: {about} }}\n");
    }
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", spec);
    let (tree, _) = syntax::parse(&sources, file);
    let lake = resolve::resolve(&tree, "dev").lake.expect("the spec is valid");
    let (library, nowhere) = (Library::built_in(), Placement::default());
    let found = compile::compile(&lake, &library, &Scripts::new(), &nowhere).diagnostics;
    let errors: Vec<_> = found.iter().filter(|d| d.severity == Severity::Error).collect();
    let [error] = &errors[..] else { panic!("{}", shown(&sources, &found)) };
    assert_eq!(
        (error.code.as_str(), error.path.as_deref()),
        ("LW0505", Some("databases.sales.tables.wide"))
    );
    assert!(
        error.headline.contains("bytes, and CloudFormation takes 1000000"),
        "{}",
        error.headline
    );
    let line = error.primary.as_ref().map(|label| sources.start(label.span).line);
    assert_eq!(line, Some(10));
}

/// A spec in which everything of the language stands, to break.
fn seeds() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seeds: Vec<_> = std::fs::read_dir(root)
        .expect("examples are part of the crate")
        .map(|entry| entry.expect("readable").path().join("lake.yaml"))
        .collect();
    seeds.sort();
    seeds.iter().map(|path| std::fs::read_to_string(path).expect("readable")).collect()
}

/// One accident in a text.
#[derive(Debug, Clone)]
enum Accident {
    DeleteLine(usize),
    DoubleLine(usize),
    SwapLines(usize, usize),
    Cut(usize),
    Insert(usize, String),
    Replace(usize, String),
    Indent(usize, usize),
}

fn accident() -> impl Strategy<Value = Accident> {
    let word = prop_oneof![
        Just("~".to_owned()),
        Just("yes".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("- ".to_owned()),
        Just(": ".to_owned()),
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("keys.raw".to_owned()),
        Just("raw/".to_owned()),
        Just("sales.orders".to_owned()),
        Just("pipelines".to_owned()),
        Just("expire".to_owned()),
        Just("30d".to_owned()),
        Just("\"".to_owned()),
        Just("\t".to_owned()),
        Just("&a *a".to_owned()),
        "[\\x00-\\u{10ffff}]{0,6}",
        "[a-z_]{1,12}: [a-z0-9/.]{0,12}\n",
    ];
    prop_oneof![
        any::<usize>().prop_map(Accident::DeleteLine),
        any::<usize>().prop_map(Accident::DoubleLine),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Accident::SwapLines(a, b)),
        any::<usize>().prop_map(Accident::Cut),
        (any::<usize>(), word.clone()).prop_map(|(at, text)| Accident::Insert(at, text)),
        (any::<usize>(), word).prop_map(|(at, text)| Accident::Replace(at, text)),
        (any::<usize>(), 0..9_usize).prop_map(|(at, by)| Accident::Indent(at, by)),
    ]
}

fn happens(text: &mut String, accident: &Accident) {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    let count = lines.len();
    match accident {
        Accident::DeleteLine(at) => {
            lines.remove(at % count);
        }
        Accident::DoubleLine(at) => lines.insert(at % count, lines[at % count].clone()),
        Accident::SwapLines(a, b) => lines.swap(a % count, b % count),
        Accident::Indent(at, by) => lines[at % count].insert_str(0, &" ".repeat(*by)),
        Accident::Cut(at) => {
            let end = text.char_indices().nth(at % text.len().max(1)).map_or(0, |(at, _)| at);
            text.truncate(end);
            return;
        }
        Accident::Insert(at, word) => {
            let place = text.char_indices().nth(at % text.len().max(1)).map_or(0, |(at, _)| at);
            text.insert_str(place, word);
            return;
        }
        Accident::Replace(at, word) => {
            // A word after a colon, or in brackets: a value.
            let line = &mut lines[at % count];
            let start = line.find(": ").map_or(0, |colon| colon + 2);
            line.truncate(start);
            line.push_str(word);
        }
    }
    *text = lines.join("\n");
    text.push('\n');
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to a spec, the front end says something about it and does not panic, its
    /// places are in the file, and it says the same again.
    #[test]
    fn no_accident_is_a_panic(
        seed in 0..5_usize,
        accidents in proptest::collection::vec(accident(), 1..6),
    ) {
        let seeds = seeds();
        let mut text = seeds[seed % seeds.len()].clone();
        for accident in &accidents {
            happens(&mut text, accident);
        }
        let (sources, found) = front_end("lake.yaml", &text);
        for diagnostic in &found {
            prop_assert!(diagnostic.headline.chars().count() <= 120, "{}", diagnostic.headline);
            prop_assert!(!diagnostic.headline.contains('\n'), "{}", diagnostic.headline);
            for label in diagnostic.primary.iter().chain(&diagnostic.secondary) {
                prop_assert!(text.get(label.span.range()).is_some(), "{diagnostic:?}");
            }
        }
        let shown_once = shown(&sources, &found);
        let (sources, found) = front_end("lake.yaml", &text);
        prop_assert_eq!(shown_once, shown(&sources, &found));
    }

    /// Bytes that are no spec at all.
    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = syntax::decode(bytes);
        let (sources, found) = front_end("lake.yaml", &text);
        shown(&sources, &found);
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// The order of keys in maps means nothing: the same findings, in other places.
    #[test]
    fn sections_in_any_order_mean_the_same(turn in 0..12_usize) {
        for text in seeds() {
            let sections = sections(&text);
            let mut turned = sections.clone();
            turned.rotate_left(turn % sections.len());
            let codes = |text: &str| {
                let (_, found) = front_end("lake.yaml", text);
                let mut codes: Vec<_> = found
                    .iter()
                    .map(|found| (found.code, found.headline.clone(), found.path.clone()))
                    .collect();
                codes.sort();
                codes
            };
            prop_assert_eq!(codes(&text), codes(&turned.concat()));
        }
    }
}

/// A spec cut at its top-level keys, comments with what follows them.
fn sections(text: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for line in text.lines() {
        let top = line.starts_with(|c: char| c.is_ascii_lowercase());
        if top && sections.last().is_some_and(|last| !last.is_empty()) {
            sections.push(String::new());
        }
        let last = sections.last_mut().expect("there is one");
        *last += line;
        last.push('\n');
    }
    sections
}
