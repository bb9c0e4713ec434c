//! Checkers that others wrote, run over what lakewright generates: they know nothing of our compiler, so they find the mistakes
//! that our own tests share with it.
//!
//! Template files go in, `Finding`s come out; an `exceptions.txt` says which are accepted, each for one named resource and with
//! a reason. One process a tool, whatever the number of files. Invariant: a tool that breaks down, or that looked at nothing, is
//! a panic with its last words, never an empty list.

use super::template::{Folder, Kind, Origin};
use super::{process, tools};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long one tool may take over all files.
const LIMIT: Duration = Duration::from_secs(300);

/// What the judges are called in `exceptions.txt`.
pub const TOOLS: [&str; 5] =
    ["cfn-lint", "cfn-validate", "cfn-guard", "parliament", "cloudsplaining"];

/// One complaint of one tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub tool: &'static str,
    /// The tool's own name for the rule, such as `E3012` or `CT.S3.PR.8`.
    pub rule: String,
    /// The template, as it was named to the judge.
    pub file: PathBuf,
    /// The resource that it is about; `-` when it is about the template.
    pub logical_id: String,
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { tool, rule, file, logical_id, message } = self;
        write!(f, "{tool} {rule} {logical_id}  ({}: {message})", file.display())
    }
}

/// Runs the tool named `tool` (one of `TOOLS`).
pub fn judge(tool: &str, files: &[PathBuf]) -> Vec<Finding> {
    match tool {
        "cfn-lint" => cfn_lint(files),
        "cfn-validate" => cfn_validate(files),
        "cfn-guard" => cfn_guard(files),
        "parliament" => parliament(files),
        "cloudsplaining" => cloudsplaining(files),
        _ => panic!("no judge is called {tool}"),
    }
}

/// AWS's linter: schemas, values, references. Errors and warnings, and of the informational rules those about data that would be
/// lost: `I3011` (a stateful resource without both retention policies) and `I3013` (a database that keeps no backups).
pub fn cfn_lint(files: &[PathBuf]) -> Vec<Finding> {
    let bin = tools::python("judges").join("bin/cfn-lint");
    let mut command = Command::new(bin);
    command.args(["--include-checks", "I3011", "I3013", "--format", "json", "--template"]);
    let done = finish("cfn-lint", command.args(some(files)), b"");
    // the status is a sum of 2 (errors), 4 (warnings) and 8 (informational); anything else is a breakdown
    if done.status.code().is_none_or(|c| c & !14 != 0) {
        broke("cfn-lint", &done);
    }
    let mut findings = Vec::new();
    for entry in array("cfn-lint", &parse("cfn-lint", &done)) {
        let path = |i: usize| entry["Location"]["Path"][i].as_str();
        let logical_id = path(1).filter(|_| path(0) == Some("Resources"));
        let rule = text(&entry["Rule"]["Id"]);
        findings.push(finding(
            "cfn-lint",
            rule,
            &text(&entry["Filename"]),
            logical_id,
            &text(&entry["Message"]),
        ));
    }
    findings
}

/// AWS's newer validator, written anew: a second opinion on schemas. Warnings and worse.
pub fn cfn_validate(files: &[PathBuf]) -> Vec<Finding> {
    let mut command = python("runners/cfn_validate.py");
    let answers = succeed("cfn-validate", command.args(some(files)), b"");
    let mut findings = Vec::new();
    for (file, answer) in each("cfn-validate", files, &answers) {
        for entry in array("cfn-validate", answer) {
            let logical_id = entry[1].as_str().filter(|id| !id.is_empty());
            let file = file.to_string_lossy();
            findings.push(finding(
                "cfn-validate",
                text(&entry[0]),
                &file,
                logical_id,
                &text(&entry[2]),
            ));
        }
    }
    findings
}

