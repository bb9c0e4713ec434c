//! What is asked of Lake Formation can be had: LW0405, LW0421, LW0423, LW0424, LW0426.
//!
//! Columns, rows and LF-tags mean something where Lake Formation decides, and nowhere else; a restriction
//! that would do nothing is a leak, so it is refused. What it can restrict is reading, table by table.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics, nearest};
use crate::lake::access::{Access, Verb};
use crate::lake::formation::{carried, visible};
use crate::lake::places::Place;
use crate::lake::{Database, Lake, Table};
use crate::source::Span;
use crate::spec::databases::Mode;
use crate::spec::decode::At;
use crate::spec::lake_formation::TagExpression;
use crate::spec::reference::Principal;

/// Keys in one expression: AWS::LakeFormation::PrincipalPermissions, `Expression`, at most 5.
const MOST_KEYS: usize = 5;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    tags_without_effect(lake, found);
    administrators(lake, found);
    for access in lake.access.values() {
        restriction(lake, access, found);
        if let Some(tagged) = &access.tagged {
            tagged_places(lake, access, tagged, found);
        }
    }
}

/// LF-tags on what IAM decides about.
fn tags_without_effect(lake: &Lake, found: &mut Diagnostics) {
    for database in lake.databases.values().filter(|database| database.mode == Mode::Iam) {
        let tables = database.tables.values().flat_map(|table| {
            let columns = table.columns.0.iter().flat_map(|column| column.lf_tags.0.iter());
            table.lf_tags.0.iter().chain(columns)
        });
        let Some(tag) = database.lf_tags.0.iter().chain(tables).next() else { continue };
        let headline =
            format!("LF-tags do nothing in database `{}`: IAM decides about it", database.name);
        found.push(
            Diagnostic::error(diagnostic::LW0405, tag.key.span, headline_of(headline))
                .at(database.path())
                .help(by_lake_formation(database)),
        );
    }
}

fn by_lake_formation(database: &Database) -> String {
    format!("let Lake Formation decide: `mode: lakeformation` in `{}`", database.path())
}

/// Somebody has to be able to grant.
fn administrators(lake: &Lake, found: &mut Diagnostics) {
    let admins = lake.lake_formation.as_ref().map_or(&[][..], |given| &given.admins);
    for (at, admin) in admins.iter().enumerate() {
        let person = matches!(admin.value, Principal::Role { .. } | Principal::User { .. });
        if person && lake.is_own_principal(&admin.value) {
            continue;
        }
        let headline = format!("`{admin}` cannot administer Lake Formation");
        found.push(
            Diagnostic::error(diagnostic::LW0404, admin.span, headline_of(headline))
                .at(format!("lake_formation.admins[{at}]"))
                .note("data lake administrators are roles and users of the lake's own account")
                .help("name one: `role/LakeAdmin`"),
        );
    }
    let Some(database) = lake.governed().next() else { return };
    let headline =
        |who: &str| format!("{who}, and only administrators of Lake Formation can grant");
    if admins.is_empty() {
        let headline = headline("nobody is named who administers Lake Formation");
        let mut diagnostic = Diagnostic::error(diagnostic::LW0421, database.mode_span, headline)
            .label("Lake Formation decides about this database")
            .at(format!("{}.mode", database.path()))
            .note("they are added to the administrators that the account has");
        let home = &lake.home;
        let role = home.execution_role.as_ref().or(home.deploy_role.as_ref());
        let role = role.map_or("role/LakeDeployer".to_owned(), |role| role.value.to_string());
        diagnostic = diagnostic
            .help(format!("name the role that applies: `lake_formation: {{ admins: [{role}] }}`"));
        found.push(diagnostic);
        return;
    }
    let home = &lake.home;
    let Some(role) = home.execution_role.as_ref().or(home.deploy_role.as_ref()) else { return };
    let same = |admin: &&At<Principal>| {
        lake.is_own_principal(&admin.value) && lake.covers(&admin.value, &role.value)
    };
    if admins.iter().any(|admin| same(&admin)) {
        return;
    }
    let path = match &home.execution_role {
        Some(_) => format!("environments.{}.execution_role", home.environment),
        None => format!("environments.{}.deploy_role", home.environment),
    };
    found.push(
        Diagnostic::error(
            diagnostic::LW0421,
            role.span,
            headline_of(headline(&format!("`{role}` is none of them"))),
        )
        .also(admins[0].span, "the administrators")
        .at(path)
        .help(format!("add it: `lake_formation: {{ admins: [..., {role}] }}`")),
    );
}

// --- restrictions ---------------------------------------------------------------------------

