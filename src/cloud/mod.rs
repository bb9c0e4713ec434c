//! The seam between lakewright and a cloud, in our own words.
//!
//! [`Cloud`] is what planning, applying and reading back need of CloudFormation and of the services
//! behind it, no more. It has two implementations that know nothing of each other: `sandbox`, the
//! embedded cloud, and `aws`, the real one. Calls block; an implementation is shared by threads.
//! INVARIANT: no type of an SDK passes through here, and no decision is taken behind it: a method
//! does what it says, once (the retries of throttled and lost calls belong to the implementation,
//! made safe by the tokens).
//!
//! The values stand in rooms of their own: `status`, `change_set`, `objects`, `reading`.
//!
//! Names of calls, statuses and fields are those of the AWS CloudFormation API Reference
//! (version 2010-05-15).

mod change_set;
mod objects;
mod reading;
mod status;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use change_set::{
    ChangeAction, ChangeDetail, ChangeSet, ChangeSetKind, ChangeSetRequest, ImportTarget,
    Replacement, ResourceChange, TemplateSource,
};
pub use objects::{
    BucketAddress, Object, ObjectAddress, ObjectVersion, PutCondition, VersionMarker, VersionPage,
};
pub use reading::{
    DriftStatus, LakeFormationGrant, LakeFormationSettings, OpenToIam, PropertyDrift, Reading,
    ResourceDrift, StackDrift,
};
pub use status::{ChangeSetStatus, ExecutionStatus, StackStatus};

use crate::names::{AccountId, Arn, LogicalId, Region, StackName};

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

    /// The ids of the change sets that a stack has (ListChangeSets, all pages).
    fn list_change_sets(&self, at: &StackAddress) -> Result<Vec<String>, CloudError>;

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

    /// Every grant of Lake Formation in the region, in any order (lakeformation:ListPermissions, all pages).
    fn lake_formation_grants(&self, region: &Region)
    -> Result<Vec<LakeFormationGrant>, CloudError>;

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

    /// One page of the versions and delete markers below a prefix, by key, after a marker: at most
    /// `limit` and at most 1,000 (ListObjectVersions), with their locks (GetObjectRetention,
    /// GetObjectLegalHold) where the bucket has Object Lock.
    fn list_versions(
        &self,
        bucket: &BucketAddress,
        prefix: &str,
        after: Option<&VersionMarker>,
        limit: usize,
    ) -> Result<VersionPage, CloudError>;

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
