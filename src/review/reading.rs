//! A state at a glance: who may at all be allowed what, before anybody searches.
//!
//! In: a state. Out: [`Glance`], which answers whether a principal's own policies, or what guards a resource, speak of an
//! action there. INVARIANT: it may say yes where the search says no, never the reverse. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::reach::{Subject, Target};
use crate::access::{Held, Principal, PrincipalKind, State, in_request};
use crate::catalogue::escalations::{Kind as Way, escalations};
use crate::verdict::effective::shown;
use crate::verdict::read::Effect;
use crate::verdict::{Document, Kind, Name};

/// What an Allow speaks of: patterns, or `not` of them.
struct Allow {
    principals: Option<(bool, Vec<Name>)>,
    actions: (bool, Vec<String>),
    resources: (bool, Vec<String>),
}

impl Allow {
    fn on(&self, action: &str, resource: &str) -> bool {
        let (not, actions) = &self.actions;
        let acts = *not || actions.iter().any(|one| takes(one, action));
        let (not, resources) = &self.resources;
        acts && (*not || resources.iter().any(|one| may_meet(one, resource)))
    }

    fn names(&self, who: &Name) -> bool {
        let Some((not, names)) = &self.principals else { return true };
        *not || names.iter().any(|name| *name == Name::Everyone || name == who)
    }
}

fn allows(held: &Held, kind: Kind) -> Vec<Allow> {
    let Ok(document) = Document::read(&held.document, kind) else { return Vec::new() };
    let allows = document.statements.into_iter().filter(|one| one.effect == Effect::Allow);
    allows
        .map(|one| Allow {
            principals: one.principals.map(|listed| (listed.not, listed.items)),
            actions: (one.actions.not, one.actions.items.iter().map(|it| it.shown()).collect()),
            resources: one.resources.map_or((true, Vec::new()), |listed| {
                let variable =
                    listed.items.iter().any(|pattern| pattern.variables().next().is_some());
                (listed.not || variable, listed.items.iter().map(|it| it.shown()).collect())
            }),
        })
        .collect()
}

