//! Two states of access compared: what each principal and each resource policy newly allows or no longer does.
//!
//! In: the states before and after, all stacks of each together. Out: [`Compared`], a [`Row`] for each principal (its
//! policies within its boundary; its trust), each resource policy, each public access block that differs, each principal
//! of Lake Formation, and everything that differs and is not modelled. INVARIANT: where no row is broadened, incomparable
//! or undecided, no request of the layers read is newly allowed, whatever the layers not read say, as long as they stay
//! the same. Equal documents are not looked into. Pure.
//! Read next: `rows` for what is asked of each layer, `decide` for one request over all layers, `grants` for Lake
//! Formation, and `docs/access-model.md`, "Layers".

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::conditions;
use super::decide::in_request;
use super::grants;
use super::guarded;
use super::results;
use super::rows;
use super::state::{Origin, State, Unread};
use super::template::{NOBODY, TABLE_DEFAULTS};
use crate::verdict::{
    Comparison, Options, Reason, ReasonKind, Request, Requester, Standing, Verdict,
};

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What a principal may do: its policies within its boundary.
    Identity,
    /// Who may assume a role.
    Trust,
    /// Who may use a resource, by its own policy under its public access block.
    Resource,
    /// What a public access block keeps out.
    PublicAccess,
    LakeFormation,
    /// Something about access that is not modelled.
    Unmodelled,
}

impl Layer {
    /// The word in JSON and text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Layer::Identity => "identity",
            Layer::Trust => "trust",
            Layer::Resource => "resource",
            Layer::PublicAccess => "public access block",
            Layer::LakeFormation => "Lake Formation",
            Layer::Unmodelled => "not modelled",
        }
    }
}

/// Where something stands that allows, or allowed, a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    pub origin: Origin,
    /// `PolicyDocument`, `Policies/0`.
    pub property: String,
    /// The statement: its Sid or `Statement[2]`. Empty where there are none.
    pub statement: String,
}

/// A request beyond the first, and the statement that allows or allowed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Further {
    pub request: Request,
    pub cause: Option<Cause>,
}

/// On which sides something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Both,
    New,
    Gone,
}

/// The verdict on one part of a state.
#[derive(Debug, Clone)]
pub struct Row {
    /// The ARN of the principal or resource, or the reference to it; of what is not modelled `stack/LogicalId`.
    pub subject: String,
    /// `AWS::IAM::Role`, `AWS::S3::Bucket`.
    pub kind: String,
    pub layer: Layer,
    pub presence: Presence,
    pub comparison: Comparison,
    pub gained_by: Option<Cause>,
    pub lost_by: Option<Cause>,
    /// More that was gained, each with what allows it, where more witnesses than one were asked for.
    pub also_gained: Vec<Further>,
    /// More that was lost.
    pub also_lost: Vec<Further>,
    /// What to type so that more is known.
    pub help: Option<String>,
    /// What else has to be so before the request gets through, where the layer alone is not all.
    pub given: Vec<String>,
    /// Where the subject stands: on the new side, else on the old.
    pub origin: Option<Origin>,
}

impl Row {
    /// A row of something that is the same on both sides.
    pub(super) fn same(
        subject: &str,
        kind: &str,
        layer: Layer,
        presence: Presence,
        origin: Option<Origin>,
    ) -> Row {
        Row {
            subject: subject.to_owned(),
            kind: kind.to_owned(),
            layer,
            presence,
            comparison: Comparison::equal(),
            gained_by: None,
            lost_by: None,
            also_gained: Vec::new(),
            also_lost: Vec::new(),
            help: None,
            given: Vec::new(),
            origin,
        }
    }

    pub fn verdict(&self) -> Verdict {
        self.comparison.verdict
    }
}

/// A request with all that its layer says of it: an identity policy's is made by whom the policy belongs to (a group
/// makes none), a trust policy's is about the role. The engine decides such policies without either.
pub fn made(layer: Layer, kind: &str, subject: &str, request: &Request) -> Request {
    let mut request = request.clone();
    let subject = in_request(subject);
    match layer {
        Layer::Identity if kind != "AWS::IAM::Group" => {
            request.principal.get_or_insert_with(|| Requester::read("AWS", &subject));
        }
        Layer::Trust => drop(request.resource.get_or_insert_with(|| subject.into_owned())),
        _ => {}
    }
    request
}

/// How many rows have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub broadened: usize,
    pub narrowed: usize,
    pub equivalent: usize,
    pub incomparable: usize,
    pub undecided: usize,
}

impl Counts {
    /// Counts one more.
    pub fn count(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Broadened => &mut self.broadened,
            Verdict::Narrowed => &mut self.narrowed,
            Verdict::Equivalent => &mut self.equivalent,
            Verdict::Incomparable => &mut self.incomparable,
            Verdict::Undecided => &mut self.undecided,
        } += 1;
    }
}

