//! A call that cannot be understood: what clap says of it, to people as clap says it, to programs in the
//! form that every finding has.

use std::ffi::OsString;
use std::io::Write;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::Exit;
use super::commands::{Cli, Color, Global};
use super::output::{Output, read_on};
use crate::diagnostic::{self, Diagnostic, Severity};

/// A mistake in the call that shows only after it was parsed: a word where another was wanted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub String);

/// Prints what was asked for (help, the version), or says what is wrong with the call. That is exit 1 and
/// not clap's 2, which would read as "changes" in a pipeline.
pub fn misused(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let words = typed(arguments);
    let output = Output::new(&global(&words), &verb(&words));
    let text = |color: bool| match color {
        true => error.render().ansi().to_string(),
        false => error.render().to_string(),
    };
    if !error.use_stderr() {
        output.data(&text(output.color_data));
        return Exit::Ok;
    }
    let examples = match error.kind() {
        ErrorKind::MissingRequiredArgument => examples(&words),
        _ => String::new(),
    };
    if output.json {
        let shown = examples.lines().map(str::trim).filter(|line| line.starts_with("lakewright "));
        output
            .keep_one(shown.fold(finding(error), |told, line| told.help(format!("as in: {line}"))));
        output.close(Exit::Error);
    } else {
        let named = format!("error[{}]:", diagnostic::LW0921);
        let text = text(output.color).replacen("error:", &named, 1);
        let mut text = text.trim_end().to_owned();
        if !examples.is_empty() {
            text += &format!("\n\n{examples}");
        }
        let _ = writeln!(std::io::stderr(), "{text}\n{}", read_on(diagnostic::LW0921));
    }
    Exit::Error
}

/// The examples of the verb that was called without all that it needs.
fn examples(words: &[&str]) -> String {
    let mut verb = Cli::command();
    for word in words {
        if let Some(found) = verb.find_subcommand(word) {
            verb = found.clone();
        }
    }
    let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
    help.find("Example").map_or(String::new(), |at| help[at..].trim_end().to_owned())
}

/// The words of the call that can be flags or the verb.
fn typed(arguments: &[OsString]) -> Vec<&str> {
    let words = arguments.iter().skip(1).map_while(|word| word.to_str());
    words.take_while(|word| *word != "--").collect()
}

/// The flags of every verb, as far as they can be made out.
fn global(words: &[&str]) -> Global {
    let has = |flag: &str| words.contains(&flag);
    let color = |wanted: &str| {
        has(&format!("--color={wanted}")) || words.windows(2).any(|two| two == ["--color", wanted])
    };
    Global {
        json: has("--json")
            || has("--format=json")
            || words.windows(2).any(|two| two == ["--format", "json"]),
        color: match (color("always"), color("never")) {
            (_, true) => Color::Never,
            (true, false) => Color::Always,
            (false, false) => Color::Auto,
        },
        no_color: has("--no-color"),
        quiet: false,
        verbose: false,
        all: false,
    }
}

/// The verb, if one was typed.
fn verb(words: &[&str]) -> String {
    let known = |word: &&&str| Cli::command().find_subcommand(word).is_some();
    words.iter().find(known).map_or(String::new(), |word| (*word).to_owned())
}

/// What clap says, as a finding: the mistake, then what it advises, then the usage.
fn finding(error: &clap::Error) -> Diagnostic {
    let new =
        |headline: String| Diagnostic::new(diagnostic::LW0921, Severity::Error, None, headline);
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        return new("no verb was given".to_owned()).help("`lakewright --help` lists the verbs");
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let mut headline = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let said =
        |line: &&str| !["tip:", "Usage:", "For more", "["].iter().any(|it| line.starts_with(it));
    let mut glue = " ";
    while headline.ends_with(':') || glue == ", " {
        let Some(line) = lines.next_if(said) else { break };
        headline += &format!("{glue}{line}");
        glue = ", ";
    }
    let mut told = new(headline);
    for line in lines.filter(|line| !line.starts_with("For more")) {
        told = match line.strip_prefix("tip: ") {
            Some(tip) => told.help(tip),
            None => told.note(line),
        };
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_one_line_and_its_advice() {
        let parse = |line: &str| {
            let error = Cli::command().try_get_matches_from(line.split(' ')).unwrap_err();
            finding(&error)
        };
        let told = parse("lakewright plan --ofline");
        assert_eq!(told.headline, "unexpected argument '--ofline' found");
        assert_eq!(told.help, ["a similar argument exists: '--offline'"]);
        let told = parse("lakewright explain");
        assert_eq!(told.headline, "the following required arguments were not provided: <CODE>");
        assert_eq!(parse("lakewright").headline, "no verb was given");
    }
}
