//! What the resource types of Lake Formation say about access.
//!
//! Grants and filters go to the state; administrators and what new databases and tables leave to IAM are grants too, on
//! a place of their own ([`ADMINISTRATION`] and [`DEFAULTS`]), and so is a registered location: Lake Formation hands out
//! what its role may read ([`REGISTRATION`]). What is left of these types (settings) is unread: two states that say the
//! same of it agree, others are undecided by name.
//! Source: AWS CloudFormation User Guide, the pages of `AWS::LakeFormation::*`.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use super::state::{Filter, Grant, Tagged, Unread};
use super::template::{Reader, origin};
use crate::document;
use crate::document::{Map, Value};

/// The place of an administrator's grant.
pub const ADMINISTRATION: &str = "Administration";
/// The place of what new databases and tables give to whom.
pub const DEFAULTS: &str = "Defaults";

/// The place of a registered location.
pub const REGISTRATION: &str = "Registration";

/// The settings that are grants: key, place, what of it, the permission if the setting names none.
const SETTINGS: [(&str, &str, &str, Option<&str>); 4] = [
    ("Admins", ADMINISTRATION, "admin", Some("ALL")),
    ("ReadOnlyAdmins", ADMINISTRATION, "read-only admin", Some("DESCRIBE")),
    ("CreateDatabaseDefaultPermissions", DEFAULTS, "new databases", None),
    ("CreateTableDefaultPermissions", DEFAULTS, "new tables", None),
];

