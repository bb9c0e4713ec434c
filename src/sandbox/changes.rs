//! What a change set would do: the new template against what the stack holds.
//!
//! Resources are looked at in the order in which they would be made, so that one that is replaced makes the values
//! taken from it unknown further down. The shape is that of DescribeChangeSet with property values: a cause (a
//! parameter, a resource's `Ref` or attribute) is one detail, evaluated statically, and comes with a second one for
//! the modification itself, evaluated dynamically; a value written into the template is one static detail.
//! Sources: CloudFormation API reference, ResourceChange and ResourceChangeDetail; recordings of AWS's answers in the
//! snapshot tests of localstack (tests/aws/services/cloudformation/test_change_set_*.snapshot.json).

use std::collections::{BTreeMap, BTreeSet};

use super::actions::{self, Actor, Effect};
use super::intrinsics::{Evaluator, KNOWN_AFTER, Resources, scalar, unknown};
use super::operation::View;
use super::references::{Reference, references};
use super::schema;
use super::state::{Body, Definition, Head, Record};
use super::steps::{identifier_of, keeps};
use super::template::{Resource, Template, refused};
use super::world::Realm;
use crate::cloud::{
    ChangeAction, ChangeDetail, ChangeSetKind, CloudError, ImportTarget, Replacement,
    ResourceChange,
};
use crate::document::Value;
use crate::names::LogicalId;

/// What is to be compared.
pub(super) struct Comparison<'a> {
    pub template: &'a Template,
    pub evaluator: &'a Evaluator<'a>,
    pub target: &'a Definition,
    pub kind: ChangeSetKind,
    pub imports: &'a [ImportTarget],
    pub head: &'a Head,
    pub body: &'a Body,
}

/// What comes of a comparison.
#[derive(Default)]
pub(super) struct Compared {
    pub changes: Vec<ResourceChange>,
    /// Whether anything at all would change, outputs and tags included.
    pub any: bool,
    /// Early validation: properties that their types do not take.
    pub properties: Vec<String>,
    /// Early validation: names that this account has given already.
    pub conflicts: Vec<String>,
}

/// The resources as they would be found on the way.
struct Preview<'a> {
    view: View<'a>,
    /// Made anew, so that nothing is known of them.
    fresh: &'a BTreeSet<String>,
}

impl Resources for Preview<'_> {
    fn reference(&self, id: &str) -> Option<String> {
        if self.fresh.contains(id) {
            return Some(KNOWN_AFTER.into());
        }
        self.view.reference(id).or(Some(KNOWN_AFTER.into()))
    }

    fn attribute(&self, id: &str, attribute: &str) -> Option<Value> {
        if self.fresh.contains(id) {
            return Some(KNOWN_AFTER.into());
        }
        self.view.attribute(id, attribute).or(Some(KNOWN_AFTER.into()))
    }
}

/// How a resource that others refer to changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Replaced,
    Perhaps,
}

