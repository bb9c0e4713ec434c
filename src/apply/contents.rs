//! What is in the buckets that a plan deletes, looked at before anything is deleted.
//!
//! Twice: [`look_into`] for a plan, as far as a person wants to wait ([`Plan::emptied`] says which
//! buckets), and [`obstacles`] before a run begins its work, to the end. Both walk page by page and
//! keep counts and examples. INVARIANT: nothing is deleted by a run that has not seen the lock of
//! every version of every bucket that it empties; memory does not grow with a bucket.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::event::What;
use super::message::{explain, placed};
use super::observe::{Scope, base_bucket};
use super::patience::insist;
use super::run::Run;
use crate::cloud::{BucketAddress, Cloud, CloudError};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::names::BucketName;
use crate::plan::{Cause, Consent, Filled, Plan};

/// Versions of a bucket that a plan looks at. A run looks at all of them.
const FOR_A_PLAN: usize = 10_000;

/// Locked versions that are named.
const SHOWN: usize = 20;

/// Locked versions after which it is plain enough that the bucket stays.
const PLENTY: usize = 1_000;

/// Versions of a page (S3 API reference, ListObjectVersions, MaxKeys).
const PAGE: usize = 1_000;

/// Looks into every bucket that the plan would delete; by bucket name.
pub fn look_into(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
    plan: &Plan,
) -> Result<BTreeMap<String, Filled>, Diagnostic> {
    let mut found = BTreeMap::new();
    for emptied in plan.emptied() {
        let Ok(name) = BucketName::new(&emptied.bucket) else { continue };
        let at = base_bucket(&emptied.stack.region, &name, scope.account);
        let filled = walk(cloud, clock, &at, |filled| filled.versions < FOR_A_PLAN)
            .map_err(|error| explain(&error, &format!("looking into bucket `{name}`")))?;
        found.extend(filled.map(|filled| (emptied.bucket, filled)));
    }
    Ok(found)
}

/// What stands in the way of a run: a bucket with objects whose deletion nobody agreed to, or with
/// versions that a lock keeps.
pub(super) fn obstacles(run: &Run<'_>) -> Result<Vec<Diagnostic>, CloudError> {
    let mut found = Vec::new();
    for emptied in run.plan.emptied() {
        let at = BucketAddress {
            region: emptied.stack.region.clone(),
            bucket: BucketName::new(&emptied.bucket).map_err(CloudError::Refused)?,
            owner: run.plan.account.clone(),
        };
        let agreed = run.plan.consents.contains(&Consent::Empty(emptied.path.clone()));
        let filled = walk(run.watcher.cloud, run.watcher.clock, &at, |filled| {
            run.watcher.renew();
            run.watcher.tell(What::LookedInto {
                stack: emptied.stack.clone(),
                bucket: emptied.bucket.clone(),
                versions: filled.versions as u64,
            });
            agreed && !run.halted()
        })?;
        let Some(filled) = filled else { continue };
        let told = match agreed {
            false if filled.versions > 0 => not_agreed(&emptied.bucket, &emptied.path),
            true if filled.locked > 0 => locked(&emptied.bucket, &filled),
            _ => continue,
        };
        let cause = Cause { path: emptied.path.clone(), file: None, line: None };
        found.push(placed(told, &cause));
    }
    Ok(found)
}

/// Walks over a bucket's versions until it is known what they are: to the end where versions can be
/// locked, else to the first one. `None`: there is no such bucket. `on` is asked after each page
/// that is not the last whether to go on.
fn walk(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    at: &BucketAddress,
    mut on: impl FnMut(&Filled) -> bool,
) -> Result<Option<Filled>, CloudError> {
    let mut filled = Filled::default();
    let mut after = None;
    loop {
        let page = match insist(clock, || cloud.list_versions(at, "", after.as_ref(), PAGE)) {
            Ok(page) => page,
            Err(CloudError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        filled.versions += page.versions.len();
        for version in &page.versions {
            let Some(lock) = &version.locked else { continue };
            filled.locked += 1;
            if filled.examples.len() < SHOWN {
                let example = format!("{} (version {}): {lock}", version.key, version.version);
                filled.examples.push(example);
            }
        }
        after = page.next;
        filled.more = after.is_some();
        filled.unseen = filled.more && page.lockable;
        if !filled.unseen || filled.locked >= PLENTY || !on(&filled) {
            return Ok(Some(filled));
        }
    }
}

fn not_agreed(bucket: &str, path: &str) -> Diagnostic {
    let headline = format!("the bucket {bucket} would be deleted, and there are objects in it");
    Diagnostic::new(diagnostic::LW0816, Severity::Error, None, headline)
        .note("nothing was changed")
        .help(format!(
            "to delete every object in it for good, plan again with --empty {}",
            crate::plan::name_of(path)
        ))
}

fn locked(bucket: &str, filled: &Filled) -> Diagnostic {
    let count = match filled.unseen {
        true => format!("at least {}", filled.locked),
        false => filled.locked.to_string(),
    };
    let headline = format!("the bucket {bucket} holds {count} versions that are locked");
    let mut told = Diagnostic::new(diagnostic::LW0816, Severity::Error, None, headline)
        .note("nothing was changed");
    for example in &filled.examples {
        told = told.note(example.clone());
    }
    if filled.locked > filled.examples.len() {
        told = told.note(format!("and {} more", filled.locked - filled.examples.len()));
    }
    told.help("wait until the locks have ended, or keep the bucket")
}
