//! Change sets: made, looked at, executed, deleted; and the stacks that exist only for them.
//!
//! The checks stand in the order in which CloudFormation makes them: what it refuses at once (the template's form,
//! parameters, capabilities, the stack's status), then what makes the change set FAILED (early validation, nothing to
//! change).
//! Sources: CloudFormation API reference, CreateChangeSet, ExecuteChangeSet, DeleteChangeSet; User Guide, "Validate
//! stack deployments"; the wording is CloudFormation's.

use std::collections::BTreeSet;

use super::admission::{
    check_capabilities, check_names, check_role, check_tags, not_now, stack_for, template_text,
};
use super::changes::{Compared, Comparison, compare};
use super::intrinsics::{Evaluator, Pseudo};
use super::names::{digest, uuid};
use super::operation::Engine;
use super::parameters::resolve_parameters;
use super::state::{
    ChangeSetLine, ChangeSetRecord, Definition, Head, Millis, Operation, Phase, Place, Verb,
};
use super::steps::identifier_of;
use super::template::{Template, refused};
use super::world::{Stack, World};
use crate::cloud::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetStatus, CloudError, ExecutionStatus,
    StackAddress, StackStatus,
};
use crate::names::{Region, StackName};

/// What DescribeChangeSet gives as the reason when nothing would change.
const NO_CHANGES: &str = "The submitted information didn't contain changes. Submit different information to create a change set.";

/// CreateChangeSet. Answers with the id.
pub(super) fn create(
    world: &mut World,
    request: &ChangeSetRequest,
    now: Millis,
) -> Result<String, CloudError> {
    let place = world.place(&request.stack.region);
    let asked = digest(format!("{request:?}").as_bytes());
    if let Some(id) = made_before(world, &place, request, &asked)? {
        return Ok(id);
    }
    check_names(request)?;
    let text = template_text(world, &request.template)?;
    let template = Template::read(&text)?;
    let parameters = resolve_parameters(&template, &request.parameters)?;
    let definition = Definition {
        template: text,
        parameters,
        tags: request.tags.clone(),
        role: request.execution_role.as_ref().map(|role| role.to_string()),
    };
    check_tags(request)?;
    let tail = stack_for(world, &place, request)?;
    check_capabilities(&template, request)?;
    check_role(world, &place, &definition)?;
    let (tail, head) = match tail {
        Some(tail) => (Some(tail.clone()), world.areas[&place][&tail].head.clone()),
        None => (None, new_head(world, &place, request, now)?),
    };
    if head.change_sets.iter().any(|line| line.name == request.name) {
        return Err(CloudError::AlreadyExists(format!(
            "ChangeSet {} already exists for stack {}",
            request.name, head.name
        )));
    }
    let compared = examine(world, &place, &head, tail.as_deref(), request, &template, &definition)?;
    let seed = format!("{} {} {} {now}", head.id, request.name, head.change_sets.len());
    let id = format!(
        "arn:{}:cloudformation:{}:{}:changeSet/{}/{}",
        world.realm.options.partition,
        place.region,
        place.account,
        request.name,
        uuid(&seed)
    );
    let (compared, warning) = compared;
    let (status, execution, reason) = verdict(&compared, request.kind, warning);
    let tail = match tail {
        Some(tail) => tail,
        None => review(world, &place, head, now)?,
    };
    let stack = world
        .areas
        .get_mut(&place)
        .and_then(|area| area.get_mut(&tail))
        .ok_or_else(|| super::world::missing(&tail))?;
    stack.changed = true;
    stack.head.change_sets.push(ChangeSetLine { id: id.clone(), name: request.name.clone() });
    let record = ChangeSetRecord {
        id: id.clone(),
        name: request.name.clone(),
        stack_id: stack.head.id.clone(),
        kind: request.kind,
        status,
        execution,
        reason,
        changes: compared.changes,
        definition,
        imports: request.imports.clone(),
        serial: stack.head.serial,
        token: request.token.clone(),
        asked,
        executed: None,
    };
    stack.add(record);
    Ok(id)
}

