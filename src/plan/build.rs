//! Planning, phase by phase.
//!
//! In: the compiled stacks, what is deployed, and the [`Context`]. Out: the [`Plan`]. Stack by stack
//! over the union of both: the state of the stack decides what can be done to it, its resources are
//! compared (`resource`), replacements spread (`spread`), and what that means for the outputs goes on
//! to the stacks behind it; then losses are judged (`consent`) and grants compared (`grants`).
//! INVARIANT: pure and linear; the order of the input changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::canonical::{Known, Scope, references};
use super::consent::Judgement;
use super::resource::{self, Verdict, kind_of, path_of};
use super::state::{self, State, refusal};
use super::{
    Action, Cause, Change, Consent, Deployed, DeployedStack, Effect, Kept, Operation, Plan,
    PropertyChange, Refusal, StackAction, StackPlan, Upload, deployed, grants, identity, spread,
};
use crate::catalogue::{self, resource_type};
use crate::cloud::{ImportTarget, StackStatus};
use crate::diagnostic::{LW0604, LW0605, LW0611, LW0612};
use crate::document::{Map, Value};
use crate::graph::Part;
use crate::lake::Origins;
use crate::names::{AccountId, LogicalId, Region};
use crate::source::Sources;
use crate::stacks::{Causes, Stack, StackKey};

/// What else a plan needs to know.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// [`crate::lake::Naming::lake_id`].
    pub lake: String,
    pub environment: String,
    pub account: AccountId,
    /// The lake's home region.
    pub region: Region,
    pub base_buckets: BTreeMap<Region, String>,
    /// Where spec paths stand; without it causes have no lines.
    pub places: Option<(&'a Origins, &'a Sources)>,
    /// The consents that were given, by name (`raw`) or path (`buckets.raw`).
    pub consents: Vec<Consent>,
    pub execution_role: Option<String>,
    pub uploads: Vec<Upload>,
    /// See [`crate::lake::Lake::opt_outs`].
    pub opt_outs: Vec<crate::lake::OptOut>,
    pub warnings: Vec<String>,
}

