//! What each error of the services means, from the table `tests/aws/errors.txt`.

use std::time::Duration;

use lakewright::aws::Aws;
use lakewright::cloud::{Cloud, Reading};

use super::server::Recorded;
use super::{bucket, connect, ireland, object, options, stack};

#[test]
fn every_error_means_what_the_table_says() {
    let mut seen = 0;
    for line in include_str!("errors.txt").lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [service, status, code, message, expected] = cells[..] else {
            panic!("five cells: {line}");
        };
        let error = format!("<Code>{code}</Code><Message>{message}</Message>");
        let (operation, body) = match service {
            "s3" => ("s3:GET /acme-prod-base/k", format!("<Error>{error}</Error>")),
            "iam" => {
                ("iam:GetRole", format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"))
            }
            _ => (
                "cloudformation:GetTemplate",
                format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"),
            ),
        };
        let server = Recorded::text(&format!("> {operation}\n< {status}\n{body}\n"));
        let mut once = options("eu-west-1", &server.url);
        once.pace.attempts = 1;
        let aws = Aws::connect(&once).unwrap();
        let answer = match service {
            "s3" => {
                let at = object(&bucket("eu-west-1", "acme-prod-base", "111111111111"), "k");
                aws.get_object(&at).map(|object| object.is_none())
            }
            "iam" => aws
                .read(&ireland(), "AWS::IAM::Role", "x")
                .map(|reading| reading == Reading::Absent),
            _ => aws.template(&stack("acme-prod-raw")).map(|_| false),
        };
        let told = match answer {
            Ok(true) => "none".to_owned(),
            Ok(false) => "something".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{line}");
        server.finish();
        seen += 1;
    }
    assert!(seen >= 40, "the table has {seen} rows");
}

#[test]
fn a_rate_limit_is_waited_out() {
    let server = Recorded::play("throttled-then-fine");
    let found = connect(&server).describe_stack(&stack("acme-prod-raw")).unwrap().unwrap();
    assert_eq!(found.id, super::STACK);
    assert_eq!(found.name.as_str(), "acme-prod-raw");
    assert_eq!(found.status.as_str(), "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(found.status_reason.as_deref(), Some("the key is not there"));
    assert_eq!(found.updated, "2026-02-02T03:04:05Z");
    assert_eq!(found.parameters["KeyArn"], "arn:aws:kms:x");
    assert_eq!(found.outputs["BucketArn"], "arn:aws:s3:::acme-prod-raw");
    assert_eq!(found.tags["lakewright:lake"], "acme");
    assert_eq!(found.tags["empty"], "");
    assert!(found.termination_protection);
    assert_eq!(found.execution_role.as_deref(), Some("arn:aws:iam::111111111111:role/executor"));
    server.finish();
}

#[test]
fn a_rate_limit_that_outlasts_us_is_throttling() {
    let server = Recorded::play("throttled-for-good");
    let error = connect(&server).template(&stack("a")).unwrap_err();
    assert_eq!(error.to_string(), "throttled: CloudFormation GetTemplate: Rate exceeded");
    server.finish();
}

#[test]
fn no_answer_is_no_verdict() {
    let server = Recorded::play("no-answer");
    let mut hasty = options("eu-west-1", &server.url);
    hasty.pace.attempt_timeout = Duration::from_millis(500);
    let aws = Aws::connect(&hasty).unwrap();
    let error = aws.template(&stack("a")).unwrap_err();
    assert!(
        matches!(&error, lakewright::cloud::CloudError::NoAnswer(why) if why.starts_with("CloudFormation GetTemplate")),
        "{error}"
    );
    server.finish();
}

#[test]
fn nobody_there_is_no_answer_either() {
    let mut nowhere = options("eu-west-1", "http://127.0.0.1:1");
    nowhere.pace.attempts = 2;
    nowhere.pace.first_backoff = Duration::from_millis(1);
    let error = Aws::connect(&nowhere).err().expect("nobody listens there");
    let text = error.to_string();
    assert!(
        text.starts_with("no answer: STS GetCallerIdentity: ") && text.contains("refused"),
        "{text}"
    );
}
