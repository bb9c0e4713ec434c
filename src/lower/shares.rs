//! What others have to do so that a grant of Lake Formation's reaches them: `output --handover`.
//!
//! In: entries of `access` that go through Lake Formation to somebody who is not a role or user of this
//! account, or on a hybrid database. Out: for another account the policy of its reader and a template
//! of resource links; for a hybrid database the opt-ins, for which CloudFormation has no type.
//! INVARIANT: nothing of it is needed for the lake's own stacks to stand.

use std::collections::BTreeSet;

use super::Lowering;
use super::access::Handover;
use super::permits::id_words;
use crate::document;
use crate::document::{Map, Value};
use crate::lake::access::{Access, Verb};
use crate::lake::formation::{Through, visible};
use crate::lake::naming::logical_id;
use crate::lake::places::Place;
use crate::lake::{Database, Table};
use crate::policy::{Policy, Statement};
use crate::spec::databases::Mode;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

/// What the template of links says about itself.
const LINKS: &str = "Links to what lake LAKE shares through Lake Formation. First: unless the account is in the same organization, accept the invitation in AWS Resource Access Manager. Then: a data lake administrator grants DESCRIBE on the links, and on what they point at what was shared, to those who are to read it";

impl Lowering<'_> {
    pub(super) fn shares(&mut self) {
        let lake = self.lake;
        for access in lake.access.values() {
            for who in &access.who {
                if !lake.is_own_principal(&who.value) {
                    self.share(access, who);
                }
                self.opt_ins(access, who);
            }
        }
    }

    /// The other side's half: a policy for its readers, and what it makes to see the tables at all.
    fn share(&mut self, access: &Access, who: &At<Principal>) {
        let mut statements: Vec<Statement> = Vec::new();
        let mut links = Links::default();
        for grant in &access.grants {
            let place = &grant.place.value;
            if self.lake.through(access, &who.value, place) == Through::Iam {
                continue;
            }
            statements.extend(self.identity_half(access, grant.verb, place));
            match place {
                Place::Database(name) if !access.restriction.is_any() => {
                    links.databases.insert(self.catalog_name(name));
                }
                _ => {
                    let tables = self.lake.tables_at(place).into_iter();
                    let seen = tables.filter(|(d, t)| self.sees(access, grant.verb, d, t));
                    links
                        .tables
                        .extend(seen.map(|(d, t)| (d.catalog_name.clone(), t.name.to_string())));
                }
            }
        }
        if let Some(tagged) = &access.tagged {
            statements.extend(self.identity_half_by_tags(&tagged.value));
            let carrying = self.lake.carrying(&tagged.value);
            links.databases.extend(carrying.iter().map(|found| found.catalog_name.clone()));
        }
        if statements.is_empty() {
            return;
        }
        let (access, to) = (access.name.to_string(), who.value.to_string());
        let policy = Policy::new(statements).to_value();
        let what = Some("lake-formation");
        self.handovers.push(Handover { access: access.clone(), to: to.clone(), what, policy });
        if self.lake.crosses(&who.value) {
            let template = self.links(&links);
            let what = Some("resource-links");
            self.handovers.push(Handover { access, to, what, policy: template });
        }
    }

    fn sees(&self, access: &Access, verb: Verb, database: &Database, table: &Table) -> bool {
        verb != Verb::Read || !visible(&access.restriction, database, table).is_empty()
    }

    /// A template for the other account: a link for each shared database, and for shared tables a
    /// database of links.
    fn links(&self, links: &Links) -> Value {
        let home = &self.lake.home;
        let ours = home.account.to_string();
        let region = home.region.to_string();
        let mut resources = Map::new();
        for database in &links.databases {
            let target = document!({
                "CatalogId": (ours.clone()), "DatabaseName": (database.clone()), "Region": (region.clone())
            });
            let input = document!({"Name": (database.clone()), "TargetDatabase": target});
            let id = logical_id("Link", &[&id_words(database)]);
            resources.insert(id.to_string(), database_resource(input));
        }
        let alone = links.tables.iter().filter(|(database, _)| !links.databases.contains(database));
        for (database, table) in alone {
            let holder = logical_id("Links", &[&id_words(database)]);
            if resources.get(holder.as_str()).is_none() {
                let input = document!({"Name": (database.clone())});
                resources.insert(holder.to_string(), database_resource(input));
            }
            let target = document!({
                "CatalogId": (ours.clone()),
                "DatabaseName": (database.clone()),
                "Name": (table.clone()),
                "Region": (region.clone())
            });
            let id = logical_id("Link", &[&id_words(database), &id_words(table)]);
            resources.insert(
                id.to_string(),
                document!({"Type": "AWS::Glue::Table", "Properties": {
                    "CatalogId": {"Ref": "AWS::AccountId"},
                    "DatabaseName": (crate::graph::reference(&holder)),
                    "TableInput": {"Name": (table.clone()), "TargetTable": target}
                }}),
            );
        }
        document!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": (LINKS.replace("LAKE", &self.lake.naming.lake_id())),
            "Resources": resources
        })
    }

    /// On a hybrid database a grant counts for those who are opted in, table by table. Each element is
    /// the input of Lake Formation's CreateLakeFormationOptIn.
    fn opt_ins(&mut self, access: &Access, who: &At<Principal>) {
        let Some(id) = self.grantee_id(&who.value) else { return };
        let account = self.lake.home.account.to_string();
        let mut asked: Vec<Value> = Vec::new();
        for grant in &access.grants {
            let place = &grant.place.value;
            let hybrid = self.lake.mode_of(place) == Mode::Hybrid;
            if !hybrid || self.lake.through(access, &who.value, place) == Through::Iam {
                continue;
            }
            let mut opt_in = |resource: Value| {
                asked.push(document!({
                    "Principal": {"DataLakePrincipalIdentifier": (id.clone())},
                    "Resource": resource
                }));
            };
            let database = place_database(place).and_then(|name| self.lake.databases.get(name));
            if let Some(database) = database {
                opt_in(document!({"Database": {
                    "CatalogId": (account.clone()), "Name": (database.catalog_name.clone())
                }}));
            }
            for (database, table) in self.lake.tables_at(place) {
                opt_in(document!({"Table": {
                    "CatalogId": (account.clone()),
                    "DatabaseName": (database.catalog_name.clone()),
                    "Name": (table.name.to_string())
                }}));
            }
        }
        asked.dedup();
        if !asked.is_empty() {
            self.handovers.push(Handover {
                access: access.name.to_string(),
                to: who.value.to_string(),
                what: Some("opt-ins"),
                policy: document!({"OptIns": (Value::List(asked))}),
            });
        }
    }
}

/// What another account sees of the lake's catalog.
#[derive(Debug, Default)]
struct Links {
    databases: BTreeSet<String>,
    tables: BTreeSet<(String, String)>,
}

fn place_database(place: &Place) -> Option<&crate::names::Name> {
    match place {
        Place::Objects(_) | Place::Stream(_) => None,
        Place::Database(name) | Place::Table { database: name, .. } => Some(name),
    }
}

fn database_resource(input: Value) -> Value {
    document!({"Type": "AWS::Glue::Database", "Properties": {
        "CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": input
    }})
}
