//! A template in one case of what it leaves open.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::questions::{Case, Taken, comparison, is_plain, plain, reference};
use crate::access::source::Source;
use crate::access::state::State;
use crate::access::template;
use crate::document::{Map, Value};

/// The state of templates in one case.
pub(super) fn read(sources: &[Source<'_>], case: &Case) -> State {
    let settled: Vec<Source<'_>> = sources.iter().map(|one| settled(one, case)).collect();
    template::read(&settled)
}

/// A template in one case: without the resources that are not made, with a branch of each `Fn::If`, and with the
/// parameters that are known.
pub(super) fn settled<'s>(source: &'s Source<'_>, case: &Case) -> Source<'s> {
    let of_stack = |name: &str| case.get(&(source.name.clone(), name.to_owned()));
    let mut known = BTreeMap::new();
    let parameters = source.body.get("Parameters").and_then(Value::as_map);
    for (name, definition) in parameters.into_iter().flat_map(Map::iter) {
        let text = match (source.given.get(name), of_stack(name)) {
            (Some(text), _) | (None, Some(Taken::Text(text))) => Some(text.clone()),
            (None, Some(Taken::Default)) => definition.get("Default").map(plain),
            _ => None,
        };
        let kind = definition.get("Type").and_then(Value::as_str).unwrap_or("String");
        if let Some(text) = text {
            known.insert(name, of_type(kind, text));
        }
    }
    let settling = Settling { source, case, known };
    let body = settling.template();
    let mut given = source.given.clone();
    given.extend(settling.known.iter().filter_map(|(name, value)| {
        value.as_str().map(|text| ((*name).to_owned(), text.to_owned()))
    }));
    Source {
        name: source.name.clone(),
        account: source.account.clone(),
        region: source.region.clone(),
        body: Cow::Owned(body),
        parameters: source.parameters.clone(),
        given,
    }
}

/// The value of a parameter: a list where its type is one.
pub(super) fn of_type(kind: &str, text: String) -> Value {
    match kind == "CommaDelimitedList" || kind.starts_with("List<") {
        true => text.split(',').map(|part| Value::from(part.trim().to_owned())).collect(),
        false => Value::from(text),
    }
}

pub(super) struct Settling<'s> {
    source: &'s Source<'s>,
    case: &'s Case,
    known: BTreeMap<&'s str, Value>,
}

impl Settling<'_> {
    fn template(&self) -> Value {
        let Some(body) = self.source.body.as_map() else {
            return self.source.body.as_ref().clone();
        };
        let pairs = body.iter().map(|(key, value)| {
            let value = match (key, value) {
                ("Resources", Value::Map(resources)) => {
                    let made = resources.iter().filter(|(_, one)| self.is_made(one));
                    let pairs = made.filter_map(|(id, one)| Some((id, self.value(one)?)));
                    Value::Map(pairs.map(|(id, one)| (Cow::from(id.to_owned()), one)).collect())
                }
                ("Outputs", value) => self.value(value).unwrap_or_default(),
                (_, value) => value.clone(),
            };
            (Cow::from(key.to_owned()), value)
        });
        Value::Map(pairs.collect())
    }

    fn is_made(&self, resource: &Value) -> bool {
        let name = resource.get("Condition").and_then(Value::as_str);
        name.and_then(|name| self.named(name, 0)).unwrap_or(true)
    }

    /// A value with its branches taken; `None` for `AWS::NoValue`.
    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::List(list) => {
                Some(Value::List(list.iter().filter_map(|one| self.value(one)).collect()))
            }
            Value::Map(map) => {
                if let Some([Value::Str(name), yes, no]) =
                    map.get("Fn::If").and_then(Value::as_list)
                    && let Some(holds) = self.named(name, 0)
                {
                    return self.value(if holds { yes } else { no });
                }
                match reference(value) {
                    Some("AWS::NoValue") => return None,
                    Some(name) => {
                        if let Some(known) = self.known.get(name) {
                            return Some(known.clone());
                        }
                    }
                    None => {}
                }
                let pairs = map.iter().filter_map(|(key, one)| Some((key, self.value(one)?)));
                Some(Value::Map(pairs.map(|(key, one)| (Cow::from(key.to_owned()), one)).collect()))
            }
            scalar => Some(scalar.clone()),
        }
    }

    /// Whether a condition holds; `None` where that is not known, or it names itself.
    fn named(&self, name: &str, depth: usize) -> Option<bool> {
        let condition = self.source.body.at(&["Conditions", name])?;
        (depth < 32).then(|| self.holds(condition, depth)).flatten()
    }

    fn holds(&self, condition: &Value, depth: usize) -> Option<bool> {
        let map = condition.as_map().filter(|map| map.len() == 1)?;
        let (function, argument) = map.iter().next()?;
        let all = || argument.as_list().into_iter().flatten().map(|one| self.holds(one, depth + 1));
        match function {
            "Condition" => self.named(argument.as_str()?, depth + 1),
            "Fn::Equals" => self.equal(argument.as_list()?),
            "Fn::Not" => Some(!self.holds(argument.as_list()?.first()?, depth + 1)?),
            "Fn::And" if all().any(|one| one == Some(false)) => Some(false),
            "Fn::And" => all().try_fold(true, |all, one| Some(all && one?)),
            "Fn::Or" if all().any(|one| one == Some(true)) => Some(true),
            "Fn::Or" => all().try_fold(false, |any, one| Some(any || one?)),
            _ => None,
        }
    }

    fn equal(&self, sides: &[Value]) -> Option<bool> {
        let [one, other] = sides else { return None };
        let question = |name: &str| (self.source.name.clone(), name.to_owned());
        let asked = |name: &str, text: &Value| match self.case.get(&question(name)) {
            Some(Taken::Text(taken)) => Some(*taken == plain(text)),
            Some(Taken::Default) => Some(plain(self.known.get(name)?) == plain(text)),
            Some(Taken::Other) => Some(false),
            _ => None,
        };
        match (reference(one), reference(other)) {
            (None, None) if is_plain(one) && is_plain(other) => Some(plain(one) == plain(other)),
            (Some(name), None) if is_plain(other) => asked(name, other),
            (None, Some(name)) if is_plain(one) => asked(name, one),
            _ => match self.case.get(&question(&comparison(sides))) {
                Some(Taken::Holds(holds)) => Some(*holds),
                _ => None,
            },
        }
    }
}
