//! Who can do what where, before and after.
//!
//! In: two states. Out: a [`Matrix`]: a row for each principal, a column for each place, and in a cell what can be done
//! there on either side: directly, through another principal, through Lake Formation, or past it. Only pairs are asked
//! that the change can have touched: the principal's documents, whom it can act as, what guards the place, grants.
//! What an Allow for everybody gives stands in the row of everybody, not in those of all principals. A cell of a bucket or
//! prefix says that there is *something* below it that can be read or written; what exactly was gained is the verdict's
//! to say. INVARIANT: what is not asked is the same on both sides. Pure.
//! Read next: [`super::reading`] for who is not asked at all, `crate::access::reach` for a single question.

mod cells;

use std::collections::{BTreeMap, BTreeSet};

pub use cells::{Can, Cell, How, Verb};

use super::places::{Column, columns, covers};
use super::reading::Glance;
use crate::access::reach::{Closure, Judge, Reached, Subject, Target, outsiders};
use crate::access::{Index, On, Permit, Principal, PrincipalKind, State, permits};
use crate::catalogue::escalations::verbs;

/// A principal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub who: Subject,
    /// The ARN or the words for it.
    pub name: String,
    /// Whether it is on each side.
    pub before: bool,
    pub after: bool,
    /// A cell for each column.
    pub cells: Vec<Cell>,
}

impl Row {
    pub fn changes(&self) -> bool {
        self.cells.iter().any(Cell::changes)
    }
}

/// Who can do what where.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Principals that are left out, since nothing changes for them.
    pub unchanged: usize,
}

/// One state with all that was found out about it.
struct Side<'s> {
    state: &'s State,
    judge: Judge<'s>,
    glance: Glance<'s>,
    closures: BTreeMap<&'s str, Closure>,
    permits: BTreeMap<String, Vec<Permit>>,
    /// The places that Lake Formation reads and writes, and as whom.
    registered: BTreeSet<(&'s str, &'s str)>,
}

impl<'s> Side<'s> {
    fn new(index: &'s Index<'s>) -> Self {
        let (judge, glance) = (Judge::new(index), Glance::new(index));
        let state = index.state;
        let people = people(state);
        let moving = people.filter(|(name, _)| glance.may_move(name));
        let closure = |(name, _): (&'s String, _)| {
            (name.as_str(), Closure::of(&judge, &Subject::Named(name.clone())))
        };
        let closures = moving.map(closure).collect();
        let names: BTreeSet<&String> = state.grants.iter().map(|one| &one.principal).collect();
        let permits = names.into_iter().map(|who| (who.clone(), permits(state, who))).collect();
        let registered = state.grants.iter().filter_map(|grant| {
            let place = grant.resource.at(&["Registration", "ResourceArn"])?.as_str()?;
            Some((place, grant.principal.as_str()))
        });
        let registered = registered.collect();
        Side { state, judge, glance, closures, permits, registered }
    }

    /// Whether a subject can have anything to do with what guards a target.
    fn is_near(&self, who: &Subject, target: &Target) -> bool {
        let Subject::Named(name) = who else { return true };
        self.closures.contains_key(name.as_str())
            || self.permits.contains_key(name)
            || self.glance.is_near(who, &target.guard)
    }

    /// What a subject can do in a place.
    fn can(&self, who: &Subject, column: &Column) -> Can {
        let mut found = BTreeSet::new();
        self.by_policies(who, column, &mut found);
        self.by_grants(who, column, &mut found);
        let closure = match who {
            Subject::Named(arn) => self.closures.get(arn.as_str()),
            _ => None,
        };
        if let Some(closure) = closure {
            let mut through = BTreeSet::new();
            for name in closure.reached.keys() {
                let other = Subject::Named(name.clone());
                self.by_policies(&other, column, &mut through);
                self.by_grants(&other, column, &mut through);
            }
            for name in closure.unbounded.keys() {
                self.unbounded(&Subject::Named(name.clone()), column, &mut through);
            }
            let has = |verb| found.iter().any(|(how, own)| *own == verb && *how != How::Unknown);
            let more =
                through.into_iter().filter(|(how, verb)| *how != How::Unknown && !has(*verb));
            let more: Vec<Verb> = more.map(|(_, verb)| verb).collect();
            found.extend(more.into_iter().map(|verb| (How::Through, verb)));
        }
        // of what is known for certain it need not be said that it may be so
        let sure: BTreeSet<Verb> =
            found.iter().filter(|(how, _)| *how != How::Unknown).map(|(_, verb)| *verb).collect();
        found.retain(|(how, verb)| *how != How::Unknown || !sure.contains(verb));
        Can(found)
    }

