//! `validate`: everything that can be said of a spec without a cloud.

use clap::Args;

use crate::access::State;
use crate::check;
use crate::cli::commands::Spec;
use crate::cli::load::{self, Loaded};
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, states, waiving};
use crate::compile::{self, Understood};
use crate::diagnostic::{self, Diagnostic, Diagnostics, Severity};
use crate::document::Map;
use crate::lake::{Lake, Origins};
use crate::plan::paths;
use crate::resolve;
use crate::stacks::{Placement, Stack};
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
    let Understood { lake: Some(lake), origins, .. } =
        compile::understand(&loaded.tree, environment)
    else {
        return Diagnostics::default();
    };
    let expired = waiving::expired(&lake, waiving::today());
    let Vocabulary { library, diagnostics: mut found } = loaded.vocabulary(&lake);
    found.extend(expired);
    if !found.has_errors() {
        let scripts = load::scripts(&lake, &loaded.folder, &load::Root::Here);
        let compiled = compile::compile(&lake, &library, &scripts, &Placement::default());
        if !compiled.diagnostics.has_errors() {
            found.extend(closed(&lake, &origins, &compiled.stacks));
        }
        found.extend(compiled.diagnostics);
    }
    found
}

/// Services of the lake that its own policies keep out.
fn closed(lake: &Lake, origins: &Origins, stacks: &[Stack]) -> Diagnostics {
    let after = states::of_stacks(lake, stacks);
    let mut found = Diagnostics::default();
    for closed in paths::closed(&State::default(), &after).unwrap_or_default() {
        let path = states::path_of(stacks, &closed.by);
        let Some(span) = origins.find(&path).or(lake.home.span) else { continue };
        let told = format!("{} stops {}", closed.by.statement, closed.what);
        found.push(
            Diagnostic::warning(diagnostic::LW0407, span, told)
                .at(path)
                .help("except the service in the Deny, together with the account that it acts for"),
        );
    }
    found
}
