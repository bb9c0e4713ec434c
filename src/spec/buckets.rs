//! `buckets`: where the data lies.

use super::decode::{At, Decode, Decoder, Shape, Whole};
use super::guards::{Denials, Guards};
use super::reference::{Encryption, Principal};
use super::words::{Duration, Prefix};
use crate::names::{BucketName, Region};
use crate::syntax::{Kind, Node};
use crate::{choice, record};

record! {
    /// An S3 bucket: private, TLS only, ACLs off, encrypted, versioned, logged, kept.
    pub struct Bucket {
        /// What lies in it.
        description: Option<String>,
        /// The name of a bucket that is not ours: referred to, never changed.
        existing: Option<At<BucketName>>,
        /// The bucket's own name, which all of AWS shares. Default: `<lake>-<environment>-<name>`.
        name: Option<At<BucketName>>,
        /// How objects are encrypted: `keys.NAME`, `aws:kms` (the key that AWS manages; cannot be
        /// shared with other accounts) or `s3`. Default: `aws:kms`.
        encryption: Option<At<Encryption>>,
        /// One data key for many objects, which saves most KMS calls. Default: `true`.
        bucket_key: Option<At<bool>>,
        /// Whether older versions of objects are kept. Default: `true`.
        versioning: Option<At<bool>>,
        /// Object Lock: versions cannot be deleted for a while.
        lock: Option<Lock>,
        /// What happens to objects as they age.
        retention: Vec<Retention>,
        /// Incomplete multipart uploads are removed after this time; `false`: never. Default: `7d`.
        abort_uploads: Option<At<OrNever>>,
        /// A copy of every new object in another region.
        replicate: Option<Replicate>,
        /// Whether requests are logged, into the lake's log bucket. Default: `true`.
        access_logs: Option<At<bool>>,
        /// Whether S3 tells EventBridge about new objects. Default: `false`.
        events: Option<At<bool>>,
        /// The organization perimeter: nobody outside it does anything with the bucket or its objects, but for
        /// those named.
        perimeter: Option<At<Perimeter>>,
        /// Roles, users and accounts that alone may write, mark and delete, beside the lake's own flows:
        /// a list for the whole bucket, or a map of prefixes. What they may do is given in `access`.
        only_writers: Option<Guards>,
        /// Roles, users and accounts that reach no object, whoever lets them: a list for the whole
        /// bucket, or a map of prefixes.
        deny: Option<Denials>,
        /// Whether the bucket is kept when it leaves the spec or the lake is destroyed. Default:
        /// `true`.
        protect: Option<At<bool>>,
        /// Counts up when the bucket has to be made anew: the name then ends in `-2`, `-3`, ...
        generation: Option<At<Whole<1, 999>>>,
        /// Tags of this bucket, beside those of the lake.
        tags: super::Tags,
    }
}

record! {
    /// Object Lock with a default retention for every new version.
    pub struct Lock {
        /// Who may still delete a locked version.
        mode: At<LockMode>,
        /// How long a new version is locked: whole days, up to 100 years.
        keep: At<Duration>,
    }
}

choice! {
    /// The modes of S3 Object Lock.
    pub enum LockMode {
        /// Principals with `s3:BypassGovernanceRetention` may delete before the time is over.
        Governance = "governance",
        /// Nobody may, the account's root included.
        Compliance = "compliance",
    }
}

record! {
    /// A rule of the bucket's lifecycle. `after` counts from an object's creation, `noncurrent` from
    /// the moment that a newer version replaced it.
    pub struct Retention {
        /// Only objects below this prefix.
        prefix: Option<At<Prefix>>,
        /// The age at which it happens.
        after: Option<At<Duration>>,
        /// For older versions: the time since they were replaced.
        noncurrent: Option<At<Duration>>,
        /// What happens: a storage class to move to, or `expire`.
        then: At<Then>,
        /// With `noncurrent`: this many newest older versions are left alone, 1 to 100.
        keep_newest: Option<At<Whole<1, 100>>>,
        /// Only objects larger than this. Default: S3's own (128KiB for most transitions).
        larger_than: Option<At<super::words::Size>>,
    }
}

