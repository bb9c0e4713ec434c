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
mod keeping;
mod keys;
mod outside;
mod table;
mod trust;
mod waive;

use std::collections::{BTreeMap, BTreeSet};
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
    /// What is reached, where that is something else than the subject: an ARN or a pattern of one. The first of several.
    pub place: String,
    /// Everything that is reached; empty where that is everything but a list.
    pub places: Vec<String>,
    /// The path in the spec of what is reached, `buckets.raw`: only where *all* of it lies there.
    pub place_path: String,
    pub origin: Origin,
    /// The property and statement: `PolicyDocument / S3Read`.
    pub property: String,
    /// What is the case, a clause in lower case without a full stop.
    pub message: String,
    /// What the message lists, where it may have no room for all of it: actions.
    pub listed: Vec<String>,
    /// What to do, the same as the message in form.
    pub help: String,
    /// The statement in one spelling, without its name; empty where no statement says it.
    pub content: String,
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

/// Fills in where in the spec everything is that a finding is about, if it is all in one place there. A pattern is in a
/// place only if nothing that it takes lies outside: `raw*` is not in `raw`.
fn name_places(index: &Index<'_>, found: &mut [Finding]) {
    let path = |place: &String| {
        let guard = index.guarded(place)?;
        guard.guarded.origin.as_ref().map(|origin| origin.path.clone())
    };
    for one in found {
        let mut paths = one.places.iter().map(path);
        if let Some(Some(first)) = paths.next()
            && paths.all(|other| other.as_ref() == Some(&first))
        {
            one.place_path = first;
        }
    }
}

/// Of each finding after a change whether it is new. A finding is the one that was there before if it says no more:
/// the same of the same statement wherever that stands now, else the same rule of the same subject with the same
/// message (or of what the message lists a part) and no further places. Each of before stands for one of after.
pub fn new_among(before: &[Finding], after: &[Finding]) -> Vec<bool> {
    let key = |one: &Finding| (one.rule.code, one.subject.clone(), one.kind.clone());
    let mut left: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    before.iter().for_each(|one| left.entry(key(one)).or_default().push(one));
    let mut is_new = vec![true; after.len()];
    let says: [fn(&Finding, &Finding) -> bool; 3] = [
        |old, new| old.content == new.content && old.says(new) && old.places == new.places,
        |old, new| old.content == new.content && old.says_at_least(new),
        Finding::says_at_least,
    ];
    for fits in says {
        for (one, is_new) in after.iter().zip(&mut is_new).filter(|(_, is_new)| **is_new) {
            let Some(left) = left.get_mut(&key(one)) else { continue };
            if let Some(at) = left.iter().position(|old| fits(old, one)) {
                left.remove(at);
                *is_new = false;
            }
        }
    }
    is_new
}

impl Finding {
    /// Whether another one says the very same.
    fn says(&self, other: &Finding) -> bool {
        self.message == other.message && self.listed == other.listed
    }

    /// Whether another one says nothing beyond this one.
    fn says_at_least(&self, other: &Finding) -> bool {
        let all = |list: &[String], of: &[String]| list.iter().all(|one| of.contains(one));
        let places = match (self.places.is_empty(), other.places.is_empty()) {
            (false, false) => all(&other.places, &self.places),
            (none, also) => none == also,
        };
        places && all(&other.listed, &self.listed) && self.shape() == other.shape()
    }

    /// The message without its place and without what it lists.
    fn shape(&self) -> String {
        let listed: Vec<&str> = self.listed.iter().map(String::as_str).collect();
        let mut shape = self.message.clone();
        for part in [ground::some_of(&listed), self.place.clone()] {
            if !part.is_empty() {
                shape = shape.replace(&part, "\u{0}");
            }
        }
        shape
    }

    /// With the place that it is about.
    fn on(mut self, place: impl Into<String>) -> Finding {
        self.place = place.into();
        self.places = vec![self.place.clone()];
        self
    }

    /// With all of what its message lists.
    fn listing(mut self, all: &[&str]) -> Finding {
        self.listed = all.iter().map(|one| (*one).to_owned()).collect();
        self
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
