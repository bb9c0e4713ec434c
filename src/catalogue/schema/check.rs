//! Compares properties with the schema of their type.
//!
//! Tolerant where CloudFormation is: an intrinsic function may stand for any value (both sides of `Fn::If` are
//! checked), and scalars may be written as each other (`"3"` for 3, `"true"` for true).

use super::super::nearest::nearest;
use super::super::types::{ResourceType, resource_type, suggest_type};
use super::{Id, Kinds, Node, Schema, of};
use crate::document::{Map, Value};

/// A place where properties are not what their type takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Keys and list positions, from the properties down; empty: the properties as a whole.
    pub path: Vec<String>,
    /// What is wrong there, in lower case, the user's text in backticks.
    pub message: String,
}

/// Every violation of a type's schema in the properties of a resource, in the order of the properties.
pub fn check(type_name: &str, properties: &Value) -> Vec<Violation> {
    let (Some(known), Some(schema)) = (resource_type(type_name), of(type_name)) else {
        let hint = suggest_type(type_name)
            .map_or(String::new(), |name| format!(", did you mean `{name}`?"));
        return vec![Violation {
            path: Vec::new(),
            message: format!("there are no facts about the resource type `{type_name}`{hint}"),
        }];
    };
    let mut checker = Checker { schema, path: Vec::new(), found: Vec::new() };
    checker.value(0, properties);
    checker.read_only(known, properties);
    checker.tags(known, properties);
    checker.found
}

struct Checker<'a> {
    schema: &'static Schema,
    path: Vec<Step<'a>>,
    found: Vec<Violation>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Position(usize),
}

/// An intrinsic function, which stands for a value that only CloudFormation knows.
fn intrinsic(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_map().filter(|map| map.len() == 1)?;
    map.iter().next().filter(|(key, _)| *key == "Ref" || key.starts_with("Fn::"))
}

fn is_nothing(value: &Value) -> bool {
    matches!(intrinsic(value), Some(("Ref", Value::Str(name))) if name == "AWS::NoValue")
}

impl<'a> Checker<'a> {
    fn report(&mut self, message: String) {
        let written = |step: &Step| match step {
            Step::Key(key) => (*key).to_owned(),
            Step::Position(at) => at.to_string(),
        };
        self.found.push(Violation { path: self.path.iter().map(written).collect(), message });
    }

    fn inside(&mut self, step: Step<'a>, id: Id, value: &'a Value) {
        self.path.push(step);
        self.value(id, value);
        self.path.pop();
    }

    fn value(&mut self, id: Id, value: &'a Value) {
        match intrinsic(value) {
            Some((name @ "Fn::If", Value::List(parts))) => {
                self.path.push(Step::Key(name));
                for (at, part) in parts.iter().enumerate().skip(1) {
                    self.inside(Step::Position(at), id, part);
                }
                self.path.pop();
            }
            Some(_) => {}
            None => self.plain(id, value),
        }
    }

    /// A value that is no intrinsic function.
    fn plain(&mut self, id: Id, value: &'a Value) {
        let node: &'static Node = &self.schema.nodes[id];
        if !fits(node.kinds, value) {
            self.report(format!("expected {}, found {}", expected(node.kinds), found(value)));
            return;
        }
        if let Some(reference) = node.reference {
            self.plain(reference, value);
        }
        match value {
            Value::Map(map) => self.object(node, map),
            Value::List(list) => self.list(node, list),
            _ => self.scalar(node, value),
        }
        for id in &node.all_of {
            self.plain(*id, value);
        }
        if !node.any_of.is_empty() {
            self.alternatives(&node.any_of, false, value);
        }
        if !node.one_of.is_empty() {
            self.alternatives(&node.one_of, true, value);
        }
    }

