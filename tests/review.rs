//! What a reviewer is shown of a change.
//!
//! A case is a folder of `tests/review/`: `old.yaml`, `new.yaml` and `case.txt` with the call and the gates that trip.
//! What the call prints in each form stands beside them (`SNAPSHOTS=overwrite` writes it anew, to be read before it is
//! committed). Then what no snapshot says: names that attack Markdown, the limit of a comment, fingerprints that stay,
//! plans, commits, mistakes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lakewright::access::reach::{Subject, Target};
use lakewright::access::{self, Index, Source, State};
use lakewright::document::Value as Document;
use lakewright::review::flows::{Need, failing};
use lakewright::review::governed;
use serde_json::Value;

const GATES: [&str; 5] = ["broadened", "public", "cross-account", "admin", "escalation"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/review")
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs lakewright with the words of a line, and words that hold blanks.
fn run(folder: &Path, line: &str, more: &[&str]) -> Said {
    let words = line.split_whitespace().skip(1).chain(more.iter().copied());
    let output = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(words)
        .current_dir(folder)
        .env_remove("LAKEWRIGHT_ENV")
        .output()
        .expect("the binary runs");
    Said {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("it prints UTF-8"),
        err: String::from_utf8(output.stderr).expect("it prints UTF-8"),
    }
}

/// The call of a case, and the gates that trip.
fn case(folder: &Path) -> (String, BTreeSet<String>) {
    let text = fs::read_to_string(folder.join("case.txt")).expect("a case says what is called");
    let (call, trips) = text.split_once('\n').expect("a case has two lines");
    let words = trips.strip_prefix("trips").expect("the second line says which gates trip");
    (call.to_owned(), words.split_whitespace().map(str::to_owned).collect())
}

fn cases() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(root())
        .expect("there are cases")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    assert!(all.len() >= 9, "only {} cases", all.len());
    all
}

fn same(path: &Path, now: &str) {
    let overwrite = std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
    if overwrite {
        fs::write(path, now).expect("writable");
    }
    let before = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(now, before, "{}: SNAPSHOTS=overwrite writes it anew", path.display());
}

#[test]
fn every_case_prints_what_stands_beside_it() {
    for folder in cases() {
        let (call, _) = case(&folder);
        for (form, file) in [
            ("text", "review.txt"),
            ("json", "review.json"),
            ("markdown", "review.md"),
            ("sarif", "review.sarif"),
        ] {
            let said = run(&folder, &call, &["--format", form]);
            assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", folder.display());
            // the version of the day is no part of a case
            let version = format!("lakewright {}", env!("CARGO_PKG_VERSION"));
            let text = said.out.replace(&version, "lakewright VERSION").replace(
                &format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")),
                "\"version\": \"VERSION\"",
            );
            same(&folder.join(file), &text);
        }
    }
}

#[test]
fn each_gate_trips_where_it_should_and_nowhere_else() {
    let mut seen = BTreeSet::new();
    for folder in cases() {
        let (call, trips) = case(&folder);
        for gate in GATES {
            let said = run(&folder, &call, &["--fail-on", gate]);
            let wanted = if trips.contains(gate) { 4 } else { 0 };
            assert_eq!(said.code, wanted, "{}: {gate}\n{}", folder.display(), said.out);
            assert_eq!(said.out.contains("exit 4"), wanted == 4, "{}", said.out);
            seen.insert((gate, wanted));
        }
    }
    assert_eq!(
        seen.len(),
        2 * GATES.len(),
        "each gate trips somewhere and not elsewhere: {seen:?}"
    );
}

