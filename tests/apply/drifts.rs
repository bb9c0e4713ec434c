//! What is altered by hand is found, and nothing else is.

use lakewright::document::Value;
use lakewright::drift::{DriftReport, Verdict, detect};
use lakewright::sandbox::Tamper;
use lakewright::{document, render};

use crate::bench::Bench;

pub fn look(bench: &Bench) -> DriftReport {
    let account = bench.lake().home.account;
    let deployed = bench.observe(&bench.sandbox);
    detect(&bench.sandbox, &bench.clock, &account, &deployed)
        .unwrap_or_else(|told| panic!("{told:?}"))
}

#[test]
fn nothing_has_drifted_after_an_apply() {
    for (example, environment) in [
        ("quickstart", "dev"),
        ("medallion", "dev"),
        ("streaming", "dev"),
        ("cross-account-sharing", "prod"),
        ("north-star", "prod"),
    ] {
        let bench = Bench::example(example, environment);
        bench.apply();
        let report = look(&bench);
        assert!(report.is_clean(), "{example}: {}", render::drift::text(&report));
        assert!(report.resources.len() > 5);
        assert_eq!(report.unread().count(), 0, "{}", render::drift::text(&report));
    }
}

#[test]
fn everything_that_is_altered_is_found_where_it_is() {
    let bench = Bench::example("medallion", "dev");
    bench.apply();
    let set = |path: &str, value: Value| Tamper::Set { path: path.into(), value };
    let statement = document!({
        "Sid": "Stranger", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::medallion-dev-bronze/*"
    });
    let key = {
        let deployed = bench.observe(&bench.sandbox);
        let stack = deployed.stacks.iter().find(|(key, _)| key.name.as_str().ends_with("storage"));
        stack
            .unwrap()
            .1
            .physical_ids
            .iter()
            .find(|(id, _)| id.as_str() == "KeySilver")
            .unwrap()
            .1
            .clone()
    };
    let table = |report: &DriftReport| {
        let one = report.resources.iter().find(|one| one.kind == "AWS::Glue::Table").unwrap();
        one.physical_id.clone()
    };
    let clean = look(&bench);
    let name = |kind: &str, path: &str| {
        let one = clean.resources.iter().find(|one| one.kind == kind && one.path == path).unwrap();
        one.physical_id.clone()
    };
    // What is done, to what, and the path that is reported; `gone`: it is.
    let alarm = name("AWS::CloudWatch::Alarm", "alarms.revenue-late");
    let role = clean
        .resources
        .iter()
        .find(|one| one.kind == "AWS::IAM::Role")
        .unwrap()
        .physical_id
        .clone();
    let cases: Vec<(&str, &str, String, Tamper, &str)> = vec![
        (
            "versioning off",
            "AWS::S3::Bucket",
            "medallion-dev-bronze".into(),
            set("/VersioningConfiguration/Status", "Suspended".into()),
            "VersioningConfiguration/Status",
        ),
        (
            "lifecycle removed",
            "AWS::S3::Bucket",
            "medallion-dev-silver".into(),
            Tamper::Remove { path: "/LifecycleConfiguration".into() },
            "LifecycleConfiguration",
        ),
        (
            "public access unblocked",
            "AWS::S3::Bucket",
            "medallion-dev-gold".into(),
            set("/PublicAccessBlockConfiguration/BlockPublicPolicy", false.into()),
            "PublicAccessBlockConfiguration/BlockPublicPolicy",
        ),
        (
            "a statement added to a bucket policy",
            "AWS::S3::BucketPolicy",
            "medallion-dev-bronze".into(),
            Tamper::AddStatement { path: "/PolicyDocument".into(), statement: statement.clone() },
            "PolicyDocument",
        ),
        (
            "an inline policy added to a role",
            "AWS::IAM::Role",
            role.clone(),
            Tamper::Append {
                path: "/Policies".into(),
                value: document!({"PolicyName": "extra", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}),
            },
            "Policies/[extra]",
        ),
        (
            "a policy attached to a role",
            "AWS::IAM::Role",
            role,
            Tamper::Append {
                path: "/ManagedPolicyArns".into(),
                value: "arn:aws:iam::aws:policy/AdministratorAccess".into(),
            },
            "ManagedPolicyArns",
        ),
        (
            "a key policy changed",
            "AWS::KMS::Key",
            key,
            Tamper::AddStatement { path: "/KeyPolicy".into(), statement },
            "KeyPolicy",
        ),
        (
            "a column added",
            "AWS::Glue::Table",
            table(&clean),
            Tamper::Append {
                path: "/TableInput/StorageDescriptor/Columns".into(),
                value: document!({"Name": "extra", "Type": "string"}),
            },
            "TableInput/StorageDescriptor/Columns",
        ),
        ("an alarm deleted", "AWS::CloudWatch::Alarm", alarm, Tamper::Delete, "gone"),
    ];
    let region = bench.region();
    for (what, kind, identifier, tamper, _) in &cases {
        bench
            .sandbox
            .tamper(&region, kind, identifier, tamper)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let report = look(&bench);
    let text = render::drift::text(&report);
    for (what, kind, identifier, _, path) in &cases {
        let one = report
            .drifted()
            .find(|one| one.kind == *kind && one.physical_id == *identifier)
            .unwrap_or_else(|| panic!("{what} is not found:\n{text}"));
        match &one.verdict {
            Verdict::Deleted => assert_eq!(*path, "gone", "{what}"),
            Verdict::Modified(found) => assert!(
                found.iter().any(|one| one.path.starts_with(path)),
                "{what} is not at {path}: {found:#?}"
            ),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert_eq!(report.drifted().count(), cases.len() - 1, "and nothing else:\n{text}");
    assert_eq!(report.diagnostics().len(), cases.len() - 1);
    for one in ["+ ", "buckets.bronze", "is gone", "Drift: "] {
        assert!(text.contains(one), "{one} in\n{text}");
    }
    let json = render::drift::json(&report);
    assert_eq!(json.get("drifted").and_then(Value::as_int), Some(cases.len() as i64 - 1));
}
