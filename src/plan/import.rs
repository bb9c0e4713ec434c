//! What stays when a stack goes, and how a later one takes it back.
//!
//! In: resources that a template keeps; later, a plan that imports them. Out: [`Kept`], the entry of
//! the index with the identifier that CloudFormation asks for; and the [`ImportStep`]s that come
//! before the rest of a stack's plan. CloudFormation's rules: an import does nothing else, takes at
//! most 200 resources, needs a deletion policy on each, and leaves what is in the stack as it is
//! (User Guide, "Import AWS resources into a CloudFormation stack").

use std::collections::BTreeMap;

use super::canonical::{intrinsic, references};
use super::resource::kind_of;
use super::{Change, DeployedStack, Kept, StackPlan};
use crate::catalogue::resource_type;
use crate::cloud::ImportTarget;
use crate::document;
use crate::document::{Map, Value};
use crate::names::LogicalId;
use crate::stacks::StackKey;

/// Resources that one import takes (API reference, CreateChangeSet, ResourcesToImport).
const MOST: usize = 200;

/// One import: a template and what it takes in.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportStep {
    /// What the stack holds already, as it is, and the imported resources. It has no properties that
    /// refer to what is not there yet; the update that follows adds them.
    pub template: Value,
    pub imports: Vec<ImportTarget>,
}

/// The imports that come before the rest of the stack's plan. `deployed` is the stack's template, if
/// it has one.
pub fn import_steps(plan: &StackPlan, deployed: Option<&Value>) -> Vec<ImportStep> {
    let empty = document!({});
    let mut template = deployed.unwrap_or(&empty).clone();
    let targets: Vec<&str> = plan.imports.iter().map(|one| one.logical_id.as_str()).collect();
    let mut steps = Vec::new();
    for chunk in plan.imports.chunks(MOST) {
        let map = template.as_map_mut().expect("invariant: a template is an object");
        for key in ["AWSTemplateFormatVersion", "Description"] {
            if map.get(key).is_none() {
                map.insert_some(key, plan.template.get(key).cloned());
            }
        }
        let mut resources = part(map, "Resources");
        let mut parameters = part(map, "Parameters");
        for target in chunk {
            let id = target.logical_id.as_str();
            let Some(definition) = plan.template.at(&["Resources", id]) else { continue };
            let known = |name: &str| {
                resources.get(name).is_some() || targets.contains(&name) || name.contains("::")
            };
            let (definition, used) = trimmed(definition, plan, &known);
            resources.insert(id.to_owned(), definition);
            for name in used {
                if parameters.get(&name).is_none() {
                    let given = plan.template.at(&["Parameters", &name]).cloned();
                    parameters.insert_some(name, given);
                }
            }
        }
        map.insert("Resources", resources);
        if !parameters.is_empty() {
            map.insert("Parameters", parameters);
        }
        steps.push(ImportStep { template: template.clone(), imports: chunk.to_vec() });
    }
    steps
}

fn part(template: &mut Map, key: &str) -> Map {
    match template.remove(key) {
        Some(Value::Map(map)) => map,
        _ => Map::new(),
    }
}

/// The definition without what refers to resources that are not there yet, and the parameters that it
/// uses.
fn trimmed(
    definition: &Value,
    plan: &StackPlan,
    known: &impl Fn(&str) -> bool,
) -> (Value, Vec<String>) {
    let mut used = Vec::new();
    let mut out = Map::new();
    let parameters = plan.template.get("Parameters");
    let is_parameter = |name: &str| parameters.is_some_and(|all| all.get(name).is_some());
    for (key, value) in definition.as_map().into_iter().flat_map(Map::iter) {
        match key {
            "Properties" => {
                let mut properties = Map::new();
                for (key, value) in value.as_map().into_iter().flat_map(Map::iter) {
                    let mut dangling = false;
                    let mut asks = Vec::new();
                    references(value, &mut |name, _| match is_parameter(name) {
                        true => asks.push(name.to_owned()),
                        false => dangling |= !known(name),
                    });
                    if !dangling {
                        used.append(&mut asks);
                        properties.insert(key.to_owned(), value.clone());
                    }
                }
                out.insert("Properties", properties);
            }
            "DependsOn" => {}
            _ => {
                out.insert(key.to_owned(), value.clone());
            }
        }
    }
    (Value::Map(out), used)
}

/// The index's entry of a resource that stays. `None` where its identifier can't be worked out.
pub(super) fn kept(key: &StackKey, there: &DeployedStack, change: &Change) -> Option<Kept> {
    let definition = there.template.at(&["Resources", change.logical_id.as_str()])?;
    let facts = resource_type(&change.kind)?;
    let mut parts = BTreeMap::new();
    for property in &facts.identifier {
        let value = match facts.identifier.len() {
            1 => change.physical_id.clone().or_else(|| identifier(there, definition, property)),
            _ => identifier(there, definition, property),
        };
        parts.insert((*property).to_owned(), value?);
    }
    Some(Kept {
        region: key.region.clone(),
        kind: change.kind.clone(),
        logical_id: change.logical_id.clone(),
        identifier: parts,
        path: change.cause.path.clone(),
    })
}

/// A part of a resource's identifier as its template gives it: a text, or a reference to another
/// resource or a parameter whose value is known.
pub(super) fn identifier(there: &DeployedStack, definition: &Value, property: &str) -> Option<String> {
    if let Some(text) = given(definition, property) {
        return Some(text.to_owned());
    }
    let value = definition.get("Properties")?.get(property)?;
    let (function, argument) = intrinsic(value.as_map()?)?;
    let name = argument.as_str().filter(|_| function == "Ref")?;
    if let Some(value) = there.parameters.get(name) {
        return Some(value.clone());
    }
    let id = LogicalId::new(name).ok()?;
    there.physical_ids.get(&id).cloned().or_else(|| {
        let other = there.template.at(&["Resources", name])?;
        let (_, name) = resource_type(kind_of(other))?.given_name(other.get("Properties")?)?;
        name.as_str().map(str::to_owned)
    })
}

/// A part of the identifier that the template writes out. The Data Catalog's types have two places
/// for a name: beside the input, and in it.
pub(super) fn given<'a>(definition: &'a Value, property: &str) -> Option<&'a str> {
    let properties = definition.get("Properties")?;
    let inside = match (kind_of(definition), property) {
        ("AWS::Glue::Table", "Name") => properties.at(&["TableInput", "Name"]),
        ("AWS::Glue::Database", "DatabaseName") => properties.at(&["DatabaseInput", "Name"]),
        _ => None,
    };
    properties.get(property).or(inside).and_then(Value::as_str)
}
