//! What AWS says of context keys that hang together: requests that cannot be.
//!
//! Each axiom is one or more boxes that the search avoids like a Deny. They are added only where the documents name the
//! keys. Source: IAM User Guide, "AWS global condition context keys", the entry of each key; the table with what each
//! says is in `docs/access-model.md`, "Axioms".

use std::collections::BTreeSet;

use super::Kind;
use super::glob::{Glob, Letter, Tok};
use super::lower::points;
use super::model::{Line, Model};
use super::principal::Requester;
use super::search::{AXIOM, Boxed};
use super::space::{DimensionId, Language, Literal, LiteralId};

/// The boxes that no request lies in, each with the key that it is about.
pub fn boxes(model: &mut Model, kind: Kind) -> (Vec<Boxed>, Vec<String>) {
    let mut axioms = Axioms { model, boxes: Vec::new(), names: Vec::new() };
    axioms.endpoint_hides_address();
    axioms.account_of_arn("aws:resourceaccount", None);
    axioms.account_of_arn("aws:sourceaccount", Some("aws:sourcearn"));
    match kind {
        Kind::Identity => axioms.identities_are_no_services(),
        Kind::Trust | Kind::Resource => axioms.principals(),
    }
    (axioms.boxes, axioms.names)
}

struct Axioms<'m> {
    model: &'m mut Model,
    boxes: Vec<Boxed>,
    names: Vec<String>,
}

/// A pattern of an ARN in which wildcards stay in their part.
fn arn(text: &str) -> Glob {
    let mut colons = 0;
    let mut toks = Vec::new();
    for c in text.chars() {
        let free = colons >= 5;
        toks.push(match c {
            '*' => Tok::Star { free },
            '?' => Tok::One { free },
            c => {
                colons += usize::from(c == ':');
                Tok::Char(c as Letter)
            }
        });
    }
    Glob { toks, sure: true }
}

