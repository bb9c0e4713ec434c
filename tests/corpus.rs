//! Broken specs and what must be said about them: a file each in `tests/corpus/<family>/`.
//!
//! Expectations stand in comments of the file itself, one a line, and lines count in the real file:
//!
//! ```yaml
//! # error LW0203 12:9 "sales.orders"   code, line:column, and the suggestion that is certain
//! # error LW0203 12:9 maybe "orders"   or the first one that a person has to look at
//! # error LW0104 12:9 also 3:1         and every other place that it points at
//! # warning LW0311 3:1                 the same for warnings; those not listed do not matter
//! # env: prod                          the environment to look at
//! ```
//!
//! Every error must be expected with all of this, and nothing else; a case without expectations must
//! have none. Every error says what to do. Each suggestion, applied alone, removes its error; those that
//! are certain, applied together, add none.

use std::collections::{BTreeMap, BTreeSet};
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

/// What is said about a place, as a case writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    severity: String,
    code: String,
    place: String,
    also: Vec<String>,
    certain: Option<String>,
    maybe: Option<String>,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "# {} {} {}", self.severity, self.code, self.place)?;
        self.also.iter().try_for_each(|place| write!(f, " also {place}"))?;
        self.maybe.iter().try_for_each(|text| write!(f, " maybe {text:?}"))?;
        self.certain.iter().try_for_each(|text| write!(f, " {text:?}"))
    }
}

impl Expected {
    /// What a finding would have to be expected as.
    fn of(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let certain = suggestion(diagnostic, true);
        let place = |span| sources.start(span).to_string();
        Expected {
            severity: diagnostic.severity.as_str().to_owned(),
            code: diagnostic.code.to_string(),
            place: diagnostic.primary.as_ref().map_or_else(|| "-".into(), |one| place(one.span)),
            also: diagnostic.secondary.iter().map(|label| place(label.span)).collect(),
            maybe: suggestion(diagnostic, false).filter(|_| certain.is_none()),
            certain,
        }
    }

    /// Reads an expectation; `None` if the comment is none.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (severity, code, place) = (words.next()?, words.next()?, words.next()?);
        if !matches!(severity, "error" | "warning") || !code.starts_with("LW") {
            return None;
        }
        let mut expected = Expected {
            severity: severity.to_owned(),
            code: code.to_owned(),
            place: place.to_owned(),
            also: Vec::new(),
            certain: None,
            maybe: None,
        };
        let mut rest = words.next().unwrap_or("").trim();
        while let Some(more) = rest.strip_prefix("also ") {
            let (place, after) = more.split_once(' ').unwrap_or((more, ""));
            expected.also.push(place.to_owned());
            rest = after;
        }
        let text = |word: &str| {
            serde_json::from_str(word).unwrap_or_else(|error| panic!("{line}: {error}"))
        };
        match rest.strip_prefix("maybe ") {
            Some(word) => expected.maybe = text(word),
            None if rest.is_empty() => {}
            None => expected.certain = text(rest),
        }
        Some(expected)
    }
}

/// The first suggestion of a kind.
fn suggestion(diagnostic: &Diagnostic, certain: bool) -> Option<String> {
    let mut fitting = diagnostic.suggestions.iter().filter(|one| one.certain == certain);
    fitting.next().map(|one| one.replacement.clone())
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
        let headline = &diagnostic.headline;
        let length = headline.chars().count();
        if length > 120 || headline.contains('\n') {
            let _ = writeln!(problems, "a headline of {length} characters: {headline}");
        }
        let error = diagnostic.severity == Severity::Error;
        if error && !says_what_to_do(diagnostic) {
            let _ = writeln!(problems, "nothing says what to do: {} {headline}", diagnostic.code);
        }
        let said = Expected::of(diagnostic, &sources);
        match left.iter().position(|expected| **expected == said) {
            Some(at) => drop(left.remove(at)),
            None if error => drop(writeln!(problems, "not expected: {said}")),
            None => {}
        }
    }
    for expected in left {
        let _ = writeln!(problems, "not found: {expected}");
    }
    if !problems.is_empty() {
        return fail(problems);
    }

    let mended = |diagnostics: &Diagnostics| {
        let (mended, count) = syntax::fix(&text, file, diagnostics);
        let mut sources = Sources::default();
        let file = sources.add("mended.yaml", mended.clone());
        (check(&sources, file, &case), count, mended)
    };
    for one in found.iter().filter(|one| !one.suggestions.is_empty()) {
        let mut alone = Diagnostics::default();
        let mut certain = one.clone();
        certain.suggestions.truncate(if one.suggestions[0].certain { usize::MAX } else { 1 });
        certain.suggestions.iter_mut().for_each(|suggestion| suggestion.certain = true);
        alone.push(certain);
        let (after, _, mended) = mended(&alone);
        let same = |list: &Diagnostics| {
            list.iter().filter(|it| it.code == one.code && it.headline == one.headline).count()
        };
        if same(&after) >= same(&found) {
            let headline = &one.headline;
            return fail(format!("its own suggestion does not remove: {headline}\n{mended}"));
        }
    }
    let (after, count, mended) = mended(&found);
    if count == 0 {
        return Ok(());
    }
    let mut unmended =
        errors(found.iter().filter(|diagnostic| suggestion(diagnostic, true).is_none()));
    for (code, count) in errors(after.iter()) {
        let before = unmended.entry(code).or_insert(0);
        if count > *before {
            return fail(format!("{code} remains with the suggestions applied:\n{mended}"));
        }
    }
    Ok(())
}

