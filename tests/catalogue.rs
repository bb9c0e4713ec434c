//! The catalogue's facts against what stands outside of it: AWS's pages, an independent oracle, and the clock.
//!
//! `replacement/documented.json` holds what AWS's pages say of single properties, `replacement/resources.json` one
//! valid resource of each type that a lake is made of, `replacement/differences.json` every pair on which the oracle
//! (npm @aws-cdk/cloudformation-diff) and the catalogue differ, with who is right.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lakewright::catalogue::{self, Impact, schema};
use lakewright::document;
use lakewright::document::Value;
use serde::Deserialize;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replacement").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn steps(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

fn word(impact: Impact) -> &'static str {
    match impact {
        Impact::InPlace => "InPlace",
        Impact::MayReplace => "MayReplace",
        Impact::Replace => "Replace",
        Impact::Fails(_) => "Fails",
    }
}

#[derive(Deserialize)]
struct Documented {
    r#type: String,
    path: String,
    documented: String,
    page: String,
    /// What we say instead, with the reason, where the page is not the last word.
    predicted: Option<String>,
    because: Option<String>,
}

#[test]
fn impact_is_what_the_pages_say() {
    let cases: Vec<Documented> = serde_json::from_str(&file("documented.json")).unwrap();
    assert!(cases.len() >= 100, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let said = match case.documented.as_str() {
            "Replacement" => "Replace",
            "No interruption" | "Some interruptions" => "InPlace",
            other => panic!("{} {}: `{other}`", case.r#type, case.path),
        };
        assert!(case.page.starts_with("https://docs.aws.amazon.com/"), "{}", case.page);
        assert_eq!(case.predicted.is_some(), case.because.is_some(), "{}", case.path);
        assert_ne!(case.predicted.as_deref(), Some(said), "{}: no exception", case.path);
        let expected = case.predicted.as_deref().unwrap_or(said);
        let known = catalogue::resource_type(&case.r#type).expect(&case.r#type);
        assert!(known.has(&steps(&case.path)), "{} has no {}", case.r#type, case.path);
        let ours = word(known.impact(&steps(&case.path)));
        if ours != expected {
            wrong.push(format!("{} {}: {ours}, not {expected}", case.r#type, case.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_resource_of_the_lake_is_valid() {
    let resources = Value::from_json(&file("resources.json")).unwrap();
    for (name, properties) in resources.as_map().unwrap().iter() {
        let found = schema::check(name, properties);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

/// A change of one property of a resource.
struct Pair {
    name: String,
    path: Vec<String>,
    old: Value,
    new: Value,
}

/// Each leaf of each resource changed, and each property that it lacks added.
fn pairs() -> Vec<Pair> {
    let resources = Value::from_json(&file("resources.json")).unwrap();
    let mut all = Vec::new();
    for (name, old) in resources.as_map().unwrap().iter() {
        let mut leaves = Vec::new();
        collect(old, &mut Vec::new(), &mut leaves);
        let known = catalogue::resource_type(name).expect(name);
        for property in &known.properties {
            if !known.read_only.contains(property) && old.get(property).is_none() {
                leaves.push(vec![(*property).to_owned()]);
            }
        }
        for path in leaves {
            let mut new = old.clone();
            change(&mut new, &path);
            all.push(Pair { name: name.to_owned(), path, old: old.clone(), new });
        }
    }
    all
}

fn collect(value: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        Value::List(list) => {
            list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    if inner.is_empty() {
        out.push(path.clone());
    }
    for (step, value) in inner {
        path.push(step);
        collect(value, path, out);
        path.pop();
    }
}

fn change(value: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else {
        *value = match value {
            Value::Bool(value) => Value::from(!*value),
            Value::Int(value) => Value::from(*value + 1),
            Value::Str(value) => Value::from(format!("{value}x")),
            Value::Map(_) => document!({"added": "x"}),
            _ => Value::from("added"),
        };
        return;
    };
    match value {
        Value::List(list) => change(&mut list[step.parse::<usize>().unwrap()], rest),
        Value::Map(map) => {
            if map.get(step).is_none() {
                map.insert(step.clone(), Value::Null);
            }
            change(map.get_mut(step).unwrap(), rest);
        }
        _ => panic!("a leaf has no {step}"),
    }
}

#[derive(Deserialize)]
struct Difference {
    r#type: String,
    /// `*` stands for any position of a list; everything inside is meant too.
    path: String,
    oracle: String,
    ours: String,
    /// `ours`, `oracle`, or `neither` of the two.
    right: String,
    because: String,
}

impl Difference {
    fn covers(&self, pair: &Pair, oracle: &str, ours: &str) -> bool {
        let within = pair.path.len() >= steps(&self.path).len()
            && steps(&self.path).iter().zip(&pair.path).all(|(own, step)| {
                own == step || (*own == "*" && step.bytes().all(|b| b.is_ascii_digit()))
            });
        within && self.r#type == pair.name && self.oracle == oracle && self.ours == ours
    }
}

#[test]
fn impact_agrees_with_cloudformation_diff_or_says_why_not() {
    let pairs = pairs();
    assert!(pairs.len() >= 500, "{}", pairs.len());
    let differences: Vec<Difference> = serde_json::from_str(&file("differences.json")).unwrap();
    println!("{} pairs", pairs.len());
    let impacts = oracle(&pairs);
    assert_eq!(impacts.len(), pairs.len());
    let mut used = vec![false; differences.len()];
    let mut unexplained = Vec::new();
    for (pair, theirs) in pairs.iter().zip(&impacts) {
        let theirs = match theirs.as_str() {
            "WILL_UPDATE" => "InPlace",
            "MAY_REPLACE" => "MayReplace",
            "WILL_REPLACE" => "Replace",
            other => other,
        };
        let path: Vec<&str> = pair.path.iter().map(String::as_str).collect();
        let ours = word(catalogue::resource_type(&pair.name).unwrap().impact(&path));
        if ours == theirs {
            continue;
        }
        let covering = |difference: &Difference| difference.covers(pair, theirs, ours);
        match differences.iter().position(covering) {
            Some(at) => used[at] = true,
            None => unexplained.push(format!(
                "{} {}: theirs {theirs}, ours {ours}",
                pair.name,
                path.join("/")
            )),
        }
    }
    assert!(
        unexplained.is_empty(),
        "differences.json does not explain:\n{}",
        unexplained.join("\n")
    );
    for (difference, used) in differences.iter().zip(used) {
        assert!(
            used,
            "differences.json: {} {} matches nothing",
            difference.r#type, difference.path
        );
        assert!(
            ["ours", "oracle", "neither"].contains(&difference.right.as_str()),
            "{}",
            difference.path
        );
        assert!(difference.because.len() > 20, "{} {}", difference.r#type, difference.path);
    }
}

/// What npm @aws-cdk/cloudformation-diff says of each pair.
fn oracle(pairs: &[Pair]) -> Vec<String> {
    let home = installed();
    let input: Value = pairs
        .iter()
        .map(|pair| {
            let (name, old, new) = (pair.name.clone(), pair.old.clone(), pair.new.clone());
            document!({"type": name, "old": old, "new": new})
        })
        .collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replacement/oracle.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(&home);
    let answer = run(command, "Node.js", &input.to_json(), Duration::from_secs(120));
    serde_json::from_str(&answer).expect("the oracle answers in JSON")
}

/// The folder where the oracle is installed, after the pinned lock file. One test installs at a time.
fn installed() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("test-tools");
    let home = target.join("cloudformation-diff");
    fs::create_dir_all(&home).unwrap();
    let lock = File::create(target.join("cloudformation-diff.lock")).unwrap();
    lock.lock().unwrap();
    let wanted = file("package-lock.json");
    let stamp = home.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        return home;
    }
    fs::write(home.join("package.json"), file("package.json")).unwrap();
    fs::write(home.join("package-lock.json"), &wanted).unwrap();
    let mut command = Command::new("npm");
    command
        .args(["ci", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&home);
    run(command, "npm", "", Duration::from_secs(300));
    fs::write(stamp, wanted).unwrap();
    home
}

/// Runs a program to its end, within a time, and returns what it prints.
fn run(mut command: Command, what: &str, input: &str, limit: Duration) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "{what} can't be started ({error}): install Node.js 18 or later, which brings npm"
            )
        });
    let (mut stdin, mut stdout, mut stderr) =
        (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let input = input.to_owned();
    std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let out = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let err = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > end => {
                child.kill().unwrap();
                panic!("{what} did not end within {} s", limit.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let err = err.join().unwrap().unwrap();
    assert!(status.success(), "{what}: {status}\n{err}");
    out.join().unwrap().unwrap()
}

#[test]
fn seven_thousand_tables_are_checked_quickly() {
    let columns: Value = (0..12)
        .map(|at| document!({"Name": (format!("column_{at}")), "Type": "string", "Comment": "c"}))
        .collect();
    let table = document!({
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": "lake",
        "TableInput": {
            "Name": "orders",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "PartitionKeys": [{"Name": "day", "Type": "date"}],
            "StorageDescriptor": {
                "Columns": columns,
                "Location": "s3://lake-raw/orders/",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
            }
        }
    });
    let start = Instant::now();
    for _ in 0..7000 {
        assert!(schema::check("AWS::Glue::Table", &table).is_empty());
    }
    let took = start.elapsed();
    println!("7,000 tables: {took:?}");
    // the budget is 150 ms with optimisation; without it, and beside other tests, the code is several times slower
    let budget = if cfg!(debug_assertions) { 3000 } else { 150 };
    assert!(took < Duration::from_millis(budget), "{took:?}");
}

#[test]
fn reading_the_types_of_a_lake_is_cheap() {
    let resources = Value::from_json(&file("resources.json")).unwrap();
    let start = Instant::now();
    for (name, properties) in resources.as_map().unwrap().iter() {
        schema::check(name, properties);
    }
    let took = start.elapsed();
    println!("48 types and their schemas: {took:?}");
    let start = Instant::now();
    let actions = catalogue::iam::actions().count();
    println!("{actions} actions: {:?}", start.elapsed());
    let budget = if cfg!(debug_assertions) { 1500 } else { 60 };
    assert!(took < Duration::from_millis(budget), "{took:?}");
}

#[test]
fn the_document_tells_every_difference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/replacement.md");
    let text = fs::read_to_string(&path).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let told = |kind: &str, place: &str| {
        let cells = [kind.trim_start_matches("AWS::").to_owned(), format!("`{place}`")];
        rows.iter().any(|row| cells.iter().all(|cell| row.contains(cell)))
    };
    let differences: Vec<Difference> = serde_json::from_str(&file("differences.json")).unwrap();
    for difference in &differences {
        assert!(
            told(&difference.r#type, &difference.path),
            "{} {}",
            difference.r#type,
            difference.path
        );
    }
    let cases: Vec<Documented> = serde_json::from_str(&file("documented.json")).unwrap();
    for case in cases.iter().filter(|case| case.predicted.is_some()) {
        assert!(told(&case.r#type, &case.path), "{} {}", case.r#type, case.path);
    }
}
