//! The JSON Schema of the language, from the same shapes that decode it.
//!
//! For editors: completion, descriptions, a red line under a misspelled key. It judges form alone; what
//! refers to what is the compiler's to say. INVARIANT: whatever the compiler takes, the schema takes
//! (a test holds both to the corpus). So a key that a thing must have is not asked for where `defaults`
//! or an environment's `set` may bring it.

use std::collections::BTreeMap;

use super::decode::{Decode, FieldShape, RecordShape, Shape};
use super::{Spec, WITH_DEFAULTS};
use crate::document;
use crate::document::{Map, Value};

pub use super::manual::reference;

/// Where the schema is published; stays as long as `lakewright: 1` does.
pub const ID: &str = "https://lakewright.dev/schema/v1/lake.schema.json";

/// The schema, in the dialect of JSON Schema 2020-12.
pub fn json_schema() -> Value {
    let mut schemas = Schemas::default();
    let Shape::Record(spec) = Spec::shape() else {
        unreachable!("invariant: a spec is a map with known keys")
    };
    let spec = spec();
    let mut root = schemas.record(&spec, Form::Whole);
    root.insert("type", "object");
    root.insert("$schema", "https://json-schema.org/draft/2020-12/schema");
    root.insert("$id", ID);
    root.insert("title", "lakewright: a data lake on AWS");
    if let Some(Value::List(required)) = root.get_mut("required") {
        required.push("environments".into());
    }
    root.insert("allOf", conditions(&spec));
    // What `set` lays over the spec: parts of everything but what makes it this spec.
    let fixed = ["lakewright", "lake", "environments"];
    let fields = spec.fields.into_iter().filter(|field| !fixed.contains(&field.key)).collect();
    let part = RecordShape { name: "SpecPart", doc: "Parts of a spec.", fields };
    let part = schemas.record(&part, Form::Part);
    schemas.definitions.insert("SpecPart".to_owned(), part.into());
    let definitions: Map =
        schemas.definitions.into_iter().map(|(name, value)| (name.into(), value)).collect();
    root.insert("$defs", definitions);
    root.into()
}

/// Whether a map stands for itself, or is laid over or under another one that has the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Part,
}

#[derive(Default)]
struct Schemas {
    definitions: BTreeMap<String, Value>,
}

impl Schemas {
    fn of(&mut self, shape: &Shape, form: Form) -> Value {
        match shape {
            Shape::Boolean => document!({"type": "boolean"}),
            Shape::Integer { min, max } => {
                document!({"type": "integer", "minimum": (*min), "maximum": (*max)})
            }
            Shape::Number => document!({"type": "number"}),
            Shape::Scalar { what } => document!({
                "type": ["string", "number", "boolean"], "description": (capital(what))
            }),
            Shape::Text { what, pattern } => {
                let mut text = Map::new();
                text.insert("type", "string");
                text.insert("description", capital(what));
                text.insert_some("pattern", pattern.clone());
                let example =
                    what.split_once("such as `").and_then(|(_, rest)| rest.split_once('`'));
                text.insert_some(
                    "examples",
                    example.map(|(example, _)| vec![Value::from(example.to_owned())]),
                );
                text.into()
            }
            Shape::Word(words) => {
                let words = words.iter().map(|(word, meaning)| {
                    document!({"const": (plain(word)), "description": (flowing(meaning))})
                });
                document!({"oneOf": (words.collect::<Vec<Value>>())})
            }
            // An element of a list is never merged with another: it is whole wherever it stands.
            Shape::List(element) => {
                let items = self.of(element, Form::Whole);
                document!({"type": "array", "items": (items)})
            }
            Shape::Filled(shape) => filled(self.of(shape, form), form),
            Shape::Map { pattern, empty, values, .. } => {
                let mut values = self.of(values, form);
                if *empty || form == Form::Part {
                    values = nullable(values);
                }
                match pattern {
                    None => document!({"type": "object", "additionalProperties": (values)}),
                    Some(pattern) => {
                        let mut patterns = Map::new();
                        patterns.insert(*pattern, values);
                        document!({
                            "type": "object",
                            "patternProperties": (patterns),
                            "additionalProperties": false
                        })
                    }
                }
            }
            Shape::Record(record) => self.reference(&record(), form),
            Shape::Either(shapes) => {
                let any: Vec<Value> = shapes.iter().map(|shape| self.of(shape, form)).collect();
                document!({"anyOf": (any)})
            }
            Shape::Anything => Map::new().into(),
        }
    }

