//! Planning, phase by phase.
//!
//! In: the compiled stacks, what is deployed, and the [`Context`]. Out: the [`Plan`]. Stack by stack
//! over the union of both: the state of the stack decides what can be done to it, its resources are
//! compared (`resource`), replacements spread (`spread`), and what that means for the outputs goes on
//! to the stacks behind it; then losses are judged (`consent`) and grants compared (`grants`).
//! INVARIANT: pure and linear; the order of the input changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::change::tagged;
use super::consent::Judgement;
use super::context::{Context, opt_outs, unknown, unused};
use super::outputs::{Given, is_empty, moved, output_names, refers};
use super::resource::{self, Verdict, kind_of, path_of};
use super::ripples::ripples;
use super::state::{self, State};
use super::{
    Change, Deployed, DeployedStack, Kept, Operation, Plan, Refusal, StackAction, StackPlan,
    access, deployed, grants, outputs, spread,
};
use crate::access::Counts as AccessCounts;
use crate::cloud::StackStatus;
use crate::document::{Map, Value};
use crate::graph::Part;
use crate::names::{LogicalId, Region};
use crate::stacks::{Causes, Stack, StackKey};

/// Plans what makes `deployed` into `desired`.
pub fn plan(desired: Vec<Stack>, deployed: &Deployed, context: &Context) -> Plan {
    let desired = in_order(desired);
    let wanted: BTreeSet<StackKey> = desired.iter().map(|stack| stack.key.clone()).collect();
    let unknown = unknown(context, deployed, desired.iter().map(|stack| &stack.template));
    let grants =
        grants::compare(deployed.stacks.values().map(|stack| &stack.template), &desired, context);
    let mut work = Work::new(deployed, context);
    work.find_moves(&desired);
    let mut stacks: Vec<StackPlan> = desired.into_iter().map(|stack| work.stack(stack)).collect();
    let mut leaving: Vec<StackPlan> = Vec::new();
    let mut gone: Vec<(Part, &StackKey, &DeployedStack)> = deployed
        .stacks
        .iter()
        .filter(|(key, _)| !wanted.contains(*key))
        .map(|(key, stack)| (stack.part(key), key, stack))
        .collect();
    gone.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)));
    for (part, key, stack) in gone {
        leaving.extend(work.leave(part, key, stack, &stacks, Operation::Apply));
    }
    for at in 1..leaving.len() {
        let earlier: Vec<StackKey> = leaving[..at].iter().map(|stack| stack.key.clone()).collect();
        leaving[at].depends_on.extend(earlier);
    }
    stacks.extend(leaving);
    work.taken_names(&mut stacks);
    work.renamed(&stacks);
    ripples(&mut stacks);
    work.scripts(&mut stacks);
    let Work { mut judgement, mut refusals, mut warnings, .. } = work;
    refusals.append(&mut judgement.refusals);
    refusals.extend(unknown);
    if refusals.is_empty() {
        warnings.extend(unused(context, &judgement.consents));
    }
    let mut plan = Plan {
        format_version: super::file::VERSION,
        operation: Operation::Apply,
        spec: context.spec(),
        lake: context.lake.clone(),
        environment: context.environment.clone(),
        account: context.account.clone(),
        region: context.region.clone(),
        base_buckets: context.base_buckets.clone(),
        stacks,
        uploads: context.uploads.clone(),
        access: grants,
        verdict: AccessCounts::default(),
        opt_outs: opt_outs(context),
        warnings,
        consents: judgement.consents,
        refusals,
    };
    let there = outputs::named_objects(deployed, &plan.uploads);
    plan.uploads.retain(|upload| !there.contains(upload.key.as_str()));
    plan.judge_access(context);
    plan
}

/// What differs between two lakes that are deployed nowhere. Nothing is going to be applied, so that
/// nothing is refused: what would be is a warning.
pub fn diff(old: &Deployed, new: Vec<Stack>, context: &Context) -> Plan {
    let mut plan = plan(new, old, context);
    let refusals = std::mem::take(&mut plan.refusals);
    plan.warnings.extend(refusals.into_iter().map(|one| format!("{} ({})", one.summary, one.code)));
    plan
}

/// Rendered templates as stacks: for `diff` and for directories. Causes are the paths that the
/// resources carry.
pub fn rendered(templates: impl IntoIterator<Item = (StackKey, Value)>) -> Vec<Stack> {
    let stack = |(key, template): (StackKey, Value)| {
        let resources = template.get("Resources").and_then(Value::as_map);
        let causes = resources
            .into_iter()
            .flat_map(Map::iter)
            .filter_map(|(id, definition)| {
                let causes = Causes { path: path_of(definition).to_owned(), ..Causes::default() };
                Some((LogicalId::new(id).ok()?, causes))
            })
            .collect();
        Stack {
            part: deployed::part_of(&template, &key),
            key,
            template,
            parameters: BTreeMap::new(),
            depends_on: BTreeSet::new(),
            tags: BTreeMap::new(),
            capabilities: Vec::new(),
            causes,
        }
    };
    in_order(templates.into_iter().map(stack).collect())
}

