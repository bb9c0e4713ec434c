//! The grants of Lake Formation: all of them, and those of `IAMAllowedPrincipals`, which leave the rest to IAM.

use aws_sdk_lakeformation as lakeformation;
use lakeformation::types::{DataLakePrincipal, Permission, PrincipalResourcePermissions, Resource};

use super::{Aws, told};
use crate::cloud::{CloudError, LakeFormationGrant, OpenToIam};
use crate::document;
use crate::document::{Map, Value};
use crate::names::Region;

impl Aws {
    /// Every database and table in which `IAMAllowedPrincipals` has a grant, ascending.
    pub(in crate::aws) async fn open_to_iam(
        &self,
        region: &Region,
    ) -> Result<Vec<OpenToIam>, CloudError> {
        let everybody =
            DataLakePrincipal::builder().data_lake_principal_identifier("IAM_ALLOWED_PRINCIPALS");
        let listed = self.list_permissions(region, Some(everybody.build())).await?;
        let mut found: Vec<OpenToIam> =
            listed.iter().filter_map(|grant| grant.resource().and_then(place)).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Every grant.
    pub(in crate::aws) async fn lake_formation_grants(
        &self,
        region: &Region,
    ) -> Result<Vec<LakeFormationGrant>, CloudError> {
        let grant = |listed: &PrincipalResourcePermissions| {
            let principal = listed.principal()?.data_lake_principal_identifier()?.to_owned();
            Some(LakeFormationGrant {
                principal,
                resource: properties(listed.resource()?),
                permissions: words(listed.permissions()),
                with_grant_option: words(listed.permissions_with_grant_option()),
            })
        };
        Ok(self.list_permissions(region, None).await?.iter().filter_map(grant).collect())
    }

    /// The grants of a principal or of everybody, all pages.
    async fn list_permissions(
        &self,
        region: &Region,
        principal: Option<DataLakePrincipal>,
    ) -> Result<Vec<PrincipalResourcePermissions>, CloudError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .lakeformation(region)
                .list_permissions()
                .catalog_id(self.account().as_str())
                .set_principal(principal.clone())
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| told("Lake Formation ListPermissions", error))?;
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            found.extend(page.principal_resource_permissions.unwrap_or_default());
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}

fn words(permissions: &[Permission]) -> Vec<String> {
    let mut words: Vec<String> = permissions.iter().map(|one| one.as_str().to_owned()).collect();
    words.sort();
    words
}

/// A resource as `AWS::LakeFormation::PrincipalPermissions` has it. What this version of the API does not know is an
/// empty object: a grant on something.
fn properties(resource: &Resource) -> Value {
    let mut map = Map::new();
    if resource.catalog().is_some() {
        map.insert("Catalog", Map::new());
    }
    if let Some(database) = resource.database() {
        map.insert("Database", document!({"Name": (database.name().to_owned())}));
    }
    if let Some(table) = resource.table() {
        let mut own = Map::new();
        own.insert("DatabaseName", table.database_name().to_owned());
        own.insert_some("Name", table.name().map(str::to_owned));
        own.insert_some("TableWildcard", table.table_wildcard().map(|_| Map::new()));
        map.insert("Table", own);
    }
    if let Some(table) = resource.table_with_columns() {
        let mut own = Map::new();
        own.insert("DatabaseName", table.database_name().to_owned());
        own.insert("Name", table.name().to_owned());
        if !table.column_names().is_empty() {
            own.insert("ColumnNames", table.column_names().to_vec());
        }
        if let Some(wildcard) = table.column_wildcard() {
            let mut all = Map::new();
            if !wildcard.excluded_column_names().is_empty() {
                all.insert("ExcludedColumnNames", wildcard.excluded_column_names().to_vec());
            }
            own.insert("ColumnWildcard", all);
        }
        map.insert("TableWithColumns", own);
    }
    if let Some(location) = resource.data_location() {
        map.insert(
            "DataLocation",
            document!({"ResourceArn": (location.resource_arn().to_owned())}),
        );
    }
    if let Some(filter) = resource.data_cells_filter() {
        let mut own = Map::new();
        own.insert_some("DatabaseName", filter.database_name().map(str::to_owned));
        own.insert_some("TableName", filter.table_name().map(str::to_owned));
        own.insert_some("Name", filter.name().map(str::to_owned));
        map.insert("DataCellsFilter", own);
    }
    let tag = |key: &str, values: &[String]| {
        let mut own = Map::new();
        own.insert("TagKey", key.to_owned());
        own.insert("TagValues", values.to_vec());
        Value::Map(own)
    };
    if let Some(one) = resource.lf_tag() {
        map.insert("LFTag", tag(one.tag_key(), one.tag_values()));
    }
    if let Some(policy) = resource.lf_tag_policy() {
        let all = policy.expression().iter().map(|one| tag(one.tag_key(), one.tag_values()));
        let mut own = Map::new();
        own.insert("ResourceType", policy.resource_type().as_str().to_owned());
        own.insert("Expression", all.collect::<Value>());
        map.insert("LFTagPolicy", own);
    }
    map.into()
}

/// The database or table that a grant is on; `None` for the catalog, locations and LF-tags.
fn place(resource: &Resource) -> Option<OpenToIam> {
    if let Some(database) = resource.database() {
        return Some(OpenToIam { database: database.name().to_owned(), table: None });
    }
    if let Some(table) = resource.table() {
        let database = table.database_name().to_owned();
        return Some(OpenToIam { database, table: table.name().map(str::to_owned) });
    }
    let table = resource.table_with_columns()?;
    let database = table.database_name().to_owned();
    Some(OpenToIam { database, table: Some(table.name().to_owned()) })
}
