//! What happens to one resource that is in both templates.
//!
//! In: its definitions before and after, and what the parameters stand for. Out: a [`Verdict`]: the
//! properties that differ, each with its effect, and the action that follows. Rules: the catalogue's
//! impact of each property; a fixed name that stays blocks a replacement ("CloudFormation cannot
//! update a stack when a custom-named resource requires replacing"); what the cloud or CloudFormation
//! refuses is blocked too.

use super::compare::{Difference, catalogue_path, compare};
use super::{Action, Effect};
use crate::canonical::{Scope, canonical, later, printable, set};
use crate::catalogue::{Impact, ResourceType, resource_type};
use crate::document::Value;

/// A difference and what it does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub path: Vec<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// `Some`: known only later; whether it certainly differs.
    pub later: Option<bool>,
    pub effect: Effect,
}

/// What happens to a resource that stays in its stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Verdict {
    pub properties: Vec<Judged>,
    /// Why it fails, in words of the catalogue.
    pub reasons: Vec<String>,
    /// Its text changed without a difference.
    pub respelled: bool,
}

/// Attributes of a resource that CloudFormation tells of in a change set
/// (API reference, ResourceTargetDefinition, Attribute), with what they are when left out.
const ATTRIBUTES: [(&str, Option<&str>); 5] = [
    ("DeletionPolicy", Some("Delete")),
    ("UpdateReplacePolicy", Some("Delete")),
    ("Metadata", None),
    ("CreationPolicy", None),
    ("UpdatePolicy", None),
];

/// Compares two definitions of a resource. `scopes` are those of the deployed and of the new template.
pub(super) fn judge(before: &Value, after: &Value, scopes: (&Scope, &Scope)) -> Verdict {
    let mut verdict = Verdict::default();
    let (old_kind, kind) = (kind_of(before), kind_of(after));
    if old_kind != kind {
        verdict.properties.push(Judged {
            path: vec!["@Type".into()],
            before: Some(Value::from(old_kind.to_owned())),
            after: Some(Value::from(kind.to_owned())),
            later: None,
            effect: Effect::Fails,
        });
        verdict.reasons.push("CloudFormation never changes the type of a resource".into());
        return verdict;
    }
    let facts = resource_type(kind);
    let properties = |value: &Value, scope| {
        let value = value.get("Properties");
        value.and_then(|value| canonical(value, scope)).unwrap_or_else(|| crate::document!({}))
    };
    let (old, new) = (properties(before, scopes.0), properties(after, scopes.1));
    let mut found = Vec::new();
    compare(facts, &mut Vec::new(), Some(&old), Some(&new), &mut found);
    for difference in found {
        let (effect, reason) = effect(facts, &difference);
        verdict.reasons.extend(reason);
        let later = difference.after.as_ref().and_then(later);
        verdict.properties.push(Judged {
            path: difference.path,
            before: difference.before.map(printable),
            after: difference.after.map(printable),
            later,
            effect,
        });
    }
    verdict.properties.extend(attributes(before, after, scopes));
    if verdict.properties.is_empty() {
        verdict.respelled = before != after && without_order(before) != without_order(after);
    }
    verdict
}

/// `AWS::S3::Bucket`.
pub(super) fn kind_of(definition: &Value) -> &str {
    definition.get("Type").and_then(Value::as_str).unwrap_or("")
}

/// The spec path that a resource carries.
pub(super) fn path_of(definition: &Value) -> &str {
    definition.at(&["Metadata", "lakewright", "path"]).and_then(Value::as_str).unwrap_or("")
}

/// What the template says becomes of it when it leaves the stack.
pub(super) fn kept_on_deletion(definition: &Value) -> bool {
    let policy = definition.get("DeletionPolicy").and_then(Value::as_str);
    matches!(policy, Some("Retain" | "RetainExceptOnCreate" | "Snapshot"))
}

/// What the template says becomes of the old one when it is replaced.
pub(super) fn kept_on_replacement(definition: &Value) -> bool {
    let policy = definition.get("UpdateReplacePolicy").and_then(Value::as_str);
    matches!(policy, Some("Retain" | "Snapshot"))
}

/// Whether people lose data with it, or the means to read data: what the template keeps, and what the
/// catalogue knows to hold data where the spec can protect it. A topic's key, a flow's logs and queues
/// hold nothing that is read again.
pub(super) fn holds_data(definition: &Value) -> bool {
    let kind = kind_of(definition);
    if matches!(kind, "AWS::S3::BucketPolicy" | "AWS::KMS::Alias") {
        return false;
    }
    if kept_on_deletion(definition) {
        return true;
    }
    let passing = ["AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::EMR::Cluster"];
    let root = path_of(definition).split('.').next().unwrap_or("");
    let protectable = matches!(root, "" | "lake" | "buckets" | "keys" | "databases" | "sources");
    protectable
        && !passing.contains(&kind)
        && resource_type(kind).is_some_and(|facts| facts.holds_data)
}

/// The action that the properties amount to, and whether it certainly happens. `old` and `new` are the
/// definitions; a replacement with a fixed name that stays is blocked, and its name is the third part.
pub(super) fn action(
    properties: &[Judged],
    old: &Value,
    new: &Value,
) -> (Action, bool, Option<String>) {
    let worst = properties.iter().map(|property| property.effect).max().unwrap_or(Effect::InPlace);
    let certain = properties.iter().any(|property| {
        property.later.unwrap_or(true) && property.effect == worst && is_seen(&property.path)
    });
    let name = || fixed_name(properties, old, new);
    match worst {
        Effect::Fails => (Action::Blocked, certain, None),
        Effect::Replace => match name() {
            Some(name) => (Action::Blocked, certain, Some(name)),
            None if certain => (Action::Replace, true, None),
            None => (Action::MayReplace, false, None),
        },
        Effect::MayReplace => (Action::MayReplace, certain, name()),
        Effect::InPlace => (Action::Update, certain, None),
    }
}

