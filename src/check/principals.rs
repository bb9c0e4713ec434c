//! Who can be named where (LW0404), and what needs to know the organization (LW0406).
//!
//! A bucket's policy takes any principal of AWS; IAM alone, which decides about the Data Catalog here,
//! takes roles and users of the own account; a role that is assumed or passed is a role of the own
//! account.

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::formation::Through;
use crate::lake::places::Place;
use crate::lake::{Access, Lake};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    roles(lake, found);
    for key in lake.keys.values() {
        for (at, admin) in key.admins.iter().enumerate() {
            let own = matches!(admin.value, Principal::Role { .. } | Principal::User { .. })
                && !lake.crosses(&admin.value);
            if !own {
                let headline = format!("`{admin}` cannot administer key `{}`", key.name);
                found.push(
                    Diagnostic::error(diagnostic::LW0404, admin.span, headline)
                        .at(format!("{}.admins[{at}]", key.path()))
                        .note("admins of a key are roles and users of the lake's own account")
                        .help("name one: `role/KeyAdmin`"),
                );
            }
        }
    }
    for bucket in lake.buckets.values() {
        let Some(perimeter) = &bucket.perimeter else { continue };
        let path = format!("{}.perimeter", bucket.path());
        if lake.organization.is_none() {
            no_organization(perimeter.span, &path, "a perimeter", found);
        }
        for (at, exempt) in perimeter.except.iter().enumerate() {
            let why = match &exempt.value {
                Principal::Service(_) => {
                    "services that act for the organization pass without being named"
                }
                Principal::OrganizationalUnit(_) | Principal::Organization => {
                    "the organization passes without being named"
                }
                _ => continue,
            };
            found.push(
                Diagnostic::error(
                    diagnostic::LW0404,
                    exempt.span,
                    format!("`{exempt}` cannot be exempt from a perimeter"),
                )
                .at(format!("{path}.except[{at}]"))
                .note(why)
                .help("take it out"),
            );
        }
    }
    for access in lake.access.values() {
        grants(lake, access, found);
    }
}

/// Roles that lakewright, CloudFormation or Glue takes on.
fn roles(lake: &Lake, found: &mut Diagnostics) {
    let environment = format!("environments.{}", lake.home.environment);
    let roles = [
        (&lake.home.deploy_role, format!("{environment}.deploy_role"), "lakewright assumes it"),
        (
            &lake.home.execution_role,
            format!("{environment}.execution_role"),
            "CloudFormation acts as it",
        ),
    ];
    let jobs = lake.pipelines.values().map(|pipeline| {
        (&pipeline.role, format!("{}.role", pipeline.path()), "the job runs as it")
    });
    for (role, path, why) in roles.into_iter().chain(jobs) {
        let Some(role) = role else { continue };
        let own = matches!(role.value, Principal::Role { .. }) && !lake.crosses(&role.value);
        if own {
            continue;
        }
        let headline = format!("`{role}` is not a role of account {}", lake.home.account);
        let mut diagnostic = Diagnostic::error(diagnostic::LW0404, role.span, headline)
            .at(path)
            .note(format!("{why}, so it is a role of the account that the lake stands in"));
        if let Principal::Role { name, .. } = &role.value {
            diagnostic = diagnostic
                .help(format!("write `role/{name}`, if the account has a role of that name"))
                .maybe(role.span, format!("role/{name}"));
        }
        found.push(diagnostic);
    }
}

fn no_organization(span: Span, path: &str, what: &str, found: &mut Diagnostics) {
    found.push(
        Diagnostic::error(
            diagnostic::LW0406,
            span,
            format!("{what} needs to know the organization"),
        )
        .label("of which organization?")
        .at(path)
        .help("say which one it is, at the top: `organization: { id: o-a1b2c3d4e5 }`"),
    );
}

