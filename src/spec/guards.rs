//! Who is kept out of a place, whoever lets them in: `only_writers` and `deny`.
//!
//! A list is about the whole bucket, a map about prefixes in it. Here is only the form; what it becomes
//! stands in `policies/bucket-deny-*.json`, and what contradicts a grant is refused by `check::guards`.

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::narrowing::{is_empty, nothing};
use super::reference::Principal;
use super::words::Prefix;
use crate::diagnostic;
use crate::syntax::{Kind, Node};

/// Principals of a bucket, or of prefixes in it, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Guards(pub Vec<Guard>);

/// Principals that are denied: an empty list would deny nobody, so that none is taken. One of writers is
/// the strictest there is: nobody but the flows of the lake.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Denials(pub Guards);

/// Principals of one place in a bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Empty: the whole bucket.
    pub prefix: At<String>,
    pub who: Vec<At<Principal>>,
}

impl Decode for Guards {
    fn shape() -> Shape {
        of_prefixes(Vec::<Principal>::shape())
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Null => return Some(Guards::default()),
            Kind::Map(entries) if entries.is_empty() => return nothing(node, decoder),
            Kind::Map(entries) => entries,
            _ => {
                let who = Vec::<At<Principal>>::decode(node, decoder)?;
                let prefix = At { value: String::new(), span: node.span };
                return Some(Guards(vec![Guard { prefix, who }]));
            }
        };
        let mut guards = Vec::new();
        for entry in entries {
            let key = Node {
                span: entry.key_span,
                kind: Kind::Scalar { text: entry.key.clone(), quoted: true },
            };
            let who = decoder
                .under(&entry.key, |decoder| Vec::<At<Principal>>::decode(&entry.value, decoder));
            match (Prefix::parse(&entry.key), who) {
                (Ok(prefix), Some(who)) => {
                    let prefix = At { value: prefix.0, span: entry.key_span };
                    guards.push(Guard { prefix, who });
                }
                (Ok(_), None) => {}
                (Err(refused), _) => {
                    let headline =
                        format!("`{}` is not a prefix such as `tmp/`", shortened(&entry.key));
                    let _: Option<()> = refused.report(diagnostic::LW0305, &key, headline, decoder);
                }
            }
        }
        Some(Guards(guards))
    }
    fn absent() -> Option<Self> {
        Some(Guards::default())
    }
}

impl Decode for Denials {
    fn shape() -> Shape {
        of_prefixes(Shape::Filled(Box::new(Vec::<Principal>::shape())))
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let mut nobody = is_empty(node);
        if nobody {
            return nothing(node, decoder);
        }
        for entry in node.entries().unwrap_or_default() {
            if is_empty(&entry.value) || entry.value.kind == Kind::Null {
                nobody = true;
                decoder.under(&entry.key, |decoder| nothing::<()>(&entry.value, decoder));
            }
        }
        let read = Guards::decode(node, decoder);
        read.filter(|_| !nobody).map(Denials)
    }
    fn absent() -> Option<Self> {
        Some(Denials::default())
    }
}

/// A list for the whole bucket, or a map of prefixes with one.
fn of_prefixes(list: Shape) -> Shape {
    let prefixes = Shape::Map {
        keys: "a prefix such as `ledger/`",
        pattern: Some("^[^/].*/$"),
        empty: false,
        values: Box::new(list.clone()),
    };
    Shape::Either(vec![list, Shape::Filled(Box::new(prefixes))])
}