/// The change set that an earlier call with the same token made.
fn made_before(
    world: &mut World,
    place: &Place,
    request: &ChangeSetRequest,
    asked: &str,
) -> Result<Option<String>, CloudError> {
    let store = world.realm.store.clone();
    let Some((_, tail)) = world.locate(&request.stack) else {
        return Ok(None);
    };
    let area = world.areas.get_mut(place);
    let Some(stack) = area.and_then(|area| area.get_mut(&tail)) else {
        return Ok(None);
    };
    let found = stack.head.change_sets.iter().rev();
    let Some(line) = found.clone().find(|line| line.name == request.name) else {
        return Ok(None);
    };
    let id = line.id.clone();
    let Some(doc) = stack.change_sets.get_mut(&id) else {
        return Ok(None);
    };
    match doc.get(&store)? {
        Some(record) if record.token == request.token && record.asked == asked => Ok(Some(id)),
        Some(record) if record.token == request.token => Err(refused(format!(
            "TokenAlreadyExistsException: A change set with the token {} and other parameters exists already",
            request.token
        ))),
        _ => Ok(None),
    }
}

fn new_head(
    world: &World,
    place: &Place,
    request: &ChangeSetRequest,
    now: Millis,
) -> Result<Head, CloudError> {
    let name = StackName::new(&request.stack.stack).map_err(refused)?;
    let count = world.areas.get(place).map_or(0, |area| area.len());
    let seed = format!("{} {} {name} {count}", place.account, place.region);
    let id = format!(
        "arn:{}:cloudformation:{}:{}:stack/{name}/{}",
        world.realm.options.partition,
        place.region,
        place.account,
        uuid(&seed)
    );
    Ok(Head {
        id,
        name,
        status: StackStatus::ReviewInProgress,
        reason: Some("User Initiated".into()),
        created: now,
        updated: None,
        parameters: Default::default(),
        outputs: Default::default(),
        tags: Default::default(),
        protected: false,
        role: None,
        exports: Default::default(),
        imports: BTreeSet::new(),
        change_sets: Vec::new(),
        serial: 0,
        tokens: Default::default(),
    })
}

/// Puts a stack there that has a change set and nothing else.
fn review(world: &mut World, place: &Place, head: Head, now: Millis) -> Result<String, CloudError> {
    let stack = Stack::new(place, head);
    let tail = stack.head.id.rsplit('/').next().unwrap_or_default().to_owned();
    let area = world.areas.entry(place.clone()).or_default();
    area.insert(tail.clone(), stack);
    world.engine(place, &tail, now, |engine| {
        engine.become_status(StackStatus::ReviewInProgress, Some("User Initiated"));
        Ok(())
    })?;
    Ok(tail)
}

type Examined = (Compared, Option<String>);

/// Compares the template with the stack.
fn examine(
    world: &mut World,
    place: &Place,
    head: &Head,
    tail: Option<&str>,
    request: &ChangeSetRequest,
    template: &Template,
    definition: &Definition,
) -> Result<Examined, CloudError> {
    let store = world.realm.store.clone();
    let neighbours = world.neighbours(place, tail.unwrap_or_default());
    let stack = tail.and_then(|tail| world.areas.get_mut(place)?.get_mut(tail));
    let body = match stack {
        Some(stack) => stack.body.get(&store)?.clone(),
        None => Default::default(),
    };
    for record in body.resources.values() {
        world.realm.thing(&record.key)?;
    }
    let pseudo = Pseudo::new(&world.realm.options, place, head);
    let lookup = |name: &str| neighbours.exports.get(name).map(|(value, _)| value.clone());
    let evaluator = Evaluator::new(template, &definition.parameters, &pseudo, &lookup, true)?;
    let comparison = Comparison {
        template,
        evaluator: &evaluator,
        target: definition,
        kind: request.kind,
        imports: &request.imports,
        head,
        body: &body,
    };
    if request.kind == ChangeSetKind::Import {
        owned_elsewhere(world, place, request)?;
    }
    let early = world.realm.options.early_validation;
    let name = head.name.to_string();
    let actor = super::actions::Actor {
        place,
        stack_id: &head.id,
        stack: &name,
        shard: "",
        caller: world.realm.options.caller_arn(),
        tags: &definition.tags,
    };
    let compared = compare(&comparison, &mut world.realm, &actor, early)?;
    let missing = evaluator.missing.take();
    let warning = (!missing.is_empty()).then(|| {
        let names: Vec<String> = missing.into_iter().collect();
        format!(
            "[WARN] --include-property-values option can return incomplete ChangeSet data because: No export named {} found.",
            names.join(", ")
        )
    });
    Ok((compared, warning))
}

