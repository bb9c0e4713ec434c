//! The requests of services and of the roles that they take, and what policies ask of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Index, State, in_request};
use crate::catalogue::{escalations, senders};
use crate::verdict::read::{Condition, Statement};
use crate::verdict::{Name, Request, Requester, Standing};

/// The context of a request: by key in lower case the key as written, and its values.
pub(super) type Context = BTreeMap<String, (String, Vec<String>)>;

pub(super) fn put(context: &mut Context, key: &str, value: impl Into<String>) {
    context.insert(key.to_ascii_lowercase(), (key.to_owned(), vec![value.into()]));
}
/// What every request of a service carries.
pub(super) fn of_service(service: &str) -> Context {
    let mut context = Context::new();
    put(&mut context, "aws:SecureTransport", "true");
    put(&mut context, "aws:PrincipalIsAWSService", "true");
    put(&mut context, "aws:PrincipalServiceName", service);
    context
}

/// What every request of a role of a state carries. It is in the organization that the policies speak of.
pub(super) fn of_role(
    state: &State,
    organization: Option<&str>,
    arn: &str,
    resource_account: &str,
) -> Context {
    let mut context = Context::new();
    put(&mut context, "aws:SecureTransport", "true");
    put(&mut context, "aws:PrincipalIsAWSService", "false");
    put(&mut context, "aws:ViaAWSService", "false");
    put(&mut context, "aws:PrincipalArn", in_request(arn));
    put(&mut context, "aws:PrincipalType", "AssumedRole");
    if !resource_account.is_empty() {
        put(&mut context, "aws:ResourceAccount", resource_account);
    }
    let account = state.principals.get(arn).map(|one| one.account.as_str());
    if let Some(account) = account.or_else(|| arn.split(':').nth(4)) {
        put(&mut context, "aws:PrincipalAccount", account);
    }
    if let Some(id) = organization {
        put(&mut context, "aws:PrincipalOrgID", id);
    }
    context
}

/// What stands behind a service's name in its principal.
pub(super) fn suffix(partition: &str) -> &'static str {
    if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// The word of a kind of resource in the table of senders.
pub(super) fn word(kind: &str) -> &'static str {
    match kind {
        "AWS::S3::Bucket" => "bucket",
        "AWS::KMS::Key" => "key",
        "AWS::SNS::Topic" => "topic",
        "AWS::SQS::Queue" => "queue",
        _ => "",
    }
}

pub(super) fn verb(kind: &str, verb: &str) -> &'static [String] {
    escalations::verbs().actions(kind, verb)
}

pub(super) fn request(
    who: &Requester,
    action: &str,
    on: Option<&str>,
    context: &Context,
) -> Request {
    let mut request = Request {
        principal: Some(who.clone()),
        standing: Standing::default(),
        action: action.to_owned(),
        resource: on.map(str::to_owned),
        context: context.clone(),
        tokens: Vec::new(),
    };
    let texts = request.context.values().flat_map(|(_, values)| values);
    let texts = texts.chain(&request.resource);
    let tokens: BTreeSet<String> = texts.flat_map(|text| tokens(text)).collect();
    request.tokens = tokens.into_iter().collect();
    request
}

/// The names of what CloudFormation fills into a text.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let parts = text.split("${").skip(1);
    parts.filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned())).collect()
}

/// A pattern as something that it takes. A bare `*` is the resource itself.
pub(super) fn concrete(pattern: &str, name: &str) -> String {
    match pattern {
        "*" => in_request(name).into_owned(),
        pattern => pattern.replace(['*', '?'], "x"),
    }
}

/// Whether a condition says what a key has to hold.
pub(super) fn positive(condition: &Condition) -> bool {
    let written = condition.written.rsplit(':').next().unwrap_or_default();
    !condition.operator.negated
        && ["String", "Arn", "Bool"].iter().any(|family| written.starts_with(family))
}

/// Puts into a context what the conditions of a statement ask for, of the keys that are sent. Where a condition names
/// several values, the one of a number. What is asked for only if it is there is left out.
pub(super) fn fill(
    context: &mut Context,
    statement: &Statement,
    sends: impl Fn(&str) -> bool,
    choice: usize,
) {
    let wanted = statement
        .conditions
        .iter()
        .filter(|one| positive(one) && sends(&one.shown) && !one.written.ends_with("IfExists"));
    for condition in wanted {
        let at = choice.min(condition.values.len().saturating_sub(1));
        let Some(value) = condition.values.get(at) else { continue };
        if value.variables().next().is_none() {
            put(context, &condition.shown, value.shown().replace(['*', '?'], "x"));
        }
    }
}

/// Whether a statement names a service.
pub(super) fn names(statement: &Statement, service: &str) -> bool {
    services_of(statement).iter().any(|own| senders::short(own) == senders::short(service))
}

pub(super) fn services_of(statement: &Statement) -> Vec<String> {
    let Some(listed) = statement.principals.as_ref().filter(|listed| !listed.not) else {
        return Vec::new();
    };
    let service = |name: &Name| match name {
        Name::Other { kind, text } if kind == "Service" && text != "*" => Some(text.clone()),
        _ => None,
    };
    listed.items.iter().filter_map(service).collect()
}

/// What statements ask for that a service does not send, as a sentence.
pub(super) fn unsent<'s>(
    statements: impl Iterator<Item = &'s Statement>,
    service: &str,
    request: &Request,
) -> Option<String> {
    let missing = |condition: &&Condition| {
        positive(condition)
            && !condition.written.ends_with("IfExists")
            && request.values(&condition.key).is_empty()
    };
    let mut conditions = statements.flat_map(|one| &one.conditions);
    let condition = conditions.find(missing)?;
    Some(format!("it asks for {}, which {service} is not known to send here", condition.shown))
}

/// The organization that policies name, if they name one.
pub(super) fn organization(index: &Index<'_>) -> Option<String> {
    let mut found = BTreeSet::new();
    for document in index.guards().flat_map(|guard| &guard.policies.documents) {
        for condition in document.statements.iter().flat_map(|one| &one.conditions) {
            if matches!(condition.key.as_str(), "aws:principalorgid" | "aws:sourceorgid") {
                found.extend(condition.values.iter().map(|value| value.shown()));
            }
        }
    }
    found.retain(|id| id.starts_with("o-") && !id.contains(['*', '?']));
    if found.len() == 1 { found.into_iter().next() } else { None }
}
