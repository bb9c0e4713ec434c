//! A review for programs: `docs/schemas/review.schema.json`.

use super::{View, line};
use crate::document;
use crate::document::{Map, Value};
use crate::render::access_states::{READ, unread};
use crate::review::statements::{Changed, Statement};
use crate::review::{Does, Escalation, Failing, Item, Label, Line, Open};
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

/// Where something stands in the spec: `{path, place}`.
fn place(place: &Line) -> Value {
    let at = line(place);
    document!({"path": (place.path.clone()), "place": (optional(at.as_ref()))})
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

/// The review as the keys of a document.
pub fn json(view: &View<'_>) -> Map {
    let review = view.review;
    let (gained, lost, undecided) = review.counts();
    let words = |names: &[&'static str]| -> Value { names.iter().map(|one| Value::from(*one)).collect() };
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
    map.insert("policies", review.statements.iter().map(changed).collect::<Value>());
    map
}
