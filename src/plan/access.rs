//! The states of access that a plan leads from and to.
//!
//! In: a plan. Out: what its templates say of access before and after, for the verdict on the change, which every plan
//! carries as counts. INVARIANT: a stack that stays counts on both sides, so that what moves is no change.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::state::refusal;
use super::{Context, Plan, Refusal, StackAction, StackPlan, name_of, paths};
use crate::access::{self, Source, State};
use crate::diagnostic::{LW0407, LW0615};
use crate::document::Value;
use crate::names::LogicalId;
use crate::review::lockout::{self, Check, Duty, Outcome};
use crate::stacks::{Causes, StackKey};
use crate::verdict::Options;

impl Plan {
    /// Who may do what as long as the plan is not applied.
    pub fn access_before(&self) -> State {
        self.state(|stack| Some(&stack.before))
    }

    /// Who may do what once it is.
    pub fn access_after(&self) -> State {
        self.state(|stack| match stack.action {
            StackAction::Delete => None,
            StackAction::Keep => Some(&stack.before),
            _ => Some(&stack.template),
        })
    }

    /// Says how many principals and policies the plan broadens, narrows, or leaves, and refuses it where whoever
    /// applies, or administers, could not take it back.
    pub(super) fn judge_access(&mut self, context: &Context) {
        let (before, after) = (self.access_before(), self.access_after());
        self.verdict = access::counts(&before, &after, &Options::default());
        let found = lockout::check(&before, &after, &context.keepers);
        self.refusals.extend(found.losses().map(|check| locked_out(check, context)));
        for closed in paths::closed(&before, &after).unwrap_or_default() {
            let cause = context.cause(&self.path_of(&closed.by));
            let place = match (&cause.file, cause.line) {
                (Some(file), Some(line)) => format!("{file}:{line}"),
                _ => cause.path,
            };
            let by = &closed.by.statement;
            self.warnings.push(format!("{by} stops {} ({LW0407}, {place})", closed.what));
        }
    }

    /// Where in the spec a statement comes from.
    fn path_of(&self, cause: &access::Cause) -> String {
        let stack = self.stacks.iter().find(|stack| name(&stack.key) == cause.origin.stack);
        let causes = stack.and_then(|stack| stack.causes.get(cause.origin.logical_id.as_str()));
        let statement = format!("[{}]", cause.statement);
        let steps = [cause.property.as_str(), "Statement", &statement];
        causes.map_or_else(|| cause.origin.path.clone(), |causes| causes.of(&steps))
    }

    fn state<'p>(&'p self, body: impl Fn(&'p StackPlan) -> Option<&'p Value>) -> State {
        let source = |stack: &'p StackPlan| {
            let body = body(stack).filter(|body| **body != Value::Null)?;
            Some(Source {
                name: name(&stack.key),
                account: self.account.to_string(),
                region: stack.key.region.to_string(),
                body: Cow::Borrowed(body),
                parameters: stack
                    .parameters
                    .iter()
                    .map(|(parameter, from)| {
                        (parameter.clone(), (name(&from.stack), from.output.clone()))
                    })
                    .collect(),
                given: BTreeMap::new(),
            })
        };
        let mut sources: Vec<Source> = self.stacks.iter().filter_map(source).collect();
        access::feed(&mut sources);
        access::read(&sources)
    }
}

/// Why a plan is refused after which somebody could not change a policy again. Nothing waives it.
fn locked_out(check: &Check, context: &Context) -> Refusal {
    let who = match (check.keeper.duty, check.keeper.who.strip_suffix(":root")) {
        (_, Some(account)) => {
            let account = account.rsplit(':').next().unwrap_or_default();
            format!("nobody of account {account}, which applies it,")
        }
        (Duty::Applies, None) => format!("{}, which applies it,", check.keeper.who),
        (Duty::Administers, None) => format!("its administrator {}", check.keeper.who),
    };
    let no = if who.starts_with("nobody") { "could" } else { "could not" };
    let because = match &check.outcome {
        Outcome::Lost { because, .. } => because.as_str(),
        Outcome::Kept { .. } | Outcome::Unknown { .. } => "",
    };
    // lakewright's own buckets are the lake's, and have no name in the spec
    let thing = match name_of(&check.origin.path) {
        name if name.is_empty() || check.origin.path == "lake" => {
            check.subject.rsplit(':').next().unwrap_or_default().to_owned()
        }
        name => name,
    };
    let policy = &check.undoing().policy;
    let change = match &check.outcome {
        Outcome::Lost { by: Some(by), .. } if !by.statement.is_empty() => format!(
            "except {} in the statement {}, or take the document of your own away that denies more than lakewright's",
            check.keeper.who, by.statement
        ),
        _ => format!(
            "let {} change it: {} in the {policy}",
            check.keeper.who,
            check.undoing().actions.join(" or ")
        ),
    };
    Refusal {
        cause: Some(context.cause(&check.origin.path)),
        ..refusal(
            LW0615,
            format!("`{thing}`: after this change {who} {no} change its {policy} again: {because}"),
            vec![change, check.way_out()],
        )
    }
}

/// Of the places in a spec that resources come from: those that statements and grants have of their own. A verdict asks for
/// no others, and a lake of ten thousand resources has fifty thousand of them.
pub(super) fn of_statements(
    mut causes: BTreeMap<LogicalId, Causes>,
) -> BTreeMap<LogicalId, Causes> {
    causes.retain(|_, causes| {
        causes.properties.retain(|(property, _)| access::is_of_statements(property));
        !causes.properties.is_empty()
    });
    causes
}

/// How a stack is called in a state: `eu-west-1/acme-prod-base`.
pub fn name(stack: &StackKey) -> String {
    format!("{}/{}", stack.region, stack.name)
}
