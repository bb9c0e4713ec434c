//! A bucket's lifecycle is one that S3 takes and that makes sense (LW0311).
//!
//! The rules are those of "Transitioning objects using Amazon S3 Lifecycle" and "Lifecycle and other
//! bucket configurations" in the S3 User Guide. Steps are compared within one prefix, one size filter
//! and one clock (age, or time since a newer version came).

use std::collections::BTreeMap;

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::{Bucket, Lake};
use crate::source::Span;
use crate::spec::buckets::{Retention, Then};
use crate::spec::decode::At;
use crate::spec::words::Duration;

/// One step of a lifecycle with its place.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub rule: &'a Retention,
    /// The path of the rule's time.
    index: usize,
    pub days: i64,
    /// Where the time stands.
    pub span: Span,
    pub noncurrent: bool,
}

impl Step<'_> {
    fn class(&self) -> Then {
        self.rule.then.value
    }

    pub(super) fn path(&self, bucket: &Bucket) -> String {
        let key = if self.noncurrent { "noncurrent" } else { "after" };
        format!("{}.retention[{}].{key}", bucket.path(), self.index)
    }
}

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for bucket in lake.buckets.values().filter(|bucket| !bucket.existing) {
        bucket_lifecycle(bucket, found);
    }
}

fn bucket_lifecycle(bucket: &Bucket, found: &mut Diagnostics) {
    let mut groups: BTreeMap<(&str, Option<u64>, bool), Vec<Step>> = BTreeMap::new();
    for (index, rule) in bucket.retention.iter().enumerate() {
        if let Some(step) = step(index, rule) {
            let prefix = rule.prefix.as_ref().map_or("", |prefix| prefix.value.0.as_str());
            let size = rule.larger_than.as_ref().map(|size| size.value.0);
            groups.entry((prefix, size, step.noncurrent)).or_default().push(step);
        }
        if let (Some(noncurrent), false) = (&rule.noncurrent, bucket.versioning) {
            let mut diagnostic = Diagnostic::error(
                diagnostic::LW0311,
                noncurrent.span,
                format!("bucket `{}` has no older versions to keep or remove", bucket.name),
            )
            .at(format!("{}.retention[{index}].noncurrent", bucket.path()))
            .help("take this rule out, or switch versioning on");
            if let Some(span) = bucket.versioning_span {
                diagnostic = diagnostic.also(span, "versioning is off").maybe(span, "true");
            }
            found.push(diagnostic);
        }
    }
    for steps in groups.values_mut() {
        steps.sort_by_key(|step| step.days);
        times(bucket, steps, found);
        order(bucket, steps, found);
    }
}

/// A rule that can be compared: one clock, whole days.
pub(super) fn step(index: usize, rule: &Retention) -> Option<Step<'_>> {
    let (time, noncurrent): (&At<Duration>, bool) = match (&rule.after, &rule.noncurrent) {
        (Some(after), None) => (after, false),
        (None, Some(noncurrent)) => (noncurrent, true),
        _ => return None,
    };
    let whole = time.value.is_whole_days();
    whole.then(|| Step { rule, index, days: time.value.days(), span: time.span, noncurrent })
}

/// What S3 says about the time of a step alone.
fn times(bucket: &Bucket, steps: &[Step], found: &mut Diagnostics) {
    for step in steps {
        // "Before you transition objects to S3 Standard-IA or S3 One Zone-IA, you must store them
        // for at least 30 days in Amazon S3": S3 User Guide, "Transitioning objects".
        let infrequent = matches!(step.class(), Then::StandardIa | Then::OnezoneIa);
        if infrequent && step.days < 30 {
            let class = step.class().as_str();
            found.push(
                Diagnostic::error(
                    diagnostic::LW0311,
                    step.span,
                    format!("objects cannot move to {class} before 30 days"),
                )
                .label(format!("{} days", step.days))
                .at(step.path(bucket))
                .help("wait 30 days, or move to `INTELLIGENT_TIERING`, which takes objects at once")
                .maybe(step.span, "30d"),
            );
        }
    }
}

