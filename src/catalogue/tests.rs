//! Facts of types, looked at one by one and all together.

use super::types::OWN;
use super::*;
use crate::document;
use crate::document::Value;

fn known(name: &str) -> &'static ResourceType {
    resource_type(name).expect(name)
}

#[test]
fn a_bucket() {
    let bucket = known("AWS::S3::Bucket");
    assert_eq!(bucket.arn, Some("arn:${Partition}:s3:::${BucketName}"));
    assert!(bucket.attributes.contains(&"RegionalDomainName"));
    assert!(bucket.holds_data && bucket.can_update() && bucket.can_read());
    assert_eq!(bucket.called, ["BucketName"]);
    assert_eq!(bucket.tags.map(|tags| tags.property), Some("Tags"));
    assert!(bucket.permissions(Handler::Create).contains(&"s3:CreateBucket"));
    assert!(bucket.permissions(Handler::Update).contains(&"s3:PutReplicationConfiguration"));
}

#[test]
fn names_are_looked_up_and_suggested() {
    assert!(resource_type("AWS::S3::Pail").is_none());
    assert_eq!(suggest_type("AWS::S3::Bukcet"), Some("AWS::S3::Bucket"));
    assert_eq!(suggest_type("aws::glue::table"), Some("AWS::Glue::Table"));
    assert_eq!(suggest_type("Custom::Thing"), None);
    assert_eq!(resource_types().count(), 134);
    assert!(resource_types().map(|known| known.name).is_sorted());
}

#[test]
fn what_holds_data() {
    for name in [
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::Kinesis::Stream",
        "AWS::KMS::Key",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3Tables::TableBucket",
    ] {
        assert!(known(name).holds_data, "{name}");
    }
    assert!(!known("AWS::IAM::Role").holds_data && !known("AWS::S3::BucketPolicy").holds_data);
}

#[test]
fn where_types_are_missing() {
    assert!(absent("AWS::AppFlow::Flow", "ap-east-1"));
    assert!(!absent("AWS::S3::Bucket", "ap-east-1"));
    assert!(!absent("AWS::S3::Pail", "ap-east-1"));
}

#[test]
fn every_kind_of_impact() {
    let on = |name, path: &str| known(name).impact(&path.split('/').collect::<Vec<_>>());
    assert_eq!(on("AWS::S3::Bucket", "BucketName"), Impact::Replace);
    assert_eq!(on("AWS::S3::Bucket", "ObjectLockEnabled"), Impact::Replace);
    assert_eq!(on("AWS::S3::Bucket", "Tags/0/Value"), Impact::InPlace);
    assert_eq!(on("AWS::Glue::Table", "TableInput/Name"), Impact::Replace);
    assert_eq!(on("AWS::Glue::Table", "TableInput"), Impact::MayReplace);
    assert_eq!(
        on("AWS::Glue::Table", "TableInput/StorageDescriptor/Columns/3/Type"),
        Impact::InPlace
    );
    assert_eq!(on("AWS::EC2::VPC", "InstanceTenancy"), Impact::MayReplace);
    assert_eq!(on("AWS::LakeFormation::PrincipalPermissions", "Permissions/0"), Impact::Replace);
    assert_eq!(on("AWS::LakeFormation::DataLakeSettings", "Admins/0"), Impact::InPlace);
    assert!(matches!(on("AWS::KMS::Key", "KeySpec"), Impact::Fails(_)));
    assert!(matches!(on("AWS::KMS::Key", "Arn"), Impact::Fails(_)));
    assert_eq!(on("AWS::KMS::Key", "KeyPolicy/Statement/0/Action"), Impact::InPlace);
    assert!(Impact::InPlace < Impact::MayReplace && Impact::Replace < Impact::Fails(""));
}

