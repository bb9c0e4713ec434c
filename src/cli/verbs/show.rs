//! `show`: a saved plan.

use camino::Utf8PathBuf;
use clap::Args;

use crate::cli::output::Output;
use crate::cli::planning::{self, Format};
use crate::cli::{Ended, Exit, env};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan, as `plan --out` saved it.
    #[arg(value_name = "PLAN")]
    plan: Utf8PathBuf,
    /// Write Markdown for a comment on a pull request.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// With --markdown: at most this many bytes.
    #[arg(long, value_name = "N", default_value_t = 60_000, requires = "markdown")]
    max_bytes: usize,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let text =
        String::from_utf8_lossy(&env::named(&arguments.plan, planning::NO_PLAN)?).into_owned();
    let plan = planning::saved(&arguments.plan, &text, output)?;
    let format = match arguments.markdown {
        true => Format::Markdown { most: arguments.max_bytes },
        false => Format::Text,
    };
    planning::print(&plan, format, false, Exit::Ok, output);
    Ok(Exit::Ok)
}
