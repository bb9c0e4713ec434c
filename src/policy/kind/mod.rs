//! What an argument of a policy document may hold.
//!
//! A document declares each parameter with one of these kinds, and a value that is not of the kind is refused before
//! it comes near a policy. Free text (a prefix, an object's key) keeps `*`, `?` and `$` as plain characters by the
//! escapes that IAM has for them; every other kind has no such character at all.
//! Invariant: after [`Kind::problem`] has found nothing and [`escaped`] has been applied, a value matches only itself.
//! Sources: character set of policies
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names>, escapes
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>.

mod forms;

use std::borrow::Cow;

use forms::{
    arn, free_text, is_account, is_bucket, is_iam_path, is_numbered, is_partition, is_provider,
    is_region, lower, name_of_resource, not, placed_arn, within, word,
};

/// The kind of a parameter, under the name that documents use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Twelve digits.
    AccountId,
    /// What an OpenID Connect or SAML provider's token is for: no sign that means something in a policy.
    Audience,
    /// `arn:PARTITION:s3:::NAME`, without a key.
    BucketArn,
    /// A network of IPv4 or IPv6 addresses, `203.0.113.0/24`; never all of them.
    Cidr,
    /// A Glue database: letters, digits, `_`, `-`, `.`.
    DatabaseName,
    /// What follows the region in a host name: `amazonaws.com`, `amazonaws.com.cn`.
    DnsSuffix,
    /// What whoever assumes a role has to send: 2 to 1,224 letters, digits and `+=,.@:/_-`.
    ExternalId,
    /// The word `false`: given or absent, it switches the condition it stands in on or off.
    False,
    /// Whom a grant goes to; takes the place of the whole `Principal`. See [`super::Grantee`].
    Grantee,
    /// `arn:PARTITION:glue:REGION:ACCOUNT:job/NAME`.
    JobArn,
    /// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`; never an alias, which IAM does not resolve.
    KeyArn,
    /// A CloudWatch log group: letters, digits and `_ - / . #`, at most 512.
    LogGroupName,
    /// How names begin: letters, digits, `_`, `-`; may be empty.
    NamePrefix,
    /// A CloudWatch metric namespace: letters, digits and `_ - / . # :`, at most 255.
    Namespace,
    /// The whole key of one S3 object, at most 1,024 bytes.
    ObjectKey,
    /// The name of an OpenID Connect provider, host and path: `token.actions.githubusercontent.com`.
    OidcProvider,
    /// `arn:PARTITION:iam::ACCOUNT:oidc-provider/NAME`.
    OidcProviderArn,
    /// `o-` and 10 to 32 lower-case letters or digits.
    OrgId,
    /// `ou-ROOT-ID`.
    OuId,
    /// `aws`, `aws-cn`, `aws-us-gov` and their kin.
    Partition,
    /// `arn:PARTITION:iam::ACCOUNT:policy/PATH`.
    PolicyArn,
    /// How S3 keys begin: empty (the whole bucket) or ending in `/`, at most 1,024 bytes.
    Prefix,
    /// The ARN of a role or a user.
    PrincipalArn,
    /// `eu-west-1` and its kin.
    Region,
    /// `arn:PARTITION:iam::ACCOUNT:role/PATH`.
    RoleArn,
    /// `arn:PARTITION:events:REGION:ACCOUNT:rule/NAME`.
    RuleArn,
    /// `arn:PARTITION:iam::ACCOUNT:saml-provider/NAME`.
    SamlProviderArn,
    /// `arn:PARTITION:scheduler:REGION:ACCOUNT:schedule-group/NAME`.
    ScheduleGroupArn,
    /// The first label of a service's host name: `s3`, `kinesis`.
    ServiceCode,
    /// `arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME`.
    StreamArn,
    /// Who an OpenID Connect provider says is there, exactly: printable ASCII without `*?$` and quotes.
    Subject,
    /// A Glue table: letters, digits, `_`, `-`, `.`.
    TableName,
    /// The key of a tag: letters, digits and `+=,.@:/_-`, at most 128; none of AWS's own.
    TagKey,
    /// The value of a tag: letters, digits, spaces and `+=.@:/_-`, at most 256.
    TagValue,
    /// `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
    TopicArn,
    /// `arn:PARTITION:athena:REGION:ACCOUNT:workgroup/NAME`.
    WorkgroupArn,
    /// `vpce-` and 8 to 17 hexadecimal digits.
    VpcEndpointId,
    /// `vpc-` and 8 to 17 hexadecimal digits.
    VpcId,
}

