//! From references to texts: what CloudFormation will put in the place of a reference, where that is known.
//!
//! In: all templates of a state. Out: values in which references to resources with a name of their own are names and
//! ARNs, parameters that another stack feeds are followed to where they come from, and what is known only after
//! creation is `{"Ref": "stack/Id"}` or `{"Fn::GetAtt": ["stack/Id", "Arn"]}`. INVARIANT: one thing has one spelling,
//! whichever stack names it.

use std::collections::BTreeMap;

use super::source::Source;
use crate::canonical::{Known, Scope, canonical, intrinsic};
use crate::catalogue::{self, resource_type};
use crate::document;
use crate::document::{Map, Value};

/// All templates of a state, ready to be asked what a value in one of them stands for.
pub(super) struct Texts<'a> {
    stacks: BTreeMap<&'a str, (&'a Source<'a>, Scope)>,
}

/// Types that are not the lake's and whose names others speak of: the property that names them, the form of their ARN
/// (Service Authorization Reference, "Resource types defined by AWS Identity and Access Management").
const PEOPLE: [(&str, &str, &str); 2] = [
    ("AWS::IAM::User", "UserName", "arn:${Partition}:iam::${Account}:user/${Name}"),
    ("AWS::IAM::Group", "GroupName", "arn:${Partition}:iam::${Account}:group/${Name}"),
];

/// How deep a value may be followed from stack to stack: parameters that feed each other in a circle end here.
const MOST_STEPS: usize = 16;

impl<'a> Texts<'a> {
    pub fn new(sources: &'a [Source<'a>]) -> Self {
        let stacks = sources.iter().map(|source| (source.name.as_str(), (source, scope(source))));
        Texts { stacks: stacks.collect() }
    }

    /// A value of a template with its references resolved. `None` for `AWS::NoValue`.
    pub fn resolve(&self, source: &Source, value: &Value) -> Option<Value> {
        self.follow(source, value, MOST_STEPS)
    }

    /// A value as one text: itself, or the reference as JSON.
    pub fn text(&self, source: &Source, value: &Value) -> String {
        match self.resolve(source, value) {
            Some(Value::Str(text)) => text.into_owned(),
            Some(other) => other.to_json(),
            None => String::new(),
        }
    }

    /// The ARN of a resource of a template, or the reference to it as JSON.
    pub fn arn(&self, source: &Source, id: &str) -> String {
        let arn = self.attribute(source, id, "Arn");
        arn.as_str().map_or_else(|| arn.to_json(), str::to_owned)
    }

    fn follow(&self, source: &Source, value: &Value, steps: usize) -> Option<Value> {
        let (_, scope) = self.stacks.get(source.name.as_str())?;
        let value = canonical(value, scope)?;
        Some(self.replace(source, value, steps))
    }

    /// Puts what is known in the place of references, in a value that is canonical.
    fn replace(&self, source: &Source, value: Value, steps: usize) -> Value {
        match value {
            Value::List(list) => {
                list.into_iter().map(|value| self.replace(source, value, steps)).collect()
            }
            Value::Map(map) => {
                match intrinsic(&map) {
                    Some(("Ref", Value::Str(id))) => return self.reference(source, id, steps),
                    Some(("Fn::GetAtt", Value::List(path))) => {
                        if let [Value::Str(id), Value::Str(attribute)] = path.as_slice() {
                            return self.attribute(source, id, attribute);
                        }
                    }
                    Some(("Fn::ImportValue", name)) if steps > 0 => {
                        let name = self.replace(source, name.clone(), steps);
                        if let Some((other, value)) =
                            name.as_str().and_then(|name| self.exported(name))
                            && let Some(value) = self.follow(other, value, steps - 1)
                        {
                            return value;
                        }
                    }
                    Some(("Fn::Join", Value::List(parts))) => {
                        if let [Value::Str(between), Value::List(parts)] = parts.as_slice() {
                            let parts: Vec<Value> = parts
                                .iter()
                                .map(|part| self.replace(source, part.clone(), steps))
                                .collect();
                            return joined(between, parts);
                        }
                    }
                    _ => {}
                }
                let pairs = map.into_iter();
                pairs
                    .map(|(key, value)| (key, self.replace(source, value, steps)))
                    .collect::<Map>()
                    .into()
            }
            scalar => scalar,
        }
    }

    /// The output that a stack of the state exports under a name.
    fn exported(&self, name: &str) -> Option<(&'a Source<'a>, &'a Value)> {
        self.stacks.values().find_map(|(source, _)| {
            let outputs = source.body.get("Outputs").and_then(Value::as_map)?;
            let found = outputs.iter().find(|(_, output)| {
                let own = output.at(&["Export", "Name"]);
                own.is_some_and(|own| self.text(source, own) == name)
            });
            found.and_then(|(_, output)| Some((*source, output.get("Value")?)))
        })
    }

    fn reference(&self, source: &Source, id: &str, steps: usize) -> Value {
        if let Some((stack, output)) = source.parameters.get(id)
            && steps > 0
            && let Some((other, _)) = self.stacks.get(stack.as_str())
            && let Some(value) = other.body.at(&["Outputs", output, "Value"])
            && let Some(value) = self.follow(other, value, steps - 1)
        {
            return value;
        }
        if let Some(definition) = source.body.at(&["Resources", id]) {
            // What Ref gives for each type: the pages of the types; an ARN for a managed policy and a topic, else the
            // name.
            let known = match kind_of(definition) {
                "AWS::IAM::ManagedPolicy" | "AWS::SNS::Topic" => {
                    return match self.made(source, definition) {
                        Some(arn) => Value::from(arn),
                        None => document!({"Ref": (qualified(source, id))}),
                    };
                }
                _ => self.name(source, definition),
            };
            if let Some(name) = known {
                return Value::from(name);
            }
        }
        document!({"Ref": (qualified(source, id))})
    }

    fn attribute(&self, source: &Source, id: &str, attribute: &str) -> Value {
        let definition = source.body.at(&["Resources", id]);
        if let Some(definition) = definition
            && matches!(attribute, "Arn" | "TopicArn")
            && let Some(arn) = self.made(source, definition)
        {
            return Value::from(arn);
        }
        document!({"Fn::GetAtt": [(qualified(source, id)), (attribute.to_owned())]})
    }

    /// The name that a template gives a resource, if it is a text in the end.
    fn name(&self, source: &Source, definition: &Value) -> Option<String> {
        let kind = kind_of(definition);
        let properties = definition.get("Properties")?;
        let name = match PEOPLE.iter().find(|one| one.0 == kind) {
            Some((_, property, _)) => properties.get(property)?,
            None => resource_type(kind)?.given_name(properties)?.1,
        };
        match self.resolve(source, name)? {
            Value::Str(name) => Some(name.into_owned()),
            _ => None,
        }
    }

    /// The ARN that a resource of a given name will have, after the form that the catalogue holds.
    fn made(&self, source: &Source, definition: &Value) -> Option<String> {
        let kind = kind_of(definition);
        let form = match PEOPLE.iter().find(|one| one.0 == kind) {
            Some((.., form)) => form,
            None => resource_type(kind)?.arn?,
        };
        let mut name = self.name(source, definition)?;
        if kind.starts_with("AWS::IAM::") {
            let path = definition.at(&["Properties", "Path"]).and_then(Value::as_str);
            name = format!("{}{name}", path.unwrap_or("/").trim_start_matches('/'));
        }
        let mut arn = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once("${") {
            let (slot, after) = after.split_once('}')?;
            arn.push_str(before);
            arn.push_str(match slot {
                "Partition" => source.partition(),
                "Region" => &source.region,
                "Account" => &source.account,
                _ => &name,
            });
            rest = after;
        }
        Some(arn + rest)
    }
}

