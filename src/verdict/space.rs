//! The space of requests: its dimensions, the languages that policies name in them, and literals over these.
//!
//! A dimension is the principal, the action, the resource or a context key. A *literal* says something of one
//! dimension, and so does its negation; a statement is a conjunction of literals. [`Space::solve`] finds a value for a
//! dimension that meets a set of literals, or proves that there is none. Everything is interned, so that equal
//! conditions of two documents are the same number, and answers are kept.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::automaton::{self, Demand};
use super::glob::{Glob, Letter, Mode, Symbols, Tok};
use super::limits::{Budget, KEPT, TooLarge};

/// The number of a dimension.
pub type DimensionId = u16;

/// A literal; its negation is the same number with the lowest bit turned.
pub type LiteralId = u32;

/// A dimension.
#[derive(Debug)]
pub struct Dimension {
    /// `principal`, `action`, `resource`, or a key as written.
    pub name: String,
    /// Whether a request can lack it.
    pub optional: bool,
    /// Whether a request can have several values of it.
    pub several: bool,
    /// Where the values are points: how each is written. Otherwise they are texts.
    pub points: Option<Vec<String>>,
}

/// A set of values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Language {
    All,
    /// What one of the patterns takes.
    Globs(Vec<Glob>),
    /// These points of the dimension, a bit each.
    Points(Vec<u64>),
}

/// What is said of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Literal {
    pub dimension: DimensionId,
    /// What it says of a request without a value.
    pub absent: bool,
    /// Whether all values must be in the language, or one of them. Of a single value the same.
    pub every: bool,
    pub language: u32,
    /// Or outside of the language.
    pub inside: bool,
}

impl Literal {
    const fn negated(self) -> Literal {
        Literal {
            dimension: self.dimension,
            absent: !self.absent,
            every: !self.every,
            language: self.language,
            inside: !self.inside,
        }
    }
}

/// A value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    Word(Vec<Letter>),
    Point(usize),
}

/// What a request holds in a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Absent,
    Values(Vec<Thing>),
}

/// All dimensions of a comparison.
#[derive(Debug)]
pub struct Space {
    pub dimensions: Vec<Dimension>,
    pub symbols: Symbols,
    pub budget: Budget,
    /// The axioms that some request on the way contradicted.
    pub axioms_met: BTreeSet<usize>,
    languages: Vec<Language>,
    language_ids: HashMap<Language, u32>,
    literals: Vec<Literal>,
    literal_ids: HashMap<Literal, LiteralId>,
    solved: HashMap<Vec<LiteralId>, Option<Rc<Held>>>,
    kept: usize,
}

impl Space {
    pub fn new(budget: Budget) -> Space {
        let mut space = Space {
            dimensions: Vec::new(),
            symbols: Symbols::default(),
            budget,
            axioms_met: BTreeSet::new(),
            languages: Vec::new(),
            language_ids: HashMap::new(),
            literals: Vec::new(),
            literal_ids: HashMap::new(),
            solved: HashMap::new(),
            kept: 0,
        };
        space.language(Language::All);
        space
    }

    /// Adds a dimension.
    pub fn dimension(&mut self, dimension: Dimension) -> DimensionId {
        self.dimensions.push(dimension);
        (self.dimensions.len() - 1) as DimensionId
    }

    /// The number of a language.
    pub fn language(&mut self, language: Language) -> u32 {
        let language = match language {
            Language::Globs(mut globs) => {
                globs.sort_unstable();
                globs.dedup();
                if globs.iter().any(Glob::is_all) { Language::All } else { Language::Globs(globs) }
            }
            other => other,
        };
        if let Some(id) = self.language_ids.get(&language) {
            return *id;
        }
        let id = self.languages.len() as u32;
        self.languages.push(language.clone());
        self.language_ids.insert(language, id);
        id
    }

    /// The number of a literal.
    pub fn literal(&mut self, literal: Literal) -> LiteralId {
        if let Some(id) = self.literal_ids.get(&literal) {
            return *id;
        }
        let id = self.literals.len() as LiteralId;
        self.literals.push(literal);
        self.literals.push(literal.negated());
        self.literal_ids.insert(literal, id);
        self.literal_ids.insert(literal.negated(), id + 1);
        id
    }

    pub fn get(&self, id: LiteralId) -> Literal {
        self.literals[id as usize]
    }

    /// The values that a literal leaves, where these are single texts and a value is needed.
    pub fn texts(&self, id: LiteralId) -> Option<Vec<String>> {
        let literal = &self.literals[id as usize];
        let Language::Globs(globs) = &self.languages[literal.language as usize] else {
            return None;
        };
        if literal.absent || !literal.inside {
            return None;
        }
        let text = |glob: &Glob| -> Option<String> {
            let letter = |tok: &Tok| match tok {
                Tok::Char(c) => char::from_u32(*c),
                _ => None,
            };
            glob.toks.iter().map(letter).collect()
        };
        globs.iter().map(text).collect()
    }

