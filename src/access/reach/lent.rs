//! What Lake Formation lends: tables that it decides about, and who sees what of them.
//!
//! In: a [`Judge`], a table with the place of its files, a verb. Out: whether somebody reads, writes or deletes in it
//! through Lake Formation, and which columns and rows. That takes three things: a grant, the right to borrow credentials,
//! and the right to look the table up; the files are read by the role of the registered location. INVARIANT: a grant that
//! is not read is not assumed, and what an account hands on to its own is unknown. Pure.
//! Source: AWS Lake Formation developer guide, "Underlying data access control" and "Metadata access control".

use std::collections::{BTreeMap, BTreeSet};

use super::super::grants::{handed_on, seen};
use super::super::lake_formation::{ADMINISTRATION, REGISTRATION};
use super::super::state::State;
use super::closure::{Closure, Way};
use super::judge::{Judge, Reached, Subject, Target};
use crate::catalogue::escalations::verbs;
use crate::document::Value;

pub use super::super::grants::Shown;

/// Who decides about a table whose files lie in a registered location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Governed {
    /// Lake Formation, for everybody.
    Everybody,
    /// Lake Formation for those who have opted in, IAM for the others.
    OptedIn,
}

/// A table, or every table of a database.
#[derive(Debug, Clone)]
pub struct Table<'t> {
    pub database: &'t str,
    /// `None`: every table.
    pub name: Option<&'t str>,
    /// Its entry in the catalog.
    pub entry: &'t Target,
    pub governed: Governed,
}

/// The role that reads a registered location, and the location.
fn registrations(state: &State) -> impl Iterator<Item = (&str, &str, bool)> {
    state.grants.iter().filter_map(|grant| {
        let arn = grant.resource.at(&[REGISTRATION, "ResourceArn"]).and_then(Value::as_str)?;
        let hybrid = grant.permissions.iter().any(|one| one.ends_with("with IAM alone"));
        Some((grant.principal.as_str(), arn, hybrid))
    })
}

/// Whether the objects of a target lie in a location.
fn within(target: &Target, location: &str) -> bool {
    let Some(objects) = target.resource.as_str().filter(|_| target.kind == "object") else {
        return false;
    };
    objects.strip_prefix(location).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a role reads for Lake Formation what lies at a target.
pub fn is_registered(state: &State, role: &str, target: &Target) -> bool {
    registrations(state).any(|(own, at, _)| own == role && within(target, at))
}

/// The table of a place, if Lake Formation decides about it: its entry in the catalog, and files in a registered location
/// that `IAMAllowedPrincipals` does not have.
pub fn table<'t>(state: &State, targets: &'t [Target]) -> Option<Table<'t>> {
    let entry = targets.iter().find(|target| target.kind == "table")?;
    let path = entry.resource.as_str()?.rsplit_once(":table/")?.1;
    let (database, name) = path.split_once('/')?;
    let name = (name != "*").then_some(name);
    let here: Vec<bool> = registrations(state)
        .filter(|(_, at, _)| targets.iter().any(|target| within(target, at)))
        .map(|(.., hybrid)| hybrid)
        .collect();
    if here.is_empty()
        || !seen(state, "IAM_ALLOWED_PRINCIPALS", database, name, &["ALL"]).is_empty()
    {
        return None;
    }
    let governed = if here.contains(&true) { Governed::OptedIn } else { Governed::Everybody };
    Some(Table { database, name, entry, governed })
}

/// Whether a principal is granted one of these permissions on a table.
pub fn is_granted(state: &State, who: &str, table: &Table<'_>, permissions: &[&str]) -> bool {
    !seen(state, who, table.database, table.name, permissions).is_empty()
}

