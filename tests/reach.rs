//! Questions to one state of access: what the examples allow (`tests/reach/*.yaml`, a file an example), the same by an
//! evaluator that others wrote, and every way from one principal to another on small templates, each with every half
//! of it taken away in turn.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use lakewright::access::reach::{Closure, Extent, Judge, Reached, Subject, Target, extent};
use lakewright::access::{Boundary, Index, Source, State, read};
use lakewright::document::Value;
use support::simulator;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

const EXAMPLES: [&str; 5] =
    ["analytics", "medallion", "cross-account-sharing", "streaming", "north-star"];

fn environment(example: &str) -> &'static str {
    if example == "streaming" { "dev" } else { "prod" }
}

/// `access check` in the folder of an example.
fn check(example: &str, file: &Path) -> (i32, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_lakewright"))
        .args(["access", "check"])
        .arg(file)
        .args(["--env", environment(example)])
        .current_dir(root().join("examples").join(example))
        .env_clear()
        .output()
        .expect("it runs");
    let text =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.code().expect("an exit code"), text)
}

#[test]
fn the_examples_let_in_whom_they_say() {
    for example in EXAMPLES {
        let file = root().join("tests/reach").join(format!("{example}.yaml"));
        let (code, text) = check(example, &file);
        assert_eq!(code, 0, "{example}\n{text}");
        assert!(text.contains("ok "), "{example}\n{text}");
        // the other way round, nothing of it holds
        let folder = tempfile::tempdir().expect("a folder");
        let turned = folder.path().join("turned.yaml");
        let own = fs::read_to_string(&file).expect("the file");
        let other =
            own.replace(" can:", " CAN:").replace(" cannot:", " can:").replace(" CAN:", " cannot:");
        fs::write(&turned, other).expect("written");
        let (code, text) = check(example, &turned);
        assert_eq!(code, 4, "{example}\n{text}");
        assert!(text.contains("0 of "), "{example}\n{text}");
    }
}

fn state(template: &str) -> State {
    read(&[Source {
        name: "one".into(),
        account: "111111111111".into(),
        region: "eu-west-1".into(),
        body: std::borrow::Cow::Owned(Value::from_json(template).expect("JSON")),
        parameters: BTreeMap::new(),
        given: BTreeMap::new(),
    }])
}

/// The requests that are shown for the examples' own principals, judged by others.
#[test]
fn what_is_shown_as_allowed_is_allowed_by_another_evaluator() {
    let mut requests = Vec::new();
    for example in EXAMPLES {
        let folder =
            root().join("examples").join(example).join("templates").join(environment(example));
        let mut sources = Vec::new();
        let regions = fs::read_dir(&folder).expect("templates").flatten();
        for region in regions.filter(|one| one.path().is_dir()) {
            for file in fs::read_dir(region.path()).expect("templates").flatten() {
                let body = Value::from_json(&fs::read_to_string(file.path()).expect("text"));
                let Ok(body) = body else { continue };
                if body.get("Resources").is_some() {
                    sources.push(Source {
                        name: file
                            .path()
                            .file_stem()
                            .expect("a name")
                            .to_string_lossy()
                            .into_owned(),
                        account: "222222222222".into(),
                        region: region.file_name().to_string_lossy().into_owned(),
                        body: std::borrow::Cow::Owned(body),
                        parameters: BTreeMap::new(),
                        given: BTreeMap::new(),
                    });
                }
            }
        }
        if environment(example) == "dev" {
            sources.iter_mut().for_each(|source| source.account = "111111111111".into());
        }
        lakewright::access::feed(&mut sources);
        let state = read(&sources);
        let index = Index::new(&state);
        let judge = Judge::new(&index);
        for (arn, one) in &state.principals {
            if one.boundary != Boundary::None || arn.starts_with('{') {
                continue;
            }
            for (bucket, guarded) in &state.resources {
                if guarded.kind != "AWS::S3::Bucket" || bucket.starts_with('{') {
                    continue;
                }
                let target = Target {
                    kind: "object".into(),
                    resource: Value::from(format!("{bucket}/*")),
                    guard: bucket.clone(),
                };
                for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
                    let who = Subject::Named(arn.clone());
                    let Reached::Yes { request, .. } =
                        judge.ask(&who, action, &target, None, false)
                    else {
                        continue;
                    };
                    let document = |value: &Value| {
                        serde_json::from_str(&plain(value).to_json()).expect("JSON")
                    };
                    let shown: serde_json::Value =
                        serde_json::from_str(&request.to_value().to_json()).expect("JSON");
                    requests.push(simulator::Request {
                        principal: Some(arn.clone()),
                        action: request.action.clone(),
                        resource: request.resource.clone().expect("a resource"),
                        account: guarded.account.clone(),
                        context: shown["context"].as_object().expect("a context").clone(),
                        identity: one
                            .identity
                            .iter()
                            .map(|held| document(&held.document))
                            .collect(),
                        resource_policy: guarded
                            .policies
                            .first()
                            .map(|held| document(&held.document)),
                    });
                }
            }
        }
    }
    assert!(requests.len() > 15, "{} requests", requests.len());
    for (asked, decided) in requests.iter().zip(simulator::iam_simulate(&requests)) {
        let decided = decided.expect("it is decided");
        assert!(decided.allowed, "{asked:#?}\n{decided:?}");
    }
}

