//! What is asked of each layer of a principal: its policies within its boundary, and a role's trust.
//!
//! In: its name and both states. Out: a row, or none where the layer is in neither state. The engine in `crate::verdict`
//! answers; here stands which documents count, under which cut, and what is not at hand. Read next: `guarded`, the same
//! for resources.

use std::collections::BTreeSet;

use super::compare::{Cause, Further, Layer, Presence, Row, presence};
use super::named::over_open_names;
use super::state::{Boundary, Held, Origin, Principal, State};
use crate::document::Value;
use crate::verdict::effective::{EXAMPLE_ACCOUNT, of_anybody, within};
use crate::verdict::{
    Comparison, Decision, Document, Kind, Malformed, Options, Reach, Reason, ReasonKind, Request,
    Verdict, Witness, evaluate,
};

/// Policies, read, and where each statement stands.
pub struct Documents<'h> {
    pub documents: Vec<Document>,
    /// Where each of them stands.
    pub held: Vec<&'h Held>,
    /// What stands in the place of a policy and is none.
    pub malformed: Vec<(&'h Held, Malformed)>,
}

impl<'h> Documents<'h> {
    /// Reads all that are policies.
    pub fn of(all: impl IntoIterator<Item = &'h Held>, kind: Kind) -> Self {
        let mut read = Documents { documents: Vec::new(), held: Vec::new(), malformed: Vec::new() };
        for held in all {
            match Document::read(&held.document, kind) {
                Ok(document) => {
                    read.documents.push(document);
                    read.held.push(held);
                }
                Err(error) => read.malformed.push((held, error)),
            }
        }
        read
    }

    /// The documents, if all that was to be read is a policy.
    pub fn whole(&self) -> Option<&[Document]> {
        self.malformed.is_empty().then_some(self.documents.as_slice())
    }

    /// Reads all, or says which is none.
    pub(super) fn read(held: Vec<&'h Held>, kind: Kind) -> Result<Self, (Origin, Malformed)> {
        let mut read = Documents::of(held, kind);
        match read.malformed.is_empty() {
            true => Ok(read),
            false => {
                let (held, error) = read.malformed.swap_remove(0);
                Err((held.origin.clone(), error))
            }
        }
    }

    /// Witnesses beyond the first with where their statements stand, each moved to a place that `placed` knows better.
    pub(super) fn further(
        &self,
        witnesses: &[Witness],
        placed: impl Fn(Request) -> Request,
    ) -> Vec<Further> {
        let one = |witness: &Witness| Further {
            request: placed(witness.request.clone()),
            cause: self.cause(Some(witness.by)),
        };
        witnesses.iter().map(one).collect()
    }

    /// Where the statement of a number stands, counted over all documents.
    pub(super) fn cause(&self, at: Option<usize>) -> Option<Cause> {
        let mut at = at?;
        for (document, held) in self.documents.iter().zip(&self.held) {
            if let Some(statement) = document.statements.get(at) {
                return Some(Cause {
                    origin: held.origin_of(at),
                    property: held.property.clone(),
                    statement: statement.label.clone(),
                });
            }
            at -= document.statements.len();
        }
        None
    }
}

/// The policies of a principal: its own and its groups', and the names of those that are not at hand.
pub(super) fn policies<'s>(
    state: &'s State,
    one: &'s Principal,
) -> (Vec<&'s Held>, BTreeSet<&'s str>) {
    let mut held: Vec<&Held> = one.identity.iter().collect();
    let mut elsewhere: BTreeSet<&str> = one.attached.iter().map(String::as_str).collect();
    for group in &one.groups {
        match state.principals.get(group) {
            Some(group) => {
                held.extend(&group.identity);
                elsewhere.extend(group.attached.iter().map(String::as_str));
            }
            None => drop(elsewhere.insert(group)),
        }
    }
    (held, elsewhere)
}

pub(super) fn same(old: &[&Held], new: &[&Held]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.document == b.document)
}

pub(super) fn malformed((origin, error): (Origin, Malformed)) -> Comparison {
    let text = format!("the policy of {}/{} is none: {error}", origin.stack, origin.logical_id);
    Comparison::unknown(Reason { kind: ReasonKind::Malformed, text })
}

