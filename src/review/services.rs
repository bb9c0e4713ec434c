//! Whether what AWS services carry for the lake still gets through every Deny, and whether every Deny stops anybody.
//!
//! In: the index of a state. Out: [`Services`]: for each path of a service (access logs and replication as buckets
//! configure them, the roles of jobs, deliveries, schedules and registered locations, and whatever else a resource's
//! policy lets a service do) the requests that it makes, with the context that AWS documents for them, replayed on all
//! layers; and for each Deny of a resource's policy a request from outside that it stops. What goes to a resource that
//! stands in no template of the state is no path of it.
//! INVARIANT: every request is answered by the evaluator, `decide`; what cannot be asked is unknown, never "passes".
//! Pure. Read next: `catalogue::senders` for what services send, `docs/service-conditions.md` for people.

mod barriers;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use barriers::barriers;
use requests::{
    concrete, fill, names, of_role, of_service, organization, positive, put, request, services_of,
    suffix, unsent, verb, word,
};

use crate::access::{Answer, Cause, Guard, Held, Holder, Index, Origin, State, decide, in_request};
use crate::catalogue::escalations::escalations;
use crate::catalogue::{iam, senders};
use crate::verdict::read::{Effect, Statement};
use crate::verdict::{Decision, Reach, Request, Requester, applies, evaluate};

/// Whether something gets through.
#[derive(Debug, Clone, PartialEq)]
pub enum Passage {
    Passes,
    /// What stops it: a statement that denies, or why nothing lets it in.
    Stopped {
        by: Option<Cause>,
        because: String,
        request: Box<Request>,
    },
    Unknown {
        because: String,
    },
}

/// One way that a service goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// `access logs`, `replication`, `job`.
    pub carries: String,
    /// The service or the role that asks.
    pub actor: String,
    /// What for: the bucket that is logged, the job, the rule. Empty where the policy does not tell.
    pub from: String,
    /// Where to: a resource's ARN or the reference to it; of a role that is taken, the role.
    pub to: String,
    pub origin: Origin,
    /// How many requests were replayed.
    pub requests: usize,
    pub passage: Passage,
}

/// A Deny of a resource's policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Barrier {
    pub subject: String,
    pub cause: Cause,
    /// A request from outside that it stops; `None`: it stops nobody.
    pub stops: Option<Request>,
}

/// The check of a state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Services {
    /// By what they carry, actor and target.
    pub paths: Vec<Path>,
    pub barriers: Vec<Barrier>,
}

impl Services {
    /// The paths that do not get through.
    pub fn stopped(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().filter(|path| matches!(path.passage, Passage::Stopped { .. }))
    }

    /// The paths of which it is not known.
    pub fn unknown(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().filter(|path| matches!(path.passage, Passage::Unknown { .. }))
    }

    /// Denies that stop nobody.
    pub fn idle(&self) -> impl Iterator<Item = &Barrier> {
        self.barriers.iter().filter(|barrier| barrier.stops.is_none())
    }
}

/// Checks a state.
pub fn check(index: &Index<'_>) -> Services {
    let state = index.state;
    let mut checker =
        Checker { state, index, organization: organization(index), paths: Vec::new() };
    checker.transfers();
    checker.taken();
    checker.admitted();
    checker.works();
    let mut paths = checker.paths;
    paths.sort_by(|a, b| {
        (&a.carries, &a.actor, &a.from, &a.to).cmp(&(&b.carries, &b.actor, &b.from, &b.to))
    });
    Services { paths, barriers: barriers(index) }
}

struct Checker<'s> {
    state: &'s State,
    index: &'s Index<'s>,
    /// The organization that the policies of the state are about, if it is one.
    organization: Option<String>,
    paths: Vec<Path>,
}

impl<'s> Checker<'s> {
    fn push(&mut self, path: Path) {
        self.paths.push(path);
    }

