//! What every verb prints with `--json`, when it succeeds and when it does not, by the schemas that
//! `docs/command-line.md` names.
//!
//! The cases are scripts in `tests/schemas/`, in the language of `tests/scenarios/README.md`: whatever a
//! command says, on either stream, is its JSON and nothing else, and a validator that others wrote judges
//! it. Which verbs there are is asked of the binary's own command line, which schema is whose of the
//! page, so that neither a verb nor a schema can be left out.

#[path = "scenarios/script.rs"]
mod script;
#[path = "scenarios/stage.rs"]
mod stage;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use serde_json::{Value, json};

use script::{Step, What};
use stage::Stage;
use support::judge;

/// One document or line, and where it comes from.
struct Instance {
    place: String,
    verb: String,
    /// Whether it is a line of a stream.
    line: bool,
    exit: i32,
    value: Value,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The verbs, as clap knows them.
fn verbs() -> BTreeSet<String> {
    let command = lakewright::cli::Cli::command();
    command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

/// Verb to schema, as the page says: rows such as "| `plan`, `show` | [plan](schemas/plan.schema.json) |".
fn schemas() -> BTreeMap<String, PathBuf> {
    let page = fs::read_to_string(root().join("docs/command-line.md")).expect("the page is there");
    let mut found = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let Some((_, link)) = row.split_once("](schemas/") else { continue };
        let (file, _) = link.split_once(')').expect("a link ends");
        let words = row.split('|').nth(1).unwrap_or_default();
        for verb in words.split('`').skip(1).step_by(2) {
            found.insert(verb.to_owned(), root().join("docs/schemas").join(file));
        }
    }
    found
}

/// Everything that the scripts make lakewright say.
fn said() -> Vec<Instance> {
    let folder = root().join("tests/schemas");
    let mut scripts: Vec<PathBuf> =
        fs::read_dir(folder).expect("readable").map(|it| it.expect("readable").path()).collect();
    scripts.sort();
    let played: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = scripts.iter().map(|path| scope.spawn(move || play(path))).collect();
        all.into_iter().map(|one| one.join().expect("a script does not panic")).collect()
    });
    let (done, wrong): (Vec<_>, Vec<_>) = played.into_iter().partition(Result::is_ok);
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    done.into_iter().flatten().flatten().collect()
}

fn play(path: &Path) -> Result<Vec<Instance>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let steps = script::parse(&text).map_err(|error| format!("{name}: {error}"))?;
    let known = verbs();
    let mut stage = Stage::new();
    let mut found = Vec::new();
    for step in &steps {
        stage.perform(std::slice::from_ref(step)).map_err(|error| format!("{name}:{error}"))?;
        let Step { line, what: What::Run(run) } = step else { continue };
        let words = run.words.as_ref().ok_or_else(|| format!("{name}:{line}: type it out"))?;
        let verb = words.iter().find(|word| known.contains(*word)).cloned().unwrap_or_default();
        let place = format!("{name}:{line}: {}", words.join(" "));
        let parse = |text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| format!("{place}: {error}\n{text}"))
        };
        let new = |value, line| Instance {
            place: place.clone(),
            verb: verb.clone(),
            line,
            exit: run.exit,
            value,
        };
        if matches!(verb.as_str(), "apply" | "destroy" | "recover") {
            let lines = stage.said.lines().map(parse).collect::<Result<Vec<_>, _>>()?;
            let kinds: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
            let framed = kinds.first() == Some(&"version") && kinds.last() == Some(&"exit");
            let once = |kind: &str| kinds.iter().filter(|it| **it == kind).count() == 1;
            if !framed || !once("version") || !once("exit") {
                return Err(format!("{place}: from `version` to `exit`, each once: {kinds:?}"));
            }
            let times: Vec<&str> =
                lines.iter().filter_map(|it| it["@timestamp"].as_str()).collect();
            if times.first() > times.last() {
                return Err(format!("{place}: it ends before it begins: {times:?}"));
            }
            found.extend(lines.into_iter().map(|value| new(value, true)));
        } else {
            found.push(new(parse(&stage.said)?, false));
        }
    }
    Ok(found)
}

