//! `status`: the stacks of a lake, and who is at work.

use clap::Args;

use crate::apply;
use crate::cli::commands::{Spec, Where};
use crate::cli::env::SystemClock;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, load, planning};
use crate::render::status as rendered;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    #[command(flatten)]
    place: Where,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let observed = planning::observe(&ready, &arguments.place, &[], output)?;
    let scope = observed.scope(&ready.lake);
    let status = apply::status(&*observed.cloud, &SystemClock, &scope, &observed.deployed)
        .map_err(|found| output.stop(found, &ready.sources))?;
    if output.json {
        output.document(rendered::json(&status), Exit::Ok);
    } else {
        let asked = &arguments.spec;
        let apply = planning::command("apply", &asked.file, asked.env.as_deref(), &arguments.place);
        output.data(&rendered::text(&status, &apply));
    }
    Ok(Exit::Ok)
}
