//! Stacks: looked at, deleted, brought back from a failure, protected.
//!
//! Source: CloudFormation API reference, DescribeStacks, DeleteStack, ContinueUpdateRollback, RollbackStack,
//! UpdateTerminationProtection; the wording of refusals is CloudFormation's.

use std::collections::BTreeSet;

use super::operation::Engine;
use super::state::{Before, Body, Definition, Head, Millis, Operation, Phase, TaskState, Verb};
use super::template::refused;
use super::world::{World, iso, missing};
use crate::cloud::{
    CloudError, Stack, StackAddress, StackEvent, StackResource, StackStatus, StackSummary,
};
use crate::names::{Arn, LogicalId, Region};

/// ListStacks, without those that are deleted.
pub(super) fn list(world: &World, region: &Region) -> Vec<StackSummary> {
    let area = world.areas.get(&world.place(region));
    let stacks = area.into_iter().flat_map(|area| area.values());
    stacks
        .map(|stack| &stack.head)
        .filter(|head| !head.deleted())
        .map(|head| StackSummary {
            id: head.id.clone(),
            name: head.name.clone(),
            status: head.status,
            updated: iso(head.updated.unwrap_or(head.created)),
        })
        .collect()
}

/// DescribeStacks.
pub(super) fn describe(world: &World, at: &StackAddress) -> Option<Stack> {
    let (place, tail) = world.locate(at)?;
    let head = &world.areas[&place][&tail].head;
    Some(Stack {
        id: head.id.clone(),
        name: head.name.clone(),
        status: head.status,
        status_reason: head.reason.clone(),
        updated: iso(head.updated.unwrap_or(head.created)),
        parameters: head.parameters.clone(),
        outputs: head.outputs.clone(),
        tags: head.tags.clone(),
        termination_protection: head.protected,
        execution_role: head.role.clone(),
    })
}

/// GetTemplate.
pub(super) fn template(world: &mut World, at: &StackAddress) -> Result<String, CloudError> {
    let store = world.realm.store.clone();
    let stack = world.stack(at)?;
    let body = stack.body.get(&store)?;
    let operation = body.operation.as_ref();
    let text = match operation {
        Some(operation) if body.definition.template.is_empty() => &operation.target.template,
        _ => &body.definition.template,
    };
    if text.is_empty() {
        return Err(refused(format!(
            "Template not found: stack [{}] has not been created yet",
            stack.head.name
        )));
    }
    Ok(text.clone())
}

/// ListStackResources.
pub(super) fn resources(
    world: &mut World,
    at: &StackAddress,
) -> Result<Vec<StackResource>, CloudError> {
    let store = world.realm.store.clone();
    let stack = world.stack(at)?;
    let mut list = Vec::new();
    for (id, record) in &stack.body.get(&store)?.resources {
        list.push(StackResource {
            logical_id: LogicalId::new(id).map_err(refused)?,
            physical_id: record.physical.clone(),
            kind: record.kind.clone(),
            status: record.status.clone(),
            status_reason: record.reason.clone(),
        });
    }
    Ok(list)
}

/// DescribeStackEvents, oldest first.
pub(super) fn events(
    world: &mut World,
    at: &StackAddress,
    after: Option<&str>,
) -> Result<Vec<StackEvent>, CloudError> {
    let store = world.realm.store.clone();
    let events = world.stack(at)?.events.get(&store)?;
    let known = after.and_then(|after| events.iter().rposition(|event| event.id == after));
    let first = known.map_or(0, |known| known + 1);
    Ok(events[first..].to_vec())
}

/// Lets what killed clients left behind go on.
pub(super) fn revive(world: &mut World) -> Result<(), CloudError> {
    let store = world.realm.store.clone();
    let stacks = world.areas.values_mut().flat_map(|area| area.values_mut());
    for stack in stacks.filter(|stack| stack.head.status.in_progress()) {
        let left = |body: &Body| body.operation.as_ref().is_some_and(|it| it.abandoned);
        if left(stack.body.get(&store)?)
            && let Some(operation) = &mut stack.body.edit(&store)?.operation
        {
            operation.abandoned = false;
        }
    }
    Ok(())
}

