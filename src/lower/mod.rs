//! From the lake to resources: one function a resource, straight down.
//!
//! In: the [`Lake`], the library of permissions and the hashes of the scripts. Out: the [`Graph`].
//! Flows come first: each puts what it needs into the policies of the keys and buckets that it
//! touches, and those are written last, when all is known. INVARIANT: no statement is written here,
//! only documents of `policies/` are chosen and filled; nothing is granted that no flow asked for.

mod access;
mod athena;
mod base;
mod cloudwatch;
mod conditions;
mod glue;
mod glue_logs;
mod guards;
mod iam;
mod kinesis;
mod kms;
mod lakeformation;
mod lf_grants;
mod lf_tags;
mod permits;
mod pipelines;
mod replication;
mod roles;
mod s3;
mod shares;
mod sns;
mod tables;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::document::{Map, Value};
use crate::graph::{self, Graph, Part, Resource};
use crate::lake::naming::logical_id;
use crate::lake::places::Location;
use crate::lake::{Bucket, Lake};
use crate::names::{BucketName, LogicalId, Name, Region};
use crate::policy::{self, Argument, Library, Policy, Statement};
use crate::source::Span;

pub use access::Handover;
pub use pipelines::script_key;

/// Content addresses of the scripts that pipelines run: path as in the spec to SHA-256 (hexadecimal).
pub type Scripts = BTreeMap<String, String>;

/// What lowering gives.
#[derive(Debug, Clone)]
pub struct Lowered {
    pub graph: Graph,
    /// The other account's half of each grant across accounts.
    pub handovers: Vec<Handover>,
    pub diagnostics: Diagnostics,
}

/// Turns the lake into resources. A pipeline whose script is not in `scripts` is reported.
pub fn lower(lake: &Lake, library: &Library, scripts: &Scripts) -> Lowered {
    let mut lowering = Lowering {
        lake,
        library,
        scripts,
        graph: Graph::default(),
        keys: BTreeMap::new(),
        buckets: BTreeMap::new(),
        security: BTreeMap::new(),
        handovers: Vec::new(),
        diagnostics: Diagnostics::default(),
        flow: String::new(),
        when: Vec::new(),
        clashes: RefCell::default(),
    };
    lowering.base();
    lowering.catalog();
    lowering.sources();
    lowering.pipelines();
    lowering.roles();
    lowering.access();
    lowering.workgroups();
    lowering.lake_formation();
    lowering.replication();
    lowering.watching();
    lowering.buckets();
    lowering.keys();
    Lowered {
        graph: lowering.graph,
        handovers: lowering.handovers,
        diagnostics: lowering.diagnostics,
    }
}

/// The state of one lowering: what is built, and what flows have asked of keys and buckets so far.
struct Lowering<'a> {
    lake: &'a Lake,
    library: &'a Library,
    scripts: &'a Scripts,
    graph: Graph,
    /// Statements for the policies of keys.
    keys: BTreeMap<Name, Vec<Statement>>,
    /// Statements for the policies of buckets.
    buckets: BTreeMap<Name, Vec<Statement>>,
    /// The security configurations that jobs need, by name.
    security: BTreeMap<String, glue_logs::Security>,
    handovers: Vec<Handover>,
    diagnostics: Diagnostics,
    /// The spec path of what is being lowered, for the statements that it asks for; empty where a
    /// policy speaks of its owner.
    flow: String,
    /// The sets of conditions of the grant that is being lowered; none: always.
    when: Vec<Vec<conditions::Narrowing>>,
    /// Documents that test a key which a condition tests too: both, and the key.
    clashes: RefCell<Vec<(String, &'static str, String)>>,
}

impl<'a> Lowering<'a> {
    /// A new resource of this kind, of the thing at `path`. `name` starts its logical id.
    fn resource(
        &self,
        kind: &'static str,
        prefix: &str,
        names: &[&str],
        part: Part,
        path: &str,
    ) -> Resource {
        Resource::new(logical_id(prefix, names), kind, &self.lake.home.region, part, path)
    }

    /// Fills a document of the library. What it declares of partition, region, account and DNS
    /// suffix is known; `arguments` are the rest, and may hold what the document does not declare.
    fn fill(
        &self,
        document: &str,
        region: &Region,
        arguments: &[(&str, Argument)],
    ) -> Vec<Statement> {
        let home = &self.lake.home;
        let common = [
            ("partition", Argument::from(home.partition)),
            ("region", region.as_str().into()),
            ("account", home.account.as_str().into()),
            ("owner", home.account.as_str().into()),
            ("dns_suffix", home.dns_suffix.into()),
        ];
        let own = arguments.iter().map(|(name, value)| (*name, value.clone()));
        let place = self.library.at(common.into_iter().chain(own));
        let statements = place.fill(document, &[]).unwrap_or_else(|error| {
            // Names of the spec are checked before they come here, and the built-in documents are
            // tested with hostile ones.
            panic!("invariant: document `{document}` takes what the lake holds: {error}")
        });
        let statements = self.narrowed(document, statements);
        statements.into_iter().map(|statement| statement.from(&self.flow)).collect()
    }

