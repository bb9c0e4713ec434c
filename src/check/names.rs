//! The names that things get in AWS are free and fit (LW0504, LW0502).
//!
//! Two things of different names in the spec can have one name in AWS: `a-b` and `a_b` in the Data
//! Catalog, `raw-2` and the second generation of `raw`, two references to one bucket.

use std::collections::BTreeMap;

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::names::{BucketName, StackName};
use crate::source::Span;

/// A name in AWS and what has it.
pub(super) struct Taken {
    /// What AWS calls the kind: names of one kind must differ.
    pub kind: Kind,
    pub name: String,
    pub span: Span,
    pub path: String,
}

/// Kinds of names, each a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// All of AWS (of a partition) shares them.
    Bucket,
    /// Of an account and region.
    Database,
    Stream,
    Job,
    Workgroup,
    LfTag,
    /// Of an account.
    Role,
}

impl Kind {
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Kind::Bucket => "bucket",
            Kind::Database => "database",
            Kind::Stream => "stream",
            Kind::Job => "job",
            Kind::Workgroup => "workgroup",
            Kind::LfTag => "LF-tag",
            Kind::Role => "role",
        }
    }
}

/// Every name that the lake takes or refers to, in the order of the sections.
pub(super) fn taken(lake: &Lake) -> Vec<Taken> {
    let mut taken = Vec::new();
    let mut take = |kind, name: &str, span, path| {
        taken.push(Taken { kind, name: name.to_owned(), span, path });
    };
    for bucket in lake.buckets.values() {
        take(Kind::Bucket, bucket.bucket_name.as_str(), bucket.span, bucket.path());
        if let Some(replica) = &bucket.replica {
            let path = format!("{}.replicate", bucket.path());
            take(Kind::Bucket, replica.bucket_name.as_str(), replica.span, path);
        }
    }
    for database in lake.databases.values() {
        take(Kind::Database, &database.catalog_name, database.span, database.path());
    }
    for database in lake.governed().filter(|database| !database.existing) {
        let role = lake.registration_role(&database.name);
        take(Kind::Role, &role, database.span, database.path());
    }
    for key in lake.tag_values().into_keys() {
        let database = lake.governed().next().map_or(Span::default(), |found| found.span);
        take(Kind::LfTag, &lake.naming.own(key, 1), database, "lake_formation".to_owned());
    }
    for source in lake.sources.values() {
        take(Kind::Stream, &source.stream_name, source.span, source.path());
    }
    for pipeline in lake.pipelines.values() {
        take(Kind::Job, &pipeline.job_name, pipeline.span, pipeline.path());
        if pipeline.role.is_none() {
            take(Kind::Role, &pipeline.role_name, pipeline.span, pipeline.path());
        }
    }
    for workgroup in lake.workgroups.values() {
        take(Kind::Workgroup, &workgroup.workgroup_name, workgroup.span, workgroup.path());
    }
    for role in lake.roles.values() {
        take(Kind::Role, &role.role_name, role.span, role.path());
    }
    taken
}

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    clashes(lake, found);
    lengths(lake, found);
    regional(lake, found);
}

/// A name of an account's regional namespace says of whom and where the bucket is, and CloudFormation
/// makes it only if told so: S3 User Guide, "Namespaces for general purpose buckets".
fn regional(lake: &Lake, found: &mut Diagnostics) {
    let own = lake.buckets.values().filter(|bucket| !bucket.existing);
    for bucket in own.filter(|bucket| bucket.bucket_name.is_regional()) {
        let headline = format!("`{}` is a name of a regional namespace", bucket.bucket_name);
        found.push(
            Diagnostic::error(diagnostic::LW0502, bucket.span, headline)
                .at(format!("{}.name", bucket.path()))
                .note(
                    "lakewright makes buckets in the global namespace, where no name ends in `-an`",
                )
                .help("give it another name; a bucket that is there already can be `existing`"),
        );
    }
}

