//! Facts about CloudFormation's resource types and IAM's actions, as data.
//!
//! In go names (`AWS::S3::Bucket`, `s3:GetObject`, `eu-west-1`), out come what AWS has published of them: which
//! property replaces what it changes, what a property may hold, which permissions a handler needs, what an action
//! works on. The facts stand in `data/`, a line for each type or service; `generate/` says how they came to be and
//! NOTICE whose they are. `data/own.jsonl` is the only file written by hand: what AWS's pages say and its schemas don't.
//!
//! Invariants: a line is parsed once, when its name is first asked for, and nothing is parsed at start; everything
//! handed out lives as long as the program; no answer depends on anything but the name.
//! Read next: [`ResourceType`], [`schema`], [`iam`]; `docs/replacement.md` for the predictions.

pub mod escalations;
pub mod guards;
pub mod iam;
mod impact;
mod lines;
pub mod managed;
mod nearest;
mod path;
mod pattern;
mod regions;
pub mod schema;
pub mod senders;
#[cfg(test)]
mod tests;
mod types;
pub mod undoing;
pub mod watched;

pub use impact::Impact;
pub use regions::{Partition, Region, partition, partition_of, region, regions};
pub use types::{Handler, ResourceType, Tags, absent, resource_type, resource_types, suggest_type};
