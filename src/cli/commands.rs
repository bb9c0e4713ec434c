//! The verbs and their flags: the whole command line, frozen in a snapshot (`tests/cli`).

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::Ended;
use super::output::Output;

use super::verbs;

/// Plans, diffs and applies a data lake on AWS from one YAML file, through CloudFormation.
#[derive(Debug, Parser)]
#[command(
    name = "lakewright",
    version,
    max_term_width = 100,
    after_help = "Start here:\n  lakewright init                        write a spec to start from\n  lakewright plan --sandbox              see what would be made, without an AWS account\n  lakewright apply --sandbox             make it in the embedded cloud\n\nExit codes: 0 ok, 1 error, 2 changes (--detailed-exitcode), 3 layout differs, 4 a gate failed,\n5 locked, 6 plan is stale, 7 failed and rolled back, 8 failed and needs recovery, 130 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every verb.
#[derive(Debug, Args)]
pub struct Global {
    /// Write JSON to stdout instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// The same as --color never.
    #[arg(long, global = true, hide = true)]
    pub no_color: bool,
    /// Say errors only.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print every finding, not the first 20.
    #[arg(long, global = true)]
    pub all: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// The spec and the environment.
#[derive(Debug, Args)]
pub struct Spec {
    /// The spec. `-` reads stdin.
    #[arg(value_name = "FILE", default_value = "lake.yaml")]
    pub file: Utf8PathBuf,
    /// The environment; needed where the spec has several.
    #[arg(long, env = "LAKEWRIGHT_ENV", value_name = "NAME")]
    pub env: Option<String>,
}

/// Which cloud.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// Use the embedded cloud, kept in DIR (default: `.lakewright/sandbox` beside the spec).
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "the flag, the flag with a folder, neither")]
    pub sandbox: Option<Option<Utf8PathBuf>>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a spec to start from
    #[command(
        after_help = "Examples:\n  lakewright init\n  lakewright init medallion --set lake=acme --set region=eu-west-1\n  lakewright init --list"
    )]
    Init(verbs::init::Arguments),
    /// Check a spec, in one environment or in all
    #[command(
        after_help = "Examples:\n  lakewright validate\n  lakewright validate other.yaml --env prod\n  lakewright validate --json | jq '.diagnostics[].summary'"
    )]
    Validate(verbs::validate::Arguments),
    /// Print the JSON Schema of the spec, for editors
    #[command(
        after_help = "Example:\n  lakewright schema > lake.schema.json\n  # then, as the first line of lake.yaml: # yaml-language-server: $schema=lake.schema.json"
    )]
    Schema(verbs::schema::Arguments),
    /// Bring a spec into the canonical layout
    #[command(
        after_help = "Examples:\n  lakewright fmt\n  lakewright fmt --check    # exit 3 if a file is not in the layout"
    )]
    Fmt(verbs::fmt::Arguments),
    /// Write the CloudFormation templates of a spec
    #[command(
        after_help = "Examples:\n  lakewright compile --env prod --out templates\n  lakewright compile | less"
    )]
    Compile(verbs::compile::Arguments),
    /// Show what would happen, and which line of the spec causes it
    #[command(
        after_help = "Examples:\n  lakewright plan --sandbox\n  lakewright plan --env prod --out prod.plan --detailed-exitcode\n  lakewright plan --offline               # against nothing, without credentials\n  lakewright plan --against templates/    # against rendered templates"
    )]
    Plan(verbs::plan::Arguments),
    /// Show a saved plan
    #[command(
        after_help = "Examples:\n  lakewright show prod.plan\n  lakewright show prod.plan --json\n  lakewright show prod.plan --markdown --max-bytes 60000"
    )]
    Show(verbs::show::Arguments),
    /// Show what differs between two specs or folders of templates, without a cloud
    #[command(
        after_help = "Examples:\n  lakewright diff old.yaml new.yaml --env prod\n  lakewright diff templates/ lake.yaml\n  lakewright diff templates-old/ templates-new/ --detailed-exitcode"
    )]
    Diff(verbs::diff::Arguments),
    /// Show what a change lets in, takes away and breaks, for whoever has to approve it
    #[command(
        after_help = "A state is a spec, a template, a folder of templates, git:REV[:PATH], plan:FILE, deployed, live, or - for stdin.\nOne that stands alone is compared with the spec (git:REV, deployed) or with nothing; a plan with what it changes.\n\nExamples:\n  lakewright review                                  # git:HEAD against lake.yaml\n  lakewright review git:origin/main git:HEAD --env prod --fail-on broadened\n  lakewright review prod.plan --format markdown > comment.md\n  lakewright review git:main --format sarif > access.sarif"
    )]
    Review(verbs::review::Arguments),
    /// Ask who may do what, and what a change lets in
    #[command(
        after_help = "Examples:\n  lakewright access who sales.orders --env prod\n  lakewright access can role/Analyst read raw/ --env prod --expect deny\n  lakewright access diff git:main lake.yaml --env prod --fail-on broadened\n  lakewright access diff templates-old/ templates-new/\n  lakewright access rules --env prod --fail-on high"
    )]
    Access(verbs::access::Arguments),
    /// Make the lake what the spec says
    #[command(
        after_help = "Examples:\n  lakewright apply --sandbox\n  lakewright apply prod.plan                    # exactly this plan, or exit 6\n  lakewright apply --env prod --auto-approve    # in CI"
    )]
    Apply(verbs::apply::Arguments),
    /// Print the names of what is deployed
    #[command(
        after_help = "Examples:\n  lakewright output --sandbox\n  lakewright output --env prod --json\n  lakewright output --env prod --handover    # the other accounts' halves of grants"
    )]
    Output(verbs::output::Arguments),
    /// Delete the stacks, and keep what holds data
    #[command(
        after_help = "Examples:\n  lakewright destroy --sandbox\n  lakewright destroy --env dev --allow-destroy raw --empty raw"
    )]
    Destroy(verbs::destroy::Arguments),
    /// Show where the account is not what was deployed
    #[command(
        after_help = "Examples:\n  lakewright drift --sandbox\n  lakewright drift --env prod --detailed-exitcode --json"
    )]
    Drift(verbs::drift::Arguments),
    /// Show the stacks of a lake, and who is at work
    #[command(after_help = "Example:\n  lakewright status --env prod")]
    Status(verbs::status::Arguments),
    /// Take back stacks that are stuck in a failed update
    #[command(after_help = "Example:\n  lakewright recover --env prod")]
    Recover(verbs::recover::Arguments),
    /// Print the policies that people and pipelines need, and the vocabulary that all policies are made of
    #[command(
        after_help = "Examples:\n  lakewright policies deployer --env prod --for plan\n  lakewright policies deployer --env prod --for boundary --out policies/\n  lakewright policies deployer --env prod --for apply --json | jq '.policies[].document'\n  lakewright policies show s3-delete"
    )]
    Policies(verbs::policies::Arguments),
    /// Explain a code, such as LW0203
    #[command(
        after_help = "Examples:\n  lakewright explain LW0203\n  lakewright explain 203\n  lakewright explain --list    # every code with its title"
    )]
    Explain(verbs::explain::Arguments),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  lakewright completions bash > ~/.local/share/bash-completion/completions/lakewright"
    )]
    Completions(verbs::completions::Arguments),
}

