//! A state, ready for questions: each of its policies read once, each of its names found at once.
//!
//! In: a [`State`]. Out: an [`Index`]: what a principal holds and what guards a resource as documents of the engine, and
//! who or what a request is about. One is made for a state and lent to everybody who asks about it, so that a question
//! costs what concerns it and not what the whole state holds. INVARIANT: it says what the state says, no more and no
//! less: every answer is the one that reading the state again would give. Pure.
//! Read next: `decide` for one request, `reach::judge` for a search.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::decide::in_request;
use super::rows::{Documents, policies};
use super::state::{Boundary, Guarded, Principal, State};
use crate::document::Value;
use crate::verdict::{Kind, Requester};

/// What a principal holds, read.
pub struct Holder<'s> {
    pub principal: &'s Principal,
    /// Its own policies, then its groups'.
    pub identity: Documents<'s>,
    /// Policies and groups of it that stand in no template of the state.
    pub elsewhere: BTreeSet<&'s str>,
    /// `None` where there is none, or none at hand.
    pub boundary: Option<Documents<'s>>,
    /// One document, or none.
    pub trust: Documents<'s>,
}

impl Holder<'_> {
    /// Whether all that it brings to a question is the same, whatever it is called and wherever it stands.
    pub fn brings_the_same(&self, other: &Holder<'_>) -> bool {
        fn said<'d>(read: &'d Documents<'_>) -> Vec<&'d Value> {
            let malformed = read.malformed.iter().map(|(held, _)| &held.document);
            read.held.iter().map(|held| &held.document).chain(malformed).collect()
        }
        let same_wall = match (&self.principal.boundary, &other.principal.boundary) {
            (Boundary::Read(own), Boundary::Read(theirs)) => own.document == theirs.document,
            (own, theirs) => own == theirs,
        };
        same_wall
            && said(&self.identity) == said(&other.identity)
            && self.elsewhere == other.elsewhere
            && self.principal.account == other.principal.account
    }
}

/// A resource and its policy, read.
pub struct Guard<'s> {
    pub name: &'s String,
    pub guarded: &'s Guarded,
    pub policies: Documents<'s>,
}

/// A state, ready for questions.
pub struct Index<'s> {
    pub state: &'s State,
    holders: BTreeMap<&'s str, Holder<'s>>,
    guards: BTreeMap<&'s str, Guard<'s>>,
    /// The names of resources by how they stand in requests: two references may be written alike.
    written: BTreeMap<Cow<'s, str>, Vec<&'s str>>,
    /// Principals whose name is a reference, by how it stands in requests; of several the first.
    references: BTreeMap<Cow<'s, str>, &'s str>,
}

impl<'s> Index<'s> {
    pub fn new(state: &'s State) -> Self {
        let holder = |(name, one): (&'s String, &'s Principal)| {
            let (held, elsewhere) = policies(state, one);
            let boundary = match &one.boundary {
                Boundary::Read(held) => Some(Documents::of([held], Kind::Identity)),
                Boundary::None | Boundary::Unread(_) => None,
            };
            let identity = Documents::of(held, Kind::Identity);
            let trust = Documents::of(&one.trust, Kind::Trust);
            (name.as_str(), Holder { principal: one, identity, elsewhere, boundary, trust })
        };
        let guard = |(name, guarded): (&'s String, &'s Guarded)| {
            let policies = Documents::of(&guarded.policies, Kind::Resource);
            (name.as_str(), Guard { name, guarded, policies })
        };
        let mut written: BTreeMap<Cow<'s, str>, Vec<&'s str>> = BTreeMap::new();
        for name in state.resources.keys() {
            written.entry(in_request(name)).or_default().push(name);
        }
        let mut references = BTreeMap::new();
        for name in state.principals.keys().filter(|name| name.starts_with('{')) {
            references.entry(in_request(name)).or_insert(name.as_str());
        }
        Index {
            state,
            holders: state.principals.iter().map(holder).collect(),
            guards: state.resources.iter().map(guard).collect(),
            written,
            references,
        }
    }

    /// What a principal holds, by its name in the state.
    pub fn holder(&self, name: &str) -> Option<&Holder<'s>> {
        self.holders.get(name)
    }

    /// A resource by its name in the state.
    pub fn guard(&self, name: &str) -> Option<&Guard<'s>> {
        self.guards.get(name)
    }

    /// All principals, by name.
    pub fn holders(&self) -> impl Iterator<Item = (&'s str, &Holder<'s>)> {
        self.holders.iter().map(|(name, one)| (*name, one))
    }

    /// All resources, by name.
    pub fn guards(&self) -> impl Iterator<Item = &Guard<'s>> {
        self.guards.values()
    }

    /// The resource that a request is about: the longest name that its ARN begins with.
    pub fn guarded(&self, resource: &str) -> Option<&Guard<'s>> {
        let ends = resource.match_indices('/').map(|(at, _)| at).chain([resource.len()]);
        let names = ends.filter_map(|end| self.written.get(&resource[..end])).flatten();
        let name = names.max_by_key(|name| (name.len(), **name))?;
        self.guards.get(name)
    }

    /// The principal that makes a request.
    pub fn requester(&self, who: &Requester) -> Option<&Holder<'s>> {
        match who.principal_arn() {
            Some(arn) => self.holder(&arn),
            None => self.holder(self.references.get(who.written().1.as_str())?),
        }
    }
}