fn supply(arn: &str) -> String {
    match arn.starts_with("arn:") {
        true => format!("supply it: --document {arn}=FILE"),
        false => "say which it is with --parameter NAME=ARN, and supply it: --document ARN=FILE"
            .to_owned(),
    }
}

/// Whether a document has statements and all of them allow.
pub(super) fn allows(held: &Held) -> bool {
    let allow = |one: &Value| one.get("Effect").and_then(Value::as_str) == Some("Allow");
    match held.document.get("Statement") {
        Some(Value::List(list)) => !list.is_empty() && list.iter().all(allow),
        Some(one) => allow(one),
        None => false,
    }
}

/// Whether all that a principal holds is at hand and allows.
pub(super) fn only_allows(one: &Principal) -> bool {
    let at_hand =
        one.attached.is_empty() && one.groups.is_empty() && one.boundary == Boundary::None;
    at_hand && !one.identity.is_empty() && one.identity.iter().all(allows)
}

/// What a principal may do.
pub(super) fn identity(name: &str, old: &State, new: &State, options: &Options) -> Option<Row> {
    let (before, after) = (old.principals.get(name), new.principals.get(name));
    let said = |one: Option<&Principal>| {
        one.is_some_and(|one| {
            !one.identity.is_empty() || !one.attached.is_empty() || !one.groups.is_empty()
        })
    };
    if !said(before) && !said(after) {
        return None;
    }
    let shown = after.or(before)?;
    let kind = match shown.kind.as_str() {
        "role" => "AWS::IAM::Role",
        "user" => "AWS::IAM::User",
        _ => "AWS::IAM::Group",
    };
    let there = presence(before.is_some(), after.is_some());
    let mut row = Row::same(name, kind, Layer::Identity, there, origin(after, before));
    let none = (Vec::new(), BTreeSet::new());
    let (own, away) = before.map_or_else(|| none.clone(), |one| policies(old, one));
    let (others, new_away) = after.map_or(none, |one| policies(new, one));
    let boundary = |one: Option<&Principal>| one.map_or(Boundary::None, |one| one.boundary.clone());
    let (wall, new_wall) = (boundary(before), boundary(after));
    let same_wall = match (&wall, &new_wall) {
        (Boundary::Read(a), Boundary::Read(b)) => a.document == b.document,
        (a, b) => a == b,
    };
    if same(&own, &others) && away == new_away && same_wall {
        return Some(row);
    }
    let read = || -> Result<_, (Origin, Malformed)> {
        let cut = |wall: &Boundary| match wall {
            Boundary::Read(held) => {
                Documents::read(vec![held], Kind::Identity).map(|read| Some(read.documents))
            }
            Boundary::None | Boundary::Unread(_) => Ok(None),
        };
        let (own, others) =
            (Documents::read(own, Kind::Identity)?, Documents::read(others, Kind::Identity)?);
        Ok((own, others, cut(&wall)?, cut(&new_wall)?))
    };
    let (own, others, cut, new_cut) = match read() {
        Ok(read) => read,
        Err(error) => {
            row.comparison = malformed(error);
            return Some(row);
        }
    };
    let ask = |old: &[Document], new: &[Document]| {
        let (mut before, mut after) = (vec![old], vec![new]);
        before.extend(cut.as_deref());
        after.extend(new_cut.as_deref());
        within(&before, &after, Kind::Identity, options)
    };
    let mut found = ask(&own.documents, &others.documents);
    if away != new_away {
        let differ: Vec<&str> = away.symmetric_difference(&new_away).copied().collect();
        let text = unread(&away, &new_away, &found);
        found = Comparison::unknown(Reason { kind: ReasonKind::Policy, text });
        row.help = differ.first().map(|arn| supply(arn));
    } else if let Some(arn) = away.first() {
        // a Deny that goes lets through what the policies that are not at hand allow
        let with = |documents: &[Document]| {
            documents.iter().cloned().chain([of_anybody()]).collect::<Vec<_>>()
        };
        found = found.and(ask(&with(&own.documents), &with(&others.documents)));
        if found.verdict != Verdict::Equivalent {
            found.exact = false;
            found.reason.get_or_insert_with(|| {
                let text = format!("{arn} is attached on both sides and may allow it anyway");
                Reason { kind: ReasonKind::Policy, text }
            });
            row.help = Some(supply(arn));
        }
    }
    found =
        cut_by(found, &wall, &new_wall, others.documents.iter().any(Document::allows), &mut row);
    row.gained_by = others.cause(found.gained_by);
    row.lost_by = own.cause(found.lost_by);
    let at_home = |request: Request, old: [&[Document]; 2], new: [&[Document]; 2]| {
        at_home(request, &shown.account, &old, &new)
    };
    let before = [&*own.documents, cut.as_deref().unwrap_or(ALL)];
    let after = [&*others.documents, new_cut.as_deref().unwrap_or(ALL)];
    found.gained = found.gained.map(|request| at_home(request, before, after));
    found.lost = found.lost.map(|request| at_home(request, after, before));
    row.also_gained = others.further(&found.also_gained, |one| at_home(one, before, after));
    row.also_lost = own.further(&found.also_lost, |one| at_home(one, after, before));
    row.comparison = found;
    Some(row)
}

