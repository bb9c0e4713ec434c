//! What a statement lets somebody do to a resource, by verb.
//!
//! In: a statement and one of its resources. Out: [`Class`]es of actions: those of `read`, `write`, `delete` and `manage` by
//! the catalogue, and what no verb stands for. A class is asked about as one.

use std::collections::BTreeSet;

use super::reading::takes;
use crate::access::{Layer, Row};
use crate::catalogue::escalations::{Verbs, verbs};
use crate::catalogue::iam::{self, Action, Level};
use crate::verdict::read::Statement;

/// Actions of a statement that one word stands for.
pub(super) struct Class {
    pub verb: &'static str,
    pub actions: Vec<String>,
    /// The actions to be named, where no verb stands for them.
    pub shown: Vec<String>,
}

/// The kinds of resources that verbs are known for.
const KINDS: [&str; 9] =
    ["object", "bucket", "key", "stream", "table", "database", "topic", "queue", "secret"];

/// The services by which a lake's access is changed: what is asked of an Allow of all actions.
const GUARDING: [&str; 4] = ["iam", "kms", "s3", "lakeformation"];

/// The most actions of one class that are asked about together.
const MOST_ACTIONS: usize = 40;

/// The kinds that a pattern may stand for, and the service; none where it stands for anything.
fn kinds(target: &str, row: &Row) -> (Vec<&'static str>, Option<String>) {
    let of_row = row.kind.rsplit("::").next().unwrap_or_default().to_lowercase();
    let known = |wanted: &str| KINDS.iter().copied().filter(|kind| *kind == wanted).collect();
    if row.layer == Layer::Resource && row.kind != "AWS::S3::Bucket" {
        let service = row.kind.split("::").nth(1).map(str::to_lowercase);
        return (known(&of_row), service);
    }
    let service = target.split(':').nth(2).filter(|_| target.starts_with("arn:"));
    let Some(service) = service.filter(|service| !service.contains(['*', '$'])) else {
        let bucket =
            target.starts_with("${") && target.contains('/') && row.kind == "AWS::S3::Bucket";
        return (if bucket { vec!["object", "bucket"] } else { KINDS.to_vec() }, None);
    };
    let rest = target.splitn(6, ':').nth(5).unwrap_or_default();
    let kind = match service {
        "s3" if rest.contains('/') => "object",
        "s3" if rest.ends_with('*') => return (vec!["object", "bucket"], Some("s3".to_owned())),
        "s3" => "bucket",
        "kms" => "key",
        "kinesis" => "stream",
        "glue" => rest.split('/').next().unwrap_or_default(),
        "sns" => "topic",
        "sqs" => "queue",
        "secretsmanager" => "secret",
        _ => "",
    };
    (known(kind), Some(service.to_owned()))
}

/// What a statement lets somebody do to a target, by verb.
pub(super) fn classes(statement: &Statement, target: &str, row: &Row) -> Vec<Class> {
    let patterns: Vec<String> = statement.actions.items.iter().map(|one| one.shown()).collect();
    let covers = |action: &str| {
        patterns.iter().any(|pattern| takes(pattern, action)) != statement.actions.not
    };
    if row.layer == Layer::Trust {
        return vec![Class { verb: "assume", actions: Vec::new(), shown: Vec::new() }];
    }
    let (kinds, service) = kinds(target, row);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    let wide = statement.actions.not || patterns.iter().any(|one| one == "*");
    let fits = |action: &Action| {
        let own = service.as_deref().is_none_or(|service| service == action.service);
        let on = kinds.is_empty()
            || service.is_none()
            || action.resources.is_empty()
            || action.resources.iter().any(|on| kinds.contains(&on.resource));
        own && on
    };
    let managing = || -> Vec<String> {
        let all: Vec<String> = match wide {
            true => GUARDING.iter().map(|service| format!("{service}:*")).collect(),
            false => patterns.clone(),
        };
        let all = all.iter().flat_map(|pattern| iam::matching(pattern));
        let own = all.filter(|one| one.level == Level::PermissionsManagement && fits(one));
        own.map(Action::full_name).filter(|name| covers(name)).take(MOST_ACTIONS).collect()
    };
    for verb in Verbs::ALL {
        let of_kind = |kind: &&str| verbs().actions(kind, verb).iter();
        let mut actions: Vec<String> =
            kinds.iter().flat_map(of_kind).filter(|one| covers(one)).cloned().collect();
        if verb == "manage" {
            actions.extend(managing());
        }
        actions.sort();
        actions.dedup();
        actions.retain(|one| taken.insert(one.clone()));
        if !actions.is_empty() {
            found.push(Class { verb, actions, shown: Vec::new() });
        }
    }
    if wide {
        let shown = match statement.actions.not {
            true => format!("all actions but {}", patterns.join(", ")),
            false => "all actions".to_owned(),
        };
        found.push(Class { verb: "", actions: Vec::new(), shown: vec![shown] });
        return found;
    }
    let (mut others, mut shown) = (Vec::new(), Vec::new());
    for pattern in &patterns {
        let known: Vec<&Action> = iam::matching(pattern).collect();
        let is_new = |one: &&&Action| fits(one) && !taken.contains(&one.full_name());
        let left: Vec<String> = known.iter().filter(is_new).map(|one| one.full_name()).collect();
        // what the catalogue does not know may come to be
        if !left.is_empty() || known.is_empty() {
            shown.push(pattern.clone());
            match left.is_empty() {
                true => others.push(pattern.clone()),
                false => others.extend(left.into_iter().take(MOST_ACTIONS)),
            }
        }
    }
    if !others.is_empty() {
        found.push(Class { verb: "", actions: others, shown });
    }
    found
}
