//! AWS::S3::Bucket and AWS::S3::BucketPolicy, as S3 tells of them.
//!
//! Each part of a bucket's configuration is a call of its own; one that is not configured is left
//! out, as in a template. The names of properties are those of the CloudFormation Template
//! Reference, which differ from the S3 API's in places.

use aws_sdk_s3 as s3;
use s3::types::{NotificationConfigurationFilter, ObjectLockEnabled};

use super::super::Aws;
use super::super::error::told;
use super::{configured, lifecycle, policy_document, replication, some_list, some_map, tags, text};
use crate::cloud::{CloudError, Reading};
use crate::document::{Map, Value};
use crate::names::Region;

impl Aws {
    pub(super) async fn bucket(&self, region: &Region, name: &str) -> Result<Reading, CloudError> {
        let client = self.s3(region);
        let owner = self.account().as_str();
        let exists = client
            .head_bucket()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 HeadBucket", error));
        match configured(exists) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Reading::Absent),
            // HeadBucket has no body to say it with
            Err(CloudError::Other { code, .. }) if code == "301" => {
                return Err(CloudError::Refused(format!(
                    "the bucket {name} is in another region than {region}"
                )));
            }
            Err(error) => return Err(error),
        }
        let mut bucket = Map::new();
        bucket.insert("BucketName", name.to_owned());

        let versioning = client
            .get_bucket_versioning()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketVersioning", error))?;
        if let Some(status) = versioning.status() {
            let mut map = Map::new();
            map.insert("Status", status.as_str().to_owned());
            bucket.insert("VersioningConfiguration", map);
        }

        let encryption = client
            .get_bucket_encryption()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketEncryption", error));
        let encryption = configured(encryption)?;
        let rules = encryption
            .as_ref()
            .and_then(|answer| answer.server_side_encryption_configuration())
            .map_or(&[][..], |configuration| configuration.rules());
        bucket.insert_some("BucketEncryption", encryption_rules(rules));

        let rules = client
            .get_bucket_lifecycle_configuration()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketLifecycleConfiguration", error));
        if let Some(answer) = configured(rules)? {
            bucket.insert_some("LifecycleConfiguration", lifecycle::properties(&answer));
        }

        let block = client
            .get_public_access_block()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetPublicAccessBlock", error));
        if let Some(answer) = configured(block)?
            && let Some(block) = answer.public_access_block_configuration()
        {
            let mut map = Map::new();
            map.insert_some("BlockPublicAcls", block.block_public_acls());
            map.insert_some("BlockPublicPolicy", block.block_public_policy());
            map.insert_some("IgnorePublicAcls", block.ignore_public_acls());
            map.insert_some("RestrictPublicBuckets", block.restrict_public_buckets());
            bucket.insert("PublicAccessBlockConfiguration", map);
        }

        let ownership = client
            .get_bucket_ownership_controls()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketOwnershipControls", error));
        if let Some(answer) = configured(ownership)?
            && let Some(controls) = answer.ownership_controls()
        {
            let rules = controls.rules().iter().map(|rule| {
                let mut map = Map::new();
                map.insert("ObjectOwnership", rule.object_ownership().as_str().to_owned());
                map
            });
            let mut map = Map::new();
            map.insert("Rules", rules.collect::<Value>());
            bucket.insert("OwnershipControls", map);
        }

        let logging = client
            .get_bucket_logging()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketLogging", error))?;
        bucket
            .insert_some("LoggingConfiguration", logging.logging_enabled().map(logging_properties));

        let notification = client
            .get_bucket_notification_configuration()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketNotificationConfiguration", error))?;
        bucket.insert_some("NotificationConfiguration", notification_properties(&notification));

        let tagging = client
            .get_bucket_tagging()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketTagging", error));
        if let Some(answer) = configured(tagging)? {
            let pairs = answer.tag_set().iter().map(|tag| (tag.key(), tag.value()));
            bucket.insert_some("Tags", tags(pairs));
        }

        let replicated = client
            .get_bucket_replication()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetBucketReplication", error));
        if let Some(answer) = configured(replicated)?
            && let Some(configuration) = answer.replication_configuration()
        {
            let properties = replication::properties(configuration);
            bucket.insert("ReplicationConfiguration", properties);
        }

        let lock = client
            .get_object_lock_configuration()
            .bucket(name)
            .expected_bucket_owner(owner)
            .send()
            .await
            .map_err(|error| told("S3 GetObjectLockConfiguration", error));
        if let Some(answer) = configured(lock)?
            && let Some(lock) = answer.object_lock_configuration()
            && lock.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled)
        {
            bucket.insert("ObjectLockEnabled", true);
            bucket.insert("ObjectLockConfiguration", lock_properties(lock));
        }
        Ok(Reading::Properties(bucket.into()))
    }

    /// A bucket policy's identifier is its bucket.
    pub(super) async fn bucket_policy(
        &self,
        region: &Region,
        bucket: &str,
    ) -> Result<Reading, CloudError> {
        let answer = self
            .s3(region)
            .get_bucket_policy()
            .bucket(bucket)
            .expected_bucket_owner(self.account().as_str())
            .send()
            .await
            .map_err(|error| told("S3 GetBucketPolicy", error));
        let Some(answer) = configured(answer)? else {
            return Ok(Reading::Absent);
        };
        let mut map = Map::new();
        map.insert("Bucket", bucket.to_owned());
        map.insert("PolicyDocument", policy_document(answer.policy().unwrap_or("{}"))?);
        Ok(Reading::Properties(map.into()))
    }
}

