//! What differs in the entries of `access` of two specs, for `review`: names, and grants.

use std::collections::BTreeSet;

use super::called::Called;
use super::load::Meant;
use crate::access::State;
use crate::lake::access::{Access, Grant};
use crate::review::Line;
use crate::review::entries::Differs;
use crate::spec::reference::Principal;

/// What entries of `new` have that those of `old` do not. `state`: that of `new`.
pub fn differing(old: Option<&Meant>, new: Option<&Meant>, state: &State) -> Vec<Differs> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let called = Called { state, lake: Some(&new.lake) };
    let line = |path: &str| {
        let cause = new.cause(path);
        Line { path: cause.path, file: cause.file, line: cause.line, is_before: false }
    };
    let mut found = Vec::new();
    for (name, entry) in &new.lake.access {
        let Some(before) = old.lake.access.get(name) else { continue };
        let own = entry.path();
        let is_new = |who: &Principal| before.who.iter().all(|other| other.value != *who);
        for (at, who) in entry.who.iter().enumerate() {
            let Ok(subject) = called.subject(&who.value.to_string()) else { continue };
            let mut differs = |cited: String, place: &Line| {
                found.push(Differs { cited, who: subject.clone(), place: place.clone() });
            };
            match is_new(&who.value) {
                // whatever was there for others is somebody's by their name
                true => {
                    let place = line(&format!("{own}.who[{at}]"));
                    shared(before, entry).into_iter().for_each(|path| differs(path, &place));
                }
                // statements of several grants name the list: of one grant that is new it is said which
                false => {
                    for (list, grant) in only(before, entry) {
                        differs(list, &line(&grant));
                    }
                }
            }
        }
    }
    found
}

fn has(entry: &Access, grant: &Grant) -> bool {
    let same = |own: &Grant| own.verb == grant.verb && own.place.value == grant.place.value;
    entry.grants.iter().any(same)
}

/// The paths of an entry's grants that it had before, of their lists, and its own.
fn shared(before: &Access, entry: &Access) -> BTreeSet<String> {
    let had = entry.grants_by_path().filter(|(_, grant)| has(before, grant));
    let paths = had.map(|(path, grant)| [path, list(entry, grant)]);
    paths.flatten().chain([entry.path()]).collect()
}

/// The lists of an entry with just one grant that it did not have before, and that grant's path.
fn only(before: &Access, entry: &Access) -> Vec<(String, String)> {
    let is_new = |grant: &Grant| !has(before, grant);
    let of = |verb| entry.grants.iter().filter(move |grant| grant.verb == verb && is_new(grant));
    let grants = entry.grants_by_path();
    let alone = grants.filter(|(_, grant)| is_new(grant) && of(grant.verb).count() == 1);
    alone.map(|(path, grant)| (list(entry, grant), path)).collect()
}

fn list(entry: &Access, grant: &Grant) -> String {
    format!("{}.{}", entry.path(), grant.verb.as_str())
}
