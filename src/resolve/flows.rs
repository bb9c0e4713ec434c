//! Sources, pipelines and access.

use std::collections::BTreeMap;

use super::{Resolver, or};
use crate::diagnostic::{self, Diagnostic};
use crate::lake::access::{Access, Grant, Verb};
use crate::lake::flows::{Pipeline, Source};
use crate::lake::formation::Restriction;
use crate::lake::places::{Database, Place};
use crate::names::Name;
use crate::source::Span;
use crate::spec;
use crate::spec::decode::{At, Item};
use crate::spec::pipelines::{WorkerType, Workers};
use crate::spec::reference::{Reference, Section};
use crate::spec::sources::Capacity;

impl Resolver<'_> {
    pub(super) fn sources(
        &mut self,
        databases: &BTreeMap<Name, Database>,
    ) -> BTreeMap<Name, Source> {
        let spec = self.spec;
        spec.sources
            .iter()
            .filter_map(|item| Some((item.name.value.clone(), self.source(item, databases)?)))
            .collect()
    }

    fn source(
        &mut self,
        item: &Item<spec::sources::Source>,
        databases: &BTreeMap<Name, Database>,
    ) -> Option<Source> {
        let (name, given) = (&item.name, &item.value);
        let path = format!("sources.{name}");
        let into = self.location(&given.into.value, given.into.span, &format!("{path}.into"));
        let table = given.table.as_ref().and_then(|at| {
            let path = format!("{path}.table");
            match &at.value {
                Reference::Table { database, table } => self
                    .table_name(database, table, at.span, &path, databases)
                    .map(|value| At { value, span: at.span }),
                other => {
                    let headline = format!("`{other}` is not a table");
                    self.report(
                        Diagnostic::error(diagnostic::LW0205, at.span, headline)
                            .help("a table reads `database.table`"),
                        &path,
                    );
                    None
                }
            }
        });
        // 24 to 8,760 hours: Kinesis API reference, IncreaseStreamRetentionPeriod.
        let keep_hours = match &given.keep {
            None => 24,
            Some(keep) => {
                let hours = keep.value.seconds() / 3600;
                if !(24..=8760).contains(&hours) || keep.value.seconds() % 3600 != 0 {
                    let headline =
                        format!("`{}` is out of range: whole hours from 24h to 365d", keep.value);
                    self.error(diagnostic::LW0306, keep.span, &format!("{path}.keep"), headline);
                }
                hours.clamp(24, 8760)
            }
        };
        let (buffer_mebibytes, buffer_seconds) = self.buffer(given, &path);
        let key = given
            .encryption
            .as_ref()
            .and_then(|at| self.key_name(&at.value.0, at.span, &format!("{path}.encryption")));
        if let Some(At { value: false, span }) = given.protect {
            self.opt_out(
                span,
                format!("{path}.protect"),
                format!("stream `{name}` is deleted with the lake"),
            );
        }
        let generation = given.generation.as_ref().map_or(1, |n| n.value.0);
        Some(Source {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            stream_name: self.naming.generation(name.as_str(), generation),
            into: At { value: into?, span: given.into.span },
            table,
            capacity: or(&given.capacity, Capacity::OnDemand),
            keep_hours,
            key,
            buffer_mebibytes,
            buffer_seconds,
            shard_metrics: or(&given.shard_metrics, false),
            protect: or(&given.protect, true),
        })
    }

    /// Size in MiB and time in seconds. Bounds: Firehose API reference, BufferingHints; with format
    /// conversion the size is at least 64 (Firehose developer guide, "Convert input data format").
    fn buffer(&mut self, given: &spec::sources::Source, path: &str) -> (i64, i64) {
        let least = if given.table.is_some() { 64 } else { 1 };
        let Some(buffer) = &given.buffer else { return (128, 300) };
        let size = match &buffer.size {
            None => 128,
            Some(size) => match size.value.mebibytes() {
                Some(mebibytes) if (least..=128).contains(&mebibytes) => mebibytes,
                _ => {
                    let mut diagnostic = Diagnostic::error(
                        diagnostic::LW0306,
                        size.span,
                        format!("the buffer's size is out of range: from {least}MiB to 128MiB"),
                    );
                    if least == 64 {
                        diagnostic = diagnostic
                            .note("Firehose gathers at least 64MiB when it converts records");
                    }
                    let nearest = if size.value.0 > 128 << 20 { 128 } else { least };
                    let diagnostic = diagnostic.maybe(size.span, format!("{nearest}MiB"));
                    self.report(diagnostic, &format!("{path}.buffer.size"));
                    128
                }
            },
        };
        let time = match &buffer.time {
            None => 300,
            Some(time) if time.value.seconds() <= 900 => time.value.seconds(),
            Some(time) => {
                let diagnostic = Diagnostic::error(
                    diagnostic::LW0306,
                    time.span,
                    format!("the buffer's time `{}` is out of range: at most 15m", time.value),
                )
                .maybe(time.span, "15m");
                self.report(diagnostic, &format!("{path}.buffer.time"));
                900
            }
        };
        (size, time)
    }

    pub(super) fn pipelines(
        &mut self,
        databases: &BTreeMap<Name, Database>,
        sources: &BTreeMap<Name, Source>,
    ) -> BTreeMap<Name, Pipeline> {
        let spec = self.spec;
        spec.pipelines
            .iter()
            .map(|item| (item.name.value.clone(), self.pipeline(item, databases, sources)))
            .collect()
    }

    fn pipeline(
        &mut self,
        item: &Item<spec::pipelines::Pipeline>,
        databases: &BTreeMap<Name, Database>,
        sources: &BTreeMap<Name, Source>,
    ) -> Pipeline {
        let (name, given) = (&item.name, &item.value);
        let path = format!("pipelines.{name}");
        let read = self.places(&given.read, &format!("{path}.read"), databases, sources);
        let write = self.places(&given.write, &format!("{path}.write"), databases, sources);
        // Which of its tables are written is a fact about the script: the role gives no more than that.
        for place in &write {
            if let Place::Database(database) = &place.value {
                let headline =
                    format!("`{database}` is a whole database: name the tables to write");
                let known = databases.get(database).into_iter().flat_map(|d| d.tables.keys());
                let known: Vec<String> =
                    known.take(4).map(|table| format!("{database}.{table}")).collect();
                let mut diagnostic = Diagnostic::error(diagnostic::LW0205, place.span, headline);
                if known.is_empty() {
                    diagnostic = diagnostic.help(format!("a table reads `{database}.orders`"));
                } else {
                    diagnostic =
                        diagnostic.help(format!("write the tables: `[{}]`", known.join(", ")));
                }
                let at = self.position(&format!("{path}.write"), place.span);
                self.report(diagnostic, &format!("{path}.write[{at}]"));
            }
        }
        let timeout_minutes = match &given.timeout {
            None => 480,
            Some(timeout) => {
                let minutes = timeout.value.seconds() / 60;
                // At most 7 days: AWS Glue developer guide, "Jobs", Timeout.
                if !(1..=10_080).contains(&minutes) {
                    let headline = format!("`{}` is out of range: from 1m to 7d", timeout.value);
                    self.error(
                        diagnostic::LW0306,
                        timeout.span,
                        &format!("{path}.timeout"),
                        headline,
                    );
                }
                minutes.clamp(1, 10_080)
            }
        };
        for tag in &given.arguments.0 {
            if !tag.key.value.starts_with("--") {
                let fixed = format!("--{}", tag.key.value);
                let diagnostic = Diagnostic::error(
                    diagnostic::LW0305,
                    tag.key.span,
                    format!("`{}` is not an argument of a job", tag.key.value),
                )
                .help(format!("write `{fixed}`"))
                .fix(tag.key.span, fixed);
                self.report(diagnostic, &format!("{path}.arguments"));
            }
        }
        let full = self.naming.thing(name.as_str());
        if full.len() > 64 {
            let diagnostic = Diagnostic::error(
                diagnostic::LW0502,
                name.span,
                format!("`{full}` cannot be the name of a role"),
            )
            .note(format!("IAM takes at most 64 characters, this has {}", full.len()));
            self.report(diagnostic, &path);
        }
        Pipeline {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            job_name: full.clone(),
            role_name: full,
            script: At { value: given.script.value.0.clone(), span: given.script.span },
            read,
            write,
            schedule: given
                .schedule
                .as_ref()
                .map(|at| At { value: at.value.0.clone(), span: at.span }),
            workers: or(&given.workers, Workers { min: 2, max: 2, min_span: None }),
            worker: or(&given.worker, WorkerType::G1x),
            timeout_minutes,
            retries: given.retries.as_ref().map_or(0, |n| n.value.0),
            concurrent: given.concurrent.as_ref().map_or(1, |n| n.value.0),
            role: given.role.clone(),
            arguments: given
                .arguments
                .0
                .iter()
                .map(|tag| (tag.key.value.clone(), tag.value.value.clone()))
                .collect(),
        }
    }

    /// What a pipeline reads or writes. A source stands for what it delivers.
    fn places(
        &mut self,
        references: &[At<Reference>],
        path: &str,
        databases: &BTreeMap<Name, Database>,
        sources: &BTreeMap<Name, Source>,
    ) -> Vec<At<Place>> {
        let mut places = Vec::new();
        for reference in references {
            let path = format!("{path}[{}]", self.position(path, reference.span));
            if let Reference::Thing(name) = &reference.value
                && let Some(source) = sources.get(name)
            {
                let delivered = source.into.value.clone();
                places.push(At { value: Place::Objects(delivered), span: reference.span });
                continue;
            }
            if let Some(place) = self.place(&reference.value, reference.span, &path, databases) {
                places.push(At { value: place, span: reference.span });
            }
        }
        places
    }

    /// A source in `access`: its stream can be written to. What it delivers are objects.
    fn stream(&mut self, source: &Source, verb: Verb, span: Span, path: &str) -> Option<Place> {
        if verb == Verb::Write {
            return Some(Place::Stream(source.name.clone()));
        }
        let name = &source.name;
        let headline = format!("`{name}` is a source: access to it is to `write` to its stream");
        let delivered = source.into.value.to_string();
        let diagnostic = Diagnostic::error(diagnostic::LW0205, span, headline)
            .help(format!("name what it delivers: `{delivered}`"))
            .maybe(span, delivered);
        self.report(diagnostic, path);
        None
    }

    pub(super) fn access(
        &mut self,
        databases: &BTreeMap<Name, Database>,
        sources: &BTreeMap<Name, Source>,
    ) -> BTreeMap<Name, Access> {
        let spec = self.spec;
        let mut all = BTreeMap::new();
        for item in spec.access.iter() {
            let (name, given) = (&item.name, &item.value);
            let path = format!("access.{name}");
            let mut grants = Vec::new();
            let verbs = [
                (Verb::Read, &given.read),
                (Verb::Write, &given.write),
                (Verb::Delete, &given.delete),
                (Verb::Admin, &given.admin),
            ];
            for (verb, references) in verbs {
                for reference in references {
                    let path = format!("{path}.{}", verb.as_str());
                    let path = format!("{path}[{}]", self.position(&path, reference.span));
                    let place = match &reference.value {
                        Reference::Thing(name) if sources.contains_key(name) => {
                            self.stream(&sources[name], verb, reference.span, &path)
                        }
                        Reference::Thing(name)
                            if verb == Verb::Write && !self.things.contains_key(name) =>
                        {
                            let sections = [Section::Buckets, Section::Databases, Section::Sources];
                            self.thing(
                                name,
                                &sections,
                                "place",
                                reference.span,
                                &path,
                                str::to_owned,
                            );
                            None
                        }
                        other => self.place(other, reference.span, &path, databases),
                    };
                    if let Some(place) = place {
                        grants
                            .push(Grant { verb, place: At { value: place, span: reference.span } });
                    }
                }
            }
            let unread = self.unreadable(&format!("{path}.who")) || self.unknown_key_in(&path);
            if given.who.is_empty() && !unread {
                let headline = format!("access `{name}` is given to nobody");
                self.report(
                    Diagnostic::error(diagnostic::LW0202, name.span, headline)
                        .help("say who is given it: `who: [role/Analyst]`"),
                    &format!("{path}.who"),
                );
            }
            let nothing = [&given.read, &given.write, &given.delete, &given.admin];
            let unread = ["read", "write", "delete", "admin"]
                .iter()
                .any(|verb| self.unreadable(&format!("{path}.{verb}")))
                || self.unreadable(&format!("{path}.lf_tags"))
                || self.unknown_key_in(&path);
            let nothing_tagged = given.lf_tags.is_none();
            if !unread && nothing_tagged && nothing.iter().all(|references| references.is_empty()) {
                let headline = format!("access `{name}` gives nothing");
                self.report(
                    Diagnostic::error(diagnostic::LW0202, name.span, headline)
                        .help("say what: `read: [raw/]`, or `write`, `delete`, `admin`"),
                    &path,
                );
            }
            all.insert(
                name.value.clone(),
                Access {
                    name: name.value.clone(),
                    span: name.span,
                    description: given.description.clone(),
                    who: self.principals(&given.who, &format!("{path}.who")),
                    grants,
                    when: self.when(&given.when.0.0, &path),
                    restriction: Restriction {
                        columns: given.columns.0.clone(),
                        rows: given.rows.0.clone(),
                        hide: given.hide.0.clone(),
                    },
                    tagged: given.lf_tags.0.clone(),
                },
            );
        }
        all
    }
}
