//! `review`: what a reviewer of a change has to know.

use std::collections::BTreeMap;

use anyhow::anyhow;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};

use crate::access::{Index, State};
use crate::cli::asked::{Asked, let_pass};
use crate::cli::called::Called;
use crate::cli::load::Root;
use crate::cli::output::Output;
use crate::cli::planning;
use crate::cli::revision::Unknown;
use crate::cli::states::{self, Content, Side};
use crate::cli::{Ended, Exit, Misuse, Stop, entries, env, waiving};
use crate::lake::formation::{fits, tags_of_column};
use crate::lake::{Lake, Place, access::Verb};
use crate::plan::{self, Plan, file};
use crate::render::review::{self as view, View};
use crate::review::{self, About, Gate, Line, Need};
use crate::spec::reference::Principal;
use crate::syntax;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The state as it was, or a plan. With neither: what git's HEAD has of the spec, against the spec.
    old: Option<String>,
    /// The state as it will be.
    new: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<Format>,
    /// With --format markdown: leave out folds until it has at most this many bytes.
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    max_bytes: usize,
    /// Print the statements of policies that changed.
    #[arg(long)]
    policies: bool,
    /// Exit 4 on any of these; what is undecided counts as each of them.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    fail_on: Vec<FailOn>,
    /// Let what is undecided pass --fail-on, and say why that is right.
    #[arg(long, value_name = "REASON")]
    allow_undecided: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// As --json.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// For code scanning.
    Sarif,
}

/// What fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Anything is newly allowed.
    Broadened,
    /// Something is open to everybody, or no longer kept closed.
    Public,
    /// Somebody of another account gains something.
    CrossAccount,
    /// Somebody gains the right to change who gets in.
    Admin,
    /// Somebody can newly act as somebody else.
    Escalation,
}

impl From<FailOn> for Gate {
    fn from(gate: FailOn) -> Gate {
        match gate {
            FailOn::Broadened => Gate::Broadened,
            FailOn::Public => Gate::Public,
            FailOn::CrossAccount => Gate::CrossAccount,
            FailOn::Admin => Gate::Admin,
            FailOn::Escalation => Gate::Escalation,
        }
    }
}

impl Arguments {
    /// Whether JSON was asked for by its other name.
    pub fn is_json(&self) -> bool {
        self.format == Some(Format::Json)
    }
}

/// One side as it was typed.
struct Named {
    name: String,
    commit: Option<String>,
    side: Side,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let format = match (output.json, arguments.format) {
        (true, None | Some(Format::Json)) => Format::Json,
        (true, Some(_)) => {
            let told = "--json is --format json: leave out one of the two";
            return Err(Misuse(told.to_owned()).into());
        }
        (false, form) => form.unwrap_or(Format::Text),
    };
    let (mut old, mut new, plan) = both(&arguments, output)?;
    let (mut before, mut after) = (state(&mut old)?, state(&mut new)?);
    arguments.asked.supply(&mut [&mut before, &mut after])?;
    let lake = new.side.spec.as_ref().or(old.side.spec.as_ref()).map(|spec| &spec.lake);
    let about = about(lake, plan.as_ref());
    let needs = new.side.spec.as_ref().map(|spec| needs(&spec.lake, &after));
    let (old_index, new_index) = (Index::new(&before), Index::new(&after));
    let line = |cause: plan::Cause| {
        let plan::Cause { path, file, line } = cause;
        Line { path, file, line, is_before: false }
    };
    let (old_place, new_place) =
        (|cause: &_| line(old.side.place(cause)), |cause: &_| line(new.side.place(cause)));
    let (was, is) = (old.side.spec.as_deref(), new.side.spec.as_deref());
    let gone = entries::differing(is, was, &before);
    let come = entries::differing(was, is, &after);
    let found = review::review(
        &review::Side {
            name: old.name.clone(),
            commit: old.commit.clone(),
            index: &old_index,
            place: &old_place,
            differs: &gone,
        },
        &review::Side {
            name: new.name.clone(),
            commit: new.commit.clone(),
            index: &new_index,
            place: &new_place,
            differs: &come,
        },
        about,
        &needs.unwrap_or_default(),
        &asked(&old.side, &new.side, output),
    );
    let passes = arguments.allow_undecided.is_some();
    let mut wanted: Vec<Gate> = arguments.fail_on.iter().copied().map(Gate::from).collect();
    wanted.sort();
    wanted.dedup();
    let gates: Vec<(Gate, Option<String>)> =
        wanted.into_iter().map(|gate| (gate, found.trips(gate, passes))).collect();
    let exit = match gates.iter().any(|(_, why)| why.is_some()) {
        true => Exit::Gate,
        false => Exit::Ok,
    };
    let command = command(&arguments, &old, &new);
    let view = View {
        review: &found,
        gates: &gates,
        allow_undecided: arguments.allow_undecided.as_deref(),
        all: output.shows_all(),
        statements: arguments.policies,
        command: &command,
        version: env!("CARGO_PKG_VERSION"),
    };
    match format {
        Format::Text => output.data(&view::text(&view)),
        Format::Json => output.document(view::json(&view), exit),
        Format::Markdown => output.data(&view::markdown(&view, arguments.max_bytes)),
        Format::Sarif => output.foreign(&view::sarif(&view, arguments.asked.spec.as_str())),
    }
    if format != Format::Json {
        let_pass(arguments.allow_undecided.as_deref(), found.is_open(), output);
    }
    Ok(exit)
}

