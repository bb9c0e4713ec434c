//! The state of a lake: its stacks, what stayed of others, and who holds the lock.

use super::escape;
use crate::apply::{LakeStatus, LockInfo, deletion_command, identifier_line};
use crate::document::{Map, Value};
use crate::plan::Kept;

/// The state as text for people. `apply`: the command that takes back what was kept.
pub fn text(status: &LakeStatus, apply: &str) -> String {
    let mut out = format!(
        "Lake {}, environment {} (account {}, {})\n",
        status.lake, status.environment, status.account, status.region
    );
    if status.stacks.is_empty() {
        out += "\nNothing is deployed.\n";
    } else {
        out += "\nStacks\n";
    }
    let wide = status.stacks.iter().map(|line| line.key.name.as_str().len()).max().unwrap_or(0);
    for line in &status.stacks {
        let state = line.status.map_or("unknown", |status| status.as_str());
        out += &format!(
            "    {:wide$}  {}  {state}  {} resources  {}{}\n",
            line.key.name,
            line.key.region,
            line.resources,
            line.updated.as_deref().unwrap_or("never changed"),
            if line.termination_protection { "  protected" } else { "" },
        );
        if let Some(reason) = &line.reason {
            out += &format!("    {:wide$}  {}\n", "", escape(reason));
        }
    }
    kept(&mut out, status, apply);
    if let Some(lock) = &status.lock {
        let state = if status.lock_expired { "its lease is over" } else { "at work" };
        out += &format!(
            "\nLock {}: {} by {} since {}, {state}\n",
            lock.id,
            escape(&lock.operation),
            escape(&lock.who),
            lock.created
        );
    }
    out
}

/// What stayed of stacks that are gone: each thing once, by the name that people know, with what deletes it. A bucket's
/// policy goes with its bucket.
fn kept(out: &mut String, status: &LakeStatus, apply: &str) {
    if status.kept.is_empty() {
        return;
    }
    let goes_along = |one: &Kept| {
        let bucket = |other: &&Kept| other.kind == BUCKET && other.region == one.region;
        let same = |other: &Kept| other.identifier.values().eq(one.identifier.values());
        one.kind == BUCKET_POLICY && status.kept.iter().filter(bucket).any(same)
    };
    let mut shown: Vec<&Kept> = status.kept.iter().filter(|one| !goes_along(one)).collect();
    shown.sort_by_key(|one| (&one.path, &one.kind, &one.region, &one.identifier));
    *out += "\nKept in the account, outside of stacks\n";
    let wide = shown.iter().map(|one| one.path.len()).max().unwrap_or(0);
    for one in shown {
        let kind = one.kind.strip_prefix("AWS::").unwrap_or(&one.kind);
        let called = format!("{kind} {}", name(one));
        *out += &format!("    {:wide$}  {}  {}\n", one.path, escape(called.trim()), one.region);
        let first = if one.kind == BUCKET { "first every version in it, then " } else { "" };
        *out += &format!("        to delete it: {first}{}\n", escape(&deletion_command(one)));
    }
    *out += &format!("\n`{apply}` takes all of it back.\n");
}

const BUCKET: &str = "AWS::S3::Bucket";
const BUCKET_POLICY: &str = "AWS::S3::BucketPolicy";

/// What people know it by. A key has no name but that of the spec.
fn name(kept: &Kept) -> String {
    let part = |name: &str| kept.identifier.get(name).cloned().unwrap_or_default();
    match kept.kind.as_str() {
        "AWS::KMS::Key" => String::new(),
        "AWS::Glue::Table" => format!("{}.{}", part("DatabaseName"), part("Name")),
        kind => {
            let line = identifier_line(kind, &kept.identifier);
            line.rsplit('|').next().unwrap_or_default().to_owned()
        }
    }
}

/// The state for programs: the keys of the document.
pub fn json(status: &LakeStatus) -> Map {
    let stacks: Vec<Value> = status
        .stacks
        .iter()
        .map(|line| {
            let mut map = Map::new();
            map.insert("name", &line.key.name);
            map.insert("region", &line.key.region);
            map.insert("part", line.part.as_str());
            map.insert_some("status", line.status.map(|status| status.as_str()));
            map.insert_some("status_reason", line.reason.clone());
            map.insert("resources", i64::try_from(line.resources).unwrap_or(i64::MAX));
            map.insert_some("updated", line.updated.clone());
            map.insert("termination_protection", line.termination_protection);
            Value::Map(map)
        })
        .collect();
    let kept: Vec<Value> = status
        .kept
        .iter()
        .map(|kept| {
            let name = identifier_line(&kept.kind, &kept.identifier);
            crate::document!({
                "path": (kept.path.clone()), "kind": (kept.kind.clone()), "identifier": name,
                "region": (&kept.region), "logical_id": (&kept.logical_id)
            })
        })
        .collect();
    let mut map = Map::new();
    map.insert("lake", status.lake.clone());
    map.insert("environment", status.environment.clone());
    map.insert("account", &status.account);
    map.insert("region", &status.region);
    map.insert("stacks", stacks);
    map.insert("kept", kept);
    map.insert_some("lock", status.lock.as_ref().map(|lock| lock_json(lock, status.lock_expired)));
    map
}

fn lock_json(lock: &LockInfo, expired: bool) -> Value {
    crate::document!({
        "id": (lock.id.clone()), "operation": (lock.operation.clone()), "who": (lock.who.clone()),
        "created": (lock.created.to_string()), "expired": expired
    })
}
