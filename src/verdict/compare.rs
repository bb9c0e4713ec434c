//! Two states compared: what became possible, what became impossible.
//!
//! A state is one or more layers, all of which must allow a request: an identity's policies and its boundary. A request
//! is new if in each new layer an Allow holds it and no Deny does, and in some old layer no Allow does or a Deny does.
//! So each combination of new Allows, one of each layer, is searched outside of the new Denies and of an old layer's
//! Allows; and each old Deny that the new Denies do not cover is searched inside the new Allows. What is found is made a request, replayed by
//! [`super::evaluate`] on both sides, and only then reported.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::axioms;
use super::evaluate::{Decision, Reach, evaluate};
use super::limits::{Budget, KEYS, PATTERN, STATEMENTS, TEXT, TooLarge};
use super::lower::{self, Bound, Side};
use super::model::{Model, Symbol};
use super::read::Document;
use super::request::Request;
use super::search::{self, Boxed, Region};
use super::space::LiteralId;
use super::text::{Pattern, Piece};
use super::witness::{self, Found};
use super::{Comparison, Kind, Options, Reason, ReasonKind, Verdict};

/// What one direction of a comparison ended with.
#[derive(Debug, Clone)]
enum Way {
    /// No request; the keys of the axioms without which there would be one.
    Nothing(BTreeSet<String>),
    /// A request, replayed; the statement of the allowing side that holds it.
    Request(Box<Request>, usize),
    /// Not known.
    Unknown(Reason),
}

/// Documents whose statements count together.
pub type Layer<'l> = &'l [Document];

pub fn compare(old: &[Layer<'_>], new: &[Layer<'_>], kind: Kind, options: &Options) -> Comparison {
    if let Some(dimension) = oversized(old.iter().chain(new).copied().flatten()) {
        let unknown = Way::Unknown(too_large(&dimension));
        return combine(unknown.clone(), unknown);
    }
    let steps = options.steps;
    let mut budget = Budget::new(steps / 2);
    let gained = both_readings(old, new, kind, options, &mut budget);
    // what the first way left is the second's too
    let mut budget = Budget::new(steps / 2 + budget.left());
    let lost = both_readings(new, old, kind, options, &mut budget);
    combine(gained, lost)
}

fn too_large(dimension: &str) -> Reason {
    let text = format!("too large: `{dimension}` took all steps");
    Reason { kind: ReasonKind::TooLarge, text }
}

/// The dimension of which there is more than any policy of AWS can hold.
fn oversized<'d>(documents: impl Iterator<Item = &'d Document>) -> Option<String> {
    let (mut statements, mut text) = (0, 0);
    let mut keys = HashSet::new();
    let mut size = |pattern: &Pattern| {
        let own = pattern.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            _ => 1,
        });
        let own: usize = own.sum();
        text += own;
        own > PATTERN || text > TEXT
    };
    for statement in documents.flat_map(|document| &document.statements) {
        statements += 1;
        if statements > STATEMENTS {
            return Some("statements".to_owned());
        }
        if statement.actions.items.iter().any(&mut size) {
            return Some("action".to_owned());
        }
        if statement.resources.iter().flat_map(|listed| &listed.items).any(&mut size) {
            return Some("resource".to_owned());
        }
        if statement.principals.as_ref().is_some_and(|listed| listed.items.len() > KEYS) {
            return Some("principal".to_owned());
        }
        for condition in &statement.conditions {
            keys.insert(condition.key.as_str());
            if condition.values.iter().any(&mut size) || keys.len() > KEYS {
                return Some(condition.shown.clone());
            }
        }
    }
    None
}

