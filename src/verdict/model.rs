//! The space of a comparison: which dimensions its documents name, and of what kind each is.
//!
//! In go all documents of both sides; out come the dimensions with their points, the requesters that stand for all
//! others, and symbols for variables and tokens. A key is a text unless an operator on numbers, dates or addresses
//! names it; `aws:CurrentTime` and `aws:EpochTime` are one date.
//! Read next: [`super::lower`], which makes boxes of the statements.

use std::collections::{BTreeMap, BTreeSet};

use super::Kind;
use super::glob::{FIRST_SYMBOL, Glob, Letter};
use super::limits::Budget;
use super::line::{self, Range};
use super::operator::Test;
use super::principal::{ANY_SESSION, Name, Requester, Standing};
use super::read::{Condition, Document, Statement};
use super::request::canonical;
use super::space::{Dimension, DimensionId, Language, Literal, LiteralId, Space};
use super::text::{Letters, Pattern, Piece};

/// Keys that say who holds a policy.
const HOLDER_ARN: &str = "aws:principalarn";
const HOLDER_ACCOUNT: &str = "aws:principalaccount";

/// What the values of a key are.
#[derive(Debug, Clone)]
pub enum Line {
    Text,
    Numbers(Vec<i128>),
    Dates(Vec<i128>),
    Addresses(Vec<(bool, u128)>),
}

/// A context key.
#[derive(Debug)]
pub struct Key {
    pub dimension: DimensionId,
    pub line: Line,
}

/// The space, and how to find things in it.
#[derive(Debug)]
pub struct Model {
    pub space: Space,
    pub principal: Option<DimensionId>,
    pub action: DimensionId,
    pub resource: Option<DimensionId>,
    /// By canonical name.
    pub keys: BTreeMap<String, Key>,
    /// The points of the principal dimension: who asks,
    pub requesters: Vec<Requester>,
    /// and with how much help of own policies.
    pub standings: Vec<Standing>,
    /// How many of them stand for all that the documents do not name, and where.
    pub unnamed: BTreeSet<usize>,
    /// By symbol: the variable's key or the token's name.
    pub symbols: Vec<Symbol>,
    /// Accounts that an ARN or a condition names.
    pub accounts: BTreeSet<String>,
    /// What must hold of every request: the values of truth keys.
    pub always: Vec<LiteralId>,
    /// Conditions that the model has no exact reading of: dimension and why.
    pub opaque: BTreeMap<DimensionId, String>,
}

/// What a symbol stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbol {
    Variable(String),
    Token(String),
}

#[derive(Default)]
struct Seen {
    shown: String,
    text: bool,
    number: bool,
    date: bool,
    address: bool,
    truth: bool,
    several: bool,
    cuts: Vec<i128>,
    ranges: Vec<Range>,
}

impl Model {
    /// The space of `documents`.
    pub fn new(documents: &[&Document], kind: Kind, budget: Budget) -> Model {
        let mut space = Space::new(budget);
        let plain = |name: &str| Dimension {
            name: name.to_owned(),
            optional: false,
            several: false,
            points: None,
        };
        let statements = || documents.iter().flat_map(|document| &document.statements);
        let (who, unnamed_who) = match kind {
            Kind::Identity => (Vec::new(), BTreeSet::new()),
            Kind::Trust | Kind::Resource => requesters(documents),
        };
        let (mut requesters, mut standings) = (Vec::new(), Vec::new());
        let mut unnamed = BTreeSet::new();
        // first all with the most help, so that a witness needs less of it only where it must
        for standing in [Standing::Delegated, Standing::Held, Standing::Direct] {
            for (at, who) in who.iter().enumerate() {
                let has_policies = matches!(who, Requester::User { .. } | Requester::Role { .. });
                if standing != Standing::Delegated && !has_policies {
                    continue;
                }
                if unnamed_who.contains(&at) {
                    unnamed.insert(requesters.len());
                }
                requesters.push(who.clone());
                standings.push(standing);
            }
        }
        let principal = (kind != Kind::Identity).then(|| {
            let points = requesters.iter().map(ToString::to_string).collect();
            space.dimension(Dimension { points: Some(points), ..plain("principal") })
        });
        let action = space.dimension(plain("action"));
        let resource = (kind != Kind::Trust).then(|| space.dimension(plain("resource")));
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        for condition in statements().flat_map(|statement| &statement.conditions) {
            see(&mut seen, condition);
        }
        let mut model = Model {
            space,
            principal,
            action,
            resource,
            keys: BTreeMap::new(),
            requesters,
            standings,
            unnamed,
            symbols: Vec::new(),
            accounts: accounts(documents),
            always: Vec::new(),
            opaque: BTreeMap::new(),
        };
        for statement in statements() {
            let patterns = statement.patterns();
            for pattern in patterns {
                model.see_symbols(pattern, &mut seen);
            }
        }
        for (key, seen) in seen {
            model.add_key(key, seen);
        }
        model
    }

