//! Where a scenario is played: a folder, the binary, and hands on the sandbox.
//!
//! The hands open the sandbox as another process of the same account would, do one thing and let go.
//! What a command says is read as a terminal shows it: both streams in the order in which they were
//! written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use lakewright::apply::{LockInfo, lock};
use lakewright::cloud::*;
use lakewright::document::Value;
use lakewright::names::{AccountId, BucketName, Region};
use lakewright::sandbox::{Faults, Sandbox, SandboxOptions, Tamper};

use crate::script::{self, Run, Step, What};
use crate::support::judge;

/// No command of a scenario takes longer.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder with a spec and its sandbox.
pub struct Stage {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
    /// What the next command is interrupted at, and the signal.
    interrupt: Option<(String, i32)>,
    /// What somebody else does once the next command has said something: that, a verb and its rest.
    meanwhile: Option<(String, String, String)>,
    /// What the last command said.
    pub said: String,
    /// The account and region of the hands.
    pub account: String,
    pub region: String,
    /// Names that were kept.
    names: BTreeMap<String, BTreeSet<String>>,
}

type Done = Result<(), String>;

impl Stage {
    pub fn new() -> Self {
        Stage {
            folder: tempfile::tempdir().expect("a folder of our own"),
            env: BTreeMap::new(),
            interrupt: None,
            meanwhile: None,
            said: String::new(),
            account: "000000000000".into(),
            region: "eu-west-1".into(),
            names: BTreeMap::new(),
        }
    }

