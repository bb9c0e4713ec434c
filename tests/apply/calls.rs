//! Which calls are made, in which order, and what happens when the cloud does something unexpected
//! between two of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::SignedDuration;
use lakewright::apply::{Asking, Clock, Ended, Outcome, State, What, lock};
use lakewright::cloud::*;
use lakewright::names::LogicalId;
use lakewright::plan::{Plan, StackPlan};

use crate::bench::{Bench, Typed, base_bucket, told};
use crate::meddler::Meddler;

fn apply_on(bench: &Bench, cloud: &Meddler<'_>) -> Outcome {
    bench.carry_out_on(cloud, &bench.plan(&Typed::default()), &Typed::default())
}

/// An example that is there, and whose table is to lose a column.
fn changing() -> Bench {
    let mut bench = Bench::example("quickstart", "dev");
    bench.apply();
    bench.spec = bench.spec.replace("country: string,", "");
    bench
}

fn lock_object(bench: &Bench) -> ObjectAddress {
    let lake = bench.lake();
    let bucket = base_bucket(&lake);
    let bucket = lakewright::apply::base_bucket(&lake.home.region, &bucket, &lake.home.account);
    ObjectAddress { bucket, key: lock::key(&lake.naming.lake_id()) }
}

fn state(outcome: &Outcome, name: &str) -> State {
    outcome.stacks.iter().find(|stack| stack.key.name.as_str().ends_with(name)).unwrap().state
}

/// The stacks that wait for the storage stack.
fn behind_storage(plan: &Plan) -> Vec<String> {
    let waits = |stack: &&StackPlan| {
        stack.depends_on.iter().any(|key| key.name.as_str().ends_with("-storage"))
    };
    let names: Vec<String> =
        plan.stacks.iter().filter(waits).map(|stack| stack.key.name.to_string()).collect();
    assert!(!names.is_empty());
    names
}

#[test]
fn the_order_of_a_first_apply() {
    let bench = Bench::example("medallion", "dev");
    let cloud = Meddler::new(&bench.sandbox);
    let plan = bench.plan(&Typed::default());
    let outcome = bench.carry_out_on(&cloud, &plan, &Typed::default());
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    let calls = cloud.calls();
    assert_eq!(calls[0].name, "GetCallerIdentity");
    let executed = |stack: &str| cloud.place("ExecuteChangeSet", stack);
    let base = executed("medallion-dev-base");
    let locked = base
        + calls[base..]
            .iter()
            .position(|call| call.name == "PutObject" && call.about.ends_with("lock.json"))
            .unwrap();
    let index = cloud.place("PutObject", "index.json");
    let script = cloud.place("PutObject", "scripts/");
    let storage = executed("medallion-dev-storage");
    assert!(base < locked && locked < index && index < script && script < storage);
    let mut pairs = 0;
    for stack in &plan.stacks {
        for before in &stack.depends_on {
            assert!(executed(before.name.as_str()) < executed(stack.key.name.as_str()));
            pairs += 1;
        }
    }
    assert!(pairs > 5);
    assert!(calls.last().unwrap().about.ends_with("lock.json"), "{:?}", calls.last());
    assert_eq!(calls.last().unwrap().name, "DeleteObject");

    let made: Vec<_> = calls.iter().filter(|call| call.name == "CreateChangeSet").collect();
    let tokens: BTreeSet<&str> = made.iter().map(|call| call.token.as_str()).collect();
    assert_eq!(tokens.len(), made.len(), "a token is never used again");
}

#[test]
fn reading_takes_few_calls() {
    let bench = Bench::example("medallion", "dev");
    bench.apply();
    let cloud = Meddler::new(&bench.sandbox);
    let deployed = bench.observe(&cloud);
    let stacks = deployed.stacks.len();
    assert_eq!(cloud.calls()[0].name, "GetCallerIdentity");
    assert_eq!(cloud.count("ListStacks"), 1);
    for call in ["DescribeStacks", "GetTemplate", "ListStackResources"] {
        assert_eq!(cloud.count(call), stacks, "{call}");
    }
    assert_eq!(cloud.calls().len(), 3 + 3 * stacks, "{:#?}", cloud.calls());
}

