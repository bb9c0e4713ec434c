//! Grants of Lake Formation compared: sets over a lattice.
//!
//! A grant is one or more *atoms*: a permission on a place, with or without the grant option. `ALL` and `SUPER` hold
//! every permission of their place, all tables of a database every table of it, a table all its columns, a list without
//! excluded columns more than one with; a row filter is compared by its text, and another text is not known. Grants of
//! one principal are a union, and there is no deny. What is found is asked of [`permits`], which looks at the grants of
//! each side one by one. Source: AWS Lake Formation developer guide, "Lake Formation permissions reference" and "Data
//! filtering and cell-level security".

use std::collections::{BTreeMap, BTreeSet};

use super::lake_formation::{ADMINISTRATION, DEFAULTS, REGISTRATION};
use super::state::{Filter, Grant, Origin, State, Tagged};
use crate::document::Value;

/// What is granted on, apart from columns and rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Catalog,
    Database(String),
    /// `None`: every table of the database.
    Table(String, Option<String>),
    Location(String),
    Tag(String, BTreeSet<String>),
    /// `DATABASE` or `TABLE`, and for each key the values.
    Tagged(String, BTreeMap<String, BTreeSet<String>>),
    /// Of settings: administration, defaults.
    Setting(&'static str, String),
    /// As it is written.
    Other(String),
}

/// Which part of a table is seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct View {
    pub columns: BTreeSet<String>,
    pub excludes: bool,
    pub rows: Option<String>,
}

impl View {
    fn all() -> View {
        View { columns: BTreeSet::new(), excludes: true, rows: None }
    }

    fn shows(&self, column: &str) -> bool {
        self.columns.contains(column) != self.excludes
    }
}

/// A permission on a place.
#[derive(Debug, Clone)]
pub(super) struct Atom<'a> {
    pub place: Place,
    pub view: View,
    pub permission: &'a str,
    pub grantable: bool,
    origin: &'a Origin,
    /// The filter that the grant is on.
    filter: Option<&'a Filter>,
}

/// Something that was gained or lost.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// `SELECT`.
    pub permission: String,
    /// `sales.orders`, with column and rows where they matter.
    pub what: String,
    pub grantable: bool,
    pub origin: Origin,
    /// The property that made the difference: a grant's permissions, or what its filter shows.
    pub property: &'static str,
}

/// What one direction says of a principal.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    pub found: Option<Found>,
    /// Why something is not known.
    pub unknown: Option<String>,
}

/// What `principal` has in `new` and not in `old`.
pub(super) fn gained(old: &State, new: &State, principal: &str) -> Way {
    let tables: BTreeSet<&(String, String)> = old.tables.union(&new.tables).collect();
    let (before, after) = (atoms(old, principal, &tables), atoms(new, principal, &tables));
    let mut way = Way::default();
    for atom in &after {
        match missing(&before, atom) {
            Missing::Nothing => {}
            Missing::Rows(was) => {
                let rows = atom.view.rows.as_deref().unwrap_or_default();
                way.unknown.get_or_insert_with(|| {
                    format!(
                        "the row filter of {} is `{rows}` on one side and `{was}` on the other: whether one shows more rows is not decided",
                        shown(&atom.place)
                    )
                });
            }
            Missing::Column(column) => {
                let asks = |atoms: &[Atom<'_>]| {
                    atoms.iter().any(|one| permits(one, atom, column.as_deref()))
                };
                if !asks(&before) && asks(&after) {
                    let mut what = shown(&atom.place);
                    if let Some(column) = &column {
                        what += &format!(".{column}");
                    }
                    if let Some(rows) = &atom.view.rows {
                        what += &format!(" where {rows}");
                    }
                    // of a grant that was there before it is the filter that shows more
                    let had = before.iter().any(|one| {
                        one.place == atom.place
                            && holds(one.permission, atom.permission)
                            && (one.grantable || !atom.grantable)
                    });
                    let (origin, property) = match atom.filter.filter(|_| had) {
                        Some(filter) if column.is_some() => (&filter.origin, "ColumnNames"),
                        Some(filter) => (&filter.origin, "RowFilter"),
                        None => (atom.origin, "Permissions"),
                    };
                    way.found.get_or_insert_with(|| Found {
                        permission: atom.permission.to_owned(),
                        what,
                        grantable: atom.grantable,
                        origin: origin.clone(),
                        property,
                    });
                }
            }
        }
    }
    way
}

