//! A plan is a promise: what a change set may hold.
//!
//! In: what was planned for a stack, and the change set that CloudFormation made of it. Out: nothing,
//! or every [`Surprise`]; with one the change set must not be executed. A surprise is a deletion or a
//! replacement that the plan did not show, a resource that the plan does not know of, a kept resource
//! that would be lost, or a certain change that is missing. No surprise: a replacement that turns out
//! to be unnecessary, and the noise that follows a change in place, where CloudFormation can't know
//! yet that an ARN or a name stays what it is (Evaluation: Dynamic).

use std::collections::BTreeMap;

use super::{Action, Change, Effect, StackPlan};
use crate::catalogue::resource_type;
use crate::cloud::{ChangeAction, ChangeDetail, ChangeSet, Replacement, ResourceChange};
use crate::document::Value;
use crate::names::LogicalId;

/// Something in a change set that the plan did not promise, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    pub logical_id: LogicalId,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// What the plan says, for people: "update in place", "nothing".
    pub planned: String,
    /// What CloudFormation says: "replaced".
    pub found: String,
}

impl std::fmt::Display for Surprise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Surprise { logical_id, kind, planned, found } = self;
        write!(f, "{kind} {logical_id}: the plan says {planned}, CloudFormation says {found}")
    }
}

/// Holds a change set to the plan of its stack. Imports are not in it: they come first, in a change
/// set of their own, and what was taken in may then be changed in place.
pub fn holds(plan: &StackPlan, set: &ChangeSet) -> Result<(), Vec<Surprise>> {
    let planned: BTreeMap<&str, &Change> =
        plan.changes.iter().map(|change| (change.logical_id.as_str(), change)).collect();
    let mut surprises = Vec::new();
    for found in &set.changes {
        let change = planned.get(found.logical_id.as_str()).copied();
        if let Some(text) = exceeds(plan, change, found) {
            surprises.push(Surprise {
                logical_id: found.logical_id.clone(),
                kind: found.kind.clone(),
                planned: change.map_or("nothing".into(), |change| change.action.meaning().into()),
                found: text,
            });
        }
    }
    for change in &plan.changes {
        let due = match change.action {
            Action::Import | Action::Move | Action::MayReplace | Action::Blocked => false,
            _ => change.certain,
        };
        if due && !set.changes.iter().any(|found| found.logical_id == change.logical_id) {
            surprises.push(Surprise {
                logical_id: change.logical_id.clone(),
                kind: change.kind.clone(),
                planned: change.action.meaning().into(),
                found: "nothing".into(),
            });
        }
    }
    if surprises.is_empty() { Ok(()) } else { Err(surprises) }
}

/// What a change of a change set does, in a word.
fn verb(found: &ResourceChange) -> &'static str {
    match (found.action, found.replacement) {
        (ChangeAction::Add, _) => "created",
        (ChangeAction::Remove, _) => "removed",
        (ChangeAction::Import, _) => "taken in",
        (ChangeAction::Modify, Some(Replacement::True)) => "replaced",
        (ChangeAction::Modify, Some(Replacement::Conditional)) => "perhaps replaced",
        (ChangeAction::Modify, _) => "changed in place",
        (ChangeAction::Dynamic, _) => "perhaps changed",
        (ChangeAction::SyncWithActual, _) => "reset to what the template says",
    }
}

impl super::Plan {
    /// Notes on the plan of one stack where CloudFormation's change set says otherwise, so that both
    /// are shown; what the plan does not know of at all becomes a warning. Answers with the surprises.
    pub fn heed(&mut self, key: &crate::stacks::StackKey, set: &ChangeSet) -> Vec<Surprise> {
        let Some(plan) = self.stacks.iter_mut().find(|stack| stack.key == *key) else {
            return Vec::new();
        };
        let surprises = holds(plan, set).err().unwrap_or_default();
        for found in &set.changes {
            let id = &found.logical_id;
            let Some(change) = plan.changes.iter_mut().find(|one| one.logical_id == *id) else {
                continue;
            };
            let same = matches!(
                (change.action, found.action, found.replacement.unwrap_or(Replacement::False)),
                (Action::Create, ChangeAction::Add, _)
                    | (Action::Delete | Action::Retain, ChangeAction::Remove, _)
                    | (Action::Replace, _, Replacement::True)
                    | (Action::MayReplace, _, Replacement::Conditional)
                    | (Action::Update, ChangeAction::Modify, Replacement::False)
                    | (Action::Import, ChangeAction::Import, _)
            );
            if !same {
                change.notes.push(format!("CloudFormation's change set says: {}", verb(found)));
            }
        }
        for surprise in &surprises {
            let id = &surprise.logical_id;
            match plan.changes.iter_mut().find(|one| one.logical_id == *id) {
                Some(change) if surprise.found == "nothing" => {
                    change.notes.push("CloudFormation's change set does not have it".into());
                }
                Some(_) => {}
                None => self.warnings.push(format!(
                    "CloudFormation's change set of {key} has {} {id}, {}, of which the plan knows nothing",
                    surprise.kind, surprise.found
                )),
            }
        }
        surprises
    }
}

