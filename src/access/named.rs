//! Principals that a template leaves open: whoever a parameter or another value names may be somebody whom other
//! statements name too.
//!
//! In: two lists of documents whose verdict is that nothing is gained, each open name taken for somebody of its own. Out:
//! the same verdict, narrowed where something is lost then, or undecided where something is gained once an open name is somebody whom the documents name.
//! INVARIANT: without a Deny that tells principals apart nothing is asked, since whoever has two names may then do what
//! each of them may.

use std::collections::BTreeSet;

use crate::verdict::read::Effect;
use crate::verdict::{Comparison, Document, Name, Reason, ReasonKind, Verdict};

/// Comparisons that are made at most.
const MOST: usize = 48;
/// The path of a role that no template names.
const SOMEBODY: &str = "somebody-of-the-account";

/// The verdict over what open names may be; `found` is the one where each is somebody of its own.
pub(super) fn over_open_names(
    found: Comparison,
    [old, new]: [&[Document]; 2],
    (partition, account): (&str, &str),
    ask: impl Fn(&[Document], &[Document]) -> Comparison,
) -> Comparison {
    let is_quiet =
        |one: &Comparison| matches!(one.verdict, Verdict::Equivalent | Verdict::Narrowed);
    let statements = || old.iter().chain(new).flat_map(|document| &document.statements);
    let tells_apart = statements().any(|statement| {
        let names = statement.principals.as_ref();
        statement.effect == Effect::Deny
            && names.is_some_and(|one| one.not || !one.items.contains(&Name::Everyone))
    });
    if !is_quiet(&found) || !tells_apart {
        return found;
    }
    let names: BTreeSet<&Name> =
        statements().flat_map(|one| &one.principals).flat_map(|listed| &listed.items).collect();
    let (open, mut known): (Vec<&Name>, Vec<Name>) = (
        names.iter().copied().filter(|name| is_open(name)).collect(),
        names.iter().copied().filter(|name| !is_open(name)).cloned().collect(),
    );
    if open.is_empty() {
        return found;
    }
    known.push(Name::Role {
        partition: partition.to_owned(),
        account: account.to_owned(),
        path: SOMEBODY.to_owned(),
    });
    // two open names may be one
    let mut worlds = vec![(old.to_vec(), new.to_vec(), open.clone())];
    for (at, one) in open.iter().enumerate() {
        for other in open[at + 1..].iter().filter(|other| is_free(one) && is_free(other)) {
            worlds.push((with(old, other, one), with(new, other, one), vec![*one]));
        }
    }
    let mut left = MOST;
    let mut found = found;
    for (old, new, names) in &worlds {
        for name in names {
            for candidate in candidates(name, &known) {
                let reason = || {
                    let text = format!(
                        "it depends on whom CloudFormation fills in for {}",
                        text_of(name).unwrap_or_default()
                    );
                    Reason { kind: ReasonKind::Token, text }
                };
                let (was, is) = (with(old, name, &candidate), with(new, name, &candidate));
                match (left > 0).then(|| ask(&was, &is)).filter(is_quiet) {
                    None => return Comparison::unknown(reason()),
                    Some(one) if one.verdict != found.verdict => {
                        found = Comparison {
                            verdict: Verdict::Narrowed,
                            exact: false,
                            reason: found.reason.or_else(|| Some(reason())),
                            ..found
                        };
                    }
                    Some(_) => {}
                }
                left -= 1;
            }
        }
    }
    found
}

/// The part of a name that is a value of a template.
fn text_of(name: &Name) -> Option<&str> {
    let open = |text: &'_ str| text.contains("${");
    let parts = match name {
        Name::Everyone => return None,
        Name::Account { account, .. } | Name::Within { account, .. } => [account, account],
        Name::Role { account, path, .. } | Name::User { account, path, .. } => [account, path],
        Name::Session { account, role, session, .. } => {
            return [account, role, session].into_iter().map(String::as_str).find(|one| open(one));
        }
        Name::Other { text, .. } => [text, text],
    };
    parts.into_iter().map(String::as_str).find(|one| open(one))
}

fn is_open(name: &Name) -> bool {
    text_of(name).is_some()
}

/// Whom an open name may be: those that are named otherwise, as far as its form lets it.
fn candidates(name: &Name, known: &[Name]) -> Vec<Name> {
    let mut out: Vec<Name> = Vec::new();
    for one in known {
        let (partition, account) = match one {
            Name::Account { partition, account }
            | Name::Within { partition, account }
            | Name::Role { partition, account, .. }
            | Name::User { partition, account, .. }
            | Name::Session { partition, account, .. } => (partition, account),
            Name::Everyone | Name::Other { .. } => {
                if is_free(name) {
                    out.push(one.clone());
                }
                continue;
            }
        };
        let root = Name::Account { partition: partition.clone(), account: account.clone() };
        let is_new = matches!(one, Name::Role { path, .. } if path == SOMEBODY);
        match name {
            Name::Account { .. } => out.push(root),
            Name::Other { .. } if is_attribute(name) => out.extend(is_new.then(|| one.clone())),
            Name::Other { .. } => out.extend([one.clone(), root]),
            _ => out.push(one.clone()),
        }
    }
    out.dedup();
    out
}

/// Whether a name may be anybody.
fn is_free(name: &Name) -> bool {
    matches!(name, Name::Other { .. }) && !is_attribute(name)
}

/// Whether a name is the attribute of a resource: what a template makes is nobody who is named otherwise.
fn is_attribute(name: &Name) -> bool {
    let Some(text) = text_of(name) else { return false };
    let inside = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|one| {
        !one.starts_with('{') && one.rsplit('/').next().is_some_and(|last| last.contains(".Arn"))
    })
}

fn with(documents: &[Document], name: &Name, candidate: &Name) -> Vec<Document> {
    let mut documents = documents.to_vec();
    let statements = documents.iter_mut().flat_map(|document| &mut document.statements);
    for listed in statements.flat_map(|one| &mut one.principals) {
        for item in listed.items.iter_mut().filter(|item| *item == name) {
            item.clone_from(candidate);
        }
    }
    documents
}
