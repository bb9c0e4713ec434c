//! Cloud number two: AWS itself, or anything that answers like it at `AWS_ENDPOINT_URL`.
//!
//! The only module that names an `aws_*` crate or tokio. [`Aws::connect`] takes the caller's
//! options and the SDK's ordinary configuration, and gives a [`Cloud`] whose calls block; below
//! it, `pace` keeps to the rate limits, `error` turns the services' codes into [`CloudError`] by
//! their meaning, `stacks`, `change_sets` and `drift` speak CloudFormation, `objects` speaks S3,
//! `read` gives live resources the form of their CloudFormation properties.
//! INVARIANT: no decision is taken here. A method makes the calls of its name, repeats what was
//! throttled or lost, and makes the repetition safe; `docs/aws-calls.md` lists every call.

mod attempts;
mod change_sets;
mod connect;
mod drift;
mod error;
mod objects;
mod pace;
mod place;
mod read;
mod stacks;

pub use connect::{ConnectOptions, Keys};
pub use pace::Pace;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_cloudformation as cfn;
use aws_sdk_iam as iam;
use aws_sdk_lakeformation as lakeformation;
use aws_sdk_s3 as s3;
use tokio::runtime::Runtime;

use crate::cloud::*;
use crate::names::{AccountId, Arn, LogicalId, Region};
use pace::{Call, Limits};

/// A connection to one AWS account. Shared by threads; each call blocks its own.
pub struct Aws {
    runtime: Runtime,
    config: SdkConfig,
    /// Where S3 answers, if it is not AWS's own place.
    s3_endpoint: Option<String>,
    pace: Pace,
    caller: Caller,
    clients: Mutex<Clients>,
    /// A limiter for each region; the account is the connection's.
    limits: Mutex<BTreeMap<Region, Arc<Limits>>>,
    /// The stack that each change set of this connection belongs to, by the change set's id: the
    /// id alone does not tell, and the change set may be gone when it matters.
    change_sets: Mutex<BTreeMap<String, String>>,
}

/// Clients are made when a region is first spoken to.
#[derive(Default)]
struct Clients {
    cloudformation: BTreeMap<Region, cfn::Client>,
    s3: BTreeMap<Region, s3::Client>,
    lakeformation: BTreeMap<Region, lakeformation::Client>,
    iam: Option<iam::Client>,
}

impl Aws {
    /// The account that the credentials belong to.
    fn account(&self) -> &AccountId {
        &self.caller.account
    }

    /// The CloudFormation client of a region, once it is our turn.
    async fn cloudformation(&self, region: &Region, call: Call) -> cfn::Client {
        let limits = {
            let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
            limits
                .entry(region.clone())
                .or_insert_with(|| Arc::new(Limits::new(&self.pace)))
                .clone()
        };
        limits.turn(call).await;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients
            .cloudformation
            .entry(region.clone())
            .or_insert_with(|| connect::cloudformation(&self.config, region))
            .clone()
    }

