//! From the tree to Rust values, with every complaint at its place.
//!
//! A type that can stand in a spec implements [`Decode`]: it reads itself from a node and describes
//! itself as a [`Shape`]. The shapes are the one source of the decoder, the JSON Schema for editors
//! and the reference in `docs/`. `record!` declares a map with known keys from a struct whose doc
//! comments are the descriptions. Decoding never stops: what is wrong is reported and left out.

use std::fmt;
use std::ops::Deref;

use crate::diagnostic::{self, Code, Diagnostic, Diagnostics, nearest};
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

/// A name of the spec, as a regular expression (`Name`).
pub const NAME: &str = "^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$";

/// What a value may look like, for the schema and the reference.
#[derive(Debug, Clone)]
pub enum Shape {
    /// `true` or `false`.
    Boolean,
    /// A whole number, with its bounds.
    Integer {
        min: i64,
        max: i64,
    },
    /// A text: what it is, in words, and the regular expression that it matches, if there is one.
    Text {
        what: &'static str,
        pattern: Option<String>,
    },
    /// One of these words, each with its meaning.
    Word(&'static [(&'static str, &'static str)]),
    List(Box<Shape>),
    /// A number.
    Number,
    /// A text, or something else that is written as one word: a number, a date.
    Scalar {
        what: &'static str,
    },
    /// A map whose keys the user chooses: what a key is, in words and as a regular expression, and
    /// whether a key with nothing behind it is an empty map.
    Map {
        keys: &'static str,
        pattern: Option<&'static str>,
        empty: bool,
        values: Box<Shape>,
    },
    /// A map with known keys.
    Record(fn() -> RecordShape),
    /// One of several.
    Either(Vec<Shape>),
    /// Any part of a spec (what `set` lays over it).
    Anything,
}

/// A map with known keys.
#[derive(Debug, Clone)]
pub struct RecordShape {
    pub name: &'static str,
    /// Markdown.
    pub doc: &'static str,
    pub fields: Vec<FieldShape>,
}

/// A known key.
#[derive(Debug, Clone)]
pub struct FieldShape {
    pub key: &'static str,
    /// Markdown.
    pub doc: &'static str,
    pub shape: Shape,
    pub required: bool,
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
            self.report(if headline.chars().count() <= 120 {
                Diagnostic::error(diagnostic::LW0301, node.span, headline)
                    .label(format!("not {what}"))
            } else {
                let headline = format!("{found} cannot stand here");
                Diagnostic::error(diagnostic::LW0301, node.span, headline)
                    .note(format!("expected {what}"))
            });
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
    let mapped: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { joint })
        .collect();
    mapped.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

impl Decode for bool {
    fn shape() -> Shape {
        Shape::Boolean
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Kind::Scalar { text, quoted } = &node.kind else {
            return decoder.expected(node, "`true` or `false`");
        };
        match (&**text, quoted) {
            ("true", false) => Some(true),
            ("false", false) => Some(false),
            (text, _) => {
                let meant = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "y" => "true",
                    "false" | "no" | "off" | "n" => "false",
                    _ => return decoder.expected(node, "`true` or `false`"),
                };
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0303,
                        node.span,
                        format!("`{text}` is not a boolean in YAML 1.2"),
                    )
                    .help(format!("write `{meant}`"))
                    .fix(node.span, meant),
                );
                None
            }
        }
    }
}

impl Decode for String {
    fn shape() -> Shape {
        Shape::Text { what: "a text", pattern: None }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, quoted) = decoder.text(node, "a text")?;
        if !quoted && means_something_else(text) {
            decoder.report(
                Diagnostic::error(
                    diagnostic::LW0304,
                    node.span,
                    format!("`{}` has to be quoted to be a text", shortened(text)),
                )
                .note("without quotes it is a number or a boolean for some reader of YAML")
                .fix(node.span, format!("\"{text}\"")),
            );
            return None;
        }
        if let Some(bad) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            let headline =
                format!("a text must not hold the control character {}", bad.escape_default());
            return decoder.malformed(diagnostic::LW0305, node, headline);
        }
        Some(text.to_owned())
    }
}

/// Whether a plain scalar is a number, a boolean or nothing for a reader of YAML 1.1 or 1.2.
fn means_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let word = matches!(
        lower.as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "~" | ""
    );
    let number = {
        let digits = lower.trim_start_matches(['+', '-']);
        digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && (digits.replace('_', "").parse::<f64>().is_ok()
                || digits.starts_with("0x")
                || digits.starts_with("0o")
                || digits
                    .split(':')
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())))
    };
    let date = lower.len() >= 10
        && lower.bytes().take(10).enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    word || number || date
}

/// The version of the language that a spec is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

