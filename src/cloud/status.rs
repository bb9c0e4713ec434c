//! The statuses of stacks and change sets, in CloudFormation's spelling.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the statuses of something with CloudFormation's spelling of each.
macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( #[serde(rename = $text)] $variant, )*
        }

        impl $name {
            /// Every status.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// CloudFormation's spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $text, )* }
            }

            /// Reads CloudFormation's spelling; `None` for one that this version does not know.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|status| status.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

statuses! {
    /// The statuses of a stack.
    StackStatus {
        ReviewInProgress = "REVIEW_IN_PROGRESS",
        CreateInProgress = "CREATE_IN_PROGRESS",
        CreateFailed = "CREATE_FAILED",
        CreateComplete = "CREATE_COMPLETE",
        RollbackInProgress = "ROLLBACK_IN_PROGRESS",
        RollbackFailed = "ROLLBACK_FAILED",
        RollbackComplete = "ROLLBACK_COMPLETE",
        UpdateInProgress = "UPDATE_IN_PROGRESS",
        UpdateCompleteCleanupInProgress = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        UpdateComplete = "UPDATE_COMPLETE",
        UpdateFailed = "UPDATE_FAILED",
        UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS",
        UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED",
        UpdateRollbackCompleteCleanupInProgress = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        DeleteFailed = "DELETE_FAILED",
        DeleteComplete = "DELETE_COMPLETE",
        ImportInProgress = "IMPORT_IN_PROGRESS",
        ImportComplete = "IMPORT_COMPLETE",
        ImportRollbackInProgress = "IMPORT_ROLLBACK_IN_PROGRESS",
        ImportRollbackFailed = "IMPORT_ROLLBACK_FAILED",
        ImportRollbackComplete = "IMPORT_ROLLBACK_COMPLETE",
    }
}

impl StackStatus {
    /// Whether an operation is running. REVIEW_IN_PROGRESS is none: it says that the stack has a
    /// change set and nothing else.
    pub fn in_progress(self) -> bool {
        self != StackStatus::ReviewInProgress && self.as_str().ends_with("_IN_PROGRESS")
    }

    /// Whether the stack can take an update now.
    pub fn updatable(self) -> bool {
        use StackStatus::*;
        matches!(
            self,
            CreateComplete
                | UpdateComplete
                | ImportComplete
                | UpdateRollbackComplete
                | ImportRollbackComplete
        )
    }

    /// Whether the last operation did what it was asked to.
    pub fn succeeded(self) -> bool {
        use StackStatus::*;
        matches!(self, CreateComplete | UpdateComplete | ImportComplete | DeleteComplete)
    }
}

statuses! {
    /// The statuses of a change set's making.
    ChangeSetStatus {
        CreatePending = "CREATE_PENDING",
        CreateInProgress = "CREATE_IN_PROGRESS",
        CreateComplete = "CREATE_COMPLETE",
        DeletePending = "DELETE_PENDING",
        DeleteInProgress = "DELETE_IN_PROGRESS",
        DeleteComplete = "DELETE_COMPLETE",
        DeleteFailed = "DELETE_FAILED",
        Failed = "FAILED",
    }
}

statuses! {
    /// Whether a change set can be executed, and what came of it.
    ExecutionStatus {
        Unavailable = "UNAVAILABLE",
        Available = "AVAILABLE",
        ExecuteInProgress = "EXECUTE_IN_PROGRESS",
        ExecuteComplete = "EXECUTE_COMPLETE",
        ExecuteFailed = "EXECUTE_FAILED",
        Obsolete = "OBSOLETE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_as_they_print() {
        for status in StackStatus::ALL {
            assert_eq!(StackStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(StackStatus::ALL.len(), 23);
        assert!(!StackStatus::ReviewInProgress.in_progress());
        assert!(StackStatus::UpdateCompleteCleanupInProgress.in_progress());
        assert!(StackStatus::UpdateRollbackComplete.updatable());
        assert!(!StackStatus::UpdateRollbackComplete.succeeded());
        assert!(!StackStatus::RollbackComplete.updatable());
    }
}