/// The rules of AWS Control Tower's proactive controls, by the guard binary that they were tested with.
pub fn cfn_guard(files: &[PathBuf]) -> Vec<Finding> {
    let package = tools::node("judges").join("node_modules/@cdklabs/cdk-validator-cfnguard");
    let system = if cfg!(target_os = "macos") { "macos" } else { "ubuntu" };
    let guard = package.join("bin").join(system).join(std::env::consts::ARCH).join("cfn-guard");
    assert!(guard.exists(), "there is no cfn-guard for this machine: {}", guard.display());
    let mut command = Command::new(guard);
    command.args(["validate", "--structured", "-o", "json", "--show-summary", "none", "-r"]);
    command.arg(package.join("rules/control-tower/cfn-guard"));
    for file in some(files) {
        command.arg("-d").arg(file);
    }
    let done = finish("cfn-guard", &mut command, b"");
    // 19 is guard's status for templates that break a rule
    if !matches!(done.status.code(), Some(0 | 19)) {
        broke("cfn-guard", &done);
    }
    let reports = parse("cfn-guard", &done);
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for report in array("cfn-guard", &reports) {
        let file = text(&report["name"]);
        seen.insert(PathBuf::from(&file));
        for broken in array("cfn-guard", &report["not_compliant"]) {
            let (mut ids, mut control) = (BTreeSet::new(), None);
            walk(broken, &mut |key, words| match key {
                "path" => ids.extend(
                    words
                        .strip_prefix("/Resources/")
                        .and_then(|p| p.split('/').next())
                        .map(str::to_string),
                ),
                "custom_message" if control.is_none() => {
                    let inner =
                        words.split_once("[CT.").and_then(|(_, rest)| rest.split_once("]: "));
                    control = inner.map(|(id, rest)| {
                        (format!("CT.{id}"), rest.lines().next().unwrap_or("").to_string())
                    });
                }
                _ => {}
            });
            let (rule, message) =
                control.unwrap_or_else(|| (text(&broken["Rule"]["name"]), String::new()));
            if ids.is_empty() {
                findings.push(finding("cfn-guard", rule.clone(), &file, None, &message));
            }
            findings.extend(
                ids.iter().map(|id| finding("cfn-guard", rule.clone(), &file, Some(id), &message)),
            );
        }
    }
    let missed: Vec<&PathBuf> = files.iter().filter(|f| !seen.contains(*f)).collect();
    assert!(missed.is_empty(), "cfn-guard did not look at {missed:?}");
    findings.sort();
    findings.dedup();
    findings
}

