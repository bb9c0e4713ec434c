//! How a text is laid out: the events of the scanner as a tree of places, and the comments.

use std::ops::Range;

use super::super::outline::is_block_header;
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

/// A node as it is written.
#[derive(Debug)]
pub(super) struct Item {
    /// The `&name` in front.
    pub anchor: Option<Range<usize>>,
    pub range: Range<usize>,
    pub shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    /// Nothing is written.
    Empty,
    /// A plain text or an alias.
    Plain,
    /// In quotes of this kind.
    Quoted(char),
    /// `|` or `>`; the range may go on to the next token.
    Block,
    List {
        flow: bool,
        items: Vec<Item>,
    },
    Map {
        flow: bool,
        entries: Vec<(Item, Item)>,
    },
}

impl Item {
    /// Where it starts, the anchor included.
    pub fn start(&self) -> usize {
        self.anchor.as_ref().map_or(self.range.start, |anchor| anchor.start.min(self.range.start))
    }
}

/// A whole text.
#[derive(Debug)]
pub(super) struct Layout {
    pub root: Option<Item>,
    /// Without the line breaks, ascending.
    pub comments: Vec<Range<usize>>,
    /// Where a `---` stands.
    pub marker: Option<Range<usize>>,
}

impl Layout {
    /// The texts of the comments.
    pub fn comments<'a>(&self, text: &'a str) -> Vec<&'a str> {
        self.comments.iter().map(|range| text[range.clone()].trim_end()).collect()
    }
}

/// Reads a text that is known to be a spec without errors. `None` for what such a text does not have
/// or the writer does not know, such as directives.
pub(super) fn read(text: &str) -> Option<Layout> {
    let options = granit_parser::options! {
        emit_comments: true,
        emit_anchor_events: true,
        disallow_directives: true,
        max_buffered_comment_events: text.len(),
    };
    let mut layout = Layout { root: None, comments: Vec::new(), marker: None };
    let mut open: Vec<Open> = Vec::new();
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.ok()?;
        let range = span.byte_range()?;
        let (shape, range) = match event {
            Event::Comment(..) => {
                layout.comments.push(range);
                continue;
            }
            Event::DocumentStart(explicit, _) => {
                documents += 1;
                if documents > 1 {
                    return None;
                }
                layout.marker = explicit.then_some(range);
                continue;
            }
            Event::Anchor(..) => {
                // It follows the node that it belongs to: the last child, or what was just opened.
                match open.last_mut() {
                    Some(parent) => match parent.children.last_mut() {
                        Some(child) => child.anchor = Some(range),
                        None => parent.anchor = Some(range),
                    },
                    None => layout.root.as_mut()?.anchor = Some(range),
                }
                continue;
            }
            Event::Scalar(_, style, _, tag) => {
                if tag.is_some() {
                    return None;
                }
                let shape = match style {
                    ScalarStyle::Plain if range.is_empty() => Shape::Empty,
                    ScalarStyle::Plain => Shape::Plain,
                    ScalarStyle::SingleQuoted => Shape::Quoted('\''),
                    ScalarStyle::DoubleQuoted => Shape::Quoted('"'),
                    ScalarStyle::Literal | ScalarStyle::Folded => Shape::Block,
                };
                // The scanner lets a block text start behind its header.
                let range = match shape {
                    Shape::Block => header(text, range.start)?..range.end,
                    _ => range,
                };
                (shape, range)
            }
            Event::Alias(_) => (Shape::Plain, range),
            Event::SequenceStart(style, _, None) => {
                open.push(Open::new(range, style, false));
                continue;
            }
            Event::MappingStart(style, _, None) => {
                open.push(Open::new(range, style, true));
                continue;
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => return None,
            Event::SequenceEnd | Event::MappingEnd => {
                let closed = open.pop()?;
                let item = Item {
                    anchor: closed.anchor.clone(),
                    range: closed.start..range.end,
                    shape: closed.shape()?,
                };
                put(&mut open, &mut layout, item);
                continue;
            }
            _ => continue,
        };
        put(&mut open, &mut layout, Item { anchor: None, range, shape });
    }
    Some(layout)
}

/// Where the `|` or `>` of a block text stands whose first line is here.
fn header(text: &str, first: usize) -> Option<usize> {
    let mut end = text[..first].rfind('\n')?;
    loop {
        let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let line = &text[start..end];
        let mut signs = line.match_indices(['|', '>']);
        let found = signs.find(|(at, _)| {
            let before = line[..*at].chars().next_back();
            before.is_none_or(|c| matches!(c, ' ' | '\t')) && is_block_header(&line[at + 1..])
        });
        if let Some((at, _)) = found {
            return Some(start + at);
        }
        end = start.checked_sub(1)?;
    }
}

fn put(open: &mut [Open], layout: &mut Layout, item: Item) {
    match open.last_mut() {
        Some(parent) => parent.children.push(item),
        None => layout.root = Some(item),
    }
}

/// A collection that is not complete yet.
struct Open {
    anchor: Option<Range<usize>>,
    start: usize,
    flow: bool,
    map: bool,
    children: Vec<Item>,
}

impl Open {
    fn new(range: Range<usize>, style: StructureStyle, map: bool) -> Self {
        let flow = style == StructureStyle::Flow;
        Open { anchor: None, start: range.start, flow, map, children: Vec::new() }
    }

    fn shape(self) -> Option<Shape> {
        let flow = self.flow;
        if !self.map {
            return Some(Shape::List { flow, items: self.children });
        }
        let mut entries = Vec::with_capacity(self.children.len() / 2);
        let mut children = self.children.into_iter();
        while let Some(key) = children.next() {
            entries.push((key, children.next()?));
        }
        Some(Shape::Map { flow, entries })
    }
}
