//! One run at a time: an object in the base bucket, taken and kept with S3's conditional writes.
//!
//! `If-None-Match: *` takes the lock, `If-Match` renews it, or takes it over when its lease has ended
//! (S3 User Guide, "Add preconditions to S3 operations with conditional requests"). A holder renews
//! while it waits for CloudFormation; one that is gone stops renewing. INVARIANT: nothing new is
//! started by a run whose lock is lost.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::patience::insist;
use crate::cloud::{Cloud, CloudError, Object, ObjectAddress, PutCondition};

/// How long a lock holds without being renewed. Far longer than the pauses between renewals, short
/// enough to wait for after a crash.
pub const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// How old a lease gets before it is renewed.
const RENEW: SignedDuration = SignedDuration::from_secs(30);
/// Clocks differ: a lease counts as ended only this long after its time.
const GRACE: SignedDuration = SignedDuration::from_secs(15);
/// The pause between two tries.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// The key of the lock in the base bucket. It names the lake: a bucket of the user's own may serve
/// several.
pub fn key(lake: &str) -> String {
    format!("lakes/{lake}/lock.json")
}

/// Who holds the lock: the object's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// The version of this format: 1.
    pub format_version: u32,
    /// The run.
    pub id: String,
    /// `apply` or `destroy`.
    pub operation: String,
    /// The caller's ARN.
    pub who: String,
    /// The machine, or the address of the CI run, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// ISO 8601, UTC.
    pub created: String,
    /// The end of the lease. ISO 8601, UTC.
    pub expires: String,
}

impl LockInfo {
    /// Whether the lease has ended.
    pub fn expired(&self, now: Timestamp) -> bool {
        match self.expires.parse::<Timestamp>() {
            Ok(expires) => now > expires + GRACE,
            Err(_) => false,
        }
    }
}

/// A lock that is ours.
#[derive(Debug)]
pub(super) struct Lease {
    at: ObjectAddress,
    etag: String,
    info: LockInfo,
    renewed: Timestamp,
    /// Somebody else has taken it.
    lost: bool,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum NotTaken {
    Held(Box<LockInfo>),
    NoBucket,
    Interrupted,
    Cloud(CloudError),
}

/// How the lock is asked for.
pub(super) struct Wish<'a> {
    pub at: ObjectAddress,
    pub info: LockInfo,
    /// How long to wait for another run.
    pub timeout: SignedDuration,
    /// The id of a lock that is taken over although its lease goes on.
    pub break_lock: Option<&'a str>,
    /// Called while we wait.
    pub waiting: &'a dyn Fn(&LockInfo),
    /// Whether the person has had enough.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Takes the lock.
pub(super) fn take(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    mut wish: Wish<'_>,
) -> Result<Lease, NotTaken> {
    let begin = clock.now();
    let mut told = false;
    loop {
        let now = clock.now();
        wish.info.created = now.to_string();
        wish.info.expires = (now + LEASE).to_string();
        let body = body(&wish.info);
        let answer = insist(clock, || cloud.put_object(&wish.at, &body, PutCondition::Absent));
        match answer {
            Ok(etag) => return Ok(lease(wish, etag, now)),
            Err(CloudError::PreconditionFailed(_)) => {}
            Err(CloudError::NotFound(_)) => return Err(NotTaken::NoBucket),
            Err(error) => return Err(NotTaken::Cloud(error)),
        }
        let found = insist(clock, || cloud.get_object(&wish.at)).map_err(NotTaken::Cloud)?;
        let Some(object) = found else { continue };
        let holder = read(&object);
        if holder.id == wish.info.id {
            // Our own write, whose answer was lost.
            return Ok(lease(wish, object.etag, now));
        }
        if holder.expired(now) || wish.break_lock == Some(holder.id.as_str()) {
            let over = PutCondition::Matches(object.etag);
            match insist(clock, || cloud.put_object(&wish.at, &body, over.clone())) {
                Ok(etag) => return Ok(lease(wish, etag, now)),
                Err(CloudError::PreconditionFailed(_)) => continue,
                Err(error) => return Err(NotTaken::Cloud(error)),
            }
        }
        if now.duration_since(begin) >= wish.timeout {
            return Err(NotTaken::Held(Box::new(holder)));
        }
        if (wish.interrupted)() {
            return Err(NotTaken::Interrupted);
        }
        if !told {
            (wish.waiting)(&holder);
            told = true;
        }
        clock.sleep(PAUSE);
    }
}

/// Who holds the lock now, if anybody does.
pub fn holder(cloud: &dyn Cloud, at: &ObjectAddress) -> Result<Option<LockInfo>, CloudError> {
    Ok(cloud.get_object(at)?.as_ref().map(read))
}

fn lease(wish: Wish<'_>, etag: String, now: Timestamp) -> Lease {
    Lease { at: wish.at, etag, info: wish.info, renewed: now, lost: false }
}

fn body(info: &LockInfo) -> Vec<u8> {
    serde_json::to_vec_pretty(info).expect("invariant: a lock is texts and a number")
}

/// A lock that cannot be read is one all the same: somebody put it there.
fn read(object: &Object) -> LockInfo {
    serde_json::from_slice(&object.body).unwrap_or_else(|_| LockInfo {
        format_version: 0,
        id: object.etag.trim_matches('"').to_owned(),
        operation: "unknown".into(),
        who: "unknown: the lock is not written by this version".into(),
        host: None,
        created: "unknown".into(),
        expires: "unknown".into(),
    })
}

impl Lease {
    /// Renews the lease if it is time. `false`: the lock is lost.
    pub(super) fn renew(&mut self, cloud: &dyn Cloud, now: Timestamp) -> bool {
        if self.lost || now.duration_since(self.renewed) < RENEW {
            return !self.lost;
        }
        let mut info = self.info.clone();
        info.expires = (now + LEASE).to_string();
        let over = PutCondition::Matches(self.etag.clone());
        match cloud.put_object(&self.at, &body(&info), over) {
            Ok(etag) => {
                self.etag = etag;
                self.info = info;
                self.renewed = now;
            }
            Err(CloudError::PreconditionFailed(_)) => match cloud.get_object(&self.at) {
                Ok(Some(object)) if read(&object).id == self.info.id => {
                    self.etag = object.etag;
                    self.renewed = now;
                }
                Ok(_) => self.lost = true,
                Err(_) => {}
            },
            // It is tried again with the next look at a stack, as long as the lease goes on.
            Err(_) => {}
        }
        if now.duration_since(self.renewed) > LEASE {
            self.lost = true;
        }
        !self.lost
    }

    /// Gives the lock back, unless somebody else has it.
    pub(super) fn release(self, cloud: &dyn Cloud, clock: &dyn Clock) -> Released {
        match insist(clock, || cloud.get_object(&self.at)) {
            Ok(Some(object)) if read(&object).id == self.info.id => {
                match insist(clock, || cloud.delete_object(&self.at)) {
                    Ok(()) => Released::Given,
                    Err(_) => Released::Stuck,
                }
            }
            // Whoever noticed it before was told already.
            Ok(_) if self.lost => Released::Given,
            Ok(_) => Released::TakenOver,
            Err(_) => Released::Stuck,
        }
    }
}

/// How a lock was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    Given,
    /// Somebody else had taken it, or taken it away, while this run was at work.
    TakenOver,
    /// That did not work: the lease has to end by itself.
    Stuck,
}
