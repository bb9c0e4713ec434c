//! Which cloud a verb talks to: the embedded one, or AWS.

use anyhow::{Context, anyhow};
use camino::{Utf8Path, Utf8PathBuf};

use super::commands::Where;
use super::load::Ready;
use super::output::Output;
use super::{Stop, env};
use crate::apply;
use crate::aws::{Aws, ConnectOptions, Pace};
use crate::cloud::{Cloud, CloudError};
use crate::lake::{Home, Lake};
use crate::names::Arn;
use crate::resolve::DUMMY_ACCOUNT;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::spec::reference::Principal;

impl Where {
    /// Connects to the cloud of a lake. Of AWS only the caller is asked; that it is the right account is
    /// for [`apply::observe`] to say, which comes next.
    pub fn connect(&self, ready: &Ready, output: &Output) -> Result<Box<dyn Cloud>, Stop> {
        let lake = &ready.lake;
        match &self.sandbox {
            Some(place) => Ok(Box::new(sandbox(place.as_deref(), lake, &ready.folder)?)),
            None => {
                let options = options(&lake.home)?;
                let aws = Aws::connect(&options).map_err(|error| {
                    let mut told = apply::explain(&error, "asking who is calling");
                    if matches!(error, CloudError::Credentials(_)) {
                        told = told.help(
                            "to try without an AWS account: type the same command with `--sandbox`",
                        );
                    }
                    output.stop(told, &ready.sources)
                })?;
                Ok(Box::new(aws))
            }
        }
    }
}

/// The sandbox of a lake. What the spec refers to and does not make (roles and users of the account,
/// `existing:` things) is there, as it is in an account that has been in use.
fn sandbox(place: Option<&Utf8Path>, lake: &Lake, folder: &Utf8Path) -> anyhow::Result<Sandbox> {
    env::cloud_is_near();
    let place: Utf8PathBuf = match place {
        Some(place) => place.to_owned(),
        None => folder.join(".lakewright/sandbox"),
    };
    let mut options = SandboxOptions::new(lake.home.account.clone());
    options.partition = lake.home.partition.to_owned();
    let sandbox = Sandbox::open(&place, options)
        .with_context(|| format!("opening the sandbox in `{place}`"))?;
    for (kind, properties) in lake.elsewhere() {
        sandbox.put_resource(&lake.home.region, kind, &properties)?;
    }
    Ok(sandbox)
}

/// How AWS is spoken to: the SDK's ordinary configuration and the environment's deploy role.
fn options(home: &Home) -> anyhow::Result<ConnectOptions> {
    if home.account.as_str() == DUMMY_ACCOUNT {
        return Err(anyhow!(
            "environment `{0}` has no account: write `account: \"...\"` for `{0}`, or use `--sandbox`",
            home.environment
        ));
    }
    let session = env::variable("LAKEWRIGHT_ROLE_SESSION_NAME")
        .unwrap_or_else(|| format!("lakewright-{}", home.environment));
    let mut options = ConnectOptions::new(&home.region, session);
    if let Some(Principal::Role { account, name }) = home.deploy_role.as_ref().map(|at| &at.value) {
        let arn = home.iam_arn(account.as_ref(), "role", name);
        options.deploy_role = Some(Arn::new(arn).expect("invariant: a role's name is checked"));
    }
    if env::variable("AWS_ENDPOINT_URL").is_some_and(|url| is_loopback(&url)) {
        env::cloud_is_near();
        options.pace = Pace::local();
    }
    Ok(options)
}

/// Whether nobody but this machine answers at the address: rate limits are AWS's, not an emulator's.
fn is_loopback(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url);
    let host = host.split(['/', ':']).next().unwrap_or("");
    host == "localhost" || host.starts_with("127.")
}
