//! One spelling for what CloudFormation and IAM read as the same.
//!
//! In: a value of a template and what its stack's parameters stand for. Out: a copy in which equal
//! meanings are equal values: parameters replaced by what is known of them, `Fn::Sub` and `Fn::Join`
//! as one concatenation, policies with lists where one value or several may stand, sorted where order
//! means nothing. INVARIANT: canonical values of equal texts are equal; nothing is dropped but
//! `AWS::NoValue`.

use std::collections::BTreeMap;

use crate::document;
use crate::document::{Map, Value};

/// What a `Ref` to something that is no resource stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Parameters and pseudo parameters by name.
    pub values: BTreeMap<String, Known>,
    /// `aws`: an account number as a principal means the root of it.
    pub partition: &'static str,
}

/// What is known of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    Text(String),
    /// It will be another value than before, known only later. `certain`: it will certainly differ.
    Later {
        certain: bool,
    },
}

/// The key that marks a value as known only later; never in a template.
pub(crate) const LATER: &str = "@later";

/// The canonical form; `None` for `AWS::NoValue`.
pub(crate) fn canonical(value: &Value, scope: &Scope) -> Option<Value> {
    Some(match value {
        Value::List(list) => {
            Value::List(list.iter().filter_map(|value| canonical(value, scope)).collect())
        }
        Value::Map(map) => match intrinsic(map) {
            Some(("Ref", target)) => return reference(target, scope),
            Some(("Fn::GetAtt", target)) => get_att(target),
            Some(("Fn::Join", arguments)) => {
                join(arguments, scope).unwrap_or_else(|| plain(map, scope))
            }
            Some(("Fn::Sub", arguments)) => {
                sub(arguments, scope).unwrap_or_else(|| plain(map, scope))
            }
            Some(_) => plain(map, scope),
            None if is_policy(map) => policy(map, scope),
            None => plain(map, scope),
        },
        scalar => scalar.clone(),
    })
}

/// The name and argument of an intrinsic function.
pub(crate) fn intrinsic(map: &Map) -> Option<(&str, &Value)> {
    if map.len() != 1 {
        return None;
    }
    let (key, value) = map.iter().next()?;
    (key == "Ref" || key.starts_with("Fn::") || key == LATER).then_some((key, value))
}

