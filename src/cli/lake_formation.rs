//! What a plan says about Lake Formation beside the resources: who decides in truth.
//!
//! In: the lake and a cloud. Out: sentences for the plan's warnings. What CloudFormation cannot do is
//! said with the command that does it; that Lake Formation is obeyed is claimed of nothing that was not
//! read back.

use std::collections::BTreeSet;

use crate::cloud::{Cloud, LakeFormationSettings, OpenToIam};
use crate::lake::formation::Through;
use crate::lake::{Database, Lake};
use crate::spec::databases::Mode;
use crate::spec::reference::Principal;

/// Where the account's settings give less or more than the spec says.
pub fn warnings(lake: &Lake, cloud: &dyn Cloud) -> Vec<String> {
    let concerned = |database: &&Database| !database.existing || !database.tables.is_empty();
    if !lake.databases.values().any(|database| concerned(&database)) {
        return Vec::new();
    }
    let region = &lake.home.region;
    let settings = match cloud.lake_formation_settings(region) {
        Ok(settings) => settings,
        Err(error) => {
            return vec![format!(
                "Lake Formation's settings in {region} could not be read ({error}): whether IAM alone gives access to tables is not known"
            )];
        }
    };
    let mut said = Vec::new();
    if lake.databases.values().filter(concerned).any(|database| database.mode == Mode::Iam) {
        said.extend(closed_to_iam(lake, &settings));
    }
    if lake.governed().next().is_none() {
        return said;
    }
    said.extend(other_admins(lake, &settings));
    said.extend(too_old(lake, &settings));
    match cloud.open_to_iam(region) {
        Ok(open) => said.extend(
            lake.governed()
                .filter(|database| database.mode == Mode::LakeFormation)
                .filter_map(|database| left_open(lake, database, &open, &settings)),
        ),
        Err(error) => said.push(format!(
            "what Lake Formation leaves to IAM in {region} could not be read ({error}): whether its grants are obeyed is not known"
        )),
    }
    said.extend(lake.governed().filter_map(|database| ways(lake, database)));
    said
}

/// Lake Formation decides about new databases or tables unless its settings leave that to IAM (AWS Lake
/// Formation developer guide, "Changing the default settings for your data lake").
fn closed_to_iam(lake: &Lake, settings: &LakeFormationSettings) -> Option<String> {
    let what = match (settings.iam_decides_new_databases, settings.iam_decides_new_tables) {
        (true, true) => return None,
        (false, false) => "new databases and tables",
        (false, true) => "new databases",
        (true, false) => "new tables",
    };
    let region = &lake.home.region;
    Some(format!(
        "Lake Formation decides about {what} in {region}, so access by IAM alone opens none of them: grant it there, or let its settings use only IAM access control for {what}"
    ))
}

/// Administrators that the spec does not name: they stay, and may grant themselves anything.
fn other_admins(lake: &Lake, settings: &LakeFormationSettings) -> Option<String> {
    let named: BTreeSet<String> = lake
        .lake_formation
        .iter()
        .flat_map(|given| &given.admins)
        .filter_map(|admin| {
            let text = admin.value.to_string();
            let (kind, name) =
                text.rsplit_once(':').map_or(&*text, |(_, rest)| rest).split_once('/')?;
            Some(lake.home.iam_arn(None, kind, name))
        })
        .collect();
    let others: Vec<&str> = settings
        .admins
        .iter()
        .filter(|admin| !named.contains(*admin))
        .map(|admin| admin.rsplit_once(':').map_or(admin.as_str(), |(_, name)| name))
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "beside those that the spec names, {} administer Lake Formation in {}: they stay, and may grant themselves whatever they like",
            others.join(", "),
            lake.home.region
        )
    })
}

/// Sharing with other accounts needs a version of Lake Formation's settings that knows what is shared (AWS Lake
/// Formation developer guide, "Updating cross-account data sharing version settings" and "Prerequisites for setting up
/// hybrid access mode").
fn too_old(lake: &Lake, settings: &LakeFormationSettings) -> Option<String> {
    let version = settings.cross_account_version?;
    let (needed, why) = needed_version(lake)?;
    (version < needed).then(|| {
        format!(
            "Lake Formation's cross-account settings in {} are of version {version}, and {why} needs version {needed} or later: an administrator raises it under `Cross account version settings` of the Data Catalog settings, or sets CROSS_ACCOUNT_VERSION by aws lakeformation put-data-lake-settings, which replaces all settings.",
            lake.home.region
        )
    })
}

/// The version that the spec's grants across accounts need, and for what.
fn needed_version(lake: &Lake) -> Option<(u32, String)> {
    let mut needed: Option<(u32, String)> = None;
    let mut need = |version: u32, why: String| {
        if needed.as_ref().is_none_or(|(known, _)| *known < version) {
            needed = Some((version, why));
        }
    };
    for access in lake.access.values() {
        for who in access.who.iter().filter(|who| lake.crosses(&who.value)) {
            if access.tagged.is_some() {
                need(3, format!("{} for `{}`, by LF-tags,", access.path(), who.value));
            }
            for grant in &access.grants {
                let place = &grant.place.value;
                if lake.through(access, &who.value, place) == Through::Iam {
                    continue;
                }
                let named = matches!(who.value, Principal::Role { .. } | Principal::User { .. });
                match lake.mode_of(place) {
                    Mode::Hybrid => {
                        let of = format!("{} for `{}` on {place}", access.path(), who.value);
                        need(4, format!("{of}, a hybrid database,"));
                    }
                    _ if access.restriction.rows.is_some() || named => {
                        need(3, format!("{} for `{}` on {place}", access.path(), who.value));
                    }
                    _ => {}
                }
            }
        }
    }
    needed
}

