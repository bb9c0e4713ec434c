//! A review for the terminal, for a comment on a pull request, for programs, for code scanning.
//!
//! In: a [`View`]. Out: text, Markdown, JSON by a published schema, SARIF. Here stand the sentences that they share.
//! INVARIANT: text of a spec or template is made safe by each form for its reader: control and direction characters in
//! text, Markdown's signs too in Markdown. Read next: `text`, the form that the others shorten.

mod checks;
mod json;
mod markdown;
mod sarif;
mod text;

pub use json::json;
pub use markdown::markdown;
pub use sarif::sarif;
pub use text::text;

use crate::review::{Does, Escalation, Failing, Gate, Item, Kind, Line, Review};
use crate::verdict::Verdict;

/// What is shown, and how.
pub struct View<'v> {
    pub review: &'v Review,
    /// The gates that were asked for, each with why it trips, if it does.
    pub gates: &'v [(Gate, Option<String>)],
    /// Why somebody lets pass what is not decided.
    pub allow_undecided: Option<&'v str>,
    /// Nothing is shortened.
    pub all: bool,
    /// With the statements that differ.
    pub statements: bool,
    /// The command that shows it again.
    pub command: &'v str,
    /// lakewright's.
    pub version: &'v str,
}

impl View<'_> {
    fn tripped(&self) -> Vec<&'static str> {
        let own = self.gates.iter().filter(|(_, why)| why.is_some());
        own.map(|(gate, _)| gate.as_str()).collect()
    }
}

/// The verdict in words: without a colour or sign, so that it can stand in capitals.
const fn headline(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Equivalent => "Access is the same",
        Verdict::Narrowed => "Access narrowed",
        Verdict::Broadened => "Access broadened",
        Verdict::Incomparable => "Access broadened, and narrowed elsewhere",
        Verdict::Undecided => "Undecided: treat it as broadened",
    }
}

/// The label of an item: the gravest of the kinds of a gain, or that all of it is new or gone.
fn label(item: &Item, gains: bool) -> &'static str {
    match (item.kinds.first().filter(|_| gains), item.is_whole, gains) {
        (Some(Kind::Public), ..) => "PUBLIC",
        (Some(Kind::CrossAccount), ..) => "CROSS-ACCOUNT",
        (Some(Kind::Exposure), ..) => "EXPOSURE",
        (Some(Kind::Admin), ..) => "ADMIN",
        (None, true, true) => "NEW",
        (None, true, false) => "GONE",
        (None, false, _) => "",
    }
}

/// How many things of a list are shown before the rest is counted.
const MOST: usize = 4;

fn listed(names: &[String], all: bool) -> String {
    match names.len() > MOST && !all {
        true => format!("{} +{} more", names[..MOST].join(", "), names.len() - MOST),
        false => names.join(", "),
    }
}

/// `READ, WRITE on raw/ledger/`, `glue:GetTable on sales.orders`.
fn does(one: &Does, all: bool) -> String {
    let what = match one.verbs.is_empty() {
        true if one.actions.len() > 3 && !all => {
            format!("{} +{} more", one.actions[..2].join(", "), one.actions.len() - 2)
        }
        true => one.actions.join(", "),
        false => one.verbs.iter().map(|verb| verb.to_uppercase()).collect::<Vec<_>>().join(", "),
    };
    format!("{what} on {}", listed(&one.places, all))
}

/// What an item is about, and what else there is: `READ on raw/; WRITE on curated/`. Data stands first, keys and what no
/// verb stands for are the rest where there is data.
fn said(item: &Item, all: bool) -> (String, Option<String>) {
    if item.does.is_empty() {
        return ("nothing".to_owned(), None);
    }
    let is_data = |one: &&Does| !one.verbs.is_empty() && !one.is_of_keys();
    let (mut main, mut rest): (Vec<&Does>, Vec<&Does>) = item.does.iter().partition(is_data);
    if main.is_empty() {
        (main, rest) = item.does.iter().partition(|one| !one.verbs.is_empty());
    }
    if main.is_empty() {
        (main, rest) = (rest, main);
    }
    let join = |list: &[&Does]| {
        let each: Vec<String> = list.iter().map(|one| does(one, all)).collect();
        match each.len() > MOST && !all {
            true => format!("{}; +{} more", each[..MOST].join("; "), each.len() - MOST),
            false => each.join("; "),
        }
    };
    (join(&main), (!rest.is_empty()).then(|| join(&rest)))
}

/// `can act as pipeline clean-orders`.
fn acts(one: &Escalation) -> String {
    match one.subject == one.arn {
        true => "can write its own policies: it can do anything".to_owned(),
        false if one.is_unbounded => {
            format!("can act as {}, which can write its own policies", one.to)
        }
        false => format!("can act as {}", one.to),
    }
}

/// `lake.yaml:117`, `lake.yaml:40 (before)`.
fn line(place: &Line) -> Option<String> {
    Some(format!("{}:{}{}", place.file.as_ref()?, place.line?, before(place)))
}

/// What follows a place that is in the spec as it was.
fn before(place: &Line) -> &'static str {
    if place.is_before { " (before)" } else { "" }
}

/// What a side is called: `git:main 4f1c9e2`.
fn side(label: &crate::review::Label) -> String {
    match &label.commit {
        Some(commit) => format!("{} {commit}", label.name),
        None => label.name.clone(),
    }
}

/// What becomes of a flow.
fn fails(one: &Failing) -> String {
    let will = if one.is_unknown { "it may fail" } else { "it WILL FAIL" };
    format!("flow {}: {} {}s {}: {will}", one.path, one.who, one.verb, one.place)
}
