//! What a change set may hold, and what stops it.

use lakewright::cloud::{
    ChangeAction, ChangeDetail, ChangeSet, ChangeSetStatus, ExecutionStatus, Replacement,
    ResourceChange,
};
use lakewright::names::LogicalId;
use lakewright::plan::{StackPlan, holds};

use super::cases::{all, planned};

/// The first stack that a case changes.
fn stack_of(case: &str) -> StackPlan {
    let (_, case) = all().into_iter().find(|(name, _)| name == case).expect("a case of that name");
    let mut stacks = planned(&case).stacks;
    let at = stacks.iter().position(|stack| !stack.changes.is_empty()).unwrap();
    stacks.swap_remove(at)
}

fn set(changes: Vec<ResourceChange>) -> ChangeSet {
    ChangeSet {
        id: "arn".into(),
        name: "set".into(),
        stack_id: "arn".into(),
        status: ChangeSetStatus::CreateComplete,
        execution: ExecutionStatus::Available,
        reason: None,
        tags: Default::default(),
        changes,
    }
}

fn change(id: &str, action: ChangeAction, replacement: Option<Replacement>) -> ResourceChange {
    ResourceChange {
        action,
        logical_id: LogicalId::new(id).unwrap(),
        physical_id: None,
        kind: "AWS::X::Y".into(),
        replacement,
        policy_action: None,
        details: Vec::new(),
    }
}

fn modify(id: &str, replacement: Replacement) -> ResourceChange {
    change(id, ChangeAction::Modify, Some(replacement))
}

fn dynamic(entity: &str, recreation: &str) -> ChangeDetail {
    ChangeDetail {
        attribute: "Properties".into(),
        name: Some("P".into()),
        recreation: Some(recreation.into()),
        evaluation: Some("Dynamic".into()),
        source: Some("ResourceAttribute".into()),
        causing_entity: Some(entity.into()),
        before: None,
        after: None,
    }
}

/// What CloudFormation says beyond the plan, in words.
fn found(stack: &StackPlan, changes: Vec<ResourceChange>) -> Vec<String> {
    let surprises = holds(stack, &set(changes)).err().unwrap_or_default();
    surprises.into_iter().map(|one| format!("{} {}", one.logical_id, one.found)).collect()
}

#[test]
fn what_was_planned_is_no_surprise() {
    use ChangeAction::{Add, Remove};
    let none: Vec<String> = Vec::new();
    let update = stack_of("update-with-line");
    assert_eq!(found(&update, vec![modify("BucketRaw", Replacement::False)]), none);
    let replace = stack_of("bucket-renamed-agreed");
    assert_eq!(found(&replace, vec![modify("BucketRaw", Replacement::True)]), none);
    // That it is less bad than planned is no reason to stop.
    assert_eq!(found(&replace, vec![modify("BucketRaw", Replacement::False)]), none);
    let both = stack_of("added-and-removed");
    let changes = vec![change("TopicA", Remove, None), change("TopicB", Add, None)];
    assert_eq!(found(&both, changes), none);
    let may = stack_of("unknown-type");
    for replacement in [Replacement::True, Replacement::False, Replacement::Conditional] {
        assert_eq!(found(&may, vec![modify("X", replacement)]), none);
    }
    assert_eq!(found(&may, Vec::new()), none, "it may also not happen");
}

#[test]
fn what_was_not_planned_stops() {
    use ChangeAction::{Add, Dynamic, Remove, SyncWithActual};
    let update = stack_of("update-with-line");
    let own = || modify("BucketRaw", Replacement::False);
    let cases = [
        (vec![modify("BucketRaw", Replacement::True)], "BucketRaw replaced"),
        (vec![modify("BucketRaw", Replacement::Conditional)], "BucketRaw perhaps replaced"),
        (vec![change("BucketRaw", Remove, None)], "BucketRaw removed"),
        (vec![own(), change("Other", Add, None)], "Other created"),
        (vec![own(), change("Other", Remove, None)], "Other removed"),
        (vec![own(), modify("Other", Replacement::False)], "Other changed in place"),
        (vec![own(), modify("Other", Replacement::True)], "Other replaced"),
        (vec![own(), change("Other", Dynamic, None)], "Other perhaps changed"),
        (vec![own(), change("Other", ChangeAction::Import, None)], "Other taken in"),
        (
            vec![own(), change("Other", SyncWithActual, None)],
            "Other reset to what the template says",
        ),
        (Vec::new(), "BucketRaw nothing"),
    ];
    for (changes, expected) in cases {
        assert_eq!(found(&update, changes), [expected]);
    }
}

#[test]
fn what_the_plan_keeps_must_be_kept() {
    let retain = stack_of("kept-bucket-leaves-the-spec");
    let with = |policy: &str| {
        let mut removed = change("BucketRaw", ChangeAction::Remove, None);
        removed.policy_action = Some(policy.into());
        found(&retain, vec![removed])
    };
    assert_eq!(with("Retain"), Vec::<String>::new());
    assert_eq!(with("Delete"), ["BucketRaw destroyed, not kept"]);
    let replaced = stack_of("bucket-renamed");
    let with = |policy: &str| {
        let mut one = modify("BucketRaw", Replacement::True);
        one.policy_action = Some(policy.into());
        found(&replaced, vec![one])
    };
    assert_eq!(with("ReplaceAndRetain"), Vec::<String>::new());
    assert_eq!(
        with("ReplaceAndDelete"),
        ["BucketRaw replaced, and the old one destroyed, not kept"]
    );
}

