//! Pipelines as Glue jobs: the job and its arguments, a role that follows from what it reads and writes, its schedule.
//!
//! In: a pipeline, and the hash of its script. Out: its resources, and what its role asks of keys. What a job says is in
//! `glue_logs`, what is given on the catalog in `glue`.

use std::collections::BTreeSet;

use super::glue_logs::{JobLogs, log_prefix};
use super::{Lowering, describe, s3_uri};
use crate::diagnostic::{self, Diagnostic};
use crate::document;
use crate::document::{Map, Value};
use crate::graph::{self, Part};
use crate::lake::naming::logical_id;
use crate::lake::places::Place;
use crate::lake::{Pipeline, Table};
use crate::names::{BucketName, LogicalId};
use crate::policy::Statement;
use crate::policy::grant::Level;
use crate::spec::databases::Format;
use crate::spec::pipelines::Workers;
use crate::spec::reference::Principal;

impl Lowering<'_> {
    pub(super) fn pipelines(&mut self) {
        let lake = self.lake;
        for pipeline in lake.pipelines.values() {
            self.pipeline(pipeline);
        }
        self.security_configurations();
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        let path = pipeline.path();
        let names = [pipeline.name.as_str()];
        let Some(hash) = self.scripts.get(&pipeline.script.value) else {
            let headline = format!("there is no script `{}`", pipeline.script.value);
            self.diagnostics.push(
                Diagnostic::error(diagnostic::LW0316, pipeline.script.span, headline)
                    .at(format!("{path}.script"))
                    .note("the path is relative to the spec"),
            );
            return;
        };
        self.idle_minimum(pipeline);
        let base = self.base_bucket_name();
        let key = script_key(&pipeline.script.value, hash);
        let logs = self.from(path.clone(), |lowering| lowering.job_logs(pipeline));
        let role = match &pipeline.role {
            Some(at) => self.foreign_role(&at.value),
            None => {
                self.pipeline_role(pipeline, &base, &key, &logs);
                graph::attribute(&logical_id("RolePipeline", &names), "Arn")
            }
        };
        let mut job = self.resource("AWS::Glue::Job", "JobPipeline", &names, Part::Flows, &path);
        let spark = if pipeline.script.value.ends_with(".py") { "python" } else { "scala" };
        let mut command = Map::new();
        command.insert("Name", "glueetl");
        command.insert("ScriptLocation", s3_uri(&base, &key));
        if spark == "python" {
            command.insert("PythonVersion", "3");
        }
        job.set("Name", pipeline.job_name.clone())
            .set(
                "Description",
                describe(&pipeline.description, format!("Pipeline {}", pipeline.name)),
            )
            .set("Role", role)
            .set_from("Command", ".script", Value::Map(command))
            .set("GlueVersion", "5.0")
            .set_from("WorkerType", ".worker", pipeline.worker.as_str())
            .set_from("NumberOfWorkers", ".workers", pipeline.workers.max)
            .set_from("Timeout", ".timeout", pipeline.timeout_minutes)
            .set_from("MaxRetries", ".retries", pipeline.retries)
            .set_from(
                "ExecutionProperty",
                ".concurrent",
                document!({"MaxConcurrentRuns": (pipeline.concurrent)}),
            )
            .set("DefaultArguments", self.job_arguments(pipeline, spark))
            .caused("DefaultArguments", ".arguments.*")
            .caused("DefaultArguments.--job-language", ".script")
            .caused("DefaultArguments.--enable-auto-scaling", ".workers")
            .caused("DefaultArguments.--read", ".read")
            .caused("DefaultArguments.--write", ".write")
            .caused("Description", ".description")
            .caused("Role", ".role");
        if let Some(security) = &logs.security {
            job.set("SecurityConfiguration", security.clone());
            job.after.push(self.security[security].id());
        }
        job.after.extend(logs.groups);
        let arn = self.lake.home.own_arn(
            "glue",
            &self.lake.home.region,
            &format!("job/{}", pipeline.job_name),
        );
        job.knows("Ref", pipeline.job_name.clone());
        if pipeline.role.is_none() {
            // The job may start as soon as it is there: what its role may do has to be there first.
            job.after.push(logical_id("PolicyRolePipeline", &names));
        }
        self.graph.add(job);
        if let Some(schedule) = &pipeline.schedule {
            self.schedule(pipeline, &schedule.value, &arn);
        }
    }

    /// Says that Glue knows no minimum of workers: with auto scaling the number is the most that it uses
    /// (<https://docs.aws.amazon.com/glue/latest/dg/auto-scaling.html>).
    fn idle_minimum(&mut self, pipeline: &Pipeline) {
        let Workers { min, max, min_span: Some(span) } = pipeline.workers else { return };
        // Two is what the smallest job has.
        if min <= 2 || min == max {
            return;
        }
        let headline =
            format!("`min: {min}` has no effect: Glue itself decides how many workers it uses");
        self.diagnostics.push(
            Diagnostic::warning(diagnostic::LW0317, span, headline)
                .at(format!("{}.workers.min", pipeline.path()))
                .note("auto scaling of AWS Glue has a maximum and no minimum")
                .help(format!("leave `min` out, or write `workers: {max}` for a fixed number")),
        );
    }

    /// Arguments that Glue itself reads ("Using job parameters in AWS Glue jobs"), then the user's.
    fn job_arguments(&self, pipeline: &Pipeline, spark: &str) -> Value {
        let mut arguments = Map::new();
        arguments.insert("--job-language", spark.to_owned());
        arguments.insert("--enable-metrics", "true");
        arguments.insert("--custom-logGroup-prefix", log_prefix(pipeline));
        arguments.insert("--enable-glue-datacatalog", "true");
        arguments.insert("--job-bookmark-option", "job-bookmark-disable");
        if pipeline.workers.min < pipeline.workers.max {
            arguments.insert("--enable-auto-scaling", "true");
        }
        let iceberg = pipeline
            .read
            .iter()
            .chain(&pipeline.write)
            .any(|place| self.holds_iceberg(&place.value));
        if iceberg {
            arguments.insert("--datalake-formats", "iceberg");
            arguments.insert("--conf", ICEBERG);
        }
        arguments.insert("--read", self.addresses(&pipeline.read));
        arguments.insert("--write", self.addresses(&pipeline.write));
        for (name, value) in &pipeline.arguments {
            arguments.insert(name.clone(), value.clone());
        }
        Value::Map(arguments)
    }

    /// What a script is told of its places, in the order of the spec, with commas between them:
    /// `s3://bucket/prefix/` for objects, `database.table` for tables, `glue_catalog.database.table`
    /// for Iceberg's.
    fn addresses(&self, places: &[crate::spec::decode::At<Place>]) -> String {
        let address = |place: &Place| match place {
            Place::Objects(location) => self.uri(location),
            // A pipeline names what a source delivers.
            Place::Stream(name) => name.to_string(),
            Place::Database(name) => self.lake.databases[name].catalog_name.clone(),
            Place::Table { database, table } => {
                let catalog = if self.holds_iceberg(place) { "glue_catalog." } else { "" };
                format!("{catalog}{}.{table}", self.lake.databases[database].catalog_name)
            }
        };
        places.iter().map(|at| address(&at.value)).collect::<Vec<_>>().join(",")
    }

    fn holds_iceberg(&self, place: &Place) -> bool {
        let is_iceberg = |table: &Table| table.format == Format::Iceberg;
        match place {
            Place::Objects(_) | Place::Stream(_) => false,
            Place::Database(name) => {
                self.lake.databases.get(name).is_some_and(|d| d.tables.values().any(is_iceberg))
            }
            Place::Table { database, table } => {
                self.find_table(database, table).is_some_and(is_iceberg)
            }
        }
    }

    /// A role that may do exactly what the pipeline reads and writes.
    fn pipeline_role(
        &mut self,
        pipeline: &Pipeline,
        base: &BucketName,
        script: &str,
        logs: &JobLogs,
    ) {
        let path = pipeline.path();
        let names = [pipeline.name.as_str()];
        let id = logical_id("RolePipeline", &names);
        let trust = self.fill_here("trust-glue", &[]);
        let role = self.own_role(
            id.clone(),
            Part::Flows,
            &path,
            &pipeline.role_name,
            format!("Runs pipeline {} of lake {}", pipeline.name, self.lake.naming.lake_id()),
            trust,
        );
        self.graph.add(role);
        let arn = self.lake.home.iam_arn(None, "role", &pipeline.role_name);
        let base_arn = self.bucket_arn(base);
        let mut statements = self.from(format!("{path}.script"), |lowering| {
            lowering.fill_here(
                "s3-read-object",
                &[("bucket", base_arn.into()), ("object", vec![script.to_owned()].into())],
            )
        });
        statements.extend(self.fill_here(
            "glue-job-runtime",
            &[("log_groups", logs.names.clone().into()), ("namespace", "Glue".into())],
        ));
        if logs.security.is_some() {
            let groups = [("log_groups", logs.names.clone().into())];
            statements.extend(self.fill_here("glue-job-log-key", &groups));
        }
        for database in self.metastores(pipeline) {
            statements.extend(self.fill_here("glue-metastore", &[("database", database.into())]));
        }
        for (at, place) in pipeline.read.iter().enumerate() {
            let from = format!("{path}.read[{at}]");
            statements.extend(self.from(from, |lowering| lowering.may_read(&arn, &place.value)));
        }
        for (at, place) in pipeline.write.iter().enumerate() {
            let from = format!("{path}.write[{at}]");
            statements.extend(self.from(from, |lowering| lowering.may_write(&arn, &place.value)));
        }
        self.managed_policies(
            "PolicyRolePipeline",
            &names,
            Part::Flows,
            &path,
            ("Roles", graph::reference(&id)),
            statements,
            pipeline.span,
        );
    }

    /// The databases that Spark asks about before a query, by their names in the catalog: those of the
    /// pipeline's tables, or `default`, which it asks about in any case.
    fn metastores(&self, pipeline: &Pipeline) -> BTreeSet<String> {
        let places = pipeline.read.iter().chain(&pipeline.write);
        let mut names: BTreeSet<String> = places
            .filter_map(|at| match &at.value {
                Place::Objects(_) | Place::Stream(_) => None,
                Place::Database(name) | Place::Table { database: name, .. } => {
                    self.lake.databases.get(name).map(|found| found.catalog_name.clone())
                }
            })
            .collect();
        if names.is_empty() {
            names.insert("default".to_owned());
        }
        names
    }

    /// What a role of this account needs to read a place: objects, and for tables their entry in the
    /// catalog too.
    pub(super) fn may_read(&mut self, role: &str, place: &Place) -> Vec<Statement> {
        let mut statements = Vec::new();
        match place {
            Place::Objects(location) => {
                statements.extend(self.own_access(role, Level::Read, location))
            }
            // A stream is written to by `access`, and read by the source's own delivery.
            Place::Stream(_) => {}
            Place::Database(name) => {
                statements.extend(self.catalog_access("glue-read-database", name, &[]));
                for location in self.locations_of(name) {
                    statements.extend(self.own_access(role, Level::Read, &location));
                }
            }
            Place::Table { database, table } => {
                statements.extend(self.catalog_access("glue-read", database, &[table]));
                if let Some(location) = self.find_table(database, table).map(|t| t.location.clone())
                {
                    statements.extend(self.own_access(role, Level::Read, &location));
                }
            }
        }
        statements
    }

    /// What a job needs to write a place: it lists and overwrites, so it reads and deletes there too;
    /// for tables also their partitions and, for Iceberg, the pointer to their newest metadata.
    fn may_write(&mut self, role: &str, place: &Place) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut locations = Vec::new();
        match place {
            Place::Objects(location) => locations.push(location.clone()),
            // Refused by the check of places: a pipeline writes tables by name.
            Place::Database(_) | Place::Stream(_) => {}
            Place::Table { database, table } => {
                statements.extend(self.catalog_access("glue-read", database, &[table]));
                statements.extend(self.catalog_access("glue-write-partitions", database, &[table]));
                if let Some(found) = self.find_table(database, table) {
                    let (iceberg, location) =
                        (found.format == Format::Iceberg, found.location.clone());
                    if iceberg {
                        statements.extend(self.catalog_access(
                            "glue-write-table",
                            database,
                            &[table],
                        ));
                    }
                    locations.push(location);
                }
            }
        }
        for location in locations {
            for level in [Level::Read, Level::Write, Level::Delete] {
                statements.extend(self.own_access(role, level, &location));
            }
        }
        statements
    }

    /// The ARN of a role that is not ours.
    fn foreign_role(&self, principal: &Principal) -> Value {
        match principal {
            Principal::Role { account, name } => {
                self.lake.home.iam_arn(account.as_ref(), "role", name).into()
            }
            // Reported by the check of principals.
            other => other.to_string().into(),
        }
    }

    /// The bucket of the home region's base stack, or the user's own instead of it.
    pub(super) fn base_bucket_name(&self) -> BucketName {
        match &self.lake.home.base_bucket {
            Some(own) => own.value.clone(),
            None => BucketName::new(self.lake.naming.base_bucket(&self.lake.home.region))
                .expect("invariant: the check of names holds for the base buckets too"),
        }
    }

    /// EventBridge Scheduler starts the job: one language of schedules for every engine.
    fn schedule(&mut self, pipeline: &Pipeline, expression: &str, job: &str) {
        let path = pipeline.path();
        let names = [pipeline.name.as_str()];
        let role_id: LogicalId = logical_id("RoleSchedulePipeline", &names);
        let home = &self.lake.home;
        let group = home.own_arn("scheduler", &home.region, "schedule-group/default");
        let trust = self.fill_here("trust-scheduler", &[("groups", vec![group].into())]);
        let name: String =
            self.lake.naming.thing(&format!("{}-timer", pipeline.name)).chars().take(64).collect();
        let role = self.own_role(
            role_id.clone(),
            Part::Flows,
            &path,
            &name,
            format!("Starts pipeline {} on schedule", pipeline.name),
            trust,
        );
        self.graph.add(role);
        let statements = self.fill_here("glue-start-job", &[("jobs", vec![job.to_owned()].into())]);
        self.managed_policies(
            "PolicyRoleSchedulePipeline",
            &names,
            Part::Flows,
            &path,
            ("Roles", graph::reference(&role_id)),
            statements,
            pipeline.span,
        );
        let mut schedule = self.resource(
            "AWS::Scheduler::Schedule",
            "SchedulePipeline",
            &names,
            Part::Flows,
            &path,
        );
        // The universal target of the Glue API (EventBridge Scheduler user guide, "Using universal
        // targets").
        let target = document!({
            "Arn": (self.lake.home.arn("scheduler", "", "", "aws-sdk:glue:startJobRun")),
            "RoleArn": (graph::attribute(&role_id, "Arn")),
            "Input": (document!({"JobName": (pipeline.job_name.clone())}).to_json())
        });
        schedule
            .set_from("ScheduleExpression", ".schedule", expression.to_owned())
            .set("ScheduleExpressionTimezone", "UTC")
            .set("FlexibleTimeWindow", document!({"Mode": "OFF"}))
            .set("State", "ENABLED")
            .set("Target", target);
        schedule.after.push(logical_id("JobPipeline", &names));
        schedule.after.push(logical_id("PolicyRoleSchedulePipeline", &names));
        self.graph.add(schedule);
    }
}

/// How Spark finds Iceberg tables in the Data Catalog (AWS Glue developer guide, "Using the Iceberg
/// framework in AWS Glue"). One argument carries all of them.
const ICEBERG: &str = "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions \
    --conf spark.sql.catalog.glue_catalog=org.apache.iceberg.spark.SparkCatalog \
    --conf spark.sql.catalog.glue_catalog.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog \
    --conf spark.sql.catalog.glue_catalog.io-impl=org.apache.iceberg.aws.s3.S3FileIO";

/// Where a script lies in the base bucket: below the hash of its content, under its own name.
pub fn script_key(path: &str, hash: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    format!("scripts/{hash}/{file}")
}
