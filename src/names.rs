//! The words of AWS and of a spec that have a form: each validated once, at the door.
//!
//! A value of these types holds what its name says; nobody checks it again. The reason that a text
//! was refused is a sentence for the person who wrote it, lower case, without a full stop.

use core::net::IpAddr;
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
    /// rules" in the S3 User Guide
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>); dots are
    /// refused besides, since TLS to virtual-hosted buckets fails with them, and with them adjacent
    /// dots, names like an IP address and the suffix `.mrap`. A name that ends in `-an` is one of an
    /// account's regional namespace: it has the account and the region before it, see
    /// [`BucketName::is_regional`].
    BucketName, |text| {
        let bytes = text.as_bytes();
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !(3..=63).contains(&bytes.len()) {
            return Err(format!("a bucket name has 3 to 63 characters, `{text}` has {}", text.chars().count()));
        }
        if text.contains('.') {
            return Err("a bucket name with dots works with S3, but not with TLS to its own host name".into());
        }
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
            return Err(format!("a bucket name has lower-case letters, digits and hyphens, not `{}`", bad.escape_default()));
        }
        if !alphanumeric(bytes[0]) || !alphanumeric(bytes[bytes.len() - 1]) {
            return Err("a bucket name starts and ends with a letter or a digit".into());
        }
        if let Some(prefix) = RESERVED_PREFIXES.iter().find(|prefix| text.starts_with(**prefix)) {
            return Err(format!("a bucket name must not start with `{prefix}`, which S3 keeps for itself"));
        }
        if let Some(suffix) = RESERVED_SUFFIXES.iter().find(|suffix| text.ends_with(**suffix)) {
            return Err(format!("a bucket name must not end with `{suffix}`, which S3 keeps for itself"));
        }
        if text.ends_with(REGIONAL) && !of_regional_namespace(text) {
            return Err("a bucket name that ends in `-an` is one of an account's regional namespace: `PREFIX-ACCOUNT-REGION-an`".into());
        }
        Ok(())
    }
}

/// How no name of a general purpose bucket starts. `sthree-` covers `sthree-configurator`.
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
/// How none ends: access point aliases, Object Lambda access points, directory and table buckets.
const RESERVED_SUFFIXES: [&str; 4] = ["-s3alias", "--ol-s3", "--x-s3", "--table-s3"];
/// How names of a regional namespace end
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html>).
const REGIONAL: &str = "-an";

/// Whether a name reads `PREFIX-ACCOUNT-REGION-an`.
fn of_regional_namespace(text: &str) -> bool {
    let Some(rest) = text.strip_suffix(REGIONAL) else { return false };
    let account = |word: &str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit());
    let words: Vec<&str> = rest.split('-').collect();
    let at = words.iter().rposition(|word| account(word));
    at.is_some_and(|at| at > 0 && Region::new(words[at + 1..].join("-")).is_ok())
}

