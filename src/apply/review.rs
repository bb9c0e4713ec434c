//! Change sets from their making to their end, for those who execute them and those who only ask.
//!
//! In: a change set that was accepted. Out: what it holds once it is made, or nothing left of it.
//! INVARIANT: what is put away was never executed, and a stack goes with its change set only while
//! it holds nothing (REVIEW_IN_PROGRESS). Read next: `change_set.rs` (a run), `ask.rs` (a plan).

use super::clock::Clock;
use super::patience::{Pauses, insist};
use crate::cloud::{ChangeSet, ChangeSetStatus, Cloud, CloudError, StackAddress, StackStatus};
use crate::names::Region;

/// The largest template that fits into the call, in bytes (AWS CloudFormation API reference,
/// CreateChangeSet, TemplateBody).
pub(super) const INLINE: usize = 51_200;
/// Looks at a change set that is being made: about ten minutes.
const LOOKS: u32 = 220;

/// Waits until a change set is made or failed, or nobody wants to wait any longer: `on` is asked
/// after each look.
pub(super) fn made(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    region: &Region,
    id: &str,
    mut on: impl FnMut() -> bool,
) -> Result<ChangeSet, CloudError> {
    let mut pauses = Pauses::up_to(3);
    let mut looks = 0;
    loop {
        let set = insist(clock, || cloud.describe_change_set(region, id))?;
        looks += 1;
        // One that is complete can be executed a moment later only.
        let making = !set.ready()
            && matches!(
                set.status,
                ChangeSetStatus::CreatePending
                    | ChangeSetStatus::CreateInProgress
                    | ChangeSetStatus::CreateComplete
            );
        if !making || looks >= LOOKS || !on() {
            return Ok(set);
        }
        pauses.wait(clock);
    }
}

/// Deletes a change set; `fresh`: and the stack that came to be for it. The stack goes first and takes
/// the change set along: as long as it is there, its change set says whose it is. What does not work
/// is left, and the next apply finds it.
pub(super) fn put_away(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    at: &StackAddress,
    id: &str,
    fresh: bool,
    token: &str,
) {
    if fresh
        && let Ok(Some(stack)) = insist(clock, || cloud.describe_stack(at))
        && stack.status == StackStatus::ReviewInProgress
    {
        let _ = insist(clock, || cloud.delete_stack(at, &[], None, &format!("{token}-review")));
    }
    let _ = insist(clock, || cloud.delete_change_set(&at.region, id));
}
