//! Faults on demand: what the sandbox does wrong because it was told to.
//!
//! The rules stand in `faults.json` in the sandbox's directory, which a person may edit while the sandbox runs; a rule
//! that is to act a number of times is counted down there, and taken out at nought. Each call names itself by the
//! method of the AWS API that it stands for (`CreateChangeSet`, `DescribeStacks`, `PutObject`).
//! Invariant: without the file, nothing here has any effect.

use serde::{Deserialize, Serialize};

use crate::cloud::{ChangeAction, ChangeSet, CloudError, Replacement};

/// All faults. The default has none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Resources that fail.
    pub fail: Vec<FailResource>,
    /// Calls that are refused because there were too many.
    pub throttle: Vec<FaultyCall>,
    /// Calls that are carried out, and whose answer is lost.
    pub lose: Vec<FaultyCall>,
    /// Calls that the caller may not make.
    pub deny: Vec<FaultyCall>,
    /// Calls that are answered with these words, and not carried out.
    pub answer: Vec<Answer>,
    /// Resources that a change set says it would replace, whatever is true: CloudFormation that knows better than
    /// its documents.
    pub surprise: Vec<Surprise>,
    /// Resources at which the client dies: every later call on this [`Sandbox`](super::Sandbox) goes unanswered, the
    /// stack stays in progress, and goes on when the directory is opened again, as it would in the cloud.
    pub crash: Vec<CrashAt>,
    /// How long each resource takes, in milliseconds; then the stack moves on between calls, as time passes.
    pub slow: u64,
    /// Failed operations are not rolled back, as with DisableRollback: CREATE_FAILED and UPDATE_FAILED.
    pub keep_failed: bool,
}

/// A resource that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailResource {
    /// A logical id, or `stack/logical id`, or a type such as `AWS::KMS::Key`.
    pub resource: String,
    /// What it fails at.
    pub at: FailAt,
    /// What the service says; a text about an internal failure if there is none.
    #[serde(default)]
    pub reason: Option<String>,
    /// How often; always if there is no number.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What a resource fails at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailAt {
    Create,
    Update,
    Delete,
    /// Restoring its old properties while an update is rolled back.
    Rollback,
    Import,
}

/// A call that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultyCall {
    /// The AWS operation, such as `ExecuteChangeSet`; `*` for all.
    pub call: String,
    /// How often; always if there is no number.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What a call is answered with in place of being carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// As in [`FaultyCall::call`].
    pub call: String,
    /// The kind of refusal. Without it the text is what the call answers, for those that answer with one:
    /// `GetCallerIdentity` (the caller's ARN) and `GetTemplate` (the template as it was once sent).
    #[serde(default)]
    pub error: Option<Refusal>,
    /// The service's words.
    pub text: String,
    /// How often; always if there is no number.
    #[serde(default)]
    pub times: Option<u32>,
}

/// The kinds of refusals that no other fault gives; the names of AWS's own error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    ExpiredToken,
    InsufficientCapabilitiesException,
    LimitExceededException,
    OperationInProgressException,
    ValidationError,
    /// Any code that has no meaning of its own to the caller.
    InternalFailure,
}

impl Refusal {
    /// The answer in the words of the seam.
    fn error(self, text: String) -> CloudError {
        match self {
            Refusal::ExpiredToken => CloudError::Credentials(text),
            Refusal::InsufficientCapabilitiesException => CloudError::Capability(text),
            Refusal::LimitExceededException => CloudError::Limit(text),
            Refusal::OperationInProgressException => CloudError::InProgress(text),
            Refusal::ValidationError => CloudError::Refused(text),
            Refusal::InternalFailure => {
                CloudError::Other { code: "InternalFailure".into(), message: text }
            }
        }
    }
}

/// A resource of which a change set says something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surprise {
    /// A logical id.
    pub resource: String,
}

/// A resource at which the client dies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashAt {
    /// As in [`FailResource::resource`].
    pub resource: String,
}

/// A fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Throttled,
    Denied,
}

fn names(rule: &str, stack: &str, logical: &str, kind: &str) -> bool {
    rule == logical
        || rule == kind
        || rule.split_once('/').is_some_and(|(wanted, id)| wanted == stack && id == logical)
}

/// Counts a rule down. `false`: it is used up.
fn spend(times: &mut Option<u32>) -> bool {
    match times {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    }
}

fn strike(rules: &mut Vec<FaultyCall>, call: &str) -> bool {
    let found = rules.iter_mut().find(|rule| rule.call == call || rule.call == "*");
    let struck = found.is_some_and(|rule| spend(&mut rule.times));
    rules.retain(|rule| rule.times != Some(0));
    struck
}

