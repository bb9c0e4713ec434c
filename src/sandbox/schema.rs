//! The sandbox's door to the catalogue: what it needs to know of resource types, and nothing else.
//!
//! Everything here is asked by the type's name, `AWS::S3::Bucket`; of an unknown type nothing is true.

use crate::catalogue::{self, Impact, ResourceType};
use crate::document::{Map, Value};

/// Users are made by hand only, so that policies can name them; no template of lakewright's holds one.
const USER: &str = "AWS::IAM::User";

fn facts(kind: &str) -> Option<&'static ResourceType> {
    catalogue::resource_type(kind)
}

/// Whether CloudFormation has this type.
pub(super) fn known(kind: &str) -> bool {
    facts(kind).is_some()
}

/// The paths of the name that a template may give.
pub(super) fn called(kind: &str) -> &'static [&'static str] {
    match kind {
        USER => &["UserName"],
        _ => facts(kind).map_or(&[], |facts| &facts.called),
    }
}

/// The parts of the primary identifier.
pub(super) fn identifier(kind: &str) -> &'static [&'static str] {
    match kind {
        USER => &["UserName"],
        _ => facts(kind).map_or(&[], |facts| &facts.identifier),
    }
}

/// The form of the ARN.
pub(super) fn arn(kind: &str) -> Option<&'static str> {
    match kind {
        USER => Some("arn:${Partition}:iam::${Account}:user/${UserNameWithPath}"),
        _ => facts(kind).and_then(|facts| facts.arn),
    }
}

/// The names that `Fn::GetAtt` takes by the documentation.
pub(super) fn attributes(kind: &str) -> &'static [&'static str] {
    match kind {
        USER => &["Arn"],
        _ => facts(kind).map_or(&[], |facts| &facts.attributes),
    }
}

/// Whether `Fn::GetAtt` takes a name. Besides the documented ones CloudFormation takes every property at the top.
pub(super) fn has_attribute(kind: &str, attribute: &str) -> bool {
    facts(kind).is_some_and(|facts| {
        facts.attributes.contains(&attribute) || facts.properties.contains(&attribute)
    })
}

/// What a change of the property at `path` does.
pub(super) fn impact(kind: &str, path: &[&str]) -> Impact {
    facts(kind).map_or(Impact::InPlace, |facts| facts.impact(path))
}

/// Why a resource can't be replaced under the name it has.
pub(super) fn blocked(kind: &str, old: &Value, new: &Value) -> Option<String> {
    let (_, name) = facts(kind)?.blocked(old, new)?;
    super::intrinsics::scalar(name)
}

/// Whether a replacement deletes the old resource before it makes the new one.
pub(super) fn delete_first(kind: &str) -> bool {
    facts(kind).is_some_and(|facts| facts.delete_first)
}

/// Whether CloudFormation can read a resource, and so detect drift and import.
pub(super) fn can_read(kind: &str) -> bool {
    facts(kind).is_some_and(ResourceType::can_read)
}

/// The property for tags, if there is one and it can be changed.
pub(super) fn tags(kind: &str) -> Option<&'static str> {
    let tags = facts(kind)?.tags?;
    tags.updatable.then_some(tags.property)
}

/// Whether the type takes its tags as a map instead of a list of keys and values.
pub(super) fn tags_are_a_map(kind: &str) -> bool {
    let Some(property) = tags(kind) else {
        return false;
    };
    let mut list = Map::new();
    list.insert(property, Vec::<Value>::new());
    let found = catalogue::schema::check(kind, &list.into());
    found.iter().any(|violation| violation.path == [property])
}

/// Whether the order of the list at `path` means nothing.
pub(super) fn unordered(kind: &str, path: &[&str]) -> bool {
    facts(kind).is_some_and(|facts| facts.unordered(path))
}

/// Whether the property at `path` is never read back.
pub(super) fn write_only(kind: &str, path: &[&str]) -> bool {
    let matches = |pattern: &&&str| {
        let steps: Vec<&str> = pattern.split('/').collect();
        steps.len() <= path.len()
            && steps.iter().zip(path).all(|(wanted, step)| wanted == step || *wanted == "*")
    };
    facts(kind).is_some_and(|facts| facts.write_only.iter().find(matches).is_some())
}

/// Whether the type is missing from a region.
pub(super) fn absent(kind: &str, region: &str) -> bool {
    catalogue::absent(kind, region)
}
