//! Whole states compared: each principal with its policies, boundary and trust, and each resource policy with its
//! public access block.
//!
//! Within a principal the boundary cuts: a request needs an Allow of both. Across principals and resource policies
//! access is a union within an account, so a verdict for each says enough: where none is broadened, no request of the
//! layers read is newly allowed, whatever the layers not read say. "Broadened" means that the layers read let the
//! request through; the other half of a cross-account grant may still be missing.
//! Sources: IAM User Guide, "Permissions boundaries" and "Policy evaluation logic"; S3 User Guide, "Blocking public
//! access" (`RestrictPublicBuckets`, and the meaning of "public").

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Layer, compare};
use super::operator::Test;
use super::principal::Name;
use super::read::{Condition, Document, Effect, Listed, Statement};
use super::text::{Pattern, Piece};
use super::{Comparison, Kind, Options, Reason, ReasonKind, Verdict};

/// Everything about access in some stacks together.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// By name: an ARN, or what stands for one.
    pub principals: BTreeMap<String, Principal>,
    /// By name.
    pub resources: BTreeMap<String, Resource>,
}

/// A user or a role.
#[derive(Debug, Clone, Default)]
pub struct Principal {
    /// Inline, attached and inherited policies, across stacks.
    pub identity: Vec<Document>,
    pub boundary: Boundary,
    /// A role's.
    pub trust: Vec<Document>,
}

/// A permissions boundary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Boundary {
    #[default]
    None,
    Known(Document),
    /// A policy by its ARN, whose document is not at hand.
    Unknown(String),
}

/// A resource with a policy.
#[derive(Debug, Clone, Default)]
pub struct Resource {
    pub policy: Vec<Document>,
    /// For a bucket: the account that owns it, if its public access block has `RestrictPublicBuckets`.
    pub restricted_to: Option<String>,
}

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// What a principal may do: its policies within its boundary.
    Permissions,
    /// Who may assume a role.
    Trust,
    /// Who may use a resource, by its own policy and public access block.
    Resource,
}

/// A verdict on a part of a state.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    pub about: About,
    pub comparison: Comparison,
}

/// A verdict for each principal, each trust and each resource policy of either state, in this order, by name.
pub fn compare_states(old: &State, new: &State, options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    let none = Principal::default();
    let names: BTreeSet<&String> = old.principals.keys().chain(new.principals.keys()).collect();
    for name in names {
        let before = old.principals.get(name).unwrap_or(&none);
        let after = new.principals.get(name).unwrap_or(&none);
        let comparison = permissions(before, after, options);
        rows.push(Row { name: name.clone(), about: About::Permissions, comparison });
        if !before.trust.is_empty() || !after.trust.is_empty() {
            let comparison = super::compare(&before.trust, &after.trust, Kind::Trust, options);
            rows.push(Row { name: name.clone(), about: About::Trust, comparison });
        }
    }
    let none = Resource::default();
    let names: BTreeSet<&String> = old.resources.keys().chain(new.resources.keys()).collect();
    for name in names {
        let before = old.resources.get(name).unwrap_or(&none);
        let after = new.resources.get(name).unwrap_or(&none);
        let (before_block, after_block) = (block(before), block(after));
        let (before, after) =
            (layers(&before.policy, &before_block), layers(&after.policy, &after_block));
        let comparison = compare(&before, &after, Kind::Resource, options);
        rows.push(Row { name: name.clone(), about: About::Resource, comparison });
    }
    rows
}

/// The verdict on all rows together: the gravest, where what is not known counts as more than what is.
pub fn overall(rows: &[Row]) -> (Verdict, bool) {
    let any = |verdict| rows.iter().any(|row| row.comparison.verdict == verdict);
    let exact = rows.iter().all(|row| row.comparison.exact);
    let gained = any(Verdict::Broadened) || any(Verdict::Incomparable);
    let lost = any(Verdict::Narrowed) || any(Verdict::Incomparable);
    let verdict = match (gained, lost) {
        _ if any(Verdict::Undecided) && !gained => Verdict::Undecided,
        (true, true) => Verdict::Incomparable,
        (true, false) => Verdict::Broadened,
        (false, true) => Verdict::Narrowed,
        (false, false) => Verdict::Equivalent,
    };
    (verdict, exact)
}

fn layers<'l>(first: &'l [Document], second: &'l Option<Document>) -> Vec<Layer<'l>> {
    let mut out = vec![first];
    out.extend(second.as_ref().map(std::slice::from_ref));
    out
}

