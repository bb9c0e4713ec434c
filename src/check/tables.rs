//! What the columns, partitions and format of a table say about each other (LW0315, LW0211, LW0307).
//!
//! Sources: "Partition transforms" and "Schemas and data types" in the Iceberg specification;
//! "OpenCSVSerDe for processing CSV" and "Partition your data" in the Athena User Guide.

use std::collections::BTreeMap;

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics, nearest};
use crate::lake::{Lake, Table};
use crate::spec::databases::{Column, Format, Partition, PartitionColumn, Transform};
use crate::spec::decode::{At, list};

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for table in lake.databases.values().flat_map(|database| database.tables.values()) {
        columns(table, found);
        csv(table, found);
        match (&table.partition, table.format) {
            (None, _) => {}
            (Some(Partition::Transforms(transforms)), Format::Iceberg) => {
                iceberg(table, transforms, found);
            }
            (Some(Partition::Folders(folders)), Format::Iceberg) => {
                let Some(first) = folders.first() else { continue };
                let names: Vec<&str> = folders.iter().map(|folder| &*folder.name.value.0).collect();
                found.push(
                    Diagnostic::error(
                        diagnostic::LW0211,
                        first.name.span,
                        format!("the partition of Iceberg table `{}` is not a list", table.name),
                    )
                    .label("these would be folders")
                    .at(format!("{}.partition", table.path()))
                    .note("Iceberg divides a table by columns that it has, not by folders")
                    .help(format!(
                        "declare them as columns, and write `partition: [{}]`",
                        names.join(", ")
                    )),
                );
            }
            (Some(Partition::Folders(folders)), _) => folders_once(table, folders, found),
            (Some(Partition::Transforms(transforms)), format) => {
                let Some(first) = transforms.first() else { continue };
                let column = &first.value.column().0;
                found.push(
                    Diagnostic::error(
                        diagnostic::LW0211,
                        first.span,
                        format!("the partition of {} table `{}` is not a map", format.as_str(), table.name),
                    )
                    .label("transforms are Iceberg's")
                    .at(format!("{}.partition", table.path()))
                    .note("its partitions are folders named `column=value`, and their columns are in no file")
                    .help(format!("write the columns with their types: `partition: {{ {column}: string }}`; or make the table `format: iceberg`")),
                );
            }
        }
    }
}

fn column<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns.0.iter().find(|column| &*column.name.value.0 == name)
}

fn columns(table: &Table, found: &mut Diagnostics) {
    let path = format!("{}.columns", table.path());
    if table.columns.0.is_empty() {
        let headline = format!("table `{}` has no columns", table.name);
        found.push(
            Diagnostic::error(diagnostic::LW0202, table.span, headline)
                .at(&*path)
                .help("name them with their types: `columns: { id: bigint }`"),
        );
    }
    for column in &table.columns.0 {
        let kind = &*column.kind.value.0;
        let words = kind.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words {
            let diagnostic = match (word, table.format) {
                // Iceberg has one integer below 64 bits and one text: Athena User Guide,
                // "Supported data types for Iceberg tables in Athena".
                ("tinyint" | "smallint", Format::Iceberg) => Some((word, "int")),
                ("char" | "varchar", Format::Iceberg) => Some((word, "string")),
                // Hive's types, which the other formats have, know neither.
                ("timestamptz", Format::Parquet | Format::Json | Format::Csv) => {
                    Some((word, "timestamp"))
                }
                ("uuid", Format::Parquet | Format::Json | Format::Csv) => Some((word, "string")),
                _ => None,
            };
            let Some((word, instead)) = diagnostic else { continue };
            let headline = format!("{} tables have no `{word}`", table.format.as_str());
            let diagnostic = Diagnostic::error(diagnostic::LW0307, column.kind.span, headline)
                .also(table.span, format!("the format is `{}`", table.format.as_str()))
                .at(format!("{path}.{}", column.name.value.0))
                .help(format!("write `{instead}`"));
            found.push(
                if kind == word || word == "char" || word == "varchar" && !kind.contains('<') {
                    diagnostic.fix(column.kind.span, instead)
                } else {
                    diagnostic
                },
            );
            break;
        }
        let nested = ["array<", "map<", "struct<"].iter().any(|nested| kind.starts_with(nested));
        if table.format == Format::Csv && (nested || kind == "binary") {
            let headline = format!(
                "column `{}` cannot be `{}` in CSV",
                column.name.value.0,
                crate::spec::decode::shortened(kind)
            );
            found.push(
                Diagnostic::error(diagnostic::LW0211, column.kind.span, headline)
                    .also(table.span, "the format is `csv`")
                    .at(format!("{path}.{}", column.name.value.0))
                    .help("make it a `string`, or the table `format: json`"),
            );
        }
    }
}

