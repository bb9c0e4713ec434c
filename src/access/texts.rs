//! From references to texts: what CloudFormation will put in the place of a reference, where that is known.
//!
//! In: all templates of a state. Out: values in which references to resources with a name of their own are names and
//! ARNs, parameters that another stack feeds are followed to where they come from, and what is known only after
//! creation is `{"Ref": "stack/Id"}` or `{"Fn::GetAtt": ["stack/Id", "Arn"]}`. INVARIANT: one thing has one spelling,
//! whichever stack names it.

use std::collections::BTreeMap;

use super::source::{Source, UNNAMED};
use crate::canonical::{Known, Scope, canonical, intrinsic};
use crate::catalogue::{self, resource_type};
use crate::document;
use crate::document::{Map, Value};

/// All templates of a state, ready to be asked what a value in one of them stands for.
pub(super) struct Texts<'a> {
    stacks: BTreeMap<&'a str, (&'a Source<'a>, Scope)>,
}

/// Types that are not the lake's and whose names others speak of: the property that names them, the form of their ARN
/// (Service Authorization Reference, "Resource types defined by AWS Identity and Access Management").
const PEOPLE: [(&str, &str, &str); 2] = [
    ("AWS::IAM::User", "UserName", "arn:${Partition}:iam::${Account}:user/${Name}"),
    ("AWS::IAM::Group", "GroupName", "arn:${Partition}:iam::${Account}:group/${Name}"),
];

/// Types whose `Ref` is their ARN (the pages of the types, "Return values").
const ARN_BY_REF: [&str; 3] =
    ["AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"];

/// Types that have a name and whose `Ref` is neither it nor an ARN that the name tells: an address, an ARN that ends in
/// letters of chance, an id.
const ID_BY_REF: [&str; 12] = [
    "AWS::AccessAnalyzer::Analyzer",
    "AWS::BCMDataExports::Export",
    "AWS::CE::AnomalyMonitor",
    "AWS::CE::AnomalySubscription",
    "AWS::DMS::Endpoint",
    "AWS::DMS::ReplicationInstance",
    "AWS::DMS::ReplicationTask",
    "AWS::Events::Rule",
    "AWS::Glue::Registry",
    "AWS::S3Tables::TableBucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
];

/// How deep a value may be followed from stack to stack: parameters that feed each other in a circle end here.
const MOST_STEPS: usize = 16;