/// Whether a change set certainly tells of a change there: it is silent about `DependsOn`, and of a
/// stack's tags only where the type takes them.
fn is_seen(path: &[String]) -> bool {
    !matches!(path.first().map(String::as_str), Some("@DependsOn" | "@Tags"))
}

/// The name that stays taken while a replacement is made: the template gives one, and neither it nor
/// what it is unique within is among what changes.
fn fixed_name(properties: &[Judged], old: &Value, new: &Value) -> Option<String> {
    let facts = resource_type(kind_of(new)).filter(|facts| !facts.delete_first)?;
    let (place, _) = facts.given_name(old.get("Properties")?)?;
    let (_, name) = facts.given_name(new.get("Properties")?).filter(|(now, _)| *now == place)?;
    let changes = |place: &str| {
        let place: Vec<&str> = place.split('/').collect();
        properties.iter().any(|property| {
            property.path.iter().zip(&place).all(|(own, wanted)| own.as_str() == *wanted)
        })
    };
    if changes(place) || facts.within.iter().any(|place| changes(place)) {
        return None;
    }
    Some(match name.as_str() {
        Some(text) => text.to_owned(),
        None => name.to_json(),
    })
}

/// What a changed property does, and why it fails if it does.
fn effect(facts: Option<&ResourceType>, difference: &Difference) -> (Effect, Option<String>) {
    let Some(facts) = facts else { return (Effect::MayReplace, None) };
    match facts.impact(&catalogue_path(&difference.path)) {
        Impact::InPlace => (Effect::InPlace, None),
        Impact::MayReplace => (around(facts, difference), None),
        Impact::Replace => (Effect::Replace, None),
        Impact::Fails(reason) => (Effect::Fails, Some(reason.to_owned())),
    }
}

/// A property that contains what replaces and comes or goes as a whole replaces if what it contains
/// comes or goes: `TableInput` with its `Name`.
fn around(facts: &ResourceType, difference: &Difference) -> Effect {
    let whole = match (&difference.before, &difference.after) {
        (Some(value), None) | (None, Some(value)) => value,
        _ => return Effect::MayReplace,
    };
    fn worst(facts: &ResourceType, path: &mut Vec<String>, value: &Value) -> Effect {
        let impact = facts.impact(&catalogue_path(path));
        match value {
            Value::Map(map)
                if impact == Impact::MayReplace && crate::canonical::intrinsic(map).is_none() =>
            {
                let mut most = Effect::InPlace;
                for (key, value) in map.iter() {
                    path.push(key.to_owned());
                    most = most.max(worst(facts, path, value));
                    path.pop();
                }
                most
            }
            Value::Map(_) | Value::List(_) if impact == Impact::MayReplace => Effect::MayReplace,
            _ => match impact {
                Impact::InPlace => Effect::InPlace,
                Impact::MayReplace => Effect::MayReplace,
                Impact::Replace => Effect::Replace,
                Impact::Fails(_) => Effect::Fails,
            },
        }
    }
    if !matches!(whole, Value::Map(_)) {
        return Effect::MayReplace;
    }
    worst(facts, &mut difference.path.clone(), whole)
}

/// The impact of a property at a path, for a value that changes with another resource.
pub(super) fn effect_at(kind: &str, path: &[String]) -> Effect {
    let Some(facts) = resource_type(kind) else { return Effect::MayReplace };
    match facts.impact(&catalogue_path(path)) {
        Impact::InPlace => Effect::InPlace,
        Impact::MayReplace => Effect::MayReplace,
        Impact::Replace => Effect::Replace,
        Impact::Fails(_) => Effect::Fails,
    }
}

fn attributes(before: &Value, after: &Value, scopes: (&Scope, &Scope)) -> Vec<Judged> {
    let mut changed = Vec::new();
    for (name, default) in ATTRIBUTES {
        let at = |value: &Value, scope| match value.get(name) {
            Some(value) => canonical(value, scope),
            None => default.map(|text| Value::from(text.to_owned())),
        };
        let (old, new) = (at(before, scopes.0), at(after, scopes.1));
        if old != new {
            changed.push(Judged {
                path: vec![format!("@{name}")],
                before: old,
                after: new,
                later: None,
                effect: Effect::InPlace,
            });
        }
    }
    changed
}

/// The order of resources alone is no change: a change set has no word for `DependsOn`, and an update
/// that changes nothing else is refused as one without changes.
fn without_order(definition: &Value) -> Value {
    let mut definition = definition.clone();
    if let Some(map) = definition.as_map_mut() {
        map.remove("DependsOn");
    }
    definition
}

/// How the resources that come first change, for a resource that changes anyway.
pub(super) fn order(before: &Value, after: &Value) -> Option<Judged> {
    let at = |value: &Value| value.get("DependsOn").cloned().map(set);
    let (old, new) = (at(before), at(after));
    (old != new).then(|| Judged {
        path: vec!["@DependsOn".into()],
        before: old,
        after: new,
        later: None,
        effect: Effect::InPlace,
    })
}
