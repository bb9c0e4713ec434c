//! From what a search found to a request that people can read.
//!
//! Symbols get values, the action becomes a real one of the catalogue where one will do, the resource an ARN where one
//! will do. Every step is kept only if the request still replays; if not even the plain one does, there is none.

use std::rc::Rc;

use super::glob::{FIRST_SYMBOL, Letter};
use super::model::{Model, Symbol};
use super::principal::Requester;
use super::read::Statement;
use super::request::Request;
use super::search::{Boxed, Region, hits};
use super::space::{Held, Thing};
use super::text::token_text;
use crate::catalogue::iam;

/// What a search found.
pub struct Found<'f> {
    pub region: &'f Region,
    /// What the request must stay outside of.
    pub avoid: &'f [&'f Boxed],
    /// The statement that allows it.
    pub statement: Option<&'f Statement>,
}

/// Values that are tried for a variable whose key says nothing of it.
const PLAIN: [&str; 3] = ["x", "name", "a1"];
/// Actions of the catalogue that are tried.
const TRIED: usize = 4_000;

/// The request of a region that stands up to `replays`.
pub fn request(
    model: &Model,
    found: &Found<'_>,
    replays: impl Fn(&Request) -> bool,
) -> Option<Request> {
    let mut held = found.region.held();
    let mut plain = None;
    for attempt in 0..=PLAIN.len() {
        let request = written(model, found.region, &held, attempt);
        if replays(&request) {
            plain = Some(request);
            break;
        }
        if model.symbols.is_empty() {
            break;
        }
    }
    // where a token may be what is left out: a resource that goes on behind it cannot be it
    if plain.is_none() && model.resource.is_some() {
        let base = written(model, found.region, &held, 0);
        let longer = beside_tokens(found.statement, &base.tokens);
        let mut longer =
            longer.into_iter().map(|text| Request { resource: Some(text), ..base.clone() });
        plain = longer.find(|request| replays(request));
    }
    let mut best = plain?;
    let mut numbered = ('1'..='9').rev().map(|digit| with_numbers(&best, digit));
    if let Some(other) = numbered.find(|other| *other == best || replays(other)) {
        best = other;
    }
    let named = with_user_name(model, &best);
    if named != best && replays(&named) {
        best = named;
    }
    if let Some(who) = of_arn(model, &best) {
        let other = Request { principal: Some(who), ..best.clone() };
        if replays(&other) {
            best = other;
        }
    }
    let fits = |held: &[Rc<Held>], dimension: u16| {
        let at = usize::from(dimension);
        found.region.takes(&model.space, at, &held[at])
            && !found.avoid.iter().any(|boxed| hits(&model.space, boxed, |at| &*held[at]))
    };
    let word = |text: &str| {
        let letters = text.chars().map(|c| c as Letter).collect();
        Rc::new(Held::Values(vec![Thing::Word(letters)]))
    };
    if let Some(action) = real_action(found, &best, |name| {
        let mut other = held.clone();
        other[usize::from(model.action)] = word(&name.to_ascii_lowercase());
        fits(&other, model.action)
    }) {
        let other = Request { action: action.clone(), ..best.clone() };
        if replays(&other) {
            held[usize::from(model.action)] = word(&action.to_ascii_lowercase());
            best = other;
        }
    }
    if let Some(dimension) = model.resource {
        for text in readable(&best) {
            let mut other = held.clone();
            other[usize::from(dimension)] = word(&text);
            let request = Request { resource: Some(text), ..best.clone() };
            if fits(&other, dimension) && replays(&request) {
                best = request;
                break;
            }
        }
    }
    Some(best)
}

/// The resources of a statement with a token and one more letter for each `*`.
fn beside_tokens(statement: Option<&Statement>, tokens: &[String]) -> Vec<String> {
    let resources = statement.and_then(|statement| statement.resources.as_ref());
    let patterns = resources.filter(|listed| !listed.not).map_or(&[][..], |listed| &listed.items);
    let mut out = Vec::new();
    for token in tokens.iter().take(4) {
        for pattern in patterns.iter().take(16) {
            out.push(pattern.shown().replace('*', &format!("{}{}", token_text(token), PLAIN[0])));
        }
    }
    out
}

