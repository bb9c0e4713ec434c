//! Buckets and what is in them, as S3 tells of it.

use serde::{Deserialize, Serialize};

use crate::names::{AccountId, BucketName, Region};

/// A bucket and who must own it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketAddress {
    pub region: Region,
    pub bucket: BucketName,
    pub owner: AccountId,
}

/// An object's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectAddress {
    pub bucket: BucketAddress,
    pub key: String,
}

/// An object's newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub body: Vec<u8>,
    pub etag: String,
}

/// When an object may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutCondition {
    Always,
    /// `If-None-Match: *`: only if there is none.
    Absent,
    /// `If-Match`: only over the version with this ETag.
    Matches(String),
}

/// A version or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVersion {
    pub key: String,
    pub version: String,
    pub delete_marker: bool,
    /// Bytes; 0 for a delete marker.
    pub size: u64,
    /// The end of its Object Lock retention (ISO 8601, UTC), or `legal hold`.
    pub locked: Option<String>,
}

/// Where a page of versions ended (NextKeyMarker, NextVersionIdMarker).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMarker {
    pub key: String,
    pub version: Option<String>,
}

/// A page of a bucket's versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionPage {
    pub versions: Vec<ObjectVersion>,
    /// `None`: it is the last one.
    pub next: Option<VersionMarker>,
    /// Whether the bucket has Object Lock. Without it no version can be locked.
    pub lockable: bool,
}