/// Every kind with its name in documents.
const NAMES: &[(&str, Kind)] = &[
    ("AccountId", Kind::AccountId),
    ("Audience", Kind::Audience),
    ("BucketArn", Kind::BucketArn),
    ("Cidr", Kind::Cidr),
    ("DatabaseName", Kind::DatabaseName),
    ("DnsSuffix", Kind::DnsSuffix),
    ("ExternalId", Kind::ExternalId),
    ("False", Kind::False),
    ("Grantee", Kind::Grantee),
    ("JobArn", Kind::JobArn),
    ("KeyArn", Kind::KeyArn),
    ("LogGroupName", Kind::LogGroupName),
    ("NamePrefix", Kind::NamePrefix),
    ("Namespace", Kind::Namespace),
    ("ObjectKey", Kind::ObjectKey),
    ("OidcProvider", Kind::OidcProvider),
    ("OidcProviderArn", Kind::OidcProviderArn),
    ("OrgId", Kind::OrgId),
    ("OuId", Kind::OuId),
    ("Partition", Kind::Partition),
    ("PolicyArn", Kind::PolicyArn),
    ("Prefix", Kind::Prefix),
    ("PrincipalArn", Kind::PrincipalArn),
    ("Region", Kind::Region),
    ("RoleArn", Kind::RoleArn),
    ("RuleArn", Kind::RuleArn),
    ("SamlProviderArn", Kind::SamlProviderArn),
    ("ScheduleGroupArn", Kind::ScheduleGroupArn),
    ("ServiceCode", Kind::ServiceCode),
    ("StreamArn", Kind::StreamArn),
    ("Subject", Kind::Subject),
    ("TableName", Kind::TableName),
    ("TagKey", Kind::TagKey),
    ("TagValue", Kind::TagValue),
    ("TopicArn", Kind::TopicArn),
    ("WorkgroupArn", Kind::WorkgroupArn),
    ("VpcEndpointId", Kind::VpcEndpointId),
    ("VpcId", Kind::VpcId),
];

impl Kind {
    /// The kind that documents call `name`.
    pub fn named(name: &str) -> Option<Kind> {
        NAMES.iter().find(|(own, _)| *own == name).map(|(_, kind)| *kind)
    }

