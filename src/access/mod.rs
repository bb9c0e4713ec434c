//! Who can do what: the states of access that templates describe, read for the verdict.
//!
//! In: CloudFormation templates, ours or anybody's, all stacks of a state together. Out: a [`State`]: every
//! principal with its identity policies, boundary and trust, every resource with its policy, every grant of
//! Lake Formation, everything that runs code as a role; and what could not be read, by name.
//! INVARIANT: what a template says about access is in the state or in its list of what is unread; nothing that
//! is not understood is passed over in silence.
//! Two states are compared by [`compare`](compare()), one request is answered by [`decide`](decide()), on an
//! [`Index`] of a state.
//! Read next: [`state`] for the values, `template` for the resource types that are modelled, `texts` for how a
//! reference becomes an ARN, [`compare`](mod@compare) for the verdict.

pub mod compare;
mod conditions;
mod decide;
mod grants;
mod gravity;
mod guarded;
pub mod guards;
mod index;
mod lake_formation;
pub mod live;
mod named;
mod permits;
pub mod reach;
mod results;
mod rows;
mod source;
pub mod state;
mod template;
mod texts;
mod transfers;

pub use compare::{Cause, Compared, Counts, Further, Layer, Presence, Row, compare, counts, made};
pub use conditions::OpenTemplates;
pub use decide::{Answer, Decided, decide, guarded, in_request, needed};
pub use grants::{Shown, filter, seen};
pub use gravity::{Gravity, gravity};
pub use index::{Guard, Holder, Index};
pub use live::live;
pub use permits::{On, Permit, permits};
pub use results::Results;
pub use rows::Documents;
pub use source::{Source, UNNAMED, feed};
pub use state::{
    Boundary, Filter, Grant, Guarded, Held, Origin, Principal, PrincipalKind, PublicAccess, Runner,
    State, Transfer, Unread,
};
pub use template::{MODELLED, NOBODY, is_of_statements};

/// Reads the templates of one state, all its stacks together.
pub fn read(sources: &[Source<'_>]) -> State {
    conditions::read(sources)
}
