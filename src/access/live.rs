//! What an account really has, in the place of what its templates say.
//!
//! In: the templates that are deployed, and for their resources what is there. Out: a [`State`] of the same names: a text
//! that only CloudFormation knew beforehand (the ARN of a key) becomes the reference again that it is in the templates,
//! so that what has not changed compares as equal. INVARIANT: what was not read is in [`State::unread`], by name; nothing
//! else of a template is taken for true where it was. Pure. Read next: `template`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use super::state::{Grant, Origin, State, Unread};
use super::template::{MODELLED, origin, read};
use super::texts::kind_of;
use crate::catalogue::resource_type;
use crate::document;
use crate::document::{Map, Value};

/// The types that are read, and what of them is access.
pub const READ: [(&str, &[&str]); 15] = [
    (
        "AWS::IAM::Role",
        &["AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "PermissionsBoundary"],
    ),
    ("AWS::IAM::User", &["Policies", "ManagedPolicyArns", "Groups", "PermissionsBoundary"]),
    ("AWS::IAM::ManagedPolicy", &["PolicyDocument", "Roles", "Users", "Groups"]),
    ("AWS::S3::Bucket", &["PublicAccessBlockConfiguration"]),
    (BUCKET_POLICY, &["PolicyDocument"]),
    ("AWS::KMS::Key", &["KeyPolicy"]),
    ("AWS::SNS::TopicPolicy", &["PolicyDocument"]),
    ("AWS::Kinesis::ResourcePolicy", &["ResourcePolicy"]),
    ("AWS::Glue::Job", &["Role", "Command"]),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        &["ExtendedS3DestinationConfiguration", "KinesisStreamSourceConfiguration"],
    ),
    ("AWS::Scheduler::Schedule", &["Target"]),
    ("AWS::Athena::WorkGroup", &["WorkGroupConfiguration"]),
    ("AWS::LakeFormation::DataCellsFilter", &["ColumnNames", "ColumnWildcard", "RowFilter"]),
    ("AWS::LakeFormation::Resource", &["RoleArn", "HybridAccessEnabled"]),
    ("AWS::LakeFormation::TagAssociation", &["LFTags"]),
];

/// The types that are read as a list of grants and administrators, and one that only has a name.
const LISTED: [&str; 4] = [
    "AWS::LakeFormation::PrincipalPermissions",
    "AWS::LakeFormation::Permissions",
    "AWS::LakeFormation::DataLakeSettings",
    "AWS::Glue::Table",
];

const BUCKET_POLICY: &str = "AWS::S3::BucketPolicy";

/// What is there of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Actual {
    /// What the template says.
    AsTemplate,
    /// These CloudFormation properties.
    Properties(Value),
    Gone,
    /// Nobody looked, for this reason.
    Unread(String),
}

/// What is there of the resources of a stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Live {
    /// By logical id and type. The policy of a bucket that no template writes stands below the bucket's.
    pub resources: BTreeMap<(String, String), Actual>,
    /// Names in AWS by logical id: what `Ref` gave.
    pub names: BTreeMap<String, String>,
    /// The grants of Lake Formation in this stack's region, where the stack has any, or why they are not known.
    pub grants: Option<Result<Vec<Granted>, String>>,
    /// The administrators of Lake Formation, where the stack sets some, or why they are not known.
    pub admins: Option<Result<Vec<String>, String>>,
}

/// A grant of Lake Formation, as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    pub principal: String,
    /// In the form of `AWS::LakeFormation::PrincipalPermissions`.
    pub resource: Value,
    pub permissions: Vec<String>,
    pub with_grant_option: Vec<String>,
}

