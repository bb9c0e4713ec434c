//! What Lake Formation decides: modes, LF-tags, and access to less than a table.
//!
//! In: databases with their modes and tags, entries of `access` with what they ask. Out: whether a grant
//! goes through IAM or through Lake Formation, which columns a restriction leaves, and what a set of
//! LF-tags is carried by. Read by `check` (who gets round a restriction) and by `lower` (what is
//! granted), so that both mean the same. INVARIANT: a restriction is always a list of what may be seen,
//! never of what may not: a column that is added later is hidden until somebody lists it.

use std::collections::BTreeMap;

use super::access::{Access, Verb};
use super::places::{Database, Place, Table};
use super::{Lake, Name};
use crate::names::AccountId;
use crate::source::Span;
use crate::spec::databases::{ColumnName, Mode, Partition};
use crate::spec::decode::At;
use crate::spec::lake_formation::{LfTags, TagExpression};
use crate::spec::reference::Principal;

/// What Lake Formation is told about the account.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeFormation {
    pub span: Span,
    pub admins: Vec<At<Principal>>,
}

/// LF-tags by key.
pub type TagsOf<'l> = BTreeMap<&'l str, &'l str>;

/// What an entry of `access` leaves of the tables that it reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restriction {
    /// Only these columns; empty: all.
    pub columns: Vec<At<ColumnName>>,
    /// Only rows for which this holds.
    pub rows: Option<At<String>>,
    /// Not the columns that carry one of these.
    pub hide: Option<At<TagExpression>>,
}

impl Restriction {
    /// Where it is written, if there is one: the key, and the place.
    pub fn written(&self) -> Option<(&'static str, Span)> {
        let columns = self.columns.first().map(|at| ("columns", at.span));
        let rows = self.rows.as_ref().map(|at| ("rows", at.span));
        let hide = self.hide.as_ref().map(|at| ("hide", at.span));
        columns.or(rows).or(hide)
    }

    /// Whether it asks for less than whole tables.
    pub fn is_any(&self) -> bool {
        self.written().is_some()
    }
}

/// Who decides about one grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// Identity, bucket and key policies: the grantee reads the objects itself.
    Iam,
    /// Lake Formation's grants: its registration role reads the objects, and the grantee may not.
    LakeFormation,
}

/// Puts tags over those that are inherited.
fn over<'l>(mut tags: TagsOf<'l>, own: &'l LfTags) -> TagsOf<'l> {
    tags.extend(own.0.iter().map(|tag| (tag.key.value.as_str(), tag.value.value.as_str())));
    tags
}

impl Database {
    /// The LF-tags of the database.
    pub fn tags(&self) -> TagsOf<'_> {
        over(TagsOf::new(), &self.lf_tags)
    }

    /// The LF-tags of a table of it, inherited ones among them ("Managing LF-Tags for metadata access
    /// control": tables inherit from the database, columns from the table).
    pub fn tags_of<'l>(&'l self, table: &'l Table) -> TagsOf<'l> {
        over(self.tags(), &table.lf_tags)
    }
}

impl Table {
    /// Every column by name, in order: those of the files, then those that are folders.
    pub fn column_names(&self) -> Vec<&str> {
        let own = self.columns.0.iter().map(|column| &*column.name.value.0);
        let folders: &[_] = match &self.partition {
            Some(Partition::Folders(folders)) => folders,
            _ => &[],
        };
        own.chain(folders.iter().map(|folder| &*folder.name.value.0)).collect()
    }
}

/// The LF-tags of a column.
pub fn tags_of_column<'l>(database: &'l Database, table: &'l Table, column: &str) -> TagsOf<'l> {
    let tags = database.tags_of(table);
    match table.columns.0.iter().find(|found| &*found.name.value.0 == column) {
        Some(found) => over(tags, &found.lf_tags),
        None => tags,
    }
}

/// Whether all keys of an expression fit, each with one of its values.
pub fn fits(expression: &TagExpression, tags: &TagsOf) -> bool {
    expression.keys.iter().all(|(key, values)| carries(tags, key, values))
}