#[test]
fn what_is_undecided_passes_only_with_a_reason() {
    let folder = root().join("undecided");
    let (call, _) = case(&folder);
    let gates = GATES.join(",");
    assert_eq!(run(&folder, &call, &["--fail-on", &gates]).code, 4);
    let more = ["--fail-on", &gates, "--allow-undecided", "corp-b is\u{7} corp-a by another name"];
    let said = run(&folder, &call, &more);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("undecided is let pass: corp-b is\\u{7} corp-a"), "{}", said.out);
    // what is gained all the same still fails
    let folder = root().join("partner");
    let (call, _) = case(&folder);
    let more = ["--fail-on", "broadened", "--allow-undecided", "why not"];
    assert_eq!(run(&folder, &call, &more).code, 4);
}

#[test]
fn json_by_either_name_is_one_document_and_nothing_else() {
    let folder = root().join("partner");
    let (call, _) = case(&folder);
    let first = run(&folder, &call, &["--json", "--fail-on", "broadened,admin"]);
    let second = run(&folder, &call, &["--format", "json", "--fail-on", "broadened,admin"]);
    assert_eq!((first.code, first.err.as_str()), (4, ""));
    assert_eq!((second.code, second.err.as_str()), (4, ""));
    assert_eq!(first.out, second.out);
    let value: Value = serde_json::from_str(&first.out).expect("JSON");
    assert_eq!(value["outcome"], "gate");
    assert_eq!(value["gates"][0]["failed"], true);
    assert_eq!(value["gates"][1]["failed"], false);
    assert_eq!(value["gained"][0]["handover"], "partner");
    let both = run(&folder, &call, &["--json", "--format", "markdown"]);
    assert_eq!(both.code, 1);
    let wrong = run(&folder, "lakewright review old.yaml --format json --nonsense", &[]);
    assert_eq!((wrong.code, wrong.err.as_str()), (1, ""));
    assert!(wrong.out.contains("LW0921"), "{}", wrong.out);
}

/// Markdown without what is code: fences, and spans between backticks.
fn without_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            fence = !fence;
            continue;
        }
        if fence {
            continue;
        }
        for (at, part) in line.split('`').enumerate() {
            if at % 2 == 0 {
                out += part;
            }
        }
        out.push('\n');
    }
    assert!(!fence, "a fence was not closed, or by a name:\n{markdown}");
    out
}

#[test]
fn no_name_means_anything_in_markdown() {
    let folder = root().join("hostile");
    let (call, _) = case(&folder);
    let said = run(&folder, &call, &["--format", "markdown"]).out;
    let plain = without_code(&said);
    assert!(plain.contains("octocat"), "the names stand outside of code too:\n{plain}");
    for bad in
        ["@octocat", "<img", "<b>", "](", "](http", "www.e", "https://", "**b**", "| row |", " #1 "]
    {
        assert!(!plain.contains(bad), "`{bad}` stands in\n{plain}");
    }
    for bad in ['\u{202e}', '\u{200b}', '\u{2066}', '\u{7}'] {
        assert!(!said.contains(bad), "{bad:?} stands in\n{said}");
    }
    // the marker is the only comment, and every row of the first table has six cells
    assert_eq!(said.matches("<!--").count(), 1);
    assert_eq!(plain.matches("-->").count(), 1, "{plain}");
    let table = said
        .lines()
        .skip_while(|line| !line.starts_with("| |"))
        .take_while(|line| line.starts_with('|'));
    let rows: Vec<&str> = table.collect();
    assert!(rows.len() > 3);
    for row in rows {
        assert_eq!(row.matches('|').count(), 7, "{row}");
    }
    let text = run(&folder, &call, &[]).out;
    assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{7}']), "{text}");
}

