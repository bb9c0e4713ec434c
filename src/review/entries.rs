//! Which part of an entry of the spec a gain or a loss comes from: a name in `who`, or one of several grants.
//!
//! In: [`Differs`], from whoever knows both specs. A statement knows the grants that it was made of, and stands for
//! everybody whom the entry names: the line that somebody approves is that of the name or grant that the other spec
//! does not have.

use super::Line;
use super::items::Item;
use super::words::Words;
use crate::access::reach::Subject;

/// A part of an entry that is in one of two specs only, and whom it bears on.
#[derive(Debug, Clone, PartialEq)]
pub struct Differs {
    /// What statements say that they come from: `access.finance.read[0]`, `access.finance.read`.
    pub cited: String,
    pub who: Subject,
    /// Where the part stands: `access.finance.who[1]`.
    pub place: Line,
}

/// Lets items cite what differs.
pub(super) fn cite(items: &mut [Item], parts: &[Differs], words: &Words) {
    for item in items {
        let own = |one: &&Differs| one.cited == item.place.path && is(item, &one.who, words);
        if let Some(part) = parts.iter().find(own) {
            item.place = Line { is_before: item.place.is_before, ..part.place.clone() };
        }
    }
}

fn is(item: &Item, who: &Subject, words: &Words) -> bool {
    match who {
        Subject::Named(arn) => item.subject == *arn || item.who == words.principal(arn),
        Subject::Account(account) => item.who == format!("account {account}"),
        Subject::Service(service) => item.who == format!("service {service}"),
        Subject::Anonymous | Subject::Anybody => false,
    }
}
