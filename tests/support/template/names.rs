//! Names and ARNs as AWS would give them, and the intrinsics that ask for them.

use super::{Folder, Template};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

impl Folder {
    /// The value with its intrinsics resolved; `None` for what refers to `AWS::NoValue`.
    pub(super) fn resolve(&self, t: &Template, value: &Value) -> Result<Option<Value>, String> {
        match value {
            Value::Array(list) => {
                let resolved: Result<Vec<_>, String> =
                    list.iter().map(|v| self.resolve(t, v)).collect();
                Ok(Some(Value::Array(resolved?.into_iter().flatten().collect())))
            }
            Value::Object(map) => match map.iter().next() {
                Some((name, argument))
                    if map.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) =>
                {
                    self.intrinsic(t, name, argument)
                }
                _ => {
                    let mut resolved = Map::new();
                    for (key, inner) in map {
                        if let Some(inner) = self.resolve(t, inner)? {
                            resolved.insert(key.clone(), inner);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            _ => Ok(Some(value.clone())),
        }
    }

    fn intrinsic(
        &self,
        t: &Template,
        name: &str,
        argument: &Value,
    ) -> Result<Option<Value>, String> {
        let unknown = || format!("cannot resolve {{\"{name}\": {argument}}}");
        let resolved = match (name, argument) {
            ("Ref", Value::String(target)) if target == "AWS::NoValue" => return Ok(None),
            ("Ref", Value::String(target)) => self.reference(t, target)?,
            ("Fn::GetAtt", Value::String(dotted)) => {
                let (id, attribute) = dotted.split_once('.').ok_or_else(unknown)?;
                self.attribute(t, id, attribute)?
            }
            ("Fn::GetAtt", Value::Array(pair)) => match &pair[..] {
                [Value::String(id), Value::String(attribute)] => {
                    self.attribute(t, id, attribute)?
                }
                _ => return Err(unknown()),
            },
            ("Fn::Join", Value::Array(pair)) => match &pair[..] {
                [Value::String(glue), parts] => {
                    let parts = self.resolve(t, parts)?.ok_or_else(unknown)?;
                    let parts: Vec<String> = strings(&parts).collect();
                    parts.join(glue)
                }
                _ => return Err(unknown()),
            },
            ("Fn::Sub", Value::String(pattern)) => self.substitute(t, pattern, &Map::new())?,
            ("Fn::Sub", Value::Array(pair)) => match &pair[..] {
                [Value::String(pattern), names] => match self.resolve(t, names)? {
                    Some(Value::Object(names)) => self.substitute(t, pattern, &names)?,
                    _ => return Err(unknown()),
                },
                _ => return Err(unknown()),
            },
            _ => return Err(unknown()),
        };
        Ok(Some(Value::String(resolved)))
    }

    fn substitute(
        &self,
        t: &Template,
        pattern: &str,
        names: &Map<String, Value>,
    ) -> Result<String, String> {
        let (mut out, mut rest) = (String::new(), pattern);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').ok_or_else(|| format!("an open ${{ in {pattern}"))?;
            out += before;
            out += &match (name.strip_prefix('!'), names.get(name), name.split_once('.')) {
                (Some(literal), _, _) => format!("${{{literal}}}"),
                (_, Some(Value::String(given)), _) => given.clone(),
                (_, _, Some((id, attribute))) => self.attribute(t, id, attribute)?,
                _ => self.reference(t, name)?,
            };
            rest = after;
        }
        Ok(out + rest)
    }

    fn reference(&self, t: &Template, target: &str) -> Result<String, String> {
        Ok(match target {
            "AWS::AccountId" => t.account.clone(),
            "AWS::Region" => t.region.clone(),
            "AWS::Partition" => partition(&t.region).to_string(),
            "AWS::URLSuffix" if partition(&t.region) == "aws-cn" => "amazonaws.com.cn".to_string(),
            "AWS::URLSuffix" => "amazonaws.com".to_string(),
            _ if t.body["Parameters"].get(target).is_some() => self.parameter(t, target)?,
            _ => {
                let resource = t.resource(target)?;
                let by_arn = [
                    "AWS::IAM::ManagedPolicy",
                    "AWS::SNS::Topic",
                    "AWS::StepFunctions::StateMachine",
                ];
                match resource["Type"].as_str() {
                    Some(kind) if by_arn.contains(&kind) => self.attribute(t, target, "Arn")?,
                    _ => self.name(t, target)?,
                }
            }
        })
    }

    fn parameter(&self, t: &Template, name: &str) -> Result<String, String> {
        if let Some(given) = self.origin.parameters.get(name) {
            return Ok(given.clone());
        }
        if let Some(default) = t.body["Parameters"][name].get("Default") {
            return Ok(default.as_str().map_or_else(|| default.to_string(), str::to_string));
        }
        let gives = |o: &&Template| o.file != t.file && o.body["Outputs"].get(name).is_some();
        let near = |o: &&Template| (&o.account, &o.region) == (&t.account, &t.region);
        let all: Vec<&Template> = self.templates.iter().filter(gives).collect();
        let nearer: Vec<&Template> = all.iter().copied().filter(near).collect();
        match (&nearer[..], &all[..]) {
            ([giver], _) | ([], [giver]) => {
                match self.resolve(giver, &giver.body["Outputs"][name]["Value"])? {
                    Some(Value::String(value)) => Ok(value),
                    other => Err(format!("the output {name} of {} is {other:?}", giver.stem)),
                }
            }
            _ if !self.origin.strict => Ok(match name.contains("Key") && name.ends_with("Arn") {
                true => format!(
                    "arn:{}:kms:{}:{}:key/{}",
                    partition(&t.region),
                    t.region,
                    t.account,
                    made_up_id(name, "")
                ),
                false => name.to_lowercase(),
            }),
            ([], []) => Err(format!(
                "no template has an output for the parameter {name}; name its value under `parameters`"
            )),
            _ => Err(format!("more than one template has an output for the parameter {name}")),
        }
    }

    fn attribute(&self, t: &Template, id: &str, attribute: &str) -> Result<String, String> {
        let arn = self.arn(t, id)?.filter(|_| attribute == "Arn" || attribute.ends_with("Arn"));
        match (arn, attribute) {
            (Some(arn), _) => Ok(arn),
            (None, "KeyId" | "Name" | "QueueName" | "TopicName") => self.name(t, id),
            _ => Err(format!("the attribute {attribute} of {id} is not known here")),
        }
    }

    /// The name that a resource has: what the template says, else one made up.
    pub(super) fn name(&self, t: &Template, id: &str) -> Result<String, String> {
        let resource = t.resource(id)?;
        let kind = resource["Type"].as_str().unwrap_or_default();
        if kind == "AWS::KMS::Key" {
            return Ok(made_up_id(&t.stem, id));
        }
        let last = kind.rsplit("::").next().unwrap_or_default();
        let own = [format!("{last}Name"), "Name".to_string(), "DeliveryStreamName".to_string()];
        let properties = &resource["Properties"];
        let inputs = ["DatabaseInput", "TableInput"].map(|input| &properties[input]["Name"]);
        for value in own.iter().map(|property| &properties[property]).chain(inputs) {
            if let Some(Value::String(name)) = self.resolve(t, value)? {
                return Ok(name);
            }
        }
        Ok(id.to_lowercase())
    }

    /// `None` for types whose ARN is not known here.
    pub(super) fn arn(&self, t: &Template, id: &str) -> Result<Option<String>, String> {
        let resource = t.resource(id)?;
        let name = self.name(t, id)?;
        let path = match self.resolve(t, &resource["Properties"]["Path"])? {
            Some(Value::String(path)) => path,
            _ => "/".to_string(),
        };
        let (region, account) = (t.region.as_str(), t.account.as_str());
        let (service, region, account, rest) = match resource["Type"].as_str().unwrap_or_default() {
            "AWS::S3::Bucket" => ("s3", "", "", name),
            "AWS::KMS::Key" => ("kms", region, account, format!("key/{name}")),
            "AWS::IAM::Role" => ("iam", "", account, format!("role{path}{name}")),
            "AWS::IAM::ManagedPolicy" => ("iam", "", account, format!("policy{path}{name}")),
            "AWS::IAM::User" => ("iam", "", account, format!("user{path}{name}")),
            "AWS::Kinesis::Stream" => ("kinesis", region, account, format!("stream/{name}")),
            "AWS::KinesisFirehose::DeliveryStream" => {
                ("firehose", region, account, format!("deliverystream/{name}"))
            }
            "AWS::Glue::Job" => ("glue", region, account, format!("job/{name}")),
            "AWS::Glue::Database" => ("glue", region, account, format!("database/{name}")),
            "AWS::SNS::Topic" => ("sns", region, account, name),
            "AWS::SQS::Queue" => ("sqs", region, account, name),
            "AWS::Logs::LogGroup" => ("logs", region, account, format!("log-group:{name}:*")),
            "AWS::Lambda::Function" => ("lambda", region, account, format!("function:{name}")),
            "AWS::Events::Rule" => ("events", region, account, format!("rule/{name}")),
            "AWS::CloudWatch::Alarm" => ("cloudwatch", region, account, format!("alarm:{name}")),
            "AWS::StepFunctions::StateMachine" => {
                ("states", region, account, format!("stateMachine:{name}"))
            }
            "AWS::Athena::WorkGroup" => ("athena", region, account, format!("workgroup/{name}")),
            _ => return Ok(None),
        };
        Ok(Some(format!("arn:{}:{service}:{region}:{account}:{rest}", partition(&t.region))))
    }
}

/// The partition in which a region lies.
pub fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

pub(super) fn strings(value: &Value) -> impl Iterator<Item = String> {
    let all: Vec<String> = match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(list) => list.iter().filter_map(|v| v.as_str().map(str::to_string)).collect(),
        _ => Vec::new(),
    };
    all.into_iter()
}

/// Twelve digits that stand alone in a path.
pub(super) fn account_in(path: &str) -> Option<&str> {
    path.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 12)
}

/// A region's name in a path, such as `eu-west-1` in `base-eu-west-1`.
pub(super) fn region_in(path: &str) -> Option<&str> {
    let words: Vec<&str> = path.split(['/', '-', '.', '_']).collect();
    let offset = |i: usize| words[..i].iter().map(|w| w.len() + 1).sum::<usize>();
    let areas = [
        "north",
        "south",
        "east",
        "west",
        "central",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
    ];
    for i in 1..words.len().saturating_sub(1) {
        let number = words[i + 1].len() == 1 && words[i + 1].chars().all(|c| c.is_ascii_digit());
        let first = if words[i - 1] == "gov" && i >= 2 { i - 2 } else { i - 1 };
        if areas.contains(&words[i]) && number && words[first].len() == 2 {
            return Some(&path[offset(first)..offset(i + 1) + 1]);
        }
    }
    None
}

/// An id of the form that KMS gives, the same each time.
fn made_up_id(stem: &str, id: &str) -> String {
    let hash = Sha256::digest(format!("{stem}.{id}"));
    let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
