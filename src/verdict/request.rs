//! A request as the model knows it: who, which action, on what, and what each context key holds.

use std::collections::BTreeMap;

use super::principal::{Requester, Standing};
use crate::document::{Map, Value};

/// A request. As a witness it proves a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Absent where the policy is of an identity: it is whoever the policy is attached to.
    pub principal: Option<Requester>,
    /// What the principal's own policies say of it.
    pub standing: Standing,
    /// Such as `s3:GetObject`; any text.
    pub action: String,
    /// Absent where the policy is a role's trust: it is the role.
    pub resource: Option<String>,
    /// By key in lower case: the key as written, and its values. A key that is not here is absent.
    pub context: BTreeMap<String, (String, Vec<String>)>,
    /// Names of what CloudFormation fills in: `${Name}` in a text above is its value, whatever that is.
    pub tokens: Vec<String>,
}

/// The two keys that hold the time of the request.
const TIME: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// The name under which the model keeps a key: in lower case, and one for the two keys of time.
pub fn canonical(key: &str) -> String {
    let lower = key.to_ascii_lowercase();
    if lower == TIME[1] { TIME[0].to_owned() } else { lower }
}

impl Request {
    /// The values of a key, whatever its case; none if it is absent.
    pub fn values(&self, key: &str) -> &[String] {
        self.context.get(&canonical(key)).map_or(&[], |(_, values)| values)
    }

    /// The value of a key that has exactly one.
    pub fn single(&self, key: &str) -> Option<&str> {
        match self.values(key) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Where the requester's own policies do not allow the request: in words.
    pub const fn own_policies(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Delegated => None,
            Standing::Held => Some("do not allow it"),
            Standing::Direct => Some("do not allow it, nor does its boundary"),
        }
    }

    /// As JSON: `{"principal": {"AWS": ...}, "action", "resource", "context": {key: "v" | ["v", ...]}}`, and
    /// `own_policies` where the principal's own policies do not allow the request.
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        let principal = self.principal.as_ref().map_or(Value::Null, |who| {
            let (kind, text) = who.written();
            if kind == "*" {
                return Value::from(text);
            }
            let mut map = Map::new();
            map.insert(kind.to_owned(), text);
            Value::Map(map)
        });
        out.insert("principal", principal);
        if let Some(text) = self.own_policies() {
            out.insert("own_policies", text);
        }
        out.insert("action", self.action.clone());
        out.insert("resource", self.resource.clone().map_or(Value::Null, Value::from));
        let mut context = Map::new();
        for (shown, values) in self.context.values() {
            let value = match values.as_slice() {
                [one] => Value::from(one.clone()),
                more => more.iter().cloned().collect(),
            };
            context.insert(shown.clone(), value);
        }
        out.insert("context", context);
        Value::Map(out)
    }
}