fn encryption_rules(rules: &[s3::types::ServerSideEncryptionRule]) -> Option<Value> {
    let rules = rules.iter().map(|rule| {
        let mut map = Map::new();
        if let Some(by_default) = rule.apply_server_side_encryption_by_default() {
            let mut inner = Map::new();
            inner.insert("SSEAlgorithm", by_default.sse_algorithm().as_str().to_owned());
            inner.insert_some("KMSMasterKeyID", text(by_default.kms_master_key_id()));
            map.insert("ServerSideEncryptionByDefault", inner);
        }
        map.insert_some("BucketKeyEnabled", rule.bucket_key_enabled());
        Value::from(map)
    });
    let rules = some_list(rules.collect())?;
    let mut map = Map::new();
    map.insert("ServerSideEncryptionConfiguration", rules);
    Some(map.into())
}

fn logging_properties(logging: &s3::types::LoggingEnabled) -> Map {
    let mut map = Map::new();
    map.insert("DestinationBucketName", logging.target_bucket().to_owned());
    map.insert_some("LogFilePrefix", text(Some(logging.target_prefix())));
    if let Some(format) = logging.target_object_key_format() {
        let mut inner = Map::new();
        if let Some(partitioned) = format.partitioned_prefix() {
            let mut prefix = Map::new();
            prefix.insert_some(
                "PartitionDateSource",
                partitioned.partition_date_source().map(|source| source.as_str().to_owned()),
            );
            inner.insert("PartitionedPrefix", prefix);
        } else if format.simple_prefix().is_some() {
            inner.insert("SimplePrefix", Map::new());
        }
        map.insert_some("TargetObjectKeyFormat", some_map(inner));
    }
    map
}

fn notification_properties(
    answer: &s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput,
) -> Option<Value> {
    let mut map = Map::new();
    if answer.event_bridge_configuration().is_some() {
        let mut inner = Map::new();
        inner.insert("EventBridgeEnabled", true);
        map.insert("EventBridgeConfiguration", inner);
    }
    // the API has a list of events for each target, CloudFormation an entry for each event
    let entry = |target: &'static str,
                 arn: &str,
                 event: &s3::types::Event,
                 filter: Option<&NotificationConfigurationFilter>| {
        let mut entry = Map::new();
        entry.insert("Event", event.as_str().to_owned());
        entry.insert(target, arn.to_owned());
        entry.insert_some("Filter", filter.and_then(key_filter));
        Value::from(entry)
    };
    let mut entries = Vec::new();
    for to in answer.lambda_function_configurations() {
        let (arn, filter) = (to.lambda_function_arn(), to.filter());
        entries.extend(to.events().iter().map(|event| entry("Function", arn, event, filter)));
    }
    map.insert_some("LambdaConfigurations", some_list(entries));
    let mut entries = Vec::new();
    for to in answer.queue_configurations() {
        let (arn, filter) = (to.queue_arn(), to.filter());
        entries.extend(to.events().iter().map(|event| entry("Queue", arn, event, filter)));
    }
    map.insert_some("QueueConfigurations", some_list(entries));
    let mut entries = Vec::new();
    for to in answer.topic_configurations() {
        let (arn, filter) = (to.topic_arn(), to.filter());
        entries.extend(to.events().iter().map(|event| entry("Topic", arn, event, filter)));
    }
    map.insert_some("TopicConfigurations", some_list(entries));
    some_map(map)
}

fn key_filter(filter: &NotificationConfigurationFilter) -> Option<Value> {
    let rules = filter.key()?.filter_rules().iter().map(|rule| {
        let mut map = Map::new();
        map.insert_some("Name", rule.name().map(|name| name.as_str().to_lowercase()));
        map.insert_some("Value", rule.value().map(str::to_owned));
        Value::from(map)
    });
    let rules = some_list(rules.collect())?;
    let mut key = Map::new();
    key.insert("Rules", rules);
    let mut map = Map::new();
    map.insert("S3Key", key);
    Some(map.into())
}

fn lock_properties(lock: &s3::types::ObjectLockConfiguration) -> Map {
    let mut map = Map::new();
    map.insert("ObjectLockEnabled", "Enabled");
    if let Some(retention) = lock.rule().and_then(|rule| rule.default_retention()) {
        let mut inner = Map::new();
        inner.insert_some("Mode", retention.mode().map(|mode| mode.as_str().to_owned()));
        inner.insert_some("Days", retention.days());
        inner.insert_some("Years", retention.years());
        let mut rule = Map::new();
        rule.insert("DefaultRetention", inner);
        map.insert("Rule", rule);
    }
    map
}
