//! What is wrong with keys: twice there, merge keys, no space behind the colon.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{Builder, Content, Frame, Key};
use crate::diagnostic::{self as codes, Diagnostic};
use crate::source::{FileId, Span};
use crate::syntax::{Entry, Kind, Node, shown};

impl Builder<'_> {
    pub(super) fn key(&mut self, text: &str, plain: bool, empty: bool, range: Range<usize>) {
        let next = if empty {
            let finding = Diagnostic::error(
                codes::LW0110,
                self.span(&range),
                "a key is missing in front of `:`",
            )
            .label("nothing stands here")
            .help("write a key in front of the colon, or take the line out");
            self.report(finding);
            Key::Unusable
        } else if plain && text == "<<" {
            Key::Merge(range)
        } else {
            Key::Text(text.into(), range)
        };
        if let Some(Frame { content: Content::Map { key, .. }, .. }) = self.frames.last_mut() {
            *key = next;
        }
    }

    pub(super) fn report_merge(&mut self, at: Range<usize>) {
        self.report(
            Diagnostic::error(codes::LW0107, self.span(&at), "merge keys (`<<`) are not part of a spec")
                .label("YAML 1.2 has no merge key")
                .help("put what all buckets share under `defaults.buckets`, what differs by environment under `environments.<name>.set`, or use an alias (`*name`) for the whole value"),
        );
    }

    /// In brackets, `from:s3` is a key without a value to YAML.
    pub(super) fn bare_key(&mut self, at: Range<usize>) {
        let text = &self.text[at.clone()];
        if !is_glued(text) {
            return;
        }
        let colon = at.start + text.find(':').unwrap_or(0) + 1;
        self.report(glued(self.file, text, &at, colon));
        if let Some(Frame { content: Content::Map { entries, .. }, .. }) = self.frames.last_mut() {
            entries.pop();
        }
    }

    /// Whether a text over several lines is a map without spaces behind its colons.
    pub(super) fn lacks_space(&mut self, range: &Range<usize>) -> bool {
        let text = &self.text[range.clone()];
        let lines = || text.split('\n').map(str::trim).filter(|line| !line.is_empty());
        let several = text.contains('\n') || self.frames.is_empty();
        if !several || !lines().all(is_glued) {
            return false;
        }
        for line in lines() {
            let start = line.as_ptr() as usize - self.text.as_ptr() as usize;
            let colon = start + line.find(':').unwrap_or(0) + 1;
            self.report(glued(self.file, line, &(start..start + line.len()), colon));
        }
        true
    }

    /// Reports keys that stand twice and keeps the first; two maps are laid together, so that what
    /// stands in the second is not unknown to the rest of the spec.
    pub(super) fn duplicates(&mut self, entries: &mut Vec<Entry>) {
        let twice: Vec<(usize, usize)> = if entries.len() <= 16 {
            (1..entries.len())
                .filter_map(|at| {
                    let first = entries[..at].iter().position(|e| e.key == entries[at].key)?;
                    Some((first, at))
                })
                .collect()
        } else {
            let mut first: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
            let keys = entries.iter().enumerate();
            keys.filter_map(|(at, entry)| {
                let known = *first.entry(&entry.key).or_insert(at);
                (known != at).then_some((known, at))
            })
            .collect()
        };
        for &(first, at) in twice.iter() {
            let (key, known) = (&entries[at], &entries[first]);
            let text = key.key.clone();
            let mut finding = Diagnostic::error(
                codes::LW0104,
                key.key_span,
                format!("the key `{}` stands here twice", shown(&text)),
            )
            .label("again")
            .also(known.key_span, "the first one")
            .at(self.path(&text));
            finding =
                if matches!((&known.value.kind, &key.value.kind), (Kind::Map(_), Kind::Map(_))) {
                    finding.help("put both parts under one key")
                } else {
                    finding.help("keep one of them")
                };
            self.findings.push(finding);
        }
        if twice.is_empty() {
            return;
        }
        let mut again: HashMap<usize, usize> =
            twice.into_iter().map(|(first, at)| (at, first)).collect();
        let mut places = Vec::with_capacity(entries.len());
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for (at, entry) in std::mem::take(entries).into_iter().enumerate() {
            let Some(first) = again.remove(&at) else {
                places.push(kept.len());
                kept.push(entry);
                continue;
            };
            places.push(0);
            let first: &mut Entry = &mut kept[places[first]];
            if let (Kind::Map(known), Kind::Map(more)) = (&mut first.value.kind, entry.value.kind) {
                extend(known, more);
            }
        }
        *entries = kept;
    }

    /// Does what `<<` was meant to do, so that nothing else is missing.
    pub(super) fn merge(&mut self, entries: &mut Vec<Entry>, merged: Node) {
        match merged.kind {
            Kind::Map(given) => extend(entries, given),
            Kind::List(items) => items.into_iter().for_each(|item| self.merge(entries, item)),
            _ => {}
        }
    }

    /// The path of a key in the map that was just closed.
    fn path(&self, key: &str) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            match &frame.content {
                Content::List(items) => path += &format!("[{}]", items.len()),
                Content::Map { key: Key::Text(text, _), .. } => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path += text;
                }
                Content::Map { .. } => {}
            }
        }
        if !path.is_empty() {
            path.push('.');
        }
        path + key
    }
}

/// Adds the entries whose keys are not there yet.
fn extend(entries: &mut Vec<Entry>, more: Vec<Entry>) {
    let known: HashSet<Box<str>> = entries.iter().map(|entry| entry.key.clone()).collect();
    entries.extend(more.into_iter().filter(|entry| !known.contains(&entry.key)));
}

/// Whether a text is a key and a value that lack the space behind the colon.
pub(in crate::syntax) fn is_glued(text: &str) -> bool {
    let Some((key, value)) = text.split_once(':') else { return false };
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(word)
        && !value.is_empty()
        && !value.starts_with(['/', ':', ' '])
        && !matches!(key, "arn" | "http" | "https" | "s3")
}

/// The finding for it.
pub(in crate::syntax) fn glued(
    file: FileId,
    text: &str,
    range: &Range<usize>,
    colon: usize,
) -> Diagnostic {
    let key = text.split(':').next().unwrap_or("");
    Diagnostic::error(
        codes::LW0116,
        Span::new(file, range.start, range.end),
        format!("no space between `{}:` and its value", shown(key)),
    )
    .label("YAML takes this for one text")
    .fix(Span::new(file, colon, colon), " ")
}
