//! A row taken apart: which principal gained which verb on which place.
//!
//! A verdict has one request that proves it; a reviewer wants all of it. In: a row of the verdict and both states. Out:
//! [`Part`]s, one for each principal, resource and verb of each new statement for which the engine finds a request that
//! was denied and is now allowed. INVARIANT: this only words what [`crate::access::compare`] decided: a row that gained
//! has at least its own request, whether parts are found or not; what was not looked into for want of room is said.

use std::collections::BTreeSet;

use super::classes::classes;
use super::words::Words;
use crate::access::{Boundary, Cause, Guarded, Layer, Row, State};
use crate::document::{Map, Value};
use crate::verdict::apart::concerning;
use crate::verdict::effective::{gained, of_account, possible};
use crate::verdict::public::{Publicity, publicity, restricted};
use crate::verdict::read::{Effect, Listed, Statement};
use crate::verdict::{Document, Kind, Name, Options, Request};

/// What somebody gained somewhere.
#[derive(Debug, Clone)]
pub struct Part {
    pub who: String,
    /// `read`, `write`, `delete`, `manage`, `assume`; empty for actions that no verb stands for.
    pub verb: &'static str,
    /// The actions, where no verb stands for them.
    pub actions: Vec<String>,
    pub place: String,
    /// Whoever asks, without an account.
    pub is_public: bool,
    /// Somebody of another account.
    pub is_elsewhere: bool,
    /// The resource's own account as a whole, by delegation: what it gives to whom stands in identity policies.
    pub delegates: bool,
    pub cause: Cause,
    /// Conditions under which it holds, as written.
    pub conditions: Vec<String>,
    pub request: Option<Request>,
    cell: Option<Cell>,
}

/// The question that a part answers, for a request that is looked up later.
#[derive(Debug, Clone)]
struct Cell {
    allowed: Document,
    wall: Option<Vec<Document>>,
    asked: Document,
    kind: Kind,
}

/// The parts of a row.
#[derive(Debug, Default)]
pub struct Parts {
    pub list: Vec<Part>,
    /// Whether nothing was left out.
    pub complete: bool,
}

/// The most questions to the engine for one review: some seconds of work. What is beyond is named by its first request.
pub const MOST_QUESTIONS: usize = 4_000;

/// One side of a row.
struct Layers {
    allows: Vec<(Statement, Cause)>,
    denies: Vec<Statement>,
    /// All of them: what is allowed, then what is denied.
    whole: Vec<Document>,
    wall: Option<Vec<Document>>,
    /// Policies and boundaries that bear on it and are not at hand.
    unread: BTreeSet<String>,
    account: String,
    partition: &'static str,
}

fn kind_of(row: &Row) -> Option<Kind> {
    match row.layer {
        Layer::Identity => Some(Kind::Identity),
        Layer::Trust => Some(Kind::Trust),
        Layer::Resource => Some(Kind::Resource),
        Layer::PublicAccess | Layer::LakeFormation | Layer::Unmodelled => None,
    }
}

/// What a state says of a row's subject; `None` where something is not at hand.
fn layers(state: &State, row: &Row, kind: Kind) -> Option<Layers> {
    let mut found = Layers {
        allows: Vec::new(),
        denies: Vec::new(),
        whole: Vec::new(),
        wall: None,
        unread: BTreeSet::new(),
        account: String::new(),
        partition: "aws",
    };
    let mut held = Vec::new();
    match kind {
        Kind::Identity => {
            let Some(one) = state.principals.get(&row.subject) else { return Some(found) };
            found.account.clone_from(&one.account);
            held.extend(&one.identity);
            found.unread.clone_from(&one.attached);
            for group in &one.groups {
                match state.principals.get(group) {
                    Some(group) => {
                        found.unread.extend(group.attached.iter().cloned());
                        held.extend(&group.identity);
                    }
                    None => drop(found.unread.insert(group.clone())),
                }
            }
            match &one.boundary {
                Boundary::None => {}
                Boundary::Read(wall) => {
                    found.wall = Some(vec![Document::read(&wall.document, kind).ok()?]);
                }
                Boundary::Unread(arn) => drop(found.unread.insert(arn.clone())),
            }
        }
        Kind::Trust => {
            let Some(one) = state.principals.get(&row.subject) else { return Some(found) };
            found.account.clone_from(&one.account);
            held.extend(&one.trust);
        }
        Kind::Resource => {
            let Some(one) = state.resources.get(&row.subject) else { return Some(found) };
            found.account.clone_from(&one.account);
            found.partition = one.partition;
            held.extend(&one.policies);
            found.wall = cut(one)?;
        }
    }
    for one in held {
        for statement in Document::read(&one.document, kind).ok()?.statements {
            let cause = Cause {
                origin: one.origin.clone(),
                property: one.property.clone(),
                statement: statement.label.clone(),
            };
            match statement.effect {
                Effect::Allow => found.allows.push((statement, cause)),
                Effect::Deny => found.denies.push(statement),
            }
        }
    }
    let allows = found.allows.iter().map(|(statement, _)| statement);
    let statements = allows.chain(&found.denies).cloned().collect();
    found.whole = vec![Document { statements }];
    Some(found)
}

