//! Time, as applying needs it: what it is, and to wait. Given from outside, so that a test's hours
//! pass at once.

use jiff::{SignedDuration, Timestamp};

/// A clock.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Comes back after this long.
    fn sleep(&self, span: SignedDuration);
}

/// Whole seconds from one moment to another, never less than 0.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}
