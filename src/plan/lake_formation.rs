//! Lake Formation's grants as people speak of them, for the summary of access.
//!
//! In: an `AWS::LakeFormation::PrincipalPermissions` or the settings. Out: who, verb and place, as
//! `grants` has them for policies. A grant on a location counts as writing it: its holder may define
//! tables over it. The grant option is told as `grant others`.

use crate::canonical::listed;
use crate::document::Value;

/// Verb and place of each permission. `name` gives the thing of the lake that a database is.
pub(super) fn permitted(
    properties: &Value,
    name: &dyn Fn(&str) -> String,
    bucket: &dyn Fn(&str) -> String,
) -> Vec<(&'static str, String)> {
    let Some(place) = properties.get("Resource").and_then(|found| place(found, name, bucket))
    else {
        return Vec::new();
    };
    let words = |key: &str| -> Vec<String> {
        let list = properties.get(key).cloned().map(listed).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut found: Vec<(&'static str, String)> = words("Permissions")
        .iter()
        .filter_map(|permission| Some((verb(permission)?, place.clone())))
        .collect();
    let passed_on = words("PermissionsWithGrantOption");
    if passed_on.iter().any(|permission| verb(permission).is_some()) {
        found.push(("grant others", place));
    }
    found.sort();
    found.dedup();
    found
}

/// Who it is given to, as the spec would write it; an ARN of this account without the account.
pub(super) fn who(identifier: &str, account: &str) -> String {
    if identifier.len() == 12 && identifier.bytes().all(|b| b.is_ascii_digit()) {
        return format!("account {identifier}");
    }
    let parts: Vec<&str> = identifier.splitn(6, ':').collect();
    let [_, _, service, _, of, resource] = parts[..] else { return identifier.to_owned() };
    match service {
        "organizations" => match resource.rsplit_once('/') {
            Some((kind, id)) if kind.starts_with("ou/") => format!("ou/{id}"),
            Some((_, id)) => format!("organization {id}"),
            None => resource.to_owned(),
        },
        "identitystore" => format!("identity-center/{resource}"),
        _ => match resource.strip_prefix("saml-provider/") {
            Some(rest) => format!("saml/{}", rest.replacen(':', "/", 1)),
            None if of == account => resource.to_owned(),
            None => format!("{of}:{resource}"),
        },
    }
}

fn verb(permission: &str) -> Option<&'static str> {
    Some(match permission {
        "SELECT" => "read",
        "INSERT" => "write",
        "DELETE" => "delete",
        "ALTER" => "alter",
        "DROP" => "drop",
        "ALL" => "do everything with",
        "DATA_LOCATION_ACCESS" => "define tables over",
        "CREATE_TABLE" => "create tables in",
        // DESCRIBE alone opens no data.
        _ => return None,
    })
}

fn place(
    resource: &Value,
    name: &dyn Fn(&str) -> String,
    bucket: &dyn Fn(&str) -> String,
) -> Option<String> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(location) = resource.get("DataLocation") {
        let arn = text(location, "ResourceArn")?;
        let place = arn.rsplit(":::").next().unwrap_or(&arn).to_owned();
        return Some(match place.split_once('/') {
            Some((first, prefix)) => format!("{}/{prefix}/", bucket(first)),
            None => format!("{}/", bucket(&place)),
        });
    }
    if let Some(database) = resource.get("Database") {
        return Some(name(&text(database, "Name")?));
    }
    if let Some(table) = resource.get("Table") {
        let database = name(&text(table, "DatabaseName")?);
        return Some(match text(table, "Name") {
            Some(table) => format!("{database}.{table}"),
            None => database,
        });
    }
    if let Some(table) = resource.get("TableWithColumns") {
        let columns = table.get("ColumnNames").cloned().map(listed).unwrap_or_default();
        let columns: Vec<&str> = columns.iter().filter_map(Value::as_str).collect();
        let database = name(&text(table, "DatabaseName")?);
        return Some(format!("{database}.{} ({})", text(table, "Name")?, columns.join(", ")));
    }
    if let Some(filter) = resource.get("DataCellsFilter") {
        let database = name(&text(filter, "DatabaseName")?);
        let table = text(filter, "TableName")?;
        return Some(format!("{database}.{table} (rows of {})", text(filter, "Name")?));
    }
    let tagged = resource.get("LFTagPolicy")?;
    let expression = tagged.get("Expression").cloned().map(listed).unwrap_or_default();
    let words: Vec<String> = expression
        .iter()
        .map(|one| {
            let values = one.get("TagValues").cloned().map(listed).unwrap_or_default();
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            format!("{}={}", text(one, "TagKey").unwrap_or_default(), values.join("|"))
        })
        .collect();
    Some(format!("what carries {}", words.join(", ")))
}
