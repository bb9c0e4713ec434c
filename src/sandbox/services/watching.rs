//! Topics, alarms, schedules, log filters: what watches a lake.
//!
//! Sources: CloudWatch API reference, PutMetricAlarm (the window that an alarm can look at); SNS API reference,
//! Subscribe; EventBridge Scheduler API reference, CreateSchedule; CloudWatch Logs API reference, PutMetricFilter.

use super::policy::{document, stranger, texts, well_formed};
use super::{Answer, Question, number, refuse};
use crate::document::Value;

fn invalid(message: impl Into<String>) -> Answer {
    Ok(Err(refuse("InvalidRequest", message)))
}

/// A topic's policy: its topics and principals exist.
pub(super) fn topic_policy(question: &mut Question<'_>) -> Answer {
    let topics: Vec<String> =
        texts(question.new.get("Topics")).into_iter().map(str::to_owned).collect();
    for topic in topics {
        if !question.there("AWS::SNS::Topic", &topic)? {
            return Ok(Err(refuse(
                "NotFound",
                format!("Topic does not exist: {topic} (Service: Sns, NotFound)"),
            )));
        }
    }
    let Some(policy) = question.new.get("PolicyDocument").and_then(document) else {
        return Ok(Ok(()));
    };
    if let Err(refusal) = well_formed(&policy) {
        return Ok(Err(refusal));
    }
    if stranger(question, &policy)?.is_some() {
        return invalid(
            "Invalid parameter: Policy Error: PrincipalNotFound (Service: Sns, InvalidParameter)",
        );
    }
    Ok(Ok(()))
}

/// A subscription: its topic exists.
pub(super) fn subscription(question: &mut Question<'_>) -> Answer {
    let topic = question.text("TopicArn").unwrap_or_default();
    if question.there("AWS::SNS::Topic", &topic)? {
        return Ok(Ok(()));
    }
    Ok(Err(refuse("NotFound", format!("Topic does not exist: {topic} (Service: Sns, NotFound)"))))
}

/// An alarm looks back a day at most, seven where its period is an hour or more.
pub(super) fn alarm(question: &mut Question<'_>) -> Answer {
    let mut longest = number(question.new, "Period").unwrap_or_default();
    if let Some(Value::List(metrics)) = question.new.get("Metrics") {
        for metric in metrics {
            longest = longest.max(number(metric, "MetricStat/Period").unwrap_or_default());
        }
    }
    let periods = number(question.new, "EvaluationPeriods").unwrap_or(1);
    let most = if longest >= 3600 { 604_800 } else { 86_400 };
    if longest * periods > most {
        return invalid(format!(
            "Metrics cannot be checked across more than {} (EvaluationPeriods * Period must be <= {most}). (Service: CloudWatch, ValidationError)",
            if most == 86_400 { "a day" } else { "seven days" }
        ));
    }
    if let (Some(alarming), Some(periods)) =
        (number(question.new, "DatapointsToAlarm"), number(question.new, "EvaluationPeriods"))
        && alarming > periods
    {
        return invalid(
            "DatapointsToAlarm must not be greater than EvaluationPeriods. (Service: CloudWatch, ValidationError)",
        );
    }
    Ok(Ok(()))
}

/// A schedule: its role exists.
pub(super) fn schedule(question: &mut Question<'_>) -> Answer {
    let Some(role) = question.text("Target/RoleArn") else {
        return Ok(Ok(()));
    };
    if question.role_exists(&role)? {
        return Ok(Ok(()));
    }
    invalid(
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role. (Service: Scheduler, ValidationException)",
    )
}

/// A filter on a log group: the group exists.
pub(super) fn log_filter(question: &mut Question<'_>) -> Answer {
    let group = question.text("LogGroupName").unwrap_or_default();
    if question.there("AWS::Logs::LogGroup", &group)? {
        return Ok(Ok(()));
    }
    Ok(Err(refuse(
        "NotFound",
        format!(
            "The specified log group does not exist: {group} (Service: CloudWatchLogs, ResourceNotFoundException)"
        ),
    )))
}
