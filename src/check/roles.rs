//! Who may take a role of the lake is pinned down (LW0443, LW0444).
//!
//! An account outside of the organization acts for customers of its own: without an external id any of them
//! could have it take the role (the confused deputy: IAM User Guide). A token of an OpenID Connect provider
//! says for what and for whom it is: without both, anybody with an account there could take it. Keys that
//! mean nothing for those who take a role are LW0211.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::{Lake, Role};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;
use crate::spec::roles::{Assumer, ExternalId};

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for role in lake.roles.values() {
        for (at, who) in role.assumed_by.iter().enumerate() {
            let path = format!("{}.assumed_by[{at}]", role.path());
            match &who.value {
                Assumer::Principal(principal) => {
                    assumer(lake, role, who.span, principal, &path, found)
                }
                Assumer::Oidc(_) => pinned(role, who, &path, found),
                Assumer::Saml(_) => {}
            }
        }
        outsiders(lake, role, found);
        without_effect(lake, role, found);
    }
}

/// Who can take a role at all.
fn assumer(
    lake: &Lake,
    role: &Role,
    span: Span,
    who: &Principal,
    path: &str,
    found: &mut Diagnostics,
) {
    let refuse = |why: &str, help: &str| {
        Diagnostic::error(
            diagnostic::LW0404,
            span,
            headline_of(format!("`{who}` cannot take role `{}`", role.name)),
        )
        .at(path)
        .note(why.to_owned())
        .help(help.to_owned())
    };
    match who {
        Principal::Service(_) => found.push(refuse(
            "services take the roles of flows, which lakewright makes with what the flow needs",
            "declare the flow, and take this out",
        )),
        Principal::IdentityCenter { .. } => found.push(refuse(
            "Identity Center gives its users roles of its own",
            "name the role of the permission set: `role/aws-reserved/sso.amazonaws.com/NAME`",
        )),
        Principal::OrganizationalUnit(_) | Principal::Organization
            if lake.organization.is_none() =>
        {
            found.push(
                Diagnostic::error(
                    diagnostic::LW0406,
                    span,
                    format!("`{who}` needs to know the organization"),
                )
                .label("of which organization?")
                .at(path)
                .help("say which one it is, at the top: `organization: { id: o-a1b2c3d4e5 }`"),
            );
        }
        _ => {}
    }
}

fn pinned(role: &Role, who: &At<Assumer>, path: &str, found: &mut Diagnostics) {
    let missing: Vec<&str> = [
        ("audience", role.audience.is_empty(), "audience: sts.amazonaws.com"),
        ("subject", role.subject.is_empty(), "subject: \"repo:acme/lake:ref:refs/heads/main\""),
    ]
    .into_iter()
    .filter(|(_, absent, _)| *absent)
    .map(|(_, _, example)| example)
    .collect();
    if missing.is_empty() {
        return;
    }
    let headline = format!("anybody whom `{who}` knows could take role `{}`", role.name);
    found.push(
        Diagnostic::error(diagnostic::LW0444, who.span, headline_of(headline))
            .at(path)
            .note("a token is for an audience and about a subject; both have to be asked for, word by word")
            .help(format!("say which: `{}`", missing.join("`, `"))),
    );
}

fn outsiders(lake: &Lake, role: &Role, found: &mut Diagnostics) {
    let outside: Vec<(&At<Assumer>, &Principal)> = role
        .assumed_by
        .iter()
        .filter_map(|at| match &at.value {
            Assumer::Principal(principal) => Some((at, principal)),
            _ => None,
        })
        .filter(|(_, who)| who.account().is_some_and(|account| !lake.is_inside(account)))
        .collect();
    match (&role.external_id, &outside[..]) {
        (None, [(at, who), ..]) => {
            let headline = format!(
                "`{who}` is outside, and takes role `{}` without an external id",
                role.name
            );
            found.push(
                Diagnostic::error(diagnostic::LW0443, at.span, headline_of(headline))
                    .label("not an account of the lake")
                    .at(format!("{}.external_id", role.path()))
                    .note("somebody else's customer could have them take it: the confused deputy")
                    .help(
                        "add `external_id: generated`, and hand over what `access handover` prints",
                    ),
            );
        }
        (Some(At { value: ExternalId::Text(_), span }), [_, (other, _), ..]) => {
            found.push(
                Diagnostic::error(
                    diagnostic::LW0443,
                    *span,
                    headline_of(format!(
                        "one external id for several outsiders does not tell them apart: role `{}`",
                        role.name
                    )),
                )
                .also(other.span, "the second of them")
                .at(format!("{}.external_id", role.path()))
                .help("write `external_id: generated`, which gives each of them one of its own")
                .maybe(*span, "generated"),
            );
        }
        _ => {}
    }
}

/// What is said, and means nothing for those who take the role.
fn without_effect(lake: &Lake, role: &Role, found: &mut Diagnostics) {
    let any = |fits: &dyn Fn(&Assumer) -> bool| role.assumed_by.iter().any(|at| fits(&at.value));
    let oidc = any(&|who| matches!(who, Assumer::Oidc(_)));
    let saml = any(&|who| matches!(who, Assumer::Saml(_)));
    let of_aws = any(&|who| matches!(who, Assumer::Principal(_)));
    let foreign = any(&|who| match who {
        Assumer::Principal(principal) => {
            principal.account().is_some_and(|account| !lake.is_own(account))
        }
        _ => false,
    });
    let first = |span: Option<Span>, fits: bool| span.filter(|_| !fits);
    let said = [
        (
            "external_id",
            // One that could not be read stands at the role's own place.
            first(role.external_id.as_ref().map(|at| at.span), foreign)
                .filter(|span| *span != role.span),
            "only roles, users and accounts of other accounts send one",
        ),
        (
            "audience",
            first(role.audience.first().map(|at| at.span), oidc || saml),
            "only tokens and assertions of providers have one",
        ),
        (
            "subject",
            first(role.subject.first().map(|at| at.span), oidc),
            "only tokens of an `oidc/` provider have one",
        ),
        (
            "source_identity",
            first(role.source_identity.as_ref().map(|at| at.span), of_aws),
            "only roles, users and accounts say who is behind a session; of a provider CloudTrail shows the subject",
        ),
    ];
    // Whom nobody could read takes the role in a way that is not known.
    if role.assumed_by.is_empty() {
        return;
    }
    for (key, span, why) in said {
        let Some(span) = span else { continue };
        let headline = format!("`{key}` means nothing for those who take role `{}`", role.name);
        found.push(
            Diagnostic::error(diagnostic::LW0211, span, headline_of(headline))
                .at(format!("{}.{key}", role.path()))
                .note(why)
                .help("take it out, or name who it is for in `assumed_by`"),
        );
    }
}
