//! Who is kept out of a bucket, whoever lets them in: exclusive writers and deny lists.
//!
//! In: the guards of a bucket, and the flows that write into it. Out: statements of its policy, and of that
//! of its copy. INVARIANT: the roles of flows that the spec declares are always among the writers; nothing
//! but objects and their names is denied, so that who administers a bucket keeps that.

use std::collections::BTreeSet;

use super::{Lowering, kinesis};
use crate::document::Value;
use crate::lake::places::{Guard, Location, Place, Replica};
use crate::lake::{Bucket, Key};
use crate::policy::{Argument, Statement};
use crate::spec::decode::At;
use crate::spec::reference::Principal;

/// Roles and users by ARN, and accounts, each ascending.
type Named = (Vec<String>, Vec<String>);

impl Lowering<'_> {
    /// The denials of a bucket that name somebody.
    pub(super) fn guards(&self, bucket: &Bucket, arn: Value) -> Vec<Statement> {
        let mut statements = Vec::new();
        for guard in &bucket.only_writers {
            let (mut arns, accounts) = self.named(&guard.who);
            arns.extend(self.writers_of(&guard.location));
            arns.sort();
            arns.dedup();
            let from = format!("{}.only_writers", bucket.path());
            statements.extend(self.not_writer(&arn, &guard.location.prefix, arns, accounts, &from));
        }
        for guard in &bucket.deny {
            statements.extend(self.denied(bucket, guard, &arn, &guard.location.prefix));
        }
        statements
    }

    /// The same for the copy of a bucket, where only S3 writes.
    pub(super) fn guards_of_copy(
        &self,
        bucket: &Bucket,
        replica: &Replica,
        arn: &Value,
        copier: String,
    ) -> Vec<Statement> {
        let copied = Location { bucket: bucket.name.clone(), prefix: replica.prefix.clone() };
        let mut statements = Vec::new();
        for guard in bucket.only_writers.iter().filter(|it| it.location.overlaps(&copied)) {
            let from = format!("{}.only_writers", bucket.path());
            let writers = vec![copier.clone()];
            let prefix = &guard.location.prefix;
            statements.extend(self.not_writer(arn, prefix, writers, Vec::new(), &from));
        }
        for guard in bucket.deny.iter().filter(|it| it.location.overlaps(&copied)) {
            statements.extend(self.denied(bucket, guard, arn, &guard.location.prefix));
        }
        statements
    }

    fn not_writer(
        &self,
        arn: &Value,
        prefix: &str,
        arns: Vec<String>,
        accounts: Vec<String>,
        from: &str,
    ) -> Vec<Statement> {
        let filled = self.fill_here(
            "bucket-deny-not-writer",
            &[
                ("bucket", arn.clone().into()),
                ("prefix", vec![prefix.to_owned()].into()),
                ("arns", arns.into()),
                ("accounts", accounts.into()),
            ],
        );
        filled.into_iter().map(|statement| statement.about(prefix).from(from)).collect()
    }

    fn denied(&self, bucket: &Bucket, guard: &Guard, arn: &Value, prefix: &str) -> Vec<Statement> {
        let (arns, accounts) = self.named(&guard.who);
        let mut common: Vec<(&str, Argument)> =
            vec![("bucket", arn.clone().into()), ("prefix", vec![prefix.to_owned()].into())];
        if prefix.is_empty() {
            common.push(("whole", arn.clone().into()));
        }
        let mut statements = Vec::new();
        for (document, parameter, values) in [
            ("bucket-deny-principals", "arns", arns),
            ("bucket-deny-accounts", "accounts", accounts),
        ] {
            if !values.is_empty() {
                let mut arguments = common.clone();
                arguments.push((parameter, values.into()));
                statements.extend(self.fill_here(document, &arguments));
            }
        }
        let from = format!("{}.deny", bucket.path());
        statements.into_iter().map(|statement| statement.about(prefix).from(&from)).collect()
    }

    /// The denials of a key.
    pub(super) fn key_guards(&self, key: &Key) -> Vec<Statement> {
        let (arns, accounts) = self.named(&key.deny);
        let mut statements = Vec::new();
        for (document, parameter, values) in
            [("key-deny-principals", "arns", arns), ("key-deny-accounts", "accounts", accounts)]
        {
            if !values.is_empty() {
                statements.extend(self.fill_here(document, &[(parameter, values.into())]));
            }
        }
        let from = format!("{}.deny", key.path());
        statements.into_iter().map(|statement| statement.from(&from)).collect()
    }

    fn named(&self, who: &[At<Principal>]) -> Named {
        let home = &self.lake.home;
        let mut arns = BTreeSet::new();
        let mut accounts = BTreeSet::new();
        for one in who {
            match &one.value {
                Principal::Role { account, name } => {
                    arns.insert(home.iam_arn(account.as_ref(), "role", name));
                }
                Principal::User { account, name } => {
                    arns.insert(home.iam_arn(account.as_ref(), "user", name));
                }
                Principal::Account(account) => {
                    accounts.insert(account.to_string());
                }
                // Reported by the check of guards.
                _ => {}
            }
        }
        (arns.into_iter().collect(), accounts.into_iter().collect())
    }

    /// The roles of the flows that write to a place: deliveries, jobs, Lake Formation for its readers'
    /// and writers' sake.
    fn writers_of(&self, place: &Location) -> Vec<String> {
        let lake = self.lake;
        let home = &lake.home;
        let mut writers = Vec::new();
        for source in lake.sources.values() {
            let into = &source.into.value;
            let errors =
                Location { bucket: into.bucket.clone(), prefix: kinesis::error_prefix(source) };
            if into.overlaps(place) || errors.overlaps(place) {
                writers.push(home.iam_arn(None, "role", &kinesis::role_name(source)));
            }
        }
        for pipeline in lake.pipelines.values() {
            let writes = |at: &At<Place>| {
                lake.files_of(&at.value).iter().any(|location| location.overlaps(place))
            };
            if pipeline.write.iter().any(writes) {
                let name = match pipeline.role.as_ref().map(|at| &at.value) {
                    Some(Principal::Role { name, .. }) => name,
                    _ => &pipeline.role_name,
                };
                writers.push(home.iam_arn(None, "role", name));
            }
        }
        for database in lake.governed().filter(|database| !database.existing) {
            let files = lake.files_of(&Place::Database(database.name.clone()));
            if files.iter().any(|location| location.overlaps(place)) {
                let role = lake.registration_role(&database.name);
                writers.push(home.iam_arn(None, "role", &role));
            }
        }
        writers
    }
}
