//! What `access` and `review` compare: states, by one grammar everywhere.
//!
//! ```text
//! lake.yaml          a spec, compiled          templates/   a folder of templates, all stacks of one state
//! git:REV[:PATH]     the same, as of a commit  plan:FILE    what is there once a saved plan is applied
//! deployed           the templates that CloudFormation holds
//! live               what the account has of what they make: policies, trust, public access blocks, grants
//! policy.json, stack.yaml, -                   a policy document or a template; `-` reads stdin
//! ```
//!
//! In: the word that was typed. Out: a [`Side`]: the state of access, or a policy document, and what is needed to
//! speak of it (the spec and its lines). A file is what its content says that it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use super::commands::Where;
use super::load::{self, Meant, Root};
use super::output::Output;
use super::{Stop, env, planning, revision};
use crate::access::{self, Source, State, guards};
use crate::catalogue;
use crate::document::{Map, Value};
use crate::lake::Lake;
use crate::plan::access::name;
use crate::plan::{Cause, Deployed, Operation, Plan, file};
use crate::resolve::DUMMY_ACCOUNT;
use crate::stacks::{Causes, Placement, Stack};
use crate::syntax;

/// One side of a comparison.
pub struct Side {
    pub content: Content,
    /// The spec behind the state, where there is one: lines come from it.
    pub spec: Option<Rc<Meant>>,
    lines: Lines,
    /// Documents by ARN that were read beside the state: no template of any state holds them.
    pub documents: Vec<(String, Value)>,
}

/// What knows which entry of a spec a statement comes from.
enum Lines {
    Nobody,
    /// The stacks of a spec: where the properties of a resource come from, by stack and logical id.
    Known(BTreeMap<(String, String), Causes>),
}

/// What a side holds.
pub enum Content {
    State(Box<State>),
    /// A policy document that stands alone.
    Policy(Value),
}

/// How a state is read.
#[derive(Debug, Clone)]
pub struct How<'a> {
    /// The environment of specs.
    pub environment: Option<&'a str>,
    /// The spec that `git:REV` without a path, and `deployed`, mean.
    pub file: &'a Utf8Path,
    /// The account that templates are for, where nothing says it.
    pub account: Option<&'a str>,
    /// Their region.
    pub region: Option<&'a str>,
    pub place: &'a Where,
    /// Parameters of templates that somebody gave.
    pub parameters: &'a [(String, String)],
}

/// What stands for the region of templates where nobody says which it is: no template names it, so that a region that is
/// written out is not taken for that of the stack.
const REGION: &str = "stack-region";

/// The account of templates where nobody says which it is and they name the one that is taken else.
const OTHER_ACCOUNT: &str = "000000000001";

/// What can be named, for messages.
const GRAMMAR: &str = "a spec, a template, a policy, a folder of templates, `git:REV`, `plan:FILE`, `deployed` or `live`";

/// What to type where there is no file with a document.
pub const NO_DOCUMENT: &str = "--document takes ARN=FILE, the file with the policy of that ARN";

/// Reads a state.
pub fn read(word: &str, how: &How, output: &Output) -> Result<Side, Stop> {
    Ok(match word.split_once(':') {
        _ if word == "deployed" => deployed(how, output)?,
        _ if word == "live" => return live(how, output),
        Some(("git", revision)) => {
            let (revision, path) = match revision.split_once(':') {
                Some((revision, path)) => (revision, Utf8Path::new(path)),
                None => (revision, how.file),
            };
            at(&Root::revision(path, revision)?, path, how, output)?
        }
        Some(("plan", path)) => planned(Utf8Path::new(path), output)?,
        _ => {
            let path = Utf8Path::new(word);
            at(&Root::Here, path, how, output)?
        }
    })
}

impl Side {
    /// A state that no spec is behind.
    pub fn of(content: Content) -> Side {
        Side { content, spec: None, lines: Lines::Nobody, documents: Vec::new() }
    }

    /// The states before and after a plan. Behind both is the spec that the plan carries; behind what is left of a lake
    /// that is destroyed, none.
    pub fn of_plan(plan: &Plan, output: &Output) -> Result<(Side, Side), Stop> {
        let spec = match &plan.spec {
            Some(file) => {
                let text = file.text.clone().into_bytes();
                let loaded = load::read_from(&Root::Here, Utf8Path::new(&file.name), text);
                Some(Rc::new(loaded.meant(Some(&plan.environment), output)?))
            }
            None => None,
        };
        let own = plan.stacks.iter().flat_map(|stack| {
            let name = name(&stack.key);
            stack.causes.iter().map(move |(id, one)| ((name.clone(), id.to_string()), one.clone()))
        });
        let causes: BTreeMap<(String, String), Causes> = own.collect();
        let mut after = plan.access_after();
        after.trace(&|origin, steps| {
            let at = (origin.stack.clone(), origin.logical_id.clone());
            causes.get(&at).map(|causes| causes.of(steps))
        });
        let side = |state, spec, lines| Side {
            content: Content::State(Box::new(state)),
            spec,
            lines,
            documents: Vec::new(),
        };
        let stays = spec.clone().filter(|_| plan.operation == Operation::Apply);
        let before = side(plan.access_before(), spec, Lines::Nobody);
        Ok((before, side(after, stays, Lines::Known(causes))))
    }

