//! Templates as they would be after deployment: every policy in them, with its intrinsics resolved to fixed names and ARNs.
//!
//! Names that a template states are taken as they are. What only AWS knows is made up, the same each time: a key's id follows from
//! the template and the logical id. The account and the region of a template are read out of its path where a folder or file name
//! holds them, else out of `Origin`. A parameter without a value is the output of that name of another template in the folder, as
//! `apply` hands it over. Invariant: nothing is guessed in silence; an intrinsic or a name that this cannot resolve is an error.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where templates are deployed, as far as their paths do not say, and the values of their parameters.
#[derive(Debug, Clone)]
pub struct Origin {
    pub account: String,
    pub region: String,
    pub parameters: BTreeMap<String, String>,
    /// A parameter that has no value is an error; otherwise it gets a made-up one of the form that its name suggests.
    pub strict: bool,
}

impl Default for Origin {
    fn default() -> Origin {
        let [account, region] = ["111122223333", "eu-central-1"].map(str::to_string);
        Origin { account, region, parameters: BTreeMap::new(), strict: false }
    }
}

/// Templates that are deployed together.
pub struct Folder {
    templates: Vec<Template>,
    origin: Origin,
}

/// One template and where it goes.
pub struct Template {
    pub file: PathBuf,
    /// Its path in the folder, without `.json`.
    pub stem: String,
    pub account: String,
    pub region: String,
    body: Value,
}

/// On what a policy hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On roles and users.
    Identity,
    /// On a resource such as a bucket or a key.
    Resource,
    /// On a role, saying who may assume it.
    Trust,
}

/// A policy with everything in it resolved.
pub struct Policy {
    pub kind: Kind,
    pub file: PathBuf,
    pub logical_id: String,
    pub account: String,
    /// Identity: `role/<name>` and `user/<name>`, without path. Otherwise: ARNs of the resources on which it hangs.
    pub on: Vec<String>,
    pub document: Value,
}

impl Folder {
    /// All templates below `root`.
    pub fn below(root: &Path, origin: &Origin) -> Result<Folder, String> {
        let files = templates_below(root);
        if files.is_empty() {
            return Err(format!("there is no template below {}", root.display()));
        }
        Folder::read(&files, |file| file.strip_prefix(root).unwrap_or(file), origin)
    }

    /// These files, in whatever folders they lie.
    pub fn of_files(files: &[PathBuf], origin: &Origin) -> Result<Folder, String> {
        Folder::read(files, |file| file, origin)
    }

