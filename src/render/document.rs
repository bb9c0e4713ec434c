//! The document that a verb prints with `--json`: its own keys, and around them the six that every
//! document has. Where a verb comes to nothing they stand alone.
//!
//! In: the verb's keys, the findings as objects, how the run ends. Out: one JSON object. INVARIANT: a
//! program that knows none of the verbs finds the version, the end and every finding in the same place.
//! The schemas are `docs/schemas/`, one a verb; `docs/command-line.md` says which. Read next:
//! `events.rs`, the streams.

use super::diagnostics;
use crate::diagnostic::{Diagnostics, Severity};
use crate::document::{Map, Value};
use crate::source::Sources;

/// The version of every document. The first number changes when a key goes or gets another meaning, the
/// second when one is added.
pub const FORMAT: &str = "1.0";

/// What was found in a run, as [`super::diagnostics::json`] gives it, and how many of which severity.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub list: Vec<Value>,
    pub errors: usize,
    pub warnings: usize,
}

impl Found {
    /// Takes findings in.
    pub fn extend(&mut self, found: &Diagnostics, sources: &Sources) {
        self.errors += found.count(Severity::Error);
        self.warnings += found.count(Severity::Warning);
        self.list.extend(found.iter().map(|one| diagnostics::json(one, sources)));
    }
}

/// The document of a run. `body`: the verb's own keys, none if it came to nothing; `exit_code` and
/// `outcome`: the exit code and its name.
pub fn document(mut body: Map, found: &Found, exit_code: u8, outcome: &'static str) -> Value {
    let number = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    body.insert("format_version", FORMAT);
    body.insert("exit_code", i64::from(exit_code));
    body.insert("outcome", outcome);
    body.insert("error_count", number(found.errors));
    body.insert("warning_count", number(found.warnings));
    body.insert("diagnostics", Value::List(found.list.clone()));
    Value::Map(body)
}
