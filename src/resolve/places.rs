//! Keys and buckets: from what is written to what it means, every default filled in.

use std::collections::BTreeMap;

use super::{Resolver, or};
use crate::diagnostic::{self, Diagnostic};
use crate::lake::places::{Bucket, Encryption, Key, Lock, Perimeter, Replica};
use crate::names::{BucketName, Name};
use crate::spec;
use crate::spec::buckets::{OrNever, Retention};
use crate::spec::decode::{At, Item};
use crate::spec::guards::Guards;
use crate::spec::keys::Rotation;
use crate::spec::reference;

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
                    ("deny", given.deny.first().map(|at| at.span)),
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
            of: None,
            span: name.span,
            description: given.description.clone(),
            existing: given.existing.clone(),
            rotation_days,
            admins: given.admins.clone(),
            deny: self.principals(&given.deny, &format!("{path}.deny")),
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
        let denials = given.deny.as_ref().map(|denials| &denials.0);
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
                    ("only_writers", first(given.only_writers.as_ref())),
                    ("deny", first(denials)),
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
            of: None,
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
            only_writers: self.guards(
                given.only_writers.as_ref(),
                name,
                &format!("{path}.only_writers"),
            ),
            deny: self.guards(denials, name, &format!("{path}.deny")),
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
}

/// Where a guard of a bucket begins, if there is one.
fn first(guards: Option<&Guards>) -> Option<crate::source::Span> {
    guards?.0.first().map(|guard| guard.prefix.span)
}
