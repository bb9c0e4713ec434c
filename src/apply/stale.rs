//! Whether the stacks still are what the plan saw.

use std::collections::BTreeMap;

use super::run::Run;
use super::uploads::sha256;
use crate::cloud::{CloudError, StackAddress, StackSummary};
use crate::names::Region;
use crate::plan::{StackAction, StackPlan};
use crate::stacks::StackKey;

/// A stack that is not what the plan saw, and in what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub key: StackKey,
    pub how: String,
}

/// The stacks that have moved on. `own`: places of stacks that this run has changed itself. One list
/// a region, and the template of each stack that is to be changed.
pub(super) fn moved(run: &Run<'_>, own: &[usize]) -> Result<Vec<Moved>, CloudError> {
    let cloud = run.watcher.cloud;
    let mut lists: BTreeMap<&Region, BTreeMap<String, StackSummary>> = BTreeMap::new();
    let mut moved = Vec::new();
    for (at, stack) in run.plan.stacks.iter().enumerate() {
        if own.contains(&at) {
            continue;
        }
        let region = &stack.key.region;
        if !lists.contains_key(region) {
            let list = run.watcher.insist(|| cloud.list_stacks(region))?;
            let named = list.into_iter().map(|summary| (summary.name.to_string(), summary));
            lists.insert(region, named.collect());
        }
        let now = lists[region].get(stack.key.name.as_str());
        let mut how = difference(stack, now);
        let changes = matches!(stack.action, StackAction::Update | StackAction::Delete);
        if how.is_none()
            && changes
            && let Some(seen) = &stack.observed.template_sha256
            && let Some(now) = now
        {
            let address = StackAddress::new(region, now.id.clone());
            let template = run.watcher.insist(|| cloud.template(&address))?;
            if sha256(template.as_bytes()) != *seen {
                how = Some("its template is another one".into());
            }
        }
        if let Some(how) = how {
            moved.push(Moved { key: stack.key.clone(), how });
        }
    }
    Ok(moved)
}

fn difference(stack: &StackPlan, now: Option<&StackSummary>) -> Option<String> {
    let seen = &stack.observed;
    match (&seen.id, now) {
        (None, None) => None,
        (None, Some(now)) => Some(format!("it is there now ({})", now.status)),
        (Some(_), None) => Some("it is not there any more".into()),
        (Some(id), Some(now)) if *id != now.id => Some("it was deleted and made anew".into()),
        (Some(_), Some(now)) => {
            if let Some(status) = seen.status.filter(|status| *status != now.status) {
                return Some(format!("it was {status}, it is {}", now.status));
            }
            let updated = seen.updated.as_deref().filter(|updated| *updated != now.updated)?;
            Some(format!("it was last changed at {updated}, now at {}", now.updated))
        }
    }
}
