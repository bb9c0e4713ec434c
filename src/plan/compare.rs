//! What differs between two values, down to the leaves.
//!
//! In: two canonical values of one property. Out: a [`Difference`] for each place where they differ.
//! Elements with names (`Sid`, `Id`, `Name`, `Key`) are compared by name, so that one added statement
//! is one difference; a list of plain values is one leaf; a list whose order means nothing (by the
//! catalogue) is compared as a set. INVARIANT: equal values have no difference, different ones at
//! least one.

use std::collections::HashMap;

use crate::canonical::{intrinsic, set};
use crate::catalogue::ResourceType;
use crate::document::{Map, Value};

/// A place where two values differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// See [`super::PropertyChange::path`].
    pub path: Vec<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Keys by which the elements of a list are called, the first that fits.
const NAMES: [&str; 9] = [
    "Sid",
    "Id",
    "Name",
    "Key",
    "IndexName",
    "PolicyName",
    "StatementId",
    "AttributeName",
    "RuleName",
];

/// Compares two values at a path; `kind` knows which lists are sets.
pub(super) fn compare(
    kind: Option<&ResourceType>,
    path: &mut Vec<String>,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (before, after) {
        (Some(before), Some(after)) if same(before, after) => {}
        (Some(Value::Map(before)), Some(Value::Map(after)))
            if intrinsic(before).is_none() && intrinsic(after).is_none() =>
        {
            maps(kind, path, before, after, found);
        }
        (Some(Value::List(old)), Some(Value::List(new))) => {
            let unordered = unordered(kind, path);
            let (mut old, mut new) = (old.as_slice(), new.as_slice());
            let rest;
            if is_statements(path) {
                rest = renamed(old, new);
                (old, new) = (&rest.0, &rest.1);
            }
            if old.iter().chain(new).all(is_plain) && !is_statements(path) {
                let equal = unordered
                    && set(before.cloned().unwrap_or_default())
                        == set(after.cloned().unwrap_or_default());
                if !equal {
                    found.push(difference(path, before, after));
                }
            } else if let Some(name) = name_of_elements(old, new) {
                named(kind, path, (old, new), name, unordered, found);
            } else {
                lists(kind, path, old, new, unordered, found);
            }
        }
        (None, None) => {}
        _ => found.push(difference(path, before, after)),
    }
}

/// The path with what the catalogue understands: names of elements become `*`.
pub(super) fn catalogue_path(path: &[String]) -> Vec<&str> {
    path.iter().map(|step| if step.starts_with('[') { "*" } else { step.as_str() }).collect()
}

/// Whether two values are the same to CloudFormation, which takes `"true"` for `true` and `"7"` for
/// `7`.
fn same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Bool(_) | Value::Int(_) | Value::Float(_), Value::Str(text)) => {
            before.to_json() == **text
        }
        (Value::Str(_), Value::Bool(_) | Value::Int(_) | Value::Float(_)) => same(after, before),
        _ => before == after,
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Map(map) => intrinsic(map).is_some(),
        Value::List(_) => false,
        _ => true,
    }
}

fn difference(path: &[String], before: Option<&Value>, after: Option<&Value>) -> Difference {
    Difference { path: path.to_vec(), before: before.cloned(), after: after.cloned() }
}

fn maps(
    kind: Option<&ResourceType>,
    path: &mut Vec<String>,
    before: &Map,
    after: &Map,
    found: &mut Vec<Difference>,
) {
    let mut keys: Vec<&str> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        path.push(key.to_owned());
        compare(kind, path, before.get(key), after.get(key), found);
        path.pop();
    }
}

/// The key whose texts call each element of both lists by a name of its own.
pub(super) fn name_of_elements(before: &[Value], after: &[Value]) -> Option<&'static str> {
    if before.is_empty() && after.is_empty() {
        return None;
    }
    NAMES.into_iter().find(|key| {
        [before, after].iter().all(|list| {
            let mut names: Vec<&str> = Vec::with_capacity(list.len());
            for element in *list {
                match element.get(key).and_then(Value::as_str) {
                    Some(name) => names.push(name),
                    None => return false,
                }
            }
            names.sort_unstable();
            names.windows(2).all(|pair| pair[0] != pair[1])
        })
    })
}

