//! Whether S3 calls a bucket policy public, and what `RestrictPublicBuckets` leaves of it then.
//!
//! S3 takes a policy for public unless every Allow to everyone is bound to fixed values of certain keys. One public
//! statement makes the whole policy public: then only services and the owner's account get through, grants to other
//! accounts are cut too, and what the policy says directly of the account's own roles and users stands.
//! Source: S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public" and
//! `RestrictPublicBuckets`
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>). Where that page
//! does not say what becomes of a condition, the answer is [`Publicity::Unclear`], and both are to be asked.

use super::effective::everything;
use super::line;
use super::operator::{Operator, Test};
use super::principal::Name;
use super::read::{Condition, Document, Effect, Statement};
use super::text::{Letters, Pattern, Piece};

/// What S3 calls a bucket policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publicity {
    Public,
    NotPublic,
    /// The page does not say; the condition that it hangs on.
    Unclear(String),
}

/// The keys whose fixed values make a grant to everyone not public.
const FIXING: [&str; 14] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    SOURCE_IP,
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    ACCESS_POINT,
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];
const SOURCE_IP: &str = "aws:sourceip";
/// Its last part may hold a wildcard, as long as the account is fixed.
const ACCESS_POINT: &str = "s3:dataaccesspointarn";

/// The widest ranges of addresses that are not public: `/8` of IPv4, `/32` of IPv6.
const WIDEST: [u32; 2] = [24, 96];

/// What S3 calls the policy that documents are together.
pub fn publicity(documents: &[Document]) -> Publicity {
    let mut unclear = None;
    for statement in documents.iter().flat_map(|document| &document.statements) {
        match of_statement(statement) {
            Publicity::Public => return Publicity::Public,
            Publicity::NotPublic => {}
            Publicity::Unclear(why) => unclear = unclear.or(Some(why)),
        }
    }
    unclear.map_or(Publicity::NotPublic, Publicity::Unclear)
}

fn of_statement(statement: &Statement) -> Publicity {
    let everyone = statement
        .principals
        .as_ref()
        .is_some_and(|listed| listed.not || listed.items.contains(&Name::Everyone));
    if statement.effect != Effect::Allow || !everyone {
        return Publicity::NotPublic;
    }
    let mut unclear = None;
    for condition in &statement.conditions {
        match fixes(condition) {
            Some(true) => return Publicity::NotPublic,
            Some(false) => {}
            None => {
                unclear.get_or_insert_with(|| {
                    format!("`{}` of `{}`", condition.written, condition.shown)
                });
            }
        }
    }
    unclear.map_or(Publicity::Public, Publicity::Unclear)
}

/// Whether a condition binds a grant to fixed values; `None` if the page leaves that open.
fn fixes(condition: &Condition) -> Option<bool> {
    let Operator { several, test, negated, if_exists } = &condition.operator;
    if *negated || !FIXING.contains(&condition.key.as_str()) || condition.values.is_empty() {
        return Some(false);
    }
    let fits = match test {
        Test::Equals | Test::Like | Test::IgnoreCase | Test::Arn => condition.key != SOURCE_IP,
        Test::IpAddress => condition.key == SOURCE_IP,
        Test::Null => return Some(false),
        _ => return None,
    };
    let mut all = Some(true);
    for value in &condition.values {
        match fixed(&condition.key, value) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    // the page speaks of plain conditions only
    all.filter(|_| fits && several.is_none() && !if_exists)
}

/// Whether one value is fixed; `None` if it hangs on what CloudFormation fills in.
fn fixed(key: &str, value: &Pattern) -> Option<bool> {
    if key == SOURCE_IP {
        let (six, first, last) = line::range(&value.literal()?)?;
        let private = |text: &str| {
            line::range(text)
                .is_some_and(|(own, from, to)| own == six && from <= first && last <= to)
        };
        let bits = u128::BITS - (last - first).leading_zeros();
        let narrow = bits <= WIDEST[usize::from(six)];
        // RFC 1918: private ranges are not public however wide
        return Some(
            narrow
                || ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].iter().any(|it| private(it)),
        );
    }
    // of an access point all but its name has to be fixed
    let free_from = if key == ACCESS_POINT { 5 } else { usize::MAX };
    let mut colons = 0;
    let mut open = false;
    for piece in &value.pieces {
        match piece {
            Piece::Text(text) => colons += text.matches(':').count(),
            Piece::Star | Piece::One if colons < free_from => return Some(false),
            Piece::Star | Piece::One => {}
            Piece::Variable { .. } => return Some(false),
            // an account's number, a region and a partition hold no wildcard
            Piece::Token { letters, .. } => open |= *letters == Letters::Any,
        }
    }
    if open { None } else { Some(true) }
}

