//! From what was seen of a resource to what is said of it. Pure.

use super::compare::Compare;
use super::look::Evidence;
use super::{Difference, ResourceReport, Verdict};
use crate::canonical::{Scope, canonical};
use crate::catalogue::{ResourceType, resource_type};
use crate::cloud::{DriftStatus, PropertyDrift, Reading};
use crate::document::{Map, Value};

/// Properties that a template need not mention and whose appearance matters: they give access, send
/// data elsewhere or delete it.
const ADDITIONS: &[(&str, &[&str])] = &[
    (
        "AWS::S3::Bucket",
        &[
            "CorsConfiguration",
            "LifecycleConfiguration",
            "LoggingConfiguration",
            "NotificationConfiguration",
            "ReplicationConfiguration",
            "WebsiteConfiguration",
        ],
    ),
    ("AWS::IAM::Role", &["ManagedPolicyArns", "PermissionsBoundary", "Policies"]),
    ("AWS::IAM::ManagedPolicy", &["Groups", "Roles", "Users"]),
    ("AWS::KMS::Key", &["KeyPolicy"]),
    ("AWS::Kinesis::Stream", &["StreamEncryption"]),
];

/// Judges one resource.
pub(super) fn judge(evidence: &Evidence) -> ResourceReport {
    ResourceReport {
        stack: evidence.stack.clone(),
        logical_id: evidence.logical_id.clone(),
        kind: evidence.kind.clone(),
        physical_id: evidence.physical_id.clone(),
        path: evidence.path.clone(),
        verdict: verdict(evidence),
        blind: blind(evidence),
    }
}

/// What the template sets and nobody compares: what its service never tells, and the keys that
/// detection leaves out (User Guide: "CloudFormation doesn't perform drift detection on the KMSKeyId
/// property of any resources").
fn blind(evidence: &Evidence) -> Vec<String> {
    let kind = resource_type(&evidence.kind);
    let mut found: Vec<String> = kind
        .into_iter()
        .flat_map(|kind| &kind.write_only)
        .filter(|path| stands(&evidence.expected, path))
        .map(|path| (*path).to_owned())
        .collect();
    if matches!(evidence.reading, Reading::Unread(_)) {
        keys(&evidence.expected, &mut Vec::new(), &mut found);
    }
    found
}

/// Whether something stands at a path of the catalogue.
fn stands(value: &Value, path: &str) -> bool {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let inner = |value: &Value| rest.is_empty() || stands(value, rest);
    match value {
        Value::List(list) if first == "*" => list.iter().any(inner),
        Value::Map(map) if first == "*" => map.iter().any(|(_, value)| inner(value)),
        value => value.get(first).is_some_and(inner),
    }
}

fn keys(value: &Value, path: &mut Vec<String>, found: &mut Vec<String>) {
    match value {
        Value::Map(map) => {
            for (name, value) in map.iter() {
                path.push(name.to_owned());
                if name.eq_ignore_ascii_case("KmsKeyId") {
                    found.push(path.join("/"));
                } else {
                    keys(value, path, found);
                }
                path.pop();
            }
        }
        Value::List(list) => list.iter().for_each(|value| keys(value, path, found)),
        _ => {}
    }
}

