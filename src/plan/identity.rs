//! By what a resource that exists is known, as far as its template says.
//!
//! In: the definition of a resource and its stack. Out: parts of its primary identifier, by which
//! CloudFormation imports it. The cloud's own answer, where `apply` has one, is better: it is what
//! the index holds.

use std::collections::BTreeMap;

use super::resource::{kept_on_deletion, kind_of, path_of};
use super::{DeployedStack, Kept};
use crate::catalogue::resource_type;
use crate::document::Value;
use crate::names::LogicalId;
use crate::stacks::StackKey;

/// What a stack whose deletion stopped half-way lets go when it is deleted to the end.
pub(super) fn let_go(key: &StackKey, there: &DeployedStack) -> Vec<Kept> {
    let kept = there.resources().filter(|(_, definition)| kept_on_deletion(definition));
    kept.filter_map(|(id, definition)| {
        let logical_id = LogicalId::new(id).ok()?;
        let physical_id = there.physical_ids.get(&logical_id)?;
        let parts = &resource_type(kind_of(definition))?.identifier;
        let mut identifier = BTreeMap::new();
        for part in parts {
            let value = match parts.len() {
                1 => physical_id.clone(),
                _ => self::identifier(there, definition, part)?,
            };
            identifier.insert((*part).to_owned(), value);
        }
        Some(Kept {
            region: key.region.clone(),
            kind: kind_of(definition).to_owned(),
            logical_id,
            identifier,
            path: path_of(definition).to_owned(),
        })
    })
    .collect()
}

/// A part of a resource's identifier as its template gives it: a text, or a reference to another
/// resource or a parameter whose value is known.
pub(super) fn identifier(
    there: &DeployedStack,
    definition: &Value,
    property: &str,
) -> Option<String> {
    if let Some(text) = given(definition, property) {
        return Some(text.to_owned());
    }
    let name = definition.get("Properties")?.get(property)?.get("Ref")?.as_str()?;
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
