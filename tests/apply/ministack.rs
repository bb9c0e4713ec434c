//! A whole lake through real calls: what ministack shows of CloudFormation's operations.
//!
//! It is asked only for what its table calls right (statuses, events, actions of change sets, tags of
//! stacks, objects, drift of versioning); it takes no tags with an import, so that nothing is taken
//! back here.

use std::sync::atomic::Ordering;

use lakewright::apply::{Ended, index, lock};
use lakewright::aws::{Aws, ConnectOptions, Keys, Pace};
use lakewright::cloud::{Cloud, ObjectAddress, Reading, StackStatus};
use lakewright::drift::{Verdict, detect};
use lakewright::names::Region;

use crate::bench::{Bench, Typed, base_bucket, told};
use crate::support::emulator;

const SPEC: &str = r#"lakewright: 1
lake: harbour
environments:
  dev: { account: "424242424242", region: eu-west-1 }
keys:
  main: {}
buckets:
  raw:
    encryption: keys.main
databases:
  shop:
    location: raw/shop/
    tables:
      orders:
        format: parquet
        columns: { order_id: bigint, country: string }
"#;

fn connect() -> Aws {
    let server = emulator::shared_ministack();
    let options = ConnectOptions {
        endpoint: Some(server.url.clone()),
        keys: Some(Keys { id: "424242424242".into(), secret: "test".into() }),
        pace: Pace::local(),
        ..ConnectOptions::new(&Region::new("eu-west-1").unwrap(), "test")
    };
    Aws::connect(&options).unwrap()
}

#[test]
fn a_lake_is_made_changed_looked_at_and_destroyed() {
    let aws = connect();
    let mut bench = Bench::spec(SPEC);
    bench.clock.pace.store(50, Ordering::SeqCst);
    let lake = bench.lake();
    let (region, account) = (lake.home.region.clone(), lake.home.account.clone());
    let typed = Typed::default();

    let plan = bench.plan_on(&aws, &typed);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let outcome = bench.carry_out_on(&aws, &plan, &typed);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert!(outcome.stacks.iter().all(|stack| stack.status == Some(StackStatus::CreateComplete)));
    let again = bench.plan_on(&aws, &typed);
    assert!(again.is_empty(), "{again:#?}");
    assert_eq!(bench.carry_out_on(&aws, &plan, &typed).ended, Ended::Stale);

    let bucket = base_bucket(&lake);
    let base = lakewright::apply::base_bucket(&region, &bucket, &account);
    let object = |key: String| ObjectAddress { bucket: base.clone(), key };
    assert!(aws.get_object(&object(lock::key("harbour-dev"))).unwrap().is_none());
    let text = aws.get_object(&object(index::key("harbour-dev"))).unwrap().unwrap().body;
    let listed: lakewright::apply::Index = serde_json::from_slice(&text).unwrap();
    assert_eq!(listed.stacks.len(), plan.stacks.len());

    bench.spec = SPEC.replace("country: string }", "country: string, amount: double }");
    let plan = bench.plan_on(&aws, &typed);
    let outcome = bench.carry_out_on(&aws, &plan, &typed);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert_eq!(outcome.summary.changed, 1);
    assert!(bench.plan_on(&aws, &typed).is_empty());

    let look = || {
        let deployed = bench.observe(&aws);
        detect(&aws, &bench.clock, &account, &deployed).unwrap_or_else(|told| panic!("{told:?}"))
    };
    let report = look();
    let policies: Vec<_> = report
        .resources
        .iter()
        .filter(|one| one.kind == "AWS::S3::BucketPolicy")
        .map(|one| &one.verdict)
        .collect();
    assert!(policies.iter().all(|verdict| **verdict == Verdict::InSync), "{policies:?}");
    assert!(report.unread().any(|(one, _)| one.kind == "AWS::Glue::Table"), "nobody reads it here");

    let plan = bench.plan_destroy_on(&aws, &typed);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let outcome = bench.carry_out_on(&aws, &plan, &typed);
    assert_eq!(outcome.ended, Ended::Done, "{}", told(&outcome));
    assert!(bench.observe(&aws).stacks.is_empty());
    let kept: Vec<_> = outcome.summary.kept.iter().map(|kept| kept.path.as_str()).collect();
    for path in ["buckets.raw", "keys.main", "lake", "databases.shop"] {
        assert!(kept.contains(&path), "{path} in {kept:?}");
    }
    let bucket = aws.read(&region, "AWS::S3::Bucket", "harbour-dev-raw").unwrap();
    assert!(matches!(bucket, Reading::Properties(_)), "{bucket:?}");
    // The next plan takes it all back.
    let plan = bench.plan_on(&aws, &typed);
    let imports: usize = plan.stacks.iter().map(|stack| stack.imports.len()).sum();
    assert_eq!(imports, kept.len());
}
