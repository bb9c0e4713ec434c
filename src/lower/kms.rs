//! Keys, their aliases and policies.

use super::{Lowering, describe, key_id};
use crate::graph::{self, Part, Resource};
use crate::lake::Key;
use crate::policy::{Argument, Statement, limit};
use crate::spec::reference::Principal;

impl Lowering<'_> {
    /// Every key of ours, with what flows have asked of its policy.
    pub(super) fn keys(&mut self) {
        let lake = self.lake;
        for key in lake.keys.values().filter(|key| key.existing.is_none()) {
            self.own_key(key);
        }
    }

    fn own_key(&mut self, key: &Key) {
        let id = key_id(&key.name);
        let region = &self.lake.home.region;
        let mut statements = self.administration(key);
        statements.extend(self.keys.remove(&key.name).unwrap_or_default());
        let what = format!("the policy of key `{}`", key.name);
        let document = self.policy(statements, limit::KEY_POLICY, &what, key.span, &key.path());
        let mut resource =
            Resource::new(id.clone(), "AWS::KMS::Key", region, Part::Storage, key.path());
        resource.set_from(
            "Description",
            ".description",
            describe(
                &key.description,
                format!("Lake {}: key {}", self.lake.naming.lake_id(), key.name),
            ),
        );
        resource.set("EnableKeyRotation", key.rotation_days.is_some());
        if key.of.is_none() {
            resource.caused("EnableKeyRotation", ".rotation");
            resource.caused("RotationPeriodInDays", ".rotation");
            resource.caused("PendingWindowInDays", ".deletion_window");
        }
        if let Some(days) = key.rotation_days {
            resource.set("RotationPeriodInDays", days);
        }
        resource.set("PendingWindowInDays", key.deletion_window_days);
        resource.set_policy("KeyPolicy", &document);
        resource.keep = key.protect;
        self.graph.add(resource);

        let name = self.lake.naming.generation(key.name.as_str(), key.generation);
        let mut alias = self.resource(
            "AWS::KMS::Alias",
            "AliasKey",
            &[key.name.as_str()],
            Part::Storage,
            &key.path(),
        );
        if key.of.is_none() {
            alias.caused("AliasName", ".generation");
        }
        alias.set("AliasName", format!("alias/{name}")).set("TargetKeyId", graph::reference(&id));
        self.graph.add(alias);
    }

    /// The account's root for administration through IAM, and the admins that the spec names.
    pub(super) fn administration(&self, key: &Key) -> Vec<Statement> {
        let mut statements = self.key_guards(key);
        statements.extend(self.fill_here("key-root", &[]));
        let admins: Vec<String> = key
            .admins
            .iter()
            .filter_map(|admin| match &admin.value {
                Principal::Role { account, name } => {
                    Some(self.lake.home.iam_arn(account.as_ref(), "role", name))
                }
                Principal::User { account, name } => {
                    Some(self.lake.home.iam_arn(account.as_ref(), "user", name))
                }
                // Reported by the check of principals.
                _ => None,
            })
            .collect();
        if !admins.is_empty() {
            let admins: Argument = admins.into();
            let from = format!("{}.admins", key.path());
            let named = self.fill_here("key-admin", &[("admins", admins)]);
            statements.extend(named.into_iter().map(|statement| statement.from(&from)));
        }
        statements
    }

    /// The copy of a key in another region, for the copy of a bucket.
    pub(super) fn replica_key(
        &mut self,
        bucket: &crate::lake::Bucket,
        replica: &crate::lake::places::Replica,
        statements: Vec<Statement>,
    ) -> crate::names::LogicalId {
        let names = [bucket.name.as_str(), replica.region.as_str()];
        let id = crate::lake::naming::logical_id("KeyReplicaBucket", &names);
        let mut all = match bucket.key().and_then(|key| self.lake.keys.get(key)) {
            Some(key) => self.administration(key),
            None => self.fill_here("key-root", &[]),
        };
        all.extend(statements);
        let path = format!("{}.replicate", bucket.path());
        let what = format!("the policy of the key of `{}`", replica.bucket_name);
        let document = self.policy(all, limit::KEY_POLICY, &what, replica.span, &path);
        let mut resource = Resource::new(
            id.clone(),
            "AWS::KMS::Key",
            &replica.region,
            Part::Storage,
            path.clone(),
        );
        resource
            .set(
                "Description",
                format!("Lake {}: copy of bucket {}", self.lake.naming.lake_id(), bucket.name),
            )
            .set("EnableKeyRotation", true)
            .set("RotationPeriodInDays", 365)
            .set("PendingWindowInDays", 30)
            .set_policy("KeyPolicy", &document);
        resource.keep = bucket.protect;
        self.graph.add(resource);
        let alias_id = crate::lake::naming::logical_id("AliasKeyReplicaBucket", &names);
        let mut alias =
            Resource::new(alias_id, "AWS::KMS::Alias", &replica.region, Part::Storage, path);
        alias
            .set("AliasName", format!("alias/{}", replica.bucket_name))
            .set("TargetKeyId", graph::reference(&id));
        self.graph.add(alias);
        id
    }
}
