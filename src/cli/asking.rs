//! One state, asked about a principal and a place by every way that there is.
//!
//! In: a state, the names of the spec behind it, a question. Out: an [`Answer`]: a request that gets through, by which
//! way, how much of the place, and what of a table it shows. A table that Lake Formation decides about is reached through it, by its files, or
//! by what else holds its data: results of queries and copies. INVARIANT: of several ways the widest is the answer, and
//! each that goes past Lake Formation is named in it. Read next: `access::reach`.

use std::collections::BTreeMap;

use anyhow::bail;

use super::Misuse;
use super::called::{Called, Place};
use super::states::Side;
use crate::access::Index;
use crate::access::reach::lent::{self, Governed, Table};
use crate::access::reach::{Closure, Extent, Judge, Reached, Subject, Target, Way, extent};
use crate::catalogue::escalations::{Kind, Verbs, verbs};
use crate::catalogue::iam;
use crate::diagnostic::nearest;
use crate::render::access_reach::{Answer, By, Row, through};

/// A state with what was found out about it.
pub struct Asking<'a> {
    judge: Judge<'a>,
    pub called: Called<'a>,
    closures: BTreeMap<Subject, Closure>,
}

impl<'a> Asking<'a> {
    pub fn new(index: &'a Index<'a>, side: &'a Side) -> Self {
        let state = index.state;
        let lake = side.spec.as_ref().map(|spec| &spec.lake);
        Asking {
            judge: Judge::new(index),
            called: Called { state, lake },
            closures: BTreeMap::new(),
        }
    }

    /// The actions that a word stands for on a kind of resource.
    fn actions(word: &str, kind: &str) -> Vec<String> {
        if !word.contains(':') {
            return verbs().actions(kind, word).to_vec();
        }
        let fits = iam::action(word).is_none_or(|known| {
            known.resources.is_empty() || known.resources.iter().any(|on| on.resource == kind)
        });
        let name = iam::action(word).map_or_else(|| word.to_owned(), iam::Action::full_name);
        if fits { vec![name] } else { Vec::new() }
    }

    /// Whether somebody can do something, and how.
    pub fn answer(&mut self, who: &Subject, action: &str, place: &Place) -> Answer {
        if !self.closures.contains_key(who) {
            self.closures.insert(who.clone(), Closure::of(&self.judge, who));
        }
        let closure = &self.closures[who];
        let table = lent::table(self.called.state, &place.targets);
        let mut best = Answer::none();
        let mut on = None;
        for target in &place.targets {
            for name in Self::actions(action, &target.kind) {
                let (reached, path) = closure.ask(&self.judge, who, &name, target);
                let mut found = Answer { reached, path, ..Answer::none() };
                if let Some(table) = &table {
                    self.weigh(who, action, target, table, &mut found);
                }
                if rank(&found) < rank(&best) {
                    best = found;
                    on = Some(target);
                }
            }
        }
        let judge = &self.judge;
        let much = |target: &Target| {
            extent(judge, closure, who, &Self::actions(action, &target.kind), target)
        };
        if let (true, Some(target)) = (best.reached.is_yes(), on) {
            best.extent = much(target);
        }
        let mut past: Vec<String> = Vec::new();
        if let (Reached::Yes { .. }, Some(by)) = (&best.reached, &best.by)
            && let Some(how) = by.past()
        {
            past.push(self.told(how, &best));
        }
        if let Some(table) = &table {
            let (reached, path, seen) = lent::lent(&self.judge, closure, who, action, table);
            let by = reached.is_yes().then_some(By::LakeFormation);
            let shows = seen.iter().map(ToString::to_string).collect();
            let found = Answer { reached, path, by, shows, ..Answer::none() };
            // who reads all the files reads all of it: that is the answer, whatever is granted beside it
            let better = match best.reached.is_yes() {
                true => best.extent != Extent::All && found.reached.is_yes(),
                false => rank(&found) < rank(&best),
            };
            if better {
                best = found;
            }
        }
        for (by, targets) in place.elsewhere.iter().filter(|_| action == "read") {
            let mut found = Answer::none();
            let mut on = None;
            for target in targets.iter().filter(|target| target.kind == "object") {
                for name in Self::actions(action, &target.kind) {
                    let (reached, path) = closure.ask(&self.judge, who, &name, target);
                    let one = Answer { reached, path, by: Some(by.clone()), ..Answer::none() };
                    if rank(&one) < rank(&found) {
                        found = one;
                        on = Some(target);
                    }
                }
            }
            if !found.reached.is_yes() {
                continue;
            }
            if let (Some(how), true) = (by.past(), table.is_some()) {
                past.push(self.told(how, &found));
            }
            if !best.reached.is_yes() {
                found.extent = on.map_or(Extent::All, much);
                best = found;
            }
        }
        best.past = past;
        match (&best.reached, closure.unknown.first()) {
            (Reached::No { .. }, Some(because)) => {
                Answer { reached: Reached::Unknown { because: because.clone() }, ..Answer::none() }
            }
            _ => best,
        }
    }

