//! All accounts of a sandbox in memory, as far as they were needed, and the way back to the files.
//!
//! A [`World`] holds the stacks by account and region, and a [`Realm`] with everything that is not a stack. Parts are
//! read when they are first asked for and written when they changed. Another process may have changed the files in
//! between: `generation` grows with every commit, and a world that finds another number than its own forgets what it
//! has read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SandboxOptions;
use super::faults::Faults;
use super::objects::Buckets;
use super::state::{Body, ChangeSetRecord, Head, Millis, Place, Thing};
use super::store::{Change, Store, to_bytes};
use super::things::{Things, key, loose};
use crate::cloud::{CloudError, StackAddress, StackEvent};
use crate::document::Value;
use crate::names::{AccountId, Region};

const GENERATION: &str = "generation.json";
pub(super) const FAULTS: &str = "faults.json";

/// A document that is read when needed and written when changed.
pub(super) struct Doc<T> {
    path: String,
    value: Option<T>,
    dirty: bool,
}

impl<T: Serialize + DeserializeOwned + Default> Doc<T> {
    /// A document that is on disk, or else the default.
    pub fn at(path: String) -> Self {
        Doc { path, value: None, dirty: false }
    }

    /// A new document.
    pub fn new(path: String, value: T) -> Self {
        Doc { path, value: Some(value), dirty: true }
    }

    /// The value, to be looked at.
    pub fn get(&mut self, store: &Store) -> Result<&T, CloudError> {
        self.load(store).map(|value| &*value)
    }

    /// The value, to be changed.
    pub fn edit(&mut self, store: &Store) -> Result<&mut T, CloudError> {
        self.dirty = true;
        self.load(store)
    }

    fn load(&mut self, store: &Store) -> Result<&mut T, CloudError> {
        if self.value.is_none() {
            self.value = Some(store.read(&self.path)?.unwrap_or_default());
        }
        Ok(self.value.as_mut().expect("invariant: it was read just now"))
    }

    /// What has to be written.
    pub fn changes(&mut self, into: &mut Vec<(String, Change)>) -> Result<(), CloudError> {
        if std::mem::take(&mut self.dirty)
            && let Some(value) = &self.value
        {
            into.push((self.path.clone(), Change::Write(to_bytes(value)?)));
        }
        Ok(())
    }
}

/// A stack, in its parts.
pub(super) struct Stack {
    /// The directory of its files, which is also the shard of its things.
    pub dir: String,
    pub head: Head,
    /// Whether the head has to be written.
    pub changed: bool,
    pub body: Doc<Body>,
    pub events: Doc<Vec<StackEvent>>,
    /// By id.
    pub change_sets: BTreeMap<String, Doc<Option<ChangeSetRecord>>>,
}

impl Stack {
    fn from_head(dir: String, head: Head) -> Self {
        let sets = head.change_sets.iter().map(|line| {
            let path = change_set_path(&dir, &line.id);
            (line.id.clone(), Doc::at(path))
        });
        Stack {
            change_sets: sets.collect(),
            body: Doc::at(format!("{dir}/body.json")),
            events: Doc::at(format!("{dir}/events.json")),
            dir,
            head,
            changed: false,
        }
    }

    /// A stack that is being made.
    pub fn new(place: &Place, head: Head) -> Self {
        let tail = head.id.rsplit('/').next().unwrap_or_default();
        let dir = format!("{}/{}/stacks/{}-{tail}", place.account, place.region, head.name);
        Stack {
            changed: true,
            body: Doc::new(format!("{dir}/body.json"), Body::default()),
            ..Stack::from_head(dir, head)
        }
    }

    /// Drops a change set, and says which file goes with it.
    pub fn drop_change_set(&mut self, id: &str) -> Option<String> {
        self.head.change_sets.retain(|line| line.id != id);
        self.change_sets.remove(id)?;
        Some(change_set_path(&self.dir, id))
    }

    /// Adds a change set.
    pub fn add(&mut self, record: ChangeSetRecord) {
        let path = change_set_path(&self.dir, &record.id);
        let id = record.id.clone();
        self.change_sets.insert(id, Doc::new(path, Some(record)));
    }
}

fn change_set_path(dir: &str, id: &str) -> String {
    let tail = id.rsplit('/').next().unwrap_or_default();
    format!("{dir}/change-set-{tail}.json")
}