fn clashes(lake: &Lake, found: &mut Diagnostics) {
    let base: Vec<String> = match &lake.home.base_bucket {
        None => lake.regions().iter().map(|region| lake.naming.base_bucket(region)).collect(),
        Some(base) => vec![base.value.to_string()],
    };
    let mut seen: BTreeMap<(Kind, String), (Span, String)> = BTreeMap::new();
    for taken in taken(lake) {
        let (kind, noun) = (taken.kind, taken.kind.noun());
        if kind == Kind::Bucket && base.contains(&taken.name) {
            let headline = format!("`{}` is the name of the lake's base bucket", taken.name);
            let mut diagnostic = Diagnostic::error(diagnostic::LW0504, taken.span, headline)
                .at(&*taken.path)
                .note("lakewright keeps templates and scripts in the base bucket")
                .help("give this one another name");
            if let Some(base) = &lake.home.base_bucket {
                diagnostic = diagnostic.also(base.span, "named here");
            }
            found.push(diagnostic);
        }
        let (span, path) = (taken.span, taken.path.clone());
        if let Some((first, other)) = seen.get(&(kind, taken.name.clone())) {
            let headline = format!("two {noun}s would be called `{}` in AWS", taken.name);
            found.push(
                Diagnostic::error(diagnostic::LW0504, span, headline)
                    .label(format!("`{path}`"))
                    .also(*first, format!("`{other}` is called that already"))
                    .at(&*path)
                    .help("rename one of them, or give it a `name` of its own; what exists already has one name in the spec"),
            );
            continue;
        }
        seen.insert((kind, taken.name), (span, path));
    }
}

fn lengths(lake: &Lake, found: &mut Diagnostics) {
    let too_long = |found: &mut Diagnostics, span, path: String, what: &str, name: &str, most| {
        let headline = format!("{what} would have a name of {} characters", name.chars().count());
        found.push(
            Diagnostic::error(diagnostic::LW0502, span, headline)
                .at(path)
                .note(format!("it is called `{name}`, and AWS takes at most {most} characters"))
                .help(
                    "shorten the names that it is made of: the lake's, the environment's, its own",
                ),
        );
    };
    // The stream's Firehose has the same name, of 64 characters at most: Firehose API reference,
    // CreateDeliveryStream, DeliveryStreamName.
    for source in lake.sources.values().filter(|source| source.stream_name.len() > 64) {
        let what = format!("source `{}`", source.name);
        too_long(found, source.span, source.path(), &what, &source.stream_name, 64);
    }
    // Athena API reference, CreateWorkGroup, Name.
    for workgroup in lake.workgroups.values().filter(|it| it.workgroup_name.len() > 128) {
        let what = format!("workgroup `{}`", workgroup.name);
        too_long(found, workgroup.span, workgroup.path(), &what, &workgroup.workgroup_name, 128);
    }
    // Glue API reference, DatabaseInput, Name.
    for database in lake.databases.values().filter(|database| database.catalog_name.len() > 255) {
        let what = format!("database `{}`", database.name);
        too_long(found, database.span, database.path(), &what, &database.catalog_name, 255);
    }
    // Glue API reference, TableInput, Name.
    let environment = format!("environments.{}", lake.home.environment);
    let Some(span) = lake.home.span else { return };
    if lake.home.base_bucket.is_none() {
        for region in lake.regions() {
            let name = lake.naming.base_bucket(&region);
            if let Err(reason) = BucketName::new(&name) {
                let headline = format!(
                    "the lake's base bucket would have a name of {} characters, S3 takes 63",
                    name.len()
                );
                found.push(
                    Diagnostic::error(diagnostic::LW0502, span, headline)
                        .at(environment.clone())
                        .note(reason)
                        .help("shorten the lake's name, the environment's or the suffix, or give the environment a `base_bucket`"),
                );
            }
        }
    }
    // The longest part of a stack's name is that of storage in a second region, numbered.
    let longest = lake.regions().iter().map(|region| region.as_str().len()).max().unwrap_or(0);
    let name = format!("{}-999", lake.naming.stack(&format!("storage-{}", "x".repeat(longest)), 1));
    if StackName::new(&name).is_err() {
        let headline = "stacks of this lake would have names of more than 128 characters";
        found.push(
            Diagnostic::error(diagnostic::LW0502, span, headline)
                .at(environment)
                .help("shorten the lake's name, the environment's or the suffix"),
        );
    }
}
