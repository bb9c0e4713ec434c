//! Applies the suggestions that need no second look.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostics, Suggestion};
use crate::source::FileId;

/// The text of a file with all certain suggestions applied, and how many findings that mends. The
/// suggestions of one finding are applied together or, where they would meet those of an earlier one,
/// not at all: another run finds it again.
pub fn fix(text: &str, file: FileId, diagnostics: &Diagnostics) -> (String, usize) {
    // By start and end, apart from each other.
    let mut taken: BTreeMap<(u32, u32), &Suggestion> = BTreeMap::new();
    let mut mended = 0;
    for diagnostic in diagnostics {
        let certain = || diagnostic.suggestions.iter().filter(|suggestion| suggestion.certain);
        let apart = |new: &Suggestion| {
            let (start, end) = (new.span.start, new.span.end);
            let before = taken.range(..(end.max(start + 1), 0)).next_back();
            new.span.file == file
                && text.get(new.span.range()).is_some()
                && before.is_none_or(|(old, _)| old.1 <= start && *old != (start, end))
        };
        if certain().next().is_some() && certain().all(apart) {
            mended += 1;
            taken.extend(certain().map(|new| ((new.span.start, new.span.end), new)));
        }
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for suggestion in taken.into_values() {
        let range = suggestion.span.range();
        if range.start < from {
            continue;
        }
        out.push_str(&text[from..range.start]);
        out.push_str(&suggestion.replacement);
        from = range.end;
    }
    out.push_str(&text[from..]);
    (out, mended)
}
