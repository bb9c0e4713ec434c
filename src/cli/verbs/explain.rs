//! `explain`: the page of a code.

use clap::Args;

use crate::cli::completed::Completed;
use crate::cli::output::Output;
use crate::cli::{Ended, Exit, Misuse};
use crate::diagnostic::{Code, nearest};
use crate::document::{Map, Value};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The code, as a finding prints it; `203` is LW0203.
    #[arg(
        value_name = "CODE",
        required_unless_present = "list",
        value_parser = Completed(codes),
        hide_possible_values = true
    )]
    code: Option<String>,
    /// List every code with its title.
    #[arg(long)]
    list: bool,
}

pub fn run(arguments: Arguments, output: &Output) -> Ended {
    if arguments.list {
        if output.json {
            let all = Code::all().iter().map(|(code, page)| Value::Map(page_of(*code, page)));
            let mut body = Map::new();
            body.insert("codes", all.collect::<Value>());
            output.document(body, Exit::Ok);
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
        return Err(Misuse(format!("there is no code `{typed}`: {hint}")).into());
    };
    if output.json {
        output.document(page_of(code, code.explanation()), Exit::Ok);
    } else {
        output.data(code.explanation());
    }
    Ok(Exit::Ok)
}

/// Every code.
fn codes() -> Vec<String> {
    Code::all().iter().map(|(code, _)| code.to_string()).collect()
}

fn title(page: &str) -> &str {
    page.lines().next().unwrap_or("").trim_start_matches("# ")
}

fn page_of(code: Code, page: &str) -> Map {
    let mut map = Map::new();
    map.insert("code", code.as_str());
    map.insert("title", title(page).to_owned());
    map.insert("text", page.to_owned());
    map
}
