//! What each resource type says about access.
//!
//! One function a family of types; the table [`MODELLED`] lists them. What another type says about access goes to
//! [`State::unread`], by name: see [`unmodelled`].

mod documents;
mod functions;
mod identities;
mod mentions;
mod passed_over;
mod unmodelled;
pub use unmodelled::NOBODY;
pub(super) use unmodelled::TABLE_DEFAULTS;

use std::collections::{BTreeMap, BTreeSet};

use identities::named;
use mentions::mentioned;

use super::source::Source;
use super::state::{Guarded, Held, Origin, PrincipalKind, PublicAccess, Runner, State};
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
    ("AWS::Athena::WorkGroup", "where results go, and whether those who query say so"),
    ("AWS::Glue::Job", "role and script"),
    ("AWS::Lambda::Function", "role and code"),
    ("AWS::Lambda::Permission", "what it adds to the function's policy"),
    ("AWS::KinesisFirehose::DeliveryStream", "the roles it takes"),
    ("AWS::Scheduler::Schedule", "the role it takes"),
];

/// The properties of a type that a verdict is about, where these are few of many.
const READ: &[(&str, &[&str])] = &[
    (
        "AWS::S3::Bucket",
        &[
            "BucketName",
            "BucketEncryption",
            "PublicAccessBlockConfiguration",
            "AccessControl",
            "OwnershipControls",
        ],
    ),
    ("AWS::Lambda::Function", &["FunctionName", "Role", "Code"]),
    ("AWS::Glue::Job", &["Name", "Role", "Command"]),
    ("AWS::Glue::Table", &["DatabaseName", "TableInput"]),
];

/// The arguments of a Glue job that name code, or files that code reads, in S3; each a list with commas. Source: "Using
/// job parameters in AWS Glue jobs"
/// (<https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html>).
const LIBRARIES: [&str; 5] = [
    "--additional-python-modules",
    "--extra-files",
    "--extra-jars",
    "--extra-py-files",
    "--scriptLocation",
];

/// Reads the templates of one state.
pub fn read(sources: &[Source]) -> State {
    let mut reader = Reader {
        texts: Texts::new(sources),
        state: State::default(),
        managed: BTreeMap::new(),
        made_twice: BTreeMap::new(),
    };
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
    /// What templates say of principals and buckets that another one makes too: by ARN.
    made_twice: BTreeMap<String, Vec<String>>,
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
        let none = Value::Null;
        let properties = definition.get("Properties").unwrap_or(&none);
        let at = (source, id, definition);
        self.guards(at);
        if MODELLED.iter().any(|(one, _)| *one == kind) {
            self.not_written_out(at, properties);
        }
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
            "AWS::Athena::WorkGroup" => {
                self.workgroup(at);
                self.results(at);
            }
            "AWS::S3::Bucket" => {
                let arn = self.texts.arn(source, id);
                let block = properties.get("PublicAccessBlockConfiguration");
                let ownership = properties.get("OwnershipControls");
                let ownership = ownership.and_then(|one| self.texts.resolve(source, one));
                let key = self.bucket_key(source, properties);
                let own = origin(source, id, definition);
                let said = format!("{:?}", block.and_then(|one| self.texts.resolve(source, one)));
                let guarded = self.guarded(source, &arn, kind);
                if guarded.origin.as_ref().is_some_and(|other| *other != own) {
                    let before = format!("{:?}", guarded.public_access);
                    self.made_twice.entry(arn.clone()).or_default().extend([before, said]);
                }
                let guarded = self.guarded(source, &arn, kind);
                guarded.origin = Some(own);
                guarded.public_access = block.map(public_access);
                guarded.ownership = ownership;
                guarded.outlives_policy |= kept(definition);
                guarded.key = key;
                self.transfers(at, &arn);
                self.lists(at, properties);
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
                match properties.get("KeyPolicy") {
                    Some(_) => self.guard(at, &arn, kind, "KeyPolicy"),
                    None => self.key_by_default(at, &arn),
                }
                let bypassed = properties.get("BypassPolicyLockoutSafetyCheck");
                let guarded = self.guarded(source, &arn, kind);
                guarded.origin = Some(origin(source, id, definition));
                // what is left open may be so
                guarded.unchecked = bypassed.is_some_and(|value| truth(value) != Some(false));
            }
            "AWS::SNS::TopicPolicy" => {
                for topic in self.list(source, properties.get("Topics")) {
                    self.guard(at, &topic, "AWS::SNS::Topic", "PolicyDocument");
                }
            }
            "AWS::SQS::QueuePolicy" => {
                let queues = match properties.get("Queues") {
                    Some(Value::List(queues)) => {
                        queues.iter().map(|queue| self.sibling(source, Some(queue))).collect()
                    }
                    other => self.list(source, other),
                };
                for arn in queues {
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
                let arguments = LIBRARIES.iter().map(|name| ["DefaultArguments", name]);
                let places = std::iter::once(["Command", "ScriptLocation"]).chain(arguments);
                let texts = places.filter_map(|path| properties.at(&path));
                let texts: Vec<String> =
                    texts.map(|value| self.texts.text(source, value)).collect();
                let code = texts.iter().flat_map(|text| text.split(','));
                let code = code.filter_map(|one| object_arn(source.partition(), one.trim()));
                self.runner(at, properties.get("Role"), code);
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
            "AWS::Lambda::Permission" => self.permission(at, properties),
            "AWS::RAM::ResourceShare" => self.share(at, properties),
            _ => self.unmodelled(at, properties),
        }
    }

    fn finish(mut self, sources: &[Source]) -> State {
        self.conflicts();
        self.tags(sources);
        self.state.managed = std::mem::take(&mut self.managed);
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
            ownership: None,
            account: source.account.clone(),
            partition: source.partition(),
            key: None,
            outlives_policy: false,
            unchecked: false,
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

    fn runner(
        &mut self,
        at: (&Source, &str, &Value),
        role: Option<&Value>,
        code: impl IntoIterator<Item = String>,
    ) {
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
fn object_arn(partition: &str, location: &str) -> Option<String> {
    location.strip_prefix("s3://").map(|rest| format!("arn:{partition}:s3:::{rest}"))
}

/// Whether a resource stays when its stack lets go of it.
fn kept(definition: &Value) -> bool {
    let policy = definition.get("DeletionPolicy").and_then(Value::as_str);
    matches!(policy, Some("Retain" | "RetainExceptOnCreate"))
}

/// A truth value as CloudFormation takes it: also as a text.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Str(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::Str(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn public_access(block: &Value) -> PublicAccess {
    let set = |key| block.get(key).and_then(truth).unwrap_or_default();
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
    MODELLED.iter().any(|(one, _)| *one == kind) || unmodelled::speaks(kind, properties)
}

/// Whether statements or grants stand in a property, or in a part of one: what [`super::Cause::property`] names
/// is in one of these.
pub fn is_of_statements(property: &str) -> bool {
    let first = property.split(['.', '/']).next().unwrap_or_default();
    ["Policy", "PolicyDocument", "Policies", "Permissions"].iter().any(|end| first.ends_with(end))
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
