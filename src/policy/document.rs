//! Policy documents: their form, and the library that holds them.
//!
//! A document is one JSON file. Its header says what it allows and why; `statements` are IAM statements whose strings
//! hold placeholders, `{{ prefix }}`, and nothing else of minijinja's language: no filter, call, loop or include.
//!
//! | key | what stands there |
//! |---|---|
//! | `title` | one line for a reviewer |
//! | `effect`, `layer` | `Allow` or `Deny`; `identity`, `resource` (bucket, topic), `key`, `trust`, `grantee` or `condition` |
//! | `why` | for each action the reason that it is needed |
//! | `parameters` | name → `type` (a [`Kind`], with `[]` for a list), `about`, `example`; `absent` makes it optional and says what its absence means |
//! | `statements` | `Sid`, `Effect`, `Principal`, `Action`, `Resource`, `Condition`; the negated elements are refused |
//! | `claims` | the services, access levels and resource types that the actions stay inside, and whether data is touched |
//! | `bare_star` | for each action on `*` in an identity or resource policy why nothing narrower works; in a key policy `*` is the key itself |
//! | `absent_keys` | of a Deny: Sid → condition key → what happens to a request without that key: `denied: ...` or `passes: ...` |
//! | `narrows` | of a condition: the documents whose statements it narrows |
//! | `flows`, `source`, `date` | who uses it, AWS's pages, when they were read |
//!
//! How strings are filled, in `Principal`, `Resource` and `Condition` only:
//! a string that mentions a list parameter stands once for each of its values; a string that mentions an optional
//! parameter that is absent is left out, with it the condition key that has no value left, and the statement that has
//! no resource or principal left; a string that mentions a reference becomes that reference or an `Fn::Join`;
//! `{{ grantee }}` in place of a `Principal` brings the principal and the conditions of that grantee's own document.
//! A condition key may hold one placeholder, of a tag's key or of a provider's name: `aws:PrincipalTag/{{ tag }}`.
//! Invariant: a [`Document`] that was read can be filled; what can go wrong then lies in the arguments.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use minijinja::Environment;

use super::built_in::BUILT_IN;
use super::kind::Kind;
use super::statement::Effect;

/// Stands for a reference while a string is rendered; no kind of value and no document may hold it.
pub(super) const FIRST_MARK: char = '\u{e000}';
pub(super) const LAST_MARK: char = '\u{f8ff}';

/// Why a document could not be read or filled: a bug, or a document of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy document `{document}`, {place}: {reason}")]
pub struct FillError {
    /// The name of the document, without `.json`.
    pub document: String,
    /// Where in the document or in the arguments.
    pub place: String,
    pub reason: String,
}

/// Where a statement ends up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// A managed or inline policy of a role or user.
    Identity,
    /// The policy of a bucket or topic.
    Resource,
    /// The policy of a KMS key.
    Key,
    /// Who may assume a role.
    Trust,
    /// Not a statement but whom one goes to: `Principal` and `Condition` only.
    Grantee,
    /// Not a statement but when one holds: `Condition` only.
    Condition,
}

pub(super) const LAYERS: &[(&str, Layer)] = &[
    ("identity", Layer::Identity),
    ("resource", Layer::Resource),
    ("key", Layer::Key),
    ("trust", Layer::Trust),
    ("grantee", Layer::Grantee),
    ("condition", Layer::Condition),
];

impl Layer {
    /// The word that documents use.
    pub fn name(self) -> &'static str {
        LAYERS
            .iter()
            .find(|(_, layer)| *layer == self)
            .map(|(name, _)| *name)
            .expect("invariant: every layer has a name")
    }

    /// Whether it is a part of statements that other documents have, and none by itself.
    pub fn is_part(self) -> bool {
        matches!(self, Layer::Grantee | Layer::Condition)
    }
}

/// A parameter as its document declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub kind: Kind,
    /// Whether several values may be given.
    pub list: bool,
    /// What it is, for a reader.
    pub about: String,
    /// Present when it may be left out: what the document means then.
    pub absent: Option<String>,
    /// Values that make sense; empty for a grantee.
    pub example: Vec<String>,
}

/// What the actions of a document stay inside, checked against the catalogue by [`super::check`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    pub services: Vec<String>,
    /// `List`, `Read`, `Write`, `Tagging`, `Permissions management`, in AWS's words.
    pub levels: Vec<String>,
    pub resource_types: Vec<String>,
    /// Whether the content of the lake can be read, written or deleted with it.
    pub data_plane: bool,
}

/// A policy document that has been read.
pub struct Document {
    pub name: String,
    pub title: String,
    pub effect: Effect,
    pub layer: Layer,
    /// Action → reason, ascending.
    pub why: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, Parameter>,
    pub claims: Claims,
    /// Action → why its resource is `*`.
    pub bare_star: BTreeMap<String, String>,
    /// Sid and condition key → what happens to a request without the key, `denied: ...` or `passes: ...`.
    pub absent_keys: BTreeMap<(String, String), String>,
    /// The documents whose statements a condition narrows.
    pub narrows: Vec<String>,
    pub flows: Vec<String>,
    pub sources: Vec<String>,
    /// The day on which the sources were read, `YYYY-MM-DD`.
    pub date: String,
    pub(super) statements: Vec<Template>,
    pub(super) strings: Environment<'static>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A statement whose strings are still to be filled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    pub sid: String,
    pub principal: Option<PrincipalTemplate>,
    pub actions: Vec<String>,
    pub resources: Vec<Pattern>,
    /// Operator, key, values.
    pub condition: Vec<(String, Pattern, Vec<Pattern>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum PrincipalTemplate {
    /// The name of the parameter that says who.
    Grantee(String),
    Anyone,
    /// `AWS`, `Service` or `Federated`, and who.
    Of(Vec<(String, Vec<Pattern>)>),
}

/// A string of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub source: String,
    /// The parameters it mentions, each once.
    pub names: Vec<String>,
    /// Whether it is one placeholder and nothing else.
    pub whole: bool,
}

/// All documents: ours, and those of the user's that take the place of ours or stand beside them.
#[derive(Debug, Clone, Default)]
pub struct Library {
    own: BTreeMap<String, Arc<Document>>,
}

impl Library {
    /// The documents that come with lakewright. Each is read when it is first asked for.
    pub fn built_in() -> Library {
        Library::default()
    }