/// Whether any key of an expression fits: what `hide` hides.
pub fn fits_any(expression: &TagExpression, tags: &TagsOf) -> bool {
    expression.keys.iter().any(|(key, values)| carries(tags, key, values))
}

fn carries(tags: &TagsOf, key: &At<String>, values: &[At<String>]) -> bool {
    tags.get(key.value.as_str()).is_some_and(|tag| values.iter().any(|value| value.value == *tag))
}

/// The columns of a table that a restriction leaves, in the order of the table.
pub fn visible<'l>(
    restriction: &Restriction,
    database: &'l Database,
    table: &'l Table,
) -> Vec<&'l str> {
    let listed = |name: &str| {
        restriction.columns.is_empty() || restriction.columns.iter().any(|at| &*at.value.0 == name)
    };
    let hidden = |name: &str| {
        let tags = tags_of_column(database, table, name);
        restriction.hide.as_ref().is_some_and(|hide| fits_any(&hide.value, &tags))
    };
    table.column_names().into_iter().filter(|name| listed(name) && !hidden(name)).collect()
}

impl Lake {
    /// Who decides about a place. Objects are no concern of Lake Formation's.
    pub fn mode_of(&self, place: &Place) -> Mode {
        match place {
            Place::Objects(_) | Place::Stream(_) => Mode::Iam,
            Place::Database(database) | Place::Table { database, .. } => {
                self.databases.get(database).map_or(Mode::Iam, |found| found.mode)
            }
        }
    }

    /// How a grant is given. In a hybrid database only what IAM cannot say goes through Lake Formation.
    pub fn through(&self, access: &Access, who: &Principal, place: &Place) -> Through {
        match self.mode_of(place) {
            Mode::Iam => Through::Iam,
            Mode::LakeFormation => Through::LakeFormation,
            Mode::Hybrid => match access.restriction.is_any() || !self.is_own_principal(who) {
                true => Through::LakeFormation,
                false => Through::Iam,
            },
        }
    }

    /// Whether the principal is a role or user of this account.
    pub fn is_own_principal(&self, who: &Principal) -> bool {
        match who {
            Principal::Role { account, .. } | Principal::User { account, .. } => {
                account.as_ref().is_none_or(|account| self.is_own(account))
            }
            _ => false,
        }
    }

