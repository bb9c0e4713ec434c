//! What AWS would answer to one request: the second opinion on every witness.
//!
//! Written straight from the documented semantics (IAM User Guide, "Policy evaluation logic" and the pages of the
//! policy elements), and sharing nothing with the search but the reading of documents: no automata, no literals, no
//! intervals. What the pages leave open is `None`, "not known", and a witness that rests on it is not reported.

use std::borrow::Cow;

use super::line;
use super::operator::{Several, Test};
use super::principal::{named, spared};
use super::read::{Condition, Document, Effect, Statement};
use super::request::Request;
use super::text::{Pattern, Piece, token_text};

/// The answer of documents to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// It hangs on something that AWS does not document.
    Unknown,
}

/// How far a wildcard in a `Resource` reaches. AWS's pages allow both readings, so both are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Over the whole text.
    Whole,
    /// Within its part of the ARN; in the last part that the pattern has, to the end.
    Part,
}

/// What documents together say of a request.
pub fn evaluate(documents: &[Document], request: &Request, reach: Reach) -> Decision {
    let mut allowed = Some(false);
    let mut denied = Some(false);
    for statement in documents.iter().flat_map(|document| &document.statements) {
        let applies = applies(statement, request, reach);
        match statement.effect {
            Effect::Allow => allowed = or(allowed, applies),
            Effect::Deny => denied = or(denied, applies),
        }
    }
    match (denied, allowed) {
        (Some(true), _) => Decision::Denied,
        (_, Some(false)) => Decision::NotAllowed,
        (Some(false), Some(true)) => Decision::Allowed,
        _ => Decision::Unknown,
    }
}

fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    or(a.map(|a| !a), b.map(|b| !b)).map(|either| !either)
}

/// Whether a statement applies to a request.
pub fn applies(statement: &Statement, request: &Request, reach: Reach) -> Option<bool> {
    let mut patterns: Vec<&Pattern> = statement.actions.items.iter().collect();
    patterns.extend(statement.resources.iter().flat_map(|listed| &listed.items));
    patterns.extend(statement.conditions.iter().flat_map(|condition| &condition.values));
    for (key, default) in patterns.iter().flat_map(|pattern| pattern.variables()) {
        if default.is_none() && request.single(key).is_none() {
            return Some(false);
        }
    }
    let mut result = principal_applies(statement, request);
    let action = request.action.to_lowercase();
    let listed = statement.actions.items.iter().any(|pattern| {
        let pieces = lower(&resolve(pattern, request));
        like(&pieces, &characters(&action), false)
    });
    result = and(result, Some(listed != statement.actions.not));
    if let Some(resources) = &statement.resources {
        let mut listed = Some(false);
        for pattern in &resources.items {
            listed = or(listed, resource_fits(pattern, request, reach));
        }
        result = and(result, listed.map(|listed| listed != resources.not));
    }
    for condition in &statement.conditions {
        if result == Some(false) {
            return result;
        }
        result = and(result, holds(condition, request));
    }
    result
}

fn principal_applies(statement: &Statement, request: &Request) -> Option<bool> {
    let (Some(principals), Some(who)) = (&statement.principals, &request.principal) else {
        return Some(true);
    };
    Some(match (principals.not, statement.effect) {
        (false, _) => named(&principals.items, who),
        (true, Effect::Deny) => !spared(&principals.items, who),
        (true, Effect::Allow) => !named(&principals.items, who),
    })
}

/// One character of a resolved pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Is(char),
    Any,
    Many,
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// The pattern with the request's values for its variables.
fn resolve(pattern: &Pattern, request: &Request) -> Vec<Unit> {
    let mut out = Vec::new();
    for piece in &pattern.pieces {
        let text: Cow<'_, str> = match piece {
            Piece::Star => {
                out.push(Unit::Many);
                continue;
            }
            Piece::One => {
                out.push(Unit::Any);
                continue;
            }
            Piece::Text(text) => Cow::Borrowed(text),
            Piece::Token { name, .. } => Cow::Owned(token_text(name)),
            Piece::Variable { key, default } => {
                let value = request.single(key).or(default.as_deref());
                Cow::Borrowed(value.unwrap_or_default())
            }
        };
        out.extend(text.chars().map(Unit::Is));
    }
    out
}

fn lower(units: &[Unit]) -> Vec<Unit> {
    let mut out = Vec::with_capacity(units.len());
    for unit in units {
        match unit {
            Unit::Is(c) => out.extend(c.to_lowercase().map(Unit::Is)),
            other => out.push(*other),
        }
    }
    out
}