    /// How much there is to look at to say whether a literal holds.
    pub fn weight(&self, id: LiteralId) -> u64 {
        match &self.languages[self.literals[id as usize].language as usize] {
            Language::Globs(globs) => globs.len() as u64,
            Language::All | Language::Points(_) => 1,
        }
    }

    /// Whether a literal surely holds of what a request holds.
    pub fn surely(&self, id: LiteralId, held: &Held) -> bool {
        let literal = &self.literals[id as usize];
        match held {
            Held::Absent => literal.absent,
            Held::Values(values) => {
                let mut values = values.iter();
                let inside = |value| self.value_surely(literal, value);
                if literal.every { values.all(inside) } else { values.any(inside) }
            }
        }
    }

    fn value_surely(&self, literal: &Literal, value: &Thing) -> bool {
        let mode = if literal.inside { Mode::Surely } else { Mode::Maybe };
        let member = match (&self.languages[literal.language as usize], value) {
            (Language::All, _) => true,
            (Language::Globs(globs), Thing::Word(word)) => {
                globs.iter().any(|glob| glob.matches(word, mode, &self.symbols))
            }
            (Language::Points(points), Thing::Point(at)) => {
                points.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
            }
            _ => false,
        };
        member == literal.inside
    }

    /// Something that meets literals of one dimension, if there is anything. `literals` ascend, none twice.
    pub fn solve(
        &mut self,
        dimension: DimensionId,
        literals: &[LiteralId],
    ) -> Result<Option<Rc<Held>>, TooLarge> {
        if literals.windows(2).any(|pair| pair[0] ^ 1 == pair[1]) {
            return Ok(None);
        }
        if let Some(known) = self.solved.get(literals)
            && !literals.is_empty()
        {
            return Ok(known.clone());
        }
        let found = self.search(dimension, literals);
        let found = found.map_err(|automaton::Exhausted| TooLarge {
            dimension: self.dimensions[dimension as usize].name.clone(),
        })?;
        let found = found.map(Rc::new);
        if !literals.is_empty() && self.kept < KEPT {
            self.kept += literals.len() + 24;
            self.solved.insert(literals.to_vec(), found.clone());
        }
        Ok(found)
    }

    fn search(
        &mut self,
        dimension: DimensionId,
        literals: &[LiteralId],
    ) -> Result<Option<Held>, automaton::Exhausted> {
        let own: Vec<Literal> = literals.iter().map(|id| self.get(*id)).collect();
        let Dimension { optional, several, .. } = self.dimensions[dimension as usize];
        if optional && own.iter().all(|literal| literal.absent) {
            return Ok(Some(Held::Absent));
        }
        if !several {
            let all: Vec<&Literal> = own.iter().collect();
            let found = self.value(dimension, &all)?;
            return Ok(found.map(|thing| Held::Values(vec![thing])));
        }
        let every: Vec<&Literal> = own.iter().filter(|literal| literal.every).collect();
        let mut values: Vec<Thing> = Vec::new();
        for one in own.iter().filter(|literal| !literal.every) {
            if values.iter().any(|value| self.value_surely(one, value)) {
                continue;
            }
            let mut asked = every.clone();
            asked.push(one);
            match self.value(dimension, &asked)? {
                Some(value) => values.push(value),
                None => return Ok(None),
            }
        }
        if values.is_empty() {
            match self.value(dimension, &every)? {
                Some(value) => values.push(value),
                None => return Ok(None),
            }
        }
        Ok(Some(Held::Values(values)))
    }

    /// One value that meets all literals, whatever they say of several or none.
    fn value(
        &mut self,
        dimension: DimensionId,
        literals: &[&Literal],
    ) -> Result<Option<Thing>, automaton::Exhausted> {
        if let Some(points) = &self.dimensions[dimension as usize].points {
            let mut left = vec![u64::MAX; points.len().div_ceil(64)];
            for literal in literals {
                let flip = if literal.inside { 0 } else { u64::MAX };
                match &self.languages[literal.language as usize] {
                    Language::Points(bits) => {
                        for (left, bits) in left.iter_mut().zip(bits) {
                            *left &= bits ^ flip;
                        }
                    }
                    Language::All if literal.inside => {}
                    _ => return Ok(None),
                }
            }
            if !self.budget.take(left.len() as u64 * literals.len() as u64 + 1) {
                return Err(automaton::Exhausted);
            }
            let found = (0..points.len()).find(|at| left[at / 64] >> (at % 64) & 1 == 1);
            return Ok(found.map(Thing::Point));
        }
        let mut demands = Vec::with_capacity(literals.len());
        for literal in literals {
            match &self.languages[literal.language as usize] {
                Language::All if literal.inside => {}
                Language::Globs(globs) => {
                    demands.push(Demand { globs, inside: literal.inside });
                }
                _ => return Ok(None),
            }
        }
        let found = automaton::find(&demands, &self.symbols, &mut self.budget)?;
        Ok(found.map(Thing::Word))
    }
}
