//! What a template's functions refer to, and the parts of those that have any.
//!
//! In goes a piece of a template, out come the names in it: parameters, resources and their attributes, conditions,
//! mappings. Nothing is looked up here; `template` says whether the names lead anywhere, `intrinsics` what their values
//! are. Source: CloudFormation User Guide, "Intrinsic function reference".

use std::collections::BTreeSet;

use super::template::{malformed, refused};
use crate::cloud::CloudError;
use crate::document::{Map, Value};

/// What a function refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    /// `Ref`, of a parameter, pseudo parameter or resource.
    Name(String),
    /// `Fn::GetAtt`: resource and attribute.
    Attribute(String, String),
    /// `Fn::ImportValue`; the name may be computed.
    Import,
    /// `Fn::GetAZs`.
    Zones,
    /// `Condition` or the first argument of `Fn::If`.
    Condition(String),
    /// `Fn::FindInMap` of this mapping.
    Mapping(String),
}

type Checked<T> = Result<T, CloudError>;

/// Everything that the functions in a value refer to.
pub(super) fn references(value: &Value) -> Checked<BTreeSet<Reference>> {
    let mut found = BTreeSet::new();
    collect(value, &BTreeSet::new(), &mut found)?;
    Ok(found)
}

fn collect(value: &Value, local: &BTreeSet<&str>, found: &mut BTreeSet<Reference>) -> Checked<()> {
    match value {
        Value::List(list) => {
            for item in list {
                collect(item, local, found)?;
            }
            Ok(())
        }
        Value::Map(map) if map.len() == 1 => {
            let (name, argument) = map.iter().next().expect("invariant: a map of one pair");
            function(name, argument, local, found)
        }
        Value::Map(map) => {
            for (_, item) in map.iter() {
                collect(item, local, found)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn function(
    name: &str,
    argument: &Value,
    local: &BTreeSet<&str>,
    found: &mut BTreeSet<Reference>,
) -> Checked<()> {
    match name {
        "Ref" => {
            let Some(name) = argument.as_str() else {
                return Err(malformed("Every Ref object must have a single String value."));
            };
            found.insert(Reference::Name(name.to_owned()));
            Ok(())
        }
        "Fn::GetAtt" => {
            let (id, attribute) = get_att(argument)?;
            found.insert(Reference::Attribute(id, attribute));
            Ok(())
        }
        "Fn::Sub" => {
            let (text, names) = sub(argument)?;
            let mut own: BTreeSet<&str> = local.clone();
            for (key, value) in names.iter().flat_map(|names| names.iter()) {
                collect(value, local, found)?;
                own.insert(key);
            }
            for part in sub_parts(text)? {
                if let SubPart::Name(name) = part
                    && !own.contains(name)
                {
                    found.insert(match name.split_once('.') {
                        Some((id, attribute)) => {
                            Reference::Attribute(id.to_owned(), attribute.to_owned())
                        }
                        None => Reference::Name(name.to_owned()),
                    });
                }
            }
            Ok(())
        }
        "Fn::ImportValue" => {
            found.insert(Reference::Import);
            collect(argument, local, found)
        }
        "Fn::GetAZs" => {
            found.insert(Reference::Zones);
            collect(argument, local, found)
        }
        "Condition" => {
            // Only in conditions; a policy statement's `Condition` is an object.
            if let Some(name) = argument.as_str() {
                found.insert(Reference::Condition(name.to_owned()));
            }
            collect(argument, local, found)
        }
        "Fn::If" => {
            if let Some(name) = argument.at(&["0"]).and_then(Value::as_str) {
                found.insert(Reference::Condition(name.to_owned()));
            }
            collect(argument, local, found)
        }
        "Fn::FindInMap" => {
            if let Some(name) = argument.at(&["0"]).and_then(Value::as_str) {
                found.insert(Reference::Mapping(name.to_owned()));
            }
            collect(argument, local, found)
        }
        _ => collect(argument, local, found),
    }
}

/// The two parts of `Fn::GetAtt`, which is a list or a text with a dot.
pub(super) fn get_att(argument: &Value) -> Checked<(String, String)> {
    let parts = match argument {
        Value::Str(text) => text.split_once('.').map(|(a, b)| (a.into(), b.into())),
        Value::List(parts) => match parts.as_slice() {
            [Value::Str(id), Value::Str(attribute)] => {
                Some((id.to_string(), attribute.to_string()))
            }
            _ => None,
        },
        _ => None,
    };
    parts
        .filter(|(id, attribute): &(String, String)| !id.is_empty() && !attribute.is_empty())
        .ok_or_else(|| {
            refused(
                "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
            )
        })
}

/// The text and the names of `Fn::Sub`.
pub(super) fn sub(argument: &Value) -> Checked<(&str, Option<&Map>)> {
    match argument {
        Value::Str(text) => Ok((text, None)),
        Value::List(parts) => match parts.as_slice() {
            [Value::Str(text), Value::Map(names)] => Ok((text, Some(names))),
            _ => Err(sub_error()),
        },
        _ => Err(sub_error()),
    }
}

fn sub_error() -> CloudError {
    refused(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
    )
}

/// A piece of `Fn::Sub`'s text.
pub(super) enum SubPart<'a> {
    Text(&'a str),
    /// `${Name}` or `${Resource.Attribute}`.
    Name(&'a str),
    /// `${!Literal}`, which stands for `${Literal}`.
    Literal(&'a str),
}

/// The pieces of `Fn::Sub`'s text.
pub(super) fn sub_parts(text: &str) -> Checked<Vec<SubPart<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        parts.push(SubPart::Text(&rest[..start]));
        let after = &rest[start + 2..];
        let Some(end) = after.find('}') else {
            parts.push(SubPart::Text(&rest[start..]));
            return Ok(parts);
        };
        let name = after[..end].trim();
        if let Some(literal) = name.strip_prefix('!') {
            parts.push(SubPart::Literal(literal));
        } else {
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':');
            if name.is_empty() || !name.bytes().all(ok) {
                return Err(refused(
                    "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
                ));
            }
            parts.push(SubPart::Name(name));
        }
        rest = &after[end + 1..];
    }
    parts.push(SubPart::Text(rest));
    Ok(parts)
}
