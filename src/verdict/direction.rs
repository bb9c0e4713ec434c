//! One direction of a comparison: a request that the new state allows and the old one does not.
//!
//! A state is one or more layers, all of which must allow a request: an identity's policies and its boundary. A request
//! is new if in each new layer an Allow holds it and no Deny does, and in some old layer no Allow does or a Deny does.
//! So each combination of new Allows, one of each layer, is searched outside of the new Denies and of an old layer's
//! Allows; and each old Deny that the new Denies do not cover is searched inside the new Allows. What is found is made
//! a request, replayed by [`super::evaluate`] on both sides, and only then reported.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::axioms;
use super::compare::Layer;
use super::evaluate::{Decision, under};
use super::limits::{Budget, TooLarge};
use super::lower::{self, Bound, Side};
use super::model::{Model, Symbol};
use super::read::Document;
use super::readings::Reading;
use super::request::Request;
use super::search::{self, Boxed, Region};
use super::space::LiteralId;
use super::text::{Pattern, Piece};
use super::witness::{self, Found};
use super::{Kind, Options, Reason, ReasonKind};

/// What one direction of a comparison ended with.
#[derive(Debug, Clone)]
pub enum Way {
    /// No request; the keys of the axioms without which there would be one.
    Nothing(BTreeSet<String>),
    /// A request, replayed; the statement of the allowing side that holds it.
    Request(Box<Request>, usize),
    /// Not known.
    Unknown(Reason),
}

/// Why nothing is known where all steps were used up.
pub fn too_large(dimension: &str) -> Reason {
    let text = format!("too large: `{dimension}` took all steps");
    Reason { kind: ReasonKind::TooLarge, text }
}

/// Whether a request was denied, and is allowed, by the second evaluator.
pub fn replays(old: &[Layer<'_>], new: &[Layer<'_>], request: &Request, reading: &Reading) -> bool {
    new.iter().all(|layer| under(layer, request, reading) == Decision::Allowed)
        && old.iter().any(|layer| {
            matches!(under(layer, request, reading), Decision::Denied | Decision::NotAllowed)
        })
}

impl Way {
    /// What `new` allows and `old` does not, under one reading.
    pub fn of(
        old: &[Layer<'_>],
        new: &[Layer<'_>],
        kind: Kind,
        options: &Options,
        reading: &Reading,
        budget: &mut Budget,
    ) -> Way {
        let documents: Vec<&Document> = old.iter().chain(new).copied().flatten().collect();
        let without = Options { axioms: false, ..*options };
        let model = Model::new(&documents, kind, budget.clone());
        let mut search = Search {
            model,
            old,
            new,
            kind,
            options,
            reading,
            failed: Vec::new(),
            axioms: Vec::new(),
        };
        let mut ended = search.run();
        let met = std::mem::take(&mut search.model.space.axioms_met);
        if let Ok(Way::Nothing(names)) = &mut ended
            && !met.is_empty()
        {
            names.extend(met.into_iter().filter_map(|at| search.axioms.get(at).cloned()));
            // they count only if there is a request without them
            search.options = &without;
            search.failed.clear();
            if let Ok(Way::Nothing(_)) = search.run() {
                names.clear();
            }
        }
        *budget = search.model.space.budget.clone();
        match ended {
            Ok(way) => way,
            Err(TooLarge { dimension }) => Way::Unknown(too_large(&dimension)),
        }
    }
}

/// One direction under one reading.
struct Search<'s> {
    model: Model,
    old: &'s [Layer<'s>],
    new: &'s [Layer<'s>],
    kind: Kind,
    options: &'s Options,
    reading: &'s Reading,
    /// What was found and could not be reported.
    failed: Vec<Failure>,
    /// The keys of the axioms.
    axioms: Vec<String>,
}

/// An Allow of each layer.
struct Allow<'b> {
    parts: Vec<&'b [LiteralId]>,
    /// The statement of the first layer.
    statement: usize,
}

/// Something that did not stand up to its replay.
#[derive(Debug, Clone)]
struct Failure {
    why: Reason,
    /// A variable that the statements fix, and its values: with each put in, nothing is left open.
    fixed: Option<(String, Vec<String>)>,
}

/// Values of a variable that are tried one by one, at most.
const TRIED: usize = 12;

