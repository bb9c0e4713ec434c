//! Declared flows that worked and will not: what a change breaks.
//!
//! In: both states and the flows of the new spec as questions. Out: [`Failing`]: what the layers read let through before
//! and no longer do. A flow that is new, or that was never let through, is not here.

use crate::access::Index;
use crate::access::reach::{Case, Judge, Reached, Subject, Target};
use crate::catalogue::escalations::verbs;

/// What a flow needs.
#[derive(Debug, Clone)]
pub struct Need {
    /// `access.audit-export.read[0]`, `pipelines.clean-orders`.
    pub path: String,
    pub who: Subject,
    /// As people call it.
    pub name: String,
    /// `read`, `write`, `delete`.
    pub verb: &'static str,
    /// `curated/`.
    pub place: String,
    pub targets: Vec<Target>,
}

/// A flow that breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub path: String,
    pub who: String,
    pub verb: &'static str,
    pub place: String,
    pub because: Option<String>,
    /// Whether it is not known, rather than certain.
    pub is_unknown: bool,
}

/// The flows that break.
pub fn failing(old: &Index<'_>, new: &Index<'_>, needs: &[Need]) -> Vec<Failing> {
    if old.state == new.state {
        return Vec::new();
    }
    let (before, after) = (Judge::new(old), Judge::new(new));
    let cases = |judge: &Judge<'_>, need: &Need| -> Vec<Case> {
        let each = |target: &Target| -> Vec<Case> {
            let actions = verbs().actions(&target.kind, need.verb);
            let case = |it: &String| judge.case(&need.who, it, target, None, false);
            actions.iter().map(case).collect()
        };
        need.targets.iter().flat_map(each).collect()
    };
    let ask = |cases: &[Case]| {
        let none = Reached::No { because: None };
        cases.iter().fold(none, |best, case| best.or(|| case.answer()))
    };
    let mut found: Vec<Failing> = Vec::new();
    for need in needs {
        let (was, is) = (cases(&before, need), cases(&after, need));
        if was == is {
            continue;
        }
        let (because, is_unknown) = match ask(&is) {
            Reached::Yes { .. } => continue,
            Reached::No { because } => (because, false),
            Reached::Unknown { because } => (Some(because), true),
        };
        if !ask(&was).is_yes() {
            continue;
        }
        let one = Failing {
            path: need.path.clone(),
            who: need.name.clone(),
            verb: need.verb,
            place: need.place.clone(),
            because,
            is_unknown,
        };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}