/// The stacks in an order in which they can be made; by part, region and name where it is free.
fn in_order(mut rest: Vec<Stack>) -> Vec<Stack> {
    rest.sort_by(|a, b| (a.part, &a.key).cmp(&(b.part, &b.key)));
    let here: BTreeSet<StackKey> = rest.iter().map(|stack| stack.key.clone()).collect();
    let mut done: BTreeSet<StackKey> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let free = |stack: &Stack| {
            stack.depends_on.iter().all(|other| done.contains(other) || !here.contains(other))
        };
        let next = rest.iter().position(free).expect("invariant: stacks have no cycle");
        let stack = rest.remove(next);
        done.insert(stack.key.clone());
        ordered.push(stack);
    }
    ordered
}

/// Planning in progress.
pub(super) struct Work<'a> {
    pub context: &'a Context<'a>,
    pub deployed: &'a Deployed,
    /// What earlier stacks let go, and what stacks that are about to be deleted to the end will.
    pub kept: Vec<Kept>,
    /// Resources that the spec has in another stack than the cloud: (new stack, id) to old stack.
    pub arriving: HashMap<(StackKey, String), StackKey>,
    /// The same seen from the old stack.
    departing: HashMap<StackKey, BTreeSet<String>>,
    pub outputs: HashMap<StackKey, BTreeMap<String, Given>>,
    /// Names of what leaves: (region, kind, name) to the logical id.
    pub names: HashMap<(Region, String, String), LogicalId>,
    pub judgement: Judgement,
    pub refusals: Vec<Refusal>,
    pub warnings: Vec<String>,
}

impl<'a> Work<'a> {
    pub(super) fn new(deployed: &'a Deployed, context: &'a Context<'a>) -> Self {
        Work {
            context,
            deployed,
            kept: deployed.kept.clone(),
            arriving: HashMap::new(),
            departing: HashMap::new(),
            outputs: HashMap::new(),
            names: HashMap::new(),
            judgement: Judgement::default(),
            refusals: Vec::new(),
            warnings: context.warnings.clone(),
        }
    }

    /// Finds the resources that the spec has in another stack of the region than the cloud.
    fn find_moves(&mut self, desired: &[Stack]) {
        let deployed = self.deployed;
        let mut now: HashMap<(&Region, &str), &StackKey> = HashMap::new();
        for (key, stack) in &deployed.stacks {
            now.extend(stack.resources().map(|(id, _)| ((&key.region, id), key)));
        }
        if now.is_empty() {
            return;
        }
        for stack in desired {
            let own = deployed.stacks.get(&stack.key);
            let own = own.and_then(|own| own.template.get("Resources")).and_then(Value::as_map);
            for (id, definition) in stack.resources() {
                if own.is_some_and(|own| own.get(id).is_some()) {
                    continue;
                }
                let Some(home) = now.get(&(&stack.key.region, id)) else { continue };
                let there = deployed.stacks[*home].template.at(&["Resources", id]);
                if there.is_some_and(|there| kind_of(there) == kind_of(definition)) {
                    self.arriving.insert((stack.key.clone(), id.to_owned()), (*home).clone());
                    self.departing.entry((*home).clone()).or_default().insert(id.to_owned());
                }
            }
        }
    }

    fn departs(&self, key: &StackKey, id: &str) -> bool {
        self.departing.get(key).is_some_and(|ids| ids.contains(id))
    }

    fn stack(&mut self, stack: Stack) -> StackPlan {
        let deployed = self.deployed.stacks.get(&stack.key);
        let state = deployed.map(|there| {
            state::judge(&stack.key, there, &self.context.lake, Operation::Apply, true)
        });
        let observed = deployed.map(DeployedStack::observed).unwrap_or_default();
        let (action, changes, respelled) = match (deployed, state) {
            (Some(_), Some(State::Refused(refusal))) => {
                self.refusals.push(refusal);
                let same = |name: &String| (name.clone(), Given::Same);
                let outputs = output_names(&stack.template).iter().map(same).collect();
                self.outputs.insert(stack.key.clone(), outputs);
                (StackAction::Keep, Vec::new(), Vec::new())
            }
            (Some(there), Some(State::Ready)) => self.update(&stack, there),
            (Some(there), _) => {
                if there.status == Some(StackStatus::DeleteFailed) {
                    self.half_gone(&stack.key, there);
                }
                (StackAction::Recreate, self.create(&stack), Vec::new())
            }
            (None, _) => (StackAction::Create, self.create(&stack), Vec::new()),
        };
        let imports = match action {
            StackAction::Keep => Vec::new(),
            _ => self.imports(&stack, &changes),
        };
        let keeps = stack.resources().any(|(_, definition)| resource::kept_on_deletion(definition));
        StackPlan {
            part: stack.part,
            action,
            observed,
            imports,
            parameters: stack.parameters,
            tags: stack.tags,
            capabilities: stack.capabilities,
            execution_role: self.context.execution_role.clone(),
            termination_protection: keeps,
            depends_on: stack.depends_on.into_iter().collect(),
            changes,
            respelled,
            causes: access::of_statements(stack.causes),
            template: if action == StackAction::Keep { Value::Null } else { stack.template },
            before: deployed.map_or(Value::Null, |there| there.template.clone()),
            key: stack.key,
        }
    }

