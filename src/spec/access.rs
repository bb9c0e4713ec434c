//! `access`: who may do what with which data.

use super::decode::At;
use super::reference::{Principal, Reference};
use crate::record;

record! {
    /// A grant: who, and what on which places.
    pub struct Access {
        /// Why it is given.
        description: Option<String>,
        /// Who is given it: roles and users of this or another account, accounts, organizational
        /// units, the organization.
        who: Vec<At<Principal>>,
        /// Places to read: buckets, prefixes, databases, tables.
        read: Vec<At<Reference>>,
        /// Places to write (put objects; for tables also change their partitions), and sources (put
        /// records into their stream; roles and users of this account).
        write: Vec<At<Reference>>,
        /// Places to delete from.
        delete: Vec<At<Reference>>,
        /// Places to read, write, delete and give on to others, older versions of objects to be listed
        /// and read; never to remove older versions, or to change policies or keys.
        admin: Vec<At<Reference>>,
        /// Only these columns; comes with Lake Formation.
        columns: Option<At<Later>>,
        /// Only rows for which this holds; comes with Lake Formation.
        rows: Option<At<Later>>,
        /// Not the columns that carry these LF-tags; comes with Lake Formation.
        hide: Option<At<Later>>,
        /// Places by LF-tags; comes with Lake Formation.
        lf_tags: Option<At<Later>>,
    }
}

/// Something that parses now and comes with Lake Formation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later;

impl super::decode::Decode for Later {
    fn shape() -> super::decode::Shape {
        super::decode::Shape::Anything
    }
    fn decode(_: &crate::syntax::Node, _: &mut super::decode::Decoder) -> Option<Self> {
        Some(Later)
    }
}
