//! What each resource type says about access.
//!
//! One function a family of types; the table [`MODELLED`] lists them. A type that is not in the table and has a
//! property that looks like a policy goes to [`State::unread`], by name.

mod identities;
mod mentions;

use std::collections::{BTreeMap, BTreeSet};

use identities::named;
use mentions::{looks_like_access, mentioned};

use super::source::Source;
use super::state::{Guarded, Held, Origin, PrincipalKind, PublicAccess, Runner, State, Unread};
use super::texts::{Texts, kind_of};
use crate::document::{Map, Value};

/// The resource types whose say in access is read, each with what is read of it.
pub const MODELLED: &[(&str, &str)] = &[
    ("AWS::IAM::Role", "trust, inline and attached policies, boundary"),
    ("AWS::IAM::User", "inline and attached policies, groups, boundary"),
    ("AWS::IAM::Group", "inline and attached policies"),
    ("AWS::IAM::Policy", "the policy, for each role, user and group"),
    ("AWS::IAM::RolePolicy", "the policy, for its role"),
    ("AWS::IAM::UserPolicy", "the policy, for its user"),
    ("AWS::IAM::GroupPolicy", "the policy, for its group"),
    ("AWS::IAM::ManagedPolicy", "the policy, for each role, user and group it is attached to"),
    ("AWS::IAM::UserToGroupAddition", "who is in the group"),
    ("AWS::S3::Bucket", "the public access block, access logs, replication"),
    ("AWS::S3::BucketPolicy", "the bucket policy"),
    ("AWS::KMS::Key", "the key policy"),
    ("AWS::SNS::TopicPolicy", "the policy of each topic"),
    ("AWS::SNS::TopicInlinePolicy", "the topic's policy"),
    ("AWS::SQS::QueuePolicy", "the policy of each queue"),
    ("AWS::SQS::QueueInlinePolicy", "the queue's policy"),
    ("AWS::Kinesis::ResourcePolicy", "the stream's policy"),
    ("AWS::SecretsManager::ResourcePolicy", "the secret's policy"),
    ("AWS::LakeFormation::PrincipalPermissions", "the grant"),
    ("AWS::LakeFormation::Permissions", "the grant"),
    ("AWS::LakeFormation::DataCellsFilter", "columns and rows that a grant of it shows"),
    (
        "AWS::LakeFormation::DataLakeSettings",
        "administrators, what new databases and tables leave to IAM",
    ),
    ("AWS::Glue::Table", "its name, for grants by tag, and its location"),
    ("AWS::Athena::WorkGroup", "whether those who query say where results go"),
    ("AWS::Glue::Job", "role and script"),
    ("AWS::Lambda::Function", "role and code"),
    ("AWS::KinesisFirehose::DeliveryStream", "the roles it takes"),
    ("AWS::Scheduler::Schedule", "the role it takes"),
];

/// The properties of a type that a verdict is about, where these are few of many.
const READ: &[(&str, &[&str])] = &[
    (
        "AWS::S3::Bucket",
        &["BucketName", "BucketEncryption", "PublicAccessBlockConfiguration", "AccessControl"],
    ),
    ("AWS::Lambda::Function", &["FunctionName", "Role", "Code"]),
    ("AWS::Glue::Job", &["Name", "Role", "Command"]),
    ("AWS::Glue::Table", &["DatabaseName", "TableInput"]),
];

/// Types that carry no access of their own though a property of theirs is called a policy.
const HARMLESS: &[&str] = &[
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::AutoScaling::ScalingPolicy",
    "AWS::Budgets::BudgetsAction",
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::Glue::Table",
    "AWS::KMS::Alias",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
];

/// Reads the templates of one state.
pub fn read(sources: &[Source]) -> State {
    let mut reader =
        Reader { texts: Texts::new(sources), state: State::default(), managed: BTreeMap::new() };
    for source in sources {
        for (id, definition) in resources(&source.body) {
            reader.note(source, id, definition);
        }
    }
    for source in sources {
        for (id, definition) in resources(&source.body) {
            reader.resource(source, id, definition);
        }
        reader.made_elsewhere(source);
    }
    reader.finish(sources)
}

fn resources(template: &Value) -> impl Iterator<Item = (&str, &Value)> {
    template.get("Resources").and_then(Value::as_map).into_iter().flat_map(Map::iter)
}

pub(super) struct Reader<'a> {
    pub(super) texts: Texts<'a>,
    pub(super) state: State,
    /// Managed policies of the templates, by ARN or reference.
    managed: BTreeMap<String, Held>,
}