/// The state of an account in which `sources` are deployed, connected already. `live`: what is there, by stack.
pub fn live(sources: Vec<Source<'_>>, live: &BTreeMap<String, Live>) -> State {
    let none = Live::default();
    let of = |source: &Source| live.get(&source.name).unwrap_or(&none).clone();
    let found: Vec<Live> = sources.iter().map(of).collect();
    let names = references(&sources, &found);
    let policies: BTreeSet<&str> = sources
        .iter()
        .zip(&found)
        .flat_map(|(source, live)| {
            let read = move |id: &&String| {
                let at = ((*id).clone(), "AWS::IAM::ManagedPolicy".to_owned());
                matches!(live.resources.get(&at), Some(Actual::Properties(_)))
                    && source.body.at(&["Resources", id.as_str()]).is_some()
            };
            live.names.keys().filter(read).filter_map(|id| live.names.get(id)).map(String::as_str)
        })
        .collect();
    let mut unread = Vec::new();
    let mut mentioned = BTreeMap::new();
    let mut sources: Vec<Source<'static>> = sources
        .into_iter()
        .zip(&found)
        .map(|(source, live)| {
            let mut overlay = Overlay {
                names: &names,
                policies: &policies,
                unread: &mut unread,
                mentioned: &mut mentioned,
            };
            overlay.source(source, live)
        })
        .collect();
    // What is mentioned is handed from the stack that has it to those that name it, as parameters are.
    for ((stack, id), reference) in mentioned {
        let output = parameter(&stack, &id);
        for source in &mut sources {
            source.parameters.insert(output.clone(), (stack.clone(), output.clone()));
        }
        let Some(own) = sources.iter_mut().find(|source| source.name == stack) else { continue };
        let Value::Map(body) = own.body.to_mut() else { continue };
        let mut outputs = body.get("Outputs").and_then(Value::as_map).cloned().unwrap_or_default();
        outputs.insert(output, document!({"Value": reference}));
        body.insert("Outputs", outputs);
    }
    let mut state = read(&sources);
    for (source, live) in sources.iter().zip(&found) {
        lake_formation(&mut state, source, live, &mut unread);
    }
    state.unread.extend(unread);
    state.unread.sort();
    state.unread.dedup();
    state
}

/// The parameter that stands for what only CloudFormation knew. No template has one of this name: it has a slash.
fn parameter(stack: &str, id: &str) -> String {
    format!("live {stack}/{id}")
}

/// What stands for a text: the stack, the logical id, and how its template refers to it.
type Known = (String, String, Value);

/// The texts of which a template only knows the reference: ARNs of what CloudFormation names, as keys and topics.
fn references(sources: &[Source], found: &[Live]) -> BTreeMap<String, Known> {
    let mut names = BTreeMap::new();
    for (source, live) in sources.iter().zip(found) {
        for (id, name) in &live.names {
            let Some(definition) = source.body.at(&["Resources", id.as_str()]) else { continue };
            let properties = definition.get("Properties").unwrap_or(&Value::Null);
            let facts = resource_type(kind_of(definition));
            if facts.is_some_and(|facts| facts.given_name(properties).is_some()) {
                continue;
            }
            let known = match name.starts_with("arn:") {
                true => Some((name.clone(), document!({"Ref": (id.clone())}))),
                false => facts.and_then(|facts| facts.arn).and_then(|form| {
                    let arn = arn(form, source, name)?;
                    Some((arn, document!({"Fn::GetAtt": [(id.clone()), "Arn"]})))
                }),
            };
            if let Some((text, reference)) = known {
                names.insert(text, (source.name.clone(), id.clone(), reference));
            }
        }
    }
    names
}

/// An ARN after the form that the catalogue holds, if the name is all that it lacks.
fn arn(form: &str, source: &Source, name: &str) -> Option<String> {
    let form = form
        .replace("${Partition}", source.partition())
        .replace("${Region}", &source.region)
        .replace("${Account}", &source.account);
    let (before, rest) = form.split_once("${")?;
    let (_, after) = rest.split_once('}')?;
    (!after.contains("${")).then(|| format!("{before}{name}{after}"))
}

/// One template, with what is there put into it.
struct Overlay<'a> {
    names: &'a BTreeMap<String, Known>,
    /// ARNs of the managed policies of the templates, which say themselves to whom they are attached.
    policies: &'a BTreeSet<&'a str>,
    unread: &'a mut Vec<Unread>,
    mentioned: &'a mut BTreeMap<(String, String), Value>,
}

