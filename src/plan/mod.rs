//! What has to happen so that a cloud becomes what the spec says.
//!
//! In: the stacks that are compiled ([`crate::stacks`]) and what is [`Deployed`]. Out: a [`Plan`],
//! complete: every stack in order, every expected change of every resource with its cause, what
//! CloudFormation will do to it, the consents that it needs. `apply` takes no decisions; if the world
//! is not the one that the plan recorded, it stops and says so. INVARIANT: planning is a pure
//! function; a resource that is not in a stack's `changes` does not change.
//!
//! This file holds the words. Read next: `build.rs` for the phases, [`promise`](holds) for what a
//! change set is held to, [`mod@file`] for how a plan is saved; `render::plan` prints it.

pub mod access;
mod build;
mod change;
mod compare;
mod consent;
mod context;
mod deployed;
mod destroy;
pub mod file;
mod grants;
mod identity;
mod lake_formation;
mod outputs;
pub mod paths;
mod promise;
mod renamed;
mod resource;
mod ripples;
mod spread;
mod state;
mod when;

pub use build::{diff, plan, rendered};
pub use consent::{Filled, name_of};
pub use context::Context;
pub use deployed::{Deployed, DeployedStack, Kept};
pub use destroy::{Emptied, destroy};
pub use promise::{Surprise, holds};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::Counts as AccessCounts;
use crate::cloud::{ImportTarget, StackStatus};
use crate::document::Value;
use crate::graph::Part;
use crate::names::{AccountId, LogicalId, Region};
use crate::stacks::{Causes, Output, StackKey};

/// A plan, as it is saved and applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this format: [`file::VERSION`].
    pub format_version: u32,
    pub operation: Operation,
    /// The spec as it was read: a review of the plan has lines, flows, administrators and waivers from it. `None`: the
    /// plan is of templates.
    pub spec: Option<SpecFile>,
    /// `acme-prod`, `acme-prod-copy`: what tells the lake's stacks from others.
    pub lake: String,
    pub environment: String,
    pub account: AccountId,
    /// The lake's home region.
    pub region: Region,
    /// The base bucket of each region: templates, scripts, index, lock.
    pub base_buckets: BTreeMap<Region, String>,
    /// In an order in which they can be carried out; those that do not depend on each other may run
    /// at the same time.
    pub stacks: Vec<StackPlan>,
    /// Files that go to a base bucket first.
    pub uploads: Vec<Upload>,
    /// Grants that the change adds or takes away, for people.
    pub access: Vec<GrantChange>,
    /// The verdict on the change: how many principals and policies are broadened, narrowed, left.
    pub verdict: AccessCounts,
    /// Defaults that the lake does without.
    pub opt_outs: Vec<String>,
    /// Things that people should know of and that stop nothing.
    pub warnings: Vec<String>,
    /// Consents that the plan needs and was given.
    pub consents: Vec<Consent>,
    /// Why it cannot be applied as it is; empty: it can.
    pub refusals: Vec<Refusal>,
}

impl Plan {
    /// Whether applying it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.stacks.iter().all(|stack| stack.action == StackAction::Keep)
    }

    /// Every change with its stack.
    pub fn changes(&self) -> impl Iterator<Item = (&StackPlan, &Change)> {
        self.stacks.iter().flat_map(|stack| stack.changes.iter().map(move |change| (stack, change)))
    }

    /// Whether a resource that holds data leaves the spec and not the account: the lake goes on without
    /// what is in it. lakewright's own buckets are nobody's data.
    pub fn leaves_data(&self, change: &Change) -> bool {
        self.operation == Operation::Apply
            && change.action == Action::Retain
            && renamed::VESSELS.contains(&change.kind.as_str())
            && change.cause.path != "lake"
    }

    /// How often each action occurs.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (_, change) in self.changes() {
            let count = match change.action {
                Action::Create => &mut counts.create,
                Action::Update => &mut counts.update,
                Action::Replace => &mut counts.replace,
                Action::MayReplace => &mut counts.may_replace,
                Action::Blocked => &mut counts.blocked,
                Action::Delete => &mut counts.delete,
                Action::Retain => &mut counts.retain,
                Action::Import => &mut counts.import,
                Action::Move => &mut counts.moved,
            };
            *count += 1;
            if change.kept && change.action == Action::Replace {
                counts.replaced_kept += 1;
            }
        }
        counts
    }
}

