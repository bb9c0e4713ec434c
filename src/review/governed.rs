//! Declared flows on tables that Lake Formation decides about, and that a change breaks.
//!
//! In: both states and the flows of the new spec as questions. Out: [`Failing`], as in `flows`. A flow there takes a grant
//! of Lake Formation's and a way to the files: credentials that are lent, or the files themselves, which a pipeline's role
//! may have. Without the grant the catalog does not show the table, so that a job breaks whose files are still open to it.
//! In a hybrid location IAM alone is enough for whoever has not opted in. INVARIANT: what worked before is only what both
//! were known for.
//! Source: AWS Lake Formation developer guide, "Metadata access control" and "Hybrid access mode".

use super::flows::{Failing, Need};
use crate::access::reach::lent::{self, Governed, Table};
use crate::access::reach::{Closure, Judge, Reached, Subject};
use crate::access::{Index, State};
use crate::catalogue::escalations::verbs;

/// Whether Lake Formation decides about the place of a flow.
pub fn is_governed(state: &State, need: &Need) -> bool {
    lent::table(state, &need.targets).is_some()
}

/// The flows that break. `needs` are those that are governed in the new state.
pub fn failing(old: &Index<'_>, new: &Index<'_>, needs: &[&Need]) -> Vec<Failing> {
    let mut found: Vec<Failing> = Vec::new();
    if old.state == new.state {
        return found;
    }
    let (old, new) = (Judge::new(old), Judge::new(new));
    for need in needs {
        let Some((because, is_unknown)) = broken(&old, &new, need) else { continue };
        let one = Failing {
            path: need.path.clone(),
            who: need.name.clone(),
            verb: need.verb,
            place: need.place.clone(),
            because: Some(because),
            is_unknown,
        };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// Why a flow worked and will not, or is not known to.
fn broken(before: &Judge<'_>, after: &Judge<'_>, need: &Need) -> Option<(String, bool)> {
    let (old, new) = (before.state, after.state);
    let (Subject::Named(who) | Subject::Account(who)) = &need.who else { return None };
    let permissions = verbs().lake_formation.grants.get(need.verb)?;
    let words: Vec<&str> = permissions.iter().map(String::as_str).collect();
    let table = lent::table(new, &need.targets)?;
    let is_granted = lent::is_granted(new, who, &table, &words);
    if is_granted && is_same(old, new, who, need) {
        return None;
    }
    let worked = || match lent::table(old, &need.targets) {
        // an account's own half is not read
        Some(table) => {
            lent::is_granted(old, who, &table, &words)
                && (matches!(need.who, Subject::Account(_))
                    || through(before, need, &table).is_yes())
        }
        None => directly(before, need).is_yes(),
    };
    if !is_granted {
        let by_iam = table.governed == Governed::OptedIn && directly(after, need).is_yes();
        let because = || format!("Lake Formation grants no {} there", words.join(" or "));
        return (!by_iam && worked()).then(|| (because(), false));
    }
    match through(after, need, &table) {
        Reached::No { because } if worked() => {
            let because = because.unwrap_or_else(|| "nothing that was read allows it".to_owned());
            Some((because, false))
        }
        Reached::Unknown { because } if matches!(need.who, Subject::Named(_)) && worked() => {
            Some((because, true))
        }
        _ => None,
    }
}

/// Whether nothing differs of whoever asks and of what is asked about, beside the grants.
fn is_same(old: &State, new: &State, who: &str, need: &Need) -> bool {
    let mut guards = need.targets.iter().map(|target| &target.guard);
    old.principals.get(who) == new.principals.get(who)
        && guards.all(|guard| old.resources.get(guard) == new.resources.get(guard))
}

/// By credentials that are lent, or by the files.
fn through(judge: &Judge<'_>, need: &Need, table: &Table<'_>) -> Reached {
    let (reached, ..) = lent::lent(judge, &Closure::default(), &need.who, need.verb, table);
    reached.or(|| directly(judge, need))
}

/// By the files.
fn directly(judge: &Judge<'_>, need: &Need) -> Reached {
    let mut best = Reached::No { because: None };
    for target in need.targets.iter().filter(|target| target.kind == "object") {
        for action in verbs().actions(&target.kind, need.verb) {
            best = best.or(|| judge.ask(&need.who, action, target, None, false));
        }
    }
    best
}
