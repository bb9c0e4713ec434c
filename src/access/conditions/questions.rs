//! What templates leave open, and what it may be taken to be.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::source::Source;
use crate::access::template;
use crate::access::texts::kind_of;
use crate::canonical::references;
use crate::document::{Map, Value};

/// A stack, and a parameter of it, or a comparison as JSON.
pub(super) type Name = (String, String);

/// What an open question is taken to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// The parameter is this text.
    Text(String),
    /// It is none of the texts that the conditions ask for.
    Other,
    /// It has its default, and the default changes.
    Default,
    /// The comparison holds, or does not.
    Holds(bool),
}

/// The questions that two lists of templates leave open, each with what it may be taken to be.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub questions: BTreeMap<Name, Vec<Taken>>,
}

pub(super) type Case = BTreeMap<Name, Taken>;

pub(super) fn parameter<'s>(sources: &'s [Source<'_>], (stack, name): &Name) -> Option<&'s Value> {
    let source = sources.iter().find(|source| source.name == *stack)?;
    source.body.at(&["Parameters", name])
}

/// A scalar as CloudFormation compares it: everything is a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => other.to_json(),
    }
}

impl Open {
    pub fn of(old: &[Source<'_>], new: &[Source<'_>]) -> Open {
        let mut open = Open::default();
        for source in old.iter().chain(new) {
            let mut asked = BTreeSet::new();
            for (_, definition) in relevant(source) {
                if let Some(name) = definition.get("Condition").and_then(Value::as_str) {
                    asked.insert(name);
                }
                read_properties(definition).for_each(|value| used(value, &mut asked));
            }
            // what one stack says may be what another has as a parameter
            if let Some(outputs) = source.body.get("Outputs").filter(|_| old.len() + new.len() > 2)
            {
                used(outputs, &mut asked);
            }
            let mut seen = BTreeSet::new();
            while let Some(name) = asked.pop_first() {
                if seen.insert(name)
                    && let Some(condition) = source.body.at(&["Conditions", name])
                {
                    open.condition(source, condition, &mut asked);
                }
            }
        }
        open.defaults(old, new);
        open.keys(old, new);
        open.finish(old, new);
        open
    }

