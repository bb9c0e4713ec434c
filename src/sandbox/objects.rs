//! The objects in the sandbox's buckets: versions, delete markers, conditional writes, locks.
//!
//! A bucket's list of versions is one document, its bodies are files beside it. Whether a bucket keeps versions and
//! locks them is read from the bucket's live properties, so that tampering with those has its effect here.
//! Sources: S3 User Guide, "Retaining multiple versions of objects with S3 Versioning", "Locking objects with Object
//! Lock", "Add preconditions to S3 operations with conditional requests".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::digest;
use super::state::Millis;
use super::store::{Change, Store};
use super::world::{Doc, Realm, iso};
use crate::cloud::{
    BucketAddress, CloudError, Object, ObjectAddress, ObjectVersion, PutCondition, VersionMarker,
    VersionPage,
};
use crate::document::Value;

/// The buckets' contents.
#[derive(Default)]
pub(super) struct Buckets {
    contents: BTreeMap<String, Doc<Contents>>,
    /// Bodies to be written with the next commit.
    bodies: Vec<(String, Vec<u8>)>,
}

/// What is in a bucket, oldest version first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Contents {
    versions: Vec<Version>,
    counter: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Version {
    key: String,
    id: String,
    marker: bool,
    size: u64,
    etag: String,
    retained_until: Option<Millis>,
    held: bool,
    body: Option<String>,
}

impl Buckets {
    fn of(&mut self, bucket: &str) -> &mut Doc<Contents> {
        self.contents
            .entry(bucket.to_owned())
            .or_insert_with(|| Doc::at(format!("buckets/{bucket}/versions.json")))
    }

    /// Whether a bucket holds no version and no delete marker.
    pub fn is_empty(&mut self, store: &Store, bucket: &str) -> Result<bool, CloudError> {
        Ok(self.of(bucket).get(store)?.versions.is_empty())
    }

    /// What has to be written.
    pub fn changes(&mut self, into: &mut Vec<(String, Change)>) -> Result<(), CloudError> {
        for contents in self.contents.values_mut() {
            contents.changes(into)?;
        }
        let bodies = self.bodies.drain(..);
        into.extend(bodies.map(|(path, bytes)| (path, Change::Write(bytes))));
        Ok(())
    }
}

/// What a bucket does with versions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Versioning {
    Never,
    Enabled,
    Suspended,
}

struct Rules {
    versioning: Versioning,
    /// Days of default retention.
    retention: Option<i64>,
    /// Whether the bucket has Object Lock.
    lockable: bool,
}

const DAY: Millis = 86_400_000;

/// The bucket's rules, if it is there and the caller may use it. `Ok(None)`: there is no such bucket.
fn rules(realm: &mut Realm, at: &BucketAddress) -> Result<Option<Rules>, CloudError> {
    let caller = realm.options.account.clone();
    let policy_key = format!("global AWS::S3::BucketPolicy {}", at.bucket);
    let shared = match realm.thing(&policy_key)? {
        Some(policy) => policy.properties.to_json().contains(caller.as_str()),
        None => false,
    };
    let key = format!("global AWS::S3::Bucket {}", at.bucket);
    let Some(bucket) = realm.thing(&key)? else {
        return Ok(None);
    };
    if bucket.account != at.owner || (bucket.account != caller && !shared) {
        return Err(CloudError::AccessDenied(format!(
            "s3: the bucket {} does not belong to account {}, or account {caller} may not use it",
            at.bucket, at.owner
        )));
    }
    if bucket.region != at.region {
        return Err(CloudError::Refused(format!(
            "PermanentRedirect: the bucket {} is in {}",
            at.bucket, bucket.region
        )));
    }
    let properties = &bucket.properties;
    let locked = super::services::truth(properties.get("ObjectLockEnabled"));
    let status = properties.at(&["VersioningConfiguration", "Status"]);
    let versioning = match status.and_then(Value::as_str) {
        _ if locked => Versioning::Enabled,
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => Versioning::Never,
    };
    let default = properties.at(&["ObjectLockConfiguration", "Rule", "DefaultRetention"]);
    let number = |key| default.and_then(|rule| super::names::text_at(rule, key));
    let days = number("Days").and_then(|days| days.parse::<i64>().ok());
    let years = number("Years").and_then(|years| years.parse::<i64>().ok());
    Ok(Some(Rules {
        versioning,
        retention: days.or(years.map(|years| years * 365)),
        lockable: locked,
    }))
}

fn no_bucket(at: &BucketAddress) -> CloudError {
    CloudError::NotFound(format!(
        "NoSuchBucket: The specified bucket does not exist: {}",
        at.bucket
    ))
}

