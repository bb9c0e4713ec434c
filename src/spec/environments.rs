//! `environments`: where the lake stands, and what is different there.

use super::decode::{At, Decode, Decoder, Shape, shortened};
use super::narrowing::Narrowing;
use super::reference::Principal;
use super::words::text_form;
use crate::diagnostic;
use crate::names::{AccountId, BucketName, Region};
use crate::record;
use crate::syntax::{Kind, Node};

record! {
    /// One deployment of the lake: an account, a region, and what differs from the rest of the spec.
    pub struct Environment {
        /// The account that the lake stands in, 12 digits, quoted. It may be left out for the
        /// sandbox, which then uses `000000000000`.
        account: Option<At<AccountId>>,
        /// The region that the lake stands in.
        region: At<Region>,
        /// The role that lakewright assumes before it calls anything, `role/NAME` of the account.
        deploy_role: Option<At<Principal>>,
        /// The role that CloudFormation acts as. Once a stack has one, it always has one.
        execution_role: Option<At<Principal>>,
        /// The managed policy of the account, `policy/NAME`, that every role of the lake carries as its
        /// permissions boundary: the most that any of them can do, whatever its policies say.
        permissions_boundary: Narrowing<Option<At<PolicyName>>>,
        /// A bucket of yours, in the account and region, that holds templates and scripts instead of
        /// one that the base stack makes.
        base_bucket: Option<At<BucketName>>,
        /// Laid over the rest of the spec: maps merge, lists replace, null removes.
        set: Overlay,
    }
}

/// A managed policy of the environment's account, with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName(pub String);

text_form!(
    PolicyName,
    "a managed policy such as `policy/lake-boundary`",
    Some("^policy/([!-.0-~]+/)*[A-Za-z0-9+=,.@_-]{1,128}$"),
    LW0305,
    PolicyName::parse
);

impl PolicyName {
    /// Reads the form.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // A path is any printable ASCII, 512 characters; a name 128 letters, digits and `+=,.@_-`
        // (IAM API reference, CreatePolicy).
        let rest = text.strip_prefix("policy/").unwrap_or("");
        let name = rest.rsplit('/').next().unwrap_or("");
        let named = (1..=128).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
        let plain = rest.len() <= 640
            && rest.bytes().all(|b| b.is_ascii_graphic() && !b"*?$".contains(&b))
            && !rest.contains("//");
        match named && plain {
            true => Ok(PolicyName(text.to_owned())),
            false => Err("`policy/` and the name of a managed policy of this account"),
        }
    }
}

/// A part of a spec that is laid over the whole. It is decoded with what it is laid over.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overlay(pub Option<Node>);

impl Decode for Overlay {
    fn shape() -> Shape {
        Shape::Anything
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match &node.kind {
            Kind::Map(_) => Some(Overlay(Some(node.clone()))),
            Kind::Null => Some(Overlay(None)),
            _ => decoder.expected(node, "a map of parts of the spec"),
        }
    }
    fn absent() -> Option<Self> {
        Some(Overlay(None))
    }
}