/// Whether units take a text. With `in_part`, wildcards stop at colons.
fn like(units: &[Unit], text: &[char], in_part: bool) -> bool {
    // row by row: which beginnings of the text the units so far take
    let mut takes = vec![false; text.len() + 1];
    takes[0] = true;
    for unit in units {
        let mut next = vec![false; text.len() + 1];
        if *unit == Unit::Many {
            next[0] = takes[0];
        }
        for (at, c) in text.iter().enumerate() {
            let wild = !in_part || *c != ':';
            next[at + 1] = match unit {
                Unit::Is(own) => takes[at] && own == c,
                Unit::Any => takes[at] && wild,
                Unit::Many => takes[at + 1] || (next[at] && wild),
            };
        }
        takes = next;
    }
    takes[text.len()]
}

fn resource_fits(pattern: &Pattern, request: &Request, reach: Reach) -> Option<bool> {
    let text = characters(request.resource.as_deref().unwrap_or_default());
    let units = resolve(pattern, request);
    let fits = match reach {
        Reach::Whole => like(&units, &text, false),
        Reach::Part => {
            let colons = units.iter().filter(|unit| **unit == Unit::Is(':')).count().min(5);
            parts(&units, &text, colons)
        }
    };
    // AWS reads variables in the part after the fifth colon only, and leaves open what becomes of others
    let mut colons = 0;
    for piece in &pattern.pieces {
        match piece {
            Piece::Text(text) => colons += text.matches(':').count(),
            Piece::Token { .. } => colons += 5,
            Piece::Variable { .. } if colons < 5 => return if fits { None } else { Some(false) },
            _ => {}
        }
    }
    Some(fits)
}

/// Part by part up to a number of colons, and the rest as a whole.
fn parts(units: &[Unit], text: &[char], colons: usize) -> bool {
    let (mut units, mut text) = (units, text);
    for _ in 0..colons {
        let Some(own) = units.iter().position(|unit| *unit == Unit::Is(':')) else { return false };
        let Some(theirs) = text.iter().position(|c| *c == ':') else { return false };
        if !like(&units[..own], &text[..theirs], false) {
            return false;
        }
        (units, text) = (&units[own + 1..], &text[theirs + 1..]);
    }
    like(units, text, false)
}

/// Whether a condition holds of a request.
fn holds(condition: &Condition, request: &Request) -> Option<bool> {
    let operator = &condition.operator;
    let values = request.values(&condition.key);
    if operator.test == Test::Null {
        let absent = values.is_empty();
        return Some(condition.values.iter().any(|value| {
            value.literal().is_some_and(|text| text.eq_ignore_ascii_case("true") == absent)
        }));
    }
    if operator.test == Test::Unknown {
        return None;
    }
    if values.is_empty() {
        return Some(operator.of_missing());
    }
    // for negated operators: whether it passes none of the policy's values
    let passes_one = |value: &String| {
        let mut any = Some(false);
        for pattern in &condition.values {
            any = or(any, passes(&operator.test, pattern, value, request));
        }
        any
    };
    let mut some = Some(false);
    let mut all = Some(true);
    let mut positive = Some(false);
    for value in values {
        let one = passes_one(value);
        let passed = one.map(|one| one != operator.negated);
        positive = or(positive, one);
        some = or(some, passed);
        all = and(all, passed);
    }
    match operator.several {
        None => positive.map(|positive| positive != operator.negated),
        Some(Several::Any) => some,
        Some(Several::All) => all,
    }
}

/// Whether one value passes one value of the policy; `None` where either is not of the operator's kind.
fn passes(test: &Test, pattern: &Pattern, value: &str, request: &Request) -> Option<bool> {
    let units = resolve(pattern, request);
    let text = characters(value);
    let written = || pattern.literal();
    match test {
        Test::Equals | Test::Binary | Test::Like => Some(like(&units, &text, false)),
        Test::IgnoreCase => Some(like(&lower(&units), &characters(&value.to_lowercase()), false)),
        Test::Arn => {
            let colons = units.iter().filter(|unit| **unit == Unit::Is(':')).count();
            if colons < 5 && !pattern.has_token() {
                return if like(&units, &text, false) { None } else { Some(false) };
            }
            Some(parts(&units, &text, colons.min(5)))
        }
        Test::Bool => {
            let truth = value.to_ascii_lowercase();
            (truth == "true" || truth == "false")
                .then(|| written().is_some_and(|own| own.to_ascii_lowercase() == truth))
        }
        Test::Numeric(order) => {
            Some(line::holds(line::date(value)?, *order, line::number(&written()?)?))
        }
        Test::Date(order) => {
            Some(line::holds(line::date(value)?, *order, line::date(&written()?)?))
        }
        Test::IpAddress => {
            let (six, first, last) = line::range(&written()?)?;
            let (own_six, own, own_last) = line::range(value)?;
            Some(six == own_six && own == own_last && first <= own && own <= last)
        }
        Test::Null | Test::Unknown => None,
    }
}
