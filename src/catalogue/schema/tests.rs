//! What a schema refuses, and what it lets through.

use super::check;
use crate::document;
use crate::document::Value;

/// `path: message` of every violation.
fn found(name: &str, properties: &str) -> Vec<String> {
    let properties = Value::from_json(properties).expect("a JSON document");
    let violations = check(name, &properties);
    violations.iter().map(|one| format!("{}: {}", one.path.join("/"), one.message)).collect()
}

#[test]
fn an_unknown_property_is_refused_with_what_was_meant() {
    assert_eq!(
        found(
            "AWS::S3::Bucket",
            r#"{"BucketNmae": "x", "VersioningConfiguration": {"Status": "Enabled", "Mfa": 1}}"#
        ),
        [
            "BucketNmae: unknown property `BucketNmae`, did you mean `BucketName`?",
            "VersioningConfiguration/Mfa: unknown property `Mfa`",
        ]
    );
}

#[test]
fn an_unknown_type_is_refused_with_what_was_meant() {
    assert_eq!(
        found("AWS::S3::Buckets", "{}"),
        [
            ": there are no facts about the resource type `AWS::S3::Buckets`, did you mean `AWS::S3::Bucket`?"
        ]
    );
}

#[test]
fn what_is_required_must_be_there() {
    assert_eq!(
        found(
            "AWS::Glue::Table",
            r#"{"CatalogId": {"Ref": "AWS::NoValue"}, "TableInput": {"StorageDescriptor": {"Columns": [{}]}}}"#
        ),
        [
            "TableInput/StorageDescriptor/Columns/0: `Name` is required",
            ": `DatabaseName` is required",
            ": `CatalogId` is required",
        ]
    );
}

