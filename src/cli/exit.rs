//! How a run ends. The codes are documented in `docs/command-line.md` and never reused.

use std::process::ExitCode;

use crate::apply::Ended;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Ok = 0,
    /// Something is wrong, or was refused.
    Error = 1,
    /// There are changes (`--detailed-exitcode`).
    Changes = 2,
    /// A file is not in the canonical layout (`fmt --check`).
    Unformatted = 3,
    /// A gate failed (`--fail-on`).
    Gate = 4,
    /// Somebody else holds the lock.
    Locked = 5,
    /// The world is not the one that the plan was made for.
    Stale = 6,
    /// Applying failed; CloudFormation has rolled back.
    RolledBack = 7,
    /// Applying failed, and a stack needs a hand: the message says which command.
    Recovery = 8,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// How a run that was carried out ends the process.
    pub const fn of(ended: Ended) -> Self {
        match ended {
            Ended::Done => Exit::Ok,
            Ended::Refused | Ended::Unfinished => Exit::Error,
            Ended::Locked => Exit::Locked,
            Ended::Stale => Exit::Stale,
            Ended::RolledBack => Exit::RolledBack,
            Ended::NeedsRecovery => Exit::Recovery,
            Ended::Interrupted => Exit::Interrupted,
        }
    }

    /// The name in a JSON summary.
    pub const fn name(self) -> &'static str {
        match self {
            Exit::Ok => "ok",
            Exit::Error => "error",
            Exit::Changes => "changes",
            Exit::Unformatted => "unformatted",
            Exit::Gate => "gate",
            Exit::Locked => "locked",
            Exit::Stale => "stale",
            Exit::RolledBack => "rolled_back",
            Exit::Recovery => "recovery",
            Exit::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
