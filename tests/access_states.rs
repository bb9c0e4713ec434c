//! Whole states compared: pairs with a known truth, each with AWS's page, also in reverse and with themselves.
//!
//! A case is an entry of a file in `access_states/`: the stacks before and after, the verdict on everything together,
//! and, where it says more, the verdicts of rows (`SUBJECT LAYER`, the subject by its end), a clause of what is still
//! needed, of a reason, a part of the help. `reverse` is the mirrored verdict unless it is given; a list holds verdicts of which
//! each is right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lakewright::access::{self, Answer, Compared, Index, Layer, Source, State};
use lakewright::document::{Map, Value};
use lakewright::syntax;
use lakewright::verdict::{Options, Requester, Verdict};

fn cases() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access_states");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the cases").flatten().map(|it| it.path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("readable");
        let all = syntax::template(&format!("cases:\n{text}")).expect("YAML");
        for case in all.get("cases").and_then(Value::as_list).expect("a list") {
            let id = case.get("id").and_then(Value::as_str).expect("an id");
            found.push((format!("{name}/{id}"), case.clone()));
        }
    }
    found
}

fn state<'s>(stacks: &'s Value) -> State {
    let stacks = stacks.as_map().expect("stacks by name");
    let source = |(name, body): (&'s str, &'s Value)| Source {
        name: name.to_owned(),
        account: "111111111111".to_owned(),
        region: "eu-west-1".to_owned(),
        body: std::borrow::Cow::Borrowed(body),
        parameters: BTreeMap::new(),
        given: Default::default(),
    };
    access::read(&stacks.iter().map(source).collect::<Vec<_>>())
}

fn mirrored(verdict: &str) -> &str {
    match verdict {
        "broadened" => "narrowed",
        "narrowed" => "broadened",
        other => other,
    }
}

fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(list)) => {
            list.iter().map(|one| one.as_str().expect("a word").to_owned()).collect()
        }
        Some(one) => vec![one.as_str().expect("a word").to_owned()],
        None => Vec::new(),
    }
}

fn shown(compared: &Compared) -> String {
    let rows = compared.rows.iter().map(|row| {
        let reason = row.comparison.reason.as_ref().map(|reason| reason.text.as_str());
        let gained = row.comparison.gained.as_ref().map(|request| request.to_value().to_json());
        format!(
            "    {} {}: {} {gained:?} {reason:?}\n",
            row.subject,
            row.layer.as_str(),
            row.verdict()
        )
    });
    rows.collect()
}

