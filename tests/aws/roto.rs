//! How operations fail, against roto: what was changed is changed back, what can't be deleted
//! stays, and a change set says what is made anew.

use std::collections::BTreeMap;

use lakewright::aws::Aws;
use lakewright::cloud::*;
use lakewright::names::{LogicalId, Region};

use super::ministack::{made, settled};
use super::support::emulator;
use super::{bucket, object, options};

const REGION: &str = "us-east-1";

fn region() -> Region {
    Region::new(REGION).unwrap()
}

fn request(stack: &str, kind: ChangeSetKind, resources: &str, token: &str) -> ChangeSetRequest {
    ChangeSetRequest {
        stack: StackAddress::new(&region(), stack),
        name: format!("lw-{token}"),
        kind,
        template: TemplateSource::Inline(format!(r#"{{"Resources": {{{resources}}}}}"#)),
        parameters: BTreeMap::new(),
        tags: BTreeMap::new(),
        capabilities: Vec::new(),
        execution_role: None,
        imports: Vec::new(),
        token: token.into(),
    }
}

fn versioned(id: &str, name: &str, status: &str) -> String {
    format!(
        r#""{id}": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "{name}",
            "VersioningConfiguration": {{"Status": "{status}"}}}}}}"#
    )
}

fn run(aws: &Aws, request: &ChangeSetRequest) -> Stack {
    let set = made(aws, request);
    assert!(set.ready(), "{set:?}");
    aws.execute_change_set(&region(), &set.id, &format!("run-{}", request.token)).unwrap();
    settled(aws, &request.stack)
}

fn versioning(aws: &Aws, name: &str) -> String {
    // roto has no call for some parts of a bucket, so its versioning shows through its versions
    let at = bucket(REGION, name, aws.caller().unwrap().account.as_str());
    let key = object(&at, "probe");
    aws.put_object(&key, b"1", PutCondition::Always).unwrap();
    aws.put_object(&key, b"2", PutCondition::Always).unwrap();
    let count = aws.list_versions(&at, "probe", None, 1000).unwrap().versions;
    let told = if count.len() >= 2 { "Enabled" } else { "Suspended" };
    aws.delete_versions(&at, &count).unwrap();
    told.into()
}

#[test]
fn a_failed_update_restores_and_a_failed_create_leaves_nothing() {
    let server = emulator::shared_roto();
    let aws = Aws::connect(&options(REGION, &server.url)).unwrap();
    let other = format!(
        "{}, {}",
        versioned("One", "acme-one", "Enabled"),
        versioned("Two", "acme-two", "Enabled")
    );
    let made_by = run(&aws, &request("holder", ChangeSetKind::Create, &other, "t1"));
    assert_eq!(made_by.status, StackStatus::CreateComplete);

    // the name of a bucket that is there: the create fails, and its other bucket goes
    let clash = format!(
        r#"{}, "Clash": {{"Type": "AWS::S3::Bucket", "DependsOn": "New", "Properties": {{"BucketName": "acme-one"}}}}"#,
        versioned("New", "acme-new", "Enabled")
    );
    let failed = run(&aws, &request("failing", ChangeSetKind::Create, &clash, "t2"));
    assert_eq!(failed.status, StackStatus::RollbackComplete);
    let at = StackAddress::new(&region(), failed.id);
    let events = aws.events(&at, None).unwrap();
    // it tells the cause with the stack, not with the resource
    let cause = events.iter().find_map(|event| event.reason.as_deref()).unwrap_or_default();
    assert!(cause.contains("acme-one already exists"), "{events:#?}");
    assert!(
        events.iter().any(|event| event.logical_id == "New" && event.status == "DELETE_COMPLETE")
    );
    let nowhere = bucket(REGION, "acme-new", "000000000000");
    assert_eq!(aws.get_object(&object(&nowhere, "x")), Ok(None));

    // an update whose second part fails takes its first part back
    let clash = format!(
        r#"{}, {}, "Clash": {{"Type": "AWS::S3::Bucket", "DependsOn": ["One", "Two"], "Properties": {{"BucketName": "acme-taken"}}}}"#,
        versioned("One", "acme-one", "Suspended"),
        versioned("Two", "acme-two", "Enabled")
    );
    let taken = run(
        &aws,
        &request(
            "taker",
            ChangeSetKind::Create,
            &versioned("Taken", "acme-taken", "Enabled"),
            "t3",
        ),
    );
    assert_eq!(taken.status, StackStatus::CreateComplete);
    let back = run(&aws, &request("holder", ChangeSetKind::Update, &clash, "t4"));
    assert_eq!(back.status, StackStatus::UpdateRollbackComplete);
    assert_eq!(versioning(&aws, "acme-one"), "Enabled");
}

