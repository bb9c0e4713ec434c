//! Lake Formation: settings, registered locations, LF-tags, and who is asked to be granted what.
//!
//! In: databases in mode `lakeformation` or `hybrid`, entries of `access` on them, flows that use them.
//! Out: `AWS::LakeFormation::*` beside the databases, and grants (`permits`) in the stack of access; the
//! other accounts' part stands in `shares`. INVARIANT: whoever is granted something here gets no
//! statement on the objects; the role that reads them is ours, registered for one place, and taken by
//! Lake Formation alone.

use super::permits::{Ask, On, Permits, hash, registration_id, tag_id};
use super::{Lowering, table_id};
use crate::document;
use crate::document::Value;
use crate::graph::{self, Part, Resource};
use crate::lake::access::{Access, Verb};
use crate::lake::formation::{self, TagsOf, Through};
use crate::lake::naming::logical_id;
use crate::lake::places::{Location, Place};
use crate::lake::{Database, Table};
use crate::names::{LogicalId, Name};
use crate::policy::Statement;
use crate::policy::grant::Level;
use crate::spec::databases::{Format, Mode};
use crate::spec::decode::At;
use crate::spec::lake_formation::TagExpression;
use crate::spec::reference::Principal;

/// What reading a table takes; DESCRIBE is seeing its schema.
const READ: &[&str] = &["DESCRIBE", "SELECT"];

