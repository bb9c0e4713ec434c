//! The nested schemas of resource properties: what may stand where, and whether it does.
//!
//! In go a type's name and its properties as CloudFormation would get them, intrinsic functions included; out comes
//! every place where AWS would refuse them. The schema of a type is read when the type is first asked for.
//! Invariant: a schema's nodes refer to each other by index, so that types that contain themselves need no care.
//! Read next: `read.rs` makes the nodes, `check.rs` compares them with properties.

mod check;
mod read;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use check::{Violation, check};

use super::lines::Lines;
use super::path::is_position;
use super::pattern::Pattern;
use crate::document::Value;

static SCHEMAS: LazyLock<Lines<Schema>> =
    LazyLock::new(|| Lines::new(include_str!("../data/schemas.jsonl"), read::read));

/// What the properties of a type may be.
#[derive(Debug)]
pub(super) struct Schema {
    nodes: Vec<Node>,
}

/// The index of a node; the first is the properties as a whole.
type Id = usize;

/// What a value may be. Whatever is not said is allowed.
#[derive(Debug, Default)]
struct Node {
    /// A further node that the value has to satisfy too.
    reference: Option<Id>,
    kinds: Kinds,
    /// Whether keys that are not named are refused.
    closed: bool,
    /// Ascending by name.
    properties: Vec<(&'static str, Id)>,
    required: Vec<&'static str>,
    keys: Vec<(Pattern, Id)>,
    /// Exactly one of these keys is there.
    one_key: Vec<&'static str>,
    /// At least one of these keys is there.
    some_key: Vec<&'static str>,
    /// With the first, all of the others are there.
    together: Vec<(&'static str, Vec<&'static str>)>,
    /// With the first, none of the others is there.
    apart: Vec<(&'static str, Vec<&'static str>)>,
    items: Option<Id>,
    unordered: bool,
    unique: bool,
    allowed: Vec<Value>,
    ignore_case: bool,
    pattern: Option<Pattern>,
    /// The number of characters, elements or keys, each inclusive.
    length: (usize, usize),
    count: (usize, usize),
    size: (usize, usize),
    range: (f64, f64),
    all_of: Vec<Id>,
    any_of: Vec<Id>,
    one_of: Vec<Id>,
}

/// A set of JSON's kinds of value; empty: all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Kinds(u8);

impl Kinds {
    const STRING: Kinds = Kinds(1);
    const INTEGER: Kinds = Kinds(2);
    const NUMBER: Kinds = Kinds(4);
    const BOOLEAN: Kinds = Kinds(8);
    const ARRAY: Kinds = Kinds(16);
    const OBJECT: Kinds = Kinds(32);

    fn has(self, kind: Kinds) -> bool {
        self.0 & kind.0 != 0
    }
}

/// The schema of the type called `name`.
pub(super) fn of(name: &str) -> Option<&'static Schema> {
    SCHEMAS.get(name)
}

impl Schema {
    /// Whether the list at `path` is a set, by the schema's `insertionOrder: false`.
    pub(super) fn unordered(&self, path: &[&str]) -> bool {
        self.at(path).iter().any(|id| self.nodes[*id].unordered)
    }

    /// Whether something may stand at `path`.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        !self.at(path).is_empty()
    }

    /// The nodes that a value at `path` has to satisfy. Inside a value that may be anything, that value's.
    fn at(&self, path: &[&str]) -> Vec<Id> {
        let mut here = self.whole(0);
        for step in path {
            let mut next = Vec::new();
            for id in &here {
                let node = &self.nodes[*id];
                if node.items.is_some() && is_position(step) {
                    next.extend(node.items.map_or_else(Vec::new, |items| self.whole(items)));
                } else if let Some(inner) = node.property(step) {
                    next.extend(self.whole(inner));
                }
            }
            if next.is_empty() && here.iter().all(|id| self.nodes[*id].is_free()) {
                return here;
            }
            here = next;
        }
        here
    }

    /// A node and those that it refers to for the same value.
    fn whole(&self, id: Id) -> Vec<Id> {
        let mut all = vec![id];
        let mut next = 0;
        while let Some(id) = all.get(next) {
            let node = &self.nodes[*id];
            let others = [&node.all_of, &node.any_of, &node.one_of];
            let more: Vec<Id> =
                node.reference.into_iter().chain(others.into_iter().flatten().copied()).collect();
            for id in more {
                if !all.contains(&id) {
                    all.push(id);
                }
            }
            next += 1;
        }
        all
    }
}

impl Node {
    /// The node of the value under `key`.
    fn property(&self, key: &str) -> Option<Id> {
        match self.properties.binary_search_by(|(own, _)| (*own).cmp(key)) {
            Ok(at) => Some(self.properties[at].1),
            Err(_) => self.keys.iter().find(|(keys, _)| keys.matches(key)).map(|(_, id)| *id),
        }
    }

    /// Whether objects of any form may stand here.
    fn is_free(&self) -> bool {
        let scalar = self.kinds != Kinds::default() && !self.kinds.has(Kinds::OBJECT);
        !scalar
            && !self.closed
            && self.properties.is_empty()
            && self.keys.is_empty()
            && self.items.is_none()
    }
}
