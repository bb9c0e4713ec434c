//! CloudFormation's documented behaviour, as data, against the sandbox.
//!
//! Every `tests/conformance/*.json` is a list of cases; `tests/conformance/README.md` tells their form. A case gets a
//! sandbox of its own with a clock that only moves when it is looked at. Cases that an emulator is known to get right
//! run against it too, through the AWS side of lakewright and over HTTP: so both clouds and the emulator have to agree.

#[path = "conformance/runner.rs"]
mod runner;
mod support;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use lakewright::aws::{Aws, ConnectOptions, Keys, Pace};
use lakewright::cloud::{Cloud, LakeFormationSettings};
use lakewright::document::Value;
use lakewright::names::{AccountId, Region};
use lakewright::sandbox::{Clock, Faults, Sandbox, SandboxOptions, Tamper};
use runner::Bench;

struct InSandbox {
    dir: Utf8PathBuf,
    options: SandboxOptions,
    sandbox: Sandbox,
}

impl InSandbox {
    fn new(dir: &Utf8Path, case: &Value) -> Result<Self, String> {
        let mut options = SandboxOptions::new(AccountId::new("111111111111")?);
        let start = "2026-01-01T00:00:00Z".parse();
        let start = start.map_err(|error: jiff::Error| error.to_string())?;
        options.clock = Clock::stepping(start, 1000);
        let wanted = case.get("options");
        let list = |name: &str| -> Vec<String> {
            let list = wanted.and_then(|wanted| wanted.get(name)).and_then(Value::as_list);
            let texts = list.unwrap_or(&[]).iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        options.principals = list("principals");
        options.strangers = list("strangers");
        let most = wanted.and_then(|wanted| wanted.get("most_stacks"));
        if let Some(most) = most.and_then(Value::as_int) {
            options.most_stacks = usize::try_from(most).map_err(|error| error.to_string())?;
        }
        let early = wanted.and_then(|wanted| wanted.get("early_validation"));
        options.early_validation = early.and_then(Value::as_bool).unwrap_or(true);
        let sandbox = Sandbox::open(dir, options.clone()).map_err(|error| error.to_string())?;
        Ok(InSandbox { dir: dir.to_owned(), options, sandbox })
    }
}

impl Bench for InSandbox {
    fn cloud(&self) -> &dyn Cloud {
        &self.sandbox
    }

    fn region(&self) -> Region {
        Region::new("eu-west-1").expect("invariant: a region")
    }

    fn special(&mut self, what: &str, step: &Value) -> Result<(), String> {
        let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
        let region = match step.get("region").and_then(Value::as_str) {
            Some(region) => Region::new(region)?,
            None => self.region(),
        };
        let done = match what {
            "faults" => {
                let faults = step.get("faults").map(Value::to_json).unwrap_or_default();
                let faults: Faults =
                    serde_json::from_str(&faults).map_err(|error| error.to_string())?;
                self.sandbox.set_faults(faults)
            }
            "tamper" => {
                let path = text("path").to_owned();
                let value = || step.get("value").cloned().unwrap_or_default();
                let how = match text("how") {
                    "set" => Tamper::Set { path, value: value() },
                    "remove" => Tamper::Remove { path },
                    "append" => Tamper::Append { path, value: value() },
                    "statement" => Tamper::AddStatement { path, statement: value() },
                    "delete" => Tamper::Delete,
                    other => return Err(format!("there is no tampering `{other}`")),
                };
                self.sandbox.tamper(&region, text("type"), text("identifier"), &how)
            }
            "put" => {
                let properties = step.get("properties").cloned().unwrap_or_default();
                let put = self.sandbox.put_resource(&region, text("type"), &properties);
                put.map(|_| ())
            }
            "account" => {
                let mut options = self.options.clone();
                options.account = AccountId::new(text("account"))?;
                let opened = Sandbox::open(&self.dir, options);
                opened.map(|sandbox| self.sandbox = sandbox)
            }
            "reopen" => {
                let opened = Sandbox::open(&self.dir, self.options.clone());
                opened.map(|sandbox| self.sandbox = sandbox)
            }
            "hold" => {
                let on = step.get("on").and_then(Value::as_bool).unwrap_or(true);
                self.sandbox.set_legal_hold(text("bucket"), text("key"), on)
            }
            "lake_formation" => {
                let settings = LakeFormationSettings {
                    admins: vec![text("admin").to_owned()],
                    cross_account_version: text("version").parse().ok(),
                    ..LakeFormationSettings::default()
                };
                self.sandbox.set_lake_formation_settings(&region, &settings)
            }
            other => return Err(format!("the sandbox can't `{other}`")),
        };
        done.map_err(|error| error.to_string())
    }
}

/// An emulator of AWS, behind the AWS side of lakewright.
struct Emulated(Aws);

impl Emulated {
    fn new(url: &str) -> Result<Self, String> {
        let region = Region::new("us-east-1")?;
        let options = ConnectOptions {
            endpoint: Some(url.to_owned()),
            keys: Some(Keys { id: "test".into(), secret: "test".into() }),
            pace: Pace::local(),
            ..ConnectOptions::new(&region, "conformance")
        };
        Aws::connect(&options).map(Emulated).map_err(|error| error.to_string())
    }
}

impl Bench for Emulated {
    fn cloud(&self) -> &dyn Cloud {
        &self.0
    }

