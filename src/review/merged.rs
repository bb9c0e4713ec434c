//! Items about the same as one: an entry of the spec lets somebody at a bucket, at its key, and by policies of its own.
//!
//! In: the items of all rows. Out: fewer. INVARIANT: what an item said is said by the one that took it in.

use std::collections::{BTreeMap, BTreeSet};

use super::does::joined;
use super::items::Item;
use crate::access::Layer;

/// One entry of the spec lets somebody at a bucket, at its key, and by policies of its own: that is one item.
pub(super) fn merged(items: Vec<Item>) -> Vec<Item> {
    let mut found: Vec<Item> = Vec::new();
    let (identities, others): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| item.layer == Layer::Identity);
    for item in identities.into_iter().chain(others) {
        let fits = |own: &&mut Item| {
            let layers = own.layer == Layer::Identity || own.layer == Layer::Resource;
            let path = own.place.path == item.place.path && !own.place.path.is_empty();
            let whole = own.layer == Layer::Identity && own.is_whole;
            layers && own.who == item.who && (path || whole)
        };
        match found.iter_mut().find(fits).filter(|_| item.layer == Layer::Resource) {
            Some(own) => own.take(item),
            None => found.push(item),
        }
    }
    found
}

impl Item {
    /// Takes another item about the same in.
    fn take(&mut self, other: Item) {
        self.does = joined(&self.does, &other.does);
        self.kinds.extend(&other.kinds);
        self.exact &= other.exact;
        self.complete &= other.complete;
        self.is_whole &= other.is_whole || self.layer == Layer::Identity;
        let extend = |list: &mut Vec<String>, more: Vec<String>| {
            for one in more {
                if !list.contains(&one) {
                    list.push(one);
                }
            }
        };
        let better = other.request.is_some() && other.rank < self.rank && self.layer == other.layer;
        if better {
            self.rank = other.rank;
            self.request = other.request;
            self.conditions = other.conditions;
            self.cause = other.cause;
            self.place = other.place;
            self.subject = other.subject;
            self.kind = other.kind;
            let own = std::mem::replace(&mut self.decided_by, other.decided_by);
            extend(&mut self.decided_by, own);
            let own = std::mem::replace(&mut self.needed, other.needed);
            extend(&mut self.needed, own);
        } else {
            extend(&mut self.decided_by, other.decided_by);
            // for a principal of the state all layers were asked already
            if self.layer == other.layer {
                extend(&mut self.needed, other.needed);
            }
        }
        let all = self.decided_by.clone();
        let named = |one: &String| all.iter().any(|other| other.starts_with(&format!("{one} / ")));
        self.decided_by.retain(|one| !named(one));
        self.reason = self.reason.take().or(other.reason);
        self.handover = self.handover.take().or(other.handover);
    }
}

/// That a new role is there for a service is part of what is said of the role.
pub(super) fn fold_trust(items: &mut Vec<Item>) {
    let mut services: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let roles: BTreeSet<String> = items
        .iter()
        .filter(|item| item.is_whole && item.layer == Layer::Identity)
        .map(|item| item.subject.clone())
        .collect();
    items.retain(|item| {
        let new = item.layer == Layer::Trust && item.is_whole && item.kinds.is_empty();
        let folds = new && item.who.starts_with("service ") && roles.contains(&item.subject);
        if folds {
            services.entry(item.subject.clone()).or_default().push(item.who.clone());
        }
        !folds
    });
    for item in items.iter_mut().filter(|item| item.is_whole && item.layer == Layer::Identity) {
        item.runs.extend(services.remove(&item.subject).unwrap_or_default());
    }
}
