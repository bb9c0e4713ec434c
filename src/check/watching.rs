//! Alarms for which AWS has a mechanism (LW0314), within the bounds of CloudWatch (LW0306, LW0211).
//!
//! Freshness is that of the flows which write a thing: requests that S3 counts for a prefix, the age
//! of what Firehose holds back. Failures are those of a job or a delivery. Lag is that of the readers
//! of a stream. Nothing else is told by AWS. The bounds: "Alarms that take
//! periods" in the CloudWatch User Guide; period times datapoints is at most a day for periods under an
//! hour and seven days otherwise (API reference, PutMetricAlarm, EvaluationPeriods).

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::lake::places::Place;
use crate::lake::watch::{Alarm, Trouble, Watched};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// What an alarm counts an age of up to a day in: its periods.
const STEP: i64 = 300;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for alarm in lake.alarms.values() {
        mechanism(lake, alarm, found);
        time(alarm, found);
        datapoints(alarm, found);
    }
}

fn noun(watched: &Watched) -> &'static str {
    match watched {
        Watched::Place(Place::Objects(_)) => "bucket",
        Watched::Place(Place::Database(_)) => "database",
        Watched::Place(Place::Table { .. }) => "table",
        Watched::Source(_) | Watched::Place(Place::Stream(_)) => "source",
        Watched::Pipeline(_) => "pipeline",
    }
}

/// Why AWS does not tell this about the thing, and what it tells.
fn untold(lake: &Lake, watched: &Watched, trouble: &Trouble) -> Option<(String, &'static str)> {
    let kind = noun(watched);
    match (watched, trouble) {
        (Watched::Place(place), Trouble::OlderThan(_)) => unseen(lake, place),
        (Watched::Place(_), Trouble::Failures(_)) => Some((
            format!("a {kind} does not fail"),
            "watch the pipeline or the source that writes it",
        )),
        (Watched::Place(_), Trouble::Lag(_)) => Some((
            format!("a {kind} is never behind"),
            "watch its age with `older_than`, or the lag of the source that delivers into it",
        )),
        (Watched::Pipeline(_), Trouble::Lag(_)) => Some((
            "a job that runs now and then is never behind".to_owned(),
            "watch the age of what it writes with `older_than`",
        )),
        (Watched::Pipeline(_), Trouble::OlderThan(_)) => Some((
            "a job that did not run says nothing".to_owned(),
            "watch the age of what it writes",
        )),
        // A run that failed is an event: AWS Glue developer guide, "Automating AWS Glue with
        // EventBridge". A write of Firehose that failed lowers a share.
        (Watched::Pipeline(_), Trouble::Failures(2..)) => Some((
            "a failed run is an event, and nobody counts them".to_owned(),
            "let each one be told: `failures: 1`",
        )),
        (Watched::Source(name), Trouble::Failures(2..))
            if lake.sources.get(name).is_some_and(|source| source.table.is_none()) =>
        {
            Some((
                "Firehose tells the share of deliveries that failed, not how many".to_owned(),
                "let the first one be told: `failures: 1`",
            ))
        }
        (Watched::Source(_), Trouble::OlderThan(_) | Trouble::Failures(_) | Trouble::Lag(_))
        | (Watched::Pipeline(_), Trouble::Failures(_)) => None,
        (_, Trouble::Metric { metric, .. }) => {
            let (known, help): (&[&str], _) = match watched {
                Watched::Source(_) => (
                    &["AWS/Kinesis", "AWS/Firehose"],
                    "a source has metrics of `AWS/Kinesis` and `AWS/Firehose`",
                ),
                Watched::Place(Place::Objects(location)) if location.prefix.is_empty() => {
                    (&["AWS/S3"], "a bucket has metrics of `AWS/S3`")
                }
                Watched::Place(Place::Objects(_)) => {
                    (&[], "the metrics of `AWS/S3` are about whole buckets: watch that")
                }
                Watched::Place(_) => (
                    &[],
                    "databases and tables have no metrics: watch what writes them, or their bucket",
                ),
                Watched::Pipeline(_) => (&[], "watch its failures, or the age of what it writes"),
            };
            (!known.contains(&metric.namespace.as_str())).then(|| {
                (format!("no metric of `{}` is about this {kind}", metric.namespace), help)
            })
        }
    }
}

/// Age shows where S3 counts requests, which it does for buckets of ours, or where a flow writes.
fn unseen(lake: &Lake, place: &Place) -> Option<(String, &'static str)> {
    let location = match place {
        Place::Objects(location) => location,
        Place::Table { database, table } => {
            &lake.databases.get(database)?.tables.get(table)?.location
        }
        // A source is watched as one.
        Place::Stream(_) => return None,
        Place::Database(database) => {
            let database = lake.databases.get(database)?;
            match &database.location {
                Some(location) => location,
                None => {
                    return Some((
                        format!(
                            "database `{}` has no one place whose age could be seen",
                            database.name
                        ),
                        "watch its tables, or give the database a `location`",
                    ));
                }
            }
        }
    };
    let bucket = lake.buckets.get(&location.bucket).filter(|bucket| bucket.existing)?;
    Some((
        format!("nobody counts the requests to bucket `{}`, which is not ours", bucket.name),
        "watch the source or the pipeline that writes there",
    ))
}

