//! The seam between lakewright and a cloud, in our own words.
//!
//! [`Cloud`] is what planning, applying and reading back need of CloudFormation and of the services
//! behind it, no more. It has two implementations that know nothing of each other: `sandbox`, the
//! embedded cloud, and `aws`, the real one. Calls block; an implementation is shared by threads.
//! INVARIANT: no type of an SDK passes through here, and no decision is taken behind it: a method
//! does what it says, once (the retries of throttled and lost calls belong to the implementation,
//! made safe by the tokens).
//!
//! Names of calls, statuses and fields are those of the AWS CloudFormation API Reference
//! (version 2010-05-15).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::Value;
use crate::names::{AccountId, Arn, BucketName, LogicalId, Region, StackName};

/// A cloud that holds stacks and objects. Every method blocks until the answer is there.
pub trait Cloud: Send + Sync {
    /// Who is calling (sts:GetCallerIdentity).
    fn caller(&self) -> Result<Caller, CloudError>;

    // --- stacks: reading ---------------------------------------------------------------------

    /// Every stack of the region that is not deleted, in any order (ListStacks, all pages).
    fn list_stacks(&self, region: &Region) -> Result<Vec<StackSummary>, CloudError>;

    /// One stack (DescribeStacks). `None`: there is none of that name, or it is deleted and was
    /// asked for by name. Asked for by id, a deleted stack is still there for 90 days.
    fn describe_stack(&self, at: &StackAddress) -> Result<Option<Stack>, CloudError>;

    /// The template as it was sent (GetTemplate, Original stage).
    fn template(&self, at: &StackAddress) -> Result<String, CloudError>;

    /// What the stack holds (ListStackResources), by logical id.
    fn stack_resources(&self, at: &StackAddress) -> Result<Vec<StackResource>, CloudError>;

    /// Events in the order they happened, those after `after` (an event id) only; `None`: all that
    /// are still known. An implementation stops paging at `after`.
    fn events(&self, at: &StackAddress, after: Option<&str>)
    -> Result<Vec<StackEvent>, CloudError>;

    /// Runs drift detection on the stack and waits for it (DetectStackDrift,
    /// DescribeStackDriftDetectionStatus, DescribeStackResourceDrifts).
    fn detect_drift(&self, at: &StackAddress) -> Result<StackDrift, CloudError>;

    // --- stacks: changing --------------------------------------------------------------------

    /// CreateChangeSet: answers with the change set's id as soon as it is accepted.
    fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CloudError>;

    /// DescribeChangeSet with property values, all pages.
    fn describe_change_set(&self, region: &Region, id: &str) -> Result<ChangeSet, CloudError>;

    /// ExecuteChangeSet. All other change sets of the stack are deleted by it.
    fn execute_change_set(&self, region: &Region, id: &str, token: &str) -> Result<(), CloudError>;

    /// DeleteChangeSet. One that is not there is no error.
    fn delete_change_set(&self, region: &Region, id: &str) -> Result<(), CloudError>;

    /// DeleteStack. `retain` names resources to keep and is accepted in DELETE_FAILED only.
    fn delete_stack(
        &self,
        at: &StackAddress,
        retain: &[LogicalId],
        execution_role: Option<&Arn>,
        token: &str,
    ) -> Result<(), CloudError>;

    /// ContinueUpdateRollback, in UPDATE_ROLLBACK_FAILED only.
    fn continue_update_rollback(
        &self,
        at: &StackAddress,
        skip: &[LogicalId],
        token: &str,
    ) -> Result<(), CloudError>;

    /// RollbackStack, in CREATE_FAILED and UPDATE_FAILED only.
    fn rollback_stack(&self, at: &StackAddress, token: &str) -> Result<(), CloudError>;

    /// UpdateTerminationProtection.
    fn set_termination_protection(&self, at: &StackAddress, on: bool) -> Result<(), CloudError>;

    // --- resources behind the stacks -----------------------------------------------------------