#[expect(clippy::option_option, reason = "not a policy, nothing cut, what is left")]
fn cut(one: &Guarded) -> Option<Option<Vec<Document>>> {
    let read = |held: &crate::access::Held| Document::read(&held.document, Kind::Resource).ok();
    let documents = one.policies.iter().map(read).collect::<Option<Vec<_>>>()?;
    let restricts = one.public_access.is_some_and(|block| block.restrict);
    let left = restricts.then(|| restricted(&documents, &one.account, one.partition)).flatten();
    Some(left.map(|left| vec![left]))
}

/// Whether two statements say the same.
fn same(a: &Statement, b: &Statement) -> bool {
    (a.effect, &a.principals, &a.actions, &a.resources, &a.conditions)
        == (b.effect, &b.principals, &b.actions, &b.resources, &b.conditions)
}

/// The parts of what a row gained from `old` to `new`; with the states exchanged, of what it lost.
pub fn parts(row: &Row, old: &State, new: &State, words: &Words, room: &mut usize) -> Parts {
    let nothing = Parts { list: Vec::new(), complete: false };
    let Some(kind) = kind_of(row) else { return Parts { complete: true, ..nothing } };
    let (Some(before), Some(after)) = (layers(old, row, kind), layers(new, row, kind)) else {
        return nothing;
    };
    // what differs and is not at hand may be anything; what stays so says the same of both sides
    if before.unread != after.unread {
        return nothing;
    }
    let kept = before.denies.iter().all(|own| after.denies.iter().any(|other| same(own, other)));
    let unbound = kept && before.wall == after.wall;
    let asking = Asking { row, kind, before: &before, after: &after, words };
    // a Deny that goes lets through what others allow
    let complete = unbound || before.unread.is_empty();
    let mut found = Parts { list: Vec::new(), complete };
    for (statement, cause) in &after.allows {
        if unbound && before.allows.iter().any(|(other, _)| same(statement, other)) {
            continue;
        }
        asking.of_statement(statement, cause, room, &mut found);
    }
    if kind == Kind::Resource && !unbound {
        asking.of_account(room, &mut found);
    }
    found
}

struct Asking<'a> {
    row: &'a Row,
    kind: Kind,
    before: &'a Layers,
    after: &'a Layers,
    words: &'a Words,
}

