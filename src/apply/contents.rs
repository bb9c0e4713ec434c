//! Looking into the buckets that a plan deletes, before anything is deleted.

use super::message::placed;
use super::run::Run;
use crate::cloud::{BucketAddress, CloudError, ObjectVersion};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::names::BucketName;
use crate::plan::{Cause, Consent};

/// How many versions of a bucket that is emptied are looked at. Locks beyond them show while it is
/// emptied.
const MANY: usize = 10_000;

/// What stands in the way: a bucket with objects whose deletion nobody agreed to, or with versions
/// that a lock keeps.
pub(super) fn obstacles(run: &Run<'_>) -> Result<Vec<Diagnostic>, CloudError> {
    let mut found = Vec::new();
    for emptied in run.plan.emptied() {
        let at = BucketAddress {
            region: emptied.stack.region.clone(),
            bucket: BucketName::new(&emptied.bucket).map_err(CloudError::Refused)?,
            owner: run.plan.account.clone(),
        };
        let agreed = run.plan.consents.contains(&Consent::Empty(emptied.path.clone()));
        let limit = if agreed { MANY } else { 1 };
        let list = || run.watcher.cloud.list_versions(&at, "", limit);
        let versions = match run.watcher.insist(list) {
            Ok(versions) => versions,
            Err(CloudError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let cause = Cause { path: emptied.path.clone(), file: None, line: None };
        let told = if !agreed && !versions.is_empty() {
            filled(&emptied.bucket, &emptied.path)
        } else {
            let locked: Vec<&ObjectVersion> =
                versions.iter().filter(|version| version.locked.is_some()).collect();
            if locked.is_empty() {
                continue;
            }
            keeps(&emptied.bucket, &locked)
        };
        found.push(placed(told, &cause));
    }
    Ok(found)
}

fn filled(bucket: &str, path: &str) -> Diagnostic {
    let headline = format!("the bucket {bucket} would be deleted, and there are objects in it");
    Diagnostic::new(diagnostic::LW0816, Severity::Error, None, headline)
        .note("nothing was changed")
        .help(format!(
            "to delete every object in it for good, plan again with --empty {}",
            crate::plan::name_of(path)
        ))
}

fn keeps(bucket: &str, locked: &[&ObjectVersion]) -> Diagnostic {
    let headline = format!("the bucket {bucket} holds {} versions that are locked", locked.len());
    let mut told = Diagnostic::new(diagnostic::LW0816, Severity::Error, None, headline)
        .note("nothing was changed");
    for version in locked.iter().take(20) {
        let lock = version.locked.as_deref().unwrap_or_default();
        told = told.note(format!("{} ({}): {lock}", version.key, version.version));
    }
    if locked.len() > 20 {
        told = told.note(format!("and {} more", locked.len() - 20));
    }
    told.help("wait until the locks have ended, or keep the bucket")
}
