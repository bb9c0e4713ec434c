//! The life of a lake: made, changed, destroyed, taken back, given up for good.

use lakewright::apply::{Ended, State, deletion_command, outputs};
use lakewright::cloud::{
    Cloud, ObjectAddress, ObjectVersion, PutCondition, VersionMarker, VersionPage,
};
use lakewright::names::BucketName;
use lakewright::plan::{Action, Consent, StackAction};

use crate::bench::{Bench, Typed, told};
use crate::meddler::Meddler;

/// A lake with one bucket whose data may be given up, and one whose may not.
const SMALL: &str = r#"lakewright: 1
lake: small
environments:
  dev: { region: eu-west-1 }
keys:
  main: {}
buckets:
  raw:
    encryption: keys.main
  scratch:
    encryption: keys.main
    protect: false
databases:
  shop:
    location: raw/shop/
    tables:
      orders:
        format: parquet
        columns: { order_id: bigint, country: string }
"#;

#[test]
fn every_example_is_made_in_one_go_and_then_there_is_nothing_to_do() {
    for (example, environment) in [
        ("quickstart", "dev"),
        ("medallion", "dev"),
        ("streaming", "dev"),
        ("cross-account-sharing", "prod"),
        ("partner-access", "prod"),
        ("north-star", "prod"),
    ] {
        let bench = Bench::example(example, environment);
        let outcome = bench.apply();
        assert!(outcome.summary.added > 5, "{example}");
        assert!(outcome.next.is_empty());
        assert!(bench.started()[0].contains("-base"), "{:?}", bench.started());
        let again = bench.plan(&Typed::default());
        let changing: Vec<_> = again
            .stacks
            .iter()
            .filter(|stack| stack.action != StackAction::Keep)
            .map(|stack| (stack.key.to_string(), &stack.changes))
            .collect();
        assert!(changing.is_empty(), "{example}: {changing:#?}");
        let outcome = bench.carry_out(&again);
        assert_eq!(outcome.ended, Ended::Done);
        assert!(bench.started().is_empty());
    }
}

#[test]
fn a_change_reaches_the_cloud_and_only_it() {
    let mut bench = Bench::spec(SMALL);
    bench.apply();
    bench.spec = SMALL.replace("country: string }", "country: string, amount: double }");
    let outcome = bench.apply();
    assert_eq!((outcome.summary.added, outcome.summary.changed), (0, 1), "{}", told(&outcome));
    assert_eq!(bench.started(), ["small-dev-catalog"]);
}

#[test]
fn what_is_destroyed_is_kept_and_taken_back() {
    let bench = Bench::spec(SMALL);
    bench.apply();
    let before = outputs(&bench.observe(&bench.sandbox));
    let at = raw(&bench, "small-dev-raw", "shop/one");
    bench.sandbox.put_object(&at, b"precious", PutCondition::Always).unwrap();

    let plan = bench.plan_destroy(&allow("scratch"));
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    let kinds: Vec<&str> = outcome.summary.kept.iter().map(|kept| kept.kind.as_str()).collect();
    for kind in ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Glue::Table", "AWS::Glue::Database"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    for kept in &outcome.summary.kept {
        assert!(deletion_command(kept).starts_with("aws "), "{}", deletion_command(kept));
        assert_ne!(kept.path, "buckets.scratch", "it was given up");
    }
    assert!(bench.sandbox.list_stacks(&bench.region()).unwrap().is_empty());
    assert_eq!(bench.sandbox.get_object(&at).unwrap().unwrap().body, b"precious");

    let plan = bench.plan(&Typed::default());
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let imports = plan.stacks.iter().flat_map(|stack| &stack.changes);
    let imports = imports.filter(|change| change.action == Action::Import).count();
    assert_eq!(imports, outcome.summary.kept.len());
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert_eq!(outcome.summary.imported, imports);
    assert!(outcome.summary.kept.is_empty(), "{:?}", outcome.summary.kept);
    assert_eq!(outputs(&bench.observe(&bench.sandbox)), before);
    assert_eq!(bench.sandbox.get_object(&at).unwrap().unwrap().body, b"precious");
    assert!(bench.plan(&Typed::default()).is_empty(), "{:#?}", bench.plan(&Typed::default()));
}

#[test]
fn more_than_an_import_takes_is_taken_back_in_several() {
    let tables: String = (0..230)
        .map(|n| format!("      t{n}: {{ format: parquet, columns: {{ id: bigint }} }}\n"))
        .collect();
    let bench = Bench::spec(&format!(
        "lakewright: 1\nlake: many\nenvironments:\n  dev: {{ region: eu-west-1 }}\nbuckets:\n  raw: {{}}\ndatabases:\n  shop:\n    location: raw/shop/\n    tables:\n{tables}"
    ));
    bench.apply();
    let outcome = bench.carry_out(&bench.plan_destroy(&Typed::default()));
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert!(outcome.summary.kept.len() > 230);
    let outcome = bench.apply();
    assert!(outcome.summary.imported > 230);
    assert!(outcome.summary.kept.is_empty());
    assert!(bench.plan(&Typed::default()).is_empty());
}

