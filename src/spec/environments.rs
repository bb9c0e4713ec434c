//! `environments`: where the lake stands, and what is different there.

use super::decode::{At, Decode, Decoder, Shape};
use super::reference::Principal;
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
        /// A bucket of yours, in the account and region, that holds templates and scripts instead of
        /// one that the base stack makes.
        base_bucket: Option<At<BucketName>>,
        /// Laid over the rest of the spec: maps merge, lists replace, null removes.
        set: Overlay,
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
