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

/// Every verb with the verbs below it, as they are typed: `plan`, `access`, `access diff`.
fn all_verbs() -> Vec<String> {
    fn below(command: &clap::Command, before: &str, all: &mut Vec<String>) {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let name = format!("{before}{}", verb.get_name());
            all.push(name.clone());
            below(verb, &format!("{name} "), all);
        }
    }
    let mut all = Vec::new();
    below(&Cli::command(), "", &mut all);
    all
}

#[test]
fn the_help_of_every_verb_is_frozen() {
    let bench = Bench::new();
    let top = bench.run("--help");
    assert_eq!(top.code, 0);
    let mut pages = vec![("lakewright".to_owned(), top.out.clone())];
    let all = all_verbs();
    for verb in verbs(&top.out).into_iter().filter(|verb| verb != "help") {
        assert!(all.contains(&verb), "{verb} is listed");
    }
    for verb in all {
        let page = bench.run(&format!("{verb} --help"));
        assert_eq!((page.code, page.err.as_str()), (0, ""), "{verb} --help");
        pages.push((verb.replace(' ', "-"), page.out));
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
        ("policies show s3-reed", "did you mean `s3-read`?"),
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
        for word in all_verbs().iter().filter_map(|verb| verb.split(' ').nth(1)) {
            assert!(said.out.contains(word), "{shell}: `{word}`");
        }
        // fish asks for no values of positions
        for word in ["s3-delete", "medallion", "LW0203"]
            .iter()
            .filter(|_| shell == "zsh" || shell == "bash")
        {
            assert!(said.out.contains(word), "{shell}: `{word}`");
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
    for name in all_verbs() {
        let mut verb = Cli::command();
        for word in name.split(' ') {
            verb = verb.find_subcommand(word).unwrap().clone();
        }
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let mut count = 0;
        // A call stands at the beginning of a line, or behind what is piped into it.
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            let Some(at) = line.find("lakewright ") else { continue };
            if line[..at].contains('#') {
                continue;
            }
            // What the shell does with it, and remarks, are no arguments.
            let line = line[at..].split(['|', '>', '#']).next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            assert!(line.starts_with(&format!("lakewright {name}")), "of another verb: {line}");
            let parsed = Cli::command().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            count += 1;
        }
        assert!(count > 0, "{name} has no example");
    }
}

#[test]
fn a_call_without_what_it_needs_shows_how_it_goes() {
    let bench = Bench::new();
    for (line, shows) in [
        ("explain", "lakewright explain --list"),
        ("policies show", "lakewright policies show s3-delete"),
        ("policies deployer", "lakewright policies deployer --env prod --for plan"),
        ("access what", "lakewright access what role/Analyst"),
        ("access can", "lakewright access can role/Analyst read marts"),
        ("access diff", "lakewright access diff git:main lake.yaml"),
        ("access handover", "lakewright access handover partner"),
        ("access", "lakewright access diff"),
        ("policies", "lakewright policies show s3-delete"),
        ("completions", "lakewright completions bash"),
    ] {
        let said = bench.run(line);
        assert_eq!(said.code, 1, "{line}");
        assert!(said.err.contains("Usage: ") && said.err.contains(shows), "{line}: {}", said.err);
        assert!(said.err.contains("lakewright explain LW0921"), "{line}: {}", said.err);
        let json: serde_json::Value =
            serde_json::from_str(&bench.run(&format!("{line} --json")).out).expect("it is JSON");
        assert_eq!(json["diagnostics"][0]["code"], "LW0921", "{line}");
    }
    for line in ["explain lw203", "explain LW203", "explain 203", "explain 0203", "explain lw0203"]
    {
        assert!(bench.run(line).out.starts_with("# LW0203: "), "{line}");
    }
    for line in ["explain 0", "explain lw", "explain 20303", "explain LW02O3"] {
        assert!(bench.run(line).err.contains("there is no code"), "{line}");
    }
}

/// Whatever has a code says how to read on.
#[test]
fn every_message_says_how_to_read_on() {
    let bench = Bench::new();
    fs::write(bench.path("bad.yaml"), "lakewright: 2\n").unwrap();
    for (line, code) in [
        ("plan --ofline", "LW0921"),
        ("explain LW9999", "LW0921"),
        ("validate nowhere.yaml", "LW0922"),
        ("validate bad.yaml", "LW0202"),
        ("apply --sandbox", "LW0921"),
        ("show lake.yaml", "LW0901"),
        ("plan", "LW0922"),
    ] {
        let said = bench.run(line);
        let named = said.err.lines().find_map(|one| one.strip_prefix("error[")?.split(']').next());
        let named = named.unwrap_or_else(|| panic!("{line}: {}", said.err));
        assert_eq!(named, code, "{line}: {}", said.err);
        let read_on = format!("= explain: lakewright explain {named}");
        assert!(said.err.contains(&read_on), "{line}: {}", said.err);
    }
}

#[test]
fn without_an_account_the_sandbox_is_offered() {
    let bench = Bench::new();
    let spec = fs::read_to_string(QUICKSTART).unwrap();
    let own = "environments:\n  own: { account: \"111111111111\", region: eu-west-1 }\n";
    fs::write(bench.path("lake.yaml"), spec.replace("environments:\n", own)).unwrap();
    let nobody = [("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")];
    let said = bench.with("plan --env own", &nobody, "");
    assert_eq!(said.code, 1);
    for text in ["error[LW0802]", "to try without an AWS account: ", "`--sandbox`"] {
        assert!(said.err.contains(text), "`{text}`: {}", said.err);
    }
}

#[test]
fn names_in_questions_that_nothing_knows_are_told_what_is_near() {
    let bench = Bench::new();
    let sharing = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cross-account-sharing/lake.yaml");
    fs::copy(sharing, bench.path("lake.yaml")).unwrap();
    for (line, code, says) in [
        (
            "access what role/Curater",
            0,
            "note: `role/Curater` stands in no template of this state: did you mean `role/Curator`?",
        ),
        ("access what role/Typo", 0, "`role/Typo` stands in no template of this state: it has "),
        ("access what rol/Curator", 1, "did you mean `role/Curator`?"),
        ("access what Curator", 1, "did you mean `role/Curator`?"),
        ("access what user/ada", 0, "did you mean `user/Ada`?"),
        ("access what 333333333333", 1, "did you mean `account/333333333333`?"),
        ("access what everybody", 1, "did you mean `anonymous`?"),
        ("access what tole", 1, "write it as the spec does"),
        ("access who exchage/", 1, "did you mean `exchange/`?"),
        ("access who exchage/prices/", 1, "did you mean `exchange/prices/`?"),
        (
            "access who exchange/price/",
            0,
            "the spec speaks of nothing at `exchange/price/`: did you mean `exchange/prices/`?",
        ),
        (
            "access who exchange/typo",
            0,
            "the spec speaks of nothing at `exchange/typo`: it speaks of `exchange/inbox/`",
        ),
        ("access who keys.exchnge", 1, "did you mean `keys.exchange`?"),
        ("access can role/Curator red exchange/", 1, "did you mean `read`?"),
        ("access can role/Curator s3:GetObjct exchange/", 1, "did you mean `s3:GetObject`?"),
    ] {
        let said = bench.run(&format!("{line} --env prod"));
        assert_eq!(said.code, code, "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "{line}: {}", said.err);
    }
    for line in ["access what role/Curator", "access who exchange/prices/", "access who exchange/"]
    {
        let said = bench.run(&format!("{line} --env prod"));
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{line}");
    }
}

#[test]
fn what_lakewright_writes_is_nothing_for_git() {
    let bench = Bench::new();
    fs::create_dir(bench.path("lake")).unwrap();
    git(&bench.path("lake"), "init -q .");
    for line in [
        "init --into lake",
        "plan lake/lake.yaml --sandbox --out lake/first.plan",
        "apply lake/first.plan --spec lake/lake.yaml --sandbox --auto-approve",
        "apply lake/lake.yaml --sandbox --auto-approve",
    ] {
        let said = bench.run(line);
        assert_eq!(said.code, 0, "{line}: {}", said.err);
    }
    let status = Command::new("git")
        .args(["status", "--porcelain", "--untracked-files=all"])
        .current_dir(bench.path("lake"))
        .output()
        .unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    assert_eq!(status, "?? .gitignore\n?? lake.yaml\n");
    // one of the user's own stays, and is said to lack what it lacks
    fs::create_dir(bench.path("own")).unwrap();
    fs::write(bench.path("own/.gitignore"), "*.plan\n").unwrap();
    let said = bench.run("init --into own");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("add `.lakewright/` to it"), "{}", said.err);
    assert_eq!(fs::read_to_string(bench.path("own/.gitignore")).unwrap(), "*.plan\n");
    fs::remove_file(bench.path("own/lake.yaml")).unwrap();
    fs::write(bench.path("own/.gitignore"), "/.lakewright\n*.plan\n").unwrap();
    let said = bench.run("init --into own");
    assert!(said.code == 0 && !said.err.contains("add `"), "{}", said.err);
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
    for line in ["plan --offline", "access rules", "policies deployer --for boundary"] {
        let said = bench.with(line, &[("LAKEWRIGHT_ENV", "")], "");
        assert_eq!(said.code, 0, "{line}: {}", said.err);
    }
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
