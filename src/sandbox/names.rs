//! The names, ids and ARNs that AWS gives to what is made.
//!
//! In go a kind and its properties, out comes a [`Named`]: the properties with the name that CloudFormation would
//! have made up, the value of `Ref`, the primary identifier and the attributes. What AWS draws at random is derived
//! from a seed here, so that a run can be repeated to the byte.
//! Sources: CloudFormation User Guide, "Ref" and "Fn::GetAtt" sections of each type's page; the ARN forms come from
//! the catalogue.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::schema;
use super::state::Place;
use crate::document::{Map, Value};

/// A thing's names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The properties with the name in them.
    pub properties: Value,
    /// The value of `Ref`.
    pub physical: String,
    /// The primary identifier, its parts joined by `|`.
    pub identifier: String,
    /// Attributes that are no properties.
    pub attributes: BTreeMap<String, String>,
}

/// Where a thing is made, and what its made-up names are made from.
pub(super) struct Maker<'a> {
    pub place: &'a Place,
    pub partition: &'a str,
    pub stack: &'a str,
    pub logical: &'a str,
    pub seed: String,
}

/// Text of a length, drawn from an alphabet by a seed.
fn draw(seed: &str, length: usize, alphabet: &[u8]) -> String {
    let hash = Sha256::digest(seed.as_bytes());
    let at = |n: usize| usize::from(hash[n % hash.len()]) % alphabet.len();
    (0..length).map(|n| alphabet[at(n)] as char).collect()
}