    fn object(&mut self, node: &'static Node, map: &'a Map) {
        for (key, value) in map.iter() {
            if let Some(id) = node.property(key) {
                if !is_nothing(value) {
                    self.inside(Step::Key(key), id, value);
                }
            } else if node.closed && !key.starts_with("Fn::") {
                self.path.push(Step::Key(key));
                let names = node.properties.iter().map(|(name, _)| *name);
                let hint = nearest(key, names)
                    .map_or(String::new(), |name| format!(", did you mean `{name}`?"));
                self.report(format!("unknown property `{key}`{hint}"));
                self.path.pop();
            }
        }
        let has = |key: &&&str| map.get(key).is_some_and(|value| !is_nothing(value));
        for key in &node.required {
            if !has(&key) && map.get("Fn::Transform").is_none() {
                self.report(format!("`{key}` is required"));
            }
        }
        if !node.one_key.is_empty() {
            let given: Vec<_> = node.one_key.iter().filter(has).collect();
            match given.as_slice() {
                [] => self.report(format!("exactly one of {} is required", list_of(&node.one_key))),
                [_] => {}
                _ => self.report(format!("only one of {} can be given", list_of(&node.one_key))),
            }
        }
        if !node.some_key.is_empty() && !node.some_key.iter().any(|key| has(&key)) {
            self.report(format!("at least one of {} is required", list_of(&node.some_key)));
        }
        for (key, others) in node.together.iter().filter(|(key, _)| has(&key)) {
            for other in others.iter().filter(|other| !has(other)) {
                self.report(format!("`{key}` needs `{other}` beside it"));
            }
        }
        for (key, others) in node.apart.iter().filter(|(key, _)| has(&key)) {
            for other in others.iter().filter(has) {
                self.report(format!("`{key}` can't stand beside `{other}`"));
            }
        }
        self.number_of(map.len(), node.size, "key");
    }

    fn list(&mut self, node: &'static Node, list: &'a [Value]) {
        if let Some(items) = node.items {
            for (at, item) in list.iter().enumerate() {
                self.inside(Step::Position(at), items, item);
            }
        }
        if !list.iter().any(|item| intrinsic(item).is_some()) {
            self.number_of(list.len(), node.count, "element");
        }
        if node.unique {
            for (at, item) in list.iter().enumerate().skip(1) {
                if list[..at].contains(item) && !is_nothing(item) {
                    self.path.push(Step::Position(at));
                    self.report("stands in the list twice".to_owned());
                    self.path.pop();
                }
            }
        }
    }

    fn number_of(&mut self, count: usize, (least, most): (usize, usize), what: &str) {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        if count < least {
            self.report(format!(
                "has {count} {what}{}, at least {least} must be there",
                plural(count)
            ));
        } else if count > most {
            self.report(format!(
                "has {count} {what}{}, at most {most} can be there",
                plural(count)
            ));
        }
    }

    fn scalar(&mut self, node: &'static Node, value: &'a Value) {
        if !node.allowed.is_empty()
            && !node.allowed.iter().any(|one| same(one, value, node.ignore_case))
        {
            let names: Vec<_> = node.allowed.iter().map(text).collect();
            let hint = match nearest(&text(value), names.iter().map(String::as_str)) {
                Some(name) => format!(", did you mean `{name}`?"),
                None => String::new(),
            };
            self.report(format!("`{}` is not one of {}{hint}", text(value), list_of(&names)));
            return;
        }
        if let Some(number) = number(value).filter(|_| node.range != (f64::MIN, f64::MAX)) {
            if number < node.range.0 {
                self.report(format!("{number} is less than {}", node.range.0));
            } else if number > node.range.1 {
                self.report(format!("{number} is more than {}", node.range.1));
            }
        }
        if node.length == (0, usize::MAX) && node.pattern.is_none() {
            return;
        }
        let text = text(value);
        self.number_of(text.chars().count(), node.length, "character");
        if let Some(pattern) = node.pattern.as_ref().filter(|pattern| !pattern.matches(&text)) {
            self.report(format!("`{text}` does not match the pattern `{}`", pattern.source));
        }
    }

    /// At least one of the alternatives holds, or exactly one.
    fn alternatives(&mut self, all: &'static [Id], exactly: bool, value: &'a Value) {
        let mut tried: Vec<Vec<Violation>> = Vec::new();
        for id in all {
            let before = self.found.len();
            self.plain(*id, value);
            tried.push(self.found.split_off(before));
        }
        let holding = tried.iter().filter(|found| found.is_empty()).count();
        let keys = |id: &Id| self.schema.nodes[*id].required.join("` with `");
        if holding > 1 && exactly {
            let names: Vec<_> = all.iter().map(keys).collect();
            self.report(format!("only one of {} can be given", list_of(&names)));
        } else if holding == 0 {
            if tried.iter().flatten().all(|one| one.message.ends_with("is required")) {
                let names: Vec<_> = all.iter().map(keys).collect();
                self.report(format!("one of {} is required", list_of(&names)));
            } else {
                self.found.extend(tried.into_iter().min_by_key(Vec::len).unwrap_or_default());
            }
        }
    }

