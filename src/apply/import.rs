//! The template of an import: what the stack holds, what comes in, and nothing else.
//!
//! An import may create, change and delete nothing, outputs included (AWS CloudFormation User Guide,
//! "Import AWS resources into a CloudFormation stack"). What the new resources say of others that
//! are not there yet is left out, and comes with the update that follows: import does not compare a
//! template's values with reality.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::ImportTarget;
use crate::document::{Map, Value};
use crate::graph::references;

/// How many resources one import takes (AWS CloudFormation API reference, CreateChangeSet,
/// ResourcesToImport: at most 200).
const MOST: usize = 200;

/// The imports in an order in which none refers to a later one, as many at a time as an import takes.
pub(super) fn batches(new: &Value, imports: &[ImportTarget]) -> Vec<Vec<ImportTarget>> {
    let mut waiting: BTreeMap<&str, &ImportTarget> =
        imports.iter().map(|target| (target.logical_id.as_str(), target)).collect();
    let mut needs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for id in waiting.keys() {
        let own = needs.entry(id).or_default();
        let Some(resource) = new.at(&["Resources", id]) else { continue };
        references(resource, &mut |target| own.extend([target.id.to_string()]));
        let before = resource.get("DependsOn").and_then(Value::as_list).unwrap_or_default();
        own.extend(before.iter().filter_map(Value::as_str).map(str::to_owned));
        own.retain(|need| waiting.contains_key(need.as_str()) && need != id);
    }
    let mut ordered: Vec<ImportTarget> = Vec::with_capacity(imports.len());
    while !waiting.is_empty() {
        let ready: Vec<&str> = waiting
            .keys()
            .filter(|id| !needs[**id].iter().any(|need| waiting.contains_key(need.as_str())))
            .copied()
            .collect();
        // Resources that refer to each other: their properties are left out where they must be.
        let ready = if ready.is_empty() { waiting.keys().copied().collect() } else { ready };
        for id in ready {
            ordered.extend(waiting.remove(id).cloned());
        }
    }
    ordered.chunks(MOST).map(<[ImportTarget]>::to_vec).collect()
}

/// The template of the first step. `new` is the template to get to, `current` the one that is
/// deployed, if there is one.
pub(super) fn import_template(
    new: &Value,
    current: Option<&Value>,
    imports: &[ImportTarget],
) -> Value {
    let empty = Map::new();
    let all = new.get("Resources").and_then(Value::as_map).unwrap_or(&empty);
    let mut template = match current {
        Some(current) => current.as_map().cloned().unwrap_or_default(),
        None => {
            let mut head = Map::new();
            for key in ["AWSTemplateFormatVersion", "Description"] {
                head.insert_some(key, new.get(key).cloned());
            }
            head
        }
    };
    let mut resources = match template.remove("Resources") {
        Some(Value::Map(resources)) => resources,
        _ => Map::new(),
    };
    let mut parameters = match template.remove("Parameters") {
        Some(Value::Map(parameters)) => parameters,
        _ => Map::new(),
    };
    let declared = new.get("Parameters").and_then(Value::as_map).unwrap_or(&empty);
    let mut there: BTreeSet<String> = resources.iter().map(|(id, _)| id.to_owned()).collect();
    there.extend(imports.iter().map(|target| target.logical_id.to_string()));
    for target in imports {
        let id = target.logical_id.as_str();
        let Some(resource) = all.get(id) else { continue };
        let mut resource = resource.clone();
        strip(&mut resource, &there, declared);
        references(&resource, &mut |found| {
            let name = found.id.as_str();
            if let Some(parameter) = declared.get(name) {
                parameters.insert(name.to_owned(), parameter.clone());
            }
        });
        // Every target needs a deletion policy.
        if let Some(map) = resource.as_map_mut()
            && map.get("DeletionPolicy").is_none()
        {
            map.insert("DeletionPolicy", "Retain");
        }
        resources.insert(id.to_owned(), resource);
    }
    if !parameters.is_empty() {
        template.insert("Parameters", parameters);
    }
    template.insert("Resources", resources);
    Value::Map(template)
}

