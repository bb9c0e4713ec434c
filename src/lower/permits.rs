//! Lake Formation's grants, each once.
//!
//! In: who may do what on which part of the catalog, from every entry of `access` and every flow. Out:
//! `AWS::LakeFormation::PrincipalPermissions`, one for each principal and resource. INVARIANT: what is
//! granted and under which logical id depends on neither the order nor the number of those who asked,
//! so that no apply revokes what it grants again. A table has one id for each principal, be it granted
//! whole or by columns: the type is replaced by deleting first (its `replacementStrategy`), while under
//! two ids the old grant would be revoked after the new one, and take it along.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Lowering, database_id, table_id};
use crate::document;
use crate::document::{Map, Value};
use crate::graph::Part;
use crate::lake::naming::logical_id;
use crate::names::{LogicalId, Name};

/// What a grant is on. A database or table is called as in the spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    /// A registered location, by its ARN; of a database.
    Location(Name, String),
    Database(Name),
    /// Every table of a database, later ones too.
    Tables(Name),
    Table(Name, Name),
    /// The rows and columns of a data cells filter, by its name and logical id.
    Rows(Name, Name, String, LogicalId),
    /// Databases or tables that carry LF-tags: keys with their values, ascending.
    Tagged(&'static str, Vec<(String, Vec<String>)>),
}

/// What one principal may do on one resource.
#[derive(Debug, Clone, Default)]
struct Permit {
    permissions: BTreeSet<&'static str>,
    with_grant_option: BTreeSet<&'static str>,
    /// Of a table: only these columns. `None`: the whole of it.
    columns: Option<BTreeSet<String>>,
    /// What has to be there first.
    after: BTreeSet<LogicalId>,
    /// Where it was asked for.
    causes: BTreeSet<String>,
}

/// One request for a grant.
pub(super) struct Ask<'a> {
    /// Lake Formation's identifier of the principal, and what people call it.
    pub who: &'a (String, String),
    pub on: On,
    pub permissions: &'a [&'static str],
    pub with_grant_option: bool,
    pub columns: Option<Vec<&'a str>>,
    pub cause: &'a str,
}

/// Everything that was asked for, by principal and resource.
#[derive(Debug, Default)]
pub(super) struct Permits(BTreeMap<((String, String), On), Permit>);

impl Permits {
    /// Adds what is asked for to what the principal has there.
    pub fn ask(&mut self, ask: Ask) {
        let first = !self.0.contains_key(&(ask.who.clone(), ask.on.clone()));
        let permit = self.0.entry((ask.who.clone(), ask.on)).or_default();
        permit.permissions.extend(ask.permissions);
        if ask.with_grant_option {
            permit.with_grant_option.extend(ask.permissions);
        }
        permit.columns = match (permit.columns.take(), ask.columns) {
            // Columns asked for twice are granted together; a whole table beside them is an error of
            // the check, and stays whole.
            (Some(mut had), Some(more)) => {
                had.extend(more.into_iter().map(str::to_owned));
                Some(had)
            }
            (None, Some(columns)) if first => {
                Some(columns.into_iter().map(str::to_owned).collect())
            }
            _ => None,
        };
        permit.causes.insert(ask.cause.to_owned());
    }

    /// Says that grants to a principal wait for a resource: its role.
    pub fn after(&mut self, who: &(String, String), id: &LogicalId) {
        for ((principal, _), permit) in &mut self.0 {
            if principal == who {
                permit.after.insert(id.clone());
            }
        }
    }
}

/// The first six hexadecimal digits of a text's SHA-256.
pub(super) fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

/// A text as a part of a logical id: what cannot stand in one gives way, and its hash tells it from
/// others that look the same then.
pub(super) fn id_words(text: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("{}-{}", text.chars().map(word).collect::<String>(), hash(text))
}

