//! What `plan`, `apply` and `destroy` share: the context of a plan, rendered templates as what is
//! deployed, and printing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, anyhow, bail};
use camino::Utf8Path;

use super::commands::Where;
use super::env::SystemClock;
use super::load::{Loaded, Ready};
use super::output::Output;
use super::{Exit, Stop, env};
use crate::apply::{self, Scope};
use crate::cloud::Cloud;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::document::Value;
use crate::lake::Lake;
use crate::lower::script_key;
use crate::names::{BucketName, Region, StackName};
use crate::plan::{self, Consent, Context, Deployed, Plan, Upload};
use crate::render;
use crate::review::lockout::{Duty, Keeper};
use crate::source::Sources;
use crate::spec::reference::Principal;
use crate::stacks::{Placement, Stack, StackKey};

/// What a plan has to know beside the stacks and what is deployed.
pub fn context<'a>(ready: &'a Ready, consents: Vec<Consent>) -> Context<'a> {
    let lake = &ready.lake;
    let home = &lake.home;
    let role = home.execution_role_arn();
    Context {
        base_buckets: base_buckets(lake),
        places: Some((&ready.origins, &ready.sources)),
        consents,
        execution_role: role,
        uploads: uploads(ready),
        opt_outs: lake.opt_outs.clone(),
        keepers: keepers(lake),
        ..Context::new(
            &lake.naming.lake_id(),
            home.environment.as_str(),
            home.account.clone(),
            home.region.clone(),
        )
    }
}

/// Who has to be able to take a change of a lake back: whoever applies it, and the administrators that it names.
pub fn keepers(lake: &Lake) -> Vec<Keeper> {
    let home = &lake.home;
    let arn = |principal: &Principal| match principal {
        Principal::Role { account, name } => Some(home.iam_arn(account.as_ref(), "role", name)),
        Principal::User { account, name } => Some(home.iam_arn(account.as_ref(), "user", name)),
        _ => None,
    };
    // CloudFormation acts as the execution role; without any role it is somebody of the account
    let applies = home.execution_role.as_ref().or(home.deploy_role.as_ref());
    let applies = applies.and_then(|role| arn(&role.value));
    let who = applies.unwrap_or_else(|| home.arn("iam", "", home.account.as_str(), "root"));
    let mut keepers = vec![Keeper { who, duty: Duty::Applies, of: None }];
    let mut administers = |principal: &Principal, of: String| {
        let duty = Duty::Administers;
        keepers.extend(arn(principal).map(|who| Keeper { who, duty, of: Some(of) }));
    };
    for key in lake.keys.values() {
        for admin in &key.admins {
            administers(&admin.value, key.path());
            // the key of a bucket's copy has the administrators of the bucket's
            let copies = lake.buckets.values().filter(|bucket| bucket.key() == Some(&key.name));
            for copy in copies.filter(|bucket| bucket.replica.is_some()) {
                administers(&admin.value, format!("{}.replicate", copy.path()));
            }
        }
    }
    let admins = lake.lake_formation.iter().flat_map(|given| &given.admins);
    admins.for_each(|admin| administers(&admin.value, "lake_formation".to_owned()));
    keepers
}

/// The base bucket of each region of a lake.
pub fn base_buckets(lake: &Lake) -> BTreeMap<Region, String> {
    let mut buckets: BTreeMap<Region, String> = lake
        .regions()
        .into_iter()
        .map(|region| (region.clone(), lake.naming.base_bucket(&region)))
        .collect();
    if let Some(own) = &lake.home.base_bucket {
        buckets.insert(lake.home.region.clone(), own.value.to_string());
    }
    buckets
}

/// The scripts of the pipelines, under the hash of their content.
fn uploads(ready: &Ready) -> Vec<Upload> {
    let region = &ready.lake.home.region;
    ready
        .scripts
        .iter()
        .map(|(path, script)| Upload {
            region: region.clone(),
            key: script_key(path, script),
            sha256: script.clone(),
            path: path.clone(),
            bytes: env::size(&ready.folder.join(path)).unwrap_or(0),
        })
        .collect()
}

