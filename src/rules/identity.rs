//! Rules over identity policies: what one principal may do.

use super::Finding;
use super::ground::{Attached, Ground, Said, about, some_of};
use super::table::of;
use crate::catalogue::escalations::escalations;
use crate::catalogue::{iam, watched};
use crate::diagnostic as codes;
use crate::verdict::effective::of_anybody;
use crate::verdict::read::Effect;
use crate::verdict::{Document, Kind, Options, Verdict, compare};

/// The keys that say whose bucket it is.
const OWNER: [&str; 4] =
    ["aws:resourceaccount", "s3:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"];

pub(super) fn everything(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let help = "name the actions and the resources that it needs";
    for said in ground.allows(Attached::Identity) {
        if said.is_everything() && said.is_everywhere() && ground.stands(said, "*") {
            found.push(said.finding(of(codes::LW0445), "may do everything to everything", help));
        }
    }
    for (name, one) in &ground.state.principals {
        if let Some(said) = together(ground, name) {
            let message = "may do everything to everything, by several statements together";
            found.push(said.finding(of(codes::LW0445), message, help));
        }
        let managed = |arn: &&String| named(arn, &watched::watched().managed.everything);
        for arn in one.attached.iter().filter(managed) {
            let origin = one.origin.clone().unwrap_or_default();
            let message = format!("has {arn} attached: everything on everything");
            let told = about(of(codes::LW0445), (name, one.kind.as_str()), &origin, message, help);
            found.push(told);
        }
    }
}

/// The first of several statements of a principal that allow everything only together: all but some actions, and these.
fn together<'g, 's>(ground: &'g Ground<'s>, name: &str) -> Option<&'g Said<'s>> {
    let own = |said: &&Said<'_>| {
        said.holder == name && said.statement.conditions.is_empty() && said.is_everywhere()
    };
    let own: Vec<&Said<'_>> = ground.allows(Attached::Identity).filter(own).collect();
    if own.len() < 2
        || own.iter().any(|said| said.is_everything())
        || !own.iter().any(|said| said.statement.actions.not)
    {
        return None;
    }
    let statements = own.iter().map(|said| said.statement.clone()).collect();
    let all =
        compare(&[Document { statements }], &[of_anybody()], Kind::Identity, &Options::default());
    let whole = matches!(all.verdict, Verdict::Equivalent | Verdict::Narrowed);
    own.into_iter().next().filter(|said| whole && ground.stands(said, "*"))
}

/// Whether an ARN is one of AWS's own policies of these names.
fn named(arn: &str, names: &[String]) -> bool {
    let Some((head, name)) = arn.rsplit_once('/') else { return false };
    head.contains(":iam::aws:policy") && names.iter().any(|known| known == name)
}

pub(super) fn whole_services(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Identity) {
        if said.statement.actions.not {
            continue;
        }
        let patterns = said.statement.actions.items.iter().map(|one| one.shown());
        let whole = patterns.filter(|one| one.ends_with(":*") && !one.starts_with('*'));
        let whole: Vec<String> = whole.filter(|one| ground.stands(said, one)).collect();
        if !whole.is_empty() {
            let names: Vec<&str> = whole.iter().map(String::as_str).collect();
            let message = format!("may do {} on {}", some_of(&names), said.place());
            let help = "name the actions; what the service adds later is then not allowed unseen";
            found.push(said.finding(of(codes::LW0446), message, help).listing(&names));
        }
    }
}

pub(super) fn escalation(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Identity) {
        // what is everything has a rule of its own
        if said.is_everything() && said.is_everywhere() {
            continue;
        }
        if said.bound(&["iam:permissionsboundary"]).is_some() {
            continue;
        }
        let actions: Vec<&str> = said
            .of("edit_policies")
            .into_iter()
            .filter(|action| ground.stands(said, action))
            .collect();
        if !actions.is_empty() {
            let message = format!("can {} on {}", some_of(&actions), said.place());
            let help = "take it away, or hold it with a condition on `iam:PermissionsBoundary`";
            found.push(said.finding(of(codes::LW0447), message, help).listing(&actions));
        }
    }
    for (name, one) in &ground.state.principals {
        let managed = |arn: &&String| named(arn, &watched::watched().managed.policies);
        for arn in one.attached.iter().filter(managed) {
            let origin = one.origin.clone().unwrap_or_default();
            let message =
                format!("has {arn} attached, with which it writes policies or passes roles");
            let help = "attach a policy that names what it needs";
            let told = about(of(codes::LW0447), (name, one.kind.as_str()), &origin, message, help);
            found.push(told);
        }
    }
}

