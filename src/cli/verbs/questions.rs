//! `access can`, `who`, `what`, `check`: questions to one state.

use std::collections::BTreeSet;

use anyhow::{Context, anyhow, bail};
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use crate::access::reach::{Subject, outsiders, trusted};
use crate::access::{Index, State};
use crate::cli::asked::Asked;
use crate::cli::asking::Asking;
use crate::cli::called::{Called, Place};
use crate::cli::output::Output;
use crate::cli::states::{Content, Side};
use crate::cli::{Ended, Exit, Stop, env};
use crate::document::{Map, Value};
use crate::render::access_reach::{self as view, Row};
use crate::syntax;

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Expected {
    Allow,
    Deny,
}

#[derive(Debug, Args)]
pub struct Can {
    /// Who: role/NAME, user/NAME, ACCOUNT:role/NAME, account/ID, a pipeline, anonymous, or an ARN.
    principal: String,
    /// read, write, delete, manage, or an action of IAM.
    action: String,
    /// Where: raw/, raw/ledger/, sales, sales.orders, keys.raw, a source, or an ARN.
    on: String,
    /// The state: a spec, git:REV, templates, deployed, live (`lakewright access diff --help`).
    #[arg(default_value = "lake.yaml")]
    state: String,
    /// Exit 4 if the answer is another one, or undecided: allow is all of the place, deny none of it.
    #[arg(long, value_enum)]
    expect: Option<Expected>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct Who {
    /// Where: raw/, raw/ledger/, sales, sales.orders, keys.raw, a source, or an ARN.
    on: String,
    /// The state: a spec, git:REV, templates, deployed, live (`lakewright access diff --help`).
    #[arg(default_value = "lake.yaml")]
    state: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct What {
    /// Who: role/NAME, user/NAME, ACCOUNT:role/NAME, account/ID, a pipeline, anonymous, or an ARN.
    principal: String,
    /// The state: a spec, git:REV, templates, deployed, live (`lakewright access diff --help`).
    #[arg(default_value = "lake.yaml")]
    state: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A list of what principals can and cannot do.
    file: Utf8PathBuf,
    /// The state: a spec, git:REV, templates, deployed, live (`lakewright access diff --help`).
    #[arg(default_value = "lake.yaml")]
    state: String,
    #[command(flatten)]
    asked: Asked,
}

pub(super) fn read(word: &str, asked: &Asked, output: &Output) -> Result<(State, Side), Stop> {
    let mut side = asked.side(word, output)?;
    let policy = Content::Policy(Value::Null);
    let Content::State(state) = std::mem::replace(&mut side.content, policy) else {
        return Err(anyhow!("`{word}` is a policy document, and the question is about a state: name a spec, a template, or a folder of templates").into());
    };
    let mut state = *state;
    asked.supply(&mut [&mut state])?;
    Ok((state, side))
}

/// Says that a name in the question may be a slip of the pen. It is answered all the same.
fn note(slip: &str, output: &Output) {
    output.progress(&format!("note: {}\n", crate::render::escape(slip)));
}

pub fn can(arguments: &Can, output: &Output) -> Ended {
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let index = Index::new(&state);
    let mut asking = Asking::new(&index, &side);
    let who = asking.called.subject(&arguments.principal)?;
    let place = asking.called.place(&arguments.on)?;
    Asking::checked(&arguments.action, &place)?;
    let slips = asking.called.unheard(&arguments.principal, &who);
    slips
        .into_iter()
        .chain(asking.called.unheard_of(&arguments.on))
        .for_each(|slip| note(&slip, output));
    let answer = asking.answer(&who, &arguments.action, &place);
    let holds = match arguments.expect {
        None => true,
        Some(Expected::Allow) => answer.is_whole(),
        Some(Expected::Deny) => answer.word() == "deny",
    };
    let exit = if holds { Exit::Ok } else { Exit::Gate };
    let names = |arn: &str| asking.called.name(arn);
    if output.json {
        let mut body = Map::new();
        body.insert("principal", arguments.principal.clone());
        body.insert("action", arguments.action.clone());
        body.insert("place", arguments.on.clone());
        let answer = view::answer_json(&answer, &names);
        answer.iter().for_each(|(key, value)| drop(body.insert(key.to_owned(), value.clone())));
        view::add_layers(&mut body);
        output.document(body, exit);
    } else {
        let question = format!("{} {} {}", arguments.principal, arguments.action, arguments.on);
        let text = view::answer_text(&question, &answer, &names);
        output.data(&format!("{text}{}", view::layers()));
    }
    Ok(exit)
}

/// Everybody who is asked about a place: of the state, and named by policies from outside.
fn everybody(called: &Called<'_>, place: &Place) -> Vec<(Subject, String)> {
    let groups = |arn: &&String| !arn.contains(":group/");
    let own = called.state.principals.keys().filter(groups).cloned().map(Subject::Named);
    let mut all: Vec<(Subject, String)> =
        own.map(|who| (who.clone(), called.name_of(&who))).collect();
    let mut others = trusted(called.state);
    for target in place.targets.iter().chain(place.elsewhere.iter().flat_map(|it| &it.1)) {
        others.extend(outsiders(called.state, &target.guard));
    }
    all.extend(others);
    all
}

pub fn who(arguments: &Who, output: &Output) -> Ended {
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let index = Index::new(&state);
    let mut asking = Asking::new(&index, &side);
    let place = asking.called.place(&arguments.on)?;
    asking.called.unheard_of(&arguments.on).iter().for_each(|slip| note(slip, output));
    let mut rows = Vec::new();
    for (who, name) in everybody(&asking.called, &place) {
        // for whoever may read without being anybody, the rest goes without saying
        rows.extend(asking.row(name, &who, &place));
    }
    let powers = asking.powers(&place);
    shown("place", &arguments.on, &rows, Some(&powers), &asking, output)
}

pub fn what(arguments: &What, output: &Output) -> Ended {
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let index = Index::new(&state);
    let mut asking = Asking::new(&index, &side);
    let who = asking.called.subject(&arguments.principal)?;
    asking.called.unheard(&arguments.principal, &who).iter().for_each(|slip| note(slip, output));
    let mut rows = Vec::new();
    for place in asking.called.places() {
        rows.extend(asking.row(place.name.clone(), &who, &place));
    }
    shown("principal", &arguments.principal, &rows, None, &asking, output)
}

/// Rows, and of a place who gets at it without being given it.
fn shown(
    key: &str,
    word: &str,
    rows: &[Row],
    powers: Option<&[(String, String)]>,
    asking: &Asking<'_>,
    output: &Output,
) -> Ended {
    let names = |arn: &str| asking.called.name(arn);
    if output.json {
        let mut body = Map::new();
        body.insert(key.to_owned(), word.to_owned());
        body.insert("rows", view::rows_json(rows, &names));
        if let Some(powers) = powers {
            body.insert("without_lake_formation", view::past_json(rows));
            body.insert("powers", view::powers_json(powers));
        }
        view::add_layers(&mut body);
        output.document(body, Exit::Ok);
    } else {
        let text = match rows.is_empty() {
            true => "Nothing that was read allows anything.\n".to_owned(),
            false => view::rows_text(rows, &names),
        };
        let past = powers
            .map_or_else(String::new, |powers| view::past_text(rows) + &view::powers_text(powers));
        output.data(&format!("{text}{past}{}", view::layers()));
    }
    Ok(Exit::Ok)
}

/// One line of a file of assertions.
struct Assertion {
    who: String,
    action: String,
    on: String,
    allowed: bool,
}

fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(list)) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(one) => one.as_str().map(str::to_owned).into_iter().collect(),
        None => Vec::new(),
    }
}

