//! Workgroups of Athena, and what those who query in them need beside what they are given on tables.
//!
//! In: the lake's workgroups. Out: `AWS::Athena::WorkGroup`, which lets no client choose another place or
//! encryption for results, and managed policies on those who query: the workgroup, its results, and the
//! results' key. What they may read of a table stands in `access` alone.

use super::access::sid_words;
use super::{Lowering, bucket_id, s3_uri, some};
use crate::document;
use crate::document::Value;
use crate::graph::Part;
use crate::lake::analytics::Workgroup;
use crate::lake::places::Encryption;
use crate::policy::grant::Grantee;
use crate::policy::{Argument, Statement};
use crate::spec::reference::Principal;

/// The engine that has row filters of Lake Formation and writes Iceberg. It is named so that queries mean
/// the same until the template changes (Athena User Guide, "Athena engine versioning").
const ENGINE: &str = "Athena engine version 3";

impl Lowering<'_> {
    pub(super) fn workgroups(&mut self) {
        let lake = self.lake;
        for workgroup in lake.workgroups.values() {
            self.workgroup(workgroup);
            for who in &workgroup.who {
                let (property, kind, name) = match &who.value {
                    Principal::Role { name, .. } => ("Roles", "role", name),
                    Principal::User { name, .. } => ("Users", "user", name),
                    // Reported by the check of workgroups.
                    _ => continue,
                };
                let arn = lake.home.iam_arn(None, kind, name);
                let bare = name.rsplit('/').next().unwrap_or(name).to_owned();
                let at = format!("{}.who", workgroup.path());
                let statements =
                    self.from(at.clone(), |lowering| lowering.may_query(workgroup, &arn));
                let words = sid_words(&who.value.to_string());
                self.from(at, |lowering| {
                    lowering.managed_policies(
                        "PolicyWorkgroup",
                        &[workgroup.name.as_str(), &words],
                        Part::Access,
                        &workgroup.path(),
                        (property, bare.into()),
                        statements,
                        workgroup.span,
                    );
                });
            }
        }
    }

    fn workgroup(&mut self, workgroup: &Workgroup) {
        let lake = self.lake;
        let location = &workgroup.results.value;
        let bucket = self.bucket(location);
        let encryption = match &bucket.encryption {
            Encryption::Key(key) => {
                document!({"EncryptionOption": "SSE_KMS", "KmsKey": (self.key_arn(key))})
            }
            // Results go to no bucket with the key that AWS manages: see the check of workgroups.
            Encryption::AwsManaged | Encryption::S3 => document!({"EncryptionOption": "SSE_S3"}),
        };
        let results = document!({
            "OutputLocation": (s3_uri(&bucket.bucket_name, &location.prefix)),
            "ExpectedBucketOwner": (lake.home.account.as_str().to_owned()),
            "EncryptionConfiguration": encryption
        });
        let mut resource = self.resource(
            "AWS::Athena::WorkGroup",
            "Workgroup",
            &[workgroup.name.as_str()],
            Part::Access,
            &workgroup.path(),
        );
        resource.set_from("Name", ".name", workgroup.workgroup_name.clone());
        let described = super::describe(
            &workgroup.description,
            format!("Lake {}: workgroup {}", lake.naming.lake_id(), workgroup.name),
        );
        resource.set_from("Description", ".description", described);
        resource.set(
            "WorkGroupConfiguration",
            some([
                ("BytesScannedCutoffPerQuery", Some(workgroup.scan_limit.into())),
                // Without it a client would say where results go, and how they are encrypted (Athena User
                // Guide, "Override client-side settings").
                ("EnforceWorkGroupConfiguration", Some(true.into())),
                ("EngineVersion", Some(document!({"SelectedEngineVersion": ENGINE}))),
                ("PublishCloudWatchMetricsEnabled", Some(true.into())),
                ("RequesterPaysEnabled", Some(false.into())),
                ("ResultConfiguration", Some(results)),
            ]),
        );
        resource
            .caused("WorkGroupConfiguration.BytesScannedCutoffPerQuery", ".scan_limit")
            .caused("WorkGroupConfiguration.ResultConfiguration", ".results")
            .caused(
                "WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration",
                ".encryption",
            );
        resource.set("State", "ENABLED");
        // What is left in a workgroup that goes is the history of its queries: DeleteWorkGroup refuses
        // without this (Athena API reference).
        resource.set("RecursiveDeleteOption", true);
        resource.knows("Ref", workgroup.workgroup_name.clone());
        resource.after.push(bucket_id(&bucket.name));
        self.graph.add(resource);
    }

    /// What somebody needs to query: the workgroup, its results, and their key.
    fn may_query(&mut self, workgroup: &Workgroup, arn: &str) -> Vec<Statement> {
        let home = &self.lake.home;
        let name = format!("workgroup/{}", workgroup.workgroup_name);
        let own = home.own_arn("athena", &home.region, &name);
        let location = &workgroup.results.value;
        let bucket = self.bucket(location);
        let bucket_arn = self.bucket_arn(&bucket.bucket_name);
        let mut arguments: Vec<(&str, Argument)> = vec![
            ("workgroup", own.into()),
            ("bucket", (&bucket_arn).into()),
            ("prefix", vec![location.prefix.clone()].into()),
            ("buckets", vec![bucket_arn].into()),
        ];
        let mut statements = self.fill_here("athena-query", &arguments);
        statements.extend(self.fill_here("athena-results", &arguments));
        if let Some(key) = bucket.key() {
            arguments.push(("key", vec![self.key_arn(key)].into()));
            statements.extend(self.fill_here("kms-encrypt", &arguments));
            let grantee = Grantee::Principals {
                partition: home.partition.to_owned(),
                account: home.account.to_string(),
                arns: vec![arn.to_owned()],
            };
            arguments.push(("grantee", grantee.into()));
            let asked = self.fill_here("key-encrypt", &arguments);
            let who = arn.rsplit('/').next().unwrap_or(arn);
            self.ask_key(key, &format!("{who} {}", bucket.name), asked);
        }
        statements
    }

    /// The lifecycle rules of a bucket by which results of queries go, with the workgroup that each is of.
    pub(super) fn results_expire<'l>(
        &self,
        bucket: &'l crate::lake::Bucket,
    ) -> Vec<(Value, String, String)>
    where
        Self: 'l,
    {
        let here = |workgroup: &&Workgroup| workgroup.results.value.bucket == bucket.name;
        let rule = |workgroup: &Workgroup| {
            let id = format!("results-{}", workgroup.name);
            let prefix = &workgroup.results.value.prefix;
            let rule = some([
                ("Id", Some(id.clone().into())),
                ("Status", Some("Enabled".into())),
                ("Prefix", (!prefix.is_empty()).then(|| prefix.clone().into())),
                ("ExpirationInDays", Some(workgroup.keep_days.into())),
                // What expires in a bucket with versions is hidden first, and gone a day later.
                ("NoncurrentVersionExpiration", Some(document!({"NoncurrentDays": 1}))),
            ]);
            (Value::Map(rule), id, format!("{}.keep", workgroup.path()))
        };
        self.lake.workgroups.values().filter(here).map(rule).collect()
    }
}
