//! Flows: sources that bring data in, pipelines that turn data into other data.

use super::places::{Location, Place};
use crate::names::Name;
use crate::source::Span;
use crate::spec::decode::At;
use crate::spec::pipelines::{WorkerType, Workers};
use crate::spec::reference::Principal;
use crate::spec::sources::Capacity;

/// A Kinesis stream with the Firehose that delivers it.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// What the stream is called; the Firehose has the same name.
    pub stream_name: String,
    pub into: At<Location>,
    /// The table whose schema the records have: (database, table).
    pub table: Option<At<(Name, Name)>>,
    pub capacity: Capacity,
    /// Hours that the stream keeps records.
    pub keep_hours: i64,
    /// The key of the stream; `None`: the one that AWS manages for Kinesis.
    pub key: Option<Name>,
    pub buffer_mebibytes: i64,
    pub buffer_seconds: i64,
    pub shard_metrics: bool,
    pub protect: bool,
}

impl Source {
    /// The source's path in the spec.
    pub fn path(&self) -> String {
        format!("sources.{}", self.name)
    }
}

/// A Glue job with its role and schedule.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    /// What the job is called.
    pub job_name: String,
    /// What the role is called.
    pub role_name: String,
    /// The script's path, relative to the spec.
    pub script: At<String>,
    pub read: Vec<At<Place>>,
    pub write: Vec<At<Place>>,
    /// EventBridge's `rate(...)` or `cron(...)`.
    pub schedule: Option<At<String>>,
    pub workers: Workers,
    pub worker: WorkerType,
    pub timeout_minutes: i64,
    pub retries: i64,
    pub concurrent: i64,
    /// A role that is not ours.
    pub role: Option<At<Principal>>,
    pub arguments: Vec<(String, String)>,
}

impl Pipeline {
    /// The pipeline's path in the spec.
    pub fn path(&self) -> String {
        format!("pipelines.{}", self.name)
    }
}