    /// Access logs and copies, as the buckets have them.
    fn transfers(&mut self) {
        let state = self.state;
        for transfer in &state.transfers {
            let Some(target) = state.resources.get(&transfer.to) else { continue };
            let account = state.resources.get(&transfer.from).map(|from| from.account.clone());
            let account = account.unwrap_or_else(|| target.account.clone());
            let object = format!("{}/{}x", in_request(&transfer.to), transfer.prefix);
            let (carries, actor, requests) = match &transfer.role {
                None => {
                    let sender = senders::all().iter().find(|one| one.carries == "access logs");
                    let Some(sender) = sender else { continue };
                    let service = format!("{}.{}", sender.service, suffix(target.partition));
                    let mut context = of_service(&service);
                    put(&mut context, "aws:SourceAccount", account);
                    put(&mut context, "aws:SourceArn", in_request(&transfer.from));
                    let who =
                        Requester::Other { kind: "Service".to_owned(), text: service.clone() };
                    let writes = verb("object", "write");
                    let requests: Vec<Request> = writes
                        .iter()
                        .map(|action| request(&who, action, Some(&object), &context))
                        .collect();
                    (sender.carries.clone(), service, requests)
                }
                Some(role) => {
                    let Some(one) = state.principals.get(role) else { continue };
                    if one.origin.is_none() {
                        continue;
                    }
                    let context =
                        of_role(self.state, self.organization.as_deref(), role, &target.account);
                    let who = Requester::read("AWS", &in_request(role));
                    let copies = verb("copy", "write");
                    let requests = copies
                        .iter()
                        .map(|action| request(&who, action, Some(&object), &context))
                        .collect();
                    ("replication".to_owned(), role.clone(), requests)
                }
            };
            let passage = self.replayed(&requests);
            self.push(Path {
                carries,
                actor,
                from: transfer.from.clone(),
                to: transfer.to.clone(),
                origin: transfer.origin.clone(),
                requests: requests.len(),
                passage,
            });
        }
    }

    /// Roles that services take: of what runs, of registered locations, of copies.
    fn taken(&mut self) {
        let state = self.state;
        let mut taken: BTreeSet<(&str, String, &str, &Origin)> = BTreeSet::new();
        for (name, runner) in &state.runners {
            let own = name.rsplit_once('#').map_or(name.as_str(), |(own, _)| own);
            taken.insert((&runner.kind, own.to_owned(), &runner.role, &runner.origin));
        }
        for grant in &state.grants {
            let location = grant.resource.at(&["Registration", "ResourceArn"]);
            if let Some(location) = location.and_then(|one| one.as_str()) {
                let place = (location.to_owned(), grant.principal.as_str(), &grant.origin);
                taken.insert(("AWS::LakeFormation::Resource", place.0, place.1, place.2));
            }
        }
        for transfer in &state.transfers {
            if let Some(role) = &transfer.role {
                taken.insert(("AWS::S3::Bucket", transfer.from.clone(), role, &transfer.origin));
            }
        }
        for (kind, from, role, origin) in taken {
            let Some(sender) = senders::running(kind) else { continue };
            let Some(one) = self.index.holder(role) else { continue };
            let partition = role.split(':').nth(1).unwrap_or("aws");
            let service = format!("{}.{}", sender.service, suffix(partition));
            let Some(passage) = self.assumes(&service, &sender.sends, one) else { continue };
            self.push(Path {
                carries: sender.carries.clone(),
                actor: service,
                from,
                to: role.to_owned(),
                origin: origin.clone(),
                requests: 1,
                passage,
            });
        }
    }