    /// Notes what a condition asks, and which others it names.
    fn condition<'v>(
        &mut self,
        source: &Source<'_>,
        condition: &'v Value,
        names: &mut BTreeSet<&'v str>,
    ) {
        match condition {
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    match (key, value) {
                        ("Condition", Value::Str(name)) => {
                            names.insert(name);
                        }
                        ("Fn::Equals", Value::List(sides)) => self.equals(source, sides),
                        ("Fn::And" | "Fn::Or" | "Fn::Not" | "Condition", value) => {
                            self.condition(source, value, names);
                        }
                        // a function that conditions do not have: it may hold or not
                        _ => self.holds(source, std::slice::from_ref(condition)),
                    }
                }
            }
            Value::List(list) => {
                list.iter().for_each(|one| self.condition(source, one, names));
            }
            _ => {}
        }
    }

    fn equals(&mut self, source: &Source<'_>, sides: &[Value]) {
        let [one, other] = sides else { return };
        let choice = |name: &str, text: &Value| {
            ((source.name.clone(), name.to_owned()), Taken::Text(plain(text)))
        };
        let (name, taken) = match (reference(one), reference(other)) {
            (None, None) if is_plain(one) && is_plain(other) => return,
            (Some(name), None) if is_plain(other) => choice(name, other),
            (None, Some(name)) if is_plain(one) => choice(name, one),
            _ => return self.holds(source, sides),
        };
        if is_stored(source, &name.1) {
            return self.holds(source, sides);
        }
        let choices = self.questions.entry(name.clone()).or_default();
        if let Some(value) = source.given.get(&name.1) {
            *choices = vec![Taken::Text(value.clone())];
        } else if !choices.contains(&taken) {
            choices.push(taken);
        }
    }

    /// A comparison that may hold or not.
    fn holds(&mut self, source: &Source<'_>, sides: &[Value]) {
        let name = (source.name.clone(), comparison(source, sides));
        self.questions.insert(name, vec![Taken::Holds(true)]);
    }

    /// Defaults that differ: a stack that takes the default changes with it.
    fn defaults(&mut self, old: &[Source<'_>], new: &[Source<'_>]) {
        for source in new {
            let mut named = BTreeSet::new();
            for (_, definition) in relevant(source) {
                for value in read_properties(definition) {
                    references(value, &mut |name, _| {
                        named.insert(name.to_owned());
                    });
                }
            }
            if let Some(outputs) = source.body.get("Outputs").filter(|_| old.len() + new.len() > 2)
            {
                references(outputs, &mut |name, _| {
                    named.insert(name.to_owned());
                });
            }
            let Some(before) = old.iter().find(|one| one.name == source.name) else { continue };
            let parameters = source.body.get("Parameters").and_then(Value::as_map);
            for (name, definition) in parameters.into_iter().flat_map(Map::iter) {
                let old = before.body.at(&["Parameters", name, "Default"]);
                let changes = old.is_some() && old != definition.get("Default");
                let key = (source.name.clone(), name.to_owned());
                let counts = named.contains(name) || self.questions.contains_key(&key);
                if changes && counts && !source.given.contains_key(name) {
                    self.questions.entry(key).or_default().push(Taken::Default);
                }
            }
        }
    }

    /// Parameters by which something is looked up in a mapping that differs: each key that either side has.
    fn keys(&mut self, old: &[Source<'_>], new: &[Source<'_>]) {
        for source in old.iter().chain(new) {
            let map_of = |sources: &[Source<'_>], map: &str| {
                let own = sources.iter().find(|one| one.name == source.name)?;
                own.body.at(&["Mappings", map]).cloned()
            };
            let mut looked_up = BTreeSet::new();
            for (_, definition) in relevant(source) {
                read_properties(definition).for_each(|value| lookups(value, &mut looked_up));
            }
            for (map, name) in looked_up {
                let (before, after) = (map_of(old, map), map_of(new, map));
                if before == after || source.given.contains_key(name) || is_stored(source, name) {
                    continue;
                }
                let choices =
                    self.questions.entry((source.name.clone(), name.to_owned())).or_default();
                for all in [before, after].iter().flatten().filter_map(Value::as_map) {
                    for (key, _) in all.iter() {
                        let taken = Taken::Text(key.to_owned());
                        if !choices.contains(&taken) {
                            choices.push(taken);
                        }
                    }
                }
            }
        }
    }

    /// Adds what else each may be: another text where the parameter may have one, the opposite of a comparison.
    fn finish(&mut self, old: &[Source<'_>], new: &[Source<'_>]) {
        for (name, choices) in &mut self.questions {
            let named = |source: &&Source<'_>| source.name == name.0;
            if old.iter().chain(new).filter(named).any(|one| one.given.contains_key(&name.1)) {
                continue;
            }
            if choices.contains(&Taken::Holds(true)) {
                choices.push(Taken::Holds(false));
                continue;
            }
            let allowed = |sources| -> Option<Vec<String>> {
                let values = parameter(sources, name)?.get("AllowedValues")?.as_list()?;
                Some(values.iter().map(plain).collect())
            };
            let allowed = match (allowed(old), allowed(new)) {
                (Some(mut one), Some(other)) => {
                    one.extend(other);
                    Some(one)
                }
                (None, None) => None,
                (one, None) if parameter(new, name).is_none() => one,
                (None, other) if parameter(old, name).is_none() => other,
                _ => None,
            };
            if let Some(allowed) = &allowed {
                choices.retain(|choice| match choice {
                    Taken::Text(text) => allowed.contains(text),
                    _ => true,
                });
            }
            let left = |text: &String| !choices.contains(&Taken::Text(text.clone()));
            if allowed.is_none_or(|allowed| allowed.iter().any(left)) {
                choices.push(Taken::Other);
            }
        }
    }

    /// How many cases there are.
    pub fn count(&self) -> usize {
        self.questions.values().fold(1, |all, choices| all.saturating_mul(choices.len()))
    }

    /// The first cases, and whether these are all.
    pub fn cases(&self, most: usize) -> (Vec<Case>, bool) {
        let mut cases = vec![Case::new()];
        let mut complete = true;
        for (name, choices) in &self.questions {
            let mut next = Vec::new();
            for choice in choices {
                for case in &cases {
                    let mut case = case.clone();
                    case.insert(name.clone(), choice.clone());
                    next.push(case);
                }
            }
            complete &= next.len() <= most;
            next.truncate(most);
            cases = next;
        }
        (cases, complete)
    }

    /// What a question is taken to be, in words.
    pub fn words(&self, name: &Name, taken: &Taken) -> String {
        let (stack, what) = name;
        match taken {
            Taken::Text(text) => format!("`{what}` of {stack} is `{text}`"),
            Taken::Default => format!("`{what}` of {stack} has its default, which changes"),
            Taken::Holds(true) => format!("{what} holds in {stack}"),
            Taken::Holds(false) => format!("{what} does not hold in {stack}"),
            Taken::Other => {
                let texts = self.questions.get(name).into_iter().flatten();
                let texts = texts.filter_map(|one| match one {
                    Taken::Text(text) => Some(format!("`{text}`")),
                    _ => None,
                });
                let texts: Vec<String> = texts.collect();
                match texts.is_empty() {
                    true => format!("`{what}` of {stack} is given"),
                    false => format!("`{what}` of {stack} is not {}", texts.join(" or ")),
                }
            }
        }
    }
}

