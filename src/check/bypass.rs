//! Nobody gets round a restriction (LW0422), and who reaches tables past Lake Formation is said
//! (LW0427).
//!
//! Columns and rows mean nothing to somebody who reads the files. Everybody counts who reaches them:
//! access to objects, to a table that IAM decides about and that lies at the same place, results of
//! Athena, a job whose role is theirs. Grants of Lake Formation add up: one broader grant undoes a narrower one.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::lake::access::{Access, Grant, Verb};
use crate::lake::formation::{Restricted, Through, fits, tags_of_column, visible};
use crate::lake::places::{Database, Place, Table};
use crate::lake::views::{Views, beyond};
use crate::names::Name;
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for restricted in lake.restricted() {
        let Some(table) = table_of(lake, &restricted) else { continue };
        if takes_nothing(lake, &restricted, table) {
            continue;
        }
        if let Some(way) = way_round(lake, &restricted, table) {
            found.push(way);
        }
    }
    listed(lake, found);
}

fn table_of<'l>(lake: &'l Lake, restricted: &Restricted) -> Option<&'l Table> {
    lake.databases.get(restricted.database)?.tables.get(restricted.table)
}

/// Whether an entry leaves all of a table: nothing of it carries what is to be hidden.
fn takes_nothing(lake: &Lake, restricted: &Restricted, table: &Table) -> bool {
    let restriction = &restricted.access.restriction;
    let Some(database) = lake.databases.get(restricted.database) else { return true };
    restriction.rows.is_none()
        && visible(restriction, database, table).len() == table.column_names().len()
}

/// The first way by which somebody gets more of a table than an entry leaves.
fn way_round(lake: &Lake, restricted: &Restricted, table: &Table) -> Option<Diagnostic> {
    let who = &restricted.who.value;
    // What an entry gives beside its own restriction is refused as such.
    let others = lake.access.values().filter(|access| access.name != restricted.access.name);
    for access in others {
        // What a role is given, those who take it have.
        let reaches = |given: &&At<Principal>| {
            lake.covers(&given.value, who) || lake.takes(who, &given.value)
        };
        let Some(given) = access.who.iter().find(reaches) else {
            continue;
        };
        for grant in &access.grants {
            if let Some(how) = past(lake, access, given, grant, table) {
                return Some(undone(restricted, table, grant.place.span, how));
            }
        }
        if let Some(tagged) = &access.tagged
            && shows_more(lake, restricted, table, &tagged.value)
        {
            let how = "these LF-tags show more of it";
            return Some(undone(restricted, table, tagged.span, how));
        }
    }
    if let Some((workgroup, span)) = by_results(lake, restricted, table) {
        let how = format!("reads results of workgroup `{workgroup}`, which show more of it");
        return Some(undone(restricted, table, span, &how));
    }
    for pipeline in lake.pipelines.values() {
        let Some(role) = pipeline.role.as_ref().filter(|role| lake.covers(&role.value, who)) else {
            continue;
        };
        let touched = pipeline.read.iter().chain(&pipeline.write);
        for place in touched {
            if lake.files_of(&place.value).iter().any(|at| at.overlaps(&table.location)) {
                let how = "the job reads its files as this role";
                return Some(undone(restricted, table, role.span, how));
            }
        }
    }
    None
}

/// Results of a workgroup that somebody reads as objects and that show more of a table than the entry
/// leaves. Those who query in the workgroup itself are compared with each other (LW0428).
fn by_results<'l>(
    lake: &'l Lake,
    restricted: &Restricted,
    table: &Table,
) -> Option<(&'l Name, Span)> {
    let who = &restricted.who.value;
    let name = format!("{}.{}", table.database, table.name);
    let only = |views: Views| views.into_iter().filter(|(of, _)| *of == name).collect::<Views>();
    let own = only(lake.views(who));
    lake.workgroups.values().find_map(|workgroup| {
        let (_, grant) = lake.reads_results(workgroup, who)?;
        let others = workgroup.who.iter().filter(|member| !lake.covers(&member.value, who));
        let shows =
            |member: &At<Principal>| beyond(&only(lake.views(&member.value)), &own).is_some();
        others.into_iter().any(shows).then_some((&workgroup.name, grant.place.span))
    })
}

