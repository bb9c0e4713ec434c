//! A plan for people and for programs.
//!
//! In: a [`Plan`]. Out: text for a terminal ([`text`]), Markdown for a comment on a change request
//! ([`markdown`]), JSON by a published schema ([`json`]). Terraform's habits, and what people are
//! afraid of first: data at risk, access gained and lost; then the changes, grouped by the thing in
//! the lake, each with its line. INVARIANT: text from a spec or a cloud is made safe before it is
//! printed; colour is never the only signal.

mod data;
mod markdown;
mod text;
mod values;

pub use data::json;
pub use markdown::markdown;
pub use text::{View, text};

use std::collections::BTreeMap;

use crate::access::Counts;
use crate::plan::{Action, Cause, Change, GrantChange, Operation, Plan, StackPlan};
use crate::render::access_states;

/// The changes of one thing in the lake.
struct Group<'a> {
    /// `buckets.raw`.
    path: &'a str,
    cause: &'a Cause,
    changes: Vec<(&'a StackPlan, &'a Change)>,
}

/// The changes by thing, in the order of the spec; what is not in it any more comes last.
fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut found: BTreeMap<&str, Group> = BTreeMap::new();
    for (stack, change) in plan.changes() {
        let path = change.cause.path.as_str();
        let group = found.entry(path).or_insert_with(|| Group {
            path,
            cause: &change.cause,
            changes: vec![],
        });
        if group.cause.line.is_none() {
            group.cause = &change.cause;
        }
        group.changes.push((stack, change));
    }
    let mut groups: Vec<Group> = found.into_values().collect();
    groups.sort_by_key(|group| {
        let cause = group.cause;
        (cause.line.is_none(), cause.file.as_deref().unwrap_or(""), cause.line, group.path)
    });
    groups
}

/// `lake.yaml:42`, where the line is known.
fn line(cause: &Cause) -> Option<String> {
    Some(format!("{}:{}", cause.file.as_deref()?, cause.line?))
}

/// Terraform's last line, with what it has no words for.
pub fn summary(plan: &Plan) -> String {
    if plan.is_empty() && !plan.refusals.is_empty() {
        return "No plan.".into();
    }
    if plan.is_empty() {
        return match plan.operation {
            Operation::Apply => "No changes. Your infrastructure matches the configuration.".into(),
            Operation::Destroy => "No changes. Nothing of this lake is deployed.".into(),
        };
    }
    let counts = plan.counts();
    let mut parts: Vec<String> = Vec::new();
    if counts.import > 0 {
        parts.push(format!("{} to import", counts.import));
    }
    parts.push(format!("{} to add", counts.create + counts.replace));
    parts.push(format!("{} to change", counts.update + counts.may_replace));
    parts.push(format!("{} to destroy", counts.delete + counts.replace - counts.replaced_kept));
    let rest = [
        (counts.replace, "to replace"),
        (counts.may_replace, "may be replaced"),
        (counts.retain + counts.replaced_kept, "retained"),
        (counts.moved, "to move"),
        (counts.blocked, "blocked"),
    ];
    parts.extend(rest.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")));
    format!("Plan: {}.", parts.join(", "))
}

/// The second line: the verdict on access, where the plan changes anything and somebody has any.
pub fn access_summary(plan: &Plan) -> Option<String> {
    let said = plan.verdict != Counts::default() && !plan.is_empty();
    said.then(|| access_states::counts_text(&plan.verdict))
}

/// How near a role of the lake's own is, in [`access_lines`].
const OWN_FLOW: u8 = 3;

/// Grants as they are printed: what one may do at one place on one line, strangers first, our own
/// flows last; with the conditions and where they come from.
fn access_lines(plan: &Plan) -> Vec<(bool, String, Option<&str>, &Cause)> {
    /// How near they are to us, who, whether it goes, where, when.
    type Key<'a> = (u8, &'a str, bool, &'a str, Option<&'a str>);
    let mut merged: BTreeMap<Key, (Vec<&str>, &Cause)> = BTreeMap::new();
    for grant in &plan.access {
        let GrantChange { added, who, verb, place, when, cause } = grant;
        let nearness = match who.as_str() {
            who if who.starts_with("everyone") || who.starts_with("anyone") => 0,
            who if who.starts_with("the role of ") => OWN_FLOW,
            who if ["role/", "user/", "roles."].iter().any(|own| who.starts_with(own)) => 2,
            _ => 1,
        };
        // What a flow may do goes with its role, as all of the lake does.
        if nearness == OWN_FLOW && plan.operation == Operation::Destroy {
            continue;
        }
        let key = (nearness, who.as_str(), !*added, place.as_str(), when.as_deref());
        merged.entry(key).or_insert_with(|| (Vec::new(), cause)).0.push(verb);
    }
    merged
        .into_iter()
        .map(|((_, who, gone, place, when), (mut verbs, cause))| {
            verbs.sort_by_key(|verb| {
                ["read", "write", "delete"].iter().position(|known| known == verb).unwrap_or(3)
            });
            let with = " with";
            let text = match verbs.iter().all(|verb| verb.ends_with(with)) {
                true => {
                    let bare: Vec<&str> =
                        verbs.iter().map(|verb| verb.strip_suffix(with).unwrap_or(verb)).collect();
                    format!("{who}: {} with {place}", bare.join(", "))
                }
                false => format!("{who}: {} {place}", verbs.join(", ")),
            };
            (!gone, text, when, cause)
        })
        .collect()
}

/// Changes that could cost data: what goes, what is made anew, what is no longer kept.
fn at_risk(plan: &Plan) -> Vec<(&StackPlan, &Change, String)> {
    plan.changes()
        .filter(|(_, change)| change.data)
        .filter_map(|(stack, change)| {
            let says = match change.action {
                Action::Delete => "is destroyed with what it holds".to_owned(),
                Action::Replace if change.kept => {
                    "is replaced by an empty one; the old one stays in the account".into()
                }
                Action::Replace => "is replaced by an empty one, and destroyed".into(),
                Action::MayReplace => "may be replaced by an empty one".into(),
                Action::Retain if plan.leaves_data(change) => left_behind(plan, change),
                Action::Retain => "stays in the account".into(),
                Action::Update if loses_protection(change) => "is no longer protected".into(),
                _ => return None,
            };
            Some((stack, change, says))
        })
        .collect()
}

/// What becomes of data whose thing leaves the spec.
fn left_behind(plan: &Plan, gone: &Change) -> String {
    let name = gone.physical_id.as_deref().unwrap_or(gone.logical_id.as_str());
    let mut says = format!("is no longer in the spec; its data stays in {name}");
    let come = |(_, change): &(&StackPlan, &Change)| {
        change.action == Action::Create && change.kind == gone.kind && change.data
    };
    for (_, change) in plan.changes().filter(come).take(3) {
        says += &format!("; {} starts empty", change.cause.path);
    }
    says
}

fn loses_protection(change: &Change) -> bool {
    change.properties.iter().any(|property| {
        property.path == ["@DeletionPolicy"]
            && property.after.as_ref().and_then(|value| value.as_str()) == Some("Delete")
    })
}