fn verdict(evidence: &Evidence) -> Verdict {
    let kind = resource_type(&evidence.kind);
    let detected = evidence.detected.as_ref();
    let checked = detected.filter(|drift| drift.status != DriftStatus::NotChecked);
    if checked.is_some_and(|drift| drift.status == DriftStatus::Deleted)
        || evidence.reading == Reading::Absent
    {
        return Verdict::Deleted;
    }
    let mut found: Vec<Difference> = Vec::new();
    match &evidence.reading {
        Reading::Properties(live) => {
            found = against_reading(kind, evidence, live);
            // Detection compares every property that the template sets: where it did, a property
            // that our own reading does not give is not proven gone.
            if checked.is_some() {
                found.retain(|one| one.actual.is_some() || one.path.contains('['));
            }
        }
        Reading::Unread(why) if checked.is_none() => return Verdict::Unread(why.clone()),
        Reading::Unread(_) | Reading::Absent => {}
    }
    if let Some(drift) = checked {
        for one in drift.differences.iter().filter_map(|one| confirmed(kind, one)) {
            // Our own reading is the finer one.
            if !found.iter().any(|known| overlaps(&known.path, &one.path)) {
                found.push(one);
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if found.is_empty() { Verdict::InSync } else { Verdict::Modified(found) }
}

/// Whether two differences are about the same place, or one is inside the other.
fn overlaps(a: &str, b: &str) -> bool {
    let inside = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Detection numbers what we call by name: the property on the way to it is the same.
    let head = |path: &str| path.split('/').take(2).collect::<Vec<_>>().join("/");
    inside(a, b) || inside(b, a) || (head(a) == head(b) && a.contains('/') && b.contains('/'))
}

/// What detection says, unless it is only a matter of spelling, order or a service's defaults.
fn confirmed(kind: Option<&ResourceType>, drift: &PropertyDrift) -> Option<Difference> {
    let path = drift.path.trim_start_matches('/');
    let form = |value: &Value| canonical(&parsed(value), &Scope::default());
    let (expected, actual) = (drift.expected.as_ref(), drift.actual.as_ref());
    if let Some(expected) = expected.and_then(form) {
        let mut compare = Compare::new(kind);
        let actual = actual.and_then(form);
        compare.property(path, &expected, actual.as_ref());
        if compare.found.is_empty() {
            return None;
        }
    }
    Some(Difference { path: path.to_owned(), expected: expected.cloned(), actual: actual.cloned() })
}

/// A document that detection gives as text.
fn parsed(value: &Value) -> Value {
    match value.as_str() {
        Some(text) if text.starts_with(['{', '[']) => {
            Value::from_json(text).unwrap_or_else(|_| value.clone())
        }
        _ => value.clone(),
    }
}

fn against_reading(
    kind: Option<&ResourceType>,
    evidence: &Evidence,
    live: &Value,
) -> Vec<Difference> {
    let live = canonical(live, &Scope::default()).unwrap_or_default();
    let live = without_foreign_tags(kind, &live, evidence);
    let empty = Map::new();
    let expected = evidence.expected.as_map().unwrap_or(&empty);
    let mut compare = Compare::new(kind);
    for (name, value) in expected.iter() {
        let value = match (evidence.kind.as_str(), name) {
            ("AWS::IAM::Role", "ManagedPolicyArns") => with(value, &evidence.attached),
            _ => value.clone(),
        };
        compare.property(name, &value, live.get(name));
    }
    let own = ADDITIONS.iter().find(|(kind, _)| *kind == evidence.kind);
    for name in own.map_or(&[][..], |(_, names)| names) {
        let Some(value) = live.get(name).filter(|_| expected.get(name).is_none()) else { continue };
        let silence = match *name {
            "ManagedPolicyArns" => with(&Value::List(Vec::new()), &evidence.attached),
            _ if value.as_list().is_some() => Value::List(Vec::new()),
            // Something is there where the template says nothing.
            _ if is_empty(value) => continue,
            _ => {
                compare.found.push(Difference {
                    path: (*name).to_owned(),
                    expected: None,
                    actual: Some(value.clone()),
                });
                continue;
            }
        };
        compare.property(name, &silence, Some(value));
    }
    if evidence.kind == "AWS::Glue::Table" {
        iceberg(expected, &live, &mut compare.found);
    }
    compare.found
}

/// The columns of an Iceberg table: the template gives them in a form that is never read back, the
/// Data Catalog tells them as those of any table.
fn iceberg(expected: &Map, live: &Value, found: &mut Vec<Difference>) {
    let fields = ["IcebergInput", "IcebergTableInput", "Schema", "Fields"];
    let declared = expected.get("OpenTableFormatInput").and_then(|input| input.at(&fields));
    let columns = live.at(&["TableInput", "StorageDescriptor", "Columns"]);
    let (Some(Value::List(declared)), Some(Value::List(columns))) = (declared, columns) else {
        return;
    };
    let name = |value: &Value| value.get("Name").and_then(Value::as_str).map(str::to_owned);
    let path = |name: &str| format!("TableInput/StorageDescriptor/Columns/[{name}]");
    let (wanted, there): (Vec<_>, Vec<_>) =
        (declared.iter().filter_map(name).collect(), columns.iter().filter_map(name).collect());
    for (own, column) in there.iter().zip(columns).filter(|(own, _)| !wanted.contains(own)) {
        let actual = Some(column.clone());
        found.push(Difference { path: path(own), expected: None, actual });
    }
    for (own, field) in wanted.iter().zip(declared).filter(|(own, _)| !there.contains(own)) {
        let expected = Some(field.clone());
        found.push(Difference { path: path(own), expected, actual: None });
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Map(map) => map.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Str(text) => text.is_empty(),
        _ => false,
    }
}

/// A list of texts with more in it, each once.
fn with(list: &Value, more: &[String]) -> Value {
    let mut all: Vec<Value> = list.as_list().unwrap_or_default().to_vec();
    for text in more {
        let text = Value::from(text.clone());
        if !all.contains(&text) {
            all.push(text);
        }
    }
    Value::List(all)
}

/// The live state without the tags that the stack hands on and those that AWS sets itself, unless
/// the template has them too.
fn without_foreign_tags(kind: Option<&ResourceType>, live: &Value, evidence: &Evidence) -> Value {
    let mut live = live.clone();
    let Some(property) = kind.and_then(|kind| kind.tags).map(|tags| tags.property) else {
        return live;
    };
    let own: Vec<String> = evidence
        .expected
        .get(property)
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(|tag| tag.get("Key").and_then(Value::as_str).map(str::to_owned))
        .collect();
    let foreign = |key: &str| {
        !own.iter().any(|known| known == key)
            && (key.starts_with("aws:") || evidence.stack_tags.contains_key(key))
    };
    match live.as_map_mut().and_then(|map| map.get_mut(property)) {
        Some(Value::List(tags)) => {
            tags.retain(|tag| !foreign(tag.get("Key").and_then(Value::as_str).unwrap_or_default()));
        }
        Some(Value::Map(tags)) => {
            let gone: Vec<String> =
                tags.iter().map(|(key, _)| key.to_owned()).filter(|key| foreign(key)).collect();
            for key in gone {
                tags.remove(&key);
            }
        }
        _ => {}
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::ResourceDrift;
    use crate::document;
    use crate::names::{LogicalId, Region, StackName};
    use crate::stacks::StackKey;
    use std::collections::BTreeMap;

    fn evidence(kind: &str, expected: Value, reading: Reading) -> Evidence {
        Evidence {
            stack: StackKey {
                region: Region::new("eu-west-1").unwrap(),
                name: StackName::new("acme-prod-flows").unwrap(),
            },
            logical_id: LogicalId::new("X").unwrap(),
            kind: kind.into(),
            physical_id: "x".into(),
            path: "x".into(),
            expected,
            attached: vec!["arn:aws:iam::111111111111:policy/ours".into()],
            stack_tags: BTreeMap::from([("owner".into(), "data".into())]),
            detected: None,
            reading,
        }
    }

    #[test]
    fn what_nobody_looked_at_is_unread() {
        let seen = evidence("AWS::KMS::Key", document!({}), Reading::Unread("not read".into()));
        assert_eq!(judge(&seen).verdict, Verdict::Unread("not read".into()));
        let mut detected = seen.clone();
        detected.detected = Some(ResourceDrift {
            logical_id: seen.logical_id.clone(),
            physical_id: "x".into(),
            kind: seen.kind.clone(),
            status: DriftStatus::NotChecked,
            differences: Vec::new(),
            actual: None,
        });
        assert_eq!(judge(&detected).verdict, Verdict::Unread("not read".into()));
    }

    #[test]
    fn additions_to_a_role_are_seen_and_our_own_are_none() {
        let role = |attached: Value, inline: Value| document!({"RoleName": "x", "ManagedPolicyArns": attached, "Policies": inline});
        let ours: Value = Value::List(vec!["arn:aws:iam::111111111111:policy/ours".into()]);
        let none = Value::List(Vec::new());
        let look = |live| {
            judge(&evidence(
                "AWS::IAM::Role",
                document!({"RoleName": "x"}),
                Reading::Properties(live),
            ))
        };
        assert_eq!(look(role(ours.clone(), none.clone())).verdict, Verdict::InSync);
        let paths = |report: ResourceReport| match report.verdict {
            Verdict::Modified(found) => found.into_iter().map(|one| one.path).collect(),
            other => vec![format!("{other:?}")],
        };
        let admin: Value = Value::List(vec![
            "arn:aws:iam::111111111111:policy/ours".into(),
            "arn:aws:iam::aws:policy/AdministratorAccess".into(),
        ]);
        assert_eq!(paths(look(role(admin, none.clone()))), ["ManagedPolicyArns"]);
        assert_eq!(
            paths(look(role(none.clone(), none.clone()))),
            ["ManagedPolicyArns"],
            "ours is detached"
        );
        let inline = document!([{"PolicyName": "extra", "PolicyDocument": {}}]);
        assert_eq!(paths(look(role(ours, inline))), ["Policies/[extra]"]);
    }

    #[test]
    fn tags_of_the_stack_are_no_additions() {
        let live = document!({"Tags": [{"Key": "owner", "Value": "data"}, {"Key": "aws:x", "Value": "y"}, {"Key": "own", "Value": "1"}]});
        let expected = document!({"Tags": [{"Key": "own", "Value": "1"}]});
        let report = judge(&evidence("AWS::S3::Bucket", expected, Reading::Properties(live)));
        assert_eq!(report.verdict, Verdict::InSync);
    }
}