impl Command {
    /// Whether JSON was asked for by a flag of the verb.
    pub fn is_json(&self) -> bool {
        matches!(self, Command::Review(arguments) if arguments.is_json())
    }

    /// Runs the verb.
    pub fn run(self, output: &Output) -> Ended {
        match self {
            Command::Init(arguments) => verbs::init::run(arguments, output),
            Command::Validate(arguments) => verbs::validate::run(arguments, output),
            Command::Schema(arguments) => verbs::schema::run(arguments, output),
            Command::Fmt(arguments) => verbs::fmt::run(arguments, output),
            Command::Compile(arguments) => verbs::compile::run(arguments, output),
            Command::Plan(arguments) => verbs::plan::run(arguments, output),
            Command::Show(arguments) => verbs::show::run(arguments, output),
            Command::Diff(arguments) => verbs::diff::run(arguments, output),
            Command::Review(arguments) => verbs::review::run(arguments, output),
            Command::Access(arguments) => verbs::access::run(arguments, output),
            Command::Apply(arguments) => verbs::apply::run(arguments, output),
            Command::Output(arguments) => verbs::output::run(arguments, output),
            Command::Destroy(arguments) => verbs::destroy::run(arguments, output),
            Command::Drift(arguments) => verbs::drift::run(arguments, output),
            Command::Status(arguments) => verbs::status::run(arguments, output),
            Command::Recover(arguments) => verbs::recover::run(arguments, output),
            Command::Policies(arguments) => verbs::policies::run(arguments, output),
            Command::Explain(arguments) => verbs::explain::run(arguments, output),
            Command::Completions(arguments) => verbs::completions::run(arguments, output),
        }
    }
}
