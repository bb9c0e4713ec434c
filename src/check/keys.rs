//! What leaves the account is encrypted with a key that can (LW0402).
//!
//! The policy of an AWS managed key cannot be changed, so nobody in another account can use it: AWS
//! KMS developer guide, "AWS managed keys". Neither can replication into a bucket with a key elsewhere
//! be allowed on it.

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::places::{Encryption, Place};
use crate::lake::{Bucket, Lake};
use crate::names::Name;
use crate::source::Span;
use std::collections::BTreeMap;

/// A grant that crosses the border: where it stands, and who is given it.
type Crossing = (Span, String);

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    let crossings = crossings(lake);
    for bucket in lake.buckets.values() {
        let grants = crossings.get(&bucket.name).map_or(&[][..], Vec::as_slice);
        match &bucket.encryption {
            Encryption::AwsManaged if !bucket.existing => managed(lake, bucket, grants, found),
            Encryption::Key(key) => existing(lake, bucket, key, grants, found),
            _ => {}
        }
    }
}

fn crossings(lake: &Lake) -> BTreeMap<&Name, Vec<Crossing>> {
    let mut crossings: BTreeMap<&Name, Vec<Crossing>> = BTreeMap::new();
    for access in lake.access.values() {
        let Some(who) = access.who.iter().find(|who| lake.crosses(&who.value)) else { continue };
        for grant in &access.grants {
            if let Place::Objects(location) = &grant.place.value {
                crossings
                    .entry(&location.bucket)
                    .or_default()
                    .push((grant.place.span, who.to_string()));
            }
        }
    }
    crossings
}

fn managed(lake: &Lake, bucket: &Bucket, grants: &[Crossing], found: &mut Diagnostics) {
    if grants.is_empty() && bucket.replica.is_none() {
        return;
    }
    let what = match grants.first() {
        Some((_, who)) => format!("shared with `{who}`"),
        None => "replicated".to_owned(),
    };
    let said = bucket.encryption_span != bucket.span;
    let headline = format!("bucket `{}` is {what} and encrypted with `aws:kms`", bucket.name);
    let label = if said { "the key that AWS manages" } else { "`aws:kms` is the default" };
    let mut diagnostic = Diagnostic::error(diagnostic::LW0402, bucket.encryption_span, headline)
        .label(label)
        .at(format!("{}.encryption", bucket.path()))
        .note("nobody outside of this account can use a key that AWS manages, replication neither");
    for (span, who) in grants.iter().take(3) {
        diagnostic = diagnostic.also(*span, format!("shared with `{who}`"));
    }
    if let Some(replica) = &bucket.replica {
        diagnostic = diagnostic.also(replica.span, "replicated here");
    }
    let ours = lake.keys.values().filter(|key| key.existing.is_none());
    let key = ours.clone().find(|key| key.name == bucket.name).or_else(|| ours.clone().next());
    found.push(match key {
        Some(key) if said => diagnostic
            .help(format!("encrypt it with a key of the lake: `keys.{}`", key.name))
            .maybe(bucket.encryption_span, format!("keys.{}", key.name)),
        Some(key) => diagnostic
            .help(format!("encrypt it with a key of the lake: `encryption: keys.{}`", key.name)),
        None => diagnostic.help(format!(
            "declare a key, `keys: {{ {0}: {{}} }}`, and use it: `encryption: keys.{0}`",
            bucket.name
        )),
    });
}

/// The policy of a key that is not ours is never changed: somebody else has to.
fn existing(
    lake: &Lake,
    bucket: &Bucket,
    key: &Name,
    grants: &[Crossing],
    found: &mut Diagnostics,
) {
    let Some(arn) = lake.keys.get(key).and_then(|key| key.existing.as_ref()) else { return };
    let Some((span, who)) = grants.first() else { return };
    let headline = format!("`{who}` also has to be let in by the policy of key `{key}`");
    found.push(
        Diagnostic::warning(diagnostic::LW0402, *span, headline)
            .also(bucket.encryption_span, format!("bucket `{}` is encrypted with it", bucket.name))
            .also(arn.span, "the key is not ours: its policy is never changed")
            .help("have its owner allow `kms:Decrypt` (and `kms:GenerateDataKey` for writing)"),
    );
}
