//! What is asked of a resource: who may use it by its own policy, and what its public access block keeps out.
//!
//! In: its name and both states. Out: a row, or none where there is nothing to ask. A bucket's policy counts under
//! `RestrictPublicBuckets`; beside what identity policies of its account may allow, so that a Deny that goes shows.

use super::compare::{Cause, Layer, Presence, Row, presence};
use super::decide::in_request;
use super::named::over_open_names;
use super::rows::{ALL, Documents, malformed, on, same};
use super::state::{Guarded, Held, Origin, PublicAccess, State};
use crate::document::Value;
use crate::verdict::effective::{of_account, within};
use crate::verdict::public::{Publicity, left_of_public, publicity, unclear};
use crate::verdict::{
    Comparison, Document, Kind, Options, Reason, ReasonKind, Request, Requester, Standing, Verdict,
};

/// Whether identity policies of the account count beside a resource's own policy. For a key they count where the key
/// policy says so, as for a role's trust. KMS developer guide, "Key policies in AWS KMS".
fn identity_counts(kind: &str) -> bool {
    kind != "AWS::KMS::Key"
}

/// Whether the policy is one document, which whoever writes it replaces as a whole. A function's is made of permissions.
fn is_one_document(kind: &str) -> bool {
    kind != "AWS::Lambda::Function"
}

/// Whether there are documents that differ.
fn are_several(held: &[&Held]) -> bool {
    held.windows(2).any(|two| two[0].document != two[1].document)
}

/// The policy that a topic has when nobody writes one: whoever belongs to the account
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html>).
fn topic_by_default(account: &str) -> Option<Document> {
    let actions = [
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    ];
    let actions: Value = actions.iter().map(|name| format!("sns:{name}")).collect();
    let policy = crate::document!({
        "Statement": [{
            "Effect": "Allow",
            "Principal": "*",
            "Action": actions,
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": (account.to_owned())}}
        }]
    });
    Document::read(&policy, Kind::Resource).ok()
}

/// Who may use a resource, by its own policy.
pub(super) fn resource(name: &str, old: &State, new: &State, options: &Options) -> Option<Row> {
    let (before, after) = (old.resources.get(name), new.resources.get(name));
    fn held(one: Option<&Guarded>) -> Vec<&Held> {
        one.iter().flat_map(|one| &one.policies).collect()
    }
    let (own, others) = (held(before), held(after));
    if own.is_empty() && others.is_empty() {
        return None;
    }
    let shown = after.or(before)?;
    let there = presence(before.is_some(), after.is_some());
    let origin = guarded_origin(after, before);
    let mut row = Row::same(name, &shown.kind, Layer::Resource, there, origin);
    let restricts = |one: Option<&Guarded>| one.is_some_and(is_restricted);
    if same(&own, &others) && restricts(before) == restricts(after) {
        return Some(row);
    }
    if is_one_document(&shown.kind) && [&own, &others].iter().any(|held| are_several(held)) {
        let text = "several resources write this policy, and the last one that is written stands";
        let reason = Reason { kind: ReasonKind::Undocumented, text: text.to_owned() };
        row.comparison = Comparison::unknown(reason);
        return Some(row);
    }
    let read =
        || Ok((Documents::read(own, Kind::Resource)?, Documents::read(others, Kind::Resource)?));
    let (own, mut others) = match read() {
        Ok(read) => read,
        Err(error) => {
            row.comparison = malformed(error);
            return Some(row);
        }
    };
    let (account, partition) = (&shown.account, shown.partition);
    // A resource that comes or goes with its policy: nobody could use it on the other side. One that is not made by
    // these templates is on both, and one that is kept stays when they let go of it.
    let elsewhere = |one: Option<&Guarded>| one.is_some_and(|one| one.origin.is_none());
    let was_there = before.is_some() || (elsewhere(after) && !is_made(new, name));
    let is_there =
        after.is_some() || elsewhere(before) || before.is_some_and(|before| before.outlives_policy);
    let stays = was_there && is_there;
    if stays && others.documents.is_empty() && shown.kind == "AWS::SNS::Topic" {
        others.documents.extend(topic_by_default(account));
    }
    // beside what identity policies of the account allow: what is direct, and what is denied, shows
    let beside = (identity_counts(&shown.kind) && stays).then(|| of_account(account, partition));
    let with = |documents: &[Document]| -> Vec<Document> {
        documents.iter().chain(&beside).cloned().collect()
    };
    let (was, is) = (with(&own.documents), with(&others.documents));
    let left = [left_of_public(account, partition)];
    let public = |one: Option<&Guarded>, documents: &[Document]| match restricts(one) {
        true => publicity(documents),
        false => Publicity::NotPublic,
    };
    let (public, new_public) = (public(before, &own.documents), public(after, &others.documents));
    let cut = |is_public: bool| if is_public { &left[..] } else { ALL };
    let ask_of = |was: &[Document], is: &[Document], wall: &[Document], new_wall: &[Document]| {
        let (mut before, mut after) = (vec![was], vec![is]);
        before.extend(Some(wall).filter(|wall| !wall.is_empty()));
        after.extend(Some(new_wall).filter(|wall| !wall.is_empty()));
        within(&before, &after, Kind::Resource, options)
    };
    let (wall, new_wall, mut found) =
        public_or_not(&public, &new_public, |was_public, is_public| {
            let (wall, new_wall) = (cut(was_public), cut(is_public));
            (wall, new_wall, ask_of(&was, &is, wall, new_wall))
        });
    found = over_open_names(found, [&was, &is], (partition, account), |was, is| {
        ask_of(was, is, wall, new_wall)
    });
    let here = |request: Request, old: [&[Document]; 2], new: [&[Document]; 2]| {
        let name = in_request(name);
        let within = request.resource.as_ref().is_some_and(|one| one.starts_with(&*name));
        if within { request } else { on(request, name.into_owned(), &old, &new) }
    };
    let before = [&*was, wall];
    let after = [&*is, new_wall];
    found.gained = found.gained.map(|request| here(request, before, after));
    found.lost = found.lost.map(|request| here(request, after, before));
    row.also_gained = others.further(&found.also_gained, |one| here(one, before, after));
    row.also_lost = own.further(&found.also_lost, |one| here(one, after, before));
    row.gained_by = others.cause(found.gained_by);
    row.lost_by = own.cause(found.lost_by);
    row.comparison = found;
    Some(row)
}

