//! What it takes to change the policy of a resource again, by the kind of resource.
//!
//! In: `data/undoing.json`, written by hand from AWS's pages, which each entry names. Out: the actions of which one is
//! enough, and the way out for whoever is locked out. INVARIANT: every action is one that [`super::iam`] knows.
//! Read next: `crate::review::lockout`.

use std::sync::LazyLock;

use serde::Deserialize;

/// How the policy of one kind of resource is changed.
#[derive(Debug, Deserialize)]
pub struct Undoing {
    /// `AWS::S3::Bucket`: what is guarded.
    pub kind: String,
    /// `bucket policy`.
    pub policy: String,
    /// Any of them is enough.
    pub actions: Vec<String>,
    /// Who may still help; `{account}` stands for the account's id.
    pub way_out: String,
    /// AWS's page.
    pub source: String,
}

/// A role's trust policy.
pub const ROLE: &str = "AWS::IAM::Role";
/// Lake Formation's administrators.
pub const SETTINGS: &str = "AWS::LakeFormation::DataLakeSettings";

static ALL: LazyLock<Vec<Undoing>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/undoing.json"))
        .expect("invariant: the table of what undoes is well formed")
});

/// Everything that the table knows.
pub fn all() -> &'static [Undoing] {
    &ALL
}

/// How the policy of a kind of resource is changed.
pub fn of(kind: &str) -> Option<&'static Undoing> {
    ALL.iter().find(|one| one.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::iam;

    #[test]
    fn every_action_is_one_that_aws_has() {
        for one in all() {
            assert!(one.source.starts_with("https://docs.aws.amazon.com/"), "{}", one.kind);
            assert!(!one.actions.is_empty(), "{}", one.kind);
            for action in &one.actions {
                let known = iam::action(action).map(iam::Action::full_name);
                assert_eq!(known.as_deref(), Some(action.as_str()));
            }
        }
        assert!(of(ROLE).is_some() && of(SETTINGS).is_some());
    }
}
