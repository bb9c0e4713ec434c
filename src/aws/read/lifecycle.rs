//! A bucket's lifecycle rules in CloudFormation's words (AWS::S3::Bucket LifecycleConfiguration).

use aws_sdk_s3 as s3;
use s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use s3::types::{LifecycleRule, TransitionDefaultMinimumObjectSize};

use super::super::stacks::printed;
use super::{some_list, some_map, tags, text};
use crate::document::{Map, Value};

/// The rules, in the order that S3 keeps. The smallest object that transitions is told where it is
/// not S3's default, 128 KB in all classes.
pub(super) fn properties(answer: &GetBucketLifecycleConfigurationOutput) -> Option<Value> {
    let mut map = Map::new();
    map.insert_some("Rules", some_list(answer.rules().iter().map(rule).collect()));
    map.insert_some(
        "TransitionDefaultMinimumObjectSize",
        answer
            .transition_default_minimum_object_size()
            .filter(|size| **size != TransitionDefaultMinimumObjectSize::AllStorageClasses128K)
            .map(|size| size.as_str().to_owned()),
    );
    some_map(map)
}

fn rule(rule: &LifecycleRule) -> Value {
    let mut map = Map::new();
    map.insert_some("Id", text(rule.id()));
    map.insert("Status", rule.status().as_str().to_owned());
    prefix_and_filter(rule, &mut map);

    if let Some(expiration) = rule.expiration() {
        // S3 tells 0 days for a rule that removes delete markers only
        map.insert_some("ExpirationInDays", expiration.days().filter(|days| *days > 0));
        map.insert_some("ExpirationDate", expiration.date().map(printed));
        map.insert_some(
            "ExpiredObjectDeleteMarker",
            expiration.expired_object_delete_marker().filter(|on| *on),
        );
    }
    let transitions = rule.transitions().iter().map(|transition| {
        let mut map = Map::new();
        map.insert_some(
            "StorageClass",
            transition.storage_class().map(|class| class.as_str().to_owned()),
        );
        map.insert_some("TransitionInDays", transition.days());
        map.insert_some("TransitionDate", transition.date().map(printed));
        Value::from(map)
    });
    map.insert_some("Transitions", some_list(transitions.collect()));

    let transitions = rule.noncurrent_version_transitions().iter().map(|transition| {
        let mut map = Map::new();
        map.insert_some(
            "StorageClass",
            transition.storage_class().map(|class| class.as_str().to_owned()),
        );
        map.insert_some("TransitionInDays", transition.noncurrent_days());
        map.insert_some("NewerNoncurrentVersions", transition.newer_noncurrent_versions());
        Value::from(map)
    });
    map.insert_some("NoncurrentVersionTransitions", some_list(transitions.collect()));

    if let Some(expiration) = rule.noncurrent_version_expiration() {
        let mut inner = Map::new();
        inner.insert_some("NoncurrentDays", expiration.noncurrent_days());
        inner.insert_some("NewerNoncurrentVersions", expiration.newer_noncurrent_versions());
        map.insert_some("NoncurrentVersionExpiration", some_map(inner));
    }
    if let Some(abort) = rule.abort_incomplete_multipart_upload() {
        let mut inner = Map::new();
        inner.insert_some("DaysAfterInitiation", abort.days_after_initiation());
        map.insert_some("AbortIncompleteMultipartUpload", some_map(inner));
    }
    map.into()
}

/// The API has a filter with one condition or an `And` of several; CloudFormation has them side by
/// side in the rule, sizes as texts.
fn prefix_and_filter(rule: &LifecycleRule, map: &mut Map) {
    #[allow(deprecated)] // older rules have their prefix outside the filter
    let outside = rule.prefix();
    let filter = rule.filter();
    let and = filter.and_then(|filter| filter.and());
    let prefix = outside
        .or_else(|| filter.and_then(|filter| filter.prefix()))
        .or_else(|| and.and_then(|and| and.prefix()));
    map.insert_some("Prefix", text(prefix));
    let one = filter.and_then(|filter| filter.tag()).into_iter();
    let several = and.map_or(&[][..], |and| and.tags()).iter();
    let pairs = one.chain(several).map(|tag| (tag.key(), tag.value()));
    map.insert_some("TagFilters", tags(pairs));
    let larger = filter
        .and_then(|filter| filter.object_size_greater_than())
        .or_else(|| and.and_then(|and| and.object_size_greater_than()));
    map.insert_some("ObjectSizeGreaterThan", larger.map(|size| size.to_string()));
    let smaller = filter
        .and_then(|filter| filter.object_size_less_than())
        .or_else(|| and.and_then(|and| and.object_size_less_than()));
    map.insert_some("ObjectSizeLessThan", smaller.map(|size| size.to_string()));
}
