//! The whole cycle of stacks and objects against ministack, through the trait. What it shows of AWS
//! and what not is known cell by cell; asserted is what it does right.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lakewright::aws::Aws;
use lakewright::cloud::*;
use lakewright::document::Value;
use lakewright::names::{AccountId, LogicalId, Region};
use serde_json::json;

use super::support::emulator;
use super::{bucket, object, options};

const REGION: &str = "us-east-1";

fn region() -> Region {
    Region::new(REGION).unwrap()
}

/// A connection as an account of its own.
fn account(url: &str, id: &str) -> Aws {
    let mut options = options(REGION, url);
    if let Some(keys) = &mut options.keys {
        keys.id = id.to_owned();
    }
    let aws = Aws::connect(&options).unwrap();
    assert_eq!(aws.caller().unwrap().account, AccountId::new(id).unwrap());
    aws
}

fn request(stack: &str, kind: ChangeSetKind, template: &str, token: &str) -> ChangeSetRequest {
    ChangeSetRequest {
        stack: StackAddress::new(&region(), stack),
        name: format!("lw-{token}"),
        kind,
        template: TemplateSource::Inline(template.into()),
        parameters: BTreeMap::new(),
        tags: BTreeMap::from([("lakewright:lake".into(), "acme".into())]),
        capabilities: Vec::new(),
        execution_role: None,
        imports: Vec::new(),
        token: token.into(),
    }
}

/// Looks until `done`, and not for ever.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} takes more than 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn made(aws: &Aws, request: &ChangeSetRequest) -> ChangeSet {
    let id = aws.create_change_set(request).unwrap();
    until("the change set", || {
        let set = aws.describe_change_set(&request.stack.region, &id).unwrap();
        let done = ![ChangeSetStatus::CreatePending, ChangeSetStatus::CreateInProgress]
            .contains(&set.status);
        done.then_some(set)
    })
}

pub fn settled(aws: &Aws, at: &StackAddress) -> Stack {
    until("the stack", || {
        let stack = aws.describe_stack(at).unwrap()?;
        let done = !stack.status.in_progress() && stack.status != StackStatus::ReviewInProgress;
        done.then_some(stack)
    })
}

fn template(bucket: &str, versioning: &str, extra: &str) -> String {
    format!(
        r#"{{"Parameters": {{"Purpose": {{"Type": "String", "Default": "raw"}}}},
"Resources": {{"Raw": {{"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
  "Properties": {{"BucketName": "{bucket}", "VersioningConfiguration": {{"Status": "{versioning}"}}{extra}}}}}}},
"Outputs": {{"Name": {{"Value": {{"Ref": "Raw"}}}}, "Purpose": {{"Value": {{"Ref": "Purpose"}}}}}}}}"#
    )
}

const BLOCK: &str = r#", "PublicAccessBlockConfiguration": {"BlockPublicAcls": true,
  "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}"#;

