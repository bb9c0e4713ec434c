//! Roles and managed policies, and who a principal of the spec is in a policy.

use super::{Lowering, limit};
use crate::diagnostic::{self, Diagnostic};
use crate::document::Value;
use crate::graph::{Part, Resource};
use crate::lake::naming::logical_id;
use crate::lake::places::Location;
use crate::names::LogicalId;
use crate::policy::grant::{Grantee, Level};
use crate::policy::{Argument, Policy, Statement};
use crate::source::Span;
use crate::spec::reference::Principal;

/// The account of a principal that is another's, if it names one.
pub(super) fn account_of(principal: &Principal) -> Option<String> {
    match principal {
        Principal::Role { account, .. } | Principal::User { account, .. } => {
            account.as_ref().map(ToString::to_string)
        }
        Principal::Account(account) => Some(account.to_string()),
        _ => None,
    }
}

impl Lowering<'_> {
    /// A role of ours. It has a fixed name, since policies name it before it exists.
    pub(super) fn own_role(
        &mut self,
        id: LogicalId,
        part: Part,
        path: &str,
        name: &str,
        description: String,
        trust: Vec<Statement>,
    ) -> Resource {
        let what = format!("the trust policy of role `{name}`");
        let trust = self.policy(trust, limit::TRUST_POLICY, &what, Span::default(), path);
        let arn = self.lake.home.iam_arn(None, "role", name);
        let mut role = Resource::new(id, "AWS::IAM::Role", &self.lake.home.region, part, path);
        role.set("RoleName", name.to_owned())
            .set("Description", description)
            .set_policy("AssumeRolePolicyDocument", &trust);
        let environment = &self.lake.home.environment;
        role.caused(
            "PermissionsBoundary",
            format!("environments.{environment}.permissions_boundary"),
        );
        if let Some(boundary) = self.lake.home.boundary_arn() {
            role.set("PermissionsBoundary", boundary);
        }
        role.knows("Ref", name).knows("Arn", arn);
        role
    }

    /// Attaches statements as managed policies, as few as they fit into, to what `to` names: the
    /// property (`Roles`, `Users`) and its value. CloudFormation names them: nobody refers to them.
    #[expect(clippy::too_many_arguments, reason = "each says where one resource of many belongs")]
    pub(super) fn managed_policies(
        &mut self,
        prefix: &str,
        names: &[&str],
        part: Part,
        path: &str,
        to: (&'static str, Value),
        statements: Vec<Statement>,
        span: Span,
    ) {
        let policies =
            Policy::split(statements, limit::MANAGED_POLICY, limit::MANAGED_POLICIES_OF_A_ROLE);
        let policies = match policies {
            Ok(policies) => policies,
            Err(error) => {
                let headline = format!("the policies of `{path}` do not fit: {error}");
                self.diagnostics
                    .push(Diagnostic::error(diagnostic::LW0501, span, headline).at(path).help(
                    "name whole buckets or databases instead of many of their parts, or divide it",
                ));
                return;
            }
        };
        for (at, policy) in policies.into_iter().enumerate() {
            let prefix = if at == 0 { prefix.to_owned() } else { format!("{prefix}{}x", at + 1) };
            let id = logical_id(&prefix, names);
            let mut resource =
                Resource::new(id, "AWS::IAM::ManagedPolicy", &self.lake.home.region, part, path);
            resource
                .set(
                    "Description",
                    format!("What {path} of lake {} needs", self.lake.naming.lake_id()),
                )
                .set_policy("PolicyDocument", &policy)
                .set(to.0, Value::List(vec![to.1.clone()]));
            if !self.flow.is_empty() {
                resource.caused(to.0, self.flow.clone());
            }
            self.graph.add(resource);
        }
    }

    /// What a role of this account needs for a level of access to objects: its own half is returned,
    /// the key's half is asked of the key.
    pub(super) fn own_access(
        &mut self,
        role_arn: &str,
        level: Level,
        location: &Location,
    ) -> Vec<Statement> {
        let halves = level.halves();
        let bucket = self.bucket(location);
        let arn = self.bucket_arn(&bucket.bucket_name);
        let mut arguments: Vec<(&str, Argument)> = vec![
            ("bucket", (&arn).into()),
            ("prefix", vec![location.prefix.clone()].into()),
            ("buckets", vec![arn].into()),
        ];
        let mut statements = Vec::new();
        if let Some(key) = bucket.key() {
            arguments.push(("key", vec![self.key_arn(key)].into()));
            for document in halves.identity_key {
                statements.extend(self.fill_here(document, &arguments));
            }
            let grantee = Grantee::Principals {
                partition: self.lake.home.partition.to_owned(),
                account: self.lake.home.account.to_string(),
                arns: vec![role_arn.to_owned()],
            };
            let mut asked = Vec::new();
            arguments.push(("grantee", grantee.into()));
            for document in halves.key {
                asked.extend(self.fill_here(document, &arguments));
            }
            let role = role_arn.rsplit('/').next().unwrap_or(role_arn);
            self.ask_key(key, &format!("{role} {}", bucket.name), asked);
        }
        for document in halves.identity {
            statements.extend(self.fill_here(document, &arguments));
        }
        statements
    }
}