/// Whether somebody, or a principal that it can act as, does something to a table through Lake Formation, on which way,
/// and what of it.
pub fn lent(
    judge: &Judge<'_>,
    closure: &Closure,
    who: &Subject,
    verb: &str,
    table: &Table<'_>,
) -> (Reached, Vec<Way>, Vec<Shown>) {
    let words = &verbs().lake_formation;
    let none = (Reached::No { because: None }, Vec::new(), Vec::new());
    let Some(permissions) = words.grants.get(verb) else { return none };
    let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let mut paths: Vec<(Subject, Vec<Way>)> = vec![(who.clone(), Vec::new())];
    let mut others: Vec<(&String, &Vec<Way>)> = closure.reached.iter().collect();
    others.sort_by_key(|(name, path)| (path.len(), *name));
    paths.extend(
        others.into_iter().map(|(name, path)| (Subject::Named(name.clone()), path.clone())),
    );
    let mut best = none;
    for (one, path) in paths {
        let (Subject::Named(name) | Subject::Account(name)) = &one else { continue };
        let seen = seen(judge.state, name, table.database, table.name, &permissions);
        if seen.is_empty() {
            continue;
        }
        let all =
            Target { kind: "any".to_owned(), resource: Value::from("*"), guard: String::new() };
        let reached = match &one {
            Subject::Account(account) => Reached::Unknown {
                because: format!(
                    "Lake Formation grants account {account} {}: what it hands on to its own, and their policies, are not read",
                    told(&seen)
                ),
            },
            _ => both(
                judge.ask(&one, &words.borrow, &all, None, false),
                judge.ask(&one, &words.find, table.entry, None, false),
            ),
        };
        let reached = match reached {
            Reached::Yes { request, mut needed } => {
                if table.governed == Governed::OptedIn {
                    needed.push("that it is opted in to Lake Formation (CreateLakeFormationOptIn), which no template says".to_owned());
                }
                return (Reached::Yes { request, needed }, path, seen);
            }
            Reached::No { because } => Reached::No {
                because: Some(format!(
                    "Lake Formation grants {}, and {}",
                    told(&seen),
                    because.unwrap_or_else(|| format!(
                        "{} or {} is not allowed by IAM",
                        words.borrow, words.find
                    ))
                )),
            },
            unknown => unknown,
        };
        if matches!(best.0, Reached::No { because: None })
            || matches!(reached, Reached::Unknown { .. })
        {
            best = (reached, path, seen);
        }
    }
    best
}

/// Who gets at a table without a grant on its data: administrators, who may grant themselves anything; whoever may define
/// tables over its place, which is as good as writing there; whoever may hand a grant on. Principal and why, ascending.
/// Source: AWS Lake Formation developer guide, "Implicit Lake Formation permissions" and "Underlying data access control".
pub fn powers(state: &State, table: &Table<'_>, targets: &[Target]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for grant in &state.grants {
        let mut power = |why: &str| {
            found.insert((grant.principal.clone(), why.to_owned()));
        };
        if let Some(what) = grant.resource.at(&[ADMINISTRATION, "What"]).and_then(Value::as_str) {
            match what {
                "admin" => power("administers Lake Formation, and may grant itself anything"),
                _ => power("sees every grant and every entry of the catalog"),
            }
        }
        let place = grant.resource.at(&["DataLocation", "ResourceArn"]).and_then(Value::as_str);
        if place.is_some_and(|place| targets.iter().any(|target| within(target, place))) {
            power("may define tables over its place, and owns them: as good as writing there");
        }
    }
    let mut passed_on: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (principal, permission) in handed_on(state, table.database, table.name) {
        passed_on.entry(principal).or_default().push(permission);
    }
    for (principal, permissions) in passed_on {
        found.insert((principal, format!("may hand on {}", permissions.join(", "))));
    }
    found
}

/// What is seen, for people.
pub fn told(seen: &[Shown]) -> String {
    seen.iter().map(ToString::to_string).collect::<Vec<_>>().join("; and ")
}

fn both(one: Reached, other: Reached) -> Reached {
    match (one, other) {
        (Reached::Yes { request, mut needed }, Reached::Yes { needed: more, .. }) => {
            needed.extend(more);
            needed.dedup();
            Reached::Yes { request, needed }
        }
        (no @ Reached::No { .. }, _) | (_, no @ Reached::No { .. }) => no,
        (unknown @ Reached::Unknown { .. }, _) | (_, unknown) => unknown,
    }
}