/// With something in the place of references: no request here is about a key.
fn plain(value: &Value) -> Value {
    match value {
        Value::Map(map) if map.get("Ref").is_some() || map.get("Fn::GetAtt").is_some() => {
            Value::from("arn:aws:kms:eu-west-1:222222222222:key/k")
        }
        Value::Map(map) => Value::Map(
            map.iter().map(|(key, value)| (key.to_owned().into(), plain(value))).collect(),
        ),
        Value::List(list) => list.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// A way from the role `start` to the role `data`, which alone may read what lies in a bucket.
struct Case {
    name: &'static str,
    /// What `start` may do: all of it is needed.
    start: &'static [&'static str],
    /// The principal that `data` trusts.
    trust: &'static str,
    /// Whether the trust is a half of the way.
    trusted: bool,
    /// Further resources.
    more: &'static str,
    /// The way: kind and name of each step.
    way: &'static [(&'static str, &'static str)],
}

const START: &str = r#"{"AWS": "arn:aws:iam::111111111111:role/start"}"#;
const ACCOUNT: &str = r#"{"AWS": "111111111111"}"#;
const NOBODY: &str = r#"{"Service": "backup.amazonaws.com"}"#;

const CASES: &[Case] = &[
    Case {
        name: "trust names the role",
        start: &[],
        trust: START,
        trusted: true,
        more: "",
        way: &[("assume", "data")],
    },
    Case {
        name: "trust names the account",
        start: &[
            r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111111111111:role/data"}"#,
        ],
        trust: ACCOUNT,
        trusted: true,
        more: "",
        way: &[("assume", "data")],
    },
    Case {
        name: "handed to Glue",
        start: &[
            r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111111111111:role/data", "Condition": {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}}"#,
            r#"{"Effect": "Allow", "Action": "glue:CreateJob", "Resource": "*"}"#,
        ],
        trust: r#"{"Service": "glue.amazonaws.com"}"#,
        trusted: true,
        more: "",
        way: &[("pass", "data")],
    },
    Case {
        name: "its trust is rewritten",
        start: &[r#"{"Effect": "Allow", "Action": "iam:UpdateAssumeRolePolicy", "Resource": "*"}"#],
        trust: NOBODY,
        trusted: false,
        more: "",
        way: &[("become", "data")],
    },
    Case {
        name: "its own policies",
        start: &[
            r#"{"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "arn:aws:iam::111111111111:role/start"}"#,
        ],
        trust: NOBODY,
        trusted: false,
        more: "",
        way: &[("edits", "start")],
    },
    Case {
        name: "the script of a job",
        start: &[
            r#"{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::code/jobs/*"}"#,
        ],
        trust: r#"{"Service": "glue.amazonaws.com"}"#,
        trusted: false,
        more: r#", "Job": {"Type": "AWS::Glue::Job", "Properties": {"Role": {"Fn::GetAtt": ["data", "Arn"]},
            "Command": {"Name": "glueetl", "ScriptLocation": "s3://code/jobs/a.py"}}}"#,
        way: &[("writes code", "data")],
    },
    Case {
        name: "a library of a job",
        start: &[
            r#"{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::code/libs/*"}"#,
        ],
        trust: r#"{"Service": "glue.amazonaws.com"}"#,
        trusted: false,
        more: r#", "Job": {"Type": "AWS::Glue::Job", "Properties": {"Role": {"Fn::GetAtt": ["data", "Arn"]},
            "Command": {"Name": "glueetl", "ScriptLocation": "s3://code/jobs/a.py"},
            "DefaultArguments": {"--extra-py-files": "s3://code/wheels/b.whl,s3://code/libs/c.whl"}}}"#,
        way: &[("writes code", "data")],
    },
    Case {
        name: "the policy of the bucket with the data",
        start: &[
            r#"{"Effect": "Allow", "Action": "s3:PutBucketPolicy", "Resource": "arn:aws:s3:::data"}"#,
        ],
        trust: NOBODY,
        trusted: false,
        more: "",
        way: &[("opens", "arn:aws:s3:::data")],
    },
    Case {
        name: "the policy of the bucket with the code",
        start: &[
            r#"{"Effect": "Allow", "Action": "s3:PutBucketPolicy", "Resource": "arn:aws:s3:::code"}"#,
        ],
        trust: r#"{"Service": "glue.amazonaws.com"}"#,
        trusted: false,
        more: r#", "Job": {"Type": "AWS::Glue::Job", "Properties": {"Role": {"Fn::GetAtt": ["data", "Arn"]},
            "Command": {"Name": "glueetl", "ScriptLocation": "s3://code/jobs/a.py"}}}"#,
        way: &[("writes code", "data")],
    },
    Case {
        name: "a layer of a function",
        start: &[
            r#"{"Effect": "Allow", "Action": "lambda:UpdateFunctionConfiguration", "Resource": "*"}"#,
        ],
        trust: r#"{"Service": "lambda.amazonaws.com"}"#,
        trusted: false,
        more: r#", "F": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "f", "Role": {"Fn::GetAtt": ["data", "Arn"]},
            "Code": {"ZipFile": "x"}}}"#,
        way: &[("replaces code", "data")],
    },
    Case {
        name: "the code of a function",
        start: &[r#"{"Effect": "Allow", "Action": "lambda:UpdateFunctionCode", "Resource": "*"}"#],
        trust: r#"{"Service": "lambda.amazonaws.com"}"#,
        trusted: false,
        more: r#", "F": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "f", "Role": {"Fn::GetAtt": ["data", "Arn"]},
            "Code": {"ZipFile": "x"}}}"#,
        way: &[("replaces code", "data")],
    },
    Case {
        name: "two steps, and back",
        start: &[
            r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111111111111:role/middle"}"#,
        ],
        trust: r#"{"AWS": "arn:aws:iam::111111111111:role/middle"}"#,
        trusted: true,
        more: r#", "middle": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "middle", "AssumeRolePolicyDocument": {"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["111111111111", "arn:aws:iam::111111111111:role/data"]}, "Action": "sts:AssumeRole"}]}}}"#,
        way: &[("assume", "middle"), ("assume", "data")],
    },
];

