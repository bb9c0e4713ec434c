//! What the policies of a state refer to. A part of the reader in [`super`].

use std::collections::BTreeSet;

use super::super::state::State;
use crate::document::Value;

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
