//! `diff`: between two specs, two folders of templates, or one of each; no cloud.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use crate::cli::load::Ready;
use crate::cli::output::Output;
use crate::cli::planning::{self, Format};
use crate::cli::{Ended, Stop, env, load};
use crate::document::Value;
use crate::names::{AccountId, Region};
use crate::plan::{self, Context, Deployed};
use crate::resolve::DUMMY_ACCOUNT;
use crate::stacks::{Stack, StackKey};

#[derive(Debug, Args)]
pub struct Arguments {
    /// What is there: a spec or a folder of templates.
    old: Utf8PathBuf,
    /// What should be there: a spec or a folder of templates.
    new: Utf8PathBuf,
    /// The environment; needed where a spec has several.
    #[arg(long, env = "LAKEWRIGHT_ENV", value_name = "NAME")]
    env: Option<String>,
    /// Exit 2 if there are differences, 0 if there are none.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write Markdown for a comment on a pull request.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// With --markdown: at most this many bytes.
    #[arg(long, value_name = "N", default_value_t = 60_000, requires = "markdown")]
    max_bytes: usize,
}

/// What to type where there is neither file nor folder.
const INSTEAD: &str =
    "name a spec, or a folder of templates (`lakewright compile --out DIR` writes one)";

/// One side: templates, or a spec with its stacks.
enum Side {
    Templates(Vec<(StackKey, Value)>),
    Spec(Box<Ready>, Vec<Stack>),
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    let environment = arguments.env.as_deref();
    let mut old = match side(&arguments.old, environment, output)? {
        Side::Templates(templates) => Deployed::from_templates(templates),
        Side::Spec(_, stacks) => Deployed::from_stacks(stacks),
    };
    let plan = match side(&arguments.new, environment, output)? {
        Side::Spec(ready, _) => {
            // What is in the old templates keeps its stack, as it would when it is deployed.
            let compiled = ready.compile(&old.placement(), output)?;
            plan::diff(&old, compiled.stacks, &planning::context(&ready, Vec::new()))
        }
        Side::Templates(templates) => {
            // A folder of templates says nothing of the stacks' tags.
            old.stacks.values_mut().for_each(|stack| stack.tags = None);
            let home = templates.first().map(|(key, _)| key.region.clone());
            let context = Context::new(
                "",
                environment.unwrap_or(""),
                AccountId::new(DUMMY_ACCOUNT).expect("invariant: 12 digits"),
                home.unwrap_or_else(|| Region::new("us-east-1").expect("invariant: a region")),
            );
            plan::diff(&old, plan::rendered(templates), &context)
        }
    };
    let format = match arguments.markdown {
        true => Format::Markdown { most: arguments.max_bytes },
        false => Format::Text,
    };
    let exit = planning::ended(&plan, arguments.detailed_exitcode);
    planning::print(&plan, format, false, exit, output);
    Ok(exit)
}

fn side(path: &Utf8Path, environment: Option<&str>, output: &Output) -> Result<Side, Stop> {
    if env::is_folder(path) {
        return Ok(Side::Templates(planning::templates(path)?));
    }
    let (ready, stacks) = planning::compiled(load::read_or(path, INSTEAD)?, environment, output)?;
    Ok(Side::Spec(Box::new(ready), stacks))
}
