//! What follows from a change of something else.
//!
//! In: the changes of a plan. Out: notes. A bucket that gets another key changes the policies of both keys and of everybody
//! who uses the bucket; these changes have the line of the flow that asked for the permission, which nobody has edited.
//! Where a resource takes another key, what changes in the policies of these keys, and in statements that name them, is
//! put down to that edit too. INVARIANT: causes stay as they are; only notes are added. Pure and linear.

use std::collections::{BTreeMap, BTreeSet};

use super::renamed::VESSELS;
use super::resource::kind_of;
use super::{Cause, PropertyChange, StackPlan};
use crate::document::{Map, Value};
use crate::graph;

const KEY: &str = "AWS::KMS::Key";

/// Adds to each change that follows from another resource's new key the line of that edit.
pub(super) fn ripples(stacks: &mut [StackPlan]) {
    let keys = Keys::of(stacks);
    if keys.ids.is_empty() {
        return;
    }
    let mut edits: BTreeMap<String, Vec<Cause>> = BTreeMap::new();
    // Of these the spec says the key; what else takes one (a log group) follows from them.
    let said = |kind: &str| VESSELS.contains(&kind);
    let changes = stacks.iter().flat_map(|stack| &stack.changes);
    for change in changes.filter(|change| said(&change.kind)) {
        for property in change.properties.iter().filter(|one| !is_statement(one)) {
            for key in keys.exchanged(property) {
                edits.entry(key).or_default().push(property.cause.clone());
            }
        }
    }
    if edits.is_empty() {
        return;
    }
    for change in stacks.iter_mut().flat_map(|stack| &mut stack.changes) {
        let mut found: BTreeMap<&str, &Cause> = BTreeMap::new();
        for property in change.properties.iter().filter(|one| is_statement(one)) {
            let keys = match change.kind == KEY {
                true => BTreeSet::from([change.logical_id.to_string()]),
                false => keys.exchanged(property),
            };
            let edits = keys.iter().filter_map(|key| edits.get(key)).flatten();
            found.extend(
                edits.filter(|edit| edit.path != property.cause.path).map(|one| (&*one.path, one)),
            );
        }
        change.notes.extend(found.into_values().map(note));
    }
}

fn note(cause: &Cause) -> String {
    match (&cause.file, cause.line) {
        (Some(file), Some(line)) => format!("follows from {} ({file}:{line})", cause.path),
        _ => format!("follows from {}", cause.path),
    }
}

/// Whether a property is a statement of a policy, or in one.
fn is_statement(property: &PropertyChange) -> bool {
    property.path.iter().any(|step| step == "Statement")
}

/// The keys of the templates, and the names of the outputs that hand their ARNs on: parameters have the same.
struct Keys {
    ids: BTreeSet<String>,
    outputs: BTreeMap<String, String>,
}

impl Keys {
    fn of(stacks: &[StackPlan]) -> Self {
        let mut keys = Keys { ids: BTreeSet::new(), outputs: BTreeMap::new() };
        for template in stacks.iter().flat_map(|stack| [&stack.before, &stack.template]) {
            let section = |name: &str| {
                let map = template.get(name).and_then(Value::as_map);
                map.into_iter().flat_map(Map::iter)
            };
            let own = section("Resources").filter(|(_, definition)| kind_of(definition) == KEY);
            keys.ids.extend(own.map(|(id, _)| id.to_owned()));
            for (output, definition) in section("Outputs") {
                let target = definition.get("Value").and_then(graph::as_reference);
                if let Some(target) = target {
                    keys.outputs.insert(output.to_owned(), target.id.to_string());
                }
            }
        }
        keys
    }

    /// The keys that a value names.
    fn named(&self, value: Option<&Value>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if let Some(value) = value {
            graph::references(value, &mut |target| {
                let id = target.id.as_str();
                let id = self.outputs.get(id).map_or(id, String::as_str);
                if self.ids.contains(id) {
                    found.insert(id.to_owned());
                }
            });
        }
        found
    }

    /// The keys that only one side of a property names.
    fn exchanged(&self, property: &PropertyChange) -> BTreeSet<String> {
        let (before, after) =
            (self.named(property.before.as_ref()), self.named(property.after.as_ref()));
        before.symmetric_difference(&after).cloned().collect()
    }
}
