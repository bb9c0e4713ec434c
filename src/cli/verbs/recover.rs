//! `recover`: stacks whose rollback is owed are taken back.

use clap::Args;

use crate::apply::{self, Unstick};
use crate::cli::commands::{Spec, Where};
use crate::cli::env::{self, SystemClock};
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, load, planning};
use crate::render::events;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    run: super::apply::RunArguments,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let observed = planning::observe(&ready, &arguments.place, &[], output)?;
    let environment = arguments.spec.env.as_deref();
    let tell = |event| match output.json {
        true => output.line(&events::json(&event)),
        false => output.progress(&events::text(&event).unwrap_or_default()),
    };
    let how = Unstick {
        clock: &SystemClock,
        observer: &tell,
        interrupt: env::interrupt_switch(),
        run: env::run_id(),
        command: planning::command("recover", &arguments.spec.file, environment, &arguments.place),
        host: env::host(),
        lock_timeout: arguments.run.lock_timeout,
    };
    let taken =
        apply::recover(&*observed.cloud, &observed.scope(&ready.lake), &observed.deployed, &how)
            .map_err(|found| output.stop(found, &ready.sources))?;
    if taken.is_empty() {
        output.data_unless_json("Nothing to recover: no stack is stuck.");
    }
    for (stack, status) in &taken {
        let status = status.map_or("gone".to_owned(), |status| status.to_string());
        output.data_unless_json(&format!("{stack}: {status}"));
    }
    Ok(Exit::Ok)
}
