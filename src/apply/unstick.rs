//! Stacks that cannot be planned for as they are: those in progress are waited for, those whose
//! rollback is owed are taken back.

use std::sync::atomic::AtomicBool;

use jiff::SignedDuration;

use super::broken::Broken;
use super::clock::Clock;
use super::event::{Event, What};
use super::follow::Watch;
use super::lock::{self, LockInfo, NotTaken, Wish};
use super::message::{explain, failed_stack, first_cause, locked};
use super::observe::Scope;
use super::outcome::is_clean;
use super::watcher::Watcher;
use crate::cloud::{Cloud, CloudError, StackAddress, StackStatus};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::graph::Part;
use crate::plan::{Deployed, DeployedStack, Observed, StackAction, StackPlan};
use crate::stacks::StackKey;

/// What waiting and taking back need.
pub struct Unstick<'a> {
    pub clock: &'a dyn Clock,
    pub observer: &'a (dyn Fn(Event) + Sync),
    pub interrupt: &'a AtomicBool,
    /// As in [`Options`](super::Options).
    pub run: String,
    pub command: String,
    pub host: Option<String>,
    pub lock_timeout: SignedDuration,
}

/// Waits for every stack of the lake on which an operation is running. `true`: there was one, and
/// what is deployed has to be read again.
pub fn settle(
    cloud: &dyn Cloud,
    deployed: &Deployed,
    how: &Unstick<'_>,
) -> Result<bool, Diagnostic> {
    let watcher = Watcher::new(cloud, how.clock, how.observer, how.interrupt);
    let mut waited = false;
    for (key, stack) in &deployed.stacks {
        let Some(status) = stack.status.filter(|status| status.in_progress()) else { continue };
        waited = true;
        watcher.tell(What::StackAwaited { stack: key.clone(), status });
        let at = StackAddress::new(&key.region, stack.id.clone());
        let told = |error: CloudError| explain(&error, &format!("waiting for stack {key}"));
        let after = watcher.last_event(&at).map_err(told)?;
        // What it was before is unknown: any status at rest is its end.
        watch(
            &watcher,
            key,
            stack,
            Watch { at, after, before: None, started: how.clock.now(), change_set: None },
        )?;
    }
    Ok(waited)
}

/// Takes back what is stuck: ContinueUpdateRollback in UPDATE_ROLLBACK_FAILED, RollbackStack in
/// UPDATE_FAILED and CREATE_FAILED. Nothing is skipped and nothing deleted. Answers with the stacks
/// and what they are now.
pub fn recover(
    cloud: &dyn Cloud,
    scope: &Scope<'_>,
    deployed: &Deployed,
    how: &Unstick<'_>,
) -> Result<Vec<(StackKey, Option<StackStatus>)>, Diagnostic> {
    use StackStatus::*;
    let stuck: Vec<(&StackKey, &DeployedStack)> = deployed
        .stacks
        .iter()
        .filter(|(_, stack)| {
            matches!(stack.status, Some(UpdateRollbackFailed | UpdateFailed | CreateFailed))
        })
        .collect();
    if stuck.is_empty() {
        return Ok(Vec::new());
    }
    let watcher = Watcher::new(cloud, how.clock, how.observer, how.interrupt);
    take_lock(&watcher, scope, how)?;
    let mut recovered = Vec::new();
    let mut failed = None;
    for (at, (key, stack)) in stuck.into_iter().enumerate() {
        match take_back(&watcher, key, stack, &format!("{}-recover-{at}", how.run)) {
            Ok(status) => recovered.push((key.clone(), status)),
            Err(told) => {
                failed = Some(told);
                break;
            }
        }
    }
    let lease = watcher.lease.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(lease) = lease {
        lease.release(cloud, how.clock);
    }
    failed.map_or(Ok(recovered), Err)
}

