//! `databases`: the Glue Data Catalog, and the tables in it.

use super::decode::{At, Decode, Decoder, Named, Shape, Whole, shortened};
use super::lake_formation::LfTags;
use super::reference::Reference;
use super::words::text_form;
use crate::diagnostic::{self, Diagnostic};
use crate::names::Name;
use crate::syntax::Node;
use crate::{choice, record};

pub use super::columns::{Column, ColumnDetails, ColumnName, ColumnType, Columns};
pub use super::partitions::{
    Partition, PartitionColumn, PartitionDetails, Projection, ProjectionKind, ProjectionUnit, Text,
    Transform,
};

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
        /// Who decides about access: IAM alone, Lake Formation for everybody, or Lake Formation for
        /// what IAM cannot say. Default: `iam`.
        mode: Option<At<Mode>>,
        /// LF-tags of the database and of all that is in it; a table or a column can have another
        /// value.
        lf_tags: LfTags,
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
        /// IAM where it can say what is meant, Lake Formation for the rest: columns, rows, hidden
        /// columns, LF-tags, other accounts.
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
        /// LF-tags of the table and its columns.
        lf_tags: LfTags,
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