    fn by_policies(&self, who: &Subject, column: &Column, found: &mut BTreeSet<(How, Verb)>) {
        for target in &column.targets {
            let speaking = self.glance.speaks(who, target);
            for verb in Verb::ALL {
                let actions = verbs().actions(&target.kind, verb.word());
                let mut best = None;
                for action in actions.iter().filter(|one| speaking.of(one)) {
                    match self.judge.ask(who, action, target, None, false) {
                        Reached::Yes { .. } => {
                            best = Some(self.direct(who, target));
                            break;
                        }
                        Reached::Unknown { .. } => best = Some(How::Unknown),
                        Reached::No { .. } => {}
                    }
                }
                found.extend(best.map(|how| (how, verb)));
            }
        }
    }

    /// Whether a direct way is one past Lake Formation.
    fn direct(&self, who: &Subject, target: &Target) -> How {
        let Some(text) = target.resource.as_str().filter(|_| target.kind == "object") else {
            return How::Direct;
        };
        let place = text.trim_end_matches('*');
        let own = |role: &str| *who == Subject::Named(role.to_owned());
        let mut of_it = self.registered.iter().filter(|(at, _)| covers(at, place)).peekable();
        match of_it.peek().is_some() && !of_it.any(|(_, role)| own(role)) {
            true => How::Bypass,
            false => How::Direct,
        }
    }

    /// A principal that writes its own policies.
    fn unbounded(&self, who: &Subject, column: &Column, found: &mut BTreeSet<(How, Verb)>) {
        for verb in Verb::ALL {
            for target in &column.targets {
                let actions = verbs().actions(&target.kind, verb.word());
                let first = actions.first();
                let yes =
                    first.is_some_and(|one| self.judge.ask(who, one, target, None, true).is_yes());
                found.extend(yes.then_some((How::Through, verb)));
            }
        }
    }

    fn by_grants(&self, who: &Subject, column: &Column, found: &mut BTreeSet<(How, Verb)>) {
        let name = match who {
            Subject::Named(name) | Subject::Account(name) => name.as_str(),
            _ => return,
        };
        for permit in self.permits.get(name).into_iter().flatten() {
            let here = match (&permit.on, &column.table) {
                (On::Table(database, table), Some((own, name))) => {
                    database == own && table.as_ref().is_none_or(|table| table == name)
                }
                (On::Administration(_), None) => column.kind == "settings",
                (On::Location(arn), None) => {
                    let mut objects = column.targets.iter().filter(|one| one.kind == "object");
                    objects.any(|one| {
                        let text = one.resource.as_str().unwrap_or_default();
                        covers(arn, text.trim_end_matches('*'))
                    })
                }
                _ => false,
            };
            if !here {
                continue;
            }
            let how = if permit.partial { How::Partly } else { How::LakeFormation };
            let able: &[Verb] = match (permit.permission.as_str(), &permit.on) {
                // whoever has a location makes tables of what lies there, and owns them
                (_, On::Location(_)) => &[Verb::Write],
                ("DESCRIBE", On::Administration(_)) => &[Verb::Read],
                ("ALL", On::Administration(_)) => &[Verb::Manage],
                ("SELECT", _) => &[Verb::Read],
                ("INSERT", _) => &[Verb::Write],
                ("DELETE", _) => &[Verb::Delete],
                ("ALTER" | "DROP", _) => &[Verb::Manage],
                ("ALL" | "SUPER", _) => &Verb::ALL,
                _ => &[],
            };
            found.extend(able.iter().map(|verb| (how, *verb)));
            found.extend(permit.grantable.then_some((how, Verb::Manage)));
        }
        // a view of the whole table holds every part of it
        let whole = found.clone();
        found.retain(|(how, verb)| {
            *how != How::Partly || !whole.contains(&(How::LakeFormation, *verb))
        });
    }
}

fn people(state: &State) -> impl Iterator<Item = (&String, &Principal)> {
    state.principals.iter().filter(|(_, one)| one.kind != PrincipalKind::Group)
}

