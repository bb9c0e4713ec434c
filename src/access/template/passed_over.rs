//! What a state says of access that is not modelled, by name, and what others make of a template.
//!
//! A part of the reader in [`super`]. In go resources and templates; out come entries of
//! [`State::unread`](super::State), each with its value, so that what differs is undecided and never the same.

use std::collections::BTreeSet;

use super::super::source::Source;
use super::super::state::{Origin, Unread};
use super::super::texts::kind_of;
use super::unmodelled::{
    NOBODY, OF_A_FUNCTION, SILENT, TABLE_DEFAULTS, has_macro, is_harmless, is_whole, parts,
};
use super::{Reader, origin, resources};
use crate::document::{Map, Value};

/// The transforms of AWS that leave everything but their own types and functions as it stands.
const TRANSFORMS: [&str; 5] = [
    "AWS::Serverless-2016-10-31",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
    "AWS::CodeDeployBlueGreen",
];

/// Why what is made of a template by others is undecided.
const MADE: &str = "what is made of it is not modelled";

/// The keys of tags that conditions name: `aws:PrincipalTag/team`, `ec2:ResourceTag/team`.
fn keys_of_tags(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Map(map) => map.iter().for_each(|(key, value)| {
            let lower = key.to_ascii_lowercase();
            let tag = lower.split_once("tag/").filter(|(kind, _)| !kind.contains("request"));
            found.extend(tag.map(|(_, tag)| tag.to_owned()));
            keys_of_tags(value, found);
        }),
        Value::List(list) => list.iter().for_each(|one| keys_of_tags(one, found)),
        Value::Str(text) => {
            // a policy variable
            for part in text.split("${").skip(1) {
                let lower = part.to_ascii_lowercase();
                let key = lower.split(['}', ',']).next().unwrap_or_default();
                found.extend(key.split_once("tag/").map(|(_, tag)| tag.trim().to_owned()));
            }
        }
        _ => {}
    }
}

