//! Whole lakes over HTTP: the binary, the AWS SDK, and an emulator of CloudFormation and the services behind it.
//!
//! ministack is not AWS: it reports success for things that it has not done. Asserted is what the services themselves
//! then say, as far as ministack does it right; what it does otherwise than AWS documents stands beside the assertion that is
//! left out. Every test is an account of its own, so that one server is enough.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lakewright::aws::{Aws, ConnectOptions, Keys, Pace};
use lakewright::cloud::*;
use lakewright::document::Value;
use lakewright::names::{AccountId, BucketName, Region};
use support::{emulator, process};

const REGION: &str = "us-east-1";

/// A spec, an account, and the server that all share.
struct Bench {
    folder: tempfile::TempDir,
    account: &'static str,
}

struct Said {
    code: i32,
    all: String,
}

impl Bench {
    fn new(account: &'static str, spec: &str) -> Self {
        let bench = Bench { folder: tempfile::tempdir().unwrap(), account };
        bench.write("lake.yaml", spec);
        bench
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), text).unwrap();
    }

    fn edit(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.path("lake.yaml")).unwrap();
        assert_eq!(text.matches(old).count(), 1, "`{old}`");
        self.write("lake.yaml", &text.replacen(old, new, 1));
    }

    fn run_as(&self, account: &str, line: &str) -> Said {
        self.run_with(emulator::shared_ministack().env(account), line)
    }

    /// Runs lakewright through a proxy.
    fn run_at(&self, server: &emulator::Server, line: &str) -> Said {
        self.run_with(server.env(self.account), line)
    }

    fn run_with(&self, env: Vec<(&'static str, String)>, line: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lakewright"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .envs(env)
            .stdin(Stdio::null());
        let done = process::run(&mut command, b"", Duration::from_secs(180)).unwrap();
        Said { code: done.status.code().unwrap_or(-1), all: done.stdout + &done.stderr }
    }

    /// Runs lakewright, and insists on how it ends.
    fn run(&self, line: &str, code: i32) -> String {
        let said = self.run_as(self.account, line);
        assert_eq!(said.code, code, "lakewright {line}\n{}", said.all);
        said.all
    }

    fn cloud(&self) -> Aws {
        let options = ConnectOptions {
            endpoint: Some(emulator::shared_ministack().url.clone()),
            keys: Some(Keys { id: self.account.to_owned(), secret: "test".into() }),
            pace: Pace::local(),
            ..ConnectOptions::new(&region(), "test")
        };
        Aws::connect(&options).unwrap()
    }

    /// What the service says of a resource; `None`: it is not there.
    fn read(&self, kind: &str, identifier: &str) -> Option<Value> {
        match self.cloud().read(&region(), kind, identifier).unwrap() {
            Reading::Properties(properties) => Some(properties),
            Reading::Absent => None,
            Reading::Unread(why) => panic!("{kind}: {why}"),
        }
    }

    /// A call of a service that speaks JSON, past lakewright and its SDK.
    fn ask(&self, service: &str, target: &str, body: &str) -> serde_json::Value {
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.account
        );
        let headers = [
            ("Authorization", signed.as_str()),
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", target),
        ];
        let (_, answer) = emulator::shared_ministack().http("POST", "/", &headers, body);
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{target}: {error}: {answer}"))
    }

    /// A call of S3 past lakewright and its SDK, which has to be answered by `status`.
    fn s3(&self, method: &str, path: &str, body: &str, expected: u16) {
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=0",
            self.account
        );
        let headers = [("Authorization", signed.as_str())];
        let server = emulator::shared_ministack();
        let (status, text) = server.http(method, path, &headers, body);
        assert_eq!(status, expected, "{method} {path}: {text}");
    }

    fn object(&self, bucket: &str, key: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: BucketAddress {
                region: region(),
                bucket: BucketName::new(bucket).unwrap(),
                owner: AccountId::new(self.account).unwrap(),
            },
            key: key.to_owned(),
        }
    }
}

fn region() -> Region {
    Region::new(REGION).unwrap()
}

/// A key, a bucket and a database with a table, in an account.
fn quickstart(account: &str) -> String {
    format!(
        r#"lakewright: 1
lake: quickstart
environments:
  dev: {{ account: "{account}", region: us-east-1 }}
keys:
  main: {{}}
buckets:
  data:
    encryption: keys.main
databases:
  shop:
    location: data/shop/
    tables:
      orders:
        format: parquet
        columns: {{ order_id: bigint, country: string }}
        partition: {{ day: date }}
"#
    )
}

