//! The command line: one file a verb, one function each, which returns how it ended.
//!
//! `env` is the only place with files, environment variables, clock and terminal; `load` reads a spec
//! through the phases; `output` decides what goes to stdout (data) and stderr (progress, findings).
//! The exit code is decided once, here.

mod arguments;
mod asked;
mod asking;
mod called;
mod commands;
mod completed;
mod connect;
mod entries;
pub mod env;
mod exit;
mod lake_formation;
mod live;
mod load;
mod meant;
mod misused;
mod output;
mod planning;
mod revision;
mod running;
mod states;
mod verbs;
mod waiving;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

pub use commands::Cli;
pub use exit::Exit;
pub use misused::Misuse;

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

/// The command line. A variable that is set and empty, as CI leaves it where it has nothing to say, is
/// none.
fn command() -> clap::Command {
    match env::is_blank("LAKEWRIGHT_ENV") {
        true => unheeding(Cli::command()),
        false => Cli::command(),
    }
}

/// A verb, and those below it, without the variable that names the environment.
fn unheeding(verb: clap::Command) -> clap::Command {
    let heed = |arg: clap::Arg| if arg.get_id() == "env" { arg.env(None) } else { arg };
    verb.mut_args(heed).mut_subcommands(unheeding)
}

/// Runs the command line and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = arguments::normalise(arguments, &env::variable);
    let parsed = command().try_get_matches_from(&arguments).and_then(|matches| {
        let verb = matches.subcommand_name().unwrap_or_default().to_owned();
        Ok((Cli::from_arg_matches(&matches)?, verb))
    });
    let (mut cli, verb) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return misused::misused(&error, &arguments),
    };
    cli.global.json |= cli.command.is_json();
    let output = output::Output::new(&cli.global, &verb);
    let exit = match cli.command.run(&output) {
        Ok(exit) | Err(Stop::Said(exit)) => exit,
        Err(Stop::Failed(error)) => {
            output.failure(&error);
            Exit::Error
        }
    };
    output.close(exit);
    exit
}