impl Reader<'_> {
    /// First round: what others refer to.
    fn note(&mut self, source: &Source, id: &str, definition: &Value) {
        let kind = kind_of(definition);
        if kind == "AWS::IAM::ManagedPolicy"
            && let Some(held) = self.held(source, id, definition, "PolicyDocument")
        {
            let arn = self.texts.text(source, &crate::document!({"Ref": (id.to_owned())}));
            self.managed.insert(arn, held);
        }
    }

    /// Second round: what each says.
    fn resource(&mut self, source: &Source, id: &str, definition: &Value) {
        let kind = kind_of(definition);
        let at = (source, id, definition);
        self.guards(at);
        let Some(properties) = definition.get("Properties") else { return };
        match kind {
            "AWS::IAM::Role" => self.principal(at, PrincipalKind::Role),
            "AWS::IAM::User" => self.principal(at, PrincipalKind::User),
            "AWS::IAM::Group" => self.principal(at, PrincipalKind::Group),
            "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => {
                for (key, word) in [
                    ("Roles", PrincipalKind::Role),
                    ("Users", PrincipalKind::User),
                    ("Groups", PrincipalKind::Group),
                ] {
                    for name in self.list(source, properties.get(key)) {
                        self.attach(at, word, &name);
                    }
                }
            }
            "AWS::IAM::RolePolicy" => self.attach_to(at, PrincipalKind::Role, "RoleName"),
            "AWS::IAM::UserPolicy" => self.attach_to(at, PrincipalKind::User, "UserName"),
            "AWS::IAM::GroupPolicy" => self.attach_to(at, PrincipalKind::Group, "GroupName"),
            "AWS::IAM::UserToGroupAddition" => {
                let group =
                    self.texts.text(source, properties.get("GroupName").unwrap_or(&Value::Null));
                let group = named(source, PrincipalKind::Group, &group);
                for user in self.list(source, properties.get("Users")) {
                    let arn = named(source, PrincipalKind::User, &user);
                    self.known(source, &arn, PrincipalKind::User).groups.insert(group.clone());
                }
            }
            "AWS::Athena::WorkGroup" => self.workgroup(at),
            "AWS::S3::Bucket" => {
                let arn = self.texts.arn(source, id);
                let block = properties.get("PublicAccessBlockConfiguration");
                let key = self.bucket_key(source, properties);
                let guarded = self.guarded(source, &arn, kind);
                guarded.origin = Some(origin(source, id, definition));
                guarded.public_access = block.map(public_access);
                guarded.outlives_policy |= kept(definition);
                guarded.key = key;
                self.transfers(at, &arn);
            }
            "AWS::S3::BucketPolicy" => {
                let bucket =
                    self.texts.text(source, properties.get("Bucket").unwrap_or(&Value::Null));
                let arn = if bucket.starts_with('{') {
                    self.sibling(source, properties.get("Bucket"))
                } else {
                    format!("arn:{}:s3:::{bucket}", source.partition())
                };
                self.guard(at, &arn, "AWS::S3::Bucket", "PolicyDocument");
            }
            "AWS::KMS::Key" => {
                let arn = self.texts.arn(source, id);
                self.guard(at, &arn, kind, "KeyPolicy");
                self.guarded(source, &arn, kind).origin = Some(origin(source, id, definition));
            }
            "AWS::SNS::TopicPolicy" => {
                for topic in self.list(source, properties.get("Topics")) {
                    self.guard(at, &topic, "AWS::SNS::Topic", "PolicyDocument");
                }
            }
            "AWS::SQS::QueuePolicy" => {
                let queues = properties.get("Queues").and_then(Value::as_list).unwrap_or(&[]);
                for queue in queues {
                    let arn = self.sibling(source, Some(queue));
                    self.guard(at, &arn, "AWS::SQS::Queue", "PolicyDocument");
                }
            }
            "AWS::SNS::TopicInlinePolicy" => {
                self.guard_named(at, "TopicArn", "AWS::SNS::Topic", "PolicyDocument");
            }
            "AWS::SQS::QueueInlinePolicy" => {
                let arn = self.sibling(source, properties.get("Queue"));
                self.guard(at, &arn, "AWS::SQS::Queue", "PolicyDocument");
            }
            "AWS::Kinesis::ResourcePolicy" => {
                self.guard_named(at, "ResourceArn", "AWS::Kinesis::Stream", "ResourcePolicy");
            }
            "AWS::SecretsManager::ResourcePolicy" => {
                self.guard_named(at, "SecretId", "AWS::SecretsManager::Secret", "ResourcePolicy");
            }
            "AWS::Glue::Table" => {
                let text =
                    |path: &[&str]| properties.at(path).map(|one| self.texts.text(source, one));
                // an Iceberg table has its name beside its input
                let name = text(&["TableInput", "Name"]).or_else(|| text(&["Name"]));
                let named = (text(&["DatabaseName"]), name);
                if let (Some(database), Some(name)) = named {
                    self.location(at, (database.clone(), name.clone()));
                    self.state.tables.insert((database, name));
                }
            }
            kind if kind.starts_with("AWS::LakeFormation::") => self.lake_formation(at, kind),
            "AWS::Glue::Job" => {
                let code = properties.at(&["Command", "ScriptLocation"]);
                let code = code.map(|value| self.texts.text(source, value));
                self.runner(at, properties.get("Role"), code.as_deref().and_then(object_arn));
            }
            "AWS::Lambda::Function" => {
                let part = |key| {
                    let value = properties.at(&["Code", key])?;
                    Some(self.texts.text(source, value))
                };
                let code = part("S3Bucket").zip(part("S3Key"));
                let code = code
                    .map(|(bucket, key)| format!("arn:{}:s3:::{bucket}/{key}", source.partition()));
                self.runner(at, properties.get("Role"), code);
            }
            "AWS::KinesisFirehose::DeliveryStream" => {
                let mut roles = BTreeSet::new();
                roles_in(properties, &mut |role| {
                    roles.insert(self.texts.text(source, role));
                });
                for role in roles {
                    self.runner(at, Some(&Value::from(role)), None);
                }
            }
            "AWS::Scheduler::Schedule" => {
                self.runner(at, properties.at(&["Target", "RoleArn"]), None);
            }
            "AWS::RAM::ResourceShare" => self.share(at, properties),
            _ if HARMLESS.contains(&kind) => {}
            _ => self.suspicious(at, properties),
        }
    }

    fn finish(mut self, sources: &[Source]) -> State {
        self.state.grants.sort_by_cached_key(|grant| {
            (grant.principal.clone(), grant.resource.to_json(), grant.origin.clone())
        });
        self.state.tagged.sort();
        self.state.transfers.sort();
        self.state.unread.sort();
        self.state.unread.dedup();
        for reference in mentioned(&self.state) {
            let Some((stack, id)) = reference.rsplit_once('/') else { continue };
            let source = sources.iter().find(|source| source.name == stack);
            let definition = source.and_then(|source| source.body.at(&["Resources", id]));
            if let Some(kind) = definition.map(|definition| kind_of(definition).to_owned()) {
                self.state.references.insert(reference, kind);
            }
        }
        self.state
    }

    /// The key that a bucket encrypts with by default, where it is one of KMS's that somebody made.
    fn bucket_key(&self, source: &Source, properties: &Value) -> Option<String> {
        let rules = properties
            .at(&["BucketEncryption", "ServerSideEncryptionConfiguration"])
            .and_then(Value::as_list)?;
        let key = rules.first()?.at(&["ServerSideEncryptionByDefault", "KMSMasterKeyID"])?;
        Some(self.sibling(source, Some(key)))
    }

    fn guarded(&mut self, source: &Source, arn: &str, kind: &str) -> &mut Guarded {
        self.state.resources.entry(arn.to_owned()).or_insert_with(|| Guarded {
            kind: kind.to_owned(),
            origin: None,
            policies: Vec::new(),
            public_access: None,
            account: source.account.clone(),
            partition: source.partition(),
            key: None,
            outlives_policy: false,
        })
    }

    fn guard(&mut self, at: (&Source, &str, &Value), arn: &str, kind: &str, property: &str) {
        let (source, id, definition) = at;
        if let Some(held) = self.held(source, id, definition, property) {
            let guarded = self.guarded(source, arn, kind);
            guarded.policies.push(held);
            if kept(definition) {
                guarded.outlives_policy = false;
            }
        }
    }

    fn guard_named(&mut self, at: (&Source, &str, &Value), key: &str, kind: &str, property: &str) {
        if let Some(value) = at.2.at(&["Properties", key]) {
            let arn = self.texts.text(at.0, value);
            self.guard(at, &arn, kind, property);
        }
    }

    /// The ARN of a resource that is meant by a `Ref`, which gives something else.
    pub(super) fn sibling(&self, source: &Source, value: Option<&Value>) -> String {
        match value.and_then(|value| value.get("Ref")).and_then(Value::as_str) {
            Some(id) if source.body.at(&["Resources", id]).is_some() => self.texts.arn(source, id),
            _ => self.texts.text(source, value.unwrap_or(&Value::Null)),
        }
    }

    fn runner(&mut self, at: (&Source, &str, &Value), role: Option<&Value>, code: Option<String>) {
        let (source, id, definition) = at;
        let Some(role) = role else { return };
        let mut role = self.texts.text(source, role);
        if !role.starts_with("arn:") && !role.starts_with('{') {
            role = self.holder(source, PrincipalKind::Role, &role);
        }
        let arn = format!("{}#{role}", self.texts.arn(source, id));
        let runner = Runner {
            kind: kind_of(definition).to_owned(),
            role,
            code: code.into_iter().collect(),
            origin: origin(source, id, definition),
        };
        self.state.runners.insert(arn, runner);
    }

    /// A share of AWS RAM. What it lets others do is not modelled; whether it leaves the organization is said all the
    /// same, since it may where the template says nothing (AWS::RAM::ResourceShare, `AllowExternalPrincipals`).
    fn share(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        let (source, id, definition) = at;
        let key = "AllowExternalPrincipals";
        let value = properties.get(key).and_then(|value| self.texts.resolve(source, value));
        self.state.unread.push(Unread {
            origin: origin(source, id, definition),
            kind: kind_of(definition).to_owned(),
            property: key.to_owned(),
            why: "what is shared is not modelled".to_owned(),
            value: value.unwrap_or(Value::Bool(true)).to_json(),
        });
        self.suspicious(at, properties);
    }

    /// What others make of a template before CloudFormation reads it, and stacks within it: not read, and undecided where it
    /// differs. A macro may make anything of the whole template.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html>.
    fn made_elsewhere(&mut self, source: &Source) {
        let mut push = |id: &str, kind: &str, property: &str, value: String| {
            let origin = Origin {
                stack: source.name.clone(),
                logical_id: id.to_owned(),
                path: String::new(),
            };
            let why = "what is made of it is not modelled".to_owned();
            let (kind, property) = (kind.to_owned(), property.to_owned());
            self.state.unread.push(Unread { origin, kind, property, why, value });
        };
        for key in ["Transform", "Fn::Transform"] {
            if let Some(value) = source.body.get(key) {
                let text = value.to_json();
                let known = key == "Transform"
                    && [
                        "AWS::Serverless",
                        "AWS::LanguageExtensions",
                        "AWS::SecretsManager",
                        "AWS::CodeDeploy",
                    ]
                    .iter()
                    .any(|one| text.contains(one))
                    && !text.contains(',');
                let value = if known { text } else { source.body.to_json() };
                push("", "AWS::CloudFormation::Macro", key, value);
            }
        }
        for (id, definition) in resources(&source.body) {
            let kind = kind_of(definition);
            if id.starts_with("Fn::") {
                push(id, "AWS::CloudFormation::Macro", id, definition.to_json());
            } else if kind == "AWS::CloudFormation::Stack" || kind.ends_with("::MODULE") {
                let value = definition.get("Properties").map(Value::to_json).unwrap_or_default();
                push(id, kind, "Properties", format!("{value}."));
            } else if kind == "AWS::S3::Bucket"
                && let Some(list) = definition.at(&["Properties", "AccessControl"])
                && list.as_str() != Some("Private")
            {
                push(id, kind, "AccessControl", list.to_json());
            }
        }
    }

    /// A property of an unknown type that looks like a policy.
    fn suspicious(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        let (source, id, definition) = at;
        for (key, value) in properties.as_map().into_iter().flat_map(Map::iter) {
            if !looks_like_access(key, value) {
                continue;
            }
            let value = self.texts.resolve(source, value).unwrap_or_default();
            self.state.unread.push(Unread {
                origin: origin(source, id, definition),
                kind: kind_of(definition).to_owned(),
                property: key.to_owned(),
                why: "the type is not modelled".to_owned(),
                value: value.to_json(),
            });
        }
    }

    /// A workgroup that does not enforce its settings lets those who query send results, which are data, anywhere that
    /// they can write (Athena User Guide, "Override client-side settings").
    fn workgroup(&mut self, at: (&Source, &str, &Value)) {
        let (source, id, definition) = at;
        let path = ["Properties", "WorkGroupConfiguration", "EnforceWorkGroupConfiguration"];
        let enforced = match definition.at(&path) {
            Some(Value::Bool(value)) => *value,
            Some(Value::Str(text)) => text.as_ref() == "true",
            // AWS documents no default
            _ => false,
        };
        if !enforced {
            self.state.unread.push(Unread {
                origin: origin(source, id, definition),
                kind: kind_of(definition).to_owned(),
                property: "EnforceWorkGroupConfiguration".to_owned(),
                why: "those who query say where results go".to_owned(),
                value: "false".to_owned(),
            });
        }
    }

    fn held(&self, source: &Source, id: &str, definition: &Value, property: &str) -> Option<Held> {
        let document = definition.at(&["Properties", property])?;
        // A policy may stand as JSON in a text (AWS::SecretsManager::ResourcePolicy and others take both).
        let document = match document.as_str() {
            Some(text) => Value::from_json(text).unwrap_or_else(|_| document.clone()),
            None => document.clone(),
        };
        Some(Held {
            document: self.texts.resolve(source, &document)?,
            origin: origin(source, id, definition),
            property: property.to_owned(),
            paths: Vec::new(),
        })
    }

    pub(super) fn list(&self, source: &Source, value: Option<&Value>) -> Vec<String> {
        let Some(value) = value.and_then(|value| self.texts.resolve(source, value)) else {
            return Vec::new();
        };
        let text = |value: Value| match value {
            Value::Str(text) => text.into_owned(),
            other => other.to_json(),
        };
        match value {
            Value::List(list) => list.into_iter().map(text).collect(),
            one => vec![text(one)],
        }
    }
}