fn mechanism(lake: &Lake, alarm: &Alarm, found: &mut Diagnostics) {
    // A reference to each of a kind is refused once.
    let Some((why, help)) =
        alarm.watched.iter().find_map(|watched| untold(lake, watched, &alarm.trouble.value))
    else {
        return;
    };
    let what = match &alarm.trouble.value {
        Trouble::OlderThan(_) => "the age",
        Trouble::Failures(_) => "failures",
        Trouble::Lag(_) => "the lag",
        Trouble::Metric { .. } => "this metric",
    };
    let thing = alarm.watched.first().map_or("thing", noun);
    let headline = format!("nothing in AWS tells {what} of this {thing}");
    found.push(
        Diagnostic::error(diagnostic::LW0314, alarm.trouble.span, headline)
            .also(alarm.watch_span, format!("the {thing} that is watched"))
            .at(alarm.path())
            .note(why)
            .help(help),
    );
}

/// An age or lag that an alarm can wait for.
fn time(alarm: &Alarm, found: &mut Diagnostics) {
    let span = alarm.trouble.span;
    // The age of what Firehose holds back is a number to compare with; that of a place is a time
    // without requests, which the alarm counts out in periods.
    let counted = is_counted(alarm);
    match alarm.trouble.value {
        Trouble::OlderThan(age) if counted => {
            let wrong = if age > 7 * DAY {
                Some(("an alarm looks back at most 7 days", 7 * DAY))
            } else if age > DAY && age % HOUR != 0 {
                Some(("beyond a day an alarm counts whole hours", (age / HOUR + 1) * HOUR))
            } else if age % STEP != 0 {
                Some(("up to a day an alarm counts in steps of 5 minutes", (age / STEP + 1) * STEP))
            } else {
                None
            };
            if let Some((note, instead)) = wrong {
                let headline = format!("nothing in AWS tells an age of {}", shown(age));
                found.push(
                    Diagnostic::error(diagnostic::LW0314, span, headline)
                        .at(format!("{}.older_than", alarm.path()))
                        .note(note)
                        .maybe(span, shown(instead.min(7 * DAY))),
                );
            }
            let beside = [
                ("period", alarm.period.as_ref().map(|at| at.span)),
                ("breaching", alarm.breaching.as_ref().map(|at| at.span)),
            ];
            for (key, place) in beside {
                if let Some(place) = place {
                    let headline = format!("`{key}` means nothing beside `older_than`");
                    found.push(
                        Diagnostic::error(diagnostic::LW0211, place, headline)
                            .also(span, "says already how long it takes")
                            .at(format!("{}.{key}", alarm.path()))
                            .help(format!("take `{key}` out")),
                    );
                }
            }
        }
        // The age of what readers have not read yet is at most what the stream keeps, 365 days.
        Trouble::Lag(lag) if lag > 365 * DAY => {
            let headline = format!("`{}` is out of range: at most 365d", shown(lag));
            found.push(
                Diagnostic::error(diagnostic::LW0306, span, headline)
                    .at(format!("{}.lag", alarm.path()))
                    .maybe(span, "365d"),
            );
        }
        _ => {}
    }
}

/// Whether the age is that of a place; where what is watched is not known, it may be one.
fn is_counted(alarm: &Alarm) -> bool {
    let place = |watched: &Watched| matches!(watched, Watched::Place(_));
    alarm.watched.is_empty() || alarm.watched.iter().any(place)
}

fn shown(seconds: i64) -> String {
    crate::spec::words::Duration(seconds.unsigned_abs()).to_string()
}

/// Period and number of datapoints. Metrics of AWS come once a minute.
fn datapoints(alarm: &Alarm, found: &mut Diagnostics) {
    let counted = is_counted(alarm);
    if counted && matches!(alarm.trouble.value, Trouble::OlderThan(_)) {
        return;
    }
    // An event has no periods.
    let event = alarm.watched.iter().any(|watched| matches!(watched, Watched::Pipeline(_)))
        && matches!(alarm.trouble.value, Trouble::Failures(1));
    if event {
        let given = [
            ("period", alarm.period.as_ref().map(|at| at.span)),
            ("breaching", alarm.breaching.as_ref().map(|at| at.span)),
        ];
        for (key, span) in given {
            let Some(span) = span else { continue };
            let headline = format!("`{key}` means nothing for the failures of a pipeline");
            found.push(
                Diagnostic::error(diagnostic::LW0211, span, headline)
                    .also(alarm.trouble.span, "each failed run is told at once")
                    .at(format!("{}.{key}", alarm.path()))
                    .help(format!("take `{key}` out")),
            );
        }
        return;
    }
    let period = alarm.period.as_ref().map_or(300, |at| at.value);
    if let Some(at) = &alarm.period
        && (period % 60 != 0 || period > 7 * DAY)
    {
        let instead = ((period + 30) / 60 * 60).clamp(60, 7 * DAY);
        let headline = format!("the period `{}` is not whole minutes, at most 7d", shown(period));
        found.push(
            Diagnostic::error(diagnostic::LW0306, at.span, headline)
                .at(format!("{}.period", alarm.path()))
                .maybe(at.span, shown(instead)),
        );
        return;
    }
    let Some(breaching) = &alarm.breaching else { return };
    let most = if period < HOUR { DAY } else { 7 * DAY };
    if period * breaching.value.of > most {
        let headline = format!(
            "{} datapoints of {} are more than an alarm looks at",
            breaching.value.of,
            shown(period)
        );
        let fits = (most / period).max(1);
        let bad = breaching.value.bad.min(fits);
        let mut diagnostic = Diagnostic::error(diagnostic::LW0306, breaching.span, headline)
            .at(format!("{}.breaching", alarm.path()))
            .note(format!(
                "CloudWatch looks back {} with a period of {}",
                if most == DAY { "one day" } else { "seven days" },
                shown(period)
            ))
            .maybe(breaching.span, format!("{bad} of {fits}"));
        if let Some(at) = &alarm.period {
            diagnostic = diagnostic.also(at.span, "the period");
        }
        found.push(diagnostic);
    }
}