fn assertions(text: &str) -> anyhow::Result<Vec<Assertion>> {
    let form = "write a list of `{ who: PRINCIPAL, can: ACTION, on: PLACE }`, or `cannot`; each may be a list";
    let value = syntax::template(text)?;
    let Some(list) = value.as_list() else { bail!("it is no list: {form}") };
    let mut found = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let keys: Vec<&str> =
            one.as_map().into_iter().flat_map(Map::iter).map(|(key, _)| key).collect();
        let unknown = keys.iter().find(|key| !matches!(**key, "who" | "can" | "cannot" | "on"));
        if let Some(unknown) = unknown {
            bail!("entry {}: `{unknown}` is not known: {form}", at + 1);
        }
        let (who, on) = (words(one.get("who")), words(one.get("on")));
        let (can, cannot) = (words(one.get("can")), words(one.get("cannot")));
        if who.is_empty() || on.is_empty() || (can.is_empty() && cannot.is_empty()) {
            bail!("entry {}: {form}", at + 1);
        }
        for who in &who {
            for on in &on {
                let all = can.iter().map(|action| (action, true));
                for (action, allowed) in all.chain(cannot.iter().map(|action| (action, false))) {
                    found.push(Assertion {
                        who: who.clone(),
                        action: action.clone(),
                        on: on.clone(),
                        allowed,
                    });
                }
            }
        }
    }
    Ok(found)
}

