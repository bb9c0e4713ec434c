//! `completions`: for the user's shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::output::Output;
use crate::cli::{Cli, Ended, Exit};
use crate::document::Map;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "lakewright", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if output.json {
        let mut body = Map::new();
        body.insert("shell", arguments.shell.to_string());
        body.insert("script", script);
        output.document(body, Exit::Ok);
    } else {
        output.data(&script);
    }
    Ok(Exit::Ok)
}
