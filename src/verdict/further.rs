//! More than one witness: a row that gains several unrelated things shows each.
//!
//! In: a direction that has a witness. Out: up to [`super::Options::witnesses`] in all, each for something that none
//! of the others shows: another Allow statement of the allowing side, another verb or access level of its actions, another of
//! its resources, another of its principals. Each such part is asked by itself, in the place of all Allows and beside
//! all Denies, so what is found is allowed by the whole too. Only what the comparison left of its steps is used: where
//! it left none, the first witness stays the only one.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Layer;
use super::direction::Way;
use super::evaluate::applies;
use super::limits::Budget;
use super::read::{Document, Effect, Listed, Statement};
use super::readings::every_reading;
use super::request::Request;
use super::text::{Pattern, Piece};
use super::{Kind, Options, Reach};
use crate::catalogue::escalations::{self, Verbs};
use crate::catalogue::iam::{self, Level};

/// A request, and the statement of the allowing side, counted over all documents, that allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    pub request: Request,
    pub by: usize,
}

/// Questions that are asked, at most, and parts of one statement by resource and principal.
const QUESTIONS: usize = 120;
const PARTS: usize = 24;
/// Actions of the catalogue that a pattern is written out to, at most; a wider one stays as it is.
const WRITTEN_OUT: usize = 250;
/// Statements of a state up to which more than one witness is looked for.
const MOST: usize = 600;