#[test]
fn a_lake_is_made_changed_and_destroyed() {
    let bench = Bench::new("111111111111", &quickstart("111111111111"));
    let plan = bench.run("plan --detailed-exitcode", 2);
    assert!(plan.contains("Plan: 10 to add, 0 to change, 0 to destroy."), "{plan}");
    assert!(bench.run("status", 0).contains("Nothing is deployed."), "plan made something");
    let applied = bench.run("apply --auto-approve", 0);
    assert!(applied.contains("Apply complete! Resources: 10 added"), "{applied}");
    let again = bench.run("plan --detailed-exitcode", 0);
    assert!(again.contains("No changes."), "{again}");

    // What the services say.
    let bucket = bench.read("AWS::S3::Bucket", "quickstart-dev-data").expect("the bucket is there");
    let at = |path: &[&str]| bucket.at(path).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(at(&["VersioningConfiguration", "Status"]).as_deref(), Some("Enabled"));
    let blocked = bucket.at(&["PublicAccessBlockConfiguration", "BlockPublicPolicy"]);
    assert_eq!(blocked, Some(&Value::Bool(true)));
    let policy = bench.read("AWS::S3::BucketPolicy", "quickstart-dev-data").expect("its policy");
    assert!(policy.to_json().contains("aws:SecureTransport"), "{}", policy.to_json());
    let columns = |bench: &Bench| -> Vec<String> {
        let body = r#"{"DatabaseName": "quickstart_dev_shop", "Name": "orders"}"#;
        let table = bench.ask("glue", "AWSGlue.GetTable", body);
        let columns = table["Table"]["StorageDescriptor"]["Columns"].as_array().cloned();
        let name = |column: &serde_json::Value| column["Name"].as_str().unwrap_or("?").to_owned();
        columns.unwrap_or_default().iter().map(name).collect()
    };
    assert_eq!(columns(&bench), ["order_id", "country"]);

    // Changed: a column, and a property of the bucket.
    bench.edit("country: string }", "country: string, amount: double }");
    let plan = bench.run("plan --detailed-exitcode", 2);
    assert!(plan.contains("Plan: 0 to add, 1 to change, 0 to destroy."), "{plan}");
    bench.run("apply --auto-approve", 0);
    assert_eq!(columns(&bench), ["order_id", "country", "amount"]);
    assert!(bench.run("plan --detailed-exitcode", 0).contains("No changes."));
    let status = bench.run("status", 0);
    assert!(
        status.contains("quickstart-dev-catalog") && status.contains("UPDATE_COMPLETE"),
        "{status}"
    );

    // Destroyed: what holds data stays. ministack deletes even buckets with objects in them, so that
    // they are there shows that they were kept.
    bench
        .cloud()
        .put_object(&bench.object("quickstart-dev-data", "shop/1"), b"rows", PutCondition::Always)
        .unwrap();
    let destroyed = bench.run("destroy --auto-approve", 0);
    assert!(destroyed.contains("9 retained"), "{destroyed}");
    assert!(bench.cloud().list_stacks(&region()).unwrap().is_empty());
    assert!(bench.read("AWS::S3::Bucket", "quickstart-dev-data").is_some());

    assert!(bench.read("AWS::S3::BucketPolicy", "quickstart-dev-data").is_some());
}

#[test]
fn what_was_kept_is_taken_back_with_what_is_in_it() {
    // Without a database: ministack imports none.
    let spec = quickstart("666666666661").replace("lake: quickstart", "lake: back");
    let bench = Bench::new("666666666661", spec.split("databases:").next().unwrap());
    bench.run("apply --auto-approve", 0);
    let object = bench.object("back-dev-data", "shop/1");
    bench.cloud().put_object(&object, b"rows", PutCondition::Always).unwrap();
    bench.run("destroy --auto-approve", 0);
    // Nor does it import bucket policies: they are deleted by hand here, and so made anew. In the
    // sandbox, which does as AWS documents, all that holds data is taken back.
    for bucket in ["back-dev-data", "back-dev-base-us-east-1", "back-dev-logs-us-east-1"] {
        bench.s3("DELETE", &format!("/{bucket}?policy"), "", 204);
    }
    let plan = bench.run("plan", 0);
    assert!(plan.contains("Plan: 4 to import, 4 to add, 0 to change, 0 to destroy."), "{plan}");
    let applied = bench.run("apply --auto-approve", 0);
    assert!(applied.contains("4 imported, 4 added"), "{applied}");
    assert!(bench.run("plan --detailed-exitcode", 0).contains("No changes."));
    let kept = bench.cloud().get_object(&object).unwrap();
    assert_eq!(kept.expect("the object is there").body, b"rows");
}