/// Everybody who has a row: of the state, named from outside by what guards a place, or by grants.
fn subjects(state: &State, columns: &[Column]) -> BTreeMap<Subject, String> {
    let targets = columns.iter().flat_map(|column| &column.targets);
    let guards: BTreeSet<&str> = targets.map(|target| target.guard.as_str()).collect();
    let mut all = BTreeMap::new();
    guards.into_iter().for_each(|guard| all.extend(outsiders(state, guard)));
    let roles = |principal: &String| !principal.contains(' ');
    let granted = state.grants.iter().map(|grant| &grant.principal).filter(|one| roles(one));
    for name in granted.chain(people(state).map(|(name, _)| name)) {
        let is_account = name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit());
        let who = match is_account {
            true => Subject::Account(name.clone()),
            false => Subject::Named(name.clone()),
        };
        let words = if is_account { format!("account/{name}") } else { name.clone() };
        all.entry(who).or_insert(words);
    }
    all
}

/// The name of a principal's boundary that is not at hand.
fn unread<'s>(state: &'s State, name: &str) -> Option<&'s str> {
    match &state.principals.get(name)?.boundary {
        crate::access::Boundary::Unread(arn) => Some(arn),
        _ => None,
    }
}

/// What of two states differs, so that a cell can: a cell is a function of what its principal and those that it reaches
/// bring, of what the resources of the place have to do with each of them, of grants and of registered locations.
struct Changed<'c, 's> {
    sides: [&'c Side<'s>; 2],
    /// Who brings something else than before, or reaches others, or somebody who does.
    people: BTreeSet<&'s str>,
    grants: bool,
    registered: bool,
}

impl<'c, 's> Changed<'c, 's> {
    fn new(old: &'c Side<'s>, new: &'c Side<'s>) -> Self {
        let (before, after) = (old.state, new.state);
        let names = before.principals.keys().chain(after.principals.keys());
        let brings_the_same =
            |name: &str| match (old.judge.index.holder(name), new.judge.index.holder(name)) {
                (Some(own), Some(other)) => own.brings_the_same(other),
                _ => false,
            };
        let mut people: BTreeSet<&str> =
            names.map(String::as_str).filter(|name| !brings_the_same(name)).collect();
        let moving: BTreeSet<&str> =
            old.closures.keys().chain(new.closures.keys()).copied().collect();
        for name in moving {
            let reached = |side: &Side<'s>| -> BTreeSet<String> {
                let closure = side.closures.get(name);
                let unbounded = closure.into_iter().flat_map(|one| one.unbounded.keys());
                let unbounded = unbounded.map(|one| format!("{one} unbounded"));
                let reached = closure.into_iter().flat_map(|one| one.reached.keys().cloned());
                reached.chain(unbounded).collect()
            };
            let (was, is) = (reached(old), reached(new));
            if was != is || is.iter().any(|one| people.contains(one.as_str())) {
                let own =
                    before.principals.get_key_value(name).or(after.principals.get_key_value(name));
                people.extend(own.map(|(name, _)| name.as_str()));
            }
        }
        let grants =
            |state: &'s State| (&state.grants, &state.filters, &state.tagged, &state.tables);
        Changed {
            sides: [old, new],
            people,
            grants: grants(before) != grants(after),
            registered: old.registered != new.registered || before.locations != after.locations,
        }
    }

    /// Whether what a subject can do may have changed in every place.
    fn everywhere(&self, who: &Subject) -> bool {
        let own = matches!(who, Subject::Named(arn) if self.people.contains(arn.as_str()));
        let grants = self.grants && {
            let of = |side: &'c Side<'s>| match who {
                Subject::Named(name) | Subject::Account(name) => side.permits.get(name),
                _ => None,
            };
            of(self.sides[0]) != of(self.sides[1])
        };
        own || grants || self.registered
    }

    /// Whether what a subject can do, or those that it reaches, may have changed at a target.
    fn at(&self, who: &Subject, target: &Target) -> bool {
        let moved = |who: &Subject| {
            let [old, new] = self.sides;
            old.judge.bearings(who, target) != new.judge.bearings(who, target)
        };
        // who reaches others than before has changed everywhere
        let closure = match who {
            Subject::Named(arn) => self.sides[1].closures.get(arn.as_str()),
            _ => None,
        };
        let mut reached = closure.into_iter().flat_map(|closure| closure.reached.keys());
        moved(who) || reached.any(|name| moved(&Subject::Named(name.clone())))
    }
}