    /// No service takes the same tag key twice, though few schemas say so.
    fn tags(&mut self, known: &ResourceType, properties: &'a Value) {
        let Some(tags) = known.tags else { return };
        let list = properties.get(tags.property).and_then(Value::as_list);
        let keys: Vec<_> = list.unwrap_or_default().iter().map(|tag| tag.get("Key")).collect();
        for (at, key) in keys.iter().enumerate() {
            if let Some(Value::Str(name)) = key
                && keys[..at].contains(key)
            {
                self.path.extend([Step::Key(tags.property), Step::Position(at)]);
                self.report(format!("the tag `{name}` stands in the list twice"));
                self.path.clear();
            }
        }
    }

    fn read_only(&mut self, known: &ResourceType, properties: &'a Value) {
        for place in &known.read_only {
            let steps: Vec<&str> = place.split('/').collect();
            self.read_only_at(&steps, properties);
        }
    }

    fn read_only_at(&mut self, steps: &[&str], value: &'a Value) {
        match (steps, value) {
            ([], _) => {
                self.report("is read-only: CloudFormation sets it, a template can't".to_owned());
            }
            (["*", rest @ ..], Value::List(list)) => {
                for (at, item) in list.iter().enumerate() {
                    self.path.push(Step::Position(at));
                    self.read_only_at(rest, item);
                    self.path.pop();
                }
            }
            ([key, rest @ ..], Value::Map(map)) => {
                let pair = map.iter().find(|(own, value)| own == key && !is_nothing(value));
                if let Some((key, inner)) = pair {
                    self.path.push(Step::Key(key));
                    self.read_only_at(rest, inner);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }
}

fn fits(kinds: Kinds, value: &Value) -> bool {
    if kinds == Kinds::default() {
        return !matches!(value, Value::Null);
    }
    match value {
        Value::Null => false,
        Value::Map(_) => kinds.has(Kinds::OBJECT),
        Value::List(_) => kinds.has(Kinds::ARRAY),
        Value::Str(_) if kinds.has(Kinds::STRING) => true,
        Value::Str(text) => {
            (kinds.has(Kinds::INTEGER) && text.parse::<i64>().is_ok())
                || (kinds.has(Kinds::NUMBER) && text.parse::<f64>().is_ok())
                || (kinds.has(Kinds::BOOLEAN) && matches!(text.as_ref(), "true" | "false"))
        }
        Value::Bool(_) => kinds.has(Kinds::BOOLEAN) || kinds.has(Kinds::STRING),
        Value::Int(_) => {
            kinds.has(Kinds::INTEGER) || kinds.has(Kinds::NUMBER) || kinds.has(Kinds::STRING)
        }
        Value::Float(number) => {
            kinds.has(Kinds::NUMBER)
                || kinds.has(Kinds::STRING)
                || (kinds.has(Kinds::INTEGER) && number.fract() == 0.0)
        }
    }
}

fn expected(kinds: Kinds) -> String {
    let named = [
        (Kinds::OBJECT, "an object"),
        (Kinds::ARRAY, "a list"),
        (Kinds::STRING, "a string"),
        (Kinds::INTEGER, "a whole number"),
        (Kinds::NUMBER, "a number"),
        (Kinds::BOOLEAN, "true or false"),
    ];
    let names = named.iter().filter(|(kind, _)| kinds.has(*kind)).map(|(_, name)| *name);
    let names: Vec<_> = names.collect();
    if names.is_empty() { "a value".to_owned() } else { names.join(" or ") }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Map(_) => "an object".to_owned(),
        Value::List(_) => "a list".to_owned(),
        _ => format!("`{}`", text(value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone().into_owned(),
        _ => value.to_json(),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

fn same(allowed: &Value, value: &Value, ignore_case: bool) -> bool {
    match (allowed, value) {
        (Value::Str(a), Value::Str(b)) if ignore_case => a.eq_ignore_ascii_case(b),
        (Value::Str(a), Value::Str(b)) => a == b,
        _ => allowed == value || text(allowed) == text(value),
    }
}

fn list_of<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}
