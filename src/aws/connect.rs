//! From the user's configuration to a connection: profiles, variables, SSO, roles, endpoints.
//!
//! The SDK's own chain finds region-independent configuration and credentials; an environment's
//! deploy role is assumed on top of it, and renewed by the SDK before it ends. The first call is
//! STS GetCallerIdentity, so that wrong credentials are found before anything else happens.
//! INVARIANT: every client shares one credentials cache and the retry rules of [`Pace`].

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_sdk_cloudformation as cfn;
use aws_sdk_iam as iam;
use aws_sdk_lakeformation as lakeformation;
use aws_sdk_s3 as s3;
use aws_sdk_sts as sts;
use sts::config::retry::{RetryPartition, TokenBucket};
use sts::config::{Credentials, SharedCredentialsProvider};

use super::attempts::Patience;
use super::error::told;
use super::pace::Pace;
use super::{Aws, Clients};
use crate::cloud::{Caller, CloudError};
use crate::names::{AccountId, Arn, Region};

/// What a connection needs to know besides the SDK's ordinary configuration.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where STS and IAM are asked; the region of the environment.
    pub region: Region,
    /// The role that the environment deploys with; assumed with the credentials found.
    pub deploy_role: Option<Arn>,
    /// The name of that role's session, seen in CloudTrail: 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -`
    /// (STS API reference, AssumeRole, RoleSessionName).
    pub session_name: String,
    /// A word more for the user agent (`app/...`), such as `lakewright-0.1.0`.
    pub application: Option<String>,
    /// The profile, instead of AWS_PROFILE.
    pub profile: Option<String>,
    /// The endpoint of every service, instead of AWS_ENDPOINT_URL.
    pub endpoint: Option<String>,
    /// These keys, instead of the chain of credential providers.
    pub keys: Option<Keys>,
    /// Rate limits, retries and time limits.
    pub pace: Pace,
}

impl ConnectOptions {
    /// The ordinary connection to a region.
    pub fn new(region: &Region, session_name: impl Into<String>) -> Self {
        ConnectOptions {
            region: region.clone(),
            deploy_role: None,
            session_name: session_name.into(),
            application: Some(format!("lakewright-{}", env!("CARGO_PKG_VERSION"))),
            profile: None,
            endpoint: None,
            keys: None,
            pace: Pace::default(),
        }
    }
}

/// An access key, for endpoints that take any.
#[derive(Clone)]
pub struct Keys {
    pub id: String,
    pub secret: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({}, ...)", self.id)
    }
}

impl Aws {
    /// Connects: reads the SDK's configuration (variables, files, SSO, `AWS_PROFILE`,
    /// `AWS_ENDPOINT_URL`), assumes the deploy role if there is one, and asks STS who is calling.
    ///
    /// Errors: [`CloudError::Credentials`] with what to type where there are none or they have
    /// expired, [`CloudError::AccessDenied`] where the role may not be assumed,
    /// [`CloudError::NoAnswer`] where nobody answers.
    pub fn connect(options: &ConnectOptions) -> Result<Aws, CloudError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("aws")
            .enable_all()
            .build()
            .map_err(|error| CloudError::Other {
                code: "Threads".into(),
                message: format!("no threads for the connection: {error}"),
            })?;
        let (config, caller) = runtime.block_on(async {
            let config = load(options).await?;
            let caller = who_calls(&config).await?;
            Ok::<_, CloudError>((config, caller))
        })?;
        let s3_endpoint = options
            .endpoint
            .clone()
            .or_else(configured_for_s3)
            .or_else(|| config.endpoint_url().map(str::to_owned));
        Ok(Aws {
            runtime,
            config,
            s3_endpoint,
            pace: options.pace.clone(),
            caller,
            clients: Mutex::new(Clients::default()),
            limits: Mutex::new(BTreeMap::new()),
            change_sets: Mutex::new(BTreeMap::new()),
        })
    }
}

