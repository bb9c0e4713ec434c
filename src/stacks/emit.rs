//! Templates: references across stacks become parameters and outputs, or are written out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::assign::Assigned;
use super::{Causes, Output, Stack, StackKey};
use crate::document;
use crate::document::{Map, Value};
use crate::graph::{Graph, Part, Resource, Target, as_reference};
use crate::lake::Lake;
use crate::names::LogicalId;

/// What the rest of the lake needs to know of a resource while its own stack is written.
struct Known {
    stack: StackKey,
    values: Vec<(&'static str, String)>,
}

/// A stack while it is filled.
struct Draft {
    part: Part,
    resources: Map,
    parameters: BTreeMap<String, Output>,
    depends_on: BTreeSet<StackKey>,
    capabilities: BTreeSet<&'static str>,
    causes: BTreeMap<LogicalId, Causes>,
}

pub(super) fn emit(lake: &Lake, graph: Graph, assigned: &Assigned) -> Vec<Stack> {
    let known: HashMap<LogicalId, Known> = graph
        .resources()
        .iter()
        .zip(assigned)
        .map(|(resource, stack)| {
            let known = Known { stack: stack.clone(), values: resource.known.clone() };
            (resource.id.clone(), known)
        })
        .collect();
    let mut drafts: BTreeMap<StackKey, Draft> = BTreeMap::new();
    // Attributes that other stacks ask for, by the stack that knows them.
    let mut outputs: BTreeMap<StackKey, BTreeMap<String, Value>> = BTreeMap::new();
    for (resource, stack) in graph.into_resources().into_iter().zip(assigned) {
        let draft = drafts.entry(stack.clone()).or_insert_with(|| Draft {
            part: resource.part,
            resources: Map::new(),
            parameters: BTreeMap::new(),
            depends_on: BTreeSet::new(),
            capabilities: BTreeSet::new(),
            causes: BTreeMap::new(),
        });
        place(resource, stack, draft, &known, &mut outputs);
    }
    let bases: BTreeSet<StackKey> = drafts
        .iter()
        .filter(|(_, draft)| draft.part == Part::Base)
        .map(|(key, _)| key.clone())
        .collect();
    let mut stacks: Vec<Stack> = drafts
        .into_iter()
        .map(|(key, mut draft)| {
            if draft.part != Part::Base {
                // Templates are uploaded to the base bucket of the region, and the lock is taken in
                // the one at home.
                draft
                    .depends_on
                    .extend(bases.iter().filter(|base| base.region == key.region).cloned());
            }
            let outputs = outputs.remove(&key).unwrap_or_default();
            finish(lake, key, draft, outputs)
        })
        .collect();
    sort(&mut stacks);
    stacks
}

/// Writes a resource into its stack.
fn place(
    resource: Resource,
    stack: &StackKey,
    draft: &mut Draft,
    known: &HashMap<LogicalId, Known>,
    outputs: &mut BTreeMap<StackKey, BTreeMap<String, Value>>,
) {
    let mut properties = Value::Map(resource.properties);
    rewrite(&mut properties, stack, draft, known, outputs);
    match resource.kind {
        // CAPABILITY_NAMED_IAM where a role or policy has a name of its own (AWS CloudFormation API
        // reference, CreateChangeSet, Capabilities).
        "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" => {
            let named =
                properties.get("RoleName").or(properties.get("ManagedPolicyName")).is_some();
            draft.capabilities.insert(if named {
                "CAPABILITY_NAMED_IAM"
            } else {
                "CAPABILITY_IAM"
            });
        }
        _ => {}
    }
    let mut entry = Map::new();
    entry.insert("Type", resource.kind);
    entry.insert("Metadata", document!({"lakewright": {"path": (resource.path.clone())}}));
    let mut before: Vec<String> = Vec::new();
    for id in &resource.after {
        let other = known.get(id).expect("invariant: every dependency is in the graph");
        if other.stack == *stack {
            before.push(id.to_string());
        } else {
            draft.depends_on.insert(other.stack.clone());
        }
    }
    before.sort();
    before.dedup();
    if !before.is_empty() {
        entry.insert("DependsOn", Value::from(before));
    }
    if resource.keep {
        entry.insert("DeletionPolicy", "RetainExceptOnCreate");
        entry.insert("UpdateReplacePolicy", "Retain");
    }
    if properties.as_map().is_some_and(|map| !map.is_empty()) {
        entry.insert("Properties", properties);
    }
    let causes = Causes { properties: resource.causes, path: resource.path };
    draft.causes.insert(resource.id.clone(), causes);
    draft.resources.insert(String::from(resource.id), Value::Map(entry));
}

/// Replaces references to other stacks: by the value where it is known, else by a parameter.
fn rewrite(
    value: &mut Value,
    stack: &StackKey,
    draft: &mut Draft,
    known: &HashMap<LogicalId, Known>,
    outputs: &mut BTreeMap<StackKey, BTreeMap<String, Value>>,
) {
    if let Some(Target { id, attribute }) = as_reference(value) {
        let other = known.get(&id).expect("invariant: every reference is in the graph");
        if other.stack == *stack {
            return;
        }
        draft.depends_on.insert(other.stack.clone());
        let written = other.values.iter().find(|(name, _)| *name == attribute);
        *value = match written {
            Some((_, text)) => Value::from(text.clone()),
            None => {
                let suffix = if attribute == "Ref" { "" } else { &attribute };
                let name = format!("{id}{}", suffix.replace('.', ""));
                let known = outputs.entry(other.stack.clone()).or_default();
                known.entry(name.clone()).or_insert_with(|| value.clone());
                let output = Output { stack: other.stack.clone(), output: name.clone() };
                draft.parameters.insert(name.clone(), output);
                document!({"Ref": name})
            }
        };
        return;
    }
    match value {
        Value::Map(map) => {
            for (_, value) in map.iter_mut() {
                rewrite(value, stack, draft, known, outputs);
            }
        }
        Value::List(list) => {
            for value in list {
                rewrite(value, stack, draft, known, outputs);
            }
        }
        _ => {}
    }
}

fn finish(lake: &Lake, key: StackKey, draft: Draft, outputs: BTreeMap<String, Value>) -> Stack {
    let mut template = Map::new();
    template.insert("AWSTemplateFormatVersion", "2010-09-09");
    template.insert(
        "Description",
        format!(
            "Data lake {}, environment {}: {}",
            lake.naming.lake,
            lake.naming.environment,
            draft.part.as_str()
        ),
    );
    if !draft.parameters.is_empty() {
        let parameters: Map = draft
            .parameters
            .keys()
            .map(|name| (document::Text::from(name.clone()), document!({"Type": "String"})))
            .collect();
        template.insert("Parameters", parameters);
    }
    template.insert("Resources", draft.resources);
    if !outputs.is_empty() {
        let outputs: Map = outputs
            .into_iter()
            .map(|(name, value)| (document::Text::from(name), document!({"Value": value})))
            .collect();
        template.insert("Outputs", outputs);
    }
    Stack {
        key,
        part: draft.part,
        template: Value::Map(template),
        parameters: draft.parameters,
        depends_on: draft.depends_on,
        tags: stack_tags(lake),
        capabilities: draft.capabilities.into_iter().map(str::to_owned).collect(),
        causes: draft.causes,
    }
}

/// The tags by which a stack is known to be ours, and those of the lake.
fn stack_tags(lake: &Lake) -> BTreeMap<String, String> {
    let mut tags = lake.tags.clone();
    tags.insert("lakewright:lake".into(), lake.naming.lake_id());
    tags.insert("lakewright:environment".into(), lake.naming.environment.to_string());
    tags
}

/// Sorts into an order in which the stacks can be made; by part, region and name where it is free.
fn sort(stacks: &mut Vec<Stack>) {
    let mut rest: Vec<Stack> = std::mem::take(stacks);
    rest.sort_by(|a, b| (a.part, &a.key).cmp(&(b.part, &b.key)));
    let mut done: BTreeSet<StackKey> = BTreeSet::new();
    while !rest.is_empty() {
        let ready = rest.iter().position(|stack| stack.depends_on.is_subset(&done));
        let next =
            rest.remove(ready.expect("invariant: stacks depend on each other without a cycle"));
        done.insert(next.key.clone());
        stacks.push(next);
    }
}
