//! `validate`: everything that can be said of a spec without a cloud.

use clap::Args;

use crate::cli::commands::Spec;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, load};
use crate::compile;
use crate::diagnostic::{Diagnostics, Severity};
use crate::policy::Library;
use crate::render::diagnostics;
use crate::resolve;
use crate::stacks::Placement;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let mut loaded = load::read(&arguments.spec.file)?;
    let names: Vec<String> = match &arguments.spec.env {
        None => resolve::environments(&loaded.tree).into_iter().map(str::to_owned).collect(),
        asked => match resolve::choose(&loaded.tree, asked.as_deref()) {
            Ok(name) => vec![name.to_owned()],
            Err(refused) => {
                loaded.diagnostics.push(*refused);
                return Err(loaded.stop(output));
            }
        },
    };
    let library = Library::built_in();
    let mut each: Vec<(String, Diagnostics)> = Vec::new();
    for name in names {
        let understood = compile::understand(&loaded.tree, &name);
        let mut found = understood.diagnostics;
        if let Some(lake) = understood.lake.filter(|_| !found.has_errors()) {
            let scripts = load::scripts(&lake, &loaded.folder);
            found.extend(
                compile::compile(&lake, &library, &scripts, &Placement::default()).diagnostics,
            );
        }
        each.push((name, found));
    }
    if each.is_empty()
        && !loaded.diagnostics.has_errors()
        && let Err(refused) = resolve::choose(&loaded.tree, None)
    {
        loaded.diagnostics.push(*refused);
    }
    loaded.diagnostics.extend(resolve::combine(each));
    loaded.diagnostics.sort();
    let valid = !loaded.diagnostics.has_errors();
    if output.json {
        output.json(&diagnostics::report(&loaded.diagnostics, &loaded.sources));
    } else {
        output.findings(&loaded.diagnostics, &loaded.sources);
        let warnings = loaded.diagnostics.count(Severity::Warning);
        match (valid, warnings) {
            (true, 0) => output.progress("Success! The spec is valid."),
            (true, 1) => output.progress("Success! The spec is valid, with 1 warning."),
            (true, n) => {
                output.progress(&format!("Success! The spec is valid, with {n} warnings."))
            }
            (false, _) => {
                let errors = loaded.diagnostics.count(Severity::Error);
                output.progress(&format!(
                    "{errors} {}",
                    if errors == 1 { "error" } else { "errors" }
                ));
            }
        }
    }
    Ok(if valid { Exit::Ok } else { Exit::Error })
}
