//! Values that one stack gives another, and tags that a stack gives its resources.
//!
//! In: what is known of outputs and parameters now, and what the plan does to the resources behind
//! them. Out: what each parameter stood for and will stand for: a text, the same as before, or
//! something that is known only later. Stacks are planned in their order, so a producer is done before
//! its consumers.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Work;
use super::resource::Verdict;
use super::{Deployed, DeployedStack, Upload, spread};
use crate::canonical::{Known, Scope, canonical, references};
use crate::catalogue;
use crate::cloud::StackStatus;
use crate::document::{Map, Value};
use crate::stacks::Stack;

/// What a consumer of an output has to know of it.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Text(String),
    /// Not known, and not going to be another one.
    Same,
    Later {
        certain: bool,
    },
}

/// The keys of uploads that a deployed template names, so that they are in their bucket: scripts lie
/// under the hash of their content.
pub(super) fn named_objects(deployed: &Deployed, uploads: &[Upload]) -> BTreeSet<String> {
    fn walk(value: &Value, keys: &BTreeSet<&str>, found: &mut BTreeSet<String>) {
        match value {
            Value::Str(text) => {
                let starts = text.match_indices('/').map(|(at, _)| at + 1);
                for key in starts.filter_map(|at| keys.get(&text[at..])) {
                    found.insert((*key).to_owned());
                }
            }
            Value::List(list) => list.iter().for_each(|one| walk(one, keys, found)),
            Value::Map(map) => map.iter().for_each(|(_, one)| walk(one, keys, found)),
            _ => {}
        }
    }
    let keys: BTreeSet<&str> = uploads.iter().map(|upload| upload.key.as_str()).collect();
    let mut found = BTreeSet::new();
    if !keys.is_empty() {
        let ready = |stack: &&DeployedStack| stack.status.is_some_and(StackStatus::updatable);
        for stack in deployed.stacks.values().filter(ready) {
            walk(&stack.template, &keys, &mut found);
        }
    }
    found
}

/// A tag that differs: name, before, after.
pub(super) type TagChange = (String, Option<String>, Option<String>);

impl Work<'_> {
    /// What the parameters of the deployed and of the new template stand for.
    pub(super) fn scopes(&self, stack: &Stack, there: &DeployedStack) -> (Scope, Scope) {
        let region = stack.key.region.as_str();
        let partition = catalogue::partition_of(region).name;
        let mut values = BTreeMap::new();
        let texts = [
            ("AWS::Region", region),
            ("AWS::AccountId", self.context.account.as_str()),
            ("AWS::Partition", partition),
        ];
        for (name, text) in texts {
            values.insert(name.to_owned(), Known::Text(text.to_owned()));
        }
        let (mut before, mut after) = (values.clone(), values);
        for (name, value) in &there.parameters {
            before.insert(name.clone(), Known::Text(value.clone()));
        }
        for (name, output) in &stack.parameters {
            let given = self.outputs.get(&output.stack).and_then(|all| all.get(&output.output));
            let known = match given {
                Some(Given::Text(text)) => Some(Known::Text(text.clone())),
                Some(Given::Later { certain }) => Some(Known::Later { certain: *certain }),
                Some(Given::Same) | None => before.get(name).cloned(),
            };
            after.extend(known.map(|known| (name.clone(), known)));
        }
        // A parameter that nothing gives keeps its value.
        for (name, value) in &there.parameters {
            if !stack.parameters.contains_key(name) {
                after.entry(name.clone()).or_insert_with(|| Known::Text(value.clone()));
            }
        }
        (Scope { values: before, partition }, Scope { values: after, partition })
    }

    /// What this stack's outputs will be for the stacks behind it.
    pub(super) fn outputs_of(
        &mut self,
        stack: &Stack,
        there: &DeployedStack,
        verdicts: &BTreeMap<String, Verdict>,
        old: &Map,
        new: &Map,
        scope: &Scope,
    ) {
        let mut outputs = BTreeMap::new();
        let all = stack.template.get("Outputs").and_then(Value::as_map);
        for (name, output) in all.into_iter().flat_map(Map::iter) {
            let value = output.get("Value").unwrap_or(&Value::Null);
            let mut fate: Option<bool> = None;
            let mut fresh = false;
            references(value, &mut |id, _| {
                if let Some(verdict) = verdicts.get(id) {
                    fate = fate.max(spread::fate(id, verdict, old, new));
                }
                fresh |= new.get(id).is_some() && old.get(id).is_none();
            });
            let known = there.template.at(&["Outputs", name, "Value"]) == Some(value);
            let given = match (fate, there.outputs.get(name)) {
                (Some(certain), _) => Given::Later { certain },
                (None, _) if fresh => Given::Later { certain: true },
                (None, Some(text)) if known => Given::Text(text.clone()),
                (None, None) if known => Given::Same,
                (None, _) => match canonical(value, scope) {
                    Some(Value::Str(text)) => Given::Text(text.into_owned()),
                    _ => Given::Later { certain: false },
                },
            };
            outputs.insert(name.to_owned(), given);
        }
        self.outputs.insert(stack.key.clone(), outputs);
    }

    /// Tags of the stack that differ: name, before, after.
    pub(super) fn tags(&self, stack: &Stack, there: &DeployedStack) -> Vec<TagChange> {
        let Some(old) = &there.tags else { return Vec::new() };
        if *old == stack.tags {
            return Vec::new();
        }
        let names: BTreeSet<&String> = old.keys().chain(stack.tags.keys()).collect();
        names
            .into_iter()
            .map(|name| (name.clone(), old.get(name).cloned(), stack.tags.get(name).cloned()))
            .filter(|(_, before, after)| before != after)
            .collect()
    }
}

/// Parameters whose value differs.
pub(super) fn moved(before: &Scope, after: &Scope) -> BTreeSet<String> {
    let changed =
        after.values.iter().filter(|(name, value)| before.values.get(*name) != Some(value));
    changed.map(|(name, _)| name.clone()).collect()
}

pub(super) fn refers(definition: &Value, names: &BTreeSet<String>) -> bool {
    if names.is_empty() {
        return false;
    }
    let mut found = false;
    references(definition, &mut |id, attribute| found |= attribute == "Ref" && names.contains(id));
    found
}

pub(super) fn output_names(template: &Value) -> Vec<String> {
    let outputs = template.get("Outputs").and_then(Value::as_map);
    outputs.into_iter().flat_map(Map::iter).map(|(name, _)| name.to_owned()).collect()
}

pub(super) fn is_empty(value: &Value) -> bool {
    value.as_map().is_some_and(Map::is_empty)
}