/// What a grant shows of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// The table's name, where a whole database was asked about.
    pub table: Option<String>,
    /// These columns, or all but these.
    pub columns: BTreeSet<String>,
    pub excludes: bool,
    /// Only rows for which this holds.
    pub rows: Option<String>,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "{table}: ")?;
        }
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        match (self.excludes, columns.is_empty()) {
            (true, true) => f.write_str("every column")?,
            (true, false) => write!(f, "every column but {}", columns.join(", "))?,
            (false, _) => f.write_str(&columns.join(", "))?,
        }
        match &self.rows {
            Some(rows) => write!(f, " where {rows}"),
            None => Ok(()),
        }
    }
}

impl From<&Filter> for Shown {
    fn from(filter: &Filter) -> Shown {
        let View { columns, excludes, rows } = view(filter);
        Shown { table: None, columns, excludes, rows }
    }
}

impl Shown {
    /// Whether a column of the table is shown.
    pub fn shows(&self, column: &str) -> bool {
        self.columns.contains(column) != self.excludes
    }
}

/// What a principal is granted of a table by one of these permissions, or of every table of a database. What a wider
/// grant holds is left out.
pub fn seen(
    state: &State,
    principal: &str,
    database: &str,
    table: Option<&str>,
    permissions: &[&str],
) -> Vec<Shown> {
    let tables: BTreeSet<&(String, String)> = state.tables.iter().collect();
    let mut found: BTreeSet<Shown> = BTreeSet::new();
    for atom in atoms(state, principal, &tables) {
        let Place::Table(of, name) = &atom.place else { continue };
        let fits = name.as_deref().is_none_or(|name| table.is_none_or(|table| table == name));
        if of != database || !fits || !permissions.iter().any(|one| holds(atom.permission, one)) {
            continue;
        }
        let View { columns, excludes, rows } = atom.view;
        let table = if table.is_none() { name.clone() } else { None };
        found.insert(Shown { table, columns, excludes, rows });
    }
    let whole = |one: &Shown| one.excludes && one.columns.is_empty() && one.rows.is_none();
    let wide: Vec<Option<String>> =
        found.iter().filter(|one| whole(one)).map(|one| one.table.clone()).collect();
    let covered = |one: &Shown| {
        wide.iter().any(|table| {
            table.is_none() && one.table.is_some() || *table == one.table && !whole(one)
        })
    };
    found.into_iter().filter(|one| !covered(one)).collect()
}

/// Who may hand on what of a table, or of every table of a database: principal and permission.
pub fn handed_on(state: &State, database: &str, table: Option<&str>) -> BTreeSet<(String, String)> {
    let tables: BTreeSet<&(String, String)> = state.tables.iter().collect();
    let here = |atom: &Atom<'_>| match &atom.place {
        Place::Table(of, name) => {
            let own = |name: &String| table.is_none_or(|table| table == name);
            of == database && name.as_ref().is_none_or(own)
        }
        _ => false,
    };
    let mut found = BTreeSet::new();
    for principal in principals(state, state) {
        let atoms = atoms(state, principal, &tables);
        let passed_on = atoms.iter().filter(|atom| atom.grantable && here(atom));
        found.extend(passed_on.map(|atom| (principal.to_owned(), atom.permission.to_owned())));
    }
    found
}

/// The principals of grants on either side.
pub(super) fn principals<'s>(old: &'s State, new: &'s State) -> BTreeSet<&'s str> {
    old.grants.iter().chain(&new.grants).map(|grant| grant.principal.as_str()).collect()
}

enum Missing {
    Nothing,
    /// Everything but the rows is covered, and these were other rows.
    Rows(String),
    /// Not covered; for a view the column that shows it.
    Column(Option<String>),
}

