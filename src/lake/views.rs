//! What somebody reads of each table, by every way that the lake gives.
//!
//! In: `access`, pipelines that run as somebody's role. Out: for each table what of it, as [`View`]s, so
//! that two principals can be compared. Grants of Lake Formation add up; files have every column and row.
//! INVARIANT: the views say no less than what is given. Rows are compared by the text of their
//! condition: two texts that mean the same count as different.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Lake;
use super::access::{Access, Grant, Verb};
use super::analytics::Workgroup;
use super::formation::{Through, fits, sorted, tags_of_column, visible};
use super::places::{Database, Location, Place, Table};
use crate::spec::reference::Principal;

/// A part of a table that is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Every column and row.
    Whole,
    /// These columns; of the rows for which the text holds, or of all.
    Part { columns: BTreeSet<String>, rows: Option<String> },
    /// The files below this place.
    Files(Location),
}

impl View {
    /// Whether all of the other one is in this one.
    pub fn covers(&self, other: &View) -> bool {
        match (self, other) {
            (View::Whole, _) => true,
            (View::Part { columns, rows }, View::Part { columns: theirs, rows: their_rows }) => {
                columns.is_superset(theirs) && (rows.is_none() || rows == their_rows)
            }
            (View::Files(own), View::Files(theirs)) => own.contains(theirs),
            _ => false,
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            View::Whole => f.write_str("everything"),
            View::Part { columns, rows } => {
                let names: Vec<&str> = columns.iter().map(String::as_str).collect();
                f.write_str(&names.join(", "))?;
                rows.as_ref().map_or(Ok(()), |rows| write!(f, " where {rows}"))
            }
            View::Files(location) => write!(f, "the files in {location}"),
        }
    }
}

/// What somebody reads, by table: `sales.orders`; `sales.*` for tables that nobody declared, and
/// `lf_tags ...` for what will carry LF-tags.
pub type Views = BTreeMap<String, BTreeSet<View>>;

/// What is read of a table, for people.
pub fn told(views: Option<&BTreeSet<View>>) -> String {
    match views {
        None => "nothing".to_owned(),
        Some(views) => views.iter().map(ToString::to_string).collect::<Vec<_>>().join("; and "),
    }
}

/// The first table of which `more` shows something that `less` does not.
pub fn beyond<'v>(more: &'v Views, less: &Views) -> Option<&'v String> {
    let shown = |table: &String, view: &View| {
        less.get(table).is_some_and(|own| own.iter().any(|own| own.covers(view)))
    };
    more.iter().find(|(table, views)| views.iter().any(|view| !shown(table, view))).map(|it| it.0)
}

/// The first table of which two principals read different things.
pub fn different<'v>(one: &'v Views, other: &'v Views) -> Option<&'v String> {
    beyond(one, other).or_else(|| beyond(other, one))
}

/// Adds a view to those of a table; what another one holds is left out, and columns add up.
fn add(views: &mut Views, table: String, view: View) {
    let own = views.entry(table).or_default();
    let mut view = view;
    if let View::Part { columns, rows } = &mut view {
        let same = own.iter().find(|it| matches!(it, View::Part { rows: own, .. } if own == rows));
        if let Some(View::Part { columns: more, .. }) = same {
            columns.extend(more.iter().cloned());
        }
    }
    if own.iter().any(|it| it.covers(&view)) {
        return;
    }
    own.retain(|it| !view.covers(it));
    own.insert(view);
}

impl Lake {
    /// What somebody reads by entries of `access` and as the role of a pipeline.
    pub fn views(&self, who: &Principal) -> Views {
        let mut views = Views::new();
        for access in self.access.values() {
            let Some(given) = access.who.iter().find(|given| self.covers(&given.value, who)) else {
                continue;
            };
            for grant in &access.grants {
                self.view_of(access, &given.value, grant, &mut views);
            }
            if let Some(tagged) = &access.tagged {
                add(
                    &mut views,
                    format!("lf_tags {}", sorted(&tagged.value).join(", ")),
                    View::Whole,
                );
                for (database, table) in self.declared() {
                    let fit = |column: &&str| {
                        fits(&tagged.value, &tags_of_column(database, table, column))
                    };
                    let columns: Vec<&str> = table.column_names().into_iter().filter(fit).collect();
                    self.columns(table, &columns, None, &mut views);
                }
            }
        }
        for pipeline in self.pipelines.values() {
            if pipeline.role.as_ref().is_some_and(|role| self.covers(&role.value, who)) {
                for place in pipeline.read.iter().chain(&pipeline.write) {
                    self.files(&place.value, &mut views);
                }
            }
        }
        views
    }

