//! Mistakes of a whole line: its indentation, its key, its place inside brackets.

use std::ops::Range;

use super::texts::quoted;
use super::{Remedy, Scene};
use crate::diagnostic::{self as codes, Diagnostic};
use crate::syntax::draft::Edit;
use crate::syntax::outline::{KeyLine, Line, Role, key_line, value_range};
use crate::syntax::shown;
use crate::syntax::tree::{glued, is_glued};

impl Scene<'_> {
    /// A comma is missing inside brackets, in front of the place.
    fn comma(&self, at: usize) -> Diagnostic {
        let before = self.text[..at].trim_end().len();
        self.error(codes::LW0121, at..self.end_of_word(at), "a comma is missing inside brackets")
            .label("a `,` belongs in front of this")
            .fix(self.span(before..before), ",")
    }

    fn end_of_word(&self, at: usize) -> usize {
        let rest = &self.text[at..self.line.end.max(at)];
        let length = rest.find([' ', ',', ']', '}', ':']).unwrap_or(rest.len());
        (at + length).max(self.next(at))
    }

    /// The line makes no sense where it stands.
    pub(super) fn line(&self) -> Diagnostic {
        // The scanner may stop behind the culprit.
        let number = match self.line.role {
            Role::Blank | Role::Comment => self.before(self.number).unwrap_or(self.number),
            _ => self.number,
        };
        let line = &self.outline.lines[number];
        let start = if line.role == Role::Item {
            self.outline.item_start(self.text, number)
        } else {
            line.text
        };
        let range = value_range(self.text, start, line.end);
        let written = &self.text[range.clone()];
        let key = key_line(self.text, start, line.end);
        let dash = start > line.text || written == "-";
        if self.inside_brackets() {
            return self.in_brackets();
        }
        match key {
            Some(key)
                if self.at > key.colon
                    && (self.text[key.value.clone()].contains(": ")
                        || self.text[key.value.clone()].ends_with(':')) =>
            {
                let value = key.value;
                let name = shown(&self.text[key.key]);
                let finding = self
                    .error(
                        codes::LW0118,
                        value.clone(),
                        format!("the text of `{name}` contains `: ` and needs quotes"),
                    )
                    .label("YAML takes this for another key");
                match quoted(&self.text[value.clone()]) {
                    Some(text) => finding.fix(self.span(value), text),
                    None => finding,
                }
            }
            Some(key) if !dash => self.indentation(number, key),
            None if is_glued(written) => {
                let colon = range.start + written.find(':').unwrap_or(0) + 1;
                glued(self.file, written, &range, colon)
            }
            _ if dash => self
                .error(codes::LW0117, line.text..range.end, "an entry of a list where none can be")
                .label("this is indented like nothing above")
                .help("indent it as the other entries of its list, below the key of the list"),
            _ if self
                .before(number)
                .is_some_and(|at| self.outline.lines[at].role == Role::Literal) =>
            {
                self.error(
                    codes::LW0117,
                    range,
                    "this line is not indented like the block text above",
                )
                .label("the first line of the text decides")
                .help("indent it as far as the first line of the text")
            }
            _ => self.keyless(range),
        }
    }

    fn before(&self, number: usize) -> Option<usize> {
        let lines = self.outline.lines[..number].iter().enumerate().rev();
        lines
            .filter(|(_, line)| !matches!(line.role, Role::Blank | Role::Comment))
            .map(|(at, _)| at)
            .next()
    }

    pub(super) fn inside_brackets(&self) -> bool {
        if self.line.role == Role::Inside {
            return true;
        }
        self.key().is_some_and(|key| {
            self.at > key.value.start && self.text[key.value].starts_with(['[', '{'])
        })
    }

    /// Inside brackets: mostly a comma is missing between two entries.
    pub(super) fn in_brackets(&self) -> Diagnostic {
        let from = self.outline.lines[self.line.item].start;
        let before = self.text[from..self.at].trim_end();
        let word = before.rfind([' ', '\t', '\n', ',', '{', '[']).map_or(0, |at| at + 1);
        let entry = before[..word].trim_end();
        if self.char() == ':' && !entry.is_empty() && !entry.ends_with([',', '{', '[', ':']) {
            return self.comma(from + word);
        }
        if before.ends_with(['"', '\'', ']', '}'])
            && !matches!(self.char(), ']' | '}' | ':' | '\n' | ' ')
        {
            return self.comma(self.at);
        }
        self.error(
            codes::LW0101,
            self.at..self.end_of_word(self.at),
            "this makes no sense inside brackets",
        )
        .label("neither an entry nor a bracket")
        .help("separate entries by commas and put texts with special characters in quotes")
    }

    /// A line with a key that is indented like nothing above it.
    fn indentation(&self, number: usize, key: KeyLine) -> Diagnostic {
        let line = &self.outline.lines[number];
        let column = line.text - line.start;
        let name = shown(&self.text[key.key.clone()]);
        let finding = |headline: String| self.error(codes::LW0117, key.key.clone(), headline);
        let above = self.before(number).map(|at| self.outline.lines[at].item);
        let Some(above) = above else {
            return finding(format!("`{name}` does not fit here"))
                .label("this is indented like nothing above");
        };
        let parent = &self.outline.lines[above];
        let from = self.outline.item_start(self.text, above);
        let parent_key = key_line(self.text, from, parent.end);
        if column > parent.text - parent.start
            && let Some(known) = &parent_key
            && !known.value.is_empty()
        {
            let parent_name = shown(&self.text[known.key.clone()]);
            return finding(format!(
                "`{name}` is indented deeper than `{parent_name}`, which has a value already"
            ))
            .label("this belongs to the text above")
            .also(self.span(known.value.clone()), "the value")
            .maybe(self.span(line.start..line.text), " ".repeat(parent.text - parent.start));
        }
        // The nearest column that an item above stands in.
        let mut known: Vec<usize> = Vec::new();
        let mut limit = usize::MAX;
        for line in self.outline.lines[..number].iter().rev().filter(|line| line.role == Role::Item)
        {
            let column = line.text - line.start;
            if column < limit {
                known.push(column);
                limit = column;
            }
            if column == 0 {
                break;
            }
        }
        let nearest = known.iter().min_by_key(|known| known.abs_diff(column)).copied();
        let finding = finding(format!("`{name}` is indented like nothing above it")).label(
            format!("indented by {column} {}", if column == 1 { "space" } else { "spaces" }),
        );
        match nearest {
            Some(nearest) if nearest != column => {
                let single =
                    known.iter().filter(|k| k.abs_diff(column) == nearest.abs_diff(column)).count()
                        == 1;
                let finding =
                    finding.help(format!("the nearest key above is indented by {nearest}"));
                if single {
                    finding.maybe(self.span(line.start..line.text), " ".repeat(nearest))
                } else {
                    finding
                }
            }
            _ => self
                .error(
                    codes::LW0101,
                    self.at..self.end_of_value(),
                    format!("`{name}` cannot be read"),
                )
                .label("this is not YAML")
                .help("put a text with special characters in quotes"),
        }
    }

    /// Lines that follow a wrongly indented one and are indented like it are the same mistake: they
    /// are read as if they stood in the nearest column, or left out where there is none.
    pub(super) fn lines_alike(&self, finding: &Diagnostic) -> Option<Remedy> {
        let primary = finding.primary.as_ref().filter(|_| finding.code == codes::LW0117)?;
        let number = self.outline.line_of(primary.span.range().start);
        let column = |line: &Line| line.text - line.start;
        let wrong = column(&self.outline.lines[number]);
        let target = finding.suggestions.first().map(|suggestion| suggestion.replacement.len());
        let deeper = !finding.secondary.is_empty();
        let least = if deeper { target? + 1 } else { wrong };
        let rest = &self.outline.lines[number..];
        let count = rest.iter().take_while(|line| line.role != Role::Item || column(line) >= least);
        let lines = &rest[..count.count()];
        let written = lines.iter().filter(|line| line.text < line.end);
        match target {
            Some(target) if !deeper => {
                let shift = |line: &Line| {
                    if target > wrong {
                        let with = " ".repeat(target - wrong);
                        Edit { range: line.start..line.start, with }
                    } else {
                        let end = line.start + column(line).min(wrong - target);
                        Edit { range: line.start..end, with: String::new() }
                    }
                };
                Some(Remedy::Mend(written.map(shift).collect()))
            }
            _ => Some(Remedy::DropLines(lines.first()?.start..lines.last()?.end)),
        }
    }

    /// A line that has no key where one is needed.
    fn keyless(&self, range: Range<usize>) -> Diagnostic {
        let written = &self.text[range.clone()];
        let name = shown(written);
        let finding = self
            .error(
                codes::LW0119,
                range.clone(),
                format!("`{name}` is neither a key nor part of the text above"),
            )
            .label("expected `key: value`");
        let word = written
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(written.len());
        let rest = &written[word..];
        let sign = rest.trim_start();
        let start = range.start + word;
        if word > 0 && sign.starts_with('=') && !sign.starts_with("==") {
            let end = start + rest.len() - sign.len() + 1;
            let space = if sign[1..].starts_with(' ') { ":" } else { ": " };
            return finding.fix(self.span(start..end), space);
        }
        if word > 0 && !rest.is_empty() && !sign.contains(' ') && rest.starts_with(' ') {
            return finding.maybe(self.span(start..start), ":");
        }
        let below = self.outline.lines[self.outline.line_of(range.start) + 1..].iter();
        let below =
            below.into_iter().find(|line| !matches!(line.role, Role::Blank | Role::Comment));
        let column = |at: usize| at - self.outline.lines[self.outline.line_of(at)].start;
        let opens = below.is_some_and(|line| {
            line.role == Role::Item
                && line.text - line.start > column(range.start)
                && key_line(self.text, line.text, line.end).is_some()
        });
        if word > 0 && rest.is_empty() && opens {
            let end = start;
            return finding.fix(self.span(end..end), ":");
        }
        if word > 0 && rest.is_empty() {
            return finding.maybe(self.span(start..start), ":");
        }
        finding
    }
}
