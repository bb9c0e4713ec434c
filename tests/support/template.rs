//! Templates as they would be after deployment: every policy in them, with its intrinsics resolved to fixed names and ARNs.
//!
//! Names that a template states are taken as they are. What only AWS knows is made up, the same each time: a key's id follows from
//! the template and the logical id. The account and the region of a template are read out of its path where a folder or file name
//! holds them, else out of `Origin`. A parameter without a value is the output of that name of another template in the folder, as
//! `apply` hands it over. Invariant: nothing is guessed in silence; an intrinsic or a name that this cannot resolve is an error.

mod names;

pub use names::partition;
use names::{account_in, region_in, strings};
use serde_json::{Map, Value};
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

    /// The value with each `Fn::GetAtt` in it resolved, whichever template has the resource.
    pub fn resolve_anywhere(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Object(map) if map.len() == 1 && map.contains_key("Fn::GetAtt") => {
                let id = value["Fn::GetAtt"][0].as_str().unwrap_or_default();
                let owner = |t: &&Template| t.resources().is_some_and(|r| r.contains_key(id));
                let mut owners = self.templates.iter().filter(owner);
                match (owners.next(), owners.next()) {
                    (Some(owner), None) => {
                        self.resolve(owner, value)?.ok_or("invariant: an attribute is a value")?
                    }
                    (None, _) => return Err(format!("no template has the resource {id}")),
                    _ => return Err(format!("more than one template has the resource {id}")),
                }
            }
            Value::Object(map) => {
                let resolved =
                    map.iter().map(|(key, inner)| Ok((key.clone(), self.resolve_anywhere(inner)?)));
                Value::Object(resolved.collect::<Result<_, String>>()?)
            }
            Value::Array(list) => {
                let resolved = list.iter().map(|inner| self.resolve_anywhere(inner));
                Value::Array(resolved.collect::<Result<_, _>>()?)
            }
            _ => value.clone(),
        })
    }

    /// The ARNs of the roles that the templates make.
    pub fn roles(&self) -> Result<Vec<String>, String> {
        let mut arns = Vec::new();
        for template in &self.templates {
            for (id, resource) in template.resources().into_iter().flatten() {
                if resource["Type"] == "AWS::IAM::Role" {
                    arns.extend(self.arn(template, id)?);
                }
            }
        }
        Ok(arns)
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