    /// Where a statement or a resource of the state stands in the spec.
    pub fn place(&self, cause: &access::Cause) -> Cause {
        let origin = &cause.origin;
        let statement = format!("[{}]", cause.statement);
        let property = [cause.property.as_str(), "Statement", &statement];
        // an attribute of a resource, not a property: what the spec says of keeping it
        let is_kept = cause.property == guards::PROTECTION && !origin.path.is_empty();
        let key = (origin.stack.clone(), origin.logical_id.clone());
        let path = match &self.lines {
            Lines::Known(causes) => {
                let wanted = if cause.statement.is_empty() { &property[..1] } else { &property };
                causes.get(&key).map(|causes| causes.of(wanted))
            }
            Lines::Nobody => None,
        };
        let path = match is_kept {
            true => format!("{}.protect", origin.path),
            false => path.unwrap_or_else(|| origin.path.clone()),
        };
        match &self.spec {
            Some(spec) if !path.is_empty() => spec.cause(&path),
            _ => Cause { path, ..Cause::default() },
        }
    }
}

fn at(root: &Root, path: &Utf8Path, how: &How, output: &Output) -> Result<Side, Stop> {
    if path != "-" && root.is_folder(path) {
        return Ok(Side::of(folder(root, path, how)?));
    }
    let bytes = bytes(root, path)?;
    let text = syntax::decode(bytes.clone());
    if file::is_plan(&text) {
        return planned(path, output);
    }
    let other = if is_spec(path, &text) { None } else { Some(syntax::template(&text)) };
    match other {
        Some(Ok(value)) if value.get("Statement").is_some() => {
            return Ok(Side::of(Content::Policy(value)));
        }
        Some(Ok(value)) if value.get("Resources").is_some() => {
            let mut sources = [source(access::UNNAMED, value, None, how)];
            at_home(&mut sources, how);
            return Ok(Side::of(Content::State(Box::new(access::read(&sources)))));
        }
        Some(Ok(_)) if path.extension() == Some("json") => {
            return Err(anyhow::anyhow!(
                "`{path}` is neither a policy (`Statement`) nor a template (`Resources`)"
            )
            .into());
        }
        Some(Err(error)) if path.extension() == Some("json") => {
            return Err(anyhow::anyhow!("`{path}` is not JSON: {error}").into());
        }
        Some(Err(error)) if is_template(&text) => {
            return Err(anyhow::anyhow!("`{path}` is not YAML: {error}").into());
        }
        Some(Ok(value)) if value.get("lakewright").is_none() && value.get("lake").is_none() => {
            return Err(anyhow::anyhow!("`{path}` is no state: name {GRAMMAR}").into());
        }
        _ => {}
    }
    let ready = load::read_from(root, path, bytes).ready(how.environment, output)?;
    let compiled = ready.compile(&Placement::default(), output)?;
    let state = of_stacks(&ready.lake, &compiled.stacks);
    let causes = compiled.stacks.into_iter().flat_map(|stack| {
        let stack_name = name(&stack.key);
        let own = stack.causes.into_iter();
        own.map(move |(id, causes)| ((stack_name.clone(), id.to_string()), causes))
    });
    let lines = Lines::Known(causes.collect());
    Ok(Side {
        content: Content::State(Box::new(state)),
        spec: Some(Rc::new(ready.into())),
        lines,
        documents: Vec::new(),
    })
}

/// The bytes of a state's file, or what to type instead.
fn bytes(root: &Root, path: &Utf8Path) -> anyhow::Result<Vec<u8>> {
    match root {
        Root::Here if load::is_not_here(path) => return Err(load::no_spec()),
        Root::Here if path != "-" && !env::exists(path) => {
            return env::named(path, &format!("`{path}` is no state: name {GRAMMAR}"));
        }
        _ => {}
    }
    root.read(path).map_err(|error| match root {
        Root::Here => error.context(format!("`{path}` is no state: name {GRAMMAR}")),
        Root::Commit { commit, .. } => revision::missing(commit, path),
    })
}

