//! What a template says against what is there.
//!
//! In: two canonical values. Out: a [`Difference`] for each place where reality is another. A template
//! is silent on most of what a service keeps, so what it does not mention is equal, except where
//! silence has a meaning: in policies, and among the elements of a list. A function that could not
//! be written out is equal to everything.

use std::collections::BTreeSet;

use super::Difference;
use crate::canonical::intrinsic;
use crate::catalogue::ResourceType;
use crate::document::{Map, Value};

/// Keys by which the elements of a list are called, the first that fits.
const NAMES: [&str; 7] = ["Sid", "Id", "ID", "Name", "Key", "PolicyName", "AttributeName"];

/// Compares at a path.
pub(super) struct Compare<'a> {
    pub kind: Option<&'a ResourceType>,
    pub found: Vec<Difference>,
    path: Vec<String>,
}

impl<'a> Compare<'a> {
    pub(super) fn new(kind: Option<&'a ResourceType>) -> Self {
        Compare { kind, found: Vec::new(), path: Vec::new() }
    }

    /// Compares the value of one property.
    pub(super) fn property(&mut self, name: &str, expected: &Value, actual: Option<&Value>) {
        self.path.push(name.to_owned());
        self.value(expected, actual, false);
        self.path.pop();
    }

    fn note(&mut self, expected: Option<&Value>, actual: Option<&Value>) {
        self.found.push(Difference {
            path: self.path.join("/"),
            expected: expected.cloned(),
            actual: actual.cloned(),
        });
    }

    fn value(&mut self, expected: &Value, actual: Option<&Value>, strict: bool) {
        if is_open(expected) || self.write_only() {
            return;
        }
        let Some(actual) = actual else {
            if !is_nothing(expected) {
                self.note(Some(expected), None);
            }
            return;
        };
        match (expected, actual) {
            (Value::Map(expected), Value::Map(actual)) => {
                let strict = strict || expected.get("Statement").is_some();
                self.maps(expected, actual, strict);
            }
            // Some services give a document as text.
            (Value::Map(_), Value::Str(text)) => match Value::from_json(text) {
                Ok(Value::Map(read)) => self.value(expected, Some(&Value::Map(read)), strict),
                _ => self.note(Some(expected), Some(actual)),
            },
            (Value::List(wanted), Value::List(there)) => self.lists(wanted, there, strict),
            _ if same(expected, actual) => {}
            _ => self.note(Some(expected), Some(actual)),
        }
    }

    fn maps(&mut self, expected: &Map, actual: &Map, strict: bool) {
        for (key, value) in expected.iter() {
            self.path.push(key.to_owned());
            self.value(value, actual.get(key), strict);
            self.path.pop();
        }
        if strict {
            for (key, value) in actual.iter().filter(|(key, _)| expected.get(key).is_none()) {
                self.path.push(key.to_owned());
                self.note(None, Some(value));
                self.path.pop();
            }
        }
    }

