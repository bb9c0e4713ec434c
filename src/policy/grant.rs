//! Whom a grant goes to, and which documents make up its halves.
//!
//! In go a grantee and a level (`read`, `write`, `delete`, `admin`), out come the names of the documents for the
//! identity policy, the bucket policy and, where the bucket has a key of its own, the same two for the key. The form
//! of a principal stands in documents too (`grantee-*.json`).
//! Invariant: no form names a principal that must exist already. S3 and KMS refuse a policy that names a role which
//! is not there, and turn a deleted one into an id; so a role is named by its account and a condition on its ARN.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

use super::argument::Argument;

/// Whom a bucket's or key's policy lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// An account: it decides itself which of its roles may. With `org_id`, only while it is in that organization.
    Account { partition: String, account: String, org_id: Option<String> },
    /// Roles and users of one account, by ARN; also of our own.
    Principals { partition: String, account: String, arns: Vec<String> },
    /// Organizational units with all that is below them.
    Units { org_id: String, units: Vec<String> },
    /// Every account of the organization.
    Organization { org_id: String },
}

impl Grantee {
    /// A principal that is not of the account it is listed under: the account's root would never match its ARN.
    pub(super) fn stranger(&self) -> Option<&str> {
        match self {
            Grantee::Principals { account, arns, .. } => arns
                .iter()
                .find(|arn| arn.split(':').nth(4) != Some(account.as_str()))
                .map(String::as_str),
            _ => None,
        }
    }

    /// The document of this form and its arguments; an absent one is none.
    pub(super) fn document(&self) -> (&'static str, Vec<(&'static str, Option<Argument>)>) {
        match self {
            Grantee::Account { partition, account, org_id } => (
                "grantee-account",
                vec![
                    ("partition", Some(partition.into())),
                    ("account", Some(account.into())),
                    ("org_id", org_id.as_ref().map(Into::into)),
                ],
            ),
            Grantee::Principals { partition, account, arns } => (
                "grantee-principals",
                vec![
                    ("partition", Some(partition.into())),
                    ("account", Some(account.into())),
                    ("arns", Some(arns.clone().into())),
                ],
            ),
            Grantee::Units { org_id, units } => (
                "grantee-units",
                vec![("org_id", Some(org_id.into())), ("units", Some(units.clone().into()))],
            ),
            Grantee::Organization { org_id } => {
                ("grantee-organization", vec![("org_id", Some(org_id.into()))])
            }
        }
    }
}

/// What a grant on a bucket or prefix allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Read,
    Write,
    Delete,
    /// Read, write, delete, and what `s3-administer` says that granting can mean on S3; never policy or key changes.
    Admin,
}

/// The documents of a grant, by where their statements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halves {
    /// The grantee's own policy, on S3; for another account the half that it has to attach.
    pub identity: &'static [&'static str],
    /// The bucket's policy.
    pub bucket: &'static [&'static str],
    /// The grantee's own policy, on the bucket's key.
    pub identity_key: &'static [&'static str],
    /// The key's policy.
    pub key: &'static [&'static str],
}

impl Level {
    /// The documents that give this level.
    pub fn halves(self) -> Halves {
        match self {
            Level::Read => Halves {
                identity: &["s3-locate", "s3-list", "s3-read"],
                bucket: &["bucket-locate", "bucket-list", "bucket-read"],
                identity_key: &["kms-decrypt"],
                key: &["key-decrypt"],
            },
            Level::Write => Halves {
                identity: &["s3-locate", "s3-write"],
                bucket: &["bucket-locate", "bucket-write"],
                identity_key: &["kms-encrypt"],
                key: &["key-encrypt"],
            },
            Level::Delete => Halves {
                identity: &["s3-locate", "s3-delete"],
                bucket: &["bucket-locate", "bucket-delete"],
                identity_key: &[],
                key: &[],
            },
            Level::Admin => Halves {
                identity: &[
                    "s3-locate",
                    "s3-list",
                    "s3-read",
                    "s3-write",
                    "s3-delete",
                    "s3-list-versions",
                    "s3-administer",
                ],
                bucket: &[
                    "bucket-locate",
                    "bucket-list",
                    "bucket-read",
                    "bucket-write",
                    "bucket-delete",
                    "bucket-list-versions",
                    "bucket-administer",
                ],
                identity_key: &["kms-encrypt"],
                key: &["key-encrypt"],
            },
        }
    }
}
