//! Nothing is given to strangers (LW0401).
//!
//! Which accounts an organization has is not in a spec, so an account is known when an environment of
//! the spec stands in it, when it manages the organization, or when `organization.trusted` names it
//! with a reason.

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::names::AccountId;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for access in lake.access.values() {
        for (at, who) in access.who.iter().enumerate() {
            let Some(account) = who.value.account().filter(|account| !known(lake, account)) else {
                continue;
            };
            let headline = format!("`{who}` is given access, and account {account} is not trusted");
            let diagnostic = Diagnostic::error(diagnostic::LW0401, who.span, headline)
                .label("neither an account of the lake nor trusted")
                .at(format!("{}.who[{at}]", access.path()));
            let entry = format!("\"{account}\": WHY");
            found.push(match &lake.organization {
                Some(organization) => diagnostic
                    .also(organization.id.span, "the organization that the lake trusts")
                    .help(format!(
                        "say why it is trusted: `trusted: {{ {entry} }}` in `organization`"
                    )),
                None => diagnostic.help(format!(
                    "say why it is trusted: `organization: {{ id: o-..., trusted: {{ {entry} }} }}`"
                )),
            });
        }
    }
}

fn known(lake: &Lake, account: &AccountId) -> bool {
    lake.family.contains(account)
        || lake.organization.as_ref().is_some_and(|organization| {
            organization.trusted.contains_key(account)
                || organization.management_account.as_ref().is_some_and(|at| at.value == *account)
        })
}
