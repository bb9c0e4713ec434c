//! What a principal holds in Lake Formation, permit by permit: for whoever asks what can be done with a table.

use std::collections::BTreeSet;

use super::grants::{Place, atoms};
use super::state::State;

/// One permission on one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permit {
    pub on: On,
    /// `SELECT`, `ALL`.
    pub permission: String,
    pub grantable: bool,
    /// Whether columns or rows of the table are left out.
    pub partial: bool,
}

/// Where a permission holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// Of a database a table, or all of them.
    Table(String, Option<String>),
    Database(String),
    /// An ARN of S3: whoever has it makes tables of what lies there.
    Location(String),
    /// As `admin` or `read-only admin`.
    Administration(String),
}

/// What a principal holds in a state, ascending. Expressions of tags stand as the tables that they reach.
pub fn permits(state: &State, principal: &str) -> Vec<Permit> {
    let tables: BTreeSet<&(String, String)> = state.tables.iter().collect();
    let mut found = BTreeSet::new();
    for atom in atoms(state, principal, &tables) {
        let on = match atom.place {
            Place::Table(database, table) => On::Table(database, table),
            Place::Database(name) => On::Database(name),
            Place::Location(arn) => On::Location(arn),
            Place::Setting(super::lake_formation::ADMINISTRATION, what) => On::Administration(what),
            _ => continue,
        };
        found.insert(Permit {
            on,
            permission: atom.permission.to_owned(),
            grantable: atom.grantable,
            partial: atom.view.rows.is_some()
                || !atom.view.excludes
                || !atom.view.columns.is_empty(),
        });
    }
    found.into_iter().collect()
}
