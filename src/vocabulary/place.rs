//! Where in a document's file something stands that is named by its path: `statements[0].Condition.StringEquals`.
//!
//! JSON is YAML, so the tree of `syntax` has every place. What cannot be found ends at the nearest that can.

use crate::policy::FillError;
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, Kind, Node};

/// The place of an error.
pub fn at(sources: &Sources, id: FileId, error: &FillError) -> Span {
    let text = &sources.get(id).text;
    if let Some(offset) = json_offset(text, &error.reason) {
        return Span::new(id, offset, (offset + 1).min(text.len()));
    }
    if error.reason.contains("stands twice") {
        let (_, found) = syntax::parse(sources, id);
        let twice = found.iter().find(|one| one.headline.contains("twice"));
        if let Some(label) = twice.and_then(|one| one.primary.as_ref()) {
            return label.span;
        }
    }
    let place = error.place.strip_prefix("the file.").unwrap_or(&error.place);
    // what names a parameter, and a text that minijinja does not take
    if let Some(name) = place.strip_prefix("parameter `").and_then(|rest| rest.strip_suffix('`')) {
        return of(sources, id, &format!("parameters.{name}"));
    }
    if let Some(source) = place.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'))
        && let Some(offset) = text.find(source)
    {
        return Span::new(id, offset, offset + source.len());
    }
    // a key that has no place there is named; a value too, mostly
    let place = if place == "effect and layer" { "effect" } else { place };
    quoted(sources, id, of(sources, id, place), &error.reason)
}

/// The place of the text that a reason quotes, where it follows soon; else where the search began.
fn quoted(sources: &Sources, id: FileId, from: Span, reason: &str) -> Span {
    const SOON: usize = 400;
    let text = &sources.get(id).text;
    let start = from.start as usize;
    let found = reason.split('`').nth(1).filter(|word| !word.is_empty()).and_then(|word| {
        let offset = text.get(start..)?.find(word)?;
        // at the beginning of the file stands what is wrong with all of it
        let soon = start == 0 || offset < SOON;
        soon.then(|| Span::new(id, start + offset, start + offset + word.len()))
    });
    found.unwrap_or(from)
}

/// The place of a path, which may begin with the Sid of a statement instead of its number.
pub fn of(sources: &Sources, id: FileId, path: &str) -> Span {
    let (tree, _) = syntax::parse(sources, id);
    let statements = tree.get("statements").map(|node| &node.kind);
    if let Some(Kind::List(statements)) = statements {
        let (name, rest) = path.split_once('.').unwrap_or((path, "Sid"));
        let sid = |node: &&Node| node.get("Sid").and_then(Node::text) == Some(name);
        if let Some(found) = statements.iter().find(sid) {
            return walk(found, rest).unwrap_or(found.span);
        }
    }
    walk(&tree, path).unwrap_or(Span::new(id, 0, 1))
}

/// Follows a path as far as it goes; keys may hold dots, so the longest that fits is taken.
fn walk(node: &Node, path: &str) -> Option<Span> {
    let rest = path.strip_prefix('.').unwrap_or(path);
    match &node.kind {
        Kind::Map(entries) => {
            let fits = |key: &str| {
                rest.strip_prefix(key)
                    .filter(|more| more.is_empty() || more.starts_with(['.', '[']))
            };
            let entry = entries
                .iter()
                .filter(|entry| !entry.key.is_empty() && fits(&entry.key).is_some())
                .max_by_key(|entry| entry.key.len())?;
            let more = fits(&entry.key)?;
            let itself = match entry.value.kind {
                Kind::Scalar { .. } => entry.value.span,
                _ => entry.key_span,
            };
            Some(walk(&entry.value, more).unwrap_or(itself))
        }
        Kind::List(items) => {
            let (number, more) = rest.strip_prefix('[')?.split_once(']')?;
            let item = items.get(number.parse::<usize>().ok()?)?;
            let first = Span { end: item.span.start + 1, ..item.span };
            Some(walk(item, more).unwrap_or(first))
        }
        _ => None,
    }
}

/// The offset of `line 3 column 7` in a message of the JSON parser.
fn json_offset(text: &str, reason: &str) -> Option<usize> {
    let reason = reason.strip_prefix("it is not JSON")?;
    let (_, place) = reason.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(" column ")?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    Some(offset)
}
