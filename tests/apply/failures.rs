//! Failures at every place, and the way out of each.

use lakewright::apply::{Ended, State};
use lakewright::cloud::{Cloud, StackStatus};
use lakewright::plan::Action;
use lakewright::sandbox::{CrashAt, FailAt, FailResource, Faults, FaultyCall};

use crate::bench::{Bench, Typed, told};

fn fail(resource: String, at: FailAt) -> Faults {
    let rule = FailResource { resource, at, reason: Some("no luck today".into()), times: None };
    Faults { fail: vec![rule], ..Faults::default() }
}

/// Every resource that the first apply of an example makes: stack and logical id.
fn made(bench: &Bench) -> Vec<(String, String, String)> {
    let plan = bench.plan(&Typed::default());
    let all = plan.stacks.iter().flat_map(|stack| {
        stack.changes.iter().map(|change| {
            assert_eq!(change.action, Action::Create);
            let id = change.logical_id.to_string();
            (stack.key.name.to_string(), id, change.cause.path.clone())
        })
    });
    all.collect()
}

#[test]
fn each_resource_of_an_example_fails_at_its_creation_and_the_same_command_converges() {
    let resources = made(&Bench::example("medallion", "dev"));
    assert!(resources.len() > 20);
    // Each on a cloud of its own, some at the same time.
    std::thread::scope(|scope| {
        for part in resources.chunks(resources.len().div_ceil(4)) {
            scope.spawn(|| {
                part.iter().for_each(|(stack, id, path)| creation_fails(stack, id, path))
            });
        }
    });
}

fn creation_fails(stack: &str, id: &str, path: &str) {
    let bench = Bench::example("medallion", "dev");
    bench.sandbox.set_faults(fail(format!("{stack}/{id}"), FailAt::Create)).unwrap();
    let plan = bench.plan(&Typed::default());
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::RolledBack, "{stack}/{id}: {}", told(&outcome));
    assert_eq!(outcome.ended.exit_code(), 7);
    let first = &outcome.diagnostics[0];
    assert_eq!(first.code.as_str(), "LW0801", "{stack}/{id}: {}", told(&outcome));
    assert_eq!(first.path.as_deref(), Some(path));
    assert!(first.notes.iter().any(|note| note.contains("no luck today")), "{first:?}");
    let report = outcome.stacks.iter().find(|it| it.key.name.as_str() == stack).unwrap();
    assert_eq!(report.state, State::RolledBack);
    assert_eq!(report.status, Some(StackStatus::RollbackComplete), "{stack}/{id}");
    assert_eq!(outcome.next, ["lakewright apply"]);
    bench.sandbox.set_faults(Faults::default()).unwrap();
    bench.apply();
    assert!(bench.plan(&Typed::default()).is_empty(), "{stack}/{id}");
}

#[test]
fn one_of_each_kind_fails_at_its_change_and_the_same_command_converges() {
    let mut bench = Bench::example("medallion", "dev");
    bench.apply();
    // A tag of the lake is one of every resource.
    let spec = bench.spec.clone();
    bench.spec = spec.replace("owner: data-platform@", "owner: lake-team@");
    let plan = bench.plan(&Typed::default());
    let changes: std::collections::BTreeMap<String, (String, String)> = plan
        .stacks
        .iter()
        .flat_map(|stack| {
            stack.changes.iter().map(|change| {
                let at = (stack.key.name.to_string(), change.logical_id.to_string());
                (change.kind.clone(), at)
            })
        })
        .collect();
    assert!(changes.len() > 5, "{changes:?}");
    for (number, (kind, (stack, id))) in changes.into_iter().enumerate() {
        bench.spec = spec.replace("owner: data-platform@", &format!("owner: team-{number}@"));
        bench.sandbox.set_faults(fail(format!("{stack}/{id}"), FailAt::Update)).unwrap();
        let before = bench.observe(&bench.sandbox);
        let outcome = bench.carry_out(&bench.plan(&Typed::default()));
        assert_eq!(outcome.ended, Ended::RolledBack, "{kind}: {}", told(&outcome));
        let report = outcome.stacks.iter().find(|it| it.key.name.as_str() == stack).unwrap();
        assert_eq!(report.status, Some(StackStatus::UpdateRollbackComplete), "{kind}");
        let after = bench.observe(&bench.sandbox);
        assert_eq!(after.stacks[&report.key].template, before.stacks[&report.key].template);
        assert_eq!(after.stacks[&report.key].tags, before.stacks[&report.key].tags);
        bench.sandbox.set_faults(Faults::default()).unwrap();
        bench.apply();
        assert!(bench.plan(&Typed::default()).is_empty(), "{kind}");
    }
}

