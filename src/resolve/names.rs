//! What a name refers to, and what is said when it refers to nothing or to the wrong kind of thing.

use std::collections::BTreeMap;

use super::Resolver;
use crate::diagnostic::{self, Diagnostic};
use crate::lake::places::{Database, Location, Place};
use crate::names::{BucketName, Name};
use crate::source::Span;
use crate::spec::reference::{Reference, Section};
use crate::spec::words::Duration;
use crate::syntax::Kind;

impl Resolver<'_> {
    /// Resolves a reference that must mean objects of a bucket.
    pub(super) fn location(
        &mut self,
        reference: &Reference,
        span: Span,
        path: &str,
    ) -> Option<Location> {
        match reference {
            Reference::Bucket { bucket, prefix } => {
                let bucket =
                    self.thing(bucket, &[Section::Buckets], "bucket", span, path, |name| {
                        format!("{name}/{}", prefix.0)
                    })?;
                Some(Location { bucket, prefix: prefix.0.clone() })
            }
            Reference::Thing(name) => {
                let bucket =
                    self.thing(name, &[Section::Buckets], "bucket", span, path, str::to_owned)?;
                Some(Location { bucket, prefix: String::new() })
            }
            Reference::Table { .. } | Reference::Each(_) => {
                self.report(
                    Diagnostic::error(
                        diagnostic::LW0205,
                        span,
                        format!("`{reference}` is not a bucket or a prefix in one"),
                    )
                    .help("a bucket reads `raw/`, a prefix `raw/partner/`"),
                    path,
                );
                None
            }
        }
    }

    /// Resolves a name of the shared namespace that must be of one of these sections.
    pub(super) fn thing(
        &mut self,
        name: &Name,
        sections: &[Section],
        what: &str,
        span: Span,
        path: &str,
        written: impl Fn(&str) -> String,
    ) -> Option<Name> {
        match self.things.get(name) {
            Some(_) if self.unusable.contains(name) => None,
            Some((section, _)) if sections.contains(section) => Some(name.clone()),
            Some((section, declared)) => {
                let (section, declared) = (*section, *declared);
                let known: Vec<String> = self
                    .things
                    .iter()
                    .filter(|(_, (section, _))| sections.contains(section))
                    .take(5)
                    .map(|(name, _)| format!("`{}`", written(name.as_str())))
                    .collect();
                let help = match known.is_empty() {
                    true => format!("there is no {what} here yet: declare one under another name"),
                    false => format!("what could stand here: {}", known.join(", ")),
                };
                let diagnostic = Diagnostic::error(
                    diagnostic::LW0205,
                    span,
                    format!("`{}` is a {}, not a {what}", written(name.as_str()), section.one()),
                )
                .also(declared, format!("the {} is declared here", section.one()))
                .help(help);
                self.report(diagnostic, path);
                None
            }
            None if sections.iter().any(|section| self.unreadable_section(*section)) => None,
            None => {
                let known: Vec<(Name, Span)> = self
                    .things
                    .iter()
                    .filter(|(_, (section, _))| sections.contains(section))
                    .map(|(name, (_, span))| (name.clone(), *span))
                    .collect();
                let known = known.iter().map(|(name, span)| (name.as_str(), Some(*span)));
                self.unknown(what, name.as_str(), span, path, known, written);
                None
            }
        }
    }

    /// Resolves a reference that must mean data: objects, a database or a table.
    pub(super) fn place(
        &mut self,
        reference: &Reference,
        span: Span,
        path: &str,
        databases: &BTreeMap<Name, Database>,
    ) -> Option<Place> {
        match reference {
            Reference::Bucket { .. } => self.location(reference, span, path).map(Place::Objects),
            Reference::Thing(name) => {
                let sections = [Section::Buckets, Section::Databases];
                let name = self.thing(name, &sections, "place", span, path, str::to_owned)?;
                Some(match self.things.get(&name) {
                    Some((Section::Buckets, _)) => {
                        Place::Objects(Location { bucket: name, prefix: String::new() })
                    }
                    _ => Place::Database(name),
                })
            }
            Reference::Table { database, table } => self
                .table_name(database, table, span, path, databases)
                .map(|(database, table)| Place::Table { database, table }),
            Reference::Each(_) => {
                let headline =
                    format!("`{reference}` names a whole section; here one place is wanted");
                self.report(
                    Diagnostic::error(diagnostic::LW0205, span, headline).help(
                        "name a bucket `raw/`, a prefix `raw/partner/`, a database or a table",
                    ),
                    path,
                );
                None
            }
        }
    }

    /// Resolves a table.
    pub(super) fn table_name(
        &mut self,
        database: &Name,
        table: &Name,
        span: Span,
        path: &str,
        databases: &BTreeMap<Name, Database>,
    ) -> Option<(Name, Name)> {
        let database =
            self.thing(database, &[Section::Databases], "database", span, path, |name| {
                format!("{name}.{table}")
            })?;
        let tables = &databases.get(&database)?;
        let declared = self.spec.databases.iter().find(|item| item.name.value == database)?;
        let known =
            declared.value.tables.iter().map(|item| (item.name.as_str(), Some(item.name.span)));
        if tables.tables.contains_key(table) || tables.existing {
            return Some((database, table.clone()));
        }
        let broken = declared.value.tables.broken.iter().any(|name| name.value == *table);
        let unread = broken
            || self.unreadable(&format!("databases.{database}.tables"))
                && declared.value.tables.items.is_empty();
        if !unread && declared.value.tables.iter().all(|item| item.name.value != *table) {
            let known: Vec<(String, Option<Span>)> =
                known.map(|(name, span)| (name.to_owned(), span)).collect();
            let known = known.iter().map(|(name, span)| (name.as_str(), *span));
            self.unknown("table", table.as_str(), span, path, known, |name| {
                format!("{database}.{name}")
            });
        }
        None
    }

    /// Resolves a key.
    pub(super) fn key_name(&mut self, key: &Name, span: Span, path: &str) -> Option<Name> {
        let spec = self.spec;
        if spec.keys.iter().any(|item| item.name.value == *key) {
            return Some(key.clone());
        }
        let broken = spec.keys.broken.iter().any(|name| name.value == *key);
        let unread = self
            .tree
            .get("keys")
            .is_some_and(|node| !matches!(node.kind, Kind::Map(_) | Kind::Null));
        if broken || unread {
            return None;
        }
        let known = spec.keys.iter().map(|item| (item.name.as_str(), Some(item.name.span)));
        self.unknown("KMS key", key.as_str(), span, path, known, |name| format!("keys.{name}"));
        None
    }

    /// A bucket's name that was worked out: it has to fit S3's rules.
    pub(super) fn bucket_name(&mut self, text: &str, span: Span, path: &str) -> Option<BucketName> {
        match BucketName::new(text) {
            Ok(name) => Some(name),
            Err(reason) => {
                let headline = match text.len() {
                    0..=63 => format!("`{text}` cannot be the name of a bucket"),
                    n => format!("a bucket would have a name of {n} characters, S3 takes 63"),
                };
                let diagnostic =
                    Diagnostic::error(diagnostic::LW0502, span, headline).note(reason).help(
                        "shorten the names it is made of, or give the bucket a `name` of its own",
                    );
                self.report(diagnostic, path);
                None
            }
        }
    }

    /// Whole days within bounds; out of them the nearest bound, and an error.
    pub(super) fn days_within(
        &mut self,
        given: Duration,
        span: Span,
        path: &str,
        min: i64,
        max: i64,
    ) -> i64 {
        let headline = if !given.is_whole_days() {
            format!("`{given}` is not a whole number of days")
        } else if !(min..=max).contains(&given.days()) {
            format!("`{given}` is out of range: from {min}d to {max}d")
        } else {
            return given.days();
        };
        let nearest = given.days().clamp(min, max);
        let diagnostic = Diagnostic::error(diagnostic::LW0306, span, headline)
            .maybe(span, format!("{nearest}d"));
        self.report(diagnostic, path);
        nearest
    }

    /// Keys that mean nothing beside `existing`.
    pub(super) fn no_others(&mut self, path: &str, others: &[(&str, Option<Span>)]) {
        for (key, span) in others {
            if let Some(span) = span {
                self.report(
                    Diagnostic::error(
                        diagnostic::LW0211,
                        *span,
                        format!("`{key}` means nothing beside `existing`"),
                    )
                    .note("what is not ours is referred to and never changed"),
                    &format!("{path}.{key}"),
                );
            }
        }
    }
}
