//! What would not fit is told before anything is called (LW0505).
//!
//! Two kinds: a fixed limit of a service is an error at what is too much; a default quota of the
//! account, which AWS raises when asked, is a warning at the first thing beyond it, with where to
//! look and to ask. Counted is what this lake needs at least: what else the account holds is not
//! known here. What a template takes is counted when templates are made (`stacks::excess`).

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::watch::{Trouble, Watched};
use crate::lake::{Bucket, Lake};
use crate::source::Span;
use crate::spec::reference::Principal;
use crate::spec::sources::Capacity;

/// Lifecycle rules of a bucket: S3 User Guide, "Setting an S3 Lifecycle configuration on a bucket".
const LIFECYCLE_RULES: usize = 1_000;
/// Resources of a stack, all of an entry of `access` in one: CloudFormation User Guide,
/// "Understand CloudFormation quotas".
const RESOURCES_OF_A_STACK: usize = 500;

/// A default quota of an account (or of an account in a region), adjustable.
struct Quota {
    /// What is counted, in the plural.
    what: &'static str,
    /// Whose it is: "an account", "an account in a region".
    whose: &'static str,
    /// The service's name in the Service Quotas console, and its code there.
    service: (&'static str, &'static str),
    most: usize,
    /// AWS's page.
    source: &'static str,
}

const STREAMS: Quota = Quota {
    what: "Kinesis streams with capacity on demand",
    whose: "an account in a region",
    service: ("Amazon Kinesis Data Streams", "kinesis"),
    most: 50,
    source: "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html",
};
const BUCKETS: Quota = Quota {
    what: "general purpose buckets",
    whose: "an account",
    service: ("Amazon Simple Storage Service (Amazon S3)", "s3"),
    most: 10_000,
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html",
};
const KEYS: Quota = Quota {
    what: "customer managed KMS keys",
    whose: "an account in a region",
    service: ("AWS Key Management Service (AWS KMS)", "kms"),
    most: 100_000,
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html",
};
const ROLES: Quota = Quota {
    what: "IAM roles",
    whose: "an account",
    service: ("AWS Identity and Access Management (IAM)", "iam"),
    most: 1_000,
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
};
const POLICIES: Quota = Quota {
    what: "customer managed IAM policies",
    whose: "an account",
    service: ("AWS Identity and Access Management (IAM)", "iam"),
    most: 1_500,
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
};
const DATABASES: Quota = Quota {
    what: "databases of the Data Catalog",
    whose: "an account in a region",
    service: ("AWS Glue", "glue"),
    most: 10_000,
    source: "https://docs.aws.amazon.com/general/latest/gr/glue.html",
};
const TABLES: Quota = Quota {
    what: "tables",
    whose: "a database",
    service: ("AWS Glue", "glue"),
    most: 200_000,
    source: "https://docs.aws.amazon.com/general/latest/gr/glue.html",
};
const WORKGROUPS: Quota = Quota {
    what: "Athena workgroups",
    whose: "an account in a region",
    service: ("Amazon Athena", "athena"),
    most: 1_000,
    source: "https://docs.aws.amazon.com/athena/latest/ug/service-limits.html",
};
const ALARMS: Quota = Quota {
    what: "CloudWatch alarms",
    whose: "an account in a region",
    service: ("Amazon CloudWatch", "monitoring"),
    most: 5_000,
    source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
};
const RULES: Quota = Quota {
    what: "EventBridge rules",
    whose: "an event bus",
    service: ("Amazon EventBridge (CloudWatch Events)", "events"),
    most: 300,
    source: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
};

/// Shards of provisioned streams by default: the source of [`STREAMS`]. Other regions have 1,000 or
/// 6,000, the page does not say which has what: the larger is surely exceeded.
fn shard_quota(region: &str) -> usize {
    if ["us-east-1", "us-west-2", "eu-west-1"].contains(&region) { 20_000 } else { 6_000 }
}

