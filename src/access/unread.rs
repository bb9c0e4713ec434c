//! What templates say about access that is not modelled, and what their policies refer to.
//!
//! A part of [`super::template`]'s reader: nothing that looks like a policy is passed over in silence.

use std::collections::BTreeSet;

use super::source::Source;
use super::state::{State, Unread};
use super::template::{Reader, origin};
use super::texts::kind_of;
use crate::document::{Map, Value};

impl Reader<'_> {
    /// A property of an unknown type that looks like a policy.
    pub(super) fn suspicious(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        let (source, id, definition) = at;
        for (key, value) in properties.as_map().into_iter().flat_map(Map::iter) {
            if !looks_like_access(key, value) {
                continue;
            }
            let value = self.texts.resolve(source, value).unwrap_or_default();
            self.state.unread.push(Unread {
                origin: origin(source, id, definition),
                kind: kind_of(definition).to_owned(),
                property: key.to_owned(),
                why: "the type is not modelled".to_owned(),
                value: value.to_json(),
            });
        }
    }
}

/// A name that speaks of a policy, or statements somewhere inside.
fn looks_like_access(key: &str, value: &Value) -> bool {
    fn statements(value: &Value) -> bool {
        match value {
            Value::Map(map) => {
                map.get("Statement").is_some()
                    || map.get("Effect").is_some()
                    || map.iter().any(|(_, value)| statements(value))
            }
            Value::List(list) => list.iter().any(statements),
            _ => false,
        }
    }
    let named = key.contains("Policy") || matches!(key, "Principal" | "Principals" | "Permissions");
    named || statements(value)
}

/// The references that stand in the documents of a state.
pub(super) fn mentioned(state: &State) -> BTreeSet<String> {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Map(map) => {
                if let Some(Value::Str(id)) = map.get("Ref") {
                    found.insert(id.to_string());
                }
                if let Some([Value::Str(id), ..]) = map.get("Fn::GetAtt").and_then(Value::as_list) {
                    found.insert(id.to_string());
                }
                map.iter().for_each(|(_, value)| walk(value, found));
            }
            Value::List(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    let held = state.principals.values().flat_map(|one| one.identity.iter().chain(&one.trust));
    let held = held.chain(state.resources.values().flat_map(|one| &one.policies));
    held.for_each(|held| walk(&held.document, &mut found));
    let texts = state.principals.keys().chain(state.resources.keys());
    for text in texts.filter(|text| text.starts_with('{')) {
        if let Ok(value) = Value::from_json(text) {
            walk(&value, &mut found);
        }
    }
    found
}
