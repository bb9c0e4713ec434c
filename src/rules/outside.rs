//! Rules over what is let in from outside, what locks its own people out, and what nobody read.

use std::collections::BTreeSet;

use super::Finding;
use super::ground::{Attached, Ground, Said, about, some_of};
use super::table::of;
use super::trust::ORGANIZATION;
use crate::access::reach::{Reached, Subject, Target};
use crate::access::{Guarded, NOBODY, State};
use crate::catalogue::escalations::escalations;
use crate::catalogue::watched;
use crate::diagnostic as codes;
use crate::document::Value;
use crate::verdict::public::{Publicity, publicity};
use crate::verdict::read::Condition;
use crate::verdict::{Document, Name, Pattern};

pub(super) fn public(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Resource).chain(ground.allows(Attached::Trust)) {
        let alone = Document { statements: vec![said.statement.clone()] };
        // `kms:CallerAccount` is what S3's page on "public" cannot know of
        if publicity(&[alone]) == Publicity::NotPublic
            || said.bound(&["kms:calleraccount"]).is_some()
        {
            continue;
        }
        let how = match said.attached {
            Attached::Trust => "whoever has an account of AWS assumes it".to_owned(),
            _ => match through(ground, said) {
                Some(action) => format!("{action} for everybody on {}", said.place()),
                None => continue,
            },
        };
        let help = "name those who need it, or bind it with `aws:PrincipalOrgID`";
        found.push(said.finding(of(codes::LW0472), how, help));
    }
}

/// An account that nobody names: such ids are not given out.
const STRANGER: &str = "000000000000";

/// The first action of a statement for everybody that gets through everything else that the state says.
fn through(ground: &Ground<'_>, said: &Said<'_>) -> Option<String> {
    let (targets, actions) = (targets(ground, said), said.actions());
    // whoever is neither of the account nor named: with an account of AWS, and without
    let mut asked = vec![Subject::Account(STRANGER.to_owned())];
    // whose public policy is restricted to the account lets nobody in who has none
    let guarded = ground.state.resources.get(said.holder);
    let restricts = guarded.and_then(|one| one.public_access).is_some_and(|block| block.restrict);
    if !restricts {
        asked.push(Subject::Anonymous);
    }
    actions.into_iter().find(|action| {
        asked.iter().any(|who| {
            targets.iter().any(|target| {
                !matches!(ground.judge.ask(who, action, target, None, false), Reached::No { .. })
            })
        })
    })
}

/// What a statement of a resource's policy is about: of a key's the key.
fn targets(ground: &Ground<'_>, said: &Said<'_>) -> Vec<Target> {
    if said.kind == "AWS::KMS::Key" {
        return vec![ground.target(said.holder, "key")];
    }
    let kind = said.kind.rsplit("::").next().unwrap_or_default().to_lowercase();
    let target =
        |resource: Value| Target { kind: kind.clone(), resource, guard: said.holder.to_owned() };
    said.resources().into_iter().map(target).collect()
}

/// The keys by which a statement for a service says for whom it may act.
const SOURCE: [&str; 7] = [
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "kms:calleraccount",
    "kms:encryptioncontext:*",
];

/// A service's name without the region that some have in it.
fn without_region(service: &str) -> String {
    let labels: Vec<&str> = service.split('.').collect();
    let region = |label: &&str| crate::catalogue::region(label).is_some();
    labels.into_iter().filter(|label| !region(label)).collect::<Vec<_>>().join(".")
}

/// The organization's keys: what is fixed there is no account.
const OF_ORGANIZATIONS: [&str; 2] = ["aws:sourceorgid", "aws:sourceorgpaths"];

