//! New ways to act as somebody else: who can assume, be handed, rewrite or write the code of a role that it could not
//! before, closed over all steps.
//!
//! In: both sides. Out: an [`Escalation`] for each principal and each first step that is new, with what lies behind it;
//! and what is not known, as [`Open`]. What a step leads to is what the policies of the role say, not all that a request
//! may come to: the verdict on the role itself stands elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::items::Open;
use super::reading::Glance;
use super::words::Words;
use super::{Line, Side};
use crate::access::reach::{Closure, Judge, Subject, Way, outsiders, trusted};
use crate::access::{Cause, Compared, Held, Principal, State, decide};
use crate::verdict::{Document, Kind, Request, Verdict};

/// A way from a principal to what another may do.
#[derive(Debug, Clone)]
pub struct Escalation {
    pub who: String,
    /// Its ARN, or what stands for it.
    pub subject: String,
    /// Whom it can act as; itself where it can write its own policies.
    pub to: String,
    pub arn: String,
    /// `assume`, `pass`, `writes code`.
    pub how: &'static str,
    /// `pass a role to Glue`.
    pub what: String,
    pub request: Request,
    pub needed: Vec<String>,
    /// Whom it reaches through that one.
    pub further: Vec<String>,
    /// Whether it can then do anything at all.
    pub is_unbounded: bool,
    pub place: Line,
}

/// Everybody who is followed: the principals of a state, and whom its policies let in from outside.
fn everybody(state: &State) -> BTreeSet<Subject> {
    let own = state.principals.keys().filter(|arn| !arn.contains(":group/"));
    let mut all: BTreeSet<Subject> = own.cloned().map(Subject::Named).collect();
    all.extend(trusted(state).into_keys());
    let code = state.runners.values().flat_map(|runner| &runner.code);
    let guards: BTreeSet<&str> = code.filter_map(|code| code.split('/').next()).collect();
    all.extend(guards.into_iter().flat_map(|guard| outsiders(state, guard).into_keys()));
    all.retain(|who| !matches!(who, Subject::Service(_)));
    all
}

/// Whether a policy of a resource, not of a principal, may let somebody at code that runs or at what runs it.
fn is_code_open(state: &State) -> bool {
    let code = state.runners.values().flat_map(|runner| &runner.code);
    let buckets = code.filter_map(|code| code.split('/').next());
    let mut guards = buckets.chain(state.runners.keys().map(String::as_str));
    guards.any(|name| {
        let guard = state.resources.get(name);
        let read = |held: &Held| Document::read(&held.document, Kind::Resource);
        let mut held = guard.into_iter().flat_map(|guard| &guard.policies);
        held.any(|held| read(held).map_or(true, |document| document.allows()))
    })
}

/// The new ways, and what is not known of any.
pub fn escalations(
    old: &Side<'_>,
    new: &Side<'_>,
    words: &Words,
    compared: &Compared,
) -> (Vec<Escalation>, Vec<Open>) {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    let still = compared.rows.iter().all(|row| row.verdict() == Verdict::Equivalent);
    if still && old.state().runners == new.state().runners {
        return (found, unknown);
    }
    let (before, after) = (Judge::new(old.index), Judge::new(new.index));
    let glance = Glance::new(new.index);
    let open = is_code_open(new.state());
    for who in everybody(new.state()) {
        // most have nothing by which they could move: nobody looks further
        let still = |arn: &String| {
            let whole = |one: &Principal| one.attached.is_empty() && one.groups.is_empty();
            new.state().principals.get(arn).is_some_and(whole) && !glance.may_move(arn)
        };
        if matches!(&who, Subject::Named(arn) if !open && still(arn)) {
            continue;
        }
        let now = Closure::of(&after, &who);
        if now.reached.is_empty() && now.unbounded.is_empty() && now.unknown.is_empty() {
            continue;
        }
        let was = Closure::of(&before, &who);
        let mut firsts: BTreeMap<&str, (&Way, Vec<String>)> = BTreeMap::new();
        for (arn, path) in &now.reached {
            if was.reached.contains_key(arn) {
                continue;
            }
            let Some(first) = path.first() else { continue };
            let entry = firsts.entry(&first.to).or_insert((first, Vec::new()));
            if *arn != first.to {
                entry.1.push(words.principal(arn));
            }
        }
        let mut told = BTreeSet::new();
        for (arn, (way, further)) in firsts {
            let unbounded = now.unbounded.contains_key(arn) && !was.unbounded.contains_key(arn);
            told.insert(arn.to_owned());
            found.push(one(&who, way, further, unbounded, new, words));
        }
        for (arn, way) in &now.unbounded {
            if !was.unbounded.contains_key(arn) && !told.contains(arn) {
                found.push(one(&who, way, Vec::new(), true, new, words));
            }
        }
        for because in now.unknown.difference(&was.unknown) {
            unknown.push(Open {
                who: name(&who, words),
                subject: id(&who),
                about: "ways through others".to_owned(),
                because: because.clone(),
                help: None,
                place: Line::default(),
            });
        }
    }
    (found, unknown)
}

fn id(who: &Subject) -> String {
    match who {
        Subject::Named(arn) => arn.clone(),
        Subject::Account(account) => account.clone(),
        Subject::Service(service) => service.clone(),
        Subject::Anonymous => "anonymous".to_owned(),
        Subject::Anybody => "*".to_owned(),
    }
}

fn name(who: &Subject, words: &Words) -> String {
    match who {
        Subject::Named(arn) => words.principal(arn),
        Subject::Account(account) => format!("account {account}"),
        Subject::Service(service) => format!("service {service}"),
        Subject::Anonymous => "anybody".to_owned(),
        Subject::Anybody => "everyone whom a policy lets in".to_owned(),
    }
}

fn one(
    who: &Subject,
    way: &Way,
    further: Vec<String>,
    is_unbounded: bool,
    new: &Side<'_>,
    words: &Words,
) -> Escalation {
    let decided = decide(new.index, &way.request);
    let own = || {
        let origin = match who {
            Subject::Named(arn) => new.state().principals.get(arn)?.origin.clone()?,
            _ => new.state().principals.get(&way.to)?.origin.clone()?,
        };
        Some(Cause { origin, ..Cause::default() })
    };
    let cause = decided.by.into_iter().next().or_else(own).unwrap_or_default();
    Escalation {
        who: name(who, words),
        subject: id(who),
        to: words.principal(&way.to),
        arn: way.to.clone(),
        how: way.kind.as_str(),
        what: way.name.clone(),
        request: way.request.clone(),
        needed: way.needed.clone(),
        further,
        is_unbounded,
        place: (new.place)(&cause),
    }
}
