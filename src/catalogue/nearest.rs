//! The known name that a mistyped one most likely meant.

/// The candidate nearest to `name`, ignoring case, if it is near enough to be what was meant: at most a third of
/// its letters, and never more than three, are wrong, missing, superfluous or swapped with their neighbour.
/// Of equally near ones the first.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= 3)
        .map(|candidate| (edits(&wanted, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= 3.min(candidate.len() / 3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The number of edits between two words (optimal string alignment).
fn edits(wanted: &[char], candidate: &str) -> usize {
    let other: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in wanted.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && wanted[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_a_stranger_is_not() {
        let known = ["BucketName", "BucketEncryption", "Tags"];
        assert_eq!(nearest("BucketNmae", known), Some("BucketName"));
        assert_eq!(nearest("bucketname", known), Some("BucketName"));
        assert_eq!(nearest("Tag", known), Some("Tags"));
        assert_eq!(nearest("Versioning", known), None);
        assert_eq!(nearest("", known), None);
    }
}
