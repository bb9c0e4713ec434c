//! YAML to a tree in which everything knows its place.
//!
//! [`parse`] never fails: it reports, leaves out the broken part and goes on. Scalars keep their
//! text and whether they were quoted: what `no`, `0123` or `111111111111` means is decided by the
//! decoder, which knows what is wanted there. [`overlay`] lays one tree over another (environments
//! over the spec, a thing over its defaults); every value keeps the span of the file and line that
//! it came from. Read on in `spec`, which decodes the tree.

mod alias_uses;
mod characters;
mod draft;
mod explain;
mod fix;
mod format;
mod outline;
mod overlay;
mod parse;
mod template;
mod tree;

pub use alias_uses::point_at_aliases;
pub use fix::fix;
pub use format::{first_difference, format};
pub use overlay::{merge_under, overlay};
pub use parse::{decode, parse};
pub use template::{NoTemplate, template};

use crate::source::Span;

/// A value of the tree and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// A text as it was written, quotes and escapes resolved.
    Scalar {
        text: Box<str>,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Was reported already: whoever meets it says nothing more.
    Broken,
}

/// A key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Box<str>,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    /// The entries, if this is a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// The text, if this is a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What a person would call this kind of value.
    pub fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Broken => "something unreadable",
        }
    }
}

/// The user's words as a headline quotes them: one line, at most 30 characters.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.len() == text.len() && text.chars().count() <= 30 {
        return text.to_owned();
    }
    line.chars().take(29).chain(['…']).collect()
}
