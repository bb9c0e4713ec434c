//! Notify and alarms.

use std::collections::BTreeMap;

use super::Resolver;
use crate::diagnostic::{self, Diagnostic};
use crate::lake::places::{Database, Location, Place};
use crate::lake::watch::{Alarm, Notify, Trouble, Watched};
use crate::names::Name;
use crate::spec;
use crate::spec::decode::{At, Item, list};
use crate::spec::reference::{Reference, Section};

/// Days that logs are kept unless the spec says otherwise.
const LOG_DAYS: i64 = 365;

impl Resolver<'_> {
    /// Days that logs are kept. CloudWatch keeps them for 3,653 days at most: CloudWatch Logs API
    /// reference, PutRetentionPolicy, retentionInDays.
    pub(super) fn log_days(&mut self) -> i64 {
        match self.spec.logs.as_ref().and_then(|logs| logs.keep.clone()) {
            Some(keep) => self.days_within(keep.value, keep.span, "logs.keep", 1, 3653),
            None => LOG_DAYS,
        }
    }

    pub(super) fn notify(&mut self) -> BTreeMap<Name, Notify> {
        let spec = self.spec;
        let mut all = BTreeMap::new();
        for item in spec.notify.iter() {
            let (name, given) = (&item.name, &item.value);
            let path = format!("notify.{name}");
            match (&given.existing, &given.email) {
                (Some(existing), Some(email)) => {
                    let diagnostic = Diagnostic::error(
                        diagnostic::LW0211,
                        email.span,
                        "`email` means nothing beside `existing`",
                    )
                    .also(existing.span, "this topic is not ours to subscribe to")
                    .help("take one of them out");
                    self.report(diagnostic, &format!("{path}.email"));
                }
                (None, None) if !self.unreadable(&path) => {
                    let headline = format!("`{name}` reaches nobody");
                    let diagnostic = Diagnostic::error(diagnostic::LW0202, name.span, headline)
                        .help("give it an `email`, or the ARN of an `existing` topic");
                    self.report(diagnostic, &path);
                }
                _ => {}
            }
            if let Some(existing) = &given.existing
                && !existing.value.as_str().contains(":sns:")
            {
                let headline = format!("`{}` is not the ARN of a topic", existing.value);
                let diagnostic = Diagnostic::error(diagnostic::LW0305, existing.span, headline)
                    .help("the ARN of a topic reads `arn:aws:sns:eu-west-1:111111111111:oncall`");
                self.report(diagnostic, &format!("{path}.existing"));
            }
            all.insert(
                name.value.clone(),
                Notify {
                    name: name.value.clone(),
                    span: name.span,
                    description: given.description.clone(),
                    existing: given.existing.clone(),
                    email: given.email.as_ref().map(|email| email.value.0.clone()),
                },
            );
        }
        all
    }

    pub(super) fn alarms(&mut self, databases: &BTreeMap<Name, Database>) -> BTreeMap<Name, Alarm> {
        let spec = self.spec;
        spec.alarms
            .iter()
            .filter_map(|item| Some((item.name.value.clone(), self.alarm(item, databases)?)))
            .collect()
    }

    fn alarm(
        &mut self,
        item: &Item<spec::watch::Alarm>,
        databases: &BTreeMap<Name, Database>,
    ) -> Option<Alarm> {
        let (name, given) = (&item.name, &item.value);
        let path = format!("alarms.{name}");
        let watched = self.watched(&given.watch, &format!("{path}.watch"), databases);
        let trouble = self.trouble(item, &path);
        let mut notify = Vec::new();
        for recipient in &given.notify.0 {
            let spec = self.spec;
            let at = self.position(&format!("{path}.notify"), recipient.span);
            if spec.notify.iter().any(|item| item.name.value == recipient.value) {
                notify.push(recipient.clone());
            } else if spec.notify.broken.iter().all(|name| name.value != recipient.value) {
                let known =
                    spec.notify.iter().map(|item| (item.name.as_str(), Some(item.name.span)));
                let path = format!("{path}.notify[{at}]");
                self.unknown(
                    "recipient",
                    recipient.as_str(),
                    recipient.span,
                    &path,
                    known,
                    str::to_owned,
                );
            }
        }
        if given.notify.0.is_empty() && !self.unreadable(&format!("{path}.notify")) {
            let diagnostic = Diagnostic::error(
                diagnostic::LW0202,
                name.span,
                format!("alarm `{name}` tells nobody"),
            )
            .help("name an entry of `notify`: `notify: oncall`");
            self.report(diagnostic, &path);
        }
        Some(Alarm {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            watch_span: given.watch.span,
            watched,
            trouble: trouble?,
            period: given.period.as_ref().map(|at| At { value: at.value.seconds(), span: at.span }),
            breaching: given.breaching.clone(),
            notify,
        })
    }

    fn watched(
        &mut self,
        watch: &At<Reference>,
        path: &str,
        databases: &BTreeMap<Name, Database>,
    ) -> Vec<Watched> {
        let spec = self.spec;
        match &watch.value {
            Reference::Each(section) => {
                let names = |section: Section| -> Vec<Watched> {
                    match section {
                        Section::Sources => spec
                            .sources
                            .iter()
                            .map(|i| Watched::Source(i.name.value.clone()))
                            .collect(),
                        Section::Pipelines => spec
                            .pipelines
                            .iter()
                            .map(|i| Watched::Pipeline(i.name.value.clone()))
                            .collect(),
                        Section::Buckets => spec
                            .buckets
                            .iter()
                            .map(|i| {
                                let bucket = i.name.value.clone();
                                Watched::Place(Place::Objects(Location {
                                    bucket,
                                    prefix: String::new(),
                                }))
                            })
                            .collect(),
                        Section::Databases => spec
                            .databases
                            .iter()
                            .map(|i| Watched::Place(Place::Database(i.name.value.clone())))
                            .collect(),
                    }
                };
                let mut watched = names(*section);
                watched.retain(|watched| {
                    !self.unusable.contains(watched.name().trim_end_matches('/'))
                });
                watched.sort();
                let broken = self.things.values().any(|(of, _)| of == section);
                if watched.is_empty() && !broken && !self.unreadable_section(*section) {
                    let headline = format!("the spec has no {}", section.as_str());
                    self.error(diagnostic::LW0203, watch.span, path, headline);
                }
                watched
            }
            Reference::Thing(name) => {
                let sections =
                    [Section::Sources, Section::Pipelines, Section::Buckets, Section::Databases];
                let Some(name) =
                    self.thing(name, &sections, "thing to watch", watch.span, path, str::to_owned)
                else {
                    return Vec::new();
                };
                match self.things.get(&name) {
                    Some((Section::Sources, _)) => vec![Watched::Source(name)],
                    Some((Section::Pipelines, _)) => vec![Watched::Pipeline(name)],
                    Some((Section::Databases, _)) => vec![Watched::Place(Place::Database(name))],
                    _ => vec![Watched::Place(Place::Objects(Location {
                        bucket: name,
                        prefix: String::new(),
                    }))],
                }
            }
            place => self
                .place(place, watch.span, path, databases)
                .map(Watched::Place)
                .into_iter()
                .collect(),
        }
    }

    /// Exactly one of the four keys says what is wrong.
    fn trouble(&mut self, item: &Item<spec::watch::Alarm>, path: &str) -> Option<At<Trouble>> {
        const KEYS: [&str; 4] = ["older_than", "failures", "lag", "metric"];
        let given = &item.value;
        let spans = [
            given.older_than.as_ref().map(|at| at.span),
            given.failures.as_ref().map(|at| at.span),
            given.lag.as_ref().map(|at| at.span),
            given.metric.as_ref().map(|at| at.span),
        ];
        let said: Vec<(usize, crate::source::Span)> =
            spans.iter().enumerate().filter_map(|(at, span)| span.map(|span| (at, span))).collect();
        match said[..] {
            [] if self.unknown_key_in(path)
                || KEYS.iter().any(|key| self.unreadable(&format!("{path}.{key}"))) =>
            {
                return None;
            }
            [] => {
                let headline = format!("alarm `{}` does not say what is wrong", item.name);
                let diagnostic = Diagnostic::error(diagnostic::LW0202, item.name.span, headline)
                    .help(format!("say it with one of {}", list(&KEYS)));
                self.report(diagnostic, path);
                return None;
            }
            [_] => {}
            [(first, place), (second, span), ..] => {
                let headline = format!("`{}` and `{}` are two alarms", KEYS[first], KEYS[second]);
                let diagnostic = Diagnostic::error(diagnostic::LW0211, span, headline)
                    .also(place, "the first one")
                    .help("write an alarm for each");
                self.report(diagnostic, path);
            }
        }
        let span = said[0].1;
        let at = |value| Some(At { value, span });
        if let Some(age) = &given.older_than {
            return at(Trouble::OlderThan(age.value.seconds()));
        }
        if let Some(failures) = &given.failures {
            return at(Trouble::Failures(failures.value.0));
        }
        if let Some(lag) = &given.lag {
            return at(Trouble::Lag(lag.value.seconds()));
        }
        let metric = given.metric.as_ref()?;
        let (threshold, above) = match (&given.above, &given.below) {
            (Some(above), None) => (above.value.0, true),
            (None, Some(below)) => (below.value.0, false),
            (Some(_), Some(below)) => {
                let headline = "`above` and `below` are two alarms";
                let diagnostic = Diagnostic::error(diagnostic::LW0211, below.span, headline)
                    .help("write an alarm for each");
                self.report(diagnostic, &format!("{path}.below"));
                return None;
            }
            (None, None)
                if ["above", "below"]
                    .iter()
                    .any(|key| self.unreadable(&format!("{path}.{key}"))) =>
            {
                return None;
            }
            (None, None) => {
                let diagnostic = Diagnostic::error(
                    diagnostic::LW0202,
                    metric.span,
                    "a metric needs a threshold",
                )
                .help("say when it rings: `above: 60000` or `below: 1`");
                self.report(diagnostic, path);
                return None;
            }
        };
        at(Trouble::Metric { metric: metric.value.clone(), threshold, above })
    }
}