#[test]
fn a_comment_keeps_its_top_and_loses_its_last_folds_first() {
    let folder = root().join("public");
    let (call, _) = case(&folder);
    let whole = run(&folder, &call, &["--format", "markdown"]).out;
    let small = run(&folder, &call, &["--format", "markdown", "--max-bytes", "2000"]).out;
    let tiny = run(&folder, &call, &["--format", "markdown", "--max-bytes", "1"]).out;
    let (top, _) = whole.split_once("\n<details>").expect("there are folds");
    assert!(top.contains("public") && top.contains("**Not read:**"), "{top}");
    for one in [&small, &tiny] {
        assert!(one.starts_with(top), "the top is whole:\n{one}");
        assert!(one.contains("are left out for want of room"), "{one}");
        assert!(one.trim_end().ends_with("</sub>"), "{one}");
    }
    assert!(!tiny.contains("<details>"));
    assert!(small.len() < whole.len() && small.len() <= 2000, "{}", small.len());
    // the first fold outlives the last
    let limit = (whole.len() - 1).to_string();
    let less = run(&folder, &call, &["--format", "markdown", "--max-bytes", &limit]).out;
    assert!(
        less.contains("Requests that were denied") && !less.contains("Statements that changed")
    );
}

/// What guards data beside access is told when it guards less, with its line, and not when it guards more.
#[test]
fn a_guard_that_goes_is_told() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let spec = |bucket: &str| {
        format!(
            "lakewright: 1\nlake: orders\ntags: {{ owner: data }}\nenvironments:\n  prod: {{ account: \"222222222222\", region: eu-west-1 }}\nkeys:\n  raw: {{}}\nbuckets:\n  raw:\n    description: As it came\n{bucket}"
        )
    };
    let write = |name: &str, bucket: &str| {
        fs::write(folder.path().join(name), spec(bucket)).expect("writable");
    };
    write("old.yaml", "    encryption: keys.raw\n    lock: { mode: governance, keep: 30d }\n");
    let guards = |call: &str| -> Vec<String> {
        let said = run(folder.path(), call, &["--json"]);
        let value: Value = serde_json::from_str(&said.out).expect("JSON");
        let text = |one: &Value| one.as_str().unwrap_or("-").to_owned();
        let line = |one: &Value| {
            let parts = [&one["guard"], &one["before"], &one["after"], &one["spec"]["place"]];
            parts.map(text).join(" | ")
        };
        value["guards"].as_array().expect("a list").iter().map(line).collect()
    };
    let call = "lakewright review old.yaml new.yaml";
    for (lines, expected) in [
        ("    encryption: keys.raw\n    lock: { mode: governance, keep: 30d }\n", &[][..]),
        ("    encryption: keys.raw\n    lock: { mode: governance, keep: 60d }\n", &[]),
        ("    encryption: keys.raw\n    lock: { mode: compliance, keep: 30d }\n", &[]),
        (
            "    encryption: keys.raw\n    lock: { mode: governance, keep: 7d }\n",
            &["days of lock | 30 | 7 | new.yaml:12"],
        ),
        (
            "    encryption: keys.raw\n    lock: { mode: governance, keep: 30d }\n    protect: false\n",
            &["protection from deletion | RetainExceptOnCreate | - | new.yaml:13"],
        ),
        (
            "    encryption: keys.raw\n    lock: { mode: governance, keep: 30d }\n    access_logs: false\n",
            &["access logs | orders-prod-logs-eu-west-1 | - | new.yaml:13"],
        ),
        (
            "    encryption: s3\n    lock: { mode: governance, keep: 30d }\n",
            &["encryption key | key raw | - |", "encryption | aws:kms | AES256 | new.yaml:11"],
        ),
    ] {
        write("new.yaml", lines);
        let found = guards(call);
        let fits = found.len() == expected.len()
            && found.iter().zip(expected).all(|(one, wanted)| one.starts_with(wanted));
        assert!(fits, "{lines}: {found:#?}");
        // told in every form, under one heading
        let heading = !expected.is_empty();
        assert_eq!(run(folder.path(), call, &[]).out.contains("\nGUARDS "), heading);
        let form = |name: &str| run(folder.path(), call, &["--format", name]).out;
        assert_eq!(form("markdown").contains("Guards: "), heading);
        assert_eq!(form("sarif").matches("\"ruleId\": \"guard-weaker\"").count(), found.len());
        // and turned round nothing is lost
        let back = guards("lakewright review new.yaml old.yaml");
        assert_eq!(
            back.is_empty(),
            !lines.contains("60d") && !lines.contains("compliance"),
            "{back:?}"
        );
    }
}

