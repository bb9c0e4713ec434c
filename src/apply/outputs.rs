//! What people and other programs need to know of a lake that is deployed: its names.

use serde::Serialize;

use crate::catalogue::resource_type;
use crate::document::Value;
use crate::names::Region;
use crate::plan::Deployed;

/// A name in AWS of a thing in the spec.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LakeOutput {
    /// `buckets.raw`.
    pub path: String,
    /// `bucket`, `key`, `stream`, ...
    pub what: &'static str,
    /// The name or id.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    pub region: Region,
}

/// The kinds that people refer to, with the word and the resource part of the ARN. An ARN without a
/// service is the name itself.
const KINDS: &[(&str, &str, &str)] = &[
    ("AWS::S3::Bucket", "bucket", "s3:::{}"),
    ("AWS::KMS::Key", "key", "kms:{region}:{account}:key/{}"),
    ("AWS::KMS::Alias", "alias", "kms:{region}:{account}:{}"),
    ("AWS::Glue::Database", "database", "glue:{region}:{account}:database/{}"),
    ("AWS::Glue::Table", "table", ""),
    ("AWS::Kinesis::Stream", "stream", "kinesis:{region}:{account}:stream/{}"),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        "delivery stream",
        "firehose:{region}:{account}:deliverystream/{}",
    ),
    ("AWS::Glue::Job", "job", "glue:{region}:{account}:job/{}"),
    ("AWS::Athena::WorkGroup", "workgroup", "athena:{region}:{account}:workgroup/{}"),
    ("AWS::IAM::Role", "role", "iam::{account}:role/{}"),
    ("AWS::SNS::Topic", "topic", "="),
    ("AWS::CloudWatch::Alarm", "alarm", "cloudwatch:{region}:{account}:alarm:{}"),
];

/// The names of a lake's things, by spec path.
pub fn outputs(deployed: &Deployed) -> Vec<LakeOutput> {
    let mut all = Vec::new();
    for (key, stack) in &deployed.stacks {
        // arn:partition:cloudformation:region:account:stack/name/id
        let words: Vec<&str> = stack.id.split(':').collect();
        let (partition, account) = match words[..] {
            ["arn", partition, _, _, account, ..] => (partition, account),
            _ => ("aws", ""),
        };
        for (id, resource) in stack.resources() {
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
            let Some((_, what, form)) = KINDS.iter().find(|(own, ..)| *own == kind) else {
                continue;
            };
            let Some(name) = stack.physical_ids.get(id) else { continue };
            let path = resource.at(&["Metadata", "lakewright", "path"]).and_then(Value::as_str);
            let role_path = resource.at(&["Properties", "Path"]).and_then(Value::as_str);
            let arn = match *form {
                _ if resource_type(kind).is_none() => None,
                "" => None,
                "=" => Some(name.clone()),
                form => {
                    let named = match role_path.filter(|_| kind == "AWS::IAM::Role") {
                        Some(path) => format!("{}{name}", path.trim_start_matches('/')),
                        None => name.clone(),
                    };
                    let rest = form
                        .replace("{region}", key.region.as_str())
                        .replace("{account}", account)
                        .replace("{}", &named);
                    Some(format!("arn:{partition}:{rest}"))
                }
            };
            all.push(LakeOutput {
                path: path.unwrap_or(id).to_owned(),
                what,
                name: name.clone(),
                arn,
                region: key.region.clone(),
            });
        }
    }
    all.sort();
    all
}