    /// The live state of one resource, read through its own service, in the form of its
    /// CloudFormation properties. What the implementation cannot read is [`Reading::Unread`]: it is
    /// never called in sync.
    fn read(&self, region: &Region, kind: &str, identifier: &str) -> Result<Reading, CloudError>;

    /// Lake Formation's settings in the region (lakeformation:GetDataLakeSettings).
    fn lake_formation_settings(&self, region: &Region)
    -> Result<LakeFormationSettings, CloudError>;

    /// What Lake Formation leaves to IAM in the region: every database and table in which
    /// `IAMAllowedPrincipals` has a grant, ascending (lakeformation:ListPermissions).
    fn open_to_iam(&self, region: &Region) -> Result<Vec<OpenToIam>, CloudError>;

    // --- objects -----------------------------------------------------------------------------
    // Every call names the account that must own the bucket (S3's ExpectedBucketOwner): bucket
    // names are global, and a bucket deleted by us can be made anew by a stranger.

    /// The newest version of an object, `None` if there is no such object or bucket.
    fn get_object(&self, at: &ObjectAddress) -> Result<Option<Object>, CloudError>;

    /// Writes an object and answers with its ETag. With a condition that does not hold:
    /// [`CloudError::PreconditionFailed`].
    fn put_object(
        &self,
        at: &ObjectAddress,
        body: &[u8],
        when: PutCondition,
    ) -> Result<String, CloudError>;

    /// Deletes an object (in a versioned bucket: puts a delete marker over it).
    fn delete_object(&self, at: &ObjectAddress) -> Result<(), CloudError>;

    /// The versions and delete markers below a prefix, at most `limit` of them
    /// (ListObjectVersions), with their locks (GetObjectRetention, GetObjectLegalHold) where the
    /// bucket has Object Lock.
    fn list_versions(
        &self,
        bucket: &BucketAddress,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<ObjectVersion>, CloudError>;

    /// Deletes exactly these versions, at most 1,000 a call (DeleteObjects). Answers with those
    /// that refused, each with its reason.
    fn delete_versions(
        &self,
        bucket: &BucketAddress,
        versions: &[ObjectVersion],
    ) -> Result<Vec<(ObjectVersion, String)>, CloudError>;
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub account: AccountId,
    pub arn: Arn,
}

/// A stack: its region and its name, or its id (an ARN) where one run must not meet a namesake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StackAddress {
    pub region: Region,
    pub stack: String,
}

impl StackAddress {
    /// The stack of this name in this region.
    pub fn new(region: &Region, stack: impl Into<String>) -> Self {
        StackAddress { region: region.clone(), stack: stack.into() }
    }
}

impl fmt::Display for StackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.stack, self.region)
    }
}

/// Declares the statuses of something with CloudFormation's spelling of each.
macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( #[serde(rename = $text)] $variant, )*
        }

        impl $name {
            /// Every status.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// CloudFormation's spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $text, )* }
            }

            /// Reads CloudFormation's spelling; `None` for one that this version does not know.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|status| status.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

statuses! {
    /// The statuses of a stack.
    StackStatus {
        ReviewInProgress = "REVIEW_IN_PROGRESS",
        CreateInProgress = "CREATE_IN_PROGRESS",
        CreateFailed = "CREATE_FAILED",
        CreateComplete = "CREATE_COMPLETE",
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        RollbackFailed = "ROLLBACK_FAILED",
        RollbackComplete = "ROLLBACK_COMPLETE",
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        UpdateCompleteCleanupInProgress = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        UpdateComplete = "UPDATE_COMPLETE",
        UpdateFailed = "UPDATE_FAILED",
        UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS",
        UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED",
        UpdateRollbackCompleteCleanupInProgress = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        DeleteFailed = "DELETE_FAILED",
        DeleteComplete = "DELETE_COMPLETE",
        ImportInProgress = "IMPORT_IN_PROGRESS",
        ImportComplete = "IMPORT_COMPLETE",
        ImportRollbackInProgress = "IMPORT_ROLLBACK_IN_PROGRESS",
        ImportRollbackFailed = "IMPORT_ROLLBACK_FAILED",
        ImportRollbackComplete = "IMPORT_ROLLBACK_COMPLETE",
    }
}