/// Whether a pattern takes an action, in any case.
pub fn takes(pattern: &str, action: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let Some((head, _)) = pattern.split_once(['*', '?']) else { return pattern == text };
    if !text.starts_with(head) {
        return false;
    }
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for unit in pattern.bytes() {
        let mut next = vec![false; text.len() + 1];
        next[0] = reached[0] && unit == b'*';
        for (at, own) in text.bytes().enumerate() {
            next[at + 1] = match unit {
                b'*' => reached[at + 1] || next[at],
                b'?' => reached[at],
                unit => reached[at] && unit == own,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

/// Whether two patterns of resources may have something in common, by how they begin.
fn may_meet(own: &str, other: &str) -> bool {
    let head = |text: &str| text.find(['*', '?', '$']).unwrap_or(text.len());
    // what CloudFormation fills in is alike where it is the same reference
    if own == other {
        return true;
    }
    let (a, b) = (head(own), head(other));
    let common = a.min(b);
    let same = own.as_bytes()[..common] == other.as_bytes()[..common];
    let tokens = own[a..].starts_with('$') && other[b..].starts_with('$') && a == b;
    if tokens {
        let name = |text: &str| text.split('}').next().map(str::to_owned);
        return same && name(&own[a..]) == name(&other[b..]);
    }
    // a text without wildcards is no longer than the other's beginning
    same && (a < own.len() || a >= b) && (b < other.len() || b >= a)
}

/// A state at a glance.
pub struct Glance<'s> {
    pub state: &'s State,
    own: BTreeMap<&'s str, Vec<Allow>>,
    guards: BTreeMap<&'s str, Vec<Allow>>,
    /// Who is named in the trust of a role, and whether everybody is.
    trusted: (BTreeSet<String>, bool),
}

impl<'s> Glance<'s> {
    pub fn new(state: &'s State) -> Self {
        let own = |one: &'s Principal| -> Vec<Allow> {
            let groups = one.groups.iter().filter_map(|group| state.principals.get(group));
            let held = one.identity.iter().chain(groups.flat_map(|group| &group.identity));
            held.flat_map(|held| allows(held, Kind::Identity)).collect()
        };
        let people = state.principals.iter().filter(|(_, one)| one.kind != PrincipalKind::Group);
        let guards = state.resources.iter().map(|(name, guarded)| {
            let policies = guarded.policies.iter();
            let all = policies.flat_map(|held| allows(held, Kind::Resource)).collect();
            (name.as_str(), all)
        });
        let mut trusted = (BTreeSet::new(), false);
        for held in state.principals.values().filter_map(|one| one.trust.as_ref()) {
            for allow in allows(held, Kind::Trust) {
                for name in allow.principals.iter().flat_map(|(_, names)| names) {
                    match name {
                        Name::Everyone => trusted.1 = true,
                        Name::Role { partition, account, path } => {
                            let arn = format!("arn:{partition}:iam::{account}:role/{path}");
                            trusted.0.insert(arn);
                        }
                        Name::User { partition, account, path } => {
                            let arn = format!("arn:{partition}:iam::{account}:user/{path}");
                            trusted.0.insert(arn);
                        }
                        Name::Session { account, role, .. } => {
                            trusted.0.insert(format!("{account}/{role}"));
                        }
                        Name::Account { .. } | Name::Other { .. } => {}
                    }
                }
            }
        }
        Glance {
            state,
            own: people.map(|(name, one)| (name.as_str(), own(one))).collect(),
            guards: guards.collect(),
            trusted,
        }
    }

    /// Whether anything speaks of the subject's doing this.
    pub fn may(&self, who: &Subject, action: &str, target: &Target) -> bool {
        let resource = shown(&target.resource).unwrap_or_default();
        let guard = || self.guards.get(target.guard.as_str()).into_iter().flatten();
        match who {
            Subject::Named(arn) => {
                let own = self.own.get(arn.as_str()).into_iter().flatten();
                let name = Name::read("AWS", arn, "aws");
                own.into_iter().any(|allow| allow.on(action, &resource))
                    || guard().any(|allow| allow.names(&name) && allow.on(action, &resource))
                    || self.by_session(arn, guard(), action, &resource)
            }
            _ => guard().any(|allow| allow.on(action, &resource)),
        }
    }

    fn by_session<'a>(
        &self,
        arn: &str,
        mut guard: impl Iterator<Item = &'a Allow>,
        action: &str,
        resource: &str,
    ) -> bool {
        let own = arn.rsplit('/').next().unwrap_or_default();
        guard.any(|allow| {
            let names = allow.principals.iter().flat_map(|(_, names)| names);
            let mut sessions = names.filter_map(|name| match name {
                Name::Session { role, .. } => Some(role.as_str()),
                _ => None,
            });
            sessions.any(|role| role == own) && allow.on(action, resource)
        })
    }

    /// Whether a principal may be able to act as another, or write its own policies.
    pub fn may_move(&self, arn: &str) -> bool {
        let own = arn.rsplit('/').next().unwrap_or_default();
        let account = arn.split(':').nth(4).unwrap_or_default();
        if self.trusted.1
            || self.trusted.0.contains(arn)
            || self.trusted.0.contains(&format!("{account}/{own}"))
        {
            return true;
        }
        let Some(allows) = self.own.get(arn) else { return false };
        let speaks = |action: &String, on: &str| allows.iter().any(|allow| allow.on(action, on));
        let ways = escalations();
        ways.escalations.iter().any(|way| match way.kind {
            Way::Code => {
                let code = self.state.runners.values().flat_map(|runner| &runner.code);
                code.into_iter().any(|code| way.actions.iter().any(|one| speaks(one, code)))
            }
            Way::Pass => speaks(&ways.pass, "*") && way.actions.iter().any(|one| speaks(one, "*")),
            Way::Assume | Way::Become | Way::Edit | Way::Runner => {
                way.actions.iter().any(|one| speaks(one, "*"))
            }
        })
    }

    /// The texts of S3 that the Allows of a state name, as patterns.
    pub fn objects(&self) -> BTreeSet<String> {
        let all = self.own.values().chain(self.guards.values()).flatten();
        let all = all.filter(|allow| !allow.resources.0).flat_map(|allow| &allow.resources.1);
        let objects = all.filter(|text| text.splitn(4, ':').nth(2) == Some("s3"));
        objects.filter(|text| text.contains('/')).cloned().collect()
    }

    /// The streams, topics, queues and secrets that the policies of principals name in full.
    pub fn things(&self) -> BTreeSet<String> {
        let all = self.own.values().flatten().filter(|allow| !allow.resources.0);
        let all = all.flat_map(|allow| &allow.resources.1);
        let wanted = |text: &&String| {
            let service = text.split(':').nth(2).unwrap_or_default();
            matches!(service, "kinesis" | "sns" | "sqs" | "secretsmanager")
                && !text.contains(['*', '?', '$'])
        };
        all.filter(wanted).cloned().collect()
    }
}

/// The ARN or reference of a name, as it stands in patterns.
pub fn text_of(name: &str) -> String {
    in_request(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_meet_is_never_missed() {
        for (a, b) in [
            ("arn:aws:s3:::raw/*", "arn:aws:s3:::raw/a/*"),
            ("*", "arn:aws:s3:::raw/a/*"),
            ("arn:aws:s3:::raw*", "arn:aws:s3:::raw/a/*"),
            ("arn:aws:s3:::raw/a/x", "arn:aws:s3:::raw/a/*"),
            ("arn:aws:s3:::raw", "arn:aws:s3:::raw"),
            ("${one/Key.Arn}", "${one/Key.Arn}"),
            ("arn:aws:s3:::r?w/*", "arn:aws:s3:::raw/*"),
        ] {
            assert!(may_meet(a, b) && may_meet(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("arn:aws:s3:::raw/*", "arn:aws:s3:::curated/*"),
            ("arn:aws:s3:::raw", "arn:aws:s3:::raw/a/*"),
            ("${one/Key.Arn}", "${one/Other.Arn}"),
        ] {
            assert!(!may_meet(a, b) && !may_meet(b, a), "{a} {b}");
        }
        assert!(takes("S3:Get*", "s3:GetObject") && !takes("s3:Put*", "s3:GetObject"));
    }
}
