//! From a tree to the [`Lake`] of one environment.
//!
//! The environment's `set` is laid over the tree, the defaults under its things; the result is
//! decoded, names are resolved, built-in defaults filled in and AWS names worked out. Everything
//! that is wrong is reported at the place where it was written, the parts that are right are there
//! for the checks all the same. INVARIANT: a `Lake` holds no name that refers to nothing.

mod analytics;
mod combine;
mod databases;
mod flows;
mod names;
mod places;
mod roles;
mod tags;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

pub use combine::combine;

use crate::catalogue;
use crate::diagnostic::{self, Code, Diagnostic, Diagnostics, nearest};
use crate::lake::{Home, Lake, LakeFormation, Naming, OptOut, Organization, Origins, Waiver};
use crate::names::{AccountId, Name, Region};
use crate::source::Span;
use crate::spec::decode::{At, Named, list};
use crate::spec::organization::OrganizationId;
use crate::spec::reference::Section;
use crate::spec::{self, Spec, WITH_DEFAULTS};
use crate::syntax::{Entry, Kind, Node, merge_under, overlay};

/// What a spec means in one environment, as far as it could be understood.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// `None` when there is no spec to be seen. Where there are errors it lacks what could not be
    /// read and holds guesses for lake, account, region and organization, so that the rest can be
    /// checked all the same: nobody goes on to make something of it then.
    pub lake: Option<Lake>,
    pub origins: Origins,
    pub diagnostics: Diagnostics,
}

/// The account of an environment that names none; only the sandbox takes it.
pub const DUMMY_ACCOUNT: &str = "000000000000";

/// The names of the environments, in the order of the file.
pub fn environments(tree: &Node) -> Vec<&str> {
    let entries = tree.get("environments").and_then(Node::entries).unwrap_or(&[]);
    entries.iter().map(|entry| &*entry.key).collect()
}

/// Chooses an environment: the one that was asked for, or the only one there is.
pub fn choose<'t>(tree: &'t Node, asked: Option<&str>) -> Result<&'t str, Box<Diagnostic>> {
    let known = environments(tree);
    let span = tree
        .entries()
        .and_then(|entries| entries.iter().find(|entry| &*entry.key == "environments"))
        .map(|entry| entry.key_span)
        .or_else(|| Some(tree.entries()?.first()?.key_span));
    let refuse = |headline: String| {
        Diagnostic::new(diagnostic::LW0207, diagnostic::Severity::Error, span, headline)
    };
    match (asked, &known[..]) {
        (Some(name), _) => known.iter().copied().find(|known| *known == name).ok_or_else(|| {
            let refused = refuse(format!("there is no environment `{name}`"));
            Box::new(match nearest(name, known.iter().copied()) {
                Some(near) => refused.help(format!("did you mean `--env {near}`?")),
                None => refused.help(format!("the spec has {}", list(&known))),
            })
        }),
        (None, [only]) => Ok(only),
        (None, []) => Err(Box::new(refuse("the spec has no environment".into()).help(
            "write `environments: { dev: { account: \"111111111111\", region: eu-west-1 } }`",
        ))),
        (None, _) => Err(Box::new(
            refuse("the spec has several environments".into())
                .help(format!("name one with `--env`: {}", list(&known))),
        )),
    }
}

/// What the spec means in the environment of this name.
pub fn resolve(tree: &Node, environment: &str) -> Resolved {
    let mut diagnostics = Diagnostics::default();
    let merged = merge(tree, environment, &mut diagnostics);
    let origins = Origins::of(&merged);
    let (spec, found) = spec::decode(&merged);
    diagnostics.extend(found);
    let spec = spec.or_else(|| spec::decode(&mended(&merged)?).0);
    let lake = spec.map(|spec| Resolver::new(&spec, &merged, environment, &mut diagnostics).lake());
    Resolved { lake, origins, diagnostics }
}

