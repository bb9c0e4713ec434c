//! Policies, and the roles and keys that carry them.
//!
//! Sources: IAM User Guide, "AWS JSON policy elements: Principal" (a principal that does not exist makes the policy
//! invalid; a deleted one leaves its unique id), "IAM and AWS STS quotas", "IAM JSON policy elements: Sid"; KMS API
//! reference, PutKeyPolicy (BypassPolicyLockoutSafetyCheck); KMS Developer Guide, "Quotas".

use std::collections::BTreeSet;

use super::{Answer, Question, Refusal, pass, refuse, truth};
use crate::cloud::CloudError;
use crate::document::{Map, Value};
use crate::sandbox::state::{Place, Thing};
use crate::sandbox::world::Realm;

/// "IAM and AWS STS quotas": characters, not counting white space.
const MOST_MANAGED: usize = 6_144;
const MOST_TRUST: usize = 2_048;
const MOST_INLINE: usize = 10_240;
/// KMS Developer Guide, "Resource quotas": key policy document size.
const MOST_KEY_POLICY: usize = 32_768;

/// A policy document, which may come as text.
pub(super) fn document(value: &Value) -> Option<Value> {
    match value {
        Value::Map(_) => Some(value.clone()),
        Value::Str(text) => Value::from_json(text).ok().filter(|it| it.as_map().is_some()),
        _ => None,
    }
}

