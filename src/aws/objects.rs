//! Objects in S3: reading, conditional writes, versions and their locks, deletion by version.
//!
//! Every call names the account that must own the bucket; a bucket of that name in another account
//! is an error before anything is read or written.
//! INVARIANT: a conditional write whose answer was lost is not mistaken for somebody else's: each
//! write carries a name of its own in the object's metadata.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use aws_sdk_s3 as s3;
use s3::primitives::{ByteStream, DateTime};
use s3::types::{Delete, ObjectIdentifier, ObjectLockEnabled, ObjectLockLegalHoldStatus};
use tokio::task::JoinSet;

use super::Aws;
use super::attempts::Attempts;
use super::error::told;
use super::stacks::{printed, said, unreadable};
use crate::cloud::*;

/// The metadata that names a write (`x-amz-meta-lakewright-write`).
const WRITE: &str = "lakewright-write";

/// At most 1,000 keys a call (S3 API reference, DeleteObjects, ListObjectVersions).
const PAGE: usize = 1_000;

/// How often an object is fetched whose body is cut off.
const BODY_TRIES: u32 = 3;

/// How many versions' locks are asked for at once.
const AT_ONCE: usize = 16;

impl Aws {
    pub(super) async fn newest_version(
        &self,
        at: &ObjectAddress,
    ) -> Result<Option<Object>, CloudError> {
        let mut tries = 0;
        loop {
            let answer = self
                .s3(&at.bucket.region)
                .get_object()
                .bucket(at.bucket.bucket.as_str())
                .key(&at.key)
                .expected_bucket_owner(at.bucket.owner.as_str())
                .send()
                .await
                .map_err(|error| told("S3 GetObject", error));
            let answer = match answer {
                Err(CloudError::NotFound(_)) => return Ok(None),
                answer => answer?,
            };
            let etag = answer.e_tag().unwrap_or_default().to_owned();
            tries += 1;
            // the SDK tries again until an answer begins; that it ends is ours to see to
            match answer.body.collect().await {
                Ok(body) => {
                    let body = body.to_vec();
                    return Ok(Some(Object { body, etag }));
                }
                Err(_) if tries < BODY_TRIES => {}
                Err(error) => {
                    let what = format!("S3 GetObject: {} was cut off: {error}", at.key);
                    return Err(CloudError::NoAnswer(what));
                }
            }
        }
    }

