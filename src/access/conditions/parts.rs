//! Which resources have to do with each other, so that what does not can be looked into apart.

use std::collections::{BTreeMap, BTreeSet};

use super::questions::relevant;
use crate::access::compare::{Compared, Layer};
use crate::access::source::Source;
use crate::access::texts::kind_of;
use crate::canonical::references;
use crate::document::{Map, Value};

/// Stack and logical id of resources that have to do with each other.
pub(super) type Part = BTreeSet<(String, String)>;

/// Two answers that speak of the same.
pub(super) fn shared(answers: &[Compared]) -> Option<(usize, usize)> {
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

pub(super) fn within(part: Option<&Part>, source: &Source<'_>, id: &str) -> bool {
    part.is_none_or(|part| part.contains(&(source.name.clone(), id.to_owned())))
}
