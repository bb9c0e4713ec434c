//! The language as a whole: the examples mean something, the pages of the codes tell the truth, and
//! nothing that a person or an accident can type makes the front end panic.

use std::path::Path;

use lakewright::diagnostic::{Diagnostics, Severity};
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
