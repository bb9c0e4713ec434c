//! A plan on a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::values::{
    beside, block, clean, inline, is_plain_list, list_difference, names, path, shortened,
    statements,
};
use super::{access_lines, access_summary, at_risk, groups, line, summary};
use crate::document::Value;
use crate::plan::{
    Action, Cause, Change, Consent, Effect, Operation, Plan, PropertyChange, Refusal, StackAction,
    StackPlan,
};
use crate::stacks::MOST_RESOURCES;

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Whether to write colours as escape sequences.
    pub color: bool,
    /// Columns; less than 60 is taken as 60.
    pub width: usize,
    /// Whether to say that the plan was not saved.
    pub note_unsaved: bool,
}

impl Default for View {
    fn default() -> Self {
        View { color: false, width: 110, note_unsaved: false }
    }
}

/// Lines of a property that comes or goes as a whole; the JSON form has all.
const MOST_LINES: usize = 8;

/// The plan as text, with a newline at the end.
pub fn text(plan: &Plan, view: &View) -> String {
    let mut out =
        Printer { view: View { width: view.width.max(60), ..*view }, text: String::new() };
    out.plan(plan);
    out.text
}

struct Printer {
    view: View,
    text: String,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const ALARM: Style = AnsiColor::Red.on_default().bold();

fn style(action: Action) -> Style {
    match action {
        Action::Create => GREEN,
        Action::Update | Action::MayReplace => YELLOW,
        Action::Delete | Action::Replace => RED,
        Action::Blocked => ALARM,
        Action::Retain | Action::Import | Action::Move => CYAN,
    }
}

impl Printer {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.view.color {
            format!("{}{text}{}", style.render(), style.render_reset())
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        let text = self.paint(BOLD, text);
        self.line("");
        self.line(&text);
    }

    /// A line with its place at the right edge, where there is room, else behind two spaces.
    fn placed(&mut self, styled: &str, width: usize, place: Option<&str>) {
        let Some(place) = place else { return self.line(styled) };
        let room = self.view.width.saturating_sub(width + place.chars().count());
        let gap = " ".repeat(room.max(2));
        let place = self.paint(DIM, place);
        self.line(&format!("{styled}{gap}{place}"));
    }

    fn plan(&mut self, plan: &Plan) {
        let warnings = !plan.warnings.is_empty() || !plan.refusals.is_empty();
        if plan.is_empty() && !warnings && plan.opt_outs.is_empty() {
            let text = self.paint(BOLD, &summary(plan));
            return self.line(&text);
        }
        if !plan.is_empty() {
            self.opening(plan);
            self.risks(plan);
            self.access(plan);
            for group in groups(plan) {
                let title = if group.path.is_empty() { "not in the spec" } else { group.path };
                let title = clean(title);
                let styled = self.paint(BOLD, &title);
                self.line("");
                self.placed(&styled, title.chars().count(), line(group.cause).as_deref());
                for (stack, change) in &group.changes {
                    self.change(stack, change, group.cause);
                }
            }
            self.stacks(plan);
        }
        self.list("Less than the default", &plan.opt_outs);
        self.list("Warnings", &plan.warnings);
        self.consents(plan);
        self.line("");
        let text = self.paint(BOLD, &summary(plan));
        self.line(&text);
        if let Some(access) = access_summary(plan) {
            self.line(&access);
        }
        self.refusals(&plan.refusals);
        if self.view.note_unsaved && !plan.is_empty() && plan.refusals.is_empty() {
            self.line("");
            let note = "Note: this plan was not saved with --out, so an apply plans again, and does what \
                        it finds then.";
            for part in wrapped(note, self.view.width) {
                let part = self.paint(DIM, &part);
                self.line(&part);
            }
        }
    }

    fn opening(&mut self, plan: &Plan) {
        let what = match plan.operation {
            Operation::Apply => "will make these changes",
            Operation::Destroy => "will take these things away",
        };
        // Two folders of templates are of no environment and no account.
        match plan.environment.as_str() {
            "" => self.line(&format!("From the old templates to the new ones ({}):", plan.region)),
            environment => self.line(&format!(
                "lakewright {what} in {} (account {}, {}):",
                clean(environment),
                plan.account,
                plan.region
            )),
        }
        if plan.changes().next().is_some() {
            self.line("");
        }
        for action in Action::ALL {
            if plan.changes().any(|(_, change)| change.action == action) {
                let symbol = self.paint(style(action), &format!("{:>5}", action.symbol()));
                self.line(&format!("{symbol} {}", action.meaning()));
            }
        }
    }

