//! What goes where: data to stdout; progress, findings and errors to stderr; JSON in one piece.

use std::io::Write;

use super::commands::{Color, Global};
use super::{Exit, Stop, env};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::Value;
use crate::render::diagnostics::{self, Style};
use crate::render::escape;
use crate::source::Sources;

/// Where and how a verb speaks.
pub struct Output {
    /// JSON instead of text for people.
    pub json: bool,
    /// Whether stderr is coloured.
    pub color: bool,
    /// Whether stdout is coloured.
    pub color_data: bool,
    quiet: bool,
    verbose: bool,
    all: bool,
}

impl Output {
    /// As the flags and the environment say.
    pub fn new(global: &Global) -> Self {
        let colored = |screen: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !global.no_color && env::variable("NO_COLOR").is_none() && screen,
        };
        Output {
            json: global.json,
            color: colored(env::is_terminal()),
            color_data: colored(env::shows_data()),
            quiet: global.quiet,
            verbose: global.verbose,
            all: global.all,
        }
    }

    /// Writes data to stdout. A reader who has gone away (`| head`) is no error.
    pub fn data(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = stdout.write_all(b"\n");
        }
        let _ = stdout.flush();
    }

    /// Writes a JSON document to stdout.
    pub fn json(&self, value: &Value) {
        self.data(&value.to_json_pretty());
    }

    /// Writes one line of a JSON stream to stdout.
    pub fn line(&self, value: &Value) {
        self.data(&value.to_json());
    }

    /// Writes data to stdout, unless that is a JSON stream.
    pub fn data_unless_json(&self, text: &str) {
        if !self.json {
            self.data(text);
        }
    }

    /// Says to people what they have to know, with `-q` too.
    pub fn report(&self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Says what happens, to people: not with `-q`, not with `--json`.
    pub fn progress(&self, text: &str) {
        if !self.quiet && !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Says more, with `-v` only.
    pub fn detail(&self, text: &str) {
        if self.verbose && !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Prints findings: all of them, or errors alone with `-q`. On GitHub also as annotations.
    pub fn findings(&self, found: &Diagnostics, sources: &Sources) {
        let mut shown = Diagnostics::default();
        for one in found.iter().filter(|one| !self.quiet || one.severity == Severity::Error) {
            shown.push(one.clone());
        }
        shown.sort();
        let style = Style { color: self.color, width: env::width(), all: self.all };
        let text = diagnostics::text(&shown, sources, style);
        if !text.is_empty() {
            let _ = write!(std::io::stderr(), "{text}");
        }
        if env::variable("GITHUB_ACTIONS").as_deref() == Some("true") {
            let _ = write!(std::io::stdout(), "{}", diagnostics::annotations(&shown, sources));
        }
    }

    /// Prints one finding and ends.
    pub fn stop(&self, found: Diagnostic, sources: &Sources) -> Stop {
        let mut all = Diagnostics::default();
        all.push(found);
        if self.json {
            self.json(&diagnostics::report(&all, sources));
        } else {
            self.findings(&all, sources);
        }
        Stop::Said(Exit::Error)
    }

    /// Says why a run failed that no finding explains.
    pub fn failure(&self, error: &anyhow::Error) {
        let chain: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
        let text = chain.join(": ");
        if self.json {
            self.json(&crate::document!({
                "format_version": "1.0",
                "error": (text)
            }));
        } else {
            let _ = writeln!(std::io::stderr(), "error: {}", escape(&text));
        }
    }
}
