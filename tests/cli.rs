//! The command line as people and scripts depend on it: every verb's help word for word (`tests/cli/*.txt`; with
//! `SNAPSHOTS=overwrite` they are written anew, to be read before they are committed), the habits of Terraform, exit
//! codes of mistakes, colour, quiet, stdin. What `--json` prints is for `tests/schemas.rs`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use lakewright::cli::Cli;

const QUICKSTART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/lake.yaml");

/// lakewright in a folder of its own, with nothing in its environment.
struct Bench(tempfile::TempDir);

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Bench {
    fn new() -> Self {
        let bench = Bench(tempfile::tempdir().unwrap());
        fs::copy(QUICKSTART, bench.path("lake.yaml")).unwrap();
        bench
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn run(&self, line: &str) -> Said {
        self.with(line, &[], "")
    }

    fn with(&self, line: &str, env: &[(&str, &str)], stdin: &str) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lakewright"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who does not read its stdin may end before all of it is written.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        Said {
            code: status.code().expect("it was not killed"),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}

/// The names that the list of verbs in `--help` gives.
fn verbs(help: &str) -> Vec<String> {
    let (_, list) = help.split_once("Commands:\n").expect("there are verbs");
    let (list, _) = list.split_once("\n\n").expect("the list ends");
    list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_help_of_every_verb_is_frozen() {
    let bench = Bench::new();
    let top = bench.run("--help");
    assert_eq!(top.code, 0);
    let mut pages = vec![("lakewright".to_owned(), top.out.clone())];
    for verb in verbs(&top.out).into_iter().filter(|verb| verb != "help") {
        let page = bench.run(&format!("{verb} --help"));
        assert_eq!((page.code, page.err.as_str()), (0, ""), "{verb} --help");
        pages.push((verb, page.out));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let overwrite = std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
    let mut differ = Vec::new();
    for (name, page) in &pages {
        let file = folder.join(format!("{name}.txt"));
        // clap leaves blanks at the end of some lines.
        let page: String = page.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        if overwrite {
            fs::write(&file, &page).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != page {
            differ.push(format!("{}:\n{page}", file.display()));
        }
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !pages.iter().any(|(page, _)| *page == name) {
            differ.push(format!("{}: there is no such verb any more", path.display()));
        }
    }
    assert!(differ.is_empty(), "not as it was frozen:\n\n{}", differ.join("\n"));
}

#[test]
fn a_mistake_in_the_call_is_exit_1_and_never_reads_as_changes() {
    let bench = Bench::new();
    for (line, says) in [
        ("", "Usage: lakewright"),
        ("frobnicate", "unrecognized subcommand 'frobnicate'"),
        ("aply", "a similar subcommand exists: 'apply'"),
        ("plan --ofline", "a similar argument exists: '--offline'"),
        ("plan --offline --sandbox", "cannot be used with"),
        ("plan --env", "a value is required"),
        ("plan --env nowhere --offline", "there is no environment `nowhere`"),
        ("apply -x", "unexpected argument '-x'"),
        ("apply -outfile=x", "unexpected argument"),
        ("apply --lock-timeout soon", "invalid value 'soon'"),
        ("explain", "<CODE>"),
        ("explain LW9999", "there is no code `LW9999`"),
        ("completions tcsh", "invalid value 'tcsh'"),
        ("validate nowhere.yaml", "nowhere.yaml"),
        ("show lake.yaml", "LW0901"),
        ("plan --against nowhere", "`nowhere` is no folder of templates"),
        ("init", "lake.yaml"),
    ] {
        let said = bench.run(line);
        assert_eq!(said.code, 1, "lakewright {line}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "lakewright {line}: {}", said.err);
        assert_eq!(said.out, "", "lakewright {line} writes data");
    }
}

#[test]
fn help_and_version_are_data_and_no_error() {
    let bench = Bench::new();
    for line in ["--help", "-h", "help", "help plan", "plan -h", "--version", "-V"] {
        let said = bench.run(line);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "lakewright {line}");
        assert!(!said.out.is_empty());
    }
    assert_eq!(bench.run("--version").out, concat!("lakewright ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_words_of_terraform_are_taken() {
    let bench = Bench::new();
    assert_eq!(bench.run("plan --sandbox -detailed-exitcode").code, 2);
    assert_eq!(bench.run("plan --sandbox -out=first.plan").code, 0);
    assert!(bench.path("first.plan").exists());
    assert_eq!(bench.run("plan --sandbox -out second.plan -no-color").code, 0);
    assert!(bench.run("plan --sandbox -json").out.starts_with('{'));
    let said = bench.run("apply --sandbox -auto-approve");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(bench.run("plan --sandbox -destroy").out.contains("to destroy"));
}

#[test]
fn a_verb_takes_arguments_from_the_environment() {
    let bench = Bench::new();
    let env = [("LAKEWRIGHT_ARGS_plan", "--offline --detailed-exitcode")];
    assert_eq!(bench.with("plan", &env, "").code, 2);
    let said = bench.with("plan --offline", &[("LAKEWRIGHT_ENV", "nowhere")], "");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("there is no environment `nowhere`"), "{}", said.err);
    let note = "was not saved with --out";
    assert!(bench.run("plan --sandbox").out.contains(note));
    let quiet = bench.with("plan --sandbox", &[("LAKEWRIGHT_IN_AUTOMATION", "1")], "");
    assert!(!quiet.out.contains(note), "{}", quiet.out);
}

#[test]
fn completions_know_the_verbs_and_flags() {
    let bench = Bench::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = bench.run(&format!("completions {shell}"));
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{shell}");
        for word in verbs(&bench.run("--help").out).iter().filter(|verb| *verb != "help") {
            assert!(said.out.contains(word.as_str()), "{shell}: `{word}`");
        }
        for word in ["detailed-exitcode", "allow-destroy", "sandbox", "json"] {
            assert!(said.out.contains(word), "{shell}: `{word}`");
        }
        let json: serde_json::Value =
            serde_json::from_str(&bench.run(&format!("completions {shell} --json")).out).unwrap();
        assert_eq!(json["script"], said.out, "{shell}");
    }
}

#[test]
fn every_verb_has_examples_that_parse() {
    let command = Cli::command();
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let mut count = 0;
        for line in help.lines().filter(|line| line.trim().starts_with("lakewright ")) {
            // What the shell does with it, and remarks, are no arguments.
            let line = line.split(['|', '>', '#']).next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words.get(1), Some(&name), "an example of another verb: {line}");
            let parsed = Cli::command().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            count += 1;
        }
        assert!(count > 0, "{name} has no example");
    }
}

#[test]
fn verbose_says_what_is_there_and_stays_off_stdout() {
    let bench = Bench::new();
    let (less, more) = (bench.run("compile"), bench.run("compile -v"));
    assert_eq!(less.out, more.out);
    assert_eq!(less.err, "");
    for text in ["Lake quickstart-dev, environment dev", "Stack quickstart-dev-catalog"] {
        assert!(more.err.contains(text), "{}", more.err);
    }
    bench.run("apply --sandbox --auto-approve");
    let said = bench.run("plan --sandbox -v");
    assert!(said.err.contains("is deployed: CREATE_COMPLETE"), "{}", said.err);
    // Programs are told the same either way.
    assert_eq!(bench.run("plan --sandbox -v --json").err, "");
}

#[test]
fn the_environment_comes_from_a_variable_where_no_flag_says_it() {
    let bench = Bench::new();
    let spec = fs::read_to_string(QUICKSTART).unwrap();
    let two = spec.replace("environments:\n", "environments:\n  prod: { region: eu-west-1 }\n");
    fs::write(bench.path("two.yaml"), two).unwrap();
    for line in ["plan two.yaml --offline", "compile two.yaml", "diff two.yaml two.yaml"] {
        assert_eq!(bench.run(line).code, 1, "{line}");
        for (name, code) in [("prod", 0), ("nowhere", 1), ("", 1)] {
            let said = bench.with(line, &[("LAKEWRIGHT_ENV", name)], "");
            assert_eq!(said.code, code, "LAKEWRIGHT_ENV={name} {line}: {}", said.err);
        }
        let said = bench.with(&format!("{line} --env dev"), &[("LAKEWRIGHT_ENV", "nowhere")], "");
        assert_eq!(said.code, 0, "{line}: {}", said.err);
    }
    // Set to nothing, it is not set.
    let said = bench.with("plan --offline", &[("LAKEWRIGHT_ENV", "")], "");
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn help_and_mistakes_are_coloured_for_those_who_ask() {
    let bench = Bench::new();
    let colored = |said: &Said| said.out.contains('\u{1b}') || said.err.contains('\u{1b}');
    for line in ["plan --ofline", "plan --help"] {
        assert!(!colored(&bench.run(line)), "{line}");
        assert!(colored(&bench.run(&format!("{line} --color always"))), "{line}");
        assert!(!colored(&bench.run(&format!("{line} --color never"))), "{line}");
    }
}

#[test]
fn annotations_leave_data_alone() {
    let bench = Bench::new();
    fs::write(bench.path("bad.yaml"), "lakewright: 2\n").unwrap();
    for line in ["validate bad.yaml", "validate bad.yaml --json"] {
        let said = bench.with(line, &[("GITHUB_ACTIONS", "true")], "");
        assert!(said.err.contains("::error file=bad.yaml"), "{line}: {}", said.err);
        assert!(!said.out.contains("::error"), "{line}: {}", said.out);
    }
}

#[test]
fn every_code_is_explained() {
    let bench = Bench::new();
    let list = bench.run("explain --list").out;
    let codes: Vec<&str> = list.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert!(codes.len() > 50, "{list}");
    for code in &codes {
        let said = bench.run(&format!("explain {code}"));
        assert_eq!(said.code, 0, "{code}: {}", said.err);
        assert!(
            said.out.starts_with(&format!("# {code}: ")) && said.out.trim().lines().count() > 2,
            "{code}"
        );
    }
}

#[test]
fn colour_is_for_terminals_and_those_who_ask() {
    let bench = Bench::new();
    let colored = |said: &Said| said.out.contains('\u{1b}') || said.err.contains('\u{1b}');
    fs::write(bench.path("bad.yaml"), "lakewright: 2\n").unwrap();
    for line in [
        "plan --sandbox",
        "validate bad.yaml",
        "plan --sandbox --color never",
        "validate bad.yaml --no-color",
    ] {
        assert!(!colored(&bench.run(line)), "{line}");
    }
    for line in ["plan --sandbox --color always", "validate bad.yaml --color always"] {
        assert!(colored(&bench.run(line)), "{line}");
        // Who asks on the command line is heard before the environment.
        assert!(colored(&bench.with(line, &[("NO_COLOR", "1")], "")), "{line}");
    }
}

#[test]
fn quiet_says_errors_and_data_only() {
    let bench = Bench::new();
    let said = bench.run("apply --sandbox --auto-approve -q");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("Apply complete!"), "{}", said.out);
    let said = bench.run("plan --sandbox -q");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(!said.out.contains("Note:") && said.out.contains("No changes."), "{}", said.out);
    fs::write(bench.path("bad.yaml"), "lakewright: 2\n").unwrap();
    let said = bench.run("validate bad.yaml -q");
    assert!(said.code == 1 && said.err.contains("error[LW"), "{}", said.err);
}

#[test]
fn a_dash_is_stdin() {
    let bench = Bench::new();
    let spec = fs::read_to_string(QUICKSTART).unwrap();
    assert_eq!(bench.with("validate -", &[], &spec).code, 0);
    let plan = bench.with("plan - --offline --detailed-exitcode", &[], &spec);
    assert!(plan.code == 2 && plan.out.contains("to add"), "{}", plan.err);
    let formatted = bench.with("fmt -", &[], "{lakewright: 1, lake:   odd}");
    assert_eq!(formatted.code, 0, "{}", formatted.err);
    assert!(formatted.out == "{ lakewright: 1, lake: odd }\n", "{}", formatted.out);
    assert_eq!(bench.with("validate -", &[], "").code, 1);
}

fn git(folder: &Path, line: &str) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]);
    let words = line.split_whitespace();
    let done = git.args(words).current_dir(folder).output().expect("git runs");
    assert!(done.status.success(), "git {line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Wherever somebody stands in git, or outside of it: what is the matter, and what to type.
#[test]
fn a_review_says_what_to_type_where_git_has_no_answer() {
    let bench = Bench::new();
    let refused = |line: &str, says: &[&str]| {
        let said = bench.run(line);
        assert_eq!(said.code, 1, "{line}: {}{}", said.out, said.err);
        for text in says {
            assert!(said.err.contains(text), "{line}: `{text}` is not in\n{}", said.err);
        }
        assert!(!said.err.contains("fatal"), "git's own words: {}", said.err);
    };
    let alone = "`lakewright review lake.yaml`, which compares it with nothing";
    refused("review", &["`lake.yaml` is in no git repository", alone]);
    refused("review git:main", &["in no git repository", "instead of `git:main`"]);
    assert_eq!(bench.run("review lake.yaml").code, 0);

    git(&bench.path(""), "init -q -b main .");
    refused("review", &["has no commit yet that `lake.yaml`", "commit it first", alone]);
    refused("review git:main", &["the git repository has no commit yet"]);

    git(&bench.path(""), "commit -q --allow-empty -m nothing");
    let untracked = bench.run("review");
    assert_eq!(untracked.code, 0, "{}", untracked.err);
    assert!(untracked.err.contains("`lake.yaml` is not in the last commit"), "{}", untracked.err);
    refused("review git:HEAD", &["`lake.yaml` is not in commit ", "`git add` and `git commit` it"]);

    git(&bench.path(""), "add lake.yaml");
    git(&bench.path(""), "commit -q -m lake");
    assert!(bench.run("review").out.contains("ACCESS IS THE SAME"));
    refused("review git:mian", &["revision `mian`: did you mean `git:main`?"]);
    refused("review git:nowhere", &["revision `nowhere`: it knows `HEAD`, `main`"]);
    refused("review git:", &["`git:` names no revision", "`git:HEAD`"]);
    refused("review git:main:nope.yaml lake.yaml", &["no `nope.yaml` in commit", "git ls-tree"]);

    // below the top of the repository, with a spec there and without one
    fs::create_dir_all(bench.path("team/empty")).unwrap();
    fs::copy(QUICKSTART, bench.path("team/lake.yaml")).unwrap();
    git(&bench.path(""), "add .");
    git(&bench.path(""), "commit -q -m team");
    let inside = |folder: &str, line: &str| {
        let mut lakewright = Command::new(env!("CARGO_BIN_EXE_lakewright"));
        let done = lakewright.args(line.split_whitespace()).current_dir(bench.path(folder));
        let done = done.env_clear().output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, said) = inside("team", "review");
    assert!(code == Some(0) && said.contains("ACCESS IS THE SAME"), "{said}");
    let (code, said) = inside("team/empty", "review");
    assert!(code == Some(1) && said.contains("there is `../lake.yaml`"), "{said}");
    let (code, said) = inside("team/empty", "review --spec ../lake.yaml");
    assert!(code == Some(0) && said.contains("ACCESS IS THE SAME"), "{said}");

    // a clone without its history, as CI makes it, on no branch
    let url = format!("clone -q --depth 1 file://{} clone", bench.path("").display());
    git(&bench.path(""), &url);
    git(&bench.path("clone"), "checkout -q --detach");
    let (code, said) = inside("clone", "review");
    assert!(code == Some(0) && said.contains("ACCESS IS THE SAME"), "{said}");
    for (line, says) in [
        ("review git:HEAD~1", "`git fetch --unshallow`"),
        ("review git:origin/prod", "`git fetch origin prod:refs/remotes/origin/prod`"),
    ] {
        let (code, said) = inside("clone", line);
        assert!(code == Some(1) && said.contains(says), "{line}: {said}");
    }
}
