//! Parses the arguments, calls the verb, maps what came of it to an exit code.

use std::process::ExitCode;

/// A third of the time of a large plan was the allocator's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lakewright::cli::run(std::env::args_os()).into()
}
