//! Parameters and conditions: what a template leaves open, and the comparison over everything that it may become.
//!
//! In: the templates before and after. Out: [`Compared`], as [`compare`](super::compare()) gives it, over every case
//! of the open questions: which of the texts that the conditions ask for each parameter is, and whether a comparison
//! of anything else holds. A parameter is the same before and after. INVARIANT: what is newly allowed in one case is
//! gained; the same in all cases is said without a case. Pure.
//! Sources: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>.
//! Read next: `docs/access-model.md`, "Parameters and conditions".

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Compared, Layer, Presence, Row, compare};
use super::source::Source;
use super::state::State;
use super::template;
use super::texts::kind_of;
use crate::canonical::references;
use crate::document::{Map, Value};
use crate::verdict::{Comparison, Options, Reason, ReasonKind, Verdict};

/// Cases that are looked into. More, and what was not found to be broadened is undecided.
const MOST_CASES: usize = 128;
/// Resources that are read over all cases together, for an answer within two seconds.
const MOST_RESOURCES: usize = 60_000;

/// A stack, and a parameter of it, or a comparison as JSON.
type Name = (String, String);

/// What an open question is taken to be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
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
struct Open {
    questions: BTreeMap<Name, Vec<Taken>>,
}

type Case = BTreeMap<Name, Taken>;

/// Templates with the parameters that somebody gave.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Parameter to value, in whichever stack has a parameter of this name.
    pub parameters: BTreeMap<String, String>,
    /// Documents of policies that the templates name and do not hold, by ARN.
    pub documents: Vec<(String, Value)>,
}

/// What a change from the `old` templates to the `new` ones does, over all cases of what they leave open.
pub fn compare_open(
    old: &[Source<'_>],
    new: &[Source<'_>],
    given: &Given,
    options: &Options,
) -> Compared {
    if old == new {
        return compare(&read_given(old, given), &read_given(new, given), options);
    }
    let all = Pair { old, new, given, options, part: None };
    let (compared, is_complete) = all.compare();
    if is_complete {
        return compared;
    }
    // too many cases together: what has no resource in common is looked into apart
    let mut parts = parts(old, new);
    loop {
        let answers: Vec<Compared> =
            parts.iter().map(|part| Pair { part: Some(part), ..all }.compare().0).collect();
        match shared(&answers) {
            None => {
                let mut rows: Vec<Row> = answers.into_iter().flat_map(|one| one.rows).collect();
                rows.sort_by_cached_key(|row| (rank(row.layer), row.subject.clone(), row.layer));
                return Compared { rows };
            }
            Some((one, other)) => {
                let both = parts.remove(other);
                parts[one].extend(both);
            }
        }
    }
}

/// Two lists of templates, or the part of them that some resources are.
#[derive(Clone, Copy)]
struct Pair<'s> {
    old: &'s [Source<'s>],
    new: &'s [Source<'s>],
    given: &'s Given,
    options: &'s Options,
    part: Option<&'s Part>,
}

/// Stack and logical id of resources that have to do with each other.
type Part = BTreeSet<(String, String)>;

impl Pair<'_> {
    /// The verdicts, and whether every case was looked into.
    fn compare(&self) -> (Compared, bool) {
        let open = Open::of(self);
        let size = 1 + resources(self.old) + resources(self.new);
        let (cases, is_complete) = open.cases((MOST_RESOURCES / size).clamp(1, MOST_CASES));
        let answers = cases.iter().map(|case| {
            let state = |sources| state(sources, case, self.given, self.part);
            compare(&state(self.old), &state(self.new), self.options)
        });
        let mut compared = together(&open, &cases, answers.collect());
        if !is_complete {
            let names = open.questions.keys().map(|(_, name)| format!("`{name}`"));
            let text = format!(
                "too large: the conditions leave {} open, and {} cases were looked into: give some with --parameter NAME=VALUE",
                names.collect::<Vec<_>>().join(", "),
                cases.len()
            );
            for row in &mut compared.rows {
                if matches!(row.verdict(), Verdict::Equivalent | Verdict::Narrowed) {
                    let reason = Reason { kind: ReasonKind::TooLarge, text: text.clone() };
                    row.comparison = Comparison::unknown(reason);
                    row.lost_by = None;
                }
            }
        }
        (compared, is_complete)
    }
}

/// Two answers that speak of the same.
fn shared(answers: &[Compared]) -> Option<(usize, usize)> {
    let mut seen: BTreeMap<(Layer, &str), usize> = BTreeMap::new();
    for (at, answer) in answers.iter().enumerate() {
        for row in &answer.rows {
            match seen.get(&(row.layer, row.subject.as_str())) {
                Some(other) if *other != at => return Some((*other, at)),
                _ => seen.insert((row.layer, &row.subject), at),
            };
        }
    }
    None
}

