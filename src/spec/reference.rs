//! The grammar of names: how a spec refers to things.
//!
//! `raw/` is a bucket, `raw/partner/` a prefix in it, `sales` a thing of the shared namespace,
//! `sales.orders` a table, `keys.raw` a key, `pipelines` each of a kind; `role/Analyst`,
//! `444455556666:role/x/Loader`, `account/…`, `ou/…`, `organization` are principals. Here is only
//! the form; whether such a thing exists is decided in `resolve`.

use std::fmt;

use super::decode::{Decode, Decoder, Shape, shortened};
use super::words::{Prefix, Refused, text_form};
use crate::diagnostic;
use crate::names::{AccountId, Name};
use crate::syntax::Node;

/// Something that is called by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `raw/`, `raw/partner/`: the prefix is empty for the whole bucket.
    Bucket { bucket: Name, prefix: Prefix },
    /// `sales`: a bucket, database, source or pipeline.
    Thing(Name),
    /// `sales.orders`.
    Table { database: Name, table: Name },
    /// `buckets`, `databases`, `sources`, `pipelines`: each of that kind.
    Each(Section),
}

/// A section of the spec that can be referred to as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Buckets,
    Databases,
    Sources,
    Pipelines,
}

impl Section {
    /// The key of the section.
    pub const fn as_str(self) -> &'static str {
        match self {
            Section::Buckets => "buckets",
            Section::Databases => "databases",
            Section::Sources => "sources",
            Section::Pipelines => "pipelines",
        }
    }

    /// What one thing of the section is called.
    pub const fn one(self) -> &'static str {
        match self {
            Section::Buckets => "bucket",
            Section::Databases => "database",
            Section::Sources => "source",
            Section::Pipelines => "pipeline",
        }
    }
}

impl Reference {
    /// Reads the form.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let name = |text: &str| Name::new(text).map_err(|reason| format!("`{text}`: {reason}"));
        for section in [Section::Buckets, Section::Databases, Section::Sources, Section::Pipelines]
        {
            if text == section.as_str() {
                return Ok(Reference::Each(section));
            }
        }
        if let Some((bucket, rest)) = text.split_once('/') {
            if matches!(bucket, "role" | "user" | "account" | "ou" | "service")
                && !rest.ends_with('/')
            {
                return Err("that names a principal; here a place is wanted".into());
            }
            let prefix = match rest {
                "" => Prefix::default(),
                rest => Prefix::parse(rest).map_err(|refused| Refused {
                    instead: refused.instead.map(|prefix| format!("{bucket}/{prefix}")),
                    ..refused
                })?,
            };
            return Ok(Reference::Bucket { bucket: name(bucket)?, prefix });
        }
        match text.split_once('.') {
            Some(("keys", key)) => {
                Err(format!("`keys.{key}` is a key; here a place or a flow is wanted").into())
            }
            Some((database, table)) => {
                Ok(Reference::Table { database: name(database)?, table: name(table)? })
            }
            None => Ok(Reference::Thing(name(text)?)),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Bucket { bucket, prefix } => write!(f, "{bucket}/{}", prefix.0),
            Reference::Thing(name) => name.fmt(f),
            Reference::Table { database, table } => write!(f, "{database}.{table}"),
            Reference::Each(section) => f.write_str(section.as_str()),
        }
    }
}

text_form!(
    Reference,
    "a reference such as `raw/partner/`, `sales` or `sales.orders`",
    Some(r"^[a-z][a-z0-9_-]*(/(.*/)?|\.[a-z][a-z0-9_-]*)?$"),
    LW0208,
    Reference::parse
);

fn key_unnamed(text: &str) -> Refused {
    let reason = "a key is called by its section and name";
    match Name::new(text) {
        Ok(name) => Refused::perhaps(reason, format!("keys.{name}")),
        Err(_) => reason.into(),
    }
}

