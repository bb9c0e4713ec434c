//! A plan carried out: the only part of lakewright that changes a cloud.
//!
//! [`observe`] reads what is deployed, for the plan; [`settle`] waits for what an earlier run left in
//! progress, [`recover`] takes back what is stuck; [`apply`] carries out a [`Plan`](crate::plan::Plan)
//! against a [`Cloud`](crate::cloud::Cloud), tells an observer what happens, and answers with an
//! [`Outcome`]. [`status`] and [`outputs`] say to people what is there. INVARIANT: no decision is
//! taken here; if the world is not the one that the plan recorded, nothing is done. No clock, file or
//! environment of its own: time comes through [`Clock`], files through [`Options`].
//! Read next: `run.rs` for the order of things, `step.rs` for one stack; `docs/index-and-lock.md` for
//! the two objects that are kept in the base bucket.

#![expect(clippy::result_large_err, reason = "an error is made once, and ends the run")]

mod ask;
mod books;
mod broken;
mod change_set;
mod clock;
mod contents;
mod ending;
mod event;
mod follow;
mod import;
pub mod index;
mod keepsakes;
mod kept;
pub mod lock;
mod message;
mod observe;
mod outcome;
mod outputs;
mod patience;
mod review;
mod run;
mod schedule;
mod stale;
mod status;
mod step;
mod tally;
mod unstick;
mod uploads;
mod watcher;

pub use ask::{Answer, Asking, Verdict, ask};
pub use clock::Clock;
pub use contents::look_into;
pub use event::{Event, Phase, Progress, Summary, What};
pub use index::Index;
pub(crate) use kept::{Surroundings, identify};
pub use kept::{deletion_command, identifier_line};
pub use lock::LockInfo;
pub use message::{FirstCause, explain, first_cause};
pub use observe::{Scope, base_bucket, guard, observe};
pub use outcome::{Ended, Outcome, StackReport, State, guarantee};
pub use outputs::{LakeOutput, outputs};
pub(crate) use patience::insist;
pub use run::{Options, apply};
pub(crate) use schedule::schedule;
pub use status::{LakeStatus, StackLine, status};
pub use unstick::{Unstick, recover, settle};