impl<'a> Context<'a> {
    /// A context with nothing but the names.
    pub fn new(lake: &str, environment: &str, account: AccountId, region: Region) -> Self {
        Context {
            lake: lake.to_owned(),
            environment: environment.to_owned(),
            account,
            region,
            base_buckets: BTreeMap::new(),
            places: None,
            consents: Vec::new(),
            execution_role: None,
            uploads: Vec::new(),
            opt_outs: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// A spec path with its file and line.
    pub fn cause(&self, path: &str) -> Cause {
        let place = self.places.and_then(|(origins, sources)| {
            let span = origins.find(path)?;
            Some((sources.get(span.file).name.clone(), sources.start(span).line))
        });
        let (file, line) = place.unzip();
        Cause { path: path.to_owned(), file, line }
    }
}

/// Plans what makes `deployed` into `desired`.
pub fn plan(desired: Vec<Stack>, deployed: &Deployed, context: &Context) -> Plan {
    let desired = in_order(desired);
    let wanted: BTreeSet<StackKey> = desired.iter().map(|stack| stack.key.clone()).collect();
    let grants = grants::compare(
        deployed.stacks.iter().map(|(_, stack)| &stack.template),
        desired.iter().map(|stack| &stack.template),
        context,
    );
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
    work.scripts(&mut stacks);
    let Work { mut judgement, mut refusals, mut warnings, .. } = work;
    refusals.append(&mut judgement.refusals);
    if refusals.is_empty() {
        warnings.extend(unused(context, &judgement.consents));
    }
    let mut plan = Plan {
        format_version: super::file::VERSION,
        operation: Operation::Apply,
        lake: context.lake.clone(),
        environment: context.environment.clone(),
        account: context.account.clone(),
        region: context.region.clone(),
        base_buckets: context.base_buckets.clone(),
        stacks,
        uploads: context.uploads.clone(),
        access: grants,
        opt_outs: opt_outs(context),
        warnings,
        consents: judgement.consents,
        refusals,
    };
    if plan.is_empty() {
        plan.uploads.clear();
    }
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
                let causes = Causes { path: path_of(definition).to_owned(), properties: vec![] };
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

pub(super) fn opt_outs(context: &Context) -> Vec<String> {
    let line = |out: &crate::lake::OptOut| {
        let cause = context.cause(&out.path);
        match (&cause.file, cause.line) {
            (Some(file), Some(line)) => format!("{} ({file}:{line})", out.what),
            _ => format!("{} ({})", out.what, out.path),
        }
    };
    context.opt_outs.iter().map(line).collect()
}

/// Consents that were given and that nothing needs.
pub(super) fn unused(context: &Context, used: &[Consent]) -> Vec<String> {
    let same = |given: &Consent, used: &Consent| match (given, used) {
        (Consent::Destroy(name), Consent::Destroy(path))
        | (Consent::Empty(name), Consent::Empty(path)) => {
            name == path || *name == super::name_of(path)
        }
        _ => false,
    };
    let idle = context.consents.iter().filter(|given| !used.iter().any(|used| same(given, used)));
    idle.map(|given| match given {
        Consent::Destroy(name) => {
            format!(
                "--allow-destroy {name} allows nothing: nothing of that name is deleted or replaced"
            )
        }
        Consent::Empty(name) => {
            format!(
                "--empty {name} empties nothing: no bucket of that name with objects is deleted"
            )
        }
    })
    .collect()
}

/// What a consumer of an output has to know of it.
#[derive(Debug, Clone)]
enum Given {
    Text(String),
    /// Not known, and not going to be another one.
    Same,
    Later {
        certain: bool,
    },
}

/// Planning in progress.
pub(super) struct Work<'a> {
    pub context: &'a Context<'a>,
    pub deployed: &'a Deployed,
    /// What earlier stacks let go, and what stacks that are about to be deleted to the end will.
    kept: Vec<Kept>,
    /// Resources that the spec has in another stack than the cloud: (new stack, id) to old stack.
    arriving: HashMap<(StackKey, String), StackKey>,
    /// The same seen from the old stack.
    departing: HashMap<StackKey, BTreeSet<String>>,
    outputs: HashMap<StackKey, BTreeMap<String, Given>>,
    /// Names of what leaves: (region, kind, name) to the logical id.
    names: HashMap<(Region, String, String), LogicalId>,
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
            template: if action == StackAction::Keep { Value::Null } else { stack.template },
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
        spread::spread(old, new, &mut verdicts);
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

    /// A resource that is not in the deployed stack: made, taken back, or moved here.
    fn add(&mut self, stack: &Stack, id: &str, definition: &Value) -> Change {
        let logical_id = LogicalId::new(id).expect("invariant: logical ids of templates are valid");
        let cause = self.cause(stack, id, None);
        let mut change = Change {
            logical_id,
            kind: kind_of(definition).to_owned(),
            physical_id: None,
            action: Action::Create,
            certain: true,
            data: resource::holds_data(definition),
            cause,
            kept: false,
            properties: Vec::new(),
            notes: Vec::new(),
        };
        let home = self.arriving.get(&(stack.key.clone(), id.to_owned())).cloned();
        if let Some(home) = home {
            change.action = Action::Move;
            change.physical_id = self.deployed.stacks[&home].physical_ids.get(id).cloned();
            change.notes.push(format!("it is in the stack {home} now"));
            self.refusals.push(Refusal {
                cause: Some(change.cause.clone()),
                ..refusal(
                    LW0612,
                    format!("{} {id} would move from the stack {home} to {}", change.kind, stack.key),
                    vec![
                        "lakewright never moves what is deployed: plan against the deployed stacks, \
                         so that it stays where it is"
                            .into(),
                    ],
                )
            });
        } else if let Some(kept) = self.kept(&stack.key.region, id, definition) {
            let values: Vec<&str> = kept.identifier.values().map(String::as_str).collect();
            change.physical_id = Some(values.join("|"));
            if importable(&kept.kind) {
                change.action = Action::Import;
            } else {
                change.action = Action::Blocked;
                change.notes.push(
                    "it exists, and CloudFormation can't take resources of this type in".into(),
                );
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0611,
                        format!(
                            "{} {} exists and can't be taken back",
                            kept.kind,
                            values.join("|")
                        ),
                        vec!["delete it, or give the new one another name".into()],
                    )
                });
            }
        }
        change
    }

    /// A stack whose deletion stopped half-way goes on to its end: what it keeps can be taken back,
    /// what it holds and does not keep is lost.
    fn half_gone(&mut self, key: &StackKey, there: &DeployedStack) {
        self.kept.extend(identity::let_go(key, there));
        for (id, definition) in there.resources() {
            if resource::kept_on_deletion(definition) {
                continue;
            }
            let change = self.leaving(there, id, definition, Operation::Apply);
            let filled = self.filled(&change);
            self.judgement.judge(self.context, Operation::Apply, &change, false, filled);
        }
    }

    /// What an earlier stack left behind that this resource is.
    fn kept(&self, region: &Region, id: &str, definition: &Value) -> Option<Kept> {
        let kind = kind_of(definition);
        let fits = |kept: &&Kept| {
            kept.region == *region
                && kept.logical_id.as_str() == id
                && kept.kind == kind
                && kept.identifier.iter().all(|(property, value)| {
                    identity::given(definition, property).is_none_or(|given| given == value)
                })
        };
        self.kept.iter().find(fits).cloned()
    }

    fn imports(&self, stack: &Stack, changes: &[Change]) -> Vec<ImportTarget> {
        let taken = changes.iter().filter(|change| change.action == Action::Import);
        taken
            .filter_map(|change| {
                let definition = stack.template.at(&["Resources", change.logical_id.as_str()])?;
                let kept = self.kept(&stack.key.region, change.logical_id.as_str(), definition)?;
                Some(ImportTarget {
                    logical_id: change.logical_id.clone(),
                    kind: kept.kind,
                    identifier: kept.identifier,
                })
            })
            .collect()
    }

    /// A resource that is in both templates and differs.
    fn modify(
        &mut self,
        stack: &Stack,
        there: &DeployedStack,
        id: &str,
        (old, new): (&Value, &Value),
        verdict: Verdict,
    ) -> Change {
        let logical_id = LogicalId::new(id).expect("invariant: logical ids of templates are valid");
        let (action, certain, fixed) = resource::action(&verdict.properties, old, new);
        let data = resource::holds_data(old) || resource::holds_data(new);
        let mut change = Change {
            physical_id: physical_id(there, &logical_id, old),
            logical_id,
            kind: kind_of(new).to_owned(),
            action,
            certain,
            data,
            cause: self.cause(stack, id, None),
            kept: matches!(action, Action::Replace | Action::MayReplace)
                && resource::kept_on_replacement(new),
            properties: Vec::new(),
            notes: Vec::new(),
        };
        let generation = generation(&change, old);
        match (action, &fixed) {
            (Action::Blocked, Some(name)) => {
                change.notes.push(format!(
                    "a replacement can't have the name `{name}` while the old one has it"
                ));
                change.notes.extend(generation.iter().map(|way| format!("way out: {way}")));
                change.notes.push("way out: remove it, apply, add it again, apply".into());
                let mut help: Vec<String> = generation.into_iter().collect();
                help.push("remove it, apply, add it again with the change, and apply".into());
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0604,
                        format!(
                            "{} {id} has the fixed name `{name}` and would have to be replaced",
                            change.kind
                        ),
                        help,
                    )
                });
            }
            (Action::Blocked, None) => {
                change.notes.extend(verdict.reasons.iter().cloned());
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0605,
                        format!("CloudFormation fails on this change of {} {id}", change.kind),
                        verdict
                            .reasons
                            .iter()
                            .cloned()
                            .chain(generation)
                            .chain(["remove it, apply, and add it again".to_owned()])
                            .collect(),
                    )
                });
            }
            (Action::MayReplace, Some(name)) => change.notes.push(format!(
                "if it has to be replaced, the update fails: the name `{name}` stays taken"
            )),
            _ => {}
        }
        if change.kept {
            change.notes.push("the old one stays in the account".into());
        }
        if data && resource::kept_on_deletion(old) && !resource::kept_on_deletion(new) {
            let name = super::name_of(&change.cause.path);
            change
                .notes
                .push(format!("after this, `--allow-destroy {name}` is all it takes to delete it"));
        }
        change.properties = verdict
            .properties
            .into_iter()
            .map(|property| PropertyChange {
                cause: self.cause(stack, id, Some(&property.path)),
                known_after_apply: property.later.is_some(),
                path: property.path,
                before: property.before,
                after: property.after,
                effect: property.effect,
            })
            .collect();
        let protected = resource::kept_on_deletion(old);
        let filled = self.filled(&change);
        self.judgement.judge(self.context, Operation::Apply, &change, protected, filled);
        change
    }

    /// A resource that leaves its stack, before anything is judged.
    fn leaving(
        &self,
        there: &DeployedStack,
        id: &str,
        old: &Value,
        operation: Operation,
    ) -> Change {
        let logical_id = LogicalId::new(id).expect("invariant: logical ids of templates are valid");
        let kept = resource::kept_on_deletion(old);
        let path = path_of(old);
        // What left the spec has no line; on the way to nothing the spec still has it.
        let cause = match operation {
            Operation::Destroy => self.context.cause(path),
            Operation::Apply => Cause { path: path.to_owned(), file: None, line: None },
        };
        Change {
            kind: kind_of(old).to_owned(),
            physical_id: physical_id(there, &logical_id, old),
            action: if kept { Action::Retain } else { Action::Delete },
            certain: true,
            data: resource::holds_data(old),
            cause,
            kept,
            properties: Vec::new(),
            notes: Vec::new(),
            logical_id,
        }
    }

    /// A resource that leaves its stack.
    fn remove(
        &mut self,
        key: &StackKey,
        there: &DeployedStack,
        id: &str,
        old: &Value,
        operation: Operation,
    ) -> Change {
        let mut change = self.leaving(there, id, old, operation);
        if change.kept {
            change.notes.extend(super::destroy::how_to_delete(key, there, &change, old));
        }
        if let Some(name) = name_of_resource(old) {
            let taken = (key.region.clone(), change.kind.clone(), name);
            self.names.insert(taken, change.logical_id.clone());
        }
        let filled = self.filled(&change);
        self.judgement.judge(self.context, operation, &change, change.kept, filled);
        change
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
            imports: Vec::new(),
            parameters: BTreeMap::new(),
            tags: there.tags.clone().unwrap_or_default(),
            capabilities: Vec::new(),
            execution_role: self.context.execution_role.clone().or(there.execution_role.clone()),
            termination_protection: there.termination_protection,
            depends_on: after.map(|other| other.key.clone()).collect(),
            changes,
            respelled: Vec::new(),
        })
    }

    fn filled(&self, change: &Change) -> Option<super::Filled> {
        if change.kind != "AWS::S3::Bucket" {
            return None;
        }
        self.deployed.filled.get(change.physical_id.as_deref()?).copied()
    }

    /// Where a resource, or a property of it, comes from.
    fn cause(&self, stack: &Stack, id: &str, path: Option<&[String]>) -> Cause {
        let Some(causes) = stack.causes.get(id) else {
            let definition = stack.template.at(&["Resources", id]);
            return self.context.cause(definition.map_or("", path_of));
        };
        let property = path.and_then(|path| {
            let joined = path.join(".");
            let covers = |known: &str| {
                joined
                    .strip_prefix(known)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let fitting = causes.properties.iter().filter(|(property, _)| covers(property));
            fitting.max_by_key(|(property, _)| property.len()).map(|(_, path)| path.as_str())
        });
        self.context.cause(property.unwrap_or(&causes.path))
    }

    /// What the parameters of the deployed and of the new template stand for.
    fn scopes(&self, stack: &Stack, there: &DeployedStack) -> (Scope, Scope) {
        let region = stack.key.region.as_str();
        let partition = catalogue::partition_of(region).name;
        let mut values = BTreeMap::new();
        let texts = [
            ("AWS::Region", region),
            ("AWS::AccountId", self.context.account.as_str()),
            ("AWS::Partition", partition),
        ];
        for (name, text) in texts {
            values.insert(name.to_owned(), Known::Text(text.to_owned()));
        }
        let (mut before, mut after) = (values.clone(), values);
        for (name, value) in &there.parameters {
            before.insert(name.clone(), Known::Text(value.clone()));
        }
        for (name, output) in &stack.parameters {
            let given = self.outputs.get(&output.stack).and_then(|all| all.get(&output.output));
            let known = match given {
                Some(Given::Text(text)) => Some(Known::Text(text.clone())),
                Some(Given::Later { certain }) => Some(Known::Later { certain: *certain }),
                Some(Given::Same) | None => before.get(name).cloned(),
            };
            after.extend(known.map(|known| (name.clone(), known)));
        }
        // A parameter that nothing gives keeps its value.
        for (name, value) in &there.parameters {
            if !stack.parameters.contains_key(name) {
                after.entry(name.clone()).or_insert_with(|| Known::Text(value.clone()));
            }
        }
        (Scope { values: before, partition }, Scope { values: after, partition })
    }

    /// What this stack's outputs will be for the stacks behind it.
    fn outputs_of(
        &mut self,
        stack: &Stack,
        there: &DeployedStack,
        verdicts: &BTreeMap<String, Verdict>,
        old: &Map,
        new: &Map,
        scope: &Scope,
    ) {
        let mut outputs = BTreeMap::new();
        let all = stack.template.get("Outputs").and_then(Value::as_map);
        for (name, output) in all.into_iter().flat_map(Map::iter) {
            let value = output.get("Value").unwrap_or(&Value::Null);
            let mut fate: Option<bool> = None;
            let mut fresh = false;
            references(value, &mut |id, _| {
                if let Some(verdict) = verdicts.get(id) {
                    fate = fate.max(spread::fate(id, verdict, old, new));
                }
                fresh |= new.get(id).is_some() && old.get(id).is_none();
            });
            let known = there.template.at(&["Outputs", name, "Value"]) == Some(value);
            let given = match (fate, there.outputs.get(name)) {
                (Some(certain), _) => Given::Later { certain },
                (None, _) if fresh => Given::Later { certain: true },
                (None, Some(text)) if known => Given::Text(text.clone()),
                (None, None) if known => Given::Same,
                (None, _) => match super::canonical::canonical(value, scope) {
                    Some(Value::Str(text)) => Given::Text(text.into_owned()),
                    _ => Given::Later { certain: false },
                },
            };
            outputs.insert(name.to_owned(), given);
        }
        self.outputs.insert(stack.key.clone(), outputs);
    }

    /// Tags of the stack that differ: name, before, after.
    fn tags(
        &self,
        stack: &Stack,
        there: &DeployedStack,
    ) -> Vec<(String, Option<String>, Option<String>)> {
        let Some(old) = &there.tags else { return Vec::new() };
        if *old == stack.tags {
            return Vec::new();
        }
        let names: BTreeSet<&String> = old.keys().chain(stack.tags.keys()).collect();
        names
            .into_iter()
            .map(|name| (name.clone(), old.get(name).cloned(), stack.tags.get(name).cloned()))
            .filter(|(_, before, after)| before != after)
            .collect()
    }

    /// Resources that are made under a name that another one has until the plan has ended.
    fn taken_names(&mut self, stacks: &mut [StackPlan]) {
        if self.names.is_empty() {
            return;
        }
        for stack in stacks {
            let template = &stack.template;
            for change in stack.changes.iter_mut().filter(|one| one.action == Action::Create) {
                let id = change.logical_id.as_str();
                let Some(name) = template.at(&["Resources", id]).and_then(name_of_resource) else {
                    continue;
                };
                let key = (stack.key.region.clone(), change.kind.clone(), name);
                let Some(holder) = self.names.get(&key) else { continue };
                change.action = Action::Blocked;
                change
                    .notes
                    .push(format!("{holder} has the name `{}` until the plan has ended", key.2));
                self.refusals.push(Refusal {
                    cause: Some(change.cause.clone()),
                    ..refusal(
                        LW0611,
                        format!(
                            "{} {id} would get the name `{}`, which {holder} has",
                            key.1, key.2
                        ),
                        vec![
                            "take two steps: remove the old one and apply, then add the new one"
                                .into(),
                            "or give the new one another name".into(),
                        ],
                    )
                });
            }
        }
    }

    /// Says of changes that come from a script which file it is.
    fn scripts(&self, stacks: &mut [StackPlan]) {
        if self.context.uploads.is_empty() {
            return;
        }
        for change in stacks.iter_mut().flat_map(|stack| stack.changes.iter_mut()) {
            let texts = change.properties.iter().filter_map(|one| one.after.as_ref()?.as_str());
            let uploads: BTreeSet<&str> = texts
                .flat_map(|text| {
                    let ours = self.context.uploads.iter();
                    ours.filter(|upload| text.ends_with(&upload.key)).map(|one| one.path.as_str())
                })
                .collect();
            change.notes.extend(uploads.into_iter().map(|path| format!("{path} has changed")));
        }
    }
}

