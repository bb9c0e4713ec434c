//! One question to all layers: may this principal carry out this action on this resource in any request at all?
//!
//! The layers are those of `decide`, and the answer is the search's: a request that all of them let through. Policies of
//! an identity are given the identity's name, so that they and a resource's policy are one language; a role's trust is a
//! policy of the role as a resource. Which keys a request has, and what they say of who makes it, is the verdict's to
//! know (`crate::verdict`, axioms). Sources: IAM User Guide, "Evaluating policies within a single account" and
//! "Cross-account policy evaluation logic"; KMS developer guide, "Key policies in AWS KMS".

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::decide::guarded;
use super::super::rows::policies;
use super::super::state::{Boundary, Guarded, Held, Principal, State};
use crate::catalogue::escalations::verbs;
use crate::document::{Map, Value};
use crate::verdict::effective::{of_anybody, possible};
use crate::verdict::public::restricted;
use crate::verdict::read::{Effect, Listed};
use crate::verdict::{Document, Kind, Name, Options, Request};

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

const NO: Reached = Reached::No { because: None };

/// What a principal brings: its policies under its name, its boundary, and what is not at hand.
struct Own {
    documents: Vec<Document>,
    denies: Vec<Document>,
    boundary: Option<Vec<Document>>,
    boundary_denies: Vec<Document>,
    missing: Option<String>,
    boundary_missing: Option<String>,
    account: String,
    known: bool,
}

/// A state, ready for questions.
pub struct Judge<'s> {
    pub state: &'s State,
    options: Options,
    own: RefCell<BTreeMap<String, Rc<Own>>>,
}

impl<'s> Judge<'s> {
    pub fn new(state: &'s State) -> Self {
        Judge { state, options: Options::default(), own: RefCell::default() }
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
        let found = self.half(who, action, target, condition, anything);
        let Reached::Yes { request, mut needed } = found else { return found };
        let key = self.state.resources.get(&target.guard).and_then(|bucket| bucket.key.clone());
        let (Some(key), Some(of_key)) = (key, verbs().key.get(action)) else {
            return Reached::Yes { request, needed };
        };
        if !self.state.resources.contains_key(&key) {
            needed.push(format!("{of_key} on the key {key}, whose policy was not read"));
            return Reached::Yes { request, needed };
        }
        let resource = Value::from_json(&key).ok().filter(|value| value.as_map().is_some());
        let target = Target {
            kind: "key".to_owned(),
            resource: resource.unwrap_or_else(|| Value::from(key.clone())),
            guard: key.clone(),
        };
        match self.half(who, of_key, &target, None, anything) {
            Reached::Yes { needed: more, .. } => {
                needed.extend(more.into_iter().map(|one| format!("{of_key} on the key: {one}")));
                needed.dedup();
                Reached::Yes { request, needed }
            }
            Reached::No { .. } => Reached::No {
                because: Some(format!(
                    "{action} is allowed, and {of_key} on the bucket's key is not"
                )),
            },
            unknown => unknown,
        }
    }

