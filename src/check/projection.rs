//! Partition projection says all that Athena needs, and nothing else (LW0202, LW0211, LW0305).
//!
//! After "Supported types for partition projection" and "Set up partition projection" in the Athena
//! User Guide.

use crate::diagnostic::{self, Code, Diagnostic, Diagnostics};
use crate::lake::{Lake, Table};
use crate::source::Span;
use crate::spec::databases::{Partition, PartitionColumn, Projection, ProjectionKind};

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    for table in lake.databases.values().flat_map(|database| database.tables.values()) {
        let Some(Partition::Folders(folders)) = &table.partition else { continue };
        all_or_none(table, folders, found);
        for folder in folders {
            if let Some(projection) = &folder.projection {
                let path = format!("{}.partition.{}.project", table.path(), folder.name.value.0);
                Rule { folder, projection, path, found }.check();
            }
        }
    }
}

/// "Every partition column must be projected" once a table uses projection.
fn all_or_none(table: &Table, folders: &[PartitionColumn], found: &mut Diagnostics) {
    let Some(projected) = folders.iter().find(|folder| folder.projection.is_some()) else { return };
    for folder in folders.iter().filter(|folder| folder.projection.is_none()) {
        if !folder.kind.value.is_readable() {
            continue;
        }
        let (name, other) = (&folder.name.value.0, &projected.name.value.0);
        found.push(
            Diagnostic::error(
                diagnostic::LW0202,
                folder.name.span,
                format!("partition column `{name}` has no `project`"),
            )
            .also(projected.name.span, format!("`{other}` has one"))
            .at(format!("{}.partition.{name}", table.path()))
            .note("Athena works out all partitions of a table or none")
            .help(format!("say what its values are: `{name}: {{ type: {}, project: {{ kind: enum, values: [...] }} }}`", folder.kind.value.0)),
        );
    }
}

struct Rule<'a> {
    folder: &'a PartitionColumn,
    projection: &'a Projection,
    path: String,
    found: &'a mut Diagnostics,
}