/// A reference to a key, `keys.raw`, or the word for a way of encryption that needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// A key of the spec.
    Key(Name),
    /// `aws:kms`: the key that AWS manages for S3 in this account.
    AwsManaged,
    /// `s3`: SSE-S3.
    S3,
}

text_form!(
    Encryption,
    "`keys.NAME`, `aws:kms` or `s3`",
    Some(r"^(keys\.[a-z][a-z0-9_-]*|aws:kms|s3)$"),
    LW0305,
    |text| match text {
        "aws:kms" => Ok(Encryption::AwsManaged),
        "s3" => Ok(Encryption::S3),
        _ => match text.strip_prefix("keys.") {
            Some(key) => Name::new(key).map(Encryption::Key).map_err(Refused::from),
            None => Err(match text.to_ascii_lowercase().as_str() {
                "kms" | "sse-kms" | "aws/kms" | "aws:kms" => {
                    Refused::instead("the key that AWS manages is `aws:kms`", "aws:kms")
                }
                "sse-s3" | "aes256" | "s3" => Refused::instead("SSE-S3 is `s3`", "s3"),
                _ => key_unnamed(text),
            }),
        },
    }
);

/// A key of the spec, `keys.raw`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReference(pub Name);

text_form!(
    KeyReference,
    "a key such as `keys.raw`",
    Some(r"^keys\.[a-z][a-z0-9_-]*$"),
    LW0305,
    |text| {
        match text.strip_prefix("keys.") {
            Some(key) => Name::new(key).map(KeyReference).map_err(Refused::from),
            None => Err(key_unnamed(text)),
        }
    }
);

/// Who may be given access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// `role/x/Loader`, of this account (`None`) or another one. The path is part of the name.
    Role { account: Option<AccountId>, name: String },
    /// `user/Ada`.
    User { account: Option<AccountId>, name: String },
    /// `account/444455556666`: delegates to that account.
    Account(AccountId),
    /// `ou/ou-ab12-cdefghij`.
    OrganizationalUnit(String),
    /// `organization`.
    Organization,
    /// `service/firehose.amazonaws.com`.
    Service(String),
    /// `saml/Corp/group/Analysts`: a group or user that a SAML provider of the account vouches for.
    Saml { provider: String, kind: Member, name: String },
    /// `identity-center/group/ID`: a group or user of IAM Identity Center, by its id.
    IdentityCenter { kind: Member, id: String },
    /// `roles.partner`: a role of the spec. In a lake it is a `Role`, by its name in AWS.
    Declared(Name),
}

/// What a provider of identities vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    Group,
    User,
}

impl Member {
    /// The word in a name and in an ARN.
    pub const fn as_str(self) -> &'static str {
        match self {
            Member::Group => "group",
            Member::User => "user",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "group" => Some(Member::Group),
            "user" => Some(Member::User),
            _ => None,
        }
    }
}