/// The verdicts on all parts of two states.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Principals, then resources, then grants, then what is not modelled; each by name.
    pub rows: Vec<Row>,
}

impl Compared {
    /// The verdict on everything together. Broadened where anything was gained, undecided where only that is not known.
    pub fn verdict(&self) -> Verdict {
        let any = |verdict| self.rows.iter().any(|row| row.verdict() == verdict);
        let both = any(Verdict::Incomparable);
        let (gained, lost) = (both || any(Verdict::Broadened), both || any(Verdict::Narrowed));
        match (gained, any(Verdict::Undecided), lost) {
            (true, _, true) => Verdict::Incomparable,
            (true, _, false) => Verdict::Broadened,
            (false, true, _) => Verdict::Undecided,
            (false, false, true) => Verdict::Narrowed,
            (false, false, false) => Verdict::Equivalent,
        }
    }

    /// Whether every row is decided by a proof.
    pub fn exact(&self) -> bool {
        self.rows.iter().all(|row| row.comparison.exact)
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            counts.count(row.verdict());
        }
        counts
    }
}

/// What a change from `old` to `new` does to each part.
pub fn compare(old: &State, new: &State, options: &Options) -> Compared {
    match (&old.open, &new.open) {
        (None, None) => compare_settled(old, new, options),
        _ => conditions::compare_open(old, new, options),
    }
}

/// The same of states that leave nothing open.
pub(super) fn compare_settled(old: &State, new: &State, options: &Options) -> Compared {
    let mut rows = Vec::new();
    for name in names(&old.principals, &new.principals) {
        rows.extend(rows::identity(name, old, new, options));
        rows.extend(rows::trust(name, old, new, options));
    }
    for name in names(&old.resources, &new.resources) {
        rows.extend(guarded::resource(name, old, new, options));
    }
    rows.extend(others(old, new, options));
    Compared { rows }
}

/// How many parts have which verdict, without the requests that prove it: what [`compare`] counts, except that a new
/// principal or resource whose statements all allow counts as broadened without a search.
pub fn counts(old: &State, new: &State, options: &Options) -> Counts {
    if old.open.is_some() || new.open.is_some() {
        return compare(old, new, options).counts();
    }
    let mut counts = Counts::default();
    let mut count = |is_plain: bool, row: &dyn Fn() -> Option<Row>| {
        match is_plain {
            true => counts.count(Verdict::Broadened),
            false => row().iter().for_each(|row| counts.count(row.verdict())),
        };
    };
    for name in names(&old.principals, &new.principals) {
        let made = new.principals.get(name).filter(|_| !old.principals.contains_key(name));
        let identity = made.is_some_and(rows::only_allows);
        let trust = made.and_then(|one| one.trust.as_ref()).is_some_and(rows::allows);
        count(identity, &|| rows::identity(name, old, new, options));
        count(trust, &|| rows::trust(name, old, new, options));
    }
    for name in names(&old.resources, &new.resources) {
        let made = new.resources.get(name).filter(|_| !old.resources.contains_key(name));
        let plain = made.is_some_and(|one| {
            let restricts = one.public_access.is_some_and(|block| block.restrict);
            !restricts && !one.policies.is_empty() && one.policies.iter().all(rows::allows)
        });
        count(plain, &|| guarded::resource(name, old, new, options));
    }
    others(old, new, options).iter().for_each(|row| counts.count(row.verdict()));
    counts
}

fn names<'s, T>(
    old: &'s BTreeMap<String, T>,
    new: &'s BTreeMap<String, T>,
) -> BTreeSet<&'s String> {
    old.keys().chain(new.keys()).collect()
}

/// Managed policies, public access blocks, Lake Formation, and what is not modelled.
fn others(old: &State, new: &State, options: &Options) -> Vec<Row> {
    let mut rows = rows::managed(old, new, options);
    let resources = || names(&old.resources, &new.resources).into_iter();
    rows.extend(resources().filter_map(|name| guarded::public_access(name, old, new)));
    rows.extend(resources().filter_map(|name| guarded::ownership(name, old, new)));
    let same = old.grants == new.grants && old.filters == new.filters && old.tagged == new.tagged;
    if !same {
        let principals = grants::principals(old, new);
        rows.extend(principals.into_iter().map(|who| lake_formation(who, old, new)));
    }
    rows.extend(results::moved(old, new));
    rows.extend(unmodelled(&old.unread, &new.unread));
    rows
}

