//! The checks beside the verdict, as lines that text and Markdown share. Nothing is escaped here: each form does that.

use super::{View, line};
use crate::render::access_rules::waiver_line;
use crate::review::checks::{Carried, Found, LockedOut, Row, Table};
use crate::review::guards::Weaker;
use crate::review::matrix::How;

/// Whether all is well, in one line, then what is not.
pub struct Section {
    pub title: &'static str,
    pub is_well: bool,
    pub head: String,
    pub lines: Vec<String>,
}

fn counted(n: usize, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

/// Who keeps the policies in hand.
pub fn lockout(view: &View<'_>) -> Option<Section> {
    let checks = &view.review.checks;
    if checks.keeps.is_empty() {
        return None;
    }
    let lost = checks.locked_out.iter().filter(|one| one.is_known).count();
    let keeps = checks.keeps.iter().map(|one| {
        let policies = one.policies.iter().map(|(policy, kept, of)| {
            let plural = match policy.strip_suffix("policy") {
                Some(rest) if *of != 1 => format!("{rest}policies"),
                _ => policy.clone(),
            };
            format!("{kept}/{of} {plural}")
        });
        let policies: Vec<String> = policies.collect();
        let word = if one.applies { "keeps" } else { "administers" };
        format!("{} {word} {}", one.who, policies.join(", "))
    });
    let keeps: Vec<String> = keeps.collect();
    let word = match (lost, checks.locked_out.is_empty()) {
        (0, true) => "ok".to_owned(),
        (0, false) => "not known".to_owned(),
        (n, _) => counted(n, "policy out of hand", "policies out of hand"),
    };
    Some(Section {
        title: "LOCK-OUT CHECK",
        is_well: lost == 0,
        head: format!("{word}: {}", keeps.join("; ")),
        lines: checks.locked_out.iter().map(locked_out).collect(),
    })
}

fn locked_out(one: &LockedOut) -> String {
    let will = match (one.is_known, one.is_new) {
        (false, _) => "may not be able to",
        (true, true) => "could not",
        (true, false) => "could not before either",
    };
    let out = if one.way_out.is_empty() { String::new() } else { format!(" ({})", one.way_out) };
    format!(
        "{} {will} change the {} of {} again: {}{out}",
        one.who, one.policy, one.thing, one.because
    )
}

/// What guards less than before; nothing where all guards stay.
pub fn guards(view: &View<'_>) -> Option<Section> {
    let found = &view.review.checks.guards;
    let line = |one: &Weaker| {
        let at = line(&one.place).unwrap_or_else(|| one.place.path.clone());
        format!("{}    {at}", weaker(one)).trim_end().to_owned()
    };
    (!found.is_empty()).then(|| Section {
        title: "GUARDS",
        is_well: false,
        head: counted(found.len(), "guard less than before", "guards less than before"),
        lines: found.iter().map(line).collect(),
    })
}

/// `bucket raw: versioning: Enabled -> none`.
pub fn weaker(one: &Weaker) -> String {
    let value = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let what = match one.what.as_str() {
        "" if one.guard == "public access block" => {
            format!(" {}", one.property.rsplit('/').next().unwrap_or_default())
        }
        "" => String::new(),
        what => format!(" {what}"),
    };
    format!("{}: {}{what}: {} -> {}", one.thing, one.guard, value(&one.before), value(&one.after))
}

/// Whether services get through.
pub fn services(view: &View<'_>) -> Section {
    let checks = &view.review.checks;
    let count = |wanted: &dyn Fn(&&Carried) -> bool| checks.services.iter().filter(wanted).count();
    let stopped = count(&|one| one.stopped.is_some() && one.is_known);
    let unknown = count(&|one| !one.is_known);
    let first = |one: &Carried| one.carries.split(',').next().unwrap_or_default().to_owned();
    let mut kinds: Vec<String> = checks.services.iter().map(first).collect();
    kinds.dedup();
    let paths = counted(checks.services.len(), "path", "paths");
    let head = match (stopped, unknown, kinds.is_empty()) {
        (.., true) => "nothing that a service carries".to_owned(),
        (0, 0, _) => format!("ok: {} pass every Deny ({paths})", kinds.join(", ")),
        (0, n, _) => format!("ok, {n} not known ({paths})"),
        (n, _, _) => format!("{n} of {paths} stopped"),
    };
    let mut lines: Vec<String> = checks.services.iter().filter_map(carried).collect();
    lines.extend(
        checks
            .idle
            .iter()
            .map(|one| format!("the new Deny {} of {} stops nobody", one.statement, one.thing)),
    );
    Section { title: "SERVICES", is_well: stopped == 0, head, lines }
}

fn carried(one: &Carried) -> Option<String> {
    let because = one.stopped.as_ref()?;
    let will = match (one.is_known, one.is_newly_stopped()) {
        (false, _) => "is not known to get through",
        (true, true) => "WILL BE STOPPED",
        (true, false) => "does not get through",
    };
    let from = if one.from.is_empty() { String::new() } else { format!(" from {}", one.from) };
    Some(format!("{} by {}{from} to {} {will}: {because}", one.carries, one.who, one.to))
}

/// What follows a name in the table.
fn standing(row: &Row) -> &'static str {
    match (row.is_new, row.is_gone) {
        (true, _) => "+",
        (_, true) => "-",
        _ => "",
    }
}

