//! A word that lies in some patterns and not in others: the shortest one, or the proof that there is none.
//!
//! The patterns run side by side over the letters that occur in them, and one letter that stands for all others. A
//! state keeps only the positions that are alive; of each pattern none before its last `*`, as that takes whatever they
//! would. Most questions are settled before: a word made straight from a pattern, or an inclusion seen at once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::glob::{FIRST_SYMBOL, Glob, Letter, Mode, Symbols, Tok, close, step, supersede};
use super::limits::{Budget, POSITIONS};

/// What is asked of a word.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'g> {
    pub globs: &'g [Glob],
    /// At least one of them may take it; otherwise none of them surely does.
    pub inside: bool,
}

/// The budget is used up.
#[derive(Debug)]
pub struct Exhausted;

/// A word that meets all demands, short and readable; `None` if there is none.
pub fn find(
    demands: &[Demand<'_>],
    symbols: &Symbols,
    budget: &mut Budget,
) -> Result<Option<Vec<Letter>>, Exhausted> {
    let all = [Glob::all()];
    let inside: Vec<&[Glob]> = demands.iter().filter(|d| d.inside).map(|d| d.globs).collect();
    let outside: Vec<&Glob> =
        demands.iter().filter(|d| !d.inside).flat_map(|d| d.globs).filter(|g| g.sure).collect();
    // a pattern that is not sure still takes what it takes: never outside of itself
    let unsure: Vec<&Glob> =
        demands.iter().filter(|d| !d.inside).flat_map(|d| d.globs).filter(|g| !g.sure).collect();
    // every pattern inside is held against every other one
    let within: u64 = inside.iter().map(|globs| globs.len() as u64).sum();
    let cost = 8 + (within + outside.len() as u64) * 4 + within * (within + outside.len() as u64);
    if !budget.take(cost) {
        return Err(Exhausted);
    }
    // of each union, the patterns that are not ruled out at sight
    let mut unions: Vec<Vec<&Glob>> = Vec::new();
    for (at, globs) in inside.iter().enumerate() {
        let possible = |glob: &&Glob| {
            !outside.iter().any(|other| glob.inside(other, symbols))
                && (glob.sure || !unsure.contains(glob))
                && !inside.iter().enumerate().any(|(other, globs)| {
                    other != at && globs.iter().all(|other| glob.apart(other))
                })
        };
        let union: Vec<&Glob> = globs.iter().filter(possible).collect();
        if union.is_empty() {
            return Ok(None);
        }
        unions.push(union);
    }
    if unions.is_empty() {
        if outside.iter().any(|glob| glob.is_all()) {
            return Ok(None);
        }
        unions.push(all.iter().collect());
    }
    let free = other_letter(unions.iter().flatten().chain(&outside).copied());
    let narrow = unions.iter().min_by_key(|union| union.len()).expect("invariant: not empty");
    let mut fills = vec![vec![free], Vec::new()];
    let symbols_used = demands.iter().flat_map(|d| d.globs).flat_map(|g| &g.toks);
    let mut symbols_used: Vec<Letter> = symbols_used
        .filter_map(|tok| match tok {
            Tok::Char(c) if *c >= FIRST_SYMBOL => Some(*c),
            _ => None,
        })
        .collect();
    symbols_used.sort_unstable();
    symbols_used.dedup();
    fills.extend(symbols_used.iter().take(3).map(|symbol| vec![*symbol, free]));
    // where values are open, rather a word that does not depend on them
    let strict = !symbols_used.is_empty();
    for strict in [strict, false] {
        let within = if strict { Mode::Surely } else { Mode::Maybe };
        let all_within = |word: &[Letter]| {
            let takes = |globs: &Vec<&Glob>| globs.iter().any(|g| g.matches(word, within, symbols));
            unions.iter().all(takes)
        };
        let none_without = |word: &[Letter]| {
            let outer = demands.iter().filter(|demand| !demand.inside);
            !outer.flat_map(|d| d.globs).any(|glob| match strict {
                true => possibly(glob, word, symbols),
                false => glob.matches(word, Mode::Surely, symbols),
            })
        };
        let sources: Vec<&Glob> = match strict {
            true => unions.iter().flat_map(|union| union.iter().take(8)).copied().collect(),
            false => narrow.iter().take(16).copied().collect(),
        };
        for fill in &fills {
            for glob in &sources {
                let word = glob.word(fill, free);
                if all_within(&word) && none_without(&word) {
                    return Ok(Some(word));
                }
            }
        }
    }
    let outside: Vec<&Glob> = outside
        .into_iter()
        .filter(|glob| unions.iter().all(|union| !union.iter().all(|own| own.apart(glob))))
        .collect();
    Machine::new(&unions, &outside, symbols, free).search(budget)
}

/// Whether some values of symbols, in the pattern or the word, make the pattern take the word.
fn possibly(glob: &Glob, word: &[Letter], symbols: &Symbols) -> bool {
    // what both begin with is the same, symbols too
    let same = glob.toks.iter().zip(word).take_while(|(tok, c)| **tok == Tok::Char(**c)).count();
    let open = |tok: &Tok| match tok {
        Tok::Char(c) if *c >= FIRST_SYMBOL => Tok::Star { free: true },
        other => *other,
    };
    let rest = Glob { toks: glob.toks[same..].iter().map(open).collect(), sure: glob.sure };
    rest.matches(&word[same..], Mode::Maybe, symbols)
}

/// A letter that no pattern names: `x` if it can be.
fn other_letter<'g>(globs: impl Iterator<Item = &'g Glob>) -> Letter {
    let mut used = [false; 128];
    for glob in globs {
        for tok in &glob.toks {
            if let Tok::Char(c) | Tok::Fold(c) = tok
                && let Ok(c) = u8::try_from(*c)
                && c < 128
            {
                used[c.to_ascii_lowercase() as usize] = true;
            }
        }
    }
    let readable = "xyzwqvkjabcdefghilmnoprstu0123456789-_.~";
    let found = readable.bytes().find(|c| !used[*c as usize]);
    // letters of other scripts, which policies hardly use; one that does is the more exotic
    found.map_or(0xE9, Letter::from)
}

