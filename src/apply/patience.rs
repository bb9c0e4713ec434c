//! Calls that are repeated until they are answered, and pauses between looks.
//!
//! An implementation of [`Cloud`](crate::cloud::Cloud) repeats by itself; what still comes back as
//! throttled or unanswered is repeated here, more slowly, so that bad weather fails no operation.
//! INVARIANT: nobody waits for a cloud that says nothing for longer than [`PATIENCE`] and one more
//! call (which an implementation bounds).

use jiff::SignedDuration;

use super::clock::Clock;
use crate::cloud::CloudError;

/// How often an unanswered call is repeated: with the pauses below, about a minute and a half.
const TRIES: u32 = 9;
/// How long an unanswered call is repeated, whatever each try takes.
const PATIENCE: SignedDuration = SignedDuration::from_mins(3);
/// The longest pause between two tries.
const LONGEST: SignedDuration = SignedDuration::from_secs(15);

/// Whether the call may be answered if it is made again.
pub(super) fn passing(error: &CloudError) -> bool {
    matches!(error, CloudError::Throttled(_) | CloudError::NoAnswer(_))
}

/// Makes a call that may safely be made twice, until it is answered.
pub(crate) fn insist<T>(
    clock: &dyn Clock,
    call: impl FnMut() -> Result<T, CloudError>,
) -> Result<T, CloudError> {
    insist_telling(clock, call, |_, _| true)
}

/// The same; `on` is told of each try that was not answered and for how long there was no answer, and
/// says whether to go on.
pub(super) fn insist_telling<T>(
    clock: &dyn Clock,
    mut call: impl FnMut() -> Result<T, CloudError>,
    on: impl Fn(&CloudError, SignedDuration) -> bool,
) -> Result<T, CloudError> {
    let begun = clock.now();
    let mut pause = SignedDuration::from_secs(1);
    for _ in 1..TRIES {
        let error = match call() {
            Err(error) if passing(&error) => error,
            answer => return answer,
        };
        let silent = clock.now().duration_since(begun);
        if silent >= PATIENCE || !on(&error, silent) {
            return Err(error);
        }
        clock.sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
    call()
}

/// Growing pauses between looks at something that takes its time.
pub(super) struct Pauses {
    next: SignedDuration,
    most: SignedDuration,
}

impl Pauses {
    /// From one second up to `most` seconds.
    pub(super) fn up_to(most: i64) -> Self {
        Pauses { next: SignedDuration::from_secs(1), most: SignedDuration::from_secs(most) }
    }

    /// Waits.
    pub(super) fn wait(&mut self, clock: &dyn Clock) {
        clock.sleep(self.next);
        self.next = (self.next * 5 / 4).min(self.most);
    }

    /// Something happened: look again soon.
    pub(super) fn reset(&mut self) {
        self.next = SignedDuration::from_secs(1);
    }
}