#[test]
fn a_change_set_that_breaks_the_promise_is_deleted() {
    let bench = changing();
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.change_set = Box::new(|set| {
        set.changes.push(ResourceChange {
            action: ChangeAction::Remove,
            logical_id: LogicalId::new("DatabaseShop").unwrap(),
            physical_id: Some("quickstart_dev_shop".into()),
            kind: "AWS::Glue::Database".into(),
            replacement: None,
            policy_action: Some("Delete".into()),
            details: Vec::new(),
        });
    });
    let outcome = apply_on(&bench, &cloud);
    assert_eq!(outcome.ended, Ended::Refused, "{}", told(&outcome));
    assert_eq!(outcome.diagnostics[0].code.as_str(), "LW0651");
    assert!(told(&outcome).contains("DatabaseShop"), "{}", told(&outcome));
    assert_eq!(cloud.count("ExecuteChangeSet"), 0);
    assert_eq!(cloud.count("DeleteChangeSet"), 1);
    drop(cloud);
    bench.apply();
}

#[test]
fn a_refused_first_change_set_leaves_no_stack_behind() {
    let bench = Bench::example("quickstart", "dev");
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.change_set = Box::new(|set| {
        set.status = ChangeSetStatus::Failed;
        set.execution = ExecutionStatus::Unavailable;
        set.reason = Some("Template error: BaseBucket is odd".into());
    });
    let outcome = apply_on(&bench, &cloud);
    assert_eq!(outcome.ended, Ended::Refused, "{}", told(&outcome));
    assert_eq!(outcome.diagnostics[0].code.as_str(), "LW0808");
    assert_eq!(
        outcome.diagnostics[0].path.as_deref(),
        Some("lake"),
        "the sentence names a resource"
    );
    assert!(bench.sandbox.list_stacks(&bench.region()).unwrap().is_empty());
}

/// Asks CloudFormation about a plan through a meddler; says what is left in the cloud of it.
fn asked(bench: &Bench, cloud: &Meddler<'_>) -> Vec<String> {
    let plan = bench.plan(&Typed::default());
    let deployed = bench.observe(&bench.sandbox);
    let how = Asking {
        clock: &bench.clock,
        run: "lw-asking".into(),
        interrupt: &bench.interrupt,
        tell: &|_| {},
    };
    let before = bench.sandbox.list_stacks(&bench.region()).unwrap();
    lakewright::apply::ask(cloud, &plan, &deployed, &how);
    let stacks = bench.sandbox.list_stacks(&bench.region()).unwrap();
    let mut left: Vec<String> =
        stacks.iter().filter(|it| !before.contains(it)).map(|it| it.name.to_string()).collect();
    for stack in stacks {
        let at = StackAddress::new(&bench.region(), stack.id);
        let sets = bench.sandbox.list_change_sets(&at).unwrap();
        left.extend(sets.into_iter().filter(|id| id.contains("lw-asking")));
    }
    left
}

#[test]
fn asking_leaves_nothing_behind_on_every_way_out() {
    for fresh in [true, false] {
        let bench = match fresh {
            true => Bench::example("quickstart", "dev"),
            false => changing(),
        };
        let cloud = Meddler::new(&bench.sandbox);
        assert_eq!(asked(&bench, &cloud), [""; 0], "answered");
        assert!(cloud.count("CreateChangeSet") > 0);
        let mut cloud = Meddler::new(&bench.sandbox);
        cloud.change_set = Box::new(|set| set.status = ChangeSetStatus::Failed);
        assert_eq!(asked(&bench, &cloud), [""; 0], "refused");
        let mut cloud = Meddler::new(&bench.sandbox);
        cloud.before = Box::new(|call| match call.name {
            "DescribeChangeSet" => Err(CloudError::AccessDenied("no".into())),
            _ => Ok(()),
        });
        assert_eq!(asked(&bench, &cloud), [""; 0], "not allowed to look");
        let mut cloud = Meddler::new(&bench.sandbox);
        cloud.change_set = Box::new(|set| {
            set.status = ChangeSetStatus::CreateInProgress;
            set.execution = ExecutionStatus::Unavailable;
            bench.interrupt.store(true, Ordering::SeqCst);
        });
        assert_eq!(asked(&bench, &cloud), [""; 0], "interrupted");
        assert_eq!(cloud.count("CreateChangeSet"), 1, "nothing more is asked");
    }
}

#[test]
fn a_change_set_without_changes_is_no_failure() {
    let bench = changing();
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.change_set = Box::new(|set| {
        set.status = ChangeSetStatus::Failed;
        set.execution = ExecutionStatus::Unavailable;
        set.reason = Some("The submitted information didn't contain changes. Submit different information to create a change set.".into());
    });
    let outcome = apply_on(&bench, &cloud);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert_eq!(outcome.summary.changed, 0);
    assert_eq!(cloud.count("ExecuteChangeSet"), 0);
}

