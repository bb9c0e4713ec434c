//! Filling a document with arguments.
//!
//! In go the document's statements with placeholders and typed arguments, out come statements. The rules stand in
//! [`super::document`]. Every value is checked against its kind first; minijinja then renders each string with
//! values that its formatter escapes for IAM.
//! Invariant: the statements that come out are those of the document, with the actions of the document; an argument
//! decides only what stands in the slots, how often a string with a list stands there, and whether an optional
//! string does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use minijinja::value::Value as Text;

use super::argument::Argument;
use super::document::{
    Document, FIRST_MARK, FillError, LAST_MARK, Layer, Library, Parameter, Pattern,
    PrincipalTemplate, Template, declared,
};
use super::grant::Grantee;
use super::kind::{Kind, escaped};
use super::statement::{Statement, set};
use crate::document::{Map, Value};

/// A library and the arguments that hold for many documents: partition, region, account and the like. A document
/// takes of them what it declares.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    library: &'a Library,
    common: BTreeMap<String, Argument>,
}

impl Place<'_> {
    /// Fills a document with the given arguments and those of the place; the given ones come first.
    pub fn fill(
        &self,
        name: &str,
        arguments: &[(&str, Argument)],
    ) -> Result<Vec<Statement>, FillError> {
        fill(self.library, name, arguments, &self.common)
    }

    /// When a statement is to hold, by a document of the layer `condition`: operator → key → values.
    pub fn condition(&self, name: &str, arguments: &[(&str, Argument)]) -> Result<Map, FillError> {
        condition(self.library, name, arguments, &self.common)
    }

    /// The library of this place.
    pub fn library(&self) -> &Library {
        self.library
    }
}

impl Library {
    /// Fills a document. An argument that the document does not declare is an error, as is a missing one.
    pub fn fill(
        &self,
        name: &str,
        arguments: &[(&str, Argument)],
    ) -> Result<Vec<Statement>, FillError> {
        fill(self, name, arguments, &BTreeMap::new())
    }

    /// This library with arguments that are the same for many documents.
    pub fn at<N: Into<String>>(
        &self,
        common: impl IntoIterator<Item = (N, Argument)>,
    ) -> Place<'_> {
        Place {
            library: self,
            common: common.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        }
    }
}

fn fill(
    library: &Library,
    name: &str,
    arguments: &[(&str, Argument)],
    common: &BTreeMap<String, Argument>,
) -> Result<Vec<Statement>, FillError> {
    let Some(document) = library.get(name) else {
        return Err(FillError {
            document: name.to_owned(),
            place: "the library".to_owned(),
            reason: "there is no document of this name".to_owned(),
        });
    };
    match document.layer {
        Layer::Grantee => {
            return Err(refusal(document, "layer", "a grantee is filled through `{{ grantee }}`"));
        }
        Layer::Condition => {
            return Err(refusal(document, "layer", "a condition is no statement by itself"));
        }
        _ => {}
    }
    let filling = Filling::new(library, document, arguments, common)?;
    let mut statements = Vec::with_capacity(document.statements.len());
    for template in &document.statements {
        if let Some(statement) = filling.statement(template)? {
            statements.push(statement);
        }
    }
    Ok(statements)
}

fn condition(
    library: &Library,
    name: &str,
    arguments: &[(&str, Argument)],
    common: &BTreeMap<String, Argument>,
) -> Result<Map, FillError> {
    let refuse = |reason: &str| {
        Err(FillError {
            document: name.to_owned(),
            place: "the library".to_owned(),
            reason: reason.to_owned(),
        })
    };
    match library.get(name) {
        Some(document) if document.layer == Layer::Condition => {
            Filling::new(library, document, arguments, common)?.condition(&document.statements[0])
        }
        Some(_) => refuse("it is not a condition"),
        None => refuse("there is no document of this name"),
    }
}

/// The principal and the conditions of a grantee's own document.
fn grantee_half(library: &Library, grantee: &Grantee) -> Result<(Value, Map), FillError> {
    let (name, arguments) = grantee.document();
    let document = library.get(name).expect("invariant: every grantee has a built-in document");
    let arguments: Vec<(&str, Argument)> =
        arguments.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    let filling = Filling::new(library, document, &arguments, &BTreeMap::new())?;
    if let Some(stranger) = grantee.stranger() {
        return Err(refusal(
            document,
            "parameter `arns`",
            format!("{stranger:?} is of another account"),
        ));
    }
    let template = &document.statements[0];
    match filling.principal(template)? {
        Some((Some(principal), _)) => Ok((principal, filling.condition(template)?)),
        _ => Err(refusal(document, "Principal", "nobody is left")),
    }
}

/// A checked value.
#[derive(Debug, Clone)]
enum Atom {
    Text(String),
    Reference(Value),
}

/// What a parameter holds; an absent one is missing from the map.
enum Given {
    Values(Vec<Atom>),
    Grantee(Value, Map),
}

struct Filling<'a> {
    document: &'a Document,
    given: BTreeMap<&'a str, Given>,
}