/// A UUID drawn by a seed, in the form of version 4.
pub(super) fn uuid(seed: &str) -> String {
    let hash = Sha256::digest(seed.as_bytes());
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// The hexadecimal SHA-256 of bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SMALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

impl Maker<'_> {
    /// The names of a thing of this kind with these properties.
    pub fn name(&self, kind: &str, properties: &Value) -> Named {
        let mut properties = properties.clone();
        let called = schema::called(kind);
        let name = match called.iter().find_map(|path| text_at(&properties, path)) {
            Some(name) => Some(name),
            None => called.first().map(|path| {
                let name = self.made_up(kind);
                set(&mut properties, path, name.clone().into());
                name
            }),
        };
        let given = || text_at(&properties, "KeyId");
        let id = name.clone().or_else(given).unwrap_or_else(|| self.id(kind));
        let arn = self.arn(kind, &properties, &id);
        let parts: Vec<String> = schema::identifier(kind)
            .iter()
            .map(|part| self.part(kind, part, &properties, &id, &arn))
            .collect();
        let identifier = match parts.is_empty() {
            true => id.clone(),
            false => parts.join("|"),
        };
        let physical = match kind {
            "AWS::Events::Rule" | "AWS::Glue::Table" | "AWS::Glue::Connection" => id.clone(),
            "AWS::Logs::MetricFilter" | "AWS::Logs::SubscriptionFilter" => id.clone(),
            "AWS::Lambda::Permission" => parts.last().cloned().unwrap_or_default(),
            _ => identifier.clone(),
        };
        let attributes = self.attributes(kind, &properties, &id, &arn);
        Named { properties, physical, identifier, attributes }
    }

    /// `stack-logical-RANDOM`, shortened to what the service takes ("Name type" in the CloudFormation User Guide).
    fn made_up(&self, kind: &str) -> String {
        let (most, small) = match kind {
            "AWS::S3::Bucket" | "AWS::S3::AccessPoint" => (63, true),
            "AWS::IAM::Role"
            | "AWS::KinesisFirehose::DeliveryStream"
            | "AWS::Events::Rule"
            | "AWS::Scheduler::Schedule"
            | "AWS::Lambda::Function" => (64, false),
            _ if kind.starts_with("AWS::Glue::") => (255, true),
            _ => (128, false),
        };
        let tail = draw(&self.seed, 12, if small { SMALL } else { MIXED });
        let room = most - tail.len() - 2;
        let (mut stack, mut logical) = (self.stack, self.logical);
        if stack.len() + logical.len() > room {
            stack = &stack[..stack.len().min(room / 2)];
            logical = &logical[..logical.len().min(room - stack.len())];
        }
        let name = format!("{stack}-{logical}-{tail}");
        match small {
            true => name.to_lowercase(),
            false => name,
        }
    }

    /// The id of a thing that has no name.
    fn id(&self, kind: &str) -> String {
        match kind {
            "AWS::KMS::Key" | "AWS::SNS::Subscription" | "AWS::Athena::NamedQuery" => {
                uuid(&self.seed)
            }
            _ => format!("{}-{}-{}", self.stack, self.logical, draw(&self.seed, 12, MIXED)),
        }
    }

    fn part(&self, kind: &str, part: &str, properties: &Value, id: &str, arn: &str) -> String {
        if let Some(value) = text_at(properties, part) {
            return value;
        }
        match part {
            "QueueUrl" => self.queue_url(id),
            "CatalogId" => self.place.account.to_string(),
            _ if part == "Arn" || part.ends_with("Arn") => arn.to_owned(),
            _ if kind == "AWS::SecretsManager::Secret"
                || kind == "AWS::StepFunctions::StateMachine" =>
            {
                arn.to_owned()
            }
            _ => id.to_owned(),
        }
    }

    fn queue_url(&self, name: &str) -> String {
        let Place { account, region } = self.place;
        format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
    }

    fn arn(&self, kind: &str, properties: &Value, id: &str) -> String {
        let Place { account, region } = self.place;
        let form = match (kind, schema::arn(kind)) {
            ("AWS::SNS::Subscription", _) => {
                return format!("{}:{id}", text_at(properties, "TopicArn").unwrap_or_default());
            }
            ("AWS::Scheduler::Schedule", _) => {
                let group = text_at(properties, "GroupName").unwrap_or_else(|| "default".into());
                format!(
                    "arn:${{Partition}}:scheduler:${{Region}}:${{Account}}:schedule/{group}/${{Name}}"
                )
            }
            ("AWS::Logs::LogGroup", Some(form)) => format!("{form}:*"),
            (_, Some(form)) => form.to_owned(),
            (_, None) => {
                let service = kind.split("::").nth(1).unwrap_or("aws").to_lowercase();
                format!("arn:${{Partition}}:{service}:${{Region}}:${{Account}}:${{Id}}")
            }
        };
        let mut arn = String::with_capacity(form.len());
        let mut rest = form.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (variable, after) = after.split_once('}').unwrap_or((after, ""));
            arn.push_str(before);
            match variable {
                "Partition" => arn.push_str(self.partition),
                "Region" => arn.push_str(region.as_str()),
                "Account" => arn.push_str(account.as_str()),
                "SecretId" => {
                    arn.push_str(id);
                    arn.push('-');
                    arn.push_str(&draw(&self.seed, 6, MIXED));
                }
                "ParameterNameWithoutLeadingSlash" => arn.push_str(id.trim_start_matches('/')),
                _ if variable.ends_with("NameWithPath") => {
                    let path = text_at(properties, "Path").unwrap_or_else(|| "/".into());
                    arn.push_str(path.trim_start_matches('/'));
                    arn.push_str(id);
                }
                _ => arn.push_str(id),
            }
            rest = after;
        }
        arn.push_str(rest);
        arn
    }

    fn attributes(
        &self,
        kind: &str,
        properties: &Value,
        id: &str,
        arn: &str,
    ) -> BTreeMap<String, String> {
        let region = &self.place.region;
        let mut map = BTreeMap::new();
        for attribute in schema::attributes(kind) {
            let value = match (kind, *attribute) {
                ("AWS::S3::Bucket", "DomainName") => format!("{id}.s3.amazonaws.com"),
                ("AWS::S3::Bucket", "DualStackDomainName") => {
                    format!("{id}.s3.dualstack.{region}.amazonaws.com")
                }
                ("AWS::S3::Bucket", "RegionalDomainName") => {
                    format!("{id}.s3.{region}.amazonaws.com")
                }
                ("AWS::S3::Bucket", "WebsiteURL") => {
                    format!("http://{id}.s3-website-{region}.amazonaws.com")
                }
                ("AWS::IAM::Role", "RoleId") => {
                    format!("AROA{}", draw(&self.seed, 17, CAPITALS))
                }
                ("AWS::IAM::ManagedPolicy", "PolicyId") => {
                    format!("ANPA{}", draw(&self.seed, 17, CAPITALS))
                }
                ("AWS::IAM::ManagedPolicy", "DefaultVersionId") => "v1".into(),
                (_, "QueueUrl") => self.queue_url(id),
                (_, name) if name == "Arn" || name.ends_with("Arn") => arn.to_owned(),
                (_, "KeyId" | "Id" | "Name" | "RuleName" | "TopicName" | "QueueName") => {
                    id.to_owned()
                }
                _ => continue,
            };
            if text_at(properties, &attribute.replace('.', "/")).is_none() {
                map.insert((*attribute).to_owned(), value);
            }
        }
        map
    }
}

/// The text at a path such as `TableInput/Name`.
pub(super) fn text_at(properties: &Value, path: &str) -> Option<String> {
    let steps: Vec<&str> = path.split('/').collect();
    properties.at(&steps).and_then(super::intrinsics::scalar)
}

/// Puts a value at a path such as `TableInput/Name`, making the maps on the way.
pub(super) fn set(properties: &mut Value, path: &str, value: Value) {
    let mut at = properties;
    let mut steps = path.split('/').peekable();
    while let Some(step) = steps.next() {
        if !matches!(at, Value::Map(_)) {
            *at = Value::Map(Map::new());
        }
        let Value::Map(map) = at else { return };
        if steps.peek().is_none() {
            map.insert(step.to_owned(), value);
            return;
        }
        if map.get(step).is_none() {
            map.insert(step.to_owned(), Map::new());
        }
        let Some(next) = map.get_mut(step) else {
            return;
        };
        at = next;
    }
}
