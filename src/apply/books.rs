//! The index, kept by a run: what may come to be is written before, what has come to be after.

use std::sync::PoisonError;

use super::ending::Early;
use super::index::{self, Index, IndexError};
use super::message::{self, explain};
use super::outcome::State;
use super::run::Run;
use crate::plan::{Kept, StackAction};
use crate::stacks::StackKey;

impl Run<'_> {
    /// What the stacks of this plan let go, named while they still hold it.
    pub(super) fn keepsakes(&self) -> Result<Vec<(StackKey, Kept)>, Early> {
        super::keepsakes::keepsakes(self).map_err(|error| {
            self.report(explain(&error, "naming what stays in the account"));
            self.early_after_refusal()
        })
    }

    /// Writes the index: before the work with everything that may come to be, after it with what is.
    pub(super) fn write_index(
        &self,
        keepsakes: &[(StackKey, Kept)],
        after: bool,
    ) -> Result<(), Early> {
        if !self.has_lock() {
            return Ok(());
        }
        let plan = self.plan;
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = |key: &StackKey| reports.iter().find(|it| it.key == *key).map(|it| it.state);
        let edit = |index: &mut Index| {
            for (_, kept) in keepsakes {
                index.keep(kept.clone());
            }
            for stack in &plan.stacks {
                let gone = stack.action == StackAction::Delete;
                let done = after && state(&stack.key) == Some(State::Done);
                match gone && done {
                    true => drop(index.stacks.remove(&stack.key)),
                    false => drop(index.stacks.insert(stack.key.clone())),
                }
                if done {
                    for import in &stack.imports {
                        index.forget(&stack.key.region, import.logical_id.as_str());
                    }
                } else if after {
                    for (_, kept) in keepsakes.iter().filter(|(key, _)| *key == stack.key) {
                        index.forget(&kept.region, kept.logical_id.as_str());
                    }
                }
            }
        };
        let empty = Index::new(&plan.lake, &plan.environment, &plan.account, &plan.region);
        let written =
            self.object(&index::key(&plan.lake)).map_err(IndexError::Cloud).and_then(|at| {
                index::change(self.watcher.cloud, self.watcher.clock, &at, &empty, edit)
            });
        match written {
            Ok(index) => {
                *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(index);
                Ok(())
            }
            Err(error) => {
                self.report(message::index_error(&error, "writing the index of the lake"));
                Err(self.early_after_refusal())
            }
        }
    }
}
