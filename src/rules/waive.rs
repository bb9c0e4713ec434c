//! Waivers: findings that somebody answers for, until a day.
//!
//! In: the waivers of the state before and of the one after, findings, and today. Out: [`Judged`]. INVARIANT: a waiver
//! silences only what it covered before the change already, so that nobody waives what they add in the same change; one
//! that has expired silences nothing. The clock is the caller's.

use jiff::Span;
use jiff::civil::Date;

use super::{Finding, Rule, rule};

/// A waiver of a spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiver {
    /// `LW0472`.
    pub rule: String,
    /// A path of the spec (`buckets.raw`), a principal (`role/Analyst`), or an ARN.
    pub on: String,
    pub reason: String,
    /// The last day on which it counts.
    pub until: Date,
    /// Its own path: `waivers[0]`.
    pub path: String,
}

/// A finding and the waiver that silences it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    pub finding: Finding,
    pub waiver: Waiver,
}

/// A waiver that the change adds or makes wider or longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    pub waiver: Waiver,
    /// What it was, if it was there: another day, a narrower place.
    pub before: Option<Waiver>,
    /// How many findings it would silence from the next change on.
    pub covers: usize,
}

/// A waiver that soon counts no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    pub waiver: Waiver,
    /// From today.
    pub days: i32,
}

/// What is left of findings once waivers are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Findings that nobody answers for, in their order.
    pub open: Vec<Finding>,
    pub waived: Vec<Waived>,
    pub new_waivers: Vec<New>,
    /// Those that silence something and expire within [`SOON`] days, the first first.
    pub expiring: Vec<Expiring>,
    /// Waivers whose day has passed.
    pub expired: Vec<Waiver>,
    /// Waivers of the new state that are still to count and cover nothing.
    pub unused: Vec<Waiver>,
}

/// How many days before the last one a waiver is said to expire.
pub const SOON: i32 = 30;

impl Waiver {
    /// Whether it is about a finding.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.rule == finding.rule.code.as_str() && finding.is_on(&self.on)
    }

    /// Whether it counts on a day.
    pub fn counts(&self, today: Date) -> bool {
        today <= self.until
    }

    /// Its rule, if there is one of that code.
    pub fn of(&self) -> Option<&'static Rule> {
        rule(&self.rule)
    }

    /// Whether it says at most what another said: the same rule, no longer, no wider.
    fn is_within(&self, other: &Waiver) -> bool {
        self.rule == other.rule && self.until <= other.until && is_below(&self.on, &other.on)
    }
}

/// Whether a path is another, or a part of it.
fn is_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '/']))
}

impl Finding {
    /// Whether it is about what a waiver names: a path of the spec or a part of it (where it comes from, or what is
    /// reached), a principal as specs write it, the ARN of the subject.
    pub fn is_on(&self, on: &str) -> bool {
        if on.is_empty() {
            return false;
        }
        let paths = [&self.origin.path, &self.place_path];
        let by_path = paths.iter().any(|path| !path.is_empty() && is_below(path, on));
        let rest = self.subject.splitn(6, ':').nth(5).filter(|_| self.subject.starts_with("arn:"));
        let account = self.subject.split(':').nth(4).unwrap_or_default();
        // `role/Analyst`, `222222222222:role/Analyst`
        let named = |rest: &str| {
            rest == on || on.strip_prefix(account).and_then(|on| on.strip_prefix(':')) == Some(rest)
        };
        by_path || self.subject == on || rest.is_some_and(named)
    }
}

/// What is open, and which waivers count for what. `old` are the waivers of the state before the change: those that are
/// not in it, or reach further than there, silence nothing yet. Without a change, hand in the same twice.
pub fn judge(old: &[Waiver], new: &[Waiver], findings: Vec<Finding>, today: Date) -> Judged {
    let mut judged = Judged::default();
    let is_old = |waiver: &Waiver| old.iter().any(|before| waiver.is_within(before));
    for finding in &findings {
        let fits = |waiver: &&Waiver| {
            waiver.covers(finding)
                && waiver.counts(today)
                && finding.rule.waivable
                && is_old(waiver)
        };
        match new.iter().filter(fits).max_by_key(|waiver| waiver.until) {
            Some(waiver) => {
                judged.waived.push(Waived { finding: finding.clone(), waiver: waiver.clone() });
            }
            None => judged.open.push(finding.clone()),
        }
    }
    for waiver in new {
        let covers = findings.iter().filter(|finding| waiver.covers(finding)).count();
        if !is_old(waiver) {
            let same = |before: &&Waiver| {
                before.rule == waiver.rule
                    && (is_below(&before.on, &waiver.on) || is_below(&waiver.on, &before.on))
            };
            let before = old.iter().find(same).cloned();
            judged.new_waivers.push(New { waiver: waiver.clone(), before, covers });
        }
        if !waiver.counts(today) {
            judged.expired.push(waiver.clone());
            continue;
        }
        if covers == 0 {
            judged.unused.push(waiver.clone());
        } else if let Ok(last) = today.checked_add(Span::new().days(SOON))
            && waiver.until <= last
        {
            let days = today.until(waiver.until).map_or(0, |span| span.get_days());
            judged.expiring.push(Expiring { waiver: waiver.clone(), days });
        }
    }
    judged.expiring.sort_by_key(|one| one.days);
    judged
}
