//! What a run tells, as lines for people and as objects for programs.
//!
//! [`text`] gives the plain line of an event, for places that are no terminal; [`json`] gives
//! Terraform's object (`@level`, `@message`, `@module`, `@timestamp`, `type`), so that what reads
//! `terraform apply -json` reads this; what is ours stands under further keys. The first line of a
//! stream is [`version`], the last [`exit`]; `planned_change` and `change_summary` come of the plan, the
//! rest of events.
//! The schema is `docs/schemas/events.schema.json`. Pure: the time is the event's own.
//!
//! Terraform's: <https://developer.hashicorp.com/terraform/internals/machine-readable-ui>.

use jiff::Timestamp;

use super::diagnostics;
use super::escape::escape_line;
use crate::apply::{Event, LockInfo, Phase, Progress, Summary, What};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document;
use crate::document::{Map, Value};
use crate::plan::{Action, Change, Operation, Plan, StackAction, StackPlan};
use crate::source::Sources;

/// The version of the stream's format.
pub const UI: &str = "1.0";

/// The first line of a stream. `tool`: the version of lakewright.
pub fn version(tool: &str, at: Timestamp) -> Value {
    let mut line = line("info", format!("lakewright {tool}"), at, "version");
    line.insert("lakewright", tool.to_owned());
    line.insert("ui", UI);
    Value::Map(line)
}

/// A line for each resource that the plan changes.
pub fn planned_changes(plan: &Plan, at: Timestamp) -> Vec<Value> {
    let all = plan.stacks.iter().flat_map(|stack| stack.changes.iter().map(move |it| (stack, it)));
    all.map(|(stack, change)| planned_change(stack, change, at)).collect()
}

fn planned_change(stack: &StackPlan, change: &Change, at: Timestamp) -> Value {
    let message = format!("{}: plan to {}", change.cause.path, change.action.meaning());
    let mut line = line("info", message, at, "planned_change");
    let mut object = Map::new();
    let resource = resource(
        &stack.key,
        change.logical_id.as_str(),
        &change.kind,
        Some(&change.cause.path),
        change.physical_id.as_deref(),
    );
    object.insert("resource", resource);
    object.insert("action", change.action.as_str());
    object.insert("certain", change.certain);
    object.insert("data", change.data);
    let mut cause = Map::new();
    cause.insert("path", change.cause.path.clone());
    cause.insert_some("file", change.cause.file.clone());
    cause.insert_some("line", change.cause.line);
    object.insert("cause", cause);
    line.insert("change", object);
    Value::Map(line)
}

/// What the plan comes to. A replacement counts as one to add and one to remove.
pub fn planned_summary(plan: &Plan, at: Timestamp) -> Value {
    let mut counts = Counts::default();
    let changes = plan.stacks.iter().flat_map(|stack| &stack.changes);
    for change in changes {
        match change.action {
            Action::Create => counts.add += 1,
            Action::Update | Action::MayReplace => counts.change += 1,
            Action::Replace => {
                counts.add += 1;
                if change.kept { counts.retain += 1 } else { counts.remove += 1 }
            }
            Action::Delete => counts.remove += 1,
            Action::Retain => counts.retain += 1,
            Action::Import => counts.import += 1,
            Action::Blocked | Action::Move => {}
        }
    }
    let Counts { add, change, import, remove, retain } = counts;
    let message = format!(
        "Plan: {add} to add, {change} to change, {remove} to destroy, {import} to import, {retain} retained."
    );
    Value::Map(summary_line(message, counts, "plan", at))
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    add: usize,
    change: usize,
    import: usize,
    remove: usize,
    retain: usize,
}

fn summary_line(message: String, counts: Counts, operation: &'static str, at: Timestamp) -> Map {
    let mut line = line("info", message, at, "change_summary");
    line.insert(
        "changes",
        document!({
            "add": (number(counts.add)),
            "change": (number(counts.change)),
            "import": (number(counts.import)),
            "remove": (number(counts.remove)),
            "retain": (number(counts.retain)),
            "operation": operation
        }),
    );
    line
}

