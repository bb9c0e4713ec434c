//! `docs/aws-calls.md` lists the calls that the source makes, all of them and no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const SERVICES: [&str; 5] = ["CloudFormation ", "IAM ", "Lake Formation ", "S3 ", "STS "];

/// A text that names a service and an operation.
fn is_call(text: &str) -> bool {
    let operation = SERVICES.iter().find_map(|service| text.strip_prefix(service));
    operation.is_some_and(|it| {
        it.starts_with(|c: char| c.is_ascii_uppercase()) && it.chars().all(char::is_alphanumeric)
    })
}

fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            texts.push(code.to_owned());
        }
    }
}

#[test]
fn the_page_lists_every_call() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    sources(&root.join("src/aws"), &mut texts);
    let mut made: BTreeSet<String> = BTreeSet::new();
    let (mut sent, mut named) = (0, 0);
    for text in &texts {
        made.extend(text.split('"').filter(|it| is_call(it)).map(str::to_owned));
        sent += text.matches(".send()").count();
        named += text.matches("told(\"").count();
    }
    let page = fs::read_to_string(root.join("docs/aws-calls.md")).unwrap();
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .filter(|cell| is_call(cell))
        .map(str::to_owned)
        .collect();
    // the one call whose failure is no error of ours has no name in the source
    let mut expected = made.clone();
    expected.insert("S3 HeadObject".into());
    assert_eq!(listed, expected);
    // every place that sends names its call, but the two that look for our own work: the change
    // set of that name, and the object of that write
    assert_eq!(sent, named + 2, "a call is sent that has no name");
}
