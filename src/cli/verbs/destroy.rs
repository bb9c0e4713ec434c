//! `destroy`: the stacks go; what holds data stays, unless two consents say otherwise.

use clap::Args;

use super::apply::RunArguments;
use crate::cli::commands::{Spec, Where};
use crate::cli::load;
use crate::cli::output::Output;
use crate::cli::planning::{self, Format};
use crate::cli::running::{self, Request};
use crate::cli::{Ended, Exit};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    run: RunArguments,
    /// Consent to the deletion of a thing that holds data and is deployed with `protect: false`.
    #[arg(long, value_name = "NAME")]
    allow_destroy: Vec<String>,
    /// Consent to the deletion of everything in a bucket.
    #[arg(long, value_name = "NAME")]
    empty: Vec<String>,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let command = |verb: &str| {
        let environment = arguments.spec.env.as_deref();
        planning::command(verb, &arguments.spec.file, environment, &arguments.place)
    };
    let mut observed = planning::observe(&ready, &arguments.place, &[], output)?;
    planning::settle(&ready, &mut observed, &command("destroy"), output)?;
    let consents = planning::consents(&arguments.allow_destroy, &arguments.empty);
    let plan = planning::destruction(&ready, &mut observed, consents, output)?;
    if !output.json {
        planning::print(&plan, Format::Text, false, Exit::Ok, output);
    }
    let request = Request {
        plan: &plan,
        cloud: &*observed.cloud,
        folder: &ready.folder,
        sources: &ready.sources,
        auto_approve: arguments.run.auto_approve,
        lock_timeout: arguments.run.lock_timeout,
        break_lock: arguments.run.break_lock.clone(),
        command: command("destroy") + arguments.run.flags(),
        watch_command: command("status"),
        recover_command: command("recover"),
    };
    running::run(&request, output)
}
