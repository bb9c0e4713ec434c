//! Rules over Lake Formation: its grants, and the ways that go past them.

use std::collections::{BTreeMap, BTreeSet};

use super::ground::{Attached, Ground, Said, about, some_of};
use super::table::of;
use super::{Finding, Rule};
use crate::access::reach::{Closure, Subject, Way};
use crate::access::{Grant, On, PrincipalKind, State, in_request, permits};
use crate::diagnostic as codes;
use crate::document::Value;
use crate::verdict::Name;

/// What Lake Formation calls everybody whom IAM lets in.
const EVERYBODY: &str = "IAM_ALLOWED_PRINCIPALS";

/// A registered location, as an ARN of S3, and the role that reads it.
struct Registered<'s> {
    location: &'s str,
    role: &'s str,
}

fn registered(state: &State) -> Vec<Registered<'_>> {
    let all = state.grants.iter().filter_map(|grant| {
        let location = grant.resource.at(&["Registration", "ResourceArn"])?.as_str()?;
        grant
            .permissions
            .contains("reads for Lake Formation")
            .then_some(Registered { location, role: &grant.principal })
    });
    all.collect()
}

/// A grant on data, not a setting of Lake Formation's.
fn of_data(grant: &Grant) -> bool {
    ["Registration", "Administration", "Defaults"]
        .iter()
        .all(|key| grant.resource.get(key).is_none())
}

/// What a grant is on, for people.
fn shown(grant: &Grant) -> String {
    let text = |path: &[&str]| grant.resource.at(path).and_then(Value::as_str).map(str::to_owned);
    for kind in ["Table", "TableWithColumns"] {
        if let Some(database) = text(&[kind, "DatabaseName"]) {
            let table = text(&[kind, "Name"]).unwrap_or_else(|| "*".to_owned());
            return format!("{database}.{table}");
        }
    }
    let filtered =
        (text(&["DataCellsFilter", "DatabaseName"]), text(&["DataCellsFilter", "TableName"]));
    if let (Some(database), Some(table)) = filtered {
        return format!("{database}.{table}");
    }
    let simple = [["Database", "Name"], ["DataLocation", "ResourceArn"]];
    let found = simple.iter().find_map(|path| text(path));
    found.unwrap_or_else(|| grant.resource.to_json())
}

/// The tables of which a principal is granted a part only: some columns, or the rows of a filter; by tags as by name.
fn restricted(state: &State) -> BTreeMap<(String, String), BTreeSet<&str>> {
    let mut part: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    let data = || state.grants.iter().filter(|grant| of_data(grant));
    let all: BTreeSet<&str> = data().map(|grant| grant.principal.as_str()).collect();
    let mut whole = BTreeSet::new();
    for who in &all {
        for permit in permits(state, who) {
            let reads = matches!(permit.permission.as_str(), "SELECT" | "ALL" | "SUPER");
            match permit.on {
                On::Table(database, Some(table)) if reads && permit.partial => {
                    part.entry((database, table)).or_default().insert(who);
                }
                On::Table(database, table) if reads => drop(whole.insert((database, table, *who))),
                _ => {}
            }
        }
    }
    // a filter that no template makes leaves something out
    for grant in data() {
        let text = |key| grant.resource.at(&["DataCellsFilter", key]).and_then(Value::as_str);
        let (Some(database), Some(table)) = (text("DatabaseName"), text("TableName")) else {
            continue;
        };
        let name = format!("{database}.{table}.{}", text("Name").unwrap_or_default());
        if !state.filters.contains_key(&name) {
            let table = (database.to_owned(), table.to_owned());
            part.entry(table).or_default().insert(grant.principal.as_str());
        }
    }
    for ((database, table), all) in &mut part {
        all.retain(|who| {
            let table = Some(table.clone());
            [table, None].into_iter().all(|table| !whole.contains(&(database.clone(), table, *who)))
        });
    }
    part
}

/// A place in S3, and everywhere that buckets have S3 copy it to: ARNs without a slash at their end.
fn with_copies(state: &State, location: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![location.trim_end_matches('/').to_owned()];
    while let Some(place) = next.pop() {
        let (bucket, prefix) = place.split_once('/').unwrap_or((&place, ""));
        let copies = state.transfers.iter().filter(|one| one.role.is_some());
        for one in copies.filter(|one| *in_request(&one.from) == *bucket) {
            let copied = match (format!("{prefix}/").starts_with(&one.prefix), prefix) {
                (true, "") => in_request(&one.to).into_owned(),
                (true, _) => format!("{}/{prefix}", in_request(&one.to)),
                (false, _) if one.prefix.starts_with(prefix) => {
                    format!("{}/{}", in_request(&one.to), one.prefix.trim_end_matches('/'))
                }
                (false, _) => continue,
            };
            if copied != place && !found.contains(&copied) {
                next.push(copied);
            }
        }
        found.insert(place);
    }
    found
}

