//! `keys`: KMS keys, each with an alias.

use super::decode::{At, Decode, Decoder, Shape};
use super::narrowing::Filled;
use super::reference::Principal;
use super::words::Duration;
use crate::names::Arn;
use crate::record;
use crate::syntax::Node;

record! {
    /// A KMS key with the alias `alias/<lake>-<environment>-<name>`. Its policy holds the account's
    /// root for administration, the admins, and what the flows of the lake need; nobody else.
    pub struct Key {
        /// What the key is for.
        description: Option<String>,
        /// The ARN of a key that is not ours: referred to, never changed.
        existing: Option<At<Arn>>,
        /// How often KMS makes new key material: 90 to 2,560 days, or `false` for never. Default:
        /// `365d`.
        rotation: Option<At<Rotation>>,
        /// Roles and users of this account that may administer the key, but not use it.
        admins: Vec<At<Principal>>,
        /// Roles, users and accounts that cannot use the key, whoever lets them.
        deny: Filled<Vec<At<Principal>>>,
        /// Days that KMS waits before it deletes the key: 7 to 30. Default: `30d`.
        deletion_window: Option<At<Duration>>,
        /// Whether the key is kept when it leaves the spec or the lake is destroyed. Default: `true`.
        protect: Option<At<bool>>,
        /// Counts up when the key has to be made anew.
        generation: Option<At<super::decode::Whole<1, 999>>>,
    }
}

/// How often key material is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    Every(Duration),
    Never,
}

impl Decode for Rotation {
    fn shape() -> Shape {
        Shape::Either(vec![Duration::shape(), Shape::Word(&[("false", "the key is not rotated")])])
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.text() {
            Some("false") => Some(Rotation::Never),
            _ => Duration::decode(node, decoder).map(Rotation::Every),
        }
    }
}
