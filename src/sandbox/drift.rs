//! Reality against the template: CloudFormation's drift detection, reading a resource itself, and altering it by hand.
//!
//! Drift detection here is as blind as CloudFormation's: it looks only at properties that the template sets, never at
//! what can't be read back, and knows only types with a read handler. Reading gives the live state as it is.
//! Source: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources with drift
//! detection", section "Considerations when detecting drift".

use super::names::set;
use super::schema;
use super::services;
use super::state::Place;
use super::template::refused;
use super::things::key;
use super::world::{Realm, World};
use crate::cloud::{
    CloudError, DriftStatus, PropertyDrift, Reading, ResourceDrift, StackAddress, StackDrift,
    StackStatus,
};
use crate::document::Value;
use crate::names::LogicalId;

/// Something done to a resource by hand, past CloudFormation.
#[derive(Debug, Clone, PartialEq)]
pub enum Tamper {
    /// Sets the property at a JSON pointer such as `/VersioningConfiguration/Status`.
    Set { path: String, value: Value },
    /// Takes the property at a JSON pointer away.
    Remove { path: String },
    /// Adds an element to the list at a JSON pointer; makes the list if there is none.
    Append { path: String, value: Value },
    /// Adds a statement to the policy document at a JSON pointer such as `/PolicyDocument`.
    AddStatement { path: String, statement: Value },
    /// Deletes the resource, whatever it holds.
    Delete,
}

/// DetectStackDrift, and what comes of it.
pub(super) fn detect(world: &mut World, at: &StackAddress) -> Result<StackDrift, CloudError> {
    let store = world.realm.store.clone();
    let stack = world.stack(at)?;
    let status = stack.head.status;
    let allowed = matches!(
        status,
        StackStatus::CreateComplete
            | StackStatus::UpdateComplete
            | StackStatus::ImportComplete
            | StackStatus::ImportRollbackComplete
            | StackStatus::UpdateRollbackComplete
            | StackStatus::UpdateRollbackFailed
    );
    if !allowed {
        return Err(refused(format!(
            "Drift detection cannot be performed on stack [{}] while it is in {status} state",
            stack.head.id
        )));
    }
    let records = stack.body.get(&store)?.resources.clone();
    let tags = stack.head.tags.clone();
    let mut resources = Vec::new();
    for (id, record) in records {
        if !schema::can_read(&record.kind) || record.key.is_empty() {
            continue;
        }
        let live = world.realm.thing(&record.key)?;
        let (status, differences) = match live.filter(|thing| !thing.doomed) {
            None => (DriftStatus::Deleted, Vec::new()),
            Some(thing) => {
                let mut live = thing.properties.clone();
                without_stack_tags(&record.kind, &mut live, &tags);
                let mut found = Vec::new();
                let (expected, path) = (&record.declared, &mut Vec::new());
                differ(&record.kind, path, expected, Some(&live), &mut found);
                let status = match found.is_empty() {
                    true => DriftStatus::InSync,
                    false => DriftStatus::Modified,
                };
                (status, found)
            }
        };
        resources.push(ResourceDrift {
            logical_id: LogicalId::new(&id).map_err(refused)?,
            physical_id: record.physical,
            kind: record.kind,
            status,
            differences,
            // what is not said of it by detection is read
            actual: None,
        });
    }
    Ok(StackDrift { complete: true, reason: None, resources })
}

/// Tags that the stack put there are not the template's.
fn without_stack_tags(
    kind: &str,
    live: &mut Value,
    tags: &std::collections::BTreeMap<String, String>,
) {
    let Some(property) = schema::tags(kind) else {
        return;
    };
    let list = match live.as_map_mut().and_then(|map| map.get_mut(property)) {
        Some(Value::List(list)) => list,
        Some(Value::Map(map)) => {
            for (key, value) in tags {
                if map.get(key).and_then(Value::as_str) == Some(value) {
                    map.remove(key);
                }
            }
            return;
        }
        _ => return,
    };
    list.retain(|tag| {
        let key = tag.get("Key").and_then(Value::as_str).unwrap_or_default();
        tags.get(key).map(String::as_str) != tag.get("Value").and_then(Value::as_str)
    });
}

