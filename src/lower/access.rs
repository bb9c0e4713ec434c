//! Access: what is attached to roles of this account, what buckets and keys say of others, and the
//! half that another account has to attach itself.

use super::Lowering;
use crate::diagnostic::{self, Diagnostic};
use crate::document::Value;
use crate::graph::Part;
use crate::lake::access::{Access, Verb};
use crate::lake::formation::Through;
use crate::lake::places::{Location, Place};
use crate::policy::grant::{Grantee, Level};
use crate::policy::{Argument, Policy, Statement};
use crate::spec::decode::At;
use crate::spec::reference::Principal;

/// The half of a grant that stands in another account.
#[derive(Debug, Clone, PartialEq)]
pub struct Handover {
    /// The entry of `access`.
    pub access: String,
    /// Who has to attach it: `account/333333333333`.
    pub to: String,
    /// What it is, where it is no plain policy: `resource-links`, a template for the other account;
    /// `opt-ins`, inputs of Lake Formation's API; `lake-formation`, the policy that goes with them.
    pub what: Option<&'static str>,
    /// An identity policy. Keys of the lake stand in it as `{"Fn::GetAtt": [...]}` until they exist.
    pub policy: Value,
}

impl Handover {
    /// Tells it from the others of its entry: whom it is for, and what it is where one of them has several
    /// documents to deal with. `account/333333333333: resource-links`.
    pub fn key(&self) -> String {
        match self.what {
            Some(what) => format!("{}: {what}", self.to),
            None => self.to.clone(),
        }
    }

    /// The name of its file: no sign that a file system minds. `finance-ou-ou-ab12-cdefghij.json`.
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let to: String = self.to.chars().map(plain).collect();
        let what = self.what.map(|what| format!("-{what}")).unwrap_or_default();
        format!("{}-{to}{what}.json", self.access)
    }
}

