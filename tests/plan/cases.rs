use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lakewright::cloud::StackStatus;
use lakewright::document::{Map, Value};
use lakewright::lake::Origins;
use lakewright::names::{AccountId, LogicalId, Region, StackName};
use lakewright::plan::{self, Consent, Context, Deployed, DeployedStack, Filled, Kept, Plan};
use lakewright::render::plan::{View, text};
use lakewright::source::{Sources, Span};
use lakewright::stacks::{Output, Stack, StackKey};
use lakewright::syntax::{Entry, Kind, Node};

/// The cases, by name.
pub fn all() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let value = Value::from_json(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, value)
        })
        .collect()
}

pub fn key(name: &str) -> StackKey {
    let (name, region) = name.split_once('@').unwrap_or((name, "eu-west-1"));
    StackKey { region: Region::new(region).unwrap(), name: StackName::new(name).unwrap() }
}

fn pairs(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value.and_then(Value::as_map).into_iter().flat_map(Map::iter)
}

fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    pairs(value).map(|(key, value)| (key.into(), value.as_str().unwrap().into())).collect()
}

fn template(value: &Value) -> Value {
    if value.get("Resources").is_some() {
        return value.clone();
    }
    let mut map = Map::new();
    map.insert("Resources", value.clone());
    Value::Map(map)
}

fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

pub fn desired(case: &Value) -> Vec<Stack> {
    let templates: Vec<_> =
        pairs(case.get("new")).map(|(name, value)| (key(name), template(value))).collect();
    let mut stacks = plan::rendered(templates);
    for stack in &mut stacks {
        stack.tags = texts(case.get("tags"));
        let name = stack.key.name.as_str();
        for (parameter, from) in texts(case.at(&["parameters", name])) {
            let (producer, output) = from.split_once('.').unwrap();
            let output = Output { stack: key(producer), output: output.into() };
            stack.depends_on.insert(output.stack.clone());
            stack.parameters.insert(parameter, output);
        }
        for (id, causes) in &mut stack.causes {
            let given = case.at(&["causes", id.as_str()]);
            causes.properties.extend(
                texts(given).into_iter().map(|(property, from)| (property.into(), from.into())),
            );
        }
    }
    stacks
}

pub fn deployed(case: &Value) -> Deployed {
    let mut deployed = Deployed::default();
    for (name, value) in pairs(case.get("old")) {
        let mut stack = DeployedStack::from_template(template(value));
        if let Some(told) = case.at(&["deployed", name]) {
            let status = word(told, "status").unwrap_or("CREATE_COMPLETE");
            stack.id = format!("arn:aws:cloudformation:eu-west-1:111111111111:stack/{name}/1");
            stack.status = Some(StackStatus::parse(status).unwrap());
            stack.updated = Some("2026-11-23T10:00:00Z".into());
            stack.status_reason = word(told, "reason").map(str::to_owned);
            stack.tags = Some(match told.get("tags") {
                Some(tags) => texts(Some(tags)),
                None => BTreeMap::from([("lakewright:lake".into(), "acme-prod".into())]),
            });
            stack.parameters = texts(told.get("parameters"));
            stack.outputs = texts(told.get("outputs"));
            stack.termination_protection = told.get("termination_protection").is_some();
            stack.physical_ids = texts(told.get("physical_ids"))
                .into_iter()
                .map(|(id, name)| (LogicalId::new(id).unwrap(), name))
                .collect();
        }
        deployed.stacks.insert(key(name), stack);
    }
    for kept in case.get("kept").and_then(Value::as_list).unwrap_or_default() {
        deployed.kept.push(serde_json::from_str::<Kept>(&kept.to_json()).unwrap());
    }
    for (bucket, filled) in pairs(case.get("filled")) {
        let number = |key: &str| filled.get(key).and_then(Value::as_int).unwrap_or(0) as usize;
        let (versions, locked) = (number("versions"), number("locked"));
        let filled = Filled { versions, locked, ..Filled::default() };
        deployed.filled.insert(bucket.into(), filled);
    }
    deployed
}

pub fn context<'a>(case: &Value, places: Option<(&'a Origins, &'a Sources)>) -> Context<'a> {
    let account = AccountId::new("111111111111").unwrap();
    let mut context = Context::new("acme-prod", "prod", account, Region::new("eu-west-1").unwrap());
    context.places = places;
    for consent in case.get("consents").and_then(Value::as_list).unwrap_or_default() {
        let (kind, name) = consent.as_str().unwrap().split_once(' ').unwrap();
        context.consents.push(match kind {
            "destroy" => Consent::Destroy(name.into()),
            "empty" => Consent::Empty(name.into()),
            other => panic!("no consent `{other}`"),
        });
    }
    context
}

