//! A spec written anew, with its maps in another order.
//!
//! A tree goes in, a text in YAML's flow notation comes out. Lists keep their order, and so do the maps
//! whose order means something: columns and partition columns. Plain scalars stay plain, quoted ones
//! quoted, so that the text means what the tree means.

use lakewright::syntax::{Entry, Kind, Node};

/// In which order the entries of a map are written.
pub enum Order<'a> {
    Kept,
    Reversed,
    /// By a source of numbers below the one that is asked for.
    Shuffled(&'a mut dyn FnMut(usize) -> usize),
}

/// Keys whose maps are lists in disguise: the order of what is in them counts.
const ORDERED: [&str; 2] = ["columns", "partition"];

/// The tree as a text.
pub fn write(node: &Node, order: &mut Order) -> String {
    let mut out = String::new();
    value(node, order, &mut out);
    out.push('\n');
    out
}

fn value(node: &Node, order: &mut Order, out: &mut String) {
    match &node.kind {
        Kind::Null | Kind::Broken => out.push('~'),
        Kind::Scalar { text, quoted: true } => quote(text, out),
        Kind::Scalar { text, quoted: false } if is_plain(text) => out.push_str(text),
        Kind::Scalar { text, quoted: false } => quote(text, out),
        Kind::List(items) => {
            out.push_str("[ ");
            for item in items {
                value(item, order, out);
                out.push_str(", ");
            }
            out.push_str("]\n");
        }
        Kind::Map(entries) => map(entries, true, order, out),
    }
}

fn map(entries: &[Entry], free: bool, order: &mut Order, out: &mut String) {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    if free {
        match order {
            Order::Kept => {}
            Order::Reversed => sorted.reverse(),
            Order::Shuffled(pick) => {
                for last in (1..sorted.len()).rev() {
                    sorted.swap(last, pick(last + 1));
                }
            }
        }
    }
    out.push_str("{ ");
    for entry in sorted {
        quote(&entry.key, out);
        out.push_str(": ");
        match &entry.value.kind {
            Kind::Map(inner) if ORDERED.contains(&&*entry.key) => map(inner, false, order, out),
            _ => value(&entry.value, order, out),
        }
        out.push_str(", ");
    }
    out.push_str("}\n");
}

/// Whether a text is the same without quotes within brackets.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._/()-".contains(c))
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