impl Source<'_> {
    /// The partition of the source's region: `aws`.
    pub fn partition(&self) -> &'static str {
        catalogue::partition_of(&self.region).name
    }
}

/// The pseudo parameters, which are the same everywhere in a stack.
fn scope(source: &Source) -> Scope {
    let partition = catalogue::partition_of(&source.region);
    let mut scope = Scope { partition: partition.name, ..Scope::default() };
    for (name, text) in [
        ("AWS::AccountId", source.account.as_str()),
        ("AWS::Region", source.region.as_str()),
        ("AWS::Partition", partition.name),
        ("AWS::URLSuffix", partition.dns_suffix),
        ("AWS::StackName", source.name.as_str()),
    ] {
        scope.values.insert(name.to_owned(), Known::Text(text.to_owned()));
    }
    for (name, text) in &source.given {
        scope.values.insert(name.clone(), Known::Text(text.clone()));
    }
    scope
}

fn qualified(source: &Source, id: &str) -> String {
    format!("{}/{id}", source.name)
}

pub(super) fn kind_of(definition: &Value) -> &str {
    definition.get("Type").and_then(Value::as_str).unwrap_or("")
}

/// A concatenation, as one text where all its parts are.
fn joined(between: &str, parts: Vec<Value>) -> Value {
    if let Some(texts) = parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
        return Value::from(texts.join(between));
    }
    let mut flat: Vec<Value> = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 && !between.is_empty() {
            push(&mut flat, Value::from(between.to_owned()));
        }
        push(&mut flat, part);
    }
    document!({"Fn::Join": ["", (Value::List(flat))]})
}

fn push(flat: &mut Vec<Value>, value: Value) {
    match (flat.last_mut(), value) {
        (Some(Value::Str(last)), Value::Str(next)) => last.to_mut().push_str(&next),
        (_, Value::Map(map)) => match map.get("Fn::Join").and_then(Value::as_list) {
            Some([Value::Str(empty), Value::List(inner)]) if empty.is_empty() => {
                inner.iter().cloned().for_each(|part| push(flat, part));
            }
            _ => flat.push(Value::Map(map)),
        },
        (_, value) => flat.push(value),
    }
}
