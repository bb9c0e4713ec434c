//! What the cloud answered, as diagnostics: a code, the cloud's words, what to do next.

use super::index::IndexError;
use super::lock::LockInfo;
use super::outcome::{Ended, StackReport, State, guarantee};
use super::run::Options;
use super::stale::Moved;
use crate::cloud::{Caller, CloudError, StackEvent, StackStatus};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::document::Value;
use crate::names::AccountId;
use crate::plan::{Cause, StackPlan};

/// What to do where a name is taken.
pub(super) const NAME_TAKEN: &str =
    "delete or rename what has the name, or give the lake a name `suffix`";

/// Whether a service says that something of that name is there (CloudFormation's handler error code
/// AlreadyExists, and its early validation ResourceExistenceCheck).
pub(super) fn is_taken(reason: &str) -> bool {
    reason.contains("AlreadyExists") || reason.contains("already exists")
}

/// The longest headline, in characters: a line of a terminal or of a CI annotation.
const LONGEST: usize = 120;

/// An answer that ends what was being done. `doing` completes "while ..."; lower case.
pub fn explain(error: &CloudError, doing: &str) -> Diagnostic {
    use CloudError::*;
    let (code, help) = match error {
        Credentials(_) => (
            diagnostic::LW0802,
            "sign in again (`aws sso login`), or set AWS_PROFILE or the AWS_... variables",
        ),
        AccessDenied(_) => (
            diagnostic::LW0803,
            "give the caller, or the role that the spec names as `deploy_role`, the action above",
        ),
        NotFound(_) => (diagnostic::LW0813, "type `lakewright plan` to see what is there now"),
        AlreadyExists(_) => (diagnostic::LW0811, NAME_TAKEN),
        Refused(_) => (diagnostic::LW0808, "the sentence above is the cloud's own"),
        InProgress(_) => (
            diagnostic::LW0809,
            "wait until it has ended (`lakewright status`), then type the same command again",
        ),
        Capability(_) => {
            (diagnostic::LW0810, "make a new plan: it asks for the capability by itself")
        }
        Limit(_) => (
            diagnostic::LW0807,
            "ask for more under Service Quotas, or delete what is not needed, then try again",
        ),
        PreconditionFailed(_) => (diagnostic::LW0912, "look who else is at work on the lake"),
        Throttled(_) | NoAnswer(_) => (
            diagnostic::LW0812,
            "type the same command again: what was carried out is found, the rest is done",
        ),
        Other { .. } => (diagnostic::LW0814, "the words above are the cloud's own"),
    };
    let text = error.to_string();
    let (headline, whole) = headline(doing, &text);
    let told = Diagnostic::new(code, Severity::Error, None, headline).help(help);
    match whole {
        true => told,
        false => told.note(format!("the cloud says: {}", text.replace('\n', " "))),
    }
}

/// What was being done and the cloud's words on one line of at most [`LONGEST`] characters, and whether
/// these are all of them. Where they are not, they end with a clause.
fn headline(doing: &str, text: &str) -> (String, bool) {
    let line = text.lines().next().unwrap_or_default();
    let all = format!("{doing}: {line}");
    if all.chars().count() <= LONGEST {
        return (all, line == text);
    }
    let end = all.char_indices().nth(LONGEST).map_or(all.len(), |(at, _)| at);
    let head = &all[..end];
    let sentence = ["; ", ". ", " ("].iter().filter_map(|mark| head.rfind(mark)).max();
    // Else the kind of the refusal, which stands before the first colon.
    let start = doing.len() + 2;
    let kind = || head.get(start..)?.find(": ").map(|at| start + at);
    let cut = sentence.filter(|at| *at > doing.len()).or_else(kind);
    (all[..cut.unwrap_or(doing.len())].to_owned(), false)
}

/// What failed first: everything that came after it was cancelled or undone.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstCause {
    /// Empty where the stack as a whole was refused.
    pub logical_id: String,
    pub kind: String,
    pub physical_id: String,
    /// CloudFormation's spelling.
    pub status: String,
    pub reason: String,
    /// Where in the spec it comes from.
    pub cause: Cause,
}

/// Finds the first cause in the events of one operation, in the order in which they happened.
/// Resources that were only cancelled because another had failed are no cause.
pub fn first_cause(events: &[StackEvent], stack: &StackPlan) -> Option<FirstCause> {
    let name = stack.key.name.as_str();
    let failed = events.iter().filter(|event| {
        event.status.ends_with("_FAILED")
            && event.kind != "AWS::CloudFormation::Stack"
            && event.logical_id != name
    });
    let cancelled = |event: &&StackEvent| {
        event.reason.as_deref().is_some_and(|reason| reason.contains("cancelled"))
    };
    let mut rest = failed.clone().filter(|event| !cancelled(event));
    let event = rest.next().or_else(|| failed.clone().next())?;
    Some(FirstCause {
        logical_id: event.logical_id.clone(),
        kind: event.kind.clone(),
        physical_id: event.physical_id.clone(),
        status: event.status.clone(),
        reason: event.reason.clone().unwrap_or_else(|| "the cloud gives no reason".into()),
        cause: cause_of(stack, &event.logical_id),
    })
}

