//! `databases`: the Glue Data Catalog, and the tables in it.

use super::decode::{At, Decode, Decoder, Named, Shape, Whole, shortened};
use super::reference::Reference;
use super::words::text_form;
use crate::diagnostic::{self, Diagnostic};
use crate::names::Name;
use crate::syntax::{Kind, Node};
use crate::{choice, record};

record! {
    /// A database of the Glue Data Catalog.
    pub struct Database {
        /// What it describes.
        description: Option<String>,
        /// The name of a database that is not ours: referred to, never changed.
        existing: Option<At<DatabaseName>>,
        /// The database's own name. Default: `<lake>_<environment>_<name>`.
        name: Option<At<DatabaseName>>,
        /// Where its tables lie: a bucket or a prefix. Each table has a folder of its name below it.
        location: Option<At<Reference>>,
        /// Who decides about access: `iam`. (`lakeformation` and `hybrid` come with Lake Formation.)
        mode: Option<At<Mode>>,
        /// LF-tags of the database; they come with Lake Formation.
        lf_tags: super::Tags,
        /// Its tables.
        tables: Named<Table>,
        /// Whether the database is kept when it leaves the spec or the lake is destroyed. Default:
        /// `true`.
        protect: Option<At<bool>>,
    }
}

choice! {
    /// Who decides about access to a database.
    pub enum Mode {
        /// IAM and bucket policies alone.
        Iam = "iam",
        /// Lake Formation's grants, for everybody.
        LakeFormation = "lakeformation",
        /// Lake Formation's grants for those who are opted in, IAM for the rest.
        Hybrid = "hybrid",
    }
}

/// A database name that the Data Catalog takes as it is and Athena can quote: lower-case letters,
/// digits and underscores (Athena User Guide, "Name databases, tables, and columns").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatabaseName(pub String);

text_form!(DatabaseName, "a database name", Some("^[a-z0-9_]{1,255}$"), LW0305, |text| {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if (1..=255).contains(&text.len()) && text.bytes().all(ok) {
        Ok(DatabaseName(text.to_owned()))
    } else {
        Err("it has lower-case letters, digits and underscores, at most 255".to_owned())
    }
});

record! {
    /// A table: what the files at its location mean.
    pub struct Table {
        /// What a row is.
        description: Option<String>,
        /// How its files are written.
        format: At<Format>,
        /// Its columns, in this order.
        columns: Columns,
        /// For Iceberg: a list of columns and transforms, such as `day(placed_at)`. For the other
        /// formats: a map of the columns that are folders, each with its type.
        partition: Option<Partition>,
        /// Where its files lie. Default: a folder of its name below the database's location.
        location: Option<At<Reference>>,
        /// For CSV: how its files are written.
        csv: Option<Csv>,
        /// Whether the table is kept when it leaves the spec or the lake is destroyed. Default:
        /// `true`.
        protect: Option<At<bool>>,
    }
}

choice! {
    /// How the files of a table are written.
    pub enum Format {
        /// Apache Parquet.
        Parquet = "parquet",
        /// One JSON object a line.
        Json = "json",
        /// Delimited text.
        Csv = "csv",
        /// Apache Iceberg, version 2, with Parquet files.
        Iceberg = "iceberg",
    }
}

record! {
    /// How delimited text is written.
    pub struct Csv {
        /// What stands between two fields, one character. Default: a comma.
        delimiter: Option<At<String>>,
        /// What stands around a field that holds a delimiter, one character. Default: `"`.
        quote: Option<At<String>>,
        /// How many lines at the start of a file are a heading. Default: 0.
        header_lines: Option<At<Whole<0, 100>>>,
    }
}

/// Columns in their order; each a type, or a map with more to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns(pub Vec<Column>);

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: At<ColumnName>,
    pub kind: At<ColumnType>,
    pub description: Option<String>,
    /// Where LF-tags were asked for.
    pub lf_tags: Option<crate::source::Span>,
}

record! {
    /// A column with more to say than its type.
    pub struct ColumnDetails {
        /// Its type: `string`, `bigint`, `decimal(10,2)`, `array<string>`, ...
        type_: At<ColumnType>,
        /// What it holds.
        description: Option<String>,
        /// LF-tags of the column; they come with Lake Formation.
        lf_tags: super::Tags,
    }
}