#[test]
fn what_was_altered_by_hand_is_found() {
    let spec = quickstart("777777777771").replace("lake: quickstart", "lake: drifts");
    let bench = Bench::new("777777777771", &spec);
    bench.run("apply --auto-approve", 0);
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    bench.s3("PUT", "/drifts-dev-data?versioning", suspended, 200);
    let open = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "ByHand", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::drifts-dev-data/*"}]}"#;
    bench.s3("PUT", "/drifts-dev-data?policy", open, 204);
    let drift = bench.run("drift --detailed-exitcode", 2);
    assert!(drift.contains("VersioningConfiguration") && drift.contains("ByHand"), "{drift}");
    // ministack lists no tables in its drift detection, and lakewright reads none: it says so.
    assert!(
        drift.contains("Not read") && drift.contains("databases.shop.tables.orders"),
        "{drift}"
    );
}

#[test]
fn bad_weather_between_us_and_the_cloud_fails_nothing() {
    let spec = quickstart("888888888881").replace("lake: quickstart", "lake: weather");
    let bench = Bench::new("888888888881", &spec);
    let proxy = emulator::microburst(emulator::shared_ministack());
    proxy.warm(&["cloudformation", "s3", "sts"]);
    proxy.faults(&serde_json::json!([
        // Done, but the answer is lost.
        {"service": "cloudformation", "operation": "CreateChangeSet", "times": 1, "response": {"abort_bytes": 0}},
        {"service": "cloudformation", "operation": "ExecuteChangeSet", "times": 1, "response": {"abort_bytes": 0}},
        {"service": "cloudformation", "operation": "DescribeChangeSet", "times": 1, "response": {"truncate_frac": 0.5}},
        // Not done.
        {"service": "cloudformation", "operation": "DescribeStacks", "times": 2,
            "error": {"code": "Throttling", "status": 400, "message": "Rate exceeded"}},
        {"service": "cloudformation", "operation": "DescribeStackEvents", "times": 2,
            "error": {"code": "ServiceUnavailable", "status": 503}},
        {"service": "s3", "operation": "PutObject", "times": 1, "error": {"code": "SlowDown", "status": 503}}
    ]));
    let applied = bench.run_at(&proxy, "apply --auto-approve");
    assert_eq!(applied.code, 0, "{}", applied.all);
    assert!(applied.all.contains("Apply complete! Resources: 10 added"), "{}", applied.all);
    let fired: Vec<String> = proxy
        .fired()
        .iter()
        .map(|one| one["operation"].as_str().unwrap_or("?").to_owned())
        .collect();
    for operation in ["CreateChangeSet", "ExecuteChangeSet", "DescribeStacks"] {
        assert!(fired.iter().any(|one| one == operation), "{operation}: {fired:?}");
    }
    assert!(bench.run("plan --detailed-exitcode", 0).contains("No changes."));
}

#[test]
fn consents_delete_what_is_not_protected() {
    let spec = quickstart("222222222221").replace("  data:\n", "  data:\n    protect: false\n");
    let bench = Bench::new("222222222221", &spec.replace("lake: quickstart", "lake: consents"));
    bench.run("apply --auto-approve", 0);
    bench
        .cloud()
        .put_object(&bench.object("consents-dev-data", "shop/1"), b"rows", PutCondition::Always)
        .unwrap();
    let refused = bench.run("destroy --auto-approve --allow-destroy data", 1);
    assert!(refused.contains("--empty data"), "{refused}");
    assert!(bench.read("AWS::S3::Bucket", "consents-dev-data").is_some());
    bench.run("destroy --auto-approve --allow-destroy data --empty data", 0);
    assert!(bench.read("AWS::S3::Bucket", "consents-dev-data").is_none());
}

#[test]
fn another_account_is_refused_before_anything_else() {
    let bench = Bench::new("333333333331", &quickstart("333333333331"));
    for line in ["plan", "apply --auto-approve", "destroy --auto-approve", "status", "output"] {
        let said = bench.run_as("333333333332", line);
        assert_eq!(said.code, 1, "lakewright {line}\n{}", said.all);
        assert!(
            said.all.contains("333333333331") && said.all.contains("333333333332"),
            "lakewright {line}\n{}",
            said.all
        );
    }
    assert!(bench.cloud().list_stacks(&region()).unwrap().is_empty());
}

#[test]
fn a_stack_of_our_name_and_somebody_elses_is_refused() {
    let spec = quickstart("444444444441").replace("lake: quickstart", "lake: theirs");
    let bench = Bench::new("444444444441", &spec);
    let cloud = bench.cloud();
    let id = cloud
        .create_change_set(&ChangeSetRequest {
            stack: StackAddress::new(&region(), "theirs-dev-storage"),
            name: "by-hand".into(),
            kind: ChangeSetKind::Create,
            template: TemplateSource::Inline(
                r#"{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}"#.into(),
            ),
            parameters: Default::default(),
            tags: Default::default(),
            capabilities: Vec::new(),
            execution_role: None,
            imports: Vec::new(),
            token: "by-hand".into(),
        })
        .unwrap();
    cloud.execute_change_set(&region(), &id, "by-hand").unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(30);
    let at = StackAddress::new(&region(), "theirs-dev-storage");
    while cloud
        .describe_stack(&at)
        .unwrap()
        .is_none_or(|stack| stack.status != StackStatus::CreateComplete)
    {
        assert!(std::time::Instant::now() < end, "the stack takes more than 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
    for line in ["plan", "apply --auto-approve", "destroy --auto-approve"] {
        let refused = bench.run(line, 1);
        assert!(
            refused.contains("error[LW") && refused.contains("theirs-dev-storage"),
            "{refused}"
        );
    }
    assert_eq!(cloud.list_stacks(&region()).unwrap().len(), 1);
}

/// Streams, roles, a job, a schedule and alarms: types that ministack makes.
/// The bucket has AWS's key: with one of the lake's the job has a security configuration, which ministack refuses.
const STREAMING: &str = r#"lakewright: 1
lake: streaming
environments:
  dev: { account: "555555555551", region: us-east-1 }
keys:
  events: {}
buckets:
  events:
    encryption: aws:kms
databases:
  shop:
    location: events/
    tables:
      payments:
        format: parquet
        columns: { payment_id: string, amount: double }
      sessions:
        format: parquet
        columns: { session: string, pages: int }
sources:
  payments:
    from: kinesis
    capacity: 2
    encryption: keys.events
    into: events/payments/
    table: shop.payments
    buffer: { size: 64MiB, time: 1m }
pipelines:
  sessionise:
    run: glue
    script: jobs/sessionise.py
    read: [payments]
    write: [shop.sessions]
    schedule: rate(1 hour)
    timeout: 30m
notify:
  oncall: { email: oncall@acme.example }
alarms:
  payments-stop: { watch: payments, older_than: 15m, notify: oncall }
  jobs-fail: { watch: pipelines, failures: 1, notify: oncall }
"#;

#[test]
fn flows_reach_the_services_behind_them() {
    let bench = Bench::new("555555555551", STREAMING);
    bench.write("jobs/sessionise.py", "print('one')\n");
    let applied = bench.run("apply --auto-approve", 0);
    assert!(
        applied.contains("Apply complete!") && applied.contains("Uploaded scripts/"),
        "{applied}"
    );
    assert!(bench.run("plan --detailed-exitcode", 0).contains("No changes."));

    let stream = bench.ask(
        "kinesis",
        "Kinesis_20131202.DescribeStreamSummary",
        r#"{"StreamName": "streaming-dev-payments"}"#,
    );
    let summary = &stream["StreamDescriptionSummary"];
    assert_eq!(summary["StreamStatus"], "ACTIVE", "{stream}");
    assert_eq!(summary["OpenShardCount"], 2, "{stream}");
    let role = bench.read("AWS::IAM::Role", "streaming-dev-sessionise").expect("the job's role");
    assert!(role.to_json().contains("glue.amazonaws.com"), "{}", role.to_json());
    let job = bench.ask("glue", "AWSGlue.GetJob", r#"{"JobName": "streaming-dev-sessionise"}"#);
    let script = job["Job"]["Command"]["ScriptLocation"].as_str().unwrap_or_default().to_owned();
    let key =
        script.split_once("s3://streaming-dev-base-us-east-1/").expect("in the base bucket").1;
    let uploaded =
        bench.cloud().get_object(&bench.object("streaming-dev-base-us-east-1", key)).unwrap();
    assert_eq!(uploaded.expect("the script is there").body, b"print('one')\n");

    // Another script: a planned change of the job, and it arrives.
    bench.write("jobs/sessionise.py", "print('two')\n");
    let plan = bench.run("plan --detailed-exitcode", 2);
    assert!(plan.contains("jobs/sessionise.py"), "{plan}");
    bench.run("apply --auto-approve", 0);
    assert!(bench.run("plan --detailed-exitcode", 0).contains("No changes."));
    let job = bench.ask("glue", "AWSGlue.GetJob", r#"{"JobName": "streaming-dev-sessionise"}"#);
    assert_ne!(job["Job"]["Command"]["ScriptLocation"].as_str(), Some(script.as_str()));

    // A flow less.
    let output = bench.run("output", 0);
    assert!(
        output.contains("sources.payments") && output.contains("pipelines.sessionise"),
        "{output}"
    );
    bench.run("destroy --auto-approve", 0);
    assert!(
        bench.read("AWS::IAM::Role", "streaming-dev-sessionise").is_none(),
        "roles hold no data"
    );
    assert!(bench.cloud().list_stacks(&region()).unwrap().is_empty());
}
