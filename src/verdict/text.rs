//! The texts of a policy as patterns: what stands there, `*`, `?`, policy variables, tokens of a template.
//!
//! In goes the JSON value of an action, a resource or a condition's value, a string or an intrinsic of
//! CloudFormation; out comes a list of pieces. A policy variable is read only where AWS reads it: documents of
//! version 2012-10-17, in `Resource` and in the values of string and ARN operators (IAM User Guide, "Policy
//! variables"). `${*}`, `${?}` and `${$}` are these characters themselves.
//! Read next: [`super::glob`], what the pieces become.

use std::borrow::Cow;

use crate::document::Value;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// These characters.
    Text(String),
    /// `*`: any number of characters.
    Star,
    /// `?`: one character.
    One,
    /// `${key}` or `${key, 'default'}`: what the request holds under a key.
    Variable { key: String, default: Option<String> },
    /// A value that CloudFormation fills in.
    Token { name: String, letters: Letters },
}

/// Which characters the value of a token can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Letters {
    Any,
    Digits,
    /// Lower case, digits, hyphens: a region or a partition.
    Name,
}

impl Letters {
    /// Whether `c` can stand in a value of this kind.
    pub const fn holds(self, c: char) -> bool {
        match self {
            Letters::Any => true,
            Letters::Digits => c.is_ascii_digit(),
            Letters::Name => c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
        }
    }
}

/// A text of a policy, read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    pub pieces: Vec<Piece>,
}

/// What means something in a text, by the place where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    pub wildcards: bool,
    pub variables: bool,
}

impl Pattern {
    /// Reads a value; `None` if it is no text, number or truth value, nor an intrinsic.
    pub fn read(value: &Value, how: Reading) -> Option<Pattern> {
        let mut pieces = Vec::new();
        for raw in raws(value)? {
            match raw {
                Raw::Text(text) => read_text(&text, how, &mut pieces),
                Raw::Token(name) => {
                    let letters = letters(&name);
                    pieces.push(Piece::Token { name, letters });
                }
            }
        }
        Some(Pattern { pieces })
    }

    /// The text, where nothing has to be filled in or matched.
    pub fn literal(&self) -> Option<Cow<'_, str>> {
        match self.pieces.as_slice() {
            [] => Some(Cow::Borrowed("")),
            [Piece::Text(text)] => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// As people write it; tokens as `${Name}`.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(own) => text += own,
                Piece::Star => text.push('*'),
                Piece::One => text.push('?'),
                Piece::Variable { key, .. } => text += &format!("${{{key}}}"),
                Piece::Token { name, .. } => text += &token_text(name),
            }
        }
        text
    }

    /// The same where a value that CloudFormation fills in may be a pattern: it then matches more than where it is taken
    /// character for character. The attribute of a resource holds no `*`.
    #[must_use]
    pub fn of_patterns(mut self) -> Pattern {
        for piece in &mut self.pieces {
            if let Piece::Token { name, letters: Letters::Any } = piece {
                let is_attribute = !name.starts_with('{')
                    && name.rsplit('/').next().is_some_and(|it| it.contains('.'));
                if !is_attribute {
                    *name = format!("{name}, as a pattern");
                }
            }
        }
        self
    }

    /// The policy variables: key and default.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, default } => Some((key.as_str(), default.as_deref())),
            _ => None,
        })
    }

    /// Whether a token of a template stands in it.
    pub fn has_token(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Token { .. }))
    }
}

/// How a token is written where a value is expected.
pub fn token_text(name: &str) -> String {
    format!("${{{name}}}")
}

/// What a token can hold, by its name.
pub fn letters(token: &str) -> Letters {
    match token {
        "AWS::AccountId" => Letters::Digits,
        "AWS::Region" | "AWS::Partition" => Letters::Name,
        _ => Letters::Any,
    }
}

enum Raw {
    Text(String),
    Token(String),
}

/// A value as texts and tokens in a row.
fn raws(value: &Value) -> Option<Vec<Raw>> {
    let text = |text: String| Some(vec![Raw::Text(text)]);
    match value {
        Value::Str(own) => text(own.to_string()),
        Value::Bool(own) => text(own.to_string()),
        Value::Int(own) => text(own.to_string()),
        Value::Float(own) => text(own.to_string()),
        Value::Null | Value::List(_) => None,
        Value::Map(map) => {
            let mut pairs = map.iter();
            let (Some((function, argument)), None) = (pairs.next(), pairs.next()) else {
                return None;
            };
            let whole = || Some(vec![Raw::Token(value.to_json())]);
            match (function, argument) {
                ("Ref", Value::Str(name)) => Some(vec![Raw::Token(name.to_string())]),
                ("Fn::GetAtt", Value::Str(name)) => Some(vec![Raw::Token(name.to_string())]),
                ("Fn::GetAtt", Value::List(path)) => {
                    let steps: Option<Vec<&str>> = path.iter().map(Value::as_str).collect();
                    steps.map_or_else(whole, |steps| Some(vec![Raw::Token(steps.join("."))]))
                }
                ("Fn::Sub", Value::Str(template)) => Some(substituted(template, None)),
                ("Fn::Sub", Value::List(list)) => match list.as_slice() {
                    [Value::Str(template), own] => Some(substituted(template, Some(own))),
                    _ => whole(),
                },
                ("Fn::Join", Value::List(list)) => joined(list).map_or_else(whole, Some),
                (name, _) if name.starts_with("Fn::") => whole(),
                _ => None,
            }
        }
    }
}

