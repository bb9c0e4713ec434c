//! Drift, as CloudFormation sees it: DetectStackDrift, DescribeStackDriftDetectionStatus,
//! DescribeStackResourceDrifts.
//!
//! Detection runs in the service; we look until it is done, and read what it found. One that failed
//! or took longer than our patience still has results, and says that it is not whole.

use std::time::Instant;

use aws_sdk_cloudformation as cfn;
use cfn::types::StackDriftDetectionStatus;

use super::Aws;
use super::error::told;
use super::pace::Call;
use super::stacks::{logical_id, said};
use crate::cloud::*;
use crate::document::Value;

impl Aws {
    pub(super) async fn drift_of(&self, at: &StackAddress) -> Result<StackDrift, CloudError> {
        let started = self
            .cloudformation(&at.region, Call::Other)
            .await
            .detect_stack_drift()
            .stack_name(&at.stack)
            .send()
            .await
            .map_err(|error| told("CloudFormation DetectStackDrift", error))?;
        let detection = started.stack_drift_detection_id().unwrap_or_default();
        let begin = Instant::now();
        let (mut wait, longest) = self.pace.drift_poll;
        let (complete, reason) = loop {
            let answer = self
                .cloudformation(&at.region, Call::Other)
                .await
                .describe_stack_drift_detection_status()
                .stack_drift_detection_id(detection)
                .send()
                .await
                .map_err(|error| told("CloudFormation DescribeStackDriftDetectionStatus", error));
            match answer {
                Ok(answer) => match answer.detection_status() {
                    Some(StackDriftDetectionStatus::DetectionComplete) => {
                        break (true, said(answer.detection_status_reason()));
                    }
                    Some(StackDriftDetectionStatus::DetectionFailed) => {
                        break (false, said(answer.detection_status_reason()));
                    }
                    _ => {}
                },
                // a failed look is no failed detection
                Err(CloudError::Throttled(_) | CloudError::NoAnswer(_)) => {}
                Err(error) => return Err(error),
            }
            if begin.elapsed() >= self.pace.drift_patience {
                let minutes = begin.elapsed().as_secs() / 60;
                break (false, Some(format!("detection still runs after {minutes} minutes")));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        };
        Ok(StackDrift { complete, reason, resources: self.drifts(at).await? })
    }

    async fn drifts(&self, at: &StackAddress) -> Result<Vec<ResourceDrift>, CloudError> {
        let mut resources = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .cloudformation(&at.region, Call::Other)
                .await
                .describe_stack_resource_drifts()
                .stack_name(&at.stack)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| told("CloudFormation DescribeStackResourceDrifts", error))?;
            for drift in page.stack_resource_drifts() {
                resources.push(resource(drift)?);
            }
            next = said(page.next_token());
            if next.is_none() {
                resources.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
                return Ok(resources);
            }
        }
    }
}

fn resource(drift: &cfn::types::StackResourceDrift) -> Result<ResourceDrift, CloudError> {
    let expected = drift.expected_properties().and_then(document);
    let actual = drift.actual_properties().and_then(document);
    let status = drift.stack_resource_drift_status().map_or("", |status| status.as_str());
    Ok(ResourceDrift {
        logical_id: logical_id(drift.logical_resource_id())?,
        physical_id: drift.physical_resource_id().unwrap_or_default().to_owned(),
        kind: drift.resource_type().unwrap_or_default().to_owned(),
        status: match status {
            "IN_SYNC" => DriftStatus::InSync,
            "MODIFIED" => DriftStatus::Modified,
            "DELETED" => DriftStatus::Deleted,
            // NOT_CHECKED, UNKNOWN, UNSUPPORTED
            _ => DriftStatus::NotChecked,
        },
        differences: drift
            .property_differences()
            .iter()
            .map(|difference| {
                let path = difference.property_path().unwrap_or_default();
                PropertyDrift {
                    path: path.to_owned(),
                    expected: value(path, expected.as_ref(), difference.expected_value()),
                    actual: value(path, actual.as_ref(), difference.actual_value()),
                }
            })
            .collect(),
        actual,
    })
}

/// A property's value: from the whole document, where it has its type; else from the difference,
/// which tells all values as texts (`null` where there is none).
fn value(path: &str, whole: Option<&Value>, text: Option<&str>) -> Option<Value> {
    if let Some(value) = whole.and_then(|whole| at_pointer(whole, path)) {
        return Some(value.clone());
    }
    match text? {
        "" | "null" => None,
        text => Some(document(text).unwrap_or_else(|| text.to_owned().into())),
    }
}

/// A text that is an object or a list.
fn document(text: &str) -> Option<Value> {
    text.trim_start().starts_with(['{', '[']).then(|| Value::from_json(text).ok())?
}

/// The value at a JSON pointer (RFC 6901).
fn at_pointer<'v>(whole: &'v Value, pointer: &str) -> Option<&'v Value> {
    let steps: Vec<String> =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    (!steps.is_empty()).then(|| whole.at(&steps))?
}