fn csv(table: &Table, found: &mut Diagnostics) {
    let Some(csv) = &table.csv else { return };
    let path = format!("{}.csv", table.path());
    if table.format != Format::Csv {
        let headline = format!("`csv` says nothing about a {} table", table.format.as_str());
        found.push(
            Diagnostic::error(diagnostic::LW0211, csv.span, headline)
                .also(table.span, format!("the format is `{}`", table.format.as_str()))
                .at(&*path)
                .help("take it out, or make the table `format: csv`"),
        );
        return;
    }
    for (key, sign) in [("delimiter", &csv.delimiter), ("quote", &csv.quote)] {
        let Some(sign) = sign else { continue };
        if sign.value.chars().count() != 1 {
            let headline = format!("`{key}` is one character");
            let mut diagnostic = Diagnostic::error(diagnostic::LW0305, sign.span, headline)
                .at(format!("{path}.{key}"));
            if matches!(sign.value.as_str(), "\\t" | "tab" | "TAB") {
                diagnostic = diagnostic
                    .help("in double quotes, `\"\\t\"` is a tab")
                    .fix(sign.span, "\"\\t\"");
            } else {
                let usual = if key == "quote" { "'\"'" } else { "\";\"" };
                diagnostic =
                    diagnostic.help(format!("write a single character, such as `{usual}`"));
            }
            found.push(diagnostic);
        }
    }
    if let (Some(delimiter), Some(quote)) = (&csv.delimiter, &csv.quote)
        && delimiter.value == quote.value
    {
        found.push(
            Diagnostic::error(
                diagnostic::LW0211,
                quote.span,
                "`quote` and `delimiter` are the same character",
            )
            .also(delimiter.span, "the delimiter")
            .help("choose another `quote`, or take it out: `\"` is what stands for nothing else")
            .at(format!("{path}.quote")),
        );
    }
}

/// A column that is a folder is in no file: it stands in `partition` or in `columns`.
fn folders_once(table: &Table, folders: &[PartitionColumn], found: &mut Diagnostics) {
    for folder in folders {
        let name = &*folder.name.value.0;
        if let Some(first) = column(table, name) {
            let headline = format!("table `{}` has column `{name}` twice", table.name);
            found.push(
                Diagnostic::error(diagnostic::LW0315, folder.name.span, headline)
                    .label("a column of the folders")
                    .also(first.name.span, "a column of the files")
                    .at(format!("{}.partition.{name}", table.path()))
                    .note("what is in the name of a folder is not read from the files")
                    .help("take it out of `columns`"),
            );
        }
        let kind = &*folder.kind.value.0;
        if kind.contains('<') || kind == "binary" {
            let headline = format!(
                "the name of a folder cannot be `{}`",
                crate::spec::decode::shortened(kind)
            );
            found.push(
                Diagnostic::error(diagnostic::LW0211, folder.kind.span, headline)
                    .at(format!("{}.partition.{name}", table.path()))
                    .help("a partition column is a `string`, a number or a `date`"),
            );
        }
    }
}