/// Moves every operation on to where it is by now.
pub(super) fn advance_all(world: &mut World, now: Millis) -> Result<(), CloudError> {
    let store = world.realm.store.clone();
    let mut moving = Vec::new();
    for (place, area) in &mut world.areas {
        for (tail, stack) in area.iter_mut() {
            if !stack.head.status.in_progress() {
                continue;
            }
            let Some(operation) = &stack.body.get(&store)?.operation else {
                continue;
            };
            let mut running =
                operation.tasks.iter().filter(|task| task.state == TaskState::Running).peekable();
            let still = running.peek().is_some() && running.all(|task| task.due > now);
            if !operation.abandoned && !still {
                moving.push((place.clone(), tail.clone()));
            }
        }
    }
    for (place, tail) in moving {
        world.engine(&place, &tail, now, |engine| engine.advance())?;
    }
    Ok(())
}

fn operation(verb: Verb, phase: Phase, token: &str, target: Definition, now: Millis) -> Operation {
    Operation {
        verb,
        phase,
        token: Some(token.to_owned()),
        change_set: None,
        target,
        tasks: Vec::new(),
        at: now,
        used: BTreeSet::new(),
        failed: Vec::new(),
        failed_at: Default::default(),
        cause: None,
        imports: Vec::new(),
        spared: BTreeSet::new(),
        orphans: false,
        abandoned: false,
    }
}

/// Remembers a token. `true`: the same call came before.
fn repeated(head: &mut Head, token: &str, what: &str) -> Result<bool, CloudError> {
    match head.tokens.get(token) {
        Some(before) if before == what => Ok(true),
        Some(_) => Err(refused(format!(
            "TokenAlreadyExistsException: A client request token already exists: {token}"
        ))),
        None => {
            head.tokens.insert(token.to_owned(), what.to_owned());
            Ok(false)
        }
    }
}

/// DeleteStack.
pub(super) fn delete(
    world: &mut World,
    at: &StackAddress,
    retain: &[LogicalId],
    execution_role: Option<&Arn>,
    token: &str,
    now: Millis,
) -> Result<(), CloudError> {
    let Some((place, tail)) = world.locate(at) else {
        return Ok(());
    };
    let users = world.neighbours(&place, &tail).users;
    world.engine(&place, &tail, now, |engine| {
        let head = &*engine.head;
        let status = head.status;
        if head.deleted() {
            return Ok(());
        }
        if head.protected {
            return Err(refused(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                head.name
            )));
        }
        if status.in_progress() && status != StackStatus::CreateInProgress {
            if status == StackStatus::DeleteInProgress {
                return Ok(());
            }
            return Err(CloudError::InProgress(format!(
                "Stack:{} is in {status} state and can not be deleted.",
                head.id
            )));
        }
        if !retain.is_empty() && status != StackStatus::DeleteFailed {
            return Err(refused(format!(
                "Invalid operation on stack [{}]. RetainResources can be specified only when the stack is in the DELETE_FAILED state",
                head.id
            )));
        }
        let unknown: Vec<&str> = retain
            .iter()
            .map(LogicalId::as_str)
            .filter(|id| !engine.body.resources.contains_key(*id))
            .collect();
        if !unknown.is_empty() {
            return Err(refused(format!(
                "Resources [{}] to retain do not exist in stack [{}]",
                unknown.join(", "),
                head.id
            )));
        }
        if repeated(engine.head, token, &format!("delete {retain:?}"))? {
            return Ok(());
        }
        engine.discard_change_sets();
        let used = engine
            .head
            .exports
            .keys()
            .find_map(|export| users.get(export).map(|users| (export.clone(), users.join(", "))));
        let mut target = engine.body.definition.clone();
        target.role = execution_role.map(|role| role.to_string()).or(target.role);
        let mut deletion = operation(Verb::Delete, Phase::Delete, token, target, now);
        deletion.spared = retain.iter().map(|id| id.to_string()).collect();
        engine.start(deletion, StackStatus::DeleteInProgress);
        if let Some((export, users)) = used {
            let reason = format!(
                "Delete canceled. Cannot delete export {export} as it is in use by {users}."
            );
            engine.body.operation = None;
            engine.become_status(status, Some(&reason));
            return Ok(());
        }
        let spared = retain.iter().map(|id| id.to_string()).collect();
        let tasks = engine.deletions(&spared, false);
        engine.next_phase(Phase::Delete, tasks);
        engine.advance()
    })?;
    world.drop_discarded(&place, &tail);
    Ok(())
}

