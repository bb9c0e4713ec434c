//! What the rules find, for people and programs.
//!
//! In: [`Judged`] findings, and where spec paths stand. Out: text or JSON. Grouped by rule, the gravest first, since what
//! is to be done is the same for all that a rule finds. Names come from specs and templates of others: all are escaped.

use std::collections::BTreeMap;

use super::access_reach::layers;
use super::access_states::short;
use super::escape;
use crate::document::{Map, Value};
use crate::plan;
use crate::rules::{Finding, Judged, RULES, Rule, Severity, Waiver};

/// What is shown.
pub struct View<'v> {
    pub judged: &'v Judged,
    /// A spec path with its file and line.
    pub place: &'v dyn Fn(&str) -> Option<plan::Cause>,
}

/// Whom or what a finding is about, as people say it.
pub fn subject(finding: &Finding) -> String {
    short(&finding.subject, &finding.kind)
}

/// Where it comes from: file, line and path of a spec, else where it stands in a template.
pub fn source(finding: &Finding, place: &dyn Fn(&str) -> Option<plan::Cause>) -> String {
    let origin = &finding.origin;
    if !origin.path.is_empty() {
        let at = place(&origin.path)
            .and_then(|cause| Some(format!("{}:{}  ", cause.file?, cause.line?)));
        return format!("{}{}", at.unwrap_or_default(), origin.path);
    }
    let words = [origin.stack.as_str(), origin.logical_id.as_str(), finding.property.as_str()];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `2 critical, 1 high, 0 medium, 3 low`.
pub fn counts(findings: &[Finding]) -> String {
    let of = |severity| findings.iter().filter(|one| one.rule.severity == severity).count();
    let words: Vec<String> =
        Severity::ALL.iter().map(|severity| format!("{} {severity}", of(*severity))).collect();
    words.join(", ")
}

/// The text form.
pub fn text(view: &View<'_>) -> String {
    let judged = view.judged;
    let mut out = match judged.open.is_empty() {
        true => "Nothing is found that is not waived.\n".to_owned(),
        false => format!("Found: {}.\n", counts(&judged.open)),
    };
    let mut last: Option<&Rule> = None;
    for finding in &judged.open {
        let rule = finding.rule;
        if last != Some(rule) {
            let controls: Vec<&str> = rule.controls.iter().map(|one| one.id).collect();
            let controls = match controls.is_empty() {
                true => String::new(),
                false => format!("   {}", controls.join(", ")),
            };
            let severity = rule.severity.as_str().to_uppercase();
            out += &format!("\n{severity}  {} ({}){controls}\n", rule.title, rule.code);
        }
        last = Some(rule);
        out += &format!("  {}: {}\n", escape(&subject(finding)), escape(&finding.message));
        out += &format!("      {}\n", escape(&source(finding, view.place)));
        out += &format!("      help: {}\n", escape(&finding.help));
    }
    if !judged.waived.is_empty() {
        out += "\nWAIVED\n";
        let mut by: BTreeMap<&Waiver, usize> = BTreeMap::new();
        judged.waived.iter().for_each(|one| *by.entry(&one.waiver).or_default() += 1);
        for (waiver, count) in by {
            out += &format!("  {}", waiver_line(waiver));
            out += &format!("   {count} {}\n", if count == 1 { "finding" } else { "findings" });
        }
        if let Some(first) = judged.expiring.first() {
            let count = judged.expiring.len();
            out += &format!("  {count} expiring within 30 days, the first in {}\n", first.days);
        }
    }
    out += "\n";
    out + &layers()
}

/// `LW0449  buckets.raw  until 2027-03-01  "why"`.
pub fn waiver_line(waiver: &Waiver) -> String {
    let (on, reason) = (escape(&waiver.on), escape(&waiver.reason));
    format!("{}  {on}  until {}  \"{reason}\"", waiver.rule, waiver.until)
}

/// A finding as JSON. The fingerprint stays when lines move: rule, subject, place and kind.
pub fn finding_json(finding: &Finding, place: &dyn Fn(&str) -> Option<plan::Cause>) -> Map {
    let mut map = Map::new();
    map.insert("rule", finding.rule.code.as_str());
    map.insert("severity", finding.rule.severity.as_str());
    map.insert("title", finding.rule.title);
    map.insert("subject", finding.subject.clone());
    map.insert("name", subject(finding));
    map.insert("kind", finding.kind.clone());
    map.insert("place", finding.place.clone());
    map.insert("place_path", finding.place_path.clone());
    map.insert("message", finding.message.clone());
    map.insert("help", finding.help.clone());
    map.insert("stack", finding.origin.stack.clone());
    map.insert("logical_id", finding.origin.logical_id.clone());
    map.insert("property", finding.property.clone());
    map.insert("path", finding.origin.path.clone());
    let cause = Some(finding.origin.path.as_str()).filter(|path| !path.is_empty()).and_then(place);
    let (file, line) = cause.map_or((None, None), |cause| (cause.file, cause.line));
    map.insert("file", file.map_or(Value::Null, Value::from));
    let line = line.map(i64::from);
    map.insert("line", line.map_or(Value::Null, Value::Int));
    map.insert("controls", controls(finding.rule));
    map.insert("fingerprint", fingerprint(finding));
    map
}

/// What stays the same while lines move.
pub fn fingerprint(finding: &Finding) -> String {
    let parts = [finding.rule.code.as_str(), &finding.subject, &finding.place, &finding.kind];
    parts.join("|")
}

fn controls(rule: &Rule) -> Vec<Value> {
    let control = |one: &crate::rules::Control| {
        let mut map = Map::new();
        map.insert("id", one.id);
        map.insert("url", one.source);
        Value::Map(map)
    };
    rule.controls.iter().map(control).collect()
}

/// A waiver as JSON.
pub fn waiver_json(waiver: &Waiver) -> Map {
    let mut map = Map::new();
    map.insert("rule", waiver.rule.clone());
    map.insert("on", waiver.on.clone());
    map.insert("reason", waiver.reason.clone());
    map.insert("until", waiver.until.to_string());
    map.insert("path", waiver.path.clone());
    map
}

/// The keys of the document.
pub fn json(view: &View<'_>) -> Map {
    let judged = view.judged;
    let mut body = Map::new();
    let list = judged.open.iter().map(|one| Value::Map(finding_json(one, view.place)));
    body.insert("findings", list.collect::<Vec<_>>());
    let waived = judged.waived.iter().map(|one| {
        let mut map = finding_json(&one.finding, view.place);
        map.insert("waiver", Value::Map(waiver_json(&one.waiver)));
        Value::Map(map)
    });
    body.insert("waived", waived.collect::<Vec<_>>());
    let waivers =
        |list: &[Waiver]| list.iter().map(|one| Value::Map(waiver_json(one))).collect::<Vec<_>>();
    body.insert("expired_waivers", waivers(&judged.expired));
    body.insert("unused_waivers", waivers(&judged.unused));
    let expiring = judged.expiring.iter().map(|one| {
        let mut map = waiver_json(&one.waiver);
        map.insert("days", i64::from(one.days));
        Value::Map(map)
    });
    body.insert("expiring_waivers", expiring.collect::<Vec<_>>());
    let mut counted = Map::new();
    for severity in Severity::ALL {
        let count = judged.open.iter().filter(|one| one.rule.severity == severity).count();
        counted.insert(severity.as_str(), i64::try_from(count).unwrap_or(i64::MAX));
    }
    body.insert("counts", Value::Map(counted));
    body
}

/// The rules, as text.
pub fn list_text() -> String {
    let mut out = String::new();
    for rule in RULES {
        let mut more: Vec<&str> = rule.controls.iter().map(|one| one.id).collect();
        if !rule.waivable {
            more.push("not waivable");
        }
        let more = if more.is_empty() { String::new() } else { format!("   {}", more.join(", ")) };
        out += &format!("{}  {:<8}  {}{more}\n", rule.code, rule.severity, rule.title);
    }
    out + "\n`lakewright explain CODE` says what each means and shows what breaks it.\n"
}

/// The rules, as JSON.
pub fn list_json() -> Map {
    let rule = |rule: &Rule| {
        let mut map = Map::new();
        map.insert("code", rule.code.as_str());
        map.insert("severity", rule.severity.as_str());
        map.insert("title", rule.title);
        map.insert("why", rule.why);
        map.insert("waivable", rule.waivable);
        map.insert("controls", controls(rule));
        Value::Map(map)
    };
    let mut body = Map::new();
    body.insert("rules", RULES.iter().map(rule).collect::<Vec<_>>());
    body
}