impl Faults {
    /// What goes wrong before a call is carried out.
    pub(super) fn before(&mut self, call: &str) -> Option<Trouble> {
        if strike(&mut self.throttle, call) {
            Some(Trouble::Throttled)
        } else if strike(&mut self.deny, call) {
            Some(Trouble::Denied)
        } else {
            None
        }
    }

    /// The refusal that a call is answered with.
    pub(super) fn refuses(&mut self, call: &str) -> Option<CloudError> {
        let (refusal, text) = self.answers(call, |answer| answer.error.is_some())?;
        refusal.map(|refusal| refusal.error(text))
    }

    /// The text that a call is answered with.
    pub(super) fn says(&mut self, call: &str) -> Option<String> {
        self.answers(call, |answer| answer.error.is_none()).map(|(_, text)| text)
    }

    fn answers(
        &mut self,
        call: &str,
        which: impl Fn(&Answer) -> bool,
    ) -> Option<(Option<Refusal>, String)> {
        let rule = self.answer.iter_mut().find(|rule| rule.call == call && which(rule))?;
        if !spend(&mut rule.times) {
            return None;
        }
        let answer = (rule.error, rule.text.clone());
        self.answer.retain(|rule| rule.times != Some(0));
        Some(answer)
    }

    /// Puts the surprises into a change set.
    pub(super) fn surprises(&self, set: &mut ChangeSet) {
        let changes = set.changes.iter_mut().filter(|one| one.action == ChangeAction::Modify);
        for change in changes {
            if self.surprise.iter().any(|one| one.resource == change.logical_id.as_str()) {
                change.replacement = Some(Replacement::True);
                change.policy_action = Some("ReplaceAndDelete".into());
            }
        }
    }

    /// Whether a call's answer is lost.
    pub(super) fn loses(&mut self, call: &str) -> bool {
        strike(&mut self.lose, call)
    }

    /// Why a resource fails now, if it does.
    pub(super) fn fails(
        &mut self,
        stack: &str,
        logical: &str,
        kind: &str,
        at: FailAt,
    ) -> Option<String> {
        let rule = self
            .fail
            .iter_mut()
            .find(|rule| rule.at == at && names(&rule.resource, stack, logical, kind))?;
        if !spend(&mut rule.times) {
            return None;
        }
        let reason = rule.reason.clone().unwrap_or_else(|| "Internal Failure".into());
        self.fail.retain(|rule| rule.times != Some(0));
        Some(reason)
    }

    /// Whether the client dies at a resource; it does so once.
    pub(super) fn crashes(&mut self, stack: &str, logical: &str, kind: &str) -> bool {
        let found = self.crash.iter().position(|rule| names(&rule.resource, stack, logical, kind));
        found.map(|at| self.crash.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_counted_down() {
        let text = r#"{"throttle": [{"call": "CreateChangeSet", "times": 2}]}"#;
        let mut faults: Faults = serde_json::from_str(text).unwrap();
        assert_eq!(faults.before("DescribeStacks"), None);
        assert_eq!(faults.before("CreateChangeSet"), Some(Trouble::Throttled));
        assert_eq!(faults.before("CreateChangeSet"), Some(Trouble::Throttled));
        assert_eq!(faults.before("CreateChangeSet"), None);
        assert_eq!(faults, Faults::default());
    }

    #[test]
    fn an_answer_is_a_text_or_a_refusal() {
        let text = r#"{"answer": [
            {"call": "GetTemplate", "text": "Resources:", "times": 1},
            {"call": "DeleteStack", "error": "LimitExceededException", "text": "too many"}
        ]}"#;
        let mut faults: Faults = serde_json::from_str(text).unwrap();
        assert_eq!(faults.refuses("GetTemplate"), None);
        assert_eq!(faults.says("GetTemplate").as_deref(), Some("Resources:"));
        assert_eq!(faults.says("GetTemplate"), None);
        for _ in 0..2 {
            let refused = CloudError::Limit("too many".into());
            assert_eq!(faults.refuses("DeleteStack"), Some(refused));
        }
        assert_eq!(faults.refuses("ListStacks"), None);
    }

    #[test]
    fn a_resource_is_named_in_three_ways() {
        for rule in ["Raw", "storage/Raw", "AWS::S3::Bucket"] {
            assert!(names(rule, "storage", "Raw", "AWS::S3::Bucket"));
        }
        assert!(!names("other/Raw", "storage", "Raw", "AWS::S3::Bucket"));
    }
}