/// What of an atom a union of others does not hold.
fn missing(before: &[Atom<'_>], atom: &Atom<'_>) -> Missing {
    let fits = |one: &&Atom<'_>| {
        covers(&one.place, &atom.place)
            && holds(one.permission, atom.permission)
            && (one.grantable || !atom.grantable)
    };
    let fitting: Vec<&Atom<'_>> = before.iter().filter(fits).collect();
    let same_rows = |one: &&&Atom<'_>| one.view.rows.is_none() || one.view.rows == atom.view.rows;
    let of_rows: Vec<&Atom<'_>> = fitting.iter().filter(same_rows).copied().collect();
    let Some(column) = uncovered(&of_rows, &atom.view) else { return Missing::Nothing };
    if atom.view.rows.is_some() && uncovered(&fitting, &atom.view).is_none() {
        let other = fitting.iter().find_map(|one| one.view.rows.clone());
        return Missing::Rows(other.unwrap_or_default());
    }
    Missing::Column(column)
}

/// Whether a union of views leaves out some column of another, and which; `Some(None)`: all of it.
#[expect(clippy::option_option, reason = "covered; a column; no column in particular")]
fn uncovered(views: &[&Atom<'_>], view: &View) -> Option<Option<String>> {
    let mut hidden: Option<BTreeSet<&String>> = None;
    let mut seen: BTreeSet<&String> = BTreeSet::new();
    for one in views.iter().map(|one| &one.view) {
        if one.excludes {
            let own: BTreeSet<&String> = one.columns.iter().collect();
            hidden = Some(match hidden {
                Some(known) => known.intersection(&own).copied().collect(),
                None => own,
            });
        } else {
            seen.extend(&one.columns);
        }
    }
    let is_seen = |column: &&String| {
        seen.contains(*column) || hidden.as_ref().is_some_and(|hidden| !hidden.contains(*column))
    };
    if !view.excludes {
        return view.columns.iter().find(|column| !is_seen(column)).map(|one| Some(one.clone()));
    }
    let Some(hidden) = &hidden else { return Some(None) };
    let left = hidden.iter().find(|column| !seen.contains(**column) && view.shows(column));
    left.map(|column| Some((*column).clone()))
}

/// Whether one atom alone permits what another asks: the second opinion, one grant at a time.
fn permits(atom: &Atom<'_>, asked: &Atom<'_>, column: Option<&str>) -> bool {
    let all = matches!(atom.permission, "ALL" | "SUPER");
    let place = match (&atom.place, &asked.place) {
        (Place::Table(own, None), Place::Table(other, _)) => own == other,
        (Place::Tagged(..) | Place::Tag(..), _) => covers(&atom.place, &asked.place),
        (own, other) => own == other,
    };
    let shows = match column {
        Some(column) => atom.view.shows(column),
        None => atom.view.excludes,
    };
    place
        && (all || atom.permission == asked.permission)
        && (atom.grantable || !asked.grantable)
        && shows
        && (atom.view.rows.is_none() || atom.view.rows == asked.view.rows)
}

/// Whether a permission holds another on the same place.
fn holds(permission: &str, other: &str) -> bool {
    permission == other || matches!(permission, "ALL" | "SUPER")
}

fn covers(place: &Place, other: &Place) -> bool {
    match (place, other) {
        (Place::Table(own, None), Place::Table(database, _)) => own == database,
        (Place::Tag(own, values), Place::Tag(key, asked)) => own == key && asked.is_subset(values),
        // every clause must hold: fewer clauses, and more values in each, reach more
        (Place::Tagged(own, clauses), Place::Tagged(kind, asked)) => {
            let holds = |(key, values): (&String, &BTreeSet<String>)| {
                asked.get(key).is_some_and(|asked| asked.is_subset(values))
            };
            own == kind && clauses.iter().all(holds)
        }
        (own, other) => own == other,
    }
}

/// What a principal is granted. What an expression of tags reaches now stands beside the expression; `tables` are those
/// of both states, so that one that is new is no gain of whoever may read its database by tag.
pub(super) fn atoms<'a>(
    state: &'a State,
    principal: &str,
    tables: &BTreeSet<&(String, String)>,
) -> Vec<Atom<'a>> {
    let mut out = Vec::new();
    for grant in state.grants.iter().filter(|grant| grant.principal == principal) {
        let mut all = places(grant, state);
        let filter = filter(&grant.resource, state);
        for at in 0..all.len() {
            if let Place::Tagged(kind, clauses) = all[at].0.clone() {
                all.extend(reached(&kind, &clauses, state, tables));
            }
        }
        for (place, view) in all {
            // of a table's columns only what is read is restricted
            for permission in grant.permissions.union(&grant.with_grant_option) {
                let grantable = grant.with_grant_option.contains(permission);
                let (place, view, origin) = (place.clone(), view.clone(), &grant.origin);
                out.push(Atom { place, view, permission, grantable, origin, filter });
            }
        }
    }
    out
}

