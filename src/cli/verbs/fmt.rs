//! `fmt`: the canonical layout.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use crate::cli::output::Output;
use crate::cli::{Ended, Exit, Stop, env};
use crate::document::Map;
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
    let mut body = Map::new();
    let mut changed = Vec::new();
    for file in &arguments.files {
        // A file that is in the way is no reason to leave the others as they are.
        let (text, formatted) = match both(file, output) {
            Ok(both) => both,
            Err(stop) => {
                if let Stop::Failed(error) = stop {
                    output.failure(&error);
                }
                ended = Exit::Error;
                continue;
            }
        };
        if file == "-" && !arguments.check {
            output.data_unless_json(&formatted);
            body.insert("formatted", formatted);
            continue;
        }
        if formatted == text {
            continue;
        }
        if arguments.check {
            if ended == Exit::Ok {
                ended = Exit::Unformatted;
            }
        } else if let Err(error) = env::write(file, formatted.as_bytes()) {
            output.failure(&error);
            ended = Exit::Error;
            continue;
        }
        changed.push(file.to_string());
    }
    if output.json {
        body.insert("changed", changed);
        output.document(body, ended);
    } else {
        for file in changed {
            output.data(&file);
        }
    }
    Ok(ended)
}

/// The text of a file, and the same in the canonical layout.
fn both(file: &Utf8Path, output: &Output) -> Result<(String, String), Stop> {
    let text = syntax::decode(env::named(file, "name specs, such as `lake.yaml`")?);
    match syntax::format(file.as_str(), &text) {
        Ok(formatted) => Ok((text, formatted)),
        Err(found) => {
            let mut sources = Sources::default();
            sources.add(file.as_str(), text);
            output.findings(&found, &sources);
            Err(Stop::Said(Exit::Error))
        }
    }
}
