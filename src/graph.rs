//! The lake as CloudFormation resources, before anything is said about stacks.
//!
//! In: what `lower` builds. Out: resources that refer to each other by logical id, with the
//! intrinsics of a template (`{"Ref": id}`, `{"Fn::GetAtt": [id, attribute]}`) wherever they do, be
//! the other one in the same stack or not; `stacks` decides and rewrites. INVARIANT: logical ids are
//! unique in the whole lake, every reference names a resource of the graph, and there is no cycle.

use std::collections::HashMap;

use crate::document::{Map, Text, Value};
use crate::names::{LogicalId, Region};
use crate::policy::Policy;

/// A part of the lake that has stacks of its own, in the order in which they are made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The bucket for templates and scripts, the index and the lock.
    Base,
    /// Keys and buckets.
    Storage,
    /// Databases and tables.
    Catalog,
    /// Sources and pipelines.
    Flows,
    /// What is attached to principals that are not ours.
    Access,
    /// Topics and alarms.
    Watching,
}

impl Part {
    /// Every part, in order.
    pub const ALL: [Part; 6] =
        [Part::Base, Part::Storage, Part::Catalog, Part::Flows, Part::Access, Part::Watching];

    /// The word in the stack's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Base => "base",
            Part::Storage => "storage",
            Part::Catalog => "catalog",
            Part::Flows => "flows",
            Part::Access => "access",
            Part::Watching => "watching",
        }
    }
}

/// A CloudFormation resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub id: LogicalId,
    /// `AWS::S3::Bucket` and the like.
    pub kind: &'static str,
    pub region: Region,
    pub part: Part,
    /// The spec path of the thing that it belongs to, `buckets.raw`. Resources of one path stay in
    /// one stack.
    pub path: String,
    pub properties: Map,
    /// Resources that must be there first, beside those that the properties refer to.
    pub after: Vec<LogicalId>,
    /// Kept on deletion and on replacement: it holds data, or what data needs to be read.
    pub keep: bool,
    /// What a reference to it gives, where that is known before it exists: `Ref` and attributes.
    pub known: Vec<(&'static str, String)>,
    /// Where in the spec a property comes from: (property, spec path). A path that starts with a dot
    /// goes on from the resource's own; the step `*` at its end is the next step of the property
    /// (`Columns` from `.columns.*`: `Columns.[day]` from `.columns.day`).
    pub causes: Vec<(Text, Text)>,
}

impl Resource {
    /// A resource without properties that is deleted with its stack.
    pub fn new(
        id: LogicalId,
        kind: &'static str,
        region: &Region,
        part: Part,
        path: impl Into<String>,
    ) -> Self {
        Resource {
            id,
            kind,
            region: region.clone(),
            part,
            path: path.into(),
            properties: Map::new(),
            after: Vec::new(),
            keep: false,
            known: Vec::new(),
            causes: Vec::new(),
        }
    }

    /// Sets a property.
    pub fn set(&mut self, property: impl Into<Text>, value: impl Into<Value>) -> &mut Self {
        self.properties.insert(property, value);
        self
    }

    /// Sets a property and says which key of the spec it comes from.
    pub fn set_from(
        &mut self,
        property: &'static str,
        from: impl Into<Text>,
        value: impl Into<Value>,
    ) -> &mut Self {
        self.causes.push((property.into(), from.into()));
        self.set(property, value)
    }

    /// Says which key of the spec a property would come from, whether it is set or not: what is no
    /// longer there has a cause too.
    pub fn caused(&mut self, property: impl Into<Text>, from: impl Into<Text>) -> &mut Self {
        self.causes.push((property.into(), from.into()));
        self
    }

    /// Sets a policy document; each statement comes from what asked for it.
    pub fn set_policy(&mut self, property: &'static str, policy: &Policy) -> &mut Self {
        for (sid, from) in policy.causes() {
            self.caused(format!("{property}.Statement.[{sid}]"), from.to_owned());
        }
        self.set(property, policy.to_value())
    }

    /// Says what a reference gives before the resource exists.
    pub fn knows(&mut self, attribute: &'static str, value: impl Into<String>) -> &mut Self {
        self.known.push((attribute, value.into()));
        self
    }
}

/// `{"Ref": id}`: the name of a bucket, the ARN of a topic, ...
pub fn reference(id: &LogicalId) -> Value {
    crate::document!({"Ref": id})
}

/// `{"Fn::GetAtt": [id, attribute]}`.
pub fn attribute(id: &LogicalId, attribute: &'static str) -> Value {
    crate::document!({"Fn::GetAtt": [id, attribute]})
}

/// What a reference in a document points at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    pub id: LogicalId,
    /// `Ref`, or the attribute.
    pub attribute: String,
}

/// Reads a value as a reference, if it is one.
pub fn as_reference(value: &Value) -> Option<Target> {
    let map = value.as_map().filter(|map| map.len() == 1)?;
    if let Some(id) = map.get("Ref").and_then(Value::as_str) {
        let id = LogicalId::new(id).ok()?;
        return Some(Target { id, attribute: "Ref".into() });
    }
    match map.get("Fn::GetAtt")?.as_list()? {
        [id, attribute] => Some(Target {
            id: LogicalId::new(id.as_str()?).ok()?,
            attribute: attribute.as_str()?.to_owned(),
        }),
        _ => None,
    }
}

/// Calls `found` with every reference in a document.
pub fn references(value: &Value, found: &mut impl FnMut(Target)) {
    match value {
        Value::Map(map) => match as_reference(value) {
            Some(target) => found(target),
            None => map.iter().for_each(|(_, value)| references(value, found)),
        },
        Value::List(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// All resources of a lake.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    resources: Vec<Resource>,
    index: HashMap<LogicalId, usize>,
}

impl Graph {
    /// Takes a resource in.
    pub fn add(&mut self, resource: Resource) {
        let earlier = self.index.insert(resource.id.clone(), self.resources.len());
        assert!(earlier.is_none(), "invariant: `{}` is one resource", resource.id);
        self.resources.push(resource);
    }

    /// The resource of this id.
    pub fn get(&self, id: &LogicalId) -> Option<&Resource> {
        self.index.get(id).map(|at| &self.resources[*at])
    }

    /// The resources in the order in which they were made.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Gives the resources away.
    pub fn into_resources(self) -> Vec<Resource> {
        self.resources
    }

    /// The number of resources.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}