    fn half(
        &self,
        who: &Subject,
        action: &str,
        target: &Target,
        condition: Option<(&str, &str)>,
        anything: bool,
    ) -> Reached {
        let role = self.state.principals.get(&target.guard).filter(|_| target.kind == "role");
        let guard = self.state.resources.get(&target.guard);
        let guard = guard.or_else(|| {
            let text = target.resource.as_str()?;
            guarded(self.state, text.trim_end_matches('*')).map(|(_, guarded)| guarded)
        });
        let trusted = role.filter(|_| action == crate::catalogue::escalations::escalations().trust);
        let theirs = match (trusted, guard) {
            (Some(role), _) => trust(role, &target.resource),
            (None, Some(guard)) => resource_documents(guard),
            (None, None) => Ok(Vec::new()),
        };
        let Ok(theirs) = theirs else {
            return Reached::Unknown { because: format!("the policy of {} is none", target.guard) };
        };
        let Some(asked) = asked(who, action, &target.resource, condition) else {
            return Reached::Unknown { because: format!("`{action}` cannot be asked of it") };
        };
        let asked = vec![asked];
        let cut = guard
            .filter(|guard| guard.public_access.is_some_and(|block| block.restrict))
            .and_then(|guard| restricted(&theirs, &guard.account, guard.partition))
            .map(|one| vec![one]);
        let home = role.map(|role| role.account.as_str());
        let home = home.or(guard.map(|guard| guard.account.as_str()));
        let home = home.map(str::to_owned).or_else(|| account_of(&target.resource));
        let delegates =
            trusted.is_some() || guard.is_some_and(|guard| guard.kind == "AWS::KMS::Key");
        if *who == Subject::Anonymous && cut.is_some() {
            // it leaves services and the account of the bucket
            return NO;
        }
        let Subject::Named(arn) = who else {
            return self.outside(who, &theirs, cut.as_deref(), &asked, home.as_deref());
        };
        let own = self.own(arn);
        let across = home.as_ref().is_some_and(|home| *home != own.account);
        let identity =
            if anything { vec![named(of_anybody(), arn)] } else { own.documents.clone() };
        let wall = own.boundary.as_deref();
        if across && !own.known {
            let mut found = self.search(&[Some(&theirs), cut.as_deref(), Some(&asked)]);
            if let Reached::Yes { needed, .. } = &mut found {
                needed
                    .push(format!("an identity policy in account {} that allows it", own.account));
            }
            return found;
        }
        let by_identity = |documents: &[Document]| {
            if across || delegates {
                return self.search(&[
                    Some(documents),
                    wall,
                    Some(&theirs),
                    cut.as_deref(),
                    Some(&asked),
                ]);
            }
            let both: Vec<Document> =
                documents.iter().chain(&only(&theirs, Effect::Deny)).cloned().collect();
            self.search(&[Some(&both), wall, Some(&asked)])
        };
        let mut found = by_identity(&identity);
        if !across {
            let with = |kept: Vec<Document>, more: &[&[Document]]| -> Vec<Document> {
                let more = more.iter().flat_map(|all| all.iter().cloned());
                kept.into_iter()
                    .chain(only(&theirs, Effect::Deny))
                    .chain(own.denies.iter().cloned())
                    .chain(more)
                    .collect()
            };
            let by_role = with(allowing(&theirs, |name| is_role(name, arn)), &[]);
            let direct = allowing(&theirs, |name| is_direct(name, arn));
            let direct = with(direct, &[&own.boundary_denies]);
            found = found
                .or(|| self.search(&[Some(&by_role), wall, cut.as_deref(), Some(&asked)]))
                .or(|| self.search(&[Some(&direct), cut.as_deref(), Some(&asked)]));
        }
        let missing = match &found {
            Reached::Yes { .. } => own.boundary_missing.as_ref(),
            _ => own.missing.as_ref(),
        };
        let Some(missing) = missing else {
            if let (Reached::Yes { needed, .. }, true, None) = (&mut found, across, guard)
                && role.is_none()
            {
                needed.push(format!("the policy of {}, which was not read", target.guard));
            }
            return found;
        };
        if found.is_yes() || anything {
            return match own.boundary_missing.clone() {
                Some(because) => Reached::Unknown { because },
                None => found,
            };
        }
        // what is not at hand may allow what nothing else forbids
        let mut more = identity;
        more.push(named(of_anybody(), arn));
        match by_identity(&more) {
            Reached::No { .. } => found,
            _ => Reached::Unknown { because: missing.clone() },
        }
    }

    fn outside(
        &self,
        who: &Subject,
        theirs: &[Document],
        cut: Option<&[Document]>,
        asked: &[Document],
        home: Option<&str>,
    ) -> Reached {
        // of everybody only what an Allow for everybody gives: the others are asked by their names
        let theirs: Vec<Document> = match who {
            Subject::Anybody | Subject::Anonymous => {
                let all = allowing(theirs, |name| *name == Name::Everyone);
                all.into_iter().chain(only(theirs, Effect::Deny)).collect()
            }
            _ => theirs.to_vec(),
        };
        let mut found = self.search(&[Some(&theirs), cut, Some(asked)]);
        if let (Subject::Account(account), Reached::Yes { needed, .. }) = (who, &mut found) {
            let own = home == Some(account.as_str());
            needed.push(match own {
                true => format!(
                    "an identity policy of account {account} that allows it, or the root user"
                ),
                false => format!("an identity policy in account {account} that allows it"),
            });
        }
        found
    }

