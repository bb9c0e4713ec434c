//! Reading stacks: ListStacks, DescribeStacks, GetTemplate, ListStackResources,
//! DescribeStackEvents.
//!
//! In: an address. Out: our own values, all pages of them.
//! INVARIANT: nothing here changes anything, and DescribeStacks is never called without a name,
//! which would answer with every stack of the account.

use std::collections::BTreeMap;

use aws_sdk_cloudformation as cfn;
use cfn::primitives::{DateTime, DateTimeFormat};
use cfn::types::TemplateStage;

use super::Aws;
use super::error::told;
use super::pace::Call;
use crate::cloud::*;
use crate::names::{LogicalId, Region, StackName};

impl Aws {
    pub(super) async fn all_stacks(
        &self,
        region: &Region,
    ) -> Result<Vec<StackSummary>, CloudError> {
        let alive: Vec<cfn::types::StackStatus> = StackStatus::ALL
            .iter()
            .filter(|status| **status != StackStatus::DeleteComplete)
            .map(|status| cfn::types::StackStatus::from(status.as_str()))
            .collect();
        let mut stacks = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .cloudformation(region, Call::Other)
                .await
                .list_stacks()
                .set_stack_status_filter(Some(alive.clone()))
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| told("CloudFormation ListStacks", error))?;
            for stack in page.stack_summaries() {
                let status = status(stack.stack_status().map(|status| status.as_str()))?;
                if status == StackStatus::DeleteComplete {
                    continue;
                }
                stacks.push(StackSummary {
                    id: stack.stack_id().unwrap_or_default().to_owned(),
                    name: name(stack.stack_name())?,
                    status,
                    updated: newest(stack.creation_time(), stack.last_updated_time()),
                });
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(stacks);
            }
        }
    }

    pub(super) async fn one_stack(&self, at: &StackAddress) -> Result<Option<Stack>, CloudError> {
        let answer = self
            .cloudformation(&at.region, Call::DescribeStacks)
            .await
            .describe_stacks()
            .stack_name(&at.stack)
            .send()
            .await
            .map_err(|error| told("CloudFormation DescribeStacks", error));
        let answer = match answer {
            Err(CloudError::NotFound(_)) => return Ok(None),
            answer => answer?,
        };
        let Some(stack) = answer.stacks().first() else {
            return Ok(None);
        };
        let status = status(stack.stack_status().map(|status| status.as_str()))?;
        if status == StackStatus::DeleteComplete && !at.stack.starts_with("arn:") {
            return Ok(None);
        }
        let pair = |key: Option<&str>, value: Option<&str>| {
            Some((key?.to_owned(), value.unwrap_or_default().to_owned()))
        };
        Ok(Some(Stack {
            id: stack.stack_id().unwrap_or_default().to_owned(),
            name: name(stack.stack_name())?,
            status,
            status_reason: said(stack.stack_status_reason()),
            updated: newest(stack.creation_time(), stack.last_updated_time()),
            parameters: stack
                .parameters()
                .iter()
                .filter_map(|one| pair(one.parameter_key(), one.parameter_value()))
                .collect::<BTreeMap<_, _>>(),
            outputs: stack
                .outputs()
                .iter()
                .filter_map(|one| pair(one.output_key(), one.output_value()))
                .collect::<BTreeMap<_, _>>(),
            tags: tags_of(stack.tags()),
            termination_protection: stack.enable_termination_protection().unwrap_or(false),
            execution_role: said(stack.role_arn()),
        }))
    }

    pub(super) async fn original_template(&self, at: &StackAddress) -> Result<String, CloudError> {
        let answer = self
            .cloudformation(&at.region, Call::Other)
            .await
            .get_template()
            .stack_name(&at.stack)
            .template_stage(TemplateStage::Original)
            .send()
            .await
            .map_err(|error| told("CloudFormation GetTemplate", error))?;
        answer
            .template_body()
            .map(str::to_owned)
            .ok_or_else(|| CloudError::NotFound(format!("the template of {at}")))
    }

    pub(super) async fn all_resources(
        &self,
        at: &StackAddress,
    ) -> Result<Vec<StackResource>, CloudError> {
        let mut resources = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .cloudformation(&at.region, Call::Other)
                .await
                .list_stack_resources()
                .stack_name(&at.stack)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| told("CloudFormation ListStackResources", error))?;
            for resource in page.stack_resource_summaries() {
                resources.push(StackResource {
                    logical_id: logical_id(resource.logical_resource_id())?,
                    physical_id: resource.physical_resource_id().unwrap_or_default().to_owned(),
                    kind: resource.resource_type().unwrap_or_default().to_owned(),
                    status: resource
                        .resource_status()
                        .map(|status| status.as_str().to_owned())
                        .unwrap_or_default(),
                    status_reason: said(resource.resource_status_reason()),
                });
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                resources.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
                return Ok(resources);
            }
        }
    }

    /// The service tells the newest event first; we read back to the last one known.
    pub(super) async fn events_after(
        &self,
        at: &StackAddress,
        after: Option<&str>,
    ) -> Result<Vec<StackEvent>, CloudError> {
        let mut events = Vec::new();
        let mut next = None;
        loop {
            let page = self.events_page(at, next).await?;
            for event in page.stack_events() {
                if after.is_some() && event.event_id() == after {
                    events.reverse();
                    return Ok(events);
                }
                events.push(StackEvent {
                    id: event.event_id().unwrap_or_default().to_owned(),
                    timestamp: event.timestamp().map(printed).unwrap_or_default(),
                    logical_id: event.logical_resource_id().unwrap_or_default().to_owned(),
                    physical_id: event.physical_resource_id().unwrap_or_default().to_owned(),
                    kind: event.resource_type().unwrap_or_default().to_owned(),
                    status: event
                        .resource_status()
                        .map(|status| status.as_str().to_owned())
                        .unwrap_or_default(),
                    reason: said(event.resource_status_reason()),
                    token: said(event.client_request_token()),
                });
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                events.reverse();
                return Ok(events);
            }
        }
    }

    pub(super) async fn events_page(
        &self,
        at: &StackAddress,
        next: Option<String>,
    ) -> Result<cfn::operation::describe_stack_events::DescribeStackEventsOutput, CloudError> {
        self.cloudformation(&at.region, Call::Other)
            .await
            .describe_stack_events()
            .stack_name(&at.stack)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| told("CloudFormation DescribeStackEvents", error))
    }
}

