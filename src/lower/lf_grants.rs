//! Who asks Lake Formation for what, and the half of it that stands in identity policies.
//!
//! In: entries of `access`, pipelines, sources. Out: requests for grants (`permits` makes each once),
//! filters of rows, and the statements for the catalog and the loan of credentials. INVARIANT: a
//! restriction is granted as a list of columns or a filter, and nothing beside it on that table.

use super::lakeformation::{owned, sorted};
use super::permits::{Ask, On, Permits, hash};
use super::{Lowering, table_id};
use crate::document;
use crate::document::Value;
use crate::graph::{Part, Resource};
use crate::lake::access::{Access, Verb};
use crate::lake::formation::{self, Through};
use crate::lake::naming::logical_id;
use crate::lake::places::Place;
use crate::lake::{Database, Table};
use crate::names::{LogicalId, Name};
use crate::policy::Statement;
use crate::spec::databases::{Format, Mode};
use crate::spec::decode::At;
use crate::spec::lake_formation::TagExpression;
use crate::spec::reference::Principal;

/// What reading a table takes; DESCRIBE is seeing its schema.
const READ: &[&str] = &["DESCRIBE", "SELECT"];

impl Lowering<'_> {
    /// What an entry of `access` asks of Lake Formation.
    pub(super) fn ask_for(
        &mut self,
        access: &Access,
        settings: Option<&LogicalId>,
        permits: &mut Permits,
    ) {
        let path = access.path();
        for who in &access.who {
            let Some(id) = self.grantee_id(&who.value) else { continue };
            let called = (id, who.value.to_string());
            // An account hands on what it is given to roles of its own; that takes the grant option.
            let delegates = matches!(
                who.value,
                Principal::Account(_) | Principal::OrganizationalUnit(_) | Principal::Organization
            );
            for grant in &access.grants {
                let place = &grant.place.value;
                if self.lake.through(access, &who.value, place) == Through::Iam {
                    continue;
                }
                let cause = format!("{path}.{}", grant.verb.as_str());
                let with_grant_option = delegates || grant.verb == Verb::Admin;
                let mut ask = |on: On, permissions: &[&'static str], columns: Option<Vec<&str>>| {
                    permits.ask(Ask {
                        who: &called,
                        on,
                        permissions,
                        with_grant_option,
                        columns,
                        cause: &cause,
                    });
                };
                let tables = self.lake.tables_at(place);
                match (grant.verb, place) {
                    (Verb::Read, _) if access.restriction.is_any() => {
                        for (database, table) in tables {
                            let columns = formation::visible(&access.restriction, database, table);
                            if columns.is_empty() {
                                continue;
                            }
                            ask(On::Database(database.name.clone()), &["DESCRIBE"], None);
                            let (of, name) = (database.name.clone(), table.name.clone());
                            match self.filter(access, database, table, &columns, settings) {
                                Some((filter, id)) => {
                                    ask(On::Rows(of, name, filter, id), &["SELECT"], None);
                                }
                                None => ask(On::Table(of, name), &["SELECT"], Some(columns)),
                            }
                        }
                    }
                    (Verb::Read, Place::Database(database)) => {
                        ask(On::Database(database.clone()), &["DESCRIBE"], None);
                        ask(On::Tables(database.clone()), READ, None);
                    }
                    (Verb::Read, Place::Table { database, table }) => {
                        ask(On::Database(database.clone()), &["DESCRIBE"], None);
                        ask(On::Table(database.clone(), table.clone()), READ, None);
                    }
                    (verb, _) => {
                        for (database, table) in tables {
                            ask(On::Database(database.name.clone()), &["DESCRIBE"], None);
                            let on = On::Table(database.name.clone(), table.name.clone());
                            ask(on, permissions(verb, table), None);
                        }
                    }
                }
            }
            if let Some(tagged) = &access.tagged {
                let cause = format!("{path}.lf_tags");
                let expression = sorted(&tagged.value);
                for (kind, permissions) in [("DATABASE", &["DESCRIBE"][..]), ("TABLE", READ)] {
                    permits.ask(Ask {
                        who: &called,
                        on: On::Tagged(kind, expression.clone()),
                        permissions,
                        with_grant_option: delegates,
                        columns: None,
                        cause: &cause,
                    });
                }
            }
        }
    }

    /// The rows and columns that an entry leaves of a table. Its name ends in a hash of what it says: a
    /// filter that says something else is another one, with a grant of its own, since a grant is lost
    /// with its filter.
    fn filter(
        &mut self,
        access: &Access,
        database: &Database,
        table: &Table,
        columns: &[&str],
        settings: Option<&LogicalId>,
    ) -> Option<(String, LogicalId)> {
        let rows = access.restriction.rows.as_ref()?;
        let mut sorted: Vec<&str> = columns.to_vec();
        sorted.sort_unstable();
        let text = rows.value.split_whitespace().collect::<Vec<_>>().join(" ");
        let hash = hash(&format!("{text}\n{}", sorted.join(",")));
        let name = format!("{}-{hash}", self.lake.naming.thing(access.name.as_str()));
        let names = [database.name.as_str(), table.name.as_str(), access.name.as_str(), &hash];
        let id = logical_id("LfRows", &names);
        if self.graph.get(&id).is_none() {
            let mut filter = Resource::new(
                id.clone(),
                "AWS::LakeFormation::DataCellsFilter",
                &self.lake.home.region,
                Part::Access,
                table.path(),
            );
            let columns: Value = sorted.into_iter().map(owned).collect();
            filter
                .set("TableCatalogId", self.lake.home.account.as_str().to_owned())
                .set("DatabaseName", database.catalog_name.clone())
                .set("TableName", table.name.to_string())
                .set("Name", name.clone())
                .set_from("ColumnNames", format!("{}.columns", access.path()), columns)
                .set_from(
                    "RowFilter",
                    format!("{}.rows", access.path()),
                    document!({"FilterExpression": (text)}),
                );
            filter.after.push(table_id(&database.name, &table.name));
            filter.after.extend(settings.cloned());
            self.graph.add(filter);
        }
        Some((name, id))
    }

    /// Pipelines and sources: their roles read and write objects themselves, and ask the catalog about
    /// tables, which Lake Formation decides about.
    pub(super) fn flows(&mut self, permits: &mut Permits) {
        let lake = self.lake;
        for pipeline in lake.pipelines.values() {
            let id = logical_id("RolePipeline", &[pipeline.name.as_str()]);
            let who = match &pipeline.role {
                Some(role) => match self.grantee_id(&role.value) {
                    Some(arn) => (arn, role.value.to_string()),
                    None => continue,
                },
                None => (
                    lake.home.iam_arn(None, "role", &pipeline.role_name),
                    format!("role/{}", pipeline.role_name),
                ),
            };
            let path = pipeline.path();
            for (verb, places) in [(Verb::Read, &pipeline.read), (Verb::Write, &pipeline.write)] {
                for place in places {
                    self.ask_for_flow(&who, verb, &place.value, &path, permits);
                }
            }
            if pipeline.role.is_none() {
                permits.after(&who, &id);
            }
        }
        for source in lake.sources.values() {
            let Some(At { value: (database, table), .. }) = &source.table else { continue };
            let id = logical_id("RoleSource", &[source.name.as_str()]);
            let role = self.graph.get(&id).and_then(|role| role.properties.get("RoleName"));
            let Some(role) = role.and_then(Value::as_str).map(str::to_owned) else { continue };
            let who = (lake.home.iam_arn(None, "role", &role), format!("role/{role}"));
            let place = Place::Table { database: database.clone(), table: table.clone() };
            self.ask_for_flow(&who, Verb::Read, &place, &source.path(), permits);
            permits.after(&who, &id);
        }
    }

    fn ask_for_flow(
        &self,
        who: &(String, String),
        verb: Verb,
        place: &Place,
        cause: &str,
        permits: &mut Permits,
    ) {
        if self.lake.mode_of(place) != Mode::LakeFormation {
            return;
        }
        let mut ask = |on: On, permissions: &[&'static str]| {
            let with_grant_option = false;
            permits.ask(Ask { who, on, permissions, with_grant_option, columns: None, cause });
        };
        if let Place::Database(database) = place {
            ask(On::Database(database.clone()), &["DESCRIBE"]);
            ask(On::Tables(database.clone()), READ);
            return;
        }
        let Place::Table { database, table } = place else { return };
        ask(On::Database(database.clone()), &["DESCRIBE"]);
        let on = On::Table(database.clone(), table.clone());
        match verb {
            Verb::Read => ask(on, READ),
            _ => ask(on, &["ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"]),
        }
    }

    // --- the identity half --------------------------------------------------------------------

    /// What the policy of somebody says who is granted a place through Lake Formation: the catalog's
    /// entries and the loan of credentials, never the objects.
    pub(super) fn identity_half(
        &self,
        access: &Access,
        verb: Verb,
        place: &Place,
    ) -> Vec<Statement> {
        let mut statements = self.fill_here("lf-data-access", &[]);
        let whole = verb == Verb::Read && !access.restriction.is_any();
        match place {
            Place::Database(database) if whole => {
                statements.extend(self.catalog_access("glue-read-database", database, &[]));
            }
            Place::Table { database, table } if whole => {
                statements.extend(self.catalog_access("glue-read", database, &[table]));
            }
            _ => {}
        }
        for (database, table) in self.lake.tables_at(place).into_iter().filter(|_| !whole) {
            let (of, tables): (&Name, [&Name; 1]) = (&database.name, [&table.name]);
            statements.extend(self.catalog_access("glue-read", of, &tables));
            if matches!(verb, Verb::Write | Verb::Admin) {
                statements.extend(self.catalog_access("glue-write-partitions", of, &tables));
            }
            if permissions(verb, table).contains(&"ALTER") {
                statements.extend(self.catalog_access("glue-write-table", of, &tables));
            }
        }
        statements
    }

    /// The same for what is granted by LF-tags: the databases that hold something with them.
    pub(super) fn identity_half_by_tags(&self, expression: &TagExpression) -> Vec<Statement> {
        let mut statements = self.fill_here("lf-data-access", &[]);
        for database in self.lake.carrying(expression) {
            statements.extend(self.catalog_access("glue-read-database", &database.name, &[]));
        }
        statements
    }
}

/// What a verb takes on a table. An Iceberg table is moved on to its newest metadata by those who write
/// it, which changes the table.
fn permissions(verb: Verb, table: &Table) -> &'static [&'static str] {
    match (verb, table.format) {
        (Verb::Read, _) => READ,
        (Verb::Write, Format::Iceberg) => &["ALTER", "DESCRIBE", "INSERT"],
        (Verb::Write, _) => &["DESCRIBE", "INSERT"],
        (Verb::Delete, _) => &["DELETE", "DESCRIBE"],
        (Verb::Admin, _) => &["ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"],
    }
}
