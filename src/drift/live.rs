//! What the account has of some kinds of resources, for whoever asks more of it than whether it has drifted.
//!
//! In: what is deployed, and which kinds are wanted. Out: [`Found`], one for each resource of these kinds: its properties,
//! or that it is gone, or that it is as its template says, or why that is not known. A resource is read through its own
//! service; what no service is asked for here is looked up in CloudFormation's drift detection, which compares it with
//! the template (User Guide, "Resource type support": `AWS::KMS::Key` among them). INVARIANT: what nobody looked at is
//! [`Is::Unread`]. Read next: `look`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::look::read_one;
use crate::apply::{Clock, Surroundings, explain, identifier_line, identify, insist, schedule};
use crate::cloud::{Cloud, CloudError, DriftStatus, Reading, ResourceDrift, StackAddress};
use crate::diagnostic::Diagnostic;
use crate::document::{Map, Value};
use crate::names::{AccountId, LogicalId, Region};
use crate::plan::{Deployed, DeployedStack};
use crate::stacks::StackKey;

/// What is there of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Is {
    /// What its template says, as far as CloudFormation compares.
    AsTemplate,
    /// These CloudFormation properties.
    Properties(Value),
    Gone,
    /// Nobody looked, for this reason.
    Unread(String),
}

/// A resource, and what is there of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub stack: StackKey,
    pub logical_id: LogicalId,
    /// `AWS::S3::BucketPolicy`. A policy that no template writes stands below the logical id of its bucket.
    pub kind: &'static str,
    pub is: Is,
}

/// The kinds that are wanted.
pub type Wanted<'w> = &'w [&'static str];

/// The policy of a bucket: every bucket may have one, whether a template writes it or not.
const BUCKET_POLICY: &str = "AWS::S3::BucketPolicy";

/// Reads every resource of the wanted kinds, several stacks at once.
pub fn readings(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    account: &AccountId,
    deployed: &Deployed,
    wanted: Wanted,
) -> Result<Vec<Found>, Diagnostic> {
    let stacks: Vec<(&StackKey, &DeployedStack)> = deployed.stacks.iter().collect();
    let which: Vec<usize> = (0..stacks.len()).collect();
    let found = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    let guarded = guarded(deployed);
    schedule(
        &which,
        |_| Vec::new(),
        |at| {
            let (key, stack) = stacks[at];
            let look = Look { cloud, clock, account, wanted, guarded: &guarded };
            match look.stack(key, stack) {
                Ok(all) => {
                    found.lock().unwrap_or_else(PoisonError::into_inner).extend(all);
                    true
                }
                Err(told) => {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
                    false
                }
            }
        },
    );
    if let Some(told) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(told);
    }
    let mut found: Vec<Found> = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by(|a, b| (&a.stack, &a.logical_id, a.kind).cmp(&(&b.stack, &b.logical_id, b.kind)));
    Ok(found)
}

/// The document of a managed policy, wherever it was made. `None`: it is not there, or may not be read.
pub fn document(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    region: &Region,
    arn: &str,
) -> Result<Option<Value>, Diagnostic> {
    Ok(match read_one(cloud, clock, region, "AWS::IAM::ManagedPolicy", arn)? {
        Reading::Properties(properties) => properties.get("PolicyDocument").cloned(),
        Reading::Absent | Reading::Unread(_) => None,
    })
}

/// The buckets, by name, of which a template writes the policy.
fn guarded(deployed: &Deployed) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for stack in deployed.stacks.values() {
        for (id, resource) in stack.resources() {
            if resource.get("Type").and_then(Value::as_str) != Some(BUCKET_POLICY) {
                continue;
            }
            let bucket = resource.at(&["Properties", "Bucket"]);
            let target = bucket.and_then(|it| it.get("Ref")).and_then(Value::as_str);
            let named = bucket.and_then(Value::as_str);
            names.extend(stack.physical_ids.get(id).map(String::as_str));
            names.extend(
                named.or_else(|| target.and_then(|id| Some(stack.physical_ids.get(id)?.as_str()))),
            );
        }
    }
    names
}

