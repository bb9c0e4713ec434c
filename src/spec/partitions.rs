//! How a table is divided: Iceberg's transforms, folders with partition projection for the rest.

use super::columns::{COLUMN, ColumnName, ColumnType, column_name};
use super::decode::{At, Decode, Decoder, Shape, Whole, shortened};
use super::words::text_form;
use crate::diagnostic::{self, Diagnostic};
use crate::syntax::{Kind, Node};
use crate::{choice, record};

/// How the rows of a table are divided.
#[derive(Debug, Clone, PartialEq)]
pub enum Partition {
    /// Iceberg's partition spec.
    Transforms(Vec<At<Transform>>),
    /// Folders named `column=value`, in this order.
    Folders(Vec<PartitionColumn>),
}

impl Decode for Partition {
    fn shape() -> Shape {
        Shape::Either(vec![
            Shape::List(Box::new(Transform::shape())),
            Shape::Map {
                keys: "a partition column's name",
                pattern: Some(COLUMN),
                empty: false,
                values: Box::new(Shape::Either(vec![
                    ColumnType::shape(),
                    PartitionDetails::shape(),
                ])),
            },
        ])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let entries = match &node.kind {
            Kind::List(_) => return Vec::decode(node, decoder).map(Partition::Transforms),
            Kind::Map(entries) => entries,
            _ => return decoder.expected(node, "a list of transforms or a map of columns"),
        };
        let mut columns = Vec::new();
        for entry in entries {
            let column = decoder.under(&entry.key, |decoder| {
                let key = Node {
                    span: entry.key_span,
                    kind: Kind::Scalar { text: entry.key.clone(), quoted: false },
                };
                let name = column_name(&key, decoder);
                let (kind, projection) = match &entry.value.kind {
                    Kind::Map(_) => match PartitionDetails::decode(&entry.value, decoder) {
                        // A projection that could not be read is not one that was left out.
                        Some(PartitionDetails { project: None, .. })
                            if entry.value.get("project").is_some() =>
                        {
                            (None, None)
                        }
                        Some(details) => (Some(details.type_), details.project),
                        None => (None, None),
                    },
                    _ => (At::<ColumnType>::decode(&entry.value, decoder), None),
                };
                let kind = kind.unwrap_or_else(|| ColumnType::unreadable(&entry.value));
                Some(PartitionColumn { name: name?, kind, projection })
            });
            columns.extend(column);
        }
        Some(Partition::Folders(columns))
    }
}

/// A column that is a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionColumn {
    pub name: At<ColumnName>,
    pub kind: At<ColumnType>,
    pub projection: Option<Projection>,
}

record! {
    /// A partition column with more to say than its type.
    pub struct PartitionDetails {
        /// Its type.
        type_: At<ColumnType>,
        /// Partition projection: Athena works the partitions out instead of looking them up.
        project: Option<Projection>,
    }
}

record! {
    /// Partition projection, after "Supported types for partition projection" (Athena User Guide).
    pub struct Projection {
        /// What the values are.
        kind: At<ProjectionKind>,
        /// For `integer` and `date`: the first and the last value, `[2024-01-01, NOW]`.
        range: Vec<At<Text>>,
        /// For `enum`: the values.
        values: Vec<At<Text>>,
        /// For `date`: the form, such as `yyyy-MM-dd`.
        form: Option<At<String>>,
        /// For `integer` and `date`: the step; needed with `unit`. Default: 1.
        interval: Option<At<Whole<1, 1_000_000>>>,
        /// For `date`: the unit of the step; needed where the form is finer than a day. Default: days or
        /// months, as the form ends.
        unit: Option<At<ProjectionUnit>>,
        /// For `integer`: zero-padded to this many digits.
        digits: Option<At<Whole<1, 38>>>,
    }
}

choice! {
    /// Types of partition projection.
    pub enum ProjectionKind {
        /// Named values.
        Enum = "enum",
        /// A range of whole numbers.
        Integer = "integer",
        /// A range of dates or times.
        Date = "date",
        /// Any value: queries must name it.
        Injected = "injected",
    }
}

choice! {
    /// Units of a date projection's interval.
    pub enum ProjectionUnit {
        /// Years.
        Years = "YEARS",
        /// Months.
        Months = "MONTHS",
        /// Weeks.
        Weeks = "WEEKS",
        /// Days.
        Days = "DAYS",
        /// Hours.
        Hours = "HOURS",
        /// Minutes.
        Minutes = "MINUTES",
        /// Seconds.
        Seconds = "SECONDS",
    }
}

/// A text that may look like a number: a bound or value of a projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl Decode for Text {
    fn shape() -> Shape {
        Shape::Scalar { what: "a value, without a comma" }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, _) = decoder.text(node, "a value")?;
        if text.is_empty() || text.contains([',', '\n']) {
            let headline = format!("`{}` is not a value", shortened(text));
            decoder.report(
                Diagnostic::error(diagnostic::LW0305, node.span, headline)
                    .note("a value is not empty and has no comma"),
            );
            return None;
        }
        Some(Text(text.to_owned()))
    }
}

/// A field of an Iceberg partition spec ("Partition transforms", Iceberg specification).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    Identity(ColumnName),
    Year(ColumnName),
    Month(ColumnName),
    Day(ColumnName),
    Hour(ColumnName),
    Bucket(u32, ColumnName),
    Truncate(u32, ColumnName),
}

impl Transform {
    /// The column that it looks at.
    pub fn column(&self) -> &ColumnName {
        match self {
            Transform::Identity(column)
            | Transform::Year(column)
            | Transform::Month(column)
            | Transform::Day(column)
            | Transform::Hour(column)
            | Transform::Bucket(_, column)
            | Transform::Truncate(_, column) => column,
        }
    }

    /// Reads `country`, `day(placed_at)`, `bucket(16, id)`.
    pub fn parse(text: &str) -> Result<Self, super::words::Refused> {
        let Some((word, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('('))
        else {
            return ColumnName::parse(text).map(Transform::Identity);
        };
        let column = |text: &str| ColumnName::parse(text.trim());
        let counted = |make: fn(u32, ColumnName) -> Transform| {
            let (count, name) = inner.split_once(',').ok_or("it reads `bucket(16, id)`")?;
            let count = count.trim().parse().ok().filter(|n| *n > 0);
            Ok(make(count.ok_or("the number is at least 1")?, column(name)?))
        };
        match word {
            "identity" => column(inner).map(Transform::Identity),
            "year" => column(inner).map(Transform::Year),
            "month" => column(inner).map(Transform::Month),
            "day" => column(inner).map(Transform::Day),
            "hour" => column(inner).map(Transform::Hour),
            "bucket" => counted(Transform::Bucket),
            "truncate" => counted(Transform::Truncate),
            other => {
                let known = ["identity", "year", "month", "day", "hour", "bucket", "truncate"];
                let reason = format!("`{}` is no transform of Iceberg", shortened(other));
                Err(match diagnostic::nearest(other, known) {
                    Some(near) => {
                        super::words::Refused::instead(reason, format!("{near}({inner})"))
                    }
                    None => reason.into(),
                })
            }
        }
    }
}

text_form!(
    Transform,
    "a partition transform such as `day(placed_at)`",
    None,
    LW0305,
    Transform::parse
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_icebergs() {
        assert_eq!(
            Transform::parse("bucket(16, id)"),
            Ok(Transform::Bucket(16, ColumnName("id".into())))
        );
        assert_eq!(Transform::parse("days(at)").unwrap_err().instead.as_deref(), Some("day(at)"));
        assert!(Transform::parse("bucket(0, id)").is_err());
    }
}
