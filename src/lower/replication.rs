//! Replication: role and policy here, destination bucket and key in a stack of the second region.

use super::base::{log_bucket_id, log_prefix};
use super::s3::{CAUSES, Shape, lifecycle, object_lock};
use super::{Lowering, some};
use crate::document;
use crate::document::Value;
use crate::graph::{self, Part, Resource};
use crate::lake::Bucket;
use crate::lake::naming::logical_id;
use crate::lake::places::{Encryption, Replica};
use crate::names::LogicalId;
use crate::policy::grant::Grantee;
use crate::policy::{Argument, limit};

/// The role that S3 acts as when it copies objects of a bucket.
fn role_id(bucket: &Bucket) -> LogicalId {
    logical_id("RoleReplicationBucket", &[bucket.name.as_str()])
}

/// The copy of a bucket.
pub(super) fn replica_id(bucket: &Bucket, replica: &Replica) -> LogicalId {
    logical_id("ReplicaBucket", &[bucket.name.as_str(), replica.region.as_str()])
}

impl Lowering<'_> {
    pub(super) fn replication(&mut self) {
        let lake = self.lake;
        for bucket in lake.buckets.values() {
            if let Some(replica) = &bucket.replica {
                self.from(format!("{}.replicate", bucket.path()), |lowering| {
                    lowering.destination(bucket, replica);
                    lowering.replication_role(bucket, replica);
                });
            }
        }
    }

    /// The name of the role: others (key policies) refer to it before it exists.
    fn replication_role_name(&self, bucket: &Bucket) -> String {
        let name = self.lake.naming.thing(&format!("{}-copy", bucket.name));
        name.chars().take(64).collect()
    }

    fn replication_role(&mut self, bucket: &Bucket, replica: &Replica) {
        let path = format!("{}.replicate", bucket.path());
        let name = self.replication_role_name(bucket);
        let arn = self.lake.home.iam_arn(None, "role", &name);
        let trust = self.fill_here("trust-s3-replication", &[]);
        let role = self.own_role(
            role_id(bucket),
            Part::Storage,
            &path,
            &name,
            format!("Copies bucket {} to {}", bucket.name, replica.region),
            trust,
        );
        self.graph.add(role);

        let source = self.bucket_arn(&bucket.bucket_name);
        let target = self.bucket_arn(&replica.bucket_name);
        let prefix = replica.prefix.clone();
        let mut statements = self.fill_here(
            "s3-replicate-source",
            &[("bucket", (&source).into()), ("prefix", vec![prefix.clone()].into())],
        );
        statements.extend(self.fill(
            "s3-replicate-target",
            &replica.region,
            &[("bucket", (&target).into()), ("prefix", vec![prefix].into())],
        ));
        if let Some(key) = bucket.key() {
            let arguments: Vec<(&str, Argument)> = vec![
                ("buckets", vec![source.clone()].into()),
                ("key", vec![self.key_arn(key)].into()),
            ];
            statements.extend(self.fill_here("kms-decrypt", &arguments));
            let grantee = Grantee::Principals {
                partition: self.lake.home.partition.to_owned(),
                account: self.lake.home.account.to_string(),
                arns: vec![arn],
            };
            let asked = self.fill_here(
                "key-decrypt",
                &[("buckets", vec![source].into()), ("grantee", grantee.into())],
            );
            self.ask_key(key, &format!("copy {}", bucket.name), asked);
            let replica_key =
                logical_id("KeyReplicaBucket", &[bucket.name.as_str(), replica.region.as_str()]);
            statements.extend(self.fill(
                "kms-replicate-target",
                &replica.region,
                &[
                    ("buckets", vec![target].into()),
                    ("key", vec![graph::attribute(&replica_key, "Arn")].into()),
                ],
            ));
        }
        self.managed_policies(
            "PolicyRoleReplicationBucket",
            &[bucket.name.as_str()],
            Part::Storage,
            &path,
            ("Roles", graph::reference(&role_id(bucket))),
            statements,
            bucket.span,
        );
    }

    /// What the source bucket says (S3 API reference, ReplicationConfiguration, V2).
    pub(super) fn replication_rules(&self, bucket: &Bucket, replica: &Replica) -> Value {
        let encrypted = bucket.key().map(|_| {
            let key =
                logical_id("KeyReplicaBucket", &[bucket.name.as_str(), replica.region.as_str()]);
            document!({"ReplicaKmsKeyID": (graph::attribute(&key, "Arn"))})
        });
        let minutes = || document!({"Minutes": 15});
        let destination = some([
            ("Bucket", Some(graph::attribute(&replica_id(bucket, replica), "Arn"))),
            ("Account", None),
            ("StorageClass", replica.storage_class.map(Value::from)),
            ("EncryptionConfiguration", encrypted),
            (
                "ReplicationTime",
                replica.time_control.then(|| document!({"Status": "Enabled", "Time": (minutes())})),
            ),
            (
                "Metrics",
                replica
                    .time_control
                    .then(|| document!({"Status": "Enabled", "EventThreshold": (minutes())})),
            ),
        ]);
        let selection =
            bucket.key().map(|_| document!({"SseKmsEncryptedObjects": {"Status": "Enabled"}}));
        let deletions = if replica.delete_markers { "Enabled" } else { "Disabled" };
        let rule = some([
            ("Id", Some(format!("to-{}", replica.region).into())),
            ("Status", Some("Enabled".into())),
            ("Priority", Some(1.into())),
            ("Filter", Some(document!({"Prefix": (replica.prefix.clone())}))),
            ("DeleteMarkerReplication", Some(document!({"Status": deletions}))),
            ("SourceSelectionCriteria", selection),
            ("Destination", Some(Value::Map(destination))),
        ]);
        document!({
            "Role": (graph::attribute(&role_id(bucket), "Arn")),
            "Rules": (Value::List(vec![Value::Map(rule)]))
        })
    }

    /// The copy: as the original, in the second region, with a key and a log bucket of its own.
    fn destination(&mut self, bucket: &Bucket, replica: &Replica) {
        let path = format!("{}.replicate", bucket.path());
        let arn = self.bucket_arn(&replica.bucket_name);
        let role = self.lake.home.iam_arn(None, "role", &self.replication_role_name(bucket));
        let shape = Shape::private(&replica.bucket_name).versioned();
        let shape = match &bucket.encryption {
            Encryption::Key(_) => {
                let grantee = Grantee::Principals {
                    partition: self.lake.home.partition.to_owned(),
                    account: self.lake.home.account.to_string(),
                    arns: vec![role],
                };
                let asked = self.fill(
                    "key-replicate-target",
                    &replica.region,
                    &[("buckets", vec![arn.clone()].into()), ("grantee", grantee.into())],
                );
                let key = self.replica_key(bucket, replica, asked);
                shape.kms(graph::attribute(&key, "Arn"), bucket.bucket_key)
            }
            Encryption::AwsManaged => shape.kms_managed(),
            Encryption::S3 => shape.s3_managed(),
        };
        let id = replica_id(bucket, replica);
        let mut resource = Resource::new(
            id.clone(),
            "AWS::S3::Bucket",
            &replica.region,
            Part::Storage,
            path.clone(),
        );
        shape.apply(&mut resource);
        // The copy is as the original is: so are the reasons.
        for property in
            ["ObjectLockConfiguration", "LifecycleConfiguration", "LoggingConfiguration", "Tags"]
        {
            let from = CAUSES.iter().find(|(own, _)| *own == property).map_or("", |(_, from)| from);
            resource.caused(property, format!("{}{from}", bucket.path()));
        }
        if let Some(lock) = &bucket.lock {
            resource
                .set("ObjectLockEnabled", true)
                .set("ObjectLockConfiguration", object_lock(lock));
        }
        let rules = lifecycle(&bucket.retention, bucket.abort_uploads_days);
        if !rules.is_empty() {
            resource.set("LifecycleConfiguration", document!({"Rules": (Value::List(rules))}));
        }
        if bucket.access_logs {
            let log = log_bucket_id(self, &replica.region);
            resource.set(
                "LoggingConfiguration",
                document!({
                    "DestinationBucketName": (graph::reference(&log)),
                    "LogFilePrefix": (log_prefix(&replica.bucket_name))
                }),
            );
        }
        if let Some(tags) = self.tags(&bucket.tags) {
            resource.set("Tags", tags);
        }
        resource.keep = bucket.protect;
        resource.knows("Ref", replica.bucket_name.as_str()).knows("Arn", arn);
        self.graph.add(resource);

        let reference = graph::attribute(&id, "Arn");
        let mut statements = self.fill(
            "bucket-deny-insecure-transport",
            &replica.region,
            &[("bucket", reference.clone().into())],
        );
        statements.extend(self.perimeter(bucket, reference.clone()));
        let copier = self.lake.home.iam_arn(None, "role", &self.replication_role_name(bucket));
        statements.extend(self.guards_of_copy(bucket, replica, &reference, copier));
        let what = format!("the policy of bucket `{}`", replica.bucket_name);
        let document = self.policy(statements, limit::BUCKET_POLICY, &what, replica.span, &path);
        let names = [bucket.name.as_str(), replica.region.as_str()];
        let policy_id = logical_id("PolicyReplicaBucket", &names);
        let mut policy =
            Resource::new(policy_id, "AWS::S3::BucketPolicy", &replica.region, Part::Storage, path);
        policy.set("Bucket", graph::reference(&id)).set_policy("PolicyDocument", &document);
        policy.keep = bucket.protect;
        self.graph.add(policy);
    }
}
