//! How a run comes to its end, early or not.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::clock::seconds_between;
use super::event::{Summary, What};
use super::lock::LockInfo;
use super::message;
use super::outcome::{Ended, Outcome, State};
use super::run::Run;

/// A run that ends before its work is done.
pub(super) struct Early {
    pub ended: Ended,
    pub lock: Option<Box<LockInfo>>,
}

impl From<Ended> for Early {
    fn from(ended: Ended) -> Self {
        Early { ended, lock: None }
    }
}

impl Run<'_> {
    pub(super) fn conclude(&self, ended: Result<(), Early>) -> Outcome {
        let (mut ended, lock) = match ended {
            Ok(()) => (Ended::Done, None),
            Err(early) => (early.ended, early.lock.map(|lock| *lock)),
        };
        self.release();
        if self.watcher.interrupted() && ended != Ended::NeedsRecovery && ended != Ended::Done {
            ended = Ended::Interrupted;
        }
        let stacks = self.reports.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let command = self.command();
        let next = message::next(ended, &stacks, &command, self.options);
        if ended == Ended::Interrupted {
            self.report(message::interrupted(&stacks, &command, self.options));
        }
        let tally = std::mem::take(&mut *self.tally.lock().unwrap_or_else(PoisonError::into_inner));
        let kept = match &*self.index.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(index) => index.kept.iter().cloned().collect(),
            None => Vec::new(),
        };
        let summary = Summary {
            operation: self.plan.operation,
            ended,
            added: tally.added,
            changed: tally.changed,
            destroyed: tally.destroyed,
            imported: tally.imported,
            retained: tally.retained,
            kept,
            elapsed: seconds_between(self.started, self.watcher.clock.now()),
        };
        self.watcher.tell(What::Summary(summary.clone()));
        let diagnostics =
            std::mem::take(&mut *self.diagnostics.lock().unwrap_or_else(PoisonError::into_inner));
        Outcome { ended, stacks, diagnostics, lock, summary, next }
    }

    /// The end that the states of the stacks come to.
    pub(super) fn early(&self) -> Early {
        let lost = self.watcher.lost.load(Ordering::SeqCst);
        if lost {
            self.report(message::lock_lost());
        }
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let any = |state: State| reports.iter().any(|report| report.state == state);
        if any(State::Stuck) {
            Ended::NeedsRecovery.into()
        } else if self.watcher.interrupted() {
            Ended::Interrupted.into()
        } else if lost || any(State::Running) {
            Ended::Unfinished.into()
        } else if any(State::RolledBack) || any(State::Done) {
            Ended::RolledBack.into()
        } else {
            Ended::Refused.into()
        }
    }

    pub(super) fn early_after_refusal(&self) -> Early {
        self.stop.store(true, Ordering::SeqCst);
        self.early()
    }
}
