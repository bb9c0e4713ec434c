//! What guards data beside access and guards less after a change: encryption, versions, retention, logs, the public
//! access block, protection from deletion.
//!
//! In: both sides. Out: a [`Weaker`] for each guard of a resource that stays. What goes as a whole is the plan's to say,
//! with its consents; a guard that a new resource never had is a finding of the spec (LW0403) or of a rule.
//! Read next: `crate::catalogue::guards` for what is weaker than what.

use std::collections::BTreeSet;

use super::words::Words;
use super::{Line, Side};
use crate::access::guards::{Guards, PROTECTION};
use crate::access::{Cause, in_request};
use crate::catalogue::guards;

/// A guard that guards less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weaker {
    /// `bucket raw`.
    pub thing: String,
    /// Its ARN, or the reference to it.
    pub subject: String,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// `versioning`, `protection from deletion`.
    pub guard: String,
    /// `VersioningConfiguration/Status`.
    pub property: String,
    /// Which part of it: `ExpirationInDays of logs/`; empty where it is one value.
    pub what: String,
    /// `None`: it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
    pub place: Line,
}

/// What guards less than before, by resource.
pub fn weaker(old: &Side<'_>, new: &Side<'_>, words: &Words) -> Vec<Weaker> {
    let mut found = Vec::new();
    for (key, now) in &new.state().guards {
        let all = &old.state().guards;
        // a resource may move to another stack
        let moved = || {
            let mut same = all.values().filter(|one| {
                one.kind == now.kind && one.origin.logical_id == now.origin.logical_id
            });
            same.next().filter(|_| same.next().is_none())
        };
        let Some(was) = all.get(key).filter(|was| was.kind == now.kind).or_else(moved) else {
            continue;
        };
        if was.values != now.values {
            compare(was, now, new, words, &mut found);
        }
    }
    found
}

fn compare(was: &Guards, now: &Guards, new: &Side<'_>, words: &Words, found: &mut Vec<Weaker>) {
    let keys: BTreeSet<&(String, String)> = was.values.keys().chain(now.values.keys()).collect();
    for key in keys {
        let (property, what) = key;
        let (before, after) = (was.values.get(key), now.values.get(key));
        let (before, after) = (before.map(String::as_str), after.map(String::as_str));
        let guard = match guards::of(&now.kind).find(|one| one.property == *property) {
            Some(guard) if guard.is_weaker(after, before) => guard.guard.as_str(),
            None if property == PROTECTION && is_kept(before) && !is_kept(after) => {
                "protection from deletion"
            }
            _ => continue,
        };
        let cause = Cause {
            origin: now.origin.clone(),
            property: property.split('/').next().unwrap_or(property).to_owned(),
            statement: String::new(),
        };
        let shown = |value: Option<&str>| value.map(|text| words.place(&in_request(text)));
        found.push(Weaker {
            thing: words.place(&in_request(&now.subject)),
            subject: now.subject.clone(),
            kind: now.kind.clone(),
            guard: guard.to_owned(),
            property: property.clone(),
            what: what.clone(),
            before: shown(before),
            after: shown(after),
            place: (new.place)(&cause),
        });
    }
}

/// Whether a resource stays when its stack is deleted. CloudFormation deletes what says nothing (CloudFormation User
/// Guide, "DeletionPolicy attribute").
fn is_kept(policy: Option<&str>) -> bool {
    matches!(policy, Some("Retain" | "RetainExceptOnCreate" | "Snapshot"))
}
