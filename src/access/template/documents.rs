//! Policy documents as they stand in templates: written out, as a text, made one by a function, or not at all.
//!
//! A part of the reader in [`super`]. Out comes the document with its references resolved, and where it stands.

use super::super::source::Source;
use super::super::state::Held;
use super::{Reader, origin};
use crate::document::Value;

impl Reader<'_> {
    pub(super) fn held(
        &self,
        source: &Source,
        id: &str,
        definition: &Value,
        property: &str,
    ) -> Option<Held> {
        let document = definition.at(&["Properties", property])?;
        let document = self.document(source, document)?;
        Some(Held {
            document,
            origin: origin(source, id, definition),
            property: property.to_owned(),
            paths: Vec::new(),
        })
    }

    /// A policy document with its references resolved. It may stand as JSON in a text, or be made one
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ToJsonString.html>).
    pub(super) fn document(&self, source: &Source, document: &Value) -> Option<Value> {
        let made = document.as_map().filter(|map| map.len() == 1);
        if let Some(inside) = made.and_then(|map| map.get("Fn::ToJsonString")) {
            return self.document(source, inside);
        }
        match document.as_str().and_then(|text| Value::from_json(text).ok()) {
            Some(read) => self.texts.resolve(source, &read),
            None => self.texts.resolve(source, document),
        }
    }

    /// A key without a policy has the one that KMS gives it: the account's identity policies decide
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>).
    pub(super) fn key_by_default(&mut self, at: (&Source, &str, &Value), arn: &str) {
        let (source, id, definition) = at;
        let root = format!("arn:{}:iam::{}:root", source.partition(), source.account);
        let all = format!("{}:*", "kms");
        let document = crate::document!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": [root]}, "Action": [all], "Resource": ["*"]}]
        });
        let held = Held {
            document,
            origin: origin(source, id, definition),
            property: "KeyPolicy".to_owned(),
            paths: Vec::new(),
        };
        self.guarded(source, arn, "AWS::KMS::Key").policies.push(held);
    }
}
