//! Alarms: for each thing watched and each kind of trouble the mechanism of AWS that tells it.
//!
//! The table stands in `docs/alarms.md`, with AWS's pages; [`mechanism`] is the same table in Rust,
//! and a test holds every generated alarm to the document.

use super::Lowering;
use super::sns::topic_id;
use crate::diagnostic::{self, Diagnostic};
use crate::document;
use crate::document::Value;
use crate::graph::{self, Part};
use crate::lake::Bucket;
use crate::lake::naming::logical_id;
use crate::lake::places::{Location, Place};
use crate::lake::watch::{Alarm, Trouble, Watched};
use crate::names::Name;
use crate::spec::watch::{Breaching, Metric};

/// How AWS tells that something is wrong.
#[derive(Debug, Clone, PartialEq)]
enum Mechanism {
    Metric(MetricRule),
    /// An event of EventBridge goes to the topic as it is.
    Event(Value),
}

/// An alarm on a metric.
#[derive(Debug, Clone, PartialEq)]
struct MetricRule {
    namespace: String,
    name: String,
    dimensions: Vec<(&'static str, String)>,
    statistic: &'static str,
    comparison: &'static str,
    threshold: f64,
    /// Seconds.
    period: i64,
    datapoints: Breaching,
    /// What a datapoint without data means.
    missing: &'static str,
}

impl Lowering<'_> {
    pub(super) fn watching(&mut self) {
        let lake = self.lake;
        for alarm in lake.alarms.values() {
            for watched in &alarm.watched {
                match self.mechanism(alarm, watched) {
                    Some(Mechanism::Metric(rule)) => self.metric_alarm(alarm, watched, rule),
                    Some(Mechanism::Event(pattern)) => self.event_rule(alarm, watched, pattern),
                    None => self.no_mechanism(alarm, watched),
                }
            }
        }
        let rules: Vec<(Vec<Name>, Value)> = self
            .graph
            .resources()
            .iter()
            .filter(|resource| resource.kind == "AWS::Events::Rule")
            .filter_map(|rule| {
                let alarm = rule.path.strip_prefix("alarms.")?;
                let alarm = lake.alarms.get(alarm)?;
                let recipients = alarm.notify.iter().map(|name| name.value.clone()).collect();
                Some((recipients, graph::attribute(&rule.id, "Arn")))
            })
            .collect();
        self.topics(&|name| {
            rules
                .iter()
                .filter(|(names, _)| names.contains(name))
                .map(|(_, arn)| arn.clone())
                .collect()
        });
    }