    /// A service takes a role; `None` of what nobody can take.
    fn assumes(&self, service: &str, sends: &[String], role: &Holder<'_>) -> Option<Passage> {
        let trust = role.principal.trust.as_ref()?;
        let Some(documents @ [document]) = role.trust.whole() else {
            return Some(Passage::Unknown { because: "the trust policy is none".to_owned() });
        };
        let who = Requester::Other { kind: "Service".to_owned(), text: service.to_owned() };
        let mut context = of_service(service);
        let named = document.statements.iter().filter(|one| names(one, service));
        for statement in named.clone().filter(|one| one.effect == Effect::Allow) {
            fill(&mut context, statement, |key| sends.iter().any(|own| own == key), 0);
        }
        if sends.iter().any(|key| key == "aws:SourceAccount") {
            context.entry("aws:sourceaccount".to_owned()).or_insert_with(|| {
                ("aws:SourceAccount".to_owned(), vec![role.principal.account.clone()])
            });
        }
        let asked = request(&who, &escalations().trust, None, &context);
        Some(match evaluate(documents, &asked, Reach::Whole) {
            Decision::Allowed => Passage::Passes,
            Decision::Unknown => Passage::Unknown { because: "it is not decided".to_owned() },
            decision => {
                let wanted = decision == Decision::Denied;
                let by = document.statements.iter().find(|one| {
                    wanted
                        && one.effect == Effect::Deny
                        && applies(one, &asked, Reach::Whole) == Some(true)
                });
                let by = by.map(|one| cause(trust, one));
                let because = match &by {
                    Some(by) => format!("{} denies it", by.statement),
                    None => unsent(named, service, &asked)
                        .unwrap_or_else(|| format!("the role does not trust {service}")),
                };
                Passage::Stopped { by, because, request: Box::new(asked) }
            }
        })
    }

    /// What policies of resources let services do, beside the access logs that are configured.
    fn admitted(&mut self) {
        let state = self.state;
        let logged: BTreeSet<String> =
            state.transfers.iter().map(|one| in_request(&one.from).into_owned()).collect();
        for guard in self.index.guards() {
            let read = guard.policies.documents.iter().zip(&guard.policies.held);
            for (document, held) in read {
                for statement in document.statements.iter().filter(|s| s.effect == Effect::Allow) {
                    for service in services_of(statement) {
                        self.admission(guard, held, statement, &service, &logged);
                    }
                }
            }
        }
    }

    fn admission(
        &mut self,
        guard: &Guard<'_>,
        held: &Held,
        statement: &Statement,
        service: &str,
        logged: &BTreeSet<String>,
    ) {
        let (name, guarded) = (guard.name.as_str(), guard.guarded);
        let sender = senders::of(service, word(&guarded.kind));
        let sends = |key: &str| sender.is_none_or(|one| one.sends.iter().any(|own| own == key));
        let who = Requester::Other { kind: "Service".to_owned(), text: service.to_owned() };
        // a path for each thing that the statement names: a rule, a log group, a bucket
        let several = statement.conditions.iter().filter(|one| sends(&one.shown) && positive(one));
        let choices = several.map(|one| one.values.len()).max().unwrap_or(1).max(1);
        let resources = statement.resources.iter().flat_map(|listed| &listed.items);
        let resources: BTreeSet<String> = resources
            .filter(|pattern| pattern.variables().next().is_none())
            .map(|pattern| concrete(&pattern.shown(), name))
            .collect();
        for choice in 0..choices {
            let mut context = of_service(service);
            fill(&mut context, statement, sends, choice);
            if sender.is_some_and(|one| one.sends.iter().any(|key| key == "aws:SourceAccount")) {
                context.entry("aws:sourceaccount".to_owned()).or_insert_with(|| {
                    ("aws:SourceAccount".to_owned(), vec![guarded.account.clone()])
                });
            }
            let from = ["aws:sourcearn", "kms:encryptioncontext:aws:logs:arn"]
                .iter()
                .find_map(|key| context.get(*key).and_then(|(_, values)| values.first()).cloned());
            let from = from.unwrap_or_default();
            if sender.is_some_and(|one| one.carries == "access logs") && logged.contains(&from) {
                continue;
            }
            let ask = |action: &str, on: &String| request(&who, action, Some(on), &context);
            let listed: Vec<String> =
                statement.actions.items.iter().map(|one| one.shown()).collect();
            let is_plain = |action: &&String| !action.contains(['*', '?', '$']);
            let mut requests: Vec<Request> = listed
                .iter()
                .filter(is_plain)
                .filter(|_| !statement.actions.not)
                .flat_map(|action| resources.iter().map(|on| ask(action, on)))
                .collect();
            let mut passage = match requests.is_empty() {
                true => {
                    let because = "its actions or resources are patterns".to_owned();
                    Passage::Unknown { because }
                }
                false => self.replayed(&requests),
            };
            for pattern in listed.iter().filter(|one| !is_plain(one) && !statement.actions.not) {
                let taken = meant(pattern, word(&guarded.kind), &resources, &ask);
                let first = requests.is_empty();
                let because = format!("`{pattern}` stands for too many requests");
                let found = match &taken {
                    Some(taken) => self.replayed_of(pattern, taken),
                    None => Some(Passage::Unknown { because }),
                };
                requests.extend(taken.into_iter().flatten());
                // what is not taken apart leaves open what the rest said
                passage = match (passage, found) {
                    (Passage::Unknown { .. }, Some(found)) if first => found,
                    (Passage::Passes, Some(found)) => found,
                    (Passage::Unknown { .. }, Some(found @ Passage::Stopped { .. })) => found,
                    (passage, _) => passage,
                };
            }
            if let Passage::Stopped { by: None, because, request } = &mut passage {
                match unsent(std::iter::once(statement), service, request) {
                    Some(text) => *because = text,
                    None if applies(statement, request, Reach::Whole) != Some(true) => {
                        let because = "its conditions ask for more than is known here".to_owned();
                        passage = Passage::Unknown { because };
                    }
                    None => {}
                }
            }
            let carries = sender.map_or("requests of a service", |one| one.carries.as_str());
            self.push(Path {
                carries: carries.to_owned(),
                actor: service.to_owned(),
                from,
                to: name.to_owned(),
                origin: held.origin.clone(),
                requests: requests.len(),
                passage,
            });
        }
    }

