//! Changing stacks: change sets, deletion, the ways out of a failed rollback, protection.
//!
//! Every call that changes something carries the caller's token. An answer can be lost after the
//! call was carried out; the SDK's next try then meets its own work and is refused. Each call here
//! looks, before it reports a refusal, whether it was its own doing: a change set carries its token
//! in its description, and CloudFormation writes the token into every event of an operation.
//! INVARIANT: Ok means that CloudFormation has taken the call with this token, and once.

use std::sync::PoisonError;

use aws_sdk_cloudformation as cfn;
use cfn::operation::describe_change_set::DescribeChangeSetOutput;
use cfn::types::{
    Capability, ChangeSetType, Parameter, ResourceToImport, RollbackConfiguration, Tag,
};

use super::Aws;
use super::attempts::Attempts;
use super::error::told;
use super::pace::Call;
use super::place::object_url;
use super::stacks::{logical_id, said, tags_of, unreadable};
use crate::cloud::*;
use crate::names::{Arn, LogicalId, Region};

/// What a change set's description says: who made it, and by which call.
fn mark(token: &str) -> String {
    format!("lakewright {token}")
}

impl Aws {
    pub(super) async fn make_change_set(
        &self,
        request: &ChangeSetRequest,
    ) -> Result<String, CloudError> {
        let region = &request.stack.region;
        let (body, url) = match &request.template {
            TemplateSource::Inline(body) => (Some(body.clone()), None),
            TemplateSource::Object(at) => (None, Some(object_url(at, self.s3_endpoint.as_deref()))),
        };
        let parameters = request.parameters.iter().map(|(key, value)| {
            Parameter::builder().parameter_key(key).parameter_value(value).build()
        });
        let tags =
            request.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let imports = request.imports.iter().map(|target| {
            ResourceToImport::builder()
                .resource_type(&target.kind)
                .logical_resource_id(target.logical_id.as_str())
                .set_resource_identifier(Some(target.identifier.clone().into_iter().collect()))
                .build()
        });
        let imports: Vec<_> = imports.collect();
        let attempts = Attempts::default();
        let answer = self
            .cloudformation(region, Call::Other)
            .await
            .create_change_set()
            .stack_name(&request.stack.stack)
            .change_set_name(&request.name)
            .change_set_type(match request.kind {
                ChangeSetKind::Create => ChangeSetType::Create,
                ChangeSetKind::Update => ChangeSetType::Update,
                ChangeSetKind::Import => ChangeSetType::Import,
            })
            .set_template_body(body)
            .set_template_url(url)
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()))
            .set_capabilities(Some(
                request
                    .capabilities
                    .iter()
                    .map(|capability| Capability::from(capability.as_str()))
                    .collect(),
            ))
            .set_role_arn(request.execution_role.as_ref().map(|role| role.to_string()))
            // said empty, so that what somebody set by hand does not stay unseen
            .set_notification_arns(Some(Vec::new()))
            .rollback_configuration(
                RollbackConfiguration::builder().set_rollback_triggers(Some(Vec::new())).build(),
            )
            .set_resources_to_import((!imports.is_empty()).then_some(imports))
            .description(mark(&request.token))
            .client_token(&request.token)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map_err(|error| told("CloudFormation CreateChangeSet", error));
        let (id, stack) = match answer {
            Ok(answer) => (answer.id().unwrap_or_default().to_owned(), said(answer.stack_id())),
            Err(error) => {
                // a name that is taken, or a failure after which an earlier try may have succeeded
                let may_be_ours = attempts.repeated()
                    || matches!(error, CloudError::AlreadyExists(_) | CloudError::NoAnswer(_));
                match may_be_ours {
                    true => self.own_change_set(request).await.ok_or(error)?,
                    false => return Err(error),
                }
            }
        };
        if let Some(stack) = stack {
            self.change_sets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id.clone(), stack);
        }
        Ok(id)
    }

    /// The change set with the request's name on its stack, if this very request made it.
    async fn own_change_set(&self, request: &ChangeSetRequest) -> Option<(String, Option<String>)> {
        let found = self
            .cloudformation(&request.stack.region, Call::Other)
            .await
            .describe_change_set()
            .stack_name(&request.stack.stack)
            .change_set_name(&request.name)
            .send()
            .await
            .ok()?;
        (found.description() == Some(mark(&request.token).as_str()))
            .then(|| Some((found.change_set_id()?.to_owned(), said(found.stack_id()))))?
    }

    pub(super) async fn change_sets_of(
        &self,
        at: &StackAddress,
    ) -> Result<Vec<String>, CloudError> {
        let mut ids = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .cloudformation(&at.region, Call::Other)
                .await
                .list_change_sets()
                .stack_name(&at.stack)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| told("CloudFormation ListChangeSets", error))?;
            ids.extend(page.summaries().iter().filter_map(|it| said(it.change_set_id())));
            next = said(page.next_token());
            if next.is_none() {
                return Ok(ids);
            }
        }
    }

    pub(super) async fn whole_change_set(
        &self,
        region: &Region,
        id: &str,
    ) -> Result<ChangeSet, CloudError> {
        let first = self.change_set_page(region, id, None).await?;
        let status = first.status().map_or("", |status| status.as_str());
        let execution = first.execution_status().map_or("", |status| status.as_str());
        let mut set = ChangeSet {
            id: first.change_set_id().unwrap_or(id).to_owned(),
            name: first.change_set_name().unwrap_or_default().to_owned(),
            stack_id: first.stack_id().unwrap_or_default().to_owned(),
            status: ChangeSetStatus::parse(status)
                .ok_or_else(|| unreadable(format!("a change set has the status `{status}`")))?,
            execution: ExecutionStatus::parse(execution).ok_or_else(|| {
                unreadable(format!("a change set has the execution status `{execution}`"))
            })?,
            reason: said(first.status_reason()),
            tags: tags_of(first.tags()),
            changes: Vec::new(),
        };
        let mut page = first;
        loop {
            for change in page.changes() {
                if let Some(change) = change.resource_change() {
                    set.changes.push(resource_change(change)?);
                }
            }
            let Some(next) = said(page.next_token()) else {
                return Ok(set);
            };
            page = self.change_set_page(region, id, Some(next)).await?;
        }
    }

    async fn change_set_page(
        &self,
        region: &Region,
        id: &str,
        next: Option<String>,
    ) -> Result<DescribeChangeSetOutput, CloudError> {
        self.cloudformation(region, Call::Other)
            .await
            .describe_change_set()
            .change_set_name(id)
            .include_property_values(true)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| told("CloudFormation DescribeChangeSet", error))
    }

    pub(super) async fn run_change_set(
        &self,
        region: &Region,
        id: &str,
        token: &str,
    ) -> Result<(), CloudError> {
        let attempts = Attempts::default();
        let sent = self
            .cloudformation(region, Call::Other)
            .await
            .execute_change_set()
            .change_set_name(id)
            .client_request_token(token)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("CloudFormation ExecuteChangeSet", error));
        let Err(error) = sent else { return Ok(()) };
        let known =
            self.change_sets.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let stack = match known {
            Some(stack) => Some(stack),
            None => self
                .change_set_page(region, id, None)
                .await
                .ok()
                .and_then(|set| said(set.stack_id())),
        };
        match stack {
            Some(stack) => {
                let at = StackAddress::new(region, stack);
                self.settle(&at, token, &attempts, Err(error)).await
            }
            None => Err(error),
        }
    }

    pub(super) async fn drop_change_set(
        &self,
        region: &Region,
        id: &str,
    ) -> Result<(), CloudError> {
        let done = self
            .cloudformation(region, Call::Other)
            .await
            .delete_change_set()
            .change_set_name(id)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("CloudFormation DeleteChangeSet", error));
        match done {
            Err(CloudError::NotFound(_)) => Ok(()),
            done => done,
        }
    }

    pub(super) async fn drop_stack(
        &self,
        at: &StackAddress,
        retain: &[LogicalId],
        execution_role: Option<&Arn>,
        token: &str,
    ) -> Result<(), CloudError> {
        let attempts = Attempts::default();
        let retain = retain.iter().map(|id| id.as_str().to_owned());
        let retain: Vec<String> = retain.collect();
        let sent = self
            .cloudformation(&at.region, Call::Other)
            .await
            .delete_stack()
            .stack_name(&at.stack)
            .set_retain_resources((!retain.is_empty()).then_some(retain))
            .set_role_arn(execution_role.map(|role| role.to_string()))
            .client_request_token(token)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("CloudFormation DeleteStack", error));
        self.settle(at, token, &attempts, sent).await
    }

    pub(super) async fn finish_rollback(
        &self,
        at: &StackAddress,
        skip: &[LogicalId],
        token: &str,
    ) -> Result<(), CloudError> {
        let attempts = Attempts::default();
        let skip: Vec<String> = skip.iter().map(|id| id.as_str().to_owned()).collect();
        let sent = self
            .cloudformation(&at.region, Call::Other)
            .await
            .continue_update_rollback()
            .stack_name(&at.stack)
            .set_resources_to_skip((!skip.is_empty()).then_some(skip))
            .client_request_token(token)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("CloudFormation ContinueUpdateRollback", error));
        self.settle(at, token, &attempts, sent).await
    }

    pub(super) async fn roll_back(&self, at: &StackAddress, token: &str) -> Result<(), CloudError> {
        let attempts = Attempts::default();
        let sent = self
            .cloudformation(&at.region, Call::Other)
            .await
            .rollback_stack()
            .stack_name(&at.stack)
            .client_request_token(token)
            .customize()
            .interceptor(attempts.clone())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("CloudFormation RollbackStack", error));
        self.settle(at, token, &attempts, sent).await
    }

    /// The call has no token and needs none: twice is as once.
    pub(super) async fn protect(&self, at: &StackAddress, on: bool) -> Result<(), CloudError> {
        self.cloudformation(&at.region, Call::Other)
            .await
            .update_termination_protection()
            .stack_name(&at.stack)
            .enable_termination_protection(on)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| told("CloudFormation UpdateTerminationProtection", error))
    }

    /// The outcome of a call, unless it failed only because it had been carried out before: then
    /// the stack's events carry its token.
    async fn settle(
        &self,
        at: &StackAddress,
        token: &str,
        attempts: &Attempts,
        sent: Result<(), CloudError>,
    ) -> Result<(), CloudError> {
        let Err(error) = sent else { return Ok(()) };
        let unclear = matches!(
            error,
            CloudError::NoAnswer(_)
                | CloudError::Refused(_)
                | CloudError::InProgress(_)
                | CloudError::AlreadyExists(_)
                | CloudError::NotFound(_)
        );
        if !unclear && !attempts.repeated() {
            return Err(error);
        }
        // events may lag behind a call whose answer was lost; a plain refusal is looked up once,
        // for the caller that comes again with the same token
        let lost = attempts.repeated() || matches!(error, CloudError::NoAnswer(_));
        let (looks, apart) = self.pace.recall;
        for look in 0..if lost { looks.max(1) } else { 1 } {
            if look > 0 {
                tokio::time::sleep(apart).await;
            }
            let Ok(page) = self.events_page(at, None).await else {
                continue;
            };
            let ours = |event: &cfn::types::StackEvent| event.client_request_token() == Some(token);
            if page.stack_events().iter().any(ours) {
                return Ok(());
            }
        }
        Err(error)
    }
}

