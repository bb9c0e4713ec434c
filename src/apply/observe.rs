//! What is deployed of a lake, read with few calls.
//!
//! In: the lake's names and regions. Out: [`Deployed`]. One list of stacks a region, then each of the
//! lake's stacks, several at once: DescribeStacks without a name is never called. A stack with one of
//! the lake's names and another owner is told as it is; the plan refuses it. INVARIANT: the account
//! is asked for before anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::clock::Clock;
use super::index::{self, Index};
use super::kept::identifier_line;
use super::message::{explain, index_error, wrong_account};
use super::patience::insist;
use super::schedule::schedule;
use crate::cloud::{
    BucketAddress, Caller, Cloud, CloudError, ObjectAddress, Reading, StackAddress, StackStatus,
    StackSummary,
};
use crate::diagnostic::{self, Diagnostic, Severity, nearest};
use crate::document::Value;
use crate::graph::Part;
use crate::lake::Naming;
use crate::names::{AccountId, BucketName, Region};
use crate::plan::{Deployed, DeployedStack, Kept, name_of};
use crate::stacks::StackKey;

/// The tag that tells whose a stack is; its value is `Naming::lake_id`.
const LAKE: &str = "lakewright:lake";

/// Which lake, and where to look for it.
pub struct Scope<'a> {
    pub naming: &'a Naming,
    pub account: &'a AccountId,
    /// The home region.
    pub home: &'a Region,
    /// The bucket with the index, in the home region.
    pub base_bucket: &'a BucketName,
    /// The regions that the spec names. Those of the index are looked at besides.
    pub regions: &'a [Region],
    /// Kept things that are not to be taken back, by spec path or logical id.
    pub forget: &'a [String],
}

impl Scope<'_> {
    /// An object in the base bucket.
    pub(super) fn object(&self, key: String) -> ObjectAddress {
        ObjectAddress { bucket: base_bucket(self.home, self.base_bucket, self.account), key }
    }
}

/// The address of a base bucket.
pub fn base_bucket(region: &Region, bucket: &BucketName, account: &AccountId) -> BucketAddress {
    BucketAddress { region: region.clone(), bucket: bucket.clone(), owner: account.clone() }
}

/// The account guard: the credentials are those of the environment's account.
pub fn guard(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    account: &AccountId,
    environment: &str,
) -> Result<Caller, Diagnostic> {
    let caller = insist(clock, || cloud.caller())
        .map_err(|error| explain(&error, "asking who is calling"))?;
    match caller.account == *account {
        true => Ok(caller),
        false => Err(wrong_account(&caller, account, environment)),
    }
}

/// Reads what is deployed.
pub fn observe(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
) -> Result<Deployed, Diagnostic> {
    guard(cloud, clock, scope.account, scope.naming.environment.as_str())?;
    let index = read_index(cloud, clock, scope)?;
    let mut regions: BTreeSet<Region> = scope.regions.iter().cloned().collect();
    regions.insert(scope.home.clone());
    let mut listed: BTreeSet<StackKey> = BTreeSet::new();
    if let Some(index) = &index {
        regions.extend(index.stacks.iter().map(|key| key.region.clone()));
        regions.extend(index.kept.iter().map(|kept| kept.region.clone()));
        listed.extend(index.stacks.iter().cloned());
    }
    let found = candidates(cloud, clock, scope, &regions, &listed)?;
    let mut deployed =
        Deployed { stacks: read_all(cloud, clock, scope, found)?, ..Default::default() };
    let kept = index.map(|index| index.kept).unwrap_or_default();
    if let Some(told) = scope.forget.iter().find_map(|name| unknown(name, &kept, &deployed)) {
        return Err(told);
    }
    deployed.kept = still_kept(cloud, clock, scope, &deployed, kept)?;
    Ok(deployed)
}

