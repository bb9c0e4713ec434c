//! Policies that AWS manages, as they were on a day.
//!
//! In: `data/managed-policies.jsonl`, condensed by `generate/managed-policies.py` (its source and licence: NOTICE). Out: the
//! document of a policy by its ARN. AWS changes these policies, so whoever shows one says of which day it is:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html#aws-managed-policies>.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::document::Value;

#[derive(Deserialize)]
struct Line {
    arn: String,
    document: Value,
}

#[derive(Deserialize)]
struct Head {
    date: String,
}

struct Copy {
    date: String,
    documents: BTreeMap<String, Value>,
}

static COPY: LazyLock<Copy> = LazyLock::new(|| {
    let mut lines = include_str!("data/managed-policies.jsonl").lines();
    let head: Head = serde_json::from_str(lines.next().unwrap_or_default())
        .expect("invariant: the copy begins with its date");
    let line = |line| -> Line {
        serde_json::from_str(line).expect("invariant: a line of the copy is a policy")
    };
    let documents = lines.map(line).map(|line| (line.arn, line.document)).collect();
    Copy { date: head.date, documents }
});

/// The document of a policy that AWS manages, by its ARN in whichever partition; `None` for one that is no such, or not in
/// the copy.
pub fn document(arn: &str) -> Option<&'static Value> {
    let mut parts = arn.splitn(6, ':');
    let is_managed = parts.next() == Some("arn")
        && parts.nth(1) == Some("iam")
        && parts.next() == Some("")
        && parts.next() == Some("aws");
    COPY.documents.get(parts.next()?).filter(|_| is_managed)
}

/// The day of the copy: `2026-08-22`.
pub fn date() -> &'static str {
    &COPY.date
}
