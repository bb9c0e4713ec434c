//! What an operation's tasks do to their resources, and which tasks a phase has.
//!
//! Each step decides on its resource from the template, the record and the thing as they are now, tells its
//! beginning, and answers with how it will end. Read `operation` first.

use std::collections::BTreeMap;

use super::actions::{self, Acted, Effect, Made};
use super::faults::FailAt;
use super::operation::{Engine, Making, View};
use super::schema;
use super::state::{Act, Before, Definition, Leftover, Outcome, Record, Task};
use super::template::Resource;
use crate::cloud::CloudError;
use crate::document::Value;

/// Whether a deletion policy keeps the resource when the stack no longer holds it.
pub(super) fn keeps(policy: Option<&str>) -> bool {
    matches!(policy, Some("Retain" | "RetainExceptOnCreate"))
}

impl Engine<'_> {
    /// Does what a task is for, and says how it will end.
    pub fn perform(
        &mut self,
        task: &Task,
        making: Option<&Making<'_>>,
    ) -> Result<Outcome, CloudError> {
        match (&task.act, making) {
            (Act::Put, Some(making)) => self.put(&task.id, making),
            (Act::Import, Some(making)) => self.import(&task.id, making),
            (Act::Put | Act::Import, None) => Ok(Outcome::Silent),
            (Act::Restore, _) => self.restore(&task.id),
            (Act::Delete(leftover), _) => self.delete(leftover),
        }
    }

    fn put(&mut self, id: &str, making: &Making<'_>) -> Result<Outcome, CloudError> {
        let Some(resource) = making.template.resources.get(id) else {
            return Ok(Outcome::Silent);
        };
        let view = View { records: &self.body.resources, things: &self.realm.things };
        let declared = match making.evaluator.value(&resource.properties, &view) {
            Ok(declared) => declared.unwrap_or_default(),
            Err(CloudError::Refused(text)) => return Ok(self.refused(id, resource, text)),
            Err(other) => return Err(other),
        };
        let metadata = match making.evaluator.value(&resource.metadata, &view) {
            Ok(metadata) => metadata.unwrap_or_default(),
            Err(_) => resource.metadata.clone(),
        };
        let record = Record {
            kind: resource.kind.clone(),
            physical: String::new(),
            key: String::new(),
            status: "CREATE_IN_PROGRESS".into(),
            reason: None,
            declared,
            deletion_policy: resource.deletion_policy.clone(),
            replace_policy: resource.replace_policy.clone(),
            metadata,
            depends: making.template.needs(id),
            before: Some(Before::Nothing),
        };
        // What a failed creation left without a physical id is made, not updated.
        match self.body.resources.get(id).cloned() {
            Some(old) if !old.key.is_empty() => self.change(id, old, record, making),
            _ => self.create(id, record, making),
        }
    }

    /// A function of the resource has no value, so the resource fails before its service is asked.
    fn refused(&mut self, id: &str, resource: &Resource, text: String) -> Outcome {
        let status = match self.body.resources.get(id) {
            Some(_) => "UPDATE_FAILED",
            None => {
                let record = Record {
                    kind: resource.kind.clone(),
                    physical: String::new(),
                    key: String::new(),
                    status: "CREATE_IN_PROGRESS".into(),
                    reason: None,
                    declared: Value::Null,
                    deletion_policy: None,
                    replace_policy: None,
                    metadata: Value::Null,
                    depends: Vec::new(),
                    before: Some(Before::Nothing),
                };
                self.body.resources.insert(id.to_owned(), record);
                "CREATE_FAILED"
            }
        };
        Outcome::Failed(status.into(), text)
    }

    fn create(
        &mut self,
        id: &str,
        mut record: Record,
        making: &Making<'_>,
    ) -> Result<Outcome, CloudError> {
        let kind = record.kind.clone();
        self.tell(id, "", &kind, "CREATE_IN_PROGRESS", None);
        let declared = record.declared.clone();
        let made = self.make(id, &kind, &declared, making.target)?;
        let outcome = match made {
            Ok(made) => {
                record.physical = made.physical.clone();
                record.key = made.key;
                let initiated = Some("Resource creation Initiated");
                self.tell(id, &made.physical, &kind, "CREATE_IN_PROGRESS", initiated);
                Outcome::Told("CREATE_COMPLETE".into())
            }
            Err(reason) => Outcome::Failed("CREATE_FAILED".into(), reason),
        };
        self.body.resources.insert(id.to_owned(), record);
        Ok(outcome)
    }

    /// Makes a physical resource, unless it is told to fail.
    fn make(
        &mut self,
        id: &str,
        kind: &str,
        declared: &Value,
        definition: &Definition,
    ) -> Acted<Made> {
        let stack = self.head.name.to_string();
        if let Some(reason) = self.faults.fails(&stack, id, kind, FailAt::Create) {
            return Ok(Err(self.faulty(id, &reason)));
        }
        self.body.names += 1;
        let seed = format!("{} {id} {}", self.head.id, self.body.names);
        let stack_id = self.head.id.clone();
        let actor = self.actor(definition, &stack_id, &stack, self.dir, self.place);
        actions::create(self.realm, &actor, id, kind, declared, seed)
    }

    /// The reason of a fault, in the form that services have.
    fn faulty(&self, id: &str, reason: &str) -> String {
        let refusal = super::services::refuse("GeneralServiceException", reason);
        actions::told(&refusal, &format!("{} {id} {}", self.head.id, self.events.len()))
    }

    fn change(
        &mut self,
        id: &str,
        old: Record,
        new: Record,
        making: &Making<'_>,
    ) -> Result<Outcome, CloudError> {
        let kind = old.kind.clone();
        let mut effect = actions::effect(&kind, &old.declared, &new.declared);
        let retagged = self.body.definition.tags != making.target.tags;
        if effect == Effect::None && retagged && schema::tags(&kind).is_some() {
            effect = Effect::InPlace;
        }
        let told = effect != Effect::None || old.metadata != new.metadata;
        // A second try after a failure goes back to the state before the first.
        let before = match &old.before {
            Some(before) => before.clone(),
            None => Before::Was(Box::new(old.clone())),
        };
        let mut record = Record {
            physical: old.physical.clone(),
            key: old.key.clone(),
            status: old.status.clone(),
            reason: old.reason.clone(),
            before: Some(before),
            ..new
        };
        if !told {
            self.body.resources.insert(id.to_owned(), record);
            return Ok(Outcome::Silent);
        }
        let anew = "Requested update requires the creation of a new physical resource; hence creating one.";
        let reason = (effect == Effect::Replace).then_some(anew);
        self.tell(id, &old.physical, &kind, "UPDATE_IN_PROGRESS", reason);
        let result = match effect {
            Effect::Replace => self.replace(id, &old, &mut record, making)?,
            Effect::Fails(reason) => Err(reason.to_owned()),
            Effect::None => Ok(()),
            Effect::InPlace | Effect::MayReplace => {
                self.update(id, &old, &record.declared, making.target)?
            }
        };
        Ok(match result {
            Ok(()) => {
                self.body.resources.insert(id.to_owned(), record);
                Outcome::Told("UPDATE_COMPLETE".into())
            }
            Err(reason) => {
                // It is as it was; the rollback will find nothing to restore.
                record.declared = old.declared;
                self.body.resources.insert(id.to_owned(), record);
                Outcome::Failed("UPDATE_FAILED".into(), reason)
            }
        })
    }

    fn update(
        &mut self,
        id: &str,
        old: &Record,
        declared: &Value,
        definition: &Definition,
    ) -> Acted<()> {
        let stack = self.head.name.to_string();
        if let Some(reason) = self.faults.fails(&stack, id, &old.kind, FailAt::Update) {
            return Ok(Err(self.faulty(id, &reason)));
        }
        let stack_id = self.head.id.clone();
        let actor = self.actor(definition, &stack_id, &stack, self.dir, self.place);
        let before = (&old.declared, &self.body.definition.tags);
        actions::update(self.realm, &actor, id, &old.key, before, declared)
    }

    fn replace(
        &mut self,
        id: &str,
        old: &Record,
        record: &mut Record,
        making: &Making<'_>,
    ) -> Acted<()> {
        if let Some(name) = schema::blocked(&old.kind, &old.declared, &record.declared) {
            return Ok(Err(format!(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the stack again."
            )));
        }
        if schema::delete_first(&old.kind)
            && let Err(reason) = actions::delete(self.realm, &old.key)?
        {
            return Ok(Err(reason));
        }
        let declared = record.declared.clone();
        let made = match self.make(id, &old.kind, &declared, making.target)? {
            Ok(made) => made,
            Err(reason) => return Ok(Err(reason)),
        };
        record.physical = made.physical.clone();
        record.key = made.key;
        let initiated = Some("Resource creation Initiated");
        self.tell(id, &made.physical, &old.kind, "UPDATE_IN_PROGRESS", initiated);
        Ok(Ok(()))
    }

    fn import(&mut self, id: &str, making: &Making<'_>) -> Result<Outcome, CloudError> {
        let operation = self.body.operation.as_ref();
        let targets = operation.map(|operation| operation.imports.clone());
        let wanted = targets.unwrap_or_default();
        let Some(target) = wanted.iter().find(|target| target.logical_id.as_str() == id) else {
            return self.put(id, making);
        };
        let Some(resource) = making.template.resources.get(id) else {
            return Ok(Outcome::Silent);
        };
        let identifier = identifier_of(&target.kind, &target.identifier);
        let kind = target.kind.clone();
        let started = Some("Resource import started.");
        self.tell(id, &identifier, &kind, "IMPORT_IN_PROGRESS", started);
        let view = View { records: &self.body.resources, things: &self.realm.things };
        let declared = match making.evaluator.value(&resource.properties, &view) {
            Ok(declared) => declared.unwrap_or_default(),
            Err(CloudError::Refused(text)) => {
                return Ok(Outcome::Failed("IMPORT_FAILED".into(), text));
            }
            Err(other) => return Err(other),
        };
        let stack = self.head.name.to_string();
        let stack_id = self.head.id.clone();
        let fault = self.faults.fails(&stack, id, &kind, FailAt::Import);
        let actor = self.actor(making.target, &stack_id, &stack, self.dir, self.place);
        let taken = match fault {
            Some(reason) => Err(self.faulty(id, &reason)),
            None => actions::import(self.realm, &actor, &kind, &identifier)?,
        };
        let (made, outcome) = match taken {
            Ok(made) => (made, Outcome::Told("IMPORT_COMPLETE".into())),
            Err(reason) => {
                let made = Made { key: String::new(), physical: identifier };
                (made, Outcome::Failed("IMPORT_FAILED".into(), reason))
            }
        };
        let record = Record {
            kind,
            physical: made.physical,
            key: made.key,
            status: "IMPORT_IN_PROGRESS".into(),
            reason: None,
            declared,
            deletion_policy: resource.deletion_policy.clone(),
            replace_policy: resource.replace_policy.clone(),
            metadata: resource.metadata.clone(),
            depends: making.template.needs(id),
            before: Some(Before::Nothing),
        };
        self.body.resources.insert(id.to_owned(), record);
        Ok(outcome)
    }

    /// Puts a resource back to what it was before the operation.
    fn restore(&mut self, id: &str) -> Result<Outcome, CloudError> {
        let Some(record) = self.body.resources.get(id).cloned() else {
            return Ok(Outcome::Silent);
        };
        let Some(Before::Was(old)) = record.before.clone() else {
            return Ok(Outcome::Silent);
        };
        let stack = self.head.name.to_string();
        let target = self.body.operation.as_ref().map(|it| it.target.clone());
        let target = target.unwrap_or_default();
        let nothing = record.key == old.key
            && record.declared == old.declared
            && target.tags == self.body.definition.tags
            && record.status != "UPDATE_FAILED";
        let known = |record: Record| Record { before: Some(Before::Was(old.clone())), ..record };
        if nothing {
            self.body.resources.insert(id.to_owned(), known(*old.clone()));
            return Ok(Outcome::Silent);
        }
        self.tell(id, &record.physical, &record.kind, "UPDATE_IN_PROGRESS", None);
        if let Some(reason) = self.faults.fails(&stack, id, &record.kind, FailAt::Rollback) {
            let reason = self.faulty(id, &reason);
            return Ok(Outcome::Failed("UPDATE_FAILED".into(), reason));
        }
        let result = self.put_back(id, &record, &old, &target)?;
        Ok(match result {
            Ok(()) => {
                self.body.resources.insert(id.to_owned(), known(*old.clone()));
                Outcome::Told("UPDATE_COMPLETE".into())
            }
            Err(reason) => Outcome::Failed("UPDATE_FAILED".into(), reason),
        })
    }

    fn put_back(
        &mut self,
        id: &str,
        record: &Record,
        old: &Record,
        target: &Definition,
    ) -> Acted<()> {
        let stack = self.head.name.to_string();
        let stack_id = self.head.id.clone();
        let definition = self.body.definition.clone();
        let actor = self.actor(&definition, &stack_id, &stack, self.dir, self.place);
        if record.key == old.key {
            let same = record.declared == old.declared && target.tags == definition.tags;
            if same && self.realm.things.has(&old.key) {
                return Ok(Ok(()));
            }
            let before = (&record.declared, &target.tags);
            return actions::update(self.realm, &actor, id, &old.key, before, &old.declared);
        }
        self.body.leftover.push(Leftover {
            id: id.to_owned(),
            kind: record.kind.clone(),
            key: record.key.clone(),
            physical: record.physical.clone(),
            depends: record.depends.clone(),
            keep: false,
        });
        if schema::delete_first(&old.kind) && !self.realm.things.has(&old.key) {
            let seed = format!("{stack_id} {id} restored");
            let made = actions::create(self.realm, &actor, id, &old.kind, &old.declared, seed)?;
            return Ok(made.map(|_| ()));
        }
        Ok(Ok(()))
    }

    fn delete(&mut self, leftover: &Leftover) -> Result<Outcome, CloudError> {
        let Leftover { id, kind, key, physical, keep, .. } = leftover;
        if *keep {
            if !key.is_empty() {
                actions::let_go(self.realm, key)?;
            }
            return Ok(Outcome::Told("DELETE_SKIPPED".into()));
        }
        if key.is_empty() {
            return Ok(Outcome::Told("DELETE_COMPLETE".into()));
        }
        self.tell(id, physical, kind, "DELETE_IN_PROGRESS", None);
        let stack = self.head.name.to_string();
        let result = match self.faults.fails(&stack, id, kind, FailAt::Delete) {
            Some(reason) => Err(self.faulty(id, &reason)),
            None => actions::delete(self.realm, key)?,
        };
        Ok(match result {
            Ok(()) => Outcome::Told("DELETE_COMPLETE".into()),
            Err(reason) => Outcome::Failed("DELETE_FAILED".into(), reason),
        })
    }
}

/// The primary identifier of an import's target, its parts in the schema's order, joined as Cloud Control does.
pub(super) fn identifier_of(kind: &str, parts: &BTreeMap<String, String>) -> String {
    let ordered: Vec<&str> = schema::identifier(kind)
        .iter()
        .filter_map(|part| parts.get(*part).map(String::as_str))
        .collect();
    ordered.join("|")
}
