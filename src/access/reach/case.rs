//! What an answer rests on, and the answer.
//!
//! In: a [`Case`], which a [`super::Judge`] puts together from a state. Out: [`Reached`]. INVARIANT: the answer is a
//! function of the case alone, which holds no state: where two states make the same case of a question, the answer is the
//! same in both, and nothing that the answer depends on can be forgotten. Pure. Read next: `crate::verdict::effective`.

use super::judge::{Reached, Subject, named};
use crate::verdict::effective::{of_anybody, possible};
use crate::verdict::read::Effect;
use crate::verdict::{Document, Kind, Name, Options};

/// All that the answer to one question rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub(super) action: String,
    pub(super) half: Half,
    pub(super) key: KeyHalf,
}

/// All that a resource of a state has to do with a subject's doing anything with it. A [`Case`] knows nothing else of the
/// resource: where two states have the same of it for a subject, and the subject brings the same, every answer is the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Bearing {
    /// What of its policy may concern the subject; `None` if it is no policy.
    pub(super) policy: Option<Vec<Document>>,
    /// What its public access block leaves, where the whole policy is public.
    pub(super) cut: Option<Document>,
    pub(super) account: String,
    pub(super) is_key: bool,
    /// A bucket's key, by its name.
    pub(super) key: Option<String>,
}

/// The half of a bucket's key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum KeyHalf {
    /// No key has a say.
    None,
    /// It stands in no template.
    Unread {
        needed: String,
    },
    Read {
        action: String,
        half: Half,
    },
}

/// One question to all layers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Half {
    Layers(Box<Layers>),
    /// It cannot be put.
    Unknown {
        because: String,
    },
}

/// The layers of a question, each cut to what concerns it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layers {
    pub who: Subject,
    pub asked: Vec<Document>,
    /// The policy of the resource.
    pub theirs: Vec<Document>,
    /// What a public access block leaves of it.
    pub cut: Option<Vec<Document>>,
    /// The account of the resource.
    pub home: Option<String>,
    /// Whether identity policies count only where the resource's policy leaves it to them.
    pub delegates: bool,
    /// The name of a resource of which nothing was read.
    pub unguarded: Option<String>,
    /// What a principal brings; `None` of whoever is no principal by name.
    pub own: Option<Own>,
    /// Whether it writes its own policies.
    pub anything: bool,
    /// Whether it has written the policy of the resource, which then allows its own session what it likes: no boundary
    /// withholds what such a policy gives to a session.
    pub opened: bool,
}

/// What a principal brings: its policies under its name, its boundary, and what is not at hand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Own {
    pub documents: Vec<Document>,
    pub boundary: Option<Vec<Document>>,
    pub missing: Option<String>,
    pub boundary_missing: Option<String>,
    pub account: String,
    pub known: bool,
}

const NO: Reached = Reached::No { because: None };

impl Case {
    /// Whether a request gets through.
    pub fn answer(&self) -> Reached {
        let found = self.half.answer();
        let Reached::Yes { request, mut needed } = found else { return found };
        let (of_key, half) = match &self.key {
            KeyHalf::None => return Reached::Yes { request, needed },
            KeyHalf::Unread { needed: more } => {
                needed.push(more.clone());
                return Reached::Yes { request, needed };
            }
            KeyHalf::Read { action, half } => (action, half),
        };
        match half.answer() {
            Reached::Yes { needed: more, .. } => {
                needed.extend(more.into_iter().map(|one| format!("{of_key} on the key: {one}")));
                needed.dedup();
                Reached::Yes { request, needed }
            }
            Reached::No { .. } => Reached::No {
                because: Some(format!(
                    "{} is allowed, and {of_key} on the bucket's key is not",
                    self.action
                )),
            },
            unknown => unknown,
        }
    }
}

impl Half {
    fn answer(&self) -> Reached {
        match self {
            Half::Layers(layers) => layers.answer(),
            Half::Unknown { because } => Reached::Unknown { because: because.clone() },
        }
    }
}

