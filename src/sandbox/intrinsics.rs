//! The values of a template's functions, in a stack that may be half made.
//!
//! An [`Evaluator`] knows the parameters, pseudo parameters, conditions and mappings; what a resource's `Ref` and
//! attributes are it asks a [`Resources`], and other stacks' exports a [`Exports`]. While a change set is made, what
//! exists only after it has run stands as [`KNOWN_AFTER`], just as DescribeChangeSet shows it, and whatever is
//! computed from it is unknown too.
//! Source: CloudFormation User Guide, "Intrinsic function reference"; the wording of errors is CloudFormation's.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::SandboxOptions;
use super::parameters::parameter_value;
use super::references::{SubPart, get_att, sub, sub_parts};
use super::state::{Head, Place};
use super::template::{Template, refused};
use crate::cloud::CloudError;
use crate::document::{Map, Value};

/// What DescribeChangeSet shows for a value that only execution brings.
pub(super) const KNOWN_AFTER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// Where the values of resources come from.
pub(super) trait Resources {
    /// The value of `Ref`; `None` if there is no such resource (yet).
    fn reference(&self, id: &str) -> Option<String>;
    /// The value of `Fn::GetAtt`.
    fn attribute(&self, id: &str, attribute: &str) -> Option<Value>;
}

/// Where other stacks' exports come from.
pub(super) type Exports<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The facts behind the pseudo parameters.
#[derive(Debug, Clone)]
pub(super) struct Pseudo {
    pub account: String,
    pub region: String,
    pub partition: String,
    pub suffix: String,
    pub stack_id: String,
    pub stack_name: String,
}

impl Pseudo {
    /// The facts of a stack in a place.
    pub fn new(options: &SandboxOptions, place: &Place, head: &Head) -> Self {
        Pseudo {
            account: place.account.to_string(),
            region: place.region.to_string(),
            partition: options.partition.clone(),
            suffix: match options.partition.as_str() {
                "aws-cn" => "amazonaws.com.cn".into(),
                _ => "amazonaws.com".into(),
            },
            stack_id: head.id.clone(),
            stack_name: head.name.to_string(),
        }
    }
}

/// Gives values to a template's functions.
pub(super) struct Evaluator<'a> {
    template: &'a Template,
    parameters: &'a BTreeMap<String, String>,
    pseudo: &'a Pseudo,
    conditions: BTreeMap<String, bool>,
    exports: &'a Exports<'a>,
    /// Whether an export that is not there is an error, or known later.
    lenient: bool,
    /// The exports that were asked for.
    pub imported: RefCell<BTreeSet<String>>,
    /// The exports that were asked for and not there.
    pub missing: RefCell<BTreeSet<String>>,
}

type Evaluated = Result<Option<Value>, CloudError>;

impl<'a> Evaluator<'a> {
    /// Evaluates the conditions, and is ready for the rest.
    pub fn new(
        template: &'a Template,
        parameters: &'a BTreeMap<String, String>,
        pseudo: &'a Pseudo,
        exports: &'a Exports<'a>,
        lenient: bool,
    ) -> Result<Self, CloudError> {
        let mut evaluator = Evaluator {
            template,
            parameters,
            pseudo,
            conditions: BTreeMap::new(),
            exports,
            lenient,
            imported: RefCell::default(),
            missing: RefCell::default(),
        };
        let mut under_way = BTreeSet::new();
        for (name, _) in template.conditions.iter() {
            evaluator.condition(name, &mut under_way)?;
        }
        Ok(evaluator)
    }

    /// Whether a condition holds; no condition always does.
    pub fn holds(&self, condition: Option<&str>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }

    /// The value of a document, or `None` where it is AWS::NoValue.
    pub fn value(&self, value: &Value, resources: &dyn Resources) -> Evaluated {
        match value {
            Value::List(list) => {
                let mut items = Vec::with_capacity(list.len());
                for item in list {
                    items.extend(self.value(item, resources)?);
                }
                Ok(Some(Value::List(items)))
            }
            Value::Map(map) if map.len() == 1 => {
                let (name, argument) = map.iter().next().expect("invariant: a map of one pair");
                match self.function(name, argument, resources) {
                    Some(result) => result,
                    None => self.map(map, resources),
                }
            }
            Value::Map(map) => self.map(map, resources),
            other => Ok(Some(other.clone())),
        }
    }

