//! The readings of AWS's pages where these leave two open: each is asked, and what they differ in is not known.
//!
//! Three questions are open: how far `*` goes in a `Resource`; whom a Deny with `NotPrincipal` spares that lists some of
//! a requester's names; what `ForAnyValue:...IfExists` says of a request without the key. AWS answers each of them one
//! way for all statements, so a way is known only if it ends alike under every combination of answers. Sources and
//! quotations: `docs/access-model.md`, "Two readings". Read next: [`super::direction`].

use std::collections::BTreeSet;

use super::compare::Layer;
use super::direction::{Way, replays};
use super::evaluate::Reach;
use super::limits::Budget;
use super::operator::Operator;
use super::principal::Sparing;
use super::read::{Document, Effect, Statement};
use super::request::canonical;
use super::text::Piece;
use super::{Kind, Options, Reason, ReasonKind};

/// An answer to each question that AWS's pages leave open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// How far a wildcard in a `Resource` goes.
    pub reach: Reach,
    /// Whom a Deny with `NotPrincipal` spares.
    pub sparing: Sparing,
    /// The keys, by canonical name, without which `ForAnyValue:...IfExists` is false. A set without values and no set at
    /// all may be told apart, so each key is answered by itself.
    pub false_without: BTreeSet<String>,
}

impl Reading {
    /// What an operator says of a request without a key.
    pub fn of_missing(&self, operator: &Operator, key: &str) -> bool {
        operator.of_missing()
            && !(operator.is_open_without_key() && self.false_without.contains(&canonical(key)))
    }

    /// How many questions are answered otherwise than by `other`.
    fn distance(&self, other: &Reading) -> usize {
        usize::from(self.reach != other.reach)
            + usize::from(self.sparing != other.sparing)
            + usize::from(self.false_without != other.false_without)
    }

    /// Why it is not known where `other` ends otherwise.
    fn why(&self, other: &Reading) -> Reason {
        let mut open = Vec::new();
        if self.reach != other.reach {
            open.push("whether `*` in `Resource` reaches over a colon".to_owned());
        }
        if self.sparing != other.sparing {
            open.push(
                "whether a Deny with `NotPrincipal` spares whoever is listed without all of its \
                 account, role and session"
                    .to_owned(),
            );
        }
        let mut keys = self.false_without.symmetric_difference(&other.false_without).peekable();
        if keys.peek().is_some() {
            let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
            let keys = keys.join(", ");
            open.push(format!("what `ForAnyValue:...IfExists` says of a request without {keys}"));
        }
        let kind = match self.reach == other.reach {
            true => ReasonKind::Undocumented,
            false => ReasonKind::ColonCrossing,
        };
        let decide = if open.len() == 1 { "decides" } else { "decide" };
        let text =
            format!("{} {decide} this, and AWS's pages allow both readings", open.join(", and "));
        Reason { kind, text }
    }
}

impl From<Reach> for Reading {
    fn from(reach: Reach) -> Reading {
        Reading { reach, ..Reading::default() }
    }
}

/// Keys whose answers are combined one by one; with more of them what hangs on a mixture is not known.
const MIXED: usize = 5;

/// The questions that can make a difference to some documents.
struct Open {
    reach: bool,
    sparing: bool,
    keys: BTreeSet<String>,
}

