//! A review in the terminal: what was gained first, the gravest first, then what was lost and what is not known.

use std::fmt::Write as _;

use super::{View, acts, before, checks, fails, headline, label, line, said, side};
use crate::render::access::lines;
use crate::render::access_states::{READ, unread};
use crate::render::escape::escape_line;
use crate::review::statements::Statement;
use crate::review::{Escalation, Failing, Item, Line, Open};

/// The review as text.
pub fn text(view: &View<'_>) -> String {
    let mut out = top(view);
    let mut number = 0;
    let mut count = || {
        number += 1;
        number
    };
    let review = view.review;
    if !review.gained.is_empty() || !review.escalations.is_empty() {
        out += "\nGAINED\n";
    }
    // who gets at the rights of another stands behind what is open to strangers, before what is plain
    let (grave, plain): (Vec<_>, Vec<_>) =
        review.gained.iter().partition(|item| !item.kinds.is_empty());
    grave.into_iter().for_each(|item| gained(&mut out, count(), item, view));
    review.escalations.iter().for_each(|one| escalation(&mut out, count(), one));
    plain.into_iter().for_each(|item| gained(&mut out, count(), item, view));
    if !review.lost.is_empty() || !review.failing.is_empty() {
        out += "\nLOST\n";
    }
    let mut told = vec![false; review.failing.len()];
    for item in &review.lost {
        lost(&mut out, count(), item, view);
        for (at, one) in review.failing.iter().enumerate() {
            if one.who == item.who && !told[at] {
                told[at] = true;
                failing(&mut out, one);
            }
        }
    }
    for (one, _) in review.failing.iter().zip(told).filter(|(_, told)| !told) {
        failing(&mut out, one);
    }
    if !review.undecided.is_empty() {
        out += match view.allow_undecided {
            Some(_) => "\nUNDECIDED (let pass)\n",
            None => "\nUNDECIDED (treated as broadened)\n",
        };
    }
    review.undecided.iter().for_each(|one| open(&mut out, count(), one));
    out += &checked(view);
    out += &statements(view);
    out
}

/// The checks beside the verdict.
fn checked(view: &View<'_>) -> String {
    let mut out = String::from("\n");
    let sections = [
        checks::guards(view),
        checks::lockout(view),
        Some(checks::services(view)),
        checks::findings(view),
        checks::waivers(view),
    ];
    for one in sections.into_iter().flatten() {
        let _ = writeln!(out, "{:<15}  {}", one.title, escape_line(&one.head));
        for line in &one.lines {
            let _ = writeln!(out, "     {}", escape_line(line));
        }
    }
    out + &table(view)
}

/// Who can do what where.
fn table(view: &View<'_>) -> String {
    let found = &view.review.checks.table;
    if found.rows.is_empty() {
        return String::new();
    }
    let mut out = "\nWHO CAN DO WHAT WHERE\n".to_owned();
    let rows = checks::table(found, view.all);
    let wide = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| escape_line(cell).chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..wide).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let cell = escape_line(cell);
            let room = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(room))
        });
        let text = cells.collect::<Vec<_>>().join("   ");
        let _ = writeln!(out, " {}", text.trim_end());
    }
    let _ = writeln!(out, " {}", checks::legend(found));
    out
}

/// The first lines: what was compared, the verdict, what was read.
fn top(view: &View<'_>) -> String {
    let review = view.review;
    let mut out = String::new();
    let about = &review.about;
    let environment = match about.environment.as_str() {
        "" => String::new(),
        name => format!("   env {name} {} {}", about.account, about.region),
    };
    let head =
        format!("lakewright review   {} -> {}{environment}", side(&review.old), side(&review.new));
    let _ = writeln!(out, "{}", escape_line(&head));
    let (gained, lost, undecided) = review.counts();
    let tripped = view.tripped();
    let exit = match tripped.is_empty() {
        true => String::new(),
        false => format!("   exit 4 (--fail-on {})", tripped.join(",")),
    };
    let _ = writeln!(
        out,
        "{}   {gained} gained   {lost} lost   {undecided} undecided   {} unchanged{exit}",
        headline(review.verdict).to_uppercase(),
        review.unchanged
    );
    let _ = writeln!(out, "read: {}      not read: {}", READ.join(", "), unread().join(", "));
    for (gate, why) in view.gates {
        if let Some(why) = why {
            let _ = writeln!(out, "gate {} failed: {}", gate.as_str(), escape_line(why));
        }
    }
    if let Some(reason) = view.allow_undecided.filter(|_| review.is_open()) {
        let _ = writeln!(out, "undecided is let pass: {}", escape_line(reason));
    }
    out
}

/// Where it stands in the spec.
fn at(place: &Line) -> String {
    match (line(place), place.path.as_str()) {
        (Some(line), path) => format!("    {line}  {path}"),
        (None, "") => String::new(),
        (None, path) => format!("    {path}{}", before(place)),
    }
}

