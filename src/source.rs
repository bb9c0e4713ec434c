//! Files and places in them.
//!
//! A [`Span`] is two byte offsets and a file's number, so that it can be carried by every value of a
//! spec for eight bytes and a half; lines and columns are worked out when somebody looks.

use std::fmt;

/// A file's number among the [`Sources`] of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(u16);

/// A range of bytes in a file, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The range from `start` to `end` of a file.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file, start: offset(start), end: offset(end.max(start)) }
    }

    /// The bytes, for slicing the file's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this one to the end of `other`, which must be of the same file.
    pub fn to(self, other: Span) -> Span {
        Span { end: other.end.max(self.end), ..self }
    }
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user named it; what messages print.
    pub name: String,
    pub text: String,
    line_starts: Vec<u32>,
}

/// A place as people write it: both from 1, columns in Unicode characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The files of one run.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Takes a file in. At most 65,535 files, 4 GiB each.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let starts = std::iter::once(0).chain(
            text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u32 + 1),
        );
        let line_starts = starts.collect();
        self.0.push(Source { name: name.into(), text, line_starts });
        FileId(u16::try_from(self.0.len() - 1).expect("invariant: one run reads few files"))
    }

    /// The file that was taken in first: the spec, where one was read.
    pub fn first(&self) -> Option<&Source> {
        self.0.first()
    }

    /// The file of this number.
    pub fn get(&self, file: FileId) -> &Source {
        &self.0[usize::from(file.0)]
    }

    /// The text under a span.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or("")
    }

    /// Where a span starts.
    pub fn start(&self, span: Span) -> Position {
        self.position(span.file, span.start)
    }

    /// Where a span ends (the first character behind it).
    pub fn end(&self, span: Span) -> Position {
        self.position(span.file, span.end)
    }

    fn position(&self, file: FileId, offset: u32) -> Position {
        let source = self.get(file);
        let line = source.line_starts.partition_point(|start| *start <= offset) - 1;
        let start = source.line_starts[line] as usize;
        let end = (offset as usize).min(source.text.len());
        let column = source.text.get(start..end).map_or(0, |text| text.chars().count());
        Position { line: line as u32 + 1, column: column as u32 + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let mut sources = Sources::default();
        let file = sources.add("lake.yaml", "a: ü\nb: ö x\n");
        let at = sources.get(file).text.find('x').unwrap();
        assert_eq!(sources.start(Span::new(file, at, at + 1)), Position { line: 2, column: 6 });
        assert_eq!(sources.slice(Span::new(file, at, at + 1)), "x");
        assert_eq!(sources.start(Span::new(file, 99, 100)).line, 3);
    }
}
