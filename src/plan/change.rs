//! What happens to each resource of a stack, in the words of the plan.
//!
//! In: definitions before and after, and a verdict on what is in both. Out: [`Change`]s with cause,
//! notes and ways out; refusals for what CloudFormation would refuse; losses handed to `consent`.

use std::collections::BTreeSet;

use super::build::Work;
use super::resource::{self, Verdict, kind_of, path_of};
use super::state::refusal;
use super::{
    Action, Cause, Change, DeployedStack, Effect, Filled, Kept, Operation, PropertyChange, Refusal,
    StackPlan, identity, name_of,
};
use crate::catalogue::resource_type;
use crate::cloud::ImportTarget;
use crate::diagnostic::{LW0604, LW0605, LW0611, LW0612};
use crate::document::Value;
use crate::names::{LogicalId, Region};
use crate::stacks::{Stack, StackKey};

impl Work<'_> {
    /// A resource that is not in the deployed stack: made, taken back, or moved here.
    pub(super) fn add(&mut self, stack: &Stack, id: &str, definition: &Value) -> Change {
        let logical_id = LogicalId::new(id).expect("invariant: logical ids of templates are valid");
        let cause = self.cause(stack, id, None);
        let mut change = Change {
            logical_id,
            kind: kind_of(definition).to_owned(),
            physical_id: None,
            action: Action::Create,
            certain: true,
            data: resource::holds_data(definition),
            cause,
            kept: false,
            properties: Vec::new(),
            notes: Vec::new(),
        };
        let home = self.arriving.get(&(stack.key.clone(), id.to_owned())).cloned();
        if let Some(home) = home {
            change.action = Action::Move;
            change.physical_id = self.deployed.stacks[&home].physical_ids.get(id).cloned();
            change.notes.push(format!("it is in the stack {home} now"));
            self.refusals.push(Refusal {
                cause: Some(change.cause.clone()),
                ..refusal(
                    LW0612,
                    format!("{} {id} would move from the stack {home} to {}", change.kind, stack.key),
                    vec![
                        "lakewright never moves what is deployed: plan against the deployed stacks, \
                         so that it stays where it is"
                            .into(),
                    ],
                )
            });
        } else if let Some(kept) = self.kept(&stack.key.region, id, definition) {
            let values: Vec<&str> = kept.identifier.values().map(String::as_str).collect();
            change.physical_id = Some(values.join("|"));
            if importable(&kept.kind) {
                change.action = Action::Import;
            } else if name_of_resource(definition).is_none() {
                // What has no name of ours is made anew beside what was kept, or over it: the settings
                // of an account.
                change.physical_id = None;
                change.notes.push("an earlier one was kept and is left as it is".into());
            } else {
                change.action = Action::Blocked;
                change.notes.push(
                    "it exists, and CloudFormation can't take resources of this type in".into(),
                );
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0611,
                        format!(
                            "{} {} exists and can't be taken back",
                            kept.kind,
                            values.join("|")
                        ),
                        vec!["delete it, or give the new one another name".into()],
                    )
                });
            }
        }
        change
    }

    /// A stack whose deletion stopped half-way goes on to its end: what it keeps can be taken back,
    /// what it holds and does not keep is lost.
    pub(super) fn half_gone(&mut self, key: &StackKey, there: &DeployedStack) {
        self.kept.extend(identity::let_go(key, there));
        for (id, definition) in there.resources() {
            if resource::kept_on_deletion(definition) {
                continue;
            }
            let change = self.leaving(there, id, definition, Operation::Apply);
            let filled = self.filled(&change);
            self.judgement.judge(self.context, Operation::Apply, &change, false, filled);
        }
    }

    /// What an earlier stack left behind that this resource is.
    fn kept(&self, region: &Region, id: &str, definition: &Value) -> Option<Kept> {
        let kind = kind_of(definition);
        let fits = |kept: &&Kept| {
            kept.region == *region
                && kept.logical_id.as_str() == id
                && kept.kind == kind
                && kept.identifier.iter().all(|(property, value)| {
                    identity::given(definition, property).is_none_or(|given| given == value)
                })
        };
        self.kept.iter().find(fits).cloned()
    }

    pub(super) fn imports(&self, stack: &Stack, changes: &[Change]) -> Vec<ImportTarget> {
        let taken = changes.iter().filter(|change| change.action == Action::Import);
        taken
            .filter_map(|change| {
                let definition = stack.template.at(&["Resources", change.logical_id.as_str()])?;
                let kept = self.kept(&stack.key.region, change.logical_id.as_str(), definition)?;
                Some(ImportTarget {
                    logical_id: change.logical_id.clone(),
                    kind: kept.kind,
                    identifier: kept.identifier,
                })
            })
            .collect()
    }

    /// A resource that is in both templates and differs.
    pub(super) fn modify(
        &mut self,
        stack: &Stack,
        there: &DeployedStack,
        id: &str,
        (old, new): (&Value, &Value),
        verdict: Verdict,
    ) -> Change {
        let logical_id = LogicalId::new(id).expect("invariant: logical ids of templates are valid");
        let (action, certain, fixed) = resource::action(&verdict.properties, old, new);
        let data = resource::holds_data(old) || resource::holds_data(new);
        let mut change = Change {
            physical_id: physical_id(there, &logical_id, old),
            logical_id,
            kind: kind_of(new).to_owned(),
            action,
            certain,
            data,
            cause: self.cause(stack, id, None),
            kept: matches!(action, Action::Replace | Action::MayReplace)
                && resource::kept_on_replacement(new),
            properties: Vec::new(),
            notes: Vec::new(),
        };
        let generation = generation(&change, old);
        match (action, &fixed) {
            (Action::Blocked, Some(name)) => {
                change.notes.push(format!(
                    "a replacement can't have the name `{name}` while the old one has it"
                ));
                change.notes.extend(generation.iter().map(|way| format!("way out: {way}")));
                change.notes.push("way out: remove it, apply, add it again, apply".into());
                let mut help: Vec<String> = generation.into_iter().collect();
                help.push("remove it, apply, add it again with the change, and apply".into());
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0604,
                        format!(
                            "{} {id} has the fixed name `{name}` and would have to be replaced",
                            change.kind
                        ),
                        help,
                    )
                });
            }
            (Action::Blocked, None) => {
                change.notes.extend(verdict.reasons.iter().cloned());
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0605,
                        format!("CloudFormation fails on this change of {} {id}", change.kind),
                        verdict
                            .reasons
                            .iter()
                            .cloned()
                            .chain([
                                format!(
                                    "make a new one beside it: another name than `{}` in the spec",
                                    name_of(&change.cause.path)
                                ),
                                "or remove it, apply, and add it again".to_owned(),
                            ])
                            .collect(),
                    )
                });
            }
            (Action::MayReplace, Some(name)) => change.notes.push(format!(
                "if it has to be replaced, the update fails: the name `{name}` stays taken"
            )),
            _ => {}
        }
        if change.kept {
            change.notes.push("the old one stays in the account".into());
        }
        if data && resource::kept_on_deletion(old) && !resource::kept_on_deletion(new) {
            let name = name_of(&change.cause.path);
            change
                .notes
                .push(format!("after this, `--allow-destroy {name}` is all it takes to delete it"));
        }
        change.notes.extend(self.unseen(&change));
        change.properties = verdict
            .properties
            .into_iter()
            .map(|property| PropertyChange {
                cause: self.cause(stack, id, Some(&property.path)),
                known_after_apply: property.later.is_some(),
                path: property.path,
                before: property.before,
                after: property.after,
                effect: property.effect,
            })
            .collect();
        let protected = resource::kept_on_deletion(old);
        let filled = self.filled(&change);
        self.judgement.judge(self.context, Operation::Apply, &change, protected, filled);
        change
    }

    /// A resource that leaves its stack, before anything is judged.
    fn leaving(
        &self,
        there: &DeployedStack,
        id: &str,
        old: &Value,
        operation: Operation,
    ) -> Change {
        let logical_id = LogicalId::new(id).expect("invariant: logical ids of templates are valid");
        let kept = resource::kept_on_deletion(old);
        let path = path_of(old);
        // What left the spec has no line; on the way to nothing the spec still has it.
        let cause = match operation {
            Operation::Destroy => self.context.cause(path),
            Operation::Apply => Cause { path: path.to_owned(), file: None, line: None },
        };
        Change {
            kind: kind_of(old).to_owned(),
            physical_id: physical_id(there, &logical_id, old),
            action: if kept { Action::Retain } else { Action::Delete },
            certain: true,
            data: resource::holds_data(old),
            cause,
            kept,
            properties: Vec::new(),
            notes: Vec::new(),
            logical_id,
        }
    }

    /// A resource that leaves its stack.
    pub(super) fn remove(
        &mut self,
        key: &StackKey,
        there: &DeployedStack,
        id: &str,
        old: &Value,
        operation: Operation,
    ) -> Change {
        let mut change = self.leaving(there, id, old, operation);
        if change.kept {
            change.notes.extend(super::destroy::how_to_delete(key, there, &change, old));
        }
        if let Some(name) = name_of_resource(old) {
            let taken = (key.region.clone(), change.kind.clone(), name);
            self.names.insert(taken, change.logical_id.clone());
        }
        change.notes.extend(self.unseen(&change));
        let filled = self.filled(&change);
        self.judgement.judge(self.context, operation, &change, change.kept, filled);
        change
    }

    /// That a bucket may hold locked versions of which the plan knows nothing.
    fn unseen(&self, change: &Change) -> Option<String> {
        let filled = self.filled(change).filter(|filled| filled.unseen && filled.locked == 0)?;
        Some(format!(
            "of its versions, {} were looked at, and none is locked; apply looks at all of them \
             before it deletes any",
            filled.versions
        ))
    }

    fn filled(&self, change: &Change) -> Option<Filled> {
        if change.kind != "AWS::S3::Bucket" {
            return None;
        }
        self.deployed.filled.get(change.physical_id.as_deref()?).cloned()
    }

    /// Where a resource, or a property of it, comes from.
    fn cause(&self, stack: &Stack, id: &str, path: Option<&[String]>) -> Cause {
        let Some(causes) = stack.causes.get(id) else {
            let definition = stack.template.at(&["Resources", id]);
            return self.context.cause(definition.map_or("", path_of));
        };
        match path {
            None => self.context.cause(&causes.path),
            Some([policy, ..]) if policy.starts_with('@') && policy.ends_with("Policy") => {
                self.context.cause(&format!("{}.protect", causes.path))
            }
            Some([tags, name]) if tags == "@Tags" => self.cause_of_tag(name),
            Some(path) => self.context.cause(&causes.of(path)),
        }
    }

    /// Where a tag of the stack comes from.
    fn cause_of_tag(&self, name: &str) -> Cause {
        match name {
            "owner" => self.context.cause("owner"),
            // The lake's id ends in its suffix, where it has one.
            name if name.starts_with("lakewright:") => {
                let suffix = self.context.cause("suffix");
                if suffix.line.is_some() { suffix } else { self.context.cause("lake") }
            }
            name => self.context.cause(&format!("tags.{name}")),
        }
    }

    /// Resources that are made under a name that another one has until the plan has ended.
    pub(super) fn taken_names(&mut self, stacks: &mut [StackPlan]) {
        if self.names.is_empty() {
            return;
        }
        for stack in stacks {
            let template = &stack.template;
            for change in stack.changes.iter_mut().filter(|one| one.action == Action::Create) {
                let id = change.logical_id.as_str();
                let Some(name) = template.at(&["Resources", id]).and_then(name_of_resource) else {
                    continue;
                };
                let key = (stack.key.region.clone(), change.kind.clone(), name);
                let Some(holder) = self.names.get(&key) else { continue };
                change.action = Action::Blocked;
                change
                    .notes
                    .push(format!("{holder} has the name `{}` until the plan has ended", key.2));
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0611,
                        format!(
                            "{} {id} would get the name `{}`, which {holder} has",
                            key.1, key.2
                        ),
                        vec![
                            "take two steps: remove the old one and apply, then add the new one"
                                .into(),
                            "or give the new one another name".into(),
                        ],
                    )
                });
            }
        }
    }

    /// Says of changes that come from a script which file it is.
    pub(super) fn scripts(&self, stacks: &mut [StackPlan]) {
        if self.context.uploads.is_empty() {
            return;
        }
        for change in stacks.iter_mut().flat_map(|stack| stack.changes.iter_mut()) {
            let texts = change.properties.iter().filter_map(|one| one.after.as_ref()?.as_str());
            let uploads: BTreeSet<&str> = texts
                .flat_map(|text| {
                    let ours = self.context.uploads.iter();
                    ours.filter(|upload| text.ends_with(&upload.key)).map(|one| one.path.as_str())
                })
                .collect();
            change.notes.extend(uploads.into_iter().map(|path| format!("{path} has changed")));
        }
    }
}

