//! Workgroups of Athena: who queries in them, and where their results go.
//!
//! Results are data of the tables that were read. Whoever queries in a workgroup reads every result in
//! it, so they are places too: a bucket or prefix of the lake, with the rights that places have. What its
//! people read of each table is worked out in `views`.

use super::places::Location;
use crate::names::Name;
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

/// A workgroup.
#[derive(Debug, Clone)]
pub struct Workgroup {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// What it is called in Athena.
    pub workgroup_name: String,
    /// Who queries in it, each once, where `who` names them or their entry of `access`.
    pub who: Vec<At<Principal>>,
    /// A query that reads more bytes is cancelled.
    pub scan_limit: i64,
    /// Days after which results are deleted.
    pub keep_days: i64,
    /// Where results go. The place is in the lake.
    pub results: At<Location>,
    /// Whether the place is a bucket of the workgroup's own.
    pub own_results: bool,
}

impl Workgroup {
    /// The workgroup's path in the spec.
    pub fn path(&self) -> String {
        path(&self.name)
    }
}

/// The path of the workgroup of this name.
pub fn path(name: &Name) -> String {
    format!("analytics.athena.{name}")
}

/// The bucket and the key of a workgroup's results, where they are its own.
pub fn own_results(name: &Name) -> Option<Name> {
    Name::new(format!("athena-{name}")).ok()
}
