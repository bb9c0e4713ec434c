//! What Lake Formation leaves to IAM: the grants of `IAMAllowedPrincipals`.

use aws_sdk_lakeformation as lakeformation;
use lakeformation::types::{DataLakePrincipal, Resource};

use super::{Aws, told};
use crate::cloud::{CloudError, OpenToIam};
use crate::names::Region;

impl Aws {
    /// Every database and table in which `IAMAllowedPrincipals` has a grant, all pages, ascending.
    pub(in crate::aws) async fn open_to_iam(
        &self,
        region: &Region,
    ) -> Result<Vec<OpenToIam>, CloudError> {
        let everybody =
            DataLakePrincipal::builder().data_lake_principal_identifier("IAM_ALLOWED_PRINCIPALS");
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .lakeformation(region)
                .list_permissions()
                .catalog_id(self.account().as_str())
                .principal(everybody.clone().build())
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| told("Lake Formation ListPermissions", error))?;
            for grant in page.principal_resource_permissions() {
                found.extend(grant.resource().and_then(place));
            }
            next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
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