#[test]
fn a_stack_from_its_first_change_set_to_its_import() {
    let server = emulator::shared_ministack();
    let aws = account(&server.url, "111111111111");
    let at = StackAddress::new(&region(), "acme-prod-storage");
    let name = "acme-prod-cycle";
    let bucket_now = || aws.read(&region(), "AWS::S3::Bucket", name).unwrap();

    // a change set makes nothing
    assert_eq!(aws.describe_stack(&at), Ok(None));
    assert!(matches!(aws.template(&at), Err(CloudError::NotFound(_))));
    let first = template(name, "Enabled", "");
    let mut create = request("acme-prod-storage", ChangeSetKind::Create, &first, "t1");
    create.parameters.insert("Purpose".into(), "ledger".into());
    let set = made(&aws, &create);
    assert!(set.ready(), "{set:?}");
    assert_eq!(set.changes.len(), 1);
    assert_eq!(set.changes[0].action, ChangeAction::Add);
    assert_eq!(set.changes[0].kind, "AWS::S3::Bucket");
    let review = aws.describe_stack(&at).unwrap().unwrap();
    assert_eq!(review.status, StackStatus::ReviewInProgress);
    assert_eq!(bucket_now(), Reading::Absent);

    // the same call again is the same change set; another call with its name is refused
    assert_eq!(aws.create_change_set(&create), Ok(set.id.clone()));
    let mut other = create.clone();
    other.token = "another".into();
    assert!(matches!(aws.create_change_set(&other), Err(CloudError::AlreadyExists(_))));

    // executed once, and the same call again is no second execution
    aws.execute_change_set(&region(), &set.id, "run-1").unwrap();
    let stack = settled(&aws, &at);
    assert_eq!(stack.status, StackStatus::CreateComplete);
    assert_eq!(stack.outputs["Name"], name);
    assert_eq!(stack.outputs["Purpose"], "ledger");
    assert_eq!(stack.parameters["Purpose"], "ledger");
    assert_eq!(stack.tags["lakewright:lake"], "acme");
    aws.execute_change_set(&region(), &set.id, "run-1").unwrap();
    assert!(aws.execute_change_set(&region(), &set.id, "run-2").is_err());

    let by_id = StackAddress::new(&region(), stack.id.clone());
    assert_eq!(aws.template(&by_id).unwrap(), first);
    let listed = aws.list_stacks(&region()).unwrap();
    assert!(listed.iter().any(|line| line.id == stack.id && line.name == stack.name));
    let resources = aws.stack_resources(&by_id).unwrap();
    assert_eq!(resources.len(), 1);
    assert_eq!(resources[0].logical_id.as_str(), "Raw");
    assert_eq!(resources[0].physical_id, name);
    assert_eq!(resources[0].status, "CREATE_COMPLETE");

    let events = aws.events(&by_id, None).unwrap();
    let position = |logical: &str, status: &str| {
        events
            .iter()
            .position(|event| event.logical_id == logical && event.status == status)
            .unwrap_or_else(|| panic!("{logical} {status}: {events:?}"))
    };
    let raw = position("Raw", "CREATE_COMPLETE");
    assert!(position("acme-prod-storage", "CREATE_COMPLETE") > raw);
    assert_eq!(events[raw].token.as_deref(), Some("run-1"));
    let later = aws.events(&by_id, Some(&events[raw].id)).unwrap();
    assert_eq!(later, events[raw + 1..]);

    let Reading::Properties(read) = bucket_now() else {
        panic!("the bucket is there");
    };
    assert_eq!(read.at(&["VersioningConfiguration", "Status"]), Some(&"Enabled".into()));

    // no changes
    let same = request("acme-prod-storage", ChangeSetKind::Update, &first, "t2");
    let mut same = same;
    same.parameters = create.parameters.clone();
    let nothing = made(&aws, &same);
    assert!(nothing.without_changes(), "{nothing:?}");
    assert!(matches!(
        aws.execute_change_set(&region(), &nothing.id, "run-3"),
        Err(CloudError::Refused(_))
    ));
    aws.delete_change_set(&region(), &nothing.id).unwrap();
    aws.delete_change_set(&region(), &nothing.id).unwrap();
    assert!(matches!(
        aws.describe_change_set(&region(), &nothing.id),
        Err(CloudError::NotFound(_))
    ));

    // an update, with the template in a bucket
    let second = template(name, "Enabled", BLOCK);
    let base = bucket(REGION, name, "111111111111");
    let stored = object(&base, "templates/second.json");
    aws.put_object(&stored, second.as_bytes(), PutCondition::Absent).unwrap();
    let mut update = request("acme-prod-storage", ChangeSetKind::Update, "", "t3");
    update.template = TemplateSource::Object(stored);
    let set = made(&aws, &update);
    assert!(set.ready(), "{set:?}");
    assert_eq!(set.changes[0].action, ChangeAction::Modify);
    assert!(
        set.changes[0]
            .details
            .iter()
            .any(|it| it.name.as_deref() == Some("PublicAccessBlockConfiguration")),
        "{set:?}"
    );
    aws.execute_change_set(&region(), &set.id, "run-4").unwrap();
    assert_eq!(settled(&aws, &by_id).status, StackStatus::UpdateComplete);
    let Reading::Properties(read) = bucket_now() else {
        panic!("the bucket is there");
    };
    assert_eq!(
        read.at(&["PublicAccessBlockConfiguration", "BlockPublicPolicy"]),
        Some(&true.into())
    );

    // protected, then deleted; the bucket is kept
    aws.set_termination_protection(&by_id, true).unwrap();
    assert!(settled(&aws, &by_id).termination_protection);
    let refused = aws.delete_stack(&by_id, &[], None, "run-5");
    assert!(matches!(refused, Err(CloudError::Refused(_))), "{refused:?}");
    aws.set_termination_protection(&by_id, false).unwrap();
    aws.delete_stack(&by_id, &[], None, "run-6").unwrap();
    let gone = settled(&aws, &by_id);
    assert_eq!(gone.status, StackStatus::DeleteComplete);
    assert_eq!(aws.describe_stack(&at), Ok(None));
    assert!(aws.list_stacks(&region()).unwrap().iter().all(|line| line.id != stack.id));
    assert!(matches!(bucket_now(), Reading::Properties(_)));

    // and taken back, without outputs: an import may not add any
    let resources_only = second.split(",\n\"Outputs\"").next().unwrap();
    let bare = format!("{resources_only}}}");
    let with = request("acme-prod-storage", ChangeSetKind::Import, &second, "t4");
    let with = aws.create_change_set(&with);
    assert!(matches!(with, Err(CloudError::Refused(_))), "{with:?}");
    let mut import = request("acme-prod-storage", ChangeSetKind::Import, &bare, "t5");
    import.tags.clear(); // ministack takes no tags with an import
    import.imports.push(ImportTarget {
        logical_id: LogicalId::new("Raw").unwrap(),
        kind: "AWS::S3::Bucket".into(),
        identifier: BTreeMap::from([("BucketName".into(), name.into())]),
    });
    let set = made(&aws, &import);
    assert!(set.ready(), "{set:?}");
    assert_eq!(set.changes[0].action, ChangeAction::Import);
    aws.execute_change_set(&region(), &set.id, "run-7").unwrap();
    let back = settled(&aws, &at);
    assert_eq!(back.status, StackStatus::ImportComplete);
    assert_ne!(back.id, stack.id);
    assert_eq!(aws.stack_resources(&at).unwrap()[0].physical_id, name);
}