    /// A reference to the record's definition, which is made if it is not there yet.
    fn reference(&mut self, record: &RecordShape, form: Form) -> Value {
        let name = match form {
            Form::Whole => record.name.to_owned(),
            Form::Part => format!("{}Part", record.name),
        };
        if !self.definitions.contains_key(&name) {
            // Holds the place: a record may hold itself.
            self.definitions.insert(name.clone(), Value::Null);
            let definition = self.record(record, form);
            self.definitions.insert(name.clone(), definition.into());
        }
        // The definition takes nothing as well: a place that does not says so beside the reference. Like
        // this no `anyOf` stands between a map and what is wrong in it.
        document!({"$ref": (format!("#/$defs/{name}")), "type": "object"})
    }

    fn record(&mut self, record: &RecordShape, form: Form) -> Map {
        let mut properties = Map::new();
        for field in &record.fields {
            properties.insert(field.key, self.field(record, field, form));
        }
        let asks = |field: &&FieldShape| field.required && !may_be_elsewhere(record.name);
        let required: Vec<Value> =
            record.fields.iter().filter(asks).map(|field| field.key.into()).collect();
        let mut map = Map::new();
        map.insert("type", vec!["object", "null"]);
        map.insert("description", flowing(record.doc));
        map.insert("properties", properties);
        if form == Form::Whole && !required.is_empty() {
            map.insert("required", required);
        }
        map.insert("additionalProperties", false);
        map
    }

    fn field(&mut self, record: &RecordShape, field: &FieldShape, form: Form) -> Value {
        let mut schema = match (record.name, field.key) {
            ("Environment", "set") => document!({"$ref": "#/$defs/SpecPart", "type": "object"}),
            // A default is laid under things: it is a part of one.
            ("Defaults", _) => self.of(&field.shape, Form::Part),
            _ => self.of(&field.shape, form),
        };
        if !field.required || form == Form::Part {
            schema = nullable(schema);
        }
        let doc = flowing(field.doc);
        if let Value::Map(map) = &mut schema {
            map.insert_some("default", default(&doc));
            map.insert("description", doc);
        }
        schema
    }
}

/// Records whose required keys [`conditions`] asks for.
fn may_be_elsewhere(record: &str) -> bool {
    matches!(record, "Key" | "Bucket" | "Database" | "Source" | "Pipeline")
}

/// For each key that a thing of a section must have: the thing has it, unless `defaults` has it or some
/// environment's `set` touches the section or the defaults.
fn conditions(spec: &RecordShape) -> Vec<Value> {
    let mut conditions = Vec::new();
    for section in WITH_DEFAULTS {
        let field = spec.fields.iter().find(|field| field.key == section);
        let Some(Shape::Map { values, .. }) = field.map(|field| &field.shape) else { continue };
        let Shape::Record(record) = &**values else { continue };
        for key in record().fields.iter().filter(|field| field.required).map(|field| field.key) {
            let in_defaults = within("defaults", within(section, document!({"required": [key]})));
            let set = document!({"anyOf": [
                {"required": [section]},
                {"required": ["defaults"]}
            ]});
            // Some environment has such a `set`: not all have none.
            let none = document!({"not": (within("set", set))});
            let environments = document!({"not": {"additionalProperties": (none)}});
            let in_set = within("environments", environments);
            let thing = document!({"additionalProperties": {"required": [key]}});
            let mut things = Map::new();
            things.insert(section, thing);
            conditions.push(document!({
                "if": {"anyOf": [(in_defaults), (in_set)]},
                "then": true,
                "else": {"properties": (things)}
            }));
        }
    }
    conditions
}

