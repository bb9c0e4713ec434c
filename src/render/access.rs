//! Verdicts for people and programs.

use crate::access::Counts;
use crate::document::{Map, Value};
use crate::render::escape;
use crate::verdict::{Comparison, Document, Kind, Request, Verdict, Witness};

/// What was compared.
pub struct Subject<'s> {
    /// How it is called: the file.
    pub name: &'s str,
    pub kind: Kind,
    pub old: &'s Document,
    pub new: &'s Document,
}

/// All that bears on access, by layer, in the order of evaluation.
pub(super) const LAYERS: [&str; 12] = [
    "identity",
    "trust",
    "resource",
    "boundary",
    "public access block",
    "Lake Formation",
    "SCP",
    "RCP",
    "session policy",
    "VPC endpoint policy",
    "KMS grants",
    "other accounts",
];

const fn layer(kind: Kind) -> &'static str {
    match kind {
        Kind::Identity => "identity",
        Kind::Trust => "trust",
        Kind::Resource => "resource",
    }
}

/// `{verdict, exact, gained, lost, reason}` of one comparison.
pub fn comparison(comparison: &Comparison) -> Value {
    let mut map = Map::new();
    let request =
        |request: &Option<Request>| request.as_ref().map_or(Value::Null, Request::to_value);
    map.insert("verdict", comparison.verdict.word());
    map.insert("exact", comparison.exact);
    map.insert("gained", request(&comparison.gained));
    map.insert("lost", request(&comparison.lost));
    let reason = comparison.reason.as_ref().map_or(Value::Null, |reason| {
        let mut map = Map::new();
        map.insert("kind", reason.kind.word());
        map.insert("text", reason.text.clone());
        Value::Map(map)
    });
    map.insert("reason", reason);
    Value::Map(map)
}

/// The JSON form of `access diff` of two policies: the same keys as of two states.
pub fn json(subject: &Subject<'_>, found: &Comparison) -> Map {
    let read = layer(subject.kind);
    let unread: Value =
        LAYERS.iter().filter(|layer| **layer != read).map(|layer| Value::from(*layer)).collect();
    let Value::Map(mut principal) = comparison(found) else { return Map::new() };
    principal.insert("principal", subject.name.to_owned());
    principal.insert("kind", "policy");
    principal.insert("layer", read);
    principal.insert("presence", "both");
    principal.insert("cause", causes(subject, found));
    let further = |all: &[Witness], document: &Document| -> Value {
        let one = |witness: &Witness| {
            let mut map = Map::new();
            map.insert("request", witness.request.to_value());
            map.insert_some("cause", cause(document, Some(witness.by)));
            Value::Map(map)
        };
        all.iter().map(one).collect()
    };
    principal.insert("also_gained", further(&found.also_gained, subject.new));
    principal.insert("also_lost", further(&found.also_lost, subject.old));
    principal.insert("still_needed", Vec::<Value>::new());
    let mut counts = Counts::default();
    counts.count(found.verdict);
    let mut map = Map::new();
    map.insert("verdict", found.verdict.word());
    map.insert("exact", found.exact);
    map.insert("counts", super::access_states::counts(&counts));
    map.insert("layers_read", vec![read]);
    map.insert("layers_unread", unread);
    map.insert("principals", Value::List(vec![Value::Map(principal)]));
    map
}

fn cause(document: &Document, at: Option<usize>) -> Option<Value> {
    let mut map = Map::new();
    map.insert("stack", "");
    map.insert("logical_id", "");
    map.insert("property", "");
    map.insert("statement", label(document, at?)?);
    map.insert("path", "");
    Some(Value::Map(map))
}

/// The statements that allow what was gained, and that allowed what was lost.
fn causes(subject: &Subject<'_>, found: &Comparison) -> Value {
    let mut map = Map::new();
    map.insert_some("gained", cause(subject.new, found.gained_by));
    map.insert_some("lost", cause(subject.old, found.lost_by));
    Value::Map(map)
}

fn label(document: &Document, at: usize) -> Option<String> {
    document.statements.get(at).map(|statement| statement.label.clone())
}

/// The text form of `access diff`.
pub fn text(subject: &Subject<'_>, found: &Comparison) -> String {
    let mut out = String::new();
    let headline = match found.verdict {
        Verdict::Equivalent => "Access is the same.",
        Verdict::Narrowed => "Access narrowed.",
        Verdict::Broadened => "ACCESS BROADENED.",
        Verdict::Incomparable => "ACCESS BROADENED, and narrowed elsewhere.",
        Verdict::Undecided => "UNDECIDED: treat it as broadened.",
    };
    out += headline;
    out += if found.exact { " Exact.\n" } else { "\n" };
    let read = layer(subject.kind);
    let unread: Vec<&str> = LAYERS.iter().copied().filter(|layer| *layer != read).collect();
    out += &format!("read: {read}    not read: {}\n", unread.join(", "));
    if let Some(request) = &found.gained {
        out += "\nGained\n";
        out += &lines(request, "before denied", "now ALLOWED");
        if let Some(label) = found.gained_by.and_then(|at| label(subject.new, at)) {
            out += &format!("  allowed by     {}\n", escape(&label));
        }
        out += &further(&found.also_gained, subject.new, "also gained");
    }
    if let Some(request) = &found.lost {
        out += "\nLost\n";
        out += &lines(request, "before allowed", "now DENIED");
        if let Some(label) = found.lost_by.and_then(|at| label(subject.old, at)) {
            out += &format!("  was allowed by {}\n", escape(&label));
        }
        out += &further(&found.also_lost, subject.old, "also lost");
    }
    if let Some(reason) = &found.reason {
        let what = match found.verdict {
            Verdict::Undecided => "Why",
            _ if found.exact => "Rests on",
            _ => "Not exact",
        };
        out += &format!("\n{what}: {}\n", escape(&reason.text));
    }
    out
}

/// What else was gained or lost, a line each.
fn further(all: &[Witness], document: &Document, what: &str) -> String {
    let one = |witness: &Witness| {
        let request = &witness.request;
        let resource = request.resource.as_deref().unwrap_or("this role");
        let by = request.principal.as_ref().map(|who| format!(", by {who}")).unwrap_or_default();
        let label = label(document, witness.by).unwrap_or_default();
        let text = format!("{} {resource}{by}    {label}", request.action);
        format!("  {what:<14} | {}\n", escape(&text))
    };
    all.iter().map(one).collect()
}

/// A request in two lines: what, and by whom under which circumstances.
pub(super) fn lines(request: &Request, before: &str, now: &str) -> String {
    let resource = request.resource.as_deref().unwrap_or("this role");
    let mut with: Vec<String> = Vec::new();
    if let Some(who) = &request.principal {
        let own = request.own_policies().map(|own| format!(", whose own policies {own}"));
        with.push(format!("by {}{}", escape(&who.to_string()), own.unwrap_or_default()));
    }
    for (key, values) in request.context.values() {
        let value = match values.as_slice() {
            [one] if one.is_empty() => "\"\"".to_owned(),
            [one] => escape(one).to_string(),
            more => format!("[{}]", escape(&more.join(", "))),
        };
        with.push(format!("{}={value}", escape(key)));
    }
    let resource = if resource.is_empty() { "\"\"" } else { resource };
    let with = if with.is_empty() { "with no context key".to_owned() } else { with.join(", ") };
    format!(
        "  {before:<14} | {} {}\n  {now:<14} | {with}\n",
        escape(&request.action),
        escape(resource)
    )
}
