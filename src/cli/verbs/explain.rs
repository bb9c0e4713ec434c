//! `explain`: the page of a code.

use anyhow::anyhow;
use clap::Args;

use crate::cli::output::Output;
use crate::cli::{Ended, Exit};
use crate::diagnostic::{Code, nearest};
use crate::document::Value;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The code, as a finding prints it.
    #[arg(value_name = "CODE", required_unless_present = "list")]
    code: Option<String>,
    /// List every code with its title.
    #[arg(long)]
    list: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    if arguments.list {
        if output.json {
            output.json(
                &Code::all().iter().map(|(code, page)| page_of(*code, page)).collect::<Value>(),
            );
        } else {
            for (_, page) in Code::all() {
                output.data(title(page));
            }
        }
        return Ok(Exit::Ok);
    }
    let typed = arguments.code.unwrap_or_default();
    let Some(code) = Code::parse(&typed) else {
        let known = Code::all().iter().map(|(code, _)| code.as_str());
        let hint = match nearest(&typed, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`lakewright explain --list` lists them".to_owned(),
        };
        return Err(anyhow!("there is no code `{typed}`: {hint}").into());
    };
    if output.json {
        output.json(&page_of(code, code.explanation()));
    } else {
        output.data(code.explanation());
    }
    Ok(Exit::Ok)
}

fn title(page: &str) -> &str {
    page.lines().next().unwrap_or("").trim_start_matches("# ")
}

fn page_of(code: Code, page: &str) -> Value {
    crate::document!({
        "code": (code.as_str()), "title": (title(page).to_owned()), "text": (page.to_owned())
    })
}
