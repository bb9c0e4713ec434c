//! One question to all layers: may this principal carry out this action on this resource in any request at all?
//!
//! The layers are those of `decide`, and the answer is the search's: a request that all of them let through. Policies of
//! an identity are given the identity's name, so that they and a resource's policy are one language; a role's trust is a
//! policy of the role as a resource. Which keys a request has, and what they say of who makes it, is the verdict's to
//! know (`crate::verdict`, axioms). Of each layer only what concerns the question is searched: see `verdict::apart`.
//! Sources: IAM User Guide, "Evaluating policies within a single account" and "Cross-account policy evaluation logic";
//! KMS developer guide, "Key policies in AWS KMS". Read next: `case`, which answers.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::index::{Guard, Holder, Index};
use super::super::state::{Boundary, State};
use super::case::{Bearing, Case, Half, KeyHalf, Layers, Own};
use super::closure::resource;
use crate::catalogue::escalations::{escalations, verbs};
use crate::document::{Map, Value};
use crate::verdict::apart::{concerning, naming};
use crate::verdict::effective::of_anybody;
use crate::verdict::public::restricted;
use crate::verdict::read::Listed;
use crate::verdict::{Document, Kind, Name, Request};

/// Who is asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A role or user, by its ARN.
    Named(String),
    /// Any principal of an account.
    Account(String),
    /// A service, such as `glue.amazonaws.com`.
    Service(String),
    /// Whoever has no account: nobody signed the request.
    Anonymous,
    /// Whoever an Allow for everyone lets in under its conditions.
    Anybody,
}

/// One resource of a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// `object`, `bucket`, `key`, `stream`, `table`, `database`, `role`: the types of the catalogue.
    pub kind: String,
    /// What stands in a policy's `Resource`: an ARN that may end in `*`, or a reference.
    pub resource: Value,
    /// The name under which the state knows what guards it: the bucket of an object.
    pub guard: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Reached {
    /// A request that gets through, and what it needs beside what was read.
    Yes { request: Box<Request>, needed: Vec<String> },
    /// Nothing gets through; why, where one half alone is missing.
    No { because: Option<String> },
    /// It is not known.
    Unknown { because: String },
}

impl Reached {
    /// The better of two answers: yes, else unknown, else no.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Reached) -> Reached {
        match self {
            Reached::Yes { .. } => self,
            Reached::Unknown { because } => match other() {
                yes @ Reached::Yes { .. } => yes,
                _ => Reached::Unknown { because },
            },
            Reached::No { because } => match other() {
                Reached::No { because: second } => Reached::No { because: because.or(second) },
                better => better,
            },
        }
    }

    pub fn is_yes(&self) -> bool {
        matches!(self, Reached::Yes { .. })
    }
}

/// Which policies somebody has rewritten before it asks: they allow what it likes, and forbid nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Its own.
    pub own: bool,
    /// That of what guards the target.
    pub guard: bool,
    /// That of the guard's key.
    pub key: bool,
}

/// Answers questions about a state.
pub struct Judge<'s> {
    pub state: &'s State,
    pub index: &'s Index<'s>,
    own: RefCell<BTreeMap<String, Rc<Own>>>,
    bearings: RefCell<BTreeMap<Subject, BTreeMap<&'s str, Rc<Bearing>>>>,
}

impl<'s> Judge<'s> {
    pub fn new(index: &'s Index<'s>) -> Self {
        let (own, bearings) = (RefCell::default(), RefCell::default());
        Judge { state: index.state, index, own, bearings }
    }

    /// Whether the subject can carry out the action on the target, the key of an encrypted bucket included. `anything`
    /// is for a principal that writes its own policies: they allow what it likes.
    pub fn ask(
        &self,
        who: &Subject,
        action: &str,
        target: &Target,
        condition: Option<(&str, &str)>,
        anything: bool,
    ) -> Reached {
        self.case(who, action, target, condition, anything).answer()
    }

    /// The same after somebody has rewritten policies.
    pub fn ask_after(
        &self,
        rewritten: Rewritten,
        who: &Subject,
        action: &str,
        target: &Target,
    ) -> Reached {
        self.case_after(rewritten, who, action, target, None).answer()
    }

    /// All that the answer to [`Judge::ask`] rests on.
    pub fn case(
        &self,
        who: &Subject,
        action: &str,
        target: &Target,
        condition: Option<(&str, &str)>,
        anything: bool,
    ) -> Case {
        let rewritten = Rewritten { own: anything, ..Rewritten::default() };
        self.case_after(rewritten, who, action, target, condition)
    }

