//! Replication needs versioning (LW0313).
//!
//! "Both source and destination buckets must have versioning enabled": S3 User Guide, "Requirements
//! and considerations for replication".

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for bucket in lake.buckets.values().filter(|bucket| !bucket.existing && !bucket.versioning) {
        let Some(replica) = &bucket.replica else { continue };
        let span = bucket.versioning_span.unwrap_or(bucket.span);
        found.push(
            Diagnostic::error(
                diagnostic::LW0313,
                span,
                format!("bucket `{}` is replicated, which needs versioning", bucket.name),
            )
            .also(replica.span, format!("it is copied to {} here", replica.region))
            .at(format!("{}.versioning", bucket.path()))
            .help("leave versioning on")
            .fix(span, "true"),
        );
    }
}
