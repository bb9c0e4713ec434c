//! Principals: whom a policy names, and who makes a request.
//!
//! A policy names everyone, an account (its id and its root ARN are the same), a role, a user, a session, a service,
//! an identity provider, a canonical user. A request is made by one requester, who answers to several names: a session
//! of a role answers to the session's ARN, to the role's and to the account's.
//! Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".

use std::fmt;

use super::read::{Effect, Listed};

/// A name in a `Principal` or `NotPrincipal` element.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// `*`, `{"AWS": "*"}`.
    Everyone,
    /// An account id or the ARN of its root.
    Account {
        partition: String,
        account: String,
    },
    /// Whoever belongs to an account, however little its own policies say: what a public access block leaves. No
    /// policy can write it.
    Within {
        partition: String,
        account: String,
    },
    /// `arn:...:iam::account:role/path/name`; `path` is `path/name`.
    Role {
        partition: String,
        account: String,
        path: String,
    },
    User {
        partition: String,
        account: String,
        path: String,
    },
    /// `arn:...:sts::account:assumed-role/role/session`, without the role's path.
    Session {
        partition: String,
        account: String,
        role: String,
        session: String,
    },
    /// `Service`, `Federated`, `CanonicalUser`, or anything else under `AWS`: by its text alone.
    Other {
        kind: String,
        text: String,
    },
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Requester {
    Anonymous,
    /// The root user of an account.
    Root {
        partition: String,
        account: String,
    },
    User {
        partition: String,
        account: String,
        path: String,
    },
    /// A session of a role; `path` is the role's path and name.
    Role {
        partition: String,
        account: String,
        path: String,
        session: String,
    },
    /// A service, an identity provider, a canonical user, or what a policy names by an id.
    Other {
        kind: String,
        text: String,
    },
}

/// How directly a grant reaches a requester, or how much help of its own policies a requester needs for the least.
///
/// A grant to an account only delegates: the requester's own policies must allow the request too. A grant to a role is
/// direct, but held by the implicit deny of its permissions boundary; one to a user or a session is not. Source: IAM
/// User Guide, "Permissions boundaries for IAM entities" and "Policy evaluation for requests within a single account".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Standing {
    /// Own policies allow it.
    #[default]
    Delegated,
    /// Own policies do not allow it, and no boundary withholds it.
    Held,
    /// A boundary withholds it too.
    Direct,
}

/// Which names have to be listed for a Deny with `NotPrincipal` to spare a requester. AWS's page says that one "might"
/// be denied whose account is not listed too, so both are asked: see `docs/access-model.md`, "Two readings".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Sparing {
    /// All that it answers to: the session, its role and its account.
    #[default]
    Session,
    /// Of a session its role and its account, of a user the user and its account.
    Role,
    /// One of them.
    Any,
}

/// The session name that stands for any: no real one is called so.
pub const ANY_SESSION: &str = "*";

impl Name {
    /// Reads a name under `kind` (`AWS`, `Service`, ...); a bare account id is an account of `partition`.
    pub fn read(kind: &str, text: &str, partition: &str) -> Name {
        if kind == "AWS" || kind == "*" {
            if text == "*" {
                return Name::Everyone;
            }
            if let Some(name) = arn(text) {
                return name;
            }
            let token = text.starts_with("${AWS::AccountId}");
            if token || (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())) {
                return Name::Account { partition: partition.to_owned(), account: text.to_owned() };
            }
        }
        Name::Other { kind: kind.to_owned(), text: text.to_owned() }
    }
}

