//! Findings that the spec accepts, as it writes them.

use jiff::civil::Date;

use crate::source::Span;
use crate::spec::decode::At;

/// A finding that is accepted until a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiver {
    /// Where it stands in the list, from 0.
    pub at: usize,
    pub span: Span,
    /// `LW0449`.
    pub rule: At<String>,
    /// A path of the spec, a principal, an ARN.
    pub on: At<String>,
    pub reason: String,
    /// The last day on which it counts.
    pub until: At<Date>,
}

impl Waiver {
    /// `waivers[0]`.
    pub fn path(&self) -> String {
        format!("waivers[{}]", self.at)
    }
}
