//! A plan for programs: JSON by `docs/schemas/plan.schema.json`.

use super::{at_risk, groups, line, summary};
use crate::document;
use crate::document::{Map, Value};
use crate::plan::{
    Action, Cause, Change, Consent, Effect, Operation, Plan, StackAction, StackPlan,
};

/// The plan for programs: the keys of the document. It holds what the text says, in full: nothing is shortened.
pub fn json(plan: &Plan) -> Map {
    let counts = plan.counts();
    let number = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let mut out = Map::new();
    out.insert("operation", operation(plan.operation));
    out.insert("lake", plan.lake.clone());
    out.insert("environment", plan.environment.clone());
    out.insert("account", &plan.account);
    out.insert("region", &plan.region);
    out.insert("empty", plan.is_empty());
    out.insert("applicable", plan.refusals.is_empty());
    out.insert("sha256", crate::plan::file::fingerprint(plan));
    out.insert(
        "summary",
        document!({
            "text": (summary(plan)),
            "create": (number(counts.create)),
            "update": (number(counts.update)),
            "replace": (number(counts.replace)),
            "may_replace": (number(counts.may_replace)),
            "blocked": (number(counts.blocked)),
            "delete": (number(counts.delete)),
            "retain": (number(counts.retain)),
            "import": (number(counts.import)),
            "move": (number(counts.moved))
        }),
    );
    out.insert(
        "data_at_risk",
        at_risk(plan)
            .into_iter()
            .map(|(stack, change, says)| {
                let mut map = Map::new();
                map.insert("thing", crate::plan::name_of(&change.cause.path));
                map.insert("stack", stack.key.name.as_str().to_owned());
                map.insert("region", &stack.key.region);
                map.insert("logical_id", &change.logical_id);
                map.insert("type", change.kind.clone());
                map.insert_some("physical_id", change.physical_id.clone());
                map.insert("action", change.action.as_str());
                map.insert("what", says);
                Value::Map(map)
            })
            .collect::<Value>(),
    );
    out.insert(
        "access",
        plan.access
            .iter()
            .map(|grant| {
                let mut map = Map::new();
                map.insert("change", if grant.added { "added" } else { "removed" });
                map.insert("who", grant.who.clone());
                map.insert("verb", grant.verb.clone());
                map.insert("place", grant.place.clone());
                map.insert_some("when", grant.when.clone());
                map.insert("cause", cause(&grant.cause));
                Value::Map(map)
            })
            .collect::<Value>(),
    );
    out.insert("verdict", crate::render::access_states::counts(&plan.verdict));
    out.insert(
        "things",
        groups(plan).iter().map(|group| Value::from(group.path.to_owned())).collect::<Value>(),
    );
    out.insert("stacks", plan.stacks.iter().map(stack).collect::<Value>());
    out.insert(
        "uploads",
        plan.uploads
            .iter()
            .map(|upload| {
                document!({
                    "path": (upload.path.clone()),
                    "region": (&upload.region),
                    "key": (upload.key.clone()),
                    "sha256": (upload.sha256.clone()),
                    "bytes": (i64::try_from(upload.bytes).unwrap_or(i64::MAX))
                })
            })
            .collect::<Value>(),
    );
    out.insert("less_than_default", plan.opt_outs.clone());
    out.insert("warnings", plan.warnings.clone());
    out.insert(
        "consents",
        plan.consents
            .iter()
            .map(|consent| match consent {
                Consent::Destroy(path) => document!({"kind": "destroy", "path": (path.clone())}),
                Consent::Empty(path) => document!({"kind": "empty", "path": (path.clone())}),
            })
            .collect::<Value>(),
    );
    out.insert(
        "refusals",
        plan.refusals
            .iter()
            .map(|refusal| {
                let mut map = Map::new();
                map.insert("code", refusal.code.clone());
                map.insert("summary", refusal.summary.clone());
                map.insert("help", refusal.help.clone());
                map.insert_some("cause", refusal.cause.as_ref().map(cause));
                Value::Map(map)
            })
            .collect::<Value>(),
    );
    out
}

fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Apply => "apply",
        Operation::Destroy => "destroy",
    }
}

fn stack(stack: &StackPlan) -> Value {
    let action = match stack.action {
        StackAction::Create => "create",
        StackAction::Recreate => "recreate",
        StackAction::Update => "update",
        StackAction::Delete => "delete",
        StackAction::Keep => "keep",
    };
    let mut map = Map::new();
    map.insert("name", stack.key.name.as_str().to_owned());
    map.insert("region", &stack.key.region);
    map.insert("part", stack.part.as_str());
    map.insert("action", action);
    map.insert("resources", i64::try_from(stack.resources()).unwrap_or(i64::MAX));
    map.insert_some("status", stack.observed.status.map(|status| status.as_str()));
    map.insert(
        "depends_on",
        stack
            .depends_on
            .iter()
            .map(|key| Value::from(key.name.as_str().to_owned()))
            .collect::<Value>(),
    );
    map.insert("capabilities", stack.capabilities.clone());
    map.insert("changes", stack.changes.iter().map(|one| change(stack, one)).collect::<Value>());
    map.insert("respelled", stack.respelled.iter().map(Value::from).collect::<Value>());
    Value::Map(map)
}

fn change(stack: &StackPlan, change: &Change) -> Value {
    let mut map = Map::new();
    map.insert("logical_id", &change.logical_id);
    map.insert("type", change.kind.clone());
    map.insert_some("physical_id", change.physical_id.clone());
    map.insert("action", change.action.as_str());
    map.insert("certain", change.certain);
    map.insert("data", change.data);
    map.insert("kept", change.kept);
    map.insert("cause", cause(&change.cause));
    map.insert("notes", change.notes.clone());
    let properties = if matches!(change.action, Action::Create | Action::Import) {
        let all = stack.template.at(&["Resources", change.logical_id.as_str(), "Properties"]);
        let all = all.and_then(Value::as_map).into_iter().flat_map(Map::iter);
        all.map(|(name, value)| {
            document!({
                "path": [(name.to_owned())],
                "after": (value.clone()),
                "known_after_apply": false,
                "effect": "in_place",
                "cause": (cause(&change.cause))
            })
        })
        .collect::<Value>()
    } else {
        change
            .properties
            .iter()
            .map(|property| {
                let mut map = Map::new();
                map.insert("path", property.path.clone());
                map.insert_some("before", property.before.clone());
                map.insert_some("after", property.after.clone());
                map.insert("known_after_apply", property.known_after_apply);
                map.insert(
                    "effect",
                    match property.effect {
                        Effect::InPlace => "in_place",
                        Effect::MayReplace => "may_replace",
                        Effect::Replace => "replace",
                        Effect::Fails => "fails",
                    },
                );
                map.insert("cause", cause(&property.cause));
                Value::Map(map)
            })
            .collect::<Value>()
    };
    map.insert("properties", properties);
    Value::Map(map)
}

fn cause(cause: &Cause) -> Value {
    let mut map = Map::new();
    map.insert("path", cause.path.clone());
    map.insert_some("file", cause.file.clone());
    map.insert_some("line", cause.line.map(i64::from).map(Value::Int));
    map.insert_some("place", line(cause));
    Value::Map(map)
}