/// An event as an object of the stream.
pub fn json(event: &Event) -> Value {
    let at = event.at;
    let info = |kind: &'static str| line("info", text(event).unwrap_or_default(), at, kind);
    let map = match &event.what {
        What::LockAwaited { lock } => {
            let mut map = info("lock_wait");
            map.insert("lock", lock_object(lock));
            map
        }
        What::StackAwaited { stack, status } => {
            let mut map = info("stack_wait");
            map.insert("stack", stack_object(stack));
            map.insert("status", status.as_str());
            map
        }
        What::Uploaded { key, bytes } => {
            let mut map = info("upload_complete");
            map.insert("upload", document!({"key": (key.clone()), "bytes": (count(*bytes))}));
            map
        }
        What::StackStarted { stack, action, resources } => {
            let mut map = info("stack_start");
            map.insert("stack", stack_object(stack));
            map.insert("action", stack_word(*action));
            map.insert("resources", number(*resources));
            map
        }
        What::Resource(progress) => resource_line(progress, event),
        What::Heartbeat { stack, elapsed, running } => {
            let mut map = info("apply_progress");
            map.insert("stack", stack_object(stack));
            map.insert("elapsed_seconds", count(*elapsed));
            map.insert("running", Value::from(running.clone()));
            map
        }
        What::CloudSilent { error, elapsed } => {
            let mut map = info("cloud_silent");
            map.insert("error", error.clone());
            map.insert("elapsed_seconds", count(*elapsed));
            map
        }
        What::LookedInto { stack, bucket, versions } => {
            let mut map = info("bucket_read");
            map.insert("stack", stack_object(stack));
            map.insert("bucket", bucket.clone());
            map.insert("versions", count(*versions));
            map
        }
        What::Emptied { stack, bucket, versions } => {
            let mut map = info("bucket_emptied");
            map.insert("stack", stack_object(stack));
            map.insert("bucket", bucket.clone());
            map.insert("versions", count(*versions));
            map
        }
        What::StackFinished { stack, action, status, elapsed, changed } => {
            let mut map = info("stack_complete");
            map.insert("stack", stack_object(stack));
            map.insert("action", stack_word(*action));
            map.insert_some("status", status.map(|status| status.as_str()));
            map.insert("elapsed_seconds", count(*elapsed));
            map.insert("changed", *changed);
            map
        }
        What::StackFailed { stack, action, status, reason } => {
            let mut map = line("error", text(event).unwrap_or_default(), at, "stack_errored");
            map.insert("stack", stack_object(stack));
            map.insert("action", stack_word(*action));
            map.insert_some("status", status.map(|status| status.as_str()));
            map.insert("reason", reason.clone());
            map
        }
        What::Diagnostic(diagnostic) => {
            // What a cloud answers has no place in a file.
            let object = diagnostics::json(diagnostic, &Sources::default());
            return self::diagnostic(diagnostic, object, at);
        }
        What::Outputs(outputs) => {
            let mut map = info("outputs");
            let mut all = Map::new();
            for (stack, values) in outputs {
                let mut own = Map::new();
                for (name, value) in values {
                    own.insert(name.clone(), value.clone());
                }
                all.insert(stack.clone(), own);
            }
            map.insert("outputs", all);
            map
        }
        What::Summary(summary) => {
            let operation = match summary.operation {
                Operation::Apply => "apply",
                Operation::Destroy => "destroy",
            };
            let counts = Counts {
                add: summary.added,
                change: summary.changed,
                import: summary.imported,
                remove: summary.destroyed,
                retain: summary.retained,
            };
            let mut map = summary_line(summary_text(summary), counts, operation, at);
            map.insert("exit_code", i64::from(summary.ended.exit_code()));
            map.insert("outcome", summary.ended.as_str());
            map.insert("elapsed_seconds", count(summary.elapsed));
            let kept: Vec<Value> = summary
                .kept
                .iter()
                .map(|kept| {
                    document!({
                        "path": (kept.path.clone()),
                        "type": (kept.kind.clone()),
                        "region": (&kept.region),
                        "identifier": (crate::apply::identifier_line(&kept.kind, &kept.identifier)),
                        "delete_command": (crate::apply::deletion_command(kept))
                    })
                })
                .collect();
            map.insert("kept", kept);
            map
        }
    };
    Value::Map(map)
}

/// A diagnostic as an object of the stream. `object`: the same by [`diagnostics::json`].
pub fn diagnostic(diagnostic: &Diagnostic, object: Value, at: Timestamp) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warn",
        Severity::Note => "info",
    };
    let message = format!("{}: {}", diagnostic.severity.as_str(), diagnostic.headline);
    let mut map = line(level, message, at, "diagnostic");
    map.insert("diagnostic", object);
    Value::Map(map)
}

