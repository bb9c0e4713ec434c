//! Laying trees over each other: maps merge, lists and scalars replace, null removes.
//!
//! Every value of the result keeps the span of the place that it came from. The keys of the result
//! stand in the order of the base, new ones behind them. Laying the same tree on twice changes nothing.

use std::collections::HashMap;

use super::{Entry, Kind, Node};

/// From how many comparisons on an index pays.
const INDEXED: usize = 256;

/// Lays `over` on `base`, as an environment's `set` is laid on the spec.
pub fn overlay(base: &mut Node, over: &Node) {
    let (Kind::Map(entries), Kind::Map(changes)) = (&mut base.kind, &over.kind) else {
        *base = without_nulls(over);
        return;
    };
    let index = Index::new(entries, changes.len());
    let mut removed = Vec::new();
    let mut added: Vec<Entry> = Vec::new();
    for change in changes {
        match (index.find(entries, &change.key), &change.value.kind) {
            (Some(at), Kind::Null) => removed.push(at),
            (Some(at), _) => overlay(&mut entries[at].value, &change.value),
            (None, Kind::Null) => {}
            (None, _) => {
                added.push(Entry { value: without_nulls(&change.value), ..change.clone() });
            }
        }
    }
    if !removed.is_empty() {
        removed.sort_unstable();
        let mut at = 0;
        entries.retain(|_| {
            at += 1;
            removed.binary_search(&(at - 1)).is_err()
        });
    }
    entries.append(&mut added);
}

/// What a tree is where there is nothing below it: a null removes, so it is not there.
fn without_nulls(node: &Node) -> Node {
    let Kind::Map(entries) = &node.kind else { return node.clone() };
    let entries = entries
        .iter()
        .filter(|entry| entry.value.kind != Kind::Null)
        .map(|entry| Entry {
            key: entry.key.clone(),
            key_span: entry.key_span,
            value: without_nulls(&entry.value),
        })
        .collect();
    Node { span: node.span, kind: Kind::Map(entries) }
}

/// Puts `defaults` under `own`: what `own` says stays, what it does not say is taken from there.
/// A key that `own` sets to null keeps the default away.
pub fn merge_under(own: &mut Node, defaults: &Node) {
    let Kind::Map(given) = &defaults.kind else { return };
    if own.kind == Kind::Null {
        own.kind = Kind::Map(Vec::new());
    }
    let Kind::Map(entries) = &mut own.kind else { return };
    let index = Index::new(entries, given.len());
    let mut added = Vec::new();
    for default in given {
        match index.find(entries, &default.key) {
            Some(at) if entries[at].value.entries().is_some() => {
                merge_under(&mut entries[at].value, &default.value);
            }
            Some(_) => {}
            None => added.push(default.clone()),
        }
    }
    entries.append(&mut added);
}

/// Where the keys of a map stand, where there are enough to make looking through them slow.
struct Index(Option<HashMap<Box<str>, usize>>);

impl Index {
    fn new(entries: &[Entry], lookups: usize) -> Self {
        let pays = entries.len().saturating_mul(lookups) > INDEXED;
        Index(pays.then(|| {
            let keys = entries.iter().enumerate();
            keys.map(|(at, entry)| (entry.key.clone(), at)).collect()
        }))
    }

    fn find(&self, entries: &[Entry], key: &str) -> Option<usize> {
        match &self.0 {
            Some(index) => index.get(key).copied(),
            None => entries.iter().position(|entry| &*entry.key == key),
        }
    }
}
