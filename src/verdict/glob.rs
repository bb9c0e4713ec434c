//! Patterns as sequences of tokens over letters, and what can be said of one or two of them without a search.
//!
//! A letter is a character, or a *symbol* for a value that is not known: a policy variable, a token of a template.
//! A symbol is read in two ways. *Surely*: only `*` and the same symbol take it, whatever its value is. *Maybe*: any
//! part of a pattern takes it that some value of it would fit. What must hold is asked surely, what cannot be excluded
//! maybe; so an answer is never too narrow (see `docs/access-model.md`, "Variables and tokens").
//!
//! Where `*` and `?` stop at colons (the first five parts of an ARN), they are not `free`.

use super::text::Letters;

/// A character, or from [`FIRST_SYMBOL`] on a symbol.
pub type Letter = u32;

/// Above every character.
pub const FIRST_SYMBOL: Letter = 0x11_0000;

const COLON: Letter = b':' as Letter;

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tok {
    Char(Letter),
    /// A character whatever its case, in lower case.
    Fold(Letter),
    One {
        free: bool,
    },
    Star {
        free: bool,
    },
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Glob {
    pub toks: Vec<Tok>,
    /// Whether AWS documents that it matches what we say; if not, it matches nothing for sure.
    pub sure: bool,
}

/// How symbols, and patterns that are not sure, are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Surely,
    Maybe,
}

/// What the symbols can hold.
#[derive(Debug, Default)]
pub struct Symbols {
    pub letters: Vec<Letters>,
}

impl Symbols {
    fn holds(&self, symbol: Letter, c: Letter) -> bool {
        let letters =
            self.letters.get((symbol - FIRST_SYMBOL) as usize).copied().unwrap_or(Letters::Any);
        match char::from_u32(c) {
            Some(c) => letters.holds(c),
            None => true,
        }
    }
}

/// A character in lower case, if that is one character.
pub fn fold(c: Letter) -> Letter {
    char::from_u32(c).map_or(c, |c| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(one), None) => one as Letter,
            _ => c as Letter,
        }
    })
}

impl Tok {
    /// Whether it takes a character.
    pub fn takes(self, c: Letter) -> bool {
        match self {
            Tok::Char(own) => own == c,
            Tok::Fold(own) => own == fold(c),
            Tok::One { free } => c < FIRST_SYMBOL && (free || c != COLON),
            Tok::Star { free } => free || c != COLON,
        }
    }
}

impl Glob {
    /// These characters and no others.
    pub fn literal(text: &str) -> Glob {
        Glob { toks: text.chars().map(|c| Tok::Char(c as Letter)).collect(), sure: true }
    }

    /// Everything.
    pub fn all() -> Glob {
        Glob { toks: vec![Tok::Star { free: true }], sure: true }
    }

    /// Whether it is everything.
    pub fn is_all(&self) -> bool {
        self.sure && matches!(self.toks.as_slice(), [Tok::Star { free: true }])
    }

    /// Whether it takes a word.
    pub fn matches(&self, word: &[Letter], mode: Mode, symbols: &Symbols) -> bool {
        if mode == Mode::Surely && !self.sure {
            return false;
        }
        if mode == Mode::Surely || word.iter().all(|letter| *letter < FIRST_SYMBOL) {
            return self.takes(word, symbols);
        }
        let mut live = Vec::new();
        close(self, 0, &mut live);
        let mut next = Vec::new();
        for letter in word {
            step(self, &live, *letter, mode, symbols, &mut next);
            std::mem::swap(&mut live, &mut next);
            if live.is_empty() {
                return false;
            }
        }
        live.contains(&(self.toks.len() as u32))
    }

    /// Going back to the last `*` is enough, as it takes all that an earlier one could.
    fn takes(&self, word: &[Letter], symbols: &Symbols) -> bool {
        let (mut t, mut w) = (0, 0);
        let mut back: Option<(usize, usize)> = None;
        while w < word.len() {
            match self.toks.get(t) {
                Some(Tok::Star { .. }) => {
                    back = Some((t, w));
                    t += 1;
                    continue;
                }
                Some(tok) if tok.takes(word[w]) => {
                    t += 1;
                    w += 1;
                    continue;
                }
                _ => {}
            }
            let Some((star, from)) = back else { return false };
            if !star_takes(self.toks[star], word[from], symbols) {
                return false;
            }
            back = Some((star, from + 1));
            (t, w) = (star + 1, from + 1);
        }
        self.toks[t..].iter().all(|tok| matches!(tok, Tok::Star { .. }))
    }

