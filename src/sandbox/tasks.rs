//! Which tasks a phase has, and which of them waits for which.
//!
//! Making goes from what is needed to what needs it, deleting the other way round. What a task then does is in `steps`.
//! Sources: CloudFormation User Guide, DependsOn, DeletionPolicy and UpdateReplacePolicy attributes.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Engine, Making};
use super::state::{Act, Before, Leftover, Record, Task, Verb};
use super::steps::keeps;

impl Engine<'_> {
    /// Making, changing and importing, in the order of what needs what.
    pub fn puts(making: &Making<'_>, verb: Verb) -> Vec<Task> {
        let ids: Vec<String> = making
            .template
            .order()
            .into_iter()
            .filter(|id| {
                let resource = &making.template.resources[id];
                making.evaluator.holds(resource.condition.as_deref())
            })
            .collect();
        let at: BTreeMap<&str, usize> =
            ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        let act = match verb {
            Verb::Import => Act::Import,
            _ => Act::Put,
        };
        ids.iter()
            .map(|id| {
                let mut task = Task::new(id, act.clone());
                let needs = making.template.needs(id);
                task.after =
                    needs.iter().filter_map(|need| at.get(need.as_str()).copied()).collect();
                task
            })
            .collect()
    }

    /// Deleting everything, what depends on others first. `undone`: a creation is rolled back, and what is kept
    /// except on creation is not kept.
    pub fn deletions(&self, spared: &BTreeSet<String>, undone: bool) -> Vec<Task> {
        let things = self.body.resources.iter().map(|(id, record)| {
            let policy = record.deletion_policy.as_deref();
            let keep = match undone {
                true => policy == Some("Retain"),
                false => keeps(policy),
            };
            leftover(id, record, keep || spared.contains(id))
        });
        last_first(things.collect())
    }

    /// After an update: what it replaced, and what the new template no longer holds.
    pub fn cleanup(&self) -> Vec<Task> {
        let operation = self.body.operation.as_ref();
        let put: BTreeSet<&str> = operation
            .iter()
            .flat_map(|operation| &operation.tasks)
            .map(|task| task.id.as_str())
            .collect();
        let mut things = Vec::new();
        for (id, record) in &self.body.resources {
            if !put.contains(id.as_str()) {
                let keep = keeps(record.deletion_policy.as_deref());
                things.push(leftover(id, record, keep));
            } else if let Some(Before::Was(old)) = &record.before
                && old.key != record.key
            {
                let keep = record.replace_policy.as_deref() == Some("Retain");
                if self.realm.things.has(&old.key) {
                    things.push(leftover(id, old, keep));
                }
            }
        }
        last_first(things)
    }

    /// Restoring what an update changed, what depends on others last.
    pub fn restorations(&mut self, skipped: &BTreeSet<String>) -> Vec<Task> {
        for id in skipped {
            // A skipped resource counts as restored, whatever it is.
            if let Some(record) = self.body.resources.get_mut(id)
                && let Some(Before::Was(old)) = record.before.take()
            {
                *record = *old;
                record.status = "UPDATE_COMPLETE".into();
                record.reason = None;
            }
        }
        let changed = |record: &&Record| matches!(record.before, Some(Before::Was(_)));
        let ids: Vec<&String> = self
            .body
            .resources
            .iter()
            .filter(|(_, record)| changed(record))
            .map(|(id, _)| id)
            .collect();
        let at: BTreeMap<&str, usize> =
            ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        ids.iter()
            .map(|id| {
                let mut task = Task::new(id, Act::Restore);
                let record = &self.body.resources[*id];
                let old = match &record.before {
                    Some(Before::Was(old)) => &old.depends,
                    _ => &record.depends,
                };
                let needs = old.iter().filter_map(|need| at.get(need.as_str()).copied());
                task.after = needs.collect();
                task
            })
            .collect()
    }

    /// After an update was undone: what it had made.
    pub fn leftovers(&self) -> Vec<Task> {
        let mut things = self.body.leftover.clone();
        for (id, record) in &self.body.resources {
            if matches!(record.before, Some(Before::Nothing)) {
                let keep = record.deletion_policy.as_deref() == Some("Retain");
                things.push(leftover(id, record, keep));
            }
        }
        last_first(things)
    }

    /// Letting go what an import took in.
    pub fn undo_import(&self) -> Vec<Task> {
        let taken = self
            .body
            .resources
            .iter()
            .filter(|(_, record)| matches!(record.before, Some(Before::Nothing)));
        let things = taken.map(|(id, record)| leftover(id, record, true));
        last_first(things.collect())
    }
}

fn leftover(id: &str, record: &Record, keep: bool) -> Leftover {
    Leftover {
        id: id.to_owned(),
        kind: record.kind.clone(),
        key: record.key.clone(),
        physical: record.physical.clone(),
        depends: record.depends.clone(),
        keep: keep && !record.key.is_empty(),
    }
}

/// Deletions, each after those of what depends on it.
fn last_first(things: Vec<Leftover>) -> Vec<Task> {
    let mut at: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, thing) in things.iter().enumerate() {
        at.entry(thing.id.clone()).or_default().push(position);
    }
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); things.len()];
    for (position, thing) in things.iter().enumerate() {
        for need in &thing.depends {
            for needed in at.get(need).into_iter().flatten() {
                after[*needed].push(position);
            }
        }
    }
    let tasks = things.into_iter().zip(after);
    tasks
        .map(|(thing, after)| Task { after, ..Task::new(&thing.id.clone(), Act::Delete(thing)) })
        .collect()
}
