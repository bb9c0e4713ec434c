//! What AWS would answer to one request: the second opinion on every witness.
//!
//! Written straight from the documented semantics (IAM User Guide, "Policy evaluation logic" and the pages of the
//! policy elements), and sharing nothing with the search but the reading of documents: no automata, no literals, no
//! intervals. What the pages leave open is `None`, "not known", and a witness that rests on it is not reported.

use super::line;
use super::operator::{Several, Test};
use super::principal::apply;
use super::read::{Condition, Document, Effect, Statement};
use super::readings::Reading;
use super::request::Request;
use super::text::{Letters, Pattern, Piece, letters, token_text};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Reach {
    /// Over the whole text.
    #[default]
    Whole,
    /// Within its part of the ARN; in the last part that the pattern has, to the end.
    Part,
}

/// What documents together say of a request, with the plain answer to all that is open but `reach`.
pub fn evaluate(documents: &[Document], request: &Request, reach: Reach) -> Decision {
    under(documents, request, &Reading::from(reach))
}

/// Whether a statement applies to a request, with the plain answer to all that is open but `reach`.
pub fn applies(statement: &Statement, request: &Request, reach: Reach) -> Option<bool> {
    applies_under(statement, request, &Reading::from(reach))
}

/// What documents together say of a request under a reading of AWS's pages.
pub fn under(documents: &[Document], request: &Request, reading: &Reading) -> Decision {
    let mut allowed = Some(false);
    let mut denied = Some(false);
    for statement in documents.iter().flat_map(|document| &document.statements) {
        let applies = applies_under(statement, request, reading);
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

/// Whether a statement applies to a request under a reading of AWS's pages.
fn applies_under(statement: &Statement, request: &Request, reading: &Reading) -> Option<bool> {
    let patterns = statement.patterns();
    for (key, default) in patterns.flat_map(Pattern::variables) {
        if default.is_none() && request.single(key).is_none() {
            return Some(false);
        }
    }
    let mut result = principal_applies(statement, request, reading);
    // what one element rules out needs no look at the others
    if result == Some(false) {
        return result;
    }
    let mut listed = Some(false);
    for pattern in &statement.actions.items {
        listed = or(listed, action_fits(pattern, request));
    }
    result = and(result, listed.map(|listed| listed != statement.actions.not));
    if let (Some(resources), true) = (&statement.resources, result != Some(false)) {
        let mut listed = Some(false);
        for pattern in &resources.items {
            listed = or(listed, resource_fits(pattern, request, reading.reach));
        }
        result = and(result, listed.map(|listed| listed != resources.not));
    }
    for condition in &statement.conditions {
        if result == Some(false) {
            return result;
        }
        result = and(result, holds(condition, request, reading));
    }
    result
}

fn principal_applies(statement: &Statement, request: &Request, reading: &Reading) -> Option<bool> {
    let (Some(principals), Some(who)) = (&statement.principals, &request.principal) else {
        return Some(true);
    };
    Some(apply(principals, statement.effect, who, request.standing, reading.sparing))
}

/// One character of a resolved pattern, or of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit<'n> {
    Is(char),
    Any,
    Many,
    /// What CloudFormation fills in, and what it can hold.
    Token(&'n str, Letters),
}

/// A text of a request, in which `${Name}` may stand for a token.
fn units_of<'r>(text: &str, request: &'r Request) -> Vec<Unit<'r>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    'text: while let Some(c) = rest.chars().next() {
        if rest.starts_with(TOKEN) {
            for name in &request.tokens {
                if let Some(after) = rest.strip_prefix(token_text(name).as_str()) {
                    out.push(Unit::Token(name, letters(name)));
                    rest = after;
                    continue 'text;
                }
            }
        }
        out.push(Unit::Is(c));
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// How [`token_text`] begins.
const TOKEN: &str = "${";

/// The pattern with the request's values for its variables.
fn resolve<'r>(pattern: &'r Pattern, request: &'r Request) -> Vec<Unit<'r>> {
    let mut out = Vec::new();
    for piece in &pattern.pieces {
        match piece {
            Piece::Star => out.push(Unit::Many),
            Piece::One => out.push(Unit::Any),
            Piece::Text(text) => out.extend(text.chars().map(Unit::Is)),
            Piece::Token { name, letters } => out.push(Unit::Token(name, *letters)),
            Piece::Variable { key, default } => {
                let value = request.single(key).or(default.as_deref());
                out.extend(units_of(value.unwrap_or_default(), request));
            }
        }
    }
    out
}

fn lower<'n>(units: &[Unit<'n>]) -> Vec<Unit<'n>> {
    let mut out = Vec::with_capacity(units.len());
    for unit in units {
        match unit {
            Unit::Is(c) => out.extend(c.to_lowercase().map(Unit::Is)),
            other => out.push(*other),
        }
    }
    out
}

/// Whether units take a text, whatever the tokens hold. Going back to the last `*` is enough: it takes what one before it
/// could have taken.
fn like(units: &[Unit<'_>], text: &[Unit<'_>]) -> bool {
    let takes = |unit: &Unit<'_>, own: &Unit<'_>| match unit {
        Unit::Any => matches!(own, Unit::Is(_)),
        unit => unit == own,
    };
    let (mut unit, mut at) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match units.get(unit) {
            Some(Unit::Many) => {
                back = Some((unit + 1, at));
                unit += 1;
            }
            Some(own) if takes(own, &text[at]) => (unit, at) = (unit + 1, at + 1),
            _ => {
                let Some((behind, from)) = back else { return false };
                back = Some((behind, from + 1));
                (unit, at) = (behind, from + 1);
            }
        }
    }
    units[unit..].iter().all(|unit| *unit == Unit::Many)
}

