//! `lake_formation` and the small forms of what it decides: LF-tags and expressions of them.
//!
//! An LF-tag is Lake Formation's own: a key and a value on a database, a table or a column, by which
//! access can be given and columns be hidden. It is no tag of a resource. Here is only the form; what a
//! tag is carried by is decided in `resolve`.

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::narrowing::nothing;
use super::reference::Principal;
use crate::diagnostic::{self, Diagnostic};
use crate::record;
use crate::source::Span;
use crate::syntax::{Kind, Node};

record! {
    /// What Lake Formation is told once for the whole account and region.
    pub struct LakeFormation {
        /// Data lake administrators: roles and users of the lake's account. Whoever applies has to be
        /// one, since only an administrator can give access. They are added to those that the account
        /// has already; nobody is taken away.
        admins: Vec<At<Principal>>,
    }
}

/// LF-tags of a database, table or column: one value for each key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LfTags(pub Vec<LfTag>);

/// One LF-tag with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct LfTag {
    pub key: At<String>,
    pub value: At<String>,
}

/// Which LF-tags are meant: for each key one or more values. All keys have to fit, each with any of its
/// values; Lake Formation knows no "not".
#[derive(Debug, Clone, PartialEq)]
pub struct TagExpression {
    /// In the order of the file.
    pub keys: Vec<(At<String>, Vec<At<String>>)>,
}

/// What the key and the values of an LF-tag may look like (AWS::LakeFormation::Tag: letters, digits,
/// spaces and `_.:/=+-@%`; 128 and 256 characters). Lake Formation folds both to lower case ("Managing
/// LF-Tags for metadata access control"), so that only lower case is taken: what is written is what is
/// compared.
const KEY: &str = r"^[a-z0-9 _.:/=+@%-]{1,128}$";

/// Why a text is no key (`most` 128) or value (`most` 256) of an LF-tag, and what was probably meant.
fn refused(text: &str, most: usize) -> Option<(String, Option<String>)> {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || " _.:/=+-@%".contains(c);
    if !(1..=most).contains(&text.chars().count()) {
        return Some((format!("it has 1 to {most} characters"), None));
    }
    if text.chars().all(ok) {
        return None;
    }
    let lower = text.to_lowercase();
    let mended = lower.chars().all(ok).then_some(lower);
    Some(("it has lower-case letters, digits, spaces and `_ . : / = + - @ %`".to_owned(), mended))
}

/// Reads a key or a value.
fn word(
    text: &str,
    span: Span,
    what: &str,
    most: usize,
    decoder: &mut Decoder,
) -> Option<At<String>> {
    let Some((reason, mended)) = refused(text, most) else {
        return Some(At { value: text.to_owned(), span });
    };
    let headline = format!("`{}` cannot be the {what} of an LF-tag", shortened(text));
    let mut diagnostic = Diagnostic::error(diagnostic::LW0305, span, headline).note(reason);
    if let Some(mended) = mended {
        diagnostic = diagnostic.help(format!("write `{mended}`")).maybe(span, mended);
    }
    decoder.report(diagnostic);
    None
}

fn value(node: &Node, decoder: &mut Decoder) -> Option<At<String>> {
    let text = At::<String>::decode(node, decoder)?;
    word(&text.value, text.span, "value", 256, decoder)
}

impl Decode for LfTags {
    fn shape() -> Shape {
        Shape::Map {
            keys: "the key of an LF-tag",
            pattern: Some(KEY),
            empty: false,
            values: Box::new(String::shape()),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => return Some(LfTags::default()),
            _ => return decoder.expected(node, "a map of LF-tags"),
        };
        let mut tags = Vec::new();
        for entry in entries {
            let key = word(&entry.key, entry.key_span, "key", 128, decoder);
            let value = decoder.under(&entry.key, |decoder| value(&entry.value, decoder));
            if let (Some(key), Some(value)) = (key, value) {
                tags.push(LfTag { key, value });
            }
        }
        Some(LfTags(tags))
    }
    fn absent() -> Option<Self> {
        Some(LfTags::default())
    }
}

impl Decode for TagExpression {
    fn shape() -> Shape {
        Shape::Map {
            keys: "the key of an LF-tag",
            pattern: Some(KEY),
            empty: false,
            values: Box::new(Shape::Either(vec![
                String::shape(),
                Shape::Filled(Box::new(Shape::List(Box::new(String::shape())))),
            ])),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            return decoder.expected(node, "a map of LF-tags, such as `{ sensitivity: pii }`");
        };
        let mut keys = Vec::new();
        for entry in entries {
            let key = word(&entry.key, entry.key_span, "key", 128, decoder);
            let values: Vec<At<String>> =
                decoder.under(&entry.key, |decoder| match &entry.value.kind {
                    Kind::List(items) if items.is_empty() => {
                        nothing(&entry.value, decoder).into_iter().collect()
                    }
                    Kind::List(items) => items
                        .iter()
                        .enumerate()
                        .filter_map(|(at, item)| decoder.element(at, |d| value(item, d)))
                        .collect(),
                    _ => value(&entry.value, decoder).into_iter().collect(),
                });
            if let (Some(key), false) = (key, values.is_empty()) {
                keys.push((key, values));
            }
        }
        // What could not be read was reported; a map without anything narrows nothing.
        match keys.is_empty() {
            true if entries.is_empty() => nothing(node, decoder),
            true => None,
            false => Some(TagExpression { keys }),
        }
    }
}

impl TagExpression {
    /// `domain=sales, sensitivity=pii|secret`, keys and values ascending.
    pub fn words(&self) -> String {
        let mut keys: Vec<(&str, Vec<&str>)> = self
            .keys
            .iter()
            .map(|(key, values)| {
                let mut values: Vec<&str> = values.iter().map(|at| at.value.as_str()).collect();
                values.sort_unstable();
                values.dedup();
                (key.value.as_str(), values)
            })
            .collect();
        keys.sort_unstable();
        let words: Vec<String> =
            keys.iter().map(|(key, values)| format!("{key}={}", values.join("|"))).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lf_tags_are_lower_case() {
        assert_eq!(refused("sensitivity", 128), None);
        assert_eq!(refused("a b/c=d", 128), None);
        assert_eq!(refused("PII", 256).and_then(|(_, mended)| mended).as_deref(), Some("pii"));
        assert!(refused("", 128).is_some());
        assert!(refused("a*", 128).is_some());
        assert!(refused(&"x".repeat(129), 128).is_some());
    }
}
