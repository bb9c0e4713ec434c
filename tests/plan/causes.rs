//! Which line of the spec a plan names, for every kind of edit of a whole lake.
//!
//! `causes/edits.txt` holds edits of `examples/medallion/lake.yaml`: the number of the line, what stands
//! there and what instead (`\n` is a new line). `causes/plans.txt` holds what the plan of each says:
//! resources, properties, and the lines that they come from.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use lakewright::document::Value;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

struct Edit {
    line: usize,
    old: String,
    new: String,
}

fn edits(text: &str) -> Vec<Edit> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let edit = |line: &str| {
        let parts = line.split_once(": ").and_then(|(number, rest)| {
            let (old, new) = rest.split_once(" => ")?;
            Some((number.parse().ok()?, old.to_owned(), new.replace("\\n", "\n")))
        });
        let Some((line, old, new)) = parts else { panic!("`LINE: OLD => NEW`, not `{line}`") };
        Edit { line, old, new }
    };
    lines.map(edit).collect()
}

/// The lake with a line changed.
fn edited(lake: &str, edit: &Edit) -> String {
    let mut lines: Vec<String> = lake.lines().map(str::to_owned).collect();
    let line = &mut lines[edit.line - 1];
    assert!(line.contains(&edit.old), "line {} is `{line}`, without `{}`", edit.line, edit.old);
    *line = line.replacen(&edit.old, &edit.new, 1);
    lines.join("\n") + "\n"
}

fn plan(old: &Path, new: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(["diff", "--json", "--env", "prod"])
        .args([old, new])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let plan = Value::from_json(&text).ok().filter(|plan| plan.get("stacks").is_some());
    plan.unwrap_or_else(|| panic!("{}: {text}{:?}", new.display(), output.stderr))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or_default()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}

fn line_of(value: &Value) -> String {
    value.at(&["cause", "line"]).and_then(Value::as_int).map_or("-".into(), |line| line.to_string())
}

/// What a plan says, a line for each property and grant.
fn told(plan: &Value) -> String {
    let mut told = String::new();
    for change in list(plan, "stacks").iter().flat_map(|stack| list(stack, "changes")) {
        let (action, id) = (text(change, "action"), text(change, "logical_id"));
        for note in list(change, "notes").iter().filter_map(Value::as_str) {
            if let Some((_, line)) = note.split_once(" (").filter(|_| note.starts_with("follows "))
            {
                let line = line.trim_end_matches(')').rsplit(':').next().unwrap();
                writeln!(told, "    {action} {id} follows <- {line}").unwrap();
            }
        }
        if action == "create" || list(change, "properties").is_empty() {
            writeln!(told, "    {action} {id} <- {}", line_of(change)).unwrap();
            continue;
        }
        for property in list(change, "properties") {
            let path: Vec<&str> = list(property, "path").iter().filter_map(Value::as_str).collect();
            let line = line_of(property);
            writeln!(told, "    {action} {id} {} <- {line}", path.join(".")).unwrap();
        }
    }
    for grant in list(plan, "access") {
        let (who, verb, place) = (text(grant, "who"), text(grant, "verb"), text(grant, "place"));
        let change = text(grant, "change");
        writeln!(told, "    {change} {who}: {verb} {place} <- {}", line_of(grant)).unwrap();
    }
    told
}

#[test]
fn a_plan_names_the_line_that_was_edited() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = root.join("examples/medallion");
    let lake = std::fs::read_to_string(example.join("lake.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    for script in std::fs::read_dir(example.join("jobs")).unwrap() {
        let script = script.unwrap();
        std::fs::copy(script.path(), folder.path().join("jobs").join(script.file_name())).unwrap();
    }
    let new = folder.path().join("lake.yaml");
    let mut all = String::new();
    let mut touched = vec![false; lake.lines().count() + 1];
    let edits = edits(&std::fs::read_to_string(root.join("tests/plan/causes/edits.txt")).unwrap());
    let mut wrong = Vec::new();
    for edit in &edits {
        touched[edit.line] = true;
        std::fs::write(&new, edited(&lake, edit)).unwrap();
        let told = told(&plan(&example.join("lake.yaml"), &new));
        // What was put behind the line stands on the next one.
        let lines = edit.line..=edit.line + edit.new.matches('\n').count();
        let named = |line: usize| told.lines().any(|one| one.ends_with(&format!(" <- {line}")));
        if !told.is_empty() && !edit.new.is_empty() && !lines.clone().any(named) {
            wrong.push(format!("{}: {} => {}\n{told}", edit.line, edit.old, edit.new));
        }
        let what = edit.new.replace('\n', "\\n");
        writeln!(all, "{}: {} => {what}\n{told}", edit.line, edit.old).unwrap();
    }
    assert!(wrong.is_empty(), "no change of these is put down to its line:\n{}", wrong.join("\n"));
    // What is said of the other environment changes nothing here; another account or region is another
    // lake, the language has one version, and these formats and engines cannot be exchanged for others.
    let fixed = |line: &str| {
        ["lakewright:", "account:", "region:", "format:", "run:"]
            .iter()
            .any(|key| line.trim().starts_with(key))
    };
    let dev = lake.lines().position(|line| line == "  dev:").unwrap();
    let prod = lake.lines().position(|line| line == "  prod:").unwrap();
    let untouched: Vec<String> = (0..)
        .zip(lake.lines())
        .filter(|(at, line)| {
            let holds = line.split_once(": ").is_some_and(|(key, _)| !key.starts_with('#'));
            holds && !touched[at + 1] && !fixed(line) && !(dev..prod).contains(at)
        })
        .map(|(at, line)| format!("{}: {line}", at + 1))
        .collect();
    assert!(untouched.is_empty(), "nothing edits these lines:\n{}", untouched.join("\n"));
    let plans = Data::read_from(&root.join("tests/plan/causes/plans.txt"), Some(DataFormat::Text));
    Assert::new().action_env("SNAPSHOTS").eq(all, plans);
}
