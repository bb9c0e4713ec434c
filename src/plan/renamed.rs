//! Things that get another key in the spec.
//!
//! In: the changes of a plan. Out: a refusal for each bucket or stream that leaves the spec while one
//! like it comes, or one that takes its place in something else (a table's location, a policy, an
//! environment of a job): what is meant as another name would leave the data behind and begin with nothing. A
//! key in the spec is the identity of a thing, so that this is a replacement by an empty one, and is
//! refused like one while the old one is protected. INVARIANT: a resource that the deployed template
//! does not keep is not judged here, but as a loss (`consent`).

use super::build::Work;
use super::change::name_of_resource;
use super::state::refusal;
use super::{Action, Change, Refusal, StackPlan, name_of};
use crate::diagnostic::LW0613;
use crate::document::Value;

/// What holds data by itself. A table or a database only describes it, a key is found by what it has
/// encrypted.
pub(super) const VESSELS: [&str; 2] = ["AWS::S3::Bucket", "AWS::Kinesis::Stream"];

impl Work<'_> {
    /// Refuses what looks like a renaming.
    pub(super) fn renamed(&mut self, stacks: &[StackPlan]) {
        let of = |action: Action| {
            stacks.iter().flat_map(move |stack| {
                let vessel = move |change: &&Change| {
                    change.action == action && VESSELS.contains(&change.kind.as_str())
                };
                stack.changes.iter().filter(vessel).map(move |change| (stack, change))
            })
        };
        let come: Vec<(&StackPlan, &Change)> = of(Action::Create).collect();
        if come.is_empty() {
            return;
        }
        for (stack, gone) in of(Action::Retain) {
            let id = gone.logical_id.as_str();
            let there = self.deployed.stacks.get(&stack.key);
            let Some(old) = there.and_then(|it| it.template.at(&["Resources", id])) else {
                continue;
            };
            let like = come.iter().find(|(other, change)| {
                let new = other.template.at(&["Resources", change.logical_id.as_str()]);
                other.key.region == stack.key.region
                    && change.kind == gone.kind
                    && new.is_some_and(|new| {
                        alike(old, gone, new, change)
                            || takes_over(stacks, &names(old, gone), &names(new, change))
                    })
            });
            let Some((_, new)) = like else { continue };
            let (old_path, new_path) = (&gone.cause.path, &new.cause.path);
            let (was, is) = (name_of(old_path), name_of(new_path));
            let known = gone.physical_id.as_deref().unwrap_or(id);
            self.refusals.push(Refusal {
                cause: Some(new.cause.clone()),
                ..refusal(
                    LW0613,
                    format!(
                        "{old_path} looks renamed to {new_path}: its data would stay in {known}, and `{is}` would start empty"
                    ),
                    vec![
                        format!("to go on with the same data, keep the key `{was}`: it is what the thing is known by"),
                        format!("to move: add `{is}` beside `{was}` and apply, copy what is needed, then take `{was}` out and apply"),
                    ],
                )
            });
        }
    }
}

/// What a thing is called: in AWS, in its template, in the spec. The longer one first: it often holds the others.
type Names = [String; 3];

fn names(definition: &Value, change: &Change) -> Names {
    let key = change.cause.path.rsplit('.').next().unwrap_or_default().to_owned();
    let physical = name_of_resource(definition).or(change.physical_id.clone());
    [physical.unwrap_or_default(), change.logical_id.to_string(), key]
}

/// Whether something that stays names the new thing where it named the old one, and says the same otherwise: a table
/// that lies in the new bucket now, below the same prefix.
fn takes_over(stacks: &[StackPlan], old: &Names, new: &Names) -> bool {
    let [physical, ..] = old;
    let properties = stacks.iter().flat_map(|stack| &stack.changes).flat_map(|it| &it.properties);
    !physical.is_empty()
        && properties.into_iter().any(|property| match (&property.before, &property.after) {
            (Some(before), Some(after)) => {
                mentions(before, physical)
                    && without(before.clone(), old) == without(after.clone(), new)
            }
            _ => false,
        })
}

/// Whether a text of a value speaks of a name: as a whole, or between characters that no name has.
fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::Str(text) => text
            .split(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
            .any(|word| word == name),
        Value::List(list) => list.iter().any(|one| mentions(one, name)),
        Value::Map(map) => map.iter().any(|(_, one)| mentions(one, name)),
        _ => false,
    }
}

/// Whether two definitions say the same but for the names of the things.
fn alike(old: &Value, gone: &Change, new: &Value, come: &Change) -> bool {
    let plain = |definition: &Value, change: &Change| {
        let properties = definition.get("Properties").cloned().unwrap_or_default();
        without(properties, &names(definition, change))
    };
    plain(old, gone) == plain(new, come)
}

/// A value with a mark in the place of each of the names.
fn without(value: Value, names: &[String]) -> Value {
    match value {
        Value::Str(text) => {
            let mut text = text.into_owned();
            for name in names.iter().filter(|name| !name.is_empty()) {
                text = text.replace(name.as_str(), "\u{0}");
            }
            Value::from(text)
        }
        Value::List(list) => list.into_iter().map(|one| without(one, names)).collect(),
        Value::Map(map) => map
            .into_iter()
            .map(|(key, value)| (key, without(value, names)))
            .collect::<crate::document::Map>()
            .into(),
        other => other,
    }
}