    /// The same, with what is read in results of workgroups that somebody can read as objects.
    pub fn views_with_results(&self, who: &Principal) -> Views {
        let mut views = self.views(who);
        // what one workgroup shows may be the results of another: at most as often as there are some
        for _ in 0..self.workgroups.len() {
            let before = views.clone();
            for workgroup in self.workgroups.values() {
                if self.reads_results(workgroup, who).is_none() {
                    continue;
                }
                for member in &workgroup.who {
                    for (table, more) in self.views(&member.value) {
                        more.into_iter().for_each(|view| add(&mut views, table.clone(), view));
                    }
                }
            }
            if views == before {
                break;
            }
        }
        views
    }

    /// The grant by which somebody reads a workgroup's results as objects, be they in it or not.
    pub fn reads_results<'l>(
        &'l self,
        workgroup: &Workgroup,
        who: &Principal,
    ) -> Option<(&'l Access, &'l Grant)> {
        self.readers_of_results(workgroup)
            .find(|(_, given, _)| self.covers(given, who))
            .map(|(access, _, grant)| (access, grant))
    }

    /// Every grant that reads a workgroup's results as objects, with whom it is given to.
    pub fn readers_of_results<'l>(
        &'l self,
        workgroup: &Workgroup,
    ) -> impl Iterator<Item = (&'l Access, &'l Principal, &'l Grant)> {
        let results = workgroup.results.value.clone();
        self.access.values().flat_map(move |access| {
            let results = results.clone();
            let reads = move |grant: &&Grant| {
                let files = || self.files_of(&grant.place.value);
                matches!(grant.verb, Verb::Read | Verb::Admin)
                    && files().iter().any(|at| at.overlaps(&results))
            };
            access.grants.iter().filter(reads).flat_map(move |grant| {
                let by_iam = move |given: &&'l crate::spec::decode::At<Principal>| {
                    self.through(access, &given.value, &grant.place.value) == Through::Iam
                };
                access.who.iter().filter(by_iam).map(move |given| (access, &given.value, grant))
            })
        })
    }

    fn declared(&self) -> impl Iterator<Item = (&Database, &Table)> {
        self.databases
            .values()
            .flat_map(|database| database.tables.values().map(move |table| (database, table)))
    }

    fn view_of(&self, access: &Access, given: &Principal, grant: &Grant, views: &mut Views) {
        let place = &grant.place.value;
        let reads = matches!(grant.verb, Verb::Read | Verb::Admin);
        match self.through(access, given, place) {
            Through::Iam if reads => self.files(place, views),
            Through::Iam => {}
            Through::LakeFormation => {
                let restricted = grant.verb == Verb::Read && access.restriction.is_any();
                // Who inserts into a table reads it too ("INSERT", Lake Formation permissions reference).
                if !restricted && (reads || grant.verb == Verb::Write) {
                    self.whole(place, views);
                }
                for (database, table) in self.tables_at(place).into_iter().filter(|_| restricted) {
                    let columns = visible(&access.restriction, database, table);
                    let rows = access.restriction.rows.as_ref();
                    let rows =
                        rows.map(|at| at.value.split_whitespace().collect::<Vec<_>>().join(" "));
                    self.columns(table, &columns, rows, views);
                }
            }
        }
    }

    fn columns(&self, table: &Table, columns: &[&str], rows: Option<String>, views: &mut Views) {
        let name = format!("{}.{}", table.database, table.name);
        if rows.is_none() && columns.len() == table.column_names().len() {
            add(views, name, View::Whole);
        } else if !columns.is_empty() {
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            add(views, name, View::Part { columns, rows });
        }
    }

    /// A database or table without restriction: what is declared of it, and what is not.
    fn whole(&self, place: &Place, views: &mut Views) {
        match place {
            Place::Database(name) => add(views, format!("{name}.*"), View::Whole),
            Place::Table { .. } => add(views, place.to_string(), View::Whole),
            Place::Objects(_) | Place::Stream(_) => {}
        }
        for (_, table) in self.tables_at(place) {
            add(views, format!("{}.{}", table.database, table.name), View::Whole);
        }
    }

    /// Somebody reads the files of a place: of every table that has some there.
    fn files(&self, place: &Place, views: &mut Views) {
        self.whole(place, views);
        let theirs = self.files_of(place);
        for (_, table) in self.declared() {
            for at in theirs.iter().filter(|at| at.overlaps(&table.location)) {
                let name = format!("{}.{}", table.database, table.name);
                let view = match at.contains(&table.location) {
                    true => View::Whole,
                    false => View::Files(at.clone()),
                };
                add(views, name, view);
            }
        }
    }
}
