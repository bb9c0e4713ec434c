//! Diagnostics as GitHub's workflow commands, which put them beside the lines of a pull request.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>. GitHub shows 10
//! errors, 10 warnings and 10 notices of a step and drops the rest without a word, so we say how many
//! there are.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::render::escape::escape;
use crate::source::Sources;

/// Annotations of one severity that GitHub shows of a step.
const SHOWN: usize = 10;

/// A line for each finding, and one more where there are more than GitHub shows.
pub fn annotations(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let mut out = String::new();
    for (severity, command) in
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "notice")]
    {
        let count = diagnostics.count(severity);
        // The last one that is shown says how many are not.
        let shown = if count > SHOWN { SHOWN - 1 } else { count };
        let matching = diagnostics.iter().filter(|one| one.severity == severity);
        for diagnostic in matching.take(shown) {
            out += &line(command, diagnostic, sources);
        }
        if count > shown {
            let rest = count - shown;
            out += &format!("::{command} title=lakewright::+{rest} more, see the log\n");
        }
    }
    out
}

fn line(command: &str, diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut properties = Vec::new();
    if let Some(primary) = &diagnostic.primary {
        let (start, end) = (sources.start(primary.span), sources.end(primary.span));
        properties.push(format!("file={}", property(&sources.get(primary.span.file).name)));
        properties.push(format!("line={}", start.line));
        properties.push(format!("endLine={}", end.line));
        // GitHub ignores columns of several lines.
        if start.line == end.line {
            properties.push(format!("col={}", start.column));
            properties.push(format!("endColumn={}", end.column));
        }
    }
    properties.push(format!("title={}", property(diagnostic.code.as_str())));
    let mut message = diagnostic.headline.clone();
    let label = diagnostic.primary.iter().map(|label| &label.text).filter(|text| !text.is_empty());
    for text in label.chain(&diagnostic.notes).chain(&diagnostic.help) {
        message += "\n";
        message += text;
    }
    let at = [&diagnostic.path, &diagnostic.environment].into_iter().flatten();
    let at: Vec<&str> = at.map(String::as_str).collect();
    if !at.is_empty() {
        message += &format!("\nat {}", at.join(" in "));
    }
    format!("::{command} {}::{}\n", properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    let safe: Cow<'_, str> = escape(text);
    safe.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
