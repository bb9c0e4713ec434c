//! Independent judges over what lakewright generates: the templates of every example, and the access that they grant.
//!
//! `tests/judges/README.md` says how an example is laid out and what an exception is. The samples under `tests/judges/samples` prove
//! that each judge can say both yes and no: the good sample is treated like an example, and in the bad one every planted defect has
//! to be found.

mod support;

use lakewright::deployer::{self, Purpose};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::source::{Sources, Span};
use lakewright::spec::decode::At;
use lakewright::spec::environments::PolicyName;
use lakewright::stacks::Placement;
use lakewright::{compile, resolve, syntax};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::judge::{self, Finding};
use support::{access, template};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/samples")
}

/// The folders that are judged: each of `examples/`, and the good sample.
fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
    all.sort();
    all.push(samples().join("good"));
    all
}

fn templates(example: &Path) -> Vec<PathBuf> {
    let found = template::templates_below(&example.join("templates"));
    assert!(!found.is_empty(), "{} has no templates to judge", example.display());
    found
}

/// One tool over all examples and the bad sample, in one process.
fn hold(tool: &str) {
    let examples = examples();
    let bad = samples().join("bad");
    let mut files: Vec<PathBuf> = examples.iter().flat_map(|e| templates(e)).collect();
    files.extend(templates(&bad));
    let findings = judge::judge(tool, &files);
    let in_folder = |folder: &Path| -> Vec<Finding> {
        findings.iter().filter(|f| f.file.starts_with(folder)).cloned().collect()
    };

    let planted = fs::read_to_string(bad.join("planted.txt"))
        .expect("invariant: the bad sample says what is planted");
    let found: BTreeSet<String> =
        in_folder(&bad).iter().map(|f| format!("{} {} {}", f.tool, f.rule, f.logical_id)).collect();
    let rows = planted.lines().filter_map(|l| l.split('#').next());
    let rows = rows.map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    let rows: Vec<String> = rows.filter(|l| l.starts_with(tool)).collect();
    assert!(!rows.is_empty(), "nothing is planted for {tool}");
    let missed: Vec<&String> = rows.iter().filter(|row| !found.contains(*row)).collect();
    assert!(
        missed.is_empty(),
        "{tool} does not find what is planted: {missed:#?}\nit finds {found:#?}"
    );

    let wrong: Vec<String> = examples
        .iter()
        .flat_map(|e| judge::unexcused(&in_folder(e), &e.join("exceptions.txt"), &[tool]))
        .collect();
    assert!(wrong.is_empty(), "{tool}:\n  {}", wrong.join("\n  "));
}

#[test]
fn cfn_lint_is_content() {
    hold("cfn-lint");
}

#[test]
fn cfn_validate_is_content() {
    hold("cfn-validate");
}

#[test]
fn cfn_guard_is_content() {
    hold("cfn-guard");
}

#[test]
fn parliament_is_content() {
    hold("parliament");
}

#[test]
fn cloudsplaining_is_content() {
    hold("cloudsplaining");
}

/// The policies of whoever deploys, of every example in every environment and for every purpose: they are in no template.
#[test]
fn cloudsplaining_is_content_with_the_deployers_policies() {
    let folder = tempfile::tempdir().expect("invariant: a temporary folder can be made");
    let files = deployers(folder.path());
    assert!(files.len() >= 5, "{files:?}");
    let findings = judge::judge("cloudsplaining", &files);
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Writes the policies of each example's deployers as templates. A policy is called after its purpose.
fn deployers(folder: &Path) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files = Vec::new();
    for entry in fs::read_dir(root).expect("invariant: there are examples").flatten() {
        let text = fs::read_to_string(entry.path().join("lake.yaml")).expect("an example's spec");
        let mut sources = Sources::default();
        let file = sources.add("lake.yaml", text);
        let (tree, _) = syntax::parse(&sources, file);
        for environment in resolve::environments(&tree) {
            let mut lake = resolve::resolve(&tree, environment).lake.expect("examples are valid");
            let boundary = PolicyName("policy/lake/wall".to_owned());
            lake.home.permissions_boundary = Some(At { value: boundary, span: Span::default() });
            let scripts: Scripts = compile::scripts_of(&lake)
                .into_iter()
                .map(|path| (path.to_owned(), "0".repeat(64)))
                .collect();
            let library = Library::built_in();
            let compiled = compile::compile(&lake, &library, &scripts, &Placement::default());
            let bases = [lake.naming.base_bucket(&lake.home.region)];
            let mut resources = serde_json::Map::new();
            for (name, purpose) in [
                ("Plan", Purpose::Plan),
                ("ChangeSets", Purpose::ChangeSets),
                ("Apply", Purpose::Apply),
            ] {
                let made = deployer::policies(&lake, &compiled.stacks, &bases, &library, purpose)
                    .unwrap_or_else(|_| panic!("the deployer of an example has policies"));
                for policy in made.policies {
                    let document: serde_json::Value =
                        serde_json::from_str(&policy.document.to_json()).expect("it is JSON");
                    let list = document["Statement"].as_array().cloned().unwrap_or_default();
                    let before = resources
                        .entry(name.to_owned())
                        .or_insert_with(|| serde_json::json!({"Type": "AWS::IAM::ManagedPolicy",
                            "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": []}}}));
                    let all = &mut before["Properties"]["PolicyDocument"]["Statement"];
                    all.as_array_mut().expect("invariant: it is a list").extend(list);
                }
            }
            let name = format!("{}-{environment}.json", entry.file_name().to_string_lossy());
            let file = folder.join(name);
            let body = serde_json::json!({ "Resources": resources }).to_string();
            fs::write(&file, body).expect("invariant: a temporary file can be written");
            files.push(file);
        }
    }
    files.sort();
    files
}

