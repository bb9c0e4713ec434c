//! Addresses of objects: what CloudFormation is given as a TemplateURL.
//!
//! The form is the virtual-hosted one of the S3 User Guide ("Virtual hosting of general purpose
//! buckets"), with the partition's domain. An emulator answers at another place and takes the path
//! form only.

use crate::cloud::ObjectAddress;
use crate::names::Region;

/// The domain of a region's endpoints, after the SDK's partitions (`endpointsid` and `dnsSuffix`
/// in the SDKs' `partitions.json`).
pub(super) fn dns_suffix(region: &Region) -> &'static str {
    const SUFFIXES: &[(&str, &str)] = &[
        ("cn-", "amazonaws.com.cn"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    SUFFIXES
        .iter()
        .find(|(prefix, _)| region.as_str().starts_with(prefix))
        .map_or("amazonaws.com", |(_, suffix)| suffix)
}

/// The URL of an object, for CloudFormation to fetch. `endpoint`: where S3 answers, if that is
/// configured; one below AWS's own domain (an interface endpoint) is not for CloudFormation.
pub(super) fn object_url(at: &ObjectAddress, endpoint: Option<&str>) -> String {
    let bucket = &at.bucket.bucket;
    let region = &at.bucket.region;
    let suffix = dns_suffix(region);
    let key = escaped(&at.key);
    match endpoint {
        Some(endpoint) if !is_below(endpoint, suffix) => {
            format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/'))
        }
        _ => format!("https://{bucket}.s3.{region}.{suffix}/{key}"),
    }
}

/// Whether a URL's host is below a domain.
fn is_below(url: &str, domain: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    host.strip_suffix(domain).is_some_and(|before| before.ends_with('.'))
}

/// A key as it stands in a URL's path: unreserved characters of RFC 3986 and slashes as they are.
fn escaped(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::BucketAddress;
    use crate::names::{AccountId, BucketName};

    fn url(region: &str, key: &str, endpoint: Option<&str>) -> String {
        let bucket = BucketAddress {
            region: Region::new(region).unwrap(),
            bucket: BucketName::new("acme-prod-base").unwrap(),
            owner: AccountId::new("111111111111").unwrap(),
        };
        let key = key.to_owned();
        object_url(&ObjectAddress { bucket, key }, endpoint)
    }

    #[test]
    fn a_template_has_the_address_of_its_partition() {
        assert_eq!(
            url("eu-west-1", "templates/a b.json", None),
            "https://acme-prod-base.s3.eu-west-1.amazonaws.com/templates/a%20b.json"
        );
        assert_eq!(
            url("cn-north-1", "t.json", None),
            "https://acme-prod-base.s3.cn-north-1.amazonaws.com.cn/t.json"
        );
        assert_eq!(
            url("us-isob-east-1", "t", None),
            "https://acme-prod-base.s3.us-isob-east-1.sc2s.sgov.gov/t"
        );
    }

    #[test]
    fn an_emulator_has_its_own_and_an_interface_endpoint_has_not() {
        assert_eq!(
            url("eu-west-1", "t.json", Some("http://127.0.0.1:4566/")),
            "http://127.0.0.1:4566/acme-prod-base/t.json"
        );
        assert_eq!(
            url(
                "eu-west-1",
                "t.json",
                Some("https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com")
            ),
            "https://acme-prod-base.s3.eu-west-1.amazonaws.com/t.json"
        );
    }
}
