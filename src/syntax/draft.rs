//! The text that is parsed, when it is not quite the text that was written.
//!
//! Every error is mended or blanked out before the text is parsed again. A [`Draft`] holds these edits
//! over the original and carries places of the mended text back to the original.
//! Invariant: edits are ascending and do not overlap; a blanked range keeps its length and line breaks.

use std::borrow::Cow;
use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// A replacement of a range of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub range: Range<usize>,
    pub with: String,
}

/// Where an edit stands in the draft.
#[derive(Debug, Clone)]
struct Piece {
    draft: Range<usize>,
    original: Range<usize>,
}

/// The original text under its edits.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    original: &'a str,
    /// In places of the original.
    edits: Vec<Edit>,
    text: Cow<'a, str>,
    pieces: Vec<Piece>,
    /// Ranges of the original that were left out, ascending.
    blanked: Vec<Range<usize>>,
}

impl<'a> Draft<'a> {
    /// The text as it was written.
    pub fn new(original: &'a str) -> Self {
        Draft {
            original,
            edits: Vec::new(),
            text: Cow::Borrowed(original),
            pieces: Vec::new(),
            blanked: Vec::new(),
        }
    }

    /// The text to parse.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether something was left out.
    pub fn has_blanks(&self) -> bool {
        !self.blanked.is_empty()
    }

    /// Whether something between two places of the draft was left out.
    pub fn blanked_between(&self, start: usize, end: usize) -> bool {
        let (start, end) = (self.to_original(start), self.to_original(end));
        let after = self.blanked.partition_point(|range| range.end <= start);
        self.blanked.get(after).is_some_and(|range| range.start < end.max(start + 1))
    }

    /// The place of the original that became this place of the draft.
    pub fn to_original(&self, at: usize) -> usize {
        let next = self.pieces.partition_point(|piece| piece.draft.start <= at);
        let Some(piece) = next.checked_sub(1).map(|index| &self.pieces[index]) else {
            return at.min(self.original.len());
        };
        let mut place = if at < piece.draft.end {
            piece.original.start + (at - piece.draft.start).min(piece.original.len())
        } else {
            piece.original.end + (at - piece.draft.end)
        };
        place = place.min(self.original.len());
        while !self.original.is_char_boundary(place) {
            place -= 1;
        }
        place
    }

    /// Carries the places of a finding about the draft back to the original. A suggestion that
    /// replaces mended text does not fit the original any more and is dropped.
    pub fn locate(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        if self.pieces.is_empty() {
            return diagnostic;
        }
        let place = |span: &mut Span| {
            let range = span.range();
            *span =
                Span::new(span.file, self.to_original(range.start), self.to_original(range.end));
        };
        let touched = |span: Span| {
            let range = span.range();
            let after = self.pieces.partition_point(|piece| piece.draft.end <= range.start);
            self.pieces.get(after).is_some_and(|piece| piece.draft.start < range.end)
        };
        diagnostic.suggestions.retain(|suggestion| !touched(suggestion.span));
        let labels = diagnostic.primary.iter_mut().chain(&mut diagnostic.secondary);
        labels.for_each(|label| place(&mut label.span));
        diagnostic.suggestions.iter_mut().for_each(|suggestion| place(&mut suggestion.span));
        diagnostic
    }

    /// Mends places of the draft, given in ascending order and apart from each other.
    pub fn mend(&mut self, edits: Vec<Edit>) {
        let edits: Vec<Edit> = edits
            .into_iter()
            .map(|edit| Edit {
                range: self.to_original(edit.range.start)..self.to_original(edit.range.end),
                with: edit.with,
            })
            .collect();
        for edit in edits {
            self.put(edit, false);
        }
        self.rebuild();
    }

    /// Leaves a range of the draft out: spaces and line breaks stand in its place.
    pub fn blank(&mut self, range: Range<usize>) {
        let original = self.to_original(range.start)..self.to_original(range.end);
        if original.is_empty() {
            return;
        }
        self.put(Edit { range: original.clone(), with: String::new() }, true);
        let at = self.blanked.partition_point(|known| known.start < original.start);
        self.blanked.insert(at, original);
        self.rebuild();
    }

    /// Takes an edit of the original in; the ones it meets are swallowed.
    fn put(&mut self, mut edit: Edit, mut blank: bool) {
        let first = self.edits.partition_point(|known| known.range.end < edit.range.start);
        let meets = |known: &Edit| {
            let (a, b) = (&known.range, &edit.range);
            (a.start < b.end && b.start < a.end) || a == b || (b.contains(&a.start) && a.is_empty())
        };
        let mut kept = self.edits.split_off(first);
        let mut union = edit.range.clone();
        kept.retain(|known| {
            if !meets(known) {
                return true;
            }
            // A mended place that sticks out cannot be combined: both are left out.
            blank |= known.range.start < edit.range.start || known.range.end > edit.range.end;
            union = union.start.min(known.range.start)..union.end.max(known.range.end);
            false
        });
        edit.range = union;
        if blank {
            edit.with = self.original[edit.range.clone()]
                .bytes()
                .map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' })
                .collect();
        }
        let at = kept.partition_point(|known| known.range.start < edit.range.start);
        kept.insert(at, edit);
        self.edits.append(&mut kept);
    }

    fn rebuild(&mut self) {
        let mut text = String::with_capacity(self.original.len() + 64);
        let mut from = 0;
        self.pieces.clear();
        for edit in &self.edits {
            text.push_str(&self.original[from..edit.range.start]);
            let start = text.len();
            text.push_str(&edit.with);
            self.pieces.push(Piece { draft: start..text.len(), original: edit.range.clone() });
            from = edit.range.end;
        }
        text.push_str(&self.original[from..]);
        self.text = Cow::Owned(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_carried_back_over_edits() {
        let mut draft = Draft::new("a:\tb\n\tc\nd");
        draft.mend(vec![Edit { range: 5..6, with: "    ".into() }]);
        assert_eq!(draft.text(), "a:\tb\n    c\nd");
        let at = draft.text().find('d').unwrap();
        assert_eq!(draft.to_original(at), 8);
        draft.blank(0..4);
        assert_eq!(draft.text(), "    \n    c\nd");
        assert!(draft.blanked_between(1, 3));
        assert!(!draft.blanked_between(5, 8));
        let at = draft.text().find('c').unwrap();
        draft.mend(vec![Edit { range: at..at, with: "x ".into() }]);
        assert_eq!(draft.text(), "    \n    x c\nd");
        assert_eq!(draft.to_original(draft.text().find('d').unwrap()), 8);
    }
}