#[test]
fn lists_that_are_sets_and_lists_that_are_not() {
    let is_set = |name, path: &str| known(name).unordered(&path.split('/').collect::<Vec<_>>());
    assert!(is_set("AWS::IAM::Role", "ManagedPolicyArns"));
    assert!(is_set("AWS::KMS::Key", "Tags"));
    assert!(is_set(
        "AWS::Glue::Database",
        "DatabaseInput/CreateTableDefaultPermissions/0/Permissions"
    ));
    assert!(!is_set("AWS::Glue::Table", "TableInput/StorageDescriptor/Columns"));
    assert!(!is_set("AWS::Glue::Table", "TableInput/PartitionKeys"));
    assert!(!is_set("AWS::S3::Bucket", "LifecycleConfiguration/Rules"));
    let processors = "ExtendedS3DestinationConfiguration/ProcessingConfiguration/Processors";
    assert!(!is_set("AWS::KinesisFirehose::DeliveryStream", processors));
    // inside a policy nothing is known
    assert!(!is_set("AWS::IAM::Role", "AssumeRolePolicyDocument/Statement"));
}

#[test]
fn a_name_that_stays_blocks_a_replacement() {
    let role = known("AWS::IAM::Role");
    let old = document!({"RoleName": "loader", "Path": "/a/"});
    let moved = document!({"RoleName": "loader", "Path": "/b/"});
    let renamed = document!({"RoleName": "loader2", "Path": "/b/"});
    let unnamed = document!({"Path": "/b/"});
    let name = Value::from("loader");
    assert_eq!(role.blocked(&old, &moved), Some(("RoleName", &name)));
    assert_eq!(role.blocked(&old, &renamed), None);
    assert_eq!(role.blocked(&old, &unnamed), None);
    assert_eq!(role.blocked(&unnamed, &moved), None);

    let table = known("AWS::Glue::Table");
    let old = document!({"CatalogId": "1", "DatabaseName": "a", "TableInput": {"Name": "orders"}});
    let moved =
        document!({"CatalogId": "1", "DatabaseName": "b", "TableInput": {"Name": "orders"}});
    assert_eq!(table.blocked(&old, &moved), None);
    assert_eq!(table.given_name(&old).map(|(place, _)| place), Some("TableInput/Name"));
    // CloudFormation deletes the old one first
    let tag = known("AWS::LakeFormation::Tag");
    let old = document!({"CatalogId": "1", "TagKey": "class"});
    assert_eq!(tag.blocked(&old, &old), None);
}

#[test]
fn every_path_of_every_type_leads_somewhere() {
    for known in resource_types() {
        let own = &known.own;
        let paths = [
            &known.create_only,
            &known.conditional,
            &known.read_only,
            &known.called,
            &known.within,
            &own.ordered,
        ];
        let said = own.replaces.keys().chain(own.fails.keys()).chain(known.documented.keys());
        for place in paths.into_iter().flatten().chain(said) {
            let steps: Vec<&str> = place.split('/').collect();
            assert!(known.has(&steps), "{} has no {place}", known.name);
        }
        for place in &own.ordered {
            let steps: Vec<&str> = place.split('/').collect();
            let schema = schema::of(known.name).expect("a schema");
            assert!(schema.unordered(&steps), "{} {place} needs no exception", known.name);
        }
        for property in &known.required {
            assert!(known.properties.contains(property), "{} {property}", known.name);
        }
    }
}

#[test]
fn every_permission_is_an_action() {
    let handlers =
        [Handler::Create, Handler::Read, Handler::Update, Handler::Delete, Handler::List];
    for known in resource_types() {
        for permission in handlers.iter().flat_map(|handler| known.permissions(*handler)) {
            let (service, _) = permission.split_once(':').expect("a prefix");
            if iam::service(service).is_none() || permission.contains('*') {
                continue;
            }
            let action = iam::action(permission);
            let action = action.unwrap_or_else(|| panic!("{}: {permission}", known.name));
            assert_eq!(action.full_name(), *permission, "{}", known.name);
        }
    }
}

#[test]
fn our_own_facts_are_of_known_types() {
    assert!(OWN.names().is_sorted());
    for name in OWN.names() {
        known(name);
    }
}