impl Lowering<'_> {
    /// One resource for each principal and resource.
    pub(super) fn permits(&mut self, permits: Permits, settings: Option<&LogicalId>) {
        for (((principal, called), on), permit) in permits.0 {
            let who = id_words(&called);
            let (prefix, names): (&str, Vec<&str>) = match &on {
                On::Location(database, arn) => {
                    ("GrantLocation", vec![&who, database.as_str(), after_colons(arn)])
                }
                On::Database(database) => ("GrantDatabase", vec![&who, database.as_str()]),
                On::Tables(database) => ("GrantTables", vec![&who, database.as_str()]),
                On::Table(database, table) => {
                    ("GrantTable", vec![&who, database.as_str(), table.as_str()])
                }
                On::Rows(database, table, filter, _) => {
                    ("GrantRows", vec![&who, database.as_str(), table.as_str(), filter])
                }
                On::Tagged(kind, _) => ("GrantTagged", vec![&who, kind]),
            };
            let mut words: Vec<String> = names
                .iter()
                .enumerate()
                .map(|(at, name)| if at == 0 { (*name).to_owned() } else { plain(name) })
                .collect();
            if let On::Tagged(_, expression) = &on {
                words.push(hash(&format!("{expression:?}")));
            }
            let names: Vec<&str> = words.iter().map(String::as_str).collect();
            let id = logical_id(prefix, &names);
            let path = self.path_of(&on);
            let mut resource = crate::graph::Resource::new(
                id,
                "AWS::LakeFormation::PrincipalPermissions",
                &self.lake.home.region,
                Part::Access,
                path,
            );
            let cause = permit.causes.first().cloned().unwrap_or_default();
            resource
                .set("Principal", document!({"DataLakePrincipalIdentifier": (principal)}))
                .set_from("Resource", cause.clone(), self.resource_of(&on, permit.columns.as_ref()))
                .set_from("Permissions", cause.clone(), words_of(&permit.permissions))
                .set_from("PermissionsWithGrantOption", cause, words_of(&permit.with_grant_option));
            resource.after.extend(permit.after);
            resource.after.extend(self.there_first(&on));
            resource.after.extend(settings.cloned());
            self.graph.add(resource);
        }
    }

    /// Where in the spec the resource of a grant stands: what does not move when entries come and go.
    fn path_of(&self, on: &On) -> String {
        match on {
            On::Location(database, _) | On::Database(database) | On::Tables(database) => {
                format!("databases.{database}")
            }
            On::Table(database, table) | On::Rows(database, table, ..) => {
                match self.find_table(database, table) {
                    Some(table) => table.path(),
                    None => format!("databases.{database}"),
                }
            }
            On::Tagged(..) => "lake_formation".to_owned(),
        }
    }

    /// What has to be there before something can be granted on it.
    fn there_first(&self, on: &On) -> Vec<LogicalId> {
        let mut first: Vec<LogicalId> = match on {
            On::Location(database, arn) => vec![registration_id(database, arn)],
            On::Database(database) | On::Tables(database) => vec![database_id(database)],
            On::Table(database, table) => vec![database_id(database), table_id(database, table)],
            On::Rows(database, table, _, filter) => {
                vec![table_id(database, table), filter.clone()]
            }
            On::Tagged(_, expression) => expression.iter().map(|(key, _)| tag_id(key)).collect(),
        };
        first.retain(|id| self.graph.get(id).is_some());
        first
    }

    /// `Resource` as the type has it.
    fn resource_of(&self, on: &On, columns: Option<&BTreeSet<String>>) -> Value {
        let account = self.lake.home.account.as_str().to_owned();
        let name = |database: &Name| self.catalog_name(database);
        match on {
            On::Location(_, arn) => {
                document!({"DataLocation": {"CatalogId": (account), "ResourceArn": (arn.clone())}})
            }
            On::Database(database) => {
                document!({"Database": {"CatalogId": (account), "Name": (name(database))}})
            }
            On::Tables(database) => document!({"Table": {
                "CatalogId": (account), "DatabaseName": (name(database)), "TableWildcard": (Map::new())
            }}),
            On::Table(database, table) => match columns {
                None => document!({"Table": {
                    "CatalogId": (account), "DatabaseName": (name(database)), "Name": (table.to_string())
                }}),
                Some(columns) => document!({"TableWithColumns": {
                    "CatalogId": (account),
                    "DatabaseName": (name(database)),
                    "Name": (table.to_string()),
                    "ColumnNames": (columns.iter().cloned().map(Value::from).collect::<Value>())
                }}),
            },
            On::Rows(database, table, filter, _) => document!({"DataCellsFilter": {
                "TableCatalogId": (account),
                "DatabaseName": (name(database)),
                "TableName": (table.to_string()),
                "Name": (filter.clone())
            }}),
            On::Tagged(kind, expression) => {
                let one = |(key, values): &(String, Vec<String>)| {
                    let values: Value = values.iter().cloned().map(Value::from).collect();
                    document!({"TagKey": (self.tag_key(key)), "TagValues": values})
                };
                let expression: Value = expression.iter().map(one).collect();
                document!({"LFTagPolicy": {
                    "CatalogId": (account), "ResourceType": (*kind), "Expression": expression
                }})
            }
        }
    }

    /// What a database is called in the Data Catalog.
    pub(super) fn catalog_name(&self, database: &Name) -> String {
        let found = self.lake.databases.get(database);
        found.map_or_else(|| database.to_string(), |found| found.catalog_name.clone())
    }

    /// What a key of LF-tags is called: a name that the user chose, with the suffix of a copy.
    pub(super) fn tag_key(&self, key: &str) -> String {
        self.lake.naming.own(key, 1)
    }
}

