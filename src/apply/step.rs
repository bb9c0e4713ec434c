//! One stack, on its way from what it is to what the plan says.

use std::collections::BTreeMap;

use super::broken::{Broken, Failed};
use super::change_set::{Draft, Ready};
use super::event::What;
use super::follow::{Ended, Watch};
use super::import::{batches, import_template};
use super::message::explain;
use super::run::Run;
use crate::cloud::{
    BucketAddress, ChangeAction, ChangeSetKind, CloudError, ImportTarget, Stack, StackAddress,
    StackEvent, StackStatus,
};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::document::Value;
use crate::names::{Arn, BucketName};
use crate::plan::{Action, Consent, StackAction, StackPlan, holds};

/// How many versions one call lists and deletes (S3 API reference, DeleteObjects).
const PAGE: usize = 1_000;

/// Whether the cloud used these words, on the headline or where it was too short for them.
fn says(told: &Diagnostic, words: &str) -> bool {
    told.headline.contains(words) || told.notes.iter().any(|note| note.contains(words))
}

/// A stack that has become what the plan says.
pub(super) struct Done {
    /// `None`: it is gone.
    pub stack: Option<Stack>,
    pub events: Vec<StackEvent>,
    /// Whether the cloud had anything to do.
    pub changed: bool,
}