impl Layers {
    fn answer(&self) -> Reached {
        let (theirs, asked, cut) = (&self.theirs, self.asked.as_slice(), self.cut.as_deref());
        if self.who == Subject::Anonymous && cut.is_some() {
            // it leaves services and the account of the bucket
            return NO;
        }
        let (Subject::Named(arn), Some(own)) = (&self.who, &self.own) else {
            return self.outside();
        };
        let across = self.home.as_ref().is_some_and(|home| *home != own.account);
        let wall = own.boundary.as_deref();
        let identity = match self.anything {
            true => vec![named(of_anybody(), arn)],
            false => own.documents.clone(),
        };
        if across && !own.known {
            let mut found = search(&[Some(theirs), cut, Some(asked)]);
            if let Reached::Yes { needed, .. } = &mut found {
                needed
                    .push(format!("an identity policy in account {} that allows it", own.account));
            }
            return found;
        }
        let by_identity = |documents: &[Document]| {
            if across || self.delegates {
                return search(&[Some(documents), wall, Some(theirs), cut, Some(asked)]);
            }
            let both: Vec<Document> =
                documents.iter().chain(&only(theirs, Effect::Deny)).cloned().collect();
            search(&[Some(&both), wall, Some(asked)])
        };
        let mut found = by_identity(&identity);
        if !across {
            let with = |kept: Vec<Document>, more: Vec<Document>| -> Vec<Document> {
                let denies = only(theirs, Effect::Deny)
                    .into_iter()
                    .chain(only(&own.documents, Effect::Deny));
                kept.into_iter().chain(denies).chain(more).collect()
            };
            let by_role = || {
                let by_role = with(allowing(theirs, |name| is_role(name, arn)), Vec::new());
                search(&[Some(&by_role), wall, cut, Some(asked)])
            };
            let direct = || {
                let walled = only(wall.unwrap_or_default(), Effect::Deny);
                let direct =
                    with(allowing(theirs, |name| self.opened || is_direct(name, arn)), walled);
                search(&[Some(&direct), cut, Some(asked)])
            };
            found = found.or(by_role).or(direct);
        }
        let missing = match &found {
            Reached::Yes { .. } => own.boundary_missing.as_ref(),
            _ => own.missing.as_ref(),
        };
        let Some(missing) = missing else {
            if let (Reached::Yes { needed, .. }, true, Some(guard)) =
                (&mut found, across, &self.unguarded)
            {
                needed.push(format!("the policy of {guard}, which was not read"));
            }
            return found;
        };
        if found.is_yes() || self.anything {
            return match own.boundary_missing.clone() {
                Some(because) => Reached::Unknown { because },
                None => found,
            };
        }
        // what is not at hand may allow what nothing else forbids
        let mut more = identity;
        more.push(named(of_anybody(), arn));
        match by_identity(&more) {
            Reached::No { .. } => found,
            _ => Reached::Unknown { because: missing.clone() },
        }
    }

    /// Of whoever brings no policies that could be read.
    fn outside(&self) -> Reached {
        // of everybody only what an Allow for everybody gives: the others are asked by their names
        let theirs: Vec<Document> = match &self.who {
            Subject::Anybody | Subject::Anonymous => {
                let all = allowing(&self.theirs, |name| *name == Name::Everyone);
                all.into_iter().chain(only(&self.theirs, Effect::Deny)).collect()
            }
            _ => self.theirs.clone(),
        };
        let mut found = search(&[Some(&theirs), self.cut.as_deref(), Some(&self.asked)]);
        if let (Subject::Account(account), Reached::Yes { needed, .. }) = (&self.who, &mut found) {
            let own = self.home.as_deref() == Some(account.as_str());
            needed.push(match own {
                true => format!(
                    "an identity policy of account {account} that allows it, or the root user"
                ),
                false => format!("an identity policy in account {account} that allows it"),
            });
        }
        found
    }
}

fn search(layers: &[Option<&[Document]>]) -> Reached {
    let layers: Vec<&[Document]> = layers.iter().copied().flatten().collect();
    // a layer without an Allow lets nothing through
    if layers.iter().any(|layer| !layer.iter().any(Document::allows)) {
        return NO;
    }
    let found = possible(&layers, Kind::Resource, &Options::default());
    match (found.gained, found.exact, found.reason) {
        (Some(request), ..) => {
            let unit = request.single("aws:PrincipalOrgPaths").map(str::to_owned);
            let unit = unit.or_else(|| request.values("aws:PrincipalOrgPaths").first().cloned());
            let account = request.principal.as_ref().and_then(|who| who.account());
            let in_unit = unit.zip(account).map(|(unit, (_, account))| {
                format!("that account {account} is in the organizational unit of {unit}")
            });
            Reached::Yes { needed: in_unit.into_iter().collect(), request: Box::new(request) }
        }
        (None, true, _) => NO,
        (None, false, reason) => Reached::Unknown {
            because: reason.map_or_else(|| "it is not decided".to_owned(), |reason| reason.text),
        },
    }
}

fn only(documents: &[Document], effect: Effect) -> Vec<Document> {
    let mut out = documents.to_vec();
    for document in &mut out {
        document.statements.retain(|statement| statement.effect == effect);
    }
    out
}

/// The Allows, with the names that are wanted only. `NotPrincipal` is kept as it is: it names nobody, and lets in
/// everyone else.
fn allowing(documents: &[Document], wanted: impl Fn(&Name) -> bool) -> Vec<Document> {
    let mut out = only(documents, Effect::Allow);
    for document in &mut out {
        document.statements.retain_mut(|statement| match &mut statement.principals {
            Some(listed) if !listed.not => {
                listed.items.retain(&wanted);
                !listed.items.is_empty()
            }
            other => other.is_some(),
        });
    }
    out
}

fn is_role(name: &Name, arn: &str) -> bool {
    matches!(name, Name::Role { .. }) && *name == Name::read("AWS", arn, "aws")
}

fn is_direct(name: &Name, arn: &str) -> bool {
    match name {
        Name::Everyone => true,
        Name::User { .. } => *name == Name::read("AWS", arn, "aws"),
        Name::Session { account, role, .. } => {
            let own = arn.rsplit('/').next() == Some(role.as_str());
            own && arn.split(':').nth(4) == Some(account.as_str())
        }
        _ => false,
    }
}