fn head(out: &mut String, number: usize, label: &str, text: &str, place: &Line) {
    let label = if label.is_empty() { String::new() } else { format!("{label}  ") };
    let text = format!("{label}{text}{}", at(place));
    let _ = writeln!(out, "{number:>2} {}", escape_line(&text));
}

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "     {name:<14}  {}", escape_line(text));
}

fn gained(out: &mut String, number: usize, item: &Item, view: &View<'_>) {
    let (main, rest) = said(item, view.all);
    let text = format!("{} gains {main}", item.who);
    head(out, number, label(item, true), &text, &item.place);
    if let Some(rest) = rest {
        row(out, "and", &rest);
    }
    let others: Vec<&str> = item.kinds.iter().skip(1).map(|kind| kind.as_str()).collect();
    if !others.is_empty() {
        row(out, "also", &others.join(", "));
    }
    if !item.runs.is_empty() {
        row(out, "runs as it", &item.runs.join(", "));
    }
    if !item.conditions.is_empty() {
        row(out, "under", &item.conditions.join("; "));
    }
    if let Some(request) = &item.request {
        out.push_str(&indented(&lines(request, "before denied", "now ALLOWED")));
    }
    decided(out, item);
    for needed in &item.needed {
        let printed = item.handover.as_ref().map_or_else(String::new, |name| {
            format!(" (printed by: lakewright access handover {name})")
        });
        let printed = if needed.contains("identity policy") { printed } else { String::new() };
        row(out, "still needed", &format!("{needed}{printed}"));
    }
    if !item.complete {
        row(out, "not all", "there may be more than is shown here: not everything was looked into");
    }
}

fn lost(out: &mut String, number: usize, item: &Item, view: &View<'_>) {
    let (main, rest) = said(item, view.all);
    let text = match item.request {
        Some(_) => format!("{} loses {main}", item.who),
        None => format!("{} may lose something, and gains nothing", item.who),
    };
    head(out, number, label(item, false), &text, &item.place);
    if let Some(rest) = rest {
        row(out, "and", &rest);
    }
    if let Some(request) = &item.request {
        out.push_str(&indented(&lines(request, "before allowed", "now DENIED")));
        decided(out, item);
    } else if let Some(reason) = &item.reason {
        row(out, "because", reason);
    }
}

fn decided(out: &mut String, item: &Item) {
    let exact = if item.exact { "exact, replayed" } else { "replayed" };
    row(out, "decided by", &format!("{}    {exact}", item.decided_by.join(" AND ")));
    if let (false, Some(reason)) = (item.exact, &item.reason) {
        row(out, "not exact", reason);
    }
}

fn escalation(out: &mut String, number: usize, one: &Escalation) {
    head(out, number, "ESCALATION", &format!("{} {}", one.who, acts(one)), &one.place);
    row(out, "how", &format!("{}: {}", one.how, one.what));
    out.push_str(&indented(&lines(&one.request, "request", "now ALLOWED")));
    if !one.further.is_empty() {
        row(out, "and through it", &one.further.join(", "));
    }
    one.needed.iter().for_each(|needed| row(out, "still needed", needed));
}

fn failing(out: &mut String, one: &Failing) {
    let _ = writeln!(out, "     {}", escape_line(&fails(one)));
    if let Some(because) = &one.because {
        row(out, "because", because);
    }
}

fn open(out: &mut String, number: usize, one: &Open) {
    head(out, number, "", &format!("{}  {}", one.who, one.about), &one.place);
    row(out, "because", &one.because);
    if let Some(help) = &one.help {
        row(out, "to know more", help);
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}\n")).collect()
}

/// How many policies changed, or their statements.
fn statements(view: &View<'_>) -> String {
    let changed = &view.review.statements;
    if changed.is_empty() {
        return String::new();
    }
    let bytes: usize = changed.iter().map(|one| one.bytes()).sum();
    let size = match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        _ => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
    };
    let noun = if changed.len() == 1 { "policy" } else { "policies" };
    let mut out = format!("\nPOLICIES  {} {noun} changed, {size} of statements", changed.len());
    if !view.statements {
        let _ = writeln!(out, ": {} --policies", escape_line(view.command));
        return out;
    }
    out.push('\n');
    for one in changed {
        let _ = writeln!(out, "{}  {}", escape_line(&one.name), one.layer);
        let mut each = |sign: char, list: &[Statement]| {
            for statement in list {
                let _ = writeln!(
                    out,
                    "  {sign} {}{}",
                    escape_line(&statement.value.to_json()),
                    escape_line(&at(&statement.place))
                );
            }
        };
        each('-', &one.gone);
        each('+', &one.come);
    }
    out
}
