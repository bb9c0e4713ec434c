//! What a review checks beside the verdict: that nobody is locked out, that services get through every Deny, and who can
//! do what.
//!
//! A case of `tests/review_checks/` is a file: `old` and `new` are templates' `Resources` of account 111111111111 (`old`
//! may be missing), and what is expected of them. The examples are read whole, and each rule is seen to fail on them
//! once its construction is broken.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lakewright::access::{
    Boundary, Guarded, Held, Index, Principal, PublicAccess, Source, State, feed, read,
};
use lakewright::document::{Map, Value};
use lakewright::review::lockout::{self, Duty, Keeper, Outcome};
use lakewright::review::matrix;
use lakewright::review::services::{self, Passage};

const ACCOUNT: &str = "111111111111";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cases of a folder, by name.
fn cases(folder: &str) -> Vec<(String, Value)> {
    let entries = fs::read_dir(root().join("tests/review_checks").join(folder)).expect("cases");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let case = |file: &PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(file).expect("text");
        let value = Value::from_json(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, value)
    };
    files.iter().map(case).collect()
}

fn state_of(resources: Option<&Value>) -> State {
    let Some(resources) = resources else { return State::default() };
    let mut template = Map::new();
    template.insert("Resources", resources.clone());
    read(&[Source {
        name: "one".into(),
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        body: Cow::Owned(Value::Map(template)),
        parameters: BTreeMap::new(),
        given: Default::default(),
    }])
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_list).unwrap_or(&[]);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The templates of an example's environment, each possibly changed.
fn example(name: &str, environment: &str, change: impl Fn(&str, String) -> String) -> State {
    let folder = root().join("examples").join(name).join("templates").join(environment);
    let account = account_of(name, environment);
    let mut sources = Vec::new();
    for region in fs::read_dir(&folder).expect("templates").flatten() {
        let at = region.file_name().to_string_lossy().into_owned();
        if !region.path().is_dir() || at == "handover" {
            continue;
        }
        for file in fs::read_dir(region.path()).expect("templates").flatten() {
            let stem = file.path().file_stem().expect("a name").to_string_lossy().into_owned();
            let body = change(&stem, fs::read_to_string(file.path()).expect("text"));
            sources.push(Source {
                name: format!("{at}/{stem}"),
                account: account.into(),
                region: at.clone(),
                body: Cow::Owned(Value::from_json(&body).expect("JSON")),
                parameters: BTreeMap::new(),
                given: Default::default(),
            });
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    feed(&mut sources);
    read(&sources)
}

/// The quickstart has no account: it is for the sandbox, which has its own.
fn account_of(name: &str, environment: &str) -> &'static str {
    match (name, environment) {
        ("quickstart", _) => "000000000000",
        (_, "dev") => "111111111111",
        _ => "222222222222",
    }
}

const EXAMPLES: [(&str, &str); 7] = [
    ("quickstart", "dev"),
    ("medallion", "dev"),
    ("medallion", "prod"),
    ("streaming", "dev"),
    ("cross-account-sharing", "prod"),
    ("lake-formation", "prod"),
    ("north-star", "prod"),
];

fn same(_: &str, text: String) -> String {
    text
}

// --- lock-out ---------------------------------------------------------------------------------

#[test]
fn whoever_could_not_take_a_change_back_is_named() {
    let cases = cases("lockout");
    assert!(cases.len() >= 14, "{}", cases.len());
    let mut lost = 0;
    for (name, case) in &cases {
        let (old, new) = (state_of(case.get("old")), state_of(case.get("new")));
        let mut keepers = vec![Keeper {
            who: match text(case, "applies").as_str() {
                "" => format!("arn:aws:iam::{ACCOUNT}:root"),
                role => format!("arn:aws:iam::{ACCOUNT}:{role}"),
            },
            duty: Duty::Applies,
            of: None,
        }];
        for (path, who) in
            case.get("admins").and_then(Value::as_map).into_iter().flat_map(Map::iter)
        {
            keepers.push(Keeper {
                who: format!("arn:aws:iam::{ACCOUNT}:{}", who.as_str().expect("a role")),
                duty: Duty::Administers,
                of: Some(path.to_owned()),
            });
        }
        let found = lockout::check(&old, &new, &keepers);
        let shown: Vec<String> = found
            .checks
            .iter()
            .map(|check| {
                let who = check.keeper.who.rsplit(':').next().unwrap_or_default();
                let kind = check.kind.rsplit("::").next().unwrap_or_default();
                let outcome = match &check.outcome {
                    Outcome::Kept { given } if given.is_empty() => "kept".to_owned(),
                    Outcome::Kept { given } => format!("kept with {}", given.join(", ")),
                    Outcome::Lost { because, .. } if check.before => {
                        format!("lost before: {because}")
                    }
                    Outcome::Lost { because, .. } => format!("lost: {because}"),
                    Outcome::Unknown { because } => format!("unknown: {because}"),
                };
                format!("{who} {kind} {outcome}")
            })
            .collect();
        assert_eq!(shown, texts(case.get("expect")), "{name}");
        lost += found.losses().count();
        for check in found.losses() {
            assert!(!check.way_out().contains('{'), "{name}: {}", check.way_out());
        }
        // without anybody who has to keep anything nothing is asked
        assert!(lockout::check(&old, &new, &[]).checks.is_empty());
    }
    assert!(lost >= 8, "{lost}");
}

/// lakewright's own documents lock nobody out; a document that denies too much does, on every bucket.
#[test]
fn the_examples_lock_nobody_out() {
    for (name, environment) in EXAMPLES {
        let state = example(name, environment, same);
        let account = account_of(name, environment);
        for who in ["root", "role/LakeCloudFormation"] {
            let who = format!("arn:aws:iam::{account}:{who}");
            let keeper = Keeper { who, duty: Duty::Applies, of: None };
            let keepers = [keeper];
            let found = lockout::check(&State::default(), &state, &keepers);
            assert!(found.checks.len() >= 3, "{name}: {}", found.checks.len());
            for check in &found.checks {
                let kept = matches!(&check.outcome, Outcome::Kept { given } if given.is_empty());
                assert!(kept, "{name} {environment}: {check:?}");
            }
            let closed = |_: &str, text: String| {
                text.replace(
                    r#""aws:SecureTransport": "false""#,
                    r#""aws:SecureTransport": ["false", "true"]"#,
                )
            };
            let broken = example(name, environment, closed);
            let buckets = broken.resources.values().filter(|one| one.kind == "AWS::S3::Bucket");
            let topics = broken.resources.values().filter(|one| one.kind == "AWS::SNS::Topic");
            let found = lockout::check(&state, &broken, &keepers);
            // the Deny of a topic is about messages alone
            assert_eq!(found.losses().count(), buckets.count(), "{name}");
            assert_eq!(
                topics.count(),
                found
                    .counts()
                    .iter()
                    .filter(|((_, kind), _)| *kind == "AWS::SNS::Topic")
                    .map(|(_, count)| count.0)
                    .sum::<usize>(),
                "{name}"
            );
        }
    }
}

// --- services ---------------------------------------------------------------------------------

fn told(found: &services::Services) -> String {
    let mut out = String::new();
    for path in &found.paths {
        let outcome = match &path.passage {
            Passage::Passes => "passes".to_owned(),
            Passage::Stopped { because, request, .. } => {
                format!("STOPPED: {because}\n      {}", request.to_value().to_json())
            }
            Passage::Unknown { because } => format!("unknown: {because}"),
        };
        out += &format!(
            "  {} | {} | {} -> {} | {} requests {outcome}\n",
            path.carries, path.actor, path.from, path.to, path.requests
        );
    }
    for idle in found.idle() {
        out += &format!("  idle: {} {}\n", idle.subject, idle.cause.statement);
    }
    out
}

#[test]
fn every_service_of_the_examples_gets_through() {
    for (name, environment) in EXAMPLES {
        let found = services::check(&Index::new(&example(name, environment, same)));
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{name} {environment}\n{}", told(&found));
        }
        assert_eq!(found.stopped().count(), 0, "{name} {environment}\n{}", told(&found));
        assert_eq!(found.unknown().count(), 0, "{name} {environment}\n{}", told(&found));
        assert_eq!(found.idle().count(), 0, "{name} {environment}\n{}", told(&found));
    }
}

