//! What was meant by a name in a question that the state does not know, or may not know.
//!
//! In: the word as it was typed, and the names of the state and of its spec. Out: words for a message: the name that is
//! spelled nearly so, or what there is. Read next: `called`, which finds what a word means.

use std::collections::BTreeSet;

use super::called::Called;
use crate::access::reach::Subject;
use crate::diagnostic::nearest;
use crate::lake;
use crate::names::Name;
use crate::spec::reference::Principal;

impl Called<'_> {
    /// The principals of the state and of the spec, as they would be typed.
    fn principals(&self) -> BTreeSet<String> {
        let groups = |arn: &&String| !arn.contains(":group/");
        let own = self.state.principals.keys().filter(groups).map(|arn| self.name(arn));
        let own = own.map(|name| match name.strip_prefix("pipeline ") {
            Some(pipeline) => pipeline.to_owned(),
            None => name,
        });
        let mut all: BTreeSet<String> = own.collect();
        for entry in self.lake.iter().flat_map(|lake| lake.access.values()) {
            let named = entry.who.iter().filter(|who| matches!(who.value, Principal::Account(_)));
            all.extend(named.map(|who| who.value.to_string()));
        }
        all.insert("anonymous".to_owned());
        all
    }

    /// The principal that was most likely meant.
    pub(super) fn near_principal(&self, word: &str) -> Option<String> {
        let known = self.principals();
        let meant = |name: &str| format!("did you mean `{name}`?");
        if matches!(word, "*" | "everyone" | "everybody" | "public") {
            return Some(meant("anonymous"));
        }
        if word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(meant(&format!("account/{word}")));
        }
        let last = |name: &&String| name.rsplit_once('/').is_some_and(|(_, last)| last == word);
        let mut bare = known.iter().filter(last);
        if let (Some(one), None) = (bare.next(), bare.next()) {
            return Some(meant(one));
        }
        nearest(word, known.iter().map(String::as_str)).map(meant)
    }

    /// What to say of a role or a user that nothing in the state knows, and that may be a slip of the pen.
    pub fn unheard(&self, word: &str, who: &Subject) -> Option<String> {
        let Subject::Named(arn) = who else { return None };
        if self.state.principals.contains_key(arn) || arn.ends_with(":root") {
            return None;
        }
        let known = self.principals();
        let hint = match nearest(word, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match known.len() {
                1 => "it names no role and no user".to_owned(),
                _ => format!("it has {}", some(known.iter())),
            },
        };
        Some(format!("`{word}` stands in no template of this state: {hint}"))
    }

    /// What to say of a prefix that nothing in the spec speaks of.
    pub fn unheard_of(&self, word: &str) -> Option<String> {
        let lake = self.lake?;
        let (bucket, prefix) = word.split_once('/').filter(|(_, prefix)| !prefix.is_empty())?;
        lake.buckets.get(&Name::new(bucket).ok()?)?;
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut add = |place: &lake::Place| {
            let text = place.to_string();
            match place {
                lake::Place::Database(_) | lake::Place::Table { .. } => known.extend(
                    lake.files_of(place).iter().map(|at| format!("{}/{}", at.bucket, at.prefix)),
                ),
                _ => drop(known.insert(text)),
            }
        };
        for database in lake.databases.values() {
            add(&lake::Place::Database(database.name.clone()));
            for table in database.tables.keys() {
                let (database, table) = (database.name.clone(), table.clone());
                add(&lake::Place::Table { database, table });
            }
        }
        for entry in lake.access.values() {
            entry.grants_by_path().for_each(|(_, grant)| add(&grant.place.value));
        }
        for pipeline in lake.pipelines.values() {
            pipeline.read.iter().chain(&pipeline.write).for_each(|place| add(&place.value));
        }
        let start = format!("{bucket}/");
        known.retain(|one| one.starts_with(&start) && *one != start);
        let related = |one: &String| one.starts_with(word) || word.starts_with(one.as_str());
        if known.is_empty() || known.iter().any(related) || prefix.contains('*') {
            return None;
        }
        let hint = match nearest(word, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it speaks of {}", some(known.iter())),
        };
        Some(format!("the spec speaks of nothing at `{word}`: {hint}"))
    }

    /// The place that was most likely meant.
    pub(super) fn near_place(&self, word: &str) -> Option<String> {
        let mut known: Vec<String> = self.places().into_iter().map(|place| place.name).collect();
        if let Some(lake) = self.lake {
            known.extend(lake.databases.keys().map(ToString::to_string));
        }
        if let Some(near) = nearest(word, known.iter().map(String::as_str)) {
            return Some(near.to_owned());
        }
        // a slip in the bucket's name of a longer word
        let (bucket, prefix) = word.split_once('/')?;
        let buckets = known.iter().filter_map(|name| name.strip_suffix('/'));
        nearest(bucket, buckets).map(|bucket| format!("{bucket}/{prefix}"))
    }
}

/// A few names, for a message.
fn some<'n>(names: impl ExactSizeIterator<Item = &'n String>) -> String {
    let more = if names.len() > SOME { ", ..." } else { "" };
    let some: Vec<String> = names.take(SOME).map(|one| format!("`{one}`")).collect();
    format!("{}{more}", some.join(", "))
}

/// As many names as a message holds.
const SOME: usize = 5;
