//! Rules over trust policies: who assumes a role.

use super::Finding;
use super::ground::{Attached, Ground, Said};
use super::table::of;
use crate::diagnostic as codes;
use crate::verdict::Name;

/// Accounts that a statement names.
pub(super) fn accounts(said: &Said<'_>) -> Vec<String> {
    let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
    let account = |name: &Name| match name {
        Name::Account { account, .. }
        | Name::Role { account, .. }
        | Name::User { account, .. }
        | Name::Session { account, .. } => Some(account.clone()),
        _ => None,
    };
    let mut all: Vec<String> = items.iter().filter_map(account).collect();
    all.sort();
    all.dedup();
    all
}

/// The keys by which a statement keeps to one's own organization.
pub(super) const ORGANIZATION: [&str; 2] = ["aws:principalorgid", "aws:principalorgpaths"];

pub(super) fn external_id(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Trust) {
        if said.of("assume").is_empty()
            || said.bound(&["sts:externalid"]).is_some()
            || said.bound(&ORGANIZATION).is_some()
        {
            continue;
        }
        let family = &ground.around.family;
        for account in accounts(said) {
            if account == said.account || family.contains(&account) {
                continue;
            }
            let message = format!("account {account} assumes it without an external id");
            let help = "demand an external id (`sts:ExternalId`), or the organization (`aws:PrincipalOrgID`)";
            found.push(said.finding(of(codes::LW0474), message, help));
        }
    }
}

pub(super) fn session(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    // what fixes the tags or the identity that a session may be given
    let fixing = ["aws:requesttag/*", "aws:tagkeys", "sts:sourceidentity", "sts:transitivetagkeys"];
    // a source identity is for CloudTrail; it is a lock only where a policy tests it
    let tested = ground.said.iter().any(|said| {
        let mut keys = said.statement.conditions.iter().map(|condition| condition.key.as_str());
        keys.any(|key| key == "aws:sourceidentity")
    });
    for said in ground.allows(Attached::Trust) {
        let mut free = said.of("session");
        free.retain(|action| tested || !action.ends_with("SourceIdentity"));
        if free.is_empty() || said.bound(&fixing).is_some() {
            continue;
        }
        let message = format!("{} without a condition on what is set", free.join(", "));
        let help = "name the tags (`aws:RequestTag/KEY`, `aws:TagKeys`) or the identity (`sts:SourceIdentity`), or take it away";
        found.push(said.finding(of(codes::LW0466), message, help));
    }
}

pub(super) fn federated(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Trust) {
        let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        let federated = |name: &Name| match name {
            Name::Other { kind, text } if kind == "Federated" => Some(text.clone()),
            _ => None,
        };
        let providers: Vec<String> = items.iter().filter_map(federated).collect();
        if providers.is_empty() {
            continue;
        }
        if !said.of("assume_web").is_empty() {
            let exact = said.statement.conditions.iter().any(|condition| {
                let whole = |text: &str| !text.contains(['*', '?']);
                condition.key.ends_with(":sub")
                    && !condition.operator.negated
                    && !condition.operator.of_missing()
                    && !condition.written.to_ascii_lowercase().contains("null")
                    && condition.values.iter().all(|value| whole(&value.shown()))
            });
            if !exact {
                let message =
                    format!("any subject of {} that its conditions leave", providers.join(", "));
                let help = "test `PROVIDER:sub` with StringEquals and the whole subject, and `PROVIDER:aud`";
                found.push(said.finding(of(codes::LW0467), message, help));
            }
        } else if !said.of("assume_saml").is_empty() && said.bound(&["saml:aud"]).is_none() {
            let message =
                format!("an assertion of {} made for any recipient", providers.join(", "));
            let help = "test `SAML:aud` with StringEquals";
            found.push(said.finding(of(codes::LW0467), message, help));
        }
    }
}
