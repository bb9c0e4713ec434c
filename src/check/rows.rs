//! The condition on rows is one that Lake Formation reads (LW0425).
//!
//! A filter is a PartiQL condition on columns of the table: comparisons, `AND`, `OR`, `NOT`, `IN`,
//! `LIKE`, `BETWEEN`, `IS NULL` ("PartiQL support in row filter expressions", Lake Formation Developer
//! Guide). Nothing here decides what it means; it has to be words that can be one, on columns that are
//! there, since Lake Formation takes a wrong one and every query fails afterwards.

use super::headline_of;
use crate::diagnostic::{self, Diagnostic, Diagnostics, nearest};
use crate::lake::access::Access;
use crate::lake::places::Place;
use crate::lake::{Lake, Table};

/// The words of the language that are no columns.
const KEYWORDS: [&str; 14] = [
    "and",
    "or",
    "not",
    "in",
    "like",
    "between",
    "is",
    "null",
    "missing",
    "true",
    "false",
    "date",
    "timestamp",
    "escape",
];

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for access in lake.access.values() {
        let Some(rows) = &access.restriction.rows else { continue };
        let path = format!("{}.rows", access.path());
        let refuse = |headline: String| {
            Diagnostic::error(diagnostic::LW0425, rows.span, headline_of(headline)).at(&*path)
        };
        let words = match read(&rows.value) {
            Ok(words) => words,
            Err(reason) => {
                found.push(
                    refuse(format!("`rows` is no condition: {reason}"))
                        .help("write a comparison, such as `country = 'DE' or country = 'FR'`"),
                );
                continue;
            }
        };
        if words.is_empty() {
            found.push(
                refuse("`rows` compares no column: every row or none would fit".to_owned())
                    .help("name a column, such as `country = 'DE'`, or leave `rows` out"),
            );
        }
        for table in tables(lake, access) {
            for word in &words {
                let name = word.to_ascii_lowercase();
                let known = table.column_names();
                if known.contains(&name.as_str()) {
                    continue;
                }
                let place = format!("{}.{}", table.database, table.name);
                let mut diagnostic = refuse(format!("table `{place}` has no column `{word}`"))
                    .also(table.span, "the table is declared here");
                diagnostic = match nearest(&name, known.iter().copied()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic
                        .help("name a column, or put a text in single quotes: `country = 'DE'`"),
                };
                found.push(diagnostic);
            }
        }
    }
}

fn tables<'l>(lake: &'l Lake, access: &Access) -> Vec<&'l Table> {
    // A whole database is refused.
    let named = access.grants.iter().map(|grant| &grant.place.value);
    let named = named.filter(|place| matches!(place, Place::Table { .. }));
    named.flat_map(|place| lake.tables_at(place)).map(|(_, table)| table).collect()
}

/// The columns that a condition names, or why it is none.
fn read(text: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut last: Option<String> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            _ if c.is_ascii_whitespace() => {
                rest = &rest[taken..];
                continue;
            }
            '\'' => {
                taken = text_length(rest).ok_or("a text is not closed")?;
                last = None;
            }
            '"' => {
                let close = rest[1..].find('"').ok_or("a name in quotes is not closed")?;
                taken = close + 2;
                words.push(rest[1..close + 1].to_owned());
                last = None;
            }
            '(' => {
                if let Some(word) = &last
                    && !KEYWORDS.contains(&word.as_str())
                {
                    return Err(format!("`{word}(...)`: a filter calls no functions"));
                }
                depth += 1;
                last = None;
            }
            ')' => {
                depth = depth.checked_sub(1).ok_or("a parenthesis closes that never opened")?;
                last = None;
            }
            _ if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                taken = end.unwrap_or(rest.len());
                let word = rest[..taken].to_ascii_lowercase();
                // What stands behind a dot is a field of a column.
                let field = text[..text.len() - rest.len()].ends_with('.');
                if !field && !KEYWORDS.contains(&word.as_str()) {
                    words.push(rest[..taken].to_owned());
                }
                last = Some(word);
            }
            '0'..='9' | '.' | ',' | '=' | '<' | '>' | '!' | '-' | '+' => last = None,
            other => return Err(format!("`{}` has no place in one", other.escape_default())),
        }
        rest = &rest[taken..];
    }
    if depth > 0 {
        return Err("a parenthesis is not closed".to_owned());
    }
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    words.sort();
    words.dedup();
    Ok(words)
}

/// The length of a text in single quotes; two of them stand for one.
fn text_length(rest: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += rest[at..].find('\'')? + 1;
        if !rest[at..].starts_with('\'') {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn conditions_are_read() {
        let words = |text: &str| read(text).map(|words| words.join(" "));
        assert_eq!(words("country = 'DE' or country = 'FR'").as_deref(), Ok("country"));
        assert_eq!(words("a.b > 1.5 AND NOT (c IN ('x', 'it''s'))").as_deref(), Ok("a c"));
        assert_eq!(
            words("at between timestamp '2026-01-01' and date '2026-02-01'").as_deref(),
            Ok("at")
        );
        assert_eq!(words("\"select\" is null").as_deref(), Ok("select"));
        assert_eq!(words("1 = 1").as_deref(), Ok(""));
        for bad in ["", "a = 'x", "(a = 1", "a = 1)", "upper(a) = 'X'", "a = 1; drop", "\"a"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
