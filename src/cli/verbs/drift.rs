//! `drift`: where the account is not what was deployed.

use clap::Args;

use crate::cli::commands::{Spec, Where};
use crate::cli::env::SystemClock;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, load, planning};
use crate::drift;
use crate::render;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    #[command(flatten)]
    place: Where,
    /// Exit 2 if something has drifted.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let observed = planning::observe(&ready, &arguments.place, &[], output)?;
    output.progress("Detecting drift ...");
    let report =
        drift::detect(&*observed.cloud, &SystemClock, &ready.lake.home.account, &observed.deployed)
            .map_err(|found| output.stop(found, &ready.sources))?;
    let drifted = report.drifted().next().is_some();
    let exit = if drifted && arguments.detailed_exitcode { Exit::Changes } else { Exit::Ok };
    if output.json {
        output.document(render::drift::json(&report), exit);
    } else {
        output.data(&render::drift::text(&report));
    }
    Ok(exit)
}