impl Rule<'_> {
    fn check(mut self) {
        let projection = self.projection;
        let kind = projection.kind.value;
        // The keys that are there, and whether this kind takes them.
        let integer = kind == ProjectionKind::Integer;
        let date = kind == ProjectionKind::Date;
        let given = [
            ("range", projection.range.first().map(|at| at.span), integer || date),
            ("values", projection.values.first().map(|at| at.span), kind == ProjectionKind::Enum),
            ("form", projection.form.as_ref().map(|at| at.span), date),
            ("interval", projection.interval.as_ref().map(|at| at.span), integer || date),
            ("unit", projection.unit.as_ref().map(|at| at.span), date),
            ("digits", projection.digits.as_ref().map(|at| at.span), integer),
        ];
        for (key, span, fits) in given {
            if let (Some(span), false) = (span, fits) {
                let headline = format!("`{key}` means nothing for kind `{}`", kind.as_str());
                let kind = projection.kind.span;
                self.report(diagnostic::LW0211, span, key, headline, |d| {
                    d.also(kind, "the kind").help(format!("take `{key}` out"))
                });
            }
        }
        match kind {
            ProjectionKind::Enum if projection.values.is_empty() => {
                self.missing("values", "values: [eu, us]");
            }
            ProjectionKind::Integer => self.integer(),
            ProjectionKind::Date => self.date(),
            ProjectionKind::Enum | ProjectionKind::Injected => {}
        }
        self.column_type();
    }

    fn report(
        &mut self,
        code: Code,
        span: Span,
        key: &str,
        headline: String,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let path = format!("{}.{key}", self.path);
        self.found.push(more(Diagnostic::error(code, span, headline).at(path)));
    }

    fn missing(&mut self, key: &str, example: &str) {
        let span = self.projection.kind.span;
        let headline = format!("kind `{}` needs `{key}`", self.projection.kind.value.as_str());
        self.report(diagnostic::LW0202, span, key, headline, |d| {
            d.help(format!("write, say, `{example}`"))
        });
    }

    /// The first and the last value, if there are two.
    fn range(&mut self, example: &str) -> Option<[(String, Span); 2]> {
        let range = &self.projection.range;
        match &range[..] {
            [] => self.missing("range", example),
            [first, last] => {
                return Some([
                    (first.value.0.clone(), first.span),
                    (last.value.0.clone(), last.span),
                ]);
            }
            [first, ..] => {
                let count = range.len();
                let headline = format!("a range is a first and a last value, these are {count}");
                let (span, help) = (first.span, format!("write, say, `{example}`"));
                self.report(diagnostic::LW0305, span, "range", headline, |d| d.help(help));
            }
        }
        None
    }

    fn integer(&mut self) {
        let Some(range) = self.range("range: [1, 31]") else { return };
        let mut numbers = Vec::new();
        for (text, span) in &range {
            match text.parse::<i64>() {
                Ok(number) => numbers.push(number),
                Err(_) => {
                    let headline = format!("`{text}` is not a whole number");
                    self.report(diagnostic::LW0305, *span, "range", headline, |d| {
                        d.help("a range of whole numbers reads `range: [1, 31]`")
                    });
                }
            }
        }
        if let [first, last] = numbers[..]
            && first > last
        {
            let headline = format!("the range from {first} to {last} is empty");
            self.report(diagnostic::LW0306, range[1].1, "range", headline, |d| {
                d.also(range[0].1, "the first value")
            });
        }
    }

    fn date(&mut self) {
        let Some(form) = &self.projection.form else {
            return self.missing("form", "form: yyyy-MM-dd");
        };
        let (text, span) = (form.value.clone(), form.span);
        let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
        if !letters.contains('y') && !letters.contains('u') {
            let headline = format!("`{text}` is not the form of a date");
            self.report(diagnostic::LW0305, span, "form", headline, |d| {
                d.note("it is a pattern of Java's, such as `yyyy-MM-dd` or `yyyy/MM/dd/HH`")
            });
            return;
        }
        // "interval.unit: required unless the form has single-day or single-month precision".
        let fine = letters.contains(['H', 'h', 'm', 's', 'S', 'k']);
        if fine && (self.projection.unit.is_none() || self.projection.interval.is_none()) {
            let headline = format!("the form `{text}` needs `interval` and `unit`");
            self.report(diagnostic::LW0202, span, "unit", headline, |d| {
                d.note("only forms that end with days or months have a step by themselves")
                    .help("write, say, `interval: 1, unit: HOURS`")
            });
        }
        let Some(range) = self.range("range: [2024-01-01, NOW]") else { return };
        for (value, span) in range {
            if !is_now(&value) && !has_form(&value, &text) {
                let headline = format!("`{value}` has not the form `{text}`");
                self.report(diagnostic::LW0305, span, "range", headline, |d| {
                    d.help("a bound is a date in that form, or `NOW`, `NOW-3YEARS`, `NOW+1DAY`")
                });
            }
        }
    }

    /// "Integer: int or bigint or string; date: string, date or timestamp; injected: string".
    fn column_type(&mut self) {
        let kind = &*self.folder.kind.value.0;
        let text = kind == "string" || kind.starts_with("varchar") || kind.starts_with("char");
        let whole = matches!(kind, "int" | "bigint" | "smallint" | "tinyint");
        let (fits, wanted) = match self.projection.kind.value {
            ProjectionKind::Enum => (text || whole || kind == "date", "string"),
            ProjectionKind::Integer => (text || whole, "int"),
            ProjectionKind::Date => (text || kind == "date" || kind == "timestamp", "string"),
            ProjectionKind::Injected => (text, "string"),
        };
        if !fits && self.folder.kind.value.is_readable() {
            let headline =
                format!("kind `{}` does not work on a {kind}", self.projection.kind.value.as_str());
            let (span, column) = (self.projection.kind.span, self.folder.kind.span);
            self.report(diagnostic::LW0211, span, "kind", headline, |d| {
                d.also(column, "the type of the column").maybe(column, wanted)
            });
        }
    }
}

/// `NOW`, or a distance from it.
fn is_now(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let Some(rest) = compact.strip_prefix("NOW") else { return false };
    let Some(rest) = rest.strip_prefix(['+', '-']) else { return rest.is_empty() };
    let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    const UNITS: [&str; 7] = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"];
    unit.len() < rest.len() && UNITS.contains(&unit.strip_suffix('S').unwrap_or(unit))
}

/// Whether digits stand where the form has letters, and its signs where it has them. Letters in
/// single quotes stand for themselves; a form with names of months or zones is not looked at closer.
fn has_form(value: &str, form: &str) -> bool {
    if form.contains('\'') || form.contains("MMM") || form.contains(['E', 'z', 'Z', 'X', 'a']) {
        return true;
    }
    value.chars().count() == form.chars().count()
        && value.chars().zip(form.chars()).all(|(value, form)| {
            if form.is_ascii_alphabetic() { value.is_ascii_digit() } else { value == form }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_dates() {
        for now in ["NOW", "NOW-3YEARS", "NOW+1DAY", "NOW - 10 HOURS"] {
            assert!(is_now(now), "{now}");
        }
        for other in ["now", "NOWISH", "NOW-YEARS", "NOW-3", "NOW-3AGES"] {
            assert!(!is_now(other), "{other}");
        }
        assert!(has_form("2024-01-01", "yyyy-MM-dd"));
        assert!(has_form("2024/01/01/23", "yyyy/MM/dd/HH"));
        assert!(!has_form("01.01.2024", "yyyy-MM-dd"));
        assert!(!has_form("2024-1-1", "yyyy-MM-dd"));
    }
}
