//! The reading half of drift: what the template says, written out, and what is there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::apply::{Clock, Surroundings, explain, identifier_line, identify, insist, schedule};
use crate::canonical::{Known, Scope, canonical};
use crate::catalogue::resource_type;
use crate::cloud::{Cloud, CloudError, Reading, ResourceDrift, StackAddress};
use crate::diagnostic::Diagnostic;
use crate::document::{Map, Value};
use crate::names::{AccountId, LogicalId, Region};
use crate::plan::{Deployed, DeployedStack};
use crate::stacks::StackKey;

/// All that is known of one resource, for `judge`.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub stack: StackKey,
    pub logical_id: LogicalId,
    pub kind: String,
    pub physical_id: String,
    pub path: String,
    /// The template's properties, canonical, as far as they can be written out.
    pub expected: Value,
    /// What other resources of the lake add to it: managed policies that name the role.
    pub attached: Vec<String>,
    /// Tags that the stack hands on.
    pub stack_tags: BTreeMap<String, String>,
    /// What detection says; `None`: nothing.
    pub detected: Option<ResourceDrift>,
    pub reading: Reading,
}

pub(super) struct Looked {
    pub evidence: Vec<Evidence>,
    pub incomplete: Vec<(StackKey, String)>,
}

/// Looks at every resource, several stacks at once.
pub(super) fn look(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    account: &AccountId,
    deployed: &Deployed,
) -> Result<Looked, Diagnostic> {
    let attached = attachments(deployed);
    let stacks: Vec<(&StackKey, &DeployedStack)> = deployed.stacks.iter().collect();
    let which: Vec<usize> = (0..stacks.len()).collect();
    let found = Mutex::new(Looked { evidence: Vec::new(), incomplete: Vec::new() });
    let failed = Mutex::new(None);
    schedule(
        &which,
        |_| Vec::new(),
        |at| {
            let (key, stack) = stacks[at];
            match one_stack(cloud, clock, account, key, stack, &attached) {
                Ok((evidence, incomplete)) => {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.evidence.extend(evidence);
                    found.incomplete.extend(incomplete.map(|why| (key.clone(), why)));
                    true
                }
                Err(told) => {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
                    false
                }
            }
        },
    );
    if let Some(told) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(told);
    }
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.incomplete.sort();
    Ok(found)
}

/// The managed policies of the lake, by the name of the role that they name.
fn attachments(deployed: &Deployed) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stack in deployed.stacks.values() {
        for (id, resource) in stack.resources() {
            if resource.get("Type").and_then(Value::as_str) != Some("AWS::IAM::ManagedPolicy") {
                continue;
            }
            let Some(arn) = stack.physical_ids.get(id) else { continue };
            let roles = resource.at(&["Properties", "Roles"]).and_then(Value::as_list);
            for role in roles.unwrap_or_default() {
                let name = match role.as_str() {
                    Some(name) => Some(name.to_owned()),
                    None => role
                        .get("Ref")
                        .and_then(Value::as_str)
                        .and_then(|id| stack.physical_ids.get(id).or(stack.parameters.get(id)))
                        .cloned(),
                };
                if let Some(name) = name {
                    all.entry(name).or_default().push(arn.clone());
                }
            }
        }
    }
    all
}

type OfStack = (Vec<Evidence>, Option<String>);

fn one_stack(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    account: &AccountId,
    key: &StackKey,
    stack: &DeployedStack,
    attached: &BTreeMap<String, Vec<String>>,
) -> Result<OfStack, Diagnostic> {
    let at = StackAddress::new(&key.region, stack.id.clone());
    let (mut detected, incomplete) = match insist(clock, || cloud.detect_drift(&at)) {
        Ok(drift) => {
            let incomplete = match drift.complete {
                true => None,
                false => Some(drift.reason.unwrap_or_else(|| "the cloud gives no reason".into())),
            };
            let named = drift.resources.into_iter().map(|one| (one.logical_id.clone(), one));
            (named.collect::<BTreeMap<_, _>>(), incomplete)
        }
        // A stack in a state that detection does not take; its resources are read all the same.
        Err(CloudError::Refused(why)) => (BTreeMap::new(), Some(why)),
        Err(error) => return Err(explain(&error, &format!("detecting drift of stack {key}"))),
    };
    let physical: BTreeMap<String, String> =
        stack.physical_ids.iter().map(|(id, name)| (id.to_string(), name.clone())).collect();
    let around = Surroundings {
        account,
        region: &key.region,
        physical: &physical,
        parameters: &stack.parameters,
    };
    let scope = scope(account, key, stack);
    let mut all = Vec::new();
    for (id, resource) in stack.resources() {
        let Ok(logical_id) = LogicalId::new(id) else { continue };
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let properties = resource.get("Properties").cloned().unwrap_or(Value::Map(Map::new()));
        let physical_id = physical.get(id).cloned().unwrap_or_default();
        let identifier = identify(&kind, &physical_id, &properties, &around);
        let reading = match identifier.filter(|_| !physical_id.is_empty()) {
            None => Reading::Unread("its name in AWS is not known".into()),
            Some(identifier) => {
                let line = identifier_line(&kind, &identifier);
                read_one(cloud, clock, &key.region, &kind, &line)?
            }
        };
        let written = written_out(&properties, &around, key, stack);
        let path = resource.at(&["Metadata", "lakewright", "path"]).and_then(Value::as_str);
        all.push(Evidence {
            stack: key.clone(),
            detected: detected.remove(&logical_id),
            logical_id,
            attached: attached.get(&physical_id).cloned().unwrap_or_default(),
            expected: canonical(&written, &scope).unwrap_or_default(),
            stack_tags: stack.tags.clone().unwrap_or_default(),
            path: path.unwrap_or(id).to_owned(),
            physical_id,
            kind,
            reading,
        });
    }
    Ok((all, incomplete))
}