    fn case_after(
        &self,
        rewritten: Rewritten,
        who: &Subject,
        action: &str,
        target: &Target,
        condition: Option<(&str, &str)>,
    ) -> Case {
        let half = |action: &str, target: &Target, condition, opened: bool| {
            self.half(who, action, target, condition, (rewritten.own, opened))
        };
        let key = self.state.resources.get(&target.guard).and_then(|bucket| bucket.key.as_ref());
        let key = match (key, verbs().key.get(action)) {
            (Some(key), Some(of_key)) if self.index.guard(key).is_none() => KeyHalf::Unread {
                needed: format!("{of_key} on the key {key}, whose policy was not read"),
            },
            (Some(key), Some(of_key)) => {
                let target =
                    Target { kind: "key".to_owned(), resource: resource(key), guard: key.clone() };
                KeyHalf::Read {
                    action: of_key.clone(),
                    half: half(of_key, &target, None, rewritten.key),
                }
            }
            _ => KeyHalf::None,
        };
        Case {
            action: action.to_owned(),
            half: half(action, target, condition, rewritten.guard),
            key,
        }
    }

    /// What one half of an answer rests on: the layers, each cut to what concerns the question, and what else counts.
    fn half(
        &self,
        who: &Subject,
        action: &str,
        target: &Target,
        condition: Option<(&str, &str)>,
        (anything, opened): (bool, bool),
    ) -> Half {
        let role = self.index.holder(&target.guard).filter(|_| target.kind == "role");
        let guard = self.guard(target).map(|guard| self.bearing(who, guard));
        let trusted = role.filter(|_| action == escalations().trust);
        let theirs = match (trusted, &guard) {
            (Some(role), _) => trust(role, &target.resource).map(Cow::Owned),
            (None, Some(guard)) => guard.policy.as_deref().map(Cow::Borrowed),
            (None, None) => Some(Cow::Owned(Vec::new())),
        };
        let theirs = match (opened, who) {
            (true, Subject::Named(arn) | Subject::Account(arn)) => {
                Some(Cow::Owned(vec![named(of_anybody(), arn)]))
            }
            _ => theirs,
        };
        let Some(theirs) = theirs else {
            let because = format!("the policy of {} is none", target.guard);
            return Half::Unknown { because };
        };
        let own = match who {
            Subject::Named(arn) => Some(self.own(arn)),
            _ => None,
        };
        let Some(asked) = asked(who, action, &target.resource, condition) else {
            return Half::Unknown { because: format!("`{action}` cannot be asked of it") };
        };
        let about = |documents: &[Document]| match asked.statements.first() {
            Some(statement) => concerning(documents, statement),
            None => documents.to_vec(),
        };
        let home = role.map(|role| role.principal.account.clone());
        let home = home.or(guard.as_ref().map(|guard| guard.account.clone()));
        Half::Layers(Box::new(Layers {
            who: who.clone(),
            theirs: about(&theirs),
            cut: guard.as_ref().and_then(|guard| guard.cut.clone()).map(|one| vec![one]),
            home: home.or_else(|| account_of(&target.resource)),
            delegates: trusted.is_some() || guard.as_ref().is_some_and(|guard| guard.is_key),
            unguarded: (guard.is_none() && role.is_none()).then(|| target.guard.clone()),
            own: own.map(|own| Own {
                documents: about(&own.documents),
                boundary: own.boundary.as_deref().map(about),
                missing: own.missing.clone(),
                boundary_missing: own.boundary_missing.clone(),
                account: own.account.clone(),
                known: own.known,
            }),
            anything,
            opened,
            asked: vec![asked],
        }))
    }

    /// What guards a target: the resource of its name, else the one that it lies in.
    fn guard(&self, target: &Target) -> Option<&'s Guard<'s>> {
        self.index.guard(&target.guard).or_else(|| {
            let text = target.resource.as_str()?;
            self.index.guarded(text.trim_end_matches('*'))
        })
    }

    /// All that the resources of the state have to do with a subject's doing anything with a target that is no principal:
    /// of what guards it, and of that one's key.
    pub fn bearings(&self, who: &Subject, target: &Target) -> [Option<Rc<Bearing>>; 2] {
        let own = self.guard(target).map(|guard| self.bearing(who, guard));
        let key = own.as_ref().and_then(|own| self.index.guard(own.key.as_deref()?));
        [own, key.map(|key| self.bearing(who, key))]
    }

    fn bearing(&self, who: &Subject, guard: &'s Guard<'s>) -> Rc<Bearing> {
        let name = guard.name.as_str();
        let known = self.bearings.borrow();
        if let Some(bearing) = known.get(who).and_then(|all| all.get(name)) {
            return Rc::clone(bearing);
        }
        drop(known);
        let whole = guard.policies.whole();
        let policy = whole.map(|all| match who {
            Subject::Named(arn) => naming(all, &Name::read("AWS", arn, "aws")),
            Subject::Service(service) => naming(all, &Name::read("Service", service, "aws")),
            Subject::Account(_) | Subject::Anonymous | Subject::Anybody => all.to_vec(),
        });
        let guarded = guard.guarded;
        let restricts = guarded.public_access.is_some_and(|block| block.restrict);
        let cut = whole.filter(|_| restricts);
        let bearing = Rc::new(Bearing {
            policy,
            cut: cut.and_then(|all| restricted(all, &guarded.account, guarded.partition)),
            account: guarded.account.clone(),
            is_key: guarded.kind == "AWS::KMS::Key",
            key: guarded.key.clone(),
        });
        let mut known = self.bearings.borrow_mut();
        known.entry(who.clone()).or_default().insert(name, Rc::clone(&bearing));
        bearing
    }