    fn read<'a>(
        files: &'a [PathBuf],
        name: impl Fn(&'a Path) -> &'a Path,
        origin: &Origin,
    ) -> Result<Folder, String> {
        let read = |file: &'a PathBuf| -> Result<Template, String> {
            let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
            let body =
                serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
            let stem = name(file).with_extension("").to_string_lossy().into_owned();
            let account = account_in(&stem).unwrap_or(&origin.account).to_string();
            let region = region_in(&stem).unwrap_or(&origin.region).to_string();
            Ok(Template { file: file.clone(), stem, account, region, body })
        };
        let templates = files.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Folder { templates, origin: origin.clone() })
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The resource that `address` names: `<template>.<LogicalId>`, where `<template>` is the end of its path.
    pub fn find(&self, address: &str) -> Result<(&Template, &str), String> {
        let (stem, id) =
            address.rsplit_once('.').ok_or_else(|| format!("not template.LogicalId: {address}"))?;
        let fits = |t: &&Template| t.stem == stem || t.stem.ends_with(&format!("/{stem}"));
        let mut found = self
            .templates
            .iter()
            .filter(fits)
            .filter_map(|t| Some((t, t.resources()?.get_key_value(id)?.0)));
        match (found.next(), found.next()) {
            (Some((template, id)), None) => Ok((template, id.as_str())),
            (None, _) => Err(format!("no template has the resource {address}")),
            (Some((a, _)), Some((b, _))) => {
                Err(format!("{address} may be in {} or {}", a.stem, b.stem))
            }
        }
    }

    /// The ARN of the resource that `address` names.
    pub fn arn_of(&self, address: &str) -> Result<String, String> {
        let (template, id) = self.find(address)?;
        self.arn(template, id)?.ok_or_else(|| format!("{address} has no ARN that is known here"))
    }

    /// The account of the bucket with this name, when one of the templates makes it.
    pub fn account_of_bucket(&self, name: &str) -> Result<Option<&str>, String> {
        for template in &self.templates {
            for (id, resource) in template.resources().into_iter().flatten() {
                if resource["Type"] == "AWS::S3::Bucket" && self.name(template, id)? == name {
                    return Ok(Some(&template.account));
                }
            }
        }
        Ok(None)
    }

    /// Whether one of the templates makes the resource with this ARN, which is of a type that can have a resource policy.
    pub fn makes(&self, arn: &str) -> Result<bool, String> {
        for template in &self.templates {
            for (id, resource) in template.resources().into_iter().flatten() {
                let kind = resource["Type"].as_str().unwrap_or_default();
                let policed = [
                    "AWS::S3::Bucket",
                    "AWS::KMS::Key",
                    "AWS::IAM::Role",
                    "AWS::SNS::Topic",
                    "AWS::SQS::Queue",
                ];
                if policed.contains(&kind) && self.arn(template, id)?.as_deref() == Some(arn) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Every policy of every template, in the order of files and logical ids.
    pub fn policies(&self) -> Result<Vec<Policy>, String> {
        let mut found = Vec::new();
        for template in &self.templates {
            for (id, resource) in template.resources().into_iter().flatten() {
                self.policies_of(template, id, resource, &mut found)
                    .map_err(|why| format!("{}: {id}: {why}", template.file.display()))?;
            }
        }
        self.attach_by_arn(&mut found)?;
        Ok(found)
    }

    fn policies_of(
        &self,
        t: &Template,
        id: &str,
        resource: &Value,
        found: &mut Vec<Policy>,
    ) -> Result<(), String> {
        let properties = &resource["Properties"];
        let get = |name: &str| self.resolve(t, &properties[name]).map(|v| v.unwrap_or(Value::Null));
        let mut add = |kind: Kind, on: Vec<String>, document: Value| {
            let (file, logical_id, account) = (t.file.clone(), id.to_string(), t.account.clone());
            found.push(Policy { kind, file, logical_id, account, on, document });
        };
        let kind = resource["Type"].as_str().unwrap_or_default();
        match kind {
            "AWS::IAM::Role" => {
                let arn = self.arn(t, id)?.into_iter().collect();
                add(Kind::Trust, arn, get("AssumeRolePolicyDocument")?);
                let own = format!("role/{}", self.name(t, id)?);
                for inline in get("Policies")?.as_array().into_iter().flatten() {
                    add(Kind::Identity, vec![own.clone()], inline["PolicyDocument"].clone());
                }
            }
            "AWS::IAM::ManagedPolicy"
            | "AWS::IAM::Policy"
            | "AWS::IAM::RolePolicy"
            | "AWS::IAM::UserPolicy" => {
                let mut on = Vec::new();
                for (property, prefix) in [
                    ("Roles", "role"),
                    ("RoleName", "role"),
                    ("Users", "user"),
                    ("UserName", "user"),
                ] {
                    on.extend(strings(&get(property)?).map(|name| format!("{prefix}/{name}")));
                }
                add(Kind::Identity, on, get("PolicyDocument")?);
            }
            "AWS::S3::BucketPolicy" => {
                let on = strings(&get("Bucket")?)
                    .map(|b| format!("arn:{}:s3:::{b}", partition(&t.region)))
                    .collect();
                add(Kind::Resource, on, get("PolicyDocument")?);
            }
            "AWS::SNS::TopicPolicy" => {
                add(Kind::Resource, strings(&get("Topics")?).collect(), get("PolicyDocument")?)
            }
            "AWS::KMS::Key" => {
                let on = self.arn(t, id)?.into_iter().collect();
                match get("KeyPolicy")? {
                    Value::Null => {}
                    document => add(Kind::Resource, on, document),
                }
            }
            _ => {
                for property in ["PolicyDocument", "ResourcePolicy", "KeyPolicy", "PolicyText"] {
                    let document = get(property)?;
                    if document.is_object() {
                        let on =
                            strings(&get("ResourceArn")?).chain(strings(&get("Queues")?)).collect();
                        add(Kind::Resource, on, document);
                    }
                }
            }
        }
        Ok(())
    }

    /// Managed policies that roles name, rather than the other way round.
    fn attach_by_arn(&self, found: &mut [Policy]) -> Result<(), String> {
        for template in &self.templates {
            for (id, resource) in template.resources().into_iter().flatten() {
                if resource["Type"] != "AWS::IAM::Role" {
                    continue;
                }
                let arns = self
                    .resolve(template, &resource["Properties"]["ManagedPolicyArns"])?
                    .unwrap_or(Value::Null);
                for arn in strings(&arns) {
                    let mut own = None;
                    for (i, policy) in
                        found.iter().enumerate().filter(|(_, p)| p.kind == Kind::Identity)
                    {
                        let home = self.templates.iter().find(|t| t.file == policy.file);
                        let home = home.ok_or("invariant: a policy's file is a template")?;
                        if self.arn(home, &policy.logical_id)?.as_deref() == Some(&arn) {
                            own = Some(i);
                        }
                    }
                    let Some(own) = own else {
                        let why = format!("{id}: the policy {arn} is not in these templates");
                        if self.origin.strict {
                            return Err(why);
                        }
                        continue;
                    };
                    found[own].on.push(format!("role/{}", self.name(template, id)?));
                }
            }
        }
        Ok(())
    }

    /// The value with its intrinsics resolved; `None` for what refers to `AWS::NoValue`.
    fn resolve(&self, t: &Template, value: &Value) -> Result<Option<Value>, String> {
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
    fn name(&self, t: &Template, id: &str) -> Result<String, String> {
        let resource = t.resource(id)?;
        let kind = resource["Type"].as_str().unwrap_or_default();
        if kind == "AWS::KMS::Key" {
            return Ok(made_up_id(&t.stem, id));
        }
        let last = kind.rsplit("::").next().unwrap_or_default();
        let own = [format!("{last}Name"), "Name".to_string(), "DeliveryStreamName".to_string()];
        for property in own.iter() {
            match self.resolve(t, &resource["Properties"][property])? {
                Some(Value::String(name)) => return Ok(name),
                _ => continue,
            }
        }
        Ok(id.to_lowercase())
    }

    /// `None` for types whose ARN is not known here.
    fn arn(&self, t: &Template, id: &str) -> Result<Option<String>, String> {
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

impl Template {
    fn resources(&self) -> Option<&Map<String, Value>> {
        self.body["Resources"].as_object()
    }

    fn resource(&self, id: &str) -> Result<&Value, String> {
        let found = self.resources().and_then(|r| r.get(id));
        found.ok_or_else(|| format!("{} has no resource or parameter {id}", self.file.display()))
    }
}

/// Every template below a folder, sorted: each `*.json` but those that are something else, having no `Resources`.
pub fn templates_below(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(templates_below(&path)),
            path if path.extension().is_some_and(|e| e == "json") && !is_something_else(&path) => {
                files.push(path)
            }
            _ => {}
        }
    }
    files.sort();
    files
}

/// A file that cannot be read or parsed stays with the templates, so that it is complained about.
fn is_something_else(path: &Path) -> bool {
    let parsed = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    parsed.is_some_and(|value| value.get("Resources").is_none())
}

/// The partition in which a region lies.
pub fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn strings(value: &Value) -> impl Iterator<Item = String> {
    let all: Vec<String> = match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(list) => list.iter().filter_map(|v| v.as_str().map(str::to_string)).collect(),
        _ => Vec::new(),
    };
    all.into_iter()
}

/// Twelve digits that stand alone in a path.
fn account_in(path: &str) -> Option<&str> {
    path.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 12)
}

/// A region's name in a path, such as `eu-west-1` in `base-eu-west-1`.
fn region_in(path: &str) -> Option<&str> {
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