/// Consents as they were typed.
pub fn consents(destroy: &[String], empty: &[String]) -> Vec<Consent> {
    let destroy = destroy.iter().map(|name| Consent::Destroy(name.clone()));
    destroy.chain(empty.iter().map(|name| Consent::Empty(name.clone()))).collect()
}

/// The templates below a folder, as `compile --out` writes them: `REGION/STACK.json`.
pub fn templates(folder: &Utf8Path) -> anyhow::Result<Vec<(StackKey, Value)>> {
    if !env::is_folder(folder) {
        bail!(
            "`{folder}` is no folder of templates (`lakewright compile --out {folder}` writes one)"
        );
    }
    let mut found = Vec::new();
    for path in env::files_below(folder)? {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        let parts: Vec<&str> = below.as_str().split('/').collect();
        let [region, file] = parts[..] else { continue };
        let Some(name) = file.strip_suffix(".json") else { continue };
        if region == "handover" {
            continue;
        }
        let region = Region::new(region).map_err(|reason| anyhow!("`{path}`: {reason}"))?;
        let name = StackName::new(name).map_err(|reason| anyhow!("`{path}`: {reason}"))?;
        let text = String::from_utf8(env::read(&path)?).with_context(|| format!("`{path}`"))?;
        let template =
            Value::from_json(&text).with_context(|| format!("`{path}` is no template"))?;
        found.push((StackKey { region, name }, template));
    }
    if found.is_empty() {
        bail!("there is no template in `{folder}`: they lie in `{folder}/REGION/STACK.json`");
    }
    Ok(found)
}

/// A spec, compiled on its own.
pub fn compiled(
    loaded: Loaded,
    environment: Option<&str>,
    output: &Output,
) -> Result<(Ready, Vec<Stack>), Stop> {
    let ready = loaded.ready(environment, output)?;
    let compiled = ready.compile(&Placement::default(), output)?;
    Ok((ready, compiled.stacks))
}

/// Prints a plan: to people on stdout, or as JSON or Markdown. `exit`: how the verb ends.
pub fn print(plan: &Plan, format: Format, unsaved: bool, exit: Exit, output: &Output) {
    match format {
        _ if output.json => {
            output.keep(&refusals(plan), &Sources::default());
            output.document(render::plan::json(plan), exit);
        }
        Format::Markdown { most } => output.data(&render::plan::markdown(plan, most)),
        Format::Text => {
            let view = render::plan::View {
                color: output.color_data,
                width: env::width(),
                note_unsaved: unsaved && output.advises(),
            };
            output.data(&render::plan::text(plan, &view));
        }
    }
}

/// Why a plan cannot be applied, as findings.
pub fn refusals(plan: &Plan) -> Diagnostics {
    let mut all = Diagnostics::default();
    for refusal in &plan.refusals {
        let code = Code::parse(&refusal.code).expect("invariant: a refusal has a page");
        let mut told = Diagnostic::new(code, Severity::Error, None, refusal.summary.clone());
        told.help = refusal.help.clone();
        if let Some(cause) = &refusal.cause {
            told.path = Some(cause.path.clone()).filter(|path| !path.is_empty());
            if let (Some(file), Some(line)) = (&cause.file, cause.line) {
                told = told.note(format!("it comes from {file}:{line}"));
            }
        }
        all.push(told);
    }
    all
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    /// For a comment on a pull request: at most this many bytes.
    Markdown {
        most: usize,
    },
}

/// How a plan that was only shown ends: refused plans are errors, changes are told on demand.
pub fn ended(plan: &Plan, detailed: bool) -> Exit {
    if !plan.refusals.is_empty() {
        Exit::Error
    } else if detailed && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Ok
    }
}

/// A cloud and what is deployed of the lake in it.
pub struct Observed {
    pub cloud: Box<dyn Cloud>,
    pub base_bucket: BucketName,
    pub regions: Vec<Region>,
    pub deployed: Deployed,
    /// What is not taken back although it was kept.
    pub forget: Vec<String>,
}

