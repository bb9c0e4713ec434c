//! Findings about a value that came through an alias: where it is used, beside where it is written.
//!
//! A tree has a copy of a value for each `*alias`, with the place of the `&anchor`. In: a tree as it was
//! parsed, and what was found in it. Out: findings whose path leads through an alias point at the key
//! behind which the alias stands as well, and what mends them needs a second look: it changes the value for
//! all who use it. INVARIANT: nothing else about a finding changes.

use super::{Kind, Node};
use crate::diagnostic::{Diagnostics, Label};
use crate::source::Span;

/// A value that stands somewhere else.
struct Use {
    /// Where it is used, as findings name it.
    path: String,
    /// The key of it, or the list that it is an element of.
    place: Span,
    /// Where it is written.
    origin: Span,
}

/// Adds the places of aliases to findings that came through them.
pub fn point_at_aliases(tree: &Node, found: &mut Diagnostics) {
    if found.is_empty() {
        return;
    }
    let mut uses = Vec::new();
    collect(tree, &mut String::new(), &mut uses);
    if uses.is_empty() {
        return;
    }
    found.each(|one| {
        let (Some(path), Some(primary)) = (&one.path, &one.primary) else { return };
        let through = uses.iter().find(|it| {
            let below = path.strip_prefix(it.path.as_str());
            it.origin.start <= primary.span.start
                && primary.span.end <= it.origin.end
                && below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        });
        if let Some(it) = through
            && one.secondary.iter().all(|label| label.span != it.place)
        {
            one.secondary.push(Label { span: it.place, text: "used here, by an alias".into() });
            // What mends it here may be wrong where the value is written.
            one.suggestions.iter_mut().for_each(|suggestion| suggestion.certain = false);
        }
    });
}

fn collect(node: &Node, path: &mut String, uses: &mut Vec<Use>) {
    // What an environment lays over the spec is named by where it comes to lie.
    let of_environment = path.strip_prefix("environments.").and_then(|rest| rest.split_once('.'));
    if let Some((_, "set")) = of_environment {
        return collect_in(node, &mut String::new(), uses);
    }
    collect_in(node, path, uses);
}

fn collect_in(node: &Node, path: &mut String, uses: &mut Vec<Use>) {
    let length = path.len();
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&entry.key);
                // An anchor stands before its aliases.
                if entry.value.span.start < entry.key_span.start && !is_nothing(&entry.value) {
                    uses.push(Use {
                        path: path.clone(),
                        place: entry.key_span,
                        origin: entry.value.span,
                    });
                }
                collect(&entry.value, path, uses);
                path.truncate(length);
            }
        }
        Kind::List(items) => {
            let mut last = node.span.start;
            for (at, item) in items.iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                if item.span.start < last && !is_nothing(item) {
                    uses.push(Use { path: path.clone(), place: node.span, origin: item.span });
                }
                last = last.max(item.span.start);
                collect(item, path, uses);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn is_nothing(node: &Node) -> bool {
    matches!(node.kind, Kind::Null | Kind::Broken)
}
