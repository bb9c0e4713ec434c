//! What `apply` and `destroy` share: the question, the run, and what is said while it goes on.

use std::sync::Mutex;

use camino::Utf8Path;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;

use super::env::{self, SystemClock};
use super::load::SCRIPT_BYTES;
use super::output::Output;
use super::{Ended, Exit, Misuse, planning};
use crate::apply::{self, Event, Options, Outcome, Phase, State, What};
use crate::cloud::Cloud;
use crate::diagnostic::Diagnostics;
use crate::plan::{Operation, Plan, Upload};
use crate::render::events;
use crate::source::Sources;

/// How a run is asked for.
pub struct Request<'a> {
    pub plan: &'a Plan,
    pub cloud: &'a dyn Cloud,
    /// What the paths of uploads are relative to.
    pub folder: &'a Utf8Path,
    pub sources: &'a Sources,
    pub auto_approve: bool,
    pub lock_timeout: SignedDuration,
    pub break_lock: Option<String>,
    /// What was typed, without consents, and what shows the state.
    pub command: String,
    pub watch_command: String,
    pub recover_command: String,
}

/// Asks, carries the plan out, and says how it went.
pub fn run(request: &Request<'_>, output: &Output) -> Ended {
    let plan = request.plan;
    if output.json {
        stream_start(plan, output);
    }
    if !plan.refusals.is_empty() {
        return Ok(Exit::Error);
    }
    if plan.is_empty() {
        output.data_unless_json(nothing_to_do(plan.operation));
        return Ok(Exit::Ok);
    }
    if !request.auto_approve && !approved(plan.operation, output)? {
        output.progress("Nothing was done.");
        return Ok(Exit::Error);
    }
    let teller = Teller::new(output);
    let read_upload = |upload: &Upload| {
        env::within(request.folder, &request.folder.join(&upload.path), SCRIPT_BYTES)
            .map_err(|error| error.to_string())
    };
    let options = Options {
        clock: &SystemClock,
        run: env::run_id(),
        command: request.command.clone(),
        watch_command: request.watch_command.clone(),
        recover_command: request.recover_command.clone(),
        host: env::host(),
        lock_timeout: request.lock_timeout,
        break_lock: request.break_lock.clone(),
        interrupt: env::interrupt_switch(),
        read_upload: &read_upload,
    };
    let outcome = apply::apply(plan, request.cloud, &|event| teller.tell(&event), &options);
    teller.done();
    conclude(&outcome, request, output)
}

/// The line that says that nothing is to be done.
fn nothing_to_do(operation: Operation) -> &'static str {
    match operation {
        Operation::Apply => "No changes. Your infrastructure matches the configuration.",
        Operation::Destroy => "Nothing to destroy.",
    }
}

/// Asks for `yes`. Where nobody can answer, that is said before anything is done.
fn approved(operation: Operation, output: &Output) -> anyhow::Result<bool> {
    // Who reads JSON has not seen the plan that the question is about.
    if output.json || !env::can_ask() {
        return Err(Misuse(
            "nobody can be asked for approval here: say --auto-approve, or apply a saved plan with it"
                .to_owned(),
        )
        .into());
    }
    let question = match operation {
        Operation::Apply => {
            "\nDo you want to perform these actions?\n  lakewright will perform the actions described above.\n  Only 'yes' will be accepted to approve.\n\n  Enter a value: "
        }
        Operation::Destroy => {
            "\nDo you really want to destroy the lake?\n  There is no undo. Only 'yes' will be accepted to confirm.\n\n  Enter a value: "
        }
    };
    Ok(env::ask(question)? == "yes")
}

fn stream_start(plan: &Plan, output: &Output) {
    let now = jiff::Timestamp::now();
    for change in events::planned_changes(plan, now) {
        output.line(&change);
    }
    output.line(&events::planned_summary(plan, now));
    output.keep(&planning::refusals(plan), &Sources::default());
}

/// Says what happens: lines, and on a terminal a bar below them.
struct Teller<'a> {
    output: &'a Output,
    bar: Option<Mutex<ProgressBar>>,
}

impl<'a> Teller<'a> {
    fn new(output: &'a Output) -> Self {
        let live = !output.json && env::is_terminal();
        let bar = live.then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            Mutex::new(bar)
        });
        Teller { output, bar }
    }

    fn tell(&self, event: &Event) {
        if self.output.json {
            self.output.line(&events::json(event));
            return;
        }
        let Some(text) = events::text(event) else { return };
        match &self.bar {
            None if matches!(event.what, What::Summary(_)) => self.output.data(&text),
            None => self.output.progress(&text),
            Some(bar) => {
                let bar = bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                match &event.what {
                    // What only begins is shown in the bar; what has ended stays on the screen.
                    What::Resource(progress) if progress.phase == Phase::Started => {
                        bar.set_message(text)
                    }
                    What::Heartbeat { .. } => bar.set_message(text),
                    What::Summary(_) => bar.suspend(|| self.output.data(&text)),
                    _ => bar.suspend(|| self.output.progress(&text)),
                }
            }
        }
    }

    fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner).finish_and_clear();
        }
    }
}

/// Prints what is left to say, and turns the end into the exit status.
fn conclude(outcome: &Outcome, request: &Request<'_>, output: &Output) -> Ended {
    if !output.json {
        let mut found = Diagnostics::default();
        for one in &outcome.diagnostics {
            found.push(one.clone());
        }
        output.findings(&found, request.sources);
        if outcome.ended != apply::Ended::Done {
            output.report(&stacks(outcome));
        }
    }
    for next in &outcome.next {
        output.next(next);
    }
    Ok(Exit::of(outcome.ended))
}

/// The state of every stack after a run that did not come to its end, and what can be relied on.
fn stacks(outcome: &Outcome) -> String {
    let mut text = String::from("Stacks:");
    for report in &outcome.stacks {
        let sure = match report.state {
            State::Unchanged | State::NotStarted | State::Refused => String::new(),
            _ => format!(": {}", apply::guarantee(report.status)),
        };
        text += &format!("\n  {:<40} {}{sure}", report.key.to_string(), report.state.as_str());
    }
    text
}
