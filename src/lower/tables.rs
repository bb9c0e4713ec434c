//! What a table is in the Data Catalog: columns, formats, projection, Iceberg's schema.
//!
//! In: a table and where it lies. Out: the `TableInput` or `OpenTableFormatInput` of its resource,
//! which `glue` makes. Pure forms: nothing here looks at the rest of the lake.

use super::some;
use crate::document;
use crate::document::{Map, Value};
use crate::lake::Table;
use crate::spec::databases::{
    Format, Partition, PartitionColumn, Projection, ProjectionKind, Transform,
};

/// Which key of a table each part of a `TableInput` comes from.
pub(super) const HIVE_CAUSES: [(&str, &str); 5] = [
    ("TableInput.Description", ".description"),
    ("TableInput.Parameters", ".partition"),
    ("TableInput.PartitionKeys", ".partition.*"),
    ("TableInput.StorageDescriptor", ".format"),
    ("TableInput.StorageDescriptor.Columns", ".columns.*"),
];

/// Which key of a table each part of an `OpenTableFormatInput` comes from.
pub(super) const ICEBERG_CAUSES: [(&str, &str); 2] = [
    ("OpenTableFormatInput.IcebergInput.IcebergTableInput.PartitionSpec", ".partition"),
    ("OpenTableFormatInput.IcebergInput.IcebergTableInput.Schema.Fields", ".columns.*"),
];

fn columns<'c>(columns: impl Iterator<Item = (&'c str, &'c str, Option<&'c String>)>) -> Value {
    let column = |(name, kind, comment): (&str, &str, Option<&String>)| {
        Value::Map(some([
            ("Name", Some(name.to_owned().into())),
            ("Type", Some(kind.to_owned().into())),
            ("Comment", comment.map(|text| text.clone().into())),
        ]))
    };
    Value::List(columns.map(column).collect())
}

fn own_columns(table: &Table) -> Value {
    columns(
        table.columns.0.iter().map(|column| {
            (&*column.name.value.0, &*column.kind.value.0, column.description.as_ref())
        }),
    )
}

/// A table of files that Hive's readers know.
pub(super) fn hive_input(table: &Table, location: &str) -> Value {
    let (input, output, serde) = match table.format {
        Format::Json => (
            "org.apache.hadoop.mapred.TextInputFormat",
            "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            document!({"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}),
        ),
        Format::Csv => (
            "org.apache.hadoop.mapred.TextInputFormat",
            "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            csv_serde(table),
        ),
        Format::Parquet | Format::Iceberg => (
            "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            document!({
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"}
            }),
        ),
    };
    let folders: &[PartitionColumn] = match &table.partition {
        Some(Partition::Folders(folders)) => folders,
        _ => &[],
    };
    let keys = (!folders.is_empty())
        .then(|| columns(folders.iter().map(|f| (&*f.name.value.0, &*f.kind.value.0, None))));
    let mut descriptor = Map::new();
    descriptor.insert("Columns", own_columns(table));
    descriptor.insert("InputFormat", input);
    descriptor.insert("Location", location.to_owned());
    descriptor.insert("OutputFormat", output);
    descriptor.insert("SerdeInfo", serde);
    let map = some([
        ("Name", Some(table.name.to_string().into())),
        ("Description", table.description.clone().map(Value::from)),
        ("TableType", Some("EXTERNAL_TABLE".into())),
        ("Parameters", Some(Value::Map(table_parameters(table, folders, location)))),
        ("PartitionKeys", keys),
        ("StorageDescriptor", Some(Value::Map(descriptor))),
    ]);
    Value::Map(map)
}

fn csv_serde(table: &Table) -> Value {
    let csv = table.csv.as_ref();
    let quote =
        csv.and_then(|csv| csv.quote.as_ref()).map_or("\"".to_owned(), |at| at.value.clone());
    let delimiter =
        csv.and_then(|csv| csv.delimiter.as_ref()).map_or(",".to_owned(), |at| at.value.clone());
    document!({
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": delimiter, "quoteChar": quote, "escapeChar": "\\"}
    })
}

fn table_parameters(table: &Table, folders: &[PartitionColumn], location: &str) -> Map {
    let mut parameters = Map::new();
    parameters.insert("EXTERNAL", "TRUE");
    let classification = match table.format {
        Format::Parquet | Format::Iceberg => "parquet",
        Format::Json => "json",
        Format::Csv => "csv",
    };
    parameters.insert("classification", classification);
    if let Some(lines) = table.csv.as_ref().and_then(|csv| csv.header_lines.as_ref()) {
        parameters.insert("skip.header.line.count", lines.value.0.to_string());
    }
    if folders.iter().any(|folder| folder.projection.is_some()) {
        parameters.insert("projection.enabled", "true");
        let template: String =
            folders.iter().map(|f| format!("{0}=${{{0}}}/", f.name.value.0)).collect();
        parameters.insert("storage.location.template", format!("{location}{template}"));
        for folder in folders {
            if let Some(projection) = &folder.projection {
                project(&folder.name.value.0, projection, &mut parameters);
            }
        }
    }
    parameters
}

