//! The ways from one principal to another, to a fixed point.
//!
//! In: a [`Judge`] and a subject. Out: every principal that the subject can act as, each with the way there. A way is
//! there only if all of its halves are: a role is assumed where its trust and the policies say so, handed to a service
//! only if the role trusts the service and something of the service can be made or changed.
//! The ways themselves are data: `catalogue/data/escalations.json`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::state::{Held, Principal, PrincipalKind, State};
use super::judge::{Judge, Reached, Rewritten, Subject, Target};
use crate::catalogue::escalations::{Escalation, Kind, escalations, verbs};
use crate::document;
use crate::document::Value;
use crate::verdict::read::Effect;
use crate::verdict::{Document, Kind as Attached, Name, Request};

/// A step from one principal to another, or to more of itself.
#[derive(Debug, Clone)]
pub struct Way {
    pub from: Subject,
    /// The ARN of the principal that `from` can act as.
    pub to: String,
    pub kind: Kind,
    /// `pass a role to Glue`.
    pub name: String,
    pub request: Request,
    pub needed: Vec<String>,
}

/// Everybody that a subject can act as.
#[derive(Debug, Clone, Default)]
pub struct Closure {
    /// By ARN: the way there, from the subject on. The subject itself is not among them.
    pub reached: BTreeMap<String, Vec<Way>>,
    /// Who can write its own policies, and the step that shows it: the subject or one of those reached.
    pub unbounded: BTreeMap<String, Way>,
    /// Steps that are not known, and why.
    pub unknown: BTreeSet<String>,
}

type Steps = (Vec<Way>, Option<Way>, BTreeSet<String>);

impl Closure {
    /// Follows every way from a subject.
    pub fn of(judge: &Judge<'_>, who: &Subject) -> Closure {
        let mut closure = Closure::default();
        let mut queue = VecDeque::from([(who.clone(), Vec::new())]);
        let mut seen = BTreeSet::from([who.clone()]);
        while let Some((from, path)) = queue.pop_front() {
            let (ways, edit, unknown) = steps(judge, &from);
            closure.unknown.extend(unknown);
            if let (Some(edit), Subject::Named(name)) = (edit, &from) {
                closure.unbounded.insert(name.clone(), edit);
            }
            for way in ways {
                let next = Subject::Named(way.to.clone());
                if !seen.insert(next.clone()) {
                    continue;
                }
                let mut path: Vec<Way> = path.clone();
                path.push(way.clone());
                closure.reached.insert(way.to, path.clone());
                queue.push_back((next, path));
            }
        }
        closure
    }

    /// Whether anything is reached, or the subject itself may do anything: the best answer to a question, with the way.
    pub fn ask(
        &self,
        judge: &Judge<'_>,
        who: &Subject,
        action: &str,
        target: &Target,
    ) -> (Reached, Vec<Way>) {
        let mut best = judge.ask(who, action, target, None, false);
        if best.is_yes() {
            return (best, Vec::new());
        }
        if let Some((found, opening)) = opened(judge, who, action, target) {
            return (found, opening);
        }
        if let Subject::Named(name) = who
            && let Some(edit) = self.unbounded.get(name)
        {
            let found = judge.ask(who, action, target, None, true);
            if found.is_yes() {
                return (found, vec![edit.clone()]);
            }
        }
        let mut paths: Vec<(&String, &Vec<Way>)> = self.reached.iter().collect();
        paths.sort_by_key(|(name, path)| (path.len(), *name));
        for (name, path) in paths {
            let as_other = Subject::Named(name.clone());
            let found = judge.ask(&as_other, action, target, None, false);
            if found.is_yes() {
                return (found, path.clone());
            }
            if let Some((found, opening)) = opened(judge, &as_other, action, target) {
                return (found, path.iter().cloned().chain(opening).collect());
            }
            if let Some(edit) = self.unbounded.get(name) {
                let found = judge.ask(&as_other, action, target, None, true);
                if found.is_yes() {
                    return (found, path.iter().chain([edit]).cloned().collect());
                }
            }
            if let (Reached::No { .. }, Reached::Unknown { because }) = (&best, found) {
                best = Reached::Unknown { because };
            }
        }
        (best, Vec::new())
    }
}

