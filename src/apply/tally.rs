//! What a run has done, counted resource by resource.

use crate::cloud::StackEvent;
use crate::plan::{Action, StackPlan};

/// Counts of resources.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub added: usize,
    pub changed: usize,
    pub destroyed: usize,
    pub imported: usize,
    pub retained: usize,
}

impl Tally {
    /// Counts what the plan says of a stack that is done.
    pub(super) fn count(&mut self, stack: &StackPlan, events: &[StackEvent]) {
        for change in &stack.changes {
            let left = |status: &str| {
                let own = |event: &&StackEvent| event.logical_id == change.logical_id.as_str();
                events.iter().filter(own).any(|event| event.status == status)
            };
            match change.action {
                Action::Create => self.added += 1,
                Action::Update => self.changed += 1,
                Action::Delete => self.destroyed += 1,
                Action::Retain => self.retained += 1,
                Action::Import => self.imported += 1,
                Action::Replace => {
                    self.added += 1;
                    if change.kept { self.retained += 1 } else { self.destroyed += 1 }
                }
                Action::MayReplace if left("DELETE_COMPLETE") => {
                    self.added += 1;
                    self.destroyed += 1;
                }
                Action::MayReplace if left("DELETE_SKIPPED") => {
                    self.added += 1;
                    self.retained += 1;
                }
                Action::MayReplace => self.changed += 1,
                Action::Blocked | Action::Move => {}
            }
        }
    }
}