impl Contents {
    fn newest(&self, key: &str) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.key == key)
    }

    fn current(&self, key: &str) -> Option<&Version> {
        self.newest(key).filter(|version| !version.marker)
    }

    /// The id of a new version, after dropping what it overwrites.
    fn make_room(&mut self, key: &str, rules: &Rules, removed: &mut Vec<String>) -> String {
        if rules.versioning == Versioning::Enabled {
            self.counter += 1;
            let word = digest(format!("{key} {}", self.counter).as_bytes());
            return word[..32].to_owned();
        }
        self.drop_where(removed, |version| version.key == key && version.id == "null");
        "null".into()
    }

    fn drop_where(&mut self, removed: &mut Vec<String>, mut which: impl FnMut(&Version) -> bool) {
        self.versions.retain(|version| {
            let gone = which(version);
            if gone {
                removed.extend(version.body.clone());
            }
            !gone
        });
    }
}

impl Version {
    fn locked(&self, now: Millis) -> Option<String> {
        if self.held {
            return Some("legal hold".into());
        }
        self.retained_until.filter(|until| *until > now).map(iso)
    }
}

/// GetObject.
pub(super) fn get(realm: &mut Realm, at: &ObjectAddress) -> Result<Option<Object>, CloudError> {
    if rules(realm, &at.bucket)?.is_none() {
        return Ok(None);
    }
    let store = realm.store.clone();
    let contents = realm.buckets.of(at.bucket.bucket.as_str()).get(&store)?;
    let Some(version) = contents.current(&at.key) else {
        return Ok(None);
    };
    let etag = version.etag.clone();
    let path = version.body.clone().unwrap_or_default();
    let pending = realm.buckets.bodies.iter().rev();
    let body = match pending.clone().find(|(own, _)| *own == path) {
        Some((_, bytes)) => bytes.clone(),
        None => store.bytes(&path)?.ok_or_else(|| {
            super::store::broken(&format!("{path} is missing from the sandbox's directory"))
        })?,
    };
    Ok(Some(Object { body, etag }))
}

/// PutObject. Answers with the ETag.
pub(super) fn put(
    realm: &mut Realm,
    at: &ObjectAddress,
    body: &[u8],
    when: &PutCondition,
    now: Millis,
) -> Result<String, CloudError> {
    let rules = rules(realm, &at.bucket)?.ok_or_else(|| no_bucket(&at.bucket))?;
    let bucket = at.bucket.bucket.as_str();
    check_key(realm, bucket)?;
    let store = realm.store.clone();
    let contents = realm.buckets.of(bucket).edit(&store)?;
    let current = contents.current(&at.key).map(|version| version.etag.clone());
    let holds = match when {
        PutCondition::Always => true,
        PutCondition::Absent => current.is_none(),
        PutCondition::Matches(etag) => current.as_ref() == Some(etag),
    };
    if !holds {
        return Err(CloudError::PreconditionFailed(format!(
            "At least one of the pre-conditions you specified did not hold: {}",
            at.key
        )));
    }
    let mut removed = Vec::new();
    let id = contents.make_room(&at.key, &rules, &mut removed);
    contents.counter += 1;
    let etag = format!("\"{}\"", &digest(body)[..32]);
    let path = format!("buckets/{bucket}/bodies/{}", contents.counter);
    contents.versions.push(Version {
        key: at.key.clone(),
        id,
        marker: false,
        size: body.len() as u64,
        etag: etag.clone(),
        retained_until: rules.retention.map(|days| now + days * DAY),
        held: false,
        body: Some(path.clone()),
    });
    realm.removed.extend(removed);
    realm.buckets.bodies.push((path, body.to_vec()));
    Ok(etag)
}

/// A bucket whose key is scheduled for deletion takes no more objects.
fn check_key(realm: &mut Realm, bucket: &str) -> Result<(), CloudError> {
    let path = [
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
        "0",
        "ServerSideEncryptionByDefault",
        "KMSMasterKeyID",
    ];
    let Some(Value::Str(name)) = realm.bucket_property(bucket, &path)? else {
        return Ok(());
    };
    let place = match realm.thing(&format!("global AWS::S3::Bucket {bucket}"))? {
        Some(bucket) => {
            super::state::Place { account: bucket.account.clone(), region: bucket.region.clone() }
        }
        None => return Ok(()),
    };
    let id = name.rsplit('/').next().unwrap_or_default();
    let key = super::things::key("AWS::KMS::Key", &place, id);
    if realm.thing(&key)?.is_some_and(|key| key.doomed) {
        return Err(CloudError::Other {
            code: "KMS.KMSInvalidStateException".into(),
            message: format!("{name} is pending deletion."),
        });
    }
    Ok(())
}

