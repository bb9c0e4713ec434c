//! Operations on stacks: what happens in which order, and what CloudFormation says of it.
//!
//! An [`Engine`] holds one stack and moves its operation on until it waits for time to pass, is over, or the client
//! dies. An operation has phases (see [`Phase`]), a phase has tasks, a task waits for others; what a task does to its
//! resource is in `steps`. Everything that an operation needs stands in the stack's body, so it can go on in another
//! process.
//! Sources: CloudFormation User Guide, "Understand CloudFormation stack creation events", "Stack update failure
//! options", "Continue rolling back an update"; statuses and reasons as DescribeStackEvents gives them.

use std::collections::BTreeMap;

use super::actions::Actor;
use super::faults::Faults;
use super::intrinsics::{Evaluator, Pseudo, Resources};
use super::names::uuid;
use super::schema;
use super::state::{
    Act, Body, Definition, Head, Millis, Operation, Outcome, Phase, Place, Record, Task, TaskState,
};
use super::template::Template;
use super::things::Things;
use super::world::{Realm, World, iso};
use crate::cloud::{CloudError, StackEvent, StackStatus};
use crate::document::Value;

/// What other stacks of the place export and use.
#[derive(Default)]
pub(super) struct Neighbours {
    /// Export to value and exporting stack.
    pub exports: BTreeMap<String, (String, String)>,
    /// Export to the stacks that use it.
    pub users: BTreeMap<String, Vec<String>>,
}

/// One stack, and all that its operation touches.
pub(super) struct Engine<'a> {
    pub realm: &'a mut Realm,
    pub faults: &'a mut Faults,
    pub neighbours: Neighbours,
    pub place: &'a Place,
    pub dir: &'a str,
    pub head: &'a mut Head,
    pub body: &'a mut Body,
    pub events: &'a mut Vec<StackEvent>,
    pub now: Millis,
}

/// The stack's resources, as functions see them.
pub(super) struct View<'a> {
    pub records: &'a BTreeMap<String, Record>,
    pub things: &'a Things,
}

impl Resources for View<'_> {
    fn reference(&self, id: &str) -> Option<String> {
        let record = self.records.get(id)?;
        (!record.physical.is_empty()).then(|| record.physical.clone())
    }

    fn attribute(&self, id: &str, attribute: &str) -> Option<Value> {
        let record = self.records.get(id)?;
        let thing = self.things.peek(&record.key)?;
        let path: Vec<&str> = attribute.split('.').collect();
        let made = thing.attributes.get(attribute);
        let value = made.map(|text| text.clone().into());
        let value = value.or_else(|| thing.properties.at(&path).cloned());
        let known = schema::has_attribute(&record.kind, attribute);
        value.or_else(|| known.then(|| format!("{}-{attribute}", record.physical).into()))
    }
}

impl World {
    /// Runs `work` on a stack's engine.
    pub fn engine<R>(
        &mut self,
        place: &Place,
        tail: &str,
        now: Millis,
        work: impl FnOnce(&mut Engine<'_>) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let neighbours = self.neighbours(place, tail);
        let area = self.areas.get_mut(place);
        let stack =
            area.and_then(|area| area.get_mut(tail)).ok_or_else(|| super::world::missing(tail))?;
        let store = self.realm.store.clone();
        let body = stack.body.edit(&store)?;
        for record in body.resources.values() {
            self.realm.things.get(&store, &record.key)?;
        }
        stack.changed = true;
        let mut engine = Engine {
            realm: &mut self.realm,
            faults: &mut self.faults,
            neighbours,
            place,
            dir: &stack.dir,
            head: &mut stack.head,
            body,
            events: stack.events.edit(&store)?,
            now,
        };
        work(&mut engine)
    }

    /// What the other stacks of a place export and use.
    pub fn neighbours(&self, place: &Place, tail: &str) -> Neighbours {
        let mut neighbours = Neighbours::default();
        for (own, stack) in self.areas.get(place).into_iter().flatten() {
            if own == tail {
                continue;
            }
            let name = stack.head.name.to_string();
            for (export, value) in &stack.head.exports {
                let entry = (value.clone(), name.clone());
                neighbours.exports.insert(export.clone(), entry);
            }
            for export in &stack.head.imports {
                let users = neighbours.users.entry(export.clone()).or_default();
                users.push(name.clone());
            }
        }
        neighbours
    }
}

impl Engine<'_> {
    /// Adds an event.
    pub fn tell(
        &mut self,
        id: &str,
        physical: &str,
        kind: &str,
        status: &str,
        reason: Option<&str>,
    ) {
        let operation = self.body.operation.as_ref();
        let at = operation.map_or(self.now, |operation| operation.at);
        let count = self.events.len();
        let event = if kind == STACK {
            uuid(&format!("{} event {count}", self.head.id))
        } else {
            // The id of a resource's event ends in its time; the count tells apart those of one millisecond.
            format!("{id}-{status}-{}-{count}", iso(at))
        };
        self.events.push(StackEvent {
            id: event,
            timestamp: iso(at),
            logical_id: id.to_owned(),
            physical_id: physical.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            token: operation.and_then(|operation| operation.token.clone()),
        });
    }