    /// The table of `docs/alarms.md`: kind of thing and trouble to what AWS has.
    fn mechanism(&self, alarm: &Alarm, watched: &Watched) -> Option<Mechanism> {
        let period =
            |otherwise: i64| alarm.period.as_ref().map_or(otherwise, |period| period.value);
        let datapoints =
            alarm.breaching.as_ref().map_or(Breaching { bad: 1, of: 1 }, |at| at.value);
        let sum =
            |namespace: &str, name: &str, dimensions: Vec<(&'static str, String)>| MetricRule {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                dimensions,
                statistic: "Sum",
                comparison: "GreaterThanOrEqualToThreshold",
                threshold: 1.0,
                period: period(300),
                datapoints,
                missing: "notBreaching",
            };
        let rule = match (&alarm.trouble.value, watched) {
            (Trouble::OlderThan(age), Watched::Source(name)) => {
                let source = self.lake.sources.get(name)?;
                MetricRule {
                    statistic: "Maximum",
                    comparison: "GreaterThanThreshold",
                    threshold: *age as f64,
                    // Firehose tells no age while it holds nothing. One datapoint as long as the age
                    // rings for what waits too long and for a stream that has run dry as well.
                    period: period(match alarm.breaching {
                        None => whole_minutes(*age),
                        Some(_) => 300,
                    }),
                    missing: "breaching",
                    ..sum(
                        "AWS/Firehose",
                        "DeliveryToS3.DataFreshness",
                        firehose(&source.stream_name),
                    )
                }
            }
            (Trouble::OlderThan(age), Watched::Place(place)) => {
                let (bucket, filter) = self.request_metrics(alarm, place)?;
                let (period, count) = periods(*age)?;
                MetricRule {
                    comparison: "LessThanThreshold",
                    period,
                    datapoints: Breaching { bad: count, of: count },
                    missing: "breaching",
                    ..sum(
                        "AWS/S3",
                        "PutRequests",
                        vec![("BucketName", bucket), ("FilterId", filter)],
                    )
                }
            }
            (Trouble::Failures(1), Watched::Pipeline(name)) if alarm.period.is_none() => {
                let job = &self.lake.pipelines.get(name)?.job_name;
                // AWS Glue developer guide, "Automating AWS Glue with EventBridge": the event comes for
                // SUCCEEDED, FAILED, TIMEOUT and STOPPED, the last of which somebody wanted.
                return Some(Mechanism::Event(document!({
                    "source": ["aws.glue"],
                    "detail-type": ["Glue Job State Change"],
                    "detail": {"jobName": [(job.clone())], "state": ["FAILED", "TIMEOUT"]}
                })));
            }
            (Trouble::Failures(count), Watched::Source(name)) => {
                let source = self.lake.sources.get(name)?;
                let dimensions = firehose(&source.stream_name);
                match (&source.table, count) {
                    (Some(_), count) => MetricRule {
                        threshold: *count as f64,
                        ..sum("AWS/Firehose", "FailedConversion.Records", dimensions)
                    },
                    // The share of writes that succeeded: it tells that one failed, not how many.
                    (None, 1) => MetricRule {
                        statistic: "Average",
                        comparison: "LessThanThreshold",
                        ..sum("AWS/Firehose", "DeliveryToS3.Success", dimensions)
                    },
                    (None, _) => return None,
                }
            }
            (Trouble::Lag(behind), Watched::Source(name)) => {
                let source = self.lake.sources.get(name)?;
                let stream = vec![("StreamName", source.stream_name.clone())];
                MetricRule {
                    statistic: "Maximum",
                    comparison: "GreaterThanThreshold",
                    threshold: (*behind * 1000) as f64,
                    ..sum("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", stream)
                }
            }
            (Trouble::Metric { metric, threshold, above }, watched) => MetricRule {
                statistic: statistic(metric),
                comparison: if *above { "GreaterThanThreshold" } else { "LessThanThreshold" },
                threshold: *threshold,
                period: period(if is_daily(metric) { 86_400 } else { 300 }),
                dimensions: self.dimensions(alarm, metric, watched)?,
                ..sum(&metric.namespace, &metric.name, Vec::new())
            },
            _ => return None,
        };
        Some(Mechanism::Metric(rule))
    }

    /// The dimensions of a metric that the user named, for the thing that is watched.
    fn dimensions(
        &self,
        alarm: &Alarm,
        metric: &Metric,
        watched: &Watched,
    ) -> Option<Vec<(&'static str, String)>> {
        match (metric.namespace.as_str(), watched) {
            ("AWS/Kinesis", Watched::Source(name)) => {
                Some(vec![("StreamName", self.lake.sources.get(name)?.stream_name.clone())])
            }
            ("AWS/Firehose", Watched::Source(name)) => {
                Some(firehose(&self.lake.sources.get(name)?.stream_name))
            }
            ("AWS/S3", Watched::Place(place @ Place::Objects(Location { bucket, prefix })))
                if prefix.is_empty() =>
            {
                let name = self.lake.buckets.get(bucket)?.bucket_name.to_string();
                let storage = match metric.name.as_str() {
                    "BucketSizeBytes" => "StandardStorage",
                    "NumberOfObjects" => "AllStorageTypes",
                    name if REQUESTS.contains(&name) => {
                        let (bucket, filter) = self.request_metrics(alarm, place)?;
                        return Some(vec![("BucketName", bucket), ("FilterId", filter)]);
                    }
                    _ => return None,
                };
                Some(vec![("BucketName", name), ("StorageType", storage.into())])
            }
            _ => None,
        }
    }

    /// The bucket and the metrics filter that count the writes to a place. Only buckets of ours can
    /// be given a filter.
    fn request_metrics(&self, alarm: &Alarm, place: &Place) -> Option<(String, String)> {
        let location = self.watched_location(place)?;
        let bucket = self.bucket(&location);
        (!bucket.existing).then(|| (bucket.bucket_name.to_string(), filter_id(alarm, place)))
    }

