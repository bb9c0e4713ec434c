//! The verdict on changes of policies: cases by hand with a known truth, and random requests against the verdict.
//!
//! `verdict/cases.jsonl` holds a pair of documents a line, with the verdict that is right and why. Each pair is also
//! compared in reverse, and each side with itself. A random pair has no known truth, but any request that one side
//! allows and the other does not refutes "equivalent" and one of "narrowed" and "broadened": the evaluator that looks
//! for such requests shares nothing with the search.

use std::fs;
use std::path::Path;

use lakewright::document::Value;
use lakewright::verdict::{
    Decision, Document, Kind, Options, Reach, Request, Requester, Standing, Verdict, compare,
    evaluate,
};

fn lines(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdict").join(name);
    let text = fs::read_to_string(path).expect("the cases are there");
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| Value::from_json(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn kind(case: &Value) -> Kind {
    match case.get("kind").and_then(Value::as_str) {
        Some("trust") => Kind::Trust,
        Some("resource") => Kind::Resource,
        _ => Kind::Identity,
    }
}

/// The statements of a side as a document; version 2012 unless the case says otherwise.
fn document(case: &Value, side: &str) -> Document {
    let mut map = lakewright::document::Map::new();
    let version = case.get("version").cloned().unwrap_or(Value::from("2012-10-17"));
    map.insert("Version", case.get(&format!("{side}_version")).cloned().unwrap_or(version));
    map.insert("Statement", case.get(side).expect("both sides").clone());
    let value = Value::Map(map);
    Document::read(&value, kind(case)).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case.get(key).and_then(Value::as_str).unwrap_or("")
}

fn mirrored(verdict: &str) -> &str {
    match verdict {
        "broadened" => "narrowed",
        "narrowed" => "broadened",
        other => other,
    }
}

#[test]
fn cases_by_hand() {
    let cases = lines("cases.jsonl");
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let (old, new) = (document(case, "old"), document(case, "new"));
        let (old, new) = (std::slice::from_ref(&old), std::slice::from_ref(&new));
        let options = Options::default();
        let expected = text(case, "verdict");
        let reverse = match text(case, "reverse") {
            "" => mirrored(expected),
            own => own,
        };
        for (old, new, expected) in [
            (old, new, expected),
            (new, old, reverse),
            (old, old, "equivalent"),
            (new, new, "equivalent"),
        ] {
            let found = compare(old, new, kind(case), &options);
            if found.verdict.word() != expected {
                wrong += &format!(
                    "{}: {} and not {expected}: {:?} {:?}\n",
                    text(case, "why"),
                    found.verdict,
                    found.reason,
                    found.gained.or(found.lost)
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Numbers that look random and are the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'l>(&mut self, list: &[&'l str]) -> &'l str {
        list[self.roll(list.len())]
    }

    fn some(&mut self, list: &[&str]) -> Value {
        let count = 1 + self.roll(2);
        (0..count).map(|_| Value::from(self.pick(list).to_owned())).collect()
    }
}

const ACTIONS: [&str; 7] = ["a:b", "A:B*", "a:*", "*", "a:?c", "b:*c", "a:b*c*"];
const RESOURCES: [&str; 10] = [
    "*",
    "arn:p:s:::a",
    "arn:p:s:::a*",
    "arn:p:s:::a/*",
    "arn:p:s:::*b",
    "arn:p:s:::a*b*c",
    "arn:p:*:::?",
    "arn:p:s:r:1:a/${aws:username}/*",
    "arn:p:s:::${aws:username}",
    "arn:p:s:::a/${aws:username, 'b'}",
];
const TEXTS: [&str; 7] = ["", "a", "ab", "*", "a*", "?*", "A"];
const ARNS: [&str; 5] =
    ["arn:p:s:::a", "arn:p:*:::a*", "arn:*:s:::*", "arn:p:s:r:*:a", "arn:p:s:::a:b*"];
const NUMBERS: [&str; 4] = ["1", "2.0", "2.5", "-1"];
const DATES: [&str; 3] = ["2026-01-01T00:00:00Z", "1767225600", "2027-01-01"];
const RANGES: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "::/0", "0.0.0.0/0"];
const PRINCIPALS: [&str; 6] = [
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:role/a",
    "arn:aws:sts::111122223333:assumed-role/a/s",
    "arn:aws:iam::111122223333:user/u",
    "arn:aws:iam::444455556666:root",
];

fn condition(dice: &mut Dice) -> Value {
    let negated = dice.roll(3) == 0;
    let (base, values, keys): (&str, &[&str], &[&str]) = match dice.roll(9) {
        0 => ("StringEquals", &TEXTS, &["k", "K", "m", "aws:username"]),
        1 => ("StringLike", &TEXTS, &["k", "m", "aws:username"]),
        2 => ("StringEqualsIgnoreCase", &TEXTS, &["k", "m"]),
        3 => ("ArnLike", &ARNS, &["r"]),
        4 => (
            ["NumericLessThan", "NumericEquals", "NumericGreaterThanEquals"][dice.roll(3)],
            &NUMBERS,
            &["n"],
        ),
        5 => (
            ["DateLessThan", "DateEquals"][dice.roll(2)],
            &DATES,
            &["aws:CurrentTime", "aws:EpochTime"],
        ),
        6 => ("IpAddress", &RANGES, &["i"]),
        7 => ("Bool", &["true", "false"], &["t"]),
        _ => ("Null", &["true", "false"], &["k", "m", "n", "t", "i", "aws:username"]),
    };
    let mut name = base.to_owned();
    if negated {
        name = match base {
            "StringEquals" => "StringNotEquals".to_owned(),
            "StringLike" => "StringNotLike".to_owned(),
            "StringEqualsIgnoreCase" => "StringNotEqualsIgnoreCase".to_owned(),
            "ArnLike" => "ArnNotLike".to_owned(),
            "NumericEquals" => "NumericNotEquals".to_owned(),
            "IpAddress" => "NotIpAddress".to_owned(),
            other => other.to_owned(),
        };
    }
    if base != "Null" && dice.roll(4) == 0 {
        name += "IfExists";
    }
    let mut key = dice.pick(keys);
    if base.starts_with("String") && dice.roll(3) == 0 {
        name = format!("{}:{name}", ["ForAllValues", "ForAnyValue"][dice.roll(2)]);
        key = "m";
    }
    let values =
        if base == "Null" { Value::from(dice.pick(values).to_owned()) } else { dice.some(values) };
    let mut keys = lakewright::document::Map::new();
    keys.insert(key.to_owned(), values);
    let mut map = lakewright::document::Map::new();
    map.insert(name, Value::Map(keys));
    Value::Map(map)
}

fn statement(dice: &mut Dice, kind: Kind) -> Value {
    let mut map = lakewright::document::Map::new();
    map.insert("Effect", if dice.roll(4) == 0 { "Deny" } else { "Allow" });
    let not = |dice: &mut Dice| if dice.roll(5) == 0 { "Not" } else { "" };
    map.insert(format!("{}Action", not(dice)), dice.some(&ACTIONS));
    if kind != Kind::Trust {
        map.insert(format!("{}Resource", not(dice)), dice.some(&RESOURCES));
    }
    if kind != Kind::Identity {
        let not = if kind == Kind::Resource { not(dice) } else { "" };
        let mut principal = lakewright::document::Map::new();
        principal.insert("AWS", dice.some(&PRINCIPALS));
        map.insert(format!("{not}Principal"), Value::Map(principal));
    }
    if dice.roll(2) == 0 {
        map.insert("Condition", condition(dice));
    }
    Value::Map(map)
}

fn random(dice: &mut Dice, kind: Kind) -> Vec<Value> {
    (0..1 + dice.roll(4)).map(|_| statement(dice, kind)).collect()
}

fn request(dice: &mut Dice, kind: Kind) -> Request {
    let action =
        dice.pick(&["a:b", "a:bc", "A:B", "b:c", "a:xc", "x:y", "a:bxcx", "a:bb"]).to_owned();
    let resource = dice.pick(&[
        "",
        "arn:p:s:::a",
        "arn:p:s:::ab",
        "arn:p:s:::a/",
        "arn:p:s:::a/b",
        "arn:p:s:::axbxc",
        "arn:p:x:::y",
        "arn:p:s:r:1:a/a/x",
        "arn:p:s:r:1:a/ab/",
        "x",
        "arn:p:s:::b",
        "arn:p:s:r:1:a",
    ]);
    let mut context = std::collections::BTreeMap::new();
    let mut put = |dice: &mut Dice, key: &str, values: &[&str], most: usize| {
        if dice.roll(3) > 0 {
            let count = 1 + dice.roll(most);
            let mut list: Vec<String> = (0..count).map(|_| dice.pick(values).to_owned()).collect();
            list.sort();
            list.dedup();
            context.insert(key.to_ascii_lowercase(), (key.to_owned(), list));
        }
    };
    let texts = ["", "a", "ab", "x", "A", "aB", "abc"];
    put(dice, "k", &texts, 1);
    put(dice, "m", &texts, 3);
    put(dice, "aws:username", &["a", "ab", "b", "x", ""], 1);
    put(dice, "n", &["0", "1", "1.5", "2", "2.2", "2.5", "3", "-1", "-2"], 1);
    put(
        dice,
        "aws:CurrentTime",
        &["2025-01-01", "2026-01-01", "2026-05-01", "2027-01-01", "2028-01-01"],
        1,
    );
    put(dice, "i", &["10.0.0.1", "10.1.0.1", "11.0.0.1", "::1", "9.9.9.9"], 1);
    put(dice, "t", &["true", "false"], 1);
    put(
        dice,
        "r",
        &["arn:p:s:::a", "arn:p:x:::ab", "arn:q:s:::b", "arn:p:s:r:1:a", "arn:p:s:::a:bc", "x"],
        1,
    );
    let principal = (kind != Kind::Identity).then(|| match dice.roll(8) {
        0 => Requester::read("*", "*"),
        1 => Requester::read("AWS", "arn:aws:iam::111122223333:root"),
        2 => Requester::read("AWS", "arn:aws:iam::111122223333:role/a"),
        3 => Requester::read("AWS", "arn:aws:sts::111122223333:assumed-role/a/s"),
        4 => Requester::read("AWS", "arn:aws:iam::111122223333:user/u"),
        5 => Requester::read("AWS", "arn:aws:iam::444455556666:role/z"),
        6 => Requester::read("AWS", "arn:aws:iam::777788889999:user/z"),
        _ => Requester::read("Service", "s3.amazonaws.com"),
    });
    Request {
        principal,
        standing: [Standing::Delegated, Standing::Held, Standing::Direct][dice.roll(3)],
        action,
        resource: (kind != Kind::Trust).then(|| resource.to_owned()),
        context,
        tokens: Vec::new(),
    }
}

#[test]
fn random_requests_do_not_refute_the_verdict() {
    let mut dice = Dice(7);
    let mut tally = [0_usize; 5];
    let mut undecided = std::collections::BTreeMap::new();
    for round in 0..1_200 {
        let kind = [Kind::Identity, Kind::Trust, Kind::Resource][round % 3];
        let old = random(&mut dice, kind);
        let mut new = old.clone();
        match dice.roll(4) {
            0 => new = random(&mut dice, kind),
            1 => new.push(statement(&mut dice, kind)),
            2 => {
                let at = dice.roll(new.len());
                new[at] = statement(&mut dice, kind);
            }
            _ => {
                let at = dice.roll(new.len());
                new.remove(at);
                new.reverse();
            }
        }
        let version = if dice.roll(5) == 0 { "2008-10-17" } else { "2012-10-17" };
        let side = |statements: &[Value]| {
            let mut map = lakewright::document::Map::new();
            map.insert("Version", version);
            map.insert("Statement", Value::List(statements.to_vec()));
            Document::read(&Value::Map(map), kind).expect("a policy")
        };
        let (old_document, new_document) = ([side(&old)], [side(&new)]);
        // the requests hold keys at random, whoever makes them
        let options = Options { axioms: false, ..Options::default() };
        let found = compare(&old_document, &new_document, kind, &options);
        tally[found.verdict as usize] += 1;
        if let Some(reason) = &found.reason {
            *undecided.entry(reason.text.clone()).or_insert(0) += 1;
        }
        for _ in 0..120 {
            let request = request(&mut dice, kind);
            let reach = Reach::Whole;
            let before = evaluate(&old_document, &request, reach);
            let after = evaluate(&new_document, &request, reach);
            if matches!(before, Decision::Unknown) || matches!(after, Decision::Unknown) {
                continue;
            }
            let (before, after) = (before == Decision::Allowed, after == Decision::Allowed);
            let refuted = match found.verdict {
                Verdict::Equivalent => before != after,
                Verdict::Narrowed => after && !before,
                Verdict::Broadened => before && !after && found.exact,
                Verdict::Incomparable | Verdict::Undecided => false,
            };
            assert!(
                !refuted,
                "round {round}: {} is refuted by {}\nold {}\nnew {}",
                found.verdict,
                request.to_value(),
                Value::List(old),
                Value::List(new)
            );
        }
    }
    println!("{tally:?} {undecided:#?}");
    assert!(tally[..4].iter().all(|count| *count > 60), "one-sided: {tally:?}");
    assert!(tally[4] < 24, "{} of 1200 are undecided", tally[4]);
}

fn policy(kind: Kind, statements: &str) -> Document {
    let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": {statements}}}");
    Document::read(&Value::from_json(&text).expect("JSON"), kind).expect("a policy")
}