impl Open {
    fn of(layers: &[&[Layer<'_>]]) -> Open {
        let documents = || layers.iter().copied().flatten().copied().flatten();
        let statements = || documents().flat_map(|document| &document.statements);
        let spares = |statement: &Statement| {
            let listed = statement.principals.as_ref();
            statement.effect == Effect::Deny && listed.is_some_and(|listed| listed.not)
        };
        let conditions = statements().flat_map(|statement| &statement.conditions);
        Open {
            reach: layers.iter().any(|side| readings_differ(side)),
            sparing: statements().any(spares),
            keys: conditions
                .filter(|condition| condition.operator.is_open_without_key())
                .map(|condition| canonical(&condition.key))
                .collect(),
        }
    }

    /// Every combination of answers, the plain one first, then those that are nearest to it.
    fn readings(&self, false_without: &[BTreeSet<String>]) -> Vec<Reading> {
        let reaches: &[Reach] =
            if self.reach { &[Reach::Whole, Reach::Part] } else { &[Reach::Whole] };
        let sparings: &[Sparing] = match self.sparing {
            true => &[Sparing::Session, Sparing::Role, Sparing::Any],
            false => &[Sparing::Session],
        };
        let mut out = Vec::new();
        for false_without in false_without {
            for sparing in sparings.iter().copied() {
                for reach in reaches.iter().copied() {
                    out.push(Reading { reach, sparing, false_without: false_without.clone() });
                }
            }
        }
        out.sort_by_key(|reading| reading.distance(&Reading::default()));
        out
    }

    /// The same answer for each key: none is false without, or all are.
    fn corners(&self) -> Vec<Reading> {
        let mut sets = vec![BTreeSet::new()];
        if !self.keys.is_empty() {
            sets.push(self.keys.clone());
        }
        self.readings(&sets)
    }

    /// Some keys this way and some that way: a request may lack one key and hold an empty set of another. `None` if
    /// there are too many.
    fn mixtures(&self) -> Option<Vec<Reading>> {
        if self.keys.len() > MIXED {
            return None;
        }
        let keys: Vec<&String> = self.keys.iter().collect();
        let all = (1_usize << keys.len()) - 1;
        let some = |bits: usize| {
            let chosen = keys.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
            chosen.map(|(_, key)| (*key).clone()).collect()
        };
        Some(self.readings(&(1..all).map(some).collect::<Vec<_>>()))
    }
}

/// Whether the two readings of resources can differ: a wildcard before a later colon among the first five.
fn readings_differ(layers: &[Layer<'_>]) -> bool {
    let documents = layers.iter().copied().flatten();
    let statements = documents.flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|s| s.resources.iter().flat_map(|listed| &listed.items));
    patterns.into_iter().any(|pattern| {
        let mut wild = false;
        let mut colons = 0;
        for piece in &pattern.pieces {
            match piece {
                Piece::Star | Piece::One => wild |= colons < 5,
                Piece::Text(text) => {
                    for _ in text.matches(':') {
                        if wild && colons < 5 {
                            return true;
                        }
                        colons += 1;
                    }
                }
                Piece::Variable { .. } | Piece::Token { .. } => {}
            }
        }
        false
    })
}

/// What `new` allows and `old` does not, if every reading says so.
pub fn every_reading(
    old: &[Layer<'_>],
    new: &[Layer<'_>],
    kind: Kind,
    options: &Options,
    budget: &mut Budget,
) -> Way {
    // nothing is allowed without an Allow in every layer
    if new.iter().any(|layer| !layer.iter().any(Document::allows)) {
        return Way::Nothing(BTreeSet::new());
    }
    let open = Open::of(&[old, new]);
    let readings = open.corners();
    let plain = &readings[0];
    let mut found = Way::of(old, new, kind, options, plain, budget);
    let replayed = |way: &Way| match way {
        Way::Request(request, _) => {
            readings.iter().filter(|reading| replays(old, new, request, reading)).count()
        }
        _ => 0,
    };
    // one request for all of them
    if replayed(&found) == readings.len() {
        return found;
    }
    for reading in &readings[1..] {
        let other = Way::of(old, new, kind, options, reading, budget);
        found = match (found, other) {
            (Way::Nothing(mut names), Way::Nothing(more)) => {
                names.extend(more);
                Way::Nothing(names)
            }
            (unknown @ Way::Unknown(_), _) | (_, unknown @ Way::Unknown(_)) => return unknown,
            (own @ Way::Request(..), other @ Way::Request(..)) => {
                if replayed(&other) > replayed(&own) { other } else { own }
            }
            _ => return Way::Unknown(plain.why(reading)),
        };
    }
    if open.keys.len() < 2 || !matches!(found, Way::Nothing(_)) {
        return found;
    }
    let Some(mixtures) = open.mixtures() else {
        let all = Reading { false_without: open.keys, ..Reading::default() };
        return Way::Unknown(plain.why(&all));
    };
    for reading in &mixtures {
        match Way::of(old, new, kind, options, reading, budget) {
            Way::Nothing(_) => {}
            Way::Request(..) => return Way::Unknown(plain.why(reading)),
            unknown @ Way::Unknown(_) => return unknown,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_asked_and_the_plain_one_first() {
        let keys = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let open = Open { reach: true, sparing: true, keys };
        let corners = open.corners();
        assert_eq!(corners.len(), 12);
        assert_eq!(corners[0], Reading::default());
        let far: Vec<usize> = corners.iter().map(|r| r.distance(&corners[0])).collect();
        assert!(far.is_sorted());
        assert_eq!(open.mixtures().map(|mixtures| mixtures.len()), Some(12));
        let many = (0..=MIXED).map(|at| at.to_string()).collect();
        assert_eq!(Open { keys: many, ..open }.mixtures(), None);
    }
}
