//! Workgroups of Athena: who can query, that all of them read the same (LW0428), and that results have a
//! place of their own (LW0429).
//!
//! Everybody in a workgroup reads every result in it, be it through Athena or as an object, so that a
//! column which one of them may read is read by all. Two who read different things of a table have a
//! workgroup each. Of a place that others use, results would be read by others, or stay.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::analytics::Workgroup;
use crate::lake::places::{Encryption, Location};
use crate::lake::views::{Views, different, told};
use crate::lake::{Bucket, Lake};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for workgroup in lake.workgroups.values() {
        people(lake, workgroup, found);
        same(lake, workgroup, found);
        place(lake, workgroup, found);
    }
    apart(lake, found);
}

/// A workgroup is called by roles and users of its account.
fn people(lake: &Lake, workgroup: &Workgroup, found: &mut Diagnostics) {
    for who in workgroup.who.iter().filter(|who| !lake.is_own_principal(&who.value)) {
        let headline = format!("`{}` cannot query in workgroup `{}`", who.value, workgroup.name);
        let help = match &who.value {
            Principal::Saml { .. } | Principal::IdentityCenter { .. } => {
                "name the role that they sign in with: `role/NAME`"
            }
            _ => {
                "others query in their own account: `lakewright output --handover` prints what they need there; here name roles and users of the lake's account"
            }
        };
        found.push(
            Diagnostic::error(diagnostic::LW0404, who.span, headline_of(headline))
                .at(format!("{}.who", workgroup.path()))
                .note("Athena is called by roles and users of the account that the workgroup is in")
                .help(help),
        );
    }
}

/// All of a workgroup read the same of every table.
fn same(lake: &Lake, workgroup: &Workgroup, found: &mut Diagnostics) {
    let own = |who: &&At<Principal>| lake.is_own_principal(&who.value);
    let read: Vec<(&At<Principal>, Views)> = workgroup
        .who
        .iter()
        .filter(own)
        .map(|who| (who, lake.views_with_results(&who.value)))
        .collect();
    let Some(((first, views), others)) = read.split_first() else { return };
    let Some((other, theirs, table)) =
        others.iter().find_map(|(who, theirs)| Some((who, theirs, different(views, theirs)?)))
    else {
        return;
    };
    let headline = format!(
        "`{}` and `{}` read different things, and share the results of workgroup `{}`",
        first.value, other.value, workgroup.name
    );
    let of = |who: &Principal, views: &Views| {
        format!("of {}, `{who}` reads {}", tables(table), told(views.get(table)))
    };
    let mut diagnostic = Diagnostic::error(diagnostic::LW0428, other.span, headline_of(headline))
        .at(format!("{}.who", workgroup.path()))
        .note(of(&first.value, views))
        .note(of(&other.value, theirs))
        .help("give each of them a workgroup of its own, or the same access");
    if other.span != first.span {
        diagnostic = diagnostic.also(first.span, format!("`{}`", first.value));
    }
    found.push(diagnostic);
}

fn tables(name: &str) -> String {
    match (name.strip_suffix(".*"), name.strip_prefix("lf_tags ")) {
        (Some(database), _) => format!("tables of {database} that are not declared"),
        (_, Some(tags)) => format!("what carries {tags}"),
        _ => name.to_owned(),
    }
}

/// The place of results is the lake's, is emptied, and is of nothing else.
fn place(lake: &Lake, workgroup: &Workgroup, found: &mut Diagnostics) {
    let results = &workgroup.results;
    let Some(bucket) = lake.buckets.get(&results.value.bucket) else { return };
    let refuse = |headline: String| {
        Diagnostic::error(diagnostic::LW0429, results.span, headline_of(headline))
            .at(format!("{}.results", workgroup.path()))
            .help(
                "name a prefix that nothing else uses, or leave `results` out: a bucket of its own",
            )
    };
    if let Some((what, span)) = user(lake, &results.value) {
        let headline = format!("`{}` is a place of {what}, and results are not", results.value);
        found.push(refuse(headline).also(span, format!("{what} is there")));
    }
    // A bucket of its own is as it should be.
    if workgroup.own_results {
        return;
    }
    if let Some(why) = stays(bucket) {
        let headline = format!("results in `{}` would not be deleted", results.value);
        found.push(refuse(headline).also(bucket.span, why));
    }
    if bucket.encryption == Encryption::AwsManaged && !bucket.existing {
        let headline = format!("Athena cannot be told the key of `{}`", results.value);
        found.push(
            refuse(headline)
                .also(
                    bucket.encryption_span,
                    "`aws:kms`: the key that AWS manages has no ARN that is known here",
                )
                .help("encrypt the bucket with `keys.NAME`"),
        );
    }
}

fn stays(bucket: &Bucket) -> Option<&'static str> {
    match bucket {
        bucket if bucket.existing => {
            Some("the bucket is not ours, and its lifecycle is never changed")
        }
        bucket if bucket.lock.is_some() => Some("Object Lock keeps every version"),
        bucket if bucket.replica.is_some() => {
            Some("the bucket is copied, and the copy is not emptied")
        }
        _ => None,
    }
}

/// What else uses a place. Athena's results are in no place that is registered with Lake Formation
/// (Athena User Guide, "Considerations and limitations for querying data registered with Lake Formation").
fn user(lake: &Lake, results: &Location) -> Option<(String, Span)> {
    for database in lake.databases.values() {
        if database.location.as_ref().is_some_and(|at| at.overlaps(results)) {
            return Some((format!("database `{}`", database.name), database.span));
        }
        if let Some(table) = database.tables.values().find(|it| it.location.overlaps(results)) {
            let what = format!("table `{}.{}`", table.database, table.name);
            return Some((what, table.location_span));
        }
    }
    let mut sources = lake.sources.values();
    let source = sources.find(|source| source.into.value.overlaps(results))?;
    Some((format!("source `{}`", source.name), source.into.span))
}

/// Two workgroups do not share a place.
fn apart(lake: &Lake, found: &mut Diagnostics) {
    let all: Vec<&Workgroup> = lake.workgroups.values().collect();
    for (at, workgroup) in all.iter().enumerate() {
        let results = &workgroup.results.value;
        let Some(other) = all[..at].iter().find(|it| it.results.value.overlaps(results)) else {
            continue;
        };
        let headline = format!(
            "results of workgroups `{}` and `{}` share a place",
            other.name, workgroup.name
        );
        found.push(
            Diagnostic::error(diagnostic::LW0429, workgroup.results.span, headline)
                .also(other.results.span, format!("`{}` of the other one", other.results.value))
                .at(format!("{}.results", workgroup.path()))
                .note("whoever queries in one would read the results of the other")
                .help("give each a prefix of its own, or leave `results` out"),
        );
    }
}