/// Each construction that lets a service through, taken away: the path stops, and it is said by what.
#[test]
fn a_service_that_is_stopped_is_told_with_what_stops_it() {
    let cases = cases("services");
    assert!(cases.len() >= 14, "{}", cases.len());
    let (mut stopped, mut wrong) = (0, String::new());
    for (name, case) in &cases {
        let state = state_of(case.get("new"));
        let index = Index::new(&state);
        let found = services::check(&index);
        let mut shown: Vec<String> = found
            .paths
            .iter()
            .map(|path| match &path.passage {
                Passage::Passes => format!("{} passes", path.carries),
                Passage::Stopped { because, .. } => format!("{} stopped: {because}", path.carries),
                Passage::Unknown { because } => format!("{} unknown: {because}", path.carries),
            })
            .collect();
        shown.extend(found.idle().map(|one| format!("{} stops nobody", one.cause.statement)));
        if shown != texts(case.get("expect")) {
            wrong += &format!("{name}\n{}", told(&found));
        }
        stopped += found.stopped().count();
        for barrier in &found.barriers {
            let Some(request) = &barrier.stops else { continue };
            let decided = lakewright::access::decide(&index, request);
            assert_eq!(decided.answer, lakewright::access::Answer::Denied, "{name}: {request:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(stopped >= 8, "{stopped}");
}

/// The table of what services send says what the page for people says.
#[test]
fn what_services_send_is_what_the_page_says() {
    let page = fs::read_to_string(root().join("docs/service-conditions.md")).expect("the page");
    let mut seen = 0;
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let quoted = |cell: &str| cell.split('`').nth(1).unwrap_or_default().to_owned();
        let (document, service) = (quoted(cells[0]), quoted(cells[1]));
        let on = match document.split('-').next().unwrap_or_default() {
            "bucket" => "bucket",
            "topic" => "topic",
            "key" => "key",
            _ => "role",
        };
        let sender = lakewright::catalogue::senders::of(&service, on)
            .unwrap_or_else(|| panic!("{document}: {service} on a {on} is not in the table"));
        for (cell, key) in [(cells[2], "aws:SourceAccount"), (cells[3], "aws:SourceArn")] {
            let sent = sender.sends.iter().any(|own| own == key);
            assert_eq!(sent, cell.starts_with("yes"), "{document}: {key}");
        }
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
}

// --- the matrix -------------------------------------------------------------------------------

fn drawn(found: &matrix::Matrix) -> Vec<String> {
    let mut out = Vec::new();
    for row in &found.rows {
        for (column, cell) in found.columns.iter().zip(&row.cells) {
            let name = row.name.rsplit(':').next().unwrap_or_default();
            let place = column.name.rsplit(":::").next().unwrap_or_default();
            out.push(format!("{name} | {} {place} | {cell}", column.kind));
        }
    }
    out
}

#[test]
fn the_matrix_shows_what_changes() {
    let cases = cases("matrix");
    let mut wrong = String::new();
    for (name, case) in &cases {
        let (old, new) = (state_of(case.get("old")), state_of(case.get("new")));
        let (old, new) = (Index::new(&old), Index::new(&new));
        let found = matrix::matrix(&old, &new, false);
        if drawn(&found) != texts(case.get("expect")) {
            wrong += &format!("{name}\n    {}\n", drawn(&found).join("\n    "));
        }
        // turned round it loses what it gained
        let back = matrix::matrix(&new, &old, false);
        assert_eq!(found.rows.len(), back.rows.len(), "{name}");
        for (there, here) in found.rows.iter().zip(&back.rows) {
            for (a, b) in there.cells.iter().zip(&here.cells) {
                assert_eq!((&a.before, &a.after), (&b.after, &b.before), "{name}");
            }
        }
        // nothing changes from a state to itself, and all of it is the same
        assert!(matrix::matrix(&new, &new, false).rows.is_empty(), "{name}");
        let whole = matrix::matrix(&old, &new, true);
        for row in &found.rows {
            let same = whole.rows.iter().find(|one| one.who == row.who).expect("it is there too");
            for (column, cell) in found.columns.iter().zip(&row.cells) {
                let at = whole.columns.iter().position(|one| one.name == column.name);
                assert_eq!(&same.cells[at.expect("a column")], cell, "{name}");
            }
        }
        assert_eq!(whole.unchanged, 0);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() >= 8, "{}", cases.len());
}

/// A thousand roles with five statements each, of which one changes: nobody else is asked. And the same with a bucket's
/// policy, which all of them meet.
/// A state bent in one thing at a time, each of which a cell can rest on: what a principal brings, what guards a place, the
/// key of a bucket, grants and registered locations.
fn bent(state: &State) -> Vec<(String, State)> {
    let mut out = Vec::new();
    let mut bend = |what: String, change: &dyn Fn(&mut State)| {
        let mut other = state.clone();
        change(&mut other);
        if other != *state {
            out.push((what, other));
        }
    };
    let wall = Held {
        document: Value::from_json(
            r#"{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#,
        )
        .expect("JSON"),
        origin: Default::default(),
        property: "PolicyDocument".to_owned(),
        paths: Vec::new(),
    };
    let open =
        r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;
    let open = Held { document: Value::from_json(open).expect("JSON"), ..wall.clone() };
    for name in state.principals.keys() {
        let with = |change: &dyn Fn(&mut Principal)| {
            let mut other = state.principals[name].clone();
            change(&mut other);
            move |state: &mut State| drop(state.principals.insert(name.clone(), other.clone()))
        };
        bend(format!("{name} holds nothing"), &with(&|one| one.identity.clear()));
        let boundary = Boundary::Read(wall.clone());
        bend(format!("{name} is walled"), &with(&|one| one.boundary = boundary.clone()));
        let elsewhere = "arn:aws:iam::111111111111:policy/elsewhere";
        bend(
            format!("{name} holds more"),
            &with(&|one| {
                one.attached.insert(elsewhere.into());
            }),
        );
        bend(format!("{name} is elsewhere"), &with(&|one| one.account = "999999999999".into()));
        bend(format!("{name} trusts all"), &with(&|one| one.trust = Some(open.clone())));
    }
    for name in state.resources.keys() {
        let with = |change: &dyn Fn(&mut Guarded)| {
            let mut other = state.resources[name].clone();
            change(&mut other);
            move |state: &mut State| drop(state.resources.insert(name.clone(), other.clone()))
        };
        bend(format!("{name} is not guarded"), &with(&|one| one.policies.clear()));
        bend(format!("{name} is open"), &with(&|one| one.policies = vec![open.clone()]));
        let restricts = PublicAccess { restrict: true, ..PublicAccess::default() };
        bend(
            format!("{name} is open and restricted"),
            &with(&|one| {
                one.policies = vec![open.clone()];
                one.public_access = Some(restricts);
            }),
        );
        bend(format!("{name} has no key"), &with(&|one| one.key = None));
        bend(format!("{name} has another key"), &with(&|one| one.key = Some("elsewhere".into())));
        bend(format!("{name} is elsewhere"), &with(&|one| one.account = "999999999999".into()));
    }
    for at in 0..state.grants.len() {
        bend(format!("without grant {at}"), &|state| drop(state.grants.remove(at)));
    }
    bend("without locations".to_owned(), &|state| state.locations.clear());
    out
}

/// What is not asked is the same: each cell that differs between the whole tables of two states is in the matrix of the
/// change, and no other. Whoever adds to what a cell rests on and forgets it in what a change can touch breaks this.
#[test]
fn no_cell_that_changes_is_left_out() {
    let mut states: Vec<(String, State)> =
        cases("matrix").into_iter().map(|(name, case)| (name, state_of(case.get("new")))).collect();
    states.push(("quickstart".to_owned(), example("quickstart", "dev", same)));
    let (mut asked, mut differ) = (0, 0);
    for (name, old) in &states {
        let old = Index::new(old);
        let table = |found: matrix::Matrix| {
            let mut cells = BTreeMap::new();
            for row in &found.rows {
                for (column, cell) in found.columns.iter().zip(&row.cells) {
                    // a table that lies elsewhere than before is another place
                    let targets = format!("{:?}", column.targets);
                    let place = (row.name.clone(), column.kind, column.name.clone(), targets);
                    cells.insert(place, (cell.before.to_string(), cell.after.to_string()));
                }
            }
            cells
        };
        let was = table(matrix::matrix(&old, &old, true));
        for (what, state) in bent(old.state) {
            let new = Index::new(&state);
            let is = table(matrix::matrix(&new, &new, true));
            let found = table(matrix::matrix(&old, &new, false));
            for (place, (_, now)) in &is {
                let Some((then, _)) = was.get(place) else { continue };
                let told = found.get(place).filter(|(before, after)| before != after);
                let expected = (then != now).then(|| (then.clone(), now.clone()));
                assert_eq!(told, expected.as_ref(), "{name}, {what}: {place:?}");
                differ += usize::from(then != now);
            }
            asked += 1;
        }
    }
    assert!(asked > 150 && differ > 100, "{asked} changes, {differ} cells");
}

#[test]
fn a_thousand_roles_are_not_asked_for_one() {
    let role = |number: usize, more: &str| {
        let statements: Vec<String> = (0..5)
            .map(|at| {
                format!(
                    r#"{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::acme-{}/r{number}/s{at}/*"}}"#,
                    number % 20
                )
            })
            .collect();
        format!(
            r#""Role{number}":{{"Type":"AWS::IAM::Role","Properties":{{"RoleName":"r{number}","AssumeRolePolicyDocument":{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"glue.amazonaws.com"}},"Action":"sts:AssumeRole"}}]}},"Policies":[{{"PolicyName":"one","PolicyDocument":{{"Version":"2012-10-17","Statement":[{}{more}]}}}}]}}}}"#,
            statements.join(",")
        )
    };
    let bucket = |number: usize, action: &str| {
        format!(
            r#""B{number}":{{"Type":"AWS::S3::Bucket","Properties":{{"BucketName":"acme-{number}"}}}},"P{number}":{{"Type":"AWS::S3::BucketPolicy","Properties":{{"Bucket":"acme-{number}","PolicyDocument":{{"Version":"2012-10-17","Statement":[{{"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"{action}","Resource":["arn:aws:s3:::acme-{number}","arn:aws:s3:::acme-{number}/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}]}}}}}}"#
        )
    };
    let whole = |more: &str, action: &str| {
        let roles = (0..1000).map(|at| role(at, if at == 7 { more } else { "" }));
        let buckets = (0..20).map(|at| bucket(at, if at == 3 { action } else { "s3:*" }));
        let all: Vec<String> = roles.chain(buckets).collect();
        state_of(Some(&Value::from_json(&format!("{{{}}}", all.join(","))).expect("JSON")))
    };
    let plain = whole("", "s3:*");
    let more = r#",{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::acme-7/r7/s1/*"}"#;
    let one = whole(more, "s3:*");
    let started = std::time::Instant::now();
    let found = matrix::matrix(&Index::new(&plain), &Index::new(&one), false);
    let took = started.elapsed();
    assert_eq!(found.rows.len(), 1);
    assert_eq!(found.unchanged, 999);
    assert_eq!(drawn(&found)[0], "role/r7 | bucket acme-7 | RW -> RWD");
    let started = std::time::Instant::now();
    let found = matrix::matrix(&Index::new(&plain), &Index::new(&whole("", "s3:GetObject")), false);
    let other = started.elapsed();
    assert!(found.rows.is_empty());
    let keeper = Keeper {
        who: format!("arn:aws:iam::{ACCOUNT}:role/Deployer"),
        duty: Duty::Applies,
        of: None,
    };
    let started = std::time::Instant::now();
    let kept = lockout::check(&plain, &one, &[keeper]);
    assert_eq!(kept.checks.len(), 1020);
    eprintln!("one role: {took:?}; a bucket of all: {other:?}; lock-out: {:?}", started.elapsed());
    // unoptimised, on a busy machine; far from what a thousand searches each would take
    assert!(took.as_secs() < 60 && other.as_secs() < 120, "{took:?} {other:?}");
}