fn lake(start: &[&str], trust: &str, more: &str) -> State {
    let assume = |trust: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {trust}, "Action": "sts:AssumeRole"}}]}}"#
        )
    };
    let policies = |statements: String| match statements.is_empty() {
        true => String::new(),
        false => format!(
            r#", "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [{statements}]}}}}]"#
        ),
    };
    let role = |name: &str, trust: &str, statements: String| {
        format!(
            r#""{name}": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "{name}", "AssumeRolePolicyDocument": {}{}}}}}"#,
            assume(trust),
            policies(statements)
        )
    };
    let data =
        r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}"#;
    let names: String = ["data", "code"]
        .map(|name| format!(r#", "B{name}": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "{name}"}}}}"#))
        .concat();
    state(&format!(
        r#"{{"Resources": {{{}, {}{names}{more}}}}}"#,
        role("start", NOBODY, start.join(", ")),
        role("data", trust, data.to_owned())
    ))
}

fn asked(state: &State) -> (Reached, Vec<(String, String)>) {
    let index = Index::new(state);
    let judge = Judge::new(&index);
    let who = Subject::Named("arn:aws:iam::111111111111:role/start".into());
    let target = Target {
        kind: "object".into(),
        resource: Value::from("arn:aws:s3:::data/*"),
        guard: "arn:aws:s3:::data".into(),
    };
    let closure = Closure::of(&judge, &who);
    let (reached, path) = closure.ask(&judge, &who, "s3:GetObject", &target);
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    (reached, path.iter().map(|way| (way.kind.as_str().to_owned(), name(&way.to))).collect())
}

#[test]
fn every_way_is_found_and_needs_each_of_its_halves() {
    for case in CASES {
        let (reached, path) = asked(&lake(case.start, case.trust, case.more));
        assert!(reached.is_yes(), "{}: {reached:?}", case.name);
        let way: Vec<_> =
            case.way.iter().map(|(kind, to)| ((*kind).to_owned(), (*to).to_owned())).collect();
        assert_eq!(path, way, "{}", case.name);
        for left_out in 0..case.start.len() {
            let mut start = case.start.to_vec();
            start.remove(left_out);
            let (reached, _) = asked(&lake(&start, case.trust, case.more));
            assert!(
                matches!(reached, Reached::No { .. }),
                "{} without {left_out}: {reached:?}",
                case.name
            );
        }
        if case.trusted {
            let (reached, _) = asked(&lake(case.start, NOBODY, case.more));
            assert!(matches!(reached, Reached::No { .. }), "{} untrusted: {reached:?}", case.name);
        }
        if !case.more.is_empty() {
            let (reached, _) = asked(&lake(case.start, case.trust, ""));
            assert!(matches!(reached, Reached::No { .. }), "{} alone: {reached:?}", case.name);
        }
    }
}

#[test]
fn a_role_is_handed_only_to_the_service_that_the_condition_names() {
    let pass = r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}"#;
    let make = r#"{"Effect": "Allow", "Action": "glue:CreateJob", "Resource": "*"}"#;
    let (reached, _) = asked(&lake(&[pass, make], r#"{"Service": "glue.amazonaws.com"}"#, ""));
    assert!(matches!(reached, Reached::No { .. }), "{reached:?}");
}

/// A role that stands in no template may do anything: whoever can hand it over or assume it is not known to do nothing.
#[test]
fn roles_that_were_not_read_leave_the_answer_open() {
    let make = r#"{"Effect": "Allow", "Action": "glue:CreateJob", "Resource": "*"}"#;
    for (action, resource, open) in [
        ("iam:PassRole", "*", true),
        ("iam:PassRole", "arn:aws:iam::111111111111:role/etl-*", true),
        ("iam:PassRole", "arn:aws:iam::111111111111:role/start", false),
        ("sts:AssumeRole", "arn:aws:iam::999988887777:role/x", true),
        ("sts:AssumeRole", "arn:aws:iam::111111111111:role/data", false),
        ("s3:PutObject", "*", false),
    ] {
        let moves =
            format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#);
        let (reached, _) = asked(&lake(&[&moves, make], NOBODY, ""));
        match reached {
            Reached::Unknown { because } => {
                panic!("the closure says it, not the question: {because}");
            }
            Reached::Yes { request, .. } => panic!("{action} {resource}: {request:?}"),
            Reached::No { .. } => {}
        }
        let state = lake(&[&moves, make], NOBODY, "");
        let index = Index::new(&state);
        let judge = Judge::new(&index);
        let who = Subject::Named("arn:aws:iam::111111111111:role/start".into());
        let unknown = Closure::of(&judge, &who).unknown;
        assert_eq!(!unknown.is_empty(), open, "{action} {resource}: {unknown:?}");
    }
}

/// Of an encrypted bucket both policies have to be written, unless one lets in already; a boundary does not hold what a
/// resource's policy gives to a session, and a Deny of its own does.
#[test]
fn who_writes_policies_lets_itself_in() {
    let template = |statements: &str, more: &str| {
        state(&format!(
            r#"{{"Resources": {{
            "K": {{"Type": "AWS::KMS::Key", "Properties": {{"KeyPolicy": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Principal": {{"AWS": "111111111111"}}, "Action": "kms:*", "Resource": "*"}}]}}}}}},
            "B": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "data", "BucketEncryption":
                {{"ServerSideEncryptionConfiguration": [{{"ServerSideEncryptionByDefault": {{"SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": {{"Fn::GetAtt": ["K", "Arn"]}}}}}}]}}}}}},
            "start": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "start"{more},
                "AssumeRolePolicyDocument": {{"Statement": [{{"Effect": "Allow", "Principal": {NOBODY}, "Action": "sts:AssumeRole"}}]}},
                "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [{statements}]}}}}]}}}}
            }}}}"#
        ))
    };
    let allow =
        |action: &str| format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#);
    let bucket = allow("s3:PutBucketPolicy");
    let key = allow("kms:PutKeyPolicy");
    let (reached, path) = asked(&template(&format!("{bucket}, {key}"), ""));
    assert!(reached.is_yes() && path.len() == 2, "{reached:?} {path:?}");
    for one in [&bucket, &key] {
        let (reached, _) = asked(&template(one, ""));
        assert!(matches!(reached, Reached::No { .. }), "{one}: {reached:?}");
    }
    let (reached, path) = asked(&template(&format!("{bucket}, {}", allow("kms:Decrypt")), ""));
    assert!(reached.is_yes() && path.len() == 1, "{reached:?} {path:?}");
    let deny = r#"{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}"#;
    let (reached, _) = asked(&template(&format!("{bucket}, {key}, {deny}"), ""));
    assert!(matches!(reached, Reached::No { .. }), "{reached:?}");
}

