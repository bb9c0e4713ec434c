//! The command line: one file a verb, one function each, which returns how it ended.
//!
//! `env` is the only place with files, environment variables, clock and terminal; `load` reads a spec
//! through the phases; `output` decides what goes to stdout (data) and stderr (progress, findings).
//! The exit code is decided once, here.

mod arguments;
mod commands;
mod connect;
pub mod env;
mod exit;
mod lake_formation;
mod load;
mod output;
mod planning;
mod running;
mod verbs;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

pub use commands::Cli;
pub use exit::Exit;

/// What ended a verb early.
pub enum Stop {
    /// It was said already.
    Said(Exit),
    /// Has still to be said.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

/// How a verb ends.
pub type Ended = Result<Exit, Stop>;

/// Runs the command line and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = arguments::normalise(arguments, &env::variable);
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are asked for; anything else is a mistake in the call, which must not
            // read as "changes" (exit 2, clap's own) in a pipeline.
            let asked = !error.use_stderr();
            let _ = error.print();
            return if asked { Exit::Ok } else { Exit::Error };
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return Exit::Error;
        }
    };
    let output = output::Output::new(&cli.global);
    match cli.command.run(&output) {
        Ok(exit) => exit,
        Err(Stop::Said(exit)) => exit,
        Err(Stop::Failed(error)) => {
            output.failure(&error);
            Exit::Error
        }
    }
}
