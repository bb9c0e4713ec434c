//! `access`: questions about who may do what. `access diff`: what a change lets in.

use anyhow::{Context, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueEnum};

use super::{handover, questions, rules};
use crate::access::{self, Compared};

use crate::cli::asked::{Asked, let_pass};
use crate::cli::output::Output;
use crate::cli::states::Content;
use crate::cli::{Ended, Exit, Misuse, env};
use crate::document::{Map, Value};
use crate::render::access::{self as view, Subject};
use crate::render::access_states::{self, View};
use crate::verdict::{self, Comparison, Document, Kind, Options, Verdict};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Say what one state allows that another does not, with a request that proves it
    #[command(
        after_help = "A state is a spec, a template, a folder of templates, a policy document, git:REV[:PATH], plan:FILE,\ndeployed, live, or - for stdin.\n\nExamples:\n  lakewright access diff git:main lake.yaml --env prod --fail-on broadened\n  lakewright access diff deployed plan:prod.plan --env prod\n  lakewright access diff deployed live --env prod    # what was changed by hand\n  lakewright access diff templates-old/ templates-new/ --json\n  git show main:policy.json | lakewright access diff - policy.json --kind identity"
    )]
    Diff(Diff),
    /// Say whether a principal can do something to a place, directly or through others
    #[command(
        after_help = "`manage` is to change who gets in. `ALLOWED for some of it` is an answer with an object that is reached and one that is not: `--expect allow` holds where all of the place is reached, `--expect deny` where nothing is.\n\nExamples:\n  lakewright access can role/Analyst read marts --env prod\n  lakewright access can account/444455556666 s3:GetObject raw/ledger/ --expect deny"
    )]
    Can(questions::Can),
    /// Say who can read, write or delete at a place, or change who gets in
    #[command(
        after_help = "Examples:\n  lakewright access who bronze/orders/ --env prod\n  lakewright access who keys.raw templates/ --json\n  lakewright access who sales.orders live --env prod    # as the account has it"
    )]
    Who(questions::Who),
    /// Say which places a principal reaches
    #[command(
        after_help = "Examples:\n  lakewright access what role/Analyst --env prod\n  lakewright access what arn:aws:iam::111122223333:role/ci deployed"
    )]
    What(questions::What),
    /// Check what a file says that principals can and cannot do
    #[command(
        after_help = "The file is a list, such as\n  - { who: role/Analyst, can: read, on: marts }\n  - { who: role/Analyst, cannot: [write, delete], on: [bronze/, marts] }\n\n`can` holds where all of the place is reached, `cannot` where nothing of it is.\n\nExample:\n  lakewright access check access.yaml --env prod    # exit 4 if one does not hold"
    )]
    Check(questions::Check),
    /// List what the rules find in a state, and what waivers silence
    #[command(
        after_help = "Examples:\n  lakewright access rules --env prod --fail-on high\n  lakewright access rules templates/ --json\n  lakewright access rules --list"
    )]
    Rules(rules::Rules),
    /// Print the other account's half of an entry of `access`
    #[command(
        after_help = "Examples:\n  lakewright access handover partner --env prod\n  lakewright access handover partner --env prod --to handover/"
    )]
    Handover(handover::Arguments),
}

#[derive(Debug, Args)]
struct Diff {
    /// The state as it was.
    #[arg(required_unless_present_any = ["pairs", "list_kinds"])]
    old: Option<String>,
    /// The state as it will be.
    #[arg(required_unless_present_any = ["pairs", "list_kinds"])]
    new: Option<String>,
    /// What two policy documents are attached to.
    #[arg(long, value_enum)]
    kind: Option<Attached>,
    #[command(flatten)]
    asked: Asked,
    /// Exit 4 on any of these; incomparable and undecided count as broadened.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "VERDICT")]
    fail_on: Vec<Gate>,
    /// Let an undecided verdict pass --fail-on, and say why that is right.
    #[arg(long, value_name = "REASON")]
    allow_undecided: Option<String>,
    /// Also count requests that contradict what AWS says of its own context keys.
    #[arg(long)]
    no_axioms: bool,
    /// List the resource types whose say in access is read.
    #[arg(long, conflicts_with_all = ["old", "new", "pairs"])]
    list_kinds: bool,
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
        Question::Can(arguments) => questions::can(&arguments, output),
        Question::Who(arguments) => questions::who(&arguments, output),
        Question::What(arguments) => questions::what(&arguments, output),
        Question::Check(arguments) => questions::check(&arguments, output),
        Question::Rules(arguments) => rules::run(&arguments, output),
        Question::Handover(arguments) => handover::run(&arguments, output),
    }
}

