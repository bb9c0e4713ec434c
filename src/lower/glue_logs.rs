//! What jobs say: log groups with a retention, encrypted as the data is by a security configuration.
//!
//! In: a pipeline. Out: its two log groups and, where what it touches is encrypted with a key of the
//! lake, the name of a security configuration; one configuration serves every job of the same key, since
//! an account has few of them. Names of log groups are Glue's: AWS Glue developer guide, "Logging for
//! AWS Glue jobs"; below a security configuration they carry its name and the role's.
//! Read next: `pipelines`.

use super::base::retention_in_days;
use super::{Lowering, key_id};
use crate::document;
use crate::document::Map;
use crate::graph::{self, Part};
use crate::lake::Pipeline;
use crate::lake::naming::logical_id;
use crate::lake::places::{Location, Place};
use crate::names::{LogicalId, Name};
use crate::policy::Argument;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

/// The log groups of a job.
pub(super) struct JobLogs {
    /// What they are called.
    pub names: Vec<String>,
    /// Their logical ids: they have to be there before the job makes them without a retention.
    pub groups: Vec<LogicalId>,
    /// The security configuration of the job.
    pub security: Option<String>,
}

/// A security configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Security {
    key: Name,
    /// Whether all that its jobs write is encrypted with the key; else each bucket's default does it.
    data: bool,
}

impl Security {
    /// The logical id.
    pub(super) fn id(&self) -> LogicalId {
        let prefix = if self.data { "SecurityKey" } else { "SecurityLogsKey" };
        logical_id(prefix, &[self.key.as_str()])
    }
}

/// Where the log groups of a job are. Glue puts `/output` and `/error` behind it.
pub(super) fn log_prefix(pipeline: &Pipeline) -> String {
    format!("/aws-glue/jobs/{}", pipeline.job_name)
}

impl Lowering<'_> {
    /// Makes the log groups of a job, and notes the security configuration that it needs.
    pub(super) fn job_logs(&mut self, pipeline: &Pipeline) -> JobLogs {
        let security = self.security_of(pipeline);
        let prefix = match &security {
            None => log_prefix(pipeline),
            Some((name, _)) => {
                format!("{}/{name}-role/{}", log_prefix(pipeline), role_name(pipeline))
            }
        };
        let names: Vec<String> =
            ["error", "output"].map(|kind| format!("{prefix}/{kind}")).into_iter().collect();
        let mut groups = Vec::new();
        for (kind, name) in ["LogErrorPipeline", "LogOutputPipeline"].into_iter().zip(&names) {
            let thing = [pipeline.name.as_str()];
            let path = pipeline.path();
            let mut group = self.resource("AWS::Logs::LogGroup", kind, &thing, Part::Flows, &path);
            group.set("LogGroupName", name.clone()).set_from(
                "RetentionInDays",
                "logs.keep",
                retention_in_days(self.lake.log_days),
            );
            if let Some((_, security)) = &security {
                group.set("KmsKeyId", graph::attribute(&key_id(&security.key), "Arn"));
            }
            group.knows("Ref", name.clone());
            groups.push(group.id.clone());
            self.graph.add(group);
        }
        if let Some((name, security)) = &security {
            let arguments: [(&str, Argument); 1] = [("log_groups", names.clone().into())];
            let asked = self.fill_here("key-logs", &arguments);
            self.ask_key(&security.key, &format!("pipeline {}", pipeline.name), asked);
            self.security.insert(name.clone(), security.clone());
        }
        JobLogs { names, groups, security: security.map(|(name, _)| name) }
    }

    /// The security configuration of a job whose role is ours, and its name. A key that is not ours
    /// would have to let CloudWatch in, which is for its owner to do.
    fn security_of(&self, pipeline: &Pipeline) -> Option<(String, Security)> {
        if pipeline.role.is_some() {
            return None;
        }
        let written = self.keys_of(&pipeline.write);
        let all = written.iter().cloned().chain(self.keys_of(&pipeline.read));
        let key = all.flatten().next()?;
        let data = !written.is_empty() && written.iter().all(|own| own.as_ref() == Some(&key));
        let generation = self.lake.keys.get(&key)?.generation;
        let mut name = self.lake.naming.generation(key.as_str(), generation);
        if !data {
            name.push_str("_logs");
        }
        Some((name, Security { key, data }))
    }

    /// The key of ours, if one is, for each bucket that the places lie in.
    fn keys_of(&self, places: &[At<Place>]) -> Vec<Option<Name>> {
        let key = |location: &Location| {
            let key = self.bucket(location).key()?;
            self.lake.keys.get(key).filter(|key| key.existing.is_none())?;
            Some(key.clone())
        };
        let mut keys = Vec::new();
        for place in places {
            match &place.value {
                Place::Objects(location) => keys.push(key(location)),
                Place::Database(name) => keys.extend(self.locations_of(name).iter().map(key)),
                Place::Table { database, table } => {
                    keys.extend(self.find_table(database, table).map(|t| key(&t.location)));
                }
                Place::Stream(_) => {}
            }
        }
        keys
    }

    /// The security configurations that jobs asked for. CloudFormation cannot change one, so its name
    /// says all that it depends on. One that no job needs any more goes with the catalog, before the stacks of the jobs are
    /// updated: Glue lets one go that is in use (DeleteSecurityConfiguration names no error for that,
    /// <https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-security.html>), so that no apply fails; a run that
    /// begins in these minutes does.
    pub(super) fn security_configurations(&mut self) {
        for (name, security) in std::mem::take(&mut self.security) {
            let arn = graph::attribute(&key_id(&security.key), "Arn");
            let mut encryption = Map::new();
            encryption.insert(
                "CloudWatchEncryption",
                document!({"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": (arn.clone())}),
            );
            if security.data {
                let data = document!({"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": arn});
                encryption.insert("S3Encryptions", vec![data]);
            }
            let path = format!("keys.{}", security.key);
            let mut resource = crate::graph::Resource::new(
                security.id(),
                "AWS::Glue::SecurityConfiguration",
                &self.lake.home.region,
                // Jobs of several stacks share it: in one of theirs, two stacks could need each other.
                Part::Catalog,
                path,
            );
            resource.set("Name", name.clone()).set("EncryptionConfiguration", encryption);
            resource.knows("Ref", name);
            self.graph.add(resource);
        }
    }
}

/// The name of the role that the job runs as, without its path.
fn role_name(pipeline: &Pipeline) -> &str {
    match pipeline.role.as_ref().map(|at| &at.value) {
        Some(Principal::Role { name, .. }) => name.rsplit('/').next().unwrap_or(name),
        _ => &pipeline.role_name,
    }
}
