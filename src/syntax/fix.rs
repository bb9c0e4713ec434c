//! Applies the suggestions that need no second look.

use crate::diagnostic::{Diagnostics, Suggestion};
use crate::source::FileId;

/// The text of a file with all certain suggestions applied, and how many findings that mends. The
/// suggestions of one finding are applied together or, where they would meet those of an earlier one,
/// not at all: another run finds it again.
pub fn fix(text: &str, file: FileId, diagnostics: &Diagnostics) -> (String, usize) {
    let mut taken: Vec<&Suggestion> = Vec::new();
    let mut mended = 0;
    for diagnostic in diagnostics {
        let certain = || diagnostic.suggestions.iter().filter(|suggestion| suggestion.certain);
        let apart = |new: &Suggestion| {
            let meets = |old: &&Suggestion| {
                let (a, b) = (old.span, new.span);
                a.start < b.end && b.start < a.end || a == b
            };
            new.span.file == file
                && text.get(new.span.range()).is_some()
                && !taken.iter().any(|old| meets(&old))
        };
        if certain().next().is_some() && certain().all(apart) {
            mended += 1;
            taken.extend(certain());
        }
    }
    taken.sort_by_key(|suggestion| suggestion.span);
    let mut out = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for suggestion in taken {
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