/// The file of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecFile {
    /// As the user named it.
    pub name: String,
    pub text: String,
}

/// How many resources meet which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub may_replace: usize,
    pub blocked: usize,
    pub delete: usize,
    pub retain: usize,
    pub import: usize,
    pub moved: usize,
    /// Of those that are replaced: how many old ones stay in the account.
    pub replaced_kept: usize,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Apply,
    Destroy,
}

/// What has to happen to one stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackPlan {
    pub key: StackKey,
    pub part: Part,
    pub action: StackAction,
    /// What planning saw: apply refuses (exit 6) when it sees something else.
    pub observed: Observed,
    /// The template to send, as [`StackPlan::body`] writes it; null for a deletion and where nothing
    /// changes.
    pub template: Value,
    /// The template that is deployed; null where there is none.
    pub before: Value,
    /// Resources that exist and are taken in, before the rest: the template of that first step holds
    /// these alone.
    pub imports: Vec<ImportTarget>,
    /// For parameters of the template: the output that gives the value.
    pub parameters: BTreeMap<String, Output>,
    pub tags: BTreeMap<String, String>,
    pub capabilities: Vec<String>,
    pub execution_role: Option<String>,
    /// Whether deletion is refused by CloudFormation until it is switched off.
    pub termination_protection: bool,
    /// Stacks that come first (for a deletion: that must be gone first).
    pub depends_on: Vec<StackKey>,
    /// Every resource that changes, by logical id.
    pub changes: Vec<Change>,
    /// Resources whose text changes and whose meaning does not (a policy's actions in another order):
    /// CloudFormation may update them in place.
    pub respelled: Vec<LogicalId>,
    /// Where in the spec the statements of its policies come from; a resource that is not here comes from the path that it
    /// carries as a whole.
    pub causes: BTreeMap<LogicalId, Causes>,
}

impl StackPlan {
    /// The template as it is sent: see [`crate::stacks::Stack::body`].
    pub fn body(&self) -> String {
        crate::stacks::body(&self.template)
    }

    /// The change of a resource, if it changes.
    pub fn change(&self, id: &str) -> Option<&Change> {
        let at = self.changes.binary_search_by(|change| change.logical_id.as_str().cmp(id)).ok()?;
        Some(&self.changes[at])
    }

    /// How large the template is, as it is sent.
    pub fn template_bytes(&self) -> usize {
        crate::stacks::size(&self.template)
    }

    /// How many resources the template has.
    pub fn resources(&self) -> usize {
        self.template.get("Resources").and_then(Value::as_map).map_or(0, |map| map.len())
    }
}

/// What happens to a stack as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackAction {
    /// It is not there.
    Create,
    /// What is there never came to be (ROLLBACK_COMPLETE, REVIEW_IN_PROGRESS without resources, ...):
    /// it is deleted and made anew.
    Recreate,
    Update,
    Delete,
    /// Nothing changes.
    Keep,
}

/// What planning saw of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observed {
    /// `None`: there was none.
    pub id: Option<String>,
    pub status: Option<StackStatus>,
    /// When it was last changed, as the cloud prints it.
    pub updated: Option<String>,
    /// SHA-256 of the deployed template, hexadecimal.
    pub template_sha256: Option<String>,
}

/// What happens to a resource. The symbol is printed before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Update,
    /// CloudFormation makes the new one first, then deletes the old one.
    Replace,
    /// CloudFormation decides while it runs.
    MayReplace,
    /// CloudFormation refuses: it would have to be replaced and has a fixed name, or its service does
    /// not allow the change at all. The change's notes say which, and the ways out.
    Blocked,
    Delete,
    /// It leaves the stack and stays in the account.
    Retain,
    /// It exists and is taken in.
    Import,
    /// It stays as it is and goes to another stack.
    Move,
}

impl Action {
    /// Every action, in the order of the legend.
    pub const ALL: [Action; 9] = [
        Action::Create,
        Action::Update,
        Action::Delete,
        Action::Replace,
        Action::MayReplace,
        Action::Blocked,
        Action::Retain,
        Action::Import,
        Action::Move,
    ];