fn diff(arguments: &Diff, output: &Output) -> Ended {
    let plain = Options { axioms: !arguments.no_axioms, ..Options::default() };
    if let Some(pairs) = &arguments.pairs {
        return batch(pairs, &plain, output);
    }
    let options = Options { witnesses: Options::SHOWN, ..plain };
    if arguments.list_kinds {
        match output.json {
            true => output.document(access_states::kinds_json(), Exit::Ok),
            false => output.data(&access_states::kinds_text()),
        }
        return Ok(Exit::Ok);
    }
    let (Some(old), Some(new)) = (&arguments.old, &arguments.new) else {
        return Err(Misuse("name two states".to_owned()).into());
    };
    if old == new && old == "-" {
        return Err(Misuse("only one of the two states can be `-`".to_owned()).into());
    }
    let (before, after) = arguments.asked.sides(old, new, output)?;
    match (before.content, after.content) {
        (Content::Policy(before), Content::Policy(after)) => {
            let Some(kind) = arguments.kind else {
                return Err(Misuse(
                    "say what the policies are attached to: --kind identity, trust or resource"
                        .into(),
                )
                .into());
            };
            let name = if new == "-" { old } else { new };
            let (before, after) = (policy(old, &before, kind)?, policy(new, &after, kind)?);
            policies(arguments, name, kind.into(), &before, &after, &options, output)
        }
        (Content::State(before_state), Content::State(after_state)) => {
            if arguments.kind.is_some() {
                return Err(Misuse("--kind is for two policy documents".to_owned()).into());
            }
            let (mut before_state, mut after_state) = (*before_state, *after_state);
            arguments.asked.supply(&mut [&mut before_state, &mut after_state])?;
            let compared = access::compare(&before_state, &after_state, &options);
            let spec = after.spec.as_ref().or(before.spec.as_ref());
            let place = |path: &str| spec.map(|spec| spec.cause(path));
            let index = access::Index::new(&after_state);
            let view = View { compared: &compared, new: &index, place: &place };
            let exit = gate(&compared, arguments);
            match output.json {
                true => output.document(access_states::json(&view), exit),
                false => output.data(&access_states::text(&view)),
            }
            let undecided = compared.verdict() == Verdict::Undecided;
            let_pass(arguments.allow_undecided.as_deref(), undecided, output);
            Ok(exit)
        }
        _ => {
            let told = "one of the two is a policy document and the other a state: compare a policy with a policy";
            Err(Misuse(told.to_owned()).into())
        }
    }
}

fn policies(
    arguments: &Diff,
    name: &str,
    kind: Kind,
    old: &Document,
    new: &Document,
    options: &Options,
    output: &Output,
) -> Ended {
    let (before, after) = (std::slice::from_ref(old), std::slice::from_ref(new));
    let comparison = verdict::compare(before, after, kind, options);
    let exit = exit(arguments, &[(comparison.verdict, comparison.exact)]);
    let subject = Subject { name, kind, old, new };
    match output.json {
        true => output.document(view::json(&subject, &comparison), exit),
        false => output.data(&view::text(&subject, &comparison)),
    }
    let undecided = comparison.verdict == Verdict::Undecided;
    let_pass(arguments.allow_undecided.as_deref(), undecided, output);
    Ok(exit)
}

fn gate(compared: &Compared, arguments: &Diff) -> Exit {
    let all: Vec<_> =
        compared.rows.iter().map(|row| (row.verdict(), row.comparison.exact)).collect();
    exit(arguments, &all)
}

/// Whether the run fails: what is not known counts as what is feared.
fn exit(arguments: &Diff, verdicts: &[(Verdict, bool)]) -> Exit {
    let undecided = arguments.allow_undecided.is_none();
    let fails = |gate: &Gate, verdict, exact: bool| match verdict {
        Verdict::Broadened => *gate == Gate::Broadened || (!exact && undecided),
        Verdict::Narrowed => *gate == Gate::Narrowed,
        Verdict::Incomparable => true,
        Verdict::Undecided => undecided,
        Verdict::Equivalent => false,
    };
    let fails = |gate| verdicts.iter().any(|(verdict, exact)| fails(gate, *verdict, *exact));
    if arguments.fail_on.iter().any(fails) { Exit::Gate } else { Exit::Ok }
}

fn policy(name: &str, value: &Value, kind: Attached) -> anyhow::Result<Document> {
    let kind = Kind::from(kind);
    Document::read(value, kind).with_context(|| format!("`{name}` is no {} policy", word(kind)))
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
        String::from_utf8(env::named(path, "name a file with a pair of policies on each line")?)
            .with_context(|| format!("`{path}` is not UTF-8"))?;
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
