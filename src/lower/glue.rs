//! The Data Catalog: databases and tables, and what of it a role is given. What a table is stands in `tables`, the jobs that
//! write them in `pipelines`.

use super::tables::{HIVE_CAUSES, ICEBERG_CAUSES, hive_input, iceberg_format};
use super::{Lowering, database_id, s3_uri, some, table_id};
use crate::document::Value;
use crate::graph::{self, Part, Resource};
use crate::lake::places::Location;
use crate::lake::{Database, Table};
use crate::names::Name;
use crate::policy::{Argument, Statement};
use crate::spec::databases::{Format, Mode};

impl Lowering<'_> {
    pub(super) fn catalog(&mut self) {
        let lake = self.lake;
        // What is in a database that is not ours is not ours either: LW0211 refuses tables there.
        for database in lake.databases.values().filter(|database| !database.existing) {
            self.database(database);
            for table in database.tables.values() {
                self.table(database, table);
            }
        }
    }

    fn database(&mut self, database: &Database) {
        let home = &self.lake.home;
        let mut resource = Resource::new(
            database_id(&database.name),
            "AWS::Glue::Database",
            &home.region,
            Part::Catalog,
            database.path(),
        );
        let location = database.location.as_ref().map(|location| self.uri(location).into());
        let input = some([
            ("Name", Some(database.catalog_name.clone().into())),
            ("Description", database.description.clone().map(Value::from)),
            ("LocationUri", location),
            // Else whatever the account gives by default: everything, to everybody whom IAM lets in.
            (
                "CreateTableDefaultPermissions",
                (database.mode == Mode::LakeFormation).then(|| Value::List(Vec::new())),
            ),
        ]);
        resource
            .set("CatalogId", home.account.as_str().to_owned())
            .set("DatabaseInput", Value::Map(input))
            .caused("DatabaseInput.Name", ".name")
            .caused("DatabaseInput.Description", ".description")
            .caused("DatabaseInput.LocationUri", ".location");
        resource.keep = database.protect;
        resource.knows("Ref", database.catalog_name.clone());
        self.graph.add(resource);
    }

    fn table(&mut self, database: &Database, table: &Table) {
        let home = &self.lake.home;
        let mut resource = Resource::new(
            table_id(&table.database, &table.name),
            "AWS::Glue::Table",
            &home.region,
            Part::Catalog,
            table.path(),
        );
        resource
            .set("CatalogId", home.account.as_str().to_owned())
            .set("DatabaseName", graph::reference(&database_id(&database.name)));
        let location = self.uri(&table.location);
        if table.format == Format::Iceberg {
            resource.set("Name", table.name.to_string());
            resource.set("OpenTableFormatInput", iceberg_format(table, location));
            for (property, from) in ICEBERG_CAUSES {
                resource.caused(property, from);
            }
        } else {
            resource.set("TableInput", hive_input(table, &location));
            for (property, from) in HIVE_CAUSES {
                resource.caused(property, from);
            }
        }
        resource.caused(
            match table.format {
                Format::Iceberg => "OpenTableFormatInput.IcebergInput.IcebergTableInput.Location",
                _ => "TableInput.StorageDescriptor.Location",
            },
            match table.location_span == table.span {
                true => format!("{}.location", database.path()),
                false => ".location".to_owned(),
            },
        );
        resource.keep = table.protect && database.protect;
        self.graph.add(resource);
    }

    /// How Spark and the Data Catalog write a location.
    pub(super) fn uri(&self, location: &Location) -> String {
        s3_uri(&self.bucket(location).bucket_name, &location.prefix)
    }

    pub(super) fn find_table(&self, database: &Name, table: &Name) -> Option<&Table> {
        self.lake.databases.get(database)?.tables.get(table)
    }

    /// A document of the catalog, filled for a database and some of its tables.
    pub(super) fn catalog_access(
        &self,
        document: &str,
        database: &Name,
        tables: &[&Name],
    ) -> Vec<Statement> {
        let Some(found) = self.lake.databases.get(database) else { return Vec::new() };
        let tables: Vec<String> = tables.iter().map(|table| table.to_string()).collect();
        let mut arguments: Vec<(&str, Argument)> =
            vec![("database", found.catalog_name.clone().into())];
        if !tables.is_empty() {
            arguments.push(("tables", tables.into()));
        }
        self.fill_here(document, &arguments)
    }

    /// Where the tables of a database lie: its own location, and those of tables elsewhere.
    pub(super) fn locations_of(&self, database: &Name) -> Vec<Location> {
        let Some(found) = self.lake.databases.get(database) else { return Vec::new() };
        let mut locations: Vec<Location> = found.location.iter().cloned().collect();
        for table in found.tables.values() {
            if !locations.iter().any(|location| location.contains(&table.location)) {
                locations.push(table.location.clone());
            }
        }
        locations
    }
}