fn grants(lake: &Lake, access: &Access, found: &mut Diagnostics) {
    for (at, who) in access.who.iter().enumerate() {
        let path = format!("{}.who[{at}]", access.path());
        match (&who.value, &lake.organization) {
            (Principal::Service(service), _) => {
                found.push(
                    Diagnostic::error(
                        diagnostic::LW0404,
                        who.span,
                        format!("`{who}` cannot be given access"),
                    )
                    .at(&*path)
                    .note(format!(
                        "{service} acts for a flow: declare that, and it may do what the flow needs"
                    ))
                    .help("name roles, users, accounts, organizational units or `organization`"),
                );
                continue;
            }
            (Principal::OrganizationalUnit(_) | Principal::Organization, None) => {
                no_organization(who.span, &path, &format!("`{who}`"), found);
            }
            (Principal::OrganizationalUnit(unit), Some(organization)) => {
                // An OU's id starts with that of its root: `ou-ab12-...` lies below `r-ab12`.
                if let Some(root) = &organization.root
                    && unit.split('-').nth(1) != root.value.0.strip_prefix("r-")
                {
                    found.push(
                        Diagnostic::error(
                            diagnostic::LW0404,
                            who.span,
                            format!("`{who}` is not below the organization's root"),
                        )
                        .also(root.span, format!("the root is `{}`", root.value.0))
                        .at(&*path)
                        .note("the id of an organizational unit has that of its root in it"),
                    );
                }
            }
            (Principal::Saml { .. } | Principal::IdentityCenter { .. }, _) => {
                federated(lake, access, who, &path, found);
            }
            _ => {}
        }
        managed(lake, access, who, &path, found);
        if lake.crosses(&who.value) {
            beyond(lake, access, who, &path, found);
        } else if let Principal::Account(account) = &who.value {
            let whom = format!("account {account} as a whole");
            catalog(lake, access, who, &path, &whom, found);
            own_account(lake, access, who, &path, account, found);
        }
    }
}

/// Access for those outside of this account: to objects in buckets of ours.
fn beyond(lake: &Lake, access: &Access, who: &At<Principal>, path: &str, found: &mut Diagnostics) {
    catalog(lake, access, who, path, "other accounts", found);
    for grant in &access.grants {
        let Place::Objects(location) = &grant.place.value else { continue };
        let existing = lake.buckets.get(&location.bucket).filter(|bucket| bucket.existing);
        if let Some(bucket) = existing {
            found.push(
                Diagnostic::error(
                    diagnostic::LW0404,
                    who.span,
                    format!("`{who}` cannot be let into bucket `{}`", bucket.name),
                )
                .also(grant.place.span, "access is given to this")
                .also(bucket.span, "the bucket is not ours: its policy is never changed")
                .at(path)
                .help("give access to buckets of the lake, or have the owner of the bucket do it"),
            );
        }
    }
}

/// Databases and tables that IAM decides about, and streams, are open to roles and users of this account
/// only.
fn catalog(
    lake: &Lake,
    access: &Access,
    who: &At<Principal>,
    path: &str,
    whom: &str,
    found: &mut Diagnostics,
) {
    let streams = access.grants.iter().find(|grant| matches!(grant.place.value, Place::Stream(_)));
    if let Some(grant) = streams {
        let headline = format!("`{who}` cannot write to the stream of `{}`", grant.place.value);
        found.push(
            Diagnostic::error(diagnostic::LW0404, who.span, headline)
                .also(grant.place.span, "a stream of this account")
                .at(path)
                .note(format!("{whom} would need a resource policy on the stream, which lakewright does not write"))
                .help("name a role of this account that they may assume, or let them put objects: `write: [BUCKET/PREFIX/]`"),
        );
    }
    let by_iam = |place: &Place| {
        matches!(place, Place::Database(_) | Place::Table { .. })
            && lake.through(access, &who.value, place) == Through::Iam
    };
    let Some(grant) = access.grants.iter().find(|grant| by_iam(&grant.place.value)) else { return };
    let headline = format!("`{who}` cannot be given access to `{}`", grant.place.value);
    found.push(
        Diagnostic::error(diagnostic::LW0404, who.span, headline)
            .also(grant.place.span, "part of the Data Catalog, and IAM decides about it")
            .at(path)
            .note("IAM opens databases and tables to roles and users of this account only")
            .help(format!(
                "let Lake Formation decide: `mode: lakeformation` in `databases.{}`; or give access to the objects: `read: [BUCKET/PREFIX/]`",
                database_of(&grant.place.value)
            )),
    );
}