/// Whether a text says in its first column that it is a spec, so that nobody need read it as anything else.
fn is_spec(path: &Utf8Path, text: &str) -> bool {
    let says = |key: &str| text.lines().any(|line| line.starts_with(key));
    path.extension() != Some("json")
        && says("lakewright:")
        && !says("Resources:")
        && !says("Statement:")
}

/// Whether a text that cannot be read is meant to be a template.
fn is_template(text: &str) -> bool {
    let mut lines = text.lines();
    lines
        .any(|line| line.starts_with("AWSTemplateFormatVersion:") || line.starts_with("Resources:"))
}

/// The state that a compiled spec describes.
pub fn of_stacks<'s>(lake: &Lake, stacks: &'s [Stack]) -> State {
    let account = lake.home.account.to_string();
    let source = |stack: &'s Stack| Source {
        name: name(&stack.key),
        account: account.clone(),
        region: stack.key.region.to_string(),
        body: Cow::Borrowed(&stack.template),
        parameters: stack
            .parameters
            .iter()
            .map(|(parameter, from)| (parameter.clone(), (name(&from.stack), from.output.clone())))
            .collect(),
        given: BTreeMap::new(),
    };
    let mut state = access::read(&stacks.iter().map(source).collect::<Vec<_>>());
    state.trace(&|origin, steps| {
        let stack = stacks.iter().find(|stack| name(&stack.key) == origin.stack)?;
        let causes = stack.causes.iter().find(|(id, _)| id.as_str() == origin.logical_id);
        causes.map(|(_, causes)| causes.of(steps))
    });
    state
}

/// Where in the spec a statement of compiled stacks comes from.
pub fn path_of(stacks: &[Stack], cause: &access::Cause) -> String {
    let origin = &cause.origin;
    let stack = stacks.iter().find(|stack| name(&stack.key) == origin.stack);
    let causes = stack.and_then(|stack| stack.causes.get(origin.logical_id.as_str()));
    let statement = format!("[{}]", cause.statement);
    let steps = [cause.property.as_str(), "Statement", &statement];
    causes.map_or_else(|| origin.path.clone(), |causes| causes.of(&steps))
}

/// The state of what is deployed.
pub fn of_deployed(account: &str, deployed: &Deployed) -> State {
    access::read(&sources(account, deployed))
}

/// What is deployed, connected.
pub fn sources<'d>(account: &str, deployed: &'d Deployed) -> Vec<Source<'d>> {
    let source = |(key, stack): (_, &'d crate::plan::DeployedStack)| Source {
        name: name(key),
        account: account.to_owned(),
        region: key.region.to_string(),
        body: Cow::Borrowed(&stack.template),
        parameters: BTreeMap::new(),
        given: BTreeMap::new(),
    };
    let mut sources: Vec<Source> = deployed.stacks.iter().map(source).collect();
    access::feed(&mut sources);
    sources
}

fn live(how: &How, output: &Output) -> Result<Side, Stop> {
    let ready = load::read(how.file)?.ready(how.environment, output)?;
    let observed = planning::observe(&ready, how.place, &[], output)?;
    output.progress("Reading what the account has ...");
    let (state, documents) =
        super::live::read(&ready, &observed).map_err(|found| output.stop(found, &ready.sources))?;
    Ok(Side {
        content: Content::State(Box::new(state)),
        spec: Some(Rc::new(ready.into())),
        lines: Lines::Nobody,
        documents,
    })
}

fn deployed(how: &How, output: &Output) -> Result<Side, Stop> {
    let ready = load::read(how.file)?.ready(how.environment, output)?;
    let observed = planning::observe(&ready, how.place, &[], output)?;
    let state = of_deployed(ready.lake.home.account.as_str(), &observed.deployed);
    let spec = Some(Rc::new(Meant::from(ready)));
    Ok(Side {
        content: Content::State(Box::new(state)),
        spec,
        lines: Lines::Nobody,
        documents: Vec::new(),
    })
}

/// The plan in a file.
pub fn plan(path: &Utf8Path, output: &Output) -> Result<Plan, Stop> {
    let text = String::from_utf8_lossy(&env::named(path, planning::NO_PLAN)?).into_owned();
    planning::saved(path, &text, output)
}

fn planned(path: &Utf8Path, output: &Output) -> Result<Side, Stop> {
    Ok(Side::of_plan(&plan(path, output)?, output)?.1)
}

