//! The forms of AWS's names: what an account, a region, a bucket, an ARN looks like.

/// `vpc-0123456789abcdef0`: the id of something of EC2's.
pub(super) fn is_numbered(text: &str, head: &str) -> bool {
    text.strip_prefix(head).is_some_and(|id| {
        within(id, 8, 17) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// A host with a dot in it, and a path (IAM API reference, CreateOpenIDConnectProvider: a URL of at most 255
/// characters, here without its scheme).
pub(super) fn is_provider(text: &str) -> bool {
    let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| lower(b) || b == b'-');
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| word(b) || b == b'.');
    text.len() <= 247
        && host.contains('.')
        && host.split('.').all(label)
        && path.is_none_or(|path| path.split('/').all(part))
}

pub(super) fn not(holds: bool, otherwise: &'static str) -> Option<&'static str> {
    (!holds).then_some(otherwise)
}

pub(super) fn within(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
}

pub(super) fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

pub(super) fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn is_partition(text: &str) -> bool {
    text == "aws"
        || text
            .strip_prefix("aws-")
            .is_some_and(|rest| within(rest, 1, 20) && rest.bytes().all(|b| lower(b) || b == b'-'))
}

pub(super) fn is_region(text: &str) -> bool {
    let labels: Vec<&str> = text.split('-').collect();
    labels.len() >= 3
        && text.len() <= 32
        && labels.iter().all(|label| !label.is_empty() && label.bytes().all(lower))
        && labels.last().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()))
}

/// Naming rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
pub(super) fn is_bucket(name: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(lower);
    within(name, 3, 63)
        && name.bytes().all(|b| lower(b) || b == b'-' || b == b'.')
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && !name.contains("..")
}

/// A path and a name of IAM; it neither begins nor ends in a slash after `role/`.
pub(super) fn is_iam_path(text: &str) -> bool {
    within(text, 1, 576)
        && text.split('/').all(|part| {
            !part.chars().all(|c| c == '.')
                && part.bytes().all(|b| word(b) || b"+=,.@".contains(&b))
        })
}

pub(super) fn name_of_resource(name: &str) -> bool {
    within(name, 1, 256) && name.bytes().all(|b| word(b) || b == b'.')
}

pub(super) fn arn(
    text: &str,
    service: &str,
    rest: impl Fn(&str, &str, &str) -> bool,
) -> Option<&'static str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let holds = match parts[..] {
        ["arn", partition, own, region, account, resource] => {
            is_partition(partition) && own == service && rest(region, account, resource)
        }
        _ => false,
    };
    not(holds, "not an ARN of that kind")
}

pub(super) fn placed_arn(
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
pub(super) fn free_text(text: &str) -> Option<&'static str> {
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
