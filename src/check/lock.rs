//! Object Lock and what stands against it (LW0312; LW0211 where versioning is off).
//!
//! "Lifecycle does not remove locked versions": S3 User Guide, "Managing Object Lock".

use super::lifecycle;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::spec::buckets::Then;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for bucket in lake.buckets.values().filter(|bucket| !bucket.existing) {
        let Some(lock) = &bucket.lock else { continue };
        if !bucket.versioning {
            let span = bucket.versioning_span.unwrap_or(bucket.span);
            found.push(
                Diagnostic::error(
                    diagnostic::LW0211,
                    span,
                    format!("bucket `{}` has Object Lock, which needs versioning", bucket.name),
                )
                .also(lock.span, "versions are locked here")
                .at(format!("{}.versioning", bucket.path()))
                .help("leave versioning on")
                .fix(span, "true"),
            );
        }
        for (index, rule) in bucket.retention.iter().enumerate() {
            let Some(step) = lifecycle::step(index, rule) else { continue };
            if rule.then.value != Then::Expire || step.days >= lock.days {
                continue;
            }
            let headline =
                format!("objects expire after {}d and are locked for {}d", step.days, lock.days);
            found.push(
                Diagnostic::error(diagnostic::LW0312, step.span, headline)
                    .also(lock.span, format!("every version is locked for {} days", lock.days))
                    .at(step.path(bucket))
                    .note("S3 removes no version before its lock is over: it would stay, and be paid for")
                    .help(format!("let objects expire after {}d or later", lock.days))
                    .maybe(step.span, format!("{}d", lock.days)),
            );
        }
    }
}