/// Leaves out the properties that refer to what is not there, and the same in DependsOn.
fn strip(resource: &mut Value, there: &BTreeSet<String>, declared: &Map) {
    let Some(map) = resource.as_map_mut() else { return };
    if let Some(Value::Map(properties)) = map.get_mut("Properties") {
        let missing: Vec<String> = properties
            .iter()
            .filter(|(_, value)| refers_elsewhere(value, there, declared))
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in missing {
            properties.remove(&name);
        }
    }
    let before = match map.get("DependsOn") {
        Some(Value::List(list)) => list.clone(),
        Some(other) => vec![other.clone()],
        None => return,
    };
    let kept: Vec<Value> =
        before.into_iter().filter(|id| id.as_str().is_some_and(|id| there.contains(id))).collect();
    map.remove("DependsOn");
    if !kept.is_empty() {
        map.insert("DependsOn", Value::List(kept));
    }
}

fn refers_elsewhere(value: &Value, there: &BTreeSet<String>, declared: &Map) -> bool {
    let mut elsewhere = false;
    references(value, &mut |target| {
        let id = target.id.as_str();
        elsewhere |= !there.contains(id) && declared.get(id).is_none();
    });
    elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use crate::names::LogicalId;

    fn target(id: &str) -> ImportTarget {
        ImportTarget {
            logical_id: LogicalId::new(id).unwrap(),
            kind: "AWS::S3::Bucket".into(),
            identifier: BTreeMap::new(),
        }
    }

    #[test]
    fn an_import_holds_only_what_comes_in_and_what_is_there() {
        let new = document!({
            "Description": "x",
            "Parameters": {"KeyArn": {"Type": "String"}, "Other": {"Type": "String"}},
            "Outputs": {"O": {"Value": {"Ref": "Raw"}}},
            "Resources": {
                "Raw": {
                    "Type": "AWS::S3::Bucket",
                    "DependsOn": ["Role", "Log"],
                    "Properties": {
                        "BucketName": "raw",
                        "Key": {"Ref": "KeyArn"},
                        "Logs": {"Ref": "Log"},
                        "Region": {"Ref": "Region1"},
                        "Replication": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}
                    }
                },
                "Log": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"},
                "Role": {"Type": "AWS::IAM::Role"}
            }
        });
        let template = import_template(&new, None, &[target("Raw"), target("Log")]);
        let expected = document!({
            "Description": "x",
            "Parameters": {"KeyArn": {"Type": "String"}},
            "Resources": {
                "Raw": {
                    "Type": "AWS::S3::Bucket",
                    "DeletionPolicy": "Retain",
                    "DependsOn": ["Log"],
                    "Properties": {
                        "BucketName": "raw",
                        "Key": {"Ref": "KeyArn"},
                        "Logs": {"Ref": "Log"}
                    }
                },
                "Log": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}
            }
        });
        assert_eq!(template, expected);

        let current = document!({
            "Resources": {"Old": {"Type": "AWS::S3::Bucket"}},
            "Outputs": {"Kept": {"Value": "1"}}
        });
        let template = import_template(&new, Some(&current), &[target("Log")]);
        assert!(template.at(&["Resources", "Old"]).is_some());
        assert!(template.at(&["Outputs", "Kept"]).is_some());
        assert!(template.at(&["Outputs", "O"]).is_none());
    }

    #[test]
    fn many_imports_are_divided_and_none_refers_to_a_later_one() {
        let mut resources = Map::new();
        let mut imports = Vec::new();
        for number in 0..450 {
            let id = format!("A{number}");
            resources
                .insert(id.clone(), document!({"Type": "T", "Properties": {"In": {"Ref": "Z"}}}));
            imports.push(target(&id));
        }
        resources.insert("Z", document!({"Type": "T", "DependsOn": ["Y"]}));
        resources.insert("Y", document!({"Type": "T"}));
        imports.push(target("Z"));
        imports.push(target("Y"));
        let mut new = Map::new();
        new.insert("Resources", resources);
        let batches = batches(&Value::Map(new), &imports);
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert_eq!(sizes, [200, 200, 52]);
        let first: Vec<&str> =
            batches[0][..2].iter().map(|target| target.logical_id.as_str()).collect();
        assert_eq!(first, ["Y", "Z"]);
    }
}