fn combine(gained: Way, lost: Way) -> Comparison {
    let axiom = |names: &BTreeSet<String>| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let text = format!("by what AWS says of {}: see `--no-axioms`", names.join(", "));
        (!names.is_empty()).then_some(Reason { kind: ReasonKind::Axiom, text })
    };
    let (verdict, reason) = match (&gained, &lost) {
        (Way::Unknown(reason), _) => (Verdict::Undecided, Some(reason.clone())),
        (Way::Request(..), Way::Request(..)) => (Verdict::Incomparable, None),
        (Way::Request(..), Way::Nothing(names)) => (Verdict::Broadened, axiom(names)),
        (Way::Request(..), Way::Unknown(reason)) => (Verdict::Broadened, Some(reason.clone())),
        (Way::Nothing(names), Way::Request(..)) => (Verdict::Narrowed, axiom(names)),
        (Way::Nothing(names), Way::Nothing(more)) => {
            (Verdict::Equivalent, axiom(&names.union(more).cloned().collect()))
        }
        (Way::Nothing(_), Way::Unknown(reason)) => (Verdict::Narrowed, Some(reason.clone())),
    };
    let parts = |way: Way| match way {
        Way::Request(request, statement) => (Some(*request), Some(statement)),
        _ => (None, None),
    };
    let exact = reason.as_ref().is_none_or(|reason| reason.kind == ReasonKind::Axiom);
    let ((gained, gained_by), (lost, lost_by)) = (parts(gained), parts(lost));
    Comparison { verdict, exact, gained, lost, gained_by, lost_by, reason }
}

/// Whether the two readings of resources can differ: a wildcard before a later colon among the first five.
fn readings_differ(layers: &[Layer<'_>]) -> bool {
    let documents = layers.iter().copied().flatten();
    let statements = documents.flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|s| s.resources.iter().flat_map(|listed| &listed.items));
    patterns.into_iter().any(|pattern| {
        let mut wild = false;
        let mut colons = 0;
        for piece in &pattern.pieces {
            match piece {
                Piece::Star | Piece::One => wild |= colons < 5,
                Piece::Text(text) => {
                    for _ in text.matches(':') {
                        if wild && colons < 5 {
                            return true;
                        }
                        colons += 1;
                    }
                }
                Piece::Variable { .. } | Piece::Token { .. } => {}
            }
        }
        false
    })
}

fn both_readings(
    old: &[Layer<'_>],
    new: &[Layer<'_>],
    kind: Kind,
    options: &Options,
    budget: &mut Budget,
) -> Way {
    // nothing is allowed without an Allow in every layer
    if new.iter().any(|layer| !layer.iter().any(Document::allows)) {
        return Way::Nothing(BTreeSet::new());
    }
    let whole = Way::of(old, new, kind, options, Reach::Whole, budget);
    if !readings_differ(old) && !readings_differ(new) {
        return whole;
    }
    if let Way::Request(request, _) = &whole
        && replays(old, new, request, Reach::Part)
    {
        return whole;
    }
    let part = Way::of(old, new, kind, options, Reach::Part, budget);
    let crossing = || {
        let text = "whether `*` in `Resource` reaches over a colon decides this, and AWS's pages \
                    allow both readings";
        Way::Unknown(Reason { kind: ReasonKind::ColonCrossing, text: text.to_owned() })
    };
    match (whole, part) {
        (Way::Nothing(mut names), Way::Nothing(more)) => {
            names.extend(more);
            Way::Nothing(names)
        }
        (unknown @ Way::Unknown(_), _) | (_, unknown @ Way::Unknown(_)) => unknown,
        (Way::Request(..), Way::Request(request, statement)) => Way::Request(request, statement),
        _ => crossing(),
    }
}

fn replays(old: &[Layer<'_>], new: &[Layer<'_>], request: &Request, reach: Reach) -> bool {
    new.iter().all(|layer| evaluate(layer, request, reach) == Decision::Allowed)
        && old.iter().any(|layer| {
            matches!(evaluate(layer, request, reach), Decision::Denied | Decision::NotAllowed)
        })
}

impl Way {
    fn of(
        old: &[Layer<'_>],
        new: &[Layer<'_>],
        kind: Kind,
        options: &Options,
        reach: Reach,
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
            reach,
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
    reach: Reach,
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
        let (model, reach) = (&mut self.model, self.reach);
        let mut sides = |layers: &[Layer<'_>]| -> Vec<Side> {
            layers.iter().map(|layer| lower::side(model, layer, reach, bound)).collect()
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
        let (old, new, reach) = (self.old, self.new, self.reach);
        let request =
            witness::request(&self.model, &found, |request| replays(old, new, request, reach));
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
