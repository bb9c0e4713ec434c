//! Places: keys, buckets, databases and tables, and how flows point at them.

use std::fmt;

use crate::names::{Arn, BucketName, Name, Region};
use crate::source::Span;
use crate::spec::buckets::{LockMode, Retention};
use crate::spec::databases::{Columns, Csv, Format, Mode, Partition};
use crate::spec::decode::At;
use crate::spec::lake_formation::LfTags;
use crate::spec::reference::Principal;

/// A KMS key.
#[derive(Debug, Clone)]
pub struct Key {
    pub name: Name,
    /// The path of the thing that it was made for; `None` for one that the spec declares.
    pub of: Option<String>,
    pub span: Span,
    pub description: Option<String>,
    /// Where it is not ours.
    pub existing: Option<At<Arn>>,
    /// Days between rotations; `None`: never.
    pub rotation_days: Option<i64>,
    pub admins: Vec<At<Principal>>,
    /// Who cannot use it, whoever lets them.
    pub deny: Vec<At<Principal>>,
    /// Days between deletion and end.
    pub deletion_window_days: i64,
    pub protect: bool,
    pub generation: i64,
}

impl Key {
    /// The key's path in the spec.
    pub fn path(&self) -> String {
        self.of.clone().unwrap_or_else(|| format!("keys.{}", self.name))
    }
}

/// How the objects of a bucket are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// A key of the lake, ours or existing.
    Key(Name),
    /// The key that AWS manages for S3 in this account.
    AwsManaged,
    /// SSE-S3.
    S3,
}

/// An S3 bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub name: Name,
    /// The path of the thing that it was made for; `None` for one that the spec declares.
    pub of: Option<String>,
    pub span: Span,
    pub description: Option<String>,
    /// What it is called in S3.
    pub bucket_name: BucketName,
    /// Whether it is not ours.
    pub existing: bool,
    pub encryption: Encryption,
    pub encryption_span: Span,
    pub bucket_key: bool,
    pub versioning: bool,
    pub versioning_span: Option<Span>,
    pub lock: Option<Lock>,
    /// In the order of the spec.
    pub retention: Vec<Retention>,
    /// Days after which incomplete multipart uploads are removed; `None`: never.
    pub abort_uploads_days: Option<i64>,
    pub replica: Option<Replica>,
    pub access_logs: bool,
    pub events: bool,
    pub perimeter: Option<Perimeter>,
    /// Who alone may write, by place, beside the lake's own flows.
    pub only_writers: Vec<Guard>,
    /// Who reaches nothing, by place.
    pub deny: Vec<Guard>,
    pub protect: bool,
    pub generation: i64,
    pub tags: Vec<(String, String)>,
}

impl Bucket {
    /// The bucket's path in the spec.
    pub fn path(&self) -> String {
        self.of.clone().unwrap_or_else(|| format!("buckets.{}", self.name))
    }

    /// The key of the lake that encrypts it, if one does.
    pub fn key(&self) -> Option<&Name> {
        match &self.encryption {
            Encryption::Key(key) => Some(key),
            _ => None,
        }
    }
}

/// Object Lock with a default retention.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    pub span: Span,
    pub mode: LockMode,
    pub days: i64,
}

/// The copy of a bucket in another region.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    pub span: Span,
    pub region: Region,
    /// What the copy is called in S3.
    pub bucket_name: BucketName,
    /// Empty: every object.
    pub prefix: String,
    pub storage_class: Option<&'static str>,
    pub delete_markers: bool,
    pub time_control: bool,
}

/// Principals of a place in a bucket: roles, users, accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    pub location: Location,
    /// Where the place is written: the prefix, or the list.
    pub span: Span,
    pub who: Vec<At<Principal>>,
}

/// Who passes the organization perimeter of a bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Perimeter {
    pub span: Span,
    pub except: Vec<At<Principal>>,
}

/// A database of the Data Catalog.
#[derive(Debug, Clone)]
pub struct Database {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// What it is called in the Data Catalog.
    pub catalog_name: String,
    pub existing: bool,
    pub location: Option<Location>,
    /// Who decides about access.
    pub mode: Mode,
    /// Where that is said; the database's name where it is not.
    pub mode_span: Span,
    pub lf_tags: LfTags,
    pub tables: std::collections::BTreeMap<Name, Table>,
    pub protect: bool,
}

impl Database {
    /// The database's path in the spec.
    pub fn path(&self) -> String {
        format!("databases.{}", self.name)
    }
}

/// A bucket and the prefix in it; the prefix ends in a slash, or is empty for the whole bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub bucket: Name,
    pub prefix: String,
}

impl Location {
    /// Whether the objects of `other` are among those of this one.
    pub fn contains(&self, other: &Location) -> bool {
        self.bucket == other.bucket && other.prefix.starts_with(&self.prefix)
    }

    /// Whether some object belongs to both.
    pub fn overlaps(&self, other: &Location) -> bool {
        self.contains(other) || other.contains(self)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.prefix)
    }
}

/// A table of the Data Catalog.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: Name,
    pub database: Name,
    pub span: Span,
    pub description: Option<String>,
    pub format: Format,
    pub columns: Columns,
    pub partition: Option<Partition>,
    pub location: Location,
    /// Where the location is written; the table's name where it follows from the database's.
    pub location_span: Span,
    pub lf_tags: LfTags,
    pub csv: Option<Csv>,
    pub protect: bool,
}

impl Table {
    /// The table's path in the spec.
    pub fn path(&self) -> String {
        format!("databases.{}.tables.{}", self.database, self.name)
    }
}

/// What a flow reads, writes or watches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Objects in a bucket.
    Objects(Location),
    /// Every table of a database, those that come later included.
    Database(Name),
    /// A table: its entry in the catalog and its objects.
    Table { database: Name, table: Name },
    /// The stream of a source: what is put into it is delivered. Given by `access` only.
    Stream(Name),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Objects(location) => location.fmt(f),
            Place::Database(database) => database.fmt(f),
            Place::Table { database, table } => write!(f, "{database}.{table}"),
            Place::Stream(source) => source.fmt(f),
        }
    }
}
