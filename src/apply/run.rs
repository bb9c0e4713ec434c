//! A plan carried out, from the guard to the summary.
//!
//! In: a [`Plan`] and a [`Cloud`]. Out: events while it goes on, and the [`Outcome`]. The order: the
//! account, what the plan saw, the lock, what the plan saw once more, the index, files, stacks in the
//! order of their dependencies, deletions, the index. INVARIANT: nothing is decided here; before the
//! lock is taken nothing is changed but the stack whose bucket holds it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::broken::Broken;
use super::clock::{Clock, seconds_between};
use super::ending::Early;
use super::event::{Event, What};
use super::index::Index;
use super::lock::{self, Lease, LockInfo, NotTaken, Released, Wish};
use super::message::{self, explain, failed_stack, first_cause};
use super::outcome::{Ended, Outcome, StackReport, State, is_clean};
use super::step::Done;
use super::tally::Tally;
use super::watcher::Watcher;
use crate::cloud::{
    BucketAddress, Caller, Cloud, CloudError, ObjectAddress, Stack, StackAddress, StackStatus,
};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::graph::Part;
use crate::names::{BucketName, Region};
use crate::plan::{Consent, Operation, Plan, StackAction, StackPlan, Upload};
use crate::stacks::StackKey;

/// What a run needs beside the plan.
pub struct Options<'a> {
    pub clock: &'a dyn Clock,
    /// Names this run: letters, digits and hyphens, at most 40, never used before. Idempotency
    /// tokens and the names of change sets begin with it.
    pub run: String,
    /// What the person typed, to be typed again: `lakewright apply lake.yaml --env prod`. The consents
    /// come from the plan: those that are used up are no longer asked for.
    pub command: String,
    /// What shows the lake's stacks: `lakewright status lake.yaml --env prod`.
    pub watch_command: String,
    /// What takes back stacks that are stuck: `lakewright recover lake.yaml --env prod`.
    pub recover_command: String,
    /// The machine or the CI run, for the lock.
    pub host: Option<String>,
    /// How long to wait for another run's lock.
    pub lock_timeout: SignedDuration,
    /// The id of a lock to take over although its lease goes on.
    pub break_lock: Option<String>,
    /// Set by the first Ctrl-C.
    pub interrupt: &'a AtomicBool,
    /// The content of a file that the plan uploads, or why it cannot be had.
    pub read_upload: &'a (dyn Fn(&Upload) -> Result<Vec<u8>, String> + Sync),
}

/// Carries out a plan.
pub fn apply(
    plan: &Plan,
    cloud: &dyn Cloud,
    observer: &(dyn Fn(Event) + Sync),
    options: &Options<'_>,
) -> Outcome {
    let watcher = Watcher::new(cloud, options.clock, observer, options.interrupt);
    let reports = plan.stacks.iter().map(|stack| StackReport {
        key: stack.key.clone(),
        action: stack.action,
        state: match stack.action {
            StackAction::Keep => State::Unchanged,
            _ => State::NotStarted,
        },
        status: stack.observed.status,
    });
    let run = Run {
        plan,
        options,
        watcher,
        started: options.clock.now(),
        stop: AtomicBool::new(false),
        numbers: plan.stacks.iter().enumerate().map(|(at, it)| (it.key.clone(), at)).collect(),
        reports: Mutex::new(reports.collect()),
        diagnostics: Mutex::new(Vec::new()),
        outputs: Mutex::new(BTreeMap::new()),
        tally: Mutex::new(Tally::default()),
        index: Mutex::new(None),
    };
    let ended = run.all();
    run.conclude(ended)
}

/// One run.
pub(super) struct Run<'a> {
    pub plan: &'a Plan,
    pub options: &'a Options<'a>,
    pub watcher: Watcher<'a>,
    pub started: Timestamp,
    /// Something failed: no other stack is started.
    pub stop: AtomicBool,
    pub numbers: BTreeMap<StackKey, usize>,
    pub reports: Mutex<Vec<StackReport>>,
    pub diagnostics: Mutex<Vec<Diagnostic>>,
    pub outputs: Mutex<BTreeMap<StackKey, BTreeMap<String, String>>>,
    pub tally: Mutex<Tally>,
    pub index: Mutex<Option<Index>>,
}

