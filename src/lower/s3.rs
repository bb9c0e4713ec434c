//! Buckets and their policies.

use super::base::{log_bucket_id, log_prefix};
use super::{Lowering, bucket_id, some};
use crate::document;
use crate::document::{Map, Value};
use crate::graph::{self, Part, Resource};
use crate::lake::Bucket;
use crate::lake::naming::logical_id;
use crate::lake::places::{Encryption, Lock};
use crate::names::BucketName;
use crate::policy::{Statement, limit};
use crate::spec::buckets::{Retention, Then};

/// Which key of a bucket each of its properties comes from, whether it is set or not.
pub(super) const CAUSES: [(&str, &str); 11] = [
    ("BucketEncryption", ".encryption"),
    ("BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled", ".bucket_key"),
    ("VersioningConfiguration", ".versioning"),
    ("ObjectLockEnabled", ".lock"),
    ("ObjectLockConfiguration", ".lock"),
    ("LifecycleConfiguration", ".retention"),
    ("LifecycleConfiguration.Rules.[abort-uploads]", ".abort_uploads"),
    ("LoggingConfiguration", ".access_logs"),
    ("NotificationConfiguration", ".events"),
    ("ReplicationConfiguration", ".replicate"),
    ("Tags", ".tags"),
];

/// What every bucket of a lake has in common: private, ACLs off, encrypted.
pub(super) struct Shape(Map);

impl Shape {
    /// A private bucket of this name.
    pub(super) fn private(name: &BucketName) -> Self {
        let mut map = Map::new();
        map.insert("BucketName", name);
        map.insert("PublicAccessBlockConfiguration", access_block());
        map.insert(
            "OwnershipControls",
            document!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
        );
        Shape(map)
    }

    pub(super) fn versioned(mut self) -> Self {
        self.0.insert("VersioningConfiguration", document!({"Status": "Enabled"}));
        self
    }

    /// SSE-KMS with the key that AWS manages for S3.
    pub(super) fn kms_managed(self) -> Self {
        self.encrypted(document!({"SSEAlgorithm": "aws:kms"}), true)
    }

    /// SSE-S3.
    pub(super) fn s3_managed(self) -> Self {
        self.encrypted(document!({"SSEAlgorithm": "AES256"}), false)
    }

    /// SSE-KMS with a key of the lake.
    pub(super) fn kms(self, key: Value, bucket_key: bool) -> Self {
        self.encrypted(document!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}), bucket_key)
    }

    fn encrypted(mut self, by: Value, bucket_key: bool) -> Self {
        let mut rule = Map::new();
        rule.insert("ServerSideEncryptionByDefault", by);
        if bucket_key {
            rule.insert("BucketKeyEnabled", true);
        }
        self.0.insert("BucketEncryption", document!({"ServerSideEncryptionConfiguration": [rule]}));
        self
    }

    /// Sets these properties.
    pub(super) fn apply(self, bucket: &mut Resource) {
        for (property, value) in self.0 {
            bucket.set(property, value);
        }
    }
}

/// All four switches of Block Public Access.
pub(super) fn access_block() -> Value {
    document!({
        "BlockPublicAcls": true, "BlockPublicPolicy": true,
        "IgnorePublicAcls": true, "RestrictPublicBuckets": true
    })
}

