//! What holds for every plan.

use std::path::{Path, PathBuf};

use lakewright::document::{Map, Value};
use lakewright::plan::{self, Action, Deployed, Plan, StackAction, file};
use lakewright::render::plan::json;
use lakewright::stacks::StackKey;
use proptest::prelude::*;

use super::cases::{all, context, deployed, desired, key, planned};

/// The templates of a case that come after, as if they were deployed.
fn as_deployed(case: &Value) -> Deployed {
    Deployed::from_templates(desired(case).into_iter().map(|stack| (stack.key, stack.template)))
}

fn of_properties(before: &Value, after: &Value) -> Plan {
    let template = |properties: &Value| {
        let mut resource = Map::new();
        resource.insert("Type", "Custom::Thing");
        resource.insert("Metadata", lakewright::document!({"lakewright": {"path": "buckets.raw"}}));
        resource.insert("Properties", properties.clone());
        lakewright::document!({"Resources": {"Thing": (resource)}})
    };
    let stack = key("acme-prod-storage");
    let old = Deployed::from_templates([(stack.clone(), template(before))]);
    let new = plan::rendered([(stack, template(after))]);
    plan::plan(new, &old, &context(&Value::Null, None))
}

#[test]
fn what_is_there_needs_no_change() {
    for (name, case) in all() {
        let plan = plan::plan(desired(&case), &as_deployed(&case), &context(&Value::Null, None));
        assert!(plan.is_empty(), "{name}: {:?}", plan.stacks);
        assert!(plan.stacks.iter().all(|stack| stack.action == StackAction::Keep), "{name}");
        assert!(plan.access.is_empty() && plan.refusals.is_empty(), "{name}");
    }
}

/// The templates of each example and environment, by its folder.
fn examples() -> Vec<(String, Vec<(StackKey, Value)>)> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples = Vec::new();
    for environment in entries(&root).iter().flat_map(|example| entries(&example.join("templates")))
    {
        let mut templates = Vec::new();
        for region in entries(&environment).iter().filter(|path| path.is_dir()) {
            let Ok(code) = lakewright::names::Region::new(name(region)) else { continue };
            for file in entries(region) {
                let key = key(&format!("{}@{code}", name(&file)));
                let text = std::fs::read_to_string(&file).unwrap();
                templates.push((key, Value::from_json(&text).unwrap()));
            }
        }
        examples.push((environment.display().to_string(), templates));
    }
    assert!(examples.len() >= 5, "{} examples", examples.len());
    examples
}

#[test]
fn examples_are_made_kept_and_taken_away() {
    let context = context(&Value::Null, None);
    for (name, templates) in examples() {
        let made = plan::plan(plan::rendered(templates.clone()), &Deployed::default(), &context);
        let resources: usize = made.stacks.iter().map(|stack| stack.resources()).sum();
        assert_eq!(made.counts().create, resources, "{name}");
        assert!(made.refusals.is_empty(), "{name}");
        let deployed = Deployed::from_templates(templates.clone());
        let again = plan::plan(plan::rendered(templates), &deployed, &context);
        assert!(again.is_empty() && again.access.is_empty(), "{name}");
        let gone = plan::destroy(&deployed, &context);
        // What is not protected (`protect: false` in a dev environment) asks for its consent by name.
        let lost = |path: &str| {
            gone.changes()
                .any(|(_, one)| one.data && one.action == Action::Delete && one.cause.path == path)
        };
        for refusal in &gone.refusals {
            let path = &refusal.cause.as_ref().unwrap().path;
            assert!(refusal.code == "LW0606" && lost(path), "{name}: {refusal:?}");
        }
        for (_, change) in
            gone.changes().filter(|(_, one)| one.data && one.action == Action::Delete)
        {
            let path = &change.cause.path;
            let refused = gone.refusals.iter().any(|one| one.cause.as_ref().unwrap().path == *path);
            assert!(refused, "{name}: {path} goes unasked");
        }
        // What was given is what is taken away.
        let mut given: Vec<_> =
            made.access.iter().map(|one| (&one.who, &one.verb, &one.place)).collect();
        let mut taken: Vec<_> =
            gone.access.iter().map(|one| (&one.who, &one.verb, &one.place)).collect();
        given.sort();
        taken.sort();
        assert_eq!(given, taken, "{name}");
        assert!(!given.is_empty(), "{name}");
    }
}

#[test]
fn a_difference_refuses_nothing() {
    for (name, case) in all() {
        let old = deployed(&case).stacks.into_iter().map(|(key, stack)| (key, stack.template));
        let plan =
            plan::diff(&Deployed::from_templates(old), desired(&case), &context(&case, None));
        assert!(plan.refusals.is_empty(), "{name}");
        if name == "bucket-renamed" {
            assert_eq!(plan.warnings.len(), 1);
            assert!(plan.warnings[0].ends_with("(LW0608)"), "{:?}", plan.warnings);
        }
    }
}

