//! The verbs, a file each: arguments and what they do.

pub mod compile;
pub mod completions;
pub mod diff;
pub mod explain;
pub mod fmt;
pub mod init;
pub mod plan;
pub mod show;
pub mod validate;