/// Whether units take a text; `None` if that depends on the value of a token.
fn fits(units: &[Unit<'_>], text: &[Unit<'_>]) -> Option<bool> {
    let has_token = |units: &[Unit<'_>]| units.iter().any(|u| matches!(u, Unit::Token(..)));
    let sure = like(units, text);
    if sure || !(has_token(units) || has_token(text)) {
        return Some(sure);
    }
    // what both begin with is the same, tokens too
    let alike =
        |(a, b): &(&Unit<'_>, &Unit<'_>)| a == b && matches!(a, Unit::Is(_) | Unit::Token(..));
    let same = units.iter().zip(text).take_while(alike).count();
    let (units, text) = (&units[same..], &text[same..]);
    if has_token(units) || has_token(text) {
        if meet(units, text) { None } else { Some(false) }
    } else {
        Some(like(units, text))
    }
}

/// Whether some values of the tokens make units take a text.
fn meet(units: &[Unit<'_>], text: &[Unit<'_>]) -> bool {
    let holds = |wide: Unit<'_>, one: Unit<'_>| match (wide, one) {
        (Unit::Token(_, letters), Unit::Is(c)) => letters.holds(c),
        _ => true,
    };
    let wide = |unit: Unit<'_>| matches!(unit, Unit::Many | Unit::Token(..));
    let width = text.len() + 1;
    let mut meets = vec![false; (units.len() + 1) * width];
    for i in (0..=units.len()).rev() {
        for j in (0..=text.len()).rev() {
            let at = |i: usize, j: usize| meets[i * width + j];
            let found = match (units.get(i), text.get(j)) {
                (None, None) => true,
                (Some(unit), None) => wide(*unit) && at(i + 1, j),
                (None, Some(own)) => wide(*own) && at(i, j + 1),
                (Some(unit), Some(own)) => match (wide(*unit), wide(*own)) {
                    (false, false) => (*unit == Unit::Any || unit == own) && at(i + 1, j + 1),
                    (unit_is, own_is) => {
                        (unit_is && (at(i + 1, j) || (holds(*unit, *own) && at(i, j + 1))))
                            || (own_is && (at(i, j + 1) || (holds(*own, *unit) && at(i + 1, j))))
                    }
                },
            };
            meets[i * width + j] = found;
        }
    }
    meets[0]
}

/// Actions fit whatever their case.
fn action_fits(pattern: &Pattern, request: &Request) -> Option<bool> {
    if let (Some(own), false) = (pattern.literal(), request.action.contains(TOKEN)) {
        let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
        let plain = own.is_ascii() && request.action.is_ascii();
        return Some(match plain {
            true => own.eq_ignore_ascii_case(&request.action),
            false => lower(&own) == lower(&request.action),
        });
    }
    fits(&lower(&resolve(pattern, request)), &lower(&units_of(&request.action, request)))
}

fn resource_fits(pattern: &Pattern, request: &Request, reach: Reach) -> Option<bool> {
    let asked = request.resource.as_deref().unwrap_or_default();
    if let (Some(own), false) = (pattern.literal(), asked.contains(TOKEN)) {
        return Some(own == asked);
    }
    let text = units_of(asked, request);
    let units = resolve(pattern, request);
    let fits = match reach {
        Reach::Whole => fits(&units, &text),
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
            Piece::Variable { .. } if colons < 5 => return fits.filter(|fits| !fits),
            _ => {}
        }
    }
    fits
}

/// Part by part up to a number of colons, and the rest as a whole.
fn parts(units: &[Unit<'_>], text: &[Unit<'_>], colons: usize) -> Option<bool> {
    let (mut units, mut text) = (units, text);
    let mut all = Some(true);
    for _ in 0..colons {
        let colon = |unit: &Unit<'_>| *unit == Unit::Is(':');
        let Some(own) = units.iter().position(colon) else { return Some(false) };
        let Some(theirs) = text.iter().position(colon) else {
            // a token may hold the colons that are missing
            return and(all, fits(units, text).filter(|fits| !fits));
        };
        all = and(all, fits(&units[..own], &text[..theirs]));
        (units, text) = (&units[own + 1..], &text[theirs + 1..]);
    }
    and(all, fits(units, text))
}

/// Whether a condition holds of a request.
fn holds(condition: &Condition, request: &Request, reading: &Reading) -> Option<bool> {
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
        return Some(reading.of_missing(operator, &condition.key));
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
    let text = units_of(value, request);
    let written = || pattern.literal();
    match test {
        Test::Equals | Test::Binary | Test::Like => fits(&units, &text),
        Test::IgnoreCase => fits(&lower(&units), &lower(&text)),
        Test::Arn => {
            let colons = units.iter().filter(|unit| **unit == Unit::Is(':')).count();
            if colons < 5 {
                let fits = fits(&units, &text);
                return if pattern.has_token() { fits } else { fits.filter(|fits| !fits) };
            }
            parts(&units, &text, colons.min(5))
        }
        Test::Bool => {
            let truth = value.to_ascii_lowercase();
            let own = written()?.to_ascii_lowercase();
            (truth == "true" || truth == "false").then_some(own == truth)
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
