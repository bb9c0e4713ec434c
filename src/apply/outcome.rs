//! How a run ended: what the command line prints last and turns into its exit status.

use crate::cloud::StackStatus;
use crate::diagnostic::Diagnostic;
use crate::plan::StackAction;
use crate::stacks::StackKey;

use super::event::Summary;
use super::lock::LockInfo;

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub ended: Ended,
    /// Every stack of the plan, in its order.
    pub stacks: Vec<StackReport>,
    /// Errors first; then what else there is to know. The observer has had them already.
    pub diagnostics: Vec<Diagnostic>,
    /// Who holds the lock, where that ended the run.
    pub lock: Option<LockInfo>,
    pub summary: Summary,
    /// What to type now, the most important first; empty where nothing is left to do.
    pub next: Vec<String>,
}

/// The kinds of end. The exit codes are those of the command line, and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// Everything is as the plan says.
    Done,
    /// Nothing was done, since the plan or the account does not permit it.
    Refused,
    /// Nothing was done, since another run is at work.
    Locked,
    /// Nothing was done, since a stack is not what the plan saw.
    Stale,
    /// A stack failed, or was refused after others were changed; each is whole.
    RolledBack,
    /// A stack failed and is stuck.
    NeedsRecovery,
    /// It ended before all was done, and no stack failed: the cloud does not answer any more, or
    /// the lock was lost.
    Unfinished,
    /// The person stopped it; what runs in the cloud goes on.
    Interrupted,
}

impl Ended {
    /// The exit status of the process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Ended::Done => 0,
            Ended::Refused | Ended::Unfinished => 1,
            Ended::Locked => 5,
            Ended::Stale => 6,
            Ended::RolledBack => 7,
            Ended::NeedsRecovery => 8,
            Ended::Interrupted => 130,
        }
    }

    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Ended::Done => "ok",
            Ended::Refused | Ended::Unfinished => "error",
            Ended::Locked => "locked",
            Ended::Stale => "stale",
            Ended::RolledBack => "rolled_back",
            Ended::NeedsRecovery => "recovery",
            Ended::Interrupted => "interrupted",
        }
    }
}

/// What became of one stack.
#[derive(Debug, Clone, PartialEq)]
pub struct StackReport {
    pub key: StackKey,
    pub action: StackAction,
    pub state: State,
    /// What the cloud said last; `None`: it is not there, or was not looked at.
    pub status: Option<StackStatus>,
}

/// What became of one stack, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing was to be done.
    Unchanged,
    /// It is as the plan says.
    Done,
    /// It was not its turn.
    NotStarted,
    /// Nothing was executed on it.
    Refused,
    /// It failed, and is what it was before.
    RolledBack,
    /// It failed, and is stuck.
    Stuck,
    /// The cloud goes on with it, and nobody watches.
    Running,
}

impl State {
    /// The word in a list of stacks.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Unchanged => "unchanged",
            State::Done => "done",
            State::NotStarted => "not started",
            State::Refused => "not touched",
            State::RolledBack => "rolled back",
            State::Stuck => "stuck",
            State::Running => "still running in the cloud",
        }
    }
}

/// What can be relied on of a stack in this status after a failure, as a sentence.
pub fn guarantee(status: Option<StackStatus>) -> &'static str {
    use StackStatus::*;
    match status {
        None | Some(DeleteComplete) => "the stack is not there",
        Some(ReviewInProgress) => "the stack holds nothing",
        Some(RollbackComplete) => {
            "everything that the stack had made is deleted again; only its record is left"
        }
        Some(UpdateRollbackComplete) => "the stack is as it was before",
        Some(ImportRollbackComplete) => "nothing was taken in; what exists is untouched",
        Some(CreateFailed | UpdateFailed) => {
            "what was made before the failure is still there, half of the change is done"
        }
        Some(RollbackFailed) => "a part of what the stack had made could not be deleted again",
        Some(UpdateRollbackFailed) => {
            "a part of the stack is as it was before, the rest could not be taken back"
        }
        Some(ImportRollbackFailed) => "the import could not be taken back",
        Some(DeleteFailed) => "a part of the stack is deleted, the rest is still in it",
        Some(status) if status.in_progress() => "the cloud goes on with the stack",
        Some(_) => "the stack is complete",
    }
}

/// Whether a failed stack is what it was before, so that mending the cause and applying again is all
/// there is to do.
pub(super) fn is_clean(status: Option<StackStatus>) -> bool {
    use StackStatus::*;
    match status {
        None => true,
        Some(status) => matches!(
            status,
            DeleteComplete
                | ReviewInProgress
                | RollbackComplete
                | UpdateRollbackComplete
                | ImportRollbackComplete
                | CreateComplete
                | UpdateComplete
                | ImportComplete
        ),
    }
}
