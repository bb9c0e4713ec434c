//! Whether a document allows anything that the one it replaces does not.
//!
//! Both are filled with the same arguments, for each set of [`super::arguments`], and the verdict engine compares what
//! comes out, in the layer that it is for. A Deny is compared as what it leaves of everything: alone it allows nothing.
//! Whom a grant goes to (`grantee-*`) is compared in a grant to read.

use super::arguments::{self, Set};
use crate::document;
use crate::document::Value;
use crate::lake::Home;
use crate::policy::{Effect, FillError, Layer, Library, Policy, Statement};
use crate::verdict::{self, Comparison, Kind, Options, Verdict};

/// Steps of a comparison: documents are small, and there are many comparisons.
const STEPS: u64 = 4_000_000;

/// The grant in which forms of grantees are compared.
const GRANT: &str = "bucket-read";

/// More than ours, or perhaps.
#[derive(Debug)]
pub struct Broader {
    pub comparison: Comparison,
    /// The statement that allows it.
    pub sid: Option<String>,
    /// What both were filled with.
    pub filled: String,
}

/// Compares a document of the library with the built-in one of its name.
pub fn look(library: &Library, name: &str, home: &Home) -> Result<Option<Broader>, FillError> {
    let built_in = Library::built_in();
    let (Some(own), Some(ours)) = (library.get(name), built_in.get(name)) else { return Ok(None) };
    let mut found: Option<Broader> = None;
    for set in sets(library, name, home) {
        let (old, new) = (filled(&built_in, name, &set)?, filled(library, name, &set)?);
        if new.is_empty() && !old.is_empty() {
            let reason = format!("no statement is left of it when it is filled with {}", set.shown);
            let (document, place) = (name.to_owned(), "statements".to_owned());
            return Err(FillError { document, place, reason });
        }
        if own.says_what(ours) || found.is_some() {
            continue;
        }
        let kind = kind(carrier(&built_in, name).layer);
        let deny = own.effect == Effect::Deny;
        let old = documents(&old, kind, deny, name)?;
        let new = documents(&new, kind, deny, name)?;
        let options = Options { steps: STEPS, ..Options::default() };
        let comparison = verdict::compare(&old, &new, kind, &options);
        if matches!(
            comparison.verdict,
            Verdict::Broadened | Verdict::Incomparable | Verdict::Undecided
        ) {
            let statements = new.iter().flat_map(|document| &document.statements);
            let by = comparison.gained_by.and_then(|at| statements.into_iter().nth(at));
            let sid = by.map(|it| it.label.clone()).filter(|_| !deny);
            found = Some(Broader { comparison, sid, filled: set.shown });
        }
    }
    Ok(found)
}

/// Whether a document can be filled with everything that a lake can hold.
pub fn fills(library: &Library, name: &str, home: &Home) -> Result<(), FillError> {
    sets(library, name, home).iter().try_for_each(|set| filled(library, name, set).map(|_| ()))
}

/// The document that is filled: itself, or a grant for whom it goes to.
fn carrier<'l>(library: &'l Library, name: &str) -> &'l crate::policy::Document {
    let document = library.get(name).expect("invariant: it is in the library");
    if document.layer != Layer::Grantee {
        return document;
    }
    library.get(GRANT).expect("invariant: there is a grant to read")
}

fn sets(library: &Library, name: &str, home: &Home) -> Vec<Set> {
    let built_in = Library::built_in();
    let texts: Vec<String> = [library.get(name), built_in.get(name)]
        .into_iter()
        .flatten()
        .map(crate::policy::Document::wording)
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    arguments::sets(carrier(&built_in, name), home, &texts)
}

fn filled(library: &Library, name: &str, set: &Set) -> Result<Vec<Statement>, FillError> {
    let arguments = set.arguments.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let place = library.at(arguments);
    if library.get(name).is_some_and(|it| it.layer == Layer::Condition) {
        // Everything, as long as the condition holds.
        return Ok(vec![Statement {
            sid: "When".to_owned(),
            about: String::new(),
            from: String::new(),
            effect: Effect::Allow,
            principal: None,
            actions: vec!["*".to_owned()],
            resources: vec![Value::from("*")],
            condition: place.condition(name, &[])?,
        }]);
    }
    place.fill(&carrier(library, name).name, &[])
}

fn kind(layer: Layer) -> Kind {
    match layer {
        Layer::Identity | Layer::Condition => Kind::Identity,
        Layer::Trust => Kind::Trust,
        Layer::Resource | Layer::Key | Layer::Grantee => Kind::Resource,
    }
}

/// The statements as the engine reads them; a Deny beside an Allow of everything.
fn documents(
    statements: &[Statement],
    kind: Kind,
    deny: bool,
    name: &str,
) -> Result<Vec<verdict::Document>, FillError> {
    let read = |value: &Value| {
        verdict::Document::read(value, kind).map_err(|error| FillError {
            document: name.to_owned(),
            place: "statements".to_owned(),
            reason: error.to_string(),
        })
    };
    let mut documents = Vec::new();
    if deny {
        let mut all = document!({"Effect": "Allow", "Action": "*"});
        let map = all.as_map_mut().expect("invariant: it is an object");
        if kind != Kind::Identity {
            map.insert("Principal", "*");
        }
        if kind != Kind::Trust {
            map.insert("Resource", "*");
        }
        documents.push(read(&document!({"Version": "2012-10-17", "Statement": [all]}))?);
    }
    documents.push(read(&Policy::new(statements.to_vec()).to_value())?);
    Ok(documents)
}