impl Observed {
    /// Where the lake is looked for.
    pub fn scope<'a>(&'a self, lake: &'a Lake) -> Scope<'a> {
        Scope {
            naming: &lake.naming,
            account: &lake.home.account,
            home: &lake.home.region,
            base_bucket: &self.base_bucket,
            regions: &self.regions,
            forget: &self.forget,
        }
    }

    /// Reads what is deployed once more.
    pub fn again(&mut self, ready: &Ready, output: &Output) -> Result<(), Stop> {
        let deployed = apply::observe(&*self.cloud, &SystemClock, &self.scope(&ready.lake));
        self.deployed = deployed.map_err(|found| output.stop(found, &ready.sources))?;
        for (key, stack) in &self.deployed.stacks {
            let status = stack.status.map_or("unknown", |status| status.as_str());
            output.detail(&format!("Stack {key} is deployed: {status}"));
        }
        Ok(())
    }
}

/// What to type where there is no file with a plan.
pub const NO_PLAN: &str = "`lakewright plan --out FILE` saves a plan";

/// The plan in the text of a file, or why there is none.
pub fn saved(path: &Utf8Path, text: &str, output: &Output) -> Result<Plan, Stop> {
    plan::file::read(text).map_err(|error| {
        let told = Diagnostic::new(error.code(), Severity::Error, None, error.headline())
            .note(format!("the file is `{path}`"))
            .help("make it anew: `lakewright plan --out FILE`");
        let told = match error.detail() {
            Some(detail) => told.note(detail),
            None => told,
        };
        output.stop(told, &Sources::default())
    })
}

/// Connects and reads what is deployed. The account is made sure of before anything else. What was
/// kept and is to be forgotten is named by `forget`.
pub fn observe(
    ready: &Ready,
    place: &Where,
    forget: &[String],
    output: &Output,
) -> Result<Observed, Stop> {
    let lake = &ready.lake;
    let base = base_buckets(lake);
    let base_bucket =
        BucketName::new(&base[&lake.home.region]).map_err(|reason| anyhow!("{reason}"))?;
    let mut observed = Observed {
        cloud: place.connect(ready, output)?,
        base_bucket,
        regions: lake.regions(),
        deployed: Deployed::default(),
        forget: forget.to_vec(),
    };
    observed.again(ready, output)?;
    Ok(observed)
}

/// Waits for operations that an earlier run left behind, and reads what is deployed again.
pub fn settle(
    ready: &Ready,
    observed: &mut Observed,
    command: &str,
    output: &Output,
) -> Result<(), Stop> {
    let tell = |event| match output.json {
        true => output.line(&render::events::json(&event)),
        false => output.progress(&render::events::text(&event).unwrap_or_default()),
    };
    let how = apply::Unstick {
        clock: &SystemClock,
        observer: &tell,
        interrupt: env::interrupt_switch(),
        run: env::run_id(),
        command: command.to_owned(),
        host: env::host(),
        lock_timeout: jiff::SignedDuration::ZERO,
    };
    let waited = apply::settle(&*observed.cloud, &observed.deployed, &how)
        .map_err(|found| output.stop(found, &ready.sources))?;
    if waited {
        observed.again(ready, output)?;
    }
    Ok(())
}

/// The command line of a verb, as the user would type it again.
pub fn command(verb: &str, file: &Utf8Path, environment: Option<&str>, place: &Where) -> String {
    let mut command = format!("lakewright {verb}");
    if file != "lake.yaml" {
        command += &format!(" {}", typed(file.as_str()));
    }
    if let Some(environment) = environment {
        command += &format!(" --env {}", typed(environment));
    }
    match &place.sandbox {
        Some(Some(folder)) => command += &format!(" --sandbox={}", typed(folder.as_str())),
        Some(None) => command += " --sandbox",
        None => {}
    }
    command
}

/// A flag with each of its values, to be typed again.
pub fn flags(flag: &str, values: &[String]) -> String {
    values.iter().map(|value| format!(" {flag} {}", typed(value))).collect()
}

