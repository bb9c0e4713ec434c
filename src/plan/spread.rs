//! How a replacement spreads: who refers to a new resource changes too.
//!
//! In: the verdicts of a stack's resources. Out: the same with what follows, at a fixed point: a
//! property that refers to a resource that is replaced gets a new value, known only later; where that
//! property can't change in place, its resource is replaced as well, and so on. INVARIANT: each
//! resource's action only ever gets worse, so it ends.

use std::collections::{BTreeMap, HashMap};

use super::compare::name_of_elements;
use super::resource::{self, Judged, Verdict, kind_of};
use super::{Action, Effect};
use crate::canonical::{Known, Scope, canonical, later, printable, references};
use crate::catalogue::resource_type;
use crate::document::{Map, Value};

/// Spreads replacements within one stack. `fate` says what the verdict of a resource amounts to.
/// `scopes` are those of the deployed and of the new template.
pub(super) fn spread(
    old: &Map,
    new: &Map,
    verdicts: &mut BTreeMap<String, Verdict>,
    scopes: (&Scope, &Scope),
) {
    let mut replaced: Vec<(String, bool)> = Vec::new();
    for (id, verdict) in verdicts.iter() {
        replaced.extend(fate(id, verdict, old, new).map(|certain| (id.clone(), certain)));
    }
    if replaced.is_empty() {
        return;
    }
    let users = users(new, old);
    let mut next = 0;
    while let Some((id, certain)) = replaced.get(next).cloned() {
        next += 1;
        for (user, path, value) in users.get(id.as_str()).into_iter().flatten() {
            let definition = new.get(user).expect("invariant: users are resources");
            let mut effect = resource::effect_at(kind_of(definition), path);
            if !certain {
                effect = effect.min(Effect::MayReplace);
            }
            let verdict = verdicts.entry((*user).to_owned()).or_default();
            let before = fate(user, verdict, old, new);
            let known = verdict.properties.iter_mut().find(|one| path.starts_with(&one.path));
            match known {
                Some(known) => {
                    known.effect = known.effect.max(effect);
                    known.later = Some(known.later.unwrap_or(true) || certain);
                }
                None => {
                    let named = certain.then(|| named(&id, value, old, new, scopes)).flatten();
                    let later = named.is_none().then_some(certain);
                    let (before, after) =
                        named.unwrap_or_else(|| ((*value).clone(), (*value).clone()));
                    let (before, after) = (Some(before), Some(after));
                    verdict.properties.push(Judged {
                        path: path.clone(),
                        before,
                        after,
                        later,
                        effect,
                    });
                }
            }
            let after = fate(user, verdict, old, new);
            if after != before && after.is_some() {
                replaced.push(((*user).to_owned(), after == Some(true)));
            }
        }
    }
}

/// Whether a resource gets a new identity: certainly, perhaps, or not.
pub(super) fn fate(id: &str, verdict: &Verdict, old: &Map, new: &Map) -> Option<bool> {
    let (old, new) = (old.get(id)?, new.get(id)?);
    if verdict.properties.is_empty() {
        return None;
    }
    match resource::action(&verdict.properties, old, new).0 {
        Action::Replace => Some(true),
        Action::MayReplace => Some(false),
        _ => None,
    }
}

/// A value that refers to a replaced resource, before and after, where the new one's name stands in the
/// template and the reference means the name.
fn named(
    id: &str,
    value: &Value,
    old: &Map,
    new: &Map,
    scopes: (&Scope, &Scope),
) -> Option<(Value, Value)> {
    let with = |definition: &Value, scope: &Scope| {
        let mut scope = scope.clone();
        scope.values.insert(id.to_owned(), Known::Text(ref_text(definition)?.to_owned()));
        canonical(value, &scope)
    };
    let (before, after) = (with(old.get(id)?, scopes.0)?, with(new.get(id)?, scopes.1)?);
    let mut open = false;
    references(&after, &mut |other, _| open |= other == id);
    let known = !open && before != after && later(&after).is_none();
    known.then(|| (printable(before), printable(after)))
}

/// What `Ref` of a resource gives, where its template says it: the name, for a type that is identified
/// by that alone.
fn ref_text(definition: &Value) -> Option<&str> {
    let facts = resource_type(kind_of(definition))?;
    let (place, name) = facts.given_name(definition.get("Properties")?)?;
    if facts.identifier != [place] { None } else { name.as_str() }
}

type Users<'a> = HashMap<String, Vec<(&'a str, Vec<String>, &'a Value)>>;

/// Who refers to whom, and in which property. Resources that are new change nothing by referring.
fn users<'a>(new: &'a Map, old: &Map) -> Users<'a> {
    let mut users: Users<'a> = HashMap::new();
    for (id, definition) in new.iter().filter(|(id, _)| old.get(id).is_some()) {
        if let Some(properties) = definition.get("Properties") {
            walk(id, &mut Vec::new(), properties, &mut users);
        }
    }
    users
}

fn walk<'a>(id: &'a str, path: &mut Vec<String>, value: &'a Value, users: &mut Users<'a>) {
    match value {
        Value::Map(map) if crate::canonical::intrinsic(map).is_none() => {
            for (key, value) in map.iter() {
                path.push(key.to_owned());
                walk(id, path, value, users);
                path.pop();
            }
        }
        Value::Map(_) => references(value, &mut |target, _| {
            let list = users.entry(target.to_owned()).or_default();
            list.push((id, path.clone(), value));
        }),
        Value::List(list) => {
            let name = name_of_elements(list, &[]);
            for (at, value) in list.iter().enumerate() {
                let called = name.and_then(|name| value.get(name)).and_then(Value::as_str);
                path.push(called.map_or_else(|| at.to_string(), |called| format!("[{called}]")));
                walk(id, path, value, users);
                path.pop();
            }
        }
        _ => {}
    }
}
