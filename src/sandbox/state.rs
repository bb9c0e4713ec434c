//! What the sandbox remembers: stacks, change sets, operations under way, and the resources behind them.
//!
//! All of it is data that reads and writes as JSON. A stack is kept in parts, so that a call writes only what it
//! changed: [`Head`] (what a listing shows), [`Body`] (template and resources), its events and its change sets.
//! Times are milliseconds since 1970, UTC.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::cloud::{
    ChangeSetKind, ChangeSetStatus, ExecutionStatus, ImportTarget, ResourceChange, StackStatus,
};
use crate::document::Value;
use crate::names::{AccountId, Region, StackName};

/// Milliseconds since 1970, UTC.
pub(super) type Millis = i64;

/// An account's region: what CloudFormation's stacks and most resources live in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub account: AccountId,
    pub region: Region,
}

/// What a listing shows of a stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    /// The stack's ARN.
    pub id: String,
    pub name: StackName,
    pub status: StackStatus,
    pub reason: Option<String>,
    pub created: Millis,
    pub updated: Option<Millis>,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub protected: bool,
    pub role: Option<String>,
    /// What other stacks of the region can import: name to value.
    pub exports: BTreeMap<String, String>,
    /// The names of exports that this stack uses.
    pub imports: BTreeSet<String>,
    /// The change sets, oldest first.
    pub change_sets: Vec<ChangeSetLine>,
    /// Grows with each operation; a change set made before it is obsolete.
    pub serial: u64,
    /// The tokens of calls that were accepted, and what they asked for.
    pub tokens: BTreeMap<String, String>,
}

impl Head {
    /// Whether the stack is gone, for everybody who does not know its id.
    pub fn deleted(&self) -> bool {
        self.status == StackStatus::DeleteComplete
    }
}

/// A change set, as a stack's head knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ChangeSetLine {
    pub id: String,
    pub name: String,
}

/// What a stack is made from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Definition {
    /// The template as it was sent.
    pub template: String,
    /// Every parameter with its value, those with defaults included.
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub role: Option<String>,
}

/// A stack's template and resources, and the operation under way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Body {
    pub definition: Definition,
    /// By logical id.
    pub resources: BTreeMap<String, Record>,
    pub operation: Option<Operation>,
    /// Counts the physical names given, so that each is new.
    pub names: u64,
    /// What a failed update made and its rollback has yet to delete.
    pub leftover: Vec<Leftover>,
    /// What the last operation was to make of the stack, where it failed and was not undone.
    pub attempt: Option<Definition>,
    /// The resources at which the last rollback failed: only these can be skipped.
    pub stuck: Vec<String>,
}

/// A thing to be deleted, or let go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Leftover {
    pub id: String,
    pub kind: String,
    pub key: String,
    pub physical: String,
    /// The logical ids that go later.
    pub depends: Vec<String>,
    pub keep: bool,
}

/// A resource, as its stack knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub kind: String,
    /// The value of `Ref`; empty while it is being made.
    pub physical: String,
    /// Where the thing itself is kept (see `things`); empty while it is being made.
    pub key: String,
    /// CloudFormation's spelling.
    pub status: String,
    pub reason: Option<String>,
    /// The properties last asked for, functions resolved.
    pub declared: Value,
    pub deletion_policy: Option<String>,
    pub replace_policy: Option<String>,
    pub metadata: Value,
    /// The logical ids that it refers to or depends on.
    pub depends: Vec<String>,
    /// What it was before the operation under way.
    pub before: Option<Before>,
}

/// What a resource was before the operation under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Before {
    /// It did not exist.
    Nothing,
    Was(Box<Record>),
}

/// A resource as its own service holds it, whoever made it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Thing {
    pub kind: String,
    pub account: AccountId,
    pub region: Region,
    /// The value of `Ref`.
    pub physical: String,
    /// The primary identifier, its parts joined by `|`, as the Cloud Control API does.
    pub identifier: String,
    /// The live properties, in CloudFormation's form.
    pub properties: Value,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, String>,
    /// The id of the stack that it belongs to.
    pub owner: Option<String>,
    /// Scheduled for deletion (a KMS key): no longer usable, still there.
    #[serde(default)]
    pub doomed: bool,
}

/// A change set with all that it needs to be executed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ChangeSetRecord {
    pub id: String,
    pub name: String,
    pub stack_id: String,
    pub kind: ChangeSetKind,
    pub status: ChangeSetStatus,
    pub execution: ExecutionStatus,
    pub reason: Option<String>,
    pub changes: Vec<ResourceChange>,
    pub definition: Definition,
    pub imports: Vec<ImportTarget>,
    /// The stack's serial when this was made.
    pub serial: u64,
    /// The token of the call that made it, and what that call asked for.
    pub token: String,
    pub asked: String,
    /// The token that executed it.
    pub executed: Option<String>,
}

/// What an operation was started to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verb {
    Create,
    Update,
    Import,
    Delete,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Making, changing or importing what the new template says.
    Forward,
    /// Deleting what the new template no longer holds.
    Cleanup,
    /// Undoing a creation: deleting what was made.
    Unmake,
    /// Undoing an update: restoring what was changed.
    Backward,
    /// Undoing an update: deleting what it made.
    BackwardCleanup,
    /// Deleting the stack.
    Delete,
}

/// An operation under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Operation {
    pub verb: Verb,
    pub phase: Phase,
    pub token: Option<String>,
    pub change_set: Option<String>,
    /// What the stack is to become.
    pub target: Definition,
    pub tasks: Vec<Task>,
    /// The time that the operation has reached.
    pub at: Millis,
    /// The exports of other stacks that were used.
    pub used: BTreeSet<String>,
    /// The logical ids whose tasks failed in this phase, in the order in which they did.
    pub failed: Vec<String>,
    /// What they failed at: `create`, `update`, `delete`, `import`.
    pub failed_at: BTreeMap<String, String>,
    /// Why the operation as a whole failed, where no resource is to blame.
    pub cause: Option<String>,
    pub imports: Vec<ImportTarget>,
    /// Resources that the caller asked to keep or to skip.
    pub spared: BTreeSet<String>,
    /// Whether something could not be deleted and was let go.
    pub orphans: bool,
    /// The client is gone; the operation goes on when the sandbox is opened again.
    pub abandoned: bool,
}

/// What a task does to its resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Act {
    /// Creates or updates, as needed.
    Put,
    Import,
    /// Puts back what was there before the operation.
    Restore,
    /// Deletes a thing, or lets it go.
    Delete(Leftover),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TaskState {
    Waiting,
    Running,
    Done,
    Failed,
}

/// A step of an operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    /// The resource's logical id.
    pub id: String,
    pub act: Act,
    /// The positions of the tasks that come first.
    pub after: Vec<usize>,
    pub state: TaskState,
    /// When it ends, once it runs.
    pub due: Millis,
    /// What it ended with, told when it is due.
    pub outcome: Outcome,
    pub tries: u8,
}

/// How a running task will end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Nothing was to be done, and nothing is told.
    Silent,
    /// Done: the status to tell.
    Told(String),
    /// Failed: the status to tell, and why.
    Failed(String, String),
}

impl Task {
    /// A task that waits for others.
    pub fn new(id: &str, act: Act) -> Self {
        Task {
            id: id.to_owned(),
            act,
            after: Vec::new(),
            state: TaskState::Waiting,
            due: 0,
            outcome: Outcome::Silent,
            tries: 0,
        }
    }
}
