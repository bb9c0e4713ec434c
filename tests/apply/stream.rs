//! The stream of events: what it says to people, and that programs can rely on its form.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lakewright::apply::What;
use lakewright::render::document::{Found, document};
use lakewright::render::events;

use crate::bench::{Bench, Typed};
use crate::support::judge;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The plain lines, stack by stack: stacks that do not wait for each other are told as they come.
/// Durations are those of the machine and left out.
fn lines(bench: &Bench) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for event in bench.events.lock().unwrap().iter() {
        let stack = match &event.what {
            What::StackStarted { stack, .. }
            | What::StackFinished { stack, .. }
            | What::StackFailed { stack, .. }
            | What::Emptied { stack, .. } => stack.to_string(),
            What::Resource(progress) => progress.stack.to_string(),
            What::Heartbeat { .. } => continue,
            _ => "~".to_owned(),
        };
        if let Some(line) = events::text(event) {
            let line = match line.rsplit_once(" after ") {
                Some((line, time)) if time.ends_with('s') => format!("{line} after ..."),
                _ => line,
            };
            lines.push((stack, line));
        }
    }
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

#[test]
fn people_can_follow_it() {
    let bench = Bench::example("quickstart", "dev");
    bench.apply();
    let made = lines(&bench);
    let destroy = bench.plan_destroy(&Typed::default());
    bench.carry_out(&destroy);
    let gone = lines(&bench);
    insta::assert_snapshot!("quickstart", format!("{made}\n{gone}"));
}

#[test]
fn every_line_has_the_form_of_the_schema() {
    let mut objects = vec![
        events::version("0.1.0", Timestamp::UNIX_EPOCH),
        events::exit(0, "ok", Vec::new(), Timestamp::UNIX_EPOCH),
    ];
    let bench = Bench::example("medallion", "dev");
    let plan = bench.plan(&Typed::default());
    objects.extend(events::planned_changes(&plan, Timestamp::UNIX_EPOCH));
    objects.push(events::planned_summary(&plan, Timestamp::UNIX_EPOCH));
    let told =
        |bench: &Bench| bench.events.lock().unwrap().iter().map(events::json).collect::<Vec<_>>();
    bench.carry_out(&plan);
    objects.extend(told(&bench));
    bench.carry_out(&plan);
    objects.extend(told(&bench));
    let typed = Typed {
        consents: vec![lakewright::plan::Consent::Destroy("notify".into())],
        ..Typed::default()
    };
    bench.carry_out(&bench.plan_destroy(&typed));
    objects.extend(told(&bench));
    let kinds: std::collections::BTreeSet<&str> =
        objects.iter().filter_map(|object| object.get("type")?.as_str()).collect();
    for kind in [
        "version",
        "planned_change",
        "change_summary",
        "stack_start",
        "apply_start",
        "apply_complete",
        "stack_complete",
        "upload_complete",
        "diagnostic",
    ] {
        assert!(kinds.contains(kind), "{kind} in {kinds:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = objects
        .iter()
        .enumerate()
        .map(|(at, object)| {
            let path = folder.path().join(format!("{at:04}.json"));
            std::fs::write(&path, object.to_json()).unwrap();
            path
        })
        .collect();
    let schema = root().join("docs/schemas/events.schema.json");
    let violations = judge::json_schema(&schema, &files);
    assert!(violations.is_empty(), "{violations:#?}");

    // The judge can say no.
    let wrong = folder.path().join("wrong.json");
    std::fs::write(&wrong, r#"{"type": "apply_start", "@level": "loud"}"#).unwrap();
    assert!(!judge::json_schema(&schema, &[wrong]).is_empty());
}

#[test]
fn a_report_of_drift_has_the_form_of_its_schema() {
    let bench = Bench::example("medallion", "dev");
    bench.apply();
    let region = bench.region();
    let gone = lakewright::sandbox::Tamper::Delete;
    bench.sandbox.tamper(&region, "AWS::S3::BucketPolicy", "medallion-dev-gold", &gone).unwrap();
    let path = "/VersioningConfiguration/Status".to_owned();
    let set = lakewright::sandbox::Tamper::Set { path, value: "Suspended".into() };
    bench.sandbox.tamper(&region, "AWS::S3::Bucket", "medallion-dev-gold", &set).unwrap();
    let report = lakewright::render::drift::json(&crate::drifts::look(&bench));
    let document = document(report, &Found::default(), 0, "ok");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drift.json");
    std::fs::write(&file, document.to_json()).unwrap();
    let schema = root().join("docs/schemas/drift.schema.json");
    let violations = judge::json_schema(&schema, &[file]);
    assert!(violations.is_empty(), "{violations:#?}");
}
