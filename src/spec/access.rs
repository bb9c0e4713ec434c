//! `access`: who may do what with which data.

use super::conditions::When;
use super::databases::ColumnName;
use super::decode::At;
use super::lake_formation::TagExpression;
use super::narrowing::Narrowing;
use super::reference::{Principal, Reference};
use crate::record;

record! {
    /// A grant: who, and what on which places.
    pub struct Access {
        /// Why it is given.
        description: Option<String>,
        /// Who is given it: roles and users of this or another account, accounts, organizational
        /// units, the organization, roles of the lake (`roles.NAME`); through Lake Formation also groups and users of a SAML provider
        /// or of Identity Center.
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
        /// Under which circumstances: a map of conditions that all have to hold, or a list of such maps,
        /// of which any is enough. Default: always.
        when: Narrowing<When>,
        /// Only these columns of the tables that are read. Through Lake Formation.
        columns: Narrowing<Vec<At<ColumnName>>>,
        /// Only rows of the tables that are read for which this holds: `country = 'DE'`. Through Lake
        /// Formation.
        rows: Narrowing<Option<At<String>>>,
        /// Not the columns that carry one of these LF-tags. Through Lake Formation.
        hide: Narrowing<Option<At<TagExpression>>>,
        /// Read what carries all of these LF-tags, whatever it is called. Through Lake Formation.
        lf_tags: Narrowing<Option<At<TagExpression>>>,
    }
}