fn restriction(lake: &Lake, access: &Access, found: &mut Diagnostics) {
    let Some((key, span)) = access.restriction.written() else { return };
    let path = format!("{}.{key}", access.path());
    let refuse = |headline: String| {
        Diagnostic::error(diagnostic::LW0424, span, headline_of(headline)).at(&*path)
    };
    if let Some(tagged) = &access.tagged {
        found.push(
            refuse(format!("`{key}` does not go with `lf_tags` in one entry"))
                .also(tagged.span, "what carries these is read whole")
                .note("a column with another value of its own is left out of a grant by LF-tags")
                .help("put the tables that are restricted into an entry of their own"),
        );
    }
    let more = access.grants.iter().find(|grant| grant.verb != Verb::Read);
    if let Some(grant) = more {
        let verb = grant.verb.as_str();
        found.push(
            refuse(format!("`{key}` restricts reading, and this entry gives `{verb}` too"))
                .also(grant.place.span, format!("`{verb}` on `{}`", grant.place.value))
                .note("whoever writes a table works on its files, which hold every column and row")
                .help(format!("put `{verb}` into an entry of its own, for somebody else")),
        );
        return;
    }
    for (at, grant) in access.grants.iter().enumerate() {
        let place = &grant.place;
        if lake.mode_of(&place.value) == Mode::Iam {
            undecided(lake, access, key, place, found);
            return;
        }
        let path = format!("{}.read[{at}]", access.path());
        if database_of(lake, &place.value).is_some_and(|database| database.existing) {
            found.push(
                refuse(format!("`{key}`: which columns `{}` has is not known", place.value))
                    .also(place.span, "not ours, so its tables are not in the spec")
                    .help("give the whole table, or restrict it where the database is looked after")
                    .at(path),
            );
            return;
        }
        if key != "hide" && matches!(place.value, Place::Database(_)) {
            let known: Vec<String> = lake
                .tables_at(&place.value)
                .iter()
                .take(4)
                .map(|(database, table)| format!("{}.{}", database.name, table.name))
                .collect();
            found.push(
                refuse(format!("`{key}` needs tables, and `{}` is a database", place.value))
                    .also(place.span, "a whole database")
                    .note("tables have other columns each, and those added later are not known")
                    .help(format!("name them: `read: [{}]`", known.join(", "))),
            );
            return;
        }
    }
    columns(lake, access, found);
    hidden(lake, access, found);
    left(lake, access, found);
}

fn database_of<'l>(lake: &'l Lake, place: &Place) -> Option<&'l Database> {
    match place {
        Place::Objects(_) | Place::Stream(_) => None,
        Place::Database(name) | Place::Table { database: name, .. } => lake.databases.get(name),
    }
}

/// A restriction on what IAM decides about.
fn undecided(
    lake: &Lake,
    access: &Access,
    key: &'static str,
    place: &At<Place>,
    found: &mut Diagnostics,
) {
    let Some((_, span)) = access.restriction.written() else { return };
    let headline = match &place.value {
        Place::Objects(_) | Place::Stream(_) => {
            format!("`{key}` means nothing for `{}`: it is no table", place.value)
        }
        _ => format!("`{key}` needs Lake Formation, and IAM decides about `{}`", place.value),
    };
    let diagnostic = Diagnostic::error(diagnostic::LW0405, span, headline_of(headline))
        .also(place.span, "access is given to this")
        .at(format!("{}.{key}", access.path()));
    found.push(match database_of(lake, &place.value) {
        Some(database) => diagnostic.help(by_lake_formation(database)),
        None => diagnostic.help("give access to a table instead, or to the objects without it"),
    });
}

/// Columns that are listed have to be there.
fn columns(lake: &Lake, access: &Access, found: &mut Diagnostics) {
    for (at, column) in access.restriction.columns.iter().enumerate() {
        let tables: Vec<(&Database, &Table)> =
            access.grants.iter().flat_map(|grant| lake.tables_at(&grant.place.value)).collect();
        let name = &*column.value.0;
        let lacking = tables.iter().find(|(_, table)| !table.column_names().contains(&name));
        let Some((database, table)) = lacking else { continue };
        let headline = format!("table `{}.{}` has no column `{name}`", database.name, table.name);
        let mut diagnostic =
            Diagnostic::error(diagnostic::LW0203, column.span, headline_of(headline))
                .also(table.span, "the table is declared here")
                .at(format!("{}.columns[{at}]", access.path()));
        let known = table.column_names();
        if let Some(near) = nearest(name, known.iter().copied()) {
            let near = near.to_owned();
            diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(column.span, near);
        } else {
            diagnostic = diagnostic.help(format!("it has {}", listed(&known)));
        }
        found.push(diagnostic);
    }
}

fn listed(words: &[&str]) -> String {
    let some: Vec<String> = words.iter().take(8).map(|word| format!("`{word}`")).collect();
    some.join(", ")
}