    /// Gives the stack a status, and says so.
    pub fn become_status(&mut self, status: StackStatus, reason: Option<&str>) {
        self.head.status = status;
        self.head.reason = reason.map(str::to_owned);
        let (name, id) = (self.head.name.to_string(), self.head.id.clone());
        self.tell(&name, &id, STACK, status.as_str(), reason);
    }

    /// Starts an operation; [`advance`](Engine::advance) moves it on.
    pub fn start(&mut self, mut operation: Operation, status: StackStatus) {
        self.head.serial += 1;
        operation.at = self.now;
        self.body.operation = Some(operation);
        self.become_status(status, Some("User Initiated"));
    }

    /// Moves the operation on as far as it goes by now.
    pub fn advance(&mut self) -> Result<(), CloudError> {
        let Some(operation) = &self.body.operation else {
            return Ok(());
        };
        match operation.phase {
            Phase::Forward => self.with_making(|engine, making| engine.run(Some(making))),
            _ => self.run(None),
        }
    }

    /// The operation's target, read and ready to be made real.
    pub fn with_making<R>(
        &mut self,
        work: impl FnOnce(&mut Self, &Making<'_>) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let operation = self.body.operation.as_ref();
        let target = operation.map(|operation| operation.target.clone());
        let target = target.unwrap_or_default();
        let template = Template::read(&target.template)?;
        let pseudo = Pseudo::new(&self.realm.options, self.place, self.head);
        let exports = std::mem::take(&mut self.neighbours.exports);
        let lookup = |name: &str| exports.get(name).map(|(value, _)| value.clone());
        let evaluator = Evaluator::new(&template, &target.parameters, &pseudo, &lookup, false)?;
        let result = work(
            self,
            &Making {
                template: &template,
                evaluator: &evaluator,
                target: &target,
                exports: &exports,
            },
        );
        let used = evaluator.imported.take();
        drop(evaluator);
        self.neighbours.exports = exports;
        match &mut self.body.operation {
            Some(operation) => operation.used.extend(used),
            None if self.head.status.succeeded() => self.head.imports.extend(used),
            None => {}
        }
        result
    }

    /// On whose behalf the resources are made.
    pub fn actor<'b>(
        &self,
        definition: &'b Definition,
        id: &'b str,
        name: &'b str,
        shard: &'b str,
        place: &'b Place,
    ) -> Actor<'b> {
        Actor {
            place,
            stack_id: id,
            stack: name,
            shard,
            caller: definition.role.clone().unwrap_or_else(|| self.realm.options.caller_arn()),
            tags: &definition.tags,
        }
    }

    /// Moves on as far as it goes by now.
    pub fn run(&mut self, making: Option<&Making<'_>>) -> Result<(), CloudError> {
        loop {
            self.start_ready(making)?;
            let Some(operation) = &self.body.operation else {
                return Ok(());
            };
            if operation.abandoned {
                return Ok(());
            }
            let running = operation.tasks.iter().enumerate();
            let next = running
                .filter(|(_, task)| task.state == TaskState::Running)
                .map(|(at, task)| (task.due, at))
                .min();
            match next {
                None => self.end_phase(making)?,
                Some((due, _)) if due > self.now => return Ok(()),
                Some((due, at)) => self.finish(at, due),
            }
        }
    }

    fn start_ready(&mut self, making: Option<&Making<'_>>) -> Result<(), CloudError> {
        loop {
            let Some(operation) = &self.body.operation else {
                return Ok(());
            };
            let stopped = operation.phase == Phase::Forward && !operation.failed.is_empty();
            if operation.abandoned || stopped {
                return Ok(());
            }
            let tasks = &operation.tasks;
            let ready: Vec<usize> = (0..tasks.len())
                .filter(|at| tasks[*at].state == TaskState::Waiting)
                .filter(|at| {
                    let mut first = tasks[*at].after.iter();
                    first.all(|first| tasks[*first].state == TaskState::Done)
                })
                .collect();
            if ready.is_empty() {
                return Ok(());
            }
            let mut again = false;
            for at in ready {
                again |= self.begin(at, making)?;
                let operation = self.body.operation.as_ref();
                if operation.is_none_or(|operation| operation.abandoned) {
                    return Ok(());
                }
            }
            // Tasks that had nothing to do are done at once and let others begin.
            if !again {
                return Ok(());
            }
        }
    }

    /// Begins a task. Answers whether it is over already.
    fn begin(&mut self, at: usize, making: Option<&Making<'_>>) -> Result<bool, CloudError> {
        let Some(operation) = &self.body.operation else {
            return Ok(false);
        };
        let task = operation.tasks[at].clone();
        let outcome = self.perform(&task, making)?;
        let slow = self.faults.slow as Millis;
        let kind = self.kind_of(&task);
        let crashed = self.faults.crashes(self.head.name.as_str(), &task.id, &kind);
        let Some(operation) = &mut self.body.operation else {
            return Ok(false);
        };
        operation.abandoned |= crashed;
        self.realm.crashed |= crashed;
        let due = operation.at + slow;
        let task = &mut operation.tasks[at];
        task.due = due;
        task.state = match outcome {
            Outcome::Silent => TaskState::Done,
            _ => TaskState::Running,
        };
        task.outcome = outcome;
        Ok(task.state == TaskState::Done)
    }

    fn kind_of(&self, task: &Task) -> String {
        match &task.act {
            Act::Delete(leftover) => leftover.kind.clone(),
            _ => self
                .body
                .resources
                .get(&task.id)
                .map(|record| record.kind.clone())
                .unwrap_or_default(),
        }
    }

    /// Ends a task whose time has come.
    fn finish(&mut self, at: usize, due: Millis) {
        let Some(operation) = &mut self.body.operation else {
            return;
        };
        operation.at = operation.at.max(due);
        let forward = operation.phase == Phase::Forward;
        let task = operation.tasks[at].clone();
        match &task.outcome {
            Outcome::Silent => operation.tasks[at].state = TaskState::Done,
            Outcome::Told(status) => {
                operation.tasks[at].state = TaskState::Done;
                self.conclude(&task, status, None);
                if status == "IMPORT_COMPLETE" {
                    let tags = "Apply stack-level tags to imported resource if applicable.";
                    self.conclude(&task, "UPDATE_IN_PROGRESS", Some(tags));
                    self.conclude(&task, "UPDATE_COMPLETE", None);
                }
            }
            Outcome::Failed(status, reason) => {
                // What is no longer needed is tried three times before it is let go.
                let patient = matches!(operation.phase, Phase::Cleanup | Phase::BackwardCleanup);
                let tries = &mut operation.tasks[at].tries;
                *tries += 1;
                let again = patient && *tries < 3;
                operation.tasks[at].state = match again {
                    true => TaskState::Waiting,
                    false => TaskState::Failed,
                };
                if !again {
                    operation.failed.push(task.id.clone());
                    let verb = status.split('_').next().unwrap_or_default();
                    operation.failed_at.insert(task.id.clone(), verb.to_lowercase());
                }
                self.conclude(&task, status, Some(reason));
                if forward {
                    self.cancel_running();
                }
            }
        }
    }

    /// One resource failed, so the others that are under way are cancelled.
    fn cancel_running(&mut self) {
        let Some(operation) = &mut self.body.operation else {
            return;
        };
        let mut ended = Vec::new();
        for task in &mut operation.tasks {
            if task.state != TaskState::Running {
                continue;
            }
            task.state = TaskState::Failed;
            let (status, reason) = match &task.outcome {
                Outcome::Failed(status, reason) => (status.clone(), reason.clone()),
                Outcome::Told(status) => {
                    let verb = status.split('_').next().unwrap_or_default();
                    let what = match verb {
                        "CREATE" => "creation",
                        "IMPORT" => "import",
                        _ => "update",
                    };
                    (format!("{verb}_FAILED"), format!("Resource {what} cancelled"))
                }
                Outcome::Silent => continue,
            };
            let verb = status.split('_').next().unwrap_or_default().to_lowercase();
            operation.failed.push(task.id.clone());
            operation.failed_at.insert(task.id.clone(), verb);
            ended.push((task.clone(), status, reason));
        }
        for (task, status, reason) in ended {
            self.conclude(&task, &status, Some(&reason));
        }
    }

    /// Tells the end of a task, and remembers it at the resource.
    fn conclude(&mut self, task: &Task, status: &str, reason: Option<&str>) {
        match &task.act {
            Act::Delete(leftover) => {
                self.tell(&task.id, &leftover.physical, &leftover.kind, status, reason);
                let current = self.body.resources.get_mut(&task.id);
                let Some(record) = current.filter(|record| record.key == leftover.key) else {
                    return;
                };
                if status == "DELETE_FAILED" {
                    record.status = status.to_owned();
                    record.reason = reason.map(str::to_owned);
                } else {
                    self.body.resources.remove(&task.id);
                }
            }
            _ => {
                let Some(record) = self.body.resources.get_mut(&task.id) else {
                    return;
                };
                record.status = status.to_owned();
                record.reason = reason.map(str::to_owned);
                let (physical, kind) = (record.physical.clone(), record.kind.clone());
                self.tell(&task.id, &physical, &kind, status, reason);
            }
        }
    }
}

/// The template that an operation makes real.
pub(super) struct Making<'a> {
    pub template: &'a Template,
    pub evaluator: &'a Evaluator<'a>,
    pub target: &'a Definition,
    pub exports: &'a BTreeMap<String, (String, String)>,
}

/// The type of a stack's own events.
pub(super) const STACK: &str = "AWS::CloudFormation::Stack";
