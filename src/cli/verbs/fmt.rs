//! `fmt`: the canonical layout.

use camino::Utf8PathBuf;
use clap::Args;

use crate::cli::output::Output;
use crate::cli::{Ended, Exit, env};
use crate::render::diagnostics;
use crate::source::Sources;
use crate::syntax;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The specs. `-` reads stdin and writes stdout.
    #[arg(value_name = "FILE", default_value = "lake.yaml")]
    files: Vec<Utf8PathBuf>,
    /// Write nothing; exit 3 if a file is not in the layout.
    #[arg(long)]
    check: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let mut ended = Exit::Ok;
    let mut changed = Vec::new();
    for file in &arguments.files {
        let text = syntax::decode(env::read(file)?);
        let formatted = match syntax::format(file.as_str(), &text) {
            Ok(formatted) => formatted,
            Err(found) => {
                let mut sources = Sources::default();
                sources.add(file.as_str(), text);
                if output.json {
                    output.json(&diagnostics::report(&found, &sources));
                } else {
                    output.findings(&found, &sources);
                }
                ended = Exit::Error;
                continue;
            }
        };
        if file == "-" && !arguments.check {
            output.data(&formatted);
            continue;
        }
        if formatted != text {
            changed.push(file.to_string());
            if !arguments.check {
                env::write(file, formatted.as_bytes())?;
            } else if ended == Exit::Ok {
                ended = Exit::Unformatted;
            }
        }
    }
    if output.json {
        output.json(&crate::document!({"format_version": "1.0", "changed": changed}));
    } else {
        for file in changed {
            output.data(&file);
        }
    }
    Ok(ended)
}
