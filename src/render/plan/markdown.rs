//! A plan as a comment on a change request.

use std::fmt::Write;

use super::values::{block, inline, path};
use super::{access_lines, access_summary, at_risk, groups, line, summary};
use crate::document::Value;
use crate::plan::{Action, Change, Plan, PropertyChange, StackPlan};
use crate::render::markdown::{fenced, marker, text};

/// The plan as Markdown of at most `most` bytes (GitHub takes 65,536 characters). A hidden marker
/// stands first, so that a later run finds its comment again. The top (refusals, data at risk, access,
/// summary) is always complete, whatever `most` says; what follows is left out thing by thing, and how
/// much was left out is said.
pub fn markdown(plan: &Plan, most: usize) -> String {
    let mut out = top(plan);
    let groups = groups(plan);
    let reserve = 120;
    let mut left = 0;
    for group in &groups {
        let text = section(group.path, line(group.cause).as_deref(), &group.changes);
        if left == 0 && out.len() + text.len() + reserve <= most {
            out.push_str(&text);
        } else {
            left += 1;
        }
    }
    if left > 0 {
        let _ = writeln!(
            out,
            "\n_{left} of {} things are left out for want of room: `lakewright plan` shows them._",
            groups.len()
        );
    }
    out
}

fn top(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "<!-- lakewright:plan:{} -->", marker(&plan.environment));
    let _ = writeln!(out, "### lakewright: {} in {}\n", text(&plan.lake), text(&plan.environment));
    let _ = writeln!(out, "**{}**", summary(plan));
    if let Some(access) = access_summary(plan) {
        let _ = writeln!(out, "{access}");
    }
    for refusal in &plan.refusals {
        let _ = writeln!(out, "\n> **error[{}]**: {}", refusal.code, text(&refusal.summary));
        for help in &refusal.help {
            let _ = writeln!(out, "> - {}", text(help));
        }
    }
    let risks = at_risk(plan);
    if !risks.is_empty() {
        let _ = writeln!(out, "\n**Data at risk**\n");
        for (_, change, says) in risks {
            let id = change.physical_id.as_deref().unwrap_or(change.logical_id.as_str());
            let place =
                line(&change.cause).map_or_else(String::new, |at| format!(" ({})", text(&at)));
            let thing = crate::plan::name_of(&change.cause.path);
            let _ = writeln!(
                out,
                "- `{}` {} ({} {}) {says}{place}",
                change.action.symbol(),
                text(&thing),
                change.kind,
                text(id)
            );
        }
    }
    if !plan.access.is_empty() {
        let _ = writeln!(out, "\n**Access**\n\n```diff");
        for (added, text, when, _) in access_lines(plan) {
            let sign = if added { '+' } else { '-' };
            let when = when.map_or(String::new(), |when| format!(" {when}"));
            let _ = writeln!(out, "{sign} {}", fenced(&format!("{text}{when}")));
        }
        let _ = writeln!(out, "```");
    }
    for (title, lines) in [("Less than the default", &plan.opt_outs), ("Warnings", &plan.warnings)]
    {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n**{title}**\n");
            for line in lines {
                let _ = writeln!(out, "- {}", text(line));
            }
        }
    }
    out
}

fn section(path: &str, place: Option<&str>, changes: &[(&StackPlan, &Change)]) -> String {
    let title = if path.is_empty() { "not in the spec" } else { path };
    let place = place.map_or_else(String::new, |place| format!(" ({})", text(place)));
    let mut out = format!(
        "\n<details><summary>{}{place}: {} {}</summary>\n\n```diff\n",
        text(title),
        changes.len(),
        if changes.len() == 1 { "resource" } else { "resources" }
    );
    for (stack, change) in changes {
        let sign = match change.action {
            Action::Create | Action::Import => '+',
            Action::Delete | Action::Replace | Action::Blocked => '-',
            Action::Update | Action::MayReplace => '!',
            Action::Retain | Action::Move => '#',
        };
        let name =
            change.physical_id.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        let head =
            format!("{} {}{name}: {}", change.kind, change.logical_id, change.action.meaning());
        let _ = writeln!(out, "{sign} {}", fenced(&head));
        for note in &change.notes {
            let _ = writeln!(out, "#   {}", fenced(note));
        }
        if change.action == Action::Create {
            let id = change.logical_id.as_str();
            if let Some(all) = stack.template.at(&["Resources", id, "Properties"]) {
                for line in block(all, 100, 20) {
                    let _ = writeln!(out, "+   {}", fenced(&line));
                }
            }
        }
        change.properties.iter().for_each(|one| property(&mut out, one));
    }
    out.push_str("```\n\n</details>\n");
    out
}

fn property(out: &mut String, property: &PropertyChange) {
    let name = path(&property.path);
    let show = |value: &Value| fenced(&inline(value, 160));
    if let Some(before) = &property.before {
        let _ = writeln!(out, "-   {name}: {}", show(before));
    }
    if property.known_after_apply {
        let _ = writeln!(out, "+   {name}: (known after apply)");
    } else if let Some(after) = &property.after {
        let _ = writeln!(out, "+   {name}: {}", show(after));
    }
}