/// What is needed to look at a stack.
struct Look<'a> {
    cloud: &'a dyn Cloud,
    clock: &'a dyn Clock,
    account: &'a AccountId,
    wanted: Wanted<'a>,
    guarded: &'a BTreeSet<&'a str>,
}

impl Look<'_> {
    fn stack(&self, key: &StackKey, stack: &DeployedStack) -> Result<Vec<Found>, Diagnostic> {
        let physical: BTreeMap<String, String> =
            stack.physical_ids.iter().map(|(id, name)| (id.to_string(), name.clone())).collect();
        let around = Surroundings {
            account: self.account,
            region: &key.region,
            physical: &physical,
            parameters: &stack.parameters,
        };
        let mut all = Vec::new();
        let mut detected: Option<Detected> = None;
        for (id, resource) in stack.resources() {
            let Ok(logical_id) = LogicalId::new(id) else { continue };
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
            let Some(kind) = self.wanted.iter().find(|wanted| **wanted == kind) else { continue };
            let none = Value::Map(Map::new());
            let properties = resource.get("Properties").unwrap_or(&none);
            let name = physical.get(id).map(String::as_str).unwrap_or_default();
            let identifier = identify(kind, name, properties, &around);
            let is = match identifier.filter(|_| !name.is_empty()) {
                None => Is::Unread("its name in AWS is not known".into()),
                Some(identifier) => {
                    let line = identifier_line(kind, &identifier);
                    match read_one(self.cloud, self.clock, &key.region, kind, &line)? {
                        Reading::Absent => Is::Gone,
                        Reading::Properties(properties) => Is::Properties(properties),
                        Reading::Unread(why) => {
                            let said = match &detected {
                                Some(said) => said,
                                None => detected.insert(self.detect(key, stack)?),
                            };
                            said.of(&logical_id, why)
                        }
                    }
                }
            };
            if *kind == "AWS::S3::Bucket"
                && is != Is::Gone
                && self.wanted.contains(&BUCKET_POLICY)
                && !self.guarded.contains(name)
            {
                let is = match read_one(self.cloud, self.clock, &key.region, BUCKET_POLICY, name)? {
                    Reading::Absent => Is::Gone,
                    Reading::Properties(properties) => Is::Properties(properties),
                    Reading::Unread(why) => Is::Unread(why),
                };
                let logical_id = logical_id.clone();
                all.push(Found { stack: key.clone(), logical_id, kind: BUCKET_POLICY, is });
            }
            all.push(Found { stack: key.clone(), logical_id, kind, is });
        }
        Ok(all)
    }

    fn detect(&self, key: &StackKey, stack: &DeployedStack) -> Result<Detected, Diagnostic> {
        let at = StackAddress::new(&key.region, stack.id.clone());
        match insist(self.clock, || self.cloud.detect_drift(&at)) {
            Ok(drift) => {
                let named = drift.resources.into_iter().map(|one| (one.logical_id.clone(), one));
                Ok(Detected(named.collect()))
            }
            // A stack in a state that detection does not take, or a caller who may not ask for it.
            Err(CloudError::Refused(_) | CloudError::AccessDenied(_)) => {
                Ok(Detected(BTreeMap::new()))
            }
            Err(error) => Err(explain(&error, &format!("detecting drift of stack {key}"))),
        }
    }
}

/// What drift detection said of a stack.
struct Detected(BTreeMap<LogicalId, ResourceDrift>);

impl Detected {
    fn of(&self, id: &LogicalId, why: String) -> Is {
        let Some(drift) = self.0.get(id) else { return Is::Unread(why) };
        match (drift.status, &drift.actual) {
            (DriftStatus::InSync, _) => Is::AsTemplate,
            (DriftStatus::Modified, Some(actual)) => Is::Properties(actual.clone()),
            (DriftStatus::Modified, None) => {
                Is::Unread("CloudFormation says that it has drifted, and not to what".into())
            }
            (DriftStatus::Deleted, _) => Is::Gone,
            (DriftStatus::NotChecked, _) => Is::Unread(why),
        }
    }
}