#[test]
fn a_failed_change_is_taken_back() {
    let mut bench = Bench::example("quickstart", "dev");
    bench.apply();
    let before = bench.observe(&bench.sandbox);
    bench.spec = bench.spec.replace("country: string,", "");
    bench.sandbox.set_faults(fail("AWS::Glue::Table".into(), FailAt::Update)).unwrap();
    let outcome = bench.carry_out(&bench.plan(&Typed::default()));
    assert_eq!(outcome.ended, Ended::RolledBack, "{}", told(&outcome));
    let after = bench.observe(&bench.sandbox);
    for (key, stack) in &before.stacks {
        assert_eq!(after.stacks[key].template, stack.template);
    }
    bench.sandbox.set_faults(Faults::default()).unwrap();
    bench.apply();
}

#[test]
fn a_stuck_stack_is_recovered_by_the_printed_command() {
    let mut bench = Bench::example("quickstart", "dev");
    bench.apply();
    bench.spec =
        bench.spec.replace("country: string,", "").replace("data:\n", "data:\n    events: true\n");
    let mut faults = fail("AWS::S3::Bucket".into(), FailAt::Rollback);
    // The policy of the bucket fails after the bucket has been changed; then the bucket cannot go back.
    faults.fail.push(FailResource {
        resource: "AWS::Glue::Table".into(),
        at: FailAt::Update,
        reason: None,
        times: None,
    });
    faults.keep_failed = true;
    bench.sandbox.set_faults(faults).unwrap();
    let outcome = bench.carry_out(&bench.plan(&Typed::default()));
    assert_eq!(
        (outcome.ended, outcome.ended.exit_code()),
        (Ended::NeedsRecovery, 8),
        "{}",
        told(&outcome)
    );
    assert_eq!(outcome.next, ["lakewright recover", "lakewright apply"]);
    assert!(
        !bench.plan(&Typed::default()).refusals.is_empty(),
        "nothing is planned on a stuck stack"
    );
    bench.sandbox.set_faults(Faults::default()).unwrap();
    bench.recover();
    bench.apply();
}

#[test]
fn a_deletion_that_fails_is_told_and_goes_on_later() {
    let bench = Bench::example("medallion", "dev");
    bench.apply();
    bench.sandbox.set_faults(fail("AWS::Glue::Job".into(), FailAt::Delete)).unwrap();
    let typed = Typed::default();
    let outcome = bench.carry_out(&bench.plan_destroy(&typed));
    assert_eq!(outcome.ended, Ended::NeedsRecovery, "{}", told(&outcome));
    bench.sandbox.set_faults(Faults::default()).unwrap();
    let outcome = bench.carry_out(&bench.plan_destroy(&typed));
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert!(bench.sandbox.list_stacks(&bench.region()).unwrap().is_empty());
}

#[test]
fn lost_answers_and_throttling_fail_nothing() {
    for call in [
        "*",
        "CreateChangeSet",
        "DescribeChangeSet",
        "ExecuteChangeSet",
        "DescribeStacks",
        "DescribeStackEvents",
        "PutObject",
        "GetObject",
        "DeleteStack",
        "DeleteObject",
        "UpdateTerminationProtection",
    ] {
        let rule = |times| vec![FaultyCall { call: call.into(), times: Some(times) }];
        for faults in [
            Faults { throttle: rule(3), ..Faults::default() },
            Faults { lose: rule(2), ..Faults::default() },
        ] {
            let bench = Bench::example("quickstart", "dev");
            let plan = bench.plan(&Typed::default());
            bench.sandbox.set_faults(faults.clone()).unwrap();
            let outcome = bench.carry_out(&plan);
            assert_eq!(outcome.ended, Ended::Done, "{call} {faults:?}: {}", told(&outcome));
            bench.sandbox.set_faults(Faults::default()).unwrap();
            assert!(bench.plan(&Typed::default()).is_empty(), "{call}");
            let plan = bench.plan_destroy(&Typed::default());
            bench.sandbox.set_faults(faults.clone()).unwrap();
            let outcome = bench.carry_out(&plan);
            assert_eq!(outcome.ended, Ended::Done, "{call} {faults:?}: {}", told(&outcome));
        }
    }
}

#[test]
fn a_client_that_dies_is_followed_by_one_that_finishes() {
    let resources = made(&Bench::example("quickstart", "dev"));
    for (stack, id, _) in resources {
        let mut bench = Bench::example("quickstart", "dev");
        let plan = bench.plan(&Typed::default());
        let crash = CrashAt { resource: format!("{stack}/{id}") };
        bench.sandbox.set_faults(Faults { crash: vec![crash], ..Faults::default() }).unwrap();
        let outcome = bench.carry_out(&plan);
        assert_ne!(outcome.ended, Ended::Done, "{stack}/{id}");
        bench.reopen();
        bench.recover();
        let patient = Typed { lock_timeout: 600, ..Typed::default() };
        let plan = bench.plan(&patient);
        assert!(plan.refusals.is_empty(), "{stack}/{id}: {:?}", plan.refusals);
        let outcome = bench.carry_out_on(&bench.sandbox, &plan, &patient);
        assert_eq!(outcome.ended, Ended::Done, "{stack}/{id}: {}", told(&outcome));
        assert!(bench.plan(&patient).is_empty());
    }
}