fn named(
    kind: Option<&ResourceType>,
    path: &mut Vec<String>,
    (before, after): (&[Value], &[Value]),
    name: &str,
    unordered: bool,
    found: &mut Vec<Difference>,
) {
    let called =
        |element: &Value| element.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let old: HashMap<String, &Value> = before.iter().map(|one| (called(one), one)).collect();
    let new: HashMap<String, &Value> = after.iter().map(|one| (called(one), one)).collect();
    if !(unordered || is_statements(path)) {
        let stays = |list: &[Value], other: &HashMap<String, &Value>| -> Vec<String> {
            list.iter().map(called).filter(|name| other.contains_key(name)).collect()
        };
        if stays(before, &new) != stays(after, &old) {
            let list = |list: &[Value]| Some(Value::List(list.to_vec()));
            found.push(Difference { path: path.clone(), before: list(before), after: list(after) });
            return;
        }
    }
    let gone = before.iter().map(called).filter(|name| !new.contains_key(name));
    for name in gone.collect::<Vec<_>>().into_iter().chain(after.iter().map(called)) {
        path.push(format!("[{name}]"));
        compare(kind, path, old.get(&name).copied(), new.get(&name).copied(), found);
        path.pop();
    }
}

/// Elements without names: equal ones are matched (at both ends, or anywhere in a set), what is left
/// is compared by position.
fn lists(
    kind: Option<&ResourceType>,
    path: &mut Vec<String>,
    before: &[Value],
    after: &[Value],
    unordered: bool,
    found: &mut Vec<Difference>,
) {
    let mut old: Vec<(usize, &Value)> = before.iter().enumerate().collect();
    let mut new: Vec<(usize, &Value)> = after.iter().enumerate().collect();
    if unordered || is_statements(path) {
        let mut texts: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, value) in &old {
            texts.entry(value.to_json()).or_default().push(*at);
        }
        let mut matched: Vec<usize> = Vec::new();
        new.retain(|(_, value)| match texts.get_mut(&value.to_json()).and_then(Vec::pop) {
            Some(at) => {
                matched.push(at);
                false
            }
            None => true,
        });
        matched.sort_unstable();
        old.retain(|(at, _)| matched.binary_search(at).is_err());
    } else {
        let front = before.iter().zip(after).take_while(|(a, b)| same(a, b)).count();
        let most = before.len().min(after.len()) - front;
        let back = before.iter().rev().zip(after.iter().rev()).take(most);
        let back = back.take_while(|(a, b)| same(a, b)).count();
        old = old[front..old.len() - back].to_vec();
        new = new[front..new.len() - back].to_vec();
    }
    let pairs = old.len().min(new.len());
    for at in 0..old.len().max(new.len()) {
        let position = if at < pairs || at < new.len() { new[at].0 } else { old[at].0 };
        path.push(position.to_string());
        let before = old.get(at).map(|(_, value)| *value);
        compare(kind, path, before, new.get(at).map(|(_, value)| *value), found);
        path.pop();
    }
}

fn is_statements(path: &[String]) -> bool {
    path.last().is_some_and(|step| step == "Statement")
}

/// The statements of two policies without those that differ in nothing but their names: a `Sid` with
/// a number is another one as soon as a statement comes before it.
fn renamed(before: &[Value], after: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let bare = |statement: &Value| {
        let mut statement = statement.clone();
        if let Some(map) = statement.as_map_mut() {
            map.remove("Sid");
        }
        statement.to_json()
    };
    // Those that keep their names first, so that twins pair up with themselves.
    let mut old: Vec<Option<&Value>> = before.iter().map(Some).collect();
    let mut new: Vec<Option<&Value>> = after.iter().map(Some).collect();
    for one in &mut new {
        if let Some(same) = old.iter_mut().find(|other| other.is_some() && *other == one) {
            (*same, *one) = (None, None);
        }
    }
    let mut texts: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, statement) in old.iter().enumerate().rev() {
        if let Some(statement) = statement {
            texts.entry(bare(statement)).or_default().push(at);
        }
    }
    for one in &mut new {
        let twin = one.and_then(|one| texts.get_mut(&bare(one))).and_then(Vec::pop);
        if let Some(at) = twin {
            (old[at], *one) = (None, None);
        }
    }
    let left = |list: Vec<Option<&Value>>| list.into_iter().flatten().cloned().collect();
    (left(old), left(new))
}