/// Of several alerts with one rule, principal, place and kind each is its own, and the one that was there stays.
#[test]
fn no_two_alerts_of_a_run_are_one() {
    let prints = |said: Said| -> Vec<(String, String)> {
        let log: Value = serde_json::from_str(&said.out).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("there are results").clone();
        let text = |one: &Value| one.as_str().expect("a text").to_owned();
        let print = |one: &Value| text(&one["partialFingerprints"]["lakewright/v1"]);
        results.iter().map(|one| (text(&one["ruleId"]), print(one))).collect()
    };
    for folder in cases() {
        let all = prints(run(&folder, &case(&folder).0, &["--format", "sarif"]));
        let distinct: BTreeSet<&String> = all.iter().map(|(_, print)| print).collect();
        assert_eq!(distinct.len(), all.len(), "{}: {all:#?}", folder.display());
    }
    let folder = root().join("second");
    let of = |call: &str| -> Vec<String> {
        let all = prints(run(&folder, call, &["--account", "111122223333", "--format", "sarif"]));
        all.into_iter().filter(|(rule, _)| rule == "LW0449").map(|(_, print)| print).collect()
    };
    let (one, two) =
        (of("lakewright review old.yaml old.yaml"), of("lakewright review old.yaml new.yaml"));
    assert_eq!((one.len(), two.len()), (1, 2));
    assert!(two.contains(&one[0]), "the one that was there is still the same: {one:?} {two:?}");
}

#[test]
fn an_alert_stays_the_same_when_lines_move() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let read =
        |name: &str| fs::read_to_string(root().join("partner").join(name)).expect("readable");
    fs::write(folder.path().join("old.yaml"), read("old.yaml")).expect("writable");
    fs::write(folder.path().join("new.yaml"), read("new.yaml")).expect("writable");
    let call = "lakewright review old.yaml new.yaml --format sarif";
    let results = |text: &str| -> Vec<(String, i64)> {
        let log: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules: Vec<&str> = run["tool"]["driver"]["rules"]
            .as_array()
            .expect("there are rules")
            .iter()
            .filter_map(|rule| rule["id"].as_str())
            .collect();
        let results = run["results"].as_array().expect("there are results");
        let mut found: Vec<(String, i64)> = results
            .iter()
            .map(|one| {
                assert!(rules.contains(&one["ruleId"].as_str().expect("a rule")), "{one}");
                assert!(
                    ["error", "warning", "note"].contains(&one["level"].as_str().expect("a level"))
                );
                assert!(!one["message"]["text"].as_str().expect("a text").is_empty());
                let place = &one["locations"][0]["physicalLocation"];
                assert!(place["artifactLocation"]["uri"].is_string());
                let print = one["partialFingerprints"]["lakewright/v1"].as_str().expect("a print");
                assert_eq!(print.len(), 64);
                (print.to_owned(), place["region"]["startLine"].as_i64().expect("a line"))
            })
            .collect();
        found.sort();
        found
    };
    let first = run(folder.path(), call, &[]).out;
    assert_eq!(first, run(folder.path(), call, &[]).out, "the same input gives the same bytes");
    let first = results(&first);
    fs::write(folder.path().join("new.yaml"), format!("# one\n# two\n{}", read("new.yaml")))
        .expect("writable");
    let second = results(&run(folder.path(), call, &[]).out);
    assert!(!first.is_empty());
    let prints = |list: &[(String, i64)]| list.iter().map(|one| one.0.clone()).collect::<Vec<_>>();
    assert_eq!(prints(&first), prints(&second));
    assert_ne!(first, second, "the lines moved");
    let distinct: BTreeSet<String> = prints(&first).into_iter().collect();
    assert_eq!(distinct.len(), first.len(), "two alerts are two");
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]);
    let done = git.args(arguments).current_dir(folder).output().expect("git runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn without_words_it_reviews_what_is_not_committed() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let read =
        |name: &str| fs::read_to_string(root().join("partner").join(name)).expect("readable");
    let write = |text: String| fs::write(folder.path().join("lake.yaml"), text).expect("writable");
    write(read("old.yaml"));
    let none = run(folder.path(), "lakewright review", &[]);
    assert_eq!(none.code, 1);
    assert!(none.err.contains("lakewright review old.yaml lake.yaml"), "{}", none.err);
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    let new = run(folder.path(), "lakewright review", &[]);
    assert_eq!(new.code, 0, "{}", new.err);
    assert!(
        new.out.starts_with("lakewright review   nothing -> lake.yaml   env prod"),
        "{}",
        new.out
    );
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-q", "-m", "a lake"]);
    let same = run(folder.path(), "lakewright review --fail-on broadened", &[]);
    assert_eq!(same.code, 0, "{}", same.out);
    assert!(same.out.contains("ACCESS IS THE SAME"), "{}", same.out);
    write(read("new.yaml"));
    let more = run(folder.path(), "lakewright review --fail-on broadened", &[]);
    assert_eq!(more.code, 4, "{}", more.out);
    assert!(more.out.starts_with("lakewright review   git:HEAD "), "{}", more.out);
    // by a commit alone the spec is meant, and the command that shows it again names the commit
    let by_commit = run(folder.path(), "lakewright review git:HEAD --format markdown", &[]);
    assert!(by_commit.out.contains("Reproduce: `lakewright review git:"), "{}", by_commit.out);
    assert!(!by_commit.out.contains("review git:HEAD"), "{}", by_commit.out);
}

