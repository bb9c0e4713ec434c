//! Trying again: which errors are worth it, and how often a call was tried.
//!
//! The SDK retries throttling, server errors and lost answers by itself. Two of its readings are
//! wrong for us: CloudFormation's and IAM's LimitExceededException is a quota, not a rate, and no
//! waiting helps; S3's ConditionalRequestConflict is no verdict, and asking again gives one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_cloudformation as cfn;
use cfn::config::interceptors::{BeforeTransmitInterceptorContextRef, InterceptorContext};
use cfn::config::retry::{ClassifyRetry, RetryAction};
use cfn::config::{ConfigBag, Intercept, RuntimeComponents};
use cfn::error::BoxError;

/// Which errors are tried again, where the SDK's own rules do not fit.
#[derive(Debug)]
pub(super) struct Patience;

impl ClassifyRetry for Patience {
    fn classify_retry(&self, ctx: &InterceptorContext) -> RetryAction {
        let Some(response) = ctx.response() else {
            return RetryAction::NoActionIndicated;
        };
        let status = response.status().as_u16();
        if !(400..500).contains(&status) {
            return RetryAction::NoActionIndicated;
        }
        let body = response.body().bytes().unwrap_or_default();
        let says = |code: &str| {
            let tag = format!("<Code>{code}</Code>");
            body.windows(tag.len()).any(|part| part == tag.as_bytes())
        };
        if says("LimitExceededException") || says("LimitExceeded") {
            RetryAction::RetryForbidden
        } else if status == 409 && says("ConditionalRequestConflict") {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "quotas are no rates, conflicts no verdicts"
    }
}

/// Counts how often one call was sent: after more than one try, an earlier answer may have been
/// lost.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// Whether the call was sent more than once.
    pub(super) fn repeated(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "how often a call was sent"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
