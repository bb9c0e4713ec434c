//! Roles that others take, and whoever is named by such a role.

use std::collections::BTreeMap;

use super::Resolver;
use crate::diagnostic::{self, Diagnostic};
use crate::lake::places::{Guard, Location};
use crate::lake::roles::Role;
use crate::names::Name;
use crate::spec::conditions::Conditions;
use crate::spec::decode::{At, Item};
use crate::spec::guards::Guards;
use crate::spec::reference::Principal;
use crate::spec::roles::{self, Assumer, Audience, Boundary, ExternalId, Subject};
use crate::syntax::Kind;

/// Stands for what could not be read, which was reported, so that nobody says that it is missing.
const UNREAD: &str = "unread";

impl Resolver<'_> {
    pub(super) fn roles(&mut self) -> BTreeMap<Name, Role> {
        let spec = self.spec;
        spec.roles.iter().map(|item| (item.name.value.clone(), self.role(item))).collect()
    }

    fn role(&mut self, item: &Item<roles::Role>) -> Role {
        let (name, given) = (&item.name, &item.value);
        let path = format!("roles.{name}");
        let role_name = self.naming.thing(name.as_str());
        if role_name.len() > 64 {
            let diagnostic = Diagnostic::error(
                diagnostic::LW0502,
                name.span,
                format!("`{role_name}` cannot be the name of a role"),
            )
            .note(format!("IAM takes at most 64 characters, this has {}", role_name.len()))
            .help("shorten the names that it is made of: the lake's, the environment's, its own");
            self.report(diagnostic, &path);
        }
        let unread = self.unreadable(&format!("{path}.assumed_by")) || self.unknown_key_in(&path);
        if given.assumed_by.is_empty() && !unread {
            let headline = format!("nobody takes role `{name}`");
            self.report(
                Diagnostic::error(diagnostic::LW0202, name.span, headline)
                    .help("say who does: `assumed_by: [account/444455556666]`"),
                &path,
            );
        }
        // 1 to 12 hours: IAM API reference, CreateRole, MaxSessionDuration.
        let max_session = given.max_session.as_ref().map_or(3600, |at| {
            let seconds = at.value.seconds();
            if !(3600..=43_200).contains(&seconds) {
                let headline = format!("`{}` is out of range: from 1h to 12h", at.value);
                let nearest = if seconds < 3600 { "1h" } else { "12h" };
                let diagnostic = Diagnostic::error(diagnostic::LW0306, at.span, headline)
                    .maybe(at.span, nearest);
                self.report(diagnostic, &format!("{path}.max_session"));
            }
            seconds.clamp(3600, 43_200)
        });
        let boundary = given.boundary.as_ref().map(|at| At {
            value: match &at.value {
                Boundary::Own(policy) => self.home.iam_resource(&policy.0),
                Boundary::Aws(arn) => arn.to_string(),
            },
            span: at.span,
        });
        let mut assumed_by = Vec::new();
        for one in &given.assumed_by {
            match &one.value {
                Assumer::Principal(Principal::Declared(own)) => {
                    let headline = format!("`roles.{own}` cannot take another role of the lake");
                    let at = self.position(&format!("{path}.assumed_by"), one.span);
                    self.report(
                        Diagnostic::error(diagnostic::LW0404, one.span, headline)
                            .help("let those who take that one take this one too"),
                        &format!("{path}.assumed_by[{at}]"),
                    );
                }
                _ => assumed_by.push(one.clone()),
            }
        }
        Role {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            role_name,
            assumed_by,
            // One that could not be read is there all the same: nothing is said about its absence.
            external_id: match self.unreadable(&format!("{path}.external_id")) {
                true => Some(At { value: ExternalId::Generated, span: name.span }),
                false => given.external_id.0.clone(),
            },
            audience: match self.unreadable(&format!("{path}.audience")) {
                true => vec![At { value: Audience(UNREAD.to_owned()), span: name.span }],
                false => given.audience.0.0.clone(),
            },
            subject: match self.unreadable(&format!("{path}.subject")) {
                true => vec![At { value: Subject(UNREAD.to_owned()), span: name.span }],
                false => given.subject.0.0.clone(),
            },
            session_tags: given.session_tags.clone(),
            source_identity: given.source_identity.clone(),
            boundary,
            max_session,
        }
    }

    /// Principals, with roles of the lake by their names in AWS. One that is not declared is reported and
    /// left out.
    pub(super) fn principals(&mut self, given: &[At<Principal>], path: &str) -> Vec<At<Principal>> {
        let mut who = Vec::new();
        for one in given {
            let Principal::Declared(name) = &one.value else {
                who.push(one.clone());
                continue;
            };
            let spec = self.spec;
            if spec.roles.iter().any(|item| item.name.value == *name) {
                let name = self.naming.thing(name.as_str());
                let value = Principal::Role { account: None, name };
                who.push(At { value, span: one.span });
                continue;
            }
            let broken = spec.roles.broken.iter().any(|own| own.value == *name);
            let section = self.tree.get("roles");
            if broken || section.is_some_and(|node| !matches!(node.kind, Kind::Map(_) | Kind::Null))
            {
                continue;
            }
            let known = spec.roles.iter().map(|item| (item.name.as_str(), Some(item.name.span)));
            let at = self.position(path, one.span);
            let path = format!("{path}[{at}]");
            self.unknown("role", name.as_str(), one.span, &path, known, |name| {
                format!("roles.{name}")
            });
        }
        who
    }

    /// Guards of a bucket with their places.
    pub(super) fn guards(
        &mut self,
        given: Option<&Guards>,
        bucket: &Name,
        path: &str,
    ) -> Vec<Guard> {
        let mut guards = Vec::new();
        for guard in given.into_iter().flat_map(|guards| &guards.0) {
            let prefix = guard.prefix.value.clone();
            let path = match prefix.as_str() {
                "" => path.to_owned(),
                prefix => format!("{path}.{prefix}"),
            };
            guards.push(Guard {
                location: Location { bucket: bucket.clone(), prefix },
                span: guard.prefix.span,
                who: self.principals(&guard.who, &path),
            });
        }
        guards
    }

    /// Sets of conditions; one that says nothing would be no condition at all.
    pub(super) fn when(&mut self, sets: &[Conditions], path: &str) -> Vec<Conditions> {
        let path = format!("{path}.when");
        for set in sets.iter().filter(|set| set.is_empty()) {
            if self.diagnostics.has_errors_at(&path) || self.unreadable(&path) {
                continue;
            }
            self.report(
                Diagnostic::error(diagnostic::LW0202, set.span, "these conditions say nothing")
                    .help("say when: `when: { vpc_endpoint: [vpce-0123456789abcdef0] }`, or take it out"),
                &path,
            );
        }
        for set in sets {
            if let Some(At { value: false, span }) = set.mfa.0 {
                self.report(
                    Diagnostic::error(diagnostic::LW0211, span, "`mfa: false` is no condition")
                        .note("a grant does not ask whether somebody did without a second factor")
                        .help("write `mfa: true`, or take it out")
                        .maybe(span, "true"),
                    &format!("{path}.mfa"),
                );
            }
        }
        sets.iter().filter(|set| !set.is_empty()).cloned().collect()
    }
}