/// Everything that is not a stack.
pub(super) struct Realm {
    pub store: Arc<Store>,
    pub options: SandboxOptions,
    pub things: Things,
    pub buckets: Buckets,
    pub lake_formation: BTreeMap<Place, Doc<LakeSettings>>,
    /// Paths to be removed with the next commit.
    pub removed: Vec<String>,
    /// The client died in this call.
    pub crashed: bool,
}

/// Lake Formation's settings, as the sandbox keeps them.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct LakeSettings {
    pub admins: Vec<String>,
    pub open_databases: bool,
    pub open_tables: bool,
    /// `CROSS_ACCOUNT_VERSION`; what an account has that never set it is not documented.
    #[serde(default)]
    pub version: Option<u32>,
}

impl Default for LakeSettings {
    /// An account that has never seen Lake Formation: no administrators, and IAM alone decides ("Changing the default
    /// settings for your data lake", Lake Formation Developer Guide).
    fn default() -> Self {
        LakeSettings { admins: Vec::new(), open_databases: true, open_tables: true, version: None }
    }
}

impl Realm {
    /// The live thing of this key.
    pub fn thing(&mut self, key: &str) -> Result<Option<&Thing>, CloudError> {
        self.things.get(&self.store, key)
    }

    /// The live thing of this key, to be changed.
    pub fn thing_mut(&mut self, key: &str) -> Result<Option<&mut Thing>, CloudError> {
        self.things.get_mut(&self.store, key)
    }

    /// The thing of a kind with this identifier, unless it is doomed.
    pub fn find(
        &mut self,
        kind: &str,
        place: &Place,
        identifier: &str,
    ) -> Result<Option<&Thing>, CloudError> {
        let found = self.thing(&key(kind, place, identifier))?;
        Ok(found.filter(|thing| !thing.doomed))
    }

    /// All things of a kind in a place.
    pub fn all(&mut self, kind: &str, place: &Place) -> Result<Vec<Thing>, CloudError> {
        let mut all = Vec::new();
        for key in self.things.keys(kind, place) {
            all.extend(self.thing(&key)?.cloned());
        }
        Ok(all)
    }

    /// The settings of Lake Formation in a place.
    pub fn lake(&mut self, place: &Place) -> &mut Doc<LakeSettings> {
        self.lake_formation.entry(place.clone()).or_insert_with(|| {
            Doc::at(format!("{}/{}/lake-formation.json", place.account, place.region))
        })
    }

    /// The shard for things that no stack made.
    pub fn put_loose(
        &mut self,
        place: &Place,
        key: String,
        thing: Thing,
    ) -> Result<(), CloudError> {
        self.things.put(&self.store, &loose(place), key, thing)
    }

    /// A property of a live bucket.
    pub fn bucket_property(
        &mut self,
        bucket: &str,
        path: &[&str],
    ) -> Result<Option<Value>, CloudError> {
        let key = format!("global AWS::S3::Bucket {bucket}");
        Ok(self.thing(&key)?.and_then(|thing| thing.properties.at(path).cloned()))
    }
}

/// All accounts of a sandbox.
pub(super) struct World {
    pub realm: Realm,
    pub faults: Faults,
    /// Stacks by the last part of their id.
    pub areas: BTreeMap<Place, BTreeMap<String, Stack>>,
    generation: Option<u64>,
    stamp: Option<(std::time::SystemTime, u64)>,
    known_faults: Faults,
}

impl World {
    /// A world of which nothing has been read yet.
    pub fn new(store: Arc<Store>, options: SandboxOptions) -> Self {
        World {
            realm: Realm {
                store,
                options,
                things: Things::default(),
                buckets: Buckets::default(),
                lake_formation: BTreeMap::new(),
                removed: Vec::new(),
                crashed: false,
            },
            faults: Faults::default(),
            areas: BTreeMap::new(),
            generation: None,
            stamp: None,
            known_faults: Faults::default(),
        }
    }

    /// Takes in what others have written. To be called under the lock, before anything else.
    pub fn refresh(&mut self) -> Result<(), CloudError> {
        let store = Arc::clone(&self.realm.store);
        let stamp = store.stamp(FAULTS);
        if stamp != self.stamp {
            self.faults = store.read(FAULTS)?.unwrap_or_default();
            self.known_faults = self.faults.clone();
            self.stamp = stamp;
        }
        let now = store.read::<u64>(GENERATION)?.unwrap_or_default();
        if self.generation == Some(now) {
            return Ok(());
        }
        self.forget();
        for account in store.directories("")? {
            let Ok(account) = AccountId::new(&account) else {
                continue;
            };
            for region in store.directories(account.as_str())? {
                let Ok(region) = Region::new(&region) else {
                    continue;
                };
                let place = Place { account: account.clone(), region };
                self.realm.things.learn(&store, &loose(&place))?;
                let stacks = format!("{}/{}/stacks", place.account, place.region);
                let mut area = BTreeMap::new();
                for name in store.directories(&stacks)? {
                    let dir = format!("{stacks}/{name}");
                    let Some(head) = store.read::<Head>(&format!("{dir}/head.json"))? else {
                        continue;
                    };
                    self.realm.things.learn(&store, &dir)?;
                    let tail = head.id.rsplit('/').next().unwrap_or_default().to_owned();
                    area.insert(tail, Stack::from_head(dir, head));
                }
                self.areas.insert(place, area);
            }
        }
        self.generation = Some(now);
        Ok(())
    }

