//! Keys, buckets, databases and tables.

use std::collections::BTreeMap;

use super::{Resolver, or};
use crate::diagnostic::{self, Diagnostic};
use crate::lake::places::{
    Bucket, Database, Encryption, Key, Location, Lock, Perimeter, Place, Replica, Table,
};
use crate::names::{BucketName, Name};
use crate::source::Span;
use crate::spec;
use crate::spec::buckets::{OrNever, Retention};
use crate::spec::databases::{Mode, check_table_name};
use crate::spec::decode::{At, Item};
use crate::spec::keys::Rotation;
use crate::spec::reference::{self, Reference, Section};
use crate::spec::words::Duration;
use crate::syntax::Kind;

impl Resolver<'_> {
    pub(super) fn keys(&mut self) -> BTreeMap<Name, Key> {
        let spec = self.spec;
        spec.keys.iter().map(|item| (item.name.value.clone(), self.key(item))).collect()
    }

    fn key(&mut self, item: &Item<spec::keys::Key>) -> Key {
        let (name, given) = (&item.name, &item.value);
        let path = format!("keys.{name}");
        let rotation_days =
            match given.rotation.as_ref().map(|rotation| (rotation.value, rotation.span)) {
                None => Some(365),
                Some((Rotation::Never, span)) => {
                    self.opt_out(
                        span,
                        format!("{path}.rotation"),
                        format!("key `{name}` is not rotated"),
                    );
                    None
                }
                // 90 to 2,560 days: KMS API reference, EnableKeyRotation, RotationPeriodInDays.
                Some((Rotation::Every(every), span)) => {
                    Some(self.days_within(every, span, &format!("{path}.rotation"), 90, 2560))
                }
            };
        let window = match &given.deletion_window {
            None => 30,
            // 7 to 30 days: KMS API reference, ScheduleKeyDeletion, PendingWindowInDays.
            Some(window) => self.days_within(
                window.value,
                window.span,
                &format!("{path}.deletion_window"),
                7,
                30,
            ),
        };
        if let Some(existing) = &given.existing {
            let is_key = existing.value.as_str().contains(":kms:")
                && existing.value.resource().starts_with("key/");
            if !is_key {
                self.report(
                    Diagnostic::error(
                        diagnostic::LW0305,
                        existing.span,
                        format!("`{}` is not the ARN of a key", existing.value),
                    )
                    .note("an alias does not name a key in a policy: use `arn:…:key/…`"),
                    &format!("{path}.existing"),
                );
            }
            self.no_others(
                &path,
                &[
                    ("rotation", given.rotation.as_ref().map(|at| at.span)),
                    ("admins", given.admins.first().map(|at| at.span)),
                    ("deletion_window", given.deletion_window.as_ref().map(|at| at.span)),
                    ("protect", given.protect.as_ref().map(|at| at.span)),
                    ("generation", given.generation.as_ref().map(|at| at.span)),
                ],
            );
        }
        if let Some(At { value: false, span }) = given.protect {
            let what = format!("key `{name}` is deleted with the lake");
            self.opt_out(span, format!("{path}.protect"), what);
        }
        Key {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            existing: given.existing.clone(),
            rotation_days,
            admins: given.admins.clone(),
            deletion_window_days: window,
            protect: or(&given.protect, true),
            generation: given.generation.as_ref().map_or(1, |n| n.value.0),
        }
    }

    pub(super) fn buckets(&mut self) -> BTreeMap<Name, Bucket> {
        let spec = self.spec;
        spec.buckets
            .iter()
            .filter_map(|item| Some((item.name.value.clone(), self.bucket(item)?)))
            .collect()
    }

    fn bucket(&mut self, item: &Item<spec::buckets::Bucket>) -> Option<Bucket> {
        let (name, given) = (&item.name, &item.value);
        let path = format!("buckets.{name}");
        let generation = given.generation.as_ref().map_or(1, |n| n.value.0);
        let bucket_name = match (&given.existing, &given.name) {
            (Some(existing), _) => existing.value.clone(),
            (None, Some(own)) => {
                let text = self.naming.own(own.value.as_str(), generation);
                self.bucket_name(&text, own.span, &path)?
            }
            (None, None) => {
                let text = self.naming.generation(name.as_str(), generation);
                self.bucket_name(&text, name.span, &path)?
            }
        };
        if given.existing.is_some() {
            self.no_others(
                &path,
                &[
                    ("name", given.name.as_ref().map(|at| at.span)),
                    ("versioning", given.versioning.as_ref().map(|at| at.span)),
                    ("lock", given.lock.as_ref().map(|lock| lock.span)),
                    ("retention", given.retention.first().map(|rule| rule.span)),
                    ("replicate", given.replicate.as_ref().map(|replicate| replicate.span)),
                    ("access_logs", given.access_logs.as_ref().map(|at| at.span)),
                    ("events", given.events.as_ref().map(|at| at.span)),
                    ("perimeter", given.perimeter.as_ref().map(|at| at.span)),
                    ("protect", given.protect.as_ref().map(|at| at.span)),
                    ("generation", given.generation.as_ref().map(|at| at.span)),
                ],
            );
        }
        let encryption = match &given.encryption {
            // What could not be read is taken for something that no check minds.
            None if self.unreadable(&format!("{path}.encryption")) => Encryption::S3,
            None => Encryption::AwsManaged,
            Some(at) => match &at.value {
                reference::Encryption::AwsManaged => Encryption::AwsManaged,
                reference::Encryption::S3 => {
                    if given.existing.is_none() {
                        self.opt_out(
                            at.span,
                            format!("{path}.encryption"),
                            format!("bucket `{name}` is encrypted with SSE-S3 and not with KMS"),
                        );
                    }
                    Encryption::S3
                }
                reference::Encryption::Key(key) => {
                    match self.key_name(key, at.span, &format!("{path}.encryption")) {
                        Some(key) => Encryption::Key(key),
                        None => Encryption::S3,
                    }
                }
            },
        };
        let existing = given.existing.is_some();
        let opt_outs = [
            (&given.versioning, "versioning", "keeps no older versions"),
            (&given.bucket_key, "bucket_key", "asks KMS for each object"),
            (&given.access_logs, "access_logs", "does not log requests"),
            (&given.protect, "protect", "is deleted with the lake"),
        ];
        for (value, key, what) in opt_outs {
            if let Some(At { value: false, span }) = value {
                self.opt_out(*span, format!("{path}.{key}"), format!("bucket `{name}` {what}"));
            }
        }
        let abort_uploads_days = match given.abort_uploads.as_ref().map(|at| (at.value, at.span)) {
            None => Some(7),
            Some((OrNever::After(after), span)) => {
                Some(self.days_within(after, span, &format!("{path}.abort_uploads"), 1, 36_500))
            }
            Some((OrNever::Never, span)) => {
                self.opt_out(
                    span,
                    format!("{path}.abort_uploads"),
                    format!("bucket `{name}` keeps parts of incomplete uploads"),
                );
                None
            }
        };
        let lock = given.lock.as_ref().map(|lock| Lock {
            span: lock.span,
            mode: lock.mode.value,
            // At most 100 years: S3 User Guide, "Object Lock", default retention.
            days: self.days_within(
                lock.keep.value,
                lock.keep.span,
                &format!("{path}.lock.keep"),
                1,
                36_500,
            ),
        });
        let replica = given
            .replicate
            .as_ref()
            .and_then(|replicate| self.replica(&path, &bucket_name, replicate));
        Some(Bucket {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            bucket_name,
            existing,
            encryption,
            encryption_span: given.encryption.as_ref().map_or(name.span, |at| at.span),
            bucket_key: or(&given.bucket_key, true),
            versioning: or(&given.versioning, true),
            versioning_span: given.versioning.as_ref().map(|at| at.span),
            lock,
            retention: self.retention(&given.retention, &path),
            abort_uploads_days,
            replica,
            access_logs: !existing && or(&given.access_logs, true),
            events: or(&given.events, false),
            perimeter: given
                .perimeter
                .as_ref()
                .map(|at| Perimeter { span: at.span, except: at.value.except.clone() }),
            protect: or(&given.protect, true),
            generation,
            tags: self.tags(&given.tags, &format!("{path}.tags"), self.spec.tags.0.len()),
        })
    }

    /// What one rule of a lifecycle must say by itself: one clock, in whole days.
    fn retention(&mut self, rules: &[Retention], path: &str) -> Vec<Retention> {
        for rule in rules {
            let at = self.position(&format!("{path}.retention"), rule.span);
            let path = format!("{path}.retention[{at}]");
            match (&rule.after, &rule.noncurrent) {
                (None, None) if self.unreadable(&format!("{path}.after"))
                    || self.unreadable(&format!("{path}.noncurrent"))
                    || self.unknown_key_in(&path) => {}
                (None, None) => self.report(
                    Diagnostic::error(diagnostic::LW0202, rule.then.span, "this rule never happens")
                        .label("when?")
                        .help("say when: `after: 30d` counts from an object's creation, `noncurrent: 30d` from the moment a newer version came"),
                    &path,
                ),
                (Some(after), Some(noncurrent)) => self.report(
                    Diagnostic::error(
                        diagnostic::LW0211,
                        noncurrent.span,
                        "`after` and `noncurrent` are two rules",
                    )
                    .also(after.span, "counts from the object's creation")
                    .help("write a rule for each"),
                    &format!("{path}.noncurrent"),
                ),
                _ => {}
            }
            for (key, time) in [("after", &rule.after), ("noncurrent", &rule.noncurrent)] {
                let Some(time) = time.as_ref().filter(|time| !time.value.is_whole_days()) else {
                    continue;
                };
                let days = time.value.days().max(1);
                let headline = format!("`{}` is not a whole number of days", time.value);
                let diagnostic = Diagnostic::error(diagnostic::LW0306, time.span, headline)
                    .note("S3 looks at lifecycles once a day")
                    .maybe(time.span, format!("{days}d"));
                self.report(diagnostic, &format!("{path}.{key}"));
            }
            if let (Some(keep), None) = (&rule.keep_newest, &rule.noncurrent) {
                let headline = "`keep_newest` means nothing without `noncurrent`";
                let diagnostic = Diagnostic::error(diagnostic::LW0211, keep.span, headline)
                    .note("it leaves the newest of the older versions alone");
                self.report(diagnostic, &format!("{path}.keep_newest"));
            }
        }
        rules.to_vec()
    }

    fn replica(
        &mut self,
        path: &str,
        source: &BucketName,
        given: &spec::buckets::Replicate,
    ) -> Option<Replica> {
        let path = format!("{path}.replicate");
        if given.region.value == self.home.region && !self.guessed {
            self.report(
                Diagnostic::error(
                    diagnostic::LW0211,
                    given.region.span,
                    format!("`{}` is the lake's own region", given.region.value),
                )
                .help("name another region: a copy beside the original is lost with it"),
                &format!("{path}.region"),
            );
            return None;
        }
        let partition = crate::catalogue::region(given.region.value.as_str())?.partition.name;
        if partition != self.home.partition && !self.guessed {
            let headline = format!(
                "S3 does not replicate from {} to {}",
                self.home.region, given.region.value
            );
            let diagnostic = Diagnostic::error(diagnostic::LW0503, given.region.span, headline)
                .label(format!("partition `{partition}`"))
                .note(format!(
                    "the lake stands in partition `{}`, and nothing is copied from one partition to another",
                    self.home.partition
                ))
                .help("name another region of the same partition");
            self.report(diagnostic, &format!("{path}.region"));
            return None;
        }
        let storage_class = given.storage_class.as_ref().map(|class| class.value.as_str());
        let text = format!("{source}-{}", given.region.value);
        Some(Replica {
            span: given.span,
            bucket_name: self.bucket_name(&text, given.region.span, &path)?,
            region: given.region.value.clone(),
            prefix: given.prefix.as_ref().map_or(String::new(), |prefix| prefix.value.0.clone()),
            storage_class,
            delete_markers: or(&given.delete_markers, false),
            time_control: or(&given.time_control, false),
        })
    }

    pub(super) fn databases(
        &mut self,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> BTreeMap<Name, Database> {
        let spec = self.spec;
        spec.databases
            .iter()
            .map(|item| (item.name.value.clone(), self.database(item, buckets)))
            .collect()
    }

    fn database(
        &mut self,
        item: &Item<spec::databases::Database>,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> Database {
        let (name, given) = (&item.name, &item.value);
        let path = format!("databases.{name}");
        if let Some(At { value: Mode::LakeFormation | Mode::Hybrid, span }) = given.mode {
            self.lake_formation(span, &format!("{path}.mode"), "this mode comes");
        }
        if let Some(tag) = given.lf_tags.0.first() {
            self.lake_formation(tag.key.span, &format!("{path}.lf_tags"), "LF-tags come");
        }
        let location = given
            .location
            .as_ref()
            .and_then(|at| self.location(&at.value, at.span, &format!("{path}.location")));
        if given.existing.is_some() {
            self.no_others(
                &path,
                &[
                    ("name", given.name.as_ref().map(|at| at.span)),
                    ("tables", given.tables.iter().next().map(|table| table.name.span)),
                    ("protect", given.protect.as_ref().map(|at| at.span)),
                ],
            );
        }
        let mut tables = BTreeMap::new();
        for table in given.tables.iter() {
            if let Some(resolved) = self.table(name, location.as_ref(), table, buckets) {
                tables.insert(table.name.value.clone(), resolved);
            }
        }
        if let Some(At { value: false, span }) = given.protect {
            self.opt_out(
                span,
                format!("{path}.protect"),
                format!("database `{name}` is deleted with the lake"),
            );
        }
        let catalog_name = match (&given.existing, &given.name) {
            (Some(existing), _) => existing.value.0.clone(),
            (None, Some(own)) => self.naming.own(&own.value.0, 1).replace('-', "_"),
            (None, None) => self.naming.catalog(name.as_str()),
        };
        Database {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            catalog_name,
            existing: given.existing.is_some(),
            location,
            tables,
            protect: or(&given.protect, true),
        }
    }

    fn table(
        &mut self,
        database: &At<Name>,
        folder: Option<&Location>,
        item: &Item<spec::databases::Table>,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> Option<Table> {
        let (name, given) = (&item.name, &item.value);
        let path = format!("databases.{database}.tables.{name}");
        if let Some(diagnostic) = check_table_name(name) {
            self.report(diagnostic, &path);
        }
        for column in given.columns.0.iter() {
            if let Some(span) = column.lf_tags {
                self.lake_formation(
                    span,
                    &format!("{path}.columns.{}", column.name.value.0),
                    "LF-tags come",
                );
            }
        }
        let own = given
            .location
            .as_ref()
            .map(|at| self.location(&at.value, at.span, &format!("{path}.location")));
        let location = match (own, folder) {
            (Some(own), _) => own?,
            (None, Some(folder)) => Location {
                bucket: folder.bucket.clone(),
                prefix: format!("{}{name}/", folder.prefix),
            },
            (None, None) => {
                let said =
                    self.spec.databases.iter().any(|item| {
                        item.name.value == database.value && item.value.location.is_some()
                    });
                let unread = [format!("databases.{database}.location"), format!("{path}.location")];
                if !said && !unread.iter().any(|path| self.unreadable(path)) {
                    let known: Vec<&str> = buckets.keys().map(Name::as_str).collect();
                    let diagnostic = Diagnostic::error(
                        diagnostic::LW0202,
                        name.span,
                        format!("table `{database}.{name}` has no place for its files"),
                    )
                    .help(format!(
                        "give the database a location: `location: {}/{database}/`",
                        known.first().unwrap_or(&"BUCKET")
                    ));
                    self.report(diagnostic, &path);
                }
                return None;
            }
        };
        if let Some(At { value: false, span }) = given.protect {
            let what = format!("table `{database}.{name}` is deleted with the lake");
            self.opt_out(span, format!("{path}.protect"), what);
        }
        Some(Table {
            name: name.value.clone(),
            database: database.value.clone(),
            span: name.span,
            description: given.description.clone(),
            format: given.format.value,
            columns: given.columns.clone(),
            partition: given.partition.clone(),
            location,
            location_span: given.location.as_ref().map_or(name.span, |at| at.span),
            csv: given.csv.clone(),
            protect: or(&given.protect, true),
        })
    }

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
                let diagnostic = Diagnostic::error(
                    diagnostic::LW0205,
                    span,
                    format!("`{}` is a {}, not a {what}", written(name.as_str()), section.one()),
                )
                .also(declared, format!("the {} is declared here", section.one()));
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
                self.error(
                    diagnostic::LW0205,
                    span,
                    path,
                    format!("`{reference}` names a whole section; here one place is wanted"),
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
    fn bucket_name(&mut self, text: &str, span: Span, path: &str) -> Option<BucketName> {
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
    fn no_others(&mut self, path: &str, others: &[(&str, Option<Span>)]) {
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

    /// Says that something comes with Lake Formation.
    pub(super) fn lake_formation(&mut self, span: Span, path: &str, what: &str) {
        let diagnostic =
            Diagnostic::error(diagnostic::LW0405, span, format!("{what} with Lake Formation"))
                .note("this version gives access by IAM, bucket and key policies")
                .help("leave it out, or give access to whole tables");
        self.report(diagnostic, path);
    }
}
