//! The rows of a verdict as the lines of a review.
//!
//! In: what was compared, and both sides. Out: [`Sums`]: an [`Item`] for each principal and each entry of the spec that
//! lets it gain or lose something, an [`Open`] for each row that is not decided. What a new role holds is one item.

use std::collections::{BTreeMap, BTreeSet};

use super::does::{ByPlace, Does, does, grouped};
use super::merged::{fold_trust, merged};
use super::parts::{MOST_QUESTIONS, Part, Rank, parts};
use super::words::{Words, short};
use super::{Line, Side, entries};
use crate::access::reach::{self, Judge, Reached, Subject, Target};
use crate::access::{self, Cause, Compared, Layer, Presence, Row, State};
use crate::catalogue::iam::{self, Level};
use crate::document::Value;
use crate::verdict::{Request, Requester, Verdict};

/// Why somebody should look, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Whoever asks.
    Public,
    /// Somebody of another account.
    CrossAccount,
    /// What kept others out is off.
    Exposure,
    /// Who gets in can be changed.
    Admin,
}

impl Kind {
    /// The word in JSON; in capitals that in text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Public => "public",
            Kind::CrossAccount => "cross-account",
            Kind::Exposure => "exposure",
            Kind::Admin => "admin",
        }
    }
}

/// Something that somebody gained or lost.
#[derive(Debug, Clone)]
pub struct Item {
    pub who: String,
    pub does: Vec<Does>,
    pub kinds: BTreeSet<Kind>,
    /// Whether the principal or resource itself is new, or gone.
    pub is_whole: bool,
    pub layer: Layer,
    /// The ARN of the principal or resource whose policy decides.
    pub subject: String,
    /// `AWS::IAM::Role`.
    pub kind: String,
    /// A request that was denied and is allowed now, or the reverse.
    pub request: Option<Request>,
    pub cause: Cause,
    /// What decides, in words: `raw / S3Read`, `key raw`.
    pub decided_by: Vec<String>,
    /// The services that run as a role that is new.
    pub runs: Vec<String>,
    /// Conditions under which it holds, as the statement has them.
    pub conditions: Vec<String>,
    /// What else is needed, as clauses.
    pub needed: Vec<String>,
    /// The entry of `access` whose other half `access handover` prints.
    pub handover: Option<String>,
    pub place: Line,
    pub exact: bool,
    /// Why it is not exact.
    pub reason: Option<String>,
    /// Whether everything that the row gained stands in one of its items.
    pub complete: bool,
    pub(super) rank: Rank,
}

/// Something that is not decided.
#[derive(Debug, Clone)]
pub struct Open {
    pub who: String,
    /// The ARN.
    pub subject: String,
    /// The layer.
    pub about: String,
    pub because: String,
    /// What to type so that more is known.
    pub help: Option<String>,
    pub place: Line,
}

/// The lines of a review.
#[derive(Debug, Default)]
pub struct Sums {
    pub gained: Vec<Item>,
    pub lost: Vec<Item>,
    pub undecided: Vec<Open>,
}

/// The lines of what was compared.
pub fn items(compared: &Compared, old: &Side<'_>, new: &Side<'_>, words: &Words) -> Sums {
    let mut sums = Sums::default();
    let judge = Judge::new(new.index);
    let mut room = MOST_QUESTIONS;
    for row in &compared.rows {
        if row.comparison.gained.is_some() {
            let way = Way { row, from: old, to: new, words, judge: Some(&judge) };
            sums.gained.extend(way.items(&mut room));
        }
    }
    for row in &compared.rows {
        let (lost, narrowed) = (row.comparison.lost.is_some(), row.verdict() == Verdict::Narrowed);
        // a Deny on what is new takes nothing from anybody
        if (lost || narrowed) && row.presence != Presence::New {
            let way = Way { row, from: new, to: old, words, judge: None };
            sums.lost.extend(way.items(&mut room));
        }
        if row.verdict() == Verdict::Undecided {
            sums.undecided.push(open(row, new, words));
        }
    }
    fold_trust(&mut sums.gained);
    sums.gained = merged(sums.gained);
    sums.lost = merged(sums.lost);
    entries::cite(&mut sums.gained, new.differs, words);
    entries::cite(&mut sums.lost, old.differs, words);
    sums.gained.sort_by_key(weight);
    sums.lost.sort_by_key(|item| item.is_whole);
    sums
}

