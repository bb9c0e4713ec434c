//! The canonical layout of a spec: what `lakewright fmt` writes.
//!
//! Two spaces a level, lists one level deeper than their key, one space behind `:` and `,`, spaces
//! inside braces and none inside brackets, double quotes where quotes are, account ids always quoted,
//! no blanks at the ends of lines, at most one empty line in a row. Comments, the order of keys, empty
//! lines, anchors, and the choice between one line and several stay with the author.
//!
//! Laws: the tree and the comments are the same before and after; formatting twice is formatting
//! once. The first is not only tested but checked on each run: a text whose result would read
//! otherwise stays as it is.

mod layout;
mod write;

use super::{Kind, Node, parse};
use crate::diagnostic::Diagnostics;
use crate::source::{FileId, Sources, Span};

/// The text in the canonical layout. A text with errors is left alone: its findings are returned,
/// with places in a file called `name`.
pub fn format(name: &str, text: &str) -> Result<String, Diagnostics> {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let (tree, found) = parse(&sources, file);
    if found.has_errors() {
        return Err(found);
    }
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let Some(layout) = layout::read(&plain) else { return Ok(text.to_owned()) };
    let written = write::write(&plain, &layout);
    let mut sources = Sources::default();
    let file = sources.add(name, written.clone());
    let (after, found) = parse(&sources, file);
    let comments = layout::read(&written).map(|after| after.comments(&written));
    let kept = comments.is_some_and(|comments| comments == layout.comments(&plain));
    Ok(if kept && found.is_empty() && alike(&tree, &after) { written } else { text.to_owned() })
}

/// Whether two trees are the same but for places. An account id may have got quotes.
fn alike(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Scalar { text: a, quoted: was }, Kind::Scalar { text: b, quoted: is }) => {
            a == b && (was == is || *is && is_account_id(a))
        }
        (Kind::List(a), Kind::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Kind::Map(a), Kind::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.key == b.key && alike(&a.value, &b.value))
        }
        (a, b) => a == b,
    }
}

/// Twelve digits: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>.
/// Unquoted, other YAML readers take them for a number and drop leading zeros.
fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first line of a file that differs from the canonical text, for `fmt --check`; `None` if there
/// is none.
pub fn first_difference(sources: &Sources, file: FileId, written: &str) -> Option<Span> {
    let text = &sources.get(file).text;
    if text == written {
        return None;
    }
    let same = text.bytes().zip(written.bytes()).take_while(|(a, b)| a == b).count();
    let start =
        text.as_bytes()[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let rest = text.as_bytes()[start..].iter().position(|byte| *byte == b'\n');
    let end = rest.map_or(text.len(), |length| start + length);
    Some(Span::new(file, start, end))
}
