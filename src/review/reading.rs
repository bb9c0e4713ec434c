//! A state at a glance: who may at all be allowed what, before anybody searches.
//!
//! In: a state. Out: [`Glance`], which answers whether a principal's own policies, or what guards a resource, speak of an
//! action there. INVARIANT: it may say yes where the search says no, never the reverse. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::reach::{Subject, Target};
use crate::access::{Documents, Index, PrincipalKind, State, in_request};
use crate::catalogue::escalations::{Kind as Way, escalations, verbs};
use crate::verdict::Name;
use crate::verdict::effective::shown;
use crate::verdict::read::Effect;

/// What an Allow speaks of: patterns, or `not` of them.
struct Allow {
    principals: Option<(bool, Vec<Name>)>,
    /// Whom an Allow for everybody names in its conditions.
    arns: Vec<String>,
    actions: (bool, Vec<String>),
    resources: (bool, Vec<Text>),
}

/// A pattern of resources, and how far it goes before its first wildcard or reference.
struct Text {
    text: String,
    head: usize,
}

impl Text {
    fn new(text: String) -> Self {
        let head = text.bytes().position(|byte| matches!(byte, b'*' | b'?' | b'$'));
        Text { head: head.unwrap_or(text.len()), text }
    }
}

impl Allow {
    fn meets(&self, resource: &Text) -> bool {
        let (not, resources) = &self.resources;
        *not || resources.iter().any(|one| may_meet(one, resource))
    }

    fn acts(&self, action: &str) -> bool {
        let (not, actions) = &self.actions;
        *not || actions.iter().any(|one| takes(one, action))
    }

    /// Whether it names a principal. What is allowed to everybody has a row of its own.
    fn names(&self, who: &Name, arn: &str) -> bool {
        let Some((_, names)) = &self.principals else { return true };
        let everybody = || names.contains(&Name::Everyone);
        names.contains(who) || (everybody() && self.arns.iter().any(|one| takes(one, arn)))
    }

    /// Whether it names an account, or all but some.
    fn names_account(&self, id: &str) -> bool {
        let Some((not, names)) = &self.principals else { return true };
        let own = |name: &Name| matches!(name, Name::Account { account, .. } if account == id);
        *not || names.iter().any(own)
    }
}

fn allows(read: &Documents<'_>) -> Vec<Allow> {
    let statements = read.documents.iter().flat_map(|document| &document.statements);
    let allows = statements.filter(|one| one.effect == Effect::Allow);
    allows
        .map(|one| Allow {
            arns: {
                let named = one.conditions.iter().filter(|condition| {
                    condition.key == "aws:principalarn" && !condition.operator.negated
                });
                named.flat_map(|one| one.values.iter().map(|value| value.shown())).collect()
            },
            principals: one.principals.clone().map(|listed| (listed.not, listed.items)),
            actions: (one.actions.not, one.actions.items.iter().map(|it| it.shown()).collect()),
            resources: one.resources.as_ref().map_or((true, Vec::new()), |listed| {
                let variable =
                    listed.items.iter().any(|pattern| pattern.variables().next().is_some());
                (
                    listed.not || variable,
                    listed.items.iter().map(|it| Text::new(it.shown())).collect(),
                )
            }),
        })
        .collect()
}

/// Whether a pattern takes an action, in any case.
pub fn takes(pattern: &str, action: &str) -> bool {
    let Some(head) = pattern.find(['*', '?']) else { return pattern.eq_ignore_ascii_case(action) };
    let same = action.get(..head).is_some_and(|own| own.eq_ignore_ascii_case(&pattern[..head]));
    if !same {
        return false;
    }
    let (pattern, text) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
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
fn may_meet(own: &Text, other: &Text) -> bool {
    let (a, b) = (own.head, other.head);
    let (own, other) = (own.text.as_bytes(), other.text.as_bytes());
    let common = a.min(b);
    if own[..common] != other[..common] {
        return false;
    }
    let token = |text: &[u8], at: usize| text.get(at) == Some(&b'$');
    if a == b && token(own, a) && token(other, b) {
        // what CloudFormation fills in is alike where it is the same reference
        let name = |text: &[u8]| text.iter().position(|byte| *byte == b'}').unwrap_or(text.len());
        return own[a..name(own).max(a)] == other[b..name(other).max(b)];
    }
    // a text without wildcards is no longer than the other's beginning
    (a < own.len() || a >= b) && (b < other.len() || b >= a)
}

/// The Allows that may speak of a subject and a place.
pub struct Speaking<'g>(Vec<&'g Allow>);

