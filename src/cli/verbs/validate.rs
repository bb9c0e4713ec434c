//! `validate`: everything that can be said of a spec without a cloud.

use clap::Args;

use crate::check;
use crate::cli::commands::Spec;
use crate::cli::load::{self, Loaded};
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, waiving};
use crate::compile;
use crate::diagnostic::{Diagnostics, Severity};
use crate::document::Map;
use crate::resolve;
use crate::stacks::Placement;
use crate::vocabulary::Vocabulary;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let mut loaded = load::read(&arguments.spec.file)?;
    let found = check::spec(&loaded.tree, arguments.spec.env.as_deref());
    if !found.has_errors() {
        // What only shows when resources are made of it: sizes of policies, scripts that are not there.
        let asked = arguments.spec.env.as_deref();
        let all = resolve::environments(&loaded.tree);
        let names = all.into_iter().filter(|name| asked.is_none_or(|asked| asked == *name));
        let names: Vec<String> = names.map(str::to_owned).collect();
        let each =
            names.into_iter().map(|name| (name.clone(), made_of(&mut loaded, &name))).collect();
        loaded.diagnostics.extend(resolve::combine(each));
    }
    loaded.diagnostics.extend(found);
    loaded.diagnostics.sort();
    let valid = !loaded.diagnostics.has_errors();
    let exit = if valid { Exit::Ok } else { Exit::Error };
    output.findings(&loaded.diagnostics, &loaded.sources);
    if output.json {
        let mut body = Map::new();
        body.insert("valid", valid);
        output.document(body, exit);
    } else {
        let warnings = loaded.diagnostics.count(Severity::Warning);
        match (valid, warnings) {
            (true, 0) => output.progress("Success! The spec is valid."),
            (true, 1) => output.progress("Success! The spec is valid, with 1 warning."),
            (true, n) => {
                output.progress(&format!("Success! The spec is valid, with {n} warnings."))
            }
            // The findings end in their count.
            (false, _) => {}
        }
    }
    Ok(exit)
}

/// What is found while the lake of an environment is made into templates.
fn made_of(loaded: &mut Loaded, environment: &str) -> Diagnostics {
    let Some(lake) = compile::understand(&loaded.tree, environment).lake else {
        return Diagnostics::default();
    };
    let expired = waiving::expired(&lake, waiving::today());
    let Vocabulary { library, diagnostics: mut found } = loaded.vocabulary(&lake);
    found.extend(expired);
    if !found.has_errors() {
        let (scripts, refused) = load::scripts(&lake, &loaded.folder, &load::Root::Here);
        match refused.has_errors() {
            true => found.extend(refused),
            false => {
                let compiled = compile::compile(&lake, &library, &scripts, &Placement::default());
                found.extend(compiled.diagnostics);
            }
        }
    }
    found
}
