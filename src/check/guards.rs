//! Exclusive writers and deny lists contradict nothing that is given (LW0442).
//!
//! A Deny wins over every grant, so a grant that it takes away is a mistake in one of the two lines. Flows of
//! the lake write where they are declared to: their roles are among the writers of themselves. Who is named
//! is a role, a user or an account (LW0404): a Deny for a unit or the organization would have to name
//! everybody else.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::access::Verb;
use crate::lake::places::{Guard, Place};
use crate::lake::{Bucket, Key, Lake, Role};
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::reference::Principal;

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for bucket in lake.buckets.values() {
        let writers = format!("{}.only_writers", bucket.path());
        for guard in &bucket.only_writers {
            named(&guard.who, &writers, "be an exclusive writer", found);
            only_writers(lake, guard, &writers, found);
        }
        let path = format!("{}.deny", bucket.path());
        for guard in &bucket.deny {
            named(&guard.who, &path, "be denied by name", found);
            for denied in &guard.who {
                denials(lake, denied, &path, found, &|place| {
                    lake.files_of(place).iter().any(|it| it.overlaps(&guard.location))
                });
            }
        }
    }
    for key in lake.keys.values() {
        let path = format!("{}.deny", key.path());
        named(&key.deny, &path, "be denied by name", found);
        for denied in &key.deny {
            denials(lake, denied, &path, found, &|place| under(lake, key, place));
        }
    }
}

/// Whether files of a place are encrypted with a key.
fn under(lake: &Lake, key: &Key, place: &Place) -> bool {
    let with = |bucket: &Bucket| bucket.key() == Some(&key.name);
    let files = lake.files_of(place);
    files.iter().any(|at| lake.buckets.get(&at.bucket).is_some_and(with))
        || matches!(place, Place::Stream(source)
            if lake.sources.get(source).is_some_and(|it| it.key.as_ref() == Some(&key.name)))
}

/// Roles, users and accounts can be told by a key that every request carries.
fn named(who: &[At<Principal>], path: &str, what: &str, found: &mut Diagnostics) {
    for one in who {
        let fits = matches!(
            one.value,
            Principal::Role { .. } | Principal::User { .. } | Principal::Account(_)
        );
        if !fits {
            let headline = format!("`{one}` cannot {what}");
            found.push(
                Diagnostic::error(diagnostic::LW0404, one.span, headline_of(headline))
                    .at(path)
                    .note("a request says of itself which role, user and account it comes from")
                    .help("name roles, users or accounts: `role/Loader`, `account/444455556666`"),
            );
        }
    }
}

fn only_writers(lake: &Lake, guard: &Guard, path: &str, found: &mut Diagnostics) {
    let mut stopped = false;
    for access in lake.access.values() {
        let grants = access.grants.iter().filter(|grant| grant.verb != Verb::Read);
        for grant in grants {
            let here = lake.files_of(&grant.place.value);
            if !here.iter().any(|location| location.overlaps(&guard.location)) {
                continue;
            }
            for who in &access.who {
                if guard.who.iter().any(|writer| lake.covers(&writer.value, &who.value)) {
                    continue;
                }
                stopped = true;
                let verb = grant.verb.as_str();
                let headline = format!(
                    "`{who}` is given `{verb}` on `{}` and is none of its only writers",
                    grant.place.value
                );
                found.push(
                    Diagnostic::error(diagnostic::LW0442, who.span, headline_of(headline))
                        .also(grant.place.span, "given here")
                        .also(guard.span, "the only writers, beside the lake's flows")
                        .at(path)
                        .help(format!("add `{who}` to the writers, or take the grant away")),
                );
            }
        }
    }
    if guard.who.is_empty() && !stopped && !flows_write(lake, guard) {
        let headline = format!("nobody could write to `{}`", guard.location);
        found.push(
            Diagnostic::error(diagnostic::LW0442, guard.span, headline)
                .at(path)
                .note("no writer is named, and no flow of the lake writes there")
                .help("name who may: `only_writers: [role/Loader]`"),
        );
    }
}

fn flows_write(lake: &Lake, guard: &Guard) -> bool {
    let here = |place: &Place| {
        lake.files_of(place).iter().any(|location| location.overlaps(&guard.location))
    };
    lake.pipelines.values().any(|pipeline| pipeline.write.iter().any(|at| here(&at.value)))
        || lake.sources.values().any(|source| here(&Place::Objects(source.into.value.clone())))
        || lake.governed().any(|database| here(&Place::Database(database.name.clone())))
}

/// Who is denied a place is given nothing there, and no flow of the lake runs as them.
fn denials(
    lake: &Lake,
    denied: &At<Principal>,
    path: &str,
    found: &mut Diagnostics,
    here: &dyn Fn(&Place) -> bool,
) {
    let own = lake.home.account.clone();
    if denied.value == Principal::Account(own) {
        found.push(
            Diagnostic::error(
                diagnostic::LW0442,
                denied.span,
                "the lake's own account is everybody who works for it",
            )
            .at(path)
            .note("every flow and every grant of the lake would be denied")
            .help("name the roles and users that are meant"),
        );
        return;
    }
    let tell = |headline: String, given: Span, label: &str| {
        Diagnostic::error(diagnostic::LW0442, denied.span, headline_of(headline))
            .also(given, label)
            .at(path)
            .note("a denial wins over whatever is given")
            .help("take the one or the other out")
    };
    for access in lake.access.values() {
        let Some(grant) = access.grants.iter().find(|grant| here(&grant.place.value)) else {
            continue;
        };
        for who in access.who.iter().filter(|who| lake.covers(&denied.value, &who.value)) {
            let headline = format!(
                "`{who}` is denied what `{}` gives: `{}` on `{}`",
                access.path(),
                grant.verb.as_str(),
                grant.place.value
            );
            found.push(tell(headline, who.span, "given to them here"));
        }
        // A session has the ARN of its role: who takes another one is no longer who is denied.
        for who in access.who.iter().filter(|who| lake.takes(&denied.value, &who.value)) {
            let role = lake.declared_role(&who.value).map_or(who.to_string(), Role::path);
            let headline = format!(
                "`{denied}` takes `{role}`, which `{}` gives what is denied",
                access.path()
            );
            found.push(
                Diagnostic::error(diagnostic::LW0442, denied.span, headline_of(headline))
                    .also(who.span, "given to the role here")
                    .at(path)
                    .note("a session is known by the ARN of its role, which nobody denies")
                    .help(format!(
                        "deny `{role}` too and give it nothing there, or let others take it"
                    )),
            );
        }
    }
    for pipeline in lake.pipelines.values() {
        let role = match &pipeline.role {
            Some(at) => at.value.clone(),
            None => Principal::Role { account: None, name: pipeline.role_name.clone() },
        };
        let mut places = pipeline.read.iter().chain(&pipeline.write);
        if lake.covers(&denied.value, &role)
            && let Some(place) = places.find(|place| here(&place.value))
        {
            let headline = format!(
                "pipeline `{}` runs as `{}`, which is denied what it reads or writes",
                pipeline.name, denied.value
            );
            found.push(tell(headline, place.span, "read or written here"));
        }
    }
}
