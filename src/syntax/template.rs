//! A CloudFormation template as a value, whichever of its two languages it is written in.
//!
//! In: JSON, or YAML with CloudFormation's short tags (`!Ref x`, `!GetAtt a.b`, `!Sub ...`). Out: the document with
//! the full form of every function, or where it stops being one. Anchors are followed up to a bounded size.
//! INVARIANT: a template in YAML and the same in JSON give equal values. Plain scalars are read as YAML 1.2's core
//! schema reads them, except that what has leading zeros stays a text (an account's number).
//! Source of the tags:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use crate::document::{Map, Value};

/// Values that aliases may add to a template before it is refused.
const MOST_COPIES: usize = 100_000;
/// Levels of nesting.
const MOST_LEVELS: usize = 100;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct NoTemplate {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub reason: String,
}

/// Reads a template.
pub fn template(text: &str) -> Result<Value, NoTemplate> {
    if text.trim_start().starts_with('{') {
        return Value::from_json(text).map_err(|error| NoTemplate {
            line: error.line(),
            column: error.column(),
            reason: error.to_string(),
        });
    }
    let mut reader = Reader::default();
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| NoTemplate {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            reason: error.to_string(),
        })?;
        let refuse = |reason: String| NoTemplate {
            line: span.start.line(),
            column: span.start.col() + 1,
            reason,
        };
        reader.event(event).map_err(refuse)?;
    }
    reader.root.ok_or(NoTemplate { line: 1, column: 1, reason: "the file is empty".to_owned() })
}

enum Frame {
    List { items: Vec<Value>, tag: Option<String>, anchor: usize },
    Map { map: Map, key: Option<String>, tag: Option<String>, anchor: usize },
}

#[derive(Default)]
struct Reader {
    frames: Vec<Frame>,
    anchors: HashMap<usize, (Value, usize)>,
    copies: usize,
    root: Option<Value>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map(short).transpose()?;
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = if plain { scalar(&text) } else { Value::from(text.into_owned()) };
                self.value(tagged(tag, value), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let tag = tag.as_deref().map(short).transpose()?;
                self.open(Frame::List { items: Vec::new(), tag, anchor })
            }
            Event::MappingStart(_, anchor, tag) => {
                let tag = tag.as_deref().map(short).transpose()?;
                self.open(Frame::Map { map: Map::new(), key: None, tag, anchor })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.frames.pop() {
                Some(Frame::List { items, tag, anchor }) => {
                    self.value(tagged(tag, Value::List(items)), anchor)
                }
                Some(Frame::Map { map, tag, anchor, .. }) => {
                    self.value(tagged(tag, Value::Map(with_merged(map)?)), anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let (value, size) = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or("an alias to a value that holds it")?;
                self.copies += size;
                if self.copies > MOST_COPIES {
                    return Err(format!("aliases stand for more than {MOST_COPIES} values"));
                }
                self.value(value, 0)
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                Err("a second document: a template is one".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), String> {
        if self.frames.len() >= MOST_LEVELS {
            return Err(format!("more than {MOST_LEVELS} levels"));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn value(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), size(&value)));
        }
        match self.frames.last_mut() {
            None => self.root = Some(value),
            Some(Frame::List { items, .. }) => items.push(value),
            Some(Frame::Map { map, key, .. }) => match key.take() {
                None => match value {
                    Value::Str(text) => *key = Some(text.into_owned()),
                    Value::Map(_) | Value::List(_) => return Err("a key is a text".to_owned()),
                    other => *key = Some(other.to_json()),
                },
                Some(name) => {
                    if map.insert(name.clone(), value).is_some() {
                        return Err(format!("the key `{name}` stands twice in one object"));
                    }
                }
            },
        }
        Ok(())
    }
}

/// An object with what its merge keys bring in: YAML 1.1's `<<`. What stands in the object itself comes first, then the
/// objects in their order (<https://yaml.org/type/merge.html>).
fn with_merged(mut map: Map) -> Result<Map, String> {
    let Some(merged) = map.remove("<<") else { return Ok(map) };
    let all = match merged {
        Value::List(list) => list,
        one => vec![one],
    };
    for one in all {
        let Value::Map(one) = one else { return Err("`<<` takes objects".to_owned()) };
        for (key, value) in one {
            if map.get(&key).is_none() {
                map.insert(key, value);
            }
        }
    }
    Ok(map)
}

/// The full name of a short tag: `!GetAtt` is `Fn::GetAtt`.
fn short(tag: &Tag) -> Result<String, String> {
    let name = tag.suffix();
    if tag.handle() != "!" {
        return Ok(String::new());
    }
    Ok(match name {
        "Ref" | "Condition" => name.to_owned(),
        name if !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':') =>
        {
            format!("Fn::{name}")
        }
        name => return Err(format!("`!{name}` is no function of CloudFormation")),
    })
}

fn tagged(tag: Option<String>, value: Value) -> Value {
    let Some(tag) = tag.filter(|tag| !tag.is_empty()) else { return value };
    let value = match (tag.as_str(), value.as_str().and_then(|text| text.split_once('.'))) {
        ("Fn::GetAtt", Some((id, attribute))) => {
            Value::List(vec![id.to_owned().into(), attribute.to_owned().into()])
        }
        _ => value,
    };
    let mut map = Map::new();
    map.insert(tag, value);
    Value::Map(map)
}

fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leads = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if leads || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Value::from(text.to_owned());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::Int(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Float(number),
        _ => Value::from(text.to_owned()),
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Value::Map(map) => 1 + map.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        template(text).map(|value| value.to_json()).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn short_tags_are_the_functions_they_stand_for() {
        let yaml = "Resources:\n  A:\n    B: !Ref X\n    C: !GetAtt X.Arn.Y\n    D: !Sub '${X}/*'\n    E: !Join [':', [a, !Ref B]]\n    F: !If [c, 1, !Ref 'AWS::NoValue']\n";
        assert_eq!(
            json(yaml),
            r#"{"Resources":{"A":{"B":{"Ref":"X"},"C":{"Fn::GetAtt":["X","Arn.Y"]},"D":{"Fn::Sub":"${X}/*"},"E":{"Fn::Join":[":",["a",{"Ref":"B"}]]},"F":{"Fn::If":["c",1,{"Ref":"AWS::NoValue"}]}}}}"#
        );
        assert_eq!(json(r#"{"a": {"Ref": "x"}}"#), json("a: !Ref x"));
    }

    #[test]
    fn scalars_are_what_a_policy_means() {
        assert_eq!(
            json(
                "a: 2012-10-17\nb: 012345678901\nc: 123456789012\nd: \"true\"\ne: true\nf: 1.5\ng:\nh: '*'"
            ),
            r#"{"a":"2012-10-17","b":"012345678901","c":123456789012,"d":"true","e":true,"f":1.5,"g":null,"h":"*"}"#
        );
    }

    #[test]
    fn what_is_no_template_says_where() {
        assert_eq!(json("a: 1\na: 2"), "line 2, column 4: the key `a` stands twice in one object");
        assert!(json("a: [1").starts_with("line "), "{}", json("a: [1"));
        assert_eq!(json(""), "line 1, column 1: the file is empty");
        assert_eq!(json("a: &x [1, 2]\nb: *x"), r#"{"a":[1,2],"b":[1,2]}"#);
        let bomb: String = (1..12)
            .map(|n| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 10].join(", ")))
            .collect();
        let found = json(&format!("l0: &l0 [1, 1, 1, 1, 1]\n{bomb}"));
        assert!(found.contains("aliases stand for more than"), "{found}");
    }
}
