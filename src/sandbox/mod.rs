//! Cloud number one: an embedded cloud with CloudFormation's semantics, in a directory of JSON files.
//!
//! In go the calls of [`Cloud`], out come the answers, events and refusals that CloudFormation documents. It is made
//! from the documentation and from the catalogue's facts about types; it knows nothing of the planner, so that the
//! planner's predictions and this cloud's behaviour check each other. Several accounts and regions share a directory,
//! and so do several processes: every call takes the directory's lock, does its work and commits it whole.
//!
//! Operations run to their end within the call that starts them, unless `slow` is among the [`Faults`]: then each
//! resource takes its time, and the stack has moved on by as much as has passed when it is looked at next.
//!
//! The rooms: `store` (files), `world` (what was read of them), `state` and `things` (what is remembered); `template`,
//! `references`, `parameters` and `intrinsics` (reading templates); `admission`, `changes` and `change_sets` (what would
//! happen); `operation`, `phases`, `tasks`, `steps` and `actions` (what happens); `stacks`; `services` (what the
//! services behind it accept), `names`, `objects` (S3), `drift`, `faults`; `schema` is the door to the catalogue.
//! `docs/sandbox.md` tells users what it does and what it leaves out.

mod actions;
mod admission;
mod change_sets;
mod changes;
mod drift;
mod faults;
mod intrinsics;
mod lake_formation;
mod names;
mod objects;
mod operation;
mod parameters;
mod phases;
mod references;
mod schema;
mod services;
mod stacks;
mod state;
mod steps;
mod store;
mod tasks;
mod template;
#[cfg(test)]
mod tests;
mod things;
mod world;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::Utf8Path;
use jiff::Timestamp;

use crate::cloud::*;
use crate::document::Value;
use crate::names::{AccountId, Arn, LogicalId, Region};

pub use drift::Tamper;
pub use faults::{Answer, CrashAt, FailAt, FailResource, Faults, FaultyCall, Refusal, Surprise};

use faults::Trouble;
use state::{Millis, Place, Thing};
use store::Store;
use world::World;

/// What a sandbox is like, besides what its directory remembers.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The account of the caller, and of all that it makes.
    pub account: AccountId,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    pub clock: Clock,
    /// Whether CreateChangeSet validates properties and names beforehand, as it does since November 2025; else they
    /// fail while they are made.
    pub early_validation: bool,
    /// How many stacks a region holds; AWS gives 2,000 unless asked for more.
    pub most_stacks: usize,
    /// ARNs of roles and users that exist although nothing in the sandbox made them.
    pub principals: Vec<String>,
    /// Account ids and ARNs that do not exist. Every other account does.
    pub strangers: Vec<String>,
}

impl SandboxOptions {
    /// A sandbox for this account in the partition `aws`, on the system's clock.
    pub fn new(account: AccountId) -> Self {
        SandboxOptions {
            account,
            partition: "aws".into(),
            clock: Clock::system(),
            early_validation: true,
            most_stacks: 2_000,
            principals: Vec::new(),
            strangers: Vec::new(),
        }
    }