/// What to type where there is no file of assertions.
const NO_ASSERTIONS: &str =
    "name a list of assertions (`lakewright access check --help` shows how to write one)";

pub fn check(arguments: &Check, output: &Output) -> Ended {
    let text = syntax::decode(env::named(&arguments.file, NO_ASSERTIONS)?);
    let all = assertions(&text).with_context(|| format!("`{}`", arguments.file))?;
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let index = Index::new(&state);
    let mut asking = Asking::new(&index, &side);
    let (mut listed, mut told, mut failed) = (Vec::new(), String::new(), 0_usize);
    let mut said = BTreeSet::new();
    for one in &all {
        let who = asking.called.subject(&one.who)?;
        let place = asking.called.place(&one.on)?;
        Asking::checked(&one.action, &place)?;
        if said.insert(one.who.clone()) {
            asking.called.unheard(&one.who, &who).iter().for_each(|slip| note(slip, output));
        }
        if said.insert(one.on.clone()) {
            asking.called.unheard_of(&one.on).iter().for_each(|slip| note(slip, output));
        }
        let answer = asking.answer(&who, &one.action, &place);
        let holds = if one.allowed { answer.is_whole() } else { answer.word() == "deny" };
        let names = |arn: &str| asking.called.name(arn);
        let word = if one.allowed { "can" } else { "cannot" };
        let question = format!("{} {word} {} {}", one.who, one.action, one.on);
        if holds {
            told += &format!("ok      {}\n", crate::render::escape(&question));
        } else {
            failed += 1;
            told += &format!("FAILED  {}\n", crate::render::escape(&question));
            let question = format!("{} {} {}", one.who, one.action, one.on);
            for line in view::answer_text(&question, &answer, &names).lines() {
                told += &format!("        {line}\n");
            }
        }
        let mut map = Map::new();
        map.insert("principal", one.who.clone());
        map.insert("expected", if one.allowed { "allow" } else { "deny" });
        map.insert("action", one.action.clone());
        map.insert("place", one.on.clone());
        map.insert("holds", holds);
        let answer = view::answer_json(&answer, &names);
        answer.iter().for_each(|(key, value)| drop(map.insert(key.to_owned(), value.clone())));
        listed.push(Value::Map(map));
    }
    let exit = if failed == 0 { Exit::Ok } else { Exit::Gate };
    if output.json {
        let mut body = Map::new();
        body.insert("assertions", listed);
        view::add_layers(&mut body);
        output.document(body, exit);
    } else {
        output.data(&format!(
            "{told}{} of {} hold\n{}",
            all.len() - failed,
            all.len(),
            view::layers()
        ));
    }
    Ok(exit)
}