impl Asking<'_> {
    fn of_statement(
        &self,
        statement: &Statement,
        cause: &Cause,
        room: &mut usize,
        found: &mut Parts,
    ) {
        let names: Vec<Option<&Name>> = match &statement.principals {
            Some(listed) if !listed.not => listed.items.iter().map(Some).collect(),
            _ => vec![None],
        };
        let resources: Vec<Option<String>> = match &statement.resources {
            Some(listed) if !listed.not => {
                listed.items.iter().map(|one| Some(one.shown())).collect()
            }
            _ => vec![None],
        };
        let everyone = statement
            .principals
            .as_ref()
            .is_some_and(|listed| listed.not || listed.items.contains(&Name::Everyone));
        let open = Document { statements: vec![statement.clone()] };
        // what S3 does not say counts as what is feared
        let public =
            everyone && publicity(&[open]) != Publicity::NotPublic && self.after.wall.is_none();
        // where nothing was allowed and nothing is denied, what a statement allows is what is gained
        let plain = self.before.allows.is_empty()
            && self.after.denies.is_empty()
            && self.after.wall.is_none();
        for (at, resource) in resources.iter().enumerate() {
            let target = resource.as_deref().unwrap_or("*");
            for class in classes(statement, target, self.row) {
                for name in &names {
                    let at = resource.is_some().then_some(at);
                    let asked = asked(self.kind, *name, &class.actions, statement, at);
                    let Some(asked) = asked else {
                        found.complete = false;
                        continue;
                    };
                    let allowed = Document {
                        statements: self.after.denies.iter().chain([statement]).cloned().collect(),
                    };
                    let cell =
                        Cell { allowed, wall: self.after.wall.clone(), asked, kind: self.kind };
                    let mut request = None;
                    if !plain {
                        if *room == 0 {
                            found.complete = false;
                            return;
                        }
                        *room -= 1;
                        let answer = self.ask(&cell);
                        match (answer.gained, answer.exact) {
                            (Some(gained), _) => request = Some(gained),
                            (None, true) => continue,
                            (None, false) => {
                                found.complete = false;
                                continue;
                            }
                        }
                    }
                    let is_everyone = name.is_none_or(|name| *name == Name::Everyone);
                    // what a public access block leaves of an Allow for everyone
                    let is_cut =
                        is_everyone && self.kind == Kind::Resource && self.after.wall.is_some();
                    let elsewhere = !is_cut && self.is_elsewhere(*name, statement);
                    let place = match self.kind {
                        Kind::Trust => self.words.principal(&self.row.subject),
                        _ => self.place(target),
                    };
                    found.list.push(Part {
                        who: match self.kind {
                            Kind::Identity => self.words.principal(&self.row.subject),
                            _ if is_cut => format!("everyone in account {}", self.after.account),
                            _ => self.words.named(*name, statement),
                        },
                        verb: class.verb,
                        actions: class.shown.clone(),
                        place,
                        is_public: public && is_everyone && self.kind != Kind::Identity,
                        is_elsewhere: elsewhere,
                        delegates: matches!(name, Some(Name::Account { account, .. }) if *account == self.after.account),
                        cause: cause.clone(),
                        conditions: conditions(statement),
                        request,
                        cell: Some(cell),
                    });
                }
            }
        }
    }

    fn ask(&self, cell: &Cell) -> crate::verdict::Comparison {
        let asked = std::slice::from_ref(&cell.asked);
        let old = match cell.asked.statements.first() {
            Some(asked) => concerning(&self.before.whole, asked),
            None => self.before.whole.clone(),
        };
        let mut before: Vec<&[Document]> = vec![&old];
        before.extend(self.before.wall.as_deref());
        let mut after: Vec<&[Document]> = vec![std::slice::from_ref(&cell.allowed), asked];
        after.extend(cell.wall.as_deref());
        // that the cell is less than all there was says nothing
        gained(&before, &after, self.kind, &Options::default())
    }

    /// What a Deny that goes lets through of the account's own policies.
    fn of_account(&self, room: &mut usize, found: &mut Parts) {
        if self.after.account.is_empty() || *room == 0 {
            return;
        }
        *room -= 1;
        let with = |one: &Layers| {
            let mut statements = one.denies.clone();
            statements.extend(of_account(&one.account, one.partition).statements);
            [Document { statements }]
        };
        let (old, new) = (with(self.before), with(self.after));
        let answer = gained(&[&old], &[&new], self.kind, &Options::default());
        let Some(request) = answer.gained.filter(|_| !self.before.account.is_empty()) else {
            return;
        };
        let gone = self
            .before
            .denies
            .iter()
            .find(|own| !self.after.denies.iter().any(|other| same(own, other)));
        found.list.push(Part {
            who: format!("account {}", self.after.account),
            verb: "",
            actions: vec![match gone {
                Some(statement) => format!("what the Deny {} keeps out", statement.label),
                None => "what a Deny keeps out".to_owned(),
            }],
            place: self.place(&crate::access::in_request(&self.row.subject)),
            is_public: false,
            is_elsewhere: false,
            delegates: false,
            cause: Cause {
                origin: self.row.origin.clone().unwrap_or_default(),
                property: String::new(),
                statement: gone.map_or(String::new(), |one| one.label.clone()),
            },
            conditions: Vec::new(),
            request: Some(request),
            cell: None,
        });
    }

    /// The place of a pattern; in a policy of a key or topic `*` is the key or topic.
    fn place(&self, target: &str) -> String {
        match (self.kind, target) {
            (Kind::Resource, "*") => {
                self.words.place(&crate::access::in_request(&self.row.subject))
            }
            _ => self.words.place(target),
        }
    }

    fn is_elsewhere(&self, name: Option<&Name>, statement: &Statement) -> bool {
        if self.kind == Kind::Identity {
            return false;
        }
        let home = self.after.account.as_str();
        match name {
            Some(
                Name::Account { account, .. }
                | Name::Within { account, .. }
                | Name::Role { account, .. }
                | Name::User { account, .. }
                | Name::Session { account, .. },
            ) => account != home,
            Some(Name::Other { .. }) => false,
            Some(Name::Everyone) | None => !statement.conditions.iter().any(|condition| {
                let plain = !condition.operator.negated && !condition.operator.if_exists;
                let own = condition.values.iter().all(|value| match condition.key.as_str() {
                    "aws:principalaccount" | "aws:sourceaccount" => value.shown() == home,
                    "aws:principalarn" => value.shown().split(':').nth(4) == Some(home),
                    _ => false,
                });
                plain && own && !condition.values.is_empty()
            }),
        }
    }
}