#[test]
fn the_noise_behind_a_change_in_place_is_no_surprise() {
    let update = stack_of("update-with-line");
    let noisy = |entity: &str, recreation: &str, replacement: Replacement| {
        let mut one = modify("Reader", replacement);
        one.details = vec![dynamic(entity, recreation)];
        found(&update, vec![modify("BucketRaw", Replacement::False), one])
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(noisy("BucketRaw.Arn", "Never", Replacement::False), none);
    assert_eq!(noisy("BucketRaw.Arn", "Always", Replacement::Conditional), none);
    assert_eq!(
        noisy("BucketRaw.WebsiteURL", "Never", Replacement::False),
        ["Reader changed in place"]
    );
    assert_eq!(noisy("Stranger.Arn", "Never", Replacement::False), ["Reader changed in place"]);
    assert_eq!(noisy("BucketRaw.Arn", "Always", Replacement::True), ["Reader replaced"]);
    // Behind a replacement it is none: what follows is in the plan.
    let replace = stack_of("bucket-renamed-agreed");
    let mut reader = modify("Reader", Replacement::Conditional);
    reader.details = vec![dynamic("BucketRaw.Arn", "Always")];
    let changes = vec![modify("BucketRaw", Replacement::True), reader];
    assert_eq!(found(&replace, changes), ["Reader perhaps replaced"]);
}

#[test]
fn a_coarse_answer_about_parts_that_change_in_place_is_no_surprise() {
    let mut update = stack_of("update-with-line");
    let property = update.change("BucketRaw").unwrap().properties[0].path[0].clone();
    let coarse = |name: &str, recreation: &str| {
        let mut one = modify("BucketRaw", Replacement::Conditional);
        one.details = vec![ChangeDetail {
            attribute: "Properties".into(),
            name: Some(name.into()),
            recreation: Some(recreation.into()),
            evaluation: Some("Static".into()),
            source: Some("DirectModification".into()),
            causing_entity: None,
            before: None,
            after: None,
        }];
        vec![one]
    };
    let resources = update.template.as_map_mut().unwrap().get_mut("Resources").unwrap();
    let bucket = resources.as_map_mut().unwrap().get_mut("BucketRaw").unwrap();
    let policy = bucket.as_map_mut().unwrap();
    policy.insert("UpdateReplacePolicy", "Retain");
    assert_eq!(found(&update, coarse(&property, "Conditionally")), Vec::<String>::new());
    assert_eq!(found(&update, coarse(&property, "Always")), ["BucketRaw perhaps replaced"]);
    assert_eq!(
        found(&update, coarse("BucketName", "Conditionally")),
        ["BucketRaw perhaps replaced"]
    );
    // What would be lost is not left to chance.
    let resources = update.template.as_map_mut().unwrap().get_mut("Resources").unwrap();
    let bucket = resources.as_map_mut().unwrap().get_mut("BucketRaw").unwrap();
    bucket.as_map_mut().unwrap().remove("UpdateReplacePolicy");
    let lost = found(&update, coarse(&property, "Conditionally"));
    assert_eq!(lost, ["BucketRaw perhaps replaced"]);
}

#[test]
fn what_is_spelled_otherwise_may_be_updated() {
    let (_, case) = all().into_iter().find(|(name, _)| name == "policy-respelled").unwrap();
    let stack = planned(&case).stacks.swap_remove(0);
    assert_eq!(found(&stack, vec![modify("P", Replacement::False)]), Vec::<String>::new());
    assert_eq!(found(&stack, vec![modify("P", Replacement::True)]), ["P replaced"]);
}

#[test]
fn what_was_taken_in_may_be_changed_in_place() {
    let stack = stack_of("taken-back");
    let add = change("TopicA", ChangeAction::Add, None);
    assert_eq!(found(&stack, vec![add.clone()]), Vec::<String>::new());
    let after = vec![add.clone(), modify("BucketRaw", Replacement::False)];
    assert_eq!(found(&stack, after), Vec::<String>::new());
    let after = vec![add, modify("BucketRaw", Replacement::True)];
    assert_eq!(found(&stack, after), ["BucketRaw replaced"]);
}

#[test]
fn both_verdicts_are_shown_where_they_differ() {
    let (_, case) = all().into_iter().find(|(name, _)| name == "update-with-line").unwrap();
    let mut plan = planned(&case);
    let key = plan.stacks[0].key.clone();
    let changes =
        vec![modify("BucketRaw", Replacement::True), change("X", ChangeAction::Add, None)];
    let surprises = plan.heed(&key, &set(changes));
    assert_eq!(surprises.len(), 2);
    let notes = &plan.stacks[0].changes[0].notes;
    assert_eq!(notes, &["CloudFormation's change set says: replaced"]);
    assert_eq!(plan.warnings.len(), 1);
}
