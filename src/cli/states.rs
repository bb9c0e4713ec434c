//! What `access` and `review` compare: states, by one grammar everywhere.
//!
//! ```text
//! lake.yaml          a spec, compiled          templates/   a folder of templates, all stacks of one state
//! git:REV[:PATH]     the same, as of a commit  plan:FILE    what is there once a saved plan is applied
//! deployed           the templates that CloudFormation holds
//! policy.json, stack.yaml, -                   a policy document or a template; `-` reads stdin
//! ```
//!
//! In: the word that was typed. Out: a [`Side`]: the state of access, or the policy documents, and what is needed to
//! speak of it (the spec and its lines). A file is what its content says that it is.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use camino::Utf8Path;

use super::commands::Where;
use super::load::{self, Ready, Root};
use super::output::Output;
use super::{Stop, env, planning};
use crate::access::{self, Source, State};
use crate::catalogue;
use crate::document::Value;
use crate::plan::{Deployed, file};
use crate::resolve::DUMMY_ACCOUNT;
use crate::stacks::{Placement, Stack};
use crate::syntax;

/// One side of a comparison.
pub struct Side {
    /// As it was typed.
    pub label: String,
    pub content: Content,
    /// The spec behind the state, where there is one: lines come from it.
    pub spec: Option<Box<Ready>>,
}

/// What a side holds.
pub enum Content {
    State(Box<State>),
    /// Policy documents that stand alone.
    Policies(Vec<Value>),
}

/// How a state is read.
#[derive(Debug, Clone)]
pub struct How<'a> {
    /// The environment of specs.
    pub environment: Option<&'a str>,
    /// The spec that `git:REV` without a path, and `deployed`, mean.
    pub file: &'a Utf8Path,
    /// The account that templates of a folder are for, where the templates do not say.
    pub account: Option<&'a str>,
    /// Their region.
    pub region: Option<&'a str>,
    pub place: &'a Where,
}

/// The region that templates are taken to be for where nobody says: AWS's own example.
const REGION: &str = "us-east-1";

/// Reads a state.
pub fn read(word: &str, how: &How, output: &Output) -> Result<Side, Stop> {
    let (content, spec) = match word.split_once(':') {
        _ if word == "deployed" => deployed(how, output)?,
        Some(("git", revision)) => {
            let (revision, path) = match revision.split_once(':') {
                Some((revision, path)) => (revision, Utf8Path::new(path)),
                None => (revision, how.file),
            };
            at(&Root::revision(path, revision)?, path, how, output)?
        }
        Some(("plan", path)) => (planned(Utf8Path::new(path))?, None),
        _ => {
            let path = Utf8Path::new(word);
            at(&Root::Here, path, how, output)?
        }
    };
    Ok(Side { label: word.to_owned(), content, spec })
}

type Found = (Content, Option<Box<Ready>>);

fn at(root: &Root, path: &Utf8Path, how: &How, output: &Output) -> Result<Found, Stop> {
    if path != "-" && root.is_folder(path) {
        return Ok((folder(root, path, how)?, None));
    }
    let bytes = root.read(path).map_err(|error| {
        error.context(format!(
            "`{path}` is no state: name a spec, a template, a policy, a folder of templates, `git:REV`, `plan:FILE` or `deployed`"
        ))
    })?;
    let text = syntax::decode(bytes.clone());
    if let Ok(value) = syntax::template(&text) {
        if value.get("Statement").is_some() {
            return Ok((Content::Policies(vec![value]), None));
        }
        if value.get("Resources").is_some() {
            let source = source("template", value, None, how);
            return Ok((Content::State(Box::new(access::read(&[source]))), None));
        }
        if file::is_plan(&text) {
            return Ok((planned(path)?, None));
        }
    }
    let ready = load::read_from(root, path, bytes).ready(how.environment, output)?;
    let compiled = ready.compile(&Placement::default(), output)?;
    let state = of_stacks(&ready, &compiled.stacks);
    Ok((Content::State(Box::new(state)), Some(Box::new(ready))))
}

/// The state that a compiled spec describes.
pub fn of_stacks(ready: &Ready, stacks: &[Stack]) -> State {
    let account = ready.lake.home.account.to_string();
    let sources: Vec<Source> = stacks
        .iter()
        .map(|stack| Source {
            name: name(stack.key.region.as_str(), stack.key.name.as_str()),
            account: account.clone(),
            region: stack.key.region.to_string(),
            body: stack.template.clone(),
            parameters: stack
                .parameters
                .iter()
                .map(|(parameter, from)| {
                    let other = name(from.stack.region.as_str(), from.stack.name.as_str());
                    (parameter.clone(), (other, from.output.clone()))
                })
                .collect(),
        })
        .collect();
    access::read(&sources)
}