/// The statements of a document: a list, or one alone.
pub(super) fn statements(document: &Value) -> Vec<&Map> {
    match document.get("Statement") {
        Some(Value::List(list)) => list.iter().filter_map(Value::as_map).collect(),
        Some(Value::Map(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// A text or a list of texts.
pub(super) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Str(text)) => vec![text],
        Some(Value::List(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The size that quotas count: without white space outside of texts.
pub(super) fn size(document: &Value) -> usize {
    document.to_json().chars().count()
}

/// What every policy language refuses: no version, statements without effect, a Sid twice.
pub(super) fn well_formed(document: &Value) -> Result<(), Refusal> {
    let wrong = |text: &str| Err(refuse("InvalidRequest", text));
    if let Some(version) = document.get("Version")
        && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
    {
        return wrong("The policy must contain a valid version string");
    }
    let statements = statements(document);
    if statements.is_empty() {
        return wrong("Syntax errors in policy: it has no statement.");
    }
    let mut seen = BTreeSet::new();
    for statement in statements {
        if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
            return wrong("Syntax errors in policy: a statement's Effect is Allow or Deny.");
        }
        if statement.get("Action").is_none() && statement.get("NotAction").is_none() {
            return wrong("Policy statement must contain actions.");
        }
        if let Some(sid) = statement.get("Sid").and_then(Value::as_str)
            && !sid.is_empty()
            && !seen.insert(sid)
        {
            return wrong("Statement IDs (SID) in a single policy must be unique.");
        }
    }
    Ok(())
}

/// The first principal in a document that does not exist.
pub(super) fn stranger(
    question: &mut Question<'_>,
    document: &Value,
) -> Result<Option<String>, CloudError> {
    for statement in statements(document) {
        for element in ["Principal", "NotPrincipal"] {
            let Some(Value::Map(principals)) = statement.get(element) else {
                continue;
            };
            for (kind, names) in principals.iter() {
                for name in texts(Some(names)) {
                    let exists = match kind {
                        "AWS" => principal_exists(question, name)?,
                        "Service" => name.contains(".amazonaws.com"),
                        _ => true,
                    };
                    if !exists {
                        return Ok(Some(format!("\"{kind}\":\"{name}\"")));
                    }
                }
            }
        }
    }
    Ok(None)
}

/// Whether an AWS principal exists: an account, a role or user by ARN, or a role of this account by name.
pub(super) fn principal_exists(
    question: &mut Question<'_>,
    name: &str,
) -> Result<bool, CloudError> {
    let own = question.place.account.clone();
    let options = &question.realm.options;
    let said = |list: &[String]| list.iter().any(|one| one == name);
    if name == "*" || name == question.caller || said(&options.principals) {
        return Ok(true);
    }
    if said(&options.strangers) {
        return Ok(false);
    }
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let [_, _, service, _, account, resource] = parts[..] else {
        let strange = options.strangers.iter().any(|one| one == name);
        if digits(name) {
            return Ok(!strange);
        }
        let key = crate::sandbox::things::key("AWS::IAM::Role", question.place, name);
        return Ok(question.realm.things.has(&key));
    };
    if options.strangers.iter().any(|one| one == account) {
        return Ok(false);
    }
    if !digits(account) || !matches!(service, "iam" | "sts") || resource.contains('*') {
        return Ok(false);
    }
    if account != own.as_str() || resource == "root" || service == "sts" {
        return Ok(true);
    }
    if name.ends_with(":user/sandbox") {
        return Ok(true);
    }
    let (kind, path) = match resource.split_once('/') {
        Some(("role", path)) => ("AWS::IAM::Role", path),
        Some(("user", path)) => ("AWS::IAM::User", path),
        _ => return Ok(false),
    };
    let bare = path.rsplit('/').next().unwrap_or_default();
    let found = question.realm.find(kind, question.place, bare)?;
    Ok(found.is_some_and(|found| found.attributes.get("Arn").is_some_and(|arn| arn == name)))
}

/// A role: its trust policy, its size, what it attaches.
pub(super) fn role(question: &mut Question<'_>) -> Answer {
    let trust = question.new.get("AssumeRolePolicyDocument");
    if let Some(trust) = trust.and_then(document)
        && question.changed("AssumeRolePolicyDocument")
    {
        if let Err(refusal) = well_formed(&trust) {
            return Ok(Err(refusal));
        }
        if let Some(stranger) = stranger(question, &trust)? {
            return Ok(Err(refuse(
                "InvalidRequest",
                format!(
                    "Invalid principal in policy: {stranger} (Service: Iam, MalformedPolicyDocument)"
                ),
            )));
        }
        if size(&trust) > MOST_TRUST {
            return Ok(Err(refuse(
                "ServiceLimitExceeded",
                format!("Cannot exceed quota for ACLSizePerRole: {MOST_TRUST}"),
            )));
        }
    }
    let mut inline = 0;
    if let Some(Value::List(policies)) = question.new.get("Policies") {
        for policy in policies {
            if let Some(document) = policy.get("PolicyDocument").and_then(document) {
                if let Err(refusal) = well_formed(&document) {
                    return Ok(Err(refusal));
                }
                inline += size(&document);
            }
        }
    }
    if inline > MOST_INLINE {
        return Ok(Err(too_big_inline(question.identifier)));
    }
    let attached = match question.changed("ManagedPolicyArns") {
        true => texts(question.new.get("ManagedPolicyArns")).len(),
        false => 0,
    };
    for at in 0..attached {
        let arn = texts(question.new.get("ManagedPolicyArns"))[at].to_owned();
        pass!(attachable(question, &arn));
    }
    if let Some(boundary) = question.text("PermissionsBoundary") {
        pass!(attachable(question, &boundary));
    }
    Ok(Ok(()))
}

fn too_big_inline(role: &str) -> Refusal {
    refuse(
        "ServiceLimitExceeded",
        format!("Maximum policy size of {MOST_INLINE} bytes exceeded for role {role}"),
    )
}

fn attachable(question: &mut Question<'_>, arn: &str) -> Answer {
    let ours = arn.split(':').nth(4) == Some(question.place.account.as_str());
    if !ours || question.there("AWS::IAM::ManagedPolicy", arn)? {
        return Ok(Ok(()));
    }
    Ok(Err(refuse("NotFound", format!("Policy {arn} does not exist or is not attachable."))))
}

/// A managed policy: its size, and the roles that it is attached to.
pub(super) fn managed_policy(question: &mut Question<'_>) -> Answer {
    if let Some(policy) = question.new.get("PolicyDocument").and_then(document) {
        if let Err(refusal) = well_formed(&policy).and_then(|()| identity_policy(&policy)) {
            return Ok(Err(refusal));
        }
        if size(&policy) > MOST_MANAGED {
            return Ok(Err(refuse(
                "ServiceLimitExceeded",
                format!("Cannot exceed quota for PolicySize: {MOST_MANAGED}"),
            )));
        }
    }
    attached_roles(question)
}

fn attached_roles(question: &mut Question<'_>) -> Answer {
    let mut roles: Vec<String> =
        texts(question.new.get("Roles")).into_iter().map(str::to_owned).collect();
    roles.extend(question.text("RoleName"));
    for role in roles {
        if !question.there("AWS::IAM::Role", &role)? && !question.role_exists(&role)? {
            return Ok(Err(refuse(
                "NotFound",
                format!("The role with name {role} cannot be found."),
            )));
        }
    }
    Ok(Ok(()))
}

/// "IAM JSON policy elements": an identity's policy names no principal, and its Sids are letters and digits.
fn identity_policy(policy: &Value) -> Result<(), Refusal> {
    for statement in statements(policy) {
        if statement.get("Principal").is_some() || statement.get("NotPrincipal").is_some() {
            return Err(refuse(
                "InvalidRequest",
                "Policy document should not specify a principal.",
            ));
        }
        if statement.get("Resource").is_none() && statement.get("NotResource").is_none() {
            return Err(refuse("InvalidRequest", "Policy statement must contain resources."));
        }
        let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or("");
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(refuse(
                "InvalidRequest",
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            ));
        }
    }
    Ok(())
}

/// An inline policy of a role, declared beside it.
pub(super) fn inline_policy(question: &mut Question<'_>) -> Answer {
    let role = question.text("RoleName");
    if let Some(policy) = question.new.get("PolicyDocument").and_then(document) {
        if let Err(refusal) = well_formed(&policy).and_then(|()| identity_policy(&policy)) {
            return Ok(Err(refusal));
        }
        if size(&policy) > MOST_INLINE {
            return Ok(Err(too_big_inline(&role.unwrap_or_default())));
        }
    }
    attached_roles(question)
}

/// A key: its policy must name existing principals, leave the caller in, and fit.
pub(super) fn key(question: &mut Question<'_>) -> Answer {
    let Some(policy) = question.new.get("KeyPolicy").and_then(document) else {
        return Ok(Ok(()));
    };
    if let Err(refusal) = well_formed(&policy) {
        return Ok(Err(refusal));
    }
    if policy.to_json().len() > MOST_KEY_POLICY {
        return Ok(Err(refuse(
            "ServiceLimitExceeded",
            format!("Policy size must be at most {MOST_KEY_POLICY} bytes (LimitExceededException)"),
        )));
    }
    if !question.changed("KeyPolicy") {
        return Ok(Ok(()));
    }
    if stranger(question, &policy)?.is_some() {
        return Ok(Err(refuse(
            "InvalidRequest",
            "Policy contains a statement with one or more invalid principals. (Service: Kms, MalformedPolicyDocumentException)",
        )));
    }
    let bypassed = truth(question.new.get("BypassPolicyLockoutSafetyCheck"));
    if !bypassed && !lets_in(question, &policy) {
        return Ok(Err(refuse(
            "InvalidRequest",
            "The new key policy will not allow you to update the key policy in the future. (Service: Kms, MalformedPolicyDocumentException)",
        )));
    }
    Ok(Ok(()))
}

/// Whether the caller may still put the key's policy: a statement without conditions allows it to the caller or to
/// the account, and none denies it.
fn lets_in(question: &Question<'_>, policy: &Value) -> bool {
    let account = question.place.account.as_str();
    let me = |statement: &Map| match statement.get("Principal") {
        Some(Value::Str(all)) => all == "*",
        Some(Value::Map(map)) => texts(map.get("AWS")).into_iter().any(|name| {
            name == "*"
                || name == account
                || name == question.caller
                || name.ends_with(&format!(":iam::{account}:root"))
        }),
        _ => false,
    };
    let put = |statement: &Map| {
        texts(statement.get("Action")).into_iter().any(|action| {
            let action = action.to_lowercase();
            match action.strip_suffix('*') {
                Some(start) => "kms:putkeypolicy".starts_with(start),
                None => action == "kms:putkeypolicy",
            }
        })
    };
    let effect = |statement: &Map, effect: &str| {
        statement.get("Effect").and_then(Value::as_str) == Some(effect)
            && statement.get("Condition").is_none()
            && me(statement)
            && put(statement)
    };
    let statements = statements(policy);
    statements.iter().any(|one| effect(one, "Allow"))
        && !statements.iter().any(|one| effect(one, "Deny"))
}

/// An alias: its key exists and is not being deleted.
pub(super) fn alias(question: &mut Question<'_>) -> Answer {
    let Some(target) = question.text("TargetKeyId") else {
        return Ok(Ok(()));
    };
    let id = target.rsplit('/').next().unwrap_or_default().to_owned();
    let key = crate::sandbox::things::key("AWS::KMS::Key", question.place, &id);
    let doomed = question.realm.thing(&key)?.map(|key| key.doomed);
    Ok(match doomed {
        Some(false) => Ok(()),
        Some(true) => Err(refuse(
            "InvalidRequest",
            format!("{target} is pending deletion. (Service: Kms, KMSInvalidStateException)"),
        )),
        None => Err(refuse(
            "NotFound",
            format!("Key '{target}' does not exist (Service: Kms, NotFoundException)"),
        )),
    })
}

/// A role as IAM tells it: with the policies that other resources attach to it, and with both lists there even when
/// they are empty.
pub(super) fn told_role(realm: &mut Realm, role: &Thing) -> Result<Value, CloudError> {
    let place = Place { account: role.account.clone(), region: role.region.clone() };
    let list = |name: &str| match role.properties.get(name) {
        Some(Value::List(list)) => list.clone(),
        _ => Vec::new(),
    };
    let (mut attached, mut inline) = (list("ManagedPolicyArns"), list("Policies"));
    for policy in realm.all("AWS::IAM::ManagedPolicy", &place)? {
        let on = texts(policy.properties.get("Roles"));
        let arn: Value = policy.physical.clone().into();
        if on.contains(&role.physical.as_str()) && !attached.contains(&arn) {
            attached.push(arn);
        }
    }
    for kind in ["AWS::IAM::RolePolicy", "AWS::IAM::Policy"] {
        for policy in realm.all(kind, &place)? {
            let mut on = texts(policy.properties.get("Roles"));
            on.extend(policy.properties.get("RoleName").and_then(Value::as_str));
            if on.contains(&role.physical.as_str()) {
                let mut entry = Map::new();
                for field in ["PolicyName", "PolicyDocument"] {
                    entry.insert_some(field, policy.properties.get(field).cloned());
                }
                inline.push(entry.into());
            }
        }
    }
    let mut told = role.properties.clone();
    if let Value::Map(map) = &mut told {
        map.insert("ManagedPolicyArns", attached);
        map.insert("Policies", inline);
    }
    Ok(told)
}