#[test]
fn an_encrypted_object_needs_its_key_too() {
    let template = |key: &str| {
        state(&format!(
            r#"{{"Resources": {{
            "K": {{"Type": "AWS::KMS::Key", "Properties": {{"KeyPolicy": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Principal": {{"AWS": "{key}"}}, "Action": "kms:Decrypt", "Resource": "*"}}]}}}}}},
            "B": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "data", "BucketEncryption":
                {{"ServerSideEncryptionConfiguration": [{{"ServerSideEncryptionByDefault": {{"SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": {{"Fn::GetAtt": ["K", "Arn"]}}}}}}]}}}}}},
            "start": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "start",
                "AssumeRolePolicyDocument": {{"Statement": [{{"Effect": "Allow", "Principal": {NOBODY}, "Action": "sts:AssumeRole"}}]}},
                "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}}]}}}}]}}}}
            }}}}"#
        ))
    };
    let (reached, _) = asked(&template("arn:aws:iam::111111111111:role/start"));
    assert!(reached.is_yes(), "{reached:?}");
    // the key leaves it to policies of the account, and there is none
    for key in ["111111111111", "arn:aws:iam::111111111111:role/other"] {
        let (reached, _) = asked(&template(key));
        let Reached::No { because: Some(because) } = reached else { panic!("{reached:?}") };
        assert!(because.contains("kms:Decrypt"), "{because}");
    }
}

