//! How lakewright names what it makes.
//!
//! `<lake>-<environment>-<thing>[-<suffix>]`, with underscores for the Data Catalog. A name is fixed
//! only where others refer to it by name (buckets, streams, databases, roles, stacks); CloudFormation
//! names the rest. Logical ids are a pure function of the spec path and never depend on other things,
//! so that adding one moves none.

use sha2::{Digest, Sha256};

use crate::names::{LogicalId, Name, Region};

/// The parts that every name is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    pub lake: Name,
    pub environment: Name,
    pub suffix: Option<Name>,
}

impl Naming {
    /// `acme-prod-raw`, `acme-prod-raw-copy`: what things of this lake are called in AWS.
    pub fn thing(&self, name: &str) -> String {
        match &self.suffix {
            Some(suffix) => format!("{}-{}-{name}-{suffix}", self.lake, self.environment),
            None => format!("{}-{}-{name}", self.lake, self.environment),
        }
    }

    /// As [`Naming::thing`], for a thing that was made anew `generation` - 1 times.
    pub fn generation(&self, name: &str, generation: i64) -> String {
        match generation {
            1 => self.thing(name),
            n => format!("{}-{n}", self.thing(name)),
        }
    }

    /// `corp-raw`, `corp-raw-copy`: a name that the user chose. The suffix ends it all the same, so
    /// that two copies of a lake have none in common.
    pub fn own(&self, name: &str, generation: i64) -> String {
        let mut own = name.to_owned();
        if let Some(suffix) = &self.suffix {
            own = format!("{own}-{suffix}");
        }
        match generation {
            1 => own,
            n => format!("{own}-{n}"),
        }
    }

    /// `acme_prod_sales`: names of the Data Catalog have no hyphens.
    pub fn catalog(&self, name: &str) -> String {
        self.thing(name).replace('-', "_")
    }

    /// What tells the stacks of this lake from all others: `acme-prod` or `acme-prod-copy`.
    pub fn lake_id(&self) -> String {
        match &self.suffix {
            Some(suffix) => format!("{}-{}-{suffix}", self.lake, self.environment),
            None => format!("{}-{}", self.lake, self.environment),
        }
    }

    /// The name of a stack: `acme-prod-storage`, `acme-prod-catalog-2`.
    pub fn stack(&self, part: &str, number: usize) -> String {
        match number {
            1 => self.thing(part),
            n => format!("{}-{n}", self.thing(part)),
        }
    }

    /// The bucket of the base stack in a region. It carries the region, since the names of buckets
    /// are shared by all of them.
    pub fn base_bucket(&self, region: &Region) -> String {
        format!("{}-{region}", self.thing("base"))
    }
}

/// The logical id of a part of a thing: `BucketRaw`, `PolicyBucketRaw`, `TableSalesOrders1f09a3`.
/// The part stands first: behind the name it could be mistaken for the end of another name.
///
/// Hyphens and underscores vanish in it, so that `a-b` and `ab` would meet; a name that holds one
/// before anything but a letter, or an underscore at all, gets the first 6 hexadecimal digits of
/// the SHA-256 of the names behind it.
pub fn logical_id(kind: &str, names: &[&str]) -> LogicalId {
    let mut id = String::from(kind);
    let mut ambiguous = names.len() > 1;
    for name in names {
        for word in name.split(['-', '_']) {
            let mut letters = word.chars();
            if let Some(first) = letters.next() {
                ambiguous |= first.is_ascii_digit();
                id.extend(first.to_uppercase());
                id.push_str(letters.as_str());
            }
        }
        ambiguous |= name.contains('_');
    }
    if ambiguous {
        let digest = Sha256::digest(names.join("/").as_bytes());
        for byte in &digest[..3] {
            id.push_str(&format!("{byte:02x}"));
        }
    }
    id.truncate(255);
    LogicalId::new(&id).expect("invariant: names hold letters, digits, hyphens and underscores")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logical_ids_do_not_meet() {
        let id = |names: &[&str]| logical_id("Bucket", names).to_string();
        assert_eq!(id(&["raw"]), "BucketRaw");
        assert_eq!(id(&["clean-orders"]), "BucketCleanOrders");
        assert_ne!(id(&["a-1"]), id(&["a1"]));
        assert_ne!(id(&["a_b"]), id(&["a-b"]));
        assert_ne!(id(&["a", "b-c"]), id(&["a-b", "c"]));
        assert_ne!(id(&["a-b"]), id(&["ab"]));
    }
}
