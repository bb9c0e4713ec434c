//! The verdict on two states, for people and programs.
//!
//! In: a [`Compared`], the new state, and where spec paths stand. Out: text or JSON. Names come from specs and templates
//! of others: all of them are escaped. Read next: `access.rs`, two policy documents.

use crate::access::{
    self, Cause, Compared, Further, Gravity, Index, Layer, Presence, Row, gravity,
};
use crate::document::{Map, Value};
use crate::plan;
use crate::render::access::{LAYERS, comparison, lines};
use crate::render::escape;
use crate::verdict::{Comparison, Request, Requester, Verdict};

/// What is shown.
pub struct View<'v> {
    pub compared: &'v Compared,
    /// The new state: what else a request needs is judged on it.
    pub new: &'v Index<'v>,
    /// A spec path with its file and line.
    pub place: &'v dyn Fn(&str) -> Option<plan::Cause>,
}

/// The layers of a state that are read.
pub const READ: [&str; 6] =
    ["identity", "trust", "resource", "boundary", "public access block", "Lake Formation"];

/// The layers that are not.
pub fn unread() -> Vec<&'static str> {
    LAYERS.iter().copied().filter(|layer| !READ.contains(layer)).collect()
}

/// A name as people say it: `role/Analyst`, `bucket acme-raw`, else as it is.
pub fn short(name: &str, kind: &str) -> String {
    if let Ok(value @ Value::Map(_)) = Value::from_json(name) {
        let id = match (value.get("Ref"), value.get("Fn::GetAtt").and_then(Value::as_list)) {
            (Some(id), _) => id.as_str(),
            (_, Some([id, ..])) => id.as_str(),
            _ => None,
        };
        if let Some(id) = id {
            return format!("{} {id}", word(kind));
        }
    }
    let rest = name.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
    match rest {
        Some("root") => format!("account {}", name.split(':').nth(4).unwrap_or_default()),
        Some(rest) if name.contains(":iam::") => rest.to_owned(),
        Some(rest) => format!("{} {rest}", word(kind)).trim().to_owned(),
        None => name.to_owned(),
    }
}

fn word(kind: &str) -> String {
    kind.rsplit("::").next().unwrap_or(kind).to_lowercase()
}

fn made(row: &Row, request: &Request) -> Request {
    access::made(row.layer, &row.kind, &row.subject, request)
}

fn who(row: &Row, request: &Request) -> String {
    match (&request.principal, row.layer) {
        (None, _) | (_, Layer::LakeFormation) => short(&row.subject, &row.kind),
        (Some(Requester::Anonymous), _) => "anybody".to_owned(),
        (Some(Requester::Other { kind, text }), _) if kind == "Service" => {
            format!("service {text}")
        }
        (Some(who @ (Requester::Role { account, .. } | Requester::User { account, .. })), _) => {
            format!("{} of account {account}", short(&who.to_string(), ""))
        }
        (Some(who), _) => short(&who.to_string(), ""),
    }
}

fn does(row: &Row, request: &Request) -> String {
    let target = match &request.resource {
        None => format!("on {}", short(&row.subject, &row.kind)),
        Some(resource) if resource.is_empty() || row.kind == "AWS::KMS::Key" => {
            format!("on {}", short(&row.subject, &row.kind))
        }
        Some(resource) => format!("on {resource}"),
    };
    format!("{} {target}", request.action)
}

fn cause_text(cause: &Cause) -> String {
    let mut text = if cause.origin.logical_id.is_empty() {
        cause.property.clone()
    } else {
        format!("{} {} {}", cause.origin.stack, cause.origin.logical_id, cause.property)
    };
    if !cause.statement.is_empty() {
        text += &format!(" / {}", cause.statement);
    }
    text
}

fn line(row: &Row, by: Option<&Cause>, view: &View<'_>) -> String {
    let path = by.map(|by| &by.origin).or(row.origin.as_ref()).map(|origin| origin.path.as_str());
    let Some(path) = path.filter(|path| !path.is_empty()) else { return String::new() };
    let cause = (view.place)(path);
    let place = cause.and_then(|cause| Some(format!("{}:{}  ", cause.file?, cause.line?)));
    format!("    {}{path}", place.unwrap_or_default())
}

