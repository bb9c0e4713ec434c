//! One request over all layers of a state that are read.
//!
//! In: the index of a state, and a request with its principal. Out: a [`Decided`]: whether the layers read let it through, what
//! decides it, and what else is needed. It uses the evaluator alone, not the search, so that it is also the replay of
//! what a comparison found. Sources: IAM User Guide, "Policy evaluation logic", "Evaluating policies within a single
//! account", "Cross-account policy evaluation logic"; KMS developer guide, "Key policies in AWS KMS".

use std::borrow::Cow;

use super::compare::{Cause, Layer, Row};
use super::index::{Guard, Index};
use super::rows::Documents;
use super::state::{Boundary, Guarded, State};
use crate::catalogue::iam::{self, Level};
use crate::document::Value;
use crate::verdict::apart::concerning;
use crate::verdict::effective::{of_requester, possible, shown};
use crate::verdict::public::{Publicity, left_of_public, publicity};
use crate::verdict::read::Effect;
use crate::verdict::{
    Decision, Kind, Options, Reach, Request, Requester, Standing, applies, evaluate,
};

/// Whether a request gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// A statement denies it.
    Denied,
    /// Nothing that was read allows it.
    NotAllowed,
    /// It hangs on what is not at hand, or not documented.
    Unknown,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Decided {
    pub answer: Answer,
    /// The statements that decide.
    pub by: Vec<Cause>,
    /// What else has to be there, as clauses: "an identity policy in account 333333333333".
    pub needed: Vec<String>,
}

/// What a set of documents says, and by which statement.
struct Said {
    decision: Decision,
    by: Option<Cause>,
}

fn said(documents: &Documents<'_>, request: &Request) -> Said {
    let decision = evaluate(&documents.documents, request, Reach::Whole);
    let wanted = match decision {
        Decision::Denied => Effect::Deny,
        Decision::Allowed => Effect::Allow,
        Decision::NotAllowed | Decision::Unknown => return Said { decision, by: None },
    };
    let mut statements = documents.documents.iter().flat_map(|document| &document.statements);
    let at = statements.position(|statement| {
        statement.effect == wanted && applies(statement, request, Reach::Whole) == Some(true)
    });
    Said { decision, by: documents.cause(at) }
}

/// Whether a bucket's public access block keeps out what its policy lets in; `None` where that hangs on whether S3 calls
/// the policy public, and its page leaves it open.
fn is_cut(guarded: &Guarded, read: &Documents<'_>, request: &Request) -> Option<bool> {
    let restricts = guarded.public_access.is_some_and(|block| block.restrict);
    let left = left_of_public(&guarded.account, guarded.partition);
    let is_kept_out = evaluate(&[left], request, Reach::Whole) != Decision::Allowed;
    match publicity(&read.documents) {
        _ if !restricts || !is_kept_out => Some(false),
        Publicity::NotPublic => Some(false),
        Publicity::Public => Some(true),
        Publicity::Unclear(_) => None,
    }
}

/// A name of a state as it stands in a request: an ARN as it is, a reference as `${stack/Id.Arn}`.
pub fn in_request(name: &str) -> Cow<'_, str> {
    let reference = || shown(&Value::from_json(name).ok()?);
    match name.starts_with('{') {
        true => reference().map_or(Cow::Borrowed(name), Cow::Owned),
        false => Cow::Borrowed(name),
    }
}