/// The last line of a stream, whatever came of the run: the exit code, its name, and what to type next.
pub fn exit(code: u8, outcome: &'static str, next: Vec<String>, at: Timestamp) -> Value {
    let level = if code == 0 { "info" } else { "error" };
    let mut map = line(level, format!("lakewright ended with {code} ({outcome})"), at, "exit");
    map.insert("exit_code", i64::from(code));
    map.insert("outcome", outcome);
    map.insert("next", next);
    Value::Map(map)
}

fn resource_line(progress: &Progress, event: &Event) -> Map {
    let (level, kind) = match progress.phase {
        Phase::Started => ("info", "apply_start"),
        Phase::Complete => ("info", "apply_complete"),
        Phase::Failed => ("error", "apply_errored"),
    };
    let mut map = line(level, text(event).unwrap_or_default(), event.at, kind);
    let mut hook = Map::new();
    let physical = Some(progress.physical_id.as_str()).filter(|text| !text.is_empty());
    hook.insert(
        "resource",
        resource(
            &progress.stack,
            &progress.logical_id,
            &progress.kind,
            progress.path.as_deref(),
            physical,
        ),
    );
    hook.insert_some("action", progress.action.map(Action::as_str));
    hook.insert("status", progress.status.clone());
    hook.insert_some("reason", progress.reason.clone());
    hook.insert("rollback", progress.rollback);
    if progress.phase != Phase::Started {
        hook.insert("elapsed_seconds", count(progress.elapsed));
    }
    map.insert("hook", hook);
    map
}

/// The plain line of an event; `None` for what is printed in another form (diagnostics, outputs).
pub fn text(event: &Event) -> Option<String> {
    Some(match &event.what {
        What::LockAwaited { lock } => format!(
            "Waiting for the lock: {} by {} since {}",
            escape_line(&lock.operation),
            escape_line(&lock.who),
            escape_line(&lock.created)
        ),
        What::StackAwaited { stack, status } => {
            format!("Waiting for stack {stack}: it is {status}")
        }
        What::Uploaded { key, bytes } => format!("Uploaded {} ({bytes} bytes)", escape_line(key)),
        What::StackStarted { stack, action, .. } => {
            format!("{} stack {stack} ...", doing(*action))
        }
        What::Resource(progress) => resource_text(progress),
        What::Heartbeat { stack, elapsed, running } => {
            let what = match &running[..] {
                [] => String::new(),
                [one] => format!(": {one}"),
                [one, rest @ ..] => format!(": {one} and {} more", rest.len()),
            };
            format!("{}: still at work after {}{what}", stack.name, span(*elapsed))
        }
        What::CloudSilent { error, elapsed } => {
            let first = error.lines().next().unwrap_or_default();
            let first = escape_line(first);
            format!("The cloud has not answered for {}, asking again: {first}", span(*elapsed))
        }
        What::LookedInto { bucket, versions, .. } => {
            format!("{}: {versions} versions looked at for locks", escape_line(bucket))
        }
        What::Emptied { bucket, versions, .. } => {
            format!("{}: {versions} versions deleted", escape_line(bucket))
        }
        What::StackFinished { stack, changed: false, .. } => {
            format!("Stack {stack} has nothing to do")
        }
        What::StackFinished { stack, status: None, elapsed, .. } => {
            format!("Stack {stack} is deleted after {}", span(*elapsed))
        }
        What::StackFinished { stack, status: Some(status), elapsed, .. } => {
            format!("Stack {stack} is {status} after {}", span(*elapsed))
        }
        What::StackFailed { stack, status, reason, .. } => match status {
            Some(status) => format!("Stack {stack} is {status}: {}", escape_line(reason)),
            None => format!("Stack {stack} failed: {}", escape_line(reason)),
        },
        What::Diagnostic(_) | What::Outputs(_) => return None,
        What::Summary(summary) => summary_text(summary),
    })
}

fn resource_text(progress: &Progress) -> String {
    let thing = progress.path.as_deref().unwrap_or(&progress.logical_id);
    let kind = progress.kind.strip_prefix("AWS::").unwrap_or(&progress.kind);
    let after = match progress.phase {
        Phase::Started => " ...".to_owned(),
        Phase::Complete => format!(" after {}", span(progress.elapsed)),
        Phase::Failed => match &progress.reason {
            Some(reason) => format!(": {}", escape_line(reason)),
            None => String::new(),
        },
    };
    format!(
        "{}: {} ({kind} {}){after}",
        escape_line(thing),
        spoken(&progress.status),
        escape_line(&progress.logical_id)
    )
}