/// What `new` allows and `old` does not, beyond `first`.
pub fn further(
    old: &[Layer<'_>],
    new: &[Layer<'_>],
    kind: Kind,
    options: &Options,
    first: &Witness,
    budget: &mut Budget,
) -> Vec<Witness> {
    let mut found = vec![first.clone()];
    let Some((own, walls)) = new.split_first() else { return Vec::new() };
    let statements: Vec<&Statement> = statements(own).collect();
    let denies: Vec<Statement> = statements
        .iter()
        .filter(|one| one.effect == Effect::Deny)
        .map(|one| (*one).clone())
        .collect();
    let known: Vec<&Statement> =
        old.first().into_iter().flat_map(|own| self::statements(own)).collect();
    if statements.len() + known.len() > MOST {
        return Vec::new();
    }
    // what stands on both sides under the same Denies adds nothing
    let same_cuts = walls.len() + 1 == old.len()
        && walls.iter().zip(&old[1..]).all(|(a, b)| a == b)
        && known.iter().filter(|one| one.effect == Effect::Deny).all(|one| holds(&denies, one));
    let mut questions = QUESTIONS;
    for (by, statement) in statements.iter().enumerate() {
        let is_old = same_cuts && known.iter().any(|one| alike(one, statement));
        if statement.effect == Effect::Deny || is_old {
            continue;
        }
        let mut ask = |part: Statement, only_real: bool, found: &mut Vec<Witness>| {
            let is_shown = |one: &Witness| applies(&part, &one.request, Reach::Whole) == Some(true);
            if found.iter().any(is_shown) {
                return true;
            }
            if questions == 0 || budget.left() == 0 {
                return false;
            }
            questions -= 1;
            let mut documents = vec![Document { statements: vec![part] }];
            documents.push(Document { statements: denies.clone() });
            let mut layers: Vec<Layer<'_>> = vec![&documents];
            layers.extend(walls);
            match every_reading(old, &layers, kind, options, budget) {
                Way::Request(request, _) if !only_real || is_real(&request) => {
                    found.push(Witness { request: *request, by });
                    true
                }
                _ => false,
            }
        };
        if !ask((*statement).clone(), false, &mut found) {
            continue;
        }
        for part in by_verb(statement).into_iter().chain(by_level(statement)) {
            if found.len() < options.witnesses {
                ask(part, true, &mut found);
            }
        }
        let left = unshown(statement, &found);
        let places = by_resource(statement).into_iter().chain(by_principal(statement));
        for part in left.into_iter().chain(places).take(PARTS) {
            if found.len() < options.witnesses {
                ask(part, false, &mut found);
            }
        }
        if found.len() >= options.witnesses || questions == 0 || budget.left() == 0 {
            break;
        }
    }
    found.remove(0);
    found.truncate(options.witnesses.saturating_sub(1));
    found
}

fn statements(documents: &[Document]) -> impl Iterator<Item = &Statement> {
    documents.iter().flat_map(|document| &document.statements)
}

/// Whether two statements say the same, whatever they are called.
fn alike(one: &Statement, other: &Statement) -> bool {
    one.effect == other.effect
        && one.principals == other.principals
        && one.actions == other.actions
        && one.resources == other.resources
        && one.conditions == other.conditions
}

fn holds(statements: &[Statement], wanted: &Statement) -> bool {
    statements.iter().any(|one| alike(one, wanted))
}

/// Whether AWS knows the action on a resource of such a name: what people would call a request.
fn is_real(request: &Request) -> bool {
    let Some(action) = iam::action(&request.action) else { return false };
    let Some(resource) = request.resource.as_deref() else { return true };
    let forms = action.resources.iter();
    let mut forms = forms.filter_map(|on| iam::resource_type(action.service, on.resource));
    action.resources.is_empty() || forms.any(|form| is_of(form.arn, resource))
}

/// Whether an ARN has a form. A slot holds no `/` and no `:`, but for the last behind a `/`, which holds anything.
fn is_of(form: &str, arn: &str) -> bool {
    let Some((before, rest)) = form.split_once("${") else { return form == arn };
    let Some(arn) = arn.strip_prefix(before) else { return false };
    let Some((_, form)) = rest.split_once('}') else { return false };
    if form.is_empty() && before.ends_with('/') {
        return !arn.is_empty();
    }
    let end = arn.find(['/', ':']).unwrap_or(arn.len());
    is_of(form, &arn[end..])
}

/// A statement cut to what its actions do to the content of a lake, or hand on: the gravest first.
fn by_verb(statement: &Statement) -> Vec<Statement> {
    if statement.actions.not {
        return Vec::new();
    }
    let mut known = BTreeSet::new();
    for pattern in &statement.actions.items {
        known.extend(iam::matching(&pattern.shown()).map(|action| action.full_name()));
    }
    let verbs = escalations::verbs();
    let pass = vec![escalations::escalations().pass.clone()];
    let each = |verb: &'static str| {
        verbs.kinds().map(move |kind| verbs.actions(kind, verb).to_vec()).collect::<Vec<_>>()
    };
    let all = std::iter::once(pass).chain(Verbs::ALL.into_iter().rev().flat_map(each));
    let own = all.map(|actions| actions.into_iter().filter(|it| known.contains(it)).collect());
    let text = |action: String| Pattern { pieces: vec![Piece::Text(action)] };
    own.filter(|actions: &Vec<String>| !actions.is_empty())
        .map(|actions| {
            let items = actions.into_iter().map(text).collect();
            Statement { actions: Listed { not: false, items }, ..statement.clone() }
        })
        .collect()
}

/// A statement cut to one access level; none where its actions have only one.
fn by_level(statement: &Statement) -> Vec<Statement> {
    let levels = if statement.actions.not { Vec::new() } else { levels(&statement.actions.items) };
    let cut = |items| Statement { actions: Listed { not: false, items }, ..statement.clone() };
    if levels.len() > 1 { levels.into_iter().map(cut).collect() } else { Vec::new() }
}

/// A statement cut to the actions that no witness shows yet; none if that is all of them, or none.
fn unshown(statement: &Statement, found: &[Witness]) -> Option<Statement> {
    let cut = |items| Statement { actions: Listed { not: false, items }, ..statement.clone() };
    let is_left = |item: &&Pattern| {
        let part = cut(vec![(*item).clone()]);
        !found.iter().any(|one| applies(&part, &one.request, Reach::Whole) == Some(true))
    };
    let all = &statement.actions;
    let left: Vec<Pattern> = all.items.iter().take(PARTS).filter(is_left).cloned().collect();
    (!all.not && !left.is_empty() && left.len() < all.items.len()).then(|| cut(left))
}

fn by_resource(statement: &Statement) -> Vec<Statement> {
    let cut = |resource| Statement { resources: Some(resource), ..statement.clone() };
    each(statement.resources.as_ref()).into_iter().map(cut).collect()
}

fn by_principal(statement: &Statement) -> Vec<Statement> {
    let cut = |principal| Statement { principals: Some(principal), ..statement.clone() };
    each(statement.principals.as_ref()).into_iter().map(cut).collect()
}

fn each<T: Clone>(listed: Option<&Listed<T>>) -> Vec<Listed<T>> {
    match listed {
        Some(listed) if !listed.not && listed.items.len() > 1 => {
            let one = |item: &T| Listed { not: false, items: vec![item.clone()] };
            listed.items.iter().map(one).collect()
        }
        _ => Vec::new(),
    }
}

/// The actions by access level, the gravest first; patterns that match too many or none stand by themselves.
fn levels(items: &[Pattern]) -> Vec<Vec<Pattern>> {
    let mut by_level: BTreeMap<std::cmp::Reverse<Level>, Vec<Pattern>> = BTreeMap::new();
    let mut others = Vec::new();
    for pattern in items {
        let known: Vec<_> = iam::matching(&pattern.shown()).take(WRITTEN_OUT + 1).collect();
        if known.is_empty() || known.len() > WRITTEN_OUT {
            others.push(vec![pattern.clone()]);
            continue;
        }
        for action in known {
            let text = Pattern { pieces: vec![Piece::Text(action.full_name())] };
            by_level.entry(std::cmp::Reverse(action.level)).or_default().push(text);
        }
    }
    by_level.into_values().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;
    use crate::verdict::{Verdict, compare};

    fn policy(text: &str) -> Vec<Document> {
        let value = Value::from_json(text).expect("JSON");
        vec![Document::read(&value, Kind::Identity).expect("a policy")]
    }

    #[test]
    fn each_thing_that_is_gained_has_its_witness() {
        let old = policy(
            r#"{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}]}"#,
        );
        let new = policy(
            r#"{"Statement": [
                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy"],
                 "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]},
                {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}"#,
        );
        let plain = compare(&old, &new, Kind::Identity, &Options::default());
        assert_eq!(plain.verdict, Verdict::Broadened);
        assert!(plain.also_gained.is_empty());
        let options = Options { witnesses: 8, ..Options::default() };
        let found = compare(&old, &new, Kind::Identity, &options);
        assert_eq!((found.verdict, &found.gained), (plain.verdict, &plain.gained));
        let mut all = vec![found.gained.clone().expect("a witness")];
        all.extend(found.also_gained.iter().map(|one| one.request.clone()));
        let has = |action: &str| all.iter().any(|one| one.action == action);
        assert!(has("kms:Decrypt") && has("s3:PutBucketPolicy"), "{all:#?}");
        let on_b = |one: &Request| one.resource.as_deref().is_some_and(|it| it.contains(":b/"));
        assert!(all.iter().any(on_b), "{all:#?}");
        assert!(all.len() <= 8 && found.also_lost.is_empty());
        for one in &all {
            let says =
                |documents: &[Document]| super::super::evaluate(documents, one, Reach::Whole);
            assert_ne!(says(&old), super::super::Decision::Allowed);
            assert_eq!(says(&new), super::super::Decision::Allowed);
        }
        let two = compare(&old, &new, Kind::Identity, &Options { witnesses: 2, ..options });
        assert_eq!(two.also_gained.len(), 1);
    }

    #[test]
    fn telling_actions_are_shown_on_resources_that_they_work_on() {
        let old = policy(
            r#"{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}]}"#,
        );
        let new = policy(
            r#"{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a/*"},
                {"Effect": "Allow", "Action": ["glue:CreateJob", "iam:PassRole"], "Resource": "*"}]}"#,
        );
        let options = Options { witnesses: 8, ..Options::default() };
        let found = compare(&old, &new, Kind::Identity, &options);
        let has = |action: &str| found.also_gained.iter().any(|one| one.request.action == action);
        assert!(has("s3:PutObject") && has("iam:PassRole"), "{:#?}", found.also_gained);
        // objects have no policy
        assert!(!has("s3:PutBucketPolicy"), "{:#?}", found.also_gained);
        assert!(is_of("arn:${Partition}:s3:::${Bucket}/${Key}", "arn:aws:s3:::b/x/y"));
        assert!(!is_of("arn:${Partition}:s3:::${Bucket}", "arn:aws:s3:::b/x"));
        assert!(is_of("arn:${Partition}:sns:${Region}:${Account}:${Topic}", "arn:aws:sns:r:1:t"));
    }

    #[test]
    fn a_deny_that_goes_is_shown_through_each_allow() {
        let allows = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"},
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}"#;
        let deny = r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#;
        let old = policy(&format!(r#"{{"Statement": [{allows}, {deny}]}}"#));
        let new = policy(&format!(r#"{{"Statement": [{allows}]}}"#));
        let options = Options { witnesses: 8, ..Options::default() };
        let found = compare(&old, &new, Kind::Identity, &options);
        assert_eq!(found.also_gained.len(), 1, "{:#?}", found.also_gained);
        let back = compare(&new, &old, Kind::Identity, &options);
        assert_eq!((back.verdict, back.also_lost.len()), (Verdict::Narrowed, 1));
    }
}
