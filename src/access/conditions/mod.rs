//! Parameters and conditions: what a template leaves open, and the comparison over everything that it may become.
//!
//! In: the templates before and after. Out: [`Compared`], as [`compare`](super::compare()) gives it, over every case
//! of the open questions: which of the texts that the conditions ask for each parameter is, and whether a comparison
//! of anything else holds. A parameter is the same before and after. INVARIANT: what is newly allowed in one case is
//! gained; the same in all cases is said without a case. Pure.
//! Sources: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>.
//! Read next: [`questions`] for what is open, [`settle`] for a template in one case, [`together`] for the answers as
//! one, and `docs/access-model.md`, "Parameters and conditions".

mod parts;
mod questions;
mod settle;
mod together;

use std::collections::BTreeMap;

use super::compare::{Compared, Row, compare};
use super::source::Source;
use super::state::State;
use crate::document::{Map, Value};
use crate::verdict::{Comparison, Options, Reason, ReasonKind, Verdict};
use parts::{Part, parts, rank, shared};
use questions::{Open, Taken, parameter, plain};
use settle::state;
use together::together;

/// Cases that are looked into. More, and what was not found to be broadened is undecided.
const MOST_CASES: usize = 128;
/// Resources that are read over all cases together, for an answer within two seconds.
const MOST_RESOURCES: usize = 60_000;

/// Templates with the parameters that somebody gave.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Parameter to value, in whichever stack has a parameter of this name.
    pub parameters: BTreeMap<String, String>,
    /// Documents of policies that the templates name and do not hold, by ARN.
    pub documents: Vec<(String, Value)>,
}

/// What a change from the `old` templates to the `new` ones does, over all cases of what they leave open.
pub fn compare_open(
    old: &[Source<'_>],
    new: &[Source<'_>],
    given: &Given,
    options: &Options,
) -> Compared {
    if old == new {
        return compare(&read_given(old, given), &read_given(new, given), options);
    }
    let all = Pair { old, new, given, options, part: None };
    let (compared, is_complete) = all.compare();
    if is_complete {
        return compared;
    }
    // too many cases together: what has no resource in common is looked into apart
    let mut parts = parts(old, new);
    loop {
        let answers: Vec<Compared> =
            parts.iter().map(|part| Pair { part: Some(part), ..all }.compare().0).collect();
        match shared(&answers) {
            None => {
                let mut rows: Vec<Row> = answers.into_iter().flat_map(|one| one.rows).collect();
                rows.sort_by_cached_key(|row| (rank(row.layer), row.subject.clone(), row.layer));
                return Compared { rows };
            }
            Some((one, other)) => {
                let both = parts.remove(other);
                parts[one].extend(both);
            }
        }
    }
}

/// Two lists of templates, or the part of them that some resources are.
#[derive(Clone, Copy)]
struct Pair<'s> {
    old: &'s [Source<'s>],
    new: &'s [Source<'s>],
    given: &'s Given,
    options: &'s Options,
    part: Option<&'s Part>,
}

impl Pair<'_> {
    /// The verdicts, and whether every case was looked into.
    fn compare(&self) -> (Compared, bool) {
        let open = Open::of(self);
        let size = 1 + resources(self.old) + resources(self.new);
        let (cases, is_complete) = open.cases((MOST_RESOURCES / size).clamp(1, MOST_CASES));
        let answers = cases.iter().map(|case| {
            let state = |sources| state(sources, case, self.given, self.part);
            compare(&state(self.old), &state(self.new), self.options)
        });
        let mut compared = together(&open, &cases, answers.collect());
        if !is_complete {
            let names = open.questions.keys().map(|(_, name)| format!("`{name}`"));
            let text = format!(
                "too large: the conditions leave {} open, and {} cases were looked into: give some with --parameter NAME=VALUE",
                names.collect::<Vec<_>>().join(", "),
                cases.len()
            );
            for row in &mut compared.rows {
                if matches!(row.verdict(), Verdict::Equivalent | Verdict::Narrowed) {
                    let reason = Reason { kind: ReasonKind::TooLarge, text: text.clone() };
                    row.comparison = Comparison::unknown(reason);
                    row.lost_by = None;
                }
            }
        }
        (compared, is_complete)
    }
}

/// The state of templates as they are with what was given; a parameter that nobody gave has its default. What stays open
/// then is taken to hold.
pub fn read_given(sources: &[Source<'_>], given: &Given) -> State {
    let options = Options::default();
    let pair = Pair { old: sources, new: &[], given, options: &options, part: None };
    let open = Open::of(&pair);
    let case = open.questions.into_iter().map(|(name, choices)| {
        let default = parameter(sources, &name).and_then(|one| one.get("Default")).map(plain);
        let holds = choices.contains(&Taken::Holds(true));
        let taken = match default {
            Some(text) => Taken::Text(text),
            None if holds => Taken::Holds(true),
            None => choices.into_iter().next().unwrap_or(Taken::Other),
        };
        (name, taken)
    });
    state(sources, &case.collect(), given, None)
}

fn resources(sources: &[Source<'_>]) -> usize {
    let count =
        |source: &Source| source.body.get("Resources").and_then(Value::as_map).map(Map::len);
    sources.iter().filter_map(count).sum()
}