impl Lowering<'_> {
    /// Everything that Lake Formation has to know, after flows and access have made their roles.
    pub(super) fn lake_formation(&mut self) {
        let lake = self.lake;
        if lake.governed().next().is_none() {
            return;
        }
        let settings = self.settings();
        let mut permits = Permits::default();
        self.lf_tags(settings.as_ref());
        for database in lake.governed().filter(|database| !database.existing) {
            self.registration(database, settings.as_ref(), &mut permits);
        }
        for access in lake.access.values() {
            self.ask_for(access, settings.as_ref(), &mut permits);
        }
        self.flows(&mut permits);
        self.permits(permits, settings.as_ref());
        self.shares();
    }

    /// The administrators, beside those that the account has: `APPEND` ("MutationType",
    /// AWS::LakeFormation::DataLakeSettings). The defaults for new databases and tables are not
    /// touched, since CloudFormation cannot clear them (cloudformation-coverage-roadmap#2197). The
    /// settings are the account's, not the lake's: they stay when the lake goes.
    fn settings(&mut self) -> Option<LogicalId> {
        let given = self.lake.lake_formation.as_ref().filter(|given| !given.admins.is_empty())?;
        let mut admins: Vec<String> =
            given.admins.iter().filter_map(|admin| self.grantee_id(&admin.value)).collect();
        admins.sort();
        admins.dedup();
        let id = logical_id("LakeFormationSettings", &[]);
        let one = |arn: String| document!({"DataLakePrincipalIdentifier": (arn)});
        let mut resource = Resource::new(
            id.clone(),
            "AWS::LakeFormation::DataLakeSettings",
            &self.lake.home.region,
            Part::Catalog,
            "lake_formation",
        );
        resource
            .set_from("Admins", ".admins", admins.into_iter().map(one).collect::<Value>())
            .set("MutationType", "APPEND");
        resource.keep = true;
        self.graph.add(resource);
        Some(id)
    }

    // --- registered locations ----------------------------------------------------------------

    /// The places of a database that no other database registers: where two registered places would
    /// lie in each other, the outer one counts, and of equal ones that of the first database.
    fn registered(&self, database: &Database) -> Vec<Location> {
        let mut own = self.locations_of(&database.name);
        own.retain(|location| {
            self.lake.governed().filter(|other| !other.existing && other.name != database.name).all(
                |other| {
                    self.locations_of(&other.name).iter().all(|theirs| {
                        let equal = theirs == location;
                        !theirs.contains(location) || equal && database.name < other.name
                    })
                },
            )
        });
        own.sort();
        own
    }

    /// What Lake Formation calls a place: an ARN without the slash at its end.
    fn location_arn(&self, location: &Location) -> String {
        let bucket = self.bucket_arn(&self.bucket(location).bucket_name);
        match location.prefix.trim_end_matches('/') {
            "" => bucket,
            prefix => format!("{bucket}/{prefix}"),
        }
    }

    /// The role that reads and writes the objects of a database for Lake Formation, and the places
    /// that it is registered for.
    fn registration(
        &mut self,
        database: &Database,
        settings: Option<&LogicalId>,
        permits: &mut Permits,
    ) {
        let locations = self.registered(database);
        if locations.is_empty() {
            return;
        }
        let path = database.path();
        let names = [database.name.as_str()];
        let id = logical_id("RoleLakeFormation", &names);
        let name = self.lake.registration_role(&database.name);
        let mut trust = self.fill_here("trust-lake-formation", &[]);
        let centred = self.lake.access.values().flat_map(|access| &access.who);
        if centred.into_iter().any(|who| matches!(who.value, Principal::IdentityCenter { .. })) {
            trust.extend(self.fill_here("trust-lake-formation-context", &[]));
        }
        let lake = self.lake.naming.lake_id();
        let description = format!("Reads and writes {path} of lake {lake} for Lake Formation");
        let role = self.own_role(id.clone(), Part::Catalog, &path, &name, description, trust);
        self.graph.add(role);
        let arn = self.lake.home.iam_arn(None, "role", &name);
        let mut statements = Vec::new();
        for location in &locations {
            for level in [Level::Read, Level::Write, Level::Delete] {
                statements.extend(self.own_access(&arn, level, location));
            }
        }
        self.managed_policies(
            "PolicyRoleLakeFormation",
            &names,
            Part::Catalog,
            &path,
            ("Roles", graph::reference(&id)),
            statements,
            database.span,
        );
        let tables: Vec<LogicalId> =
            database.tables.keys().map(|table| table_id(&database.name, table)).collect();
        for location in &locations {
            let arn = self.location_arn(location);
            let mut resource = Resource::new(
                registration_id(&database.name, &arn),
                "AWS::LakeFormation::Resource",
                &self.lake.home.region,
                Part::Catalog,
                path.clone(),
            );
            resource
                .set_from("ResourceArn", ".location", arn.clone())
                .set("RoleArn", graph::attribute(&id, "Arn"))
                .set("UseServiceLinkedRole", false)
                .set_from("HybridAccessEnabled", ".mode", database.mode == Mode::Hybrid);
            resource.after.push(logical_id("PolicyRoleLakeFormation", &names));
            // A table in a place that is registered can only be made by somebody who has the place.
            resource.after.extend(tables.iter().cloned());
            resource.after.extend(settings.cloned());
            self.graph.add(resource);
            if let Some(deployer) = self.deployer() {
                permits.ask(Ask {
                    who: &deployer,
                    on: On::Location(database.name.clone(), arn),
                    permissions: &["DATA_LOCATION_ACCESS"],
                    with_grant_option: false,
                    columns: None,
                    cause: &format!("{path}.location"),
                });
            }
        }
    }

    /// Who makes tables: the role that CloudFormation acts as, or that lakewright assumes.
    fn deployer(&self) -> Option<(String, String)> {
        let home = &self.lake.home;
        let role = home.execution_role.as_ref().or(home.deploy_role.as_ref())?;
        Some((self.grantee_id(&role.value)?, role.value.to_string()))
    }

    // --- LF-tags ------------------------------------------------------------------------------

    /// The keys with every value that the spec uses, and what carries them.
    fn lf_tags(&mut self, settings: Option<&LogicalId>) {
        let lake = self.lake;
        let account = lake.home.account.to_string();
        for (key, values) in lake.tag_values() {
            let values: Value = values.into_iter().map(owned).collect();
            let mut tag = Resource::new(
                tag_id(key),
                "AWS::LakeFormation::Tag",
                &lake.home.region,
                Part::Catalog,
                "lake_formation",
            );
            tag.set("CatalogId", account.clone())
                .set("TagKey", self.tag_key(key))
                .set("TagValues", values);
            tag.after.extend(settings.cloned());
            self.graph.add(tag);
        }
        for database in lake.governed().filter(|database| !database.existing) {
            let name = database.catalog_name.clone();
            self.carry(
                ("TagsDatabase", &[database.name.as_str()]),
                database.path(),
                document!({"Database": {"CatalogId": (account.clone()), "Name": (name.clone())}}),
                &database.lf_tags,
                super::database_id(&database.name),
            );
            for table in database.tables.values() {
                let names = [database.name.as_str(), table.name.as_str()];
                let id = table_id(&database.name, &table.name);
                self.carry(
                    ("TagsTable", &names),
                    table.path(),
                    document!({"Table": {
                        "CatalogId": (account.clone()),
                        "DatabaseName": (name.clone()),
                        "Name": (table.name.to_string())
                    }}),
                    &table.lf_tags,
                    id.clone(),
                );
                for column in &table.columns.0 {
                    let called = column.name.value.0.to_string();
                    self.carry(
                        ("TagsColumn", &[names[0], names[1], &called]),
                        table.path(),
                        document!({"TableWithColumns": {
                            "CatalogId": (account.clone()),
                            "DatabaseName": (name.clone()),
                            "Name": (table.name.to_string()),
                            "ColumnNames": (Value::List(vec![called.clone().into()]))
                        }}),
                        &column.lf_tags,
                        id.clone(),
                    );
                }
            }
        }
    }

    /// Puts tags on something; nothing happens where it has none of its own.
    fn carry(
        &mut self,
        (prefix, names): (&str, &[&str]),
        path: String,
        on: Value,
        tags: &crate::spec::lake_formation::LfTags,
        after: LogicalId,
    ) {
        if tags.0.is_empty() {
            return;
        }
        let tags: TagsOf =
            tags.0.iter().map(|tag| (tag.key.value.as_str(), tag.value.value.as_str())).collect();
        let account = self.lake.home.account.to_string();
        let pair = |(key, value): (&&str, &&str)| {
            document!({
                "CatalogId": (account.clone()),
                "TagKey": (self.tag_key(key)),
                "TagValues": (Value::List(vec![owned(value)]))
            })
        };
        let mut resource = Resource::new(
            logical_id(prefix, names),
            "AWS::LakeFormation::TagAssociation",
            &self.lake.home.region,
            Part::Catalog,
            path,
        );
        resource.set("Resource", on).set_from(
            "LFTags",
            ".lf_tags",
            tags.iter().map(pair).collect::<Value>(),
        );
        resource.after.extend(tags.keys().map(|key| tag_id(key)));
        resource.after.push(after);
        self.graph.add(resource);
    }

    // --- grants -------------------------------------------------------------------------------

    /// What Lake Formation calls a principal.
    pub(super) fn grantee_id(&self, principal: &Principal) -> Option<String> {
        let home = &self.lake.home;
        let organization = self.lake.organization.as_ref();
        let managed = |what: &str| {
            let organization = organization?;
            let manager = organization.management_account.as_ref()?.as_str();
            let id = &organization.id.value.0;
            let (kind, rest) = what.split_once('/').unwrap_or((what, ""));
            let rest = if rest.is_empty() { id.clone() } else { format!("{id}/{rest}") };
            Some(home.arn("organizations", "", manager, &format!("{kind}/{rest}")))
        };
        match principal {
            Principal::Role { account, name } => Some(home.iam_arn(account.as_ref(), "role", name)),
            Principal::User { account, name } => Some(home.iam_arn(account.as_ref(), "user", name)),
            Principal::Account(account) => Some(account.to_string()),
            Principal::OrganizationalUnit(unit) => managed(&format!("ou/{unit}")),
            Principal::Organization => managed("organization"),
            Principal::Saml { provider, kind, name } => {
                let name = format!("{provider}:{}/{name}", kind.as_str());
                Some(home.iam_arn(None, "saml-provider", &name))
            }
            Principal::IdentityCenter { kind, id } => {
                Some(home.arn("identitystore", "", "", &format!("{}/{id}", kind.as_str())))
            }
            Principal::Service(_) => None,
        }
    }

    /// What an entry of `access` asks of Lake Formation.
    fn ask_for(&mut self, access: &Access, settings: Option<&LogicalId>, permits: &mut Permits) {
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
    fn flows(&mut self, permits: &mut Permits) {
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

/// A text of the lake's as a value.
fn owned(text: &str) -> Value {
    text.to_owned().into()
}

/// An expression whose keys and values are ascending.
pub(super) fn sorted(expression: &TagExpression) -> Vec<(String, Vec<String>)> {
    let one = |(key, values): &(At<String>, Vec<At<String>>)| {
        let mut values: Vec<String> = values.iter().map(|at| at.value.clone()).collect();
        values.sort();
        values.dedup();
        (key.value.clone(), values)
    };
    let mut all: Vec<_> = expression.keys.iter().map(one).collect();
    all.sort();
    all
}
