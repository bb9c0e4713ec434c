//! What every step of a run holds in its hands: the cloud, the clock, who is told, the lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::clock::Clock;
use super::event::{Event, What};
use super::lock::Lease;
use super::patience::insist;
use crate::cloud::{Cloud, CloudError};

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
}

impl<'a> Watcher<'a> {
    pub(super) fn new(
        cloud: &'a dyn Cloud,
        clock: &'a dyn Clock,
        observer: &'a (dyn Fn(Event) + Sync),
        interrupt: &'a AtomicBool,
    ) -> Self {
        let lease = Mutex::new(None);
        Watcher { cloud, clock, observer, interrupt, lease, lost: AtomicBool::new(false) }
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

    /// See [`insist`].
    pub(super) fn insist<T>(
        &self,
        call: impl FnMut() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        insist(self.clock, call)
    }
}