/// The order of [`Compared::rows`].
fn rank(layer: Layer) -> usize {
    match layer {
        Layer::Identity | Layer::Trust => 0,
        Layer::Resource => 1,
        Layer::PublicAccess => 2,
        Layer::LakeFormation => 3,
        Layer::Unmodelled => 4,
    }
}

/// The resources that say something about access, those together that refer to each other. Lake Formation's are
/// one part: they name each other by text.
fn parts(old: &[Source<'_>], new: &[Source<'_>]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for source in old.iter().chain(new) {
        for (id, definition) in relevant(source) {
            let kind = kind_of(definition);
            let is_governed =
                kind.starts_with("AWS::LakeFormation::") || kind == "AWS::Glue::Table";
            let mut part: Part = [(source.name.clone(), id.to_owned())].into();
            if is_governed {
                part.insert((String::new(), "Lake Formation".to_owned()));
            }
            references(definition, &mut |name, _| {
                match source.parameters.get(name) {
                    Some((stack, output)) => {
                        part.insert((stack.clone(), format!("Outputs/{output}")))
                    }
                    None => {
                        let resource = source.body.at(&["Resources", name]);
                        resource.is_some() && part.insert((source.name.clone(), name.to_owned()))
                    }
                };
            });
            parts.push(part);
        }
        let outputs = source.body.get("Outputs").and_then(Value::as_map);
        for (output, value) in outputs.into_iter().flat_map(Map::iter) {
            let mut part: Part = [(source.name.clone(), format!("Outputs/{output}"))].into();
            references(value, &mut |name, _| {
                part.insert((source.name.clone(), name.to_owned()));
            });
            parts.push(part);
        }
    }
    let mut apart: Vec<Part> = Vec::new();
    for mut part in parts {
        let (touching, rest): (Vec<Part>, Vec<Part>) =
            apart.into_iter().partition(|other| !other.is_disjoint(&part));
        touching.into_iter().for_each(|other| part.extend(other));
        apart = rest;
        apart.push(part);
    }
    apart
}