/// Whether the order of the list at the path means nothing.
fn unordered(kind: Option<&ResourceType>, path: &[String]) -> bool {
    !path.is_empty()
        && !path[0].starts_with('@')
        && kind.is_some_and(|kind| kind.unordered(&catalogue_path(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::resource_type;

    fn paths(kind: &str, before: &str, after: &str) -> Vec<String> {
        let mut found = Vec::new();
        let value = |text| Value::from_json(text).unwrap();
        let (before, after) = (value(before), value(after));
        let kind = resource_type(kind);
        compare(kind, &mut Vec::new(), Some(&before), Some(&after), &mut found);
        found.into_iter().map(|one| one.path.join(".")).collect()
    }

    #[test]
    fn sets_have_no_order_and_columns_have() {
        let tags = |order: [&str; 2]| {
            let one = |key: &str| format!(r#"{{"Key":"{key}","Value":"x"}}"#);
            format!(r#"{{"Tags":[{},{}]}}"#, one(order[0]), one(order[1]))
        };
        assert!(paths("AWS::S3::Bucket", &tags(["a", "b"]), &tags(["b", "a"])).is_empty());
        let table = |order: [&str; 2]| {
            let one = |key: &str| format!(r#"{{"Name":"{key}","Type":"int"}}"#);
            let columns = format!("{},{}", one(order[0]), one(order[1]));
            format!(r#"{{"TableInput":{{"StorageDescriptor":{{"Columns":[{columns}]}}}}}}"#)
        };
        assert_eq!(
            paths("AWS::Glue::Table", &table(["a", "b"]), &table(["b", "a"])),
            ["TableInput.StorageDescriptor.Columns"]
        );
    }

    #[test]
    fn an_element_with_a_name_is_one_difference() {
        let before = r#"{"Rules":[{"Id":"a","N":1},{"Id":"b","N":1}]}"#;
        let after = r#"{"Rules":[{"Id":"new","N":1},{"Id":"a","N":1},{"Id":"b","N":2}]}"#;
        assert_eq!(paths("None", before, after), ["Rules.[new]", "Rules.[b].N"]);
    }

    #[test]
    fn a_statement_with_another_name_is_the_same() {
        let before = r#"{"Statement":[{"Sid":"A","X":1},{"Sid":"B","X":2}]}"#;
        let after = r#"{"Statement":[{"Sid":"A","X":3},{"Sid":"A2","X":1},{"Sid":"B","X":2}]}"#;
        assert_eq!(paths("None", before, after), ["Statement.[A]"]);
        let twins = r#"{"Statement":[{"Sid":"B","X":2},{"Sid":"A","X":2}]}"#;
        let both = r#"{"Statement":[{"Sid":"A","X":2},{"Sid":"B","X":2}]}"#;
        assert!(paths("None", twins, both).is_empty());
    }

    #[test]
    fn numbers_and_texts_of_them_are_the_same() {
        assert!(paths("None", r#"{"A":"7","B":true}"#, r#"{"A":7,"B":"true"}"#).is_empty());
        assert_eq!(paths("None", r#"{"A":"07"}"#, r#"{"A":7}"#), ["A"]);
    }

    #[test]
    fn elements_without_names_are_matched_from_both_ends() {
        let before = r#"{"L":[{"a":1},{"a":2},{"a":3}]}"#;
        assert_eq!(paths("None", before, r#"{"L":[{"a":1},{"a":9},{"a":2},{"a":3}]}"#), ["L.1"]);
        assert_eq!(paths("None", before, r#"{"L":[{"a":1},{"a":3}]}"#), ["L.1"]);
        assert_eq!(paths("None", before, r#"{"L":[{"a":1},{"a":7},{"a":3}]}"#), ["L.1.a"]);
    }
}