/// A linter of IAM policies, over every policy in the templates except trust policies, which it does not know.
pub fn parliament(files: &[PathBuf]) -> Vec<Finding> {
    let folder =
        Folder::of_files(some(files), &Origin::default()).unwrap_or_else(|why| panic!("{why}"));
    let policies = folder.policies().unwrap_or_else(|why| panic!("{why}"));
    let policies: Vec<_> = policies.into_iter().filter(|p| p.kind != Kind::Trust).collect();
    let asked: Vec<Value> = policies
        .iter()
        .map(|p| json!({"identity": p.kind == Kind::Identity, "document": p.document}))
        .collect();
    let mut command = python("runners/parliament_lint.py");
    let answers = succeed("parliament", &mut command, json!(asked).to_string().as_bytes());
    let mut findings = Vec::new();
    for (policy, answer) in each("parliament", &policies, &answers) {
        for entry in array("parliament", answer) {
            let (rule, file) = (text(&entry[0]), policy.file.to_string_lossy());
            findings.push(finding(
                "parliament",
                rule,
                &file,
                Some(&policy.logical_id),
                &text(&entry[1]),
            ));
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Salesforce's search for risks, over every identity policy in the templates: what reaches further than it says, data that can be
/// carried out, ways to more privileges. Statements on named resources are no finding, those on everything are, with conditions too.
pub fn cloudsplaining(files: &[PathBuf]) -> Vec<Finding> {
    let folder =
        Folder::of_files(some(files), &Origin::default()).unwrap_or_else(|why| panic!("{why}"));
    let policies = folder.policies().unwrap_or_else(|why| panic!("{why}"));
    let policies: Vec<_> = policies.into_iter().filter(|p| p.kind == Kind::Identity).collect();
    let asked: Vec<&Value> = policies.iter().map(|p| &p.document).collect();
    let mut command = Command::new(tools::python("cloudsplaining").join("bin/python"));
    command.arg("-B").arg(tools::asset("runners/cloudsplaining_scan.py"));
    let answers = succeed("cloudsplaining", &mut command, json!(asked).to_string().as_bytes());
    let mut findings = Vec::new();
    for (policy, answer) in each("cloudsplaining", &policies, &answers) {
        for entry in array("cloudsplaining", answer) {
            let (rule, file) = (text(&entry[0]), policy.file.to_string_lossy());
            let id = Some(policy.logical_id.as_str());
            findings.push(finding("cloudsplaining", rule, &file, id, &text(&entry[1])));
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// One reason why an instance does not fit a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub instance: PathBuf,
    /// JSON pointer of the deepest cause, `""` for the whole; the key itself where a key is unexpected.
    pub path: String,
    /// JSON pointer of the value that the failing top-level keyword judged; `path` lies inside it.
    pub outer: String,
    /// The keyword that failed, such as `required`; `unreadable` when the file is not YAML or JSON, or has a key twice.
    pub keyword: String,
    pub message: String,
}

/// An independent JSON Schema 2020-12 validator over `instances`, JSON or YAML 1.2. A schema that is none is a panic.
pub fn json_schema(schema: &Path, instances: &[PathBuf]) -> Vec<Violation> {
    let mut command = python("runners/json_schema.py");
    let answers = succeed("jsonschema", command.arg(schema).args(some(instances)), b"");
    let mut violations = Vec::new();
    for (instance, answer) in each("jsonschema", instances, &answers) {
        for entry in array("jsonschema", answer) {
            let [path, outer, keyword, message] =
                ["path", "outer", "keyword", "message"].map(|k| text(&entry[k]));
            violations.push(Violation {
                instance: instance.clone(),
                path,
                outer,
                keyword,
                message,
            });
        }
    }
    violations
}

/// What `exceptions` leaves of `findings`, and which lines of it are wrong: each as a sentence. Empty: all is well.
///
/// A line is `tool RULE LogicalId # why`: exactly one resource (`-`: the template itself), and a reason. A line that matches no
/// finding is an error, as is one that does not parse. `findings` must hold all findings of the tools in `judged`.
pub fn unexcused(findings: &[Finding], exceptions: &Path, judged: &[&str]) -> Vec<String> {
    let listed = match fs::read_to_string(exceptions) {
        Ok(listed) => listed,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => panic!("cannot read {}: {e}", exceptions.display()),
    };
    let (mut accepted, mut wrong) = (BTreeSet::new(), Vec::new());
    for (number, line) in listed.lines().enumerate() {
        let place = format!("{}:{}", exceptions.display(), number + 1);
        let (entry, why) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<&str> = entry.split_whitespace().collect();
        match words[..] {
            [] => {}
            [tool, ..] if !TOOLS.contains(&tool) => {
                wrong.push(format!("{place}: no judge is called {tool}; they are {TOOLS:?}"))
            }
            [_, _, _] if why.trim().is_empty() => {
                wrong.push(format!("{place}: say why, after a #"))
            }
            [tool, rule, id] if judged.contains(&tool) => {
                if !findings.iter().any(|f| f.tool == tool && f.rule == rule && f.logical_id == id)
                {
                    wrong.push(format!(
                        "{place}: matches no finding, so it has to go: {}",
                        entry.trim()
                    ));
                }
                if !accepted.insert((tool.to_string(), rule.to_string(), id.to_string())) {
                    wrong.push(format!("{place}: stands twice: {}", entry.trim()));
                }
            }
            [_, _, _] => {}
            _ => wrong.push(format!("{place}: a line is `tool RULE LogicalId # why`")),
        }
    }
    let key = |f: &Finding| (f.tool.to_string(), f.rule.clone(), f.logical_id.clone());
    wrong.extend(findings.iter().filter(|f| !accepted.contains(&key(f))).map(Finding::to_string));
    wrong
}

fn finding(
    tool: &'static str,
    rule: String,
    file: &str,
    logical_id: Option<&str>,
    message: &str,
) -> Finding {
    Finding {
        tool,
        rule,
        file: PathBuf::from(file),
        logical_id: logical_id.unwrap_or("-").to_string(),
        message: message
            .split_whitespace()
            .flat_map(|w| [" ", w])
            .skip(1)
            .collect::<String>()
            .chars()
            .take(300)
            .collect(),
    }
}

/// A judge without anything to judge would always be content.
fn some(files: &[PathBuf]) -> &[PathBuf] {
    assert!(!files.is_empty(), "there is nothing to judge");
    files
}

fn python(runner: &str) -> Command {
    let mut command = Command::new(tools::python("judges").join("bin/python"));
    command.arg("-B").arg(tools::asset(runner));
    command
}

/// Runs `command` away from the user's own configuration of these tools.
pub(super) fn finish(tool: &str, command: &mut Command, input: &[u8]) -> process::Finished {
    let home = tools::home();
    command.current_dir(&home).env("HOME", &home).env("NO_COLOR", "1");
    process::run(command, input, LIMIT).unwrap_or_else(|why| panic!("{tool} broke down: {why}"))
}

/// Runs `command`, which has to end with status 0 and to answer in JSON.
pub(super) fn succeed(tool: &str, command: &mut Command, input: &[u8]) -> Value {
    let done = finish(tool, command, input);
    if !done.status.success() {
        broke(tool, &done);
    }
    parse(tool, &done)
}

fn broke(tool: &str, done: &process::Finished) -> ! {
    panic!("{tool} broke down with {}: {}", done.status, done.tail(20))
}

fn parse(tool: &str, done: &process::Finished) -> Value {
    serde_json::from_str(&done.stdout)
        .unwrap_or_else(|e| panic!("{tool} does not answer in JSON ({e}): {}", done.tail(20)))
}

pub(super) fn array<'a>(tool: &str, value: &'a Value) -> &'a [Value] {
    value.as_array().unwrap_or_else(|| panic!("{tool}: not a list: {value}"))
}

/// Pairs what was asked with the answers, which have to be as many.
fn each<'a, T>(
    tool: &str,
    asked: &'a [T],
    answers: &'a Value,
) -> impl Iterator<Item = (&'a T, &'a Value)> {
    let answers = array(tool, answers);
    assert_eq!(asked.len(), answers.len(), "{tool} did not answer to everything");
    asked.iter().zip(answers)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// Calls `see` with every string in `value` that stands under a key, and that key.
fn walk(value: &Value, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| match inner {
            Value::String(words) => see(key, words),
            _ => walk(inner, see),
        }),
        Value::Array(list) => list.iter().for_each(|inner| walk(inner, see)),
        _ => {}
    }
}
