//! Where Athena writes what is queried, and who reads it there.
//!
//! In: a workgroup's settings; two states. Out: [`Results`] of a state; a row for each workgroup whose results go
//! elsewhere, where somebody reads who did not read where they went. No request is newly allowed then, but other data is
//! behind it: such a row is undecided. Who may use a workgroup at all stands in identity policies, which have rows of
//! their own. Source: Athena User Guide, "Specify a query result location", "Override client-side settings".

use std::collections::BTreeSet;

use super::compare::{Layer, Row, presence};
use super::index::Index;
use super::reach::{Judge, Reached, Subject, Target, outsiders, trusted};
use super::source::Source;
use super::state::{Origin, State};
use super::template::{Reader, origin};
use crate::catalogue::escalations::verbs;
use crate::document::Value;
use crate::verdict::{Comparison, Reason, ReasonKind};

/// Where the results of a workgroup go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// An ARN of S3 without a slash at its end.
    pub location: String,
    pub origin: Origin,
}

impl Reader<'_> {
    /// The results of a workgroup, if it says where they go.
    pub(super) fn results(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let get = |path: &[&str]| definition.get("Properties").and_then(|all| all.at(path));
        let path = ["WorkGroupConfiguration", "ResultConfiguration", "OutputLocation"];
        let location = get(&path).map(|one| self.texts.text(source, one));
        let Some(rest) = location.as_deref().and_then(|text| text.strip_prefix("s3://")) else {
            return;
        };
        let name = get(&["Name"]).map_or_else(|| id.to_owned(), |one| self.texts.text(source, one));
        let place = rest.trim_end_matches('/');
        let results = Results {
            location: format!("arn:{}:s3:::{place}", source.partition()),
            origin: origin(source, id, definition),
        };
        self.state.results.insert(format!("{}/{name}", source.region), results);
    }
}

/// The workgroups whose results go where others read them.
pub(super) fn moved(old: &State, new: &State) -> Vec<Row> {
    let mut rows = Vec::new();
    for (workgroup, results) in &new.results {
        let Some(before) = old.results.get(workgroup) else { continue };
        if before.location == results.location {
            continue;
        }
        let knew = readers(old, &before.location, false);
        let mut others = readers(new, &results.location, true);
        others.retain(|who, _| !knew.contains_key(who));
        if others.is_empty() {
            continue;
        }
        rows.push(row(workgroup, results, others.into_values().collect()));
    }
    rows
}

fn row(workgroup: &str, results: &Results, others: BTreeSet<String>) -> Row {
    let name = workgroup.split_once('/').map_or(workgroup, |(_, name)| name);
    let place = results.location.splitn(6, ':').nth(5).unwrap_or(&results.location);
    let who: Vec<String> = others.into_iter().collect();
    let (reads, did) = if who.len() == 1 { ("reads", "which") } else { ("read", "who") };
    let text = format!(
        "what is queried in workgroup {name} is written to {place}/ now: {} {reads} there, {did} did not read where it was written before",
        who.join(", ")
    );
    let origin = Some(results.origin.clone());
    Row {
        comparison: Comparison::unknown(Reason { kind: ReasonKind::Unmodelled, text }),
        ..Row::same(
            workgroup,
            "AWS::Athena::WorkGroup",
            Layer::Unmodelled,
            presence(true, true),
            origin,
        )
    }
}

type Readers = std::collections::BTreeMap<Subject, String>;

/// Who reads objects at a location, with what people call them; `perhaps`: those too of whom it is not known.
fn readers(state: &State, location: &str, perhaps: bool) -> Readers {
    let guard = location.split('/').next().unwrap_or(location);
    let target = Target {
        kind: "object".to_owned(),
        resource: Value::from(format!("{location}/*")),
        guard: guard.to_owned(),
    };
    let index = Index::new(state);
    let judge = Judge::new(&index);
    let short = |arn: &str| arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned();
    let own = state.principals.keys().filter(|arn| !arn.contains(":group/"));
    let mut asked: Readers = own.map(|arn| (Subject::Named(arn.clone()), short(arn))).collect();
    asked.extend(outsiders(state, guard));
    asked.extend(trusted(state));
    asked.retain(|who, _| {
        let mut best = Reached::No { because: None };
        for action in verbs().actions("object", "read") {
            best = best.or(|| judge.ask(who, action, &target, None, false));
        }
        best.is_yes() || (perhaps && matches!(best, Reached::Unknown { .. }))
    });
    asked
}
