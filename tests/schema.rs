//! The JSON Schema and the reference: generated, in step with the documentation, and judged by a JSON
//! Schema validator that is not ours.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lakewright::check;
use lakewright::diagnostic::{Code, Diagnostics};
use lakewright::source::{Sources, Span};
use lakewright::spec::schema;
use lakewright::syntax::{self, Kind, Node};
use support::judge::{self, Violation};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Holds a file of the documentation to what is generated. With `LAKEWRIGHT_WRITE_DOCS=1` it is
/// written instead.
fn in_step(path: &str, generated: &str) {
    let path = root().join(path);
    if std::env::var_os("LAKEWRIGHT_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("writable");
        std::fs::write(&path, generated).expect("writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == generated,
        "{} is out of step: LAKEWRIGHT_WRITE_DOCS=1 cargo test --test schema",
        path.display()
    );
}

#[test]
fn the_documentation_is_what_the_descriptors_say() {
    in_step("docs/spec.md", &schema::reference());
    let mut text = schema::json_schema().to_json_pretty();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    in_step("docs/schema/lake.schema.json", &text);
}

/// Everything that is judged: files with what the compiler found in them.
struct Judged {
    path: PathBuf,
    tree: Node,
    found: Diagnostics,
    violations: Vec<Violation>,
}

/// Families of the corpus that are no whole specs.
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

fn judged() -> Vec<Judged> {
    let folder = std::env::temp_dir().join(format!("lakewright-schema-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(root().join("examples")).expect("readable") {
        paths.push(entry.expect("readable").path().join("lake.yaml"));
    }
    for family in std::fs::read_dir(root().join("tests/corpus")).expect("readable") {
        let family = family.expect("readable").path();
        let name = family.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if SYNTAX.contains(&name.as_str()) {
            continue;
        }
        for case in std::fs::read_dir(&family).expect("readable") {
            paths.push(case.expect("readable").path());
        }
    }
    for (code, page) in Code::all().iter().filter(|(code, _)| code.as_str() > "LW02") {
        for heading in ["Wrong", "Right"] {
            let example = page
                .split_once(&format!("\n## {heading}\n"))
                .and_then(|(_, rest)| rest.split_once("```yaml\n")?.1.split_once("```"));
            if let Some((example, _)) = example {
                let path = folder.join(format!("{code}-{heading}.yaml"));
                std::fs::write(&path, example).expect("writable");
                paths.push(path);
            }
        }
    }
    paths.sort();
    let schema_path = folder.join("schema.json");
    std::fs::write(&schema_path, schema::json_schema().to_json()).expect("writable");
    let violations = judge::json_schema(&schema_path, &paths);
    let judged = paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable");
            let mut sources = Sources::default();
            let file = sources.add("lake.yaml", text);
            let (tree, mut found) = syntax::parse(&sources, file);
            found.extend(check::spec(&tree, None));
            let violations = violations.iter().filter(|v| v.instance == path).cloned().collect();
            Judged { path, tree, found, violations }
        })
        .collect();
    std::fs::remove_dir_all(&folder).expect("our own folder");
    judged
}

/// Errors of form, which a schema can see at the same place.
const STRUCTURAL: [&str; 4] = ["LW0201", "LW0301", "LW0302", "LW0303"];

/// Errors of form that a validator of JSON cannot see: path in the spec, and why.
const UNSEEN: [(&str, &str); 3] = [
    ("organization.trusted", "JSON knows no keys without quotes"),
    ("pipelines.clean.retries", "010 is the number 10 in YAML 1.2"),
    ("pipelines.clean.concurrent", "0x10 is the number 16 in YAML 1.2"),
];

/// Errors of meaning, which no schema sees.
fn is_semantic(code: &str) -> bool {
    matches!(code, "LW0203" | "LW0204" | "LW0205" | "LW0209" | "LW0405")
        || ("LW0310".."LW0500").contains(&code)
        || code.starts_with("LW05")
}

/// The places of what a JSON pointer leads to: the value, and the key that it stands under.
fn places(tree: &Node, pointer: &str) -> Vec<Span> {
    let mut node = tree;
    let mut places = vec![tree.span];
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        match &node.kind {
            Kind::Map(entries) => match entries.iter().find(|entry| *entry.key == *step) {
                Some(entry) => {
                    places = vec![entry.key_span, entry.value.span];
                    node = &entry.value;
                }
                None => return Vec::new(),
            },
            Kind::List(items) => match step.parse::<usize>().ok().and_then(|at| items.get(at)) {
                Some(item) => {
                    places = vec![item.span];
                    node = item;
                }
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        }
    }
    places
}

#[test]
fn an_independent_validator_agrees() {
    let mut problems = String::new();
    let (mut valid, mut structural, mut semantic) = (0, 0, 0);
    for case in judged() {
        let name = case.path.strip_prefix(root()).unwrap_or(&case.path).display().to_string();
        let errors: Vec<_> = case
            .found
            .iter()
            .filter(|d| d.severity == lakewright::diagnostic::Severity::Error)
            .collect();
        let codes: BTreeSet<&str> = errors.iter().map(|d| d.code.as_str()).collect();
        if codes.iter().all(|code| is_semantic(code)) {
            valid += usize::from(codes.is_empty());
            semantic += usize::from(!codes.is_empty());
            for violation in &case.violations {
                problems += &format!("{name} is of the right form: {violation:?}\n");
            }
            continue;
        }
        let places: BTreeSet<Span> =
            case.violations.iter().flat_map(|v| places(&case.tree, &v.path)).collect();
        let of_form = |d: &&&lakewright::diagnostic::Diagnostic| {
            STRUCTURAL.contains(&d.code.as_str()) || d.headline.starts_with("missing key")
        };
        for error in errors.iter().filter(of_form) {
            let Some(primary) = &error.primary else { continue };
            if places.iter().any(|place| place.start == primary.span.start) {
                structural += 1;
            } else if UNSEEN.iter().all(|(path, _)| error.path.as_deref() != Some(path)) {
                let seen: Vec<_> = case.violations.iter().map(|v| (&v.path, &v.message)).collect();
                problems += &format!(
                    "{name}: {} `{}` at {:?} is not seen: {seen:?}\n",
                    error.code, error.headline, error.path
                );
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(valid >= 40, "only {valid} valid files");
    assert!(semantic >= 40, "only {semantic} files with errors of meaning");
    assert!(structural >= 60, "only {structural} structural errors");
}
