//! Broken specs and what must be said about them: a file each in `tests/corpus/<family>/`.
//!
//! Expectations stand in comments of the file itself, one a line, and lines count in the real file:
//!
//! ```yaml
//! # error LW0203 12:9 "sales.orders"   code, line:column, and optionally the certain suggestion
//! # warning LW0311 3:1                 the same for warnings; those not listed do not matter
//! # env: prod                          the environment to look at
//! ```
//!
//! Every error must be expected, in order of place, and nothing else; a case without expectations must
//! have none. Where suggestions are certain, applying them must remove these errors and add none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lakewright::diagnostic::{Diagnostic, Diagnostics, Severity};
use lakewright::render::diagnostics::{Style, text as render};
use lakewright::source::{FileId, Sources};
use lakewright::syntax;

/// Families of cases that are no whole specs: of what is said about them only the syntax counts.
const SYNTAX: [&str; 10] = [
    "aliases",
    "documents",
    "indentation",
    "keys",
    "lookalikes",
    "nesting",
    "several",
    "syntax",
    "tabs",
    "tags",
];

/// The whole front end, in one environment or in all of them.
fn check(sources: &Sources, file: FileId, case: &Case) -> Diagnostics {
    let (tree, mut found) = syntax::parse(sources, file);
    let rest = lakewright::check::spec(&tree, case.environment.as_deref());
    if !case.syntax_only {
        found.extend(rest);
    }
    found
}

/// How a case is looked at.
struct Case {
    environment: Option<String>,
    syntax_only: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Expected {
    severity: String,
    code: String,
    place: String,
    suggestion: Option<String>,
}

#[test]
fn every_case_says_what_it_should() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = Vec::new();
    collect(&root, &mut cases);
    assert!(cases.len() >= 25, "only {} cases found", cases.len());
    let failures: Vec<String> = cases.iter().filter_map(|path| run(path).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn collect(folder: &Path, cases: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the corpus is readable")
        .map(|entry| entry.expect("the corpus is readable").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, cases);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            cases.push(path);
        }
    }
}

fn run(path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(path).expect("a case is readable");
    let text = syntax::decode(bytes);
    let (expected, environment) = expectations(&text);
    let family = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let syntax_only = family.is_some_and(|family| SYNTAX.contains(&family));
    let case = Case { environment, syntax_only };
    let mut sources = Sources::default();
    let file = sources.add(path.file_name().unwrap_or_default().to_string_lossy(), text.clone());
    let mut found = check(&sources, file, &case);
    found.sort();
    let fail = |what: String| {
        let style = Style { all: true, ..Style::default() };
        Err(format!("--- {}\n{what}\n{}", path.display(), render(&found, &sources, style)))
    };

    let mut left: Vec<&Expected> = expected.iter().collect();
    let mut problems = String::new();
    for diagnostic in &found {
        let place = place(diagnostic, &sources);
        let length = diagnostic.headline.chars().count();
        if length > 120 || diagnostic.headline.contains('\n') {
            let _ =
                writeln!(problems, "a headline of {length} characters: {}", diagnostic.headline);
        }
        let matching = left.iter().position(|expected| {
            expected.severity == diagnostic.severity.as_str()
                && expected.code == diagnostic.code.as_str()
                && expected.place == place
                && expected
                    .suggestion
                    .as_deref()
                    .is_none_or(|text| certain(diagnostic) == Some(text))
        });
        match matching {
            Some(at) => drop(left.remove(at)),
            None if diagnostic.severity == Severity::Error => {
                let suggestion = certain(diagnostic).map(|text| format!(" {text:?}"));
                let suggestion = suggestion.unwrap_or_default();
                let _ = writeln!(
                    problems,
                    "not expected: # error {} {place}{suggestion}",
                    diagnostic.code
                );
            }
            None => {}
        }
    }
    for expected in left {
        let _ = writeln!(problems, "not found: {expected:?}");
    }
    if !problems.is_empty() {
        return fail(problems);
    }

    let (mended, count) = syntax::fix(&text, file, &found);
    if count == 0 {
        return Ok(());
    }
    let mut unmended = errors(found.iter().filter(|diagnostic| certain(diagnostic).is_none()));
    let mut sources = Sources::default();
    let file = sources.add("mended.yaml", mended.clone());
    for (code, count) in errors(check(&sources, file, &case).iter()) {
        let before = unmended.entry(code).or_insert(0);
        if count > *before {
            return fail(format!("{code} remains with the suggestions applied:\n{mended}"));
        }
    }
    Ok(())
}

fn errors<'a>(list: impl Iterator<Item = &'a Diagnostic>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for diagnostic in list.filter(|diagnostic| diagnostic.severity == Severity::Error) {
        *counts.entry(diagnostic.code.as_str()).or_insert(0) += 1;
    }
    counts
}

fn certain(diagnostic: &Diagnostic) -> Option<&str> {
    let mut certain = diagnostic.suggestions.iter().filter(|suggestion| suggestion.certain);
    certain.next().map(|suggestion| suggestion.replacement.as_str())
}

fn place(diagnostic: &Diagnostic, sources: &Sources) -> String {
    diagnostic
        .primary
        .as_ref()
        .map_or_else(|| "-".to_owned(), |label| sources.start(label.span).to_string())
}

fn expectations(text: &str) -> (Vec<Expected>, Option<String>) {
    let mut expected = Vec::new();
    let mut environment = None;
    for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("# ")) {
        if let Some(name) = line.strip_prefix("env: ") {
            environment = Some(name.trim().to_owned());
            continue;
        }
        let mut words = line.splitn(4, ' ');
        let (Some(severity), Some(code), Some(place)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if !matches!(severity, "error" | "warning") || !code.starts_with("LW") {
            continue;
        }
        let suggestion = words.next().map(|word| {
            serde_json::from_str(word).unwrap_or_else(|error| panic!("{line}: {error}"))
        });
        let (severity, code) = (severity.to_owned(), code.to_owned());
        expected.push(Expected { severity, code, place: place.to_owned(), suggestion });
    }
    (expected, environment)
}

/// What the corpus promises: enough of it, three or more of each family, and many with several
/// independent errors.
#[test]
fn the_corpus_is_broad() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = Vec::new();
    collect(&root, &mut cases);
    let mut families: BTreeMap<String, usize> = BTreeMap::new();
    let (mut broken, mut several) = (0, 0);
    for path in &cases {
        let text = syntax::decode(std::fs::read(path).expect("a case is readable"));
        let errors = expectations(&text).0.iter().filter(|e| e.severity == "error").count();
        if errors > 0 {
            let family = path.parent().and_then(Path::file_name).unwrap_or_default();
            *families.entry(family.to_string_lossy().into_owned()).or_insert(0) += 1;
        }
        broken += usize::from(errors > 0);
        several += usize::from(errors > 2);
    }
    assert!(broken >= 190, "only {broken} broken specs");
    assert!(several >= 20, "only {several} with several errors");
    let thin: Vec<_> = families.iter().filter(|(_, count)| **count < 2).collect();
    assert!(thin.is_empty(), "thin families: {thin:?}");
}
