//! Who reaches what: questions to one state of access, answered with a request and the way to it.
//!
//! In: a [`State`], a [`Subject`] and the [`Target`]s of a place. Out: [`Reached`]: a request that gets through and what
//! else it needs, nothing, or why it is not known; directly, or through principals that the subject can act as, to a
//! fixed point. INVARIANT: a request that is shown was found by the search and replayed by the evaluator; what hangs on a
//! document that is not at hand is unknown, never "no". Pure.
//! Read next: [`judge`] for one question to all layers, `case` for its answer, [`closure`] for the ways from one principal to another,
//! `extent` for how much of a
//! place is reached, [`lent`] for tables that Lake Formation decides about.

mod case;
pub mod closure;
mod extent;
pub mod judge;
pub mod lent;

pub use case::{Bearing, Case};
pub use closure::{Closure, Way, outsiders, trusted};
pub use extent::{Extent, extent};
pub use judge::{Judge, Reached, Subject, Target};
