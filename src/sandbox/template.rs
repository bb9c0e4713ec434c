//! A CloudFormation template, read and checked the way CreateChangeSet does before it accepts it.
//!
//! In goes the JSON text, out comes a [`Template`] whose references all lead somewhere and whose resources have an
//! order, or the sentence with which CloudFormation refuses it. YAML is not read: lakewright sends JSON.
//! Sources: CloudFormation User Guide, "Template reference" and "Understand CloudFormation quotas"; the wording of
//! refusals is CloudFormation's own. Read next: `intrinsics`, which gives the functions their values.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use super::references::{Reference, references};
use super::schema;
use crate::cloud::CloudError;
use crate::document::{Map, Value};

/// "Understand CloudFormation quotas": resources, parameters, outputs, mappings in a template.
const MOST_RESOURCES: usize = 500;
const MOST_OTHERS: usize = 200;

/// A template that CloudFormation would accept.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub parameters: BTreeMap<String, Parameter>,
    pub mappings: Map,
    pub conditions: Map,
    pub resources: BTreeMap<String, Resource>,
    pub outputs: BTreeMap<String, Output>,
}

/// A declared parameter.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub kind: String,
    pub rules: Map,
}

/// A declared resource.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub kind: String,
    pub properties: Value,
    pub depends_on: Vec<String>,
    pub condition: Option<String>,
    pub deletion_policy: Option<String>,
    pub replace_policy: Option<String>,
    pub metadata: Value,
    /// What the properties refer to.
    pub references: BTreeSet<Reference>,
}

/// A declared output.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub value: Value,
    pub export: Option<Value>,
    pub condition: Option<String>,
}

/// CloudFormation's ValidationError.
pub(super) fn refused(text: impl Into<String>) -> CloudError {
    CloudError::Refused(text.into())
}

/// A template whose form is wrong.
pub(super) fn malformed(text: impl std::fmt::Display) -> CloudError {
    refused(format!("Template format error: {text}"))
}

type Checked<T> = Result<T, CloudError>;