    /// The name that documents use.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, kind)| *kind == self)
            .map(|(name, _)| *name)
            .expect("invariant: every kind has a name")
    }

    /// Every kind, in the order of their names.
    pub fn all() -> impl Iterator<Item = Kind> {
        NAMES.iter().map(|(_, kind)| *kind)
    }

    /// Whether values may hold `*`, `?` or `$`, which then have to be escaped.
    pub fn is_free_text(self) -> bool {
        matches!(self, Kind::Prefix | Kind::ObjectKey)
    }

    /// Whether the value may be a `Ref` or `Fn::GetAtt` that CloudFormation resolves: the ARNs only, since their
    /// characters are known without seeing them.
    pub fn may_be_reference(self) -> bool {
        matches!(
            self,
            Kind::BucketArn
                | Kind::JobArn
                | Kind::KeyArn
                | Kind::PrincipalArn
                | Kind::RoleArn
                | Kind::RuleArn
                | Kind::ScheduleGroupArn
                | Kind::StreamArn
                | Kind::TopicArn
                | Kind::WorkgroupArn
        )
    }

    /// Why `text` is not a value of this kind; nothing if it is one.
    pub fn problem(self, text: &str) -> Option<&'static str> {
        match self {
            Kind::AccountId => not(is_account(text), "an account is 12 digits"),
            Kind::BucketArn => arn(text, "s3", |region, account, name| {
                region.is_empty() && account.is_empty() && is_bucket(name)
            }),
            Kind::DatabaseName | Kind::TableName => not(
                within(text, 1, 255) && text.bytes().all(|b| word(b) || b == b'.'),
                "a name in the catalog has 1 to 255 letters, digits, `_`, `-` or `.`",
            ),
            Kind::DnsSuffix => not(
                within(text, 4, 64)
                    && text.split('.').all(|label| {
                        !label.is_empty() && label.bytes().all(|b| lower(b) || b == b'-')
                    }),
                "a DNS suffix has lower-case labels between dots",
            ),
            Kind::False => not(text == "false", "only `false`"),
            Kind::Grantee => Some("a grantee is not a text"),
            Kind::JobArn => placed_arn(text, "glue", "job/", name_of_resource),
            Kind::KeyArn => placed_arn(text, "kms", "key/", |id| {
                !id.is_empty() && id.bytes().all(|b| lower(b) || b == b'-')
            }),
            Kind::LogGroupName => not(
                within(text, 1, 512) && text.bytes().all(|b| word(b) || b"/.#".contains(&b)),
                "a log group has 1 to 512 letters, digits or `_-/.#`",
            ),
            Kind::NamePrefix => not(
                within(text, 0, 128) && text.bytes().all(word),
                "the beginning of a name has letters, digits, `_` or `-`",
            ),
            Kind::Namespace => not(
                within(text, 1, 255) && text.bytes().all(|b| word(b) || b"/.#:".contains(&b)),
                "a metric namespace has 1 to 255 letters, digits or `_-/.#:`",
            ),
            Kind::ObjectKey => {
                not(!text.is_empty(), "an object's key is not empty").or(free_text(text))
            }
            Kind::OrgId => not(
                text.strip_prefix("o-")
                    .is_some_and(|id| within(id, 10, 32) && id.bytes().all(lower)),
                "an organization is `o-` and 10 to 32 lower-case letters or digits",
            ),
            Kind::OuId => not(
                text.strip_prefix("ou-").and_then(|rest| rest.split_once('-')).is_some_and(
                    |(root, id)| {
                        within(root, 4, 32)
                            && within(id, 8, 32)
                            && root.bytes().chain(id.bytes()).all(lower)
                    },
                ),
                "an organizational unit is `ou-`, its root, `-` and 8 to 32 lower-case letters or digits",
            ),
            Kind::Partition => {
                not(is_partition(text), "a partition is `aws` or begins with `aws-`")
            }
            Kind::Prefix => not(
                text.is_empty() || text.ends_with('/'),
                "a prefix ends in a slash, so that it does not match its neighbours",
            )
            .or(free_text(text)),
            Kind::PrincipalArn => arn(text, "iam", |region, account, resource| {
                region.is_empty()
                    && is_account(account)
                    && resource
                        .strip_prefix("role/")
                        .or(resource.strip_prefix("user/"))
                        .is_some_and(is_iam_path)
            }),
            Kind::Region => not(is_region(text), "a region looks like `eu-west-1`"),
            Kind::PolicyArn => arn(text, "iam", |region, account, resource| {
                region.is_empty()
                    && is_account(account)
                    && resource.strip_prefix("policy/").is_some_and(is_iam_path)
            }),
            Kind::RoleArn => arn(text, "iam", |region, account, resource| {
                region.is_empty()
                    && is_account(account)
                    && resource.strip_prefix("role/").is_some_and(is_iam_path)
            }),
            Kind::RuleArn => placed_arn(text, "events", "rule/", |name| {
                !name.is_empty() && name.split('/').all(name_of_resource)
            }),
            Kind::ScheduleGroupArn => {
                placed_arn(text, "scheduler", "schedule-group/", name_of_resource)
            }
            Kind::ServiceCode => not(
                within(text, 1, 63) && text.bytes().all(|b| lower(b) || b == b'-'),
                "a service has lower-case letters, digits or `-`",
            ),
            Kind::StreamArn => placed_arn(text, "kinesis", "stream/", name_of_resource),
            Kind::TopicArn => placed_arn(text, "sns", "", name_of_resource),
            Kind::WorkgroupArn => placed_arn(text, "athena", "workgroup/", name_of_resource),
            Kind::Audience => not(
                within(text, 1, 255) && text.bytes().all(|b| word(b) || b"./:@+=~%".contains(&b)),
                "an audience has letters, digits and `./:@+=~%_-`",
            ),
            Kind::Cidr => not(
                crate::names::Network::new(text).is_ok_and(|it| it.to_string() == text),
                "a network is an address, `/` and a length of at least 1, without bits behind it",
            ),
            // STS API reference, AssumeRole, ExternalId.
            Kind::ExternalId => not(
                within(text, 2, 1224) && text.bytes().all(|b| word(b) || b"+=,.@:/".contains(&b)),
                "an external id has 2 to 1,224 letters, digits or `+=,.@:/_-`",
            ),
            Kind::OidcProvider => not(is_provider(text), "a provider is a host and a path"),
            Kind::OidcProviderArn => arn(text, "iam", |region, account, resource| {
                region.is_empty()
                    && is_account(account)
                    && resource.strip_prefix("oidc-provider/").is_some_and(is_provider)
            }),
            Kind::SamlProviderArn => arn(text, "iam", |region, account, resource| {
                region.is_empty()
                    && is_account(account)
                    && resource.strip_prefix("saml-provider/").is_some_and(|name| {
                        within(name, 1, 128) && name.bytes().all(|b| word(b) || b == b'.')
                    })
            }),
            Kind::Subject => not(
                within(text, 1, 255)
                    && text.bytes().all(|b| b.is_ascii_graphic() && !br#"*?$"\{}"#.contains(&b)),
                "a subject is printable, and no pattern",
            ),
            // IAM and STS take these characters for keys and values of tags, and spaces
            // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_naming-tags>).
            Kind::TagKey => not(
                within(text, 1, 128)
                    && text.bytes().all(|b| word(b) || b"+=.@:/".contains(&b))
                    && !text.to_ascii_lowercase().starts_with("aws:"),
                "the key of a tag has letters, digits and `+=.@:/_-`, and does not begin with `aws:`",
            ),
            Kind::TagValue => not(
                within(text, 1, 256) && text.bytes().all(|b| word(b) || b" +=.@:/".contains(&b)),
                "the value of a tag has letters, digits, spaces and `+=.@:/_-`",
            ),
            Kind::VpcEndpointId => not(
                is_numbered(text, "vpce-"),
                "an endpoint is `vpce-` and 8 to 17 hexadecimal digits",
            ),
            Kind::VpcId => {
                not(is_numbered(text, "vpc-"), "a VPC is `vpc-` and 8 to 17 hexadecimal digits")
            }
        }
    }
}

