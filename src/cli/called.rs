//! What people call things, as the things that a state knows: principals and places of the questions about access.
//!
//! In: a word as a spec writes it (`role/Analyst`, `raw/ledger/`, `sales.orders`) or an ARN. Out: a [`Subject`], or a
//! [`Place`] with everything that has to be asked of it. With a spec behind the state every name of the spec is known;
//! without one the names that templates carry, and ARNs.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};

use super::Misuse;
use crate::access::State;
use crate::access::reach::{Subject, Target, closure};
use crate::document::Value;
use crate::lake::{self, Lake};
use crate::names::Name;
use crate::render::access_reach::By;
use crate::spec::reference::{Principal, Reference};

/// A place by its name, and what it consists of.
pub struct Place {
    pub name: String,
    pub targets: Vec<Target>,
    /// What else holds the data of a table: results of queries and copies, as the spec says.
    pub elsewhere: Vec<(By, Vec<Target>)>,
}

/// A state, and the spec behind it.
pub struct Called<'a> {
    pub state: &'a State,
    pub lake: Option<&'a Lake>,
}

const PRINCIPALS: &str = "write it as the spec does: `role/NAME`, `ACCOUNT:role/NAME`, `user/NAME`, `account/ID`, `service/NAME`, `anonymous`, the name of a pipeline, or an ARN";
const PLACES: &str = "write it as the spec does: `raw/`, `raw/ledger/`, `sales`, `sales.orders`, `keys.raw`, the name of a source, or an ARN";

