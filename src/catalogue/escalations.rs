//! What verbs mean in actions, and how one principal comes to act as another.
//!
//! In: `data/verbs.json` and `data/escalations.json`, written by hand from AWS's pages, which each entry names. Out: the
//! actions of `read`, `write`, `delete` and `admin` on each kind of resource, and the ways from one principal to another.
//! INVARIANT: every action is one that [`super::iam`] knows. Read next: `crate::access::reach`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// How somebody gets to what a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It lets itself be assumed: its trust and the other's policies.
    Assume,
    /// Somebody rewrites who it trusts, or makes credentials for it.
    Become,
    /// A principal that writes its own policies may do anything.
    Edit,
    /// It is handed to a service that runs what somebody says.
    Pass,
    /// Somebody writes an object that runs as it.
    Code,
    /// Somebody changes the thing that runs as it.
    Runner,
    /// Somebody writes the policy of a resource and lets itself in; it is no way to another principal.
    Open,
}

impl Kind {
    /// The word between two names of a path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Assume => "assume",
            Kind::Become => "become",
            Kind::Edit => "edits",
            Kind::Pass => "pass",
            Kind::Code => "writes code",
            Kind::Runner => "replaces code",
            Kind::Open => "opens",
        }
    }
}

/// One way.
#[derive(Debug, Deserialize)]
pub struct Escalation {
    /// Such as `pass a role to Glue`.
    pub name: String,
    pub kind: Kind,
    /// Any of them is enough.
    pub actions: Vec<String>,
    /// `role`, `user`, `policy`, `object`, or the CloudFormation type of what runs.
    pub on: String,
    /// Who is handed the role.
    #[serde(default)]
    pub service: Option<String>,
    /// AWS's page.
    pub source: String,
}

/// All ways.
#[derive(Debug, Deserialize)]
pub struct Escalations {
    /// The action of handing over a role.
    pub pass: String,
    /// The condition key that says to whom.
    pub condition: String,
    /// The action by which a service takes a role.
    pub trust: String,
    pub escalations: Vec<Escalation>,
}

/// What verbs mean.
#[derive(Debug, Deserialize)]
pub struct Verbs {
    /// What an action on an encrypted object asks of the key.
    pub key: BTreeMap<String, String>,
    /// What verbs take on tables that Lake Formation decides about.
    pub lake_formation: Lending,
    /// By which actions somebody writes the policy of a resource.
    pub openings: Vec<Opening>,
    /// Kind of resource, verb, actions: any of them is enough.
    verbs: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// By which actions somebody writes the policy of a kind of resource, and so lets itself in.
#[derive(Debug, Deserialize)]
pub struct Opening {
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// `bucket`: the catalogue's name for it.
    pub on: String,
    /// Any of them is enough.
    pub actions: Vec<String>,
    /// AWS's page.
    pub source: String,
}

/// What verbs take on tables that Lake Formation decides about.
#[derive(Debug, Deserialize)]
pub struct Lending {
    /// AWS's page.
    pub source: String,
    /// The action of borrowing credentials for the files.
    pub borrow: String,
    /// The action of looking a table up.
    pub find: String,
    /// Verb on the data: permissions of Lake Formation, any of them is enough.
    pub grants: BTreeMap<String, Vec<String>>,
    /// Verb on the table's entry in the catalog: likewise, beside IAM's action.
    pub entries: BTreeMap<String, Vec<String>>,
}

static ESCALATIONS: LazyLock<Escalations> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/escalations.json"))
        .expect("invariant: the table of escalations is well formed")
});

static VERBS: LazyLock<Verbs> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/verbs.json"))
        .expect("invariant: the table of verbs is well formed")
});

/// The ways from one principal to another.
pub fn escalations() -> &'static Escalations {
    &ESCALATIONS
}

/// What verbs mean.
pub fn verbs() -> &'static Verbs {
    &VERBS
}

impl Verbs {
    /// The verbs, in the order in which they are shown.
    pub const ALL: [&'static str; 4] = ["read", "write", "delete", "manage"];

    /// The kinds of resources, ascending.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.verbs.keys().map(String::as_str)
    }

    /// The actions of a verb on a kind of resource; none where it means nothing there.
    pub fn actions(&self, kind: &str, verb: &str) -> &[String] {
        self.verbs.get(kind).and_then(|verbs| verbs.get(verb)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::iam;

    #[test]
    fn every_action_is_one_that_aws_has() {
        let ways = escalations();
        let all = ways.escalations.iter().flat_map(|way| &way.actions);
        let all = all.chain([&ways.pass, &ways.trust]);
        let verbs = verbs();
        let all = all.chain([&verbs.lake_formation.borrow, &verbs.lake_formation.find]);
        let all = all.chain(verbs.key.iter().flat_map(|(on, of)| [on, of]));
        let all = all.chain(verbs.verbs.values().flat_map(|verbs| verbs.values().flatten()));
        let mut seen = 0;
        for action in all {
            seen += 1;
            let known = iam::action(action).map(iam::Action::full_name);
            assert_eq!(known.as_deref(), Some(action.as_str()));
        }
        assert!(seen > 60, "{seen}");
        for way in &ways.escalations {
            assert!(way.source.starts_with("https://docs.aws.amazon.com/"), "{}", way.name);
            assert_eq!(way.service.is_some(), way.kind == Kind::Pass, "{}", way.name);
        }
        for verbs in verbs.verbs.values() {
            assert!(verbs.keys().all(|verb| Verbs::ALL.contains(&verb.as_str())));
        }
    }
}