    /// Where the objects of a place lie.
    fn watched_location(&self, place: &Place) -> Option<Location> {
        match place {
            Place::Objects(location) => Some(location.clone()),
            Place::Table { database, table } => {
                Some(self.find_table(database, table)?.location.clone())
            }
            Place::Database(database) => self.lake.databases.get(database)?.location.clone(),
            Place::Stream(_) => None,
        }
    }

    /// The metrics filters that alarms need on a bucket, as S3 counts requests only for those: id,
    /// prefix, and the spec path it comes from.
    pub(super) fn request_filters(&self, bucket: &Bucket) -> Vec<(String, String, String)> {
        let mut filters = Vec::new();
        for alarm in self.lake.alarms.values() {
            match &alarm.trouble.value {
                Trouble::OlderThan(_) => {}
                Trouble::Metric { metric, .. }
                    if metric.namespace == "AWS/S3" && REQUESTS.contains(&&*metric.name) => {}
                _ => continue,
            }
            for watched in &alarm.watched {
                let Watched::Place(place) = watched else { continue };
                if let Some(location) = self.watched_location(place)
                    && location.bucket == bucket.name
                {
                    let from = format!("{}.watch", alarm.path());
                    filters.push((filter_id(alarm, place), location.prefix, from));
                }
            }
        }
        filters.sort();
        filters
    }

    fn metric_alarm(&mut self, alarm: &Alarm, watched: &Watched, rule: MetricRule) {
        let words = watched_words(alarm, watched);
        let names: Vec<&str> = words.iter().map(String::as_str).collect();
        let name = format!("{}{}", self.alarm_prefix(), words.join("-"));
        let dimensions: Vec<Value> = rule
            .dimensions
            .iter()
            .map(|(name, value)| document!({"Name": (*name), "Value": (value.clone())}))
            .collect();
        let recipients: Vec<Value> =
            alarm.notify.iter().filter_map(|name| self.topic_arn(&name.value)).collect();
        let mut resource =
            self.resource("AWS::CloudWatch::Alarm", "Alarm", &names, Part::Watching, &alarm.path());
        let what =
            format!("{} of lake {}: {}", alarm.name, self.lake.naming.lake_id(), watched.name());
        // Which key of the spec says how much is too much, and how long it is looked at.
        let (limit, window) = match alarm.trouble.value {
            Trouble::OlderThan(_) => (".older_than", ".older_than"),
            Trouble::Failures(_) => (".failures", ".breaching"),
            Trouble::Lag(_) => (".lag", ".breaching"),
            Trouble::Metric { above: true, .. } => (".above", ".breaching"),
            Trouble::Metric { above: false, .. } => (".below", ".breaching"),
        };
        for property in ["Dimensions", "AlarmName"] {
            resource.caused(property, ".watch");
        }
        for property in ["Namespace", "MetricName", "Statistic", "ComparisonOperator"] {
            resource.caused(property, limit);
        }
        resource
            .set("AlarmName", name)
            .set("AlarmDescription", alarm.description.clone().unwrap_or(what))
            // The default, said so that drift detection compares it: an alarm can be silenced by hand.
            .set("ActionsEnabled", true)
            .set("Namespace", rule.namespace)
            .set("MetricName", rule.name)
            .set("Dimensions", Value::List(dimensions))
            .set("Statistic", rule.statistic)
            .set("ComparisonOperator", rule.comparison)
            .set_from("Threshold", limit, number(rule.threshold))
            .set_from("Period", ".period", rule.period)
            .set_from("EvaluationPeriods", window, rule.datapoints.of)
            .set_from("DatapointsToAlarm", window, rule.datapoints.bad)
            .set("TreatMissingData", rule.missing)
            .set_from("AlarmActions", ".notify", Value::List(recipients.clone()))
            .set_from("OKActions", ".notify", Value::List(recipients));
        self.graph.add(resource);
    }

    fn event_rule(&mut self, alarm: &Alarm, watched: &Watched, pattern: Value) {
        let words = watched_words(alarm, watched);
        let names: Vec<&str> = words.iter().map(String::as_str).collect();
        let targets: Vec<Value> = alarm
            .notify
            .iter()
            .filter_map(|name| {
                let arn = self.topic_arn(&name.value)?;
                let id = topic_id(&name.value).to_string();
                Some(document!({"Id": id, "Arn": arn}))
            })
            .collect();
        let mut rule =
            self.resource("AWS::Events::Rule", "RuleAlarm", &names, Part::Watching, &alarm.path());
        let what =
            format!("{} of lake {}: {}", alarm.name, self.lake.naming.lake_id(), watched.name());
        rule.set("Description", alarm.description.clone().unwrap_or(what))
            .set_from("EventPattern", ".watch", pattern)
            .set("State", "ENABLED")
            .set_from("Targets", ".notify", Value::List(targets));
        self.graph.add(rule);
    }