#[test]
fn states_by_hand() {
    let cases = cases();
    assert!(cases.len() >= 50, "only {} cases", cases.len());
    let mut wrong = String::new();
    for (id, case) in &cases {
        for key in ["why", "url"] {
            assert!(case.get(key).is_some(), "{id} has no {key}");
        }
        let (old, new) =
            (state(case.get("old").expect("old")), state(case.get("new").expect("new")));
        let expected = words(case.get("verdict"));
        let reverse = match words(case.get("reverse")) {
            none if none.is_empty() => {
                expected.iter().map(|one| mirrored(one).to_owned()).collect()
            }
            own => own,
        };
        let same = vec!["equivalent".to_owned()];
        let options = Options::default();
        for (what, old, new, expected) in [
            ("", &old, &new, &expected),
            (" in reverse", &new, &old, &reverse),
            (" before, with itself", &old, &old, &same),
            (" after, with itself", &new, &new, &same),
        ] {
            let found = access::compare(old, new, &options);
            assert_eq!(access::counts(old, new, &options), found.counts(), "{id}{what}");
            if !expected.iter().any(|one| one == found.verdict().word()) {
                wrong += &format!("{id}{what}: {} and not {expected:?}\n", found.verdict());
                wrong += &shown(&found);
            }
            for row in &found.rows {
                let gained = row.comparison.gained.is_some();
                let claims = matches!(row.verdict(), Verdict::Broadened | Verdict::Incomparable);
                assert_eq!(gained, claims, "{id}{what}: {row:?}");
            }
        }
        let found = access::compare(&old, &new, &options);
        let (was, is) = (Index::new(&old), Index::new(&new));
        for (name, verdict) in
            case.get("rows").and_then(Value::as_map).into_iter().flat_map(Map::iter)
        {
            let (subject, layer) = name.split_once(' ').expect("a subject and a layer");
            let row = found
                .rows
                .iter()
                .find(|row| row.subject.ends_with(subject) && row.layer.as_str() == layer);
            let verdict = verdict.as_str();
            if row.map(|row| row.verdict().word()) != verdict {
                wrong += &format!("{id}: {name} is not {verdict:?}\n{}", shown(&found));
            }
        }
        // What was gained gets through all layers that are read, unless it is said what is needed; before, it did not.
        for row in found.rows.iter().filter(|row| row.layer <= Layer::Resource) {
            let Some(request) = &row.comparison.gained else { continue };
            // what holds in one case of what is open, or for whoever carries a policy, is not what the state says as a whole
            let of_a_case = !row.given.is_empty();
            let is_group = row.kind == "AWS::IAM::Group";
            if of_a_case || is_group || !row.comparison.exact || row.layer == Layer::Trust {
                continue;
            }
            let mut request = request.clone();
            if row.layer == Layer::Identity {
                request.principal = Some(Requester::read("AWS", &access::in_request(&row.subject)));
            }
            let (before, after) =
                (access::decide(&was, &request).answer, access::decide(&is, &request).answer);
            let through = access::needed(&is, row).is_empty();
            if before == Answer::Allowed || (after == Answer::Allowed) != through {
                wrong += &format!(
                    "{id}: {before:?} and {after:?}, needed nothing: {through}: {row:?}\n"
                );
            }
        }
        if let Some(clause) = case.get("needed").and_then(Value::as_str) {
            let needed: Vec<String> =
                found.rows.iter().flat_map(|row| access::needed(&is, row)).collect();
            if !needed.iter().any(|one| one.contains(clause)) {
                wrong += &format!("{id}: `{clause}` is not said to be needed: {needed:?}\n");
            }
        }
        if let Some(help) = case.get("help").and_then(Value::as_str) {
            let helps = found.rows.iter().filter_map(|row| row.help.as_deref());
            if !helps.clone().any(|one| one.contains(help)) {
                wrong += &format!("{id}: no help says `{help}`: {:?}\n", helps.collect::<Vec<_>>());
            }
        }
        if let Some(clause) = case.get("reason").and_then(Value::as_str)
            && !shown(&found).contains(clause)
        {
            wrong += &format!("{id}: no reason says `{clause}`\n{}", shown(&found));
        }
        if let Some(who) = case.get("not_gained").and_then(Value::as_str) {
            let gained = found.rows.iter().filter_map(|row| row.comparison.gained.as_ref());
            let text: String = gained.map(|request| request.to_value().to_json()).collect();
            if text.contains(who) {
                wrong += &format!("{id}: {who} gains: {text}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_document_that_is_supplied_decides() {
    let cases = cases();
    let (_, case) =
        cases.iter().find(|(id, _)| id == "identity/boundary-not-at-hand").expect("the case");
    let wall = Value::from_json(
        r#"{"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}"#,
    );
    let wall = wall.expect("JSON");
    let mut old = state(case.get("old").expect("old"));
    let mut new = state(case.get("new").expect("new"));
    let arn = "arn:aws:iam::111111111111:policy/far";
    assert!(old.supply(arn, &wall) && new.supply(arn, &wall));
    assert!(!new.supply(arn, &wall), "it is there now");
    let found = access::compare(&old, &new, &Options::default());
    assert_eq!((found.verdict(), found.exact()), (Verdict::Broadened, true), "{}", shown(&found));
}
