//! `logs`: how long logs are kept.

use super::decode::At;
use super::words::Duration;
use crate::record;

record! {
    /// Logs of the lake: who requested which object of a bucket, in the log bucket of the region; what
    /// sources could not deliver and what pipelines say, in CloudWatch.
    pub struct Logs {
        /// How long they are kept: whole days, `1d` to `3653d`. CloudWatch knows certain numbers of
        /// days, and keeps its part for the next one. Default: `365d`.
        keep: Option<At<Duration>>,
    }
}
