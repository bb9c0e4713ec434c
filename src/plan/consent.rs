//! Losses and who agreed to them.
//!
//! In: a change that deletes or replaces something that holds data. Out: a refusal that names the
//! consent to give, or the consent that was given. The two consents: `protect: false` in the spec,
//! deployed (the deployed template keeps nothing), and `--allow-destroy NAME` on the command. Objects
//! in a bucket need a third, `--empty NAME`. INVARIANT: no change with `data` that loses it is in a
//! plan without refusals unless its consent is in the plan's `consents`.

use super::context::Context;
use super::state::refusal;
use super::{Action, Change, Consent, Operation, Refusal};
use crate::diagnostic::{LW0606, LW0607, LW0608, LW0609, LW0610};

/// What a bucket holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filled {
    /// Versions and delete markers that were found, counted up to some bound.
    pub versions: usize,
    /// Those among them that a lock or a legal hold keeps.
    pub locked: usize,
    /// The first of those, each with its key, its version and its lock.
    pub examples: Vec<String>,
    /// Whether there are more versions than were counted.
    pub more: bool,
    /// Whether some of those may be locked: nobody has looked at them yet.
    pub unseen: bool,
}

/// What a person calls the thing at a spec path, as the grammar of names has it: `raw` for
/// `buckets.raw`, `sales.orders` for `databases.sales.tables.orders`, `athena.bi` for `analytics.athena.bi`, `keys.raw` for itself.
pub fn name_of(path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["buckets" | "databases" | "sources" | "pipelines", name] => (*name).to_owned(),
        ["databases", database, "tables", table] => format!("{database}.{table}"),
        ["analytics", engine, name] => format!("{engine}.{name}"),
        _ => path.to_owned(),
    }
}

/// The locked versions of a bucket, as far as they are known, and how to see the others.
fn which<'a>(bucket: &'a str, filled: &'a Filled) -> impl Iterator<Item = String> + 'a {
    let more = filled.locked.saturating_sub(filled.examples.len());
    let which = match filled.examples.len() {
        0 => "which they are".to_owned(),
        _ => format!("{more} more"),
    };
    let rest =
        (more > 0).then(|| format!("{which}: aws s3api list-object-versions --bucket {bucket}"));
    filled.examples.iter().map(|one| format!("locked: {one}")).chain(rest)
}

/// Whether a consent names the thing at a path: by its name or by its path.
fn names(given: &str, path: &str) -> bool {
    given == path || given == name_of(path)
}

/// Whether `--allow-destroy` was given for the thing.
pub(super) fn allowed(context: &Context, path: &str) -> bool {
    context.consents.iter().any(|one| matches!(one, Consent::Destroy(name) if names(name, path)))
}

/// What consents and refusals follow from the changes.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub consents: Vec<Consent>,
    pub refusals: Vec<Refusal>,
}

impl Judgement {
    /// Judges one change. `protected`: the deployed template keeps the resource. `filled`: what is
    /// known of the bucket's content.
    pub(super) fn judge(
        &mut self,
        context: &Context,
        operation: Operation,
        change: &Change,
        protected: bool,
        filled: Option<Filled>,
    ) {
        if !change.data {
            return;
        }
        let path = &change.cause.path;
        let name = name_of(path);
        let allowed = allowed(context, path);
        let verb = match operation {
            Operation::Apply => "apply",
            Operation::Destroy => "destroy",
        };
        let loses = match change.action {
            Action::Delete => true,
            Action::Replace | Action::MayReplace => true,
            Action::Retain if allowed => true,
            _ => false,
        };
        if !loses {
            return;
        }
        let kind = &change.kind;
        let known = change.physical_id.as_deref().unwrap_or(change.logical_id.as_str());
        if protected {
            let what = match change.action {
                Action::Retain => "can't be deleted",
                Action::MayReplace => "might be replaced",
                _ => "would be replaced",
            };
            self.refuse(
                change,
                refusal(
                    LW0608,
                    format!("`{name}` is protected and {what} ({kind} {known})"),
                    vec![
                        format!("set `protect: false` on {path} and apply that alone first"),
                        format!("then: lakewright {verb} --allow-destroy {name}"),
                    ],
                ),
            );
            return;
        }
        if !allowed {
            let (code, what) = match change.action {
                Action::Delete => (LW0606, "would be deleted"),
                Action::MayReplace => (LW0607, "might be replaced by an empty one"),
                _ => (LW0607, "would be replaced by an empty one"),
            };
            self.refuse(
                change,
                refusal(
                    code,
                    format!("`{name}` holds data and {what} ({kind} {known})"),
                    vec![
                        format!("to agree to the loss, add --allow-destroy {name}"),
                        format!("to keep it, set `protect: true` on {path} and apply that first"),
                    ],
                ),
            );
            return;
        }
        self.consent(Consent::Destroy(path.clone()));
        if let Some(filled) = filled.filter(|filled| filled.versions > 0) {
            let emptied = context
                .consents
                .iter()
                .any(|one| matches!(one, Consent::Empty(given) if names(given, path)));
            if filled.locked > 0 {
                self.refuse(
                    change,
                    refusal(
                        LW0610,
                        format!(
                            "the bucket {known} holds locked versions ({}{}), which nobody can delete yet",
                            if filled.unseen { "at least " } else { "" },
                            filled.locked
                        ),
                        ["wait until their locks have ended, or keep the bucket".into()]
                            .into_iter()
                            .chain(which(known, &filled))
                            .collect(),
                    ),
                );
            } else if !emptied {
                self.refuse(
                    change,
                    refusal(
                        LW0609,
                        format!(
                            "the bucket {known} is not empty, and S3 deletes empty buckets only"
                        ),
                        vec![format!("to delete every object in it for good, add --empty {name}")],
                    ),
                );
            } else {
                self.consent(Consent::Empty(path.clone()));
            }
        }
    }

    fn consent(&mut self, consent: Consent) {
        if !self.consents.contains(&consent) {
            self.consents.push(consent);
        }
    }

    fn refuse(&mut self, change: &Change, mut refusal: Refusal) {
        refusal.cause = Some(change.cause.clone());
        self.refusals.push(refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_called_as_in_the_spec() {
        assert_eq!(name_of("buckets.raw"), "raw");
        assert_eq!(name_of("databases.sales.tables.orders"), "sales.orders");
        assert_eq!(name_of("keys.raw"), "keys.raw");
        assert!(names("raw", "buckets.raw"));
        assert!(!names("raw", "keys.raw"));
    }
}
