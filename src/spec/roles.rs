//! `roles`: roles that lakewright makes so that others can take them.
//!
//! A role is called `roles.NAME` where somebody is named. Here is only the form; who may take a role, and
//! what has to be sent for it, is judged by `check::roles`. INVARIANT: no value holds a wildcard or a
//! policy variable.

use std::fmt;

use super::conditions::{TAG_KEY, tag_key};
use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::narrowing::Narrowing;
use super::reference::Principal;
use super::words::{Duration, Refused, text_form};
use crate::diagnostic;
use crate::names::Arn;
use crate::record;
use crate::syntax::{Kind, Node};

record! {
    /// A role of the lake's account that others take: people, programs, partners. What it may do is
    /// given in `access`, to `roles.NAME`.
    pub struct Role {
        /// Whom it is for.
        description: Option<String>,
        /// Who may take it: roles, users, accounts, units, the organization; `oidc/HOST` and
        /// `saml/NAME` for a provider of identities in the account.
        assumed_by: Vec<At<Assumer>>,
        /// What those of other accounts have to send: a text, or `generated` for one of its own for
        /// each of them. It is an identifier and no secret. Outsiders need one.
        external_id: Narrowing<Option<At<ExternalId>>>,
        /// What a provider's token is for: `sts.amazonaws.com` for `oidc/`. Default for `saml/`: the
        /// sign-in page of AWS.
        audience: Narrowing<Texts<Audience>>,
        /// Who an `oidc/` provider says is there, spelled out: `repo:acme/lake:ref:refs/heads/main`.
        subject: Narrowing<Texts<Subject>>,
        /// Tags that a session may be given, for grants with `principal_tags`.
        session_tags: Vec<At<TagKey>>,
        /// Whether they may say who is behind the session, which CloudTrail then shows. Default:
        /// `false`.
        source_identity: Option<At<bool>>,
        /// The most that the role can do, instead of the environment's `permissions_boundary`: a
        /// managed policy of the account, `policy/NAME`, or one of AWS's.
        boundary: Narrowing<Option<At<Boundary>>>,
        /// The longest session: 1h to 12h. Default: `1h`.
        max_session: Option<At<Duration>>,
    }
}

/// Who takes a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assumer {
    Principal(Principal),
    /// An OpenID Connect provider, by host and path.
    Oidc(String),
    /// A SAML provider, by name.
    Saml(String),
}

impl fmt::Display for Assumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Assumer::Principal(principal) => principal.fmt(f),
            Assumer::Oidc(provider) => write!(f, "oidc/{provider}"),
            Assumer::Saml(provider) => write!(f, "saml/{provider}"),
        }
    }
}

impl Assumer {
    /// Reads the form. A provider of OpenID Connect is called as in IAM, without its scheme (IAM API
    /// reference, CreateOpenIDConnectProvider); one of SAML has letters, digits and `._-`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if let Some(provider) = text.strip_prefix("oidc/") {
            let bare = provider.strip_prefix("https://").unwrap_or(provider).trim_end_matches('/');
            let (host, path) = bare.split_once('/').unwrap_or((bare, "x"));
            let label = |label: &str| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            let part = |part: &str| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            };
            let fits = bare.len() <= 247
                && host.contains('.')
                && host.split('.').all(label)
                && path.split('/').all(part);
            return match (fits, bare == provider) {
                (true, true) => Ok(Assumer::Oidc(bare.to_owned())),
                (true, false) => Err(Refused::instead(
                    "a provider is called by host and path alone",
                    format!("oidc/{bare}"),
                )),
                _ => Err(
                    "an OpenID Connect provider reads `oidc/token.actions.githubusercontent.com`"
                        .into(),
                ),
            };
        }
        if let Some(provider) = text.strip_prefix("saml/") {
            if let Some((provider, _)) = provider.split_once('/') {
                return Err(Refused::perhaps(
                    "a provider as a whole vouches for those who take a role; its groups are chosen there",
                    format!("saml/{provider}"),
                ));
            }
            let fits = (1..=128).contains(&provider.len())
                && provider.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            return match fits {
                true => Ok(Assumer::Saml(provider.to_owned())),
                false => Err("the name of a SAML provider has letters, digits and `._-`".into()),
            };
        }
        Principal::parse(text).map(Assumer::Principal)
    }
}

text_form!(
    Assumer,
    "somebody who takes a role, such as `account/444455556666`",
    Some(
        "^(organization|([0-9]{12}:)?(role|user)/.+|account/[0-9]{12}|ou/ou-.+|oidc/[a-z0-9.-]+(/.+)?|saml/[A-Za-z0-9._-]+)$"
    ),
    LW0208,
    Assumer::parse
);

