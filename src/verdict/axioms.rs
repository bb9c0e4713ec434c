//! What AWS says of context keys that hang together: requests that cannot be.
//!
//! Each axiom is one or more boxes that the search avoids like a Deny. They are added only where the documents name the
//! keys. In which requests a key is stands in [`super::presence`], what its values say here. Source: IAM User Guide, "AWS
//! global condition context keys", the entry of each key, and "Variables and tags", "Principal key values"; the table
//! with what each says is in `docs/access-model.md`, "Axioms".

use std::collections::BTreeSet;

use super::Kind;
use super::glob::{Glob, Letter, Tok};
use super::lower::points;
use super::model::{Line, Model};
use super::presence::{Caller, There, there};
use super::principal::Requester;
use super::search::{AXIOM, Boxed};
use super::space::{DimensionId, Language, Literal, LiteralId};

/// The boxes that no request lies in, each with the key that it is about.
pub fn boxes(model: &mut Model, kind: Kind) -> (Vec<Boxed>, Vec<String>) {
    let mut axioms = Axioms { model, boxes: Vec::new(), names: Vec::new() };
    axioms.endpoint_hides_address();
    axioms.account_of_arn("aws:resourceaccount", None);
    axioms.account_of_arn("aws:sourceaccount", Some("aws:sourcearn"));
    axioms.presence(kind);
    axioms.kinds_of_principals();
    match kind {
        Kind::Identity => axioms.holders(),
        Kind::Trust | Kind::Resource => axioms.principals(),
    }
    (axioms.boxes, axioms.names)
}

struct Axioms<'m> {
    model: &'m mut Model,
    boxes: Vec<Boxed>,
    names: Vec<String>,
}

