//! What templates say about access, as a state: every role, bucket and key of the examples is in it, under one name
//! whichever stack names it, and what a stranger's template says otherwise is listed as unread.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lakewright::access::{Boundary, Source, State, read};
use lakewright::document::Value;
use lakewright::verdict::{Options, Verdict};

fn templates(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(templates(&path)),
            path if path.extension().is_some_and(|e| e == "json") => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

fn source(name: &str, body: Value) -> Source<'static> {
    Source {
        name: name.into(),
        account: "111111111111".into(),
        region: "eu-west-1".into(),
        body: std::borrow::Cow::Owned(body),
        parameters: BTreeMap::new(),
        given: Default::default(),
    }
}

fn state(text: &str) -> State {
    read(&[source("one", Value::from_json(text).expect("JSON"))])
}

#[test]
fn every_principal_and_resource_of_the_examples_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut environments = 0;
    for example in fs::read_dir(root).expect("examples").flatten() {
        for environment in
            fs::read_dir(example.path().join("templates")).expect("templates").flatten()
        {
            let mut sources = Vec::new();
            let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
            for path in templates(&environment.path()) {
                let body = Value::from_json(&fs::read_to_string(&path).unwrap()).expect("JSON");
                if body.get("Resources").is_none() {
                    continue;
                }
                for (_, one) in body.get("Resources").and_then(Value::as_map).unwrap().iter() {
                    for kind in [
                        "AWS::IAM::Role",
                        "AWS::S3::BucketPolicy",
                        "AWS::KMS::Key",
                        "AWS::SNS::TopicPolicy",
                    ] {
                        if one.get("Type").and_then(Value::as_str) == Some(kind) {
                            *wanted.entry(kind).or_default() += 1;
                        }
                    }
                }
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let region =
                    path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
                sources.push(Source { region, ..source(&name, body) });
            }
            let state = read(&sources);
            environments += 1;
            let made = state.principals.values().filter(|one| one.origin.is_some());
            assert_eq!(made.clone().count(), wanted.get("AWS::IAM::Role").copied().unwrap_or(0));
            for one in made {
                assert!(one.trust.is_some(), "{one:?}");
                assert!(!one.identity.is_empty(), "a role of ours that may do nothing: {one:?}");
            }
            let guarded = |kind: &str| {
                state
                    .resources
                    .values()
                    .filter(|one| one.kind == kind && one.policies.len() == 1)
                    .count()
            };
            for (kind, carrier) in [
                ("AWS::S3::Bucket", "AWS::S3::BucketPolicy"),
                ("AWS::KMS::Key", "AWS::KMS::Key"),
                ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy"),
            ] {
                assert_eq!(
                    guarded(kind),
                    wanted.get(carrier).copied().unwrap_or(0),
                    "{kind} of {:?}",
                    environment.path()
                );
            }
            for (arn, one) in &state.resources {
                if one.kind == "AWS::S3::Bucket" {
                    assert!(
                        one.public_access.is_some_and(|it| it.block_policy && it.restrict),
                        "{arn}"
                    );
                }
            }
            // a list with nothing in it gives nothing, and is kept so that it is seen where it goes
            let said =
                state.unread.iter().find(|one| !lakewright::access::NOBODY.contains(&&*one.value));
            assert!(said.is_none(), "{said:?}");
            assert!(
                !state.runners.values().any(|one| !state.principals.contains_key(&one.role)),
                "{:?}",
                state.runners
            );
        }
    }
    assert!(environments >= 6, "{environments}");
}

