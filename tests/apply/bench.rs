//! A lake on a bench: a spec, a sandbox, a clock, and what was told.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use lakewright::apply::{self, Clock, Event, Options, Outcome, Scope, Unstick, What};
use lakewright::cloud::Cloud;
use lakewright::compile::{self, scripts_of, understand};
use lakewright::lake::Lake;
use lakewright::lower::{Scripts, script_key};
use lakewright::names::{BucketName, Region};
use lakewright::plan::{self, Consent, Context, Deployed, Filled, Plan, Upload};
use lakewright::policy::Library;
use lakewright::sandbox::{self, Sandbox, SandboxOptions};
use lakewright::source::Sources;
use lakewright::syntax;
use sha2::{Digest, Sha256};

/// A clock that moves only when somebody sleeps.
pub struct Hands {
    millis: AtomicI64,
    /// How long a sleep of a second really takes, in milliseconds: for a cloud with a time of its own.
    pub pace: AtomicI64,
    pub slept: AtomicUsize,
}

impl Hands {
    pub fn new() -> Self {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Hands {
            millis: AtomicI64::new(start.as_millisecond()),
            pace: AtomicI64::new(0),
            slept: AtomicUsize::new(0),
        }
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millis.load(Ordering::SeqCst)).unwrap()
    }

    fn sleep(&self, span: SignedDuration) {
        self.slept.fetch_add(1, Ordering::SeqCst);
        let real =
            self.pace.load(Ordering::SeqCst) * i64::try_from(span.as_millis()).unwrap() / 1000;
        std::thread::sleep(std::time::Duration::from_millis(real.unsigned_abs()));
        self.millis.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// What a person would have typed.
#[derive(Default, Clone)]
pub struct Typed {
    pub consents: Vec<Consent>,
    pub lock_timeout: i64,
    pub break_lock: Option<String>,
}

pub struct Bench {
    _folder: tempfile::TempDir,
    dir: Utf8PathBuf,
    options: SandboxOptions,
    pub sandbox: Sandbox,
    pub clock: Hands,
    pub spec: String,
    environment: String,
    scripts: Utf8PathBuf,
    pub interrupt: AtomicBool,
    runs: AtomicUsize,
    pub events: Mutex<Vec<Event>>,
}

impl Bench {
    /// An example in its environment, with an empty sandbox.
    pub fn example(name: &str, environment: &str) -> Self {
        let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        let spec = std::fs::read_to_string(folder.join("lake.yaml")).unwrap();
        Bench::new(&spec, environment, folder)
    }

    /// A spec of its own.
    pub fn spec(spec: &str) -> Self {
        Bench::new(spec, "dev", Utf8PathBuf::from("."))
    }

    fn new(spec: &str, environment: &str, scripts: Utf8PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(folder.path().join("cloud")).unwrap();
        let lake = lake(spec, environment);
        let mut options = SandboxOptions::new(lake.home.account.clone());
        options.clock = sandbox::Clock::stepping("2026-01-01T00:00:00Z".parse().unwrap(), 1000);
        let sandbox = Sandbox::open(&dir, options.clone()).unwrap();
        for (kind, properties) in lake.elsewhere() {
            sandbox.put_resource(&lake.home.region, kind, &properties).unwrap();
        }
        Bench {
            _folder: folder,
            dir,
            options,
            sandbox,
            clock: Hands::new(),
            spec: spec.to_owned(),
            environment: environment.to_owned(),
            scripts,
            interrupt: AtomicBool::new(false),
            runs: AtomicUsize::new(0),
            events: Mutex::new(Vec::new()),
        }
    }

    /// The client died: another one, on the same cloud.
    pub fn reopen(&mut self) {
        self.sandbox = Sandbox::open(&self.dir, self.options.clone()).unwrap();
    }

    pub fn lake(&self) -> Lake {
        lake(&self.spec, &self.environment)
    }

    pub fn region(&self) -> Region {
        self.lake().home.region
    }

    /// Reads what is deployed, through `cloud`.
    pub fn observe(&self, cloud: &dyn Cloud) -> Deployed {
        let lake = self.lake();
        let bucket = base_bucket(&lake);
        apply::observe(cloud, &self.clock, &scope(&lake, &bucket, &lake.regions()))
            .unwrap_or_else(|told| panic!("{told:?}"))
    }

    /// Plans what the spec says, in the sandbox.
    pub fn plan(&self, typed: &Typed) -> Plan {
        self.plan_on(&self.sandbox, typed)
    }

    /// Plans what the spec says.
    pub fn plan_on(&self, cloud: &dyn Cloud, typed: &Typed) -> Plan {
        let lake = self.lake();
        let deployed = self.observe(cloud);
        let mut hashes = Scripts::new();
        for path in scripts_of(&lake) {
            let body = std::fs::read(self.scripts.join(path)).unwrap();
            hashes.insert(path.to_owned(), hex(&body));
        }
        let library = Library::built_in();
        let compiled = compile::compile(&lake, &library, &hashes, &deployed.placement());
        assert!(!compiled.diagnostics.has_errors(), "{:?}", compiled.diagnostics);
        let context = self.context(&lake, typed, &hashes);
        let plan = plan::plan(compiled.stacks.clone(), &deployed, &context);
        let filled = self.fill(cloud, deployed, &plan);
        plan::plan(compiled.stacks, &filled, &context)
    }

    /// Plans the end of the lake, in the sandbox.
    pub fn plan_destroy(&self, typed: &Typed) -> Plan {
        self.plan_destroy_on(&self.sandbox, typed)
    }

    /// Plans the end of the lake.
    pub fn plan_destroy_on(&self, cloud: &dyn Cloud, typed: &Typed) -> Plan {
        let lake = self.lake();
        let context = self.context(&lake, typed, &Scripts::new());
        let deployed = self.observe(cloud);
        let plan = plan::destroy(&deployed, &context);
        let filled = self.fill(cloud, deployed, &plan);
        plan::destroy(&filled, &context)
    }

    fn fill(&self, cloud: &dyn Cloud, mut deployed: Deployed, plan: &Plan) -> Deployed {
        let account = self.lake().home.account;
        for emptied in plan.emptied() {
            let bucket = BucketName::new(&emptied.bucket).unwrap();
            let at = apply::base_bucket(&emptied.stack.region, &bucket, &account);
            let found = cloud.list_versions(&at, "", None, 1000).unwrap().versions;
            let locked = found.iter().filter(|version| version.locked.is_some()).count();
            let filled = Filled { versions: found.len(), locked, ..Filled::default() };
            deployed.filled.insert(emptied.bucket, filled);
        }
        deployed
    }

    fn context<'a>(&self, lake: &Lake, typed: &Typed, hashes: &Scripts) -> Context<'a> {
        let home = &lake.home;
        let mut base_buckets: BTreeMap<Region, String> = BTreeMap::new();
        for region in lake.regions() {
            base_buckets.insert(region.clone(), lake.naming.base_bucket(&region));
        }
        let uploads = hashes.iter().map(|(path, hash)| Upload {
            region: home.region.clone(),
            key: script_key(path, hash),
            sha256: hash.clone(),
            path: path.clone(),
            bytes: 1,
        });
        Context {
            base_buckets,
            consents: typed.consents.clone(),
            uploads: uploads.collect(),
            ..Context::new(
                &lake.naming.lake_id(),
                home.environment.as_str(),
                home.account.clone(),
                home.region.clone(),
            )
        }
    }

    /// Carries a plan out on `cloud`.
    pub fn carry_out_on(&self, cloud: &dyn Cloud, plan: &Plan, typed: &Typed) -> Outcome {
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        self.events.lock().unwrap().clear();
        let read = |upload: &Upload| {
            std::fs::read(self.scripts.join(&upload.path)).map_err(|error| error.to_string())
        };
        let options = Options {
            clock: &self.clock,
            run: format!("run-{number}"),
            command: "lakewright apply".into(),
            watch_command: "lakewright status".into(),
            recover_command: "lakewright recover".into(),
            host: None,
            lock_timeout: SignedDuration::from_secs(typed.lock_timeout),
            break_lock: typed.break_lock.clone(),
            interrupt: &self.interrupt,
            read_upload: &read,
        };
        apply::apply(plan, cloud, &|event| self.events.lock().unwrap().push(event), &options)
    }

    pub fn carry_out(&self, plan: &Plan) -> Outcome {
        self.carry_out_on(&self.sandbox, plan, &Typed::default())
    }

    /// Plans and applies, and expects that to work.
    pub fn apply(&self) -> Outcome {
        let plan = self.plan(&Typed::default());
        assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
        let outcome = self.carry_out(&plan);
        assert_eq!(outcome.ended, apply::Ended::Done, "{}", told(&outcome));
        outcome
    }

    /// Waits for what is in progress, then takes back what is stuck.
    pub fn recover(&self) {
        let lake = self.lake();
        let bucket = base_bucket(&lake);
        let regions = lake.regions();
        let scope = scope(&lake, &bucket, &regions);
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        let how = Unstick {
            clock: &self.clock,
            observer: &|event| self.events.lock().unwrap().push(event),
            interrupt: &self.interrupt,
            run: format!("run-{number}"),
            command: "lakewright apply".into(),
            host: None,
            lock_timeout: SignedDuration::from_secs(600),
        };
        let deployed = self.observe(&self.sandbox);
        apply::settle(&self.sandbox, &deployed, &how).unwrap();
        let deployed = self.observe(&self.sandbox);
        apply::recover(&self.sandbox, &scope, &deployed, &how)
            .unwrap_or_else(|told| panic!("{told:?}"));
    }

    /// The events that say which stack began, in order.
    pub fn started(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let started = events.iter().filter_map(|event| match &event.what {
            What::StackStarted { stack, .. } => Some(stack.name.to_string()),
            _ => None,
        });
        started.collect()
    }
}

pub fn told(outcome: &Outcome) -> String {
    let lines = outcome.diagnostics.iter().map(|told| {
        format!(
            "{} {}: {}\n  {}",
            told.code,
            told.headline,
            told.notes.join("\n  "),
            told.help.join("\n  ")
        )
    });
    let stacks = outcome.stacks.iter().map(|stack| format!("{} {:?}", stack.key, stack.state));
    lines.chain(stacks).collect::<Vec<_>>().join("\n")
}

pub fn base_bucket(lake: &Lake) -> BucketName {
    BucketName::new(lake.naming.base_bucket(&lake.home.region)).unwrap()
}

pub fn scope<'a>(lake: &'a Lake, bucket: &'a BucketName, regions: &'a [Region]) -> Scope<'a> {
    Scope {
        naming: &lake.naming,
        account: &lake.home.account,
        home: &lake.home.region,
        base_bucket: bucket,
        regions,
        forget: &[],
    }
}

fn lake(spec: &str, environment: &str) -> Lake {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", spec.to_owned());
    let (tree, diagnostics) = syntax::parse(&sources, file);
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    let understood = understand(&tree, environment);
    assert!(!understood.diagnostics.has_errors(), "{:?}", understood.diagnostics);
    understood.lake.unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