#[test]
fn the_order_of_the_stacks_changes_nothing() {
    for (name, case) in all() {
        let context = context(&case, None);
        let deployed = deployed(&case);
        let mut stacks = desired(&case);
        let forth = file::write(&plan::plan(stacks.clone(), &deployed, &context));
        stacks.reverse();
        let back = file::write(&plan::plan(stacks, &deployed, &context));
        assert_eq!(forth, back, "{name}");
    }
}

#[test]
fn every_change_is_explained() {
    for (name, case) in all() {
        let plan = planned(&case);
        for (stack, change) in plan.changes() {
            let id = &change.logical_id;
            assert!(!change.cause.path.is_empty(), "{name}: {id}");
            assert_eq!(stack.change(id.as_str()), Some(change), "{name}: ids ascend");
            match change.action {
                Action::Update | Action::Replace | Action::MayReplace => {
                    assert!(!change.properties.is_empty(), "{name}: {id} changes by nothing");
                }
                Action::Blocked => assert!(!change.notes.is_empty(), "{name}: {id} says no why"),
                _ => assert!(change.properties.is_empty(), "{name}: {id}"),
            }
            for property in &change.properties {
                let differs = property.before != property.after;
                assert!(differs || property.known_after_apply, "{name}: {id} {:?}", property.path);
            }
        }
        for refusal in &plan.refusals {
            assert!(lakewright::diagnostic::Code::parse(&refusal.code).is_some(), "{name}");
            assert!(!refusal.help.is_empty(), "{name}: {} has no way out", refusal.code);
        }
        // Data is lost by nobody's doing without a consent.
        let loses =
            |action| matches!(action, Action::Delete | Action::Replace | Action::MayReplace);
        let lost = plan.changes().any(|(_, change)| change.data && loses(change.action));
        assert!(!lost || !plan.consents.is_empty() || !plan.refusals.is_empty(), "{name}");
    }
}

#[test]
fn a_plan_file_is_its_plan_and_shows_its_edits() {
    for (name, case) in all() {
        let plan = planned(&case);
        let text = file::write(&plan);
        assert_eq!(file::read(&text).as_ref(), Ok(&plan), "{name}");
        let edited = text.replacen("\"acme-prod\"", "\"acme-test\"", 1);
        assert_ne!(edited, text);
        assert_eq!(file::read(&edited), Err(file::PlanFileError::Edited), "{name}");
    }
    let (_, case) = all().swap_remove(0);
    let text = file::write(&planned(&case));
    let newer = text.replacen("\"format_version\":2", "\"format_version\":3", 1);
    assert_eq!(file::read(&newer), Err(file::PlanFileError::Version(3)));
    for bad in ["", "{}", "[1]", "no", &text[..text.len() / 2]] {
        assert!(matches!(file::read(bad), Err(file::PlanFileError::NotAPlan(_))), "{bad:.20}");
    }
}

/// Values such as templates hold: objects, lists of objects with and without names, plain values.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..4i64).prop_map(Value::from),
        "[a-c]{1,2}".prop_map(Value::from),
        Just(lakewright::document!({"Ref": "Other"})),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let named = ("[a-d]", inner.clone()).prop_map(|(name, value)| {
            let mut map = Map::new();
            map.insert("Id", name);
            map.insert("V", value);
            Value::Map(map)
        });
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(named, 0..4).prop_map(Value::List),
            prop::collection::btree_map("[A-C]", inner, 0..4).prop_map(|map| {
                map.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>().into()
            }),
        ]
    })
}

fn objects() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[A-C]", values(), 1..4).prop_map(|map| {
        map.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>().into()
    })
}

/// The value with every plain value as text: what CloudFormation takes as the same is the same.
fn spelled(value: &Value) -> Value {
    match value {
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| (key.to_owned().into(), spelled(value)))
            .collect::<Map>()
            .into(),
        Value::List(list) => list.iter().map(spelled).collect(),
        Value::Str(text) => Value::Str(text.clone()),
        other => Value::from(other.to_json()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_properties_are_no_change(value in objects()) {
        prop_assert!(of_properties(&value, &value).is_empty());
    }

    #[test]
    fn different_properties_are_a_change(before in objects(), after in objects()) {
        let plan = of_properties(&before, &after);
        prop_assert_eq!(plan.is_empty(), spelled(&before) == spelled(&after));
    }

    #[test]
    fn forth_and_back_touch_the_same_top(before in objects(), after in objects()) {
        let tops = |plan: &Plan| {
            let mut tops: Vec<String> = plan
                .changes()
                .flat_map(|(_, change)| change.properties.iter().map(|one| one.path[0].clone()))
                .collect();
            tops.sort();
            tops.dedup();
            tops
        };
        let forth = of_properties(&before, &after);
        prop_assert_eq!(tops(&forth), tops(&of_properties(&after, &before)));
        prop_assert!(json(&forth).get("stacks").is_some());
    }
}
