//! Each page in `docs/codes` tells the truth: what it calls wrong gives its code, what it calls right
//! does not. Every page has a title, a cause, both examples, and both are run; none is left out.
//!
//! The examples have one of three forms, told apart by their fences:
//!
//! - `yaml`: a spec, through the front end and the compiler. An example of the syntax block (LW01) may
//!   be a piece of one.
//! - `yaml` below `## Deployed` as well: that spec is applied in the sandbox first, by the binary; then
//!   the examples are planned, with the flags that stand in their sections.
//! - `scenario`: a script in the language of `tests/scenarios/README.md`, played by the binary against
//!   the sandbox. The last command of the wrong one says the code; the right one goes on where the wrong
//!   one ended, and its last command ends well and says no error.

#[path = "scenarios/script.rs"]
mod script;
#[path = "scenarios/stage.rs"]
mod stage;
mod support;

use lakewright::diagnostic::{Code, Diagnostics, Severity};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::render::diagnostics::{Style, text as render};
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::{check, compile, resolve, syntax};
use script::{Step, What};
use stage::Stage;

/// How many pages are played at once: most of their time is waiting.
const AT_ONCE: usize = 8;

/// The text below a heading, up to the next one.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    Some(rest.split_once("\n## ").map_or(rest, |(section, _)| section))
}

/// The first fenced block of a kind.
fn block<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("```{kind}\n"))?;
    rest.split_once("```").map(|(block, _)| block)
}

/// Runs a page; the error says what is not as it says.
fn run(code: Code, page: &str) -> Result<(), String> {
    let (title, rest) = page.split_once('\n').ok_or("there is nothing below the title")?;
    let named = title.strip_prefix(&format!("# {code}: ")).is_some_and(|what| !what.is_empty());
    if !named {
        return Err(format!("the title is `{title}`"));
    }
    let cause = rest.split_once("\n## ").map_or(rest, |(cause, _)| cause);
    if cause.trim().len() < 60 {
        return Err("there is no cause below the title".into());
    }
    let wrong = section(page, "Wrong").ok_or("there is no `## Wrong`")?;
    let right = section(page, "Right").ok_or("there is no `## Right`")?;
    if let Some(deployed) = section(page, "Deployed") {
        let deployed = block(deployed, "yaml").ok_or("`## Deployed` has no spec")?;
        return planned(code, deployed, wrong, right);
    }
    match (block(wrong, "scenario"), block(right, "scenario")) {
        (Some(wrong), Some(right)) => played(code, wrong, right),
        (None, None) => {
            let wrong = block(wrong, "yaml").ok_or("`## Wrong` has no example")?;
            let right = block(right, "yaml").ok_or("`## Right` has no example")?;
            read(code, wrong, right)
        }
        _ => Err("one example is a scenario, the other is not".into()),
    }
}

/// Two specs, or pieces of them.
fn read(code: Code, wrong: &str, right: &str) -> Result<(), String> {
    let look = if code.as_str() < "LW02" { parsed } else { compiled };
    let (sources, found) = look("wrong.yaml", wrong);
    if found.iter().all(|one| one.code != code) {
        return Err(format!("the wrong example does not give it\n{}", shown(&sources, &found)));
    }
    if found.iter().any(|one| one.severity == Severity::Error && one.code != code) {
        return Err(format!("the wrong example gives others\n{}", shown(&sources, &found)));
    }
    let (sources, found) = look("right.yaml", right);
    match found.has_errors() || found.iter().any(|one| one.code == code) {
        true => Err(format!("the right example is wrong\n{}", shown(&sources, &found))),
        false => Ok(()),
    }
}

fn parsed(name: &str, text: &str) -> (Sources, Diagnostics) {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let (_, found) = syntax::parse(&sources, file);
    (sources, found)
}

/// The front end and, where it finds no error, what is made of the spec. Of scripts there is one.
fn compiled(name: &str, text: &str) -> (Sources, Diagnostics) {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let (tree, mut found) = syntax::parse(&sources, file);
    found.extend(check::spec(&tree, None));
    if found.has_errors() {
        return (sources, found);
    }
    let scripts: Scripts =
        ["jobs/clean.py", "clean.py", "enrich.py"].map(|path| (path.into(), "0".repeat(64))).into();
    for environment in resolve::environments(&tree) {
        let Some(lake) = resolve::resolve(&tree, environment).lake else { continue };
        let library = Library::built_in();
        let made = compile::compile(&lake, &library, &scripts, &Placement::default());
        found.extend(made.diagnostics);
    }
    (sources, found)
}

fn shown(sources: &Sources, found: &Diagnostics) -> String {
    render(found, sources, Style { all: true, ..Style::default() })
}