fn bucket_of(place: &str) -> &str {
    place.split('/').next().unwrap_or(place)
}

/// Those whom a principal of Lake Formation acts as to begin with: itself, or every role that its SAML provider vouches
/// for, since only assertions say who takes which (API_AssumeDecoratedRoleWithSAML, Lake Formation developer guide).
fn acting_as<'s>(ground: &Ground<'s>, who: &'s str) -> Vec<&'s str> {
    let provider = [":group/", ":user/"].iter().find_map(|end| who.split_once(end));
    let Some((provider, _)) = provider.filter(|(head, _)| head.contains(":saml-provider/")) else {
        return vec![who];
    };
    let by_provider = |said: &&Said<'_>| {
        let named = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        !said.of("assume_saml").is_empty()
            && named.iter().any(|name| {
                matches!(name, Name::Other { kind, text } if kind == "Federated" && text == provider)
            })
    };
    ground.allows(Attached::Trust).filter(by_provider).map(|said| said.holder).collect()
}

/// The way to somebody, for people; empty for oneself.
fn told(start: Option<&str>, way: &[Way]) -> String {
    let first = start.map(|role| format!("{role} (sign in)"));
    let steps = way.iter().map(|one| format!("{} ({})", one.to, one.name));
    let all: Vec<String> = first.into_iter().chain(steps).collect();
    if all.is_empty() { String::new() } else { format!(", as {},", all.join(", then ")) }
}

pub(super) fn round_restriction(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let state = ground.state;
    let mut closures: BTreeMap<&str, Closure> = BTreeMap::new();
    for ((database, table), all) in restricted(state) {
        let Some(location) = state.locations.get(&(database.clone(), table.clone())) else {
            continue;
        };
        let places = with_copies(state, location);
        for who in all.iter().filter(|who| who.starts_with("arn:")) {
            let starts = acting_as(ground, who);
            let direct = starts.iter().find_map(|start| {
                places.iter().find_map(|place| {
                    let below = format!("{place}/");
                    let action = ground.reaches(start, "read_object", bucket_of(place), &below)?;
                    Some((start, place, action, Vec::new()))
                })
            });
            let reached = direct.or_else(|| {
                starts.iter().find_map(|start| {
                    let of = || Closure::of(&ground.judge, &Subject::Named((*start).to_owned()));
                    let closure = closures.entry(start).or_insert_with(of);
                    places.iter().find_map(|place| {
                        let (action, way) = ground.reaches_through(closure, start, place)?;
                        Some((start, place, action, way))
                    })
                })
            });
            let Some((start, place, action, way)) = reached else { continue };
            let grant =
                state.grants.iter().find(|grant| grant.principal == **who && of_data(grant));
            let origin = grant.map(|grant| grant.origin.clone()).unwrap_or_default();
            let kind = state.principals.get(*who).map_or("principal", |one| one.kind.as_str());
            let way = told(Some(*start).filter(|start| start != who), &way);
            let copy = match place == location.trim_end_matches('/') {
                true => "",
                false => ", where its files are copied to",
            };
            let message = format!(
                "is granted a part of {database}.{table} and{way} may {action} on {place}/*{copy}"
            );
            let help = match way.is_empty() {
                true => "take its access to the objects away: Lake Formation reads them for it",
                false => {
                    "take the way or the access to the objects away: Lake Formation reads them for it"
                }
            };
            let told = about(of(codes::LW0458), (who, kind), &origin, message, help);
            found.push(told.on(format!("{place}/*")));
        }
    }
}

