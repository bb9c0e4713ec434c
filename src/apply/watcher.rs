//! What every step of a run holds in its hands: the cloud, the clock, who is told, the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use super::clock::Clock;
use super::event::{Event, What};
use super::lock::Lease;
use super::patience::{insist_telling, passing};
use crate::cloud::{Cloud, CloudError};

/// Silence that people should know of.
const WORTH_A_WORD: SignedDuration = SignedDuration::from_secs(10);

/// Shared by the threads of one run.
pub(super) struct Watcher<'a> {
    pub cloud: &'a dyn Cloud,
    pub clock: &'a dyn Clock,
    pub observer: &'a (dyn Fn(Event) + Sync),
    /// Set by the person's first Ctrl-C.
    pub interrupt: &'a AtomicBool,
    pub lease: Mutex<Option<Lease>>,
    /// The lock was taken from us: nothing new is started.
    pub lost: AtomicBool,
    /// The cloud did not answer for as long as we wait: nothing is asked twice until it does.
    pub dark: AtomicBool,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(
        cloud: &'a dyn Cloud,
        clock: &'a dyn Clock,
        observer: &'a (dyn Fn(Event) + Sync),
        interrupt: &'a AtomicBool,
    ) -> Self {
        let lease = Mutex::new(None);
        let (lost, dark) = (AtomicBool::new(false), AtomicBool::new(false));
        Watcher { cloud, clock, observer, interrupt, lease, lost, dark }
    }

    pub(super) fn tell(&self, what: What) {
        (self.observer)(Event { at: self.clock.now(), what });
    }

    pub(super) fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    /// Renews the lock if it is time. Called wherever a run waits.
    pub(super) fn renew(&self) {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = lease.as_mut()
            && !lease.renew(self.cloud, self.clock.now())
        {
            self.lost.store(true, Ordering::SeqCst);
        }
    }

    /// Makes a call that may safely be made twice, until it is answered, and says so while it is not.
    pub(super) fn insist<T>(
        &self,
        call: impl FnMut() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let answer = insist_telling(self.clock, call, |error, silent| {
            if self.is_dark() {
                return false;
            }
            if silent >= WORTH_A_WORD {
                self.silent(error, silent);
            }
            true
        });
        let dark = matches!(&answer, Err(error) if passing(error));
        self.dark.store(dark, Ordering::SeqCst);
        answer
    }

    /// Whether the cloud has stopped answering.
    pub(super) fn is_dark(&self) -> bool {
        self.dark.load(Ordering::SeqCst)
    }

    /// Tells that there is no answer.
    pub(super) fn silent(&self, error: &CloudError, silent: SignedDuration) {
        let elapsed = u64::try_from(silent.as_secs()).unwrap_or_default();
        self.tell(What::CloudSilent { error: error.to_string(), elapsed });
    }
}
