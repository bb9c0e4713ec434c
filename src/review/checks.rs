//! The checks beside the verdict, in words: who keeps the policies in hand, whether services get through, who can do
//! what where, what the rules find and what waivers silence.
//!
//! In: both sides, and who is asked about. Out: [`Checks`]. The answers are those of `lockout`, `services`, `matrix` and
//! `rules`; here they get names and lines, and what was so before the change is told from what is new.

use std::collections::{BTreeMap, BTreeSet};

use super::guards::{Weaker, weaker};
use super::lockout::{self, Duty, Keeper, Outcome};
use super::matrix::{How, matrix};
use super::places::Column;
use super::services::{self, Passage, Path};
use super::words::Words;
use super::{Line, Side};
use crate::access::reach::Subject;
use crate::access::{Cause, Origin, in_request};
use crate::rules::{self, Around, Finding, Judged, Waiver};

/// What is asked beside the verdict.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Who has to be able to take the change back.
    pub keepers: Vec<Keeper>,
    pub around: Around,
    pub old_waivers: Vec<Waiver>,
    pub new_waivers: Vec<Waiver>,
    /// Today; the clock is the caller's.
    pub today: jiff::civil::Date,
    /// Whether the matrix is to hold what does not change too.
    pub all: bool,
}

/// Who keeps how many of which policies in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeps {
    pub who: String,
    /// Whether it applies the change, or is declared an administrator.
    pub applies: bool,
    /// `bucket policy`, how many of it are kept, of how many.
    pub policies: Vec<(String, usize, usize)>,
}

/// A policy that somebody could not change again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedOut {
    pub who: String,
    pub thing: String,
    /// The ARN of the thing.
    pub subject: String,
    pub policy: String,
    pub because: String,
    /// What is left to do; empty where it is only not known.
    pub way_out: String,
    pub is_known: bool,
    /// Whether the change brings it.
    pub is_new: bool,
    pub place: Line,
}

/// A way of a service through all layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// `access logs`, `replication`, `job`.
    pub carries: String,
    pub who: String,
    pub from: String,
    pub to: String,
    /// `None`: it passes.
    pub stopped: Option<String>,
    pub is_known: bool,
    pub passed_before: bool,
    pub place: Line,
}

impl Carried {
    /// Whether the change stops it.
    pub fn is_newly_stopped(&self) -> bool {
        self.stopped.is_some() && self.is_known && self.passed_before
    }
}

/// A Deny that stops nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    pub thing: String,
    pub statement: String,
    pub place: Line,
}

/// Who can do what where: cells as `R`, `RW~`, before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
    /// Principals for whom nothing changes.
    pub unchanged: usize,
    /// The marks that occur, for the legend.
    pub marks: BTreeSet<How>,
}

/// A principal in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub is_new: bool,
    pub is_gone: bool,
    pub cells: Vec<(String, String)>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub finding: Finding,
    pub who: String,
    /// Whether it was not there before.
    pub is_new: bool,
    pub place: Line,
}

/// All checks.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    pub keeps: Vec<Keeps>,
    pub locked_out: Vec<LockedOut>,
    /// What guards data beside access, and guards less than before.
    pub guards: Vec<Weaker>,
    pub services: Vec<Carried>,
    /// Denies that stop nobody and that the change brings.
    pub idle: Vec<Idle>,
    pub table: Table,
    pub findings: Vec<Found>,
    pub judged: Judged,
}

fn at(side: &Side<'_>, origin: &Origin) -> Line {
    (side.place)(&Cause { origin: origin.clone(), ..Cause::default() })
}

/// Runs all checks.
pub fn checks(old: &Side<'_>, new: &Side<'_>, words: &Words, asked: &Asked) -> Checks {
    let (keeps, locked_out) = kept(old, new, words, &asked.keepers);
    let (services, idle) = carried(old, new, words);
    let before = rules::run(old.index, &asked.around);
    let found = rules::run(new.index, &asked.around);
    let come = rules::new_among(&before, &found);
    let judged = rules::judge(&asked.old_waivers, &asked.new_waivers, found.clone(), asked.today);
    // what no waiver silences is a part of all, in the same order
    let mut all = found.iter().zip(come);
    let is_new = |one: &Finding| all.find(|(other, _)| *other == one).is_some_and(|(_, new)| new);
    let is_new: Vec<bool> = judged.open.iter().map(is_new).collect();
    let findings = judged.open.iter().zip(is_new).map(|(one, is_new)| Found {
        who: named(words, &one.subject),
        is_new,
        place: at(new, &one.origin),
        finding: one.clone(),
    });
    let findings = findings.collect();
    let table = table(old, new, words, asked.all);
    Checks {
        keeps,
        locked_out,
        guards: weaker(old, new, words),
        services,
        idle,
        table,
        findings,
        judged,
    }
}

fn named(words: &Words, subject: &str) -> String {
    match subject.contains(":iam:") {
        true => words.principal(subject),
        false => words.place(&in_request(subject)),
    }
}

