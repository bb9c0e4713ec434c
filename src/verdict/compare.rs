//! Two states compared: what became possible, what became impossible.
//!
//! In go the layers of both sides, out comes a [`Comparison`]. What is gained is asked first, then the same with the
//! sides changed; each way under every reading of AWS's pages that can make a difference. What no policy of AWS can
//! hold is turned away before. Read next: `readings`, then `direction`.

use std::collections::{BTreeSet, HashSet};

use super::direction::{Way, too_large};
use super::further::{Witness, further};
use super::limits::{Budget, KEYS, PATTERN, STATEMENTS, TEXT};
use super::read::Document;
use super::readings::every_reading;
use super::request::Request;
use super::text::{Pattern, Piece};
use super::{Comparison, Kind, Options, Reason, ReasonKind, Verdict};

/// Documents whose statements count together.
pub type Layer<'l> = &'l [Document];

pub fn compare(old: &[Layer<'_>], new: &[Layer<'_>], kind: Kind, options: &Options) -> Comparison {
    if let Some(dimension) = oversized(old.iter().chain(new).copied().flatten()) {
        let unknown = Way::Unknown(too_large(&dimension));
        return combine(unknown.clone(), unknown);
    }
    let steps = options.steps;
    let mut budget = Budget::new(steps / 2);
    let gained = every_reading(old, new, kind, options, &mut budget);
    // what the first way left is the second's too
    let mut budget = Budget::new(steps / 2 + budget.left());
    let lost = every_reading(new, old, kind, options, &mut budget);
    let mut found = combine(gained, lost);
    if options.witnesses > 1 {
        let mut more = |old, new, first: &Option<Request>, by: Option<usize>| {
            let (Some(request), Some(by)) = (first.clone(), by) else { return Vec::new() };
            further(old, new, kind, options, &Witness { request, by }, &mut budget)
        };
        found.also_gained = more(old, new, &found.gained, found.gained_by);
        found.also_lost = more(new, old, &found.lost, found.lost_by);
    }
    found
}

/// What `new` allows and `old` does not; nothing is said of what was lost.
pub fn gained(old: &[Layer<'_>], new: &[Layer<'_>], kind: Kind, options: &Options) -> Comparison {
    let nothing = Way::Nothing(BTreeSet::new());
    if let Some(dimension) = oversized(old.iter().chain(new).copied().flatten()) {
        return combine(Way::Unknown(too_large(&dimension)), nothing);
    }
    let mut budget = Budget::new(options.steps / 2);
    combine(every_reading(old, new, kind, options, &mut budget), nothing)
}

/// The dimension of which there is more than any policy of AWS can hold.
fn oversized<'d>(documents: impl Iterator<Item = &'d Document>) -> Option<String> {
    let (mut statements, mut text) = (0, 0);
    let mut keys = HashSet::new();
    let mut size = |pattern: &Pattern| {
        let own = pattern.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            _ => 1,
        });
        let own: usize = own.sum();
        text += own;
        own > PATTERN || text > TEXT
    };
    for statement in documents.flat_map(|document| &document.statements) {
        statements += 1;
        if statements > STATEMENTS {
            return Some("statements".to_owned());
        }
        if statement.actions.items.iter().any(&mut size) {
            return Some("action".to_owned());
        }
        if statement.resources.iter().flat_map(|listed| &listed.items).any(&mut size) {
            return Some("resource".to_owned());
        }
        if statement.principals.as_ref().is_some_and(|listed| listed.items.len() > KEYS) {
            return Some("principal".to_owned());
        }
        for condition in &statement.conditions {
            keys.insert(condition.key.as_str());
            if condition.values.iter().any(&mut size) || keys.len() > KEYS {
                return Some(condition.shown.clone());
            }
        }
    }
    None
}

fn combine(gained: Way, lost: Way) -> Comparison {
    let axiom = |names: &BTreeSet<String>| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let text = format!("by what AWS says of {}: see `--no-axioms`", names.join(", "));
        (!names.is_empty()).then_some(Reason { kind: ReasonKind::Axiom, text })
    };
    let (verdict, reason) = match (&gained, &lost) {
        (Way::Unknown(reason), _) => (Verdict::Undecided, Some(reason.clone())),
        (Way::Request(..), Way::Request(..)) => (Verdict::Incomparable, None),
        (Way::Request(..), Way::Nothing(names)) => (Verdict::Broadened, axiom(names)),
        (Way::Request(..), Way::Unknown(reason)) => (Verdict::Broadened, Some(reason.clone())),
        (Way::Nothing(names), Way::Request(..)) => (Verdict::Narrowed, axiom(names)),
        (Way::Nothing(names), Way::Nothing(more)) => {
            (Verdict::Equivalent, axiom(&names.union(more).cloned().collect()))
        }
        (Way::Nothing(_), Way::Unknown(reason)) => (Verdict::Narrowed, Some(reason.clone())),
    };
    let parts = |way: Way| match way {
        Way::Request(request, statement) => (Some(*request), Some(statement)),
        _ => (None, None),
    };
    let exact = reason.as_ref().is_none_or(|reason| reason.kind == ReasonKind::Axiom);
    let ((gained, gained_by), (lost, lost_by)) = (parts(gained), parts(lost));
    let (also_gained, also_lost) = (Vec::new(), Vec::new());
    Comparison { verdict, exact, gained, lost, gained_by, lost_by, also_gained, also_lost, reason }
}