/// How many cells a whole matrix has before prefixes are left out.
const MOST_CELLS: usize = 200_000;

/// Who can do what in two states; `all`: also where nothing changes.
pub fn matrix<'s>(old: &'s Index<'s>, new: &'s Index<'s>, all: bool) -> Matrix {
    let (before, after) = (Side::new(old), Side::new(new));
    let columns = columns(&before.glance, &after.glance);
    let changed = Changed::new(&before, &after);
    let (was, is) = (subjects(old.state, &columns), subjects(new.state, &columns));
    let mut names = is.clone();
    was.iter().for_each(|(who, name)| {
        names.entry(who.clone()).or_insert_with(|| name.clone());
    });
    // whom the change can touch in every place, and the places that are guarded otherwise than before
    let touched =
        |who: &Subject| was.contains_key(who) != is.contains_key(who) || changed.everywhere(who);
    let mut guards: BTreeMap<&str, bool> = BTreeMap::new();
    for target in columns.iter().flat_map(|column| &column.targets) {
        let differs = || changed.at(&Subject::Anybody, target);
        guards.entry(target.guard.as_str()).or_insert_with(differs);
    }
    let is_guarded_anew = |target: &Target| guards[target.guard.as_str()];
    let guarded: Vec<usize> =
        (0..columns.len()).filter(|at| columns[*at].targets.iter().any(is_guarded_anew)).collect();
    let mut cells: BTreeMap<(usize, usize), Cell> = BTreeMap::new();
    let both = |who: &Subject, column: &Column| Cell {
        before: before.can(who, column),
        after: after.can(who, column),
        elsewhere: matches!(who, Subject::Named(arn) if unread(old.state, arn) != unread(new.state, arn)),
    };
    let names: Vec<(Subject, String)> = names.into_iter().collect();
    let every: Vec<usize> = (0..columns.len()).collect();
    for (row, (who, _)) in names.iter().enumerate() {
        let everywhere = touched(who);
        let mut near: BTreeMap<&str, bool> = BTreeMap::new();
        for at in if everywhere { &every } else { &guarded } {
            let is_near = columns[*at].targets.iter().any(|target| {
                let sides = || [&before, &after].iter().any(|side| side.is_near(who, target));
                let differs = || is_guarded_anew(target) && changed.at(who, target);
                let can_change = || (everywhere || differs()) && sides();
                *near.entry(target.guard.as_str()).or_insert_with(can_change)
            });
            if !is_near && columns[*at].kind != "settings" {
                continue;
            }
            let cell = both(who, &columns[*at]);
            if cell.changes() {
                cells.insert((row, *at), cell);
            }
        }
    }
    let shown: BTreeSet<usize> = cells.keys().map(|(_, column)| *column).collect();
    let rows: BTreeSet<usize> = cells.keys().map(|(row, _)| *row).collect();
    // of a whole matrix that nobody could read the prefixes are left out that nothing changes
    let fits = names.len() * columns.len() <= MOST_CELLS;
    let whole = |at: usize| all && (fits || columns[at].kind != "prefix");
    let kept: Vec<usize> =
        (0..columns.len()).filter(|at| whole(*at) || shown.contains(at)).collect();
    let row = |at: usize| {
        let (who, name) = &names[at];
        let cell = |column: &usize| match cells.get(&(at, *column)) {
            Some(cell) => cell.clone(),
            // beside what changes it is said what stays
            None => {
                let can = after.can(who, &columns[*column]);
                Cell { before: can.clone(), after: can, elsewhere: false }
            }
        };
        Row {
            who: who.clone(),
            name: name.clone(),
            before: was.contains_key(who),
            after: is.contains_key(who),
            cells: kept.iter().map(cell).collect(),
        }
    };
    let wanted: Vec<usize> = (0..names.len()).filter(|at| all || rows.contains(at)).collect();
    Matrix {
        unchanged: names.len() - wanted.len(),
        rows: wanted.into_iter().map(row).collect(),
        columns: kept.iter().map(|at| columns[*at].clone()).collect(),
    }
}
