//! The answers of all cases as one.

use std::collections::BTreeMap;

use super::questions::{Case, Name, Open};
use crate::access::compare::{Compared, Layer, Presence, Row};
use crate::verdict::Verdict;

/// One row: what it is about.
pub(super) type Key = (Layer, String, String, String);

pub(super) fn key(row: &Row) -> Key {
    let reason = row.comparison.reason.as_ref().filter(|_| row.layer == Layer::Unmodelled);
    let text = reason.map(|reason| reason.text.clone()).unwrap_or_default();
    (row.layer, row.subject.clone(), row.kind.clone(), text)
}

/// The answers of all cases as one.
pub(super) fn together(open: &Open, cases: &[Case], answers: Vec<Compared>) -> Compared {
    if answers.len() == 1 {
        return answers.into_iter().next().unwrap_or(Compared { rows: Vec::new() });
    }
    let mut order: Vec<Key> = Vec::new();
    let mut rows: BTreeMap<Key, Vec<(usize, Row)>> = BTreeMap::new();
    for (at, answer) in answers.into_iter().enumerate() {
        for row in answer.rows {
            let key = key(&row);
            if !rows.contains_key(&key) {
                order.push(key.clone());
            }
            rows.entry(key).or_default().push((at, row));
        }
    }
    let merged = order.iter().filter_map(|key| merged(open, cases, rows.remove(key)?));
    Compared { rows: merged.collect() }
}

pub(super) fn merged(open: &Open, cases: &[Case], rows: Vec<(usize, Row)>) -> Option<Row> {
    let mut verdicts = vec![Verdict::Equivalent; cases.len()];
    rows.iter().for_each(|(at, row)| verdicts[*at] = row.verdict());
    let find = |wanted: &[Verdict]| rows.iter().find(|(_, row)| wanted.contains(&row.verdict()));
    let gained = find(&[Verdict::Incomparable, Verdict::Broadened]);
    let lost = find(&[Verdict::Incomparable, Verdict::Narrowed]);
    let unknown = find(&[Verdict::Undecided]);
    let (at, base) = gained.or(unknown).or(lost).or(rows.first())?;
    let mut row = base.clone();
    row.comparison.verdict = match (gained, unknown, lost) {
        (Some(_), _, Some(_)) => Verdict::Incomparable,
        (Some(_), _, None) => Verdict::Broadened,
        (None, Some(_), _) => Verdict::Undecided,
        (None, None, Some(_)) => Verdict::Narrowed,
        (None, None, None) => Verdict::Equivalent,
    };
    if let (Some((_, lost)), None) = (lost, &row.comparison.lost) {
        row.comparison.lost = lost.comparison.lost.clone();
        row.comparison.lost_by = lost.comparison.lost_by;
        row.lost_by = lost.lost_by.clone();
    }
    if rows.iter().any(|(_, one)| one.presence != row.presence) {
        row.presence = Presence::Both;
    }
    row.comparison.exact &= unknown.is_none() && rows.iter().all(|(_, one)| one.comparison.exact);
    let case = &cases[*at];
    let matters = |name: &Name| {
        let differs = |other: usize| {
            let same_else =
                case.iter().all(|(key, taken)| key == name || cases[other][key] == *taken);
            same_else && verdicts[other] != verdicts[*at]
        };
        (0..cases.len()).any(differs)
    };
    let assumed = case.iter().filter(|(name, _)| matters(name));
    row.given.extend(assumed.map(|(name, taken)| open.words(name, taken)));
    Some(row)
}
