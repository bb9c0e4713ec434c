//! What is true of a CloudFormation resource type as a whole.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::lines::Lines;
use super::nearest::nearest;
use super::path;
use super::schema;
use crate::document::Value;

/// A resource type: what AWS's registry schema says of it, and what its documentation adds.
///
/// Paths to properties are written `TableInput/StorageDescriptor/Columns/*/Name`, without a leading slash.
#[derive(Debug)]
pub struct ResourceType {
    /// Such as `AWS::S3::Bucket`.
    pub name: &'static str,
    /// The properties at the top, read-only ones among them, ascending.
    pub properties: Vec<&'static str>,
    /// The properties that every template must give.
    pub required: Vec<&'static str>,
    /// The properties that together identify a resource, in the order in which an import names them.
    pub identifier: Vec<&'static str>,
    /// Paths whose change replaces the resource.
    pub create_only: Vec<&'static str>,
    /// Paths whose change replaces the resource under some conditions.
    pub conditional: Vec<&'static str>,
    /// Paths that CloudFormation fills and a template can't give.
    pub read_only: Vec<&'static str>,
    /// Paths that are never read back, so that no drift is seen in them.
    pub write_only: Vec<&'static str>,
    /// Paths that AWS advises against.
    pub deprecated: Vec<&'static str>,
    /// The names that `Fn::GetAtt` takes.
    pub attributes: Vec<&'static str>,
    /// The form of its ARN, such as `arn:${Partition}:s3:::${BucketName}`.
    pub arn: Option<&'static str>,
    /// How it is tagged, if it can be.
    pub tags: Option<Tags>,
    /// Whether something that can't be made again is lost with it.
    pub holds_data: bool,
    /// Whether a replacement deletes the old one before it makes the new one.
    pub delete_first: bool,
    /// The paths, of which a template gives one, of the name that must be unique; empty where AWS makes up the name.
    pub called: Vec<&'static str>,
    /// The paths of what the name is unique within, besides account and region.
    pub within: Vec<&'static str>,
    /// Properties (at the top) of which only the documentation says that their change replaces.
    pub(super) documented: BTreeMap<&'static str, Certainty>,
    pub(super) own: Own,
    handlers: BTreeMap<&'static str, Vec<&'static str>>,
    pub(super) legacy: bool,
    absent: Vec<&'static str>,
}

/// How a type is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Tags {
    /// The property that takes the tags.
    pub property: &'static str,
    /// Whether they can be changed later.
    pub updatable: bool,
}

/// The operations that CloudFormation performs on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handler {
    Create,
    Read,
    Update,
    Delete,
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Certainty {
    Yes,
    Maybe,
}

/// A line of `types.jsonl`.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Line {
    name: &'static str,
    properties: Vec<&'static str>,
    required: Vec<&'static str>,
    identifier: Vec<&'static str>,
    create_only: Vec<&'static str>,
    conditional: Vec<&'static str>,
    read_only: Vec<&'static str>,
    write_only: Vec<&'static str>,
    deprecated: Vec<&'static str>,
    get_att: Vec<&'static str>,
    arn: Option<&'static str>,
    tags: Option<Tags>,
    holds_data: bool,
    delete_first: bool,
    documented: BTreeMap<&'static str, Certainty>,
    handlers: BTreeMap<&'static str, Vec<&'static str>>,
    absent: Vec<&'static str>,
}

/// A line of `own.jsonl`: what AWS's pages say and its schemas don't. `why` and `source` are for its readers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct Own {
    called: Vec<&'static str>,
    within: Vec<&'static str>,
    holds_data: bool,
    handlers: BTreeMap<&'static str, Vec<&'static str>>,
    pub(super) ordered: Vec<&'static str>,
    pub(super) replaces: BTreeMap<&'static str, Certainty>,
    pub(super) fails: BTreeMap<&'static str, &'static str>,
}

pub(super) static OWN: LazyLock<Lines<Own>> = LazyLock::new(|| {
    Lines::new(include_str!("data/own.jsonl"), |line| {
        serde_json::from_str(line).expect("invariant: a line of our own facts is well formed")
    })
});

static TYPES: LazyLock<Lines<ResourceType>> =
    LazyLock::new(|| Lines::new(include_str!("data/types.jsonl"), read));