/// What matters first: by kind, then what is there already before what is new.
fn weight(item: &Item) -> (Option<Kind>, bool, bool) {
    let first = item.kinds.first().copied();
    // `None` sorts before `Some`: what has no kind comes last
    let plain = first.is_none();
    (first.or(Some(Kind::Admin)), plain, item.is_whole)
}

/// A row in one direction.
struct Way<'a> {
    row: &'a Row,
    from: &'a Side<'a>,
    to: &'a Side<'a>,
    words: &'a Words,
    /// Of the new state; `None` for what is lost.
    judge: Option<&'a Judge<'a>>,
}

impl Way<'_> {
    fn gains(&self) -> bool {
        self.judge.is_some()
    }

    fn state(&self) -> &State {
        self.to.state()
    }

    fn items(&self, room: &mut usize) -> Vec<Item> {
        let row = self.row;
        let found = parts(row, self.from.state(), self.to.state(), self.words, room);
        let whole = match self.gains() {
            true => row.presence == Presence::New,
            false => row.presence == Presence::Gone,
        };
        let mut groups: BTreeMap<(String, String), Vec<&Part>> = BTreeMap::new();
        for part in &found.list {
            let place = (self.to.place)(&part.cause);
            let by = match whole && row.layer == Layer::Identity {
                true => String::new(),
                false => place.path,
            };
            groups.entry((part.who.clone(), by)).or_default().push(part);
        }
        if groups.is_empty() {
            return vec![self.plain(whole)];
        }
        let several = groups.len() > 1;
        let own = if self.gains() { &row.comparison.gained } else { &row.comparison.lost };
        groups
            .into_values()
            .map(|mut parts| {
                parts.sort_by_key(|part| part.rank());
                let first = parts[0];
                let proof = first.proof().or_else(|| own.clone().filter(|_| !several));
                let mut kinds = BTreeSet::new();
                for part in &parts {
                    kinds.extend(part.is_public.then_some(Kind::Public));
                    kinds.extend(
                        (part.is_elsewhere && !part.is_public).then_some(Kind::CrossAccount),
                    );
                    let given = part.delegates && whole;
                    kinds.extend((part.verb == "manage" && !given).then_some(Kind::Admin));
                }
                let mut item = self.item(proof, &first.cause, whole);
                item.who.clone_from(&first.who);
                item.does = does(&parts);
                item.kinds = kinds;
                item.conditions.clone_from(&first.conditions);
                item.complete = found.complete;
                item.rank = first.rank();
                item
            })
            .collect()
    }

    /// The row's own request as an item.
    fn plain(&self, whole: bool) -> Item {
        let row = self.row;
        let (request, by) = match self.gains() {
            true => (&row.comparison.gained, &row.gained_by),
            false => (&row.comparison.lost, &row.lost_by),
        };
        let cause = by.clone().unwrap_or_else(|| Cause {
            origin: row.origin.clone().unwrap_or_default(),
            ..Cause::default()
        });
        let mut item = self.item(request.clone(), &cause, whole);
        let subject = self.words.place(&access::in_request(&row.subject));
        let principal = request.as_ref().and_then(|request| request.principal.as_ref());
        item.who = match (row.layer, principal) {
            (Layer::Identity, _) => self.words.principal(&row.subject),
            (Layer::LakeFormation, _) => lake_formation(&row.subject, self.words),
            (_, Some(who)) => self.words.requester(who),
            (_, None) => subject.clone(),
        };
        let granted = self.granted().filter(|_| row.layer == Layer::LakeFormation);
        if let Some((does, _)) = &granted {
            item.does.clone_from(does);
        } else if let Some(request) = request {
            let (verb, action) = match row.layer {
                Layer::Trust => ("assume".to_owned(), None),
                Layer::LakeFormation if !request.action.contains(' ') => {
                    (request.action.clone(), None)
                }
                _ => (String::new(), Some(request.action.clone())),
            };
            let place = match (row.layer, request.resource.as_deref()) {
                (Layer::Trust, _) => self.words.principal(&row.subject),
                (Layer::LakeFormation, Some(what)) => what.to_owned(),
                (_, Some(resource)) if !resource.is_empty() => self.words.place(resource),
                _ => subject,
            };
            item.does = vec![Does {
                verbs: Some(verb).filter(|verb| !verb.is_empty()).into_iter().collect(),
                actions: action.into_iter().collect(),
                places: vec![place],
            }];
        }
        item.kinds = self.kinds(request.as_ref());
        item.kinds.extend(granted.filter(|(_, admin)| *admin).map(|_| Kind::Admin));
        item.complete = matches!(row.layer, Layer::PublicAccess | Layer::LakeFormation);
        item
    }

    /// The grants of Lake Formation that one side alone has, and whether one of them can be handed on or is of everything.
    fn granted(&self) -> Option<(Vec<Does>, bool)> {
        let subject = &self.row.subject;
        let own = |state: &State| -> Vec<access::Grant> {
            state.grants.iter().filter(|grant| grant.principal == *subject).cloned().collect()
        };
        let (before, mut all) = (own(self.from.state()), ByPlace::new());
        let mut admin = false;
        for grant in own(self.state()) {
            let old: Vec<_> = before.iter().filter(|old| old.resource == grant.resource).collect();
            let had: BTreeSet<&String> = old.iter().flat_map(|old| &old.permissions).collect();
            let gave: BTreeSet<&String> =
                old.iter().flat_map(|old| &old.with_grant_option).collect();
            let new: BTreeSet<String> =
                grant.permissions.iter().filter(|one| !had.contains(one)).cloned().collect();
            admin |= grant.with_grant_option.iter().any(|one| !gave.contains(one));
            admin |= new.iter().any(|one| ADMIN.contains(&one.as_str()));
            if !new.is_empty() {
                let mut place = self.words.granted(&grant.resource);
                if let Some(filter) = access::filter(&grant.resource, self.state()) {
                    place = self.words.filtered(&grant.resource, &access::Shown::from(filter));
                    place += &self.unveiled(&grant.resource, filter);
                }
                all.entry(place).or_default().0.extend(new);
            }
        }
        (!all.is_empty()).then(|| (grouped(all), admin))
    }

    /// Of the columns that a filter shows those that the principal could not read before on a table that it could
    /// read, each with the tags that say why somebody might mind.
    fn unveiled(&self, resource: &Value, filter: &access::Filter) -> String {
        let text = |key| resource.at(&["DataCellsFilter", key]).and_then(Value::as_str);
        let (Some(database), Some(table)) = (text("DatabaseName"), text("TableName")) else {
            return String::new();
        };
        let subject = &self.row.subject;
        let before = access::seen(self.from.state(), subject, database, Some(table), &["SELECT"]);
        let new = |column: &&String| !before.iter().any(|shown| shown.shows(column));
        let tags = |column: &String| {
            let of = self.state().tagged.iter().filter(|one| {
                one.database == database
                    && one.table.as_deref() == Some(table)
                    && one.columns.contains(column)
            });
            let tags = of.flat_map(|one| &one.tags);
            let values = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>();
            let tags: Vec<String> =
                tags.map(|(key, all)| format!("{key}={}", values(all).join(","))).collect();
            match tags.is_empty() {
                true => column.clone(),
                false => format!("{column} [{}]", tags.join(" ")),
            }
        };
        if before.is_empty() || filter.excludes {
            return String::new();
        }
        let new: Vec<String> = filter.columns.iter().filter(new).map(tags).collect();
        match new.is_empty() {
            true => String::new(),
            false => format!(", newly {}", new.join(", ")),
        }
    }

    fn kinds(&self, request: Option<&Request>) -> BTreeSet<Kind> {
        let mut kinds = BTreeSet::new();
        let Some(request) = request else { return kinds };
        let home = match self.row.layer {
            Layer::Resource => {
                self.state().resources.get(&self.row.subject).map(|one| one.account.as_str())
            }
            Layer::Trust => {
                self.state().principals.get(&self.row.subject).map(|one| one.account.as_str())
            }
            Layer::LakeFormation => Some(self.words.home.as_str()),
            _ => None,
        };
        if self.row.layer == Layer::PublicAccess {
            kinds.insert(Kind::Exposure);
            return kinds;
        }
        match &request.principal {
            Some(Requester::Anonymous) => drop(kinds.insert(Kind::Public)),
            Some(who) => {
                let own = who.account().map(|(_, own)| own.to_owned());
                let own = own.or_else(|| {
                    account(&self.row.subject).filter(|_| self.row.layer == Layer::LakeFormation)
                });
                if own.is_some_and(|own| home.is_some_and(|home| home != own)) {
                    kinds.insert(Kind::CrossAccount);
                }
            }
            None => {}
        }
        let level = iam::action(&request.action).map(|action| action.level);
        let granting = self.row.layer == Layer::LakeFormation
            && (!request.context.is_empty() || ADMIN.contains(&request.action.as_str()));
        if level == Some(Level::PermissionsManagement) || granting {
            kinds.insert(Kind::Admin);
        }
        if self.row.layer == Layer::LakeFormation && self.row.subject == EVERYONE {
            kinds.insert(Kind::Exposure);
        }
        kinds
    }

    fn item(&self, request: Option<Request>, cause: &Cause, whole: bool) -> Item {
        let row = self.row;
        let own = Row {
            comparison: crate::verdict::Comparison {
                gained: request.clone(),
                ..row.comparison.clone()
            },
            ..row.clone()
        };
        let needed = match self.judge {
            Some(judge) => self.needed(judge, request.as_ref(), &own),
            None => Vec::new(),
        };
        let needed: Vec<String> = needed.iter().map(|one| self.words.said(one)).collect();
        let place = (self.to.place)(cause);
        let entry = place
            .path
            .strip_prefix("access.")
            .map(|rest| rest.split(['.', '[']).next().unwrap_or(rest).to_owned());
        let home = format!("account {}", self.words.home);
        let elsewhere =
            needed.iter().any(|one| one.contains("an identity policy") && !one.contains(&home));
        let mut decided_by = vec![match cause.statement.as_str() {
            "" => format!("{} / {}", self.subject(), row.layer.as_str()),
            statement => format!("{} / {statement}", self.subject()),
        }];
        decided_by.extend(self.key(request.as_ref(), &needed));
        Item {
            who: String::new(),
            does: Vec::new(),
            kinds: BTreeSet::new(),
            is_whole: whole,
            layer: row.layer,
            subject: row.subject.clone(),
            kind: row.kind.clone(),
            request: request.map(|one| access::made(row.layer, &row.kind, &row.subject, &one)),
            cause: cause.clone(),
            decided_by,
            runs: Vec::new(),
            conditions: Vec::new(),
            handover: entry.filter(|_| elsewhere),
            needed,
            place,
            exact: row.comparison.exact,
            reason: row.comparison.reason.as_ref().map(|reason| reason.text.clone()),
            complete: true,
            rank: Rank::default(),
        }
    }

    /// What else is needed: where the principal is of the state, all layers are asked for any request that gets through;
    /// else it is judged by the one request.
    fn needed(&self, judge: &Judge<'_>, request: Option<&Request>, row: &Row) -> Vec<String> {
        let asked = request.and_then(|request| self.asked(judge, request));
        match asked {
            Some(Reached::Yes { needed, .. }) => row.given.iter().cloned().chain(needed).collect(),
            Some(Reached::No { because }) => {
                let known = access::needed(self.to.index, row);
                let other = "a policy that lets it through: one that was read does not".to_owned();
                if known.is_empty() { vec![because.unwrap_or(other)] } else { known }
            }
            Some(Reached::Unknown { because }) => vec![because],
            None => access::needed(self.to.index, row),
        }
    }

    fn asked(&self, judge: &Judge<'_>, request: &Request) -> Option<Reached> {
        let state = self.state();
        let who = match (self.row.layer, &request.principal) {
            (Layer::Identity, _) => self.row.subject.clone(),
            (Layer::Resource, Some(who)) => {
                who.principal_arn().filter(|arn| state.principals.contains_key(arn))?
            }
            _ => return None,
        };
        let resource = request.resource.as_deref()?;
        let (guard, one) = access::guarded(state, resource)?;
        let own = access::in_request(guard) == resource;
        let kind = match (one.kind.as_str(), own) {
            ("AWS::S3::Bucket", false) => "object".to_owned(),
            (kind, _) => kind.rsplit("::").next().unwrap_or(kind).to_lowercase(),
        };
        let value = match (own, resource.contains("${")) {
            (true, _) => reach::closure::resource(guard),
            (false, false) => Value::from(resource.to_owned()),
            (false, true) => return None,
        };
        let target = Target { kind, resource: value, guard: guard.clone() };
        Some(judge.ask(&Subject::Named(who), &request.action, &target, None, false))
    }

    fn subject(&self) -> String {
        match self.row.layer {
            Layer::Identity | Layer::Trust => self.words.principal(&self.row.subject),
            Layer::LakeFormation => lake_formation(&self.row.subject, self.words),
            Layer::Resource | Layer::PublicAccess => {
                self.words.place(&access::in_request(&self.row.subject))
            }
            Layer::Unmodelled => self.row.subject.clone(),
        }
    }

    /// The key of the bucket, where its policy had to say yes too.
    fn key(&self, request: Option<&Request>, needed: &[String]) -> Option<String> {
        let resource = request?.resource.as_deref()?;
        let (_, bucket) = access::guarded(self.state(), resource)?;
        let key = bucket.key.as_ref().filter(|key| self.state().resources.contains_key(*key))?;
        let asks = crate::catalogue::escalations::verbs().key.contains_key(&request?.action);
        let word = self.words.place(&access::in_request(key));
        let missing = needed.iter().any(|one| one.contains(&word));
        (asks && !missing).then_some(word)
    }
}

