//! Trees and texts for the laws.

use lakewright::source::{FileId, Sources, Span};
use lakewright::syntax::{Entry, Kind, Node};
use proptest::prelude::*;

/// Reads a text.
pub fn read(text: &str) -> (Node, Vec<&'static str>) {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    let (node, found) = lakewright::syntax::parse(&sources, file);
    (node, found.iter().map(|diagnostic| diagnostic.code.as_str()).collect())
}

/// A tree without its places.
pub fn bare(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "~".to_owned(),
        Kind::Broken => "!".to_owned(),
        Kind::Scalar { text, .. } => format!("{text:?}"),
        Kind::List(items) => {
            format!("[{}]", items.iter().map(bare).collect::<Vec<_>>().join(","))
        }
        Kind::Map(entries) => {
            let entries =
                entries.iter().map(|entry| format!("{:?}:{}", entry.key, bare(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
    }
}

/// Trees of few keys, so that two of them have some in common.
pub fn tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        2 => "[a-z]{1,3}".prop_map(|text| Kind::Scalar { text: text.into(), quoted: false }),
        1 => Just(Kind::Null),
    ];
    let kinds = leaf.prop_recursive(4, 40, 5, |inner| {
        let node = (inner, 0..1000_usize).prop_map(|(kind, at)| Node { span: span(at), kind });
        let key = "[a-f]";
        prop_oneof![
            1 => prop::collection::vec(node.clone(), 0..4).prop_map(Kind::List),
            3 => prop::collection::btree_map(key, node, 0..6).prop_map(|map| {
                let entry = |(key, value): (String, Node)| {
                    Entry { key: key.into(), key_span: value.span, value }
                };
                Kind::Map(map.into_iter().map(entry).collect())
            }),
        ]
    });
    (kinds, 0..1000_usize).prop_map(|(kind, at)| Node { span: span(at), kind })
}

fn span(at: usize) -> Span {
    Span::new(FileId::default(), at, at + 1)
}

/// A spec of the size that people write, with most of YAML's ways of writing.
pub const LAKE: &str = include_str!("lake.yaml");