    fn see_symbols(&mut self, pattern: &Pattern, seen: &mut BTreeMap<String, Seen>) {
        for piece in &pattern.pieces {
            let (symbol, letters) = match piece {
                Piece::Variable { key, .. } => {
                    let entry = seen.entry(canonical(key)).or_default();
                    if entry.shown.is_empty() {
                        entry.shown.clone_from(key);
                    }
                    (Symbol::Variable(canonical(key)), Letters::Any)
                }
                Piece::Token { name, letters } => (Symbol::Token(name.clone()), *letters),
                _ => continue,
            };
            if !self.symbols.contains(&symbol) {
                self.symbols.push(symbol);
                self.space.symbols.letters.push(letters);
            }
        }
    }

    /// Whether an account is the one that stands for all that are not named.
    pub fn is_stranger(&self, account: &str) -> bool {
        let mut unnamed = self.unnamed.iter().filter_map(|at| self.requesters[*at].account());
        unnamed.next().is_some_and(|(_, stranger)| stranger == account)
    }

    /// The letter of a symbol.
    pub fn symbol(&self, symbol: &Symbol) -> Letter {
        let at = self.symbols.iter().position(|known| known == symbol);
        FIRST_SYMBOL + at.expect("invariant: symbols are collected before they are used") as Letter
    }

    fn add_key(&mut self, key: String, seen: Seen) {
        let is_time = key == "aws:currenttime";
        let (line, points) = if seen.date || (is_time && seen.number) {
            let values = line::representatives(seen.cuts);
            let texts = values.iter().map(|value| line::date_text(*value)).collect();
            (Line::Dates(values), Some(texts))
        } else if seen.number {
            let values = line::representatives(seen.cuts);
            let texts = values.iter().map(|value| line::number_text(*value)).collect();
            (Line::Numbers(values), Some(texts))
        } else if seen.address {
            let values = line::addresses(&seen.ranges);
            let texts = values.iter().map(|value| line::address_text(*value)).collect();
            (Line::Addresses(values), Some(texts))
        } else {
            (Line::Text, None)
        };
        let is_text = points.is_none();
        // AWS fills variables from keys with a single value only
        let is_variable = self.symbols.contains(&Symbol::Variable(key.clone()));
        let several = seen.several && !is_variable;
        let dimension =
            self.space.dimension(Dimension { name: seen.shown, optional: true, several, points });
        if seen.truth && is_text {
            let values = vec![Glob::literal("true"), Glob::literal("false")];
            let language = self.space.language(Language::Globs(values));
            let literal =
                Literal { dimension, absent: true, every: several, language, inside: true };
            let literal = self.space.literal(literal);
            self.always.push(literal);
        }
        self.keys.insert(key, Key { dimension, line });
    }