fn database_of(place: &Place) -> String {
    match place {
        Place::Database(name) | Place::Table { database: name, .. } => name.to_string(),
        other => other.to_string(),
    }
}

/// The lake's own account as a whole: Lake Formation gives to somebody in it.
fn own_account(
    lake: &Lake,
    access: &Access,
    who: &At<Principal>,
    path: &str,
    account: &crate::names::AccountId,
    found: &mut Diagnostics,
) {
    let place = access.grants.iter().find(|grant| {
        lake.through(access, &who.value, &grant.place.value) == Through::LakeFormation
    });
    let (place, span) = match (place, &access.tagged) {
        (Some(grant), _) => (grant.place.value.to_string(), grant.place.span),
        (None, Some(tagged)) => ("what carries LF-tags".to_owned(), tagged.span),
        (None, None) => return,
    };
    let headline = format!("`{who}` cannot be given access to `{place}`");
    let mut diagnostic = Diagnostic::error(diagnostic::LW0404, who.span, headline)
        .also(span, "part of the Data Catalog")
        .at(path)
        .note(format!(
            "account {account} is the lake's own, and the catalog is opened to somebody in it"
        ));
    diagnostic =
        diagnostic.help("name roles, users, or groups of a SAML provider or of Identity Center");
    found.push(diagnostic);
}

/// Groups and users of a provider of identities: Lake Formation knows them, IAM does not.
fn federated(
    lake: &Lake,
    access: &Access,
    who: &At<Principal>,
    path: &str,
    found: &mut Diagnostics,
) {
    let by_iam = |grant: &&crate::lake::access::Grant| {
        lake.through(access, &who.value, &grant.place.value) == Through::Iam
    };
    let Some(grant) = access.grants.iter().find(by_iam) else { return };
    let place = &grant.place.value;
    let diagnostic = Diagnostic::error(
        diagnostic::LW0404,
        who.span,
        format!("`{who}` cannot be given access to `{place}`"),
    )
    .also(grant.place.span, "IAM decides about this")
    .at(path)
    .note("only Lake Formation knows groups and users of a provider of identities");
    found.push(match place {
        Place::Objects(_) => {
            diagnostic.help("name the role that they sign in with: `role/NAME`, or give access to a table that Lake Formation decides about")
        }
        _ => diagnostic.help(format!(
            "let Lake Formation decide: `mode: lakeformation` in `databases.{}`; or name the role that they sign in with",
            database_of(place)
        )),
    });
}

/// Lake Formation names units and the organization by the account that manages it.
fn managed(lake: &Lake, access: &Access, who: &At<Principal>, path: &str, found: &mut Diagnostics) {
    let Some(organization) = &lake.organization else { return };
    let wide = matches!(who.value, Principal::OrganizationalUnit(_) | Principal::Organization);
    let asked = access.tagged.is_some()
        || access.grants.iter().any(|grant| {
            lake.through(access, &who.value, &grant.place.value) == Through::LakeFormation
        });
    if !wide || !asked || organization.management_account.is_some() {
        return;
    }
    let headline =
        format!("Lake Formation names `{who}` by the account that manages the organization");
    found.push(
        Diagnostic::error(diagnostic::LW0406, who.span, headline)
            .also(organization.id.span, "the organization")
            .label("managed by which account?")
            .at(path)
            .help("say which one it is: `management_account: \"999999999999\"` in `organization`"),
    );
}
