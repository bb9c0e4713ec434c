//! Rules over what is let in from outside, what locks its own people out, and what nobody read.

use super::Finding;
use super::ground::{Attached, Ground, Said, about};
use super::table::of;
use super::trust::ORGANIZATION;
use crate::access::reach::{Reached, Subject, Target};
use crate::access::{Guarded, State};
use crate::catalogue::watched;
use crate::diagnostic as codes;
use crate::document::Value;
use crate::verdict::public::{Publicity, publicity};
use crate::verdict::{Document, Name};

pub(super) fn public(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Resource).chain(ground.allows(Attached::Trust)) {
        let alone = Document { statements: vec![said.statement.clone()] };
        // `kms:CallerAccount` is what S3's page on "public" cannot know of
        if publicity(&[alone]) == Publicity::NotPublic || said.bound(&["kms:calleraccount"]).is_some() {
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
    let own = said.kind == "AWS::KMS::Key";
    let kind = said.kind.rsplit("::").next().unwrap_or_default().to_lowercase();
    let targets: Vec<Target> = match own {
        true => vec![ground.target(said.holder, "key")],
        false => {
            let target = |resource: Value| Target {
                kind: kind.clone(),
                resource,
                guard: said.holder.to_owned(),
            };
            said.resources().into_iter().map(target).collect()
        }
    };
    let actions: Vec<String> = match said.statement.actions.not {
        true => vec!["*".to_owned()],
        false => said.statement.actions.items.iter().map(|one| one.shown()).collect(),
    };
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

pub(super) fn services(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Resource).chain(ground.allows(Attached::Trust)) {
        let items = said.statement.principals.as_ref().map_or(&[][..], |listed| &listed.items);
        let on = if said.attached == Attached::Trust { "trust" } else { said.kind };
        if said.bound(&SOURCE).is_some() || said.bound(&ORGANIZATION).is_some() {
            continue;
        }
        for name in items {
            let Name::Other { kind, text } = name else { continue };
            let plain = without_region(text);
            let silent = |one: &&watched::Silent| one.service == plain && one.on == on;
            if kind != "Service" || watched::watched().silent.iter().find(silent).is_some() {
                continue;
            }
            let message = format!("{text} may act here for any account");
            let help = "test `aws:SourceAccount`, and `aws:SourceArn` where the service sends it";
            found.push(said.finding(of(codes::LW0475), message, help));
        }
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