fn arn(text: &str) -> Option<Name> {
    let mut parts = text.splitn(6, ':');
    let (head, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    // a token such as ${AWS::AccountId} holds colons
    let rest = text.get(head.len() + partition.len() + service.len() + 3..)?;
    let rest = rest.strip_prefix(':')?;
    let (account, resource) = match rest.strip_prefix("${") {
        Some(token) => {
            let (name, resource) = token.split_once("}:")?;
            (format!("${{{name}}}"), resource)
        }
        None => rest.split_once(':').map(|(account, rest)| (account.to_owned(), rest))?,
    };
    let partition = partition.to_owned();
    if head != "arn" {
        return None;
    }
    match (service, resource.split_once('/')) {
        ("iam", None) if resource == "root" => Some(Name::Account { partition, account }),
        ("iam", Some(("role", path))) => {
            Some(Name::Role { partition, account, path: path.to_owned() })
        }
        ("iam", Some(("user", path))) => {
            Some(Name::User { partition, account, path: path.to_owned() })
        }
        ("sts", Some(("assumed-role", rest))) => {
            let (role, session) = rest.split_once('/')?;
            let (role, session) = (role.to_owned(), session.to_owned());
            Some(Name::Session { partition, account, role, session })
        }
        _ => None,
    }
}

impl Requester {
    /// Reads what a request says of its maker: `anonymous`, or a name under a kind as policies write them. A role's ARN
    /// is a session of it with any name.
    pub fn read(kind: &str, text: &str) -> Requester {
        match Name::read(kind, text, "aws") {
            Name::Everyone => Requester::Anonymous,
            Name::Account { partition, account } | Name::Within { partition, account } => {
                Requester::Root { partition, account }
            }
            Name::User { partition, account, path } => Requester::User { partition, account, path },
            Name::Role { partition, account, path } => {
                Requester::Role { partition, account, path, session: ANY_SESSION.to_owned() }
            }
            Name::Session { partition, account, role, session } => {
                Requester::Role { partition, account, path: role, session }
            }
            Name::Other { kind, text } => Requester::Other { kind, text },
        }
    }

    /// The names that it answers to, the widest first, and how a grant to each reaches it. Nobody's are none.
    pub fn names(&self) -> Vec<(Name, Standing)> {
        use Standing::{Delegated, Direct, Held};
        match self.clone() {
            Requester::Anonymous => Vec::new(),
            Requester::Root { partition, account } => {
                vec![(Name::Account { partition, account }, Direct)]
            }
            Requester::User { partition, account, path } => vec![
                (
                    Name::Account { partition: partition.clone(), account: account.clone() },
                    Delegated,
                ),
                (Name::User { partition, account, path }, Direct),
            ],
            Requester::Role { partition, account, path, session } => {
                let role = path.rsplit('/').next().unwrap_or(&path).to_owned();
                let both = || (partition.clone(), account.clone());
                let ((p1, a1), (p2, a2)) = (both(), both());
                vec![
                    (Name::Account { partition: p1, account: a1 }, Delegated),
                    (Name::Role { partition: p2, account: a2, path }, Held),
                    (Name::Session { partition, account, role, session }, Direct),
                ]
            }
            Requester::Other { kind, text } => vec![(Name::Other { kind, text }, Direct)],
        }
    }

    /// How directly a grant to a name reaches it; `None` if it does not. Of the names that it answers to what
    /// [`Requester::names`] says, without writing them out.
    fn reached_by(&self, name: &Name) -> Option<Standing> {
        use Standing::{Delegated, Direct, Held};
        let of = |is: bool, standing| is.then_some(standing);
        match (name, self) {
            (Name::Everyone, _) => Some(Direct),
            (Name::Within { partition, account }, _) => {
                of(self.account() == Some((partition, account)), Direct)
            }
            (Name::Account { partition, account }, _) => {
                let standing =
                    if matches!(self, Requester::Root { .. }) { Direct } else { Delegated };
                of(self.account() == Some((partition, account)), standing)
            }
            (
                Name::User { partition, account, path },
                Requester::User { partition: p, account: a, path: own },
            ) => of((partition, account, path) == (p, a, own), Direct),
            (
                Name::Role { partition, account, path },
                Requester::Role { partition: p, account: a, path: own, .. },
            ) => of((partition, account, path) == (p, a, own), Held),
            (
                Name::Session { partition, account, role, session },
                Requester::Role { partition: p, account: a, path, session: own },
            ) => {
                let last = path.rsplit('/').next().unwrap_or(path);
                let same = (partition, account, session) == (p, a, own) && role == last;
                of(same, Direct)
            }
            (Name::Other { kind, text }, Requester::Other { kind: own, text: theirs }) => {
                of(kind == own && (text == "*" || text == theirs), Direct)
            }
            _ => None,
        }
    }

    /// Its partition and account, if it has one.
    pub fn account(&self) -> Option<(&str, &str)> {
        match self {
            Requester::Root { partition, account }
            | Requester::User { partition, account, .. }
            | Requester::Role { partition, account, .. } => Some((partition, account)),
            Requester::Anonymous | Requester::Other { .. } => None,
        }
    }

    /// What `aws:PrincipalArn` holds: of a session the role's ARN.
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Requester::Root { partition, account } => {
                Some(format!("arn:{partition}:iam::{account}:root"))
            }
            Requester::User { partition, account, path } => {
                Some(format!("arn:{partition}:iam::{account}:user/{path}"))
            }
            Requester::Role { partition, account, path, .. } => {
                Some(format!("arn:{partition}:iam::{account}:role/{path}"))
            }
            Requester::Anonymous | Requester::Other { .. } => None,
        }
    }

    /// Kind and text as policies write them: `("AWS", "arn:...")`. A session with any name is its role.
    pub fn written(&self) -> (&str, String) {
        match self {
            Requester::Anonymous => ("*", "anonymous".to_owned()),
            Requester::Role { partition, account, path, session } if session != ANY_SESSION => {
                let role = path.rsplit('/').next().unwrap_or(path);
                ("AWS", format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}"))
            }
            Requester::Other { kind, text } => (kind, text.clone()),
            other => ("AWS", other.principal_arn().unwrap_or_default()),
        }
    }
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written().1)
    }
}