    fn risks(&mut self, plan: &Plan) {
        let (stays, risks): (Vec<_>, Vec<_>) =
            at_risk(plan).into_iter().partition(|(_, change, _)| {
                change.action == Action::Retain && !plan.leaves_data(change)
            });
        for (title, style_of, list) in
            [("Data at risk", ALARM, risks), ("Data that stays", BOLD, stays)]
        {
            if list.is_empty() {
                continue;
            }
            let title = self.paint(style_of, title);
            self.line("");
            self.line(&title);
            for (_, change, says) in list {
                let symbol = format!("{:>5}", change.action.symbol());
                let rest = format!(" {} {says}", called(change));
                let styled = format!("{}{rest}", self.paint(style(change.action), &symbol));
                let width = symbol.chars().count() + rest.chars().count();
                self.placed(&styled, width, line(&change.cause).as_deref());
            }
        }
    }

    fn access(&mut self, plan: &Plan) {
        if plan.access.is_empty() {
            return;
        }
        self.heading("Access");
        for (added, text, when, cause) in access_lines(plan) {
            let (symbol, style) = if added { ("+", GREEN) } else { ("-", RED) };
            let (text, when) = (clean(&text), when.map(clean));
            let place = line(cause);
            let both = when.as_ref().map(|when| format!("{text} {when}"));
            let own = place.as_ref().map_or(0, |place| place.chars().count() + 2);
            let width = self.view.width;
            let fits = |text: &String| 6 + text.chars().count() + own <= width;
            let (text, rest) = match both.filter(fits) {
                Some(both) => (both, None),
                None => (text, when),
            };
            let styled = format!("{} {text}", self.paint(style, &format!("{symbol:>5}")));
            self.placed(&styled, 6 + text.chars().count(), place.as_deref());
            for part in rest.iter().flat_map(|rest| wrapped(rest, width.saturating_sub(8))) {
                self.line(&format!("        {part}"));
            }
        }
    }

    fn change(&mut self, stack: &StackPlan, change: &Change, group: &Cause) {
        let symbol = self.paint(style(change.action), &format!("{:>5}", change.action.symbol()));
        let mut words = format!("{} {}", change.kind, change.logical_id);
        if let Some(name) = change.physical_id.as_deref() {
            let _ = write!(words, " ({})", bare_name(name));
        }
        let words = clean(&words);
        let mut fate = change.action.meaning().to_owned();
        if !change.certain && change.action != Action::MayReplace {
            fate.insert_str(0, "perhaps ");
        }
        let width = 6 + words.chars().count() + 2 + fate.chars().count();
        let styled = format!("{symbol} {}  {fate}", self.paint(BOLD, &words));
        let place = line(&change.cause).filter(|_| line(&change.cause) != line(group));
        self.placed(&styled, width, place.as_deref());
        for note in &change.notes {
            for (at, part) in wrapped(&clean(note), self.view.width - 10).iter().enumerate() {
                let mark = if at == 0 { "·" } else { " " };
                self.line(&format!("        {mark} {part}"));
            }
        }
        match change.action {
            Action::Create | Action::Import | Action::Blocked if change.properties.is_empty() => {
                self.definition(stack, change);
            }
            _ => change.properties.iter().for_each(|property| self.property(property, change)),
        }
    }

    /// The properties of a resource that is made, a line each.
    fn definition(&mut self, stack: &StackPlan, change: &Change) {
        let id = change.logical_id.as_str();
        let properties = stack.template.at(&["Resources", id, "Properties"]);
        let Some(map) = properties.and_then(Value::as_map) else { return };
        let sign = self.paint(GREEN, "+");
        for (key, value) in map.iter() {
            let key = clean(key);
            let inner = self.view.width.saturating_sub(14);
            if let Some(lines) = statements(value, inner) {
                self.line(&format!("        {sign} {key}:"));
                self.lines(&sign, lines);
                continue;
            }
            let room = self.view.width.saturating_sub(12 + key.chars().count()).max(20);
            let value = if is_parameter(stack, value) {
                "(known after apply)".to_owned()
            } else {
                inline(value, room)
            };
            self.line(&format!("        {sign} {key}: {value}"));
        }
    }