/// The state of a side; the side keeps what is needed to speak of it.
fn state(named: &mut Named) -> Result<State, Stop> {
    let nothing = Content::State(Box::default());
    match std::mem::replace(&mut named.side.content, nothing) {
        Content::State(state) => Ok(*state),
        Content::Policy(_) => {
            let told = format!(
                "`{}` is a policy document, and a review is of states: `lakewright access diff OLD NEW --kind identity` compares two policies",
                named.name
            );
            Err(Misuse(told).into())
        }
    }
}

/// Both sides, and the plan where there is one.
fn both(arguments: &Arguments, output: &Output) -> Result<(Named, Named, Option<About>), Stop> {
    let asked = &arguments.asked;
    let spec = asked.spec.as_str();
    let (old, new) = match (arguments.old.as_deref(), arguments.new.as_deref()) {
        (Some(old), Some(new)) => (Some(old), new),
        (Some(word), None) => {
            if let Some(plan) = plan_of(word, output)? {
                let about = About {
                    environment: plan.environment.clone(),
                    account: plan.account.to_string(),
                    ..About::default()
                };
                let (before, after) = Side::of_plan(&plan, output)?;
                let name = |text: &str, side| Named { name: text.to_owned(), commit: None, side };
                let after = name(word, after);
                return Ok((name("what is deployed", before), after, Some(about)));
            }
            match word == "deployed" || word == "live" || word.starts_with("git:") {
                true => (Some(word), spec),
                false => (None, word),
            }
        }
        (None, _) => (head(&asked.spec, output)?, spec),
    };
    if old == Some("-") && new == "-" {
        return Err(Misuse("only one of the two states can be `-`".to_owned()).into());
    }
    let named = |word: &str, side: Side| -> Named {
        Named { name: word.to_owned(), commit: commit(word, &asked.spec), side }
    };
    let Some(old) = old else {
        let side = asked.side(new, output)?;
        let nothing = Side::of(Content::State(Box::default()));
        let nothing = Named { name: "nothing".to_owned(), commit: None, side: nothing };
        return Ok((nothing, named(new, side), None));
    };
    let (before, after) = asked.sides(old, new, output)?;
    Ok((named(old, before), named(new, after), None))
}

/// What a review compares the spec with where nobody says: the last commit, or nothing where the spec is not in it yet.
fn head(spec: &Utf8Path, output: &Output) -> anyhow::Result<Option<&'static str>> {
    let typed = planning::typed(spec.as_str());
    let alone = format!("`lakewright review {typed}`, which compares it with nothing");
    if !env::exists(spec) {
        return Ok(None);
    }
    let root = Root::revision(spec, "HEAD").map_err(|error| match error.downcast_ref() {
        Some(Unknown::NoRepository(_)) => anyhow!(
            "`{spec}` is in no git repository, so there is no commit to compare it with: name two states, such as `lakewright review old.yaml {typed}`, or type {alone}"
        ),
        Some(Unknown::NoCommit(_)) => anyhow!(
            "the git repository has no commit yet that `{spec}` could be compared with: commit it first, or type {alone}"
        ),
        _ => error.context(format!(
            "there is no commit to compare `{spec}` with: name two states, or type {alone}"
        )),
    })?;
    if root.read(spec).is_err() {
        output.report(&format!(
            "`{spec}` is not in the last commit (git:HEAD), so it is compared with nothing: everything that it lets in is new.\n"
        ));
        return Ok(None);
    }
    Ok(Some("git:HEAD"))
}

/// The plan that a word names, by `plan:` or by what is in the file.
fn plan_of(word: &str, output: &Output) -> Result<Option<Plan>, Stop> {
    if let Some(path) = word.strip_prefix("plan:") {
        return states::plan(Utf8Path::new(path), output).map(Some);
    }
    let path = Utf8PathBuf::from(word);
    if word == "-" || word.starts_with("git:") || env::is_folder(&path) || !env::exists(&path) {
        return Ok(None);
    }
    let text = syntax::decode(env::read(&path)?);
    match file::is_plan(&text) {
        true => planning::saved(&path, &text, output).map(Some),
        false => Ok(None),
    }
}