/// A column's name: letters, digits and underscores, lower case (Athena User Guide, as above; Glue
/// folds names to lower case), at most 255.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnName(pub Box<str>);

impl ColumnName {
    /// Reads the form.
    pub fn parse(text: &str) -> Result<Self, super::words::Refused> {
        let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if (1..=255).contains(&text.len()) && text.bytes().all(ok) {
            return Ok(ColumnName(text.into()));
        }
        let reason = "a column has lower-case letters, digits and underscores";
        let lower = text.to_ascii_lowercase().replace([' ', '-'], "_");
        if !lower.is_empty() && lower.bytes().all(ok) {
            return Err(super::words::Refused::instead(reason, lower));
        }
        Err(reason.into())
    }
}

const COLUMN: &str = "^[a-z0-9_]{1,255}$";

text_form!(ColumnName, "a column name", Some(COLUMN), LW0305, ColumnName::parse);

impl Decode for Columns {
    fn shape() -> Shape {
        Shape::Map {
            keys: "a column's name",
            pattern: Some(COLUMN),
            empty: false,
            values: Box::new(Shape::Either(vec![ColumnType::shape(), ColumnDetails::shape()])),
        }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            return decoder.expected(node, "a map of columns and their types");
        };
        let mut columns = Vec::with_capacity(entries.len());
        for entry in entries {
            let column = decoder.under(&entry.key, |decoder| {
                let key = Node {
                    span: entry.key_span,
                    kind: Kind::Scalar { text: entry.key.clone(), quoted: false },
                };
                let name = column_name(&key, decoder);
                let (kind, description, lf_tags) = match &entry.value.kind {
                    Kind::Map(_) => match ColumnDetails::decode(&entry.value, decoder) {
                        Some(details) => {
                            let tags = (!details.lf_tags.0.is_empty()).then_some(entry.value.span);
                            (Some(details.type_), details.description, tags)
                        }
                        None => (None, None, None),
                    },
                    _ => (At::<ColumnType>::decode(&entry.value, decoder), None, None),
                };
                let kind = kind.unwrap_or_else(|| ColumnType::unreadable(&entry.value));
                Some(Column { name: name?, kind, description, lf_tags })
            });
            columns.extend(column);
        }
        Some(Columns(columns))
    }
}

/// The name of a column; one that is refused for a slip stands for what was meant, so that those who
/// refer to the column find it.
fn column_name(key: &Node, decoder: &mut Decoder) -> Option<At<ColumnName>> {
    let mended = || {
        let refused = ColumnName::parse(key.text()?).err()?;
        Some(At { value: ColumnName(refused.instead?.into()), span: key.span })
    };
    At::<ColumnName>::decode(key, decoder).or_else(mended)
}

/// A type of Hive's, as the Data Catalog and Athena read it ("Data types in Amazon Athena"):
/// primitives, `decimal(p,s)`, `char(n)`, `varchar(n)`, and `array<>`, `map<,>`, `struct<:>` of types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnType(pub Box<str>);

impl ColumnType {
    const PRIMITIVES: [&'static str; 13] = [
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "string",
        "binary",
        "date",
        "timestamp",
        "timestamptz",
        "uuid",
    ];

    /// Stands for a type that could not be read, which was reported.
    fn unreadable(node: &Node) -> At<ColumnType> {
        At { value: ColumnType("".into()), span: node.span }
    }

    /// Whether the type could be read; where not, nothing can be said about it.
    pub fn is_readable(&self) -> bool {
        !self.0.is_empty()
    }

    /// Reads a type. `integer`, `long` and their like are other languages' words: the error names
    /// Hive's.
    pub fn parse(text: &str) -> Result<Self, super::words::Refused> {
        let compact: String = text.chars().filter(|c| *c != ' ').collect();
        let rest = Self::one(&compact, 0)?;
        if !rest.is_empty() {
            return Err(format!("`{rest}` is left over after the type").into());
        }
        Ok(ColumnType(compact.into()))
    }