/// The logical id of a key of LF-tags.
pub(super) fn tag_id(key: &str) -> LogicalId {
    logical_id("LfTag", &[&id_words(key)])
}

/// The logical id of a registered location.
pub(super) fn registration_id(database: &Name, arn: &str) -> LogicalId {
    logical_id("LfLocation", &[database.as_str(), &plain(after_colons(arn))])
}

/// The bucket and prefix of an S3 ARN.
fn after_colons(arn: &str) -> &str {
    arn.rsplit(":::").next().unwrap_or(arn)
}

/// A name as it stands in a logical id, told from others by its hash where it has to give way.
fn plain(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.chars().all(fits) { text.to_owned() } else { id_words(text) }
}

fn words_of(words: &BTreeSet<&'static str>) -> Value {
    words.iter().map(|word| Value::from(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask<'a>(
        who: &'a (String, String),
        columns: Option<Vec<&'a str>>,
        cause: &'a str,
    ) -> Ask<'a> {
        let name = |text: &str| Name::new(text).expect("a name");
        Ask {
            who,
            on: On::Table(name("sales"), name("orders")),
            permissions: &["SELECT"],
            with_grant_option: false,
            columns,
            cause,
        }
    }

    #[test]
    fn the_order_of_requests_does_not_matter() {
        let who = ("arn:aws:iam::111111111111:role/A".to_owned(), "role/A".to_owned());
        let requests: [(&str, Option<Vec<&str>>); 2] =
            [("access.a", Some(vec!["x", "y"])), ("access.b", Some(vec!["z"]))];
        let all = |order: [usize; 2]| {
            let mut permits = Permits::default();
            for at in order {
                let (cause, columns) = &requests[at];
                permits.ask(ask(&who, columns.clone(), cause));
            }
            format!("{permits:?}")
        };
        assert_eq!(all([0, 1]), all([1, 0]));
        assert!(all([0, 1]).contains(r#"{"x", "y", "z"}"#));
    }

    #[test]
    fn names_that_look_alike_have_other_ids() {
        assert_ne!(id_words("role/A-b"), id_words("role/a/B"));
        assert_ne!(tag_id("a b"), tag_id("a-b"));
    }
}