/// `text` with the characters that mean something in a policy replaced by IAM's escapes for them.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['*', '?', '$']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 9);
    for c in text.chars() {
        match c {
            '*' => out.push_str("${*}"),
            '?' => out.push_str("${?}"),
            '$' => out.push_str("${$}"),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_take_what_aws_takes() {
        for (kind, text) in [
            (Kind::AccountId, "012345678901"),
            (Kind::BucketArn, "arn:aws-cn:s3:::acme.raw-1"),
            (
                Kind::KeyArn,
                "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
            ),
            (Kind::RoleArn, "arn:aws:iam::111122223333:role/service/path/Name+=,.@_-"),
            (Kind::PrincipalArn, "arn:aws-us-gov:iam::111122223333:user/Ada"),
            (Kind::RuleArn, "arn:aws:events:eu-west-1:111122223333:rule/bus/name"),
            (Kind::Region, "us-gov-west-1"),
            (Kind::Prefix, ""),
            (Kind::Prefix, "year=2026/Ärzte & Co (1)/*/$/"),
            (Kind::OrgId, "o-a1b2c3d4e5"),
            (Kind::OuId, "ou-ab12-cdefghij"),
        ] {
            assert_eq!(kind.problem(text), None, "{kind:?} {text}");
        }
        for (kind, text) in [
            (Kind::AccountId, "12345678901*"),
            (Kind::BucketArn, "arn:aws:s3:::acme/raw"),
            (Kind::BucketArn, "arn:aws:s3:::*"),
            (Kind::KeyArn, "arn:aws:kms:eu-west-1:111122223333:alias/raw"),
            (Kind::RoleArn, "arn:aws:iam::111122223333:role/*"),
            (Kind::RoleArn, "arn:aws:iam::111122223333:user/Ada"),
            (Kind::Region, "eu-west"),
            (Kind::Prefix, "raw"),
            (Kind::Prefix, "a\u{202e}b/"),
            (Kind::Prefix, "日本/"),
            (Kind::Prefix, "{{resolve:ssm:x}}/"),
            (Kind::OuId, "ou-ab12"),
        ] {
            assert!(kind.problem(text).is_some(), "{kind:?} {text}");
        }
    }

    #[test]
    fn escapes_leave_no_wildcard_and_no_variable() {
        assert_eq!(escaped("a*b?c${aws:username}"), "a${*}b${?}c${$}{aws:username}");
        assert_eq!(escaped("plain/"), "plain/");
    }
}