#[test]
fn a_bucket_with_objects_is_not_deleted() {
    let server = emulator::shared_roto();
    let aws = Aws::connect(&options(REGION, &server.url)).unwrap();
    let account = aws.caller().unwrap().account.to_string();
    let stack = run(
        &aws,
        &request("full", ChangeSetKind::Create, &versioned("Full", "acme-full", "Enabled"), "t5"),
    );
    let at = StackAddress::new(&region(), stack.id);
    let there = bucket(REGION, "acme-full", &account);
    aws.put_object(&object(&there, "k"), b"v", PutCondition::Absent).unwrap();
    aws.delete_stack(&at, &[], None, "d1").unwrap();
    assert_eq!(settled(&aws, &at).status, StackStatus::DeleteFailed);
    let resources = aws.stack_resources(&at).unwrap();
    assert_eq!(resources[0].status, "DELETE_FAILED");
    // emptied, or kept: both ways out end
    let versions = aws.list_versions(&there, "", None, 1000).unwrap().versions;
    assert_eq!(aws.delete_versions(&there, &versions), Ok(Vec::new()));
    aws.delete_stack(&at, &[], None, "d2").unwrap();
    assert_eq!(settled(&aws, &at).status, StackStatus::DeleteComplete);

    let stack = run(
        &aws,
        &request("kept", ChangeSetKind::Create, &versioned("Kept", "acme-kept", "Enabled"), "t6"),
    );
    let at = StackAddress::new(&region(), stack.id);
    let there = bucket(REGION, "acme-kept", &account);
    aws.put_object(&object(&there, "k"), b"v", PutCondition::Absent).unwrap();
    aws.delete_stack(&at, &[], None, "d3").unwrap();
    assert_eq!(settled(&aws, &at).status, StackStatus::DeleteFailed);
    let kept = LogicalId::new("Kept").unwrap();
    aws.delete_stack(&at, &[kept], None, "d4").unwrap();
    assert_eq!(settled(&aws, &at).status, StackStatus::DeleteComplete);
    assert!(aws.get_object(&object(&there, "k")).unwrap().is_some());
}

#[test]
fn a_change_set_says_what_is_made_anew() {
    let server = emulator::shared_roto();
    let aws = Aws::connect(&options(REGION, &server.url)).unwrap();
    run(
        &aws,
        &request("anew", ChangeSetKind::Create, &versioned("B", "acme-old-name", "Enabled"), "t7"),
    );
    let renamed = made(
        &aws,
        &request("anew", ChangeSetKind::Update, &versioned("B", "acme-new-name", "Enabled"), "t8"),
    );
    assert_eq!(renamed.changes[0].replacement, Some(Replacement::True));
    let in_place = made(
        &aws,
        &request(
            "anew",
            ChangeSetKind::Update,
            &versioned("B", "acme-old-name", "Suspended"),
            "t9",
        ),
    );
    assert_eq!(in_place.changes[0].replacement, Some(Replacement::False));
    let nothing = made(
        &aws,
        &request("anew", ChangeSetKind::Update, &versioned("B", "acme-old-name", "Enabled"), "t10"),
    );
    assert!(nothing.without_changes(), "{nothing:?}");
}
