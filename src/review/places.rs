//! The places of a matrix: what has a column.
//!
//! In: two states at a glance. Out: a [`Column`] for each bucket, each prefix that a policy names, each table, and each
//! key, stream, topic, queue and secret; ascending by kind and name. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{Glance, text_of};
use crate::access::reach::Target;
use crate::access::reach::closure::resource;
use crate::access::{State, guarded};
use crate::document::Value;

/// A place.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// `bucket`, `prefix`, `table`, `key`, `stream`, `topic`, `queue`, `secret`, `settings`.
    pub kind: &'static str,
    /// The ARN or the reference; of a prefix `ARN/PREFIX`, of a table `DATABASE.TABLE`.
    pub name: String,
    /// Of a table its database and its name.
    pub table: Option<(String, String)>,
    /// What is asked of it.
    pub targets: Vec<Target>,
}

/// Whether a place in S3, with or without a slash at its end, holds another.
pub fn covers(place: &str, other: &str) -> bool {
    let rest = other.strip_prefix(place.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn column(kind: &'static str, name: &str, targets: Vec<Target>) -> Column {
    Column { kind, name: name.to_owned(), table: None, targets }
}

fn target(kind: &str, resource: Value, guard: &str) -> Target {
    Target { kind: kind.to_owned(), resource, guard: guard.to_owned() }
}

/// The objects below a place of a bucket.
fn objects(bucket: &str, below: &str) -> Target {
    target("object", Value::from(format!("{below}*")), bucket)
}

/// The kind of a resource as a column.
fn word(kind: &str) -> Option<&'static str> {
    match kind {
        "AWS::KMS::Key" => Some("key"),
        "AWS::Kinesis::Stream" => Some("stream"),
        "AWS::SNS::Topic" => Some("topic"),
        "AWS::SQS::Queue" => Some("queue"),
        "AWS::SecretsManager::Secret" => Some("secret"),
        _ => None,
    }
}

/// All places of two states.
pub fn columns(old: &Glance<'_>, new: &Glance<'_>) -> Vec<Column> {
    let mut found: BTreeMap<(usize, String), Column> = BTreeMap::new();
    let order = ["bucket", "prefix", "table", "key", "stream", "topic", "queue", "secret"];
    let mut add = |one: Column| {
        let rank = order.iter().position(|kind| *kind == one.kind).unwrap_or(order.len());
        found.entry((rank, one.name.clone())).or_insert(one);
    };
    for glance in [new, old] {
        let state = glance.state;
        for (name, one) in &state.resources {
            if one.kind == "AWS::S3::Bucket" {
                let mut targets = vec![target("bucket", resource(name), name)];
                if !name.starts_with('{') {
                    targets.push(objects(name, &format!("{name}/")));
                }
                add(column("bucket", name, targets));
            } else if let Some(kind) = word(&one.kind) {
                add(column(kind, name, vec![target(kind, resource(name), name)]));
            }
        }
        for (bucket, prefix) in prefixes(glance) {
            add(column("prefix", &prefix, vec![objects(&bucket, &prefix)]));
        }
        for name in glance.things() {
            let kind = match name.split(':').nth(2).unwrap_or_default() {
                "kinesis" => "stream",
                "sns" => "topic",
                "sqs" => "queue",
                _ => "secret",
            };
            add(column(kind, &name, vec![target(kind, Value::from(name.clone()), &name)]));
        }
        for table in &state.tables {
            let name = format!("{}.{}", table.0, table.1);
            let targets = of_table(state, table);
            add(Column { table: Some(table.clone()), ..column("table", &name, targets) });
        }
        if state.grants.iter().any(|grant| grant.resource.get("Administration").is_some()) {
            add(column("settings", "Lake Formation", Vec::new()));
        }
    }
    found.into_values().collect()
}

/// The prefixes that policies name, in buckets of the state, with their slash.
fn prefixes(glance: &Glance<'_>) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for text in glance.objects() {
        let Some(prefix) = text.strip_suffix('*') else { continue };
        let plain = !prefix.contains(['*', '?', '$']) && prefix.ends_with('/');
        let Some((bucket, rest)) = prefix.split_once('/') else { continue };
        if plain && !rest.is_empty() {
            let known = glance.state.resources.get_key_value(bucket);
            let known = known.or_else(|| guarded(glance.state, bucket));
            found.extend(known.map(|(name, _)| (name.clone(), prefix.to_owned())));
        }
    }
    found
}

/// A table's entry in the catalog, if its account and region are known, and its objects.
fn of_table(state: &State, table: &(String, String)) -> Vec<Target> {
    let mut targets = Vec::new();
    if let Some(location) = state.locations.get(table) {
        let bucket = location.split('/').next().unwrap_or(location);
        let below = format!("{}/", location.trim_end_matches('/'));
        targets.push(objects(bucket, &below));
        let account = state.resources.get(bucket).map(|one| (one.account.as_str(), one.partition));
        if let Some((account, partition)) = account {
            let arn = format!("arn:{partition}:glue:*:{account}:table/{}/{}", table.0, table.1);
            targets.push(target("table", Value::from(arn.clone()), &text_of(&arn)));
        }
    }
    targets
}
