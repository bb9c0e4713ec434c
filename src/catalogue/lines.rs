//! A file of facts, one named JSON object a line, each parsed when it is first asked for.
//!
//! Invariant: the lines stand in ascending order of their names, and each begins with `{"name":"...",`.

use std::sync::OnceLock;

/// The lines of one embedded file, and what was made of those that were asked for.
pub(super) struct Lines<T> {
    rows: Vec<Row<T>>,
    read: fn(&'static str) -> T,
}

struct Row<T> {
    name: &'static str,
    text: &'static str,
    parsed: OnceLock<T>,
}

impl<T> Lines<T> {
    /// Finds the lines and their names; `read` parses a line.
    pub(super) fn new(file: &'static str, read: fn(&'static str) -> T) -> Self {
        let rows = file
            .lines()
            .map(|text| Row {
                name: text
                    .strip_prefix("{\"name\":\"")
                    .and_then(|rest| rest.split_once('"'))
                    .expect("invariant: a line of facts begins with its name")
                    .0,
                text,
                parsed: OnceLock::new(),
            })
            .collect();
        Lines { rows, read }
    }

    /// What the line called `name` says.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        let at = self.rows.binary_search_by(|row| row.name.cmp(name)).ok()?;
        Some(self.parsed(&self.rows[at]))
    }

    /// The names, ascending.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().map(|row| row.name)
    }

    /// What all lines say, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|row| self.parsed(row))
    }

    fn parsed<'a>(&self, row: &'a Row<T>) -> &'a T {
        row.parsed.get_or_init(|| (self.read)(row.text))
    }
}
