//! An independent IAM evaluator, `@cloud-copilot/iam-simulate`: many requests in one process, each with the policies that decide it.

use super::{judge, tools};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// One request to one resource, with everything that decides it.
#[derive(Debug, Clone)]
pub struct Request {
    /// An ARN, a service such as `glue.amazonaws.com`, or `None` for an anonymous request.
    pub principal: Option<String>,
    pub action: String,
    pub resource: String,
    /// The account that owns the resource.
    pub account: String,
    /// Strings, or lists of strings for keys with several values.
    pub context: Map<String, Value>,
    pub identity: Vec<Value>,
    pub resource_policy: Option<Value>,
}

/// What the evaluator says to one request.
#[derive(Debug, Clone)]
pub struct Decision {
    pub allowed: bool,
    /// `Allowed`, `ImplicitlyDenied` or `ExplicitlyDenied`.
    pub result: String,
    /// Context keys that were given and that the action does not have, in lower case.
    pub ignored: BTreeSet<String>,
    /// What is wrong with the policies: actions and condition keys that do not exist or do not belong together.
    pub complaints: BTreeSet<String>,
}

/// Decides all requests. An error is about that request: an action that does not exist, a policy that is none.
pub fn iam_simulate(requests: &[Request]) -> Vec<Result<Decision, String>> {
    assert!(!requests.is_empty(), "there is nothing to judge");
    let mut documents = Documents::default();
    let mut used: Vec<Vec<usize>> = Vec::new();
    let mut asked = Vec::new();
    for r in requests {
        let identity: Vec<usize> = r.identity.iter().map(|d| documents.index(d)).collect();
        let resource_policy = r.resource_policy.as_ref().map(|d| documents.index(d));
        asked.push(json!({"principal": r.principal, "action": r.action, "resource": r.resource,
            "account": r.account, "context": r.context, "identity": identity, "resourcePolicy": resource_policy}));
        used.push(identity.into_iter().chain(resource_policy).collect());
    }
    let input = json!({"documents": documents.all, "requests": asked}).to_string();
    let mut command = Command::new("node");
    command.arg(tools::asset("runners/simulate.mjs")).arg(tools::node("judges"));
    let answer = judge::succeed("iam-simulate", &mut command, input.as_bytes());
    let answers = judge::array("iam-simulate", &answer["requests"]);
    assert_eq!(answers.len(), requests.len(), "iam-simulate did not answer to everything");
    let decide = |(one, used): (&Value, &Vec<usize>)| match one["decision"].as_str() {
        None => Err(one["error"].as_str().unwrap_or("no answer").to_string()),
        Some(result) => Ok(Decision {
            allowed: result == "Allowed",
            result: result.to_string(),
            ignored: words(&one["ignored"]).map(|k| k.to_lowercase()).collect(),
            complaints: used.iter().flat_map(|i| words(&answer["documents"][*i])).collect(),
        }),
    };
    answers.iter().zip(&used).map(decide).collect()
}

/// Policies, each once.
#[derive(Default)]
struct Documents {
    all: Vec<Value>,
    places: BTreeMap<String, usize>,
}

impl Documents {
    fn index(&mut self, document: &Value) -> usize {
        *self.places.entry(document.to_string()).or_insert_with(|| {
            self.all.push(document.clone());
            self.all.len() - 1
        })
    }
}

fn words(list: &Value) -> impl Iterator<Item = String> + '_ {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_string))
}
