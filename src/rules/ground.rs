//! A state as rules look at it: every statement with whom it belongs to, and questions to the search.
//!
//! In: a [`State`]. Out: [`Said`], a statement as parsed and as it stands in the template; [`Ground::stands`], whether
//! what an identity's statement gives is still there once its boundary and its Denies are counted.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Around, Finding, Rule};
use crate::access::reach::closure::resource;
use crate::access::reach::{Closure, Judge, Reached, Subject, Target, Way};
use crate::access::{Boundary, Documents, Held, Index, Origin, State};
use crate::catalogue::iam;
use crate::catalogue::watched;
use crate::document::Value;
use crate::verdict::read::{Condition, Effect, Statement};

/// What a document is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    Identity,
    Trust,
    Resource,
}

/// A statement of a state.
pub struct Said<'s> {
    pub attached: Attached,
    /// The principal or resource that the document belongs to, as the state names it.
    pub holder: &'s str,
    /// `role`, or a CloudFormation type.
    pub kind: &'s str,
    /// The account of the holder.
    pub account: &'s str,
    pub held: &'s Held,
    pub statement: &'s Statement,
    /// As it stands in the template, references resolved.
    pub raw: &'s Value,
    /// Its number in its document.
    at: usize,
}

/// A state, ready for rules.
pub struct Ground<'s> {
    pub state: &'s State,
    pub around: &'s Around,
    pub judge: Judge<'s>,
    pub said: Vec<Said<'s>>,
    /// Where in `said` the policy of each resource stands.
    guards: BTreeMap<&'s str, Range<usize>>,
    /// Documents that are no policies: holder, kind, document and what is wrong.
    pub malformed: Vec<(&'s str, &'s str, &'s Held, String)>,
    /// Whether something may take away what an identity's statement gives.
    cut: BTreeMap<&'s str, bool>,
}

impl<'s> Ground<'s> {
    pub fn new(index: &'s Index<'s>, around: &'s Around) -> Self {
        let state = index.state;
        let mut ground = Ground {
            state,
            around,
            judge: Judge::new(index),
            said: Vec::new(),
            guards: BTreeMap::new(),
            malformed: Vec::new(),
            cut: BTreeMap::new(),
        };
        for (name, holder) in index.holders() {
            let before = ground.said.len();
            let one = holder.principal;
            let kind = one.kind.as_str();
            // what groups hold is said of them
            let own = |held: &Held| one.identity.iter().any(|own| std::ptr::eq(own, held));
            ground.read(&holder.identity, own, Attached::Identity, (name, kind, &one.account));
            let denies =
                ground.said[before..].iter().any(|said| said.statement.effect == Effect::Deny);
            ground
                .cut
                .insert(name, denies || one.boundary != Boundary::None || !one.groups.is_empty());
            ground.read(&holder.trust, |_| true, Attached::Trust, (name, kind, &one.account));
        }
        for guard in index.guards() {
            let of = (guard.name.as_str(), guard.guarded.kind.as_str(), &*guard.guarded.account);
            let from = ground.said.len();
            ground.read(&guard.policies, |_| true, Attached::Resource, of);
            ground.guards.insert(guard.name, from..ground.said.len());
        }
        ground
    }

