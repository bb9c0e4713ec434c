//! A saved plan says of access what its spec says: `review` and the questions print the same for both, line by line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, line: &str) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_remove("LAKEWRIGHT_ENV")
        .output()
        .expect("the binary runs");
    Said {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("it prints UTF-8"),
        err: String::from_utf8(output.stderr).expect("it prints UTF-8"),
    }
}

fn done(folder: &Path, line: &str) -> String {
    let said = run(folder, line);
    assert_eq!(said.code, 0, "{line}\n{}{}", said.out, said.err);
    said.out
}

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(root).expect("there are examples");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    all.retain(|path| path.join("lake.yaml").exists());
    all.sort();
    assert!(all.len() >= 8, "{all:?}");
    all
}

/// A copy of an example with its spec and scripts.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of our own");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name");
        match path.is_dir() {
            true if name == "templates" || name == "access" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).expect("writable")),
        }
    }
}

/// The name below a key of a spec that comes first.
fn first(text: &str, key: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{key}:")));
    let name = lines.nth(1).expect("an entry").trim();
    name.split_once(':').expect("a key").0.to_owned()
}

/// The spec with one more entry of `access`.
fn with(text: &str, entry: &str) -> String {
    match text.contains("\naccess:\n") {
        true => text.replacen("\naccess:\n", &format!("\naccess:\n  {entry}\n"), 1),
        false => format!("{text}\naccess:\n  {entry}\n"),
    }
}

/// What a review prints, without what the two sides and the command are called.
fn plain(text: &str) -> Vec<String> {
    let named = |line: &str| {
        ["lakewright review ", "Reproduce: `", "**Access "].iter().any(|one| line.contains(one))
    };
    text.lines().filter(|line| !named(line)).map(str::to_owned).collect()
}

fn document(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).expect("JSON");
    let map = value.as_object_mut().expect("an object");
    for side in ["old", "new"] {
        assert!(map.remove(side).is_some(), "{side} is named");
    }
    map.remove("command");
    // a warning of the spec is said once for each state that was read from it
    map.remove("warning_count");
    let mut said = BTreeSet::new();
    let told = map["diagnostics"].as_array().cloned().unwrap_or_default();
    let once: Vec<Value> = told.into_iter().filter(|one| said.insert(one.to_string())).collect();
    map.insert("diagnostics".to_owned(), once.into());
    value
}

fn says_the_same(folder: &Path, environment: &str, plan: &str) {
    let name = folder.display();
    let own = format!("review plan:{plan} --sandbox");
    let other = format!("review deployed lake.yaml --sandbox --env {environment}");
    let (planned, written) =
        (done(folder, &format!("{own} --json")), done(folder, &format!("{other} --json")));
    assert_eq!(document(&planned), document(&written), "{name}");
    if plan == "first.plan" {
        return;
    }
    let more = "--all --policies";
    let (planned, written) =
        (done(folder, &format!("{own} {more}")), done(folder, &format!("{other} {more}")));
    assert_eq!(plain(&planned), plain(&written), "{name}");
    assert!(plain(&planned).len() > 10, "{planned}");
    let planned = run(folder, &format!("access rules plan:{plan}"));
    let written = run(folder, &format!("access rules lake.yaml --env {environment}"));
    assert_eq!(planned.out, written.out, "{name}: {}", planned.err);
    let diff = |new: &str| {
        done(folder, &format!("access diff deployed {new} --sandbox --env {environment}"))
    };
    assert_eq!(diff(&format!("plan:{plan}")), diff("lake.yaml"), "{name}");
}

#[test]
fn a_saved_plan_is_reviewed_as_its_spec_is() {
    let mut waived = 0;
    for example in examples() {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let folder = folder.path();
        copy(&example, folder);
        let spec = folder.join("lake.yaml");
        let text = fs::read_to_string(&spec).expect("readable");
        let environment = first(&text, "environments");
        let bucket = first(&text, "buckets");
        // everything is new
        done(folder, &format!("plan --sandbox --env {environment} --out first.plan -q"));
        says_the_same(folder, &environment, "first.plan");
        // one gains, another loses
        let old = with(&text, &format!("aa-before: {{ who: [role/Before], read: [{bucket}/] }}"));
        fs::write(&spec, old).expect("writable");
        done(folder, &format!("apply --sandbox --env {environment} --auto-approve -q"));
        let mut new =
            with(&text, &format!("zz-after: {{ who: [role/After], write: [{bucket}/after/] }}"));
        if text.contains("\nlake_formation:") {
            new += "\nwaivers:\n  - { rule: LW0461, on: lake_formation, reason: CloudFormation makes the grants, until: 2099-12-31 }\n";
        }
        fs::write(&spec, new).expect("writable");
        done(folder, &format!("plan --sandbox --env {environment} --out next.plan -q"));
        says_the_same(folder, &environment, "next.plan");
        let shown = done(folder, "review plan:next.plan --sandbox");
        for word in ["role/After", "role/Before", "access.zz-after.write[0]", "LOCK-OUT"] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
        waived += usize::from(shown.contains("CloudFormation makes the grants"));
        // the questions know the names of the spec
        let asked = done(
            folder,
            &format!("access can role/After write {bucket}/after/ plan:next.plan --expect allow"),
        );
        assert!(asked.contains("role/After"), "{asked}");
    }
    assert!(waived >= 2, "waivers are counted: {waived}");
}

#[test]
fn what_is_destroyed_has_no_spec_afterwards() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let folder = folder.path();
    copy(&examples()[0], folder);
    done(folder, "apply --sandbox --env prod --auto-approve -q");
    done(folder, "plan --destroy --sandbox --env prod --out gone.plan -q");
    let shown = done(folder, "review plan:gone.plan");
    assert!(shown.contains("ACCESS NARROWED"), "{shown}");
    assert!(shown.contains("lake.yaml:"), "what is lost has lines: {shown}");
    assert!(!shown.contains("breaks"), "what is meant to go does not break: {shown}");
}

#[test]
fn a_plan_of_an_older_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let folder = folder.path();
    copy(&examples()[0], folder);
    done(folder, "plan --offline --env prod --out a.plan -q");
    let text = fs::read_to_string(folder.join("a.plan")).expect("readable");
    let old = text.replacen("\"format_version\":2", "\"format_version\":1", 1);
    fs::write(folder.join("a.plan"), old).expect("writable");
    let said = run(folder, "review plan:a.plan");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("LW0902"), "{}", said.err);
    assert!(said.err.contains("lakewright plan --out FILE"), "{}", said.err);
}