const S3: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
const GET: &str = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}"#;

/// The binary on two policies and a line of flags: exit code and what it wrote.
fn access(old: &str, new: &str, line: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let wrap =
        |statements: &str| format!("{{\"Version\": \"2012-10-17\", \"Statement\": {statements}}}");
    fs::write(folder.path().join("old.json"), wrap(old)).expect("writable");
    fs::write(folder.path().join("new.json"), wrap(new)).expect("writable");
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(["access", "diff", "old.json", "new.json", "--kind", "identity"])
        .args(line.split_whitespace())
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (said.status.code().expect("it ends"), text(said.stdout), text(said.stderr))
}

#[test]
fn the_verb_says_it_and_gates() {
    let (code, out, _) = access(GET, S3, "");
    assert_eq!(code, 0);
    assert!(out.starts_with("ACCESS BROADENED. Exact.\n"), "{out}");
    assert!(out.contains("before denied  | s3:") && out.contains("now ALLOWED"), "{out}");
    assert_eq!(access(GET, S3, "--fail-on broadened").0, 4);
    assert_eq!(access(S3, GET, "--fail-on broadened").0, 0);
    assert_eq!(access(S3, GET, "--fail-on narrowed").0, 4);
    let other = r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}"#;
    assert_eq!(access(S3, other, "--fail-on broadened").0, 4, "incomparable");
    let odd = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Odd": {"k": "v"}}}"#;
    assert_eq!(access(odd, S3, "--fail-on broadened").0, 4, "undecided");
    assert_eq!(access(odd, S3, "--fail-on broadened --allow-undecided checked").0, 0);
    let (_, out, _) = access(GET, S3, "--json");
    let json = Value::from_json(&out).expect("JSON");
    assert_eq!(json.get("verdict").and_then(Value::as_str), Some("broadened"));
    assert_eq!(
        json.at(&["principals", "0", "gained", "context"]),
        Some(&Value::Map(Default::default()))
    );
    let (code, _, err) = access(GET, r#"{"Effect": "Allow", "Action": "s3:*"}"#, "");
    assert_eq!(code, 1);
    assert!(err.contains("Statement[0]: needs `Resource` or `NotResource`"), "{err}");
}