impl Called<'_> {
    /// Who is meant.
    pub fn subject(&self, word: &str) -> Result<Subject> {
        if word == "anonymous" {
            return Ok(Subject::Anonymous);
        }
        if let Some(account) = word.strip_prefix("arn:").and_then(|_| word.strip_suffix(":root")) {
            return Ok(Subject::Account(account.rsplit(':').next().unwrap_or_default().to_owned()));
        }
        if word.starts_with("arn:") || self.state.principals.contains_key(word) {
            return Ok(Subject::Named(word.to_owned()));
        }
        // a pipeline, a source: the role that is made for it
        let path = [format!("pipelines.{word}"), format!("sources.{word}"), word.to_owned()];
        let made =
            self.state.principals.iter().find(|(_, one)| {
                one.origin.as_ref().is_some_and(|origin| path.contains(&origin.path))
            });
        if let Some((arn, _)) = made {
            return Ok(Subject::Named(arn.clone()));
        }
        let parsed = Principal::parse(word);
        match parsed {
            Ok(Principal::Account(account)) => Ok(Subject::Account(account.to_string())),
            Ok(Principal::Service(service)) => Ok(Subject::Service(service)),
            Ok(Principal::Role { account, name }) => {
                self.named("role", account.map(|one| one.to_string()), &name)
            }
            Ok(Principal::User { account, name }) => {
                self.named("user", account.map(|one| one.to_string()), &name)
            }
            _ => {
                let hint = self.near_principal(word).unwrap_or_else(|| PRINCIPALS.to_owned());
                let told = format!("`{word}` is no principal that can be asked about: {hint}");
                Err(Misuse(told).into())
            }
        }
    }

    fn named(&self, kind: &str, account: Option<String>, name: &str) -> Result<Subject> {
        let ends = format!(":{kind}/{name}");
        let own = |arn: &&String| {
            let fits = account.as_ref().is_none_or(|id| arn.split(':').nth(4) == Some(id));
            let last = arn.contains(&format!(":{kind}/")) && arn.ends_with(&format!("/{name}"));
            fits && (arn.ends_with(&ends) || last)
        };
        if let Some(arn) = self.state.principals.keys().find(own) {
            return Ok(Subject::Named(arn.clone()));
        }
        let home = self.lake.map(|lake| lake.home.account.to_string());
        let first = || self.state.principals.values().next().map(|one| one.account.clone());
        let Some(account) = account.or(home).or_else(first) else {
            return Err(anyhow!("`{kind}/{name}` is of no known account: name it by its ARN"));
        };
        let partition = self.lake.map_or("aws", |lake| lake.home.partition);
        Ok(Subject::Named(format!("arn:{partition}:iam::{account}:{kind}/{name}")))
    }

    /// What people call a principal: the inverse of [`Called::subject`].
    pub fn name_of(&self, who: &Subject) -> String {
        match who {
            Subject::Account(account) => format!("account/{account}"),
            Subject::Service(service) => format!("service/{service}"),
            Subject::Anonymous => "anonymous".to_owned(),
            Subject::Anybody => "everyone".to_owned(),
            Subject::Named(arn) => self.name(arn),
        }
    }

    /// What people call a principal of an ARN, or a resource.
    pub fn name(&self, arn: &str) -> String {
        if self.state.resources.contains_key(arn) {
            return arn
                .strip_prefix("arn:aws:s3:::")
                .map_or(arn.to_owned(), |name| format!("bucket {name}"));
        }
        let path = self.state.principals.get(arn).and_then(|one| one.origin.as_ref());
        let rest = arn.splitn(6, ':').nth(5).filter(|_| arn.starts_with("arn:"));
        // a pipeline may have a second role, which starts it
        let same = |other: &crate::access::Principal| {
            other.origin.as_ref().map(|origin| &origin.path) == path.map(|origin| &origin.path)
        };
        let first = self.state.principals.iter().find(|(_, other)| same(other));
        let path = path.filter(|_| first.is_some_and(|(first, _)| first == arn) || rest.is_none());
        let short = match (rest, path.map(|origin| origin.path.as_str())) {
            (_, Some(path)) if path.starts_with("pipelines.") => {
                return path.replacen('.', " ", 1).replacen("pipelines", "pipeline", 1);
            }
            (Some(rest), _) => rest,
            (None, Some(path)) if !path.is_empty() => return path.to_owned(),
            (None, _) => return arn.to_owned(),
        };
        let account = arn.split(':').nth(4).unwrap_or_default();
        let home = self.lake.map(|lake| lake.home.account.to_string());
        match self.state.principals.contains_key(arn) || home.as_deref() == Some(account) {
            true => short.to_owned(),
            false => format!("{account}:{short}"),
        }
    }

    /// What is meant by a place.
    pub fn place(&self, word: &str) -> Result<Place> {
        let targets = if word.starts_with("arn:") {
            vec![self.by_arn(word)]
        } else if let Some(targets) = self.lake.and_then(|lake| self.of_lake(lake, word)) {
            targets
        } else {
            self.of_templates(word)
        };
        match targets.is_empty() {
            true => {
                let near = self.near_place(word).map(|near| format!("did you mean `{near}`?"));
                let hint = near.unwrap_or_else(|| PLACES.to_owned());
                Err(Misuse(format!("there is no place `{word}` in this state: {hint}")).into())
            }
            false => {
                let elsewhere = self.lake.map_or_else(Vec::new, |lake| self.elsewhere(lake, word));
                Ok(Place { name: word.to_owned(), targets, elsewhere })
            }
        }
    }

    fn by_arn(&self, arn: &str) -> Target {
        let rest = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let kind = match arn.split(':').nth(2).unwrap_or_default() {
            "s3" if rest.contains('/') => "object",
            "s3" => "bucket",
            "kms" => "key",
            "kinesis" => "stream",
            "glue" => rest.split('/').next().unwrap_or("table"),
            "iam" => rest.split('/').next().unwrap_or("role"),
            "sns" => "topic",
            "sqs" => "queue",
            "secretsmanager" => "secret",
            other => other,
        };
        let guard = match kind {
            "object" => arn.split('/').next().unwrap_or(arn),
            _ => arn,
        };
        let resource = match kind {
            "object" if arn.ends_with('/') => format!("{arn}*"),
            _ => arn.to_owned(),
        };
        Target { kind: kind.to_owned(), resource: Value::from(resource), guard: guard.to_owned() }
    }

    fn objects(&self, bucket: &str, prefix: &str) -> Vec<Target> {
        let mut found = vec![Target {
            kind: "object".to_owned(),
            resource: Value::from(format!("{bucket}/{prefix}*")),
            guard: bucket.to_owned(),
        }];
        if prefix.is_empty() || bucket.starts_with('{') {
            found.push(Target {
                kind: "bucket".to_owned(),
                resource: closure::resource(bucket),
                guard: bucket.to_owned(),
            });
        }
        found
    }

    fn of_lake(&self, lake: &Lake, word: &str) -> Option<Vec<Target>> {
        let home = &lake.home;
        if let Some(key) = word.strip_prefix("keys.") {
            let key = lake.keys.get(&Name::new(key).ok()?)?;
            let made = self.made(&key.path(), "AWS::KMS::Key");
            let guard = key.existing.as_ref().map(|arn| arn.value.to_string()).or(made)?;
            let resource = closure::resource(&guard);
            return Some(vec![Target { kind: "key".to_owned(), resource, guard }]);
        }
        let at = |location: &crate::lake::places::Location| {
            let bucket = lake.buckets.get(&location.bucket)?;
            Some(self.objects(&home.s3_arn(&bucket.bucket_name, ""), &location.prefix))
        };
        let glue = |kind: &str, resource: String| {
            let arn = home.own_arn("glue", &home.region, &resource);
            Target { kind: kind.to_owned(), resource: Value::from(arn.clone()), guard: arn }
        };
        if let Some(name) = word.strip_prefix("analytics.").unwrap_or(word).strip_prefix("athena.")
            && let Some(workgroup) = lake.workgroups.get(&Name::new(name).ok()?)
        {
            return at(&workgroup.results.value);
        }
        let word = word
            .strip_prefix("buckets.")
            .map_or_else(|| word.to_owned(), |rest| format!("{rest}/"));
        let word =
            word.strip_prefix("databases.").or(word.strip_prefix("sources.")).unwrap_or(&word);
        match Reference::parse(word).ok()? {
            Reference::Bucket { bucket, prefix } => {
                at(&crate::lake::places::Location { bucket, prefix: prefix.0.to_string() })
            }
            Reference::Table { database, table } => {
                let of = lake.databases.get(&database)?;
                let known = of.tables.get(&table)?;
                let mut found = at(&known.location)?;
                found.retain(|target| target.kind == "object");
                found.push(glue("table", format!("table/{}/{table}", of.catalog_name)));
                Some(found)
            }
            Reference::Thing(name) => {
                if let Some(of) = lake.databases.get(&name) {
                    let mut found = of.location.as_ref().and_then(at).unwrap_or_default();
                    found.retain(|target| target.kind == "object");
                    found.push(glue("table", format!("table/{}/*", of.catalog_name)));
                    found.push(glue("database", format!("database/{}", of.catalog_name)));
                    return Some(found);
                }
                if let Some(source) = lake.sources.get(&name) {
                    let arn = home.own_arn(
                        "kinesis",
                        &home.region,
                        &format!("stream/{}", source.stream_name),
                    );
                    return Some(vec![self.by_arn(&arn)]);
                }
                let bucket = lake.buckets.get(&name)?;
                Some(self.objects(&home.s3_arn(&bucket.bucket_name, ""), ""))
            }
            Reference::Each(_) => None,
        }
    }

    /// Where else the data of a table, or of a database, is: the copies of its bucket, and the results of workgroups whose
    /// people read it.
    fn elsewhere(&self, lake: &Lake, word: &str) -> Vec<(By, Vec<Target>)> {
        let word = word.strip_prefix("databases.").unwrap_or(word);
        let place = match Reference::parse(word) {
            Ok(Reference::Table { database, table }) => lake::Place::Table { database, table },
            Ok(Reference::Thing(name)) if lake.databases.contains_key(&name) => {
                lake::Place::Database(name)
            }
            _ => return Vec::new(),
        };
        let mut found = Vec::new();
        let tables: BTreeSet<String> = lake
            .tables_at(&place)
            .iter()
            .map(|(_, table)| format!("{}.{}", table.database, table.name))
            .collect();
        for workgroup in lake.workgroups.values() {
            let reads =
                |who: &Principal| lake.views(who).keys().any(|table| tables.contains(table));
            let Some(bucket) = lake.buckets.get(&workgroup.results.value.bucket) else { continue };
            if workgroup.who.iter().any(|who| reads(&who.value)) {
                let arn = lake.home.s3_arn(&bucket.bucket_name, "");
                let objects = self.objects(&arn, &workgroup.results.value.prefix);
                found.push((By::Results(workgroup.name.to_string()), objects));
            }
        }
        for location in lake.files_of(&place) {
            let Some(bucket) = lake.buckets.get(&location.bucket) else { continue };
            let Some(replica) = &bucket.replica else { continue };
            let copied = lake::places::Location {
                bucket: location.bucket.clone(),
                prefix: replica.prefix.clone(),
            };
            let by = By::Copy(replica.region.to_string());
            if copied.overlaps(&location) && found.iter().all(|(known, _)| *known != by) {
                let arn = lake.home.s3_arn(&replica.bucket_name, "");
                found.push((by, self.objects(&arn, &location.prefix)));
            }
        }
        found
    }

    fn made(&self, path: &str, kind: &str) -> Option<String> {
        let found = self.state.resources.iter().find(|(_, one)| {
            one.kind == kind && one.origin.as_ref().is_some_and(|origin| origin.path == path)
        });
        found.map(|(name, _)| name.clone())
    }

    /// By what templates carry: the path of a spec, the name in AWS, the logical id.
    fn of_templates(&self, word: &str) -> Vec<Target> {
        let (head, prefix) = word.split_once('/').unwrap_or((word, ""));
        let found = self.state.resources.iter().find(|(name, one)| {
            let origin = one.origin.as_ref();
            let path = origin.map_or("", |origin| origin.path.as_str());
            let id = origin.map_or("", |origin| origin.logical_id.as_str());
            path == head
                || path == format!("buckets.{head}")
                || id == head
                || name.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4))
                    == Some(head)
        });
        let Some((name, one)) = found else { return Vec::new() };
        if one.kind == "AWS::S3::Bucket" && !name.starts_with('{') {
            return self.objects(name, prefix);
        }
        let kind = one.kind.rsplit("::").next().unwrap_or_default().to_lowercase();
        vec![Target { kind, resource: closure::resource(name), guard: name.clone() }]
    }

    /// Every place of the state.
    pub fn places(&self) -> Vec<Place> {
        let mut names: Vec<String> = Vec::new();
        if let Some(lake) = self.lake {
            names.extend(lake.buckets.keys().map(|name| format!("{name}/")));
            names.extend(
                lake.databases.values().flat_map(|of| {
                    of.tables.keys().map(move |table| format!("{}.{table}", of.name))
                }),
            );
            names.extend(lake.sources.keys().map(ToString::to_string));
            names.extend(lake.keys.keys().map(|name| format!("keys.{name}")));
        } else {
            names.extend(self.state.resources.iter().map(|(name, one)| {
                let origin = one.origin.as_ref();
                let path =
                    origin.map(|origin| origin.path.as_str()).filter(|path| !path.is_empty());
                let arn = (!name.starts_with('{')).then_some(name.as_str());
                let id = origin.map(|origin| origin.logical_id.as_str());
                path.or(arn).or(id).unwrap_or(name).to_owned()
            }));
        }
        let mut places: Vec<Place> =
            names.iter().filter_map(|name| self.place(name).ok()).collect();
        for place in &mut places {
            // a bucket's ARN stands for what is in it too
            if place.targets.len() == 1 && place.targets[0].kind == "bucket" {
                place.targets = self.objects(&place.targets[0].guard.clone(), "");
            }
        }
        places
    }
}
