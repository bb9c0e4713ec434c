//! What the keys say of whoever makes a request: its ARN, its account, its kind, its name.
//!
//! In go the requesters of the model; out come boxes, as in [`super::axioms`]. A requester that stands for others has
//! the values of any of them, and none of those that are named. A token of a template in a name is its letter where
//! something is compared with it, and any text where nothing is.

use std::collections::BTreeSet;

use super::axioms::{ACCOUNT, Axioms, SOME, arn};
use super::glob::Glob;
use super::lower::points;
use super::presence::Caller;
use super::principal::Requester;
use super::space::{DimensionId, LiteralId};

impl Axioms<'_> {
    /// Whoever holds an identity's policy: a user, a session of a role, or a federated user with a user's policies.
    pub fn holders(&mut self) {
        if let Some(key) = self.text("aws:principalisawsservice") {
            let is_service = self.wrong(key, vec![Glob::literal("false")]);
            self.forbid(key, vec![is_service]);
        }
        if let Some(key) = self.text("aws:principalarn") {
            let forms =
                ["role/?*", "user/?*"].map(|rest| arn(&format!("{SOME}:iam::{ACCOUNT}:{rest}")));
            let session = arn(&format!("{SOME}:sts::{ACCOUNT}:federated-user/?*"));
            let forms: Vec<Glob> = forms.into_iter().chain([session]).collect();
            let other = self.wrong(key, forms);
            self.forbid(key, vec![other]);
        }
        for key in ["aws:principalaccount", "aws:principaltype", "aws:userid"] {
            let Some(key) = self.text(key) else { continue };
            let nobody = ["anonymous", "Anonymous"].map(Glob::literal);
            let nobody = self.among(key, nobody.into());
            self.forbid(key, vec![nobody]);
        }
        if let Some(key) = self.text("aws:principalaccount") {
            let no_account = self.wrong(key, vec![arn(ACCOUNT)]);
            self.forbid(key, vec![no_account]);
        }
        self.account_of_arn("aws:principalaccount", Some("aws:principalarn"));
        self.names_of_users();
    }

    /// A user has a name of at least one character (IAM API reference, CreateUser).
    fn names_of_users(&mut self) {
        if let Some(key) = self.text("aws:username") {
            let no_name = self.wrong(key, vec![arn("?*")]);
            self.forbid(key, vec![no_name]);
        }
    }

    pub fn principals(&mut self) {
        let Some(principal) = self.model.principal else { return };
        let requesters = self.model.requesters.clone();
        let stranger: BTreeSet<String> = requesters
            .iter()
            .filter_map(|who| who.account().map(|(_, account)| account.to_owned()))
            .filter(|account| self.model.is_stranger(account))
            .collect();
        let is_service = |who: &Requester| Caller::of(who) == Caller::Service;
        let of_nobody =
            |who: &Requester| matches!(Caller::of(who), Caller::Service | Caller::Vouched);
        // "Principal key values": what the anonymous have, and nobody else
        for (key, word) in [
            ("aws:principalaccount", "anonymous"),
            ("aws:principaltype", "Anonymous"),
            ("aws:userid", "anonymous"),
        ] {
            let Some(key) = self.text(key) else { continue };
            let Some(nobody) = self.who(&requesters, |who| *who == Requester::Anonymous) else {
                continue;
            };
            let other = self.wrong(key, vec![Glob::literal(word)]);
            self.forbid(key, vec![nobody, other]);
            let is_word = self.among(key, vec![Glob::literal(word)]);
            self.forbid(key, vec![nobody ^ 1, is_word]);
        }
        if let Some(key) = self.text("aws:principalisawsservice") {
            for (of_services, word) in [(true, "true"), (false, "false")] {
                let own = self.who(&requesters, |who| is_service(who) == of_services);
                let Some(own) = own else { continue };
                let other = self.wrong(key, vec![Glob::literal(word)]);
                self.forbid(key, vec![own, other]);
            }
        }
        if let Some(key) = self.text("aws:principalservicename") {
            self.service_names(&requesters, key);
        }
        if let Some(key) = self.text("aws:principaltype") {
            let unnamed: Vec<Requester> =
                self.model.unnamed.iter().map(|at| requesters[*at].clone()).collect();
            let of_user: [(bool, &[&str]); 2] =
                [(false, &["User"]), (true, &["User", "FederatedUser"])];
            let mut kinds: Vec<(Option<LiteralId>, &[&str])> = of_user
                .into_iter()
                .map(|(is_unnamed, words)| {
                    let own = self.who(&requesters, |who| {
                        matches!(who, Requester::User { .. }) && unnamed.contains(who) == is_unnamed
                    });
                    (own, words)
                })
                .collect();
            let root = self.who(&requesters, |who| matches!(who, Requester::Root { .. }));
            let role = self.who(&requesters, |who| matches!(who, Requester::Role { .. }));
            kinds.extend([(root, &["Account"][..]), (role, &["AssumedRole"])]);
            for (own, words) in kinds {
                let Some(own) = own else { continue };
                let words = words.iter().map(|word| Glob::literal(word)).collect();
                let wrong = self.wrong(key, words);
                self.forbid(key, vec![own, wrong]);
            }
        }
        if let Some(key) = self.text("aws:principalaccount") {
            let accounts: BTreeSet<String> =
                requesters.iter().filter_map(|who| who.account().map(|a| a.1.to_owned())).collect();
            for account in &accounts {
                let own =
                    self.who(&requesters, |who| who.account().is_some_and(|a| a.1 == account));
                let Some(own) = own else { continue };
                if stranger.contains(account) {
                    // any account that is not named
                    let named = accounts.iter().filter(|a| *a != account);
                    let named = named.filter_map(|account| self.exact(account)).collect();
                    let one_named = self.among(key, named);
                    self.forbid(key, vec![own, one_named]);
                    let no_account = self.wrong(key, vec![arn(ACCOUNT)]);
                    self.forbid(key, vec![own, no_account]);
                } else {
                    let wrong = self.wrong(key, vec![self.as_it_is(account)]);
                    self.forbid(key, vec![own, wrong]);
                }
            }
            if let Some(who) = self.who(&requesters, of_nobody) {
                let account = self.among(key, vec![arn(ACCOUNT)]);
                self.forbid(key, vec![who, account]);
            }
        }
        if let Some(key) = self.text("aws:username") {
            self.user_names(&requesters, key);
        }
        self.names_of_users();
        if let Some(key) = self.text("aws:principalarn") {
            self.principal_arns(&requesters, key, principal);
            if let Some(who) = self.who(&requesters, of_nobody) {
                let forms = ["arn:*:iam::*:*", "arn:*:sts::*:*"].map(arn);
                let of_account = self.among(key, forms.into());
                self.forbid(key, vec![who, of_account]);
            }
        }
    }

    /// A service that is named has not the name of another that is, and one that is not named has none of these.
    fn service_names(&mut self, requesters: &[Requester], key: DimensionId) {
        let unnamed = self.model.unnamed.clone();
        let named = |except: Option<&Requester>| -> Vec<Glob> {
            let others = requesters.iter().enumerate().filter(|(at, who)| {
                !unnamed.contains(at) && Caller::of(who) == Caller::Service && Some(*who) != except
            });
            others.map(|(_, who)| Glob::literal(&who.written().1)).collect()
        };
        for who in requesters.iter().filter(|who| Caller::of(who) == Caller::Service) {
            let others = named(Some(who));
            if others.is_empty() {
                continue;
            }
            let Some(is_who) = self.who(requesters, |other| other == who) else { continue };
            let is_other = self.among(key, others);
            self.forbid(key, vec![is_who, is_other]);
        }
    }

    /// `aws:username` is the last part of a user's ARN; of one that is not named, no name of its account.
    fn user_names(&mut self, requesters: &[Requester], key: DimensionId) {
        let mut done: Vec<&Requester> = Vec::new();
        for (at, who) in requesters.iter().enumerate() {
            let Requester::User { path, .. } = who else { continue };
            if done.contains(&who) {
                continue;
            }
            done.push(who);
            let Some(is_who) = self.who(requesters, |other| other == who) else { continue };
            let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
            if !self.model.unnamed.contains(&at) {
                let other = self.wrong(key, vec![self.as_it_is(&name(path))]);
                self.forbid(key, vec![is_who, other]);
                // a federated user is no user that is named
                let absent = self.present(key) ^ 1;
                self.forbid(key, vec![is_who, absent]);
                continue;
            }
            let known = requesters.iter().enumerate().filter_map(|(at, other)| match other {
                Requester::User { path, .. }
                    if !self.model.unnamed.contains(&at) && other.account() == who.account() =>
                {
                    self.exact(&name(path))
                }
                _ => None,
            });
            let known: Vec<Glob> = known.collect();
            if !known.is_empty() {
                let taken = self.among(key, known);
                self.forbid(key, vec![is_who, taken]);
            }
        }
    }

    /// `aws:PrincipalArn` is the ARN of the requester; of one that stands for others, an ARN of such.
    fn principal_arns(
        &mut self,
        requesters: &[Requester],
        key: DimensionId,
        principal: DimensionId,
    ) {
        let known: Vec<(&Requester, Glob)> = requesters
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.model.unnamed.contains(at))
            .filter_map(|(_, who)| Some((who, self.exact(&who.principal_arn()?)?)))
            .collect();
        let mut done: Vec<&Requester> = Vec::new();
        for (at, who) in requesters.iter().enumerate() {
            let Some(own) = who.principal_arn() else { continue };
            if done.contains(&who) {
                continue;
            }
            done.push(who);
            let members: Vec<bool> = requesters.iter().map(|other| other == who).collect();
            let is_who = self.literal(principal, false, true, points(&members));
            if !self.model.unnamed.contains(&at) {
                let other = self.wrong(key, vec![self.as_it_is(&own)]);
                self.forbid(key, vec![is_who, other]);
                continue;
            }
            let (partition, account) = who.account().unwrap_or_default();
            let is_stranger = self.model.is_stranger(account);
            let form = |service: &str, rest: &str| match is_stranger {
                true => arn(&format!("{SOME}:{service}::{ACCOUNT}:{rest}")),
                false => self.as_it_is(&format!("arn:{partition}:{service}::{account}:{rest}")),
            };
            let globs = match who {
                Requester::Root { .. } => vec![form("iam", "root")],
                // a federated user is a session of the account that is no role's
                Requester::User { .. } => {
                    vec![form("iam", "user/?*"), form("sts", "federated-user/?*")]
                }
                _ => vec![form("iam", "role/?*")],
            };
            let other = self.wrong(key, globs);
            self.forbid(key, vec![is_who, other]);
            // an account that a token stands for may be one that is named, and so may its principals
            let own = known.iter().filter(|(other, _)| other.account() == who.account());
            let mut taken: Vec<Glob> = own.map(|(_, glob)| glob.clone()).collect();
            if is_stranger {
                let accounts = requesters.iter().filter_map(Requester::account);
                let named = accounts.filter(|(_, own)| *own != account);
                let named = named.filter_map(|(p, own)| self.exact(&format!("arn:{p}:*::{own}:*")));
                taken.extend(named);
            }
            if !taken.is_empty() {
                let taken = self.among(key, taken);
                self.forbid(key, vec![is_who, taken]);
            }
        }
    }
}