fn take_lock(
    watcher: &Watcher<'_>,
    scope: &Scope<'_>,
    how: &Unstick<'_>,
) -> Result<(), Diagnostic> {
    let told = |error: &CloudError| explain(error, "taking the lock");
    let caller = watcher.insist(|| watcher.cloud.caller()).map_err(|error| told(&error))?;
    let wish = Wish {
        at: scope.object(lock::key(&scope.naming.lake_id())),
        info: LockInfo {
            format_version: 1,
            id: how.run.clone(),
            operation: "recover".into(),
            who: caller.arn.to_string(),
            host: how.host.clone(),
            created: String::new(),
            expires: String::new(),
        },
        timeout: how.lock_timeout,
        break_lock: None,
        waiting: &|lock| watcher.tell(What::LockAwaited { lock: lock.clone() }),
        interrupted: &|| watcher.interrupted(),
    };
    match lock::take(watcher.cloud, watcher.clock, wish) {
        Ok(lease) => {
            *watcher.lease.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(lease);
            Ok(())
        }
        // The stack with the bucket may itself be stuck.
        Err(NotTaken::NoBucket) => Ok(()),
        Err(NotTaken::Held(holder)) => Err(locked(&holder, &how.command)),
        Err(NotTaken::Cloud(error)) => Err(told(&error)),
        Err(NotTaken::Interrupted) => Err(left("the lock")),
    }
}

fn take_back(
    watcher: &Watcher<'_>,
    key: &StackKey,
    stack: &DeployedStack,
    token: &str,
) -> Result<Option<StackStatus>, Diagnostic> {
    let at = StackAddress::new(&key.region, stack.id.clone());
    let doing = format!("taking back stack {key}");
    let told = |error: CloudError| explain(&error, &doing);
    watcher.tell(What::StackStarted {
        stack: key.clone(),
        action: StackAction::Keep,
        resources: stack.resources().count(),
    });
    let after = watcher.last_event(&at).map_err(told)?;
    let before = stack.status.zip(stack.updated.clone());
    let started = watcher.clock.now();
    watcher
        .insist(|| match stack.status {
            Some(StackStatus::UpdateRollbackFailed) => {
                watcher.cloud.continue_update_rollback(&at, &[], token)
            }
            _ => watcher.cloud.rollback_stack(&at, token),
        })
        .map_err(told)?;
    watch(watcher, key, stack, Watch { at, after, before, started, change_set: None })
}

/// Follows an operation; a stack that is stuck afterwards is an error.
fn watch(
    watcher: &Watcher<'_>,
    key: &StackKey,
    stack: &DeployedStack,
    watch: Watch,
) -> Result<Option<StackStatus>, Diagnostic> {
    let started = watch.started;
    let plan = bare(key, stack);
    match watcher.follow(&plan, watch) {
        Ok(ended) => {
            let status = ended.status();
            if !is_clean(status) {
                let cause = first_cause(&ended.events, &plan);
                let reason = ended.stack.as_ref().and_then(|it| it.status_reason.as_deref());
                return Err(failed_stack(&plan, status, reason, cause.as_ref(), false));
            }
            watcher.tell(What::StackFinished {
                stack: key.clone(),
                action: StackAction::Keep,
                status,
                elapsed: super::clock::seconds_between(started, watcher.clock.now()),
                changed: true,
            });
            Ok(status)
        }
        Err(Broken::Blind(error)) => Err(explain(&error, &format!("watching stack {key}"))),
        Err(_) => Err(left(&format!("stack {key}"))),
    }
}

fn left(what: &str) -> Diagnostic {
    let headline = format!("interrupted while waiting for {what}");
    Diagnostic::new(diagnostic::LW0818, Severity::Error, None, headline)
        .note("what runs in the cloud goes on")
}

/// A stack as a plan without changes: enough to follow it.
fn bare(key: &StackKey, stack: &DeployedStack) -> StackPlan {
    StackPlan {
        key: key.clone(),
        part: Part::Base,
        action: StackAction::Keep,
        observed: Observed::default(),
        template: stack.template.clone(),
        before: stack.template.clone(),
        imports: Vec::new(),
        parameters: Default::default(),
        tags: Default::default(),
        capabilities: Vec::new(),
        execution_role: stack.execution_role.clone(),
        termination_protection: stack.termination_protection,
        depends_on: Vec::new(),
        changes: Vec::new(),
        respelled: Vec::new(),
        causes: Default::default(),
    }
}