    /// Whether all that `self` may take is surely taken by `other`. False may also mean: not seen at once.
    pub fn inside(&self, other: &Glob, symbols: &Symbols) -> bool {
        if !other.sure {
            return false;
        }
        if other.is_all() {
            return true;
        }
        let mut live = Vec::new();
        close(other, 0, &mut live);
        let mut next: Vec<u32> = Vec::new();
        for tok in &self.toks {
            next.clear();
            for at in &live {
                let at = *at as usize;
                let Some(own) = other.toks.get(at) else { continue };
                let (takes, stays) = match (own, tok) {
                    (
                        Tok::Star { free },
                        Tok::Star { free: theirs } | Tok::One { free: theirs },
                    ) => (*free || !theirs, true),
                    (Tok::Star { .. }, Tok::Char(c) | Tok::Fold(c)) => {
                        (star_takes(*own, *c, symbols), true)
                    }
                    (Tok::One { free }, Tok::One { free: theirs }) => (*free || !theirs, false),
                    (_, Tok::Char(c)) => (own.takes(*c), false),
                    (Tok::Fold(c), Tok::Fold(d)) => (c == d, false),
                    (Tok::One { free }, Tok::Fold(c)) => (*free || *c != COLON, false),
                    _ => (false, false),
                };
                if takes {
                    close(other, at + usize::from(!stays), &mut next);
                }
            }
            supersede(other, &mut next);
            std::mem::swap(&mut live, &mut next);
            if live.is_empty() {
                return false;
            }
        }
        live.contains(&(other.toks.len() as u32))
    }

    /// Whether no word can be taken by both, seen from how they begin.
    pub fn apart(&self, other: &Glob) -> bool {
        // a symbol is as long as its value: behind it nothing is known to stand beside anything
        let is_symbol = |tok: &Tok| matches!(tok, Tok::Char(c) if *c >= FIRST_SYMBOL);
        for (a, b) in self.toks.iter().zip(&other.toks) {
            if is_symbol(a) || is_symbol(b) {
                return false;
            }
            match (a, b) {
                (Tok::Char(a), Tok::Char(b)) | (Tok::Fold(a), Tok::Fold(b)) if a != b => {
                    return true;
                }
                (Tok::Char(c), Tok::Fold(f)) | (Tok::Fold(f), Tok::Char(c)) if fold(*c) != *f => {
                    return true;
                }
                (Tok::Star { .. }, _) | (_, Tok::Star { .. }) => return false,
                _ => {}
            }
        }
        let plain = |glob: &Glob| {
            glob.toks.iter().all(|tok| match tok {
                Tok::Char(c) => *c < FIRST_SYMBOL,
                Tok::Star { .. } => false,
                _ => true,
            })
        };
        self.toks.len() != other.toks.len() && plain(self) && plain(other)
    }

    /// The word with `fill` for each `*` and `free` for each `?`.
    pub fn word(&self, fill: &[Letter], free: Letter) -> Vec<Letter> {
        let mut out = Vec::with_capacity(self.toks.len());
        for tok in &self.toks {
            match tok {
                Tok::Char(c) | Tok::Fold(c) => out.push(*c),
                Tok::One { .. } => out.push(free),
                Tok::Star { .. } => out.extend_from_slice(fill),
            }
        }
        out
    }
}

fn star_takes(star: Tok, letter: Letter, symbols: &Symbols) -> bool {
    match star {
        Tok::Star { free } if letter >= FIRST_SYMBOL => free || !symbols.holds(letter, COLON),
        other => other.takes(letter),
    }
}

/// Adds a position, and those behind a `*` that takes nothing.
pub fn close(glob: &Glob, at: usize, out: &mut Vec<u32>) {
    let mut at = at;
    loop {
        out.push(at as u32);
        match glob.toks.get(at) {
            Some(Tok::Star { .. }) => at += 1,
            _ => return,
        }
    }
}

/// Sorts positions, and drops those before the last `*`: what they take, it takes too.
pub fn supersede(glob: &Glob, live: &mut Vec<u32>) {
    live.sort_unstable();
    live.dedup();
    let star =
        live.iter().rposition(|at| matches!(glob.toks.get(*at as usize), Some(Tok::Star { .. })));
    if let Some(star) = star {
        live.drain(..star);
    }
}