/// What a change of the stack's tags means for a resource that takes them and has none of its own of
/// that name.
pub(super) fn tagged(
    definition: &Value,
    tags: &[super::outputs::TagChange],
) -> Vec<resource::Judged> {
    if tags.is_empty() {
        return Vec::new();
    }
    let kind = kind_of(definition);
    let Some(known) = resource_type(kind).and_then(|facts| facts.tags) else { return Vec::new() };
    let own = definition.at(&["Properties", known.property]);
    let has = |name: &str| match own {
        Some(Value::List(list)) => {
            list.iter().any(|tag| tag.get("Key").and_then(Value::as_str) == Some(name))
        }
        Some(Value::Map(map)) => map.get(name).is_some(),
        _ => false,
    };
    let effect = match resource::effect_at(kind, &[known.property.to_owned()]) {
        Effect::InPlace if known.updatable => Effect::InPlace,
        _ => Effect::MayReplace,
    };
    tags.iter()
        .filter(|(name, _, _)| !has(name))
        .map(|(name, before, after)| resource::Judged {
            path: vec!["@Tags".into(), name.clone()],
            before: before.clone().map(Value::from),
            after: after.clone().map(Value::from),
            later: None,
            effect,
        })
        .collect()
}

/// Whether an import can take a resource of the type in.
fn importable(kind: &str) -> bool {
    resource_type(kind).is_none_or(|facts| facts.can_read() && !facts.identifier.is_empty())
}

