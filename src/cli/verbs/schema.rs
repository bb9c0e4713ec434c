//! `schema`: the JSON Schema of the spec.

use clap::Args;

use crate::cli::output::Output;
use crate::cli::{Ended, Exit};
use crate::spec::schema;

#[derive(Debug, Args)]
pub struct Arguments {}

pub fn run(_: Arguments, output: &Output) -> Ended {
    output.foreign(&schema::json_schema());
    Ok(Exit::Ok)
}
