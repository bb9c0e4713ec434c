//! `access handover`: the other account's half of an entry of `access`, before anything is deployed: what has no name yet
//! is said to have none.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use clap::Args;

use crate::cli::commands::Where;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, Misuse, env, load, planning};
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
    /// Write a file for each other account into this folder.
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
    let (mut policies, mut unknown) = (Map::new(), BTreeSet::new());
    for one in compiled.handovers {
        if one.access == arguments.name {
            let mut policy = one.policy;
            unknown.extend(planning::mark_unknown(&mut policy, &compiled.stacks));
            let what = one.what.map(|what| format!(": {what}")).unwrap_or_default();
            policies.insert(format!("{}{what}", one.to), policy);
        }
    }
    if let Some(folder) = &arguments.to {
        for (to, policy) in policies.iter() {
            let plain =
                |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
            let to = to.replace(": ", "-");
            let to: String = to.chars().map(plain).collect();
            let name = format!("{}-{to}.json", arguments.name);
            env::write(&folder.join(name), format!("{}\n", policy.to_json_pretty()).as_bytes())?;
        }
        let count = policies.iter().count();
        output
            .progress(&format!("{count} {}: {folder}", if count == 1 { "file" } else { "files" }));
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
            output.report(&format!("for {}:", crate::render::escape(to)));
            output.data(&policy.to_json_pretty());
        }
    }
    if !unknown.is_empty() {
        let things = unknown.into_iter().collect::<Vec<_>>().join(", ");
        let place = Where { sandbox: None };
        let environment = arguments.env.as_deref();
        let command = planning::command("output", &arguments.file, environment, &place);
        output.report(&format!(
            "\nThe ARN of {things} is known after apply: then `{command} --handover` prints this with it."
        ));
    }
    Ok(Exit::Ok)
}