    /// The symbol in a plan.
    pub const fn symbol(self) -> &'static str {
        match self {
            Action::Create => "+",
            Action::Update => "~",
            Action::Replace => "+/-",
            Action::MayReplace => "?/+",
            Action::Blocked => "!",
            Action::Delete => "-",
            Action::Retain => "⊘",
            Action::Import => "←",
            Action::Move => "→",
        }
    }

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::MayReplace => "may_replace",
            Action::Blocked => "blocked",
            Action::Delete => "delete",
            Action::Retain => "retain",
            Action::Import => "import",
            Action::Move => "move",
        }
    }

    /// What the legend says.
    pub const fn meaning(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update in place",
            Action::Replace => "create replacement and then destroy",
            Action::MayReplace => "may be replaced",
            Action::Blocked => "blocked: CloudFormation would refuse it",
            Action::Delete => "destroy",
            Action::Retain => "leave the stack and stay",
            Action::Import => "take back what exists",
            Action::Move => "move to another stack",
        }
    }
}

/// What happens to one resource, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub logical_id: LogicalId,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// Its name in AWS, where it is known.
    pub physical_id: Option<String>,
    pub action: Action,
    /// Whether it certainly happens. `false`: it depends on a value that is known only while it runs.
    pub certain: bool,
    /// Whether the resource holds data, or what data needs to be read.
    pub data: bool,
    pub cause: Cause,
    /// Whether what leaves (the resource, or the old one of a replacement) stays in the account.
    pub kept: bool,
    /// What changes of it. Empty for `Delete` and `Retain`; for `Create` and `Import` too, since
    /// everything is in the template.
    pub properties: Vec<PropertyChange>,
    /// What else there is to say: why it is blocked, what follows.
    pub notes: Vec<String>,
}

/// Where in the spec something comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Cause {
    /// `buckets.raw.versioning`.
    pub path: String,
    /// The file, as the user named it, and the line from 1; not there for what left the spec.
    pub file: Option<String>,
    pub line: Option<u32>,
}

/// A property that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyChange {
    /// From the property down: `["VersioningConfiguration", "Status"]`; list positions are decimal,
    /// and an element of a list whose elements have names (`Sid`, `Id`, `Name`, `Key`) is called by it
    /// in brackets: `["PolicyDocument", "Statement", "[TlsOnly]", "Action"]`. Attributes beside the
    /// properties stand alone, with an `@`: `["@DeletionPolicy"]`, `["@Tags", "owner"]` for a tag of
    /// the stack that CloudFormation hands on.
    pub path: Vec<String>,
    /// `None`: it was not there.
    pub before: Option<Value>,
    /// `None`: it goes away.
    pub after: Option<Value>,
    /// Whether `after` is known only after another stack was changed.
    pub known_after_apply: bool,
    pub effect: Effect,
    pub cause: Cause,
}

/// What a change of one property does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    InPlace,
    MayReplace,
    Replace,
    /// CloudFormation fails on it.
    Fails,
}

/// A file that is uploaded under the hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub region: Region,
    pub key: String,
    /// Hexadecimal.
    pub sha256: String,
    /// The file, relative to the spec.
    pub path: String,
    pub bytes: u64,
}

/// Access that a change gives or takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantChange {
    pub added: bool,
    /// "account 333333333333".
    pub who: String,
    /// "read".
    pub verb: String,
    /// "raw/ledger/".
    pub place: String,
    /// Under which conditions it holds: "from VPC endpoint vpce-0a only"; `None`: whenever it is asked.
    pub when: Option<String>,
    pub cause: Cause,
}

/// That somebody agreed to a loss.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// `--allow-destroy NAME`: the thing of this spec path may be deleted or replaced.
    Destroy(String),
    /// `--empty NAME`: the objects of this bucket may be deleted.
    Empty(String),
}

/// Why a plan cannot be applied as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// `LW06..`.
    pub code: String,
    pub summary: String,
    /// What to type or to write instead.
    pub help: Vec<String>,
    pub cause: Option<Cause>,
}