    /// All that a pattern stands for. Which of it the service needs is not known: it passes where all of it does, and is
    /// stopped where all of it is.
    fn replayed_of(&self, pattern: &str, requests: &[Request]) -> Option<Passage> {
        let each = requests.iter().map(|one| self.replayed(std::slice::from_ref(one)));
        let (passes, others): (Vec<Passage>, Vec<Passage>) =
            each.partition(|one| *one == Passage::Passes);
        let first =
            others.iter().find(|one| matches!(one, Passage::Stopped { .. })).or(others.first());
        match (passes.is_empty(), first.cloned()) {
            (true, None) => None,
            (false, None) => Some(Passage::Passes),
            (true, Some(first))
                if others.iter().all(|one| matches!(one, Passage::Stopped { .. })) =>
            {
                Some(first)
            }
            (_, Some(Passage::Stopped { because, .. })) => Some(Passage::Unknown {
                because: format!(
                    "of `{pattern}` some is stopped, and which of it the service needs is not known: {because}"
                ),
            }),
            (_, Some(other)) => Some(other),
        }
    }

    /// What roles that services take do with objects: everything that their own policies allow in a bucket of the state.
    fn works(&mut self) {
        let state = self.state;
        let mut roles: BTreeMap<&str, &Origin> = BTreeMap::new();
        roles.extend(state.runners.values().map(|one| (one.role.as_str(), &one.origin)));
        let copies = state.transfers.iter();
        roles.extend(copies.filter_map(|one| Some((one.role.as_deref()?, &one.origin))));
        let registered =
            state.grants.iter().filter(|one| one.resource.get("Registration").is_some());
        roles.extend(registered.map(|one| (one.principal.as_str(), &one.origin)));
        for (role, origin) in roles {
            let Some(one) = self.index.holder(role) else { continue };
            let who = Requester::read("AWS", &in_request(role));
            let mut asked: BTreeMap<&String, Vec<Request>> = BTreeMap::new();
            for document in &one.identity.documents {
                for statement in document.statements.iter().filter(|s| s.effect == Effect::Allow) {
                    for (name, request) in self.uses(&who, role, statement) {
                        let own = asked.entry(name).or_default();
                        if !own.contains(&request) {
                            own.push(request);
                        }
                    }
                }
            }
            for (name, requests) in asked {
                let passage = self.replayed(&requests);
                self.push(Path {
                    carries: "objects".to_owned(),
                    actor: role.to_owned(),
                    from: String::new(),
                    to: name.clone(),
                    origin: origin.clone(),
                    requests: requests.len(),
                    passage,
                });
            }
        }
    }

