//! Access: who may do what on which places.

use super::formation::Restriction;
use super::places::Place;
use crate::names::Name;
use crate::source::Span;
use crate::spec::conditions::Conditions;
use crate::spec::decode::At;
use crate::spec::lake_formation::TagExpression;
use crate::spec::reference::Principal;

/// An entry of `access`.
#[derive(Debug, Clone)]
pub struct Access {
    pub name: Name,
    pub span: Span,
    pub description: Option<String>,
    pub who: Vec<At<Principal>>,
    pub grants: Vec<Grant>,
    /// Sets of conditions, of which one has to hold as a whole; none: always.
    pub when: Vec<Conditions>,
    /// What is left of the tables that are read.
    pub restriction: Restriction,
    /// What carries all of these LF-tags is read too.
    pub tagged: Option<At<TagExpression>>,
}

impl Access {
    /// The entry's path in the spec.
    pub fn path(&self) -> String {
        format!("access.{}", self.name)
    }

    /// The grants, each with its path in the spec: `access.finance.read[0]`.
    pub fn grants_by_path(&self) -> impl Iterator<Item = (String, &Grant)> {
        self.grants.iter().enumerate().map(|(at, grant)| {
            let before = self.grants[..at].iter().filter(|other| other.verb == grant.verb);
            (format!("{}.{}[{}]", self.path(), grant.verb.as_str(), before.count()), grant)
        })
    }
}

/// One kind of access to one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    pub verb: Verb,
    pub place: At<Place>,
}

/// What may be done. `admin` is read, write, delete and grant; never policy or key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Read,
    Write,
    Delete,
    Admin,
}

impl Verb {
    /// The key in the spec, and the word in a plan.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Read => "read",
            Verb::Write => "write",
            Verb::Delete => "delete",
            Verb::Admin => "admin",
        }
    }
}
