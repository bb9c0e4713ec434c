//! Does a change broaden access? An exact answer for IAM policies, with a request that proves it.
//!
//! In go the policy documents of two states, as [`read::Document`]s; out comes a [`Comparison`]: broadened, narrowed,
//! equivalent, incomparable or undecided, and for what was gained or lost a [`Request`] that was denied and is now
//! allowed, or the reverse. The model of a request, what is exact and what is only sound stand in
//! `docs/access-model.md`.
//!
//! Invariants: never equivalent or narrowed when some request of the model is newly allowed; no request is reported
//! that [`evaluate`], written apart from the search, does not answer as claimed; any input ends within
//! [`limits::STEPS`]. Pure: the same documents give the same answer, bytes and all.
//! Read next: [`compare`](compare()), then `readings`, `direction`, `search`, `automaton`.

pub mod apart;
mod askers;
mod automaton;
mod axioms;
mod compare;
mod direction;
pub mod effective;
mod evaluate;
mod further;
mod glob;
pub mod limits;
mod line;
mod lower;
mod model;
mod operator;
mod presence;
mod principal;
pub mod public;
pub mod read;
mod readings;
mod request;
mod search;
mod space;
pub(crate) mod text;
mod witness;

use std::fmt;

pub use evaluate::{Decision, Reach, applies, evaluate, under};
pub use further::Witness;
pub use principal::{ANY_SESSION, Name, Requester, Sparing, Standing};
pub use read::{Document, Malformed};
pub use readings::Reading;
pub use request::Request;
pub use text::Pattern;

/// What a policy is attached to, and so which elements it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A user's, group's or role's: no principals.
    Identity,
    /// Who may assume a role: no resources.
    Trust,
    /// A bucket's, key's, topic's: principals and resources.
    Resource,
}

/// What a change does to the set of allowed requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The same requests.
    Equivalent,
    /// Fewer.
    Narrowed,
    /// More.
    Broadened,
    /// Some more and some fewer.
    Incomparable,
    /// Not known, for a [`Reason`].
    Undecided,
}

impl Verdict {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Equivalent => "equivalent",
            Verdict::Narrowed => "narrowed",
            Verdict::Broadened => "broadened",
            Verdict::Incomparable => "incomparable",
            Verdict::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub kind: ReasonKind,
    pub text: String,
}

/// The kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// The steps were used up; the text names the dimension.
    TooLarge,
    /// The two readings of `*` in a resource answer differently.
    ColonCrossing,
    /// It depends on what a policy variable holds.
    Variable,
    /// It depends on what CloudFormation fills in.
    Token,
    /// An operator that the model does not read.
    Operator,
    /// Not why it is unknown, but why something is left out: requests that contradict an axiom.
    Axiom,
    /// A permissions boundary whose document is not at hand.
    Boundary,
    /// An attached policy, or a group, whose documents are not at hand.
    Policy,
    /// A policy that cannot be read.
    Malformed,
    /// Something about access that is not modelled.
    Unmodelled,
    /// Something else that AWS's pages leave open.
    Undocumented,
}

impl ReasonKind {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            ReasonKind::TooLarge => "too_large",
            ReasonKind::ColonCrossing => "colon_crossing",
            ReasonKind::Variable => "policy_variable",
            ReasonKind::Token => "token",
            ReasonKind::Operator => "operator",
            ReasonKind::Axiom => "axiom",
            ReasonKind::Boundary => "boundary",
            ReasonKind::Policy => "policy",
            ReasonKind::Malformed => "malformed",
            ReasonKind::Unmodelled => "not_modelled",
            ReasonKind::Undocumented => "undocumented",
        }
    }
}

/// How to compare.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether requests that contradict the axioms between context keys are left out.
    pub axioms: bool,
    /// The most steps.
    pub steps: u64,
    /// The most witnesses of each direction. From two on, what the comparison leaves of its steps is used for others
    /// than the first.
    pub witnesses: usize,
}

impl Options {
    /// As many witnesses as a reader takes in at once.
    pub const SHOWN: usize = 8;
}

impl Default for Options {
    fn default() -> Self {
        Options { axioms: true, steps: limits::STEPS, witnesses: 1 }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub verdict: Verdict,
    /// Whether both directions are decided by a proof. `broadened` that is not exact has its witness, but may be
    /// incomparable; `narrowed` that is not exact may be equivalent.
    pub exact: bool,
    /// A request that was not allowed and now is.
    pub gained: Option<Request>,
    /// A request that was allowed and no longer is.
    pub lost: Option<Request>,
    /// The new statement, counted over all documents, that allows what was gained.
    pub gained_by: Option<usize>,
    /// The old statement, counted over all documents, that allowed what was lost.
    pub lost_by: Option<usize>,
    /// More that was gained, each showing what the others do not: see [`Options::witnesses`].
    pub also_gained: Vec<Witness>,
    /// More that was lost.
    pub also_lost: Vec<Witness>,
    /// Why it is undecided, or not exact, or what it rests on.
    pub reason: Option<Reason>,
}

/// What the change from `old` to `new` does: the union of each side's statements, of one kind.
pub fn compare(old: &[Document], new: &[Document], kind: Kind, options: &Options) -> Comparison {
    compare::compare(&[old], &[new], kind, options)
}