/// The resources that say something about access.
pub(super) fn relevant<'s>(source: &'s Source<'_>) -> impl Iterator<Item = (&'s str, &'s Value)> {
    let resources = source.body.get("Resources").and_then(Value::as_map);
    resources.into_iter().flat_map(Map::iter).filter(|(id, one)| {
        let properties = one.get("Properties").and_then(Value::as_map);
        id.starts_with("Fn::") || template::says_access(kind_of(one), properties)
    })
}

/// The properties of a resource that say something about access.
fn read_properties(definition: &Value) -> impl Iterator<Item = &Value> {
    let properties = definition.get("Properties").and_then(Value::as_map);
    let all = properties.into_iter().flat_map(Map::iter);
    let read = all.filter(|(key, _)| template::is_read(kind_of(definition), key));
    // what is no resource, or has no properties written out, is read as a whole
    let whole = match definition.get("Properties") {
        None => Some(definition),
        Some(properties) => {
            let function = |map: &Map| map.iter().any(|(key, _)| key.starts_with("Fn::"));
            Some(properties).filter(|one| one.as_map().is_none_or(function))
        }
    };
    whole.into_iter().chain(read.map(|(_, value)| value))
}

/// The conditions that `Fn::If` names below a value.
pub(super) fn used<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Map(map) => {
            if let Some([Value::Str(name), ..]) = map.get("Fn::If").and_then(Value::as_list) {
                found.insert(name);
            }
            map.iter().for_each(|(_, value)| used(value, found));
        }
        Value::List(list) => list.iter().for_each(|value| used(value, found)),
        _ => {}
    }
}

/// The mappings that something is looked up in by a parameter alone, and the parameter.
fn lookups<'v>(value: &'v Value, found: &mut BTreeSet<(&'v str, &'v str)>) {
    match value {
        Value::Map(map) => {
            if let Some([Value::Str(name), key, ..]) =
                map.get("Fn::FindInMap").and_then(Value::as_list)
                && let Some(parameter) = reference(key)
            {
                found.insert((name, parameter));
            }
            map.iter().for_each(|(_, value)| lookups(value, found));
        }
        Value::List(list) => list.iter().for_each(|value| lookups(value, found)),
        _ => {}
    }
}

pub(super) fn reference(value: &Value) -> Option<&str> {
    let map = value.as_map().filter(|map| map.len() == 1)?;
    map.get("Ref")?.as_str()
}

pub(super) fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Map(_) | Value::List(_))
}

/// Whether a parameter's value is stored in Systems Manager: what the template has is where.
pub(super) fn is_stored(source: &Source<'_>, name: &str) -> bool {
    let kind = source.body.at(&["Parameters", name, "Type"]).and_then(Value::as_str);
    kind.is_some_and(|kind| kind.starts_with("AWS::SSM::"))
}

/// A comparison as text, with what it hangs on: of another default or mapping it is another question.
pub(super) fn comparison(source: &Source<'_>, sides: &[Value]) -> String {
    let mut texts: Vec<String> = sides.iter().map(Value::to_json).collect();
    texts.sort();
    let mut text = texts.join(" = ");
    for side in sides {
        references(side, &mut |name, _| {
            if let Some(default) = source.body.at(&["Parameters", name, "Default"]) {
                text += &format!(" ({name} by default {})", default.to_json());
            }
        });
    }
    if text.contains("Fn::FindInMap")
        && let Some(mappings) = source.body.get("Mappings")
    {
        text += &format!(" (of {})", mappings.to_json());
    }
    text
}