/// What is to be hidden has to be there: a slip of the pen would show everything.
fn hidden(lake: &Lake, access: &Access, found: &mut Diagnostics) {
    let Some(hide) = &access.restriction.hide else { return };
    let tables: Vec<(&Database, &Table)> =
        access.grants.iter().flat_map(|grant| lake.tables_at(&grant.place.value)).collect();
    let there = carried(tables);
    for (key, values) in &hide.value.keys {
        for value in values {
            let known = there.get(key.value.as_str());
            if known.is_some_and(|values| values.contains(value.value.as_str())) {
                continue;
            }
            let tag = format!("{}: {}", key.value, value.value);
            let headline =
                format!("nothing that is read carries the LF-tag `{tag}`: it would hide nothing");
            let path = format!("{}.hide.{}", access.path(), key.value);
            let diagnostic =
                Diagnostic::error(diagnostic::LW0423, value.span, headline_of(headline)).at(path);
            found.push(meant(diagnostic, key, value, &there));
        }
    }
}

type Carried<'l> = std::collections::BTreeMap<&'l str, std::collections::BTreeSet<&'l str>>;

/// Says which tag was probably meant.
fn meant(
    diagnostic: Diagnostic,
    key: &At<String>,
    value: &At<String>,
    there: &Carried,
) -> Diagnostic {
    match there.get(key.value.as_str()) {
        Some(values) => match nearest(&value.value, values.iter().copied()) {
            Some(near) => {
                let near = near.to_owned();
                diagnostic.help(format!("did you mean `{near}`?")).maybe(value.span, near)
            }
            None => {
                let values: Vec<&str> = values.iter().copied().collect();
                diagnostic.help(format!("`{}` is there with {}", key.value, listed(&values)))
            }
        },
        None => match nearest(&key.value, there.keys().copied()) {
            Some(near) => {
                let near = near.to_owned();
                diagnostic.help(format!("did you mean the key `{near}`?")).maybe(key.span, near)
            }
            None => diagnostic.help(format!(
                "put it on a column: `email: {{ type: string, lf_tags: {{ {}: {} }} }}`",
                key.value, value.value
            )),
        },
    }
}

/// A table of which nothing is left is not granted at all.
fn left(lake: &Lake, access: &Access, found: &mut Diagnostics) {
    // Columns that are listed and not there were reported.
    let Some(hide) = &access.restriction.hide else { return };
    let (key, span) = ("hide", hide.span);
    for grant in &access.grants {
        for (database, table) in lake.tables_at(&grant.place.value) {
            if !visible(&access.restriction, database, table).is_empty() {
                continue;
            }
            let headline =
                format!("nothing of table `{}.{}` is left to read", database.name, table.name);
            found.push(
                Diagnostic::warning(diagnostic::LW0426, span, headline_of(headline))
                    .also(grant.place.span, "access is given to this")
                    .at(format!("{}.{key}", access.path()))
                    .note("it is not granted, and not seen by those of this entry"),
            );
        }
    }
}

// --- places by LF-tags ------------------------------------------------------------------------

fn tagged_places(
    lake: &Lake,
    access: &Access,
    tagged: &At<TagExpression>,
    found: &mut Diagnostics,
) {
    let path = format!("{}.lf_tags", access.path());
    if lake.governed().next().is_none() {
        let headline = "places by LF-tags need a database that Lake Formation decides about";
        let diagnostic = Diagnostic::error(diagnostic::LW0405, tagged.span, headline).at(path);
        found.push(match lake.databases.values().next() {
            Some(database) => diagnostic.help(by_lake_formation(database)),
            None => diagnostic,
        });
        return;
    }
    if tagged.value.keys.len() > MOST_KEYS {
        let headline = format!(
            "{} LF-tags in one expression, and Lake Formation takes {MOST_KEYS}",
            tagged.value.keys.len()
        );
        found.push(
            Diagnostic::error(diagnostic::LW0424, tagged.span, headline)
                .at(&*path)
                .help("name fewer, or one that stands for several"),
        );
    }
    if !lake.carrying(&tagged.value).is_empty() {
        return;
    }
    let tables = lake
        .governed()
        .flat_map(|database| database.tables.values().map(move |table| (database, table)));
    let there = carried(tables.collect());
    let unknown = tagged.value.keys.iter().find_map(|(key, values)| {
        let known = there.get(key.value.as_str());
        let value = values
            .iter()
            .find(|value| !known.is_some_and(|known| known.contains(value.value.as_str())))?;
        Some((key, value))
    });
    let headline = "nothing carries these LF-tags: nothing would be read";
    let (span, path): (Span, String) = match unknown {
        Some((key, value)) => (value.span, format!("{path}.{}", key.value)),
        None => (tagged.span, path),
    };
    let diagnostic = Diagnostic::error(diagnostic::LW0423, span, headline).at(path);
    found.push(match unknown {
        Some((key, value)) => meant(diagnostic, key, value, &there),
        None => diagnostic
            .note("a database, table or column has to carry all of them at once")
            .help("name those that one thing carries together"),
    });
}