/// What a change does beyond what was planned for its resource, if it does.
fn exceeds(plan: &StackPlan, change: Option<&Change>, found: &ResourceChange) -> Option<String> {
    let action = change.map(|change| change.action);
    let lost = |found: &ResourceChange| {
        let policy = found.policy_action.as_deref();
        matches!(policy, Some("Delete" | "ReplaceAndDelete"))
    };
    match found.action {
        ChangeAction::Add => (action != Some(Action::Create)).then(|| "created".into()),
        ChangeAction::Import => Some("taken in".into()),
        ChangeAction::Remove => match change {
            Some(Change { action: Action::Delete, .. }) => None,
            Some(Change { action: Action::Retain, .. }) if !lost(found) => None,
            Some(Change { action: Action::Retain, .. }) => Some("destroyed, not kept".into()),
            _ => Some("removed".into()),
        },
        ChangeAction::Modify => modifies(plan, change, found).or_else(|| {
            let replaced = found.replacement == Some(Replacement::True);
            (replaced && change.is_some_and(|change| change.kept) && lost(found))
                .then(|| "replaced, and the old one destroyed, not kept".into())
        }),
        ChangeAction::Dynamic => match action {
            Some(_) => None,
            None => Some("perhaps changed".into()),
        },
        ChangeAction::SyncWithActual => Some("reset to what the template says".into()),
    }
}

fn modifies(plan: &StackPlan, change: Option<&Change>, found: &ResourceChange) -> Option<String> {
    let replacement = found.replacement.unwrap_or(Replacement::False);
    let follows =
        !found.details.is_empty() && found.details.iter().all(|detail| noise(plan, detail));
    let action = change.map(|change| change.action);
    match (replacement, action) {
        (_, Some(Action::Replace | Action::MayReplace)) => None,
        (Replacement::False, Some(Action::Update | Action::Import)) => None,
        (Replacement::Conditional, Some(Action::Update)) if conditional_noise(plan, found) => None,
        (Replacement::Conditional, Some(Action::Update)) if coarse(plan, change, found) => None,
        (Replacement::True, _) => Some("replaced".into()),
        (_, None) if follows => None,
        (Replacement::False, None) if plan.respelled.contains(&found.logical_id) => None,
        (Replacement::Conditional, _) => Some("perhaps replaced".into()),
        (Replacement::False, _) => Some("changed in place".into()),
    }
}

/// Whether CloudFormation only says that some part of a property replaces, and the plan knows that the
/// parts that change do not: a change set judges whole properties ("Conditionally", API reference,
/// ResourceTargetDefinition, RequiresRecreation), the plan each place that differs. Never for what
/// would be lost.
fn coarse(plan: &StackPlan, change: Option<&Change>, found: &ResourceChange) -> bool {
    let Some(change) = change else { return false };
    let policy = ["Resources", found.logical_id.as_str(), "UpdateReplacePolicy"];
    let stays = plan.template.at(&policy).and_then(Value::as_str) == Some("Retain");
    if change.data && !stays {
        return false;
    }
    let in_place = |name: &str| {
        let mut own = change.properties.iter().filter(|one| one.path[0] == name).peekable();
        own.peek().is_some() && own.all(|one| one.effect == Effect::InPlace)
    };
    let replacing =
        |detail: &&ChangeDetail| !matches!(detail.recreation.as_deref(), None | Some("Never"));
    let mut replacing = found.details.iter().filter(replacing).peekable();
    replacing.peek().is_some()
        && replacing.all(|detail| {
            detail.recreation.as_deref() == Some("Conditionally")
                && detail.evaluation.as_deref() != Some("Dynamic")
                && detail.name.as_deref().is_some_and(in_place)
        })
}

/// Whether what makes the replacement conditional is noise.
fn conditional_noise(plan: &StackPlan, found: &ResourceChange) -> bool {
    let replacing =
        |detail: &&ChangeDetail| !matches!(detail.recreation.as_deref(), None | Some("Never"));
    let mut replacing = found.details.iter().filter(replacing).peekable();
    replacing.peek().is_some() && replacing.all(|detail| noise(plan, detail))
}

/// Whether a detail only says that something refers to a resource that changes in place, by a value
/// that is its identity and so stays.
fn noise(plan: &StackPlan, detail: &ChangeDetail) -> bool {
    if detail.evaluation.as_deref() != Some("Dynamic") {
        return false;
    }
    let Some(entity) = detail.causing_entity.as_deref() else { return false };
    let (id, attribute) = entity.split_once('.').unwrap_or((entity, "Ref"));
    let Some(cause) = plan.change(id) else {
        return plan.respelled.iter().any(|one| one.as_str() == id);
    };
    if !matches!(cause.action, Action::Update | Action::Import) {
        return false;
    }
    let identity =
        resource_type(&cause.kind).is_some_and(|facts| facts.identifier.contains(&attribute));
    attribute == "Ref" || attribute.ends_with("Arn") || identity
}
