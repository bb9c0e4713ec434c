//! Nothing is given to strangers (LW0401).
//!
//! Which accounts an organization has is not in a spec, so an account is known when an environment of
//! the spec stands in it, when it manages the organization, or when `organization.trusted` names it
//! with a reason.

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::names::AccountId;
use crate::source::Span;
use crate::spec::reference::Principal;
use crate::spec::roles::Assumer;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for access in lake.access.values() {
        for (at, who) in access.who.iter().enumerate() {
            let path = format!("{}.who[{at}]", access.path());
            stranger(lake, &who.value, who.span, "is given access", path, found);
        }
    }
    for role in lake.roles.values() {
        for (at, who) in role.assumed_by.iter().enumerate() {
            if let Assumer::Principal(principal) = &who.value {
                let path = format!("{}.assumed_by[{at}]", role.path());
                let what = format!("takes role `{}`", role.name);
                stranger(lake, principal, who.span, &what, path, found);
            }
        }
    }
}

fn stranger(
    lake: &Lake,
    who: &Principal,
    span: Span,
    what: &str,
    path: String,
    found: &mut Diagnostics,
) {
    let Some(account) = who.account().filter(|account| !known(lake, account)) else { return };
    let headline = format!("`{who}` {what}, and account {account} is not trusted");
    let diagnostic = Diagnostic::error(diagnostic::LW0401, span, super::headline_of(headline))
        .label("neither an account of the lake nor trusted")
        .at(path);
    let entry = format!("\"{account}\": WHY");
    found.push(match &lake.organization {
        Some(organization) => diagnostic
            .also(organization.id.span, "the organization that the lake trusts")
            .help(format!("say why it is trusted: `trusted: {{ {entry} }}` in `organization`")),
        None => diagnostic.help(format!(
            "say why it is trusted: `organization: {{ id: o-..., trusted: {{ {entry} }} }}`"
        )),
    });
}

fn known(lake: &Lake, account: &AccountId) -> bool {
    lake.family.contains(account)
        || lake.organization.as_ref().is_some_and(|organization| {
            organization.trusted.contains_key(account)
                || organization.management_account.as_ref().is_some_and(|at| at.value == *account)
        })
}