    /// Forgets everything that was read, and every change that was not committed.
    pub fn forget(&mut self) {
        self.areas = BTreeMap::new();
        self.realm.things = Things::default();
        self.realm.buckets = Buckets::default();
        self.realm.lake_formation = BTreeMap::new();
        self.realm.removed = Vec::new();
        self.generation = None;
    }

    /// Writes what changed.
    pub fn commit(&mut self) -> Result<(), CloudError> {
        let mut changes = Vec::new();
        for stack in self.areas.values_mut().flat_map(BTreeMap::values_mut) {
            if std::mem::take(&mut stack.changed) {
                let path = format!("{}/head.json", stack.dir);
                changes.push((path, Change::Write(to_bytes(&stack.head)?)));
            }
            stack.body.changes(&mut changes)?;
            stack.events.changes(&mut changes)?;
            for set in stack.change_sets.values_mut() {
                set.changes(&mut changes)?;
            }
        }
        self.realm.things.changes(&mut changes)?;
        self.realm.buckets.changes(&mut changes)?;
        for settings in self.realm.lake_formation.values_mut() {
            settings.changes(&mut changes)?;
        }
        let removed = std::mem::take(&mut self.realm.removed);
        changes.extend(removed.into_iter().map(|path| (path, Change::Remove)));
        let faults = self.faults != self.known_faults;
        if faults {
            changes.push((FAULTS.into(), Change::Write(to_bytes(&self.faults)?)));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let next = self.generation.unwrap_or_default() + 1;
        changes.push((GENERATION.into(), Change::Write(to_bytes(&next)?)));
        self.realm.store.commit(changes)?;
        self.generation = Some(next);
        if faults {
            self.known_faults = self.faults.clone();
            self.stamp = self.realm.store.stamp(FAULTS);
        }
        Ok(())
    }

    /// The caller's place in a region.
    pub fn place(&self, region: &Region) -> Place {
        Place { account: self.realm.options.account.clone(), region: region.clone() }
    }

    /// The last part of the id of the stack at an address: by id even when deleted, by name only while it is there.
    pub fn locate(&self, at: &StackAddress) -> Option<(Place, String)> {
        let place = self.place(&at.region);
        let area = self.areas.get(&place)?;
        let found = area.iter().find(|(_, stack)| {
            stack.head.id == at.stack
                || (stack.head.name.as_str() == at.stack && !stack.head.deleted())
        });
        let tail = found.map(|(tail, _)| tail.clone())?;
        Some((place, tail))
    }

    /// Removes the change sets that a stack's head no longer lists.
    pub fn drop_discarded(&mut self, place: &Place, tail: &str) {
        let area = self.areas.get_mut(place);
        let Some(stack) = area.and_then(|area| area.get_mut(tail)) else {
            return;
        };
        let listed = |id: &str| stack.head.change_sets.iter().any(|line| line.id == id);
        let gone: Vec<String> =
            stack.change_sets.keys().filter(|id| !listed(id)).cloned().collect();
        for id in gone {
            self.realm.removed.extend(stack.drop_change_set(&id));
        }
    }

    /// The stack at an address, or CloudFormation's word that there is none.
    pub fn stack(&mut self, at: &StackAddress) -> Result<&mut Stack, CloudError> {
        let (place, tail) = self.locate(at).ok_or_else(|| missing(&at.stack))?;
        self.areas
            .get_mut(&place)
            .and_then(|area| area.get_mut(&tail))
            .ok_or_else(|| missing(&at.stack))
    }
}

/// CloudFormation's word for a stack that is not there.
pub(super) fn missing(stack: &str) -> CloudError {
    CloudError::NotFound(format!("Stack with id {stack} does not exist"))
}

/// A time as CloudFormation prints it.
pub(super) fn iso(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| at.to_string(), |time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