/// What is found if each policy is public or not, where S3's page leaves that open: what all answers have in common.
fn public_or_not<W>(
    old: &Publicity,
    new: &Publicity,
    ask: impl Fn(bool, bool) -> (W, W, Comparison),
) -> (W, W, Comparison) {
    let answers = |one: &Publicity| match one {
        Publicity::Public => vec![true],
        Publicity::NotPublic => vec![false],
        Publicity::Unclear(_) => vec![false, true],
    };
    // the same condition is read in the same way on both sides
    let alike = |was: bool, is: bool| {
        let same = matches!((old, new), (Publicity::Unclear(a), Publicity::Unclear(b)) if a == b);
        !same || was == is
    };
    let (was, is) = (answers(old), answers(new));
    let all = was.iter().flat_map(|was| is.iter().map(|is| (*was, *is)));
    let mut found: Vec<_> =
        all.filter(|(was, is)| alike(*was, *is)).map(|(was, is)| ask(was, is)).collect();
    let (wall, new_wall, first) = found.swap_remove(0);
    if found.iter().all(|(.., other)| other.verdict == first.verdict) {
        return (wall, new_wall, first);
    }
    let condition = [old, new].into_iter().find_map(|one| match one {
        Publicity::Unclear(condition) => Some(condition.as_str()),
        _ => None,
    });
    let text = unclear(condition.unwrap_or_default());
    let reason = Reason { kind: ReasonKind::Undocumented, text };
    let quiet = |verdict| matches!(verdict, Verdict::Equivalent | Verdict::Narrowed);
    let is_quiet = quiet(first.verdict) && found.iter().all(|(.., other)| quiet(other.verdict));
    let common = match is_quiet {
        true => Comparison {
            verdict: Verdict::Narrowed,
            exact: false,
            reason: Some(reason),
            ..Comparison::equal()
        },
        false => Comparison::unknown(reason),
    };
    (wall, new_wall, common)
}

/// Whether a name is the reference to a resource of these templates, which has no other name before it is made.
fn is_made(state: &State, name: &str) -> bool {
    let value = if name.starts_with('{') { Value::from_json(name).ok() } else { None };
    let id = value.as_ref().and_then(|value| value.get("Ref").or(value.at(&["Fn::GetAtt", "0"])));
    id.and_then(Value::as_str).is_some_and(|id| state.references.contains_key(id))
}

fn guarded_origin(new: Option<&Guarded>, old: Option<&Guarded>) -> Option<Origin> {
    let own = |one: Option<&Guarded>| {
        let one = one?;
        one.origin.clone().or_else(|| one.policies.first().map(|held| held.origin.clone()))
    };
    own(new).or_else(|| own(old))
}

/// Whether the settings restrict public policies. A bucket that is made without any has all four on
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-bucket.html>), and a template
/// that takes them away turns them off; which of the two it was is not known, so the block counts as off.
fn is_restricted(one: &Guarded) -> bool {
    one.public_access.is_some_and(|block| block.restrict)
}