pub(super) fn pass_role(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    let ways = escalations();
    let key = ways.condition.to_ascii_lowercase();
    for said in ground.allows(Attached::Identity) {
        if (said.is_everything() && said.is_everywhere()) || !said.speaks_of(&ways.pass) {
            continue;
        }
        let wide = match &said.statement.resources {
            Some(listed) => listed.not || listed.items.iter().any(|one| one.shown().contains('*')),
            None => true,
        };
        let open = said.bound(&[&key]).is_none();
        if !(wide || open) || !ground.stands(said, &ways.pass) {
            continue;
        }
        let message = match (wide, open) {
            (true, true) => format!("can hand {} to any service", said.place()),
            (true, false) => format!("can hand every role of {} to a service", said.place()),
            _ => format!("can hand {} to any service", said.place()),
        };
        let help = format!("name one role, and the service with `{}`", ways.condition);
        found.push(said.finding(of(codes::LW0448), message, help));
    }
}

pub(super) fn resource_account(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Identity) {
        if said.statement.actions.not || said.is_everything() || said.bound(&OWNER).is_some() {
            continue;
        }
        let mut patterns = said.statement.actions.items.iter().map(|one| one.shown());
        let on_buckets = |pattern: &String| {
            let s3 = pattern.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("s3:"));
            s3 && iam::matching(pattern).any(|action| {
                action.resources.iter().any(|on| matches!(on.resource, "bucket" | "object"))
            })
        };
        // a Deny, or the boundary, may keep it to an account all the same
        let stranger = Some(("aws:ResourceAccount", "000000000000"));
        let open =
            |pattern: &String| on_buckets(pattern) && ground.stands_where(said, pattern, stranger);
        if patterns.any(|pattern| open(&pattern)) {
            let message = format!("reaches {} whoever owns the bucket", said.place());
            let help = "add `\"StringEquals\": {\"aws:ResourceAccount\": \"ACCOUNT\"}`";
            found.push(said.finding(of(codes::LW0449), message, help));
        }
    }
}

pub(super) fn exclusions(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.said.iter().filter(|said| said.statement.effect == Effect::Allow) {
        let statement = &said.statement;
        let elements = [
            ("NotAction", statement.actions.not),
            ("NotResource", statement.resources.as_ref().is_some_and(|one| one.not)),
            ("NotPrincipal", statement.principals.as_ref().is_some_and(|one| one.not)),
        ];
        let named: Vec<&str> =
            elements.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if !named.is_empty() {
            let message = format!("an Allow with `{}`", named.join("` and `"));
            let help = "name what is allowed; exclusions belong into a Deny";
            found.push(said.finding(of(codes::LW0450), message, help));
        }
    }
}

pub(super) fn every_key(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Identity) {
        if said.is_everything() || said.statement.actions.not {
            continue;
        }
        let wide = |text: &str| {
            text == "*"
                || (text.contains(":kms:") && text.ends_with(['*']) && !text.contains("key/"))
                || text.ends_with(":key/*")
        };
        let listed = said.statement.resources.as_ref();
        let everywhere =
            listed.is_some_and(|all| all.not || all.items.iter().any(|one| wide(&one.shown())));
        // a condition on the key itself names keys as the resource would
        let by_key = said.bound(&["kms:resourcealiases", "kms:requestalias", "aws:resourcetag/*"]);
        if !everywhere || by_key.is_some() {
            continue;
        }
        let actions: Vec<&str> =
            said.of("decrypt").into_iter().filter(|action| ground.stands(said, action)).collect();
        if !actions.is_empty() {
            let message = format!("may {} with {}", some_of(&actions), said.place());
            let help = "name the keys";
            found.push(said.finding(of(codes::LW0453), message, help).listing(&actions));
        }
    }
}

pub(super) fn catalog(ground: &Ground<'_>, found: &mut Vec<Finding>) {
    for said in ground.allows(Attached::Identity) {
        if said.statement.actions.not || said.is_everything() {
            continue;
        }
        let mut patterns = said.statement.actions.items.iter().map(|one| one.shown());
        let of_glue = |pattern: &String| {
            let glue = pattern.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("glue:"));
            glue && iam::matching(pattern).any(|action| {
                action.resources.iter().any(|on| matches!(on.resource, "database" | "table"))
            })
        };
        if !patterns.any(|pattern| of_glue(&pattern)) {
            continue;
        }
        let Some(listed) = &said.statement.resources else { continue };
        let shown: Vec<String> = listed.items.iter().map(|one| one.shown()).collect();
        let above = |text: &&String| {
            let last = text.splitn(6, ':').nth(5).unwrap_or(text);
            let glue = text.as_str() == "*" || text.contains(":glue:");
            let levels: Vec<&str> = last.split('/').collect();
            glue && match levels.as_slice() {
                ["*"] | [_, "*"] => true,
                ["table", database, ..] => database.contains('*'),
                ["database", database] => database.contains('*'),
                _ => false,
            }
        };
        if let Some(wide) = shown.iter().find(above) {
            let message = format!("reaches {wide}");
            let help = "name the catalog, the database and its tables, each with an ARN of its own";
            found.push(said.finding(of(codes::LW0468), message, help));
        }
    }
}