#[test]
fn what_is_too_large_ends_and_names_the_dimension() {
    let text = format!("\"{}\"", "a".repeat(3_000));
    let long = format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": {text}}}"#);
    let found = compare(
        &[policy(Kind::Identity, S3)],
        &[policy(Kind::Identity, &long)],
        Kind::Identity,
        &Options::default(),
    );
    assert_eq!(found.verdict, Verdict::Undecided);
    assert!(found.reason.expect("a reason").text.contains("`resource`"));
    // a word with an `a` at each of many distances from another but few of them: to see that there is none is to try
    let ruler = (1..25).map(|distance| {
        let between = "?".repeat(distance - 1);
        format!(r#"{{"Effect": "Allow", "Action": "s3:*", "NotResource": "*a{between}a*"}}"#)
    });
    let most =
        format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "{}*"}}"#, "*a".repeat(8));
    let ruler: Vec<String> = ruler.chain([most]).collect();
    let options = Options { steps: 400_000, ..Options::default() };
    let found = compare(
        &[policy(Kind::Identity, &format!("[{}]", ruler.join(",")))],
        &[policy(Kind::Identity, S3)],
        Kind::Identity,
        &options,
    );
    assert_eq!(found.verdict, Verdict::Undecided);
    assert!(found.reason.expect("a reason").text.contains("`resource`"));
}