/// An account's id.
const ACCOUNT: &str = "????????????";

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
        self.model.space.literal(Literal { dimension, absent, every: false, language, inside })
    }

    fn present(&mut self, dimension: DimensionId) -> LiteralId {
        self.literal(dimension, false, true, Language::All)
    }

    fn among(&mut self, dimension: DimensionId, globs: Vec<Glob>) -> LiteralId {
        self.literal(dimension, false, true, Language::Globs(globs))
    }

    /// Some value is something else.
    fn wrong(&mut self, dimension: DimensionId, globs: Vec<Glob>) -> LiteralId {
        self.literal(dimension, false, false, Language::Globs(globs))
    }

    /// `aws:SourceIp` is there "except when the requester uses a VPC endpoint", and these are "only if" it does.
    fn endpoint_hides_address(&mut self) {
        let Some(address) = self.key("aws:sourceip") else { return };
        for name in ["aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip"] {
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

    /// Requests that lack what is always there, or have what is never there.
    fn presence(&mut self, kind: Kind) {
        let requesters = self.model.requesters.clone();
        let keys: Vec<(String, DimensionId)> =
            self.model.keys.iter().map(|(name, key)| (name.clone(), key.dimension)).collect();
        for (name, key) in keys {
            for (wanted, turned) in [(There::Always, 1), (There::Never, 0)] {
                let wrong = self.present(key) ^ turned;
                if kind == Kind::Identity {
                    if there(&name, Caller::Signed) == wanted {
                        self.forbid(key, vec![wrong]);
                    }
                    continue;
                }
                let is_so = |who: &Requester| match who {
                    // "always included in the request context for IAM users [...] root user or IAM roles do not"
                    Requester::Root { .. } | Requester::Role { .. } if name == "aws:username" => {
                        wanted == There::Never
                    }
                    who => there(&name, Caller::of(who)) == wanted,
                };
                let Some(who) = self.who(&requesters, is_so) else { continue };
                self.forbid(key, vec![who, wrong]);
            }
        }
    }

    /// One of these requesters; `None` if there is none.
    fn who(
        &mut self,
        requesters: &[Requester],
        wanted: impl Fn(&Requester) -> bool,
    ) -> Option<LiteralId> {
        let principal = self.model.principal?;
        let members: Vec<bool> = requesters.iter().map(wanted).collect();
        let any = members.contains(&true);
        any.then(|| self.literal(principal, false, true, points(&members)))
    }

    /// `aws:PrincipalArn`, `aws:PrincipalType` and `aws:username` are of one kind of principal.
    fn kinds_of_principals(&mut self) {
        let (kind, name) = (self.text("aws:principaltype"), self.text("aws:username"));
        let shown = self.text("aws:principalarn");
        for (form, word) in [
            ("arn:*:iam::*:role/*", "AssumedRole"),
            ("arn:*:iam::*:user/*", "User"),
            ("arn:*:sts::*:federated-user/*", "FederatedUser"),
            ("arn:*:iam::*:root", "Account"),
        ] {
            let is_word = kind.map(|key| (key, self.among(key, vec![Glob::literal(word)])));
            let is_form = shown.map(|key| (key, self.among(key, vec![arn(form)])));
            if let (Some((_, is_form)), Some(kind)) = (is_form, kind) {
                let other = self.wrong(kind, vec![Glob::literal(word)]);
                self.forbid(kind, vec![is_form, other]);
            }
            let Some(name) = name else { continue };
            let wrong = self.present(name) ^ LiteralId::from(word == "User");
            for (key, is) in is_word.into_iter().chain(is_form) {
                self.forbid(key, vec![is, wrong]);
            }
        }
    }

    /// Whoever holds an identity's policy: a user, a session of a role, or a federated user with a user's policies.
    fn holders(&mut self) {
        if let Some(key) = self.text("aws:principalisawsservice") {
            let is_service = self.among(key, vec![Glob::literal("true")]);
            self.forbid(key, vec![is_service]);
        }
        if let Some(key) = self.text("aws:principalarn") {
            let forms = ["iam::*:role/*", "iam::*:user/*", "sts::*:federated-user/*"];
            let forms = forms.map(|form| arn(&format!("arn:*:{form}")));
            let other = self.wrong(key, forms.into());
            self.forbid(key, vec![other]);
        }
        for key in ["aws:principalaccount", "aws:principaltype", "aws:userid"] {
            let Some(key) = self.text(key) else { continue };
            let nobody = ["anonymous", "Anonymous"].map(Glob::literal);
            let nobody = self.among(key, nobody.into());
            self.forbid(key, vec![nobody]);
        }
        self.account_of_arn("aws:principalaccount", Some("aws:principalarn"));
    }

    fn principals(&mut self) {
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
            let is_true = self.among(key, vec![Glob::literal("true")]);
            let other = self.wrong(key, vec![Glob::literal("true")]);
            if let Some(service) = self.who(&requesters, is_service) {
                self.forbid(key, vec![service, other]);
                self.forbid(key, vec![service ^ 1, is_true]);
            }
        }
        if let Some(key) = self.text("aws:principalservicename") {
            self.service_names(&requesters, key);
        }
        if let Some(key) = self.text("aws:principaltype") {
            for (kind, words) in
                [(0, &["Account"][..]), (1, &["User", "FederatedUser"]), (2, &["AssumedRole"])]
            {
                let own = self.who(&requesters, |who| match who {
                    Requester::Root { .. } => kind == 0,
                    Requester::User { .. } => kind == 1,
                    Requester::Role { .. } => kind == 2,
                    _ => false,
                });
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
                    let named = named.map(|account| Glob::literal(account)).collect();
                    let one_named = self.among(key, named);
                    self.forbid(key, vec![own, one_named]);
                    let no_account = self.wrong(key, vec![arn(ACCOUNT)]);
                    self.forbid(key, vec![own, no_account]);
                } else {
                    let wrong = self.wrong(key, vec![Glob::literal(account)]);
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
            let name = |path: &str| Glob::literal(path.rsplit('/').next().unwrap_or(path));
            if !self.model.unnamed.contains(&at) {
                let other = self.wrong(key, vec![name(path)]);
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
                    Some(name(path))
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
        let known: Vec<Glob> = requesters
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.model.unnamed.contains(at))
            .filter_map(|(_, who)| who.principal_arn())
            .map(|arn| Glob::literal(&arn))
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
                let other = self.wrong(key, vec![Glob::literal(&own)]);
                self.forbid(key, vec![is_who, other]);
                continue;
            }
            let (partition, account) = who.account().unwrap_or_default();
            let is_stranger = self.model.is_stranger(account);
            let of = if is_stranger { ("*", "*") } else { (partition, account) };
            let form = |service: &str, rest: &str| {
                arn(&format!("arn:{}:{service}::{}:{rest}", of.0, of.1))
            };
            let globs = match who {
                Requester::Root { .. } => vec![form("iam", "root")],
                // a federated user is a session of the account that is no role's
                Requester::User { .. } => {
                    vec![form("iam", "user/*"), form("sts", "federated-user/*")]
                }
                _ => vec![form("iam", "role/*")],
            };
            let other = self.wrong(key, globs);
            self.forbid(key, vec![is_who, other]);
            let mut taken = known.clone();
            if is_stranger {
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
