//! Sources from Kinesis: a stream, and a Firehose that delivers what is put into it.

use super::base::retention_in_days;
use super::{Lowering, bucket_id, some, table_id};
use crate::document;
use crate::document::{Map, Value};
use crate::graph::{self, Part};
use crate::lake::Source;
use crate::lake::naming::logical_id;
use crate::lake::places::Location;
use crate::names::Name;
use crate::policy::grant::{Grantee, Level};
use crate::policy::{Argument, Statement};
use crate::spec::sources::Capacity;

impl Lowering<'_> {
    pub(super) fn sources(&mut self) {
        let lake = self.lake;
        for source in lake.sources.values() {
            self.stream(source);
            self.delivery_log(source);
            self.delivery_role(source);
            self.delivery(source);
        }
    }

    fn stream_arn(&self, source: &Source) -> String {
        let home = &self.lake.home;
        home.own_arn("kinesis", &home.region, &format!("stream/{}", source.stream_name))
    }

    fn stream(&mut self, source: &Source) {
        let names = [source.name.as_str()];
        let arn = self.stream_arn(source);
        let mut stream = self.resource(
            "AWS::Kinesis::Stream",
            "StreamSource",
            &names,
            Part::Flows,
            &source.path(),
        );
        let key = match &source.key {
            Some(key) => self.key_arn(key),
            None => "alias/aws/kinesis".into(),
        };
        stream
            .set("Name", source.stream_name.clone())
            .set_from("RetentionPeriodHours", ".keep", source.keep_hours)
            .set_from(
                "StreamEncryption",
                ".encryption",
                document!({"EncryptionType": "KMS", "KeyId": key}),
            );
        match source.capacity {
            Capacity::OnDemand => {
                let mode = document!({"StreamMode": "ON_DEMAND"});
                stream.set_from("StreamModeDetails", ".capacity", mode);
            }
            Capacity::Shards(shards) => {
                let mode = document!({"StreamMode": "PROVISIONED"});
                stream.set_from("StreamModeDetails", ".capacity", mode);
                stream.set("ShardCount", shards);
            }
        }
        stream
            .caused("ShardCount", ".capacity")
            .caused("DesiredShardLevelMetrics", ".shard_metrics");
        if source.shard_metrics {
            // "ALL" stands for every shard-level metric (Kinesis API reference, EnableEnhancedMonitoring).
            stream.set("DesiredShardLevelMetrics", vec!["ALL"]);
        }
        stream.keep = source.protect;
        stream.knows("Ref", source.stream_name.clone()).knows("Arn", arn);
        self.graph.add(stream);
    }

    /// Where Firehose writes why a record could not be delivered.
    fn delivery_log(&mut self, source: &Source) {
        let names = [source.name.as_str()];
        let mut group =
            self.resource("AWS::Logs::LogGroup", "LogSource", &names, Part::Flows, &source.path());
        group.set("LogGroupName", log_group(source)).set_from(
            "RetentionInDays",
            "logs.keep",
            retention_in_days(self.lake.log_days),
        );
        group.knows("Ref", log_group(source));
        // What Firehose says of a record may quote it: the log is encrypted as the data is.
        if let Some(key) = self.bucket(&source.into.value).key() {
            group.set("KmsKeyId", self.key_arn(key));
            let groups: Argument = vec![log_group(source)].into();
            let from = format!("{}.into", source.path());
            let asked = self
                .from(from, |lowering| lowering.fill_here("key-logs", &[("log_groups", groups)]));
            self.ask_key(key, &format!("source {}", source.name), asked);
        }
        let group_id = group.id.clone();
        self.graph.add(group);
        let mut stream = self.resource(
            "AWS::Logs::LogStream",
            "LogStreamSource",
            &names,
            Part::Flows,
            &source.path(),
        );
        stream.set("LogGroupName", graph::reference(&group_id)).set("LogStreamName", "delivery");
        self.graph.add(stream);
    }

    /// A role that may read the stream and write below the source's prefix.
    fn delivery_role(&mut self, source: &Source) {
        let names = [source.name.as_str()];
        let id = logical_id("RoleSource", &names);
        let trust = self.fill_here("trust-firehose", &[]);
        let role = self.own_role(
            id.clone(),
            Part::Flows,
            &source.path(),
            &role_name(source),
            format!("Delivers source {} of lake {}", source.name, self.lake.naming.lake_id()),
            trust,
        );
        self.graph.add(role);
        let from = format!("{}.into", source.path());
        let statements = self.from(from, |lowering| lowering.delivery_needs(source));
        self.managed_policies(
            "PolicyRoleSource",
            &names,
            Part::Flows,
            &source.path(),
            ("Roles", graph::reference(&id)),
            statements,
            source.span,
        );
    }

    fn delivery_needs(&mut self, source: &Source) -> Vec<Statement> {
        let home = &self.lake.home;
        let role = home.iam_arn(None, "role", &role_name(source));
        let stream = self.stream_arn(source);
        let bucket = self.bucket(&source.into.value);
        let bucket_arn = self.bucket_arn(&bucket.bucket_name);
        let prefixes = vec![source.into.prefix.clone(), error_prefix(source)];
        let mut statements = self.fill_here(
            "firehose-deliver",
            &[("bucket", (&bucket_arn).into()), ("prefix", prefixes.into())],
        );
        statements
            .extend(self.fill_here("kinesis-read", &[("streams", vec![stream.clone()].into())]));
        let groups: Argument = vec![log_group(source)].into();
        statements.extend(self.fill_here("firehose-log", &[("log_groups", groups)]));
        if let Some(table) = &source.table {
            let (database, table) = &table.value;
            statements.extend(self.catalog_access("firehose-schema", database, &[table]));
        }
        let grantee = || Grantee::Principals {
            partition: home.partition.to_owned(),
            account: home.account.to_string(),
            arns: vec![role.clone()],
        };
        if let Some(key) = bucket.key() {
            let key_arn = self.key_arn(key);
            let buckets = vec![bucket_arn];
            for document in Level::Write.halves().identity_key {
                let arguments =
                    [("buckets", buckets.clone().into()), ("key", vec![key_arn.clone()].into())];
                statements.extend(self.fill_here(document, &arguments));
            }
            for document in Level::Write.halves().key {
                let arguments =
                    [("buckets", buckets.clone().into()), ("grantee", grantee().into())];
                let asked = self.fill_here(document, &arguments);
                self.ask_key(key, &format!("source {}", source.name), asked);
            }
        }
        if let Some(key) = &source.key {
            let key_arn = self.key_arn(key);
            let streams = vec![stream];
            let arguments = [("streams", streams.clone().into()), ("key", vec![key_arn].into())];
            statements.extend(self.fill_here("kms-stream-read", &arguments));
            let arguments = [("streams", streams.into()), ("grantee", grantee().into())];
            let asked = self.fill_here("key-stream-read", &arguments);
            self.ask_key(key, &format!("source {}", source.name), asked);
        }
        statements
    }

    /// What a role or user of this account needs to put records into the stream of a source: its own
    /// half is returned, the key's half is asked of the key.
    pub(super) fn may_put(&mut self, who: &str, source: &Name) -> Vec<Statement> {
        let lake = self.lake;
        let Some(source) = lake.sources.get(source) else { return Vec::new() };
        let streams = vec![self.stream_arn(source)];
        let mut statements =
            self.fill_here("kinesis-write", &[("streams", streams.clone().into())]);
        if let Some(key) = &source.key {
            let arguments =
                [("streams", streams.clone().into()), ("key", vec![self.key_arn(key)].into())];
            statements.extend(self.fill_here("kms-stream-write", &arguments));
            let grantee = Grantee::Principals {
                partition: lake.home.partition.to_owned(),
                account: lake.home.account.to_string(),
                arns: vec![who.to_owned()],
            };
            let arguments = [("streams", streams.into()), ("grantee", grantee.into())];
            let asked = self.fill_here("key-stream-write", &arguments);
            let bare = who.rsplit('/').next().unwrap_or(who);
            self.ask_key(key, &format!("{bare} {}", source.name), asked);
        }
        statements
    }

    fn delivery(&mut self, source: &Source) {
        let names = [source.name.as_str()];
        let role = graph::attribute(&logical_id("RoleSource", &names), "Arn");
        let mut delivery = self.resource(
            "AWS::KinesisFirehose::DeliveryStream",
            "DeliverySource",
            &names,
            Part::Flows,
            &source.path(),
        );
        let destination = self.destination_of(source, &role);
        delivery
            .set("DeliveryStreamName", source.stream_name.clone())
            .set("DeliveryStreamType", "KinesisStreamAsSource")
            .set(
                "KinesisStreamSourceConfiguration",
                document!({
                    "KinesisStreamARN": (graph::attribute(&logical_id("StreamSource", &names), "Arn")),
                    "RoleARN": role
                }),
            )
            .set("ExtendedS3DestinationConfiguration", destination);
        for (part, from) in [
            ("", ".into"),
            (".BufferingHints", ".buffer"),
            (".DataFormatConversionConfiguration", ".table"),
            (".CompressionFormat", ".table"),
        ] {
            delivery.caused(format!("ExtendedS3DestinationConfiguration{part}"), from);
        }
        // Firehose tries its role when it is made.
        delivery.after.push(logical_id("PolicyRoleSource", &names));
        if let Some(table) = &source.table {
            let (database, table) = &table.value;
            if self.find_table(database, table).is_some() {
                delivery.after.push(table_id(database, table));
            }
        }
        delivery.knows("Ref", source.stream_name.clone());
        self.graph.add(delivery);
    }

    fn destination_of(&self, source: &Source, role: &Value) -> Value {
        let bucket = self.bucket(&source.into.value);
        let arn = match bucket.existing {
            true => self.bucket_arn(&bucket.bucket_name).into(),
            false => graph::attribute(&bucket_id(&bucket.name), "Arn"),
        };
        let group = graph::reference(&logical_id("LogSource", &[source.name.as_str()]));
        let mut map = Map::new();
        map.insert("BucketARN", arn);
        map.insert("RoleARN", role.clone());
        map.insert("Prefix", format!("{}{}", source.into.prefix, "!{timestamp:yyyy/MM/dd/HH}/"));
        map.insert(
            "ErrorOutputPrefix",
            format!(
                "{}!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/",
                error_prefix(source)
            ),
        );
        map.insert(
            "BufferingHints",
            document!({"IntervalInSeconds": (source.buffer_seconds), "SizeInMBs": (source.buffer_mebibytes)}),
        );
        map.insert(
            "CloudWatchLoggingOptions",
            document!({"Enabled": true, "LogGroupName": group, "LogStreamName": "delivery"}),
        );
        // Parquet compresses by itself; what is not converted is compressed by Firehose.
        map.insert(
            "CompressionFormat",
            if source.table.is_some() { "UNCOMPRESSED" } else { "GZIP" },
        );
        if let Some(key) = bucket.key() {
            let key = self.key_arn(key);
            map.insert(
                "EncryptionConfiguration",
                document!({"KMSEncryptionConfig": {"AWSKMSKeyARN": key}}),
            );
        }
        if let Some(table) = &source.table {
            let conversion = self.conversion(&table.value, role);
            map.insert("DataFormatConversionConfiguration", conversion);
        }
        Value::Map(map)
    }

    /// JSON records become Parquet with the schema of a table of the catalog.
    fn conversion(&self, (database, table): &(Name, Name), role: &Value) -> Value {
        let home = &self.lake.home;
        let catalog = self.lake.databases.get(database).map(|found| found.catalog_name.clone());
        let schema = some([
            ("CatalogId", Some(home.account.as_str().to_owned().into())),
            ("DatabaseName", catalog.map(Value::from)),
            ("Region", Some(home.region.as_str().to_owned().into())),
            ("RoleARN", Some(role.clone())),
            ("TableName", Some(table.to_string().into())),
            ("VersionId", Some("LATEST".into())),
        ]);
        document!({
            "Enabled": true,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
            "SchemaConfiguration": (Value::Map(schema))
        })
    }
}

pub(super) fn role_name(source: &Source) -> String {
    format!("{}-firehose", source.stream_name).chars().take(64).collect()
}

fn log_group(source: &Source) -> String {
    format!("/aws/kinesisfirehose/{}", source.stream_name)
}

/// Records that could not be delivered lie beside the good ones, where no table looks.
pub(super) fn error_prefix(source: &Source) -> String {
    let Location { prefix, .. } = &source.into.value;
    format!(
        "_errors/{}/",
        if prefix.is_empty() { source.name.as_str() } else { prefix.trim_end_matches('/') }
    )
}
