//! Whether whoever applies, and whoever administers by declaration, could take a change back.
//!
//! In: the states before and after, and the [`Keeper`]s. Out: a [`Lockout`]: for each policy of the new state (of
//! buckets, keys, topics and what else has one; the trust of roles; the administrators of Lake Formation) whether each
//! keeper can still change it. A keeper's own policies mostly stand in no template, so they are taken to allow it: the
//! question is whether a Deny, a key policy or a boundary *of the state* stops it.
//! INVARIANT: "kept" has a request that gets through; "lost" is a proof that none does. Pure.
//! Source: IAM User Guide, "Policy evaluation logic"; KMS developer guide, "Default key policy"; Amazon S3 API
//! reference, `DeleteBucketPolicy`. Read next: `crate::verdict::effective`, `crate::plan`, which refuses what is lost.

use std::collections::BTreeMap;

use super::reading::takes;
use crate::access::reach::closure::resource;
use crate::access::{Boundary, Cause, Guarded, Held, Origin, State, in_request};
use crate::catalogue::undoing::{self, Undoing};
use crate::document;
use crate::document::Value;
use crate::verdict::effective::{of_anybody, possible};
use crate::verdict::read::{Effect, Listed, Statement};
use crate::verdict::{Document, Kind, Name, Options, Request};

/// Why somebody has to keep a policy in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// It applies the change: the role that CloudFormation acts as, else the one that is assumed, else whoever calls.
    Applies,
    /// It is declared to administer a key, or Lake Formation.
    Administers,
}

/// Somebody who has to be able to take a change back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keeper {
    /// The ARN of a role or user; that of an account's root where it is only known that it is somebody of the account.
    pub who: String,
    pub duty: Duty,
    /// The path of the only thing that it keeps (`keys.raw`, `lake_formation`); `None`: everything.
    pub of: Option<String>,
}

/// What became of one policy for one keeper.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A request gets through; the keys that it has to carry, where it is no ordinary one: `aws:SourceVpce = vpce-1`.
    Kept { given: Vec<String> },
    /// No request gets through: what stops it, if one statement alone does.
    Lost { by: Option<Cause>, because: String },
    /// It hangs on what is not at hand.
    Unknown { because: String },
}

/// One policy and one keeper.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub keeper: Keeper,
    /// The ARN of what the policy guards, or the reference to it.
    pub subject: String,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// The account of the template that speaks of it.
    pub account: String,
    /// Where it stands.
    pub origin: Origin,
    pub outcome: Outcome,
    /// Whether it was lost before already.
    pub before: bool,
}

impl Check {
    /// How the policy is changed.
    pub fn undoing(&self) -> &'static Undoing {
        undoing::of(&self.kind).expect("invariant: only what the table knows is checked")
    }

    /// Whether the change takes the policy out of the keeper's hand.
    pub fn is_new_loss(&self) -> bool {
        matches!(self.outcome, Outcome::Lost { .. }) && !self.before
    }

    /// What is left to whoever is locked out.
    pub fn way_out(&self) -> String {
        self.undoing().way_out.replace("{account}", &self.account)
    }
}

/// The check of a change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lockout {
    /// By keeper, then by kind and name.
    pub checks: Vec<Check>,
}

impl Lockout {
    /// What the change takes out of a keeper's hand.
    pub fn losses(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.is_new_loss())
    }

    /// What was lost before and still is.
    pub fn still_lost(&self) -> impl Iterator<Item = &Check> {
        let lost = |check: &&Check| matches!(check.outcome, Outcome::Lost { .. }) && check.before;
        self.checks.iter().filter(lost)
    }

    /// What is not known.
    pub fn unknown(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Unknown { .. }))
    }

    /// Of each keeper and kind of resource: how many are kept, of how many.
    pub fn counts(&self) -> BTreeMap<(&Keeper, &str), (usize, usize)> {
        let mut counts: BTreeMap<(&Keeper, &str), (usize, usize)> = BTreeMap::new();
        for check in &self.checks {
            let count = counts.entry((&check.keeper, &check.kind)).or_default();
            count.0 += usize::from(matches!(check.outcome, Outcome::Kept { .. }));
            count.1 += 1;
        }
        counts
    }
}