#[test]
fn a_lost_lock_stops_what_has_not_begun() {
    let bench = Bench::example("medallion", "dev");
    let at = lock_object(&bench);
    let mut cloud = Meddler::new(&bench.sandbox);
    let thief = |call: &crate::meddler::Call| {
        if call.name == "ExecuteChangeSet" && call.about.contains("storage") {
            bench.sandbox.put_object(&at, b"{}", PutCondition::Always)?;
            bench.clock.sleep(SignedDuration::from_secs(40));
        }
        Ok(())
    };
    cloud.before = Box::new(thief);
    let plan = bench.plan(&Typed::default());
    let outcome = bench.carry_out_on(&cloud, &plan, &Typed::default());
    assert_eq!(
        (outcome.ended, outcome.ended.exit_code()),
        (Ended::Unfinished, 1),
        "{}",
        told(&outcome)
    );
    assert!(told(&outcome).contains("LW0912"), "{}", told(&outcome));
    assert_eq!(state(&outcome, "-storage"), State::Done);
    for name in behind_storage(&plan) {
        assert_eq!(state(&outcome, &name), State::NotStarted, "{name}");
    }
    assert_eq!(bench.sandbox.get_object(&at).unwrap().unwrap().body, b"{}", "it is theirs now");
}

#[test]
fn ctrl_c_leaves_the_cloud_at_work_and_the_next_run_goes_on() {
    let bench = Bench::example("medallion", "dev");
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.before = Box::new(|call| {
        if call.name == "ExecuteChangeSet" && call.about.contains("storage") {
            bench.interrupt.store(true, Ordering::SeqCst);
        }
        Ok(())
    });
    let plan = bench.plan(&Typed::default());
    let outcome = bench.carry_out_on(&cloud, &plan, &Typed::default());
    assert_eq!(outcome.ended, Ended::Interrupted);
    let text = told(&outcome);
    assert!(text.contains("goes on with stack medallion-dev-storage"), "{text}");
    assert!(text.contains("lakewright status"), "{text}");
    assert_eq!(state(&outcome, "-storage"), State::Running);
    for name in behind_storage(&plan) {
        assert_eq!(state(&outcome, &name), State::NotStarted, "{name}");
    }
    drop(cloud);
    bench.interrupt.store(false, Ordering::SeqCst);
    bench.recover();
    bench.apply();
}

#[test]
fn large_templates_go_through_the_base_bucket() {
    let columns: String = (0..40).map(|n| format!(", column_{n}: string")).collect();
    let tables: String = (0..25)
        .map(|n| {
            format!(
                "      t{n}:\n        format: parquet\n        columns: {{ id: bigint{columns} }}\n"
            )
        })
        .collect();
    let spec = format!(
        "lakewright: 1\nlake: wide\nenvironments:\n  dev: {{ region: eu-west-1 }}\nkeys:\n  main: {{}}\nbuckets:\n  raw:\n    encryption: keys.main\ndatabases:\n  shop:\n    location: raw/shop/\n    tables:\n{tables}"
    );
    let bench = Bench::spec(&spec);
    let cloud = Meddler::new(&bench.sandbox);
    let outcome = apply_on(&bench, &cloud);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    let made: Vec<_> =
        cloud.calls().into_iter().filter(|call| call.name == "CreateChangeSet").collect();
    let catalog = made.iter().find(|call| call.about.contains("-catalog")).unwrap();
    assert!(catalog.about.contains(" templates/"), "{catalog:?}");
    let base = made.iter().find(|call| call.about.contains("-base")).unwrap();
    assert!(base.about.ends_with("inline"), "{base:?}");
}

#[test]
fn silence_is_broken_by_heartbeats_and_the_lease_is_renewed() {
    let bench = changing();
    let busy = AtomicUsize::new(0);
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.before = Box::new(|call| {
        if call.name == "ExecuteChangeSet" {
            busy.store(30, Ordering::SeqCst);
        }
        Ok(())
    });
    cloud.told = Box::new(|events| {
        if busy.load(Ordering::SeqCst) > 0 {
            events.clear();
        }
    });
    cloud.stack = Box::new(|stack| {
        let count = |n: usize| n.checked_sub(1);
        if busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).is_ok() {
            stack.status = StackStatus::UpdateInProgress;
        }
    });
    let outcome = apply_on(&bench, &cloud);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    let events = bench.events.lock().unwrap();
    let beats: Vec<u64> = events
        .iter()
        .filter_map(|event| match event.what {
            What::Heartbeat { elapsed, .. } => Some(elapsed),
            _ => None,
        })
        .collect();
    assert!(beats.len() >= 8, "{beats:?}");
    assert!(beats.windows(2).all(|pair| (10..=16).contains(&(pair[1] - pair[0]))), "{beats:?}");
    let renewals = cloud
        .calls()
        .iter()
        .filter(|call| call.name == "PutObject" && call.about.ends_with("lock.json"))
        .count();
    assert!(renewals >= 4, "{renewals}");
}

