//! The ceiling of the roles that a lake makes.
//!
//! In: the policies that the lake's templates attach to roles they make. Out: one document that allows what any of them
//! does on what the lake is called, and nothing on IAM: whoever can write a role's policy can fill it up to here.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Scope;
use super::{Named, NoPolicies, Policies};
use crate::document::{Map, Value};
use crate::lake::Lake;
use crate::policy::{Effect, Policy, Statement, TooLarge, limit};
use crate::stacks::Stack;

pub(super) fn boundary(lake: &Lake, stacks: &[Stack]) -> Result<Policies, NoPolicies> {
    if !super::makes_roles(stacks) {
        let id = lake.naming.lake_id();
        // IAM takes no policy without a statement, and there is nobody to carry one
        return Ok(Policies {
            policies: Vec::new(),
            reaches: format!(
                "{id} makes no roles, so there is nothing for a permissions boundary to hold: none is needed, and `lakewright policies deployer --for apply` asks for none."
            ),
            left_out: BTreeMap::new(),
        });
    }
    let scope = Scope::new(lake, stacks);
    // By service, and apart what has no resource: actions and resources of all roles together.
    let mut allowed: BTreeMap<(String, bool), (BTreeSet<String>, BTreeSet<String>)> =
        BTreeMap::new();
    let made: BTreeSet<&str> = stacks
        .iter()
        .flat_map(Stack::resources)
        .filter_map(|(_, one)| one.at(&["Properties", "RoleName"]).and_then(Value::as_str))
        .collect();
    for (_, definition) in stacks.iter().flat_map(Stack::resources) {
        if !is_for(definition, stacks, &made) {
            continue;
        }
        let statements = definition.at(&["Properties", "PolicyDocument", "Statement"]);
        for statement in statements.and_then(Value::as_list).into_iter().flatten() {
            if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
                continue;
            }
            for action in texts(statement.get("Action")) {
                let service = action.split(':').next().unwrap_or("").to_owned();
                for resource in resources(statement.get("Resource"), &scope, lake) {
                    let entry = allowed.entry((service.clone(), resource == "*")).or_default();
                    entry.0.insert(action.clone());
                    entry.1.insert(resource);
                }
            }
        }
    }
    let statements = allowed.into_iter().map(|((service, _), (actions, resources))| {
        let mut condition = Map::new();
        if service == "s3" || service == "kms" {
            let mut owner = Map::new();
            let accounts: Vec<String> = lake.family.iter().map(ToString::to_string).collect();
            owner.insert("aws:ResourceAccount", accounts);
            condition.insert("StringEquals", owner);
        }
        Statement {
            sid: "Ceiling".to_owned(),
            about: service,
            from: String::new(),
            effect: Effect::Allow,
            principal: None,
            actions: actions.into_iter().collect(),
            resources: resources.into_iter().map(Value::from).collect(),
            condition,
        }
    });
    let policy = Policy::new(statements);
    if policy.size() > limit::MANAGED_POLICY {
        return Err(NoPolicies::TooLarge(TooLarge {
            size: policy.size(),
            policies: 1,
            limit: limit::MANAGED_POLICY,
            most: 1,
        }));
    }
    let id = lake.naming.lake_id();
    Ok(Policies {
        policies: vec![Named {
            holder: "boundary",
            name: format!("{id}-boundary"),
            document: policy.to_value(),
        }],
        reaches: format!(
            "A role that carries it can reach the data of {id} and nothing else, whatever its own policies say; on IAM it can do nothing."
        ),
        left_out: BTreeMap::new(),
    })
}

/// Whether a resource is a policy of a role that is made here.
fn is_for(definition: &Value, stacks: &[Stack], made: &BTreeSet<&str>) -> bool {
    let roles = definition.at(&["Properties", "Roles"]).and_then(Value::as_list);
    roles.into_iter().flatten().any(|role| match role {
        Value::Str(name) => made.contains(name.as_ref()),
        other => {
            let id = other.get("Ref").and_then(Value::as_str).unwrap_or("");
            stacks.iter().any(|stack| stack.template.at(&["Resources", id]).is_some())
        }
    })
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Str(one)) => vec![one.to_string()],
        Some(Value::List(list)) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Resources of a statement with the lake's names as patterns. What only CloudFormation knows is a key: any key of the
/// account, whose own policy decides.
fn resources(value: Option<&Value>, scope: &Scope, lake: &Lake) -> BTreeSet<String> {
    let list = match value {
        Some(Value::List(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let mut found = BTreeSet::new();
    for resource in list {
        match resource {
            Value::Str(text) => drop(found.insert(general(&text, scope))),
            _ => found.extend(
                lake.regions().iter().map(|region| lake.home.own_arn("kms", region, "key/*")),
            ),
        }
    }
    found
}

/// An ARN with the lake's names as patterns: a whole bucket, a whole database.
fn general(arn: &str, scope: &Scope) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [a, partition, service, region, account, resource] = parts[..] else {
        return arn.to_owned();
    };
    let separator = if resource.contains('/') { '/' } else { ':' };
    let mut pieces = resource.split(separator);
    let mut out: Vec<String> = Vec::new();
    for piece in pieces.by_ref() {
        let general = scope.pattern(piece);
        let cut = general != piece;
        out.push(general);
        if cut {
            // The star reaches to the end of the ARN.
            break;
        }
    }
    let resource = out.join(&separator.to_string());
    format!("{a}:{partition}:{service}:{region}:{account}:{resource}")
}
