//! Workgroups of Athena: what is refused (`tests/athena/*.yaml`), what is made, and what becomes of it.
//!
//! T7 of the threats, results that one reads and another may not, has its cases in files; they are run once more with
//! the rule's findings taken away, and have to fail then. Here too: what every workgroup of every lake has, and a life
//! in the sandbox from the first apply to destroy.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lakewright::check;
use lakewright::compile::{compile, understand};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::syntax::parse;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/athena")
}

fn base() -> String {
    fs::read_to_string(folder().join("lake.yaml")).expect("the lake of the cases")
}

/// What is found in a spec: `error LW0428`, and all that is said with it.
fn findings(text: &str) -> Vec<(String, String)> {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    let (tree, found) = parse(&sources, file);
    assert!(!found.has_errors(), "{found:?}\n{text}");
    let said = check::spec(&tree, Some("prod"));
    said.iter()
        .map(|one| {
            let severity = format!("{:?}", one.severity).to_lowercase();
            (format!("{severity} {}", one.code), format!("{one:?}"))
        })
        .collect()
}

/// What a case expects and does not find, or finds and does not expect. `without` is a code whose rule is taken away.
fn wrong(text: &str, without: &str) -> Vec<String> {
    let found: Vec<(String, String)> = findings(text)
        .into_iter()
        .filter(|(head, _)| without.is_empty() || !head.ends_with(without))
        .collect();
    let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    assert!(!expected.is_empty(), "a case says what it expects:\n{text}");
    let mut wrong = Vec::new();
    let mut heads = BTreeSet::new();
    for line in expected.iter().filter(|line| **line != "fine") {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let head = format!("{} {}", words[0], words[1]);
        let names = words.get(2).copied().unwrap_or_default();
        let fits = |(own, text): &&(String, String)| {
            *own == head && names.split(' ').all(|name| text.contains(name))
        };
        if !found.iter().any(|one| fits(&one)) {
            wrong.push(format!("not found: {line}"));
        }
        heads.insert(head);
    }
    wrong.extend(
        found
            .iter()
            .filter(|(head, _)| !heads.contains(head))
            .map(|(head, text)| format!("not expected: {head} {text}")),
    );
    wrong
}

fn cases() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(folder())
        .expect("the cases")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|it| it == "yaml") && !path.ends_with("lake.yaml")
        })
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a case");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, base() + &text)
        })
        .collect();
    all.sort();
    assert!(all.len() >= 25, "only {} cases", all.len());
    all
}