    /// The value of a document that is to be a text.
    pub fn text(&self, value: &Value, resources: &dyn Resources) -> Result<String, CloudError> {
        let value = self.value(value, resources)?.unwrap_or_default();
        scalar(&value)
            .ok_or_else(|| refused("Template error: a string is expected, not an object or a list"))
    }

    fn map(&self, map: &Map, resources: &dyn Resources) -> Evaluated {
        let mut pairs = Vec::with_capacity(map.len());
        for (key, value) in map.iter() {
            if let Some(value) = self.value(value, resources)? {
                pairs.push((key.to_owned().into(), value));
            }
        }
        Ok(Some(Value::Map(pairs.into_iter().collect())))
    }

    fn condition(
        &mut self,
        name: &str,
        under_way: &mut BTreeSet<String>,
    ) -> Result<bool, CloudError> {
        if let Some(known) = self.conditions.get(name) {
            return Ok(*known);
        }
        let Some(expression) = self.template.conditions.get(name) else {
            return Err(refused(format!(
                "Template format error: Unresolved condition dependency {name}"
            )));
        };
        if !under_way.insert(name.to_owned()) {
            return Err(refused(format!(
                "Template format error: Circular dependency between conditions: [{name}]"
            )));
        }
        let holds = self.truth(expression, under_way)?;
        self.conditions.insert(name.to_owned(), holds);
        Ok(holds)
    }

    fn truth(
        &mut self,
        expression: &'a Value,
        under_way: &mut BTreeSet<String>,
    ) -> Result<bool, CloudError> {
        let wrong = || {
            refused(
                "Template error: Every condition is one of Fn::And, Fn::Equals, Fn::Not, Fn::Or or Condition",
            )
        };
        let map = expression.as_map().filter(|map| map.len() == 1);
        let (name, argument) = map.and_then(|map| map.iter().next()).ok_or_else(wrong)?;
        if name == "Condition" {
            return self.condition(argument.as_str().ok_or_else(wrong)?, under_way);
        }
        let list = argument.as_list().ok_or_else(wrong)?;
        match (name, list) {
            ("Fn::Equals", [a, b]) => {
                Ok(scalar_of(self.value(a, &Nothing)?) == scalar_of(self.value(b, &Nothing)?))
            }
            ("Fn::Not", [one]) => Ok(!self.truth(one, under_way)?),
            ("Fn::And" | "Fn::Or", [_, _, ..]) if list.len() <= 10 => {
                let mut truths = Vec::new();
                for one in list {
                    truths.push(self.truth(one, under_way)?);
                }
                Ok(if name == "Fn::And" {
                    truths.iter().all(|truth| *truth)
                } else {
                    truths.iter().any(|truth| *truth)
                })
            }
            _ => Err(wrong()),
        }
    }

    /// The value of a function; `None` if the name is not a function's.
    fn function(
        &self,
        name: &str,
        argument: &Value,
        resources: &dyn Resources,
    ) -> Option<Evaluated> {
        let result = match name {
            "Ref" => self.reference(argument.as_str().unwrap_or_default(), resources),
            "Fn::GetAtt" => get_att(argument)
                .and_then(|(id, attribute)| self.attribute(&id, &attribute, resources)),
            "Fn::Sub" => self.substitute(argument, resources),
            "Fn::Join" => self.join(argument, resources),
            "Fn::Select" => self.select(argument, resources),
            "Fn::Split" => self.split(argument, resources),
            "Fn::If" => self.choose(argument, resources),
            "Fn::FindInMap" => self.find_in_map(argument, resources),
            "Fn::ImportValue" => self.import(argument, resources),
            "Fn::Base64" => self.text(argument, resources).map(|text| {
                let text = match text.contains(KNOWN_AFTER) {
                    true => KNOWN_AFTER.to_owned(),
                    false => base64(text.as_bytes()),
                };
                Some(text.into())
            }),
            "Fn::GetAZs" => self.text(argument, resources).map(|region| {
                let region = match region.is_empty() {
                    true => self.pseudo.region.clone(),
                    false => region,
                };
                let zones = ["a", "b", "c"].map(|letter| format!("{region}{letter}"));
                Some(zones.into_iter().collect())
            }),
            other if other.starts_with("Fn::") => Err(refused(format!(
                "Template error: the sandbox does not know the function {other}"
            ))),
            _ => return None,
        };
        Some(result)
    }

