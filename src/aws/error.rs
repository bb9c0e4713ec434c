//! From the services' error codes to [`CloudError`], by meaning.
//!
//! In: what the SDK gives for a failed call. Out: the word that planning and applying decide by,
//! with the service's own sentence. The codes are those of the "Common Errors" and per-call
//! error lists of the CloudFormation, S3, IAM, STS and Lake Formation API references.
//! INVARIANT: [`CloudError::NoAnswer`] is everything after which it is unknown whether the call was
//! carried out: time limits, cut connections, unreadable answers, 5xx.

use std::error::Error;

use aws_sdk_sts as sts;
use sts::config::http::HttpResponse;
use sts::config::{ProvideCredentials, SharedCredentialsProvider};
use sts::error::{ProvideErrorMetadata, SdkError};
use sts::operation::assume_role::AssumeRoleError;

use crate::cloud::CloudError;

/// What a failed call means. `call` names the service and its operation: `S3 PutObject`.
pub(super) fn told<E>(call: &str, error: SdkError<E, HttpResponse>) -> CloudError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let meta = context.err().meta();
            by_code(call, meta.code(), meta.message(), status)
        }
        SdkError::TimeoutError(_) => CloudError::NoAnswer(format!("{call}: it took too long")),
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            CloudError::NoAnswer(format!(
                "{call}: the answer ({status}) can't be read: {}",
                reasons(&error)
            ))
        }
        _ => match (credentials(&error), &error) {
            (Some(error), _) => error,
            // nothing was sent
            (None, SdkError::ConstructionFailure(_)) => {
                CloudError::Refused(format!("{call}: {}", reasons(&error)))
            }
            (None, _) => CloudError::NoAnswer(format!("{call}: {}", reasons(&error))),
        },
    }
}

/// What a service's code means.
fn by_code(call: &str, code: Option<&str>, message: Option<&str>, status: u16) -> CloudError {
    let code = code.unwrap_or_default();
    let message = message.filter(|text| !text.trim().is_empty());
    // the service's own words; where it has none, its code or at least its status
    let words = || match message {
        Some(text) => text.trim().to_owned(),
        None if !code.is_empty() => code.to_owned(),
        None => format!("status {status}"),
    };
    let with_call = || {
        let words = words();
        let name = call.rsplit(' ').next().unwrap_or(call);
        if words.contains(name) { words } else { format!("{call}: {words}") }
    };
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            CloudError::Credentials(format!(
                "they have expired; type `aws sso login` or renew them, then the same command \
                 again ({})",
                words()
            ))
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "AuthFailure" => CloudError::Credentials(format!(
            "AWS does not know them, or the region is not enabled in the account; type \
             `aws sts get-caller-identity` to see which are in use ({})",
            words()
        )),
        "SignatureDoesNotMatch" | "IncompleteSignature" | "InvalidSignatureException" => {
            CloudError::Credentials(format!(
                "the secret key does not fit the access key; type `aws configure` ({})",
                words()
            ))
        }
        "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => {
            CloudError::Credentials(format!("none were sent; {}", HOW_TO_SIGN_IN))
        }
        "RequestTimeTooSkewed" => CloudError::Credentials(format!(
            "this machine's clock is wrong; set it and try again ({})",
            words()
        )),

        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "AuthorizationError"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "OptInRequired"
        | "SubscriptionRequiredException" => CloudError::AccessDenied(with_call()),

        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "SlowDown" => CloudError::Throttled(with_call()),

        "ChangeSetNotFound"
        | "ChangeSetNotFoundException"
        | "StackNotFoundException"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "NoSuchVersion"
        | "EntityNotFoundException" => CloudError::NotFound(words()),

        "AlreadyExistsException"
        | "EntityAlreadyExists"
        | "EntityAlreadyExistsException"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou" => CloudError::AlreadyExists(words()),

        "InsufficientCapabilitiesException" | "InsufficientCapabilities" => {
            CloudError::Capability(words())
        }

        "LimitExceededException"
        | "LimitExceeded"
        | "ServiceQuotaExceededException"
        | "ConcurrentResourcesLimitExceededException"
        | "ConcurrentResourcesLimitExceeded"
        | "TooManyBuckets" => CloudError::Limit(words()),

        "OperationInProgressException"
        | "OperationInProgress"
        | "OperationAborted"
        | "ConcurrentModification"
        | "ConcurrentModificationException" => CloudError::InProgress(words()),

        "PreconditionFailed" | "ConditionalRequestConflict" => {
            CloudError::PreconditionFailed(with_call())
        }

        "ValidationError" => validation(words()),

        "ValidationException"
        | "InvalidChangeSetStatus"
        | "InvalidChangeSetStatusException"
        | "TokenAlreadyExistsException"
        | "InvalidOperationException"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "MissingParameter"
        | "InvalidInput"
        | "InvalidInputException"
        | "InvalidRequest"
        | "InvalidRequestException"
        | "MalformedPolicyDocument"
        | "MalformedPolicy"
        | "PackedPolicyTooLarge"
        | "StaleRequestException"
        // the bucket is in another region
        | "PermanentRedirect"
        | "AuthorizationHeaderMalformed" => CloudError::Refused(words()),

        "RequestTimeout" | "RequestTimeoutException" => {
            CloudError::NoAnswer(format!("{call}: {}", words()))
        }

        _ => match status {
            403 => CloudError::AccessDenied(with_call()),
            404 => CloudError::NotFound(with_call()),
            412 => CloudError::PreconditionFailed(with_call()),
            429 => CloudError::Throttled(with_call()),
            501 => other(code, status, with_call()),
            500.. => CloudError::NoAnswer(format!("{call}: {status} {}", words())),
            _ => other(code, status, with_call()),
        },
    }
}