impl Axioms<'_> {
    fn forbid(&mut self, key: DimensionId, literals: Vec<LiteralId>) {
        self.boxes.push(Boxed { literals, statement: AXIOM + self.boxes.len() });
        self.names.push(self.model.space.dimensions[usize::from(key)].name.clone());
    }

    /// A key that holds text.
    fn text(&self, key: &str) -> Option<DimensionId> {
        let key = self.model.keys.get(key)?;
        matches!(key.line, Line::Text).then_some(key.dimension)
    }

    fn key(&self, key: &str) -> Option<DimensionId> {
        self.model.keys.get(key).map(|key| key.dimension)
    }

    fn literal(
        &mut self,
        dimension: DimensionId,
        absent: bool,
        inside: bool,
        language: Language,
    ) -> LiteralId {
        let language = self.model.space.language(language);
        let every = !inside;
        self.model.space.literal(Literal { dimension, absent, every, language, inside })
    }

    fn present(&mut self, dimension: DimensionId) -> LiteralId {
        self.literal(dimension, false, true, Language::All)
    }

    fn among(&mut self, dimension: DimensionId, globs: Vec<Glob>) -> LiteralId {
        self.literal(dimension, false, true, Language::Globs(globs))
    }

    /// Absent, or something else.
    fn other(&mut self, dimension: DimensionId, globs: Vec<Glob>) -> LiteralId {
        self.literal(dimension, true, false, Language::Globs(globs))
    }

    /// "not in requests that use a VPC endpoint": `aws:SourceIp`.
    fn endpoint_hides_address(&mut self) {
        let Some(address) = self.key("aws:sourceip") else { return };
        for name in ["aws:sourcevpce", "aws:sourcevpc"] {
            if let Some(endpoint) = self.key(name) {
                let both = vec![self.present(endpoint), self.present(address)];
                self.forbid(endpoint, both);
            }
        }
    }

    /// The account in an ARN is the account of what it names.
    fn account_of_arn(&mut self, account_key: &str, arn_key: Option<&str>) {
        let Some(account) = self.text(account_key) else { return };
        let named = match arn_key {
            Some(key) => self.text(key),
            None => self.model.resource,
        };
        let Some(named) = named else { return };
        for own in self.model.accounts.clone() {
            let of_own = arn(&format!("arn:*:*:*:{own}:*"));
            let in_own = self.among(named, vec![of_own.clone()]);
            let elsewhere = {
                let language =
                    self.model.space.language(Language::Globs(vec![Glob::literal(&own)]));
                self.model.space.literal(Literal {
                    dimension: account,
                    absent: false,
                    every: true,
                    language,
                    inside: false,
                })
            };
            self.forbid(account, vec![in_own, elsewhere]);
            let somewhere = self.among(named, vec![arn("arn:*:*:*:?*:*")]);
            let not_own = self.among(named, vec![of_own]) ^ 1;
            let is_own = self.among(account, vec![Glob::literal(&own)]);
            self.forbid(account, vec![somewhere, not_own, is_own]);
        }
    }

    fn identities_are_no_services(&mut self) {
        if let Some(key) = self.text("aws:principalisawsservice") {
            let is_service = self.among(key, vec![Glob::literal("true")]);
            self.forbid(key, vec![is_service]);
        }
    }

    fn principals(&mut self) {
        let Some(principal) = self.model.principal else { return };
        let requesters = self.model.requesters.clone();
        let of = |axioms: &mut Self, wanted: &dyn Fn(&Requester) -> bool| {
            let members: Vec<bool> = requesters.iter().map(wanted).collect();
            axioms.literal(principal, false, true, points(&members))
        };
        let stranger: BTreeSet<String> = requesters
            .iter()
            .filter_map(|who| who.account().map(|(_, account)| account.to_owned()))
            .filter(|account| self.model.is_stranger(account))
            .collect();
        let is_service =
            |who: &Requester| matches!(who, Requester::Other { kind, .. } if kind == "Service");
        let is_provider =
            |who: &Requester| matches!(who, Requester::Other { kind, .. } if kind == "Federated");
        let keys: Vec<(String, DimensionId)> =
            self.model.keys.iter().map(|(name, key)| (name.clone(), key.dimension)).collect();
        for (name, key) in keys {
            let of_signer = matches!(
                name.as_str(),
                "aws:principalarn"
                    | "aws:principalaccount"
                    | "aws:principaltype"
                    | "aws:userid"
                    | "aws:username"
            ) || name.starts_with("aws:principalorg")
                || name.starts_with("aws:principaltag/");
            let present = self.present(key);
            if of_signer {
                let unsigned = of(self, &|who| *who == Requester::Anonymous || is_service(who));
                self.forbid(key, vec![unsigned, present]);
            }
            if name == "aws:principalisawsservice" {
                let anonymous = of(self, &|who| *who == Requester::Anonymous);
                self.forbid(key, vec![anonymous, present]);
            }
            if matches!(name.as_str(), "aws:principalarn" | "aws:principalaccount") {
                let provider = of(self, &is_provider);
                self.forbid(key, vec![provider, present]);
            }
        }
        if let Some(key) = self.text("aws:principalisawsservice") {
            let service = of(self, &is_service);
            let is_true = self.among(key, vec![Glob::literal("true")]);
            let present = self.present(key);
            self.forbid(key, vec![service, is_true ^ 1, present]);
            self.forbid(key, vec![service ^ 1, is_true]);
        }
        if let Some(key) = self.text("aws:principaltype") {
            for (kind, word) in [(0, "Account"), (1, "User"), (2, "AssumedRole")] {
                let own = of(self, &|who| match who {
                    Requester::Root { .. } => kind == 0,
                    Requester::User { .. } => kind == 1,
                    // the account that stands for others is not only its roles
                    Requester::Role { account, .. } => kind == 2 && !stranger.contains(account),
                    _ => false,
                });
                let present = self.present(key);
                let mut words = vec![Glob::literal(word)];
                if kind == 1 {
                    words.push(Glob::literal("FederatedUser"));
                }
                let wrong = self.other(key, words);
                self.forbid(key, vec![own, wrong, present]);
            }
        }
        if let Some(key) = self.text("aws:principalaccount") {
            let accounts: BTreeSet<String> =
                requesters.iter().filter_map(|who| who.account().map(|a| a.1.to_owned())).collect();
            let present = self.present(key);
            for account in &accounts {
                let own = of(self, &|who| who.account().is_some_and(|a| a.1 == account));
                if stranger.contains(account) {
                    // any account that is not named
                    let named = accounts.iter().filter(|a| *a != account);
                    let named = named.map(|account| Glob::literal(account)).collect();
                    let one_named = self.among(key, named);
                    self.forbid(key, vec![own, one_named]);
                } else {
                    let wrong = self.other(key, vec![Glob::literal(account)]);
                    self.forbid(key, vec![own, wrong, present]);
                }
            }
        }
        if let Some(key) = self.text("aws:principalarn") {
            self.principal_arns(&requesters, key, principal);
        }
    }

    /// `aws:PrincipalArn` is the ARN of the requester; of one that stands for others, an ARN of such.
    fn principal_arns(
        &mut self,
        requesters: &[Requester],
        key: DimensionId,
        principal: DimensionId,
    ) {
        let known: Vec<Glob> = requesters
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.model.unnamed.contains(at))
            .filter_map(|(_, who)| who.principal_arn())
            .map(|arn| Glob::literal(&arn))
            .collect();
        let present = self.present(key);
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
                let other = self.other(key, vec![Glob::literal(&own)]);
                self.forbid(key, vec![is_who, other, present]);
                continue;
            }
            let (partition, account) = who.account().unwrap_or_default();
            let globs = if self.model.is_stranger(account) {
                ["iam::*:role/*", "iam::*:user/*", "iam::*:root", "sts::*:federated-user/*"]
                    .map(|rest| arn(&format!("arn:*:{rest}")))
                    .into()
            } else if matches!(who, Requester::User { .. }) {
                // a federated user is a session of the account that is no role's
                ["iam", "sts"]
                    .map(|service| {
                        let kind = if service == "iam" { "user" } else { "federated-user" };
                        arn(&format!("arn:{partition}:{service}::{account}:{kind}/*"))
                    })
                    .into()
            } else {
                vec![arn(&format!("arn:{partition}:iam::{account}:role/*"))]
            };
            let other = self.other(key, globs);
            self.forbid(key, vec![is_who, other, present]);
            let mut taken = known.clone();
            if self.model.is_stranger(account) {
                let accounts = requesters.iter().filter_map(Requester::account);
                let named = accounts.filter(|(_, own)| *own != account);
                taken.extend(named.map(|(p, own)| arn(&format!("arn:{p}:*::{own}:*"))));
            }
            if !taken.is_empty() {
                let taken = self.among(key, taken);
                self.forbid(key, vec![is_who, taken]);
            }
        }
    }
}