impl Template {
    /// Reads and checks a template.
    pub fn read(text: &str) -> Checked<Template> {
        let root = Value::from_json(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            malformed(format!("JSON not well-formed. (line {line}, column {column})"))
        })?;
        let Value::Map(root) = root else {
            return Err(malformed("unsupported structure."));
        };
        const SECTIONS: [&str; 10] = [
            "AWSTemplateFormatVersion",
            "Conditions",
            "Description",
            "Hooks",
            "Mappings",
            "Metadata",
            "Outputs",
            "Parameters",
            "Resources",
            "Rules",
        ];
        for (section, _) in root.iter() {
            if section == "Transform" {
                return Err(refused(
                    "the sandbox does not run transforms; send the template as they leave it",
                ));
            }
            if !SECTIONS.contains(&section) {
                return Err(refused(format!(
                    "Invalid template property or properties [{section}]"
                )));
            }
        }
        for section in ["Resources", "Outputs", "Parameters", "Conditions"] {
            if let Some(path) = root.get(section).and_then(null_in) {
                return Err(refused(format!(
                    "[/{section}{path}] 'null' values are not allowed in templates"
                )));
            }
        }
        let version = root.get("AWSTemplateFormatVersion");
        if version.is_some_and(|version| version.as_str() != Some("2010-09-09")) {
            return Err(malformed(
                "unsupported value for AWSTemplateFormatVersion: the only one is 2010-09-09.",
            ));
        }
        let description = root.get("Description");
        if description.is_some_and(|text| text.as_str().is_none_or(|text| text.len() > 1024)) {
            return Err(malformed("'Description' length is greater than 1024 or it is no string."));
        }
        let mut template = Template {
            parameters: parameters(&root)?,
            mappings: section(&root, "Mappings")?,
            conditions: section(&root, "Conditions")?,
            resources: resources(&root)?,
            outputs: outputs(&root)?,
        };
        if template.mappings.len() > MOST_OTHERS {
            return Err(too_many("mappings", template.mappings.len(), MOST_OTHERS));
        }
        template.check_references()?;
        template.check_order()?;
        Ok(template)
    }

    /// The resources that a resource needs first, ascending, itself not among them.
    pub fn needs(&self, id: &str) -> Vec<String> {
        let Some(resource) = self.resources.get(id) else {
            return Vec::new();
        };
        let mut needs: BTreeSet<&str> = resource.depends_on.iter().map(String::as_str).collect();
        for reference in &resource.references {
            match reference {
                Reference::Name(name) | Reference::Attribute(name, _) => needs.insert(name),
                _ => false,
            };
        }
        needs
            .into_iter()
            .filter(|name| *name != id && self.resources.contains_key(*name))
            .map(str::to_owned)
            .collect()
    }

    /// The logical ids, each after those that it needs, otherwise ascending.
    pub fn order(&self) -> Vec<String> {
        let needs: BTreeMap<&str, Vec<String>> =
            self.resources.keys().map(|id| (id.as_str(), self.needs(id))).collect();
        let mut waiting: BTreeMap<&str, usize> =
            needs.iter().map(|(id, needs)| (*id, needs.len())).collect();
        let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, needs) in &needs {
            for need in needs {
                needed_by.entry(need.as_str()).or_default().push(id);
            }
        }
        let mut ready: BTreeSet<&str> =
            waiting.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
        let mut order = Vec::with_capacity(needs.len());
        while let Some(id) = ready.pop_first() {
            order.push(id.to_owned());
            for next in needed_by.get(id).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(next) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(next);
                    }
                }
            }
        }
        order
    }

    fn check_references(&mut self) -> Checked<()> {
        let mut unknown_kinds = BTreeSet::new();
        for resource in self.resources.values() {
            if !schema::known(&resource.kind) {
                unknown_kinds.insert(resource.kind.as_str());
            }
        }
        if !unknown_kinds.is_empty() {
            let kinds: Vec<&str> = unknown_kinds.into_iter().collect();
            return Err(malformed(format!("Unrecognized resource types: [{}]", kinds.join(", "))));
        }
        for (name, condition) in self.conditions.iter() {
            let found = references(condition)?;
            let names = found.iter().filter_map(|reference| match reference {
                Reference::Name(name) => Some(name),
                Reference::Attribute(name, _) => Some(name),
                _ => None,
            });
            let wrong: Vec<&str> = names
                .map(String::as_str)
                .filter(|name| !self.parameters.contains_key(*name) && !pseudo(name))
                .collect();
            if !wrong.is_empty() {
                return Err(malformed(format!(
                    "Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of the template",
                    wrong.join(", ")
                )));
            }
            self.check_lookups(&found, &format!("condition {name}"), "Conditions")?;
        }
        for resource in self.resources.values_mut() {
            resource.references = references(&resource.properties)?;
        }
        let mut unresolved = BTreeSet::new();
        for (id, resource) in &self.resources {
            self.unresolved(&resource.references, &mut unresolved)?;
            let missing = |name: &&String| !self.resources.contains_key(*name);
            unresolved.extend(resource.depends_on.iter().filter(missing).cloned());
            let mut conditions = resource.references.clone();
            conditions.extend(resource.condition.clone().map(Reference::Condition));
            self.check_lookups(&conditions, &format!("resource {id}"), "Resources")?;
        }
        dangling(&unresolved, "Resources")?;
        for (name, output) in &self.outputs {
            let found = references(&output.value)?;
            self.unresolved(&found, &mut unresolved)?;
            let mut lookups = found;
            lookups.extend(output.condition.clone().map(Reference::Condition));
            self.check_lookups(&lookups, &format!("output {name}"), "Outputs")?;
            let export = output.export.as_ref().map(references).transpose()?;
            for reference in export.into_iter().flatten() {
                let free = match &reference {
                    Reference::Name(name) => self.parameters.contains_key(name) || pseudo(name),
                    Reference::Mapping(_) | Reference::Condition(_) => true,
                    _ => false,
                };
                if !free {
                    return Err(malformed(format!(
                        "Output {name} is malformed.  The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs."
                    )));
                }
            }
        }
        dangling(&unresolved, "Outputs")
    }

    fn unresolved(&self, found: &BTreeSet<Reference>, into: &mut BTreeSet<String>) -> Checked<()> {
        for reference in found {
            match reference {
                Reference::Name(name)
                    if !self.parameters.contains_key(name)
                        && !self.resources.contains_key(name)
                        && !pseudo(name) =>
                {
                    into.insert(name.clone());
                }
                Reference::Attribute(id, attribute) => {
                    let Some(resource) = self.resources.get(id) else {
                        return Err(refused(format!(
                            "Template error: instance of Fn::GetAtt references undefined resource {id}"
                        )));
                    };
                    if !schema::has_attribute(&resource.kind, attribute) {
                        return Err(refused(format!(
                            "Template error: resource {id} does not support attribute type {attribute} in Fn::GetAtt"
                        )));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_lookups(&self, found: &BTreeSet<Reference>, what: &str, block: &str) -> Checked<()> {
        for reference in found {
            match reference {
                Reference::Condition(name) if self.conditions.get(name).is_none() => {
                    return Err(malformed(format!(
                        "Unresolved condition dependency {name} in the {block} block of the template"
                    )));
                }
                Reference::Mapping(name) if self.mappings.get(name).is_none() => {
                    return Err(refused(format!(
                        "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template ({what})."
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_order(&self) -> Checked<()> {
        let mut graph = DiGraph::<&str, ()>::new();
        let nodes: BTreeMap<&str, _> =
            self.resources.keys().map(|id| (id.as_str(), graph.add_node(id.as_str()))).collect();
        let mut alone = BTreeSet::new();
        for (id, resource) in &self.resources {
            for need in self.needs(id) {
                graph.add_edge(nodes[id.as_str()], nodes[need.as_str()], ());
            }
            let own = |reference: &Reference| match reference {
                Reference::Name(name) | Reference::Attribute(name, _) => name == id,
                _ => false,
            };
            if resource.references.iter().any(own) || resource.depends_on.contains(id) {
                alone.insert(id.as_str());
            }
        }
        let circles = tarjan_scc(&graph).into_iter().filter(|part| part.len() > 1);
        let mut members: BTreeSet<&str> = circles.flatten().map(|node| graph[node]).collect();
        members.extend(alone);
        if members.is_empty() {
            return Ok(());
        }
        let members: Vec<&str> = members.into_iter().collect();
        Err(refused(format!("Circular dependency between resources: [{}]", members.join(", "))))
    }
}

fn dangling(names: &BTreeSet<String>, block: &str) -> Checked<()> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Err(malformed(format!(
        "Unresolved resource dependencies [{}] in the {block} block of the template",
        names.join(", ")
    )))
}

/// Whether a name is a pseudo parameter ("Get AWS values using pseudo parameters").
pub(super) fn pseudo(name: &str) -> bool {
    matches!(
        name,
        "AWS::AccountId"
            | "AWS::NoValue"
            | "AWS::NotificationARNs"
            | "AWS::Partition"
            | "AWS::Region"
            | "AWS::StackId"
            | "AWS::StackName"
            | "AWS::URLSuffix"
    )
}

fn null_in(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Map(map) => {
            map.iter().find_map(|(key, value)| null_in(value).map(|path| format!("/{key}{path}")))
        }
        Value::List(list) => list
            .iter()
            .enumerate()
            .find_map(|(at, value)| null_in(value).map(|path| format!("/{at}{path}"))),
        _ => None,
    }
}

fn section(root: &Map, name: &str) -> Checked<Map> {
    match root.get(name) {
        None => Ok(Map::new()),
        Some(Value::Map(map)) => Ok(map.clone()),
        Some(_) => Err(malformed(format!("{name} must be an object."))),
    }
}

fn too_many(what: &str, count: usize, most: usize) -> CloudError {
    malformed(format!("Number of {what}, {count}, is greater than maximum allowed, {most}"))
}

fn alphanumeric(what: &str, name: &str) -> Checked<()> {
    if !name.is_empty() && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(malformed(format!("{what} name {name} is non alphanumeric.")))
    }
}

fn parameters(root: &Map) -> Checked<BTreeMap<String, Parameter>> {
    let map = section(root, "Parameters")?;
    if map.len() > MOST_OTHERS {
        return Err(too_many("parameters", map.len(), MOST_OTHERS));
    }
    let mut parameters = BTreeMap::new();
    for (name, rules) in map.iter() {
        alphanumeric("Parameter", name)?;
        let Some(rules) = rules.as_map() else {
            return Err(malformed("Any Parameters member must be an object."));
        };
        let Some(kind) = rules.get("Type").and_then(Value::as_str) else {
            return Err(malformed("Every Parameters object must contain a Type member."));
        };
        let known = matches!(
            kind,
            "String" | "Number" | "CommaDelimitedList" | "List<Number>" | "List<String>"
        );
        if !known {
            return Err(malformed(format!("Unrecognized parameter type: {kind}")));
        }
        parameters
            .insert(name.to_owned(), Parameter { kind: kind.to_owned(), rules: rules.clone() });
    }
    Ok(parameters)
}

fn resources(root: &Map) -> Checked<BTreeMap<String, Resource>> {
    let map = section(root, "Resources")?;
    if map.is_empty() {
        return Err(malformed("At least one Resources member must be defined."));
    }
    if map.len() > MOST_RESOURCES {
        return Err(too_many("resources", map.len(), MOST_RESOURCES));
    }
    let mut resources = BTreeMap::new();
    for (id, value) in map.iter() {
        alphanumeric("Resource", id)?;
        let Some(fields) = value.as_map() else {
            return Err(malformed("Any Resources member must be an object."));
        };
        resources.insert(id.to_owned(), resource(id, fields)?);
    }
    Ok(resources)
}

fn resource(id: &str, fields: &Map) -> Checked<Resource> {
    const FIELDS: [&str; 9] = [
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    ];
    if let Some((field, _)) = fields.iter().find(|(field, _)| !FIELDS.contains(field)) {
        return Err(refused(format!("Invalid template resource property '{field}'")));
    }
    let Some(kind) = fields.get("Type").and_then(Value::as_str) else {
        return Err(malformed(format!(
            "[/Resources/{id}] Every Resources object must contain a Type member."
        )));
    };
    let policy = |field: &str, allowed: &[&str]| match fields.get(field) {
        None => Ok(None),
        Some(Value::Str(text)) if allowed.contains(&text.as_ref()) => Ok(Some(text.to_string())),
        Some(other) => Err(malformed(format!("Unrecognized {field} {other} for resource {id}"))),
    };
    let properties = match fields.get("Properties") {
        None => Value::Map(Map::new()),
        Some(map @ Value::Map(_)) => map.clone(),
        Some(_) => {
            return Err(malformed(format!(
                "[/Resources/{id}/Properties] Properties must be an object."
            )));
        }
    };
    let depends_on = match fields.get("DependsOn") {
        None => Vec::new(),
        Some(Value::Str(name)) => vec![name.to_string()],
        Some(Value::List(names)) if names.iter().all(|name| name.as_str().is_some()) => {
            names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => {
            return Err(malformed("DependsOn must be a string or list of strings."));
        }
    };
    Ok(Resource {
        kind: kind.to_owned(),
        properties,
        depends_on,
        condition: fields.get("Condition").and_then(Value::as_str).map(str::to_owned),
        deletion_policy: policy(
            "DeletionPolicy",
            &["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"],
        )?,
        replace_policy: policy("UpdateReplacePolicy", &["Delete", "Retain", "Snapshot"])?,
        metadata: fields.get("Metadata").cloned().unwrap_or_default(),
        references: BTreeSet::new(),
    })
}

fn outputs(root: &Map) -> Checked<BTreeMap<String, Output>> {
    let map = section(root, "Outputs")?;
    if map.len() > MOST_OTHERS {
        return Err(too_many("outputs", map.len(), MOST_OTHERS));
    }
    let mut outputs = BTreeMap::new();
    for (name, fields) in map.iter() {
        alphanumeric("Output", name)?;
        let Some(value) = fields.get("Value") else {
            return Err(malformed("Every Outputs member must contain a Value object"));
        };
        outputs.insert(
            name.to_owned(),
            Output {
                value: value.clone(),
                export: fields.at(&["Export", "Name"]).cloned(),
                condition: fields.get("Condition").and_then(Value::as_str).map(str::to_owned),
            },
        );
    }
    Ok(outputs)
}