/// The name that a template gives to a resource, where it is a text.
pub(super) fn name_of_resource(definition: &Value) -> Option<String> {
    let facts = resource_type(kind_of(definition))?;
    let properties = definition.get("Properties")?;
    let (_, name) = facts.given_name(properties)?;
    let name = name.as_str()?;
    let inside = facts.within.iter().map(|place| {
        let path: Vec<&str> = place.split('/').collect();
        properties.at(&path).map_or_else(String::new, Value::to_json)
    });
    let inside: Vec<String> = inside.collect();
    Some(if inside.is_empty() {
        name.to_owned()
    } else {
        format!("{} in {}", name, inside.join(", "))
    })
}

fn physical_id(there: &DeployedStack, id: &LogicalId, definition: &Value) -> Option<String> {
    there.physical_ids.get(id).cloned().or_else(|| {
        let properties = definition.get("Properties")?;
        let (_, name) = resource_type(kind_of(definition))?.given_name(properties)?;
        name.as_str().map(str::to_owned)
    })
}

/// `generation: N` on the thing, where the spec has that key: the next after what the name ends in.
fn generation(change: &Change, old: &Value) -> Option<String> {
    let path = &change.cause.path;
    let (kind, _) = path.split_once('.')?;
    if !matches!(kind, "buckets" | "keys" | "sources") || !path.matches('.').count().eq(&1) {
        return None;
    }
    let name = name_of_resource(old).or(change.physical_id.clone()).unwrap_or_default();
    let number = name.rsplit_once('-').and_then(|(_, last)| last.parse::<u32>().ok());
    let next = number.filter(|number| (2..999).contains(number)).map_or(2, |number| number + 1);
    Some(format!("`generation: {next}` on {path} makes a new one under a new name"))
}