    /// The S3 client of a region.
    fn s3(&self, region: &Region) -> s3::Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients
            .s3
            .entry(region.clone())
            .or_insert_with(|| connect::s3(&self.config, region, self.s3_endpoint.is_some()))
            .clone()
    }

    /// The Lake Formation client of a region.
    fn lakeformation(&self, region: &Region) -> lakeformation::Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients
            .lakeformation
            .entry(region.clone())
            .or_insert_with(|| connect::lakeformation(&self.config, region))
            .clone()
    }

    /// The IAM client: IAM is one for all regions of a partition.
    fn iam(&self) -> iam::Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.iam.get_or_insert_with(|| connect::iam(&self.config)).clone()
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Cloud for Aws {
    fn caller(&self) -> Result<Caller, CloudError> {
        Ok(self.caller.clone())
    }

    fn list_stacks(&self, region: &Region) -> Result<Vec<StackSummary>, CloudError> {
        self.wait(self.all_stacks(region))
    }

    fn describe_stack(&self, at: &StackAddress) -> Result<Option<Stack>, CloudError> {
        self.wait(self.one_stack(at))
    }

    fn template(&self, at: &StackAddress) -> Result<String, CloudError> {
        self.wait(self.original_template(at))
    }

    fn stack_resources(&self, at: &StackAddress) -> Result<Vec<StackResource>, CloudError> {
        self.wait(self.all_resources(at))
    }

    fn events(
        &self,
        at: &StackAddress,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, CloudError> {
        self.wait(self.events_after(at, after))
    }

    fn detect_drift(&self, at: &StackAddress) -> Result<StackDrift, CloudError> {
        self.wait(self.drift_of(at))
    }

    fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CloudError> {
        self.wait(self.make_change_set(request))
    }

    fn list_change_sets(&self, at: &StackAddress) -> Result<Vec<String>, CloudError> {
        self.wait(self.change_sets_of(at))
    }

    fn describe_change_set(&self, region: &Region, id: &str) -> Result<ChangeSet, CloudError> {
        self.wait(self.whole_change_set(region, id))
    }

    fn execute_change_set(&self, region: &Region, id: &str, token: &str) -> Result<(), CloudError> {
        self.wait(self.run_change_set(region, id, token))
    }

    fn delete_change_set(&self, region: &Region, id: &str) -> Result<(), CloudError> {
        self.wait(self.drop_change_set(region, id))
    }

    fn delete_stack(
        &self,
        at: &StackAddress,
        retain: &[LogicalId],
        execution_role: Option<&Arn>,
        token: &str,
    ) -> Result<(), CloudError> {
        self.wait(self.drop_stack(at, retain, execution_role, token))
    }

    fn continue_update_rollback(
        &self,
        at: &StackAddress,
        skip: &[LogicalId],
        token: &str,
    ) -> Result<(), CloudError> {
        self.wait(self.finish_rollback(at, skip, token))
    }

    fn rollback_stack(&self, at: &StackAddress, token: &str) -> Result<(), CloudError> {
        self.wait(self.roll_back(at, token))
    }

    fn set_termination_protection(&self, at: &StackAddress, on: bool) -> Result<(), CloudError> {
        self.wait(self.protect(at, on))
    }

    fn read(&self, region: &Region, kind: &str, identifier: &str) -> Result<Reading, CloudError> {
        self.wait(self.live(region, kind, identifier))
    }

    fn lake_formation_settings(
        &self,
        region: &Region,
    ) -> Result<LakeFormationSettings, CloudError> {
        self.wait(self.data_lake_settings(region))
    }

    fn open_to_iam(&self, region: &Region) -> Result<Vec<OpenToIam>, CloudError> {
        self.wait(Aws::open_to_iam(self, region))
    }

    fn lake_formation_grants(
        &self,
        region: &Region,
    ) -> Result<Vec<LakeFormationGrant>, CloudError> {
        self.wait(Aws::lake_formation_grants(self, region))
    }

    fn get_object(&self, at: &ObjectAddress) -> Result<Option<Object>, CloudError> {
        self.wait(self.newest_version(at))
    }

    fn put_object(
        &self,
        at: &ObjectAddress,
        body: &[u8],
        when: PutCondition,
    ) -> Result<String, CloudError> {
        self.wait(self.write(at, body, when))
    }

    fn delete_object(&self, at: &ObjectAddress) -> Result<(), CloudError> {
        self.wait(self.remove(at))
    }

    fn list_versions(
        &self,
        bucket: &BucketAddress,
        prefix: &str,
        after: Option<&VersionMarker>,
        limit: usize,
    ) -> Result<VersionPage, CloudError> {
        self.wait(self.versions_below(bucket, prefix, after, limit))
    }

    fn delete_versions(
        &self,
        bucket: &BucketAddress,
        versions: &[ObjectVersion],
    ) -> Result<Vec<(ObjectVersion, String)>, CloudError> {
        self.wait(self.remove_versions(bucket, versions))
    }
}
