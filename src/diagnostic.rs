//! What lakewright tells a person about what they wrote, or about what a cloud answered.
//!
//! One [`Diagnostic`] value feeds the terminal, JSON and CI annotations (`render`). It holds no text
//! of a file, only spans. A phase returns its value *and* its diagnostics; nobody stops at the first.
//! The codes stand in `docs/codes/`, a file each with cause, bad and good example; `build.rs` turns
//! them into constants.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::source::Span;

include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// A stable name of a kind of diagnostic, `LW0203`: block 01 syntax, 02 names and references,
/// 03 types and limits, 04 security, 05 CloudFormation's limits, 06 plan and apply, 07 drift,
/// 08 what a cloud answered, 09 lock and plan file. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The code as it is printed.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Finds a code as a user typed it: `LW0203`, `lw0203`, `LW203`, `203`.
    pub fn parse(text: &str) -> Option<Code> {
        let digits = match text.get(..2) {
            Some(start) if start.eq_ignore_ascii_case("LW") => &text[2..],
            _ => text,
        };
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let whole = format!("LW{digits:0>4}");
        EXPLANATIONS.iter().find(|(code, _)| code.0 == whole).map(|(code, _)| *code)
    }

    /// The code's page: Markdown with a title, the cause, a bad and a good example.
    pub fn explanation(self) -> &'static str {
        EXPLANATIONS.iter().find(|(code, _)| *code == self).map_or("", |(_, text)| text)
    }

    /// Every code with its page, ascending.
    pub fn all() -> &'static [(Code, &'static str)] {
        EXPLANATIONS
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// How bad it is. An error keeps everything after the pure phases from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    /// Worth knowing; nothing to mend.
    Note,
}

impl Severity {
    /// The word that opens the headline.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A place and what it has to do with the matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// May be empty.
    pub text: String,
}

/// A change of the file that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What to replace; an empty span inserts.
    pub span: Span,
    pub replacement: String,
    /// Whether a tool may apply it unasked (it removes the error and means what was meant), or a
    /// person has to look.
    pub certain: bool,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// One line, lower case, without a full stop, user's words in backticks, at most 120 characters.
    pub headline: String,
    /// Where it is. `None` only for what has no place in a file.
    pub primary: Option<Label>,
    /// What else has to do with it: the earlier definition, the conflicting value.
    pub secondary: Vec<Label>,
    /// The path in the spec: `access.eu-partner.read[0]`.
    pub path: Option<String>,
    /// The environment in which it shows, where it does not show in all.
    pub environment: Option<String>,
    /// More facts, a sentence each.
    pub notes: Vec<String>,
    /// What to do, a sentence each.
    pub help: Vec<String>,
    pub suggestions: Vec<Suggestion>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: Span, headline: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, Some(span), headline)
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, headline: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Some(span), headline)
    }

    /// A finding, with a place or without.
    pub fn new(
        code: Code,
        severity: Severity,
        span: Option<Span>,
        headline: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            severity,
            headline: headline.into(),
            primary: span.map(|span| Label { span, text: String::new() }),
            secondary: Vec::new(),
            path: None,
            environment: None,
            notes: Vec::new(),
            help: Vec::new(),
            suggestions: Vec::new(),
        }
    }

    /// Says, beside the caret, what is wrong at the place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = text.into();
        }
        self
    }

    /// Points at another place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Names the place in the spec.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Adds a fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Offers a change that certainly mends it.
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.suggestions.push(Suggestion { span, replacement: replacement.into(), certain: true });
        self
    }

    /// Offers a change that a person has to look at.
    pub fn maybe(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.suggestions.push(Suggestion { span, replacement: replacement.into(), certain: false });
        self
    }
}

/// What the phases of one run found, in the order of the places.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Digests of what is in the list, to keep a finding once.
    known: HashSet<u64>,
}

impl Diagnostics {
    /// Takes a finding in. The same one at the same place is kept once: several environments find
    /// what they share.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let mut hasher = DefaultHasher::new();
        let primary = diagnostic.primary.as_ref().map(|label| (label.span, &label.text));
        (diagnostic.code, &diagnostic.headline, primary).hash(&mut hasher);
        if self.known.insert(hasher.finish()) {
            self.list.push(diagnostic);
        }
    }

    /// Takes all of another run's findings in.
    pub fn extend(&mut self, other: Diagnostics) {
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is an error at a place of the spec or below it: what depends on it needs no
    /// second complaint.
    pub fn has_errors_at(&self, path: &str) -> bool {
        self.list.iter().any(|d| {
            let rest = d.path.as_deref().and_then(|at| at.strip_prefix(path));
            d.severity == Severity::Error
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// How many of a severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|d| d.severity == severity).count()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The findings as they came.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Changes each finding, all but its code, headline and primary place.
    pub fn each(&mut self, change: impl FnMut(&mut Diagnostic)) {
        self.list.iter_mut().for_each(change);
    }

    /// Sorts by severity, then place: what a reader should see first comes first.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.severity, d.primary.as_ref().map(|label| label.span));
            key(a).cmp(&key(b)).then(a.code.cmp(&b.code))
        });
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The one of `known` that `typed` was most likely meant to be: within a Damerau-Levenshtein
/// distance of a third of its length (at least 1), and the only one that near.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (typed.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut tie = false;
    for candidate in known {
        let distance =
            strsim::damerau_levenshtein(&typed.to_lowercase(), &candidate.to_lowercase());
        if distance > limit {
            continue;
        }
        match best {
            Some((least, _)) if distance > least => {}
            Some((least, name)) if distance == least && name != candidate => tie = true,
            _ => {
                best = Some((distance, candidate));
                tie = false;
            }
        }
    }
    best.filter(|_| !tie).map(|(_, name)| name)
}
