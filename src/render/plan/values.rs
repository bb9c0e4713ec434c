//! Values of templates, short enough to read.
//!
//! In: a value, and the room there is. Out: one line, or a few. References are written as names,
//! concatenations as text with names in `${}`; what is too long is cut with a mark.

use crate::document::{Map, Value};
use crate::render::escape::escape_line;

/// The text made safe for one line.
pub(super) fn clean(text: &str) -> String {
    escape_line(text).into_owned()
}

/// The text, at most `room` characters of it; what is cut is marked.
pub(super) fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Two texts of at most `room` characters each. Where they are longer and begin the same, the
/// beginning is cut instead of the end, so that the difference shows.
pub(super) fn beside(before: &str, after: &str, room: usize) -> (String, String) {
    let longest = before.chars().count().max(after.chars().count());
    let same = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let skip = same.saturating_sub(12);
    let show = |text: &str| match longest > room && skip > 0 {
        true => shortened(&format!("…{}", text.chars().skip(skip).collect::<String>()), room),
        false => shortened(text, room),
    };
    (show(before), show(after))
}

/// The value on one line of at most `room` characters.
pub(super) fn inline(value: &Value, room: usize) -> String {
    let mut text = String::new();
    write(value, &mut text, room + 1);
    shortened(&clean(&text), room)
}

fn write(value: &Value, out: &mut String, room: usize) {
    if out.len() > room * 4 {
        return;
    }
    match value {
        Value::Str(_) => match concatenation(value) {
            Some(text) => out.push_str(&quoted(&text)),
            None => out.push_str(&value.to_json()),
        },
        Value::List(list) => {
            out.push('[');
            for (at, one) in list.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(one, out, room);
            }
            out.push(']');
        }
        Value::Map(map) => {
            match reference(map).or_else(|| concatenation(value).map(|t| quoted(&t))) {
                Some(text) => out.push_str(&text),
                None => {
                    out.push_str("{ ");
                    for (at, (key, one)) in map.iter().enumerate() {
                        if at > 0 {
                            out.push_str(", ");
                        }
                        out.push_str(key);
                        out.push_str(": ");
                        write(one, out, room);
                    }
                    out.push_str(" }");
                }
            }
        }
        scalar => out.push_str(&scalar.to_json()),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text.to_owned()).to_json()
}

/// `BucketRaw`, `KeyRaw.Arn`.
fn reference(map: &Map) -> Option<String> {
    if map.len() != 1 {
        return None;
    }
    if let Some(id) = map.get("Ref").and_then(Value::as_str) {
        return Some(id.to_owned());
    }
    let parts = map.get("Fn::GetAtt")?.as_list()?;
    let texts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
    Some(texts?.join("."))
}

/// A concatenation as text: `${BucketRaw.Arn}/ledger/*`.
fn concatenation(value: &Value) -> Option<String> {
    let [Value::Str(delimiter), Value::List(parts)] = value.get("Fn::Join")?.as_list()? else {
        return None;
    };
    let part = |part: &Value| match part {
        Value::Str(text) => Some(text.to_string()),
        Value::Map(map) => reference(map).map(|name| format!("${{{name}}}")),
        _ => None,
    };
    let texts: Option<Vec<String>> = parts.iter().map(part).collect();
    Some(texts?.join(delimiter))
}

/// The value as lines of `key: value`, for what comes or goes as a whole; at most `most` lines.
pub(super) fn block(value: &Value, room: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    match value {
        Value::Map(map) if reference(map).is_none() && concatenation(value).is_none() => {
            for (key, one) in map.iter() {
                lines.push(shortened(&format!("{}: {}", clean(key), inline(one, room)), room));
            }
        }
        other => lines.push(inline(other, room)),
    }
    if lines.len() > most {
        let rest = lines.len() - most + 1;
        lines.truncate(most - 1);
        lines.push(format!("… {rest} more"));
    }
    lines
}

/// Whether the value is a list of plain values.
pub(super) fn is_plain_list(value: &Value) -> bool {
    value.as_list().is_some_and(|list| {
        list.iter().all(|one| match one {
            Value::Map(map) => reference(map).is_some() || concatenation(one).is_some(),
            Value::List(_) => false,
            _ => true,
        })
    })
}