fn read(line: &'static str) -> ResourceType {
    let line: Line =
        serde_json::from_str(line).expect("invariant: a line of type facts is well formed");
    let own = OWN.get(line.name).cloned().unwrap_or_default();
    let legacy = line.handlers.is_empty();
    let (called, within) = if own.called.is_empty() {
        name_of(&line)
    } else {
        (own.called.clone(), own.within.clone())
    };
    let mut handlers = line.handlers;
    handlers.extend(own.handlers.clone());
    ResourceType {
        name: line.name,
        properties: line.properties,
        required: line.required,
        identifier: line.identifier,
        create_only: line.create_only,
        conditional: line.conditional,
        read_only: line.read_only,
        write_only: line.write_only,
        deprecated: line.deprecated,
        attributes: line.get_att,
        arn: line.arn,
        tags: line.tags,
        holds_data: line.holds_data || own.holds_data,
        delete_first: line.delete_first,
        called,
        within,
        documented: line.documented,
        own,
        handlers,
        legacy,
        absent: line.absent,
    }
}

/// The name and what it is unique within, where the identifier is given by the template as a whole. Of several parts
/// the name is the one that may be left out, else the last.
fn name_of(line: &Line) -> (Vec<&'static str>, Vec<&'static str>) {
    let given = |part: &&str| line.create_only.contains(part) && !line.read_only.contains(part);
    let parts = &line.identifier;
    if parts.is_empty() || !parts.iter().all(given) {
        return (Vec::new(), Vec::new());
    }
    let optional = parts.iter().find(|part| !line.required.contains(part));
    let name = *optional.unwrap_or(&parts[parts.len() - 1]);
    let within = parts.iter().copied().filter(|part| *part != name);
    (vec![name], within.collect())
}

/// The type called `name`, spelt exactly.
pub fn resource_type(name: &str) -> Option<&'static ResourceType> {
    TYPES.get(name)
}

/// All types of which there are facts, ascending by name. Reads every line: about 3 ms the first time.
pub fn resource_types() -> impl Iterator<Item = &'static ResourceType> {
    TYPES.iter()
}

/// The type that a mistyped name most likely meant.
pub fn suggest_type(name: &str) -> Option<&'static str> {
    nearest(name, TYPES.names())
}

/// Whether the schemas say that a type is missing from a region. Of types and regions that they don't know they say
/// nothing: `false`.
pub fn absent(type_name: &str, region: &str) -> bool {
    resource_type(type_name).is_some_and(|known| known.absent.contains(&region))
}

impl ResourceType {
    /// The IAM actions that CloudFormation needs for an operation, ascending; `ec2:Describe*` and its like stand as
    /// the schemas have them. Empty where the operation doesn't exist or needs nothing.
    pub fn permissions(&self, handler: Handler) -> &[&'static str] {
        let key = match handler {
            Handler::Create => "create",
            Handler::Read => "read",
            Handler::Update => "update",
            Handler::Delete => "delete",
            Handler::List => "list",
        };
        self.handlers.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether CloudFormation can change a resource of this type at all; where it can't, every change replaces.
    pub fn can_update(&self) -> bool {
        self.legacy || self.handlers.contains_key("update")
    }

    /// Whether CloudFormation can read a resource of this type, and so see drift in it and import it.
    pub fn can_read(&self) -> bool {
        !self.legacy && self.handlers.contains_key("read")
    }

    /// The regions where the type is missing, ascending.
    pub fn absent_from(&self) -> &[&'static str] {
        &self.absent
    }

    /// Whether the order of a list means nothing, so that two lists with the same elements are the same.
    /// `path` leads to the list; positions in lists on the way are decimals or `*`.
    pub fn unordered(&self, path: &[&str]) -> bool {
        let schema = schema::of(self.name).expect("invariant: every type has a schema");
        !self.own.ordered.iter().any(|place| path::is(path, place)) && schema.unordered(path)
    }

    /// Whether the schema has a property at `path`, or anything may stand there.
    pub fn has(&self, path: &[&str]) -> bool {
        let schema = schema::of(self.name).expect("invariant: every type has a schema");
        schema.has(path)
    }

    /// The path and value of the name that a template gives to a resource, if it gives one.
    pub fn given_name<'a>(&self, properties: &'a Value) -> Option<(&'static str, &'a Value)> {
        let find = |place: &&'static str| Some((*place, at(properties, place)?));
        self.called.iter().find_map(find)
    }

    /// Why a resource can't be replaced by one with the properties `new`: the path and value of its name, when that
    /// name stays taken until the old resource is gone, and CloudFormation deletes the old one last ("cannot update a
    /// stack when a custom-named resource requires replacing").
    pub fn blocked<'a>(&self, old: &Value, new: &'a Value) -> Option<(&'static str, &'a Value)> {
        let (place, name) = self.given_name(new)?;
        let stays = |place: &&str| at(old, place) == at(new, place);
        let taken = self.given_name(old).is_some_and(|(_, old)| old == name);
        (taken && !self.delete_first && self.within.iter().all(stays)).then_some((place, name))
    }
}

fn at<'a>(properties: &'a Value, place: &str) -> Option<&'a Value> {
    let mut steps = place.split('/');
    steps.try_fold(properties, |value, step| value.get(step))
}