/// `CREATE_IN_PROGRESS` as people say it.
fn spoken(status: &str) -> String {
    let words = match status {
        "CREATE_IN_PROGRESS" => "creating",
        "CREATE_COMPLETE" => "created",
        "CREATE_FAILED" => "creation failed",
        "UPDATE_IN_PROGRESS" => "changing",
        "UPDATE_COMPLETE" => "changed",
        "UPDATE_FAILED" => "change failed",
        "DELETE_IN_PROGRESS" => "deleting",
        "DELETE_COMPLETE" => "deleted",
        "DELETE_FAILED" => "deletion failed",
        "DELETE_SKIPPED" => "stays in the account",
        "IMPORT_IN_PROGRESS" => "taking back",
        "IMPORT_COMPLETE" => "taken back",
        "IMPORT_FAILED" => "could not be taken back",
        other => return escape_line(&other.to_lowercase().replace('_', " ")).into_owned(),
    };
    words.to_owned()
}

/// The last line: Terraform's sentence, and what Terraform has no word for.
fn summary_text(summary: &Summary) -> String {
    use crate::apply::Ended;
    let Summary { added, changed, destroyed, imported, retained, .. } = summary;
    let mut counts = match summary.operation {
        Operation::Apply => {
            let import = match imported {
                0 => String::new(),
                n => format!("{n} imported, "),
            };
            format!("Resources: {import}{added} added, {changed} changed, {destroyed} destroyed")
        }
        Operation::Destroy => format!("Resources: {destroyed} destroyed"),
    };
    if *retained > 0 {
        counts += &format!(", {retained} retained");
    }
    let head = match (summary.ended, summary.operation) {
        (Ended::Done, Operation::Apply) => "Apply complete!",
        (Ended::Done, Operation::Destroy) => "Destroy complete!",
        (Ended::Refused | Ended::Locked | Ended::Stale, _) => "Nothing was done.",
        (Ended::Interrupted, _) => "Interrupted.",
        (Ended::Unfinished, _) => "Not finished.",
        (_, Operation::Apply) => "Apply failed.",
        (_, Operation::Destroy) => "Destroy failed.",
    };
    format!("{head} {counts}.")
}

fn line(level: &'static str, message: String, at: Timestamp, kind: &'static str) -> Map {
    let mut map = Map::new();
    map.insert("@level", level);
    map.insert("@message", message);
    map.insert("@module", "lakewright.ui");
    map.insert("@timestamp", format!("{at:.6}"));
    map.insert("type", kind);
    map
}

fn resource(
    stack: &crate::stacks::StackKey,
    logical_id: &str,
    kind: &str,
    path: Option<&str>,
    physical_id: Option<&str>,
) -> Value {
    let mut map = Map::new();
    map.insert("addr", format!("{}.{logical_id}", stack.name));
    map.insert("stack", stack.name.as_str().to_owned());
    map.insert("region", stack.region.as_str().to_owned());
    map.insert("logical_id", logical_id.to_owned());
    map.insert("resource_type", kind.to_owned());
    map.insert_some("path", path.map(str::to_owned));
    map.insert_some("physical_id", physical_id.map(str::to_owned));
    Value::Map(map)
}

fn stack_object(stack: &crate::stacks::StackKey) -> Value {
    document!({"name": (&stack.name), "region": (&stack.region)})
}

fn lock_object(lock: &LockInfo) -> Value {
    let mut map = Map::new();
    map.insert("id", lock.id.clone());
    map.insert("operation", lock.operation.clone());
    map.insert("who", lock.who.clone());
    map.insert_some("host", lock.host.clone());
    map.insert("created", lock.created.clone());
    map.insert("expires", lock.expires.clone());
    Value::Map(map)
}

fn stack_word(action: StackAction) -> &'static str {
    match action {
        StackAction::Create => "create",
        StackAction::Recreate => "recreate",
        StackAction::Update => "update",
        StackAction::Delete => "delete",
        StackAction::Keep => "recover",
    }
}

fn doing(action: StackAction) -> &'static str {
    match action {
        StackAction::Create => "Creating",
        StackAction::Recreate => "Making anew",
        StackAction::Update => "Changing",
        StackAction::Delete => "Deleting",
        StackAction::Keep => "Taking back",
    }
}

/// `8s`, `2m05s`.
fn span(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds:02}s"),
    }
}

fn number(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn count(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