impl<'a> Texts<'a> {
    pub fn new(sources: &'a [Source<'a>]) -> Self {
        let stacks = sources.iter().map(|source| (source.name.as_str(), (source, scope(source))));
        Texts { stacks: stacks.collect() }
    }

    /// A value of a template with its references resolved. `None` for `AWS::NoValue`.
    pub fn resolve(&self, source: &Source, value: &Value) -> Option<Value> {
        self.follow(source, value, MOST_STEPS)
    }

    /// A value as one text: itself, or the reference as JSON.
    pub fn text(&self, source: &Source, value: &Value) -> String {
        match self.resolve(source, value) {
            Some(Value::Str(text)) => text.into_owned(),
            Some(other) => other.to_json(),
            None => String::new(),
        }
    }

    /// The ARN of a resource of a template, or the reference to it as JSON.
    pub fn arn(&self, source: &Source, id: &str) -> String {
        if let Some(definition) = source.body.at(&["Resources", id])
            && let Some(arn) = self.made(source, definition)
        {
            return arn;
        }
        let arn = self.attribute(source, id, "Arn");
        arn.as_str().map_or_else(|| arn.to_json(), str::to_owned)
    }

    fn follow(&self, source: &Source, value: &Value, steps: usize) -> Option<Value> {
        let (_, scope) = self.stacks.get(source.name.as_str())?;
        let value = canonical(value, scope)?;
        Some(self.replace(source, value, steps))
    }

    /// Puts what is known in the place of references, in a value that is canonical.
    fn replace(&self, source: &Source, value: Value, steps: usize) -> Value {
        match value {
            Value::List(list) => {
                let mut out = Vec::new();
                for value in list {
                    let is_list = matches!(value, Value::List(_));
                    match self.replace(source, value, steps) {
                        // a function that gives a list, where one value or several may stand
                        Value::List(inside) if !is_list => out.extend(inside),
                        one => out.push(one),
                    }
                }
                Value::List(out)
            }
            Value::Map(map) => {
                match intrinsic(&map) {
                    Some(("Ref", Value::Str(id))) => return self.reference(source, id, steps),
                    Some(("Fn::GetAtt", Value::List(path))) => {
                        if let [Value::Str(id), Value::Str(attribute)] = path.as_slice() {
                            return self.attribute(source, id, attribute);
                        }
                    }
                    Some(("Fn::ImportValue", name)) if steps > 0 => {
                        let name = self.replace(source, name.clone(), steps);
                        if let Some((other, value)) =
                            name.as_str().and_then(|name| self.exported(name))
                            && let Some(value) = self.follow(other, value, steps - 1)
                        {
                            return value;
                        }
                    }
                    Some(("Fn::Join", Value::List(parts))) => {
                        if let [Value::Str(between), Value::List(parts)] = parts.as_slice() {
                            let parts: Vec<Value> = parts
                                .iter()
                                .map(|part| self.replace(source, part.clone(), steps))
                                .collect();
                            return resolved_later(self.bucket(joined(between, parts)));
                        }
                    }
                    Some(("Fn::Select", Value::List(arguments))) => {
                        if let [at, Value::List(list)] = arguments.as_slice()
                            && let Some(one) = at_index(at, list)
                        {
                            return self.replace(source, one.clone(), steps);
                        }
                        if let [at, list @ Value::Map(_)] = arguments.as_slice()
                            && let Value::List(list) = self.replace(source, list.clone(), steps)
                            && let Some(one) = at_index(at, &list)
                        {
                            return one.clone();
                        }
                    }
                    Some(("Fn::Split", Value::List(arguments))) => {
                        if let [Value::Str(between), text] = arguments.as_slice()
                            && let Value::Str(text) = self.replace(source, text.clone(), steps)
                            && !between.is_empty()
                            && !text.contains(DYNAMIC)
                        {
                            let parts = text.split(between.as_ref());
                            return parts.map(str::to_owned).collect();
                        }
                    }
                    _ => {}
                }
                let pairs = map.into_iter();
                pairs
                    .map(|(key, value)| (key, self.replace(source, value, steps)))
                    .collect::<Map>()
                    .into()
            }
            Value::Str(text) if text.contains(DYNAMIC) => resolved_later(Value::Str(text)),
            scalar => scalar,
        }
    }

    /// `arn:aws:s3:::` before the `Ref` of a bucket that CloudFormation names is the bucket's ARN.
    fn bucket(&self, value: Value) -> Value {
        let Some([empty, Value::List(parts)]) = value.get("Fn::Join").and_then(Value::as_list)
        else {
            return value;
        };
        let [Value::Str(start), reference, rest @ ..] = parts.as_slice() else { return value };
        let Some((stack, id)) = (reference.get("Ref").and_then(Value::as_str))
            .and_then(|name| name.split_once('/').map(|_| name.rsplit_once('/')))
            .flatten()
        else {
            return value;
        };
        let Some((source, _)) = self.stacks.get(stack) else { return value };
        let definition = source.body.at(&["Resources", id]);
        let is_bucket = definition.is_some_and(|one| kind_of(one) == "AWS::S3::Bucket");
        if !is_bucket || *start != format!("arn:{}:s3:::", source.partition()) {
            return value;
        }
        let arn = document!({"Fn::GetAtt": [(qualified(source, id)), "Arn"]});
        match rest {
            [] => arn,
            _ => {
                let parts = [arn].into_iter().chain(rest.iter().cloned()).collect();
                document!({"Fn::Join": [(empty.clone()), (Value::List(parts))]})
            }
        }
    }

    /// The output that a stack of the state exports under a name.
    fn exported(&self, name: &str) -> Option<(&'a Source<'a>, &'a Value)> {
        self.stacks.values().find_map(|(source, _)| {
            let outputs = source.body.get("Outputs").and_then(Value::as_map)?;
            let found = outputs.iter().find(|(_, output)| {
                let own = output.at(&["Export", "Name"]);
                own.is_some_and(|own| self.text(source, own) == name)
            });
            found.and_then(|(_, output)| Some((*source, output.get("Value")?)))
        })
    }

    fn reference(&self, source: &Source, id: &str, steps: usize) -> Value {
        if let Some((stack, output)) = source.parameters.get(id)
            && steps > 0
            && let Some((other, _)) = self.stacks.get(stack.as_str())
            && let Some(value) = other.body.at(&["Outputs", output, "Value"])
            && let Some(value) = self.follow(other, value, steps - 1)
        {
            return value;
        }
        if let Some(definition) = source.body.at(&["Resources", id]) {
            // What Ref gives for each type: the pages of the types.
            let known = match kind_of(definition) {
                kind if ARN_BY_REF.contains(&kind) => self.made(source, definition),
                kind if ID_BY_REF.contains(&kind) => None,
                _ => self.name(source, definition),
            };
            if let Some(name) = known {
                return Value::from(name);
            }
        }
        let parameter = source.body.at(&["Parameters", id]);
        let kind = parameter.and_then(|one| one.get("Type")).and_then(Value::as_str);
        if kind.is_some_and(|kind| kind.starts_with("AWS::SSM::")) {
            // what is stored elsewhere is another value where it is stored under another name
            let default = parameter.and_then(|one| one.get("Default")).map(Value::to_json);
            let under = default.filter(|_| !source.given.contains_key(id)).unwrap_or_default();
            return document!({"Ref": (format!("{} stored under {under}", qualified(source, id)))});
        }
        document!({"Ref": (qualified(source, id))})
    }

    fn attribute(&self, source: &Source, id: &str, attribute: &str) -> Value {
        let definition = source.body.at(&["Resources", id]);
        if let Some(definition) = definition
            && matches!(attribute, "Arn" | "TopicArn")
            && let Some(arn) = self.made(source, definition)
        {
            return match kind_of(definition) {
                // the ARN of a log group ends in `:*` (AWS::Logs::LogGroup, "Return values")
                "AWS::Logs::LogGroup" => Value::from(arn + ":*"),
                _ => match self.open_path(source, definition) {
                    Some(path) => self.with_path(&arn, path),
                    None => Value::from(arn),
                },
            };
        }
        document!({"Fn::GetAtt": [(qualified(source, id)), (attribute.to_owned())]})
    }

    /// The path of a user, role, group or policy where it is not known.
    fn open_path(&self, source: &Source, definition: &Value) -> Option<Value> {
        let path = definition.at(&["Properties", "Path"])?;
        let iam = kind_of(definition).starts_with("AWS::IAM::");
        self.resolve(source, path).filter(|path| iam && path.as_str().is_none())
    }

    /// An ARN without a path, with one.
    fn with_path(&self, arn: &str, path: Value) -> Value {
        match arn.split_once('/') {
            Some((before, name)) => {
                document!({"Fn::Join": ["", [(before.to_owned()), path, (name.to_owned())]]})
            }
            None => Value::from(arn.to_owned()),
        }
    }

    /// The name that a template gives a resource, if it is a text in the end.
    fn name(&self, source: &Source, definition: &Value) -> Option<String> {
        let kind = kind_of(definition);
        let properties = definition.get("Properties")?;
        let name = match PEOPLE.iter().find(|one| one.0 == kind) {
            Some((_, property, _)) => properties.get(property)?,
            None => resource_type(kind)?.given_name(properties)?.1,
        };
        match self.resolve(source, name)? {
            Value::Str(name) => Some(name.into_owned()),
            _ => None,
        }
    }

    /// The ARN that a resource of a given name will have, after the form that the catalogue holds.
    fn made(&self, source: &Source, definition: &Value) -> Option<String> {
        let kind = kind_of(definition);
        let form = match PEOPLE.iter().find(|one| one.0 == kind) {
            Some((.., form)) => form,
            None => resource_type(kind)?.arn?,
        };
        let mut name = self.name(source, definition)?;
        if kind.starts_with("AWS::IAM::") {
            let path = definition.at(&["Properties", "Path"]);
            let path = path.and_then(|path| self.resolve(source, path));
            let path = path.as_ref().and_then(Value::as_str).unwrap_or("/");
            name = format!("{}{name}", path.trim_start_matches('/'));
        }
        let mut arn = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once("${") {
            let (slot, after) = after.split_once('}')?;
            arn.push_str(before);
            arn.push_str(match slot {
                "Partition" => source.partition(),
                "Region" => &source.region,
                "Account" => &source.account,
                _ => &name,
            });
            rest = after;
        }
        Some(arn + rest)
    }
}