    /// A literal that is free to hold or not: for what the model has no reading of.
    pub fn free(&mut self, what: &str, why: &str) -> LiteralId {
        let known = self.space.dimensions.iter().position(|dimension| dimension.name == what);
        let dimension = known.map_or_else(
            || {
                self.space.dimension(Dimension {
                    name: what.to_owned(),
                    optional: false,
                    several: false,
                    points: Some(vec!["no".to_owned(), "yes".to_owned()]),
                })
            },
            |at| at as DimensionId,
        );
        self.opaque.insert(dimension, why.to_owned());
        let language = self.space.language(Language::Points(vec![2]));
        self.space.literal(Literal {
            dimension,
            absent: false,
            every: false,
            language,
            inside: true,
        })
    }
}

fn see(seen: &mut BTreeMap<String, Seen>, condition: &Condition) {
    let entry = seen.entry(canonical(&condition.key)).or_default();
    entry.shown.clone_from(&condition.shown);
    entry.several |= condition.operator.several.is_some();
    let literals = || condition.values.iter().filter_map(Pattern::literal);
    match condition.operator.test {
        Test::Equals | Test::Like | Test::IgnoreCase | Test::Binary | Test::Arn => {
            entry.text = true;
        }
        Test::Bool => entry.truth = true,
        Test::Numeric(_) => {
            entry.number = true;
            entry.cuts.extend(literals().filter_map(|text| line::number(&text)));
        }
        Test::Date(_) => {
            entry.date = true;
            entry.cuts.extend(literals().filter_map(|text| line::date(&text)));
        }
        Test::IpAddress => {
            entry.address = true;
            entry.ranges.extend(literals().filter_map(|text| line::range(&text)));
        }
        Test::Null | Test::Unknown => {}
    }
}

/// The account ids in resources, and in conditions on accounts and ARNs.
fn accounts(documents: &[&Document]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut note = |text: &str| {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            out.insert(text.to_owned());
        }
    };
    for statement in documents.iter().flat_map(|document| &document.statements) {
        let about = |condition: &&Condition| {
            let of_holder = matches!(condition.key.as_str(), HOLDER_ACCOUNT | HOLDER_ARN);
            matches!(
                condition.key.as_str(),
                "aws:resourceaccount" | "aws:sourceaccount" | "aws:sourcearn"
            ) || (of_holder && statement.principals.is_none())
        };
        let conditions = statement.conditions.iter().filter(about);
        let patterns = statement
            .resources
            .iter()
            .flat_map(|listed| &listed.items)
            .chain(conditions.flat_map(|condition| &condition.values));
        for piece in patterns.flat_map(|pattern| &pattern.pieces) {
            if let Piece::Text(text) = piece {
                text.split(':').for_each(&mut note);
            }
        }
    }
    out
}

/// Whether a key is a variable in a statement.
fn names_variable(statement: &Statement, key: &str) -> bool {
    let resources = statement.resources.iter().flat_map(|listed| &listed.items);
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    let mut pieces = resources.chain(values).flat_map(|pattern| &pattern.pieces);
    pieces.any(|piece| matches!(piece, Piece::Variable { key: own, .. } if canonical(own) == key))
}

/// An account that no document names.
fn stranger(accounts: &BTreeSet<(String, String)>) -> String {
    let taken = |account: &str| accounts.iter().any(|(_, known)| known == account);
    let mut number = 999_999_999_999_u64;
    while taken(&number.to_string()) {
        number -= 1;
    }
    number.to_string()
}