/// Calls `found` with the logical id (or parameter) and attribute of every reference, `Fn::Sub`
/// included; the attribute of a `Ref` is `Ref`.
pub(crate) fn references(value: &Value, found: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Map(map) => match intrinsic(map) {
            Some(("Ref", Value::Str(id))) => found(id, "Ref"),
            Some(("Fn::GetAtt", Value::Str(path))) => {
                if let Some((id, attribute)) = path.split_once('.') {
                    found(id, attribute);
                }
            }
            Some(("Fn::GetAtt", Value::List(list))) => {
                if let [Value::Str(id), attribute] = list.as_slice() {
                    found(id, attribute.as_str().unwrap_or(""));
                }
            }
            Some(("Fn::Sub", arguments)) => {
                let (text, given) = match arguments {
                    Value::Str(text) => (text.as_ref(), None),
                    Value::List(list) => {
                        let text = list.first().and_then(Value::as_str).unwrap_or("");
                        (text, list.get(1).and_then(Value::as_map))
                    }
                    _ => return,
                };
                for piece in pieces(text) {
                    if let Piece::Name(name) = piece {
                        if given.is_some_and(|given| given.get(name).is_some()) {
                            continue;
                        }
                        match name.split_once('.') {
                            Some((id, attribute)) => found(id, attribute),
                            None => found(name, "Ref"),
                        }
                    }
                }
                given.into_iter().flat_map(Map::iter).for_each(|(_, v)| references(v, found));
            }
            _ => map.iter().for_each(|(_, value)| references(value, found)),
        },
        Value::List(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Whether something in it is known only later, and whether it will certainly differ.
pub(crate) fn later(value: &Value) -> Option<bool> {
    match value {
        Value::Map(map) => match intrinsic(map) {
            Some((LATER, argument)) => Some(argument.get("certain") == Some(&Value::Bool(true))),
            _ => map.iter().filter_map(|(_, value)| later(value)).max(),
        },
        Value::List(list) => list.iter().filter_map(later).max(),
        _ => None,
    }
}

/// The value as it stands in a template again: what is known later is a reference to its parameter.
pub(crate) fn printable(value: Value) -> Value {
    match value {
        Value::Map(map) => match intrinsic(&map) {
            Some((LATER, argument)) => {
                let name = argument.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
                document!({"Ref": name})
            }
            _ => Value::Map(map.into_iter().map(|(key, value)| (key, printable(value))).collect()),
        },
        Value::List(list) => Value::List(list.into_iter().map(printable).collect()),
        scalar => scalar,
    }
}

fn plain(map: &Map, scope: &Scope) -> Value {
    map.iter()
        .filter_map(|(key, value)| Some((key.to_owned().into(), canonical(value, scope)?)))
        .collect::<Map>()
        .into()
}

fn reference(target: &Value, scope: &Scope) -> Option<Value> {
    let name = target.as_str().unwrap_or("");
    if name == "AWS::NoValue" {
        return None;
    }
    Some(match scope.values.get(name) {
        Some(Known::Text(text)) => Value::from(text.clone()),
        Some(Known::Later { certain }) => {
            document!({"@later": {"name": (name.to_owned()), "certain": (*certain)}})
        }
        None => document!({"Ref": (target.clone())}),
    })
}

fn get_att(target: &Value) -> Value {
    match target.as_str().and_then(|path| path.split_once('.')) {
        Some((id, attribute)) => {
            document!({"Fn::GetAtt": [(id.to_owned()), (attribute.to_owned())]})
        }
        None => document!({"Fn::GetAtt": (target.clone())}),
    }
}

/// `{"Fn::Join": [delimiter, list]}` as a concatenation; `None` where the list is not written out.
fn join(arguments: &Value, scope: &Scope) -> Option<Value> {
    let [Value::Str(delimiter), Value::List(parts)] = arguments.as_list()? else { return None };
    let mut flat = Vec::new();
    for (at, part) in parts.iter().filter_map(|part| canonical(part, scope)).enumerate() {
        if at > 0 && !delimiter.is_empty() {
            flat.push(Value::Str(delimiter.clone()));
        }
        flat.push(part);
    }
    concatenated(flat)
}

fn sub(arguments: &Value, scope: &Scope) -> Option<Value> {
    let (text, given) = match arguments {
        Value::Str(text) => (text.as_ref(), None),
        Value::List(list) => (list.first()?.as_str()?, list.get(1).and_then(Value::as_map)),
        _ => return None,
    };
    let mut flat = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => flat.push(Value::from(text.to_owned())),
            Piece::Name(name) => {
                let value = match given.and_then(|given| given.get(name)) {
                    Some(value) => canonical(value, scope),
                    None if name.contains('.') => Some(get_att(&name.to_owned().into())),
                    None => reference(&name.to_owned().into(), scope),
                };
                flat.extend(value);
            }
        }
    }
    concatenated(flat)
}

