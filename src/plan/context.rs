//! What a plan needs to know beside the stacks: whose they are, where spec paths stand, what was agreed
//! to.
//!
//! In: names, places, consents. Out: [`Context`], handed to every phase of planning; causes with file
//! and line come from it.

use std::collections::BTreeMap;

use super::{Cause, Consent, Upload, name_of};
use crate::lake::{OptOut, Origins};
use crate::names::{AccountId, Region};
use crate::source::Sources;

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
            warnings: Vec::new(),
        }
    }

    /// A spec path with its file and line.
    pub fn cause(&self, path: &str) -> Cause {
        let place = self.places.and_then(|(origins, sources)| {
            let span = origins.find(path)?;
            Some((sources.get(span.file).name.clone(), sources.start(span).line))
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