pub fn planned(case: &Value) -> Plan {
    let mut sources = Sources::default();
    let origins = word(case, "spec").map(|text| origins(&mut sources, text));
    let context = context(case, origins.as_ref().map(|origins| (origins, &sources)));
    match word(case, "operation") {
        Some("destroy") => plan::destroy(&deployed(case), &context),
        _ => plan::plan(desired(case), &deployed(case), &context),
    }
}

/// Places of keys, by indentation alone: enough for the small specs of the cases.
fn origins(sources: &mut Sources, text: &str) -> Origins {
    let file = sources.add("lake.yaml", text);
    let mut lines: Vec<(usize, &str, Span)> = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some((key, _)) = line.trim_start().split_once(':') {
            let start = offset + indent;
            lines.push((indent, key, Span::new(file, start, start + key.len())));
        }
        offset += line.len();
    }
    fn map(lines: &[(usize, &str, Span)], span: Span) -> Node {
        let mut entries = Vec::new();
        let mut rest = lines;
        while let Some(((indent, key, key_span), inner)) = rest.split_first() {
            let end = inner.iter().position(|(deep, ..)| deep <= indent).unwrap_or(inner.len());
            let value = map(&inner[..end], *key_span);
            entries.push(Entry { key: (*key).into(), key_span: *key_span, value });
            rest = &inner[end..];
        }
        Node { span, kind: if entries.is_empty() { Kind::Null } else { Kind::Map(entries) } }
    }
    Origins::of(&map(&lines, Span::new(file, 0, 0)))
}

/// The plan in the words of `expect`.
fn told(plan: &Plan) -> Value {
    let mut out = Map::new();
    let stacks: Map = plan
        .stacks
        .iter()
        .map(|stack| {
            let action = serde_json::to_string(&stack.action).unwrap();
            (stack.key.name.as_str().to_owned().into(), Value::from_json(&action).unwrap())
        })
        .collect();
    out.insert("stacks", stacks);
    let mut changes = Map::new();
    for (_, change) in plan.changes() {
        assert!(!change.cause.path.is_empty(), "{} has no cause", change.logical_id);
        let mut properties = Map::new();
        for property in &change.properties {
            let effect = serde_json::to_string(&property.effect).unwrap();
            let mut effect = effect.trim_matches('"').to_owned();
            if property.known_after_apply {
                effect.push_str(", known after apply");
            }
            properties.insert(property.path.join("."), effect);
        }
        let action = change.action.as_str();
        let mut told = Map::new();
        told.insert("action", action);
        if !change.certain {
            told.insert("certain", false);
        }
        if !properties.is_empty() {
            told.insert("properties", properties);
        }
        let told = if told.len() == 1 { Value::from(action) } else { Value::Map(told) };
        changes.insert(change.logical_id.to_string(), told);
    }
    if !changes.is_empty() {
        out.insert("changes", changes);
    }
    let respelled: Vec<String> =
        plan.stacks.iter().flat_map(|stack| &stack.respelled).map(ToString::to_string).collect();
    if !respelled.is_empty() {
        out.insert("respelled", respelled);
    }
    let access: Vec<String> = plan
        .access
        .iter()
        .map(|grant| {
            let sign = if grant.added { '+' } else { '-' };
            let when = grant.when.as_ref().map_or(String::new(), |when| format!(" {when}"));
            format!("{sign} {}: {} {}{when}", grant.who, grant.verb, grant.place)
        })
        .collect();
    if !access.is_empty() {
        out.insert("access", access);
    }
    let refusals: Vec<String> = plan.refusals.iter().map(|refusal| refusal.code.clone()).collect();
    if !refusals.is_empty() {
        out.insert("refusals", refusals);
    }
    if !plan.warnings.is_empty() {
        out.insert("warnings", plan.warnings.len() as i64);
    }
    Value::Map(out)
}

#[test]
fn plans_are_as_expected() {
    let cases = all();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for (name, case) in &cases {
        let plan = planned(case);
        let (expected, found) = (case.get("expect").cloned().unwrap_or_default(), told(&plan));
        if expected != found {
            wrong.push(format!(
                "{name}: expected {expected}\n{:w$}  found    {found}",
                "",
                w = name.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn plans_read_as_expected() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, case) in all() {
            let shown = text(&planned(&case), &View { width: 100, ..View::default() });
            for line in shown.lines() {
                assert!(!line.contains('\u{1b}'), "{name}: {line:?}");
            }
            insta::assert_snapshot!(name, shown);
        }
    });
}
