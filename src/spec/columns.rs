//! Columns of a table: names and types as the Data Catalog and Athena read them.

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::lake_formation::LfTags;
use super::words::text_form;
use crate::diagnostic;
use crate::record;
use crate::syntax::{Kind, Node};

/// Columns in their order; each a type, or a map with more to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns(pub Vec<Column>);

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: At<ColumnName>,
    pub kind: At<ColumnType>,
    pub description: Option<String>,
    pub lf_tags: LfTags,
}

record! {
    /// A column with more to say than its type.
    pub struct ColumnDetails {
        /// Its type: `string`, `bigint`, `decimal(10,2)`, `array<string>`, ...
        type_: At<ColumnType>,
        /// What it holds.
        description: Option<String>,
        /// LF-tags of the column.
        lf_tags: LfTags,
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

pub(super) const COLUMN: &str = "^[a-z0-9_]{1,255}$";

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
                            (Some(details.type_), details.description, details.lf_tags)
                        }
                        None => (None, None, LfTags::default()),
                    },
                    _ => (At::<ColumnType>::decode(&entry.value, decoder), None, LfTags::default()),
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
pub(super) fn column_name(key: &Node, decoder: &mut Decoder) -> Option<At<ColumnName>> {
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
    pub(super) fn unreadable(node: &Node) -> At<ColumnType> {
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
}
