//! The language as a whole: the examples mean something, the pages of the codes tell the truth, and
//! nothing that a person or an accident can type makes the front end panic.

use std::path::Path;

use lakewright::diagnostic::{Code, Diagnostics, Severity};
use lakewright::render::diagnostics::{Style, text as render};
use lakewright::source::Sources;
use lakewright::{check, syntax};

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

/// Codes that need more than a spec to show: they are run where they come from.
const NOT_FROM_A_SPEC: [&str; 2] = ["LW0501", "LW0505"];

/// The first block of YAML below a heading of a page.
fn example<'p>(page: &'p str, heading: &str) -> Option<&'p str> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    let (_, rest) = rest.split_once("```yaml\n")?;
    Some(rest.split_once("```")?.0)
}

#[test]
fn the_pages_of_the_codes_tell_the_truth() {
    let mut problems = String::new();
    let mut count = 0;
    for (code, page) in Code::all() {
        let block = &code.as_str()[2..4];
        if !("02"..="05").contains(&block) || NOT_FROM_A_SPEC.contains(&code.as_str()) {
            continue;
        }
        let mut fail = |what: &str, shown: &str| {
            problems += &format!("--- {code}: {what}\n{shown}\n");
        };
        let title = page.lines().next().unwrap_or("");
        if !title.starts_with(&format!("# {code}: ")) {
            fail("the title is no title", title);
        }
        let (Some(wrong), Some(right)) = (example(page, "Wrong"), example(page, "Right")) else {
            fail("no example", "");
            continue;
        };
        let (sources, found) = front_end("wrong.yaml", wrong);
        if found.iter().all(|found| found.code != *code) {
            fail("the wrong example does not give it", &shown(&sources, &found));
        }
        let others = found.iter().any(|d| d.severity == Severity::Error && d.code != *code);
        if others {
            fail("the wrong example gives others", &shown(&sources, &found));
        }
        let (sources, found) = front_end("right.yaml", right);
        if found.has_errors() || found.iter().any(|found| found.code == *code) {
            fail("the right example is wrong", &shown(&sources, &found));
        }
        count += 1;
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(count >= 34, "only {count} pages");
}
