//! What a change set is asked for, and what it answers: CreateChangeSet and DescribeChangeSet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ChangeSetStatus, ExecutionStatus, ObjectAddress, StackAddress};
use crate::names::{Arn, LogicalId};

/// Where CloudFormation finds a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateSource {
    /// In the call itself: at most 51,200 bytes (CreateChangeSet, TemplateBody).
    Inline(String),
    /// An object: at most 1 MB (CreateChangeSet, TemplateURL).
    Object(ObjectAddress),
}

/// What a change set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeSetKind {
    Create,
    Update,
    Import,
}

/// An existing resource that a stack takes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTarget {
    pub logical_id: LogicalId,
    pub kind: String,
    /// The primary identifier, property by property (`BucketName`: `acme-prod-raw`).
    pub identifier: BTreeMap<String, String>,
}

/// CreateChangeSet. What CloudFormation would keep from the last operation (tags, role) is always
/// said again, so that the plan equals what is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetRequest {
    pub stack: StackAddress,
    /// The change set's name: a letter, then letters, digits and hyphens, at most 128.
    pub name: String,
    pub kind: ChangeSetKind,
    pub template: TemplateSource,
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// `CAPABILITY_IAM`, `CAPABILITY_NAMED_IAM`: the least that the template needs.
    pub capabilities: Vec<String>,
    pub execution_role: Option<Arn>,
    /// For [`ChangeSetKind::Import`] only: at most 200.
    pub imports: Vec<ImportTarget>,
    /// Idempotency (ClientToken): the same call with the same token is the same change set.
    pub token: String,
}

/// A change set as DescribeChangeSet tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    /// An ARN.
    pub id: String,
    pub name: String,
    pub stack_id: String,
    pub status: ChangeSetStatus,
    pub execution: ExecutionStatus,
    pub reason: Option<String>,
    /// The tags that the stack gets with it. A stack that is there for a change set alone has none
    /// of its own.
    pub tags: BTreeMap<String, String>,
    pub changes: Vec<ResourceChange>,
}

impl ChangeSet {
    /// Ready if and only if it is made and can be executed.
    pub fn ready(&self) -> bool {
        self.status == ChangeSetStatus::CreateComplete
            && self.execution == ExecutionStatus::Available
    }

    /// Whether it failed for want of changes, which is no failure. Both sentences that
    /// CloudFormation uses are known: without and with a transform.
    pub fn without_changes(&self) -> bool {
        self.status == ChangeSetStatus::Failed
            && self.reason.as_deref().is_some_and(|reason| {
                reason.starts_with("The submitted information didn't contain changes.")
                    || reason.starts_with("No updates are to be performed.")
            })
    }
}

/// What a change set would do to a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceChange {
    pub action: ChangeAction,
    pub logical_id: LogicalId,
    pub physical_id: Option<String>,
    pub kind: String,
    /// For [`ChangeAction::Modify`].
    pub replacement: Option<Replacement>,
    /// What happens to the old resource: `Delete`, `Retain`, `Snapshot`, `ReplaceAndDelete`, ...
    pub policy_action: Option<String>,
    pub details: Vec<ChangeDetail>,
}

/// A change set's verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeAction {
    Add,
    Modify,
    Remove,
    Import,
    Dynamic,
    SyncWithActual,
}

/// Whether a modification makes the resource anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replacement {
    True,
    False,
    Conditional,
}

/// One cause of a modification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeDetail {
    /// `Properties`, `Metadata`, `Tags`, `DeletionPolicy`, ...
    pub attribute: String,
    /// The property, for the attribute `Properties`.
    pub name: Option<String>,
    /// `Never`, `Conditionally`, `Always`.
    pub recreation: Option<String>,
    /// `Static` or `Dynamic`: known now, or only while it runs.
    pub evaluation: Option<String>,
    /// `DirectModification`, `ResourceAttribute`, `ParameterReference`, ...
    pub source: Option<String>,
    /// `Key.Arn` and the like, where another thing causes it.
    pub causing_entity: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
}
