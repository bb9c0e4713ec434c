//! The list of a lake's stacks, and of what it kept: an object in the home region's base bucket.
//!
//! CloudFormation is the state; this only says where to look. It can be rebuilt: every stack carries
//! the tag `lakewright:lake`. The format is described in `docs/index-and-lock.md`. INVARIANT: a stack
//! is in the index before anything is done to it, and a kept resource before its stack lets it go.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::patience::insist;
use crate::cloud::{Cloud, CloudError, ObjectAddress, PutCondition};
use crate::names::{AccountId, Region};
use crate::plan::Kept;
use crate::stacks::StackKey;

/// The key of the index in the base bucket.
pub fn key(lake: &str) -> String {
    format!("lakes/{lake}/index.json")
}

/// The index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The version of this format: 1.
    pub format_version: u32,
    /// As in the tag `lakewright:lake`.
    pub lake: String,
    pub environment: String,
    pub account: AccountId,
    /// The home region.
    pub region: Region,
    /// The stacks of all regions. One that is listed need not exist.
    pub stacks: BTreeSet<StackKey>,
    /// What stayed behind, and the next apply takes back. One that is listed may be in a stack.
    pub kept: BTreeSet<Kept>,
}

impl Index {
    /// An index of nothing.
    pub fn new(lake: &str, environment: &str, account: &AccountId, region: &Region) -> Self {
        Index {
            format_version: 1,
            lake: lake.to_owned(),
            environment: environment.to_owned(),
            account: account.clone(),
            region: region.clone(),
            stacks: BTreeSet::new(),
            kept: BTreeSet::new(),
        }
    }

    /// Puts an entry in, in place of an older one for the same logical id.
    pub fn keep(&mut self, kept: Kept) {
        self.forget(&kept.region, kept.logical_id.as_str());
        self.kept.insert(kept);
    }

    /// Takes the entry of a resource out.
    pub fn forget(&mut self, region: &Region, logical_id: &str) {
        self.kept.retain(|own| own.region != *region || own.logical_id.as_str() != logical_id);
    }
}

/// Why there is no index to work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexError {
    Cloud(CloudError),
    /// It is there and cannot be used, for this reason.
    Unusable(String),
}

impl From<CloudError> for IndexError {
    fn from(error: CloudError) -> Self {
        IndexError::Cloud(error)
    }
}

/// Reads the index and its ETag. `None`: there is none, or no bucket.
pub fn read(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    at: &ObjectAddress,
    lake: &str,
) -> Result<Option<(Index, String)>, IndexError> {
    let Some(object) = insist(clock, || cloud.get_object(at))? else {
        return Ok(None);
    };
    let index: Index = serde_json::from_slice(&object.body)
        .map_err(|error| IndexError::Unusable(format!("it cannot be read: {error}")))?;
    if index.format_version != 1 {
        let text = format!("it has format {}, this version reads 1", index.format_version);
        return Err(IndexError::Unusable(text));
    }
    if index.lake != lake {
        return Err(IndexError::Unusable(format!("it belongs to the lake `{}`", index.lake)));
    }
    Ok(Some((index, object.etag)))
}

/// Reads, changes and writes the index; `empty` is what to begin with. A write that meets another is
/// made again on what is there then.
pub(super) fn change(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    at: &ObjectAddress,
    empty: &Index,
    edit: impl Fn(&mut Index),
) -> Result<Index, IndexError> {
    let mut tries = 0;
    loop {
        let found = read(cloud, clock, at, &empty.lake)?;
        let (old, when) = match found {
            Some((index, etag)) => (Some(index), PutCondition::Matches(etag)),
            None => (None, PutCondition::Absent),
        };
        let mut index = old.clone().unwrap_or_else(|| empty.clone());
        edit(&mut index);
        if old.as_ref() == Some(&index) {
            return Ok(index);
        }
        let body = serde_json::to_vec_pretty(&index).expect("invariant: an index has text keys");
        tries += 1;
        match insist(clock, || cloud.put_object(at, &body, when.clone())) {
            Ok(_) => return Ok(index),
            // Somebody else's write, or our own, whose answer was lost: the next look tells.
            Err(CloudError::PreconditionFailed(_)) if tries < 5 => {}
            Err(error) => return Err(error.into()),
        }
    }
}