/// What the steps say about each other. They are sorted by time.
fn order(bucket: &Bucket, steps: &[Step], found: &mut Diagnostics) {
    for (at, step) in steps.iter().enumerate() {
        if let Some(first) = steps[..at].iter().find(|first| first.class() == step.class()) {
            // The later one in the file is the second one.
            let (first, second) =
                if first.index < step.index { (first, step) } else { (step, first) };
            let headline = match step.class() {
                Then::Expire => "objects would expire twice".to_owned(),
                class => format!("objects would move to {} twice", class.as_str()),
            };
            found.push(
                Diagnostic::error(diagnostic::LW0311, second.span, headline)
                    .also(first.span, "the first time")
                    .at(second.path(bucket))
                    .help("take one of the two rules out"),
            );
            return;
        }
    }
    for pair in steps.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if first.class() == Then::Expire {
            let headline = format!(
                "objects expire after {}d and would move to {} after {}d",
                first.days,
                second.class().as_str(),
                second.days
            );
            found.push(
                Diagnostic::error(diagnostic::LW0311, second.span, headline)
                    .label("nothing is left by then")
                    .also(first.span, "objects expire here")
                    .at(second.path(bucket))
                    .help("let objects expire after they have moved"),
            );
            return;
        }
        if second.days == first.days {
            found.push(
                Diagnostic::error(
                    diagnostic::LW0311,
                    second.span,
                    format!("two steps on day {}: S3 takes one", second.days),
                )
                .also(first.span, "the other one")
                .help("take one of them out, or give them different days")
                .at(second.path(bucket)),
            );
            continue;
        }
        if second.class() != Then::Expire && !moves(first.class(), second.class()) {
            let headline = format!(
                "objects cannot move from {} to {}",
                first.class().as_str(),
                second.class().as_str()
            );
            found.push(
                Diagnostic::error(diagnostic::LW0311, second.rule.then.span, headline)
                    .also(first.rule.then.span, format!("they are in {} by then", first.class().as_str()))
                    .at(second.path(bucket))
                    .note("objects move down only: STANDARD_IA, INTELLIGENT_TIERING, ONEZONE_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE; and from ONEZONE_IA not to GLACIER_IR"),
            );
            continue;
        }
        stay(bucket, first, second, found);
    }
}

/// How long objects must stay in a class, or are billed for: S3 User Guide, "Comparing the Amazon S3
/// storage classes", minimum storage duration.
fn minimum(class: Then) -> i64 {
    match class {
        Then::StandardIa | Then::OnezoneIa => 30,
        Then::GlacierIr | Then::Glacier => 90,
        Then::DeepArchive => 180,
        Then::IntelligentTiering | Then::Expire => 0,
    }
}

fn stay(bucket: &Bucket, first: Step, second: Step, found: &mut Diagnostics) {
    let stays = second.days - first.days;
    let least = minimum(first.class());
    if stays >= least {
        return;
    }
    let class = first.class().as_str();
    let headline = format!("objects would stay in {class} for {stays} days, the least is {least}");
    let earliest = first.days + least;
    found.push(
        Diagnostic::error(diagnostic::LW0311, second.span, headline)
            .also(first.span, format!("they move to {class} here"))
            .at(second.path(bucket))
            .note(format!("AWS bills {least} days in {class} whatever happens"))
            .help(format!("wait until day {earliest}, or leave {class} out"))
            .maybe(second.span, format!("{earliest}d")),
    );
}

/// The moves that S3 makes: S3 User Guide, "Supported transitions".
fn moves(from: Then, to: Then) -> bool {
    use Then::{DeepArchive, Glacier, GlacierIr, IntelligentTiering, OnezoneIa, StandardIa};
    match from {
        StandardIa => to != StandardIa,
        IntelligentTiering => matches!(to, OnezoneIa | GlacierIr | Glacier | DeepArchive),
        OnezoneIa | GlacierIr => matches!(to, Glacier | DeepArchive),
        Glacier => to == DeepArchive,
        DeepArchive | Then::Expire => false,
    }
}
