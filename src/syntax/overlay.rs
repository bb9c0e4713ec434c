//! Laying trees over each other: maps merge, lists and scalars replace, null removes.
//!
//! Every value of the result keeps the span of the place that it came from.

use super::{Entry, Kind, Node};

/// Lays `over` on `base`, as an environment's `set` is laid on the spec.
pub fn overlay(base: &mut Node, over: &Node) {
    match (&mut base.kind, &over.kind) {
        (Kind::Map(entries), Kind::Map(changes)) => {
            for change in changes {
                apply(entries, change);
            }
        }
        _ => *base = over.clone(),
    }
}

fn apply(entries: &mut Vec<Entry>, change: &Entry) {
    let found = entries.iter().position(|entry| entry.key == change.key);
    match (found, &change.value.kind) {
        (Some(at), Kind::Null) => {
            entries.remove(at);
        }
        (Some(at), _) => overlay(&mut entries[at].value, &change.value),
        (None, Kind::Null) => {}
        (None, _) => entries.push(change.clone()),
    }
}

/// Puts `defaults` under `own`: what `own` says stays, what it does not say is taken from there.
/// A key that `own` sets to null keeps the default away.
pub fn merge_under(own: &mut Node, defaults: &Node) {
    let Kind::Map(given) = &defaults.kind else { return };
    if own.kind == Kind::Null {
        own.kind = Kind::Map(Vec::new());
    }
    let Kind::Map(entries) = &mut own.kind else { return };
    for default in given {
        match entries.iter_mut().find(|entry| entry.key == default.key) {
            Some(entry) if entry.value.entries().is_some() => {
                merge_under(&mut entry.value, &default.value);
            }
            Some(_) => {}
            None => entries.push(default.clone()),
        }
    }
}
