//! Writes a layout in the canonical form: goes over the tree, copies the tokens, and puts between
//! them what belongs there. Comments are not in the tree; before each token those in front of it are
//! written.

use std::ops::Range;

use super::is_account_id;
use super::layout::{Item, Layout, Shape};

/// Spaces a level.
const STEP: usize = 2;

/// The text of a layout.
pub(super) fn write(text: &str, layout: &Layout) -> String {
    let mut writer = Writer {
        text,
        comments: &layout.comments,
        next: 0,
        done: 0,
        opened: false,
        kept: false,
        out: String::with_capacity(text.len()),
    };
    if let Some(marker) = &layout.marker {
        writer.line(marker.start, 0);
        writer.token("---", marker.end);
    }
    if let Some(root) = &layout.root {
        writer.root(root);
    }
    writer.comments_before(text.len(), 0);
    if !writer.kept {
        let length = writer.out.trim_end_matches('\n').len();
        writer.out.truncate(length);
    }
    writer.out.push('\n');
    writer.out
}

struct Writer<'a> {
    text: &'a str,
    comments: &'a [Range<usize>],
    /// The first comment that is not written yet.
    next: usize,
    /// The end of the last token or comment of the text that is written.
    done: usize,
    /// Whether the last token opened something: no empty line follows it.
    opened: bool,
    /// Whether the last token is a text whose empty lines at the end count.
    kept: bool,
    out: String,
}

