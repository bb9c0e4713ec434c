//! The words of AWS and of a spec that have a form: each validated once, at the door.
//!
//! A value of these types holds what its name says; nobody checks it again. The reason that a text
//! was refused is a sentence for the person who wrote it, lower case, without a full stop.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Declares a text with a rule: construction checks it, reading gives `&str`.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the form. The error says, for the person who typed it, what is wrong.
            pub fn new(text: impl AsRef<str>) -> Result<Self, String> {
                let text = text.as_ref();
                let check: fn(&str) -> Result<(), String> = $check;
                check(text).map(|()| $name(text.into()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                $name::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl From<$name> for $crate::document::Value {
            fn from(name: $name) -> Self {
                String::from(name).into()
            }
        }

        impl From<&$name> for $crate::document::Value {
            fn from(name: &$name) -> Self {
                name.as_str().to_owned().into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

word! {
    /// Twelve digits that name an AWS account.
    AccountId, |text| {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(())
        } else {
            Err("an account id has exactly 12 digits".into())
        }
    }
}

word! {
    /// A region's code, such as `eu-west-1`. Whether it exists is the catalogue's to say.
    Region, |text| {
        let shape = text.split('-').count() >= 3
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && text.bytes().last().is_some_and(|b| b.is_ascii_digit());
        if shape { Ok(()) } else { Err("a region looks like `eu-west-1`".into()) }
    }
}

word! {
    /// The name of a thing in a spec: `raw`, `clean-orders`. It starts with a letter, goes on with
    /// lower-case letters, digits, hyphens (and underscores, for databases and tables), and has at
    /// most 63 characters.
    Name, |text| {
        let ok = text.len() <= 63
            && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !text.ends_with(['-', '_']);
        if ok {
            Ok(())
        } else {
            Err("a name starts with a lower-case letter, goes on with lower-case letters, digits and hyphens, does not end in a hyphen, and has at most 63 characters".into())
        }
    }
}

word! {
    /// A CloudFormation logical id: letters and digits, at most 255
    /// (AWS CloudFormation User Guide, "Resources" section of a template).
    LogicalId, |text| {
        if !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(())
        } else {
            Err("a logical id has 1 to 255 letters and digits".into())
        }
    }
}

word! {
    /// A CloudFormation stack name: a letter, then letters, digits and hyphens, at most 128
    /// (API reference, CreateChangeSet, StackName).
    StackName, |text| {
        let ok = text.len() <= 128
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if ok { Ok(()) } else { Err("a stack name starts with a letter, goes on with letters, digits and hyphens, and has at most 128 characters".into()) }
    }
}

word! {
    /// A general purpose S3 bucket's name. The rules are those of "General purpose bucket naming
    /// rules" in the S3 User Guide; dots are refused besides, since TLS to virtual-hosted buckets
    /// fails with them.
    BucketName, |text| {
        let bytes = text.as_bytes();
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !(3..=63).contains(&bytes.len()) {
            return Err(format!("a bucket name has 3 to 63 characters, `{text}` has {}", bytes.len()));
        }
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
            return Err(format!("a bucket name has lower-case letters, digits and hyphens, not `{}`", bad.escape_default()));
        }
        if !alphanumeric(bytes[0]) || !alphanumeric(bytes[bytes.len() - 1]) {
            return Err("a bucket name starts and ends with a letter or a digit".into());
        }
        for prefix in ["xn--", "sthree-", "amzn-s3-demo-"] {
            if text.starts_with(prefix) {
                return Err(format!("a bucket name must not start with `{prefix}`, which S3 keeps for itself"));
            }
        }
        for suffix in ["-s3alias", "--ol-s3", "--x-s3", "--table-s3", "-an"] {
            if text.ends_with(suffix) {
                return Err(format!("a bucket name must not end with `{suffix}`, which S3 keeps for itself"));
            }
        }
        Ok(())
    }
}

word! {
    /// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
    Arn, |text| {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        if parts.len() == 6 && parts[0] == "arn" && !parts[1].is_empty() && !parts[2].is_empty() && !parts[5].is_empty() {
            Ok(())
        } else {
            Err("an ARN looks like `arn:aws:service:region:account:resource`".into())
        }
    }
}

impl Arn {
    /// The account field; empty for S3 buckets and objects.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or("")
    }

    /// What follows the fifth colon.
    pub fn resource(&self) -> &str {
        self.0.splitn(6, ':').nth(5).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_held() {
        assert!(AccountId::new("111111111111").is_ok());
        assert!(AccountId::new("11111111111").is_err());
        assert!(Region::new("eu-west-1").is_ok());
        assert!(Region::new("europe").is_err());
        for bad in [
            "ab",
            "Raw",
            "raw_data",
            "-raw",
            "raw-",
            "xn--raw",
            "raw-s3alias",
            "raw--x-s3",
            "a.b.c",
        ] {
            assert!(BucketName::new(bad).is_err(), "{bad}");
        }
        assert!(BucketName::new("acme-prod-raw").is_ok());
        assert!(Name::new("clean-orders").is_ok());
        assert!(Name::new("Orders").is_err());
        let arn = Arn::new("arn:aws:iam::111111111111:role/x/Loader").unwrap();
        assert_eq!((arn.account(), arn.resource()), ("111111111111", "role/x/Loader"));
    }
}