    /// Does steps in their order. The error begins with the line that went wrong.
    pub fn perform(&mut self, steps: &[Step]) -> Done {
        for Step { line, what } in steps {
            let done = match what {
                What::Run(run) => self.expect(run),
                What::Edit { file, old, new } => self.edit(file, old, new),
                What::Write { file, text } => self.write(file, text),
                What::Do { verb, rest } => self.act(verb, rest),
            };
            done.map_err(|error| format!("{line}: {error}\n--- said last:\n{}", self.said))?;
        }
        Ok(())
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Runs lakewright here; answers with the exit code.
    pub fn run(&mut self, words: &[String]) -> Result<i32, String> {
        let log = self.path(".said");
        let out = File::create(&log).map_err(|error| error.to_string())?;
        let err = out.try_clone().map_err(|error| error.to_string())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_lakewright"));
        command.args(words).current_dir(self.folder.path());
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .envs(&self.env);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let end = Instant::now() + LIMIT;
        let mut interrupt = self.interrupt.take();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            if let Some((at, signal)) = &interrupt
                && fs::read_to_string(&log).unwrap_or_default().contains(at.as_str())
            {
                let id = i32::try_from(child.id()).map_err(|error| error.to_string())?;
                // SAFETY: a signal to a child of ours that has not been waited for.
                unsafe { libc::kill(id, *signal) };
                interrupt = None;
            }
            if let Some((at, verb, rest)) = &self.meanwhile
                && fs::read_to_string(&log).unwrap_or_default().contains(at.as_str())
            {
                let (verb, rest) = (verb.clone(), rest.clone());
                self.meanwhile = None;
                self.act(&verb, &rest)?;
            }
            if Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                self.said = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("it did not end within {} s", LIMIT.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.said = fs::read_to_string(&log).unwrap_or_default();
        if std::env::var_os("LAKEWRIGHT_SCENARIO_SHOW").is_some() {
            println!("> lakewright {}\n{}", words.join(" "), self.said);
        }
        // Whatever has a code says how to read on; a comment on a pull request has no room for it.
        if !words.iter().any(|word| word.starts_with("--markdown") || word.starts_with("markdown"))
        {
            for line in self.said.lines() {
                let named =
                    ["error[LW", "warning[LW"].iter().find_map(|head| line.strip_prefix(head));
                let Some((digits, _)) = named.and_then(|rest| rest.split_once(']')) else {
                    continue;
                };
                if !self.said.contains(&format!("= explain: lakewright explain LW{digits}")) {
                    return Err(format!("it does not say how to read on about LW{digits}"));
                }
            }
        }
        if let Some((text, _)) = interrupt {
            return Err(format!(
                "it ended before it said `{text}`, where it was to be interrupted"
            ));
        }
        if let Some((text, ..)) = self.meanwhile.take() {
            return Err(format!("it ended before it said `{text}`"));
        }
        Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
    }

    fn expect(&mut self, run: &Run) -> Done {
        let words = match &run.words {
            Some(words) => words.clone(),
            None => self.next()?,
        };
        let code = self.run(&words)?;
        let mut rest = self.said.as_str();
        for says in &run.says {
            let text = says.text.trim();
            match (says.not, rest.find(text)) {
                (true, _) if self.said.contains(text) => {
                    return Err(format!("line {}: it says `{text}`", says.line));
                }
                (true, _) => {}
                (false, Some(at)) => rest = &rest[at + text.len()..],
                (false, None) => {
                    let early = self.said.contains(text);
                    let where_ = if early { ", it does so too early" } else { "" };
                    return Err(format!("line {}: it does not say `{text}`{where_}", says.line));
                }
            }
        }
        match code == run.exit {
            true => Ok(()),
            false => Err(format!("exit {code}, not {}", run.exit)),
        }
    }

    /// The command that the last run said to type next.
    pub fn next(&self) -> Result<Vec<String>, String> {
        let line = self.said.lines().find_map(|line| line.strip_prefix("Next: lakewright"));
        line.map(script::split).ok_or_else(|| "the last command says nothing to type next".into())
    }

    fn edit(&self, file: &str, old: &str, new: &str) -> Done {
        let path = self.path(file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        match text.matches(old).count() {
            1 => self.write(file, &text.replacen(old, new, 1)),
            n => Err(format!("`{old}` is {n} times in {file}")),
        }
    }

    pub fn write(&self, file: &str, text: &str) -> Done {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(|error| error.to_string())?;
        fs::write(path, text).map_err(|error| format!("{file}: {error}"))
    }

    /// The sandbox, as somebody else in the account opens it.
    pub fn sandbox(&self) -> Result<Sandbox, String> {
        let folder =
            Utf8PathBuf::try_from(self.path(".lakewright/sandbox")).map_err(|e| e.to_string())?;
        let account = AccountId::new(&self.account)?;
        Sandbox::open(&folder, SandboxOptions::new(account)).map_err(|error| error.to_string())
    }

    fn region(&self) -> Result<Region, String> {
        Region::new(&self.region)
    }

    fn object(&self, bucket: &str, key: &str) -> Result<ObjectAddress, String> {
        Ok(ObjectAddress {
            bucket: BucketAddress {
                region: self.region()?,
                bucket: BucketName::new(bucket)?,
                owner: AccountId::new(&self.account)?,
            },
            key: key.to_owned(),
        })
    }

    fn act(&mut self, verb: &str, rest: &str) -> Done {
        let words = script::split(rest);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let cloud = |error: CloudError| error.to_string();
        match (verb, &words[..]) {
            ("use", [example]) => self.copy_example(example),
            ("env", _) => {
                let (name, value) = rest.split_once('=').ok_or("env NAME=VALUE")?;
                match name {
                    "account" => self.account = value.into(),
                    "region" => self.region = value.into(),
                    name => drop(self.env.insert(name.into(), value.into())),
                }
                Ok(())
            }
            ("fault", _) => {
                let faults: Faults =
                    serde_json::from_str(rest).map_err(|error| error.to_string())?;
                self.sandbox()?.set_faults(faults).map_err(cloud)
            }
            ("faults", ["none"]) => self.sandbox()?.set_faults(Faults::default()).map_err(cloud),
            ("put", [bucket, key, text @ ..]) => {
                let at = self.object(bucket, key)?;
                let body = text.join(" ");
                let put = self.sandbox()?.put_object(&at, body.as_bytes(), PutCondition::Always);
                put.map(drop).map_err(cloud)
            }
            ("drop", [bucket, key]) => {
                self.sandbox()?.delete_object(&self.object(bucket, key)?).map_err(cloud)
            }
            ("hold", [bucket, key]) => {
                self.sandbox()?.set_legal_hold(bucket, key, true).map_err(cloud)
            }
            ("unlock", [bucket, key]) => {
                self.sandbox()?.set_legal_hold(bucket, key, false).map_err(cloud)
            }
            ("tamper", [kind, id, how, more @ ..]) => self.tamper(kind, id, how, more),
            ("make", [kind, ..]) => {
                let json = rest.strip_prefix(kind).unwrap_or("").trim();
                let properties = Value::from_json(json).map_err(|error| format!("{error:?}"))?;
                let sandbox = self.sandbox()?;
                sandbox.put_resource(&self.region()?, kind, &properties).map(drop).map_err(cloud)
            }
            ("foreign", [stack, "REVIEW_IN_PROGRESS"]) => self.stack(stack, BTreeMap::new(), false),
            ("foreign", [stack]) => self.stack(stack, BTreeMap::new(), true),
            ("left", [stack, lake, "REVIEW_IN_PROGRESS"]) => self.stack(stack, ours(lake), false),
            ("left", [stack, lake, "ROLLBACK_COMPLETE"]) => {
                let json = r#"{"fail": [{"resource": "Topic", "at": "create", "times": 1}]}"#;
                self.act("fault", json)?;
                self.stack(stack, ours(lake), true)
            }
            ("lock", [bucket, lake, id, seconds]) => self.lock(bucket, lake, id, seconds),
            ("wait", [seconds]) => {
                let seconds = seconds.parse().map_err(|_| "wait SECONDS")?;
                std::thread::sleep(Duration::from_secs_f64(seconds));
                Ok(())
            }
            ("interrupt" | "kill", ["when", ..]) => {
                let signal = if verb == "kill" { libc::SIGKILL } else { libc::SIGINT };
                self.interrupt = rest.strip_prefix("when ").map(|at| (at.to_owned(), signal));
                Ok(())
            }
            ("meanwhile", _) => {
                let wrong = "meanwhile 'TEXT' STEP";
                let (text, step) =
                    rest.strip_prefix('\'').and_then(|rest| rest.split_once("' ")).ok_or(wrong)?;
                let (verb, rest) = step.split_once(' ').ok_or(wrong)?;
                self.meanwhile = Some((text.to_owned(), verb.to_owned(), rest.to_owned()));
                Ok(())
            }
            ("forget", ["sandbox"]) => {
                fs::remove_dir_all(self.path(".lakewright")).map_err(|error| error.to_string())
            }
            ("keep", [name]) => self.keep(name),
            ("disjoint", [one, two]) => {
                let names = |name: &str| {
                    self.names.get(name).ok_or(format!("nothing was kept as `{name}`"))
                };
                let common: Vec<&String> = names(one)?.intersection(names(two)?).collect();
                match common.is_empty() && !names(one)?.is_empty() && !names(two)?.is_empty() {
                    true => Ok(()),
                    false => Err(format!("in common: {common:?}")),
                }
            }
            ("json", [schema]) => self.json(schema),
            _ => Err(format!("`{verb} {rest}` is not how `{verb}` is used")),
        }
    }

    pub fn copy_example(&self, example: &str) -> Done {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
        let copy = |name: &str| -> std::io::Result<()> {
            if from.join(name).is_dir() {
                fs::create_dir_all(self.path(name))?;
                for entry in fs::read_dir(from.join(name))? {
                    let entry = entry?;
                    fs::copy(entry.path(), self.path(name).join(entry.file_name()))?;
                }
                return Ok(());
            }
            fs::copy(from.join(name), self.path(name)).map(drop)
        };
        copy("lake.yaml").map_err(|error| format!("{example}: {error}"))?;
        match from.join("jobs").is_dir() {
            true => copy("jobs").map_err(|error| format!("{example}: {error}")),
            false => Ok(()),
        }
    }

    fn tamper(&self, kind: &str, id: &str, how: &str, more: &[&str]) -> Done {
        let path =
            || more.first().map(|path| (*path).to_owned()).ok_or("a path is missing".to_owned());
        let value = || {
            let text = more.get(1..).unwrap_or(&[]).join(" ");
            Value::from_json(&text).map_err(|error| format!("`{text}`: {error:?}"))
        };
        let what = match how {
            "set" => Tamper::Set { path: path()?, value: value()? },
            "remove" => Tamper::Remove { path: path()? },
            "append" => Tamper::Append { path: path()?, value: value()? },
            "delete" => Tamper::Delete,
            other => return Err(format!("tampering by `{other}` is unknown")),
        };
        let sandbox = self.sandbox()?;
        sandbox.tamper(&self.region()?, kind, id, &what).map_err(|error| error.to_string())
    }

    /// A stack with a topic in it, made past lakewright.
    fn stack(&self, name: &str, tags: BTreeMap<String, String>, execute: bool) -> Done {
        let cloud = |error: CloudError| error.to_string();
        let sandbox = self.sandbox()?;
        let request = ChangeSetRequest {
            stack: StackAddress::new(&self.region()?, name),
            name: "by-hand".into(),
            kind: ChangeSetKind::Create,
            template: TemplateSource::Inline(
                r#"{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}"#.into(),
            ),
            parameters: BTreeMap::new(),
            tags,
            capabilities: Vec::new(),
            execution_role: None,
            imports: Vec::new(),
            token: "by-hand".into(),
        };
        let id = sandbox.create_change_set(&request).map_err(cloud)?;
        match execute {
            true => sandbox.execute_change_set(&self.region()?, &id, "by-hand").map_err(cloud),
            false => Ok(()),
        }
    }

    /// A lock of somebody else, whose lease ends in so many seconds, or ended so many ago.
    fn lock(&self, bucket: &str, lake: &str, id: &str, seconds: &str) -> Done {
        let seconds: i64 = seconds.parse().map_err(|_| "lock BUCKET LAKE ID SECONDS")?;
        let now = jiff::Timestamp::now();
        let info = LockInfo {
            format_version: 1,
            id: id.into(),
            operation: "apply".into(),
            who: "arn:aws:iam::000000000000:user/somebody".into(),
            host: Some("ci-7".into()),
            created: now.to_string(),
            expires: (now + jiff::SignedDuration::from_secs(seconds)).to_string(),
        };
        let body = serde_json::to_vec(&info).map_err(|error| error.to_string())?;
        let at = self.object(bucket, &lock::key(lake))?;
        let put = self.sandbox()?.put_object(&at, &body, PutCondition::Always);
        put.map(drop).map_err(|error| error.to_string())
    }

    /// Keeps the names and ARNs that the last command printed with `output --json`.
    fn keep(&mut self, name: &str) -> Done {
        let printed: serde_json::Value =
            serde_json::from_str(&self.said).map_err(|error| format!("no JSON: {error}"))?;
        let outputs = printed["outputs"].as_array().ok_or("there is no `outputs`")?;
        // A table is named within its database: its ARN tells the two apart.
        let tell = |one: &serde_json::Value| {
            let key = if one["arn"].is_string() { "arn" } else { "name" };
            (one["what"] != "table").then(|| one[key].as_str().unwrap_or_default().to_owned())
        };
        self.names.insert(name.into(), outputs.iter().filter_map(tell).collect());
        Ok(())
    }

    /// Whether what was said last is JSON after a published schema: a document, or lines.
    fn json(&self, schema: &str) -> Done {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
        let schema_file = root.join(format!("{schema}.schema.json"));
        let texts: Vec<&str> = match schema {
            "events" => self.said.lines().collect(),
            _ => vec![&self.said],
        };
        let mut files = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let value: serde_json::Value =
                serde_json::from_str(text).map_err(|error| format!("no JSON: {error}: {text}"))?;
            if schema == "events" {
                for key in ["@level", "@message", "@module", "@timestamp", "type"] {
                    value[key].as_str().ok_or(format!("a line has no `{key}`: {text}"))?;
                }
            }
            let file = self.path(&format!(".json/{at}.json"));
            self.write(&format!(".json/{at}.json"), text)?;
            files.push(file);
        }
        if files.is_empty() {
            return Err("nothing was said".into());
        }
        match judge::json_schema(&schema_file, &files).first() {
            None => Ok(()),
            Some(found) => Err(format!(
                "{}: {} ({}): {}",
                found.instance.display(),
                found.path,
                found.keyword,
                found.message
            )),
        }
    }
}

/// The tag of a lake's stacks.
fn ours(lake: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("lakewright:lake".to_owned(), lake.to_owned())])
}
