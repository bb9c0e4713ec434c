//! Making, changing, deleting and taking in one resource, as a type's handlers do it.
//!
//! In go properties without functions, out comes a thing in the realm, or the reason that a stack event would give.
//! An update changes only the properties whose declared value changed: what was altered by hand elsewhere stays, as
//! CloudFormation's handlers leave it. Nothing here knows of stacks beyond the names that things get from them.

use super::names::{Maker, set, uuid};
use super::schema;
use super::services::{self, Question, Refusal, refuse};
use super::state::{Place, Thing};
use super::things::key;
use super::world::Realm;
use crate::catalogue::Impact;
use crate::cloud::CloudError;
use crate::document::{Map, Value};

/// On whose behalf something is done, and where.
pub(super) struct Actor<'a> {
    pub place: &'a Place,
    /// The stack's id, name, and the directory of its things.
    pub stack_id: &'a str,
    pub stack: &'a str,
    pub shard: &'a str,
    /// The ARN that calls the services.
    pub caller: String,
    /// The stack's tags, which CloudFormation puts on everything that takes them.
    pub tags: &'a std::collections::BTreeMap<String, String>,
}

/// A thing's key and the value of its `Ref`.
pub(super) struct Made {
    pub key: String,
    pub physical: String,
}

/// What was done, or the reason for the event; or the sandbox's own failure.
pub(super) type Acted<T> = Result<Result<T, String>, CloudError>;

/// A handler's refusal in CloudFormation's words.
pub(super) fn told(refusal: &Refusal, seed: &str) -> String {
    format!(
        "Resource handler returned message: \"{}\" (RequestToken: {}, HandlerErrorCode: {})",
        refusal.message,
        uuid(&format!("request {seed}")),
        refusal.code
    )
}

/// What is wrong with properties, in the words of CloudFormation's property validation; `None` if nothing is.
/// Values that are not known yet are not judged.
pub(super) fn violations(kind: &str, properties: &Value) -> Option<String> {
    let found = crate::catalogue::schema::check(kind, &without_unknown(properties));
    if found.is_empty() {
        return None;
    }
    let lines: Vec<String> = found
        .iter()
        .map(|violation| {
            let mut place = String::from("#");
            for step in &violation.path {
                place.push('/');
                place.push_str(step);
            }
            format!("{place}: {}", violation.message)
        })
        .collect();
    Some(lines.join("; "))
}

/// The properties with a function in place of each unknown value, which stands for anything.
fn without_unknown(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.contains(super::intrinsics::KNOWN_AFTER) => {
            crate::document!({"Ref": "Unknown"})
        }
        Value::List(items) => Value::List(items.iter().map(without_unknown).collect()),
        Value::Map(map) => {
            let pairs = map.iter();
            Value::Map(
                pairs.map(|(key, value)| (key.to_owned().into(), without_unknown(value))).collect(),
            )
        }
        other => other.clone(),
    }
}

fn invalid(logical: &str, text: &str) -> String {
    format!("Properties validation failed for resource {logical} with message:\n{text}")
}

/// The properties with the stack's tags among their own; an own tag of the same key wins.
fn tagged(actor: &Actor<'_>, kind: &str, properties: &Value) -> Value {
    let mut properties = properties.clone();
    let Some(property) = schema::tags(kind) else {
        return properties;
    };
    if actor.tags.is_empty() || property.contains('/') {
        return properties;
    }
    if schema::tags_are_a_map(kind) {
        let own = properties.get(property).and_then(Value::as_map);
        let mut all = own.cloned().unwrap_or_default();
        for (key, value) in actor.tags {
            if all.get(key).is_none() {
                all.insert(key.clone(), value.clone());
            }
        }
        set(&mut properties, property, all.into());
        return properties;
    }
    let mut tags = match properties.get(property) {
        None => Vec::new(),
        Some(Value::List(tags)) => tags.clone(),
        Some(_) => return properties,
    };
    for (key, value) in actor.tags {
        let has = |tag: &Value| tag.get("Key").and_then(Value::as_str) == Some(key);
        if !tags.iter().any(has) {
            tags.push(crate::document!({"Key": (key.clone()), "Value": (value.clone())}));
        }
    }
    set(&mut properties, property, Value::List(tags));
    properties
}

