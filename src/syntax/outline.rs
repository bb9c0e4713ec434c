//! A lenient reading of the lines of a file: where items start, what is quoted or a comment, which
//! quotes and brackets stay open.
//!
//! The scanner stops where the text makes no sense any more, which is often far behind the mistake:
//! a forgotten quote is noticed at the next one. The outline uses what a person would look at, the
//! indentation, to find the beginning. It never fails, is only ever asked about broken files, and
//! decides nothing: it words errors and bounds what is left out.

use std::ops::Range;

/// What a line is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Blank,
    Comment,
    /// It starts an item: a key, an entry of a list, a text.
    Item,
    /// It goes on with brackets or quotes opened in an earlier line.
    Inside,
    /// It belongs to a block text (`|` or `>`).
    Literal,
}

/// A line; offsets in bytes.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub start: usize,
    /// Without the line break.
    pub end: usize,
    /// Of the first character that is not blank.
    pub text: usize,
    pub role: Role,
    /// The line in which the item starts that this line is a part of.
    pub item: usize,
}

/// A quote or bracket whose end is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclosed {
    pub at: usize,
    pub open: char,
    /// The end of what can have been meant: the last line before the next item.
    pub until: usize,
}

/// A value in typographic quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Curly {
    pub open: Range<usize>,
    pub close: Range<usize>,
}

/// The lines of a text.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub lines: Vec<Line>,
    pub comments: Vec<Range<usize>>,
    /// Quoted texts and the lines of block texts.
    pub quoted: Vec<Range<usize>>,
    pub unclosed: Vec<Unclosed>,
    /// Brackets closed by the other kind: where they open and close.
    pub mismatched: Vec<(usize, usize)>,
    pub curly: Vec<Curly>,
}

/// A key with what follows it in its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyLine {
    pub key: Range<usize>,
    pub colon: usize,
    /// Without blanks around and a comment behind; empty at the end of the line if there is none.
    pub value: Range<usize>,
}

impl Outline {
    /// Reads the lines of a text.
    pub fn new(text: &str) -> Self {
        let mut reader = Reader { text, bytes: text.as_bytes(), ..Reader::default() };
        reader.read();
        reader.outline
    }

    /// The number of the line that a place is in.
    pub fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|line| line.start <= at).saturating_sub(1)
    }

    /// Whether a place is in a comment.
    pub fn in_comment(&self, at: usize) -> bool {
        covers(&self.comments, at)
    }

    /// Whether a place is in a quoted or block text.
    pub fn in_quotes(&self, at: usize) -> bool {
        covers(&self.quoted, at)
    }

    /// The innermost item that a line belongs to: where it starts behind the dashes of lists.
    pub fn item_start(&self, text: &str, line: usize) -> usize {
        let line = &self.lines[self.lines[line].item];
        behind_dashes(text.as_bytes(), line.text, line.end)
    }

    /// The first byte behind the item that starts in a line at `column` bytes: the lines that are
    /// indented deeper belong to it, and so do all that a bracket or quote holds together.
    pub fn item_end(&self, line: usize, column: usize) -> usize {
        let item = self.lines[line].item;
        let mut end = self.lines[line].end;
        for line in &self.lines[line + 1..] {
            let deeper = line.text - line.start > column;
            match line.role {
                Role::Blank | Role::Comment => continue,
                Role::Item if !deeper => break,
                Role::Literal | Role::Inside if line.item != item && !deeper => break,
                _ => end = line.end,
            }
        }
        end
    }
}

fn covers(ranges: &[Range<usize>], at: usize) -> bool {
    let next = ranges.partition_point(|range| range.start <= at);
    next.checked_sub(1).is_some_and(|index| ranges[index].end > at)
}

/// Skips `- ` as often as it stands there.
pub(super) fn behind_dashes(bytes: &[u8], mut at: usize, end: usize) -> usize {
    while at + 1 < end && matches!(bytes[at], b'-' | b'?') && matches!(bytes[at + 1], b' ' | b'\t')
    {
        at += 1;
        while at < end && matches!(bytes[at], b' ' | b'\t') {
            at += 1;
        }
    }
    at
}