impl Overlay<'_> {
    fn source(&mut self, source: Source<'_>, live: &Live) -> Source<'static> {
        let mut body = source.body.as_ref().clone();
        let definitions =
            body.get("Resources").and_then(Value::as_map).cloned().unwrap_or_default();
        let mut resources = definitions.clone();
        for (id, definition) in definitions.iter() {
            let kind = kind_of(definition);
            let why = match READ.iter().any(|(read, _)| *read == kind) {
                true if live.resources.contains_key(&(id.to_owned(), kind.to_owned())) => continue,
                true => "nobody looked",
                false if LISTED.contains(&kind) => continue,
                false if !MODELLED.iter().any(|(modelled, _)| *modelled == kind) => continue,
                false => "it is taken from the template",
            };
            self.unread.push(Unread {
                origin: origin(&source, id, definition),
                kind: kind.to_owned(),
                property: "Properties".to_owned(),
                why: why.to_owned(),
                value: String::new(),
            });
        }
        for ((id, kind), actual) in &live.resources {
            let Some(definition) = definitions.get(id) else { continue };
            let Some((_, properties)) = READ.iter().find(|(read, _)| read == kind) else {
                continue;
            };
            let is_own = kind_of(definition) == kind;
            match actual {
                Actual::AsTemplate => {}
                Actual::Gone if is_own => drop(resources.remove(id)),
                Actual::Gone => {}
                Actual::Unread(why) => self.unread.push(Unread {
                    origin: origin(&source, id, definition),
                    kind: kind.clone(),
                    property: properties.join(", "),
                    why: why.clone(),
                    value: String::new(),
                }),
                Actual::Properties(there) if is_own => {
                    let definition = self.put(definition, there, properties);
                    resources.insert(id.clone(), definition);
                }
                // the policy of a bucket whose template writes none
                Actual::Properties(there) => {
                    let mut policy = Map::new();
                    policy.insert("Type", kind.clone());
                    policy.insert("Properties", document!({"Bucket": {"Ref": (id.clone())}}));
                    policy.insert_some("Metadata", definition.get("Metadata").cloned());
                    let policy = self.put(&Value::Map(policy), there, properties);
                    resources.insert(format!("{id}/Policy"), policy);
                }
            }
        }
        if let Value::Map(body) = &mut body {
            body.insert("Resources", resources);
        }
        Source {
            name: source.name,
            account: source.account,
            region: source.region,
            body: Cow::Owned(body),
            parameters: source.parameters,
            given: Default::default(),
        }
    }

    /// A definition with what is there of some of its properties.
    fn put(&mut self, definition: &Value, there: &Value, properties: &[&'static str]) -> Value {
        let mut own =
            definition.get("Properties").and_then(Value::as_map).cloned().unwrap_or_default();
        for property in properties {
            own.remove(property);
            let value = match (*property, there.get(property)) {
                ("ManagedPolicyArns", Some(Value::List(arns))) => {
                    let others = arns
                        .iter()
                        .filter(|arn| !arn.as_str().is_some_and(|arn| self.policies.contains(arn)));
                    Some(others.cloned().collect())
                }
                (_, value) => value.cloned(),
            };
            own.insert_some(*property, value.map(|value| self.named(value)));
        }
        let mut definition = definition.clone();
        if let Value::Map(map) = &mut definition {
            map.insert("Properties", own);
        }
        definition
    }

    /// A value with references in the place of texts that only CloudFormation knew.
    fn named(&mut self, value: Value) -> Value {
        match value {
            Value::Str(text) => match self.names.get(text.as_ref()) {
                Some((stack, id, reference)) => {
                    self.mentioned.insert((stack.clone(), id.clone()), reference.clone());
                    document!({"Ref": (parameter(stack, id))})
                }
                None => Value::Str(text),
            },
            Value::List(list) => list.into_iter().map(|one| self.named(one)).collect(),
            Value::Map(map) => {
                let pairs = map.into_iter().map(|(key, value)| (key, self.named(value)));
                pairs.collect::<Map>().into()
            }
            other => other,
        }
    }
}

/// Grants and administrators of Lake Formation as they are listed. Those of the templates keep their place in the spec.
fn lake_formation(state: &mut State, source: &Source, live: &Live, unread: &mut Vec<Unread>) {
    let not_read = |what: &str, why: &str| Unread {
        origin: Origin {
            stack: source.name.clone(),
            logical_id: what.to_owned(),
            path: String::new(),
        },
        kind: "AWS::LakeFormation::PrincipalPermissions".to_owned(),
        property: what.to_owned(),
        why: why.to_owned(),
        value: String::new(),
    };
    match &live.grants {
        None => {}
        Some(Err(why)) => unread.push(not_read("Permissions", why)),
        Some(Ok(listed)) => {
            let (ours, rest): (Vec<Grant>, Vec<Grant>) = std::mem::take(&mut state.grants)
                .into_iter()
                .partition(|grant| grant.origin.stack == source.name && is_listed(&grant.resource));
            state.grants = rest;
            let mut speaks: BTreeSet<String> =
                ours.iter().flat_map(|one| about(&one.resource)).collect();
            speaks
                .extend(state.tagged.iter().map(|tagged| format!("database {}", tagged.database)));
            for granted in listed {
                let same = |one: &&Grant| {
                    one.principal == granted.principal
                        && same_place(&one.resource, &granted.resource)
                };
                let own = ours.iter().find(same);
                // What the account grants on what is not the lake's is nothing of the lake.
                let about = about(&granted.resource);
                if own.is_none() && !about.iter().any(|one| speaks.contains(one)) {
                    continue;
                }
                state.grants.push(Grant {
                    principal: granted.principal.clone(),
                    resource: own.map_or(&granted.resource, |own| &own.resource).clone(),
                    permissions: granted.permissions.iter().cloned().collect(),
                    with_grant_option: granted.with_grant_option.iter().cloned().collect(),
                    origin: own.map(|own| own.origin.clone()).unwrap_or_default(),
                });
            }
        }
    }
    match &live.admins {
        None => {}
        Some(Err(why)) => unread.push(not_read("Admins", why)),
        Some(Ok(admins)) => {
            let is_admin = |grant: &Grant| {
                grant.resource.at(&["Administration", "What"]).and_then(Value::as_str)
                    == Some("admin")
            };
            let ours: Vec<Grant> = state
                .grants
                .iter()
                .filter(|grant| grant.origin.stack == source.name && is_admin(grant))
                .cloned()
                .collect();
            state.grants.retain(|grant| !(grant.origin.stack == source.name && is_admin(grant)));
            for admin in admins {
                let own = ours.iter().find(|one| one.principal == *admin);
                state.grants.push(Grant {
                    principal: admin.clone(),
                    resource: document!({"Administration": {"What": "admin"}}),
                    permissions: BTreeSet::from(["ALL".to_owned()]),
                    with_grant_option: BTreeSet::new(),
                    origin: own.map(|own| own.origin.clone()).unwrap_or_default(),
                });
            }
        }
    }
    state.grants.sort_by_cached_key(|grant| {
        (grant.principal.clone(), grant.resource.to_json(), grant.origin.clone())
    });
}

/// Whether a grant is one that Lake Formation lists: settings and registrations are none.
fn is_listed(resource: &Value) -> bool {
    ["Administration", "Defaults", "Registration"].iter().all(|key| resource.get(key).is_none())
}

/// What a grant's resource is about: databases, keys of LF-tags, locations.
fn about(resource: &Value) -> Vec<String> {
    let at = |path: &[&str]| resource.at(path).and_then(Value::as_str);
    let named: [(&str, &[&str]); 6] = [
        ("database", &["Database", "Name"]),
        ("database", &["Table", "DatabaseName"]),
        ("database", &["TableWithColumns", "DatabaseName"]),
        ("database", &["DataCellsFilter", "DatabaseName"]),
        ("tag", &["LFTag", "TagKey"]),
        ("location", &["DataLocation", "ResourceArn"]),
    ];
    let named = named.iter().filter_map(|(what, path)| Some(format!("{what} {}", at(path)?)));
    let expression = resource.at(&["LFTagPolicy", "Expression"]).and_then(Value::as_list);
    let keys = expression.unwrap_or_default().iter().filter_map(|one| one.get("TagKey")?.as_str());
    named.chain(keys.map(|key| format!("tag {key}"))).collect()
}

/// Whether two resources of grants are one: what a list adds (the catalog's id) or orders in its own way does not count.
fn same_place(one: &Value, other: &Value) -> bool {
    plain(one) == plain(other)
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, value)| {
                let empty = match value {
                    Value::List(list) => list.is_empty(),
                    Value::Null => true,
                    _ => false,
                };
                !matches!(*key, "CatalogId" | "TableCatalogId") && !empty
            });
            let pairs = kept.map(|(key, value)| (key.to_owned().into(), plain(value)));
            Value::Map(pairs.collect())
        }
        Value::List(list) => {
            let mut list: Vec<Value> = list.iter().map(plain).collect();
            list.sort_by_cached_key(Value::to_json);
            Value::List(list)
        }
        other => other.clone(),
    }
}