impl Principal {
    /// The account that it names: none for what is of the lake's own account, and for what is no
    /// account's.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Principal::Role { account, .. } | Principal::User { account, .. } => account.as_ref(),
            Principal::Account(account) => Some(account),
            _ => None,
        }
    }

    /// Reads the form. The rules for names and paths are IAM's ("IAM and AWS STS quotas" in the IAM
    /// User Guide: letters, digits and `+=,.@_-`, 64 characters for the name of a role or user, 512
    /// for a path); those for organizational units are of the Organizations API reference
    /// (`ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}`).
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text == "organization" {
            return Ok(Principal::Organization);
        }
        if let Some(name) = text.strip_prefix("roles.") {
            return Name::new(name).map(Principal::Declared).map_err(Refused::from);
        }
        let (account, rest) = match text.split_once(':') {
            Some(("arn", rest)) => {
                let reason = "a principal is written without `arn`: `role/NAME`, or `ACCOUNT:role/NAME` for another account's";
                let short = rest.rsplit("::").next().unwrap_or("");
                return Err(match Principal::parse(short) {
                    Ok(_) => Refused::instead(reason, short),
                    Err(_) => reason.into(),
                });
            }
            // What has a slash before the colon begins with the kind of a principal, not with an account.
            Some((account, rest)) if !account.contains('/') => {
                (Some(AccountId::new(account)?), rest)
            }
            _ => (None, text),
        };
        let Some((kind, name)) = rest.split_once('/') else {
            return Err(
                "a principal reads `role/NAME`, `user/NAME`, `account/ID`, `ou/ID`, `organization`"
                    .into(),
            );
        };
        match (kind, account) {
            ("role", account) => Ok(Principal::Role { account, name: iam_name(name)? }),
            ("user", account) => Ok(Principal::User { account, name: iam_name(name)? }),
            (_, Some(_)) => Err("an account stands before `role/` and `user/` only".into()),
            ("account", None) => {
                AccountId::new(name).map(Principal::Account).map_err(Refused::from)
            }
            ("ou", None) => organizational_unit(name).map_err(Refused::from),
            ("saml", None) => saml(name).map_err(Refused::from),
            ("identity-center", None) => identity_center(name).map_err(Refused::from),
            ("service", None) => match name.split_once('.') {
                Some((_, "amazonaws.com" | "amazonaws.com.cn")) => {
                    Ok(Principal::Service(name.to_owned()))
                }
                _ => Err("a service reads `service/NAME.amazonaws.com`".into()),
            },
            _ => {
                Err(format!("`{kind}/` is no kind of principal: role, user, account, ou, saml, identity-center, service")
                    .into())
            }
        }
    }
}

fn iam_name(text: &str) -> Result<String, String> {
    let last = text.rsplit('/').next().unwrap_or("");
    let path = &text[..text.len() - last.len()];
    if last.is_empty()
        || last.len() > 64
        || path.len() > 510
        || path.starts_with('/')
        || path.contains("//")
    {
        return Err(
            "the name of a role or user has 1 to 64 characters, after a path of at most 512".into(),
        );
    }
    if text.contains("${") {
        return Err("a principal is one role or user, not a policy variable".into());
    }
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "+=,.@_-/".contains(*c))) {
        Some('*' | '?') => Err("a principal is one role or user, not a pattern".into()),
        Some(bad) => {
            Err(format!("`{}` cannot stand in the name of a role or user", bad.escape_default()))
        }
        None => Ok(text.to_owned()),
    }
}