    fn reference(&self, name: &str, resources: &dyn Resources) -> Evaluated {
        let pseudo = self.pseudo;
        let text = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::NotificationARNs" => return Ok(Some(Value::List(Vec::new()))),
            "AWS::AccountId" => &pseudo.account,
            "AWS::Partition" => &pseudo.partition,
            "AWS::Region" => &pseudo.region,
            "AWS::StackId" => &pseudo.stack_id,
            "AWS::StackName" => &pseudo.stack_name,
            "AWS::URLSuffix" => &pseudo.suffix,
            _ => {
                if let Some(parameter) = self.template.parameters.get(name) {
                    let text = self.parameters.get(name).cloned().unwrap_or_default();
                    return Ok(Some(parameter_value(parameter, text)));
                }
                return self
                    .existing(name)
                    .and_then(|()| {
                        resources.reference(name).ok_or_else(|| {
                            refused(format!("Template error: resource {name} does not exist yet"))
                        })
                    })
                    .map(|text| Some(text.into()));
            }
        };
        Ok(Some(text.clone().into()))
    }

    /// A resource whose condition does not hold can't be referred to.
    fn existing(&self, id: &str) -> Result<(), CloudError> {
        let condition =
            self.template.resources.get(id).and_then(|resource| resource.condition.as_deref());
        if self.holds(condition) {
            return Ok(());
        }
        Err(refused(format!(
            "Template format error: Unresolved resource dependencies [{id}] in the Resources block of the template"
        )))
    }

    fn attribute(&self, id: &str, attribute: &str, resources: &dyn Resources) -> Evaluated {
        self.existing(id)?;
        resources
            .attribute(id, attribute)
            .map(Some)
            .ok_or_else(|| {
                refused(format!(
                    "Template error: resource {id} does not support attribute type {attribute} in Fn::GetAtt"
                ))
            })
    }

    fn substitute(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        let (text, names) = sub(argument)?;
        let mut whole = String::with_capacity(text.len());
        for part in sub_parts(text)? {
            match part {
                SubPart::Text(text) => whole.push_str(text),
                SubPart::Literal(name) => {
                    whole.push_str("${");
                    whole.push_str(name);
                    whole.push('}');
                }
                SubPart::Name(name) => {
                    let value = match names.and_then(|names| names.get(name)) {
                        Some(value) => self.value(value, resources)?,
                        None => match name.split_once('.') {
                            Some((id, attribute)) => self.attribute(id, attribute, resources)?,
                            None => self.reference(name, resources)?,
                        },
                    };
                    let text = scalar_of(value).ok_or_else(|| {
                        refused(format!(
                            "Template error: the variable {name} of Fn::Sub is not a string"
                        ))
                    })?;
                    whole.push_str(&text);
                }
            }
        }
        Ok(Some(whole_or_unknown(whole)))
    }

    fn join(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        let wrong = || {
            refused(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
            )
        };
        let Some([Value::Str(delimiter), list]) = argument.as_list() else {
            return Err(wrong());
        };
        let items = match self.value(list, resources)? {
            Some(Value::List(items)) => items,
            Some(Value::Str(text)) if text.contains(KNOWN_AFTER) => {
                return Ok(Some(KNOWN_AFTER.into()));
            }
            _ => return Err(wrong()),
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in &items {
            texts.push(scalar(item).ok_or_else(wrong)?);
        }
        Ok(Some(whole_or_unknown(texts.join(delimiter))))
    }

    fn select(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        let wrong = || {
            refused(
                "Template error: Fn::Select requires a list argument with two elements: an integer index and a list",
            )
        };
        let Some([index, list]) = argument.as_list() else {
            return Err(wrong());
        };
        let index: usize = self.text(index, resources)?.parse().map_err(|_| wrong())?;
        match self.value(list, resources)? {
            Some(Value::List(items)) => items.get(index).cloned().map(Some).ok_or_else(|| {
                refused(format!(
                    "Template error: Fn::Select  cannot select nonexistent value at index {index}"
                ))
            }),
            Some(Value::Str(text)) if text.contains(KNOWN_AFTER) => Ok(Some(KNOWN_AFTER.into())),
            _ => Err(wrong()),
        }
    }

    fn split(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        let Some([Value::Str(delimiter), source]) = argument.as_list() else {
            return Err(refused(
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.",
            ));
        };
        let text = self.text(source, resources)?;
        if text.contains(KNOWN_AFTER) || delimiter.is_empty() {
            return Ok(Some(text.into()));
        }
        let parts = text.split(delimiter.as_ref()).map(str::to_owned);
        Ok(Some(parts.collect()))
    }

    fn choose(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        match argument.as_list() {
            Some([Value::Str(condition), yes, no]) => {
                let chosen = match self.holds(Some(condition)) {
                    true => yes,
                    false => no,
                };
                self.value(chosen, resources)
            }
            _ => {
                Err(refused("Template error: Fn::If requires a list argument with three elements"))
            }
        }
    }

    fn find_in_map(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        let Some([map, first, second, rest @ ..]) = argument.as_list() else {
            return Err(refused(
                "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
            ));
        };
        let (map, first, second) = (
            self.text(map, resources)?,
            self.text(first, resources)?,
            self.text(second, resources)?,
        );
        let found = self.template.mappings.get(&map).and_then(|map| map.at(&[&first, &second]));
        let default = rest.first().and_then(|rest| rest.get("DefaultValue"));
        match (found, default) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(default)) => self.value(default, resources),
            (None, None) => Err(refused(format!(
                "Template error: Unable to get mapping for {map}::{first}::{second}"
            ))),
        }
    }

    fn import(&self, argument: &Value, resources: &dyn Resources) -> Evaluated {
        let name = self.text(argument, resources)?;
        self.imported.borrow_mut().insert(name.clone());
        match (self.exports)(&name) {
            Some(value) => Ok(Some(value.into())),
            None if self.lenient => {
                self.missing.borrow_mut().insert(name);
                Ok(Some(KNOWN_AFTER.into()))
            }
            None => Err(refused(format!("No export named {name} found."))),
        }
    }
}

/// No resources at all: conditions can't refer to any.
struct Nothing;

impl Resources for Nothing {
    fn reference(&self, _: &str) -> Option<String> {
        None
    }
    fn attribute(&self, _: &str, _: &str) -> Option<Value> {
        None
    }
}

fn whole_or_unknown(text: String) -> Value {
    match text.contains(KNOWN_AFTER) {
        true => KNOWN_AFTER.into(),
        false => text.into(),
    }
}

/// Whether a part of the value is known only after execution.
pub(super) fn unknown(value: &Value) -> bool {
    match value {
        Value::Str(text) => text.contains(KNOWN_AFTER),
        Value::List(items) => items.iter().any(unknown),
        Value::Map(map) => map.iter().any(|(_, value)| unknown(value)),
        _ => false,
    }
}

fn scalar_of(value: Option<Value>) -> Option<String> {
    value.as_ref().and_then(scalar)
}

/// A scalar as text, the way CloudFormation turns it into one.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.to_string()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(value.to_json()),
        _ => None,
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            if at <= chunk.len() {
                let letter = word >> (18 - 6 * at) & 63;
                text.push(LETTERS[letter as usize] as char);
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