    fn own(&self, arn: &str) -> Rc<Own> {
        if let Some(own) = self.own.borrow().get(arn) {
            return Rc::clone(own);
        }
        let own = Rc::new(self.read_own(arn));
        self.own.borrow_mut().insert(arn.to_owned(), Rc::clone(&own));
        own
    }

    fn read_own(&self, arn: &str) -> Own {
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        let mut own = Own {
            documents: Vec::new(),
            boundary: None,
            missing: None,
            boundary_missing: None,
            account,
            known: false,
        };
        let Some(holder) = self.index.holder(arn) else {
            own.missing = Some(format!("the policies of {arn} stand in no template of this state"));
            return own;
        };
        own.known = true;
        own.account.clone_from(&holder.principal.account);
        let supply = |arn: &str| {
            format!("the document of {arn} is not at hand: supply it with --document {arn}=FILE")
        };
        let as_own = |documents: &[Document]| {
            documents.iter().cloned().map(|document| named(document, arn)).collect::<Vec<_>>()
        };
        own.missing = holder.elsewhere.first().map(|arn| supply(arn));
        if let Some((_, error)) = holder.identity.malformed.last() {
            own.missing = Some(format!("a policy of {arn} is none: {error}"));
        }
        own.documents = as_own(&holder.identity.documents);
        match (&holder.principal.boundary, &holder.boundary) {
            (Boundary::Unread(wall), _) => own.boundary_missing = Some(supply(wall)),
            (_, Some(read)) => match read.malformed.first() {
                None => own.boundary = Some(as_own(&read.documents)),
                Some((_, error)) => {
                    own.boundary_missing = Some(format!("the boundary of {arn} is none: {error}"));
                }
            },
            (_, None) => {}
        }
        own
    }
}

/// The question as a layer: an Allow of just this.
fn asked(
    who: &Subject,
    action: &str,
    on: &Value,
    condition: Option<(&str, &str)>,
) -> Option<Document> {
    let mut statement = Map::new();
    statement.insert("Sid", "asked");
    statement.insert("Effect", "Allow");
    let mut principal = Map::new();
    let mut conditions = Map::new();
    let mut equal = Map::new();
    match who {
        Subject::Named(name) | Subject::Account(name) => principal.insert("AWS", name.clone()),
        Subject::Service(name) => principal.insert("Service", name.clone()),
        Subject::Anonymous | Subject::Anybody => principal.insert("AWS", "*"),
    };
    if *who == Subject::Anonymous {
        // what tells the anonymous from all others, by the axioms of the verdict
        equal.insert("aws:PrincipalAccount", "anonymous");
    }
    statement.insert("Principal", principal);
    statement.insert("Action", action.to_owned());
    statement.insert("Resource", on.clone());
    if let Some((key, value)) = condition {
        equal.insert(key.to_owned(), value.to_owned());
    }
    if !equal.is_empty() {
        conditions.insert("StringEquals", equal);
    }
    if !conditions.is_empty() {
        statement.insert("Condition", conditions);
    }
    let mut document = Map::new();
    document.insert("Version", "2012-10-17");
    document.insert("Statement", vec![Value::Map(statement)]);
    Document::read(&Value::Map(document), Kind::Resource).ok()
}

fn account_of(resource: &Value) -> Option<String> {
    let account = resource.as_str()?.split(':').nth(4)?;
    (account.len() == 12).then(|| account.to_owned())
}

/// An identity's policy with the identity's name in it.
pub(super) fn named(mut document: Document, arn: &str) -> Document {
    for statement in &mut document.statements {
        let items = vec![Name::read("AWS", arn, "aws")];
        statement.principals = Some(Listed { not: false, items });
    }
    document
}

/// A role's trust as a policy of the role; `None` if it is no policy.
fn trust(role: &Holder<'_>, resource: &Value) -> Option<Vec<Document>> {
    let mut documents = role.trust.whole()?.to_vec();
    let own = asked(&Subject::Anybody, "*", resource, None)?;
    let resources = own.statements.into_iter().next().and_then(|statement| statement.resources);
    for statement in documents.iter_mut().flat_map(|document| &mut document.statements) {
        statement.resources.clone_from(&resources);
    }
    Some(documents)
}
