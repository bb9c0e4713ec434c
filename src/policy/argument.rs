//! What a placeholder of a policy document may be filled with.

use super::grant::Grantee;
use crate::document::Value;

/// A value for a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A text of the kind that the document declares.
    Text(String),
    /// Several; an empty list counts as absent where the parameter is optional and is an error elsewhere.
    List(Vec<Argument>),
    /// `{"Ref": ..}` or `{"Fn::GetAtt": [.., ..]}` that stands for an ARN.
    Reference(Value),
    /// Whom a grant goes to.
    Grantee(Grantee),
}

impl From<&str> for Argument {
    fn from(text: &str) -> Argument {
        Argument::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Argument {
        Argument::Text(text)
    }
}

impl From<&String> for Argument {
    fn from(text: &String) -> Argument {
        Argument::Text(text.clone())
    }
}

impl From<bool> for Argument {
    fn from(value: bool) -> Argument {
        Argument::Text(value.to_string())
    }
}

/// A CloudFormation reference, or a text (the ARN of what is not ours).
impl From<Value> for Argument {
    fn from(value: Value) -> Argument {
        match value {
            Value::Str(text) => Argument::Text(text.into_owned()),
            reference => Argument::Reference(reference),
        }
    }
}

impl From<Grantee> for Argument {
    fn from(grantee: Grantee) -> Argument {
        Argument::Grantee(grantee)
    }
}

impl<T: Into<Argument>> From<Vec<T>> for Argument {
    fn from(list: Vec<T>) -> Argument {
        Argument::List(list.into_iter().map(Into::into).collect())
    }
}