/// Access logs expire after so many days.
pub(super) fn log_expiry(days: i64) -> Value {
    document!({"Rules": [
        {"Id": "abort-uploads", "Status": "Enabled",
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {"Id": "expire", "Status": "Enabled", "ExpirationInDays": days,
         "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}
    ]})
}

impl Lowering<'_> {
    /// Every bucket of ours, with what flows have asked of its policy.
    pub(super) fn buckets(&mut self) {
        let lake = self.lake;
        for bucket in lake.buckets.values().filter(|bucket| !bucket.existing) {
            self.own_bucket(bucket);
            self.bucket_policy(bucket);
        }
    }

    fn own_bucket(&mut self, bucket: &Bucket) {
        let id = bucket_id(&bucket.name);
        let region = &self.lake.home.region;
        let mut resource =
            Resource::new(id, "AWS::S3::Bucket", region, Part::Storage, bucket.path());
        let shape = Shape::private(&bucket.bucket_name);
        let shape = match &bucket.encryption {
            Encryption::Key(key) => shape.kms(self.key_arn(key), bucket.bucket_key),
            Encryption::AwsManaged if bucket.bucket_key => shape.kms_managed(),
            Encryption::AwsManaged => {
                shape.encrypted(document!({"SSEAlgorithm": "aws:kms"}), false)
            }
            Encryption::S3 => shape.s3_managed(),
        };
        shape.apply(&mut resource);
        // A bucket that was made for another thing has none of a bucket's keys.
        for (property, from) in CAUSES.into_iter().filter(|_| bucket.of.is_none()) {
            resource.caused(property, from);
        }
        let name = if bucket.generation > 1 { ".generation" } else { ".name" };
        match &bucket.of {
            None => resource.caused("BucketName", name),
            Some(_) => resource.caused("BucketEncryption", ".encryption"),
        };
        resource.set("VersioningConfiguration", versioning(bucket.versioning));
        if let Some(lock) = &bucket.lock {
            resource.set("ObjectLockEnabled", true);
            resource.set("ObjectLockConfiguration", object_lock(lock));
        }
        let mut rules = lifecycle(&bucket.retention, bucket.abort_uploads_days);
        for (rule, id, from) in self.results_expire(bucket) {
            resource.caused(format!("LifecycleConfiguration.Rules.[{id}]"), from);
            rules.push(rule);
        }
        if !rules.is_empty() {
            resource.set("LifecycleConfiguration", document!({"Rules": (Value::List(rules))}));
        }
        for at in 0..bucket.retention.len() {
            let rule = format!("LifecycleConfiguration.Rules.[rule-{}]", at + 1);
            resource.caused(rule, format!(".retention[{at}]"));
        }
        if bucket.access_logs {
            let log = log_bucket_id(self, region);
            resource.set(
                "LoggingConfiguration",
                document!({
                    "DestinationBucketName": (graph::reference(&log)),
                    "LogFilePrefix": (log_prefix(&bucket.bucket_name))
                }),
            );
        }
        if bucket.events {
            resource.set(
                "NotificationConfiguration",
                document!({"EventBridgeConfiguration": {"EventBridgeEnabled": true}}),
            );
        }
        if let Some(replica) = &bucket.replica {
            let rules = self.replication_rules(bucket, replica);
            resource.set("ReplicationConfiguration", rules);
            resource.after.push(logical_id("PolicyRoleReplicationBucket", &[bucket.name.as_str()]));
        }
        let mut metrics: Vec<Value> = Vec::new();
        for (id, prefix, alarm) in self.request_filters(bucket) {
            resource.caused(format!("MetricsConfigurations.[{id}]"), alarm);
            let prefix = (!prefix.is_empty()).then(|| prefix.into());
            metrics.push(Value::Map(some([("Id", Some(id.into())), ("Prefix", prefix)])));
        }
        if !metrics.is_empty() {
            resource.set("MetricsConfigurations", Value::List(metrics));
        }
        if let Some(tags) = self.tags(&bucket.tags) {
            resource.set("Tags", tags);
        }
        resource.keep = bucket.protect;
        resource
            .knows("Ref", bucket.bucket_name.as_str())
            .knows("Arn", self.bucket_arn(&bucket.bucket_name));
        self.graph.add(resource);
    }

    fn bucket_policy(&mut self, bucket: &Bucket) {
        let id = bucket_id(&bucket.name);
        let mut statements = self.denials(bucket, graph::attribute(&id, "Arn"));
        statements.extend(self.buckets.remove(&bucket.name).unwrap_or_default());
        let what = format!("the policy of bucket `{}`", bucket.name);
        let document =
            self.policy(statements, limit::BUCKET_POLICY, &what, bucket.span, &bucket.path());
        let mut policy = self.resource(
            "AWS::S3::BucketPolicy",
            "PolicyBucket",
            &[bucket.name.as_str()],
            Part::Storage,
            &bucket.path(),
        );
        policy.set("Bucket", graph::reference(&id)).set_policy("PolicyDocument", &document);
        // Without its policy a kept bucket would be open to plain HTTP and to other keys.
        policy.keep = bucket.protect;
        self.graph.add(policy);
    }

    /// What nobody may do with a bucket, whoever else lets them.
    fn denials(&self, bucket: &Bucket, arn: Value) -> Vec<Statement> {
        let mut statements =
            self.fill_here("bucket-deny-insecure-transport", &[("bucket", arn.clone().into())]);
        if let Some(key) = bucket.key() {
            let arguments = [("bucket", arn.clone().into()), ("key", self.key_arn(key).into())];
            let denials = self.fill_here("bucket-deny-wrong-key", &arguments);
            let from = format!("{}.encryption", bucket.path());
            statements.extend(denials.into_iter().map(|statement| statement.from(&from)));
        }
        statements.extend(self.perimeter(bucket, arn.clone()));
        statements.extend(self.guards(bucket, arn));
        statements
    }

    /// The organization perimeter, if the bucket has one.
    pub(super) fn perimeter(&self, bucket: &Bucket, arn: Value) -> Vec<Statement> {
        let (Some(perimeter), Some(organization)) = (&bucket.perimeter, &self.lake.organization)
        else {
            return Vec::new();
        };
        let mut accounts = vec![self.lake.home.account.to_string()];
        accounts.extend(organization.trusted.keys().map(ToString::to_string));
        accounts
            .extend(perimeter.except.iter().filter_map(|who| super::iam::account_of(&who.value)));
        accounts.sort();
        accounts.dedup();
        let denials = self.fill_here(
            "bucket-deny-outside-organization",
            &[
                ("bucket", arn.into()),
                ("org_id", organization.id.value.0.clone().into()),
                ("accounts", accounts.into()),
            ],
        );
        let from = format!("{}.perimeter", bucket.path());
        denials.into_iter().map(|statement| statement.from(&from)).collect()
    }
}

fn versioning(on: bool) -> Value {
    document!({"Status": (if on { "Enabled" } else { "Suspended" })})
}

/// Object Lock's default retention (S3 API reference, ObjectLockConfiguration).
pub(super) fn object_lock(lock: &Lock) -> Value {
    document!({
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {
            "Mode": (lock.mode.as_str().to_uppercase()), "Days": (lock.days)
        }}
    })
}

