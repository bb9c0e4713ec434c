//! From the place where the scanner stopped to what a person did wrong there.
//!
//! Takes the scanner's reason and the outline of the text, and gives a finding with an exact place in
//! our own words, and what to do with the text so that the rest can be read: the suggested edits where
//! they are certain, else the item is left out.

use std::ops::Range;

use granit_parser::ErrorKind;

use super::draft::Edit;
use super::outline::{KeyLine, Line, Outline, Role, key_line, value_range};
use super::shown;
use super::tree::{Stop, glued, is_glued};
use crate::diagnostic::{self as codes, Diagnostic};
use crate::source::{FileId, Span};

/// What to do with the text.
#[derive(Debug)]
pub(super) enum Remedy {
    /// These edits make it what was meant.
    Mend(Vec<Edit>),
    /// The item at this place is left out.
    Drop(usize),
    /// These lines are left out.
    DropLines(Range<usize>),
}

/// Explains why the scanner stopped. Places are of the given text.
pub(super) fn explain(
    text: &str,
    outline: &Outline,
    file: FileId,
    stop: &Stop,
) -> (Diagnostic, Remedy) {
    let number = outline.line_of(stop.at);
    let scene = Scene { text, outline, file, at: stop.at, number, line: &outline.lines[number] };
    let finding = scene.find(&stop.kind);
    let certain = !finding.suggestions.is_empty() && finding.suggestions.iter().all(|s| s.certain);
    let remedy = if certain {
        let edits = finding.suggestions.iter();
        let edit =
            |s: &codes::Suggestion| Edit { range: s.span.range(), with: s.replacement.clone() };
        Remedy::Mend(edits.map(edit).collect())
    } else if let Some(remedy) = scene.lines_alike(&finding) {
        remedy
    } else {
        Remedy::Drop(finding.primary.as_ref().map_or(stop.at, |label| label.span.range().start))
    };
    (finding, remedy)
}

/// The range that leaves the item at a place out, and keeps its key where it has one. A second time
/// at the same place (`wider`), the item around it goes.
pub(super) fn item_range(text: &str, outline: &Outline, at: usize, wider: usize) -> Range<usize> {
    let number = outline.lines[outline.line_of(at)].item;
    let line = &outline.lines[number];
    if line.role != Role::Item {
        return line.start..line.end;
    }
    let start = outline.item_start(text, number);
    let column = start - line.start;
    let (mut from, mut end) = (start, outline.item_end(number, column));
    match key_line(text, start, line.end) {
        Some(key) if at > key.colon && wider == 0 && !key.value.is_empty() => {
            from = key.value.start
        }
        _ if wider < 2 => {}
        _ => from = line.text,
    }
    // One item further out for each further time.
    let mut column = line.text - line.start;
    let mut above = number;
    for _ in 2..wider {
        while above > 0 {
            above -= 1;
            let line = &outline.lines[above];
            if line.role == Role::Item && line.text - line.start < column {
                column = line.text - line.start;
                from = line.text;
                break;
            }
        }
        end = end.max(outline.item_end(above, column));
    }
    if wider > 2 && above == 0 {
        return 0..text.len();
    }
    from..end.max(from)
}

struct Scene<'a> {
    text: &'a str,
    outline: &'a Outline,
    file: FileId,
    at: usize,
    number: usize,
    line: &'a Line,
}

