//! A review as a comment on a pull request.
//!
//! The top block (what was gained, lost and not decided, what was read, which gate failed) is always complete; what
//! follows are folds, dropped from the last on until the comment fits. A hidden marker stands first, so that a later run
//! finds its comment again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{MOST, View, acts, before, checks, fails, headline, label, line, listed, side};
use crate::render::access_states::{READ, unread};
use crate::render::markdown::{code, fenced, marker, name};
use crate::review::{Item, Line};
use crate::verdict::{Request, Verdict};

/// Rows without a label (what a new role of the lake holds) that the table shows before it counts them.
const MOST_PLAIN: usize = 40;

/// The review as Markdown of at most `most` bytes, the top block apart (GitHub takes 65,536 characters).
pub fn markdown(view: &View<'_>, most: usize) -> String {
    let mut out = top(view);
    let end = end(view);
    let folds: Vec<String> = folds(view).into_iter().filter(|fold| !fold.is_empty()).collect();
    let note = |left: usize| match left {
        0 => String::new(),
        n => format!(
            "\n_{n} of {} folds are left out for want of room: the command below shows them._\n",
            folds.len()
        ),
    };
    let mut kept = folds.len();
    let size = |kept: usize| {
        let bytes: usize = folds[..kept].iter().map(String::len).sum();
        out.len() + bytes + note(folds.len() - kept).len() + end.len()
    };
    while kept > 0 && size(kept) > most {
        kept -= 1;
    }
    let left = note(folds.len() - kept);
    folds[..kept].iter().for_each(|fold| out.push_str(fold));
    out + &left + &end
}

fn top(view: &View<'_>) -> String {
    let review = view.review;
    let sign = match review.verdict {
        Verdict::Broadened | Verdict::Incomparable => "🔴",
        Verdict::Undecided => "🟡",
        Verdict::Narrowed | Verdict::Equivalent => "🟢",
    };
    let (gained, lost, undecided) = review.counts();
    let mut out = format!("<!-- lakewright:review:{} -->\n", marker(&review.about.environment));
    let environment = match review.about.environment.as_str() {
        "" => String::new(),
        name => format!("{} · ", code(name)),
    };
    let _ = writeln!(
        out,
        "### {sign} {}: {gained} gained, {lost} lost, {undecided} undecided — {environment}{} → {}\n",
        headline(review.verdict),
        code(&side(&review.old)),
        code(&side(&review.new))
    );
    let rows = rows(view);
    if !rows.is_empty() {
        out += "| | who | gains | on | how | spec |\n|---|---|---|---|---|---|\n";
        out += &rows;
        out.push('\n');
    }
    let _ = writeln!(out, "**Read:** {}. **Not read:** {}.", READ.join(", "), unread().join(", "));
    for (gate, why) in view.gates {
        if let Some(why) = why {
            let _ = writeln!(out, "\n**Gate failed:** `{}`: {}", gate.as_str(), name(why));
        }
    }
    if let Some(reason) = view.allow_undecided.filter(|_| review.is_open()) {
        let _ = writeln!(out, "\n**Undecided is let pass:** {}", name(reason));
    }
    out
}

