//! Live resources, read through their own services, in the form of their CloudFormation
//! properties.
//!
//! For what drift detection does not compare: additions by hand that no template mentions. What is
//! not read here is said to be unread; nothing is ever called in sync for want of reading.

mod bucket;
mod iam;
mod lake_formation;
mod lifecycle;
mod replication;

use aws_sdk_lakeformation as lakeformation;
use lakeformation::types::{Permission, PrincipalPermissions};

use super::Aws;
use super::error::told;
use crate::cloud::{CloudError, LakeFormationSettings, Reading};
use crate::document::{Map, Value};
use crate::names::Region;

impl Aws {
    pub(super) async fn live(
        &self,
        region: &Region,
        kind: &str,
        identifier: &str,
    ) -> Result<Reading, CloudError> {
        match kind {
            "AWS::S3::Bucket" => self.bucket(region, identifier).await,
            "AWS::S3::BucketPolicy" => self.bucket_policy(region, identifier).await,
            "AWS::IAM::Role" => self.role(identifier).await,
            "AWS::IAM::ManagedPolicy" => self.managed_policy(identifier).await,
            _ => Ok(Reading::Unread(format!(
                "{kind} is read by CloudFormation's drift detection only"
            ))),
        }
    }

    pub(super) async fn data_lake_settings(
        &self,
        region: &Region,
    ) -> Result<LakeFormationSettings, CloudError> {
        let answer = self
            .lakeformation(region)
            .get_data_lake_settings()
            .catalog_id(self.account().as_str())
            .send()
            .await
            .map_err(|error| told("Lake Formation GetDataLakeSettings", error))?;
        let Some(settings) = answer.data_lake_settings() else {
            return Ok(LakeFormationSettings::default());
        };
        let mut admins: Vec<String> = settings
            .data_lake_admins()
            .iter()
            .filter_map(|admin| admin.data_lake_principal_identifier())
            .map(str::to_owned)
            .collect();
        admins.sort();
        Ok(LakeFormationSettings {
            admins,
            iam_decides_new_databases: gives_iam_all(
                settings.create_database_default_permissions(),
            ),
            iam_decides_new_tables: gives_iam_all(settings.create_table_default_permissions()),
            cross_account_version: settings
                .parameters()
                .and_then(|all| all.get("CROSS_ACCOUNT_VERSION")?.parse().ok()),
        })
    }
}

/// Whether `IAMAllowedPrincipals` gets everything: "Use only IAM access control" in the console.
fn gives_iam_all(defaults: &[PrincipalPermissions]) -> bool {
    defaults.iter().any(|grant| {
        let to_iam = grant
            .principal()
            .and_then(|principal| principal.data_lake_principal_identifier())
            .is_some_and(|name| name.eq_ignore_ascii_case("IAM_ALLOWED_PRINCIPALS"));
        to_iam && grant.permissions().contains(&Permission::All)
    })
}

/// `[{Key, Value}]` without the tags that AWS sets itself (`aws:`), which no template can hold.
fn tags<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Option<Value> {
    let mut pairs: Vec<_> = pairs.filter(|(key, _)| !key.starts_with("aws:")).collect();
    pairs.sort_unstable();
    let list: Vec<Value> = pairs
        .into_iter()
        .map(|(key, value)| {
            let mut tag = Map::new();
            tag.insert("Key", key.to_owned());
            tag.insert("Value", value.to_owned());
            tag.into()
        })
        .collect();
    (!list.is_empty()).then_some(Value::List(list))
}

/// A list, unless it is empty.
fn some_list(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then_some(Value::List(list))
}

/// An object, unless it is empty.
fn some_map(map: Map) -> Option<Value> {
    (!map.is_empty()).then_some(Value::Map(map))
}

/// A text that says something.
fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What a part of a resource is, `None` where it is not configured (the services answer 404).
fn configured<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(CloudError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A policy document of an answer.
fn policy_document(text: &str) -> Result<Value, CloudError> {
    Value::from_json(text).map_err(|error| CloudError::Other {
        code: "UnknownAnswer".into(),
        message: format!("a policy that is no JSON document: {error}"),
    })
}
