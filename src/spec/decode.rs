//! From the tree to Rust values, with every complaint at its place.
//!
//! A type that can stand in a spec implements [`Decode`]: it reads itself from a node and describes
//! itself as a [`Shape`]. The shapes are the one source of the decoder, the JSON Schema for editors
//! and the reference in `docs/`. `record!` declares a map with known keys from a struct whose doc
//! comments are the descriptions. Decoding never stops: what is wrong is reported and left out.

use std::fmt;
use std::ops::Deref;

pub use super::record::{key_of, known_keys, list, missing_keys, not_a_word};
pub use super::scalars::{Version, Whole};
pub use super::shape::{FieldShape, NAME, RecordShape, Shape};

use crate::diagnostic::{self, Code, Diagnostic, Diagnostics};
use crate::names::Name;
use crate::source::Span;
use crate::syntax::{Entry, Kind, Node};

/// A value with the place that it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A map whose keys the user chooses, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T> {
    pub items: Vec<Item<T>>,
    /// Names of entries that could not be read: who refers to them needs no second complaint.
    pub broken: Vec<At<Name>>,
}

/// An entry of a [`Named`] map.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<T> {
    pub name: At<Name>,
    pub value: T,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { items: Vec::new(), broken: Vec::new() }
    }
}

impl<T> Named<T> {
    /// The entries in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Item<T>> {
        self.items.iter()
    }
}

/// Reads itself from a node.
pub trait Decode: Sized {
    /// What it may look like.
    fn shape() -> Shape;

    /// Reads it; `None` when something was wrong, which is then reported.
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self>;

    /// What stands for it when its key is not there; `None`: the key is required.
    fn absent() -> Option<Self> {
        None
    }
}

/// Where decoding is, and what it found.
pub struct Decoder<'a> {
    pub diagnostics: &'a mut Diagnostics,
    path: String,
}

impl<'a> Decoder<'a> {
    /// A decoder at the root of a spec.
    pub fn new(diagnostics: &'a mut Diagnostics) -> Self {
        Decoder { diagnostics, path: String::new() }
    }

    /// The path of the node that is being decoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports something about the node that is being decoded.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        let diagnostic = if diagnostic.path.is_none() && !self.path.is_empty() {
            diagnostic.at(self.path.clone())
        } else {
            diagnostic
        };
        self.diagnostics.push(diagnostic);
    }

    /// Decodes the value under a key.
    pub fn under<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// Decodes the element of a list.
    pub fn element<T>(&mut self, at: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(&format!("[{at}]"));
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// Says that something else was wanted here.
    pub fn expected<T>(&mut self, node: &Node, what: &str) -> Option<T> {
        if node.kind != Kind::Broken {
            let found = match node.text() {
                Some(text) => format!("`{}`", shortened(text)),
                None => node.noun().to_owned(),
            };
            let headline = format!("expected {what}, found {found}");
            let mut told = if headline.chars().count() <= 120 {
                Diagnostic::error(diagnostic::LW0301, node.span, headline)
                    .label(format!("not {what}"))
            } else {
                let headline = format!("{found} cannot stand here");
                Diagnostic::error(diagnostic::LW0301, node.span, headline)
                    .note(format!("expected {what}"))
            };
            if let Some(form) = form_of(what) {
                told = told.help(form);
            }
            self.report(told);
        }
        None
    }

    /// The text of a scalar, where a text is wanted.
    pub fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<(&'n str, bool)> {
        match &node.kind {
            Kind::Scalar { text, quoted } => Some((text, *quoted)),
            _ => self.expected(node, what),
        }
    }

    /// Says that a text has not the form it should have.
    pub fn malformed<T>(&mut self, code: Code, node: &Node, headline: String) -> Option<T> {
        self.report(Diagnostic::error(code, node.span, headline));
        None
    }
}

/// A text of the user's, on one line and short enough for a headline.
pub fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    let control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(control) {
        return shortened(&text.replace(control, " "));
    }
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST - 1).chain(['…']).collect()
    }
}

impl<T: Decode> Decode for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.kind {
            Kind::Null => Some(None),
            _ => T::decode(node, decoder).map(Some),
        }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for At<T> {
    fn shape() -> Shape {
        T::shape()
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        T::decode(node, decoder).map(|value| At { value, span: node.span })
    }
}

impl<T: Decode> Decode for Box<T> {
    fn shape() -> Shape {
        T::shape()
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        T::decode(node, decoder).map(Box::new)
    }
    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }
}