impl State {
    /// The ARNs of policies and boundaries that principals carry and that are not at hand.
    pub fn elsewhere(&self) -> BTreeSet<String> {
        let mut arns = BTreeSet::new();
        for principal in self.principals.values() {
            arns.extend(principal.attached.iter().filter(|arn| arn.starts_with("arn:")).cloned());
            if let super::state::Boundary::Unread(arn) = &principal.boundary
                && arn.starts_with("arn:")
            {
                arns.insert(arn.clone());
            }
        }
        arns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Layer, compare};
    use crate::verdict::{Options, Verdict};

    fn source(name: &str, json: &str) -> Source<'static> {
        Source {
            name: name.to_owned(),
            account: "111111111111".to_owned(),
            region: "eu-west-1".to_owned(),
            body: Cow::Owned(Value::from_json(json).expect("JSON")),
            parameters: BTreeMap::new(),
            given: Default::default(),
        }
    }

    const KEY: &str = r#"{"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"}]}}}}}"#;
    const ROLE: &str = r#"{"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r",
        "AssumeRolePolicyDocument": {"Statement": []}}}}}"#;

    fn sources() -> Vec<Source<'static>> {
        vec![source("keys", KEY), source("roles", ROLE)]
    }

    fn there(id: &str, kind: &str, actual: Actual) -> BTreeMap<(String, String), Actual> {
        BTreeMap::from([((id.to_owned(), kind.to_owned()), actual)])
    }

    fn keys() -> Live {
        Live {
            names: BTreeMap::from([("Key".to_owned(), "abc".to_owned())]),
            resources: there("Key", "AWS::KMS::Key", Actual::AsTemplate),
            ..Live::default()
        }
    }

    fn role(actual: Actual) -> Live {
        Live { resources: there("Role", "AWS::IAM::Role", actual), ..Live::default() }
    }

    fn verdict(actual: Live) -> (Verdict, Vec<String>) {
        let all = BTreeMap::from([("keys".to_owned(), keys()), ("roles".to_owned(), actual)]);
        let found = compare(&read(&sources()), &live(sources(), &all), &Options::default());
        let reasons = found.rows.iter().filter_map(|row| row.comparison.reason.as_ref());
        (found.verdict(), reasons.map(|reason| reason.text.clone()).collect())
    }

    #[test]
    fn what_is_read_takes_the_place_of_the_template() {
        let inline = r#"{"AssumeRolePolicyDocument": {"Statement": []}, "ManagedPolicyArns": [], "Policies": [{"PolicyName": "p",
            "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "kms:Decrypt",
            "Resource": "arn:aws:kms:eu-west-1:111111111111:key/abc"}]}}]}"#;
        let inline = Actual::Properties(Value::from_json(inline).expect("JSON"));
        assert_eq!(verdict(role(inline.clone())).0, Verdict::Broadened);
        // the key's ARN is the reference that it is in templates, also in another stack
        let all = BTreeMap::from([("keys".to_owned(), keys()), ("roles".to_owned(), role(inline))]);
        let state = live(sources(), &all);
        let held = &state.principals["arn:aws:iam::111111111111:role/r"].identity[0].document;
        let reference = document!({"Fn::GetAtt": ["keys/Key", "Arn"]});
        assert_eq!(held.at(&["Statement", "0", "Resource", "0"]), Some(&reference));
    }

    #[test]
    fn what_is_not_read_is_said_by_name() {
        assert_eq!(verdict(role(Actual::AsTemplate)).0, Verdict::Equivalent);
        for (there, why) in [
            (role(Actual::Unread("access denied".to_owned())), "access denied"),
            (Live::default(), "nobody looked"),
        ] {
            let (verdict, told) = verdict(there);
            assert_eq!(verdict, Verdict::Undecided);
            let expected = format!("of AWS::IAM::Role was not read: {why}");
            assert!(told[0].contains(&expected), "{told:?}");
        }
    }

    #[test]
    fn a_policy_that_no_template_writes_is_found() {
        let bucket = r#"{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "lake"}}}}"#;
        let policy = r#"{"Bucket": "lake", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*",
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"}]}}"#;
        let policy = Actual::Properties(Value::from_json(policy).expect("JSON"));
        let old = vec![source("one", bucket)];
        let mut resources = there("B", BUCKET_POLICY, policy);
        resources.extend(there("B", "AWS::S3::Bucket", Actual::AsTemplate));
        let there = Live { resources, ..Live::default() };
        let all = BTreeMap::from([("one".to_owned(), there)]);
        let found = compare(&read(&old), &live(old.clone(), &all), &Options::default());
        let row = found.rows.iter().find(|row| row.layer == Layer::Resource).expect("a row");
        assert_eq!(
            (row.subject.as_str(), row.verdict()),
            ("arn:aws:s3:::lake", Verdict::Broadened)
        );
    }
}
