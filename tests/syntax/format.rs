//! Formatting: cases with what must come out, and the laws.
//!
//! A case is `tests/syntax/format/<name>.yaml` with `<name>.expected.yaml` beside it.

use std::path::Path;

use lakewright::source::Sources;
use lakewright::syntax::{self, Kind, Node};
use proptest::prelude::*;

use crate::trees::{LAKE, bare, read, tree};

fn format(text: &str) -> String {
    syntax::format("lake.yaml", text).unwrap_or_else(|found| panic!("{found:?}\n{text}"))
}

#[test]
fn cases_come_out_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax/format");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the cases are readable") {
        let path = entry.expect("the cases are readable").path();
        let name = path.to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".expected.yaml") else { continue };
        let text = std::fs::read_to_string(format!("{name}.yaml")).expect("a case has an input");
        let expected = std::fs::read_to_string(&path).expect("a case is readable");
        let written = format(&text);
        assert_eq!(written, expected, "{name}");
        assert_eq!(format(&written), written, "{name}: a second time");
        assert_eq!(bare(&read(&written).0), bare(&read(&text).0), "{name}");
        assert_eq!(comments(&written), comments(&text), "{name}");
        count += 1;
    }
    assert!(count >= 8, "only {count} cases");
}

#[test]
fn a_broken_file_is_left_alone() {
    let found = syntax::format("lake.yaml", "a: [1\nb: 2\n").expect_err("is broken");
    assert!(found.has_errors());
}

#[test]
fn the_first_difference_is_a_line() {
    let mut sources = Sources::default();
    let text = "a: 1\nb:   2\nc: 3\n";
    let file = sources.add("lake.yaml", text);
    let span = syntax::first_difference(&sources, file, &format(text)).expect("differs");
    assert_eq!(sources.slice(span), "b:   2");
    assert_eq!(syntax::first_difference(&sources, file, text), None);
}

/// Comments of texts that have `#` nowhere else.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.find('#').map(|at| line[at..].trim_end())).collect()
}

/// How to write a tree carelessly: blanks from a stream of bytes, everything else from the tree.
struct Careless<'a> {
    noise: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    comments: usize,
    out: String,
}

impl Careless<'_> {
    fn next(&mut self, limit: u8) -> usize {
        usize::from(self.noise.next().copied().unwrap_or(0) % limit)
    }

    fn blanks(&mut self, least: usize) {
        let count = least + self.next(3);
        self.out += &" ".repeat(count);
    }

    /// A comment at each fifth place, on its own line.
    fn comment(&mut self, indent: usize) {
        self.comments += 1;
        if self.comments.is_multiple_of(5) {
            self.out += &format!("{}# {}\n", " ".repeat(indent), self.comments);
        }
    }

    fn block(&mut self, node: &Node, indent: usize) {
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => {
                let step = 1 + self.next(4);
                for entry in entries {
                    self.comment(indent);
                    self.out += &" ".repeat(indent);
                    self.out += &entry.key;
                    self.out.push(':');
                    self.value(&entry.value, indent, step);
                }
            }
            Kind::List(items) if !items.is_empty() => {
                let step = 2 + self.next(3);
                for item in items {
                    self.comment(indent);
                    self.out += &format!("{}-", " ".repeat(indent));
                    self.value(item, indent, step);
                }
            }
            _ => {
                self.out += &" ".repeat(indent);
                self.flow(node);
                self.out.push('\n');
            }
        }
    }

    fn value(&mut self, node: &Node, indent: usize, step: usize) {
        let filled = match &node.kind {
            Kind::Map(entries) => !entries.is_empty(),
            Kind::List(items) => !items.is_empty(),
            _ => false,
        };
        // Which collections are written in brackets follows from the tree, not from the noise.
        if filled && !bare(node).len().is_multiple_of(3) {
            self.blanks(0);
            self.out.push('\n');
            self.block(node, indent + step);
        } else {
            self.blanks(1);
            self.flow(node);
            self.blanks(0);
            self.out.push('\n');
        }
    }

    fn flow(&mut self, node: &Node) {
        match &node.kind {
            Kind::Null => self.out.push('~'),
            Kind::Broken => {}
            Kind::Scalar { text, .. } => self.out += text,
            Kind::List(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.blanks(0);
                    self.flow(item);
                    self.blanks(0);
                }
                self.out.push(']');
            }
            Kind::Map(entries) => {
                self.out.push('{');
                for (at, entry) in entries.iter().enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.blanks(0);
                    self.out += &entry.key;
                    self.out.push(':');
                    self.blanks(1);
                    self.flow(&entry.value);
                    self.blanks(0);
                }
                self.out.push('}');
            }
        }
    }
}

fn careless(tree: &Node, noise: &[u8]) -> String {
    let mut writer = Careless { noise: noise.iter().cycle(), comments: 0, out: String::new() };
    writer.block(tree, 0);
    writer.out
}

proptest! {
    #[test]
    fn any_two_ways_to_write_a_tree_come_out_the_same(
        tree in tree(),
        noise in prop::collection::vec(any::<u8>(), 1..50),
        other in prop::collection::vec(any::<u8>(), 1..50),
    ) {
        prop_assume!(tree.kind != Kind::Null);
        let (a, b) = (careless(&tree, &noise), careless(&tree, &other));
        prop_assert_eq!(bare(&read(&a).0), bare(&tree), "the test writes {}", a);
        let written = format(&a);
        prop_assert_eq!(&written, &format(&b), "from\n{}\nand\n{}", a, b);
        prop_assert_eq!(&written, &format(&written));
        prop_assert_eq!(bare(&read(&written).0), bare(&tree));
        prop_assert_eq!(comments(&written), comments(&a));
        prop_assert!(written.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn whatever_is_formatted_stays_as_it_is_then(
        pieces in prop::collection::vec(crate::reading::piece(), 0..25)
    ) {
        let text = pieces.concat();
        if let Ok(written) = syntax::format("lake.yaml", &text) {
            let again = syntax::format("lake.yaml", &written);
            prop_assert_eq!(again.ok(), Some(written.clone()));
            prop_assert_eq!(bare(&read(&written).0), bare(&read(&text).0));
        }
    }

    #[test]
    fn a_spec_with_other_blanks_comes_out_the_same(
        changes in prop::collection::vec((0..160_usize, 0..4_usize), 1..20)
    ) {
        let mut lines: Vec<String> = LAKE.lines().map(str::to_owned).collect();
        for (at, change) in changes {
            let at = at % lines.len();
            match change {
                0 => lines[at].push_str("   "),
                1 if lines[at].is_empty() => lines[at].push('\n'),
                2 => lines[at] = lines[at].replacen(": ", ":  ", 1),
                _ => lines[at] = lines[at].replacen("{ ", "{", 1),
            }
        }
        // A text of plain words may hold a colon with blanks behind in a comment only.
        let text = lines.join("\n");
        prop_assume!(comments(&text) == comments(LAKE));
        let written = format(&text);
        prop_assert_eq!(&format(&written), &written);
        prop_assert_eq!(bare(&read(&written).0), bare(&read(LAKE).0));
        prop_assert_eq!(comments(&written), comments(&text));
    }
}
