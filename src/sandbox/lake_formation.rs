//! Lake Formation in the sandbox: the settings of an account, and what it leaves to IAM.
//!
//! Grants, LF-tags and registered places are things as all others, made and deleted by their schemas.
//! Here is what no schema says. Invariant: `APPEND` takes no administrator away, and no deletion of a
//! stack does either; `CreateDatabaseDefaultPermissions` and `CreateTableDefaultPermissions` can be set
//! and not cleared (cloudformation-coverage-roadmap#2197).

use super::names::text_at;
use super::state::{Place, Thing};
use super::world::{LakeSettings, Realm};
use crate::cloud::{CloudError, LakeFormationGrant, OpenToIam};
use crate::document::Value;

/// AWS::LakeFormation::DataLakeSettings: the list of administrators replaces the account's, unless it
/// is to be appended ("MutationType" in the CloudFormation reference).
pub(super) fn settings(realm: &mut Realm, thing: &Thing) -> Result<(), CloudError> {
    if thing.kind != "AWS::LakeFormation::DataLakeSettings" {
        return Ok(());
    }
    let place = Place { account: thing.account.clone(), region: thing.region.clone() };
    let list = |name: &str| match thing.properties.get(name) {
        Some(Value::List(list)) => Some(list.clone()),
        _ => None,
    };
    let store = realm.store.clone();
    let settings: &mut LakeSettings = realm.lake(&place).edit(&store)?;
    let admin = |admin: &Value| text_at(admin, "DataLakePrincipalIdentifier");
    let append = text_at(&thing.properties, "MutationType").as_deref() == Some("APPEND");
    let admins: Vec<String> = list("Admins").iter().flatten().filter_map(admin).collect();
    if !append {
        settings.admins.clear();
    }
    for admin in admins {
        if !settings.admins.contains(&admin) {
            settings.admins.push(admin);
        }
    }
    let set = |name: &str| list(name).is_some_and(|defaults| !defaults.is_empty());
    settings.open_databases |= set("CreateDatabaseDefaultPermissions");
    settings.open_tables |= set("CreateTableDefaultPermissions");
    if let Some(version) = text_at(&thing.properties, "Parameters/CROSS_ACCOUNT_VERSION") {
        settings.version = version.parse().ok();
    }
    Ok(())
}

/// Every grant, whoever made it.
pub(super) fn grants(
    realm: &mut Realm,
    place: &Place,
) -> Result<Vec<LakeFormationGrant>, CloudError> {
    let mut found = Vec::new();
    for thing in realm.all("AWS::LakeFormation::PrincipalPermissions", place)? {
        let principal = text_at(&thing.properties, "Principal/DataLakePrincipalIdentifier");
        let list = |name: &str| {
            let list = thing.properties.get(name).and_then(Value::as_list).unwrap_or_default();
            let mut words: Vec<String> =
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            words.sort();
            words
        };
        found.push(LakeFormationGrant {
            principal: principal.unwrap_or_default(),
            resource: thing.properties.get("Resource").cloned().unwrap_or_default(),
            permissions: list("Permissions"),
            with_grant_option: list("PermissionsWithGrantOption"),
        });
    }
    Ok(found)
}

/// What is open to everybody whom IAM lets in. AWS decides that when a database or table is made; the
/// sandbox keeps no such grants and answers by the settings as they are: databases by the account's
/// default, tables by their database's, else the account's.
pub(super) fn open(realm: &mut Realm, place: &Place) -> Result<Vec<OpenToIam>, CloudError> {
    let store = realm.store.clone();
    let settings = realm.lake(place).get(&store)?.clone();
    let mut found = Vec::new();
    let mut closed = Vec::new();
    for thing in realm.all("AWS::Glue::Database", place)? {
        let Some(database) = text_at(&thing.properties, "DatabaseInput/Name") else { continue };
        let own = ["DatabaseInput", "CreateTableDefaultPermissions"];
        if thing.properties.at(&own).is_some() {
            closed.push(database.clone());
        }
        if settings.open_databases {
            found.push(OpenToIam { database, table: None });
        }
    }
    for thing in realm.all("AWS::Glue::Table", place)? {
        let names = [text_at(&thing.properties, "DatabaseName"), {
            let own = text_at(&thing.properties, "TableInput/Name");
            own.or_else(|| text_at(&thing.properties, "Name"))
        }];
        let [Some(database), Some(table)] = names else { continue };
        if settings.open_tables && !closed.contains(&database) {
            found.push(OpenToIam { database, table: Some(table) });
        }
    }
    found.sort();
    Ok(found)
}
