//! What guards data beside access: encryption, versions, retention, logs; by the kind of resource.
//!
//! In: `data/guards.json`, written by hand from AWS's pages, which each entry names. Out: the [`Guard`]s of a kind, and
//! whether one value of them is weaker than another. Protection from deletion is an attribute of every resource that
//! [holds data](super::ResourceType), so it has no line there. INVARIANT: every property is one that the kind has.
//! Read next: `crate::review::guards`.

use std::sync::LazyLock;

use serde::Deserialize;

/// A setting that guards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// What people call it: `versioning`.
    pub guard: String,
    /// From the property down: `VersioningConfiguration/Status`.
    pub property: String,
    /// Values from the strongest to the weakest; the empty text is that it is not there. What is in none is weakest.
    #[serde(default)]
    ranks: Vec<Vec<String>>,
    /// Any other value than before is weaker: a key, a destination. Where there was none, none is lost.
    #[serde(default)]
    same: bool,
    /// A number that is weaker when it is smaller, and what it is where it is not there.
    at_least: Option<String>,
    /// Of a list of lifecycle rules: what says after how many days something goes.
    #[serde(default)]
    pub expiry: Vec<String>,
    /// AWS's page.
    pub source: String,
}

static ALL: LazyLock<Vec<Guard>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/guards.json"))
        .expect("invariant: the table of guards is well formed")
});

/// The guards of a kind.
pub fn of(kind: &str) -> impl Iterator<Item = &'static Guard> {
    ALL.iter().filter(move |one| one.kind == kind)
}

impl Guard {
    /// Whether a value guards less than another; `None`: it is not there.
    pub fn is_weaker(&self, value: Option<&str>, than: Option<&str>) -> bool {
        if value == than {
            return false;
        }
        if self.same {
            return than.is_some();
        }
        // it goes sooner, or goes at all
        if !self.expiry.is_empty() {
            let days =
                |text: Option<&str>| text.map_or(Some(f64::INFINITY), |text| text.parse().ok());
            return match (days(value), days(than)) {
                (Some(value), Some(than)) => value < than,
                _ => true,
            };
        }
        if let Some(absent) = &self.at_least {
            let number = |text: Option<&str>| text.unwrap_or(absent).parse::<f64>().ok();
            return match (number(value), number(than)) {
                (Some(value), Some(than)) => value < than,
                _ => true,
            };
        }
        let rank = |text: Option<&str>| {
            let text = text.unwrap_or_default();
            let at = self.ranks.iter().position(|rank| rank.iter().any(|one| one == text));
            at.unwrap_or(self.ranks.len())
        };
        rank(value) > rank(than)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::resource_type;

    #[test]
    fn every_guard_is_a_property_that_the_kind_has() {
        for one in ALL.iter() {
            let known = resource_type(&one.kind).is_some();
            assert!(known, "{}", one.kind);
            assert!(one.source.starts_with("https://docs.aws.amazon.com/"), "{}", one.property);
            let how = usize::from(!one.ranks.is_empty())
                + usize::from(one.same)
                + usize::from(one.at_least.is_some())
                + usize::from(!one.expiry.is_empty());
            assert_eq!(how, 1, "{} {}", one.kind, one.property);
        }
    }

    #[test]
    fn less_is_weaker() {
        let of = |kind, guard| of(kind).find(|one| one.guard == guard).expect("a guard");
        let encryption = of("AWS::S3::Bucket", "encryption");
        assert!(encryption.is_weaker(Some("AES256"), Some("aws:kms")));
        assert!(!encryption.is_weaker(Some("aws:kms"), Some("AES256")));
        assert!(!encryption.is_weaker(None, Some("AES256")), "S3 does so by itself");
        assert!(encryption.is_weaker(Some("rot13"), Some("AES256")), "what is not known");
        let key = of("AWS::S3::Bucket", "encryption key");
        assert!(key.is_weaker(None, Some("a")) && key.is_weaker(Some("b"), Some("a")));
        assert!(!key.is_weaker(Some("a"), None));
        let retention = of("AWS::S3::Bucket", "retention");
        assert!(
            retention.is_weaker(Some("30"), None) && retention.is_weaker(Some("30"), Some("365"))
        );
        assert!(!retention.is_weaker(None, Some("30")));
        let hours = of("AWS::Kinesis::Stream", "hours of retention");
        assert!(hours.is_weaker(None, Some("48")) && !hours.is_weaker(Some("48"), None));
    }
}
