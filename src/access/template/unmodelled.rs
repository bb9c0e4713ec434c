//! What is about access and not modelled: which types and properties speak of it.
//!
//! A part of the reader in [`super`]. In goes a type or its properties; out comes what of them looks like access.
//! INVARIANT: a document with statements, in whatever property and also as a text, is found. Read next: `passed_over`,
//! what becomes of it.

use crate::document::{Map, Value};

/// Types that are about access as a whole, since they hand out roles, policies, credentials or ways in: who is let in
/// hangs on any of their properties. Those whose name ends as [`ENDS`] has it are too. From the list of all types in the
/// [resource reference](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html);
/// what only takes a role for itself is left to the role's trust.
const WHOLE: &[&str] = &[
    "AWS::AccountAccess::Entitlement",
    "AWS::Budgets::BudgetsAction",
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
    "AWS::Chatbot::SlackChannelConfiguration",
    "AWS::CleanRooms::ConfiguredTableAssociation",
    "AWS::CloudFormation::StackSet",
    "AWS::Cognito::IdentityPool",
    "AWS::Cognito::IdentityPoolPrincipalTag",
    "AWS::Cognito::IdentityPoolRoleAttachment",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolUserToGroupAttachment",
    "AWS::Config::AggregationAuthorization",
    "AWS::DataZone::PolicyGrant",
    "AWS::DataZone::ProjectMembership",
    "AWS::EC2::EnclaveCertificateIamRoleAssociation",
    "AWS::EFS::AccessPoint",
    "AWS::EKS::AccessEntry",
    "AWS::EKS::Addon",
    "AWS::EKS::IdentityProviderConfig",
    "AWS::EKS::PodIdentityAssociation",
    "AWS::EMR::StudioSessionMapping",
    "AWS::FSx::S3AccessPointAttachment",
    "AWS::Glue::IdentityCenterConfiguration",
    "AWS::IAM::AccessKey",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::SAMLProvider",
    "AWS::IAM::ServiceLinkedRole",
    "AWS::IdentityStore::GroupMembership",
    "AWS::IoT::PolicyPrincipalAttachment",
    "AWS::IoT::RoleAlias",
    "AWS::Lambda::Url",
    "AWS::OpenSearchServerless::SecurityConfig",
    "AWS::Organizations::Account",
    "AWS::Organizations::OrganizationalUnit",
    "AWS::QuickSight::IAMPolicyAssignment",
    "AWS::RAM::PermissionAssociation",
    "AWS::RAM::PrincipalAssociation",
    "AWS::RAM::ResourceAssociation",
    "AWS::RAM::ResourceShare",
    "AWS::RAM::SourceAssociation",
    "AWS::Redshift::EndpointAuthorization",
    "AWS::RolesAnywhere::CRL",
    "AWS::RolesAnywhere::Profile",
    "AWS::RolesAnywhere::TrustAnchor",
    "AWS::S3::AccessGrant",
    "AWS::S3::AccessGrantsInstance",
    "AWS::S3::AccessGrantsLocation",
    "AWS::S3::AccessPoint",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::S3Express::AccessPoint",
    "AWS::S3Files::AccessPoint",
    "AWS::S3ObjectLambda::AccessPoint",
    "AWS::S3Outposts::AccessPoint",
    "AWS::SSO::ApplicationAssignment",
    "AWS::SSO::Assignment",
    "AWS::SSO::InstanceAccessControlAttributeConfiguration",
    "AWS::SSO::PermissionSet",
    "AWS::SageMaker::UserProfile",
    "AWS::ServiceCatalog::LaunchRoleConstraint",
    "AWS::ServiceCatalog::PortfolioPrincipalAssociation",
    "AWS::ServiceCatalog::PortfolioShare",
    "AWS::ServiceCatalog::StackSetConstraint",
    "AWS::Shield::DRTAccess",
    "AWS::Transfer::User",
];

/// How the names of types end that are a policy or a permission.
const ENDS: [&str; 3] = ["Policy", "Permission", "Permissions"];

/// How the names of types end that are called a policy and say nothing of who may do what.
const OTHER_POLICIES: [&str; 8] = [
    "CachePolicy",
    "DeploymentPolicy",
    "FirewallPolicy",
    "HeadersPolicy",
    "LifecyclePolicy",
    "RequestPolicy",
    "ResiliencyPolicy",
    "ScalingPolicy",
];

/// Types that carry no access of their own though a property of theirs is called a policy.
const HARMLESS: &[&str] = &[
    "AWS::CloudWatch::Alarm",
    "AWS::Cognito::UserPool",
    "AWS::Events::Rule",
    "AWS::Glue::Table",
    "AWS::KMS::Alias",
    "AWS::SNS::Subscription",
];

