//! The way back: every stack of the lake is deleted, what holds data stays.
//!
//! In: what is deployed, and the consents. Out: a plan of deletions in the reverse of the order in
//! which the stacks were made. INVARIANT: a resource that the deployed template keeps is never
//! deleted by it; each is listed with the command that would.

use super::build::Work;
use super::consent::Judgement;
use super::context::{Context, opt_outs, unknown, unused};
use super::resource::kind_of;
use super::{Action, Change, Deployed, DeployedStack, Operation, Plan, StackPlan};
use super::{grants, identity};
use crate::access::Counts as AccessCounts;
use crate::document::Value;
use crate::names::LogicalId;
use crate::stacks::StackKey;

/// Plans the deletion of the lake.
pub fn destroy(deployed: &Deployed, context: &Context) -> Plan {
    let mut work = Work::new(deployed, context);
    let mut order: Vec<_> =
        deployed.stacks.iter().map(|(key, stack)| (stack.part(key), key, stack)).collect();
    order.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)));
    let mut stacks: Vec<StackPlan> = Vec::new();
    for (part, key, stack) in order {
        let leaving = work.leave(part, key, stack, &[], Operation::Destroy);
        if let Some(mut leaving) = leaving {
            let later = stacks.iter().filter(|other: &&StackPlan| other.part > part);
            leaving.depends_on = later.map(|other| other.key.clone()).collect();
            stacks.push(leaving);
        }
    }
    let access =
        grants::compare(deployed.stacks.values().map(|stack| &stack.template), &[], context);
    let Work {
        judgement: Judgement { consents, refusals: losses },
        mut refusals,
        mut warnings,
        ..
    } = work;
    refusals.extend(losses);
    refusals.extend(unknown(context, deployed, std::iter::empty()));
    if refusals.is_empty() {
        warnings.extend(unused(context, &consents));
    }
    let mut plan = Plan {
        format_version: super::file::VERSION,
        operation: Operation::Destroy,
        spec: context.spec(),
        lake: context.lake.clone(),
        environment: context.environment.clone(),
        account: context.account.clone(),
        region: context.region.clone(),
        base_buckets: context.base_buckets.clone(),
        stacks,
        uploads: Vec::new(),
        access,
        verdict: AccessCounts::default(),
        opt_outs: opt_outs(context),
        warnings,
        consents,
        refusals,
    };
    plan.judge_access(context);
    plan
}

/// A bucket that a plan deletes, so that somebody has to look into it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emptied {
    pub stack: StackKey,
    pub logical_id: LogicalId,
    /// The bucket's name.
    pub bucket: String,
    /// `buckets.raw`.
    pub path: String,
}

impl Plan {
    /// The buckets that the plan deletes: S3 deletes empty ones only. Planning again with what they
    /// hold ([`Deployed::filled`]) refuses, or notes the consent to empty them.
    pub fn emptied(&self) -> Vec<Emptied> {
        let deleted = |change: &&Change| {
            let goes = match change.action {
                Action::Delete => true,
                Action::Replace | Action::MayReplace => !change.kept,
                _ => false,
            };
            goes && change.kind == "AWS::S3::Bucket"
        };
        let bucket = |(stack, change): (&StackPlan, &Change)| {
            Some(Emptied {
                stack: stack.key.clone(),
                logical_id: change.logical_id.clone(),
                bucket: change.physical_id.clone()?,
                path: change.cause.path.clone(),
            })
        };
        self.changes().filter(|(_, change)| deleted(change)).filter_map(bucket).collect()
    }
}

/// The commands that delete what stays, for those who mean it.
pub(super) fn how_to_delete(
    key: &StackKey,
    there: &DeployedStack,
    change: &Change,
    definition: &Value,
) -> Vec<String> {
    let region = &key.region;
    let text = |path: &[&str]| {
        definition.get("Properties").and_then(|all| all.at(path)).and_then(Value::as_str)
    };
    let Some(id) = change.physical_id.as_deref() else {
        return vec![format!("it stays: see the stack {key} for its name")];
    };
    let command = match kind_of(definition) {
        "AWS::S3::Bucket" => {
            let versioned = text(&["VersioningConfiguration", "Status"]).is_some();
            let command = format!("aws s3 rb s3://{id} --region {region}");
            if versioned {
                return vec![format!(
                    "it stays; to delete it, delete every version in it, then: {command}"
                )];
            }
            command
        }
        // It goes with its bucket.
        "AWS::S3::BucketPolicy" => return Vec::new(),
        "AWS::KMS::Key" => format!(
            "aws kms schedule-key-deletion --key-id {id} --pending-window-in-days 30 --region {region}"
        ),
        "AWS::Kinesis::Stream" => {
            format!("aws kinesis delete-stream --stream-name {id} --region {region}")
        }
        "AWS::Glue::Database" => format!("aws glue delete-database --name {id} --region {region}"),
        "AWS::Glue::Table" => {
            let part = |part: &str| identity::identifier(there, definition, part);
            match (part("Name"), part("DatabaseName")) {
                (Some(name), Some(database)) => format!(
                    "aws glue delete-table --database-name {database} --name {name} --region {region}"
                ),
                _ => generic(&change.kind, id, region.as_str()),
            }
        }
        kind => generic(kind, id, region.as_str()),
    };
    vec![format!("it stays; to delete it: {command}")]
}

fn generic(kind: &str, id: &str, region: &str) -> String {
    format!(
        "aws cloudcontrol delete-resource --type-name {kind} --identifier {id} --region {region}"
    )
}
