//! `apply`: a spec, or a saved plan, carried out.

use camino::Utf8PathBuf;
use clap::Args;
use jiff::SignedDuration;

use crate::cli::commands::Where;
use crate::cli::env;
use crate::cli::load::{self, Ready};
use crate::cli::output::Output;
use crate::cli::planning::{self, Format, Observed};
use crate::cli::running::{self, Request};
use crate::cli::{Ended, Exit, Misuse};
use crate::plan::{Plan, file};
use crate::spec::words::Duration;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// The spec, or a plan that `plan --out` saved.
    #[arg(value_name = "FILE", default_value = "lake.yaml")]
    file: Utf8PathBuf,
    /// The environment; needed where the spec has several.
    #[arg(long, env = "LAKEWRIGHT_ENV", value_name = "NAME")]
    env: Option<String>,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    run: RunArguments,
    /// Consent to the deletion or replacement of a thing that holds data, such as `raw`.
    #[arg(long, value_name = "NAME")]
    allow_destroy: Vec<String>,
    /// Consent to the deletion of everything in a bucket.
    #[arg(long, value_name = "NAME")]
    empty: Vec<String>,
    /// Do not take back a thing that was kept and is gone or another's now; it is made anew.
    #[arg(long, value_name = "NAME")]
    forget: Vec<String>,
    /// For a saved plan: the spec that it was made of, for the scripts beside it.
    #[arg(long, value_name = "FILE", default_value = "lake.yaml")]
    spec: Utf8PathBuf,
}

/// How a plan is carried out.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// Do not ask.
    #[arg(long)]
    pub auto_approve: bool,
    /// How long to wait while another run holds the lock, such as `3m`.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    pub lock_timeout: SignedDuration,
    /// Take over the lock of this id, whose holder is gone.
    #[arg(long, value_name = "ID")]
    pub break_lock: Option<String>,
}

impl RunArguments {
    /// The flag that is typed again with the command.
    pub fn flags(&self) -> &'static str {
        if self.auto_approve { " --auto-approve" } else { "" }
    }
}

/// Reads a duration of the spec's grammar, or `0s`.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    if text == "0s" {
        return Ok(SignedDuration::ZERO);
    }
    Duration::parse(text).map(|duration| SignedDuration::from_secs(duration.seconds()))
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let is_spec =
        matches!(arguments.file.extension(), Some("yaml" | "yml")) || arguments.file == "-";
    if is_spec {
        return spec(&arguments, output);
    }
    let text =
        String::from_utf8_lossy(&env::named(&arguments.file, planning::NO_PLAN)?).into_owned();
    match file::is_plan(&text) {
        true => saved(&arguments, &text, output),
        false => spec(&arguments, output),
    }
}

/// Plans, asks and applies in one go.
fn spec(arguments: &Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.file)?.ready(arguments.env.as_deref(), output)?;
    let mut observed = planning::observe(&ready, &arguments.place, &arguments.forget, output)?;
    planning::settle(&ready, &mut observed, &command("apply", arguments), output)?;
    let consents = planning::consents(&arguments.allow_destroy, &arguments.empty);
    let plan = planning::plan(&ready, &mut observed, consents, output)?;
    if !output.json {
        planning::print(&plan, Format::Text, false, Exit::Ok, output);
    }
    carry_out(arguments, &ready, &observed, &plan, false, output)
}

/// Applies exactly what was planned, or refuses.
fn saved(arguments: &Arguments, text: &str, output: &Output) -> Ended {
    let plan = planning::saved(&arguments.file, text, output)?;
    let Arguments { allow_destroy, empty, forget, .. } = arguments;
    if [allow_destroy, empty, forget].iter().any(|given| !given.is_empty()) {
        let told = "a saved plan holds its consents: give them to `plan --out`";
        return Err(Misuse(told.to_owned()).into());
    }
    let ready = load::read(&arguments.spec)?.ready(Some(&plan.environment), output)?;
    if ready.lake.naming.lake_id() != plan.lake {
        return Err(Misuse(format!(
            "`{}` is a plan of the lake `{}`, and `{}` is the lake `{}` (name its spec with --spec)",
            arguments.file,
            plan.lake,
            arguments.spec,
            ready.lake.naming.lake_id()
        ))
        .into());
    }
    let observed = planning::observe(&ready, &arguments.place, &[], output)?;
    // A plan that was saved was read and approved where it was made. Once a part of it is carried
    // out it is stale: what goes on from there is the spec.
    let onwards = Arguments {
        file: arguments.spec.clone(),
        env: Some(plan.environment.clone()),
        ..arguments.clone()
    };
    carry_out(&onwards, &ready, &observed, &plan, true, output)
}

fn carry_out(
    arguments: &Arguments,
    ready: &Ready,
    observed: &Observed,
    plan: &Plan,
    approved: bool,
    output: &Output,
) -> Ended {
    let request = Request {
        plan,
        cloud: &*observed.cloud,
        folder: &ready.folder,
        sources: &ready.sources,
        auto_approve: approved || arguments.run.auto_approve,
        lock_timeout: arguments.run.lock_timeout,
        break_lock: arguments.run.break_lock.clone(),
        command: again(arguments),
        watch_command: command("status", arguments),
        recover_command: command("recover", arguments),
    };
    running::run(&request, output)
}

/// What to type again; the consents come from the plan.
fn again(arguments: &Arguments) -> String {
    let forget = planning::flags("--forget", &arguments.forget);
    command("apply", arguments) + &forget + arguments.run.flags()
}

/// Another verb for the same lake.
fn command(verb: &str, arguments: &Arguments) -> String {
    planning::command(verb, &arguments.file, arguments.env.as_deref(), &arguments.place)
}