/// How directly `names` reach a requester; `None` if they do not.
pub fn reach(names: &[Name], who: &Requester) -> Option<Standing> {
    names.iter().filter_map(|name| who.reached_by(name)).max()
}

/// Whether a Deny with `NotPrincipal` leaves a requester out.
pub fn spared(names: &[Name], who: &Requester, sparing: Sparing) -> bool {
    let own = who.names();
    let every = |own: &[(Name, Standing)]| {
        !own.is_empty() && own.iter().all(|(name, _)| names.contains(name))
    };
    let is_session = |(name, _): &(Name, Standing)| matches!(name, Name::Session { .. });
    names.contains(&Name::Everyone)
        || match sparing {
            Sparing::Session => every(&own),
            Sparing::Role => {
                let role: Vec<_> = own.iter().filter(|one| !is_session(one)).cloned().collect();
                every(&role)
            }
            Sparing::Any => reach(names, who).is_some(),
        }
}

/// Whether a statement's principals apply to a requester whose own policies give the help that `standing` says.
pub fn apply(
    listed: &Listed<Name>,
    effect: Effect,
    who: &Requester,
    standing: Standing,
    sparing: Sparing,
) -> bool {
    let names = &listed.items;
    match (listed.not, effect) {
        (false, Effect::Allow) => reach(names, who).is_some_and(|reach| reach >= standing),
        (false, Effect::Deny) => reach(names, who).is_some(),
        (true, Effect::Deny) => !spared(names, who, sparing),
        (true, Effect::Allow) => reach(names, who).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_its_root_and_holds_its_roles() {
        let id = Name::read("AWS", "111122223333", "aws");
        assert_eq!(id, Name::read("AWS", "arn:aws:iam::111122223333:root", "aws"));
        assert_ne!(id, Name::read("AWS", "arn:aws-cn:iam::111122223333:root", "aws"));
        let role = Requester::read("AWS", "arn:aws:iam::111122223333:role/path/a");
        let named = |names: &[Name], who| reach(names, who).is_some();
        assert!(named(std::slice::from_ref(&id), &role));
        let session = "arn:aws:sts::111122223333:assumed-role/a/bob";
        assert!(!named(&[Name::read("AWS", session, "aws")], &role));
        let bob = Requester::read("AWS", session);
        assert!(named(&[Name::read("AWS", "arn:aws:iam::111122223333:role/a", "aws")], &bob));
        assert!(!named(std::slice::from_ref(&id), &Requester::Anonymous));
        let token = Name::read("AWS", "arn:aws:iam::${AWS::AccountId}:root", "aws");
        assert!(matches!(token, Name::Account { account, .. } if account == "${AWS::AccountId}"));
    }

    #[test]
    fn each_name_that_a_requester_answers_to_reaches_it_and_no_other() {
        let all: Vec<Requester> = [
            "*",
            "111122223333",
            "444455556666",
            "arn:aws:iam::111122223333:user/a",
            "arn:aws:iam::111122223333:role/path/a",
            "arn:aws:iam::444455556666:role/path/a",
            "arn:aws:sts::111122223333:assumed-role/a/bob",
            "someone",
        ]
        .map(|text| Requester::read("AWS", text))
        .into_iter()
        .chain(["s3.amazonaws.com", "*"].map(|text| Requester::read("Service", text)))
        .collect();
        for who in &all {
            for name in all.iter().flat_map(Requester::names).map(|(name, _)| name) {
                let own = who.names().into_iter().find(|(own, _)| *own == name);
                let any = matches!((&name, who), (Name::Other { kind, text }, Requester::Other { kind: own, .. }) if text == "*" && kind == own);
                let expected = if any { Some(Standing::Direct) } else { own.map(|(_, it)| it) };
                assert_eq!(who.reached_by(&name), expected, "{who:?} {name:?}");
            }
        }
    }

    #[test]
    fn not_principal_spares_by_every_name_or_by_any() {
        let user = Requester::read("AWS", "arn:aws:iam::111122223333:user/bob");
        let own = Name::read("AWS", "arn:aws:iam::111122223333:user/bob", "aws");
        let account = Name::read("AWS", "111122223333", "aws");
        assert!(!spared(std::slice::from_ref(&own), &user, Sparing::Role));
        assert!(spared(std::slice::from_ref(&own), &user, Sparing::Any));
        assert!(spared(&[own, account.clone()], &user, Sparing::Session));
        let session = Requester::read("AWS", "arn:aws:iam::111122223333:role/a");
        let both = [Name::read("AWS", "arn:aws:iam::111122223333:role/a", "aws"), account];
        assert!(spared(&both, &session, Sparing::Role));
        assert!(!spared(&both, &session, Sparing::Session));
        for sparing in [Sparing::Session, Sparing::Role, Sparing::Any] {
            assert!(!spared(&[], &Requester::Anonymous, sparing));
            assert!(!spared(&[], &user, sparing));
        }
    }
}
