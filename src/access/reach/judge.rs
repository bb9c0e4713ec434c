//! One question to all layers: may this principal carry out this action on this resource in any request at all?
//!
//! The layers are those of `decide`, and the answer is the search's: a request that all of them let through. Policies of
//! an identity are given the identity's name, so that they and a resource's policy are one language; a role's trust is a
//! policy of the role as a resource. Of each layer only what concerns the question is searched (`verdict::apart`). Sources: IAM User Guide, "Evaluating policies within a single account" and
//! "Cross-account policy evaluation logic"; KMS developer guide, "Key policies in AWS KMS".

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::index::{Holder, Index};
use super::super::state::{Boundary, State};
use crate::catalogue::escalations::verbs;
use crate::document::{Map, Value};
use crate::verdict::apart::concerning;
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

/// The keys that every signed request has: "Properties of the principal", IAM User Guide, "AWS global condition context
/// keys" (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).
const SIGNED: [&str; 3] = ["aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType"];

/// What a principal brings: its policies under its name, its boundary, and what is not at hand.
struct Own {
    documents: Vec<Document>,
    boundary: Option<Vec<Document>>,
    missing: Option<String>,
    boundary_missing: Option<String>,
    account: String,
    known: bool,
}

/// Answers questions about a state.
pub struct Judge<'s> {
    pub state: &'s State,
    pub index: &'s Index<'s>,
    options: Options,
    own: RefCell<BTreeMap<String, Rc<Own>>>,
}

impl<'s> Judge<'s> {
    pub fn new(index: &'s Index<'s>) -> Self {
        let (options, own) = (Options::default(), RefCell::default());
        Judge { state: index.state, index, options, own }
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
        let rewritten = Rewritten { own: anything, ..Rewritten::default() };
        self.ask_after(rewritten, who, action, target, condition)
    }

    /// The same after somebody has rewritten policies.
    pub fn ask_after(
        &self,
        rewritten: Rewritten,
        who: &Subject,
        action: &str,
        target: &Target,
        condition: Option<(&str, &str)>,
    ) -> Reached {
        let found = self.half(who, action, target, condition, (rewritten.own, rewritten.guard));
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
        match self.half(who, of_key, &target, None, (rewritten.own, rewritten.key)) {
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
        (anything, opened): (bool, bool),
    ) -> Reached {
        let role = self.index.holder(&target.guard).filter(|_| target.kind == "role");
        let guard = self.index.guard(&target.guard);
        let guard = guard.or_else(|| {
            let text = target.resource.as_str()?;
            self.index.guarded(text.trim_end_matches('*'))
        });
        let trusted = role.filter(|_| action == crate::catalogue::escalations::escalations().trust);
        let theirs = match (trusted, guard) {
            (Some(role), _) => trust(role, &target.resource).map(Cow::Owned),
            (None, Some(guard)) => guard.policies.whole().map(Cow::Borrowed),
            (None, None) => Some(Cow::Owned(Vec::new())),
        };
        let theirs = match (opened, who) {
            // whoever writes the policy names its own session: no boundary withholds such a grant
            (true, Subject::Named(arn) | Subject::Account(arn)) => {
                Some(Cow::Owned(vec![named(of_anybody(), arn)]))
            }
            _ => theirs,
        };
        let Some(theirs) = theirs else {
            return Reached::Unknown { because: format!("the policy of {} is none", target.guard) };
        };
        let guard = guard.map(|guard| guard.guarded);
        let role = role.map(|role| role.principal);
        let present = self.always_there(who, &theirs);
        let Some(asked) = asked(who, action, &target.resource, condition, &present) else {
            return Reached::Unknown { because: format!("`{action}` cannot be asked of it") };
        };
        let cut = guard
            .filter(|guard| guard.public_access.is_some_and(|block| block.restrict))
            .and_then(|guard| restricted(&theirs, &guard.account, guard.partition))
            .map(|one| vec![one]);
        let asked = vec![asked];
        // from here on only what concerns the question
        let about = |documents: &[Document]| match asked[0].statements.first() {
            Some(statement) => concerning(documents, statement),
            None => documents.to_vec(),
        };
        let theirs = about(&theirs);
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
        let documents = about(&own.documents);
        let denies = only(&documents, Effect::Deny);
        let identity = if anything { vec![named(of_anybody(), arn)] } else { documents };
        let wall = own.boundary.as_deref().map(about);
        let wall = wall.as_deref();
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
                    .chain(denies.iter().cloned())
                    .chain(more)
                    .collect()
            };
            let by_role = with(allowing(&theirs, |name| is_role(name, arn)), &[]);
            let direct = allowing(&theirs, |name| opened || is_direct(name, arn));
            let direct = with(direct, &[&only(wall.unwrap_or_default(), Effect::Deny)]);
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

    /// The keys that policies ask for and that every signed request has.
    fn always_there(&self, who: &Subject, theirs: &[Document]) -> Vec<&'static str> {
        let own = match who {
            Subject::Named(arn) => Some(self.own(arn)),
            Subject::Account(_) => None,
            _ => return Vec::new(),
        };
        let own =
            own.iter().flat_map(|own| own.documents.iter().chain(own.boundary.iter().flatten()));
        let documents: Vec<&Document> = theirs.iter().chain(own).collect();
        let asks = |key: &str| {
            let mut statements = documents.iter().flat_map(|document| &document.statements);
            statements.any(|statement| {
                statement.conditions.iter().any(|one| one.key.eq_ignore_ascii_case(key))
            })
        };
        SIGNED.into_iter().filter(|key| asks(key)).collect()
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
    present: &[&str],
) -> Option<Document> {
    let mut statement = Map::new();
    statement.insert("Sid", "asked");
    statement.insert("Effect", "Allow");
    let mut principal = Map::new();
    let mut conditions = Map::new();
    match who {
        Subject::Named(name) | Subject::Account(name) => principal.insert("AWS", name.clone()),
        Subject::Service(name) => principal.insert("Service", name.clone()),
        Subject::Anonymous | Subject::Anybody => principal.insert("AWS", "*"),
    };
    if *who == Subject::Anonymous {
        let mut absent = Map::new();
        // what nobody has: "Properties of the principal", IAM User Guide, "AWS global condition context keys"
        for key in ["Account", "Arn", "OrgID", "OrgPaths"] {
            absent.insert(format!("aws:Principal{key}"), "true");
        }
        conditions.insert("Null", absent);
    } else if !present.is_empty() {
        let there = present.iter().map(|key| ((*key).to_owned().into(), Value::from("false")));
        conditions.insert("Null", there.collect::<Map>());
    }
    statement.insert("Principal", principal);
    statement.insert("Action", action.to_owned());
    statement.insert("Resource", on.clone());
    if let Some((key, value)) = condition {
        let mut is = Map::new();
        is.insert(key.to_owned(), value.to_owned());
        conditions.insert("StringEquals", is);
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

/// A role's trust as a policy of the role; `None` if it is no policy.
fn trust(role: &Holder<'_>, resource: &Value) -> Option<Vec<Document>> {
    let mut documents = role.trust.whole()?.to_vec();
    let own = asked(&Subject::Anybody, "*", resource, None, &[])?;
    let resources = own.statements.into_iter().next().and_then(|statement| statement.resources);
    for statement in documents.iter_mut().flat_map(|document| &mut document.statements) {
        statement.resources.clone_from(&resources);
    }
    Some(documents)
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
