//! A bucket's replication in CloudFormation's words (AWS::S3::Bucket ReplicationConfiguration).

use aws_sdk_s3 as s3;
use s3::types::{Destination, ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter};

use super::{some_map, tags, text};
use crate::document::{Map, Value};

/// The role and the rules, in the order that S3 keeps.
pub(super) fn properties(configuration: &ReplicationConfiguration) -> Value {
    let mut map = Map::new();
    map.insert("Role", configuration.role().to_owned());
    map.insert("Rules", configuration.rules().iter().map(rule).collect::<Value>());
    map.into()
}

fn status(text: &str) -> Value {
    let mut map = Map::new();
    map.insert("Status", text.to_owned());
    map.into()
}

fn rule(rule: &ReplicationRule) -> Value {
    let mut map = Map::new();
    map.insert_some("Id", text(rule.id()));
    map.insert_some("Priority", rule.priority());
    #[allow(deprecated)] // rules of the first version of the schema have their prefix here
    map.insert_some("Prefix", text(rule.prefix()));
    map.insert_some("Filter", rule.filter().map(filter));
    map.insert("Status", rule.status().as_str().to_owned());
    if let Some(criteria) = rule.source_selection_criteria() {
        let mut inner = Map::new();
        inner.insert_some(
            "SseKmsEncryptedObjects",
            criteria.sse_kms_encrypted_objects().map(|it| status(it.status().as_str())),
        );
        inner.insert_some(
            "ReplicaModifications",
            criteria.replica_modifications().map(|it| status(it.status().as_str())),
        );
        map.insert_some("SourceSelectionCriteria", some_map(inner));
    }
    map.insert_some("Destination", rule.destination().map(destination));
    map.insert_some(
        "DeleteMarkerReplication",
        rule.delete_marker_replication().and_then(|it| it.status()).map(|it| status(it.as_str())),
    );
    map.into()
}

fn filter(filter: &ReplicationRuleFilter) -> Value {
    let mut map = Map::new();
    if let Some(and) = filter.and() {
        let mut inner = Map::new();
        inner.insert_some("Prefix", and.prefix().map(str::to_owned));
        let pairs = and.tags().iter().map(|tag| (tag.key(), tag.value()));
        inner.insert_some("TagFilters", tags(pairs));
        map.insert("And", inner);
    } else if let Some(tag) = filter.tag() {
        let mut inner = Map::new();
        inner.insert("Key", tag.key().to_owned());
        inner.insert("Value", tag.value().to_owned());
        map.insert("TagFilter", inner);
    } else {
        // the empty prefix means all objects and has to be said
        map.insert("Prefix", filter.prefix().unwrap_or_default().to_owned());
    }
    map.into()
}

fn destination(to: &Destination) -> Value {
    let mut map = Map::new();
    map.insert("Bucket", to.bucket().to_owned());
    map.insert_some("Account", text(to.account()));
    map.insert_some("StorageClass", to.storage_class().map(|it| it.as_str().to_owned()));
    if let Some(translation) = to.access_control_translation() {
        let mut inner = Map::new();
        inner.insert("Owner", translation.owner().as_str().to_owned());
        map.insert("AccessControlTranslation", inner);
    }
    if let Some(encryption) = to.encryption_configuration() {
        let mut inner = Map::new();
        inner.insert_some("ReplicaKmsKeyID", text(encryption.replica_kms_key_id()));
        map.insert("EncryptionConfiguration", inner);
    }
    let minutes = |minutes: Option<i32>| {
        let mut map = Map::new();
        map.insert_some("Minutes", minutes);
        some_map(map)
    };
    if let Some(time) = to.replication_time() {
        let mut inner = Map::new();
        inner.insert("Status", time.status().as_str().to_owned());
        inner.insert_some("Time", time.time().and_then(|it| minutes(it.minutes())));
        map.insert("ReplicationTime", inner);
    }
    if let Some(metrics) = to.metrics() {
        let mut inner = Map::new();
        inner.insert("Status", metrics.status().as_str().to_owned());
        inner.insert_some(
            "EventThreshold",
            metrics.event_threshold().and_then(|it| minutes(it.minutes())),
        );
        map.insert("Metrics", inner);
    }
    map.into()
}