/// What is in a stack of the region already can't be imported.
fn owned_elsewhere(
    world: &mut World,
    place: &Place,
    request: &ChangeSetRequest,
) -> Result<(), CloudError> {
    for target in &request.imports {
        let identifier = identifier_of(&target.kind, &target.identifier);
        let key = super::things::key(&target.kind, place, &identifier);
        let owner = world.realm.thing(&key)?.and_then(|thing| thing.owner.clone());
        if let Some(owner) = owner {
            return Err(refused(format!("Resource {identifier} already exists in stack {owner}")));
        }
    }
    Ok(())
}

fn verdict(
    compared: &Compared,
    kind: ChangeSetKind,
    warning: Option<String>,
) -> (ChangeSetStatus, ExecutionStatus, Option<String>) {
    let failed =
        |reason: String| (ChangeSetStatus::Failed, ExecutionStatus::Unavailable, Some(reason));
    let mut validations = Vec::new();
    let mut details = Vec::new();
    for (name, found) in [
        ("PropertyValidation", &compared.properties),
        ("ResourceExistenceCheck", &compared.conflicts),
    ] {
        if !found.is_empty() {
            validations.push(format!("AWS::EarlyValidation::{name}"));
            details.extend(found.iter().cloned());
        }
    }
    if !validations.is_empty() {
        // AWS gives the details through DescribeEvents only; the sandbox has no such call and adds them here.
        return failed(format!(
            "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information. ({})",
            validations.join(", "),
            details.join("; ")
        ));
    }
    if !compared.any && kind != ChangeSetKind::Create {
        return failed(NO_CHANGES.into());
    }
    (ChangeSetStatus::CreateComplete, ExecutionStatus::Available, warning)
}

/// The place and stack of a change set.
fn find(world: &World, region: &Region, id: &str) -> Option<(Place, String)> {
    let place = world.place(region);
    let area = world.areas.get(&place)?;
    let found = area.iter().find(|(_, stack)| stack.change_sets.contains_key(id));
    let tail = found.map(|(tail, _)| tail.clone())?;
    Some((place, tail))
}

fn not_found(id: &str) -> CloudError {
    CloudError::NotFound(format!("ChangeSet [{id}] does not exist"))
}

/// The record of a change set, with its stack's place.
fn record(
    world: &mut World,
    region: &Region,
    id: &str,
) -> Result<(Place, String, ChangeSetRecord), CloudError> {
    let (place, tail) = find(world, region, id).ok_or_else(|| not_found(id))?;
    let store = world.realm.store.clone();
    let stack = world.areas.get_mut(&place).and_then(|area| area.get_mut(&tail));
    let doc = stack.and_then(|stack| stack.change_sets.get_mut(id));
    let record = match doc {
        Some(doc) => doc.get(&store)?.clone(),
        None => None,
    };
    let record = record.ok_or_else(|| not_found(id))?;
    Ok((place, tail, record))
}

/// ListChangeSets.
pub(super) fn list(world: &mut World, at: &StackAddress) -> Result<Vec<String>, CloudError> {
    Ok(world.stack(at)?.change_sets.keys().cloned().collect())
}

