//! A cloud between the run and the sandbox that writes down every call, and does to some of them what
//! a test asks for.

use std::sync::Mutex;

use lakewright::cloud::*;
use lakewright::names::{Arn, LogicalId, Region};

type Before<'a> = Box<dyn Fn(&Call) -> Result<(), CloudError> + Send + Sync + 'a>;

/// Changes the events on their way to the run.
pub type Telling<'a> = Box<dyn Fn(&mut Vec<StackEvent>) + Send + Sync + 'a>;

/// A page of a bucket's versions; `None`: as the cloud has it.
pub type Listing<'a> =
    Box<dyn Fn(&BucketAddress, Option<&VersionMarker>) -> Option<VersionPage> + Send + Sync + 'a>;

/// A call: AWS's name of it, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub name: &'static str,
    pub about: String,
    pub token: String,
}

pub struct Meddler<'a> {
    cloud: &'a dyn Cloud,
    calls: Mutex<Vec<Call>>,
    /// Asked before each call: an error is answered in its place.
    pub before: Before<'a>,
    pub change_set: Box<dyn Fn(&mut ChangeSet) + Send + Sync + 'a>,
    pub told: Telling<'a>,
    pub stack: Box<dyn Fn(&mut Stack) + Send + Sync + 'a>,
    /// Answers for a bucket's list of versions.
    pub versions: Listing<'a>,
}

impl<'a> Meddler<'a> {
    pub fn new(cloud: &'a dyn Cloud) -> Self {
        Meddler {
            cloud,
            calls: Mutex::new(Vec::new()),
            before: Box::new(|_| Ok(())),
            change_set: Box::new(|_| {}),
            told: Box::new(|_| {}),
            stack: Box::new(|_| {}),
            versions: Box::new(|_, _| None),
        }
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub fn count(&self, name: &str) -> usize {
        self.calls().iter().filter(|call| call.name == name).count()
    }

    /// The place of the first call of this name that is about something.
    pub fn place(&self, name: &str, about: &str) -> usize {
        let calls = self.calls();
        let found = calls.iter().position(|call| call.name == name && call.about.contains(about));
        found.unwrap_or_else(|| panic!("no {name} about {about} in {calls:#?}"))
    }

    fn call(
        &self,
        name: &'static str,
        about: impl ToString,
        token: &str,
    ) -> Result<(), CloudError> {
        let call = Call { name, about: about.to_string(), token: token.to_owned() };
        self.calls.lock().unwrap().push(call.clone());
        (self.before)(&call)
    }
}

impl Cloud for Meddler<'_> {
    fn caller(&self) -> Result<Caller, CloudError> {
        self.call("GetCallerIdentity", "", "")?;
        self.cloud.caller()
    }

    fn list_stacks(&self, region: &Region) -> Result<Vec<StackSummary>, CloudError> {
        self.call("ListStacks", region, "")?;
        self.cloud.list_stacks(region)
    }

    fn describe_stack(&self, at: &StackAddress) -> Result<Option<Stack>, CloudError> {
        self.call("DescribeStacks", at, "")?;
        let mut found = self.cloud.describe_stack(at)?;
        found.iter_mut().for_each(|stack| (self.stack)(stack));
        Ok(found)
    }

    fn template(&self, at: &StackAddress) -> Result<String, CloudError> {
        self.call("GetTemplate", at, "")?;
        self.cloud.template(at)
    }

    fn stack_resources(&self, at: &StackAddress) -> Result<Vec<StackResource>, CloudError> {
        self.call("ListStackResources", at, "")?;
        self.cloud.stack_resources(at)
    }