/// Joins neighbouring texts, opens concatenations inside, and is a text where all is text. `None`
/// where a part is a list that only CloudFormation can open.
fn concatenated(parts: Vec<Value>) -> Option<Value> {
    let mut flat: Vec<Value> = Vec::new();
    let mut push = |value: Value| match (flat.last_mut(), value) {
        (Some(Value::Str(last)), Value::Str(next)) => last.to_mut().push_str(&next),
        (_, value) => flat.push(value),
    };
    for part in parts {
        match part {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => push(Value::from(part.to_json())),
            Value::List(_) | Value::Null => return None,
            Value::Map(map) => match map.get("Fn::Join").and_then(Value::as_list) {
                Some([Value::Str(empty), Value::List(inner)]) if empty.is_empty() => {
                    inner.iter().cloned().for_each(&mut push);
                }
                _ => push(Value::Map(map)),
            },
            text => push(text),
        }
    }
    flat.retain(|value| value.as_str() != Some(""));
    Some(match flat.len() {
        0 => Value::from(""),
        1 => flat.remove(0),
        _ => document!({"Fn::Join": ["", (Value::List(flat))]}),
    })
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// The pieces of a `Fn::Sub` text; `${!x}` is the text `${x}`.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let name = &rest[start + 2..start + length];
        match name.strip_prefix('!') {
            Some(literal) => {
                pieces.push(Piece::Text("${"));
                pieces.push(Piece::Text(literal));
                pieces.push(Piece::Text("}"));
            }
            None => pieces.push(Piece::Name(name)),
        }
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Whether an object is an IAM policy document.
fn is_policy(map: &Map) -> bool {
    match map.get("Statement") {
        Some(Value::List(list)) => list.iter().all(|one| one.get("Effect").is_some()),
        Some(one) => one.get("Effect").is_some(),
        None => false,
    }
}

fn policy(map: &Map, scope: &Scope) -> Value {
    let mut out = Map::new();
    for (key, value) in map.iter() {
        let value = match key {
            "Statement" => {
                let list = canonical(value, scope).map(listed).unwrap_or_default();
                Value::List(list.into_iter().map(|one| statement(one, scope)).collect())
            }
            _ => match canonical(value, scope) {
                Some(value) => value,
                None => continue,
            },
        };
        out.insert(key.to_owned(), value);
    }
    Value::Map(out)
}

fn statement(value: Value, scope: &Scope) -> Value {
    let Value::Map(map) = value else { return value };
    map.into_iter()
        .map(|(key, value)| {
            let value = match key.as_ref() {
                "Action" | "NotAction" | "Resource" | "NotResource" => set(value),
                "Principal" | "NotPrincipal" => principal(value, scope),
                "Condition" => condition(value),
                _ => value,
            };
            (key, value)
        })
        .collect::<Map>()
        .into()
}

/// `"*"` and `{"AWS": "*"}` are the same, and so are an account's number and the ARN of its root
/// (IAM User Guide, "AWS JSON policy elements: Principal").
fn principal(value: Value, scope: &Scope) -> Value {
    let map = match value {
        Value::Map(map) if intrinsic(&map).is_none() => map,
        other => return document!({"AWS": (set(other))}),
    };
    let root = |value: Value| match value.as_str() {
        Some(id) if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            Value::from(format!("arn:{}:iam::{id}:root", scope.partition))
        }
        _ => value,
    };
    map.into_iter()
        .map(|(key, value)| {
            let value = match key.as_ref() {
                "AWS" => set(Value::List(listed(value).into_iter().map(root).collect())),
                _ => set(value),
            };
            (key, value)
        })
        .collect::<Map>()
        .into()
}

/// Values of condition keys are texts, one or several.
fn condition(value: Value) -> Value {
    let Value::Map(operators) = value else { return value };
    let text = |value: Value| match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Value::from(value.to_json()),
        other => other,
    };
    let keys = |value: Value| match value {
        Value::Map(keys) if intrinsic(&keys).is_none() => keys
            .into_iter()
            .map(|(key, value)| {
                (key, set(Value::List(listed(value).into_iter().map(text).collect())))
            })
            .collect::<Map>()
            .into(),
        other => other,
    };
    operators.into_iter().map(|(key, value)| (key, keys(value))).collect::<Map>().into()
}

/// One value or several as a list.
pub(crate) fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::List(list) => list,
        one => vec![one],
    }
}

/// One value or several as a list without order: ascending by text, each once.
pub(crate) fn set(value: Value) -> Value {
    let mut list = listed(value);
    if list.len() > 1 {
        list.sort_by_cached_key(Value::to_json);
        list.dedup();
    }
    Value::List(list)
}
