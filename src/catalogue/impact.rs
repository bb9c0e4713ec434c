//! What a changed property does to its resource.
//!
//! The registry schemas know most of it (create-only paths, update handlers), AWS's pages the rest. Where the two
//! disagree the page wins; `docs/replacement.md` tells the differences.

use super::path::{Stands, stands};
use super::types::{Certainty, ResourceType};

/// What CloudFormation does to a resource when one of its properties changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// Changes it; it keeps its identity and what it holds.
    InPlace,
    /// Changes it or makes another, which depends on more than the property.
    MayReplace,
    /// Makes another and deletes this one.
    Replace,
    /// Refuses, for this reason.
    Fails(&'static str),
}

impl ResourceType {
    /// What a change of the property at `path` does: the property itself, or anything inside it. Positions in lists
    /// are decimals or `*`. A path that leads to more than what replaces (`TableInput`, where `TableInput/Name`
    /// replaces) may replace: ask for the paths that really changed.
    pub fn impact(&self, path: &[&str]) -> Impact {
        let within = |place: &&'static str| stands(path, place) == Stands::Within;
        let around = |place: &&'static str| stands(path, place) == Stands::Around;
        if let Some((_, reason)) = self.own.fails.iter().find(|(place, _)| within(place)) {
            return Impact::Fails(reason);
        }
        if self.read_only.iter().any(within) {
            return Impact::Fails("CloudFormation sets this property, a template can't");
        }
        if !self.can_update() {
            return Impact::Replace;
        }
        if self.create_only.iter().any(within) {
            return Impact::Replace;
        }
        let said = self.own.replaces.iter().chain(&self.documented);
        let certain = said.filter(|(place, _)| within(place)).map(|(_, said)| said);
        match certain.max_by_key(|said| **said == Certainty::Yes) {
            Some(Certainty::Yes) => return Impact::Replace,
            Some(Certainty::Maybe) => return Impact::MayReplace,
            None => {}
        }
        let replacing = self.create_only.iter().chain(self.own.replaces.keys());
        if self.conditional.iter().any(within)
            || replacing.chain(&self.conditional).any(around)
            || self.own.fails.keys().any(around)
        {
            return Impact::MayReplace;
        }
        Impact::InPlace
    }
}