/// Compares the new template with what the stack holds.
pub(super) fn compare(
    comparison: &Comparison<'_>,
    realm: &mut Realm,
    actor: &Actor<'_>,
    early: bool,
) -> Result<Compared, CloudError> {
    let mut compared = Compared::default();
    let mut fresh = BTreeSet::new();
    let mut fates: BTreeMap<String, Fate> = BTreeMap::new();
    let parameters = changed_parameters(comparison);
    let targets: BTreeMap<&str, &ImportTarget> =
        comparison.imports.iter().map(|target| (target.logical_id.as_str(), target)).collect();
    let mut active = BTreeSet::new();
    let (mut retyped, mut unlisted, mut modified) = (Vec::new(), Vec::new(), Vec::new());
    for id in comparison.template.order() {
        let resource = &comparison.template.resources[&id];
        if !comparison.evaluator.holds(resource.condition.as_deref()) {
            continue;
        }
        active.insert(id.clone());
        let preview = Preview {
            view: View { records: &comparison.body.resources, things: &realm.things },
            fresh: &fresh,
        };
        let after = comparison.evaluator.value(&resource.properties, &preview)?;
        let after = after.unwrap_or_default();
        let metadata = comparison.evaluator.value(&resource.metadata, &preview)?;
        let record = comparison.body.resources.get(&id);
        let logical = LogicalId::new(&id).map_err(refused)?;
        let existing = record.filter(|record| !record.key.is_empty());
        let Some(record) = existing else {
            let target = targets.get(id.as_str());
            if comparison.kind == ChangeSetKind::Import && target.is_none() {
                unlisted.push(id.clone());
            }
            if early {
                if let Some(text) = actions::violations(&resource.kind, &after) {
                    compared.properties.push(format!("{id}: {text}"));
                } else if target.is_none()
                    && let Some(text) =
                        actions::conflict(realm, actor, &id, &resource.kind, &after)?
                {
                    compared.conflicts.push(format!("{id}: {text}"));
                }
            }
            compared.changes.push(added(logical, resource, target.copied()));
            if target.is_none() {
                fresh.insert(id);
            }
            continue;
        };
        if record.kind != resource.kind {
            retyped.push(id.clone());
            continue;
        }
        let change = modification(
            comparison,
            &parameters,
            &fates,
            (&logical, resource, record),
            &after,
            &metadata.unwrap_or_default(),
        );
        let Some(change) = change else {
            continue;
        };
        if early && let Some(text) = actions::violations(&resource.kind, &after) {
            compared.properties.push(format!("{id}: {text}"));
        }
        match change.replacement {
            Some(Replacement::True) => {
                fates.insert(id.clone(), Fate::Replaced);
                fresh.insert(id.clone());
            }
            Some(Replacement::Conditional) => {
                fates.insert(id.clone(), Fate::Perhaps);
                fresh.insert(id.clone());
            }
            _ => {}
        }
        modified.push(id);
        compared.changes.push(change);
    }
    for (id, record) in &comparison.body.resources {
        if !active.contains(id) && !record.key.is_empty() {
            modified.push(id.clone());
            compared.changes.push(removed(id, record)?);
        }
    }
    if !retyped.is_empty() {
        return Err(refused(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
            retyped.join(", ")
        )));
    }
    let preview = Preview {
        view: View { records: &comparison.body.resources, things: &realm.things },
        fresh: &fresh,
    };
    let outputs = outputs_change(comparison, &preview)?;
    if comparison.kind == ChangeSetKind::Import {
        check_import(comparison, &unlisted, &modified, outputs)?;
    }
    compared.changes.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
    let tags = comparison.target.tags != comparison.head.tags;
    compared.any = !compared.changes.is_empty() || outputs || tags;
    Ok(compared)
}

fn added(logical: LogicalId, resource: &Resource, target: Option<&ImportTarget>) -> ResourceChange {
    ResourceChange {
        action: match target {
            Some(_) => ChangeAction::Import,
            None => ChangeAction::Add,
        },
        logical_id: logical,
        physical_id: target.map(|target| identifier_of(&target.kind, &target.identifier)),
        kind: resource.kind.clone(),
        replacement: None,
        policy_action: None,
        details: Vec::new(),
    }
}

fn removed(id: &str, record: &Record) -> Result<ResourceChange, CloudError> {
    let policy = record.deletion_policy.as_deref();
    let action = match policy {
        Some("Snapshot") => "Snapshot",
        policy if keeps(policy) => "Retain",
        _ => "Delete",
    };
    Ok(ResourceChange {
        action: ChangeAction::Remove,
        logical_id: LogicalId::new(id).map_err(refused)?,
        physical_id: Some(record.physical.clone()),
        kind: record.kind.clone(),
        replacement: None,
        policy_action: Some(action.into()),
        details: Vec::new(),
    })
}

/// The parameters whose values change.
fn changed_parameters(comparison: &Comparison<'_>) -> BTreeSet<String> {
    let old = &comparison.body.definition.parameters;
    let new = &comparison.target.parameters;
    let changed = |name: &&String| old.get(*name) != new.get(*name);
    new.keys().filter(changed).cloned().collect()
}