impl<'a> Filling<'a> {
    fn new(
        library: &Library,
        document: &'a Document,
        arguments: &[(&str, Argument)],
        common: &BTreeMap<String, Argument>,
    ) -> Result<Self, FillError> {
        for (at, (name, _)) in arguments.iter().enumerate() {
            let place = format!("parameter `{name}`");
            if !document.parameters.contains_key(*name) && !declared(&document.name, name) {
                return Err(refusal(document, place, "the document does not declare it"));
            }
            if arguments[..at].iter().any(|(other, _)| other == name) {
                return Err(refusal(document, place, "it is given twice"));
            }
        }
        let mut given = BTreeMap::new();
        for (name, parameter) in &document.parameters {
            let argument = arguments
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, argument)| argument)
                .or_else(|| common.get(name));
            let value = match argument {
                Some(argument) => read(library, document, name, parameter, argument)?,
                None => None,
            };
            match value {
                Some(value) => {
                    given.insert(name.as_str(), value);
                }
                None if parameter.absent.is_some() => {}
                None => {
                    return Err(refusal(
                        document,
                        format!("parameter `{name}`"),
                        "it is not optional, and there is no value for it",
                    ));
                }
            }
        }
        Ok(Filling { document, given })
    }

    fn statement(&self, template: &Template) -> Result<Option<Statement>, FillError> {
        let Some((principal, more)) = self.principal(template)? else {
            return Ok(None);
        };
        let mut resources = Vec::new();
        for pattern in &template.resources {
            resources.extend(self.render(pattern)?);
        }
        if resources.is_empty() && !template.resources.is_empty() {
            return Ok(None);
        }
        let mut condition = self.condition(template)?;
        for (operator, keys) in more {
            for (key, values) in keys.as_map().into_iter().flat_map(Map::iter) {
                let taken = condition.get(&operator).and_then(|own| own.get(key)).is_some();
                if taken {
                    return Err(refusal(
                        self.document,
                        format!("{}.Condition.{operator}.{key}", template.sid),
                        "the grantee needs this key for itself",
                    ));
                }
                put(&mut condition, &operator, key, values.clone());
            }
        }
        Ok(Some(Statement {
            sid: template.sid.clone(),
            about: String::new(),
            from: String::new(),
            effect: self.document.effect,
            principal,
            actions: template.actions.clone(),
            resources: set(resources),
            condition,
        }))
    }

    /// The principal and the conditions it brings; nothing if no principal is left.
    fn principal(&self, template: &Template) -> Result<Option<(Option<Value>, Map)>, FillError> {
        let of = match &template.principal {
            None => return Ok(Some((None, Map::new()))),
            Some(PrincipalTemplate::Anyone) => {
                return Ok(Some((Some(Value::from("*")), Map::new())));
            }
            Some(PrincipalTemplate::Grantee(name)) => {
                return Ok(match self.given.get(name.as_str()) {
                    Some(Given::Grantee(principal, condition)) => {
                        Some((Some(principal.clone()), condition.clone()))
                    }
                    _ => None,
                });
            }
            Some(PrincipalTemplate::Of(of)) => of,
        };
        let mut principal = Map::new();
        for (kind, patterns) in of {
            let mut who = Vec::new();
            for pattern in patterns {
                who.extend(self.render(pattern)?);
            }
            if !who.is_empty() {
                principal.insert(kind.clone(), one_or_list(set(who)));
            }
        }
        Ok((!principal.is_empty()).then(|| (Some(Value::Map(principal)), Map::new())))
    }

    fn condition(&self, template: &Template) -> Result<Map, FillError> {
        let mut condition = Map::new();
        for (operator, key, patterns) in &template.condition {
            let mut values = Vec::new();
            for pattern in patterns {
                values.extend(self.render(pattern)?);
            }
            // A key that mentions something absent is left out as its values would be.
            let key = self.render(key)?;
            if let (Some(key), false) = (key.first().and_then(Value::as_str), values.is_empty()) {
                put(&mut condition, operator, key, one_or_list(set(values)));
            }
        }
        Ok(condition)
    }

    /// The string, once for each value of the list it mentions; not at all if something it mentions is absent.
    fn render(&self, pattern: &Pattern) -> Result<Vec<Value>, FillError> {
        if pattern.names.is_empty() {
            return Ok(vec![Value::from(pattern.source.clone())]);
        }
        let mut slots: Vec<(&str, &[Atom])> = Vec::with_capacity(pattern.names.len());
        for name in &pattern.names {
            match self.given.get(name.as_str()) {
                Some(Given::Values(values)) => slots.push((name, values)),
                _ => return Ok(Vec::new()),
            }
        }
        let times = slots.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
        (0..times).map(|at| self.render_once(pattern, &slots, at)).collect()
    }

    fn render_once(
        &self,
        pattern: &Pattern,
        slots: &[(&str, &[Atom])],
        at: usize,
    ) -> Result<Value, FillError> {
        let atom = |values: &'_ [Atom]| values[at.min(values.len() - 1)].clone();
        if pattern.whole {
            return Ok(match atom(slots[0].1) {
                Atom::Text(text) => Value::from(escaped(&text).into_owned()),
                Atom::Reference(reference) => reference,
            });
        }
        let mut references: Vec<Value> = Vec::new();
        let mut values: Vec<(&str, Text)> = Vec::with_capacity(slots.len());
        for (name, held) in slots {
            let text = match atom(held) {
                Atom::Text(text) => Text::from(text),
                Atom::Reference(reference) => {
                    let mark = char::from_u32(FIRST_MARK as u32 + references.len() as u32)
                        .expect("invariant: a string mentions few parameters");
                    references.push(reference);
                    Text::from(mark.to_string())
                }
            };
            values.push((name, text));
        }
        let rendered = self
            .document
            .strings
            .get_template(&pattern.source)
            .and_then(|template| template.render(values.into_iter().collect::<BTreeMap<_, _>>()))
            .map_err(|error| {
                refusal(self.document, format!("`{}`", pattern.source), error.to_string())
            })?;
        Ok(joined(rendered, &references))
    }
}