/// How a kind of value is written, where its name does not say so.
fn form_of(what: &str) -> Option<&'static str> {
    let kinds = [
        ("a whole number", "write digits alone, such as `30`"),
        ("a number of shards", "write `on-demand`, or digits alone, such as `2`"),
        ("a map with `except`", "the map reads `{ except: [role/Analyst] }`"),
        ("a map", "write `key: value` on indented lines below, or `{ key: value }`"),
        ("a name", "write a word of letters, digits and hyphens, such as `raw`"),
        ("a text", "write a text behind the colon"),
    ];
    let fitting = kinds.into_iter().find(|(kind, _)| what.contains(kind));
    fitting.map(|(_, form)| form).filter(|_| !what.contains("such as"))
}

impl<T: Decode> Decode for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match &node.kind {
            Kind::List(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(at, item)| decoder.element(at, |d| T::decode(item, d)))
                    .collect(),
            ),
            Kind::Null => Some(Vec::new()),
            Kind::Broken => None,
            Kind::Scalar { text, .. } => {
                let headline = format!("expected a list, found `{}`", shortened(text));
                decoder.report(
                    Diagnostic::error(diagnostic::LW0301, node.span, headline)
                        .help(format!("put it in brackets: `[{}]`", shortened(text)))
                        .fix(Span { end: node.span.start, ..node.span }, "[")
                        .fix(Span { start: node.span.end, ..node.span }, "]"),
                );
                None
            }
            Kind::Map(_) => {
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0301,
                        node.span,
                        "expected a list, found a map",
                    )
                    .label("not a list")
                    .help("a list stands in brackets, or each of its elements behind `- `"),
                );
                None
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<T: Decode> Decode for Named<T> {
    fn shape() -> Shape {
        Shape::Map {
            keys: "a name of your own",
            pattern: Some(NAME),
            empty: true,
            values: Box::new(T::shape()),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Some(Named::default()),
            _ => return decoder.expected(node, "a map of names"),
        };
        let mut items = Vec::with_capacity(entries.len());
        let mut broken = Vec::new();
        for entry in entries {
            let item = decoder.under(&entry.key, |decoder| {
                let name = name_of(entry, decoder);
                // A thing without anything to say about it (`curated:`) is an empty map.
                let value = match &entry.value.kind {
                    Kind::Null => {
                        let empty = Node { kind: Kind::Map(Vec::new()), ..entry.value.clone() };
                        T::decode(&empty, decoder)
                    }
                    _ => T::decode(&entry.value, decoder),
                };
                match (name, value) {
                    (Some(name), Some(value)) => Some(Item { name, value }),
                    (Some(name), None) => {
                        broken.push(name);
                        None
                    }
                    (None, _) => {
                        let mended = mended_name(&entry.key, in_tables(decoder));
                        let mended = Name::new(mended).ok();
                        broken.extend(mended.map(|value| At { value, span: entry.key_span }));
                        None
                    }
                }
            });
            items.extend(item);
        }
        Some(Named { items, broken })
    }
    fn absent() -> Option<Self> {
        Some(Named::default())
    }
}

/// Whether the name that is being decoded is a table's.
fn in_tables(decoder: &Decoder) -> bool {
    decoder.path().rsplit('.').nth(1) == Some("tables")
}

fn name_of(entry: &Entry, decoder: &mut Decoder) -> Option<At<Name>> {
    match Name::new(&entry.key) {
        Ok(value) => Some(At { value, span: entry.key_span }),
        Err(reason) => {
            let mut diagnostic = Diagnostic::error(
                diagnostic::LW0206,
                entry.key_span,
                format!("`{}` cannot be a name", shortened(&entry.key)),
            )
            .note(reason);
            let mended = mended_name(&entry.key, in_tables(decoder));
            if Name::new(&mended).is_ok() {
                diagnostic = diagnostic
                    .help(format!("write `{mended}`, here and where it is referred to"))
                    .fix(entry.key_span, mended);
            }
            decoder.report(diagnostic);
            None
        }
    }
}

/// The nearest text that is a name: lower case, hyphens for what cannot stand in one. Underscores
/// are for tables, whose names Athena reads.
pub(super) fn mended_name(text: &str, in_tables: bool) -> String {
    let joint = if in_tables { '_' } else { '-' };
    // What to write for letters of other alphabets is not ours to say.
    if text.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        return String::new();
    }
    let mut mapped = String::with_capacity(text.len() + 4);
    let mut before = ' ';
    for c in text.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            mapped.push(joint);
        }
        mapped.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { joint });
        before = c;
    }
    mapped.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}
