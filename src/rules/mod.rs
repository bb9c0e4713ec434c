//! Rules over a state of access: what nobody should find in it without somebody having said why.
//!
//! In: the [`Index`] of a state (any templates, not only ours), and what is known of the accounts around it ([`Around`]). Out:
//! [`Finding`]s, the gravest first, each of a [`Rule`] with its code, page, severity and the controls of AWS that it
//! answers; [`judge`] then says which of them waivers silence. Statements are read as they stand; where something else
//! may take away what one gives (a boundary, a Deny) the search is asked, and what it cannot decide stays a finding.
//! INVARIANT: pure, without a clock: today is handed in. A finding is about one subject, so that a waiver can name it.
//! Read next: [`table`] for the rules, [`ground`] for how a state is looked at, [`waive`] for waivers.

mod buckets;
mod formation;
mod ground;
mod identity;
mod keys;
mod outside;
mod table;
mod trust;
mod waive;

use std::collections::BTreeSet;
use std::fmt;

pub use table::{RULES, rule};
pub use waive::{Expiring, Judged, New, Waived, Waiver, judge};

use crate::access::{Index, Origin};
use crate::catalogue::watched;
use crate::diagnostic::Code;
use ground::Ground;

/// How grave a finding is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Data or the account is open.
    Critical,
    /// One step away from that.
    High,
    /// A line of defence is missing.
    Medium,
    /// Worth knowing.
    Low,
}

impl Severity {
    pub const ALL: [Severity; 4] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

    /// The word in JSON and in `--fail-on`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A control of AWS Security Hub or AWS Control Tower that a rule answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// `S3.5`, `CT.S3.PR.8`.
    pub id: &'static str,
    /// AWS's page.
    pub source: &'static str,
}

/// A rule.
pub struct Rule {
    /// Its page says what it means and shows what breaks it.
    pub code: Code,
    pub severity: Severity,
    /// What it is about, as a clause: "data is open to everybody".
    pub title: &'static str,
    /// Why it matters, a sentence or two.
    pub why: &'static str,
    pub controls: &'static [Control],
    /// Whether a waiver can silence it.
    pub waivable: bool,
    find: fn(&Ground<'_>, &mut Vec<Finding>),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.title)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Rule {}

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static Rule,
    /// Whom or what it is about, as the state names it: an ARN, or a reference.
    pub subject: String,
    /// `role`, `user`, `group`, or the CloudFormation type of a resource.
    pub kind: String,
    /// What is reached, where that is something else than the subject: an ARN or a pattern of one.
    pub place: String,
    /// The path in the spec of what is reached, where the state knows it: `buckets.raw`.
    pub place_path: String,
    pub origin: Origin,
    /// The property and statement: `PolicyDocument / S3Read`.
    pub property: String,
    /// What is the case, a clause in lower case without a full stop.
    pub message: String,
    /// What to do, the same.
    pub help: String,
}

/// What a state does not say of the world around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// Accounts that belong to the lake, or that its spec trusts by name.
    pub family: BTreeSet<String>,
}

/// Everything that the rules find in a state: by severity, code, subject and place.
pub fn run(index: &Index<'_>, around: &Around) -> Vec<Finding> {
    let ground = Ground::new(index, around);
    let mut found = Vec::new();
    for rule in RULES {
        (rule.find)(&ground, &mut found);
    }
    name_places(index, &mut found);
    let key = |one: &Finding| {
        let rest = (one.subject.clone(), one.place.clone(), one.origin.clone());
        (one.rule.severity, one.rule.code, rest, one.property.clone(), one.message.clone())
    };
    found.sort_by_cached_key(key);
    found.dedup();
    found
}

/// Fills in where in the spec the place of each finding is.
fn name_places(index: &Index<'_>, found: &mut [Finding]) {
    for one in found.iter_mut().filter(|one| !one.place.is_empty()) {
        let guard = index.guarded(one.place.trim_end_matches('*'));
        let guard = guard.or_else(|| index.guarded(&one.place));
        let origin = guard.and_then(|guard| guard.guarded.origin.as_ref());
        if let Some(origin) = origin {
            one.place_path.clone_from(&origin.path);
        }
    }
}

impl Rule {
    /// What this rule alone finds in a state.
    pub fn find(&self, index: &Index<'_>, around: &Around) -> Vec<Finding> {
        let mut found = Vec::new();
        (self.find)(&Ground::new(index, around), &mut found);
        name_places(index, &mut found);
        found
    }
}

/// What an action that says little by its name gives, in people's words; `None` for the others.
pub fn in_words(action: &str) -> Option<&'static str> {
    let of =
        |set: &str| watched::set(set).actions.iter().any(|one| one.eq_ignore_ascii_case(action));
    match () {
        () if of("data_access") => {
            Some("unlocks every grant of Lake Formation that this principal has or will get")
        }
        () if of("make_grant") => Some("gives the use of the key on, outside of every policy"),
        () if of("undo_lock") => Some(watched::set("undo_lock").about.as_str()),
        () if of("edit_policies") => Some(watched::set("edit_policies").about.as_str()),
        () if of("session") => Some(watched::set("session").about.as_str()),
        () => None,
    }
}