    fn region(&self) -> Region {
        Region::new("us-east-1").expect("invariant: a region")
    }

    fn special(&mut self, what: &str, _: &Value) -> Result<(), String> {
        Err(format!("only the sandbox can `{what}`"))
    }
}

/// Runs the cases that name an emulator, each against a server of its own.
fn on_emulator(name: &str, start: fn() -> support::emulator::Server) {
    let only = std::env::var("CASE").unwrap_or_default();
    let mut failures = Vec::new();
    for (title, case) in cases() {
        if !runner::also(&case, name) || !title.contains(&only) {
            continue;
        }
        let server = start();
        let result =
            Emulated::new(&server.url).and_then(|mut bench| runner::run(&case, &mut bench));
        if let Err(error) = result {
            failures.push(format!("{title}\n  {error}"));
        }
    }
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn the_shared_cases_hold_on_ministack() {
    on_emulator("ministack", support::emulator::ministack);
}

#[test]
fn the_shared_cases_hold_on_roto() {
    on_emulator("roto", support::emulator::roto);
}

fn cases() -> Vec<(String, Value)> {
    let dir = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut paths: Vec<_> = std::fs::read_dir(&dir)
        .expect("the cases are there")
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let value = Value::from_json(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        let Value::List(list) = value else {
            panic!("{name}.json is no list");
        };
        for case in list {
            let title = case.get("title").and_then(Value::as_str).unwrap_or("?");
            cases.push((format!("{name}: {title}"), case));
        }
    }
    cases
}

#[test]
fn every_case_holds_in_the_sandbox() {
    let only = std::env::var("CASE").unwrap_or_default();
    let mut failures = Vec::new();
    for (title, case) in cases() {
        if !title.contains(&only) {
            continue;
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = Utf8Path::from_path(dir.path()).expect("a UTF-8 path");
        let result =
            InSandbox::new(path, &case).and_then(|mut bench| runner::run(&case, &mut bench));
        if let Err(error) = result {
            failures.push(format!("{title}\n  {error}"));
        }
    }
    assert!(failures.is_empty(), "{} failed\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn the_suite_is_large_and_says_where_each_case_comes_from() {
    let cases = cases();
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let titles: BTreeSet<&str> = cases.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles.len(), cases.len(), "two cases have the same title");
    let mut shared = 0;
    for (title, case) in &cases {
        let source = case.get("source").and_then(Value::as_str).unwrap_or_default();
        assert!(source.len() > 20, "{title} has no source");
        for emulator in ["ministack", "roto"] {
            if runner::also(case, emulator) {
                shared += 1;
                assert!(!runner::sandbox_only(case), "{title} needs the sandbox");
            }
        }
    }
    assert!(shared >= 20, "{shared} cases run on the emulators too");
    let refused = |case: &Value| case.to_json().contains("\"refused\"");
    let refusals = cases.iter().filter(|(_, case)| refused(case)).count();
    assert!(refusals >= 30, "{refusals} refusals");
}
