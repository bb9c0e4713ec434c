//! `access rules`: what the rules find in a state, and which rules there are.

use clap::{Args, ValueEnum};

use super::questions::read;
use crate::access::Index;
use crate::cli::asked::Asked;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, waiving};
use crate::render::access_reach::add_layers;
use crate::render::access_rules::{self as view, View};
use crate::rules::{self, Severity};

#[derive(Debug, Args)]
pub struct Rules {
    /// The state: a spec, git:REV, templates, deployed, live (`lakewright access diff --help`).
    #[arg(default_value = "lake.yaml")]
    state: String,
    /// Exit 4 if anything as grave as this, or graver, is found and not waived.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<Grave>,
    /// List the rules with their severity and the controls of AWS that they answer.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    asked: Asked,
}

/// A severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Grave {
    Critical,
    High,
    Medium,
    Low,
}

impl From<Grave> for Severity {
    fn from(grave: Grave) -> Severity {
        match grave {
            Grave::Critical => Severity::Critical,
            Grave::High => Severity::High,
            Grave::Medium => Severity::Medium,
            Grave::Low => Severity::Low,
        }
    }
}

pub fn run(arguments: &Rules, output: &Output) -> Ended {
    if arguments.list {
        match output.json {
            true => output.document(view::list_json(), Exit::Ok),
            false => output.data(&view::list_text()),
        }
        return Ok(Exit::Ok);
    }
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let lake = side.spec.as_ref().map(|spec| &spec.lake);
    let found = rules::run(&Index::new(&state), &waiving::around(lake));
    let waivers = lake.map(waiving::of).unwrap_or_default();
    // of one state, every waiver that counts is an old one
    let judged = rules::judge(&waivers, &waivers, found, waiving::today());
    if let Some(spec) = &side.spec {
        output.findings(&waiving::told(&spec.lake, &judged), &spec.sources);
    }
    let fails = |least: Grave| judged.open.iter().any(|one| one.rule.severity <= least.into());
    let exit = if arguments.fail_on.is_some_and(fails) { Exit::Gate } else { Exit::Ok };
    let place = |path: &str| side.spec.as_ref().map(|spec| spec.cause(path));
    let view = View { judged: &judged, place: &place };
    if output.json {
        let mut body = view::json(&view);
        add_layers(&mut body);
        output.document(body, exit);
    } else {
        output.data(&view::text(&view));
    }
    Ok(exit)
}