/// The positions after a letter.
pub fn step(
    glob: &Glob,
    from: &[u32],
    letter: Letter,
    mode: Mode,
    symbols: &Symbols,
    out: &mut Vec<u32>,
) {
    out.clear();
    for at in from {
        let at = *at as usize;
        let Some(tok) = glob.toks.get(at) else {
            if letter >= FIRST_SYMBOL && mode == Mode::Maybe {
                out.push(at as u32);
            }
            continue;
        };
        if letter < FIRST_SYMBOL {
            if tok.takes(letter) {
                close(glob, at + usize::from(!matches!(tok, Tok::Star { .. })), out);
            }
        } else if mode == Mode::Surely {
            match tok {
                Tok::Star { .. } if star_takes(*tok, letter, symbols) => close(glob, at, out),
                Tok::Char(c) if *c == letter => close(glob, at + 1, out),
                _ => {}
            }
        } else {
            // some value of the symbol may take any stretch that its letters allow
            let mut to = at;
            loop {
                out.push(to as u32);
                let goes = match glob.toks.get(to) {
                    Some(Tok::Char(c)) if *c >= FIRST_SYMBOL => true,
                    Some(Tok::Char(c) | Tok::Fold(c)) => symbols.holds(letter, *c),
                    Some(Tok::One { .. } | Tok::Star { .. }) => true,
                    None => false,
                };
                if !goes {
                    break;
                }
                to += 1;
            }
        }
    }
    supersede(glob, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        let tok = |c| match c {
            '*' => Tok::Star { free: true },
            '?' => Tok::One { free: true },
            c => Tok::Char(c as Letter),
        };
        Glob { toks: text.chars().map(tok).collect(), sure: true }
    }

    fn word(text: &str) -> Vec<Letter> {
        text.chars().map(|c| c as Letter).collect()
    }

    #[test]
    fn a_symbol_is_as_long_as_its_value() {
        let mut with = glob("a?/*");
        with.toks[1] = Tok::Char(FIRST_SYMBOL);
        assert!(!with.apart(&glob("a?b*")), "the value may be `xb`");
        assert!(!glob("a?b*").apart(&with));
        assert!(with.apart(&glob("b?b*")));
        assert!(glob("a?/*").apart(&glob("a?b*")), "a question mark is one character");
    }

    #[test]
    fn a_glob_takes_whole_words() {
        let symbols = Symbols::default();
        let yes = [("a*b*c", "axbxbc"), ("*", ""), ("?*", "x"), ("a*", "a"), ("*ab", "aab")];
        let no = [("a*b*c", "axc"), ("?", ""), ("a", "aa"), ("*ab", "aba"), ("", "x")];
        for (pattern, text) in yes {
            assert!(glob(pattern).matches(&word(text), Mode::Surely, &symbols), "{pattern} {text}");
        }
        for (pattern, text) in no {
            assert!(
                !glob(pattern).matches(&word(text), Mode::Surely, &symbols),
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn inclusion_seen_at_once_is_true() {
        let symbols = Symbols::default();
        for (a, b) in [("a/*", "*"), ("a/b*", "a/*"), ("a?c", "a*"), ("a*b*c", "a*c"), ("x", "?")] {
            assert!(glob(a).inside(&glob(b), &symbols), "{a} {b}");
        }
        for (a, b) in [("*", "a*"), ("a*", "a?*"), ("*", "?"), ("a", "b"), ("ab*", "a*b")] {
            assert!(!glob(a).inside(&glob(b), &symbols), "{a} {b}");
        }
        assert!(glob("a/*").apart(&glob("b/*")) && !glob("a*").apart(&glob("ab*")));
    }

    #[test]
    fn a_symbol_is_taken_surely_or_maybe() {
        let symbols = Symbols { letters: vec![Letters::Any] };
        let with = [b'h' as Letter, FIRST_SYMBOL];
        assert!(glob("h*").matches(&with, Mode::Surely, &symbols));
        assert!(!glob("hprod*").matches(&with, Mode::Surely, &symbols));
        assert!(glob("hprod*").matches(&with, Mode::Maybe, &symbols));
        assert!(!glob("xprod*").matches(&with, Mode::Maybe, &symbols));
        assert!(!glob("h?").matches(&with, Mode::Surely, &symbols));
    }
}
