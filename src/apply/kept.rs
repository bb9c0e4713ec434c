//! What stays in the account when its stack lets it go: how it is named, and how it is got rid of.

use std::collections::BTreeMap;

use crate::catalogue::resource_type;
use crate::document::Value;
use crate::names::{AccountId, Region};
use crate::plan::Kept;

/// What is known of a stack when its resources are named.
pub(crate) struct Surroundings<'a> {
    pub account: &'a AccountId,
    pub region: &'a Region,
    /// Physical ids by logical id.
    pub physical: &'a BTreeMap<String, String>,
    /// Values of the stack's parameters.
    pub parameters: &'a BTreeMap<String, String>,
}

/// The primary identifier of a resource: what an import and a direct read ask for. `None` for types
/// of which there are no facts, and where a part cannot be known from the template.
///
/// A type with a single identifying property is identified by that, where the template gives it, else by
/// its `Ref`, which is the same for all types that lakewright keeps; with several, each stands in the template but the last, which `Ref` gives
/// (AWS::Glue::Table: `CatalogId`, `DatabaseName`, `Name`).
pub(crate) fn identify(
    kind: &str,
    physical_id: &str,
    properties: &Value,
    around: &Surroundings<'_>,
) -> Option<BTreeMap<String, String>> {
    let parts = &resource_type(kind)?.identifier;
    if let [only] = parts[..] {
        // The template's own word is surer: the physical id of a bucket policy was not always the
        // name of its bucket.
        let given = properties.get(only).and_then(|value| resolve(value, around));
        let value = given.unwrap_or_else(|| physical_id.to_owned());
        return Some(BTreeMap::from([(only.to_owned(), value)]));
    }
    let pieces: Vec<&str> = physical_id.split('|').collect();
    if pieces.len() == parts.len() {
        let pairs = parts.iter().zip(pieces);
        return Some(pairs.map(|(part, piece)| ((*part).to_owned(), piece.to_owned())).collect());
    }
    let mut identifier = BTreeMap::new();
    for part in parts {
        let value = match properties.get(part) {
            Some(value) => resolve(value, around)?,
            None => physical_id.to_owned(),
        };
        identifier.insert((*part).to_owned(), value);
    }
    Some(identifier)
}

/// The text of a value that is written out or refers within the stack.
pub(crate) fn resolve(value: &Value, around: &Surroundings<'_>) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let target = value.get("Ref").and_then(Value::as_str)?;
    match target {
        "AWS::AccountId" => Some(around.account.to_string()),
        "AWS::Region" => Some(around.region.to_string()),
        id => around.physical.get(id).or_else(|| around.parameters.get(id)).cloned(),
    }
}

/// The identifier on one line, as Cloud Control writes it: the values in the order of the type's
/// schema, with `|` between them.
pub fn identifier_line(kind: &str, identifier: &BTreeMap<String, String>) -> String {
    let mut values: Vec<&str> = Vec::new();
    match resource_type(kind) {
        Some(facts) => {
            let parts = facts.identifier.iter();
            values.extend(parts.filter_map(|part| identifier.get(*part)).map(String::as_str));
        }
        None => values.extend(identifier.values().map(String::as_str)),
    }
    values.join("|")
}

/// The AWS CLI command that deletes it for good (AWS CLI Command Reference). Buckets must be empty.
pub fn deletion_command(kept: &Kept) -> String {
    let region = &kept.region;
    let line = identifier_line(&kept.kind, &kept.identifier);
    let id = quoted(&line);
    let part = |name: &str| quoted(kept.identifier.get(name).map_or("", String::as_str));
    let command = match kept.kind.as_str() {
        "AWS::S3::Bucket" => format!("s3api delete-bucket --bucket {id}"),
        "AWS::S3::BucketPolicy" => format!("s3api delete-bucket-policy --bucket {id}"),
        "AWS::KMS::Key" => {
            format!("kms schedule-key-deletion --key-id {id} --pending-window-in-days 30")
        }
        "AWS::KMS::Alias" => format!("kms delete-alias --alias-name {id}"),
        "AWS::Glue::Database" => {
            format!(
                "glue delete-database --name {}",
                quoted(line.rsplit('|').next().unwrap_or(&line))
            )
        }
        "AWS::Glue::Table" => format!(
            "glue delete-table --catalog-id {} --database-name {} --name {}",
            part("CatalogId"),
            part("DatabaseName"),
            part("Name")
        ),
        "AWS::Kinesis::Stream" => {
            format!("kinesis delete-stream --stream-name {id} --enforce-consumer-deletion")
        }
        "AWS::Logs::LogGroup" => format!("logs delete-log-group --log-group-name {id}"),
        kind => format!("cloudcontrol delete-resource --type-name {kind} --identifier {}", id),
    };
    format!("aws {command} --region {region}")
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::LogicalId;

    fn kept(kind: &str, physical: &str, properties: Value) -> Kept {
        let account = AccountId::new("111111111111").unwrap();
        let region = Region::new("eu-west-1").unwrap();
        let physical_ids =
            BTreeMap::from([("DatabaseSales".to_owned(), "acme_prod_sales".to_owned())]);
        let around = Surroundings {
            account: &account,
            region: &region,
            physical: &physical_ids,
            parameters: &BTreeMap::new(),
        };
        Kept {
            identifier: identify(kind, physical, &properties, &around).unwrap(),
            logical_id: LogicalId::new("X").unwrap(),
            kind: kind.into(),
            path: "x".into(),
            region,
        }
    }

    #[test]
    fn a_table_is_named_by_three_values() {
        let properties = crate::document!({
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "DatabaseSales"},
            "TableInput": {"Name": "orders"}
        });
        for physical in ["orders", "111111111111|acme_prod_sales|orders"] {
            let table = kept("AWS::Glue::Table", physical, properties.clone());
            assert_eq!(
                identifier_line(&table.kind, &table.identifier),
                "111111111111|acme_prod_sales|orders"
            );
            assert_eq!(
                deletion_command(&table),
                "aws glue delete-table --catalog-id 111111111111 --database-name acme_prod_sales \
                 --name orders --region eu-west-1"
            );
        }
    }

    #[test]
    fn a_command_is_safe_to_paste() {
        let topic = kept("AWS::SNS::Topic", "a; rm -rf 'x'", Value::Null);
        assert!(deletion_command(&topic).contains("'a; rm -rf '\\''x'\\'''"));
    }
}