/// The resource of a state that a request is about: the longest name that its ARN begins with.
pub fn guarded<'s>(state: &'s State, resource: &str) -> Option<(&'s String, &'s Guarded)> {
    let within = |name: &str| {
        let rest = resource.strip_prefix(&*in_request(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    state.resources.iter().filter(|(name, _)| within(name)).max_by_key(|(name, _)| name.len())
}

/// What the layers that are read say of a request.
pub fn decide(index: &Index<'_>, request: &Request) -> Decided {
    let mut by = Vec::new();
    let mut unknown = false;
    let who = request.principal.as_ref();
    let one = who.and_then(|who| index.requester(who));
    let target = request.resource.as_deref().and_then(|arn| index.guarded(arn));
    let deny = |by: Option<Cause>| Decided {
        answer: Answer::Denied,
        by: by.into_iter().collect(),
        needed: Vec::new(),
    };
    // the principal's own half
    let bare = Request { principal: None, ..request.clone() };
    let mut identity = None;
    let mut boundary = true;
    if let Some(one) = one {
        unknown |= !one.elsewhere.is_empty() || one.identity.whole().is_none();
        if one.identity.whole().is_some() {
            let own = said(&one.identity, &bare);
            match own.decision {
                Decision::Denied => return deny(own.by),
                Decision::Unknown => unknown = true,
                Decision::Allowed => identity = own.by,
                Decision::NotAllowed => {}
            }
        }
        unknown |= matches!(one.principal.boundary, Boundary::Unread(_));
        if let Some(wall) = &one.boundary {
            unknown |= wall.whole().is_none();
            if wall.whole().is_some() {
                let cut = said(wall, &bare);
                match cut.decision {
                    Decision::Denied => return deny(cut.by),
                    Decision::Unknown => unknown = true,
                    Decision::Allowed => {}
                    Decision::NotAllowed => boundary = false,
                }
            }
        }
    }
    let own_half = identity.clone().filter(|_| boundary);
    let account = who.and_then(|who| who.account().map(|(_, account)| account.to_owned()));
    let account = account.or_else(|| one.map(|one| one.principal.account.clone()));
    let home = target.map(|target| target.guarded.account.as_str());
    let across = matches!((&account, home), (Some(own), Some(home)) if own != home);
    // how much help of its own policies the principal has: across accounts any grant does, and its own half must be there
    let standing = match (one, &own_half, boundary) {
        (None, ..) => request.standing,
        (_, Some(_), _) => Standing::Delegated,
        _ if across => Standing::Delegated,
        (_, None, true) => Standing::Held,
        (_, None, false) => Standing::Direct,
    };
    // the resource's half
    let mut half = None;
    if let Some(target) = target {
        unknown |= target.policies.whole().is_none();
        if target.policies.whole().is_some() {
            let asked = Request { standing, ..request.clone() };
            let theirs = said(&target.policies, &asked);
            match theirs.decision {
                Decision::Denied => return deny(theirs.by),
                Decision::Unknown => unknown = true,
                Decision::Allowed => {
                    let cut = is_cut(target.guarded, &target.policies, request);
                    unknown |= cut.is_none();
                    half = theirs.by.filter(|_| cut == Some(false));
                }
                Decision::NotAllowed => {}
            }
        }
    }
    let is_key = target.is_some_and(|target| target.guarded.kind == "AWS::KMS::Key");
    let allowed = match &half {
        Some(_) if across => own_half.is_some(),
        // whoever is not of the state, with an account: whether its own policies allow it is the request's to say
        Some(_) => one.is_some() || account.is_none() || standing != Standing::Delegated,
        None => own_half.is_some() && !across && !is_key,
    };
    by.extend(half);
    by.extend(own_half.filter(|_| across || by.is_empty()));
    let needed = if allowed { key_half(index, request) } else { Vec::new() };
    let answer = match (allowed, unknown) {
        (true, _) if needed.is_empty() => Answer::Allowed,
        (_, true) => Answer::Unknown,
        _ => Answer::NotAllowed,
    };
    Decided { answer, by, needed }
}

/// What stands behind the service's name: the half of a key that an object of an encrypted bucket needs.
/// Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys".
fn key_use(action: &str) -> Option<&'static str> {
    let known = iam::action(action)?;
    if known.service != "s3" || !known.resources.iter().any(|on| on.resource == "object") {
        return None;
    }
    match known.level {
        Level::Read => Some("Decrypt"),
        Level::Write if known.name.starts_with("Put") => Some("GenerateDataKey"),
        _ => None,
    }
}

/// The half of the key that is missing, if the request is about an encrypted object.
fn key_half(index: &Index<'_>, request: &Request) -> Vec<String> {
    let found = || {
        let resource = request.resource.as_deref()?;
        let bucket = index.guarded(resource)?;
        let name = key_use(&request.action).filter(|_| resource != bucket.name.as_str())?;
        let key = bucket.guarded.key.as_ref()?;
        let action = format!("kms:{name}");
        let who = request.principal.as_ref()?;
        let account = who.account().map(|(_, account)| account);
        // nothing is known of the key's policy: it stands in no template
        let Some(of_key) = index.guard(key) else {
            return Some(format!("{action} on the key {key}, whose policy was not read"));
        };
        let only = of_requester(who, &action);
        let policy = concerning(of_key.policies.whole()?, only.statements.first()?);
        let both = possible(&[&policy, &[only]], Kind::Resource, &Options::default());
        let by_key = both.gained.is_some();
        let home = account.is_none_or(|account| account == of_key.guarded.account);
        match (by_key, home, index.requester(who)) {
            (false, ..) => {
                Some(format!("{action} on the key {key}: its policy does not let {who} use it"))
            }
            (true, true, _) => None,
            (true, false, Some(_)) => None,
            (true, false, None) => Some(format!(
                "{action} on the key {key}, in an identity policy of account {}",
                account.unwrap_or_default()
            )),
        }
    };
    found().into_iter().collect()
}

/// What else is needed before what a row gained gets through, judged on the new state.
pub fn needed(index: &Index<'_>, row: &Row) -> Vec<String> {
    let state = index.state;
    let mut out = row.given.clone();
    let Some(request) = &row.comparison.gained else { return out };
    match row.layer {
        Layer::Identity => {
            let who = Requester::read("AWS", &in_request(&row.subject));
            let asked = Request { principal: Some(who.clone()), ..request.clone() };
            let target = asked.resource.as_deref().and_then(|arn| index.guarded(arn));
            let decided = decide(index, &asked);
            match (target, decided.answer) {
                (Some(Guard { name, .. }), Answer::Denied) => {
                    let by = decided.by.first().map_or("a Deny", |cause| cause.statement.as_str());
                    out.push(format!("no Deny: {by} of {name} denies this request"));
                }
                (Some(Guard { name, guarded, .. }), Answer::NotAllowed)
                    if decided.needed.is_empty() =>
                {
                    out.push(match guarded.kind.as_str() {
                        "AWS::KMS::Key" => format!(
                            "the key policy of {name}, which neither names the principal nor leaves it to identity policies"
                        ),
                        _ => format!("the policy of {name} in account {}", guarded.account),
                    });
                }
                _ => {}
            }
            out.extend(decided.needed);
            let elsewhere = asked.resource.as_deref().and_then(|arn| arn.split(':').nth(4));
            let own = state.principals.get(&row.subject).map(|one| one.account.as_str());
            if let (None, Some(account), Some(own)) = (target, elsewhere, own)
                && account.len() == 12
                && account != own
            {
                out.push(format!("the resource's policy in account {account}"));
            }
        }
        Layer::Resource | Layer::Trust => {
            let home = match row.layer {
                Layer::Trust => state.principals.get(&row.subject).map(|one| one.account.as_str()),
                _ => state.resources.get(&row.subject).map(|one| one.account.as_str()),
            };
            let who = request.principal.as_ref();
            let account = who.and_then(|who| who.account().map(|(_, account)| account));
            if let Some(account) = account {
                let decided = decide(index, request);
                if home != Some(account) {
                    out.push(format!("an identity policy in account {account}"));
                } else if decided.answer != Answer::Allowed && delegates(index, row, request) {
                    out.push(format!("an identity policy in account {account} that allows it"));
                }
            }
            out.extend(key_half(index, request));
        }
        Layer::PublicAccess | Layer::LakeFormation | Layer::Unmodelled => {}
    }
    out
}

/// Whether what lets a requester of the own account in leaves it to the account's own policies.
fn delegates(index: &Index<'_>, row: &Row, request: &Request) -> bool {
    let read = match row.layer {
        Layer::Trust => index.holder(&row.subject).map(|one| &one.trust),
        _ => index.guard(&row.subject).map(|one| &one.policies),
    };
    let Some(documents) = read.map_or(Some(&[][..]), Documents::whole) else { return false };
    let alone = Request { standing: request.standing.max(Standing::Held), ..request.clone() };
    evaluate(documents, &alone, Reach::Whole) != Decision::Allowed
}