impl Source<'_> {
    /// The partition of the source's region: `aws`.
    pub fn partition(&self) -> &'static str {
        catalogue::partition_of(&self.region).name
    }
}

/// The pseudo parameters, which are the same everywhere in a stack.
fn scope(source: &Source) -> Scope {
    let partition = catalogue::partition_of(&source.region);
    // a name that no template has written out
    let stack = if source.name == UNNAMED { "stack-name" } else { source.name.as_str() };
    let mut scope = Scope { partition: partition.name, ..Scope::default() };
    for (name, text) in [
        ("AWS::AccountId", source.account.as_str()),
        ("AWS::Region", source.region.as_str()),
        ("AWS::Partition", partition.name),
        ("AWS::URLSuffix", partition.dns_suffix),
        ("AWS::StackName", stack),
    ] {
        scope.values.insert(name.to_owned(), Known::Text(text.to_owned()));
    }
    for (name, text) in &source.given {
        scope.values.insert(name.clone(), Known::Text(text.clone()));
    }
    scope
}

fn qualified(source: &Source, id: &str) -> String {
    format!("{}/{id}", source.name)
}

pub(super) fn kind_of(definition: &Value) -> &str {
    definition.get("Type").and_then(Value::as_str).unwrap_or("")
}

/// How a dynamic reference begins
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>).
const DYNAMIC: &str = "{{resolve:";