/// Every template below a folder. A folder that is called after a region says where its templates belong, as
/// `compile --out` writes them.
fn folder(root: &Root, path: &Utf8Path, how: &How) -> anyhow::Result<Content> {
    let mut sources: Vec<Source> = Vec::new();
    for file in root.files_below(path)? {
        let below = file.strip_prefix(path).unwrap_or(&file).to_owned();
        let known = matches!(below.extension(), Some("json" | "yaml" | "yml" | "template"));
        if !known || below.components().any(|part| part.as_str() == "handover") {
            continue;
        }
        let text = syntax::decode(root.read(&file)?);
        let value = match syntax::template(&text) {
            Ok(value) => value,
            // a YAML file beside templates may be anything
            Err(_) if !text.contains("AWS::") => continue,
            Err(error) => return Err(error).with_context(|| format!("`{file}`")),
        };
        if value.get("Resources").is_none() {
            continue;
        }
        let stem = below.with_extension("");
        let parts: Vec<&str> = stem.components().map(|part| part.as_str()).collect();
        let region = parts.iter().position(|part| catalogue::region(part).is_some());
        let own = parts[region.unwrap_or(0)..].join("/");
        let mut source = source(&own, value, region.map(|at| parts[at]), how);
        if sources.iter().any(|other| other.name == source.name) {
            source.name = stem.to_string();
        }
        sources.push(source);
    }
    if sources.is_empty() {
        bail!(
            "there is no template below `{path}`: files that end in .json, .yaml, .yml or .template"
        );
    }
    at_home(&mut sources, how);
    // of templates that somebody else wrote, nobody knows which parameter is fed from which output
    if sources.iter().all(|one| one.body.get("Resources").is_some_and(is_ours)) {
        access::feed(&mut sources);
    }
    Ok(Content::State(Box::new(access::read(&sources))))
}

/// Whether lakewright compiled resources.
fn is_ours(resources: &Value) -> bool {
    let mut all = resources.as_map().into_iter().flat_map(Map::iter);
    all.any(|(_, one)| one.at(&["Metadata", "lakewright"]).is_some())
}

/// Templates whose account nobody says are of the one whose root their key policies name, where that is one: a key
/// without its account's root could not be administered
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>).
fn at_home(sources: &mut [Source<'_>], how: &How) {
    if how.account.is_some() {
        return;
    }
    // an account that is written out is not taken for that of the stack
    let texts: Vec<String> = sources.iter().map(|source| source.body.to_json()).collect();
    let mention = |word: &str| texts.iter().any(|text| text.contains(word));
    if mention(DUMMY_ACCOUNT) && mention("AWS::AccountId") {
        sources.iter_mut().for_each(|source| source.account = OTHER_ACCOUNT.to_owned());
    }
    let mut accounts = BTreeSet::new();
    for source in sources.iter() {
        let resources = source.body.get("Resources").and_then(Value::as_map);
        for (_, resource) in resources.into_iter().flat_map(Map::iter) {
            if resource.get("Type").and_then(Value::as_str) == Some("AWS::KMS::Key")
                && let Some(statements) = resource.at(&["Properties", "KeyPolicy", "Statement"])
            {
                // whoever is let in under conditions may be of another account
                let all = statements.as_list().unwrap_or(std::slice::from_ref(statements));
                // a key whose root is written as a reference says that the account is not known
                if all.iter().any(|one| one.to_json().contains("AWS::AccountId")) {
                    return;
                }
                let plain = all.iter().filter(|one| one.get("Condition").is_none());
                plain.for_each(|statement| roots(statement, &mut accounts));
            }
        }
    }
    if let (Some(account), None) = (accounts.pop_first(), accounts.pop_first()) {
        sources.iter_mut().for_each(|source| source.account.clone_from(&account));
    }
}

/// The accounts whose root a policy names by ARN.
fn roots(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Str(text) => {
            let rest = text.strip_prefix("arn:").and_then(|rest| rest.split_once(":iam::"));
            if let Some((account, "root")) = rest.and_then(|(_, rest)| rest.split_once(':')) {
                found.insert(account.to_owned());
            }
        }
        Value::List(list) => list.iter().for_each(|one| roots(one, found)),
        Value::Map(map) => map.iter().for_each(|(_, one)| roots(one, found)),
        _ => {}
    }
}

fn source(name: &str, body: Value, region: Option<&str>, how: &How) -> Source<'static> {
    Source {
        name: name.to_owned(),
        account: how.account.unwrap_or(DUMMY_ACCOUNT).to_owned(),
        region: how.region.or(region).unwrap_or(REGION).to_owned(),
        body: Cow::Owned(body),
        parameters: BTreeMap::new(),
        given: how.parameters.iter().cloned().collect(),
    }
}
