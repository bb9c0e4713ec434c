//! Rules over key policies, and over grants of keys in any policy.

use std::collections::BTreeMap;

use super::Finding;
use super::ground::{Attached, Ground, Said, some_of};
use super::table::of;
use crate::access::reach::{Reached, Subject};
use crate::catalogue::watched;
use crate::diagnostic as codes;
use crate::verdict::Name;
use crate::verdict::read::Effect;

fn of_keys<'g, 's>(ground: &'g Ground<'s>) -> impl Iterator<Item = &'g Said<'s>> {
    ground.allows(Attached::Resource).filter(|said| said.kind == "AWS::KMS::Key")
}

/// Whether the account of the key itself is among those named.
fn names_own(said: &Said<'_>) -> bool {
    let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
    items.iter().any(|name| match name {
        Name::Account { account, .. } => account == said.account,
        _ => false,
    })
}

/// The keys by which a statement for an account says through what or for whom.
const NARROW: [&str; 6] = [
    "kms:viaservice",
    "kms:encryptioncontext:*",
    "aws:principalarn",
    "aws:principaltag/*",
    "aws:principalorgid",
    "kms:grantisforawsresource",
];

pub(super) fn whole_account(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in of_keys(ground) {
        let used = said.of("use_key");
        if used.is_empty() || !names_own(said) || said.bound(&NARROW).is_some() {
            continue;
        }
        let message = format!("account {} as a whole may {}", said.account, some_of(&used));
        let help = "leave the account what administers the key, and name those who use it, or add `kms:ViaService`";
        found.push(said.finding(of(codes::LW0451), message, help).listing(&used));
    }
}

pub(super) fn everything(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let message = "a principal beside the account's root administers the key and uses it";
    let help = "name what it administers or what it uses, not both";
    let actions = &watched::set("all_of_keys").actions;
    let names = |said: &Said<'_>| -> Vec<Name> {
        let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        let root =
            |name: &Name| matches!(name, Name::Account { account, .. } if account == said.account);
        items.iter().filter(|name| !root(name) && **name != Name::Everyone).cloned().collect()
    };
    // whom a key's policy names, and by which statements
    let mut named: BTreeMap<(&str, Name), Vec<&Said<'_>>> = BTreeMap::new();
    for said in of_keys(ground) {
        let all = said.of("all_of_keys").len() == actions.len();
        let others = names(said);
        if all && !others.is_empty() {
            found.push(said.finding(of(codes::LW0452), message, help));
            continue;
        }
        for name in others {
            named.entry((said.holder, name)).or_default().push(said);
        }
    }
    // what one of them may altogether, by its own policies too
    for ((key, name), statements) in named {
        let (word, account, path) = match &name {
            Name::Role { account, path, .. } => ("role", account, path),
            Name::User { account, path, .. } => ("user", account, path),
            _ => continue,
        };
        let partition = ground.state.resources.get(key).map_or("aws", |one| one.partition);
        let who = format!("arn:{partition}:iam::{account}:{word}/{path}");
        let target = ground.target(key, "key");
        let subject = Subject::Named(who.clone());
        let may = |action: &String| match ground.judge.ask(&subject, action, &target, None, false) {
            Reached::Yes { .. } => true,
            Reached::No { .. } => false,
            Reached::Unknown { .. } => statements.iter().any(|said| said.speaks_of(action)),
        };
        if actions.iter().all(may) {
            let told = statements[0].finding(
                of(codes::LW0452),
                format!("{who} administers the key and uses it, by several statements together"),
                help,
            );
            found.push(told);
        }
    }
}

pub(super) fn grants(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.said.iter().filter(|said| said.statement.effect == Effect::Allow) {
        let on_key = match said.attached {
            Attached::Identity => !said.is_everything(),
            // what the account as a whole may is for its identity policies to hold
            Attached::Resource => said.kind == "AWS::KMS::Key" && !names_own(said),
            Attached::Trust => false,
        };
        if !on_key || said.demands("kms:grantisforawsresource", "true") {
            continue;
        }
        for action in said.of("make_grant") {
            // a Deny of all that is not for a service leaves it to services
            let anybody = Some(("kms:GrantIsForAWSResource", "false"));
            let stands =
                said.attached == Attached::Resource || ground.stands_where(said, action, anybody);
            if stands {
                let message = format!("{action} for anybody, not for services only");
                let help = "add `\"Bool\": {\"kms:GrantIsForAWSResource\": \"true\"}`";
                found.push(said.finding(of(codes::LW0454), message, help));
            }
        }
    }
}
