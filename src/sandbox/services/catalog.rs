//! The Glue Data Catalog, its jobs and triggers, Kinesis streams and Firehose.
//!
//! Sources: Glue API reference, CreateTable, DeleteDatabase ("all of its tables and functions are deleted"),
//! CreateTrigger; Firehose API reference, CreateDeliveryStream, SchemaConfiguration and BufferingHints; Firehose
//! Developer Guide, "Convert input data format" (the buffer is at least 64 MB then).

use super::{Answer, Question, number, pass, refuse, truth};
use crate::cloud::CloudError;
use crate::document::Value;
use crate::sandbox::names::text_at;
use crate::sandbox::state::{Place, Thing};
use crate::sandbox::world::Realm;

fn not_found(message: impl Into<String>) -> Answer {
    Ok(Err(refuse("NotFound", message)))
}

fn invalid(message: impl Into<String>) -> Answer {
    Ok(Err(refuse("InvalidRequest", message)))
}

fn role_answers(question: &mut Question<'_>, path: &str, service: &str) -> Answer {
    let Some(role) = question.text(path) else {
        return Ok(Ok(()));
    };
    if question.role_exists(&role)? {
        return Ok(Ok(()));
    }
    invalid(format!(
        "Role {role} should be given assume role permissions for {service}: it does not exist."
    ))
}

/// A table: its database exists.
pub(super) fn table(question: &mut Question<'_>) -> Answer {
    let database = question.text("DatabaseName").unwrap_or_default();
    if question.there("AWS::Glue::Database", &database)? {
        return Ok(Ok(()));
    }
    not_found(format!("Database {database} not found. (Service: Glue, EntityNotFoundException)"))
}

/// A job or a crawler: its role exists.
pub(super) fn job(question: &mut Question<'_>) -> Answer {
    role_answers(question, "Role", "Glue Service")
}

/// A trigger: the jobs that it starts exist.
pub(super) fn trigger(question: &mut Question<'_>) -> Answer {
    let Some(Value::List(actions)) = question.new.get("Actions") else {
        return Ok(Ok(()));
    };
    let of = |name: &str| -> Vec<String> {
        actions.iter().filter_map(|action| text_at(action, name)).collect()
    };
    for (property, kind) in [("JobName", "AWS::Glue::Job"), ("CrawlerName", "AWS::Glue::Crawler")] {
        for name in of(property) {
            if !question.there(kind, &name)? {
                return not_found(format!(
                    "Entity {name} not found (Service: Glue, EntityNotFoundException)"
                ));
            }
        }
    }
    Ok(Ok(()))
}

/// Deleting a database deletes its tables, whoever made them and whatever their stacks say.
pub(super) fn drop_tables(
    realm: &mut Realm,
    place: &Place,
    database: &Thing,
) -> Result<(), CloudError> {
    let store = realm.store.clone();
    for key in realm.things.keys("AWS::Glue::Table", place) {
        let inside = realm.thing(&key)?.is_some_and(|table| {
            let of = text_at(&table.properties, "DatabaseName").unwrap_or_default();
            of.eq_ignore_ascii_case(&database.physical)
        });
        if inside {
            realm.things.remove(&store, &key)?;
        }
    }
    Ok(())
}

/// A stream: its key exists.
pub(super) fn stream(question: &mut Question<'_>) -> Answer {
    let Some(key) = question.text("StreamEncryption/KeyId") else {
        return Ok(Ok(()));
    };
    if key.contains("alias/") {
        return Ok(Ok(()));
    }
    let id = key.rsplit('/').next().unwrap_or_default().to_owned();
    let ours =
        !key.starts_with("arn:") || key.split(':').nth(4) == Some(question.place.account.as_str());
    if !ours || question.there("AWS::KMS::Key", &id)? {
        return Ok(Ok(()));
    }
    not_found(format!(
        "Key {key} does not exist or is pending deletion (Service: Kinesis, KMSNotFoundException)"
    ))
}

/// A delivery stream: what it reads, writes, assumes and converts by exists.
pub(super) fn delivery_stream(question: &mut Question<'_>) -> Answer {
    if let Some(arn) = question.text("KinesisStreamSourceConfiguration/KinesisStreamARN") {
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        if !question.there("AWS::Kinesis::Stream", &name)? {
            return not_found(format!(
                "Stream {name} under account {} not found. (Service: Firehose, ResourceNotFoundException)",
                question.place.account
            ));
        }
    }
    pass!(role_answers(question, "KinesisStreamSourceConfiguration/RoleARN", "Firehose"));
    let Some(target) = question.new.get("ExtendedS3DestinationConfiguration") else {
        return Ok(Ok(()));
    };
    pass!(role_answers(question, "ExtendedS3DestinationConfiguration/RoleARN", "Firehose"));
    if let Some(arn) = text_at(target, "BucketARN") {
        let bucket = arn.rsplit(':').next().unwrap_or_default();
        let key = format!("global AWS::S3::Bucket {bucket}");
        if !question.realm.things.has(&key) {
            return invalid(format!(
                "The bucket {bucket} does not exist. (Service: Firehose, InvalidArgumentException)"
            ));
        }
    }
    let Some(conversion) = target.get("DataFormatConversionConfiguration") else {
        return Ok(Ok(()));
    };
    let off = conversion.get("Enabled").is_some_and(|enabled| !truth(Some(enabled)));
    if off {
        return Ok(Ok(()));
    }
    if number(target, "BufferingHints/SizeInMBs").is_some_and(|size| size < 64) {
        return invalid(
            "BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled. (Service: Firehose, InvalidArgumentException)",
        );
    }
    let part = |name: &str| text_at(conversion, &format!("SchemaConfiguration/{name}"));
    if let (Some(database), Some(table)) = (part("DatabaseName"), part("TableName")) {
        let catalog = part("CatalogId").unwrap_or_else(|| question.place.account.to_string());
        let identifier = format!("{catalog}|{database}|{table}");
        let ours = catalog == question.place.account.as_str();
        if ours && !question.there("AWS::Glue::Table", &identifier)? {
            return invalid(format!(
                "The table {database}.{table} that data format conversion reads its schema from does not exist. (Service: Firehose, InvalidArgumentException)"
            ));
        }
    }
    Ok(Ok(()))
}