#[test]
fn kinds_of_values() {
    assert_eq!(
        found(
            "AWS::Kinesis::Stream",
            r#"{"ShardCount": "two", "RetentionPeriodHours": 1.5, "Name": {}, "Tags": {"a": "b"}}"#
        ),
        [
            "Name: expected a string, found an object",
            "RetentionPeriodHours: expected a whole number, found `1.5`",
            "ShardCount: expected a whole number, found `two`",
            "Tags: expected a list, found an object",
        ]
    );
    // CloudFormation converts scalars; it takes no null
    assert!(found("AWS::Kinesis::Stream", r#"{"ShardCount": "2", "Name": 7}"#).is_empty());
    assert_eq!(
        found("AWS::Kinesis::Stream", r#"{"Name": null}"#),
        ["Name: expected a string, found null"]
    );
    assert!(found("AWS::KMS::Key", r#"{"Enabled": "true"}"#).is_empty());
    assert_eq!(
        found("AWS::KMS::Key", r#"{"Enabled": "yes"}"#),
        ["Enabled: expected true or false, found `yes`"]
    );
}

#[test]
fn values_and_their_bounds() {
    assert_eq!(
        found("AWS::KMS::Key", r#"{"PendingWindowInDays": 5, "KeyUsage": "ENCRYPT_DECRIPT"}"#),
        [
            "KeyUsage: `ENCRYPT_DECRIPT` is not one of `ENCRYPT_DECRYPT`, `GENERATE_VERIFY_MAC`, `KEY_AGREEMENT`, \
             `SIGN_VERIFY`, did you mean `ENCRYPT_DECRYPT`?",
            "PendingWindowInDays: 5 is less than 7",
        ]
    );
    assert_eq!(
        found(
            "AWS::Kinesis::Stream",
            r#"{"Name": "a b", "DesiredShardLevelMetrics": ["ALL", "ALL"], "RetentionPeriodHours": 9000}"#
        ),
        [
            "DesiredShardLevelMetrics/1: stands in the list twice",
            "Name: `a b` does not match the pattern `^[a-zA-Z0-9_.-]+$`",
            "RetentionPeriodHours: 9000 is more than 8760",
        ]
    );
    assert_eq!(
        found("AWS::KinesisFirehose::DeliveryStream", r#"{"DeliveryStreamName": ""}"#),
        [
            "DeliveryStreamName: has 0 characters, at least 1 must be there",
            "DeliveryStreamName: `` does not match the pattern `[a-zA-Z0-9._-]+`",
        ]
    );
}

#[test]
fn keys_that_need_or_exclude_each_other() {
    assert_eq!(
        found("AWS::Events::Rule", "{}"),
        [": at least one of `EventPattern`, `ScheduleExpression` is required"]
    );
    let alarm = r#"{"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "m", "Metrics": [], "Statistic": "Sum"}"#;
    assert_eq!(
        found("AWS::CloudWatch::Alarm", alarm),
        [
            ": only one of `Metrics`, `MetricName`, `EvaluationCriteria` can be given",
            ": `Metrics` can't stand beside `MetricName`",
            ": `Metrics` can't stand beside `Statistic`",
        ]
    );
    assert_eq!(
        found("AWS::EC2::VPC", r#"{"Ipv4IpamPoolId": "pool"}"#),
        [": `Ipv4IpamPoolId` needs `Ipv4NetmaskLength` beside it"]
    );
}

#[test]
fn alternatives() {
    let condition = |inner: &str| {
        let rule = format!(r#"{{"RedirectRule": {{}}, "RoutingRuleCondition": {inner}}}"#);
        found(
            "AWS::S3::Bucket",
            &format!(r#"{{"WebsiteConfiguration": {{"RoutingRules": [{rule}]}}}}"#),
        )
    };
    assert!(condition(r#"{"KeyPrefixEquals": "a"}"#).is_empty());
    assert_eq!(
        condition("{}"),
        [
            "WebsiteConfiguration/RoutingRules/0/RoutingRuleCondition: one of `HttpErrorCodeReturnedEquals`, `KeyPrefixEquals` is required"
        ]
    );
    let format = |inner: &str| {
        found(
            "AWS::S3::Bucket",
            &format!(r#"{{"LoggingConfiguration": {{"TargetObjectKeyFormat": {inner}}}}}"#),
        )
    };
    assert!(format(r#"{"SimplePrefix": {}}"#).is_empty());
    assert!(format(r#"{"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}"#).is_empty());
    assert!(!format(r#"{"SimplePrefix": {}, "PartitionedPrefix": {}}"#).is_empty());
}

#[test]
fn intrinsic_functions_stand_for_any_value() {
    assert!(
        found(
            "AWS::Kinesis::Stream",
            r#"{"ShardCount": {"Ref": "Count"}, "Tags": {"Fn::Split": [",", "a"]}}"#
        )
        .is_empty()
    );
    assert_eq!(
        found(
            "AWS::Kinesis::Stream",
            r#"{"ShardCount": {"Fn::If": ["Big", "many", {"Ref": "AWS::NoValue"}]}}"#
        ),
        ["ShardCount/Fn::If/1: expected a whole number, found `many`"]
    );
}

#[test]
fn what_cloudformation_sets_a_template_cannot() {
    assert_eq!(
        found("AWS::S3::Bucket", r#"{"Arn": "arn:aws:s3:::x"}"#),
        ["Arn: is read-only: CloudFormation sets it, a template can't"]
    );
}

#[test]
fn documents_inside_are_free() {
    let policy = r#"{"Bucket": "b", "PolicyDocument": {"Statement": [{"Anything": [1, null]}]}}"#;
    assert!(found("AWS::S3::BucketPolicy", policy).is_empty());
    let table = document!({"CatalogId": "1", "DatabaseName": "d", "TableInput": {"Parameters": {"a": "b"}}});
    assert!(check("AWS::Glue::Table", &table).is_empty());
}

#[test]
fn no_tag_stands_twice() {
    let tags = r#"{"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]}"#;
    assert_eq!(found("AWS::SNS::Topic", tags), ["Tags/2: the tag `a` stands in the list twice"]);
}