    /// Reads one type from the start of `text`, and gives back what follows it.
    fn one(text: &str, depth: usize) -> Result<&str, super::words::Refused> {
        use super::words::Refused;
        if depth > 16 {
            return Err("types are nested at most 16 deep".into());
        }
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let open = |rest: &'_ str, sign: char| rest.starts_with(sign);
        match word {
            "decimal" => {
                let (inner, rest) = parenthesised(rest).ok_or("a decimal reads `decimal(10,2)`")?;
                let numbers: Vec<u32> = inner.split(',').filter_map(|n| n.parse().ok()).collect();
                match numbers[..] {
                    [precision @ 1..=38, scale] if scale <= precision => Ok(rest),
                    _ => Err("a decimal has a precision of 1 to 38 and a scale of at most that: `decimal(10,2)`".into()),
                }
            }
            "char" | "varchar" => {
                let most = if word == "char" { 255 } else { 65_535 };
                match parenthesised(rest) {
                    Some((n, rest)) if n.parse::<u32>().is_ok_and(|n| (1..=most).contains(&n)) => {
                        Ok(rest)
                    }
                    _ => Err(format!("it reads `{word}(n)`, with n from 1 to {most}").into()),
                }
            }
            "array" if open(rest, '<') => closed(Self::one(&rest[1..], depth + 1)?, "array"),
            "map" if open(rest, '<') => {
                let rest = Self::one(&rest[1..], depth + 1)?;
                let rest =
                    rest.strip_prefix(',').ok_or("a map has two types: `map<string,int>`")?;
                closed(Self::one(rest, depth + 1)?, "map")
            }
            "struct" if open(rest, '<') => {
                let mut rest = &rest[1..];
                loop {
                    let (field, after) = rest.split_once(':').ok_or("a field reads `name:type`")?;
                    ColumnName::parse(field).map_err(|refused| refused.reason)?;
                    rest = Self::one(after, depth + 1)?;
                    match rest.strip_prefix(',') {
                        Some(next) => rest = next,
                        None => return closed(rest, "struct"),
                    }
                }
            }
            "array" | "map" | "struct" => Err(format!("it reads `{word}<...>`").into()),
            word if Self::PRIMITIVES.contains(&word) => Ok(rest),
            other => {
                let meant = match other.to_ascii_lowercase().as_str() {
                    "integer" | "int32" | "number" => Some("int"),
                    "long" | "int64" => Some("bigint"),
                    "text" | "str" => Some("string"),
                    "bool" => Some("boolean"),
                    "datetime" => Some("timestamp"),
                    "numeric" => Some("decimal(10,2)"),
                    lower => diagnostic::nearest(lower, Self::PRIMITIVES),
                };
                let reason = format!("`{}` is no type of the Data Catalog", shortened(other));
                Err(match meant {
                    Some(meant) if depth == 0 && rest.is_empty() => Refused::instead(reason, meant),
                    _ => reason.into(),
                })
            }
        }
    }
}

fn parenthesised(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('(')?.split_once(')')
}

fn closed<'t>(rest: &'t str, word: &str) -> Result<&'t str, super::words::Refused> {
    rest.strip_prefix('>').ok_or_else(|| format!("`{word}<` is not closed").into())
}

text_form!(ColumnType, "a column type", None, LW0307, ColumnType::parse);

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

/// A name that a table may have: as a name of the spec, with underscores instead of hyphens.
pub fn check_table_name(name: &At<Name>) -> Option<Diagnostic> {
    name.as_str().contains('-').then(|| {
        let mended = name.as_str().replace('-', "_");
        Diagnostic::error(
            diagnostic::LW0206,
            name.span,
            format!("`{name}` cannot be a table's name"),
        )
        .note("Athena takes letters, digits and underscores only")
        .help(format!("write `{mended}`, here and where it is referred to"))
        .fix(name.span, mended)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_types_are_hives() {
        for good in [
            "string",
            "decimal(10,2)",
            "array<map<string,struct<a:int,b:array<double>>>>",
            "varchar(20)",
            "map<string, int>",
        ] {
            assert!(ColumnType::parse(good).is_ok(), "{good}: {:?}", ColumnType::parse(good));
        }
        for bad in [
            "integer",
            "decimal",
            "decimal(39,2)",
            "decimal(4,5)",
            "array<string",
            "map<string>",
            "struct<a>",
            "varchar(0)",
            "string string",
            "",
            "array",
        ] {
            assert!(ColumnType::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(ColumnType::parse("long").unwrap_err().instead.as_deref(), Some("bigint"));
    }

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
