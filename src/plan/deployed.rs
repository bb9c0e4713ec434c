//! What is there: the lake's stacks as a cloud tells of them, and what earlier ones left behind.
//!
//! In: answers of a cloud, or rendered templates. Out: [`Deployed`], a plain value that planning
//! compares with, and the [`Placement`] that keeps what is deployed in its stack. Empty offline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Observed;
use super::consent::Filled;
use crate::cloud;
use crate::document::Value;
use crate::graph::Part;
use crate::names::{LogicalId, Region};
use crate::stacks::{Placement, Stack, StackKey};

/// Everything of the lake that is deployed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deployed {
    /// Stacks of the lake's names or with its tags, in every region that was ever used.
    pub stacks: BTreeMap<StackKey, DeployedStack>,
    /// What earlier stacks kept.
    pub kept: Vec<Kept>,
    /// What is in buckets that a first plan would delete (see [`super::Plan::emptied`]), by bucket
    /// name. A bucket that is not here was not looked into.
    pub filled: BTreeMap<String, Filled>,
}

/// A stack that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployedStack {
    /// An ARN; empty for a rendered template.
    pub id: String,
    /// `None`: it is a rendered template, and nothing is known of a cloud.
    pub status: Option<cloud::StackStatus>,
    pub status_reason: Option<String>,
    pub updated: Option<String>,
    /// The template; an object without keys where there is none yet.
    pub template: Value,
    /// SHA-256 of the template's text, hexadecimal.
    pub template_sha256: String,
    /// `None`: not known.
    pub tags: Option<BTreeMap<String, String>>,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    pub termination_protection: bool,
    pub execution_role: Option<String>,
    /// Names in AWS by logical id; may be empty.
    pub physical_ids: BTreeMap<LogicalId, String>,
}

/// A resource that an earlier stack left in the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kept {
    pub region: Region,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    pub logical_id: LogicalId,
    /// The primary identifier, property by property, as an import names it.
    pub identifier: BTreeMap<String, String>,
    /// The spec path that it had.
    pub path: String,
}

impl Deployed {
    /// Rendered templates in the place of a cloud: for `plan --against DIR` and `diff`.
    pub fn from_templates(templates: impl IntoIterator<Item = (StackKey, Value)>) -> Self {
        let stacks = templates
            .into_iter()
            .map(|(key, template)| (key, DeployedStack::from_template(template)))
            .collect();
        Deployed { stacks, ..Deployed::default() }
    }

    /// Compiled stacks as if they were deployed: what templates say, and the stacks' tags.
    pub fn from_stacks(stacks: impl IntoIterator<Item = Stack>) -> Self {
        let stacks = stacks.into_iter().map(|stack| {
            let there = DeployedStack::from_template(stack.template);
            (stack.key, DeployedStack { tags: Some(stack.tags), ..there })
        });
        Deployed { stacks: stacks.collect(), ..Deployed::default() }
    }

    /// Which stack holds which resource now.
    pub fn placement(&self) -> Placement {
        let mut placement = Placement::default();
        for (key, stack) in &self.stacks {
            for (id, _) in stack.resources() {
                if let Ok(id) = LogicalId::new(id) {
                    placement.put(key, id);
                }
            }
        }
        placement
    }
}

impl DeployedStack {
    /// A stack as a cloud tells of it, with the text of its template and what it holds. The error says
    /// why the template can't be read.
    pub fn new(
        stack: &cloud::Stack,
        template: &str,
        resources: &[cloud::StackResource],
    ) -> Result<Self, String> {
        let value = match template.trim() {
            "" => crate::document!({}),
            text => Value::from_json(text).map_err(|error| error.to_string())?,
        };
        let physical_ids = resources
            .iter()
            .filter(|resource| !resource.physical_id.is_empty())
            .map(|resource| (resource.logical_id.clone(), resource.physical_id.clone()))
            .collect();
        Ok(DeployedStack {
            id: stack.id.clone(),
            status: Some(stack.status),
            status_reason: stack.status_reason.clone(),
            updated: Some(stack.updated.clone()),
            template: value,
            template_sha256: sha256(template.as_bytes()),
            tags: Some(stack.tags.clone()),
            parameters: stack.parameters.clone(),
            outputs: stack.outputs.clone(),
            termination_protection: stack.termination_protection,
            execution_role: stack.execution_role.clone(),
            physical_ids,
        })
    }

    /// A rendered template, of which no cloud knows.
    pub fn from_template(template: Value) -> Self {
        DeployedStack {
            id: String::new(),
            status: None,
            status_reason: None,
            updated: None,
            template_sha256: sha256(crate::stacks::body(&template).as_bytes()),
            template,
            tags: None,
            parameters: BTreeMap::new(),
            outputs: BTreeMap::new(),
            termination_protection: false,
            execution_role: None,
            physical_ids: BTreeMap::new(),
        }
    }

    /// The resources of the template, by logical id.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        let map = self.template.get("Resources").and_then(Value::as_map);
        map.into_iter().flat_map(|map| map.iter())
    }

    /// What a plan remembers of it.
    pub fn observed(&self) -> Observed {
        if self.status.is_none() {
            return Observed::default();
        }
        Observed {
            id: Some(self.id.clone()),
            status: self.status,
            updated: self.updated.clone(),
            template_sha256: Some(self.template_sha256.clone()),
        }
    }

    /// The part of the lake that the stack holds: its template's description ends in the word; else a
    /// part's word in its name.
    pub fn part(&self, key: &StackKey) -> Part {
        part_of(&self.template, key)
    }
}

/// The part of the lake that a template is for.
pub(super) fn part_of(template: &Value, key: &StackKey) -> Part {
    let word = |word: &str| Part::ALL.into_iter().find(|part| part.as_str() == word);
    let described = template
        .get("Description")
        .and_then(Value::as_str)
        .and_then(|text| text.rsplit_once(": "))
        .and_then(|(_, last)| word(last));
    described.or_else(|| key.name.as_str().rsplit('-').find_map(word)).unwrap_or(Part::Watching)
}

/// SHA-256, hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