impl BucketName {
    /// Whether the name belongs to an account's regional namespace. Such a bucket can be referred to;
    /// to make one takes a property that lakewright does not set.
    pub fn is_regional(&self) -> bool {
        of_regional_namespace(self.as_str())
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

/// A network of addresses, as `IpAddress` of IAM reads it: `203.0.113.0/24`, `2001:db8::/32`. One address
/// alone is a network of its whole length; a network of everybody is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Networks that no request from the internet comes from: private, shared, loopback and link-local ones
/// (RFC 1918, 6598, 1122, 3927; RFC 4193, 4291).
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

impl Network {
    /// Reads an address, or an address and a length.
    pub fn new(text: &str) -> Result<Self, String> {
        let wanted = || "a network reads `203.0.113.0/24` or `2001:db8::/32`".to_owned();
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wanted())?;
        let whole: u8 = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => whole,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| wanted())?
            }
            Some(_) => return Err(wanted()),
        };
        match length {
            0 => Err("a network of length 0 is everybody: leave it out, or name less".to_owned()),
            length if length <= whole => Ok(Network { address, length }),
            _ => Err(format!("the length of such a network is at most {whole}")),
        }
    }

    /// The network that its first address names: without the bits behind the length.
    #[must_use]
    pub fn masked(self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX << (32 - u32::from(self.length));
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX << (128 - u32::from(self.length));
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        Network { address, ..self }
    }

    /// Whether nobody on the internet has an address of it.
    pub fn is_private(&self) -> bool {
        PRIVATE.iter().filter_map(|text| Network::new(text).ok()).any(|wide| wide.contains(self))
    }

    fn contains(&self, other: &Network) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.length <= other.length
            && Network { length: self.length, ..*other }.masked() == self.masked()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_they_are_written() {
        let read = |text: &str| Network::new(text).map(|it| it.to_string());
        assert_eq!(read("203.0.113.7"), Ok("203.0.113.7/32".to_owned()));
        assert_eq!(read("2001:DB8:0::/32"), Ok("2001:db8::/32".to_owned()));
        for bad in [
            "",
            "*",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "${aws:SourceIp}",
        ] {
            assert!(Network::new(bad).is_err(), "{bad}");
        }
        let masked = |text: &str| Network::new(text).map(|it| it.masked().to_string());
        assert_eq!(masked("10.1.2.3/8"), Ok("10.0.0.0/8".to_owned()));
        assert_eq!(masked("203.0.113.7/32"), Ok("203.0.113.7/32".to_owned()));
        assert_eq!(masked("2001:db8:1::1/32"), Ok("2001:db8::/32".to_owned()));
        let private = |text: &str| Network::new(text).is_ok_and(|it| it.is_private());
        assert!(private("10.1.0.0/16") && private("fd00::/8") && private("192.168.1.1"));
        assert!(!private("8.0.0.0/6") && !private("203.0.113.0/24") && !private("2001:db8::/32"));
    }

    #[test]
    fn forms_are_held() {
        assert!(AccountId::new("111111111111").is_ok());
        assert!(AccountId::new("11111111111").is_err());
        assert!(Region::new("eu-west-1").is_ok());
        assert!(Region::new("europe").is_err());
        assert!(Name::new("clean-orders").is_ok());
        assert!(Name::new("Orders").is_err());
        let arn = Arn::new("arn:aws:iam::111111111111:role/x/Loader").unwrap();
        assert_eq!((arn.account(), arn.resource()), ("111111111111", "role/x/Loader"));
    }

    /// "General purpose bucket naming rules" of the S3 User Guide, rule by rule, with AWS's own
    /// examples among them; what is refused, and the word of the reason that says why.
    #[test]
    fn bucket_names_follow_every_rule() {
        let long = "a".repeat(64);
        let refused = [
            ("ab", "3 to 63"),
            (long.as_str(), "3 to 63"),
            ("amzn_s3_demo_bucket", "not `_`"),
            ("AmznS3DemoBucket", "not `A`"),
            ("raw bucket", "not ` `"),
            ("räw-data", "not `\\u{e4}`"),
            ("raw-", "starts and ends"),
            ("-raw", "starts and ends"),
            ("raw..data", "dots"),
            ("192.168.5.4", "dots"),
            ("www.example.com", "dots"),
            ("raw.mrap", "dots"),
            ("xn--raw", "start with `xn--`"),
            ("sthree-raw", "start with `sthree-`"),
            ("sthree-configurator", "start with `sthree-`"),
            ("amzn-s3-demo-raw", "start with `amzn-s3-demo-`"),
            ("raw-s3alias", "end with `-s3alias`"),
            ("raw--ol-s3", "end with `--ol-s3`"),
            ("raw--usw2-az1--x-s3", "end with `--x-s3`"),
            ("raw--table-s3", "end with `--table-s3`"),
            ("raw-an", "regional namespace"),
            ("raw-111122223333-an", "regional namespace"),
            ("111122223333-us-west-2-an", "regional namespace"),
        ];
        for (name, why) in refused {
            let reason = BucketName::new(name).expect_err(name);
            assert!(reason.contains(why), "{name}: {reason}");
        }
        let longest = "a".repeat(63);
        for name in [
            "abc",
            "acme-prod-raw",
            "1-raw-2",
            "192-168-5-4",
            "raw--data",
            "xn-raw",
            "an",
            "sthree",
        ]
        .into_iter()
        .filter(|name| name.len() > 2)
        .chain([longest.as_str(), "plan", "raw-111122223333-us-gov-west-1-an"])
        {
            assert!(BucketName::new(name).is_ok(), "{name}: {:?}", BucketName::new(name));
        }
        assert!(BucketName::new("raw-111122223333-us-west-2-an").expect("regional").is_regional());
        assert!(!BucketName::new("acme-prod-raw").expect("global").is_regional());
    }
}