/// The differences in what the template sets, and in nothing else.
fn differ(
    kind: &str,
    path: &mut Vec<String>,
    expected: &Value,
    actual: Option<&Value>,
    found: &mut Vec<PropertyDrift>,
) {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let blind = path.last().is_some_and(|name| name.eq_ignore_ascii_case("KmsKeyId"));
    if blind || (!steps.is_empty() && schema::write_only(kind, &steps)) {
        return;
    }
    match (expected, actual) {
        (Value::Map(expected), Some(Value::Map(actual))) => {
            for (key, value) in expected.iter() {
                path.push(key.to_owned());
                differ(kind, path, value, actual.get(key), found);
                path.pop();
            }
        }
        (Value::List(expected), Some(Value::List(actual))) if expected.len() == actual.len() => {
            let texts = |list: &[Value]| {
                let mut texts: Vec<String> = list.iter().map(Value::to_json).collect();
                texts.sort();
                texts
            };
            if schema::unordered(kind, &steps) && texts(expected) == texts(actual) {
                return;
            }
            for (at, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                path.push(at.to_string());
                differ(kind, path, expected, Some(actual), found);
                path.pop();
            }
        }
        (expected, Some(actual)) if super::actions::same(expected, actual) => {}
        (expected, actual) => found.push(PropertyDrift {
            path: format!("/{}", path.join("/")),
            expected: Some(expected.clone()),
            actual: actual.cloned(),
        }),
    }
}

/// The key of a thing by its primary identifier or by the value of its `Ref`.
fn locate(
    realm: &mut Realm,
    place: &Place,
    kind: &str,
    identifier: &str,
) -> Result<Option<String>, CloudError> {
    let direct = key(kind, place, identifier);
    if realm.things.has(&direct) {
        return Ok(Some(direct));
    }
    for key in realm.things.keys(kind, place) {
        if realm.thing(&key)?.is_some_and(|thing| thing.physical == identifier) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The live state of a resource.
pub(super) fn read(
    realm: &mut Realm,
    place: &Place,
    kind: &str,
    identifier: &str,
) -> Result<Reading, CloudError> {
    if !schema::known(kind) {
        return Ok(Reading::Unread(format!("the sandbox does not know the type {kind}")));
    }
    let Some(key) = locate(realm, place, kind, identifier)? else {
        return Ok(Reading::Absent);
    };
    let thing = realm.thing(&key)?.cloned();
    match thing.filter(|thing| !thing.doomed && thing.account == place.account) {
        None => Ok(Reading::Absent),
        Some(thing) => Ok(Reading::Properties(services::told(realm, &thing)?)),
    }
}

/// Does something to a resource by hand.
pub(super) fn tamper(
    realm: &mut Realm,
    place: &Place,
    kind: &str,
    identifier: &str,
    what: &Tamper,
) -> Result<(), CloudError> {
    let missing = || CloudError::NotFound(format!("there is no {kind} {identifier}"));
    let key = locate(realm, place, kind, identifier)?.ok_or_else(missing)?;
    if *what == Tamper::Delete {
        let store = realm.store.clone();
        let thing = realm.things.remove(&store, &key)?.ok_or_else(missing)?;
        return services::settle(realm, &thing);
    }
    let thing = realm.thing_mut(&key)?.ok_or_else(missing)?;
    let properties = &mut thing.properties;
    let steps = |path: &str| path.trim_start_matches('/').to_owned();
    match what {
        Tamper::Set { path, value } => put(properties, &steps(path), value.clone()),
        Tamper::Remove { path } => take(properties, &steps(path)),
        Tamper::Append { path, value } => append(properties, &steps(path), value.clone()),
        Tamper::AddStatement { path, statement } => {
            let path = format!("{}/Statement", steps(path));
            append(properties, &path, statement.clone());
        }
        Tamper::Delete => {}
    }
    Ok(())
}

fn at<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('/').filter(|step| !step.is_empty()).try_fold(value, |value, step| match value {
        Value::Map(map) => map.get_mut(step),
        Value::List(list) => list.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn put(properties: &mut Value, path: &str, value: Value) {
    match at(properties, path) {
        Some(there) => *there = value,
        None => {
            // Below a list element the list is there; a missing key is added to what holds it.
            let (holder, name) = path.rsplit_once('/').unwrap_or(("", path));
            match at(properties, holder) {
                Some(Value::Map(map)) => {
                    map.insert(name.to_owned(), value);
                }
                _ => set(properties, path, value),
            }
        }
    }
}

fn take(properties: &mut Value, path: &str) {
    let (holder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match at(properties, holder) {
        Some(Value::Map(map)) => {
            map.remove(name);
        }
        Some(Value::List(list)) => {
            if let Some(at) = name.parse().ok().filter(|at: &usize| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => {}
    }
}

fn append(properties: &mut Value, path: &str, value: Value) {
    match at(properties, path) {
        Some(Value::List(list)) => list.push(value),
        Some(one @ Value::Map(_)) => *one = Value::List(vec![one.clone(), value]),
        _ => put(properties, path, Value::List(vec![value])),
    }
}
