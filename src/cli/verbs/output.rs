//! `output`: the names of what is deployed, for people and other programs.

use clap::Args;

use crate::apply;
use crate::cli::commands::{Spec, Where};
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, load, planning};
use crate::document::{Map, Value};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    #[command(flatten)]
    place: Where,
    /// Only this thing, by its spec path, such as `buckets.raw`.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Also the policies that other accounts have to attach, with the keys' ARNs in place.
    #[arg(long)]
    handover: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let observed = planning::observe(&ready, &arguments.place, &[], output)?;
    let mut all = apply::outputs(&observed.deployed);
    if let Some(path) = &arguments.path {
        all.retain(|one| one.path == *path);
    }
    let handovers = match arguments.handover {
        true => planning::handovers(&ready, &observed, output)?,
        false => Map::new(),
    };
    if output.json {
        let things: Vec<Value> = all
            .iter()
            .map(|one| {
                let mut map = Map::new();
                map.insert("path", one.path.clone());
                map.insert("what", one.what);
                map.insert("name", one.name.clone());
                map.insert_some("arn", one.arn.clone());
                map.insert("region", &one.region);
                Value::Map(map)
            })
            .collect();
        let mut body = Map::new();
        body.insert("outputs", things);
        body.insert("handovers", handovers);
        output.document(body, Exit::Ok);
        return Ok(Exit::Ok);
    }
    let wide = all.iter().map(|one| one.path.len()).max().unwrap_or(0);
    for one in &all {
        let arn = one.arn.as_deref().filter(|arn| *arn != one.name).unwrap_or("");
        output.data(format!("{:wide$}  {:<16} {}  {arn}", one.path, one.what, one.name).trim_end());
    }
    for (name, policy) in handovers.iter() {
        output.data(&format!("\n{name}\n{}", policy.to_json_pretty()));
    }
    if all.is_empty() && arguments.path.is_none() {
        output.progress("Nothing of the lake is deployed.");
    }
    Ok(Exit::Ok)
}