/// What happens to a resource that is there and stays; `None` for nothing.
fn modification(
    comparison: &Comparison<'_>,
    parameters: &BTreeSet<String>,
    fates: &BTreeMap<String, Fate>,
    (logical, resource, record): (&LogicalId, &Resource, &Record),
    after: &Value,
    metadata: &Value,
) -> Option<ResourceChange> {
    let mut details = Vec::new();
    let paths = actions::differences(&record.kind, &record.declared, after);
    let mut properties: BTreeMap<&str, Effect> = BTreeMap::new();
    for path in &paths {
        let name = path.first().map_or("", String::as_str);
        let effect = actions::effect_at(&record.kind, path);
        let worst = properties.entry(name).or_insert(effect);
        // A change that the service will refuse is no replacement, and the change set does not know of it.
        *worst = match (*worst, effect) {
            (Effect::Fails(_), other) | (other, Effect::Fails(_)) => other,
            (a, b) => a.max(b),
        };
    }
    for (name, effect) in properties {
        let recreation = match effect {
            Effect::Replace => "Always",
            Effect::MayReplace => "Conditionally",
            _ => "Never",
        };
        let (before, now) = (record.declared.get(name), after.get(name));
        let detail = |evaluation: &str, source: &str, cause: Option<String>| ChangeDetail {
            attribute: "Properties".into(),
            name: Some(name.to_owned()),
            recreation: Some(recreation.into()),
            evaluation: Some(evaluation.into()),
            source: Some(source.into()),
            causing_entity: cause,
            before: before.map(shown),
            after: now.map(shown),
        };
        let raw = resource.properties.get(name);
        let causes = raw.map_or_else(Vec::new, |raw| causes(raw, parameters, fates));
        if causes.is_empty() {
            details.push(detail("Static", "DirectModification", None));
            continue;
        }
        for (evaluation, source, cause) in causes {
            details.push(detail(evaluation, source, Some(cause)));
        }
        details.push(detail("Dynamic", "DirectModification", None));
    }
    let plain = |attribute: &str, before: Option<String>, after: Option<String>| ChangeDetail {
        attribute: attribute.into(),
        name: None,
        recreation: Some("Never".into()),
        evaluation: Some("Static".into()),
        source: Some("DirectModification".into()),
        causing_entity: None,
        before,
        after,
    };
    if record.metadata != *metadata {
        let text = |value: &Value| (*value != Value::Null).then(|| shown(value));
        details.push(plain("Metadata", text(&record.metadata), text(metadata)));
    }
    let policies = [
        ("DeletionPolicy", &record.deletion_policy, &resource.deletion_policy),
        ("UpdateReplacePolicy", &record.replace_policy, &resource.replace_policy),
    ];
    for (attribute, before, after) in policies {
        // Without a policy the resource is deleted, and saying so changes nothing.
        let meant = |policy: &Option<String>| policy.clone().unwrap_or_else(|| "Delete".into());
        if meant(before) != meant(after) {
            details.push(plain(attribute, before.clone(), after.clone()));
        }
    }
    let retagged = comparison.target.tags != comparison.head.tags;
    if retagged && schema::tags(&record.kind).is_some() {
        let text = |tags: &BTreeMap<String, String>| serde_json::to_string(tags).ok();
        let (before, after) = (&comparison.head.tags, &comparison.target.tags);
        details.push(plain("Tags", text(before), text(after)));
    }
    if details.is_empty() {
        return None;
    }
    let replacement = replacement(&details);
    let policy_action = (replacement != Replacement::False).then(|| {
        match resource.replace_policy.as_deref() {
            Some("Retain") => "ReplaceAndRetain",
            Some("Snapshot") => "ReplaceAndSnapshot",
            _ => "ReplaceAndDelete",
        }
        .to_owned()
    });
    Some(ResourceChange {
        action: ChangeAction::Modify,
        logical_id: logical.clone(),
        physical_id: Some(record.physical.clone()),
        kind: record.kind.clone(),
        replacement: Some(replacement),
        policy_action,
        details,
    })
}

/// "If RequiresRecreation is Always and Evaluation is Static, Replacement is True; if Evaluation is Dynamic,
/// Conditional. Of several the one with the most impact counts" (ResourceChange, Replacement).
fn replacement(details: &[ChangeDetail]) -> Replacement {
    let is = |detail: &ChangeDetail, recreation: &str, evaluation: &str| {
        detail.recreation.as_deref() == Some(recreation)
            && detail.evaluation.as_deref() == Some(evaluation)
    };
    if details.iter().any(|detail| is(detail, "Always", "Static")) {
        return Replacement::True;
    }
    let never = |detail: &ChangeDetail| detail.recreation.as_deref() == Some("Never");
    match details.iter().all(never) {
        true => Replacement::False,
        false => Replacement::Conditional,
    }
}

