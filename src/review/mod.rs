//! What a reviewer of a change has to know: who can do what on which data afterwards that could not before, who loses
//! what, what is not known, and who gets there through others.
//!
//! In: two states of access with where their statements stand in a spec. Out: a [`Review`], values in the order in which
//! they are read, for `render::review`. INVARIANT: the verdict is that of [`access::compare`](compare()); every row that
//! gained or lost is an [`Item`] at least, every undecided one is named; nothing here makes a verdict milder. Pure.
//! Read next: `parts` for how a row is taken apart, `words` for what things are called, `escalation` for ways through
//! others, [`gate`] for what fails a run.

pub mod checks;
mod classes;
mod does;
pub mod entries;
pub mod escalation;
pub mod flows;
pub mod gate;
pub mod governed;
pub mod guards;
mod items;
pub mod lockout;
pub mod matrix;
mod merged;
mod parts;
pub mod places;
mod reading;
pub mod services;
pub mod statements;
mod words;

use crate::access::{Cause, Compared, Index, Presence, Row, State, compare};
use crate::verdict::{Comparison, Options, Verdict};

pub use checks::{Asked, Checks};
pub use does::Does;
pub use escalation::Escalation;
pub use flows::{Failing, Need};
pub use gate::Gate;
pub use items::{Item, Kind, Open};
pub use statements::Changed;
pub use words::Words;

/// One of the two states.
pub struct Side<'s> {
    /// As it was typed: `git:main`, `lake.yaml`; "nothing" where everything is new.
    pub name: String,
    /// The commit, where it is one: seven digits of its hash.
    pub commit: Option<String>,
    pub index: &'s Index<'s>,
    /// Where a statement or a resource stands in the spec.
    pub place: &'s dyn Fn(&Cause) -> Line,
    /// What its entries have and those of the other side do not.
    pub differs: &'s [entries::Differs],
}

impl<'s> Side<'s> {
    pub fn state(&self) -> &'s State {
        self.index.state
    }
}

/// Where something stands in a spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// `access.finance.read[0]`.
    pub path: String,
    /// The file as the user named it, and the line from 1.
    pub file: Option<String>,
    pub line: Option<u32>,
    /// Whether that is in the spec as it was: what is lost has its line there.
    pub is_before: bool,
}

/// What a side is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    pub name: String,
    pub commit: Option<String>,
}

/// What is known beside the states.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Empty where there is no spec.
    pub environment: String,
    pub account: String,
    pub region: String,
    /// Names of databases in the catalog, to those of the spec.
    pub databases: std::collections::BTreeMap<String, String>,
}

/// Everything about a change.
#[derive(Debug, Clone)]
pub struct Review {
    pub about: About,
    pub old: Label,
    pub new: Label,
    pub verdict: Verdict,
    pub exact: bool,
    /// How many principals and policies allow the same as before.
    pub unchanged: usize,
    /// The gravest first.
    pub gained: Vec<Item>,
    /// New ways to act as another principal.
    pub escalations: Vec<Escalation>,
    pub lost: Vec<Item>,
    /// Flows of the new spec that worked and will not.
    pub failing: Vec<Failing>,
    pub undecided: Vec<Open>,
    pub checks: Checks,
    /// Policies whose statements differ.
    pub statements: Vec<Changed>,
}

/// Reviews a change. `needs`: the flows of the new spec.
pub fn review(
    old: &Side<'_>,
    new: &Side<'_>,
    about: About,
    needs: &[Need],
    asked: &Asked,
) -> Review {
    let was = |cause: &Cause| Line { is_before: true, ..(old.place)(cause) };
    let (name, commit) = (old.name.clone(), old.commit.clone());
    let old = &Side { name, commit, place: &was, ..*old };
    let compared = compare(old.state(), new.state(), &Options::default());
    let words = Words::new(old.state(), new.state(), about.databases.clone());
    let sums = items::items(&compared, old, new, &words);
    let (escalations, mut unknown) = escalation::escalations(old, new, &words, &compared);
    let mut undecided = sums.undecided;
    undecided.append(&mut unknown);
    let label = |side: &Side<'_>| Label { name: side.name.clone(), commit: side.commit.clone() };
    let verdict = match (verdict(&compared), undecided.is_empty(), escalations.is_empty()) {
        // who may act as somebody else, with the same policies: code that runs as a role moved to where it can be written
        (Verdict::Equivalent, _, false) => Verdict::Broadened,
        (Verdict::Narrowed, _, false) => Verdict::Incomparable,
        (Verdict::Equivalent | Verdict::Narrowed, false, true) => Verdict::Undecided,
        (verdict, ..) => verdict,
    };
    Review {
        old: label(old),
        new: label(new),
        verdict,
        exact: compared.exact() && undecided.is_empty(),
        unchanged: compared.counts().equivalent,
        gained: sums.gained,
        escalations,
        lost: sums.lost,
        failing: failing(old.index, new.index, needs),
        undecided,
        checks: checks::checks(old, new, &words, asked),
        statements: statements::changed(old, new, &words),
        about,
    }
}

/// The flows that break: those on tables of Lake Formation's by its grants, the others by policies alone.
fn failing(old: &Index<'_>, new: &Index<'_>, needs: &[Need]) -> Vec<Failing> {
    let (lent, plain): (Vec<&Need>, Vec<&Need>) =
        needs.iter().partition(|need| governed::is_governed(new.state, need));
    let plain: Vec<Need> = plain.into_iter().cloned().collect();
    let mut found = flows::failing(old, new, &plain);
    found.extend(governed::failing(old, new, &lent));
    found
}

/// The verdict on everything together. A Deny on what is new takes nothing from anybody, so such a row is no loss.
fn verdict(compared: &Compared) -> Verdict {
    let mild = |row: &Row| Row {
        comparison: Comparison {
            verdict: match (row.presence, row.verdict()) {
                (Presence::New, Verdict::Narrowed) => Verdict::Equivalent,
                (Presence::New, Verdict::Incomparable) => Verdict::Broadened,
                (_, verdict) => verdict,
            },
            ..row.comparison.clone()
        },
        ..row.clone()
    };
    Compared { rows: compared.rows.iter().map(mild).collect() }.verdict()
}

impl Review {
    /// How many are gained, ways through others included; lost; undecided.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.gained.len() + self.escalations.len(), self.lost.len(), self.undecided.len())
    }
}
