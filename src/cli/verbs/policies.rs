//! `policies deployer`: the least that whoever deploys a lake has to be allowed.

use anyhow::anyhow;
use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::commands::Spec;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, env, load, planning};
use crate::deployer::{self, NoPolicies, Policies, Purpose};
use crate::render;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The least privilege to plan or apply this lake, scoped to what it is made of
    Deployer(Deployer),
}

#[derive(Debug, Args)]
struct Deployer {
    #[command(flatten)]
    spec: Spec,
    /// What the holder does.
    #[arg(long = "for", value_enum, value_name = "PURPOSE")]
    purpose: For,
    /// Write each policy to DIR/NAME.json.
    #[arg(long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    /// plan, status, output and drift.
    Plan,
    /// The same, and plan --change-sets.
    ChangeSets,
    /// apply, destroy and recover too; not --empty, which deletes objects.
    Apply,
    /// The permissions boundary of the roles that the lake makes.
    Boundary,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let What::Deployer(asked) = arguments.what;
    let loaded = load::read(&asked.spec.file)?;
    let (ready, stacks) = planning::compiled(loaded, asked.spec.env.as_deref(), output)?;
    let purpose = match asked.purpose {
        For::Plan => Purpose::Plan,
        For::ChangeSets => Purpose::ChangeSets,
        For::Apply => Purpose::Apply,
        For::Boundary => Purpose::Boundary,
    };
    let base: Vec<String> = planning::base_buckets(&ready.lake).into_values().collect();
    let made = deployer::policies(&ready.lake, &stacks, &base, &ready.library, purpose);
    let made = made.map_err(|error| match error {
        NoPolicies::NoBoundary => anyhow!(
            "environment `{0}` names no permissions boundary, so whoever applies could make a role that may do anything: write `permissions_boundary: policy/{1}-boundary` for `{0}`, and make that policy of `lakewright policies deployer --for boundary`",
            ready.lake.home.environment,
            ready.lake.naming.lake_id(),
        ),
        NoPolicies::TooLarge(error) => anyhow!(
            "{error}: IAM takes no larger ones; give whoever deploys an execution role, or divide the lake"
        ),
    })?;
    match &asked.out {
        Some(folder) => write(&made, folder, output)?,
        None if output.json => output.document(render::deployer::json(&made), Exit::Ok),
        None => output.data(&render::deployer::text(&made)),
    }
    Ok(Exit::Ok)
}

fn write(made: &Policies, folder: &Utf8PathBuf, output: &Output) -> anyhow::Result<()> {
    for policy in &made.policies {
        let path = folder.join(format!("{}.json", policy.name));
        env::write(&path, format!("{}\n", policy.document.to_json_pretty()).as_bytes())?;
        output.progress(&format!("Wrote {path} ({})", policy.holder));
    }
    match output.json {
        true => output.document(render::deployer::json(made), Exit::Ok),
        false => output.data(&format!("{}\n", made.reaches)),
    }
    Ok(())
}
