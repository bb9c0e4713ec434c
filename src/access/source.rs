//! Templates as they are handed to [`super::read`], and which output feeds which parameter.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::document::{Map, Value};

/// What a stack is called whose name nobody knows.
pub const UNNAMED: &str = "template";

/// A template, and where it is or will be deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Source<'t> {
    /// The stack's name; in a state each once.
    pub name: String,
    /// Twelve digits.
    pub account: String,
    pub region: String,
    /// The template; borrowed where somebody holds it anyway.
    pub body: Cow<'t, Value>,
    /// Parameters that get their value from an output of another stack of the state: its name and the output's.
    pub parameters: BTreeMap<String, (String, String)>,
    /// Parameters whose value is known.
    pub given: BTreeMap<String, String>,
}

impl Source<'_> {
    /// A copy that borrows nothing.
    pub(super) fn to_owned(&self) -> Source<'static> {
        Source {
            name: self.name.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            body: Cow::Owned(self.body.as_ref().clone()),
            parameters: self.parameters.clone(),
            given: self.given.clone(),
        }
    }

    /// The parameters that have a default.
    pub(super) fn defaults(&self) -> impl Iterator<Item = &str> {
        let parameters = self.body.get("Parameters").and_then(Value::as_map);
        let all = parameters.into_iter().flat_map(Map::iter);
        all.filter(|(_, one)| one.get("Default").is_some()).map(|(name, _)| name)
    }
}

/// Connects parameters with the outputs that lakewright feeds them from: of the same name, in one other template.
/// Parameters that have a default, or a source already, are left alone.
pub fn feed(sources: &mut [Source<'_>]) {
    let mut outputs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources.iter() {
        if let Some(map) = source.body.get("Outputs").and_then(Value::as_map) {
            map.iter().for_each(|(output, _)| {
                outputs.entry(output.to_owned()).or_default().push(source.name.clone());
            });
        }
    }
    for source in sources {
        let Some(parameters) = source.body.get("Parameters").and_then(Value::as_map) else {
            continue;
        };
        for (name, definition) in parameters.iter() {
            let Some([from]) = outputs.get(name).map(Vec::as_slice) else { continue };
            let ours = *from != source.name && definition.get("Default").is_none();
            if ours && !source.parameters.contains_key(name) {
                source.parameters.insert(name.to_owned(), (from.clone(), name.to_owned()));
            }
        }
    }
}
