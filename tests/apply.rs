//! Plans carried out against the embedded cloud: whole lakes from their specs, failures at every
//! place, crashes, losses and locks. Time is the test's own, so that waiting takes none.

#[path = "apply/bench.rs"]
mod bench;
#[path = "apply/calls.rs"]
mod calls;
#[path = "apply/cycle.rs"]
mod cycle;
#[path = "apply/drifts.rs"]
mod drifts;
#[path = "apply/failures.rs"]
mod failures;
#[path = "apply/guards.rs"]
mod guards;
#[path = "apply/meddler.rs"]
mod meddler;
#[path = "apply/ministack.rs"]
mod ministack;
#[path = "apply/stream.rs"]
mod stream;
mod support;