/// What a region holds, as texts.
fn written(model: &Model, region: &Region, held: &[Rc<Held>], attempt: usize) -> Request {
    let symbols: Vec<String> = model
        .symbols
        .iter()
        .map(|symbol| match symbol {
            Symbol::Token(name) => token_text(name),
            Symbol::Variable(key) => {
                let dimension = usize::from(model.keys[key].dimension);
                let own = texts(model, held, dimension, &[]);
                let try_plain = attempt.checked_sub(1).map(|at| PLAIN[at]).filter(|text| {
                    let letters = text.chars().map(|c| c as Letter).collect();
                    let held = Held::Values(vec![Thing::Word(letters)]);
                    region.takes(&model.space, dimension, &held)
                });
                match (try_plain, own.into_iter().next()) {
                    (Some(text), _) => text.to_owned(),
                    (None, Some(own)) => own,
                    (None, None) => PLAIN[0].to_owned(),
                }
            }
        })
        .collect();
    let one = |dimension: u16| {
        texts(model, held, usize::from(dimension), &symbols).into_iter().next().unwrap_or_default()
    };
    let at = model.principal.and_then(|dimension| match &*held[usize::from(dimension)] {
        Held::Values(values) => match values.first() {
            Some(Thing::Point(at)) => Some(*at),
            _ => None,
        },
        Held::Absent => None,
    });
    let principal = at.map(|at| model.requesters[at].clone());
    let standing = at.map(|at| model.standings[at]).unwrap_or_default();
    let mut context = std::collections::BTreeMap::new();
    for (name, key) in &model.keys {
        let dimension = usize::from(key.dimension);
        let mut values = texts(model, held, dimension, &symbols);
        let symbol = model.symbols.iter().position(|s| *s == Symbol::Variable(name.clone()));
        if let (Some(at), false) = (symbol, values.is_empty()) {
            values = vec![symbols[at].clone()];
        }
        if !values.is_empty() {
            let shown = model.space.dimensions[dimension].name.clone();
            context.insert(name.clone(), (shown, values));
        }
    }
    let (action, resource) = (one(model.action), model.resource.map(one));
    let tokens = model.symbols.iter().filter_map(|symbol| match symbol {
        Symbol::Token(name) => Some(name.clone()),
        Symbol::Variable(_) => None,
    });
    Request { principal, standing, action, resource, context, tokens: tokens.collect() }
}

/// The values of a dimension as texts; none if it is absent.
fn texts(model: &Model, held: &[Rc<Held>], dimension: usize, symbols: &[String]) -> Vec<String> {
    let Held::Values(values) = &*held[dimension] else { return Vec::new() };
    let text = |value: &Thing| match value {
        Thing::Point(at) => model.space.dimensions[dimension]
            .points
            .as_ref()
            .map_or_else(String::new, |points| points[*at].clone()),
        Thing::Word(word) => {
            let mut out = String::new();
            for letter in word {
                if *letter >= FIRST_SYMBOL {
                    let at = (letter - FIRST_SYMBOL) as usize;
                    out += symbols.get(at).map_or(PLAIN[0], String::as_str);
                } else {
                    out.extend(char::from_u32(*letter));
                }
            }
            out
        }
    };
    let mut out: Vec<String> = values.iter().map(text).collect();
    out.dedup();
    out
}

/// With `aws:username` at the end of the user's ARN, where nobody names the user.
fn with_user_name(model: &Model, request: &Request) -> Request {
    let mut out = request.clone();
    let Some(name) = request.single("aws:username").map(str::to_owned) else { return out };
    let renamed = |path: &str| match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.clone(),
    };
    if let Some((_, values)) = out.context.get_mut("aws:principalarn") {
        for value in values.iter_mut().filter(|value| value.contains(":user/")) {
            *value = renamed(value);
        }
    }
    let at = model.requesters.iter().position(|who| Some(who) == request.principal.as_ref());
    if let (Some(Requester::User { path, .. }), Some(at)) = (&mut out.principal, at)
        && model.unnamed.contains(&at)
    {
        *path = renamed(path);
        let own = out.principal.as_ref().and_then(Requester::principal_arn);
        if let (Some((_, values)), Some(own)) = (out.context.get_mut("aws:principalarn"), own) {
            *values = vec![own];
        }
    }
    out
}

