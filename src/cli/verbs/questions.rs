//! `access can`, `who`, `what`, `check`, `handover`: questions to one state.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail};
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use crate::access::State;
use crate::access::reach::{Closure, Judge, Reached, Subject, Target, outsiders, trusted};
use crate::catalogue::escalations::{Verbs, verbs};
use crate::catalogue::iam;
use crate::cli::asked::Asked;
use crate::cli::called::{Called, Place};
use crate::cli::output::Output;
use crate::cli::states::{Content, Side};
use crate::cli::{Ended, Exit, Misuse, Stop, env, load};
use crate::document::{Map, Value};
use crate::render::access_reach::{self as view, Answer, Row};
use crate::stacks::Placement;
use crate::syntax;

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Expected {
    Allow,
    Deny,
}

#[derive(Debug, Args)]
pub struct Can {
    /// Who: as the spec writes it, or an ARN.
    principal: String,
    /// read, write, delete, manage, or an action of IAM.
    action: String,
    /// Where: as the spec writes it, or an ARN.
    on: String,
    /// The state.
    #[arg(default_value = "lake.yaml")]
    state: String,
    /// Exit 4 if the answer is another one, or undecided.
    #[arg(long, value_enum)]
    expect: Option<Expected>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct Who {
    /// Where: as the spec writes it, or an ARN.
    on: String,
    /// The state.
    #[arg(default_value = "lake.yaml")]
    state: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct What {
    /// Who: as the spec writes it, or an ARN.
    principal: String,
    /// The state.
    #[arg(default_value = "lake.yaml")]
    state: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A list of what principals can and cannot do.
    file: Utf8PathBuf,
    /// The state.
    #[arg(default_value = "lake.yaml")]
    state: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub struct Handover {
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

/// A state with what was found out about it.
struct Asking<'a> {
    judge: Judge<'a>,
    called: Called<'a>,
    closures: BTreeMap<Subject, Closure>,
}

impl<'a> Asking<'a> {
    fn new(state: &'a State, side: &'a Side) -> Self {
        let lake = side.spec.as_ref().map(|ready| &ready.lake);
        Asking {
            judge: Judge::new(state),
            called: Called { state, lake },
            closures: BTreeMap::new(),
        }
    }

    /// The actions that a word stands for on a kind of resource.
    fn actions(word: &str, kind: &str) -> Vec<String> {
        if !word.contains(':') {
            return verbs().actions(kind, word).to_vec();
        }
        let fits = iam::action(word).is_none_or(|known| {
            known.resources.is_empty() || known.resources.iter().any(|on| on.resource == kind)
        });
        let name = iam::action(word).map_or_else(|| word.to_owned(), iam::Action::full_name);
        if fits { vec![name] } else { Vec::new() }
    }

    fn answer(&mut self, who: &Subject, action: &str, place: &Place) -> Answer {
        if !self.closures.contains_key(who) {
            self.closures.insert(who.clone(), Closure::of(&self.judge, who));
        }
        let closure = &self.closures[who];
        let mut best: Option<Answer> = None;
        let rank = |answer: &Answer| match (&answer.reached, answer.path.len()) {
            (Reached::Yes { needed, .. }, steps) => (0, steps, needed.len()),
            (Reached::Unknown { .. }, _) => (1, 0, 0),
            (Reached::No { because }, _) => (2, usize::from(because.is_none()), 0),
        };
        for target in &place.targets {
            for action in Self::actions(action, &target.kind) {
                let (reached, path) = closure.ask(&self.judge, who, &action, target);
                let found = Answer { reached, path };
                if best.as_ref().is_none_or(|best| rank(&found) < rank(best)) {
                    best = Some(found);
                }
            }
        }
        let none = Answer { reached: Reached::No { because: None }, path: Vec::new() };
        let best = best.unwrap_or(none);
        if let (Reached::No { .. }, Some(because)) =
            (&best.reached, self.granted(who, closure, action, place))
        {
            return Answer { reached: Reached::Unknown { because }, path: Vec::new() };
        }
        match (&best.reached, closure.unknown.first()) {
            (Reached::No { .. }, Some(because)) => {
                Answer { reached: Reached::Unknown { because: because.clone() }, path: Vec::new() }
            }
            _ => best,
        }
    }

    /// A grant of Lake Formation that may let the subject, or one that it acts as, do it to a table. Requests are not
    /// found for it, so it is told and not decided.
    fn granted(
        &self,
        who: &Subject,
        closure: &Closure,
        action: &str,
        place: &Place,
    ) -> Option<String> {
        let of_table = |target: &Target| matches!(target.kind.as_str(), "table" | "database");
        if !place.targets.iter().any(of_table) {
            return None;
        }
        let wanted: &[&str] = match action {
            "read" => &["SELECT"],
            "write" => &["INSERT", "ALTER"],
            "delete" => &["DELETE", "DROP"],
            "manage" => &[],
            _ => &["SELECT", "INSERT", "ALTER", "DELETE", "DROP", "DESCRIBE"],
        };
        let fits = |permission: &String| {
            matches!(permission.as_str(), "ALL" | "SUPER") || wanted.contains(&permission.as_str())
        };
        let own = match who {
            Subject::Named(name) | Subject::Account(name) => Some(name),
            _ => None,
        };
        let names =
            |principal: &String| own == Some(principal) || closure.reached.contains_key(principal);
        let mut grants = self.called.state.grants.iter();
        let grant = grants.find(|one| names(&one.principal) && one.permissions.iter().any(fits))?;
        let permissions: Vec<&str> = grant.permissions.iter().map(String::as_str).collect();
        Some(format!(
            "Lake Formation grants {} to {} on {}: whether that is this table, these rows and columns is not decided here",
            permissions.join(", "),
            grant.principal,
            grant.resource.to_json()
        ))
    }

    /// A verb, or an action that can be asked of the place.
    fn checked(action: &str, place: &Place) -> anyhow::Result<()> {
        let verb = Verbs::ALL.contains(&action);
        let known = verb || action.contains(':');
        if !known {
            bail!(
                "`{action}` is no action: write read, write, delete, manage or an action of IAM such as those of the Service Authorization Reference"
            );
        }
        if place.targets.iter().all(|target| Self::actions(action, &target.kind).is_empty()) {
            let kinds: Vec<&str> =
                place.targets.iter().map(|target| target.kind.as_str()).collect();
            bail!("`{action}` does not work on `{}` ({})", place.name, kinds.join(", "));
        }
        Ok(())
    }

    fn row(&mut self, name: String, who: &Subject, place: &Place) -> Option<Row> {
        let mut answers = Vec::new();
        for verb in Verbs::ALL {
            if Self::checked(verb, place).is_err() {
                continue;
            }
            let answer = self.answer(who, verb, place);
            if !matches!(answer.reached, Reached::No { .. }) {
                answers.push((verb, answer));
            }
        }
        (!answers.is_empty()).then_some(Row { name, answers })
    }
}

pub fn can(arguments: &Can, output: &Output) -> Ended {
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let mut asking = Asking::new(&state, &side);
    let who = asking.called.subject(&arguments.principal)?;
    let place = asking.called.place(&arguments.on)?;
    Asking::checked(&arguments.action, &place)?;
    let answer = asking.answer(&who, &arguments.action, &place);
    let holds = match arguments.expect {
        None => true,
        Some(Expected::Allow) => answer.word() == "allow",
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
    for target in &place.targets {
        others.extend(outsiders(called.state, &target.guard));
    }
    all.extend(others);
    all
}

pub fn who(arguments: &Who, output: &Output) -> Ended {
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let mut asking = Asking::new(&state, &side);
    let place = asking.called.place(&arguments.on)?;
    let mut rows = Vec::new();
    for (who, name) in everybody(&asking.called, &place) {
        // for whoever may read without being anybody, the rest goes without saying
        rows.extend(asking.row(name, &who, &place));
    }
    shown("place", &arguments.on, &rows, &asking, output)
}

pub fn what(arguments: &What, output: &Output) -> Ended {
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let mut asking = Asking::new(&state, &side);
    let who = asking.called.subject(&arguments.principal)?;
    let mut rows = Vec::new();
    for place in asking.called.places() {
        rows.extend(asking.row(place.name.clone(), &who, &place));
    }
    shown("principal", &arguments.principal, &rows, &asking, output)
}

fn shown(key: &str, word: &str, rows: &[Row], asking: &Asking<'_>, output: &Output) -> Ended {
    let names = |arn: &str| asking.called.name(arn);
    if output.json {
        let mut body = Map::new();
        body.insert(key.to_owned(), word.to_owned());
        body.insert("rows", view::rows_json(rows, &names));
        view::add_layers(&mut body);
        output.document(body, Exit::Ok);
    } else {
        let text = match rows.is_empty() {
            true => "Nothing that was read allows anything.\n".to_owned(),
            false => view::rows_text(rows, &names),
        };
        output.data(&format!("{text}{}", view::layers()));
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

pub fn check(arguments: &Check, output: &Output) -> Ended {
    let text = syntax::decode(env::read(&arguments.file)?);
    let all = assertions(&text).with_context(|| format!("`{}`", arguments.file))?;
    let (state, side) = read(&arguments.state, &arguments.asked, output)?;
    let mut asking = Asking::new(&state, &side);
    let (mut listed, mut told, mut failed) = (Vec::new(), String::new(), 0_usize);
    for one in &all {
        let who = asking.called.subject(&one.who)?;
        let place = asking.called.place(&one.on)?;
        Asking::checked(&one.action, &place)?;
        let answer = asking.answer(&who, &one.action, &place);
        let holds = answer.word() == if one.allowed { "allow" } else { "deny" };
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

pub fn handover(arguments: &Handover, output: &Output) -> Ended {
    let ready = load::read(&arguments.file)?.ready(arguments.env.as_deref(), output)?;
    let compiled = ready.compile(&Placement::default(), output)?;
    let mut known: Vec<String> = ready.lake.access.keys().map(ToString::to_string).collect();
    known.extend(ready.lake.roles.values().map(crate::lake::Role::path));
    if !known.contains(&arguments.name) {
        let told =
            format!("there is no entry `{}`: there are {}", arguments.name, known.join(", "));
        return Err(Misuse(told).into());
    }
    let own = compiled.handovers.iter().filter(|one| one.access == arguments.name);
    let mut policies = Map::new();
    for one in own {
        policies.insert(one.to.clone(), one.policy.clone());
    }
    if let Some(folder) = &arguments.to {
        for (to, policy) in policies.iter() {
            let plain =
                |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
            let name =
                format!("{}-{}.json", arguments.name, to.chars().map(plain).collect::<String>());
            env::write(&folder.join(name), format!("{}\n", policy.to_json_pretty()).as_bytes())?;
        }
        output.progress(&format!("{} policies: {folder}", policies.iter().count()));
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
    Ok(Exit::Ok)
}