impl Scene<'_> {
    fn find(&self, kind: &ErrorKind) -> Diagnostic {
        use ErrorKind as E;
        if matches!(
            kind,
            E::TabNotAllowed
                | E::TabInBlockIndentation
                | E::TabInIndentation
                | E::TabAtBlockScalarStart
                | E::TabInPlainScalar
        ) && let Some(finding) = self.tab()
        {
            return finding;
        }
        if *kind == E::RecursionLimitExceeded {
            return self
                .error(codes::LW0111, self.at..self.next(self.at), "values are nested too deeply")
                .label("this level is one too many");
        }
        if let Some(finding) = self.unclosed() {
            return finding;
        }
        match kind {
            E::InvalidTrailingDoubleQuotedScalar | E::InvalidTrailingSingleQuotedScalar => {
                self.behind_quote()
            }
            E::UnknownQuotedScalarEscape
            | E::InvalidQuotedScalarHexEscape
            | E::InvalidLowSurrogateHexEscape
            | E::InvalidLowSurrogate
            | E::MissingLowSurrogate
            | E::UnpairedLowSurrogate
            | E::InvalidUnicodeEscape => self.escape(),
            E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => self
                .error(codes::LW0114, self.at..self.next(self.at), "a quote is never closed")
                .label("opened here"),
            E::MisplacedFlowCollectionEnd => {
                let bracket = self.char();
                self.error(
                    codes::LW0115,
                    self.at..self.next(self.at),
                    format!("a `{bracket}` that closes nothing"),
                )
                .label("no bracket is open here")
                .fix(self.span(self.at..self.next(self.at)), "")
            }
            E::MismatchedFlowCollectionEnd { open, close } => {
                let wanted = if *open == '[' { ']' } else { '}' };
                // The scanner names the opening bracket.
                let pairs = &self.outline.mismatched;
                let at = pairs.iter().find(|pair| pair.0 == self.at).map_or(self.at, |pair| pair.1);
                let range = at..self.next(at);
                let headline = format!("`{open}` is closed by `{close}`");
                let finding = self
                    .error(codes::LW0115, range.clone(), headline)
                    .label(format!("`{wanted}` is missing here"));
                if at == self.at {
                    finding
                } else {
                    finding
                        .also(self.span(self.at..self.at + 1), "opened here")
                        .maybe(self.span(range), wanted.to_string())
                }
            }
            E::UnclosedFlowCollection { open } => self
                .error(
                    codes::LW0115,
                    self.at..self.next(self.at),
                    format!("`{open}` is never closed"),
                )
                .label("opened here"),
            E::UnexpectedEofFlowSequence
            | E::UnexpectedEofFlowMapping
            | E::UnexpectedEofImplicitFlowMapping => self
                .error(codes::LW0115, self.at..self.at, "a bracket is never closed")
                .label("the text ends here"),
            E::UnexpectedCharacter { character } if matches!(character, '@' | '`' | '%') => {
                let sign = if *character == '`' {
                    "a backtick".to_owned()
                } else {
                    format!("`{character}`")
                };
                self.reserved(&sign)
            }
            E::MissingAnchorOrAliasName => {
                let sign = self.text[..self.at].trim_end().chars().next_back().unwrap_or('*');
                let sign = if matches!(self.char(), '*' | '&') { self.char() } else { sign };
                self.reserved(&format!("`{sign}`"))
            }
            E::ExpectedTagBang
            | E::ExpectedTagDirectiveBang
            | E::InvalidGlobalTagCharacter
            | E::UndeclaredTagHandle
            | E::InvalidTagTerminator
            | E::MissingTagUri
            | E::UnclosedVerbatimTag
            | E::InvalidTagEscape
            | E::InvalidTagUtf8LeadingByte
            | E::InvalidTagUtf8TrailingByte
            | E::InvalidTagUtf8 => self.tag(),
            E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => {
                self.in_brackets()
            }
            E::BlockEntryInFlowCollection | E::PlainScalarStartsWithDashFlowIndicator => self
                .error(
                    codes::LW0101,
                    self.at..self.next(self.at),
                    "a list with `-` inside brackets",
                )
                .label("entries inside brackets are separated by commas")
                .help("write `[a, b]`, or the whole list with `-` on lines of their own"),
            E::BlockSequenceEntryNotAllowed
                if self.key().is_some_and(|key| self.at > key.colon) =>
            {
                self.error(
                    codes::LW0101,
                    self.at..self.end_of_value(),
                    "a list behind its key in the same line",
                )
                .label("the first `-` goes on a line of its own")
                .help("write the list in brackets, `[a, b]`, or with each `-` on a line of its own")
            }
            E::MappingKeyNotAllowed => self.reserved("`?`"),
            E::InvalidBlockScalarHeader | E::ZeroBlockScalarIndent => self
                .error(codes::LW0101, self.at..self.end_of_value(), "text behind `|` or `>`")
                .label("a block text starts on the next line"),
            E::InvalidBlockScalarIndent => self
                .error(
                    codes::LW0117,
                    self.start_of_line(),
                    "this line is not indented like the block text it is in",
                )
                .label("the first line of the text decides"),
            E::MissingDirectiveName
            | E::InvalidDirectiveName
            | E::InvalidDirectiveTerminator
            | E::MissingYamlVersion
            | E::MissingYamlVersionSeparator
            | E::YamlVersionTooLong
            | E::DuplicateVersionDirective
            | E::UnsupportedYamlMajorVersion
            | E::DuplicateTagDirective
            | E::InvalidTagDirectiveTerminator
            | E::MissingDocumentEndBeforeDirective
            | E::ExpectedDocumentStart => self.directive(),
            E::CommentNotSeparated => {
                let span = self.span(self.at..self.at);
                self.error(
                    codes::LW0101,
                    self.at..self.next(self.at),
                    "a comment needs a space in front",
                )
                .label("directly behind a value")
                .fix(span, " ")
            }
            E::CommentInterceptedScalar => self
                .error(
                    codes::LW0101,
                    self.at..self.end_of_value(),
                    "a comment inside a text of several lines",
                )
                .label("the text ended at the comment")
                .help("put the text in quotes, or use `|`"),
            _ => self.line(),
        }
    }

    fn error(
        &self,
        code: codes::Code,
        range: Range<usize>,
        headline: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, self.span(range), headline)
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    fn char(&self) -> char {
        self.text[self.at..].chars().next().unwrap_or(' ')
    }

    /// Behind the character at a place, within the text.
    fn next(&self, at: usize) -> usize {
        at + self.text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8)
    }

    fn start_of_line(&self) -> Range<usize> {
        value_range(self.text, self.line.text, self.line.end)
    }

    fn end_of_value(&self) -> usize {
        value_range(self.text, self.at.min(self.line.end), self.line.end).end.max(self.at)
    }

    /// The innermost key of the line in which the item starts.
    fn key(&self) -> Option<KeyLine> {
        let item = &self.outline.lines[self.line.item];
        key_line(self.text, self.outline.item_start(self.text, self.number), item.end)
    }

    fn tab(&self) -> Option<Diagnostic> {
        let line = &self.text[self.line.start..self.line.end];
        let near = self.at - self.line.start;
        let at = line.get(near..).and_then(|rest| rest.find('\t').map(|at| near + at))?;
        let at = if line.as_bytes().get(near) == Some(&b'\t') {
            near
        } else {
            line[..near].rfind('\t').unwrap_or(at)
        };
        let length = line[at..].bytes().take_while(|byte| *byte == b'\t').count();
        let range = self.line.start + at..self.line.start + at + length;
        let span = self.span(range.clone());
        Some(
            self.error(codes::LW0102, range, "a tab in the indentation")
                .label("YAML is indented by spaces only")
                .fix(span, " ".repeat(length)),
        )
    }

    /// A quote or bracket opened shortly before, whose end is missing.
    fn unclosed(&self) -> Option<Diagnostic> {
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
    fn behind_quote(&self) -> Diagnostic {
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

    fn escape(&self) -> Diagnostic {
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
    fn reserved(&self, sign: &str) -> Diagnostic {
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
                    at.saturating_sub(1)
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

    fn directive(&self) -> Diagnostic {
        self.error(codes::LW0101, self.start_of_line(), "this is not YAML")
            .label("a line that starts with `%` or follows `...` is meant for the parser")
            .help("remove the line, or put a text that starts with `%` in quotes")
    }

    fn tag(&self) -> Diagnostic {
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
    fn line(&self) -> Diagnostic {
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
                if self.at > key.colon && self.text[key.value.clone()].contains(": ")
                    || self.text[key.value.clone()].ends_with(':') && self.at > key.colon =>
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
                .label("this is indented like nothing above"),
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

    fn inside_brackets(&self) -> bool {
        if self.line.role == Role::Inside {
            return true;
        }
        self.key().is_some_and(|key| {
            self.at > key.value.start && self.text[key.value].starts_with(['[', '{'])
        })
    }

    /// Inside brackets: mostly a comma is missing between two entries.
    fn in_brackets(&self) -> Diagnostic {
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
    fn lines_alike(&self, finding: &Diagnostic) -> Option<Remedy> {
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
