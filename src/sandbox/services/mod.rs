//! What the services behind CloudFormation accept, and what they do besides: each type's own rules.
//!
//! CloudFormation hands a resource's properties to its service, and the service may refuse them for reasons that no
//! schema knows: a name that is taken, a principal that does not exist, a bucket that is not empty. [`admit`] and
//! [`release`] say so, with the service's words; [`settle`] does what follows from a change elsewhere.
//! Only rules that AWS documents are here; each names its page. Types without rules accept what their schema accepts.

mod catalog;
mod lake_formation;
mod policy;
mod storage;
mod watching;

use super::names::text_at;
use super::state::{Place, Thing};
use super::world::Realm;
use crate::cloud::CloudError;
use crate::document::Value;

/// A service's refusal: CloudFormation's handler error code, and the service's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub code: &'static str,
    pub message: String,
}

/// A refusal of this code.
pub(super) fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

/// A service's answer, or the sandbox's own failure.
pub(super) type Answer = Result<Result<(), Refusal>, CloudError>;

/// What a service is asked about.
pub(super) struct Question<'a> {
    pub realm: &'a mut Realm,
    pub place: &'a Place,
    /// Who asks: the ARN of CloudFormation's caller, or of the stack's execution role.
    pub caller: &'a str,
    pub kind: &'a str,
    /// The primary identifier.
    pub identifier: &'a str,
    /// The live properties as they are to be.
    pub new: &'a Value,
    /// The live properties as they are, for an update.
    pub old: Option<&'a Value>,
}

impl Question<'_> {
    /// The text at a path of the new properties.
    fn text(&self, path: &str) -> Option<String> {
        text_at(self.new, path)
    }

    /// Whether a property is new or has changed.
    fn changed(&self, property: &str) -> bool {
        match self.old {
            Some(old) => old.get(property) != self.new.get(property),
            None => self.new.get(property).is_some(),
        }
    }

    /// Whether there is a thing of a kind here.
    fn there(&mut self, kind: &str, identifier: &str) -> Result<bool, CloudError> {
        Ok(self.realm.find(kind, self.place, identifier)?.is_some())
    }

    /// Whether a role of this account, named by ARN or name, exists. Roles of other accounts do.
    fn role_exists(&mut self, role: &str) -> Result<bool, CloudError> {
        policy::principal_exists(self, role)
    }
}

/// Whether an AWS principal exists.
pub(super) fn principal(question: &mut Question<'_>, name: &str) -> Result<bool, CloudError> {
    policy::principal_exists(question, name)
}

/// Ends a check early with the service's refusal.
macro_rules! pass {
    ($answer:expr) => {
        if let Err(refusal) = $answer? {
            return Ok(Err(refusal));
        }
    };
}
pub(crate) use pass;

/// Whether the service takes these properties.
pub(super) fn admit(question: &mut Question<'_>) -> Answer {
    match question.kind {
        "AWS::S3::Bucket" => storage::bucket(question),
        "AWS::S3::BucketPolicy" => storage::bucket_policy(question),
        "AWS::KMS::Key" => policy::key(question),
        "AWS::KMS::Alias" => policy::alias(question),
        "AWS::IAM::Role" => policy::role(question),
        "AWS::IAM::ManagedPolicy" => policy::managed_policy(question),
        "AWS::IAM::RolePolicy" | "AWS::IAM::Policy" => policy::inline_policy(question),
        "AWS::Glue::Table" => catalog::table(question),
        "AWS::Glue::Job" | "AWS::Glue::Crawler" => catalog::job(question),
        "AWS::Glue::Trigger" => catalog::trigger(question),
        "AWS::Kinesis::Stream" => catalog::stream(question),
        "AWS::KinesisFirehose::DeliveryStream" => catalog::delivery_stream(question),
        "AWS::LakeFormation::Resource" => lake_formation::location(question),
        "AWS::LakeFormation::Tag" => lake_formation::tag(question),
        "AWS::LakeFormation::TagAssociation" => lake_formation::tagged(question),
        "AWS::LakeFormation::DataCellsFilter" => lake_formation::filter(question),
        "AWS::LakeFormation::PrincipalPermissions" => lake_formation::grant(question),
        "AWS::SNS::TopicPolicy" => watching::topic_policy(question),
        "AWS::SNS::Subscription" => watching::subscription(question),
        "AWS::CloudWatch::Alarm" => watching::alarm(question),
        "AWS::Scheduler::Schedule" => watching::schedule(question),
        "AWS::Logs::MetricFilter" | "AWS::Logs::SubscriptionFilter" => {
            watching::log_filter(question)
        }
        kind if kind.starts_with("AWS::CloudFormation::") => Ok(Err(refuse(
            "InvalidRequest",
            format!(
                "The sandbox does not run {kind}: it has no nested stacks and no custom resources."
            ),
        ))),
        _ => Ok(Ok(())),
    }
}

/// Whether the service lets a thing go.
pub(super) fn release(realm: &mut Realm, thing: &Thing) -> Answer {
    match thing.kind.as_str() {
        "AWS::S3::Bucket" => storage::release_bucket(realm, thing),
        _ => Ok(Ok(())),
    }
}

/// What follows when a thing is gone: a database takes its tables along, a bucket its policy.
pub(super) fn settle(realm: &mut Realm, thing: &Thing) -> Result<(), CloudError> {
    let place = Place { account: thing.account.clone(), region: thing.region.clone() };
    match thing.kind.as_str() {
        "AWS::Glue::Database" => catalog::drop_tables(realm, &place, thing),
        "AWS::S3::Bucket" => {
            let key = format!("global AWS::S3::BucketPolicy {}", thing.physical);
            let store = realm.store.clone();
            realm.things.remove(&store, &key).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// The live properties as the service tells them: with what other things add to this one.
pub(super) fn told(realm: &mut Realm, thing: &Thing) -> Result<Value, CloudError> {
    match thing.kind.as_str() {
        "AWS::IAM::Role" => policy::told_role(realm, thing),
        _ => Ok(thing.properties.clone()),
    }
}

/// Whether a property is true, as a boolean or as text.
pub(super) fn truth(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Str(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A whole number, as one or as text.
fn number(properties: &Value, path: &str) -> Option<i64> {
    text_at(properties, path)?.parse().ok()
}
