//! How grave a gain is, so that what matters stands first.
//!
//! In: a row, and the new state for whose account is whose. Out: a [`Gravity`]. It orders and labels; it decides nothing.

use super::compare::{Layer, Presence, Row};
use super::state::State;
use crate::catalogue::iam::{self, Level};
use crate::verdict::{Request, Requester};

/// How grave a gain is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    Public,
    CrossAccount,
    Exposure,
    Permissions,
    Plain,
    /// Of a principal or resource that the change makes.
    New,
}

impl Gravity {
    /// The word in front of a line; none for what is plain.
    pub const fn word(self) -> &'static str {
        match self {
            Gravity::Public => "PUBLIC",
            Gravity::CrossAccount => "CROSS-ACCOUNT",
            Gravity::Exposure => "EXPOSURE",
            Gravity::Permissions => "PERMISSIONS",
            Gravity::New => "NEW",
            Gravity::Plain => "",
        }
    }
}

/// How grave what a row gained is: the gravest of all that is shown.
pub fn gravity(row: &Row, state: &State) -> Gravity {
    let first = row.comparison.gained.iter();
    let all = first.chain(row.also_gained.iter().map(|further| &further.request));
    all.map(|request| of(row, request, state)).min().unwrap_or(Gravity::Plain)
}

fn of(row: &Row, request: &Request, state: &State) -> Gravity {
    if row.layer == Layer::PublicAccess {
        return Gravity::Exposure;
    }
    let home = match row.layer {
        Layer::Resource => state.resources.get(&row.subject).map(|one| one.account.as_str()),
        Layer::Trust => state.principals.get(&row.subject).map(|one| one.account.as_str()),
        _ => None,
    };
    match &request.principal {
        Some(Requester::Anonymous) => return Gravity::Public,
        Some(who) if who.account().is_some_and(|(_, own)| home.is_some_and(|home| home != own)) => {
            return Gravity::CrossAccount;
        }
        _ => {}
    }
    if row.presence == Presence::New {
        return Gravity::New;
    }
    let level = iam::action(&request.action).map(|action| action.level);
    if level == Some(Level::PermissionsManagement) { Gravity::Permissions } else { Gravity::Plain }
}