/// With account ids that are numbers, where `aws:PrincipalArn` and `aws:PrincipalAccount` leave them open.
fn with_numbers(request: &Request, digit: char) -> Request {
    let mut out = request.clone();
    let number = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_digit() { c } else { digit }).collect()
    };
    for (key, at) in [("aws:principalarn", 4), ("aws:principalaccount", 0)] {
        let Some((_, values)) = out.context.get_mut(key) else { continue };
        for value in values {
            let mut parts: Vec<String> = value.split(':').map(str::to_owned).collect();
            if let Some(account) = parts.get_mut(at).filter(|id| id.chars().count() == 12) {
                *account = number(account);
                *value = parts.join(":");
            }
        }
    }
    out
}

/// Of a requester that stands for others: the one whom `aws:PrincipalArn`, or `aws:username`, names.
fn of_arn(model: &Model, request: &Request) -> Option<Requester> {
    let own = request.principal.as_ref()?;
    let at = model.requesters.iter().position(|who| who == own)?;
    if !model.unnamed.contains(&at) {
        return None;
    }
    let Some(arn) = request.single("aws:principalarn") else {
        let name = request.single("aws:username").filter(|name| !name.is_empty())?;
        let Requester::User { partition, account, .. } = own.clone() else { return None };
        return Some(Requester::User { partition, account, path: name.to_owned() });
    };
    match Requester::read("AWS", arn) {
        Requester::Anonymous | Requester::Other { .. } => None,
        who => Some(who),
    }
}

/// An action of the catalogue that fits; rather one of the resource's service.
fn real_action(
    found: &Found<'_>,
    request: &Request,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let known = iam::action(&request.action).map(iam::Action::full_name);
    if known.is_some() {
        return known;
    }
    let service = request.resource.as_deref().and_then(|arn| arn.split(':').nth(2));
    let actions = &found.statement?.actions;
    let mut any = None;
    let mut tried = 0;
    let mut weigh = |action: &iam::Action| -> bool {
        tried += 1;
        let preferred =
            service.is_none_or(|service| service.is_empty() || service == action.service);
        let wanted = preferred || any.is_none();
        if wanted && fits(&action.full_name()) {
            any = Some(action.full_name());
            return preferred;
        }
        tried >= TRIED
    };
    if actions.not {
        // the rest of IAM says most of what was let in
        let first = iam::service("iam").into_iter().flat_map(|service| &service.actions);
        let _ = first.chain(iam::actions()).any(&mut weigh);
    } else {
        for pattern in &actions.items {
            if iam::matching(&pattern.shown()).any(&mut weigh) {
                break;
            }
        }
    }
    any
}

/// Other texts for a resource: an ARN of the action's kind, or the same with something behind the last slash.
fn readable(request: &Request) -> Vec<String> {
    let own = request.resource.as_deref().unwrap_or_default();
    let mut out = Vec::new();
    if own.starts_with("arn:") {
        if own.ends_with(['/', ':']) {
            out.push(format!("{own}x"));
        }
        return out;
    }
    let Some(action) = iam::action(&request.action) else { return out };
    let forms = action.resources.iter().filter_map(|on| {
        let kind = iam::resource_type(action.service, on.resource)?;
        Some((!on.required, kind.arn.matches("${").count(), kind.arn))
    });
    let mut forms: Vec<_> = forms.collect();
    forms.sort_unstable();
    out.extend(forms.into_iter().map(|(.., form)| filled(form)));
    if action.resources.is_empty() {
        out.push("*".to_owned());
    }
    out
}

/// The form of an ARN with something in its places.
fn filled(form: &str) -> String {
    let mut out = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        out += before;
        out += match name {
            "Partition" => "aws",
            "Region" => "us-east-1",
            "Account" => "111122223333",
            _ => "x",
        };
        rest = behind;
    }
    out + rest
}
