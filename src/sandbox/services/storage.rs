//! S3: buckets and their policies.
//!
//! Sources: S3 User Guide, "Requirements and considerations for replication", "Enabling Amazon S3 server access
//! logging", "Object Lock considerations", "Blocking public access to your Amazon S3 storage" (the meaning of
//! public); S3 API reference, "Error responses".

use super::policy::{document, statements, stranger, texts, well_formed};
use super::{Answer, Question, Refusal, refuse, truth};
use crate::cloud::CloudError;
use crate::document::{Map, Value};
use crate::sandbox::names::text_at;
use crate::sandbox::state::Thing;
use crate::sandbox::world::Realm;

/// S3 User Guide, "Bucket policies": at most 20 KB.
const MOST_POLICY: usize = 20 * 1024;

fn invalid(message: impl Into<String>) -> Answer {
    Ok(Err(refuse("InvalidRequest", message)))
}

fn name_of(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or_default().to_owned()
}

/// A bucket: what it depends on in other buckets, and what its parts demand of each other.
pub(super) fn bucket(question: &mut Question<'_>) -> Answer {
    let new = question.new;
    let locked = truth(new.get("ObjectLockEnabled"));
    let status = text_at(new, "VersioningConfiguration/Status");
    let versioned = locked || status.as_deref() == Some("Enabled");
    if locked && status.as_deref() == Some("Suspended") {
        return invalid(
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed. (Service: S3, InvalidBucketState)",
        );
    }
    if new.get("ObjectLockConfiguration").is_some() && !locked {
        return invalid(
            "Object Lock configuration cannot be enabled on existing buckets (Service: S3, InvalidBucketState)",
        );
    }
    if let Some(target) = text_at(new, "LoggingConfiguration/DestinationBucketName")
        && target != question.identifier
        && question.changed("LoggingConfiguration")
        && let Err(refusal) = log_target(question, &target)?
    {
        return Ok(Err(refusal));
    }
    let Some(Value::List(rules)) = new.at(&["ReplicationConfiguration", "Rules"]) else {
        return Ok(Ok(()));
    };
    if !versioned {
        return invalid(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration (Service: S3, InvalidRequest)",
        );
    }
    if !question.changed("ReplicationConfiguration") {
        return Ok(Ok(()));
    }
    for rule in rules {
        let Some(arn) = text_at(rule, "Destination/Bucket") else {
            continue;
        };
        let target = name_of(&arn);
        let key = format!("global AWS::S3::Bucket {target}");
        let Some(found) = question.realm.thing(&key)? else {
            return invalid("Destination bucket must exist. (Service: S3, InvalidRequest)");
        };
        let target_locked = truth(found.properties.get("ObjectLockEnabled"));
        let target_status = text_at(&found.properties, "VersioningConfiguration/Status");
        if !target_locked && target_status.as_deref() != Some("Enabled") {
            return invalid(
                "Destination bucket must have versioning enabled. (Service: S3, InvalidRequest)",
            );
        }
        if locked && !target_locked {
            return invalid(
                "Destination bucket must have Object Lock enabled, since the source bucket has. (Service: S3, InvalidRequest)",
            );
        }
    }
    if let Some(role) = text_at(new, "ReplicationConfiguration/Role")
        && !question.role_exists(&role)?
    {
        return invalid(format!(
            "The replication role {role} does not exist or can't be passed. (Service: S3, InvalidArgument)"
        ));
    }
    Ok(Ok(()))
}

fn log_target(question: &mut Question<'_>, target: &str) -> Answer {
    let key = format!("global AWS::S3::Bucket {target}");
    let place = question.place.clone();
    let Some(found) = question.realm.thing(&key)? else {
        return invalid(
            "The target bucket for logging does not exist (Service: S3, InvalidTargetBucketForLogging)",
        );
    };
    if found.region != place.region || found.account != place.account {
        return invalid(
            "The owner and the region of the bucket to be logged and of the target bucket must be the same (Service: S3, InvalidTargetBucketForLogging)",
        );
    }
    let retention = found.properties.at(&["ObjectLockConfiguration", "Rule"]);
    if retention.is_some() {
        return invalid(
            "A bucket with Object Lock default retention can't be a target for logging (Service: S3, InvalidTargetBucketForLogging)",
        );
    }
    Ok(Ok(()))
}