/// Whether a grant gives somebody the files of a table, or the whole of it.
fn past(
    lake: &Lake,
    access: &Access,
    given: &At<Principal>,
    grant: &Grant,
    table: &Table,
) -> Option<&'static str> {
    let place = &grant.place.value;
    match lake.through(access, &given.value, place) {
        Through::Iam => {
            let reads = matches!(grant.verb, Verb::Read | Verb::Admin);
            let there = lake.files_of(place).iter().any(|at| at.overlaps(&table.location));
            (reads && there).then_some("gives its files, with every column and row")
        }
        Through::LakeFormation => {
            // Who inserts into a table reads it too ("INSERT", Lake Formation permissions reference).
            let whole = match grant.verb {
                Verb::Read => !access.restriction.is_any(),
                Verb::Write | Verb::Admin => true,
                Verb::Delete => false,
            };
            let same = lake
                .tables_at(place)
                .iter()
                .any(|(database, one)| database.name == table.database && one.name == table.name);
            (whole && same).then_some("gives the whole table; grants add up")
        }
    }
}

/// Whether a grant by LF-tags shows a column that the entry hides, or rows that it leaves out.
fn shows_more(
    lake: &Lake,
    restricted: &Restricted,
    table: &Table,
    expression: &crate::spec::lake_formation::TagExpression,
) -> bool {
    let Some(database) = lake.databases.get(restricted.database) else { return false };
    let restriction = &restricted.access.restriction;
    let seen = visible(restriction, database, table);
    table.column_names().iter().any(|column| {
        let shown = fits(expression, &tags_of_column(database, table, column));
        shown && (restriction.rows.is_some() || !seen.contains(column))
    })
}

fn undone(restricted: &Restricted, table: &Table, span: Span, how: &str) -> Diagnostic {
    let (who, access) = (restricted.who, restricted.access);
    let (key, written) = access.restriction.written().unwrap_or(("read", access.span));
    let headline = format!(
        "`{who}` gets round `{}.{key}` on table `{}.{}`",
        access.path(),
        table.database,
        table.name
    );
    Diagnostic::error(diagnostic::LW0422, span, headline_of(headline))
        .label(how.to_owned())
        .also(written, "the restriction")
        .at(format!("{}.{key}", access.path()))
        .help("take the wider access away from it, or the restriction, which protects nothing")
}

/// Says of each database of Lake Formation's who is given its files in another way.
fn listed(lake: &Lake, found: &mut Diagnostics) {
    // What undoes a restriction was said already.
    let undone: Vec<Span> = found
        .iter()
        .filter(|one| one.code == diagnostic::LW0422)
        .filter_map(|one| one.primary.as_ref().map(|label| label.span))
        .collect();
    for database in lake.governed() {
        let ways: Vec<(String, Span)> = lake
            .ways_to(database)
            .into_iter()
            .filter_map(|way| Some((way.who, way.given?)))
            // A grant on a hybrid database that goes through IAM is what hybrid means.
            .filter(|(_, span)| !is_within(lake, database, *span))
            .filter(|(_, span)| !undone.contains(span))
            .collect();
        let Some((_, first)) = ways.first() else { continue };
        // Whoever is given several places of the database is one way past Lake Formation.
        let mut names: Vec<&str> = Vec::new();
        for (way, _) in &ways {
            if !names.contains(&way.as_str()) {
                names.push(way);
            }
        }
        let headline =
            format!("files of database `{}` are reached past Lake Formation", database.name);
        found.push(
            Diagnostic::warning(diagnostic::LW0427, *first, headline_of(headline))
                .also(database.mode_span, "Lake Formation decides about this database")
                .at(database.path())
                .note(format!("by {}", names.join(", ")))
                .help("give access to the tables instead of to objects"),
        );
    }
}

/// Whether a grant is on the database itself, or a table of it.
fn is_within(lake: &Lake, database: &Database, span: Span) -> bool {
    let grants = lake.access.values().flat_map(|access| &access.grants);
    let mut here = grants.filter(|grant| grant.place.span == span);
    here.any(|grant| match &grant.place.value {
        Place::Database(name) | Place::Table { database: name, .. } => *name == database.name,
        Place::Objects(_) | Place::Stream(_) => false,
    })
}