impl Search<'_> {
    fn run(&mut self) -> Result<Way, TooLarge> {
        if let Some(way) = self.with(&Bound::new())? {
            return Ok(way);
        }
        let failed = std::mem::take(&mut self.failed);
        let Some(first) = failed.first() else {
            return Ok(Way::Nothing(BTreeSet::new()));
        };
        let mut tried: Vec<Bound> = Vec::new();
        for (key, values) in failed.iter().filter_map(|failure| failure.fixed.as_ref()) {
            for value in values {
                let bound = Bound::from([(key.clone(), value.clone())]);
                if tried.contains(&bound) {
                    continue;
                }
                if let Some(way) = self.with(&bound)? {
                    return Ok(way);
                }
                tried.push(bound);
            }
        }
        if self.failed.is_empty() && failed.iter().all(|failure| failure.fixed.is_some()) {
            return Ok(Way::Nothing(BTreeSet::new()));
        }
        // what was found does not stand up for an unnamed value of a variable: perhaps for one that is named
        for bound in self.values() {
            if !tried.contains(&bound)
                && let Some(way) = self.with(&bound)?
            {
                return Ok(way);
            }
        }
        Ok(Way::Unknown(first.why.clone()))
    }

    /// A variable for which literals leave only some values.
    fn fixed(&self, literals: &[LiteralId]) -> Option<(String, Vec<String>)> {
        self.model.symbols.iter().find_map(|symbol| {
            let Symbol::Variable(key) = symbol else { return None };
            let dimension = self.model.keys.get(key)?.dimension;
            let mut own =
                literals.iter().filter(|id| self.model.space.get(**id).dimension == dimension);
            own.find_map(|id| self.model.space.texts(*id)).map(|values| (key.clone(), values))
        })
    }

    /// The request, or `None` if there is none or none that can be reported.
    fn with(&mut self, bound: &Bound) -> Result<Option<Way>, TooLarge> {
        let (model, reading) = (&mut self.model, self.reading);
        let mut sides = |layers: &[Layer<'_>]| -> Vec<Side> {
            layers.iter().map(|layer| lower::side(model, layer, reading, bound)).collect()
        };
        let (old, new) = (sides(self.old), sides(self.new));
        let mut base = lower::bindings(&mut self.model, bound);
        base.extend(self.model.always.iter().copied());
        let axioms = match self.options.axioms {
            true => {
                let (boxes, names) = axioms::boxes(&mut self.model, self.kind);
                self.axioms = names;
                boxes
            }
            false => Vec::new(),
        };
        let new_denies: Vec<&Boxed> = new.iter().flat_map(|side| &side.denies).collect();
        let allows = self.allows(&new)?;
        for side in &old {
            // a new Allow outside of new Denies and old Allows
            let known: HashSet<&[LiteralId]> = side.allows.iter().map(|b| &*b.literals).collect();
            let avoid: Vec<&Boxed> =
                axioms.iter().chain(new_denies.iter().copied()).chain(&side.allows).collect();
            for allow in &allows {
                if allow.parts.iter().any(|part| known.contains(*part)) {
                    continue;
                }
                if let Some(way) = self.find(&base, &[], allow, &avoid)? {
                    return Ok(Some(way));
                }
            }
            // an old Deny outside of new Denies, inside a new Allow
            let known: HashSet<&[LiteralId]> = new_denies.iter().map(|b| &*b.literals).collect();
            let avoid: Vec<&Boxed> = axioms.iter().chain(new_denies.iter().copied()).collect();
            for deny in side.denies.iter().filter(|deny| !known.contains(&*deny.literals)) {
                let start = base.iter().chain(&deny.literals).copied();
                let start = search::region(&mut self.model.space, start)?;
                let Some(start) = start else { continue };
                if search::outside(&mut self.model.space, start, &avoid)?.is_none() {
                    continue;
                }
                for allow in &allows {
                    if let Some(way) = self.find(&base, &deny.literals, allow, &avoid)? {
                        return Ok(Some(way));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Each combination of Allows, one of each layer.
    fn allows<'b>(&mut self, sides: &'b [Side]) -> Result<Vec<Allow<'b>>, TooLarge> {
        let mut out = vec![Allow { parts: Vec::new(), statement: 0 }];
        for (layer, side) in sides.iter().enumerate() {
            let mut more = Vec::new();
            for allow in &out {
                for boxed in &side.allows {
                    let mut parts = allow.parts.clone();
                    parts.push(&*boxed.literals);
                    if !self.model.space.budget.take(16) {
                        return Err(TooLarge { dimension: "statements".to_owned() });
                    }
                    let statement = if layer == 0 { boxed.statement } else { allow.statement };
                    more.push(Allow { parts, statement });
                }
            }
            out = more;
        }
        Ok(out)
    }

    /// A request where `within` and an Allow hold, and none of `avoid` does.
    fn find(
        &mut self,
        base: &[LiteralId],
        within: &[LiteralId],
        allow: &Allow<'_>,
        avoid: &[&Boxed],
    ) -> Result<Option<Way>, TooLarge> {
        let parts = allow.parts.iter().copied().flatten();
        let literals: Vec<LiteralId> = base.iter().chain(within).chain(parts).copied().collect();
        let start = search::region(&mut self.model.space, literals.iter().copied())?;
        let Some(start) = start else { return Ok(None) };
        let Some(region) = search::outside(&mut self.model.space, start, avoid)? else {
            return Ok(None);
        };
        let known = self.failed.len();
        let way = |request| Some(Way::Request(Box::new(request), allow.statement));
        if let Some(request) = self.report(&region, avoid, allow, &literals) {
            return Ok(way(request));
        }
        // perhaps there is one that rests on nothing open: outside of all that an unread condition bounds
        let is_open = |literal: &LiteralId| {
            self.model.opaque.contains_key(&self.model.space.get(*literal).dimension)
        };
        if literals.iter().any(is_open) || !avoid.iter().any(|b| b.literals.iter().any(is_open)) {
            return Ok(None);
        }
        let wider: Vec<Boxed> = avoid
            .iter()
            .map(|boxed| {
                let literals = boxed.literals.iter().copied().filter(|l| !is_open(l)).collect();
                Boxed { literals, statement: boxed.statement }
            })
            .collect();
        let wider: Vec<&Boxed> = wider.iter().collect();
        let start = search::region(&mut self.model.space, literals.iter().copied())?;
        let Some(start) = start else { return Ok(None) };
        let Some(region) = search::outside(&mut self.model.space, start, &wider)? else {
            return Ok(None);
        };
        let Some(request) = self.report(&region, &wider, allow, &literals) else { return Ok(None) };
        self.failed.truncate(known);
        Ok(way(request))
    }

    /// The request of a region, if it stands up to a replay; else why not.
    fn report(
        &mut self,
        region: &Region,
        avoid: &[&Boxed],
        allow: &Allow<'_>,
        literals: &[LiteralId],
    ) -> Option<Request> {
        let first = self.new.first().copied().unwrap_or_default();
        let mut statements = first.iter().flat_map(|document| &document.statements);
        let statement = statements.nth(allow.statement);
        let found = Found { region, avoid, statement };
        let (old, new, reading) = (self.old, self.new, self.reading);
        let request =
            witness::request(&self.model, &found, |request| replays(old, new, request, reading));
        if request.is_none() {
            let failure = Failure { why: self.why(region), fixed: self.fixed(literals) };
            self.failed.push(failure);
        }
        request
    }

    /// What a request rests on that could not be replayed.
    fn why(&self, region: &Region) -> Reason {
        for (dimension, why) in &self.model.opaque {
            if region.is_bound(usize::from(*dimension)) {
                return Reason { kind: ReasonKind::Operator, text: why.clone() };
            }
        }
        let names = |wanted: fn(&Symbol) -> Option<&String>| {
            let names: Vec<String> = self
                .model
                .symbols
                .iter()
                .filter_map(wanted)
                .map(|n| format!("`${{{n}}}`"))
                .collect();
            names.join(", ")
        };
        let variables = names(|symbol| match symbol {
            Symbol::Variable(key) => Some(key),
            Symbol::Token(_) => None,
        });
        let tokens = names(|symbol| match symbol {
            Symbol::Token(name) => Some(name),
            Symbol::Variable(_) => None,
        });
        if !tokens.is_empty() {
            let text =
                format!("it depends on the values that CloudFormation fills in for {tokens}");
            return Reason { kind: ReasonKind::Token, text };
        }
        if !variables.is_empty() {
            let text = format!("it depends on the values of the policy variables {variables}");
            return Reason { kind: ReasonKind::Variable, text };
        }
        let text = "a pattern is used in a way that AWS's pages do not describe".to_owned();
        Reason { kind: ReasonKind::Undocumented, text }
    }

    fn documents(&self) -> impl Iterator<Item = &Document> {
        self.old.iter().chain(self.new).copied().flatten()
    }

    /// Single values to try for the variables: those that conditions name.
    fn values(&self) -> Vec<Bound> {
        let mut out = Vec::new();
        let variables = self.model.symbols.iter().filter_map(|symbol| match symbol {
            Symbol::Variable(key) => Some(key),
            Symbol::Token(_) => None,
        });
        let mut named: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for key in variables {
            let conditions = self
                .documents()
                .flat_map(|document| &document.statements)
                .flat_map(|statement| &statement.conditions)
                .filter(|condition| super::request::canonical(&condition.key) == *key);
            let values = conditions.flat_map(|condition| &condition.values);
            let mut values: Vec<String> =
                values.filter_map(Pattern::literal).map(|text| text.into_owned()).collect();
            values.extend(self.stretches());
            values.sort();
            values.dedup();
            named.insert(key, values);
        }
        for (key, values) in named {
            for value in values {
                out.push(Bound::from([(key.clone(), value)]));
            }
        }
        out.truncate(TRIED);
        out
    }

    /// Parts of resources between slashes: what a variable in a path may hold.
    fn stretches(&self) -> Vec<String> {
        let statements = self.documents().flat_map(|document| &document.statements);
        let patterns = statements.flat_map(|s| s.resources.iter().flat_map(|listed| &listed.items));
        let mut out = Vec::new();
        for piece in patterns.flat_map(|pattern| &pattern.pieces) {
            if let Piece::Text(text) = piece {
                let last = text.rsplit(':').next().unwrap_or(text);
                let parts = last.split('/').filter(|part| !part.is_empty());
                out.extend(parts.map(str::to_owned));
            }
        }
        out
    }
}
