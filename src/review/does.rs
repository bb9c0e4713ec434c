//! What somebody can do where, as people say it: verbs, and actions that none stands for, on places.
//!
//! In: parts of a row. Out: [`Does`], in which places that the same verbs hold for stand together, data before keys.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::Part;

/// A verb, or actions that none stands for, on places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Does {
    /// `read`, `write`, `delete`, `manage`, `assume`, a permission of Lake Formation; empty with `actions`.
    pub verbs: Vec<String>,
    pub actions: Vec<String>,
    pub places: Vec<String>,
}

/// What somebody can do to a place: verbs, and actions that none stands for.
pub(super) type ByPlace = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// Parts as people say them: places that the same verbs hold for stand together.
pub(super) fn does(parts: &[&Part]) -> Vec<Does> {
    let mut all = ByPlace::new();
    for part in parts {
        let entry = all.entry(part.place.clone()).or_default();
        match part.verb {
            "" => entry.1.extend(part.actions.iter().cloned()),
            verb => drop(entry.0.insert(verb.to_owned())),
        }
    }
    grouped(all)
}

/// Two lists as one.
pub(super) fn joined(own: &[Does], other: &[Does]) -> Vec<Does> {
    let mut all = ByPlace::new();
    for one in own.iter().chain(other) {
        for place in &one.places {
            let entry = all.entry(place.clone()).or_default();
            entry.0.extend(one.verbs.iter().cloned());
            entry.1.extend(one.actions.iter().cloned());
        }
    }
    grouped(all)
}

pub(super) fn grouped(all: ByPlace) -> Vec<Does> {
    const ORDER: [&str; 5] = ["read", "write", "delete", "manage", "assume"];
    let order = |verb: &String| ORDER.iter().position(|one| one == verb).unwrap_or(ORDER.len());
    let mut found: Vec<Does> = Vec::new();
    let mut push = |verbs: Vec<String>, actions: Vec<String>, place: String| {
        let same = |one: &&mut Does| {
            let key = is_key(&place) == one.places.iter().all(|place| is_key(place));
            one.verbs == verbs && one.actions == actions && key
        };
        match found.iter_mut().find(same) {
            Some(one) => one.places.push(place),
            None => found.push(Does { verbs, actions, places: vec![place] }),
        }
    };
    for (place, (verbs, actions)) in all {
        let mut verbs: Vec<String> = verbs.into_iter().collect();
        verbs.sort_by_key(|verb| (order(verb), verb.clone()));
        if !verbs.is_empty() {
            push(verbs, Vec::new(), place.clone());
        }
        if !actions.is_empty() {
            push(Vec::new(), actions.into_iter().collect(), place);
        }
    }
    // what changes who gets in first, then data, keys, and what no verb stands for
    let manages = |one: &Does| one.verbs.iter().any(|verb| verb == "manage");
    found.sort_by_key(|one| (one.verbs.is_empty(), one.is_of_keys(), !manages(one)));
    found
}

fn is_key(place: &str) -> bool {
    place.starts_with("key ")
}

impl Does {
    /// Whether it is about keys alone.
    pub fn is_of_keys(&self) -> bool {
        self.places.iter().all(|place| is_key(place))
    }
}
