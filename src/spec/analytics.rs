//! `analytics`: where people ask the lake's tables. Athena's workgroups; other engines come later.

use std::fmt;

use super::decode::{At, Decode, Decoder, Named, Shape, shortened};
use super::reference::{Encryption, Principal, Reference};
use super::words::{Duration, Refused, Size, text_form};
use crate::diagnostic;
use crate::names::Name;
use crate::record;
use crate::syntax::Node;

record! {
    /// Where people ask the lake's tables.
    pub struct Analytics {
        /// Workgroups of Amazon Athena.
        athena: Named<Athena>,
    }
}

record! {
    /// A workgroup of Athena, called `<lake>-<environment>-<name>`: its settings hold for every query
    /// in it, and what its people may query is what `access` gives them. All of them read all of its
    /// results, so they have to read the same of every table.
    pub struct Athena {
        /// Who asks what in it.
        description: Option<String>,
        /// Who may query in it: entries of `access` (roles and users that they name), roles and users
        /// of the lake's account.
        who: Vec<At<Analyst>>,
        /// A query that reads more is cancelled: `10MiB` or more. Default: `1TiB`.
        scan_limit: Option<At<Size>>,
        /// Results are deleted after this time: whole days. Default: `30d`.
        keep: Option<At<Duration>>,
        /// Where results go: a bucket or prefix of the lake that holds nothing else. Default: a
        /// bucket of its own, which is called `athena-<name>/` in `access`.
        results: Option<At<Reference>>,
        /// How results in a bucket of their own are encrypted: `keys.NAME`, or `s3`. Default: a key of
        /// their own, `keys.athena-<name>`.
        encryption: Option<At<Encryption>>,
        /// Whether the bucket and the key of results are kept when the workgroup leaves the spec or
        /// the lake is destroyed. Results are deleted after `keep` all the same. Default: what
        /// `defaults` say for buckets and for keys; the `perimeter` and `access_logs` there hold for
        /// results too.
        protect: Option<At<bool>>,
    }
}

/// Who may query: an entry of `access` by its name, or a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Analyst {
    /// `analysts`: whoever that entry names.
    Access(Name),
    Principal(Principal),
}

impl fmt::Display for Analyst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Analyst::Access(name) => name.fmt(f),
            Analyst::Principal(who) => who.fmt(f),
        }
    }
}

text_form!(
    Analyst,
    "an entry of `access`, or a principal such as `role/Analyst`",
    Some(
        "^([a-z][a-z0-9_-]*|([0-9]{12}:)?(role|user)/.+|account/[0-9]{12}|ou/ou-.+|service/.+|saml/.+|identity-center/.+)$"
    ),
    LW0208,
    |text| {
        if text == "organization" || text.contains(['/', ':']) {
            return Principal::parse(text).map(Analyst::Principal);
        }
        Name::new(text).map(Analyst::Access).map_err(Refused::from)
    }
);