    /// The tables of a place that the spec declares.
    pub fn tables_at<'l>(&'l self, place: &Place) -> Vec<(&'l Database, &'l Table)> {
        let (name, only) = match place {
            Place::Objects(_) | Place::Stream(_) => return Vec::new(),
            Place::Database(name) => (name, None),
            Place::Table { database, table } => (database, Some(table)),
        };
        let Some(database) = self.databases.get(name) else { return Vec::new() };
        let tables = database.tables.values();
        tables
            .filter(|table| only.is_none_or(|only| *only == table.name))
            .map(|table| (database, table))
            .collect()
    }

    /// The role that reads and writes the objects of a database for Lake Formation. IAM takes 64
    /// characters; the check of names says when two meet.
    pub fn registration_role(&self, database: &Name) -> String {
        self.naming.thing(&format!("{database}-lf")).chars().take(64).collect()
    }

    /// The databases that Lake Formation decides about.
    pub fn governed(&self) -> impl Iterator<Item = &Database> {
        self.databases.values().filter(|database| database.mode != Mode::Iam)
    }

    /// The databases in which something carries an expression: themselves, a table or a column.
    pub fn carrying(&self, expression: &TagExpression) -> Vec<&Database> {
        let carries = |database: &&Database| {
            fits(expression, &database.tags())
                || database.tables.values().any(|table| {
                    fits(expression, &database.tags_of(table))
                        || table.columns.0.iter().any(|column| {
                            fits(expression, &tags_of_column(database, table, &column.name.value.0))
                        })
                })
        };
        self.governed().filter(carries).collect()
    }

    /// Every value of each LF-tag that the spec puts on something, ascending.
    pub fn tag_values(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let own = self.governed().flat_map(|database| {
            let tables = database.tables.values().flat_map(|table| {
                let columns = table.columns.0.iter().flat_map(|column| column.lf_tags.0.iter());
                table.lf_tags.0.iter().chain(columns)
            });
            database.lf_tags.0.iter().chain(tables)
        });
        for tag in own {
            all.entry(tag.key.value.as_str()).or_default().push(tag.value.value.as_str());
        }
        for values in all.values_mut() {
            values.sort_unstable();
            values.dedup();
        }
        all
    }

    /// Whether what is given to `wide` is given to `narrow` too: it is the same, or its account, unit or
    /// organization. Which account is in which unit stands in no spec, so a unit may hold every account
    /// but the trusted outsiders.
    pub fn covers(&self, wide: &Principal, narrow: &Principal) -> bool {
        if self.plain(wide) == self.plain(narrow) {
            return true;
        }
        let account = match narrow {
            Principal::Role { account, .. } | Principal::User { account, .. } => {
                Some(account.as_ref().unwrap_or(&self.home.account))
            }
            Principal::Account(account) => Some(account),
            Principal::Saml { .. } | Principal::IdentityCenter { .. } => Some(&self.home.account),
            _ => None,
        };
        match wide {
            Principal::Account(wide) => account == Some(wide),
            Principal::OrganizationalUnit(_) | Principal::Organization => {
                account.is_none_or(|account| {
                    let trusted = |found: &super::Organization| found.trusted.contains_key(account);
                    !self.organization.as_ref().is_some_and(trusted)
                })
            }
            _ => false,
        }
    }

    /// A principal with its account written out.
    fn plain(&self, principal: &Principal) -> Principal {
        let account = |account: &Option<AccountId>| {
            Some(account.clone().unwrap_or_else(|| self.home.account.clone()))
        };
        match principal {
            Principal::Role { account: of, name } => {
                Principal::Role { account: account(of), name: name.clone() }
            }
            Principal::User { account: of, name } => {
                Principal::User { account: account(of), name: name.clone() }
            }
            other => other.clone(),
        }
    }
}

/// What somebody is restricted to on a table.
#[derive(Debug, Clone, Copy)]
pub struct Restricted<'l> {
    pub access: &'l Access,
    pub who: &'l At<Principal>,
    pub database: &'l Name,
    pub table: &'l Name,
}

impl Lake {
    /// Everybody who may read less than the whole of a table, by entry, principal and table.
    pub fn restricted(&self) -> Vec<Restricted<'_>> {
        let mut all = Vec::new();
        for access in self.access.values().filter(|access| access.restriction.is_any()) {
            let tables: Vec<(&Database, &Table)> = access
                .grants
                .iter()
                .filter(|grant| {
                    grant.verb == Verb::Read && self.mode_of(&grant.place.value) != Mode::Iam
                })
                .flat_map(|grant| self.tables_at(&grant.place.value))
                .collect();
            for who in &access.who {
                all.extend(tables.iter().map(|(database, table)| Restricted {
                    access,
                    who,
                    database: &database.name,
                    table: &table.name,
                }));
            }
        }
        all
    }
}

/// An expression as text: keys and values ascending.
pub fn sorted(expression: &TagExpression) -> Vec<String> {
    let one = |(key, values): &(At<String>, Vec<At<String>>)| {
        let mut values: Vec<&str> = values.iter().map(|at| at.value.as_str()).collect();
        values.sort_unstable();
        values.dedup();
        format!("{}={}", key.value, values.join("|"))
    };
    let mut all: Vec<String> = expression.keys.iter().map(one).collect();
    all.sort();
    all
}

/// The LF-tags that something of these tables carries: key to values.
pub fn carried<'l>(
    tables: Vec<(&'l Database, &'l Table)>,
) -> BTreeMap<&'l str, std::collections::BTreeSet<&'l str>> {
    let mut all: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for (database, table) in tables {
        let columns = table.columns.0.iter().flat_map(|column| column.lf_tags.0.iter());
        for tag in database.lf_tags.0.iter().chain(&table.lf_tags.0).chain(columns) {
            all.entry(tag.key.value.as_str()).or_default().insert(tag.value.value.as_str());
        }
    }
    all
}
