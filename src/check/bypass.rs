//! Nobody gets round a restriction (LW0422), and who reaches tables past Lake Formation is said
//! (LW0427).
//!
//! Columns and rows mean nothing to somebody who reads the files. Everybody counts who reaches them:
//! access to objects, to a table that IAM decides about and that lies at the same place, results of
//! Athena, a job whose role is theirs; and all of it for the roles that somebody takes, one after the other. Grants of
//! Lake Formation add up: one broader grant undoes a narrower one, and what two narrow ones show together is said (LW0439).

use std::collections::{BTreeMap, BTreeSet};

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::lake::access::{Access, Grant, Verb};
use crate::lake::formation::{Restricted, Through, fits, tags_of_column, visible};
use crate::lake::places::{Database, Place, Table};
use crate::lake::roles::Role;
use crate::lake::views::{Views, beyond};
use crate::names::Name;
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    let mut reached: BTreeMap<String, Vec<Reached<'_>>> = BTreeMap::new();
    let mut summed = BTreeSet::new();
    for restricted in lake.restricted() {
        let Some(table) = table_of(lake, &restricted) else { continue };
        if takes_nothing(lake, &restricted, table) {
            continue;
        }
        let who = restricted.who.value.to_string();
        let reached = reached.entry(who).or_insert_with(|| acting_as(lake, &restricted.who.value));
        match way_round(lake, &restricted, table, reached) {
            Some(way) => found.push(way),
            None => together(lake, &restricted, table, reached, &mut summed, found),
        }
    }
    listed(lake, found);
}

/// Somebody that a principal is, or becomes: the roles of the lake on the way.
struct Reached<'l> {
    who: Principal,
    way: Vec<&'l Role>,
}

impl Reached<'_> {
    /// The way, for people; `None` for the principal itself.
    fn told(&self, who: &Principal) -> Option<String> {
        let names = self.way.iter().map(|role| format!("`{}`", role.path()));
        let names: Vec<String> = names.collect();
        (!names.is_empty()).then(|| format!("`{who}` takes {}", names.join(", which takes ")))
    }
}

/// A principal and every role of the lake that it takes: what a role is given, those who take it have.
fn acting_as<'l>(lake: &'l Lake, who: &Principal) -> Vec<Reached<'l>> {
    let taken = lake.taken_by(who).into_iter().filter_map(|way| {
        let who = way.last()?.principal();
        Some(Reached { who, way })
    });
    std::iter::once(Reached { who: who.clone(), way: Vec::new() }).chain(taken).collect()
}

