//! Statements to boxes of literals.
//!
//! A statement that can never match yields no box, one whose variables have defaults several: with the key, and
//! without it. A literal that always holds is left out.

use std::collections::BTreeMap;

use super::evaluate::Reach;
use super::glob::{Glob, Letter, Tok, fold};
use super::line;
use super::model::{Line, Model, Symbol};
use super::operator::{Several, Test};
use super::principal::apply;
use super::read::{Condition, Document, Effect, Listed, Statement};
use super::readings::Reading;
use super::request::canonical;
use super::search::Boxed;
use super::space::{DimensionId, Language, Literal, LiteralId};
use super::text::{Pattern, Piece};

/// What variables are taken for. Those that are not here are symbols.
pub type Bound = BTreeMap<String, String>;

/// The boxes of one side.
#[derive(Debug, Clone, Default)]
pub struct Side {
    pub allows: Vec<Boxed>,
    pub denies: Vec<Boxed>,
}

/// How a text becomes a pattern.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    /// In lower case: actions.
    Lower,
    IgnoreCase,
    Resource(Reach),
    Arn,
}

/// How a variable stands in one variant of a statement.
#[derive(Clone, Copy, PartialEq)]
enum Presence {
    Present,
    /// Its defaults stand in.
    Absent,
}

/// All statements of one side.
pub fn side(model: &mut Model, documents: &[Document], reading: &Reading, bound: &Bound) -> Side {
    let mut side = Side::default();
    let statements = documents.iter().flat_map(|document| &document.statements);
    for (at, statement) in statements.enumerate() {
        let boxes = Lower { model, reading, bound, at }.statement(statement);
        match statement.effect {
            Effect::Allow => side.allows.extend(boxes),
            Effect::Deny => side.denies.extend(boxes),
        }
    }
    side
}

/// The literals that say which values bound variables have.
pub fn bindings(model: &mut Model, bound: &Bound) -> Vec<LiteralId> {
    let mut out = Vec::new();
    for (key, value) in bound {
        let dimension = model.keys[key].dimension;
        let language = Language::Globs(vec![Glob::literal(value)]);
        let literal = Literal { dimension, absent: false, every: true, language: 0, inside: true };
        out.extend(literal_of(model, literal, language));
    }
    out
}

/// The literal with `language`, in the form that equal ones share; `None` if it always holds.
fn literal_of(model: &mut Model, literal: Literal, language: Language) -> Option<LiteralId> {
    let language = model.space.language(language);
    let several = model.space.dimensions[literal.dimension as usize].several;
    // of a single value every and any are the same
    let every = if several { literal.every } else { !literal.inside };
    let literal = Literal { every, language, ..literal };
    let optional = model.space.dimensions[literal.dimension as usize].optional;
    let trivial = language == 0 && literal.inside && (literal.absent || !optional);
    (!trivial).then(|| model.space.literal(literal))
}

struct Lower<'m> {
    model: &'m mut Model,
    reading: &'m Reading,
    bound: &'m Bound,
    at: usize,
}

