//! What AWS says of context keys that hang together: requests that cannot be.
//!
//! Each axiom is one or more boxes that the search avoids like a Deny. They are added only where the documents name the
//! keys. In which requests a key is stands in [`super::presence`], what its values say here and in [`super::askers`]. Source: IAM User Guide, "AWS
//! global condition context keys", the entry of each key, and "Variables and tags", "Principal key values"; the table
//! with what each says is in `docs/access-model.md`, "Axioms".

use super::Kind;
use super::glob::{Glob, Letter, Tok};
use super::lower::points;
use super::model::{Line, Model, Symbol};
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

/// The boxes so far.
pub struct Axioms<'m> {
    pub model: &'m mut Model,
    boxes: Vec<Boxed>,
    names: Vec<String>,
}

/// An account's id, and how an ARN of some partition begins.
pub const ACCOUNT: &str = "????????????";
pub const SOME: &str = "arn:aws*";

/// A pattern of an ARN in which wildcards stay in their part; a token of a template is read as any text.
pub fn arn(text: &str) -> Glob {
    pattern(text, |_| Some(Tok::Star { free: false })).unwrap_or_else(Glob::all)
}

/// The pattern with `token` in the place of each `${Token}`; `None` if there is no letter for one.
fn pattern(text: &str, token: impl Fn(&str) -> Option<Tok>) -> Option<Glob> {
    let (mut colons, mut toks, mut rest) = (0, Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        if let Some((name, behind)) = rest.strip_prefix("${").and_then(|rest| rest.split_once('}'))
        {
            toks.push(token(name)?);
            rest = behind;
            continue;
        }
        let free = colons >= 5;
        toks.push(match c {
            '*' => Tok::Star { free },
            '?' => Tok::One { free },
            c => {
                colons += usize::from(c == ':');
                Tok::Char(c as Letter)
            }
        });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    Some(Glob { toks, sure: true })
}

impl Axioms<'_> {
    pub fn forbid(&mut self, key: DimensionId, literals: Vec<LiteralId>) {
        self.boxes.push(Boxed { literals, statement: AXIOM + self.boxes.len() });
        self.names.push(self.model.space.dimensions[usize::from(key)].name.clone());
    }

    /// Just this text, with the letters of the tokens in it; `None` where the documents do not compare one of them.
    pub fn exact(&self, text: &str) -> Option<Glob> {
        pattern(text, |name| {
            let symbol = Symbol::Token(name.to_owned());
            let is_known = self.model.symbols.contains(&symbol);
            is_known.then(|| Tok::Char(self.model.symbol(&symbol)))
        })
    }

    /// What a text can be: with any text in the place of tokens that nothing is compared with.
    pub fn as_it_is(&self, text: &str) -> Glob {
        self.exact(text).unwrap_or_else(|| arn(text))
    }

    /// A key that holds text.
    pub fn text(&self, key: &str) -> Option<DimensionId> {
        let key = self.model.keys.get(key)?;
        matches!(key.line, Line::Text).then_some(key.dimension)
    }

    fn key(&self, key: &str) -> Option<DimensionId> {
        self.model.keys.get(key).map(|key| key.dimension)
    }

    pub fn literal(
        &mut self,
        dimension: DimensionId,
        absent: bool,
        inside: bool,
        language: Language,
    ) -> LiteralId {
        let language = self.model.space.language(language);
        self.model.space.literal(Literal { dimension, absent, every: false, language, inside })
    }

    pub fn present(&mut self, dimension: DimensionId) -> LiteralId {
        self.literal(dimension, false, true, Language::All)
    }

    pub fn among(&mut self, dimension: DimensionId, globs: Vec<Glob>) -> LiteralId {
        self.literal(dimension, false, true, Language::Globs(globs))
    }

    /// Some value is something else.
    pub fn wrong(&mut self, dimension: DimensionId, globs: Vec<Glob>) -> LiteralId {
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
    pub fn account_of_arn(&mut self, account_key: &str, arn_key: Option<&str>) {
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
    pub fn who(
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
}