/// The map has the key, and what is under it fits.
fn within(key: &'static str, schema: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(key, schema);
    document!({"required": [key], "properties": (properties)})
}

/// The schema, or nothing.
fn nullable(schema: Value) -> Value {
    let Value::Map(mut map) = schema else { return schema };
    if map.is_empty() {
        return map.into();
    }
    if let Some(kind) = map.get_mut("type") {
        let mut kinds = match std::mem::take(kind) {
            Value::List(kinds) => kinds,
            one => vec![one],
        };
        kinds.push("null".into());
        *kind = kinds.into();
        return map.into();
    }
    if let Some(Value::List(any)) = map.get_mut("anyOf") {
        any.push(document!({"type": "null"}));
        return map.into();
    }
    document!({"anyOf": [(Value::Map(map)), {"type": "null"}]})
}

/// The schema, of which lists and maps hold at least one element. A map that is laid over another one may
/// add nothing to it.
fn filled(schema: Value, form: Form) -> Value {
    let Value::Map(mut map) = schema else { return schema };
    if let Some(Value::List(any)) = map.get_mut("anyOf") {
        *any = std::mem::take(any).into_iter().map(|one| filled(one, form)).collect();
    }
    match map.get("type").and_then(Value::as_str) {
        Some("array") => drop(map.insert("minItems", 1)),
        Some("object") if form == Form::Whole => drop(map.insert("minProperties", 1)),
        _ => {}
    }
    map.into()
}

/// A word as YAML reads it.
fn plain(word: &'static str) -> Value {
    match word {
        "true" => true.into(),
        "false" => false.into(),
        word => word.into(),
    }
}

/// The value that a description gives as the default, if it can be written down.
fn default(doc: &str) -> Option<Value> {
    let (_, rest) = doc.split_once("Default: ")?;
    let text = match rest.strip_prefix('`') {
        Some(quoted) => quoted.split_once('`')?.0,
        None => rest.split(['.', ' ', ',']).next()?,
    };
    match text {
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        text if text.contains(['<', ' ']) || text.is_empty() => None,
        text => match text.parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) if rest.starts_with('`') => Some(text.to_owned().into()),
            Err(_) => None,
        },
    }
}

/// The lines of a doc comment as one paragraph.
pub(super) fn flowing(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of every map has something to say.
    #[test]
    fn every_key_has_a_description() {
        fn walk(path: &str, value: &Value, count: &mut usize) {
            if let Some(properties) = value.get("properties").and_then(Value::as_map) {
                for (key, schema) in properties.iter() {
                    // The conditions name keys again without describing them.
                    if path.contains("/allOf") {
                        continue;
                    }
                    let text = schema.get("description").and_then(Value::as_str).unwrap_or("");
                    assert!(text.len() > 5, "{path}/{key} has no description");
                    *count += 1;
                }
            }
            match value {
                Value::Map(map) => {
                    map.iter()
                        .for_each(|(key, value)| walk(&format!("{path}/{key}"), value, count));
                }
                Value::List(list) => {
                    list.iter().for_each(|value| walk(&format!("{path}/-"), value, count));
                }
                _ => {}
            }
        }
        let mut count = 0;
        walk("", &json_schema(), &mut count);
        assert!(count > 200, "only {count} keys");
    }

    #[test]
    fn defaults_are_read_from_descriptions() {
        assert_eq!(default("Whether. Default: `true`."), Some(true.into()));
        assert_eq!(default("How long. Default: `7d`."), Some("7d".into()));
        assert_eq!(default("How many. Default: 2."), Some(2.into()));
        assert_eq!(default("A name. Default: `<lake>-<name>`."), None);
        assert_eq!(default("When. Default: only when it is started."), None);
        assert_eq!(default("What."), None);
    }
}
