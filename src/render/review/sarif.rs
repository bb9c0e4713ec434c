//! A review for code scanning: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>).
//!
//! A result for each thing gained, each way through others, each flow that breaks and each thing that is not decided.
//! Its fingerprint is of the rule, the principal, the place and the kind, and of no line, so that an alert stays the
//! same alert when lines move. INVARIANT: no two results of a run have one fingerprint. Of several that share all four
//! the first keeps theirs (what was there before the change, then by text); that of the others is of what they say too.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::checks::weaker;
use super::{View, acts, before, fails, line, said};
use crate::document;
use crate::document::{Map, Value};
use crate::review::Line;
use crate::rules::Severity;

/// A rule of the log: its id, its level, what it says in one line.
type Rule = (&'static str, &'static str, &'static str);

const RULES: [Rule; 12] = [
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
    ("guard-weaker", "warning", "What guards data beside access guards less than before"),
    ("access-undecided", "warning", "What a change does is not known"),
];

/// The review as a SARIF log. `spec`: the file that results without a line are shown at.
pub fn sarif(view: &View<'_>, spec: &str) -> Value {
    let review = view.review;
    let mut results: Vec<Told> = Vec::new();
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
        let mut one = Told::new(rule, &text, &key, &item.kind, &item.place, spec);
        one.says(&item.decided_by);
        if let Some(request) = &item.request {
            let mut bag = Map::new();
            bag.insert("request", request.to_value());
            one.result.insert("properties", bag);
        }
        results.push(one);
    }
    for one in &review.escalations {
        let text = format!("{} {} ({}: {})", one.who, acts(one), one.how, one.what);
        let key = [one.subject.as_str(), &one.arn, one.how];
        let found = Told::new("access-escalation", &text, &key, one.how, &one.place, spec);
        results.push(found);
    }
    for item in &review.lost {
        let text = format!("{} loses {}", item.who, said(item, false).0);
        let place = item.does.first().and_then(|one| one.places.first());
        let key = [item.subject.as_str(), &item.who, place.map_or("", String::as_str)];
        let mut one = Told::new("access-lost", &text, &key, &item.kind, &item.place, spec);
        one.says(&item.decided_by);
        results.push(one);
    }
    for one in &review.failing {
        let place = Line { path: one.path.clone(), ..Line::default() };
        let key = [one.who.as_str(), &one.path, &one.place];
        let found = Told::new("access-flow-fails", &fails(one), &key, one.verb, &place, spec);
        results.push(found);
    }
    for one in &review.undecided {
        let text = format!("{}, {}: {}", one.who, one.about, one.because);
        let key = [one.subject.as_str(), &one.about];
        let found = Told::new("access-undecided", &text, &key, &one.about, &one.place, spec);
        results.push(found);
    }
    let checks = &review.checks;
    for one in checks.locked_out.iter().filter(|one| one.is_known) {
        let text = format!(
            "{} could not change the {} of {} again: {}",
            one.who, one.policy, one.thing, one.because
        );
        let key = [one.subject.as_str(), &one.who];
        let found = Told::new("access-lock-out", &text, &key, &one.policy, &one.place, spec);
        results.push(found);
    }
    for one in &checks.guards {
        let text = weaker(one);
        let key = [one.subject.as_str(), &one.property, &one.what];
        results.push(Told::new("guard-weaker", &text, &key, &one.kind, &one.place, spec));
    }
    for one in &checks.services {
        if let (Some(because), true) = (&one.stopped, one.is_known) {
            let text =
                format!("{} by {} to {} is stopped: {because}", one.carries, one.who, one.to);
            let key = [one.who.as_str(), &one.from, &one.to];
            let found =
                Told::new("access-service-stopped", &text, &key, &one.carries, &one.place, spec);
            results.push(found);
        }
    }
    let mut all: Vec<Rule> = RULES.to_vec();
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
        let id = rule.code.as_str();
        let mut told = Told::new(id, &text, &key, &finding.kind, &one.place, spec);
        told.says(&finding.listed);
        told.says(std::slice::from_ref(&finding.content));
        told.is_old = !one.is_new;
        told.result.insert("level", level);
        results.push(told);
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
            "results": (Value::List(told(results)))
        }]
    })
}

/// A result, and what its fingerprint is made of.
struct Told {
    result: Map,
    /// The rule, the kind, the principal and the place.
    key: Vec<String>,
    /// What it says beside.
    said: Vec<String>,
    is_old: bool,
}

impl Told {
    fn new(rule: &str, text: &str, key: &[&str], kind: &str, place: &Line, spec: &str) -> Told {
        let level = RULES.iter().find(|(id, ..)| *id == rule).map_or("warning", |rule| rule.1);
        let mut message = text.to_owned();
        let (file, at) = match place.is_before {
            false => (place.file.as_deref().unwrap_or(spec), place.line.unwrap_or(1)),
            // an alert stands in the file as it is now; where its line was before is said in words
            true => {
                let path = format!("{}{}", place.path, before(place));
                let was = line(place).or(Some(path).filter(|_| !place.path.is_empty()));
                message.extend(was.map(|was| format!("; {was}")));
                (spec, 1)
            }
        };
        let mut location = document!({
            "physicalLocation": {
                "artifactLocation": {"uri": (uri(file))},
                "region": {"startLine": (i64::from(at))}
            }
        });
        if let (Some(map), false) =
            (location.as_map_mut(), place.path.is_empty() || place.is_before)
        {
            let path = document!([{"fullyQualifiedName": (place.path.clone())}]);
            map.insert("logicalLocations", path);
        }
        let mut result = Map::new();
        result.insert("ruleId", rule.to_owned());
        result.insert("level", level);
        result.insert("message", document!({"text": message}));
        result.insert("locations", vec![location]);
        let key = [rule, kind].iter().chain(key).map(|part| (*part).to_owned()).collect();
        Told { result, key, said: vec![text.to_owned()], is_old: false }
    }

    /// Adds to what it says.
    fn says(&mut self, more: &[String]) {
        self.said.extend_from_slice(more);
    }
}

/// The results, each with its fingerprint.
fn told(results: Vec<Told>) -> Vec<Value> {
    let mut alike: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (at, one) in results.iter().enumerate() {
        alike.entry(&one.key).or_default().push(at);
    }
    let mut prints = vec![String::new(); results.len()];
    for (key, mut all) in alike {
        all.sort_by_key(|at| (!results[*at].is_old, &results[*at].said));
        for (nth, at) in all.iter().enumerate() {
            let said = &results[*at].said;
            // two that say the same are told apart by their number
            let same = all[..nth].iter().filter(|other| results[**other].said == *said).count();
            prints[*at] = match nth {
                0 => fingerprint(key.iter()),
                _ => fingerprint(key.iter().chain(said).chain([&same.to_string()])),
            };
        }
    }
    let with = |(mut one, print): (Told, String)| {
        one.result.insert("partialFingerprints", document!({"lakewright/v1": print}));
        Value::Map(one.result)
    };
    results.into_iter().zip(prints).map(with).collect()
}

/// SHA-256 of parts, hexadecimal. Lengths stand between, so that no two lists are one text.
fn fingerprint<'p>(parts: impl Iterator<Item = &'p String>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
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
