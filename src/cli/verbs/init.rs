//! `init`: a spec from a blueprint, and what git is to leave alone beside it.

use std::collections::BTreeMap;

use anyhow::anyhow;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use crate::blueprint::{self, Blueprint, Parameter};
use crate::cli::completed::Completed;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, Misuse, env};
use crate::diagnostic::nearest;
use crate::document::{Map, Value};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The blueprint.
    #[arg(
        value_name = "BLUEPRINT",
        default_value = "minimal",
        value_parser = Completed(blueprints),
        hide_possible_values = true
    )]
    blueprint: String,
    /// A parameter of the blueprint.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Write into this folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: Utf8PathBuf,
    /// List the blueprints and their parameters.
    #[arg(long)]
    list: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    if arguments.list {
        list(output);
        return Ok(Exit::Ok);
    }
    let Some(blueprint) = blueprint::find(&arguments.blueprint) else {
        let known: Vec<&str> = blueprint::all().iter().map(|one| one.name).collect();
        let hint = match nearest(&arguments.blueprint, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        let told = format!("there is no blueprint `{}`: {hint}", arguments.blueprint);
        return Err(Misuse(told).into());
    };
    let mut given = BTreeMap::new();
    for pair in &arguments.set {
        let Some((name, value)) = pair.split_once('=') else {
            let told = format!("`{pair}` is no parameter: write `--set name=value`");
            return Err(Misuse(told).into());
        };
        given.insert(name.to_owned(), value.to_owned());
    }
    let files = blueprint.fill(&given).map_err(|reason| Misuse(reason.to_string()))?;
    for (name, _) in &files {
        let path = arguments.into.join(name);
        if env::exists(&path) {
            return Err(anyhow!(
                "`{path}` is there already: nothing was written (choose a folder with --into)"
            )
            .into());
        }
    }
    let mut written = Vec::new();
    let ignored = arguments.into.join(".gitignore");
    let lacking = lacking(&ignored);
    for (name, text) in files {
        let path = arguments.into.join(name);
        env::write(&path, text.as_bytes())?;
        written.push(path.to_string());
    }
    if !env::exists(&ignored) {
        env::write(&ignored, IGNORED.as_bytes())?;
        written.push(ignored.to_string());
    }
    if output.json {
        let mut body = Map::new();
        body.insert("written", written);
        output.document(body, Exit::Ok);
    } else {
        for path in &written {
            output.data(path);
        }
        let spec = written.iter().find(|path| path.ends_with("lake.yaml"));
        let file = spec.map_or(String::new(), |path| match path.trim_start_matches("./") {
            "lake.yaml" => String::new(),
            path => format!(" {}", crate::render::escape(path)),
        });
        // a blueprint of several environments asks for the account of each
        let mut several =
            blueprint.parameters.iter().filter_map(|one| one.name.strip_suffix("_account"));
        let environment = several.next().map_or(String::new(), |name| format!(" --env {name}"));
        let words = format!("{file}{environment} --sandbox");
        if !lacking.is_empty() {
            let lines: Vec<String> = lacking.iter().map(|line| format!("`{line}`")).collect();
            output.report(&format!(
                "\n`{ignored}` is there already and was left as it is: add {} to it, which lakewright writes and nobody commits",
                lines.join(" and ")
            ));
        }
        output.progress(&format!("\nNext: lakewright plan{words}, then lakewright apply{words}"));
    }
    Ok(Exit::Ok)
}

/// The blueprints' names.
fn blueprints() -> Vec<String> {
    blueprint::all().iter().map(|one| one.name.to_owned()).collect()
}

/// What git is to leave alone: the sandbox, and saved plans.
const IGNORED: &str = "# lakewright: the sandbox's cloud, and saved plans, which hold for one state of an account\n.lakewright/\n*.plan\n";

/// The lines of [`IGNORED`] that a `.gitignore` of the user's own lacks.
fn lacking(path: &Utf8Path) -> Vec<&'static str> {
    let wanted = IGNORED.lines().filter(|line| !line.starts_with('#'));
    let Some(own) = env::exists(path).then(|| env::read(path).ok()).flatten() else {
        return Vec::new();
    };
    let own = String::from_utf8_lossy(&own).into_owned();
    let bare = |line: &str| line.trim().trim_matches('/').to_owned();
    wanted.filter(|line| !own.lines().any(|there| bare(there) == bare(line))).collect()
}

fn list(output: &Output) {
    if output.json {
        let mut body = Map::new();
        body.insert("blueprints", blueprint::all().iter().map(described).collect::<Value>());
        output.document(body, Exit::Ok);
        return;
    }
    for blueprint in blueprint::all() {
        output.data(&format!("{}  {}", blueprint.name, blueprint.description));
        let typed = |parameter: &Parameter| format!("{}={}", parameter.name, parameter.default);
        let wide = blueprint.parameters.iter().map(|one| typed(one).len()).max().unwrap_or(0);
        for parameter in &blueprint.parameters {
            output.data(&format!(
                "    --set {:wide$}  {}",
                typed(parameter),
                parameter.description
            ));
        }
    }
}

fn described(blueprint: &Blueprint) -> Value {
    let parameters: Vec<Value> = blueprint
        .parameters
        .iter()
        .map(|parameter| {
            crate::document!({
                "name": (parameter.name.clone()),
                "default": (parameter.default.clone()),
                "description": (parameter.description.clone())
            })
        })
        .collect();
    crate::document!({
        "name": (blueprint.name), "description": (blueprint.description.clone()),
        "parameters": parameters
    })
}
