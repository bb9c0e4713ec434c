//! Stacks and change sets from recorded answers.

use std::collections::BTreeMap;

use lakewright::cloud::*;
use lakewright::document::Value;
use lakewright::names::{Arn, LogicalId};

use super::server::Recorded;
use super::{CHANGE_SET, STACK, bucket, connect, ireland, object, stack};

fn request(kind: ChangeSetKind) -> ChangeSetRequest {
    let base = bucket("eu-west-1", "acme-prod-base", "111111111111");
    ChangeSetRequest {
        stack: stack("acme-prod-raw"),
        name: "lw-1".into(),
        kind,
        template: TemplateSource::Object(object(&base, "templates/ab c.json")),
        parameters: BTreeMap::from([("KeyArn".into(), "arn:aws:kms:x".into())]),
        tags: BTreeMap::from([("lakewright:lake".into(), "acme".into())]),
        capabilities: vec!["CAPABILITY_NAMED_IAM".into()],
        execution_role: Some(executor()),
        imports: Vec::new(),
        token: "0b5e9a1c".into(),
    }
}

fn executor() -> Arn {
    Arn::new("arn:aws:iam::111111111111:role/executor").unwrap()
}

fn raw() -> LogicalId {
    LogicalId::new("Raw").unwrap()
}

#[test]
fn the_change_sets_of_a_stack_carry_its_tags_to_be() {
    let server = Recorded::play("change-sets-of-a-stack");
    let aws = connect(&server);
    let ids = aws.list_change_sets(&StackAddress::new(&ireland(), "acme-prod-raw")).unwrap();
    assert_eq!(
        ids,
        [CHANGE_SET, "arn:aws:cloudformation:eu-west-1:111111111111:changeSet/theirs/cccc"]
    );
    let tags = aws.describe_change_set(&ireland(), &ids[0]).unwrap().tags;
    let expected = [("lakewright:lake", "acme-prod"), ("owner", "data")];
    assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    server.finish();
}

#[test]
fn a_change_set_has_all_its_pages() {
    let server = Recorded::play("change-set-pages");
    let set = connect(&server).describe_change_set(&ireland(), CHANGE_SET).unwrap();
    assert_eq!((set.id.as_str(), set.name.as_str()), (CHANGE_SET, "lw-1"));
    assert_eq!(set.stack_id, STACK);
    assert!(set.ready());
    let actions: Vec<ChangeAction> = set.changes.iter().map(|change| change.action).collect();
    use ChangeAction::*;
    assert_eq!(actions, [Modify, Add, Remove, Import]);
    let modify = &set.changes[0];
    assert_eq!(modify.logical_id, raw());
    assert_eq!(modify.physical_id.as_deref(), Some("acme-prod-raw"));
    assert_eq!(modify.kind, "AWS::S3::Bucket");
    assert_eq!(modify.replacement, Some(Replacement::Conditional));
    assert_eq!(modify.policy_action.as_deref(), Some("ReplaceAndRetain"));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        modify.details,
        [
            ChangeDetail {
                attribute: "Properties".into(),
                name: some("BucketName"),
                recreation: some("Always"),
                evaluation: some("Static"),
                source: some("DirectModification"),
                causing_entity: None,
                before: some("acme-prod-raw"),
                after: some("acme-prod-raw2"),
            },
            ChangeDetail {
                attribute: "Properties".into(),
                name: some("BucketEncryption"),
                recreation: some("Never"),
                evaluation: some("Dynamic"),
                source: some("ResourceAttribute"),
                causing_entity: some("Key.Arn"),
                before: None,
                after: None,
            },
            ChangeDetail {
                attribute: "Tags".into(),
                name: None,
                recreation: some("Never"),
                evaluation: some("Static"),
                source: some("DirectModification"),
                causing_entity: None,
                before: None,
                after: None,
            },
        ]
    );
    assert_eq!(set.changes[1].replacement, None);
    assert_eq!(set.changes[1].physical_id, None);
    assert_eq!(set.changes[2].policy_action.as_deref(), Some("Retain"));
    server.finish();
}

#[test]
fn no_changes_is_known_by_both_sentences() {
    for file in ["no-changes-plain", "no-changes-transform"] {
        let server = Recorded::play(file);
        let set = connect(&server).describe_change_set(&ireland(), CHANGE_SET).unwrap();
        assert!(set.without_changes() && !set.ready(), "{file}");
        assert!(set.changes.is_empty(), "{file}");
        server.finish();
    }
}

#[test]
fn a_change_set_and_its_execution_survive_lost_answers() {
    let server = Recorded::play("create-answer-lost");
    let aws = connect(&server);
    let id = aws.create_change_set(&request(ChangeSetKind::Update)).unwrap();
    assert_eq!(id, CHANGE_SET);
    aws.execute_change_set(&ireland(), &id, "run-1").unwrap();
    server.finish();
}

#[test]
fn what_another_has_made_or_executed_is_not_ours() {
    let server = Recorded::play("create-of-another");
    let aws = connect(&server);
    let made = aws.create_change_set(&request(ChangeSetKind::Update));
    assert_eq!(made, Err(CloudError::AlreadyExists("ChangeSet lw-1 already exists".into())));
    let executed = aws.execute_change_set(&ireland(), CHANGE_SET, "run-1");
    let refused =
        "ChangeSet [lw-1] cannot be executed in its current status of [EXECUTE_IN_PROGRESS]";
    assert_eq!(executed, Err(CloudError::Refused(refused.into())));
    server.finish();
}

