//! Where reality has left what the stacks say.
//!
//! In: what is deployed, and a cloud. Out: a [`DriftReport`]. `look` asks CloudFormation's own drift
//! detection, and reads each resource through its service, since detection is blind to what a
//! template does not mention (a policy put on a role, a tag, a statement's neighbour) and to some of
//! what it does (User Guide, "Considerations when detecting drift"). `judge` compares, purely, by
//! meaning: order where order means nothing, spellings of numbers, policies statement by statement.
//! INVARIANT: a resource that nobody could look at is unread, never in sync.

#![expect(clippy::result_large_err, reason = "an error is made once, and ends the run")]

mod compare;
mod judge;
mod live;
mod look;

pub use live::{Found, Is, Wanted, document, readings};

use crate::apply::Clock;
use crate::cloud::Cloud;
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::document::Value;
use crate::names::{AccountId, LogicalId};
use crate::plan::Deployed;
use crate::stacks::StackKey;

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DriftReport {
    /// Every resource of every stack, by stack and logical id.
    pub resources: Vec<ResourceReport>,
    /// Stacks of which detection did not come to its end, and why.
    pub incomplete: Vec<(StackKey, String)>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceReport {
    pub stack: StackKey,
    pub logical_id: LogicalId,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    pub physical_id: String,
    /// The thing in the spec, `buckets.raw`.
    pub path: String,
    pub verdict: Verdict,
    /// Properties that the template sets and nobody can compare, whatever the verdict is.
    pub blind: Vec<String>,
}

/// What became of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// As its stack says, as far as its service tells.
    InSync,
    Modified(Vec<Difference>),
    Deleted,
    /// Nobody looked, for this reason.
    Unread(String),
}

/// A place at which reality is another.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// From the property down: `VersioningConfiguration/Status`; elements with names are called by
    /// them, `PolicyDocument/Statement/[TlsOnly]`.
    pub path: String,
    /// What the stack says; `None`: it says nothing of it.
    pub expected: Option<Value>,
    /// What is there; `None`: nothing.
    pub actual: Option<Value>,
}

impl DriftReport {
    /// The resources that are not what they should be.
    pub fn drifted(&self) -> impl Iterator<Item = &ResourceReport> {
        self.resources
            .iter()
            .filter(|one| matches!(one.verdict, Verdict::Modified(_) | Verdict::Deleted))
    }

    /// The resources that nobody looked at.
    pub fn unread(&self) -> impl Iterator<Item = (&ResourceReport, &str)> {
        self.resources.iter().filter_map(|one| match &one.verdict {
            Verdict::Unread(why) => Some((one, why.as_str())),
            _ => None,
        })
    }

    /// The resources of which a part cannot be compared, beside those that are unread as a whole.
    pub fn partly(&self) -> impl Iterator<Item = &ResourceReport> {
        self.resources.iter().filter(|one| {
            !one.blind.is_empty() && !matches!(one.verdict, Verdict::Unread(_) | Verdict::Deleted)
        })
    }

    /// Whether nothing has drifted. What is unread does not count either way.
    pub fn is_clean(&self) -> bool {
        self.drifted().next().is_none()
    }

    /// A warning for each drifted resource.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let told = |one: &ResourceReport| {
            let headline = match &one.verdict {
                Verdict::Deleted => format!("`{}` is gone", one.physical_id),
                _ => format!("`{}` is not what its stack says", one.physical_id),
            };
            let mut told = Diagnostic::new(diagnostic::LW0701, Severity::Warning, None, headline)
                .at(one.path.clone());
            if let Verdict::Modified(differences) = &one.verdict {
                for difference in differences {
                    told = told.note(difference.path.clone());
                }
            }
            told
        };
        let unread = |(one, why): (&ResourceReport, &str)| {
            let headline = format!("`{}` was not read: {why}", one.physical_id);
            Diagnostic::new(diagnostic::LW0702, Severity::Note, None, headline).at(one.path.clone())
        };
        self.drifted().map(told).chain(self.unread().map(unread)).collect()
    }
}

/// Looks at everything that is deployed. `account`: whose it is.
pub fn detect(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    account: &AccountId,
    deployed: &Deployed,
) -> Result<DriftReport, Diagnostic> {
    let looked = look::look(cloud, clock, account, deployed)?;
    let mut resources: Vec<ResourceReport> = looked.evidence.iter().map(judge::judge).collect();
    resources.sort_by(|a, b| (&a.stack, &a.logical_id).cmp(&(&b.stack, &b.logical_id)));
    Ok(DriftReport { resources, incomplete: looked.incomplete })
}