/// What a public access block keeps out, where it is not the same on both sides.
pub(super) fn public_access(name: &str, old: &State, new: &State) -> Option<Row> {
    let (before, after) = (old.resources.get(name), new.resources.get(name));
    let shown = after.or(before)?;
    if shown.kind != "AWS::S3::Bucket" {
        return None;
    }
    // A bucket that is new is made with all four on; one that goes is no more.
    let on =
        PublicAccess { block_acls: true, ignore_acls: true, block_policy: true, restrict: true };
    let (was, is) = match (before, after) {
        (Some(before), Some(after)) => {
            (before.public_access.unwrap_or_default(), after.public_access.unwrap_or_default())
        }
        (None, Some(after)) => (on, after.public_access.unwrap_or(on)),
        _ => return None,
    };
    let settings = |block: PublicAccess| {
        [
            ("RestrictPublicBuckets", block.restrict, READ),
            ("IgnorePublicAcls", block.ignore_acls, READ),
            ("BlockPublicPolicy", block.block_policy, SET_POLICY),
            ("BlockPublicAcls", block.block_acls, SET_ACL),
        ]
    };
    let differ = |on: PublicAccess, off: PublicAccess| {
        let both = settings(on).into_iter().zip(settings(off));
        both.filter(|(on, off)| on.1 && !off.1).map(|(on, _)| (on.0, on.2)).collect::<Vec<_>>()
    };
    let (opened, closed) = (differ(was, is), differ(is, was));
    if opened.is_empty() && closed.is_empty() {
        return None;
    }
    let request = |list: &[(&str, (&str, &str))]| {
        let (_, (action, behind)) = list.first()?;
        let account = &shown.account;
        let root = format!("arn:{}:iam::{account}:root", shown.partition);
        let principal = match behind.is_empty() {
            true => Requester::read("AWS", &root),
            false => Requester::Anonymous,
        };
        Some(Request {
            principal: Some(principal),
            action: format!("s3:{action}"),
            resource: Some(format!("{name}{behind}")),
            context: Default::default(),
            standing: Standing::default(),
            tokens: Vec::new(),
        })
    };
    let verdict = match (opened.is_empty(), closed.is_empty()) {
        (false, true) => Verdict::Broadened,
        (true, _) => Verdict::Narrowed,
        (false, false) => Verdict::Incomparable,
    };
    let comparison = Comparison {
        verdict,
        gained: request(&opened),
        lost: request(&closed),
        ..Comparison::equal()
    };
    let cause = |list: &[(&str, _)], one: Option<&Guarded>| {
        let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
        let property = format!("PublicAccessBlockConfiguration ({})", names.join(", "));
        let origin = one.and_then(|one| one.origin.clone()).unwrap_or_default();
        (!list.is_empty()).then_some(Cause { origin, property, statement: String::new() })
    };
    let given = if opened.is_empty() { Vec::new() } else { vec![GIVEN.to_owned()] };
    let origin = guarded_origin(after, before);
    Some(Row {
        comparison,
        gained_by: cause(&opened, after),
        lost_by: cause(&closed, after),
        given,
        ..Row::same(name, &shown.kind, Layer::PublicAccess, Presence::Both, origin)
    })
}

/// A setting of who owns the objects of a bucket that lets access control lists count again. A bucket that is made
/// without it has them turned off, and a template that takes it away turns them on
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>).
pub(super) fn ownership(name: &str, old: &State, new: &State) -> Option<Row> {
    let (before, after) = (old.resources.get(name), new.resources.get(name)?);
    let was = before.and_then(|one| one.ownership.as_ref());
    let is_off = |value: &Value| value.to_json().contains("BucketOwnerEnforced\"");
    let what = match (was, &after.ownership) {
        (was, Some(is)) if is_off(is) || was == Some(is) => return None,
        (None, None) => return None,
        (Some(was), None) if !is_off(was) => return None,
        (None, Some(_)) => "is new",
        (Some(_), None) => "goes",
        (Some(_), Some(_)) => "changes",
    };
    let kind = &after.kind;
    let text =
        format!("`OwnershipControls` of {kind} {what}, and access control lists are not modelled");
    let reason = Reason { kind: ReasonKind::Unmodelled, text };
    let there = presence(before.is_some(), true);
    let origin = guarded_origin(Some(after), before);
    Some(Row {
        comparison: Comparison::unknown(reason),
        ..Row::same(name, kind, Layer::Unmodelled, there, origin)
    })
}

/// What each setting keeps out, by the name of the action, and what stands behind the bucket's ARN.
const READ: (&str, &str) = ("GetObject", "/x");
const SET_POLICY: (&str, &str) = ("PutBucketPolicy", "");
const SET_ACL: (&str, &str) = ("PutBucketAcl", "");
const GIVEN: &str =
    "a bucket policy or an access control list that is public, on the bucket or its objects";