fn lake_formation(who: &str, old: &State, new: &State) -> Row {
    let (gained, lost) = (grants::gained(old, new, who), grants::gained(new, old, who));
    let request = |found: &grants::Found| {
        let option = found.grantable.then(|| {
            let shown = "with the grant option".to_owned();
            (shown.clone(), (shown, vec!["true".to_owned()]))
        });
        Request {
            principal: Some(Requester::read("AWS", who)),
            action: found.permission.clone(),
            resource: Some(found.what.clone()),
            context: option.into_iter().collect(),
            standing: Standing::default(),
            tokens: Vec::new(),
        }
    };
    let cause = |found: &grants::Found| Cause {
        origin: found.origin.clone(),
        property: found.property.to_owned(),
        statement: String::new(),
    };
    let verdict = match (&gained.found, &gained.unknown, &lost.found) {
        (Some(_), _, Some(_)) => Verdict::Incomparable,
        (Some(_), _, None) => Verdict::Broadened,
        (None, Some(_), _) => Verdict::Undecided,
        (None, None, Some(_)) => Verdict::Narrowed,
        (None, None, None) => Verdict::Equivalent,
    };
    let reason = gained.unknown.or(lost.unknown);
    let exact = reason.is_none() || verdict == Verdict::Incomparable;
    let reason = reason.filter(|_| !exact);
    let comparison = Comparison {
        verdict: if verdict == Verdict::Equivalent && !exact {
            Verdict::Undecided
        } else {
            verdict
        },
        exact,
        gained: gained.found.as_ref().map(request),
        lost: lost.found.as_ref().map(request),
        reason: reason.map(|text| Reason { kind: ReasonKind::Undocumented, text }),
        ..Comparison::equal()
    };
    let has = |state: &State| state.grants.iter().any(|grant| grant.principal == who);
    let first = |state: &State| {
        state.grants.iter().find(|grant| grant.principal == who).map(|grant| grant.origin.clone())
    };
    let kind = "AWS::LakeFormation::PrincipalPermissions";
    let there = presence(has(old), has(new));
    Row {
        comparison,
        gained_by: gained.found.as_ref().map(cause),
        lost_by: lost.found.as_ref().map(cause),
        ..Row::same(who, kind, Layer::LakeFormation, there, first(new).or_else(|| first(old)))
    }
}

pub(super) fn presence(old: bool, new: bool) -> Presence {
    match (old, new) {
        (false, _) => Presence::New,
        (true, true) => Presence::Both,
        (true, false) => Presence::Gone,
    }
}

/// What is said, wherever it stands: type, property, value.
type Said<'u> = (&'u str, &'u str, &'u str);

fn said(one: &Unread) -> Said<'_> {
    (&one.kind, &one.property, &one.value)
}

/// The positions in a list of what the other has less of; `sign` is 1 for the new list.
fn left<'u>(list: &'u [Unread], sign: i64, balance: &mut BTreeMap<Said<'u>, i64>) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let left = balance.entry(said(one)).or_default();
        if *left * sign > 0 {
            *left -= sign;
            found.push(at);
        }
    }
    found
}

/// What differs and is not modelled, a row for each property of each resource. What only moved is the same.
fn unmodelled<'u>(old: &'u [Unread], new: &'u [Unread]) -> Vec<Row> {
    let mut balance: BTreeMap<Said<'u>, i64> = BTreeMap::new();
    new.iter().for_each(|one| *balance.entry(said(one)).or_default() += 1);
    old.iter().for_each(|one| *balance.entry(said(one)).or_default() -= 1);
    let mut differ: BTreeMap<(String, &str, &str), (bool, bool, &Unread)> = BTreeMap::new();
    let (gone, come) = (left(old, -1, &mut balance), left(new, 1, &mut balance));
    let all =
        gone.iter().map(|at| (&old[*at], false)).chain(come.iter().map(|at| (&new[*at], true)));
    for (one, is_new) in all {
        let place = format!("{}/{}", one.origin.stack, one.origin.logical_id);
        let entry = differ.entry((place, &one.kind, &one.property)).or_insert((false, false, one));
        if is_new {
            (entry.1, entry.2) = (true, one);
        } else {
            entry.0 = true;
        }
    }
    // what a database leaves to nobody comes and goes with it
    let is_idle = |(_, (was, is, one)): &(_, (bool, bool, &Unread))| {
        !(*was && *is)
            && TABLE_DEFAULTS == (&*one.kind, &*one.property)
            && NOBODY.contains(&&*one.value)
    };
    differ
        .into_iter()
        .filter(|one| !is_idle(one))
        .map(|((place, kind, property), entry)| {
            let (was, is, one) = entry;
            let what = match (was, is) {
                (true, true) => "changes",
                (false, _) => "is new",
                (true, false) => "goes",
            };
            let text = match one.value.is_empty() {
                // nobody looked, so that there is no value
                true => format!("`{property}` of {kind} was not read: {}", one.why),
                false => format!("`{property}` of {kind} {what}, and {}", one.why),
            };
            let there = presence(was, is);
            let origin = Some(one.origin.clone());
            Row {
                comparison: Comparison::unknown(Reason { kind: ReasonKind::Unmodelled, text }),
                ..Row::same(&place, kind, Layer::Unmodelled, there, origin)
            }
        })
        .collect()
}
