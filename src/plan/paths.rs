//! Ways of AWS services that a change closes: a Deny that keeps out what carries the lake's own data.
//!
//! In: the states of access before and after. Out: [`Closed`]: each path of a service that a statement stops which did
//! not stop it before, as `review::services` finds it. A plan and `validate` have to answer at once, so that of a state
//! with many policies only what changes is asked, and of a change with too many nothing: `review` asks about everything.
//! INVARIANT: pure; nothing is told that a review would not tell.

use std::collections::BTreeSet;

use crate::access::{Cause, Held, Index, State, in_request};
use crate::document::Value;
use crate::review::services::{self, Passage, Path, Services};

/// How many policies are asked about together. The work grows with the square: of this many it is a tenth of a second.
pub const MOST: usize = 100;

/// A path of a service that a statement stops.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// The statement.
    pub by: Cause,
    /// What is stopped, as a clause: "access logs from acme-raw: logging.s3.amazonaws.com does not reach acme-logs".
    pub what: String,
}

/// What a change closes; `None`: it has too many policies to be asked at once.
pub fn closed(before: &State, after: &State) -> Option<Vec<Closed>> {
    let (after, before) = match size(after) > MOST {
        false => (after.clone(), before.clone()),
        true => {
            let wanted = Wanted::of(before, after)?;
            (wanted.part(after), wanted.part(before))
        }
    };
    let found = services::check(&Index::new(&after));
    let stopped: Vec<(&Path, &Cause)> = found.stopped().filter_map(by).collect();
    if stopped.is_empty() {
        return Some(Vec::new());
    }
    let was = stops(&services::check(&Index::new(&before)));
    let new = stopped.into_iter().filter(|(path, by)| !was.contains(&key(path, by)));
    Some(new.map(|(path, by)| Closed { by: by.clone(), what: told(path) }).collect())
}

/// The statement that stops a path; a path that nothing opens is no matter of a Deny.
fn by(path: &Path) -> Option<(&Path, &Cause)> {
    match &path.passage {
        Passage::Stopped { by: Some(by), .. } if !by.origin.stack.is_empty() => Some((path, by)),
        _ => None,
    }
}

type Key = (String, String, String, String, String);

fn key(path: &Path, by: &Cause) -> Key {
    let Path { carries, actor, from, to, .. } = path;
    (carries.clone(), actor.clone(), from.clone(), to.clone(), by.statement.clone())
}

fn stops(found: &Services) -> BTreeSet<Key> {
    found.stopped().filter_map(by).map(|(path, by)| key(path, by)).collect()
}

fn told(path: &Path) -> String {
    let short = |name: &str| {
        let name = in_request(name).into_owned();
        name.splitn(6, ':').nth(5).filter(|_| name.starts_with("arn:")).unwrap_or(&name).to_owned()
    };
    let from = match path.from.as_str() {
        "" => String::new(),
        from => format!(" from {}", short(from)),
    };
    format!("{}{from}: {} does not reach {}", path.carries, short(&path.actor), short(&path.to))
}

/// How many things a state has that policies stand on.
fn size(state: &State) -> usize {
    let guarded = state.resources.values().filter(|one| !one.policies.is_empty());
    let held = state.principals.values().filter(|one| one.origin.is_some());
    guarded.count() + held.count()
}

/// What a change is about.
struct Wanted {
    resources: BTreeSet<String>,
    principals: BTreeSet<String>,
}

impl Wanted {
    /// The resources and principals whose policies differ, and what is needed to ask about them; `None`: too many.
    fn of(before: &State, after: &State) -> Option<Wanted> {
        let differing: BTreeSet<&String> = after
            .resources
            .iter()
            .filter(|(name, one)| {
                before.resources.get(*name).is_none_or(|old| old.policies != one.policies)
            })
            .map(|(name, _)| name)
            .collect();
        let roles: BTreeSet<&String> = after
            .principals
            .iter()
            .filter(|(name, one)| {
                let old = before.principals.get(*name);
                old.is_none_or(|old| {
                    (&old.identity, &old.trust, &old.boundary)
                        != (&one.identity, &one.trust, &one.boundary)
                })
            })
            .map(|(name, _)| name)
            .collect();
        if differing.len() + roles.len() > MOST {
            return None;
        }
        let mut resources: BTreeSet<String> =
            differing.iter().map(|name| (*name).clone()).collect();
        let mut principals: BTreeSet<String> = roles.iter().map(|name| (*name).clone()).collect();
        // what a changed role uses, and which roles use a changed resource
        for (name, one) in &after.principals {
            let changed = roles.contains(name);
            if !changed && differing.is_empty() {
                continue;
            }
            let near: BTreeSet<String> = named(&one.identity);
            for resource in after.resources.keys() {
                if (changed || differing.contains(resource))
                    && near.contains(&*in_request(resource))
                {
                    resources.insert(resource.clone());
                    principals.insert(name.clone());
                }
            }
        }
        for transfer in &after.transfers {
            let ends = [&transfer.from, &transfer.to];
            if ends.iter().any(|end| differing.contains(end)) {
                resources.extend(ends.map(Clone::clone));
                principals.extend(transfer.role.clone());
            }
        }
        (resources.len() + principals.len() <= MOST).then_some(Wanted { resources, principals })
    }

    /// The part of a state that is asked about.
    fn part(&self, state: &State) -> State {
        let keys: BTreeSet<&String> = self
            .resources
            .iter()
            .filter_map(|name| state.resources.get(name)?.key.as_ref())
            .collect();
        let resources = state.resources.iter();
        let resources =
            resources.filter(|(name, _)| self.resources.contains(*name) || keys.contains(name));
        let principals = state.principals.iter();
        let runs = |role: &String| self.principals.contains(role);
        State {
            resources: resources.map(|(name, one)| (name.clone(), one.clone())).collect(),
            principals: principals
                .filter(|(name, _)| runs(name))
                .map(|(name, one)| (name.clone(), one.clone()))
                .collect(),
            runners: state
                .runners
                .iter()
                .filter(|(_, one)| runs(&one.role))
                .map(|(name, one)| (name.clone(), one.clone()))
                .collect(),
            grants: state.grants.iter().filter(|one| runs(&one.principal)).cloned().collect(),
            transfers: state
                .transfers
                .iter()
                .filter(|one| self.resources.contains(&one.from))
                .cloned()
                .collect(),
            references: state.references.clone(),
            ..State::default()
        }
    }
}

/// What policies name as resources: each up to its first `/`.
fn named(policies: &[Held]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for held in policies {
        let statements = held.document.get("Statement");
        let list = statements.map(|all| all.as_list().unwrap_or(std::slice::from_ref(all)));
        for resource in list.into_iter().flatten().filter_map(|one| one.get("Resource")) {
            let each = resource.as_list().unwrap_or(std::slice::from_ref(resource));
            for text in each.iter().map(text) {
                found.insert(text.split('/').next().unwrap_or_default().to_owned());
            }
        }
    }
    found
}

/// A resource as requests name it.
fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => in_request(&value.to_json()).into_owned(),
    }
}