#[test]
fn every_case_says_what_it_should() {
    let mut problems = String::new();
    for (name, text) in cases() {
        for one in wrong(&text, "") {
            problems += &format!("{name}: {one}\n");
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// Without the rules nobody says that results are mixed: each of these cases would pass in silence.
#[test]
fn mixed_results_are_found_by_their_rules_alone() {
    for code in ["LW0428", "LW0429"] {
        let of = |text: &str| text.lines().any(|line| line.starts_with(&format!("# error {code}")));
        let all: Vec<(String, String)> = cases().into_iter().filter(|(_, text)| of(text)).collect();
        assert!(all.len() >= 5, "{code}: only {}", all.len());
        for (name, text) in all {
            assert!(!wrong(&text, code).is_empty(), "{name} passes without {code}");
        }
    }
}

fn resources(text: &str) -> Vec<(String, Value)> {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    let (tree, _) = parse(&sources, file);
    let understood = understand(&tree, "prod");
    assert!(!understood.diagnostics.has_errors(), "{:?}", understood.diagnostics);
    let lake = understood.lake.expect("a lake");
    let compiled = compile(&lake, &Library::built_in(), &Scripts::default(), &Placement::default());
    let mut all = Vec::new();
    for stack in compiled.stacks {
        let template: Value = serde_json::from_str(&stack.body()).expect("JSON");
        for (id, one) in template["Resources"].as_object().expect("resources") {
            all.push((id.clone(), one.clone()));
        }
    }
    all
}

/// Every workgroup says itself where results go and how they are encrypted, and every place of results is emptied.
#[test]
fn a_workgroup_enforces_what_it_says() {
    let mut seen = 0;
    let fine = cases().into_iter().filter(|(_, text)| text.contains("# fine"));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/analytics/lake.yaml");
    let example = fs::read_to_string(example).expect("the example");
    for (name, text) in fine.chain([("example".to_owned(), example)]) {
        let all = resources(&text);
        let buckets: Vec<&Value> =
            all.iter().map(|(_, one)| one).filter(|one| one["Type"] == "AWS::S3::Bucket").collect();
        for (id, one) in all.iter().filter(|(_, one)| one["Type"] == "AWS::Athena::WorkGroup") {
            seen += 1;
            let says = &one["Properties"]["WorkGroupConfiguration"];
            let results = &says["ResultConfiguration"];
            assert_eq!(says["EnforceWorkGroupConfiguration"], true, "{name} {id}");
            assert_eq!(says["PublishCloudWatchMetricsEnabled"], true, "{name} {id}");
            assert!(says["BytesScannedCutoffPerQuery"].as_i64() >= Some(10_000_000), "{name} {id}");
            assert_eq!(results["ExpectedBucketOwner"], "222222222222", "{name} {id}");
            assert_eq!(results["EncryptionConfiguration"]["EncryptionOption"], "SSE_KMS");
            assert!(!results["EncryptionConfiguration"]["KmsKey"].is_null(), "{name} {id}");
            let place = results["OutputLocation"].as_str().and_then(|it| it.strip_prefix("s3://"));
            let (bucket, prefix) = place.expect("a place").split_once('/').expect("a slash");
            let bucket = buckets.iter().find(|it| it["Properties"]["BucketName"] == bucket);
            let bucket = bucket.unwrap_or_else(|| panic!("{name}: {id} has no bucket"));
            let rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"].as_array();
            let empties = |rule: &&Value| {
                rule["Prefix"].as_str().unwrap_or_default() == prefix
                    && rule["ExpirationInDays"].is_i64()
                    && rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
            };
            assert!(rules.is_some_and(|all| all.iter().any(|it| empties(&it))), "{name} {id}");
        }
    }
    assert!(seen >= 5, "only {seen} workgroups");
}

/// Nobody is let at the results but those who query, and nobody at another workgroup.
#[test]
fn results_are_for_those_who_query() {
    let text = base()
        + "access:\n  a: { who: [role/A, user/U], read: [sales] }\n  b: { who: [role/B], read: [plain] }\nanalytics:\n  athena: { wa: { who: [a] }, wb: { who: [b] } }\n";
    for (id, one) in resources(&text) {
        if one["Type"] != "AWS::IAM::ManagedPolicy" {
            continue;
        }
        let document = one["Properties"]["PolicyDocument"].to_string();
        let own = |name: &str| id.to_lowercase().contains(&format!("workgroup{name}"));
        for name in ["wa", "wb"] {
            let there = document.contains(&format!("acme-prod-athena-{name}"))
                || document.contains(&format!("workgroup/acme-prod-{name}"));
            assert_eq!(there, own(name), "{id}: {document}");
        }
    }
}

fn run(at: &Path, arguments: &[&str]) -> (i32, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(arguments)
        .current_dir(at)
        .env_clear()
        .output()
        .expect("it runs");
    let text =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.code().expect("an exit code"), text)
}

fn spec(at: &Path, text: &str) {
    fs::write(at.join("lake.yaml"), text).expect("written");
}

const MEMBERS: &str = "access:\n  a: { who: [role/A], read: [sales.orders], hide: { sensitivity: pii } }\n  b: { who: [role/B], read: [sales.orders] }\n  c: { who: [role/C], read: [athena-wb/] }\n";
const GROUPS: &str = "analytics:\n  athena:\n    wa:\n      who: [a]\n      scan_limit: 1TiB\n      keep: 30d\n    wb: { who: [b], results: data/results/wb/, keep: 7d }\n";

/// From the first apply to destroy: causes have the workgroup's lines, nothing is left to do after an apply, and what is
/// kept is emptied by itself.
#[test]
fn a_workgroup_lives_in_the_sandbox() {
    let scratch = tempfile::tempdir().expect("a folder");
    let at = scratch.path();
    let text = base() + &MEMBERS.replace("athena-wb/", "plain.notes") + GROUPS;
    spec(at, &text);
    let (code, said) = run(at, &["apply", "--sandbox", "--auto-approve"]);
    assert_eq!(code, 0, "{said}");
    let (_, said) = run(at, &["plan", "--sandbox"]);
    assert!(said.contains("No changes."), "{said}");
    let (code, said) = run(at, &["drift", "--sandbox"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("0 changed, 0 gone"), "{said}");
    let (_, said) = run(at, &["output", "--sandbox"]);
    assert!(said.contains("acme-prod-wa"), "{said}");

    spec(at, &text.replace("1TiB", "20GiB").replace("keep: 30d\n    wb", "keep: 10d\n    wb"));
    let (_, said) = run(at, &["plan", "--sandbox"]);
    let lines: Vec<&str> = said.lines().collect();
    for (what, key) in
        [("BytesScannedCutoffPerQuery", "scan_limit:"), ("ExpirationInDays", "keep:")]
    {
        let line = text.lines().position(|it| it.trim_start().starts_with(key));
        let line = line.expect("it is there") + 1;
        let shown = lines.iter().find(|it| it.contains(what)).unwrap_or_else(|| panic!("{said}"));
        assert!(shown.ends_with(&format!("lake.yaml:{line}")), "{shown}");
    }
    assert!(said.contains("0 to add") && said.contains("0 to destroy"), "{said}");
    let (code, said) = run(at, &["apply", "--sandbox", "--auto-approve"]);
    assert_eq!(code, 0, "{said}");

    // one that leaves takes nothing along but its history
    spec(
        at,
        &text.replace("    wa:\n      who: [a]\n      scan_limit: 1TiB\n      keep: 30d\n", ""),
    );
    let (code, said) = run(at, &["apply", "--sandbox", "--auto-approve"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("WorkgroupWa") && said.contains("retained"), "{said}");
    let (code, said) = run(at, &["destroy", "--sandbox", "--auto-approve"]);
    assert_eq!(code, 0, "{said}");
}

/// A question about a table: by Lake Formation with columns, past it with every way, results among them.
#[test]
fn questions_are_answered_with_columns_and_ways() {
    let scratch = tempfile::tempdir().expect("a folder");
    let at = scratch.path();
    let more = "  e: { who: [role/E], write: [sales.visits] }\n  f: { who: [role/F], admin: [sales.orders] }\n  d: { who: [role/D], read: [data/sales/] }\n";
    let text = base() + MEMBERS + more + &GROUPS.replace(", results: data/results/wb/", "");
    spec(at, &text);
    let can =
        |who: &str, action: &str, place: &str| run(at, &["access", "can", who, action, place]).1;
    let said = can("role/A", "read", "sales.orders");
    assert!(said.contains("ALLOWED: ") && said.contains("through Lake Formation"), "{said}");
    assert!(said.contains("shows    country, id\n"), "{said}");
    let said = can("role/B", "read", "sales.orders");
    assert!(said.contains("shows    every column\n"), "{said}");
    assert!(said.contains("also     without Lake Formation: results of athena.wb"), "{said}");
    let said = can("role/C", "read", "sales.orders");
    assert!(said.contains("past Lake Formation: results of athena.wb"), "{said}");
    let said = can("role/D", "read", "sales.orders");
    assert!(said.contains("past Lake Formation: its files"), "{said}");
    for (who, action) in
        [("role/A", "write"), ("role/A", "delete"), ("role/B", "write"), ("role/X", "read")]
    {
        let said = can(who, action, "sales.orders");
        assert!(said.starts_with("NOT ALLOWED") || said.starts_with("UNDECIDED: role/X"), "{said}");
    }
    // whoever inserts reads too, and the table's entry is changed by nobody who is not granted that
    let said = can("role/E", "read", "sales.visits");
    assert!(
        said.contains("through Lake Formation") && said.contains("shows    every column"),
        "{said}"
    );
    let said = can("role/E", "write", "sales.visits");
    assert!(said.starts_with("ALLOWED") && said.contains("through Lake Formation"), "{said}");
    let said = can("role/A", "read", "sales.visits");
    assert!(said.starts_with("NOT ALLOWED"), "{said}");

    let (_, said) = run(at, &["access", "who", "sales.orders"]);
    let past = said.split("without Lake Formation:\n").nth(1).unwrap_or_else(|| panic!("{said}"));
    for line in [
        "role/B: results of athena.wb",
        "role/C: results of athena.wb",
        "role/D: its files",
        "for Lake Formation",
    ] {
        assert!(past.contains(line), "{line}\n{said}");
    }
    assert!(!past.contains("role/A: its files"), "{said}");
    // administrators, and whoever may hand on what it has
    let powers = said.split("without a grant on it:\n").nth(1).unwrap_or_else(|| panic!("{said}"));
    assert!(powers.contains("role/Admin: administers Lake Formation"), "{said}");
    assert!(powers.contains("role/F: may hand on ALTER, DELETE"), "{said}");
    assert!(!powers.contains("role/A:"), "{said}");
    // what role/C reads, asked from its side
    let (_, said) = run(at, &["access", "what", "role/C"]);
    assert!(said.contains("sales.orders") && said.contains("results of athena.wb"), "{said}");
}