impl StackStatus {
    /// Whether an operation is running. REVIEW_IN_PROGRESS is none: it says that the stack has a
    /// change set and nothing else.
    pub fn in_progress(self) -> bool {
        self != StackStatus::ReviewInProgress && self.as_str().ends_with("_IN_PROGRESS")
    }

    /// Whether the stack can take an update now.
    pub fn updatable(self) -> bool {
        use StackStatus::*;
        matches!(
            self,
            CreateComplete
                | UpdateComplete
                | ImportComplete
                | UpdateRollbackComplete
                | ImportRollbackComplete
        )
    }

    /// Whether the last operation did what it was asked to.
    pub fn succeeded(self) -> bool {
        use StackStatus::*;
        matches!(self, CreateComplete | UpdateComplete | ImportComplete | DeleteComplete)
    }
}

statuses! {
    /// The statuses of a change set's making.
    ChangeSetStatus {
        CreatePending = "CREATE_PENDING",
        CreateInProgress = "CREATE_IN_PROGRESS",
        CreateComplete = "CREATE_COMPLETE",
        DeletePending = "DELETE_PENDING",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        DeleteComplete = "DELETE_COMPLETE",
        DeleteFailed = "DELETE_FAILED",
        Failed = "FAILED",
    }
}

statuses! {
    /// Whether a change set can be executed, and what came of it.
    ExecutionStatus {
        Unavailable = "UNAVAILABLE",
        Available = "AVAILABLE",
        ExecuteInProgress = "EXECUTE_IN_PROGRESS",
        ExecuteComplete = "EXECUTE_COMPLETE",
        ExecuteFailed = "EXECUTE_FAILED",
        Obsolete = "OBSOLETE",
    }
}

/// A line of ListStacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSummary {
    /// The stack's id, an ARN.
    pub id: String,
    pub name: StackName,
    pub status: StackStatus,
    /// When it was last created or updated, as the API prints it (ISO 8601, UTC).
    pub updated: String,
}

/// A stack as DescribeStacks tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The stack's id, an ARN.
    pub id: String,
    pub name: StackName,
    pub status: StackStatus,
    pub status_reason: Option<String>,
    /// When it was last created or updated, as the API prints it (ISO 8601, UTC).
    pub updated: String,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
    pub execution_role: Option<String>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    pub logical_id: LogicalId,
    /// The value of `Ref`; empty while it is being made.
    pub physical_id: String,
    /// `AWS::S3::Bucket` and the like.
    pub kind: String,
    /// CloudFormation's spelling, `CREATE_COMPLETE` and the like.
    pub status: String,
    pub status_reason: Option<String>,
}

/// A line of a stack's events. The stack itself has events too, under its own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackEvent {
    pub id: String,
    /// ISO 8601, UTC.
    pub timestamp: String,
    pub logical_id: String,
    pub physical_id: String,
    /// `AWS::S3::Bucket`, or `AWS::CloudFormation::Stack` for the stack itself.
    pub kind: String,
    /// CloudFormation's spelling, `CREATE_FAILED` and the like.
    pub status: String,
    pub reason: Option<String>,
    /// The token of the call that this event belongs to.
    pub token: Option<String>,
}

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

/// What drift detection found.
#[derive(Debug, Clone, PartialEq)]
pub struct StackDrift {
    /// Whether detection came to its end. Where it did not, what is there is still true.
    pub complete: bool,
    pub reason: Option<String>,
    pub resources: Vec<ResourceDrift>,
}

/// What drift detection says of one resource. Resources of a type that it does not know are not
/// in the list at all.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceDrift {
    pub logical_id: LogicalId,
    pub physical_id: String,
    pub kind: String,
    pub status: DriftStatus,
    pub differences: Vec<PropertyDrift>,
}