/// A policy document's statements, a line each: `TlsOnly: Deny * "s3:*" on BucketRaw.Arn`.
pub(super) fn statements(value: &Value, room: usize) -> Option<Vec<String>> {
    let list = value.get("Statement")?.as_list()?;
    let texts = |value: &Value| match value {
        Value::List(list) => list.iter().map(bare).collect::<Vec<_>>().join(", "),
        one => bare(one),
    };
    let line = |statement: &Value| {
        let get = |key: &str| statement.get(key);
        let effect = get("Effect")?.as_str()?;
        let mut line = String::new();
        if let Some(sid) = get("Sid").and_then(Value::as_str) {
            line.push_str(sid);
            line.push_str(": ");
        }
        line.push_str(effect);
        if let Some(who) = get("Principal").or(get("NotPrincipal")) {
            // Roles are named by their account's root and a condition on their ARN.
            let narrowed = ["ArnEquals", "ArnLike", "StringEquals", "StringLike"]
                .iter()
                .find_map(|operator| statement.at(&["Condition", operator, "aws:PrincipalArn"]));
            let who = match (narrowed, who) {
                (Some(arns), _) => texts(arns),
                (None, Value::Map(map)) if reference(map).is_none() => {
                    map.iter().map(|(_, who)| texts(who)).collect::<Vec<_>>().join(", ")
                }
                (None, other) => texts(other),
            };
            line.push_str(&format!(" {who}"));
        }
        line.push_str(&format!(
            " {}",
            get("Action").map(texts).unwrap_or_else(|| "all but …".into())
        ));
        if let Some(resources) = get("Resource") {
            line.push_str(&format!(" on {}", texts(resources)));
        }
        if get("Condition").is_some() {
            line.push_str(" if …");
        }
        Some(shortened(&clean(&line), room))
    };
    list.iter().map(line).collect()
}

/// A text without its quotes, or the value on a line.
fn bare(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => concatenation(other).unwrap_or_else(|| inline(other, 120)),
    }
}

/// The names of a list's elements in order, where each has one.
pub(super) fn names(list: &[Value]) -> Option<Vec<&str>> {
    ["Sid", "Id", "Name", "Key"]
        .iter()
        .find_map(|key| list.iter().map(|one| one.get(key).and_then(Value::as_str)).collect())
}

/// Elements that went, that came, and how many stay.
pub(super) fn list_difference<'a>(
    before: &'a [Value],
    after: &'a [Value],
) -> (Vec<&'a Value>, Vec<&'a Value>, usize) {
    let gone: Vec<&Value> = before.iter().filter(|one| !after.contains(one)).collect();
    let come: Vec<&Value> = after.iter().filter(|one| !before.contains(one)).collect();
    let stay = after.len() - come.len();
    (gone, come, stay)
}

/// `VersioningConfiguration.Status`, `PolicyDocument.Statement[TlsOnly].Action`.
pub(super) fn path(steps: &[String]) -> String {
    let mut text = String::new();
    for step in steps {
        let position = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        match step.as_str() {
            step if position => text.push_str(&format!("[{step}]")),
            step if step.starts_with('[') => text.push_str(step),
            step => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(step.strip_prefix('@').unwrap_or(step));
            }
        }
    }
    clean(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn values_read_as_people_write_them() {
        let value = document!({
            "A": {"Fn::GetAtt": ["Key", "Arn"]},
            "B": {"Fn::Join": ["", [{"Ref": "Raw"}, "/x/*"]]},
            "C": [1, "two"]
        });
        assert_eq!(inline(&value, 80), r#"{ A: Key.Arn, B: "${Raw}/x/*", C: [1, "two"] }"#);
        assert_eq!(inline(&value, 8), "{ A: Ke…");
    }

    #[test]
    fn where_two_long_texts_differ_is_shown() {
        let (before, after) =
            beside("s3://acme-base/scripts/aaaa/x.py", "s3://acme-base/scripts/bbbb/x.py", 24);
        assert_eq!(
            (before.as_str(), after.as_str()),
            ("…ase/scripts/aaaa/x.py", "…ase/scripts/bbbb/x.py")
        );
        assert_eq!(beside("a", "b", 9), ("a".into(), "b".into()));
    }

    #[test]
    fn nothing_treacherous_is_printed() {
        let text = clean("a\u{1b}[2Jb\u{202e}c\nd");
        assert_eq!(text, "a\\u{1b}[2Jb\\u{202e}c\\nd");
    }
}
