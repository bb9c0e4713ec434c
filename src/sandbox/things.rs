//! Everything that exists in the sandbox's accounts, by name: the resources as their services hold them.
//!
//! A thing has a key that says within what its name is unique: `global AWS::S3::Bucket acme-raw`,
//! `111111111111 AWS::IAM::Role Loader`, `111111111111/eu-west-1 AWS::KMS::Key 0f...`. Things are kept in shards, one
//! for each stack that made them and one for each region for the rest; a shard's names are read when the sandbox is
//! opened, its things when one of them is asked for.
//! Invariant: a key is in the index if and only if its thing is in the shard that the index names.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{Place, Thing};
use super::store::{Change, Store, to_bytes};
use crate::cloud::CloudError;

/// The file of a shard's things, and the file of their keys.
const THINGS: &str = "things.json";
const NAMES: &str = "names.json";

/// All things of all accounts.
#[derive(Default)]
pub(super) struct Things {
    /// Key to shard.
    index: BTreeMap<String, String>,
    shards: BTreeMap<String, BTreeMap<String, Thing>>,
    dirty: BTreeSet<String>,
}

/// The shard of what no stack of the region made.
pub(super) fn loose(place: &Place) -> String {
    format!("{}/{}/loose", place.account, place.region)
}

/// What a kind's names are unique within, as the first word of its keys.
fn scope(kind: &str, place: &Place) -> String {
    if kind == "AWS::S3::Bucket" || kind == "AWS::S3::BucketPolicy" {
        "global".into()
    } else if kind.starts_with("AWS::IAM::") {
        place.account.to_string()
    } else {
        format!("{}/{}", place.account, place.region)
    }
}

/// The key of a thing. IAM does not tell names apart by case ("Names are not distinguished by case", IAM API
/// reference, CreateRole), nor does the Data Catalog, which folds them (Glue API reference, DatabaseInput).
pub(super) fn key(kind: &str, place: &Place, identifier: &str) -> String {
    let scope = scope(kind, place);
    let folded = matches!(kind, "AWS::Glue::Database" | "AWS::Glue::Table");
    if folded || kind.starts_with("AWS::IAM::") {
        format!("{scope} {kind} {}", identifier.to_lowercase())
    } else {
        format!("{scope} {kind} {identifier}")
    }
}

impl Things {
    /// Learns the names in a shard.
    pub fn learn(&mut self, store: &Store, shard: &str) -> Result<(), CloudError> {
        for key in store.read::<Vec<String>>(&format!("{shard}/{NAMES}"))?.unwrap_or_default() {
            self.index.insert(key, shard.to_owned());
        }
        Ok(())
    }

    /// Whether there is a thing of this key.
    pub fn has(&self, key: &str) -> bool {
        self.index.contains_key(key)
    }

    /// The thing of this key.
    pub fn get(&mut self, store: &Store, key: &str) -> Result<Option<&Thing>, CloudError> {
        let Some(shard) = self.index.get(key).cloned() else {
            return Ok(None);
        };
        self.load(store, &shard)?;
        Ok(self.shards.get(&shard).and_then(|shard| shard.get(key)))
    }

    /// The thing of this key, if its shard has been read.
    pub fn peek(&self, key: &str) -> Option<&Thing> {
        self.shards.get(self.index.get(key)?)?.get(key)
    }

    /// The thing of this key, to be changed.
    pub fn get_mut(&mut self, store: &Store, key: &str) -> Result<Option<&mut Thing>, CloudError> {
        let Some(shard) = self.index.get(key).cloned() else {
            return Ok(None);
        };
        self.load(store, &shard)?;
        self.dirty.insert(shard.clone());
        Ok(self.shards.get_mut(&shard).and_then(|shard| shard.get_mut(key)))
    }

    /// Adds a thing to a shard; one of the same key, wherever it is, is replaced.
    pub fn put(
        &mut self,
        store: &Store,
        shard: &str,
        key: String,
        thing: Thing,
    ) -> Result<(), CloudError> {
        self.remove(store, &key)?;
        self.load(store, shard)?;
        self.index.insert(key.clone(), shard.to_owned());
        self.dirty.insert(shard.to_owned());
        self.shards.entry(shard.to_owned()).or_default().insert(key, thing);
        Ok(())
    }

    /// Takes a thing out of the world.
    pub fn remove(&mut self, store: &Store, key: &str) -> Result<Option<Thing>, CloudError> {
        let Some(shard) = self.index.get(key).cloned() else {
            return Ok(None);
        };
        self.load(store, &shard)?;
        self.index.remove(key);
        let thing = self.shards.get_mut(&shard).and_then(|things| things.remove(key));
        self.dirty.insert(shard);
        Ok(thing)
    }

    /// The keys of a kind within a place, ascending.
    pub fn keys(&self, kind: &str, place: &Place) -> Vec<String> {
        let prefix = format!("{} {kind} ", scope(kind, place));
        self.index
            .range(prefix.clone()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(&prefix))
            .cloned()
            .collect()
    }

    /// What has to be written, shard by shard.
    pub fn changes(&mut self, into: &mut Vec<(String, Change)>) -> Result<(), CloudError> {
        for shard in std::mem::take(&mut self.dirty) {
            let empty = BTreeMap::new();
            let things = self.shards.get(&shard).unwrap_or(&empty);
            let (path, names) = (format!("{shard}/{THINGS}"), format!("{shard}/{NAMES}"));
            if things.is_empty() {
                into.push((path, Change::Remove));
                into.push((names, Change::Remove));
            } else {
                let keys: Vec<&String> = things.keys().collect();
                into.push((path, Change::Write(to_bytes(things)?)));
                into.push((names, Change::Write(to_bytes(&keys)?)));
            }
        }
        Ok(())
    }

    fn load(&mut self, store: &Store, shard: &str) -> Result<(), CloudError> {
        if !self.shards.contains_key(shard) {
            let things = store.read(&format!("{shard}/{THINGS}"))?.unwrap_or_default();
            self.shards.insert(shard.to_owned(), things);
        }
        Ok(())
    }
}
