//! The lake as it stands, for people who ask.

use super::clock::Clock;
use super::lock::{self, LockInfo};
use super::message::explain;
use super::observe::Scope;
use super::patience::insist;
use crate::cloud::{Cloud, StackStatus};
use crate::diagnostic::Diagnostic;
use crate::graph::Part;
use crate::names::{AccountId, Region};
use crate::plan::{Deployed, Kept};
use crate::stacks::StackKey;

/// The state of a lake.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeStatus {
    pub lake: String,
    pub environment: String,
    pub account: AccountId,
    pub region: Region,
    /// In the order in which they are made.
    pub stacks: Vec<StackLine>,
    /// What stayed of stacks that are gone.
    pub kept: Vec<Kept>,
    pub lock: Option<LockInfo>,
    /// Whether the lock's lease has ended: its holder is gone.
    pub lock_expired: bool,
}

/// A stack of it.
#[derive(Debug, Clone, PartialEq)]
pub struct StackLine {
    pub key: StackKey,
    pub part: Part,
    pub status: Option<StackStatus>,
    pub reason: Option<String>,
    pub resources: usize,
    /// When it was last changed, as the cloud prints it.
    pub updated: Option<String>,
    pub termination_protection: bool,
}

/// Sums up what is deployed, and asks who holds the lock.
pub fn status(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
    deployed: &Deployed,
) -> Result<LakeStatus, Diagnostic> {
    let lake = scope.naming.lake_id();
    let at = scope.object(lock::key(&lake));
    let lock = insist(clock, || lock::holder(cloud, &at))
        .map_err(|error| explain(&error, "asking who holds the lock"))?;
    let mut stacks: Vec<StackLine> = deployed
        .stacks
        .iter()
        .map(|(key, stack)| StackLine {
            key: key.clone(),
            part: stack.part(key),
            status: stack.status,
            reason: stack.status_reason.clone(),
            resources: stack.resources().count(),
            updated: stack.updated.clone(),
            termination_protection: stack.termination_protection,
        })
        .collect();
    stacks.sort_by(|a, b| (a.part, &a.key).cmp(&(b.part, &b.key)));
    let now = clock.now();
    Ok(LakeStatus {
        lake,
        environment: scope.naming.environment.to_string(),
        account: scope.account.clone(),
        region: scope.home.clone(),
        stacks,
        kept: deployed.kept.clone(),
        lock_expired: lock.as_ref().is_some_and(|lock| lock.expired(now)),
        lock,
    })
}