/// Through whom somebody has what an entry or a job gives to others.
fn through<'r, 'l>(
    lake: &Lake,
    given: &Principal,
    reached: &'r [Reached<'l>],
) -> Option<&'r Reached<'l>> {
    reached.iter().find(|one| lake.covers(given, &one.who))
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
fn way_round(
    lake: &Lake,
    restricted: &Restricted,
    table: &Table,
    reached: &[Reached<'_>],
) -> Option<Diagnostic> {
    let who = &restricted.who.value;
    let undone = |span: Span, how: &str, by: &Reached<'_>| {
        let diagnostic = undone(restricted, table, span, how);
        Some(match by.told(who) {
            Some(way) => diagnostic.note(way),
            None => diagnostic,
        })
    };
    // What an entry gives beside its own restriction is refused as such.
    let others = lake.access.values().filter(|access| access.name != restricted.access.name);
    for access in others {
        let given = access
            .who
            .iter()
            .find_map(|given| Some((given, through(lake, &given.value, reached)?)));
        let Some((given, by)) = given else { continue };
        for grant in &access.grants {
            if let Some(how) = past(lake, access, given, grant, table) {
                return undone(grant.place.span, how, by);
            }
        }
        if let Some(tagged) = &access.tagged
            && shows_more(lake, restricted, table, &tagged.value)
        {
            return undone(tagged.span, "these LF-tags show more of it", by);
        }
    }
    for by in reached {
        if let Some((workgroup, span)) = by_results(lake, restricted, table, &by.who) {
            let how = format!("reads results of workgroup `{workgroup}`, which show more of it");
            return undone(span, &how, by);
        }
    }
    for pipeline in lake.pipelines.values() {
        let Some(role) = &pipeline.role else { continue };
        let Some(by) = through(lake, &role.value, reached) else { continue };
        let touched = pipeline.read.iter().chain(&pipeline.write);
        for place in touched {
            if lake.files_of(&place.value).iter().any(|at| at.overlaps(&table.location)) {
                return undone(role.span, "the job reads its files as this role", by);
            }
        }
    }
    None
}

/// What other entries with a restriction of their own add. Lake Formation shows the union, cell by cell: a column that
/// one entry shows in all rows is shown in all rows, whatever condition another one asks for ("Data filtering and
/// cell-level security", Lake Formation developer guide). Where that is the whole table, the restrictions hide nothing.
fn together(
    lake: &Lake,
    restricted: &Restricted,
    table: &Table,
    reached: &[Reached<'_>],
    summed: &mut BTreeSet<String>,
    found: &mut Diagnostics,
) {
    let Some(database) = lake.databases.get(restricted.database) else { return };
    let who = &restricted.who.value;
    let own = &restricted.access.restriction;
    let mut free: BTreeSet<&str> = match own.rows {
        None => visible(own, database, table).into_iter().collect(),
        Some(_) => BTreeSet::new(),
    };
    // What is shown in all rows by which grant.
    let mut shown: Vec<(&Grant, &Reached<'_>, Vec<&str>)> = Vec::new();
    for access in lake.access.values().filter(|access| access.name != restricted.access.name) {
        let by = access.who.iter().find_map(|given| through(lake, &given.value, reached));
        let Some(by) = by.filter(|_| access.restriction.rows.is_none()) else { continue };
        let same = |grant: &&Grant| {
            let tables = lake.tables_at(&grant.place.value);
            let here = |(of, one): &(&Database, &Table)| {
                of.name == database.name && one.name == table.name
            };
            grant.verb == Verb::Read && tables.iter().any(here)
        };
        if let Some(grant) = access.grants.iter().find(same) {
            let columns = visible(&access.restriction, database, table);
            free.extend(&columns);
            shown.push((grant, by, columns));
        }
    }
    let Some((grant, by, columns)) = shown.last() else { return };
    let whole = free.len() == table.column_names().len();
    // Once for all entries that have a part in it.
    let name = format!("{}.{}", table.database, table.name);
    if whole && !summed.insert(format!("{who} {name}")) {
        return;
    }
    let diagnostic = if whole {
        let how = "together they show the whole table; grants add up";
        undone(restricted, table, grant.place.span, how)
    } else if let Some(rows) = &own.rows {
        let headline = format!(
            "`{who}` sees more rows of table `{name}` than `{}.rows` leaves",
            restricted.access.path()
        );
        let columns: Vec<String> = columns.iter().map(|one| format!("`{one}`")).collect();
        Diagnostic::warning(diagnostic::LW0439, grant.place.span, headline_of(headline))
            .label(format!("shows {} in all rows; grants add up", columns.join(", ")))
            .also(rows.span, "the condition on rows")
            .at(format!("{}.rows", restricted.access.path()))
            .help("ask for the same `rows` there, or take those columns away, if that is not meant")
    } else {
        return;
    };
    found.push(match by.told(who) {
        Some(way) => diagnostic.note(way),
        None => diagnostic,
    });
}

/// Results of a workgroup that somebody reads as objects, itself or as a role that it takes, and that show more of a
/// table than the entry leaves. Those who query in the workgroup itself are compared with each other (LW0428).
fn by_results<'l>(
    lake: &'l Lake,
    restricted: &Restricted,
    table: &Table,
    acting: &Principal,
) -> Option<(&'l Name, Span)> {
    let who = &restricted.who.value;
    let name = format!("{}.{}", table.database, table.name);
    let only = |views: Views| views.into_iter().filter(|(of, _)| *of == name).collect::<Views>();
    let own = only(lake.views(who));
    lake.workgroups.values().find_map(|workgroup| {
        let (_, grant) = lake.reads_results(workgroup, acting)?;
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
        // Whoever is given several places is named once, with all of them.
        let mut names: Vec<(&str, Vec<&str>)> = Vec::new();
        for (way, _) in &ways {
            let (who, what) = way.split_once(" (").unwrap_or((way, ""));
            let at = names.iter().position(|(known, _)| *known == who).unwrap_or_else(|| {
                names.push((who, Vec::new()));
                names.len() - 1
            });
            let what = what.trim_end_matches(')');
            if !what.is_empty() && !names[at].1.contains(&what) {
                names[at].1.push(what);
            }
        }
        let told = |(who, what): &(&str, Vec<&str>)| match what.is_empty() {
            true => (*who).to_owned(),
            false => format!("{who} ({})", what.join(", ")),
        };
        let names: Vec<String> = names.iter().map(told).collect();
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