/// Permissions of Lake Formation that hand on what somebody has.
const ADMIN: [&str; 2] = ["ALL", "SUPER"];

/// Whom Lake Formation leaves to IAM. Lake Formation developer guide, "Changing the default settings for your data lake".
const EVERYONE: &str = "IAM_ALLOWED_PRINCIPALS";

fn lake_formation(who: &str, words: &Words) -> String {
    match who {
        EVERYONE => "everyone whom IAM allows".to_owned(),
        account if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) => {
            format!("account {account}")
        }
        who => words.principal(who),
    }
}

fn account(who: &str) -> Option<String> {
    let found = if who.starts_with("arn:") { who.split(':').nth(4)? } else { who };
    (found.len() == 12 && found.bytes().all(|b| b.is_ascii_digit())).then(|| found.to_owned())
}

fn open(row: &Row, new: &Side<'_>, words: &Words) -> Open {
    let cause = Cause { origin: row.origin.clone().unwrap_or_default(), ..Cause::default() };
    Open {
        who: match row.layer {
            Layer::Identity | Layer::Trust => words.principal(&row.subject),
            Layer::LakeFormation => lake_formation(&row.subject, words),
            Layer::Unmodelled => short(&row.subject, &row.kind),
            _ => words.place(&access::in_request(&row.subject)),
        },
        subject: row.subject.clone(),
        about: row.layer.as_str().to_owned(),
        because: row
            .comparison
            .reason
            .as_ref()
            .map_or(String::new(), |reason| words.said(&reason.text)),
        help: row.help.as_ref().map(|help| words.said(help)),
        place: (new.place)(&cause),
    }
}