type Tags<'t> = BTreeMap<&'t str, &'t BTreeSet<String>>;

/// What an expression of tags reaches: databases, or tables with the columns that it shows. A table has the tags of its
/// database and a column those of its table, unless it has its own of that key (Lake Formation developer guide,
/// "Lake Formation tag-based access control").
fn reached(
    kind: &str,
    clauses: &BTreeMap<String, BTreeSet<String>>,
    state: &State,
    tables: &BTreeSet<&(String, String)>,
) -> Vec<(Place, View)> {
    let holds = |tags: &Tags<'_>| {
        clauses
            .iter()
            .all(|(key, values)| tags.get(key.as_str()).is_some_and(|own| !own.is_disjoint(values)))
    };
    let databases: BTreeSet<&str> = state.tagged.iter().map(|one| one.database.as_str()).collect();
    let mut out = Vec::new();
    for database in databases {
        let own = |table: Option<&str>| -> Tags<'_> {
            let of = |one: &&Tagged| {
                one.database == database && one.table.as_deref() == table && one.columns.is_empty()
            };
            let tags = state.tagged.iter().filter(of).flat_map(|one| &one.tags);
            tags.map(|(key, values)| (key.as_str(), values)).collect()
        };
        let of_database = own(None);
        if kind == "DATABASE" {
            out.extend(
                holds(&of_database).then(|| (Place::Database(database.to_owned()), View::all())),
            );
            continue;
        }
        let made = tables.iter().filter(|one| one.0 == database).map(|one| one.1.as_str());
        let tagged = state.tagged.iter().filter(|one| one.database == database);
        let named: BTreeSet<&str> =
            made.chain(tagged.clone().filter_map(|one| one.table.as_deref())).collect();
        if holds(&of_database) {
            let rest = format!("every table of {database} that has no tags of its own");
            out.push((Place::Other(rest), View::all()));
        }
        for table in named {
            let mut of_table = of_database.clone();
            of_table.extend(own(Some(table)));
            let excludes = holds(&of_table);
            let mut columns = BTreeSet::new();
            let mut of_columns: BTreeMap<&str, Tags<'_>> = BTreeMap::new();
            for one in tagged.clone().filter(|one| one.table.as_deref() == Some(table)) {
                for column in &one.columns {
                    let tags = of_columns.entry(column).or_insert_with(|| of_table.clone());
                    tags.extend(one.tags.iter().map(|(key, values)| (key.as_str(), values)));
                }
            }
            for (column, tags) in &of_columns {
                if holds(tags) != excludes {
                    columns.insert((*column).to_owned());
                }
            }
            if excludes || !columns.is_empty() {
                let place = Place::Table(database.to_owned(), Some(table.to_owned()));
                out.push((place, View { columns, excludes, rows: None }));
            }
        }
    }
    out
}

fn places(grant: &Grant, state: &State) -> Vec<(Place, View)> {
    let Some(map) = grant.resource.as_map() else {
        return vec![(Place::Other(grant.resource.to_json()), View::all())];
    };
    map.iter().map(|(kind, value)| place(kind, value, state)).collect()
}