impl Decode for Version {
    fn shape() -> Shape {
        Shape::Integer { min: 1, max: 1 }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.text() {
            Some("1") => {}
            Some(text) => {
                let headline =
                    format!("this lakewright reads version 1, not `{}`", shortened(text));
                let mut diagnostic = Diagnostic::error(diagnostic::LW0306, node.span, headline)
                    .at("lakewright")
                    .note("the version of the language, not of the program");
                if text.parse::<f64>().is_ok_and(|version| version < 2.0) {
                    diagnostic = diagnostic.fix(node.span, "1");
                }
                decoder.report(diagnostic);
            }
            None => return decoder.expected(node, "the version of the language, `1`"),
        }
        Some(Version)
    }
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Decode for Whole<MIN, MAX> {
    fn shape() -> Shape {
        Shape::Integer { min: MIN, max: MAX }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, quoted) = decoder.text(node, "a whole number")?;
        let plain = text.len() == 1 || !text.trim_start_matches('-').starts_with('0');
        match text.parse::<i64>() {
            Ok(number) if plain && !quoted => {
                if (MIN..=MAX).contains(&number) {
                    return Some(Whole(number));
                }
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0306,
                        node.span,
                        format!("{number} is out of range: from {MIN} to {MAX}"),
                    )
                    .maybe(node.span, number.clamp(MIN, MAX).to_string()),
                );
                None
            }
            Ok(number) if quoted => {
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0301,
                        node.span,
                        format!("expected a whole number, found the text `{}`", shortened(text)),
                    )
                    .help("take the quotes away")
                    .fix(node.span, number.to_string()),
                );
                None
            }
            Ok(number) => {
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0301,
                        node.span,
                        format!("`{}` is octal for some readers of YAML", shortened(text)),
                    )
                    .help("write it without the zero in front")
                    .maybe(node.span, number.to_string()),
                );
                None
            }
            Err(_) => decoder.expected(node, "a whole number"),
        }
    }
}

/// Reads a map with known keys: reports unknown ones, hands each known one to `read`. Gives back the
/// keys that unknown ones were probably meant to be: they are not missing.
pub fn known_keys(
    node: &Node,
    keys: &[&'static str],
    decoder: &mut Decoder,
    mut read: impl FnMut(&str, &Node, &mut Decoder),
) -> Option<Vec<&'static str>> {
    let entries = match &node.kind {
        Kind::Map(entries) => entries,
        _ => return decoder.expected(node, "a map"),
    };
    let mut meant = Vec::new();
    for entry in entries {
        if keys.contains(&&*entry.key) {
            decoder.under(&entry.key, |decoder| read(&entry.key, &entry.value, decoder));
        } else {
            let given: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
            meant.extend(unknown_key(entry, keys, &given, decoder));
        }
    }
    Some(meant)
}

/// Keys that the language knows and this version does not make anything of yet.
const LATER: [&str; 4] = ["analytics", "budgets", "quality", "optimize"];

fn unknown_key(
    entry: &Entry,
    keys: &[&'static str],
    given: &[&str],
    decoder: &mut Decoder,
) -> Option<&'static str> {
    let path = decoder.under(&entry.key, |decoder| decoder.path().to_owned());
    let top = !path.contains('.');
    if LATER.contains(&&*entry.key) && top == matches!(&*entry.key, "analytics" | "budgets") {
        let headline = format!("`{}` comes with a later version", entry.key);
        decoder.report(
            Diagnostic::error(diagnostic::LW0210, entry.key_span, headline)
                .at(path)
                .help("take it out for now"),
        );
        return None;
    }
    let meant = nearest(&entry.key, keys.iter().copied()).filter(|key| !given.contains(key));
    let meant = meant.and_then(|meant| keys.iter().copied().find(|key| *key == meant));
    let mut diagnostic = Diagnostic::error(
        diagnostic::LW0201,
        entry.key_span,
        format!("unknown key `{}`", shortened(&entry.key)),
    );
    diagnostic = match meant {
        Some(key) => diagnostic
            .label("not a key of this map")
            .help(format!("did you mean `{key}`?"))
            .fix(entry.key_span, key),
        None => {
            diagnostic.label("not a key of this map").help(format!("known here: {}", list(keys)))
        }
    };
    decoder.report(diagnostic.at(path));
    meant
}

/// Words in backticks, separated by commas.
pub fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Says that required keys are not there. `node` is the map that lacks them.
pub fn missing_keys(node: &Node, keys: &[&str], decoder: &mut Decoder) {
    if keys.is_empty() {
        return;
    }
    let noun = if keys.len() == 1 { "key" } else { "keys" };
    // The whole of a map is no good place to point at: its brace is, or the first key of a block.
    let first = node.entries().and_then(<[Entry]>::first).map(|entry| entry.key_span);
    let span = match first {
        Some(key) if key.start == node.span.start => key,
        _ => Span { end: (node.span.start + 1).min(node.span.end), ..node.span },
    };
    decoder.report(
        Diagnostic::error(diagnostic::LW0202, span, format!("missing {noun} {}", list(keys)))
            .label(match keys {
                [key] => format!("`{key}` has to be here"),
                keys => format!("{} have to be here", list(keys)),
            }),
    );
}