impl Reader<'_> {
    pub(super) fn lake_formation(&mut self, at: (&Source, &str, &Value), kind: &str) {
        match kind {
            "AWS::LakeFormation::PrincipalPermissions" => self.grant(at, "Principal"),
            "AWS::LakeFormation::Permissions" => self.grant(at, "DataLakePrincipal"),
            "AWS::LakeFormation::DataCellsFilter" => self.filter(at),
            "AWS::LakeFormation::DataLakeSettings" => self.settings(at),
            "AWS::LakeFormation::Resource" => self.registration(at),
            "AWS::LakeFormation::TagAssociation" => self.tagged(at),
            "AWS::LakeFormation::Tag" => {}
            _ => {
                let properties = at.2.get("Properties").and_then(Value::as_map);
                for (key, value) in properties.into_iter().flat_map(Map::iter) {
                    self.unread(at, key, value);
                }
            }
        }
    }

    fn grant(&mut self, at: (&Source, &str, &Value), named: &str) {
        let (source, id, definition) = at;
        let get = |key: &str| definition.at(&["Properties", key]);
        let principal = get(named).and_then(|one| one.get("DataLakePrincipalIdentifier"));
        let (Some(principal), Some(resource)) = (principal, get("Resource")) else { return };
        let set = |key| self.list(source, get(key)).into_iter().collect();
        let grant = Grant {
            principal: self.texts.text(source, principal),
            resource: self.texts.resolve(source, resource).unwrap_or_default(),
            permissions: set("Permissions"),
            with_grant_option: set("PermissionsWithGrantOption"),
            origin: origin(source, id, definition),
        };
        self.state.grants.push(grant);
    }

    fn filter(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let get = |path: &[&str]| definition.get("Properties").and_then(|all| all.at(path));
        let text = |path: &[&str]| get(path).map(|one| self.texts.text(source, one));
        let (Some(database), Some(table), Some(name)) =
            (text(&["DatabaseName"]), text(&["TableName"]), text(&["Name"]))
        else {
            return;
        };
        let columns = self.list(source, get(&["ColumnNames"]));
        let excluded = self.list(source, get(&["ColumnWildcard", "ExcludedColumnNames"]));
        let excludes = columns.is_empty();
        let rows = text(&["RowFilter", "FilterExpression"]);
        let filter = Filter {
            columns: if excludes { excluded } else { columns }.into_iter().collect(),
            excludes,
            rows: rows.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
            origin: origin(source, id, definition),
        };
        self.state.filters.insert(format!("{database}.{table}.{name}"), filter);
    }

    fn settings(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let properties = definition.get("Properties").and_then(Value::as_map);
        for (key, value) in properties.into_iter().flat_map(Map::iter) {
            // how the settings are put there, not what they say
            if key == "MutationType" {
                continue;
            }
            let Some((_, place, what, permission)) = SETTINGS.iter().find(|one| one.0 == key)
            else {
                self.unread(at, key, value);
                continue;
            };
            for entry in value.as_list().unwrap_or(&[]) {
                let who = entry.get("Principal").unwrap_or(entry);
                let Some(who) = who.get("DataLakePrincipalIdentifier") else { continue };
                let named = self.list(source, entry.get("Permissions"));
                let permissions: BTreeSet<String> = match permission {
                    Some(permission) => BTreeSet::from([(*permission).to_owned()]),
                    None => named.into_iter().collect(),
                };
                let mut resource = Map::new();
                resource.insert(*place, document!({"What": (*what)}));
                let principal = self.texts.text(source, who);
                self.state.grants.push(Grant {
                    principal,
                    resource: Value::Map(resource),
                    permissions,
                    with_grant_option: BTreeSet::new(),
                    origin: origin(source, id, definition),
                });
            }
        }
    }

    /// Without a role of its own a location is read with the service-linked one. With hybrid access, whoever has not
    /// opted in goes on with IAM alone. Lake Formation developer guide, "Adding an Amazon S3 location to your data lake".
    fn registration(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let get = |key: &str| definition.at(&["Properties", key]);
        let Some(location) = get("ResourceArn").map(|one| self.texts.text(source, one)) else {
            return;
        };
        let role = get("RoleArn").map(|one| self.texts.text(source, one));
        let linked = "the service-linked role of Lake Formation".to_owned();
        let grant = |principal: String, permission: &str| Grant {
            principal,
            resource: document!({"Registration": {"ResourceArn": (location.clone())}}),
            permissions: BTreeSet::from([permission.to_owned()]),
            with_grant_option: BTreeSet::new(),
            origin: origin(source, id, definition),
        };
        let mut grants = vec![grant(role.unwrap_or(linked), "reads for Lake Formation")];
        let hybrid = match get("HybridAccessEnabled") {
            Some(Value::Bool(value)) => *value,
            Some(Value::Str(text)) => text.as_ref() == "true",
            _ => false,
        };
        if hybrid {
            let everybody = "whoever has not opted in".to_owned();
            grants.push(grant(everybody, "goes on with IAM alone"));
        }
        self.state.grants.extend(grants);
    }

    fn tagged(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let get = |path: &[&str]| definition.get("Properties").and_then(|all| all.at(path));
        let text = |path: &[&str]| get(path).map(|one| self.texts.text(source, one));
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for tag in get(&["LFTags"]).and_then(Value::as_list).unwrap_or(&[]) {
            let key = tag.get("TagKey").map(|key| self.texts.text(source, key));
            let values = self.list(source, tag.get("TagValues"));
            tags.entry(key.unwrap_or_default()).or_default().extend(values);
        }
        let known = [
            ("Database", "Name", None),
            ("Table", "DatabaseName", Some("Name")),
            ("TableWithColumns", "DatabaseName", Some("Name")),
        ];
        for (kind, database, table) in known {
            let Some(database) = text(&["Resource", kind, database]) else { continue };
            let table = table.and_then(|key| text(&["Resource", kind, key]));
            let columns = self.list(source, get(&["Resource", kind, "ColumnNames"]));
            let columns = columns.into_iter().collect();
            let origin = origin(source, id, definition);
            self.state.tagged.push(Tagged { database, table, columns, tags, origin });
            return;
        }
        if let Some(value) = definition.get("Properties") {
            self.unread(at, "Resource", value);
        }
    }

    fn unread(&mut self, at: (&Source, &str, &Value), key: &str, value: &Value) {
        let (source, id, definition) = at;
        let value = self.texts.resolve(source, value).unwrap_or_default();
        self.state.unread.push(Unread {
            origin: origin(source, id, definition),
            kind: super::texts::kind_of(definition).to_owned(),
            property: key.to_owned(),
            why: "what it says is not modelled".to_owned(),
            value: value.to_json(),
        });
    }
}
