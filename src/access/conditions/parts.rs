//! Which resources have to do with each other, so that what does not can be looked into apart.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::questions::{relevant, used};
use crate::access::compare::{Compared, Layer};
use crate::access::source::Source;
use crate::access::texts::kind_of;
use crate::canonical::references;
use crate::document::{Map, Value};

/// Stack and logical id.
type Id = (String, String);

/// Resources that have to do with each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// What says something about access; in one part only.
    own: BTreeSet<Id>,
    /// What these refer to, for their names; in as many parts as refer to it.
    around: BTreeSet<Id>,
}

impl Part {
    pub fn extend(&mut self, other: Part) {
        self.own.extend(other.own);
        self.around.extend(other.around);
    }

    /// The templates without what is not of the part, nor asked by it.
    pub fn of(&self, sources: &[Source<'_>]) -> Vec<Source<'static>> {
        sources.iter().map(|source| self.cut(source)).collect()
    }

    fn cut(&self, source: &Source<'_>) -> Source<'static> {
        let ids = self.own.iter().chain(&self.around).filter(|(stack, _)| *stack == source.name);
        let mut resources = Map::new();
        for (_, id) in ids {
            if let Some(resource) = source.body.at(&["Resources", id]) {
                resources.insert(id.clone(), resource.clone());
            }
        }
        let (mut asked, mut named) = (BTreeSet::new(), BTreeSet::new());
        for (_, resource) in resources.iter() {
            used(resource, &mut asked);
            asked.extend(resource.get("Condition").and_then(Value::as_str));
            references(resource, &mut |name, _| {
                named.insert(name.to_owned());
            });
        }
        let mut conditions = Map::new();
        while let Some(name) = asked.pop_first() {
            let condition = source.body.at(&["Conditions", name]);
            let Some(condition) = condition.filter(|_| conditions.get(name).is_none()) else {
                continue;
            };
            conditions.insert(name.to_owned(), condition.clone());
            names(condition, &mut asked);
            references(condition, &mut |name, _| {
                named.insert(name.to_owned());
            });
        }
        let outputs = source.body.get("Outputs").cloned();
        let parameters = named.iter().filter_map(|name| {
            let definition = source.body.at(&["Parameters", name])?;
            Some((Cow::from(name.clone()), definition.clone()))
        });
        let parameters: Map = parameters.collect();
        let mut body = Map::new();
        body.insert("Parameters", parameters);
        body.insert("Conditions", conditions);
        body.insert_some("Mappings", source.body.get("Mappings").cloned());
        body.insert("Resources", resources);
        body.insert_some("Outputs", outputs);
        Source {
            name: source.name.clone(),
            account: source.account.clone(),
            region: source.region.clone(),
            body: Cow::Owned(Value::Map(body)),
            parameters: source.parameters.clone(),
            given: source.given.clone(),
        }
    }
}

/// The conditions that a condition names.
fn names<'v>(condition: &'v Value, found: &mut BTreeSet<&'v str>) {
    match condition {
        Value::Map(map) => map.iter().for_each(|(key, value)| match (key, value) {
            ("Condition", Value::Str(name)) => drop(found.insert(name)),
            (_, value) => names(value, found),
        }),
        Value::List(list) => list.iter().for_each(|one| names(one, found)),
        _ => {}
    }
}

/// Groups of answers that speak of the same: their positions, each group's ascending, where there is more than one.
pub(super) fn shared(answers: &[Compared]) -> Vec<Vec<usize>> {
    let mut speak: BTreeMap<(Layer, &str), usize> = BTreeMap::new();
    let mut leads: Vec<usize> = (0..answers.len()).collect();
    fn lead(leads: &[usize], mut at: usize) -> usize {
        while leads[at] != at {
            at = leads[at];
        }
        at
    }
    for (at, answer) in answers.iter().enumerate() {
        for row in &answer.rows {
            let first = *speak.entry((row.layer, &row.subject)).or_insert(at);
            let (one, other) = (lead(&leads, first), lead(&leads, at));
            leads[one.max(other)] = one.min(other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..answers.len() {
        groups.entry(lead(&leads, at)).or_default().push(at);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// The order of [`Compared::rows`].
pub(super) fn rank(layer: Layer) -> usize {
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
pub(super) fn parts(old: &[Source<'_>], new: &[Source<'_>]) -> Vec<Part> {
    let says: BTreeSet<Id> = old
        .iter()
        .chain(new)
        .flat_map(|source| relevant(source).map(|(id, _)| (source.name.clone(), id.to_owned())))
        .collect();
    let mut apart: Vec<Option<Part>> = Vec::new();
    let mut home: BTreeMap<Id, usize> = BTreeMap::new();
    for (sources, source) in
        [old, new].into_iter().flat_map(|all| all.iter().map(move |one| (all, one)))
    {
        for (id, definition) in relevant(source) {
            let reached = reached(sources, (source.name.clone(), id.to_owned()));
            let (mut own, around): (BTreeSet<Id>, BTreeSet<Id>) =
                reached.into_iter().partition(|id| says.contains(id));
            let kind = kind_of(definition);
            if kind.starts_with("AWS::LakeFormation::") || kind == "AWS::Glue::Table" {
                own.insert((String::new(), "Lake Formation".to_owned()));
            }
            let mut part = Part { own, around };
            let met: BTreeSet<usize> =
                part.own.iter().filter_map(|id| home.get(id).copied()).collect();
            for other in met {
                if let Some(other) = apart[other].take() {
                    part.extend(other);
                }
            }
            for id in &part.own {
                home.insert(id.clone(), apart.len());
            }
            apart.push(Some(part));
        }
    }
    apart.into_iter().flatten().collect()
}

/// A resource and everything that it refers to, however far.
fn reached(sources: &[Source<'_>], from: Id) -> BTreeSet<Id> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(id) = open.pop() {
        let Some(source) = sources.iter().find(|source| source.name == id.0) else { continue };
        let Some(resource) = source.body.at(&["Resources", &id.1]) else { continue };
        if !found.insert(id) {
            continue;
        }
        references(resource, &mut |name, _| match source.parameters.get(name) {
            None => open.push((source.name.clone(), name.to_owned())),
            Some((stack, output)) => {
                let other = sources.iter().find(|other| other.name == *stack);
                let value = other.and_then(|other| other.body.at(&["Outputs", output]));
                if let Some(value) = value {
                    references(value, &mut |name, _| open.push((stack.clone(), name.to_owned())));
                }
            }
        });
    }
    found
}
