//! Naming what a plan's stacks let go, while they still hold it.

use std::collections::BTreeMap;

use super::kept::{Surroundings, identify};
use super::run::Run;
use crate::cloud::{CloudError, StackAddress};
use crate::document::Value;
use crate::plan::{Action, Kept, StackPlan};
use crate::stacks::StackKey;

/// The resources that stay in the account when their stack is changed or deleted, each with its
/// stack. Reads the templates of stacks that have any.
pub(super) fn keepsakes(run: &Run<'_>) -> Result<Vec<(StackKey, Kept)>, CloudError> {
    let mut found = Vec::new();
    for stack in &run.plan.stacks {
        if stack.changes.iter().any(|change| change.action == Action::Retain) {
            of_stack(run, stack, &mut found)?;
        }
    }
    Ok(found)
}

fn of_stack(
    run: &Run<'_>,
    stack: &StackPlan,
    found: &mut Vec<(StackKey, Kept)>,
) -> Result<(), CloudError> {
    let cloud = run.watcher.cloud;
    let name = stack.observed.id.as_deref().unwrap_or(stack.key.name.as_str());
    let at = StackAddress::new(&stack.key.region, name);
    let template = run.watcher.insist(|| cloud.template(&at))?;
    let template = Value::from_json(&template).unwrap_or_default();
    let resources = run.watcher.insist(|| cloud.stack_resources(&at))?;
    let described = run.watcher.insist(|| cloud.describe_stack(&at))?;
    let parameters = described.map(|stack| stack.parameters).unwrap_or_default();
    let physical: BTreeMap<String, String> = resources
        .iter()
        .map(|resource| (resource.logical_id.to_string(), resource.physical_id.clone()))
        .collect();
    let around = Surroundings {
        account: &run.plan.account,
        region: &stack.key.region,
        physical: &physical,
        parameters: &parameters,
    };
    for change in stack.changes.iter().filter(|change| change.action == Action::Retain) {
        let id = change.logical_id.as_str();
        let Some(physical_id) = physical.get(id).filter(|text| !text.is_empty()) else { continue };
        let properties = template.at(&["Resources", id, "Properties"]).unwrap_or(&Value::Null);
        let identifier = identify(&change.kind, physical_id, properties, &around)
            .unwrap_or_else(|| BTreeMap::from([("Id".to_owned(), physical_id.clone())]));
        found.push((
            stack.key.clone(),
            Kept {
                region: stack.key.region.clone(),
                kind: change.kind.clone(),
                logical_id: change.logical_id.clone(),
                identifier,
                path: change.cause.path.clone(),
            },
        ));
    }
    Ok(())
}
