//! The forms of a plan: JSON by its schema, Markdown within its bounds, text without surprises.

use lakewright::document::{Map, Value};
use lakewright::render::document::{Found, document};
use lakewright::render::plan::{View, json, markdown, text};

use super::cases::{all, planned};

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/plan.schema.json");
    Value::from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Checks a value by the part of JSON Schema that the file uses; anything else in it is an error.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let map = schema.as_map().expect("a schema is an object");
    for (word, rule) in map.iter() {
        match word {
            "$ref" => {
                let path: Vec<&str> =
                    rule.as_str().unwrap().trim_start_matches("#/").split('/').collect();
                check(root, root.at(&path).expect("the definition is there"), value, at, wrong);
            }
            "type" => {
                let fits = rule.as_str() == Some(value.kind());
                if !fits {
                    wrong.push(format!("{at}: {} is no {rule}", value.kind()));
                }
            }
            "enum" | "const" => {
                let fits = rule == value || rule.as_list().is_some_and(|list| list.contains(value));
                if !fits {
                    wrong.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "required" => {
                for key in rule.as_list().unwrap() {
                    if value.get(key.as_str().unwrap()).is_none() {
                        wrong.push(format!("{at}: {key} is missing"));
                    }
                }
            }
            "properties" => {
                for (key, value) in value.as_map().into_iter().flat_map(Map::iter) {
                    match rule.get(key) {
                        Some(rule) => check(root, rule, value, &format!("{at}/{key}"), wrong),
                        None => wrong.push(format!("{at}: {key} is not in the schema")),
                    }
                }
            }
            "items" => {
                for (position, value) in value.as_list().unwrap_or_default().iter().enumerate() {
                    check(root, rule, value, &format!("{at}/{position}"), wrong);
                }
            }
            "$schema" | "$id" | "$defs" | "title" | "description" | "additionalProperties"
            // These are for the validator of `tests/schemas.rs`.
            | "allOf" | "minimum" => {}
            other => panic!("{at}: the check does not know `{other}`"),
        }
    }
}

/// Every property of the schema has a description.
fn undescribed(schema: &Value, at: &str, found: &mut Vec<String>) {
    let Some(map) = schema.as_map() else { return };
    for (key, value) in map.iter() {
        if key == "properties" {
            for (name, rule) in value.as_map().into_iter().flat_map(Map::iter) {
                if rule.get("description").is_none() {
                    found.push(format!("{at}/{name}"));
                }
            }
        }
        match key {
            "properties" | "$defs" => {
                for (name, rule) in value.as_map().into_iter().flat_map(Map::iter) {
                    undescribed(rule, &format!("{at}/{name}"), found);
                }
            }
            _ => undescribed(value, at, found),
        }
    }
}

#[test]
fn json_is_valid_against_the_published_schema() {
    let schema = schema();
    let mut found = Vec::new();
    undescribed(&schema, "", &mut found);
    assert!(found.is_empty(), "without a description: {found:?}");
    let form = schema.at(&["$defs", "plan"]).expect("a plan is one of its forms");
    for (name, case) in all() {
        let mut wrong = Vec::new();
        let printed = document(json(&planned(&case)), &Found::default(), 0, "ok");
        check(&schema, form, &printed, "", &mut wrong);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
    let mut wrong = Vec::new();
    check(&schema, form, &lakewright::document!({"operation": "x", "new": 1}), "", &mut wrong);
    assert!(wrong.len() > 5, "the check finds what is wrong");
}

#[test]
fn markdown_keeps_its_bounds_and_its_top() {
    for (name, case) in all() {
        let plan = planned(&case);
        let whole = markdown(&plan, 60_000);
        assert!(whole.len() <= 60_000, "{name}");
        assert!(whole.starts_with("<!-- lakewright:plan:prod -->\n"), "{name}");
        assert_eq!(whole.matches("```").count() % 2, 0, "{name}: an open fence");
        assert_eq!(whole.matches("<details>").count(), whole.matches("</details>").count());
        let short = markdown(&plan, 0);
        for refusal in &plan.refusals {
            assert!(short.contains(&refusal.code), "{name}: the top is complete");
        }
        assert!(short.len() <= whole.len() + 120, "{name}");
        if plan.changes().next().is_some() {
            assert!(short.contains("left out"), "{name}: it says what is missing");
            assert!(!whole.contains("left out"), "{name}");
        }
        assert!(!whole.contains('\u{1b}') && !whole.contains('\u{202e}'), "{name}");
    }
}

#[test]
fn colour_is_never_the_only_signal() {
    for (name, case) in all() {
        let plan = planned(&case);
        let plain = text(&plan, &View { width: 100, ..View::default() });
        let coloured = text(&plan, &View { width: 100, color: true, ..View::default() });
        assert_eq!(plain, stripped(&coloured), "{name}");
        let note = "not saved with --out";
        let unsaved = text(&plan, &View { note_unsaved: true, ..View::default() });
        assert_eq!(unsaved.contains(note), !plan.is_empty() && plan.refusals.is_empty(), "{name}");
    }
}

/// The text without colours, and without the blanks that stood behind one.
fn stripped(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut plain = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        plain.push_str(rest);
        out.push_str(plain.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn lines_keep_the_width_but_for_words_that_do_not() {
    for (name, case) in all() {
        let shown = text(&planned(&case), &View { width: 100, ..View::default() });
        for line in
            shown.lines().filter(|line| !line.contains("help:") && !line.starts_with("error"))
        {
            assert!(line.chars().count() <= 130, "{name}: {line}");
        }
    }
}