impl Run<'_> {
    fn all(&self) -> Result<(), Early> {
        if !self.plan.refusals.is_empty() {
            for refusal in &self.plan.refusals {
                let headline = format!("the plan can't be applied: {}", refusal.summary);
                let mut told = Diagnostic::new(diagnostic::LW0651, Severity::Error, None, headline);
                told.help.clone_from(&refusal.help);
                self.report(told);
            }
            return Err(Ended::Refused.into());
        }
        let caller = self.guard()?;
        self.check_stale(&[])?;
        let idle = self.plan.stacks.iter().all(|stack| stack.action == StackAction::Keep);
        if idle && self.plan.uploads.is_empty() {
            return Ok(());
        }
        let mut first: Vec<usize> = Vec::new();
        if !self.lock(&caller)? {
            first = self.without_bucket(&caller)?;
        }
        if self.has_lock() {
            self.check_stale(&first)?;
        }
        self.look_into_buckets()?;
        let keepsakes = self.keepsakes()?;
        self.write_index(&keepsakes, false)?;
        let (deletions, changes): (Vec<usize>, Vec<usize>) = (0..self.plan.stacks.len())
            .filter(|at| !first.contains(at))
            .partition(|at| self.plan.stacks[*at].action == StackAction::Delete);
        let (bases, rest): (Vec<usize>, Vec<usize>) =
            changes.into_iter().partition(|at| self.plan.stacks[*at].part == Part::Base);
        let outcome = self
            .carry_out(&bases)
            .and_then(|()| self.upload_all())
            .and_then(|()| self.carry_out(&rest))
            .and_then(|()| self.carry_out(&deletions));
        // What was done is written down, however it ended; not where nobody would hear it: what may
        // have come to be stands in the index already.
        let written = match self.watcher.is_dark() {
            true => Ok(()),
            false => self.write_index(&keepsakes, true),
        };
        outcome?;
        written
    }

    /// There is no bucket for the lock. The first apply makes the stack with the bucket, and takes the
    /// lock after it; the last destroy goes on without. Answers with the stacks that are made.
    fn without_bucket(&self, caller: &Caller) -> Result<Vec<usize>, Early> {
        let first = self.home_base();
        self.carry_out(&first)?;
        if self.plan.operation == Operation::Destroy || self.lock(caller)? {
            return Ok(first);
        }
        let name = self.plan.base_buckets.get(&self.plan.region).map_or("", String::as_str);
        let headline =
            format!("the base bucket `{name}` is not there, and its stack says that it is");
        self.report(
            Diagnostic::new(diagnostic::LW0813, Severity::Error, None, headline)
                .note("templates, the index and the lock are kept in it")
                .help("make a bucket of that name again, then type the same command"),
        );
        Err(self.early_after_refusal())
    }

    /// The account that the plan is for, and no other.
    fn guard(&self) -> Result<Caller, Early> {
        let caller = self.watcher.insist(|| self.watcher.cloud.caller()).map_err(|error| {
            self.report(explain(&error, "asking who is calling"));
            Early::from(Ended::Refused)
        })?;
        if caller.account == self.plan.account {
            return Ok(caller);
        }
        self.report(message::wrong_account(&caller, &self.plan.account, &self.plan.environment));
        Err(Ended::Refused.into())
    }

    /// Whether every stack is what the plan saw, but those that this run has changed.
    fn check_stale(&self, own: &[usize]) -> Result<(), Early> {
        let moved = super::stale::moved(self, own).map_err(|error| {
            self.report(explain(&error, "looking whether the plan still holds"));
            Early::from(Ended::Refused)
        })?;
        if moved.is_empty() {
            return Ok(());
        }
        self.release();
        self.report(message::stale(&moved, &self.command()));
        Err(Ended::Stale.into())
    }

    /// Takes the lock. `false`: there is no bucket yet.
    fn lock(&self, caller: &Caller) -> Result<bool, Early> {
        let refused = |error: &CloudError| {
            self.report(explain(error, "taking the lock"));
            Early::from(Ended::Refused)
        };
        let at = self.object(&lock::key(&self.plan.lake)).map_err(|error| refused(&error))?;
        let wish = Wish {
            at,
            info: LockInfo {
                format_version: 1,
                id: self.options.run.clone(),
                operation: match self.plan.operation {
                    Operation::Apply => "apply".into(),
                    Operation::Destroy => "destroy".into(),
                },
                who: caller.arn.to_string(),
                host: self.options.host.clone(),
                created: String::new(),
                expires: String::new(),
            },
            timeout: self.options.lock_timeout,
            break_lock: self.options.break_lock.as_deref(),
            waiting: &|lock| self.watcher.tell(What::LockAwaited { lock: lock.clone() }),
            interrupted: &|| self.watcher.interrupted(),
        };
        match lock::take(self.watcher.cloud, self.watcher.clock, wish) {
            Ok(lease) => {
                *self.lease() = Some(lease);
                Ok(true)
            }
            Err(NotTaken::NoBucket) => Ok(false),
            Err(NotTaken::Interrupted) => Err(Ended::Interrupted.into()),
            Err(NotTaken::Cloud(error)) => Err(refused(&error)),
            Err(NotTaken::Held(lock)) => {
                self.report(message::locked(&lock, &self.command()));
                Err(Early { ended: Ended::Locked, lock: Some(lock) })
            }
        }
    }

    fn lease(&self) -> std::sync::MutexGuard<'_, Option<Lease>> {
        self.watcher.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_lock(&self) -> bool {
        self.lease().is_some()
    }

    pub(super) fn release(&self) {
        let Some(lease) = self.lease().take() else { return };
        if self.watcher.is_dark() {
            return self.report(message::lock_not_given_back());
        }
        match lease.release(self.watcher.cloud, self.watcher.clock) {
            Released::Given => {}
            Released::TakenOver => self.report(message::lock_taken_over()),
            Released::Stuck => self.report(message::lock_not_given_back()),
        }
    }

    /// The stack that makes the home region's base bucket, if it is to be made.
    fn home_base(&self) -> Vec<usize> {
        let home = |stack: &StackPlan| {
            stack.part == Part::Base
                && stack.key.region == self.plan.region
                && !matches!(stack.action, StackAction::Keep | StackAction::Delete)
        };
        self.plan.stacks.iter().position(home).into_iter().collect()
    }

    fn upload_all(&self) -> Result<(), Early> {
        for upload in &self.plan.uploads {
            if self.halted() {
                return Err(self.early());
            }
            if let Err(broken) = self.upload(upload) {
                if let Broken::Refused(told) = broken {
                    self.report(*told);
                }
                return Err(self.early_after_refusal());
            }
        }
        Ok(())
    }

    /// Does what the plan says of these stacks, in the order of their dependencies, several at once.
    fn carry_out(&self, which: &[usize]) -> Result<(), Early> {
        super::schedule::schedule(
            which,
            |at| {
                let stack = &self.plan.stacks[at];
                let own = |key| self.numbers.get(key).copied().filter(|on| which.contains(on));
                stack.depends_on.iter().filter_map(own).collect()
            },
            |at| self.one(at),
        );
        let failed = self.stop.load(Ordering::SeqCst) || self.halted();
        if failed { Err(self.early()) } else { Ok(()) }
    }

    /// One stack with all that is told about it. `false`: it failed, and nothing may build on it.
    fn one(&self, at: usize) -> bool {
        let stack = &self.plan.stacks[at];
        if stack.action == StackAction::Keep {
            return true;
        }
        if self.halted() {
            return false;
        }
        let begin = self.watcher.clock.now();
        self.watcher.tell(What::StackStarted {
            stack: stack.key.clone(),
            action: stack.action,
            resources: stack.changes.len(),
        });
        match self.step(stack) {
            Ok(done) => {
                self.finished(at, stack, &done, begin);
                true
            }
            Err(broken) => {
                // Set before anything is told: no other stack starts from here on.
                self.stop.store(true, Ordering::SeqCst);
                self.broke(at, stack, broken);
                false
            }
        }
    }

    fn finished(&self, at: usize, stack: &StackPlan, done: &Done, begin: Timestamp) {
        let status = done.stack.as_ref().map(|stack| stack.status);
        self.set_report(at, State::Done, status);
        if done.changed {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.count(stack, &done.events);
        }
        for event in &done.events {
            if event.status == "DELETE_FAILED" {
                self.report(message::orphan(stack, event));
            }
        }
        self.watcher.tell(What::StackFinished {
            stack: stack.key.clone(),
            action: stack.action,
            status,
            elapsed: seconds_between(begin, self.watcher.clock.now()),
            changed: done.changed,
        });
    }

    fn broke(&self, at: usize, stack: &StackPlan, broken: Broken) {
        let (state, status, told) = match broken {
            Broken::NotBegun => (State::NotStarted, stack.observed.status, None),
            Broken::Left => (State::Running, self.status_now(stack), None),
            Broken::Refused(told) => (State::Refused, self.status_now(stack), Some(*told)),
            Broken::Blind(error) => {
                let doing = format!("watching stack {}", stack.key);
                let told = explain(&error, &doing)
                    .note("the cloud goes on with it; how it ends is not known here");
                (State::Running, None, Some(told))
            }
            Broken::Failed(failed) => {
                let clean = is_clean(failed.status);
                let state = if clean { State::RolledBack } else { State::Stuck };
                let cause = first_cause(&failed.events, stack);
                let reason = failed.reason.as_deref();
                let told = failed_stack(stack, failed.status, reason, cause.as_ref(), clean);
                (state, failed.status, Some(told))
            }
        };
        self.set_report(at, state, status);
        if let Some(told) = told {
            self.watcher.tell(What::StackFailed {
                stack: stack.key.clone(),
                action: stack.action,
                status,
                reason: told.headline.clone(),
            });
            self.report(told);
        }
    }

    fn status_now(&self, stack: &StackPlan) -> Option<StackStatus> {
        let at = StackAddress::new(&stack.key.region, stack.key.name.as_str());
        let found = self.watcher.insist(|| self.watcher.cloud.describe_stack(&at)).ok()?;
        found.map(|stack| stack.status)
    }

    /// Buckets that go must be empty, or their emptying agreed to and possible.
    fn look_into_buckets(&self) -> Result<(), Early> {
        let obstacles = super::contents::obstacles(self).map_err(|error| {
            self.report(explain(&error, "looking into the buckets that are to be deleted"));
            self.early_after_refusal()
        })?;
        if self.halted() {
            return Err(self.early());
        }
        if obstacles.is_empty() {
            return Ok(());
        }
        obstacles.into_iter().for_each(|told| self.report(told));
        Err(self.early_after_refusal())
    }

    /// What to type to go on: the command, with the consents that are still needed. What is gone needs
    /// none, and one for a name that nothing has any more would be refused.
    pub(super) fn command(&self) -> String {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |path: &str| {
            let mut stacks = self.plan.stacks.iter().zip(reports.iter());
            stacks.any(|(stack, report)| {
                report.state != State::Done
                    && stack.changes.iter().any(|change| change.cause.path == path)
            })
        };
        let mut command = self.options.command.clone();
        for consent in &self.plan.consents {
            let (flag, path) = match consent {
                Consent::Destroy(path) => ("--allow-destroy", path),
                Consent::Empty(path) => ("--empty", path),
            };
            if open(path) {
                command += &format!(" {flag} {}", crate::plan::name_of(path));
            }
        }
        command
    }

    // --- what the steps ask of the run --------------------------------------------------------

    /// Whether nothing new may be started.
    pub(super) fn halted(&self) -> bool {
        self.watcher.interrupted() || self.watcher.lost.load(Ordering::SeqCst)
    }

    /// The stack's place in the plan.
    pub(super) fn number(&self, stack: &StackPlan) -> usize {
        self.numbers.get(&stack.key).copied().unwrap_or_default()
    }

    /// Tells the observer, and keeps it for the end.
    pub(super) fn report(&self, told: Diagnostic) {
        self.watcher.tell(What::Diagnostic(told.clone()));
        self.diagnostics.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    /// The base bucket of a region.
    pub(super) fn bucket(&self, region: &Region) -> Result<BucketAddress, CloudError> {
        let name = self.plan.base_buckets.get(region).ok_or_else(|| {
            CloudError::NotFound(format!("the plan names no base bucket in {region}"))
        })?;
        let bucket = BucketName::new(name).map_err(CloudError::Refused)?;
        Ok(BucketAddress { region: region.clone(), bucket, owner: self.plan.account.clone() })
    }

    pub(super) fn object(&self, key: &str) -> Result<ObjectAddress, CloudError> {
        let bucket = self.bucket(&self.plan.region)?;
        Ok(ObjectAddress { bucket, key: key.to_owned() })
    }

    /// The outputs of a stack, asked for once.
    pub(super) fn outputs(&self, key: &StackKey) -> Result<BTreeMap<String, String>, CloudError> {
        let known = self.outputs.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(outputs) = known {
            return Ok(outputs);
        }
        let at = StackAddress::new(&key.region, key.name.as_str());
        let found = self.watcher.insist(|| self.watcher.cloud.describe_stack(&at))?;
        let stack = found.ok_or_else(|| CloudError::NotFound("it is not there".into()))?;
        self.remember(key, Some(&stack));
        Ok(stack.outputs)
    }

    /// Keeps the outputs of a stack for those that depend on it.
    pub(super) fn remember(&self, key: &StackKey, stack: Option<&Stack>) {
        if let Some(stack) = stack {
            let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
            outputs.insert(key.clone(), stack.outputs.clone());
        }
    }

    fn set_report(&self, at: usize, state: State, status: Option<StackStatus>) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports[at].state = state;
        reports[at].status = status;
    }
}
