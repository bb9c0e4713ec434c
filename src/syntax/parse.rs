//! A file to a tree, whatever stands in it.
//!
//! Looks for treacherous characters, then parses; at each place where the scanner gives up, the
//! mistake is reported, mended or left out in the draft, and the text is parsed again. So several
//! independent mistakes are all found, and the rest of the file is there for the checks that follow.
//! A value that was left out is [`Kind::Broken`] under its key. Bounded in rounds and in bytes.

use std::collections::HashMap;

use super::draft::Draft;
use super::explain::{Remedy, explain, item_range};
use super::outline::Outline;
use super::tree::build;
use super::{Kind, Node, characters};
use crate::diagnostic::{self as codes, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span};

/// How often a file is parsed again after an error.
const MAX_ROUNDS: usize = 50;
/// How many bytes are parsed again in all: a huge file gets fewer rounds.
const MAX_BYTES: usize = 64 << 20;

/// How many mistakes of one line are mended before the line is left out.
const MAX_MENDS: usize = 8;

/// What was found in a line so far.
#[derive(Default)]
struct Seen {
    mends: usize,
    drops: usize,
    /// The last mistake's place, from 1.
    place: usize,
}

/// Reads a file. A file without content gives [`Kind::Null`] and a finding.
pub fn parse(sources: &Sources, file: FileId) -> (Node, Diagnostics) {
    let text = &sources.get(file).text;
    let mut draft = Draft::new(text);
    let mut diagnostics = Diagnostics::default();
    let (findings, edits) = characters::check(text, file);
    findings.into_iter().for_each(|finding| diagnostics.push(finding));
    if !edits.is_empty() {
        draft.mend(edits);
    }
    let rounds = MAX_ROUNDS.min(MAX_BYTES / text.len().max(1)).max(1);
    // What was found in a line of the original, by the line's start.
    let mut lines: HashMap<usize, Seen> = HashMap::new();
    let mut round = 0;
    let root = loop {
        let stop = match build(&draft, file) {
            Ok(built) => {
                built.findings.into_iter().for_each(|finding| diagnostics.push(finding));
                break built.root;
            }
            Err(stop) => stop,
        };
        round += 1;
        let outline = Outline::new(draft.text());
        let (finding, remedy) = explain(draft.text(), &outline, file, &stop);
        let at = finding.primary.as_ref().map_or(stop.at, |label| label.span.range().start);
        let line = draft.to_original(outline.lines[outline.line_of(at)].start);
        let seen = lines.entry(line).or_default();
        // What is left of an item that was mended or left out is no new mistake.
        let place = draft.to_original(at) + 1;
        let new = seen.drops == 0 && seen.mends < MAX_MENDS && place > seen.place;
        seen.place = place;
        if new {
            diagnostics.push(draft.locate(finding));
        }
        if round > rounds + 1 {
            // Even what was left standing cannot be read.
            break Some(Node { span: Span::new(file, 0, text.len()), kind: Kind::Broken });
        }
        if round > rounds {
            let start = item_range(draft.text(), &outline, at, 1).start.min(stop.at);
            diagnostics.push(
                Diagnostic::new(
                    codes::LW0101,
                    codes::Severity::Error,
                    Some(Span::new(file, draft.to_original(stop.at), draft.to_original(stop.at))),
                    "too many mistakes: the rest of the file was not read",
                )
                .help("mend the ones above first"),
            );
            draft.blank(start..draft.text().len());
            continue;
        }
        match remedy {
            Remedy::Mend(edits) if new => {
                seen.mends += 1;
                draft.mend(edits);
            }
            Remedy::Mend(_) => {
                draft.blank(item_range(draft.text(), &outline, at, seen.drops));
                seen.drops += 1;
            }
            Remedy::DropLines(range) if new => {
                draft.blank(range);
                seen.drops += 1;
            }
            Remedy::DropLines(_) => {
                draft.blank(item_range(draft.text(), &outline, at, seen.drops));
                seen.drops += 1;
            }
            Remedy::Drop(at) => {
                draft.blank(item_range(draft.text(), &outline, at, seen.drops));
                seen.drops += 1;
            }
        }
    };
    let whole = Span::new(file, 0, text.len());
    let root = root.unwrap_or_else(|| {
        let kind = if draft.has_blanks() { Kind::Broken } else { Kind::Null };
        if kind == Kind::Null {
            diagnostics.push(
                Diagnostic::error(codes::LW0112, Span::new(file, 0, 0), "the file is empty")
                    .label("no spec starts here")
                    .help("`lakewright init` writes one to start from"),
            );
        }
        // What is wrong with it is said.
        Node { span: whole, kind: Kind::Broken }
    });
    diagnostics.sort();
    (root, diagnostics)
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark, as some editors write. What is neither
/// becomes U+FFFD, which [`parse`] reports at its place.
pub fn decode(bytes: Vec<u8>) -> String {
    let utf16 = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..]
            .chunks(2)
            .map(|pair| read([pair[0], pair.get(1).copied().unwrap_or(0)]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes.get(..2) {
        Some([0xFF, 0xFE]) => utf16(u16::from_le_bytes),
        Some([0xFE, 0xFF]) => utf16(u16::from_be_bytes),
        _ => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}
