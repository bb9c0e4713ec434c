//! `waivers`: findings of rules that somebody answers for, until a day.
//!
//! Here is only the form. Whether there is such a rule and such a place is a check; what a waiver silences is decided
//! where the rules are run, with the clock that only `cli` has.

use jiff::civil::Date;

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::words::text_form;
use crate::diagnostic::{self, Diagnostic};
use crate::record;
use crate::syntax::Node;

record! {
    /// A finding that is accepted, by somebody, for a reason, until a day.
    pub struct Waiver {
        /// The code of the rule: `LW0449`. `lakewright access rules --list` has them all.
        rule: At<RuleCode>,
        /// What the finding is about: a path of the spec (`buckets.raw`, and with it all of its parts), a
        /// principal (`role/Analyst`), or the ARN of either.
        on: At<Subject>,
        /// Why it is accepted, for whoever reviews the next change.
        reason: At<Reason>,
        /// The last day on which it counts: `2027-03-01`.
        until: At<Day>,
    }
}

/// `LW0449`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCode(pub String);

text_form!(RuleCode, "the code of a rule such as `LW0449`", Some("^LW[0-9]{4}$"), LW0305, |text| {
    let digits = text.strip_prefix("LW").unwrap_or_default();
    match digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(RuleCode(text.to_owned())),
        false => Err("`LW` and four digits; `lakewright access rules --list` has them all"),
    }
});

/// What a waiver is about, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(pub String);

text_form!(
    Subject,
    "a path of the spec or a principal such as `buckets.raw`",
    None,
    LW0305,
    |text| {
        match text.trim() == text && !text.is_empty() && !text.contains(['*', '?']) {
            true => Ok(Subject(text.to_owned())),
            false => Err("one path, principal or ARN, without wildcards"),
        }
    }
);

/// A text that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub String);

text_form!(Reason, "a reason", None, LW0305, |text| {
    let said = text.chars().filter(|c| c.is_alphabetic()).count();
    match said >= 3 && !text.chars().any(char::is_control) {
        true => Ok(Reason(text.trim().to_owned())),
        false => Err("a text of one line that the next reviewer understands"),
    }
});

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Date);

impl Decode for Day {
    fn shape() -> Shape {
        Shape::Text {
            what: "a day such as `2027-03-01`",
            pattern: Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}$".to_owned()),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, _) = decoder.text(node, "a day such as `2027-03-01`")?;
        let whole = text.len() == 10 && text.is_ascii() && text.as_bytes()[4] == b'-';
        match text.parse::<Date>() {
            Ok(date) if whole => Some(Day(date)),
            _ => {
                let headline = format!("`{}` is not a day", shortened(text));
                decoder.report(
                    Diagnostic::error(diagnostic::LW0305, node.span, headline)
                        .note("year, month and day: `2027-03-01`"),
                );
                None
            }
        }
    }
}