pub(super) fn origin(source: &Source, id: &str, definition: &Value) -> Origin {
    let path = definition.at(&["Metadata", "lakewright", "path"]).and_then(Value::as_str);
    Origin {
        stack: source.name.clone(),
        logical_id: id.to_owned(),
        path: path.unwrap_or("").to_owned(),
    }
}

/// `s3://bucket/key` as an ARN; `None` for what is no place in S3.
fn object_arn(location: &str) -> Option<String> {
    location.strip_prefix("s3://").map(|rest| format!("arn:aws:s3:::{rest}"))
}

/// Whether a resource stays when its stack lets go of it.
fn kept(definition: &Value) -> bool {
    let policy = definition.get("DeletionPolicy").and_then(Value::as_str);
    matches!(policy, Some("Retain" | "RetainExceptOnCreate"))
}

fn public_access(block: &Value) -> PublicAccess {
    let set = |key| match block.get(key) {
        Some(Value::Bool(value)) => *value,
        Some(Value::Str(text)) => text.as_ref() == "true",
        _ => false,
    };
    PublicAccess {
        block_acls: set("BlockPublicAcls"),
        ignore_acls: set("IgnorePublicAcls"),
        block_policy: set("BlockPublicPolicy"),
        restrict: set("RestrictPublicBuckets"),
    }
}