#[test]
fn a_plan_is_reviewed_by_what_it_changes() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let read =
        |name: &str| fs::read_to_string(root().join("partner").join(name)).expect("readable");
    let write = |name| fs::write(folder.path().join("lake.yaml"), read(name)).expect("writable");
    write("old.yaml");
    let applied = run(folder.path(), "lakewright apply --sandbox --auto-approve -q", &[]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    write("new.yaml");
    let planned = run(folder.path(), "lakewright plan --sandbox --out next.plan -q", &[]);
    assert_eq!(planned.code, 0, "{}", planned.err);
    for word in ["next.plan", "plan:next.plan"] {
        let said =
            run(folder.path(), &format!("lakewright review {word} --fail-on cross-account"), &[]);
        assert_eq!(said.code, 4, "{}{}", said.out, said.err);
        assert!(said.out.contains("account 333333333333 gains READ on exchange/"), "{}", said.out);
        assert!(said.out.contains("lake.yaml:"), "it has lines:\n{}", said.out);
        assert!(said.out.contains("1 gained"), "{}", said.out);
    }
    let two = run(folder.path(), "lakewright review deployed lake.yaml --sandbox", &[]);
    assert_eq!(two.code, 0, "{}", two.err);
    assert!(two.out.contains("1 gained"), "{}", two.out);
}

#[test]
fn mistakes_say_what_to_type() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}"#;
    fs::write(folder.path().join("policy.json"), policy).expect("writable");
    let said = run(folder.path(), "lakewright review policy.json policy.json", &[]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("lakewright access diff OLD NEW --kind identity"), "{}", said.err);
    let said = run(folder.path(), "lakewright review - -", &[]);
    assert_eq!(said.code, 1);
    let said = run(folder.path(), "lakewright review nowhere.plan", &[]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nowhere.plan"), "{}", said.err);
}

fn state(template: &str) -> State {
    let body = Document::from_json(template).expect("a template");
    access::read(&[Source {
        name: "one".to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        body: std::borrow::Cow::Owned(body),
        parameters: Default::default(),
        given: Default::default(),
    }])
}

