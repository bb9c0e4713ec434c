//! Connecting: deploy roles, expired and missing credentials, the SDK's ordinary configuration.

use std::process::Command;
use std::time::{Duration, Instant};

use lakewright::aws::{Aws, ConnectOptions, Pace};
use lakewright::cloud::{Cloud, CloudError};
use lakewright::names::{Arn, Region};

use super::server::Recorded;
use super::{bucket, connect, ireland, object, options, stack};

#[test]
fn a_deploy_role_is_assumed_once_for_all_services() {
    let server = Recorded::play("assume-role");
    let mut options = options("eu-west-1", &server.url);
    options.deploy_role = Some(Arn::new("arn:aws:iam::222222222222:role/deployer").unwrap());
    options.session_name = "alice@example.com".into();
    let aws = Aws::connect(&options).unwrap();
    let caller = aws.caller().unwrap();
    assert_eq!(caller.account.as_str(), "222222222222");
    assert_eq!(
        caller.arn.as_str(),
        "arn:aws:sts::222222222222:assumed-role/deployer/alice@example.com"
    );
    assert_eq!(aws.describe_stack(&stack("acme-prod-raw")), Ok(None));
    let base = bucket("eu-west-1", "acme-prod-base", "222222222222");
    assert_eq!(aws.get_object(&object(&base, "lock.json")), Ok(None));
    server.finish();
}

#[test]
fn a_role_that_may_not_be_assumed() {
    let server = Recorded::play("assume-role-refused");
    let mut options = options("eu-west-1", &server.url);
    options.deploy_role = Some(Arn::new("arn:aws:iam::222222222222:role/deployer").unwrap());
    let error = Aws::connect(&options).err().expect("STS refuses");
    assert_eq!(
        error.to_string(),
        "access denied: User: arn:aws:iam::111111111111:user/alice is not authorized to perform: \
         sts:AssumeRole on resource: arn:aws:iam::222222222222:role/deployer"
    );
    options.session_name = "no spaces".into();
    assert!(matches!(Aws::connect(&options).err(), Some(CloudError::Refused(_))));
}

#[test]
fn expired_credentials_say_what_to_type() {
    let server = Recorded::play("expired");
    let error = Aws::connect(&options("eu-west-1", &server.url)).err();
    let text = error.expect("they have expired").to_string();
    assert!(
        text.starts_with("no usable credentials: they have expired; type `aws sso login`"),
        "{text}"
    );
    server.finish();
}

/// Runs one of the tests below in a process of its own, with this environment and no other AWS
/// configuration.
fn alone(test: &str, set: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("connection::{test}"), "--nocapture"]);
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("AWS_") {
            command.env_remove(key);
        }
    }
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("ALONE", "1")
        .envs(set.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn ordinary() -> ConnectOptions {
    ConnectOptions { pace: Pace::local(), ..ConnectOptions::new(&ireland(), "test") }
}

#[test]
fn the_ordinary_configuration_is_used() {
    let server = Recorded::text(
        "> s3:GET /acme-prod-base/lock.json\n? header:x-amz-expected-bucket-owner=111111111111\n\
         < 404\n<Error><Code>NoSuchKey</Code></Error>\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let text = "[profile prod]\naws_access_key_id = a\naws_secret_access_key = b\n";
    std::fs::write(&file, text).unwrap();
    alone(
        "inside_the_ordinary_configuration",
        &[
            ("AWS_ENDPOINT_URL", &server.url),
            ("AWS_PROFILE", "prod"),
            ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ],
    );
    server.finish();
}

#[test]
fn inside_the_ordinary_configuration() {
    if std::env::var_os("ALONE").is_none() {
        return;
    }
    let aws = Aws::connect(&ordinary()).unwrap();
    assert_eq!(aws.caller().unwrap().account.as_str(), "111111111111");
    let base = bucket("eu-west-1", "acme-prod-base", "111111111111");
    assert_eq!(aws.get_object(&object(&base, "lock.json")), Ok(None));
}

#[test]
fn no_credentials_say_what_to_type() {
    alone("inside_without_credentials", &[]);
}

#[test]
fn inside_without_credentials() {
    if std::env::var_os("ALONE").is_none() {
        return;
    }
    let begin = Instant::now();
    let error = Aws::connect(&ordinary()).err().expect("there are none");
    let text = error.to_string();
    assert!(
        text.starts_with("no usable credentials: ")
            && text.contains("type `aws sso login` or `aws configure`, or set AWS_PROFILE"),
        "{text}"
    );
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn reads_keep_to_the_rate() {
    let stacks = "> cloudformation:DescribeStacks\n< 400\n<ErrorResponse><Error>\
                  <Code>ValidationError</Code><Message>Stack with id a does not exist</Message>\
                  </Error></ErrorResponse>\n"
        .repeat(7);
    let server = Recorded::text(&stacks);
    let mut options = options("eu-west-1", &server.url);
    options.pace.describe_stacks = 20.0;
    options.pace.burst = 3;
    let aws = Aws::connect(&options).unwrap();
    let begin = Instant::now();
    // two threads share the limit of the account and region
    std::thread::scope(|scope| {
        for calls in [3, 4] {
            let aws = &aws;
            scope.spawn(move || {
                for _ in 0..calls {
                    assert_eq!(aws.describe_stack(&stack("a")), Ok(None));
                }
            });
        }
    });
    // three at once, then four that are 50 ms apart
    assert!(begin.elapsed() >= Duration::from_millis(200));
    server.finish();
}

#[test]
fn each_region_has_clients_of_its_own() {
    let server = Recorded::text(
        "> cloudformation:ListStacks\n< 200\n<ListStacksResponse><ListStacksResult/></ListStacksResponse>\n\
         > cloudformation:ListStacks\n< 200\n<ListStacksResponse><ListStacksResult/></ListStacksResponse>\n",
    );
    let aws = connect(&server);
    for region in ["eu-west-1", "eu-central-1"] {
        let region = Region::new(region).unwrap();
        assert_eq!(aws.list_stacks(&region), Ok(Vec::new()));
    }
    server.finish();
}
