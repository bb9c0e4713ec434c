//! What an argument of a policy document may hold.
//!
//! A document declares each parameter with one of these kinds, and a value that is not of the kind is refused before
//! it comes near a policy. Free text (a prefix, an object's key) keeps `*`, `?` and `$` as plain characters by the
//! escapes that IAM has for them; every other kind has no such character at all.
//! Invariant: after [`Kind::problem`] has found nothing and [`escaped`] has been applied, a value matches only itself.
//! Sources: character set of policies
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names>, escapes
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>.

use std::borrow::Cow;

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

/// `vpc-0123456789abcdef0`: the id of something of EC2's.
fn is_numbered(text: &str, head: &str) -> bool {
    text.strip_prefix(head).is_some_and(|id| {
        within(id, 8, 17) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// A host with a dot in it, and a path (IAM API reference, CreateOpenIDConnectProvider: a URL of at most 255
/// characters, here without its scheme).
fn is_provider(text: &str) -> bool {
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| lower(b) || b == b'-');
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| word(b) || b == b'.');
    text.len() <= 247
        && host.contains('.')
        && host.split('.').all(label)
        && path.is_none_or(|path| path.split('/').all(part))
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

fn not(holds: bool, otherwise: &'static str) -> Option<&'static str> {
    (!holds).then_some(otherwise)
}

fn within(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
}

fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_partition(text: &str) -> bool {
    text == "aws"
        || text
            .strip_prefix("aws-")
            .is_some_and(|rest| within(rest, 1, 20) && rest.bytes().all(|b| lower(b) || b == b'-'))
}

fn is_region(text: &str) -> bool {
    let labels: Vec<&str> = text.split('-').collect();
    labels.len() >= 3
        && text.len() <= 32
        && labels.iter().all(|label| !label.is_empty() && label.bytes().all(lower))
        && labels.last().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()))
}

/// Naming rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
fn is_bucket(name: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(lower);
    within(name, 3, 63)
        && name.bytes().all(|b| lower(b) || b == b'-' || b == b'.')
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && !name.contains("..")
}

/// A path and a name of IAM; it neither begins nor ends in a slash after `role/`.
fn is_iam_path(text: &str) -> bool {
    within(text, 1, 576)
        && text.split('/').all(|part| {
            !part.chars().all(|c| c == '.')
                && part.bytes().all(|b| word(b) || b"+=,.@".contains(&b))
        })
}

fn name_of_resource(name: &str) -> bool {
    within(name, 1, 256) && name.bytes().all(|b| word(b) || b == b'.')
}

fn arn(text: &str, service: &str, rest: impl Fn(&str, &str, &str) -> bool) -> Option<&'static str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let holds = match parts[..] {
        ["arn", partition, own, region, account, resource] => {
            is_partition(partition) && own == service && rest(region, account, resource)
        }
        _ => false,
    };
    not(holds, "not an ARN of that kind")
}

fn placed_arn(
    text: &str,
    service: &str,
    head: &str,
    name: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    arn(text, service, |region, account, resource| {
        is_region(region) && is_account(account) && resource.strip_prefix(head).is_some_and(&name)
    })
}

/// What an IAM policy can name of S3's keys: Latin-1 without control, invisible and quoting characters, and nothing
/// that CloudFormation would take for a dynamic reference.
fn free_text(text: &str) -> Option<&'static str> {
    if text.len() > 1024 {
        return Some("S3 keys have at most 1,024 bytes");
    }
    if text.contains("{{") || text.contains("}}") {
        return Some("CloudFormation would read `{{` or `}}` as a dynamic reference");
    }
    for c in text.chars() {
        match c {
            '"' | '\\' => return Some("quotes and backslashes have no place in a policy"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{ad}' => {
                return Some("control and invisible characters have no place in a policy");
            }
            '\u{100}'.. => return Some("an IAM policy has no characters beyond U+00FF"),
            _ => {}
        }
    }
    None
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