impl Writer<'_> {
    fn root(&mut self, root: &Item) {
        match &root.shape {
            Shape::Map { flow: false, .. } | Shape::List { flow: false, .. } => {
                if let Some(anchor) = &root.anchor {
                    self.line(anchor.start, 0);
                    self.copy(anchor.clone());
                }
                self.collection(root, 0, None, false);
            }
            Shape::Empty => {}
            _ => {
                self.line(root.start(), 0);
                self.anchor(root);
                self.leaf(root, 0);
            }
        }
    }

    /// The entries of a block map or list at a column. `inline`: the first goes on the current line.
    fn collection(&mut self, item: &Item, indent: usize, parent: Option<usize>, inline: bool) {
        let column = self.column(self.next_token());
        let mut inline = inline;
        match &item.shape {
            Shape::Map { entries, .. } => {
                for (key, value) in entries {
                    let start = self.next_token().min(key.start());
                    if !std::mem::take(&mut inline) {
                        self.line(start, indent);
                    }
                    self.entry(key, value, indent, column);
                }
            }
            Shape::List { items, .. } => {
                for item in items {
                    let dash = self.next_token();
                    if !std::mem::take(&mut inline) {
                        self.line(dash, indent);
                    }
                    self.token("-", dash + 1);
                    self.value(item, indent, column, true);
                }
            }
            _ => {}
        }
        self.comments_of(column, parent, indent);
    }

    fn entry(&mut self, key: &Item, value: &Item, indent: usize, column: usize) {
        self.anchor(key);
        self.leaf(key, indent);
        let colon = self.next_token();
        if self.text[colon..].starts_with(':') {
            self.token(":", colon + 1);
        }
        self.value(value, indent, column, false);
    }

    /// A value behind `key:` or `-`.
    fn value(&mut self, item: &Item, indent: usize, column: usize, dash: bool) {
        let inner = indent + STEP;
        match &item.shape {
            Shape::Empty if item.anchor.is_none() => {}
            Shape::Map { flow: false, .. } | Shape::List { flow: false, .. } => {
                if let Some(anchor) = &item.anchor {
                    self.out.push(' ');
                    self.copy(anchor.clone());
                }
                let start = self.next_token();
                let inline = dash && item.anchor.is_none() && !self.comment_before(start);
                if inline {
                    self.out.push(' ');
                }
                self.collection(item, inner, Some(column), inline);
            }
            _ => {
                if self.comment_before(item.start()) {
                    self.line(item.start(), inner);
                } else {
                    self.out.push(' ');
                }
                self.anchor(item);
                self.leaf(item, indent);
            }
        }
    }

    fn anchor(&mut self, item: &Item) {
        if let Some(anchor) = &item.anchor {
            self.copy(anchor.clone());
            if !matches!(item.shape, Shape::Empty) {
                self.out.push(' ');
            }
        }
    }

    /// A scalar, an alias, or a collection in brackets; `indent` is the column of its line.
    fn leaf(&mut self, item: &Item, indent: usize) {
        let written = &self.text[item.range.clone()];
        match &item.shape {
            Shape::Empty => {}
            Shape::Plain if is_account_id(written) => {
                self.token(&format!("\"{written}\""), item.range.end);
            }
            Shape::Quoted('\'') if !written.contains(['"', '\\', '\n']) => {
                let inside = written[1..written.len() - 1].replace("''", "'");
                self.token(&format!("\"{inside}\""), item.range.end);
            }
            Shape::Plain | Shape::Quoted(_) => self.lines(item.range.clone(), indent + STEP),
            Shape::Block => self.block(item.range.clone(), indent),
            Shape::List { items, .. } => {
                let parts: Vec<_> = items.iter().map(|item| (None, item)).collect();
                self.brackets(&item.range, &parts, ["[", "]"], "", indent);
            }
            Shape::Map { entries, .. } => {
                let parts: Vec<_> = entries.iter().map(|(key, value)| (Some(key), value)).collect();
                if written.starts_with('{') {
                    self.brackets(&item.range, &parts, ["{", "}"], " ", indent);
                } else {
                    // `[a: b]` is a list with a map of one entry.
                    for (key, value) in entries {
                        self.entry(key, value, indent, indent);
                    }
                }
            }
        }
    }

    /// A text over several lines in quotes or without: blanks around its lines do not count.
    fn lines(&mut self, range: Range<usize>, indent: usize) {
        let written = &self.text[range.clone()];
        for (at, line) in written.split('\n').enumerate() {
            let line = if at == 0 { line } else { line.trim_start_matches([' ', '\t']) };
            let trimmed = line.trim_end_matches([' ', '\t']);
            let line = if trimmed.ends_with('\\') { line } else { trimmed };
            if at > 0 {
                self.out.push('\n');
                if !line.is_empty() {
                    self.spaces(indent);
                }
            }
            self.out.push_str(line);
        }
        self.done = range.end;
        self.opened = false;
        self.kept = false;
    }

    /// A block text: the header as it is, the lines moved to their new column.
    fn block(&mut self, range: Range<usize>, indent: usize) {
        let written = &self.text[range.clone()];
        let (header, body) = written.split_once('\n').unwrap_or((written, ""));
        self.out.push_str(header.trim_end());
        let signs = header.trim_start_matches(['|', '>']);
        let signs = signs.split([' ', '\t', '#']).next().unwrap_or("");
        let keep = signs.contains('+');
        let explicit = signs.chars().find_map(|c| c.to_digit(10)).map(|digit| digit as usize);
        let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let first = body.split('\n').find(|line| !line.trim_start_matches(' ').is_empty());
        let (old, new) = match explicit {
            // The digit counts from the column of the item around, which the text does not show:
            // the lines of such a text stay where they are, relative to each other.
            Some(digit) => (self.item_column(range.start) + digit, indent + digit),
            None => (first.map_or(usize::MAX, blanks), indent + STEP),
        };
        // The range may go on with blanks of the next line.
        let body = &body[..body.rfind('\n').map_or_else(
            || if body.trim_start_matches(' ').is_empty() { 0 } else { body.len() },
            |last| if body[last..].trim().is_empty() { last } else { body.len() },
        )];
        let body = if keep { body } else { body.trim_end_matches(['\n']) };
        let end = range.start + written.len().min(header.len() + 1 + body.len());
        let lines: Vec<&str> =
            if body.is_empty() && !keep { Vec::new() } else { body.split('\n').collect() };
        let last = lines.iter().rposition(|line| !line.trim_start_matches(' ').is_empty());
        for (at, line) in lines.iter().enumerate() {
            let rest = line.get(old.min(blanks(line))..).unwrap_or("");
            if rest.is_empty() && !keep && last.is_none_or(|last| at > last) {
                break;
            }
            self.out.push('\n');
            if !rest.is_empty() {
                self.spaces(new);
                self.out.push_str(rest);
            }
        }
        // Its own comments stand in the header.
        while self
            .comments
            .get(self.next)
            .is_some_and(|comment| comment.start < range.start + header.len())
        {
            self.next += 1;
        }
        self.done = end;
        self.opened = false;
        self.kept = keep;
    }

    /// The column of the innermost item of the line that a block text starts in.
    fn item_column(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        let line = &self.text.as_bytes()[start..at];
        let blank = line.iter().take_while(|byte| **byte == b' ').count();
        let behind = crate::syntax::outline::behind_dashes(self.text.as_bytes(), start + blank, at);
        let keyed = self.text[behind..at].contains(':');
        if keyed || behind == start + blank {
            behind - start
        } else {
            // Behind a dash: the column of the last dash.
            self.text[start..behind].rfind('-').unwrap_or(blank)
        }
    }

    /// A collection in brackets: on one line if it is written on one, else an entry a line.
    fn brackets(
        &mut self,
        range: &Range<usize>,
        parts: &[(Option<&Item>, &Item)],
        [open, close]: [&str; 2],
        pad: &str,
        indent: usize,
    ) {
        self.token(open, range.start + 1);
        let closing = range.end - 1;
        let commented = self.comment_before(closing);
        let spread = self.text[range.clone()].contains('\n') && (commented || !parts.is_empty());
        for (at, (key, value)) in parts.iter().enumerate() {
            let start = key.map_or(value.start(), Item::start);
            if at > 0 {
                self.out.push(',');
            }
            if spread {
                self.line(start, indent + STEP);
            } else {
                self.out.push_str(if at > 0 { " " } else { pad });
            }
            match key {
                Some(key) => self.entry(key, value, indent + STEP, indent + STEP),
                None => {
                    self.anchor(value);
                    self.leaf(value, indent + STEP);
                }
            }
            // A comma belongs to what is in front of it.
            let comma = self.next_token();
            if self.text[comma..].starts_with(',') && !self.comment_before(comma) {
                self.done = comma + 1;
            }
        }
        if spread {
            self.comments_before(closing, indent + STEP);
            self.out.push('\n');
            self.spaces(indent);
        } else if !parts.is_empty() {
            self.out.push_str(pad);
        }
        self.token(close, range.end);
    }

    /// Starts the line of a token: with the comments in front of it, and an empty line if there is
    /// one or more.
    fn line(&mut self, start: usize, indent: usize) {
        self.comments_before(start, indent);
        self.fresh_line(start, indent);
    }

    fn fresh_line(&mut self, start: usize, indent: usize) {
        if !self.out.is_empty() {
            self.out.push('\n');
            if self.breaks_before(start) > 1 && !self.opened {
                self.out.push('\n');
            }
        }
        self.spaces(indent);
    }

    /// The comments in front of a place: those on the line of the last token behind it, the others on
    /// lines of their own.
    fn comments_before(&mut self, until: usize, indent: usize) {
        while self.comment_before(until) {
            self.comment(indent);
        }
    }

    /// The comments that follow the last entry of a collection and are indented like it.
    fn comments_of(&mut self, column: usize, parent: Option<usize>, indent: usize) {
        let until = self.next_token();
        while self.comment_before(until) {
            let start = self.comments[self.next].start;
            let own_line = self.breaks_before(start) > 0;
            let theirs = self.column(start);
            let deeper = theirs >= column && parent.is_none_or(|parent| theirs > parent);
            if own_line && !deeper {
                break;
            }
            self.comment(indent);
        }
    }

    /// The line breaks between the last token and a place.
    fn breaks_before(&self, start: usize) -> usize {
        let between = self.text.as_bytes().get(self.done..start).unwrap_or(&[]);
        between.iter().filter(|byte| **byte == b'\n').count()
    }

    fn comment_before(&self, until: usize) -> bool {
        self.comments.get(self.next).is_some_and(|comment| comment.start < until)
    }

    fn comment(&mut self, indent: usize) {
        let range = self.comments[self.next].clone();
        self.next += 1;
        let beside = self.done > 0 && self.breaks_before(range.start) == 0;
        if beside {
            let before = &self.text[..range.start];
            let gap = before.len() - before.trim_end_matches([' ', '\t']).len();
            let current = self.out.rfind('\n').map_or(0, |at| at + 1);
            let current = self.out[current..].chars().count();
            // A column of comments stays a column.
            let spaces =
                if gap < 2 { 1 } else { self.column(range.start).saturating_sub(current).max(2) };
            self.spaces(spaces);
        } else {
            self.fresh_line(range.start, indent);
        }
        self.out.push_str(self.text[range.clone()].trim_end());
        self.done = range.end;
        self.opened = false;
        self.kept = false;
    }

    /// The column of a place, in characters from 0.
    fn column(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        self.text[start..at].chars().count()
    }

    /// The next place that is neither blank nor in a comment.
    fn next_token(&self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.done;
        let mut comment = self.next;
        loop {
            while at < bytes.len() && matches!(bytes[at], b' ' | b'\t' | b'\n' | b'\r') {
                at += 1;
            }
            match self.comments.get(comment) {
                Some(range) if range.start == at => at = range.end,
                _ => return at,
            }
            comment += 1;
        }
    }

    fn token(&mut self, token: &str, end: usize) {
        self.out.push_str(token);
        self.done = end;
        self.opened = matches!(token, ":" | "[" | "{");
        self.kept = false;
    }

    fn copy(&mut self, range: Range<usize>) {
        self.out.push_str(&self.text[range.clone()]);
        self.done = range.end;
        self.opened = false;
        self.kept = false;
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }
}