    fn read(
        &mut self,
        read: &'s Documents<'s>,
        wanted: impl Fn(&Held) -> bool,
        attached: Attached,
        (holder, kind, account): (&'s str, &'s str, &'s str),
    ) {
        let malformed = read.malformed.iter().filter(|(held, _)| wanted(held));
        self.malformed.extend(malformed.map(|(held, why)| (holder, kind, *held, why.to_string())));
        for (document, held) in read.documents.iter().zip(&read.held).filter(|(_, it)| wanted(it)) {
            let raw: Vec<&Value> = match held.document.get("Statement") {
                Some(Value::List(list)) => list.iter().collect(),
                one => one.into_iter().collect(),
            };
            let said = document.statements.iter().zip(raw).enumerate();
            let said = said.map(|(at, (statement, raw))| Said {
                attached,
                holder,
                kind,
                account,
                held,
                statement,
                raw,
                at,
            });
            self.said.extend(said);
        }
    }

    /// What the policy of a resource says.
    pub fn policy_of(&self, resource: &str) -> &[Said<'s>] {
        self.guards.get(resource).map_or(&[], |range| &self.said[range.clone()])
    }

    /// The Allows of one kind of document.
    pub fn allows(&self, attached: Attached) -> impl Iterator<Item = &Said<'s>> {
        let fits = move |said: &&Said<'_>| {
            said.attached == attached && said.statement.effect == Effect::Allow
        };
        self.said.iter().filter(fits)
    }

    /// Whether an identity's statement gives an action on one of its resources, all things of the identity counted. What
    /// is not known is taken to be given.
    pub fn stands(&self, said: &Said<'_>, action: &str) -> bool {
        self.stands_where(said, action, None)
    }

    /// The same of requests in which a key has a value.
    pub fn stands_where(&self, said: &Said<'_>, action: &str, when: Option<(&str, &str)>) -> bool {
        if !self.cut.get(said.holder).copied().unwrap_or(false) {
            return true;
        }
        let who = Subject::Named(said.holder.to_owned());
        said.resources().into_iter().any(|resource| self.may(&who, action, resource, when))
    }

    /// Whether somebody may do something to a resource, as far as is known.
    pub fn may(
        &self,
        who: &Subject,
        action: &str,
        resource: Value,
        when: Option<(&str, &str)>,
    ) -> bool {
        let target = Target { kind: "any".to_owned(), resource, guard: String::new() };
        !matches!(self.judge.ask(who, action, &target, when, false), Reached::No { .. })
    }

    /// Whether somebody gets through to objects below an ARN; what is not known is no.
    pub fn reaches(&self, who: &str, set: &str, bucket: &str, below: &str) -> Option<&'static str> {
        let target = Target {
            kind: "object".to_owned(),
            resource: Value::from(format!("{below}*")),
            guard: bucket.to_owned(),
        };
        let who = Subject::Named(who.to_owned());
        let mut actions = watched::set(set).actions.iter();
        let found = actions.find(|one| self.judge.ask(&who, one, &target, None, false).is_yes());
        found.map(String::as_str)
    }

    /// Whether somebody gets through to objects below a place as another principal, by which action and on which way.
    pub fn reaches_through(
        &self,
        closure: &Closure,
        who: &str,
        place: &str,
    ) -> Option<(&'static str, Vec<Way>)> {
        let target = Target {
            kind: "object".to_owned(),
            resource: Value::from(format!("{place}/*")),
            guard: place.split('/').next().unwrap_or(place).to_owned(),
        };
        let who = Subject::Named(who.to_owned());
        watched::set("read_object").actions.iter().find_map(|action| {
            let (reached, way) = closure.ask(&self.judge, &who, action, &target);
            reached.is_yes().then_some((action.as_str(), way))
        })
    }

    /// A resource of the state as a target of its own.
    pub fn target(&self, name: &str, kind: &str) -> Target {
        Target { kind: kind.to_owned(), resource: resource(name), guard: name.to_owned() }
    }
}

impl<'s> Said<'s> {
    /// Whether it speaks of an action, by name or by pattern.
    pub fn speaks_of(&self, action: &str) -> bool {
        let listed = &self.statement.actions;
        listed.items.iter().any(|pattern| iam::stands_for(&pattern.shown(), action)) != listed.not
    }

    /// The actions of a set that it speaks of, in the set's order.
    pub fn of(&self, set: &str) -> Vec<&'static str> {
        let all = watched::set(set).actions.iter();
        all.map(String::as_str).filter(|action| self.speaks_of(action)).collect()
    }

    /// What it is about, as JSON: `Resource`, or everything for `NotResource`.
    pub fn resources(&self) -> Vec<Value> {
        match self.raw.get("Resource") {
            Some(Value::List(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => vec![Value::from("*")],
        }
    }

    /// Whether every resource of every service is meant.
    pub fn is_everywhere(&self) -> bool {
        match &self.statement.resources {
            None => false,
            Some(listed) => listed.not || listed.items.iter().any(|one| one.shown() == "*"),
        }
    }

    /// Whether everything of every service is allowed.
    pub fn is_everything(&self) -> bool {
        let listed = &self.statement.actions;
        !listed.not && listed.items.iter().any(|one| matches!(one.shown().as_str(), "*" | "*:*"))
    }

    /// The condition that binds one of these keys (in lower case; `x*` for keys that begin so) to fixed values.
    pub fn bound(&self, keys: &[&str]) -> Option<&Condition> {
        self.fixing(keys).into_iter().next()
    }

    /// All conditions that bind one of these keys.
    pub fn fixing(&self, keys: &[&str]) -> Vec<&Condition> {
        let fixes = |condition: &&Condition| {
            let named = keys.iter().any(|key| match key.strip_suffix('*') {
                Some(head) => condition.key.starts_with(head),
                None => condition.key == *key,
            });
            let operator = &condition.operator;
            named
                && !operator.negated
                // which tags are set: none is none too many
                && (condition.key == "aws:tagkeys" || !operator.of_missing())
                && !condition.written.to_ascii_lowercase().contains("null")
                && condition.values.iter().all(|value| {
                    let text = value.shown();
                    let of_any = condition.key == "aws:principalorgid" && text.contains(['*', '?']);
                    !of_any && !matches!(text.as_str(), "*" | "?*")
                })
        };
        self.statement.conditions.iter().filter(fixes).collect()
    }

    /// The actions as they stand there; everything for `NotAction`.
    pub fn actions(&self) -> Vec<String> {
        match self.statement.actions.not {
            true => vec!["*".to_owned()],
            false => self.statement.actions.items.iter().map(|one| one.shown()).collect(),
        }
    }

    /// Whether a condition of the form `key: value` is there.
    pub fn demands(&self, key: &str, value: &str) -> bool {
        self.bound(&[key]).is_some_and(|condition| {
            condition.values.iter().all(|one| one.shown().eq_ignore_ascii_case(value))
        })
    }

    /// The first of what it is about, for people.
    pub fn place(&self) -> String {
        let first = self.statement.resources.as_ref().and_then(|listed| listed.items.first());
        first.map(|pattern| pattern.shown()).unwrap_or_default()
    }

    /// All that it is about, as texts. What it excludes is one thing: the rest of everything.
    fn places(&self) -> Vec<String> {
        let Some(listed) = &self.statement.resources else { return Vec::new() };
        let shown = listed.items.iter().map(|pattern| pattern.shown());
        match listed.not {
            true => vec![format!("everything but {}", shown.collect::<Vec<_>>().join(", "))],
            false => shown.collect(),
        }
    }

    /// A finding about the holder, and about everything that the statement speaks of.
    pub fn finding(
        &self,
        rule: &'static Rule,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        let (place, places) = match self.attached {
            Attached::Trust => (String::new(), Vec::new()),
            _ => (self.place(), self.places()),
        };
        Finding {
            rule,
            subject: self.holder.to_owned(),
            kind: self.kind.to_owned(),
            place,
            places,
            place_path: String::new(),
            origin: self.held.origin_of(self.at),
            property: format!("{} / {}", self.held.property, self.statement.label),
            message: message.into(),
            listed: Vec::new(),
            help: help.into(),
            content: content(self.raw).to_json(),
        }
    }
}