struct Machine<'m> {
    globs: Vec<&'m Glob>,
    /// Of each glob the union that it belongs to, or none for those that must not take the word.
    union: Vec<Option<u32>>,
    unions: u32,
    symbols: &'m Symbols,
    free: Letter,
}

/// Live positions: for each glob that has any, its number with the high bit set, then its positions.
type State = Vec<u32>;

const MARK: u32 = 1 << 31;

impl<'m> Machine<'m> {
    fn new(
        unions: &[Vec<&'m Glob>],
        outside: &[&'m Glob],
        symbols: &'m Symbols,
        free: Letter,
    ) -> Self {
        let mut globs = Vec::new();
        let mut union = Vec::new();
        for (at, members) in unions.iter().enumerate() {
            for glob in members {
                globs.push(*glob);
                union.push(Some(at as u32));
            }
        }
        for glob in outside {
            globs.push(*glob);
            union.push(None);
        }
        // a letter above ASCII may be named too
        let mut free = free;
        let named = |letter: Letter| {
            globs.iter().any(|glob| {
                glob.toks.iter().any(|t| matches!(t, Tok::Char(c) | Tok::Fold(c) if *c == letter))
            })
        };
        while named(free) {
            free += 1;
        }
        Machine { globs, union, unions: unions.len() as u32, symbols, free }
    }

    /// Breadth first, so that the first word found is a shortest one.
    fn search(&self, budget: &mut Budget) -> Result<Option<Vec<Letter>>, Exhausted> {
        let mut start = State::new();
        let mut live = Vec::new();
        for glob in 0..self.globs.len() {
            live.clear();
            close(self.globs[glob], 0, &mut live);
            supersede(self.globs[glob], &mut live);
            start.push(MARK | glob as u32);
            start.extend_from_slice(&live);
        }
        let Some(start) = self.settled(start) else { return Ok(None) };
        // states, the state each was reached from and by which letter; found again by their hash
        let mut states: Vec<(State, u32, Letter)> = vec![(start, 0, 0)];
        let mut known: HashMap<u64, Vec<u32>> = HashMap::new();
        known.insert(hash(&states[0].0), vec![0]);
        let mut held = states[0].0.len();
        let mut at = 0;
        let mut scratch = Vec::new();
        while at < states.len() {
            if self.accepts(&states[at].0) {
                return Ok(Some(path(&states, at)));
            }
            for letter in self.letters(&states[at].0) {
                let state = &states[at].0;
                if !budget.take(state.len() as u64 + 8) {
                    return Err(Exhausted);
                }
                let next = self.step(state, letter, &mut scratch);
                let Some(next) = self.settled(next) else { continue };
                let own = known.entry(hash(&next)).or_default();
                if own.iter().any(|known| states[*known as usize].0 == next) {
                    continue;
                }
                held += next.len() + 24;
                if held > POSITIONS {
                    return Err(Exhausted);
                }
                own.push(states.len() as u32);
                states.push((next, at as u32, letter));
            }
            at += 1;
        }
        Ok(None)
    }

    fn step(&self, state: &[u32], letter: Letter, scratch: &mut Vec<u32>) -> State {
        let mut next = State::with_capacity(state.len());
        for (glob, live) in groups(state) {
            let mode = if self.union[glob].is_some() { Mode::Maybe } else { Mode::Surely };
            step(self.globs[glob], live, letter, mode, self.symbols, scratch);
            if !scratch.is_empty() {
                next.push(MARK | glob as u32);
                next.extend_from_slice(scratch);
            }
        }
        next
    }

    /// Whether a state can still lead to a word, and in its shortest form.
    fn settled(&self, state: State) -> Option<State> {
        let mut alive = vec![false; self.unions as usize];
        let mut sure = vec![None; self.unions as usize];
        for (glob, live) in groups(&state) {
            let takes_all = live.first().is_some_and(|at| self.takes_all(glob, *at));
            match self.union[glob] {
                None if takes_all => return None,
                None => {}
                Some(union) => {
                    alive[union as usize] = true;
                    if takes_all && sure[union as usize].is_none() {
                        sure[union as usize] = Some(glob);
                    }
                }
            }
        }
        if alive.contains(&false) {
            return None;
        }
        if sure.iter().all(Option::is_none) {
            return Some(state);
        }
        // a union that takes everything from here on needs no other of its patterns
        let mut out = State::with_capacity(state.len());
        for (glob, live) in groups(&state) {
            let kept =
                self.union[glob].is_none_or(|union| sure[union as usize].is_none_or(|s| s == glob));
            if kept {
                out.push(MARK | glob as u32);
                out.extend_from_slice(live);
            }
        }
        Some(out)
    }

    fn takes_all(&self, glob: usize, at: u32) -> bool {
        matches!(self.globs[glob].toks[at as usize..], [Tok::Star { free: true }])
    }

    fn accepts(&self, state: &[u32]) -> bool {
        let mut met = vec![false; self.unions as usize];
        for (glob, live) in groups(state) {
            let ends = live.last().is_some_and(|at| *at as usize == self.globs[glob].toks.len());
            match self.union[glob] {
                None if ends => return false,
                Some(union) if ends => met[union as usize] = true,
                _ => {}
            }
        }
        !met.contains(&false)
    }

    /// The letters that can make a difference from a state.
    fn letters(&self, state: &[u32]) -> Vec<Letter> {
        // where a union waits for characters only, no others are worth a try
        let mut only: Vec<Option<Vec<Letter>>> = vec![Some(Vec::new()); self.unions as usize];
        let mut letters = vec![self.free];
        for (glob, live) in groups(state) {
            let union = self.union[glob].map(|union| union as usize);
            for at in live {
                let Some(tok) = self.globs[glob].toks.get(*at as usize) else { continue };
                let mut add = |letter: Letter| {
                    if letter < FIRST_SYMBOL || union.is_some() {
                        letters.push(letter);
                    }
                    if let Some(Some(only)) = union.map(|union| &mut only[union]) {
                        only.push(letter);
                    }
                };
                match tok {
                    Tok::Char(c) => add(*c),
                    Tok::Fold(c) => {
                        add(*c);
                        let upper = char::from_u32(*c).map(char::to_uppercase);
                        upper.into_iter().flatten().for_each(|c| add(c as Letter));
                    }
                    Tok::One { free } | Tok::Star { free } => {
                        if !free {
                            add(b':' as Letter);
                        }
                        if let Some(union) = union {
                            only[union] = None;
                        }
                    }
                }
            }
        }
        let has_symbol = letters.iter().any(|letter| *letter >= FIRST_SYMBOL);
        let narrowest = only.into_iter().flatten().min_by_key(Vec::len);
        let mut letters = match narrowest {
            Some(only) if !has_symbol => only,
            _ => letters,
        };
        letters.sort_unstable();
        letters.dedup();
        // the free letter first: it reads best
        if let Some(at) = letters.iter().position(|letter| *letter == self.free) {
            letters[..=at].rotate_right(1);
        }
        letters
    }
}

fn groups(state: &[u32]) -> impl Iterator<Item = (usize, &[u32])> {
    let mut rest = state;
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_first()?;
        let end = tail.iter().position(|at| at & MARK != 0).unwrap_or(tail.len());
        rest = &tail[end..];
        Some(((head & !MARK) as usize, &tail[..end]))
    })
}

fn hash(state: &[u32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

fn path(states: &[(State, u32, Letter)], end: usize) -> Vec<Letter> {
    let mut word = Vec::new();
    let mut at = end;
    while at != 0 {
        let (_, from, letter) = &states[at];
        word.push(*letter);
        at = *from as usize;
    }
    word.reverse();
    word
}