/// What managed policies say that stand on both sides and differ, where the rows of those who carry them here do not
/// say the same: others may carry them too.
pub(super) fn managed(old: &State, new: &State, options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for (arn, after) in &new.managed {
        let Some(before) = old.managed.get(arn) else { continue };
        if before.document == after.document {
            continue;
        }
        let origin = Some(after.origin.clone());
        let mut row =
            Row::same(arn, "AWS::IAM::ManagedPolicy", Layer::Identity, Presence::Both, origin);
        let read = |held| Documents::read(vec![held], Kind::Identity);
        row.comparison = match read(before).and_then(|own| Ok((own, read(after)?))) {
            Err(error) => malformed(error),
            Ok((own, others)) => {
                let (was, is) = ([&*own.documents], [&*others.documents]);
                let found = within(&was, &is, Kind::Identity, options);
                row.gained_by = others.cause(found.gained_by);
                row.lost_by = own.cause(found.lost_by);
                row.also_gained = others.further(&found.also_gained, |one| one);
                row.also_lost = own.further(&found.also_lost, |one| one);
                found
            }
        };
        let carries = |(_, one): &(&String, &Principal)| {
            one.identity.iter().any(|held| held.origin == after.origin)
        };
        let mut carriers = new.principals.iter().filter(carries);
        let says_it = carriers.any(|(name, _)| {
            let own = identity(name, old, new, options).map(|row| row.verdict());
            own == Some(row.verdict()) || own == Some(Verdict::Incomparable)
        });
        if !says_it && row.verdict() != Verdict::Equivalent {
            row.given.push("somebody who carries the policy".to_owned());
            rows.push(row);
        }
    }
    rows
}

/// No boundary.
pub(super) const ALL: &[Document] = &[];

/// The same request on a resource of the principal's own account, where the account that stands in it is an example
/// only: if it still is what changed.
fn at_home(request: Request, account: &str, old: &[&[Document]], new: &[&[Document]]) -> Request {
    let example = request.resource.as_deref().and_then(|arn| arn.split(':').nth(4));
    match &request.resource {
        Some(resource) if example == Some(EXAMPLE_ACCOUNT) => {
            let resource = resource.replacen(EXAMPLE_ACCOUNT, account, 1);
            on(request, resource, old, new)
        }
        _ => request,
    }
}

/// The same request on another resource, if it still is what changed.
pub(super) fn on(
    request: Request,
    resource: String,
    old: &[&[Document]],
    new: &[&[Document]],
) -> Request {
    let other = Request { resource: Some(resource), ..request.clone() };
    let says = |layers: &[&[Document]]| {
        let mut read = layers.iter().filter(|layer| !layer.is_empty()).peekable();
        if read.peek().is_none() {
            return Some(false);
        }
        read.try_fold(true, |all, layer| match evaluate(layer, &other, Reach::Whole) {
            Decision::Allowed => Some(all),
            Decision::Unknown => None,
            Decision::Denied | Decision::NotAllowed => Some(false),
        })
    };
    if says(old) == Some(false) && says(new) == Some(true) { other } else { request }
}

