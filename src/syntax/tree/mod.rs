//! Events of the scanner to a tree.
//!
//! Goes over the events once, with a stack of its own, and reports what YAML allows but a spec does
//! not: keys twice, merge keys, tags, keys that are no text, a second document. Aliases are expanded
//! to copies, which keep the places of the original; the number of copied values and the depth of the
//! tree are bounded, so that a small file cannot become a huge tree.

mod aliases;
mod keys;

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span as Range2, StructureStyle};

use super::draft::Draft;
use super::{Entry, Kind, Node, shown};

use crate::diagnostic::{self as codes, Diagnostic};
use crate::source::{FileId, Span};
pub(in crate::syntax) use keys::{glued, is_glued};

/// Levels of a tree. A spec has at most a dozen.
const MAX_DEPTH: usize = 128;
/// Values that aliases may add to a tree.
const MAX_COPIES: usize = 200_000;

/// Where and why the scanner stopped.
pub(super) struct Stop {
    pub kind: ErrorKind,
    pub at: usize,
}

/// What a text is: its tree, `None` if it has no content, and findings; places are of the original.
pub(super) struct Built {
    pub root: Option<Node>,
    pub findings: Vec<Diagnostic>,
}

/// Builds the tree of a draft, up to the first place that is not YAML.
pub(super) fn build(draft: &Draft<'_>, file: FileId) -> Result<Built, Stop> {
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let text = draft.text();
    let mut builder = Builder {
        draft,
        text,
        file,
        frames: Vec::new(),
        root: None,
        documents: 0,
        aliased: text.contains('*'),
        anchors: HashMap::new(),
        copies: 0,
        exhausted: false,
        findings: Vec::new(),
    };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| {
            let at = error.marker().byte_offset().unwrap_or(text.len());
            Stop { kind: error.kind().clone(), at: at.min(text.len()) }
        })?;
        if builder.event(event, span).is_break() {
            break;
        }
    }
    Ok(Built { root: builder.root, findings: builder.findings })
}

/// A collection that is not complete yet.
struct Frame {
    start: usize,
    anchor: usize,
    flow: bool,
    content: Content,
    /// Stands where a key should be; dropped when it ends.
    as_key: bool,
    /// Carries a tag that makes it something else.
    tagged: bool,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Key, merges: Vec<(Node, Span)> },
}

/// What the next node of a map is.
enum Key {
    /// A key.
    Awaited,
    /// The value of this key.
    Text(Box<str>, Range<usize>),
    /// The value of `<<`.
    Merge(Range<usize>),
    /// The value of a key that was reported: not kept.
    Unusable,
}

/// A value with an anchor: a copy, its number of values and its depth.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Builder<'a> {
    draft: &'a Draft<'a>,
    text: &'a str,
    file: FileId,
    frames: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    /// Whether there can be an alias: anchors without one cost nothing.
    aliased: bool,
    anchors: HashMap<usize, Anchored>,
    copies: usize,
    exhausted: bool,
    findings: Vec<Diagnostic>,
}