    fn search(&self, layers: &[Option<&[Document]>]) -> Reached {
        let layers: Vec<&[Document]> = layers.iter().copied().flatten().collect();
        // a layer without an Allow lets nothing through
        if layers.iter().any(|layer| !layer.iter().any(Document::allows)) {
            return NO;
        }
        let found = possible(&layers, Kind::Resource, &self.options);
        match (found.gained, found.exact, found.reason) {
            (Some(request), ..) => {
                let unit = request.single("aws:PrincipalOrgPaths").map(str::to_owned);
                let unit =
                    unit.or_else(|| request.values("aws:PrincipalOrgPaths").first().cloned());
                let account = request.principal.as_ref().and_then(|who| who.account());
                let in_unit = unit.zip(account).map(|(unit, (_, account))| {
                    format!("that account {account} is in the organizational unit of {unit}")
                });
                Reached::Yes { needed: in_unit.into_iter().collect(), request: Box::new(request) }
            }
            (None, true, _) => NO,
            (None, false, reason) => Reached::Unknown {
                because: reason
                    .map_or_else(|| "it is not decided".to_owned(), |reason| reason.text),
            },
        }
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
            denies: Vec::new(),
            boundary: None,
            boundary_denies: Vec::new(),
            missing: None,
            boundary_missing: None,
            account,
            known: false,
        };
        let Some(one) = self.state.principals.get(arn) else {
            own.missing = Some(format!("the policies of {arn} stand in no template of this state"));
            return own;
        };
        own.known = true;
        own.account.clone_from(&one.account);
        let (held, elsewhere) = policies(self.state, one);
        let supply = |arn: &str| {
            format!("the document of {arn} is not at hand: supply it with --document {arn}=FILE")
        };
        own.missing = elsewhere.first().map(|arn| supply(arn));
        let read = |held: &Held| Document::read(&held.document, Kind::Identity);
        for held in held {
            match read(held) {
                Ok(document) => own.documents.push(named(document, arn)),
                Err(error) => own.missing = Some(format!("a policy of {arn} is none: {error}")),
            }
        }
        own.denies = only(&own.documents, Effect::Deny);
        match &one.boundary {
            Boundary::None => {}
            Boundary::Unread(wall) => own.boundary_missing = Some(supply(wall)),
            Boundary::Read(held) => match read(held) {
                Ok(document) => {
                    let wall = vec![named(document, arn)];
                    own.boundary_denies = only(&wall, Effect::Deny);
                    own.boundary = Some(wall);
                }
                Err(error) => {
                    own.boundary_missing = Some(format!("the boundary of {arn} is none: {error}"));
                }
            },
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
fn named(mut document: Document, arn: &str) -> Document {
    for statement in &mut document.statements {
        let items = vec![Name::read("AWS", arn, "aws")];
        statement.principals = Some(Listed { not: false, items });
    }
    document
}

fn resource_documents(guard: &Guarded) -> Result<Vec<Document>, ()> {
    let read = |held: &Held| Document::read(&held.document, Kind::Resource).map_err(drop);
    guard.policies.iter().map(read).collect()
}

/// A role's trust as a policy of the role.
fn trust(role: &Principal, resource: &Value) -> Result<Vec<Document>, ()> {
    let Some(held) = &role.trust else { return Ok(Vec::new()) };
    let mut document = Document::read(&held.document, Kind::Trust).map_err(drop)?;
    let own = asked(&Subject::Anybody, "*", resource, None).ok_or(())?;
    let resources = own.statements.into_iter().next().and_then(|statement| statement.resources);
    for statement in &mut document.statements {
        statement.resources.clone_from(&resources);
    }
    Ok(vec![document])
}

fn only(documents: &[Document], effect: Effect) -> Vec<Document> {
    let mut out = documents.to_vec();
    for document in &mut out {
        document.statements.retain(|statement| statement.effect == effect);
    }
    out
}

/// The Allows, with the names that are wanted only. `NotPrincipal` is kept as it is: it names nobody, and lets in
/// everyone else.
fn allowing(documents: &[Document], wanted: impl Fn(&Name) -> bool) -> Vec<Document> {
    let mut out = only(documents, Effect::Allow);
    for document in &mut out {
        document.statements.retain_mut(|statement| match &mut statement.principals {
            Some(listed) if !listed.not => {
                listed.items.retain(&wanted);
                !listed.items.is_empty()
            }
            other => other.is_some(),
        });
    }
    out
}

fn is_role(name: &Name, arn: &str) -> bool {
    matches!(name, Name::Role { .. }) && *name == Name::read("AWS", arn, "aws")
}

fn is_direct(name: &Name, arn: &str) -> bool {
    match name {
        Name::Everyone => true,
        Name::User { .. } => *name == Name::read("AWS", arn, "aws"),
        Name::Session { account, role, .. } => {
            let own = arn.rsplit('/').next() == Some(role.as_str());
            own && arn.split(':').nth(4) == Some(account.as_str())
        }
        _ => false,
    }
}
