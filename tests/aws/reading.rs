//! Live resources from recorded answers, in the form of their CloudFormation properties.

use lakewright::cloud::*;
use lakewright::document::Value;

use super::server::Recorded;
use super::{connect, ireland};

fn properties(json: &str) -> Reading {
    Reading::Properties(Value::from_json(json).unwrap())
}

#[test]
fn a_bucket_with_everything() {
    let server = Recorded::play("bucket");
    let read = connect(&server).read(&ireland(), "AWS::S3::Bucket", "acme-prod-raw").unwrap();
    assert_eq!(read, properties(include_str!("recorded/bucket.json")));
    server.finish();
}

#[test]
fn a_bucket_with_nothing() {
    let server = Recorded::play("bucket-bare");
    let read = connect(&server).read(&ireland(), "AWS::S3::Bucket", "acme-prod-raw").unwrap();
    assert_eq!(read, properties(r#"{"BucketName": "acme-prod-raw"}"#));
    server.finish();
}

#[test]
fn buckets_that_are_not_ours_to_read_and_policies() {
    let server = Recorded::play("bucket-others");
    let aws = connect(&server);
    let read = |kind: &str, name: &str| aws.read(&ireland(), kind, name);
    assert_eq!(read("AWS::S3::Bucket", "acme-prod-gone"), Ok(Reading::Absent));
    assert!(matches!(
        read("AWS::S3::Bucket", "acme-prod-theirs"),
        Err(CloudError::AccessDenied(_))
    ));
    assert_eq!(
        read("AWS::S3::Bucket", "acme-prod-far"),
        Err(CloudError::Refused(
            "the bucket acme-prod-far is in another region than eu-west-1".into()
        ))
    );
    let Ok(Reading::Properties(policy)) = read("AWS::S3::BucketPolicy", "acme-prod-raw") else {
        panic!("the bucket has a policy");
    };
    assert_eq!(policy.at(&["Bucket"]), Some(&"acme-prod-raw".into()));
    assert_eq!(policy.at(&["PolicyDocument", "Statement", "0", "Sid"]), Some(&"Tls".into()));
    assert_eq!(read("AWS::S3::BucketPolicy", "acme-prod-gone"), Ok(Reading::Absent));
    server.finish();
}

#[test]
fn roles_and_managed_policies() {
    let server = Recorded::play("iam");
    let aws = connect(&server);
    let read = |kind: &str, name: &str| aws.read(&ireland(), kind, name).unwrap();
    assert_eq!(read("AWS::IAM::Role", "loader"), properties(include_str!("recorded/role.json")));
    assert_eq!(read("AWS::IAM::Role", "gone"), Reading::Absent);
    let policy = "arn:aws:iam::111111111111:policy/lake/read";
    assert_eq!(
        read("AWS::IAM::ManagedPolicy", policy),
        properties(include_str!("recorded/managed-policy.json"))
    );
    let gone = "arn:aws:iam::111111111111:policy/gone";
    assert_eq!(read("AWS::IAM::ManagedPolicy", gone), Reading::Absent);
    assert_eq!(
        read("AWS::KMS::Key", "k"),
        Reading::Unread("AWS::KMS::Key is read by CloudFormation's drift detection only".into())
    );
    server.finish();
}

#[test]
fn lake_formation_says_who_decides() {
    let server = Recorded::play("lake-formation");
    let aws = connect(&server);
    assert_eq!(
        aws.lake_formation_settings(&ireland()),
        Ok(LakeFormationSettings {
            admins: vec![
                "arn:aws:iam::111111111111:role/deployer".into(),
                "arn:aws:iam::111111111111:role/steward".into(),
            ],
            iam_decides_new_databases: true,
            iam_decides_new_tables: false,
            cross_account_version: Some(4),
        })
    );
    assert_eq!(
        aws.lake_formation_settings(&ireland()),
        Err(CloudError::AccessDenied(
            "Lake Formation GetDataLakeSettings: Insufficient Lake Formation permission(s)".into()
        ))
    );
    server.finish();
}

#[test]
fn lake_formation_says_what_it_leaves_to_iam() {
    let server = Recorded::play("open-to-iam");
    let aws = connect(&server);
    let open = |table: Option<&str>| OpenToIam {
        database: "acme_prod_sales".into(),
        table: table.map(str::to_owned),
    };
    assert_eq!(aws.open_to_iam(&ireland()), Ok(vec![open(None), open(Some("orders"))]));
    server.finish();
}

#[test]
fn lake_formation_lists_every_grant() {
    let server = Recorded::play("lake-formation-grants");
    let aws = connect(&server);
    let all = aws.lake_formation_grants(&ireland()).unwrap();
    let told: Vec<String> = all
        .iter()
        .map(|one| {
            let who = one.principal.rsplit('/').next().unwrap();
            let (what, option) = (one.permissions.join("+"), one.with_grant_option.join("+"));
            format!("{who} {what} {option} {}", one.resource.to_json())
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"Analyst DESCRIBE+SELECT DESCRIBE {"Table":{"DatabaseName":"acme_prod_sales","Name":"orders"}}"#,
            r#"222222222222 SELECT  {"LFTagPolicy":{"Expression":[{"TagKey":"domain","TagValues":["sales"]}],"ResourceType":"TABLE"}}"#,
            r#"Analyst SELECT  {"TableWithColumns":{"ColumnWildcard":{"ExcludedColumnNames":["name"]},"DatabaseName":"acme_prod_sales","Name":"orders"}}"#,
            r#"Analyst SELECT  {"TableWithColumns":{"ColumnNames":["day"],"DatabaseName":"acme_prod_sales","Name":"orders"}}"#,
            r#"Loader DATA_LOCATION_ACCESS  {"DataLocation":{"ResourceArn":"arn:aws:s3:::acme-prod-raw"}}"#,
            r#"Loader ALL  {"Table":{"DatabaseName":"acme_prod_sales","TableWildcard":{}}}"#,
            r#"Ward SELECT  {"DataCellsFilter":{"DatabaseName":"acme_prod_sales","Name":"ward","TableName":"orders"}}"#,
            r#"Steward ASSOCIATE  {"LFTag":{"TagKey":"domain","TagValues":["sales","care"]}}"#,
            r#"Steward DESCRIBE  {"Database":{"Name":"acme_prod_sales"}}"#,
            r#"Steward CREATE_DATABASE  {"Catalog":{}}"#,
        ]
    );
    assert!(matches!(aws.lake_formation_grants(&ireland()), Err(CloudError::AccessDenied(_))));
    server.finish();
}
