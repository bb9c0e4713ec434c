//! Roles that others take: the role with its trust here, and the half of whoever takes it.
//!
//! In: entries of `roles`. Out: a role each, in the stack of access; a policy on roles and users of the
//! account that take it; a handover for those of other accounts. What the role may do comes from `access`.
//! INVARIANT: who takes it is named in `assumed_by`, and a session is tagged or named after somebody only
//! where the spec says so.

use super::Lowering;
use super::access::{Handover, sid_words};
use crate::graph::Part;
use crate::lake::Role;
use crate::lake::naming::logical_id;
use crate::names::{LogicalId, Name};
use crate::policy::grant::Grantee;
use crate::policy::{Argument, Policy, Statement};
use crate::spec::decode::At;
use crate::spec::reference::Principal;
use crate::spec::roles::Assumer;

/// The logical id of a role that others take.
pub(super) fn role_id(name: &Name) -> LogicalId {
    logical_id("RoleShared", &[name.as_str()])
}

impl Lowering<'_> {
    pub(super) fn roles(&mut self) {
        let lake = self.lake;
        for role in lake.roles.values() {
            self.role(role);
            for (at, who) in role.assumed_by.iter().enumerate() {
                if let Assumer::Principal(principal) = &who.value {
                    let path = format!("{}.assumed_by[{at}]", role.path());
                    self.from(path, |lowering| lowering.assumer_half(role, who, principal));
                }
            }
        }
    }

    fn role(&mut self, role: &Role) {
        let path = role.path();
        let mut trust = Vec::new();
        for (at, who) in role.assumed_by.iter().enumerate() {
            let path = format!("{path}.assumed_by[{at}]");
            trust.extend(self.from(path, |lowering| lowering.trust(role, &who.value)));
        }
        let description = super::describe(
            &role.description,
            format!("Role {} of lake {}, taken by others", role.name, self.lake.naming.lake_id()),
        );
        let mut resource = self.own_role(
            role_id(&role.name),
            Part::Access,
            &path,
            &role.role_name,
            description,
            trust,
        );
        if let Some(boundary) = &role.boundary {
            resource.set_from("PermissionsBoundary", ".boundary", boundary.value.clone());
        }
        resource.set_from("MaxSessionDuration", ".max_session", role.max_session);
        self.graph.add(resource);
    }

    /// Who takes the role, and what they may say of the session.
    fn trust(&self, role: &Role, who: &Assumer) -> Vec<Statement> {
        let home = &self.lake.home;
        let tags: Vec<String> = role.session_tags.iter().map(|at| at.value.0.clone()).collect();
        let audience = || role.audience.iter().map(|at| at.value.0.clone()).collect::<Vec<_>>();
        match who {
            Assumer::Principal(principal) => {
                let Some(grantee) = self.assumer(principal) else { return Vec::new() };
                let mut arguments: Vec<(&str, Argument)> = vec![("grantee", grantee.into())];
                let mut statements = Vec::new();
                if !tags.is_empty() {
                    let mut tagging = arguments.clone();
                    tagging.push(("tags", tags.into()));
                    statements.extend(self.fill_here("trust-tag-session", &tagging));
                }
                if role.source_identity.as_ref().is_some_and(|at| at.value) {
                    statements.extend(self.fill_here("trust-source-identity", &arguments));
                }
                if let Some(id) = self.lake.external_id(role, principal) {
                    arguments.push(("external_id", id.into()));
                }
                statements.extend(self.fill_here("trust-account", &arguments));
                statements
            }
            Assumer::Oidc(provider) => {
                let arn = home.iam_arn(None, "oidc-provider", provider);
                let subject: Vec<String> =
                    role.subject.iter().map(|at| at.value.0.clone()).collect();
                if subject.is_empty() || role.audience.is_empty() {
                    // Refused by the check of roles.
                    return Vec::new();
                }
                let mut statements = self.fill_here(
                    "trust-oidc",
                    &[
                        ("provider", provider.into()),
                        ("provider_arn", (&arn).into()),
                        ("audience", audience().into()),
                        ("subject", subject.into()),
                    ],
                );
                if !tags.is_empty() {
                    statements.extend(self.fill_here(
                        "trust-oidc-tag-session",
                        &[("provider_arn", arn.into()), ("tags", tags.into())],
                    ));
                }
                statements
            }
            Assumer::Saml(provider) => {
                let arn = home.iam_arn(None, "saml-provider", provider);
                let audience = match role.audience.is_empty() {
                    true => vec![sign_in(home.partition)],
                    false => audience(),
                };
                let mut statements = self.fill_here(
                    "trust-saml",
                    &[("provider_arn", (&arn).into()), ("audience", audience.into())],
                );
                if !tags.is_empty() {
                    statements.extend(self.fill_here(
                        "trust-saml-tag-session",
                        &[("provider_arn", arn.into()), ("tags", tags.into())],
                    ));
                }
                statements
            }
        }
    }

    /// How a trust policy names somebody: as bucket policies do, roles and users of this account too.
    fn assumer(&self, principal: &Principal) -> Option<Grantee> {
        let home = &self.lake.home;
        let own = |kind: &str, name: &str| Grantee::Principals {
            partition: home.partition.to_owned(),
            account: home.account.to_string(),
            arns: vec![home.iam_arn(None, kind, name)],
        };
        match principal {
            Principal::Role { account: None, name } => Some(own("role", name)),
            Principal::User { account: None, name } => Some(own("user", name)),
            Principal::Account(account) if self.lake.is_own(account) => Some(Grantee::Account {
                partition: home.partition.to_owned(),
                account: account.to_string(),
                org_id: None,
            }),
            other => self.grantee(other),
        }
    }

    /// The half of whoever takes the role: attached to roles and users of this account, handed over to
    /// others.
    fn assumer_half(&mut self, role: &Role, who: &At<Assumer>, principal: &Principal) {
        let arn = self.lake.home.iam_arn(None, "role", &role.role_name);
        let roles = || ("roles", Argument::from(vec![arn.clone()]));
        let tags: Vec<String> = role.session_tags.iter().map(|at| at.value.0.clone()).collect();
        let mut statements = Vec::new();
        if !tags.is_empty() {
            let arguments = [roles(), ("tags", tags.into())];
            statements.extend(self.fill_here("sts-tag-session", &arguments));
        }
        if role.source_identity.as_ref().is_some_and(|at| at.value) {
            statements.extend(self.fill_here("sts-source-identity", &[roles()]));
        }
        let mut arguments = vec![roles()];
        if let Some(id) = self.lake.external_id(role, principal) {
            arguments.push(("external_id", id.into()));
        }
        statements.extend(self.fill_here("sts-assume-role", &arguments));
        let (property, name) = match principal {
            Principal::Role { name, .. } if self.lake.is_own_principal(principal) => {
                ("Roles", name)
            }
            Principal::User { name, .. } if self.lake.is_own_principal(principal) => {
                ("Users", name)
            }
            Principal::Account(account) if self.lake.is_own(account) => return,
            _ => {
                self.handovers.push(Handover {
                    access: role.path(),
                    to: principal.to_string(),
                    what: None,
                    policy: Policy::new(statements).to_value(),
                });
                return;
            }
        };
        let bare = name.rsplit('/').next().unwrap_or(name).to_owned();
        let words = [role.name.to_string(), sid_words(&principal.to_string())];
        let names: Vec<&str> = words.iter().map(String::as_str).collect();
        self.managed_policies(
            "PolicyAssume",
            &names,
            Part::Access,
            &role.path(),
            (property, bare.into()),
            statements,
            who.span,
        );
    }
}

/// Where assertions for AWS go by default (IAM User Guide, "Configure SAML assertions for the authentication
/// response", Audience; the endpoints of other partitions: AWS General Reference, "AWS sign-in endpoints").
fn sign_in(partition: &str) -> String {
    match partition {
        "aws-cn" => "https://signin.amazonaws.cn/saml",
        "aws-us-gov" => "https://signin.amazonaws-us-gov.com/saml",
        _ => "https://signin.aws.amazon.com/saml",
    }
    .to_owned()
}