/// The key of a field: its name, without the underscore that keeps it from being a word of Rust.
pub const fn key_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [rest @ .., b'_'] => field.split_at(rest.len()).0,
        _ => field,
    }
}

/// Declares a map with known keys. The doc comments are the descriptions of schema and reference;
/// a key is named as its field. The struct gets the span of the map, `span`. With `#[unless(f)]` a map
/// for which `f` says that it reported it is not looked at any closer.
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $(#[unless($later:path)])?
        pub struct $name:ident {
            $( $(#[doc = $field_doc:literal])+ $field:ident : $type:ty, )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            /// Where the map stands.
            pub span: $crate::source::Span,
            $( $(#[doc = $field_doc])+ pub $field: $type, )*
        }

        impl $crate::spec::decode::Decode for $name {
            fn shape() -> $crate::spec::decode::Shape {
                $crate::spec::decode::Shape::Record(|| $crate::spec::decode::RecordShape {
                    name: stringify!($name),
                    doc: concat!($($doc, "\n"),+),
                    fields: vec![$(
                        $crate::spec::decode::FieldShape {
                            key: $crate::spec::decode::key_of(stringify!($field)),
                            doc: concat!($($field_doc, "\n"),+),
                            shape: <$type as $crate::spec::decode::Decode>::shape(),
                            required: <$type as $crate::spec::decode::Decode>::absent().is_none(),
                        },
                    )*],
                })
            }

            fn decode(
                node: &$crate::syntax::Node,
                decoder: &mut $crate::spec::decode::Decoder,
            ) -> Option<Self> {
                use $crate::spec::decode::{Decode, key_of, known_keys, missing_keys};
                $( if $later(node, decoder) { return None; } )?
                // The outer option: was the key there; the inner one: could it be read.
                $( let mut $field: Option<Option<$type>> = None; )*
                let keys = [$(key_of(stringify!($field))),*];
                let meant = known_keys(node, &keys, decoder, |key, value, decoder| {
                    $( if key == key_of(stringify!($field)) {
                        $field = Some(<$type as Decode>::decode(value, decoder));
                    } )*
                })?;
                #[allow(unused_mut)]
                let mut missing: Vec<&str> = Vec::new();
                $(
                    if $field.is_none() {
                        $field = match <$type as Decode>::absent() {
                            Some(value) => Some(Some(value)),
                            None => {
                                missing.push(key_of(stringify!($field)));
                                Some(None)
                            }
                        };
                    }
                )*
                missing.retain(|key| !meant.contains(key));
                missing_keys(node, &missing, decoder);
                // What could not be read was reported; an optional part of it is left out, so that
                // the rest of the thing is still there for the checks.
                $( let $field = match $field.flatten() {
                    Some(value) => value,
                    None => <$type as Decode>::absent()?,
                }; )*
                Some($name { span: node.span, $($field),* })
            }
        }
    };
}

/// Declares a choice of words.
#[macro_export]
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident { $( $(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal, )+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[doc = $variant_doc])+ $variant, )+ }

        impl $name {
            const WORDS: &'static [(&'static str, &'static str)] =
                &[$( ($word, concat!($($variant_doc),+)) ),+];

            /// The word as it is written in a spec.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $word, )+ }
            }
        }

        impl $crate::spec::decode::Decode for $name {
            fn shape() -> $crate::spec::decode::Shape {
                $crate::spec::decode::Shape::Word(Self::WORDS)
            }
            fn decode(
                node: &$crate::syntax::Node,
                decoder: &mut $crate::spec::decode::Decoder,
            ) -> Option<Self> {
                let words: Vec<&'static str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
                let what = format!("one of {}", $crate::spec::decode::list(&words));
                let (text, _) = decoder.text(node, &what)?;
                match text {
                    $( $word => Some($name::$variant), )+
                    _ => $crate::spec::decode::not_a_word(node, text, &words, decoder),
                }
            }
        }
    };
}

/// Says that a text is none of the words that can stand here.
pub fn not_a_word<T>(
    node: &Node,
    text: &str,
    words: &[&'static str],
    decoder: &mut Decoder,
) -> Option<T> {
    let headline = format!("`{}` is not one of {}", shortened(text), list(words));
    let mut diagnostic = if headline.chars().count() <= 120 {
        Diagnostic::error(diagnostic::LW0305, node.span, headline)
    } else {
        let headline = format!("`{}` is none of the words that can stand here", shortened(text));
        Diagnostic::error(diagnostic::LW0305, node.span, headline)
            .note(format!("one of {}", list(words)))
    };
    if let Some(word) = nearest(text, words.iter().copied()) {
        diagnostic = diagnostic.help(format!("did you mean `{word}`?")).fix(node.span, word);
    }
    decoder.report(diagnostic);
    None
}