/// A word as a shell takes it: in quotes where it has to be.
pub fn typed(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Plans what makes the lake what the spec says. Where that would delete buckets, what they hold is
/// looked up, and the plan made anew.
pub fn plan(
    ready: &Ready,
    observed: &mut Observed,
    consents: Vec<Consent>,
    output: &Output,
) -> Result<Plan, Stop> {
    let mut context = context(ready, consents);
    context.warnings.extend(super::lake_formation::warnings(&ready.lake, &*observed.cloud));
    let stacks = ready.compile(&observed.deployed.placement(), output)?.stacks;
    let first = crate::plan::plan(stacks.clone(), &observed.deployed, &context);
    if !look_into(ready, observed, &first, output)? {
        return Ok(first);
    }
    Ok(crate::plan::plan(stacks, &observed.deployed, &context))
}

/// Plans the destruction of the lake; buckets that would be deleted are looked into.
pub fn destruction(
    ready: &Ready,
    observed: &mut Observed,
    consents: Vec<Consent>,
    output: &Output,
) -> Result<Plan, Stop> {
    let context = context(ready, consents);
    let first = crate::plan::destroy(&observed.deployed, &context);
    if !look_into(ready, observed, &first, output)? {
        return Ok(first);
    }
    Ok(crate::plan::destroy(&observed.deployed, &context))
}

/// Looks into the buckets that a plan would delete; says whether there are any.
fn look_into(
    ready: &Ready,
    observed: &mut Observed,
    plan: &Plan,
    output: &Output,
) -> Result<bool, Stop> {
    let scope = observed.scope(&ready.lake);
    let filled = apply::look_into(&*observed.cloud, &SystemClock, &scope, plan)
        .map_err(|found| output.stop(found, &ready.sources))?;
    let any = !filled.is_empty();
    observed.deployed.filled.extend(filled);
    Ok(any)
}

/// The other accounts' halves of grants, with the ARNs of deployed keys in place.
pub fn handovers(
    ready: &Ready,
    observed: &Observed,
    output: &Output,
) -> Result<crate::document::Map, Stop> {
    let compiled = ready.compile(&observed.deployed.placement(), output)?;
    let mut found = crate::document::Map::new();
    for handover in compiled.handovers {
        let mut policy = handover.policy;
        fill_in(&mut policy, &observed.deployed);
        mark_unknown(&mut policy, &compiled.stacks);
        let what = handover.what.map(|what| format!(": {what}")).unwrap_or_default();
        found.insert(format!("{} for {}{what}", handover.access, handover.to), policy);
    }
    Ok(found)
}

/// Puts words in the place of every reference to what has no name before an apply, such as `(known after apply: the ARN
/// of keys.main)`: nobody outside of CloudFormation can read a reference. Answers with the things that are meant.
pub fn mark_unknown(value: &mut Value, stacks: &[Stack]) -> BTreeSet<String> {
    let mut meant = BTreeSet::new();
    if let Some(target) = crate::graph::as_reference(value) {
        // what a template for the other account says of itself stays
        let of = stacks.iter().find_map(|stack| stack.causes.get(&target.id));
        if let Some(of) = of {
            *value = format!("(known after apply: the ARN of {})", of.path).into();
            meant.insert(of.path.clone());
        }
        return meant;
    }
    match value {
        Value::Map(map) => {
            map.iter_mut().for_each(|(_, one)| meant.extend(mark_unknown(one, stacks)));
        }
        Value::List(list) => {
            list.iter_mut().for_each(|one| meant.extend(mark_unknown(one, stacks)));
        }
        _ => {}
    }
    meant
}

/// Puts the ARN of a deployed key in the place of a reference to it.
fn fill_in(value: &mut Value, deployed: &Deployed) {
    if let Some(target) = crate::graph::as_reference(value) {
        let outputs = apply::outputs(deployed);
        let key =
            deployed.stacks.values().find_map(|stack| stack.physical_ids.get(target.id.as_str()));
        let arn = key.and_then(|id| outputs.iter().find(|one| one.name == *id)?.arn.clone());
        if let Some(arn) = arn {
            *value = arn.into();
        }
        return;
    }
    match value {
        Value::Map(map) => map.iter_mut().for_each(|(_, value)| fill_in(value, deployed)),
        Value::List(list) => list.iter_mut().for_each(|value| fill_in(value, deployed)),
        _ => {}
    }
}
