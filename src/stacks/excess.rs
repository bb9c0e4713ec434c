//! What does not fit CloudFormation's quotas, however the lake is divided.
//!
//! `assign` starts a new stack before one is full, but the resources of one thing stay together and
//! what is deployed stays where it is. In: the stacks. Out: the quotas that one of them exceeds, each
//! with the spec path of what has most part in it. Source of the numbers: AWS CloudFormation User
//! Guide, "Understand CloudFormation quotas".

use std::collections::BTreeMap;

use super::Stack;
use crate::document::{Map, Value};
use crate::graph::as_reference;

/// Resources in a template.
const RESOURCES: usize = 500;
/// Bytes of a template that is read from S3.
const BYTES: usize = 1_000_000;
/// Parameters of a template, and outputs.
pub(super) const PARAMETERS: usize = 200;

/// A quota that a stack exceeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// The stack's name.
    pub stack: String,
    /// What is too much: "resources", "bytes", "parameters", "outputs".
    pub what: &'static str,
    pub count: usize,
    pub most: usize,
    /// The spec path of the thing with the largest part in it.
    pub path: String,
}

/// How much of what a quota counts one resource takes.
type Part<'p> = &'p dyn Fn(&Value) -> usize;

/// Every quota that one of the stacks exceeds.
pub fn excess(stacks: &[Stack]) -> Vec<Excess> {
    let mut all = Vec::new();
    for stack in stacks {
        let section =
            |key: &str| stack.template.get(key).and_then(Value::as_map).map_or(0, Map::len);
        // Writing every template once more would cost as much as compiling it.
        let bytes = if at_least(&stack.template) * 3 > BYTES { stack.body().len() } else { 0 };
        let counted: [(&'static str, usize, usize, Part); 4] = [
            ("resources", section("Resources"), RESOURCES, &|_| 1),
            ("bytes", bytes, BYTES, &|resource| resource.to_json().len()),
            ("parameters", section("Parameters"), PARAMETERS, &|resource| {
                parameters(stack, resource)
            }),
            ("outputs", section("Outputs"), PARAMETERS, &|_| 1),
        ];
        for (what, count, most, part) in counted {
            if count > most {
                let path = largest(stack, part);
                all.push(Excess { stack: stack.key.name.to_string(), what, count, most, path });
            }
        }
    }
    all
}

/// The thing whose resources together have the largest part; the first of the stack where several do.
fn largest(stack: &Stack, part: Part) -> String {
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, resource) in stack.resources() {
        let causes = stack.causes.iter().find(|(own, _)| own.as_str() == id);
        if let Some((_, causes)) = causes {
            *parts.entry(causes.path.as_str()).or_default() += part(resource);
        }
    }
    let most = parts.values().max().copied().unwrap_or(0);
    parts.into_iter().find(|(_, part)| *part == most).map_or("", |(path, _)| path).to_owned()
}

/// The bytes of a value's texts, which are less than a third of an indented template only where it
/// is small.
fn at_least(value: &Value) -> usize {
    match value {
        Value::Map(map) => map.iter().map(|(key, value)| key.len() + at_least(value)).sum(),
        Value::List(list) => list.iter().map(at_least).sum(),
        Value::Str(text) => text.len(),
        _ => 1,
    }
}

/// How many of the stack's parameters a resource refers to, each reference once.
fn parameters(stack: &Stack, value: &Value) -> usize {
    if let Some(target) = as_reference(value) {
        return usize::from(stack.parameters.contains_key(target.id.as_str()));
    }
    match value {
        Value::Map(map) => map.iter().map(|(_, value)| parameters(stack, value)).sum(),
        Value::List(list) => list.iter().map(|value| parameters(stack, value)).sum(),
        _ => 0,
    }
}