/// A statement in one spelling: a list where one text may stand, sorted where order means nothing, without its name.
fn content(statement: &Value) -> Value {
    match statement {
        Value::Map(map) if map.iter().any(|(key, _)| key == "Ref" || key.starts_with("Fn::")) => {
            Value::List(vec![statement.clone()])
        }
        Value::Map(map) => {
            let own = map.iter().filter(|(key, _)| *key != "Sid");
            let mut entries: Vec<(&str, Value)> =
                own.map(|(key, value)| (key, content(value))).collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries.into_iter().map(|(key, value)| (key.to_owned().into(), value));
            Value::Map(entries.collect())
        }
        Value::List(list) => {
            let mut list = list.clone();
            list.sort_by_cached_key(Value::to_json);
            Value::List(list)
        }
        one => Value::List(vec![one.clone()]),
    }
}

/// A finding about something that no statement says.
pub fn about(
    rule: &'static Rule,
    (subject, kind): (&str, &str),
    origin: &Origin,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Finding {
    Finding {
        rule,
        subject: subject.to_owned(),
        kind: kind.to_owned(),
        place: String::new(),
        places: Vec::new(),
        place_path: String::new(),
        origin: origin.clone(),
        property: String::new(),
        message: message.into(),
        listed: Vec::new(),
        help: help.into(),
        content: String::new(),
    }
}

/// At most three of a list, and how many more there are.
pub fn some_of(list: &[&str]) -> String {
    match list.len() {
        0..=3 => list.join(", "),
        n => format!("{} and {} more", list[..3].join(", "), n - 3),
    }
}

/// Whether two patterns of ARNs have a text in common, by `*` and `?`.
pub fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // whether what is left of one meets what is left of the other, from the end on
    let mut behind = vec![false; other.len() + 1];
    for i in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for j in (0..=other.len()).rev() {
            let (a, b) = (one.get(i), other.get(j));
            row[j] = match (a, b) {
                (None, None) => true,
                (Some('*'), _) if behind[j] => true,
                (Some('*'), Some(_)) => row[j + 1],
                (_, Some('*')) => row[j + 1] || (a.is_some() && behind[j]),
                (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && behind[j + 1],
                _ => false,
            };
        }
        behind = row;
    }
    behind[0]
}

#[cfg(test)]
mod tests {
    use super::meet;

    #[test]
    fn patterns_meet_where_one_text_fits_both() {
        for (one, other, is) in [
            ("a", "a", true),
            ("a", "b", false),
            ("*", "", true),
            ("a*", "*b", true),
            ("a*c", "ab", false),
            ("a?c", "a*", true),
            ("b/x/*", "b/*", true),
            ("b/x/*", "b/y/*", false),
            ("*x*", "*y", true),
            ("", "?", false),
            ("ab*", "a*b", true),
            ("a*", "", false),
        ] {
            assert_eq!((meet(one, other), meet(other, one)), (is, is), "{one} {other}");
        }
    }
}
