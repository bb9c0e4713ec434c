//! Paths to properties: `TableInput/StorageDescriptor/Columns/*/Name`, where `*` is any position of a list.

/// How a path stands to a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// The path is the pattern's place, or lies inside it.
    Within,
    /// The pattern's place lies inside the path's.
    Around,
    /// Neither contains the other.
    Apart,
}

/// Whether a step of a path is a position in a list: a decimal, or `*` for all of them.
pub(super) fn is_position(step: &str) -> bool {
    step == "*" || (!step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()))
}

/// Compares a path, step by step, with a pattern.
pub(super) fn stands(path: &[&str], pattern: &str) -> Stands {
    let mut steps = path.iter();
    for wanted in pattern.split('/') {
        match steps.next() {
            None => return Stands::Around,
            Some(step) if *step == wanted || (wanted == "*" && is_position(step)) => {}
            Some(_) => return Stands::Apart,
        }
    }
    Stands::Within
}

/// Whether a path is exactly a pattern's place.
pub(super) fn is(path: &[&str], pattern: &str) -> bool {
    path.len() == pattern.split('/').count() && stands(path, pattern) == Stands::Within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_compare_step_by_step() {
        assert_eq!(stands(&["A", "B"], "A/B"), Stands::Within);
        assert_eq!(stands(&["A", "B", "0", "C"], "A/B"), Stands::Within);
        assert_eq!(stands(&["A"], "A/B"), Stands::Around);
        assert_eq!(stands(&[], "A"), Stands::Around);
        assert_eq!(stands(&["AB"], "A"), Stands::Apart);
        assert_eq!(stands(&["A", "7", "B"], "A/*/B"), Stands::Within);
        assert_eq!(stands(&["A", "x", "B"], "A/*/B"), Stands::Apart);
        assert!(is(&["A", "*", "B"], "A/*/B"));
        assert!(!is(&["A", "0"], "A/*/B"));
        assert!(!is(&["A", "0", "B", "C"], "A/*/B"));
    }
}
