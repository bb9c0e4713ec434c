//! The verbs, a file each: arguments and what they do.

pub mod access;
pub mod apply;
pub mod compile;
pub mod completions;
pub mod destroy;
pub mod diff;
pub mod drift;
pub mod explain;
pub mod fmt;
mod handover;
pub mod init;
pub mod output;
pub mod plan;
pub mod policies;
mod questions;
pub mod recover;
pub mod review;
mod rules;
pub mod schema;
pub mod show;
pub mod status;
pub mod validate;
