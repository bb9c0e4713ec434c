//! What follows when a phase of an operation is over: the next one, the way back, or the end.
//!
//! The statuses that a stack goes through are decided here and nowhere else. Read `operation` first.
//! Sources: CloudFormation User Guide, "View stack events" (the table of statuses), "Stack failure options".

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Engine, Making, View};
use super::state::{Act, Before, Leftover, Phase, Task, TaskState, Verb};
use crate::cloud::{CloudError, StackStatus};

impl Engine<'_> {
    /// A phase has no task left that could run: on to the next, or to the end.
    pub fn end_phase(&mut self, making: Option<&Making<'_>>) -> Result<(), CloudError> {
        let Some(operation) = &self.body.operation else {
            return Ok(());
        };
        let (verb, phase) = (operation.verb, operation.phase);
        let failed = !operation.failed.is_empty();
        match (phase, failed) {
            (Phase::Forward, false) => {
                let outputs = match making {
                    Some(making) => self.outputs(making)?,
                    None => Ok(()),
                };
                match outputs {
                    Ok(()) => self.forward_done(),
                    Err(cause) => {
                        if let Some(operation) = &mut self.body.operation {
                            operation.cause = Some(cause);
                        }
                        self.turn_back();
                    }
                }
            }
            (Phase::Forward, true) => self.turn_back(),
            (Phase::Cleanup, orphans) => {
                self.drop_orphans()?;
                let reason = orphans
                    .then_some("Update successful. One or more resources could not be deleted.");
                self.end(StackStatus::UpdateComplete, reason);
            }
            (Phase::Unmake, false) => {
                let status = match verb {
                    Verb::Import => StackStatus::ImportRollbackComplete,
                    _ => StackStatus::RollbackComplete,
                };
                self.end(status, None);
            }
            (Phase::Unmake, true) => self.end_failed(StackStatus::RollbackFailed),
            (Phase::Backward, true) => self.end_failed(StackStatus::UpdateRollbackFailed),
            (Phase::Backward, false) => {
                self.body
                    .resources
                    .values_mut()
                    .filter(|record| !matches!(record.before, Some(Before::Nothing)))
                    .for_each(|record| record.before = None);
                self.become_status(StackStatus::UpdateRollbackCompleteCleanupInProgress, None);
                let tasks = self.leftovers();
                self.next_phase(Phase::BackwardCleanup, tasks);
            }
            (Phase::BackwardCleanup, _) => {
                self.drop_orphans()?;
                self.body.leftover.clear();
                self.end(StackStatus::UpdateRollbackComplete, None);
            }
            (Phase::Delete, false) => {
                self.head.exports.clear();
                self.head.imports.clear();
                self.end(StackStatus::DeleteComplete, None);
            }
            (Phase::Delete, true) => self.end_failed(StackStatus::DeleteFailed),
        }
        Ok(())
    }

    /// Everything that the new template says is there.
    fn forward_done(&mut self) {
        let Some(operation) = &mut self.body.operation else {
            return;
        };
        self.body.definition = operation.target.clone();
        self.head.parameters = operation.target.parameters.clone();
        self.head.tags = operation.target.tags.clone();
        self.head.role = operation.target.role.clone();
        match operation.verb {
            Verb::Create => self.end(StackStatus::CreateComplete, None),
            Verb::Import => self.end(StackStatus::ImportComplete, None),
            Verb::Update | Verb::Delete => {
                self.become_status(StackStatus::UpdateCompleteCleanupInProgress, None);
                let tasks = self.cleanup();
                self.next_phase(Phase::Cleanup, tasks);
            }
        }
    }

    /// Something failed on the way forward.
    fn turn_back(&mut self) {
        let reason = self.blame();
        let keep = self.faults.keep_failed;
        let Some(operation) = &mut self.body.operation else {
            return;
        };
        let verb = operation.verb;
        if keep && verb != Verb::Import {
            if verb == Verb::Create {
                self.body.definition = operation.target.clone();
            }
            let status = match verb {
                Verb::Create => StackStatus::CreateFailed,
                _ => StackStatus::UpdateFailed,
            };
            self.end_keeping(status, Some(&reason));
            return;
        }
        let reason = match verb {
            Verb::Create => format!("{reason}Rollback requested by user."),
            _ => reason,
        };
        self.roll_back(&reason);
    }

    /// Starts to undo what the operation did.
    pub fn roll_back(&mut self, reason: &str) {
        let Some(operation) = &mut self.body.operation else {
            return;
        };
        match operation.verb {
            Verb::Create | Verb::Delete => {
                self.body.definition = operation.target.clone();
                self.head.tags = operation.target.tags.clone();
                self.head.parameters = operation.target.parameters.clone();
                self.become_status(StackStatus::RollbackInProgress, Some(reason));
                let tasks = self.deletions(&BTreeSet::new(), true);
                self.next_phase(Phase::Unmake, tasks);
            }
            Verb::Import => {
                self.become_status(StackStatus::ImportRollbackInProgress, Some(reason));
                let tasks = self.undo_import();
                self.next_phase(Phase::Unmake, tasks);
            }
            Verb::Update => {
                self.become_status(StackStatus::UpdateRollbackInProgress, Some(reason));
                let tasks = self.restorations(&BTreeSet::new());
                self.next_phase(Phase::Backward, tasks);
            }
        }
    }

    /// Whom CloudFormation blames: `The following resource(s) failed to create: [A, B]. `.
    fn blame(&self) -> String {
        let Some(operation) = &self.body.operation else {
            return String::new();
        };
        if let Some(cause) = &operation.cause {
            return format!("{} ", cause.trim_end());
        }
        let mut text = String::new();
        for verb in ["create", "update", "delete", "import"] {
            let who: Vec<&str> = operation
                .failed
                .iter()
                .filter(|id| operation.failed_at.get(*id).is_some_and(|at| at == verb))
                .map(String::as_str)
                .collect();
            if !who.is_empty() {
                let who = who.join(", ");
                text.push_str(&format!("The following resource(s) failed to {verb}: [{who}]. "));
            }
        }
        text
    }

    pub fn next_phase(&mut self, phase: Phase, tasks: Vec<Task>) {
        if let Some(operation) = &mut self.body.operation {
            operation.phase = phase;
            operation.tasks = tasks;
            operation.failed.clear();
            operation.failed_at.clear();
        }
    }

    fn end_failed(&mut self, status: StackStatus) {
        let reason = self.blame();
        self.end_keeping(status, Some(&reason));
    }

    /// The operation is over; what it changed stays known, so that it can be undone or continued.
    fn end_keeping(&mut self, status: StackStatus, reason: Option<&str>) {
        if let Some(operation) = &self.body.operation {
            self.body.attempt = Some(operation.target.clone());
            self.body.stuck = operation.failed.clone();
        }
        self.become_status(status, reason);
        self.over();
    }

    /// The operation is over, and there is no way back.
    fn end(&mut self, status: StackStatus, reason: Option<&str>) {
        for record in self.body.resources.values_mut() {
            record.before = None;
        }
        self.body.attempt = None;
        self.body.stuck = Vec::new();
        self.become_status(status, reason);
        self.over();
    }

    fn over(&mut self) {
        if let Some(operation) = self.body.operation.take() {
            self.head.updated = Some(operation.at);
            let done = matches!(
                self.head.status,
                StackStatus::CreateComplete
                    | StackStatus::UpdateComplete
                    | StackStatus::ImportComplete
            );
            if done {
                self.head.imports = operation.used;
            }
        }
    }

    /// Lets go of what could not be deleted.
    fn drop_orphans(&mut self) -> Result<(), CloudError> {
        let Some(operation) = &self.body.operation else {
            return Ok(());
        };
        let orphans: Vec<Leftover> = operation
            .tasks
            .iter()
            .filter(|task| task.state != TaskState::Done)
            .filter_map(|task| match &task.act {
                Act::Delete(leftover) => Some(leftover.clone()),
                _ => None,
            })
            .collect();
        for orphan in orphans {
            super::actions::let_go(self.realm, &orphan.key)?;
            let current = self.body.resources.get(&orphan.id);
            if current.is_some_and(|record| record.key == orphan.key) {
                self.body.resources.remove(&orphan.id);
            }
        }
        Ok(())
    }

    /// Gives the outputs their values; an export may be in the way.
    fn outputs(&mut self, making: &Making<'_>) -> Result<Result<(), String>, CloudError> {
        let view = View { records: &self.body.resources, things: &self.realm.things };
        let (mut outputs, mut exports) = (BTreeMap::new(), BTreeMap::new());
        for (name, output) in &making.template.outputs {
            if !making.evaluator.holds(output.condition.as_deref()) {
                continue;
            }
            let value = match making.evaluator.text(&output.value, &view) {
                Ok(value) => value,
                Err(CloudError::Refused(text)) => return Ok(Err(text)),
                Err(other) => return Err(other),
            };
            if let Some(export) = &output.export {
                let export = match making.evaluator.text(export, &view) {
                    Ok(export) => export,
                    Err(CloudError::Refused(text)) => return Ok(Err(text)),
                    Err(other) => return Err(other),
                };
                if let Some((_, stack)) = making.exports.get(&export) {
                    return Ok(Err(format!(
                        "Export with name {export} is already exported by stack {stack}. "
                    )));
                }
                exports.insert(export, value.clone());
            }
            outputs.insert(name.clone(), value);
        }
        for (export, value) in &self.head.exports {
            let Some(users) = self.neighbours.users.get(export) else {
                continue;
            };
            let users = users.join(", ");
            match exports.get(export) {
                Some(new) if new == value => {}
                Some(_) => {
                    return Ok(Err(format!(
                        "Export {export} cannot be updated as it is in use by {users}. "
                    )));
                }
                None => {
                    return Ok(Err(format!(
                        "Delete canceled. Cannot delete export {export} as it is in use by {users}. "
                    )));
                }
            }
        }
        self.head.outputs = outputs;
        self.head.exports = exports;
        Ok(Ok(()))
    }
}