    /// Everything in a stack that is not there.
    fn create(&mut self, stack: &Stack) -> Vec<Change> {
        let later = |name: String| (name, Given::Later { certain: false });
        let outputs = output_names(&stack.template).into_iter().map(later).collect();
        self.outputs.insert(stack.key.clone(), outputs);
        stack.resources().map(|(id, definition)| self.add(stack, id, definition)).collect()
    }

    fn update(
        &mut self,
        stack: &Stack,
        there: &'a DeployedStack,
    ) -> (StackAction, Vec<Change>, Vec<LogicalId>) {
        let empty = Map::new();
        let resources = |template: &'a Value| template.get("Resources").and_then(Value::as_map);
        let old: &Map = resources(&there.template).unwrap_or(&empty);
        let new = stack.template.get("Resources").and_then(Value::as_map).unwrap_or(&empty);
        let (before, after) = self.scopes(stack, there);
        let moved = moved(&before, &after);
        let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
        for (id, definition) in new.iter() {
            let Some(known) = old.get(id) else { continue };
            if known == definition && !refers(definition, &moved) {
                continue;
            }
            verdicts.insert(id.to_owned(), resource::judge(known, definition, (&before, &after)));
        }
        spread::spread(old, new, &mut verdicts, (&before, &after));
        self.outputs_of(stack, there, &verdicts, old, new, &after);
        let tags = self.tags(stack, there);
        let mut changes: Vec<Change> = Vec::new();
        let mut respelled = Vec::new();
        let mut ids: Vec<&str> = old.iter().chain(new.iter()).map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            match (old.get(id), new.get(id)) {
                (Some(old), Some(new)) => {
                    let mut verdict = verdicts.remove(id).unwrap_or_default();
                    if !verdict.properties.is_empty() && old != new {
                        verdict.properties.extend(resource::order(old, new));
                    }
                    verdict.properties.extend(tagged(new, &tags));
                    if verdict.properties.is_empty() {
                        if verdict.respelled {
                            respelled.extend(LogicalId::new(id).ok());
                        }
                        continue;
                    }
                    changes.push(self.modify(stack, there, id, (old, new), verdict));
                }
                (None, Some(new)) => changes.push(self.add(stack, id, new)),
                (Some(old), None) => {
                    if !self.departs(&stack.key, id) {
                        let change = self.remove(&stack.key, there, id, old, Operation::Apply);
                        changes.push(change);
                    }
                }
                (None, None) => {}
            }
        }
        let same_outputs = there.template.get("Outputs").filter(|v| !is_empty(v))
            == stack.template.get("Outputs").filter(|v| !is_empty(v));
        let same_size = old.len() == new.len();
        let action = if changes.is_empty() && same_outputs && same_size {
            StackAction::Keep
        } else {
            StackAction::Update
        };
        (action, changes, respelled)
    }

    /// A stack that is deployed and not compiled, and what becomes of its resources.
    pub(super) fn leave(
        &mut self,
        part: Part,
        key: &StackKey,
        there: &DeployedStack,
        others: &[StackPlan],
        operation: Operation,
    ) -> Option<StackPlan> {
        if let State::Refused(refusal) =
            state::judge(key, there, &self.context.lake, operation, false)
        {
            self.refusals.push(refusal);
            return None;
        }
        let mut changes = Vec::new();
        for (id, definition) in there.resources() {
            if !self.departs(key, id) {
                changes.push(self.remove(key, there, id, definition, operation));
            }
        }
        let after = others.iter().filter(|other| other.action != StackAction::Keep);
        Some(StackPlan {
            key: key.clone(),
            part,
            action: StackAction::Delete,
            observed: there.observed(),
            template: Value::Null,
            before: there.template.clone(),
            imports: Vec::new(),
            parameters: BTreeMap::new(),
            tags: there.tags.clone().unwrap_or_default(),
            capabilities: Vec::new(),
            execution_role: self.context.execution_role.clone().or(there.execution_role.clone()),
            termination_protection: there.termination_protection,
            depends_on: after.map(|other| other.key.clone()).collect(),
            changes,
            respelled: Vec::new(),
            causes: BTreeMap::new(),
        })
    }
}