/// Checks a change. Without keepers nothing is asked.
pub fn check(old: &State, new: &State, keepers: &[Keeper]) -> Lockout {
    let mut checks = Vec::new();
    let mut keepers = keepers.to_vec();
    keepers.sort();
    keepers.dedup();
    for keeper in &keepers {
        let (mut now, mut then) = (Hands::new(new, keeper), Hands::new(old, keeper));
        let is_own = |origin: &Origin| keeper.of.as_ref().is_none_or(|path| *path == origin.path);
        let mut push = |subject: &str, kind: &str, account: &str, origin: Origin, now, lost| {
            checks.push(Check {
                keeper: keeper.clone(),
                subject: subject.to_owned(),
                kind: kind.to_owned(),
                account: account.to_owned(),
                origin,
                before: matches!(now, Outcome::Lost { .. }) && lost,
                outcome: now,
            });
        };
        for (name, guarded) in &new.resources {
            let origin = place(guarded);
            let Some(undoing) = undoing::of(&guarded.kind).filter(|_| is_own(&origin)) else {
                continue;
            };
            // no policy of a bucket takes changes of itself from another account (S3, 405 Method Not Allowed)
            if now.is_elsewhere(&guarded.account) && guarded.kind != "AWS::KMS::Key" {
                continue;
            }
            let outcome = now.guarded(name, guarded, undoing);
            let lost = matches!(outcome, Outcome::Lost { .. })
                && old.resources.get(name).is_some_and(|guarded| {
                    matches!(then.guarded(name, guarded, undoing), Outcome::Lost { .. })
                });
            push(name, &guarded.kind, &guarded.account, origin, outcome, lost);
        }
        let trust = undoing::of(undoing::ROLE).filter(|_| keeper.of.is_none());
        for (name, one) in &new.principals {
            let (Some(undoing), Some(origin)) = (trust, &one.origin) else { continue };
            if one.trust.is_none() || now.is_elsewhere(&one.account) {
                continue;
            }
            let outcome = now.free(name, undoing);
            let lost = matches!(outcome, Outcome::Lost { .. })
                && old.principals.contains_key(name)
                && matches!(then.free(name, undoing), Outcome::Lost { .. });
            push(name, undoing::ROLE, &one.account, origin.clone(), outcome, lost);
        }
        if let Some((origin, account)) = granting(new)
            && is_own(&Origin { path: "lake_formation".to_owned(), ..Origin::default() })
            && !now.is_elsewhere(&account)
        {
            let outcome = now.administers();
            let lost =
                granting(old).is_some() && matches!(then.administers(), Outcome::Lost { .. });
            push("Lake Formation", undoing::SETTINGS, &account, origin, outcome, lost);
        }
    }
    Lockout { checks }
}

fn place(guarded: &Guarded) -> Origin {
    let policy = guarded.policies.first().map(|held| &held.origin);
    guarded.origin.as_ref().or(policy).cloned().unwrap_or_default()
}

/// Where a state grants anything through Lake Formation, and in which account. Then somebody has to administer it.
fn granting(state: &State) -> Option<(Origin, String)> {
    let place = |name: &str| {
        let named = |grant: &&crate::access::Grant| grant.resource.get(name).is_some();
        state.grants.iter().find(named)
    };
    let settings = place("Administration")?;
    let special = ["Administration", "Defaults", "Registration"];
    let ordinary = |grant: &crate::access::Grant| {
        special.iter().all(|name| grant.resource.get(name).is_none())
    };
    let account = settings.principal.split(':').nth(4).unwrap_or_default().to_owned();
    state.grants.iter().any(ordinary).then(|| (settings.origin.clone(), account))
}

