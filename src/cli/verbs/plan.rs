//! `plan`: what would happen, and why.

use std::sync::atomic::Ordering;

use camino::Utf8PathBuf;
use clap::Args;

use crate::apply::{self, Asking, Verdict};
use crate::cli::commands::{Spec, Where};
use crate::cli::env::SystemClock;
use crate::cli::load::{self, Ready};
use crate::cli::output::Output;
use crate::cli::planning::{self, Format, Observed};
use crate::cli::{Ended, Exit, Stop, env};
use crate::plan::{self, Consent, Deployed, Plan};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    #[command(flatten)]
    place: Where,
    /// Save the plan, so that `apply` does exactly this or nothing.
    #[arg(short, long, value_name = "PLAN")]
    out: Option<Utf8PathBuf>,
    /// Exit 2 if there are changes, 0 if there are none.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan against nothing, without credentials.
    #[arg(long, conflicts_with_all = ["against", "sandbox", "change_sets"])]
    offline: bool,
    /// Plan against rendered templates, without credentials.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["sandbox", "change_sets"])]
    against: Option<Utf8PathBuf>,
    /// Ask CloudFormation too, by change sets that are deleted again, and show where it differs.
    #[arg(long)]
    change_sets: bool,
    /// Plan the destruction of the lake.
    #[arg(long)]
    destroy: bool,
    /// Consent to the deletion or replacement of a thing that holds data, such as `raw`.
    #[arg(long, value_name = "NAME")]
    allow_destroy: Vec<String>,
    /// Consent to the deletion of everything in a bucket.
    #[arg(long, value_name = "NAME")]
    empty: Vec<String>,
    /// Do not take back a thing that was kept and is gone or another's now; it is made anew.
    #[arg(long, value_name = "NAME")]
    forget: Vec<String>,
    /// Write Markdown for a comment on a pull request.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// With --markdown: at most this many bytes.
    #[arg(long, value_name = "N", default_value_t = 60_000, requires = "markdown")]
    max_bytes: usize,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let consents = planning::consents(&arguments.allow_destroy, &arguments.empty);
    let plan = match &arguments.against {
        Some(folder) => {
            let deployed = Deployed::from_templates(planning::templates(folder)?);
            without_cloud(&ready, &deployed, consents, arguments.destroy, output)?
        }
        None if arguments.offline => {
            without_cloud(&ready, &Deployed::default(), consents, arguments.destroy, output)?
        }
        None => {
            let mut observed =
                planning::observe(&ready, &arguments.place, &arguments.forget, output)?;
            let mut plan = match arguments.destroy {
                true => planning::destruction(&ready, &mut observed, consents, output)?,
                false => planning::plan(&ready, &mut observed, consents, output)?,
            };
            if arguments.change_sets {
                let said = asked(&plan, &observed, output)?;
                plan.warnings.extend(said);
            }
            plan
        }
    };
    let format = match arguments.markdown {
        true => Format::Markdown { most: arguments.max_bytes },
        false => Format::Text,
    };
    if let Some(path) = &arguments.out {
        env::write(path, plan::file::write(&plan).as_bytes())?;
    }
    let exit = planning::ended(&plan, arguments.detailed_exitcode);
    let unsaved = arguments.out.is_none() && !arguments.offline;
    planning::print(&plan, format, unsaved, exit, output);
    if let Some(path) = &arguments.out {
        output.progress(&format!(
            "\nSaved the plan. To carry out exactly this: lakewright apply {path}"
        ));
    }
    // The process ends here, and gives a million small values back at once.
    std::mem::forget((plan, ready));
    Ok(exit)
}

/// A plan against what was given, without credentials.
fn without_cloud(
    ready: &Ready,
    deployed: &Deployed,
    consents: Vec<Consent>,
    destroy: bool,
    output: &Output,
) -> Result<Plan, Stop> {
    let context = planning::context(ready, consents);
    if destroy {
        return Ok(plan::destroy(deployed, &context));
    }
    let compiled = ready.compile(&deployed.placement(), output)?;
    Ok(plan::plan(compiled.stacks, deployed, &context))
}

/// What CloudFormation says of the plan, where it is not the same.
fn asked(plan: &Plan, observed: &Observed, output: &Output) -> Result<Vec<String>, Stop> {
    let interrupt = env::interrupt_switch();
    let how = Asking {
        clock: &SystemClock,
        run: env::run_id(),
        interrupt,
        tell: &|stack| output.progress(&format!("Asking CloudFormation about stack {stack}")),
    };
    let answers = apply::ask(&*observed.cloud, plan, &observed.deployed, &how);
    if interrupt.load(Ordering::SeqCst) {
        output.report("Interrupted: the change sets that were made are deleted again.");
        return Err(Stop::Said(Exit::Interrupted));
    }
    let mut said = Vec::new();
    for answer in answers {
        let stack = answer.stack;
        match answer.verdict {
            Verdict::Agrees => {
                output.progress(&format!("CloudFormation says the same of stack {stack}"));
            }
            Verdict::Differs(surprises) => said.extend(
                surprises
                    .iter()
                    .map(|one| format!("CloudFormation differs on stack {stack}: {one}")),
            ),
            Verdict::Refuses(reason) => {
                said.push(format!("CloudFormation refuses the change of stack {stack}: {reason}"));
            }
            Verdict::NotAsked(reason) => {
                said.push(format!("CloudFormation was not asked about stack {stack}: {reason}"));
            }
        }
    }
    Ok(said)
}
