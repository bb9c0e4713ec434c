//! A review for programs: `docs/schemas/review.schema.json`.

use super::{View, line};
use crate::document;
use crate::document::{Map, Value};
use crate::render::access_rules::waiver_json;
use crate::render::access_states::{READ, unread};
use crate::review::checks::Found;
use crate::review::guards::Weaker;
use crate::review::statements::{Changed, Statement};
use crate::review::{Does, Escalation, Failing, Item, Label, Line, Open};
use crate::rules::Waiver;
use crate::verdict::Request;

fn number(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn texts(list: &[String]) -> Value {
    list.iter().cloned().map(Value::from).collect()
}

fn side(label: &Label) -> Value {
    let commit = label.commit.clone().map_or(Value::Null, Value::from);
    document!({"state": (label.name.clone()), "commit": commit})
}

fn optional(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| Value::from(text.clone()))
}

fn request(request: Option<&Request>) -> Value {
    request.map_or(Value::Null, Request::to_value)
}

/// Where something stands in the spec: `{path, place, revision}`.
fn place(place: &Line) -> Value {
    let revision = if place.is_before { "old" } else { "new" };
    // which revision it is has a key of its own
    let at = line(&Line { is_before: false, ..place.clone() });
    document!({
        "path": (place.path.clone()),
        "place": (optional(at.as_ref())),
        "revision": revision
    })
}

fn does(one: &Does) -> Value {
    document!({
        "verbs": (texts(&one.verbs)),
        "actions": (texts(&one.actions)),
        "places": (texts(&one.places))
    })
}

fn item(item: &Item) -> Value {
    let kinds: Value = item.kinds.iter().map(|kind| Value::from(kind.as_str())).collect();
    let whole: Value = item.does.iter().map(does).collect();
    let decided = document!({
        "stack": (item.cause.origin.stack.clone()),
        "logical_id": (item.cause.origin.logical_id.clone()),
        "property": (item.cause.property.clone()),
        "statement": (item.cause.statement.clone()),
        "words": (texts(&item.decided_by))
    });
    document!({
        "who": (item.who.clone()),
        "does": whole,
        "kinds": kinds,
        "whole": (item.is_whole),
        "layer": (item.layer.as_str()),
        "subject": (item.subject.clone()),
        "type": (item.kind.clone()),
        "request": (request(item.request.as_ref())),
        "decided_by": decided,
        "runs_as_it": (texts(&item.runs)),
        "conditions": (texts(&item.conditions)),
        "still_needed": (texts(&item.needed)),
        "handover": (optional(item.handover.as_ref())),
        "spec": (place(&item.place)),
        "exact": (item.exact),
        "reason": (optional(item.reason.as_ref())),
        "complete": (item.complete)
    })
}

fn escalation(one: &Escalation) -> Value {
    document!({
        "who": (one.who.clone()),
        "subject": (one.subject.clone()),
        "to": (one.to.clone()),
        "arn": (one.arn.clone()),
        "how": (one.how),
        "what": (one.what.clone()),
        "request": (one.request.to_value()),
        "still_needed": (texts(&one.needed)),
        "further": (texts(&one.further)),
        "unbounded": (one.is_unbounded),
        "spec": (place(&one.place))
    })
}

fn failing(one: &Failing) -> Value {
    document!({
        "path": (one.path.clone()),
        "who": (one.who.clone()),
        "verb": (one.verb),
        "place": (one.place.clone()),
        "because": (optional(one.because.as_ref())),
        "certain": (!one.is_unknown)
    })
}

fn open(one: &Open) -> Value {
    document!({
        "who": (one.who.clone()),
        "subject": (one.subject.clone()),
        "layer": (one.about.clone()),
        "because": (one.because.clone()),
        "help": (optional(one.help.as_ref())),
        "spec": (place(&one.place))
    })
}

fn changed(one: &Changed) -> Value {
    let list = |list: &[Statement]| -> Value {
        list.iter()
            .map(|one| document!({"statement": (one.value.clone()), "spec": (place(&one.place))}))
            .collect()
    };
    document!({
        "name": (one.name.clone()),
        "subject": (one.subject.clone()),
        "layer": (one.layer),
        "gone": (list(&one.gone)),
        "come": (list(&one.come))
    })
}

fn weaker(one: &Weaker) -> Value {
    document!({
        "thing": (one.thing.clone()),
        "subject": (one.subject.clone()),
        "type": (one.kind.clone()),
        "guard": (one.guard.clone()),
        "property": (one.property.clone()),
        "what": (one.what.clone()),
        "before": (optional(one.before.as_ref())),
        "after": (optional(one.after.as_ref())),
        "spec": (place(&one.place))
    })
}