    /// Lowers something, with the spec path that the statements it asks for come from.
    fn from<T>(&mut self, path: impl Into<String>, lowered: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.flow, path.into());
        let value = lowered(self);
        self.flow = outer;
        value
    }

    /// As [`Lowering::fill`], in the lake's own region.
    fn fill_here(&self, document: &str, arguments: &[(&str, Argument)]) -> Vec<Statement> {
        self.fill(document, &self.lake.home.region, arguments)
    }

    /// The bucket of a location.
    fn bucket(&self, location: &Location) -> &'a Bucket {
        self.lake.buckets.get(&location.bucket).expect("invariant: a lake holds no dangling name")
    }

    /// The ARN of a bucket, written out.
    fn bucket_arn(&self, bucket: &BucketName) -> String {
        self.lake.home.s3_arn(bucket, "")
    }

    /// The ARN of a key of the lake: known only after it exists, unless it is not ours.
    fn key_arn(&self, key: &Name) -> Value {
        match self.lake.keys.get(key).and_then(|key| key.existing.as_ref()) {
            Some(existing) => Value::from(&existing.value),
            None => graph::attribute(&key_id(key), "Arn"),
        }
    }

    /// Lets a flow use the key of a bucket; nothing happens where the bucket has none of its own.
    /// A key that is not ours is never changed: its owner has to let the flow in. `who` and what for
    /// becomes part of the statements' names, so that one more grant does not rename the others.
    fn ask_key(&mut self, key: &Name, who: &str, statements: Vec<Statement>) {
        if self.lake.keys.get(key).is_some_and(|key| key.existing.is_none()) {
            let named = statements.into_iter().map(|statement| statement.about(who));
            self.keys.entry(key.clone()).or_default().extend(named);
        }
    }

    /// The tags of a resource: `[{Key, Value}]`, ascending. The stack's tags reach most resources by
    /// themselves; these are for what a thing adds.
    fn tags(&self, own: &[(String, String)]) -> Option<Value> {
        let sorted: BTreeMap<&String, &String> =
            own.iter().map(|(key, value)| (key, value)).collect();
        let pair = |(key, value): (&String, &String)| crate::document!({"Key": (key.clone()), "Value": (value.clone())});
        (!sorted.is_empty()).then(|| sorted.into_iter().map(pair).collect())
    }

    /// Takes statements as a policy, and reports one that is larger than AWS takes.
    fn policy(
        &mut self,
        statements: Vec<Statement>,
        limit: usize,
        what: &str,
        span: Span,
        path: &str,
    ) -> Policy {
        let policy = Policy::new(statements);
        if policy.size() > limit {
            let headline =
                format!("{what} would have {} bytes, and AWS takes {limit}", policy.size());
            self.diagnostics.push(
                Diagnostic::error(diagnostic::LW0501, span, headline)
                    .at(path)
                    .help("give whole buckets or longer prefixes instead of many short ones, or divide the thing"),
            );
        }
        policy
    }
}

/// The logical id of a bucket.
fn bucket_id(name: &Name) -> LogicalId {
    logical_id("Bucket", &[name.as_str()])
}

/// The logical id of a key.
fn key_id(name: &Name) -> LogicalId {
    logical_id("Key", &[name.as_str()])
}

/// The logical id of a database.
fn database_id(name: &Name) -> LogicalId {
    logical_id("Database", &[name.as_str()])
}

/// The logical id of a table.
fn table_id(database: &Name, table: &Name) -> LogicalId {
    logical_id("Table", &[database.as_str(), table.as_str()])
}

/// An object with the pairs whose values are there.
fn some<const N: usize>(pairs: [(&'static str, Option<Value>); N]) -> Map {
    pairs.into_iter().filter_map(|(key, value)| Some((key.into(), value?))).collect()
}

/// How a location is written for Spark, Firehose and the Data Catalog.
fn s3_uri(bucket: &BucketName, prefix: &str) -> String {
    format!("s3://{bucket}/{prefix}")
}

/// The description of a resource: what the user wrote, or what it is.
fn describe(own: &Option<String>, otherwise: impl Into<String>) -> String {
    own.clone().unwrap_or_else(|| otherwise.into())
}

use policy::limit;
