//! JSON documents as values: small, ordered, comparable.
//!
//! Templates, policies and what a cloud reports are all JSON. `serde_json::Value` spends some
//! 600 bytes on the smallest object; a lake of ten thousand resources holds a hundred thousand of
//! them, so this one keeps an object as a sorted vector of pairs.
//! Invariant: the keys of a [`Value::Map`] are strictly ascending by bytes, so that equal documents
//! are equal values and print the same bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is often a literal of ours (`"Type"`, `"Ref"`) and then costs no allocation.
pub type Text = Cow<'static, str>;

/// A JSON document. Numbers are 64-bit integers where they are whole, else doubles.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Text),
    List(Vec<Value>),
    Map(Map),
}

/// An object: pairs in ascending order of their keys, no key twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map(Vec<(Text, Value)>);

impl Map {
    /// An empty object.
    pub const fn new() -> Self {
        Map(Vec::new())
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value under `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).ok().map(|at| &self.0[at].1)
    }

    /// The value under `key`, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.position(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Puts `value` under `key`; what stood there before is returned.
    pub fn insert(&mut self, key: impl Into<Text>, value: impl Into<Value>) -> Option<Value> {
        let key = key.into();
        match self.position(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value.into())),
            Err(at) => {
                self.0.insert(at, (key, value.into()));
                None
            }
        }
    }

    /// Puts `value` under `key` if there is a value.
    pub fn insert_some(&mut self, key: impl Into<Text>, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.insert(key, value);
        }
    }

    /// Takes the pair under `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.position(key).ok().map(|at| self.0.remove(at).1)
    }

    /// The pairs in ascending order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The pairs in ascending order, values to be changed in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (&**key, value))
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_ref().cmp(key))
    }
}

impl FromIterator<(Text, Value)> for Map {
    /// Of pairs with the same key the last one stays.
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.reverse();
        pairs.dedup_by(|a, b| a.0 == b.0);
        pairs.reverse();
        pairs.shrink_to_fit();
        Map(pairs)
    }
}

impl IntoIterator for Map {
    type Item = (Text, Value);
    type IntoIter = std::vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Value {
    /// The object, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The object, to be changed in place.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The value under `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// The value at a path of keys and (decimal) list positions.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, step| match value {
            Value::Map(map) => map.get(step),
            Value::List(list) => step.parse::<usize>().ok().and_then(|at| list.get(at)),
            _ => None,
        })
    }

    /// The field's word for the kind of this value, as JSON names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Float(_) => "number",
            Value::Str(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        }
    }

    /// Reads a JSON text. The error names line and column.
    pub fn from_json(text: &str) -> Result<Value, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The document on one line, keys ascending: the canonical form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: a document has text keys and finite numbers")
    }

    /// The document with two spaces of indentation, keys ascending.
    pub fn to_json_pretty(&self) -> String {
        serde_json::to_string_pretty(self)
            .expect("invariant: a document has text keys and finite numbers")
    }
}

impl Value {
    /// The bytes that [`Value::to_json_pretty`] would give, without writing them.
    pub fn pretty_size(&self) -> usize {
        struct Counter(usize);
        impl std::io::Write for Counter {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0 += bytes.len();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut counter = Counter(0);
        serde_json::to_writer_pretty(&mut counter, self)
            .expect("invariant: a document has text keys and finite numbers");
        counter.0
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

macro_rules! into_value {
    ($($from:ty => $make:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Value {
                let make: fn($from) -> Value = $make;
                make(value)
            }
        }
    )*};
}

into_value! {
    bool => Value::Bool;
    i64 => Value::Int;
    i32 => |n| Value::Int(n.into());
    u32 => |n| Value::Int(n.into());
    f64 => Value::Float;
    String => |s| Value::Str(Cow::Owned(s));
    &'static str => |s| Value::Str(Cow::Borrowed(s));
    Text => Value::Str;
    Map => Value::Map;
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Value {
        Value::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => out.serialize_unit(),
            Value::Bool(value) => out.serialize_bool(*value),
            Value::Int(value) => out.serialize_i64(*value),
            Value::Float(value) => out.serialize_f64(*value),
            Value::Str(value) => out.serialize_str(value),
            Value::List(list) => out.collect_seq(list),
            Value::Map(map) => map.serialize(out),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut pairs = out.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            pairs.serialize_entry(key, value)?;
        }
        pairs.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON document")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Int(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Str(Cow::Owned(value.to_owned())))
            }
            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(Value::Str(Cow::Owned(value)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
                let mut list: Vec<(Text, Value)> = Vec::new();
                while let Some((key, value)) = pairs.next_entry::<String, Value>()? {
                    list.push((Cow::Owned(key), value));
                }
                Ok(Value::Map(list.into_iter().collect()))
            }
        }

        input.deserialize_any(Read)
    }
}

/// Builds a document the way it reads in JSON: `document!({"Ref": name, "List": [1, 2]})`.
///
/// Keys are literals; a value is a nested object or list, or any expression that turns into a
/// [`Value`].
#[macro_export]
macro_rules! document {
    ({ $($key:literal : $value:tt),* $(,)? }) => {{
        #[allow(unused_mut)]
        let mut map = $crate::document::Map::new();
        $( map.insert($key, $crate::document!($value)); )*
        $crate::document::Value::Map(map)
    }};
    ([ $($value:tt),* $(,)? ]) => {
        $crate::document::Value::List(vec![ $( $crate::document!($value) ),* ])
    };
    (null) => { $crate::document::Value::Null };
    ($value:expr) => { $crate::document::Value::from($value) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_the_last_of_equal_keys_stays() {
        let value = Value::from_json(r#"{"b": 1, "a": [true, null, 1.5], "b": 2}"#).unwrap();
        assert_eq!(value.to_json(), r#"{"a":[true,null,1.5],"b":2}"#);
        assert_eq!(value.at(&["a", "0"]), Some(&Value::Bool(true)));
        assert_eq!(value.pretty_size(), value.to_json_pretty().len());
        assert_eq!(value.at(&["a", "3"]), None);
    }

    #[test]
    fn the_macro_nests() {
        let name = String::from("raw");
        let value = document!({"Z": {"Ref": (name)}, "A": [1, "x", {}]});
        assert_eq!(value.to_json(), r#"{"A":[1,"x",{}],"Z":{"Ref":"raw"}}"#);
    }

    #[test]
    fn a_value_is_small() {
        assert!(size_of::<Value>() <= 32, "{}", size_of::<Value>());
    }
}