#[test]
fn a_policy_reaches_its_holder_whichever_way_it_is_attached() {
    let state = state(
        r#"{"Resources": {
        "Attached": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": []}, "Roles": [{"Ref": "Unnamed"}, "named"]}},
        "Unnamed": {"Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": {"Statement": []}, "PermissionsBoundary": {"Ref": "Wall"},
            "Policies": [{"PolicyName": "own", "PolicyDocument": {"Statement": []}}],
            "ManagedPolicyArns": [{"Ref": "Wall"}, "arn:aws:iam::aws:policy/ReadOnlyAccess"]}},
        "Wall": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": []}}},
        "Named": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "named", "Path": "/team/", "AssumeRolePolicyDocument": {"Statement": []}}},
        "Inline": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": "named", "PolicyDocument": {"Statement": []}}}}}"#,
    );
    let unnamed = &state.principals[r#"{"Fn::GetAtt":["one/Unnamed","Arn"]}"#];
    assert_eq!(unnamed.identity.len(), 3, "{unnamed:#?}");
    assert_eq!(
        unnamed.attached.iter().collect::<Vec<_>>(),
        ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    );
    assert!(matches!(&unnamed.boundary, Boundary::Read(held) if held.origin.logical_id == "Wall"));
    let named = &state.principals["arn:aws:iam::111111111111:role/team/named"];
    assert_eq!(named.identity.len(), 2, "{named:#?}");
    assert_eq!(state.principals.len(), 2);
}