pub(super) fn read_index(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
) -> Result<Option<Index>, Diagnostic> {
    let lake = scope.naming.lake_id();
    let at = scope.object(index::key(&lake));
    match index::read(cloud, clock, &at, &lake) {
        Ok(found) => Ok(found.map(|(index, _)| index)),
        Err(index::IndexError::Cloud(CloudError::AccessDenied(why))) => {
            let headline = format!(
                "the base bucket `{}` cannot be used by account {}",
                scope.base_bucket, scope.account
            );
            Err(Diagnostic::new(diagnostic::LW0819, Severity::Error, None, headline)
                .note(format!("the cloud says: {why}"))
                .note("names of buckets are shared by all accounts: it may be somebody else's")
                .help("give the lake a name suffix, or name a bucket of your own as `base_bucket`"))
        }
        Err(error) => Err(index_error(&error, "reading the index of the lake")),
    }
}

/// The number at the end of a stack's name, if the name is one that this lake gives.
fn number(naming: &Naming, name: &str) -> Option<usize> {
    Part::ALL.iter().find_map(|part| {
        let rest = name.strip_prefix(&naming.thing(part.as_str()))?;
        match rest.strip_prefix('-') {
            Some(digits) if !digits.starts_with('0') => digits.parse().ok().filter(|n| *n > 1),
            Some(_) => None,
            None => rest.is_empty().then_some(1),
        }
    })
}

/// The stacks that may be the lake's, by name or by the index.
fn candidates(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
    regions: &BTreeSet<Region>,
    listed: &BTreeSet<StackKey>,
) -> Result<Vec<(StackKey, StackSummary)>, Diagnostic> {
    let mut found = Vec::new();
    for region in regions {
        let list = insist(clock, || cloud.list_stacks(region))
            .map_err(|error| explain(&error, &format!("listing the stacks in {region}")))?;
        for summary in list {
            let key = StackKey { region: region.clone(), name: summary.name.clone() };
            if listed.contains(&key) || number(scope.naming, key.name.as_str()).is_some() {
                found.push((key, summary));
            }
        }
    }
    Ok(found)
}

/// Reads stacks, several at once.
fn read_all(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
    found: Vec<(StackKey, StackSummary)>,
) -> Result<BTreeMap<StackKey, DeployedStack>, Diagnostic> {
    let which: Vec<usize> = (0..found.len()).collect();
    let stacks = Mutex::new(BTreeMap::new());
    let failed = Mutex::new(None);
    schedule(
        &which,
        |_| Vec::new(),
        |at| {
            let (key, summary) = &found[at];
            match read_one(cloud, clock, scope, key, summary) {
                Ok(Some(stack)) => {
                    let mut stacks = stacks.lock().unwrap_or_else(PoisonError::into_inner);
                    stacks.insert(key.clone(), stack);
                    true
                }
                Ok(None) => true,
                Err(told) => {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
                    false
                }
            }
        },
    );
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(told) => Err(told),
        None => Ok(stacks.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// One stack; `None` if it is gone by now, or is a numbered stack of another lake.
fn read_one(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
    key: &StackKey,
    summary: &StackSummary,
) -> Result<Option<DeployedStack>, Diagnostic> {
    let told = |error: CloudError| explain(&error, &format!("reading stack {key}"));
    let at = StackAddress::new(&key.region, summary.id.clone());
    let Some(mut stack) = insist(clock, || cloud.describe_stack(&at)).map_err(told)? else {
        return Ok(None);
    };
    if stack.status == StackStatus::DeleteComplete {
        return Ok(None);
    }
    let lake = scope.naming.lake_id();
    let review = stack.status == StackStatus::ReviewInProgress;
    if review && stack.tags.is_empty() {
        stack.tags = tags_to_come(cloud, clock, &at, &lake).map_err(told)?;
    }
    let owner = stack.tags.get(LAKE);
    let numbered = number(scope.naming, key.name.as_str()).is_some_and(|number| number > 1);
    if numbered && owner.is_some_and(|owner| *owner != lake) {
        return Ok(None);
    }
    let template = match review {
        // There is none before a change set is executed.
        true => None,
        false => match insist(clock, || cloud.template(&at)) {
            Ok(text) => Some(text),
            Err(CloudError::NotFound(_)) => None,
            Err(error) => return Err(told(error)),
        },
    };
    let resources = match &template {
        None => Vec::new(),
        Some(_) => insist(clock, || cloud.stack_resources(&at)).map_err(told)?,
    };
    let template = template.unwrap_or_default();
    let deployed = DeployedStack::new(&stack, &template, &resources).map_err(|why| {
        let headline = format!("the template of stack {key} is not one of ours: {why}");
        Diagnostic::new(diagnostic::LW0804, Severity::Error, None, headline)
            .help("lakewright writes templates in JSON: has somebody changed it by hand?")
    })?;
    Ok(Some(deployed))
}

/// The tags that a stack under review is going to have. It has none of its own before a change set is
/// executed; each of its change sets carries those that it would give. Where one of them is somebody
/// else's, or there is none, nothing says that the stack is ours.
fn tags_to_come(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    at: &StackAddress,
    lake: &str,
) -> Result<BTreeMap<String, String>, CloudError> {
    let mut tags = BTreeMap::new();
    for id in insist(clock, || cloud.list_change_sets(at))? {
        let set = insist(clock, || cloud.describe_change_set(&at.region, &id))?;
        if set.tags.get(LAKE).is_none_or(|owner| owner != lake) {
            return Ok(set.tags);
        }
        tags = set.tags;
    }
    Ok(tags)
}

/// Whether a name that was typed means what stands at a path, or has this logical id.
fn means(name: &str, path: &str, id: &str) -> bool {
    name == path || name == id || name == name_of(path)
}

/// Why a name cannot be forgotten, if nothing is called so. What is deployed is known too: the same command is typed
/// again after a run that failed half-way.
fn unknown(name: &str, kept: &BTreeSet<Kept>, deployed: &Deployed) -> Option<Diagnostic> {
    let there = deployed.stacks.values().flat_map(|stack| stack.resources()).map(|(id, it)| {
        let path = it.at(&["Metadata", "lakewright", "path"]).and_then(Value::as_str);
        (path.unwrap_or_default(), id)
    });
    let mut things = kept.iter().map(|it| (it.path.as_str(), it.logical_id.as_str())).chain(there);
    if things.any(|(path, id)| means(name, path, id)) {
        return None;
    }
    let names: BTreeSet<String> = kept.iter().map(|kept| name_of(&kept.path)).collect();
    let headline = format!("--forget {name}: nothing that was kept is called `{name}`");
    let told = Diagnostic::new(diagnostic::LW0614, Severity::Error, None, headline);
    Some(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => told.help(format!("did you mean `{near}`?")),
        None if names.is_empty() => told.help("nothing was kept: leave it out"),
        None => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            told.help(format!("what was kept: {} (`lakewright status` lists it)", names.join(", ")))
        }
    })
}