/// Table properties of partition projection (Athena User Guide, "Supported types for partition
/// projection").
fn project(column: &str, projection: &Projection, parameters: &mut Map) {
    let mut put = |key: &str, value: String| {
        parameters.insert(format!("projection.{column}.{key}"), value);
    };
    let joined = |values: &[crate::spec::decode::At<crate::spec::databases::Text>]| {
        values.iter().map(|at| at.value.0.as_str()).collect::<Vec<_>>().join(",")
    };
    put("type", projection.kind.value.as_str().to_owned());
    match projection.kind.value {
        ProjectionKind::Enum => put("values", joined(&projection.values)),
        ProjectionKind::Integer | ProjectionKind::Date => put("range", joined(&projection.range)),
        ProjectionKind::Injected => {}
    }
    if let Some(form) = &projection.form {
        put("format", form.value.clone());
    }
    if let Some(interval) = &projection.interval {
        put("interval", interval.value.0.to_string());
    }
    if let Some(unit) = &projection.unit {
        put("interval.unit", unit.value.as_str().to_owned());
    }
    if let Some(digits) = &projection.digits {
        put("digits", digits.value.0.to_string());
    }
}

/// The schema and partition spec of an Iceberg table. Field ids count from 1 in the order of the
/// columns (Iceberg specification, "Schemas and Data Types").
pub(super) fn iceberg_format(table: &Table, location: String) -> Value {
    let columns = &table.columns.0;
    let fields: Vec<Value> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            Value::Map(some([
                ("Id", Some((at as i64 + 1).into())),
                ("Name", Some(column.name.value.0.to_string().into())),
                ("Type", Some(iceberg_type(&column.kind.value.0).into())),
                ("Required", Some(false.into())),
                ("Doc", column.description.clone().map(Value::from)),
            ]))
        })
        .collect();
    let transforms: &[_] = match &table.partition {
        Some(Partition::Transforms(transforms)) => transforms,
        _ => &[],
    };
    let partitions: Vec<Value> = transforms
        .iter()
        .enumerate()
        .filter_map(|(at, transform)| {
            let name = transform.value.column();
            // A column that is not there was reported by the check of columns.
            let source = columns.iter().position(|column| column.name.value == *name)? as i64 + 1;
            let (word, field) = transform_words(&transform.value);
            Some(document!({
                "SourceId": source, "FieldId": (1000 + at as i64), "Transform": word, "Name": field
            }))
        })
        .collect();
    let table_input = some([
        ("Location", Some(location.trim_end_matches('/').to_owned().into())),
        ("Schema", Some(document!({"Type": "struct", "Fields": (Value::List(fields))}))),
        (
            "PartitionSpec",
            (!partitions.is_empty())
                .then(|| document!({"SpecId": 0, "Fields": (Value::List(partitions))})),
        ),
        ("Properties", Some(document!({"format-version": "2", "write.format.default": "parquet"}))),
    ]);
    document!({"IcebergInput": {
        "MetadataOperation": "CREATE", "Version": "2", "IcebergTableInput": (Value::Map(table_input))
    }})
}

/// Iceberg's word for a transform, and the name of the partition field.
fn transform_words(transform: &Transform) -> (String, String) {
    let column = &transform.column().0;
    match transform {
        Transform::Identity(_) => ("identity".into(), column.to_string()),
        Transform::Year(_) => ("year".into(), format!("{column}_year")),
        Transform::Month(_) => ("month".into(), format!("{column}_month")),
        Transform::Day(_) => ("day".into(), format!("{column}_day")),
        Transform::Hour(_) => ("hour".into(), format!("{column}_hour")),
        Transform::Bucket(n, _) => (format!("bucket[{n}]"), format!("{column}_bucket")),
        Transform::Truncate(n, _) => (format!("truncate[{n}]"), format!("{column}_trunc")),
    }
}

/// Hive's word for a type in Iceberg's language.
fn iceberg_type(hive: &str) -> String {
    match hive {
        "bigint" => "long".into(),
        "tinyint" | "smallint" => "int".into(),
        other => other.replace(',', ", "),
    }
}
