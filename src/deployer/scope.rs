//! What of a service is the lake's: ARNs for the permissions of resource handlers.
//!
//! In: the compiled templates. Out: for a type of resource, as IAM knows it, the ARNs that are the lake's, with `*` where
//! CloudFormation or the service makes up the name. Names that begin with the lake's own beginning stand as one pattern,
//! so that a policy does not grow with the lake. INVARIANT: a pattern reaches nothing that is not called after the lake (a
//! copy of it with a suffix is), unless the service gives its resources no names (KMS keys), which a condition on the
//! lake's tag narrows.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::{iam, resource_type};
use crate::document::Value;
use crate::lake::Lake;
use crate::stacks::Stack;

/// The names that a lake uses, by service and slot of an ARN: (`glue`, `DatabaseName`).
pub(super) struct Scope<'a> {
    lake: &'a Lake,
    regions: BTreeSet<String>,
    slots: BTreeMap<(String, String), BTreeSet<String>>,
}

/// Slots that every ARN has.
const PLACES: [&str; 3] = ["Partition", "Region", "Account"];

impl<'a> Scope<'a> {
    pub fn new(lake: &'a Lake, stacks: &[Stack]) -> Self {
        let regions = lake.regions().iter().map(ToString::to_string).collect();
        let mut scope = Scope { lake, regions, slots: BTreeMap::new() };
        for stack in stacks {
            for (_, definition) in stack.resources() {
                scope.learn(stack.key.name.as_str(), definition);
            }
        }
        scope
    }

    fn learn(&mut self, stack: &str, definition: &Value) {
        let kind = definition.get("Type").and_then(Value::as_str).unwrap_or("");
        let Some(facts) = resource_type(kind) else { return };
        let Some(form) = facts.arn else { return };
        let service = form.split(':').nth(2).unwrap_or("").to_owned();
        let Some(slot) = slots_of(form).into_iter().rfind(|slot| !PLACES.contains(&slot.as_str()))
        else {
            return;
        };
        let name = definition.get("Properties").and_then(|all| facts.given_name(all));
        let pattern = match name.and_then(|(_, value)| value.as_str()) {
            // an alias of KMS is called `alias/name`, and its ARN ends in that, not in `alias/alias/name`
            Some(name) => self.pattern(name.strip_prefix(before(form, &slot)).unwrap_or(name)),
            // CloudFormation puts the stack's name first
            // (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>).
            None if facts.called.is_empty() => "*".to_owned(),
            None => format!("{stack}-*"),
        };
        self.slots.entry((service, slot)).or_default().insert(pattern);
    }

    /// A name, or what all names of the lake begin with.
    pub fn pattern(&self, name: &str) -> String {
        let id = self.lake.naming.lake_id();
        for start in [format!("{id}-"), format!("{}_", id.replace('-', "_"))] {
            if name.starts_with(&start) {
                return format!("{start}*");
            }
        }
        name.to_owned()
    }

    /// The lake's ARNs of a type of resource as IAM knows it; empty if the lake has none.
    pub fn arns(&self, service: &str, resource: &str) -> Vec<String> {
        let Some(form) = iam::resource_type(service, resource).map(|known| known.arn) else {
            return Vec::new();
        };
        let of = form.split(':').nth(2).unwrap_or("").to_owned();
        let free: Vec<String> =
            slots_of(form).into_iter().filter(|slot| !PLACES.contains(&slot.as_str())).collect();
        let known = |slot: &String| self.slots.get(&(of.clone(), slot.clone()));
        if !free.is_empty() && !free.iter().any(|slot| known(slot).is_some()) {
            return Vec::new();
        }
        let mut arns = vec![form.to_owned()];
        for slot in &free {
            let any = BTreeSet::from(["*".to_owned()]);
            let values = known(slot).unwrap_or(&any);
            arns = put(&arns, slot, values.iter());
        }
        let home = &self.lake.home;
        arns = put(&arns, "Partition", [home.partition.to_owned()].iter());
        arns = put(&arns, "Account", [home.account.to_string()].iter());
        put(&arns, "Region", self.regions.iter())
    }
}

fn put<'v>(
    arns: &[String],
    slot: &str,
    values: impl Iterator<Item = &'v String> + Clone,
) -> Vec<String> {
    let marker = format!("${{{slot}}}");
    let mut out = Vec::new();
    for arn in arns {
        if arn.contains(&marker) {
            out.extend(values.clone().map(|value| arn.replace(&marker, value)));
        } else {
            out.push(arn.clone());
        }
    }
    out
}

/// What stands before a slot in the last part of an ARN's form: `alias/`.
fn before<'f>(form: &'f str, slot: &str) -> &'f str {
    let end = form.find(&format!("${{{slot}}}")).unwrap_or(0);
    let start = form[..end].rfind(':').map_or(0, |colon| colon + 1);
    &form[start..end]
}

/// The names of the slots of an ARN's form, in order.
fn slots_of(form: &str) -> Vec<String> {
    let after = form.split("${").skip(1);
    after.filter_map(|rest| rest.split_once('}')).map(|(slot, _)| slot.to_owned()).collect()
}
