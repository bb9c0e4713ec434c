//! Rules over key policies, and over grants of keys in any policy.

use super::Finding;
use super::ground::{Attached, Ground, Said, some_of};
use super::table::of;
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
    for said in of_keys(ground) {
        let all = said.of("all_of_keys").len() == watched::set("all_of_keys").actions.len();
        let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        let root =
            |name: &Name| matches!(name, Name::Account { account, .. } if account == said.account);
        let others = items.iter().any(|name| !root(name) && *name != Name::Everyone);
        if all && others {
            let message = "a principal beside the account's root administers the key and uses it";
            let help = "name what it administers or what it uses, not both";
            found.push(said.finding(of(codes::LW0452), message, help));
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
            let stands = said.attached == Attached::Resource || ground.stands(said, action);
            if stands {
                let message = format!("{action} for anybody, not for services only");
                let help = "add `\"Bool\": {\"kms:GrantIsForAWSResource\": \"true\"}`";
                found.push(said.finding(of(codes::LW0454), message, help));
            }
        }
    }
}
