//! What a change closes to services of the lake is told where a plan can ask, of large lakes about what changes.

use std::borrow::Cow;
use std::fmt::Write as _;

use lakewright::access::{self, Source, State};
use lakewright::document::Value;
use lakewright::plan::paths::{MOST, closed};

/// Buckets whose logs go to one bucket, with that bucket's policy, and a policy on each.
fn lake(buckets: usize, denies: &[usize], logs_deny: bool) -> State {
    let deny = |bucket: &str, sid: &str| {
        format!(
            r#"{{"Sid": "{sid}", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::{bucket}/*",
                "Condition": {{"StringNotEquals": {{"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}}}}}"#
        )
    };
    let mut body = String::from(r#"{"Resources": {"#);
    for at in 0..buckets {
        let sid = if denies.contains(&at) { "DenyMore" } else { "DenyForeign" };
        let _ = write!(
            body,
            r#""B{at}": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "acme-{at}",
                "LoggingConfiguration": {{"DestinationBucketName": "acme-logs", "LogFilePrefix": "b{at}/"}}}}}},
            "P{at}": {{"Type": "AWS::S3::BucketPolicy", "Properties": {{"Bucket": "acme-{at}", "PolicyDocument":
                {{"Version": "2012-10-17", "Statement": [{}]}}}}}},"#,
            deny(&format!("acme-{at}"), sid)
        );
    }
    let mut statements = vec![
        r#"{"Sid": "Logs", "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::acme-logs/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}}"#
            .to_owned(),
    ];
    statements.extend(logs_deny.then(|| deny("acme-logs", "DenyForeignLogs")));
    let _ = write!(
        body,
        r#""Logs": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "acme-logs"}}}},
        "LogsPolicy": {{"Type": "AWS::S3::BucketPolicy", "Properties": {{"Bucket": "acme-logs", "PolicyDocument":
            {{"Version": "2012-10-17", "Statement": [{}]}}}}}}}}}}"#,
        statements.join(",")
    );
    access::read(&[Source {
        name: "one".to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        body: Cow::Owned(Value::from_json(&body).expect("a template")),
        parameters: Default::default(),
        given: Default::default(),
    }])
}

#[test]
fn a_service_that_a_change_keeps_out_is_told() {
    for buckets in [1, 20] {
        let (open, shut) = (lake(buckets, &[], false), lake(buckets, &[], true));
        assert_eq!(closed(&State::default(), &open), Some(Vec::new()));
        let found = closed(&open, &shut).expect("few policies are asked about");
        // and what the statement for the service lets in beside the buckets that are logged
        assert_eq!(found.len(), buckets + 1, "{found:?}");
        let one = found.iter().find(|one| one.what.starts_with("access logs from acme-0: logging"));
        let one = one.unwrap_or_else(|| panic!("{found:?}"));
        assert_eq!(one.by.statement, "DenyForeignLogs");
        assert!(one.what.ends_with("does not reach acme-logs"), "{found:?}");
        assert_eq!(closed(&State::default(), &shut).map(|all| all.len()), Some(buckets + 1));
        assert_eq!(
            closed(&shut, &shut),
            Some(Vec::new()),
            "what was so before is told by a review"
        );
        assert_eq!(closed(&shut, &open), Some(Vec::new()));
    }
}

#[test]
fn of_a_large_lake_what_changes_is_asked_about() {
    let many = MOST + 20;
    let before = lake(many, &[], true);
    assert_eq!(closed(&State::default(), &before), None, "everything is new, and too much");
    assert_eq!(
        closed(&before, &lake(many, &[7], true)),
        Some(Vec::new()),
        "stopped before already"
    );
    let open = lake(many, &[], false);
    assert_eq!(closed(&open, &lake(many, &[7], false)), Some(Vec::new()));
    // the policy of what all write to: too much again, and a review says it
    assert_eq!(closed(&open, &before), None);
}