fn kept(
    old: &Side<'_>,
    new: &Side<'_>,
    words: &Words,
    keepers: &[Keeper],
) -> (Vec<Keeps>, Vec<LockedOut>) {
    let lockout = lockout::check(old.state(), new.state(), keepers);
    let mut by: BTreeMap<(Duty, String), BTreeMap<String, (usize, usize)>> = BTreeMap::new();
    let mut locked_out = Vec::new();
    for check in &lockout.checks {
        let who = words.principal(&check.keeper.who);
        let policy = check.undoing().policy.clone();
        let policies = by.entry((check.keeper.duty, who.clone())).or_default();
        let count = policies.entry(policy.clone()).or_default();
        count.1 += 1;
        let (because, is_known) = match &check.outcome {
            Outcome::Kept { .. } => {
                count.0 += 1;
                continue;
            }
            Outcome::Lost { because, .. } => (because.clone(), true),
            Outcome::Unknown { because } => (because.clone(), false),
        };
        locked_out.push(LockedOut {
            who,
            thing: named(words, &check.subject),
            subject: check.subject.clone(),
            policy,
            because: words.said(&because),
            way_out: if is_known { check.way_out() } else { String::new() },
            is_known,
            is_new: check.is_new_loss(),
            place: at(new, &check.origin),
        });
    }
    let keeps = by.into_iter().map(|((duty, who), policies)| Keeps {
        who,
        applies: duty == Duty::Applies,
        policies: policies.into_iter().map(|(policy, (kept, of))| (policy, kept, of)).collect(),
    });
    (keeps.collect(), locked_out)
}

fn carried(old: &Side<'_>, new: &Side<'_>, words: &Words) -> (Vec<Carried>, Vec<Idle>) {
    let (before, after) = (services::check(old.index), services::check(new.index));
    let key = |path: &Path| {
        (path.carries.clone(), path.actor.clone(), path.from.clone(), path.to.clone())
    };
    let passed: BTreeSet<_> =
        before.paths.iter().filter(|path| path.passage == Passage::Passes).map(key).collect();
    let name = |text: &str| match text {
        "" => String::new(),
        text => named(words, text),
    };
    let all = after.paths.iter().map(|path| {
        let (stopped, is_known) = match &path.passage {
            Passage::Passes => (None, true),
            Passage::Stopped { because, by, .. } => {
                let by = by.as_ref().map(|by| by.statement.as_str()).filter(|by| !by.is_empty());
                let by = by.map_or(String::new(), |by| format!("{by}: "));
                (Some(format!("{by}{}", words.said(because))), true)
            }
            Passage::Unknown { because } => (Some(words.said(because)), false),
        };
        Carried {
            carries: path.carries.clone(),
            who: match path.actor.starts_with("arn:") {
                true => words.principal(&path.actor),
                false => path.actor.clone(),
            },
            from: name(&path.from),
            to: name(&path.to),
            passed_before: passed.contains(&key(path)),
            stopped,
            is_known,
            place: at(new, &path.origin),
        }
    });
    let was: BTreeSet<(&String, &String)> =
        before.idle().map(|one| (&one.subject, &one.cause.statement)).collect();
    let idle = after.idle().filter(|one| !was.contains(&(&one.subject, &one.cause.statement)));
    let idle = idle.map(|one| Idle {
        thing: named(words, &one.subject),
        statement: one.cause.statement.clone(),
        place: (new.place)(&one.cause),
    });
    (all.collect(), idle.collect())
}

fn table(old: &Side<'_>, new: &Side<'_>, words: &Words, all: bool) -> Table {
    let found = matrix(old.index, new.index, all);
    let column = |one: &Column| match &one.table {
        Some((database, table)) => words.table(database, table),
        None if one.kind == "settings" => "Lake Formation".to_owned(),
        None if one.kind == "bucket" => {
            let word = words.place(&in_request(&one.name));
            format!("{}/", word.strip_prefix("bucket ").unwrap_or(&word))
        }
        None => words.place(&in_request(&one.name)),
    };
    let marks = found
        .rows
        .iter()
        .flat_map(|row| &row.cells)
        .flat_map(|cell| cell.before.0.iter().chain(&cell.after.0))
        .map(|(how, _)| *how)
        .collect();
    let row = |row: &super::matrix::Row| Row {
        name: match &row.who {
            Subject::Named(arn) => words.principal(arn),
            Subject::Account(account) => format!("account {account}"),
            Subject::Service(service) => format!("service {service}"),
            Subject::Anonymous => "anybody".to_owned(),
            Subject::Anybody => row.name.clone(),
        },
        is_new: !row.before,
        is_gone: !row.after,
        cells: row.cells.iter().map(super::matrix::Cell::shown).collect(),
    };
    Table {
        columns: found.columns.iter().map(column).collect(),
        rows: found.rows.iter().map(row).collect(),
        unchanged: found.unchanged,
        marks,
    }
}
