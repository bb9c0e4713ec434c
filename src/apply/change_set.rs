//! Change sets: made, compared with the plan, executed. One that would do something else is deleted.

use std::collections::BTreeMap;

use super::broken::{Broken, Failed};
use super::follow::{Ended, Watch};
use super::message::placed;
use super::patience::{Pauses, passing};
use super::review::{INLINE, made, put_away};
use super::run::Run;
use super::watcher::Watcher;
use crate::cloud::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetStatus, CloudError, ImportTarget,
    ObjectAddress, PutCondition, StackAddress, TemplateSource,
};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::names::Arn;
use crate::plan::StackPlan;

/// What a change set is made of.
pub(super) struct Draft<'a> {
    pub kind: ChangeSetKind,
    pub template: String,
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub imports: Vec<ImportTarget>,
    /// Tells the steps of one stack apart.
    pub step: &'a str,
}

/// A change set that is ready, with its stack's address by id.
pub(super) struct Ready {
    pub set: ChangeSet,
    pub at: StackAddress,
    /// Whether the stack was there only for the change set.
    fresh: bool,
}

impl Run<'_> {
    /// Makes a change set. `None`: the stack is that already.
    pub(super) fn change_set(
        &self,
        stack: &StackPlan,
        draft: Draft<'_>,
    ) -> Result<Option<Ready>, Broken> {
        let doing = format!("making a change set for stack {}", stack.key);
        let at = StackAddress::new(&stack.key.region, stack.key.name.as_str());
        let role = match &stack.execution_role {
            Some(text) => Some(Arn::new(text).map_err(|why| {
                Broken::call(CloudError::Refused(format!("execution role: {why}")), &doing)
            })?),
            None => None,
        };
        let template = self.template_source(stack, draft.template)?;
        let base = format!("{}-{}-{}", self.options.run, self.number(stack), draft.step);
        let mut request = ChangeSetRequest {
            stack: at.clone(),
            name: format!("lakewright-{base}"),
            kind: draft.kind,
            template,
            parameters: draft.parameters,
            tags: draft.tags,
            capabilities: stack.capabilities.clone(),
            execution_role: role,
            imports: draft.imports,
            token: base.clone(),
        };
        let id = self.create(&mut request, &base).map_err(|error| Broken::call(error, &doing))?;
        let set = made(self.watcher.cloud, self.watcher.clock, &at.region, &id, || {
            self.watcher.renew();
            true
        })
        .map_err(|error| Broken::call(error, &doing))?;
        let fresh = draft.kind != ChangeSetKind::Update;
        let stack_id = match set.stack_id.as_str() {
            "" => at.stack.clone(),
            id => id.to_owned(),
        };
        let ready = Ready { at: StackAddress { stack: stack_id, ..at }, fresh, set };
        if ready.set.ready() {
            return Ok(Some(ready));
        }
        let nothing = ready.set.without_changes();
        let reason = ready.set.reason.clone();
        let status = ready.set.status;
        self.discard(ready);
        if nothing {
            return Ok(None);
        }
        let reason = reason.unwrap_or_else(|| match status {
            ChangeSetStatus::Failed => "the cloud gives no reason".into(),
            status => format!("the change set is still {status}"),
        });
        let (code, headline) = match super::message::is_taken(&reason) {
            true => (diagnostic::LW0811, format!("a name in stack {} is taken", stack.key)),
            false => {
                (diagnostic::LW0808, format!("the cloud refuses the change of stack {}", stack.key))
            }
        };
        let mut told = Diagnostic::new(code, Severity::Error, None, headline)
            .note(format!("the cloud says: {reason}"))
            .note("nothing was executed: the stack is as it was");
        // The resource that the sentence names, if it names one of ours.
        let named = stack.changes.iter().find(|change| {
            let id = change.logical_id.as_str();
            reason.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == id)
        });
        if let Some(change) = named {
            told = placed(told, &change.cause);
        }
        if code == diagnostic::LW0811 {
            told = told.help(super::message::NAME_TAKEN);
        }
        Err(Broken::Refused(Box::new(told)))
    }

    /// CreateChangeSet, until it is answered. After a lost answer the name may be taken by our own
    /// call: then another is made, and the first goes when that is executed.
    fn create(&self, request: &mut ChangeSetRequest, base: &str) -> Result<String, CloudError> {
        let mut lost = 0;
        loop {
            match self.watcher.insist(|| {
                let answer = self.watcher.cloud.create_change_set(request);
                lost += u32::from(matches!(answer, Err(CloudError::NoAnswer(_))));
                answer
            }) {
                Err(CloudError::AlreadyExists(_)) if lost > 0 => {
                    lost = 0;
                    request.name.push_str("-again");
                    request.token = format!("{base}-{}", request.name.len());
                }
                answer => return answer,
            }
        }
    }

    /// Deletes a change set, and the stack that came to be for it.
    pub(super) fn discard(&self, ready: Ready) {
        let Watcher { cloud, clock, .. } = &self.watcher;
        put_away(*cloud, *clock, &ready.at, &ready.set.id, ready.fresh, &self.options.run);
    }

    /// Executes a change set and watches it to its end.
    pub(super) fn execute(&self, stack: &StackPlan, ready: Ready) -> Result<Ended, Broken> {
        if self.halted() {
            self.discard(ready);
            return Err(Broken::NotBegun);
        }
        let doing = format!("executing the change set of stack {}", stack.key);
        let cloud = self.watcher.cloud;
        let prepared = self.watcher.last_event(&ready.at).and_then(|after| {
            let found = self.watcher.insist(|| cloud.describe_stack(&ready.at))?;
            Ok((after, found.map(|it| (it.status, it.updated))))
        });
        let (after, before) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.discard(ready);
                return Err(Broken::call(error, &doing));
            }
        };
        let watch = Watch {
            at: ready.at.clone(),
            after,
            before,
            started: self.watcher.clock.now(),
            change_set: Some(ready.set.id.clone()),
        };
        if let Err(error) = self.set_off(&watch, &ready.set.id) {
            if passing(&error) {
                return Err(Broken::Blind(error));
            }
            self.discard(ready);
            return Err(Broken::call(error, &doing));
        }
        let ended = self.watcher.follow(stack, watch)?;
        match ended.status() {
            Some(status) if status.succeeded() => Ok(ended),
            status => Err(Broken::Failed(Box::new(Failed {
                status,
                reason: ended.stack.and_then(|stack| stack.status_reason),
                events: ended.events,
            }))),
        }
    }

    /// ExecuteChangeSet. After a lost answer, a refusal may mean that the first call was carried
    /// out: then the stack has moved.
    fn set_off(&self, watch: &Watch, id: &str) -> Result<(), CloudError> {
        let cloud = self.watcher.cloud;
        let token = format!("{}-{}", self.options.run, short(id));
        let mut lost = false;
        let answer = self.watcher.insist(|| {
            let answer = cloud.execute_change_set(&watch.at.region, id, &token);
            lost |= matches!(answer, Err(CloudError::NoAnswer(_)));
            answer
        });
        match answer {
            Err(error) if lost => match self.has_begun(watch) {
                true => Ok(()),
                false => Err(error),
            },
            answer => answer,
        }
    }

    /// Whether the stack shows a trace of the operation.
    fn has_begun(&self, watch: &Watch) -> bool {
        let cloud = self.watcher.cloud;
        let mut pauses = Pauses::up_to(3);
        for _ in 0..5 {
            let events = self.watcher.insist(|| cloud.events(&watch.at, watch.after.as_deref()));
            let stack = self.watcher.insist(|| cloud.describe_stack(&watch.at));
            let moved = match stack {
                Ok(Some(stack)) => Some((stack.status, stack.updated)) != watch.before,
                _ => false,
            };
            if moved || events.is_ok_and(|events| !events.is_empty()) {
                return true;
            }
            pauses.wait(self.watcher.clock);
        }
        false
    }

    /// In the call, or in the region's base bucket under the hash of its content.
    fn template_source(&self, stack: &StackPlan, body: String) -> Result<TemplateSource, Broken> {
        if body.len() <= INLINE {
            return Ok(TemplateSource::Inline(body));
        }
        let doing = format!("uploading the template of stack {}", stack.key);
        let bucket = self.bucket(&stack.key.region).map_err(|error| Broken::call(error, &doing))?;
        let key = format!("templates/{}.json", super::uploads::sha256(body.as_bytes()));
        let at = ObjectAddress { bucket, key };
        let put = || self.watcher.cloud.put_object(&at, body.as_bytes(), PutCondition::Absent);
        match self.watcher.insist(put) {
            // The key is the content: what is there is what we have.
            Ok(_) | Err(CloudError::PreconditionFailed(_)) => Ok(TemplateSource::Object(at)),
            Err(error) => Err(Broken::call(error, &doing)),
        }
    }
}

/// The end of a change set's ARN: letters, digits and hyphens, 36 of them at AWS.
fn short(id: &str) -> String {
    let last = id.rsplit('/').next().unwrap_or_default();
    last.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect()
}