impl Part {
    /// A request of the part: the one that was found, or one that is looked up now.
    pub fn proof(&self) -> Option<Request> {
        if let Some(request) = &self.request {
            return Some(request.clone());
        }
        let cell = self.cell.as_ref()?;
        let (allowed, asked) = ([cell.allowed.clone()], [cell.asked.clone()]);
        let mut layers: Vec<&[Document]> = vec![&allowed, &asked];
        layers.extend(cell.wall.as_deref());
        possible(&layers, cell.kind, &Options::default()).gained
    }

    /// How much it matters: the least first. Data before keys.
    pub fn rank(&self) -> Rank {
        let order = ["manage", "delete", "write", "read", "assume"];
        let at = order.iter().position(|verb| *verb == self.verb).unwrap_or(order.len());
        let key = self.place.starts_with("key ");
        Rank(!self.is_public, !self.is_elsewhere, at > 0, key, at)
    }
}

/// How much something matters: the least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(bool, bool, bool, bool, usize);

/// The conditions of a statement, as people read them.
fn conditions(statement: &Statement) -> Vec<String> {
    let each = statement.conditions.iter().map(|one| {
        let values: Vec<String> = one.values.iter().map(|value| value.shown()).collect();
        format!("{} {} {}", one.shown, one.written, values.join(" or "))
    });
    each.collect()
}

/// The question as a document: these actions (all, where there are none) to this name on one resource of the statement.
fn asked(
    kind: Kind,
    name: Option<&Name>,
    actions: &[String],
    of: &Statement,
    resource: Option<usize>,
) -> Option<Document> {
    let all = "*".to_owned();
    let mut statement = Map::new();
    statement.insert("Effect", "Allow");
    if kind != Kind::Identity {
        statement.insert("Principal", "*");
    }
    let list: Vec<Value> = match actions {
        [] => vec![Value::from(all)],
        some => some.iter().cloned().map(Value::from).collect(),
    };
    statement.insert("Action", list);
    if kind != Kind::Trust {
        statement.insert("Resource", "*");
    }
    let mut document = Map::new();
    document.insert("Version", "2012-10-17");
    document.insert("Statement", vec![Value::Map(statement)]);
    let mut read = Document::read(&Value::Map(document), kind).ok()?;
    let own = read.statements.first_mut()?;
    if let (Some(name), true) = (name, kind != Kind::Identity) {
        own.principals = Some(Listed { not: false, items: vec![name.clone()] });
    }
    if let (Some(at), Some(listed)) = (resource, &of.resources) {
        own.resources = Some(Listed { not: false, items: vec![listed.items.get(at)?.clone()] });
    }
    Some(read)
}