/// A text with its dynamic references as what they are: values that CloudFormation fills in.
fn resolved_later(value: Value) -> Value {
    let parts = match &value {
        Value::Str(text) if text.contains(DYNAMIC) => vec![Value::Str(text.clone())],
        Value::Map(map) => match map.get("Fn::Join").and_then(Value::as_list) {
            Some([_, Value::List(parts)]) => parts.clone(),
            _ => return value,
        },
        _ => return value,
    };
    let holds = |one: &Value| one.as_str().is_some_and(|text| text.contains(DYNAMIC));
    if !parts.iter().any(holds) {
        return value;
    }
    let mut flat: Vec<Value> = Vec::new();
    for part in parts {
        let Value::Str(text) = &part else {
            push(&mut flat, part);
            continue;
        };
        let mut rest = text.as_ref();
        while let Some(start) = rest.find(DYNAMIC) {
            let Some(length) = rest[start..].find("}}") else {
                // its name is itself not known: the whole is one value
                return document!({"Fn::Sub": [value]});
            };
            if start > 0 {
                push(&mut flat, Value::from(rest[..start].to_owned()));
            }
            let end = start + length + 2;
            flat.push(document!({"Ref": (rest[start..end].to_owned())}));
            rest = &rest[end..];
        }
        if !rest.is_empty() {
            push(&mut flat, Value::from(rest.to_owned()));
        }
    }
    match flat.len() {
        1 => flat.remove(0),
        _ => document!({"Fn::Join": ["", (Value::List(flat))]}),
    }
}

/// What `Fn::Select` takes out of a list.
fn at_index<'v>(at: &Value, list: &'v [Value]) -> Option<&'v Value> {
    let plain = list.iter().all(|one| {
        let function = one.as_map().and_then(intrinsic).map(|(name, _)| name);
        // a value that may be several moves what stands behind it
        !matches!(
            function,
            Some("Ref" | "Fn::Split" | "Fn::FindInMap" | "Fn::If" | "Fn::Transform")
        )
    });
    let at = match at {
        Value::Int(at) => usize::try_from(*at).ok(),
        Value::Str(at) => at.parse().ok(),
        _ => None,
    };
    list.get(at?).filter(|_| plain)
}

/// A concatenation, as one text where all its parts are.
fn joined(between: &str, parts: Vec<Value>) -> Value {
    if let Some(texts) = parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
        return Value::from(texts.join(between));
    }
    let mut flat: Vec<Value> = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 && !between.is_empty() {
            push(&mut flat, Value::from(between.to_owned()));
        }
        push(&mut flat, part);
    }
    document!({"Fn::Join": ["", (Value::List(flat))]})
}

fn push(flat: &mut Vec<Value>, value: Value) {
    match (flat.last_mut(), value) {
        (Some(Value::Str(last)), Value::Str(next)) => last.to_mut().push_str(&next),
        (_, Value::Map(map)) => match map.get("Fn::Join").and_then(Value::as_list) {
            Some([Value::Str(empty), Value::List(inner)]) if empty.is_empty() => {
                inner.iter().cloned().for_each(|part| push(flat, part));
            }
            _ => flat.push(Value::Map(map)),
        },
        (_, value) => flat.push(value),
    }
}