/// Parameters whose value differs.
fn moved(before: &Scope, after: &Scope) -> BTreeSet<String> {
    let changed =
        after.values.iter().filter(|(name, value)| before.values.get(*name) != Some(value));
    changed.map(|(name, _)| name.clone()).collect()
}

fn refers(definition: &Value, names: &BTreeSet<String>) -> bool {
    if names.is_empty() {
        return false;
    }
    let mut found = false;
    references(definition, &mut |id, attribute| found |= attribute == "Ref" && names.contains(id));
    found
}

/// What a change of the stack's tags means for a resource that takes them and has none of its own of
/// that name.
fn tagged(
    definition: &Value,
    tags: &[(String, Option<String>, Option<String>)],
) -> Vec<resource::Judged> {
    if tags.is_empty() {
        return Vec::new();
    }
    let kind = kind_of(definition);
    let Some(known) = resource_type(kind).and_then(|facts| facts.tags) else { return Vec::new() };
    let own = definition.at(&["Properties", known.property]);
    let has = |name: &str| match own {
        Some(Value::List(list)) => {
            list.iter().any(|tag| tag.get("Key").and_then(Value::as_str) == Some(name))
        }
        Some(Value::Map(map)) => map.get(name).is_some(),
        _ => false,
    };
    let effect = match resource::effect_at(kind, &[known.property.to_owned()]) {
        Effect::InPlace if known.updatable => Effect::InPlace,
        _ => Effect::MayReplace,
    };
    tags.iter()
        .filter(|(name, _, _)| !has(name))
        .map(|(name, before, after)| resource::Judged {
            path: vec!["@Tags".into(), name.clone()],
            before: before.clone().map(Value::from),
            after: after.clone().map(Value::from),
            later: None,
            effect,
        })
        .collect()
}