#[test]
fn what_is_not_at_hand_is_unknown_and_a_deny_is_certain() {
    let with = |more: &str| {
        state(&format!(
            r#"{{"Resources": {{"B": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "data"}}}},
            "start": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "start",
                "AssumeRolePolicyDocument": {{"Statement": [{{"Effect": "Allow", "Principal": {NOBODY}, "Action": "sts:AssumeRole"}}]}},
                "ManagedPolicyArns": ["arn:aws:iam::111111111111:policy/elsewhere"]}}}}{more}}}}}"#
        ))
    };
    let (reached, _) = asked(&with(""));
    let Reached::Unknown { because } = reached else { panic!("{reached:?}") };
    assert!(because.contains("--document"), "{because}");
    let deny = r#", "P": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {"Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"}]}}}"#;
    let judge_state = with(deny);
    let index = Index::new(&judge_state);
    let judge = Judge::new(&index);
    let target = Target {
        kind: "object".into(),
        resource: Value::from("arn:aws:s3:::data/*"),
        guard: "arn:aws:s3:::data".into(),
    };
    let who = Subject::Named("arn:aws:iam::111111111111:role/start".into());
    let found = judge.ask(&who, "s3:GetObject", &target, None, false);
    assert!(matches!(found, Reached::No { .. }), "{found:?}");
}