fn place(kind: &str, value: &Value, state: &State) -> (Place, View) {
    let text = |key: &str| match value.get(key) {
        Some(Value::Str(text)) => text.to_string(),
        Some(other) => other.to_json(),
        None => String::new(),
    };
    let set = |value: Option<&Value>| -> BTreeSet<String> {
        let list = value.and_then(Value::as_list).unwrap_or(&[]);
        list.iter().map(|one| one.as_str().map_or_else(|| one.to_json(), str::to_owned)).collect()
    };
    let place = match kind {
        "Catalog" | "CatalogResource" => Place::Catalog,
        "Database" | "DatabaseResource" => Place::Database(text("Name")),
        "Table" | "TableResource" => {
            let all = value.get("TableWildcard").is_some() || value.get("Name").is_none();
            Place::Table(text("DatabaseName"), (!all).then(|| text("Name")))
        }
        "TableWithColumns" | "TableWithColumnsResource" => {
            let table = Place::Table(text("DatabaseName"), Some(text("Name")));
            let names = set(value.get("ColumnNames"));
            let view = match names.is_empty() {
                false => View { columns: names, excludes: false, rows: None },
                true => {
                    let excluded = value.at(&["ColumnWildcard", "ExcludedColumnNames"]);
                    View { columns: set(excluded), excludes: true, rows: None }
                }
            };
            return (table, view);
        }
        "DataCellsFilter" => {
            let name = filter_name(value);
            let table = Place::Table(text("DatabaseName"), Some(text("TableName")));
            return match state.filters.get(&name) {
                Some(filter) => (table, view(filter)),
                None => (Place::Other(format!("the filter {name}")), View::all()),
            };
        }
        "DataLocation" | "DataLocationResource" => {
            let arn = text("ResourceArn");
            Place::Location(if arn.is_empty() { text("S3Resource") } else { arn })
        }
        "LFTag" => Place::Tag(text("TagKey"), set(value.get("TagValues"))),
        "LFTagPolicy" => {
            let clauses = value.get("Expression").and_then(Value::as_list).unwrap_or(&[]);
            let clause = |one: &Value| {
                let key = one.get("TagKey").and_then(Value::as_str).unwrap_or_default();
                (key.to_owned(), set(one.get("TagValues")))
            };
            Place::Tagged(text("ResourceType"), clauses.iter().map(clause).collect())
        }
        ADMINISTRATION => Place::Setting(ADMINISTRATION, text("What")),
        DEFAULTS => Place::Setting(DEFAULTS, text("What")),
        REGISTRATION => Place::Setting(REGISTRATION, text("ResourceArn")),
        _ => Place::Other(format!("{kind} {}", value.to_json())),
    };
    (place, View::all())
}

/// The name of a filter in a state: `DATABASE.TABLE.NAME`.
fn filter_name(value: &Value) -> String {
    let text = |key: &str| match value.get(key) {
        Some(Value::Str(text)) => text.to_string(),
        Some(other) => other.to_json(),
        None => String::new(),
    };
    format!("{}.{}.{}", text("DatabaseName"), text("TableName"), text("Name"))
}

/// The filter that a grant's `Resource` names, if it is at hand.
pub fn filter<'s>(resource: &Value, state: &'s State) -> Option<&'s Filter> {
    state.filters.get(&filter_name(resource.get("DataCellsFilter")?))
}

fn view(filter: &Filter) -> View {
    let rows = filter.rows.clone().filter(|rows| !rows.eq_ignore_ascii_case("true"));
    View { columns: filter.columns.clone(), excludes: filter.excludes, rows }
}

fn shown(place: &Place) -> String {
    let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(", ");
    match place {
        Place::Catalog => "the catalog".to_owned(),
        Place::Database(name) => format!("database {name}"),
        Place::Table(database, Some(name)) => format!("{database}.{name}"),
        Place::Table(database, None) => format!("{database}.*"),
        Place::Location(arn) => format!("location {arn}"),
        Place::Tag(key, values) => format!("tag {key} = {}", list(values)),
        Place::Tagged(kind, clauses) => {
            let clauses = clauses.iter().map(|(key, values)| format!("{key} in {}", list(values)));
            let clauses: Vec<String> = clauses.collect();
            format!("every {} tagged {}", kind.to_lowercase(), clauses.join(" and "))
        }
        Place::Setting(ADMINISTRATION, what) => format!("Lake Formation as {what}"),
        Place::Setting(_, what) => what.clone(),
        Place::Other(text) => text.clone(),
    }
}
