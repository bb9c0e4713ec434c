//! A template in one case of what it leaves open.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::questions::{Case, Taken, comparison, is_plain, is_stored, plain, reference};
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
        // the default of a parameter of Systems Manager's is a name, not the value
        if let Some(text) = text.filter(|_| !kind.starts_with("AWS::SSM::")) {
            known.insert(name, of_type(kind, text));
        }
    }
    if let Some(Taken::Text(region)) = of_stack("AWS::Region") {
        known.insert("AWS::Region", Value::from(region.clone()));
    }
    let settling = Settling { source, case, known, decided: RefCell::default() };
    let body = settling.template();
    let mut given = source.given.clone();
    given.extend(settling.known.iter().filter_map(|(name, value)| {
        value.as_str().map(|text| ((*name).to_owned(), text.to_owned()))
    }));
    Source {
        name: source.name.clone(),
        account: source.account.clone(),
        region: match of_stack("AWS::Region") {
            Some(Taken::Text(region)) => region.clone(),
            _ => source.region.clone(),
        },
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
    /// Conditions that were looked at, and those that are being.
    decided: RefCell<BTreeMap<String, Option<bool>>>,
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
        name.and_then(|name| self.named(name)).unwrap_or(true)
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
                    && let Some(holds) = self.named(name)
                {
                    return self.value(if holds { yes } else { no });
                }
                if let Some(arguments) = map.get("Fn::FindInMap").and_then(Value::as_list) {
                    return Some(self.mapped(arguments));
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

    /// What a mapping gives, or, where that is not known, the function with the mapping in it: another mapping is
    /// another value.
    fn mapped(&self, arguments: &[Value]) -> Value {
        let arguments: Vec<Value> = arguments.iter().filter_map(|one| self.value(one)).collect();
        let mappings = self.source.body.get("Mappings");
        if let [Value::Str(map), Value::Str(key), Value::Str(second), ..] = arguments.as_slice()
            && let Some(value) = mappings.and_then(|all| all.at(&[map, key, second]))
        {
            return value.clone();
        }
        let all = mappings.map(Value::to_json).unwrap_or_default();
        let with: Value = arguments.into_iter().chain([Value::from(all)]).collect();
        let mut token = Map::new();
        token.insert("Fn::FindInMap", with);
        Value::Map(token)
    }

    /// Whether a condition holds; `None` where that is not known, or it names itself.
    fn named(&self, name: &str) -> Option<bool> {
        if let Some(known) = self.decided.borrow().get(name) {
            return *known;
        }
        let condition = self.source.body.at(&["Conditions", name])?;
        self.decided.borrow_mut().insert(name.to_owned(), None);
        let holds = self.holds(condition);
        self.decided.borrow_mut().insert(name.to_owned(), holds);
        holds
    }

    fn holds(&self, condition: &Value) -> Option<bool> {
        let map = condition.as_map().filter(|map| map.len() == 1)?;
        let (function, argument) = map.iter().next()?;
        // whether one of several is `wanted`, or none is
        let any = |wanted: bool| {
            let all = argument.as_list()?.iter().map(|one| self.holds(one));
            let all: Vec<Option<bool>> = all.collect();
            match all.contains(&Some(wanted)) {
                true => Some(true),
                false => (!all.contains(&None)).then_some(false),
            }
        };
        match function {
            "Condition" => self.named(argument.as_str()?),
            "Fn::Equals" => self.equal(argument.as_list()?),
            "Fn::Not" => Some(!self.holds(argument.as_list()?.first()?)?),
            "Fn::And" => any(false).map(|one| !one),
            "Fn::Or" => any(true),
            _ => self.asked(std::slice::from_ref(condition)),
        }
    }

    /// What a comparison as a whole is taken to be.
    fn asked(&self, sides: &[Value]) -> Option<bool> {
        let question = (self.source.name.clone(), comparison(self.source, sides));
        match self.case.get(&question) {
            Some(Taken::Holds(holds)) => Some(*holds),
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
            (Some(name), None) | (None, Some(name)) if is_stored(self.source, name) => {
                self.asked(sides)
            }
            (Some(name), None) if is_plain(other) => asked(name, other),
            (None, Some(name)) if is_plain(one) => asked(name, one),
            _ => {
                let values: Vec<Value> = sides.iter().filter_map(|side| self.value(side)).collect();
                if let [one, other] = values.as_slice()
                    && is_plain(one)
                    && is_plain(other)
                {
                    return Some(plain(one) == plain(other));
                }
                self.asked(sides)
            }
        }
    }
}