fn organizational_unit(text: &str) -> Result<Principal, String> {
    let wanted = || "an organizational unit reads `ou/ou-ab12-cdefghij`".to_owned();
    let (root, unit) =
        text.strip_prefix("ou-").and_then(|id| id.split_once('-')).ok_or_else(wanted)?;
    let word = |text: &str, least: usize| {
        (least..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if word(root, 4) && word(unit, 8) {
        Ok(Principal::OrganizationalUnit(text.to_owned()))
    } else {
        Err(wanted())
    }
}

/// `PROVIDER/group/NAME`. A provider has letters, digits and `._-` (IAM API reference,
/// CreateSAMLProvider); a group is called as the provider calls it.
fn saml(text: &str) -> Result<Principal, String> {
    let wanted = || "a group of a SAML provider reads `saml/PROVIDER/group/NAME`".to_owned();
    let mut parts = text.splitn(3, '/');
    let (Some(provider), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(wanted());
    };
    let kind = Member::parse(kind).ok_or_else(wanted)?;
    let in_provider = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let in_name = |c: char| !c.is_control() && !"*?\"\\".contains(c);
    if !(1..=128).contains(&provider.len()) || !provider.chars().all(in_provider) {
        return Err("the name of a SAML provider has letters, digits and `._-`".into());
    }
    // The whole identifier of a principal has at most 255 characters.
    if !(1..=128).contains(&name.chars().count()) || !name.chars().all(in_name) {
        return Err("the name of a group or user has 1 to 128 characters, and is no pattern".into());
    }
    Ok(Principal::Saml { provider: provider.to_owned(), kind, name: name.to_owned() })
}

/// `group/ID`, the id as in the Identity Store API reference:
/// `([0-9a-f]{10}-|)` and a UUID.
fn identity_center(text: &str) -> Result<Principal, String> {
    let wanted = "a group of Identity Center reads `identity-center/group/ID`, with the id that the console shows";
    let (kind, id) = text.split_once('/').ok_or(wanted)?;
    let kind = Member::parse(kind).ok_or(wanted)?;
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let parts: Vec<&str> = id.split('-').collect();
    let uuid = match &parts[..] {
        [first, rest @ ..] if rest.len() == 5 && first.len() == 10 && hex(first) => rest,
        all => all,
    };
    let lengths = [8, 4, 4, 4, 12];
    let fits = uuid.len() == 5
        && uuid.iter().zip(lengths).all(|(part, length)| part.len() == length && hex(part));
    if !fits {
        return Err(wanted.into());
    }
    Ok(Principal::IdentityCenter { kind, id: id.to_owned() })
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = |account: &Option<AccountId>| {
            account.as_ref().map_or(String::new(), |account| format!("{account}:"))
        };
        match self {
            Principal::Role { account, name } => write!(f, "{}role/{name}", owner(account)),
            Principal::User { account, name } => write!(f, "{}user/{name}", owner(account)),
            Principal::Account(account) => write!(f, "account/{account}"),
            Principal::OrganizationalUnit(unit) => write!(f, "ou/{unit}"),
            Principal::Organization => f.write_str("organization"),
            Principal::Service(service) => write!(f, "service/{service}"),
            Principal::Saml { provider, kind, name } => {
                write!(f, "saml/{provider}/{}/{name}", kind.as_str())
            }
            Principal::IdentityCenter { kind, id } => {
                write!(f, "identity-center/{}/{id}", kind.as_str())
            }
            Principal::Declared(name) => write!(f, "roles.{name}"),
        }
    }
}

text_form!(
    Principal,
    "a principal such as `role/Analyst`",
    Some(
        "^(organization|([0-9]{12}:)?(role|user)/.+|account/[0-9]{12}|ou/ou-.+|service/.+|saml/.+|identity-center/.+|roles\\.[a-z][a-z0-9_-]*)$"
    ),
    LW0208,
    Principal::parse
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_print_as_they_read() {
        for text in ["raw/", "raw/partner/", "raw/a/b/", "sales", "sales.orders", "pipelines"] {
            assert_eq!(Reference::parse(text).map(|r| r.to_string()), Ok(text.to_owned()));
        }
        for bad in
            ["raw/partner", "Sales", "sales.", ".orders", "raw//", "keys.raw", "role/Analyst", ""]
        {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Reference::parse("raw/partner").unwrap_err().instead.as_deref(),
            Some("raw/partner/")
        );
    }

    #[test]
    fn principals_print_as_they_read() {
        for text in [
            "role/Analyst",
            "444455556666:role/x/Loader",
            "user/Ada",
            "account/444455556666",
            "ou/ou-ab12-cdefghij",
            "organization",
            "service/firehose.amazonaws.com",
            "roles.partner",
            "saml/Corp/group/Data Analysts",
            "saml/Corp/user/ada@corp.example",
            "identity-center/group/93a4b8c2-0011-7022-8033-445566778899",
            "identity-center/user/9067f1a2b3-93a4b8c2-0011-7022-8033-445566778899",
        ] {
            assert_eq!(Principal::parse(text).map(|p| p.to_string()), Ok(text.to_owned()));
        }
        for bad in [
            "Analyst",
            "role/",
            "role/*",
            "role/a b",
            "account/1",
            "ou/ab",
            "*",
            "arn:aws:iam::1:role/x",
            "1:role/x",
            "service/x",
            "saml/Corp/Analysts",
            "saml/Corp/group/*",
            "saml/a b/group/x",
            "identity-center/Analysts",
            "identity-center/group/93a4b8c2",
        ] {
            assert!(Principal::parse(bad).is_err(), "{bad}");
        }
    }
}