impl Lower<'_> {
    fn statement(mut self, statement: &Statement) -> Vec<Boxed> {
        // each variable: whether all places have a default
        let mut variables: BTreeMap<String, bool> = BTreeMap::new();
        let patterns = statement.patterns();
        for (key, default) in patterns.flat_map(Pattern::variables) {
            let key = canonical(key);
            if !self.bound.contains_key(&key) {
                let entry = variables.entry(key).or_insert(true);
                *entry &= default.is_some();
            }
        }
        let mut variants: Vec<BTreeMap<String, Presence>> = vec![BTreeMap::new()];
        for (key, has_default) in variables {
            let mut more = Vec::new();
            for mut variant in variants {
                if has_default {
                    let mut without = variant.clone();
                    without.insert(key.clone(), Presence::Absent);
                    more.push(without);
                }
                variant.insert(key.clone(), Presence::Present);
                more.push(variant);
            }
            variants = more;
        }
        let boxes: Vec<_> =
            variants.iter().filter_map(|variant| self.variant(statement, variant)).collect();
        boxes.into_iter().map(|literals| Boxed { literals, statement: self.at }).collect()
    }

    /// The literals of a statement, the most telling first; `None` if it matches nothing.
    fn variant(
        &mut self,
        statement: &Statement,
        variant: &BTreeMap<String, Presence>,
    ) -> Option<Vec<LiteralId>> {
        let mut out = Vec::new();
        let action = self.model.action;
        self.listed(action, &statement.actions, Style::Lower, variant, &mut out)?;
        if let (Some(resources), Some(dimension)) = (&statement.resources, self.model.resource) {
            let style = Style::Resource(self.reading.reach);
            self.listed(dimension, resources, style, variant, &mut out)?;
        }
        if let (Some(principals), Some(dimension)) = (&statement.principals, self.model.principal) {
            let sparing = self.reading.sparing;
            let askers = self.model.requesters.iter().zip(&self.model.standings);
            let who: Vec<bool> = askers
                .map(|(who, standing)| apply(principals, statement.effect, who, *standing, sparing))
                .collect();
            if !who.iter().all(|one| *one) {
                let literal =
                    Literal { dimension, absent: false, every: false, language: 0, inside: true };
                out.extend(literal_of(self.model, literal, points(&who)));
            }
        }
        for condition in &statement.conditions {
            out.extend(self.condition(condition, variant)?);
        }
        for (key, presence) in variant {
            let dimension = self.model.keys[key].dimension;
            // there is, or there is not, a value
            let inside = *presence == Presence::Present;
            let literal =
                Literal { dimension, absent: !inside, every: !inside, language: 0, inside };
            out.extend(literal_of(self.model, literal, Language::All));
        }
        let mut seen = Vec::with_capacity(out.len());
        for literal in out {
            if seen.contains(&(literal ^ 1)) {
                return None;
            }
            if !seen.contains(&literal) {
                seen.push(literal);
            }
        }
        Some(seen)
    }

    fn listed(
        &mut self,
        dimension: DimensionId,
        listed: &Listed<Pattern>,
        style: Style,
        variant: &BTreeMap<String, Presence>,
        out: &mut Vec<LiteralId>,
    ) -> Option<()> {
        let globs: Vec<Glob> =
            listed.items.iter().map(|pattern| self.glob(pattern, style, variant)).collect();
        if listed.not && globs.iter().any(Glob::is_all) {
            return None;
        }
        let literal =
            Literal { dimension, absent: false, every: false, language: 0, inside: !listed.not };
        out.extend(literal_of(self.model, literal, Language::Globs(globs)));
        Some(())
    }

    fn glob(&self, pattern: &Pattern, style: Style, variant: &BTreeMap<String, Presence>) -> Glob {
        let mut toks: Vec<Tok> = Vec::new();
        let mut sure = true;
        let mut colons = 0;
        let text = |text: &str, toks: &mut Vec<Tok>| {
            for c in text.chars() {
                let letter = c as Letter;
                toks.push(match style {
                    Style::Lower => Tok::Char(fold(letter)),
                    Style::IgnoreCase => {
                        let lower = fold(letter);
                        let cased = char::from_u32(lower)
                            .is_some_and(|c| c.to_uppercase().next() != Some(c));
                        if cased { Tok::Fold(lower) } else { Tok::Char(letter) }
                    }
                    _ => Tok::Char(letter),
                });
            }
        };
        for piece in &pattern.pieces {
            match piece {
                Piece::Text(own) => {
                    colons += own.matches(':').count();
                    text(own, &mut toks);
                }
                Piece::Star => toks.push(Tok::Star { free: true }),
                Piece::One => toks.push(Tok::One { free: true }),
                Piece::Token { name, .. } => {
                    toks.push(Tok::Char(self.model.symbol(&Symbol::Token(name.clone()))));
                }
                Piece::Variable { key, default } => {
                    if matches!(style, Style::Resource(_)) && colons < 5 && !pattern.has_token() {
                        sure = false;
                    }
                    let key = canonical(key);
                    match (self.bound.get(&key), variant.get(&key), default) {
                        (Some(value), ..) => text(value, &mut toks),
                        (None, Some(Presence::Absent), Some(default)) => text(default, &mut toks),
                        _ => toks.push(Tok::Char(self.model.symbol(&Symbol::Variable(key)))),
                    }
                }
            }
        }
        let colon = Tok::Char(b':' as Letter);
        let all = toks.iter().filter(|tok| **tok == colon).count();
        let parts = match style {
            Style::Resource(Reach::Part) => all.min(5),
            Style::Arn if all < 5 => {
                sure = pattern.has_token();
                0
            }
            Style::Arn => 5,
            _ => 0,
        };
        let mut before = 0;
        for tok in &mut toks {
            match tok {
                Tok::Star { free } | Tok::One { free } => *free = before >= parts,
                own if *own == colon => before += 1,
                _ => {}
            }
        }
        Glob { toks, sure }
    }

    /// The literal of a condition: `None` if it never holds, nothing if it always does.
    fn condition(
        &mut self,
        condition: &Condition,
        variant: &BTreeMap<String, Presence>,
    ) -> Option<Option<LiteralId>> {
        let operator = &condition.operator;
        let key = canonical(&condition.key);
        let dimension = self.model.keys[&key].dimension;
        if operator.test == Test::Null {
            let says = |word: &str| {
                condition.values.iter().any(|value| {
                    value.literal().is_some_and(|text| text.eq_ignore_ascii_case(word))
                })
            };
            let (absent, present) = (says("true"), says("false"));
            if absent == present {
                return if absent { Some(None) } else { None };
            }
            let literal =
                Literal { dimension, absent, every: absent, language: 0, inside: present };
            return Some(literal_of(self.model, literal, Language::All));
        }
        let Some(language) = self.language(condition, &key, variant) else {
            return Some(Some(self.opaque(condition)));
        };
        let inside = !operator.negated;
        let absent = self.reading.of_missing(operator, &key);
        let every = match operator.several {
            Some(Several::All) => true,
            Some(Several::Any) => false,
            None => operator.negated,
        };
        let literal = Literal { dimension, absent, every, language: 0, inside };
        Some(literal_of(self.model, literal, language))
    }

    /// The values that pass one of the condition's; `None` if the model has no reading of it.
    fn language(
        &self,
        condition: &Condition,
        key: &str,
        variant: &BTreeMap<String, Presence>,
    ) -> Option<Language> {
        let globs = |style| {
            let globs = condition.values.iter().map(|value| self.glob(value, style, variant));
            Some(Language::Globs(globs.collect()))
        };
        let literals =
            || -> Option<Vec<_>> { condition.values.iter().map(Pattern::literal).collect() };
        match (&condition.operator.test, &self.model.keys[key].line) {
            (Test::Equals | Test::Like | Test::Binary, Line::Text) => globs(Style::Plain),
            (Test::IgnoreCase, Line::Text) => globs(Style::IgnoreCase),
            (Test::Arn, Line::Text) => globs(Style::Arn),
            (Test::Bool, Line::Text) => {
                let words = literals()?;
                let globs = words.iter().map(|word| Glob::literal(&word.to_ascii_lowercase()));
                Some(Language::Globs(globs.collect()))
            }
            (Test::Numeric(order), Line::Numbers(at) | Line::Dates(at)) => {
                let cuts: Option<Vec<_>> = literals()?.iter().map(|t| line::number(t)).collect();
                let cuts = cuts?;
                let within = |v: &i128| cuts.iter().any(|cut| line::holds(*v, *order, *cut));
                Some(points(&at.iter().map(within).collect::<Vec<_>>()))
            }
            (Test::Date(order), Line::Dates(at)) => {
                let cuts: Option<Vec<_>> = literals()?.iter().map(|t| line::date(t)).collect();
                let cuts = cuts?;
                let within = |v: &i128| cuts.iter().any(|cut| line::holds(*v, *order, *cut));
                Some(points(&at.iter().map(within).collect::<Vec<_>>()))
            }
            (Test::IpAddress, Line::Addresses(at)) => {
                let ranges: Option<Vec<_>> = literals()?.iter().map(|t| line::range(t)).collect();
                let ranges = ranges?;
                let within = |(six, own): &(bool, u128)| {
                    ranges
                        .iter()
                        .any(|(theirs, first, last)| six == theirs && first <= own && own <= last)
                };
                Some(points(&at.iter().map(within).collect::<Vec<_>>()))
            }
            _ => None,
        }
    }

    fn opaque(&mut self, condition: &Condition) -> LiteralId {
        let values: Vec<String> = condition.values.iter().map(Pattern::shown).collect();
        let what = format!("{} {} {}", condition.written, condition.key, values.join(", "));
        let why = match condition.operator.test {
            Test::Unknown => format!("`{}` is no condition operator of IAM", condition.written),
            _ => format!(
                "what `{}` says of `{}` here is not documented: its values are of another kind",
                condition.written, condition.shown
            ),
        };
        self.model.free(&what, &why)
    }
}

/// A language of points.
pub fn points(members: &[bool]) -> Language {
    let mut bits = vec![0_u64; members.len().div_ceil(64)];
    for at in members.iter().enumerate().filter_map(|(at, member)| member.then_some(at)) {
        bits[at / 64] |= 1 << (at % 64);
    }
    Language::Points(bits)
}