/// A role's request names the role, so a Deny that asks for the name is met; a block that restricts a public policy leaves
/// nobody who has no account.
#[test]
fn a_signed_request_has_its_name_and_an_unsigned_one_no_account() {
    let with = |statement: &str| {
        state(&format!(
            r#"{{"Resources": {{
            "B": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "data", "PublicAccessBlockConfiguration": {{"RestrictPublicBuckets": true}}}}}},
            "P": {{"Type": "AWS::S3::BucketPolicy", "Properties": {{"Bucket": {{"Ref": "B"}}, "PolicyDocument": {{"Version": "2012-10-17",
                "Statement": [{statement}]}}}}}},
            "start": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "start",
                "AssumeRolePolicyDocument": {{"Statement": [{{"Effect": "Allow", "Principal": {NOBODY}, "Action": "sts:AssumeRole"}}]}},
                "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}}]}}}}]}}}}}}}}"#
        ))
    };
    let target = Target {
        kind: "object".into(),
        resource: Value::from("arn:aws:s3:::data/*"),
        guard: "arn:aws:s3:::data".into(),
    };
    let ask = |state: &State, who: &Subject| {
        Judge::new(&Index::new(state)).ask(who, "s3:GetObject", &target, None, false)
    };
    let role = Subject::Named("arn:aws:iam::111111111111:role/start".into());
    let deny = |name: &str| {
        with(&format!(
            r#"{{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*",
                "Condition": {{"ArnEquals": {{"aws:PrincipalArn": "arn:aws:iam::111111111111:role/{name}"}}}}}}"#
        ))
    };
    let found = ask(&deny("start"), &role);
    assert!(matches!(found, Reached::No { .. }), "{found:?}");
    assert!(ask(&deny("other"), &role).is_yes());
    let public = with(
        r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}"#,
    );
    let found = ask(&public, &Subject::Anonymous);
    assert!(matches!(found, Reached::No { .. }), "{found:?}");
}

/// What of a place the role `start` reaches, with these statements and those of the bucket `data`.
fn reached_of(resource: &str, own: &str, bucket: &str) -> Extent {
    let policy = match bucket.is_empty() {
        true => String::new(),
        false => format!(
            r#", "P": {{"Type": "AWS::S3::BucketPolicy", "Properties": {{"Bucket": {{"Ref": "Bdata"}}, "PolicyDocument":
                {{"Version": "2012-10-17", "Statement": [{bucket}]}}}}}}"#
        ),
    };
    let state = lake(&[own], NOBODY, &policy);
    let index = Index::new(&state);
    let judge = Judge::new(&index);
    let who = Subject::Named("arn:aws:iam::111111111111:role/start".into());
    let target = Target {
        kind: "object".into(),
        resource: Value::from(resource.to_owned()),
        guard: "arn:aws:s3:::data".into(),
    };
    let closure = Closure::of(&judge, &who);
    let (reached, _) = closure.ask(&judge, &who, "s3:GetObject", &target);
    assert!(reached.is_yes(), "{resource}, {own}, {bucket}: {reached:?}");
    extent(&judge, &closure, &who, &["s3:GetObject".to_owned()], &target)
}