/// Where in the spec a resource comes from: as the plan says, else as its metadata says.
pub(super) fn cause_of(stack: &StackPlan, logical_id: &str) -> Cause {
    if let Some(change) = stack.changes.iter().find(|it| it.logical_id.as_str() == logical_id) {
        return change.cause.clone();
    }
    let path = ["Resources", logical_id, "Metadata", "lakewright", "path"];
    let path = stack.template.at(&path).and_then(Value::as_str).unwrap_or_default();
    Cause { path: path.to_owned(), file: None, line: None }
}

/// A failed stack, told: the first cause, its line, what is guaranteed.
pub(super) fn failed_stack(
    stack: &StackPlan,
    status: Option<StackStatus>,
    status_reason: Option<&str>,
    cause: Option<&FirstCause>,
    clean: bool,
) -> Diagnostic {
    let code = if clean { diagnostic::LW0801 } else { diagnostic::LW0805 };
    let headline = match cause {
        Some(cause) => {
            let thing = match cause.cause.path.as_str() {
                "" => cause.logical_id.as_str(),
                path => path,
            };
            format!("`{thing}` failed in stack {}: {}", stack.key.name, cause.status)
        }
        None => format!("stack {} failed", stack.key.name),
    };
    let mut told = Diagnostic::new(code, Severity::Error, None, headline);
    match cause {
        Some(cause) => {
            told = told.note(format!("the cloud says: {}", cause.reason));
            told = told.note(format!("resource {} ({})", cause.logical_id, cause.kind));
            told = placed(told, &cause.cause);
            if is_taken(&cause.reason) {
                told = told.help(NAME_TAKEN);
            }
        }
        None => {
            let reason = status_reason.unwrap_or("the cloud gives no reason");
            told = told.note(format!("the cloud says: {reason}"));
        }
    }
    if let Some(status) = status {
        told = told.note(format!("stack {} is {status}: {}", stack.key, guarantee(Some(status))));
    }
    told
}

/// Names the place in the spec.
pub(super) fn placed(mut told: Diagnostic, cause: &Cause) -> Diagnostic {
    if !cause.path.is_empty() {
        told = told.at(cause.path.clone());
    }
    match (&cause.file, cause.line) {
        (Some(file), Some(line)) => told.note(format!("it comes from {file}:{line}")),
        _ => told,
    }
}

/// Another run holds the lock.
pub(super) fn locked(lock: &LockInfo, command: &str) -> Diagnostic {
    let headline = "another run is at work on this lake";
    let mut told = Diagnostic::new(diagnostic::LW0911, Severity::Error, None, headline)
        .note(format!("ID:        {}", lock.id))
        .note(format!("Operation: {}", lock.operation))
        .note(format!("Who:       {}", lock.who));
    if let Some(host) = &lock.host {
        told = told.note(format!("Host:      {host}"));
    }
    told.note(format!("Created:   {}", lock.created))
        .note(format!("Expires:   {}, unless it is renewed", lock.expires))
        .help("wait for it: add `--lock-timeout 10m`")
        .help(format!(
            "if that run is certainly gone, take the lock over: `{command} --break-lock {}`",
            lock.id
        ))
}

/// The credentials are those of another account.
pub(super) fn wrong_account(caller: &Caller, wanted: &AccountId, environment: &str) -> Diagnostic {
    let headline = format!(
        "these are credentials of account {}, environment `{environment}` is in {wanted}",
        caller.account
    );
    Diagnostic::new(diagnostic::LW0806, Severity::Error, None, headline)
        .note(format!("the caller is {}", caller.arn))
        .note("nothing else was called")
        .help(format!(
            "sign in to account {wanted}, or name the environment that you mean (`--env`)"
        ))
}

/// The plan saw another world.
pub(super) fn stale(moved: &[Moved], command: &str) -> Diagnostic {
    let headline = "the plan is stale: the lake has changed since it was made";
    let mut told = Diagnostic::new(diagnostic::LW0913, Severity::Error, None, headline);
    for moved in moved {
        told = told.note(format!("stack {}: {}", moved.key, moved.how));
    }
    told.note("nothing was changed")
        .help(format!("plan again, read what is different, and apply that: `{command}`"))
}