/// What the validator has against instances of one schema.
fn judged(schema: &Path, values: &[(&str, &Value)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let files: Vec<PathBuf> = values
        .iter()
        .enumerate()
        .map(|(at, (_, value))| {
            let path = folder.path().join(format!("{at:04}.json"));
            fs::write(&path, value.to_string()).expect("writable");
            path
        })
        .collect();
    let place = |file: &Path| {
        let at = files.iter().position(|it| it == file).expect("one that was asked about");
        values[at].0
    };
    judge::json_schema(schema, &files)
        .iter()
        .map(|v| format!("{}\n    {} ({}): {}", place(&v.instance), v.path, v.keyword, v.message))
        .collect()
}

#[test]
fn every_verb_says_what_its_schema_says() {
    let (schemas, verbs, said) = (schemas(), verbs(), said());
    let named: BTreeSet<String> =
        schemas.keys().filter(|verb| *verb != "lakewright").cloned().collect();
    assert_eq!(named, verbs, "docs/command-line.md names a schema for every verb");
    let schema_of = |verb: &str| &schemas[if verb.is_empty() { "lakewright" } else { verb }];

    // Each verb succeeds and fails somewhere, and its exit code is in the JSON, with its name.
    let names: BTreeMap<i32, &str> = [
        (0, "ok"),
        (1, "error"),
        (2, "changes"),
        (3, "unformatted"),
        (4, "gate"),
        (5, "locked"),
        (6, "stale"),
        (7, "rolled_back"),
        (8, "recovery"),
        (130, "interrupted"),
    ]
    .into();
    let mut ends: BTreeSet<(&str, i32)> = BTreeSet::new();
    for one in &said {
        ends.insert((&one.verb, one.exit));
        let ends_here = !one.line || one.value["type"] == "exit";
        let foreign = one.verb == "schema" && one.exit == 0;
        if ends_here && !foreign {
            assert_eq!(one.value["exit_code"], one.exit, "{}", one.place);
            assert_eq!(one.value["outcome"], names[&one.exit], "{}", one.place);
        }
        if !one.line && !foreign {
            let list = one.value["diagnostics"].as_array().expect("a document has findings");
            let count = |kind: &str| list.iter().filter(|it| it["severity"] == kind).count();
            assert_eq!(one.value["error_count"], count("error"), "{}", one.place);
            assert_eq!(one.value["warning_count"], count("warning"), "{}", one.place);
        }
    }
    for verb in &verbs {
        assert!(ends.contains(&(verb.as_str(), 0)), "no case in which `{verb}` succeeds");
        assert!(ends.contains(&(verb.as_str(), 1)), "no case in which `{verb}` fails");
    }
    for (code, name) in &names {
        assert!(ends.iter().any(|(_, exit)| exit == code), "no case ends with {code}, {name}");
    }

    let mut by_schema: BTreeMap<&PathBuf, Vec<(&str, &Value)>> = BTreeMap::new();
    for one in &said {
        by_schema.entry(schema_of(&one.verb)).or_default().push((&one.place, &one.value));
    }
    let mut problems = Vec::new();
    for (schema, values) in &by_schema {
        problems.extend(judged(schema, values));
        problems.extend(strict(schema, values));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    // What is published is used.
    for entry in fs::read_dir(root().join("docs/schemas")).expect("readable") {
        let path = entry.expect("readable").path();
        assert!(by_schema.contains_key(&path), "{} is nobody's", path.display());
    }
}

/// A schema that takes anything proves nothing: each instance is bent in several ways, and every bend has
/// to be seen.
fn strict(schema: &Path, values: &[(&str, &Value)]) -> Vec<String> {
    let mut bent: Vec<(String, Value)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, value) in values {
        let Some(map) = value.as_object() else { continue };
        // One of each form is enough: the same keys, the same end.
        let form: String = map.keys().cloned().collect::<Vec<_>>().join(" ");
        if map.contains_key("$schema") || !seen.insert(format!("{form} {}", value["type"])) {
            continue;
        }
        let mut bend = |how: &str, change: &dyn Fn(&mut Value)| {
            let mut other = (*value).clone();
            change(&mut other);
            if other != **value {
                bent.push((format!("{place}: {how} passes"), other));
            }
        };
        bend("a key more", &|it| it["surprise"] = json!(1));
        bend("another version", &|it| replace(it, "format_version", json!("9.0")));
        bend("another version", &|it| replace(it, "ui", json!("9.0")));
        bend("a code with the name of another", &|it| {
            let other = if it["outcome"] == "gate" { "changes" } else { "gate" };
            replace(it, "outcome", json!(other));
        });
        bend("an odd level", &|it| replace(it, "@level", json!("loud")));
        for key in map.keys() {
            if !OPTIONAL.contains(&(value["type"].as_str(), key)) {
                bend(&format!("no `{key}`"), &|it| {
                    it.as_object_mut().expect("it is one").remove(key);
                });
            }
            bend(&format!("a strange `{key}`"), &|it| it[key] = json!({"surprise": [1]}));
        }
        for pointer in ["/diagnostics/0", "/diagnostic"] {
            for key in ["code", "summary", "detail", "severity", "fingerprint", "docs_url"] {
                bend(&format!("a finding without {key}"), &|it| {
                    if let Some(map) = it.pointer_mut(pointer).and_then(Value::as_object_mut) {
                        map.remove(key);
                    }
                });
            }
            bend("a finding with a key more", &|it| {
                if let Some(finding) = it.pointer_mut(pointer) {
                    finding["surprise"] = json!(1);
                }
            });
        }
    }
    let asked: Vec<(&str, &Value)> = bent.iter().map(|(how, it)| (how.as_str(), it)).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let refused: BTreeSet<String> = judged(schema, &asked)
        .into_iter()
        .filter_map(|line| line.split_once('\n').map(|(how, _)| how.to_owned()))
        .collect();
    bent.iter().map(|(how, _)| how).filter(|how| !refused.contains(*how)).cloned().collect()
}

/// Keys that need not be there: the kind of line, none for a document, and the key.
const OPTIONAL: [(Option<&str>, &str); 8] = [
    (None, "lock"),
    (None, "formatted"),
    (Some("stack_complete"), "status"),
    (Some("stack_errored"), "status"),
    // The change_summary of a plan has less than that of a run.
    (Some("change_summary"), "kept"),
    (Some("change_summary"), "elapsed_seconds"),
    (Some("change_summary"), "exit_code"),
    (Some("change_summary"), "outcome"),
];

fn replace(value: &mut Value, key: &str, new: Value) {
    if let Some(old) = value.get_mut(key) {
        *old = new;
    }
}

#[test]
fn what_schemas_share_is_the_same_in_all() {
    let mut first: BTreeMap<String, (PathBuf, Value)> = BTreeMap::new();
    let shared = ["failed", "end", "diagnostic", "snippet", "range", "position"];
    for entry in fs::read_dir(root().join("docs/schemas")).expect("readable") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = file.trim_end_matches(".schema.json");
        assert_eq!(schema["$id"], format!("urn:lakewright:schema:{name}:1.0"));
        assert!(schema["$defs"]["diagnostic"].is_object(), "{file} has no findings");
        for key in shared {
            let Some(own) = schema["$defs"].get(key) else { continue };
            let (other, known) =
                first.entry(key.to_owned()).or_insert_with(|| (path.clone(), own.clone()));
            assert_eq!(own, known, "`{key}` of {} and {}", path.display(), other.display());
        }
    }
}

