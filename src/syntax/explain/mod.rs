//! From the place where the scanner stopped to what a person did wrong there.
//!
//! Takes the scanner's reason and the outline of the text, and gives a finding with an exact place in
//! our own words, and what to do with the text so that the rest can be read: the suggested edits where
//! they are certain, else the item is left out.

mod lines;
mod texts;

use std::ops::Range;

use granit_parser::ErrorKind;

use super::draft::Edit;
use super::outline::{KeyLine, Line, Outline, Role, key_line, value_range};
use super::tree::Stop;
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
                .label("this level is one too many")
                .help("take a level out: no spec needs more than a dozen");
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
                .label("a block text starts on the next line")
                .help("begin the text on the next line, indented"),
            E::InvalidBlockScalarIndent => self
                .error(
                    codes::LW0117,
                    self.start_of_line(),
                    "this line is not indented like the block text it is in",
                )
                .label("the first line of the text decides")
                .help("indent it as far as the first line of the text"),
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
}
