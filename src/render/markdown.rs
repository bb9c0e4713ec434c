//! Text of a spec or a cloud between the signs of Markdown.
//!
//! A name may hold anything that GitHub makes something of: a mention, a link, a tag, a cell's end, a fence. In: such
//! text. Out: the same, as it is read. Control, direction and invisible characters are written as `\u{..}` first.

use super::escape::escape_line;

/// A sentence of ours with names in it: `code` stays code.
pub(super) fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in escape_line(raw).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("@\u{2060}"),
            '[' | ']' | '*' | '_' | '|' | '#' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A name that somebody else chose: nothing in it means anything, wherever it stands, in a cell of a table too.
pub(super) fn name(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    let escaped = escape_line(raw);
    for (at, c) in escaped.char_indices() {
        // what GitHub makes a link of without being asked: `www.`, `https://`, `mail@host`, `owner/repo#1`
        let link = c == ':' && escaped[at..].starts_with("://")
            || c == '.' && escaped[..at].to_ascii_lowercase().ends_with("www");
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("@\u{2060}"),
            '|' => safe.push_str("&#124;"),
            '`' => safe.push_str("&#96;"),
            '#' => safe.push_str("#\u{2060}"),
            ':' | '.' if link => {
                safe.push('\u{2060}');
                safe.push(c);
            }
            '[' | ']' | '(' | ')' | '*' | '_' | '~' | '\\' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A name as code. Within backticks nothing has a meaning but backticks, and in a table the bar.
pub(super) fn code(raw: &str) -> String {
    let escaped = escape_line(raw);
    match escaped.contains(['`', '|']) {
        true => name(raw),
        false => format!("`{escaped}`"),
    }
}

/// Text inside a fence: it can't end the fence.
pub(super) fn fenced(raw: &str) -> String {
    escape_line(raw).replace("```", "'''").replace("~~~", "---")
}

/// A word in the hidden marker, where two hyphens would end the comment.
pub(super) fn marker(raw: &str) -> String {
    let plain = raw.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let mut plain: String = plain.collect();
    while plain.contains("--") {
        plain = plain.replace("--", "-");
    }
    plain
}