/// What a keeper brings into one state.
struct Hands<'s> {
    state: &'s State,
    who: &'s str,
    /// What its policies may allow (everything), and what those that are known deny.
    base: Vec<Document>,
    /// Its boundary, if it is at hand.
    wall: Option<Vec<Document>>,
    /// What of it is not at hand.
    unread: Option<String>,
    /// Answers by what was asked ([`shape`]): most buckets have the same policy.
    known: BTreeMap<String, Outcome>,
}

impl<'s> Hands<'s> {
    fn new(state: &'s State, keeper: &'s Keeper) -> Self {
        let who = keeper.who.as_str();
        let mut hands = Hands {
            state,
            who,
            base: vec![named(of_anybody(), who)],
            wall: None,
            unread: None,
            known: BTreeMap::new(),
        };
        let Some(one) = state.principals.get(who) else { return hands };
        let groups = one.groups.iter().filter_map(|group| state.principals.get(group));
        let held = one.identity.iter().chain(groups.flat_map(|group| &group.identity));
        for held in held {
            match Document::read(&held.document, Kind::Identity) {
                Ok(mut document) => {
                    document.statements.retain(|one| one.effect == Effect::Deny);
                    hands.base.push(named(document, who));
                }
                Err(error) => hands.unread = Some(format!("a policy of {who} is none: {error}")),
            }
        }
        hands.base.retain(|document| !document.statements.is_empty());
        match &one.boundary {
            Boundary::None => {}
            Boundary::Unread(arn) => {
                hands.unread =
                    Some(format!("the permissions boundary {arn} of {who} is not at hand"));
            }
            Boundary::Read(held) => match Document::read(&held.document, Kind::Identity) {
                Ok(document) => hands.wall = Some(vec![named(document, who)]),
                Err(error) => {
                    hands.unread = Some(format!("the boundary of {who} is none: {error}"))
                }
            },
        }
        hands
    }

    /// Whether nothing of the state holds the keeper itself.
    fn is_free(&self) -> bool {
        self.base.len() == 1 && self.wall.is_none() && self.unread.is_none()
    }

    fn is_elsewhere(&self, account: &str) -> bool {
        let own = self.who.split(':').nth(4).unwrap_or_default();
        own.len() == 12 && account.len() == 12 && own != account
    }

    /// A resource with a policy of its own.
    fn guarded(&mut self, name: &str, guarded: &Guarded, undoing: &Undoing) -> Outcome {
        let is_key = guarded.kind == "AWS::KMS::Key";
        let mut policy = Vec::new();
        for held in &guarded.policies {
            let Ok(mut document) = Document::read(&held.document, Kind::Resource) else {
                return Outcome::Unknown { because: format!("the policy of {name} is none") };
            };
            let raw = statements(held);
            let mut at = 0;
            document.statements.retain(|statement| {
                let own = raw.get(at);
                at += 1;
                let counts = is_key || statement.effect == Effect::Deny;
                let speaks =
                    own.is_none_or(|own| undoing.actions.iter().any(|it| speaks_of(own, it)));
                counts && speaks
            });
            policy.push((held, document));
        }
        let speaks = policy.iter().any(|(_, document)| !document.statements.is_empty());
        if !speaks && self.is_free() && (!is_key || guarded.policies.is_empty()) {
            return Outcome::Kept { given: Vec::new() };
        }
        let asked = shape(name, guarded, &policy);
        // a boundary or a Deny of the keeper's may name the resource
        if let Some(known) = self.known.get(&asked).filter(|_| self.is_free()) {
            // of a loss it is said which statement it was, and where that stands
            if let Outcome::Kept { .. } = known {
                return known.clone();
            }
        }
        let documents: Vec<Document> =
            policy.iter().map(|(_, document)| document.clone()).collect();
        let must_allow = is_key && !policy.is_empty();
        let mut outcome = self.ask(name, undoing, &documents, must_allow);
        if let Outcome::Lost { by, because } = &mut outcome {
            *by = self.culprit(name, undoing, &policy, is_key);
            let kept = |documents: &[Document], must_allow| {
                matches!(self.ask(name, undoing, documents, must_allow), Outcome::Kept { .. })
            };
            *because = match by {
                Some(cause) => format!("{} denies it", cause.statement),
                None if !kept(&[], false) => "its own policies or its boundary deny it".to_owned(),
                None if must_allow && !kept(&only(&documents, Effect::Allow), true) => {
                    "no statement of it allows it".to_owned()
                }
                None => "several statements deny it".to_owned(),
            };
        }
        self.known.insert(asked, outcome.clone());
        outcome
    }