impl Lowering<'_> {
    pub(super) fn access(&mut self) {
        let lake = self.lake;
        for access in lake.access.values() {
            self.when = self.narrowings(&access.when);
            let mut own: Vec<(usize, &At<Principal>, Vec<Statement>)> = Vec::new();
            for (at, who) in access.who.iter().enumerate() {
                match self.own_principal(&who.value) {
                    Some(arn) => own.push((at, who, self.own_grants(access, &who.value, &arn))),
                    None => self.foreign_grants(access, who),
                }
            }
            self.attach(access, own);
            self.when.clear();
            self.told_of_clashes(access.span, &access.path());
        }
    }

    /// The ARN of a role or user of this account.
    fn own_principal(&self, principal: &Principal) -> Option<String> {
        let home = &self.lake.home;
        let own = |account: &Option<_>| account.as_ref().is_none_or(|id| *id == home.account);
        match principal {
            Principal::Role { account, name } if own(account) => {
                Some(home.iam_arn(None, "role", name))
            }
            Principal::User { account, name } if own(account) => {
                Some(home.iam_arn(None, "user", name))
            }
            _ => None,
        }
    }

    /// What an entry gives to a role or user of this account.
    fn own_grants(&mut self, access: &Access, who: &Principal, arn: &str) -> Vec<Statement> {
        let mut statements = Vec::new();
        for (path, grant) in access.grants_by_path() {
            let place = &grant.place.value;
            if self.lake.through(access, who, place) == Through::LakeFormation {
                statements.extend(
                    self.from(path, |lowering| lowering.identity_half(access, grant.verb, place)),
                );
                continue;
            }
            statements.extend(self.from(path, |lowering| match (grant.verb, place) {
                (_, Place::Stream(source)) => lowering.may_put(arn, source),
                (Verb::Read, place) => lowering.may_read(arn, place),
                (verb, Place::Objects(location)) => lowering.own_access(arn, level(verb), location),
                (verb, place) => lowering.catalog_grant(arn, verb, place),
            }));
        }
        if let Some(tagged) = &access.tagged {
            statements.extend(self.identity_half_by_tags(&tagged.value));
        }
        statements
    }

    /// Write, delete and admin on tables: their files, and their partitions in the catalog.
    fn catalog_grant(&mut self, arn: &str, verb: Verb, place: &Place) -> Vec<Statement> {
        let mut statements = Vec::new();
        let tables: Vec<(crate::names::Name, crate::names::Name)> = match place {
            Place::Table { database, table } => vec![(database.clone(), table.clone())],
            Place::Database(name) => {
                let tables =
                    self.lake.databases.get(name).into_iter().flat_map(|d| d.tables.keys());
                tables.map(|table| (name.clone(), table.clone())).collect()
            }
            Place::Objects(_) | Place::Stream(_) => Vec::new(),
        };
        for (database, table) in tables {
            statements.extend(self.catalog_access("glue-read", &database, &[&table]));
            if verb != Verb::Delete {
                statements.extend(self.catalog_access(
                    "glue-write-partitions",
                    &database,
                    &[&table],
                ));
            }
            if verb == Verb::Admin {
                statements.extend(self.catalog_access("glue-write-table", &database, &[&table]));
            }
            if let Some(location) = self.find_table(&database, &table).map(|t| t.location.clone()) {
                statements.extend(self.own_access(arn, level(verb), &location));
            }
        }
        statements
    }

    /// One set of managed policies for each principal. CloudFormation attaches them: the role is not
    /// ours and nothing else of it is touched.
    fn attach(&mut self, access: &Access, own: Vec<(usize, &At<Principal>, Vec<Statement>)>) {
        for (at, who, statements) in own {
            let (property, name) = match &who.value {
                Principal::User { name, .. } => ("Users", name),
                Principal::Role { name, .. } => ("Roles", name),
                _ => continue,
            };
            // IAM attaches by name, without the path; a role of ours has to be there first.
            let bare = name.rsplit('/').next().unwrap_or(name).to_owned();
            let holder = match self.lake.declared_role(&who.value) {
                Some(role) => crate::graph::reference(&super::roles::role_id(&role.name)),
                None => bare.into(),
            };
            let words: Vec<String> =
                vec![access.name.to_string(), sid_words(&who.value.to_string())];
            let names: Vec<&str> = words.iter().map(String::as_str).collect();
            self.from(format!("{}.who[{at}]", access.path()), |lowering| {
                lowering.managed_policies(
                    "PolicyAccess",
                    &names,
                    Part::Access,
                    &access.path(),
                    (property, holder),
                    statements,
                    access.span,
                );
            });
        }
    }

    /// A grant to somebody of another account: bucket and key policies here, the rest there.
    fn foreign_grants(&mut self, access: &Access, who: &At<Principal>) {
        let Some(grantee) = self.grantee(&who.value) else { return };
        let name = format!("{} {}", access.name, who.value);
        let mut handover: Vec<Statement> = Vec::new();
        for (path, grant) in access.grants_by_path() {
            let Place::Objects(location) = &grant.place.value else {
                // The catalog is shared by Lake Formation.
                continue;
            };
            if self.bucket(location).existing {
                let headline = format!(
                    "bucket `{}` is not ours: its policy cannot let `{}` in",
                    location.bucket, who.value
                );
                self.diagnostics.push(
                    Diagnostic::error(diagnostic::LW0404, grant.place.span, headline)
                        .also(who.span, "of another account")
                        .at(access.path()),
                );
                continue;
            }
            handover.extend(self.from(path, |lowering| {
                lowering.foreign_access(grant.verb, location, &grantee, &name)
            }));
        }
        if !handover.is_empty() {
            self.handovers.push(Handover {
                access: access.name.to_string(),
                to: who.value.to_string(),
                what: None,
                policy: Policy::new(handover).to_value(),
            });
        }
    }

    /// Both halves of a grant on objects: bucket and key are asked, the other account's is returned.
    fn foreign_access(
        &mut self,
        verb: Verb,
        location: &Location,
        grantee: &Grantee,
        name: &str,
    ) -> Vec<Statement> {
        let halves = level(verb).halves();
        let bucket = self.bucket(location);
        let arn = self.bucket_arn(&bucket.bucket_name);
        let mut arguments: Vec<(&str, Argument)> = vec![
            ("bucket", (&arn).into()),
            ("prefix", vec![location.prefix.clone()].into()),
            ("buckets", vec![arn].into()),
            ("grantee", grantee.clone().into()),
        ];
        let mut there = Vec::new();
        if let Some(key) = bucket.key() {
            let asked: Vec<Statement> = halves
                .key
                .iter()
                .flat_map(|document| self.fill_here(document, &arguments))
                .collect();
            self.ask_key(key, name, asked);
            arguments.push(("key", vec![self.key_arn(key)].into()));
            for document in halves.identity_key {
                there.extend(self.fill_here(document, &arguments));
            }
        }
        for document in halves.identity {
            there.extend(self.fill_here(document, &arguments));
        }
        let here: Vec<Statement> = halves
            .bucket
            .iter()
            .flat_map(|document| self.fill_here(document, &arguments))
            .map(|statement| statement.about(name))
            .collect();
        self.buckets.entry(location.bucket.clone()).or_default().extend(here);
        there
    }

    /// How bucket and key policies name somebody of another account.
    pub(super) fn grantee(&self, principal: &Principal) -> Option<Grantee> {
        let home = &self.lake.home;
        let organization = self.lake.organization.as_ref();
        Some(match principal {
            Principal::Role { account: Some(account), name } => Grantee::Principals {
                partition: home.partition.to_owned(),
                account: account.to_string(),
                arns: vec![home.iam_arn(Some(account), "role", name)],
            },
            Principal::User { account: Some(account), name } => Grantee::Principals {
                partition: home.partition.to_owned(),
                account: account.to_string(),
                arns: vec![home.iam_arn(Some(account), "user", name)],
            },
            Principal::Account(account) => Grantee::Account {
                partition: home.partition.to_owned(),
                account: account.to_string(),
                // An account that is trusted as an outsider is let in wherever it belongs to; one of
                // the organization only as long as it stays there.
                org_id: organization
                    .filter(|organization| !organization.trusted.contains_key(account))
                    .map(|organization| organization.id.value.0.clone()),
            },
            Principal::OrganizationalUnit(unit) => Grantee::Units {
                org_id: organization?.id.value.0.clone(),
                units: vec![unit.clone()],
            },
            Principal::Organization => {
                Grantee::Organization { org_id: organization?.id.value.0.clone() }
            }
            // Roles and users without an account are ours; the rest is refused by the check.
            Principal::Role { .. }
            | Principal::User { .. }
            | Principal::Service(_)
            | Principal::Saml { .. }
            | Principal::IdentityCenter { .. }
            | Principal::Declared(_) => return None,
        })
    }
}

fn level(verb: Verb) -> Level {
    match verb {
        Verb::Read => Level::Read,
        Verb::Write => Level::Write,
        Verb::Delete => Level::Delete,
        Verb::Admin => Level::Admin,
    }
}

/// A principal as a part of a logical id: `role/x/Analyst` is `role-x-analyst`.
pub(super) fn sid_words(text: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(word).collect()
}