/// The text form.
pub fn text(view: &View<'_>) -> String {
    let compared = view.compared;
    let rows = || compared.rows.iter();
    let mut gained: Vec<(Gravity, &Row)> = rows()
        .filter(|row| row.comparison.gained.is_some())
        .map(|row| (gravity(row, view.new.state), row))
        .collect();
    gained.sort_by_key(|(gravity, _)| *gravity);
    let lost: Vec<&Row> = rows().filter(|row| row.comparison.lost.is_some()).collect();
    let unknown: Vec<&Row> = rows().filter(|row| row.verdict() == Verdict::Undecided).collect();
    let same = rows().filter(|row| row.verdict() == Verdict::Equivalent).count();
    let headline = match compared.verdict() {
        Verdict::Equivalent => "ACCESS IS THE SAME",
        Verdict::Narrowed => "ACCESS NARROWED",
        Verdict::Broadened => "ACCESS BROADENED",
        Verdict::Incomparable => "ACCESS BROADENED, and narrowed elsewhere",
        Verdict::Undecided => "UNDECIDED: treat it as broadened",
    };
    let mut out = format!(
        "{headline}    {} gained, {} lost, {} undecided, {same} unchanged\n",
        gained.len(),
        lost.len(),
        unknown.len()
    );
    out += &format!("read: {}    not read: {}\n", READ.join(", "), unread().join(", "));
    let mut number = 0;
    let mut item = |out: &mut String, head: &str, place: &str| {
        number += 1;
        *out += &format!("{number:>3} {}{}\n", escape(head), escape(place));
    };
    for (at, (gravity, row)) in gained.iter().enumerate() {
        if at == 0 {
            out += "\nGAINED\n";
        }
        let Some(request) = &row.comparison.gained else { continue };
        let label = if gravity.word().is_empty() { "" } else { "  " };
        let head =
            format!("{}{label}{} gains {}", gravity.word(), who(row, request), does(row, request));
        item(&mut out, &head, &line(row, row.gained_by.as_ref(), view));
        out += &indented(&lines(&made(row, request), "before denied", "now ALLOWED"));
        out += &decided(row, row.gained_by.as_ref());
        out += &further(row, &row.also_gained, "also gains", view);
        for needed in access::needed(view.new, row) {
            out += &format!("    still needed    {}\n", escape(&needed));
        }
    }
    for (at, row) in lost.iter().enumerate() {
        if at == 0 {
            out += "\nLOST\n";
        }
        let Some(request) = &row.comparison.lost else { continue };
        let head = format!("{} loses {}", who(row, request), does(row, request));
        item(&mut out, &head, &line(row, row.lost_by.as_ref(), view));
        out += &indented(&lines(&made(row, request), "before allowed", "now DENIED"));
        out += &decided(row, row.lost_by.as_ref());
        out += &further(row, &row.also_lost, "also loses", view);
    }
    let narrowed = |row: &&Row| row.verdict() == Verdict::Narrowed && row.comparison.lost.is_none();
    for row in rows().filter(narrowed) {
        item(
            &mut out,
            &format!("{} may lose something, and gains nothing", short(&row.subject, &row.kind)),
            &line(row, None, view),
        );
        out += &why(row);
    }
    for (at, row) in unknown.iter().enumerate() {
        if at == 0 {
            out += "\nUNDECIDED (treated as broadened)\n";
        }
        let head = format!("{}  {}", short(&row.subject, &row.kind), row.layer.as_str());
        item(&mut out, &head, &line(row, None, view));
        out += &why(row);
    }
    out
}

/// What else a row gained or lost, a line each.
fn further(row: &Row, all: &[Further], what: &str, view: &View<'_>) -> String {
    let one = |further: &Further| {
        let place = line(row, further.cause.as_ref(), view);
        let request = &further.request;
        let head = format!("{} {}", who(row, request), does(row, request));
        format!("    {what:<15} {}{}\n", escape(&head), escape(&place))
    };
    all.iter().map(one).collect()
}

