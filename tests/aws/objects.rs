//! Objects from recorded answers: conditional writes whose answer is lost, versions and locks.

use lakewright::cloud::*;

use super::server::Recorded;
use super::{bucket, connect, object};

#[test]
fn a_write_whose_answer_is_lost_is_known_again() {
    let server = Recorded::play("put-answer-lost");
    let base = bucket("eu-west-1", "acme-prod-base", "111111111111");
    let etag = connect(&server)
        .put_object(&object(&base, "lock.json"), b"mine", PutCondition::Absent)
        .unwrap();
    assert_eq!(etag, "\"e-of-mine\"");
    server.finish();
}

#[test]
fn a_condition_that_does_not_hold_is_told_so() {
    let server = Recorded::play("put-refused");
    let aws = connect(&server);
    let base = bucket("eu-west-1", "acme-prod-base", "111111111111");
    let over = || PutCondition::Matches("\"e1\"".into());
    for (key, when) in
        [("lock.json", over()), ("gone.json", over()), ("theirs.json", PutCondition::Absent)]
    {
        let told = aws.put_object(&object(&base, key), b"x", when);
        assert!(matches!(told, Err(CloudError::PreconditionFailed(_))), "{key}: {told:?}");
    }
    let busy = aws.put_object(&object(&base, "busy.json"), b"x", PutCondition::Absent);
    assert_eq!(busy.as_deref(), Ok("\"e2\""));
    let whole = aws.get_object(&object(&base, "cut.json")).unwrap().unwrap();
    assert_eq!((whole.body.as_slice(), whole.etag.as_str()), (&b"0123456789"[..], "\"e5\""));
    server.finish();
}

#[test]
fn versions_have_their_locks_and_the_locked_refuse() {
    let server = Recorded::play("versions");
    let aws = connect(&server);
    let raw = bucket("eu-west-1", "acme-prod-raw", "111111111111");
    let first = aws.list_versions(&raw, "ledger/", None, 1000).unwrap();
    let marker = VersionMarker { key: "ledger/b".into(), version: Some("v2".into()) };
    assert_eq!((first.next.as_ref(), first.lockable), (Some(&marker), true));
    let second = aws.list_versions(&raw, "ledger/", Some(&marker), 1000).unwrap();
    assert_eq!((second.next, second.lockable), (None, true));
    let versions = [first.versions, second.versions].concat();
    let told: Vec<_> = versions
        .iter()
        .map(|it| (it.version.as_str(), it.delete_marker, it.size, it.locked.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("v1", false, 12, Some("legal hold")),
            ("v2", false, 34, Some("2099-05-06T00:00:00Z")),
            ("v3", true, 0, None),
            ("v4", false, 56, None),
        ]
    );
    let refused = aws.delete_versions(&raw, &versions).unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0, versions[1]);
    assert_eq!(
        refused[0].1,
        "AccessDenied: Access Denied because object protected by object lock."
    );
    server.finish();
}