/// Creates a resource. `seed` is new for each physical resource.
pub(super) fn create(
    realm: &mut Realm,
    actor: &Actor<'_>,
    logical: &str,
    kind: &str,
    declared: &Value,
    seed: String,
) -> Acted<Made> {
    if schema::absent(kind, actor.place.region.as_str()) {
        return Ok(Err(format!(
            "The resource type {kind} is not available in {}",
            actor.place.region
        )));
    }
    if let Some(text) = violations(kind, declared) {
        return Ok(Err(invalid(logical, &text)));
    }
    let partition = realm.options.partition.clone();
    let maker = Maker {
        place: actor.place,
        partition: &partition,
        stack: actor.stack,
        logical,
        seed: seed.clone(),
    };
    let named = maker.name(kind, &tagged(actor, kind, declared));
    let key = key(kind, actor.place, &named.identifier);
    if realm.things.has(&key) {
        let refusal = exists(kind, &named.identifier);
        return Ok(Err(told(&refusal, &seed)));
    }
    let mut question = Question {
        realm,
        place: actor.place,
        caller: &actor.caller,
        kind,
        identifier: &named.identifier,
        new: &named.properties,
        old: None,
    };
    if let Err(refusal) = services::admit(&mut question)? {
        return Ok(Err(told(&refusal, &seed)));
    }
    let thing = Thing {
        kind: kind.to_owned(),
        account: actor.place.account.clone(),
        region: actor.place.region.clone(),
        physical: named.physical.clone(),
        identifier: named.identifier,
        properties: named.properties,
        attributes: named.attributes,
        owner: Some(actor.stack_id.to_owned()),
        doomed: false,
    };
    super::lake_formation::settings(realm, &thing)?;
    let store = realm.store.clone();
    realm.things.put(&store, actor.shard, key.clone(), thing)?;
    Ok(Ok(Made { key, physical: named.physical }))
}

/// The refusal of a name that is taken.
fn exists(kind: &str, identifier: &str) -> Refusal {
    refuse(
        "AlreadyExists",
        format!("Resource of type '{kind}' with identifier '{identifier}' already exists."),
    )
}

/// Whether a resource of these properties would be in the way of one that this account has already.
pub(super) fn conflict(
    realm: &mut Realm,
    actor: &Actor<'_>,
    logical: &str,
    kind: &str,
    declared: &Value,
) -> Result<Option<String>, CloudError> {
    let called = schema::called(kind);
    let text = |path: &&str| super::names::text_at(declared, path);
    if !called.is_empty() && called.iter().find_map(text).is_none() {
        return Ok(None);
    }
    let partition = realm.options.partition.clone();
    let maker = Maker {
        place: actor.place,
        partition: &partition,
        stack: actor.stack,
        logical,
        seed: String::new(),
    };
    let named = maker.name(kind, declared);
    let key = key(kind, actor.place, &named.identifier);
    let found = realm.thing(&key)?;
    let ours = found.is_some_and(|thing| thing.account == actor.place.account);
    let taken =
        ours && !called.is_empty() && !named.identifier.contains(super::intrinsics::KNOWN_AFTER);
    Ok(taken.then(|| exists(kind, &named.identifier).message))
}

/// What a change of declared properties comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    None,
    InPlace,
    MayReplace,
    Replace,
    Fails(&'static str),
}

/// The paths at which two values differ: the smallest parts, lists of different lengths as a whole.
pub(super) fn differences(kind: &str, old: &Value, new: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    differ(kind, &mut Vec::new(), Some(old), Some(new), &mut found);
    found
}

fn differ(
    kind: &str,
    path: &mut Vec<String>,
    old: Option<&Value>,
    new: Option<&Value>,
    found: &mut Vec<Vec<String>>,
) {
    match (old, new) {
        (Some(old), Some(new)) if same(old, new) => {}
        (Some(Value::Map(old)), Some(Value::Map(new))) => {
            let mut keys: Vec<&str> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                path.push(key.to_owned());
                differ(kind, path, old.get(key), new.get(key), found);
                path.pop();
            }
        }
        (Some(Value::List(old)), Some(Value::List(new))) if old.len() == new.len() => {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            if schema::unordered(kind, &steps) && same_set(old, new) {
                return;
            }
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                path.push(at.to_string());
                differ(kind, path, Some(old), Some(new), found);
                path.pop();
            }
        }
        _ => found.push(path.clone()),
    }
}

/// Whether two values are the same to a service: scalars as text, so that `true` is `"true"`.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    match (super::intrinsics::scalar(a), super::intrinsics::scalar(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Whether two lists hold the same, in whatever order.
fn same_set(a: &[Value], b: &[Value]) -> bool {
    let sorted = |list: &[Value]| {
        let mut texts: Vec<String> = list.iter().map(Value::to_json).collect();
        texts.sort();
        texts
    };
    sorted(a) == sorted(b)
}

/// What a change at one path does.
pub(super) fn effect_at(kind: &str, path: &[String]) -> Effect {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    match schema::impact(kind, &steps) {
        Impact::InPlace => Effect::InPlace,
        Impact::MayReplace => Effect::MayReplace,
        Impact::Replace => Effect::Replace,
        Impact::Fails(reason) => Effect::Fails(reason),
    }
}

/// What the change of a resource's declared properties does, as its update handler decides it. Where the
/// documentation says only that it may replace, the sandbox's services change in place.
pub(super) fn effect(kind: &str, old: &Value, new: &Value) -> Effect {
    let paths = differences(kind, old, new);
    let effects = paths.iter().map(|path| effect_at(kind, path));
    effects.max().unwrap_or(Effect::None)
}