fn joined(list: &[Value]) -> Option<Vec<Raw>> {
    let [Value::Str(between), Value::List(items)] = list else { return None };
    let mut out = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(Raw::Text(between.to_string()));
        }
        out.extend(raws(item)?);
    }
    Some(merged(out))
}

/// `Fn::Sub`: `${Name}` is a token, `${!text}` is `${text}` itself.
fn substituted(template: &str, own: Option<&Value>) -> Vec<Raw> {
    let mut out = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        out.push(Raw::Text(rest[..start].to_owned()));
        match name.strip_prefix('!') {
            Some(literal) => out.push(Raw::Text(format!("${{{literal}}}"))),
            None => match own.and_then(|own| own.get(name)).and_then(raws) {
                Some(raws) => out.extend(raws),
                None => out.push(Raw::Token(name.to_owned())),
            },
        }
        rest = &rest[start + length + 1..];
    }
    out.push(Raw::Text(rest.to_owned()));
    merged(out)
}

/// Texts beside each other become one, so that a variable is found whole.
fn merged(raws: Vec<Raw>) -> Vec<Raw> {
    let mut out: Vec<Raw> = Vec::new();
    for raw in raws {
        match (out.last_mut(), raw) {
            (Some(Raw::Text(before)), Raw::Text(text)) => *before += &text,
            (_, raw) => out.push(raw),
        }
    }
    out
}

fn read_text(text: &str, how: Reading, out: &mut Vec<Piece>) {
    fn push(out: &mut Vec<Piece>, text: &str) {
        match out.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(before)) => *before += text,
            _ => out.push(Piece::Text(text.to_owned())),
        }
    }
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if how.variables
            && let Some(after) = rest.strip_prefix("${")
            && let Some(end) = after.find('}')
        {
            match &after[..end] {
                own @ ("*" | "?" | "$") => push(out, own),
                inner => out.push(variable(inner)),
            }
            rest = &after[end + 1..];
            continue;
        }
        match c {
            '*' if how.wildcards => {
                if out.last() != Some(&Piece::Star) {
                    out.push(Piece::Star);
                }
            }
            '?' if how.wildcards => out.push(Piece::One),
            _ => push(out, &rest[..c.len_utf8()]),
        }
        rest = &rest[c.len_utf8()..];
    }
}

fn variable(inner: &str) -> Piece {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => {
            let default = default.trim();
            let bare = default.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            (key.trim(), Some(bare.unwrap_or(default).to_owned()))
        }
        None => (inner.trim(), None),
    };
    Piece::Variable { key: key.to_ascii_lowercase(), default }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    const BOTH: Reading = Reading { wildcards: true, variables: true };

    #[test]
    fn variables_escapes_and_defaults() {
        let read = Pattern::read(&Value::from("a/${aws:UserName, 'x'}/${*}*"), BOTH).unwrap();
        let variable =
            Piece::Variable { key: "aws:username".to_owned(), default: Some("x".to_owned()) };
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(read.pieces, [text("a/"), variable, text("/*"), Piece::Star]);
        let old = Reading { wildcards: true, variables: false };
        let read = Pattern::read(&Value::from("${a}"), old).unwrap();
        assert_eq!(read.literal().as_deref(), Some("${a}"));
    }

    #[test]
    fn intrinsics_become_tokens() {
        let join = document!({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::a/*"]]});
        assert_eq!(Pattern::read(&join, BOTH).unwrap().shown(), "arn:${AWS::Partition}:s3:::a/*");
        let sub = document!({"Fn::Sub": "${B.Arn}/${!aws:username}/*"});
        let read = Pattern::read(&sub, BOTH).unwrap();
        assert_eq!(read.shown(), "${B.Arn}/${aws:username}/*");
        assert!(read.has_token() && read.variables().count() == 1);
        let plain = document!({"Fn::Sub": "lake"});
        assert_eq!(Pattern::read(&plain, BOTH).unwrap().literal().as_deref(), Some("lake"));
    }
}