pub(super) fn past(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let state = ground.state;
    let all = registered(state);
    let places: Vec<(&Registered<'_>, BTreeSet<String>)> =
        all.iter().map(|one| (one, with_copies(state, one.location))).collect();
    for (name, one) in state.principals.iter().filter(|(_, one)| one.kind != PrincipalKind::Group) {
        for (own, place) in places
            .iter()
            .filter(|(own, _)| own.role != name)
            .flat_map(|(own, all)| all.iter().map(move |place| (own, place)))
        {
            let below = format!("{place}/");
            let Some(action) = ground.reaches(name, "read_object", bucket_of(place), &below) else {
                continue;
            };
            let origin = one.origin.clone();
            let origin = origin.or_else(|| one.identity.first().map(|held| held.origin.clone()));
            let copy = match place == own.location.trim_end_matches('/') {
                true => String::new(),
                false => format!(" (a copy of {})", own.location),
            };
            let message = format!("may {action} on {below}*{copy} whatever Lake Formation grants");
            let help =
                "grant it in Lake Formation instead, or say with a waiver why it reads the files";
            let subject = (name.as_str(), one.kind.as_str());
            let told =
                about(of(codes::LW0459), subject, &origin.unwrap_or_default(), message, help);
            found.push(told.on(format!("{below}*")));
        }
    }
}

fn on_grant(rule: &'static Rule, grant: &Grant, message: impl Into<String>, help: &str) -> Finding {
    about(rule, (&grant.principal, "principal"), &grant.origin, message, help).on(shown(grant))
}

pub(super) fn locations(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for grant in &ground.state.grants {
        if grant.permissions.contains("DATA_LOCATION_ACCESS") {
            let message = format!("defines tables over {} and writes what they hold", shown(grant));
            let help = "give it to those only who make tables";
            found.push(on_grant(of(codes::LW0460), grant, message, help));
        }
    }
}

pub(super) fn given_on(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let help = "give only what is used: SELECT, INSERT, DESCRIBE";
    for grant in &ground.state.grants {
        let rule = of(codes::LW0461);
        if let Some(what) = grant.resource.at(&["Administration", "What"]).and_then(Value::as_str) {
            let message = match what {
                "admin" => {
                    "is an administrator of the data lake: it grants everything to everybody"
                }
                _ => {
                    "is a read-only administrator: it sees every grant and every table's definition"
                }
            };
            found.push(on_grant(
                rule,
                grant,
                message,
                "name as few administrators as there can be",
            ));
            continue;
        }
        let whole: Vec<&str> = grant
            .permissions
            .iter()
            .map(String::as_str)
            .filter(|one| matches!(*one, "ALL" | "SUPER"))
            .collect();
        if of_data(grant) && !whole.is_empty() {
            let message = format!("holds {} on {}", whole.join(", "), shown(grant));
            found.push(on_grant(rule, grant, message, help));
        }
        if of_data(grant) && !grant.with_grant_option.is_empty() {
            let given: Vec<&str> = grant.with_grant_option.iter().map(String::as_str).collect();
            let message = format!("may give {} on {} on to others", some_of(&given), shown(grant));
            found.push(on_grant(rule, grant, message, help).listing(&given));
        }
    }
}

pub(super) fn data_access(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let granted: Vec<&Grant> = ground.state.grants.iter().filter(|grant| of_data(grant)).collect();
    for said in ground.allows(Attached::Identity) {
        if said.is_everything() || said.of("data_access").is_empty() {
            continue;
        }
        let has = granted.iter().any(|grant| {
            let who = grant.principal.as_str();
            let service =
                !who.starts_with("arn:") || who.contains(":iam::") && who.ends_with(":root");
            // an account, an organization, a federated group: whom they stand for is not here
            who == said.holder
                || service
                || who.contains(":organizations::")
                || who.contains(":saml-provider/")
                || who.contains(":identitystore:")
        });
        if !has {
            let message =
                "unlocks every grant of Lake Formation that it will ever get, and has none now";
            let help = "give it a grant, or take the action away";
            found.push(said.finding(of(codes::LW0462), message, help));
        }
    }
}

pub(super) fn left_to_iam(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for grant in ground.state.grants.iter().filter(|grant| grant.principal == EVERYBODY) {
        let message = match grant.resource.at(&["Defaults", "What"]).and_then(Value::as_str) {
            Some(what) => format!("{what} are left to IAM by default"),
            None => format!("{} is left to IAM", shown(grant)),
        };
        let help = "revoke what IAMAllowedPrincipals holds, and leave the defaults empty";
        found.push(on_grant(of(codes::LW0463), grant, message, help));
    }
}

pub(super) fn exclusions(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let help = "name the columns that are shown";
    for grant in &ground.state.grants {
        let path = ["TableWithColumns", "ColumnWildcard", "ExcludedColumnNames"];
        let excluded = grant.resource.at(&path).and_then(Value::as_list).unwrap_or(&[]);
        if !excluded.is_empty() {
            let message =
                format!("sees all columns of {} but {} of today's", shown(grant), excluded.len());
            found.push(on_grant(of(codes::LW0464), grant, message, help));
        }
    }
    for (name, filter) in &ground.state.filters {
        if filter.excludes && !filter.columns.is_empty() {
            let message =
                format!("the filter shows all columns but {} of today's", filter.columns.len());
            let kind = "AWS::LakeFormation::DataCellsFilter";
            found.push(about(of(codes::LW0464), (name, kind), &filter.origin, message, help));
        }
    }
}