/// What the index says was kept, and is neither in a stack nor gone.
fn still_kept(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope<'_>,
    deployed: &Deployed,
    kept: BTreeSet<Kept>,
) -> Result<Vec<Kept>, Diagnostic> {
    let mut still = Vec::new();
    for kept in kept {
        let id = kept.logical_id.as_str();
        if scope.forget.iter().any(|name| means(name, &kept.path, id)) {
            continue;
        }
        let held = deployed.stacks.iter().any(|(key, stack)| {
            key.region == kept.region && stack.resources().any(|(own, _)| own == id)
        });
        if held {
            continue;
        }
        let line = identifier_line(&kept.kind, &kept.identifier);
        let reading = insist(clock, || cloud.read(&kept.region, &kept.kind, &line))
            .map_err(|error| explain(&error, &format!("looking for {} {line}", kept.kind)))?;
        if reading != Reading::Absent {
            still.push(kept);
        }
    }
    Ok(still)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Name;

    #[test]
    fn only_the_lakes_own_names_are_read() {
        let name = |text: &str| Name::new(text).unwrap();
        let plain = Naming { lake: name("acme"), environment: name("prod"), suffix: None };
        assert_eq!(number(&plain, "acme-prod-base"), Some(1));
        assert_eq!(number(&plain, "acme-prod-catalog-12"), Some(12));
        for other in [
            "acme-prod-base-copy",
            "acme-prod-basement",
            "acme-prod-catalog-1",
            "acme-prod-x-base",
            "x",
        ] {
            assert_eq!(number(&plain, other), None, "{other}");
        }
        let copy = Naming { suffix: Some(name("copy")), ..plain };
        assert_eq!(number(&copy, "acme-prod-base-copy"), Some(1));
        assert_eq!(number(&copy, "acme-prod-base"), None);
    }
}