/// Whether somebody can do something after it has let itself in by a policy that it may write: that of what guards the
/// target, that of its key, or both. With the answer the steps, each with the request that writes a policy.
pub fn opened(
    judge: &Judge<'_>,
    who: &Subject,
    action: &str,
    target: &Target,
) -> Option<(Reached, Vec<Way>)> {
    let key = judge.state.resources.get(&target.guard).and_then(|guard| guard.key.as_ref());
    let guard = opening(judge, who, &target.guard);
    let key = key.and_then(|key| opening(judge, who, key));
    let ways = [
        (Rewritten { guard: true, ..Rewritten::default() }, vec![&guard]),
        (Rewritten { key: true, ..Rewritten::default() }, vec![&key]),
        (Rewritten { guard: true, key: true, own: false }, vec![&guard, &key]),
    ];
    ways.into_iter().find_map(|(rewritten, steps)| {
        let steps: Option<Vec<Way>> = steps.into_iter().cloned().collect();
        let steps = steps?;
        let found = judge.ask_after(rewritten, who, action, target);
        found.is_yes().then_some((found, steps))
    })
}

/// The step of writing the policy of a resource of the state.
fn opening(judge: &Judge<'_>, who: &Subject, guard: &str) -> Option<Way> {
    let kind = judge.state.resources.get(guard)?.kind.as_str();
    let opening = verbs().openings.iter().find(|one| one.kind == kind)?;
    let target =
        Target { kind: opening.on.clone(), resource: resource(guard), guard: guard.to_owned() };
    opening.actions.iter().find_map(|action| {
        let Reached::Yes { request, needed } = judge.ask(who, action, &target, None, false) else {
            return None;
        };
        Some(Way {
            from: who.clone(),
            to: guard.to_owned(),
            kind: Kind::Open,
            name: format!("write the policy of the {}, and let itself in", opening.on),
            request: *request,
            needed,
        })
    })
}

fn of_principal(name: &str, one: &Principal) -> Target {
    Target { kind: one.kind.as_str().to_owned(), resource: resource(name), guard: name.to_owned() }
}

/// A name of a state as it stands in a policy: an ARN, or the reference.
pub fn resource(name: &str) -> Value {
    let reference = Value::from_json(name).ok().filter(|value| value.as_map().is_some());
    reference.unwrap_or_else(|| Value::from(name.to_owned()))
}

fn any(kind: &str) -> Target {
    Target { kind: kind.to_owned(), resource: Value::from("*"), guard: String::new() }
}