/// The commit of a state that is one: seven digits of its hash.
fn commit(word: &str, spec: &Utf8Path) -> Option<String> {
    let revision = word.strip_prefix("git:")?;
    let (revision, path) = match revision.split_once(':') {
        Some((revision, path)) => (revision, Utf8Path::new(path)),
        None => (revision, spec),
    };
    match Root::revision(path, revision).ok()? {
        Root::Commit { commit, .. } => Some(commit.chars().take(7).collect()),
        Root::Here => None,
    }
}

/// The command that shows the same review wherever the commits are.
fn command(arguments: &Arguments, old: &Named, new: &Named) -> String {
    let word = |named: &Named| match (&named.commit, named.name.strip_prefix("git:")) {
        (Some(commit), Some(rest)) => {
            let path = rest.split_once(':').map_or(String::new(), |(_, path)| format!(":{path}"));
            format!("git:{commit}{path}")
        }
        _ => named.name.clone(),
    };
    let mut text = "lakewright review".to_owned();
    let single = arguments.new.is_none() && old.commit.is_none();
    for named in [old, new] {
        if !(single && std::ptr::eq(named, old)) {
            text += &format!(" {}", planning::typed(&word(named)));
        }
    }
    let asked = &arguments.asked;
    for (flag, value) in [
        ("--env", asked.env.as_deref()),
        ("--spec", Some(asked.spec.as_str()).filter(|spec| *spec != "lake.yaml")),
        ("--account", asked.account.as_deref()),
        ("--region", asked.region.as_deref()),
    ] {
        if let Some(value) = value {
            text += &format!(" {flag} {}", planning::typed(value));
        }
    }
    for (arn, file) in &asked.document {
        text += &format!(" --document {}", planning::typed(&format!("{arn}={file}")));
    }
    text
}

/// Who and what is asked about beside the verdict.
fn asked(old: &Side, new: &Side, output: &Output) -> review::Asked {
    let lake = |side: &Side| side.spec.as_ref().map(|spec| spec.lake.clone());
    let (before, after) = (lake(old), lake(new));
    review::Asked {
        keepers: after.as_ref().map(planning::keepers).unwrap_or_default(),
        around: waiving::around(after.as_ref().or(before.as_ref())),
        old_waivers: before.as_ref().map(waiving::of).unwrap_or_default(),
        new_waivers: after.as_ref().map(waiving::of).unwrap_or_default(),
        today: waiving::today(),
        all: output.shows_all(),
    }
}

fn about(lake: Option<&Lake>, plan: Option<&About>) -> About {
    let Some(lake) = lake else { return plan.cloned().unwrap_or_default() };
    let databases = lake.databases.values();
    About {
        environment: lake.home.environment.to_string(),
        account: lake.home.account.to_string(),
        region: lake.home.region.to_string(),
        databases: databases
            .map(|one| (one.catalog_name.to_string(), one.name.to_string()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// The flows of a lake, as questions.
fn needs(lake: &Lake, state: &State) -> Vec<Need> {
    let called = Called { state, lake: Some(lake) };
    let mut found = Vec::new();
    let mut need = |path: String, who: &str, verb: &'static str, place: &Place| {
        let word = place.to_string();
        if let (Ok(subject), Ok(asked)) = (called.subject(who), called.place(&word)) {
            let name = called.name_of(&subject);
            found.push(Need {
                path,
                who: subject,
                name,
                verb,
                place: word,
                targets: asked.targets,
            });
        }
    };
    for entry in lake.access.values() {
        for (path, grant) in entry.grants_by_path() {
            let verbs: &[&'static str] = match grant.verb {
                Verb::Read => &["read"],
                Verb::Write => &["write"],
                Verb::Delete => &["delete"],
                Verb::Admin => &["read", "write", "delete"],
            };
            for who in &entry.who {
                for verb in verbs {
                    need(path.clone(), &who.value.to_string(), verb, &grant.place.value);
                }
            }
        }
    }
    for entry in lake.access.values() {
        let Some(tagged) = &entry.tagged else { continue };
        for (database, table) in
            lake.governed().flat_map(|one| one.tables.values().map(move |table| (one, table)))
        {
            let carries =
                |column: &&str| fits(&tagged.value, &tags_of_column(database, table, column));
            if !table.column_names().iter().any(carries) {
                continue;
            }
            let place = Place::Table { database: database.name.clone(), table: table.name.clone() };
            for who in &entry.who {
                need(format!("{}.lf_tags", entry.path()), &who.value.to_string(), "read", &place);
            }
        }
    }
    for pipeline in lake.pipelines.values() {
        let own = Principal::Role { account: None, name: pipeline.role_name.clone() };
        let who = pipeline.role.as_ref().map_or(&own, |role| &role.value).to_string();
        for (verb, places) in [("read", &pipeline.read), ("write", &pipeline.write)] {
            for place in places {
                need(pipeline.path(), &who, verb, &place.value);
            }
        }
    }
    found
}
