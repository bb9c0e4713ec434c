//! `compile`: the templates, and the other accounts' halves of grants, as files.

use std::collections::BTreeSet;

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use crate::cli::commands::Spec;
use crate::cli::load::{self, Ready, TEMPLATE_BYTES};
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, env};
use crate::compile::Compiled;
use crate::document::{Map, Value};
use crate::stacks::{Placement, Stack};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    spec: Spec,
    /// Write the templates into this folder, and remove those that are no longer compiled.
    #[arg(short, long, value_name = "DIR")]
    out: Option<Utf8PathBuf>,
    /// With --out: write nothing, and exit 3 if the files there differ.
    #[arg(long, requires = "out")]
    check: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let ready = load::read(&arguments.spec.file)?.ready(arguments.spec.env.as_deref(), output)?;
    let compiled = ready.compile(&Placement::default(), output)?;
    match &arguments.out {
        None => {
            output.document(together(&ready, &compiled), Exit::Ok);
            Ok(Exit::Ok)
        }
        Some(folder) => {
            let files = files(&ready, &compiled);
            let stale = stale(folder, &files)?;
            if arguments.check {
                return check(&ready, folder, &files, &stale, output);
            }
            for (name, text) in &files {
                env::write(&folder.join(name), text.as_bytes())?;
            }
            for path in &stale {
                env::remove(path)?;
            }
            if output.json {
                let paths = |all: Vec<&Utf8PathBuf>| {
                    all.into_iter().map(|path| Value::from(path.to_string())).collect::<Value>()
                };
                let written: Vec<Utf8PathBuf> =
                    files.iter().map(|(name, _)| folder.join(name)).collect();
                let mut body = Map::new();
                body.insert("lake", ready.lake.naming.lake_id());
                body.insert("written", paths(written.iter().collect()));
                body.insert("removed", paths(stale.iter().collect()));
                output.document(body, Exit::Ok);
            }
            output.progress(&format!(
                "{} stacks, {} resources: {folder}",
                compiled.stacks.len(),
                compiled.stacks.iter().map(|stack| stack.resources().count()).sum::<usize>()
            ));
            Ok(Exit::Ok)
        }
    }
}

/// One document with all of it, for stdout.
fn together(ready: &Ready, compiled: &Compiled) -> Map {
    let mut stacks = Map::new();
    for stack in &compiled.stacks {
        stacks.insert(path_of(stack), stack.template.clone());
    }
    let mut handovers = Map::new();
    for handover in &compiled.handovers {
        let name = handover.file_name();
        let name = name.trim_end_matches(".json").to_owned();
        handovers.insert(name, handover.policy.clone());
    }
    let mut body = Map::new();
    body.insert("lake", ready.lake.naming.lake_id());
    body.insert("stacks", stacks);
    body.insert("handovers", handovers);
    body
}

/// Every file: its path in the folder and its text.
fn files(_: &Ready, compiled: &Compiled) -> Vec<(Utf8PathBuf, String)> {
    let mut files: Vec<(Utf8PathBuf, String)> = Vec::new();
    for stack in &compiled.stacks {
        files.push((path_of(stack).into(), format!("{}\n", stack.body())));
    }
    for handover in &compiled.handovers {
        let path = Utf8PathBuf::from("handover").join(handover.file_name());
        files.push((path, format!("{}\n", handover.policy.to_json_pretty())));
    }
    files
}

/// `eu-west-1/acme-prod-storage.json`.
fn path_of(stack: &Stack) -> String {
    format!("{}/{}.json", stack.key.region, stack.key.name)
}

/// Templates in the folder that are no longer compiled. A folder with other things in it is not one
/// of ours.
fn stale(folder: &Utf8Path, files: &[(Utf8PathBuf, String)]) -> anyhow::Result<Vec<Utf8PathBuf>> {
    if !env::exists(folder) {
        return Ok(Vec::new());
    }
    let ours: BTreeSet<Utf8PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let mut stale = Vec::new();
    for path in env::files_below(folder)? {
        if ours.contains(&path) {
            continue;
        }
        if path.extension() != Some("json") {
            bail!("`{path}` is no template: choose an empty folder for --out");
        }
        stale.push(path);
    }
    Ok(stale)
}

fn check(
    ready: &Ready,
    folder: &Utf8Path,
    files: &[(Utf8PathBuf, String)],
    stale: &[Utf8PathBuf],
    output: &Output,
) -> Ended {
    let mut differ: Vec<(Utf8PathBuf, &str)> =
        stale.iter().map(|path| (path.clone(), "no longer compiled")).collect();
    for (name, text) in files {
        let path = folder.join(name);
        let there = env::within(folder, &path, TEMPLATE_BYTES);
        let same = there.is_ok_and(|bytes| bytes == text.as_bytes());
        if !same {
            differ.push((path, "differs"));
        }
    }
    let exit = if differ.is_empty() { Exit::Ok } else { Exit::Unformatted };
    if output.json {
        let differing = differ.iter().map(|(path, how)| {
            crate::document!({"file": (path.to_string()), "how": (how.replace(' ', "_"))})
        });
        let mut body = Map::new();
        body.insert("lake", ready.lake.naming.lake_id());
        body.insert("differing", differing.collect::<Value>());
        output.document(body, exit);
    } else {
        for (path, how) in &differ {
            output.data(&format!("{path}: {how}"));
        }
    }
    Ok(exit)
}
