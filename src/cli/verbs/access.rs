//! `access`: questions about who may do what. `access diff`: what a change of policies lets in.

use anyhow::{Context, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::output::Output;
use crate::cli::{Ended, Exit, env};
use crate::document::{Map, Value};
use crate::render::access::{self as view, Subject};
use crate::verdict::{self, Comparison, Document, Kind, Options, Verdict};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Say what one policy allows that another does not, with a request that proves it
    #[command(
        after_help = "Examples:\n  lakewright access diff old.json new.json --kind identity\n  lakewright access diff old.json new.json --kind resource --fail-on broadened\n  git show main:policy.json | lakewright access diff - policy.json --kind trust --json"
    )]
    Diff(Diff),
}

#[derive(Debug, Args)]
struct Diff {
    /// The policy as it was. `-` reads stdin.
    #[arg(required_unless_present = "pairs")]
    old: Option<Utf8PathBuf>,
    /// The policy as it will be. `-` reads stdin.
    #[arg(required_unless_present = "pairs")]
    new: Option<Utf8PathBuf>,
    /// What the policies are attached to.
    #[arg(long, value_enum, required_unless_present = "pairs")]
    kind: Option<Attached>,
    /// Exit 4 on any of these; incomparable and undecided count as broadened.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "VERDICT")]
    fail_on: Vec<Gate>,
    /// Let an undecided verdict pass --fail-on, and say why that is right.
    #[arg(long, value_name = "REASON")]
    allow_undecided: Option<String>,
    /// Also count requests that contradict what AWS says of its own context keys.
    #[arg(long)]
    no_axioms: bool,
    /// Compare many pairs: a line each of {"id", "kind", "old", "new"}, a line of JSON out for each.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["old", "new", "kind"])]
    pairs: Option<Utf8PathBuf>,
}

/// A kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Attached {
    /// Of a user, group or role.
    Identity,
    /// Who may assume a role.
    Trust,
    /// Of a bucket, a key, a topic.
    Resource,
}

/// A verdict that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Gate {
    Broadened,
    Narrowed,
}

impl From<Attached> for Kind {
    fn from(kind: Attached) -> Kind {
        match kind {
            Attached::Identity => Kind::Identity,
            Attached::Trust => Kind::Trust,
            Attached::Resource => Kind::Resource,
        }
    }
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    match arguments.question {
        Question::Diff(arguments) => diff(&arguments, output),
    }
}

fn diff(arguments: &Diff, output: &Output) -> Ended {
    let options = Options { axioms: !arguments.no_axioms, ..Options::default() };
    if let Some(pairs) = &arguments.pairs {
        return batch(pairs, &options, output);
    }
    let (Some(old), Some(new), Some(kind)) = (&arguments.old, &arguments.new, arguments.kind)
    else {
        return Err(anyhow!("name two policies and their --kind").into());
    };
    if old == new && old == "-" {
        return Err(anyhow!("only one of the two policies can be `-`").into());
    }
    let (kind, name) = (Kind::from(kind), if new == "-" { old } else { new });
    let (old, new) = (document(old, kind)?, document(new, kind)?);
    let comparison =
        verdict::compare(std::slice::from_ref(&old), std::slice::from_ref(&new), kind, &options);
    let exit = gate(&comparison, arguments);
    let subject = Subject { name: name.as_str(), kind, old: &old, new: &new };
    if output.json {
        output.document(view::json(&subject, &comparison), exit);
    } else {
        output.data(&view::text(&subject, &comparison));
    }
    if let (Some(reason), Verdict::Undecided) = (&arguments.allow_undecided, comparison.verdict) {
        output.report(&format!("undecided is let pass: {}", crate::render::escape(reason)));
    }
    Ok(exit)
}

/// Whether the run fails: what is not known counts as what is feared.
fn gate(comparison: &Comparison, arguments: &Diff) -> Exit {
    let undecided = arguments.allow_undecided.is_none();
    let fails = |gate: &Gate| match comparison.verdict {
        Verdict::Broadened => *gate == Gate::Broadened || (!comparison.exact && undecided),
        Verdict::Narrowed => *gate == Gate::Narrowed,
        Verdict::Incomparable => true,
        Verdict::Undecided => undecided,
        Verdict::Equivalent => false,
    };
    if arguments.fail_on.iter().any(fails) { Exit::Gate } else { Exit::Ok }
}

fn document(path: &Utf8Path, kind: Kind) -> anyhow::Result<Document> {
    let bytes = env::read(path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("`{path}` is not UTF-8"))?;
    let value = Value::from_json(&text).with_context(|| format!("`{path}` is not JSON"))?;
    Document::read(&value, kind).with_context(|| format!("`{path}` is no {} policy", word(kind)))
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Identity => "identity",
        Kind::Trust => "trust",
        Kind::Resource => "resource",
    }
}

/// One line in, one line out. A line that cannot be compared has `error` instead of a verdict, and the run ends with 1.
fn batch(path: &Utf8Path, options: &Options, output: &Output) -> Ended {
    let text =
        String::from_utf8(env::read(path)?).with_context(|| format!("`{path}` is not UTF-8"))?;
    let mut exit = Exit::Ok;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let answer = match pair(line, options) {
            Ok(answer) => answer,
            Err((id, error)) => {
                exit = Exit::Error;
                let mut map = Map::new();
                map.insert("id", id);
                map.insert("error", format!("{error:#}"));
                Value::Map(map)
            }
        };
        output.line(&answer);
    }
    Ok(exit)
}

fn pair(line: &str, options: &Options) -> Result<Value, (Value, anyhow::Error)> {
    let value = Value::from_json(line).map_err(|error| (Value::Null, error.into()))?;
    let id = value.get("id").cloned().unwrap_or_default();
    let read = || -> anyhow::Result<Comparison> {
        let kind = match value.get("kind").and_then(Value::as_str) {
            Some("identity") => Kind::Identity,
            Some("trust") => Kind::Trust,
            Some("resource") => Kind::Resource,
            _ => return Err(anyhow!("`kind` must be `identity`, `trust` or `resource`")),
        };
        let side = |name: &str| -> anyhow::Result<Vec<Document>> {
            let documents = match value.get(name) {
                Some(Value::List(list)) => list.iter().collect(),
                Some(one) => vec![one],
                None => return Err(anyhow!("`{name}` is missing")),
            };
            let read = |document| Document::read(document, kind).map_err(anyhow::Error::from);
            documents
                .into_iter()
                .map(read)
                .collect::<anyhow::Result<_>>()
                .with_context(|| format!("`{name}`"))
        };
        Ok(verdict::compare(&side("old")?, &side("new")?, kind, options))
    };
    let comparison = read().map_err(|error| (id.clone(), error))?;
    let Value::Map(mut map) = view::comparison(&comparison) else { return Ok(id) };
    map.insert("id", id);
    Ok(Value::Map(map))
}
