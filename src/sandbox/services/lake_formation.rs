//! Lake Formation: registered places, LF-tags, filters and grants.
//!
//! Sources: Lake Formation API reference, RegisterResource (AlreadyExistsException), AddLFTagsToResource,
//! CreateDataCellsFilter and GrantPermissions (EntityNotFoundException, InvalidInputException);
//! Developer Guide, "Implicit Lake Formation permissions": administrators grant. The sandbox's own
//! caller may do anything, as a root user who made herself an administrator; an execution role has to
//! be one.

use super::{Answer, Question, pass, refuse};
use crate::document::Value;
use crate::sandbox::names::text_at;

fn not_found(what: &str, name: &str) -> Answer {
    let text =
        format!("{what} not found: {name} (Service: LakeFormation, EntityNotFoundException)");
    Ok(Err(refuse("NotFound", text)))
}

/// Whether the caller administers Lake Formation here.
fn administrator(question: &mut Question<'_>) -> Answer {
    if question.caller.ends_with(":user/sandbox") {
        return Ok(Ok(()));
    }
    let store = question.realm.store.clone();
    let caller = question.caller.to_owned();
    let settings = question.realm.lake(question.place).get(&store)?;
    if settings.admins.contains(&caller) {
        return Ok(Ok(()));
    }
    let text = format!(
        "Insufficient Lake Formation permission(s): {caller} is no data lake administrator (Service: LakeFormation, AccessDeniedException)"
    );
    Ok(Err(refuse("AccessDenied", text)))
}

/// A registered place: nobody has registered it, and its role exists.
pub(super) fn location(question: &mut Question<'_>) -> Answer {
    let place = question.text("ResourceArn").unwrap_or_default();
    if question.old.is_none() {
        let registered = question.realm.all("AWS::LakeFormation::Resource", question.place)?;
        let taken = |thing: &crate::sandbox::state::Thing| {
            text_at(&thing.properties, "ResourceArn").as_deref() == Some(&place)
        };
        if registered.iter().any(taken) {
            let text = format!(
                "Resource is already registered: {place} (Service: LakeFormation, AlreadyExistsException)"
            );
            return Ok(Err(refuse("AlreadyExists", text)));
        }
    }
    match question.text("RoleArn") {
        Some(role) if !question.role_exists(&role)? => not_found("Role", &role),
        _ => Ok(Ok(())),
    }
}

/// A key of LF-tags.
pub(super) fn tag(question: &mut Question<'_>) -> Answer {
    administrator(question)
}

/// LF-tags on something: the tags exist, and so does what carries them.
pub(super) fn tagged(question: &mut Question<'_>) -> Answer {
    pass!(administrator(question));
    let tags = match question.new.get("LFTags") {
        Some(Value::List(tags)) => tags.clone(),
        _ => Vec::new(),
    };
    for tag in &tags {
        let key = text_at(tag, "TagKey").unwrap_or_default();
        let wanted = tag.get("TagValues").cloned();
        let known = question.realm.find("AWS::LakeFormation::Tag", question.place, &key)?;
        let Some(known) = known else { return not_found("Tag key", &key) };
        let (Some(Value::List(has)), Some(Value::List(wanted))) =
            (known.properties.get("TagValues"), &wanted)
        else {
            continue;
        };
        if let Some(value) = wanted.iter().find(|value| !has.contains(value)) {
            let value = value.as_str().unwrap_or_default();
            return not_found("Tag value", &format!("{key}: {value}"));
        }
    }
    there(question)
}

/// A filter of rows and columns: its table exists.
pub(super) fn filter(question: &mut Question<'_>) -> Answer {
    pass!(administrator(question));
    let name = |key: &str| question.text(key).unwrap_or_default();
    let (database, table) = (name("DatabaseName"), name("TableName"));
    table_there(question, &database, &table)
}

/// A grant: whom it names exists, and so does what it is on.
pub(super) fn grant(question: &mut Question<'_>) -> Answer {
    pass!(administrator(question));
    let who = question.text("Principal/DataLakePrincipalIdentifier").unwrap_or_default();
    let person = [":role/", ":user/"].iter().any(|kind| who.contains(kind));
    if who.contains(":iam::") && person && !question.role_exists(&who)? {
        let text =
            format!("Invalid principal, {who} (Service: LakeFormation, InvalidInputException)");
        return Ok(Err(refuse("InvalidRequest", text)));
    }
    there(question)
}

/// Whether the catalog has what `Resource` names.
fn there(question: &mut Question<'_>) -> Answer {
    if let Some(database) = question.text("Resource/Database/Name") {
        return match question.there("AWS::Glue::Database", &database)? {
            true => Ok(Ok(())),
            false => not_found("Database", &database),
        };
    }
    for kind in ["Table", "TableWithColumns"] {
        let text = |key: &str| question.text(&format!("Resource/{kind}/{key}"));
        if let (Some(database), Some(table)) = (text("DatabaseName"), text("Name")) {
            return table_there(question, &database, &table);
        }
    }
    let text = |key: &str| question.text(&format!("Resource/DataCellsFilter/{key}"));
    let parts = ["TableCatalogId", "DatabaseName", "TableName", "Name"].map(text);
    if let [Some(catalog), Some(database), Some(table), Some(name)] = parts {
        let identifier = [catalog, database, table, name].join("|");
        if !question.there("AWS::LakeFormation::DataCellsFilter", &identifier)? {
            return not_found("Data cells filter", &identifier);
        }
    }
    Ok(Ok(()))
}

/// Whether a table exists. Of a database that no stack made the sandbox knows no tables.
fn table_there(question: &mut Question<'_>, database: &str, table: &str) -> Answer {
    let found = question.realm.find("AWS::Glue::Database", question.place, database)?;
    let Some(found) = found else { return not_found("Database", database) };
    let loose = found.owner.is_none();
    let identifier = format!("{}|{database}|{table}", question.place.account);
    match loose || question.there("AWS::Glue::Table", &identifier)? {
        true => Ok(Ok(())),
        false => not_found("Table", &format!("{database}.{table}")),
    }
}