fn why(row: &Row) -> String {
    let mut out = String::new();
    if let Some(reason) = &row.comparison.reason {
        out += &format!("    {}\n", escape(&reason.text));
    }
    if let Some(help) = &row.help {
        out += &format!("    {}\n", escape(help));
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn decided(row: &Row, by: Option<&Cause>) -> String {
    let exact = if row.comparison.exact { "exact, replayed" } else { "replayed" };
    let by = match by {
        Some(cause) => cause_text(cause),
        None => format!("a Deny that is gone, or {}", row.layer.as_str()),
    };
    let mut out = format!("    decided by      {}    {exact}\n", escape(&by));
    if let (false, Some(reason)) = (row.comparison.exact, &row.comparison.reason) {
        out += &format!("    not exact       {}\n", escape(&reason.text));
    }
    out
}

fn cause_json(cause: &Cause, view: &View<'_>) -> Value {
    let mut map = Map::new();
    map.insert("stack", cause.origin.stack.clone());
    map.insert("logical_id", cause.origin.logical_id.clone());
    map.insert("property", cause.property.clone());
    map.insert("statement", cause.statement.clone());
    map.insert("path", cause.origin.path.clone());
    let place = (view.place)(&cause.origin.path).filter(|_| !cause.origin.path.is_empty());
    let place = place.and_then(|cause| Some(format!("{}:{}", cause.file?, cause.line?)));
    map.insert_some("place", place);
    Value::Map(map)
}

/// A row as JSON: `{principal, kind, layer, verdict, exact, gained, lost, also_gained, also_lost, reason, cause,
/// still_needed, help}`.
pub fn row(row: &Row, view: &View<'_>) -> Value {
    let with = |request: &Option<Request>| request.as_ref().map(|one| made(row, one));
    let shown = Comparison {
        gained: with(&row.comparison.gained),
        lost: with(&row.comparison.lost),
        ..row.comparison.clone()
    };
    let Value::Map(mut map) = comparison(&shown) else { return Value::Null };
    map.insert("principal", row.subject.clone());
    map.insert("kind", row.kind.clone());
    map.insert("layer", row.layer.as_str());
    map.insert(
        "presence",
        match row.presence {
            Presence::Both => "both",
            Presence::New => "new",
            Presence::Gone => "gone",
        },
    );
    let mut cause = Map::new();
    cause.insert_some("gained", row.gained_by.as_ref().map(|one| cause_json(one, view)));
    cause.insert_some("lost", row.lost_by.as_ref().map(|one| cause_json(one, view)));
    map.insert("cause", Value::Map(cause));
    let further = |all: &[Further]| -> Value {
        let one = |further: &Further| {
            let mut map = Map::new();
            map.insert("request", made(row, &further.request).to_value());
            map.insert_some("cause", further.cause.as_ref().map(|one| cause_json(one, view)));
            Value::Map(map)
        };
        all.iter().map(one).collect()
    };
    map.insert("also_gained", further(&row.also_gained));
    map.insert("also_lost", further(&row.also_lost));
    let needed = match row.comparison.gained {
        Some(_) => access::needed(view.new, row),
        None => Vec::new(),
    };
    map.insert("still_needed", needed);
    map.insert_some("help", row.help.clone());
    Value::Map(map)
}

/// The JSON form: `{verdict, exact, counts, layers_read, layers_unread, principals}`.
pub fn json(view: &View<'_>) -> Map {
    let mut map = Map::new();
    map.insert("verdict", view.compared.verdict().word());
    map.insert("exact", view.compared.exact());
    map.insert("counts", counts(&view.compared.counts()));
    map.insert("layers_read", READ.iter().map(|one| Value::from(*one)).collect::<Value>());
    map.insert("layers_unread", unread().into_iter().map(Value::from).collect::<Value>());
    map.insert(
        "principals",
        view.compared.rows.iter().map(|one| row(one, view)).collect::<Value>(),
    );
    map
}

/// How many rows have which verdict.
pub fn counts(counts: &access::Counts) -> Value {
    let number = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let mut map = Map::new();
    map.insert("broadened", number(counts.broadened));
    map.insert("narrowed", number(counts.narrowed));
    map.insert("equivalent", number(counts.equivalent));
    map.insert("incomparable", number(counts.incomparable));
    map.insert("undecided", number(counts.undecided));
    Value::Map(map)
}

/// The counts on one line.
pub fn counts_text(counts: &access::Counts) -> String {
    format!(
        "Access: {} broadened, {} narrowed, {} equivalent, {} incomparable, {} undecided.",
        counts.broadened, counts.narrowed, counts.equivalent, counts.incomparable, counts.undecided
    )
}

/// The resource types whose say in access is read, a line each.
pub fn kinds_text() -> String {
    let width = access::MODELLED.iter().map(|(kind, _)| kind.len()).max().unwrap_or(0);
    access::MODELLED.iter().map(|(kind, what)| format!("{kind:<width$}  {what}\n")).collect()
}

/// The same as JSON.
pub fn kinds_json() -> Map {
    let one = |(kind, what): &(&str, &str)| {
        let mut map = Map::new();
        map.insert("kind", (*kind).to_owned());
        map.insert("read", (*what).to_owned());
        Value::Map(map)
    };
    let mut map = Map::new();
    map.insert("kinds", access::MODELLED.iter().map(one).collect::<Value>());
    map
}