/// What IAM decides about although Lake Formation should.
fn left_open(
    lake: &Lake,
    database: &Database,
    open: &[OpenToIam],
    settings: &LakeFormationSettings,
) -> Option<String> {
    let name = &database.catalog_name;
    let there: Vec<&OpenToIam> = open.iter().filter(|one| one.database == *name).collect();
    let (who, region) = ("IAM_ALLOWED_PRINCIPALS", &lake.home.region);
    if let Some(first) = there.first() {
        let what: Vec<String> = there
            .iter()
            .map(|one| match &one.table {
                None => database.name.to_string(),
                Some(table) => format!("{}.{table}", database.name),
            })
            .collect();
        let resource = match &first.table {
            None => format!("{{\"Database\":{{\"Name\":\"{name}\"}}}}"),
            Some(table) => {
                format!("{{\"Table\":{{\"DatabaseName\":\"{name}\",\"Name\":\"{table}\"}}}}")
            }
        };
        // Super on a database is to change it and to make tables in it; a table has its own (AWS Lake Formation developer
        // guide, "Lake Formation permissions reference")
        let told = match there.iter().all(|one| one.table.is_none()) {
            true => format!(
                "Lake Formation decides nothing about the database {} itself, only about its tables: everybody whom IAM lets in may change it and make tables in it ({who})",
                what.join(", ")
            ),
            false => format!(
                "Lake Formation decides nothing about {}: everybody whom IAM lets in has it ({who})",
                what.join(", ")
            ),
        };
        return Some(format!(
            "{told}. CloudFormation cannot take that away; an administrator can, for each: aws lakeformation revoke-permissions --region {region} --principal DataLakePrincipalIdentifier={who} --permissions ALL --resource '{resource}'"
        ));
    }
    // A database that is not made yet gets what the settings give.
    settings.iam_decides_new_databases.then(|| {
        format!(
            "new databases in {region} are given to everybody whom IAM lets in ({who}), so {} would be too, if it is not there yet: not its tables, but who may change it and make tables in it. CloudFormation cannot change that: an administrator takes `Use only IAM access control` off for new databases first, or takes it away afterwards, as the next plan says",
            database.name
        )
    })
}

/// By what the data of a database is reached without Lake Formation, beside the role that is its own.
fn ways(lake: &Lake, database: &Database) -> Option<String> {
    let ways: Vec<String> = lake.ways_to(database).into_iter().map(|way| way.who).collect();
    (!ways.is_empty()).then(|| {
        format!(
            "past Lake Formation the data of {0} is reached by: {1}. `lakewright access who {0}` says who that is",
            database.name,
            ways.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::resolve;
    use crate::source::Sources;
    use crate::syntax::parse;

    fn said(version: Option<u32>, mode: &str, access: &str) -> Option<String> {
        let text = format!(
            "lakewright: 1\nlake: acme\norganization: {{ id: o-a1b2c3d4e5, trusted: {{ \"333333333333\": partner }} }}\nenvironments: {{ dev: {{ account: \"111111111111\", region: eu-west-1 }} }}\nbuckets: {{ raw: {{}} }}\nlake_formation: {{ admins: [role/Admin] }}\ndatabases: {{ sales: {{ location: raw/sales/, mode: {mode}, lf_tags: {{ domain: sales }}, tables: {{ orders: {{ format: parquet, columns: {{ id: bigint, country: string }} }} }} }} }}\naccess: {{ a: {access} }}\n"
        );
        let mut sources = Sources::default();
        let file = sources.add("lake.yaml", text);
        let (tree, _) = parse(&sources, file);
        let resolved = resolve(&tree, "dev");
        assert!(!resolved.diagnostics.has_errors(), "{:?}", resolved.diagnostics);
        let settings =
            LakeFormationSettings { cross_account_version: version, ..Default::default() };
        too_old(&resolved.lake.expect("a lake"), &settings)
    }

    #[test]
    fn a_version_that_does_not_know_what_is_shared_is_said() {
        let table = "{ who: [account/333333333333], read: [sales.orders] }";
        let rows = "{ who: [account/333333333333], read: [sales.orders], rows: country = 'DE' }";
        let role = "{ who: [\"333333333333:role/Reader\"], read: [sales.orders] }";
        let tags = "{ who: [account/333333333333], lf_tags: { domain: sales } }";
        let own = "{ who: [role/Reader], read: [sales.orders], columns: [id] }";
        for (mode, access, needed) in [
            ("hybrid", table, Some(4)),
            ("hybrid", rows, Some(4)),
            ("hybrid", own, None),
            ("lakeformation", rows, Some(3)),
            ("lakeformation", role, Some(3)),
            ("lakeformation", tags, Some(3)),
            ("lakeformation", table, None),
            ("lakeformation", own, None),
        ] {
            for version in 1..=5 {
                let told = said(Some(version), mode, access);
                let wanted = needed.is_some_and(|needed| version < needed);
                assert_eq!(told.is_some(), wanted, "{mode} {access} {version}: {told:?}");
                let word = format!("needs version {}", needed.unwrap_or_default());
                assert!(told.is_none_or(|told| told.contains(&word)), "{mode} {access}");
            }
            // what is not told is not claimed
            assert_eq!(said(None, mode, access), None);
        }
    }
}