#[test]
fn an_import_names_what_it_takes() {
    let server = Recorded::play("import");
    let import = ChangeSetRequest {
        template: TemplateSource::Inline(r#"{"Resources":{}}"#.into()),
        tags: BTreeMap::new(),
        execution_role: None,
        imports: vec![ImportTarget {
            logical_id: raw(),
            kind: "AWS::S3::Bucket".into(),
            identifier: BTreeMap::from([("BucketName".into(), "acme-prod-raw".into())]),
        }],
        ..request(ChangeSetKind::Import)
    };
    assert_eq!(connect(&server).create_change_set(&import).unwrap(), CHANGE_SET);
    server.finish();
}

#[test]
fn a_quota_is_not_asked_twice() {
    let server = Recorded::play("quota");
    let made = connect(&server).create_change_set(&request(ChangeSetKind::Create));
    let why = "Limit for stack has been exceeded";
    assert_eq!(made, Err(CloudError::Limit(why.into())));
    server.finish();
}

#[test]
fn the_other_verbs_send_their_tokens() {
    let server = Recorded::play("stack-verbs");
    let aws = connect(&server);
    let at = stack("acme-prod-raw");
    aws.delete_stack(&at, &[raw()], Some(&executor()), "t1").unwrap();
    aws.continue_update_rollback(&at, &[raw()], "t2").unwrap();
    aws.rollback_stack(&at, "t3").unwrap();
    aws.set_termination_protection(&at, false).unwrap();
    aws.delete_change_set(&ireland(), CHANGE_SET).unwrap();
    aws.delete_stack(&at, &[], None, "t4").unwrap();
    server.finish();
}

#[test]
fn events_are_read_back_to_the_last_one_known() {
    let server = Recorded::play("events-pages");
    let events = connect(&server).events(&stack(STACK), Some("e2")).unwrap();
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["e3", "e4", "e5"]);
    let failed = &events[2];
    assert_eq!(failed.status, "CREATE_FAILED");
    assert_eq!(failed.timestamp, "2026-01-02T03:04:09.5Z");
    assert_eq!(failed.reason.as_deref(), Some("acme-prod-raw already exists"));
    assert_eq!(failed.token.as_deref(), Some("run-1"));
    assert_eq!(events[0].token, None);
    server.finish();
}

#[test]
fn lists_have_all_their_pages() {
    let server = Recorded::play("lists-pages");
    let aws = connect(&server);
    let stacks = aws.list_stacks(&ireland()).unwrap();
    let told: Vec<_> = stacks
        .iter()
        .map(|stack| (stack.name.as_str(), stack.status.as_str(), stack.updated.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("a", "CREATE_COMPLETE", "2026-01-02T03:04:05Z"),
            ("b", "UPDATE_FAILED", "2026-03-02T03:04:05Z"),
        ]
    );
    let resources = aws.stack_resources(&stack(STACK)).unwrap();
    let told: Vec<_> = resources
        .iter()
        .map(|it| (it.logical_id.as_str(), it.physical_id.as_str(), it.status.as_str()))
        .collect();
    assert_eq!(told, [("Key", "", "CREATE_FAILED"), ("Raw", "acme-prod-raw", "CREATE_COMPLETE"),]);
    server.finish();
}

#[test]
fn drift_is_waited_for_and_typed() {
    let server = Recorded::play("drift");
    let drift = connect(&server).detect_drift(&stack(STACK)).unwrap();
    assert!(drift.complete);
    let told: Vec<_> =
        drift.resources.iter().map(|it| (it.logical_id.as_str(), it.status)).collect();
    use DriftStatus::*;
    assert_eq!(
        told,
        [("Fine", InSync), ("Gone", Deleted), ("Raw", Modified), ("Unseen", NotChecked)]
    );
    let differences = &drift.resources[2].differences;
    assert_eq!(differences[0].path, "/VersioningConfiguration/Status");
    assert_eq!(differences[0].expected, Some("Enabled".into()));
    assert_eq!(differences[0].actual, Some("Suspended".into()));
    assert_eq!(differences[1].expected, Some(Value::Int(14)));
    assert_eq!(differences[1].actual, Some(Value::Int(7)));
    assert_eq!(differences[2].expected, Value::from_json(r#"[{"Key":"a","Value":"b"}]"#).ok());
    assert_eq!(differences[2].actual, None);
    let whole = drift.resources[2].actual.as_ref().unwrap();
    assert_eq!(whole.at(&["VersioningConfiguration", "Status"]), Some(&"Suspended".into()));
    assert_eq!(drift.resources[0].actual, None);
    server.finish();
}

#[test]
fn a_failed_detection_still_tells_what_it_found() {
    let server = Recorded::play("drift-failed");
    let drift = connect(&server).detect_drift(&stack(STACK)).unwrap();
    assert!(!drift.complete);
    assert_eq!(drift.reason.as_deref(), Some("Failed to detect drift on resource [Unseen]"));
    assert_eq!(drift.resources.len(), 4);
    server.finish();
}