/// Reads `key: value` from a range of one line.
pub(super) fn key_line(text: &str, start: usize, end: usize) -> Option<KeyLine> {
    let bytes = text.as_bytes();
    let mut at = start;
    match bytes.get(start).filter(|_| start < end)? {
        quote @ (b'"' | b'\'') => {
            at = start + 1 + bytes[start + 1..end].iter().position(|byte| byte == quote)? + 1;
        }
        b'[' | b'{' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => return None,
        _ => {}
    }
    let colon = (at..end).find(|&at| {
        bytes[at] == b':' && (at + 1 == end || matches!(bytes[at + 1], b' ' | b'\t'))
            || bytes[at] == b'#' && matches!(bytes[at - 1], b' ' | b'\t')
    })?;
    if bytes[colon] != b':' {
        return None;
    }
    let key = start..start + text[start..colon].trim_end().len();
    Some(KeyLine { key, colon, value: value_range(text, colon + 1, end) })
}

/// The part of a line from `start` that is a value: without blanks around and a comment behind.
pub(super) fn value_range(text: &str, start: usize, end: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let start = start + text[start..end].len() - text[start..end].trim_start().len();
    let quote = bytes.get(start).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let from = match quote {
        Some(quote) => {
            text[start + 1..end].rfind(char::from(quote)).map_or(start, |at| start + 1 + at)
        }
        None => start,
    };
    let comment = (from..end)
        .find(|&at| bytes[at] == b'#' && at > 0 && matches!(bytes[at - 1], b' ' | b'\t'))
        .unwrap_or(end);
    start..start + text[start..comment.max(start)].trim_end().len()
}

