//! The harness of the emulators itself: each server starts with empty state, answers, and ends with the value that holds it.

mod support;

use serde_json::json;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::{emulator, http};

const QUERY: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn signed_for(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=111111111111/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

#[test]
fn ministack_starts_empty_and_ends_with_its_value() {
    let server = emulator::ministack();
    let signed = signed_for("cloudformation");
    let headers = [("Authorization", signed.as_str()), QUERY];
    let body = "Action=DescribeStacks&Version=2010-05-15";
    let (status, text) = server.http("POST", "/", &headers, body);
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("DescribeStacksResponse") && !text.contains("<StackName>"), "{text}");
    let port = server.port;
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "port {port} is still served");
}

#[test]
fn two_servers_share_nothing() {
    let (one, two) = (emulator::roto(), emulator::roto());
    assert_ne!(one.port, two.port);
    let signed = signed_for("s3");
    let headers = [("Authorization", signed.as_str())];
    let (status, text) = one.http("PUT", "/only-here", &headers, "");
    assert_eq!(status, 200, "{text}");
    assert_eq!(one.http("HEAD", "/only-here", &headers, "").0, 200);
    assert_eq!(two.http("HEAD", "/only-here", &headers, "").0, 404);
}

#[test]
fn microburst_does_what_its_rules_say_and_tells() {
    let upstream = emulator::shared_ministack();
    let proxy = emulator::microburst(upstream);
    proxy.warm(&["cloudformation"]);
    proxy.faults(&json!([{"service": "cloudformation", "operation": "ListStacks", "times": 1,
        "error": {"code": "Throttling", "status": 400, "message": "Rate exceeded"}}]));
    let signed = signed_for("cloudformation");
    let headers = [("Authorization", signed.as_str()), QUERY];
    let body = "Action=ListStacks&Version=2010-05-15";
    let (status, text) = proxy.http("POST", "/", &headers, body);
    assert!(status == 400 && text.contains("Throttling"), "{status} {text}");
    let (status, text) = proxy.http("POST", "/", &headers, body);
    assert_eq!(status, 200, "{text}");
    let fired = proxy.fired();
    assert_eq!(fired.len(), 1, "{fired:?}");
    assert_eq!(fired[0]["operation"], "ListStacks");
}

#[test]
fn a_server_dies_with_the_process_that_holds_its_pipe() {
    // what a crash does: the value is forgotten, not dropped; only the pipe closes
    let server = emulator::roto();
    let url = server.url.clone();
    server.abandon();
    let end = Instant::now() + Duration::from_secs(5);
    while http::request("GET", &url, &[], "", Duration::from_secs(1)).is_ok() {
        assert!(Instant::now() < end, "{url} is still served");
        std::thread::sleep(Duration::from_millis(20));
    }
}