impl Engine<'_> {
    /// A stack that is being deleted has no use for change sets.
    fn discard_change_sets(&mut self) {
        self.head.change_sets.clear();
    }
}

/// ContinueUpdateRollback.
pub(super) fn continue_rollback(
    world: &mut World,
    at: &StackAddress,
    skip: &[LogicalId],
    token: &str,
    now: Millis,
) -> Result<(), CloudError> {
    let (place, tail) = world.locate(at).ok_or_else(|| missing(&at.stack))?;
    world.engine(&place, &tail, now, |engine| {
        let skip: BTreeSet<String> = skip.iter().map(|id| id.to_string()).collect();
        if engine.head.tokens.contains_key(token) && repeated(engine.head, token, &format!("continue {skip:?}"))? {
            return Ok(());
        }
        if engine.head.status != StackStatus::UpdateRollbackFailed {
            return Err(wrong_status(engine.head, "and can not be continued rolling back"));
        }
        let wrong: Vec<&str> = skip
            .iter()
            .map(String::as_str)
            .filter(|id| !engine.body.stuck.iter().any(|stuck| stuck == id))
            .collect();
        if !wrong.is_empty() {
            return Err(refused(format!(
                "Resources [{}] can't be skipped: only resources in UPDATE_FAILED because of the failed rollback can be",
                wrong.join(", ")
            )));
        }
        repeated(engine.head, token, &format!("continue {skip:?}"))?;
        begin_backward(engine, &skip, token, now);
        engine.advance()
    })
}

fn begin_backward(engine: &mut Engine<'_>, skip: &BTreeSet<String>, token: &str, now: Millis) {
    let attempt = engine.body.attempt.clone();
    let target = attempt.unwrap_or_else(|| engine.body.definition.clone());
    let update = operation(Verb::Update, Phase::Backward, token, target, now);
    engine.start(update, StackStatus::UpdateRollbackInProgress);
    let tasks = engine.restorations(skip);
    engine.next_phase(Phase::Backward, tasks);
}

fn wrong_status(head: &Head, what: &str) -> CloudError {
    let text = format!("Stack:{} is in {} state {what}.", head.id, head.status);
    match head.status.in_progress() {
        true => CloudError::InProgress(text),
        false => CloudError::Refused(text),
    }
}

/// RollbackStack.
pub(super) fn roll_back(
    world: &mut World,
    at: &StackAddress,
    token: &str,
    now: Millis,
) -> Result<(), CloudError> {
    let (place, tail) = world.locate(at).ok_or_else(|| missing(&at.stack))?;
    world.engine(&place, &tail, now, |engine| {
        if engine.head.tokens.contains_key(token) && repeated(engine.head, token, "rollback")? {
            return Ok(());
        }
        match engine.head.status {
            StackStatus::CreateFailed => {
                repeated(engine.head, token, "rollback")?;
                // It has never been stable, so there is nothing to go back to but nothing.
                let target = engine.body.definition.clone();
                let undo = operation(Verb::Create, Phase::Unmake, token, target, now);
                engine.start(undo, StackStatus::RollbackInProgress);
                let tasks = engine.deletions(&BTreeSet::new(), true);
                engine.next_phase(Phase::Unmake, tasks);
            }
            StackStatus::UpdateFailed => {
                repeated(engine.head, token, "rollback")?;
                begin_backward(engine, &BTreeSet::new(), token, now);
            }
            _ => return Err(wrong_status(engine.head, "and can not be rolled back")),
        }
        for record in engine.body.resources.values_mut() {
            if record.key.is_empty() && record.before.is_none() {
                record.before = Some(Before::Nothing);
            }
        }
        engine.advance()
    })
}

/// UpdateTerminationProtection.
pub(super) fn protect(world: &mut World, at: &StackAddress, on: bool) -> Result<(), CloudError> {
    let stack = world.stack(at)?;
    if stack.head.deleted() || stack.head.status == StackStatus::DeleteInProgress {
        return Err(refused(format!(
            "Stack [{}] is in {} state: its termination protection can't be changed",
            stack.head.id, stack.head.status
        )));
    }
    stack.head.protected = on;
    stack.changed = true;
    Ok(())
}