    fn no_mechanism(&mut self, alarm: &Alarm, watched: &Watched) {
        let trouble = match &alarm.trouble.value {
            Trouble::OlderThan(_) => "how fresh it is",
            Trouble::Failures(_) => "its failures",
            Trouble::Lag(_) => "how far it is behind",
            Trouble::Metric { .. } => "this metric of it",
        };
        let headline = format!("AWS has nothing that tells of `{}` {trouble}", watched.name());
        self.diagnostics.push(
            Diagnostic::error(diagnostic::LW0314, alarm.trouble.span, headline)
                .also(alarm.watch_span, "this is watched")
                .at(alarm.path())
                .help("docs/alarms.md lists what can be watched, and how AWS tells"),
        );
    }
}

/// The metrics of S3 that are counted request by request (S3 user guide, "Metrics and dimensions",
/// "Amazon S3 request metrics in CloudWatch").
const REQUESTS: [&str; 16] = [
    "AllRequests",
    "GetRequests",
    "PutRequests",
    "DeleteRequests",
    "HeadRequests",
    "PostRequests",
    "SelectRequests",
    "SelectBytesScanned",
    "SelectBytesReturned",
    "ListRequests",
    "BytesDownloaded",
    "BytesUploaded",
    "4xxErrors",
    "5xxErrors",
    "FirstByteLatency",
    "TotalRequestLatency",
];

/// Metrics that S3 gives once a day, and only as an average (S3 user guide, "Metrics and dimensions").
fn is_daily(metric: &Metric) -> bool {
    metric.namespace == "AWS/S3"
        && matches!(metric.name.as_str(), "BucketSizeBytes" | "NumberOfObjects")
}

/// What the datapoints of a metric are made of: the worst of what is an age or a delay, the average of
/// what is a share or a stock, the sum of what is counted. `docs/alarms.md` has the same table.
fn statistic(metric: &Metric) -> &'static str {
    let ends = |endings: &[&str]| endings.iter().any(|ending| metric.name.ends_with(ending));
    if ends(&["Latency", "Milliseconds", "MillisBehindLatest", "DataFreshness"]) {
        "Maximum"
    } else if ends(&["Success"]) || is_daily(metric) {
        "Average"
    } else {
        "Sum"
    }
}

/// A time as the length of a datapoint: whole minutes, at most seven days (CloudWatch API reference,
/// PutMetricAlarm, Period).
fn whole_minutes(seconds: i64) -> i64 {
    ((seconds + 59) / 60 * 60).clamp(60, 604_800)
}

fn firehose(name: &str) -> Vec<(&'static str, String)> {
    vec![("DeliveryStreamName", name.to_owned())]
}

/// Period and number of datapoints that cover an age. CloudWatch evaluates at most one day with
/// periods below an hour and seven days with longer ones (CloudWatch API reference, PutMetricAlarm,
/// EvaluationPeriods).
fn periods(age: i64) -> Option<(i64, i64)> {
    let (period, most) = if age <= 86_400 { (300, 86_400) } else { (3_600, 604_800) };
    (age <= most).then(|| (period, (age + period - 1) / period))
}

/// The id of the metrics filter of an alarm on a place: letters, digits, hyphens, dots and
/// underscores (S3 API reference, MetricsConfiguration, Id), at most 64.
fn filter_id(alarm: &Alarm, place: &Place) -> String {
    let id = logical_id(
        "",
        &[
            alarm.name.as_str(),
            &place.to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        ],
    );
    id.as_str().chars().take(64).collect()
}

/// The words of a logical id and a name: the alarm, and the thing where there are several.
fn watched_words(alarm: &Alarm, watched: &Watched) -> Vec<String> {
    let mut words = vec![alarm.name.to_string()];
    if alarm.watched.len() > 1 {
        words.push(watched.name().replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    }
    words
}

/// A whole number is written as one.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::Int(value as i64)
    } else {
        Value::Float(value)
    }
}
