//! Diagnostics for programs: Terraform's diagnostic object, so that what reads
//! `terraform validate -json` reads this, with our own keys beside it.
//!
//! Terraform's: <https://developer.hashicorp.com/terraform/cli/commands/validate#json-output-format>:
//! lines and columns from 1, columns in Unicode characters, `byte` from 0, ends excluded.

use sha2::{Digest, Sha256};

use crate::diagnostic::Diagnostic;
use crate::document;
use crate::document::{Map, Value};
use crate::source::{Sources, Span};

/// One finding. `severity` is `error`, `warning` or `note`; Terraform's keys `summary`, `detail`,
/// `range` and `snippet`; ours `code`, `path`, `environment`, `related`, `suggestions`, `docs`,
/// `docs_url` and `fingerprint`.
pub fn json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let mut map = Map::new();
    map.insert("severity", diagnostic.severity.as_str());
    map.insert("code", diagnostic.code.as_str());
    map.insert("summary", diagnostic.headline.clone());
    map.insert("detail", detail(diagnostic));
    map.insert("docs", format!("lakewright explain {}", diagnostic.code));
    map.insert("docs_url", format!("docs/codes/{}.md", diagnostic.code));
    map.insert("fingerprint", fingerprint(diagnostic, sources));
    map.insert_some("path", diagnostic.path.clone());
    map.insert_some("environment", diagnostic.environment.clone());
    if let Some(primary) = &diagnostic.primary {
        map.insert("range", range(primary.span, sources));
        map.insert("snippet", snippet(primary.span, sources));
    }
    if !diagnostic.secondary.is_empty() {
        let related: Vec<Value> = diagnostic
            .secondary
            .iter()
            .map(|label| {
                document!({ "range": (range(label.span, sources)), "message": (label.text.clone()) })
            })
            .collect();
        map.insert("related", related);
    }
    if !diagnostic.suggestions.is_empty() {
        let suggestions: Vec<Value> = diagnostic
            .suggestions
            .iter()
            .map(|suggestion| {
                let certain =
                    if suggestion.certain { "machine-applicable" } else { "maybe-incorrect" };
                document!({
                    "range": (range(suggestion.span, sources)),
                    "text": (suggestion.replacement.clone()),
                    "applicability": certain
                })
            })
            .collect();
        map.insert("suggestions", suggestions);
    }
    Value::Map(map)
}

/// The label, notes and helps, a line each.
fn detail(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.primary.iter().map(|label| &label.text).filter(|text| !text.is_empty());
    let lines: Vec<&str> =
        label.chain(&diagnostic.notes).chain(&diagnostic.help).map(String::as_str).collect();
    lines.join("\n")
}

/// A name of the finding that stays when lines move: 16 hexadecimal digits from the code, the file
/// and the path in the spec; from the text of the line where there is no path.
pub fn fingerprint(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update(part.as_bytes());
        hash.update([0]);
    };
    add(diagnostic.code.as_str());
    let span = diagnostic.primary.as_ref().map(|label| label.span);
    add(span.map_or("", |span| &sources.get(span.file).name));
    match (&diagnostic.path, span) {
        (Some(path), _) => add(path),
        (None, Some(span)) => {
            let (_, line) = line_of(span, sources);
            add(line.trim());
        }
        (None, None) => add(&diagnostic.headline),
    }
    add(diagnostic.environment.as_deref().unwrap_or(""));
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn range(span: Span, sources: &Sources) -> Value {
    let place = |position: crate::source::Position, byte: u32| {
        document!({
            "line": (i64::from(position.line)),
            "column": (i64::from(position.column)),
            "byte": (i64::from(byte))
        })
    };
    document!({
        "filename": (sources.get(span.file).name.clone()),
        "start": (place(sources.start(span), span.start)),
        "end": (place(sources.end(span), span.end))
    })
}

/// The line in which a span starts, and where the line starts.
fn line_of(span: Span, sources: &Sources) -> (usize, &str) {
    let text = &*sources.get(span.file).text;
    let at = (span.start as usize).min(text.len());
    let start =
        text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = text.as_bytes()[at..].iter().position(|byte| *byte == b'\n');
    let line = text.get(start..end.map_or(text.len(), |length| at + length)).unwrap_or("");
    (start, line.trim_end_matches('\r'))
}

/// Terraform's snippet: the line, and which of its bytes are meant.
fn snippet(span: Span, sources: &Sources) -> Value {
    let (start, line) = line_of(span, sources);
    let offset = |at: u32| (at as usize).saturating_sub(start).min(line.len()) as i64;
    document!({
        "context": null,
        "code": (line.to_owned()),
        "start_line": (i64::from(sources.start(span).line)),
        "highlight_start_offset": (offset(span.start)),
        "highlight_end_offset": (offset(span.end)),
        "values": []
    })
}
