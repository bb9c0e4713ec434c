//! `access handover`: the other account's half of an entry of `access`, each document of it.

use camino::Utf8PathBuf;
use clap::Args;

use crate::cli::output::Output;
use crate::cli::{Ended, Exit, Misuse, env, load};
use crate::diagnostic::nearest;
use crate::document::Map;
use crate::stacks::Placement;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The entry of `access`, or a role as `roles.NAME`.
    name: String,
    /// The spec.
    #[arg(value_name = "FILE", default_value = "lake.yaml")]
    file: Utf8PathBuf,
    /// The environment; needed where the spec has several.
    #[arg(long, env = "LAKEWRIGHT_ENV", value_name = "NAME")]
    env: Option<String>,
    /// Write a file for each document into this folder.
    #[arg(long, value_name = "DIR")]
    to: Option<Utf8PathBuf>,
}

pub fn run(arguments: &Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.file)?.ready(arguments.env.as_deref(), output)?;
    let compiled = ready.compile(&Placement::default(), output)?;
    let mut known: Vec<String> = ready.lake.access.keys().map(ToString::to_string).collect();
    known.extend(ready.lake.roles.values().map(crate::lake::Role::path));
    if !known.contains(&arguments.name) {
        let near = nearest(&arguments.name, known.iter().map(String::as_str));
        let there = match (near, known.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, false) => format!("there are {}", known.join(", ")),
            (None, true) => "the spec gives no access to anybody".to_owned(),
        };
        let told = format!("there is no entry `{}`: {there}", arguments.name);
        return Err(Misuse(told).into());
    }
    let own = compiled.handovers.iter().filter(|one| one.access == arguments.name);
    let mut policies = Map::new();
    // Whoever is given something may have several documents to deal with.
    for one in own {
        policies.insert(one.key(), one.policy.clone());
    }
    if let Some(folder) = &arguments.to {
        for one in compiled.handovers.iter().filter(|one| one.access == arguments.name) {
            let text = format!("{}\n", one.policy.to_json_pretty());
            env::write(&folder.join(one.file_name()), text.as_bytes())?;
        }
        output.progress(&match policies.iter().count() {
            1 => format!("1 document: {folder}"),
            count => format!("{count} documents: {folder}"),
        });
    }
    if output.json {
        let mut body = Map::new();
        body.insert("access", arguments.name.clone());
        body.insert("handovers", policies);
        output.document(body, Exit::Ok);
        return Ok(Exit::Ok);
    }
    if policies.is_empty() {
        output.progress(&format!(
            "`{}` lets in nobody of another account: there is no other half.",
            arguments.name
        ));
    } else if arguments.to.is_none() {
        for (to, policy) in policies.iter() {
            // What is called with our administrators' rights is no half of anybody else's.
            let by = match to.ends_with(": opt-ins") {
                true => {
                    ", to be called by an administrator of Lake Formation in the lake's account"
                }
                false => "",
            };
            output.report(&format!("for {}{by}:", crate::render::escape(to)));
            output.data(&policy.to_json_pretty());
        }
    }
    Ok(Exit::Ok)
}