/// A resource that CloudFormation gave up deleting after a successful update.
pub(super) fn orphan(stack: &StackPlan, event: &StackEvent) -> Diagnostic {
    let headline = format!(
        "`{}` could not be deleted and is in no stack any more",
        if event.physical_id.is_empty() { &event.logical_id } else { &event.physical_id }
    );
    let mut told = Diagnostic::new(diagnostic::LW0817, Severity::Warning, None, headline)
        .note(format!("it was {} ({}) of stack {}", event.logical_id, event.kind, stack.key));
    if let Some(reason) = &event.reason {
        told = told.note(format!("the cloud says: {reason}"));
    }
    placed(told, &cause_of(stack, &event.logical_id))
        .help("delete it by hand, or leave it: CloudFormation will not touch it again")
}

/// The index cannot be read or written.
pub(super) fn index_error(error: &IndexError, doing: &str) -> Diagnostic {
    match error {
        IndexError::Cloud(error) => explain(error, doing),
        IndexError::Unusable(why) => {
            let headline = format!("{doing}: {why}");
            Diagnostic::new(diagnostic::LW0914, Severity::Error, None, headline)
                .help("move the object away: the list of stacks is made again from their tags")
        }
    }
}

/// Another run took the lock over.
pub(super) fn lock_lost() -> Diagnostic {
    let headline = "the lock is lost: another run has taken it over";
    Diagnostic::new(diagnostic::LW0912, Severity::Error, None, headline)
        .note("no other stack was started; what had begun was watched to its end")
        .help("see who is at work (`lakewright status`), then plan again")
}

/// Another run took the lock over, and this one came to its end without noticing.
pub(super) fn lock_taken_over() -> Diagnostic {
    let headline = "the lock is lost: another run took it over before this one had ended";
    Diagnostic::new(diagnostic::LW0912, Severity::Warning, None, headline)
        .note("what this run was to do is done; the other one may have seen it half done")
        .help("see who is at work (`lakewright status`), then plan again")
}

/// The lock is still there, and this run has ended.
pub(super) fn lock_not_given_back() -> Diagnostic {
    let seconds = super::lock::LEASE.as_secs();
    let headline = format!("the lock could not be given back; it ends by itself in {seconds} s");
    Diagnostic::new(diagnostic::LW0912, Severity::Warning, None, headline)
        .help("wait until then, or take it over: `lakewright status` names its id")
}

/// The person stopped the run.
pub(super) fn interrupted(
    stacks: &[StackReport],
    command: &str,
    options: &Options<'_>,
) -> Diagnostic {
    let headline = "interrupted: nothing new was started";
    let mut told = Diagnostic::new(diagnostic::LW0818, Severity::Warning, None, headline);
    for stack in stacks.iter().filter(|stack| stack.state == State::Running) {
        told = told.note(format!("CloudFormation goes on with stack {}", stack.key));
    }
    told.help(format!("to watch it: `{}`", options.watch_command))
        .help(format!("to go on where it stopped: `{command}`"))
}

/// What to type now, the most important first.
pub(super) fn next(
    ended: Ended,
    stacks: &[StackReport],
    command: &str,
    options: &Options<'_>,
) -> Vec<String> {
    use StackStatus::*;
    let command = command.to_owned();
    match ended {
        Ended::Done => Vec::new(),
        Ended::NeedsRecovery => {
            // What can be taken back is taken back first; the rest is deleted and made anew by the
            // plan that follows.
            let rollback = stacks.iter().any(|stack| {
                stack.state == State::Stuck
                    && matches!(
                        stack.status,
                        Some(UpdateRollbackFailed | UpdateFailed | CreateFailed)
                    )
            });
            let recover = rollback.then(|| options.recover_command.clone());
            recover.into_iter().chain([command]).collect()
        }
        Ended::Locked => vec![format!("{command} --lock-timeout 10m")],
        Ended::Interrupted | Ended::Unfinished => {
            vec![options.watch_command.clone(), command]
        }
        Ended::Refused | Ended::Stale | Ended::RolledBack => vec![command],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_of_the_cloud_are_a_note() {
        let short = explain(&CloudError::Refused("no".into()), "asking");
        assert_eq!((short.headline.as_str(), short.notes.len()), ("asking: no", 0));
        let why = format!("they have expired; type this ({})", "x".repeat(200));
        let long = explain(&CloudError::Credentials(why.clone()), "asking who is calling");
        assert_eq!(
            long.headline,
            "asking who is calling: no usable credentials: they have expired; type this"
        );
        assert!(long.notes[0].ends_with(&why), "{:?}", long.notes);
        let denied = CloudError::AccessDenied(format!("User: arn:{} may not", "x".repeat(200)));
        assert_eq!(explain(&denied, "asking").headline, "asking: access denied");
        let word = explain(&CloudError::Refused("y".repeat(300)), "asking");
        assert_eq!(word.headline, "asking");
    }
}