    fn lists(&mut self, wanted: &[Value], there: &[Value], strict: bool) {
        if let Some(name) = name_of_elements(wanted, there) {
            self.named(name, wanted, there, strict);
            return;
        }
        let unordered = strict || self.unordered();
        let plain = wanted
            .iter()
            .chain(there)
            .all(|value| !matches!(value, Value::Map(_) | Value::List(_)));
        let equal = if unordered {
            wanted.len() == there.len() && rest(self.kind, wanted, there, false).is_empty()
        } else {
            wanted.len() == there.len()
                && wanted.iter().zip(there).all(|(wanted, there)| fits(self.kind, wanted, there))
        };
        if equal {
            return;
        }
        if unordered {
            let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::List(items));
            let missing = list(rest(self.kind, wanted, there, false));
            let added = list(rest(self.kind, there, wanted, true));
            if missing.is_some() {
                self.note(missing.as_ref(), None);
            }
            if added.is_some() {
                self.note(None, added.as_ref());
            }
            return;
        }
        if plain || wanted.len() != there.len() {
            let (expected, actual) = (Value::List(wanted.to_vec()), Value::List(there.to_vec()));
            self.note(Some(&expected), Some(&actual));
            return;
        }
        for (at, (wanted, there)) in wanted.iter().zip(there).enumerate() {
            self.path.push(at.to_string());
            self.value(wanted, Some(there), strict);
            self.path.pop();
        }
    }

    fn named(&mut self, name: &str, wanted: &[Value], there: &[Value], strict: bool) {
        let of = |value: &Value| value.get(name).and_then(Value::as_str).map(str::to_owned);
        for element in wanted {
            let Some(own) = of(element) else { continue };
            let actual = there.iter().find(|value| of(value).as_deref() == Some(own.as_str()));
            self.path.push(format!("[{own}]"));
            self.value(element, actual, strict);
            self.path.pop();
        }
        for element in there {
            let Some(own) = of(element) else { continue };
            if !wanted.iter().any(|value| of(value).as_deref() == Some(own.as_str())) {
                self.path.push(format!("[{own}]"));
                self.note(None, Some(element));
                self.path.pop();
            }
        }
        // The same elements in another order matter only where order does (columns).
        let order = |list: &[Value]| list.iter().filter_map(of).collect::<Vec<_>>();
        let (wanted_order, there_order) = (order(wanted), order(there));
        let same_names = wanted_order.iter().collect::<BTreeSet<_>>()
            == there_order.iter().collect::<BTreeSet<_>>();
        if same_names && wanted_order != there_order && !strict && self.is_columns() {
            let names = |list: Vec<String>| list.into_iter().collect::<Value>();
            self.note(Some(&names(wanted_order)), Some(&names(there_order)));
        }
    }

    /// Whether the service never tells what stands here.
    fn write_only(&self) -> bool {
        let Some(kind) = self.kind else { return false };
        kind.write_only.iter().any(|path| {
            let mut steps = path.split('/');
            let same = |(own, step): (&String, &str)| step == "*" || own == step;
            path.split('/').count() == self.path.len() && self.path.iter().zip(&mut steps).all(same)
        })
    }

    fn is_columns(&self) -> bool {
        self.path.last().is_some_and(|last| last == "Columns" || last == "PartitionKeys")
    }

    fn unordered(&self) -> bool {
        let steps: Vec<&str> = self
            .path
            .iter()
            .map(|step| if step.starts_with('[') { "*" } else { step.as_str() })
            .collect();
        self.kind.is_some_and(|kind| kind.unordered(&steps))
    }
}

/// Whether a value is there in another: nothing to report.
fn fits(kind: Option<&ResourceType>, expected: &Value, actual: &Value) -> bool {
    let mut compare = Compare::new(kind);
    compare.value(expected, Some(actual), false);
    compare.found.is_empty()
}

/// The elements of one list that have no counterpart in the other. `actual`: the first list is what
/// is there.
fn rest(kind: Option<&ResourceType>, of: &[Value], other: &[Value], actual: bool) -> Vec<Value> {
    let mut free: Vec<&Value> = other.iter().collect();
    let mut left = Vec::new();
    for one in of {
        let counterpart = free.iter().position(|candidate| match actual {
            true => fits(kind, candidate, one),
            false => fits(kind, one, candidate),
        });
        match counterpart {
            Some(at) => drop(free.swap_remove(at)),
            None => left.push(one.clone()),
        }
    }
    left
}

/// A function whose value is not known, alone or within a text.
fn is_open(value: &Value) -> bool {
    value.as_map().is_some_and(|map| intrinsic(map).is_some())
}

/// What a service need not tell: nothing, and the empty forms of nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Str(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty() || map.iter().all(|(_, value)| is_nothing(value)),
        _ => false,
    }
}

