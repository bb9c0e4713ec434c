//! Any policy document to statements.
//!
//! One element or a list, `Not...`, intrinsics of CloudFormation: all that IAM's grammar allows (IAM User Guide,
//! "Grammar of the IAM JSON policy language") and nothing that it refuses: what cannot be a policy is an error with
//! its place. Sids, order and case where AWS ignores it do not reach the engine.

use std::fmt;

use super::Kind;
use super::operator::{Operator, Test};
use super::principal::Name;
use super::text::{Pattern, Reading};
use crate::document::{Map, Value};

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub statements: Vec<Statement>,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    Allow,
    Deny,
}

/// A list, or everything but a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// `NotAction`, `NotResource`, `NotPrincipal`.
    pub not: bool,
    pub items: Vec<T>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `Statement[2]`, or its `Sid`.
    pub label: String,
    pub effect: Effect,
    /// Absent in identity policies.
    pub principals: Option<Listed<Name>>,
    pub actions: Listed<Pattern>,
    /// Absent in trust policies.
    pub resources: Option<Listed<Pattern>>,
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// All its patterns: of actions, of resources, and the values of its conditions.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let resources = self.resources.iter().flat_map(|listed| &listed.items);
        let values = self.conditions.iter().flat_map(|condition| &condition.values);
        self.actions.items.iter().chain(resources).chain(values)
    }
}

/// A key under an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub operator: Operator,
    /// The operator's name as written.
    pub written: String,
    /// The key in lower case; keys are found whatever their case.
    pub key: String,
    /// The key as written.
    pub shown: String,
    pub values: Vec<Pattern>,
}

/// Why something is not a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Such as `Statement[2].Effect`.
    pub place: String,
    pub problem: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for Malformed {}

fn malformed<T>(place: &str, problem: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed { place: place.to_owned(), problem: problem.into() })
}

impl Document {
    /// Reads a document of one kind.
    pub fn read(value: &Value, kind: Kind) -> Result<Document, Malformed> {
        let Some(map) = value.as_map() else {
            return malformed(
                "the document",
                format!("expected an object, found {}", value.kind()),
            );
        };
        let version = match map.get("Version") {
            None => false,
            Some(version) => match version.as_str() {
                Some("2012-10-17") => true,
                Some("2008-10-17") => false,
                _ => return malformed("Version", "must be `2012-10-17` or `2008-10-17`"),
            },
        };
        for (key, _) in map.iter() {
            if !matches!(key, "Version" | "Id" | "Statement") {
                return malformed(key, "is no element of a policy: `Version`, `Id`, `Statement`");
            }
        }
        let statements = match map.get("Statement") {
            Some(Value::List(list)) => list.iter().enumerate().collect(),
            Some(one @ Value::Map(_)) => vec![(0, one)],
            Some(other) => {
                return malformed("Statement", format!("expected a list, found {}", other.kind()));
            }
            None => return malformed("Statement", "is missing"),
        };
        let partition = partition(value);
        let reader = Reader { kind, version, partition };
        let statements: Result<_, _> =
            statements.into_iter().map(|(at, one)| reader.statement(at, one)).collect();
        Ok(Document { statements: statements? })
    }
}

/// The partition of bare account ids: the one that the document's ARNs name, if they agree, else `aws`.
fn partition(value: &Value) -> String {
    if !holds(value, "arn:aws-") {
        return "aws".to_owned();
    }
    let other = ["aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"];
    let found = other.into_iter().find(|name| holds(value, &format!("arn:{name}:")));
    match found {
        Some(name) if !holds(value, "arn:aws:") => name.to_owned(),
        _ => "aws".to_owned(),
    }
}

