//! From the graph to stacks: which resource stands where, and the templates.
//!
//! In: the [`Graph`] and the [`Placement`] of what is deployed. Out: [`Stack`]s in an order in which
//! they can be made. What is deployed keeps its stack; what is new goes to the first stack of its
//! part with room; the resources of one thing stay together. A value that another stack knows only
//! once it exists becomes an output there and a parameter here; every other reference across stacks
//! is written out. INVARIANT: no stack depends, directly or through others, on itself; each is below
//! CloudFormation's quotas.

mod assign;
mod emit;
mod excess;

pub use assign::Placement;
pub use excess::{Excess, excess};

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Text, Value};
use crate::graph::{Graph, Part};
use crate::lake::Lake;
use crate::names::{LogicalId, Region, StackName};

/// CloudFormation's quotas for a template, with room left below them
/// (AWS CloudFormation User Guide, "Understand CloudFormation quotas": 500 resources, 200 parameters, 200 outputs, 1 MB in S3).
pub const MOST_RESOURCES: usize = 490;
/// Bytes of a template that a stack is filled up to; the quota is 1,000,000.
pub const MOST_BYTES: usize = 950_000;
/// Parameters and outputs, each, that a stack is filled up to; the quotas are 200.
pub const MOST_REFERENCES: usize = 190;

/// A stack's place: names are unique within a region.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct StackKey {
    pub region: Region,
    pub name: StackName,
}

impl std::fmt::Display for StackKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.region)
    }
}

/// A stack as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    pub key: StackKey,
    pub part: Part,
    /// The template: references resolved, parameters and outputs in place.
    pub template: Value,
    /// Where each parameter gets its value: an output of another stack.
    pub parameters: BTreeMap<String, Output>,
    /// Stacks that must be there first.
    pub depends_on: BTreeSet<StackKey>,
    /// Tags of the stack, which CloudFormation hands to its resources. Constant for its life.
    pub tags: BTreeMap<String, String>,
    /// `CAPABILITY_NAMED_IAM` and the like: the least that the template needs.
    pub capabilities: Vec<String>,
    /// Where in the spec each property of each resource comes from.
    pub causes: BTreeMap<LogicalId, Causes>,
}

/// An output of a stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Output {
    pub stack: StackKey,
    pub output: String,
}

/// Where a resource comes from.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Causes {
    /// The thing: `buckets.raw`.
    pub path: String,
    /// Property to spec path, where one is known more precisely: see
    /// [`crate::graph::Resource::causes`].
    pub properties: Vec<(Text, Text)>,
}

impl Causes {
    /// The spec path that a property comes from: that of the longest part of it which has one.
    pub fn of(&self, property: &[impl AsRef<str>]) -> String {
        let fits = |known: &str| {
            let mut steps = property.iter();
            known.split('.').all(|step| steps.next().is_some_and(|own| own.as_ref() == step))
        };
        let fitting = self.properties.iter().filter(|(known, _)| fits(known));
        let Some((known, from)) = fitting.max_by_key(|(known, _)| known.len()) else {
            return self.path.clone();
        };
        let mut path = match from.strip_prefix('.') {
            Some(rest) => format!("{}.{rest}", self.path),
            None => from.to_string(),
        };
        if let Some(whole) = path.strip_suffix(".*").map(str::len) {
            path.truncate(whole);
            if let Some(next) = property.get(known.split('.').count()) {
                path.push('.');
                path.push_str(next.as_ref().trim_matches(['[', ']']));
            }
        }
        path
    }
}

impl Stack {
    /// The resources of the template, by logical id.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.template
            .get("Resources")
            .and_then(Value::as_map)
            .into_iter()
            .flat_map(|map| map.iter())
    }

    /// The template as it is sent: see [`body`].
    pub fn body(&self) -> String {
        body(&self.template)
    }
}

/// A template as it is sent: JSON, keys ascending; one line a resource would be unreadable, so two
/// spaces of indentation; on one line if that would be too large.
pub fn body(template: &Value) -> String {
    let pretty = template.to_json_pretty();
    if pretty.len() <= MOST_BYTES { pretty } else { template.to_json() }
}

/// The bytes of [`body`].
pub fn size(template: &Value) -> usize {
    match template.pretty_size() {
        pretty if pretty <= MOST_BYTES => pretty,
        _ => template.to_json().len(),
    }
}

/// Divides the graph into stacks. `placement` is empty for a lake that is not deployed.
pub fn stacks(lake: &Lake, graph: Graph, placement: &Placement) -> Vec<Stack> {
    let assigned = assign::assign(lake, &graph, placement);
    emit::emit(lake, graph, &assigned)
}
