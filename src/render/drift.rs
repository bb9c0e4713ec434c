//! A report of drift, as text and as JSON.
//!
//! The text shows what has drifted, thing by thing, then what nobody looked at, then the sum. JSON has
//! every resource. The schema is `docs/schemas/drift.schema.json`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::escape::escape_line;
use crate::diagnostic::{self, Code};
use crate::document;
use crate::document::{Map, Value};
use crate::drift::{Difference, DriftReport, ResourceReport, Verdict};

/// A long value is cut to this many characters in the text.
const MOST: usize = 160;

/// The report for people.
pub fn text(report: &DriftReport) -> String {
    let mut out = String::new();
    for one in report.drifted() {
        match &one.verdict {
            Verdict::Deleted => line(&mut out, &format!("- {} is gone", named(one))),
            Verdict::Modified(differences) => {
                line(&mut out, &format!("~ {}", named(one)));
                for difference in differences {
                    line(&mut out, &changed(difference));
                }
            }
            Verdict::InSync | Verdict::Unread(_) => {}
        }
        out.push('\n');
    }
    if report.unread().next().is_some() {
        line(&mut out, "Not read, so nothing is known of:");
        for (one, why) in report.unread() {
            line(&mut out, &format!("  {}: {}", named(one), escape_line(why)));
        }
        out.push('\n');
    }
    if report.partly().next().is_some() {
        line(&mut out, "Read, but not all of it; nothing is known of these properties:");
        for one in report.partly() {
            line(&mut out, &format!("  {}: {}", named(one), one.blind.join(", ")));
        }
        out.push('\n');
    }
    for (stack, why) in &report.incomplete {
        line(&mut out, &format!("Detection is incomplete on stack {stack}: {}", escape_line(why)));
    }
    let (changed, gone, in_sync, unread) = counts(report);
    line(
        &mut out,
        &format!(
            "Drift: {changed} changed, {gone} gone, {in_sync} in sync, {unread} not read, {} read in part.",
            report.partly().count()
        ),
    );
    let codes: BTreeSet<Code> = report.diagnostics().iter().map(|found| found.code).collect();
    for code in codes {
        line(&mut out, &format!("  = explain: lakewright explain {code}"));
    }
    out
}

/// The report for programs: the keys of the document.
pub fn json(report: &DriftReport) -> Map {
    let (changed, gone, in_sync, unread) = counts(report);
    let resources: Vec<Value> = report.resources.iter().map(resource).collect();
    let incomplete: Vec<Value> = report
        .incomplete
        .iter()
        .map(|(stack, why)| {
            document!({"stack": (&stack.name), "region": (&stack.region), "reason": (why.clone())})
        })
        .collect();
    let mut map = Map::new();
    map.insert("drifted", changed + gone);
    map.insert("changed", changed);
    map.insert("deleted", gone);
    map.insert("in_sync", in_sync);
    map.insert("unread", unread);
    map.insert("incomplete", incomplete);
    map.insert("resources", resources);
    map
}

fn resource(one: &ResourceReport) -> Value {
    let mut map = Map::new();
    map.insert("stack", &one.stack.name);
    map.insert("region", &one.stack.region);
    map.insert("logical_id", &one.logical_id);
    map.insert("type", one.kind.clone());
    map.insert("physical_id", one.physical_id.clone());
    map.insert("path", one.path.clone());
    if !one.blind.is_empty() {
        map.insert("not_compared", one.blind.iter().cloned().collect::<Value>());
    }
    match &one.verdict {
        Verdict::InSync => drop(map.insert("status", "in_sync")),
        Verdict::Deleted => {
            map.insert("status", "deleted");
            map.insert("code", diagnostic::LW0701.as_str());
        }
        Verdict::Unread(why) => {
            map.insert("status", "unread");
            map.insert("code", diagnostic::LW0702.as_str());
            map.insert("reason", why.clone());
        }
        Verdict::Modified(differences) => {
            map.insert("status", "modified");
            map.insert("code", diagnostic::LW0701.as_str());
            let all = differences.iter().map(|difference| {
                let mut map = Map::new();
                map.insert("path", difference.path.clone());
                map.insert_some("expected", difference.expected.clone());
                map.insert_some("actual", difference.actual.clone());
                Value::Map(map)
            });
            map.insert("differences", all.collect::<Value>());
        }
    }
    Value::Map(map)
}

fn counts(report: &DriftReport) -> (i64, i64, i64, i64) {
    let mut counts = (0, 0, 0, 0);
    for one in &report.resources {
        match one.verdict {
            Verdict::Modified(_) => counts.0 += 1,
            Verdict::Deleted => counts.1 += 1,
            Verdict::InSync => counts.2 += 1,
            Verdict::Unread(_) => counts.3 += 1,
        }
    }
    counts
}

fn named(one: &ResourceReport) -> String {
    let kind = one.kind.strip_prefix("AWS::").unwrap_or(&one.kind);
    let name = if one.physical_id.is_empty() { one.logical_id.as_str() } else { &one.physical_id };
    format!("{} ({kind} {})", escape_line(&one.path), escape_line(name))
}

fn changed(difference: &Difference) -> String {
    let path = escape_line(&difference.path);
    match (&difference.expected, &difference.actual) {
        (Some(expected), Some(actual)) => {
            format!("    ~ {path}: {} -> {}", short(expected), short(actual))
        }
        (None, Some(actual)) => format!("    + {path}: {}", short(actual)),
        (Some(expected), None) => format!("    - {path}: {}", short(expected)),
        (None, None) => format!("    ~ {path}"),
    }
}

/// A value on one line of a bearable length.
fn short(value: &Value) -> String {
    let text = escape_line(&value.to_json()).into_owned();
    if text.chars().count() <= MOST {
        return text;
    }
    let head: String = text.chars().take(MOST).collect();
    format!("{head}...")
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("invariant: a text can be written to");
}
