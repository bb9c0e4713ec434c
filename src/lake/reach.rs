//! Who reaches the files of a table without asking Lake Formation.
//!
//! In: the lake. Out: every way to the files of a database, be it somebody's access or machinery of the
//! lake. Read by the check of restrictions and by what a plan says. INVARIANT: a way that the lake
//! itself makes is in the list, but for the role that Lake Formation itself reads as; what other stacks, or policies written by hand, make is not read.

use super::Lake;
use super::formation::Through;
use super::places::{Database, Location, Place};
use super::views::Views;
use crate::source::Span;

/// A way to the files of a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// `role/Auditor (read raw/)`, `pipeline clean-orders`.
    pub who: String,
    /// Where somebody was given it; `None` for what the lake itself makes.
    pub given: Option<Span>,
}

impl Lake {
    /// The places in S3 that a place of the lake has.
    pub fn files_of(&self, place: &Place) -> Vec<Location> {
        match place {
            Place::Objects(location) => vec![location.clone()],
            Place::Stream(_) => Vec::new(),
            Place::Table { .. } => {
                self.tables_at(place).iter().map(|(_, table)| table.location.clone()).collect()
            }
            Place::Database(name) => {
                let own = self.databases.get(name).and_then(|found| found.location.clone());
                let tables = self.tables_at(place).into_iter();
                own.into_iter().chain(tables.map(|(_, table)| table.location.clone())).collect()
            }
        }
    }

    /// Every way to the files of a database, by name.
    pub fn ways_to(&self, database: &Database) -> Vec<Way> {
        let ours = self.files_of(&Place::Database(database.name.clone()));
        let meets = |place: &Place| {
            let theirs = self.files_of(place);
            theirs.iter().any(|one| ours.iter().any(|own| own.overlaps(one)))
        };
        let mut ways: Vec<Way> = Vec::new();
        for access in self.access.values() {
            for grant in access.grants.iter().filter(|grant| meets(&grant.place.value)) {
                let place = &grant.place.value;
                for who in &access.who {
                    if self.through(access, &who.value, place) == Through::Iam {
                        let who = format!("{who} ({} {place})", grant.verb.as_str());
                        ways.push(Way { who, given: Some(grant.place.span) });
                    }
                }
            }
        }
        let mut machinery = |who: String| ways.push(Way { who, given: None });
        for pipeline in self.pipelines.values() {
            if pipeline.read.iter().chain(&pipeline.write).any(|place| meets(&place.value)) {
                machinery(format!("pipeline {}", pipeline.name));
            }
        }
        for source in self.sources.values() {
            if meets(&Place::Objects(source.into.value.clone())) {
                machinery(format!("source {}", source.name));
            }
        }
        for bucket in self.buckets.values() {
            let whole = Location { bucket: bucket.name.clone(), prefix: String::new() };
            if bucket.replica.is_some() && meets(&Place::Objects(whole)) {
                machinery(format!("the copy of {}", bucket.name));
            }
        }
        let tables = |views: &Views| {
            let ours = format!("{}.", database.name);
            views.keys().any(|table| table.starts_with(&ours))
        };
        for workgroup in self.workgroups.values() {
            let members = workgroup.who.iter().map(|who| &who.value);
            if !members.clone().any(|who| tables(&self.views(who))) {
                continue;
            }
            ways.push(Way { who: format!("results of athena.{}", workgroup.name), given: None });
            for (_, who, grant) in self.readers_of_results(workgroup) {
                if members.clone().any(|member| self.covers(member, who)) {
                    continue;
                }
                let (verb, place) = (grant.verb.as_str(), &grant.place.value);
                let results = format!("results of athena.{}", workgroup.name);
                let who = format!("{who} ({verb} {place}, {results})");
                ways.push(Way { who, given: Some(grant.place.span) });
            }
        }
        ways.sort();
        ways.dedup();
        ways
    }
}
