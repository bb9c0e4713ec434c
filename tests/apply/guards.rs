//! When nothing is done.

use std::sync::atomic::Ordering;

use lakewright::apply::{Ended, State, What, index, lock};
use lakewright::cloud::{Cloud, ObjectAddress, PutCondition};
use lakewright::names::AccountId;

use crate::bench::{Bench, Typed, base_bucket, told};

fn object(bench: &Bench, key: String) -> ObjectAddress {
    let lake = bench.lake();
    let bucket = base_bucket(&lake);
    let bucket = lakewright::apply::base_bucket(&lake.home.region, &bucket, &lake.home.account);
    ObjectAddress { bucket, key }
}

#[test]
fn another_account_is_refused_before_any_other_call() {
    let bench = Bench::example("quickstart", "dev");
    let mut plan = bench.plan(&Typed::default());
    plan.account = AccountId::new("999999999999").unwrap();
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Refused);
    assert_eq!(outcome.diagnostics[0].code.as_str(), "LW0806");
    assert!(bench.sandbox.list_stacks(&bench.region()).unwrap().is_empty());
}

#[test]
fn a_plan_that_the_world_has_left_behind_is_refused() {
    let bench = Bench::example("quickstart", "dev");
    let plan = bench.plan(&Typed::default());
    bench.apply();
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Stale);
    assert_eq!(outcome.ended.exit_code(), 6);
    assert!(bench.started().is_empty());
    assert!(told(&outcome).contains("it is there now"), "{}", told(&outcome));

    // A plan without changes is held to the same.
    let plan = bench.plan(&Typed::default());
    let destroy = bench.plan_destroy(&Typed::default());
    assert_eq!(bench.carry_out(&destroy).ended, Ended::Done);
    assert_eq!(bench.carry_out(&plan).ended, Ended::Stale);
}

#[test]
fn a_lock_is_respected_waited_for_and_taken_over() {
    let mut bench = Bench::example("quickstart", "dev");
    bench.apply();
    let at = object(&bench, lock::key("quickstart-dev"));
    assert!(bench.sandbox.get_object(&at).unwrap().is_none(), "the lock was given back");
    let info = lakewright::apply::LockInfo {
        format_version: 1,
        id: "somebody".into(),
        operation: "apply".into(),
        who: "arn:aws:iam::111111111111:user/other".into(),
        host: Some("ci-7".into()),
        created: "2026-01-01T00:00:00Z".into(),
        expires: "2026-01-01T00:02:00Z".into(),
    };
    let body = serde_json::to_vec(&info).unwrap();
    bench.spec = bench.spec.replace("country: string,", "");
    let held = || bench.sandbox.put_object(&at, &body, PutCondition::Always).unwrap();

    held();
    bench.clock = crate::bench::Hands::new();
    let bench = bench;
    let plan = bench.plan(&Typed::default());
    let outcome = bench.carry_out(&plan);
    assert_eq!((outcome.ended, outcome.ended.exit_code()), (Ended::Locked, 5));
    assert_eq!(outcome.lock.as_ref().unwrap().id, "somebody");
    assert!(told(&outcome).contains("--break-lock somebody"), "{}", told(&outcome));
    assert!(bench.started().is_empty());
    assert_eq!(bench.sandbox.get_object(&at).unwrap().unwrap().body, body, "it is still theirs");

    // Its lease ends while we wait.
    let patient = Typed { lock_timeout: 600, ..Typed::default() };
    let outcome = bench.carry_out_on(&bench.sandbox, &plan, &patient);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    let waited = |event: &lakewright::apply::Event| matches!(event.what, What::LockAwaited { .. });
    assert_eq!(bench.events.lock().unwrap().iter().filter(|event| waited(event)).count(), 1);
    assert!(bench.sandbox.get_object(&at).unwrap().is_none());
}

#[test]
fn a_lock_can_be_broken_by_its_id() {
    let mut bench = Bench::example("quickstart", "dev");
    bench.apply();
    bench.spec = bench.spec.replace("country: string,", "");
    let at = object(&bench, lock::key("quickstart-dev"));
    bench.sandbox.put_object(&at, b"not a lock of ours", PutCondition::Always).unwrap();
    let plan = bench.plan(&Typed::default());
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Locked);
    let id = outcome.lock.unwrap().id;
    let forced = Typed { break_lock: Some(id), ..Typed::default() };
    let outcome = bench.carry_out_on(&bench.sandbox, &plan, &forced);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
}

#[test]
fn an_interrupted_run_starts_nothing_new() {
    let bench = Bench::example("quickstart", "dev");
    let plan = bench.plan(&Typed::default());
    bench.interrupt.store(true, Ordering::SeqCst);
    let outcome = bench.carry_out(&plan);
    assert_eq!((outcome.ended, outcome.ended.exit_code()), (Ended::Interrupted, 130));
    assert!(outcome.stacks.iter().all(|stack| stack.state == State::NotStarted));
    bench.interrupt.store(false, Ordering::SeqCst);
    bench.apply();
}

#[test]
fn the_index_is_made_again_when_it_is_lost() {
    let bench = Bench::example("quickstart", "dev");
    bench.apply();
    let at = object(&bench, index::key("quickstart-dev"));
    let text = bench.sandbox.get_object(&at).unwrap().unwrap().body;
    let full: lakewright::apply::Index = serde_json::from_slice(&text).unwrap();
    assert!(full.stacks.len() >= 3, "{full:?}");
    bench.sandbox.delete_object(&at).unwrap();
    assert_eq!(bench.observe(&bench.sandbox).stacks.len(), full.stacks.len());
    bench.sandbox.put_object(&at, b"{", PutCondition::Always).unwrap();
    let lake = bench.lake();
    let bucket = base_bucket(&lake);
    let regions = lake.regions();
    let scope = crate::bench::scope(&lake, &bucket, &regions);
    let told = lakewright::apply::observe(&bench.sandbox, &bench.clock, &scope).unwrap_err();
    assert_eq!(told.code.as_str(), "LW0914");
}

#[test]
fn nothing_is_changed_without_the_bucket_that_holds_the_lock() {
    let mut bench = Bench::example("quickstart", "dev");
    bench.apply();
    let name = base_bucket(&bench.lake()).to_string();
    let gone = lakewright::sandbox::Tamper::Delete;
    bench.sandbox.tamper(&bench.region(), "AWS::S3::Bucket", &name, &gone).unwrap();
    bench.spec = bench.spec.replace("country: string,", "");
    let outcome = bench.carry_out(&bench.plan(&Typed::default()));
    assert_eq!(outcome.ended, Ended::Refused, "{}", told(&outcome));
    assert_eq!(outcome.diagnostics[0].code.as_str(), "LW0813");
    assert!(bench.started().is_empty());
    // It can still be taken down.
    let outcome = bench.carry_out(&bench.plan_destroy(&Typed::default()));
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
}