choice! {
    /// What a lifecycle rule does. The storage classes are S3's, "Using Amazon S3 storage classes".
    pub enum Then {
        /// Cheaper to keep, dearer to read; at least 30 days.
        StandardIa = "STANDARD_IA",
        /// As STANDARD_IA, in one Availability Zone.
        OnezoneIa = "ONEZONE_IA",
        /// S3 moves objects between tiers by itself.
        IntelligentTiering = "INTELLIGENT_TIERING",
        /// Archive with milliseconds of access; at least 90 days.
        GlacierIr = "GLACIER_IR",
        /// Archive with minutes to hours of access; at least 90 days.
        Glacier = "GLACIER",
        /// Archive with hours of access; at least 180 days.
        DeepArchive = "DEEP_ARCHIVE",
        /// The object is deleted (in a versioned bucket: becomes an older version).
        Expire = "expire",
    }
}

choice! {
    /// S3's storage classes for general purpose buckets.
    pub enum StorageClass {
        /// For data that is read often.
        Standard = "STANDARD",
        /// Cheaper to keep, dearer to read.
        StandardIa = "STANDARD_IA",
        /// As STANDARD_IA, in one Availability Zone.
        OnezoneIa = "ONEZONE_IA",
        /// S3 moves objects between tiers by itself.
        IntelligentTiering = "INTELLIGENT_TIERING",
        /// Archive with milliseconds of access.
        GlacierIr = "GLACIER_IR",
        /// Archive with minutes to hours of access.
        Glacier = "GLACIER",
        /// Archive with hours of access.
        DeepArchive = "DEEP_ARCHIVE",
    }
}

/// A duration, or `false` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrNever {
    After(Duration),
    Never,
}

impl Decode for OrNever {
    fn shape() -> Shape {
        Shape::Either(vec![Duration::shape(), Shape::Word(&[("false", "never")])])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.text() {
            Some("false") => Some(OrNever::Never),
            _ => Duration::decode(node, decoder).map(OrNever::After),
        }
    }
}

record! {
    /// Replication into a second region: destination bucket and key, role and rules.
    pub struct Replicate {
        /// The region of the copy.
        region: At<Region>,
        /// Only objects below this prefix. Default: all.
        prefix: Option<At<Prefix>>,
        /// The storage class of the copies. Default: that of the original.
        storage_class: Option<At<StorageClass>>,
        /// Whether deletions are copied too. Default: `false`.
        delete_markers: Option<At<bool>>,
        /// Whether S3 promises 15 minutes and measures them (Replication Time Control). Default:
        /// `false`.
        time_control: Option<At<bool>>,
    }
}

/// Whether the perimeter stands, and who is let through.
#[derive(Debug, Clone, PartialEq)]
pub struct Perimeter {
    /// Principals of other accounts that pass besides the organization and the trusted accounts,
    /// each with its reason.
    pub except: Vec<At<Principal>>,
}

record! {
    /// Who passes the perimeter.
    pub struct PerimeterExceptions {
        /// Principals that pass besides the organization and its trusted accounts.
        except: Vec<At<Principal>>,
    }
}

impl Decode for Perimeter {
    fn shape() -> Shape {
        Shape::Either(vec![
            Shape::Word(&[("organization", "the organization and its trusted accounts pass")]),
            PerimeterExceptions::shape(),
        ])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match &node.kind {
            Kind::Scalar { text, .. } if &**text == "organization" => {
                Some(Perimeter { except: Vec::new() })
            }
            Kind::Map(_) => PerimeterExceptions::decode(node, decoder)
                .map(|exceptions| Perimeter { except: exceptions.except }),
            _ => decoder.expected(node, "`organization` or a map with `except`"),
        }
    }
}
