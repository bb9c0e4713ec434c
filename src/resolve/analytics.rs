//! Workgroups of Athena: who queries, and the place of the results.
//!
//! A workgroup without a place for its results gets a bucket and a key of its own, which are buckets and
//! keys of the lake like any other: what holds of them holds of those.

use std::collections::BTreeMap;

use super::{Resolver, or};
use crate::diagnostic::{self, Diagnostic, Diagnostics, nearest};
use crate::lake::access::Access;
use crate::lake::analytics::{Workgroup, own_results, path};
use crate::lake::places::{Bucket, Encryption, Key, Location, Perimeter};
use crate::names::Name;
use crate::source::Span;
use crate::spec;
use crate::spec::analytics::{Analyst, Athena};
use crate::spec::decode::{At, Decode, Decoder, Item};
use crate::spec::reference::{self, Principal, Section};
use crate::syntax::Node;

/// What a query may read where nothing is said: five dollars' worth.
const SCAN: u64 = 1 << 40;
/// Bytes: Athena API reference, WorkGroupConfiguration, BytesScannedCutoffPerQuery.
const LEAST_SCAN: u64 = 10_000_000;

impl Resolver<'_> {
    /// The workgroups as written.
    fn athena(&self) -> impl Iterator<Item = &Item<Athena>> + use<'_> {
        self.spec.analytics.iter().flat_map(|given| given.athena.iter())
    }

    /// Declares the buckets of results that are workgroups' own.
    pub(super) fn declare_results(&mut self) {
        let spec = self.spec;
        for item in spec.analytics.iter().flat_map(|given| given.athena.iter()) {
            let Some(own) = own_results(&item.name.value) else { continue };
            if item.value.results.is_some() {
                continue;
            }
            if let Some((section, span)) = self.things.get(&own) {
                let headline = format!("`{own}` is a {} and the bucket of results", section.one());
                let diagnostic = Diagnostic::error(diagnostic::LW0204, item.name.span, headline)
                    .label(format!("the results of this workgroup are called `{own}/`"))
                    .also(*span, "the first one")
                    .help(format!(
                        "rename one of them, or say where results go: `results: {own}/`"
                    ));
                self.report(diagnostic, &path(&item.name.value));
                self.unusable.insert(own);
                continue;
            }
            self.things.insert(own, (Section::Buckets, item.name.span));
        }
    }

    /// Adds the buckets and keys of results that are workgroups' own.
    pub(super) fn own_results(
        &mut self,
        keys: &mut BTreeMap<Name, Key>,
        buckets: &mut BTreeMap<Name, Bucket>,
    ) {
        let items: Vec<Item<Athena>> = self.athena().cloned().collect();
        let defaults = self.bucket_defaults();
        let perimeter = defaults
            .as_ref()
            .and_then(|given| given.perimeter.as_ref())
            .map(|at| Perimeter { span: at.span, except: at.value.except.clone() });
        let protect = defaults.as_ref().is_none_or(|given| or(&given.protect, true));
        let protect_key = self.keys_are_protected();
        let access_logs = defaults.as_ref().is_none_or(|given| or(&given.access_logs, true));
        for item in &items {
            let (name, given) = (&item.name, &item.value);
            let of = path(&name.value);
            let Some(own) = own_results(&name.value)
                .filter(|own| given.results.is_none() && !self.unusable.contains(own))
            else {
                continue;
            };
            let text = self.naming.thing(own.as_str());
            let Some(bucket_name) = self.bucket_name(&text, name.span, &of) else {
                self.unusable.insert(own);
                continue;
            };
            let encryption_path = format!("{of}.encryption");
            let encryption = match &given.encryption {
                None if keys.contains_key(&own) => Encryption::Key(own.clone()),
                None => {
                    keys.insert(own.clone(), own_key(&own, &of, item, protect_key));
                    Encryption::Key(own.clone())
                }
                Some(at) => match &at.value {
                    reference::Encryption::Key(key) => {
                        match self.key_name(key, at.span, &encryption_path) {
                            Some(key) => Encryption::Key(key),
                            None => Encryption::S3,
                        }
                    }
                    reference::Encryption::S3 => {
                        let what = format!(
                            "results of `{name}` are encrypted with SSE-S3 and not with KMS"
                        );
                        self.opt_out(at.span, encryption_path, what);
                        Encryption::S3
                    }
                    reference::Encryption::AwsManaged => {
                        // ResultConfiguration, EncryptionConfiguration, KmsKey: "the KMS key ARN or ID".
                        let headline = "results cannot be encrypted with `aws:kms`";
                        let diagnostic = Diagnostic::error(diagnostic::LW0305, at.span, headline)
                            .note("Athena is told a key by its ARN, and the one that AWS manages has none that is known here")
                            .help("name a key of the lake, `keys.NAME`, or leave it out: results then have a key of their own");
                        self.report(diagnostic, &encryption_path);
                        Encryption::S3
                    }
                },
            };
            if let Some(At { value: false, span }) = given.protect {
                let what = format!("results of `{name}` are deleted with the lake");
                self.opt_out(span, format!("{of}.protect"), what);
            }
            let bucket = Bucket {
                name: own.clone(),
                of: Some(of),
                span: name.span,
                description: Some(format!("Results of workgroup {name}")),
                bucket_name,
                existing: false,
                encryption,
                encryption_span: given.encryption.as_ref().map_or(name.span, |at| at.span),
                bucket_key: true,
                versioning: true,
                versioning_span: None,
                lock: None,
                retention: Vec::new(),
                abort_uploads_days: Some(7),
                replica: None,
                access_logs,
                events: false,
                perimeter: perimeter.clone(),
                only_writers: Vec::new(),
                deny: Vec::new(),
                protect: or(&given.protect, protect),
                generation: 1,
                tags: Vec::new(),
            };
            buckets.insert(own, bucket);
        }
    }

    /// What the spec says of each bucket: the perimeter, access logs and protection hold for results too.
    fn bucket_defaults(&self) -> Option<spec::buckets::Bucket> {
        let (_, node) = self.spec.defaults.0.iter().find(|(section, _)| *section == "buckets")?;
        // what is wrong with it is reported at the buckets that it is laid under
        let mut found = Diagnostics::default();
        spec::buckets::Bucket::decode(node, &mut Decoder::new(&mut found))
    }

    /// Whether keys are kept that say nothing of it.
    fn keys_are_protected(&self) -> bool {
        let (_, node) = match self.spec.defaults.0.iter().find(|(section, _)| *section == "keys") {
            Some(found) => found,
            None => return true,
        };
        node.get("protect").and_then(Node::text) != Some("false")
    }

    pub(super) fn workgroups(
        &mut self,
        access: &BTreeMap<Name, Access>,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> BTreeMap<Name, Workgroup> {
        let items: Vec<Item<Athena>> = self.athena().cloned().collect();
        let mut all = BTreeMap::new();
        for item in &items {
            if let Some(workgroup) = self.workgroup(item, access, buckets) {
                all.insert(item.name.value.clone(), workgroup);
            }
        }
        all
    }

    fn workgroup(
        &mut self,
        item: &Item<Athena>,
        access: &BTreeMap<Name, Access>,
        buckets: &BTreeMap<Name, Bucket>,
    ) -> Option<Workgroup> {
        let (name, given) = (&item.name, &item.value);
        let path = path(&name.value);
        let who = self.analysts(item, access, &path);
        let scan_limit = match &given.scan_limit {
            None => SCAN,
            Some(at) if at.value.0 < LEAST_SCAN => {
                let headline = "the limit of a query's scan is too small: at least 10MiB";
                let diagnostic = Diagnostic::error(diagnostic::LW0306, at.span, headline)
                    .note("Athena takes no limit below 10 MB")
                    .maybe(at.span, "10MiB");
                self.report(diagnostic, &format!("{path}.scan_limit"));
                LEAST_SCAN
            }
            Some(at) => at.value.0,
        };
        let keep_days = match &given.keep {
            None => 30,
            Some(keep) => {
                self.days_within(keep.value, keep.span, &format!("{path}.keep"), 1, 36_500)
            }
        };
        let results = match &given.results {
            None => At {
                value: Location { bucket: own_results(&name.value)?, prefix: String::new() },
                span: name.span,
            },
            Some(at) => {
                let location = self.location(&at.value, at.span, &format!("{path}.results"));
                self.means_nothing(item, at.span, &path);
                At { value: location?, span: at.span }
            }
        };
        if !buckets.contains_key(&results.value.bucket) {
            return None;
        }
        Some(Workgroup {
            name: name.value.clone(),
            span: name.span,
            description: given.description.clone(),
            workgroup_name: self.naming.thing(name.as_str()),
            who,
            scan_limit: i64::try_from(scan_limit).unwrap_or(i64::MAX),
            keep_days,
            results,
            own_results: given.results.is_none(),
        })
    }

    /// What is the bucket's where results go to one that is declared.
    fn means_nothing(&mut self, item: &Item<Athena>, results: Span, path: &str) {
        let given = &item.value;
        let others = [
            ("encryption", given.encryption.as_ref().map(|at| at.span)),
            ("protect", given.protect.as_ref().map(|at| at.span)),
        ];
        for (key, span) in others {
            let Some(span) = span else { continue };
            let headline = format!("`{key}` means nothing beside `results`");
            let diagnostic = Diagnostic::error(diagnostic::LW0211, span, headline)
                .also(results, "results go to a bucket that says that itself")
                .help("take it out, or `results`");
            self.report(diagnostic, &format!("{path}.{key}"));
        }
    }

    /// Everybody that `who` names, each once.
    fn analysts(
        &mut self,
        item: &Item<Athena>,
        access: &BTreeMap<Name, Access>,
        path: &str,
    ) -> Vec<At<Principal>> {
        let spec = self.spec;
        let (name, given) = (&item.name, &item.value);
        let list = format!("{path}.who");
        let mut who: Vec<At<Principal>> = Vec::new();
        for at in &given.who {
            let found = match &at.value {
                Analyst::Principal(who) => vec![who.clone()],
                Analyst::Access(entry) => match access.get(entry) {
                    Some(access) => access.who.iter().map(|who| who.value.clone()).collect(),
                    None => {
                        let broken = spec.access.broken.iter().any(|name| name.value == *entry);
                        if !broken && !self.unreadable("access") {
                            let path = format!("{list}[{}]", self.position(&list, at.span));
                            self.no_entry(entry, at.span, &path, access);
                        }
                        Vec::new()
                    }
                },
            };
            for one in found {
                if who.iter().all(|known| known.value != one) {
                    who.push(At { value: one, span: at.span });
                }
            }
        }
        if given.who.is_empty() && !self.unreadable(&list) && !self.unknown_key_in(path) {
            let headline = format!("nobody queries in workgroup `{name}`");
            let diagnostic = Diagnostic::error(diagnostic::LW0202, name.span, headline)
                .help("say who does: `who: [analysts]`, an entry of `access`, or `[role/Analyst]`");
            self.report(diagnostic, &list);
        }
        who
    }

    fn no_entry(&mut self, entry: &Name, span: Span, path: &str, access: &BTreeMap<Name, Access>) {
        let headline = format!("unknown entry of `access` `{entry}`");
        let mut diagnostic =
            Diagnostic::error(diagnostic::LW0203, span, headline).label("no entry of this name");
        let known = || access.keys().map(Name::as_str);
        diagnostic = match nearest(entry.as_str(), known()) {
            Some(near) => {
                let near = near.to_owned();
                diagnostic.help(format!("did you mean `{near}`?")).fix(span, near)
            }
            None => {
                let some: Vec<String> = known().take(5).map(|it| format!("`{it}`")).collect();
                let some = if some.is_empty() { "none".to_owned() } else { some.join(", ") };
                diagnostic.note(format!("declared: {some}")).help("a role is written `role/NAME`")
            }
        };
        self.report(diagnostic, path);
    }
}

/// The key of results that have none of the spec's.
fn own_key(own: &Name, of: &str, item: &Item<Athena>, protect: bool) -> Key {
    Key {
        name: own.clone(),
        of: Some(of.to_owned()),
        span: item.name.span,
        description: Some(format!("Results of workgroup {}", item.name)),
        existing: None,
        rotation_days: Some(365),
        admins: Vec::new(),
        deny: Vec::new(),
        deletion_window_days: 30,
        protect: or(&item.value.protect, protect),
        generation: 1,
    }
}