/// Changes a resource in place.
pub(super) fn update(
    realm: &mut Realm,
    actor: &Actor<'_>,
    logical: &str,
    thing_key: &str,
    old: (&Value, &std::collections::BTreeMap<String, String>),
    declared: &Value,
) -> Acted<()> {
    let Some(thing) = realm.thing(thing_key)?.cloned() else {
        let refusal = refuse(
            "NotFound",
            format!("Resource {logical} was not found: it was deleted outside of CloudFormation."),
        );
        return Ok(Err(told(&refusal, thing_key)));
    };
    let kind = thing.kind.as_str();
    if let Some(text) = violations(kind, declared) {
        return Ok(Err(invalid(logical, &text)));
    }
    let before = Actor { tags: old.1, caller: actor.caller.clone(), ..*actor };
    let (old, new) = (tagged(&before, kind, old.0), tagged(actor, kind, declared));
    let live = changed(kind, &thing.properties, &old, &new);
    let mut question = Question {
        realm,
        place: actor.place,
        caller: &actor.caller,
        kind,
        identifier: &thing.identifier,
        new: &live,
        old: Some(&thing.properties),
    };
    if let Err(refusal) = services::admit(&mut question)? {
        return Ok(Err(told(&refusal, thing_key)));
    }
    if let Some(thing) = realm.thing_mut(thing_key)? {
        thing.properties = live;
        let thing = thing.clone();
        super::lake_formation::settings(realm, &thing)?;
    }
    Ok(Ok(()))
}

/// The live properties after an update from `old` to `new`: each property at the top that differs between those two
/// is put as a whole, the rest stays. A nested name that CloudFormation made up is not in the template, and stays too.
fn changed(kind: &str, live: &Value, old: &Value, new: &Value) -> Value {
    let (Value::Map(live_map), Value::Map(old), Value::Map(new)) = (live, old, new) else {
        return new.clone();
    };
    let mut result: Map = live_map.clone();
    for (key, _) in old.iter() {
        if new.get(key).is_none() {
            result.remove(key);
        }
    }
    for (key, value) in new.iter() {
        if old.get(key) != Some(value) {
            result.insert(key.to_owned(), value.clone());
        }
    }
    let mut result = Value::Map(result);
    let called = schema::called(kind);
    let has = |properties: &Value| {
        let named = |path: &&&str| super::names::text_at(properties, path).is_some();
        called.iter().find(named).copied()
    };
    if has(&result).is_none()
        && let Some(path) = has(live)
    {
        let name = super::names::text_at(live, path).unwrap_or_default();
        set(&mut result, path, name.into());
    }
    result
}

/// Deletes a resource. One that is gone already is no failure.
pub(super) fn delete(realm: &mut Realm, thing_key: &str) -> Acted<()> {
    let Some(thing) = realm.thing(thing_key)?.cloned() else {
        return Ok(Ok(()));
    };
    if let Err(refusal) = services::release(realm, &thing)? {
        return Ok(Err(told(&refusal, thing_key)));
    }
    if thing.kind == "AWS::KMS::Key" {
        // ScheduleKeyDeletion: the key waits 7 to 30 days, unusable.
        if let Some(thing) = realm.thing_mut(thing_key)? {
            thing.doomed = true;
            thing.owner = None;
        }
        return Ok(Ok(()));
    }
    let store = realm.store.clone();
    realm.things.remove(&store, thing_key)?;
    services::settle(realm, &thing)?;
    Ok(Ok(()))
}

/// Lets a resource go without touching it.
pub(super) fn let_go(realm: &mut Realm, thing_key: &str) -> Result<(), CloudError> {
    if let Some(thing) = realm.thing_mut(thing_key)? {
        thing.owner = None;
    }
    Ok(())
}

/// Takes an existing resource into a stack, and puts the stack's tags on it.
pub(super) fn import(
    realm: &mut Realm,
    actor: &Actor<'_>,
    kind: &str,
    identifier: &str,
) -> Acted<Made> {
    let key = key(kind, actor.place, identifier);
    let found = realm.thing_mut(&key)?.filter(|thing| !thing.doomed);
    let Some(thing) = found else {
        let refusal = refuse(
            "NotFound",
            format!("Resource of type '{kind}' with identifier '{identifier}' was not found."),
        );
        return Ok(Err(told(&refusal, &key)));
    };
    if thing.owner.is_some() {
        return Ok(Err(format!("Resource {identifier} already exists in another stack")));
    }
    thing.owner = Some(actor.stack_id.to_owned());
    thing.properties = tagged(actor, kind, &thing.properties);
    let physical = thing.physical.clone();
    Ok(Ok(Made { key, physical }))
}