fn iceberg(table: &Table, transforms: &[At<Transform>], found: &mut Diagnostics) {
    // Of the transforms of time one a column is enough: a day is in its month.
    let mut seen: BTreeMap<(&str, &str), &At<Transform>> = BTreeMap::new();
    for (at, transform) in transforms.iter().enumerate() {
        let path = format!("{}.partition[{at}]", table.path());
        let name = &*transform.value.column().0;
        let Some(column) = column(table, name) else {
            let names = || table.columns.0.iter().map(|column| &*column.name.value.0);
            let headline = format!("table `{}` has no column `{name}`", table.name);
            let diagnostic = Diagnostic::error(diagnostic::LW0315, transform.span, headline)
                .label("no column of this name")
                .at(path);
            found.push(match nearest(name, names()) {
                Some(near) => {
                    let text = quoted(&written(&transform.value, near));
                    diagnostic.help(format!("did you mean `{near}`?")).fix(transform.span, text)
                }
                None => {
                    let known: Vec<&str> = names().take(6).collect();
                    diagnostic.note(format!("its columns: {}", list(&known)))
                }
            });
            continue;
        };
        let (word, fits) = takes(&transform.value, &column.kind.value.0);
        if !fits && column.kind.value.is_readable() {
            let headline = format!("`{word}` does not work on `{name}`, a {}", column.kind.value.0);
            found.push(
                Diagnostic::error(diagnostic::LW0211, transform.span, headline_of(headline))
                    .also(column.kind.span, "its type")
                    .at(&*path)
                    .note(wanted(&transform.value)),
            );
        }
        let family = match transform.value {
            Transform::Year(_) | Transform::Month(_) | Transform::Day(_) | Transform::Hour(_) => {
                "time"
            }
            _ => word,
        };
        if let Some(first) = seen.insert((family, name), transform) {
            let headline = format!("table `{}` is divided by `{name}` twice", table.name);
            found.push(
                Diagnostic::error(diagnostic::LW0315, transform.span, headline)
                    .also(first.span, "the first time")
                    .at(&*path)
                    .help("keep the finer of the two"),
            );
        }
    }
}

/// The word of a transform, and whether it takes columns of this type.
fn takes(transform: &Transform, kind: &str) -> (&'static str, bool) {
    let time = matches!(kind, "timestamp" | "timestamptz");
    let nested = kind.contains('<');
    match transform {
        Transform::Identity(_) => ("identity", !nested),
        Transform::Year(_) => ("year", time || kind == "date"),
        Transform::Month(_) => ("month", time || kind == "date"),
        Transform::Day(_) => ("day", time || kind == "date"),
        Transform::Hour(_) => ("hour", time),
        Transform::Bucket(..) => {
            ("bucket", !nested && !matches!(kind, "float" | "double" | "boolean"))
        }
        Transform::Truncate(..) => {
            let fits = matches!(kind, "int" | "bigint" | "string" | "binary");
            ("truncate", fits || kind.starts_with("decimal"))
        }
    }
}

fn wanted(transform: &Transform) -> &'static str {
    match transform {
        Transform::Identity(_) => "a table is divided by plain values only",
        Transform::Year(_) | Transform::Month(_) | Transform::Day(_) => {
            "it takes a `date` or a `timestamp`"
        }
        Transform::Hour(_) => "it takes a `timestamp`",
        Transform::Bucket(..) => "it takes whole numbers, decimals, texts, dates and times",
        Transform::Truncate(..) => "it takes whole numbers, decimals and texts",
    }
}

/// The transform on another column, as it is written.
fn written(transform: &Transform, column: &str) -> String {
    match transform {
        Transform::Identity(_) => column.to_owned(),
        Transform::Year(_) => format!("year({column})"),
        Transform::Month(_) => format!("month({column})"),
        Transform::Day(_) => format!("day({column})"),
        Transform::Hour(_) => format!("hour({column})"),
        Transform::Bucket(n, _) => format!("bucket({n}, {column})"),
        Transform::Truncate(n, _) => format!("truncate({n}, {column})"),
    }
}

/// A comma would end the element of a list in brackets.
fn quoted(text: &str) -> String {
    if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }
}
