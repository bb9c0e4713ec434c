//! Characters that a person cannot see, or takes for others: tabs in the indentation, no-break and
//! zero-width spaces, typographic quotes, characters that turn the direction of the text.
//!
//! They are looked for before the text is parsed, because what the scanner makes of them leads to
//! errors that nobody understands. Each is reported once, with the exact replacement, and replaced in
//! the draft. In comments only what is dangerous or forbidden counts, in quotes only what cannot be
//! meant.

use super::draft::Edit;
use super::outline::{Outline, Role, behind_dashes, key_line};
use super::shown;
use crate::diagnostic::{self as codes, Diagnostic};
use crate::source::{FileId, Span};

/// What is wrong with a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Looks like a space.
    Space,
    /// Cannot be seen at all.
    Invisible,
    /// The same, but some scripts and emoji need it inside words.
    Joiner,
    /// Marks the direction of a neighbour.
    Mark,
    /// Turns the direction of all that follows: what is read is not what is there.
    Turn,
    /// A control character, which YAML forbids everywhere.
    Control,
    /// A line break to some programs only.
    Break,
    /// Stands where bytes were not UTF-8.
    Undecoded,
}

fn classify(c: char) -> Option<Class> {
    Some(match c {
        '\t' | '\n' | '\r' => return None,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' => Class::Control,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Class::Break,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Class::Space
        }
        '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{180e}'
        | '\u{115f}'
        | '\u{1160}' => Class::Invisible,
        '\u{ad}' | '\u{200c}' | '\u{200d}' => Class::Joiner,
        '\u{200e}' | '\u{200f}' | '\u{61c}' => Class::Mark,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Class::Turn,
        '\u{fffd}' => Class::Undecoded,
        _ => return None,
    })
}

/// What a person would call the character.
fn name(c: char, class: Class) -> String {
    let name = match c {
        '\u{a0}' => "a no-break space",
        '\u{200b}' => "a zero-width space",
        '\u{feff}' => "a byte order mark",
        '\u{ad}' => "a soft hyphen",
        '\u{1b}' => "an escape character",
        '\0' => "a null character",
        _ => match class {
            Class::Space => "an unusual space",
            Class::Invisible | Class::Joiner => "an invisible character",
            Class::Mark => "an invisible direction mark",
            Class::Turn => "a character that turns the direction of the text",
            Class::Control => "a control character",
            Class::Break => "an unusual line break",
            Class::Undecoded => "a character that could not be read",
        },
    };
    format!("{name} (U+{:04X})", u32::from(c))
}

/// Looks a text over. The findings and the edits are in places of this text, both ascending.
pub(super) fn check(text: &str, file: FileId) -> (Vec<Diagnostic>, Vec<Edit>) {
    let body = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let clean = |byte: u8| matches!(byte, b'\n' | b'\r' | b' '..=b'~');
    if text.as_bytes()[body..].iter().all(|byte| clean(*byte)) {
        return (Vec::new(), Vec::new());
    }
    let mut odd = Vec::new();
    let mut outlined = false;
    for (at, c) in
        text[body..].char_indices().filter(|(_, c)| !c.is_ascii() || c.is_ascii_control())
    {
        match classify(c) {
            Some(class) => odd.push((body + at, c, class)),
            None => {
                outlined |= matches!(
                    c,
                    '\t' | '‘'..='‟' | '‐'..='―' | '•' | '：'
                );
            }
        }
    }
    if odd.is_empty() && !outlined {
        return (Vec::new(), Vec::new());
    }
    let outline = Outline::new(text);
    let mut found = Found { text, file, diagnostics: Vec::new(), edits: Vec::new() };
    found.characters(&outline, &odd);
    found.tabs(&outline);
    found.quotes(&outline);
    found.leaders(&outline);
    found.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    found.edits.dedup_by(|next, kept| next.range.start < kept.range.end);
    (found.diagnostics, found.edits)
}

struct Found<'a> {
    text: &'a str,
    file: FileId,
    diagnostics: Vec<Diagnostic>,
    edits: Vec<Edit>,
}

