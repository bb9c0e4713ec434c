//! The language of the scenarios: a text in, steps out. `README.md` beside this file describes it.

/// A step and the line on which it stands.
#[derive(Debug)]
pub struct Step {
    pub line: usize,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// A command line and what is expected of it.
    Run(Run),
    /// Replaces one text by another, once.
    Edit {
        file: String,
        old: String,
        new: String,
    },
    Write {
        file: String,
        text: String,
    },
    /// Any other step: its first word, and the rest of its line.
    Do {
        verb: &'static str,
        rest: String,
    },
}

#[derive(Debug, Default)]
pub struct Run {
    /// The words after `lakewright`; `None`: what the last run said to type next.
    pub words: Option<Vec<String>>,
    pub exit: i32,
    pub says: Vec<Says>,
}

#[derive(Debug)]
pub struct Says {
    pub line: usize,
    pub text: String,
    /// Whether it must not be said.
    pub not: bool,
}

/// The steps that are one line.
const VERBS: [&str; 25] = [
    "use",
    "env",
    "fault",
    "faults",
    "gone",
    "large",
    "link",
    "pipe",
    "put",
    "hold",
    "unlock",
    "tamper",
    "make",
    "foreign",
    "left",
    "lock",
    "wait",
    "kill",
    "interrupt",
    "meanwhile",
    "forget",
    "keep",
    "disjoint",
    "json",
    "drop",
];

/// Reads a script. The error names the line.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, raw) in text.lines().enumerate() {
        let line = at + 1;
        let wrong = |what: &str| Err(format!("line {line}: {what}"));
        if let Some(inner) = raw.strip_prefix("    ") {
            match steps.last_mut().map(|step| &mut step.what) {
                Some(What::Run(run)) => {
                    let not = inner.strip_prefix("! ");
                    run.says.push(Says {
                        line,
                        text: not.unwrap_or(inner).to_owned(),
                        not: not.is_some(),
                    });
                }
                Some(What::Write { text, .. }) => {
                    text.push_str(inner);
                    text.push('\n');
                }
                Some(What::Edit { old, new, .. }) => {
                    let (to, rest) = match (inner.strip_prefix("- "), inner.strip_prefix("+ ")) {
                        (Some(rest), _) => (old, rest),
                        (_, Some(rest)) => (new, rest),
                        _ => return wrong("an edit has lines that begin with `- ` and `+ `"),
                    };
                    if !to.is_empty() {
                        to.push('\n');
                    }
                    to.push_str(rest);
                }
                _ => return wrong("there is nothing yet that could say this"),
            }
            continue;
        }
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            if let Some(What::Write { text, .. }) = steps.last_mut().map(|step| &mut step.what) {
                text.push('\n');
            }
            continue;
        }
        if trimmed.starts_with('#') {
            continue;
        }
        let (word, rest) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        let what = match word {
            ">" => match rest.strip_prefix("lakewright") {
                Some(words) => What::Run(Run { words: Some(split(words)), ..Run::default() }),
                None if rest == "next" => What::Run(Run::default()),
                None => return wrong("only lakewright is run"),
            },
            "exit" => {
                let Some(What::Run(run)) = steps.last_mut().map(|step| &mut step.what) else {
                    return wrong("there is no command whose exit code this is");
                };
                run.exit = match rest.parse() {
                    Ok(code) => code,
                    Err(_) => return wrong("an exit code is a number"),
                };
                continue;
            }
            "edit" => What::Edit { file: rest.into(), old: String::new(), new: String::new() },
            "write" => What::Write { file: rest.into(), text: String::new() },
            other => match VERBS.iter().find(|verb| **verb == other) {
                Some(verb) => What::Do { verb, rest: rest.to_owned() },
                None => return wrong(&format!("`{other}` is no step")),
            },
        };
        steps.push(Step { line, what });
    }
    Ok(steps)
}

/// Words of a command line; `'...'` holds blanks together.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