impl Speaking<'_> {
    pub fn of(&self, action: &str) -> bool {
        self.0.iter().any(|allow| allow.acts(action))
    }
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
    pub fn new(index: &'s Index<'s>) -> Self {
        let state = index.state;
        let people = index.holders().filter(|(_, one)| one.principal.kind != PrincipalKind::Group);
        let own = people.map(|(name, one)| (name, allows(&one.identity)));
        let guards = index.guards().map(|one| (one.name.as_str(), allows(&one.policies)));
        let mut trusted = (BTreeSet::new(), false);
        for (_, one) in index.holders() {
            for allow in allows(&one.trust) {
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
                        Name::Account { .. } | Name::Within { .. } | Name::Other { .. } => {}
                    }
                }
            }
        }
        Glance { state, own: own.collect(), guards: guards.collect(), trusted }
    }

    /// What speaks of the subject's doing anything with a target.
    pub fn speaks(&self, who: &Subject, target: &Target) -> Speaking<'_> {
        let resource = Text::new(shown(&target.resource).unwrap_or_default());
        let guard = self.guards.get(target.guard.as_str()).into_iter().flatten();
        let guard = guard.filter(|allow| allow.meets(&resource));
        let arn = match who {
            Subject::Named(arn) => arn,
            Subject::Account(id) => {
                return Speaking(guard.filter(|it| it.names_account(id)).collect());
            }
            _ => return Speaking(guard.collect()),
        };
        let own = self.own.get(arn.as_str()).into_iter().flatten();
        let own = own.filter(|allow| allow.meets(&resource));
        let name = Name::read("AWS", arn, "aws");
        let last = arn.rsplit('/').next().unwrap_or_default();
        let session = |allow: &Allow| {
            let mut names = allow.principals.iter().flat_map(|(_, names)| names);
            names.any(|name| matches!(name, Name::Session { role, .. } if role == last))
        };
        let named = guard.filter(|allow| allow.names(&name, arn) || session(allow));
        Speaking(own.chain(named).collect())
    }

    /// Whether anything speaks of the subject's doing anything with what a resource of the state guards.
    pub fn is_near(&self, who: &Subject, guard: &str) -> bool {
        let Subject::Named(arn) = who else { return true };
        let (own, below) = (text_of(guard), format!("{}/*", text_of(guard)));
        let (own, below) = (Text::new(own), Text::new(below));
        let meets = |allow: &Allow| allow.meets(&own) || allow.meets(&below);
        let name = Name::read("AWS", arn, "aws");
        let named = |allow: &Allow| {
            let names = allow.principals.iter().flat_map(|(_, names)| names);
            let mut sessions = names.filter(|name| matches!(name, Name::Session { .. }));
            allow.names(&name, arn) || sessions.next().is_some()
        };
        self.own.get(arn.as_str()).into_iter().flatten().any(meets)
            || self.guards.get(guard).into_iter().flatten().any(named)
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
        let speaks = |action: &String, on: &str| {
            let on = Text::new(on.to_owned());
            allows.iter().any(|allow| allow.acts(action) && allow.meets(&on))
        };
        let ways = escalations();
        ways.escalations.iter().any(|way| match way.kind {
            Way::Code => {
                let mut code = self.state.runners.values().flat_map(|runner| &runner.code);
                // whoever writes the bucket's policy lets itself at the code
                let bucket = |code: &String| code.split('/').next().unwrap_or(code).to_owned();
                let opens = |code: &String| {
                    let mut actions = verbs().openings.iter().flat_map(|one| &one.actions);
                    actions.any(|action| speaks(action, &bucket(code)))
                };
                code.any(|code| way.actions.iter().any(|one| speaks(one, code)) || opens(code))
            }
            Way::Open => false,
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
        let all = all.map(|one| &one.text);
        let objects = all.filter(|text| text.split(':').nth(2) == Some("s3"));
        objects.filter(|text| text.contains('/')).cloned().collect()
    }

    /// The streams, topics, queues and secrets that the policies of principals name in full.
    pub fn things(&self) -> BTreeSet<String> {
        let all = self.own.values().flatten().filter(|allow| !allow.resources.0);
        let all = all.flat_map(|allow| &allow.resources.1).map(|one| &one.text);
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
        let meets = |a: &str, b: &str| may_meet(&Text::new(a.into()), &Text::new(b.into()));
        for (a, b) in [
            ("arn:aws:s3:::raw/*", "arn:aws:s3:::raw/a/*"),
            ("*", "arn:aws:s3:::raw/a/*"),
            ("arn:aws:s3:::raw*", "arn:aws:s3:::raw/a/*"),
            ("arn:aws:s3:::raw/a/x", "arn:aws:s3:::raw/a/*"),
            ("arn:aws:s3:::raw", "arn:aws:s3:::raw"),
            ("${one/Key.Arn}", "${one/Key.Arn}"),
            ("arn:aws:s3:::r?w/*", "arn:aws:s3:::raw/*"),
        ] {
            assert!(meets(a, b) && meets(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("arn:aws:s3:::raw/*", "arn:aws:s3:::curated/*"),
            ("arn:aws:s3:::raw", "arn:aws:s3:::raw/a/*"),
            ("${one/Key.Arn}", "${one/Other.Arn}"),
        ] {
            assert!(!meets(a, b) && !meets(b, a), "{a} {b}");
        }
        assert!(takes("S3:Get*", "s3:GetObject") && !takes("s3:Put*", "s3:GetObject"));
    }
}