#[test]
fn what_looks_like_access_and_is_not_modelled_is_listed() {
    let state = state(
        r#"{"Resources": {
        "Layer": {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": {"Action": "lambda:GetLayerVersion", "LayerVersionArn": "a", "Principal": "*"}},
        "Domain": {"Type": "AWS::OpenSearchService::Domain", "Properties": {"DomainName": "d", "AccessPolicies": "{\"Statement\": []}"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "RedrivePolicy": {"maxReceiveCount": 3}}},
        "Vault": {"Type": "AWS::Backup::BackupVault", "Properties": {"BackupVaultName": "v", "AccessPolicy": {"Statement": [{"Effect": "Allow"}]}}},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t"}}}}"#,
    );
    let found: Vec<_> =
        state.unread.iter().map(|one| (one.kind.as_str(), one.property.as_str())).collect();
    assert_eq!(
        found,
        [
            ("AWS::OpenSearchService::Domain", "AccessPolicies"),
            ("AWS::Lambda::LayerVersionPermission", "Properties"),
            ("AWS::Backup::BackupVault", "AccessPolicy")
        ]
    );
}

/// What hands out roles, policies, credentials or ways in, in types that are not modelled: where one is added, nobody says
/// that access is the same.
#[test]
fn what_hands_out_access_in_a_type_that_is_not_modelled_is_undecided() {
    let role = r#""arn:aws:iam::111111111111:role/r""#;
    let cases = [
        ("AWS::SSO::PermissionSet", r#"{"InstanceArn": "i", "Name": "n", "ManagedPolicies": ["arn:aws:iam::aws:policy/AdministratorAccess"]}"#.to_owned()),
        ("AWS::SSO::Assignment", r#"{"InstanceArn": "i", "PermissionSetArn": "p", "PrincipalId": "x", "PrincipalType": "GROUP", "TargetId": "111111111111", "TargetType": "AWS_ACCOUNT"}"#.to_owned()),
        ("AWS::SSO::ApplicationAssignment", r#"{"ApplicationArn": "a", "PrincipalId": "x", "PrincipalType": "GROUP"}"#.to_owned()),
        ("AWS::EKS::AccessEntry", format!(r#"{{"ClusterName": "c", "PrincipalArn": {role}, "AccessPolicies": [{{"PolicyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"}}]}}"#)),
        ("AWS::EKS::PodIdentityAssociation", format!(r#"{{"ClusterName": "c", "Namespace": "n", "ServiceAccount": "s", "RoleArn": {role}}}"#)),
        ("AWS::EKS::Addon", format!(r#"{{"ClusterName": "c", "AddonName": "a", "ServiceAccountRoleArn": {role}}}"#)),
        ("AWS::EKS::IdentityProviderConfig", r#"{"ClusterName": "c", "Type": "oidc"}"#.to_owned()),
        ("AWS::Cognito::IdentityPoolRoleAttachment", format!(r#"{{"IdentityPoolId": "p", "Roles": {{"authenticated": {role}}}}}"#)),
        ("AWS::Cognito::UserPoolGroup", format!(r#"{{"UserPoolId": "p", "RoleArn": {role}}}"#)),
        ("AWS::RolesAnywhere::Profile", format!(r#"{{"Name": "n", "RoleArns": [{role}]}}"#)),
        ("AWS::RolesAnywhere::TrustAnchor", r#"{"Name": "n", "Source": {"SourceType": "CERTIFICATE_BUNDLE"}}"#.to_owned()),
        ("AWS::Transfer::User", format!(r#"{{"ServerId": "s", "UserName": "u", "Role": {role}}}"#)),
        ("AWS::ServiceCatalog::LaunchRoleConstraint", format!(r#"{{"PortfolioId": "p", "ProductId": "q", "RoleArn": {role}}}"#)),
        ("AWS::EC2::EnclaveCertificateIamRoleAssociation", format!(r#"{{"CertificateArn": "c", "RoleArn": {role}}}"#)),
        ("AWS::Shield::DRTAccess", format!(r#"{{"RoleArn": {role}}}"#)),
        ("AWS::Chatbot::SlackChannelConfiguration", format!(r#"{{"ConfigurationName": "n", "IamRoleArn": {role}}}"#)),
        ("AWS::IoT::RoleAlias", format!(r#"{{"RoleAlias": "a", "RoleArn": {role}}}"#)),
        ("AWS::IAM::AccessKey", r#"{"UserName": "u"}"#.to_owned()),
        ("AWS::IAM::OIDCProvider", r#"{"Url": "https://example.com"}"#.to_owned()),
        ("AWS::IAM::SAMLProvider", r#"{"SamlMetadataDocument": "x"}"#.to_owned()),
        ("AWS::RAM::PrincipalAssociation", r#"{"Principal": "999988887777", "ResourceShareArn": "s"}"#.to_owned()),
        ("AWS::S3::AccessGrant", r#"{"AccessGrantsLocationId": "default", "Grantee": {"GranteeType": "IAM"}, "Permission": "READ"}"#.to_owned()),
        ("AWS::S3::AccessPoint", r#"{"Bucket": "b"}"#.to_owned()),
        ("AWS::S3::MultiRegionAccessPoint", r#"{"Regions": [{"Bucket": "b"}]}"#.to_owned()),
        ("AWS::DataZone::PolicyGrant", r#"{"DomainIdentifier": "d"}"#.to_owned()),
        ("AWS::QuickSight::IAMPolicyAssignment", r#"{"AssignmentName": "a"}"#.to_owned()),
        ("AWS::Organizations::Policy", r#"{"Name": "n", "Type": "SERVICE_CONTROL_POLICY", "Content": {}}"#.to_owned()),
        ("AWS::CloudFormation::StackSet", r#"{"StackSetName": "s", "PermissionModel": "SERVICE_MANAGED"}"#.to_owned()),
    ];
    let queue = r#""Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}"#;
    let before = state(&format!(r#"{{"Resources": {{{queue}}}}}"#));
    for (kind, properties) in &cases {
        let added = format!(
            r#"{{"Resources": {{{queue}, "Added": {{"Type": "{kind}", "Properties": {properties}}}}}}}"#
        );
        let after = state(&added);
        assert!(after.unread.iter().any(|one| one.kind == *kind), "{kind} is not told");
        let found = lakewright::access::compare(&before, &after, &Options::default());
        assert_eq!(found.verdict(), Verdict::Undecided, "{kind}");
        assert!(found.rows.iter().any(|row| row.kind == *kind), "{kind} is not named");
    }
}

#[test]
fn a_value_of_another_stack_is_the_thing_it_comes_from() {
    let keys = Value::from_json(
        r#"{"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}}},
            "Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}}}"#,
    );
    let roles = Value::from_json(
        r#"{"Parameters": {"KeyArn": {"Type": "String"}},
            "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {"Statement": []},
              "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Ref": "KeyArn"}}]}}]}}}}"#,
    );
    let fed = BTreeMap::from([("KeyArn".to_owned(), ("keys".to_owned(), "KeyArn".to_owned()))]);
    let state = read(&[
        source("keys", keys.unwrap()),
        Source { parameters: fed, ..source("roles", roles.unwrap()) },
    ]);
    let role = &state.principals["arn:aws:iam::111111111111:role/r"];
    let resource = role.identity[0].document.at(&["Statement", "0", "Resource", "0"]).unwrap();
    let key = state.resources.keys().next().unwrap();
    assert_eq!(&resource.to_json(), key);
    assert_eq!(state.references["keys/Key"], "AWS::KMS::Key");
}