/// Tags by their keys.
pub(super) fn tags_of(tags: &[cfn::types::Tag]) -> BTreeMap<String, String> {
    let value = |tag: &cfn::types::Tag| tag.value().unwrap_or_default().to_owned();
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), value(tag)))).collect()
}

/// A text that says something.
pub(super) fn said(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The form of an answer is not what the API's documentation says, or newer than this version.
pub(super) fn unreadable(what: impl Into<String>) -> CloudError {
    CloudError::Other { code: "UnknownAnswer".into(), message: what.into() }
}

/// A logical id of an answer.
pub(super) fn logical_id(text: Option<&str>) -> Result<LogicalId, CloudError> {
    let text = text.unwrap_or_default();
    LogicalId::new(text).map_err(|why| unreadable(format!("the logical id `{text}`: {why}")))
}

fn name(text: Option<&str>) -> Result<StackName, CloudError> {
    let text = text.unwrap_or_default();
    StackName::new(text).map_err(|why| unreadable(format!("the stack name `{text}`: {why}")))
}

fn status(text: Option<&str>) -> Result<StackStatus, CloudError> {
    let text = text.unwrap_or_default();
    StackStatus::parse(text).ok_or_else(|| {
        unreadable(format!("a stack has the status `{text}`, which this version does not know"))
    })
}

fn newest(created: Option<&DateTime>, updated: Option<&DateTime>) -> String {
    updated.or(created).map(printed).unwrap_or_default()
}

/// A time as the API prints it: ISO 8601, UTC.
pub(super) fn printed(time: &DateTime) -> String {
    time.fmt(DateTimeFormat::DateTime).unwrap_or_default()
}
