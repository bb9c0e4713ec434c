//! Everything that the lake needs is offered where it stands (LW0503).
//!
//! Which resource type is missing where is in the catalogue, from AWS's own schemas.

use crate::catalogue;
use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::Lake;
use crate::names::Region;
use crate::source::Span;

/// A thing, where it is written, and the types that it needs in a region.
type Needs<'a> = (Span, String, &'a Region, &'static [&'static str]);

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    let home = &lake.home.region;
    let mut needs: Vec<Needs> = Vec::new();
    for key in lake.keys.values().filter(|key| key.existing.is_none()) {
        needs.push((key.span, key.path(), home, &["AWS::KMS::Key", "AWS::KMS::Alias"]));
    }
    for bucket in lake.buckets.values().filter(|bucket| !bucket.existing) {
        needs.push((bucket.span, bucket.path(), home, &["AWS::S3::Bucket"]));
        if let Some(replica) = &bucket.replica {
            let path = format!("{}.replicate.region", bucket.path());
            let types = &["AWS::S3::Bucket", "AWS::KMS::Key"];
            needs.push((replica.span, path, &replica.region, types));
        }
    }
    for database in lake.databases.values() {
        if !database.existing {
            needs.push((database.span, database.path(), home, &["AWS::Glue::Database"]));
        }
        for table in database.tables.values() {
            needs.push((table.span, table.path(), home, &["AWS::Glue::Table"]));
        }
    }
    for source in lake.sources.values() {
        let types = &["AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream"];
        needs.push((source.span, source.path(), home, types));
    }
    for pipeline in lake.pipelines.values() {
        needs.push((pipeline.span, pipeline.path(), home, &["AWS::Glue::Job"]));
        if let Some(schedule) = &pipeline.schedule {
            let path = format!("{}.schedule", pipeline.path());
            needs.push((schedule.span, path, home, &["AWS::Scheduler::Schedule"]));
        }
    }
    for workgroup in lake.workgroups.values() {
        needs.push((workgroup.span, workgroup.path(), home, &["AWS::Athena::WorkGroup"]));
    }
    for notify in lake.notify.values().filter(|notify| notify.existing.is_none()) {
        needs.push((notify.span, notify.path(), home, &["AWS::SNS::Topic"]));
    }
    for alarm in lake.alarms.values() {
        let types = &["AWS::CloudWatch::Alarm", "AWS::Events::Rule"];
        needs.push((alarm.span, alarm.path(), home, types));
    }
    for (span, path, region, types) in needs {
        if let Some(missing) =
            types.iter().find(|missing| catalogue::absent(missing, region.as_str()))
        {
            found.push(
                Diagnostic::error(
                    diagnostic::LW0503,
                    span,
                    format!("`{path}` needs {missing}, which {region} does not have"),
                )
                .at(&*path)
                .note("AWS publishes no schema of that resource type for the region")
                .help("choose another region for this environment, or take this out of it in its `set`"),
            );
        }
    }
}