/// Requesters that stand for all: each that is named, and one unnamed of each kind and account.
fn requesters(documents: &[&Document]) -> (Vec<Requester>, BTreeSet<usize>) {
    let mut names: BTreeSet<Name> = BTreeSet::new();
    for statement in documents.iter().flat_map(|document| &document.statements) {
        names.extend(statement.principals.iter().flat_map(|listed| listed.items.clone()));
        for condition in
            statement.conditions.iter().filter(|c| c.key == HOLDER_ARN || c.key == HOLDER_ACCOUNT)
        {
            let literals = condition.values.iter().filter_map(Pattern::literal);
            names.extend(
                literals
                    .map(|text| Name::read("AWS", &text, "aws"))
                    .filter(|name| !matches!(name, Name::Other { .. } | Name::Everyone)),
            );
        }
    }
    let mut accounts = BTreeSet::new();
    for name in &names {
        match name {
            Name::Account { partition, account }
            | Name::Within { partition, account }
            | Name::Role { partition, account, .. }
            | Name::User { partition, account, .. }
            | Name::Session { partition, account, .. } => {
                accounts.insert((partition.clone(), account.clone()));
            }
            Name::Everyone | Name::Other { .. } => {}
        }
    }
    let session = || ANY_SESSION.to_owned();
    let mut out = vec![Requester::Anonymous];
    let mut unnamed = BTreeSet::new();
    let mut add = |who: Requester, is_unnamed: bool| {
        if !out.contains(&who) {
            if is_unnamed {
                unnamed.insert(out.len());
            }
            out.push(who);
        }
    };
    let mut fresh = "x".to_owned();
    let taken = |fresh: &str| {
        names.iter().any(|name| match name {
            Name::Role { path, .. } | Name::User { path, .. } => path == fresh,
            Name::Session { role, .. } => role == fresh,
            _ => false,
        })
    };
    while taken(&fresh) {
        fresh.push('x');
    }
    let role = |partition: &str, account: &str| Requester::Role {
        partition: partition.to_owned(),
        account: account.to_owned(),
        path: fresh.clone(),
        session: session(),
    };
    add(role("aws", &stranger(&accounts)), true);
    for (partition, account) in &accounts {
        let (partition, account) = (partition.clone(), account.clone());
        add(role(&partition, &account), true);
        let (p, a) = (partition.clone(), account.clone());
        add(Requester::User { partition: p, account: a, path: fresh.clone() }, true);
        add(Requester::Root { partition, account }, false);
    }
    for name in &names {
        match name.clone() {
            Name::Role { partition, account, path } => {
                add(Requester::Role { partition, account, path, session: session() }, false);
            }
            Name::User { partition, account, path } => {
                add(Requester::User { partition, account, path }, false);
            }
            Name::Session { partition, account, role, session } => {
                let same = |name: &&Name| {
                    matches!(name, Name::Role { partition: p, account: a, path }
                        if *p == partition && *a == account && path.rsplit('/').next() == Some(&role))
                };
                let paths: Vec<String> = names
                    .iter()
                    .filter(same)
                    .filter_map(|name| match name {
                        Name::Role { path, .. } => Some(path.clone()),
                        _ => None,
                    })
                    .collect();
                for path in if paths.is_empty() { vec![role] } else { paths } {
                    let (partition, account) = (partition.clone(), account.clone());
                    add(
                        Requester::Role {
                            partition,
                            account,
                            path: path.clone(),
                            session: session.clone(),
                        },
                        false,
                    );
                }
            }
            Name::Other { kind, text } if text != "*" => {
                add(Requester::Other { kind, text }, false)
            }
            Name::Other { .. } | Name::Everyone | Name::Account { .. } | Name::Within { .. } => {}
        }
    }
    // of an account that is not named, a user and the root differ from a role only in what the keys say of them
    let of_kind = |condition: &Condition| {
        matches!(
            condition.key.as_str(),
            HOLDER_ARN | "aws:principaltype" | "aws:username" | "aws:userid"
        )
    };
    let mut all = documents.iter().flat_map(|document| &document.statements);
    if all.any(|statement| {
        statement.conditions.iter().any(of_kind) || names_variable(statement, "aws:username")
    }) {
        let (partition, account) = ("aws".to_owned(), stranger(&accounts));
        let (p, a) = (partition.clone(), account.clone());
        add(Requester::User { partition: p, account: a, path: fresh.clone() }, true);
        add(Requester::Root { partition, account }, true);
    }
    // a canonical user that is not named is an account by another name
    for (kind, text) in [("Service", "x.amazonaws.com"), ("Federated", "x.example.com")] {
        add(Requester::Other { kind: kind.to_owned(), text: text.to_owned() }, true);
    }
    (out, unnamed)
}
