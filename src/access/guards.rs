//! What of a resource guards data beside access: the values of [the catalogue's guards](guards) in its template.
//!
//! In: a resource of a template. Out: [`Guards`], with references resolved as far as the templates tell. What a
//! lifecycle rule lets go stands by the rule's filter, so that a rule with another name is the same.

use std::collections::BTreeMap;

use super::source::Source;
use super::state::Origin;
use super::template::{Reader, origin};
use crate::catalogue::{guards, resource_type};
use crate::document::{Map, Value};

/// The attribute that protects what holds data.
pub const PROTECTION: &str = "@DeletionPolicy";

/// The guards of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Guards {
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// Its ARN, or the reference in its place.
    pub subject: String,
    pub origin: Origin,
    /// By property and, of a lifecycle rule, what it is about: the value. What is not there has none.
    pub values: BTreeMap<(String, String), String>,
}

impl Reader<'_> {
    /// Notes the guards of a resource, if its kind has any.
    pub(super) fn guards(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let kind = definition.get("Type").and_then(Value::as_str).unwrap_or_default();
        let data = resource_type(kind).is_some_and(|known| known.holds_data);
        if !data && guards::of(kind).next().is_none() {
            return;
        }
        let mut values = BTreeMap::new();
        let mut note = |property: &str, what: String, value: Option<&Value>| {
            if let Some(value) = value {
                values.insert((property.to_owned(), what), self.texts.text(source, value));
            }
        };
        if data {
            note(PROTECTION, String::new(), definition.get("DeletionPolicy"));
        }
        for guard in guards::of(kind) {
            let steps: Vec<&str> = guard.property.split('/').collect();
            let value = definition.get("Properties").and_then(|all| all.at(&steps));
            if guard.expiry.is_empty() {
                note(&guard.property, String::new(), value);
                continue;
            }
            let rules = value.and_then(Value::as_list).unwrap_or_default();
            for rule in rules
                .iter()
                .filter(|rule| rule.get("Status").and_then(Value::as_str) != Some("Disabled"))
            {
                for property in &guard.expiry {
                    let steps: Vec<&str> = property.split('/').collect();
                    let what = format!("{} {}", steps[0], filter(rule));
                    note(&guard.property, what.trim_end().to_owned(), rule.at(&steps));
                }
            }
        }
        let subject = self.texts.arn(source, id);
        let origin = origin(source, id, definition);
        let own = Guards { kind: kind.to_owned(), subject, origin, values };
        self.state.guards.insert((source.name.clone(), id.to_owned()), own);
    }
}

/// Which objects a lifecycle rule is about, as text.
fn filter(rule: &Value) -> String {
    let keys = ["Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"];
    let mut map = Map::new();
    for key in keys {
        map.insert_some(key, rule.get(key).cloned());
    }
    match (map.len(), map.get("Prefix").and_then(Value::as_str)) {
        (0, _) => String::new(),
        (1, Some(prefix)) => format!("of {prefix}"),
        _ => format!("of {}", Value::Map(map).to_json()),
    }
}
