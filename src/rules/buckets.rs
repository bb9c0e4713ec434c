//! Rules over buckets: their public access block, transport, rights of other accounts, access logs.

use std::collections::BTreeSet;

use super::ground::{Attached, Ground, Said, about, some_of};
use super::table::of;
use super::{Finding, trust};
use crate::access::Guarded;
use crate::catalogue::watched;
use crate::diagnostic as codes;
use crate::verdict::Name;
use crate::verdict::read::Effect;

fn buckets<'g, 's>(ground: &'g Ground<'s>) -> impl Iterator<Item = (&'s String, &'s Guarded)> + 'g {
    ground.state.resources.iter().filter(|(_, one)| one.kind == "AWS::S3::Bucket")
}

pub(super) fn public_access_block(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for (name, one) in buckets(ground) {
        // a bucket that is made without any has all four
        let Some(block) = one.public_access else { continue };
        let settings = [
            ("BlockPublicAcls", block.block_acls),
            ("IgnorePublicAcls", block.ignore_acls),
            ("BlockPublicPolicy", block.block_policy),
            ("RestrictPublicBuckets", block.restrict),
        ];
        let off: Vec<&str> = settings.iter().filter(|(_, on)| !on).map(|(key, _)| *key).collect();
        if !off.is_empty() {
            let origin = one.origin.clone().unwrap_or_default();
            let message =
                format!("{} {} off", off.join(", "), if off.len() == 1 { "is" } else { "are" });
            let help = "set all four to true";
            found.push(about(of(codes::LW0473), (name, &one.kind), &origin, message, help));
        }
    }
}

pub(super) fn rights_of_others(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Resource).filter(|said| said.kind == "AWS::S3::Bucket") {
        let rights = said.of("bucket_rights");
        let others: Vec<String> =
            trust::accounts(said).into_iter().filter(|account| account != said.account).collect();
        if !rights.is_empty() && !others.is_empty() {
            let message = format!("account {} may {}", others.join(", "), some_of(&rights));
            let help = "name the actions on objects that it needs";
            found.push(said.finding(of(codes::LW0455), message, help).listing(&rights));
        }
    }
}

/// Whether the statements that a bucket's policy has for it refuse all requests without TLS, together.
fn refuses_plain(ground: &Ground<'_>, bucket: &str) -> bool {
    let refusing: Vec<&Said<'_>> = ground
        .policy_of(bucket)
        .iter()
        .filter(|said| {
            let listed = said.statement.principals.as_ref();
            let everyone =
                listed.is_some_and(|listed| !listed.not && listed.items.contains(&Name::Everyone));
            let plain = said.statement.conditions.as_slice();
            let only = matches!(plain, [one] if one.key == "aws:securetransport")
                && said.demands("aws:securetransport", "false");
            said.statement.effect == Effect::Deny && everyone && only
        })
        .collect();
    let objects = crate::access::in_request(bucket).into_owned() + "/*";
    ["read_object", "write_object"].iter().all(|set| {
        watched::set(set).actions.iter().any(|action| {
            refusing.iter().any(|said| {
                let listed = said.statement.resources.as_ref();
                let there = listed.is_some_and(|all| {
                    let mut shown = all.items.iter().map(|one| one.shown());
                    !all.not && shown.any(|one| one == objects || one == "*")
                });
                there && said.speaks_of(action)
            })
        })
    })
}

pub(super) fn transport(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for (name, one) in buckets(ground) {
        // a bucket that is only named has a policy that nobody read
        if one.origin.is_none() && one.policies.is_empty() {
            continue;
        }
        if !refuses_plain(ground, name) {
            let policy = one.policies.first().map(|held| &held.origin);
            let origin = one.origin.as_ref().or(policy).cloned().unwrap_or_default();
            let message = "no statement of its policy refuses requests without TLS";
            let help = "deny `s3:*` to everybody on the bucket and its objects where `aws:SecureTransport` is false";
            found.push(about(of(codes::LW0456), (name, &one.kind), &origin, message, help));
        }
    }
}

/// Who delivers access logs. S3 User Guide, "Enabling Amazon S3 server access logging"; CloudWatch Logs User Guide,
/// "Enable logging from AWS services".
const DELIVERY: [&str; 2] = ["logging.s3.amazonaws.com", "delivery.logs.amazonaws.com"];

fn is_delivery(name: &Name) -> bool {
    matches!(name, Name::Other { kind, text } if kind == "Service" && DELIVERY.contains(&text.as_str()))
}

pub(super) fn logs(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let rule = of(codes::LW0457);
    let of_delivery = |said: &&Said<'_>| {
        let listed = said.statement.principals.as_ref();
        said.statement.effect == Effect::Allow
            && listed.is_some_and(|listed| listed.items.iter().any(is_delivery))
    };
    // where a bucket says that its logs go, and where a policy lets delivery in
    let logging = || ground.state.transfers.iter().filter(|one| one.role.is_none());
    let let_in = ground.allows(Attached::Resource).filter(of_delivery);
    let let_in = let_in.filter(|said| said.kind == "AWS::S3::Bucket").map(|said| said.holder);
    let all: BTreeSet<&str> = logging().map(|one| one.to.as_str()).chain(let_in).collect();
    for bucket in all {
        for one in logging().filter(|one| one.to == bucket && one.from == bucket) {
            let message =
                "the bucket's own access logs are delivered into it: each log makes the next";
            let help = "log it elsewhere, or not at all";
            found.push(about(rule, (bucket, "AWS::S3::Bucket"), &one.origin, message, help));
        }
        let logs_itself = logging().any(|one| one.to == bucket && one.from == bucket);
        for said in ground.policy_of(bucket).iter().filter(of_delivery).filter(|_| !logs_itself) {
            let itself = said.bound(&["aws:sourcearn"]).is_some_and(|condition| {
                condition
                    .values
                    .iter()
                    .any(|value| value.shown() == *crate::access::in_request(bucket))
            });
            if itself {
                let message = "log delivery is let in for the bucket's own access logs: each log makes the next";
                found.push(said.finding(rule, message, "log it elsewhere, or not at all"));
            }
        }
        let others = ground
            .policy_of(bucket)
            .iter()
            .filter(|said| said.statement.effect == Effect::Allow && !of_delivery(said));
        for said in others {
            let mut touched = said.of("write_object");
            touched.extend(said.of("delete_object"));
            if !touched.is_empty() {
                let message = format!("its policy lets others {}", some_of(&touched));
                let told = said.finding(rule, message, "leave it to log delivery alone");
                found.push(told.listing(&touched));
            }
        }
        let place = format!("{bucket}/");
        for (name, who) in &ground.state.principals {
            if who.kind == crate::access::PrincipalKind::Group {
                continue;
            }
            let reached = ["write_object", "delete_object"]
                .iter()
                .find_map(|set| ground.reaches(name, set, bucket, &place));
            if let Some(action) = reached {
                let origin = who.origin.clone();
                let origin =
                    origin.or_else(|| who.identity.first().map(|held| held.origin.clone()));
                let message =
                    format!("may {action} in the bucket that access logs are delivered to");
                let help = "keep the log bucket out of what it reaches";
                let kind = who.kind.as_str();
                let told = about(rule, (name, kind), &origin.unwrap_or_default(), message, help);
                found.push(told.on(bucket));
            }
        }
    }
}
