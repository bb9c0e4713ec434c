//! Who writes objects and also undoes what keeps them, by everything that it may do altogether.
//!
//! In: a state's statements, in identity policies, those of groups, and bucket policies. A right to write and a right to
//! undo count together where one principal has both for the same bucket, whatever statements they stand in; each is
//! asked of the search, so that a Deny or a boundary that takes one away is counted.

use super::Finding;
use super::ground::{Attached, Ground, Said, meet, some_of};
use super::table::of;
use crate::access::reach::Subject;
use crate::catalogue::{iam, watched};
use crate::diagnostic as codes;
use crate::document::Value;
use crate::verdict::Name;
use crate::verdict::read::Effect;

/// Somebody, with every statement that gives it something.
struct Holder<'g, 's> {
    /// A principal of the state, whom the search knows.
    name: Option<&'s str>,
    statements: Vec<&'g Said<'s>>,
}

fn is_named(said: &Said<'_>, name: &Name) -> bool {
    let listed = said.statement.principals.as_ref();
    listed.is_some_and(|listed| !listed.not && listed.items.contains(name))
}

/// Every principal of the state, and whoever else bucket policies name.
fn holders<'g, 's>(ground: &'g Ground<'s>) -> Vec<Holder<'g, 's>> {
    // what is everything has a rule of its own
    let counts = |said: &&Said<'_>| {
        said.statement.effect == Effect::Allow
            && !(said.is_everything() && said.is_everywhere())
            && (said.attached == Attached::Identity || said.kind == "AWS::S3::Bucket")
            && !(said.of("write_object").is_empty() && said.of("undo_lock").is_empty())
    };
    let said: Vec<&Said<'_>> = ground.said.iter().filter(counts).collect();
    let of_buckets = |said: &&&Said<'_>| said.attached == Attached::Resource;
    let mut known: Vec<Name> = Vec::new();
    let mut all: Vec<Holder<'_, '_>> = Vec::new();
    for (name, one) in &ground.state.principals {
        let written = Name::read("AWS", name, "aws");
        let statements = said.iter().copied().filter(|said| match said.attached {
            Attached::Identity => said.holder == name || one.groups.contains(said.holder),
            _ => is_named(said, &written),
        });
        all.push(Holder { name: Some(name), statements: statements.collect() });
        known.push(written);
    }
    let mut others: Vec<(&str, &Name)> = Vec::new();
    for said in said.iter().filter(of_buckets) {
        let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        others.extend(items.iter().map(|name| (said.holder, name)));
    }
    others.sort();
    others.dedup();
    for (bucket, name) in others.into_iter().filter(|(_, name)| !known.contains(name)) {
        let statements = said.iter().copied().filter(|said| {
            said.attached == Attached::Resource && said.holder == bucket && is_named(said, name)
        });
        all.push(Holder { name: None, statements: statements.collect() });
    }
    all
}

/// What a statement is about, as text and as it stands in the template.
fn places(said: &Said<'_>) -> Vec<(String, Value)> {
    let raw = said.resources();
    match &said.statement.resources {
        Some(listed) if !listed.not && listed.items.len() == raw.len() => {
            listed.items.iter().map(|one| one.shown()).zip(raw).collect()
        }
        _ => vec![("*".to_owned(), Value::from("*"))],
    }
}

/// Whether an action is one on objects, not on their bucket.
fn on_objects(action: &str) -> bool {
    iam::action(action).is_some_and(|one| one.resources.iter().any(|on| on.resource == "object"))
}

impl Holder<'_, '_> {
    /// Whether it may do what a statement gives it at a place, everything counted. What is not known is taken to be so.
    fn may(&self, ground: &Ground<'_>, action: &str, at: &Value) -> bool {
        let Some(name) = self.name else { return true };
        ground.may(&Subject::Named(name.to_owned()), action, at.clone(), None)
    }

    /// What it may undo where a statement lets it write, with the statement that gives it.
    fn undone<'a>(
        &'a self,
        ground: &Ground<'_>,
        (written, at): (&str, &Value),
    ) -> Vec<(&'static str, &'a Said<'a>)> {
        let bucket = written.split('/').next().unwrap_or(written);
        let mut found = Vec::new();
        for action in watched::set("undo_lock").actions.iter().map(String::as_str) {
            let objects = on_objects(action);
            let gives = |said: &&Said<'_>| {
                said.speaks_of(action)
                    && places(said).iter().any(|(place, raw)| {
                        let here = if objects { meet(place, written) } else { meet(place, bucket) };
                        here && self.may(ground, action, raw)
                            && (!objects || self.may(ground, action, at))
                    })
            };
            if let Some(said) = self.statements.iter().copied().find(gives) {
                found.push((action, said));
            }
        }
        found
    }
}

pub(super) fn undoing(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for holder in holders(ground) {
        let undoes = |said: &&Said<'_>| !said.of("undo_lock").is_empty();
        if !holder.statements.iter().any(undoes) {
            continue;
        }
        for said in &holder.statements {
            let writes = said.of("write_object");
            let here: Vec<(String, Value)> = places(said)
                .into_iter()
                .filter(|(_, at)| writes.iter().any(|action| holder.may(ground, action, at)))
                .collect();
            let undo: Vec<(&str, &Said<'_>)> = here
                .iter()
                .flat_map(|(written, at)| holder.undone(ground, (written, at)))
                .collect();
            // what a group gives is the group's finding
            let own = |by: &Said<'_>| Some(by.holder) == holder.name || by.holder != said.holder;
            let is_own = said.attached == Attached::Resource || Some(said.holder) == holder.name;
            if writes.is_empty() || !(is_own || undo.iter().any(|(_, by)| own(by))) {
                continue;
            }
            let mut actions: Vec<&str> = undo.iter().map(|(action, _)| *action).collect();
            actions.sort_unstable();
            actions.dedup();
            if actions.is_empty() {
                continue;
            }
            let elsewhere = undo.iter().find(|(_, by)| !std::ptr::eq(*by, *said));
            let by = match elsewhere {
                Some((_, by)) => {
                    format!(", by {} / {} as well", by.held.property, by.statement.label)
                }
                None => String::new(),
            };
            let message = format!("writes to {} and may {}{by}", said.place(), some_of(&actions));
            let help = "give these to a principal that does not write";
            let mut told = said.finding(of(codes::LW0465), message, help).listing(&actions);
            if let (Some(name), Attached::Identity) = (holder.name, said.attached) {
                told.subject = name.to_owned();
                told.kind = ground.state.principals[name].kind.as_str().to_owned();
            }
            found.push(told);
        }
    }
}