/// What `RestrictPublicBuckets` leaves of a policy that is surely public.
pub fn restricted(policies: &[Document], account: &str, partition: &str) -> Option<Document> {
    (publicity(policies) == Publicity::Public).then(|| left_of_public(account, partition))
}

/// What `RestrictPublicBuckets` leaves of a public policy: the owner's account and services.
pub fn left_of_public(account: &str, partition: &str) -> Document {
    let services = Name::Other { kind: "Service".to_owned(), text: "*".to_owned() };
    let own = Name::Within { partition: partition.to_owned(), account: account.to_owned() };
    everything("RestrictPublicBuckets", Some(vec![own, services]))
}

/// Why a verdict is not known that hangs on whether a policy is public.
pub fn unclear(condition: &str) -> String {
    format!(
        "whether S3 calls the bucket policy public decides this, and its page does not say what \
         {condition} makes of it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;
    use crate::verdict::Kind;

    fn public(principal: &str, condition: &str) -> Publicity {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*", "Condition": {condition}}}}}"#
        );
        let value = Value::from_json(&text).expect("JSON");
        publicity(&[Document::read(&value, Kind::Resource).expect("a policy")])
    }

    #[test]
    fn fixed_values_are_not_public() {
        for condition in [
            r#"{"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}"#,
            r#"{"StringLike": {"aws:sourcevpc": "vpc-91237329"}}"#,
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}, "Bool": {"aws:SecureTransport": "true"}}"#,
            r#"{"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8", "2001:db8::/32"]}}"#,
            r#"{"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:111122223333:accesspoint/*"}}"#,
            r#"{"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}"#,
        ] {
            assert_eq!(public("\"*\"", condition), Publicity::NotPublic, "{condition}");
        }
        assert_eq!(public(r#"{"AWS": "111122223333"}"#, "{}"), Publicity::NotPublic);
    }

    #[test]
    fn all_else_is_public() {
        for condition in [
            "{}",
            r#"{"StringLike": {"aws:SourceVpc": "vpc-*"}}"#,
            r#"{"StringEquals": {"aws:SourceVpc": ["vpc-1", "${aws:username}"]}}"#,
            r#"{"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}"#,
            r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}"#,
            r#"{"IpAddress": {"aws:SourceIp": "2000::/16"}}"#,
            r#"{"Null": {"aws:SourceVpc": "false"}}"#,
            r#"{"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:*:*:accesspoint/a"}}"#,
            r#"{"StringEquals": {"s3:prefix": "a"}}"#,
        ] {
            assert_eq!(public("\"*\"", condition), Publicity::Public, "{condition}");
        }
    }

    #[test]
    fn what_the_page_leaves_open_is_unclear() {
        for condition in [
            r#"{"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}"#,
            r#"{"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}}"#,
            r#"{"StringEquals": {"aws:SourceVpc": {"Ref": "Vpc"}}}"#,
        ] {
            let found = public("\"*\"", condition);
            assert!(matches!(found, Publicity::Unclear(_)), "{condition}: {found:?}");
        }
    }
}
