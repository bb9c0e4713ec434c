//! The states of access that a plan leads from and to.
//!
//! In: a plan. Out: what its templates say of access before and after, for the verdict on the change, which every plan
//! carries as counts. INVARIANT: a stack that stays counts on both sides, so that what moves is no change.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Plan, StackAction, StackPlan};
use crate::access::{self, Counts, Source, State};
use crate::document::Value;
use crate::stacks::StackKey;
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

    /// How many principals and policies the plan broadens, narrows, or leaves.
    pub(super) fn access_counts(&self) -> Counts {
        access::counts(&self.access_before(), &self.access_after(), &Options::default())
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

/// How a stack is called in a state: `eu-west-1/acme-prod-base`.
pub fn name(stack: &StackKey) -> String {
    format!("{}/{}", stack.region, stack.name)
}