impl Reader<'_> {
    fn passed_over(
        &mut self,
        (source, id, definition): (&Source, &str, &Value),
        property: &str,
        why: &str,
        value: String,
    ) {
        self.state.unread.push(Unread {
            origin: origin(source, id, definition),
            kind: kind_of(definition).to_owned(),
            property: property.to_owned(),
            why: why.to_owned(),
            value,
        });
    }

    /// What a resource of a type that is not modelled says about access.
    pub(super) fn unmodelled(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        const WHY: &str = "the type is not modelled";
        let (source, _, definition) = at;
        let kind = kind_of(definition);
        let map = properties.as_map();
        let resolved = |value: &Value| self.texts.resolve(source, value).unwrap_or_default();
        let those = |wanted: &dyn Fn(&str) -> bool| {
            let own = map.into_iter().flat_map(Map::iter).filter(|(key, _)| wanted(key));
            let own: Map =
                own.map(|(key, value)| (key.to_owned().into(), resolved(value))).collect();
            Value::Map(own).to_json()
        };
        if kind == "AWS::Serverless::Function" {
            let value = those(&|key| OF_A_FUNCTION.contains(&key));
            self.passed_over(
                at,
                "Properties",
                "the role that SAM makes of it is not modelled",
                value,
            );
        } else if kind.starts_with("AWS::Serverless::") && !kind.ends_with("LayerVersion") {
            let value = those(&|key| !SILENT.contains(&key));
            self.passed_over(at, "Properties", "what SAM makes of it is not modelled", value);
        } else if is_whole(kind) {
            let value = those(&|key| !SILENT.contains(&key));
            self.passed_over(at, "Properties", WHY, value);
        } else if !is_harmless(kind) {
            let mut found = Vec::new();
            map.into_iter().for_each(|map| parts(map, "", &mut found));
            let mut found: Vec<(String, String)> =
                found.into_iter().map(|(path, value)| (path, resolved(value).to_json())).collect();
            let (of_kind, defaults) = TABLE_DEFAULTS;
            if kind == of_kind && !found.iter().any(|(path, _)| path == defaults) {
                found.push((defaults.to_owned(), NOBODY[1].to_owned()));
            }
            for (path, value) in found {
                self.passed_over(at, &path, WHY, value);
            }
        }
    }

    /// Of a resource whose type is modelled, what is left to a macro, and lists that are no lists.
    pub(super) fn not_written_out(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        if has_macro(properties) {
            let value = self.texts.resolve(at.0, properties).unwrap_or_default();
            self.passed_over(at, "Fn::Transform", MADE, value.to_json());
        }
        if let Some(connectors) = at.2.get("Connectors") {
            self.passed_over(at, "Connectors", MADE, connectors.to_json());
        }
        let policies = properties.get("Policies");
        if let Some(value) = policies.filter(|one| one.as_list().is_none()) {
            let value = self.texts.resolve(at.0, value).unwrap_or_default();
            self.passed_over(at, "Policies", "it is no list that can be read", value.to_json());
        }
    }

    /// Settings of a bucket that are not modelled: its access control list, and a block whose values are not known.
    pub(super) fn lists(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        const WHY: &str = "access control lists are not modelled";
        let (source, ..) = at;
        if let Some(list) = properties.get("AccessControl")
            && let Some(value) = self.texts.resolve(source, list)
            && value.as_str() != Some("Private")
        {
            self.passed_over(at, "AccessControl", WHY, value.to_json());
        }
        let settings = properties.get("PublicAccessBlockConfiguration");
        let settings = settings.and_then(|block| self.texts.resolve(source, block));
        let is_open = |block: &Value| match block {
            Value::Map(map) => map.iter().any(|(_, one)| super::truth(one).is_none()),
            _ => true,
        };
        if let Some(block) = settings.filter(is_open) {
            let why = "what it is set to is not known";
            self.passed_over(at, "PublicAccessBlockConfiguration", why, block.to_json());
        }
    }

    /// Whether a workgroup lets those who query send results, which are data, anywhere that they can write (Athena
    /// User Guide, "Override client-side settings").
    pub(super) fn workgroup(&mut self, at: (&Source, &str, &Value)) {
        let path = ["Properties", "WorkGroupConfiguration", "EnforceWorkGroupConfiguration"];
        // AWS documents no default
        if at.2.at(&path).and_then(super::truth) != Some(true) {
            let why = "those who query say where results go";
            self.passed_over(at, "EnforceWorkGroupConfiguration", why, "false".to_owned());
        }
    }

    /// A share of AWS RAM. What it lets others do is not modelled; whether it leaves the organization is said all the
    /// same, since it may where the template says nothing (AWS::RAM::ResourceShare, `AllowExternalPrincipals`).
    pub(super) fn share(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        let key = "AllowExternalPrincipals";
        let value = properties.get(key).and_then(|value| self.texts.resolve(at.0, value));
        let value = value.unwrap_or(Value::Bool(true)).to_json();
        self.passed_over(at, key, "what is shared is not modelled", value);
        self.unmodelled(at, properties);
    }

    /// What others make of a template before CloudFormation reads it, and stacks within it: not read, and undecided where it
    /// differs. A macro may make anything of the whole template.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html>.
    pub(super) fn made_elsewhere(&mut self, source: &Source) {
        let none = Value::Null;
        for key in ["Transform", "Fn::Transform"] {
            if let Some(value) = source.body.get(key) {
                let names = match value {
                    Value::List(list) => list.iter().map(Value::as_str).collect(),
                    one => vec![one.as_str()],
                };
                let is_known =
                    |name: &Option<&str>| name.is_some_and(|one| TRANSFORMS.contains(&one));
                let known = key == "Transform" && names.iter().all(is_known);
                let value = if known { value.to_json() } else { source.body.to_json() };
                self.macro_of(source, key, value);
            }
        }
        if let Some(globals) = source.body.get("Globals") {
            self.macro_of(source, "Globals", globals.to_json());
        }
        let conditions = source.body.get("Conditions").and_then(Value::as_map);
        for (name, value) in conditions.into_iter().flat_map(Map::iter) {
            if name.starts_with("Fn::") {
                self.macro_of(source, name, value.to_json());
            }
        }
        for (id, definition) in resources(&source.body) {
            let kind = kind_of(definition);
            if id.starts_with("Fn::") {
                self.macro_of(source, id, definition.to_json());
            } else if kind == "AWS::CloudFormation::Stack" || kind.ends_with("::MODULE") {
                let properties = definition.get("Properties").unwrap_or(&none);
                let value = format!("{}.", properties.to_json());
                self.passed_over((source, id, definition), "Properties", MADE, value);
            }
        }
    }

    /// Principals and buckets that two resources make: which of them stands is not known, nor whether they are of one
    /// account, so that any difference between the states is undecided.
    pub(super) fn conflicts(&mut self) {
        for (arn, said) in std::mem::take(&mut self.made_twice) {
            let (mut origin, mut kind, mut value) =
                (Origin::default(), String::new(), said.join(" "));
            if let Some(one) = self.state.principals.get(&arn) {
                kind = format!("AWS::IAM::{}", one.kind.title());
                origin = one.origin.clone().unwrap_or_default();
                one.identity.iter().for_each(|held| value += &held.document.to_json());
                value += &format!("{:?} {:?}", one.attached, one.groups);
            }
            if let Some(one) = self.state.resources.get(&arn) {
                kind.clone_from(&one.kind);
                origin = one.origin.clone().unwrap_or_default();
                one.policies.iter().for_each(|held| value += &held.document.to_json());
            }
            let (property, why) = (arn, "another resource has that name too".to_owned());
            self.state.unread.push(Unread { origin, kind, property, why, value });
        }
    }

    /// The tags that conditions of the state ask for: who or what carries one, and with which value.
    pub(super) fn tags(&mut self, sources: &[Source]) {
        let mut asked = BTreeSet::new();
        let principals = self.state.principals.values();
        let held = principals.flat_map(|one| one.identity.iter().chain(&one.trust));
        let held = held.chain(self.state.resources.values().flat_map(|one| &one.policies));
        held.chain(self.managed.values()).for_each(|held| keys_of_tags(&held.document, &mut asked));
        if asked.is_empty() {
            return;
        }
        for source in sources {
            for (id, definition) in resources(&source.body) {
                let Some(tags) = definition.at(&["Properties", "Tags"]) else { continue };
                let tags = self.texts.resolve(source, tags).unwrap_or_default();
                let own: Vec<String> = match &tags {
                    Value::List(list) => list
                        .iter()
                        .filter(|one| {
                            let key = one.get("Key").and_then(Value::as_str);
                            key.is_none_or(|key| asked.contains(&key.to_ascii_lowercase()))
                        })
                        .map(Value::to_json)
                        .collect(),
                    Value::Map(map) => map
                        .iter()
                        .filter(|(key, _)| {
                            key.starts_with("Fn::") || asked.contains(&key.to_ascii_lowercase())
                        })
                        .map(|(key, value)| format!("{key} {}", value.to_json()))
                        .collect(),
                    other => vec![other.to_json()],
                };
                if !own.is_empty() {
                    let why = "a condition of a policy asks for such a tag";
                    self.passed_over((source, id, definition), "Tags", why, own.join(" "));
                }
            }
        }
    }

    fn macro_of(&mut self, source: &Source, what: &str, value: String) {
        let id = if what.starts_with("Fn::") && what != "Fn::Transform" { what } else { "" };
        let kind = crate::document!({"Type": "AWS::CloudFormation::Macro"});
        self.passed_over((source, id, &kind), what, MADE, value);
    }
}
