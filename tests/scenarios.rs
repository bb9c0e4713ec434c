//! Scenarios: what a person types, what lakewright says, and what then is there.
//!
//! Each `tests/scenarios/*.txt` is a script in the small language of `tests/scenarios/README.md`,
//! played by the binary itself against the sandbox in a folder of its own, all of them at once.
//! Beside them, every resource of an example fails at its turn (`each_resource`).
//! `LAKEWRIGHT_SCENARIO=part-of-a-name` plays some, and `LAKEWRIGHT_SCENARIO_SHOW=1` shows what was
//! said.

#[path = "scenarios/each_resource.rs"]
mod each_resource;
#[path = "scenarios/script.rs"]
mod script;
#[path = "scenarios/stage.rs"]
mod stage;
mod support;

use std::path::{Path, PathBuf};

/// How many scenarios are played at once: most of their time is waiting.
const AT_ONCE: usize = 8;

/// Does `work` for every item, several at once, and answers with what went wrong.
fn all_at_once<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) =
                    items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(failure) = work(item) {
                        failures.lock().expect("invariant: nobody panics with it").push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("invariant: nobody panics with it");
    failures.sort();
    failures
}

/// Plays a script. The error says which line went wrong, how, and what was said last.
fn play(path: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let steps = script::parse(&text).map_err(|error| format!("{name}: {error}"))?;
    stage::Stage::new().perform(&steps).map_err(|error| format!("{name}:{error}"))
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let wanted = std::env::var("LAKEWRIGHT_SCENARIO").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of scenarios is in the repository")
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .filter(|path| path.to_string_lossy().contains(&wanted))
        .collect();
    found.sort();
    found
}

#[test]
fn every_scenario_goes_as_its_script_says() {
    let scripts = scripts();
    assert!(!scripts.is_empty(), "no scenario has that name");
    let failures = all_at_once(&scripts, |path| play(path));
    assert!(
        failures.is_empty(),
        "{} of {} scenarios:\n\n{}",
        failures.len(),
        scripts.len(),
        failures.join("\n\n")
    );
}

#[test]
fn a_script_with_a_mistake_is_told_its_line() {
    for (text, expected) in [
        ("frobnicate\n", "line 1: `frobnicate` is no step"),
        ("    text without a command\n", "line 1: there is nothing yet that could say this"),
        ("use quickstart\nexit 2\n", "line 2: there is no command whose exit code this is"),
        ("> rm -rf\n", "line 1: only lakewright is run"),
        ("edit lake.yaml\n    a\n", "line 2: an edit has lines that begin with `- ` and `+ `"),
    ] {
        assert_eq!(script::parse(text).unwrap_err(), expected);
    }
}

#[test]
fn a_full_stack_keeps_what_it_has() {
    let mut stage = stage::Stage::new();
    let spec = |names: &[String]| {
        let buckets: String =
            names.iter().map(|name| format!("  {name}: {{ encryption: s3 }}\n")).collect();
        format!(
            "lakewright: 1\nlake: full\nenvironments:\n  dev: {{ region: eu-west-1 }}\nbuckets:\n{buckets}"
        )
    };
    // A bucket and its policy are two resources: these fill a stack of 490.
    let mut names: Vec<String> = (0..245).map(|number| format!("m{number:03}")).collect();
    stage.write("lake.yaml", &spec(&names)).unwrap();
    let mut say = |line: &str| {
        let code = stage.run(&script::split(line)).unwrap();
        (code, stage.said.clone(), stage.path("lake.yaml"))
    };
    let (code, said, file) = say("apply --sandbox --auto-approve -q");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("490 of 490 resources"), "the stack is full: {said}");

    // One that comes before all others: it gets a stack of its own, and nobody moves.
    names.insert(0, "a".into());
    std::fs::write(&file, spec(&names)).unwrap();
    let (code, said, _) = say("plan --sandbox");
    assert_eq!(code, 0, "{said}");
    let of = |sign: &str| said.lines().filter(|line| line.trim_start().starts_with(sign)).count();
    assert_eq!(of("+ AWS::"), 2, "the new bucket and its policy: {said}");
    assert_eq!(of("~ AWS::"), 1, "the policy of the log bucket: {said}");
    assert_eq!(of("- AWS::"), 0, "{said}");
    assert!(said.contains("full-dev-storage-2"), "{said}");
    let (code, said, _) = say("apply --sandbox --auto-approve -q");
    assert_eq!(code, 0, "{said}");
    let (code, said, _) = say("plan --sandbox --detailed-exitcode");
    assert_eq!(code, 0, "{said}");

    // The first stack has room again: the one in the second stays where it is.
    names.retain(|name| name != "m100");
    std::fs::write(&file, spec(&names)).unwrap();
    let (code, said, _) = say("plan --sandbox");
    assert_eq!(code, 0, "{said}");
    let of = |sign: &str| said.lines().filter(|line| line.trim_start().starts_with(sign)).count();
    assert_eq!((of("+ AWS::"), of("~ AWS::"), of("- AWS::")), (0, 1, 0), "{said}");
    assert!(said.contains("2 retained"), "{said}");
}
