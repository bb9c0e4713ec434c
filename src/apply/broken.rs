//! Why work on a stack ended before the stack was what the plan says.

use crate::cloud::{CloudError, StackEvent, StackStatus};
use crate::diagnostic::Diagnostic;

use super::message::explain;

/// An early end.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nothing was executed.
    Refused(Box<Diagnostic>),
    /// An operation ended badly.
    Failed(Box<Failed>),
    /// The person has had enough; the cloud goes on with the stack.
    Left,
    /// The person has had enough before anything was executed.
    NotBegun,
    /// The cloud may go on with the stack, and does not answer us any more.
    Blind(CloudError),
}

/// An operation that ended badly.
#[derive(Debug)]
pub(super) struct Failed {
    pub status: Option<StackStatus>,
    pub reason: Option<String>,
    pub events: Vec<StackEvent>,
}

impl Broken {
    /// A call that was refused before anything was executed.
    pub(super) fn call(error: CloudError, doing: &str) -> Self {
        Broken::Refused(Box::new(explain(&error, doing)))
    }
}
