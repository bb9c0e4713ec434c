//! Principals as templates make them: roles, users and groups, and the policies that are attached to them.
//!
//! A part of the reader in [`super`]. A policy may be read before the role it names, and name it without its path:
//! both end up as one principal.

use std::collections::BTreeSet;

use super::super::source::Source;
use super::super::state::{Boundary, Held, Origin, Principal, PrincipalKind};
use super::{Reader, origin};
use crate::catalogue;
use crate::document::Value;

impl Reader<'_> {
    pub(super) fn principal(&mut self, at: (&Source, &str, &Value), kind: PrincipalKind) {
        let (source, id, definition) = at;
        let properties = definition.get("Properties").unwrap_or(&Value::Null);
        let arn = self.texts.arn(source, id);
        let trust = self.held(source, id, definition, "AssumeRolePolicyDocument");
        let mut identity = Vec::new();
        let inline = properties.get("Policies").and_then(Value::as_list).unwrap_or(&[]);
        for (index, policy) in inline.iter().enumerate() {
            let document = policy.get("PolicyDocument");
            if let Some(document) = document.and_then(|one| self.document(source, one)) {
                let property = format!("Policies/{index}");
                identity.push(Held {
                    document,
                    origin: origin(source, id, definition),
                    property,
                    paths: Vec::new(),
                });
            }
        }
        let mut attached = BTreeSet::new();
        for managed in self.list(source, properties.get("ManagedPolicyArns")) {
            match self.managed.get(&managed) {
                Some(held) => identity.push(held.clone()),
                None => match aws_managed(&managed) {
                    Some(held) => identity.push(held),
                    None => drop(attached.insert(managed)),
                },
            }
        }
        let boundary = match properties.get("PermissionsBoundary") {
            None => Boundary::None,
            Some(value) => {
                let boundary = self.texts.text(source, value);
                match self.managed.get(&boundary) {
                    Some(held) => Boundary::Read(held.clone()),
                    None => match aws_managed(&boundary) {
                        Some(held) => Boundary::Read(held),
                        None => Boundary::Unread(boundary),
                    },
                }
            }
        };
        let groups = self.list(source, properties.get("Groups"));
        let groups = groups.iter().map(|name| named(source, PrincipalKind::Group, name)).collect();
        let origin = origin(source, id, definition);
        // A policy that was read before may have named the role without its path.
        let name = arn.rsplit('/').next().map(str::to_owned);
        let earlier = name.map(|name| named(source, kind, &name)).filter(|other| *other != arn);
        let earlier = earlier.and_then(|other| self.state.principals.remove(&other));
        let known = self.known(source, &arn, kind);
        if known.origin.as_ref().is_some_and(|other| *other != origin) {
            let said = |trust: &Option<Held>, boundary: &Boundary| {
                let trust = trust.as_ref().map(|held| held.document.to_json());
                let boundary = match boundary {
                    Boundary::None => String::new(),
                    Boundary::Read(held) => held.document.to_json(),
                    Boundary::Unread(arn) => arn.clone(),
                };
                format!("{} {boundary}", trust.unwrap_or_default())
            };
            let both = [said(&known.trust, &known.boundary), said(&trust, &boundary)];
            self.made_twice.entry(arn.clone()).or_default().extend(both);
        }
        let known = self.known(source, &arn, kind);
        if let Some(earlier) = earlier {
            known.identity.extend(earlier.identity);
            known.groups.extend(earlier.groups);
        }
        known.identity.extend(identity);
        known.attached.extend(attached);
        known.groups.extend::<BTreeSet<String>>(groups);
        known.trust = trust;
        known.boundary = boundary;
        known.origin = Some(origin);
    }

    pub(super) fn known(
        &mut self,
        source: &Source,
        arn: &str,
        kind: PrincipalKind,
    ) -> &mut Principal {
        let account = &source.account;
        self.state.principals.entry(arn.to_owned()).or_insert_with(|| Principal::new(kind, account))
    }

    pub(super) fn attach_to(
        &mut self,
        at: (&Source, &str, &Value),
        kind: PrincipalKind,
        key: &str,
    ) {
        if let Some(name) = at.2.at(&["Properties", key]) {
            let name = self.texts.text(at.0, name);
            self.attach(at, kind, &name);
        }
    }

    pub(super) fn attach(&mut self, at: (&Source, &str, &Value), kind: PrincipalKind, name: &str) {
        let (source, id, definition) = at;
        let Some(held) = self.held(source, id, definition, "PolicyDocument") else { return };
        let arn = self.holder(source, kind, name);
        self.known(source, &arn, kind).identity.push(held);
    }

    /// The ARN of a principal that a policy names by its name alone.
    pub(super) fn holder(&self, source: &Source, kind: PrincipalKind, name: &str) -> String {
        let plain = named(source, kind, name);
        if self.state.principals.contains_key(&plain) {
            return plain;
        }
        let ends = format!("/{name}");
        let starts = plain.strip_suffix(name).unwrap_or(&plain).to_owned();
        let made = self.state.principals.iter().find(|(arn, known)| {
            known.kind == kind && arn.starts_with(&starts) && arn.ends_with(&ends)
        });
        made.map_or(plain, |(arn, _)| arn.clone())
    }
}

/// The ARN of a principal by its name, without a path.
pub(super) fn named(source: &Source, kind: PrincipalKind, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    if name.starts_with('{') {
        return by_attribute(name);
    }
    format!("arn:{}:iam::{}:{}/{name}", source.partition(), source.account, kind.as_str())
}

/// A `Ref` to a principal that CloudFormation names, as the reference to its ARN: what others know it by.
fn by_attribute(reference: &str) -> String {
    let value = Value::from_json(reference).unwrap_or_default();
    match value.get("Ref").and_then(Value::as_str) {
        Some(id) => crate::document!({"Fn::GetAtt": [(id.to_owned()), "Arn"]}).to_json(),
        None => reference.to_owned(),
    }
}

/// A policy that AWS manages, as the catalogue has it, with the day of the copy.
fn aws_managed(arn: &str) -> Option<Held> {
    let document = catalogue::managed::document(arn)?.clone();
    let property = format!("{arn} as of {}", catalogue::managed::date());
    let origin = Origin::default();
    Some(Held { document, origin, property, paths: Vec::new() })
}
