//! Conditions of a grant are honoured by what they are put on (LW0441).
//!
//! IAM evaluates a condition on the request that it decides about. Lake Formation reads the files itself,
//! as its registered role, so a condition on who reads a table would be one on Lake Formation; a listing
//! and a write know no tags of objects. What would never hold, or hold for everybody, is refused.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::access::{Access, Verb};
use crate::lake::places::Place;
use crate::lake::{Database, Lake};
use crate::source::Span;
use crate::spec::conditions::Conditions;
use crate::spec::databases::Mode;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for access in lake.access.values() {
        let Some(first) = access.when.first() else { continue };
        let path = format!("{}.when", access.path());
        if let Some(refused) = by_lake_formation(lake, access, first.span, &path) {
            found.push(refused);
            continue;
        }
        for set in &access.when {
            addresses(set, &path, found);
            tags_of_objects(access, set, &path, found);
            second_factor(access, set, &path, found);
            settable(lake, access, set, &path, found);
        }
    }
}

/// Nothing that Lake Formation decides about can carry a condition, in a hybrid database neither: there
/// one and the same entry goes both ways.
fn by_lake_formation(lake: &Lake, access: &Access, when: Span, path: &str) -> Option<Diagnostic> {
    let governed = |place: &Place| -> Option<&Database> {
        match place {
            Place::Database(name) | Place::Table { database: name, .. } => {
                lake.databases.get(name).filter(|database| database.mode != Mode::Iam)
            }
            Place::Objects(_) | Place::Stream(_) => None,
        }
    };
    let place =
        access.grants.iter().find_map(|grant| Some((&grant.place, governed(&grant.place.value)?)));
    let (what, span, decided) = match (&place, &access.tagged) {
        (Some((place, database)), _) => {
            (format!("`{}`", place.value), place.span, Some(database.mode_span))
        }
        (None, Some(tagged)) => ("what carries LF-tags".to_owned(), tagged.span, None),
        (None, None) => return None,
    };
    let headline = format!("conditions on {what} cannot be honoured: Lake Formation decides");
    let mut diagnostic = Diagnostic::error(diagnostic::LW0441, when, headline_of(headline))
        .also(span, "Lake Formation reads the files of this")
        .at(path)
        .note("it reads S3 as its own role: bucket and key never see the reader's network or tags");
    if let Some(mode) = decided {
        diagnostic = diagnostic.also(mode, "said here");
    }
    Some(diagnostic.help(
        "take `when` out, or give access to the objects instead: `read: [BUCKET/PREFIX/]`; columns and rows are restricted by `columns`, `rows` and `hide`",
    ))
}

/// Private addresses are everybody's, and public ones come through no endpoint.
fn addresses(set: &Conditions, path: &str, found: &mut Diagnostics) {
    if !set.vpc.is_empty() || !set.vpc_endpoint.is_empty() {
        return;
    }
    for address in set.source_address.iter().filter(|at| at.value.is_private()) {
        let headline = format!("`{}` is a private network: every VPC may have it", address.value);
        found.push(
            Diagnostic::error(diagnostic::LW0441, address.span, headline)
                .label("of which VPC?")
                .at(format!("{path}.source_address"))
                .note("such an address comes through a VPC endpoint only, where anybody's VPC can have it")
                .help("say which VPC or endpoint beside it: `vpc: [vpc-0123456789abcdef0]`"),
        );
    }
}

/// The session of a role does not say how whoever took it signed in (IAM User Guide, "Secure API access
/// with MFA": credentials of AssumeRole carry no such key).
fn second_factor(access: &Access, set: &Conditions, path: &str, found: &mut Diagnostics) {
    let Some(mfa) = &*set.mfa else { return };
    let role = access.who.iter().find(|who| matches!(who.value, Principal::Role { .. }));
    let Some(role) = role else { return };
    let headline = format!("`{role}` never says whether a second factor was used");
    found.push(
        Diagnostic::error(diagnostic::LW0441, mfa.span, headline_of(headline))
            .also(role.span, "a role: nothing would be allowed")
            .at(format!("{path}.mfa"))
            .note(
                "AWS tells it of users and their own sessions, and of nobody who has taken a role",
            )
            .help("name users: `user/Ada`; or ask for the second factor where the role is taken"),
    );
}

/// Of a role of the lake it is known which tags its sessions can have: those that whoever takes it may set,
/// and those of the role itself, which are the lake's.
fn settable(lake: &Lake, access: &Access, set: &Conditions, path: &str, found: &mut Diagnostics) {
    for who in &access.who {
        let Some(role) = lake.declared_role(&who.value) else { continue };
        for (tag, _) in &set.principal_tags.0.0 {
            let same = |own: &str| own.eq_ignore_ascii_case(&tag.value);
            let known = role.session_tags.iter().any(|own| same(&own.value.0))
                || lake.tags.keys().any(|own| same(own));
            if known {
                continue;
            }
            let headline = format!("no session of role `{}` has a tag `{}`", role.name, tag.value);
            found.push(
                Diagnostic::error(diagnostic::LW0441, tag.span, headline_of(headline))
                    .also(role.span, "the role, and who may tag its sessions")
                    .also(who.span, "given to it here")
                    .at(format!("{path}.principal_tags"))
                    .note("nothing would be allowed: a tag is set by whoever takes the role, if the role lets them")
                    .help(format!("let them: `session_tags: [{}]` in `{}`", tag.value, role.path())),
            );
        }
    }
}

/// Only reading an object tells its tags to IAM.
fn tags_of_objects(access: &Access, set: &Conditions, path: &str, found: &mut Diagnostics) {
    let Some((tag, _)) = set.object_tags.0.0.first() else { return };
    let other = access
        .grants
        .iter()
        .find(|grant| grant.verb != Verb::Read || !matches!(grant.place.value, Place::Objects(_)));
    let Some(grant) = other else { return };
    let verb = grant.verb.as_str();
    let place = &grant.place.value;
    let headline = format!("tags of objects say nothing about `{verb}` on `{place}`");
    let (note, help) = match place {
        Place::Objects(_) => (
            "S3 compares the tags of an object only when it is read",
            "give what is read under conditions an entry of its own",
        ),
        Place::Stream(_) => {
            ("a stream has no objects", "give what is read under conditions an entry of its own")
        }
        _ => (
            "a table is read as a whole: its files would be read or refused one by one",
            "give access to the objects: `read: [BUCKET/PREFIX/]`",
        ),
    };
    found.push(
        Diagnostic::error(diagnostic::LW0441, tag.span, headline_of(headline))
            .also(grant.place.span, "given here")
            .at(format!("{path}.object_tags"))
            .note(note)
            .help(help),
    );
}
