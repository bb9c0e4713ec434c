//! What CloudFormation itself says of a plan: change sets are made, read and deleted again.
//!
//! For `plan --change-sets`. INVARIANT: on every way out each change set that was made is deleted, and
//! so is a stack that came to be for it; nothing is executed.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::patience::{Pauses, insist};
use crate::cloud::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ChangeSetStatus, Cloud, CloudError, StackAddress,
    StackStatus, TemplateSource,
};
use crate::names::Arn;
use crate::plan::{Deployed, Plan, StackAction, StackPlan, Surprise, holds};
use crate::stacks::StackKey;

/// The largest template that fits into the call, in bytes (AWS CloudFormation API reference,
/// CreateChangeSet, TemplateBody).
const INLINE: usize = 51_200;
/// Looks at a change set that is being made: about ten minutes.
const LOOKS: u32 = 220;

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

/// Asks about every stack that the plan creates or updates.
pub fn ask(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    plan: &Plan,
    deployed: &Deployed,
    run: &str,
) -> Vec<Answer> {
    let asked = plan.stacks.iter().enumerate().filter(|(_, stack)| {
        matches!(stack.action, StackAction::Create | StackAction::Recreate | StackAction::Update)
    });
    asked
        .map(|(at, stack)| Answer {
            stack: stack.key.clone(),
            verdict: one(cloud, clock, stack, deployed, &format!("{run}-{at}")),
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
        let _ = insist(self.clock, || self.cloud.delete_change_set(&self.at.region, &self.id));
        if !self.fresh {
            return;
        }
        let found = insist(self.clock, || self.cloud.describe_stack(&self.at));
        if let Ok(Some(stack)) = found
            && stack.status == StackStatus::ReviewInProgress
        {
            let _ = insist(self.clock, || {
                self.cloud.delete_stack(&self.at, &[], None, &format!("{}-review", self.token))
            });
        }
    }
}

fn one(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    stack: &StackPlan,
    deployed: &Deployed,
    token: &str,
) -> Verdict {
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
    let id = match insist(clock, || cloud.create_change_set(&request)) {
        Ok(id) => id,
        Err(error) => return said(&error),
    };
    let made = Made { cloud, clock, at, id, fresh, token: token.to_owned() };
    match look(&made) {
        Ok(set) if set.ready() => match holds(stack, &set) {
            Ok(()) => Verdict::Agrees,
            Err(surprises) => Verdict::Differs(surprises),
        },
        Ok(set) if set.without_changes() => match stack.changes.is_empty() {
            true => Verdict::Agrees,
            false => Verdict::Refuses("it sees no change".into()),
        },
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

fn look(made: &Made<'_>) -> Result<ChangeSet, CloudError> {
    let mut pauses = Pauses::up_to(3);
    let mut looks = 0;
    loop {
        let set = insist(made.clock, || made.cloud.describe_change_set(&made.at.region, &made.id))?;
        looks += 1;
        let making = matches!(
            set.status,
            ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress
        );
        if !making || looks >= LOOKS {
            return Ok(set);
        }
        pauses.wait(made.clock);
    }
}