    /// The requests for objects that a statement of a role allows.
    fn uses(
        &self,
        who: &Requester,
        role: &str,
        statement: &Statement,
    ) -> Vec<(&'s String, Request)> {
        let mut out = Vec::new();
        if statement.actions.not {
            return out;
        }
        let of_objects = |action: &String| {
            let known = iam::action(action);
            known.is_some_and(|known| known.resources.iter().any(|on| on.resource == "object"))
        };
        let actions: Vec<String> = statement.actions.items.iter().map(|one| one.shown()).collect();
        let actions: Vec<&String> = actions.iter().filter(|one| of_objects(one)).collect();
        for listed in statement.resources.iter().filter(|listed| !listed.not) {
            for pattern in listed.items.iter().filter(|one| one.variables().next().is_none()) {
                let shown = pattern.shown();
                let Some((bucket, _)) = shown.split_once('/') else { continue };
                let Some(Guard { name, guarded, .. }) = self.index.guarded(bucket) else {
                    continue;
                };
                let mut context =
                    of_role(self.state, self.organization.as_deref(), role, &guarded.account);
                fill(&mut context, statement, |_| true, 0);
                let on = concrete(&shown, name);
                for action in &actions {
                    let asked = request(who, action, Some(&on), &context);
                    // what asks for more than can be filled in is asked of nobody
                    let own = Request { principal: None, ..asked.clone() };
                    if applies(statement, &own, Reach::Whole) == Some(true) {
                        out.push((name, asked));
                    }
                }
            }
        }
        out
    }

    /// All requests of a path, until one is stopped.
    fn replayed(&self, requests: &[Request]) -> Passage {
        let mut passage = Passage::Passes;
        for request in requests {
            let decided = decide(self.index, request);
            match decided.answer {
                Answer::Allowed => {}
                Answer::Denied => {
                    let by = decided.by.into_iter().next();
                    let because = by.as_ref().map(|by| format!("{} denies it", by.statement));
                    return Passage::Stopped {
                        because: because.unwrap_or_else(|| "a statement denies it".to_owned()),
                        by,
                        request: Box::new(request.clone()),
                    };
                }
                Answer::NotAllowed => {
                    let because = match decided.needed.is_empty() {
                        true => "nothing that was read allows it".to_owned(),
                        false => format!("it needs {}", decided.needed.join(", and ")),
                    };
                    // of a key that stands in no template nothing is known
                    if because.contains("whose policy was not read") {
                        passage = Passage::Unknown { because };
                        continue;
                    }
                    let request = Box::new(request.clone());
                    return Passage::Stopped { by: None, because, request };
                }
                Answer::Unknown => {
                    let because = "it hangs on a policy that is not at hand".to_owned();
                    passage = Passage::Unknown { because };
                }
            }
        }
        passage
    }
}
fn cause(held: &Held, statement: &Statement) -> Cause {
    Cause {
        origin: held.origin.clone(),
        property: held.property.clone(),
        statement: statement.label.clone(),
    }
}

/// Most requests that a pattern is taken apart into.
const MOST_MEANT: usize = 400;

/// The requests that a pattern of actions stands for on the resources of a kind: `object` where one lies in a bucket.
/// `None`: too many.
fn meant(
    pattern: &str,
    kind: &str,
    resources: &BTreeSet<String>,
    ask: &impl Fn(&str, &String) -> Request,
) -> Option<Vec<Request>> {
    let on_it = |action: &&iam::Action, on: &String| {
        if on.starts_with("arn:") && on.split(':').nth(2) != Some(action.service) {
            return false;
        }
        let wanted = if kind == "bucket" && on.contains('/') { "object" } else { kind };
        action.resources.iter().any(|one| one.resource == wanted)
    };
    let mut found = Vec::new();
    for action in iam::matching(pattern) {
        for on in resources.iter().filter(|on| on_it(&action, on)) {
            found.push(ask(&action.full_name(), on));
        }
    }
    (found.len() <= MOST_MEANT).then_some(found)
}