    fn lines(&mut self, sign: &str, lines: Vec<String>) {
        let rest = lines.len().saturating_sub(MOST_LINES);
        for text in lines.into_iter().take(MOST_LINES) {
            self.line(&format!("            {sign} {text}"));
        }
        if rest > 0 {
            self.line(&format!("            {sign} … {rest} more"));
        }
    }

    fn property(&mut self, property: &PropertyChange, change: &Change) {
        let (symbol, style) = match (&property.before, &property.after) {
            (None, _) => ("+", GREEN),
            (_, None) => ("-", RED),
            _ => ("~", YELLOW),
        };
        let name = path(&property.path);
        let effect = match property.effect {
            Effect::InPlace => "",
            Effect::MayReplace => "  # may replace",
            Effect::Replace => "  # replaces",
            Effect::Fails => "  # fails",
        };
        let place =
            line(&property.cause).filter(|place| line(&change.cause).as_ref() != Some(place));
        let sign = self.paint(style, symbol);
        let room = self.view.width.saturating_sub(
            12 + name.chars().count()
                + effect.chars().count()
                + place.as_ref().map_or(0, |place| place.chars().count() + 2),
        );
        let whole = match (&property.before, &property.after) {
            (Some(value), None) | (None, Some(value)) => Some(value),
            _ => None,
        };
        let lists = match (&property.before, &property.after) {
            (Some(before), Some(after)) if is_plain_list(before) && is_plain_list(after) => {
                before.as_list().zip(after.as_list())
            }
            _ => None,
        };
        let all = |value: &Option<Value>| {
            value.as_ref().map_or_else(String::new, |value| inline(value, usize::MAX / 8))
        };
        let one_line = match (whole, lists) {
            _ if property.known_after_apply => {
                let before = property.before.as_ref().filter(|_| property.before != property.after);
                Some(match before {
                    Some(before) => format!("{} → (known after apply)", inline(before, room)),
                    None => "(known after apply)".into(),
                })
            }
            (Some(value), _) => Some(inline(value, usize::MAX / 8))
                .filter(|text| text.chars().count() <= room.max(20)),
            (None, Some(_)) => None,
            (None, None) => {
                let order = property.before.as_ref().zip(property.after.as_ref());
                let order =
                    order.and_then(|(a, b)| Some((names(a.as_list()?)?, names(b.as_list()?)?)));
                let (before, after) = match order {
                    Some((a, b)) => (clean(&a.join(", ")), clean(&b.join(", "))),
                    None => (all(&property.before), all(&property.after)),
                };
                Some(format!("{before} → {after}")).filter(|text| text.chars().count() <= room)
            }
        };
        let head = match &one_line {
            Some(text) => format!("{name}: {text}"),
            None => format!("{name}:"),
        };
        let width = 10 + head.chars().count() + effect.chars().count();
        let effect = self.paint(RED, effect);
        self.placed(&format!("        {sign} {head}{effect}"), width, place.as_deref());
        if one_line.is_some() {
            return;
        }
        let inner = self.view.width.saturating_sub(14);
        if let Some(value) = whole {
            let lines = statements(value, inner).unwrap_or_else(|| block(value, inner, MOST_LINES));
            self.lines(&sign, lines);
        } else if let Some((before, after)) = lists {
            let (gone, come, stay) = list_difference(before, after);
            if gone.is_empty() && come.is_empty() {
                self.line("            (in another order)");
            }
            for (symbol, style, values) in [("-", RED, gone), ("+", GREEN, come)] {
                let sign = self.paint(style, symbol);
                for value in values.iter().take(MOST_LINES) {
                    self.line(&format!("            {sign} {}", inline(value, inner)));
                }
                if values.len() > MOST_LINES {
                    self.line(&format!("            {sign} … {} more", values.len() - MOST_LINES));
                }
            }
            if stay > 0 {
                let text = self.paint(DIM, &format!("({stay} unchanged)"));
                self.line(&format!("              {text}"));
            }
        } else {
            let (before, after) = beside(&all(&property.before), &all(&property.after), inner);
            for (symbol, style, text) in [("-", RED, before), ("+", GREEN, after)] {
                let sign = self.paint(style, symbol);
                self.line(&format!("            {sign} {text}"));
            }
        }
    }

