//! Templates that leave something open: parameters, conditions, `Fn::If`. A folder of `tests/open` is a case: the
//! templates before and after, what is given, and what every row says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use lakewright::access::{self, Compared, Source, State};
use lakewright::syntax;
use lakewright::verdict::Options;

fn folder() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/open")
}

type Given = BTreeMap<String, String>;

fn state(text: &str, given: &Given) -> State {
    access::read(&[Source {
        name: "template".to_owned(),
        account: "111111111111".to_owned(),
        region: "eu-west-1".to_owned(),
        body: std::borrow::Cow::Owned(syntax::template(text).expect("a template")),
        parameters: Default::default(),
        given: given.clone(),
    }])
}

fn read(case: &Utf8Path, name: &str) -> Option<String> {
    fs_err::read_to_string(case.join(name)).ok()
}

fn compared(old: &str, new: &str, given: &Given) -> Compared {
    access::compare(&state(old, given), &state(new, given), &Options::default())
}

fn told(compared: &Compared) -> String {
    let mut out = format!("{}\n", compared.verdict().word());
    for row in &compared.rows {
        let word = row.comparison.verdict.word();
        let _ = writeln!(out, "{word}: {} {}", row.layer.as_str(), row.subject);
        for given in &row.given {
            let _ = writeln!(out, "    where {given}");
        }
        if let Some(reason) = &row.comparison.reason {
            let _ = writeln!(out, "    {}", reason.text);
        }
    }
    out
}

#[test]
fn every_case_says_what_it_should_both_ways() {
    let mut wrong = String::new();
    let mut cases: Vec<Utf8PathBuf> = folder()
        .read_dir_utf8()
        .expect("the cases")
        .map(|entry| entry.expect("an entry").into_path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 10, "the cases are there");
    for case in cases {
        let (old, new) =
            (read(&case, "old.yaml").expect("old"), read(&case, "new.yaml").expect("new"));
        let lines = read(&case, "parameters.txt").unwrap_or_default();
        let given: Given = lines
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let text = format!(
            "{}\nreversed: {}",
            told(&compared(&old, &new, &given)),
            told(&compared(&new, &old, &given))
        );
        let expected = case.join("expected.txt");
        if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
            fs_err::write(&expected, &text).expect("written");
        } else if read(&case, "expected.txt").as_deref() != Some(&text) {
            let _ = writeln!(wrong, "{case}:\n{text}");
        }
        for template in [&old, &new] {
            let same = compared(template, template, &given);
            assert_eq!(same.verdict().word(), "equivalent", "{case}: a template and itself");
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{wrong}");
}

/// A parameter that is given leaves nothing open.
#[test]
fn a_value_given_decides_the_condition() {
    let old = read(&folder().join("branch-of-a-statement"), "old.yaml").expect("old");
    let new = read(&folder().join("branch-of-a-statement"), "new.yaml").expect("new");
    let with = |value: &str| Given::from([("Partner".to_owned(), value.to_owned())]);
    assert_eq!(compared(&old, &new, &with("")).verdict().word(), "equivalent");
    let found = compared(&old, &new, &with("arn:aws:iam::222222222222:role/x"));
    assert_eq!(found.verdict().word(), "broadened");
    let row = found.rows.iter().find(|row| row.comparison.gained.is_some()).expect("a gain");
    assert!(row.given.iter().all(|given| !given.contains("Partner")), "nothing is assumed");
}

/// Conditions of their own for each of many users: too many cases together, few for each.
#[test]
fn what_has_nothing_in_common_is_looked_into_apart() {
    let template = |wider: usize| {
        let (mut parameters, mut conditions, mut users) =
            (String::new(), String::new(), String::new());
        for at in 0..300 {
            let action = if at == wider { "s3:*" } else { "s3:GetObject" };
            let _ = write!(parameters, "\n  P{at}: {{ Type: String }}");
            let _ = write!(conditions, "\n  C{at}: !Equals [!Ref P{at}, 'yes']");
            let _ = write!(
                users,
                "\n  U{at}: {{ Type: AWS::IAM::User, Condition: C{at}, Properties: {{ UserName: u{at} }} }}\n  \
                 P{at}: {{ Type: AWS::IAM::UserPolicy, Condition: C{at}, Properties: {{ UserName: u{at}, PolicyName: p, \
                 PolicyDocument: {{ Statement: [{{ Effect: Allow, Action: '{action}', Resource: '*' }}] }} }} }}"
            );
        }
        format!("Parameters:{parameters}\nConditions:{conditions}\nResources:{users}\n")
    };
    let found = compared(&template(300), &template(7), &Given::new());
    let gained: Vec<&str> = found
        .rows
        .iter()
        .filter(|row| row.verdict().word() == "broadened")
        .map(|row| row.subject.as_str())
        .collect();
    assert_eq!(gained, ["arn:aws:iam::111111111111:user/u7"]);
    assert_eq!(found.verdict().word(), "broadened");
    assert!(found.exact(), "no user is undecided");
    assert_eq!(found.rows.len(), 300);
}