/// S3's own endpoint, `AWS_ENDPOINT_URL_S3`. The SDK reads it too, and does not tell.
fn configured_for_s3() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let ignored = set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    set("AWS_ENDPOINT_URL_S3").filter(|_| !ignored)
}

/// The SDK's configuration with our retries and time limits, and the deploy role's credentials.
async fn load(options: &ConnectOptions) -> Result<SdkConfig, CloudError> {
    let pace = &options.pace;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region(&options.region))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(pace.attempts)
                .with_initial_backoff(pace.first_backoff)
                .with_max_backoff(pace.longest_backoff),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(pace.connect_timeout)
                .operation_attempt_timeout(pace.attempt_timeout)
                .operation_timeout(pace.call_timeout)
                .build(),
        );
    if let Some(application) = &options.application {
        let name = AppName::new(application.clone()).map_err(|_| {
            CloudError::Refused(format!("`{application}` is no word for a user agent"))
        })?;
        loader = loader.app_name(name);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(keys) = &options.keys {
        loader = loader.credentials_provider(Credentials::new(
            &keys.id,
            &keys.secret,
            None,
            None,
            "options",
        ));
    }
    let config = loader.load().await;
    let Some(role) = &options.deploy_role else {
        return Ok(config);
    };
    let name = &options.session_name;
    let name_fits = (2..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if !name_fits {
        return Err(CloudError::Refused(format!(
            "`{name}` can't name a role's session: 2 to 64 letters, digits and _+=,.@-"
        )));
    }
    let assumed = AssumeRoleProvider::builder(role.as_str())
        .session_name(name)
        .configure(&config)
        .build()
        .await;
    Ok(config.into_builder().credentials_provider(SharedCredentialsProvider::new(assumed)).build())
}

/// STS GetCallerIdentity.
async fn who_calls(config: &SdkConfig) -> Result<Caller, CloudError> {
    let retries = partition();
    let client =
        sts::Client::from_conf(sts::config::Builder::from(config).retry_partition(retries).build());
    let answer = client
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| told("STS GetCallerIdentity", error))?;
    let unreadable =
        |message: String| CloudError::Other { code: "GetCallerIdentity".into(), message };
    Ok(Caller {
        account: AccountId::new(answer.account().unwrap_or_default()).map_err(unreadable)?,
        arn: Arn::new(answer.arn().unwrap_or_default()).map_err(unreadable)?,
    })
}

/// The CloudFormation client of a region.
pub(super) fn cloudformation(config: &SdkConfig, at: &Region) -> cfn::Client {
    cfn::Client::from_conf(
        cfn::config::Builder::from(config)
            .region(region(at))
            .retry_partition(partition())
            .retry_classifier(Patience)
            .build(),
    )
}

/// The S3 client of a region. Emulators know buckets by path, not by host name.
pub(super) fn s3(config: &SdkConfig, at: &Region, elsewhere: bool) -> s3::Client {
    s3::Client::from_conf(
        s3::config::Builder::from(config)
            .region(region(at))
            .force_path_style(elsewhere)
            .retry_partition(partition())
            .retry_classifier(Patience)
            .build(),
    )
}

/// The Lake Formation client of a region.
pub(super) fn lakeformation(config: &SdkConfig, at: &Region) -> lakeformation::Client {
    lakeformation::Client::from_conf(
        lakeformation::config::Builder::from(config)
            .region(region(at))
            .retry_partition(partition())
            .build(),
    )
}

/// The IAM client.
pub(super) fn iam(config: &SdkConfig) -> iam::Client {
    iam::Client::from_conf(
        iam::config::Builder::from(config)
            .retry_partition(partition())
            .retry_classifier(Patience)
            .build(),
    )
}

fn region(of: &Region) -> aws_config::Region {
    aws_config::Region::new(of.as_str().to_owned())
}

/// The SDK counts retries of the whole process against one quota and then gives up at once; ours
/// are bounded call by call (attempts, longest backoff) and by the rate limiter.
fn partition() -> RetryPartition {
    RetryPartition::custom("lakewright").token_bucket(TokenBucket::unlimited()).build()
}