#[test]
fn an_exception_names_one_finding_and_a_reason() {
    let finding = |rule: &str, id: &str| Finding {
        tool: "cfn-lint",
        rule: rule.to_string(),
        file: PathBuf::from("t.json"),
        logical_id: id.to_string(),
        message: "m".to_string(),
    };
    let findings = [finding("E1", "A"), finding("E1", "B")];
    let complaints = |lines: &str| {
        let file = tempfile::NamedTempFile::new().expect("invariant: a temporary file can be made");
        fs::write(file.path(), lines).expect("invariant: a temporary file can be written");
        judge::unexcused(&findings, file.path(), &["cfn-lint"])
    };
    let both = "cfn-lint E1 A # why\n# a comment\n\ncfn-lint E1 B # why\n";
    assert_eq!(complaints(both), Vec::<String>::new());
    assert_eq!(
        complaints(&format!("{both}parliament X Y # judged by another test\n")),
        Vec::<String>::new()
    );
    let one = |lines: &str, words: &str| {
        let complaints = complaints(lines);
        assert!(
            complaints.len() == 1 && complaints[0].contains(words),
            "{lines:?} gives {complaints:?}"
        );
    };
    one("cfn-lint E1 A # why\n", "cfn-lint E1 B");
    one(&format!("{both}cfn-lint E1 C # why\n"), "matches no finding");
    one(&format!("{both}cfn-lint E2 A # why\n"), "matches no finding");
    one(&format!("{both}cfn-lint E1 A # why\n"), "stands twice");
    one(&format!("{both}cfnlint E1 A # why\n"), "no judge is called cfnlint");
    one(&format!("{both}cfn-lint E1 # why\n"), "a line is");
    assert!(
        complaints("cfn-lint E1 A #\ncfn-lint E1 B # why\n").iter().any(|c| c.contains("say why"))
    );
    assert_eq!(judge::unexcused(&findings, Path::new("no-such-file"), &["cfn-lint"]).len(), 2);
}

#[test]
fn access_is_what_the_cases_say() {
    let below = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
        let mut files: Vec<PathBuf> =
            entries.filter(|p| p.extension().is_some_and(|e| e == "yaml")).collect();
        files.sort();
        files
    };
    let good: Vec<PathBuf> = examples().iter().flat_map(|e| below(e.join("access"))).collect();
    let bad = below(samples().join("bad/access"));
    assert!(bad.len() > 1, "the bad cases are gone");
    let verdicts = access::judge(&[good.clone(), bad.clone()].concat());

    let wrong = verdicts.iter().filter(|v| good.contains(&v.file));
    let wrong = wrong.filter_map(|v| {
        Some(format!("{}: {}\n    {}", v.file.display(), v.case, v.wrong.as_ref()?))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} cases are not as wanted:\n  {}", wrong.len(), wrong.join("\n  "));
    for file in &good {
        assert!(verdicts.iter().any(|v| &v.file == file), "{} has no cases", file.display());
    }

    for file in &bad {
        let own: Vec<_> = verdicts.iter().filter(|v| &v.file == file).collect();
        let expected = fs::read_to_string(file.with_extension("txt"))
            .expect("invariant: bad cases say what is wrong");
        let expected: Vec<(&str, &str)> =
            expected.lines().filter_map(|l| l.split_once(" | ")).collect();
        for (case, words) in &expected {
            let told = |v: &&&access::Verdict| {
                &v.case == case && v.wrong.as_ref().is_some_and(|w| w.contains(words))
            };
            assert!(
                own.iter().any(|v| told(&v)),
                "{}: nothing says `{case}`: `{words}`: {own:#?}",
                file.display()
            );
        }
        let wrong: Vec<_> = own.iter().filter(|v| v.wrong.is_some()).collect();
        assert_eq!(wrong.len(), expected.len(), "{}: {wrong:#?}", file.display());
    }
}

#[test]
fn the_schema_judge_says_yes_and_no() {
    let folder = samples().join("schema");
    let expected = fs::read_to_string(folder.join("expected.txt"))
        .expect("invariant: the schema sample says what is wrong");
    let expected: BTreeSet<Vec<String>> =
        expected.lines().map(|l| l.split_whitespace().map(str::to_string).collect()).collect();
    let bad: BTreeSet<&str> = expected.iter().map(|row| row[0].as_str()).collect();
    let names = bad.into_iter().chain(["good.yaml", "good.json"]);
    let instances: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    let found = judge::json_schema(&folder.join("schema.json"), &instances);
    let found: BTreeSet<Vec<String>> = found
        .iter()
        .map(|v| {
            let name = v
                .instance
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default();
            let path = if v.path.is_empty() { "-".to_string() } else { v.path.clone() };
            vec![name, path, v.keyword.clone()]
        })
        .collect();
    assert_eq!(found, expected);
}