/// The spec with guesses for what it must have and has not, or not readably.
fn mended(merged: &Node) -> Option<Node> {
    let mut tree = merged.clone();
    let span = Span { end: tree.span.start, ..tree.span };
    let Kind::Map(entries) = &mut tree.kind else { return None };
    let lake = |entry: &Entry| entry.value.text().is_some_and(|text| Name::new(text).is_ok());
    let named = entries.iter().any(|entry| &*entry.key == "lake" && lake(entry));
    entries.retain(|entry| match &*entry.key {
        "lakewright" => false,
        "lake" => named,
        _ => true,
    });
    for (key, text) in [("lakewright", Some("1")), ("lake", (!named).then_some("lake"))] {
        let Some(text) = text else { continue };
        let kind = Kind::Scalar { text: text.into(), quoted: false };
        entries.push(Entry { key: key.into(), key_span: span, value: Node { span, kind } });
    }
    Some(tree)
}

/// What the spec means in each environment. What is found in all of them is said once; what shows in
/// some only names them.
pub fn resolve_all(tree: &Node) -> Vec<(String, Resolved)> {
    environments(tree).into_iter().map(|name| (name.to_owned(), resolve(tree, name))).collect()
}

/// Lays the environment's `set` over the spec, and the defaults under its things.
fn merge(tree: &Node, environment: &str, diagnostics: &mut Diagnostics) -> Node {
    let mut merged = tree.clone();
    let set = tree
        .get("environments")
        .and_then(|environments| environments.get(environment))
        .and_then(|environment| environment.get("set"));
    if let Some(set) = set {
        let mut set = set.clone();
        if let Kind::Map(entries) = &mut set.kind {
            entries.retain(|entry| {
                let fixed = matches!(&*entry.key, "lakewright" | "lake" | "environments");
                if fixed {
                    let headline = format!("`{}` cannot be different in an environment", entry.key);
                    diagnostics.push(
                        Diagnostic::error(diagnostic::LW0211, entry.key_span, headline)
                            .help("write it at the top of the spec, and take it out of `set`")
                            .at(format!("environments.{environment}.set.{}", entry.key)),
                    );
                }
                !fixed
            });
            overlay(&mut merged, &set);
        }
    }
    let defaults = merged.get("defaults").cloned();
    if let (Some(defaults), Kind::Map(sections)) = (defaults, &mut merged.kind) {
        for section in sections.iter_mut().filter(|s| WITH_DEFAULTS.contains(&&*s.key)) {
            if let (Some(defaults), Kind::Map(things)) =
                (defaults.get(&section.key), &mut section.value.kind)
            {
                for thing in things.iter_mut().filter(|thing| takes_defaults(thing)) {
                    merge_under(&mut thing.value, defaults);
                }
            }
        }
    }
    merged
}

/// Things that are not ours take no defaults; what is no map is reported by the decoder.
fn takes_defaults(thing: &Entry) -> bool {
    match &thing.value.kind {
        Kind::Map(_) => thing.value.get("existing").is_none(),
        Kind::Null => true,
        _ => false,
    }
}

/// Works a spec out, one section after the other.
struct Resolver<'a> {
    spec: &'a Spec,
    /// What the spec was decoded from.
    tree: &'a Node,
    diagnostics: &'a mut Diagnostics,
    naming: Naming,
    home: Home,
    /// Whether the region is a guess.
    guessed: bool,
    /// What each name of the shared namespace is, and where it was declared.
    things: BTreeMap<Name, (Section, Span)>,
    /// Those of them that could not be read or made sense of, which was reported: nothing refers to
    /// them in the end, and nobody complains about that again.
    unusable: BTreeSet<Name>,
    opt_outs: Vec<OptOut>,
}