/// DescribeChangeSet.
pub(super) fn describe(
    world: &mut World,
    region: &Region,
    id: &str,
) -> Result<ChangeSet, CloudError> {
    let (place, tail, record) = record(world, region, id)?;
    let head = &world.areas[&place][&tail].head;
    let untouched = record.execution == ExecutionStatus::Available;
    let execution = match record.execution {
        ExecutionStatus::Available if untouched && record.serial != head.serial => {
            ExecutionStatus::Obsolete
        }
        ExecutionStatus::ExecuteInProgress if !head.status.in_progress() => {
            match head.status.succeeded() {
                true => ExecutionStatus::ExecuteComplete,
                false => ExecutionStatus::ExecuteFailed,
            }
        }
        other => other,
    };
    Ok(ChangeSet {
        id: record.id,
        name: record.name,
        stack_id: record.stack_id,
        status: record.status,
        execution,
        reason: record.reason,
        tags: record.definition.tags,
        changes: record.changes,
    })
}

/// ExecuteChangeSet.
pub(super) fn execute(
    world: &mut World,
    region: &Region,
    id: &str,
    token: &str,
    now: Millis,
) -> Result<(), CloudError> {
    let seen = describe(world, region, id)?;
    let (place, tail, record) = record(world, region, id)?;
    if record.executed.as_deref() == Some(token) {
        return Ok(());
    }
    if seen.status != ChangeSetStatus::CreateComplete {
        return Err(refused(format!(
            "ChangeSet [{id}] cannot be executed in its current status of [{}]",
            seen.status
        )));
    }
    if seen.execution != ExecutionStatus::Available {
        return Err(refused(format!(
            "ChangeSet [{id}] cannot be executed in its current execution status of [{}]",
            seen.execution
        )));
    }
    let store = world.realm.store.clone();
    let stack = world
        .areas
        .get_mut(&place)
        .and_then(|area| area.get_mut(&tail))
        .ok_or_else(|| not_found(id))?;
    if stack.head.status.in_progress() {
        return Err(not_now(&stack.head));
    }
    drop_others(stack, id, &mut world.realm.removed);
    if let Some(doc) = stack.change_sets.get_mut(id)
        && let Some(record) = doc.edit(&store)?
    {
        record.execution = ExecutionStatus::ExecuteInProgress;
        record.executed = Some(token.to_owned());
    }
    let (verb, status) = match record.kind {
        ChangeSetKind::Create => (Verb::Create, StackStatus::CreateInProgress),
        ChangeSetKind::Update => (Verb::Update, StackStatus::UpdateInProgress),
        ChangeSetKind::Import => (Verb::Import, StackStatus::ImportInProgress),
    };
    let operation = Operation {
        verb,
        phase: Phase::Forward,
        token: Some(token.to_owned()),
        change_set: Some(id.to_owned()),
        target: record.definition,
        tasks: Vec::new(),
        at: now,
        used: BTreeSet::new(),
        failed: Vec::new(),
        failed_at: Default::default(),
        cause: None,
        imports: record.imports,
        spared: BTreeSet::new(),
        orphans: false,
        abandoned: false,
    };
    world.engine(&place, &tail, now, |engine| {
        engine.start(operation, status);
        engine.with_making(|engine, making| {
            let tasks = Engine::puts(making, verb);
            engine.next_phase(Phase::Forward, tasks);
            engine.run(Some(making))
        })
    })
}

/// Executing a change set deletes the stack's others.
fn drop_others(stack: &mut Stack, id: &str, removed: &mut Vec<String>) {
    stack.changed = true;
    let others: Vec<String> =
        stack.change_sets.keys().filter(|other| *other != id).cloned().collect();
    for other in others {
        removed.extend(stack.drop_change_set(&other));
    }
}

/// DeleteChangeSet.
pub(super) fn delete(world: &mut World, region: &Region, id: &str) -> Result<(), CloudError> {
    let Some((place, tail)) = find(world, region, id) else {
        return Ok(());
    };
    let execution = describe(world, region, id)?.execution;
    if execution == ExecutionStatus::ExecuteInProgress {
        return Err(refused(format!(
            "ChangeSet [{id}] cannot be deleted in its current execution status of [{execution}]"
        )));
    }
    let removed = &mut world.realm.removed;
    if let Some(stack) = world.areas.get_mut(&place).and_then(|area| area.get_mut(&tail)) {
        stack.changed = true;
        removed.extend(stack.drop_change_set(id));
    }
    Ok(())
}
