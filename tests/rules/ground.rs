//! The templates of every example as JSON that can be bent, and what the rules find in them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lakewright::access::{Index, Source, State, read};
use lakewright::compile::{compile, scripts_of, understand};
use lakewright::document::Value as Document;
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::resolve::environments;
use lakewright::rules::{self, Around, Finding};
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::syntax::parse;
use serde_json::Value;

/// What the rules find in a state.
pub fn run(state: &State, around: &Around) -> Vec<Finding> {
    rules::run(&Index::new(state), around)
}

/// A lake's stacks.
#[derive(Clone)]
pub struct Lake {
    /// `medallion prod`.
    pub name: String,
    pub account: String,
    pub around: Around,
    pub stacks: Vec<Stack>,
}

/// A template, and where its parameters come from.
#[derive(Clone)]
pub struct Stack {
    pub name: String,
    pub region: String,
    pub template: Value,
    pub parameters: BTreeMap<String, (String, String)>,
}

/// Every example in every environment.
pub fn lakes() -> Vec<Lake> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = Vec::new();
    let mut folders: Vec<_> = std::fs::read_dir(root).expect("examples").flatten().collect();
    folders.sort_by_key(std::fs::DirEntry::path);
    for entry in folders {
        let path = entry.path().join("lake.yaml");
        let text = std::fs::read_to_string(&path).expect("every example has a spec");
        let mut sources = Sources::default();
        let file = sources.add(path.display().to_string(), text);
        let (tree, _) = parse(&sources, file);
        for environment in environments(&tree) {
            let name = format!("{} {environment}", entry.file_name().to_string_lossy());
            let lake = understand(&tree, environment).lake.expect("examples are right");
            let scripts: Scripts = scripts_of(&lake)
                .into_iter()
                .map(|path| (path.to_owned(), "ab".repeat(32)))
                .collect();
            let compiled = compile(&lake, &Library::built_in(), &scripts, &Placement::default());
            let stack = |stack: &lakewright::stacks::Stack| Stack {
                name: stack.key.to_string(),
                region: stack.key.region.to_string(),
                template: serde_json::from_str(&stack.template.to_json()).expect("JSON"),
                parameters: stack
                    .parameters
                    .iter()
                    .map(|(name, from)| {
                        (name.clone(), (from.stack.to_string(), from.output.clone()))
                    })
                    .collect(),
            };
            found.push(Lake {
                name,
                account: lake.home.account.to_string(),
                around: Around { family: lake.family.iter().map(ToString::to_string).collect() },
                stacks: compiled.stacks.iter().map(stack).collect(),
            });
        }
    }
    assert!(found.len() >= 7, "{}", found.len());
    found
}

impl Lake {
    pub fn state(&self) -> State {
        let source = |stack: &Stack| Source {
            name: stack.name.clone(),
            account: self.account.clone(),
            region: stack.region.clone(),
            body: Cow::Owned(Document::from_json(&stack.template.to_string()).expect("JSON")),
            parameters: stack.parameters.clone(),
            given: Default::default(),
        };
        read(&self.stacks.iter().map(source).collect::<Vec<_>>())
    }

    pub fn findings(&self) -> Vec<Finding> {
        run(&self.state(), &self.around)
    }

    /// Whether one rule finds something.
    pub fn breaks(&self, code: &str) -> bool {
        let rule = lakewright::rules::rule(code).expect("a rule");
        !rule.find(&Index::new(&self.state()), &self.around).is_empty()
    }

    /// Each resource of a type (a prefix of it), by stack and logical id.
    pub fn of(&self, kind: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, stack) in self.stacks.iter().enumerate() {
            for (id, resource) in stack.template["Resources"].as_object().expect("resources") {
                if resource["Type"].as_str().is_some_and(|own| own.starts_with(kind)) {
                    found.push((at, id.clone()));
                }
            }
        }
        found
    }

    /// The same lake with one resource bent.
    pub fn bent(&self, (at, id): &(usize, String), bend: impl FnOnce(&mut Value)) -> Lake {
        let mut other = self.clone();
        bend(&mut other.stacks[*at].template["Resources"][id.as_str()]["Properties"]);
        other
    }

    /// The same lake with a resource more, in its first stack.
    pub fn with(&self, id: &str, resource: Value) -> Lake {
        let mut other = self.clone();
        other.stacks[0].template["Resources"][id] = resource;
        other
    }
}

pub fn codes(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|one| one.rule.code.as_str()).collect()
}

/// The statements of a resource's policy, by the property that holds it.
pub fn statements<'v>(properties: &'v mut Value, property: &str) -> Vec<&'v mut Value> {
    match properties.get_mut(property).and_then(|document| document.get_mut("Statement")) {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// Takes a key out of every operator of a statement's condition; whether it was there.
pub fn without(statement: &mut Value, key: &str) -> bool {
    let Some(operators) = statement.get_mut("Condition").and_then(Value::as_object_mut) else {
        return false;
    };
    let mut found = false;
    operators.values_mut().filter_map(Value::as_object_mut).for_each(|keys| {
        found |= keys.remove(key).is_some();
    });
    operators.retain(|_, keys| keys.as_object().is_none_or(|keys| !keys.is_empty()));
    found
}

/// What a statement lists under an element.
pub fn words(statement: &Value, element: &str) -> Vec<String> {
    match &statement[element] {
        Value::Array(list) => {
            list.iter().map(|one| one.as_str().unwrap_or("").to_owned()).collect()
        }
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// A state of one template.
pub fn state(resources: Value) -> State {
    let template = serde_json::json!({ "Resources": resources });
    read(&[Source {
        name: "one".to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        body: Cow::Owned(Document::from_json(&template.to_string()).expect("JSON")),
        parameters: BTreeMap::new(),
        given: Default::default(),
    }])
}

/// A role that a service assumes, with one policy.
pub fn role(statements: Value) -> Value {
    serde_json::json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "tested",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]},
            "Policies": [{
                "PolicyName": "own",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}
            }]
        }
    })
}