impl<'a> Resolver<'a> {
    fn new(
        spec: &'a Spec,
        tree: &'a Node,
        environment: &str,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let item = spec.environments.iter().find(|item| item.name.as_str() == environment);
        let known = item.and_then(|item| {
            let region = item.value.region.value.clone();
            Some((item, catalogue::region(region.as_str())?, region))
        });
        let guess = || {
            let region = Region::new("us-east-1").expect("invariant: it looks like a region");
            let facts = catalogue::region("us-east-1").expect("invariant: AWS's oldest region");
            (facts, region)
        };
        let (facts, region) = match &known {
            Some((_, facts, region)) => (*facts, region.clone()),
            None => guess(),
        };
        let name = match item {
            Some(item) => item.name.value.clone(),
            None => Name::new(environment)
                .or_else(|_| Name::new("env"))
                .expect("invariant: `env` is a name"),
        };
        let written = tree
            .get("environments")
            .and_then(|environments| environments.get(environment)?.get("account")?.text())
            .and_then(|text| AccountId::new(text).ok());
        let account =
            written.unwrap_or_else(|| AccountId::new(DUMMY_ACCOUNT).expect("invariant: 12 digits"));
        // An underscore in them is reported below, and in no name that is made of them.
        let part = |name: &Name| {
            Name::new(name.as_str().replace('_', "-")).unwrap_or_else(|_| name.clone())
        };
        let naming = Naming {
            lake: part(&spec.lake.value),
            environment: part(&name),
            suffix: spec.suffix.as_ref().map(|suffix| part(&suffix.value)),
        };
        let parts = [Some(&spec.lake), item.map(|item| &item.name), spec.suffix.as_ref()];
        for part in parts.into_iter().flatten().filter(|part| part.as_str().contains('_')) {
            let headline = format!("`{part}` cannot be part of every name");
            diagnostics.push(
                Diagnostic::error(diagnostic::LW0206, part.span, headline)
                    .note("buckets and stacks take no underscores")
                    .fix(part.span, part.as_str().replace('_', "-")),
            );
        }
        let home = Home {
            environment: name,
            span: item.map(|item| item.name.span),
            account,
            region,
            partition: facts.partition.name,
            dns_suffix: facts.partition.dns_suffix,
            deploy_role: item.and_then(|item| item.value.deploy_role.clone()),
            execution_role: item.and_then(|item| item.value.execution_role.clone()),
            permissions_boundary: item.and_then(|item| item.value.permissions_boundary.0.clone()),
            base_bucket: item.and_then(|item| item.value.base_bucket.clone()),
        };
        Resolver {
            spec,
            tree,
            diagnostics,
            naming,
            home,
            guessed: known.is_none(),
            things: BTreeMap::new(),
            unusable: BTreeSet::new(),
            opt_outs: Vec::new(),
        }
    }

    fn lake(mut self) -> Lake {
        self.declare_things();
        let organization = self.organization();
        let family = self.family();
        let tags = self.lake_tags();
        let mut keys = self.keys();
        let mut buckets = self.buckets();
        self.own_results(&mut keys, &mut buckets);
        self.lost(&self.spec.buckets, |name| buckets.contains_key(name));
        let databases = self.databases(&buckets);
        let sources = self.sources(&databases);
        self.lost(&self.spec.sources, |name| sources.contains_key(name));
        let pipelines = self.pipelines(&databases, &sources);
        let roles = self.roles();
        let access = self.access(&databases, &sources);
        let workgroups = self.workgroups(&access, &buckets);
        let lake_formation = self
            .spec
            .lake_formation
            .as_ref()
            .map(|given| LakeFormation { span: given.span, admins: given.admins.clone() });
        let notify = self.notify();
        let alarms = self.alarms(&databases);
        let log_days = self.log_days();
        let waivers = self.waivers();
        Lake {
            naming: self.naming,
            home: self.home,
            description: self.spec.description.clone(),
            tags,
            log_days,
            organization,
            family,
            keys,
            buckets,
            databases,
            lake_formation,
            sources,
            pipelines,
            roles,
            access,
            workgroups,
            notify,
            alarms,
            policies: self
                .spec
                .policies
                .as_ref()
                .map(|folder| At { value: folder.value.0.clone(), span: folder.span }),
            waivers,
            opt_outs: self.opt_outs,
        }
    }