    fn stacks(&mut self, plan: &Plan) {
        let touched: Vec<&StackPlan> =
            plan.stacks.iter().filter(|stack| stack.action != StackAction::Keep).collect();
        if touched.is_empty() {
            return;
        }
        self.heading("Stacks");
        let longest = touched.iter().map(|stack| stack.key.name.as_str().len()).max().unwrap_or(0);
        for stack in touched {
            let action = match stack.action {
                StackAction::Create => "create",
                StackAction::Recreate => "delete and create anew",
                StackAction::Update => "update",
                StackAction::Delete => "delete",
                StackAction::Keep => "keep",
            };
            let room = match stack.action {
                StackAction::Delete => String::new(),
                _ => format!(
                    "  {} of {MOST_RESOURCES} resources, {}",
                    stack.resources(),
                    size(stack.template_bytes())
                ),
            };
            let name = stack.key.name.as_str();
            let first = match (stack.imports.is_empty(), stack.changes.is_empty()) {
                (false, _) => ", import first",
                (_, true) if stack.action == StackAction::Update => ", outputs only",
                _ => "",
            };
            self.line(&format!("    {name:longest$}  {}  {action}{first}{room}", stack.key.region));
        }
        let kept = plan.stacks.iter().filter(|stack| stack.action == StackAction::Keep).count();
        if kept > 0 {
            let text = self.paint(DIM, &format!("    ({kept} unchanged)"));
            self.line(&text);
        }
        if !plan.uploads.is_empty() {
            self.heading("Uploads");
            for upload in &plan.uploads {
                let path = clean(&upload.path);
                self.line(&format!(
                    "    {path}  {}  to {}",
                    size(upload.bytes as usize),
                    upload.region
                ));
            }
        }
    }

    fn list(&mut self, title: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.heading(title);
        for text in lines {
            for (at, part) in wrapped(&clean(text), self.view.width - 6).iter().enumerate() {
                let mark = if at == 0 { "-" } else { " " };
                self.line(&format!("    {mark} {part}"));
            }
        }
    }

    fn consents(&mut self, plan: &Plan) {
        let lines: Vec<String> = plan
            .consents
            .iter()
            .map(|consent| match consent {
                Consent::Destroy(path) => {
                    format!("{path} may be deleted or replaced (--allow-destroy)")
                }
                Consent::Empty(path) => format!("every object in {path} may be deleted (--empty)"),
            })
            .collect();
        self.list("Agreed to", &lines);
    }

    fn refusals(&mut self, refusals: &[Refusal]) {
        if refusals.is_empty() {
            return;
        }
        self.heading("This plan can't be applied:");
        for refusal in refusals {
            self.line("");
            let head = self.paint(ALARM, &format!("error[{}]", refusal.code));
            let head = format!("{head}: {}", clean(&refusal.summary));
            self.line(&head);
            if let Some(cause) = &refusal.cause {
                let place = line(cause).map_or_else(String::new, |place| format!("{place} "));
                let at = clean(&format!("{place}{}", cause.path));
                if !at.is_empty() {
                    self.line(&format!("  --> {at}"));
                }
            }
            for help in &refusal.help {
                self.line(&format!("   = help: {}", clean(help)));
            }
            self.line(&format!("   = explain: lakewright explain {}", refusal.code));
        }
    }
}

/// A name in AWS without what the plan says anyway: of an ARN the last part.
fn bare_name(name: &str) -> &str {
    match name.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", .., last] => last.split_once('/').map_or(last, |(_, name)| name),
        _ => name,
    }
}

/// A resource with its thing: `raw (AWS::S3::Bucket acme-prod-raw)`.
fn called(change: &Change) -> String {
    let name = crate::plan::name_of(&change.cause.path);
    let id = change.physical_id.as_deref().unwrap_or(change.logical_id.as_str());
    clean(&match name.as_str() {
        "" => format!("{} {id}", change.kind),
        name => format!("{name} ({} {id})", change.kind),
    })
}

/// Whether a value is one that another stack gives.
fn is_parameter(stack: &StackPlan, value: &Value) -> bool {
    let name = value.as_map().filter(|map| map.len() == 1).and_then(|map| map.get("Ref"));
    name.and_then(Value::as_str).is_some_and(|name| stack.parameters.contains_key(name))
}

/// `14.2 kB`.
fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1_000.0),
        _ => format!("{:.1} MB", bytes as f64 / 1_000_000.0),
    }
}

/// The words in lines of at most `width` characters; a longer word has its own line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter_mut().for_each(|line| *line = shortened(line, 400));
    lines
}
