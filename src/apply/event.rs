//! What a run tells while it goes on. Values only: `render::events` makes lines and JSON of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::lock::LockInfo;
use super::outcome::Ended;
use crate::cloud::StackStatus;
use crate::diagnostic::Diagnostic;
use crate::plan::{Action, Kept, Operation, StackAction};
use crate::stacks::StackKey;

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Another run holds the lock; it is asked for again until the patience ends.
    LockAwaited { lock: LockInfo },
    /// An operation that an earlier run left behind is waited for.
    StackAwaited { stack: StackKey, status: StackStatus },
    /// A file went to a base bucket, or was there already.
    Uploaded { key: String, bytes: u64 },
    /// Work on a stack begins.
    StackStarted { stack: StackKey, action: StackAction, resources: usize },
    /// A resource moved on.
    Resource(Progress),
    /// The cloud does not answer, for so many seconds now; it is asked again.
    CloudSilent { error: String, elapsed: u64 },
    /// Nothing new for ten seconds; what is at work, by logical id.
    Heartbeat { stack: StackKey, elapsed: u64, running: Vec<String> },
    /// The versions of a bucket that is going to be emptied are looked at for locks, so many so far.
    LookedInto { stack: StackKey, bucket: String, versions: u64 },
    /// Objects were deleted from a bucket, so many so far.
    Emptied { stack: StackKey, bucket: String, versions: u64 },
    /// A stack has become what the plan says. No status: it is gone.
    StackFinished {
        stack: StackKey,
        action: StackAction,
        status: Option<StackStatus>,
        elapsed: u64,
        /// Whether anything had to be done.
        changed: bool,
    },
    /// A stack has not become what the plan says.
    StackFailed {
        stack: StackKey,
        action: StackAction,
        status: Option<StackStatus>,
        reason: String,
    },
    /// Something to know or to mend.
    Diagnostic(Diagnostic),
    /// The values that stacks give to people, by stack and name.
    Outputs(BTreeMap<String, BTreeMap<String, String>>),
    /// The end.
    Summary(Summary),
}

/// A resource's step.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    pub stack: StackKey,
    pub logical_id: String,
    pub kind: String,
    pub physical_id: String,
    /// The thing in the spec, if it is known.
    pub path: Option<String>,
    /// What the plan says of it; not there for what it does not mention.
    pub action: Option<Action>,
    pub phase: Phase,
    /// CloudFormation's spelling.
    pub status: String,
    pub reason: Option<String>,
    /// Whether it belongs to a rollback.
    pub rollback: bool,
    /// Seconds since it began; 0 at its beginning.
    pub elapsed: u64,
}

/// How far a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Started,
    Complete,
    Failed,
}

/// What a run has done, resource by resource. A replacement counts as one added and one destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub operation: Operation,
    pub ended: Ended,
    pub added: usize,
    pub changed: usize,
    pub destroyed: usize,
    pub imported: usize,
    /// What left its stack and stays in the account.
    pub retained: usize,
    /// All that is kept outside of the stacks now.
    pub kept: Vec<Kept>,
    pub elapsed: u64,
}