impl Run<'_> {
    /// Does what the plan says of one stack.
    pub(super) fn step(&self, stack: &StackPlan) -> Result<Done, Broken> {
        if self.halted() {
            return Err(Broken::NotBegun);
        }
        match stack.action {
            StackAction::Keep => Ok(Done { stack: None, events: Vec::new(), changed: false }),
            StackAction::Delete => {
                self.empty_buckets(stack)?;
                let ended = self.delete(stack, "delete")?;
                Ok(Done { stack: None, events: ended.events, changed: true })
            }
            StackAction::Create => self.make(stack, false),
            StackAction::Update => self.make(stack, true),
            StackAction::Recreate => {
                self.delete(stack, "clear")?;
                self.make(stack, false)
            }
        }
    }

    fn make(&self, stack: &StackPlan, mut there: bool) -> Result<Done, Broken> {
        let parameters = self.parameters(stack)?;
        let mut changed = false;
        let mut events = Vec::new();
        if !stack.imports.is_empty() {
            let mut current = if there { Some(self.deployed_template(stack)?) } else { None };
            for (number, batch) in batches(&stack.template, &stack.imports).into_iter().enumerate()
            {
                let template = import_template(&stack.template, current.as_ref(), &batch);
                if let Some(ready) = self.import(stack, &template, batch, number, &parameters)? {
                    let ended = self.execute(stack, ready)?;
                    events.extend(ended.events);
                    changed = true;
                }
                current = Some(template);
            }
            there = true;
        }
        let draft = Draft {
            kind: if there { ChangeSetKind::Update } else { ChangeSetKind::Create },
            template: stack.body(),
            parameters,
            tags: stack.tags.clone(),
            imports: Vec::new(),
            step: "change",
        };
        let mut end = None;
        if let Some(ready) = self.change_set(stack, draft)? {
            let ready = self.verified(stack, ready)?;
            self.empty_buckets(stack)?;
            let Ended { stack: last, events: more } = self.execute(stack, ready)?;
            end = last;
            events.extend(more);
            changed = true;
        }
        let end = self.protect(stack, end)?;
        self.remember(&stack.key, end.as_ref());
        Ok(Done { stack: end, events, changed })
    }

    /// The template that the stack has now.
    fn deployed_template(&self, stack: &StackPlan) -> Result<Value, Broken> {
        let doing = format!("reading the template of stack {}", stack.key);
        let at = StackAddress::new(&stack.key.region, stack.key.name.as_str());
        let text = self.watcher.insist(|| self.watcher.cloud.template(&at));
        let text = text.map_err(|error| Broken::call(error, &doing))?;
        Value::from_json(&text).map_err(|error| {
            Broken::call(CloudError::Refused(format!("it is not JSON: {error}")), &doing)
        })
    }

    /// The change set that takes existing resources in, alone.
    fn import(
        &self,
        stack: &StackPlan,
        template: &Value,
        imports: Vec<ImportTarget>,
        number: usize,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Option<Ready>, Broken> {
        let declared = template.get("Parameters").and_then(Value::as_map);
        let given = parameters
            .iter()
            .filter(|(name, _)| declared.is_some_and(|map| map.get(name).is_some()))
            .map(|(name, value)| (name.clone(), value.clone()));
        let given: BTreeMap<String, String> = given.collect();
        let draft = |tags: BTreeMap<String, String>, step: &str| {
            let draft = Draft {
                kind: ChangeSetKind::Import,
                parameters: given.clone(),
                template: crate::stacks::body(template),
                tags,
                imports: imports.clone(),
                step,
            };
            self.change_set(stack, draft)
        };
        let ready = match draft(stack.tags.clone(), &format!("import-{number}")) {
            // An import may not change the tags of a stack; where even the first ones count as a
            // change, they come with the update that follows.
            Err(Broken::Refused(told)) if says(&told, "modify or add [Tags]") => {
                draft(BTreeMap::new(), &format!("import-{number}-untagged"))?
            }
            answer => answer?,
        };
        let Some(ready) = ready else { return Ok(None) };
        let other: Vec<String> = ready
            .set
            .changes
            .iter()
            .filter(|change| {
                let wanted = stack.imports.iter().any(|it| it.logical_id == change.logical_id);
                change.action != ChangeAction::Import || !wanted
            })
            .map(|change| format!("{:?} {} ({})", change.action, change.logical_id, change.kind))
            .collect();
        if other.is_empty() { Ok(Some(ready)) } else { Err(self.surprised(stack, ready, other)) }
    }

    /// A change set that does what the plan says, no more and no less; another is deleted.
    fn verified(&self, stack: &StackPlan, ready: Ready) -> Result<Ready, Broken> {
        let surprises = holds(stack, &ready.set).err().unwrap_or_default();
        if surprises.is_empty() {
            return Ok(ready);
        }
        let told = surprises.iter().map(ToString::to_string).collect();
        Err(self.surprised(stack, ready, told))
    }

    fn surprised(&self, stack: &StackPlan, ready: Ready, surprises: Vec<String>) -> Broken {
        self.discard(ready);
        let headline =
            format!("CloudFormation would not do to stack {} what the plan says", stack.key);
        let mut told = Diagnostic::new(diagnostic::LW0651, Severity::Error, None, headline);
        for surprise in surprises {
            told = told.note(surprise);
        }
        told = told
            .note("the change set is deleted, nothing was executed")
            .help("look at it with `lakewright plan --change-sets`, then plan and apply again");
        Broken::Refused(Box::new(told))
    }

    /// The values of the stack's parameters: outputs of stacks that are there by now.
    fn parameters(&self, stack: &StackPlan) -> Result<BTreeMap<String, String>, Broken> {
        let mut values = BTreeMap::new();
        for (name, output) in &stack.parameters {
            let doing = format!("reading the outputs of stack {}", output.stack);
            let outputs =
                self.outputs(&output.stack).map_err(|error| Broken::call(error, &doing))?;
            let Some(value) = outputs.get(&output.output) else {
                let text = format!("it has no output `{}`", output.output);
                return Err(Broken::call(CloudError::NotFound(text), &doing));
            };
            values.insert(name.clone(), value.clone());
        }
        Ok(values)
    }

    /// Sets termination protection as planned; answers with the stack as it is.
    fn protect(&self, plan: &StackPlan, end: Option<Stack>) -> Result<Option<Stack>, Broken> {
        let cloud = self.watcher.cloud;
        let at = StackAddress::new(&plan.key.region, plan.key.name.as_str());
        let doing = format!("setting the termination protection of stack {}", plan.key);
        let found = match end {
            Some(stack) => Ok(Some(stack)),
            None => self.watcher.insist(|| cloud.describe_stack(&at)),
        };
        let Some(mut stack) = found.map_err(|error| Broken::call(error, &doing))? else {
            return Ok(None);
        };
        if stack.termination_protection != plan.termination_protection {
            let set = || cloud.set_termination_protection(&at, plan.termination_protection);
            self.watcher.insist(set).map_err(|error| Broken::call(error, &doing))?;
            stack.termination_protection = plan.termination_protection;
        }
        Ok(Some(stack))
    }

    /// Deletes a stack and watches it go. One that is not there any more is gone already.
    fn delete(&self, plan: &StackPlan, step: &str) -> Result<Ended, Broken> {
        let cloud = self.watcher.cloud;
        let doing = format!("deleting stack {}", plan.key);
        let call = |error| Broken::call(error, &doing);
        let name = plan.observed.id.as_deref().unwrap_or(plan.key.name.as_str());
        let at = StackAddress::new(&plan.key.region, name);
        let found = self.watcher.insist(|| cloud.describe_stack(&at)).map_err(call)?;
        let gone = Ended { stack: None, events: Vec::new() };
        let Some(stack) = found.filter(|it| it.status != StackStatus::DeleteComplete) else {
            return Ok(gone);
        };
        let at = StackAddress::new(&plan.key.region, stack.id.clone());
        if stack.termination_protection {
            self.watcher.insist(|| cloud.set_termination_protection(&at, false)).map_err(call)?;
        }
        let role = plan.execution_role.as_deref().and_then(|role| Arn::new(role).ok());
        let token = format!("{}-{}-{step}", self.options.run, self.number(plan));
        let after = self.watcher.last_event(&at).map_err(call)?;
        let before = Some((stack.status, stack.updated.clone()));
        let started = self.watcher.clock.now();
        let answer = self.watcher.insist(|| cloud.delete_stack(&at, &[], role.as_ref(), &token));
        match answer {
            Ok(()) => {}
            Err(CloudError::NotFound(_)) => return Ok(gone),
            Err(error) => return Err(call(error)),
        }
        let watch = Watch { at, after, before, started, change_set: None };
        let ended = self.watcher.follow(plan, watch)?;
        match ended.stack {
            None => Ok(ended),
            Some(stack) => Err(Broken::Failed(Box::new(Failed {
                status: Some(stack.status),
                reason: stack.status_reason,
                events: ended.events,
            }))),
        }
    }

    /// Deletes the objects of the buckets that go with this stack and whose emptying was agreed to.
    fn empty_buckets(&self, stack: &StackPlan) -> Result<(), Broken> {
        for change in &stack.changes {
            let agreed = Consent::Empty(change.cause.path.clone());
            let goes = match change.action {
                Action::Delete => true,
                Action::Replace | Action::MayReplace => !change.kept,
                _ => false,
            };
            if !goes || change.kind != "AWS::S3::Bucket" || !self.plan.consents.contains(&agreed) {
                continue;
            }
            let Some(name) = &change.physical_id else { continue };
            let doing = format!("emptying the bucket {name}");
            let bucket = BucketName::new(name)
                .map_err(|why| Broken::call(CloudError::Refused(why), &doing))?;
            let at = BucketAddress {
                region: stack.key.region.clone(),
                bucket,
                owner: self.plan.account.clone(),
            };
            self.empty(stack, &at).map_err(|mut told| {
                told = Box::new(super::message::placed(*told, &change.cause));
                Broken::Refused(told)
            })?;
        }
        Ok(())
    }

    fn empty(&self, stack: &StackPlan, at: &BucketAddress) -> Result<(), Box<Diagnostic>> {
        let doing = format!("emptying the bucket {}", at.bucket);
        let cloud = self.watcher.cloud;
        let call = |error: CloudError| Box::new(explain(&error, &doing));
        let mut deleted = 0;
        loop {
            if self.halted() {
                let error = CloudError::Refused("it was interrupted".into());
                return Err(call(error));
            }
            self.watcher.renew();
            let page = match self.watcher.insist(|| cloud.list_versions(at, "", None, PAGE)) {
                Ok(page) => page.versions,
                Err(CloudError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(call(error)),
            };
            if page.is_empty() {
                return Ok(());
            }
            let refused = self.watcher.insist(|| cloud.delete_versions(at, &page)).map_err(call)?;
            if !refused.is_empty() {
                let headline = format!(
                    "{} versions in the bucket {} cannot be deleted",
                    refused.len(),
                    at.bucket
                );
                let mut told = Diagnostic::new(diagnostic::LW0816, Severity::Error, None, headline);
                for (version, reason) in refused.iter().take(10) {
                    told = told.note(format!("{} ({}): {reason}", version.key, version.version));
                }
                return Err(Box::new(told.note(format!("{deleted} versions were deleted before"))));
            }
            deleted += page.len() as u64;
            let bucket = at.bucket.to_string();
            let stack = stack.key.clone();
            self.watcher.tell(What::Emptied { stack, bucket, versions: deleted });
        }
    }
}
