//! AWS's regions and partitions: where a name leads, and under which domain.

use std::sync::LazyLock;

use serde::Deserialize;

/// A group of regions with one IAM: the second part of an ARN.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Partition {
    /// `aws`, `aws-cn`, ...
    pub name: &'static str,
    prefix: &'static str,
    /// The domain of its endpoints and service principals, such as `amazonaws.com.cn`.
    #[serde(rename = "dnsSuffix")]
    pub dns_suffix: &'static str,
}

/// A region that is known to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Such as `eu-west-1`.
    pub name: &'static str,
    /// The partition it belongs to.
    pub partition: &'static Partition,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Generated {
    regions: Vec<&'static str>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Table {
    besides: Vec<&'static str>,
    partitions: Vec<Partition>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/partitions.json"))
        .expect("invariant: the table of partitions is well formed")
});

static REGIONS: LazyLock<Vec<Region>> = LazyLock::new(|| {
    let generated: Generated = serde_json::from_str(include_str!("data/regions.json"))
        .expect("invariant: the list of regions is well formed");
    let mut names = generated.regions;
    names.extend(&TABLE.besides);
    names.sort_unstable();
    names.dedup();
    let located = |name| Region { name, partition: by_prefix(name) };
    names.into_iter().map(located).collect()
});

fn by_prefix(region: &str) -> &'static Partition {
    let fits = |partition: &&Partition| region.starts_with(partition.prefix);
    let found = TABLE.partitions.iter().find(fits);
    found.expect("invariant: the last partition's prefix is empty")
}

/// The region called `name`, if AWS's schemas or SDKs know it.
pub fn region(name: &str) -> Option<Region> {
    let at = REGIONS.binary_search_by(|known| known.name.cmp(name)).ok()?;
    Some(REGIONS[at])
}

/// All known regions, ascending by name.
pub fn regions() -> impl Iterator<Item = Region> {
    REGIONS.iter().copied()
}

/// The partition that a region belongs to by the prefix of its name, whether the region is known or not: AWS's SDKs
/// place a region newer than themselves by the same rule.
pub fn partition_of(region: &str) -> &'static Partition {
    by_prefix(region)
}

/// The partition called `name`, such as `aws-cn`.
pub fn partition(name: &str) -> Option<&'static Partition> {
    TABLE.partitions.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_its_partition() {
        let of = |name| region(name).expect("a known region").partition;
        assert_eq!(of("eu-west-1").name, "aws");
        assert_eq!(of("cn-north-1").dns_suffix, "amazonaws.com.cn");
        assert_eq!(of("us-gov-west-1").name, "aws-us-gov");
        assert_eq!(of("us-iso-east-1").name, "aws-iso");
        assert_eq!(of("us-isob-east-1").name, "aws-iso-b");
        assert_eq!(of("eu-isoe-west-1").name, "aws-iso-e");
        assert_eq!(of("us-isof-south-1").name, "aws-iso-f");
        assert_eq!(of("eusc-de-east-1").dns_suffix, "amazonaws.eu");
        assert_eq!(of("me-south-1").name, "aws");
        assert_eq!(region("eu-west-7"), None);
        assert_eq!(partition_of("cn-south-9").name, "aws-cn");
        assert_eq!(regions().count(), 46);
        // Every partition has a region and is told apart by its prefix ("AWS service endpoints" of the
        // General Reference; partitions of the SDKs' endpoint rules).
        let known = [
            ("aws", "amazonaws.com", 34),
            ("aws-cn", "amazonaws.com.cn", 2),
            ("aws-us-gov", "amazonaws.com", 2),
            ("aws-iso", "c2s.ic.gov", 2),
            ("aws-iso-b", "sc2s.sgov.gov", 2),
            ("aws-iso-e", "cloud.adc-e.uk", 1),
            ("aws-iso-f", "csp.hci.ic.gov", 2),
            ("aws-eusc", "amazonaws.eu", 1),
        ];
        for (name, suffix, count) in known {
            assert_eq!(partition(name).expect(name).dns_suffix, suffix);
            assert_eq!(regions().filter(|r| r.partition.name == name).count(), count, "{name}");
        }
        assert_eq!(TABLE.partitions.len(), known.len());
        assert!(partition("aws-cn").is_some() && partition("azure").is_none());
    }

    #[test]
    fn regions_ascend() {
        let names: Vec<_> = regions().map(|region| region.name).collect();
        assert!(names.is_sorted());
    }
}
