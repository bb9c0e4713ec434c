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
use super::search::Boxed;
use super::space::{DimensionId, Language, Literal, LiteralId};

/// The boxes that no request lies in.
pub fn boxes(model: &mut Model, kind: Kind) -> Vec<Boxed> {
    let mut axioms = Axioms { model, boxes: Vec::new() };
    axioms.endpoint_hides_address();
    axioms.via_service_is_called();
    axioms.account_of_arn("aws:resourceaccount", None);
    axioms.account_of_arn("aws:sourceaccount", Some("aws:sourcearn"));
    match kind {
        Kind::Identity => axioms.identities_are_no_services(),
        Kind::Trust | Kind::Resource => axioms.principals(),
    }
    axioms.boxes
}

struct Axioms<'m> {
    model: &'m mut Model,
    boxes: Vec<Boxed>,
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
    fn forbid(&mut self, literals: Vec<LiteralId>) {
        self.boxes.push(Boxed { literals, statement: usize::MAX });
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
                self.forbid(both);
            }
        }
    }

    /// A request via a service has at least one service in `aws:CalledVia`.
    fn via_service_is_called(&mut self) {
        let (Some(via), Some(called)) = (self.text("aws:viaawsservice"), self.key("aws:calledvia"))
        else {
            return;
        };
        let via = self.among(via, vec![Glob::literal("true")]);
        let called = self.present(called) ^ 1;
        self.forbid(vec![via, called]);
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
            self.forbid(vec![in_own, elsewhere]);
            let somewhere = self.among(named, vec![arn("arn:*:*:*:?*:*")]);
            let not_own = self.among(named, vec![of_own]) ^ 1;
            let is_own = self.among(account, vec![Glob::literal(&own)]);
            self.forbid(vec![somewhere, not_own, is_own]);
        }
    }

    fn identities_are_no_services(&mut self) {
        if let Some(key) = self.text("aws:principalisawsservice") {
            let is_service = self.among(key, vec![Glob::literal("true")]);
            self.forbid(vec![is_service]);
        }
    }

    fn principals(&mut self) {
        let Some(principal) = self.model.principal else { return };
        let requesters = self.model.requesters.clone();
        let of = |axioms: &mut Self, wanted: &dyn Fn(&Requester) -> bool| {
            let members: Vec<bool> = requesters.iter().map(wanted).collect();
            axioms.literal(principal, false, true, points(&members))
        };
        let is_service =
            |who: &Requester| matches!(who, Requester::Other { kind, .. } if kind == "Service");
        let is_outside = |who: &Requester| matches!(who, Requester::Other { kind, .. } if kind == "Service" || kind == "Federated");
        let keys: Vec<(String, DimensionId)> =
            self.model.keys.iter().map(|(name, key)| (name.clone(), key.dimension)).collect();
        for (name, key) in keys {
            let of_organization =
                name.starts_with("aws:principalorg") || name.starts_with("aws:principaltag/");
            let of_signer =
                matches!(name.as_str(), "aws:principalarn" | "aws:userid" | "aws:username");
            if of_organization || of_signer {
                let anonymous = of(self, &|who| *who == Requester::Anonymous);
                let present = self.present(key);
                self.forbid(vec![anonymous, present]);
            }
            if matches!(name.as_str(), "aws:principalarn" | "aws:principalaccount") {
                let outside = of(self, &is_outside);
                let present = self.present(key);
                self.forbid(vec![outside, present]);
            }
            if of_organization {
                let service = of(self, &is_service);
                let present = self.present(key);
                self.forbid(vec![service, present]);
            }
        }
        if let Some(key) = self.text("aws:principalisawsservice") {
            let service = of(self, &is_service);
            let is_true = self.among(key, vec![Glob::literal("true")]);
            self.forbid(vec![service, is_true ^ 1]);
            self.forbid(vec![service ^ 1, is_true]);
        }
        if let Some(key) = self.text("aws:principalaccount") {
            let anonymous = of(self, &|who| *who == Requester::Anonymous);
            let is_so = self.other(key, vec![Glob::literal("anonymous")]);
            let present = self.present(key);
            self.forbid(vec![anonymous, is_so, present]);
            let accounts: BTreeSet<String> =
                requesters.iter().filter_map(|who| who.account().map(|a| a.1.to_owned())).collect();
            for account in &accounts {
                let own = of(self, &|who| who.account().is_some_and(|a| a.1 == account));
                let stranger = self.model.is_stranger(account);
                let wrong = match stranger {
                    false => self.other(key, vec![Glob::literal(account)]),
                    // any account that is not named
                    true => {
                        let named = accounts.iter().filter(|a| *a != account);
                        let named = named.map(|account| Glob::literal(account)).collect();
                        let one_named = self.among(key, named);
                        self.forbid(vec![own, one_named]);
                        self.present(key) ^ 1
                    }
                };
                self.forbid(vec![own, wrong]);
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
        for (at, who) in requesters.iter().enumerate() {
            let Some(own) = who.principal_arn() else { continue };
            let members: Vec<bool> = (0..requesters.len()).map(|other| other == at).collect();
            let is_who = self.literal(principal, false, true, points(&members));
            if !self.model.unnamed.contains(&at) {
                let other = self.other(key, vec![Glob::literal(&own)]);
                self.forbid(vec![is_who, other]);
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
            self.forbid(vec![is_who, other]);
            let mut taken = known.clone();
            if self.model.is_stranger(account) {
                let accounts = requesters.iter().filter_map(Requester::account);
                let named = accounts.filter(|(_, own)| *own != account);
                taken.extend(named.map(|(p, own)| arn(&format!("arn:{p}:*::{own}:*"))));
            }
            if !taken.is_empty() {
                let taken = self.among(key, taken);
                self.forbid(vec![is_who, taken]);
            }
        }
    }
}