    fn waivers(&self) -> Vec<Waiver> {
        let waiver = |given: &spec::waivers::Waiver| Waiver {
            at: self.position("waivers", given.span),
            span: given.span,
            rule: At { value: given.rule.value.0.clone(), span: given.rule.span },
            on: At { value: given.on.value.0.clone(), span: given.on.span },
            reason: given.reason.value.0.clone(),
            until: At { value: given.until.value.0, span: given.until.span },
        };
        self.spec.waivers.iter().map(waiver).collect()
    }

    /// The accounts that the environments name, read from the tree: also those of environments that
    /// have a mistake elsewhere.
    fn family(&self) -> BTreeSet<AccountId> {
        let environments = self.tree.get("environments").and_then(Node::entries).unwrap_or(&[]);
        let accounts = environments
            .iter()
            .filter_map(|entry| AccountId::new(entry.value.get("account")?.text()?).ok());
        accounts.chain([self.home.account.clone()]).collect()
    }

    /// The organization; where it could not be read, one that trusts whom it says it trusts.
    fn organization(&self) -> Option<Organization> {
        if let Some(given) = &self.spec.organization {
            let trusted = given.trusted.0.iter();
            return Some(Organization {
                id: given.id.clone(),
                management_account: given.management_account.clone(),
                root: given.root.clone(),
                trusted: trusted.map(|(id, why)| (id.value.clone(), why.clone())).collect(),
            });
        }
        let node = self.tree.get("organization").filter(|node| node.kind != Kind::Null)?;
        let trusted = node.get("trusted").and_then(Node::entries).unwrap_or(&[]);
        let id = OrganizationId("o-0000000000".to_owned());
        Some(Organization {
            id: At { value: id, span: node.span },
            management_account: None,
            root: None,
            trusted: trusted
                .iter()
                .filter_map(|entry| Some((AccountId::new(&entry.key).ok()?, String::new())))
                .collect(),
        })
    }

    /// Notes the things that did not make it into the lake.
    fn lost<T>(&mut self, things: &Named<T>, there: impl Fn(&Name) -> bool) {
        let lost = things.iter().map(|item| &item.name.value).filter(|name| !there(name));
        self.unusable.extend(lost.cloned());
    }

    /// Whether a whole section could not be read, so that its names are not known.
    fn unreadable_section(&self, section: Section) -> bool {
        self.tree
            .get(section.as_str())
            .is_some_and(|node| !matches!(node.kind, Kind::Map(_) | Kind::Null))
    }