/// What is asked beside the verdict.
fn checks(map: &mut Map, view: &View<'_>) {
    let checks = &view.review.checks;
    let keeps: Value = checks
        .keeps
        .iter()
        .map(|one| {
            let policies: Value = one
                .policies
                .iter()
                .map(|(policy, kept, of)| {
                    document!({
                        "policy": (policy.clone()),
                        "kept": (number(*kept)),
                        "of": (number(*of))
                    })
                })
                .collect();
            document!({"who": (one.who.clone()), "applies": (one.applies), "policies": policies})
        })
        .collect();
    let locked_out: Value = checks
        .locked_out
        .iter()
        .map(|one| {
            document!({
                "who": (one.who.clone()),
                "thing": (one.thing.clone()),
                "subject": (one.subject.clone()),
                "policy": (one.policy.clone()),
                "because": (one.because.clone()),
                "way_out": (one.way_out.clone()),
                "certain": (one.is_known),
                "new": (one.is_new),
                "spec": (place(&one.place))
            })
        })
        .collect();
    map.insert("lockout", document!({"keeps": keeps, "locked_out": locked_out}));
    let guards: Value = checks.guards.iter().map(weaker).collect();
    map.insert("guards", guards);
    let paths: Value = checks
        .services
        .iter()
        .map(|one| {
            document!({
                "carries": (one.carries.clone()),
                "who": (one.who.clone()),
                "from": (one.from.clone()),
                "to": (one.to.clone()),
                "passes": (one.stopped.is_none()),
                "because": (optional(one.stopped.as_ref())),
                "certain": (one.is_known),
                "new": (one.is_newly_stopped()),
                "spec": (place(&one.place))
            })
        })
        .collect();
    let idle: Value = checks
        .idle
        .iter()
        .map(|one| {
            document!({
                "thing": (one.thing.clone()),
                "statement": (one.statement.clone()),
                "spec": (place(&one.place))
            })
        })
        .collect();
    map.insert("services", document!({"paths": paths, "idle_denies": idle}));
    let rows: Value = checks
        .table
        .rows
        .iter()
        .map(|row| {
            let cells: Value = row
                .cells
                .iter()
                .map(|(was, is)| document!({"before": (was.clone()), "after": (is.clone())}))
                .collect();
            document!({
                "name": (row.name.clone()),
                "new": (row.is_new),
                "gone": (row.is_gone),
                "cells": cells
            })
        })
        .collect();
    map.insert(
        "matrix",
        document!({
            "columns": (texts(&checks.table.columns)),
            "rows": rows,
            "unchanged": (number(checks.table.unchanged))
        }),
    );
    map.insert("findings", checks.findings.iter().map(found).collect::<Value>());
    let judged = &checks.judged;
    let waived: Value = judged
        .waived
        .iter()
        .map(|one| {
            document!({
                "rule": (one.finding.rule.code.as_str()),
                "subject": (one.finding.subject.clone()),
                "message": (one.finding.message.clone()),
                "waiver": (Value::Map(waiver_json(&one.waiver)))
            })
        })
        .collect();
    let new: Value = judged
        .new_waivers
        .iter()
        .map(|one| {
            let before = one.before.as_ref().map_or(Value::Null, |one| waiver_json(one).into());
            document!({
                "waiver": (Value::Map(waiver_json(&one.waiver))),
                "before": before,
                "covers": (number(one.covers))
            })
        })
        .collect();
    let list = |list: &[Waiver]| -> Value {
        list.iter().map(|one| Value::Map(waiver_json(one))).collect()
    };
    let expiring: Value = judged
        .expiring
        .iter()
        .map(|one| {
            let days = i64::from(one.days);
            document!({"waiver": (Value::Map(waiver_json(&one.waiver))), "days": days})
        })
        .collect();
    map.insert(
        "waivers",
        document!({
            "waived": waived,
            "new": new,
            "expiring": expiring,
            "expired": (list(&judged.expired)),
            "unused": (list(&judged.unused))
        }),
    );
}

fn found(one: &Found) -> Value {
    let (finding, rule) = (&one.finding, one.finding.rule);
    document!({
        "rule": (rule.code.as_str()),
        "severity": (rule.severity.as_str()),
        "title": (rule.title),
        "who": (one.who.clone()),
        "subject": (finding.subject.clone()),
        "kind": (finding.kind.clone()),
        "place": (finding.place.clone()),
        "message": (finding.message.clone()),
        "help": (finding.help.clone()),
        "new": (one.is_new),
        "spec": (place(&one.place))
    })
}

/// The review as the keys of a document.
pub fn json(view: &View<'_>) -> Map {
    let review = view.review;
    let (gained, lost, undecided) = review.counts();
    let words =
        |names: &[&'static str]| -> Value { names.iter().map(|one| Value::from(*one)).collect() };
    let gates: Value = view
        .gates
        .iter()
        .map(|(gate, why)| {
            document!({
                "gate": (gate.as_str()),
                "failed": (why.is_some()),
                "because": (optional(why.as_ref()))
            })
        })
        .collect();
    let mut map = Map::new();
    map.insert("environment", review.about.environment.clone());
    map.insert("account", review.about.account.clone());
    map.insert("region", review.about.region.clone());
    map.insert("old", side(&review.old));
    map.insert("new", side(&review.new));
    map.insert("verdict", review.verdict.word());
    map.insert("exact", review.exact);
    map.insert(
        "counts",
        document!({
            "gained": (number(gained)),
            "lost": (number(lost)),
            "undecided": (number(undecided)),
            "unchanged": (number(review.unchanged))
        }),
    );
    map.insert("layers_read", words(&READ));
    map.insert("layers_unread", words(&unread()));
    map.insert("gates", gates);
    map.insert(
        "allow_undecided",
        view.allow_undecided.map_or(Value::Null, |text| Value::from(text.to_owned())),
    );
    map.insert("gained", review.gained.iter().map(item).collect::<Value>());
    map.insert("escalations", review.escalations.iter().map(escalation).collect::<Value>());
    map.insert("lost", review.lost.iter().map(item).collect::<Value>());
    map.insert("failing", review.failing.iter().map(failing).collect::<Value>());
    map.insert("undecided", review.undecided.iter().map(open).collect::<Value>());
    checks(&mut map, view);
    map.insert("policies", review.statements.iter().map(changed).collect::<Value>());
    map
}
