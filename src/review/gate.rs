//! What fails a run.
//!
//! In: a [`Review`] and the gates that were asked for. Out: why each that trips does. What is not known counts as what is
//! feared: an undecided row trips every gate, and so does one of which not all was looked into, unless the caller says
//! that this is right.

use super::{Kind, Review};
use crate::access::Layer;
use crate::verdict::Verdict;

/// A reason to fail a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// Anything is newly allowed.
    Broadened,
    /// Something is open to everybody, or no longer kept closed.
    Public,
    /// Somebody of another account gains something.
    CrossAccount,
    /// Somebody gains the right to change who gets in.
    Admin,
    /// Somebody can newly act as somebody else.
    Escalation,
}

impl Gate {
    /// All of them.
    pub const ALL: [Gate; 5] =
        [Gate::Broadened, Gate::Public, Gate::CrossAccount, Gate::Admin, Gate::Escalation];

    /// The word of `--fail-on`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Gate::Broadened => "broadened",
            Gate::Public => "public",
            Gate::CrossAccount => "cross-account",
            Gate::Admin => "admin",
            Gate::Escalation => "escalation",
        }
    }
}

impl Review {
    /// Why a gate trips, if it does. `undecided_passes`: somebody said why what is not known is right.
    pub fn trips(&self, gate: Gate, undecided_passes: bool) -> Option<String> {
        let with = |wanted: &[Kind]| {
            let mut of_kind = self
                .gained
                .iter()
                .filter(|item| wanted.iter().any(|kind| item.kinds.contains(kind)));
            of_kind.next().map(|item| item.who.clone())
        };
        let found = match gate {
            Gate::Broadened => {
                let first = self.gained.first().map(|item| item.who.clone());
                let broader = matches!(self.verdict, Verdict::Broadened | Verdict::Incomparable);
                first
                    .or_else(|| self.escalations.first().map(|one| one.who.clone()))
                    .or_else(|| broader.then(|| "the verdict".to_owned()))
            }
            Gate::Public => with(&[Kind::Public, Kind::Exposure]),
            // whoever asks is of another account too
            Gate::CrossAccount => with(&[Kind::CrossAccount, Kind::Public]),
            Gate::Admin => with(&[Kind::Admin]).or_else(|| {
                self.escalations.iter().find(|one| one.is_unbounded).map(|one| one.who.clone())
            }),
            Gate::Escalation => self.escalations.first().map(|one| one.who.clone()),
        };
        if let Some(who) = found {
            return Some(who);
        }
        if undecided_passes {
            return None;
        }
        if let Some(open) = self.undecided.first() {
            return Some(format!("{} is undecided", open.who));
        }
        // what a principal may do by its own policies lets in nobody else
        let own = matches!(gate, Gate::Public | Gate::CrossAccount);
        let mut parts = self.gained.iter().filter(|item| !item.complete);
        let part = parts.find(|item| !own || item.layer != Layer::Identity);
        part.map(|item| format!("not everything that {} gains was looked into", item.who))
    }

    /// Whether something is not known that `--allow-undecided` lets pass.
    pub fn is_open(&self) -> bool {
        !self.undecided.is_empty() || self.gained.iter().any(|item| !item.complete)
    }
}