/// A line of a change set.
fn resource_change(change: &cfn::types::ResourceChange) -> Result<ResourceChange, CloudError> {
    let action = change.action().map_or("", |action| action.as_str());
    let action = match action {
        "Add" => ChangeAction::Add,
        "Modify" => ChangeAction::Modify,
        "Remove" => ChangeAction::Remove,
        "Import" => ChangeAction::Import,
        "Dynamic" => ChangeAction::Dynamic,
        "SyncWithActual" => ChangeAction::SyncWithActual,
        _ => return Err(unreadable(format!("a change has the action `{action}`"))),
    };
    // the API sends it for Modify; elsewhere emulators do
    let replacement = change
        .replacement()
        .filter(|_| action == ChangeAction::Modify)
        .map(|replacement| match replacement.as_str() {
            "True" => Ok(Replacement::True),
            "False" => Ok(Replacement::False),
            "Conditional" => Ok(Replacement::Conditional),
            other => Err(unreadable(format!("a change has the replacement `{other}`"))),
        })
        .transpose()?;
    Ok(ResourceChange {
        action,
        logical_id: logical_id(change.logical_resource_id())?,
        physical_id: said(change.physical_resource_id()),
        kind: change.resource_type().unwrap_or_default().to_owned(),
        replacement,
        policy_action: change.policy_action().map(|action| action.as_str().to_owned()),
        details: change.details().iter().map(detail).collect(),
    })
}

fn detail(detail: &cfn::types::ResourceChangeDetail) -> ChangeDetail {
    let target = detail.target();
    ChangeDetail {
        attribute: target
            .and_then(|target| target.attribute())
            .map(|attribute| attribute.as_str().to_owned())
            .unwrap_or_default(),
        name: target.and_then(|target| said(target.name())),
        recreation: target
            .and_then(|target| target.requires_recreation())
            .map(|recreation| recreation.as_str().to_owned()),
        evaluation: detail.evaluation().map(|it| it.as_str().to_owned()),
        source: detail.change_source().map(|it| it.as_str().to_owned()),
        causing_entity: said(detail.causing_entity()),
        before: target.and_then(|target| target.before_value().map(str::to_owned)),
        after: target.and_then(|target| target.after_value().map(str::to_owned)),
    }
}
