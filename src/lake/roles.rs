//! Roles that the lake makes so that others can take them.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Lake;
use crate::names::{AccountId, Name};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;
use crate::spec::roles::{Assumer, Audience, ExternalId, Subject, TagKey};

/// An entry of `roles`.
#[derive(Debug, Clone)]
pub struct Role {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// What it is called in IAM.
    pub role_name: String,
    pub assumed_by: Vec<At<Assumer>>,
    pub external_id: Option<At<ExternalId>>,
    pub audience: Vec<At<Audience>>,
    pub subject: Vec<At<Subject>>,
    pub session_tags: Vec<At<TagKey>>,
    pub source_identity: Option<At<bool>>,
    /// The ARN of a boundary of its own, and where it is named.
    pub boundary: Option<At<String>>,
    /// Seconds.
    pub max_session: i64,
}

impl Role {
    /// The role's path in the spec.
    pub fn path(&self) -> String {
        format!("roles.{}", self.name)
    }

    /// Whom others name when they mean it.
    pub fn principal(&self) -> Principal {
        Principal::Role { account: None, name: self.role_name.clone() }
    }
}

impl Lake {
    /// The role of the lake that a principal is, if it is one that others take.
    pub fn declared_role(&self, who: &Principal) -> Option<&Role> {
        match who {
            Principal::Role { account, name }
                if account.as_ref().is_none_or(|account| self.is_own(account)) =>
            {
                self.roles.values().find(|role| role.role_name == *name)
            }
            _ => None,
        }
    }

    /// Whether somebody takes a role of the lake that a principal is, be it as another role, and so has what that is
    /// given.
    pub fn takes(&self, who: &Principal, role: &Principal) -> bool {
        let Some(role) = self.declared_role(role) else { return false };
        self.taken_by(who).iter().any(|way| way.last().is_some_and(|last| last.name == role.name))
    }

    /// Every role of the lake that somebody takes: the roles on the way, the one that is meant last. Who has taken one
    /// takes the next, if that names the first by what it is called in IAM.
    pub fn taken_by(&self, who: &Principal) -> Vec<Vec<&Role>> {
        let mut found: Vec<Vec<&Role>> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = 0;
        let mut asked = Some((who.clone(), Vec::new()));
        while let Some((from, way)) = asked {
            for role in self.roles.values().filter(|role| self.is_taken(role, &from)) {
                if seen.insert(&role.name) {
                    found.push(way.iter().copied().chain([role]).collect());
                }
            }
            asked = found.get(next).map(|way| {
                let last = way.last().expect("invariant: a way has a role");
                (last.principal(), way.clone())
            });
            next += 1;
        }
        found
    }

    /// Whether a role lets somebody take it. A provider of SAML vouches for all of its groups and users: which of them
    /// may take which role is said in its assertions, not in AWS.
    fn is_taken(&self, role: &Role, who: &Principal) -> bool {
        role.assumed_by.iter().any(|at| match &at.value {
            Assumer::Principal(assumer) => self.covers(assumer, who),
            Assumer::Saml(provider) => {
                matches!(who, Principal::Saml { provider: own, .. } if own == provider)
            }
            Assumer::Oidc(_) => false,
        })
    }

    /// Whether an account is one of the lake's family, or manages the organization: it cannot be mistaken
    /// for somebody else's customer.
    pub fn is_inside(&self, account: &AccountId) -> bool {
        self.family.contains(account)
            || self.organization.as_ref().is_some_and(|organization| {
                organization.management_account.as_ref().is_some_and(|at| at.value == *account)
            })
    }

    /// What somebody of another account has to send to take a role; `None` where nothing was asked for, or
    /// for what is no other account's. A generated one follows from lake, account, role and who it is, so
    /// that it stays, and no two have the same.
    pub fn external_id(&self, role: &Role, who: &Principal) -> Option<String> {
        who.account().filter(|account| !self.is_own(account))?;
        match &role.external_id.as_ref()?.value {
            ExternalId::Text(text) => Some(text.clone()),
            ExternalId::Generated => {
                let parts = [
                    self.home.partition,
                    self.home.account.as_str(),
                    role.role_name.as_str(),
                    &who.to_string(),
                ];
                let digest = Sha256::digest(parts.join("\n").as_bytes());
                let digits: String =
                    digest[..10].iter().map(|byte| format!("{byte:02x}")).collect();
                Some(format!("{}-{digits}", role.role_name))
            }
        }
    }
}