    /// This library with documents of the user's own, given as (name without `.json`, text).
    ///
    /// One that takes the place of ours must be of the same effect and layer and may declare no parameter that ours
    /// does not have, nor insist on one that ours can do without: nobody would give it. Whether it allows more than
    /// ours is what `vocabulary` asks the verdict engine.
    pub fn with<N: Into<String>, T: AsRef<str>>(
        mut self,
        documents: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Library, FillError> {
        for (name, text) in documents {
            let name = name.into();
            let own = Document::read(&name, text.as_ref())?;
            if let Some(ours) = built_in(&name) {
                let refuse = |place: &str, reason: String| {
                    Err(FillError { document: name.clone(), place: place.to_owned(), reason })
                };
                if own.effect != ours.effect || own.layer != ours.layer {
                    return refuse(
                        "effect and layer",
                        format!(
                            "it replaces a built-in document and must stay `{}`, `{}`",
                            ours.effect.name(),
                            ours.layer.name()
                        ),
                    );
                }
                if own.narrows != ours.narrows {
                    return refuse(
                        "narrows",
                        "it replaces a built-in document and must narrow the same".to_owned(),
                    );
                }
                for (parameter, declared) in &own.parameters {
                    if let Some(reason) = differs(declared, ours.parameters.get(parameter)) {
                        return refuse(&format!("parameters.{parameter}"), reason);
                    }
                }
            }
            self.own.insert(name, Arc::new(own));
        }
        Ok(self)
    }

    /// The document of that name.
    pub fn get(&self, name: &str) -> Option<&Document> {
        self.own.get(name).map(Arc::as_ref).or_else(|| built_in(name))
    }

    /// The names of the user's own documents, ascending.
    pub fn own(&self) -> impl Iterator<Item = &str> {
        self.own.keys().map(String::as_str)
    }

    /// The names of all documents, ascending.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = BUILT_IN
            .iter()
            .map(|(name, _)| *name)
            .chain(self.own.keys().map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The text of a document of ours, as it stands in `policies/`.
pub fn text_of(name: &str) -> Option<&'static str> {
    let at = BUILT_IN.binary_search_by(|(own, _)| (*own).cmp(name)).ok()?;
    Some(BUILT_IN[at].1)
}

/// Why a parameter of a document that takes the place of ours would not get what it asks for.
fn differs(own: &Parameter, ours: Option<&Parameter>) -> Option<String> {
    let Some(ours) = ours else {
        return Some("the built-in document of this name has no such parameter".to_owned());
    };
    let (kind, list) = (ours.kind.name(), if ours.list { "[]" } else { "" });
    if own.kind != ours.kind || (ours.list && !own.list) {
        return Some(format!("in the built-in document it is of the type `{kind}{list}`"));
    }
    if ours.absent.is_some() && own.absent.is_none() {
        return Some(
            "in the built-in document it is optional: say what its absence means".to_owned(),
        );
    }
    None
}

/// Whether our document of a name declares a parameter: one that takes its place may do without it.
pub(super) fn declared(name: &str, parameter: &str) -> bool {
    built_in(name).is_some_and(|document| document.parameters.contains_key(parameter))
}

fn built_in(name: &str) -> Option<&'static Document> {
    static READ: OnceLock<Vec<OnceLock<Document>>> = OnceLock::new();
    let at = BUILT_IN.binary_search_by(|(own, _)| (*own).cmp(name)).ok()?;
    let read = READ.get_or_init(|| BUILT_IN.iter().map(|_| OnceLock::new()).collect());
    Some(read[at].get_or_init(|| {
        Document::read(name, BUILT_IN[at].1)
            .unwrap_or_else(|error| panic!("invariant: built-in documents are valid: {error}"))
    }))
}

impl Document {
    /// Whether both say the same to everyone: the same statements of the same parameters.
    pub fn says_what(&self, other: &Document) -> bool {
        self.statements == other.statements && self.parameters == other.parameters
    }

    /// Every string of its statements as it is written, a line each.
    pub fn wording(&self) -> String {
        let texts =
            self.statements.iter().flat_map(Template::patterns).map(|it| it.source.as_str());
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Every action it names, ascending.
    pub fn actions(&self) -> Vec<&str> {
        let mut actions: Vec<&str> =
            self.statements.iter().flat_map(|s| s.actions.iter().map(String::as_str)).collect();
        actions.sort_unstable();
        actions.dedup();
        actions
    }
}

impl Template {
    /// Every string of the statement that may hold placeholders.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let principal = match &self.principal {
            Some(PrincipalTemplate::Of(of)) => of.as_slice(),
            _ => &[],
        };
        principal.iter().flat_map(|(_, patterns)| patterns).chain(&self.resources).chain(
            self.condition
                .iter()
                .flat_map(|(_, key, patterns)| std::iter::once(key).chain(patterns)),
        )
    }
}
