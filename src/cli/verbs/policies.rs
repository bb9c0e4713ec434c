//! `policies deployer`: the least that whoever deploys a lake has to be allowed. `policies show`, `policies list`: the
//! documents of the vocabulary, and why they permit what they do.

use anyhow::anyhow;
use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::commands::Spec;
use crate::cli::completed::Completed;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, Misuse, env, load, planning};
use crate::deployer::{self, NoPolicies, Policies, Purpose};
use crate::diagnostic::nearest;
use crate::policy::Library;
use crate::render::{self, vocabulary};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The least privilege to plan or apply this lake, scoped to what it is made of
    #[command(
        after_help = "Examples:\n  lakewright policies deployer --env prod --for plan\n  lakewright policies deployer --env prod --for boundary --out policies/    # first: roles carry it\n  lakewright policies deployer --env prod --for apply --json | jq '.policies[].document'"
    )]
    Deployer(Deployer),
    /// What one document of the vocabulary permits, why, and to whom it is given
    #[command(
        after_help = "Examples:\n  lakewright policies show s3-delete      # `lakewright policies list` prints the names\n  lakewright policies show bucket-read --json | jq .document > policies/bucket-read.json"
    )]
    Show(Show),
    /// The documents of the vocabulary: name, effect, layer, title
    #[command(
        after_help = "Examples:\n  lakewright policies list\n  lakewright policies list --json | jq -r '.documents[] | select(.effect == \"Deny\") | .name'"
    )]
    List,
}

#[derive(Debug, Args)]
struct Show {
    /// Its name, as `policies list` prints it.
    #[arg(value_parser = Completed(names), hide_possible_values = true)]
    name: String,
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
    let asked = match arguments.what {
        What::Deployer(asked) => asked,
        What::Show(asked) => return show(&asked.name, output),
        What::List => {
            let library = Library::built_in();
            match output.json {
                true => output.document(vocabulary::list_json(&library), Exit::Ok),
                false => output.data(&vocabulary::list_text(&library)),
            }
            return Ok(Exit::Ok);
        }
    };
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

/// The names of the documents.
fn names() -> Vec<String> {
    Library::built_in().names().into_iter().map(str::to_owned).collect()
}

fn show(name: &str, output: &Output) -> Ended {
    let library = Library::built_in();
    let document = library.get(name).ok_or_else(|| match nearest(name, library.names()) {
        Some(near) => Misuse(format!("no document is called `{name}`: did you mean `{near}`?")),
        None => Misuse(format!(
            "no document is called `{name}`: `lakewright policies list` prints them"
        )),
    })?;
    match output.json {
        true => output.document(vocabulary::json(document), Exit::Ok),
        false => output.data(&vocabulary::text(document)),
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