    /// The ARN of the caller: a user that the sandbox keeps for it.
    fn caller_arn(&self) -> String {
        format!("arn:{}:iam::{}:user/sandbox", self.partition, self.account)
    }
}

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Clock(Arc::new(Timestamp::now))
    }

    /// A clock that begins at `start` and goes on by `step` milliseconds each time it is looked at.
    pub fn stepping(start: Timestamp, step: u32) -> Self {
        let ticks = std::sync::atomic::AtomicI64::new(0);
        Clock(Arc::new(move || {
            let passed = ticks.fetch_add(1, Ordering::Relaxed) * i64::from(step);
            let at = start.as_millisecond().saturating_add(passed);
            Timestamp::from_millisecond(at).unwrap_or(start)
        }))
    }

    fn now(&self) -> Millis {
        (self.0)().as_millisecond()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// An embedded cloud. Threads share it.
pub struct Sandbox {
    store: Arc<Store>,
    world: Mutex<World>,
    clock: Clock,
    /// A fault killed the client: nobody hears it any more.
    dead: AtomicBool,
}

impl Sandbox {
    /// Opens the sandbox in a directory, making it if it is not there. What a killed client had left in progress goes
    /// on. Errors: [`CloudError::Other`] with the code `SandboxState` where the directory can't be used.
    pub fn open(dir: &Utf8Path, options: SandboxOptions) -> Result<Self, CloudError> {
        let store = Arc::new(Store::open(dir)?);
        let clock = options.clock.clone();
        let mut world = World::new(Arc::clone(&store), options);
        {
            let _lock = store.locked()?;
            world.refresh()?;
            stacks::revive(&mut world)?;
            world.commit()?;
        }
        Ok(Sandbox { store, world: Mutex::new(world), clock, dead: AtomicBool::new(false) })
    }

    /// The faults in force, as far as they are not used up.
    pub fn faults(&self) -> Result<Faults, CloudError> {
        self.quietly(|world, _| Ok(world.faults.clone()))
    }

    /// Puts faults in force in place of those that were.
    pub fn set_faults(&self, faults: Faults) -> Result<(), CloudError> {
        self.quietly(|world, _| {
            world.faults = faults;
            Ok(())
        })
    }

    /// Does something to a resource by hand. `identifier` is its primary identifier, the parts joined by `|`, or the
    /// value of its `Ref`.
    pub fn tamper(
        &self,
        region: &Region,
        kind: &str,
        identifier: &str,
        what: &Tamper,
    ) -> Result<(), CloudError> {
        self.quietly(|world, _| {
            let place = world.place(region);
            drift::tamper(&mut world.realm, &place, kind, identifier, what)
        })
    }

    /// Puts a resource there that no stack made, and answers with its primary identifier. Nothing is checked; what is
    /// there already stays as it is.
    pub fn put_resource(
        &self,
        region: &Region,
        kind: &str,
        properties: &Value,
    ) -> Result<String, CloudError> {
        self.quietly(|world, _| {
            let place = world.place(region);
            let partition = world.realm.options.partition.clone();
            let maker = names::Maker {
                place: &place,
                partition: &partition,
                stack: "made",
                logical: "ByHand",
                seed: format!("{kind} {}", properties.to_json()),
            };
            let named = maker.name(kind, properties);
            let key = things::key(kind, &place, &named.identifier);
            if world.realm.find(kind, &place, &named.identifier)?.is_some() {
                return Ok(named.identifier);
            }
            let thing = Thing {
                kind: kind.to_owned(),
                account: place.account.clone(),
                region: place.region.clone(),
                physical: named.physical,
                identifier: named.identifier.clone(),
                properties: named.properties,
                attributes: named.attributes,
                owner: None,
                doomed: false,
            };
            world.realm.put_loose(&place, key, thing)?;
            Ok(named.identifier)
        })
    }

    /// Sets Lake Formation's settings in a region by hand.
    pub fn set_lake_formation_settings(
        &self,
        region: &Region,
        settings: &LakeFormationSettings,
    ) -> Result<(), CloudError> {
        self.quietly(|world, _| {
            let place = world.place(region);
            let store = world.realm.store.clone();
            *world.realm.lake(&place).edit(&store)? = world::LakeSettings {
                admins: settings.admins.clone(),
                open_databases: settings.iam_decides_new_databases,
                open_tables: settings.iam_decides_new_tables,
                version: settings.cross_account_version,
            };
            Ok(())
        })
    }

    /// Puts or lifts a legal hold on an object's newest version.
    pub fn set_legal_hold(&self, bucket: &str, key: &str, on: bool) -> Result<(), CloudError> {
        self.quietly(|world, _| match objects::hold(&mut world.realm, bucket, key, on)? {
            true => Ok(()),
            false => Err(CloudError::NotFound(format!("{bucket}/{key}"))),
        })
    }

    /// Work that no fault touches.
    fn quietly<R>(
        &self,
        work: impl FnOnce(&mut World, Millis) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let mut world = self.world();
        let _lock = self.store.locked()?;
        world.refresh()?;
        let now = self.clock.now();
        stacks::advance_all(&mut world, now)?;
        finish(&mut world, |world| work(world, now))
    }

    /// A call of the API, with the faults that befall it.
    fn call<R>(
        &self,
        name: &str,
        work: impl FnOnce(&mut World, Millis) -> Result<R, CloudError>,
    ) -> Result<R, CloudError> {
        let silence = || Err(CloudError::NoAnswer(format!("{name}: the connection was lost")));
        let mut world = self.world();
        if self.dead.load(Ordering::Relaxed) {
            return silence();
        }
        let _lock = self.store.locked()?;
        world.refresh()?;
        let now = self.clock.now();
        stacks::advance_all(&mut world, now)?;
        if let Some(trouble) = world.faults.before(name) {
            world.commit()?;
            return Err(match trouble {
                Trouble::Throttled => CloudError::Throttled(format!("{name}: Rate exceeded")),
                Trouble::Denied => {
                    let caller = world.realm.options.caller_arn();
                    CloudError::AccessDenied(format!(
                        "User: {caller} is not authorized to perform: {name}"
                    ))
                }
            });
        }
        if let Some(refusal) = world.faults.refuses(name) {
            world.commit()?;
            return Err(refusal);
        }
        let lost = world.faults.loses(name);
        let result = finish(&mut world, |world| work(world, now));
        if std::mem::take(&mut world.realm.crashed) {
            self.dead.store(true, Ordering::Relaxed);
            return silence();
        }
        if lost {
            return silence();
        }
        result
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(|poisoned| {
            // A panic in the middle of a call is a bug; what it left half done was not committed.
            let mut world = PoisonError::into_inner(poisoned);
            world.forget();
            world
        })
    }
}

/// Does the work and commits it. A refusal leaves everything as it was, except that what the faults counted down and
/// what time brought is kept; where the files fail, what was read is forgotten.
fn finish<R>(
    world: &mut World,
    work: impl FnOnce(&mut World) -> Result<R, CloudError>,
) -> Result<R, CloudError> {
    let result = work(world);
    let committed = world.commit();
    if let Err(error) = committed {
        world.forget();
        return Err(error);
    }
    if matches!(&result, Err(CloudError::Other { code, .. }) if code == "SandboxState") {
        world.forget();
    }
    result
}

impl Cloud for Sandbox {
    fn caller(&self) -> Result<Caller, CloudError> {
        self.call("GetCallerIdentity", |world, _| {
            if let Some(other) = world.faults.says("GetCallerIdentity") {
                let arn = Arn::new(other).map_err(CloudError::Refused)?;
                let account = AccountId::new(arn.account()).map_err(CloudError::Refused)?;
                return Ok(Caller { account, arn });
            }
            let options = &world.realm.options;
            Ok(Caller {
                account: options.account.clone(),
                arn: Arn::new(options.caller_arn()).map_err(CloudError::Refused)?,
            })
        })
    }

    fn list_stacks(&self, region: &Region) -> Result<Vec<StackSummary>, CloudError> {
        self.call("ListStacks", |world, _| Ok(stacks::list(world, region)))
    }

    fn describe_stack(&self, at: &StackAddress) -> Result<Option<Stack>, CloudError> {
        self.call("DescribeStacks", |world, _| Ok(stacks::describe(world, at)))
    }

    fn template(&self, at: &StackAddress) -> Result<String, CloudError> {
        self.call("GetTemplate", |world, _| match world.faults.says("GetTemplate") {
            Some(text) => Ok(text),
            None => stacks::template(world, at),
        })
    }

    fn stack_resources(&self, at: &StackAddress) -> Result<Vec<StackResource>, CloudError> {
        self.call("ListStackResources", |world, _| stacks::resources(world, at))
    }

    fn events(
        &self,
        at: &StackAddress,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, CloudError> {
        self.call("DescribeStackEvents", |world, _| stacks::events(world, at, after))
    }

    fn detect_drift(&self, at: &StackAddress) -> Result<StackDrift, CloudError> {
        self.call("DetectStackDrift", |world, _| drift::detect(world, at))
    }

    fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CloudError> {
        self.call("CreateChangeSet", |world, now| change_sets::create(world, request, now))
    }

    fn list_change_sets(&self, at: &StackAddress) -> Result<Vec<String>, CloudError> {
        self.call("ListChangeSets", |world, _| change_sets::list(world, at))
    }

    fn describe_change_set(&self, region: &Region, id: &str) -> Result<ChangeSet, CloudError> {
        self.call("DescribeChangeSet", |world, _| {
            let mut set = change_sets::describe(world, region, id)?;
            world.faults.surprises(&mut set);
            Ok(set)
        })
    }

    fn execute_change_set(&self, region: &Region, id: &str, token: &str) -> Result<(), CloudError> {
        self.call("ExecuteChangeSet", |world, now| {
            change_sets::execute(world, region, id, token, now)
        })
    }

    fn delete_change_set(&self, region: &Region, id: &str) -> Result<(), CloudError> {
        self.call("DeleteChangeSet", |world, _| change_sets::delete(world, region, id))
    }

    fn delete_stack(
        &self,
        at: &StackAddress,
        retain: &[LogicalId],
        execution_role: Option<&Arn>,
        token: &str,
    ) -> Result<(), CloudError> {
        self.call("DeleteStack", |world, now| {
            stacks::delete(world, at, retain, execution_role, token, now)
        })
    }

    fn continue_update_rollback(
        &self,
        at: &StackAddress,
        skip: &[LogicalId],
        token: &str,
    ) -> Result<(), CloudError> {
        self.call("ContinueUpdateRollback", |world, now| {
            stacks::continue_rollback(world, at, skip, token, now)
        })
    }

    fn rollback_stack(&self, at: &StackAddress, token: &str) -> Result<(), CloudError> {
        self.call("RollbackStack", |world, now| stacks::roll_back(world, at, token, now))
    }

    fn set_termination_protection(&self, at: &StackAddress, on: bool) -> Result<(), CloudError> {
        self.call("UpdateTerminationProtection", |world, _| stacks::protect(world, at, on))
    }

    fn read(&self, region: &Region, kind: &str, identifier: &str) -> Result<Reading, CloudError> {
        self.call("GetResource", |world, _| {
            let place = world.place(region);
            drift::read(&mut world.realm, &place, kind, identifier)
        })
    }

    fn lake_formation_settings(
        &self,
        region: &Region,
    ) -> Result<LakeFormationSettings, CloudError> {
        self.call("GetDataLakeSettings", |world, _| {
            let place: Place = world.place(region);
            let store = world.realm.store.clone();
            let settings = world.realm.lake(&place).get(&store)?;
            Ok(LakeFormationSettings {
                admins: settings.admins.clone(),
                iam_decides_new_databases: settings.open_databases,
                iam_decides_new_tables: settings.open_tables,
                cross_account_version: settings.version,
            })
        })
    }

    fn open_to_iam(&self, region: &Region) -> Result<Vec<OpenToIam>, CloudError> {
        self.call("ListPermissions", |world, _| {
            let place: Place = world.place(region);
            lake_formation::open(&mut world.realm, &place)
        })
    }

    fn lake_formation_grants(
        &self,
        region: &Region,
    ) -> Result<Vec<LakeFormationGrant>, CloudError> {
        self.call("ListPermissions", |world, _| {
            let place: Place = world.place(region);
            lake_formation::grants(&mut world.realm, &place)
        })
    }

    fn get_object(&self, at: &ObjectAddress) -> Result<Option<Object>, CloudError> {
        self.call("GetObject", |world, _| objects::get(&mut world.realm, at))
    }

    fn put_object(
        &self,
        at: &ObjectAddress,
        body: &[u8],
        when: PutCondition,
    ) -> Result<String, CloudError> {
        self.call("PutObject", |world, now| objects::put(&mut world.realm, at, body, &when, now))
    }

    fn delete_object(&self, at: &ObjectAddress) -> Result<(), CloudError> {
        self.call("DeleteObject", |world, _| objects::delete(&mut world.realm, at))
    }

    fn list_versions(
        &self,
        bucket: &BucketAddress,
        prefix: &str,
        after: Option<&VersionMarker>,
        limit: usize,
    ) -> Result<VersionPage, CloudError> {
        self.call("ListObjectVersions", |world, now| {
            objects::list(&mut world.realm, bucket, prefix, after, limit, now)
        })
    }

    fn delete_versions(
        &self,
        bucket: &BucketAddress,
        versions: &[ObjectVersion],
    ) -> Result<Vec<(ObjectVersion, String)>, CloudError> {
        self.call("DeleteObjects", |world, now| {
            objects::delete_versions(&mut world.realm, bucket, versions, now)
        })
    }
}