fn roles_in<'v>(value: &'v Value, found: &mut impl FnMut(&'v Value)) {
    match value {
        Value::Map(map) => map.iter().for_each(|(key, value)| match key {
            "RoleARN" | "RoleArn" => found(value),
            _ => roles_in(value, found),
        }),
        Value::List(list) => list.iter().for_each(|value| roles_in(value, found)),
        _ => {}
    }
}

/// Whether a resource of this type with these properties says something about access.
pub(super) fn says_access(kind: &str, properties: Option<&Map>) -> bool {
    let modelled = MODELLED.iter().any(|(one, _)| *one == kind);
    let looks = || {
        let mut all = properties.into_iter().flat_map(Map::iter);
        all.any(|(key, value)| looks_like_access(key, value))
    };
    let nested = kind == "AWS::CloudFormation::Stack" || kind.ends_with("::MODULE");
    modelled || nested || (!HARMLESS.contains(&kind) && looks())
}

/// Whether a macro makes something of a template, or another stack of the state does.
pub(super) fn is_made_elsewhere(source: &Source<'_>) -> bool {
    let has = |key| source.body.get(key).is_some();
    has("Transform")
        || has("Fn::Transform")
        || source.body.to_json().contains("Fn::ImportValue")
        || resources(&source.body).any(|(id, _)| id.starts_with("Fn::"))
}

/// Whether access is read of a property.
pub(super) fn is_read(kind: &str, property: &str) -> bool {
    READ.iter().find(|(one, _)| *one == kind).is_none_or(|(_, read)| read.contains(&property))
}
