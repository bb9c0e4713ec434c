//! The base stack of each region: the bucket that lakewright itself needs, and the one for access
//! logs. Both are there before anything else.

use super::Lowering;
use super::s3::{Shape, log_expiry};
use crate::document;
use crate::graph::{self, Part, Resource};
use crate::lake::naming::logical_id;
use crate::names::{BucketName, LogicalId, Region};
use crate::policy::{Statement, limit};
use crate::source::Span;

/// The logical id of the log bucket; each region has one of its own.
pub(super) fn log_bucket_id(lowering: &Lowering, region: &Region) -> LogicalId {
    logical_id("LogBucket", &region_words(lowering, region))
}

/// The name of the log bucket of a region.
pub(super) fn log_bucket_name(lowering: &Lowering, region: &Region) -> BucketName {
    let name = format!("{}-{region}", lowering.lake.naming.thing("logs"));
    BucketName::new(name).expect("invariant: the check of names holds for the base buckets too")
}

/// Logical ids are unique in the lake: those of other regions carry the region.
pub(super) fn region_words<'r>(lowering: &Lowering, region: &'r Region) -> Vec<&'r str> {
    if *region == lowering.lake.home.region { Vec::new() } else { vec![region.as_str()] }
}

/// The days that CloudWatch Logs can keep a group for: its API reference, PutRetentionPolicy,
/// retentionInDays.
const RETENTIONS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// The retention of a log group whose logs are to be kept for so many days: never less.
pub(super) fn retention_in_days(days: i64) -> i64 {
    RETENTIONS.into_iter().find(|known| *known >= days).unwrap_or(3653)
}

/// Below this prefix log delivery may write, and nowhere else.
const ACCESS_LOGS: &str = "access/";

/// Where the access logs of a bucket go in the log bucket.
pub(super) fn log_prefix(bucket: &BucketName) -> String {
    format!("{ACCESS_LOGS}{bucket}/")
}

impl Lowering<'_> {
    pub(super) fn base(&mut self) {
        for region in self.lake.regions() {
            if self.lake.home.base_bucket.is_none() || region != self.lake.home.region {
                self.base_bucket(&region);
            }
            self.log_bucket(&region);
        }
    }

    /// Templates and scripts under the hash of their content, the index of stacks, the lock.
    fn base_bucket(&mut self, region: &Region) {
        let name = BucketName::new(self.lake.naming.base_bucket(region))
            .expect("invariant: the check of names holds for the base buckets too");
        let id = logical_id("BaseBucket", &region_words(self, region));
        let mut bucket = Resource::new(id.clone(), "AWS::S3::Bucket", region, Part::Base, "lake");
        Shape::private(&name).kms_managed().versioned().apply(&mut bucket);
        bucket.set(
            "LifecycleConfiguration",
            document!({"Rules": [
                {"Id": "abort-uploads", "Status": "Enabled",
                 "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
                {"Id": "older-versions", "Status": "Enabled",
                 "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}
            ]}),
        );
        let log = log_bucket_id(self, region);
        bucket.set(
            "LoggingConfiguration",
            document!({
                "DestinationBucketName": (graph::reference(&log)),
                "LogFilePrefix": (log_prefix(&name))
            }),
        );
        bucket.after.push(logical_id("PolicyLogBucket", &region_words(self, region)));
        bucket.keep = true;
        bucket.knows("Ref", name.as_str()).knows("Arn", self.bucket_arn(&name));
        let arn = graph::attribute(&id, "Arn");
        let statements =
            self.fill("bucket-deny-insecure-transport", region, &[("bucket", arn.into())]);
        self.graph.add(bucket);
        self.base_policy("PolicyBaseBucket", &id, region, statements, "the base bucket's policy");
    }

    /// The bucket that access logs are delivered to: SSE-S3, since log delivery takes no KMS key
    /// (S3 User Guide, "Enabling Amazon S3 server access logging"), and not logged itself.
    fn log_bucket(&mut self, region: &Region) {
        let id = log_bucket_id(self, region);
        let name = log_bucket_name(self, region);
        let mut bucket = Resource::new(id.clone(), "AWS::S3::Bucket", region, Part::Base, "lake");
        Shape::private(&name).s3_managed().versioned().apply(&mut bucket);
        bucket.set_from("LifecycleConfiguration", "logs.keep", log_expiry(self.lake.log_days));
        bucket.keep = true;
        bucket.knows("Ref", name.as_str()).knows("Arn", self.bucket_arn(&name));

        let logged = self.logged(region);
        let arn = graph::attribute(&id, "Arn");
        let mut statements =
            self.fill("bucket-deny-insecure-transport", region, &[("bucket", arn.clone().into())]);
        if !logged.is_empty() {
            // One statement cannot tie a source to its own prefix, so naming each prefix beside each
            // source would hold nobody to anything and only fill the policy.
            let sources: Vec<String> =
                logged.iter().map(|bucket| self.bucket_arn(bucket)).collect();
            statements.extend(self.from("buckets", |lowering| {
                lowering.fill(
                    "bucket-log-delivery",
                    region,
                    &[
                        ("bucket", arn.into()),
                        ("prefix", vec![ACCESS_LOGS].into()),
                        ("sources", sources.into()),
                    ],
                )
            }));
        }
        self.graph.add(bucket);
        self.base_policy("PolicyLogBucket", &id, region, statements, "the log bucket's policy");
    }

    /// The policy of a bucket of the base stack, kept as long as the bucket is.
    fn base_policy(
        &mut self,
        prefix: &str,
        bucket: &LogicalId,
        region: &Region,
        statements: Vec<Statement>,
        what: &str,
    ) {
        let document = self.policy(statements, limit::BUCKET_POLICY, what, Span::default(), "lake");
        let id = logical_id(prefix, &region_words(self, region));
        let mut policy = Resource::new(id, "AWS::S3::BucketPolicy", region, Part::Base, "lake");
        policy.set("Bucket", graph::reference(bucket)).set_policy("PolicyDocument", &document);
        policy.keep = true;
        self.graph.add(policy);
    }

    /// The buckets of a region that log into its log bucket, ascending.
    fn logged(&self, region: &Region) -> Vec<BucketName> {
        let mut logged = Vec::new();
        if self.lake.home.base_bucket.is_none() || *region != self.lake.home.region {
            logged.extend(BucketName::new(self.lake.naming.base_bucket(region)));
        }
        for bucket in self.lake.buckets.values().filter(|bucket| bucket.access_logs) {
            if *region == self.lake.home.region {
                logged.push(bucket.bucket_name.clone());
            }
            logged.extend(
                bucket
                    .replica
                    .iter()
                    .filter(|replica| replica.region == *region)
                    .map(|replica| replica.bucket_name.clone()),
            );
        }
        logged.sort();
        logged
    }
}

#[cfg(test)]
mod tests {
    use super::retention_in_days;

    #[test]
    fn log_groups_keep_at_least_as_long() {
        let kept = [1, 2, 90, 365, 366, 730, 1825, 3650, 3653].map(retention_in_days);
        assert_eq!(kept, [1, 3, 90, 365, 400, 731, 1827, 3653, 3653]);
    }
}
