//! The one place where text from a file is made safe to print.
//!
//! A name in a spec may hold anything: an escape sequence that rewrites the terminal's lines, or a
//! character that turns the direction of what follows. Whatever goes to a terminal passes through
//! [`escape`] first; in JSON serde_json does the same for control characters.

use std::borrow::Cow;

/// Whether a character changes more of a terminal's line than its own cell.
fn is_treacherous(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}')
}

/// The text with control, direction and invisible characters written as `\u{..}`. Line breaks and
/// tabs stay.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_treacherous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_treacherous(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The same for one line: line breaks and tabs too.
pub(super) fn escape_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) {
        Cow::Owned(escape(text).replace('\n', "\\n").replace('\t', "\\t"))
    } else {
        escape(text)
    }
}

/// Lines of a file for a snippet: each treacherous character is replaced by one of the same number
/// of bytes, so that places stay right.
pub(super) fn mask(source: &str) -> Cow<'_, str> {
    let treacherous = |c: char| is_treacherous(c) && c != '\r';
    if !source.contains(treacherous) {
        return Cow::Borrowed(source);
    }
    let mut safe = String::with_capacity(source.len());
    for c in source.chars() {
        safe.push(match c.len_utf8() {
            _ if !treacherous(c) => c,
            1 => '?',
            2 => '¿',
            _ => '\u{fffd}',
        });
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_treacherous_is_left_and_lengths_stay() {
        let text = "a\u{1b}[2Jb\u{202e}c\u{9b}d\u{feff}é\n";
        assert_eq!(escape(text), "a\\u{1b}[2Jb\\u{202e}c\\u{9b}d\\u{feff}é\n");
        assert_eq!(mask(text).len(), text.len());
        assert!(!mask(text).contains(is_treacherous));
        assert_eq!(escape_line("a\nb"), "a\\nb");
    }
}