/// Pairs that are made to be hard, or are larger than any policy of AWS.
fn hostile() -> Vec<(&'static str, String, String)> {
    let letter = |at: usize| char::from(b'a' + (at % 26) as u8);
    let stars = |seed: usize, count: usize| -> String {
        (0..count).map(|at| format!("*{}", letter(seed * 7 + at * (seed % 5 + 1)))).collect()
    };
    let allow = |resource: &str, condition: &str| {
        format!(
            r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "{resource}", "Condition": {{{condition}}}}}"#
        )
    };
    let list = |statements: Vec<String>| format!("[{}]", statements.join(","));
    let globs = |from: usize| {
        list((from..from + 64).map(|at| allow(&format!("{}*", stars(at, 10)), "")).collect())
    };
    // each of the old ones takes a word of each of the new ones, and none takes all of them
    let ruler = |key: usize| {
        let far = (1..25).map(move |distance| {
            let between = "?".repeat(distance - 1);
            format!(
                r#""StringNotLike": {{"k:{key}": "*a{between}a*"}}, "Null": {{"k:{key}": "false"}}"#
            )
        });
        far.chain([format!(r#""StringLike": {{"k:{key}": "{}*"}}"#, "*a".repeat(8))])
    };
    let keys: Vec<String> =
        (0..8).flat_map(ruler).map(|condition| allow("*", &condition)).collect();
    let present: Vec<String> = (0..8).map(|key| format!(r#""k:{key}": "false""#)).collect();
    let present = list(vec![allow("*", &format!(r#""Null": {{{}}}"#, present.join(", ")))]);
    // a key absent here and empty there, each read both ways
    let open: Vec<String> = (0..8)
        .map(|key| {
            allow(
                &format!("{}*", stars(key, 10)),
                &format!(r#""ForAnyValue:StringLikeIfExists": {{"k:{key}": "{}"}}"#, stars(key, 6)),
            )
        })
        .collect();
    let closed: Vec<String> = open
        .iter()
        .map(|one| one.replace("ForAnyValue:StringLikeIfExists", "ForAllValues:StringLike"))
        .collect();
    let many = |count: usize, by: usize| {
        let one = |at: usize| {
            format!(
                r#"{{"Effect": "Allow", "Action": "a:b", "Resource": "r{}*{}"}}"#,
                at / by,
                at % 97
            )
        };
        list((0..count).map(one).collect())
    };
    let megabytes =
        list((0..100_000).map(|at| allow(&format!("arn:aws:s3:::bucket-{at}/*"), "")).collect());
    assert!(megabytes.len() > 10_000_000 - 1_000_000, "{}", megabytes.len());
    vec![
        ("64 globs of ten stars, others", globs(0), globs(64)),
        ("64 globs of ten stars, against all", globs(0), S3.to_owned()),
        ("eight keys that cannot be", list(keys), present),
        ("eight keys read both ways", list(open), list(closed)),
        ("5,000 statements and more", many(5_000, 3), many(2_900, 7)),
        ("a document of 10 MB", megabytes, S3.to_owned()),
    ]
}

/// Seconds of CPU that an input may take: two, of a build that is optimised.
const SECONDS: u32 = if cfg!(debug_assertions) { 60 } else { 2 };

#[test]
#[cfg(target_os = "linux")]
fn any_input_ends_within_its_time_and_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrap =
        |statements: &str| format!("{{\"Version\": \"2012-10-17\", \"Statement\": {statements}}}");
    for (name, old, new) in hostile() {
        for (old, new) in [(&old, &new), (&new, &old)] {
            std::fs::write(folder.path().join("old.json"), wrap(old)).expect("written");
            std::fs::write(folder.path().join("new.json"), wrap(new)).expect("written");
            // the shell's limits end the process that goes beyond them: 512 MiB of address space
            let run = format!(
                "ulimit -v 524288; ulimit -t {SECONDS}; exec {} access diff old.json new.json --kind identity --json",
                env!("CARGO_BIN_EXE_lakewright")
            );
            let done = std::process::Command::new("sh")
                .args(["-c", &run])
                .current_dir(folder.path())
                .output();
            let done = done.expect("a shell");
            let out = String::from_utf8_lossy(&done.stdout);
            assert!(
                done.status.success(),
                "{name}: {}\n{}",
                done.status,
                String::from_utf8_lossy(&done.stderr)
            );
            let value = Value::from_json(&out).expect("JSON");
            let row = &value.get("principals").and_then(Value::as_list).expect("rows")[0];
            let verdict = row.get("verdict").and_then(Value::as_str).expect("a verdict");
            assert_ne!(verdict, "equivalent", "{name}");
            let reason = row.at(&["reason", "kind"]).and_then(Value::as_str);
            let known = matches!(reason, None | Some("too_large" | "undocumented"));
            assert!(known, "{name}: {verdict} {reason:?}");
        }
    }
}

#[test]
fn what_is_no_policy_is_an_error_with_its_place() {
    let wrong = [
        (
            r#"{"Statement": [{"Effect": "allow", "Action": "a:b", "Resource": "*"}]}"#,
            "Statement[0].Effect",
        ),
        (r#"{"Version": "2012", "Statement": []}"#, "Version"),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]}"#,
            "Statement[0].Action",
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Principal": "*"}]}"#,
            "Statement[0].Principal",
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": "a:b", "NotAction": "a:b", "Resource": "*"}]}"#,
            "Statement[0]",
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": 1, "Resource": null}]}"#,
            "Statement[0].Resource",
        ),
        (
            r#"{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Null": {"k": "maybe"}}}]}"#,
            "Statement[0].Condition.Null.k",
        ),
        ("[]", "the document"),
    ];
    for (text, place) in wrong {
        let value = Value::from_json(text).expect("JSON");
        let error = Document::read(&value, Kind::Identity).expect_err(text);
        assert_eq!(error.place, place, "{error}");
    }
}
