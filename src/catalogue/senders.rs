//! What a request of an AWS service carries, by service and kind of resource.
//!
//! In: `data/senders.json`, written by hand from AWS's pages, which each entry names; `docs/service-conditions.md` says
//! the same for people, and a test holds them together. Out: the context keys that AWS documents as sent. A key that is
//! not in an entry is taken as not sent: a condition on it would stop the service. Read next: `crate::review::services`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::region;

/// A service in one of its duties.
#[derive(Debug, Deserialize)]
pub struct Sender {
    /// `logging.s3`: the principal without region and DNS suffix.
    pub service: String,
    /// What its requests are about: `bucket`, `key`, `topic`, `role`.
    pub on: String,
    /// What it does: `access logs`.
    pub carries: String,
    /// The CloudFormation type that makes it take a role.
    #[serde(default)]
    pub runs: Option<String>,
    /// The context keys of its requests, beside those that every service's have.
    pub sends: Vec<String>,
    /// AWS's page.
    pub source: String,
}

static ALL: LazyLock<Vec<Sender>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/senders.json"))
        .expect("invariant: the table of senders is well formed")
});

/// Everything that the table knows.
pub fn all() -> &'static [Sender] {
    &ALL
}

/// What is known of a principal such as `logs.eu-west-1.amazonaws.com` on a kind of resource.
pub fn of(principal: &str, on: &str) -> Option<&'static Sender> {
    let name = short(principal);
    ALL.iter().find(|one| one.service == name && one.on == on)
}

/// Which service takes the role of something of a type.
pub fn running(kind: &str) -> Option<&'static Sender> {
    ALL.iter().find(|one| one.runs.as_deref() == Some(kind))
}

/// A service's principal without region and DNS suffix.
pub fn short(principal: &str) -> String {
    let name = principal.split(".amazonaws.").next().unwrap_or(principal);
    let own = name.split('.').filter(|part| region(part).is_none());
    own.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_found_in_every_region_and_partition() {
        assert_eq!(short("logs.eu-west-1.amazonaws.com"), "logs");
        assert_eq!(short("logging.s3.amazonaws.com"), "logging.s3");
        assert_eq!(short("glue.amazonaws.com.cn"), "glue");
        assert!(of("logs.eu-central-1.amazonaws.com", "key").is_some());
        assert!(of("logs.eu-central-1.amazonaws.com", "bucket").is_none());
        assert!(all().iter().all(|one| one.source.starts_with("https://docs.aws.amazon.com/")));
    }
}
