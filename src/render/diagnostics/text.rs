//! Diagnostics for the terminal, in the form of rustc's: headline, place, the lines with the labels,
//! then where in the spec it is, what to do, and how to read on.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Patch, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Diagnostics, Label, Severity};
use crate::render::escape::{escape, escape_line, mask};
use crate::source::{FileId, Source, Sources, Span};

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Print every finding, not only the first 20.
    pub all: bool,
}

/// As many findings as a person reads at once.
pub const SHOWN: usize = 20;
/// Suggested edits that are shown of one finding.
const SHOWN_EDITS: usize = 4;
/// Labels further apart than this many lines are shown as separate snippets.
const FAR: usize = 400;

impl Default for Style {
    fn default() -> Self {
        Style { color: false, width: 120, all: false }
    }
}

/// The findings, in their order, and a last line with their number. Empty if there are none.
pub fn text(diagnostics: &Diagnostics, sources: &Sources, style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(style.width.clamp(40, 400)).hyperlink(false);
    let shown = if style.all { usize::MAX } else { SHOWN };
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(shown) {
        out += &one(diagnostic, sources, &renderer);
        out += "\n\n";
    }
    let counts = [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Note, "note", "notes"),
    ];
    let counted: Vec<String> = counts
        .into_iter()
        .map(|(severity, one, many)| (diagnostics.count(severity), one, many))
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    let rest = diagnostics.iter().len().saturating_sub(shown);
    if rest > 0 {
        out += &format!("+{rest} more (`--all` shows them)\n");
    }
    if !counted.is_empty() {
        out += &format!("{}\n", counted.join(", "));
    }
    out
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(escape_line(&diagnostic.headline)).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title).elements(snippets(diagnostic, sources));
    let message = |name: &'static str, text: String| Level::NOTE.with_name(name).message(text);
    let environment = diagnostic.environment.as_deref().map(|name| format!("(environment {name})"));
    let at: Vec<&str> =
        [diagnostic.path.as_deref(), environment.as_deref()].into_iter().flatten().collect();
    if !at.is_empty() {
        group = group.element(message("at", escape_line(&at.join(" ")).into_owned()));
    }
    for note in &diagnostic.notes {
        group = group.element(message("note", escape(note).into_owned()));
    }
    for help in &diagnostic.help {
        group = group.element(message("help", escape(help).into_owned()));
    }
    group = group.element(message("explain", format!("lakewright explain {}", diagnostic.code)));
    let mut groups = vec![group];
    groups.extend(patches(diagnostic, sources));
    renderer.render(&groups)
}

/// The lines around a finding's labels, as few snippets as the distances allow.
fn snippets<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<Element<'a>> {
    let Some(primary) = &diagnostic.primary else { return Vec::new() };
    let mut labels: Vec<(AnnotationKind, &Label)> = vec![(AnnotationKind::Primary, primary)];
    labels.extend(diagnostic.secondary.iter().map(|label| (AnnotationKind::Context, label)));
    let line = |label: &Label| sources.start(label.span).line as usize;
    let mut windows: Vec<Vec<(AnnotationKind, &Label)>> = Vec::new();
    for (kind, label) in labels {
        let near = windows.iter_mut().find(|window| {
            let first = window[0].1;
            first.span.file == label.span.file && line(first).abs_diff(line(label)) <= FAR
        });
        match near {
            Some(window) => window.push((kind, label)),
            None => windows.push(vec![(kind, label)]),
        }
    }
    windows
        .into_iter()
        .map(|window| {
            let spans = window.iter().map(|(_, label)| label.span);
            let view = View::new(sources, window[0].1.span.file, spans);
            let mut snippet = Snippet::source(mask(view.text))
                .line_start(view.line)
                .path(escape_line(&view.source.name));
            for (kind, label) in window {
                let text = (!label.text.is_empty()).then(|| escape_line(&label.text));
                snippet = snippet.annotation(kind.span(view.range(label.span)).label(text));
            }
            snippet.into()
        })
        .collect()
}

/// The suggested edits as a patch: one group for those that certainly mend it, one for each other.
fn patches<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<Group<'a>> {
    let group = |title: String, edits: &[&'a crate::diagnostic::Suggestion]| {
        let file = edits[0].span.file;
        let view = View::new(sources, file, edits.iter().map(|edit| edit.span));
        let patches = edits
            .iter()
            .map(|edit| Patch::new(view.range(edit.span), escape(&edit.replacement).into_owned()));
        Level::HELP.secondary_title(title).element(
            Snippet::source(mask(view.text))
                .line_start(view.line)
                .path(escape_line(&view.source.name))
                .patches(patches),
        )
    };
    let (certain, possible): (Vec<_>, Vec<_>) =
        diagnostic.suggestions.iter().partition(|suggestion| suggestion.certain);
    let mut groups = Vec::new();
    if !certain.is_empty() {
        let file = certain[0].span.file;
        let lines = |edit: &&&crate::diagnostic::Suggestion| {
            let first = sources.start(certain[0].span).line;
            edit.span.file == file && sources.start(edit.span).line.abs_diff(first) as usize <= FAR
        };
        let shown: Vec<_> = certain.iter().filter(lines).take(SHOWN_EDITS).copied().collect();
        let rest = certain.len() - shown.len();
        let title = match rest {
            0 => "this mends it".to_owned(),
            _ => format!("this mends it, with {rest} more like it"),
        };
        groups.push(group(title, &shown));
    }
    for edit in possible.into_iter().take(SHOWN_EDITS) {
        groups.push(group("maybe this was meant".to_owned(), &[edit]));
    }
    groups
}

/// Whole lines of a file around some spans.
struct View<'a> {
    source: &'a Source,
    text: &'a str,
    /// The number of the first line.
    line: usize,
    start: usize,
}

impl<'a> View<'a> {
    fn new(sources: &'a Sources, file: FileId, spans: impl Iterator<Item = Span> + Clone) -> Self {
        let source = sources.get(file);
        let text = &*source.text;
        let first = spans.clone().min().unwrap_or_default();
        let last = spans.map(|span| span.end).max().unwrap_or_default() as usize;
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = floor(first.start as usize);
        let start = text[..from].rfind('\n').map_or(0, |at| at + 1);
        let last = floor(last.max(from));
        let end = text[last..].find('\n').map_or(text.len(), |at| last + at + 1);
        let line = sources.start(first).line as usize;
        View { source, text: &text[start..end], line, start }
    }

    /// A span as a range of the view.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let place = |at: u32| (at as usize).saturating_sub(self.start).min(self.text.len());
        place(span.start)..place(span.end)
    }
}
