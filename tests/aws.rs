//! The AWS side over HTTP: recorded answers of what no emulator shows, and whole cycles against
//! emulators. Recorded answers are files in `tests/aws/recorded`, written from the API references.

#[path = "aws/calls.rs"]
mod calls;
#[path = "aws/connection.rs"]
mod connection;
#[path = "aws/errors.rs"]
mod errors;
#[path = "aws/live.rs"]
mod live;
#[path = "aws/ministack.rs"]
mod ministack;
#[path = "aws/objects.rs"]
mod objects;
#[path = "aws/reading.rs"]
mod reading;
#[path = "aws/roto.rs"]
mod roto;
#[path = "aws/server.rs"]
mod server;
#[path = "aws/stacks.rs"]
mod stacks;
mod support;

use std::time::Duration;

use lakewright::aws::{Aws, ConnectOptions, Keys, Pace};
use lakewright::cloud::{BucketAddress, ObjectAddress, StackAddress};
use lakewright::names::{AccountId, BucketName, Region};
use server::Recorded;

fn ireland() -> Region {
    Region::new("eu-west-1").unwrap()
}

/// Options for an endpoint on this machine, with keys that anything takes.
fn options(region: &str, endpoint: &str) -> ConnectOptions {
    ConnectOptions {
        endpoint: Some(endpoint.to_owned()),
        keys: Some(Keys { id: "test".into(), secret: "test".into() }),
        pace: Pace::local(),
        ..ConnectOptions::new(&Region::new(region).unwrap(), "test")
    }
}

/// A connection to recorded answers.
fn connect(to: &Recorded) -> Aws {
    let mut options = options("eu-west-1", &to.url);
    options.pace.first_backoff = Duration::from_millis(5);
    Aws::connect(&options).unwrap()
}

const STACK: &str = "arn:aws:cloudformation:eu-west-1:111111111111:stack/acme-prod-raw/bbbb";
const CHANGE_SET: &str = "arn:aws:cloudformation:eu-west-1:111111111111:changeSet/lw-1/aaaa";

fn stack(name: &str) -> StackAddress {
    StackAddress::new(&ireland(), name)
}

fn bucket(region: &str, name: &str, owner: &str) -> BucketAddress {
    BucketAddress {
        region: Region::new(region).unwrap(),
        bucket: BucketName::new(name).unwrap(),
        owner: AccountId::new(owner).unwrap(),
    }
}

fn object(bucket: &BucketAddress, key: &str) -> ObjectAddress {
    ObjectAddress { bucket: bucket.clone(), key: key.to_owned() }
}