    /// Something without a policy that could stop it.
    fn free(&mut self, name: &str, undoing: &Undoing) -> Outcome {
        if self.is_free() {
            return Outcome::Kept { given: Vec::new() };
        }
        self.ask(name, undoing, &[], false)
    }

    /// Lake Formation: an administrator by the state's settings, that may put them.
    fn administers(&mut self) -> Outcome {
        let settings = undoing::of(undoing::SETTINGS).expect("invariant: the table has them");
        let mut admins =
            self.state.grants.iter().filter(|grant| grant.resource.get("Administration").is_some());
        let is_account = self.who.ends_with(":root");
        let full = |grant: &crate::access::Grant| grant.permissions.contains("ALL");
        let named = admins.clone().any(|grant| full(grant) && grant.principal == self.who);
        if !named && !is_account && admins.any(full) {
            let because = "it is none of the administrators that the settings name".to_owned();
            return Outcome::Lost { by: None, because };
        }
        self.free("*", settings)
    }

    /// Whether any action gets through the policy, the keeper's own denials and its boundary.
    fn ask(&self, name: &str, undoing: &Undoing, policy: &[Document], must_allow: bool) -> Outcome {
        let mut base = self.base.clone();
        base.extend(only(policy, Effect::Deny));
        let mut unknown = self.unread.clone();
        for action in &undoing.actions {
            let Some(asked) = asked(self.who, action, &resource(name)) else { continue };
            let asked = [asked];
            let mut layers: Vec<&[Document]> = vec![&base, &asked];
            layers.extend(must_allow.then_some(policy));
            layers.extend(self.wall.as_deref());
            if layers.iter().any(|layer| !layer.iter().any(Document::allows)) {
                continue;
            }
            let found = possible(&layers, Kind::Resource, &Options::default());
            match (found.gained, found.exact) {
                (Some(request), _) if self.unread.is_none() => {
                    return Outcome::Kept { given: given(&request) };
                }
                (Some(_), _) | (None, true) => {}
                (None, false) => {
                    let reason = found.reason.map(|reason| reason.text);
                    unknown.get_or_insert(reason.unwrap_or_else(|| "it is not decided".to_owned()));
                }
            }
        }
        match unknown {
            Some(because) => Outcome::Unknown { because },
            None => Outcome::Lost {
                by: None,
                because: "its own policies or its boundary deny it".to_owned(),
            },
        }
    }

    /// The one statement without which it would be kept.
    fn culprit(
        &self,
        name: &str,
        undoing: &Undoing,
        policy: &[(&Held, Document)],
        is_key: bool,
    ) -> Option<Cause> {
        for (at, (held, document)) in policy.iter().enumerate() {
            for (index, statement) in document.statements.iter().enumerate() {
                if statement.effect != Effect::Deny {
                    continue;
                }
                let mut rest: Vec<Document> =
                    policy.iter().map(|(_, document)| document.clone()).collect();
                rest[at].statements.remove(index);
                if let Outcome::Kept { .. } = self.ask(name, undoing, &rest, is_key) {
                    return Some(cause(held, statement));
                }
            }
        }
        None
    }
}

