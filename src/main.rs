//! Parses the arguments, calls the verb, maps what came of it to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    lakewright::cli::run(std::env::args_os()).into()
}
