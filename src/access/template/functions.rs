//! Who may call a function: what `AWS::Lambda::Permission` adds to its policy, as a statement.
//!
//! A part of the reader in [`super`]. Source of what each property becomes:
//! <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>.

use super::super::source::Source;
use super::super::state::Held;
use super::{Reader, origin};
use crate::document;
use crate::document::{Map, Value};

/// The service whose functions these are, before the name of an action or a key.
const SERVICE: &str = "lambda";
/// What the type is that is guarded.
const FUNCTION: &str = "AWS::Lambda::Function";

/// The properties that are conditions: operator, key without its prefix, whether the prefix is the service's.
const CONDITIONS: [(&str, &str, &str, bool); 6] = [
    ("SourceArn", "ArnLike", "SourceArn", false),
    ("SourceAccount", "StringEquals", "SourceAccount", false),
    ("PrincipalOrgID", "StringEquals", "PrincipalOrgID", false),
    ("EventSourceToken", "StringEquals", "EventSourceToken", true),
    ("FunctionUrlAuthType", "StringEquals", "FunctionUrlAuthType", true),
    ("InvokedViaFunctionUrl", "Bool", "InvokedViaFunctionUrl", true),
];

impl Reader<'_> {
    pub(super) fn permission(&mut self, at: (&Source, &str, &Value), properties: &Value) {
        let (source, id, definition) = at;
        let read = |key: &str| self.texts.resolve(source, properties.get(key)?);
        let name = self.sibling(source, properties.get("FunctionName"));
        let arn = match name.starts_with("arn:") || name.starts_with('{') {
            true => name,
            false => format!(
                "arn:{}:{SERVICE}:{}:{}:function:{}",
                source.partition(),
                source.region,
                source.account,
                name.strip_prefix(&format!("{}:function:", source.account)).unwrap_or(&name)
            ),
        };
        let mut condition = Map::new();
        for (property, operator, key, own) in CONDITIONS {
            let Some(value) = read(property) else { continue };
            let key = format!("{}:{key}", if own { SERVICE } else { "aws" });
            let mut keys =
                condition.get(operator).and_then(Value::as_map).cloned().unwrap_or_default();
            keys.insert(key, value);
            condition.insert(operator, keys);
        }
        let principal = match read("Principal") {
            Some(Value::Str(text)) if text == "*" => Value::from("*"),
            Some(Value::Str(text)) if is_service(&text) => {
                document!({"Service": (text.into_owned())})
            }
            Some(other) => document!({"AWS": (other)}),
            None => Value::Null,
        };
        let resource = Value::from_json(&arn).ok().filter(|one| one.as_map().is_some());
        let mut statement = Map::new();
        statement.insert("Effect", "Allow");
        statement.insert("Principal", principal);
        statement.insert_some("Action", read("Action"));
        statement.insert("Resource", resource.unwrap_or_else(|| Value::from(arn.clone())));
        if !condition.is_empty() {
            statement.insert("Condition", condition);
        }
        let mut document = Map::new();
        document.insert("Version", "2012-10-17");
        document.insert("Statement", Value::List(vec![Value::Map(statement)]));
        let held = Held {
            document: Value::Map(document),
            origin: origin(source, id, definition),
            property: "Properties".to_owned(),
            paths: Vec::new(),
        };
        self.guarded(source, &arn, FUNCTION).policies.push(held);
    }
}

/// A service's name has a dot, and is no ARN.
fn is_service(text: &str) -> bool {
    text.contains('.') && !text.contains(':')
}
