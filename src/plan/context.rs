//! What a plan needs to know beside the stacks: whose they are, where spec paths stand, what was agreed
//! to.
//!
//! In: names, places, consents. Out: [`Context`], handed to every phase of planning; causes with file
//! and line come from it.

use std::collections::{BTreeMap, BTreeSet};

use super::resource::path_of;
use super::state::refusal;
use super::{Cause, Consent, Deployed, Refusal, SpecFile, Upload, name_of};
use crate::diagnostic::{LW0614, nearest};
use crate::document::{Map, Value};
use crate::lake::{OptOut, Origins};
use crate::names::{AccountId, Region};
use crate::review::lockout::Keeper;
use crate::source::Sources;

/// Names that are listed where one is unknown.
const NAMED: usize = 12;

/// What else a plan needs to know.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// [`crate::lake::Naming::lake_id`].
    pub lake: String,
    pub environment: String,
    pub account: AccountId,
    /// The lake's home region.
    pub region: Region,
    pub base_buckets: BTreeMap<Region, String>,
    /// Where spec paths stand; without it causes have no lines.
    pub places: Option<(&'a Origins, &'a Sources)>,
    /// The consents that were given, by name (`raw`) or path (`buckets.raw`).
    pub consents: Vec<Consent>,
    pub execution_role: Option<String>,
    pub uploads: Vec<Upload>,
    /// See [`crate::lake::Lake::opt_outs`].
    pub opt_outs: Vec<OptOut>,
    /// Who has to be able to take the change back; nobody: it is not asked.
    pub keepers: Vec<Keeper>,
    pub warnings: Vec<String>,
}

impl<'a> Context<'a> {
    /// A context with nothing but the names.
    pub fn new(lake: &str, environment: &str, account: AccountId, region: Region) -> Self {
        Context {
            lake: lake.to_owned(),
            environment: environment.to_owned(),
            account,
            region,
            base_buckets: BTreeMap::new(),
            places: None,
            consents: Vec::new(),
            execution_role: None,
            uploads: Vec::new(),
            opt_outs: Vec::new(),
            keepers: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// A spec path with its file and line.
    pub fn cause(&self, path: &str) -> Cause {
        match self.places {
            Some((origins, sources)) => Cause::at(path, origins, sources),
            None => Cause { path: path.to_owned(), ..Cause::default() },
        }
    }

    /// The spec, for the plan to carry.
    pub(super) fn spec(&self) -> Option<SpecFile> {
        let (_, sources) = self.places?;
        let file = sources.first()?;
        Some(SpecFile { name: file.name.clone(), text: file.text.clone() })
    }
}

impl Cause {
    /// A spec path with the file and line where the longest part of it stands.
    pub fn at(path: &str, origins: &Origins, sources: &Sources) -> Cause {
        let place = origins.find(path).map(|span| {
            let file = sources.get(span.file);
            (file.name.clone(), sources.start(span).line)
        });
        let (file, line) = place.unzip();
        Cause { path: path.to_owned(), file, line }
    }
}

pub(super) fn opt_outs(context: &Context) -> Vec<String> {
    let line = |out: &OptOut| {
        let cause = context.cause(&out.path);
        match (&cause.file, cause.line) {
            (Some(file), Some(line)) => format!("{} ({file}:{line})", out.what),
            _ => format!("{} ({})", out.what, out.path),
        }
    };
    context.opt_outs.iter().map(line).collect()
}

/// Refuses consents for what is neither in the spec nor in the cloud.
pub(super) fn unknown<'a>(
    context: &'a Context,
    deployed: &'a Deployed,
    desired: impl Iterator<Item = &'a Value>,
) -> Vec<Refusal> {
    if context.consents.is_empty() {
        return Vec::new();
    }
    let mut things: BTreeSet<&str> = BTreeSet::new();
    for template in deployed.stacks.values().map(|stack| &stack.template).chain(desired) {
        let resources = template.get("Resources").and_then(Value::as_map);
        things.extend(resources.into_iter().flat_map(Map::iter).map(|(_, it)| path_of(it)));
    }
    things.extend(deployed.kept.iter().map(|kept| kept.path.as_str()));
    let in_spec = |path: &String| context.places.is_some_and(|(origins, _)| origins.has(path));
    let refused = |consent: &Consent| {
        let (flag, name, kind) = match consent {
            Consent::Destroy(name) => ("--allow-destroy", name, "thing"),
            Consent::Empty(name) => ("--empty", name, "bucket"),
        };
        let fit = things.iter().filter(|path| kind == "thing" || has_bucket(path));
        let names: BTreeSet<String> =
            fit.clone().map(|path| name_of(path)).filter(|name| !name.is_empty()).collect();
        let deployed = names.contains(name) || fit.clone().any(|path| path == name);
        if deployed || paths_of(name, kind == "bucket").iter().any(in_spec) {
            return None;
        }
        let all = || names.iter().map(String::as_str);
        let near = nearest(name, all()).map(|near| format!("did you mean `{near}`?"));
        let list = || {
            let some: Vec<&str> = all().take(NAMED).collect();
            let more = names.len().saturating_sub(NAMED);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            (!some.is_empty()).then(|| format!("there is: {}{rest}", some.join(", ")))
        };
        let gone = "what is gone already needs no consent: leave it out".to_owned();
        Some(refusal(
            LW0614,
            format!("{flag} {name}: no {kind} in the spec or in the cloud is called `{name}`"),
            near.or_else(list).into_iter().chain([gone]).collect(),
        ))
    };
    context.consents.iter().filter_map(refused).collect()
}

/// Whether the thing at a path has a bucket: one itself, or a workgroup with its results.
fn has_bucket(path: &str) -> bool {
    path.starts_with("buckets.") || path.starts_with("analytics.")
}

/// The spec paths that a name may mean: the other way round from [`name_of`].
fn paths_of(name: &str, bucket: bool) -> Vec<String> {
    let kinds = ["buckets", "keys", "databases", "sources", "pipelines"];
    let kinds = if bucket { &kinds[..1] } else { &kinds[..] };
    let first = name.split('.').next().unwrap_or_default();
    if first != name && (kinds.contains(&first) || first == "analytics") {
        return vec![name.to_owned()];
    }
    let table = name.split_once('.').filter(|_| !bucket);
    let table = table.map(|(database, table)| format!("databases.{database}.tables.{table}"));
    let named = kinds.iter().filter(|kind| **kind != "keys");
    let engine = (first == "athena").then(|| format!("analytics.{name}"));
    named.map(|kind| format!("{kind}.{name}")).chain(table).chain(engine).collect()
}

/// Consents that were given and that nothing needs.
pub(super) fn unused(context: &Context, used: &[Consent]) -> Vec<String> {
    let same = |given: &Consent, used: &Consent| match (given, used) {
        (Consent::Destroy(name), Consent::Destroy(path))
        | (Consent::Empty(name), Consent::Empty(path)) => name == path || *name == name_of(path),
        _ => false,
    };
    let idle = context.consents.iter().filter(|given| !used.iter().any(|used| same(given, used)));
    idle.map(|given| match given {
        Consent::Destroy(name) => {
            format!(
                "--allow-destroy {name} allows nothing: nothing of that name is deleted or replaced"
            )
        }
        Consent::Empty(name) => {
            format!(
                "--empty {name} empties nothing: no bucket of that name with objects is deleted"
            )
        }
    })
    .collect()
}
