//! Every resource of `examples/medallion` fails at its turn: while it is made, changed, deleted.
//!
//! Which there are is asked of lakewright itself (`plan --json`), so that a new resource is a new case.
//! Each case is a copy of the same folder. What failed, on which line, why and what became of each
//! stack is told; the exit code is that of a clean failure, or of a stuck stack; and the command that
//! is printed brings the lake to what the spec says.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::all_at_once;
use crate::stage::Stage;

const REASON: &str = "the service is on strike";

/// A change that is planned, as far as a case needs it.
#[derive(Debug)]
struct Case {
    stack: String,
    logical_id: String,
    kind: String,
    path: String,
    line: Option<u64>,
}

/// A folder with the example, in which `apply` has been said as often as needed.
fn prepared(applied: bool) -> Stage {
    let mut stage = Stage::new();
    stage.account = "111111111111".into();
    stage.copy_example("medallion").unwrap();
    if applied {
        assert_eq!(
            say(&mut stage, "apply --sandbox --env dev --auto-approve").unwrap(),
            0,
            "{}",
            stage.said
        );
    }
    stage
}

fn say(stage: &mut Stage, line: &str) -> Result<i32, String> {
    stage.run(&crate::script::split(line))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A stage like another.
fn like(original: &Stage) -> Stage {
    let mut stage = Stage::new();
    stage.account.clone_from(&original.account);
    copy(&original.path("."), &stage.path("."));
    stage
}

/// The planned changes with this action.
fn cases(stage: &mut Stage, line: &str, action: &str) -> Vec<Case> {
    let code = say(stage, line).unwrap();
    assert_eq!(code, 0, "{}", stage.said);
    let plan: Value = serde_json::from_str(&stage.said).unwrap();
    let mut cases = Vec::new();
    for stack in plan["stacks"].as_array().unwrap() {
        let changes = stack["changes"].as_array().unwrap();
        for change in changes.iter().filter(|change| change["action"] == action) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            cases.push(Case {
                stack: text(&stack["name"]),
                logical_id: text(&change["logical_id"]),
                kind: text(&change["type"]),
                path: text(&change["cause"]["path"]),
                line: change["cause"]["line"].as_u64(),
            });
        }
    }
    cases
}

/// Makes a resource fail, says the command, looks at what is told, mends it, and says what was printed.
fn fails(case: &Case, mut stage: Stage, at: &str, line: &str, code: i32) -> Result<(), String> {
    let Case { stack, logical_id, kind, path, .. } = case;
    let name = format!("{stack}/{logical_id} ({kind}) fails to {at}");
    let told =
        |stage: &Stage, why: &str| Err(format!("{name}: {why}\n--- said last:\n{}", stage.said));
    let fault = serde_json::json!({
        "fail": [{"resource": format!("{stack}/{logical_id}"), "at": at, "reason": REASON}]
    });
    let faults = |stage: &Stage, text: &str| {
        let faults = serde_json::from_str(text).map_err(|error| error.to_string())?;
        stage.sandbox()?.set_faults(faults).map_err(|error| error.to_string())
    };
    faults(&stage, &fault.to_string())?;
    let ended = say(&mut stage, line)?;
    if ended != code {
        return told(&stage, &format!("exit {ended}, not {code}"));
    }
    let status = format!("{}_FAILED", at.to_uppercase());
    let mut expected = vec![
        format!("`{path}` failed in stack {stack}: {status}"),
        "the cloud says: ".to_owned(),
        REASON.to_owned(),
        format!("resource {logical_id} ({kind})"),
        "Stacks:\n".to_owned(),
        format!("\n  {stack} (eu-west-1) "),
        "\nNext: lakewright ".to_owned(),
    ];
    if at != "delete" {
        let Some(line) = case.line else { return told(&stage, "the plan names no line") };
        expected.push(format!("it comes from lake.yaml:{line}\n"));
        expected.push("rolled back: ".to_owned());
    }
    if let Some(missing) = expected.iter().find(|text| !stage.said.contains(text.as_str())) {
        return told(&stage, &format!("it does not say `{missing}`"));
    }
    faults(&stage, "{}")?;
    let next = stage.next()?;
    match stage.run(&next)? {
        0 => {}
        code => return told(&stage, &format!("the printed command ends with {code}")),
    }
    let check = match at {
        "delete" => "status --sandbox --env dev",
        _ => "plan --sandbox --env dev --detailed-exitcode",
    };
    let settled = match at {
        "delete" => "Nothing is deployed.",
        _ => "No changes.",
    };
    match say(&mut stage, check)? {
        0 if stage.said.contains(settled) => Ok(()),
        _ => told(&stage, "the printed command does not lead to what the spec says"),
    }
}

fn all(cases: &[Case], least: usize, work: impl Fn(&Case) -> Result<(), String> + Sync) {
    assert!(cases.len() >= least, "{cases:#?}");
    let failures = all_at_once(cases, work);
    let (count, of) = (failures.len(), cases.len());
    assert!(failures.is_empty(), "{count} of {of}:\n\n{}", failures.join("\n\n"));
}

#[test]
fn every_resource_fails_while_it_is_made() {
    let mut stage = prepared(false);
    let cases = cases(&mut stage, "plan --sandbox --env dev --json", "create");
    all(&cases, 35, |case| {
        fails(case, prepared(false), "create", "apply --sandbox --env dev --auto-approve", 7)
    });
}

#[test]
fn every_resource_that_can_be_changed_fails_while_it_is() {
    let mut made = prepared(true);
    // Whose lake it is stands in the tags of everything that has tags; the scripts and the columns too.
    let spec = fs::read_to_string(made.path("lake.yaml")).unwrap();
    let spec = spec
        .replace("owner: data-platform@acme.example", "owner: lakes@acme.example")
        .replace(
            "          country: string\n",
            "          country: string\n          region: string\n",
        )
        .replace("older_than: 26h", "older_than: 25h")
        .replace("read: [refined, marts, bronze/]", "read: [refined, marts]");
    made.write("lake.yaml", &spec).unwrap();
    made.write("jobs/refine.py", "print('another')\n").unwrap();
    let cases = cases(&mut made, "plan --sandbox --env dev --json", "update");
    all(&cases, 4, |case| {
        fails(case, like(&made), "update", "apply --sandbox --env dev --auto-approve", 7)
    });
}

#[test]
fn every_resource_that_goes_with_the_lake_fails_while_it_goes() {
    let mut made = prepared(true);
    let cases = cases(&mut made, "plan --sandbox --env dev --destroy --json", "delete");
    all(&cases, 15, |case| {
        fails(case, like(&made), "delete", "destroy --sandbox --env dev --auto-approve", 8)
    });
}
