//! AWS::IAM::Role and AWS::IAM::ManagedPolicy, as IAM tells of them.
//!
//! Lists that a template need not mention (`Policies`, `ManagedPolicyArns`, who a policy is
//! attached to) are told even when they are empty: an addition by hand shows. Policy documents come
//! URL-encoded (IAM API reference, GetRole, GetRolePolicy, GetPolicyVersion; RFC 3986).

use aws_sdk_iam as iam;

use super::super::Aws;
use super::super::error::told;
use super::super::stacks::unreadable;
use super::{configured, policy_document, tags, text};
use crate::cloud::{CloudError, Reading};
use crate::document::{Map, Value};

impl Aws {
    /// A role's identifier is its name.
    pub(super) async fn role(&self, name: &str) -> Result<Reading, CloudError> {
        let client = self.iam();
        let answer = client
            .get_role()
            .role_name(name)
            .send()
            .await
            .map_err(|error| told("IAM GetRole", error));
        let Some(answer) = configured(answer)? else {
            return Ok(Reading::Absent);
        };
        let role = answer
            .role()
            .ok_or_else(|| unreadable(format!("IAM GetRole of {name} without a role")))?;
        let mut map = Map::new();
        map.insert("RoleName", role.role_name().to_owned());
        map.insert("Path", role.path().to_owned());
        map.insert_some("Description", text(role.description()));
        map.insert_some("MaxSessionDuration", role.max_session_duration());
        let boundary = role
            .permissions_boundary()
            .and_then(|boundary| text(boundary.permissions_boundary_arn()));
        map.insert_some("PermissionsBoundary", boundary);
        map.insert(
            "AssumeRolePolicyDocument",
            decoded(role.assume_role_policy_document().unwrap_or("{}"))?,
        );
        map.insert("Policies", inline_policies(&client, name).await?);
        map.insert("ManagedPolicyArns", attached_policies(&client, name).await?);
        let pairs = role.tags().iter().map(|tag| (tag.key(), tag.value()));
        map.insert_some("Tags", tags(pairs));
        Ok(Reading::Properties(map.into()))
    }

    /// A managed policy's identifier is its ARN.
    pub(super) async fn managed_policy(&self, arn: &str) -> Result<Reading, CloudError> {
        let client = self.iam();
        let answer = client
            .get_policy()
            .policy_arn(arn)
            .send()
            .await
            .map_err(|error| told("IAM GetPolicy", error));
        let Some(answer) = configured(answer)? else {
            return Ok(Reading::Absent);
        };
        let policy = answer
            .policy()
            .ok_or_else(|| unreadable(format!("IAM GetPolicy of {arn} without a policy")))?;
        let version = client
            .get_policy_version()
            .policy_arn(arn)
            .version_id(policy.default_version_id().unwrap_or("v1"))
            .send()
            .await
            .map_err(|error| told("IAM GetPolicyVersion", error));
        let Some(version) = configured(version)? else {
            return Ok(Reading::Absent);
        };
        let document = version.policy_version().and_then(|it| it.document());
        let mut map = Map::new();
        map.insert_some("ManagedPolicyName", text(policy.policy_name()));
        map.insert_some("Path", text(policy.path()));
        map.insert_some("Description", text(policy.description()));
        map.insert("PolicyDocument", decoded(document.unwrap_or("{}"))?);
        attached_to(&client, arn, &mut map).await?;
        Ok(Reading::Properties(map.into()))
    }
}

async fn inline_policies(client: &iam::Client, role: &str) -> Result<Value, CloudError> {
    let mut names: Vec<String> = Vec::new();
    let mut marker = None;
    loop {
        let page = client
            .list_role_policies()
            .role_name(role)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| told("IAM ListRolePolicies", error))?;
        names.extend(page.policy_names().iter().cloned());
        marker = text(page.marker()).filter(|_| page.is_truncated());
        if marker.is_none() {
            break;
        }
    }
    names.sort();
    let mut policies = Vec::new();
    for name in names {
        let answer = client
            .get_role_policy()
            .role_name(role)
            .policy_name(&name)
            .send()
            .await
            .map_err(|error| told("IAM GetRolePolicy", error))?;
        let mut map = Map::new();
        map.insert("PolicyName", name);
        map.insert("PolicyDocument", decoded(answer.policy_document())?);
        policies.push(Value::from(map));
    }
    Ok(Value::List(policies))
}

async fn attached_policies(client: &iam::Client, role: &str) -> Result<Value, CloudError> {
    let mut arns: Vec<String> = Vec::new();
    let mut marker = None;
    loop {
        let page = client
            .list_attached_role_policies()
            .role_name(role)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| told("IAM ListAttachedRolePolicies", error))?;
        arns.extend(page.attached_policies().iter().filter_map(|policy| text(policy.policy_arn())));
        marker = text(page.marker()).filter(|_| page.is_truncated());
        if marker.is_none() {
            arns.sort();
            return Ok(arns.into());
        }
    }
}

/// `Groups`, `Roles`, `Users`.
async fn attached_to(client: &iam::Client, arn: &str, map: &mut Map) -> Result<(), CloudError> {
    let (mut groups, mut roles, mut users) = (Vec::new(), Vec::new(), Vec::new());
    let mut marker = None;
    loop {
        let page = client
            .list_entities_for_policy()
            .policy_arn(arn)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| told("IAM ListEntitiesForPolicy", error))?;
        groups.extend(page.policy_groups().iter().filter_map(|it| text(it.group_name())));
        roles.extend(page.policy_roles().iter().filter_map(|it| text(it.role_name())));
        users.extend(page.policy_users().iter().filter_map(|it| text(it.user_name())));
        marker = text(page.marker()).filter(|_| page.is_truncated());
        if marker.is_none() {
            break;
        }
    }
    for (key, mut names) in [("Groups", groups), ("Roles", roles), ("Users", users)] {
        names.sort();
        map.insert(key, names);
    }
    Ok(())
}

/// A document that is URL-encoded. One that begins as JSON does is not.
fn decoded(text: &str) -> Result<Value, CloudError> {
    if text.trim_start().starts_with('{') {
        return policy_document(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = match (first, after) {
            (b'%', [high, low, ..]) => [*high, *low]
                .iter()
                .try_fold(0u8, |byte, digit| {
                    Some(byte << 4 | char::from(*digit).to_digit(16)? as u8)
                })
                .inspect(|_| rest = &after[2..]),
            _ => None,
        };
        match byte {
            Some(byte) => bytes.push(byte),
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    policy_document(&String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded_once() {
        let encoded = "%7B%22Sid%22%3A%22a+b%25%20%C3%A4%22%7D";
        assert_eq!(decoded(encoded).unwrap().to_json(), r#"{"Sid":"a+b% ä"}"#);
        // not encoded, and the percent sign stays
        assert_eq!(decoded(r#"{"Sid": "100%25"}"#).unwrap().to_json(), r#"{"Sid":"100%25"}"#);
        assert!(decoded("%7B%2").is_err());
    }
}
