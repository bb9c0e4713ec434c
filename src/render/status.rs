//! The state of a lake: its stacks, what stayed of others, and who holds the lock.

use super::escape;
use crate::apply::{LakeStatus, LockInfo, identifier_line};
use crate::document::{Map, Value};

/// The state as text for people.
pub fn text(status: &LakeStatus) -> String {
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
    if !status.kept.is_empty() {
        out += "\nKept outside of stacks, taken back by the next apply\n";
        for kept in &status.kept {
            let name = identifier_line(&kept.kind, &kept.identifier);
            let kind = kept.kind.strip_prefix("AWS::").unwrap_or(&kept.kind);
            out += &format!("    {}  {kind} {name}  {}\n", kept.path, kept.region);
        }
    }
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