#[test]
fn data_goes_only_with_both_consents() {
    let bench = Bench::spec(SMALL);
    bench.apply();
    let at = raw(&bench, "small-dev-scratch", "one");
    for body in [b"1", b"2"] {
        bench.sandbox.put_object(&at, body, PutCondition::Always).unwrap();
    }
    // Protected: no consent helps.
    assert!(!bench.plan_destroy(&allow("raw")).refusals.is_empty());
    // Not protected, and not agreed to.
    assert!(!bench.plan_destroy(&Typed::default()).refusals.is_empty());
    // Agreed to, and not empty.
    let refused = bench.plan_destroy(&allow("scratch"));
    assert!(!refused.refusals.is_empty());
    let outcome = bench.carry_out(&refused);
    assert_eq!(outcome.ended, Ended::Refused, "a plan with refusals is not carried out");
    assert_eq!(bench.sandbox.list_versions(&at.bucket, "", None, 10).unwrap().versions.len(), 2);

    let mut both = allow("scratch");
    both.consents.push(Consent::Empty("scratch".into()));
    let plan = bench.plan_destroy(&both);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert!(bench.sandbox.get_object(&at).unwrap().is_none());
    assert!(outcome.stacks.iter().all(|stack| stack.state == State::Done));
}

#[test]
fn objects_that_came_after_the_plan_stop_it_before_anything_is_deleted() {
    let bench = Bench::spec(SMALL);
    bench.apply();
    let plan = bench.plan_destroy(&allow("scratch"));
    let at = raw(&bench, "small-dev-scratch", "late");
    bench.sandbox.put_object(&at, b"1", PutCondition::Always).unwrap();
    let outcome = bench.carry_out(&plan);
    assert_eq!(outcome.ended, Ended::Refused);
    assert!(bench.started().is_empty(), "nothing is deleted, no other stack either");
    assert_eq!(bench.sandbox.get_object(&at).unwrap().unwrap().body, b"1");
    assert!(told(&outcome).contains("small-dev-scratch"), "{}", told(&outcome));
}

/// A page of a bucket of twelve thousand versions, the last of which is locked.
fn twelfth_page_locked(after: Option<&VersionMarker>) -> VersionPage {
    let begin: usize = after.map_or(0, |after| after.key.parse::<usize>().unwrap() + 1);
    let version = |n: usize| ObjectVersion {
        key: format!("{n:05}"),
        version: "v".into(),
        delete_marker: false,
        size: 1,
        locked: (n == 11_999).then(|| "legal hold".to_owned()),
    };
    let versions: Vec<ObjectVersion> = (begin..begin + 1_000).map(version).collect();
    let next = (begin < 11_000)
        .then(|| VersionMarker { key: versions[999].key.clone(), version: Some("v".into()) });
    VersionPage { versions, next, lockable: true }
}

#[test]
fn every_version_is_looked_at_before_any_is_deleted() {
    let bench = Bench::spec(SMALL);
    bench.apply();
    let mut both = allow("scratch");
    both.consents.push(Consent::Empty("scratch".into()));
    let at = raw(&bench, "small-dev-scratch", "one");
    bench.sandbox.put_object(&at, b"1", PutCondition::Always).unwrap();
    let plan = bench.plan_destroy(&both);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);

    let mut cloud = Meddler::new(&bench.sandbox);
    cloud.versions = Box::new(|bucket, after| {
        (bucket.bucket.as_str() == "small-dev-scratch").then(|| twelfth_page_locked(after))
    });
    let outcome = bench.carry_out_on(&cloud, &plan, &both);
    assert_eq!(outcome.ended, Ended::Refused, "{}", told(&outcome));
    assert!(told(&outcome).contains("1 versions that are locked"), "{}", told(&outcome));
    assert!(told(&outcome).contains("11999 (version v): legal hold"), "{}", told(&outcome));
    assert_eq!(cloud.count("ListObjectVersions"), 12);
    assert_eq!(cloud.count("DeleteObjects") + cloud.count("DeleteStack"), 0);
    assert_eq!(bench.sandbox.get_object(&at).unwrap().unwrap().body, b"1");
}

fn allow(name: &str) -> Typed {
    Typed { consents: vec![Consent::Destroy(name.into())], ..Typed::default() }
}

fn raw(bench: &Bench, bucket: &str, key: &str) -> ObjectAddress {
    let lake = bench.lake();
    let bucket = BucketName::new(bucket).unwrap();
    let bucket = lakewright::apply::base_bucket(&lake.home.region, &bucket, &lake.home.account);
    ObjectAddress { bucket, key: key.into() }
}
