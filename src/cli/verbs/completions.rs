//! `completions`: for the user's shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::output::Output;
use crate::cli::{Cli, Ended, Exit};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "lakewright", &mut script);
    output.data(&String::from_utf8_lossy(&script));
    Ok(Exit::Ok)
}
