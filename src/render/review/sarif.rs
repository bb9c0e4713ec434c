//! A review for code scanning: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>).
//!
//! A result for each thing gained, each way through others, each flow that breaks and each thing that is not decided.
//! Its fingerprint is of the rule, the principal, the place and the kind, and of no line, so that an alert stays the
//! same alert when lines move.

use sha2::{Digest, Sha256};

use super::{View, acts, fails, said};
use crate::document;
use crate::document::{Map, Value};
use crate::review::Line;
use crate::rules::Severity;

/// A rule of the log: its id, its level, what it says in one line.
type Rule = (&'static str, &'static str, &'static str);

const RULES: [Rule; 11] = [
    ("access-public", "error", "Somebody without an account gains access"),
    ("access-cross-account", "warning", "Somebody of another account gains access"),
    ("access-exposure", "warning", "What kept others out is turned off"),
    ("access-admin", "warning", "Somebody gains the right to change who gets in"),
    ("access-escalation", "error", "Somebody can newly act as another principal"),
    ("access-broadened", "note", "Somebody gains access"),
    ("access-lost", "note", "Somebody loses access"),
    ("access-flow-fails", "error", "A declared flow will fail"),
    ("access-lock-out", "error", "Whoever applies or administers could not take it back"),
    ("access-service-stopped", "error", "What a service carries does not get through"),
    ("access-undecided", "warning", "What a change does is not known"),
];

/// The review as a SARIF log. `spec`: the file that results without a line are shown at.
pub fn sarif(view: &View<'_>, spec: &str) -> Value {
    let review = view.review;
    let mut results = Vec::new();
    for item in &review.gained {
        let rule = match item.kinds.first() {
            Some(kind) => {
                RULES.iter().find(|(id, ..)| id.strip_prefix("access-") == Some(kind.as_str()))
            }
            None => None,
        };
        let rule = rule.map_or("access-broadened", |rule| rule.0);
        let text = format!("{} gains {}", item.who, said(item, false).0);
        let place = item.does.first().and_then(|one| one.places.first());
        let key = [item.subject.as_str(), &item.who, place.map_or("", String::as_str)];
        let mut one = result(rule, &text, &key, &item.kind, &item.place, spec);
        if let Some(request) = &item.request {
            let mut bag = Map::new();
            bag.insert("request", request.to_value());
            one.insert("properties", bag);
        }
        results.push(Value::Map(one));
    }
    for one in &review.escalations {
        let text = format!("{} {} ({}: {})", one.who, acts(one), one.how, one.what);
        let key = [one.subject.as_str(), &one.arn, one.how];
        let found = result("access-escalation", &text, &key, one.how, &one.place, spec);
        results.push(Value::Map(found));
    }
    for item in &review.lost {
        let text = format!("{} loses {}", item.who, said(item, false).0);
        let place = item.does.first().and_then(|one| one.places.first());
        let key = [item.subject.as_str(), &item.who, place.map_or("", String::as_str)];
        let found = result("access-lost", &text, &key, &item.kind, &item.place, spec);
        results.push(Value::Map(found));
    }
    for one in &review.failing {
        let place = Line { path: one.path.clone(), ..Line::default() };
        let key = [one.who.as_str(), &one.path, &one.place];
        let found = result("access-flow-fails", &fails(one), &key, one.verb, &place, spec);
        results.push(Value::Map(found));
    }
    for one in &review.undecided {
        let text = format!("{}, {}: {}", one.who, one.about, one.because);
        let key = [one.subject.as_str(), &one.about];
        let found = result("access-undecided", &text, &key, &one.about, &one.place, spec);
        results.push(Value::Map(found));
    }
    let checks = &review.checks;
    for one in checks.locked_out.iter().filter(|one| one.is_known) {
        let text = format!(
            "{} could not change the {} of {} again: {}",
            one.who, one.policy, one.thing, one.because
        );
        let key = [one.subject.as_str(), &one.who];
        let found = result("access-lock-out", &text, &key, &one.policy, &one.place, spec);
        results.push(Value::Map(found));
    }
    for one in &checks.services {
        if let (Some(because), true) = (&one.stopped, one.is_known) {
            let text =
                format!("{} by {} to {} is stopped: {because}", one.carries, one.who, one.to);
            let key = [one.who.as_str(), &one.from, &one.to];
            let found =
                result("access-service-stopped", &text, &key, &one.carries, &one.place, spec);
            results.push(Value::Map(found));
        }
    }
    let mut all: Vec<Rule> = RULES.to_vec();
    for one in view.own {
        if !all.iter().any(|(id, ..)| *id == one.code) {
            all.push((one.code, "warning", "A policy document of your own allows more"));
        }
        let key = [one.headline.as_str()];
        let found = result(one.code, &one.said(), &key, "policies", &one.place, spec);
        results.push(Value::Map(found));
    }
    for one in &checks.findings {
        let (finding, rule) = (&one.finding, one.finding.rule);
        let level = match rule.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "note",
        };
        if !all.iter().any(|(id, ..)| *id == rule.code.as_str()) {
            all.push((rule.code.as_str(), level, rule.title));
        }
        let text = format!("{} {}. {}", one.who, finding.message, finding.help);
        let key = [finding.subject.as_str(), &finding.place];
        let mut found = result(rule.code.as_str(), &text, &key, &finding.kind, &one.place, spec);
        found.insert("level", level);
        results.push(Value::Map(found));
    }
    let rules: Value = all
        .iter()
        .map(|(id, level, text)| {
            document!({
                "id": (*id),
                "shortDescription": {"text": (*text)},
                "defaultConfiguration": {"level": (*level)}
            })
        })
        .collect();
    document!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "lakewright",
                "version": (view.version.to_owned()),
                "rules": rules
            }},
            "columnKind": "unicodeCodePoints",
            "results": (Value::List(results))
        }]
    })
}

fn result(rule: &str, text: &str, key: &[&str], kind: &str, place: &Line, spec: &str) -> Map {
    let level = RULES.iter().find(|(id, ..)| *id == rule).map_or("warning", |rule| rule.1);
    let file = place.file.as_deref().unwrap_or(spec);
    let line = i64::from(place.line.unwrap_or(1));
    let location = document!({
        "physicalLocation": {
            "artifactLocation": {"uri": (uri(file))},
            "region": {"startLine": line}
        }
    });
    let mut location = location;
    if let (Some(map), false) = (location.as_map_mut(), place.path.is_empty()) {
        map.insert("logicalLocations", document!([{"fullyQualifiedName": (place.path.clone())}]));
    }
    let found = document!({
        "ruleId": (rule.to_owned()),
        "level": level,
        "message": {"text": (text.to_owned())},
        "locations": [location],
        "partialFingerprints": {"lakewright/v1": (fingerprint(rule, key, kind))}
    });
    match found {
        Value::Map(map) => map,
        _ => Map::new(),
    }
}

/// SHA-256 of the rule, the principal and place, and the kind; hexadecimal. Lengths stand between, so that no two lists
/// are one text.
fn fingerprint(rule: &str, key: &[&str], kind: &str) -> String {
    let mut hash = Sha256::new();
    for part in [rule, kind].iter().chain(key) {
        hash.update(format!("{}:", part.len()));
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path as a URI: what has a meaning in one is written as `%XX`.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
