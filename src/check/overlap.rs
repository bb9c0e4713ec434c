//! Nothing claims the objects of another (LW0310; LW0211 for a source in a table of another format).
//!
//! A table reads everything below its location, so a second table or a stranger's data in there shows
//! up as its rows; two sources in one place cannot be told apart, neither by a reader nor by an alarm.

use std::collections::BTreeMap;

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::places::Location;
use crate::lake::{Lake, Source, Table};
use crate::source::Span;
use crate::spec::databases::Format;

/// Something that has a location to itself.
struct Claim<'a> {
    location: &'a Location,
    name: String,
    path: String,
    span: Span,
}

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    let tables = || lake.databases.values().flat_map(|database| database.tables.values());
    let claims = tables().map(|table| Claim {
        location: &table.location,
        name: format!("{}.{}", table.database, table.name),
        path: table.path(),
        span: table.location_span,
    });
    apart("table", claims.collect(), found);
    let claims = lake.sources.values().map(|source| Claim {
        location: &source.into.value,
        name: source.name.to_string(),
        path: format!("{}.into", source.path()),
        span: source.into.span,
    });
    apart("source", claims.collect(), found);

    let by_location: BTreeMap<&Location, &Table> =
        tables().map(|table| (&table.location, table)).collect();
    for source in lake.sources.values() {
        if let Some(table) = around(&source.into.value, &by_location) {
            lands(source, table, found);
        }
    }
}

/// Reports each claim that lies in another one. Sorted by place, what contains comes before what it
/// contains, so a stack of the containing ones is enough.
fn apart(what: &str, mut claims: Vec<Claim>, found: &mut Diagnostics) {
    claims.sort_by(|a, b| (a.location, a.span).cmp(&(b.location, b.span)));
    let mut around: Vec<&Claim> = Vec::new();
    for claim in &claims {
        while around.last().is_some_and(|outer| !outer.location.contains(claim.location)) {
            around.pop();
        }
        if let Some(outer) = around.last() {
            overlapping(what, outer, claim, found);
        }
        around.push(claim);
    }
}

fn overlapping(what: &str, outer: &Claim, inner: &Claim, found: &mut Diagnostics) {
    let same = outer.location == inner.location;
    let (headline, first) = if same {
        let headline =
            format!("{what}s `{}` and `{}` share `{}`", outer.name, inner.name, inner.location);
        (headline, format!("{what} `{}` is there already", outer.name))
    } else {
        let headline = format!(
            "{what} `{}` (`{}`) lies in {what} `{}` (`{}`)",
            inner.name, inner.location, outer.name, outer.location
        );
        (headline, format!("{what} `{}` has everything below `{}`", outer.name, outer.location))
    };
    let free = format!("{}/{}/", inner.location.bucket, inner.name.replace('.', "/"));
    let key = if what == "table" { "location" } else { "into" };
    found.push(
        Diagnostic::error(diagnostic::LW0310, inner.span, headline_of(headline))
            .also(outer.span, first)
            .at(&*inner.path)
            .help(format!("give each {what} a prefix of its own, such as `{key}: {free}`")),
    );
}

/// The table whose objects those at a location would be.
fn around<'a>(location: &Location, tables: &BTreeMap<&Location, &'a Table>) -> Option<&'a Table> {
    let ends = location.prefix.match_indices('/').map(|(at, _)| at + 1);
    let ends: Vec<usize> = std::iter::once(0).chain(ends).collect();
    ends.into_iter().rev().find_map(|end| {
        let prefix = location.prefix[..end].into();
        tables.get(&Location { bucket: location.bucket.clone(), prefix }).copied()
    })
}

/// A source delivers into a table: it has to be its own, and of a format that Firehose writes.
fn lands(source: &Source, table: &Table, found: &mut Diagnostics) {
    let name = format!("{}.{}", table.database, table.name);
    let own =
        source.table.as_ref().filter(|at| at.value.0 == table.database && at.value.1 == table.name);
    match own {
        None => {
            let headline =
                format!("source `{}` lands in table `{name}`, which is not its own", source.name);
            found.push(
                Diagnostic::error(diagnostic::LW0310, source.into.span, headline)
                    .also(table.location_span, format!("the table has everything below `{}`", table.location))
                    .at(format!("{}.into", source.path()))
                    .help(format!("let it land elsewhere, or say that the records are the table's: `table: {name}`")),
            );
        }
        // Firehose writes Parquet where it converts, plain objects that no Iceberg metadata knows:
        // Firehose developer guide, "Convert input data format".
        Some(at) if table.format != Format::Parquet => {
            let headline = format!(
                "source `{}` lands in table `{name}` as Parquet, and the table is {}",
                source.name,
                table.format.as_str()
            );
            found.push(
                Diagnostic::error(diagnostic::LW0211, at.span, headline)
                    .also(table.span, format!("its format is `{}`", table.format.as_str()))
                    .at(format!("{}.table", source.path()))
                    .note("Firehose converts records to Parquet files and keeps no Iceberg metadata")
                    .help("land in a prefix of its own and let a pipeline write the table, or make the table `format: parquet`"),
            );
        }
        Some(_) => {}
    }
}
