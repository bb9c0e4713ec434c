//! The deployer's policies, for people and programs.

use crate::deployer::Policies;
use crate::document;
use crate::document::{Map, Value};

/// What the policies mean, then each document under its name, then what they do without.
pub fn text(made: &Policies) -> String {
    let mut out = format!("# {}\n", made.reaches);
    for policy in &made.policies {
        out += &format!(
            "\n# {} ({})\n{}\n",
            policy.name,
            policy.holder,
            policy.document.to_json_pretty()
        );
    }
    if !made.left_out.is_empty() {
        out += "\n# Named by CloudFormation's handlers and left out:\n";
        for (action, why) in &made.left_out {
            out += &format!("#   {action}: {why}\n");
        }
    }
    out
}

/// The same as one document.
pub fn json(made: &Policies) -> Map {
    let policies = made.policies.iter().map(|policy| {
        document!({
            "holder": (policy.holder),
            "name": (policy.name.clone()),
            "document": (policy.document.clone()),
        })
    });
    let left_out = made
        .left_out
        .iter()
        .map(|(action, why)| document!({"permission": (action.clone()), "why": (why.clone())}));
    let mut out = Map::new();
    out.insert("reaches", made.reaches.clone());
    out.insert("policies", policies.collect::<Value>());
    out.insert("left_out", left_out.collect::<Value>());
    out
}
