//! What rules look for: sets of actions by what they let somebody do, and the services that send no key of their source.
//!
//! In: `data/watched.json`, written by hand from AWS's pages, which each entry names. Out: a [`Watched`].
//! INVARIANT: every action is one that [`super::iam`] knows; a service is silent in one kind of policy only, with the
//! reason that `docs/service-conditions.md` gives. Read next: `crate::rules`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// Actions that belong together.
#[derive(Debug, Deserialize)]
pub struct Set {
    /// What they let somebody do, as a predicate: "decrypts".
    pub about: String,
    pub actions: Vec<String>,
    /// AWS's page.
    pub source: String,
}

/// A service that sends neither `aws:SourceAccount` nor `aws:SourceArn`.
#[derive(Debug, Deserialize)]
pub struct Silent {
    /// `glue.amazonaws.com`.
    pub service: String,
    /// `trust`, or the type whose policy it is let in by: `AWS::KMS::Key`.
    pub on: String,
    pub why: String,
    /// AWS's page.
    pub source: String,
}

/// AWS's own policies that a rule knows by name.
#[derive(Debug, Deserialize)]
pub struct Managed {
    /// Everything on everything.
    pub everything: Vec<String>,
    /// All of IAM, or nearly everything.
    pub policies: Vec<String>,
}

/// The whole table.
#[derive(Debug, Deserialize)]
pub struct Watched {
    sets: BTreeMap<String, Set>,
    pub silent: Vec<Silent>,
    pub managed: Managed,
}

static WATCHED: LazyLock<Watched> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/watched.json"))
        .expect("invariant: the table of what is watched is well formed")
});

/// What rules look for.
pub fn watched() -> &'static Watched {
    &WATCHED
}

/// A set by its name, which has to be one of the table.
pub fn set(name: &str) -> &'static Set {
    WATCHED.sets.get(name).expect("invariant: the set is in the table")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::iam;

    #[test]
    fn every_action_is_one_that_aws_has() {
        let mut seen = 0;
        for (name, set) in &watched().sets {
            assert!(set.source.starts_with("https://docs.aws.amazon.com/"), "{name}");
            assert!(!set.about.is_empty());
            for action in &set.actions {
                seen += 1;
                let known = iam::action(action).map(iam::Action::full_name);
                assert_eq!(known.as_deref(), Some(action.as_str()), "{name}");
            }
        }
        assert!(seen > 40, "{seen}");
    }
}