/// The account that a value of a condition on the source fixes: `None` where anybody's fits, an empty text for what names
/// something without its account. The ARNs of S3 have none, so that a pattern of them fits a stranger's bucket as well.
fn fixed(condition: &Condition, value: &Pattern) -> Option<String> {
    let shown = value.shown();
    let is_id = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let open = |text: &str| text.contains(['*', '?']);
    if OF_ORGANIZATIONS.contains(&condition.key.as_str()) {
        let head = shown.split('/').next().unwrap_or_default();
        return (!open(head)).then(String::new);
    }
    if is_id(&shown) {
        return Some(shown);
    }
    if shown.starts_with("arn:") {
        let parts: Vec<&str> = shown.splitn(6, ':').collect();
        return match parts.get(4) {
            Some(account) if is_id(account) => Some((*account).to_owned()),
            Some(account) if account.is_empty() || open(account) => {
                (account.is_empty() && !open(&shown)).then(String::new)
            }
            Some(_) => Some(String::new()),
            None => (!open(&shown)).then(String::new),
        };
    }
    let account = condition.key.ends_with("account") || condition.key.ends_with("owner");
    (!(account && open(&shown))).then(String::new)
}

/// Accounts of others that a condition on the source lets in; `None` where it fixes none at all.
fn others(ground: &Ground<'_>, said: &Said<'_>, condition: &Condition) -> Option<BTreeSet<String>> {
    let fixed = condition.values.iter().map(|value| fixed(condition, value));
    let mut accounts = fixed.collect::<Option<BTreeSet<String>>>()?;
    // whose templates these are may be unknown
    let own = |account: &String| {
        account.is_empty()
            || said.account == STRANGER
            || account == said.account
            || ground.around.family.contains(account)
    };
    accounts.retain(|account| !own(account));
    Some(accounts)
}

pub(super) fn services(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Resource).chain(ground.allows(Attached::Trust)) {
        let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        let on = if said.attached == Attached::Trust { "trust" } else { said.kind };
        let conditions = said.fixing(&SOURCE);
        let sources: Vec<BTreeSet<String>> = conditions
            .into_iter()
            .filter_map(|condition| others(ground, said, condition))
            .collect();
        if sources.iter().any(BTreeSet::is_empty) || said.bound(&ORGANIZATION).is_some() {
            continue;
        }
        let strangers: Vec<&str> = sources.iter().flatten().map(String::as_str).collect();
        for name in items {
            let Name::Other { kind, text } = name else { continue };
            let plain = without_region(text);
            let silent = |one: &&watched::Silent| one.service == plain && one.on == on;
            if kind != "Service"
                || (strangers.is_empty()
                    && watched::watched().silent.iter().any(|one| silent(&one)))
                || is_refused(ground, said, text, strangers.first().copied().unwrap_or(STRANGER))
            {
                continue;
            }
            let (message, help) = match strangers.as_slice() {
                [] => (
                    format!("{text} may act here for any account"),
                    "test `aws:SourceAccount`, and `aws:SourceArn` where the service sends it; a pattern of ARNs without an account fits anybody's",
                ),
                some => (
                    format!(
                        "{text} may act here for account {}, which is none of the lake's",
                        some_of(some)
                    ),
                    "name the lake's own account, or say with a waiver whose it is",
                ),
            };
            found.push(said.finding(of(codes::LW0475), message, help));
        }
    }
}

/// Whether another statement refuses a service what this one, which says nothing of the source, lets it do for an account.
fn is_refused(ground: &Ground<'_>, said: &Said<'_>, service: &str, account: &str) -> bool {
    let says = said.statement.conditions.iter().any(|one| SOURCE.contains(&one.key.as_str()));
    let of_trust = said.attached == Attached::Trust;
    if says || (of_trust && !said.speaks_of(&escalations().trust)) {
        return false;
    }
    let who = Subject::Service(service.to_owned());
    let when = Some(("aws:SourceAccount", account));
    let (actions, targets) = match said.attached {
        Attached::Trust => {
            (vec![escalations().trust.clone()], vec![ground.target(said.holder, "role")])
        }
        _ => (said.actions(), targets(ground, said)),
    };
    actions.iter().all(|action| {
        targets.iter().all(|target| {
            matches!(ground.judge.ask(&who, action, target, when, false), Reached::No { .. })
        })
    })
}

pub(super) fn unchecked(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for (name, one) in ground.state.resources.iter().filter(|(_, one)| one.unchecked) {
        let origin = one.origin.clone().unwrap_or_default();
        let message = "`BypassPolicyLockoutSafetyCheck` is not false";
        let help =
            "leave it out: KMS then refuses a policy that whoever writes it could not change again";
        found.push(about(of(codes::LW0476), (name, &one.kind), &origin, message, help));
    }
}