/// Whether what stands behind a `|` or `>` makes it the header of a block text.
pub(super) fn is_block_header(rest: &str) -> bool {
    let signs = |c: char| matches!(c, '+' | '-') || c.is_ascii_digit();
    let rest = rest.trim_start_matches(signs);
    rest.trim().is_empty() || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    outline: Outline,
    quote: Option<(u8, usize)>,
    brackets: Vec<(u8, usize)>,
    /// The column that the lines of a block text are deeper than.
    literal: Option<usize>,
    /// The line and column in which the current item starts, and whether it has a key or dash.
    item: usize,
    column: usize,
    keyed: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut start = 0;
        while start <= self.bytes.len() {
            let length = self.bytes[start..].iter().position(|byte| *byte == b'\n');
            let next = length.map_or(self.bytes.len() + 1, |length| start + length + 1);
            let mut end = next - 1;
            if end > start && self.bytes[end - 1] == b'\r' {
                end -= 1;
            }
            self.line(start, end);
            start = next;
        }
        self.give_up();
    }

    fn line(&mut self, start: usize, end: usize) {
        let blank = self.bytes[start..end].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let text = start + blank;
        let number = self.outline.lines.len();
        if let Some(column) = self.literal {
            if text == end || blank > column {
                self.outline.quoted.push(start..end);
                self.add(Line { start, end, text, role: Role::Literal, item: self.item });
                return;
            }
            self.literal = None;
        }
        if text == end {
            self.add(Line { start, end, text, role: Role::Blank, item: number });
            return;
        }
        let open = self.quote.is_some() || !self.brackets.is_empty();
        if open && self.is_next_item(blank, text, end) {
            self.give_up();
        }
        if self.quote.is_some() || !self.brackets.is_empty() {
            let comment = self.quote.is_none() && self.bytes[text] == b'#';
            let role = if comment { Role::Comment } else { Role::Inside };
            self.add(Line { start, end, text, role, item: self.item });
            self.characters(if self.quote.is_some() { start } else { text }, end);
            return;
        }
        if self.bytes[text] == b'#' {
            self.outline.comments.push(text..end);
            self.add(Line { start, end, text, role: Role::Comment, item: number });
            return;
        }
        self.item = number;
        self.add(Line { start, end, text, role: Role::Item, item: number });
        let from = behind_dashes(self.bytes, text, end);
        let keyed = key_line(self.text, from, end).is_some();
        // The lines of a block text under `- |` are deeper than the dash, under `- key: |` than the key.
        self.column = if keyed { from - start } else { blank };
        self.keyed = keyed || from > text;
        self.characters(from, end);
    }

    fn add(&mut self, line: Line) {
        self.outline.lines.push(line);
    }

    /// Whether a line that brackets or quotes hold is, to a person, the next item.
    fn is_next_item(&self, blank: usize, text: usize, end: usize) -> bool {
        if !self.keyed || blank > self.column {
            return false;
        }
        let line = &self.text[text..end];
        if line.starts_with("- ") || line == "---" {
            return true;
        }
        key_line(self.text, text, end).is_some_and(|line| {
            let key = self.text[line.key].trim_matches(['"', '\'']);
            !key.is_empty()
                && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        })
    }

    /// What is still open will not be closed any more.
    fn give_up(&mut self) {
        let written = |line: &&Line| !matches!(line.role, Role::Blank | Role::Comment);
        let until = self.outline.lines.iter().rev().find(written).map_or(0, |line| line.end);
        if let Some((open, at)) = self.quote.take() {
            self.outline.unclosed.push(Unclosed { at, open: open.into(), until });
        } else if let Some((open, at)) = self.brackets.first().copied() {
            self.outline.unclosed.push(Unclosed { at, open: open.into(), until });
        }
        self.brackets.clear();
    }

    /// Reads the characters of a line outside block texts.
    fn characters(&mut self, start: usize, end: usize) {
        let mut at = start;
        // Whether a value may begin here.
        let mut fresh = true;
        while at < end {
            let byte = self.bytes[at];
            if let Some((quote, from)) = self.quote {
                let doubled = byte == quote && self.bytes.get(at + 1) == Some(&quote);
                let escaped = if quote == b'"' { byte == b'\\' } else { doubled };
                if escaped {
                    at += 2;
                } else {
                    if byte == quote {
                        self.outline.quoted.push(from..at + 1);
                        self.quote = None;
                        fresh = false;
                    }
                    at += 1;
                }
                continue;
            }
            let before_blank =
                at + 1 >= end || matches!(self.bytes[at + 1], b' ' | b'\t' | b'\r' | b'\n');
            let after_blank = at == start || matches!(self.bytes[at - 1], b' ' | b'\t');
            let flow = !self.brackets.is_empty();
            match byte {
                b'#' if after_blank => {
                    self.outline.comments.push(at..end);
                    return;
                }
                b'"' | b'\'' if fresh => self.quote = Some((byte, at)),
                b'[' | b'{' if fresh || flow => {
                    self.brackets.push((byte, at));
                    fresh = true;
                }
                b']' | b'}' if flow => {
                    if let Some((open, from)) = self.brackets.pop()
                        && (open == b'[') != (byte == b']')
                    {
                        self.outline.mismatched.push((from, at));
                    }
                    fresh = false;
                }
                b',' if flow => fresh = true,
                b':' if before_blank
                    || flow && at > 0 && matches!(self.bytes[at - 1], b'"' | b'\'') =>
                {
                    fresh = true;
                }
                b'|' | b'>' if fresh && !flow && is_block_header(&self.text[at + 1..end]) => {
                    self.literal = Some(self.column);
                    return;
                }
                b'&' | b'!' if fresh => {
                    while at < end && !matches!(self.bytes[at], b' ' | b'\t') {
                        at += 1;
                    }
                    continue;
                }
                b' ' | b'\t' => {}
                0xE2 if fresh => {
                    self.curly(at, end);
                    fresh = false;
                }
                _ => fresh = false,
            }
            at += 1;
        }
    }

    /// Notes a value that stands in typographic quotes as a whole.
    fn curly(&mut self, at: usize, end: usize) {
        let Some(open) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return };
        let closers: &[char] = match open {
            '“' | '”' | '„' | '‟' => &['“', '”', '‟'],
            '‘' | '’' | '‚' | '‛' => &['‘', '’', '‛'],
            _ => return,
        };
        let inside = at + open.len_utf8();
        let value = value_range(self.text, inside, end);
        let close = if self.brackets.is_empty() {
            self.text[inside..value.end].rfind(closers)
        } else {
            self.text[inside..value.end].find(closers)
        };
        let Some(close) = close.map(|offset| inside + offset) else { return };
        let length = self.text[close..].chars().next().map_or(0, char::len_utf8);
        let rest = self.text[close + length..value.end].trim_start();
        let ends = rest.is_empty()
            || rest.starts_with(':')
            || !self.brackets.is_empty() && rest.starts_with([',', ']', '}']);
        if ends {
            self.outline.curly.push(Curly { open: at..inside, close: close..close + length });
        }
    }
}