fn cells(out: &mut String, cells: [&str; 6]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn place(place: &Line) -> String {
    match line(place) {
        Some(line) => code(&line),
        None if place.path.is_empty() => "–".to_owned(),
        None => code(&format!("{}{}", place.path, before(place))),
    }
}

fn rows(view: &View<'_>) -> String {
    let review = view.review;
    let mut out = String::new();
    let (grave, plain): (Vec<_>, Vec<_>) =
        review.gained.iter().partition(|item| !item.kinds.is_empty());
    grave.into_iter().for_each(|item| row(&mut out, item, true));
    for one in &review.escalations {
        let gains = match one.is_unbounded {
            true => "**anything**".to_owned(),
            false => format!("**the rights of** {}", name(&one.to)),
        };
        let how = format!("{}: {}", one.how, name(&one.what));
        let who = code(&one.who);
        cells(&mut out, ["escalation", &who, &gains, "–", &how, &place(&one.place)]);
    }
    plain.iter().take(MOST_PLAIN).for_each(|item| row(&mut out, item, true));
    more(&mut out, plain.len());
    review.lost.iter().take(MOST_PLAIN).for_each(|item| row(&mut out, item, false));
    more(&mut out, review.lost.len());
    for one in &review.failing {
        let text = name(&fails(one));
        let path = Line { path: one.path.clone(), ..Line::default() };
        cells(
            &mut out,
            ["**fails**", &code(&one.who), "–", &code(&one.place), &text, &place(&path)],
        );
    }
    for one in &review.undecided {
        cells(
            &mut out,
            ["undecided", &code(&one.who), "?", "–", &name(&one.because), &place(&one.place)],
        );
    }
    out
}

fn more(out: &mut String, all: usize) {
    if all > MOST_PLAIN {
        let text = format!("and {} more like these", all - MOST_PLAIN);
        cells(out, ["", &text, "–", "–", "–", "–"]);
    }
}

fn row(out: &mut String, item: &Item, gains: bool) {
    let verbs: BTreeSet<&String> = item.does.iter().flat_map(|one| &one.verbs).collect();
    let actions: BTreeSet<&String> = item.does.iter().flat_map(|one| &one.actions).collect();
    let mut what: Vec<String> = verbs.iter().map(|verb| format!("**{}**", name(verb))).collect();
    match actions.len() {
        0 => {}
        n if n <= 2 => what.extend(actions.iter().map(|action| code(action))),
        n => what.push(format!("{n} actions")),
    }
    let mut places: Vec<String> = Vec::new();
    for one in item.does.iter().flat_map(|one| &one.places).map(|place| code(place)) {
        if !places.contains(&one) {
            places.push(one);
        }
    }
    let on = if places.is_empty() { "–".to_owned() } else { listed(&places, false) };
    let what = if what.is_empty() { "nothing".to_owned() } else { what.join(", ") };
    let decided = item.decided_by.iter().map(|one| name(one)).collect::<Vec<_>>().join(" and ");
    let how = match (&item.handover, item.needed.first()) {
        (Some(entry), _) => format!(
            "{decided}; still needed: the other account's half ({})",
            code(&format!("lakewright access handover {entry}"))
        ),
        (None, Some(needed)) => format!("{decided}; still needed: {}", name(needed)),
        (None, None) => decided,
    };
    let how = if item.complete { how } else { format!("{how}; **there may be more**") };
    let label = match (gains, label(item, gains)) {
        (true, label) => label.to_lowercase(),
        (false, "GONE") => "gone".to_owned(),
        (false, _) => "lost".to_owned(),
    };
    cells(out, [&label, &code(&item.who), &what, &on, &how, &place(&item.place)]);
}

fn end(view: &View<'_>) -> String {
    format!("\n<sub>Reproduce: {} · lakewright {}</sub>\n", code(view.command), name(view.version))
}

fn fold(title: &str, body: &str) -> String {
    match body.is_empty() {
        true => String::new(),
        false => format!("\n<details><summary>{title}</summary>\n\n{body}\n</details>\n"),
    }
}

fn json(requests: &[(String, &Request)]) -> String {
    let mut out = String::new();
    for (who, request) in requests {
        let _ = writeln!(out, "// {}\n{}", fenced(who), fenced(&request.to_value().to_json()));
    }
    match out.is_empty() {
        true => out,
        false => format!("```json\n{out}```\n"),
    }
}

fn folds(view: &View<'_>) -> Vec<String> {
    let review = view.review;
    let gained = review.gained.iter().filter_map(|item| Some((told(item), item.request.as_ref()?)));
    let ways =
        review.escalations.iter().map(|one| (format!("{} {}", one.who, acts(one)), &one.request));
    let gained: Vec<(String, &Request)> = gained.chain(ways).collect();
    let lost = review.lost.iter().filter_map(|item| Some((told(item), item.request.as_ref()?)));
    let lost: Vec<(String, &Request)> = lost.collect();
    let help = review
        .undecided
        .iter()
        .filter_map(|one| Some(format!("- {}: {}\n", name(&one.who), name(one.help.as_ref()?))));
    let mut folds = vec![
        fold(
            &format!("Requests that were denied and are now allowed ({})", gained.len()),
            &json(&gained),
        ),
        fold("What would decide the undecided", &help.collect::<String>()),
    ];
    let sections = [
        checks::guards(view),
        checks::lockout(view),
        Some(checks::services(view)),
        checks::findings(view),
        checks::waivers(view),
    ];
    for one in sections.into_iter().flatten() {
        let lines: String = one.lines.iter().map(|line| format!("- {}\n", name(line))).collect();
        let sign = if one.is_well { "" } else { "⚠️ " };
        let title = format!("{sign}{}: {}", sentence(one.title), name(&one.head));
        folds.push(match lines.is_empty() {
            true => format!("\n{title}\n"),
            false => fold(&title, &lines),
        });
    }
    folds.push(table(view));
    folds
        .push(fold(&format!("Requests that are no longer allowed ({})", lost.len()), &json(&lost)));
    folds.push(statements(view));
    folds
}

/// `LOCK-OUT CHECK` as the beginning of a sentence.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{first}{}", letters.as_str().to_lowercase()))
}

