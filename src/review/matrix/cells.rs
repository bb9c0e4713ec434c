//! What stands in a cell of a matrix: verbs, by which way, before and after.

use std::collections::BTreeSet;
use std::fmt;

use crate::catalogue::escalations::Verbs;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Read,
    Write,
    Delete,
    /// Change who gets in.
    Manage,
}

impl Verb {
    /// The order of [`Verbs::ALL`].
    pub const ALL: [Verb; 4] = [Verb::Read, Verb::Write, Verb::Delete, Verb::Manage];

    /// The letter in a cell.
    pub const fn letter(self) -> char {
        match self {
            Verb::Read => 'R',
            Verb::Write => 'W',
            Verb::Delete => 'D',
            Verb::Manage => 'A',
        }
    }

    /// The word of the questions about access.
    pub const fn word(self) -> &'static str {
        Verbs::ALL[self as usize]
    }
}

/// By which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By the policies of the principal and of the place.
    Direct,
    /// So too, past Lake Formation, which is in charge of the place.
    Bypass,
    /// By a grant of Lake Formation.
    LakeFormation,
    /// By such a grant, without all columns or rows.
    Partly,
    /// As another principal that it can act as.
    Through,
    /// It is not known.
    Unknown,
}

impl How {
    /// What follows the letters.
    pub const fn mark(self) -> &'static str {
        match self {
            How::Direct => "",
            How::Bypass => "!",
            How::LakeFormation => " lf",
            How::Partly => " lf part",
            How::Through => "~",
            How::Unknown => "?",
        }
    }
}

/// What can be done in one place on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Can(pub BTreeSet<(How, Verb)>);

/// `RW`, `R lf R!`, `W~`; a dot for nothing.
impl fmt::Display for Can {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        let mut last = None;
        for (how, verb) in &self.0 {
            if let Some(before) = last.filter(|before| before != how) {
                write!(f, "{} ", How::mark(before))?;
            }
            write!(f, "{}", verb.letter())?;
            last = Some(*how);
        }
        f.write_str(last.map_or("", How::mark))
    }
}

/// Both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    pub before: Can,
    pub after: Can,
    /// Whether what is not known hangs on another policy than before: the same marks then say nothing of being the same.
    pub elsewhere: bool,
}

impl Cell {
    pub fn changes(&self) -> bool {
        self.before != self.after || self.is_open()
    }

    /// Whether it is not known if anything changes.
    fn is_open(&self) -> bool {
        let unknown = |can: &Can| can.0.iter().any(|(how, _)| *how == How::Unknown);
        self.elsewhere && unknown(&self.before) && unknown(&self.after)
    }

    /// Whether something can be done that could not be done at all, or not by this way.
    pub fn gains(&self) -> bool {
        !self.after.0.is_subset(&self.before.0)
    }

    /// Whether something can no longer be done, or not by this way.
    pub fn loses(&self) -> bool {
        !self.before.0.is_subset(&self.after.0)
    }

    /// Each side in words: `RW`, `RW? by another policy`.
    pub fn shown(&self) -> (String, String) {
        let other = if self.is_open() { " by another policy" } else { "" };
        (self.before.to_string(), format!("{}{other}", self.after))
    }
}

/// `. -> R!`, or one side where both are the same.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.shown();
        match self.changes() {
            true => write!(f, "{before} -> {after}"),
            false => f.write_str(&after),
        }
    }
}