/// Rules of a bus by default: the source of [`RULES`].
fn rule_quota(region: &str) -> usize {
    if ["af-south-1", "eu-south-1"].contains(&region) { 100 } else { RULES.most }
}

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    fixed(lake, found);
    let region = lake.home.region.as_str();

    let mut on_demand = Vec::new();
    let mut shards = Vec::new();
    for source in lake.sources.values() {
        match source.capacity {
            Capacity::OnDemand => on_demand.push(one(source.span, source.path())),
            Capacity::Shards(count) => {
                shards.push((source.span, format!("{}.capacity", source.path()), size(count)));
            }
        }
    }
    exceeded(&STREAMS, &on_demand, found);
    let quota = Quota { what: "shards of Kinesis streams", most: shard_quota(region), ..STREAMS };
    exceeded(&quota, &shards, found);

    let own = |bucket: &&Bucket| !bucket.existing;
    let buckets: Vec<Counted> = lake
        .buckets
        .values()
        .filter(own)
        .map(|bucket| (bucket.span, bucket.path(), 1 + usize::from(bucket.replica.is_some())))
        .collect();
    exceeded(&BUCKETS, &buckets, found);
    let keys = lake.keys.values().filter(|key| key.existing.is_none());
    let keys: Vec<Counted> = keys.map(|key| one(key.span, key.path())).collect();
    exceeded(&KEYS, &keys, found);

    let databases = lake.databases.values().filter(|database| !database.existing);
    let databases: Vec<Counted> =
        databases.map(|database| one(database.span, database.path())).collect();
    exceeded(&DATABASES, &databases, found);
    for database in lake.databases.values().filter(|d| d.tables.len() > TABLES.most) {
        let tables: Vec<Counted> =
            database.tables.values().map(|table| one(table.span, table.path())).collect();
        exceeded(&TABLES, &tables, found);
    }

    let (roles, policies) = identities(lake);
    exceeded(&ROLES, &roles, found);
    exceeded(&POLICIES, &policies, found);

    let workgroups: Vec<Counted> =
        lake.workgroups.values().map(|one| (one.span, one.path(), 1)).collect();
    exceeded(&WORKGROUPS, &workgroups, found);

    let (alarms, rules) = watching(lake);
    exceeded(&ALARMS, &alarms, found);
    exceeded(&Quota { most: rule_quota(region), ..RULES }, &rules, found);
}

/// What no request raises.
fn fixed(lake: &Lake, found: &mut Diagnostics) {
    for bucket in lake.buckets.values().filter(|bucket| !bucket.existing) {
        let besides = usize::from(bucket.abort_uploads_days.is_some());
        let Some(first) = bucket.retention.get(LIFECYCLE_RULES - besides) else { continue };
        let count = bucket.retention.len() + besides;
        let headline = format!(
            "bucket `{}` would have {} lifecycle rules, and S3 takes {}",
            bucket.name,
            grouped(count),
            grouped(LIFECYCLE_RULES)
        );
        let mut diagnostic = Diagnostic::error(diagnostic::LW0505, first.then.span, headline)
            .label("the first that is too many")
            .at(format!("{}.retention", bucket.path()))
            .help("say one thing about a longer prefix, or divide the bucket");
        if besides > 0 {
            diagnostic = diagnostic.note("one of them removes incomplete uploads");
        }
        found.push(diagnostic);
    }
    for access in lake.access.values() {
        let own: Vec<_> = access
            .who
            .iter()
            .filter(|who| matches!(who.value, Principal::Role { .. } | Principal::User { .. }))
            .filter(|who| !lake.crosses(&who.value))
            .collect();
        let Some(first) = own.get(RESOURCES_OF_A_STACK) else { continue };
        let headline = format!(
            "access `{}` needs {} policies or more in one stack, and CloudFormation takes {}",
            access.name,
            grouped(own.len()),
            grouped(RESOURCES_OF_A_STACK)
        );
        found.push(
            Diagnostic::error(diagnostic::LW0505, first.span, headline)
                .label("the first that is too many")
                .at(format!("{}.who", access.path()))
                .note("each role and user of the lake's own account is given a policy, and an entry stays in one stack")
                .help("divide the entry in two, or let its people share a role"),
        );
    }
}

/// What counts against a quota: where it is written, its path, and how many it is.
type Counted = (Span, String, usize);

fn one(span: Span, path: String) -> Counted {
    (span, path, 1)
}

fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// The roles that the lake makes, and the least number of policies that they and its grants take.
fn identities(lake: &Lake) -> (Vec<Counted>, Vec<Counted>) {
    let mut roles: Vec<Counted> = Vec::new();
    for source in lake.sources.values() {
        roles.push(one(source.span, source.path()));
    }
    for pipeline in lake.pipelines.values() {
        let count = usize::from(pipeline.role.is_none()) + usize::from(pipeline.schedule.is_some());
        roles.push((pipeline.span, pipeline.path(), count));
    }
    for bucket in lake.buckets.values().filter(|bucket| bucket.replica.is_some()) {
        roles.push(one(bucket.span, bucket.path()));
    }
    let mut policies = roles.clone();
    roles.extend(lake.roles.values().map(|role| one(role.span, role.path())));
    for access in lake.access.values() {
        let own = access
            .who
            .iter()
            .filter(|who| matches!(who.value, Principal::Role { .. } | Principal::User { .. }))
            .filter(|who| !lake.crosses(&who.value));
        policies.push((access.span, access.path(), own.count()));
    }
    for workgroup in lake.workgroups.values() {
        policies.push((workgroup.span, workgroup.path(), workgroup.who.len()));
    }
    (roles, policies)
}

/// The alarms and rules that the lake makes: a failed job is an event, the rest are metrics.
fn watching(lake: &Lake) -> (Vec<Counted>, Vec<Counted>) {
    let (mut alarms, mut rules) = (Vec::new(), Vec::new());
    for alarm in lake.alarms.values() {
        let first = alarm.trouble.value == Trouble::Failures(1) && alarm.period.is_none();
        let event = |watched: &&Watched| first && matches!(watched, Watched::Pipeline(_));
        let events = alarm.watched.iter().filter(event).count();
        rules.push((alarm.span, alarm.path(), events));
        alarms.push((alarm.span, alarm.path(), alarm.watched.len() - events));
    }
    (alarms, rules)
}

/// Warns at the first thing with which a quota is exceeded.
fn exceeded(quota: &Quota, things: &[Counted], found: &mut Diagnostics) {
    let count: usize = things.iter().map(|(_, _, count)| count).sum();
    if count <= quota.most {
        return;
    }
    let mut so_far = 0;
    let beyond = things.iter().find(|(_, _, count)| {
        so_far += count;
        so_far > quota.most
    });
    let Some((span, path, _)) = beyond else { return };
    let headline = format!(
        "the lake needs {} {}, and by default {} has {}",
        grouped(count),
        quota.what,
        quota.whose,
        grouped(quota.most)
    );
    let (service, code) = quota.service;
    found.push(
        Diagnostic::warning(diagnostic::LW0505, *span, headline)
            .label("the first beyond the quota")
            .at(path.clone())
            .note(format!("what else the account has counts too; AWS says so in {}", quota.source))
            .help(format!(
                "look up what the account has, and ask for more, in the Service Quotas console under {service}, or by `aws service-quotas list-service-quotas --service-code {code}`"
            )),
    );
}

/// `12000` as `12,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Sources};

    fn things(file: FileId, count: usize) -> Vec<Counted> {
        let at = |n: usize| {
            let n = u32::try_from(n).expect("small");
            one(Span { file, start: n, end: n + 1 }, format!("things.{n}"))
        };
        (0..count).map(at).collect()
    }

    #[test]
    fn a_quota_is_exceeded_from_one_beyond_it_on() {
        let file = Sources::default().add("lake.yaml", "");
        for quota in [&STREAMS, &BUCKETS, &ROLES, &POLICIES, &DATABASES, &ALARMS, &RULES] {
            let mut found = Diagnostics::default();
            exceeded(quota, &things(file, quota.most), &mut found);
            assert!(found.is_empty(), "{}", quota.what);
            exceeded(quota, &things(file, quota.most + 3), &mut found);
            let first = found.iter().next().expect(quota.what);
            assert_eq!(first.path, Some(format!("things.{}", quota.most)), "{}", quota.what);
            assert!(first.headline.chars().count() <= 120, "{}", first.headline);
        }
    }

    #[test]
    fn numbers_are_read_in_groups() {
        assert_eq!([1, 999, 1_000, 1_234_567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
    }
}