/// One lifecycle rule for each rule of the spec, in its order, and one for multipart uploads.
pub(super) fn lifecycle(retention: &[Retention], abort_days: Option<i64>) -> Vec<Value> {
    let mut rules: Vec<Value> = Vec::new();
    if let Some(days) = abort_days {
        rules.push(document!({
            "Id": "abort-uploads", "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}
        }));
    }
    for (at, rule) in retention.iter().enumerate() {
        rules.push(Value::Map(lifecycle_rule(at, rule)));
    }
    rules
}

fn lifecycle_rule(at: usize, rule: &Retention) -> Map {
    let mut map = some([
        ("Id", Some(format!("rule-{}", at + 1).into())),
        ("Status", Some("Enabled".into())),
        ("Prefix", rule.prefix.as_ref().map(|prefix| prefix.value.0.clone().into())),
        // S3 takes the bound as text (S3 API reference, LifecycleRuleAndOperator).
        (
            "ObjectSizeGreaterThan",
            rule.larger_than.as_ref().map(|size| size.value.0.to_string().into()),
        ),
    ]);
    let newest = rule.keep_newest.as_ref().map(|n| Value::from(n.value.0));
    match (rule.after.as_ref(), rule.noncurrent.as_ref(), rule.then.value) {
        (Some(after), _, Then::Expire) => {
            map.insert("ExpirationInDays", after.value.days());
        }
        (Some(after), _, class) => {
            map.insert(
                "Transitions",
                document!([{"StorageClass": (class.as_str()), "TransitionInDays": (after.value.days())}]),
            );
        }
        (None, Some(age), Then::Expire) => {
            let expiry = some([
                ("NoncurrentDays", Some(age.value.days().into())),
                ("NewerNoncurrentVersions", newest),
            ]);
            map.insert("NoncurrentVersionExpiration", expiry);
        }
        (None, Some(age), class) => {
            let step = some([
                ("StorageClass", Some(class.as_str().into())),
                ("TransitionInDays", Some(age.value.days().into())),
                ("NewerNoncurrentVersions", newest),
            ]);
            map.insert("NoncurrentVersionTransitions", Value::List(vec![Value::Map(step)]));
        }
        // Reported by the check of lifecycles.
        (None, None, _) => {}
    }
    map
}