/// Whether the reader learns what to type: by a suggestion, a help, the rule in a note, or what may
/// stand there in the headline itself.
fn says_what_to_do(diagnostic: &Diagnostic) -> bool {
    let told =
        [" such as `", " is not one of `", " from ", " are more than ", " has ", "expected `"];
    !diagnostic.help.is_empty()
        || !diagnostic.suggestions.is_empty()
        || !diagnostic.notes.is_empty()
        || told.iter().any(|words| diagnostic.headline.contains(words))
}

fn errors<'a>(list: impl Iterator<Item = &'a Diagnostic>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for diagnostic in list.filter(|diagnostic| diagnostic.severity == Severity::Error) {
        *counts.entry(diagnostic.code.as_str()).or_insert(0) += 1;
    }
    counts
}

fn expectations(text: &str) -> (Vec<Expected>, Option<String>) {
    let mut expected = Vec::new();
    let mut environment = None;
    for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("# ")) {
        match line.strip_prefix("env: ") {
            Some(name) => environment = Some(name.trim().to_owned()),
            None => expected.extend(Expected::parse(line)),
        }
    }
    (expected, environment)
}

/// The families of mistakes that the corpus has at least three cases of, and the codes that tell them.
const FAMILIES: [(&str, &[&str]); 18] = [
    ("syntax", &["LW0101", "LW0114", "LW0115", "LW0116", "LW0118", "LW0121"]),
    ("tabs", &["LW0102"]),
    ("duplicate keys", &["LW0104"]),
    ("unknown keys", &["LW0201"]),
    ("missing keys", &["LW0202"]),
    ("wrong types", &["LW0301"]),
    ("unquoted account ids", &["LW0302"]),
    ("YAML 1.1 traps", &["LW0303", "LW0304"]),
    ("alias bombs", &["LW0106"]),
    ("dangling references", &["LW0203"]),
    ("name clashes", &["LW0204", "LW0504"]),
    ("cycles", &["LW0209"]),
    ("overlapping prefixes", &["LW0310"]),
    ("retention against Object Lock", &["LW0312"]),
    ("retention against a class's minimum", &["LW0311"]),
    ("replication without versioning", &["LW0313"]),
    ("grants to strangers", &["LW0401", "LW0404", "LW0406"]),
    ("quotas", &["LW0306", "LW0502"]),
];

/// What the corpus promises: enough of it, three or more of each family, and many with several
/// independent errors.
#[test]
fn the_corpus_is_broad() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = Vec::new();
    collect(&root, &mut cases);
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    let mut families: BTreeMap<&str, usize> = FAMILIES.iter().map(|(name, _)| (*name, 0)).collect();
    let (mut broken, mut several) = (0, 0);
    for path in &cases {
        let text = syntax::decode(std::fs::read(path).expect("a case is readable"));
        let expected = expectations(&text).0;
        let codes: Vec<&str> = expected
            .iter()
            .filter(|one| one.severity == "error")
            .map(|one| one.code.as_str())
            .collect();
        if codes.is_empty() {
            continue;
        }
        broken += 1;
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        *folders.entry(folder.to_string_lossy().into_owned()).or_insert(0) += 1;
        for (name, own) in &FAMILIES {
            if own.iter().any(|code| codes.contains(code)) {
                *families.entry(name).or_insert(0) += 1;
            }
        }
        // Of different kinds: one mistake does not look like several.
        let kinds: BTreeSet<&str> = codes.iter().copied().collect();
        several += usize::from(codes.len() > 2 && kinds.len() > 2);
    }
    assert!(broken >= 190, "only {broken} broken specs");
    assert!(several >= 30, "only {several} with several independent errors");
    for (name, count) in &families {
        assert!(*count >= 3, "{name}: only {count} cases");
    }
    let thin: Vec<_> = folders.iter().filter(|(_, count)| **count < 3).collect();
    assert!(thin.is_empty(), "thin folders: {thin:?}");
}