/// The state of what is deployed.
pub fn of_deployed(account: &str, deployed: &Deployed) -> State {
    let sources: Vec<Source> = deployed
        .stacks
        .iter()
        .map(|(key, stack)| Source {
            name: name(key.region.as_str(), key.name.as_str()),
            account: account.to_owned(),
            region: key.region.to_string(),
            body: stack.template.clone(),
            parameters: BTreeMap::new(),
        })
        .collect();
    access::read(&fed(sources))
}

fn name(region: &str, stack: &str) -> String {
    format!("{region}/{stack}")
}

fn deployed(how: &How, output: &Output) -> Result<Found, Stop> {
    let ready = load::read(how.file)?.ready(how.environment, output)?;
    let observed = planning::observe(&ready, how.place, &[], output)?;
    let state = of_deployed(ready.lake.home.account.as_str(), &observed.deployed);
    Ok((Content::State(Box::new(state)), Some(Box::new(ready))))
}

fn planned(path: &Utf8Path) -> anyhow::Result<Content> {
    let text = String::from_utf8_lossy(&env::read(path)?).into_owned();
    let plan = file::read(&text).map_err(|error| anyhow!("{}: `{path}`: {error}", error.code()))?;
    let sources =
        plan.stacks.iter().filter(|stack| stack.template != Value::Null).map(|stack| Source {
            name: name(stack.key.region.as_str(), stack.key.name.as_str()),
            account: plan.account.to_string(),
            region: stack.key.region.to_string(),
            body: stack.template.clone(),
            parameters: stack
                .parameters
                .iter()
                .map(|(parameter, from)| {
                    let other = name(from.stack.region.as_str(), from.stack.name.as_str());
                    (parameter.clone(), (other, from.output.clone()))
                })
                .collect(),
        });
    Ok(Content::State(Box::new(access::read(&sources.collect::<Vec<_>>()))))
}

/// Every template below a folder. A folder that is called after a region says where its templates belong, as
/// `compile --out` writes them.
fn folder(root: &Root, path: &Utf8Path, how: &How) -> anyhow::Result<Content> {
    let mut sources = Vec::new();
    for file in root.files_below(path)? {
        let below = file.strip_prefix(path).unwrap_or(&file).to_owned();
        let known = matches!(below.extension(), Some("json" | "yaml" | "yml" | "template"));
        if !known || below.components().any(|part| part.as_str() == "handover") {
            continue;
        }
        let text = syntax::decode(root.read(&file)?);
        let value = syntax::template(&text).with_context(|| format!("`{file}`"))?;
        if value.get("Resources").is_none() {
            continue;
        }
        let name = below.with_extension("");
        let region = name.components().find_map(|part| catalogue::region(part.as_str()));
        sources.push(source(name.as_str(), value, region.map(|region| region.name), how));
    }
    if sources.is_empty() {
        bail!(
            "there is no template below `{path}`: files that end in .json, .yaml, .yml or .template"
        );
    }
    Ok(Content::State(Box::new(access::read(&fed(sources)))))
}

fn source(name: &str, body: Value, region: Option<&str>, how: &How) -> Source {
    Source {
        name: name.to_owned(),
        account: how.account.unwrap_or(DUMMY_ACCOUNT).to_owned(),
        region: how.region.or(region).unwrap_or(REGION).to_owned(),
        body,
        parameters: BTreeMap::new(),
    }
}

/// Connects parameters with the outputs that lakewright feeds them from: of the same name, in one other template.
fn fed(mut sources: Vec<Source>) -> Vec<Source> {
    let mut outputs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in &sources {
        if let Some(map) = source.body.get("Outputs").and_then(Value::as_map) {
            map.iter().for_each(|(output, _)| {
                outputs.entry(output.to_owned()).or_default().push(source.name.clone());
            });
        }
    }
    for source in &mut sources {
        let Some(parameters) = source.body.get("Parameters").and_then(Value::as_map) else {
            continue;
        };
        let fed = parameters.iter().filter_map(|(name, definition)| {
            let [from] = outputs.get(name)?.as_slice() else { return None };
            let ours = *from != source.name && definition.get("Default").is_none();
            ours.then(|| (name.to_owned(), (from.clone(), name.to_owned())))
        });
        source.parameters = fed.collect();
    }
    sources
}