/// Whether a text stands anywhere in a document, in a key or in a value.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::Str(own) => own.contains(text),
        Value::List(list) => list.iter().any(|one| holds(one, text)),
        Value::Map(map) => map.iter().any(|(key, one)| key.contains(text) || holds(one, text)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

struct Reader {
    kind: Kind,
    version: bool,
    partition: String,
}

impl Reader {
    fn statement(&self, at: usize, value: &Value) -> Result<Statement, Malformed> {
        let place = format!("Statement[{at}]");
        let Some(map) = value.as_map() else {
            return malformed(&place, format!("expected an object, found {}", value.kind()));
        };
        for (key, _) in map.iter() {
            let known = matches!(
                key,
                "Sid"
                    | "Effect"
                    | "Principal"
                    | "NotPrincipal"
                    | "Action"
                    | "NotAction"
                    | "Resource"
                    | "NotResource"
                    | "Condition"
            );
            if !known {
                return malformed(&format!("{place}.{key}"), "is no element of a statement");
            }
        }
        let effect = match map.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return malformed(&format!("{place}.Effect"), "must be `Allow` or `Deny`"),
        };
        let principals = self.principals(map, &place)?;
        let actions = self.patterns(map, &place, "Action", "NotAction", false)?;
        let Some(actions) = actions else {
            return malformed(&place, "needs `Action` or `NotAction`");
        };
        let resources = self.patterns(map, &place, "Resource", "NotResource", self.version)?;
        match (self.kind, &resources) {
            (Kind::Trust, Some(_)) => {
                return malformed(&place, "a trust policy has no `Resource`: it is the role");
            }
            (Kind::Identity | Kind::Resource, None) => {
                return malformed(&place, "needs `Resource` or `NotResource`");
            }
            _ => {}
        }
        let sid = map.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
        let conditions = self.conditions(map, &place)?;
        let label = sid.map_or(place, str::to_owned);
        Ok(Statement { label, effect, principals, actions, resources, conditions })
    }

    fn patterns(
        &self,
        map: &Map,
        place: &str,
        name: &str,
        not_name: &str,
        variables: bool,
    ) -> Result<Option<Listed<Pattern>>, Malformed> {
        let (not, key, value) = match (map.get(name), map.get(not_name)) {
            (Some(value), None) => (false, name, value),
            (None, Some(value)) => (true, not_name, value),
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return malformed(place, format!("has both `{name}` and `{not_name}`"));
            }
        };
        let place = format!("{place}.{key}");
        let how = Reading { wildcards: true, variables };
        let values = items(value);
        if values.is_empty() {
            return malformed(&place, "names nothing");
        }
        let mut items = Vec::with_capacity(values.len());
        for value in values {
            match Pattern::read(value, how) {
                Some(pattern) => items.push(pattern),
                None => {
                    return malformed(&place, format!("expected a string, found {}", value.kind()));
                }
            }
        }
        Ok(Some(Listed { not, items }))
    }

    fn principals(&self, map: &Map, place: &str) -> Result<Option<Listed<Name>>, Malformed> {
        let (not, key, value) = match (map.get("Principal"), map.get("NotPrincipal")) {
            (None, None) if self.kind == Kind::Identity => return Ok(None),
            (None, None) => return malformed(place, "needs `Principal`"),
            (Some(_), Some(_)) => {
                return malformed(place, "has both `Principal` and `NotPrincipal`");
            }
            (Some(value), None) => (false, "Principal", value),
            (None, Some(value)) => (true, "NotPrincipal", value),
        };
        let place = format!("{place}.{key}");
        match (self.kind, not) {
            (Kind::Identity, _) => {
                return malformed(&place, "an identity policy names no principals: it is attached");
            }
            (Kind::Trust, true) => return malformed(&place, "is not valid in a trust policy"),
            _ => {}
        }
        let plain = Reading { wildcards: false, variables: false };
        let mut names = Vec::new();
        let kinds: Vec<(&str, &Value)> = match value {
            Value::Map(map) if Pattern::read(value, plain).is_none() => map.iter().collect(),
            _ => vec![("*", value)],
        };
        for (kind, value) in kinds {
            if !matches!(kind, "*" | "AWS" | "Service" | "Federated" | "CanonicalUser") {
                return malformed(&place, format!("`{kind}` is no kind of principal"));
            }
            for value in items(value) {
                let Some(pattern) = Pattern::read(value, plain) else {
                    return malformed(&place, format!("expected a string, found {}", value.kind()));
                };
                let text = pattern.shown();
                if kind == "*" && text != "*" {
                    return malformed(&place, "must be `*` or an object such as {\"AWS\": ...}");
                }
                names.push(Name::read(kind, &text, &self.partition));
            }
        }
        if names.is_empty() {
            return malformed(&place, "names nobody");
        }
        Ok(Some(Listed { not, items: names }))
    }

    fn conditions(&self, map: &Map, place: &str) -> Result<Vec<Condition>, Malformed> {
        let place = format!("{place}.Condition");
        let operators = match map.get("Condition") {
            None => return Ok(Vec::new()),
            Some(Value::Map(operators)) => operators,
            Some(other) => {
                return malformed(&place, format!("expected an object, found {}", other.kind()));
            }
        };
        let mut out = Vec::new();
        for (written, keys) in operators.iter() {
            let place = format!("{place}.{written}");
            let operator = Operator::read(written);
            let Some(keys) = keys.as_map() else {
                return malformed(&place, format!("expected an object, found {}", keys.kind()));
            };
            let how = Reading {
                wildcards: operator.reads_wildcards(),
                variables: self.version && operator.reads_variables(),
            };
            for (key, value) in keys.iter() {
                let mut values = Vec::new();
                if items(value).is_empty() {
                    // AWS does not say what a condition on nothing means
                    return malformed(&format!("{place}.{key}"), "has no value");
                }
                for value in items(value) {
                    let Some(pattern) = Pattern::read(value, how) else {
                        let problem = format!("expected a string, found {}", value.kind());
                        return malformed(&format!("{place}.{key}"), problem);
                    };
                    let truth = pattern.literal().map(|text| text.to_ascii_lowercase());
                    let is_truth = match (&operator.test, truth.as_deref()) {
                        (Test::Null, truth) => matches!(truth, Some("true" | "false")),
                        (Test::Bool, Some(truth)) => matches!(truth, "true" | "false"),
                        _ => true,
                    };
                    if !is_truth {
                        return malformed(&format!("{place}.{key}"), "must be `true` or `false`");
                    }
                    values.push(match how.wildcards {
                        true => pattern.of_patterns(),
                        false => pattern,
                    });
                }
                out.push(Condition {
                    operator: operator.clone(),
                    written: written.to_owned(),
                    key: key.to_ascii_lowercase(),
                    shown: key.to_owned(),
                    values,
                });
            }
        }
        Ok(out)
    }
}

/// One element, or those of a list.
fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::List(list) => list.iter().collect(),
        one => vec![one],
    }
}
