//! Who can be named where (LW0404), and what needs to know the organization (LW0406).
//!
//! A bucket's policy takes any principal of AWS; IAM alone, which decides about the Data Catalog here,
//! takes roles and users of the own account; a role that is assumed or passed is a role of the own
//! account.

use crate::diagnostic::{self, Diagnostic, Diagnostics};
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
            _ => {}
        }
        if lake.crosses(&who.value) {
            beyond(lake, access, who, &path, found);
        } else if let Principal::Account(account) = &who.value {
            catalog(access, who, &path, &format!("account {account} as a whole"), found);
        }
    }
}

/// Access for those outside of this account: to objects in buckets of ours.
fn beyond(lake: &Lake, access: &Access, who: &At<Principal>, path: &str, found: &mut Diagnostics) {
    catalog(access, who, path, "other accounts", found);
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

/// Databases, tables and streams are open to roles and users of this account only.
fn catalog(access: &Access, who: &At<Principal>, path: &str, whom: &str, found: &mut Diagnostics) {
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
    let catalog = |place: &Place| matches!(place, Place::Database(_) | Place::Table { .. });
    if let Some(grant) = access.grants.iter().find(|grant| catalog(&grant.place.value)) {
        let headline = format!("`{who}` cannot be given access to `{}`", grant.place.value);
        found.push(
            Diagnostic::error(diagnostic::LW0404, who.span, headline)
                .also(grant.place.span, "part of the Data Catalog")
                .at(path)
                .note(format!("sharing databases and tables with {whom} comes with Lake Formation"))
                .help("name roles or users of this account, or give access to the objects: `read: [BUCKET/PREFIX/]`"),
        );
    }
}