/// The state of templates as they are with what was given; a parameter that nobody gave has its default. What stays open
/// then is taken to hold.
pub fn read_given(sources: &[Source<'_>], given: &Given) -> State {
    let options = Options::default();
    let pair = Pair { old: sources, new: &[], given, options: &options, part: None };
    let open = Open::of(&pair);
    let case = open.questions.into_iter().map(|(name, choices)| {
        let default = parameter(sources, &name).and_then(|one| one.get("Default")).map(plain);
        let holds = choices.contains(&Taken::Holds(true));
        let taken = match default {
            Some(text) => Taken::Text(text),
            None if holds => Taken::Holds(true),
            None => choices.into_iter().next().unwrap_or(Taken::Other),
        };
        (name, taken)
    });
    state(sources, &case.collect(), given, None)
}

fn resources(sources: &[Source<'_>]) -> usize {
    let count =
        |source: &Source| source.body.get("Resources").and_then(Value::as_map).map(Map::len);
    sources.iter().filter_map(count).sum()
}

fn parameter<'s>(sources: &'s [Source<'_>], (stack, name): &Name) -> Option<&'s Value> {
    let source = sources.iter().find(|source| source.name == *stack)?;
    source.body.at(&["Parameters", name])
}

/// A scalar as CloudFormation compares it: everything is a text.
fn plain(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => other.to_json(),
    }
}

impl Open {
    fn of(pair: &Pair<'_>) -> Open {
        let Pair { old, new, given, .. } = *pair;
        let mut open = Open::default();
        for source in old.iter().chain(new) {
            let mut asked = BTreeSet::new();
            for (_, definition) in relevant(source).filter(|(id, _)| within(pair.part, source, id))
            {
                if let Some(name) = definition.get("Condition").and_then(Value::as_str) {
                    asked.insert(name);
                }
                used(definition, &mut asked);
            }
            let mut seen = BTreeSet::new();
            while let Some(name) = asked.pop_first() {
                if seen.insert(name)
                    && let Some(condition) = source.body.at(&["Conditions", name])
                {
                    open.condition(source, condition, given, &mut asked);
                }
            }
        }
        open.defaults(pair);
        open.finish(pair);
        open
    }

    /// Notes what a condition asks, and which others it names.
    fn condition<'v>(
        &mut self,
        source: &Source<'_>,
        condition: &'v Value,
        given: &Given,
        names: &mut BTreeSet<&'v str>,
    ) {
        match condition {
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    match (key, value) {
                        ("Condition", Value::Str(name)) => {
                            names.insert(name);
                        }
                        ("Fn::Equals", Value::List(sides)) => self.equals(source, sides, given),
                        (_, value) => self.condition(source, value, given, names),
                    }
                }
            }
            Value::List(list) => {
                list.iter().for_each(|one| self.condition(source, one, given, names));
            }
            _ => {}
        }
    }

    fn equals(&mut self, source: &Source<'_>, sides: &[Value], given: &Given) {
        let [one, other] = sides else { return };
        let choice = |name: &str, text: &Value| {
            ((source.name.clone(), name.to_owned()), Taken::Text(plain(text)))
        };
        let (name, taken) = match (reference(one), reference(other)) {
            (None, None) if is_plain(one) && is_plain(other) => return,
            (Some(name), None) if is_plain(other) => choice(name, other),
            (None, Some(name)) if is_plain(one) => choice(name, one),
            _ => ((source.name.clone(), comparison(sides)), Taken::Holds(true)),
        };
        let choices = self.questions.entry(name.clone()).or_default();
        if let (Some(value), true) = (given.parameters.get(&name.1), taken != Taken::Holds(true)) {
            *choices = vec![Taken::Text(value.clone())];
        } else if !choices.contains(&taken) {
            choices.push(taken);
        }
    }

    /// Defaults that differ: a stack that takes the default changes with it.
    fn defaults(&mut self, pair: &Pair<'_>) {
        let Pair { old, new, given, .. } = *pair;
        for source in new {
            let mut named = BTreeSet::new();
            for (_, definition) in relevant(source).filter(|(id, _)| within(pair.part, source, id))
            {
                references(definition, &mut |name, _| {
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
                if changes && counts && !given.parameters.contains_key(name) {
                    self.questions.entry(key).or_default().push(Taken::Default);
                }
            }
        }
    }

    /// Adds what else each may be: another text where the parameter may have one, the opposite of a comparison.
    fn finish(&mut self, pair: &Pair<'_>) {
        let Pair { old, new, given, .. } = *pair;
        for (name, choices) in &mut self.questions {
            if given.parameters.contains_key(&name.1) {
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

    /// The first cases, and whether these are all.
    fn cases(&self, most: usize) -> (Vec<Case>, bool) {
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
    fn words(&self, name: &Name, taken: &Taken) -> String {
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
fn relevant<'s>(source: &'s Source<'_>) -> impl Iterator<Item = (&'s str, &'s Value)> {
    let resources = source.body.get("Resources").and_then(Value::as_map);
    resources.into_iter().flat_map(Map::iter).filter(|(_, one)| {
        let properties = one.get("Properties").and_then(Value::as_map);
        template::says_access(kind_of(one), properties)
    })
}

fn within(part: Option<&Part>, source: &Source<'_>, id: &str) -> bool {
    part.is_none_or(|part| part.contains(&(source.name.clone(), id.to_owned())))
}

/// The conditions that `Fn::If` names below a value.
fn used<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
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

fn reference(value: &Value) -> Option<&str> {
    let map = value.as_map().filter(|map| map.len() == 1)?;
    map.get("Ref")?.as_str()
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Map(_) | Value::List(_))
}

fn comparison(sides: &[Value]) -> String {
    let mut texts: Vec<String> = sides.iter().map(Value::to_json).collect();
    texts.sort();
    texts.join(" = ")
}

/// The state of templates in one case, of a part of their resources.
fn state(sources: &[Source<'_>], case: &Case, given: &Given, part: Option<&Part>) -> State {
    let settled: Vec<Source<'_>> =
        sources.iter().map(|one| settled(one, case, given, part)).collect();
    let mut state = template::read(&settled);
    for (arn, document) in &given.documents {
        state.supply(arn, document);
    }
    state
}

/// A template in one case: without the resources that are not made, with a branch of each `Fn::If`, and with the
/// parameters that are known.
fn settled<'s>(
    source: &'s Source<'_>,
    case: &Case,
    given: &Given,
    part: Option<&Part>,
) -> Source<'s> {
    let of_stack = |name: &str| case.get(&(source.name.clone(), name.to_owned()));
    let mut known = BTreeMap::new();
    let parameters = source.body.get("Parameters").and_then(Value::as_map);
    for (name, definition) in parameters.into_iter().flat_map(Map::iter) {
        let text = match (given.parameters.get(name), of_stack(name)) {
            (Some(text), _) | (None, Some(Taken::Text(text))) => Some(text.clone()),
            (None, Some(Taken::Default)) => definition.get("Default").map(plain),
            _ => None,
        };
        let kind = definition.get("Type").and_then(Value::as_str).unwrap_or("String");
        if let Some(text) = text {
            known.insert(name, of_type(kind, text));
        }
    }
    let settling = Settling { source, case, known, part };
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
fn of_type(kind: &str, text: String) -> Value {
    match kind == "CommaDelimitedList" || kind.starts_with("List<") {
        true => text.split(',').map(|part| Value::from(part.trim().to_owned())).collect(),
        false => Value::from(text),
    }
}

struct Settling<'s> {
    source: &'s Source<'s>,
    case: &'s Case,
    known: BTreeMap<&'s str, Value>,
    part: Option<&'s Part>,
}

impl Settling<'_> {
    fn template(&self) -> Value {
        let Some(body) = self.source.body.as_map() else {
            return self.source.body.as_ref().clone();
        };
        let pairs = body.iter().map(|(key, value)| {
            let value = match (key, value) {
                ("Resources", Value::Map(resources)) => {
                    let made = resources.iter().filter(|(id, one)| self.is_made(id, one));
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

    fn is_made(&self, id: &str, resource: &Value) -> bool {
        let properties = resource.get("Properties").and_then(Value::as_map);
        let says = self.part.is_some() && template::says_access(kind_of(resource), properties);
        if says && !within(self.part, self.source, id) {
            return false;
        }
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

/// One row: what it is about.
type Key = (Layer, String, String, String);

fn key(row: &Row) -> Key {
    let reason = row.comparison.reason.as_ref().filter(|_| row.layer == Layer::Unmodelled);
    let text = reason.map(|reason| reason.text.clone()).unwrap_or_default();
    (row.layer, row.subject.clone(), row.kind.clone(), text)
}

/// The answers of all cases as one.
fn together(open: &Open, cases: &[Case], answers: Vec<Compared>) -> Compared {
    if answers.len() == 1 {
        return answers.into_iter().next().unwrap_or(Compared { rows: Vec::new() });
    }
    let mut order: Vec<Key> = Vec::new();
    let mut rows: BTreeMap<Key, Vec<(usize, Row)>> = BTreeMap::new();
    for (at, answer) in answers.into_iter().enumerate() {
        for row in answer.rows {
            let key = key(&row);
            if !rows.contains_key(&key) {
                order.push(key.clone());
            }
            rows.entry(key).or_default().push((at, row));
        }
    }
    let merged = order.iter().filter_map(|key| merged(open, cases, rows.remove(key)?));
    Compared { rows: merged.collect() }
}

fn merged(open: &Open, cases: &[Case], rows: Vec<(usize, Row)>) -> Option<Row> {
    let mut verdicts = vec![Verdict::Equivalent; cases.len()];
    rows.iter().for_each(|(at, row)| verdicts[*at] = row.verdict());
    let find = |wanted: &[Verdict]| rows.iter().find(|(_, row)| wanted.contains(&row.verdict()));
    let gained = find(&[Verdict::Incomparable, Verdict::Broadened]);
    let lost = find(&[Verdict::Incomparable, Verdict::Narrowed]);
    let unknown = find(&[Verdict::Undecided]);
    let (at, base) = gained.or(unknown).or(lost).or(rows.first())?;
    let mut row = base.clone();
    row.comparison.verdict = match (gained, unknown, lost) {
        (Some(_), _, Some(_)) => Verdict::Incomparable,
        (Some(_), _, None) => Verdict::Broadened,
        (None, Some(_), _) => Verdict::Undecided,
        (None, None, Some(_)) => Verdict::Narrowed,
        (None, None, None) => Verdict::Equivalent,
    };
    if let (Some((_, lost)), None) = (lost, &row.comparison.lost) {
        row.comparison.lost = lost.comparison.lost.clone();
        row.comparison.lost_by = lost.comparison.lost_by.clone();
        row.lost_by = lost.lost_by.clone();
    }
    if rows.iter().any(|(_, one)| one.presence != row.presence) {
        row.presence = Presence::Both;
    }
    row.comparison.exact &= unknown.is_none() && rows.iter().all(|(_, one)| one.comparison.exact);
    let case = &cases[*at];
    let matters = |name: &Name| {
        let differs = |other: usize| {
            let same_else =
                case.iter().all(|(key, taken)| key == name || cases[other][key] == *taken);
            same_else && verdicts[other] != verdicts[*at]
        };
        (0..cases.len()).any(differs)
    };
    let assumed = case.iter().filter(|(name, _)| matters(name));
    row.given.extend(assumed.map(|(name, taken)| open.words(name, taken)));
    Some(row)
}