/// CloudFormation says most things with one code, and the sentence tells which.
fn validation(words: String) -> CloudError {
    // "Stack with id x does not exist", "ChangeSet [x] does not exist"; but "S3 error: The
    // specified key does not exist" speaks of the template's object
    if words.contains("does not exist") && !words.starts_with("S3 error") {
        CloudError::NotFound(words)
    // "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."
    } else if words.contains("_IN_PROGRESS state") && !words.contains("REVIEW_IN_PROGRESS")
        || words.contains("already in progress")
    {
        CloudError::InProgress(words)
    } else {
        CloudError::Refused(words)
    }
}

fn other(code: &str, status: u16, message: String) -> CloudError {
    let code = if code.is_empty() { status.to_string() } else { code.to_owned() };
    CloudError::Other { code, message }
}

const HOW_TO_SIGN_IN: &str = "type `aws sso login` or `aws configure`, or set AWS_PROFILE \
                              (`--sandbox` needs none)";

/// Whether the call was never sent for want of credentials, and what to do about it.
fn credentials(error: &(dyn Error + 'static)) -> Option<CloudError> {
    let mut found = false;
    let mut cause = Some(error);
    while let Some(error) = cause {
        // a role that could not be assumed: what STS says of it is the error
        if let Some(refused) = error.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>()
            && let SdkError::ServiceError(context) = refused
        {
            let meta = context.err().meta();
            let status = context.raw().status().as_u16();
            return Some(by_code("STS AssumeRole", meta.code(), meta.message(), status));
        }
        found |= comes_from_a_provider(SharedCredentialsProvider::provide_credentials, error);
        cause = error.source();
    }
    found.then(|| CloudError::Credentials(format!("{}: {HOW_TO_SIGN_IN}", reasons(error))))
}

/// Whether an error is of the type that credential providers answer with. Its crate is not ours to
/// name, so the type is taken from the signature of the function that gives it.
fn comes_from_a_provider<'a, P: 'a, F, T, E>(
    _: fn(&'a P) -> F,
    error: &(dyn Error + 'static),
) -> bool
where
    F: Future<Output = Result<T, E>>,
    E: Error + 'static,
{
    error.is::<E>()
}

/// An error and its causes on one line, without what repeats itself.
fn reasons(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, message: &str, status: u16) -> CloudError {
        by_code("CloudFormation DescribeStacks", Some(code), Some(message), status)
    }

    #[test]
    fn one_code_many_meanings() {
        for (message, expected) in [
            (
                "Stack with id acme-prod-base does not exist",
                "not found: Stack with id acme-prod-base does not exist",
            ),
            (
                "S3 error: The specified key does not exist.",
                "S3 error: The specified key does not exist.",
            ),
            (
                "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.",
                "another operation is in progress: Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.",
            ),
            (
                "Stack:arn is in REVIEW_IN_PROGRESS state and can not be updated.",
                "Stack:arn is in REVIEW_IN_PROGRESS state and can not be updated.",
            ),
            ("Template format error: x", "Template format error: x"),
        ] {
            assert_eq!(of("ValidationError", message, 400).to_string(), expected);
        }
    }

    #[test]
    fn what_has_no_code_is_read_by_its_status() {
        let bare = |status| by_code("S3 HeadBucket", None, None, status);
        assert!(matches!(bare(404), CloudError::NotFound(_)));
        assert!(matches!(bare(403), CloudError::AccessDenied(_)));
        assert!(matches!(bare(412), CloudError::PreconditionFailed(_)));
        assert!(matches!(bare(503), CloudError::NoAnswer(_)));
        assert_eq!(bare(301).to_string(), "301: S3 HeadBucket: status 301");
    }

    #[test]
    fn the_call_is_named_once() {
        assert_eq!(
            of("AccessDenied", "Access Denied", 403).to_string(),
            "access denied: CloudFormation DescribeStacks: Access Denied"
        );
        let long = "User: x is not authorized to perform: DescribeStacks";
        assert_eq!(of("AccessDenied", long, 403).to_string(), format!("access denied: {long}"));
    }
}