/// The verdict under boundaries of which one may not be at hand.
fn cut_by(
    found: Comparison,
    old: &Boundary,
    new: &Boundary,
    allows: bool,
    row: &mut Row,
) -> Comparison {
    let unknown = |arn: &str| {
        let text = format!("the document of the permissions boundary {arn} is not at hand");
        Reason { kind: ReasonKind::Boundary, text }
    };
    let narrowed = |found: Comparison, arn: &str| Comparison {
        verdict: Verdict::Narrowed,
        exact: false,
        gained: None,
        gained_by: None,
        also_gained: Vec::new(),
        reason: Some(unknown(arn)),
        ..found
    };
    let ((Boundary::Unread(arn), _) | (_, Boundary::Unread(arn))) = (old, new) else {
        return found;
    };
    row.help = Some(supply(arn));
    match (old, new, found.verdict) {
        // the same cut on both sides hides a difference, and makes none
        (Boundary::Unread(own), Boundary::Unread(other), Verdict::Equivalent) if own == other => {
            row.help = None;
            found
        }
        (Boundary::Unread(own), Boundary::Unread(other), Verdict::Narrowed) if own == other => {
            narrowed(found, arn)
        }
        // a cut that is new takes away at most
        (Boundary::None, Boundary::Unread(_), Verdict::Equivalent | Verdict::Narrowed) => {
            narrowed(found, arn)
        }
        // nothing allowed afterwards is nothing gained
        (Boundary::Unread(_), _, _) if !allows => narrowed(found, arn),
        _ => Comparison::unknown(unknown(arn)),
    }
}

fn origin(new: Option<&Principal>, old: Option<&Principal>) -> Option<Origin> {
    let own = |one: Option<&Principal>| {
        let one = one?;
        one.origin.clone().or_else(|| one.identity.first().map(|held| held.origin.clone()))
    };
    own(new).or_else(|| own(old))
}

/// Who may assume a role.
pub(super) fn trust(name: &str, old: &State, new: &State, options: &Options) -> Option<Row> {
    let (before, after) = (old.principals.get(name), new.principals.get(name));
    let held = |one: Option<&'_ Principal>| one.and_then(|one| one.trust.as_ref()).is_some();
    if !held(before) && !held(after) {
        return None;
    }
    fn trusts(one: Option<&Principal>) -> Vec<&Held> {
        one.iter().filter_map(|one| one.trust.as_ref()).collect()
    }
    let (own, others) = (trusts(before), trusts(after));
    let there = presence(before.is_some(), after.is_some());
    let origin = origin(after, before);
    let mut row = Row::same(name, "AWS::IAM::Role", Layer::Trust, there, origin);
    if same(&own, &others) {
        return Some(row);
    }
    let read = || Ok((Documents::read(own, Kind::Trust)?, Documents::read(others, Kind::Trust)?));
    row.comparison = match read() {
        Err(error) => malformed(error),
        Ok((own, others)) => {
            let ask =
                |old: &[Document], new: &[Document]| within(&[old], &[new], Kind::Trust, options);
            let account = after.or(before).map_or("", |one| one.account.as_str());
            let found = ask(&own.documents, &others.documents);
            let both = [&*own.documents, &*others.documents];
            let found = over_open_names(found, both, ("aws", account), ask);
            row.gained_by = others.cause(found.gained_by);
            row.lost_by = own.cause(found.lost_by);
            row.also_gained = others.further(&found.also_gained, |one| one);
            row.also_lost = own.further(&found.also_lost, |one| one);
            found
        }
    };
    Some(row)
}

/// What is said of policies that come or go and are not at hand, and of what changes beside them.
fn unread(away: &BTreeSet<&str>, new_away: &BTreeSet<&str>, at_hand: &Comparison) -> String {
    let list = |one: &BTreeSet<&str>, other: &BTreeSet<&str>, how: &str| {
        let names: Vec<&str> = one.difference(other).copied().collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        (!names.is_empty()).then(|| format!("{} {are} attached {how}", names.join(", ")))
    };
    let told = [list(new_away, away, "now"), list(away, new_away, "no longer")];
    let told: Vec<String> = told.into_iter().flatten().collect();
    let beside = match (&at_hand.gained, &at_hand.lost) {
        (Some(request), _) => {
            format!(
                " (the policies at hand allow more, such as {}, unless it denies that)",
                request.action
            )
        }
        (None, Some(request)) => {
            format!(
                " (the policies at hand allow less: no longer {}, unless it allows that)",
                request.action
            )
        }
        (None, None) => String::new(),
    };
    format!("{}, and not at hand{beside}", told.join("; "))
}
