//! What is in the buckets that a plan would delete.
//!
//! A first plan says which buckets would go ([`Plan::emptied`]); what they hold is looked up here and
//! enters the second one, which refuses what nobody consented to.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::message::explain;
use super::observe::{Scope, base_bucket};
use super::patience::insist;
use crate::cloud::Cloud;
use crate::diagnostic::Diagnostic;
use crate::names::BucketName;
use crate::plan::{Filled, Plan};

/// Versions that are looked at in one bucket: enough to say that it is not empty, and to find locks
/// in most.
const MOST: usize = 10_000;

/// Locked versions that are named.
const SHOWN: usize = 10;

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
        let versions = insist(clock, || cloud.list_versions(&at, "", MOST))
            .map_err(|error| explain(&error, &format!("looking into bucket `{name}`")))?;
        let mut examples: Vec<String> = Vec::new();
        let mut locked = 0;
        for version in &versions {
            let Some(lock) = &version.locked else { continue };
            locked += 1;
            if examples.len() < SHOWN {
                examples.push(format!("{} (version {}): {lock}", version.key, version.version));
            }
        }
        found.insert(emptied.bucket, Filled { versions: versions.len(), locked, examples });
    }
    Ok(found)
}
