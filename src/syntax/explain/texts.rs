//! Mistakes in one text: its quotes, its escapes, the characters it starts with, and brackets that
//! have no end.

use super::Scene;
use crate::diagnostic::{self as codes, Diagnostic};
use crate::syntax::outline::{Role, value_range};
use crate::syntax::shown;

impl Scene<'_> {
    /// A quote or bracket opened shortly before, whose end is missing.
    pub(super) fn unclosed(&self) -> Option<Diagnostic> {
        let opened = self.outline.unclosed.iter().rev().find(|opened| opened.at <= self.at)?;
        let first = self.outline.line_of(opened.at);
        let quote = matches!(opened.open, '"' | '\'');
        // What it swallowed by mistake ends with the next quote, or a few items further.
        let reach = if quote {
            let from = opened.until;
            let next = self.text[from..].find(opened.open).map_or(self.text.len(), |at| from + at);
            self.outline.lines[self.outline.line_of(next)].end
        } else {
            let items = self.outline.lines[self.outline.line_of(opened.until)..].iter().skip(1);
            items
                .filter(|line| line.role == Role::Item)
                .nth(3)
                .map_or(self.text.len(), |line| line.end)
        };
        if self.at > reach {
            return None;
        }
        let opener = opened.at..opened.at + 1;
        let line = &self.outline.lines[first];
        let one_line = opened.until <= line.end;
        if quote {
            let finding =
                self.error(codes::LW0114, opener, "a quote is never closed").label("opened here");
            let rest = self.text[opened.at + 1..line.end].trim_end();
            let end = opened.at + 1 + rest.len();
            let odd =
                rest.contains(" #") || rest.contains(['"', '\'', '}', ']']) || rest.is_empty();
            return Some(if one_line && !odd {
                finding.fix(self.span(end..end), opened.open.to_string())
            } else {
                finding.help(format!("put a `{}` behind the last word of the text", opened.open))
            });
        }
        let close = if opened.open == '[' { "]" } else { "}" };
        let finding = self
            .error(codes::LW0115, opener, format!("`{}` is never closed", opened.open))
            .label("opened here");
        let value = value_range(self.text, opened.at, line.end);
        let inside = &self.text[value.start + 1..value.end];
        Some(if one_line && !inside.contains(['[', '{', ']', '}', '"', '\'', '#']) {
            let space = if opened.open == '{' && inside.starts_with(' ') { " " } else { "" };
            let end = value.start + 1 + inside.trim_end_matches([',', ' ']).len();
            let (span, with) = (self.span(end..value.end), format!("{space}{close}"));
            finding.fix(span, with)
        } else {
            finding.help(format!("put the `{close}` behind the last entry"))
        })
    }

    /// Something stands behind a closing quote: mostly the text has quotes inside.
    pub(super) fn behind_quote(&self) -> Diagnostic {
        let spaced = self.text[..self.at].ends_with([' ', '\t', '\n']);
        if spaced && self.inside_brackets() {
            return self.in_brackets();
        }
        let finding = self
            .error(codes::LW0114, self.at..self.end_of_value(), "text behind a closing quote")
            .label("the text ended at the quote in front");
        let Some(value) = self.key().map(|key| key.value).filter(|value| value.contains(&self.at))
        else {
            return finding.help("put the whole text in quotes of the other kind");
        };
        let text = &self.text[value.clone()];
        let quote = text.chars().next().unwrap_or('"');
        let inside =
            text.get(1..text.len() - 1).filter(|_| text.len() > 1 && text.ends_with(quote));
        match (quote, inside) {
            ('\'', Some(inside)) if !inside.contains(['"', '\\']) => finding
                .help("use double quotes around a text with an apostrophe")
                .fix(self.span(value), format!("\"{inside}\"")),
            ('"', Some(inside)) if !inside.contains(['\'', '\\']) => finding
                .help("use single quotes around a text with double quotes")
                .fix(self.span(value), format!("'{inside}'")),
            ('"' | '\'', None)
                if !text.contains(if quote == '"' { '\'' } else { '"' })
                    && !text.contains('\\') =>
            {
                let other = if quote == '"' { '\'' } else { '"' };
                finding
                    .help("put the whole text in quotes")
                    .maybe(self.span(value), format!("{other}{text}{other}"))
            }
            _ => finding.help(
                "double a quote inside single quotes (`''`), write `\\\"` inside double quotes",
            ),
        }
    }

    pub(super) fn escape(&self) -> Diagnostic {
        let from = bad_escape(&self.text[self.at..]).map_or(self.at, |at| self.at + at);
        let end = self.next((from + 1).min(self.text.len()));
        self.error(
            codes::LW0120,
            from..end,
            format!("`{}` means nothing in double quotes", shown(&self.text[from..end])),
        )
        .label("a backslash starts an escape such as `\\n`")
        .help("double the backslash, or use single quotes")
        .fix(self.span(from..from), "\\")
    }

    /// A text that starts with a character that YAML keeps for itself.
    pub(super) fn reserved(&self, sign: &str) -> Diagnostic {
        let finding = |range| {
            self.error(codes::LW0118, range, format!("a text that starts with {sign} needs quotes"))
                .label("YAML keeps this character for itself")
        };
        let at = self.text[..self.at].trim_end().len();
        let value = self
            .key()
            .map(|key| key.value)
            .filter(|value| value.contains(&self.at) || at > value.start && at <= value.end);
        let flow = value.clone().is_some_and(|value| self.text[value].starts_with(['[', '{']));
        let value = match value {
            Some(value) if !flow => value,
            None if self.line.role == Role::Item && self.key().is_none() => value_range(
                self.text,
                self.outline.item_start(self.text, self.number),
                self.line.end,
            ),
            _ => {
                let start = if matches!(self.char(), '*' | '&' | '@' | '`' | '%') {
                    self.at
                } else {
                    self.text[..at].char_indices().next_back().map_or(at, |(at, _)| at)
                };
                let end = self.text[start..self.line.end.max(start)]
                    .find([',', ']', '}'])
                    .map_or(self.line.end, |at| start + at);
                let end = start + self.text[start..end.max(start)].trim_end().len();
                start..end
            }
        };
        match quoted(&self.text[value.clone()]) {
            Some(text) => finding(value.clone()).fix(self.span(value), text),
            None => finding(value),
        }
    }

    pub(super) fn directive(&self) -> Diagnostic {
        self.error(codes::LW0101, self.start_of_line(), "this is not YAML")
            .label("a line that starts with `%` or follows `...` is meant for the parser")
            .help("remove the line, or put a text that starts with `%` in quotes")
    }

    pub(super) fn tag(&self) -> Diagnostic {
        if self.text[self.line.start..].starts_with('%') {
            return self.directive();
        }
        let from = self.text[self.line.start..self.next(self.at)]
            .rfind('!')
            .map_or(self.at, |at| self.line.start + at);
        let length = self.text[from..self.line.end.max(from)].find([' ', ',', ']', '}']);
        let end = length.map_or(self.line.end.max(from), |length| from + length);
        self.error(codes::LW0109, from..end, format!("`{}` is not part of a spec", shown(&self.text[from..end])))
            .label("a YAML tag")
            .help("name what you mean, as in `encryption: keys.raw`; a text that starts with `!` goes in quotes")
    }
}

/// The first backslash of a double-quoted text that starts no escape of YAML.
fn bad_escape(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let digits = match bytes.get(at + 1)? {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            b'0' | b'a' | b'b' | b't' | b'n' | b'v' | b'f' | b'r' | b'e' | b' ' | b'"' | b'/'
            | b'\\' | b'N' | b'_' | b'L' | b'P' | b'\t' | b'\n' | b'\r' => 0,
            _ => return Some(at),
        };
        let hex = bytes.get(at + 2..at + 2 + digits).and_then(|hex| std::str::from_utf8(hex).ok());
        let value = hex
            .and_then(|hex| if digits == 0 { Some(0) } else { u32::from_str_radix(hex, 16).ok() });
        if value.and_then(char::from_u32).is_none() {
            return Some(at);
        }
        at += 2 + digits;
    }
    None
}

/// A text in double quotes, or in single ones where these are simpler.
pub(super) fn quoted(text: &str) -> Option<String> {
    if text.is_empty() || text.contains('\n') {
        None
    } else if !text.contains(['"', '\\']) {
        Some(format!("\"{text}\""))
    } else if !text.contains('\'') {
        Some(format!("'{text}'"))
    } else {
        Some(format!("'{}'", text.replace('\'', "''")))
    }
}