/// Whether reality is what the template says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftStatus {
    InSync,
    Modified,
    Deleted,
    NotChecked,
}

/// A property whose value is not the template's.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyDrift {
    /// JSON pointer below `Properties`, such as `/VersioningConfiguration/Status`.
    pub path: String,
    pub expected: Option<Value>,
    pub actual: Option<Value>,
}

/// What reading a resource through its own service gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// There is no such resource.
    Absent,
    /// Its live state, as CloudFormation properties. A list that the template need not mention
    /// (a role's `Policies` and `ManagedPolicyArns`) is there even when it is empty, so that
    /// additions made by hand show.
    Properties(Value),
    /// This implementation cannot read it, and why.
    Unread(String),
}

/// Lake Formation's settings of an account in a region.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LakeFormationSettings {
    /// ARNs of the data lake administrators.
    pub admins: Vec<String>,
    /// Whether new databases give `IAMAllowedPrincipals` everything: then IAM alone decides.
    pub iam_decides_new_databases: bool,
    /// The same for new tables.
    pub iam_decides_new_tables: bool,
}

/// A database or table about which IAM alone decides, whatever Lake Formation grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenToIam {
    pub database: String,
    /// `None`: the database itself.
    pub table: Option<String>,
}

/// A bucket and who must own it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketAddress {
    pub region: Region,
    pub bucket: BucketName,
    pub owner: AccountId,
}

/// An object's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectAddress {
    pub bucket: BucketAddress,
    pub key: String,
}

/// An object's newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub body: Vec<u8>,
    pub etag: String,
}

/// When an object may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutCondition {
    Always,
    /// `If-None-Match: *`: only if there is none.
    Absent,
    /// `If-Match`: only over the version with this ETag.
    Matches(String),
}

/// A version or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVersion {
    pub key: String,
    pub version: String,
    pub delete_marker: bool,
    /// Bytes; 0 for a delete marker.
    pub size: u64,
    /// The end of its Object Lock retention (ISO 8601, UTC), or `legal hold`.
    pub locked: Option<String>,
}

/// Why a call did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// No credentials, or they have expired.
    #[error("no usable credentials: {0}")]
    Credentials(String),
    /// The caller may not do this. The text names the action where the cloud does.
    #[error("access denied: {0}")]
    AccessDenied(String),
    /// The thing that was named is not there.
    #[error("not found: {0}")]
    NotFound(String),
    /// A thing with that name is there already.
    #[error("already exists: {0}")]
    AlreadyExists(String),
    /// The cloud refuses the request as it is (ValidationError and its kin); its own words.
    #[error("{0}")]
    Refused(String),
    /// Another operation is running on the stack.
    #[error("another operation is in progress: {0}")]
    InProgress(String),
    /// A capability that the template needs was not sent.
    #[error("missing capability: {0}")]
    Capability(String),
    /// A quota of the account.
    #[error("quota exceeded: {0}")]
    Limit(String),
    /// A conditional write found another state than it asked for.
    #[error("the object has changed: {0}")]
    PreconditionFailed(String),
    /// The rate limit held out longer than our patience.
    #[error("throttled: {0}")]
    Throttled(String),
    /// No answer came: the call may or may not have been carried out.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// Anything else, with the cloud's code.
    #[error("{code}: {message}")]
    Other { code: String, message: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_as_they_print() {
        for status in StackStatus::ALL {
            assert_eq!(StackStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(StackStatus::ALL.len(), 23);
        assert!(!StackStatus::ReviewInProgress.in_progress());
        assert!(StackStatus::UpdateCompleteCleanupInProgress.in_progress());
        assert!(StackStatus::UpdateRollbackComplete.updatable());
        assert!(!StackStatus::UpdateRollbackComplete.succeeded());
        assert!(!StackStatus::RollbackComplete.updatable());
    }
}