/// Whether a trust could name somebody at all: one for services and providers names no role and no user. Asked before the
/// search is, since most roles of a state are for services.
fn may_name(held: &Held, from: &Subject) -> bool {
    if !matches!(from, Subject::Named(_)) {
        return true;
    }
    let statements = match held.document.get("Statement") {
        Some(Value::List(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => return true,
    };
    statements.iter().any(|statement| match statement.get("Principal") {
        Some(Value::Map(map)) => {
            map.iter().any(|(kind, _)| kind != "Service" && kind != "Federated")
        }
        _ => true,
    })
}

/// The policies of a principal that somebody could write: attached ones, by ARN or reference.
fn attached(one: &Principal) -> Vec<Target> {
    let target =
        |resource: Value| Target { kind: "policy".to_owned(), resource, guard: String::new() };
    let written = |held: &Held| match held.property.as_str() {
        arn if arn.starts_with("arn:") => Some(target(Value::from(arn.to_owned()))),
        "PolicyDocument" => {
            let id = format!("{}/{}", held.origin.stack, held.origin.logical_id);
            Some(target(document!({"Ref": id})))
        }
        _ => None,
    };
    let elsewhere = one.attached.iter().map(|arn| target(Value::from(arn.clone())));
    one.identity.iter().filter_map(written).chain(elsewhere).collect()
}

/// All steps of one subject: to others, and to policies of its own.
fn steps(judge: &Judge<'_>, from: &Subject) -> Steps {
    let (mut ways, mut edit, mut unknown) = (Vec::new(), None, BTreeSet::new());
    let state = judge.state;
    for escalation in &escalations().escalations {
        // whoever may do none of it anywhere is not asked role by role
        let anywhere = |action: &String| match escalation.kind {
            // the code may come within reach by the policy of its bucket
            Kind::Assume | Kind::Code => true,
            _ => !matches!(judge.ask(from, action, &any("any"), None, false), Reached::No { .. }),
        };
        let actions: Vec<&String> = escalation.actions.iter().filter(|one| anywhere(one)).collect();
        let has_identity = matches!(from, Subject::Named(_));
        if actions.is_empty()
            || (!has_identity && !matches!(escalation.kind, Kind::Assume | Kind::Code))
        {
            continue;
        }
        let mut step = |to: &str, found: Reached| match found {
            Reached::Yes { request, needed } => {
                let way = Way {
                    from: from.clone(),
                    to: to.to_owned(),
                    kind: escalation.kind,
                    name: escalation.name.clone(),
                    request: *request,
                    needed,
                };
                match escalation.kind {
                    Kind::Edit => drop(edit.get_or_insert(way)),
                    _ => ways.push(way),
                }
            }
            Reached::Unknown { because } => {
                unknown.insert(format!("whether it can {} ({to}): {because}", escalation.name));
            }
            Reached::No { .. } => {}
        };
        let each = |target: &Target| {
            actions.iter().fold(Reached::No { because: None }, |best, action| {
                best.or(|| judge.ask(from, action, target, None, false))
            })
        };
        let not_self = |name: &String| *from != Subject::Named(name.clone());
        match escalation.kind {
            Kind::Assume | Kind::Become => {
                for (name, one) in state.principals.iter().filter(|(name, _)| not_self(name)) {
                    let made = one.origin.is_some() && one.kind.as_str() == escalation.on;
                    let taken = || one.trust.as_ref().is_some_and(|held| may_name(held, from));
                    if made && (escalation.kind == Kind::Become || taken()) {
                        step(name, each(&of_principal(name, one)));
                    }
                }
                let assumes = actions.iter().filter(|_| escalation.kind == Kind::Assume);
                for action in assumes {
                    if let Some(roles) = beyond(judge, from, action, None) {
                        let because = format!(
                            "`{roles}` takes in roles that stand in no template of this state"
                        );
                        step(&roles, Reached::Unknown { because });
                    }
                }
            }
            Kind::Edit => {
                if let Subject::Named(name) = from
                    && let Some(one) = state.principals.get(name)
                {
                    let targets = match escalation.on.as_str() {
                        "policy" => attached(one),
                        on if on == one.kind.as_str() => vec![of_principal(name, one)],
                        _ => Vec::new(),
                    };
                    targets.iter().for_each(|target| step(name, each(target)));
                }
            }
            Kind::Pass => pass(judge, from, escalation, &each, &mut step),
            Kind::Code => {
                for runner in state.runners.values().filter(|runner| not_self(&runner.role)) {
                    for code in &runner.code {
                        let bucket = code.split('/').next().unwrap_or(code).to_owned();
                        let target = Target {
                            kind: "object".to_owned(),
                            resource: Value::from(code.clone()),
                            guard: bucket,
                        };
                        let found = each(&target).or(|| {
                            let first = actions
                                .iter()
                                .find_map(|action| opened(judge, from, action, &target));
                            first.map_or(Reached::No { because: None }, after_opening)
                        });
                        step(&runner.role, found);
                    }
                }
            }
            Kind::Open => {}
            Kind::Runner => {
                for (name, runner) in &state.runners {
                    if runner.kind == escalation.on && not_self(&runner.role) {
                        let own = name.rsplit_once('#').map_or(name.as_str(), |(own, _)| own);
                        let target = Target {
                            kind: "runner".to_owned(),
                            resource: resource(own),
                            guard: own.to_owned(),
                        };
                        step(&runner.role, each(&target));
                    }
                }
            }
        }
    }
    (ways, edit, unknown)
}

/// An answer that takes steps first, which it names as what is needed.
fn after_opening((found, steps): (Reached, Vec<Way>)) -> Reached {
    match found {
        Reached::Yes { request, mut needed } => {
            needed.extend(steps.iter().map(|way| {
                format!("that it first does {} on {}, as it can", way.request.action, way.to)
            }));
            Reached::Yes { request, needed }
        }
        other => other,
    }
}

/// Whether somebody may assume, or hand over, a role that stands in no template of the state, and which: what such a
/// role may do is not known. What a statement names is asked as it stands, a wildcard filled with a name that no role
/// of the state has.
fn beyond(
    judge: &Judge<'_>,
    from: &Subject,
    action: &str,
    condition: Option<(&str, &str)>,
) -> Option<String> {
    let Subject::Named(arn) = from else { return None };
    let holder = judge.index.holder(arn)?;
    if !judge.ask(from, action, &any("role"), condition, false).is_yes() {
        return None;
    }
    let statements = holder.identity.documents.iter().flat_map(|one| &one.statements);
    let named = statements.filter(|one| one.effect == Effect::Allow).flat_map(|one| {
        match one.resources.as_ref().filter(|listed| !listed.not) {
            Some(listed) => listed.items.iter().map(|item| item.shown()).collect(),
            None => vec!["*".to_owned()],
        }
    });
    let mut found = named.filter(|text| {
        let home = || format!("arn:aws:iam::{}:role/*", holder.principal.account);
        let role = if text == "*" { home() } else { text.clone() };
        let role = role.replace('*', "not-read").replace('?', "x");
        let is_new = role.contains(":role/")
            && !role.contains('$')
            && !judge.state.principals.contains_key(&role);
        let elsewhere = role.split(':').nth(4) != Some(&holder.principal.account);
        let target =
            Target { kind: "role".to_owned(), resource: Value::from(role), guard: String::new() };
        // in another account the role's trust has to agree, and may
        let trusted = Rewritten { guard: elsewhere, ..Rewritten::default() };
        is_new
            && match condition {
                None => judge.ask_after(trusted, from, action, &target).is_yes(),
                Some(_) => judge.ask(from, action, &target, condition, false).is_yes(),
            }
    });
    found.next()
}

/// A role is handed over: the right to, the right to make or change what takes it, and the role's trust.
fn pass(
    judge: &Judge<'_>,
    from: &Subject,
    escalation: &Escalation,
    each: &impl Fn(&Target) -> Reached,
    step: &mut impl FnMut(&str, Reached),
) {
    let ways = escalations();
    let Some(service) = &escalation.service else { return };
    let made = each(&any("any"));
    if matches!(made, Reached::No { .. }) {
        return;
    }
    for (name, one) in &judge.state.principals {
        let own = *from == Subject::Named(name.clone());
        if own || one.kind != PrincipalKind::Role || one.trust.is_none() {
            continue;
        }
        let target = of_principal(name, one);
        let takes =
            judge.ask(&Subject::Service(service.clone()), &ways.trust, &target, None, false);
        if matches!(takes, Reached::No { .. }) {
            continue;
        }
        let handed = judge.ask(from, &ways.pass, &target, Some((&ways.condition, service)), false);
        let found = match (handed, &made, takes) {
            (no @ Reached::No { .. }, ..) => no,
            (_, Reached::Unknown { because }, _) => Reached::Unknown { because: because.clone() },
            (_, _, unknown @ Reached::Unknown { .. }) => unknown,
            (handed, ..) => handed,
        };
        step(name, found);
    }
    if let Some(roles) = beyond(judge, from, &ways.pass, Some((&ways.condition, service))) {
        let because = format!("`{roles}` takes in roles that stand in no template of this state");
        step(&roles, Reached::Unknown { because });
    }
}

/// Who is let in from outside of the state by the policy of a resource, and how people say it.
pub fn outsiders(state: &State, guard: &str) -> BTreeMap<Subject, String> {
    let mut found = BTreeMap::new();
    if let Some(guarded) = state.resources.get(guard) {
        for held in &guarded.policies {
            let read = Document::read(&held.document, Attached::Resource);
            read.iter()
                .for_each(|document| named_in(state, document, &guarded.account, &mut found));
        }
    }
    found
}

/// Who from outside of the state may assume a role of it. Services are left out: what they do as a role is the role's.
pub fn trusted(state: &State) -> BTreeMap<Subject, String> {
    let mut found = BTreeMap::new();
    for one in state.principals.values() {
        if let Some(held) = &one.trust {
            let read = Document::read(&held.document, Attached::Trust);
            read.iter().for_each(|document| named_in(state, document, &one.account, &mut found));
        }
    }
    found.retain(|who, _| !matches!(who, Subject::Service(_)));
    found
}

fn named_in(state: &State, document: &Document, home: &str, found: &mut BTreeMap<Subject, String>) {
    for statement in document.statements.iter().filter(|one| one.effect == Effect::Allow) {
        let Some(listed) = &statement.principals else { continue };
        if listed.not || listed.items.contains(&Name::Everyone) {
            let organization = statement.conditions.iter().find(|condition| {
                condition.key.starts_with("aws:principalorg") && !condition.operator.negated
            });
            let text = match organization {
                Some(condition) => {
                    let ids: Vec<String> = condition.values.iter().map(|one| one.shown()).collect();
                    format!("organization {}", ids.join(", "))
                }
                None => "everyone under the policy's conditions".to_owned(),
            };
            found.insert(Subject::Anybody, text);
            found.insert(Subject::Anonymous, "anonymous".to_owned());
        }
        for name in listed.items.iter().filter(|_| !listed.not) {
            match name {
                Name::Account { account, .. } if account != home => {
                    found.insert(Subject::Account(account.clone()), format!("account/{account}"));
                }
                Name::Role { partition, account, path }
                | Name::User { partition, account, path } => {
                    let word = if matches!(name, Name::Role { .. }) { "role" } else { "user" };
                    let arn = format!("arn:{partition}:iam::{account}:{word}/{path}");
                    if !state.principals.contains_key(&arn) {
                        let text = match account == home {
                            true => format!("{word}/{path}"),
                            false => format!("{account}:{word}/{path}"),
                        };
                        found.insert(Subject::Named(arn), text);
                    }
                }
                Name::Other { kind, text } if kind == "Service" => {
                    found.insert(Subject::Service(text.clone()), format!("service/{text}"));
                }
                _ => {}
            }
        }
    }
}