/// A rendered string whose marks stand for references: the text, or an `Fn::Join` of text and references.
fn joined(rendered: String, references: &[Value]) -> Value {
    if references.is_empty() {
        return Value::from(rendered);
    }
    let mut parts: Vec<Value> = Vec::new();
    let mut text = String::new();
    for c in rendered.chars() {
        if (FIRST_MARK..=LAST_MARK).contains(&c) {
            if !text.is_empty() {
                parts.push(Value::from(std::mem::take(&mut text)));
            }
            parts.push(references[c as usize - FIRST_MARK as usize].clone());
        } else {
            text.push(c);
        }
    }
    if !text.is_empty() {
        parts.push(Value::from(text));
    }
    let join = Value::List(vec![Value::from(""), Value::List(parts)]);
    Value::Map([(Cow::Borrowed("Fn::Join"), join)].into_iter().collect())
}

fn read(
    library: &Library,
    document: &Document,
    name: &str,
    parameter: &Parameter,
    argument: &Argument,
) -> Result<Option<Given>, FillError> {
    let refuse = |reason: String| Err(refusal(document, format!("parameter `{name}`"), reason));
    if let Argument::Grantee(grantee) = argument {
        if parameter.kind != Kind::Grantee {
            return refuse(format!("{} is wanted, not a grantee", parameter.kind.name()));
        }
        let (principal, condition) = grantee_half(library, grantee)?;
        return Ok(Some(Given::Grantee(principal, condition)));
    }
    let items = match argument {
        Argument::List(items) if parameter.list => items.as_slice(),
        Argument::List(_) => return refuse("one value is wanted, not a list".to_owned()),
        single => std::slice::from_ref(single),
    };
    let mut atoms = Vec::with_capacity(items.len());
    for item in items {
        atoms.push(match item {
            Argument::Text(text) => match parameter.kind.problem(text) {
                Some(problem) => return refuse(format!("{problem}: {text:?}")),
                // an empty prefix is the whole bucket, which an optional prefix says by being absent
                None if text.is_empty() && parameter.absent.is_some() => return Ok(None),
                None => Atom::Text(text.clone()),
            },
            Argument::Reference(value) => {
                if !parameter.kind.may_be_reference() {
                    return refuse(format!("{} can't be a reference", parameter.kind.name()));
                }
                if !is_reference(value) {
                    return refuse(
                        "a reference is one `Ref` or one `Fn::GetAtt` with a list".to_owned(),
                    );
                }
                Atom::Reference(value.clone())
            }
            Argument::List(_) | Argument::Grantee(_) => {
                return refuse("a list holds texts and references".to_owned());
            }
        });
    }
    if atoms.is_empty() {
        return if parameter.absent.is_some() {
            Ok(None)
        } else {
            refuse("the list is empty".to_owned())
        };
    }
    Ok(Some(Given::Values(atoms)))
}

/// `{"Ref": "Name"}` or `{"Fn::GetAtt": ["Name", "Attribute"]}`, with names that CloudFormation allows.
fn is_reference(value: &Value) -> bool {
    let plain = |value: &Value| {
        value.as_str().is_some_and(|name| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':' || b == b'.')
        })
    };
    let Some(map) = value.as_map().filter(|map| map.len() == 1) else {
        return false;
    };
    map.get("Ref").is_some_and(plain)
        || map
            .get("Fn::GetAtt")
            .and_then(Value::as_list)
            .is_some_and(|list| list.len() == 2 && list.iter().all(plain))
}

fn put(condition: &mut Map, operator: &str, key: &str, values: Value) {
    if condition.get(operator).is_none() {
        condition.insert(operator.to_owned(), Map::new());
    }
    if let Some(keys) = condition.get_mut(operator).and_then(Value::as_map_mut) {
        keys.insert(key.to_owned(), values);
    }
}

fn one_or_list(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::List(values) }
}

fn refusal(document: &Document, place: impl Into<String>, reason: impl Into<String>) -> FillError {
    FillError { document: document.name.clone(), place: place.into(), reason: reason.into() }
}
