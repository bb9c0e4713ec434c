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

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::compare::{Compared, Layer, Presence, Row, compare_settled};
use super::source::Source;
use super::state::State;
use super::template;
use crate::document::{Map, Value};
use crate::verdict::{Comparison, Options, Reason, ReasonKind, Verdict};
use parts::{Part, parts, rank, shared};
use questions::{Case, Open, Taken, parameter, plain};
use together::together;

/// Cases that are looked into. More, and what was not found to be broadened is undecided.
const MOST_CASES: usize = 128;
/// Resources that are read over all cases together, for an answer within two seconds: a thousand roles that all differ
/// take 0.6 s (`cargo bench --bench verdict`).
const MOST_RESOURCES: usize = 6_000;

/// What a change from `old` to `new` does, over all cases of what their templates leave open.
pub(super) fn compare_open(old: &State, new: &State, options: &Options) -> Compared {
    if old.open == new.open {
        return compare_settled(old, new, options);
    }
    let whole = Pair { old, new, options };
    let mut left = MOST_RESOURCES;
    let (Some(before), Some(after)) = (&old.open, &new.open) else {
        return whole.compare(&mut left);
    };
    let is_made_elsewhere =
        [before, after].iter().any(|open| open.sources.iter().any(template::is_made_elsewhere));
    if is_made_elsewhere || whole.is_small(left) {
        return whole.compare(&mut left);
    }
    // too many cases together: what has no resource in common is looked into apart
    let mut compare_part = |part: &Part| {
        let [old, new] = [before, after].map(|open| State {
            open: Some(OpenTemplates {
                sources: part.of(&open.sources),
                documents: open.documents.clone(),
            }),
            ..State::default()
        });
        Pair { old: &old, new: &new, options }.compare(&mut left)
    };
    let mut parts = parts(&before.sources, &after.sources);
    let mut answers: Vec<Compared> = parts.iter().map(&mut compare_part).collect();
    loop {
        let groups = shared(&answers);
        if groups.is_empty() {
            let mut rows: Vec<Row> = answers.into_iter().flat_map(|one| one.rows).collect();
            rows.sort_by_cached_key(|row| (rank(row.layer), row.subject.clone(), row.layer));
            return Compared { rows };
        }
        for group in groups.iter().rev() {
            let (first, others) = (group[0], &group[1..]);
            for at in others.iter().rev() {
                let other = std::mem::take(&mut parts[*at]);
                parts[first].extend(other);
                answers[*at].rows.clear();
            }
            answers[first] = compare_part(&parts[first]);
        }
    }
}

/// The state of templates. A parameter that nobody gave has its default, what stays open then is taken to hold; where
/// anything is open, the state keeps the templates, for [`compare_open`].
pub(super) fn read(sources: &[Source<'_>]) -> State {
    let open = Open::of(sources, &[]);
    let is_open = |source: &Source<'_>| {
        let functions = ["Conditions", "Mappings"].iter().any(|one| source.body.get(one).is_some());
        functions || source.defaults().next().is_some()
    };
    if open.questions.is_empty() && !sources.iter().any(is_open) {
        return template::read(sources);
    }
    let case = open.questions.into_iter().map(|(name, choices)| {
        let default = parameter(sources, &name).and_then(|one| one.get("Default")).map(plain);
        let taken = match default {
            Some(text) => Taken::Text(text),
            None => choices.into_iter().next().unwrap_or(Taken::Other),
        };
        (name, taken)
    });
    let mut state = settle::read(sources, &case.collect());
    state.open = Some(OpenTemplates {
        sources: sources.iter().map(Source::to_owned).collect(),
        documents: Vec::new(),
    });
    state
}

/// The templates of a state that leave something open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenTemplates {
    pub(super) sources: Vec<Source<'static>>,
    /// Documents that were handed in, by ARN.
    pub(super) documents: Vec<(String, Value)>,
}

/// Two states.
#[derive(Clone, Copy)]
struct Pair<'s> {
    old: &'s State,
    new: &'s State,
    options: &'s Options,
}

#[derive(Clone, Copy)]
enum Side {
    Old,
    New,
}

impl<'s> Pair<'s> {
    fn whole(&self, side: Side) -> &'s State {
        match side {
            Side::Old => self.old,
            Side::New => self.new,
        }
    }

    fn templates(&self, side: Side) -> &'s [Source<'static>] {
        self.whole(side).open.as_ref().map_or(&[], |open| &open.sources)
    }

    /// A side in one case.
    fn state(&self, side: Side, case: &Case) -> Cow<'s, State> {
        let whole = self.whole(side);
        let Some(open) = &whole.open else { return Cow::Borrowed(whole) };
        let mut state = settle::read(&open.sources, case);
        for (arn, document) in &open.documents {
            state.supply(arn, document);
        }
        Cow::Owned(state)
    }

    fn open(&self) -> Open {
        Open::of(self.templates(Side::Old), self.templates(Side::New))
    }

    fn size(&self) -> usize {
        1 + resources(self.templates(Side::Old)) + resources(self.templates(Side::New))
    }

    /// Whether all cases can be looked into.
    fn is_small(&self, left: usize) -> bool {
        let cases = self.open().count();
        cases <= MOST_CASES && cases.saturating_mul(self.size()) <= left
    }

    /// The verdicts. What is read is taken off what is left to read; one case is looked into however little that is.
    fn compare(&self, left: &mut usize) -> Compared {
        let (open, size) = (self.open(), self.size());
        let (cases, is_complete) = open.cases((*left / size).clamp(1, MOST_CASES));
        *left = left.saturating_sub(cases.len() * size);
        let answers = cases.iter().map(|case| {
            let (old, new) = (self.state(Side::Old, case), self.state(Side::New, case));
            compare_settled(&old, &new, self.options)
        });
        let mut compared = together(&open, &cases, answers.collect());
        if !is_complete {
            let names = open.questions.keys().map(|(_, name)| format!("`{name}`"));
            let text = format!(
                "too large: the conditions leave {} open, and {} cases were looked into: give some with --parameter NAME=VALUE",
                names.collect::<Vec<_>>().join(", "),
                cases.len()
            );
            // what is made in none of the cases that were looked into has no row of its own
            let stacks: BTreeSet<&str> =
                open.questions.keys().map(|(stack, _)| stack.as_str()).collect();
            for stack in stacks {
                let reason = Reason { kind: ReasonKind::TooLarge, text: text.clone() };
                let row = Row::same(
                    stack,
                    "AWS::CloudFormation::Stack",
                    Layer::Unmodelled,
                    Presence::Both,
                    None,
                );
                compared.rows.push(Row { comparison: Comparison::unknown(reason), ..row });
            }
            for row in &mut compared.rows {
                if matches!(row.verdict(), Verdict::Equivalent | Verdict::Narrowed) {
                    let reason = Reason { kind: ReasonKind::TooLarge, text: text.clone() };
                    row.comparison = Comparison::unknown(reason);
                    row.lost_by = None;
                }
            }
        }
        compared
    }
}

fn resources(sources: &[Source<'_>]) -> usize {
    let count =
        |source: &Source| source.body.get("Resources").and_then(Value::as_map).map(Map::len);
    sources.iter().filter_map(count).sum()
}
