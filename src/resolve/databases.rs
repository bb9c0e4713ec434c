//! Databases and tables: where their files lie, what they are called in the Data Catalog.

use std::collections::BTreeMap;

use super::{Resolver, or};
use crate::diagnostic::{self, Diagnostic};
use crate::lake::places::{Bucket, Database, Location, Table};
use crate::names::Name;
use crate::spec;
use crate::spec::databases::{Mode, check_table_name};
use crate::spec::decode::{At, Item};

impl Resolver<'_> {
    pub(super) fn databases(
        &mut self,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> BTreeMap<Name, Database> {
        let spec = self.spec;
        spec.databases
            .iter()
            .map(|item| (item.name.value.clone(), self.database(item, buckets)))
            .collect()
    }

    fn database(
        &mut self,
        item: &Item<spec::databases::Database>,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> Database {
        let (name, given) = (&item.name, &item.value);
        let path = format!("databases.{name}");
        let location = given
            .location
            .as_ref()
            .and_then(|at| self.location(&at.value, at.span, &format!("{path}.location")));
        if given.existing.is_some() {
            self.no_others(
                &path,
                &[
                    ("name", given.name.as_ref().map(|at| at.span)),
                    ("tables", given.tables.iter().next().map(|table| table.name.span)),
                    ("lf_tags", given.lf_tags.0.first().map(|tag| tag.key.span)),
                    ("protect", given.protect.as_ref().map(|at| at.span)),
                ],
            );
        }
        let mut tables = BTreeMap::new();
        for table in given.tables.iter() {
            if let Some(resolved) = self.table(name, location.as_ref(), table, buckets) {
                tables.insert(table.name.value.clone(), resolved);
            }
        }
        if let Some(At { value: false, span }) = given.protect {
            self.opt_out(
                span,
                format!("{path}.protect"),
                format!("database `{name}` is deleted with the lake"),
            );
        }
        let catalog_name = match (&given.existing, &given.name) {
            (Some(existing), _) => existing.value.0.clone(),
            (None, Some(own)) => self.naming.own(&own.value.0, 1).replace('-', "_"),
            (None, None) => self.naming.catalog(name.as_str()),
        };
        Database {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            catalog_name,
            existing: given.existing.is_some(),
            location,
            mode: or(&given.mode, Mode::Iam),
            mode_span: given.mode.as_ref().map_or(name.span, |at| at.span),
            lf_tags: given.lf_tags.clone(),
            tables,
            protect: or(&given.protect, true),
        }
    }

    fn table(
        &mut self,
        database: &At<Name>,
        folder: Option<&Location>,
        item: &Item<spec::databases::Table>,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> Option<Table> {
        let (name, given) = (&item.name, &item.value);
        let path = format!("databases.{database}.tables.{name}");
        if let Some(diagnostic) = check_table_name(name) {
            self.report(diagnostic, &path);
        }
        let own = given
            .location
            .as_ref()
            .map(|at| self.location(&at.value, at.span, &format!("{path}.location")));
        let location = match (own, folder) {
            (Some(own), _) => own?,
            (None, Some(folder)) => Location {
                bucket: folder.bucket.clone(),
                prefix: format!("{}{name}/", folder.prefix),
            },
            (None, None) => {
                let said =
                    self.spec.databases.iter().any(|item| {
                        item.name.value == database.value && item.value.location.is_some()
                    });
                let unread = [format!("databases.{database}.location"), format!("{path}.location")];
                if !said && !unread.iter().any(|path| self.unreadable(path)) {
                    let known: Vec<&str> = buckets.keys().map(Name::as_str).collect();
                    let diagnostic = Diagnostic::error(
                        diagnostic::LW0202,
                        name.span,
                        format!("table `{database}.{name}` has no place for its files"),
                    )
                    .help(format!(
                        "give the database a location: `location: {}/{database}/`",
                        known.first().unwrap_or(&"BUCKET")
                    ));
                    self.report(diagnostic, &path);
                }
                return None;
            }
        };
        if let Some(At { value: false, span }) = given.protect {
            let what = format!("table `{database}.{name}` is deleted with the lake");
            self.opt_out(span, format!("{path}.protect"), what);
        }
        Some(Table {
            name: name.value.clone(),
            database: database.value.clone(),
            span: name.span,
            description: given.description.clone(),
            format: given.format.value,
            columns: given.columns.clone(),
            partition: given.partition.clone(),
            location,
            location_span: given.location.as_ref().map_or(name.span, |at| at.span),
            lf_tags: given.lf_tags.clone(),
            csv: given.csv.clone(),
            protect: or(&given.protect, true),
        })
    }
}
