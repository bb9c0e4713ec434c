//! `notify` and `alarms`: who is told, and when.

use super::decode::{At, Decode, Decoder, Shape, Whole, shortened};
use super::reference::Reference;
use super::words::{Duration, Refused, text_form};
use crate::diagnostic::{self, Diagnostic};
use crate::names::{Arn, Name};
use crate::record;
use crate::syntax::Node;

record! {
    /// Where alarms go: an SNS topic, encrypted with a key of its own.
    pub struct Notify {
        /// What it is for.
        description: Option<String>,
        /// The ARN of a topic that is not ours: published to, never changed.
        existing: Option<At<Arn>>,
        /// An address. AWS sends it a mail that somebody has to confirm.
        email: Option<At<Email>>,
    }
}

/// A mail address, as far as its form can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(pub String);

text_form!(Email, "a mail address", Some("^[^@ ]+@[^@ ]+\\.[^@ ]+$"), LW0305, |text| {
    match text.split_once('@') {
        Some((user, host))
            if !user.is_empty()
                && host.contains('.')
                && !host.starts_with('.')
                && !text.contains(char::is_whitespace)
                && !host.contains('@') =>
        {
            Ok(Email(text.to_owned()))
        }
        _ => Err("it reads `name@example.org`".to_owned()),
    }
});

record! {
    /// An alarm: what is watched, and when somebody is told. Exactly one of `older_than`, `failures`,
    /// `lag` and `metric` says what is wrong.
    pub struct Alarm {
        /// What to do when it rings.
        description: Option<String>,
        /// What is watched: a table, a place, a source, a pipeline, or each of a kind.
        watch: At<Reference>,
        /// Nothing new for this long: freshness.
        older_than: Option<At<Duration>>,
        /// This many failed runs or deliveries within `period`.
        failures: Option<At<Whole<1, 1_000_000>>>,
        /// Readers or delivery are behind by this much.
        lag: Option<At<Duration>>,
        /// A metric of AWS by name: `AWS/Kinesis GetRecords.IteratorAgeMilliseconds`.
        metric: Option<At<Metric>>,
        /// With `metric`: rings above this value.
        above: Option<At<Number>>,
        /// With `metric`: rings below this value.
        below: Option<At<Number>>,
        /// The length of one datapoint. Default: `5m`.
        period: Option<At<Duration>>,
        /// How many of the last datapoints must be bad, `3 of 5`. Default: `1 of 1`.
        breaching: Option<At<Breaching>>,
        /// Who is told: names of `notify`.
        notify: Recipients,
    }
}

/// A metric's namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
}

text_form!(
    Metric,
    "a metric such as `AWS/Kinesis PutRecord.Success`",
    Some(r"^AWS/\S+ \S+$"),
    LW0305,
    |text| {
        match text.split_once(' ') {
            Some((namespace, name))
                if namespace.starts_with("AWS/") && !name.is_empty() && !name.contains(' ') =>
            {
                Ok(Metric { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("a namespace, a space and a name".to_owned()),
        }
    }
);

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Decode for Number {
    fn shape() -> Shape {
        Shape::Number
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, quoted) = decoder.text(node, "a number")?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && !quoted => Some(Number(number)),
            Ok(number) if number.is_finite() => {
                let headline = format!("expected a number, found the text `{}`", shortened(text));
                decoder.report(
                    Diagnostic::error(diagnostic::LW0301, node.span, headline)
                        .help("take the quotes away")
                        .fix(node.span, text.to_owned()),
                );
                None
            }
            _ => decoder.expected(node, "a number"),
        }
    }
}

/// How many of the last datapoints must be bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaching {
    pub bad: i64,
    pub of: i64,
}

text_form!(
    Breaching,
    "a rule such as `3 of 5`",
    Some("^[1-9][0-9]* of [1-9][0-9]*$"),
    LW0305,
    |text| {
        let numbers: Vec<i64> = text.split(" of ").filter_map(|part| part.parse().ok()).collect();
        match numbers[..] {
            [bad, of] if (1..=of).contains(&bad) => Ok(Breaching { bad, of }),
            [bad, of] if bad > of => {
                Err(Refused::instead(format!("{bad} is more than {of}"), format!("{of} of {bad}")))
            }
            _ => Err(Refused::from("two numbers, `3 of 5`")),
        }
    }
);

/// One name of `notify`, or a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipients(pub Vec<At<Name>>);

impl Decode for Recipients {
    fn shape() -> Shape {
        Shape::Either(vec![Name::shape(), Shape::List(Box::new(Name::shape()))])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.text() {
            Some(text) => match Name::new(text) {
                Ok(value) => Some(Recipients(vec![At { value, span: node.span }])),
                Err(reason) => {
                    let headline = format!("`{}` is not a name of `notify`", shortened(text));
                    Refused::from(reason).report(diagnostic::LW0206, node, headline, decoder)
                }
            },
            None => Vec::decode(node, decoder).map(Recipients),
        }
    }
}
