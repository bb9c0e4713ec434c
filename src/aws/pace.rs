//! How fast we ask, how long we wait, how often we try again.
//!
//! CloudFormation's rate limits belong to an account and region, are not published, and are shared
//! with every other tool that runs there. A [`Limits`] hands out turns: a few at once, so that a
//! small run is not slowed, then evenly spaced.
//! INVARIANT: in any second, at most `burst` + the rate's turns are handed out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rate limits, retries and time limits of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// DescribeStacks a second, per account and region. Users have measured about 5 as the
    /// service's limit (github.com/aws/aws-sam-cli/issues/2671); other tools run beside us.
    pub describe_stacks: f64,
    /// Other CloudFormation calls a second, per account and region.
    pub cloudformation: f64,
    /// How many calls of either kind may go at once after a pause.
    pub burst: u32,
    /// How often a throttled or lost call is tried, the first time included.
    pub attempts: u32,
    /// The first wait after throttling lasts up to this; each next one up to twice as long.
    pub first_backoff: Duration,
    /// No wait is longer than this.
    pub longest_backoff: Duration,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long one try of a call may take.
    pub attempt_timeout: Duration,
    /// How long a call may take with all its tries.
    pub call_timeout: Duration,
    /// How often, and how far apart, events are looked through for a call whose answer was lost.
    pub recall: (u32, Duration),
    /// The first and the longest wait between two looks at a running drift detection.
    pub drift_poll: (Duration, Duration),
    /// How long a drift detection may take before what is known by then is the answer.
    pub drift_patience: Duration,
}

impl Default for Pace {
    /// The pace for AWS. Attempts and backoff are the AWS CDK's (`SdkProvider`: 7 attempts from
    /// 1 s to 15 s), one attempt more.
    fn default() -> Self {
        Pace {
            describe_stacks: 2.0,
            cloudformation: 5.0,
            burst: 5,
            attempts: 8,
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(180),
            recall: (5, Duration::from_secs(1)),
            drift_poll: (Duration::from_secs(1), Duration::from_secs(5)),
            drift_patience: Duration::from_secs(30 * 60),
        }
    }
}

impl Pace {
    /// The pace for an emulator on this machine, where nobody is throttled and nothing takes long.
    pub fn local() -> Self {
        Pace {
            describe_stacks: 1_000.0,
            cloudformation: 1_000.0,
            burst: 100,
            attempts: 4,
            first_backoff: Duration::from_millis(20),
            longest_backoff: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(20),
            call_timeout: Duration::from_secs(60),
            recall: (3, Duration::from_millis(50)),
            drift_poll: (Duration::from_millis(20), Duration::from_millis(200)),
            drift_patience: Duration::from_secs(20),
        }
    }
}

/// Which limit a CloudFormation call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// The one call that is limited more than the others.
    DescribeStacks,
    Other,
}

/// The limiters of an account and region.
pub(super) struct Limits {
    describe_stacks: Mutex<Turns>,
    other: Mutex<Turns>,
}

impl Limits {
    /// Limiters that nothing has been taken from.
    pub(super) fn new(pace: &Pace) -> Self {
        let now = Instant::now();
        Limits {
            describe_stacks: Mutex::new(Turns::new(pace.describe_stacks, pace.burst, now)),
            other: Mutex::new(Turns::new(pace.cloudformation, pace.burst, now)),
        }
    }

    /// Waits until it is our turn.
    pub(super) async fn turn(&self, call: Call) {
        let turns = match call {
            Call::DescribeStacks => &self.describe_stacks,
            Call::Other => &self.other,
        };
        let wait = turns.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// Turns at a rate, with some saved up.
struct Turns {
    /// Between two turns.
    gap: Duration,
    /// How far the schedule may lag behind the clock: the turns that can be saved up.
    slack: Duration,
    /// When the next turn is due.
    next: Instant,
}

impl Turns {
    fn new(per_second: f64, burst: u32, now: Instant) -> Self {
        let gap = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        let slack = gap * burst.saturating_sub(1);
        Turns { gap, slack, next: now.checked_sub(slack).unwrap_or(now) }
    }

    /// Takes the next turn and says how long to wait for it.
    fn take(&mut self, now: Instant) -> Duration {
        let earliest = now.checked_sub(self.slack).unwrap_or(now);
        let due = self.next.max(earliest);
        self.next = due + self.gap;
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_evenly_and_saved_up_again() {
        let start = Instant::now() + Duration::from_secs(100);
        let mut turns = Turns::new(2.0, 3, start);
        let waits: Vec<u128> = (0..5).map(|_| turns.take(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000]);
        // 1.5 s later all turns handed out so far are due, and none is saved up
        let later = start + Duration::from_millis(1500);
        assert_eq!(turns.take(later).as_millis(), 0);
        assert_eq!(turns.take(later).as_millis(), 500);
        // a long pause saves up three, not more
        let much_later = start + Duration::from_secs(60);
        let waits: Vec<u128> = (0..4).map(|_| turns.take(much_later).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500]);
    }
}