#[test]
fn drift_is_found_where_it_can_be_seen() {
    let server = emulator::shared_ministack();
    let aws = account(&server.url, "222222222222");
    let at = StackAddress::new(&region(), "drifting");
    let create = request(
        "drifting",
        ChangeSetKind::Create,
        &template("acme-prod-drifts", "Enabled", ""),
        "t1",
    );
    let set = made(&aws, &create);
    aws.execute_change_set(&region(), &set.id, "run-1").unwrap();
    settled(&aws, &at);
    let drift = aws.detect_drift(&at).unwrap();
    assert!(drift.complete);
    assert_eq!(drift.resources[0].status, DriftStatus::InSync);

    let signed = format!(
        "AWS4-HMAC-SHA256 Credential=222222222222/20260101/{REGION}/s3/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let suspended = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                     <Status>Suspended</Status></VersioningConfiguration>";
    let (status, body) = server.http(
        "PUT",
        "/acme-prod-drifts?versioning",
        &[("Authorization", &signed)],
        suspended,
    );
    assert_eq!(status, 200, "{body}");
    let drift = aws.detect_drift(&at).unwrap();
    let raw = &drift.resources[0];
    assert_eq!(raw.status, DriftStatus::Modified);
    assert_eq!(raw.physical_id, "acme-prod-drifts");
    let versioning = raw
        .differences
        .iter()
        .find(|it| it.path.starts_with("/VersioningConfiguration"))
        .unwrap_or_else(|| panic!("{raw:?}"));
    let status = |value: &Option<Value>| {
        let value = value.as_ref()?;
        value.as_str().or_else(|| value.get("Status")?.as_str()).map(str::to_owned)
    };
    assert_eq!(status(&versioning.expected).as_deref(), Some("Enabled"));
    assert_eq!(status(&versioning.actual).as_deref(), Some("Suspended"));
    let Ok(Reading::Properties(read)) = aws.read(&region(), "AWS::S3::Bucket", "acme-prod-drifts")
    else {
        panic!("the bucket is there");
    };
    assert_eq!(read.at(&["VersioningConfiguration", "Status"]), Some(&"Suspended".into()));
}

#[test]
fn objects_are_written_on_conditions_and_deleted_by_version() {
    let server = emulator::shared_ministack();
    let aws = account(&server.url, "333333333333");
    let at = StackAddress::new(&region(), "objects");
    let create = request(
        "objects",
        ChangeSetKind::Create,
        &template("acme-prod-objects", "Enabled", ""),
        "t1",
    );
    let set = made(&aws, &create);
    aws.execute_change_set(&region(), &set.id, "run-1").unwrap();
    settled(&aws, &at);

    let there = bucket(REGION, "acme-prod-objects", "333333333333");
    let lock = object(&there, "locks/prod.json");
    assert_eq!(aws.get_object(&lock), Ok(None));
    let first = aws.put_object(&lock, b"one", PutCondition::Absent).unwrap();
    let taken = aws.put_object(&lock, b"two", PutCondition::Absent);
    assert!(matches!(taken, Err(CloudError::PreconditionFailed(_))), "{taken:?}");
    let second = aws.put_object(&lock, b"three", PutCondition::Matches(first.clone())).unwrap();
    let stale = aws.put_object(&lock, b"four", PutCondition::Matches(first));
    assert!(matches!(stale, Err(CloudError::PreconditionFailed(_))), "{stale:?}");
    let read = aws.get_object(&lock).unwrap().unwrap();
    assert_eq!((read.body.as_slice(), read.etag), (&b"three"[..], second));
    aws.delete_object(&lock).unwrap();
    assert_eq!(aws.get_object(&lock), Ok(None));

    let body = vec![7; 70_000];
    for count in 0..5 {
        let at = object(&there, &format!("data/{count} ä+.bin"));
        aws.put_object(&at, &body, PutCondition::Always).unwrap();
    }
    assert_eq!(aws.list_versions(&there, "data/", None, 3).unwrap().versions.len(), 3);
    let versions = aws.list_versions(&there, "", None, 1000).unwrap().versions;
    assert_eq!(versions.len(), 8, "{versions:?}");
    assert_eq!(versions.iter().filter(|it| it.delete_marker).count(), 1);
    assert!(versions.iter().any(|it| it.key == "data/4 ä+.bin" && it.size == 70_000));
    assert!(versions.iter().all(|it| it.locked.is_none()));
    assert_eq!(aws.delete_versions(&there, &versions), Ok(Vec::new()));
    assert_eq!(aws.list_versions(&there, "", None, 1000), Ok(VersionPage::default()));
    let nowhere = bucket(REGION, "acme-prod-nowhere", "333333333333");
    assert_eq!(aws.get_object(&object(&nowhere, "x")), Ok(None));
    assert!(matches!(
        aws.put_object(&object(&nowhere, "x"), b"", PutCondition::Always),
        Err(CloudError::NotFound(_))
    ));
}

#[test]
fn answers_lost_on_the_way_change_nothing() {
    let upstream = emulator::shared_ministack();
    let proxy = emulator::microburst(upstream);
    proxy.warm(&["sts", "cloudformation", "s3"]);
    let aws = account(&proxy.url, "444444444444");
    let at = StackAddress::new(&region(), "lossy");
    let lost = |operation: &str| {
        proxy.faults(&json!([{"service": "cloudformation", "operation": operation, "times": 1,
            "response": {"abort_bytes": 0}}]));
        proxy.forget_faults();
    };
    let fired = || proxy.fired().len();

    lost("CreateChangeSet");
    let text = template("acme-prod-lossy", "Enabled", "");
    let create = request("lossy", ChangeSetKind::Create, &text, "t1");
    let set = made(&aws, &create);
    assert_eq!(fired(), 1);
    assert!(set.ready(), "{set:?}");

    lost("ExecuteChangeSet");
    aws.execute_change_set(&region(), &set.id, "run-1").unwrap();
    assert_eq!(fired(), 1);
    let stack = settled(&aws, &at);
    assert_eq!(stack.status, StackStatus::CreateComplete);

    lost("DeleteStack");
    let by_id = StackAddress::new(&region(), stack.id);
    aws.delete_stack(&by_id, &[], None, "run-2").unwrap();
    assert_eq!(fired(), 1);
    assert_eq!(settled(&aws, &by_id).status, StackStatus::DeleteComplete);

    proxy.faults(&json!([{"service": "cloudformation", "times": 2,
        "error": {"code": "Throttling", "status": 400, "message": "Rate exceeded"}}]));
    aws.list_stacks(&region()).unwrap();
    proxy.faults(&json!([{"service": "cloudformation",
        "error": {"code": "ExpiredToken", "status": 403}}]));
    assert!(matches!(aws.list_stacks(&region()), Err(CloudError::Credentials(_))));
}

#[test]
fn roles_and_policies_are_read_as_they_were_deployed() {
    let server = emulator::shared_ministack();
    let aws = account(&server.url, "555555555555");
    let text = include_str!("permissions.json");
    let mut create = request("permissions", ChangeSetKind::Create, text, "t1");
    create.capabilities.push("CAPABILITY_NAMED_IAM".into());
    let set = made(&aws, &create);
    assert!(set.ready(), "{set:?}");
    aws.execute_change_set(&region(), &set.id, "run-1").unwrap();
    let stack = settled(&aws, &create.stack);
    assert_eq!(stack.status, StackStatus::CreateComplete, "{stack:?}");
    let deployed = Value::from_json(text).unwrap();
    let declared = |id: &str, property: &str| {
        let value = deployed.at(&["Resources", id, "Properties", property]);
        value.unwrap_or_else(|| panic!("{id}.{property}")).clone()
    };
    let read = |kind: &str, id: &str| match aws.read(&region(), kind, id) {
        Ok(Reading::Properties(properties)) => properties,
        other => panic!("{kind} {id}: {other:?}"),
    };

    let role = read("AWS::IAM::Role", "acme-loader");
    for property in ["AssumeRolePolicyDocument", "Policies", "MaxSessionDuration"] {
        let found = role.get(property);
        assert_eq!(found, Some(&declared("Loader", property)), "{property}");
    }
    let arn = stack.outputs["ReadArn"].as_str();
    assert_eq!(role.at(&["ManagedPolicyArns", "0"]), Some(&arn.to_owned().into()));

    let policy = read("AWS::IAM::ManagedPolicy", arn);
    let document = declared("Read", "PolicyDocument");
    assert_eq!(policy.get("PolicyDocument"), Some(&document));
    assert_eq!(policy.at(&["Roles", "0"]), Some(&"acme-loader".into()));
    assert_eq!(policy.get("Users"), Some(&Value::List(Vec::new())));

    let resources = aws.stack_resources(&create.stack).unwrap();
    let of_bucket = resources.iter().find(|it| it.kind == "AWS::S3::BucketPolicy");
    assert!(of_bucket.is_some(), "{resources:?}");
    let policy = read("AWS::S3::BucketPolicy", "acme-prod-permissions");
    let document = declared("BucketPolicy", "PolicyDocument");
    assert_eq!(policy.get("PolicyDocument"), Some(&document));
}
