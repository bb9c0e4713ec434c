//! How much a verdict may cost: counted in steps, so that the same input always gets the same answer.
//!
//! A step is a move of one position of a pattern, or a look at one statement. The bound is chosen so that the slowest
//! inputs of the benchmark end within two seconds of one core in a release build, and the automata that can be alive
//! at once within 512 MiB.

/// The steps of a comparison, both ways and under both readings of resources.
pub const STEPS: u64 = 40_000_000;

/// The positions that one search for a word may hold at a time; 4 bytes each, beside some 100 bytes for each state.
pub const POSITIONS: usize = 12_000_000;

/// Literals that answers are kept for, at most; 4 bytes each.
pub const KEPT: usize = 24_000_000;

/// Characters that all patterns and values of a comparison may have. AWS's largest policy has 32 KiB (KMS Developer
/// Guide, "Resource quotas").
pub const TEXT: usize = 512 * 1024;

/// Characters that one pattern or value may have. An ARN has at most 2,048.
pub const PATTERN: usize = 2_048;

/// Statements of both sides.
pub const STATEMENTS: usize = 8_000;

/// Context keys of both sides.
pub const KEYS: usize = 500;

/// Where a comparison ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// The dimension that used up the rest: `resource`, `action`, a key, or `statements`.
    pub dimension: String,
}

/// Steps that are left.
#[derive(Debug, Clone)]
pub struct Budget {
    left: u64,
}

impl Budget {
    pub const fn new(steps: u64) -> Self {
        Budget { left: steps }
    }

    /// Takes `steps`; false when they are used up.
    pub const fn take(&mut self, steps: u64) -> bool {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left = 0;
                false
            }
        }
    }

    /// What is left.
    pub const fn left(&self) -> u64 {
        self.left
    }
}
