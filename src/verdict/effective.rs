//! What a whole state asks of the search: layers that all must let a request through, what others may add, and two
//! answers made one.
//!
//! In go layers of documents: a principal's policies and its boundary; a bucket's policy and what its public access
//! block leaves of it. Out come [`Comparison`]s. A resource's policy is asked twice: what it lets in by itself, and what
//! it leaves of everything that the policies of its own account may allow; a Deny that goes shows in the second only.
//! Sources: IAM User Guide, "Policy evaluation logic" (within an account either policy is enough; a Deny of any wins)
//! and "Permissions boundaries for IAM entities". Read next: [`super::public`], then `crate::access::compare`.

use super::compare::compare;
use super::principal::{Name, Requester};
use super::read::{Document, Effect, Listed, Statement};
use super::request::Request;
use super::text::{Pattern, Piece, Reading};
use super::{Comparison, Kind, Options, Reason, Verdict, Witness};
use crate::document::Value;

pub use super::compare::Layer;

/// What changes between states of which each is one or more layers.
pub fn within(old: &[Layer<'_>], new: &[Layer<'_>], kind: Kind, options: &Options) -> Comparison {
    compare(old, new, kind, options)
}

/// A request that all new layers let through and the old ones together do not, if there is any. What was lost is not asked:
/// of nothing gained the verdict is "equivalent", and of something "broadened".
pub fn gained(old: &[Layer<'_>], new: &[Layer<'_>], kind: Kind, options: &Options) -> Comparison {
    super::compare::gained(old, new, kind, options)
}

/// A request that all layers let through, if there is any: [`gained`] against nothing.
pub fn possible(layers: &[Layer<'_>], kind: Kind, options: &Options) -> Comparison {
    gained(&[&[]], layers, kind, options)
}

/// What is known of one direction.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Something,
    Nothing,
    Unknown,
}

impl Comparison {
    /// Nothing changes, for certain.
    pub const fn equal() -> Comparison {
        Comparison {
            verdict: Verdict::Equivalent,
            exact: true,
            gained: None,
            lost: None,
            gained_by: None,
            lost_by: None,
            also_gained: Vec::new(),
            also_lost: Vec::new(),
            reason: None,
        }
    }

    /// Nothing is known, for a reason.
    pub fn unknown(reason: Reason) -> Comparison {
        let verdict = Verdict::Undecided;
        Comparison { verdict, exact: false, reason: Some(reason), ..Comparison::equal() }
    }

    fn ways(&self) -> (Way, Way) {
        let unknown = if self.exact { Way::Nothing } else { Way::Unknown };
        let way = |found: bool| if found { Way::Something } else { unknown };
        match self.verdict {
            Verdict::Undecided => (Way::Unknown, Way::Unknown),
            Verdict::Equivalent => (Way::Nothing, Way::Nothing),
            Verdict::Narrowed => (Way::Nothing, way(self.lost.is_some())),
            Verdict::Broadened => (Way::Something, unknown),
            Verdict::Incomparable => (Way::Something, Way::Something),
        }
    }

    /// Both answers as one: what either gained is gained, what either lost is lost. `statement` numbers of `other` are
    /// taken as they are.
    #[must_use]
    pub fn and(self, other: Comparison) -> Comparison {
        let either = |a, b| match (a, b) {
            (Way::Something, _) | (_, Way::Something) => Way::Something,
            (Way::Unknown, _) | (_, Way::Unknown) => Way::Unknown,
            (Way::Nothing, Way::Nothing) => Way::Nothing,
        };
        let (own, theirs) = (self.ways(), other.ways());
        let ways = (either(own.0, theirs.0), either(own.1, theirs.1));
        let (verdict, exact) = match ways {
            (Way::Unknown, _) => (Verdict::Undecided, false),
            (Way::Something, Way::Something) => (Verdict::Incomparable, true),
            (Way::Something, lost) => (Verdict::Broadened, lost == Way::Nothing),
            (Way::Nothing, Way::Something) => (Verdict::Narrowed, true),
            (Way::Nothing, Way::Unknown) => (Verdict::Narrowed, false),
            (Way::Nothing, Way::Nothing) => (Verdict::Equivalent, true),
        };
        let (gained, gained_by) = match self.gained {
            Some(request) => (Some(request), self.gained_by),
            None => (other.gained, other.gained_by),
        };
        let (lost, lost_by) = match self.lost {
            Some(request) => (Some(request), self.lost_by),
            None => (other.lost, other.lost_by),
        };
        let reason = self.reason.or(other.reason).filter(|_| !exact);
        let both = |own: Vec<Witness>, theirs: Vec<Witness>, first: &Option<Request>| {
            let mut all = own;
            for one in theirs {
                let is_new = first.as_ref() != Some(&one.request)
                    && all.iter().all(|known| known.request != one.request);
                if is_new {
                    all.push(one);
                }
            }
            all
        };
        let also_gained = both(self.also_gained, other.also_gained, &gained);
        let also_lost = both(self.also_lost, other.also_lost, &lost);
        Comparison {
            verdict,
            exact,
            gained,
            lost,
            gained_by,
            lost_by,
            also_gained,
            also_lost,
            reason,
        }
    }
}

/// The account in the ARNs of requests whose resource nothing names: AWS's own example.
pub const EXAMPLE_ACCOUNT: &str = "111122223333";

/// The label of what stands in for the policies of an account.
pub const OWN_ACCOUNT: &str = "the policies of the account";

/// An Allow of everything to some, or of whoever holds it.
pub fn everything(label: &str, principals: Option<Vec<Name>>) -> Document {
    let all = || Listed { not: false, items: vec![Pattern { pieces: vec![Piece::Star] }] };
    let statement = Statement {
        label: label.to_owned(),
        effect: Effect::Allow,
        principals: principals.map(|items| Listed { not: false, items }),
        actions: all(),
        resources: Some(all()),
        conditions: Vec::new(),
    };
    Document { statements: vec![statement] }
}

/// An Allow of everything to an account: what its own policies may add to a resource's.
pub fn of_account(account: &str, partition: &str) -> Document {
    everything(OWN_ACCOUNT, Some(vec![Name::read("AWS", account, partition)]))
}

/// How a value that CloudFormation fills in stands in a request: `${stack/Key.Arn}`.
pub fn shown(value: &Value) -> Option<String> {
    let how = Reading { wildcards: false, variables: false };
    Pattern::read(value, how).map(|pattern| pattern.shown())
}

/// An Allow of one action to one requester, whatever the session's name.
pub fn of_requester(who: &Requester, action: &str) -> Document {
    let name = match who {
        Requester::Role { partition, account, path, .. } => Name::Role {
            partition: partition.clone(),
            account: account.clone(),
            path: path.clone(),
        },
        other => other.names().pop().map_or(Name::Everyone, |(name, _)| name),
    };
    let mut document = everything("one requester", Some(vec![name]));
    for statement in &mut document.statements {
        statement.actions.items = vec![Pattern { pieces: vec![Piece::Text(action.to_owned())] }];
    }
    document
}

/// An Allow of everything, for an identity: what policies that are not at hand may add.
pub fn of_anybody() -> Document {
    everything("policies that are not at hand", None)
}

impl Document {
    /// Whether a statement denies.
    pub fn denies(&self) -> bool {
        self.statements.iter().any(|statement| statement.effect == Effect::Deny)
    }

    /// Whether a statement allows.
    pub fn allows(&self) -> bool {
        self.statements.iter().any(|statement| statement.effect == Effect::Allow)
    }
}