fn output_names(template: &Value) -> Vec<String> {
    let outputs = template.get("Outputs").and_then(Value::as_map);
    outputs.into_iter().flat_map(Map::iter).map(|(name, _)| name.to_owned()).collect()
}

fn is_empty(value: &Value) -> bool {
    value.as_map().is_some_and(Map::is_empty)
}

/// Whether an import can take a resource of the type in.
fn importable(kind: &str) -> bool {
    resource_type(kind).is_none_or(|facts| facts.can_read() && !facts.identifier.is_empty())
}

/// The name that a template gives to a resource, where it is a text.
pub(super) fn name_of_resource(definition: &Value) -> Option<String> {
    let facts = resource_type(kind_of(definition))?;
    let properties = definition.get("Properties")?;
    let (_, name) = facts.given_name(properties)?;
    let name = name.as_str()?;
    let inside = facts.within.iter().map(|place| {
        let path: Vec<&str> = place.split('/').collect();
        properties.at(&path).map_or_else(String::new, Value::to_json)
    });
    let inside: Vec<String> = inside.collect();
    Some(if inside.is_empty() {
        name.to_owned()
    } else {
        format!("{} in {}", name, inside.join(", "))
    })
}

fn physical_id(there: &DeployedStack, id: &LogicalId, definition: &Value) -> Option<String> {
    there.physical_ids.get(id).cloned().or_else(|| {
        let properties = definition.get("Properties")?;
        let (_, name) = resource_type(kind_of(definition))?.given_name(properties)?;
        name.as_str().map(str::to_owned)
    })
}

/// `generation: N` on the thing, where the spec has that key: the next after what the name ends in.
fn generation(change: &Change, old: &Value) -> Option<String> {
    let path = &change.cause.path;
    let (kind, _) = path.split_once('.')?;
    if !matches!(kind, "buckets" | "keys" | "sources") || !path.matches('.').count().eq(&1) {
        return None;
    }
    let name = name_of_resource(old).or(change.physical_id.clone()).unwrap_or_default();
    let number = name.rsplit_once('-').and_then(|(_, last)| last.parse::<u32>().ok());
    let next = number.filter(|number| (2..999).contains(number)).map_or(2, |number| number + 1);
    Some(format!("`generation: {next}` on {path} makes a new one under a new name"))
}