/// Why a property's value changes, if the template's text does not say so itself.
fn causes(
    raw: &Value,
    parameters: &BTreeSet<String>,
    fates: &BTreeMap<String, Fate>,
) -> Vec<(&'static str, &'static str, String)> {
    let evaluation = |fate: &Fate| match fate {
        Fate::Replaced => "Static",
        Fate::Perhaps => "Dynamic",
    };
    let mut causes = Vec::new();
    for reference in references(raw).unwrap_or_default() {
        match reference {
            Reference::Name(name) if parameters.contains(&name) => {
                causes.push(("Static", "ParameterReference", name));
            }
            Reference::Name(name) => {
                if let Some(fate) = fates.get(&name) {
                    causes.push((evaluation(fate), "ResourceReference", name));
                }
            }
            Reference::Attribute(id, attribute) => {
                if let Some(fate) = fates.get(&id) {
                    let cause = format!("{id}.{attribute}");
                    causes.push((evaluation(fate), "ResourceAttribute", cause));
                }
            }
            _ => {}
        }
    }
    causes
}

/// A value as DescribeChangeSet prints it: texts bare, the rest as JSON.
fn shown(value: &Value) -> String {
    scalar(value).unwrap_or_else(|| value.to_json())
}

/// Whether an output gets another value or export name.
fn outputs_change(comparison: &Comparison<'_>, preview: &Preview<'_>) -> Result<bool, CloudError> {
    let (mut outputs, mut exports) = (BTreeMap::new(), BTreeMap::new());
    for (name, output) in &comparison.template.outputs {
        let evaluator = comparison.evaluator;
        if !evaluator.holds(output.condition.as_deref()) {
            continue;
        }
        let value = evaluator.text(&output.value, preview)?;
        if unknown(&value.clone().into()) {
            return Ok(true);
        }
        if let Some(export) = &output.export {
            exports.insert(evaluator.text(export, preview)?, value.clone());
        }
        outputs.insert(name.clone(), value);
    }
    Ok(outputs != comparison.head.outputs || exports != comparison.head.exports)
}

/// "Considerations during an import operation": nothing else may change, and each target has a deletion policy.
fn check_import(
    comparison: &Comparison<'_>,
    unlisted: &[String],
    modified: &[String],
    outputs: bool,
) -> Result<(), CloudError> {
    if !unlisted.is_empty() {
        return Err(refused(format!(
            "Resources [{}] is missing from ResourceToImport list",
            unlisted.join(", ")
        )));
    }
    if !modified.is_empty() {
        return Err(refused(format!(
            "You have modified resources [{}] in your template that are not being imported. Update, create or delete operations cannot be executed during import operations.",
            modified.join(", ")
        )));
    }
    if outputs {
        return Err(refused("As part of the import operation, you cannot modify or add [Outputs]"));
    }
    if comparison.imports.len() > 200 {
        return Err(refused(
            "1 validation error detected: Value at 'resourcesToImport' failed to satisfy constraint: Member must have length less than or equal to 200",
        ));
    }
    for target in comparison.imports {
        let id = target.logical_id.as_str();
        let Some(resource) = comparison.template.resources.get(id) else {
            return Err(refused(format!(
                "Resource {id} is in the ResourcesToImport list, but not in the template"
            )));
        };
        if resource.kind != target.kind {
            return Err(refused(format!(
                "ResourceType of {id} in ResourcesToImport is {}, in the template {}",
                target.kind, resource.kind
            )));
        }
        if comparison.body.resources.contains_key(id) {
            return Err(refused(format!(
                "Resource {id} already exists in the stack {}",
                comparison.head.name
            )));
        }
        if resource.deletion_policy.is_none() {
            return Err(refused(format!(
                "The following resources to import [{id}] must have DeletionPolicy attribute specified in the template."
            )));
        }
        if !schema::can_read(&resource.kind) {
            return Err(refused(format!(
                "ResourceTypes [{}] are not supported for Import",
                resource.kind
            )));
        }
        let missing = schema::identifier(&resource.kind)
            .iter()
            .any(|part| !target.identifier.contains_key(*part));
        if missing {
            return Err(refused(format!(
                "Provided values for Resource Identifier properties of {id} do not match the required ones: [{}]",
                schema::identifier(&resource.kind).join(", ")
            )));
        }
    }
    Ok(())
}