/// A bucket's policy: its bucket exists, its principals exist, it fits, and it is not public where that is blocked.
pub(super) fn bucket_policy(question: &mut Question<'_>) -> Answer {
    let bucket = question.text("Bucket").unwrap_or_default();
    let blocked = ["PublicAccessBlockConfiguration", "BlockPublicPolicy"];
    let block = question.realm.bucket_property(&bucket, &blocked)?;
    let key = format!("global AWS::S3::Bucket {bucket}");
    if !question.realm.things.has(&key) {
        return Ok(Err(refuse(
            "NotFound",
            "The specified bucket does not exist (Service: S3, NoSuchBucket)",
        )));
    }
    let Some(policy) = question.new.get("PolicyDocument").and_then(document) else {
        return malformed("Policies must be valid JSON and the first byte must be '{'");
    };
    if let Err(refusal) = well_formed(&policy) {
        return malformed(&refusal.message);
    }
    if policy.to_json().len() > MOST_POLICY {
        return invalid(
            "Policy exceeds the maximum allowed document size. (Service: S3, PolicyTooLarge)",
        );
    }
    for statement in statements(&policy) {
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return malformed("Missing required field Principal");
        }
        let resources = texts(statement.get("Resource").or(statement.get("NotResource")));
        let own = |arn: &&str| {
            let name = name_of(arn);
            name.split('/').next().is_some_and(|name| name == bucket || name == "*")
        };
        if resources.is_empty() {
            return malformed("Missing required field Resource");
        }
        if !resources.iter().all(own) {
            return malformed("Policy has invalid resource");
        }
        let actions = texts(statement.get("Action").or(statement.get("NotAction")));
        if !actions.iter().all(|action| action.to_lowercase().starts_with("s3:") || *action == "*")
        {
            return malformed("Policy has invalid action");
        }
    }
    if stranger(question, &policy)?.is_some() {
        return malformed("Invalid principal in policy");
    }
    if truth(block.as_ref()) && statements(&policy).into_iter().any(public) {
        return Ok(Err(refuse(
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{bucket}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access. (Service: S3, AccessDenied)",
                question.caller
            ),
        )));
    }
    Ok(Ok(()))
}

fn malformed(message: &str) -> Answer {
    invalid(format!("{message} (Service: S3, MalformedPolicy)"))
}

/// "The meaning of public": everyone, not held down to a fixed value by a condition.
fn public(statement: &Map) -> bool {
    const FIXING: [&str; 11] = [
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
    ];
    let everyone = match statement.get("Principal") {
        Some(Value::Str(all)) => all == "*",
        Some(Value::Map(map)) => texts(map.get("AWS")).contains(&"*"),
        _ => false,
    };
    let fixed = |condition: &Value| {
        condition.as_map().is_some_and(|operators| {
            operators.iter().any(|(operator, keys)| {
                !operator.contains("Not")
                    && keys.as_map().is_some_and(|keys| {
                        keys.iter().any(|(key, _)| FIXING.contains(&key.to_lowercase().as_str()))
                    })
            })
        })
    };
    statement.get("Effect").and_then(Value::as_str) == Some("Allow")
        && everyone
        && !statement.get("Condition").is_some_and(fixed)
}

/// A bucket goes only when it is empty of versions and delete markers.
pub(super) fn release_bucket(realm: &mut Realm, thing: &Thing) -> Answer {
    let store = realm.store.clone();
    let empty: Result<bool, CloudError> = realm.buckets.is_empty(&store, &thing.physical);
    let refusal = || -> Refusal {
        refuse(
            "GeneralServiceException",
            "The bucket you tried to delete is not empty (Service: S3, Status Code: 409, BucketNotEmpty)",
        )
    };
    Ok(match empty? {
        true => Ok(()),
        false => Err(refusal()),
    })
}