/// What somebody has to send to take a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalId {
    /// One for each of those who take the role, made from lake, role and who it is.
    Generated,
    Text(String),
}

text_form!(
    ExternalId,
    "an external id, or `generated`",
    Some(r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$"),
    LW0305,
    |text| {
        // STS API reference, AssumeRole, ExternalId.
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
        match text {
            "generated" => Ok(ExternalId::Generated),
            text if (2..=1224).contains(&text.len()) && text.bytes().all(ok) => {
                Ok(ExternalId::Text(text.to_owned()))
            }
            _ => Err("2 to 1,224 letters, digits and `_ + = , . @ : / -`"),
        }
    }
);

/// What a provider's token is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Audience(pub String);

text_form!(
    Audience,
    "an audience such as `sts.amazonaws.com`",
    Some(r"^[A-Za-z0-9_./:@+=~%-]{1,255}$"),
    LW0305,
    |text| {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"_./:@+=~%-".contains(&b);
        match (1..=255).contains(&text.len()) && text.bytes().all(ok) {
            true => Ok(Audience(text.to_owned())),
            false => Err("1 to 255 letters, digits and `_ . / : @ + = ~ % -`, and no pattern"),
        }
    }
);

/// Who an OpenID Connect provider says is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject(pub String);

text_form!(
    Subject,
    "a subject such as `repo:acme/lake:ref:refs/heads/main`",
    Some(r#"^[!#%-)+->@-\[\]-z|~]{1,255}$"#),
    LW0444,
    |text| {
        let ok = |b: u8| b.is_ascii_graphic() && !br#"*?$"\{}"#.contains(&b);
        if text.contains(['*', '?']) {
            return Err("a subject is spelled out: a pattern lets in what somebody else may name");
        }
        match (1..=255).contains(&text.len()) && text.bytes().all(ok) {
            true => Ok(Subject(text.to_owned())),
            false => Err("1 to 255 printable characters, without spaces, quotes, braces and `$`"),
        }
    }
);

/// The key of a tag of a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagKey(pub String);

text_form!(TagKey, "the key of a tag such as `team`", Some(TAG_KEY), LW0305, |text| {
    tag_key(text).map(|()| TagKey(text.to_owned()))
});

/// The most that a role can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boundary {
    /// `policy/NAME` of the account.
    Own(super::environments::PolicyName),
    /// A managed policy of AWS's.
    Aws(Arn),
}

text_form!(
    Boundary,
    "a managed policy such as `policy/lake-boundary`",
    Some("^(policy/.+|arn:aws[a-z-]*:iam::aws:policy/.+)$"),
    LW0305,
    |text| {
        let plain = |rest: &str| {
            !rest.is_empty()
                && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b))
        };
        if text.starts_with("policy/") {
            return super::environments::PolicyName::parse(text).map(Boundary::Own);
        }
        match Arn::new(text) {
            Ok(arn)
                if arn.account() == "aws"
                    && text.split(':').nth(2) == Some("iam")
                    && arn.resource().strip_prefix("policy/").is_some_and(plain) =>
            {
                Ok(Boundary::Aws(arn))
            }
            _ => Err("`policy/NAME` of the role's own account, or the ARN of a policy of AWS's"),
        }
    }
);

/// One text, or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts<T>(pub Vec<At<T>>);

impl<T: Decode> Decode for Texts<T> {
    fn shape() -> Shape {
        Shape::Either(vec![T::shape(), Shape::List(Box::new(T::shape()))])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match &node.kind {
            Kind::List(_) | Kind::Null => Vec::<At<T>>::decode(node, decoder).map(Texts),
            _ => At::<T>::decode(node, decoder).map(|one| Texts(vec![one])),
        }
    }
    fn absent() -> Option<Self> {
        Some(Texts(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_a_role_prints_as_it_reads() {
        for text in [
            "role/Loader",
            "account/444455556666",
            "444455556666:role/x/Loader",
            "organization",
            "oidc/token.actions.githubusercontent.com",
            "oidc/oidc.eks.eu-west-1.amazonaws.com/id/ABC1",
            "saml/Corp",
        ] {
            assert_eq!(Assumer::parse(text).map(|it| it.to_string()), Ok(text.to_owned()));
        }
        for bad in ["oidc/github", "oidc/*.github.com", "oidc/a.b/${x}", "saml/", "saml/a*", "*"] {
            assert!(Assumer::parse(bad).is_err(), "{bad}");
        }
        let instead = Assumer::parse("oidc/https://a.example/").unwrap_err().instead;
        assert_eq!(instead.as_deref(), Some("oidc/a.example"));
    }
}