#[test]
fn a_flow_that_worked_and_will_not_is_named() {
    let template = |effect: &str| {
        format!(
            r#"{{"Resources": {{
            "Raw": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "acme-raw"}}}},
            "Policy": {{"Type": "AWS::S3::BucketPolicy", "Properties": {{"Bucket": {{"Ref": "Raw"}}, "PolicyDocument": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "{effect}", "Principal": {{"AWS": "arn:aws:iam::111122223333:role/audit"}}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-raw/*"}}]}}}}}},
            "Role": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "audit", "AssumeRolePolicyDocument": {{"Statement": []}}, "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-raw/*"}}]}}}}]}}}}}}}}"#
        )
    };
    let need = |verb| Need {
        path: "access.audit.read[0]".to_owned(),
        who: Subject::Named("arn:aws:iam::111122223333:role/audit".to_owned()),
        name: "role/audit".to_owned(),
        verb,
        place: "raw/".to_owned(),
        targets: vec![Target {
            kind: "object".to_owned(),
            resource: Document::from("arn:aws:s3:::acme-raw/*"),
            guard: "arn:aws:s3:::acme-raw".to_owned(),
        }],
    };
    let (open, closed) = (state(&template("Allow")), state(&template("Deny")));
    let (open, closed) = (Index::new(&open), Index::new(&closed));
    let found = failing(&open, &closed, &[need("read"), need("write")]);
    assert_eq!(found.len(), 1, "what never worked does not break: {found:?}");
    assert_eq!((found[0].path.as_str(), found[0].is_unknown), ("access.audit.read[0]", false));
    assert!(failing(&open, &open, &[need("read")]).is_empty());
    assert!(failing(&closed, &open, &[need("read")]).is_empty(), "what works again does not break");
}

/// The templates of an environment of the example with Lake Formation, without the resources that are left out.
fn north_star(leave_out: &dyn Fn(&Value) -> bool) -> State {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/north-star/templates/dev/eu-west-1");
    let mut sources = Vec::new();
    for entry in fs::read_dir(root).expect("templates") {
        let path = entry.expect("readable").path();
        let mut body: Value =
            serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
        let resources = body["Resources"].as_object_mut().expect("resources");
        resources.retain(|_, one| !leave_out(one));
        sources.push(Source {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            account: "111111111111".to_owned(),
            region: "eu-west-1".to_owned(),
            body: std::borrow::Cow::Owned(Document::from_json(&body.to_string()).expect("JSON")),
            parameters: Default::default(),
            given: Default::default(),
        });
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    access::feed(&mut sources);
    access::read(&sources)
}

#[test]
fn a_flow_under_lake_formation_breaks_with_its_grant() {
    let role = "arn:aws:iam::111111111111:role/acme-dev-clean-orders";
    let analyst = "arn:aws:iam::111111111111:role/Analyst";
    let need = |who: &str, verb, table: &str| {
        let target = |kind: &str, resource: String, guard: &str| Target {
            kind: kind.to_owned(),
            resource: Document::from(resource.clone()),
            guard: if guard.is_empty() { resource } else { guard.to_owned() },
        };
        let arn = format!("arn:aws:glue:eu-west-1:111111111111:table/acme_dev_sales/{table}");
        Need {
            path: "pipelines.clean-orders".to_owned(),
            who: Subject::Named(who.to_owned()),
            name: "somebody".to_owned(),
            verb,
            place: format!("sales.{table}"),
            targets: vec![
                target(
                    "object",
                    format!("arn:aws:s3:::acme-dev-curated/sales/{table}/*"),
                    "arn:aws:s3:::acme-dev-curated",
                ),
                target("table", arn, ""),
            ],
        }
    };
    let needs = [need(role, "write", "orders"), need(analyst, "read", "orders")];
    let broken = |old: &State, new: &State| -> Vec<(String, String)> {
        let all: Vec<&Need> = needs.iter().collect();
        assert!(needs.iter().all(|need| governed::is_governed(new, need)));
        let found = governed::failing(&Index::new(old), &Index::new(new), &all).into_iter();
        found.map(|one| (one.verb.to_owned(), one.because.expect("a reason"))).collect()
    };
    let of = |who: &'static str, table: &'static str| {
        move |one: &Value| {
            let given = &one["Properties"];
            let resource = given["Resource"].to_string();
            one["Type"] == "AWS::LakeFormation::PrincipalPermissions"
                && given["Principal"]["DataLakePrincipalIdentifier"] == who
                && (table.is_empty() || resource.contains(&format!("\"{table}\"")))
        }
    };
    let whole = north_star(&|_| false);
    assert!(broken(&whole, &whole).is_empty());
    let without = north_star(&of(role, ""));
    let lost = broken(&whole, &without);
    assert_eq!(lost.len(), 1, "{lost:?}");
    // its files are still open to the job, and the catalog does not show it the table
    assert_eq!(lost[0], ("write".to_owned(), "Lake Formation grants no INSERT there".to_owned()));
    assert!(broken(&without, &whole).is_empty(), "what works again does not break");
    assert!(broken(&without, &without).is_empty(), "what never worked does not break");
    let without = north_star(&of(analyst, "orders"));
    let lost = broken(&whole, &without);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].0, "read");
    let without = north_star(&of(analyst, "clicks"));
    assert!(broken(&whole, &without).is_empty(), "another table's grant is another flow's");
    // the policies go, the grants stay
    let policies = north_star(&|one: &Value| {
        one["Type"] == "AWS::IAM::ManagedPolicy"
            && one["Properties"]["Roles"].to_string().contains("Analyst")
    });
    let lost = broken(&whole, &policies);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].0, "read");
}

/// What a public access block leaves of an Allow for everyone is the bucket's own account; whoever may hand on roles that
/// were not read may become any of them; what a boundary that is not at hand takes is not known.
#[test]
fn templates_of_others_are_read_as_aws_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = |policy: &str, statements: &str, more: &str| {
        let open = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}"#;
        let policy = policy.replace("OPEN", open);
        format!(
            r#"{{"Resources": {{
            "B": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "data", "PublicAccessBlockConfiguration":
                {{"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true}}}}}},
            {policy}
            "R": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "r"{more}, "AssumeRolePolicyDocument": {{"Version": "2012-10-17",
                "Statement": [{{"Effect": "Allow", "Principal": {{"Service": "glue.amazonaws.com"}}, "Action": "sts:AssumeRole"}}]}},
                "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [
                    {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}}{statements}]}}}}]}}}}}}}}"#
        )
    };
    let write =
        |name: &str, text: String| fs::write(folder.path().join(name), text).expect("written");
    let open = r#""P": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [OPEN]}}},"#;
    let pass = r#", {"Effect": "Allow", "Action": ["iam:PassRole", "lambda:CreateFunction"], "Resource": "*"}"#;
    let wall = r#", "PermissionsBoundary": "arn:aws:iam::111122223333:policy/wall""#;
    write("old.json", template("", "", ""));
    write("open.json", template(open, "", ""));
    write("pass.json", template("", pass, ""));
    write("wall.json", template("", "", wall));
    let call = |new: &str, gate: &str| {
        let line = format!(
            "lakewright review old.json {new} --account 111122223333 --region eu-west-1 --fail-on {gate}"
        );
        run(folder.path(), &line, &[])
    };
    let said = call("open.json", "cross-account");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("everyone in account 111122223333 gains READ"), "{}", said.out);
    let said = call("pass.json", "escalation");
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("roles that stand in no template"), "{}", said.out);
    let said = call("wall.json", "broadened");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("role/r may lose something, and gains nothing"), "{}", said.out);
}
