//! What an account has of a stack, from recorded answers: by the services, by drift detection, or not at all.

use lakewright::access::live::READ;
use lakewright::cli::env::SystemClock;
use lakewright::document::Value;
use lakewright::drift::{self, Is};
use lakewright::names::{AccountId, LogicalId, StackName};
use lakewright::plan::{Deployed, DeployedStack};
use lakewright::stacks::StackKey;

use super::server::Recorded;
use super::{STACK, connect, ireland};

#[test]
fn what_is_read_and_what_is_not() {
    let server = Recorded::play("live");
    let template = Value::from_json(
        r#"{"Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "loader"}},
            "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "acme-prod-raw"}},
            "KeyChanged": {"Type": "AWS::KMS::Key", "Properties": {}},
            "KeyGone": {"Type": "AWS::KMS::Key", "Properties": {}},
            "KeySame": {"Type": "AWS::KMS::Key", "Properties": {}},
            "Topics": {"Type": "AWS::SNS::TopicPolicy", "Properties": {}},
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {}}}}"#,
    );
    let mut stack = DeployedStack::from_template(template.unwrap());
    stack.id = STACK.to_owned();
    for (id, name) in [
        ("Role", "loader"),
        ("Policy", "acme-prod-raw"),
        ("KeyChanged", "k1"),
        ("KeyGone", "k2"),
        ("KeySame", "k3"),
        ("Topics", "t"),
        ("Log", "l"),
    ] {
        stack.physical_ids.insert(LogicalId::new(id).unwrap(), name.to_owned());
    }
    let key = StackKey { region: ireland(), name: StackName::new("acme-prod-raw").unwrap() };
    let deployed = Deployed { stacks: [(key, stack)].into(), ..Deployed::default() };
    let wanted: Vec<&'static str> = READ.iter().map(|(kind, _)| *kind).collect();
    let account = AccountId::new("111111111111").unwrap();
    let aws = connect(&server);
    let all = drift::readings(&aws, &SystemClock, &account, &deployed, &wanted).unwrap();
    server.finish();

    let is = |id: &str| {
        let found = all.iter().find(|found| found.logical_id.as_str() == id);
        found.map(|found| &found.is)
    };
    let Some(Is::Properties(role)) = is("Role") else { panic!("{:?}", is("Role")) };
    assert_eq!(role.at(&["Policies", "0", "PolicyName"]), Some(&"by-hand".into()));
    assert!(matches!(is("Policy"), Some(Is::Unread(why)) if why.contains("Access Denied")));
    let Some(Is::Properties(changed)) = is("KeyChanged") else { panic!("{:?}", is("KeyChanged")) };
    let action = changed.at(&["KeyPolicy", "Statement", "0", "Action"]);
    assert_eq!(action, Some(&"kms:Decrypt".into()));
    assert_eq!(is("KeyGone"), Some(&Is::Gone));
    assert_eq!(is("KeySame"), Some(&Is::AsTemplate));
    // detection did not speak of it
    assert!(matches!(is("Topics"), Some(Is::Unread(why)) if why.contains("drift detection only")));
    // it has no say in access
    assert_eq!(is("Log"), None);
}
