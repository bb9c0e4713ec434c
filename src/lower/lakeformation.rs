//! Lake Formation: settings, registered locations, LF-tags, and who is asked to be granted what.
//!
//! In: databases in mode `lakeformation` or `hybrid`, entries of `access` on them, flows that use them.
//! Out: `AWS::LakeFormation::*` beside the databases (LF-tags in `lf_tags`), and grants in the stack of
//! access (who asks for what in `lf_grants`, each once in `permits`); the other accounts' part stands in
//! `shares`. INVARIANT: whoever is granted something here gets no
//! statement on the objects; the role that reads them is ours, registered for one place, and taken by
//! Lake Formation alone.

use super::permits::{Ask, On, Permits, registration_id};
use super::{Lowering, table_id};
use crate::document;
use crate::document::Value;
use crate::graph::{self, Part, Resource};
use crate::lake::naming::logical_id;
use crate::lake::places::{Location, Place};
use crate::lake::{Access, Database};
use crate::names::LogicalId;
use crate::policy::grant::Level;
use crate::spec::databases::Mode;
use crate::spec::decode::At;
use crate::spec::lake_formation::TagExpression;
use crate::spec::reference::Principal;

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
        if self.lake.access.values().any(|access| self.in_context(access, &locations)) {
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

    /// Whether somebody of Identity Center is given something that lies at one of these places: the role that reads
    /// it then does so in their name.
    fn in_context(&self, access: &Access, locations: &[Location]) -> bool {
        let of_identity_center =
            |who: &At<Principal>| matches!(who.value, Principal::IdentityCenter { .. });
        if !access.who.iter().any(of_identity_center) {
            return false;
        }
        let tagged = access.tagged.iter().flat_map(|tagged| self.lake.carrying(&tagged.value));
        let tagged = tagged.map(|database| Place::Database(database.name.clone()));
        let mut places = access.grants.iter().map(|grant| grant.place.value.clone()).chain(tagged);
        places.any(|place| {
            let files = self.lake.files_of(&place);
            files.iter().any(|file| locations.iter().any(|location| location.overlaps(file)))
        })
    }

    /// Who makes tables: the role that CloudFormation acts as, or that lakewright assumes.
    fn deployer(&self) -> Option<(String, String)> {
        let home = &self.lake.home;
        let role = home.execution_role.as_ref().or(home.deploy_role.as_ref())?;
        Some((self.grantee_id(&role.value)?, role.value.to_string()))
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
            Principal::Service(_) | Principal::Declared(_) => None,
        }
    }
}

/// A text of the lake's as a value.
pub(super) fn owned(text: &str) -> Value {
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
