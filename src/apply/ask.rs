//! What CloudFormation itself says of a plan: change sets are made, read and deleted again.
//!
//! For `plan --change-sets`. INVARIANT: on every way out each change set that was made is deleted, and
//! so is a stack that came to be for it; nothing is executed.

use std::collections::BTreeMap;

use std::sync::atomic::{AtomicBool, Ordering};

use super::clock::Clock;
use super::patience::insist;
use super::review::{INLINE, made, put_away};
use crate::cloud::{
    ChangeSetKind, ChangeSetRequest, Cloud, CloudError, StackAddress, TemplateSource,
};
use crate::names::Arn;
use crate::plan::{Deployed, Plan, StackAction, StackPlan, Surprise, holds};
use crate::stacks::StackKey;

/// What came of asking about one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub stack: StackKey,
    pub verdict: Verdict,
}

/// What CloudFormation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same as the plan.
    Agrees,
    /// Something else, resource by resource.
    Differs(Vec<Surprise>),
    /// It refuses the change, in its own words.
    Refuses(String),
    /// It could not be asked, and why.
    NotAsked(String),
}

/// How it is asked.
pub struct Asking<'a> {
    pub clock: &'a dyn Clock,
    /// As in [`Options`](super::Options).
    pub run: String,
    /// Set by the first Ctrl-C: nothing more is asked.
    pub interrupt: &'a AtomicBool,
    /// Told of each stack before it is asked about.
    pub tell: &'a dyn Fn(&StackKey),
}

/// Asks about every stack that the plan creates or updates.
pub fn ask(cloud: &dyn Cloud, plan: &Plan, deployed: &Deployed, how: &Asking<'_>) -> Vec<Answer> {
    let asked = plan.stacks.iter().enumerate().filter(|(_, stack)| {
        matches!(stack.action, StackAction::Create | StackAction::Recreate | StackAction::Update)
    });
    asked
        .take_while(|_| !how.interrupt.load(Ordering::SeqCst))
        .map(|(at, stack)| Answer {
            stack: stack.key.clone(),
            verdict: one(cloud, stack, deployed, &format!("{}-{at}", how.run), how),
        })
        .collect()
}

/// A change set that is deleted when it goes out of sight, whatever the way out.
struct Made<'a> {
    cloud: &'a dyn Cloud,
    clock: &'a dyn Clock,
    at: StackAddress,
    id: String,
    /// Whether the stack was there only for it.
    fresh: bool,
    token: String,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        put_away(self.cloud, self.clock, &self.at, &self.id, self.fresh, &self.token);
    }
}

fn one(
    cloud: &dyn Cloud,
    stack: &StackPlan,
    deployed: &Deployed,
    token: &str,
    how: &Asking<'_>,
) -> Verdict {
    let clock = how.clock;
    let template = stack.body();
    if template.len() > INLINE {
        return Verdict::NotAsked(format!(
            "its template has {} bytes, which only an upload would bring there",
            template.len()
        ));
    }
    if !stack.imports.is_empty() {
        return Verdict::NotAsked("it takes back what exists, in a step of its own".into());
    }
    if stack.action == StackAction::Recreate {
        return Verdict::NotAsked("what is left of an earlier try has to be deleted first".into());
    }
    let parameters = match parameters(stack, deployed) {
        Ok(parameters) => parameters,
        Err(missing) => return Verdict::NotAsked(missing),
    };
    let execution_role = match stack.execution_role.as_ref().map(Arn::new).transpose() {
        Ok(role) => role,
        Err(reason) => return Verdict::Refuses(reason),
    };
    let fresh = stack.action == StackAction::Create;
    let at = StackAddress::new(&stack.key.region, stack.key.name.as_str());
    let request = ChangeSetRequest {
        stack: at.clone(),
        name: format!("lakewright-{token}"),
        kind: if fresh { ChangeSetKind::Create } else { ChangeSetKind::Update },
        template: TemplateSource::Inline(template),
        parameters,
        tags: stack.tags.clone(),
        capabilities: stack.capabilities.clone(),
        execution_role,
        imports: Vec::new(),
        token: token.to_owned(),
    };
    (how.tell)(&stack.key);
    let id = match insist(clock, || cloud.create_change_set(&request)) {
        Ok(id) => id,
        Err(error) => return said(&error),
    };
    let it = Made { cloud, clock, at, id, fresh, token: token.to_owned() };
    let on = || !how.interrupt.load(Ordering::SeqCst);
    match made(cloud, clock, &it.at.region, &it.id, on) {
        Ok(set) if set.ready() => match holds(stack, &set) {
            Ok(()) => Verdict::Agrees,
            Err(surprises) => Verdict::Differs(surprises),
        },
        Ok(set) if set.without_changes() => match stack.changes.is_empty() {
            true => Verdict::Agrees,
            false => Verdict::Refuses("it sees no change".into()),
        },
        Ok(_) if !on() => Verdict::NotAsked("it was interrupted".into()),
        Ok(set) => Verdict::Refuses(set.reason.unwrap_or_else(|| "it gives no reason".into())),
        Err(error) => said(&error),
    }
}

fn said(error: &CloudError) -> Verdict {
    match error {
        CloudError::Refused(_) | CloudError::Capability(_) | CloudError::Limit(_) => {
            Verdict::Refuses(error.to_string())
        }
        error => Verdict::NotAsked(error.to_string()),
    }
}

/// The values of the parameters, as far as other stacks have them already.
fn parameters(stack: &StackPlan, deployed: &Deployed) -> Result<BTreeMap<String, String>, String> {
    let value = |output: &crate::stacks::Output| {
        deployed.stacks.get(&output.stack)?.outputs.get(&output.output).cloned()
    };
    stack
        .parameters
        .iter()
        .map(|(name, output)| match value(output) {
            Some(value) => Ok((name.clone(), value)),
            None => Err(format!(
                "it needs {} of {}, which is known after apply",
                output.output, output.stack
            )),
        })
        .collect()
}