fn permissions(old: &Principal, new: &Principal, options: &Options) -> Comparison {
    let known = |boundary: &Boundary| match boundary {
        Boundary::Known(document) => Some(document.clone()),
        Boundary::None | Boundary::Unknown(_) => None,
    };
    let (before, after) = (known(&old.boundary), known(&new.boundary));
    let found = compare(
        &layers(&old.identity, &before),
        &layers(&new.identity, &after),
        Kind::Identity,
        options,
    );
    match (&old.boundary, &new.boundary) {
        (Boundary::Unknown(own), Boundary::Unknown(other)) if own == other => {
            // the same cut on both sides: it can hide a difference, and make none
            match found.verdict {
                Verdict::Equivalent | Verdict::Undecided => found,
                Verdict::Narrowed => {
                    Comparison { exact: false, reason: Some(unknown(own)), ..found }
                }
                Verdict::Broadened | Verdict::Incomparable => undecided(own),
            }
        }
        // an unknown cut that is new takes away at most, as long as no known one is dropped for it
        (Boundary::None, Boundary::Unknown(own)) => match found.verdict {
            Verdict::Equivalent | Verdict::Narrowed => Comparison {
                verdict: Verdict::Narrowed,
                exact: false,
                reason: Some(unknown(own)),
                ..found
            },
            _ => undecided(own),
        },
        (Boundary::Unknown(own), _) | (_, Boundary::Unknown(own)) => {
            // nothing allowed afterwards is nothing gained, whatever the boundary was
            let nothing = new.identity.iter().all(|document| {
                document.statements.iter().all(|statement| statement.effect == Effect::Deny)
            });
            match nothing {
                true => Comparison {
                    verdict: Verdict::Narrowed,
                    exact: false,
                    gained: None,
                    lost: None,
                    gained_by: None,
                    lost_by: None,
                    reason: Some(unknown(own)),
                },
                false => undecided(own),
            }
        }
        _ => found,
    }
}

fn unknown(boundary: &str) -> Reason {
    let text = format!("the document of the permissions boundary `{boundary}` is not at hand");
    Reason { kind: ReasonKind::Boundary, text }
}

fn undecided(boundary: &str) -> Comparison {
    Comparison {
        verdict: Verdict::Undecided,
        exact: false,
        gained: None,
        lost: None,
        gained_by: None,
        lost_by: None,
        reason: Some(unknown(boundary)),
    }
}

/// What `RestrictPublicBuckets` lets through of a public policy: the owner's account and services.
fn block(resource: &Resource) -> Option<Document> {
    let account = resource.restricted_to.as_ref()?;
    if !resource.policy.iter().any(is_public) {
        return None;
    }
    let own = Name::read("AWS", account, "aws");
    let services = Name::Other { kind: "Service".to_owned(), text: "*".to_owned() };
    let all = || Pattern { pieces: vec![Piece::Star] };
    let statement = Statement {
        label: "RestrictPublicBuckets".to_owned(),
        effect: Effect::Allow,
        principals: Some(Listed { not: false, items: vec![own, services] }),
        actions: Listed { not: false, items: vec![all()] },
        resources: Some(Listed { not: false, items: vec![all()] }),
        conditions: Vec::new(),
    };
    Some(Document { statements: vec![statement] })
}

/// The keys whose fixed value makes a grant to everyone not public. S3 User Guide, "The meaning of public".
const FIXING: [&str; 12] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
];

/// Whether S3 calls a bucket policy public: an Allow for everyone that no key with a fixed value bounds.
pub fn is_public(document: &Document) -> bool {
    document.statements.iter().any(|statement| {
        let everyone = statement
            .principals
            .as_ref()
            .is_some_and(|listed| listed.not || listed.items.contains(&Name::Everyone));
        statement.effect == Effect::Allow && everyone && !statement.conditions.iter().any(is_fixing)
    })
}

fn is_fixing(condition: &Condition) -> bool {
    let fixed = |pattern: &Pattern| {
        pattern.pieces.iter().all(|piece| matches!(piece, Piece::Text(_) | Piece::Token { .. }))
    };
    let positive = !condition.operator.negated
        && !condition.operator.if_exists
        && condition.operator.several.is_none()
        && matches!(
            condition.operator.test,
            Test::Equals | Test::Like | Test::IgnoreCase | Test::Arn | Test::IpAddress
        );
    positive && FIXING.contains(&condition.key.as_str()) && condition.values.iter().all(fixed)
}