    fn events(
        &self,
        at: &StackAddress,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, CloudError> {
        self.call("DescribeStackEvents", at, after.unwrap_or_default())?;
        let mut events = self.cloud.events(at, after)?;
        (self.told)(&mut events);
        Ok(events)
    }

    fn detect_drift(&self, at: &StackAddress) -> Result<StackDrift, CloudError> {
        self.call("DetectStackDrift", at, "")?;
        self.cloud.detect_drift(at)
    }

    fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CloudError> {
        let source = match &request.template {
            TemplateSource::Inline(_) => "inline",
            TemplateSource::Object(at) => &at.key,
        };
        let about = format!("{} {} {source}", request.stack, request.name);
        self.call("CreateChangeSet", about, &request.token)?;
        self.cloud.create_change_set(request)
    }

    fn list_change_sets(&self, at: &StackAddress) -> Result<Vec<String>, CloudError> {
        self.call("ListChangeSets", at, "")?;
        self.cloud.list_change_sets(at)
    }

    fn describe_change_set(&self, region: &Region, id: &str) -> Result<ChangeSet, CloudError> {
        self.call("DescribeChangeSet", id, "")?;
        let mut set = self.cloud.describe_change_set(region, id)?;
        (self.change_set)(&mut set);
        Ok(set)
    }

    fn execute_change_set(&self, region: &Region, id: &str, token: &str) -> Result<(), CloudError> {
        let stack = self.cloud.describe_change_set(region, id).map(|set| set.stack_id);
        self.call("ExecuteChangeSet", stack.unwrap_or_default(), token)?;
        self.cloud.execute_change_set(region, id, token)
    }

    fn delete_change_set(&self, region: &Region, id: &str) -> Result<(), CloudError> {
        self.call("DeleteChangeSet", id, "")?;
        self.cloud.delete_change_set(region, id)
    }

    fn delete_stack(
        &self,
        at: &StackAddress,
        retain: &[LogicalId],
        execution_role: Option<&Arn>,
        token: &str,
    ) -> Result<(), CloudError> {
        self.call("DeleteStack", at, token)?;
        self.cloud.delete_stack(at, retain, execution_role, token)
    }

    fn continue_update_rollback(
        &self,
        at: &StackAddress,
        skip: &[LogicalId],
        token: &str,
    ) -> Result<(), CloudError> {
        self.call("ContinueUpdateRollback", at, token)?;
        self.cloud.continue_update_rollback(at, skip, token)
    }

    fn rollback_stack(&self, at: &StackAddress, token: &str) -> Result<(), CloudError> {
        self.call("RollbackStack", at, token)?;
        self.cloud.rollback_stack(at, token)
    }

    fn set_termination_protection(&self, at: &StackAddress, on: bool) -> Result<(), CloudError> {
        self.call("UpdateTerminationProtection", format!("{at} {on}"), "")?;
        self.cloud.set_termination_protection(at, on)
    }

    fn read(&self, region: &Region, kind: &str, identifier: &str) -> Result<Reading, CloudError> {
        self.call("Read", format!("{kind} {identifier}"), "")?;
        self.cloud.read(region, kind, identifier)
    }

    fn lake_formation_settings(
        &self,
        region: &Region,
    ) -> Result<LakeFormationSettings, CloudError> {
        self.call("GetDataLakeSettings", region, "")?;
        self.cloud.lake_formation_settings(region)
    }

    fn open_to_iam(&self, region: &Region) -> Result<Vec<OpenToIam>, CloudError> {
        self.call("ListPermissions", region, "")?;
        self.cloud.open_to_iam(region)
    }

    fn lake_formation_grants(
        &self,
        region: &Region,
    ) -> Result<Vec<LakeFormationGrant>, CloudError> {
        self.call("ListPermissions", region, "")?;
        self.cloud.lake_formation_grants(region)
    }

    fn get_object(&self, at: &ObjectAddress) -> Result<Option<Object>, CloudError> {
        self.call("GetObject", &at.key, "")?;
        self.cloud.get_object(at)
    }

    fn put_object(
        &self,
        at: &ObjectAddress,
        body: &[u8],
        when: PutCondition,
    ) -> Result<String, CloudError> {
        self.call("PutObject", &at.key, "")?;
        self.cloud.put_object(at, body, when)
    }

    fn delete_object(&self, at: &ObjectAddress) -> Result<(), CloudError> {
        self.call("DeleteObject", &at.key, "")?;
        self.cloud.delete_object(at)
    }

    fn list_versions(
        &self,
        bucket: &BucketAddress,
        prefix: &str,
        after: Option<&VersionMarker>,
        limit: usize,
    ) -> Result<VersionPage, CloudError> {
        self.call("ListObjectVersions", &bucket.bucket, "")?;
        match (self.versions)(bucket, after) {
            Some(page) => Ok(page),
            None => self.cloud.list_versions(bucket, prefix, after, limit),
        }
    }

    fn delete_versions(
        &self,
        bucket: &BucketAddress,
        versions: &[ObjectVersion],
    ) -> Result<Vec<(ObjectVersion, String)>, CloudError> {
        self.call("DeleteObjects", &bucket.bucket, "")?;
        self.cloud.delete_versions(bucket, versions)
    }
}