impl Found<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn edit(&mut self, start: usize, end: usize, with: &str) {
        self.edits.push(Edit { range: start..end, with: with.to_owned() });
    }

    fn characters(&mut self, outline: &Outline, odd: &[(usize, char, Class)]) {
        let mut rest = odd;
        while let [(start, c, class), ..] = *rest {
            // The same character several times in a row is one finding.
            let mut end = start;
            let mut count = 0;
            while let [(at, other, _), tail @ ..] = rest {
                if *at != end || *other != c {
                    break;
                }
                end += c.len_utf8();
                count += 1;
                rest = tail;
            }
            let (comment, quoted) = (outline.in_comment(start), outline.in_quotes(start));
            let counts = match class {
                Class::Control | Class::Undecoded | Class::Turn => true,
                Class::Invisible | Class::Break => !comment,
                Class::Space | Class::Joiner | Class::Mark => !comment && !quoted,
            };
            if !counts {
                continue;
            }
            let with = if class == Class::Space { " ".repeat(count) } else { String::new() };
            let span = self.span(start, end);
            if class == Class::Undecoded {
                self.diagnostics.push(
                    Diagnostic::error(codes::LW0113, span, "the file is not UTF-8 text here")
                        .label("these bytes are no character")
                        .help("save the file in the encoding UTF-8"),
                );
                continue;
            }
            let what = name(c, class);
            let instead = if with.is_empty() { "remove it" } else { "replace it by a space" };
            let mut finding = Diagnostic::error(codes::LW0103, span, format!("{what} in the file"))
                .label(if class == Class::Space { "this is not a space" } else { "this is here" })
                .fix(span, with.clone());
            finding = if quoted && class != Class::Control {
                finding.help(format!(
                    "{instead}, or write it as `\\u{:04x}` in double quotes if it is meant",
                    u32::from(c)
                ))
            } else if matches!(class, Class::Space | Class::Joiner | Class::Mark) {
                finding.help(format!("{instead}, or put the text in quotes if it is meant"))
            } else {
                finding.help(instead)
            };
            self.diagnostics.push(finding);
            self.edit(start, end, &with);
        }
    }

    /// Tabs in front of the first character of a line. One finding for lines in a row.
    fn tabs(&mut self, outline: &Outline) {
        if !self.text.contains('\t') {
            return;
        }
        let width = indentation(self.text, outline);
        let mut run: Vec<(usize, usize, String)> = Vec::new();
        for line in &outline.lines {
            let counts = match line.role {
                Role::Item => true,
                Role::Inside => !outline.in_quotes(line.start),
                Role::Blank | Role::Comment | Role::Literal => continue,
            };
            let leading = &self.text[line.start..line.text];
            if !counts || !leading.contains('\t') {
                self.tab_run(&mut run);
                continue;
            }
            let mut column = 0;
            for byte in leading.bytes() {
                column = if byte == b'\t' { (column / width + 1) * width } else { column + 1 };
            }
            run.push((line.start, line.text, " ".repeat(column)));
        }
        self.tab_run(&mut run);
    }

    fn tab_run(&mut self, run: &mut Vec<(usize, usize, String)>) {
        let Some((start, end, _)) = run.first().cloned() else { return };
        let headline = match run.len() {
            1 => "a tab in the indentation".to_owned(),
            count => format!("tabs in the indentation of {count} lines"),
        };
        let mut finding = Diagnostic::error(codes::LW0102, self.span(start, end), headline)
            .label("YAML is indented by spaces only")
            .help("use spaces; most editors can convert the whole file");
        for (start, end, spaces) in run.drain(..) {
            finding = finding.fix(Span::new(self.file, start, end), spaces.clone());
            self.edits.push(Edit { range: start..end, with: spaces });
        }
        self.diagnostics.push(finding);
    }

    /// Values in typographic quotes, which are ordinary characters to YAML.
    fn quotes(&mut self, outline: &Outline) {
        for curly in &outline.curly {
            let (open, close) = (curly.open.clone(), curly.close.clone());
            let inside = &self.text[open.end..close.start];
            let quote = if inside.contains(['"', '\\']) { "'" } else { "\"" };
            let mut finding = Diagnostic::error(
                codes::LW0103,
                self.span(open.start, open.end),
                "typographic quotes instead of straight ones",
            )
            .label("YAML takes this for a part of the text")
            .also(self.span(close.start, close.end), "and this")
            .help("use straight quotes");
            if !inside.contains('\'') || quote == "\"" {
                finding = finding
                    .fix(self.span(open.start, open.end), quote)
                    .fix(self.span(close.start, close.end), quote);
                self.edit(open.start, open.end, quote);
                self.edit(close.start, close.end, quote);
            }
            self.diagnostics.push(finding);
        }
    }

    /// Dashes and colons that only look like YAML's.
    fn leaders(&mut self, outline: &Outline) {
        for line in outline.lines.iter().filter(|line| line.role == Role::Item) {
            let mut chars = self.text[line.text..line.end].chars();
            let Some(first) = chars.next() else { continue };
            if matches!(first, '‐'..='―' | '•') && chars.next() == Some(' ') {
                let (start, end) = (line.text, line.text + first.len_utf8());
                let headline = format!("`{first}` instead of `-` in front of a list's entry");
                self.diagnostics.push(
                    Diagnostic::error(codes::LW0103, self.span(start, end), headline)
                        .label("this is not the dash of the keyboard")
                        .fix(self.span(start, end), "-"),
                );
                self.edit(start, end, "-");
                continue;
            }
            let start = behind_dashes(self.text.as_bytes(), line.text, line.end);
            let Some(colon) = self.text[start..line.end].find('：') else { continue };
            let (at, end) = (start + colon, start + colon + '：'.len_utf8());
            let key = &self.text[start..at];
            let word = !key.is_empty()
                && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
            if !word || key_line(self.text, start, line.end).is_some() {
                continue;
            }
            let blank = self.text[end..line.end].starts_with(' ') || end == line.end;
            let with = if blank { ":" } else { ": " };
            self.diagnostics.push(
                Diagnostic::error(
                    codes::LW0103,
                    self.span(at, end),
                    format!("`：` instead of `:` behind `{}`", shown(key)),
                )
                .label("this is a wide colon (U+FF1A)")
                .fix(self.span(at, end), with),
            );
            self.edit(at, end, with);
        }
    }
}

/// The least indentation by spaces in a text, which a tab stands for: 2 where there is none.
fn indentation(text: &str, outline: &Outline) -> usize {
    let items = outline.lines.iter().filter(|line| line.role == Role::Item);
    let spaces = items
        .filter(|line| !text[line.start..line.text].contains('\t'))
        .map(|line| line.text - line.start);
    spaces.filter(|width| *width > 1).min().unwrap_or(2).min(8)
}
