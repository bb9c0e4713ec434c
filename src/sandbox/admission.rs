//! What CreateChangeSet refuses at once: names, sizes, capabilities, roles, and stacks in the wrong state.
//!
//! Sources: CloudFormation API reference, CreateChangeSet; User Guide, "Understand CloudFormation quotas"; the wording
//! is CloudFormation's.

use super::services::{Question, principal};
use super::state::{Definition, Head, Place};
use super::template::{Template, refused};
use super::world::World;
use crate::cloud::{ChangeSetKind, ChangeSetRequest, CloudError, StackStatus, TemplateSource};
use crate::document::Value;

/// API reference, CreateChangeSet: TemplateBody in bytes, TemplateURL ("Template may not exceed 1000000 bytes").
const MOST_INLINE: usize = 51_200;
const MOST_TEMPLATE: usize = 1_000_000;

/// The error for a stack whose status does not let it be updated.
pub(super) fn not_now(head: &Head) -> CloudError {
    let text = format!("Stack:{} is in {} state and can not be updated.", head.id, head.status);
    match head.status.in_progress() {
        true => CloudError::InProgress(text),
        false => CloudError::Refused(text),
    }
}

pub(super) fn check_names(request: &ChangeSetRequest) -> Result<(), CloudError> {
    let wrong = |what: &str, value: &str, rule: &str| {
        refused(format!(
            "1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: Member must satisfy regular expression pattern: {rule}"
        ))
    };
    let word = |text: &str| {
        text.len() <= 128
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !word(&request.name) {
        return Err(wrong("changeSetName", &request.name, "[a-zA-Z][-a-zA-Z0-9]*"));
    }
    let stack = &request.stack.stack;
    if !stack.starts_with("arn:") && !word(stack) {
        return Err(wrong("stackName", stack, "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"));
    }
    let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if request.token.len() > 128 || !request.token.bytes().all(token) {
        return Err(wrong("clientToken", &request.token, "[a-zA-Z0-9][-a-zA-Z0-9]*"));
    }
    Ok(())
}

pub(super) fn check_tags(request: &ChangeSetRequest) -> Result<(), CloudError> {
    if request.tags.len() > 50 {
        return Err(refused(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
        ));
    }
    match request.tags.keys().find(|key| key.starts_with("aws:")) {
        Some(key) => Err(refused(format!(
            "Tag key {key} is reserved: aws: prefixed tag key names are not allowed for external use."
        ))),
        None => Ok(()),
    }
}

pub(super) fn template_text(
    world: &mut World,
    source: &TemplateSource,
) -> Result<String, CloudError> {
    match source {
        TemplateSource::Inline(text) if text.len() > MOST_INLINE => Err(refused(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {MOST_INLINE}"
        ))),
        TemplateSource::Inline(text) if text.is_empty() => {
            Err(refused("Either Template URL or Template Body must be specified."))
        }
        TemplateSource::Inline(text) => Ok(text.clone()),
        TemplateSource::Object(at) => {
            let object = match super::objects::get(&mut world.realm, at) {
                Ok(object) => object,
                Err(CloudError::AccessDenied(_)) => {
                    return Err(refused("S3 error: Access Denied"));
                }
                Err(CloudError::Refused(text)) => return Err(refused(format!("S3 error: {text}"))),
                Err(other) => return Err(other),
            };
            let object =
                object.ok_or_else(|| refused("S3 error: The specified key does not exist."))?;
            if object.body.len() > MOST_TEMPLATE {
                return Err(refused(format!(
                    "Template may not exceed {MOST_TEMPLATE} bytes in size."
                )));
            }
            String::from_utf8(object.body)
                .map_err(|_| refused("Template format error: unsupported structure."))
        }
    }
}

/// The stack that the change set is for; `None` if it has to be made.
pub(super) fn stack_for(
    world: &World,
    place: &Place,
    request: &ChangeSetRequest,
) -> Result<Option<String>, CloudError> {
    let stack = &request.stack.stack;
    let found = world.locate(&request.stack).map(|(_, tail)| tail);
    let Some(tail) = found else {
        if request.kind == ChangeSetKind::Update || stack.starts_with("arn:") {
            return Err(CloudError::NotFound(format!("Stack [{stack}] does not exist")));
        }
        let most = world.realm.options.most_stacks;
        let area = world.areas.get(place);
        let there = area.into_iter().flat_map(|area| area.values());
        if there.filter(|stack| !stack.head.deleted()).count() >= most {
            return Err(CloudError::Limit(format!(
                "Limit for stack has been exceeded: {most} in {}",
                place.region
            )));
        }
        return Ok(None);
    };
    let head = &world.areas[place][&tail].head;
    let review = head.status == StackStatus::ReviewInProgress;
    match request.kind {
        ChangeSetKind::Create if !review => Err(refused(format!(
            "Stack [{stack}] already exists and cannot be created again with the changeSet [{}].",
            request.name
        ))),
        ChangeSetKind::Update if review => Err(refused(format!(
            "Stack:{} is in {} state and can not be updated.",
            head.id, head.status
        ))),
        // A failed update that was kept can be tried again ("Stack failure options").
        ChangeSetKind::Update
            if !head.status.updatable()
                && !matches!(
                    head.status,
                    StackStatus::UpdateFailed | StackStatus::CreateFailed
                ) =>
        {
            Err(not_now(head))
        }
        ChangeSetKind::Import if !review && !head.status.updatable() => Err(not_now(head)),
        _ => Ok(Some(tail)),
    }
}

/// "Acknowledging IAM resources in CloudFormation templates".
pub(super) fn check_capabilities(
    template: &Template,
    request: &ChangeSetRequest,
) -> Result<(), CloudError> {
    let mut needed = None;
    for resource in template.resources.values() {
        let name = match resource.kind.as_str() {
            "AWS::IAM::Role" => "RoleName",
            "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
            "AWS::IAM::User" => "UserName",
            "AWS::IAM::Group" => "GroupName",
            "AWS::IAM::InstanceProfile" => "InstanceProfileName",
            "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => "",
            "AWS::IAM::AccessKey" | "AWS::IAM::UserToGroupAddition" => "",
            _ => continue,
        };
        let named = resource.properties.get(name).is_some();
        needed = needed.max(Some(match named {
            true => "CAPABILITY_NAMED_IAM",
            false => "CAPABILITY_IAM",
        }));
    }
    let has = |capability: &str| request.capabilities.iter().any(|own| own == capability);
    match needed {
        Some("CAPABILITY_IAM") if !has("CAPABILITY_IAM") && !has("CAPABILITY_NAMED_IAM") => {
            Err(CloudError::Capability("Requires capabilities : [CAPABILITY_IAM]".into()))
        }
        Some("CAPABILITY_NAMED_IAM") if !has("CAPABILITY_NAMED_IAM") => {
            Err(CloudError::Capability("Requires capabilities : [CAPABILITY_NAMED_IAM]".into()))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_role(
    world: &mut World,
    place: &Place,
    definition: &Definition,
) -> Result<(), CloudError> {
    let Some(role) = &definition.role else {
        return Ok(());
    };
    let caller = world.realm.options.caller_arn();
    let mut question = Question {
        realm: &mut world.realm,
        place,
        caller: &caller,
        kind: "",
        identifier: "",
        new: &Value::Null,
        old: None,
    };
    let exists = principal(&mut question, role)?;
    match exists && role.contains(":role/") {
        true => Ok(()),
        false => Err(refused(format!("Role {role} is invalid or cannot be assumed"))),
    }
}
