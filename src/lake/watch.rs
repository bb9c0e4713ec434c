//! Watching: who is told, and what makes it so.

use super::places::Place;
use crate::names::{Arn, Name};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::watch::{Breaching, Metric};

/// A topic that alarms go to.
#[derive(Debug, Clone)]
pub struct Notify {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// A topic that is not ours.
    pub existing: Option<At<Arn>>,
    pub email: Option<String>,
}

impl Notify {
    /// The entry's path in the spec.
    pub fn path(&self) -> String {
        format!("notify.{}", self.name)
    }
}

/// An alarm on one or several things.
#[derive(Debug, Clone)]
pub struct Alarm {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// Where `watch` stands.
    pub watch_span: Span,
    /// What is watched, one alarm each: a reference to each of a kind is several things.
    pub watched: Vec<Watched>,
    pub trouble: At<Trouble>,
    /// Length of a datapoint in seconds.
    pub period: Option<At<i64>>,
    pub breaching: Option<At<Breaching>>,
    pub notify: Vec<At<Name>>,
}

impl Alarm {
    /// The alarm's path in the spec.
    pub fn path(&self) -> String {
        format!("alarms.{}", self.name)
    }
}

/// A thing that can be watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    Place(Place),
    Source(Name),
    Pipeline(Name),
}

impl Watched {
    /// What it is called in the spec, for a logical id and a message.
    pub fn name(&self) -> String {
        match self {
            Watched::Place(place) => place.to_string(),
            Watched::Source(name) | Watched::Pipeline(name) => name.to_string(),
        }
    }
}

/// What is wrong when the alarm rings.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// Nothing new for this many seconds.
    OlderThan(i64),
    /// This many failures within the period.
    Failures(i64),
    /// Behind by more than this many seconds.
    Lag(i64),
    /// A metric of AWS beyond a value.
    Metric { metric: Metric, threshold: f64, above: bool },
}
