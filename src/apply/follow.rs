//! Watching an operation of CloudFormation to its end.
//!
//! Events tell what happens, the stack's own event that it is over, DescribeStacks how it ended: it
//! is asked only when there is reason to, since AWS answers it a few times a second for the whole
//! account. A look that fails is no failed operation. INVARIANT: what was read before the operation
//! began is never taken for its end.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::broken::Broken;
use super::clock::seconds_between;
use super::event::{Phase, Progress, What};
use super::patience::Pauses;
use super::watcher::Watcher;
use crate::cloud::{CloudError, Stack, StackAddress, StackEvent, StackStatus};
use crate::plan::StackPlan;

/// How long it may be silent on a terminal.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(10);
/// How long looks may go wrong in a row, whatever each of them takes.
const BLIND: SignedDuration = SignedDuration::from_mins(4);
/// Looks in a row without a trace of the operation, before its change set is asked.
const SILENT: u32 = 6;

/// What an operation is recognised by.
pub(super) struct Watch {
    /// The stack by its id: names are used again.
    pub at: StackAddress,
    /// The last event before it.
    pub after: Option<String>,
    /// What the stack was before it.
    pub before: Option<(StackStatus, String)>,
    pub started: Timestamp,
    /// The change set that is executed, if it is one.
    pub change_set: Option<String>,
}

/// An operation that is over.
pub(super) struct Ended {
    /// `None`: the stack is gone.
    pub stack: Option<Stack>,
    pub events: Vec<StackEvent>,
}

impl Ended {
    pub(super) fn status(&self) -> Option<StackStatus> {
        self.stack.as_ref().map(|stack| stack.status)
    }
}

impl Watcher<'_> {
    /// The newest event of a stack that is there.
    pub(super) fn last_event(&self, at: &StackAddress) -> Result<Option<String>, CloudError> {
        let events = self.insist(|| self.cloud.events(at, None))?;
        Ok(events.last().map(|event| event.id.clone()))
    }

    /// Watches until the stack is at rest.
    pub(super) fn follow(&self, plan: &StackPlan, watch: Watch) -> Result<Ended, Broken> {
        let mut events: Vec<StackEvent> = Vec::new();
        let mut after = watch.after.clone();
        let mut begun: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut pauses = Pauses::up_to(5);
        let mut blind: Option<Timestamp> = None;
        let mut silent = 0;
        let mut told = watch.started;
        loop {
            if self.interrupted() {
                return Err(Broken::Left);
            }
            pauses.wait(self.clock);
            if blind.is_none() {
                self.renew();
            }
            let looking = self.clock.now();
            let looked = self.cloud.events(&watch.at, after.as_deref());
            let fresh = match looked {
                Ok(fresh) => fresh,
                // The events of a stack that was asked for by id outlive it; where they do not, it
                // is gone.
                Err(CloudError::NotFound(_)) => Vec::new(),
                Err(error) => {
                    self.unseen(error, *blind.get_or_insert(looking), &mut told)?;
                    continue;
                }
            };
            let now = self.clock.now();
            let mut over = false;
            for event in &fresh {
                if is_own(event, &watch) {
                    over = StackStatus::parse(&event.status).is_none_or(|it| !it.in_progress());
                    continue;
                }
                // CloudFormation says twice that it begins: before and after it has called the
                // service.
                let known = begun.contains_key(&event.logical_id);
                let progress = progress(plan, event, &mut begun, now);
                if !(known && progress.phase == Phase::Started) {
                    self.tell(What::Resource(progress));
                    told = now;
                }
            }
            if let Some(last) = fresh.last() {
                after = Some(last.id.clone());
                pauses.reset();
            }
            let quiet = fresh.is_empty();
            events.extend(fresh);
            if now.duration_since(told) >= HEARTBEAT {
                told = now;
                self.tell(What::Heartbeat {
                    stack: plan.key.clone(),
                    elapsed: seconds_between(watch.started, now),
                    running: begun.keys().cloned().collect(),
                });
            }
            if !over && !quiet {
                blind = None;
                continue;
            }
            let stack = match self.cloud.describe_stack(&watch.at) {
                Ok(stack) => stack,
                Err(error) => {
                    self.unseen(error, *blind.get_or_insert(looking), &mut told)?;
                    continue;
                }
            };
            blind = None;
            let Some(stack) = stack else { return Ok(Ended { stack: None, events }) };
            if stack.status.in_progress() || stack.status == StackStatus::ReviewInProgress {
                continue;
            }
            let moved = events.iter().any(|event| is_own(event, &watch))
                || watch.before.as_ref() != Some(&(stack.status, stack.updated.clone()));
            if moved || self.consumed(&watch, &mut silent) {
                let stack = Some(stack).filter(|it| it.status != StackStatus::DeleteComplete);
                return Ok(Ended { stack, events });
            }
        }
    }

    /// A look that went wrong, as others have since a time: said now and then, and the end after too
    /// long.
    fn unseen(
        &self,
        error: CloudError,
        since: Timestamp,
        told: &mut Timestamp,
    ) -> Result<(), Broken> {
        let now = self.clock.now();
        let blind = now.duration_since(since);
        let dead = matches!(error, CloudError::Credentials(_));
        if dead || blind >= BLIND {
            self.dark.store(!dead, Ordering::SeqCst);
            return Err(Broken::Blind(error));
        }
        if now.duration_since(*told) >= HEARTBEAT {
            *told = now;
            self.silent(&error, blind);
        }
        Ok(())
    }

    /// Whether a change set that left no trace on its stack has been carried out all the same.
    fn consumed(&self, watch: &Watch, silent: &mut u32) -> bool {
        *silent += 1;
        let Some(id) = watch.change_set.as_deref().filter(|_| *silent >= SILENT) else {
            return false;
        };
        use crate::cloud::ExecutionStatus::*;
        match self.cloud.describe_change_set(&watch.at.region, id) {
            Ok(set) => matches!(set.execution, ExecuteComplete | ExecuteFailed | Obsolete),
            Err(error) => matches!(error, CloudError::NotFound(_)),
        }
    }
}

/// Whether the event is the stack's own.
fn is_own(event: &StackEvent, watch: &Watch) -> bool {
    event.kind == "AWS::CloudFormation::Stack"
        && (event.physical_id == watch.at.stack || event.physical_id.is_empty())
}

/// A resource's event in our words.
fn progress(
    plan: &StackPlan,
    event: &StackEvent,
    begun: &mut BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Progress {
    let phase = match event.status.as_str() {
        status if status.ends_with("_FAILED") => Phase::Failed,
        status if status.ends_with("_IN_PROGRESS") => Phase::Started,
        _ => Phase::Complete,
    };
    let since = match phase {
        Phase::Started => *begun.entry(event.logical_id.clone()).or_insert(now),
        _ => begun.remove(&event.logical_id).unwrap_or(now),
    };
    let change = plan.changes.iter().find(|it| it.logical_id.as_str() == event.logical_id);
    let cause = super::message::cause_of(plan, &event.logical_id);
    Progress {
        stack: plan.key.clone(),
        logical_id: event.logical_id.clone(),
        kind: event.kind.clone(),
        physical_id: event.physical_id.clone(),
        path: Some(cause.path).filter(|path| !path.is_empty()),
        action: change.map(|change| change.action),
        phase,
        status: event.status.clone(),
        reason: event.reason.clone(),
        rollback: event.status.contains("ROLLBACK"),
        elapsed: seconds_between(since, now),
    }
}
