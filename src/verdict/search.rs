//! A request inside one box and outside of others, or the proof that there is none.
//!
//! A box is a conjunction of literals: a statement that matches. The search keeps a *region*, for each dimension the
//! literals that must hold and a value that meets them. These values together are a request; if no box to avoid holds
//! it, it is the answer. Otherwise one such box has to be left, through one of its literals: a branch for each, with the
//! literals before it kept, so that no two branches overlap. A branch in which some dimension has no value left is
//! empty. As every branch is ruled out by a proof, "none" is exact; as values are found lazily, a request is mostly found
//! at once.

use std::rc::Rc;

use super::limits::TooLarge;
use super::space::{Held, LiteralId, Space};

/// A conjunction of literals of any dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boxed {
    pub literals: Vec<LiteralId>,
    /// The statement that it was, for the cause.
    pub statement: usize,
}

/// From this number on a box is an axiom, and no statement.
pub const AXIOM: usize = 1 << 40;

/// What is left of the space in a branch.
#[derive(Debug, Clone)]
pub struct Region {
    cells: Vec<Cell>,
}

#[derive(Debug, Clone)]
struct Cell {
    literals: Rc<[LiteralId]>,
    held: Rc<Held>,
}

impl Region {
    /// The request that the region's values are, by dimension.
    pub fn held(&self) -> Vec<Rc<Held>> {
        self.cells.iter().map(|cell| Rc::clone(&cell.held)).collect()
    }

    /// Whether other values in one dimension still surely meet the region's literals there.
    pub fn takes(&self, space: &Space, dimension: usize, held: &Held) -> bool {
        self.cells[dimension].literals.iter().all(|literal| space.surely(*literal, held))
    }

    /// Whether anything is asked of a dimension. One that was added later is not.
    pub fn is_bound(&self, dimension: usize) -> bool {
        self.cells.get(dimension).is_some_and(|cell| !cell.literals.is_empty())
    }

    fn with(&self, space: &mut Space, literal: LiteralId) -> Result<Option<Region>, TooLarge> {
        let dimension = space.get(literal).dimension;
        let cell = &self.cells[dimension as usize];
        let Err(at) = cell.literals.binary_search(&literal) else { return Ok(Some(self.clone())) };
        let mut literals = Vec::with_capacity(cell.literals.len() + 1);
        literals.extend_from_slice(&cell.literals[..at]);
        literals.push(literal);
        literals.extend_from_slice(&cell.literals[at..]);
        if !space.budget.take(16 + (literals.len() + self.cells.len()) as u64 / 4) {
            return Err(statements());
        }
        Ok(space.solve(dimension, &literals)?.map(|held| {
            let mut region = self.clone();
            region.cells[dimension as usize] = Cell { literals: literals.into(), held };
            region
        }))
    }
}

fn statements() -> TooLarge {
    TooLarge { dimension: "statements".to_owned() }
}

/// The region where all `literals` hold; `None` if nothing lies in it.
pub fn region(
    space: &mut Space,
    literals: impl IntoIterator<Item = LiteralId>,
) -> Result<Option<Region>, TooLarge> {
    let mut by_dimension: Vec<Vec<LiteralId>> = vec![Vec::new(); space.dimensions.len()];
    for literal in literals {
        by_dimension[space.get(literal).dimension as usize].push(literal);
    }
    let mut cells = Vec::with_capacity(by_dimension.len());
    for (dimension, mut literals) in by_dimension.into_iter().enumerate() {
        literals.sort_unstable();
        literals.dedup();
        match space.solve(dimension as u16, &literals)? {
            Some(held) => cells.push(Cell { literals: literals.into(), held }),
            None => return Ok(None),
        }
    }
    Ok(Some(Region { cells }))
}

/// Whether a box surely holds the request of some values.
pub fn hits<'h>(space: &Space, boxed: &Boxed, held: impl Fn(usize) -> &'h Held) -> bool {
    boxed
        .literals
        .iter()
        .all(|literal| space.surely(*literal, held(space.get(*literal).dimension as usize)))
}

/// A branch that was not looked at yet: a region, left through the literal number `through` of a box.
struct Branch<'b> {
    region: Rc<Region>,
    leave: &'b Boxed,
    through: usize,
}

/// A part of `start` whose request no box of `avoid` holds.
pub fn outside(
    space: &mut Space,
    start: Region,
    avoid: &[&Boxed],
) -> Result<Option<Region>, TooLarge> {
    let mut branches: Vec<Branch<'_>> = Vec::new();
    let mut current = Some(start);
    loop {
        let Some(region) = current.take() else {
            let Some(branch) = branches.pop() else { return Ok(None) };
            current = enter(space, &branch)?;
            continue;
        };
        match choose(space, &region, avoid)? {
            Choice::Free => return Ok(Some(region)),
            Choice::Covered => {}
            Choice::Leave(leave, through) => {
                let region = Rc::new(region);
                // the last one pushed is tried first
                for through in through.into_iter().rev() {
                    branches.push(Branch { region: Rc::clone(&region), leave, through });
                }
            }
        }
    }
}

fn enter(space: &mut Space, branch: &Branch<'_>) -> Result<Option<Region>, TooLarge> {
    let literals = &branch.leave.literals;
    let mut region = match branch.region.with(space, literals[branch.through] ^ 1)? {
        Some(region) => region,
        None => return Ok(None),
    };
    for literal in &literals[..branch.through] {
        match region.with(space, *literal)? {
            Some(next) => region = next,
            None => return Ok(None),
        }
    }
    Ok(Some(region))
}

enum Choice<'b> {
    /// No box holds the request.
    Free,
    /// Some box holds the whole region.
    Covered,
    /// The box to leave, and the literals through which it can be left.
    Leave(&'b Boxed, Vec<usize>),
}

/// Boxes that are weighed against each other at a branch.
const WEIGHED: usize = 6;

fn choose<'b>(
    space: &mut Space,
    region: &Region,
    avoid: &[&'b Boxed],
) -> Result<Choice<'b>, TooLarge> {
    let mut best: Option<(&Boxed, Vec<usize>)> = None;
    let mut weighed = 0;
    for boxed in avoid {
        // most boxes are out at their first literal
        let weight = boxed.literals.first().map_or(1, |literal| 1 + space.weight(*literal));
        if !space.budget.take(weight) {
            return Err(statements());
        }
        if !hits(space, boxed, |at| &*region.cells[at].held) {
            continue;
        }
        if boxed.statement >= AXIOM {
            space.axioms_met.insert(boxed.statement - AXIOM);
        }
        let most = best.as_ref().map_or(usize::MAX, |(_, through)| through.len());
        let mut through = Vec::new();
        for (at, literal) in boxed.literals.iter().enumerate() {
            if region.with(space, literal ^ 1)?.is_some() {
                through.push(at);
                if through.len() >= most {
                    break;
                }
            }
        }
        if through.is_empty() {
            return Ok(Choice::Covered);
        }
        if through.len() < most {
            best = Some((boxed, through));
        }
        weighed += 1;
        if weighed == WEIGHED {
            break;
        }
    }
    Ok(best.map_or(Choice::Free, |(boxed, through)| Choice::Leave(boxed, through)))
}