type Flow = std::ops::ControlFlow<()>;

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Range2) -> Flow {
        let range = span.byte_range().unwrap_or(0..0);
        let tag = span.tag_span().and_then(|span| span.byte_range());
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 2 {
                    self.report(
                        Diagnostic::error(
                            codes::LW0108,
                            self.span(&range),
                            "a second document in the file",
                        )
                        .label("everything from here on is not read")
                        .help("a spec is one document: remove the `---` or `...` in front, or make it a file of its own"),
                    );
                    return Flow::Break(());
                }
            }
            Event::Scalar(text, style, anchor, resolved) => {
                let tagged = resolved
                    .is_some_and(|resolved| self.tag(tag, &range, resolved.is_yaml_core_schema()));
                self.scalar(&text, style, range, anchor, tagged);
            }
            Event::SequenceStart(style, anchor, resolved) => {
                let range = self.start_at_dash(range, style);
                let tagged = resolved
                    .is_some_and(|resolved| self.tag(tag, &range, resolved.is_yaml_core_schema()));
                self.open(range, anchor, style, Content::List(Vec::new()), tagged);
            }
            Event::MappingStart(style, anchor, resolved) => {
                let tagged = resolved
                    .is_some_and(|resolved| self.tag(tag, &range, resolved.is_yaml_core_schema()));
                let content =
                    Content::Map { entries: Vec::new(), key: Key::Awaited, merges: Vec::new() };
                self.open(range, anchor, style, content, tagged);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
            Event::Alias(anchor) => self.alias(anchor, range),
            Event::UnresolvedAlias(name) => {
                let mut finding = Diagnostic::error(
                    codes::LW0105,
                    self.span(&range),
                    format!("unknown anchor `{}`", shown(&name)),
                )
                .label("no value above is marked with this name")
                .help(format!(
                    "mark a value above with `&{name}`, or write a text with `*` in quotes"
                ));
                if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
                    finding = finding.fix(self.span(&range), format!("\"*{name}\""));
                }
                self.report(finding);
                self.broken(range);
            }
            _ => {}
        }
        Flow::Continue(())
    }

    /// The scanner lets a list start behind its first dash where it is not indented.
    fn start_at_dash(&self, range: Range<usize>, style: StructureStyle) -> Range<usize> {
        let before = self.text[..range.start].trim_end_matches([' ', '\t']);
        let dash = style == StructureStyle::Block
            && !self.text[range.start..].starts_with('-')
            && before.ends_with('-');
        if dash { before.len() - 1..range.end } else { range }
    }

    /// Reports a tag. Returns whether it makes something else of the value.
    fn tag(&mut self, tag: Option<Range<usize>>, value: &Range<usize>, core: bool) -> bool {
        let range = tag.unwrap_or_else(|| value.clone());
        let text = self.text.get(range.clone()).unwrap_or("");
        let mut finding = Diagnostic::error(
            codes::LW0109,
            self.span(&range),
            format!("`{}` is not part of a spec", shown(text)),
        )
        .label("a YAML tag");
        finding = if core {
            let blank = self.text[range.end..].bytes().take_while(|byte| *byte == b' ').count();
            let end = range.end + blank;
            let next = self.text[end..].bytes().next();
            let plain = next.is_some_and(|byte| byte.is_ascii_alphanumeric()) && text == "!!str";
            let finding = finding.help(
                "what a value is follows from its key: write the value alone, a text in quotes",
            );
            if plain && value.start == end && !self.text[value.clone()].contains(['"', '\\', '\n'])
            {
                let quoted = format!("\"{}\"", &self.text[value.clone()]);
                finding.fix(self.span(&(range.start..value.end)), quoted)
            } else {
                finding.fix(self.span(&(range.start..end)), "")
            }
        } else {
            finding.help("name what you mean, as in `encryption: keys.raw`; a text that starts with `!` goes in quotes")
        };
        self.report(finding);
        !core
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        range: Range<usize>,
        anchor: usize,
        tagged: bool,
    ) {
        let plain = style == ScalarStyle::Plain;
        let empty = plain && range.is_empty();
        if self.awaits_key() {
            self.key(text, plain, empty, range);
            return;
        }
        let kind = if tagged || empty && self.left_out(range.start) {
            Kind::Broken
        } else if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            Kind::Null
        } else if plain && self.lacks_space(&range) {
            Kind::Broken
        } else {
            Kind::Scalar { text: text.into(), quoted: !plain }
        };
        let node = Node { span: self.span_of(&range), kind };
        self.value(node, anchor, empty, range);
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame { content: Content::Map { key: Key::Awaited, .. }, .. })
        )
    }

    fn open(
        &mut self,
        range: Range<usize>,
        anchor: usize,
        style: StructureStyle,
        content: Content,
        tagged: bool,
    ) {
        let as_key = self.awaits_key();
        if as_key && !self.frames.iter().any(|frame| frame.as_key) {
            let what = if matches!(content, Content::List(_)) { "a list" } else { "a map" };
            let placeholder = self.text[range.start..].starts_with("{{")
                || self.text[..range.start].ends_with('{');
            let mut finding = Diagnostic::error(
                codes::LW0110,
                self.span(&range),
                format!("{what} where a key should be"),
            )
            .label("a key is a text");
            finding = if placeholder {
                finding.help(
                    "`{{ ... }}` is a placeholder of a template; in a spec the text goes in quotes",
                )
            } else {
                finding.help("write `key: value`")
            };
            self.report(finding);
        }
        let flow = style == StructureStyle::Flow;
        self.frames.push(Frame { start: range.start, anchor, flow, content, as_key, tagged });
    }

    fn close(&mut self, range: Range<usize>) {
        let Some(frame) = self.frames.pop() else { return };
        let (kind, last) = match frame.content {
            Content::List(items) => {
                let last = items.last().map(|item| item.span);
                (Kind::List(items), last)
            }
            Content::Map { mut entries, merges, .. } => {
                self.duplicates(&mut entries);
                let last = entries.last().map(|entry| entry.value.span.max(entry.key_span));
                for (merged, _) in merges {
                    self.merge(&mut entries, merged);
                }
                (Kind::Map(entries), last)
            }
        };
        let start = self.draft.to_original(frame.start);
        // A block ends with its last value: the scanner reports where the next token starts.
        let end = match last {
            Some(last) if !frame.flow => (last.end as usize).max(start),
            _ => self.draft.to_original(range.end),
        };
        let kind = if frame.tagged { Kind::Broken } else { kind };
        let node = Node { span: Span::new(self.file, start, end), kind };
        if frame.as_key {
            if let Some(Frame { content: Content::Map { key, .. }, .. }) = self.frames.last_mut() {
                *key = Key::Unusable;
            }
            return;
        }
        self.value(node, frame.anchor, false, frame.start..range.end);
    }

    /// Puts a complete value where it belongs.
    fn value(&mut self, node: Node, anchor: usize, empty: bool, range: Range<usize>) {
        if anchor != 0 && self.aliased && !self.exhausted {
            let (size, depth) = aliases::measure(&node);
            self.copies += size;
            if self.copies <= MAX_COPIES {
                self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
            } else {
                self.exhaust(&range);
            }
        }
        let file = self.file;
        let Some(frame) = self.frames.last_mut() else {
            if self.documents <= 1 && !(empty && self.root.is_none() && node.kind == Kind::Null) {
                self.root = Some(node);
            }
            return;
        };
        let flow = frame.flow;
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, key, merges } => match std::mem::replace(key, Key::Awaited) {
                Key::Text(text, at) => {
                    let place = |at: usize| self.draft.to_original(at);
                    let key_span = Span::new(file, place(at.start), place(at.end));
                    let bare = flow && empty && node.kind == Kind::Null;
                    entries.push(Entry { key: text, key_span, value: node });
                    if bare {
                        self.bare_key(at);
                    }
                }
                Key::Merge(at) => {
                    merges.push((node, Span::new(file, at.start, at.end)));
                    self.report_merge(at);
                }
                Key::Awaited | Key::Unusable => {}
            },
        }
    }

    fn broken(&mut self, range: Range<usize>) {
        if self.awaits_key() {
            if let Some(Frame { content: Content::Map { key, .. }, .. }) = self.frames.last_mut() {
                *key = Key::Unusable;
            }
            return;
        }
        let node = Node { span: self.span_of(&range), kind: Kind::Broken };
        self.value(node, 0, false, range);
    }

    /// Whether a value is missing because what stood there was left out.
    fn left_out(&self, at: usize) -> bool {
        if !self.draft.has_blanks() {
            return false;
        }
        // From the key or dash, wherever the scanner puts what is not there, to the next token.
        let from = match self.frames.last() {
            Some(Frame { content: Content::Map { key: Key::Text(_, key), .. }, .. }) => key.end,
            _ => self.text[..at].trim_end().len(),
        };
        let mut to = at.max(from);
        let bytes = self.text.as_bytes();
        if matches!(bytes.get(to), Some(b':' | b'-')) {
            to += 1;
        }
        while to < bytes.len() {
            match bytes[to] {
                b' ' | b'\t' | b'\n' | b'\r' => to += 1,
                b'#' => to += self.text[to..].find('\n').unwrap_or(bytes.len() - to),
                _ => break,
            }
        }
        self.draft.blanked_between(from, to)
    }

    /// Takes a finding about the draft in.
    fn report(&mut self, finding: Diagnostic) {
        let finding = self.draft.locate(finding);
        self.findings.push(finding);
    }

    /// A span of the draft, for findings.
    fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    /// A span of the original, for the tree.
    fn span_of(&self, range: &Range<usize>) -> Span {
        Span::new(self.file, self.draft.to_original(range.start), self.draft.to_original(range.end))
    }
}