/// A spec that is deployed, and two that are planned after it.
fn planned(code: Code, deployed: &str, wrong: &str, right: &str) -> Result<(), String> {
    let mut stage = Stage::new();
    let mut plan = |spec: &str, verb: &str, flags: &[String]| {
        stage.write("lake.yaml", spec)?;
        let words: Vec<String> =
            script::split(verb).into_iter().chain(flags.iter().cloned()).collect();
        let exit = stage.run(&words)?;
        Ok::<_, String>((exit, stage.said.clone()))
    };
    let (exit, said) = plan(deployed, "apply --sandbox --auto-approve", &[])?;
    if exit != 0 {
        return Err(format!("what is deployed does not deploy\n{said}"));
    }
    let spec = |text| block(text, "yaml").ok_or_else(|| "an example has no spec".to_owned());
    let (exit, said) = plan(spec(wrong)?, "plan --sandbox", &flags(wrong))?;
    if exit != 1 || !tells(&said, code) {
        return Err(format!("the wrong example does not give it\n{said}"));
    }
    let (exit, said) = plan(spec(right)?, "plan --sandbox", &flags(right))?;
    match exit == 0 && !said.contains("error") {
        true => Ok(()),
        false => Err(format!("the right example is wrong\n{said}")),
    }
}

/// The consents that a section names.
fn flags(section: &str) -> Vec<String> {
    let mut words = section.split([' ', '`', '\n', '.', ':']).filter(|word| !word.is_empty());
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        if matches!(word, "--allow-destroy" | "--empty") {
            flags.extend([word.to_owned(), words.next().unwrap_or_default().to_owned()]);
        }
    }
    flags
}

/// Two scripts on one stage.
fn played(code: Code, wrong: &str, right: &str) -> Result<(), String> {
    let mut stage = Stage::new();
    let mut play = |heading: &str, text: &str| {
        let steps = script::parse(text).map_err(|error| format!("{heading}: {error}"))?;
        stage.perform(&steps).map_err(|error| format!("{heading}, line {error}"))?;
        let exit = match steps.iter().rev().find_map(|Step { what, .. }| match what {
            What::Run(run) => Some(run.exit),
            _ => None,
        }) {
            Some(exit) => exit,
            None => return Err(format!("{heading}: nothing is run")),
        };
        Ok((exit, stage.said.clone()))
    };
    let (_, said) = play("Wrong", wrong)?;
    if !tells(&said, code) {
        return Err(format!("the last command of the wrong example does not say it\n{said}"));
    }
    let (exit, said) = play("Right", right)?;
    match exit == 0 && !tells(&said, code) && !said.contains("error[") {
        true => Ok(()),
        false => Err(format!("the last command of the right example ends with {exit}\n{said}")),
    }
}

/// Whether the code is said as a finding: with its severity, behind a warning of a plan, or as what to
/// have explained.
fn tells(said: &str, code: Code) -> bool {
    ["error", "warning", "note"].iter().any(|word| said.contains(&format!("{word}[{code}]: ")))
        || said.contains(&format!(" ({code})"))
        || said.contains(&format!("= explain: lakewright explain {code}"))
}

#[test]
fn every_page_tells_the_truth() {
    let wanted = std::env::var("LAKEWRIGHT_CODE").unwrap_or_default();
    let pages: Vec<_> =
        Code::all().iter().filter(|(code, _)| code.as_str().contains(&wanted)).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((code, page)) =
                    pages.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(why) = run(*code, page) {
                        failures
                            .lock()
                            .expect("invariant: nobody panics with it")
                            .push(format!("--- {code}: {why}"));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("invariant: nobody panics with it");
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} pages:\n\n{}",
        failures.len(),
        pages.len(),
        failures.join("\n\n")
    );
}

/// A code without a page cannot be: `build.rs` makes the codes of the pages. A page that nothing in
/// `src` refers to is one that no run can give.
#[test]
fn every_code_is_used() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut source = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the source is readable") {
            let path = entry.expect("the source is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                source += &std::fs::read_to_string(path).expect("the source is text");
            }
        }
    }
    let code_lines: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let unused: Vec<Code> = Code::all()
        .iter()
        .filter(|(code, _)| !code_lines.contains(code.as_str()))
        .map(|(code, _)| *code)
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn a_page_that_does_not_tell_the_truth_is_found() {
    let code = Code::parse("LW0104").expect("a code");
    let cause = "A key may stand once in a map: which of the two values counts is nobody's guess.";
    let page = |wrong: &str, right: &str| {
        format!(
            "# LW0104: twice\n\n{cause}\n\n## Wrong\n\n```yaml\n{wrong}\n```\n\n## Right\n\n```yaml\n{right}\n```\n"
        )
    };
    assert_eq!(run(code, &page("a: 1\na: 2", "a: 1")), Ok(()));
    for (page, expected) in [
        (page("a: 1", "a: 1"), "the wrong example does not give it"),
        (page("a: 1\na: 2", "a: 1\na: 2"), "the right example is wrong"),
        (page("a: 1\na: 2", "a: 1").replace("## Right", "## Fine"), "there is no `## Right`"),
        (page("a: 1\na: 2", "a: 1").replace(cause, "Bad."), "there is no cause"),
        (page("a: 1\na: 2", "a: 1").replace("```yaml", "```"), "`## Wrong` has no example"),
    ] {
        let error = run(code, &page).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}