fn put(body: &mut String, row: &[String]) {
    let code = |cell: &String| if cell.is_empty() { String::new() } else { code(cell) };
    let _ = writeln!(body, "| {} |", row.iter().map(code).collect::<Vec<_>>().join(" | "));
}

fn table(view: &View<'_>) -> String {
    let found = &view.review.checks.table;
    let rows = checks::table(found, false);
    let Some(wide) = rows.iter().map(Vec::len).max().filter(|_| !found.rows.is_empty()) else {
        return String::new();
    };
    let by_column = rows.first().and_then(|row| row.first()).is_some_and(String::is_empty);
    let mut body = String::new();
    let head = ["who", "where", "what"].map(str::to_owned);
    put(&mut body, if by_column { &rows[0] } else { &head });
    let _ = writeln!(body, "|{}|", vec!["---"; wide].join("|"));
    rows.iter().skip(usize::from(by_column)).for_each(|row| put(&mut body, row));
    let _ = writeln!(body, "\n{}", name(&checks::legend(found)));
    fold(&format!("Who can do what where ({} changed)", found.rows.len()), &body)
}

fn told(item: &Item) -> String {
    let places: Vec<String> = item.does.iter().flat_map(|one| one.places.iter().cloned()).collect();
    let more = places.len() > MOST;
    format!("{}: {}", item.who, listed(&places, !more))
}

fn statements(view: &View<'_>) -> String {
    let changed = &view.review.statements;
    let mut body = String::new();
    for one in changed {
        let _ = writeln!(body, "# {} ({})", fenced(&one.name), one.layer);
        for (sign, list) in [('-', &one.gone), ('+', &one.come)] {
            for statement in list {
                let at = line(&statement.place).unwrap_or_else(|| match &statement.place {
                    place if place.path.is_empty() => String::new(),
                    place => format!("{}{}", place.path, before(place)),
                });
                let at = if at.is_empty() { at } else { format!("   {at}") };
                let json = statement.value.to_json();
                let _ = writeln!(body, "{sign} {}{}", fenced(&json), fenced(&at));
            }
        }
    }
    let body = if body.is_empty() { body } else { format!("```diff\n{body}```\n") };
    let noun = if changed.len() == 1 { "policy" } else { "policies" };
    let title =
        format!("Statements that changed, with their spec lines ({} {noun})", changed.len());
    fold(&title, &body)
}