/// What `review --format sarif` prints in every case is SARIF by the schema that comes with Microsoft's own tools. The
/// schema judges: what it has to say of logs that are none is seen too.
#[test]
fn the_log_for_code_scanning_is_sarif() {
    let package = support::tools::node("sarif").join("node_modules/@microsoft/jest-sarif");
    let schema = package.join("lib/schemas/sarif-2.1.0-rtm.5.json");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/review");
    let mut files: Vec<PathBuf> = fs::read_dir(cases)
        .expect("cases")
        .map(|entry| entry.expect("readable").path().join("review.sarif"))
        .collect();
    files.sort();
    let read = |file: &PathBuf| -> Value {
        serde_json::from_str(&fs::read_to_string(file).expect("readable")).expect("JSON")
    };
    let logs: Vec<(String, Value)> =
        files.iter().map(|file| (file.display().to_string(), read(file))).collect();
    let all: Vec<(&str, &Value)> = logs.iter().map(|(name, log)| (name.as_str(), log)).collect();
    let results = |log: &Value| log["runs"][0]["results"].as_array().map_or(0, Vec::len);
    assert!(logs.iter().map(|(_, log)| results(log)).sum::<usize>() >= 20);
    let against = judged(&schema, &all);
    assert!(against.is_empty(), "{}", against.join("\n"));

    let (_, log) = logs.iter().find(|(_, log)| results(log) > 0).expect("a log with results");
    let bent = |path: &str, value: Value| {
        let mut log = log.clone();
        *log.pointer_mut(path).expect("it is there") = value;
        log
    };
    let wrong = [
        bent("/version", "2.2.0".into()),
        bent("/runs/0/results/0/level", "fatal".into()),
        bent("/runs/0/results/0/message", serde_json::json!({})),
        bent("/runs/0/results/0/partialFingerprints", serde_json::json!(["x"])),
        bent("/runs/0/results/0/locations/0/physicalLocation/region/startLine", 0.into()),
        bent("/runs/0/tool/driver/name", 1.into()),
    ];
    for one in &wrong {
        assert!(!judged(&schema, &[("bent", one)]).is_empty(), "{one}");
    }
}
