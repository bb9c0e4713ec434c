//! Aliases: copies of values, bounded in number and depth.

use std::ops::Range;

use super::{Builder, Content, Frame, Key, MAX_COPIES, MAX_DEPTH};
use crate::diagnostic::{self as codes, Diagnostic};
use crate::syntax::{Kind, Node, shown};

impl Builder<'_> {
    pub(super) fn alias(&mut self, anchor: usize, range: Range<usize>) {
        let name = shown(self.text.get(range.clone()).unwrap_or("*"));
        let Some(known) = self.anchors.get(&anchor) else {
            if self.frames.iter().any(|frame| frame.anchor == anchor) {
                let finding = Diagnostic::error(
                    codes::LW0106,
                    self.span(&range),
                    format!("`{name}` stands inside the value that it names"),
                )
                .label("this would never end")
                .help("write out what is meant here, without the alias");
                self.report(finding);
            }
            self.broken(range);
            return;
        };
        if self.awaits_key() {
            let text = known.node.text().map(str::to_owned);
            match text {
                Some(text) => self.key(&text, false, false, range),
                None => {
                    let finding = Diagnostic::error(
                        codes::LW0110,
                        self.span(&range),
                        format!("`{name}` is no text"),
                    )
                    .label("a key is a text")
                    .help("write the key itself");
                    self.report(finding);
                    if let Some(Frame { content: Content::Map { key, .. }, .. }) =
                        self.frames.last_mut()
                    {
                        *key = Key::Unusable;
                    }
                }
            }
            return;
        }
        if self.frames.len() + known.depth > MAX_DEPTH {
            let finding =
                Diagnostic::error(codes::LW0111, self.span(&range), "values are nested too deeply")
                    .label(format!("with `{name}` there are more than {MAX_DEPTH} levels"))
                    .help("take a level out: no spec needs more than a dozen");
            self.report(finding);
            self.broken(range);
            return;
        }
        self.copies += known.size;
        if self.copies > MAX_COPIES {
            self.exhaust(&range);
            self.broken(range);
            return;
        }
        let node = known.node.clone();
        self.value(node, 0, false, range);
    }

    pub(super) fn exhaust(&mut self, range: &Range<usize>) {
        if !std::mem::replace(&mut self.exhausted, true) {
            let finding = Diagnostic::error(
                codes::LW0106,
                self.span(range),
                "aliases make the file too large",
            )
            .label(format!("with this one they stand for more than {MAX_COPIES} values"))
            .help("take aliases of aliases out; what many things share goes into `defaults`");
            self.report(finding);
        }
    }
}

/// The number of values in a tree and of levels below it.
pub(super) fn measure(node: &Node) -> (usize, usize) {
    let children: Box<dyn Iterator<Item = &Node>> = match &node.kind {
        Kind::List(items) => Box::new(items.iter()),
        Kind::Map(entries) => Box::new(entries.iter().map(|entry| &entry.value)),
        _ => return (1, 0),
    };
    let (size, depth) = children
        .map(measure)
        .fold((0, 0), |(size, depth), (more, deep)| (size + more, depth.max(deep)));
    (size + 1, depth + 1)
}