/// DeleteObject.
pub(super) fn delete(realm: &mut Realm, at: &ObjectAddress) -> Result<(), CloudError> {
    let rules = rules(realm, &at.bucket)?.ok_or_else(|| no_bucket(&at.bucket))?;
    let store = realm.store.clone();
    let bucket = at.bucket.bucket.as_str();
    let contents = realm.buckets.of(bucket).edit(&store)?;
    let mut removed = Vec::new();
    let id = contents.make_room(&at.key, &rules, &mut removed);
    if rules.versioning != Versioning::Never {
        contents.versions.push(Version {
            key: at.key.clone(),
            id,
            marker: true,
            size: 0,
            etag: String::new(),
            retained_until: None,
            held: false,
            body: None,
        });
    }
    realm.removed.extend(removed);
    Ok(())
}

/// At most 1,000 keys a call (S3 API reference, ListObjectVersions, MaxKeys).
const PAGE: usize = 1_000;

/// ListObjectVersions: by key, newest first; a page of it.
pub(super) fn list(
    realm: &mut Realm,
    at: &BucketAddress,
    prefix: &str,
    after: Option<&VersionMarker>,
    limit: usize,
    now: Millis,
) -> Result<VersionPage, CloudError> {
    let lockable = rules(realm, at)?.ok_or_else(|| no_bucket(at))?.lockable;
    let store = realm.store.clone();
    let contents = realm.buckets.of(at.bucket.as_str()).get(&store)?;
    let mut found: Vec<&Version> =
        contents.versions.iter().rev().filter(|version| version.key.starts_with(prefix)).collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let begin = match after {
        None => 0,
        Some(after) => {
            let of_key = found.partition_point(|version| version.key < after.key);
            let own = found[of_key..].iter().take_while(|version| version.key == after.key);
            match (
                &after.version,
                own.clone().position(|it| Some(&it.id) == after.version.as_ref()),
            ) {
                (None, _) => of_key + own.count(),
                (Some(_), position) => of_key + position.map_or(0, |at| at + 1),
            }
        }
    };
    let rest = &found[begin..];
    let page = &rest[..rest.len().min(limit).min(PAGE)];
    let line = |version: &&Version| ObjectVersion {
        key: version.key.clone(),
        version: version.id.clone(),
        delete_marker: version.marker,
        size: version.size,
        locked: version.locked(now),
    };
    let next = page
        .last()
        .filter(|_| page.len() < rest.len())
        .map(|last| VersionMarker { key: last.key.clone(), version: Some(last.id.clone()) });
    Ok(VersionPage { versions: page.iter().map(line).collect(), next, lockable })
}

/// DeleteObjects, of versions. Answers with those that refused.
pub(super) fn delete_versions(
    realm: &mut Realm,
    at: &BucketAddress,
    versions: &[ObjectVersion],
    now: Millis,
) -> Result<Vec<(ObjectVersion, String)>, CloudError> {
    if versions.len() > 1000 {
        return Err(CloudError::Refused(
            "MalformedXML: DeleteObjects takes at most 1,000 keys".into(),
        ));
    }
    rules(realm, at)?.ok_or_else(|| no_bucket(at))?;
    let store = realm.store.clone();
    let contents = realm.buckets.of(at.bucket.as_str()).edit(&store)?;
    let mut removed = Vec::new();
    let mut refused = Vec::new();
    for wanted in versions {
        let is = |version: &Version| version.key == wanted.key && version.id == wanted.version;
        let found = contents.versions.iter().find(|version| is(version));
        match found.and_then(|version| version.locked(now)) {
            Some(_) => refused.push((
                wanted.clone(),
                "AccessDenied: Access Denied because object protected by object lock.".into(),
            )),
            None => contents.drop_where(&mut removed, is),
        }
    }
    realm.removed.extend(removed);
    Ok(refused)
}

/// PutObjectLegalHold on the newest version. `false`: there is none.
pub(super) fn hold(
    realm: &mut Realm,
    bucket: &str,
    key: &str,
    on: bool,
) -> Result<bool, CloudError> {
    let store = realm.store.clone();
    let contents = realm.buckets.of(bucket).edit(&store)?;
    let mut versions = contents.versions.iter_mut().rev();
    match versions.find(|version| version.key == key && !version.marker) {
        Some(version) => {
            version.held = on;
            Ok(true)
        }
        None => Ok(false),
    }
}