/// One resource, by the line of its identifier. One that may not be read does not end the run.
pub(super) fn read_one(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    region: &Region,
    kind: &str,
    line: &str,
) -> Result<Reading, Diagnostic> {
    match insist(clock, || cloud.read(region, kind, line)) {
        Ok(reading) => Ok(reading),
        Err(CloudError::AccessDenied(why)) => Ok(Reading::Unread(format!("access denied: {why}"))),
        Err(error) => Err(explain(&error, &format!("reading {kind} {line}"))),
    }
}

/// The partition of a stack: the second word of its ARN.
fn partition(stack: &DeployedStack) -> &str {
    stack.id.split(':').nth(1).filter(|word| !word.is_empty()).unwrap_or("aws")
}

fn scope(account: &AccountId, key: &StackKey, stack: &DeployedStack) -> Scope {
    let mut values: BTreeMap<String, Known> = BTreeMap::new();
    let mut put = |name: &str, text: &str| {
        values.insert(name.to_owned(), Known::Text(text.to_owned()));
    };
    let known = crate::catalogue::partition_of(key.region.as_str());
    put("AWS::AccountId", account.as_str());
    put("AWS::Region", key.region.as_str());
    put("AWS::Partition", partition(stack));
    put("AWS::URLSuffix", known.dns_suffix);
    put("AWS::StackName", key.name.as_str());
    put("AWS::StackId", &stack.id);
    for (name, value) in &stack.parameters {
        put(name, value);
    }
    for (id, name) in &stack.physical_ids {
        put(id.as_str(), name);
    }
    Scope { values, partition: known.name }
}

/// Attributes of resources written out where they are known: the ARN by the type's form. What is not
/// known stays a function, and is equal to everything.
fn written_out(
    value: &Value,
    around: &Surroundings<'_>,
    key: &StackKey,
    stack: &DeployedStack,
) -> Value {
    match value {
        Value::Map(map) => {
            if let Some(text) = map
                .get("Fn::GetAtt")
                .filter(|_| map.len() == 1)
                .and_then(|target| attribute(target, around, key, stack))
            {
                return Value::from(text);
            }
            let pairs = map.iter().map(|(name, value)| {
                (name.to_owned().into(), written_out(value, around, key, stack))
            });
            Value::Map(pairs.collect())
        }
        Value::List(list) => {
            list.iter().map(|value| written_out(value, around, key, stack)).collect()
        }
        other => other.clone(),
    }
}

fn attribute(
    target: &Value,
    around: &Surroundings<'_>,
    key: &StackKey,
    stack: &DeployedStack,
) -> Option<String> {
    let (id, attribute) = match target {
        Value::Str(text) => text.split_once('.')?,
        Value::List(list) => (list.first()?.as_str()?, list.get(1)?.as_str()?),
        _ => return None,
    };
    if attribute != "Arn" {
        return None;
    }
    let name = around.physical.get(id)?;
    if name.starts_with("arn:") {
        return Some(name.clone());
    }
    let resource = stack.resources().find(|(own, _)| *own == id)?.1;
    let kind = resource.get("Type")?.as_str()?;
    let form = resource_type(kind)?.arn?;
    let path = resource.at(&["Properties", "Path"]).and_then(Value::as_str).unwrap_or("/");
    let text = form
        .replace("${Partition}", partition(stack))
        .replace("${Region}", key.region.as_str())
        .replace("${Account}", around.account.as_str())
        .replace("${RoleNameWithPath}", &format!("{}{name}", path.trim_start_matches('/')));
    // What is left is the name, if it is one thing.
    let Some((before, rest)) = text.split_once("${") else { return Some(text) };
    let (_, after) = rest.split_once('}')?;
    (!after.contains("${")).then(|| format!("{before}{name}{after}"))
}