#[test]
fn expired_credentials_end_the_watching_and_not_the_work() {
    let bench = changing();
    let gone = AtomicBool::new(false);
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.before = Box::new(|call| match call.name {
        "ExecuteChangeSet" => {
            gone.store(true, Ordering::SeqCst);
            Ok(())
        }
        _ if gone.load(Ordering::SeqCst) => Err(CloudError::Credentials("expired".into())),
        _ => Ok(()),
    });
    let outcome = apply_on(&bench, &cloud);
    assert_eq!((outcome.ended, outcome.ended.exit_code()), (Ended::Unfinished, 1));
    assert!(told(&outcome).contains("the cloud goes on with it"), "{}", told(&outcome));
    drop(cloud);
    // The lock could not be given back, and its lease ends.
    bench.clock.sleep(SignedDuration::from_secs(300));
    bench.recover();
    bench.apply();
}

#[test]
fn a_cloud_that_stops_answering_is_left_after_minutes_and_says_so() {
    // Before anything is executed, and while a stack is at work. Each try takes half a minute.
    for at in ["CreateChangeSet", "ExecuteChangeSet"] {
        let bench = changing();
        let gone = AtomicBool::new(false);
        let mut cloud = Meddler::new(&bench.sandbox);
        cloud.before = Box::new(|call| {
            if gone.load(Ordering::SeqCst) {
                bench.clock.sleep(SignedDuration::from_secs(30));
                return Err(CloudError::NoAnswer("connection refused".into()));
            }
            gone.store(call.name == at, Ordering::SeqCst);
            Ok(())
        });
        let begun = bench.clock.now();
        let outcome = apply_on(&bench, &cloud);
        let took = bench.clock.now().duration_since(begun);
        assert!(took <= SignedDuration::from_mins(7), "{at}: {took:?}");
        assert!(took >= SignedDuration::from_mins(2), "{at}: it is not given up at once: {took:?}");
        assert!(told(&outcome).contains("no answer: connection refused"), "{}", told(&outcome));
        assert!(outcome.diagnostics.iter().any(|it| it.code.as_str() == "LW0812"), "{at}");
        let silent =
            bench.events.lock().unwrap().iter().any(
                |event| matches!(event.what, What::CloudSilent { elapsed, .. } if elapsed >= 30),
            );
        assert!(silent, "{at}: it is said while it is waited");
        drop(cloud);
        bench.clock.sleep(lock::LEASE * 2);
        assert_eq!(bench.apply().ended, Ended::Done, "{at}: the same command goes on");
    }
}

#[test]
fn what_an_update_leaves_behind_is_told() {
    let bench = changing();
    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.told = Box::new(|events| {
        if let Some(last) = events.last().cloned()
            && last.kind == "AWS::CloudFormation::Stack"
            && last.status == "UPDATE_COMPLETE"
        {
            events.insert(
                events.len() - 1,
                StackEvent {
                    id: "orphan".into(),
                    logical_id: "TableOld".into(),
                    physical_id: "old".into(),
                    kind: "AWS::Glue::Table".into(),
                    status: "DELETE_FAILED".into(),
                    reason: Some("in use".into()),
                    ..last
                },
            );
        }
    });
    let outcome = apply_on(&bench, &cloud);
    assert_eq!(outcome.ended, Ended::Done);
    assert_eq!(outcome.diagnostics[0].code.as_str(), "LW0817", "{}", told(&outcome));
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_uploaded() {
    let bench = Bench::example("medallion", "dev");
    let mut plan = bench.plan(&Typed::default());
    plan.uploads[0].sha256 = "0".repeat(64);
    let outcome = bench.carry_out(&plan);
    assert_ne!(outcome.ended, Ended::Done);
    assert!(told(&outcome).contains("LW0815"), "{}", told(&outcome));
    assert_eq!(bench.started(), ["medallion-dev-base"]);
}