/// A cell with what changes in it.
fn cell(both: &(String, String)) -> String {
    match both.0 == both.1 {
        true => both.1.clone(),
        false => format!("{} -> {}", both.0, both.1),
    }
}

/// The table as rows of cells, the head first; by columns where there are few, else one line for each cell that changes.
pub fn table(table: &Table, all: bool) -> Vec<Vec<String>> {
    const MOST_COLUMNS: usize = 6;
    let name = |row: &Row| format!("{}{}", row.name, standing(row));
    if table.columns.len() <= MOST_COLUMNS || all {
        let head = std::iter::once(String::new()).chain(table.columns.iter().cloned());
        let rows = table
            .rows
            .iter()
            .map(|row| std::iter::once(name(row)).chain(row.cells.iter().map(cell)).collect());
        return std::iter::once(head.collect()).chain(rows).collect();
    }
    let mut found = Vec::new();
    for row in &table.rows {
        let mut shown = name(row);
        for (column, both) in table.columns.iter().zip(&row.cells) {
            if both.0 != both.1 {
                found.push(vec![std::mem::take(&mut shown), column.clone(), cell(both)]);
            }
        }
    }
    found
}

/// What the letters and marks of a table mean: those that occur.
pub fn legend(table: &Table) -> String {
    let mut words =
        vec!["R read  W write  D delete  A change who gets in   + new  - gone".to_owned()];
    for how in &table.marks {
        let text = match how {
            How::Direct => continue,
            How::Bypass => "! past Lake Formation",
            How::LakeFormation => "lf by Lake Formation",
            How::Partly => "lf part: some columns or rows",
            How::Through => "~ through another principal",
            How::Unknown => "? not known",
        };
        words.push(text.to_owned());
    }
    if table.unchanged > 0 {
        words.push(format!("{} unchanged (--all)", counted(table.unchanged, "row", "rows")));
    }
    words.join("   ")
}

/// A finding of a rule: `HIGH  LW0441 data is open: bucket raw allows everybody`.
pub fn finding(found: &Found) -> String {
    let (one, rule) = (&found.finding, found.finding.rule);
    let at = line(&found.place).unwrap_or_else(|| found.place.path.clone());
    let at = if at.is_empty() { at } else { format!("    {at}") };
    let severity = rule.severity.as_str().to_uppercase();
    format!("{severity}  {} {}: {} {}{at}", rule.code, rule.title, found.who, one.message)
}

/// New findings, and how many there were before.
pub fn findings(view: &View<'_>) -> Option<Section> {
    let checks = &view.review.checks;
    let (new, old): (Vec<&Found>, Vec<&Found>) = checks.findings.iter().partition(|one| one.is_new);
    if new.is_empty() && old.is_empty() {
        return None;
    }
    let mut head = counted(new.len(), "new finding", "new findings");
    if !old.is_empty() {
        head += &format!(", {} as before (lakewright access rules)", old.len());
    }
    let shown = if view.all { new.len() } else { new.len().min(20) };
    let mut lines: Vec<String> = new[..shown].iter().map(|one| finding(one)).collect();
    if shown < new.len() {
        lines.push(format!("+{} more (--all)", new.len() - shown));
    }
    Some(Section { title: "RULES", is_well: new.is_empty(), head, lines })
}

/// What waivers silence, and which are new or expire.
pub fn waivers(view: &View<'_>) -> Option<Section> {
    let judged = &view.review.checks.judged;
    let mut lines: Vec<String> = Vec::new();
    let mut waived: Vec<_> = judged.waived.iter().map(|one| &one.waiver).collect();
    waived.sort();
    waived.dedup();
    lines.extend(waived.iter().map(|waiver| waiver_line(waiver)));
    for new in &judged.new_waivers {
        let what = if new.before.is_some() { "EXTENDED WAIVER" } else { "NEW WAIVER" };
        lines.push(format!(
            "{what}  {}  it silences nothing in this review; from the next on {}",
            waiver_line(&new.waiver),
            counted(new.covers, "finding", "findings")
        ));
    }
    lines.extend(judged.expired.iter().map(|waiver| format!("EXPIRED  {}", waiver_line(waiver))));
    if lines.is_empty() {
        return None;
    }
    let mut head = counted(judged.waived.len(), "finding", "findings");
    if !judged.expiring.is_empty() {
        head += &format!(" ({} expiring in 30 days)", judged.expiring.len());
    }
    Some(Section { title: "WAIVED", is_well: judged.new_waivers.is_empty(), head, lines })
}
