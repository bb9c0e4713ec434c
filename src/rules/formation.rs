//! Rules over Lake Formation: its grants, and the ways that go past them.

use std::collections::{BTreeMap, BTreeSet};

use super::ground::{Attached, Ground, about, some_of};
use super::table::of;
use super::{Finding, Rule};
use crate::access::{Grant, PrincipalKind, State};
use crate::diagnostic as codes;
use crate::document::Value;

/// What Lake Formation calls everybody whom IAM lets in.
const EVERYBODY: &str = "IAM_ALLOWED_PRINCIPALS";

/// A registered location, as an ARN of S3, and the role that reads it.
struct Registered<'s> {
    location: &'s str,
    role: &'s str,
}

impl Registered<'_> {
    fn bucket(&self) -> &str {
        self.location.split('/').next().unwrap_or(self.location)
    }

    /// How the ARNs of its objects begin.
    fn below(&self) -> String {
        match self.location.contains('/') && !self.location.ends_with('/') {
            true => format!("{}/", self.location),
            false if self.location.contains('/') => self.location.to_owned(),
            false => format!("{}/", self.location),
        }
    }
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

/// The tables of which a principal is granted a part only: some columns, or the rows of a filter.
fn restricted(state: &State) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
    let mut whole = BTreeSet::new();
    let mut part = BTreeMap::new();
    for grant in state.grants.iter().filter(|grant| of_data(grant)) {
        let text = |path: &[&str]| grant.resource.at(path).and_then(Value::as_str);
        let pair = |kind, name| text(&[kind, "DatabaseName"]).zip(text(&[kind, name]));
        let who = grant.principal.as_str();
        if let Some(table) = pair("Table", "Name")
            && grant
                .permissions
                .iter()
                .any(|one| matches!(one.as_str(), "SELECT" | "ALL" | "SUPER"))
        {
            whole.insert((table, who));
        }
        let some = pair("TableWithColumns", "Name").filter(|_| {
            let named = grant.resource.at(&["TableWithColumns", "ColumnNames"]);
            let but =
                grant.resource.at(&["TableWithColumns", "ColumnWildcard", "ExcludedColumnNames"]);
            let any = |list: Option<&Value>| {
                list.and_then(Value::as_list).is_some_and(|all| !all.is_empty())
            };
            any(named) || any(but)
        });
        if let Some(table) = some.or_else(|| pair("DataCellsFilter", "TableName")) {
            part.entry(table).or_insert_with(BTreeSet::new).insert(who);
        }
    }
    part.into_iter()
        .map(|(table, mut all): (_, BTreeSet<&str>)| {
            all.retain(|who| !whole.contains(&(table, who)));
            (table, all)
        })
        .collect()
}

pub(super) fn round_restriction(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let state = ground.state;
    for ((database, table), all) in restricted(state) {
        let Some(location) = state.locations.get(&(database.to_owned(), table.to_owned())) else {
            continue;
        };
        let bucket = location.split('/').next().unwrap_or(location);
        let below = format!("{}/", location.trim_end_matches('/'));
        for who in all.iter().filter(|who| who.starts_with("arn:")) {
            let Some(action) = ground.reaches(who, "read_object", bucket, &below) else { continue };
            let grant =
                state.grants.iter().find(|grant| grant.principal == **who && of_data(grant));
            let origin = grant.map(|grant| grant.origin.clone()).unwrap_or_default();
            let kind = state.principals.get(*who).map_or("principal", |one| one.kind.as_str());
            let message =
                format!("is granted a part of {database}.{table} and may {action} on {below}*");
            let help = "take its access to the objects away: Lake Formation reads them for it";
            let told = about(of(codes::LW0458), (who, kind), &origin, message, help);
            found.push(told.on(format!("{below}*")));
        }
    }
}

pub(super) fn past(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let state = ground.state;
    let all = registered(state);
    for (name, one) in state.principals.iter().filter(|(_, one)| one.kind != PrincipalKind::Group) {
        for place in all.iter().filter(|place| place.role != name) {
            let below = place.below();
            let Some(action) = ground.reaches(name, "read_object", place.bucket(), &below) else {
                continue;
            };
            let origin = one.origin.clone();
            let origin = origin.or_else(|| one.identity.first().map(|held| held.origin.clone()));
            let message = format!("may {action} on {below}* whatever Lake Formation grants");
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
