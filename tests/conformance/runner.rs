//! Runs a conformance case against any [`Cloud`].
//!
//! A case is data (see `tests/conformance/README.md`): templates, calls, and what CloudFormation answers. The runner
//! knows nothing of the cloud but the trait; what only the sandbox can do (faults, tampering) goes through [`Bench`],
//! and a bench that can't do it says so. Every expectation that does not hold is an error that names the case and the
//! step.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lakewright::cloud::*;
use lakewright::document::Value;
use lakewright::names::{AccountId, Arn, BucketName, LogicalId, Region};

/// What a case runs on.
pub trait Bench {
    /// The cloud as the case sees it now.
    fn cloud(&self) -> &dyn Cloud;
    /// The region in which the case runs unless a step names another.
    fn region(&self) -> Region;
    /// Something that only the sandbox can do.
    fn special(&mut self, what: &str, step: &Value) -> Result<(), String>;
}

/// Whether a case uses what only the sandbox has.
pub fn sandbox_only(case: &Value) -> bool {
    let steps = case.get("steps").and_then(Value::as_list).unwrap_or(&[]);
    steps.iter().any(|step| step.get("sandbox").is_some())
}

/// Whether a case is meant for another implementation too.
pub fn also(case: &Value, whom: &str) -> bool {
    let list = case.get("also").and_then(Value::as_list).unwrap_or(&[]);
    list.iter().any(|name| name.as_str() == Some(whom))
}

type Done = Result<(), String>;

struct Run<'a> {
    bench: &'a mut dyn Bench,
    case: &'a Value,
    /// Change set ids by the name that the case gave them.
    sets: BTreeMap<String, String>,
    /// ETags by the name that the case gave them.
    etags: BTreeMap<String, String>,
    /// The stack ids that were seen, by stack name.
    ids: BTreeMap<String, String>,
    counter: usize,
}

/// Runs a case. The error says which step went wrong, and how.
pub fn run(case: &Value, bench: &mut dyn Bench) -> Done {
    let mut run = Run {
        bench,
        case,
        sets: BTreeMap::new(),
        etags: BTreeMap::new(),
        ids: BTreeMap::new(),
        counter: 0,
    };
    let steps = case.get("steps").and_then(Value::as_list);
    for (at, step) in steps.ok_or("the case has no steps")?.iter().enumerate() {
        run.step(step).map_err(|error| format!("step {} {}: {error}", at + 1, label(step)))?;
    }
    Ok(())
}

fn label(step: &Value) -> String {
    let call = step.get("call").or(step.get("sandbox"));
    call.and_then(Value::as_str).unwrap_or("?").to_owned()
}

fn text<'v>(step: &'v Value, key: &str) -> Result<&'v str, String> {
    optional(step, key).ok_or_else(|| format!("`{key}` is missing"))
}

fn optional<'v>(step: &'v Value, key: &str) -> Option<&'v str> {
    step.get(key).and_then(Value::as_str)
}