    /// What an answer by IAM means for a table that Lake Formation decides about: its files are read past it, and its
    /// entry is changed by those whom it lets.
    fn weigh(&self, who: &Subject, verb: &str, on: &Target, table: &Table<'_>, found: &mut Answer) {
        if !found.reached.is_yes() {
            return;
        }
        let moves = |way: &&Way| way.kind != Kind::Open;
        let last = found.path.iter().rfind(moves).map(|way| way.to.as_str());
        let own = match who {
            Subject::Named(name) | Subject::Account(name) => Some(name.as_str()),
            _ => None,
        };
        let actor = last.or(own).unwrap_or_default();
        let state = self.called.state;
        if on.kind == "object" {
            found.by = Some(match table.governed {
                _ if lent::is_registered(state, actor, on) => By::Registration,
                Governed::OptedIn => By::Iam,
                Governed::Everybody => By::Files,
            });
            return;
        }
        let Some(permissions) = verbs().lake_formation.entries.get(verb) else { return };
        let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
        if table.governed == Governed::OptedIn {
            return;
        }
        if lent::is_granted(state, actor, table, &permissions) {
            found.by = Some(By::LakeFormation);
        } else {
            let because = format!(
                "IAM lets it change the table's entry, and Lake Formation grants it no {}",
                permissions.join(" or ")
            );
            found.reached = Reached::No { because: Some(because) };
            found.path = Vec::new();
        }
    }

    /// Who gets at a table without a grant on its data, by name, and why.
    pub fn powers(&self, place: &Place) -> Vec<(String, String)> {
        let state = self.called.state;
        let Some(table) = lent::table(state, &place.targets) else { return Vec::new() };
        let name = |principal: &str| match principal.len() == 12 && !principal.contains(':') {
            true => format!("account/{principal}"),
            false => self.called.name(principal),
        };
        let powers = lent::powers(state, &table, &place.targets);
        powers.into_iter().map(|(who, why)| (name(&who), why)).collect()
    }

    fn told(&self, how: String, answer: &Answer) -> String {
        let names = |arn: &str| self.called.name(arn);
        match answer.path.as_slice() {
            [] => how,
            path => format!("{how}, through {}", through(path, &names)),
        }
    }

    /// A verb, or an action that can be asked of the place.
    pub fn checked(action: &str, place: &Place) -> anyhow::Result<()> {
        let verb = Verbs::ALL.contains(&action);
        let known = verb || action.contains(':');
        if !known {
            let hint = match nearest(action, Verbs::ALL) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "write read, write, delete or manage, or an action of IAM as `service:Action`"
                        .to_owned()
                }
            };
            return Err(Misuse(format!("`{action}` is no action: {hint}")).into());
        }
        if let (false, None, Some((service, _))) =
            (verb, iam::action(action), action.split_once(':'))
        {
            // what is nearly an action is one that was mistyped; others may be newer than what we know
            let all: Vec<String> =
                iam::matching(&format!("{service}:*")).map(iam::Action::full_name).collect();
            if let Some(near) = nearest(action, all.iter().map(String::as_str)) {
                return Err(Misuse(format!(
                    "IAM has no action `{action}`: did you mean `{near}`?"
                ))
                .into());
            }
        }
        if place.targets.iter().all(|target| Self::actions(action, &target.kind).is_empty()) {
            let kinds: Vec<&str> =
                place.targets.iter().map(|target| target.kind.as_str()).collect();
            bail!("`{action}` does not work on `{}` ({})", place.name, kinds.join(", "));
        }
        Ok(())
    }

    /// What a principal does at a place, by verb; `None` where it does nothing.
    pub fn row(&mut self, name: String, who: &Subject, place: &Place) -> Option<Row> {
        let mut answers = Vec::new();
        for verb in Verbs::ALL {
            if Self::checked(verb, place).is_err() {
                continue;
            }
            let answer = self.answer(who, verb, place);
            if !matches!(answer.reached, Reached::No { .. }) {
                answers.push((verb, answer));
            }
        }
        (!answers.is_empty()).then_some(Row { name, answers })
    }
}

/// The better of two answers is the smaller one.
fn rank(answer: &Answer) -> (usize, usize, usize) {
    match (&answer.reached, answer.path.len()) {
        (Reached::Yes { needed, .. }, steps) => (0, steps, needed.len()),
        (Reached::Unknown { .. }, _) => (1, 0, 0),
        (Reached::No { because }, _) => (2, usize::from(because.is_none()), 0),
    }
}
