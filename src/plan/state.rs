//! What can be done to a stack in the state it is in.
//!
//! In: a stack as it is deployed. Out: whether it can be updated, has to be made anew, or why nothing
//! can be planned, with the next command to type. The rules are CloudFormation's (User Guide, "Stack
//! status codes" and "Recover a failed stack update").

use super::{DeployedStack, Operation, Refusal};
use crate::cloud::StackStatus;
use crate::diagnostic::{Code, LW0601, LW0602, LW0603};
use crate::stacks::StackKey;

/// What a stack allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It takes an update, or a deletion where that is planned.
    Ready,
    /// It never came to be, or is half gone: it is deleted and made anew.
    Anew,
    Refused(Refusal),
}

/// The tag that tells whose a stack is.
pub(super) const LAKE_TAG: &str = "lakewright:lake";

/// Judges a stack for an operation of the lake `lake`. `wanted`: the spec has it.
pub(super) fn judge(
    key: &StackKey,
    stack: &DeployedStack,
    lake: &str,
    operation: Operation,
    wanted: bool,
) -> State {
    use StackStatus::*;
    let Some(status) = stack.status else { return State::Ready };
    if let Some(refusal) = stranger(key, stack, lake) {
        return State::Refused(refusal);
    }
    let place = format!("--stack-name {} --region {}", key.name, key.region);
    let deleting = operation == Operation::Destroy || !wanted;
    match status {
        status if status.in_progress() => State::Refused(refusal(
            LW0601,
            format!("an operation is running on the stack {key}: {status}"),
            vec![
                "wait until it has ended (`lakewright status` shows it), then plan again".into(),
                format!("what it does: aws cloudformation describe-stack-events {place}"),
            ],
        )),
        ReviewInProgress | RollbackComplete | RollbackFailed | CreateFailed if deleting => {
            State::Ready
        }
        ReviewInProgress | RollbackComplete | RollbackFailed | CreateFailed => State::Anew,
        ImportRollbackComplete if stack.resources().next().is_none() && !deleting => State::Anew,
        DeleteFailed if deleting => State::Ready,
        DeleteFailed => State::Anew,
        UpdateFailed | UpdateRollbackFailed if !deleting => {
            let what = match status {
                UpdateFailed => "failed and was not rolled back",
                _ => "failed, and so did its rollback",
            };
            State::Refused(refusal(
                LW0603,
                format!("an update of the stack {key} {what}{}", reason(stack)),
                vec![
                    "mend what it stumbled over (`lakewright status` names it)".into(),
                    "then take it back, and plan again: `lakewright recover`".into(),
                ],
            ))
        }
        ImportRollbackFailed if !deleting => State::Refused(refusal(
            LW0603,
            format!("taking resources into the stack {key} failed half-way{}", reason(stack)),
            vec![
                format!("what failed: aws cloudformation describe-stack-events {place}"),
                "mend that, then delete the stack (what it keeps stays) and apply again".into(),
                format!("aws cloudformation delete-stack {place}"),
            ],
        )),
        _ => State::Ready,
    }
}

/// Why the stack is not ours, if it is not, in whatever status. The tags of one that is only under
/// review are those of its change sets; one that is still being made may have none yet, and takes no
/// change anyway.
fn stranger(key: &StackKey, stack: &DeployedStack, lake: &str) -> Option<Refusal> {
    let tags = stack.tags.as_ref()?;
    let owner = tags.get(LAKE_TAG).map(String::as_str);
    let early = stack.status == Some(StackStatus::CreateInProgress) && tags.is_empty();
    if owner == Some(lake) || early {
        return None;
    }
    let place = format!("--stack-name {} --region {}", key.name, key.region);
    let whose = match owner {
        Some(other) => format!("it belongs to the lake `{other}`"),
        None => format!("it has no tag `{LAKE_TAG}`"),
    };
    Some(refusal(
        LW0602,
        format!("the stack {key} is not of the lake `{lake}`: {whose}"),
        vec![
            "give this lake another name or a `suffix`, so that their stacks do not meet".into(),
            format!("look at it: aws cloudformation describe-stacks {place}"),
        ]
        .into_iter()
        .chain((stack.status == Some(StackStatus::ReviewInProgress)).then(|| {
            format!(
                "it holds nothing yet; if nobody is going to make it: aws cloudformation delete-stack {place}"
            )
        }))
        .collect(),
    ))
}

fn reason(stack: &DeployedStack) -> String {
    stack.status_reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
}

pub(super) fn refusal(code: Code, summary: String, help: Vec<String>) -> Refusal {
    Refusal { code: code.as_str().to_owned(), summary, help, cause: None }
}