/// Whether two plain values are the same to CloudFormation: `"true"` is `true`, `"7"` is `7` is `7.0`.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    let text = |value: &Value| match value {
        Value::Str(text) => Some(text.to_string()),
        Value::Bool(_) | Value::Int(_) => Some(value.to_json()),
        Value::Float(number) if number.fract() == 0.0 => Some(format!("{number:.0}")),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    };
    match (text(a), text(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The key whose texts call each element of both lists by a name of its own.
fn name_of_elements(wanted: &[Value], there: &[Value]) -> Option<&'static str> {
    if wanted.is_empty() && there.is_empty() {
        return None;
    }
    NAMES.into_iter().find(|name| {
        let all_named = |list: &[Value]| {
            let mut seen = BTreeSet::new();
            list.iter().all(|value| {
                value
                    .get(name)
                    .and_then(Value::as_str)
                    .is_some_and(|own| seen.insert(own.to_owned()))
            })
        };
        all_named(wanted) && all_named(there)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Scope, canonical};
    use crate::catalogue::resource_type;
    use crate::document;

    fn found(kind: &str, property: &str, expected: Value, actual: Value) -> Vec<String> {
        let form = |value| canonical(&value, &Scope::default()).unwrap();
        let mut compare = Compare::new(resource_type(kind));
        compare.property(property, &form(expected), Some(&form(actual)));
        let mut paths: Vec<String> = compare.found.into_iter().map(|one| one.path).collect();
        paths.dedup();
        paths
    }

    #[test]
    fn spellings_and_defaults_are_no_drift() {
        for (expected, actual) in [
            (document!({"Days": 7}), document!({"Days": "7", "Other": "default"})),
            (document!({"On": "true"}), document!({"On": true})),
            (document!({"Rules": []}), document!({})),
            (document!({"Off": false}), document!({})),
            (document!({"A": {"Ref": "Unknown"}}), document!({"A": "anything"})),
            (document!({"A": {"Fn::Join": ["", ["x", {"Ref": "U"}]]}}), document!({"A": "xy"})),
        ] {
            assert!(
                found("AWS::S3::Bucket", "X", expected.clone(), actual).is_empty(),
                "{expected}"
            );
        }
    }

    #[test]
    fn policies_are_compared_statement_by_statement() {
        let one = document!({"Sid": "A", "Effect": "Allow", "Action": ["b", "a"], "Principal": "*", "Resource": "r"});
        let same = document!({"Sid": "A", "Effect": "Allow", "Action": ["a", "b"], "Principal": {"AWS": "*"}, "Resource": ["r"]});
        let more = document!({"Sid": "B", "Effect": "Allow", "Action": "c", "Principal": "*", "Resource": "r"});
        let wider = document!({"Sid": "A", "Effect": "Allow", "Action": "*", "Principal": "*", "Resource": "r"});
        let policy = |list: &[&Value]| {
            let list: Vec<Value> = list.iter().map(|one| (*one).clone()).collect();
            document!({"Version": "2012-10-17", "Statement": (list)})
        };
        let check = |expected: &[&Value], actual: &[&Value]| {
            found("AWS::S3::BucketPolicy", "PolicyDocument", policy(expected), policy(actual))
        };
        assert!(check(&[&one], &[&same]).is_empty());
        assert!(check(&[&one, &more], &[&more, &same]).is_empty());
        assert_eq!(check(&[&one], &[&one, &more]), ["PolicyDocument/Statement/[B]"]);
        assert_eq!(check(&[&one, &more], &[&one]), ["PolicyDocument/Statement/[B]"]);
        assert_eq!(check(&[&one], &[&wider]), ["PolicyDocument/Statement/[A]/Action"]);
        let mut conditional = one.clone();
        conditional.as_map_mut().unwrap().insert("Condition", document!({"Bool": {"x": "true"}}));
        assert_eq!(check(&[&conditional], &[&one]), ["PolicyDocument/Statement/[A]/Condition"]);
        assert_eq!(check(&[&one], &[&conditional]), ["PolicyDocument/Statement/[A]/Condition"]);
    }

    #[test]
    fn columns_have_an_order_and_rules_have_none() {
        let column = |name: &str| document!({"Name": (name.to_owned()), "Type": "string"});
        let table = |list: Vec<Value>| document!({"StorageDescriptor": {"Columns": (list)}});
        let check = |a: Vec<Value>, b: Vec<Value>| {
            found("AWS::Glue::Table", "TableInput", table(a), table(b))
        };
        assert!(check(vec![column("a")], vec![column("a")]).is_empty());
        assert_eq!(
            check(vec![column("a")], vec![column("a"), column("b")]),
            ["TableInput/StorageDescriptor/Columns/[b]"]
        );
        assert_eq!(
            check(vec![column("a"), column("b")], vec![column("b"), column("a")]),
            ["TableInput/StorageDescriptor/Columns"]
        );
    }
}