    pub(super) async fn write(
        &self,
        at: &ObjectAddress,
        body: &[u8],
        when: PutCondition,
    ) -> Result<String, CloudError> {
        let write = unique();
        let attempts = Attempts::default();
        let (absent, matches) = match &when {
            PutCondition::Always => (None, None),
            PutCondition::Absent => (Some("*".to_owned()), None),
            PutCondition::Matches(etag) => (None, Some(etag.clone())),
        };
        let answer = self
            .s3(&at.bucket.region)
            .put_object()
            .bucket(at.bucket.bucket.as_str())
            .key(&at.key)
            .expected_bucket_owner(at.bucket.owner.as_str())
            .set_if_none_match(absent)
            .set_if_match(matches)
            .metadata(WRITE, &write)
            .body(ByteStream::from(body.to_vec()))
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map_err(|error| told("S3 PutObject", error));
        match answer {
            Ok(answer) => Ok(answer.e_tag().unwrap_or_default().to_owned()),
            Err(error @ (CloudError::PreconditionFailed(_) | CloudError::NoAnswer(_)))
                if attempts.repeated() || matches!(error, CloudError::NoAnswer(_)) =>
            {
                self.etag_of_write(at, &write).await.ok_or(error)
            }
            // If-Match on an object that is gone (S3 User Guide, "Conditional writes")
            Err(CloudError::NotFound(why)) if matches!(when, PutCondition::Matches(_)) => {
                match why.contains("bucket") {
                    true => Err(CloudError::NotFound(why)),
                    false => Err(CloudError::PreconditionFailed(why)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The ETag of the object, if its newest version is that write's.
    async fn etag_of_write(&self, at: &ObjectAddress, write: &str) -> Option<String> {
        let head = self
            .s3(&at.bucket.region)
            .head_object()
            .bucket(at.bucket.bucket.as_str())
            .key(&at.key)
            .expected_bucket_owner(at.bucket.owner.as_str())
            .send()
            .await
            .ok()?;
        let ours = head.metadata()?.get(WRITE).map(String::as_str) == Some(write);
        ours.then(|| head.e_tag().unwrap_or_default().to_owned())
    }

    pub(super) async fn remove(&self, at: &ObjectAddress) -> Result<(), CloudError> {
        self.s3(&at.bucket.region)
            .delete_object()
            .bucket(at.bucket.bucket.as_str())
            .key(&at.key)
            .expected_bucket_owner(at.bucket.owner.as_str())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("S3 DeleteObject", error))
    }

    pub(super) async fn versions_below(
        &self,
        bucket: &BucketAddress,
        prefix: &str,
        after: Option<&VersionMarker>,
        limit: usize,
    ) -> Result<VersionPage, CloudError> {
        let answer = self
            .s3(&bucket.region)
            .list_object_versions()
            .bucket(bucket.bucket.as_str())
            .expected_bucket_owner(bucket.owner.as_str())
            .prefix(prefix)
            .max_keys(PAGE.min(limit) as i32)
            .set_key_marker(after.map(|after| after.key.clone()))
            .set_version_id_marker(after.and_then(|after| after.version.clone()))
            .send()
            .await
            .map_err(|error| told("S3 ListObjectVersions", error))?;
        let mut versions: Vec<ObjectVersion> = Vec::new();
        for version in answer.versions() {
            versions.push(ObjectVersion {
                key: version.key().unwrap_or_default().to_owned(),
                version: version.version_id().unwrap_or_default().to_owned(),
                delete_marker: false,
                size: version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                locked: None,
            });
        }
        for delete in answer.delete_markers() {
            versions.push(ObjectVersion {
                key: delete.key().unwrap_or_default().to_owned(),
                version: delete.version_id().unwrap_or_default().to_owned(),
                delete_marker: true,
                size: 0,
                locked: None,
            });
        }
        // the API lists versions and delete markers apart
        versions.sort_by(|a, b| a.key.cmp(&b.key));
        let next = match answer.is_truncated().unwrap_or(false) {
            false => None,
            true => {
                let key = said(answer.next_key_marker()).ok_or_else(|| {
                    unreadable("a page of versions is not the last and names no next one")
                })?;
                Some(VersionMarker { key, version: said(answer.next_version_id_marker()) })
            }
        };
        let any = !versions.is_empty() || next.is_some();
        let lockable = any && self.has_object_lock(bucket).await?;
        if lockable {
            self.read_locks(bucket, &mut versions).await?;
        }
        Ok(VersionPage { versions, next, lockable })
    }

    async fn has_object_lock(&self, bucket: &BucketAddress) -> Result<bool, CloudError> {
        let answer = self
            .s3(&bucket.region)
            .get_object_lock_configuration()
            .bucket(bucket.bucket.as_str())
            .expected_bucket_owner(bucket.owner.as_str())
            .send()
            .await
            .map_err(|error| told("S3 GetObjectLockConfiguration", error));
        match answer {
            Ok(answer) => Ok(answer
                .object_lock_configuration()
                .and_then(|lock| lock.object_lock_enabled())
                .is_some_and(|on| *on == ObjectLockEnabled::Enabled)),
            // ObjectLockConfigurationNotFoundError, 404
            Err(CloudError::NotFound(_)) => Ok(false),
            // an endpoint that does not know Object Lock locks nothing; S3 itself never says this
            Err(CloudError::Other { code, .. }) if code == "NotImplemented" => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Fills in until when each version is locked. A retention that has ended locks nothing.
    async fn read_locks(
        &self,
        bucket: &BucketAddress,
        versions: &mut [ObjectVersion],
    ) -> Result<(), CloudError> {
        let now = DateTime::from(SystemTime::now());
        let mut asked = JoinSet::new();
        let mut waiting = (0..versions.len()).filter(|at| !versions[*at].delete_marker);
        let mut found: Vec<(usize, Option<String>)> = Vec::new();
        loop {
            while asked.len() < AT_ONCE
                && let Some(at) = waiting.next()
            {
                let (client, bucket) = (self.s3(&bucket.region), bucket.clone());
                let (key, version) = (versions[at].key.clone(), versions[at].version.clone());
                asked.spawn(async move {
                    let lock = lock_of(&client, &bucket, &key, &version, now).await;
                    (at, lock)
                });
            }
            match asked.join_next().await {
                Some(answer) => {
                    let (at, lock) = answer.map_err(|error| CloudError::Other {
                        code: "Threads".into(),
                        message: error.to_string(),
                    })?;
                    found.push((at, lock?));
                }
                None => break,
            }
        }
        for (at, lock) in found {
            versions[at].locked = lock;
        }
        Ok(())
    }

    pub(super) async fn remove_versions(
        &self,
        bucket: &BucketAddress,
        versions: &[ObjectVersion],
    ) -> Result<Vec<(ObjectVersion, String)>, CloudError> {
        let client = self.s3(&bucket.region);
        let mut refused = Vec::new();
        for part in versions.chunks(PAGE) {
            let built = |error: s3::error::BuildError| CloudError::Refused(error.to_string());
            let objects = part
                .iter()
                .map(|version| {
                    ObjectIdentifier::builder()
                        .key(&version.key)
                        .version_id(&version.version)
                        .build()
                })
                .collect::<Result<Vec<_>, _>>()
                .map_err(built)?;
            let delete =
                Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(built)?;
            let answer = client
                .delete_objects()
                .bucket(bucket.bucket.as_str())
                .expected_bucket_owner(bucket.owner.as_str())
                .delete(delete)
                .send()
                .await
                .map_err(|error| told("S3 DeleteObjects", error))?;
            for error in answer.errors() {
                let version = part.iter().find(|version| {
                    error.key() == Some(version.key.as_str())
                        && error.version_id().unwrap_or_default() == version.version
                });
                let version = version.cloned().unwrap_or_else(|| ObjectVersion {
                    key: error.key().unwrap_or_default().to_owned(),
                    version: error.version_id().unwrap_or_default().to_owned(),
                    delete_marker: false,
                    size: 0,
                    locked: None,
                });
                let why = [error.code(), error.message()];
                let why: Vec<&str> = why.into_iter().flatten().collect();
                refused.push((version, why.join(": ")));
            }
        }
        Ok(refused)
    }
}

/// Until when one version is locked, or `legal hold`.
async fn lock_of(
    client: &s3::Client,
    bucket: &BucketAddress,
    key: &str,
    version: &str,
    now: DateTime,
) -> Result<Option<String>, CloudError> {
    let hold = client
        .get_object_legal_hold()
        .bucket(bucket.bucket.as_str())
        .expected_bucket_owner(bucket.owner.as_str())
        .key(key)
        .version_id(version)
        .send()
        .await
        .map_err(|error| told("S3 GetObjectLegalHold", error));
    match hold {
        Ok(answer) => {
            let status = answer.legal_hold().and_then(|hold| hold.status());
            if status == Some(&ObjectLockLegalHoldStatus::On) {
                return Ok(Some("legal hold".into()));
            }
        }
        // NoSuchObjectLockConfiguration, 404
        Err(CloudError::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    let retention = client
        .get_object_retention()
        .bucket(bucket.bucket.as_str())
        .expected_bucket_owner(bucket.owner.as_str())
        .key(key)
        .version_id(version)
        .send()
        .await
        .map_err(|error| told("S3 GetObjectRetention", error));
    match retention {
        Ok(answer) => Ok(answer
            .retention()
            .and_then(|retention| retention.retain_until_date())
            .filter(|until| until.as_nanos() > now.as_nanos())
            .map(printed)),
        Err(CloudError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A text that no other write has: random keys of the standard library's hasher, and a count.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    let first = hasher.finish();
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{first:016x}{:016x}", hasher.finish())
}
