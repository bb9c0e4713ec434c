//! What `plan`, `apply` and `destroy` share: the context of a plan, rendered templates as what is
//! deployed, and printing.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use camino::Utf8Path;

use super::load::{Loaded, Ready};
use super::output::Output;
use super::{Exit, Stop, env};
use crate::document::Value;
use crate::lake::Lake;
use crate::lower::script_key;
use crate::names::{Region, StackName};
use crate::plan::{Consent, Context, Plan, Upload};
use crate::render;
use crate::stacks::{Placement, Stack, StackKey};

/// What a plan has to know beside the stacks and what is deployed.
pub fn context<'a>(ready: &'a Ready, consents: Vec<Consent>) -> Context<'a> {
    let lake = &ready.lake;
    let home = &lake.home;
    let role = home.execution_role.as_ref().and_then(|at| match &at.value {
        crate::spec::reference::Principal::Role { account, name } => {
            Some(home.iam_arn(account.as_ref(), "role", name))
        }
        _ => None,
    });
    Context {
        base_buckets: base_buckets(lake),
        places: Some((&ready.origins, &ready.sources)),
        consents,
        execution_role: role,
        uploads: uploads(ready),
        opt_outs: lake.opt_outs.clone(),
        ..Context::new(
            &lake.naming.lake_id(),
            home.environment.as_str(),
            home.account.clone(),
            home.region.clone(),
        )
    }
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

/// Prints a plan: to people on stdout, or as JSON or Markdown.
pub fn print(plan: &Plan, format: Format, unsaved: bool, output: &Output) {
    match format {
        _ if output.json => output.json(&render::plan::json(plan)),
        Format::Markdown { most } => output.data(&render::plan::markdown(plan, most)),
        Format::Text => {
            let view = render::plan::View {
                color: output.color_data,
                width: env::width(),
                note_unsaved: unsaved && env::variable("LAKEWRIGHT_IN_AUTOMATION").is_none(),
            };
            output.data(&render::plan::text(plan, &view));
        }
    }
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

/// What was read of a cloud, and the cloud.
pub struct Observed {
    pub deployed: crate::plan::Deployed,
}

/// Reads what is deployed.
pub fn observe(
    _ready: &Ready,
    _place: &super::commands::Where,
    _output: &Output,
) -> Result<Observed, Stop> {
    Ok(Observed { deployed: crate::plan::Deployed::default() })
}