/// Properties that are called a policy, of whatever type, and say nothing of who may do what.
const OTHER_PROPERTIES: &[&str] = &[
    "AppCookieStickinessPolicy",
    "ArchivePolicy",
    "BackupPolicy",
    "DataProtectionPolicy",
    "DeliveryPolicy",
    "LBCookieStickinessPolicy",
    "LifecyclePolicies",
    "LifecyclePolicy",
    "LifecyclePolicyText",
    "PasswordPolicy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "RetryPolicy",
    "SecurityPolicy",
    "SslPolicy",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "TerminationPolicies",
];

/// What a property is called at the top of a resource that says who may do what, beside what has `Policy` or `Policies`
/// in its name.
const NAMES: &[&str] = &[
    "AdditionalAuthenticationProviders",
    "AuthType",
    "AuthenticationType",
    "AuthorizationScopes",
    "AuthorizationType",
    "AuthorizerId",
    "PermissionSet",
    "Permissions",
    "PermissionsBoundary",
    "Principal",
    "Principals",
];

/// The same further inside.
const NAMES_INSIDE: &[&str] = &[
    "AccessPolicies",
    "AccessPolicy",
    "CreateTableDefaultPermissions",
    "PermissionsBoundary",
    "PolicyDocument",
    "ResourcePolicy",
];

/// What new tables of a Glue database leave to whom, and the database's type. An empty list gives nobody anything, and
/// without one the account's settings hold (Lake Formation developer guide, "Changing the default security settings for
/// your data lake"): neither lets anybody in by coming or going with its database, and the one is not the other.
pub(in crate::access) const TABLE_DEFAULTS: (&str, &str) =
    ("AWS::Glue::Database", "DatabaseInput/CreateTableDefaultPermissions");

/// The values of [`TABLE_DEFAULTS`] that say nothing of anybody: none, and the account's.
pub const NOBODY: [&str; 2] = ["[]", "\"as the settings say\""];

/// What SAM makes a function's role, its permissions and its address of
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>).
pub(super) const OF_A_FUNCTION: &[&str] = &[
    "AssumeRolePolicyDocument",
    "DeadLetterQueue",
    "EventInvokeConfig",
    "Events",
    "FunctionUrlConfig",
    "KmsKeyArn",
    "PermissionsBoundary",
    "Policies",
    "Role",
    "RolePath",
    "Tracing",
    "VpcConfig",
];

/// Properties that say nothing, whatever the type.
pub(super) const SILENT: [&str; 3] = ["Description", "Tags", "Metadata"];

/// Whether a resource of a type that is not modelled says something about access.
pub(super) fn speaks(kind: &str, properties: Option<&Map>) -> bool {
    let nested = kind == "AWS::CloudFormation::Stack" || kind.ends_with("::MODULE");
    let found = || {
        let mut found = Vec::new();
        properties.into_iter().for_each(|map| parts(map, "", &mut found));
        !found.is_empty()
    };
    nested
        || is_whole(kind)
        || kind.starts_with("AWS::Serverless::")
        || (!is_harmless(kind) && found())
}

pub(super) fn is_harmless(kind: &str) -> bool {
    HARMLESS.contains(&kind) || OTHER_POLICIES.iter().any(|end| kind.ends_with(end))
}

pub(super) fn is_whole(kind: &str) -> bool {
    let ends = ENDS.iter().any(|end| kind.ends_with(end));
    WHOLE.contains(&kind) || (ends && kind.starts_with("AWS::") && !is_harmless(kind))
}

/// Whether a text is a policy, or a template, written out.
fn is_document(text: &str) -> bool {
    text.contains("Statement") && text.contains("Effect")
}

/// What looks like access below an object, with the path to it.
pub(super) fn parts<'v>(map: &'v Map, path: &str, found: &mut Vec<(String, &'v Value)>) {
    for (key, value) in map.iter() {
        let own = match path {
            "" => key.to_owned(),
            path => format!("{path}/{key}"),
        };
        let named = match path {
            "" => key.contains("Policy") || key.contains("Policies") || NAMES.contains(&key),
            _ => NAMES_INSIDE.contains(&key),
        };
        match named && !OTHER_PROPERTIES.contains(&key) {
            true => found.push((own, value)),
            false => part(value, &own, found),
        }
    }
}

fn part<'v>(value: &'v Value, path: &str, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Map(map) if map.get("Statement").is_some() || map.get("Effect").is_some() => {
            found.push((path.to_owned(), value));
        }
        Value::Map(map) => parts(map, path, found),
        Value::List(list) => {
            for (at, one) in list.iter().enumerate() {
                part(one, &format!("{path}/{at}"), found);
            }
        }
        Value::Str(text) if is_document(text) => found.push((path.to_owned(), value)),
        _ => {}
    }
}

/// Whether a function that others carry out stands below a value: a macro, a loop.
pub(super) fn has_macro(value: &Value) -> bool {
    match value {
        Value::Map(map) => map.iter().any(|(key, value)| {
            key == "Fn::Transform" || key.starts_with("Fn::ForEach::") || has_macro(value)
        }),
        Value::List(list) => list.iter().any(has_macro),
        _ => false,
    }
}