#[test]
fn a_place_is_reached_wholly_or_in_part() {
    let allow = |resource: &str, more: &str| {
        format!(
            r#"{{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/{resource}"{more}}}"#
        )
    };
    let deny = |element: &str, resource: &str, more: &str| {
        format!(
            r#"{{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "{element}": "arn:aws:s3:::data/{resource}"{more}}}"#
        )
    };
    let plain = r#", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#;
    let no = String::new;
    // what is asked for, the Allow, what the bucket says, and what is not reached of it
    let cases: &[(&str, String, String, Option<&str>)] = &[
        ("*", allow("*", ""), no(), None),
        ("a/*", allow("*", ""), no(), None),
        ("a/*", allow("a/*", ""), no(), None),
        ("*", allow("a/*", ""), no(), Some("any-object")),
        ("a/*", allow("a/x/*", ""), no(), Some("a/any-object")),
        ("a/*", allow("a/x", ""), no(), Some("a/any-object")),
        ("a/*", allow("*.csv", ""), no(), Some("a/any-object")),
        ("a/*", allow("a/any*", ""), no(), Some("a/some-object")),
        // the object itself
        ("a/x", allow("a/x", ""), no(), None),
        ("a/x", allow("a/*", ""), no(), None),
        // taken out by a Deny below, beside, or only of what nobody has to send
        ("a/*", allow("*", ""), deny("Resource", "a/secret/*", ""), Some("a/secret/any-object")),
        ("*", allow("*", ""), deny("Resource", "a/x", ""), Some("a/x")),
        ("a/*", allow("*", ""), deny("Resource", "*.key", ""), Some("a/.key")),
        ("a/*", allow("*", ""), deny("NotResource", "a/x/*", ""), Some("a/any-object")),
        ("a/*", allow("*", ""), deny("NotResource", "a/*", ""), None),
        ("a/*", allow("*", ""), deny("Resource", "b/*", ""), None),
        ("a/*", allow("*", ""), deny("Resource", "a/secret/*", plain), None),
    ];
    for (place, own, bucket, not) in cases {
        let arn = |end: &str| format!("arn:aws:s3:::data/{end}");
        let expected = match not {
            Some(not) => Extent::Some { not: Some(arn(not)), unknown: None },
            None => Extent::All,
        };
        assert_eq!(reached_of(&arn(place), own, bucket), expected, "{place}: {own} {bucket}");
    }
    let but = r#"{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::data/a/x/*"}"#;
    let not = Some("arn:aws:s3:::data/a/x/any-object".to_owned());
    assert_eq!(reached_of("arn:aws:s3:::data/a/*", but, ""), Extent::Some { not, unknown: None });
    // what a parameter takes out is not known
    let filled = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": {"Fn::Sub": "arn:aws:s3:::data/a/${Unheard}/*"}}"#;
    let found = reached_of("arn:aws:s3:::data/a/*", &allow("*", ""), filled);
    assert!(matches!(found, Extent::Some { not: None, unknown: Some(_) }), "{found:?}");
}

/// A key is reached or not; a role that is taken reaches for whoever takes it.
#[test]
fn how_much_is_asked_of_objects_and_through_others() {
    let state = lake(&[], START, "");
    let index = Index::new(&state);
    let judge = Judge::new(&index);
    let who = Subject::Named("arn:aws:iam::111111111111:role/start".into());
    let closure = Closure::of(&judge, &who);
    let of = |kind: &str, resource: &str| {
        let target = Target {
            kind: kind.into(),
            resource: Value::from(resource.to_owned()),
            guard: "arn:aws:s3:::data".into(),
        };
        extent(&judge, &closure, &who, &["s3:GetObject".to_owned()], &target)
    };
    assert_eq!(of("object", "arn:aws:s3:::data/*"), Extent::All);
    assert_eq!(of("object", "arn:aws:s3:::data/a/*"), Extent::All);
    assert_eq!(of("key", "arn:aws:kms:eu-west-1:111111111111:key/k"), Extent::All);
}

/// `ALLOWED for some of it` is neither what `--expect allow` nor what `--expect deny` asks for.
#[test]
fn part_of_a_place_is_neither_allowed_nor_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = folder.path().join("lake.json");
    let text = format!(
        r#"{{"Resources": {{"B": {{"Type": "AWS::S3::Bucket", "Properties": {{"BucketName": "data"}}}},
        "R": {{"Type": "AWS::IAM::Role", "Properties": {{"RoleName": "start", "AssumeRolePolicyDocument":
            {{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {NOBODY}, "Action": "sts:AssumeRole"}}]}},
            "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/x/*"}}]}}}}]}}}}}}}}"#
    );
    fs::write(&template, text).expect("written");
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_lakewright"))
            .arg("access")
            .args(arguments)
            .args(["lake.json", "--account", "111111111111", "--region", "eu-west-1"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .expect("it runs");
        (done.status.code().expect("a code"), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (all, some) = ("arn:aws:s3:::data/x/", "arn:aws:s3:::data/");
    let can = |on: &str, expect: &str| run(&["can", "role/start", "read", on, "--expect", expect]);
    assert_eq!(can(all, "allow").0, 0);
    assert_eq!(can(all, "deny").0, 4);
    assert_eq!(can(some, "deny").0, 4);
    let (code, text) = can(some, "allow");
    assert_eq!(code, 4, "{text}");
    assert!(text.starts_with("ALLOWED for some of it: role/start read"), "{text}");
    assert!(text.contains("  reached  arn:aws:s3:::data/x/"), "{text}");
    assert!(text.contains("  not      arn:aws:s3:::data/any-object\n"), "{text}");
    let (_, text) = run(&["can", "role/start", "read", some, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["extent"], "some");
    assert_eq!(json["not_reached"], "arn:aws:s3:::data/any-object");
    assert!(run(&["who", some]).1.contains("read (some of it)"));
    assert!(run(&["what", "role/start"]).1.contains("read (some of it)"));
    for (word, on, expected) in [
        ("can", all, 0),
        ("can", some, 4),
        ("cannot", some, 4),
        ("cannot", "arn:aws:s3:::data/y/", 0),
    ] {
        let line = format!("- {{ who: role/start, {word}: read, on: \"{on}\" }}\n");
        fs::write(folder.path().join("says.yaml"), line).expect("written");
        assert_eq!(run(&["check", "says.yaml"]).0, expected, "{word} {on}");
    }
}