    /// Whether a part of the spec could not be read, which was reported.
    fn unreadable(&self, path: &str) -> bool {
        let mut node = self.tree;
        for key in path.split('.') {
            match node.get(key) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.kind == Kind::Broken || self.diagnostics.has_errors_at(path)
    }

    /// Fills the shared namespace, and reports names that are taken twice.
    fn declare_things(&mut self) {
        let spec = self.spec;
        self.declare(Section::Buckets, &spec.buckets);
        self.declare(Section::Databases, &spec.databases);
        self.declare(Section::Sources, &spec.sources);
        self.declare(Section::Pipelines, &spec.pipelines);
        self.declare_results();
    }

    fn declare<T>(&mut self, section: Section, things: &Named<T>) {
        for item in things.iter() {
            let name = &item.name;
            if let Some((other, span)) = self.things.get(&name.value) {
                let diagnostic = Diagnostic::error(
                    diagnostic::LW0204,
                    name.span,
                    format!("`{name}` is a {} and a {}", other.one(), section.one()),
                )
                .label("the second of that name")
                .also(*span, "the first one")
                .at(format!("{}.{name}", section.as_str()))
                .help("buckets, databases, sources and pipelines share one namespace: rename one of them");
                self.diagnostics.push(diagnostic);
                continue;
            }
            self.things.insert(name.value.clone(), (section, name.span));
        }
        for name in &things.broken {
            if !self.things.contains_key(&name.value) {
                self.things.insert(name.value.clone(), (section, name.span));
                self.unusable.insert(name.value.clone());
            }
        }
    }

    /// Whether a map of the spec has a key that nobody knows: what seems to be missing in it may be
    /// just misspelled.
    fn unknown_key_in(&self, path: &str) -> bool {
        self.diagnostics.iter().any(|found| {
            let at = found.path.as_deref().and_then(|at| at.rsplit_once('.'));
            found.code == diagnostic::LW0201 && at.is_some_and(|(map, _)| map == path)
        })
    }

    /// Where an element stands in the list at a path of the spec; elements before it that could not
    /// be read count.
    fn position(&self, path: &str, span: Span) -> usize {
        let list = path.split('.').try_fold(self.tree, |node, key| node.get(key));
        match list.map(|node| &node.kind) {
            Some(Kind::List(items)) => items.iter().position(|item| item.span == span).unwrap_or(0),
            _ => 0,
        }
    }

    /// Reports something at a spec path.
    fn error(&mut self, code: Code, span: Span, path: &str, headline: String) {
        self.report(Diagnostic::error(code, span, headline), path);
    }

    fn report(&mut self, diagnostic: Diagnostic, path: &str) {
        self.diagnostics.push(diagnostic.at(path));
    }

    /// Notes that a thing does without a default, and warns of it.
    fn opt_out(&mut self, span: Span, path: String, what: String) {
        let headline = format!("less than the default: {what}");
        self.report(Diagnostic::warning(diagnostic::LW0403, span, headline), &path);
        self.opt_outs.push(OptOut { path, what });
    }

    /// Where the environment's `set` takes a thing of that name out, if it does.
    fn taken_out(&self, name: &str) -> Option<Span> {
        fn find(node: &Node, key: &str) -> Option<Span> {
            node.entries()?.iter().find_map(|entry| match entry.value.kind {
                Kind::Null => (&*entry.key == key).then_some(entry.key_span),
                _ => find(&entry.value, key),
            })
        }
        let environment = self.home.environment.as_str();
        let set = self.tree.get("environments")?.get(environment)?.get("set")?;
        find(set, name.rsplit('.').next().unwrap_or(name))
    }

    /// Says that a name refers to nothing, and what was probably meant.
    fn unknown<'n>(
        &mut self,
        what: &str,
        typed: &str,
        span: Span,
        path: &str,
        known: impl Iterator<Item = (&'n str, Option<Span>)> + Clone,
        written: impl Fn(&str) -> String,
    ) {
        let mut diagnostic = Diagnostic::error(
            diagnostic::LW0203,
            span,
            format!("unknown {what} `{}`", written(typed)),
        )
        .label(format!("no {what} of this name"));
        if let Some(place) = self.taken_out(typed) {
            let environment = &self.home.environment;
            let diagnostic = diagnostic
                .also(place, format!("environment `{environment}` takes it out here"))
                .help("leave it in, or change in the same `set` what refers to it");
            self.report(diagnostic, path);
            return;
        }
        match nearest(typed, known.clone().map(|(name, _)| name)) {
            Some(near) => {
                let place =
                    known.clone().find(|(name, _)| *name == near).and_then(|(_, place)| place);
                if let Some(place) = place {
                    diagnostic = diagnostic.also(place, "a similar name is defined here");
                }
                let near = written(near);
                diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(span, near);
            }
            None => {
                let names: Vec<&str> = known.map(|(name, _)| name).take(6).collect();
                diagnostic = match names.len() {
                    0 => diagnostic.note(format!("the spec declares no {what}")).help(format!(
                        "declare it under that name, or take `{}` out",
                        written(typed)
                    )),
                    1..=5 => diagnostic.note(format!("declared: {}", list(&names))),
                    _ => diagnostic,
                };
            }
        }
        self.report(diagnostic, path);
    }
}

/// The value of an optional key, or the default.
fn or<T: Copy>(given: &Option<At<T>>, default: T) -> T {
    given.as_ref().map_or(default, |given| given.value)
}
