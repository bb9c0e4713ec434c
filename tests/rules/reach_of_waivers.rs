//! A waiver for a place answers for what lies inside of that place, and for nothing that reaches further; what a finding
//! says tells whether it was there before.

use lakewright::access::{Index, State};
use lakewright::rules::{Around, Finding, Waiver, judge, new_among, run};
use serde_json::{Value, json};

use super::ground::{role, state};
use super::{TODAY, waiver};
use jiff::civil::date;

/// A bucket `name` of the spec's `buckets.NAME`.
fn bucket(name: &str) -> Value {
    json!({
        "Type": "AWS::S3::Bucket",
        "Metadata": {"lakewright": {"path": format!("buckets.{name}")}},
        "Properties": {"BucketName": name}
    })
}

/// Two buckets whose names begin alike, and a role with these statements.
fn lake(statements: Value) -> State {
    state(json!({"Raw": bucket("raw"), "Logs": bucket("raw-logs"), "Role": role(statements)}))
}

/// What a rule finds in such a lake.
fn found(code: &str, statements: Value) -> Vec<Finding> {
    let rule = lakewright::rules::rule(code).expect("a rule");
    rule.find(&Index::new(&lake(statements)), &Around::default())
}

/// Whether a waiver for `buckets.raw` silences what a role reads.
fn silenced(element: &str, resources: Value) -> bool {
    let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject"});
    statement[element] = resources;
    let all = found("LW0449", json!([statement]));
    assert_eq!(all.len(), 1, "{all:?}");
    let waivers: [Waiver; 1] = [waiver("LW0449", "buckets.raw", date(2099, 1, 1))];
    judge(&waivers, &waivers, all, TODAY).open.is_empty()
}

#[test]
fn a_waiver_for_a_place_covers_what_is_inside_of_it_alone() {
    let on = |list: &[&str]| silenced("Resource", json!(list));
    for inside in [
        &["arn:aws:s3:::raw/*"][..],
        &["arn:aws:s3:::raw"],
        &["arn:aws:s3:::raw", "arn:aws:s3:::raw/*"],
        &["arn:aws:s3:::raw/a/*", "arn:aws:s3:::raw/b?/*"],
    ] {
        assert!(on(inside), "{inside:?}");
    }
    for beyond in [
        // the first alone is inside
        &["arn:aws:s3:::raw/*", "arn:aws:s3:::raw-logs/*"][..],
        &["arn:aws:s3:::raw/*", "arn:aws:s3:::elsewhere/*"],
        &["arn:aws:s3:::raw/*", "*"],
        // all buckets that begin so
        &["arn:aws:s3:::raw*"],
        &["arn:aws:s3:::raw*/*"],
        &["arn:aws:s3:::ra?/*"],
        &["arn:aws:s3:::*"],
        &["*"],
    ] {
        assert!(!on(beyond), "{beyond:?}");
    }
    assert!(!silenced("NotResource", json!("arn:aws:s3:::raw/*")), "everything but this");
    // a place alone is no answer for what is in two; the principal and the entry still are
    let two = json!([{"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::raw/*", "arn:aws:s3:::raw-logs/*"]}]);
    let waivers = [waiver("LW0449", "role/tested", date(2099, 1, 1))];
    assert!(judge(&waivers, &waivers, found("LW0449", two), TODAY).open.is_empty());
}

/// How many findings of a rule a change of a role's statements brings.
fn come(code: &str, old: Value, new: Value) -> usize {
    let (old, new) = (found(code, old), found(code, new));
    new_among(&old, &new).into_iter().filter(|is_new| *is_new).count()
}

fn reads(action: Value, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

#[test]
fn a_second_finding_on_the_same_place_is_new() {
    let raw = "arn:aws:s3:::raw/*";
    let get = || reads(json!("s3:GetObject"), raw);
    let put = || reads(json!("s3:PutObject"), raw);
    assert_eq!(come("LW0449", json!([get()]), json!([get(), put()])), 1);
    assert_eq!(come("LW0449", json!([get()]), json!([put(), get()])), 1);
    // which of the two it is
    let (old, new) = (found("LW0449", json!([get()])), found("LW0449", json!([put(), get()])));
    assert_eq!(new_among(&old, &new), [true, false]);
    // the same rule, another way out of it
    let pass = |resource: &str| {
        json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": resource,
        "Condition": {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}})
    };
    let any = "arn:aws:iam::111122223333:role/*";
    let mut free = pass(any);
    free.as_object_mut().expect("a statement").remove("Condition");
    assert_eq!(come("LW0448", json!([pass(any)]), json!([free])), 1);
    // more than the three that the message has room for
    let edits = |last: &str| {
        let four = ["iam:AttachRolePolicy", "iam:CreatePolicyVersion", "iam:PutRolePolicy", last];
        json!([reads(json!(four), "*")])
    };
    let (one, other) = ("iam:PutUserPolicy", "iam:UpdateAssumeRolePolicy");
    assert_eq!(come("LW0447", edits(one), edits(one)), 0);
    assert_eq!(come("LW0447", edits(one), edits(other)), 1);
    // it reaches further than before
    let wider = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": [raw, "arn:aws:s3:::raw-logs/*"]}]);
    assert_eq!(come("LW0449", json!([get()]), wider.clone()), 1);
    assert_eq!(come("LW0449", wider, json!([get()])), 0, "narrower is no news");
}

#[test]
fn what_only_moves_is_not_new() {
    let raw = "arn:aws:s3:::raw/*";
    let get = || reads(json!("s3:GetObject"), raw);
    let put = || reads(json!("s3:PutObject"), "arn:aws:s3:::raw-logs/*");
    assert_eq!(come("LW0449", json!([get(), put()]), json!([put(), get()])), 0, "another order");
    assert_eq!(come("LW0449", json!([get()]), json!([reads(json!(["s3:GetObject"]), raw)])), 0);
    let both = |list: Value| json!([reads(list, raw)]);
    let (one, two) = (
        both(json!(["s3:GetObject", "s3:PutObject"])),
        both(json!(["s3:PutObject", "s3:GetObject"])),
    );
    assert_eq!(come("LW0449", one, two), 0);
    let mut named = get();
    named["Sid"] = json!("Named");
    assert_eq!(come("LW0449", json!([get()]), json!([named])), 0, "a name of its own");
    // an edit that leaves what is found as it is
    let mut held = get();
    held["Condition"] = json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}});
    assert_eq!(come("LW0449", json!([get()]), json!([held])), 0);
    // fewer actions say less
    let edits = |list: Value| json!([reads(list, "*")]);
    let all = edits(json!(["iam:PutRolePolicy", "iam:PutUserPolicy"]));
    assert_eq!(come("LW0447", all, edits(json!("iam:PutUserPolicy"))), 0);
    // the second of two is taken out: the other stays what it was
    let copy = run(&Index::new(&lake(json!([get(), put()]))), &Around::default());
    let one = run(&Index::new(&lake(json!([put()]))), &Around::default());
    assert!(new_among(&copy, &one).into_iter().all(|is_new| !is_new));
}