fn texts(step: &Value, key: &str) -> BTreeMap<String, String> {
    let map = step.get(key).and_then(Value::as_map);
    let pairs = map.into_iter().flat_map(|map| map.iter());
    pairs
        .map(|(key, value)| (key.to_owned(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn list(step: &Value, key: &str) -> Vec<String> {
    let items = step.get(key).and_then(Value::as_list).unwrap_or(&[]);
    let texts = items.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// The variant's name, as cases write it.
fn error_kind(error: &CloudError) -> &'static str {
    match error {
        CloudError::Credentials(_) => "Credentials",
        CloudError::AccessDenied(_) => "AccessDenied",
        CloudError::NotFound(_) => "NotFound",
        CloudError::AlreadyExists(_) => "AlreadyExists",
        CloudError::Refused(_) => "Refused",
        CloudError::InProgress(_) => "InProgress",
        CloudError::Capability(_) => "Capability",
        CloudError::Limit(_) => "Limit",
        CloudError::PreconditionFailed(_) => "PreconditionFailed",
        CloudError::Throttled(_) => "Throttled",
        CloudError::NoAnswer(_) => "NoAnswer",
        CloudError::Other { .. } => "Other",
    }
}

/// Compares a call's outcome with the refusal that the step expects, if it does. `None`: it was refused as expected.
fn settled<T>(step: &Value, result: Result<T, CloudError>) -> Result<Option<T>, String> {
    let Some(wanted) = step.get("refused") else {
        return result.map(Some).map_err(|error| format!("{}: {error}", error_kind(&error)));
    };
    match result {
        Ok(_) => Err(format!("should have been refused: {wanted}")),
        Err(error) => {
            let (kind, said) = (error_kind(&error), error.to_string());
            if let Some(want) = optional(wanted, "error")
                && want != kind
            {
                return Err(format!("refused with {kind} ({said}), not {want}"));
            }
            includes("refusal", &said, optional(wanted, "text")).map(|()| None)
        }
    }
}

fn includes(what: &str, said: &str, wanted: Option<&str>) -> Done {
    match wanted {
        Some(wanted) if !said.contains(wanted) => {
            Err(format!("{what} is `{said}`, without `{wanted}`"))
        }
        _ => Ok(()),
    }
}

fn equals(what: &str, got: Option<&str>, wanted: Option<&str>) -> Done {
    match wanted {
        Some(wanted) if got != Some(wanted) => Err(format!("{what} is {got:?}, not `{wanted}`")),
        _ => Ok(()),
    }
}

/// Whether everything in `wanted` is in `got`.
fn within(path: &str, wanted: &Value, got: Option<&Value>) -> Done {
    match (wanted, got) {
        (Value::Map(wanted), Some(Value::Map(got))) => wanted
            .iter()
            .try_for_each(|(key, value)| within(&format!("{path}/{key}"), value, got.get(key))),
        (Value::List(wanted), Some(Value::List(got))) if wanted.len() == got.len() => {
            wanted.iter().zip(got).enumerate().try_for_each(|(at, (wanted, got))| {
                within(&format!("{path}/{at}"), wanted, Some(got))
            })
        }
        (Value::Null, None) => Ok(()),
        (wanted, Some(got)) if wanted == got => Ok(()),
        (wanted, got) => {
            Err(format!("{path} is {}, not {wanted}", got.map_or("absent".into(), Value::to_json)))
        }
    }
}

impl Run<'_> {
    fn step(&mut self, step: &Value) -> Done {
        self.counter += 1;
        if let Some(what) = optional(step, "sandbox") {
            let step = self.filled(step)?;
            return self.bench.special(what, &step);
        }
        let step = &self.filled(step)?;
        match text(step, "call")? {
            "CreateChangeSet" => self.create_change_set(step).map(|_| ()),
            "DescribeChangeSet" => self.described(step, &self.set(step)?),
            "ExecuteChangeSet" => self.execute(step),
            "Deploy" => self.deploy(step),
            "DeleteChangeSet" => {
                let (region, set) = (self.region(step)?, self.set(step)?);
                settled(step, self.bench.cloud().delete_change_set(&region, &set)).map(|_| ())
            }
            "DeleteStack" => self.delete_stack(step),
            "ContinueUpdateRollback" => {
                let skip = logical_ids(step, "skip")?;
                self.operate(step, |cloud, at, token| {
                    cloud.continue_update_rollback(at, &skip, token)
                })
            }
            "RollbackStack" => {
                self.operate(step, |cloud, at, token| cloud.rollback_stack(at, token))
            }
            "UpdateTerminationProtection" => {
                let on = step.get("on").and_then(Value::as_bool).unwrap_or(true);
                let at = self.address(step)?;
                let done = self.bench.cloud().set_termination_protection(&at, on);
                settled(step, done).map(|_| ())
            }
            "DescribeStacks" => self.describe_stack(step),
            "ListStacks" => self.list_stacks(step),
            "ListStackResources" => self.resources(step),
            "DescribeStackEvents" => {
                let at = self.address(step)?;
                let events = settled(step, self.bench.cloud().events(&at, None))?;
                events.map_or(Ok(()), |events| told(step, &events))
            }
            "GetTemplate" => self.template(step),
            "DetectStackDrift" => self.drift(step),
            "GetResource" => self.read(step),
            "PutObject" => self.put_object(step),
            "GetObject" => self.get_object(step),
            "DeleteObject" => {
                let at = self.object(step)?;
                settled(step, self.bench.cloud().delete_object(&at)).map(|_| ())
            }
            "ListObjectVersions" => self.versions(step),
            "DeleteObjects" => self.delete_versions(step),
            "GetDataLakeSettings" => {
                let region = self.region(step)?;
                let found = settled(step, self.bench.cloud().lake_formation_settings(&region))?;
                let admins = found.map(|settings| settings.admins).unwrap_or_default();
                match list(step, "admins") == admins {
                    true => Ok(()),
                    false => Err(format!("the administrators are {admins:?}")),
                }
            }
            other => Err(format!("there is no call `{other}`")),
        }
    }

    /// The step with `{stack.Resource}` replaced by physical ids, `{stack}` by the stack's id, `{account}`,
    /// `{region}` likewise.
    fn filled(&self, step: &Value) -> Result<Value, String> {
        Ok(match step {
            Value::Str(text) if text.contains('{') => self.fill(text)?.into(),
            Value::List(items) => {
                let items: Result<Vec<Value>, String> =
                    items.iter().map(|item| self.filled(item)).collect();
                Value::List(items?)
            }
            Value::Map(map) => {
                let mut filled = lakewright::document::Map::new();
                for (key, value) in map.iter() {
                    filled.insert(key.to_owned(), self.filled(value)?);
                }
                Value::Map(filled)
            }
            other => other.clone(),
        })
    }

    fn fill(&self, text: &str) -> Result<String, String> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            whole.push_str(before);
            whole.push_str(&self.lookup(name)?);
            rest = after;
        }
        whole.push_str(rest);
        Ok(whole)
    }

    fn lookup(&self, name: &str) -> Result<String, String> {
        let region = self.bench.region();
        match name {
            "account" => return Ok(self.account()?.to_string()),
            "region" => return Ok(region.to_string()),
            _ => {}
        }
        if let Some(id) = self.ids.get(name) {
            return Ok(id.clone());
        }
        let Some((stack, id)) = name.split_once('.') else {
            return Ok(format!("{{{name}}}"));
        };
        let at = StackAddress::new(&region, stack);
        let resources = self.bench.cloud().stack_resources(&at);
        let resources = resources.map_err(|error| error.to_string())?;
        let found = resources.into_iter().find(|one| one.logical_id.as_str() == id);
        found
            .map(|found| found.physical_id)
            .ok_or_else(|| format!("the stack {stack} has no resource {id}"))
    }

    fn account(&self) -> Result<AccountId, String> {
        let caller = self.bench.cloud().caller().map_err(|error| error.to_string())?;
        Ok(caller.account)
    }

    fn region(&self, step: &Value) -> Result<Region, String> {
        match optional(step, "region") {
            Some(region) => Region::new(region),
            None => Ok(self.bench.region()),
        }
    }

    fn address(&self, step: &Value) -> Result<StackAddress, String> {
        Ok(StackAddress::new(&self.region(step)?, optional(step, "stack").unwrap_or("conformance")))
    }

    fn token(&self, step: &Value) -> String {
        let made = || format!("token-{}", self.counter);
        optional(step, "token").map_or_else(made, str::to_owned)
    }

    fn set(&self, step: &Value) -> Result<String, String> {
        let name = text(step, "set")?;
        Ok(self.sets.get(name).cloned().unwrap_or_else(|| name.to_owned()))
    }

    /// The template that a step names: one of the case's, or one of many like resources.
    fn template_text(&self, step: &Value) -> Result<String, String> {
        if let Some(raw) = optional(step, "raw") {
            return Ok(raw.to_owned());
        }
        if let Some(count) = step.get("resources").and_then(Value::as_int) {
            let mut resources = lakewright::document::Map::new();
            for at in 0..count {
                resources.insert(
                    format!("Topic{at:04}"),
                    lakewright::document!({"Type": "AWS::SNS::Topic"}),
                );
            }
            let template = lakewright::document!({"Resources": (Value::Map(resources))});
            return Ok(template.to_json());
        }
        let name = optional(step, "template").unwrap_or("one");
        let template = self.case.at(&["templates", name]);
        let template = template.ok_or_else(|| format!("the case has no template `{name}`"))?;
        let mut body = self.filled_template(template)?;
        if let Some(size) = step.get("pad").and_then(Value::as_int)
            && let Value::Map(map) = &mut body
        {
            let bare = Value::Map(map.clone()).to_json().len();
            let filler = usize::try_from(size).unwrap_or(0).saturating_sub(bare + 22);
            map.insert("Metadata", lakewright::document!({"Pad": ("x".repeat(filler))}));
        }
        Ok(body.to_json())
    }

    /// `{account}` and `{region}` in a template; `${...}` is CloudFormation's own.
    fn filled_template(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Str(text) => {
                let account = self.account()?;
                let region = self.bench.region();
                let text = text.replace("{account}", account.as_str());
                text.replace("{region}", region.as_str()).into()
            }
            Value::List(items) => {
                let items: Result<Vec<Value>, String> =
                    items.iter().map(|item| self.filled_template(item)).collect();
                Value::List(items?)
            }
            Value::Map(map) => {
                let mut filled = lakewright::document::Map::new();
                for (key, value) in map.iter() {
                    filled.insert(key.to_owned(), self.filled_template(value)?);
                }
                Value::Map(filled)
            }
            other => other.clone(),
        })
    }

    fn request(&self, step: &Value, name: &str) -> Result<ChangeSetRequest, String> {
        let at = self.address(step)?;
        let kind = match optional(step, "kind") {
            Some("IMPORT") => ChangeSetKind::Import,
            Some("UPDATE") => ChangeSetKind::Update,
            Some("CREATE") => ChangeSetKind::Create,
            Some(other) => return Err(format!("there is no change set type `{other}`")),
            None => match self.bench.cloud().describe_stack(&at) {
                Ok(Some(stack)) if stack.status != StackStatus::ReviewInProgress => {
                    ChangeSetKind::Update
                }
                _ => ChangeSetKind::Create,
            },
        };
        let template = match step.get("object") {
            Some(object) => TemplateSource::Object(self.object(object)?),
            None => TemplateSource::Inline(self.template_text(step)?),
        };
        let imports = step.get("imports").and_then(Value::as_list).unwrap_or(&[]);
        let imports: Result<Vec<ImportTarget>, String> = imports
            .iter()
            .map(|target| {
                Ok(ImportTarget {
                    logical_id: LogicalId::new(text(target, "id")?)?,
                    kind: text(target, "type")?.to_owned(),
                    identifier: texts(target, "identifier"),
                })
            })
            .collect();
        let role = optional(step, "role").map(Arn::new).transpose()?;
        Ok(ChangeSetRequest {
            stack: at,
            name: name.to_owned(),
            kind,
            template,
            parameters: texts(step, "parameters"),
            tags: texts(step, "tags"),
            capabilities: match step.get("capabilities") {
                Some(_) => list(step, "capabilities"),
                None => vec!["CAPABILITY_NAMED_IAM".into()],
            },
            execution_role: role,
            imports: imports?,
            token: self.token(step),
        })
    }

    /// Creates a change set and waits for it. `None`: it was refused as expected.
    fn create_change_set(&mut self, step: &Value) -> Result<Option<String>, String> {
        let made = format!("set-{}", self.counter);
        let name = optional(step, "name").map_or(made, str::to_owned);
        let request = self.request(step, &name)?;
        let id = settled(step, self.bench.cloud().create_change_set(&request))?;
        let Some(id) = id else {
            return Ok(None);
        };
        if let Some(same) = optional(step, "same_as") {
            equals("the change set", Some(&id), self.sets.get(same).map(String::as_str))?;
        }
        let known = optional(step, "as").unwrap_or(&name);
        self.sets.insert(known.to_owned(), id.clone());
        self.described(step, &id)?;
        Ok(Some(id))
    }

    /// What DescribeChangeSet says, once it is made.
    fn described(&self, step: &Value, id: &str) -> Done {
        let region = self.region(step)?;
        let end = Instant::now() + PATIENCE;
        let set = loop {
            let result = self.bench.cloud().describe_change_set(&region, id);
            let refused = match step.get("call").and_then(Value::as_str) {
                Some("DescribeChangeSet") => settled(step, result)?,
                _ => Some(result.map_err(|error| error.to_string())?),
            };
            let Some(set) = refused else {
                return Ok(());
            };
            let busy = matches!(
                set.status,
                ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress
            );
            if !busy || Instant::now() > end {
                break set;
            }
            std::thread::sleep(PAUSE);
        };
        let status = optional(step, "set_status");
        let reason = set.reason.clone().unwrap_or_default();
        if status.is_none() && step.get("refused").is_none() && !set.ready() {
            let deploys = optional(step, "call") == Some("Deploy");
            if deploys {
                return Err(format!("the change set is {}: {reason}", set.status));
            }
        }
        equals("the change set", Some(set.status.as_str()), status)
            .map_err(|error| format!("{error} ({reason})"))?;
        equals("its execution status", Some(set.execution.as_str()), optional(step, "execution"))?;
        includes("its reason", &reason, optional(step, "set_reason"))?;
        let Some(wanted) = step.get("changes").and_then(Value::as_list) else {
            return Ok(());
        };
        let got: Vec<&str> = set.changes.iter().map(|it| it.logical_id.as_str()).collect();
        if wanted.len() != set.changes.len() {
            return Err(format!("{} changes, not {}: {got:?}", got.len(), wanted.len()));
        }
        for wanted in wanted {
            let id = text(wanted, "id")?;
            let change = set.changes.iter().find(|it| it.logical_id.as_str() == id);
            let change = change.ok_or_else(|| format!("no change of {id}: {got:?}"))?;
            let change = serde_json::to_string(change).map_err(|error| error.to_string())?;
            let change = Value::from_json(&change).map_err(|error| error.to_string())?;
            changed(id, wanted, &change)?;
        }
        Ok(())
    }

    fn execute(&mut self, step: &Value) -> Done {
        let set = self.set(step)?;
        let region = self.region(step)?;
        let at = self.address(step)?;
        let seen = self.seen(&at);
        let token = self.token(step);
        let done = self.bench.cloud().execute_change_set(&region, &set, &token);
        match settled(step, done)? {
            None => Ok(()),
            Some(()) => self.outcome(step, &at, seen),
        }
    }

    /// A change set, created and executed.
    fn deploy(&mut self, step: &Value) -> Done {
        let at = self.address(step)?;
        let seen = self.seen(&at);
        let Some(set) = self.create_change_set(step)? else {
            return Ok(());
        };
        let region = self.region(step)?;
        let token = self.token(step);
        let done = self.bench.cloud().execute_change_set(&region, &set, &token);
        done.map_err(|error| format!("execute: {error}"))?;
        self.outcome(step, &at, seen)
    }

    fn delete_stack(&mut self, step: &Value) -> Done {
        let retain = logical_ids(step, "retain")?;
        let role = optional(step, "role").map(Arn::new).transpose()?;
        self.operate(step, |cloud, at, token| cloud.delete_stack(at, &retain, role.as_ref(), token))
    }

    fn operate(
        &mut self,
        step: &Value,
        call: impl Fn(&dyn Cloud, &StackAddress, &str) -> Result<(), CloudError>,
    ) -> Done {
        let at = self.address(step)?;
        // By name a deleted stack is gone, so it is followed by its id.
        let found = self.bench.cloud().describe_stack(&at);
        let found = found.map_err(|error| error.to_string())?;
        let followed = match found {
            Some(stack) => StackAddress::new(&at.region, stack.id),
            None => at.clone(),
        };
        let seen = self.seen(&followed);
        let done = call(self.bench.cloud(), &at, &self.token(step));
        match settled(step, done)? {
            None => Ok(()),
            Some(()) => self.outcome(step, &followed, seen),
        }
    }

    /// The last event so far.
    fn seen(&self, at: &StackAddress) -> Option<String> {
        let events = self.bench.cloud().events(at, None).ok()?;
        events.last().map(|event| event.id.clone())
    }

    /// Waits for the operation and compares how it ended, and what was told on the way.
    fn outcome(&mut self, step: &Value, at: &StackAddress, seen: Option<String>) -> Done {
        if step.get("pending").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let end = Instant::now() + PATIENCE;
        let stack = loop {
            let stack = self.bench.cloud().describe_stack(at);
            let stack = stack.map_err(|error| error.to_string())?;
            let busy = stack.as_ref().is_some_and(|stack| stack.status.in_progress());
            if !busy || Instant::now() > end {
                break stack;
            }
            std::thread::sleep(PAUSE);
        };
        let Some(stack) = stack else {
            return match optional(step, "status") {
                None | Some("DELETE_COMPLETE") => Ok(()),
                Some(wanted) => Err(format!("there is no stack, but it should be {wanted}")),
            };
        };
        self.ids.insert(stack.name.to_string(), stack.id.clone());
        let by_id = StackAddress::new(&at.region, stack.id.clone());
        let events = self.bench.cloud().events(&by_id, seen.as_deref());
        let events = events.map_err(|error| error.to_string())?;
        let story = || {
            let lines = events.iter().map(|event| {
                let reason = event.reason.as_deref().unwrap_or_default();
                format!("    {} {} {reason}", event.logical_id, event.status)
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let wanted = optional(step, "status");
        let default = stack.status.succeeded();
        if wanted.is_none() && !default {
            return Err(format!("the stack is {}:\n{}", stack.status, story()));
        }
        equals("the stack", Some(stack.status.as_str()), wanted)
            .map_err(|error| format!("{error}:\n{}", story()))?;
        let reason = stack.status_reason.unwrap_or_default();
        includes("the stack's reason", &reason, optional(step, "reason"))?;
        told(step, &events)
    }

    fn describe_stack(&mut self, step: &Value) -> Done {
        let at = self.address(step)?;
        let found = settled(step, self.bench.cloud().describe_stack(&at))?.flatten();
        let absent = step.get("absent").and_then(Value::as_bool).unwrap_or(false);
        let Some(stack) = found else {
            return match absent || step.get("refused").is_some() {
                true => Ok(()),
                false => Err("there is no such stack".into()),
            };
        };
        if absent {
            return Err(format!("the stack is there, {}", stack.status));
        }
        self.ids.insert(stack.name.to_string(), stack.id.clone());
        equals("the stack", Some(stack.status.as_str()), optional(step, "status"))?;
        let reason = stack.status_reason.clone().unwrap_or_default();
        includes("its reason", &reason, optional(step, "reason"))?;
        for (what, got) in
            [("outputs", &stack.outputs), ("tags", &stack.tags), ("parameters", &stack.parameters)]
        {
            if step.get(what).is_some() && texts(step, what) != *got {
                return Err(format!("its {what} are {got:?}"));
            }
        }
        let protected = step.get("protected").and_then(Value::as_bool);
        if protected.is_some_and(|wanted| wanted != stack.termination_protection) {
            return Err(format!("its protection is {}", stack.termination_protection));
        }
        Ok(())
    }

    fn list_stacks(&self, step: &Value) -> Done {
        let region = self.region(step)?;
        let Some(found) = settled(step, self.bench.cloud().list_stacks(&region))? else {
            return Ok(());
        };
        let mut got: Vec<String> =
            found.iter().map(|stack| format!("{} {}", stack.name, stack.status)).collect();
        got.sort();
        match got == list(step, "stacks") {
            true => Ok(()),
            false => Err(format!("the stacks are {got:?}")),
        }
    }

    fn resources(&self, step: &Value) -> Done {
        let at = self.address(step)?;
        let Some(found) = settled(step, self.bench.cloud().stack_resources(&at))? else {
            return Ok(());
        };
        let got: BTreeMap<String, String> =
            found.into_iter().map(|it| (it.logical_id.to_string(), it.status)).collect();
        match got == texts(step, "statuses") {
            true => Ok(()),
            false => Err(format!("the resources are {got:?}")),
        }
    }

    fn template(&self, step: &Value) -> Done {
        let at = self.address(step)?;
        let Some(found) = settled(step, self.bench.cloud().template(&at))? else {
            return Ok(());
        };
        let got = Value::from_json(&found).map_err(|error| error.to_string())?;
        let wanted = Value::from_json(&self.template_text(step)?).map_err(|e| e.to_string())?;
        match got == wanted {
            true => Ok(()),
            false => Err(format!("the template is {found}")),
        }
    }

    fn drift(&self, step: &Value) -> Done {
        let at = self.address(step)?;
        let Some(found) = settled(step, self.bench.cloud().detect_drift(&at))? else {
            return Ok(());
        };
        let name = |status: DriftStatus| match status {
            DriftStatus::InSync => "IN_SYNC",
            DriftStatus::Modified => "MODIFIED",
            DriftStatus::Deleted => "DELETED",
            DriftStatus::NotChecked => "NOT_CHECKED",
        };
        for (id, wanted) in texts(step, "drift") {
            let one = found.resources.iter().find(|it| it.logical_id.as_str() == id);
            let got = one.map_or("unlisted", |one| name(one.status));
            equals(&id, Some(got), Some(&wanted))?;
        }
        for (id, wanted) in texts(step, "paths") {
            let one = found.resources.iter().find(|it| it.logical_id.as_str() == id);
            let got: Vec<&str> = one
                .iter()
                .flat_map(|one| &one.differences)
                .map(|difference| difference.path.as_str())
                .collect();
            if got != [wanted.as_str()] {
                return Err(format!("{id} differs at {got:?}, not at {wanted}"));
            }
        }
        Ok(())
    }

    fn read(&self, step: &Value) -> Done {
        let (kind, identifier) = (text(step, "type")?, text(step, "identifier")?);
        let region = self.region(step)?;
        let result = self.bench.cloud().read(&region, kind, identifier);
        let Some(reading) = settled(step, result)? else {
            return Ok(());
        };
        let absent = step.get("absent").and_then(Value::as_bool).unwrap_or(false);
        match reading {
            Reading::Absent if absent => Ok(()),
            Reading::Absent => Err(format!("there is no {identifier}")),
            Reading::Unread(why) => Err(format!("unread: {why}")),
            Reading::Properties(_) if absent => Err(format!("{identifier} is there")),
            Reading::Properties(got) => match step.get("properties") {
                Some(wanted) => within("", wanted, Some(&got)),
                None => Ok(()),
            },
        }
    }

    // --- objects -------------------------------------------------------------------------------

    fn bucket(&self, step: &Value) -> Result<BucketAddress, String> {
        let owner = match optional(step, "owner") {
            Some(owner) => AccountId::new(owner)?,
            None => self.account()?,
        };
        Ok(BucketAddress {
            region: self.region(step)?,
            bucket: BucketName::new(text(step, "bucket")?)?,
            owner,
        })
    }

    fn object(&self, step: &Value) -> Result<ObjectAddress, String> {
        Ok(ObjectAddress { bucket: self.bucket(step)?, key: text(step, "key")?.to_owned() })
    }

    fn put_object(&mut self, step: &Value) -> Done {
        let at = self.object(step)?;
        let body = match optional(step, "template") {
            Some(_) => self.template_text(step)?,
            None => optional(step, "body").unwrap_or("body").to_owned(),
        };
        let when = match (step.get("absent"), optional(step, "matches")) {
            (Some(_), _) => PutCondition::Absent,
            (None, Some(name)) => {
                let known = self.etags.get(name).cloned();
                PutCondition::Matches(known.unwrap_or_else(|| name.to_owned()))
            }
            (None, None) => PutCondition::Always,
        };
        let done = self.bench.cloud().put_object(&at, body.as_bytes(), when);
        if let Some(etag) = settled(step, done)?
            && let Some(name) = optional(step, "as")
        {
            self.etags.insert(name.to_owned(), etag);
        }
        Ok(())
    }

    fn get_object(&self, step: &Value) -> Done {
        let at = self.object(step)?;
        let Some(found) = settled(step, self.bench.cloud().get_object(&at))? else {
            return Ok(());
        };
        let got = found.map(|object| String::from_utf8_lossy(&object.body).into_owned());
        match (got, optional(step, "body")) {
            (None, None) => Ok(()),
            (got, wanted) if got.as_deref() == wanted => Ok(()),
            (got, wanted) => Err(format!("the object is {got:?}, not {wanted:?}")),
        }
    }

    /// Versions as `key`, with `*` for a delete marker and `!` for a locked one.
    fn versions(&self, step: &Value) -> Done {
        let at = self.bucket(step)?;
        let prefix = optional(step, "prefix").unwrap_or_default();
        let limit = step.get("limit").and_then(Value::as_int).unwrap_or(1000);
        let limit = usize::try_from(limit).map_err(|error| error.to_string())?;
        let found = self.bench.cloud().list_versions(&at, prefix, None, limit);
        let Some(found) = settled(step, found.map(|page| page.versions))? else {
            return Ok(());
        };
        let mark = |version: &ObjectVersion| {
            let marker = if version.delete_marker { "*" } else { "" };
            let locked = if version.locked.is_some() { "!" } else { "" };
            format!("{}{marker}{locked}", version.key)
        };
        let got: Vec<String> = found.iter().map(mark).collect();
        match got == list(step, "versions") {
            true => Ok(()),
            false => Err(format!("the versions are {got:?}")),
        }
    }

    /// Deletes every version below a prefix, and compares which refused.
    fn delete_versions(&self, step: &Value) -> Done {
        let at = self.bucket(step)?;
        let prefix = optional(step, "prefix").unwrap_or_default();
        let found = self.bench.cloud().list_versions(&at, prefix, None, 1000);
        let found = found.map_err(|error| error.to_string())?.versions;
        let done = self.bench.cloud().delete_versions(&at, &found);
        let Some(refused) = settled(step, done)? else {
            return Ok(());
        };
        let got: Vec<String> = refused.iter().map(|(version, _)| version.key.clone()).collect();
        match got == list(step, "kept") {
            true => Ok(()),
            false => Err(format!("kept were {refused:?}")),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

fn logical_ids(step: &Value, key: &str) -> Result<Vec<LogicalId>, String> {
    list(step, key).into_iter().map(LogicalId::new).collect()
}

/// The events that a step expects, in this order, with whatever between them; and those that must not be there.
fn told(step: &Value, events: &[StackEvent]) -> Done {
    let fields = |wanted: &Value| -> Result<(String, String, Option<String>), String> {
        let part = |at: &str| wanted.at(&[at]).and_then(Value::as_str).map(str::to_owned);
        let missing = || format!("an event is [id, status, reason]: {wanted}");
        Ok((part("0").ok_or_else(missing)?, part("1").ok_or_else(missing)?, part("2")))
    };
    let fits = |event: &StackEvent, (id, status, reason): &(String, String, Option<String>)| {
        let said = event.reason.as_deref().unwrap_or_default();
        event.logical_id == *id
            && event.status == *status
            && reason.as_ref().is_none_or(|reason| said.contains(reason))
    };
    let story = || {
        let lines = events.iter().map(|event| {
            let reason = event.reason.as_deref().unwrap_or_default();
            format!("    {} {} {reason}", event.logical_id, event.status)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut rest = events.iter();
    for wanted in step.get("events").and_then(Value::as_list).unwrap_or(&[]) {
        let fields = fields(wanted)?;
        if !rest.any(|event| fits(event, &fields)) {
            return Err(format!("no event {wanted} in its turn:\n{}", story()));
        }
    }
    for unwanted in step.get("never").and_then(Value::as_list).unwrap_or(&[]) {
        let fields = fields(unwanted)?;
        if events.iter().any(|event| fits(event, &fields)) {
            return Err(format!("an event {unwanted}:\n{}", story()));
        }
    }
    if let Some(token) = optional(step, "event_token")
        && let Some(event) = events.iter().find(|it| it.token.as_deref() != Some(token))
    {
        return Err(format!("an event has the token {:?}", event.token));
    }
    Ok(())
}

/// Compares a change with what a case expects of it.
fn changed(id: &str, wanted: &Value, got: &Value) -> Done {
    for (ours, theirs) in [
        ("action", "action"),
        ("replacement", "replacement"),
        ("policy", "policy_action"),
        ("physical", "physical_id"),
    ] {
        if let Some(value) = wanted.get(ours) {
            within(&format!("{id}.{ours}"), value, got.get(theirs))?;
        }
    }
    let Some(details) = wanted.get("details").and_then(Value::as_list) else {
        return Ok(());
    };
    let all = got.get("details").and_then(Value::as_list).unwrap_or(&[]);
    if details.len() != all.len() {
        let all = got.get("details").map(Value::to_json);
        return Err(format!("{id} has other details: {}", all.unwrap_or_default()));
    }
    for wanted in details {
        if !all.iter().any(|one| within("", wanted, Some(one)).is_ok()) {
            let all = got.get("details").map(Value::to_json).unwrap_or_default();
            return Err(format!("{id} has no detail {wanted}: {all}"));
        }
    }
    Ok(())
}
