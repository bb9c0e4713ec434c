//! Policies whose statements differ, with the lines of the spec that they come from.
//!
//! In: both sides. Out: a [`Changed`] for each principal or resource and each layer: statements that come and go, taken
//! over all policies together, so that what moves to another document or stack is no change.

use std::collections::BTreeMap;

use super::words::Words;
use super::{Line, Side};
use crate::access::{Boundary, Cause, Held, State, in_request};
use crate::document::Value;

/// A statement, and where it stands in the spec.
#[derive(Debug, Clone)]
pub struct Statement {
    pub value: Value,
    pub place: Line,
}

/// The statements of one subject that differ.
#[derive(Debug, Clone)]
pub struct Changed {
    /// `role/Analyst`, `bucket raw`.
    pub name: String,
    /// Its ARN.
    pub subject: String,
    /// `identity`, `boundary`, `trust`, `resource`.
    pub layer: &'static str,
    pub gone: Vec<Statement>,
    pub come: Vec<Statement>,
}

impl Changed {
    /// Bytes of the statements that come, on one line each.
    pub fn bytes(&self) -> usize {
        self.come.iter().map(|one| one.value.to_json().len()).sum()
    }
}

type Listed<'s> = BTreeMap<(&'static str, &'s str), Vec<(&'s Held, &'s Value, String)>>;

fn listed(state: &State) -> Listed<'_> {
    let mut all = Listed::new();
    let mut add = |layer: &'static str, name, held| {
        all.entry((layer, name)).or_default().extend(statements(held));
    };
    for (name, one) in &state.principals {
        one.identity.iter().for_each(|held| add("identity", name.as_str(), held));
        one.trust.iter().for_each(|held| add("trust", name.as_str(), held));
        if let Boundary::Read(held) = &one.boundary {
            add("boundary", name.as_str(), held);
        }
    }
    for (name, one) in &state.resources {
        one.policies.iter().for_each(|held| add("resource", name.as_str(), held));
    }
    all
}

/// The statements of a document, each with its label.
fn statements(held: &Held) -> Vec<(&Held, &Value, String)> {
    let list: Vec<&Value> = match held.document.get("Statement") {
        Some(Value::List(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let label = |at: usize, one: &Value| match one.get("Sid").and_then(Value::as_str) {
        Some(sid) => sid.to_owned(),
        None => format!("Statement[{at}]"),
    };
    list.into_iter().enumerate().map(|(at, one)| (held, one, label(at, one))).collect()
}

/// What differs, by layer and name.
pub fn changed(old: &Side<'_>, new: &Side<'_>, words: &Words) -> Vec<Changed> {
    let (before, after) = (listed(old.state()), listed(new.state()));
    let mut keys: Vec<&(&'static str, &str)> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let none = Vec::new();
    let mut found = Vec::new();
    for key in keys {
        let (was, is) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        let less = |own: &[(&Held, &Value, String)],
                    other: &[(&Held, &Value, String)],
                    side: &Side<'_>| {
            let mut left: Vec<&Value> = other.iter().map(|(_, value, _)| *value).collect();
            let mut differ = Vec::new();
            for (held, value, label) in own {
                if let Some(at) = left.iter().position(|one| one == value) {
                    left.swap_remove(at);
                    continue;
                }
                let cause = Cause {
                    origin: held.origin.clone(),
                    property: held.property.clone(),
                    statement: label.clone(),
                };
                differ.push(Statement { value: (*value).clone(), place: (side.place)(&cause) });
            }
            differ
        };
        let (gone, come) = (less(was, is, old), less(is, was, new));
        if gone.is_empty() && come.is_empty() {
            continue;
        }
        let (layer, subject) = *key;
        let name = match layer {
            "resource" => words.place(&in_request(subject)),
            _ => words.principal(subject),
        };
        found.push(Changed { name, subject: subject.to_owned(), layer, gone, come });
    }
    found
}
