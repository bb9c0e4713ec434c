//! What goes where: data to stdout; progress, findings and errors to stderr. With `--json` all of it goes
//! to stdout: one document at the end, or, from the verbs that carry something out, a line an event. Then
//! stderr stays empty.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::commands::{Color, Global};
use super::{Exit, Misuse, Stop, env};
use crate::diagnostic::{self, Code, Diagnostic, Diagnostics, Severity};
use crate::document::{Map, Value};
use crate::render::diagnostics::{self, Style};
use crate::render::document::{Found, document};
use crate::render::{escape, events};
use crate::source::Sources;

/// How to read on about a code, as every finding ends.
pub fn read_on(code: Code) -> String {
    format!(" = explain: lakewright explain {code}")
}

/// The verbs that carry something out: with `--json` they write a stream.
const STREAMS: [&str; 3] = ["apply", "destroy", "recover"];

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
    /// The verb; empty if none could be made out.
    verb: String,
    began: jiff::Timestamp,
    said: Mutex<Said>,
}

/// What was said so far.
#[derive(Default)]
struct Said {
    found: Found,
    /// Commands to type next.
    next: Vec<String>,
    /// Whether the document, or the first line of the stream, is out.
    begun: bool,
}

impl Output {
    /// As the flags and the environment say.
    pub fn new(global: &Global, verb: &str) -> Self {
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
            verb: verb.to_owned(),
            began: jiff::Timestamp::now(),
            said: Mutex::default(),
        }
    }

    /// Whether nothing is to be left out of what is shown.
    pub fn shows_all(&self) -> bool {
        self.all
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether stdout is a stream of lines.
    fn streams(&self) -> bool {
        self.json && STREAMS.contains(&self.verb.as_str())
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

    /// Writes the document of a verb to stdout: its own keys, the end, and what was found.
    pub fn document(&self, body: Map, exit: Exit) {
        let mut said = self.said();
        said.begun = true;
        self.data(&document(body, &said.found, exit as u8, exit.name()).to_json_pretty());
    }

    /// Writes JSON of a form that others have settled to stdout.
    pub fn foreign(&self, value: &Value) {
        self.said().begun = true;
        self.data(&value.to_json_pretty());
    }

    /// Writes a line of the stream to stdout, the version line first.
    pub fn line(&self, value: &Value) {
        let mut said = self.said();
        if !std::mem::replace(&mut said.begun, true) {
            let version = events::version(env!("CARGO_PKG_VERSION"), self.began);
            self.data(&version.to_json());
        }
        self.data(&value.to_json());
    }

    /// Writes what is still owed when a verb has ended: the last line of a stream, or the document of a
    /// run that came to nothing.
    pub fn close(&self, exit: Exit) {
        if self.streams() {
            let next = std::mem::take(&mut self.said().next);
            let now = jiff::Timestamp::now();
            self.line(&events::exit(exit as u8, exit.name(), next, now));
        } else if self.json && !self.said().begun {
            let mut body = Map::new();
            if self.verb == "validate" {
                body.insert("valid", false);
            }
            self.document(body, exit);
        }
    }

    /// Writes data to stdout, unless that is JSON.
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

    /// Whether advice that only a person could follow is wanted.
    pub fn advises(&self) -> bool {
        !self.quiet && env::variable("LAKEWRIGHT_IN_AUTOMATION").is_none()
    }

    /// Says what to type next.
    pub fn next(&self, command: &str) {
        self.report(&format!("Next: {command}"));
        self.said().next.push(command.to_owned());
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

    /// Takes findings into the JSON: the document has them in the end, the stream now. For findings that
    /// people read elsewhere.
    pub fn keep(&self, found: &Diagnostics, sources: &Sources) {
        for one in found {
            if self.streams() {
                let object = diagnostics::json(one, sources);
                self.line(&events::diagnostic(one, object, jiff::Timestamp::now()));
            }
        }
        self.said().found.extend(found, sources);
    }

    /// Says findings: all of them, or errors alone with `-q`. On GitHub also as annotations.
    pub fn findings(&self, found: &Diagnostics, sources: &Sources) {
        let mut sorted = found.clone();
        sorted.sort();
        self.keep(&sorted, sources);
        let mut shown = Diagnostics::default();
        for one in sorted.iter().filter(|one| !self.quiet || one.severity == Severity::Error) {
            shown.push(one.clone());
        }
        if !self.json {
            let style = Style { color: self.color, width: env::width(), all: self.all };
            let text = diagnostics::text(&shown, sources, style);
            let _ = write!(std::io::stderr(), "{text}");
        }
        // GitHub reads its commands from both streams; stdout may be on its way into a file.
        if env::variable("GITHUB_ACTIONS").as_deref() == Some("true") {
            let _ = write!(std::io::stderr(), "{}", diagnostics::annotations(&shown, sources));
        }
    }

    /// Says one finding, and ends.
    pub fn stop(&self, found: Diagnostic, sources: &Sources) -> Stop {
        let exit = if found.code == diagnostic::LW0911 { Exit::Locked } else { Exit::Error };
        let mut all = Diagnostics::default();
        all.push(found);
        self.findings(&all, sources);
        Stop::Said(exit)
    }

    /// Says why a run failed that no finding explains.
    pub fn failure(&self, error: &anyhow::Error) {
        let code = match error.downcast_ref::<Misuse>() {
            Some(_) => diagnostic::LW0921,
            None => diagnostic::LW0922,
        };
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let text = causes.join(": ");
        if !self.json {
            let text = escape(&text);
            let _ = writeln!(std::io::stderr(), "error[{code}]: {text}\n{}", read_on(code));
        }
        let headline = text.lines().next().unwrap_or_default().to_owned();
        let mut told = Diagnostic::new(code, Severity::Error, None, headline);
        told.notes.extend(text.lines().skip(1).map(str::to_owned));
        self.keep_one(told);
    }

    /// Takes one finding without a place into the JSON.
    pub fn keep_one(&self, found: Diagnostic) {
        let mut all = Diagnostics::default();
        all.push(found);
        self.keep(&all, &Sources::default());
    }
}