pub(super) fn shares(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for one in &ground.state.unread {
        let leaves = one.kind == "AWS::RAM::ResourceShare"
            && one.property == "AllowExternalPrincipals"
            && !matches!(one.value.as_str(), "false" | "\"false\"");
        if leaves {
            let name = format!("{}/{}", one.origin.stack, one.origin.logical_id);
            let message = "`AllowExternalPrincipals` is not false";
            let help = "set it to false, unless an account outside of the organization is meant";
            found.push(about(of(codes::LW0469), (&name, &one.kind), &one.origin, message, help));
        }
    }
}

pub(super) fn unread(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let rule = of(codes::LW0470);
    for one in &ground.state.unread {
        if one.kind == "AWS::RAM::ResourceShare" && one.property == "AllowExternalPrincipals" {
            continue;
        }
        let name = format!("{}/{}", one.origin.stack, one.origin.logical_id);
        // a list with nothing in it gives nothing, nor does none
        if NOBODY.contains(&&*one.value) {
            continue;
        }
        let message = match one.property.as_str() {
            "" => one.why.clone(),
            property => format!("{property}: {}", one.why),
        };
        let help = "read it yourself: no rule did";
        found.push(about(rule, (&name, &one.kind), &one.origin, message, help));
    }
    for (holder, kind, held, why) in &ground.malformed {
        let message = format!("{} is no policy: {why}", held.property);
        let help = "mend it: CloudFormation will refuse it";
        found.push(about(rule, (holder, kind), &held.origin, message, help));
    }
}

pub(super) fn locked_out(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for (name, one) in &ground.state.resources {
        let (set, kind) = match one.kind.as_str() {
            "AWS::KMS::Key" => ("keep_key", "key"),
            "AWS::S3::Bucket" => ("keep_bucket", "bucket"),
            _ => continue,
        };
        // without a policy it is the account's, or S3's default
        if one.policies.is_empty() || ground.malformed.iter().any(|(holder, ..)| holder == name) {
            continue;
        }
        let target = ground.target(name, kind);
        let actions = &watched::set(set).actions;
        let may = |who: &String| {
            actions.iter().all(|action| {
                let who = Subject::Named(who.clone());
                !matches!(ground.judge.ask(&who, action, &target, None, true), Reached::No { .. })
            })
        };
        if candidates(ground.state, one).iter().any(may) {
            continue;
        }
        let origin = one.policies[0].origin.clone();
        let (message, help) = match kind {
            "key" => (
                "its policy lets nobody of the account change it",
                "give the account's root, or a role that exists, `kms:PutKeyPolicy`; AWS Support is the only other way back",
            ),
            _ => (
                "its policy denies everybody of the account to change or delete it",
                "exempt a role; the account's root user can still put a bucket policy, unless an organization's policy or a VPC endpoint stops it",
            ),
        };
        found.push(about(of(codes::LW0471), (name, &one.kind), &origin, message, help));
    }
}

/// Who might be able to change a policy: anybody of the account, and whoever the policy itself names.
fn candidates(state: &State, guarded: &Guarded) -> Vec<String> {
    let partition = guarded.partition;
    let account = &guarded.account;
    let mut all = vec![format!("arn:{partition}:iam::{account}:role/anybody")];
    let mut texts = Vec::new();
    guarded.policies.iter().for_each(|held| arns(&held.document, &mut texts));
    let own = |text: &String| text.contains(&format!(":iam::{account}:"));
    let plain = texts.into_iter().filter(own).map(|text| text.replace(['*', '?'], "x"));
    all.extend(plain.filter(|text| text.contains(":role/") || text.contains(":user/")));
    all.extend(
        state
            .principals
            .iter()
            .filter(|(_, one)| one.account == *account)
            .map(|(name, _)| name.clone()),
    );
    all.dedup();
    all
}

fn arns(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Str(text) if text.starts_with("arn:") => found.push(text.to_string()),
        Value::List(list) => list.iter().for_each(|one| arns(one, found)),
        Value::Map(map) => map.iter().for_each(|(_, one)| arns(one, found)),
        _ => {}
    }
}