/// What is asked of a resource, the same text for resources of which the same is asked. It is of statements as they are
/// read, so that the version of the language counts; and a resource's own name is left out only where a statement names
/// it, what is in it, or everything: what a pattern takes hangs on the name.
fn shape(name: &str, guarded: &Guarded, policy: &[(&Held, Document)]) -> String {
    let own = in_request(name);
    let head = match own.starts_with("arn:") {
        true => own.splitn(6, ':').take(5).collect::<Vec<_>>().join(":"),
        false => String::new(),
    };
    let mut text = format!("{} {} {head}", guarded.kind, guarded.account);
    for statement in policy.iter().flat_map(|(_, document)| &document.statements) {
        let Statement { label: _, effect, principals, actions, resources, conditions } = statement;
        text += &format!("\n{effect:?} {principals:?} {actions:?} {conditions:?}");
        let Some(listed) = resources else { continue };
        for pattern in &listed.items {
            let shown = pattern.shown();
            match shown.strip_prefix(&*own) {
                Some("") => text += " itself",
                Some("/*") => text += " within",
                _ if shown == "*" => text += " all",
                _ => text += &format!(" {shown} of {own}"),
            }
        }
        text += if listed.not { " not" } else { "" };
    }
    text
}

fn only(documents: &[Document], effect: Effect) -> Vec<Document> {
    let mut out = documents.to_vec();
    for document in &mut out {
        document.statements.retain(|one| one.effect == effect);
    }
    out
}

fn cause(held: &Held, statement: &Statement) -> Cause {
    Cause {
        origin: held.origin.clone(),
        property: held.property.clone(),
        statement: statement.label.clone(),
    }
}

fn statements(held: &Held) -> Vec<&Value> {
    match held.document.get("Statement") {
        Some(Value::List(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// Whether a statement may speak of an action: more than it does is harmless.
fn speaks_of(statement: &Value, action: &str) -> bool {
    let fits = |value: &Value| value.as_str().is_none_or(|text| takes(text, action));
    match statement.get("Action") {
        Some(Value::List(list)) => list.iter().any(fits),
        Some(one) => fits(one),
        None => true,
    }
}

/// A document with a name in it.
fn named(mut document: Document, who: &str) -> Document {
    for statement in &mut document.statements {
        let items = vec![Name::read("AWS", who, "aws")];
        statement.principals = Some(Listed { not: false, items });
    }
    document
}

/// The question as a layer: an Allow of just this, with the keys that every request has ("always included": IAM User
/// Guide, "AWS global condition context keys").
fn asked(who: &str, action: &str, on: &Value) -> Option<Document> {
    let statement = document!({
        "Effect": "Allow",
        "Principal": {"AWS": (who.to_owned())},
        "Action": (action.to_owned()),
        "Resource": (on.clone()),
        "Condition": {"Bool": {
            "aws:PrincipalIsAWSService": "false",
            "aws:SecureTransport": ["true", "false"],
            "aws:ViaAWSService": ["true", "false"]
        }}
    });
    let document = document!({"Version": "2012-10-17", "Statement": [(statement)]});
    Document::read(&document, Kind::Resource).ok()
}

/// What a request has to carry that not every request of the keeper's does. What follows from who asks, and TLS, goes
/// without saying.
fn given(request: &Request) -> Vec<String> {
    let ordinary = |key: &str| {
        let of_the_principal = ["arn", "account", "type", "isawsservice"];
        let tail = key.strip_prefix("aws:principal");
        tail.is_some_and(|tail| of_the_principal.contains(&tail))
            || matches!(key, "aws:securetransport" | "aws:viaawsservice" | "aws:resourceaccount")
    };
    let unusual = request.context.iter().filter(|(key, _)| !ordinary(key));
    unusual.map(|(_, (shown, values))| format!("{shown} = {}", values.join(", "))).collect()
}
